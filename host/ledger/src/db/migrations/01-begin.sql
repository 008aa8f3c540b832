-- Ids from outside, decimals and dates are TEXT as they came; instants are whole
-- microseconds since 1970 (UTC).

-- Facts about the ledger itself, such as which key its secrets are under.
CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Workspace and module ids stand in tens of thousands of rows a day: kept once here,
-- by number there.
CREATE TABLE names (
    id   INTEGER PRIMARY KEY,
    text TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE plugins (
    name        TEXT PRIMARY KEY,
    sha256      TEXT NOT NULL,
    description TEXT NOT NULL,
    added_at    INTEGER NOT NULL,
    added_by    TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What an operator granted, to exactly this file.
CREATE TABLE approvals (
    plugin      TEXT PRIMARY KEY REFERENCES plugins (name) ON DELETE CASCADE,
    sha256      TEXT NOT NULL,
    hosts       TEXT NOT NULL,
    approved_at INTEGER NOT NULL,
    approved_by TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE workspaces (
    id      TEXT PRIMARY KEY,
    name    TEXT NOT NULL,
    company TEXT,
    domain  TEXT,
    kind    TEXT NOT NULL CHECK (kind IN ('channel', 'child', 'regular')),
    -- Not a foreign key: a list may name a parent that is not in it.
    parent  TEXT,
    status  TEXT NOT NULL,
    demo    INTEGER NOT NULL,
    nfr     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX workspaces_by_parent ON workspaces (parent);

CREATE TABLE snapshots (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    channel     TEXT NOT NULL,
    taken_at    INTEGER NOT NULL,
    complete    INTEGER NOT NULL,
    source      TEXT NOT NULL,
    imported_at INTEGER NOT NULL,
    imported_by TEXT NOT NULL,
    item_count  INTEGER NOT NULL
) STRICT;
CREATE INDEX snapshots_by_channel ON snapshots (channel, taken_at);

CREATE TABLE usage_items (
    snapshot  INTEGER NOT NULL REFERENCES snapshots (id) ON DELETE CASCADE,
    workspace INTEGER NOT NULL,
    module    INTEGER NOT NULL,
    -- Null: the source did not say. Never read as zero.
    users     INTEGER CHECK (users >= 0),
    devices   INTEGER CHECK (devices >= 0),
    PRIMARY KEY (snapshot, workspace, module)
) STRICT, WITHOUT ROWID;

-- AUTOINCREMENT here and below: the number of what was removed is never used again,
-- because runs and history still name it.
CREATE TABLE connections (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    name          TEXT NOT NULL UNIQUE,
    plugin        TEXT NOT NULL REFERENCES plugins (name),
    channel       TEXT NOT NULL REFERENCES workspaces (id),
    time_zone     TEXT NOT NULL,
    tenant        TEXT,
    paused        INTEGER NOT NULL DEFAULT 0,
    created_at    INTEGER NOT NULL,
    check_status  TEXT,
    check_code    TEXT,
    checked_at    INTEGER,
    last_snapshot INTEGER REFERENCES snapshots (id)
) STRICT;
CREATE INDEX connections_by_plugin ON connections (plugin);

-- Settings and secrets of plugins and of connections: `kind` says which, `owner` is
-- the name.
CREATE TABLE settings (
    kind  TEXT NOT NULL CHECK (kind IN ('plugin', 'connection')),
    owner TEXT NOT NULL,
    field TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (kind, owner, field)
) STRICT, WITHOUT ROWID;

CREATE TABLE secrets (
    kind   TEXT NOT NULL CHECK (kind IN ('plugin', 'connection')),
    owner  TEXT NOT NULL,
    field  TEXT NOT NULL,
    sealed BLOB NOT NULL,
    set_at INTEGER NOT NULL,
    PRIMARY KEY (kind, owner, field)
) STRICT, WITHOUT ROWID;

-- One workspace to one account: within a connection, and within a tenant whatever
-- the connection. `tenant` repeats connections.tenant so that an index can see it.
CREATE TABLE account_map (
    connection INTEGER NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
    tenant     TEXT,
    workspace  TEXT NOT NULL,
    account    TEXT NOT NULL,
    PRIMARY KEY (connection, workspace),
    UNIQUE (connection, account)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX account_map_tenant_account
    ON account_map (tenant, account) WHERE tenant IS NOT NULL;
CREATE UNIQUE INDEX account_map_tenant_workspace
    ON account_map (tenant, workspace) WHERE tenant IS NOT NULL;

CREATE TABLE service_map (
    connection INTEGER NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
    module     TEXT NOT NULL,
    service    TEXT NOT NULL,
    metric     TEXT NOT NULL CHECK (metric IN ('users', 'devices')),
    PRIMARY KEY (connection, module),
    UNIQUE (connection, service)
) STRICT, WITHOUT ROWID;

CREATE TABLE contract_pins (
    connection INTEGER NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
    workspace  TEXT NOT NULL,
    contract   TEXT NOT NULL,
    PRIMARY KEY (connection, workspace)
) STRICT, WITHOUT ROWID;

-- Lines this product has touched. A removed connection leaves its lines behind
-- without an owner: they are still lines that were posted.
CREATE TABLE lines (
    tenant       TEXT NOT NULL,
    line         TEXT NOT NULL,
    connection   INTEGER REFERENCES connections (id) ON DELETE SET NULL,
    contract     TEXT NOT NULL,
    service      TEXT NOT NULL,
    -- The pair it was last posted for.
    workspace    TEXT,
    module       TEXT,
    units        TEXT,
    effective    TEXT,
    confirmed_at INTEGER,
    PRIMARY KEY (tenant, line)
) STRICT, WITHOUT ROWID;
CREATE INDEX lines_by_connection ON lines (connection);

CREATE TABLE runs (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    -- No foreign key: a run outlives its connection.
    connection_id INTEGER NOT NULL,
    connection    TEXT NOT NULL,
    tenant        TEXT,
    snapshot      INTEGER,
    dry_run       INTEGER NOT NULL,
    as_of         TEXT NOT NULL,
    started_by    TEXT NOT NULL,
    started_at    INTEGER NOT NULL,
    ended_at      INTEGER,
    -- Null while it runs, and after a crash until that is noticed.
    ending        TEXT,
    requests      INTEGER NOT NULL DEFAULT 0,
    counts        TEXT NOT NULL DEFAULT '{}',
    incidents     TEXT NOT NULL DEFAULT '[]'
) STRICT;
CREATE INDEX runs_by_connection ON runs (connection);
CREATE INDEX runs_not_ended ON runs (id) WHERE ending IS NULL;

CREATE TABLE run_lines (
    run       INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    row       INTEGER NOT NULL,
    workspace INTEGER,
    module    INTEGER,
    account   TEXT,
    service   TEXT,
    contract  TEXT,
    line      TEXT,
    baseline  TEXT,
    target    TEXT,
    effective TEXT,
    outcome   TEXT NOT NULL,
    code      TEXT,
    message   TEXT,
    fix       TEXT,
    -- JSON: what later versions add to a line.
    detail    TEXT,
    PRIMARY KEY (run, row)
) STRICT, WITHOUT ROWID;

-- What is to be sent, before it is sent; and what came of it.
CREATE TABLE intents (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    run           INTEGER NOT NULL,
    row           INTEGER NOT NULL,
    connection_id INTEGER NOT NULL,
    tenant        TEXT NOT NULL,
    line          TEXT NOT NULL,
    contract      TEXT NOT NULL,
    service       TEXT NOT NULL,
    workspace     TEXT NOT NULL,
    module        TEXT NOT NULL,
    baseline      TEXT NOT NULL,
    target        TEXT NOT NULL,
    effective     TEXT NOT NULL,
    state         TEXT NOT NULL CHECK (state IN ('intended', 'sending', 'accepted', 'rejected',
                      'doubtful', 'not-sent', 'confirmed', 'not-applied', 'held')),
    -- Requests that may have left this machine.
    attempt       INTEGER NOT NULL DEFAULT 0,
    code          TEXT,
    words         TEXT,
    evidence      TEXT,
    intended_at   INTEGER NOT NULL,
    sending_at    INTEGER,
    answered_at   INTEGER,
    resolved_at   INTEGER,
    FOREIGN KEY (run, row) REFERENCES run_lines (run, row)
) STRICT;
-- One open intent a line: the last defence against billing twice.
CREATE UNIQUE INDEX one_open_intent ON intents (tenant, line)
    WHERE state IN ('intended', 'sending', 'accepted', 'doubtful', 'held');
CREATE INDEX intents_by_run ON intents (run, row);
CREATE INDEX intents_by_date ON intents (tenant, effective, line);
CREATE INDEX intents_by_connection ON intents (connection_id)
    WHERE state IN ('intended', 'sending', 'accepted', 'doubtful', 'held');

-- Every change a person or a run made. Each hash covers the one before it.
CREATE TABLE history (
    seq     INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,
    who     TEXT NOT NULL,
    what    TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail  TEXT NOT NULL,
    -- 1: the hash is keyed. Before the first secret there is no key.
    keyed   INTEGER NOT NULL,
    prev    BLOB NOT NULL,
    hash    BLOB NOT NULL
) STRICT;
CREATE INDEX history_by_subject ON history (subject);
CREATE TRIGGER history_is_never_changed BEFORE UPDATE ON history
BEGIN
    SELECT RAISE(ABORT, 'history is append-only');
END;
CREATE TRIGGER history_is_never_deleted BEFORE DELETE ON history
BEGIN
    SELECT RAISE(ABORT, 'history is append-only');
END;

-- What plugins keep. No foreign key: a plugin may store something (its zone) during
-- the check that comes before a connection is saved.
CREATE TABLE plugin_storage (
    plugin     TEXT NOT NULL,
    connection TEXT NOT NULL,
    key        TEXT NOT NULL,
    value      BLOB NOT NULL,
    PRIMARY KEY (plugin, connection, key)
) STRICT, WITHOUT ROWID;
