-- Chat. Bodies in JSON are those of `protocol/src/chat` and `protocol/src/rest/chat.rs`. Who did something
-- (`by_id`, `deleted_by`, `answered_by`) is a user's id, or empty for the server.

-- `#rrggbb` in which others see the name.
ALTER TABLE users ADD COLUMN color TEXT NOT NULL DEFAULT '';
-- Rises when sessions or tokens end: tickets for the chat that were signed before are void.
ALTER TABLE users ADD COLUMN login_revision BIGINT NOT NULL DEFAULT 0;

-- One row for each channel whose chat was ever touched.
CREATE TABLE chat_rooms (
    channel_id     TEXT   NOT NULL PRIMARY KEY REFERENCES channels (id) ON DELETE CASCADE,
    -- Of the newest row in chat_actions.
    revision       BIGINT NOT NULL DEFAULT 0,
    settings       TEXT   NOT NULL DEFAULT '{}',
    -- What holds while shield mode is on; empty where nobody has chosen anything.
    shield         TEXT   NOT NULL DEFAULT '',
    shielded       BIGINT NOT NULL DEFAULT 0,
    -- A message, or empty.
    pinned         TEXT   NOT NULL DEFAULT '',
    -- The one process that puts the room's messages in order, for as long as the lease goes, and how
    -- often that has changed.
    owner          TEXT   NOT NULL DEFAULT '',
    epoch          BIGINT NOT NULL DEFAULT 0,
    lease_until_ms BIGINT NOT NULL DEFAULT 0,
    -- Whether the owner has written down everything before it left.
    clean          BIGINT NOT NULL DEFAULT 1
);

CREATE TABLE chat_messages (
    id            TEXT   NOT NULL PRIMARY KEY,
    channel_id    TEXT   NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    broadcast_id  TEXT,
    user_id       TEXT   NOT NULL,
    -- Whom it quotes, if it answers somebody.
    reply_user_id TEXT,
    at_ms         BIGINT NOT NULL,
    body          TEXT   NOT NULL,
    deleted_at_ms BIGINT,
    deleted_by    TEXT   NOT NULL DEFAULT ''
);
CREATE INDEX chat_messages_by_channel ON chat_messages (channel_id, id);
CREATE INDEX chat_messages_by_user ON chat_messages (channel_id, user_id, id);
CREATE INDEX chat_messages_of_user ON chat_messages (user_id, id);
CREATE INDEX chat_messages_quoting ON chat_messages (reply_user_id);
CREATE INDEX chat_messages_by_broadcast ON chat_messages (broadcast_id, id);

-- What was done to a room: it reads the rows that it has not seen, in order.
CREATE TABLE chat_actions (
    channel_id TEXT   NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    revision   BIGINT NOT NULL,
    at_ms      BIGINT NOT NULL,
    -- `ChatAction::by` as JSON, and whom it is about.
    actor      TEXT   NOT NULL,
    actor_id   TEXT   NOT NULL,
    user_id    TEXT   NOT NULL,
    act        TEXT   NOT NULL,
    body       TEXT   NOT NULL,
    PRIMARY KEY (channel_id, revision)
);
CREATE INDEX chat_actions_by_user ON chat_actions (user_id, channel_id, revision);
CREATE INDEX chat_actions_by_actor ON chat_actions (actor_id);

CREATE TABLE chat_bans (
    channel_id    TEXT   NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    user_id       TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- NULL is for good.
    until_ms      BIGINT,
    reason        TEXT   NOT NULL,
    by_id         TEXT   NOT NULL,
    created_at_ms BIGINT NOT NULL,
    -- The channel whose ban it repeats.
    shared_from   TEXT   NOT NULL DEFAULT '',
    PRIMARY KEY (channel_id, user_id)
);
CREATE INDEX chat_bans_by_time ON chat_bans (channel_id, created_at_ms, user_id);
CREATE INDEX chat_bans_by_user ON chat_bans (user_id);

-- Guests of these networks (an IPv4 address, or 64 bits of IPv6) are not let in. Moderators know one by its
-- id and by the user who was last seen there.
CREATE TABLE chat_network_bans (
    channel_id    TEXT   NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    network       TEXT   NOT NULL,
    id            TEXT   NOT NULL UNIQUE,
    user_id       TEXT   NOT NULL,
    by_id         TEXT   NOT NULL,
    created_at_ms BIGINT NOT NULL,
    PRIMARY KEY (channel_id, network)
);

-- Not acknowledged yet.
CREATE TABLE chat_warnings (
    channel_id    TEXT   NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    user_id       TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    reason        TEXT   NOT NULL,
    created_at_ms BIGINT NOT NULL,
    PRIMARY KEY (channel_id, user_id)
);
CREATE INDEX chat_warnings_by_user ON chat_warnings (user_id);

CREATE TABLE chat_terms (
    id            TEXT   NOT NULL PRIMARY KEY,
    channel_id    TEXT   NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    text          TEXT   NOT NULL,
    pattern       BIGINT NOT NULL,
    deed          TEXT   NOT NULL CHECK (deed IN ('block', 'hold', 'replace')),
    by_id         TEXT   NOT NULL,
    created_at_ms BIGINT NOT NULL
);
CREATE INDEX chat_terms_by_channel ON chat_terms (channel_id, id);

