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
    /// Which device made the newest deletion that raised that; none: a back end.
    pub propagated_by: Option<String>,
    /// Positions up to here are read.
    pub read_through: u64,
    /// The list entry was deleted up to here; a newer message brings it back.
    pub hidden_through: Option<u64>,
    /// The list entry was deleted up to here while deletions were propagated to all devices.
    pub hiding_propagated_through: u64,
    /// The history was cleared up to here while the list showed the conversation, and so it stays
    /// in the list, even without a message.
    pub kept_through: u64,
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

/// What of a conversation a deletion takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Extent {
    /// The list entry; the messages return with it.
    Entry,
    /// The messages; the conversation stays in the list.
    History,
    /// Both.
    #[default]
    Conversation,
}

impl Extent {
    /// Whether the messages go.
    #[must_use]
    pub fn clears(self) -> bool {
        self != Self::Entry
    }

    /// Whether the list entry goes.
    #[must_use]
    pub fn hides(self) -> bool {
        self != Self::History
    }
}

/// What a deletion asks of a view.
#[derive(Clone, Copy, Debug)]
pub struct Cut<'a> {
    /// The last position that it covers; none: the head.
    pub through: Option<u64>,
    /// What goes.
    pub extent: Extent,
    /// Whether the other devices are to do the same.
    pub propagate: bool,
    /// Which device asks; none: a back end.
    pub by: Option<&'a str>,
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

    /// Whether the list shows it: it was never deleted, a newer message came, or one had come when
    /// the history was cleared.
    #[must_use]
    pub fn is_listed(&self, heads: &Heads) -> bool {
        let Some(hidden) = self.hidden_through else {
            return true;
        };
        let newest = self.newest(heads).map_or(0, |(position, _)| position);
        newest.max(self.kept_through) > hidden
    }

    /// Deletes up to the cut, never above what the owner can reach. Returns how far the deletion
    /// reached.
    pub fn delete(&mut self, heads: &Heads, cut: Cut<'_>) -> u64 {
        let reach = self.reach(heads);
        let reached = cut.through.unwrap_or(reach).min(reach);
        let newest = self.newest(heads).map_or(0, |(position, _)| position);
        // An entry that is kept without a message counts like one with its last message there.
        let whole = reached >= newest.max(self.kept_through);
        // Above the newest that the owner sees lies only what it never will: the watermark covers
        // that too, so that the purge can have it.
        let watermark = if whole { reach } else { reached };
        let raise = |mark: &mut u64| *mark = watermark.max(*mark);
        if cut.extent.hides() {
            let mut hidden = self.hidden_through.unwrap_or(0);
            raise(&mut hidden);
            self.hidden_through = Some(hidden);
            if cut.propagate {
                let propagated = &mut self.hiding_propagated_through;
                *propagated = reached.max(*propagated);
            }
            // A retry that comes after newer messages leaves alone what was set since.
            if whole {
                self.pinned = false;
            }
        } else if self.is_listed(heads) {
            raise(&mut self.kept_through);
        }
        raise(&mut self.read_through);
        if cut.extent.clears() {
            raise(&mut self.cleared_through);
            // No further than this deletion: what one before it reached may have been made while
            // nothing was propagated.
            if cut.propagate && reached > self.propagated_through {
                self.propagated_through = reached;
                self.propagated_by = cut.by.map(str::to_owned);
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

    const DELETE: Cut<'_> = Cut {
        through: None,
        extent: Extent::Conversation,
        propagate: false,
        by: None,
    };
    const HIDE: Cut<'_> = Cut {
        extent: Extent::Entry,
        ..DELETE
    };
    const CLEAR: Cut<'_> = Cut {
        extent: Extent::History,
        ..DELETE
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
                    ..DELETE
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
                    ..DELETE
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
                ..DELETE
            },
        );
        let high = view.clone();
        assert_eq!(
            view.delete(
                &heads(10),
                Cut {
                    through: Some(3),
                    propagate: true,
                    ..DELETE
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
                ..DELETE
            },
        );
        assert!(view.pinned, "9 and 10 are there still");
        view.delete(
            &heads(10),
            Cut {
                through: Some(10),
                ..DELETE
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
        assert_eq!(view.delete(&heads(9), DELETE), 5);
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
                    ..DELETE
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
        view.delete(&heads(5), DELETE);
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
                propagate: true,
                ..DELETE
            },
        );
        assert_eq!(view.propagated_through, 8);
    }

    // DEL-8
    #[test]
    fn clearing_the_history_keeps_the_entry_and_its_pin() {
        let mut view = View {
            pinned: true,
            ..View::default()
        };
        assert_eq!(view.delete(&heads(5), CLEAR), 5);
        assert_eq!(view.newest(&heads(5)), None);
        assert!(view.is_listed(&heads(5)) && view.pinned);
        assert_eq!((view.cleared_through, view.read_through), (5, 5));
        view.delete(&heads(5), HIDE);
        assert!(!view.is_listed(&heads(5)), "and then it can be hidden");
        view.delete(&heads(5), CLEAR);
        assert!(!view.is_listed(&heads(5)), "clearing shows nothing again");
    }

    // DEL-4, DEL-8
    #[test]
    fn an_entry_that_came_back_stays_when_its_history_is_cleared() {
        let mut view = View::default();
        view.delete(&heads(5), HIDE);
        assert!(view.is_listed(&heads(7)), "6 and 7 brought it back");
        view.delete(&heads(7), CLEAR);
        assert!(view.is_listed(&heads(7)));
        view.delete(
            &heads(7),
            Cut {
                through: Some(6),
                ..HIDE
            },
        );
        assert!(
            view.is_listed(&heads(7)),
            "a late retry of an older hiding takes nothing back"
        );
    }

    // SYNC-2, SYNC-3
    #[test]
    fn who_raised_what_is_propagated_is_remembered() {
        let mut view = View::default();
        view.delete(
            &heads(5),
            Cut {
                propagate: true,
                by: Some("phone"),
                ..CLEAR
            },
        );
        view.delete(
            &heads(5),
            Cut {
                propagate: true,
                ..DELETE
            },
        );
        assert_eq!(view.propagated_by.as_deref(), Some("phone"));
        assert_eq!(view.hiding_propagated_through, 5);
        view.delete(
            &heads(6),
            Cut {
                by: Some("tablet"),
                ..DELETE
            },
        );
        assert_eq!(
            (view.propagated_by.as_deref(), view.propagated_through),
            (Some("phone"), 5),
            "the switch was off"
        );
        assert_eq!(view.hiding_propagated_through, 5);
        view.delete(
            &heads(7),
            Cut {
                propagate: true,
                ..DELETE
            },
        );
        assert_eq!((view.propagated_by, view.propagated_through), (None, 7));
    }
}
