//! The command `migrate`: everything in one store goes into another, new one, of whatever engine.
//!
//! Rows go in the order of their keys, so a migration that broke off goes on behind the last row
//! that arrived. At the end both sides are read again, counted and compared.

use std::{io::IsTerminal, sync::Arc, time::Duration};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use crate::{
    Error, Result, cli,
    storage::{
        self, Storage,
        transfer::{Row, TABLES, Table, Tally, Tallying},
    },
};

/// Rows in one transaction of the new store.
const BATCH: usize = 4_096;

/// Migrates, verifies, and prints what there was.
///
/// # Errors
/// A store that cannot be used, a new store that serves an app already, or a difference at the
/// end. What has arrived stays; the same command goes on.
pub fn run(args: &cli::Migrate) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(Error::io("cannot start the runtime"))?;
    let done = runtime.block_on(async {
        let from = storage::open(&args.from).await?;
        let to = storage::open(&args.to).await?;
        let done = migrate(&from, &to).await;
        from.close().await?;
        to.close().await?;
        done
    });
    runtime.shutdown_background();
    let tallies = done?;
    let rows: u64 = tallies.iter().map(|(_, tally)| tally.rows).sum();
    if args.json {
        let tables: serde_json::Map<_, _> = (tallies.iter())
            .map(|(table, tally)| {
                let digest: String = tally
                    .digest
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect();
                (
                    table.name.to_owned(),
                    json!({ "rows": tally.rows, "sha256": digest }),
                )
            })
            .collect();
        println!("{}", json!({ "rows": rows, "tables": tables }));
    } else {
        for (table, tally) in &tallies {
            println!(
                "{:<14} {:>12} rows, the same on both sides",
                table.name, tally.rows
            );
        }
    }
    Ok(())
}

async fn migrate(
    from: &Arc<dyn Storage>,
    to: &Arc<dyn Storage>,
) -> Result<Vec<(&'static Table, Tally)>> {
    if let Some(app_id) = to.settings().await?.app_id {
        return Err(Error::Store(format!(
            "the new store serves the app {app_id} already; allowed: an empty one, or one of a migration that broke off"
        )));
    }
    let bar = bar();
    for table in TABLES {
        let mut behind = to.last_key(table).await?;
        loop {
            let rows = from.page(table, behind, BATCH).await?;
            let Some(last) = rows.last() else { break };
            behind = table.key_of(last);
            bar.set_message(table.name);
            bar.inc(rows.len() as u64);
            to.take_in(table, rows).await?;
        }
    }
    let mut tallies = Vec::new();
    for table in TABLES {
        bar.set_message(format!("comparing {}", table.name));
        let (old, new) = (
            tally(from, table, &bar).await?,
            tally(to, table, &bar).await?,
        );
        if old != new {
            return Err(Error::Store(format!(
                "{} differs: {} rows here, {} there; was the old store in use? Begin again with an empty new store",
                table.name, old.rows, new.rows
            )));
        }
        tallies.push((table, old));
    }
    // Last: from here on the new store is somebody's.
    to.settle(from.moved().await?).await?;
    bar.finish_and_clear();
    Ok(tallies)
}

async fn tally(
    store: &Arc<dyn Storage>,
    table: &'static Table,
    bar: &ProgressBar,
) -> Result<Tally> {
    let mut tallying = Tallying::default();
    let mut behind = Row::new();
    loop {
        let rows = store.page(table, behind, BATCH).await?;
        let Some(last) = rows.last() else {
            return Ok(tallying.end());
        };
        behind = table.key_of(last);
        bar.inc(rows.len() as u64);
        for row in &rows {
            tallying.add(table, row);
        }
    }
}

fn bar() -> ProgressBar {
    let target = if std::io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(None, target);
    if let Ok(style) = ProgressStyle::with_template("{spinner} {human_pos} rows {elapsed} {msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
