//! How one owner sees one conversation, and what a deletion does to that.
//!
//! A message is stored once. What an owner sees of a conversation is a range of its positions,
//! told by a few watermarks. Deleting raises them; nothing here ever lowers one.

/// How far a conversation has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heads {
    /// The highest position given out.
    pub head: u64,
    /// The highest position of a message that all of its sides see.
    pub common: u64,
    /// Its time.
    pub common_time: u64,
}

/// One owner's view of one conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// Positions up to here are deleted from this view.
    pub cleared_through: u64,
    /// Positions up to here were deleted while deletions were propagated to all devices.
    pub propagated_through: u64,
    /// Positions up to here are read.
    pub read_through: u64,
    /// The list entry was deleted up to here; a newer message brings it back.
    pub hidden_through: Option<u64>,
    /// Whether it stands on top of the list.
    pub pinned: bool,
    /// The head when the owner joined: it sees only what is above.
    pub sees_from: u64,
    /// The head when the owner left; none while it is a member.
    pub sees_to: Option<u64>,
    /// The highest position of a message that only some sides see, this one among them. After
    /// leaving: the highest position seen.
    pub own_head: u64,
    /// Its time.
    pub own_time: u64,
}

/// What a deletion asks of a view.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    /// The last position that it covers; none: the head.
    pub through: Option<u64>,
    /// Whether the history goes too.
    pub clear: bool,
    /// Whether the other devices are to erase their copies too.
    pub propagate: bool,
}

impl View {
    /// The highest position that could ever be in this view.
    #[must_use]
    pub fn reach(&self, heads: &Heads) -> u64 {
        self.sees_to.unwrap_or(heads.head)
    }

    /// The owner sees only what is above.
    #[must_use]
    pub fn floor(&self) -> u64 {
        self.cleared_through.max(self.sees_from)
    }

    /// Position and time of the newest message that the owner sees.
    #[must_use]
    pub fn newest(&self, heads: &Heads) -> Option<(u64, u64)> {
        let newest = self.newest_ever(heads);
        (newest.0 > self.floor()).then_some(newest)
    }

    fn newest_ever(&self, heads: &Heads) -> (u64, u64) {
        if self.sees_to.is_none() && heads.common > self.own_head {
            (heads.common, heads.common_time)
        } else {
            (self.own_head, self.own_time)
        }
    }

    /// Whether the list shows it: it was never deleted, or a newer message came.
    #[must_use]
    pub fn is_listed(&self, heads: &Heads) -> bool {
        match (self.hidden_through, self.newest(heads)) {
            (None, _) => true,
            (Some(through), Some((position, _))) => position > through,
            (Some(_), None) => false,
        }
    }

    /// Deletes up to the cut, never above what the owner can reach. Returns how far the deletion
    /// reached.
    pub fn delete(&mut self, heads: &Heads, cut: Cut) -> u64 {
        let reach = self.reach(heads);
        let reached = cut.through.unwrap_or(reach).min(reach);
        let newest = self.newest(heads).map_or(0, |(position, _)| position);
        let whole = reached >= newest;
        // Above the newest that the owner sees lies only what it never will: the watermark covers
        // that too, so that the purge can have it.
        let watermark = if whole { reach } else { reached };
        self.hidden_through = Some(self.hidden_through.unwrap_or(0).max(watermark));
        self.read_through = self.read_through.max(watermark);
        // A retry that comes after newer messages leaves alone what was set since.
        if whole {
            self.pinned = false;
        }
        if cut.clear {
            self.cleared_through = self.cleared_through.max(watermark);
            if cut.propagate {
                self.propagated_through = self.propagated_through.max(watermark);
            }
        }
        reached
    }

    /// The owner leaves: what it sees stays, nothing is added.
    pub fn leave(&mut self, heads: &Heads) {
        if self.sees_to.is_none() {
            (self.own_head, self.own_time) = self.newest_ever(heads);
            self.sees_to = Some(heads.head);
        }
    }

