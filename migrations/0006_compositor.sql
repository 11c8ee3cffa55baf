-- What the compositor goes on with after a restart: scenes, targets, sound. One JSON document each.
CREATE TABLE compositor_documents (
    name TEXT PRIMARY KEY,
    body TEXT NOT NULL,
    changed_at BIGINT NOT NULL
);
