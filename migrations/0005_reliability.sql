-- What viewers see while a broadcast waits for its encoder; NULL is as the instance has it.
ALTER TABLE channels ADD COLUMN while_away TEXT CHECK (while_away IN ('slate', 'wait'));
-- What an admin lets the channel have, as JSON; NULL is as the instance has it.
ALTER TABLE channels ADD COLUMN limits TEXT;
-- Segments that were given up for want of room are rows without bytes: the recording has a gap there.
CREATE INDEX segments_missing ON segments (broadcast_id, rendition, duration_ticks) WHERE bytes = 0;
