-- Workspaces, or one module of them, that a person set aside: excluded or held.
CREATE TABLE set_asides (
    connection INTEGER NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
    workspace  TEXT NOT NULL,
    -- Null: everything the workspace uses.
    module     TEXT,
    kind       TEXT NOT NULL CHECK (kind IN ('exclude', 'hold')),
    why        TEXT NOT NULL,
    who        TEXT NOT NULL,
    since      INTEGER NOT NULL,
    -- The last civil date on which it counts, in the connection's zone; null: no end.
    until      TEXT
) STRICT;
-- One entry for a workspace as a whole and one for each of its modules.
CREATE UNIQUE INDEX one_set_aside ON set_asides (connection, workspace, ifnull(module, ''));
