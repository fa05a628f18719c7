//! The embedded engine: one SQLite file, one process.
//!
//! One thread writes ([`writer`]), a few connections read ([`readers`]), one thread keeps the
//! write-ahead log short ([`upkeep`]). The rest are the operations, each in the file of its noun.

mod accounts;
mod deletions;
mod groups;
mod import;
mod incarnations;
mod lock;
mod migrations;
mod names;
mod purge;
mod readers;
mod reading;
mod schema;
mod sending;
mod settings;
mod syncing;
mod transfer;
mod upkeep;
mod views;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::sync::broadcast;

use super::{
    Account, C2cMessage, Changed, Deletion, DeletionRecord, FriendPage, GroupMessage, GroupPage,
    GroupQuery, HistoryPage, HistoryQuery, Imported, Joined, Known, LoggedMessage, NewFriend,
    NewGroup, OwnedView, RoamPage, RoamQuery, Sent, Settings, Standing, Storage, SyncPage,
    SyncPosition, SyncQuery,
    transfer::{Moved, Row, Table, Transfer},
};
use crate::Result;

/// Changes that a slow reader of them may be behind.
const CHANGES: usize = 4_096;

/// A store in one file.
pub struct Sqlite {
    path: PathBuf,
    incarnation: u64,
    changes: broadcast::Sender<Changed>,
    // In the order in which they have to go.
    upkeep: upkeep::Upkeep,
    readers: readers::Readers,
    writer: Arc<writer::Writer>,
    lock: Mutex<Option<lock::Lock>>,
}

impl Sqlite {
    /// Opens a store, or makes one.
    ///
    /// # Errors
    /// A path that cannot be used, a file of another program or of a newer version, or a store
    /// that another process has open. Nothing is overwritten.
    pub fn open(path: &Path) -> Result<Self> {
        let lock = lock::Lock::take(path)?;
        let connection = schema::open_writer(path)?;
        let incarnation = incarnations::begin(&connection)?;
        let writer = Arc::new(writer::Writer::start(connection)?);
        let readers = readers::Readers::open(path)?;
        let upkeep = upkeep::Upkeep::start(path, Arc::clone(&writer))?;
        Ok(Self {
            path: path.to_owned(),
            incarnation,
            changes: broadcast::Sender::new(CHANGES),
            upkeep,
            readers,
            writer,
            lock: Mutex::new(Some(lock)),
        })
    }

    /// Tells after the commit, on the thread that made it.
    fn telling(&self, changes: Vec<Changed>) -> impl FnOnce() + Send + 'static {
        let sender = self.changes.clone();
        move || {
            for change in changes {
                // Where nobody listens there is nobody to tell.
                let _ = sender.send(change);
            }
        }
    }
}

#[async_trait]
impl Storage for Sqlite {
    async fn settings(&self) -> Result<Settings> {
        self.readers.run(settings::load).await
    }

    async fn bind_app(&self, app_id: u64) -> Result<()> {
        self.writer
            .run(move |connection| settings::bind_app(connection, app_id))
            .await
    }

    async fn set_sync_deletions(&self, on: bool) -> Result<()> {
        let tell = self.telling(vec![Changed::Settings]);
        self.writer
            .run_and_tell(
                move |connection| settings::set_sync_deletions(connection, on),
                tell,
            )
            .await
    }

    async fn import_account(&self, account: Account) -> Result<()> {
        self.writer
            .run(move |connection| accounts::import(connection, &account))
            .await
    }

    async fn send_c2c(&self, message: C2cMessage) -> Result<Sent> {
        let tell = self.telling(vec![
            Changed::Views(message.receiver.clone()),
            Changed::Views(message.draft.sender.clone()),
        ]);
        self.writer
            .run_and_tell(
                move |connection| sending::send_c2c(connection, &message),
                tell,
            )
            .await
    }

    async fn send_group(&self, message: GroupMessage) -> Result<Sent> {
        let tell = self.telling(vec![Changed::Group(message.group.clone())]);
        self.writer
            .run_and_tell(
                move |connection| sending::send_group(connection, &message),
                tell,
            )
            .await
    }

    async fn roam(&self, query: RoamQuery) -> Result<RoamPage> {
        self.readers
            .run(move |connection| reading::roam(connection, &query))
            .await
    }

    async fn group_messages(&self, query: GroupQuery) -> Result<GroupPage> {
        self.readers
            .run(move |connection| reading::group_messages(connection, &query))
            .await
    }

    async fn history(&self, query: HistoryQuery) -> Result<HistoryPage> {
        self.readers
            .run(move |connection| reading::history(connection, &query))
            .await
    }

    async fn create_group(&self, group: NewGroup) -> Result<()> {
        let tell = self.telling(
            group
                .owner
                .iter()
                .chain(&group.members)
                .cloned()
                .map(Changed::Views)
                .collect(),
        );
        self.writer
            .run_and_tell(move |connection| groups::create(connection, &group), tell)
            .await
    }

    async fn add_members(&self, group: &str, accounts: Vec<String>) -> Result<Vec<Joined>> {
        let group = group.to_owned();
        let tell = self.telling(accounts.iter().cloned().map(Changed::Views).collect());
        self.writer
            .run_and_tell(
                move |connection| groups::add_members(connection, &group, &accounts),
                tell,
            )
            .await
    }

