//! From one store to another, whatever their engines: tables as rows of plain cells, in the order
//! of their keys, so that both sides can be counted and compared.

use async_trait::async_trait;
use ring::digest::{Context, SHA256};

use crate::Result;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A number.
    Number,
    /// Yes or no.
    Flag,
    /// A text.
    Text,
    /// Bytes.
    Bytes,
    /// Rows of accounts; in a cell it is a text, `,1,2,`.
    Accounts,
    /// The change that made the row what it is. Each store numbers its own: it is given anew, and
    /// not compared.
    Change,
}

/// A table. Its first columns are its key.
#[derive(Debug)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Names and kinds of its columns.
    pub columns: &'static [(&'static str, Kind)],
    /// How many of them are the key.
    pub key: usize,
}

const fn table(name: &'static str, key: usize, columns: &'static [(&'static str, Kind)]) -> Table {
    Table { name, columns, key }
}

/// Everything that is transferred, beside the settings.
pub static TABLES: &[Table] = {
    use Kind::{Accounts, Bytes, Change, Flag, Number, Text};
    &[
        table(
            "accounts",
            1,
            &[
                ("id", Number),
                ("name", Text),
                ("nick", Text),
                ("face_url", Text),
            ],
        ),
        table(
            "conversations",
            1,
            &[
                ("id", Number),
                ("kind", Number),
                ("low", Number),
                ("high", Number),
                ("head", Number),
                ("last_time", Number),
                ("unsorted", Flag),
                ("common", Number),
                ("common_time", Number),
                ("changed", Change),
            ],
        ),
        table(
            "groups",
            1,
            &[
                ("conversation", Number),
                ("name", Text),
                ("title", Text),
                ("kind", Text),
                ("owner", Number),
                ("dissolved", Flag),
            ],
        ),
        table(
            "views",
            2,
            &[
                ("owner", Number),
                ("conversation", Number),
                ("version", Change),
                ("cleared_through", Number),
                ("propagated_through", Number),
                ("read_through", Number),
                ("propagated_by", Text),
                ("hidden_through", Number),
                ("hiding_propagated_through", Number),
                ("kept_through", Number),
                ("pinned", Flag),
                ("sees_from", Number),
                ("sees_to", Number),
                ("own_head", Number),
                ("own_time", Number),
            ],
        ),
        table(
            "device_views",
            3,
            &[
                ("owner", Number),
                ("device", Text),
                ("conversation", Number),
                ("erase_through", Number),
                ("hide_through", Number),
            ],
        ),
        table(
            "deletions",
            1,
            &[
                ("number", Number),
                ("owner", Number),
                ("id", Bytes),
                ("target", Text),
                ("clear", Flag),
                ("keep_listed", Flag),
                ("cut_off", Number),
                ("cleared", Number),
                ("propagated", Flag),
                ("device", Text),
                ("at", Number),
            ],
        ),
        table(
            "recent_sends",
            4,
            &[
                ("conversation", Number),
                ("sender", Number),
                ("random", Number),
                ("digest", Bytes),
                ("time", Number),
                ("seq", Number),
                ("position", Number),
            ],
        ),
        table(
            "friends",
            2,
            &[
                ("owner", Number),
                ("friend", Number),
                ("remark", Text),
                ("source", Text),
                ("since", Number),
            ],
        ),
        table("purge_work", 1, &[("conversation", Number)]),
        table(
            "messages",
            2,
            &[
                ("conversation", Number),
                ("position", Number),
                ("sender", Number),
                ("time", Number),
                ("seq", Number),
                ("random", Number),
                ("audience", Accounts),
                ("custom", Text),
                ("body", Text),
            ],
        ),
    ]
};

/// What stands in a column of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Nothing.
    Null,
    /// A number.
    Number(i64),
    /// Yes or no.
    Flag(bool),
    /// A text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// A row, in the order of its table's columns.
pub type Row = Vec<Cell>;

impl Table {
    /// The key of a row.
    #[must_use]
    pub fn key_of(&self, row: &[Cell]) -> Row {
        row.get(..self.key).unwrap_or(row).to_vec()
    }

    /// The names of the columns that pass `wanted`, with commas between them.
    pub(super) fn names(&self, spell: impl Fn(&str, Kind) -> String) -> String {
        let names: Vec<String> = (self.columns.iter())
            .map(|(name, kind)| spell(name, *kind))
            .collect();
        names.join(", ")
    }

    /// The names of the key's columns, with commas between them.
    pub(super) fn key_names(&self) -> String {
        let names: Vec<&str> = (self.columns.iter().take(self.key))
            .map(|(name, _)| *name)
            .collect();
        names.join(", ")
    }
}

/// The settings that go along.
#[derive(Clone, Debug, Default)]
pub struct Moved {
    /// Which app the store serves.
    pub app_id: Option<u64>,
    /// Whether deletions reach the user's other devices.
    pub sync_deletions: bool,
    /// The number of the last deletion that was reported.
    pub reported_through: Option<u64>,
}

/// What a store does so that everything in it can go to another one.
#[async_trait]
pub trait Transfer: Send + Sync {
    /// Rows behind a key, in the order of keys; an empty key: from the first on.
    async fn page(&self, table: &'static Table, behind: Row, limit: usize) -> Result<Vec<Row>>;
    /// The last row's key; empty where there is none.
    async fn last_key(&self, table: &'static Table) -> Result<Row>;
    /// Takes rows, all or none; those whose key is there already are passed over.
    async fn take_in(&self, table: &'static Table, rows: Vec<Row>) -> Result<()>;
    /// The settings that go along.
    async fn moved(&self) -> Result<Moved>;
    /// Everything has been taken in: takes the settings too, and counts on from there.
    async fn settle(&self, moved: Moved) -> Result<()>;
}

/// How many rows a table has, and a digest of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// How many.
    pub rows: u64,
    /// SHA-256 of all cells, in order.
    pub digest: Vec<u8>,
}

/// Counts and digests, row by row.
pub struct Tallying {
    rows: u64,
    digest: Context,
}

impl Default for Tallying {
    fn default() -> Self {
        Self {
            rows: 0,
            digest: Context::new(&SHA256),
        }
    }
}

impl Tallying {
    /// One more row.
    pub fn add(&mut self, table: &Table, row: &[Cell]) {
        self.rows += 1;
        for ((_, kind), cell) in table.columns.iter().zip(row) {
            if *kind != Kind::Change {
                self.cell(cell);
            }
        }
    }

    /// Kind and length come first, so that no two rows look alike.
    fn cell(&mut self, cell: &Cell) {
        let (mark, bytes) = match cell {
            Cell::Null => (0, Vec::new()),
            Cell::Number(number) => (1, number.to_be_bytes().to_vec()),
            Cell::Flag(flag) => (2, vec![u8::from(*flag)]),
            Cell::Text(text) => (3, text.as_bytes().to_vec()),
            Cell::Bytes(bytes) => (4, bytes.clone()),
        };
        self.digest.update(&[mark]);
        self.digest.update(&(bytes.len() as u64).to_be_bytes());
        self.digest.update(&bytes);
    }

    /// The end.
    #[must_use]
    pub fn end(self) -> Tally {
        Tally {
            rows: self.rows,
            digest: self.digest.finish().as_ref().to_vec(),
        }
    }
}
