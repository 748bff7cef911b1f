//! The tables, by numbered steps; a file records the number of steps applied (`user_version`). A
//! released step never changes.
//!
//! Unsigned 64-bit numbers are stored in SQLite's signed 64 bits, bit by bit; seqs and times are
//! limited to 63 bits, so that they compare.

/// Marks a file as the history of a client: "Kabc".
pub(super) const APPLICATION_ID: i32 = 0x4b61_6263;

/// Applied in this order, each in one transaction.
pub(super) const STEPS: &[&str] = &[
    "
    PRAGMA application_id = 0x4b616263;

    CREATE TABLE servers (
        id INTEGER PRIMARY KEY,
        fingerprint BLOB NOT NULL UNIQUE CHECK (length(fingerprint) = 20),
        hides_joins INTEGER NOT NULL DEFAULT 0 CHECK (hides_joins IN (0, 1)),
        has_preferences INTEGER NOT NULL DEFAULT 0 CHECK (has_preferences IN (0, 1))
    ) STRICT;

    CREATE TABLE ignored (
        id INTEGER PRIMARY KEY,
        server INTEGER NOT NULL REFERENCES servers,
        folded TEXT NOT NULL,
        name TEXT NOT NULL,
        UNIQUE (server, folded)
    ) STRICT;

    CREATE TABLE rooms (
        id INTEGER PRIMARY KEY,
        server INTEGER NOT NULL REFERENCES servers,
        name TEXT NOT NULL,
        draft TEXT,
        UNIQUE (server, name)
    ) STRICT;

    CREATE TABLE settings (
        room INTEGER NOT NULL REFERENCES rooms,
        name TEXT NOT NULL,
        value ANY NOT NULL,
        PRIMARY KEY (room, name)
    ) STRICT, WITHOUT ROWID;

    -- first_kept: the server no longer has entries before it.
    CREATE TABLE logs (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        room INTEGER NOT NULL REFERENCES rooms,
        start_seq INTEGER NOT NULL CHECK (start_seq >= 0),
        cursor_seq INTEGER NOT NULL CHECK (cursor_seq >= start_seq),
        cursor_term BLOB NOT NULL CHECK (length(cursor_term) = 8),
        first_kept INTEGER NOT NULL DEFAULT 1,
        read_seq INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX logs_by_room ON logs (room);

    -- omitted: the length of a body that was not delivered.
    CREATE TABLE entries (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        log INTEGER NOT NULL REFERENCES logs,
        seq INTEGER NOT NULL CHECK (seq >= 1),
        time_ms INTEGER NOT NULL CHECK (time_ms >= 0),
        author TEXT NOT NULL,
        instance INTEGER NOT NULL,
        number INTEGER NOT NULL,
        kind INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 255),
        body BLOB NOT NULL,
        omitted INTEGER CHECK (omitted BETWEEN 0 AND 65535),
        attention INTEGER NOT NULL CHECK (attention BETWEEN 0 AND 2)
    ) STRICT;
    CREATE UNIQUE INDEX entries_by_seq ON entries (log, seq);
    CREATE INDEX entries_unread ON entries (log, seq, attention) WHERE attention > 0;
    CREATE INDEX entries_of_removal ON entries (log, body) WHERE kind = 21;

    CREATE TABLE indexed (
        only INTEGER PRIMARY KEY CHECK (only = 0),
        up_to INTEGER NOT NULL,
        form TEXT NOT NULL
    ) STRICT;
    INSERT INTO indexed VALUES (0, 0, '');
    CREATE VIEW texts (id, body) AS
        SELECT id, kabar_fold(body) FROM entries
        WHERE kind IN (1, 3, 19) AND omitted IS NULL AND id <= (SELECT up_to FROM indexed);
    CREATE VIRTUAL TABLE search USING fts5 (
        body, content = 'texts', content_rowid = 'id', tokenize = 'trigram case_sensitive 1', detail = 'none'
    );

    -- settled: the last settled number in the instance. ordinal: the order of the lines of a room.
    CREATE TABLE outbox_rooms (
        slot INTEGER NOT NULL,
        room INTEGER NOT NULL REFERENCES rooms,
        instance INTEGER NOT NULL,
        settled INTEGER NOT NULL CHECK (settled >= 0),
        PRIMARY KEY (slot, room)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE outbox_lines (
        slot INTEGER NOT NULL,
        room INTEGER NOT NULL REFERENCES rooms,
        ordinal INTEGER NOT NULL,
        kind INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 255),
        body BLOB NOT NULL,
        refused INTEGER NOT NULL DEFAULT 0 CHECK (refused IN (0, 1)),
        PRIMARY KEY (slot, room, ordinal)
    ) STRICT, WITHOUT ROWID;
",
    "
    -- path: the file that is sent; the folder or the file that is written.
    CREATE TABLE transfers (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        room INTEGER NOT NULL REFERENCES rooms,
        is_upload INTEGER NOT NULL CHECK (is_upload IN (0, 1)),
        name TEXT NOT NULL,
        path TEXT NOT NULL,
        is_folder INTEGER NOT NULL CHECK (is_folder IN (0, 1)),
        size INTEGER NOT NULL,
        root BLOB NOT NULL CHECK (length(root) = 32)
    ) STRICT;
    CREATE INDEX transfers_by_room ON transfers (room);
    CREATE INDEX entries_of_files ON entries (log, seq) WHERE kind = 4;
",
    "
    -- Otherwise root and size are not known yet, and 0.
    ALTER TABLE transfers ADD COLUMN is_hashed INTEGER NOT NULL DEFAULT 1 CHECK (is_hashed IN (0, 1));
",
];

#[cfg(test)]
mod tests {
    use kabar_core::chat::EntryKind;
    use kabar_std::sqlite::{add_fold, migrate};
    use rusqlite::Connection;

    use super::*;

    #[test]
    fn index_covers_all_kinds_of_text() {
        let mut connection = Connection::open_in_memory().unwrap();
        add_fold(&connection).unwrap();
        migrate(&mut connection, STEPS, Connection::transaction).unwrap();
        connection
            .execute_batch(
                "UPDATE indexed SET up_to = 999;
                 INSERT INTO servers (fingerprint) VALUES (zeroblob(20));
                 INSERT INTO rooms (server, name) VALUES (1, 'lobby');
                 INSERT INTO logs (room, start_seq, cursor_seq, cursor_term) VALUES (1, 0, 0, zeroblob(8))",
            )
            .unwrap();
        for kind in 0..=255_u8 {
            let insert = "INSERT INTO entries VALUES (NULL, 1, ?1 + 1, 0, 'a', 0, 0, ?1, x'', NULL, 0)";
            connection.execute(insert, [kind]).unwrap();
            let is_covered = "SELECT last_insert_rowid() IN (SELECT id FROM texts)";
            let is_covered: bool = connection.query_row(is_covered, [], |row| row.get(0)).unwrap();
            assert_eq!(is_covered, EntryKind(kind).is_text(), "{kind}");
        }
    }
}
