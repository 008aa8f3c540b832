-- What a bundle of Coro holds, as a person declared it: Coro does not publish it.
CREATE TABLE bundles (
    connection INTEGER NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
    bundle     TEXT NOT NULL,
    -- A module in it.
    part       TEXT NOT NULL,
    PRIMARY KEY (connection, bundle, part),
    CHECK (bundle <> part)
) STRICT, WITHOUT ROWID;