    /// The owner joins, for the first time or again: it sees what comes from now on.
    pub fn join(&mut self, heads: &Heads) {
        self.sees_from = heads.head;
        self.sees_to = None;
        self.own_head = 0;
        self.own_time = 0;
        self.read_through = self.read_through.max(heads.head);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLEAR: Cut = Cut {
        through: None,
        clear: true,
        propagate: false,
    };
    const HIDE: Cut = Cut {
        through: None,
        clear: false,
        propagate: false,
    };

    fn heads(head: u64) -> Heads {
        Heads {
            head,
            common: head,
            common_time: 1_000 + head,
        }
    }

    // DEL-3
    #[test]
    fn a_cut_off_is_never_past_the_head_and_spares_what_is_above() {
        let mut view = View::default();
        assert_eq!(
            view.delete(
                &heads(10),
                Cut {
                    through: Some(4),
                    ..CLEAR
                }
            ),
            4
        );
        assert_eq!(
            (view.cleared_through, view.newest(&heads(10))),
            (4, Some((10, 1_010)))
        );
        assert!(
            view.is_listed(&heads(10)),
            "newer messages keep it in the list"
        );
        assert_eq!(
            view.delete(
                &heads(10),
                Cut {
                    through: Some(99),
                    ..CLEAR
                }
            ),
            10
        );
        assert_eq!(view.cleared_through, 10);
        assert!(!view.is_listed(&heads(10)));
        assert!(view.is_listed(&heads(11)));
    }

    // DEL-3, DEL-4
    #[test]
    fn no_watermark_is_ever_lowered() {
        let mut view = View::default();
        view.delete(
            &heads(10),
            Cut {
                propagate: true,
                ..CLEAR
            },
        );
        let high = view.clone();
        assert_eq!(
            view.delete(
                &heads(10),
                Cut {
                    through: Some(3),
                    clear: true,
                    propagate: true
                }
            ),
            3
        );
        assert_eq!(view, high);
    }

    // DEL-4, DEL-9
    #[test]
    fn a_late_retry_does_not_unpin_what_came_after() {
        let mut view = View {
            pinned: true,
            ..View::default()
        };
        view.delete(
            &heads(10),
            Cut {
                through: Some(8),
                ..CLEAR
            },
        );
        assert!(view.pinned, "9 and 10 are there still");
        view.delete(
            &heads(10),
            Cut {
                through: Some(10),
                ..CLEAR
            },
        );
        assert!(!view.pinned);
        assert_eq!(view.read_through, 10);
    }

    // DEL-8
    #[test]
    fn hiding_keeps_the_messages_and_a_newer_one_brings_them_back() {
        let mut view = View::default();
        assert_eq!(view.delete(&heads(5), HIDE), 5);
        assert_eq!(
            (view.cleared_through, view.is_listed(&heads(5))),
            (0, false)
        );
        assert!(view.is_listed(&heads(6)));
        assert_eq!(view.newest(&heads(6)), Some((6, 1_006)));
    }

    // DEL-6
    #[test]
    fn who_left_sees_no_more_and_can_still_delete() {
        let mut view = View::default();
        view.join(&heads(2));
        assert_eq!(view.newest(&heads(2)), None, "nothing from before joining");
        view.leave(&heads(5));
        assert_eq!(view.newest(&heads(9)), Some((5, 1_005)));
        assert_eq!(view.delete(&heads(9), CLEAR), 5);
        assert_eq!(view.newest(&heads(9)), None);
        view.join(&heads(9));
        assert_eq!(view.newest(&heads(9)), None);
        assert_eq!(view.newest(&heads(10)), Some((10, 1_010)));
    }

    #[test]
    fn a_message_for_others_is_not_seen_and_goes_with_the_rest() {
        let heads = Heads {
            head: 7,
            common: 6,
            common_time: 600,
        };
        let (mut sender, receiver) = (
            View::default(),
            View {
                own_head: 7,
                own_time: 700,
                ..View::default()
            },
        );
        assert_eq!(sender.newest(&heads), Some((6, 600)));
        assert_eq!(receiver.newest(&heads), Some((7, 700)));
        assert_eq!(
            sender.delete(
                &heads,
                Cut {
                    through: Some(6),
                    ..CLEAR
                }
            ),
            6
        );
        assert_eq!(sender.cleared_through, 7, "7 was never to be seen here");
    }

    // SYNC-3
    #[test]
    fn only_deletions_made_while_sync_was_on_are_propagated() {
        let mut view = View::default();
        view.delete(&heads(5), CLEAR);
        assert_eq!(view.propagated_through, 0);
        view.delete(
            &heads(7),
            Cut {
                propagate: true,
                ..HIDE
            },
        );
        assert_eq!(view.propagated_through, 0, "hiding erases nothing");
        view.delete(
            &heads(9),
            Cut {
                through: Some(8),
                clear: true,
                propagate: true,
            },
        );
        assert_eq!(view.propagated_through, 8);
    }
}
