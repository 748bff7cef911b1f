//! What the programs' SQLite files have in common: schema steps, the folded form in SQL, numbers,
//! and errors by the action that a person can take.

mod error;
mod opened_file;

use std::path::{Path, PathBuf};

use rusqlite::functions::FunctionFlags;
use rusqlite::types::{FromSql, FromSqlResult, ToSqlOutput, ValueRef};
use rusqlite::{Connection, Row, ToSql, Transaction};

use crate::search::fold;

pub use error::{StoreErrorKind, ask_why, error_kind, of_io, open_file_limit};
pub use opened_file::OpenedFile;

/// The name of [`fold`] in SQL.
const FOLD: &str = "kabar_fold";

/// Returns the path of one of SQLite's files next to the file at `path`.
#[must_use]
pub fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Defines `kabar_fold(BLOB or TEXT)`, with which an index reads texts.
///
/// # Errors
/// As SQLite reports.
pub fn add_fold(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
    connection.create_scalar_function(FOLD, 1, flags, |context| {
        let value = context.get_raw(0);
        let bytes = value.as_bytes().map_err(|error| rusqlite::Error::UserFunctionError(error.into()))?;
        Ok(fold(&String::from_utf8_lossy(bytes)))
    })
}

/// Returns the number of schema steps applied to a file (`user_version`).
///
/// # Errors
/// As SQLite reports.
pub fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Applies the missing steps in order, each in a transaction from `begin`; returns whether there
/// were any. Another process sees the file before or after a step.
///
/// # Errors
/// As SQLite reports; the failed step has changed nothing.
pub fn migrate(
    connection: &mut Connection,
    steps: &[&str],
    begin: impl Fn(&mut Connection) -> rusqlite::Result<Transaction<'_>>,
) -> rusqlite::Result<bool> {
    let mut has_changed = false;
    loop {
        let is_done = usize::try_from(version(connection)?).map_or(true, |taken| taken >= steps.len());
        if is_done {
            return Ok(has_changed);
        }
        let transaction = begin(connection)?;
        let taken = version(&transaction)?;
        let Some(step) = usize::try_from(taken).ok().and_then(|taken| steps.get(taken)) else { continue };
        has_changed = true;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", taken + 1)?;
        transaction.commit()?;
    }
}

/// An unsigned number in SQLite's signed 64 bits, bit by bit.
#[derive(Clone, Copy, Debug)]
pub struct U64AsI64(pub u64);

impl ToSql for U64AsI64 {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.cast_signed().into())
    }
}

impl FromSql for U64AsI64 {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        i64::column_result(value).map(|number| Self(number.cast_unsigned()))
    }
}

/// Reads a column that was written as [`U64AsI64`].
///
/// # Errors
/// As SQLite reports, if the column is no number.
pub fn bits(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get(column).map(|bits: U64AsI64| bits.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_taken_once_and_in_order() {
        let mut connection = Connection::open_in_memory().unwrap();
        let steps = ["CREATE TABLE a (x); INSERT INTO a VALUES (1)", "INSERT INTO a SELECT x + 1 FROM a"];
        let rows = |connection: &Connection| {
            connection.query_row("SELECT group_concat(x) FROM a", [], |row| row.get::<_, String>(0)).unwrap()
        };
        migrate(&mut connection, &steps[..1], Connection::transaction).unwrap();
        assert_eq!((rows(&connection).as_str(), version(&connection).unwrap()), ("1", 1));
        for _ in 0..2 {
            migrate(&mut connection, &steps, Connection::transaction).unwrap();
            assert_eq!((rows(&connection).as_str(), version(&connection).unwrap()), ("1,2", 2));
        }
    }

    #[test]
    fn a_failed_migration_step_changes_nothing() {
        let mut connection = Connection::open_in_memory().unwrap();
        let steps = ["CREATE TABLE a (x)", "CREATE TABLE b (x); CREATE TABLE a (x)"];
        assert!(migrate(&mut connection, &steps, Connection::transaction).is_err());
        assert_eq!(version(&connection).unwrap(), 1);
        assert!(connection.execute_batch("SELECT * FROM b").is_err());
    }
}
