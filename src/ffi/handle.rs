//! Handles that are numbers: a pointer-typed value that is looked up and never dereferenced, so
//! that a stale, foreign or NULL one is an error and not a crash.

use std::sync::Arc;

use ring::rand::{SecureRandom, SystemRandom};

use super::adieu_client;
use super::status::ADIEU_ERR_INVALID_HANDLE;
use crate::client::Client;
use crate::primitives::StaticRwLock;

/// Low bits of a handle: the place in the table, counted from 1.
const PLACE_BITS: u32 = 12;
const MOST: usize = (1 << PLACE_BITS) - 1;

struct Slot {
    /// Raised at every reuse, so that an old handle never fits a new client.
    generation: usize,
    client: Option<Arc<Client>>,
}

static TABLE: StaticRwLock<Vec<Slot>> = StaticRwLock::new(Vec::new());

/// Makes a handle; `None` when 4,095 clients are open.
pub(super) fn insert(client: Arc<Client>) -> Option<*mut adieu_client> {
    let mut table = TABLE.write();
    let place = match table.iter().position(|slot| slot.client.is_none()) {
        Some(place) => place,
        None if table.len() < MOST => {
            table.push(Slot {
                generation: 0,
                client: None,
            });
            table.len() - 1
        }
        None => return None,
    };
    let slot = table.get_mut(place)?;
    slot.generation = slot.generation.wrapping_add(step()) & (usize::MAX >> PLACE_BITS);
    slot.client = Some(client);
    Some(((slot.generation << PLACE_BITS) | (place + 1)) as *mut adieu_client)
}

/// How far the next life of a place is from the last: a random way where there is room for it, so
/// that a number which is no handle is none by accident either.
fn step() -> usize {
    const LONGEST: usize = usize::MAX >> (PLACE_BITS + 20);
    let mut bytes = [0; size_of::<usize>()];
    // Without random bytes, handles are only easier to guess by mistake.
    let _ = SystemRandom::new().fill(&mut bytes);
    1 + (usize::from_le_bytes(bytes) & LONGEST)
}

/// The client of a handle.
pub(super) fn find(handle: *const adieu_client) -> Result<Arc<Client>, i32> {
    let (place, generation) = split(handle)?;
    let table = TABLE.read();
    let slot = table
        .get(place)
        .filter(|slot| slot.generation == generation);
    slot.and_then(|slot| slot.client.clone())
        .ok_or(ADIEU_ERR_INVALID_HANDLE)
}

/// Makes a handle stale.
pub(super) fn remove(handle: usize) {
    let Ok((place, generation)) = split(handle as *const adieu_client) else {
        return;
    };
    let removed = TABLE
        .write()
        .get_mut(place)
        .filter(|slot| slot.generation == generation)
        .and_then(|slot| slot.client.take());
    // Dropped outside the lock.
    drop(removed);
}

fn split(handle: *const adieu_client) -> Result<(usize, usize), i32> {
    let value = handle as usize;
    let place = (value & MOST)
        .checked_sub(1)
        .ok_or(ADIEU_ERR_INVALID_HANDLE)?;
    Ok((place, value >> PLACE_BITS))
}
