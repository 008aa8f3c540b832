-- The history is one chain for each channel and one for the installation. '': the single
-- chain of earlier versions, which is closed by a last entry before another one begins.
ALTER TABLE history ADD COLUMN chain TEXT NOT NULL DEFAULT '';
CREATE INDEX history_by_chain ON history (chain, seq);
