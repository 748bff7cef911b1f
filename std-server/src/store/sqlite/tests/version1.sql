-- A history as version 1 of the tables wrote it: two rooms, one server start, a post, a member away and one here.
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

INSERT INTO rooms VALUES (1, 'lobby', 3), (2, 'attic', 0);
INSERT INTO terms VALUES (1, 1, x'0101010101010101', 1);
INSERT INTO entries VALUES (1, 1, 1, 1730457430000, 'Anna', 0, 0, 16, x'');
INSERT INTO entries VALUES (2, 1, 2, 1730457431000, 'Anna', 7, 1, 1, x'68616c6f');
INSERT INTO entries VALUES (3, 1, 3, 1730457432000, 'Anna', 0, 0, 17, x'');
INSERT INTO instances VALUES (1, 7, zeroblob(32), 1, 2), (1, -1, zeroblob(32), 0, 0);
INSERT INTO names VALUES (1, 'anna', 'Anna', zeroblob(32), 1730457432000, 0), (1, 'ben', 'Ben', zeroblob(32), 5, 1);
INSERT INTO admissions VALUES (1, zeroblob(32), zeroblob(16));
INSERT INTO sanctions VALUES (1, zeroblob(32), 'mute', 'Anna', 1730457432000);
PRAGMA user_version = 1;
