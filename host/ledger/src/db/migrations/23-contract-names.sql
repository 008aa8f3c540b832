-- What contracts are called, beside accounts and services: reports name what they speak of.
CREATE TABLE mapped_names_anew (
    connection INTEGER NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
    kind       TEXT NOT NULL CHECK (kind IN ('account', 'service', 'contract')),
    id         TEXT NOT NULL,
    name       TEXT NOT NULL,
    PRIMARY KEY (connection, kind, id)
) STRICT, WITHOUT ROWID;
INSERT INTO mapped_names_anew SELECT connection, kind, id, name FROM mapped_names;
DROP TABLE mapped_names;
ALTER TABLE mapped_names_anew RENAME TO mapped_names;
