//! The embedded engine: one SQLite file, one process.
//!
//! One thread writes ([`writer`]), a few connections read ([`readers`]), one thread keeps the
//! write-ahead log short ([`upkeep`]). The rest are the operations, each in the file of its noun.

mod accounts;
mod deletions;
mod groups;
mod import;
mod lock;
mod names;
mod purge;
mod readers;
mod reading;
mod schema;
mod sending;
mod settings;
mod upkeep;
mod views;
mod writer;

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use parking_lot::Mutex;

use super::{
    Account, C2cMessage, Deletion, DeletionRecord, FriendPage, GroupMessage, GroupPage, GroupQuery,
    HistoryPage, HistoryQuery, Imported, Joined, LoggedMessage, NewFriend, NewGroup, OwnedView,
    RoamPage, RoamQuery, Sent, Settings, Storage, SyncPage, SyncQuery,
};
use crate::Result;

/// A store in one file.
pub struct Sqlite {
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
        let writer = Arc::new(writer::Writer::start(schema::open_writer(path)?)?);
        let readers = readers::Readers::open(path)?;
        let upkeep = upkeep::Upkeep::start(path, Arc::clone(&writer))?;
        Ok(Self {
            upkeep,
            readers,
            writer,
            lock: Mutex::new(Some(lock)),
        })
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
        self.writer
            .run(move |connection| settings::set_sync_deletions(connection, on))
            .await
    }

    async fn import_account(&self, account: Account) -> Result<()> {
        self.writer
            .run(move |connection| accounts::import(connection, &account))
            .await
    }

    async fn send_c2c(&self, message: C2cMessage) -> Result<Sent> {
        self.writer
            .run(move |connection| sending::send_c2c(connection, &message))
            .await
    }

    async fn send_group(&self, message: GroupMessage) -> Result<Sent> {
        self.writer
            .run(move |connection| sending::send_group(connection, &message))
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
        self.writer
            .run(move |connection| groups::create(connection, &group))
            .await
    }

    async fn add_members(&self, group: &str, accounts: Vec<String>) -> Result<Vec<Joined>> {
        let group = group.to_owned();
        self.writer
            .run(move |connection| groups::add_members(connection, &group, &accounts))
            .await
    }

    async fn remove_members(&self, group: &str, accounts: Vec<String>) -> Result<()> {
        let group = group.to_owned();
        self.writer
            .run(move |connection| groups::remove_members(connection, &group, &accounts))
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
        self.writer
            .run(move |connection| Ok(deletions::delete_all(connection, &deletions)))
            .await
    }

    async fn sync(&self, query: SyncQuery) -> Result<SyncPage> {
        self.readers
            .run(move |connection| views::page(connection, &query))
            .await
    }

    async fn recent_deletions(&self, limit: usize) -> Result<Vec<DeletionRecord>> {
        self.readers
            .run(move |connection| deletions::recent(connection, limit))
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
