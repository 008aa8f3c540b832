-- The contract on which a line was found right: once it has ended its lines are not read any
-- more, and are not missing. Of lines found before nobody has written it down.
ALTER TABLE lines_seen ADD COLUMN contract TEXT;
