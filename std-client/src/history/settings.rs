//! Drafts, ignored people, and settings of rooms.
//!
//! A client sees names only, so names are ignored; who is ignored stays ignored under a new name
//! ([`Writer::renamed`]). Ignored people and hidden joins belong to a server.

use core::marker::PhantomData;

use kabar_core::session::Fingerprint;
use kabar_std::data_dir::FileError;
use kabar_std::names::Name;
use kabar_std::sqlite::bits;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, ToSql, params};

use super::error::{ChangeError, StorageError};
use super::former::FormerPreferences;
use super::{Reader, RoomRow, ServerRow, Writer};
use crate::command::Notify;

/// Names that are ignored on a server.
pub const MAX_IGNORED: usize = 256;
/// Longest draft in bytes.
pub const MAX_DRAFT_LEN: usize = 64 << 10;
/// Longest value of a setting in bytes.
const MAX_VALUE_LEN: u64 = 4 << 10;

/// Which entries of a room are announced.
pub const NOTIFY: Setting<Notify> = Setting::new("notify");
/// Whether joins and leaves are hidden in a room; unless set, as on its server.
pub const HIDE_JOINS: Setting<bool> = Setting::new("hide-joins");

/// A setting of a room: its name and the type of its value.
#[derive(Clone, Copy, Debug)]
pub struct Setting<T> {
    name: &'static str,
    value: PhantomData<T>,
}

impl<T: SettingValue> Setting<T> {
    /// A setting with this name. The type of a name never changes.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, value: PhantomData }
    }
}

/// A type of settings.
pub trait SettingValue: FromSql + ToSql {}

impl SettingValue for bool {}
impl SettingValue for i64 {}
impl SettingValue for String {}
impl SettingValue for Notify {}

impl ToSql for Notify {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::All => "all",
            Self::Mentions => "mentions",
            Self::Nothing => "nothing",
        }
        .into())
    }
}

impl FromSql for Notify {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_str()? {
            "all" => Ok(Self::All),
            "mentions" => Ok(Self::Mentions),
            "nothing" => Ok(Self::Nothing),
            _ => Err(FromSqlError::InvalidType),
        }
    }
}

impl Writer {
    /// Saves the text that is being written in a room; an empty one removes it.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn save_draft(&mut self, room: RoomRow, text: &str) -> Result<(), ChangeError> {
        if text.len() > MAX_DRAFT_LEN {
            return Err(ChangeError::TooLong);
        }
        self.write(|transaction| {
            let draft = Some(text).filter(|text| !text.is_empty());
            transaction.prepare_cached("UPDATE rooms SET draft = ?2 WHERE id = ?1")?.execute(params![room.0, draft])?;
            Ok(())
        })
    }

    /// Changes a setting of a room; `None`: it has its default again.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn set<T: SettingValue>(
        &mut self,
        room: RoomRow,
        setting: Setting<T>,
        value: Option<T>,
    ) -> Result<(), ChangeError> {
        self.write(|transaction| {
            let Some(value) = value else {
                let sql = "DELETE FROM settings WHERE room = ?1 AND name = ?2";
                transaction.prepare_cached(sql)?.execute(params![room.0, setting.name])?;
                return Ok(());
            };
            let sql = "INSERT INTO settings VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET value = excluded.value
                       RETURNING length(CAST(value AS BLOB))";
            let mut insert = transaction.prepare_cached(sql)?;
            let len = insert.query_row(params![room.0, setting.name, value], |row| bits(row, 0))?;
            if len > MAX_VALUE_LEN { Err(ChangeError::TooLong) } else { Ok(()) }
        })
    }

    /// Ignores a name. Returns whether it was not ignored before.
    ///
    /// # Errors
    /// [`ChangeError`]; `TooMany`: [`MAX_IGNORED`] names are ignored.
    pub fn ignore(&mut self, server: ServerRow, name: &Name) -> Result<bool, ChangeError> {
        self.write(|transaction| ignore(transaction, server, name))
    }

    /// Ignores a name no longer. Returns whether it was ignored.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn unignore(&mut self, server: ServerRow, name: &Name) -> Result<bool, StorageError> {
        self.write(|transaction| {
            let sql = "DELETE FROM ignored WHERE server = ?1 AND folded = ?2";
            Ok(transaction.prepare_cached(sql)?.execute(params![server.0, name.folded()])? > 0)
        })
    }

    /// A member has another name: if it is ignored, it stays ignored. Returns whether it is.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn renamed(&mut self, server: ServerRow, from: &Name, to: &Name) -> Result<bool, StorageError> {
        self.write(|transaction| {
            let sql = "UPDATE OR REPLACE ignored SET folded = ?3, name = ?4 WHERE server = ?1 AND folded = ?2";
            let values = params![server.0, from.folded(), to.folded(), to.shown()];
            Ok(transaction.prepare_cached(sql)?.execute(values)? > 0)
        })
    }

    /// Hides or shows joins and leaves on a server.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn hide_joins(&mut self, server: ServerRow, hides: bool) -> Result<(), StorageError> {
        self.write(|transaction| {
            let sql = "UPDATE servers SET hides_joins = ?2 WHERE id = ?1";
            transaction.prepare_cached(sql)?.execute(params![server.0, hides])?;
            Ok(())
        })
    }

    /// Takes over the preferences that an earlier version stored in a file, once per server.
    /// Returns whether it did. A file that cannot be read is tried again the next time.
    ///
    /// # Errors
    /// The outer one: [`ChangeError`]; the inner one: the file cannot be read.
    pub fn import_preferences(&mut self, server: &Fingerprint) -> Result<Result<bool, FileError>, ChangeError> {
        let row = self.server(server)?;
        let select = "SELECT has_preferences FROM servers WHERE id = ?1";
        let mut file = None;
        if !self.connection.query_row(select, [row.0], |row| row.get::<_, bool>(0))? {
            let (dir, base) = self.place();
            match FormerPreferences::load(dir, server, base.trim_start_matches("history/")) {
                Ok(former) => file = Some(former),
                Err(error) => return Ok(Err(error)),
            }
        }
        let Some(file) = file else { return Ok(Ok(false)) };
        self.write(|transaction| {
            // Another process may have been faster.
            let sql = "UPDATE servers SET has_preferences = 1, hides_joins = hides_joins OR ?2
                       WHERE id = ?1 AND has_preferences = 0";
            if transaction.execute(sql, params![row.0, file.hides_joins])? == 0 {
                return Ok(Ok(false));
            }
            for name in &file.ignored {
                ignore(transaction, row, name)?;
            }
            Ok(Ok(true))
        })
    }
}

