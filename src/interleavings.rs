//! The library's own tools between threads, with their steps in every order that [shuttle] tries.
//! Clients are in `ffi/interleavings.rs`, the inbox is in its own file.
//!
//! `ADIEU_SHUTTLE_ROUNDS=10 cargo test -p adieu --features=failpoints,shuttle --lib interleavings`
//! tries ten times as many orders. What fails prints its order, which holds as far as nothing but the
//! order decides: `Instant` and random ids do not go through shuttle.
//!
//! [shuttle]: https://docs.rs/shuttle

#![allow(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::{Config, MaxSteps, Runner};

use crate::delivery::{Delivery, Mode, Reply};
use crate::primitives::{Condvar, Mutex, thread};
use crate::queue::Queue;

/// Long enough that it never passes.
const FOREVER: Duration = Duration::from_secs(86_400);

/// Tries so many orders of steps by chance, and as many with few changes of thread (PCT,
/// Burckhardt et al., ASPLOS 2010).
pub fn explore(orders: usize, test: impl Fn() + Send + Sync + Clone + 'static) {
    let rounds = std::env::var("ADIEU_SHUTTLE_ROUNDS");
    let rounds: usize = rounds
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(1);
    let orders = orders * rounds;
    let mut config = Config::new();
    // SQLite and TLS want more than shuttle's own.
    config.stack_size = 1 << 20;
    config.max_steps = MaxSteps::FailAfter(10_000_000);
    Runner::new(RandomScheduler::new(orders), config.clone()).run(test.clone());
    const PREEMPTIONS: usize = 3;
    Runner::new(PctScheduler::new(PREEMPTIONS, orders), config).run(test);
    println!("{} orders", 2 * orders);
}

/// Writers, some of whom wait for room, and whoever closes: at any moment, or when they are done.
fn written_and_read(closes_early: bool) {
    let queue = Arc::new(Queue::new());
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let queue = queue.clone();
            thread::spawn(move || {
                let push = |number| match writer {
                    0 | 1 => queue.push_when_shorter_than(1, (writer, number)),
                    _ => queue.push((writer, number)),
                };
                (0..3)
                    .map(|number| push(number).is_ok())
                    .collect::<Vec<_>>()
            })
        })
        .collect();
    let closing = queue.clone();
    let closer = thread::spawn(move || {
        if closes_early {
            closing.close();
        }
        let taken: Vec<_> = writers
            .into_iter()
            .map(|writer| writer.join().unwrap())
            .collect();
        closing.close();
        taken
    });
    let mut read = Vec::new();
    while let Some(items) = queue.take_all(FOREVER) {
        assert!(!items.is_empty(), "the reader was woken for nothing");
        read.extend(items);
    }
    for (writer, taken) in closer.join().unwrap().into_iter().enumerate() {
        let count = taken.iter().filter(|taken| **taken).count();
        assert!(
            taken[..count].iter().all(|taken| *taken),
            "a closed queue took an item"
        );
        assert!(closes_early || count == 3, "an open queue refused an item");
        let numbers = read.iter().filter(|item| item.0 == writer);
        let numbers: Vec<_> = numbers.map(|item| item.1).collect();
        assert_eq!(numbers, (0..count).collect::<Vec<_>>());
    }
}

#[test]
fn what_a_queue_takes_is_read_once_and_in_order() {
    explore(4_000, || written_and_read(false));
}

#[test]
fn a_queue_that_is_closed_keeps_nobody_waiting() {
    explore(4_000, || written_and_read(true));
}

/// What became of one reply.
#[derive(Default)]
struct Heard {
    good: AtomicUsize,
    bad: AtomicUsize,
}

/// A duty that counts how it is fulfilled. Nobody else is in a callback meanwhile.
fn duty(delivery: &Arc<Delivery>, heard: &Arc<Heard>, inside: &Arc<AtomicUsize>) -> Reply<()> {
    let (heard, inside) = (heard.clone(), inside.clone());
    let nested = delivery.clone();
    Reply::new(delivery.clone(), move |result| {
        let others = inside.fetch_add(1, SeqCst);
        thread::yield_now();
        let delivered = nested.poll(usize::MAX);
        match result {
            // A panic here would be caught on its way: it counts as a second answer.
            Ok(()) => heard.good.fetch_add(1 + others + delivered, SeqCst),
            Err(_) => heard.bad.fetch_add(1 + others + delivered, SeqCst),
        };
        inside.fetch_sub(1, SeqCst);
    })
}

