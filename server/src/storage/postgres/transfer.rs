//! Rows as plain cells, out and in.

use tokio_postgres::{Row as Found, types::ToSql};

use super::{
    failure::Result,
    names::{signed, unsigned},
    session::{Owned, Session},
    settings,
};
use crate::storage::transfer::{Cell, Kind, Moved, Row, Table};

/// Which table, and what of it.
pub(super) struct Asked {
    pub(super) table: &'static Table,
    pub(super) behind: Row,
    pub(super) limit: usize,
}

/// Which table, and what goes into it.
pub(super) struct Given {
    pub(super) table: &'static Table,
    pub(super) rows: Vec<Row>,
}

/// How a column is read.
fn spelled(name: &str, kind: Kind) -> String {
    match kind {
        Kind::Number | Kind::Change => format!("{name}::bigint"),
        Kind::Accounts => format!("',' || array_to_string({name}, ',') || ','"),
        Kind::Flag | Kind::Text | Kind::Bytes => name.to_owned(),
    }
}

fn read(table: &Table, found: &Found) -> Result<Row> {
    let mut row = Row::with_capacity(table.columns.len());
    for (at, (_, kind)) in table.columns.iter().enumerate() {
        let cell = match kind {
            Kind::Number | Kind::Change => found.try_get::<_, Option<i64>>(at)?.map(Cell::Number),
            Kind::Flag => found.try_get::<_, Option<bool>>(at)?.map(Cell::Flag),
            Kind::Text | Kind::Accounts => found.try_get::<_, Option<String>>(at)?.map(Cell::Text),
            Kind::Bytes => found.try_get::<_, Option<Vec<u8>>>(at)?.map(Cell::Bytes),
        };
        row.push(cell.unwrap_or(Cell::Null));
    }
    Ok(row)
}

pub(super) async fn page(session: &Session, asked: &Asked) -> Result<Vec<Row>> {
    let Asked {
        table,
        behind,
        limit,
    } = asked;
    let key = table.key_names();
    let condition = if behind.is_empty() {
        String::new()
    } else {
        let places: Vec<String> = (1..=table.key).map(|at| format!("${at}")).collect();
        format!("WHERE ({key}) > ({})", places.join(", "))
    };
    // More than one change may have noted a conversation for the purge.
    let sql = format!(
        "SELECT {} FROM (SELECT DISTINCT ON ({key}) * FROM {} {condition} ORDER BY {key} LIMIT {limit}) t ORDER BY {key}",
        table.names(spelled),
        table.name
    );
    let rows = session.rows(&sql, &parameters(behind)).await?;
    rows.iter().map(|found| read(table, found)).collect()
}

fn parameters(cells: &[Cell]) -> Vec<&(dyn ToSql + Sync)> {
    cells
        .iter()
        .map(|cell| -> &(dyn ToSql + Sync) {
            match cell {
                Cell::Null => &None::<i64>,
                Cell::Number(number) => number,
                Cell::Flag(flag) => flag,
                Cell::Text(text) => text,
                Cell::Bytes(bytes) => bytes,
            }
        })
        .collect()
}

pub(super) async fn last_key(session: &Session, asked: &Asked) -> Result<Row> {
    let table = asked.table;
    let order: Vec<String> = (table.columns.iter().take(table.key))
        .map(|(name, _)| format!("{name} DESC"))
        .collect();
    let sql = format!(
        "SELECT {} FROM {} ORDER BY {} LIMIT 1",
        table.names(spelled),
        table.name,
        order.join(", ")
    );
    match session.row(&sql, &[]).await? {
        Some(found) => Ok(table.key_of(&read(table, &found)?)),
        None => Ok(Row::new()),
    }
}

