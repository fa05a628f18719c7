//! Rows as plain cells, out and in.

use rusqlite::{
    Connection, OptionalExtension, Row as Found, ToSql, params_from_iter,
    types::{ToSqlOutput, Value, ValueRef},
};

use super::{
    names::{next_change, signed},
    settings,
};
use crate::{
    Error, Result,
    storage::transfer::{Cell, Kind, Moved, Row, Table},
};

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Owned(Value::Null),
            Self::Number(number) => ToSqlOutput::Owned(Value::Integer(*number)),
            Self::Flag(flag) => ToSqlOutput::Owned(Value::Integer(i64::from(*flag))),
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Self::Bytes(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
        })
    }
}

fn read(table: &Table, found: &Found<'_>) -> rusqlite::Result<Row> {
    let cell = |(at, (_, kind)): (usize, &(&str, Kind))| {
        Ok(match found.get_ref(at)? {
            ValueRef::Null => Cell::Null,
            ValueRef::Integer(number) if *kind == Kind::Flag => Cell::Flag(number != 0),
            ValueRef::Integer(number) => Cell::Number(number),
            ValueRef::Blob(bytes) => Cell::Bytes(bytes.to_vec()),
            ValueRef::Text(_) | ValueRef::Real(_) => Cell::Text(found.get(at)?),
        })
    };
    table.columns.iter().enumerate().map(cell).collect()
}

pub(super) fn page(
    connection: &Connection,
    table: &Table,
    behind: &[Cell],
    limit: usize,
) -> Result<Vec<Row>> {
    let names = table.names(|name, _| name.to_owned());
    let key = table.key_names();
    let condition = if behind.is_empty() {
        String::new()
    } else {
        let places = vec!["?"; table.key].join(", ");
        format!("WHERE ({key}) > ({places})")
    };
    let sql = format!(
        "SELECT {names} FROM {} {condition} ORDER BY {key} LIMIT {limit}",
        table.name
    );
    let mut find = connection.prepare_cached(&sql)?;
    let rows = find.query_map(params_from_iter(behind), |found| read(table, found))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn last_key(connection: &Connection, table: &Table) -> Result<Row> {
    let names = table.names(|name, _| name.to_owned());
    let order: Vec<String> = (table.columns.iter().take(table.key))
        .map(|(name, _)| format!("{name} DESC"))
        .collect();
    let sql = format!(
        "SELECT {names} FROM {} ORDER BY {} LIMIT 1",
        table.name,
        order.join(", ")
    );
    let last = connection
        .prepare_cached(&sql)?
        .query_row([], |found| read(table, found))
        .optional()?;
    Ok(last.map(|row| table.key_of(&row)).unwrap_or_default())
}

pub(super) fn take_in(connection: &Connection, table: &Table, rows: &[Row]) -> Result<()> {
    let change = Cell::Number(next_change(connection)?);
    let names = table.names(|name, _| name.to_owned());
    let places = vec!["?"; table.columns.len()].join(", ");
    let sql = format!(
        "INSERT OR IGNORE INTO {} ({names}) VALUES ({places})",
        table.name
    );
    let mut insert = connection.prepare_cached(&sql)?;
    for row in rows {
        let cells = (table.columns.iter().zip(row)).map(|((_, kind), cell)| match kind {
            Kind::Change => &change,
            _ => cell,
        });
        insert.execute(params_from_iter(cells))?;
    }
    Ok(())
}

pub(super) fn moved(connection: &Connection) -> Result<Moved> {
    let settings = settings::load(connection)?;
    Ok(Moved {
        app_id: settings.app_id,
        sync_deletions: settings.sync_deletions,
        reported_through: settings::reported(connection)?,
    })
}

pub(super) fn settle(connection: &Connection, moved: &Moved) -> Result<()> {
    settings::set_sync_deletions(connection, moved.sync_deletions)?;
    if let Some(number) = moved.reported_through {
        settings::set_reported_through(connection, number)?;
    }
    // Numbers of deletions came along: the next one has to be above them.
    connection.execute(
        "UPDATE settings SET value = max(value, (SELECT coalesce(max(number), 0) FROM deletions))
         WHERE name = 'changes'",
        [],
    )?;
    match moved.app_id {
        Some(app_id) if i64::try_from(app_id).is_ok() => settings::bind_app(connection, app_id),
        Some(app_id) => Err(Error::Storage(format!("{} is no app", signed(app_id)))),
        None => Ok(()),
    }
}
