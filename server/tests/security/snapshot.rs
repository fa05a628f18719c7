//! Everything that a server keeps.

use rusqlite::{Connection, OpenFlags};

use crate::support::{Server, wait_until};

/// Every row of every table of an embedded store, as text, once the purge has done what earlier
/// deletions left to it.
pub fn of(server: &Server) -> Vec<String> {
    let store =
        Connection::open_with_flags(server.store(), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let to_purge = "SELECT count(*) FROM purge_work";
    wait_until(|| store.query_row(to_purge, [], |row| row.get::<_, i64>(0)) == Ok(0));
    let tables: Vec<String> = store
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert!(tables.iter().any(|name| name == "messages"), "{tables:?}");
    let mut rows = Vec::new();
    for table in tables {
        let mut all = store
            .prepare(&format!("SELECT * FROM \"{table}\""))
            .unwrap();
        let columns = all.column_count();
        let mut found = all.query([]).unwrap();
        while let Some(row) = found.next().unwrap() {
            let values: Vec<_> = (0..columns).map(|at| row.get_ref(at).unwrap()).collect();
            rows.push(format!("{table}: {values:?}"));
        }
    }
    rows.sort();
    rows
}

/// Looks again; what differs is shown, and not all that a server keeps.
pub fn assert_unchanged(server: &Server, before: &[String], what: &str) {
    let after = of(server);
    let only = |these: &[String], others: &[String]| -> Vec<String> {
        let missing = these.iter().filter(|row| !others.contains(row));
        missing.map(|row| row.chars().take(400).collect()).collect()
    };
    let (gone, new) = (only(before, &after), only(&after, before));
    assert!(
        gone.is_empty() && new.is_empty(),
        "{what} changed the store; gone: {gone:#?}, new: {new:#?}"
    );
}

/// The memory of a process that is in use, in KiB.
pub fn memory(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
