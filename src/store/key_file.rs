//! The file of keys. Overwriting a slot here is what makes a conversation unrecoverable.
//!
//! ```text
//! block 0, 1     header and its copy
//! block 2, 3     slots 0 to 63 and their copies
//! block 4, 5     slots 64 to 127 and their copies, and so on
//! ```
//! A block has 4096 bytes, a slot 64; a slot and its copy never share a block, so that one torn
//! write cannot take both. A slot is either *live*, a random key wrapped by the master key, or
//! *dead*, the record of the deletion that destroyed it. Keys are made ahead and flushed, so that
//! a new conversation costs no flush here: which live slots are in use, the database says.
//!
//! At open a valid dead copy wins over a live one: destroying had begun. A slot with neither is
//! damaged, which is an error for its reader and never taken for a deletion.

use std::fs::{File, OpenOptions};
use std::path::Path;

use ring::hkdf;
use zeroize::Zeroizing;

use super::disk;
use super::random::Random;
use super::seal::{KEY_LEN, RawKey, SealingKey};
use super::slot::{
    self, Epitaph, LIVE, MAX_GENERATION, SLOT, SlotRef, State, array, bound_to, checksum,
    generation, state,
};
use crate::error::{Error, Result};

const BLOCK: usize = 4096;
const SLOTS_PER_BLOCK: usize = BLOCK / SLOT;
const HEADER_BLOCKS: usize = 2;
/// Blocks of slots (each with its copy) that the file grows by, at least.
const MIN_GROWTH: usize = 4;
/// And at most: 4,096 keys take about 3 ms to make.
const MAX_GROWTH: usize = 64;

const MAGIC: &[u8; 8] = b"adieukey";
const FORMAT: u32 = 1;

/// The open key file.
pub struct KeyFile {
    file: File,
    wrapping: SealingKey,
    /// The better of the two copies of every slot.
    slots: Vec<[u8; SLOT]>,
    ready: Vec<u32>,
    random: Random,
    address_secret: RawKey,
    /// Slots that have changed here and may not have in the file, in neither copy or in one.
    owed: Vec<u32>,
    /// Something was written that no flush has confirmed yet.
    unflushed: bool,
}

impl KeyFile {
    /// Makes a new file, flushed. The caller gives it its name when the rest of the store exists.
    pub fn create(path: &Path, master: &[u8; KEY_LEN]) -> Result<Self> {
        let mut random = Random::new();
        let salt: [u8; 32] = random.draw()?;
        let address_secret = Zeroizing::new(random.draw::<KEY_LEN>()?);
        let mut sealed = Vec::new();
        derive(master, &salt, b"adieu address secret")?.seal_bound(
            MAGIC,
            &*address_secret,
            &mut sealed,
            &mut random,
        )?;
        let mut header = vec![0; BLOCK];
        header[..8].copy_from_slice(MAGIC);
        header[8..12].copy_from_slice(&FORMAT.to_le_bytes());
        header[12..44].copy_from_slice(&salt);
        header[44..44 + sealed.len()].copy_from_slice(&sealed);
        let sum = checksum(&header[..HEADER_LEN]);
        header[HEADER_LEN..HEADER_LEN + 16].copy_from_slice(&sum);

        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(true);
        let file = disk::private(options).open(path)?;
        disk::write_at(&file, &header, 0)?;
        disk::write_at(&file, &header, BLOCK as u64)?;
        let wrapping = derive(master, &salt, b"adieu key slots")?;
        let mut keys = Self {
            file,
            wrapping,
            slots: Vec::new(),
            ready: Vec::new(),
            random,
            address_secret,
            owed: Vec::new(),
            unflushed: false,
        };
        keys.grow()?;
        keys.file.sync_all()?;
        Ok(keys)
    }

