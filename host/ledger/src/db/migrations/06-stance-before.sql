-- The question of a rollback whose own pin this is; null: a person's own decision.
ALTER TABLE stances ADD COLUMN question INTEGER;
-- What was decided before that pin, as JSON: back again when the rollback is rejected.
ALTER TABLE stances ADD COLUMN before TEXT;

-- Pins of rollbacks that are still of account. What they replaced is not known any more.
UPDATE stances SET question = (
    SELECT id FROM questions
    WHERE questions.tenant = stances.tenant AND questions.line = stances.line
        AND rollback_run IS NOT NULL AND state IN ('waiting', 'granted')
)
WHERE stance LIKE '%"rollback of r-%';
