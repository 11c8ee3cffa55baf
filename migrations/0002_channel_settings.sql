-- What a channel has of its own; NULL is as the instance has it.
ALTER TABLE channels ADD COLUMN grace_seconds BIGINT CHECK (grace_seconds BETWEEN 0 AND 1800);
ALTER TABLE channels ADD COLUMN latency TEXT CHECK (latency IN ('low', 'normal'));
ALTER TABLE channels ADD COLUMN rungs TEXT CHECK (rungs IN ('on-demand', 'always'));
