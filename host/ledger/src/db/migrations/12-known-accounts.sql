-- Accounts that are not new. As text, because the PSA's id is one.
CREATE TABLE known_accounts (
    tenant  TEXT NOT NULL,
    account TEXT NOT NULL,
    -- 'answered': the PSA took one of its adjustments; 'found-right': a run found all its
    -- lines right; 'before': one of its lines was confirmed before this was kept.
    because TEXT NOT NULL CHECK (because IN ('answered', 'found-right', 'before')),
    PRIMARY KEY (tenant, account)
) STRICT, WITHOUT ROWID;

-- In the transaction of the answer itself, so that a run that is killed right after it
-- leaves no account new that was posted to.
CREATE TRIGGER account_is_known AFTER UPDATE OF state ON intents
    WHEN NEW.state IN ('accepted', 'confirmed')
BEGIN
    INSERT OR IGNORE INTO known_accounts (tenant, account, because)
        SELECT NEW.tenant, account, 'answered' FROM run_lines
        WHERE run = NEW.run AND row = NEW.row AND account IS NOT NULL;
END;

INSERT OR IGNORE INTO known_accounts (tenant, account, because)
    SELECT l.tenant, a.account, 'before'
    FROM lines AS l
    JOIN account_map AS a ON a.connection = l.connection AND a.workspace = l.workspace
    WHERE l.units IS NOT NULL;
INSERT OR IGNORE INTO known_accounts (tenant, account, because)
    SELECT i.tenant, r.account, 'before'
    FROM intents AS i JOIN run_lines AS r ON r.run = i.run AND r.row = i.row
    WHERE i.state = 'confirmed' AND r.account IS NOT NULL;
-- The last run of a connection that went through says of which accounts all is right.
INSERT OR IGNORE INTO known_accounts (tenant, account, because)
    SELECT runs.tenant, r.account, 'found-right'
    FROM run_lines AS r JOIN runs ON runs.id = r.run
    WHERE runs.id IN (SELECT max(id) FROM runs
                      WHERE ending = 'done' AND dry_run = 0 GROUP BY connection_id)
        AND runs.tenant IS NOT NULL AND r.account IS NOT NULL AND r.line IS NOT NULL
    GROUP BY runs.tenant, r.account
    HAVING sum(r.outcome <> 'unchanged') = 0
        AND sum(coalesce(r.baseline = r.target AND r.baseline <> '0', 0)) > 0;
