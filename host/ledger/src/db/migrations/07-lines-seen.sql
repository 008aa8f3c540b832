-- Lines that a run found right without having changed them. Nobody's own, so not in
-- `lines`; the row goes when a change of the line is confirmed.
CREATE TABLE lines_seen (
    tenant    TEXT NOT NULL,
    line      TEXT NOT NULL,
    -- The pair it is right for.
    workspace TEXT NOT NULL,
    module    TEXT NOT NULL,
    units     TEXT NOT NULL,
    -- The civil date from which it has these units, as far as was looked at.
    since     TEXT NOT NULL,
    seen_at   INTEGER NOT NULL,
    PRIMARY KEY (tenant, line)
) STRICT, WITHOUT ROWID;
