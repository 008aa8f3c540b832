-- How many requests the PSA itself says it allows in its window: it may be fewer than
-- the plugin declares. 0: it did not say.
ALTER TABLE observed ADD COLUMN allowed INTEGER NOT NULL DEFAULT 0;
