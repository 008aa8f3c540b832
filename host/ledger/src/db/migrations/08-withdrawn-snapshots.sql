-- Snapshots that a person withdrew: kept, because runs and history name them, and never
-- counted from again. All three are null, or none is.
ALTER TABLE snapshots ADD COLUMN withdrawn_at INTEGER;
ALTER TABLE snapshots ADD COLUMN withdrawn_by TEXT;
ALTER TABLE snapshots ADD COLUMN withdrawn_why TEXT;
