//! From a URL to an open, migrated database, or to one line that says what to mend.

use crate::health;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions, install_default_drivers};
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{AnyConnection, AnyPool, Connection, Executor, SqlSafeStr};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;
use tokio::sync::watch;
use url::Url;

/// What each step does, and its text. sqlx's macro would read the folder, and for that build every
/// database driver a second time, for the compiler.
const MIGRATIONS: [(&str, &str); 8] = [
    ("walking skeleton", include_str!("../../migrations/0001_walking_skeleton.sql")),
    ("channel settings", include_str!("../../migrations/0002_channel_settings.sql")),
    ("people", include_str!("../../migrations/0003_people.sql")),
    ("chat", include_str!("../../migrations/0004_chat.sql")),
    ("reliability", include_str!("../../migrations/0005_reliability.sql")),
    ("compositor", include_str!("../../migrations/0006_compositor.sql")),
    ("leases", include_str!("../../migrations/0007_leases.sql")),
    ("recording", include_str!("../../migrations/0008_recording.sql")),
];

fn migrator() -> Migrator {
    let step = |(version, (what, sql)): (i64, (&'static str, &'static str))| {
        Migration::new(version, what.into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    Migrator::with_migrations((1..).zip(MIGRATIONS).map(step).collect())
}

/// A request that gets no connection in this time fails: better an error than a pile of waiters.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// SQLite has one writer at a time, so more connections would only queue inside it.
const SQLITE_CONNECTIONS: u32 = 4;
const POSTGRES_CONNECTIONS: u32 = 16;

/// Readers do not block the writer; a commit survives a crash of the process, and the newest ones
/// may be lost with the machine's power; a writer waits for another one.
const SQLITE_PRAGMAS: &str = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; \
    PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON";

enum Database {
    Sqlite(PathBuf),
    Postgres(Url),
}

impl Database {
    fn parse(url: &str) -> Result<Self, String> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return match path {
                "" => Err("the database URL `sqlite:` names no file: write sqlite:PATH".into()),
                ":memory:" => Err("a database in memory is not supported: write sqlite:PATH".into()),
                path => Ok(Self::Sqlite(path.into())),
            };
        }
        match Url::parse(url) {
            Ok(url) if matches!(url.scheme(), "postgres" | "postgresql") => Ok(Self::Postgres(url)),
            // What was given may have a password in it, so it is not repeated.
            _ => Err("the database URL is not understood: write sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE"
                .into()),
        }
    }

    fn options(&self) -> Result<AnyConnectOptions, String> {
        let url = match self {
            Self::Sqlite(path) => {
                let url = std::path::absolute(path).ok().and_then(|path| Url::from_file_path(path).ok());
                let Some(url) = url else { return Err(format!("{self}: not a path to a file")) };
                format!("sqlite://{}?mode=rwc", url.path())
            }
            Self::Postgres(url) => url.to_string(),
        };
        AnyConnectOptions::from_str(&url).map_err(|e| format!("{self}: {e}"))
    }

    fn pool_options(&self) -> AnyPoolOptions {
        let options = AnyPoolOptions::new().acquire_timeout(ACQUIRE_TIMEOUT);
        match self {
            Self::Sqlite(_) => options.max_connections(SQLITE_CONNECTIONS).after_connect(|connection, _| {
                Box::pin(async move { connection.execute(SQLITE_PRAGMAS).await.map(|_| ()) })
            }),
            Self::Postgres(_) => options.max_connections(POSTGRES_CONNECTIONS),
        }
    }

    /// What to do about `error`, which happened while opening.
    fn mend(&self, error: &sqlx::Error) -> &'static str {
        match (self, error) {
            (Self::Sqlite(_), _) => {
                "check that the file is a database and may be written, or choose another with --database-url"
            }
            (Self::Postgres(_), sqlx::Error::Database(_)) => "check user, password and database in --database-url",
            (Self::Postgres(_), _) => "check that the server runs there, or change --database-url",
        }
    }
}

/// The database's name for people: never the password.
impl std::fmt::Display for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "SQLite database {}", path.display()),
            Self::Postgres(url) => {
                let host = url.host_str().unwrap_or("localhost");
                write!(f, "Postgres at {host}:{}{}", url.port().unwrap_or(5432), url.path())
            }
        }
    }
}

/// The pool, and whether its database answers.
pub async fn open(url: &str) -> Result<(AnyPool, watch::Receiver<bool>), String> {
    install_default_drivers();
    let database = Database::parse(url)?;
    if let Database::Sqlite(path) = &database {
        check_folder(path).map_err(|e| format!("{database}: {e}"))?;
    }
    let options = database.options()?;
    // One connection by hand: the pool tries again and again, and in the end only says that it
    // waited too long.
    let failed = |e: sqlx::Error| format!("{database}: {}; {}", one_line(&e), database.mend(&e));
    let mut connection = tokio::time::timeout(CONNECT_TIMEOUT, AnyConnection::connect_with(&options))
        .await
        .unwrap_or(Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())))
        .map_err(failed)?;
    if let Database::Sqlite(_) = database {
        connection.execute(SQLITE_PRAGMAS).await.map_err(failed)?;
    }
    migrator().run(&mut connection).await.map_err(|e| match e {
        MigrateError::VersionMissing(_) | MigrateError::VersionTooNew(..) => {
            format!("{database}: it was made by a newer Rivulet; run that one, or restore a backup")
        }
        MigrateError::VersionMismatch(n) => {
            format!("{database}: migration {n} is not the one it was made with; run an official build")
        }
        e => format!("{database}: the tables cannot be brought up to date: {}", one_line(&e)),
    })?;
    connection.close().await.map_err(failed)?;
    let up = match database {
        Database::Sqlite(_) => health::always(),
        Database::Postgres(_) => health::watch(options.clone()),
    };
    Ok((database.pool_options().connect_lazy_with(options), up))
}

/// SQLite itself only says "unable to open database file".
fn check_folder(file: &Path) -> Result<(), String> {
    let folder = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if !folder.exists() {
        return Err(format!("the folder {} does not exist; create it, or change --data", folder.display()));
    }
    if !folder.is_dir() {
        return Err(format!("{} is not a folder; remove it, or change --data", folder.display()));
    }
    // WAL needs files beside the database, so the folder itself has to be writable.
    let probe = folder.join(format!(".rivulet-probe-{}", std::process::id()));
    let written = std::fs::write(&probe, []).and_then(|()| std::fs::remove_file(&probe));
    written.map_err(|e| {
        format!("the folder {} cannot be written: {e}; make it writable, or change --data", folder.display())
    })
}

fn one_line(error: &dyn std::fmt::Display) -> String {
    error.to_string().lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_file_is_a_step() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations");
        let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        let mut files: Vec<_> = files.filter(|path| path.extension().is_some_and(|ending| ending == "sql")).collect();
        files.sort();
        let steps = MIGRATIONS.iter().zip(1..).map(|((what, sql), version)| {
            let name = format!("{version:04}_{}.sql", what.replace(' ', "_"));
            (name, (*sql).to_owned())
        });
        let files = files.iter().map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(path).unwrap())
        });
        assert_eq!(steps.collect::<Vec<_>>(), files.collect::<Vec<_>>());
    }
}
