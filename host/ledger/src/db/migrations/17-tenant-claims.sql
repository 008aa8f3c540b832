-- A tenant key is a plugin's claim. It counts within one lineage of plugin files and one
-- channel; for another one an operator says whether it is the same tenant.
CREATE TABLE tenant_claims (
    -- The key as the plugin reported it.
    reported TEXT NOT NULL,
    lineage  INTEGER NOT NULL,
    channel  TEXT NOT NULL,
    -- The tenant that is meant; null: refused until an operator says.
    tenant   TEXT,
    -- The connection that reported it last.
    asked_by TEXT NOT NULL,
    how      TEXT NOT NULL CHECK (how IN ('first', 'asked', 'same', 'different', 'migrated', 'rebound')),
    why      TEXT,
    who      TEXT NOT NULL,
    at       INTEGER NOT NULL,
    PRIMARY KEY (reported, lineage, channel)
) STRICT, WITHOUT ROWID;

-- What is shared by now counts as the same tenant.
INSERT INTO tenant_claims
SELECT c.tenant, p.lineage, c.channel, c.tenant, min(c.name), 'migrated', NULL, 'migration', 0
FROM connections AS c JOIN plugins AS p ON p.name = c.plugin
WHERE c.tenant IS NOT NULL
GROUP BY c.tenant, p.lineage, c.channel;
-- Lines that a connection which is gone posted: their tenant is known too.
INSERT OR IGNORE INTO tenant_claims
SELECT tenant, 0, '', tenant, '', 'migrated', NULL, 'migration', 0
FROM lines WHERE tenant NOT IN (SELECT tenant FROM tenant_claims) GROUP BY tenant;

-- A workspace is mapped in one tenant of its channel, unless an operator says why not.
CREATE TABLE second_tenants (
    connection INTEGER NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
    workspace  TEXT NOT NULL,
    why        TEXT NOT NULL,
    who        TEXT NOT NULL,
    at         INTEGER NOT NULL,
    PRIMARY KEY (connection, workspace)
) STRICT, WITHOUT ROWID;
INSERT INTO second_tenants
SELECT m.connection, m.workspace, 'mapped so before this was asked', 'migration', 0
FROM account_map AS m JOIN connections AS c ON c.id = m.connection
WHERE EXISTS (
    SELECT 1 FROM account_map AS o JOIN connections AS d ON d.id = o.connection
    WHERE o.workspace = m.workspace AND d.channel = c.channel AND o.tenant <> m.tenant
);

-- Credentials that the PSA refused are not used again until somebody says so. The version
-- goes up with whatever says so, so that a run which still had the former ones does not
-- condemn the new.
ALTER TABLE connections ADD COLUMN credentials_version INTEGER NOT NULL DEFAULT 0;
ALTER TABLE connections ADD COLUMN refused_at INTEGER;
ALTER TABLE connections ADD COLUMN refused_words TEXT;
UPDATE connections SET refused_at = checked_at, refused_words = check_status
WHERE check_code = 'authentication';
