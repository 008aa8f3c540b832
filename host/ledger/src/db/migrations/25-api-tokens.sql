-- Who may use the REST API, and for what. The token itself is shown once and not kept.
CREATE TABLE api_tokens (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    name         TEXT NOT NULL UNIQUE,
    -- SHA-256 of the token, which is random enough that nothing slower is needed.
    hash         BLOB NOT NULL UNIQUE,
    role         TEXT NOT NULL,
    -- Channel workspaces, as JSON; null: everything.
    channels     TEXT,
    created_at   INTEGER NOT NULL,
    created_by   TEXT NOT NULL,
    expires_at   INTEGER NOT NULL,
    last_used_at INTEGER
) STRICT;