    /// Opens the file.
    ///
    /// # Errors
    /// [`Error::MasterKey`] when the master key is another, [`Error::StoreDamaged`] when the file
    /// is no key file, [`Error::StoreNewer`]; the file is not written to in any of these cases.
    pub fn open(path: &Path, master: &[u8; KEY_LEN]) -> Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let bytes = disk::read_all(&file)?;
        let damaged = |what: &str| Error::StoreDamaged(format!("key file: {what}"));
        let header = [0, BLOCK]
            .iter()
            .filter_map(|at| bytes.get(*at..*at + BLOCK))
            .find(|header| {
                header[..8] == *MAGIC
                    && checksum(&header[..HEADER_LEN]) == header[HEADER_LEN..HEADER_LEN + 16]
            })
            .ok_or_else(|| damaged("neither header is whole"))?;
        let format = u32::from_le_bytes(array(header, 8));
        if format > FORMAT {
            return Err(Error::StoreNewer {
                found: format,
                known: FORMAT,
            });
        }
        let salt: [u8; 32] = array(header, 12);
        let mut sealed: [u8; 60] = array(header, 44);
        let opened = derive(master, &salt, b"adieu address secret")?
            .open_bound(MAGIC, &mut sealed)
            .ok_or(Error::MasterKey)?;
        let address_secret = Zeroizing::new(array(opened, 0));

