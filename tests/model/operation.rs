//! What can happen, and how chance makes a sequence of it.

use crate::support::random::Random;

/// Conversations with a peer or a group on the server, and one whose messages the host brings.
pub const CONVERSATIONS: [&str; 4] = ["c2c_bob", "c2c_carol", "group_club", HOSTED];
/// The host's own.
pub const HOSTED: &str = "c2c_dora";

/// What a deletion takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Everything,
    /// `keep_history`.
    ListEntry,
    /// `adieu_clear_history`.
    History,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    Fail,
    Queue,
    LocalOnly,
}

/// Its undo window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undo {
    None,
    /// Waited out.
    Short,
    /// Longer than any test.
    Long,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    pub scope: Scope,
    pub policy: Policy,
    pub undo: Undo,
}

/// What a host does with a deletion that it made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Management {
    Undo,
    Cancel,
    Retry,
    Acknowledge,
}

/// One step. What makes no sense when its turn comes is passed over, so that a sequence stays one
/// when steps are taken out of it.
#[derive(Clone, Debug)]
pub enum Operation {
    /// The back end sends a message of the other side, or of the user.
    Send {
        to: usize,
        own: bool,
    },
    /// Device, and so many positions above or below its newest.
    Save {
        at: usize,
        from: i64,
        own: bool,
    },
    Pull(usize),
    Delete {
        at: usize,
        of: usize,
        terms: Terms,
    },
    /// Two conversations in one call, this one and the next.
    DeleteAll {
        at: usize,
        of: usize,
    },
    /// The device's how-manieth deletion, counted from the newest.
    Manage {
        at: usize,
        nth: usize,
        management: Management,
    },
    Pin {
        at: usize,
        of: usize,
        pinned: bool,
    },
    Draft {
        at: usize,
        of: usize,
        empty: bool,
    },
    Mark {
        at: usize,
        of: usize,
        set: u64,
        clear: u64,
    },
    Read {
        at: usize,
        of: usize,
        through: u64,
    },
    /// Closed and opened again.
    Reopen(usize),
    /// Closed until the next `Reopen`.
    Close(usize),
    ServerAway,
    /// Started again, where it was away or not.
    ServerBack,
    /// The back end deletes for the user; `clear` is ClearRamble.
    Rest {
        of: usize,
        clear: bool,
    },
    SwitchSync(bool),
    /// The device's folder is copied away, and put back.
    Copy(usize),
    Restore(usize),
    Verify {
        at: usize,
        of: usize,
    },
}

/// What a world is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One device without a server.
    Alone,
    /// Other devices keep their copies.
    Apart,
    /// The operator's switch goes on and off.
    Synced,
}

impl Kind {
    pub fn devices(self) -> usize {
        if self == Self::Alone { 1 } else { 2 }
    }

    /// One sequence.
    pub fn sequence(self, random: &mut Random, steps: u64) -> Vec<Operation> {
        (0..steps).map(|_| self.step(random)).collect()
    }

    fn step(self, random: &mut Random) -> Operation {
        let at = random.within(0..=self.devices() as u64 - 1) as usize;
        // Mostly the same one: what is interesting happens to one conversation.
        let of = *random.one(if self == Self::Alone {
            &[3, 3, 3, 0]
        } else {
            &[0, 0, 0, 0, 1, 2, 2, 3]
        });
        let own = random.percent(30);
        let alone = self == Self::Alone;
        match random.within(0..=99) {
            0..=17 if !alone => Operation::Send { to: of, own },
            18..=27 if !alone => Operation::Pull(at),
            0..=31 => Operation::Save {
                at,
                from: random.within(0..=5) as i64 - 2,
                own,
            },
            32..=55 => Operation::Delete {
                at,
                of,
                terms: Self::terms(random),
            },
            56..=65 => Operation::Manage {
                at,
                nth: random.within(0..=2) as usize,
                management: *random.one(&[
                    Management::Undo,
                    Management::Undo,
                    Management::Cancel,
                    Management::Retry,
                    Management::Acknowledge,
                ]),
            },
            66..=68 => Operation::Pin {
                at,
                of,
                pinned: random.percent(70),
            },
            69..=71 => Operation::Draft {
                at,
                of,
                empty: random.percent(30),
            },
            72..=74 => Operation::Mark {
                at,
                of,
                set: random.within(0..=7),
                clear: random.within(0..=3),
            },
            75..=77 => Operation::Read {
                at,
                of,
                through: random.within(0..=6),
            },
            78..=82 => Operation::Reopen(at),
            83 => Operation::Close(at),
            84..=86 if !alone => Operation::ServerAway,
            87..=89 if !alone => Operation::ServerBack,
            90..=92 if !alone => Operation::Rest {
                of,
                clear: random.percent(60),
            },
            93..=94 if self == Self::Synced => Operation::SwitchSync(random.percent(70)),
            95 => Operation::Copy(at),
            96..=97 => Operation::Restore(at),
            98 => Operation::DeleteAll { at, of },
            _ => Operation::Verify { at, of },
        }
    }

    fn terms(random: &mut Random) -> Terms {
        let scope = *random.one(&[
            Scope::Everything,
            Scope::Everything,
            Scope::ListEntry,
            Scope::History,
        ]);
        Terms {
            scope,
            policy: *random.one(&[Policy::Fail, Policy::Fail, Policy::Queue, Policy::LocalOnly]),
            undo: *random.one(&[Undo::None, Undo::None, Undo::Short, Undo::Long]),
        }
    }
}
