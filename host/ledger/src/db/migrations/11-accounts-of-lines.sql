-- Some PSAs reach a line through its account only, so whatever names a line names its
-- account too. What was written before: from the run's own row, else from the mapping,
-- else not known ('?'): the one connector of that time does not need it.
ALTER TABLE intents ADD COLUMN account TEXT NOT NULL DEFAULT '?';
UPDATE intents SET account = coalesce(
    (SELECT r.account FROM run_lines AS r WHERE r.run = intents.run AND r.row = intents.row),
    '?');

ALTER TABLE lines ADD COLUMN account TEXT NOT NULL DEFAULT '?';
UPDATE lines SET account = coalesce(
    (SELECT i.account FROM intents AS i
     WHERE i.tenant = lines.tenant AND i.line = lines.line ORDER BY i.id DESC LIMIT 1),
    (SELECT m.account FROM account_map AS m
     WHERE m.tenant = lines.tenant AND m.workspace = lines.workspace),
    '?');

ALTER TABLE questions ADD COLUMN account TEXT NOT NULL DEFAULT '?';
UPDATE questions SET account = coalesce(
    (SELECT m.account FROM account_map AS m
     WHERE m.connection = questions.connection_id AND m.workspace = questions.workspace),
    '?');
