//! What every storage engine has to do. It speaks to the trait only: a further engine is tested
//! by adding it to `each_engine`.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests; a failure is the test's"
)]

#[path = "support/database.rs"]
mod database;

use std::{sync::Arc, time::Duration};

use adieu_protocol::ConversationId;
use adieu_server::{
    Error,
    storage::{
        self, Account, Between, C2cMessage, Changed, Deletion, Draft, GroupMessage, GroupQuery,
        HistoryQuery, Joined, LoggedMessage, NewGroup, RoamQuery, Storage, SyncPosition, SyncQuery,
        view::Extent,
    },
};

/// Runs a test on a new store of each engine.
fn each_engine(test: impl AsyncFn(Arc<dyn Storage>)) {
    let dir = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut engines = vec![format!("sqlite:{}", dir.path().join("store.db").display())];
    engines.extend(database::new());
    for url in engines {
        runtime.block_on(async {
            let storage = storage::open(&url).await.unwrap();
            for name in ["a", "b", "c"] {
                storage
                    .import_account(Account {
                        name: name.to_owned(),
                        ..Account::default()
                    })
                    .await
                    .unwrap();
            }
            test(Arc::clone(&storage)).await;
            storage.close().await.unwrap();
        });
    }
}

fn draft(sender: &str, time: u64, random: u32) -> Draft {
    let body = format!(r#"[{{"MsgType":"T","MsgContent":{{"Text":"{random}"}}}}]"#);
    Draft {
        sender: sender.to_owned(),
        time,
        random,
        body,
        ..Draft::default()
    }
}

fn c2c(from: &str, to: &str, time: u64, random: u32) -> C2cMessage {
    C2cMessage {
        draft: draft(from, time, random),
        receiver: to.to_owned(),
        receiver_only: false,
    }
}

fn deletion(owner: &str, conversation: ConversationId) -> Deletion {
    Deletion {
        owner: owner.to_owned(),
        conversation,
        extent: Extent::Conversation,
        cut_off: None,
        id: None,
        device: None,
        now: 1_000,
    }
}

fn user(name: &str) -> ConversationId {
    ConversationId::C2c(name.into())
}

async fn positions(storage: &dyn Storage, owner: &str, conversation: ConversationId) -> Vec<u64> {
    let query = HistoryQuery {
        owner: owner.to_owned(),
        conversation,
        after: 0,
        limit: 1_000,
    };
    storage
        .history(query)
        .await
        .unwrap()
        .messages
        .iter()
        .map(|message| message.position)
        .collect()
}

#[test]
fn positions_have_no_gaps_however_many_write_at_once() {
    each_engine(async |storage| {
        let sends = (0..200_u32).map(|at| {
            let storage = Arc::clone(&storage);
            let (from, to) = if at % 2 == 0 { ("a", "b") } else { ("b", "a") };
            tokio::spawn(async move {
                storage
                    .send_c2c(c2c(from, to, 100, at))
                    .await
                    .unwrap()
                    .position
            })
        });
        let mut given = Vec::new();
        for send in sends.collect::<Vec<_>>() {
            given.push(send.await.unwrap());
        }
        given.sort_unstable();
        assert_eq!(given, (1..=200).collect::<Vec<_>>());
        assert_eq!(positions(&*storage, "a", user("b")).await, given);
    });
}

#[test]
fn an_operation_that_fails_leaves_no_trace_and_the_others_alone() {
    each_engine(async |storage| {
        let group = NewGroup {
            id: "g".to_owned(),
            title: "g".to_owned(),
            kind: "Public".to_owned(),
            owner: Some("a".to_owned()),
            members: vec!["b".to_owned(), "nobody".to_owned()],
        };
        let (failed, sent) = tokio::join!(
            storage.create_group(group.clone()),
            storage.send_c2c(c2c("a", "b", 1, 1))
        );
        assert!(matches!(failed, Err(Error::AccountNotFound(name)) if name == "nobody"));
        assert_eq!(sent.unwrap().position, 1);
        assert!(matches!(
            storage.add_members("g", vec!["c".to_owned()]).await,
            Err(Error::GroupNotFound(_))
        ));
        storage
            .create_group(NewGroup {
                members: vec!["b".to_owned()],
                ..group
            })
            .await
            .unwrap();
        let joined = storage
            .add_members(
                "g",
                vec!["b".to_owned(), "c".to_owned(), "nobody".to_owned()],
            )
            .await;
        assert_eq!(
            joined.unwrap(),
            [Joined::Already, Joined::Now, Joined::Unknown]
        );
    });
}

// DEL-5
#[test]
fn a_deletion_changes_one_view() {
    each_engine(async |storage| {
        for (from, to) in [("a", "b"), ("a", "c"), ("b", "c")] {
            storage.send_c2c(c2c(from, to, 1, 1)).await.unwrap();
        }
        let everything = async || {
            let mut all = Vec::new();
            for owner in ["a", "b", "c"] {
                for owned in storage.views(owner).await.unwrap() {
                    all.push((owner, owned.conversation, owned.view));
                }
            }
            all
        };
        let before = everything().await;
        storage
            .delete(vec![deletion("a", user("b"))])
            .await
            .unwrap()
            .remove(0)
            .unwrap();
        let changed: Vec<_> = before
            .into_iter()
            .zip(everything().await)
            .filter(|(before, after)| before != after)
            .collect();
        assert_eq!(changed.len(), 1);
        assert_eq!((changed[0].1.0, &changed[0].1.1), ("a", &user("b")));
    });
}

// DUR-4, DEL-4
#[test]
fn deletion_ids_are_remembered_for_thirty_days_and_positions_hold_after_that() {
    each_engine(async |storage| {
        storage.send_c2c(c2c("a", "b", 1, 1)).await.unwrap();
        let first = Deletion {
            id: Some([7; 16]),
            device: Some("phone".to_owned()),
            ..deletion("a", user("b"))
        };
        let reached = async |deletion: &Deletion| {
            storage
                .delete(vec![deletion.clone()])
                .await
                .unwrap()
                .remove(0)
                .unwrap()
        };
        assert_eq!(reached(&first).await, 1);
        storage.send_c2c(c2c("b", "a", 2, 2)).await.unwrap();
        assert_eq!(reached(&first).await, 1);
        let day = 24 * 60 * 60;
        while storage.purge_step(1_000 + 30 * day).await.unwrap() {}
        assert_eq!(reached(&first).await, 1, "day 30");
        let recent = storage.recent_deletions(10).await.unwrap();
        assert_eq!(recent.len(), 1);
        assert_eq!(
            (recent[0].conversation.as_str(), recent[0].device.as_deref()),
            ("c2c_b", Some("phone"))
        );
        while storage.purge_step(1_001 + 30 * day).await.unwrap() {}
        assert!(storage.recent_deletions(10).await.unwrap().is_empty());
        assert_eq!(
            reached(&Deletion {
                cut_off: Some(1),
                ..first
            })
            .await,
            1,
            "forgotten, and harmless by its position"
        );
        assert_eq!(positions(&*storage, "a", user("b")).await, [2]);
    });
}

// SYNC-3
#[test]
fn only_deletions_made_while_the_switch_was_on_are_propagated() {
    each_engine(async |storage| {
        storage.send_c2c(c2c("a", "b", 1, 1)).await.unwrap();
        storage.send_c2c(c2c("a", "c", 1, 2)).await.unwrap();
        storage
            .delete(vec![deletion("a", user("b"))])
            .await
            .unwrap();
        assert!(!storage.settings().await.unwrap().sync_deletions);
        storage.set_sync_deletions(true).await.unwrap();
        storage
            .delete(vec![deletion("a", user("c"))])
            .await
            .unwrap();
        let query = SyncQuery {
            owner: "a".to_owned(),
            device: None,
            position: None,
            limit: 10,
        };
        let page = storage.sync(query).await.unwrap();
        let propagated: Vec<_> = page
            .views
            .iter()
            .map(|owned| owned.view.propagated_through)
            .collect();
        assert_eq!((propagated, page.complete), (vec![0, 1], true));
    });
}

#[test]
fn repeats_are_recognised_in_their_window_only() {
    each_engine(async |storage| {
        let first = storage.send_c2c(c2c("a", "b", 100, 1)).await.unwrap();
        assert_eq!(
            storage.send_c2c(c2c("a", "b", 101, 1)).await.unwrap(),
            first
        );
        assert_eq!(
            storage
                .send_c2c(c2c("b", "a", 101, 1))
                .await
                .unwrap()
                .position,
            2,
            "another sender"
        );
        assert_eq!(
            storage
                .send_c2c(c2c("a", "b", 102, 1))
                .await
                .unwrap()
                .position,
            3
        );
        let new = NewGroup {
            id: "g".to_owned(),
            title: "g".to_owned(),
            kind: "Work".to_owned(),
            owner: Some("a".to_owned()),
            members: Vec::new(),
        };
        storage.create_group(new).await.unwrap();
        let group = |time, random| GroupMessage {
            draft: draft("a", time, random),
            group: "g".to_owned(),
            ..GroupMessage::default()
        };
        assert_eq!(storage.send_group(group(100, 1)).await.unwrap().position, 1);
        assert_eq!(storage.send_group(group(400, 1)).await.unwrap().position, 1);
        assert_eq!(storage.send_group(group(401, 1)).await.unwrap().position, 2);
        let mut other_content = group(401, 1);
        other_content.draft.body.push(' ');
        assert_eq!(storage.send_group(other_content).await.unwrap().position, 3);
        let stranger = GroupMessage {
            draft: draft("b", 500, 9),
            members_only: true,
            ..group(500, 9)
        };
        assert!(matches!(
            storage.send_group(stranger).await,
            Err(Error::NotAMember { .. })
        ));
    });
}

#[test]
fn a_clock_that_is_set_back_puts_no_message_before_the_one_ahead_of_it() {
    each_engine(async |storage| {
        storage.send_c2c(c2c("a", "b", 500, 1)).await.unwrap();
        assert_eq!(
            storage.send_c2c(c2c("a", "b", 400, 2)).await.unwrap().time,
            500
        );
    });
}

#[test]
fn history_by_time_is_the_same_on_sorted_and_unsorted_conversations() {
    each_engine(async |storage| {
        let log = |peer: &str, times: &[u64]| -> Vec<LoggedMessage> {
            let between = Between::Users("a".to_owned(), peer.to_owned());
            times
                .iter()
                .map(|time| LoggedMessage {
                    between: between.clone(),
                    sender: "a".to_owned(),
                    time: *time,
                    body: "[]".to_owned(),
                })
                .collect()
        };
        let mut times: Vec<u64> = (0..60).map(|at| 1_000 + at / 3).collect();
        storage.import(log("b", &times)).await.unwrap();
        times.rotate_left(17);
        assert_eq!(
            storage.import(log("c", &times)).await.unwrap().out_of_order,
            17
        );
        times.sort_unstable();
        for peer in ["b", "c"] {
            let mut query = RoamQuery {
                operator: "a".to_owned(),
                peer: peer.to_owned(),
                min_time: 1_002,
                max_time: 1_010,
                behind: None,
                limit: 4,
                bytes: 10_000,
            };
            let mut seen = Vec::new();
            loop {
                let page = storage.roam(query.clone()).await.unwrap();
                seen.extend(page.messages.iter().rev().map(|message| message.time));
                if page.complete {
                    break;
                }
                let earliest = &page.messages[0];
                query.behind = Some((earliest.seq, earliest.random, earliest.time));
                query.max_time = earliest.time;
            }
            seen.reverse();
            let expected: Vec<u64> = times
                .iter()
                .copied()
                .filter(|time| (1_002..=1_010).contains(time))
                .collect();
            assert_eq!(seen, expected, "with {peer}");
        }
    });
}

// DEL-7
#[test]
fn the_purge_takes_what_no_view_can_reach_and_nothing_else() {
    each_engine(async |storage| {
        let new = NewGroup {
            id: "g".to_owned(),
            title: "g".to_owned(),
            kind: "Public".to_owned(),
            owner: Some("a".to_owned()),
            members: vec!["b".to_owned()],
        };
        storage.create_group(new).await.unwrap();
        let send = async |count: u32, from: u32| {
            for random in from..from + count {
                let message = GroupMessage {
                    draft: draft("a", 1, random),
                    group: "g".to_owned(),
                    ..GroupMessage::default()
                };
                storage.send_group(message).await.unwrap();
            }
        };
        let left = async || {
            while storage.purge_step(2).await.unwrap() {}
            let query = GroupQuery {
                group: "g".to_owned(),
                viewer: None,
                through: None,
                limit: 5_000,
            };
            storage.group_messages(query).await.unwrap().messages.len()
        };
        let group = || ConversationId::Group("g".into());
        send(1_200, 0).await;
        storage
            .remove_members("g", vec!["b".to_owned()])
            .await
            .unwrap();
        send(10, 5_000).await;
        storage.delete(vec![deletion("a", group())]).await.unwrap();
        assert_eq!(left().await, 1_210, "b left and keeps what it saw");
        storage
            .delete(vec![Deletion {
                cut_off: Some(700),
                ..deletion("b", group())
            }])
            .await
            .unwrap();
        assert_eq!(left().await, 510);
        send(1, 9_000).await;
        storage.delete(vec![deletion("b", group())]).await.unwrap();
        assert_eq!(left().await, 1, "the newer one is a's");
        storage
            .add_members("g", vec!["b".to_owned()])
            .await
            .unwrap();
        storage.delete(vec![deletion("a", group())]).await.unwrap();
        assert_eq!(left().await, 0, "b joined behind it");
    });
}

#[test]
fn a_store_serves_one_app() {
    each_engine(async |storage| {
        storage.bind_app(1).await.unwrap();
        storage.bind_app(1).await.unwrap();
        assert!(matches!(storage.bind_app(2).await, Err(Error::Store(_))));
        assert_eq!(storage.settings().await.unwrap().app_id, Some(1));
    });
}

// SYNC-2
#[test]
fn a_position_goes_on_and_one_of_another_opening_begins_anew() {
    each_engine(async |storage| {
        let mut changes = storage.changes();
        storage.send_c2c(c2c("b", "a", 1, 1)).await.unwrap();
        storage.send_c2c(c2c("c", "a", 1, 2)).await.unwrap();
        let ask = async |position: Option<SyncPosition>, limit: usize| {
            let query = SyncQuery {
                owner: "a".to_owned(),
                device: None,
                position,
                limit,
            };
            storage.sync(query).await.unwrap()
        };
        // A pass of two pages, with a change of what it has passed already.
        let first = ask(None, 1).await;
        assert_eq!((first.views.len(), first.complete), (1, false));
        storage
            .delete(vec![deletion("a", user("b"))])
            .await
            .unwrap();
        let second = ask(Some(first.position), 1).await;
        assert_eq!((second.views.len(), second.complete), (1, true));
        let next = ask(Some(second.position), 10).await;
        assert_eq!(next.views.len(), 1, "found by the next pass");
        assert_eq!(next.views[0].view.cleared_through, 1);
        let end = ask(Some(next.position), 10).await;
        assert!(end.views.is_empty() && end.complete && !end.anew);
        let mut of_another = end.position.clone();
        of_another.incarnation ^= 1;
        let mut of_the_future = end.position;
        of_the_future.target.through += 1_000_000;
        for position in [of_another, of_the_future] {
            let page = ask(Some(position), 10).await;
            assert_eq!((page.views.len(), page.anew), (2, true));
        }
        let mut awaited = vec![
            Changed::Views("a".to_owned()),
            Changed::Views("c".to_owned()),
            Changed::Deletion("a".to_owned()),
        ];
        while !awaited.is_empty() {
            let told = tokio::time::timeout(Duration::from_secs(10), changes.recv()).await;
            let told = told
                .unwrap_or_else(|_| panic!("{awaited:?} was not told"))
                .unwrap();
            awaited.retain(|one| *one != told);
        }
    });
}
