//! The server's sync cursor: what it did not give is none, whatever it looks like; what it gave opens
//! for its bearer as what it was. And a position that no store gave, as one of a restored or a foreign
//! database would be, is answered page by page to an end, with nobody else's views.

#![cfg_attr(feature = "libfuzzer", no_main)]

#[cfg(not(feature = "libfuzzer"))]
mod replay;

#[path = "../../server/src/cursor.rs"]
#[allow(dead_code, reason = "as in the server, where more of it is used")]
mod cursor;

/// What the server's file looks for.
mod storage {
    pub use adieu_server::storage::{Known, SyncPosition};
}

use std::sync::{Arc, OnceLock};

use adieu_protocol::ConversationId;
use adieu_server::storage::{
    self as stored, Account, C2cMessage, Deletion, Draft, Storage, SyncQuery, view::Extent,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use cursor::{Bearer, Cursors};
use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use storage::{Known, SyncPosition};

const PEERS: [&str; 6] = ["b", "c", "d", "e", "f", "g"];
/// Pages after which a pass that goes on goes in circles.
const MOST_PAGES: usize = 20;

/// A store in which `a` has talked to all others and deleted a part of it.
struct World {
    runtime: tokio::runtime::Runtime,
    storage: Arc<dyn Storage>,
    /// Where a device stands that knows everything.
    now: SyncPosition,
    _folder: tempfile::TempDir,
}

fn query(position: Option<SyncPosition>, limit: usize) -> SyncQuery {
    SyncQuery {
        owner: "a".to_owned(),
        device: Some("phone".to_owned()),
        position,
        limit,
    }
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let runtime = runtime.expect("a runtime can be made");
        let (storage, now) = runtime.block_on(async {
            let path = folder.path().join("store.db");
            let path = path.to_str().expect("folders have names in UTF-8");
            let storage = stored::open(path).await.expect("a new store opens");
            for name in PEERS.into_iter().chain(["a"]) {
                let account = Account {
                    name: name.to_owned(),
                    ..Account::default()
                };
                storage.import_account(account).await.expect("taken");
            }
            for (random, peer) in PEERS.into_iter().cycle().take(30).enumerate() {
                let message = C2cMessage {
                    draft: Draft {
                        sender: peer.to_owned(),
                        time: 1_700_000_000,
                        random: random as u32,
                        body: r#"[{"MsgType":"T","MsgContent":{}}]"#.to_owned(),
                        ..Draft::default()
                    },
                    receiver: "a".to_owned(),
                    receiver_only: false,
                };
                storage.send_c2c(message).await.expect("taken");
            }
            let deletion = Deletion {
                owner: "a".to_owned(),
                conversation: ConversationId::C2c("c".into()),
                extent: Extent::Conversation,
                cut_off: None,
                id: None,
                device: None,
                now: 1_700_000_000,
            };
            storage.delete(vec![deletion]).await.expect("done");
            let page = storage.sync(query(None, 100)).await.expect("answered");
            assert!(page.complete && page.views.len() == PEERS.len());
            (storage, page.position)
        });
        Self {
            runtime,
            storage,
            now,
            _folder: folder,
        }
    }
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(World::new)
}

/// Near what is real as often as far from it.
fn number(input: &mut Unstructured<'_>, near: u64) -> Result<u64> {
    match input.int_in_range(0..=2)? {
        0 => input.arbitrary(),
        1 => input.int_in_range(0..=near + 2),
        _ => Ok(near),
    }
}

fn known(input: &mut Unstructured<'_>, near: &Known) -> Result<Known> {
    Ok(Known {
        through: number(input, near.through)?,
        without: input.arbitrary()?,
    })
}

fn position(input: &mut Unstructured<'_>, now: &SyncPosition) -> Result<SyncPosition> {
    Ok(SyncPosition {
        incarnation: number(input, now.incarnation)?,
        since: known(input, &now.since)?,
        target: known(input, &now.target)?,
        after: number(input, PEERS.len() as u64)?,
    })
}

/// One cursor: given, opened, and changed.
fn given_and_opened(position: &SyncPosition, input: &mut Unstructured<'_>) -> Result<()> {
    let cursors = Cursors::new(b"a secret that is not in the input");
    let bearer = Bearer {
        owner: "a",
        device: Some("phone"),
        gets_deletions: input.arbitrary()?,
    };
    let cursor = cursors.seal(bearer, position);
    assert_eq!(cursors.open(bearer, &cursor).as_ref(), Some(position));
    let stranger = Bearer {
        owner: "b",
        ..bearer
    };
    assert_eq!(cursors.open(stranger, &cursor), None);
    let mut bytes = URL_SAFE_NO_PAD.decode(&cursor).expect("it is base64");
    let at = input.choose_index(bytes.len())?;
    bytes[at] ^= input.int_in_range(1..=255)?;
    let changed = URL_SAFE_NO_PAD.encode(&bytes);
    assert_eq!(cursors.open(bearer, &changed), None, "a forged cursor");
    let any: &[u8] = input.bytes(input.len())?;
    let spelled = String::from_utf8_lossy(any);
    for forged in [&*spelled, &URL_SAFE_NO_PAD.encode(any)] {
        assert_eq!(cursors.open(bearer, forged), None, "a forged cursor");
    }
    Ok(())
}

/// One pass from a position to its end.
async fn passes(storage: &dyn Storage, from: SyncPosition, limit: usize) {
    let mut at = from;
    for _ in 0..MOST_PAGES {
        let page = storage.sync(query(Some(at), limit)).await;
        let page = page.expect("a position is answered, whatever it says");
        assert!(page.views.len() <= limit);
        assert!(page.views.is_sorted_by_key(|view| view.key));
        if page.complete {
            return;
        }
        at = page.position;
    }
    panic!("a pass goes in circles");
}

fuzz_target!(|data: &[u8]| {
    let world = world();
    let mut input = Unstructured::new(data);
    let Ok(from) = position(&mut input, &world.now) else {
        return;
    };
    let limit = input.int_in_range(1..=8).unwrap_or(1);
    world
        .runtime
        .block_on(passes(&*world.storage, from.clone(), limit));
    let _ = given_and_opened(&from, &mut input);
});

#[cfg(not(feature = "libfuzzer"))]
fn main() {
    replay::all();
}