        let mut keys = Self {
            file,
            wrapping: derive(master, &salt, b"adieu key slots")?,
            slots: Vec::new(),
            ready: Vec::new(),
            random: Random::new(),
            address_secret,
            owed: Vec::new(),
            unflushed: false,
        };
        let (_, pairs) = bytes
            .split_at_checked(HEADER_BLOCKS * BLOCK)
            .ok_or_else(|| damaged("it ends in its header"))?;
        // A trailing half pair is a growth that was cut short: nothing refers to it yet.
        for pair in pairs.chunks_exact(2 * BLOCK) {
            for slot in 0..SLOTS_PER_BLOCK {
                let index = keys.slots.len() as u32;
                let first: [u8; SLOT] = array(pair, slot * SLOT);
                let second: [u8; SLOT] = array(pair, BLOCK + slot * SLOT);
                keys.slots.push(keys.better(index, first, second));
            }
        }
        keys.finish_destroying(pairs)?;
        Ok(keys)
    }

    /// Of two copies: a valid dead one, else a live one that opens, else the first.
    fn better(&self, index: u32, first: [u8; SLOT], second: [u8; SLOT]) -> [u8; SLOT] {
        if first == second {
            return first;
        }
        let dead = [first, second]
            .into_iter()
            .find(|slot| matches!(state(index, slot), State::Dead(_)));
        let live = || {
            [first, second]
                .into_iter()
                .find(|slot| self.unwrap_key(index, slot).is_some())
        };
        dead.or_else(live).unwrap_or(first)
    }

    /// Where the two copies differ, the better one is written over the other, flushed at once.
    fn finish_destroying(&mut self, pairs: &[u8]) -> Result<()> {
        let mut wrote = false;
        for (index, slot) in self.slots.iter().enumerate() {
            let [first, second] = places(index as u32);
            let base = (HEADER_BLOCKS * BLOCK) as u64;
            let differs = [first, second].iter().any(|at| {
                let at = (at - base) as usize;
                pairs.get(at..at + SLOT) != Some(slot.as_slice())
            });
            if differs && state(index as u32, slot) != State::Damaged {
                disk::write_at(&self.file, slot, first)?;
                disk::write_at(&self.file, slot, second)?;
                wrote = true;
            }
        }
        if wrote {
            Ok(self.file.sync_data()?)
        } else {
            Ok(())
        }
    }

    /// The secret that conversations are found by; wrapped apart from the slots.
    pub fn address_secret(&self) -> &[u8; KEY_LEN] {
        &self.address_secret
    }

    /// Tells the file which slots the database refers to; all other live ones are ready for use,
    /// and the dead ones among them can be renewed. Returns those.
    pub fn set_in_use(&mut self, in_use: impl Fn(u32) -> bool) -> Vec<u32> {
        let mut dead = Vec::new();
        self.ready.clear();
        for index in (0..self.slots.len() as u32)
            .rev()
            .filter(|index| !in_use(*index))
        {
            match state(index, &self.slots[index as usize]) {
                State::Live => self.ready.push(index),
                State::Dead(_) => dead.push(index),
                State::Damaged => {}
            }
        }
        dead
    }

    /// Takes a ready key. Costs a flush only when the file has to grow.
    pub fn take(&mut self) -> Result<SlotRef> {
        if self.ready.is_empty() {
            self.grow()?;
        }
        self.flush()?;
        match self.ready.pop() {
            Some(index) => Ok(SlotRef {
                index,
                generation: generation(&self.slots[index as usize]),
            }),
            None => Err(Error::StoreDamaged("key file: it did not grow".to_owned())),
        }
    }

    /// Gives back a key that nothing was sealed with.
    pub fn give_back(&mut self, slot: SlotRef) {
        if self.state(slot) == State::Live {
            self.ready.push(slot.index);
        }
    }

    /// The key in a slot.
    ///
    /// # Errors
    /// [`Error::StoreDamaged`] when it is dead, damaged or of another generation.
    pub fn key(&self, slot: SlotRef) -> Result<SealingKey> {
        let bytes = self
            .slots
            .get(slot.index as usize)
            .filter(|bytes| generation(bytes) == slot.generation);
        let raw = bytes.and_then(|bytes| self.unwrap_key(slot.index, bytes));
        SealingKey::new(&*raw.ok_or_else(|| {
            Error::StoreDamaged(format!("key slot {} cannot be read", slot.index))
        })?)
    }

    /// The deletion that destroyed this slot's key; `None` while it lives.
    pub fn epitaph(&self, slot: SlotRef) -> Option<Epitaph> {
        match self.state(slot) {
            State::Dead(epitaph) => Some(epitaph),
            State::Live | State::Damaged => None,
        }
    }

    /// Destroys keys, with the next [`Self::flush`]: both copies of each are overwritten. When that
    /// returns without an error, what they sealed is gone. They are dead here at once, and stay so
    /// where the disk fails, since one copy may be dead in the file; the next flush makes good what
    /// the file lacks.
    pub fn doom(&mut self, slots: &[(SlotRef, Epitaph)]) {
        for (slot, epitaph) in slots {
            if self.state(*slot) != State::Dead(*epitaph) {
                self.set(slot.index, slot::dead(*slot, *epitaph));
            }
        }
    }

    /// Puts new keys into dead slots. Only for slots whose rows are gone from the database and
    /// whose tombstones are in its main file, flushed.
    pub fn renew(&mut self, dead: &[u32]) -> Result<()> {
        let mut renewed = Vec::new();
        for index in dead {
            let old = &self.slots[*index as usize];
            let next = generation(old) + 1;
            if matches!(state(*index, old), State::Dead(_)) && next <= MAX_GENERATION {
                let slot = self.fresh(*index, next)?;
                self.set(*index, slot);
                renewed.push(*index);
            }
        }
        self.flush()?;
        self.ready.append(&mut renewed);
        Ok(())
    }

    fn state(&self, slot: SlotRef) -> State {
        match self.slots.get(slot.index as usize) {
            Some(bytes) if generation(bytes) == slot.generation => state(slot.index, bytes),
            _ => State::Damaged,
        }
    }

    /// Appends blocks of ready keys; none is handed out before a flush. They double the file within limits, so
    /// that a million conversations need no thousand flushes.
    fn grow(&mut self) -> Result<()> {
        let first = self.slots.len();
        let blocks = (first / SLOTS_PER_BLOCK).clamp(MIN_GROWTH, MAX_GROWTH);
        let mut bytes = Vec::with_capacity(2 * blocks * BLOCK);
        let mut fresh = Vec::with_capacity(blocks * SLOTS_PER_BLOCK);
        for block in 0..blocks {
            let start = bytes.len();
            for slot in 0..SLOTS_PER_BLOCK {
                let slot = self.fresh((first + block * SLOTS_PER_BLOCK + slot) as u32, 1)?;
                bytes.extend_from_slice(&slot);
                fresh.push(slot);
            }
            bytes.extend_from_within(start..);
        }
        self.unflushed = true;
        disk::write_at(&self.file, &bytes, places(first as u32)[0])?;
        self.slots.append(&mut fresh);
        self.ready
            .extend((first as u32..self.slots.len() as u32).rev());
        Ok(())
    }

    /// A live slot with a new random key.
    fn fresh(&mut self, index: u32, generation: u32) -> Result<[u8; SLOT]> {
        let key: RawKey = Zeroizing::new(self.random.draw()?);
        let mut slot = [0; SLOT];
        slot[0] = LIVE;
        slot[1..4].copy_from_slice(&generation.to_le_bytes()[..3]);
        let mut sealed = Vec::with_capacity(SLOT - 4);
        self.wrapping.seal_bound(
            &bound_to(index, &slot),
            &*key,
            &mut sealed,
            &mut self.random,
        )?;
        slot[4..].copy_from_slice(&sealed);
        Ok(slot)
    }

    fn unwrap_key(&self, index: u32, slot: &[u8; SLOT]) -> Option<RawKey> {
        if slot[0] != LIVE {
            return None;
        }
        let mut sealed: Zeroizing<[u8; 60]> = Zeroizing::new(array(slot, 4));
        let raw = self
            .wrapping
            .open_bound(&bound_to(index, slot), &mut *sealed)?;
        Some(Zeroizing::new(array(raw, 0)))
    }

    /// Brings everything that has changed to the disk.
    pub fn flush(&mut self) -> Result<()> {
        if self.unflushed {
            self.owed.sort_unstable();
            // What is owed to one block goes in one write, together with the slots in between,
            // which stand there already: ten thousand keys are hundreds of writes, not thousands.
            let same_block =
                |a: &u32, b: &u32| *a as usize / SLOTS_PER_BLOCK == *b as usize / SLOTS_PER_BLOCK;
            for block in self.owed.chunk_by(same_block) {
                let (Some(first), Some(last)) = (block.first(), block.last()) else {
                    continue;
                };
                let bytes = self.slots[*first as usize..=*last as usize].as_flattened();
                for place in places(*first) {
                    disk::write_at(&self.file, bytes, place)?;
                }
            }
            self.owed.clear();
            self.file.sync_data()?;
            self.unflushed = false;
        }
        Ok(())
    }

    /// Changes a slot here; the next flush changes it in the file.
    fn set(&mut self, index: u32, slot: [u8; SLOT]) {
        self.unflushed = true;
        self.slots[index as usize] = slot;
        self.owed.push(index);
    }
}

