-- Which process writes a broadcast, and until when without another word of it; NULL is none.
ALTER TABLE broadcasts ADD COLUMN writer TEXT;
ALTER TABLE broadcasts ADD COLUMN writer_until_ms BIGINT NOT NULL DEFAULT 0;
-- The process to which an encoder has come meanwhile.
ALTER TABLE broadcasts ADD COLUMN wanted_by TEXT;
