//! The full-text index: groups of three characters (trigrams) of the folded texts. An index of
//! another form than the queries' is not used until it is filled again.

use kabar_std::search::form;
use rusqlite::{Connection, OptionalExtension};

/// Entries indexed in one transaction.
const CHUNK: i64 = 1024;

/// Indexes some texts, within a transaction; returns whether more are left.
pub(super) fn index_chunk(connection: &Connection) -> rusqlite::Result<bool> {
    if !has_form(connection)? {
        empty(connection)?;
    }
    let from = indexed_up_to(connection)?;
    let sql = "SELECT id FROM entries WHERE id > ?1 ORDER BY id LIMIT 1 OFFSET ?2";
    let last_of_chunk =
        connection.prepare_cached(sql)?.query_row([from, CHUNK - 1], |row| row.get::<_, i64>(0)).optional()?;
    let to = match last_of_chunk {
        Some(to) => to,
        None => connection.query_row("SELECT coalesce(max(id), 0) FROM entries", [], |row| row.get(0))?,
    };
    if to > from {
        connection.prepare_cached("UPDATE indexed SET up_to = ?1")?.execute([to])?;
        let sql = "INSERT INTO search (rowid, body) SELECT id, body FROM texts WHERE id > ?1";
        connection.prepare_cached(sql)?.execute([from])?;
    }
    Ok(last_of_chunk.is_some())
}

/// Removes the text of an entry from the index, so that no trace of it is left, before the entry
/// changes.
pub(super) fn remove(connection: &Connection, id: i64) -> rusqlite::Result<()> {
    if !has_form(connection)? {
        // It was made by another version, and is filled again anyway.
        return empty(connection);
    }
    let is_indexed = "SELECT EXISTS (SELECT 1 FROM entries WHERE id = ?1 AND kind IN (1, 3, 19) AND omitted IS NULL
                      AND id <= (SELECT up_to FROM indexed))";
    if !connection.prepare_cached(is_indexed)?.query_row([id], |row| row.get(0))? {
        return Ok(());
    }
    let set = |is_secure: bool| {
        // The entries of deleted texts are usually left until parts of the index are merged.
        let sql = "INSERT INTO search (search, rank) VALUES ('secure-delete', ?1)";
        connection.prepare_cached(sql)?.execute([is_secure]).map(|_| ())
    };
    let delete = || {
        set(true)?;
        let sql = "INSERT INTO search (search, rowid, body)
                   SELECT 'delete', id, kabar_fold(body) FROM entries WHERE id = ?1";
        connection.prepare_cached(sql)?.execute([id])?;
        set(false)
    };
    // An index that cannot be changed is damaged, and is filled again.
    delete().or_else(|_| empty(connection))
}

fn empty(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute("INSERT INTO search (search) VALUES ('delete-all')", [])?;
    connection.execute("UPDATE indexed SET up_to = 0, form = ?1", [form()]).map(|_| ())
}

/// Whether the index has the form of queries.
pub(super) fn has_form(connection: &Connection) -> rusqlite::Result<bool> {
    connection.prepare_cached("SELECT form = ?1 FROM indexed")?.query_row([form()], |row| row.get(0))
}

/// The last row that is indexed.
pub(super) fn indexed_up_to(connection: &Connection) -> rusqlite::Result<i64> {
    connection.prepare_cached("SELECT up_to FROM indexed")?.query_row([], |row| row.get(0))
}
