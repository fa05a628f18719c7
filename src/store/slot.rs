//! One slot of the key file: 64 bytes that are a key or the record of its end.
//!
//! | bytes | live | dead |
//! |---|---|---|
//! | 0 | `b'L'` | `b'D'` |
//! | 1..4 | generation | generation |
//! | 4.. | nonce (12), wrapped key and tag (48) | deletion id (16), cut-off (8), scope (1), source (1), zeros (18), checksum (16) |
//!

use ring::digest;

use super::entry::{source_number, source_of};
use crate::conversation::Source;
use crate::deletion::{DeletionId, Scope};

/// Length of a slot, in bytes.
pub(super) const SLOT: usize = 64;
/// First byte of a live slot.
pub(super) const LIVE: u8 = b'L';
/// First byte of a dead one.
pub(super) const DEAD: u8 = b'D';
/// A slot that has lived so often is not used again.
pub(super) const MAX_GENERATION: u32 = 0x00ff_ffff;

/// One use of one slot. The generation tells a reused slot from its former life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SlotRef {
    /// Which slot.
    pub index: u32,
    /// Which of its lives.
    pub generation: u32,
}

/// What a dead slot remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epitaph {
    /// The deletion that destroyed the key.
    pub deletion: DeletionId,
    /// The position up to which it reached.
    pub cut_off: u64,
    /// What of the conversation it took.
    pub scope: Scope,
    /// Whose position that is, where it is known.
    pub source: Option<Source>,
}

/// What stands in a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Live,
    Dead(Epitaph),
    Damaged,
}

/// The bytes of a dead slot.
pub(super) fn dead(slot: SlotRef, epitaph: Epitaph) -> [u8; SLOT] {
    let mut dead = [0; SLOT];
    dead[0] = DEAD;
    dead[1..4].copy_from_slice(&slot.generation.to_le_bytes()[..3]);
    dead[4..20].copy_from_slice(&epitaph.deletion.0);
    dead[20..28].copy_from_slice(&epitaph.cut_off.to_le_bytes());
    dead[28] = epitaph.scope.number();
    dead[29] = source_number(epitaph.source) as u8;
    let sum = dead_checksum(slot.index, &dead);
    dead[48..].copy_from_slice(&sum);
    dead
}

/// Reads a slot; a live one is not opened for it.
pub(super) fn state(index: u32, slot: &[u8; SLOT]) -> State {
    match slot[0] {
        LIVE => State::Live,
        DEAD if dead_checksum(index, slot) == slot[48..] => State::Dead(Epitaph {
            deletion: DeletionId(array(slot, 4)),
            cut_off: u64::from_le_bytes(array(slot, 20)),
            scope: Scope::of(slot[28]),
            source: source_of(slot[29].into()),
        }),
        _ => State::Damaged,
    }
}

/// Which of its lives a slot is in.
pub(super) fn generation(slot: &[u8; SLOT]) -> u32 {
    u32::from_le_bytes([slot[1], slot[2], slot[3], 0])
}

/// A wrapped key opens only in its own slot and generation.
pub(super) fn bound_to(index: u32, slot: &[u8; SLOT]) -> [u8; 8] {
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&index.to_le_bytes());
    bytes[4..].copy_from_slice(&slot[..4]);
    bytes
}

fn dead_checksum(index: u32, slot: &[u8; SLOT]) -> [u8; 16] {
    let mut bytes = [0; 52];
    bytes[..4].copy_from_slice(&index.to_le_bytes());
    bytes[4..].copy_from_slice(&slot[..48]);
    checksum(&bytes)
}

/// 16 bytes of SHA-256.
pub(super) fn checksum(bytes: &[u8]) -> [u8; 16] {
    array(digest::digest(&digest::SHA256, bytes).as_ref(), 0)
}

/// `N` bytes of `bytes` from `at`; zeros where it is shorter, which no caller relies on.
pub(super) fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut out = [0; N];
    if let Some(part) = bytes.get(at..at + N) {
        out.copy_from_slice(part);
    }
    out
}
