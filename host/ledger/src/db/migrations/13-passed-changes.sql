-- Changes that a run without a brake has planned: of what gathers for a later date the
-- brakes count only the increase, and the units of a day are added up over its runs.
CREATE TABLE passed_changes (
    connection INTEGER NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
    line       TEXT NOT NULL,
    effective  TEXT NOT NULL,
    account    TEXT NOT NULL,
    -- Units, with a sign: all that has passed for that day.
    change     TEXT NOT NULL,
    -- The day of the run that counted last, and what it counted on that day.
    day        TEXT NOT NULL,
    on_day     TEXT NOT NULL,
    PRIMARY KEY (connection, line, effective)
) STRICT, WITHOUT ROWID;

-- Units of all lines of a connection when the first run of a day looked.
CREATE TABLE first_looks (
    connection INTEGER PRIMARY KEY REFERENCES connections (id) ON DELETE CASCADE,
    day        TEXT NOT NULL,
    units      TEXT NOT NULL
) STRICT;

-- Connections from before there were limits to begin with. Where nobody had set a limit of
-- what posts by itself, those of a new connection count from now on; where somebody had,
-- no other is put beside it. The question about new accounts and the brakes are new to all.
CREATE TABLE limits_added (
    connection INTEGER PRIMARY KEY REFERENCES connections (id) ON DELETE CASCADE,
    -- Where that was said so far.
    said       TEXT NOT NULL DEFAULT 'nowhere' CHECK (said IN ('nowhere', 'history', 'report'))
) STRICT;
INSERT INTO limits_added (connection) SELECT id FROM connections;
UPDATE rules
    SET rules = json_set(rules, '$.approval.rise', json('null'), '$.approval.fall', json('null'))
    WHERE coalesce(json_extract(rules, '$.approval.units'),
                   json_extract(rules, '$.approval.percent'),
                   json_extract(rules, '$.approval.money')) IS NOT NULL;
