-- Where a PSA takes no date with a change: the day from which a line was to be changed, kept
-- from the run that first planned the change until the change is confirmed. By that time the
-- policy alone would give a later day.
CREATE TABLE due_days (
    tenant    TEXT NOT NULL,
    line      TEXT NOT NULL,
    -- The pair it was planned for.
    workspace TEXT NOT NULL,
    module    TEXT NOT NULL,
    -- A civil date.
    due       TEXT NOT NULL,
    PRIMARY KEY (tenant, line)
) STRICT, WITHOUT ROWID;
