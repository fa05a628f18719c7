//! Erasing on the device: start to unrecoverable and hidden, against one append and its flush.

use anyhow::Result;

use crate::adieu::{Calls, Client, fill};
use crate::engine::Run;
use crate::floor::{Disk, Statement};
use crate::report::{Goal, Report, Row};
use crate::statistics::Samples;

/// Messages in other conversations of the store.
const OTHERS: usize = 20_000;

/// The floor.
const APPEND: &str = "4 KiB append + fdatasync";

/// Runs the section.
pub fn run(report: &mut Report, run: &Run) -> Result<()> {
    let sizes: &[(usize, usize)] = if run.quick {
        &[(1_000, 5), (100_000, 2)]
    } else {
        &[
            (10, 5),
            (1_000, 7),
            (10_000, 7),
            (100_000, 3),
            (1_000_000, 2),
        ]
    };
    let [mut floor, mut overwrite, mut statement] = [const { Samples::new() }; 3];
    let mut medians = Vec::new();
    for (size, rounds) in sizes {
        let (mut erase, mut total) = (Samples::default(), Samples::default());
        for _ in 0..*rounds {
            let folder = tempfile::tempdir_in(".")?;
            let client = Client::open(folder.path(), "alice", None)?;
            fill(&client, c"c2c_other", OTHERS)?;
            fill(&client, c"c2c_target", *size)?;
            settle(&client)?;
            let bare = Statement::new(folder.path())?;
            for _ in 0..10 {
                statement.push(bare.commit()?);
            }
            let mut disk = Disk::new(folder.path())?;
            for _ in 0..10 {
                floor.push(disk.append()?);
                overwrite.push(disk.overwrite()?);
            }
            let mut id = [0; 16];
            let calls = Calls::default();
            client.delete(c"c2c_target", &mut id, &calls)?;
            calls.next()?;
            let receipt = client.receipt(&id)?;
            erase.push_value(receipt.erase_ns as f64 / 1e3);
            total.push_value(receipt.total_ns as f64 / 1e3);
        }
        report.add(Row::samples(
            format!("{size} messages: erased"),
            &erase,
            "µs",
        ));
        report.add(Row::samples(
            format!("{size} messages: call to success"),
            &total,
            "µs",
        ));
        medians.push(erase.median());
    }
    report.add(Row::samples(APPEND, &floor, "µs"));
    report.add(Row::samples("64 B overwrite + fdatasync", &overwrite, "µs"));
    report.add(Row::samples(
        "bare SQLite: one row deleted, committed and flushed",
        &statement,
        "µs",
    ));
    let slowest = medians.iter().copied().fold(0.0, f64::max);
    report.add(
        Row::value("slowest of these medians by the append", slowest, "µs")
            .over(APPEND, floor.median())
            .goal(Goal::AtMost(1.5))
            .why_missed("two key slots in different blocks are overwritten before the one flush"),
    );
    let thousand = sizes.iter().position(|(size, _)| *size == 1_000);
    let thousand = thousand.and_then(|at| medians.get(at));
    if let (Some(first), Some(last)) = (thousand, medians.last()) {
        report.add(
            Row::value("longest history by that of 1000", *last, "µs")
                .over("1000 messages", *first)
                .goal(Goal::AtMost(1.3)),
        );
    }
    Ok(())
}

/// Waits until what was saved has been moved into the database and has reached the disk: the
/// writes of the preparation would otherwise be measured with the deletion, and with the floor.
fn settle(client: &Client) -> Result<()> {
    client.history(c"c2c_other", 0, 1)?;
    std::thread::sleep(std::time::Duration::from_millis(300));
    crate::floor::sync_all()
}
