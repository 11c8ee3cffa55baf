-- Everything around the picture: people, what they follow, who helps whom, and who looks after it.
-- Flags are 0 or 1. A text that is empty is one that was not given.

-- A role more: the check of the old column cannot be changed in place on both databases.
ALTER TABLE users ADD COLUMN rank TEXT NOT NULL DEFAULT 'viewer' CHECK (rank IN ('viewer', 'moderator', 'admin'));
UPDATE users SET rank = role;
ALTER TABLE users DROP COLUMN role;
ALTER TABLE users RENAME COLUMN rank TO role;
ALTER TABLE users ADD COLUMN state TEXT NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'pending', 'deleted'));
ALTER TABLE users ADD COLUMN display_name TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN email TEXT;
ALTER TABLE users ADD COLUMN email_verified_at_ms BIGINT;
ALTER TABLE users ADD COLUMN language TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN avatar TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN sign_up_reason TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN totp_secret TEXT NOT NULL DEFAULT '';
-- The newest step of 30 s whose code was used: none is good twice.
ALTER TABLE users ADD COLUMN totp_step BIGINT NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN notifications_seen_at_ms BIGINT NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN suspended_at_ms BIGINT;
ALTER TABLE users ADD COLUMN suspended_until_ms BIGINT;
ALTER TABLE users ADD COLUMN suspended_reason TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX users_by_email ON users (email);
CREATE INDEX users_by_state ON users (state, name);
CREATE INDEX users_by_role ON users (role, name);

ALTER TABLE sessions ADD COLUMN device TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN address TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN last_used_at_ms BIGINT NOT NULL DEFAULT 0;

-- Who a name looks like: names are folded so that look-alikes are equal, and a folded name belongs
-- to one user, with whatever they call by it. It stays taken when its user is gone.
CREATE TABLE names (
    folded  TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL
);
CREATE INDEX names_by_user ON names (user_id);

CREATE TABLE recovery_codes (
    user_id   TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    code_hash TEXT NOT NULL,
    PRIMARY KEY (user_id, code_hash)
);

CREATE TABLE passkeys (
    id              TEXT   NOT NULL PRIMARY KEY,
    credential_id   TEXT   NOT NULL UNIQUE,
    user_id         TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name            TEXT   NOT NULL,
    -- The public key and the counter, as JSON.
    body            TEXT   NOT NULL,
    created_at_ms   BIGINT NOT NULL,
    last_used_at_ms BIGINT
);
CREATE INDEX passkeys_by_user ON passkeys (user_id, created_at_ms);

