-- What the source of a snapshot has and could not be read: held, never taken for zero.
CREATE TABLE usage_unread (
    snapshot  INTEGER NOT NULL REFERENCES snapshots (id) ON DELETE CASCADE,
    workspace INTEGER NOT NULL,
    -- Null: of any module of the workspace.
    module    INTEGER,
    why       TEXT NOT NULL
) STRICT;
CREATE INDEX usage_unread_of ON usage_unread (snapshot, workspace);

-- That rows of the newest list of workspaces could not be read: one row, or none.
CREATE TABLE workspaces_unread (
    id     INTEGER PRIMARY KEY CHECK (id = 1),
    source TEXT NOT NULL,
    rows   INTEGER NOT NULL CHECK (rows > 0)
) STRICT;
