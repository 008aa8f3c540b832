-- Beside the ledger and not in it: written many times a minute, and the loss of the
-- last second in a power cut costs nobody money.

CREATE TABLE spent (
    scope  TEXT NOT NULL,
    minute INTEGER NOT NULL,
    n      INTEGER NOT NULL,
    PRIMARY KEY (scope, minute)
) STRICT, WITHOUT ROWID;

-- What the PSA last said was used by everybody, and what we had spent by then.
CREATE TABLE observed (
    scope TEXT PRIMARY KEY,
    at    INTEGER NOT NULL,
    used  INTEGER NOT NULL,
    own   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE paused (
    scope TEXT PRIMARY KEY,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
