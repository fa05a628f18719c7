//! Pages of the conversation list.
//!
//! A page goes on behind a time and a number of conversations of that time that were given
//! already, so conversations of one second are neither lost nor given twice, and a message that
//! comes between two pages moves its conversation to the front without disturbing the rest.

use adieu_protocol::{
    ConversationId,
    recent_contact::{
        ASSIST_EMPTY, ASSIST_PAGE_PINNED, ASSIST_PINNED, GetList, List, SessionItem, TYPE_C2C,
        TYPE_GROUP,
    },
};

use crate::storage::OwnedView;

/// Conversations in one page.
const PAGE: usize = 100;

/// One page of the list of these views.
pub(super) fn page(views: Vec<OwnedView>, request: &GetList) -> List {
    let has = |flag| request.assist_flags & flag != 0;
    let mut entries: Vec<Entry> = views
        .into_iter()
        .filter(|owned| owned.view.is_listed(&owned.heads))
        .filter_map(|owned| {
            let newest = owned.view.newest(&owned.heads);
            let time = newest
                .map(|(_, time)| time)
                .or_else(|| has(ASSIST_EMPTY).then_some(0))?;
            Some(Entry {
                key: owned.key,
                time,
                pinned: owned.view.pinned,
                conversation: owned.conversation,
            })
        })
        .collect();
    entries.sort_unstable_by(|one, other| other.time.cmp(&one.time).then(one.key.cmp(&other.key)));

    let on_top: Vec<Entry>;
    (on_top, entries) = entries
        .into_iter()
        .partition(|entry| has(ASSIST_PINNED) && entry.pinned);
    let (mut items, top, top_left) = if has(ASSIST_PAGE_PINNED) {
        cut(
            on_top,
            Place {
                time: request.top_time_stamp,
                index: request.top_start_index,
            },
            PAGE,
        )
    } else if request.time_stamp == 0 && request.start_index == 0 {
        // Not paged: the first page has them all.
        let all = on_top.len();
        cut(on_top, Place::default(), all)
    } else {
        (Vec::new(), Place::default(), false)
    };
    let room = if has(ASSIST_PAGE_PINNED) {
        PAGE.saturating_sub(items.len())
    } else {
        PAGE
    };
    let (rest, place, left) = cut(
        entries,
        Place {
            time: request.time_stamp,
            index: request.start_index,
        },
        room,
    );
    items.extend(rest);
    List {
        items: items.into_iter().map(Entry::item).collect(),
        complete: (!left && !top_left).into(),
        time_stamp: place.time,
        start_index: place.index,
        top_time_stamp: top.time,
        top_start_index: top.index,
    }
}

struct Entry {
    conversation: ConversationId,
    key: u64,
    time: u64,
    pinned: bool,
}

impl Entry {
    fn item(self) -> SessionItem {
        let (kind, to_account, group_id) = match self.conversation {
            ConversationId::C2c(user) => (TYPE_C2C, Some(user.into()), None),
            ConversationId::Group(group) => (TYPE_GROUP, None, Some(group.into())),
            ConversationId::System => (0, None, None),
        };
        SessionItem {
            kind,
            to_account,
            group_id,
            msg_time: self.time,
            top_flag: self.pinned.into(),
        }
    }
}

/// Behind the first `index` conversations of a time. The zero place is the beginning.
#[derive(Clone, Copy, Default)]
struct Place {
    time: u64,
    index: u64,
}

/// At most `room` entries from a place on, the place behind them, and whether more follow.
fn cut(entries: Vec<Entry>, from: Place, room: usize) -> (Vec<Entry>, Place, bool) {
    let begin = from.time == 0 && from.index == 0;
    let mut given = Vec::new();
    let mut place = from;
    let mut of_this_time = 0;
    for entry in entries {
        if !begin {
            let passed =
                entry.time > from.time || (entry.time == from.time && of_this_time < from.index);
            if entry.time == from.time {
                of_this_time += 1;
            }
            if passed {
                continue;
            }
        }
        if given.len() == room {
            return (given, place, true);
        }
        let index = if entry.time == place.time {
            place.index + 1
        } else {
            1
        };
        place = Place {
            time: entry.time,
            index,
        };
        given.push(entry);
    }
    (given, place, false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::view::{Heads, View};

    fn view(key: u64, time: u64, pinned: bool) -> OwnedView {
        let head = u64::from(time > 0);
        OwnedView {
            conversation: ConversationId::C2c(format!("u{key}").into()),
            key,
            title: String::new(),
            view: View {
                pinned,
                ..View::default()
            },
            heads: Heads {
                head,
                common: head,
                common_time: time,
            },
            device_erased_through: 0,
            device_hidden_through: 0,
        }
    }

    fn walk(views: &[OwnedView], flags: u32) -> Vec<Vec<String>> {
        let mut request = GetList {
            assist_flags: flags,
            ..GetList::default()
        };
        let mut pages = Vec::new();
        loop {
            let list = page(views.to_vec(), &request);
            pages.push(
                list.items
                    .into_iter()
                    .filter_map(|item| item.to_account)
                    .collect(),
            );
            assert!(pages.len() < 20, "paging does not end");
            if list.complete == 1 {
                return pages;
            }
            (request.time_stamp, request.start_index) = (list.time_stamp, list.start_index);
            (request.top_time_stamp, request.top_start_index) =
                (list.top_time_stamp, list.top_start_index);
        }
    }

    #[test]
    fn every_conversation_comes_once_newest_first() {
        // 250 conversations of three different times, so pages end within one time.
        let views: Vec<_> = (1..=250)
            .map(|key| view(key, 1_000 + key % 3, false))
            .collect();
        let pages = walk(&views, 0);
        assert_eq!(
            pages.iter().map(Vec::len).collect::<Vec<_>>(),
            [100, 100, 50]
        );
        let mut all: Vec<_> = pages.concat();
        assert_eq!(all[0], "u2", "the newest time, the lowest key");
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 250);
    }

    #[test]
    fn pinned_ones_come_first_and_are_paged_when_asked() {
        let views: Vec<_> = (1..=250)
            .map(|key| view(key, 1_000 + key, key <= 120))
            .collect();
        assert_eq!(walk(&views, 0)[0][0], "u250");
        let unpaged = walk(&views, ASSIST_PINNED);
        assert_eq!((unpaged[0].len(), unpaged[0][0].as_str()), (220, "u120"));
        assert_eq!(unpaged.concat().len(), 250);
        let paged = walk(&views, ASSIST_PINNED | ASSIST_PAGE_PINNED);
        assert_eq!(
            (paged[0].len(), paged[1].len(), paged[2].len()),
            (100, 100, 50)
        );
        assert_eq!(paged.concat().len(), 250);
        assert_eq!(paged[1][20], "u250");
    }

    #[test]
    fn empty_conversations_only_when_asked() {
        let views = [view(1, 0, false), view(2, 5, false)];
        assert_eq!(walk(&views, 0).concat(), ["u2"]);
        assert_eq!(walk(&views, ASSIST_EMPTY).concat(), ["u2", "u1"]);
    }
}