/// Bytes of the header that its checksum covers: magic, format, salt, sealed address secret.
const HEADER_LEN: usize = 8 + 4 + 32 + 60;

fn derive(master: &[u8; KEY_LEN], salt: &[u8; 32], purpose: &[u8]) -> Result<SealingKey> {
    let mut raw: RawKey = Zeroizing::new([0; KEY_LEN]);
    let purposes = [purpose];
    hkdf::Salt::new(hkdf::HKDF_SHA256, salt)
        .extract(master)
        .expand(&purposes, hkdf::HKDF_SHA256)
        .and_then(|derived| derived.fill(&mut *raw))
        .map_err(|_| Error::Parameter("the master key has the wrong length".to_owned()))?;
    SealingKey::new(&raw)
}

/// Offsets of a slot and its copy.
fn places(index: u32) -> [u64; 2] {
    let (pair, slot) = (
        index as usize / SLOTS_PER_BLOCK,
        index as usize % SLOTS_PER_BLOCK,
    );
    let first = (HEADER_BLOCKS + 2 * pair) * BLOCK + slot * SLOT;
    [first as u64, (first + BLOCK) as u64]
}

#[cfg(test)]
mod tests {
    use super::super::seal::Place;
    use super::super::slot::DEAD;
    use super::*;
    use crate::deletion::DeletionId;
    use std::io::{Seek, SeekFrom, Write};

    const MASTER: [u8; KEY_LEN] = [3; KEY_LEN];

    fn create(path: &Path) -> KeyFile {
        KeyFile::create(path, &MASTER).unwrap()
    }

    fn epitaph(n: u8) -> Epitaph {
        Epitaph {
            deletion: DeletionId([n; 16]),
            cut_off: u64::from(n) * 1000,
            scope: crate::deletion::Scope::Everything,
            source: Some(crate::conversation::Source::Host),
        }
    }

    fn overwrite(path: &Path, at: u64, bytes: &[u8]) {
        let mut file = OpenOptions::new().write(true).open(path).unwrap();
        file.seek(SeekFrom::Start(at)).unwrap();
        file.write_all(bytes).unwrap();
    }

    #[test]
    fn a_destroyed_key_stays_destroyed_and_says_by_what() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        let mut keys = create(&path);
        let (a, b) = (keys.take().unwrap(), keys.take().unwrap());
        let mut sealed = Vec::new();
        keys.key(b)
            .unwrap()
            .seal(
                Place::Address { row: 1 },
                b"text",
                &mut sealed,
                &mut Random::new(),
            )
            .unwrap();
        let before = std::fs::read(&path).unwrap();
        keys.doom(&[(a, epitaph(1))]);
        keys.flush().unwrap();
        assert!(keys.key(a).is_err());
        drop(keys);

