-- What a recording's playlist needs of a segment beside its place: which initialisation segment goes before it, and
-- the period, at whose change its timestamps or its source do.
ALTER TABLE segments ADD COLUMN init BIGINT NOT NULL DEFAULT 0;
ALTER TABLE segments ADD COLUMN period BIGINT NOT NULL DEFAULT 0;
