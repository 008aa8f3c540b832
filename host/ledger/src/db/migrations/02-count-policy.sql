-- How the counts of a mapped module become units; without a row, the count itself.
CREATE TABLE count_policies (
    connection INTEGER NOT NULL,
    module     TEXT NOT NULL,
    -- JSON of the rules' own shape.
    policy     TEXT NOT NULL,
    PRIMARY KEY (connection, module),
    FOREIGN KEY (connection, module) REFERENCES service_map (connection, module)
        ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- Users or devices that somebody decided not to bill. What was taken back stays, with
-- its end.
CREATE TABLE count_exclusions (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    connection INTEGER NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
    workspace  TEXT NOT NULL,
    module     TEXT NOT NULL,
    metric     TEXT NOT NULL CHECK (metric IN ('users', 'devices')),
    count      INTEGER NOT NULL CHECK (count > 0),
    owner      TEXT NOT NULL,
    why        TEXT NOT NULL,
    since      TEXT,
    until      TEXT,
    added_at   INTEGER NOT NULL,
    added_by   TEXT NOT NULL,
    removed_at INTEGER
) STRICT;
CREATE INDEX count_exclusions_by_connection ON count_exclusions (connection);
