-- Users, their channels, and what was broadcast on them. Times are milliseconds since the Unix epoch.

CREATE TABLE users (
    id            TEXT   NOT NULL PRIMARY KEY,
    name          TEXT   NOT NULL UNIQUE,
    password_hash TEXT   NOT NULL,
    role          TEXT   NOT NULL CHECK (role IN ('viewer', 'admin')),
    created_at_ms BIGINT NOT NULL
);

-- Only the SHA-256 of a session's token is kept: a copy of the database logs nobody in.
CREATE TABLE sessions (
    token_hash    TEXT   NOT NULL PRIMARY KEY,
    user_id       TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at_ms BIGINT NOT NULL,
    expires_at_ms BIGINT NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at_ms);

CREATE TABLE channels (
    id            TEXT   NOT NULL PRIMARY KEY,
    name          TEXT   NOT NULL UNIQUE,
    owner_id      TEXT   NOT NULL REFERENCES users (id),
    title         TEXT   NOT NULL,
    created_at_ms BIGINT NOT NULL
);
CREATE INDEX channels_by_owner ON channels (owner_id, name);

-- One key a channel: making a new one replaces the old.
CREATE TABLE stream_keys (
    channel_id      TEXT   NOT NULL PRIMARY KEY REFERENCES channels (id) ON DELETE CASCADE,
    key_hash        TEXT   NOT NULL UNIQUE,
    created_at_ms   BIGINT NOT NULL,
    last_used_at_ms BIGINT NOT NULL
);

CREATE TABLE broadcasts (
    id            TEXT   NOT NULL PRIMARY KEY,
    channel_id    TEXT   NOT NULL REFERENCES channels (id),
    title         TEXT   NOT NULL,
    started_at_ms BIGINT NOT NULL,
    ended_at_ms   BIGINT
);
CREATE INDEX broadcasts_by_channel ON broadcasts (channel_id, started_at_ms);
CREATE INDEX broadcasts_by_end ON broadcasts (ended_at_ms);

-- The index of objects in the blob store. Retention deletes from here, never by listing objects,
-- so a broadcast cannot be forgotten while one of its objects is still recorded.
CREATE TABLE segments (
    broadcast_id   TEXT   NOT NULL REFERENCES broadcasts (id),
    object_key     TEXT   NOT NULL,
    rendition      TEXT   NOT NULL,
    number         BIGINT NOT NULL,
    start_ticks    BIGINT NOT NULL,
    duration_ticks BIGINT NOT NULL,
    bytes          BIGINT NOT NULL,
    PRIMARY KEY (broadcast_id, object_key)
);
CREATE INDEX segments_in_order ON segments (broadcast_id, rendition, number);
