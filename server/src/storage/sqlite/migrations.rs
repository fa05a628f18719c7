//! From older formats to this one, forward only.

use rusqlite::Connection;

use super::schema::VERSION;
use crate::Result;

/// The step from each format to the next, the first from format 1.
///
/// To 2: one count of changes for the whole store instead of one for each account, which numbers
/// deletions too. It begins above all of them, so what they numbered stays in order.
const STEPS: &[&str] = &["
INSERT INTO settings (name, value) VALUES ('changes', max(
    (SELECT coalesce(max(version), 0) FROM accounts), (SELECT coalesce(max(number), 0) FROM deletions)));
ALTER TABLE accounts DROP COLUMN version;
CREATE TABLE incarnations (number INTEGER PRIMARY KEY, id INTEGER NOT NULL UNIQUE, began INTEGER NOT NULL);
ALTER TABLE conversations ADD COLUMN changed INTEGER NOT NULL DEFAULT 0;
CREATE INDEX conversations_by_change ON conversations (changed);
ALTER TABLE views ADD COLUMN propagated_by TEXT;
ALTER TABLE views ADD COLUMN hiding_propagated_through INTEGER NOT NULL DEFAULT 0;
ALTER TABLE views ADD COLUMN kept_through INTEGER NOT NULL DEFAULT 0;
CREATE INDEX views_by_version ON views (owner, version);
ALTER TABLE device_views ADD COLUMN hide_through INTEGER NOT NULL DEFAULT 0;
ALTER TABLE deletions ADD COLUMN keep_listed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE deletions ADD COLUMN cleared INTEGER NOT NULL DEFAULT 0;
ALTER TABLE deletions ADD COLUMN propagated INTEGER NOT NULL DEFAULT 0;
-- Until now a deletion of messages always took the list entry too.
UPDATE device_views SET hide_through = erase_through;
UPDATE views SET hiding_propagated_through = propagated_through;
"];

/// Takes all steps at once, or none.
pub(super) fn bring_up(connection: &Connection, from: i32) -> Result<()> {
    let done = usize::try_from(from - 1).unwrap_or_default();
    let transaction = connection.unchecked_transaction()?;
    for step in STEPS.iter().skip(done) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{super::schema::SCHEMA, *};

    /// Tables with their columns, and indexes with what they index.
    fn shape(connection: &Connection) -> Vec<String> {
        let mut shape: Vec<String> = connection
            .prepare(
                "SELECT m.type || ' ' || m.name || ' ' || c.name || ' ' || c.type || c.\"notnull\" || c.pk
                 FROM sqlite_schema m, pragma_table_xinfo(m.name) c WHERE m.type = 'table'
                 UNION ALL
                 SELECT m.type || ' ' || m.name || ' ' || coalesce(c.name, '') || c.seqno
                 FROM sqlite_schema m, pragma_index_info(m.name) c WHERE m.type = 'index'",
            )
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<rusqlite::Result<_>>()
            .unwrap();
        shape.sort();
        shape
    }

    #[test]
    fn an_older_store_comes_to_the_shape_of_a_new_one() {
        assert_eq!(i32::try_from(STEPS.len()).unwrap() + 1, VERSION);
        let new = Connection::open_in_memory().unwrap();
        new.execute_batch(SCHEMA).unwrap();
        let old = Connection::open_in_memory().unwrap();
        old.execute_batch(include_str!("format_1.sql")).unwrap();
        bring_up(&old, 1).unwrap();
        assert_eq!(shape(&old), shape(&new));
    }
}
