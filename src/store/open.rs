//! Opening the store, and taking up what an earlier life of the process left behind.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::sync::Arc;

use ring::hmac;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::entry::{self, Entry, Epoch};
use super::key_file::KeyFile;
use super::keyring::Keyring;
use super::looked::Looked;
use super::purge::Pace;
use super::seal::{KEY_LEN, RawKey};
use super::slot::SlotRef;
use super::veil::Veil;
use super::{Store, disk, master_key, schema};
use crate::conversation::Positions;
use crate::error::{Error, Result};
use crate::map::Map;

impl Store {
    /// Opens the store in a folder that exists; an empty folder becomes a new store. With no
    /// master key given, one is kept in the folder, in a file for its owner only.
    ///
    /// # Errors
    /// [`Error::StorePath`], [`Error::StoreLocked`], [`Error::MasterKey`], [`Error::StoreNewer`],
    /// [`Error::StoreDamaged`], [`Error::Disk`]. Nothing that was there is overwritten.
    pub fn open(
        folder: &Path,
        owner: &str,
        master: Option<RawKey>,
        positions: Arc<Positions>,
    ) -> Result<Self> {
        if !folder.is_dir() {
            let text = format!("{} is not a folder that exists", folder.display());
            return Err(Error::StorePath(text));
        }
        if cfg!(feature = "plaintext-for-benchmarks")
            && std::env::var_os("ADIEU_PLAINTEXT_BENCHMARK").is_none()
        {
            let text = "this build keeps plain text; it is for benchmarks only";
            return Err(Error::StorePath(text.to_owned()));
        }
        let lock = Lock::take(&folder.join("lock"))?;
        // What cannot be looked at exists: taken for missing, it would be made anew.
        let exists = folder.join("keys").try_exists()?;
        let master = master_key::given_or_kept(master, folder, exists)?;
        let (keys, db) = if exists {
            open_files(folder, &master)?
        } else {
            create_files(folder, &master)?
        };
        db.set_prepared_statement_cache_capacity(64);
        let mut store = Self {
            folder: folder.to_owned(),
            owner: owner.to_owned(),
            db,
            address_key: hmac::Key::new(hmac::HMAC_SHA256, keys.address_secret()),
            keys: Keyring::new(keys),
            entries: Map::default(),
            dead_slots: Vec::new(),
            free_slots: Vec::new(),
            behind: VecDeque::new(),
            by_rows: Map::default(),
            rows_wanted: Vec::new(),
            flush_rows: false,
            nameless: Vec::new(),
            delivered: Vec::new(),
            positions,
            pace: Pace::default(),
            log_pages: 0,
            unread: 0,
            erased_at_open: HashMap::new(),
            looked: Looked::default(),
            _lock: lock,
        };
        store.finish_forgetting()?;
        store.load()?;
        store.finish_erasing()?;
        store.mend_veils()?;
        store.db.execute(
            "DELETE FROM joined WHERE deletion NOT IN (SELECT deletion FROM journal)",
            [],
        )?;
        Ok(store)
    }

    fn load(&mut self) -> Result<()> {
        let mut by_row = HashMap::new();
        {
            let Self { db, keys, .. } = &mut *self;
            let mut select = db.prepare(entry::SELECT)?;
            let mut rows = select.query([])?;
            while let Some(row) = rows.next()? {
                let entry = Entry::read(row, keys)?;
                by_row.insert(entry.row, entry);
            }
            let mut select = db.prepare(
                "SELECT conversation, through, slot, generation FROM epochs
                 ORDER BY conversation, through",
            )?;
            let mut rows = select.query([])?;
            while let Some(row) = rows.next()? {
                let through = row.get(1)?;
                let slot = SlotRef {
                    index: row.get(2)?,
                    generation: row.get(3)?,
                };
                if let Some(entry) = by_row.get_mut(&row.get(0)?) {
                    entry.epochs.push(Epoch { through, slot });
                }
            }
        }
        // Before anything is finished that asks whether the list shows a conversation.
        for entry in by_row.values_mut().filter(|entry| entry.veil.hides()) {
            entry.veil.entry = Veil::without(&self.db, entry.row, &[])?.entry;
        }
        let slots = |entry: &Entry| {
            let content = entry.epochs.iter().map(|epoch| epoch.slot.index);
            content.chain([entry.key.index]).collect::<Vec<_>>()
        };
        let in_use: HashSet<u32> = by_row.values().flat_map(slots).collect();
        self.dead_slots = self.keys.file.set_in_use(|index| in_use.contains(&index));
        for entry in by_row.into_values() {
            self.put(entry);
        }
        Ok(())
    }
}

fn open_files(folder: &Path, master: &[u8; KEY_LEN]) -> Result<(KeyFile, Connection)> {
    let path = folder.join("store.db");
    // The key file got its name after the database was whole: without one, something was lost.
    if !path.try_exists()? || std::fs::metadata(&path)?.len() == 0 {
        return Err(Error::StoreDamaged(
            "store.db is missing or empty".to_owned(),
        ));
    }
    let keys = KeyFile::open(&folder.join("keys"), master)?;
    let mut db = connect(&path, OpenFlags::empty())?;
    schema::prepare(&mut db)?;
    Ok((keys, db))
}

/// Makes a new store. The key file takes its name last, so that a crash in between leaves
/// something that the next open recognises as never finished.
fn create_files(folder: &Path, master: &[u8; KEY_LEN]) -> Result<(KeyFile, Connection)> {
    let path = folder.join("store.db");
    // SQLite makes the files beside it with the same rights.
    disk::private(OpenOptions::new().write(true).create(true).truncate(false)).open(&path)?;
    let mut db = connect(&path, OpenFlags::empty())?;
    if schema::has_content(&db)? {
        return Err(Error::StoreDamaged("keys is missing".to_owned()));
    }
    schema::prepare(&mut db)?;
    let draft = folder.join("keys.new");
    let keys = KeyFile::create(&draft, master)?;
    std::fs::rename(&draft, folder.join("keys"))?;
    disk::sync_folder_of(&path)?;
    Ok((keys, db))
}

fn connect(path: &Path, more: OpenFlags) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | more;
    let mut db = Connection::open_with_flags(path, flags)?;
    db.set_transaction_behavior(TransactionBehavior::Immediate);
    Ok(db)
}

/// The lock on a store's folder.
pub struct Lock(File);

impl Lock {
    fn take(path: &Path) -> Result<Self> {
        let unusable = |error| Error::StorePath(format!("{}: {error}", path.display()));
        let file = disk::private(OpenOptions::new().write(true).create(true).truncate(false))
            .open(path)
            .map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(Error::StoreLocked),
            Err(TryLockError::Error(error)) => Err(unusable(error)),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing is not enough: a child that was forked meanwhile holds the same open file.
        let _ = self.0.unlock();
    }
}