CREATE TABLE chat_held (
    id            TEXT   NOT NULL PRIMARY KEY,
    channel_id    TEXT   NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    user_id       TEXT   NOT NULL,
    -- A message.
    body          TEXT   NOT NULL,
    reason        TEXT   NOT NULL,
    state         TEXT   NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'allowed', 'denied')),
    by_id         TEXT   NOT NULL DEFAULT '',
    created_at_ms BIGINT NOT NULL
);
CREATE INDEX chat_held_by_state ON chat_held (channel_id, state, id);
CREATE INDEX chat_held_by_user ON chat_held (user_id);

CREATE TABLE chat_notes (
    id            TEXT   NOT NULL PRIMARY KEY,
    channel_id    TEXT   NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    user_id       TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    text          TEXT   NOT NULL,
    by_id         TEXT   NOT NULL,
    created_at_ms BIGINT NOT NULL
);
CREATE INDEX chat_notes_by_user ON chat_notes (user_id, channel_id, id);

CREATE TABLE chat_unban_requests (
    id            TEXT   NOT NULL PRIMARY KEY,
    channel_id    TEXT   NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    user_id       TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    text          TEXT   NOT NULL,
    state         TEXT   NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'approved', 'denied')),
    answer        TEXT   NOT NULL DEFAULT '',
    answered_by   TEXT   NOT NULL DEFAULT '',
    created_at_ms BIGINT NOT NULL
);
CREATE INDEX chat_unban_requests_by_state ON chat_unban_requests (channel_id, state, id);
CREATE INDEX chat_unban_requests_by_user ON chat_unban_requests (user_id, channel_id, id);

-- An empty channel_id is the instance. The id is that of the picture. Badges have the same pictures.
CREATE TABLE chat_emotes (
    id            TEXT   NOT NULL PRIMARY KEY,
    channel_id    TEXT   NOT NULL,
    code          TEXT   NOT NULL,
    animated      BIGINT NOT NULL,
    -- Of its pictures.
    bytes         BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    UNIQUE (channel_id, code)
);

CREATE TABLE chat_badges (
    id            TEXT   NOT NULL PRIMARY KEY,
    channel_id    TEXT   NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    title         TEXT   NOT NULL,
    picture       TEXT   NOT NULL,
    bytes         BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL
);
CREATE INDEX chat_badges_by_channel ON chat_badges (channel_id, id);

CREATE TABLE chat_badge_holders (
    badge_id TEXT NOT NULL REFERENCES chat_badges (id) ON DELETE CASCADE,
    user_id  TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (badge_id, user_id)
);
CREATE INDEX chat_badge_holders_by_user ON chat_badge_holders (user_id);

CREATE TABLE chat_commands (
    channel_id       TEXT   NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    name             TEXT   NOT NULL,
    reply            TEXT   NOT NULL,
    cooldown_seconds BIGINT NOT NULL,
    moderators_only  BIGINT NOT NULL,
    PRIMARY KEY (channel_id, name)
);

CREATE TABLE polls (
    id            TEXT   NOT NULL PRIMARY KEY,
    channel_id    TEXT   NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    question      TEXT   NOT NULL,
    ends_at_ms    BIGINT NOT NULL,
    ended         BIGINT NOT NULL DEFAULT 0,
    created_at_ms BIGINT NOT NULL
);
CREATE INDEX polls_by_channel ON polls (channel_id, id);
CREATE INDEX polls_by_end ON polls (ended, ends_at_ms);

CREATE TABLE poll_options (
    poll_id TEXT   NOT NULL REFERENCES polls (id) ON DELETE CASCADE,
    number  BIGINT NOT NULL,
    text    TEXT   NOT NULL,
    votes   BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (poll_id, number)
);

CREATE TABLE poll_votes (
    poll_id TEXT   NOT NULL REFERENCES polls (id) ON DELETE CASCADE,
    user_id TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    number  BIGINT NOT NULL,
    PRIMARY KEY (poll_id, user_id)
);
CREATE INDEX poll_votes_by_user ON poll_votes (user_id);

-- On their way: a row goes when the viewers have left, or the raid is called off.
CREATE TABLE raids (
    channel_id   TEXT   NOT NULL PRIMARY KEY REFERENCES channels (id) ON DELETE CASCADE,
    to_id        TEXT   NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    viewers      BIGINT NOT NULL,
    leaves_at_ms BIGINT NOT NULL
);
CREATE INDEX raids_by_time ON raids (leaves_at_ms);

-- Connections of `/eventsub/ws`: they live as long as somebody says so now and then.
CREATE TABLE eventsub_sessions (
    id             TEXT   NOT NULL PRIMARY KEY,
    -- Whose it is: empty until the first subscription.
    user_id        TEXT   NOT NULL DEFAULT '',
    alive_until_ms BIGINT NOT NULL
);
CREATE INDEX eventsub_sessions_by_time ON eventsub_sessions (alive_until_ms);
CREATE INDEX eventsub_sessions_by_user ON eventsub_sessions (user_id);

CREATE TABLE eventsub_subscriptions (
    id            TEXT   NOT NULL PRIMARY KEY,
    session_id    TEXT   NOT NULL REFERENCES eventsub_sessions (id) ON DELETE CASCADE,
    user_id       TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- The access token that it was made with: it ends with it.
    token_id      TEXT   NOT NULL,
    topic         TEXT   NOT NULL,
    channel_id    TEXT   NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    created_at_ms BIGINT NOT NULL,
    UNIQUE (session_id, topic, channel_id)
);
CREATE INDEX eventsub_subscriptions_by_user ON eventsub_subscriptions (user_id, id);
CREATE INDEX eventsub_subscriptions_by_channel ON eventsub_subscriptions (channel_id);