/// One statement for all rows: a column is an array.
pub(super) async fn take_in(session: &Session, given: &Given) -> Result<()> {
    let Given { table, rows } = given;
    let change = session.change().await?;
    let mut arrays: Vec<Owned> = Vec::with_capacity(table.columns.len());
    let (mut types, mut values) = (Vec::new(), Vec::new());
    for (at, (_, kind)) in table.columns.iter().enumerate() {
        let cells = rows.iter().map(|row| row.get(at).unwrap_or(&Cell::Null));
        let (array, kind_of, value): (Owned, _, _) = match kind {
            Kind::Change => (
                Box::new(vec![change; rows.len()]),
                "bigint",
                format!("c{at}"),
            ),
            Kind::Number => (Box::new(column(cells, number)), "bigint", format!("c{at}")),
            Kind::Flag => (Box::new(column(cells, flag)), "boolean", format!("c{at}")),
            Kind::Text => (Box::new(column(cells, text)), "text", format!("c{at}")),
            Kind::Bytes => (Box::new(column(cells, bytes)), "bytea", format!("c{at}")),
            Kind::Accounts => (
                Box::new(column(cells, text)),
                "text",
                format!("string_to_array(trim(BOTH ',' FROM c{at}), ',')::bigint[]"),
            ),
        };
        arrays.push(array);
        types.push(format!("${}::{kind_of}[]", at + 1));
        values.push(value);
    }
    let names: Vec<String> = (0..table.columns.len())
        .map(|at| format!("c{at}"))
        .collect();
    let sql = format!(
        "INSERT INTO {} ({}) SELECT {} FROM unnest({}) r ({}) ON CONFLICT DO NOTHING",
        table.name,
        table.names(|name, _| name.to_owned()),
        values.join(", "),
        types.join(", "),
        names.join(", ")
    );
    session.later(&sql, arrays).await
}

fn column<'a, T>(
    cells: impl Iterator<Item = &'a Cell>,
    take: fn(&'a Cell) -> Option<T>,
) -> Vec<Option<T>> {
    cells.map(take).collect()
}

fn number(cell: &Cell) -> Option<i64> {
    match cell {
        Cell::Number(number) => Some(*number),
        _ => None,
    }
}

fn flag(cell: &Cell) -> Option<bool> {
    match cell {
        Cell::Flag(flag) => Some(*flag),
        _ => None,
    }
}

fn text(cell: &Cell) -> Option<String> {
    match cell {
        Cell::Text(text) => Some(text.clone()),
        _ => None,
    }
}

fn bytes(cell: &Cell) -> Option<Vec<u8>> {
    match cell {
        Cell::Bytes(bytes) => Some(bytes.clone()),
        _ => None,
    }
}

pub(super) async fn moved(session: &Session) -> Result<Moved> {
    let settings = settings::load(session).await?;
    let reported: Option<i64> = session
        .one("SELECT reported_through FROM settings", &[])
        .await?
        .try_get(0)?;
    Ok(Moved {
        app_id: settings.app_id,
        sync_deletions: settings.sync_deletions,
        reported_through: reported.map(unsigned),
    })
}

pub(super) async fn settle(session: &Session, moved: &Moved) -> Result<()> {
    let change = session.change().await?;
    for table in ["accounts", "conversations"] {
        session
            .one(
                &format!(
                    "SELECT setval(pg_get_serial_sequence('{table}', 'id'),
                         (SELECT coalesce(max(id), 0) + 1 FROM {table}), false)"
                ),
                &[],
            )
            .await?;
    }
    // Numbers of deletions came along: the next one has to be above them.
    session
        .execute(
            "UPDATE settings SET sync_deletions = $1, reported_through = $2, changed = $3,
                 base = base + greatest(0, (SELECT coalesce(max(number), 0) / 128 + 1 FROM deletions) - $3)",
            &[
                &moved.sync_deletions,
                &moved.reported_through.map(signed),
                &change,
            ],
        )
        .await?;
    match moved.app_id {
        Some(app_id) => settings::bind_app(session, app_id).await,
        None => Ok(()),
    }
}
