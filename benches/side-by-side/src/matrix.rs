//! The event cache of the Matrix SDK, from its published crate: what a client of that SDK keeps of
//! its rooms, and `remove_room`, which is what the SDK calls for a room that the user forgets.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use matrix_sdk_base::deserialized_responses::TimelineEvent;
use matrix_sdk_base::event_cache::store::{DEFAULT_CHUNK_CAPACITY, EventCacheStore};
use matrix_sdk_base::event_cache::{Event, Gap};
use matrix_sdk_base::linked_chunk::{ChunkIdentifier, LinkedChunkId, Position, Update};
use matrix_sdk_base::ruma::serde::Raw;
use matrix_sdk_base::ruma::{OwnedRoomId, RoomId};
use matrix_sdk_sqlite::SqliteEventCacheStore;
use rusqlite::Connection;
use serde_json::json;
use tokio::runtime::{Builder, Runtime};

use crate::log::{Log, Message};
use crate::{Store, TOGETHER};

/// The file that the crate makes.
const DATABASE: &str = "matrix-sdk-event-cache.sqlite3";

/// One store, and where it is.
pub struct Matrix {
    runtime: Runtime,
    /// None while this is dropped.
    store: Option<SqliteEventCacheStore>,
    folder: PathBuf,
}

impl Matrix {
    /// Makes one; with a passphrase the crate encrypts events, all under one key.
    pub fn open(folder: &Path, passphrase: Option<&str>) -> Result<Self> {
        let runtime = Builder::new_current_thread().build()?;
        let store = runtime.block_on(SqliteEventCacheStore::open(folder, passphrase))?;
        Ok(Self {
            runtime,
            store: Some(store),
            folder: folder.to_owned(),
        })
    }

    fn store(&self) -> Result<&SqliteEventCacheStore> {
        self.store.as_ref().context("the store is closed")
    }
}

impl Drop for Matrix {
    fn drop(&mut self) {
        // Its connections close on the runtime's threads, and look for it here.
        let _inside = self.runtime.enter();
        self.store = None;
    }
}

fn room(conversation: usize) -> Result<OwnedRoomId> {
    Ok(RoomId::parse(format!("!peer{conversation}:example.org"))?)
}

fn event(message: &Message) -> Result<Event> {
    let text = json!({
        "type": "m.room.message",
        "event_id": format!("${}-{}:example.org", message.conversation, message.position),
        "sender": format!("@{}:example.org", message.sender),
        "origin_server_ts": message.time * 1_000,
        "content": { "msgtype": "m.text", "body": message.text },
    });
    Ok(TimelineEvent::from_plaintext(Raw::from_json_string(
        text.to_string(),
    )?))
}

/// Where the next event of a room goes.
#[derive(Default)]
struct End {
    chunks: u64,
    /// Events in the last chunk.
    taken: usize,
}

impl End {
    /// The events as the SDK's own list of chunks tells its store of them.
    fn push(&mut self, events: Vec<Event>) -> Vec<Update<Event, Gap>> {
        let mut updates = Vec::new();
        let mut events = events.into_iter().peekable();
        while events.peek().is_some() {
            if self.chunks == 0 || self.taken == DEFAULT_CHUNK_CAPACITY {
                updates.push(Update::NewItemsChunk {
                    previous: self.chunks.checked_sub(1).map(ChunkIdentifier::new),
                    new: ChunkIdentifier::new(self.chunks),
                    next: None,
                });
                self.chunks += 1;
                self.taken = 0;
            }
            let room = DEFAULT_CHUNK_CAPACITY - self.taken;
            let items: Vec<_> = events.by_ref().take(room).collect();
            let at = Position::new(ChunkIdentifier::new(self.chunks - 1), self.taken);
            self.taken += items.len();
            updates.push(Update::PushItems { at, items });
        }
        updates
    }
}

impl Store for Matrix {
    fn save(&mut self, log: &Log) -> Result<()> {
        let mut ends: HashMap<usize, End> = HashMap::new();
        for some in log.messages.chunks(TOGETHER) {
            let mut arrived: BTreeMap<usize, Vec<Event>> = BTreeMap::new();
            for message in some {
                let of_room = arrived.entry(message.conversation).or_default();
                of_room.push(event(message)?);
            }
            for (conversation, events) in arrived {
                let updates = ends.entry(conversation).or_default().push(events);
                let room = room(conversation)?;
                let id = LinkedChunkId::Room(&room);
                let saved = self.store()?.handle_linked_chunk_updates(id, updates);
                self.runtime.block_on(saved)?;
            }
        }
        Ok(())
    }

    fn rest(&mut self) -> Result<()> {
        let connection = Connection::open(self.folder.join(DATABASE))?;
        let busy: i64 =
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        ensure!(busy == 0, "the log was not emptied");
        Ok(())
    }

    fn delete(&mut self, conversation: usize) -> Result<()> {
        let room = room(conversation)?;
        self.runtime.block_on(self.store()?.remove_room(&room))?;
        Ok(())
    }

    fn still_given(&mut self, conversation: usize) -> Result<Option<usize>> {
        let room = room(conversation)?;
        let events = self.store()?.get_room_events(&room, None, None);
        let events = self.runtime.block_on(events);
        Ok(Some(events.context("cannot ask for the events")?.len()))
    }
}
