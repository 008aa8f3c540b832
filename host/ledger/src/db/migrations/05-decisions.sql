CREATE INDEX intents_by_pair ON intents (tenant, workspace, module);

-- What people decide: rules of a connection, stances on lines, answers to questions.

CREATE TABLE rules (
    connection INTEGER PRIMARY KEY REFERENCES connections (id) ON DELETE CASCADE,
    rules      TEXT NOT NULL
) STRICT;

-- Units that somebody else changed in the PSA, and what a person decided about them.
CREATE TABLE stances (
    tenant    TEXT NOT NULL,
    line      TEXT NOT NULL,
    workspace TEXT NOT NULL,
    module    TEXT NOT NULL,
    stance    TEXT NOT NULL,
    why       TEXT NOT NULL,
    who       TEXT NOT NULL,
    at        INTEGER NOT NULL,
    PRIMARY KEY (tenant, line)
) STRICT, WITHOUT ROWID;

-- Changes that wait for a person.
CREATE TABLE questions (
    id                 INTEGER PRIMARY KEY AUTOINCREMENT,
    connection_id      INTEGER NOT NULL,
    connection         TEXT NOT NULL,
    tenant             TEXT NOT NULL,
    run                INTEGER NOT NULL,
    workspace          TEXT NOT NULL,
    module             TEXT NOT NULL,
    line               TEXT NOT NULL,
    contract           TEXT NOT NULL,
    service            TEXT NOT NULL,
    baseline           TEXT NOT NULL,
    target             TEXT NOT NULL,
    effective          TEXT NOT NULL,
    -- JSON {amount, currency}: change a month. Null: cannot be told.
    money              TEXT,
    -- JSON list of the limits it is over.
    reasons            TEXT NOT NULL,
    -- Set for a rollback: of which run, and the date of the adjustment it opposes.
    rollback_run       INTEGER,
    rollback_effective TEXT,
    state              TEXT NOT NULL CHECK (state IN
                           ('waiting', 'granted', 'rejected', 'superseded', 'posted')),
    asked_at           INTEGER NOT NULL,
    decided_at         INTEGER,
    decided_by         TEXT,
    why                TEXT
) STRICT;
CREATE INDEX questions_by_connection ON questions (connection_id, state);
-- One question a line is of account at a time.
CREATE UNIQUE INDEX one_question ON questions (tenant, line)
    WHERE state IN ('waiting', 'granted', 'rejected');

-- What a mapped account or service was called when it was mapped or first seen: a
-- rename is said, because it may be another customer now.
CREATE TABLE mapped_names (
    connection INTEGER NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
    kind       TEXT NOT NULL CHECK (kind IN ('account', 'service')),
    id         TEXT NOT NULL,
    name       TEXT NOT NULL,
    PRIMARY KEY (connection, kind, id)
) STRICT, WITHOUT ROWID;
