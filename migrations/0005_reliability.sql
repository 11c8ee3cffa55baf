-- What viewers see while a broadcast waits for its encoder; NULL is as the instance has it.
ALTER TABLE channels ADD COLUMN while_away TEXT CHECK (while_away IN ('slate', 'wait'));