/// One sends, one forgets, one lets go: each of several times, on threads of their own.
fn three_ways(delivery: &Arc<Delivery>) -> (Vec<thread::JoinHandle<()>>, [Arc<Heard>; 3]) {
    let heard: [Arc<Heard>; 3] = Default::default();
    let inside = Arc::default();
    let ways: [fn(Reply<()>); 3] = [|reply| reply.send(Ok(())), drop, Reply::release];
    let threads = ways
        .into_iter()
        .zip(&heard)
        .map(|(way, heard)| {
            let replies = [(); 2].map(|()| duty(delivery, heard, &inside));
            let delivery = delivery.clone();
            thread::spawn(move || {
                let _corked = delivery.cork();
                replies.into_iter().for_each(way);
            })
        })
        .collect();
    (threads, heard)
}

fn each_was_heard_once(heard: &[Arc<Heard>; 3]) {
    let heard = heard.each_ref();
    let counts = heard.map(|heard| (heard.good.load(SeqCst), heard.bad.load(SeqCst)));
    assert_eq!(counts, [(2, 0), (0, 2), (0, 0)]);
}

// CALL-3: whether it is sent, forgotten or let go of.
#[test]
fn a_reply_answers_once_on_the_librarys_thread() {
    explore(4_000, || {
        let delivery = Arc::new(Delivery::new(Mode::Thread));
        let delivering = delivery.clone();
        let deliverer = thread::spawn(move || delivering.run_until_finished(|| false));
        let (threads, heard) = three_ways(&delivery);
        for thread in threads {
            thread.join().unwrap();
        }
        delivery.finish();
        deliverer.join().unwrap();
        each_was_heard_once(&heard);
    });
}

/// CALL-6: two threads of the host poll when they are asked to, and only then: a hook that is not called
/// would leave them waiting for ever.
#[test]
fn a_host_that_polls_when_asked_hears_everything_once() {
    explore(4_000, || {
        let asked = Arc::new((Mutex::new(0_usize), Condvar::new()));
        let asking = asked.clone();
        let hook = Box::new(move || {
            *asking.0.lock() += 1;
            asking.1.notify_all();
        });
        let delivery = Arc::new(Delivery::new(Mode::Host(Some(hook))));
        let (threads, heard) = three_ways(&delivery);
        let hosts: Vec<_> = (0..2)
            .map(|_| {
                let (delivery, asked, heard) = (delivery.clone(), asked.clone(), heard.clone());
                thread::spawn(move || {
                    let all = || heard[0].good.load(SeqCst) + heard[1].bad.load(SeqCst) >= 4;
                    while !all() {
                        let mut count = asked.0.lock();
                        while *count == 0 {
                            asked.1.wait(&mut count);
                        }
                        *count -= 1;
                        drop(count);
                        delivery.poll(usize::MAX);
                    }
                    // The other one need not wait any more.
                    *asked.0.lock() += 1;
                    asked.1.notify_all();
                })
            })
            .collect();
        for thread in threads.into_iter().chain(hosts) {
            thread.join().unwrap();
        }
        each_was_heard_once(&heard);
    });
}

/// A reply that goes on a thread of its own is delivered before a drain ends, or by it.
#[test]
fn a_drain_leaves_nothing_and_nobody_delivering() {
    explore(4_000, || {
        let delivery = Arc::new(Delivery::new(Mode::Host(None)));
        let (threads, heard) = three_ways(&delivery);
        let polling = delivery.clone();
        let host = thread::spawn(move || {
            polling.poll(1);
            polling.poll(usize::MAX);
        });
        for thread in threads {
            thread.join().unwrap();
        }
        delivery.drain();
        each_was_heard_once(&heard);
        assert!(delivery.is_idle());
        host.join().unwrap();
    });
}

/// The tools see what they are for: a lock that two threads take in two orders.
#[test]
#[should_panic(expected = "deadlock")]
fn a_deadlock_is_noticed() {
    explore(100, || {
        let locks = Arc::new((Mutex::new(()), Mutex::new(())));
        let theirs = locks.clone();
        let other = thread::spawn(move || {
            let _second = theirs.1.lock();
            let _first = theirs.0.lock();
        });
        let first = locks.0.lock();
        let second = locks.1.lock();
        drop((first, second));
        other.join().unwrap();
    });
}
