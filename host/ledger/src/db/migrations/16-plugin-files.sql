-- A name is a claim: each file that claims it is kept with what it said of itself and what
-- was granted to it, and `plugins` says which of them is in use. An approval is remembered
-- for as long as the plugin is: going back to a file before needs no new one.
CREATE TABLE plugin_files (
    plugin      TEXT NOT NULL REFERENCES plugins (name) ON DELETE CASCADE,
    sha256      TEXT NOT NULL,
    description TEXT NOT NULL,
    -- The contract that the description was given under, as its minor number (0.1: 1).
    form        INTEGER NOT NULL,
    added_at    INTEGER NOT NULL,
    added_by    TEXT NOT NULL,
    -- Granted hosts (JSON); null: not approved.
    hosts       TEXT,
    approved_at INTEGER,
    approved_by TEXT,
    PRIMARY KEY (plugin, sha256)
) STRICT, WITHOUT ROWID;

-- Descriptions of 0.1 have no forms of a refusal.
INSERT INTO plugin_files
SELECT p.name, p.sha256, p.description,
       CASE WHEN json_valid(p.description)
             AND json_type(p.description, '$.refusals') IS NOT NULL THEN 2 ELSE 1 END,
       p.added_at, p.added_by, a.hosts, a.approved_at, a.approved_by
FROM plugins AS p LEFT JOIN approvals AS a ON a.plugin = p.name AND a.sha256 = p.sha256;

DROP TABLE approvals;

-- What stands with the file now.
ALTER TABLE plugins DROP COLUMN description;
ALTER TABLE plugins DROP COLUMN added_at;
ALTER TABLE plugins DROP COLUMN added_by;

-- Files approved as successors of one another are one lineage: one plugin of one name, from
-- when it is first added until it is removed.
ALTER TABLE plugins ADD COLUMN lineage INTEGER NOT NULL DEFAULT 0;
UPDATE plugins SET lineage =
    (SELECT count(*) FROM plugins AS earlier WHERE earlier.name <= plugins.name);
INSERT INTO meta (name, value) SELECT 'lineages', CAST(count(*) AS TEXT) FROM plugins;

-- The file that a connection is kept on; null: the one in use.
ALTER TABLE connections ADD COLUMN kept_on TEXT;
