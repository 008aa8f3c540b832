-- When each connection is synced by itself. No row: nobody set anything and no daemon has
-- seen it yet.
CREATE TABLE schedules (
    connection INTEGER PRIMARY KEY REFERENCES connections (id) ON DELETE CASCADE,
    -- 'default', 'off', '05:30' or a cron expression; its caller has checked it.
    schedule   TEXT NOT NULL,
    -- From when on it counts: no date before is missed.
    since      INTEGER NOT NULL
) STRICT;

-- The civil dates that a connection was due on. A date is done once.
CREATE TABLE scheduled_dates (
    connection   INTEGER NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
    date         TEXT NOT NULL,
    -- When it fell due by the schedule, and with what spreads connections added.
    nominal_at   INTEGER NOT NULL,
    due_at       INTEGER NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('open', 'closed', 'missed')),
    attempts     INTEGER NOT NULL DEFAULT 0,
    -- When the last attempt began, and the one after it may.
    attempted_at INTEGER,
    next_at      INTEGER,
    -- Why it is not closed, or was missed.
    code         TEXT,
    message      TEXT,
    closed_by    INTEGER UNIQUE REFERENCES runs (id),
    closed_at    INTEGER,
    PRIMARY KEY (connection, date)
) STRICT, WITHOUT ROWID;

-- The date that a run was begun for; null: a person asked for it, or it settles what earlier
-- ones left open.
ALTER TABLE runs ADD COLUMN scheduled_for TEXT;

-- One at a time posts for a connection. What died and was not closed yet is closed here.
UPDATE runs SET ending = 'killed'
WHERE ending IS NULL AND dry_run = 0 AND id NOT IN (
    SELECT max(id) FROM runs WHERE ending IS NULL AND dry_run = 0 GROUP BY connection_id
);
CREATE UNIQUE INDEX one_open_run ON runs (connection_id)
    WHERE ending IS NULL AND dry_run = 0;

-- While there is a row, nothing is posted anywhere.
CREATE TABLE posting_stop (
    only_one   INTEGER PRIMARY KEY CHECK (only_one = 1),
    stopped_at INTEGER NOT NULL,
    stopped_by TEXT NOT NULL,
    why        TEXT NOT NULL
) STRICT;
CREATE TRIGGER posting_stopped AFTER INSERT ON posting_stop
BEGIN
    INSERT INTO decision_changes (what) VALUES ('stop of all posting');
END;
