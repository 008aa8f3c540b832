-- The users and devices behind the counts, where the source names them: one row for each
-- item that has names, none for the others. Goes with its snapshot.
CREATE TABLE usage_names (
    snapshot  INTEGER NOT NULL,
    workspace INTEGER NOT NULL,
    module    INTEGER NOT NULL,
    -- JSON lists of texts. Null: the source names none, which is not an empty list.
    users     TEXT,
    devices   TEXT,
    PRIMARY KEY (snapshot, workspace, module),
    FOREIGN KEY (snapshot, workspace, module)
        REFERENCES usage_items (snapshot, workspace, module) ON DELETE CASCADE
) STRICT;
