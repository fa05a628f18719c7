//! The engine to grow on: a PostgreSQL database, and as many processes on it as one likes.
//!
//! Rows are locked in one order: the conversation, then views. Every operation that writes is one
//! transaction ([`session`]), taken again where somebody else was quicker or the database went
//! away ([`database`]). The order of changes comes from the transactions themselves ([`clock`]);
//! what others did is looked for by one task ([`follow`]). The rest are the operations, each in
//! the file of its noun.

mod accounts;
mod clock;
mod connect;
mod database;
mod deletions;
mod failure;
mod follow;
mod groups;
mod import;
mod migrations;
mod names;
mod purge;
mod reading;
mod sending;
mod session;
mod settings;
mod syncing;
mod transfer;
mod views;

use std::sync::Arc;

use async_trait::async_trait;
use tokio::{
    sync::{Notify, broadcast},
    task::JoinHandle,
};

use super::{
    Account, C2cMessage, Changed, Deletion, DeletionRecord, FriendPage, GroupMessage, GroupPage,
    GroupQuery, HistoryPage, HistoryQuery, Imported, Joined, LoggedMessage, NewFriend, NewGroup,
    OwnedView, RoamPage, RoamQuery, Sent, Settings, Standing, Storage, SyncPage, SyncQuery,
    transfer::{Moved, Row, Table, Transfer},
};
use crate::Result;
use database::{Database, unusable};
use follow::{Follower, Place, Reporting};
use transfer::{Asked, Given};

/// The format of the tables that this code reads and writes.
const FORMAT: i32 = 1;
/// Changes that a slow reader of them may be behind.
const CHANGES: usize = 8_192;

/// A store in a PostgreSQL database.
pub struct Postgres {
    database: Database,
    changes: broadcast::Sender<Changed>,
    follower: JoinHandle<()>,
    reporting: Arc<Reporting>,
}

impl Postgres {
    /// Opens the database of a URL, and makes its tables if there are none.
    ///
    /// # Errors
    /// A URL that cannot be used, a database that cannot be reached or that belongs to another
    /// program or to a newer version.
    pub async fn open(url: &str) -> Result<Self> {
        let address = connect::Address::parse(url)?;
        let pool = connect::pool(&address)?;
        let (client, connection) = connect::alone(&address).await.map_err(unusable)?;
        let driver = tokio::spawn(connection);
        let place = async {
            migrations::bring_up(&client).await?;
            clock::enter(&client).await?;
            Place::of(&client).await
        };
        let place = place.await.map_err(unusable)?;
        driver.abort();
        let committed = Arc::new(Notify::new());
        let changes = broadcast::Sender::new(CHANGES);
        let reporting = Arc::new(Reporting::default());
        let follower = Follower {
            committed: Arc::clone(&committed),
            changes: changes.clone(),
            reporting: Arc::clone(&reporting),
        };
        Ok(Self {
            database: Database { pool, committed },
            changes,
            follower: tokio::spawn(follower.run(address, place)),
            reporting,
        })
    }
}

#[async_trait]
impl Storage for Postgres {
    async fn settings(&self) -> Result<Settings> {
        self.database
            .read(&(), async |session, ()| settings::load(session).await)
            .await
    }

    async fn bind_app(&self, app_id: u64) -> Result<()> {
        self.database
            .write(&app_id, async |session, app_id| {
                settings::bind_app(session, *app_id).await
            })
            .await
    }

    async fn set_sync_deletions(&self, on: bool) -> Result<()> {
        self.database
            .write(&on, async |session, on| {
                settings::set_sync_deletions(session, *on).await
            })
            .await
    }

    async fn import_account(&self, account: Account) -> Result<()> {
        self.database.write(&account, accounts::import).await
    }

    async fn send_c2c(&self, message: C2cMessage) -> Result<Sent> {
        self.database.write(&message, sending::send_c2c).await
    }

    async fn send_group(&self, message: GroupMessage) -> Result<Sent> {
        self.database.write(&message, sending::send_group).await
    }

    async fn roam(&self, query: RoamQuery) -> Result<RoamPage> {
        self.database.read(&query, reading::roam).await
    }

    async fn group_messages(&self, query: GroupQuery) -> Result<GroupPage> {
        self.database.read(&query, reading::group_messages).await
    }

    async fn history(&self, query: HistoryQuery) -> Result<HistoryPage> {
        self.database.read(&query, reading::history).await
    }

    async fn create_group(&self, group: NewGroup) -> Result<()> {
        self.database.write(&group, groups::create).await
    }

    async fn add_members(&self, group: &str, accounts: Vec<String>) -> Result<Vec<Joined>> {
        self.database
            .write(
                &(group.to_owned(), accounts),
                async |session, (group, accounts)| {
                    groups::add_members(session, group, accounts).await
                },
            )
            .await
    }