        let after = std::fs::read(&path).unwrap();
        for place in places(a.index) {
            let place = place as usize;
            assert_ne!(
                before[place + 4..place + SLOT],
                after[place + 4..place + SLOT]
            );
        }
        let wrapped = &before[places(a.index)[0] as usize + 4..][..60];
        assert!(!after.windows(60).any(|window| window == wrapped));

        let keys = KeyFile::open(&path, &MASTER).unwrap();
        assert_eq!(keys.epitaph(a), Some(epitaph(1)));
        assert_eq!(keys.epitaph(b), None);
        assert_eq!(
            keys.key(b)
                .unwrap()
                .open(Place::Address { row: 1 }, &mut sealed)
                .unwrap(),
            b"text"
        );
    }

    #[test]
    fn one_dead_copy_is_enough_and_is_completed_at_open() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        for killed_after in [0, 1] {
            std::fs::remove_file(&path).ok();
            let mut keys = create(&path);
            let slot = keys.take().unwrap();
            let before = std::fs::read(&path).unwrap();
            keys.doom(&[(slot, epitaph(2))]);
            keys.flush().unwrap();
            drop(keys);
            let survivor = places(slot.index)[killed_after] as usize;
            overwrite(&path, survivor as u64, &before[survivor..survivor + SLOT]);
            let keys = KeyFile::open(&path, &MASTER).unwrap();
            assert_eq!(keys.epitaph(slot), Some(epitaph(2)));
            let bytes = std::fs::read(&path).unwrap();
            assert_eq!(bytes[survivor], DEAD, "the other copy died too");
        }
    }

    #[test]
    fn a_torn_copy_heals_from_the_other_and_two_are_damage_never_deletion() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        let mut keys = create(&path);
        let slot = keys.take().unwrap();
        drop(keys);
        let [first, second] = places(slot.index);
        overwrite(&path, first, &[DEAD; 40]);
        let keys = KeyFile::open(&path, &MASTER).unwrap();
        assert!(keys.key(slot).is_ok(), "the second copy serves");
        drop(keys);
        overwrite(&path, first, &[DEAD; 40]);
        overwrite(&path, second, &[LIVE; 40]);
        let keys = KeyFile::open(&path, &MASTER).unwrap();
        assert!(keys.key(slot).is_err());
        assert_eq!(keys.epitaph(slot), None);
    }

    #[test]
    fn a_wrong_master_key_or_a_foreign_file_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        drop(create(&path));
        let before = std::fs::read(&path).unwrap();
        assert!(matches!(
            KeyFile::open(&path, &[4; KEY_LEN]),
            Err(Error::MasterKey)
        ));
        assert_eq!(std::fs::read(&path).unwrap(), before);
        overwrite(&path, 0, &[0; 8]);
        assert!(
            KeyFile::open(&path, &MASTER).is_ok(),
            "the header's copy serves"
        );
        std::fs::write(&path, b"not a key file").unwrap();
        assert!(matches!(
            KeyFile::open(&path, &MASTER),
            Err(Error::StoreDamaged(_))
        ));
        assert_eq!(std::fs::read(&path).unwrap(), b"not a key file");
    }

    #[test]
    fn a_renewed_slot_has_a_new_key_and_generation() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        let mut keys = create(&path);
        let slot = keys.take().unwrap();
        keys.doom(&[(slot, epitaph(3))]);
        keys.flush().unwrap();
        keys.renew(&[slot.index]).unwrap();
        let again = keys.take().unwrap();
        assert_eq!(
            again,
            SlotRef {
                index: slot.index,
                generation: 2
            }
        );
        assert!(keys.key(slot).is_err());
        assert_eq!(keys.epitaph(slot), None);
        assert!(keys.key(again).is_ok());
    }

    #[test]
    fn the_file_grows_and_hands_out_every_slot_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        let mut keys = create(&path);
        let taken: std::collections::HashSet<_> = (0..2000).map(|_| keys.take().unwrap()).collect();
        assert_eq!(taken.len(), 2000);
        drop(keys);
        let keys = KeyFile::open(&path, &MASTER).unwrap();
        assert!(taken.iter().all(|slot| keys.key(*slot).is_ok()));
    }
}