    async fn remove_members(&self, group: &str, accounts: Vec<String>) -> Result<()> {
        let group = group.to_owned();
        let tell = self.telling(accounts.iter().cloned().map(Changed::Views).collect());
        self.writer
            .run_and_tell(
                move |connection| groups::remove_members(connection, &group, &accounts),
                tell,
            )
            .await
    }

    async fn dissolve_group(&self, group: &str) -> Result<()> {
        let group = group.to_owned();
        self.writer
            .run(move |connection| groups::dissolve(connection, &group))
            .await
    }

    async fn add_friends(
        &self,
        owner: &str,
        friends: Vec<NewFriend>,
        both: bool,
        now: u64,
    ) -> Result<Vec<Result<()>>> {
        let owner = owner.to_owned();
        self.writer
            .run(move |connection| accounts::add_friends(connection, &owner, &friends, both, now))
            .await
    }

    async fn delete_friends(
        &self,
        owner: &str,
        friends: Vec<String>,
        both: bool,
    ) -> Result<Vec<Result<()>>> {
        let owner = owner.to_owned();
        self.writer
            .run(move |connection| accounts::delete_friends(connection, &owner, &friends, both))
            .await
    }

    async fn friends(&self, owner: &str, start: usize, limit: usize) -> Result<FriendPage> {
        let owner = owner.to_owned();
        self.readers
            .run(move |connection| accounts::friends(connection, &owner, start, limit))
            .await
    }

    async fn views(&self, owner: &str) -> Result<Vec<OwnedView>> {
        let owner = owner.to_owned();
        self.readers
            .run(move |connection| views::all(connection, &owner))
            .await
    }

    async fn delete(&self, deletions: Vec<Deletion>) -> Result<Vec<Result<u64>>> {
        let tell = self.telling(
            deletions
                .iter()
                .map(|deletion| Changed::Deletion(deletion.owner.clone()))
                .collect(),
        );
        self.writer
            .run_and_tell(
                move |connection| deletions::delete_all(connection, &deletions),
                tell,
            )
            .await
    }

    async fn sync(&self, query: SyncQuery) -> Result<SyncPage> {
        // Where nothing at all has changed, ten thousand devices that ask need no look.
        let last = self.writer.last_change();
        let at_end = SyncPosition {
            incarnation: self.incarnation,
            since: Known::all_through(last),
            target: Known::all_through(last),
            after: 0,
        };
        if query.position.as_ref() == Some(&at_end) {
            return Ok(SyncPage {
                position: at_end,
                complete: true,
                ..SyncPage::default()
            });
        }
        let incarnation = self.incarnation;
        self.readers
            .run(move |connection| syncing::page(connection, &query, incarnation))
            .await
    }

    fn changes(&self) -> broadcast::Receiver<Changed> {
        self.changes.subscribe()
    }

    async fn members(&self, group: &str) -> Result<Vec<String>> {
        let group = group.to_owned();
        self.readers
            .run(move |connection| views::members(connection, &group))
            .await
    }

    async fn recent_deletions(&self, limit: usize) -> Result<Vec<DeletionRecord>> {
        self.readers
            .run(move |connection| deletions::recent(connection, limit))
            .await
    }

    async fn deletions_after(&self, number: u64, limit: usize) -> Result<Vec<DeletionRecord>> {
        self.readers
            .run(move |connection| deletions::after(connection, number, limit))
            .await
    }

    async fn reported_through(&self) -> Result<u64> {
        self.writer.run(settings::reported_through).await
    }

    async fn reports(&self) -> Result<bool> {
        // There is one process.
        Ok(true)
    }

    async fn set_reported_through(&self, number: u64) -> Result<()> {
        self.writer
            .run(move |connection| settings::set_reported_through(connection, number))
            .await
    }

    async fn standing(&self) -> Result<Standing> {
        let path = self.path.clone();
        self.readers
            .run(move |connection| purge::standing(connection, &path))
            .await
    }

    async fn import(&self, batch: Vec<LoggedMessage>) -> Result<Imported> {
        self.writer
            .run(move |connection| import::append(connection, &batch))
            .await
    }

    async fn purge_step(&self, now: u64) -> Result<bool> {
        let step = self
            .writer
            .run(move |connection| purge::step(connection, now))
            .await?;
        if step == purge::Step::Removed {
            self.upkeep.cut_log_when_quiet();
        }
        Ok(step != purge::Step::Idle)
    }

    async fn close(&self) -> Result<()> {
        self.upkeep.stop();
        self.readers.close();
        self.writer.stop();
        self.lock.lock().take();
        Ok(())
    }
}

#[async_trait]
impl Transfer for Sqlite {
    async fn page(&self, table: &'static Table, behind: Row, limit: usize) -> Result<Vec<Row>> {
        self.readers
            .run(move |connection| transfer::page(connection, table, &behind, limit))
            .await
    }

    async fn last_key(&self, table: &'static Table) -> Result<Row> {
        self.readers
            .run(move |connection| transfer::last_key(connection, table))
            .await
    }

    async fn take_in(&self, table: &'static Table, rows: Vec<Row>) -> Result<()> {
        self.writer
            .run(move |connection| transfer::take_in(connection, table, &rows))
            .await
    }

    async fn moved(&self) -> Result<Moved> {
        self.readers.run(transfer::moved).await
    }

    async fn settle(&self, moved: Moved) -> Result<()> {
        self.writer
            .run(move |connection| transfer::settle(connection, &moved))
            .await
    }
}