    async fn remove_members(&self, group: &str, accounts: Vec<String>) -> Result<()> {
        self.database
            .write(
                &(group.to_owned(), accounts),
                async |session, (group, accounts)| {
                    groups::remove_members(session, group, accounts).await
                },
            )
            .await
    }

    async fn dissolve_group(&self, group: &str) -> Result<()> {
        self.database
            .write(&group.to_owned(), async |session, group| {
                groups::dissolve(session, group).await
            })
            .await
    }

    async fn add_friends(
        &self,
        owner: &str,
        friends: Vec<NewFriend>,
        both: bool,
        now: u64,
    ) -> Result<Vec<Result<()>>> {
        self.database
            .write(
                &(owner.to_owned(), friends, both, now),
                async |session, (owner, friends, both, now)| {
                    accounts::add_friends(session, owner, friends, *both, *now).await
                },
            )
            .await
    }

    async fn delete_friends(
        &self,
        owner: &str,
        friends: Vec<String>,
        both: bool,
    ) -> Result<Vec<Result<()>>> {
        self.database
            .write(
                &(owner.to_owned(), friends, both),
                async |session, (owner, friends, both)| {
                    accounts::delete_friends(session, owner, friends, *both).await
                },
            )
            .await
    }

    async fn friends(&self, owner: &str, start: usize, limit: usize) -> Result<FriendPage> {
        self.database
            .read(
                &(owner.to_owned(), start, limit),
                async |session, (owner, start, limit)| {
                    accounts::friends(session, owner, *start, *limit).await
                },
            )
            .await
    }

    async fn views(&self, owner: &str) -> Result<Vec<OwnedView>> {
        self.database
            .read(&owner.to_owned(), async |session, owner| {
                views::all(session, owner).await
            })
            .await
    }

    async fn delete(&self, deletions: Vec<Deletion>) -> Result<Vec<Result<u64>>> {
        self.database
            .write(&deletions[..], deletions::delete_all)
            .await
    }

    async fn sync(&self, query: SyncQuery) -> Result<SyncPage> {
        self.database.look(&query, syncing::page).await
    }

    fn changes(&self) -> broadcast::Receiver<Changed> {
        self.changes.subscribe()
    }

    async fn members(&self, group: &str) -> Result<Vec<String>> {
        self.database
            .read(&group.to_owned(), async |session, group| {
                views::members(session, group).await
            })
            .await
    }

    async fn recent_deletions(&self, limit: usize) -> Result<Vec<DeletionRecord>> {
        self.database
            .read(&limit, async |session, limit| {
                deletions::recent(session, *limit).await
            })
            .await
    }

    async fn deletions_after(&self, number: u64, limit: usize) -> Result<Vec<DeletionRecord>> {
        self.database
            .read(&(number, limit), async |session, (number, limit)| {
                deletions::after(session, *number, *limit).await
            })
            .await
    }

    async fn reported_through(&self) -> Result<u64> {
        self.database
            .write(&(), async |session, ()| {
                settings::reported_through(session).await
            })
            .await
    }

    async fn reports(&self) -> Result<bool> {
        Ok(self.reporting.ask())
    }

    async fn set_reported_through(&self, number: u64) -> Result<()> {
        self.database
            .write(&number, async |session, number| {
                settings::set_reported_through(session, *number).await
            })
            .await
    }

    async fn standing(&self) -> Result<Standing> {
        self.database
            .read(&(), async |session, ()| purge::standing(session).await)
            .await
    }

    async fn import(&self, batch: Vec<LoggedMessage>) -> Result<Imported> {
        self.database.write(&batch[..], import::append).await
    }

    async fn purge_step(&self, now: u64) -> Result<bool> {
        self.database
            .write(&now, async |session, now| purge::step(session, *now).await)
            .await
    }

    async fn close(&self) -> Result<()> {
        self.follower.abort();
        self.database.pool.close();
        Ok(())
    }
}

#[async_trait]
impl Transfer for Postgres {
    async fn page(&self, table: &'static Table, behind: Row, limit: usize) -> Result<Vec<Row>> {
        let asked = Asked {
            table,
            behind,
            limit,
        };
        self.database.read(&asked, transfer::page).await
    }

    async fn last_key(&self, table: &'static Table) -> Result<Row> {
        let asked = Asked {
            table,
            behind: Row::new(),
            limit: 1,
        };
        self.database.read(&asked, transfer::last_key).await
    }

    async fn take_in(&self, table: &'static Table, rows: Vec<Row>) -> Result<()> {
        self.database
            .write(&Given { table, rows }, transfer::take_in)
            .await
    }

    async fn moved(&self) -> Result<Moved> {
        self.database
            .read(&(), async |session, ()| transfer::moved(session).await)
            .await
    }

    async fn settle(&self, moved: Moved) -> Result<()> {
        self.database.write(&moved, transfer::settle).await
    }
}
