-- A person may ask a run to stop from another process; the run looks for it while it is
-- under way.
ALTER TABLE runs ADD COLUMN cancel_asked_at INTEGER;
ALTER TABLE runs ADD COLUMN cancel_asked_by TEXT;
-- Runs whose process died are called what they were.
UPDATE runs SET ending = 'killed' WHERE ending = 'interrupted';
