//! The tables, by numbered steps; a file records the number of steps applied (`user_version`).
//!
//! 1: the log and what belongs to it. 2: running time. 3: the [mark](super::mark), and an index of
//! folded texts. 4: a server with several rooms: names and the running time belong to the server,
//! presence to an identity in a room; invites; operators and trusted identities. 5: the records of
//! rooms; the secrets of rooms are in their invites. 6: the index of contents.
//!
//! Unsigned 64-bit numbers are stored in SQLite's signed 64 bits, bit by bit. `seq` never gets that
//! large.

/// Marks a file as Kabar's: "Kaba".
pub(super) const APPLICATION_ID: i32 = 0x4b61_6261;

/// Applied in this order, each in one transaction. A released step never changes.
pub(super) const STEPS: &[&str] = &[
    "
    PRAGMA application_id = 0x4b616261;

    CREATE TABLE rooms (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        head INTEGER NOT NULL CHECK (head >= 0)
    ) STRICT;

    CREATE TABLE terms (
        id INTEGER PRIMARY KEY,
        room INTEGER NOT NULL REFERENCES rooms,
        term BLOB NOT NULL CHECK (length(term) = 8),
        first_seq INTEGER NOT NULL CHECK (first_seq >= 1),
        UNIQUE (room, term)
    ) STRICT;

    CREATE TABLE entries (
        id INTEGER PRIMARY KEY,
        room INTEGER NOT NULL REFERENCES rooms,
        seq INTEGER NOT NULL CHECK (seq >= 1),
        time_ms INTEGER NOT NULL,
        author TEXT NOT NULL,
        instance INTEGER NOT NULL,
        number INTEGER NOT NULL,
        kind INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 255),
        body BLOB NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX entries_by_seq ON entries (room, seq);
    CREATE UNIQUE INDEX entries_by_number ON entries (room, instance, number) WHERE instance <> 0;

    CREATE TABLE instances (
        room INTEGER NOT NULL REFERENCES rooms,
        instance INTEGER NOT NULL CHECK (instance <> 0),
        identity BLOB NOT NULL CHECK (length(identity) = 32),
        highest INTEGER NOT NULL,
        highest_seq INTEGER NOT NULL,
        PRIMARY KEY (room, instance)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE names (
        room INTEGER NOT NULL REFERENCES rooms,
        folded TEXT NOT NULL,
        name TEXT NOT NULL,
        identity BLOB NOT NULL CHECK (length(identity) = 32),
        seen_ms INTEGER NOT NULL,
        present INTEGER NOT NULL CHECK (present IN (0, 1)),
        PRIMARY KEY (room, folded)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE admissions (
        room INTEGER NOT NULL REFERENCES rooms,
        identity BLOB NOT NULL CHECK (length(identity) = 32),
        tag BLOB NOT NULL CHECK (length(tag) = 16),
        PRIMARY KEY (room, identity)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE sanctions (
        room INTEGER NOT NULL REFERENCES rooms,
        identity BLOB NOT NULL CHECK (length(identity) = 32),
        kind TEXT NOT NULL CHECK (kind IN ('ban', 'mute')),
        name TEXT NOT NULL,
        since_ms INTEGER NOT NULL,
        PRIMARY KEY (room, identity, kind)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE indexed (
        only INTEGER PRIMARY KEY CHECK (only = 0),
        up_to INTEGER NOT NULL
    ) STRICT;
    INSERT INTO indexed VALUES (0, 0);
    CREATE VIEW texts (id, body) AS
        SELECT id, CAST(body AS TEXT) FROM entries
        WHERE kind IN (1, 3, 19) AND id <= (SELECT up_to FROM indexed);
    CREATE VIRTUAL TABLE search USING fts5 (
        body, content = 'texts', content_rowid = 'id', tokenize = 'trigram', detail = 'none'
    );
    ",
    // Running time replaces the time of day, which jumps. Everybody counts as seen at the moment of
    // this step.
    "
    ALTER TABLE rooms ADD COLUMN ran_ms INTEGER NOT NULL DEFAULT 0 CHECK (ran_ms >= 0);
    ALTER TABLE instances ADD COLUMN seen_ran_ms INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE names RENAME COLUMN seen_ms TO seen_ran_ms;
    UPDATE names SET seen_ran_ms = 0;
    ",
    "
    CREATE TABLE mark (
        only INTEGER PRIMARY KEY CHECK (only = 0),
        this BLOB NOT NULL CHECK (length(this) = 8),
        before BLOB NOT NULL CHECK (length(before) = 8)
    ) STRICT;
    INSERT INTO mark VALUES (0, randomblob(8), zeroblob(8));

    DROP TABLE search;
    DROP VIEW texts;
    DROP TABLE indexed;
    CREATE TABLE indexed (
        only INTEGER PRIMARY KEY CHECK (only = 0),
        up_to INTEGER NOT NULL,
        texts INTEGER NOT NULL,
        form TEXT NOT NULL
    ) STRICT;
    INSERT INTO indexed VALUES (0, 0, 0, '');
    CREATE VIEW texts (id, body) AS
        SELECT id, kabar_fold(body) FROM entries
        WHERE kind IN (1, 3, 19) AND id <= (SELECT up_to FROM indexed);
    CREATE VIRTUAL TABLE search USING fts5 (
        body, content = 'texts', content_rowid = 'id', tokenize = 'trigram case_sensitive 1', detail = 'none'
    );
    ",
    // The running times of rooms are put on one scale: the time since each record was last used
    // stays the same. Whoever had a name first seen longer ago than its other owner gets the next
    // free number appended.
    "
    CREATE TABLE server (
        only INTEGER PRIMARY KEY CHECK (only = 0),
        ran_ms INTEGER NOT NULL CHECK (ran_ms >= 0)
    ) STRICT;
    INSERT INTO server SELECT 0, coalesce(max(ran_ms), 0) FROM rooms;
    UPDATE instances SET seen_ran_ms = seen_ran_ms
        + (SELECT ran_ms FROM server) - (SELECT ran_ms FROM rooms WHERE id = room);
    UPDATE names SET seen_ran_ms = seen_ran_ms
        + (SELECT ran_ms FROM server) - (SELECT ran_ms FROM rooms WHERE id = room);

    CREATE TABLE present (
        room INTEGER NOT NULL REFERENCES rooms,
        identity BLOB NOT NULL CHECK (length(identity) = 32),
        name TEXT NOT NULL,
        PRIMARY KEY (room, identity)
    ) STRICT, WITHOUT ROWID;
    INSERT OR REPLACE INTO present
        SELECT room, identity, name FROM names WHERE present = 1 ORDER BY seen_ran_ms, folded;

    ALTER TABLE names RENAME TO names_of_rooms;
    CREATE TABLE names (
        folded TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        identity BLOB NOT NULL CHECK (length(identity) = 32),
        seen_ran_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TEMP TABLE owners AS
        SELECT *, row_number() OVER (PARTITION BY folded ORDER BY seen_ran_ms DESC, identity) - 1 AS place FROM (
            SELECT folded, name, identity, max(seen_ran_ms) AS seen_ran_ms FROM names_of_rooms GROUP BY folded, identity
        );
    INSERT INTO names SELECT folded, name, identity, seen_ran_ms FROM owners WHERE place = 0;
    WITH RECURSIVE
        numbers (number) AS (SELECT 2 UNION ALL SELECT number + 1 FROM numbers LIMIT (SELECT count(*) FROM owners)),
        free AS (
            SELECT folded, number, row_number() OVER (PARTITION BY folded ORDER BY number) AS place
            FROM (SELECT DISTINCT folded FROM owners WHERE place > 0) CROSS JOIN numbers
            WHERE folded || number NOT IN (SELECT folded FROM owners)
        )
        INSERT OR IGNORE INTO names
            SELECT folded || number, name || number, identity, seen_ran_ms FROM owners JOIN free USING (folded, place);
    DROP TABLE owners;
    DROP TABLE names_of_rooms;

    ALTER TABLE sanctions ADD COLUMN reason TEXT;
    ALTER TABLE sanctions ADD COLUMN imposed_by BLOB CHECK (length(imposed_by) = 32);

    CREATE TABLE invites (
        id INTEGER PRIMARY KEY CHECK (id BETWEEN 1 AND 4294967295),
        room INTEGER REFERENCES rooms,
        secret BLOB NOT NULL CHECK (length(secret) = 16),
        standing INTEGER NOT NULL CHECK (standing IN (0, 1)),
        made_by BLOB CHECK (length(made_by) = 32),
        made_ms INTEGER NOT NULL,
        expires_ms INTEGER,
        uses_left INTEGER CHECK (uses_left >= 0),
        used INTEGER NOT NULL CHECK (used >= 0),
        revoked INTEGER NOT NULL CHECK (revoked IN (0, 1))
    ) STRICT;
    CREATE TABLE invite_uses (
        invite INTEGER NOT NULL REFERENCES invites ON DELETE CASCADE,
        number INTEGER NOT NULL CHECK (number >= 1),
        identity BLOB NOT NULL CHECK (length(identity) = 32),
        time_ms INTEGER NOT NULL,
        PRIMARY KEY (invite, number)
    ) STRICT, WITHOUT ROWID;

    ALTER TABLE rooms DROP COLUMN ran_ms;
    ALTER TABLE rooms ADD COLUMN topic TEXT NOT NULL DEFAULT '';
    ALTER TABLE rooms ADD COLUMN visibility TEXT NOT NULL DEFAULT 'open' CHECK (visibility IN ('open', 'private'));
    ALTER TABLE rooms ADD COLUMN secret BLOB CHECK (length(secret) = 16);
    ALTER TABLE rooms ADD COLUMN created_ms INTEGER;
    ALTER TABLE rooms ADD COLUMN keep_age_ms INTEGER CHECK (keep_age_ms >= 0);
    ALTER TABLE rooms ADD COLUMN keep_entries INTEGER CHECK (keep_entries >= 0);
    ALTER TABLE rooms ADD COLUMN keep_bytes INTEGER CHECK (keep_bytes >= 0);
    ALTER TABLE rooms ADD COLUMN body_bytes INTEGER NOT NULL DEFAULT 0 CHECK (body_bytes >= 0);
    UPDATE rooms SET body_bytes = coalesce((SELECT sum(length(body)) FROM entries WHERE room = rooms.id), 0);
    ALTER TABLE rooms ADD COLUMN first_seq INTEGER NOT NULL DEFAULT 1 CHECK (first_seq >= 1);
    UPDATE rooms SET first_seq = coalesce((SELECT min(seq) FROM entries WHERE room = rooms.id), head + 1);

    CREATE TABLE privileges (
        identity BLOB NOT NULL CHECK (length(identity) = 32),
        kind TEXT NOT NULL CHECK (kind IN ('operator', 'trusted')),
        name TEXT NOT NULL,
        since_ms INTEGER NOT NULL,
        granted_by BLOB CHECK (length(granted_by) = 32),
        PRIMARY KEY (identity, kind)
    ) STRICT, WITHOUT ROWID;
    ",
    "
    ALTER TABLE rooms DROP COLUMN secret;
    ALTER TABLE rooms ADD COLUMN created_by BLOB CHECK (length(created_by) = 32);
    ALTER TABLE rooms ADD COLUMN closed INTEGER NOT NULL DEFAULT 0 CHECK (closed IN (0, 1));
    ",
    // `is_named` follows `file_refs`, so that what may go is found without a look at the rest. The
    // sums are by owner; the empty owner has that of all.
    "
    CREATE TABLE contents (
        root BLOB NOT NULL CHECK (length(root) = 32),
        size INTEGER NOT NULL CHECK (size >= 0),
        owner BLOB NOT NULL CHECK (length(owner) = 32),
        is_complete INTEGER NOT NULL CHECK (is_complete IN (0, 1)),
        is_named INTEGER NOT NULL CHECK (is_named IN (0, 1)),
        touched_ms INTEGER NOT NULL,
        PRIMARY KEY (root, size)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX contents_by_time ON contents (is_complete, is_named, touched_ms);
    CREATE TABLE content_sums (
        owner BLOB PRIMARY KEY CHECK (length(owner) IN (0, 32)),
        bytes INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX content_sums_by_size ON content_sums (bytes);

    CREATE TABLE file_refs (
        room INTEGER NOT NULL REFERENCES rooms,
        seq INTEGER NOT NULL CHECK (seq >= 1),
        root BLOB NOT NULL CHECK (length(root) = 32),
        PRIMARY KEY (room, seq)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX file_refs_by_root ON file_refs (root, room);
    CREATE TRIGGER content_named AFTER INSERT ON file_refs BEGIN
        UPDATE contents SET is_named = 1 WHERE root = new.root;
    END;
    CREATE TRIGGER content_unnamed AFTER DELETE ON file_refs BEGIN
        UPDATE contents SET is_named = EXISTS (SELECT 1 FROM file_refs WHERE root = old.root)
            WHERE root = old.root;
    END;
    ",
];

#[cfg(test)]
mod tests {
    use kabar_core::chat::EntryKind;
    use kabar_std::sqlite::{add_fold, migrate};
    use rusqlite::Connection;

    use super::*;

    #[test]
    fn the_index_covers_all_kinds_of_text() {
        let mut connection = Connection::open_in_memory().unwrap();
        add_fold(&connection).unwrap();
        migrate(&mut connection, STEPS, Connection::transaction).unwrap();
        connection
            .execute_batch("UPDATE indexed SET up_to = 999; INSERT INTO rooms (name, head) VALUES ('lobby', 0)")
            .unwrap();
        for kind in 0..=255_u8 {
            let insert = "INSERT INTO entries VALUES (NULL, 1, ?1 + 1, 0, 'a', 0, 0, ?1, x'')";
            connection.execute(insert, [kind]).unwrap();
            let is_covered = "SELECT last_insert_rowid() IN (SELECT id FROM texts)";
            let is_covered: bool = connection.query_row(is_covered, [], |row| row.get(0)).unwrap();
            assert_eq!(is_covered, EntryKind(kind).is_text(), "{kind}");
        }
    }
}