CREATE TABLE oidc_identities (
    issuer  TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX oidc_identities_by_user ON oidc_identities (user_id);

-- What somebody may do once and soon, with a secret that they hold: finish a login, set a new
-- password, confirm an address. Only the secret's SHA-256 is kept.
CREATE TABLE tickets (
    token_hash    TEXT   NOT NULL PRIMARY KEY,
    kind          TEXT   NOT NULL,
    user_id       TEXT   REFERENCES users (id) ON DELETE CASCADE,
    body          TEXT   NOT NULL,
    expires_at_ms BIGINT NOT NULL
);
CREATE INDEX tickets_by_user ON tickets (user_id, kind);
CREATE INDEX tickets_by_expiry ON tickets (expires_at_ms);

CREATE TABLE access_tokens (
    id              TEXT   NOT NULL PRIMARY KEY,
    token_hash      TEXT   NOT NULL UNIQUE,
    user_id         TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name            TEXT   NOT NULL,
    -- Separated by spaces.
    scopes          TEXT   NOT NULL,
    created_at_ms   BIGINT NOT NULL,
    expires_at_ms   BIGINT,
    last_used_at_ms BIGINT
);
CREATE INDEX access_tokens_by_user ON access_tokens (user_id, created_at_ms);

CREATE TABLE invites (
    id            TEXT   NOT NULL PRIMARY KEY,
    code_hash     TEXT   NOT NULL UNIQUE,
    note          TEXT   NOT NULL,
    uses_left     BIGINT NOT NULL,
    created_by    TEXT   NOT NULL REFERENCES users (id),
    created_at_ms BIGINT NOT NULL,
    expires_at_ms BIGINT
);
CREATE INDEX invites_by_user ON invites (created_by);

-- Answers to requests that carried an Idempotency-Key, by the hash of user and key. `status` is 0
-- while the request runs.
CREATE TABLE idempotent_answers (
    key_hash      TEXT   NOT NULL PRIMARY KEY,
    request_hash  TEXT   NOT NULL,
    status        BIGINT NOT NULL,
    body          TEXT   NOT NULL,
    created_at_ms BIGINT NOT NULL
);
CREATE INDEX idempotent_answers_by_time ON idempotent_answers (created_at_ms);

-- Uploads, each in several sizes: the objects are `pictures/ID/WIDTHxHEIGHT.png` (or .jpg).
CREATE TABLE pictures (
    id            TEXT   NOT NULL PRIMARY KEY,
    -- Separated by spaces, such as `64x64 128x128`.
    sizes         TEXT   NOT NULL,
    ending        TEXT   NOT NULL,
    bytes         BIGINT NOT NULL,
    user_id       TEXT   NOT NULL,
    created_at_ms BIGINT NOT NULL
);
CREATE INDEX pictures_by_user ON pictures (user_id);

CREATE TABLE push_subscriptions (
    endpoint_hash TEXT   NOT NULL PRIMARY KEY,
    user_id       TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    endpoint      TEXT   NOT NULL,
    p256dh        TEXT   NOT NULL,
    auth          TEXT   NOT NULL,
    created_at_ms BIGINT NOT NULL
);
CREATE INDEX push_subscriptions_by_user ON push_subscriptions (user_id);

CREATE TABLE categories (
    slug          TEXT   NOT NULL PRIMARY KEY,
    name          TEXT   NOT NULL UNIQUE,
    picture       TEXT   NOT NULL DEFAULT '',
    created_at_ms BIGINT NOT NULL
);
INSERT INTO categories (slug, name, created_at_ms) VALUES
    ('just-chatting', 'Just Chatting', 0), ('games', 'Games', 0), ('music', 'Music', 0), ('art', 'Art', 0),
    ('sports', 'Sports', 0), ('software', 'Software', 0), ('science', 'Science', 0), ('talks', 'Talks', 0),
    ('food', 'Food', 0), ('travel', 'Travel & Outdoors', 0), ('fitness', 'Fitness', 0), ('special-events', 'Special Events', 0);

ALTER TABLE channels ADD COLUMN display_name TEXT NOT NULL DEFAULT '';
ALTER TABLE channels ADD COLUMN description TEXT NOT NULL DEFAULT '';
ALTER TABLE channels ADD COLUMN category TEXT REFERENCES categories (slug) ON DELETE SET NULL;
-- Separated by spaces; channel_tags has them one by one.
ALTER TABLE channels ADD COLUMN tags TEXT NOT NULL DEFAULT '';
ALTER TABLE channels ADD COLUMN language TEXT NOT NULL DEFAULT '';
ALTER TABLE channels ADD COLUMN mature BIGINT NOT NULL DEFAULT 0;
ALTER TABLE channels ADD COLUMN avatar TEXT NOT NULL DEFAULT '';
ALTER TABLE channels ADD COLUMN banner TEXT NOT NULL DEFAULT '';
-- As in the REST bodies, JSON.
ALTER TABLE channels ADD COLUMN links TEXT NOT NULL DEFAULT '[]';
ALTER TABLE channels ADD COLUMN panels TEXT NOT NULL DEFAULT '[]';
ALTER TABLE channels ADD COLUMN access TEXT NOT NULL DEFAULT 'public'
    CHECK (access IN ('public', 'followers', 'password', 'private'));
ALTER TABLE channels ADD COLUMN access_password_hash TEXT NOT NULL DEFAULT '';
-- Rises when somebody must lose the access they had: playback addresses signed before are void.
ALTER TABLE channels ADD COLUMN access_revision BIGINT NOT NULL DEFAULT 0;
-- How many rows `follows` has for it.
ALTER TABLE channels ADD COLUMN followers BIGINT NOT NULL DEFAULT 0;
ALTER TABLE channels ADD COLUMN suspended_at_ms BIGINT;
ALTER TABLE channels ADD COLUMN suspended_until_ms BIGINT;
ALTER TABLE channels ADD COLUMN suspended_reason TEXT NOT NULL DEFAULT '';
-- Its name stays taken, and its row until its recordings are gone.
ALTER TABLE channels ADD COLUMN deleted_at_ms BIGINT;
CREATE INDEX channels_by_end ON channels (deleted_at_ms);
CREATE INDEX channels_by_category ON channels (category, name);
CREATE INDEX channels_by_language ON channels (language, name);

CREATE TABLE channel_tags (
    tag        TEXT NOT NULL,
    channel_id TEXT NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    PRIMARY KEY (tag, channel_id)
);
CREATE INDEX channel_tags_by_channel ON channel_tags (channel_id);

-- Words that a channel is found by, folded, as hexadecimal UTF-8: that orders the same in every
-- collation, so that words with a common beginning are neighbours in the index of both databases.
CREATE TABLE search_words (
    word       TEXT NOT NULL,
    channel_id TEXT NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    PRIMARY KEY (word, channel_id)
);
CREATE INDEX search_words_by_channel ON search_words (channel_id);

CREATE TABLE channel_staff (
    channel_id    TEXT   NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    user_id       TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role          TEXT   NOT NULL CHECK (role IN ('editor', 'moderator')),
    created_at_ms BIGINT NOT NULL,
    PRIMARY KEY (channel_id, user_id)
);
CREATE INDEX channel_staff_by_user ON channel_staff (user_id);

-- Who may watch a private channel.
CREATE TABLE channel_guests (
    channel_id TEXT NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (channel_id, user_id)
);
CREATE INDEX channel_guests_by_user ON channel_guests (user_id);

CREATE TABLE follows (
    user_id       TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    channel_id    TEXT   NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    notify        BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    PRIMARY KEY (user_id, channel_id)
);
CREATE INDEX follows_by_channel ON follows (channel_id, created_at_ms, user_id);

-- Several keys a channel, by name. The old table had one each.
CREATE TABLE channel_keys (
    id              TEXT   NOT NULL PRIMARY KEY,
    channel_id      TEXT   NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    name            TEXT   NOT NULL,
    key_hash        TEXT   NOT NULL UNIQUE,
    created_at_ms   BIGINT NOT NULL,
    last_used_at_ms BIGINT NOT NULL
);
INSERT INTO channel_keys (id, channel_id, name, key_hash, created_at_ms, last_used_at_ms)
    SELECT channel_id, channel_id, '', key_hash, created_at_ms, last_used_at_ms FROM stream_keys;
DROP TABLE stream_keys;
CREATE INDEX channel_keys_by_channel ON channel_keys (channel_id, name);

-- Local times of a time zone: what comes of them is worked out when it is asked for.
CREATE TABLE schedule (
    id            TEXT   NOT NULL PRIMARY KEY,
    channel_id    TEXT   NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    -- As in the REST bodies, JSON.
    body          TEXT   NOT NULL,
    -- Local dates that are left out, separated by spaces.
    skips         TEXT   NOT NULL,
    created_at_ms BIGINT NOT NULL
);
CREATE INDEX schedule_by_channel ON schedule (channel_id, created_at_ms);

ALTER TABLE broadcasts ADD COLUMN category TEXT;
ALTER TABLE broadcasts ADD COLUMN protected BIGINT NOT NULL DEFAULT 0;
ALTER TABLE broadcasts ADD COLUMN peak_viewers BIGINT NOT NULL DEFAULT 0;
ALTER TABLE broadcasts ADD COLUMN viewers_sum BIGINT NOT NULL DEFAULT 0;
ALTER TABLE broadcasts ADD COLUMN samples BIGINT NOT NULL DEFAULT 0;

-- Once a minute.
CREATE TABLE viewer_samples (
    broadcast_id TEXT   NOT NULL REFERENCES broadcasts (id) ON DELETE CASCADE,
    at_ms        BIGINT NOT NULL,
    viewers      BIGINT NOT NULL,
    PRIMARY KEY (broadcast_id, at_ms)
);

CREATE TABLE webhooks (
    id            TEXT   NOT NULL PRIMARY KEY,
    channel_id    TEXT   NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    url           TEXT   NOT NULL,
    secret        TEXT   NOT NULL,
    -- Separated by spaces.
    events        TEXT   NOT NULL,
    created_at_ms BIGINT NOT NULL,
    -- Since when nothing could be delivered.
    failing_since_ms BIGINT,
    disabled      BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX webhooks_by_channel ON webhooks (channel_id, created_at_ms);

CREATE TABLE deliveries (
    id            TEXT   NOT NULL PRIMARY KEY,
    webhook_id    TEXT   NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    event         TEXT   NOT NULL,
    body          TEXT   NOT NULL,
    created_at_ms BIGINT NOT NULL,
    attempts      BIGINT NOT NULL DEFAULT 0,
    -- NULL when nothing is left to do.
    next_at_ms    BIGINT,
    delivered     BIGINT NOT NULL DEFAULT 0,
    status        BIGINT,
    answer        TEXT   NOT NULL DEFAULT '',
    took_ms       BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX deliveries_by_webhook ON deliveries (webhook_id, created_at_ms);
CREATE INDEX deliveries_by_time ON deliveries (next_at_ms);

CREATE TABLE reports (
    id            TEXT   NOT NULL PRIMARY KEY,
    channel_id    TEXT   NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    reporter_id   TEXT   NOT NULL,
    reason        TEXT   NOT NULL,
    text          TEXT   NOT NULL,
    state         TEXT   NOT NULL CHECK (state IN ('open', 'acted', 'dismissed')),
    note          TEXT   NOT NULL DEFAULT '',
    resolved_by   TEXT,
    created_at_ms BIGINT NOT NULL
);
CREATE INDEX reports_by_state ON reports (state, created_at_ms);
CREATE INDEX reports_by_channel ON reports (channel_id);
CREATE INDEX reports_by_reporter ON reports (reporter_id, created_at_ms);

-- Names as they were, so that an entry says what it said when it was made; no code of ours updates
-- or deletes here, but for the names of people who deleted their account.
CREATE TABLE audit (
    id          TEXT   NOT NULL PRIMARY KEY,
    at_ms       BIGINT NOT NULL,
    actor_id    TEXT   NOT NULL,
    actor       TEXT   NOT NULL,
    action      TEXT   NOT NULL,
    target_kind TEXT   NOT NULL,
    target_id   TEXT   NOT NULL,
    target      TEXT   NOT NULL,
    reason      TEXT   NOT NULL,
    request_id  TEXT   NOT NULL
);
CREATE INDEX audit_by_actor ON audit (actor, id);
CREATE INDEX audit_by_target ON audit (target, id);
CREATE INDEX audit_by_action ON audit (action, id);

CREATE TABLE announcements (
    id            TEXT   NOT NULL PRIMARY KEY,
    text          TEXT   NOT NULL,
    urgent        BIGINT NOT NULL,
    created_by    TEXT   NOT NULL,
    created_at_ms BIGINT NOT NULL,
    until_ms      BIGINT
);

-- What the admin has set (`settings`, JSON) and what the server made for itself (keys).
CREATE TABLE instance (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);
