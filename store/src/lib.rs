//! Facts (SQLite or Postgres) and blobs (local disk or S3).