fn ignore(transaction: &Connection, server: ServerRow, name: &Name) -> Result<bool, ChangeError> {
    let sql = "INSERT INTO ignored (server, folded, name) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    let is_new = transaction.execute(sql, params![server.0, name.folded(), name.shown()])? > 0;
    let sql = "SELECT count(*) FROM ignored WHERE server = ?1";
    let count = transaction.query_row(sql, [server.0], |row| bits(row, 0))?;
    if count > MAX_IGNORED as u64 { Err(ChangeError::TooMany) } else { Ok(is_new) }
}

impl Reader {
    /// Returns the draft of a room; empty: there is none.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn draft(&self, room: RoomRow) -> Result<String, StorageError> {
        self.read(|connection| {
            let sql = "SELECT coalesce((SELECT draft FROM rooms WHERE id = ?1), '')";
            connection.prepare_cached(sql)?.query_row([room.0], |row| row.get(0))
        })
    }

    /// Returns a setting of a room; `None`: it has its default, or a value of a later version.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn setting<T: SettingValue>(&self, room: RoomRow, setting: Setting<T>) -> Result<Option<T>, StorageError> {
        self.read(|connection| {
            let sql = "SELECT value FROM settings WHERE room = ?1 AND name = ?2";
            let value = |row: &rusqlite::Row<'_>| Ok(T::column_result(row.get_ref(0)?).ok());
            let value = connection.prepare_cached(sql)?.query_row(params![room.0, setting.name], value).optional()?;
            Ok(value.flatten())
        })
    }

    /// Returns the names that are ignored on a server, in the order in which they were added.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn ignored(&self, server: ServerRow) -> Result<Vec<Name>, StorageError> {
        let names = self.read(|connection: &Connection| {
            let mut select = connection.prepare_cached("SELECT name FROM ignored WHERE server = ?1 ORDER BY id")?;
            select.query_map([server.0], |row| row.get::<_, String>(0))?.collect::<rusqlite::Result<Vec<_>>>()
        })?;
        Ok(names.iter().filter_map(|name| Name::existing(name).ok()).collect())
    }

    /// Whether joins and leaves are hidden on a server.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn hides_joins(&self, server: ServerRow) -> Result<bool, StorageError> {
        self.read(|connection| {
            let sql = "SELECT hides_joins FROM servers WHERE id = ?1";
            Ok(connection.prepare_cached(sql)?.query_row([server.0], |row| row.get(0)).optional()?.unwrap_or(false))
        })
    }
}
