-- Who may write to a tenant. The epoch is new with each run that takes it, and never used
-- again, for whichever tenant: a process that was stopped and whose place was taken finds
-- that its epoch is gone, and writes nothing. The row with the highest epoch stays, always.
CREATE TABLE run_leases (
    tenant  TEXT PRIMARY KEY,
    epoch   INTEGER NOT NULL UNIQUE,
    -- Null: not a run, but a person who settles what runs left open, or a rebind.
    run     INTEGER,
    who     TEXT NOT NULL,
    -- The process, and the boot of the machine in which it had this number.
    process INTEGER NOT NULL,
    boot    TEXT,
    since   INTEGER NOT NULL,
    renewed INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
