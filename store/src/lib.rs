//! What outlives the process. Facts are rows in SQLite or Postgres ([`Store`]), blobs are objects
//! on a disk or in S3 ([`Blobs`]); each back end is chosen by a URL and is the same to a caller.
//! Ingest asks whose a stream key is, the origin writes segments and their index, the API reads
//! and writes the rest. This crate reads no clock: `now` is an argument.

pub mod blobs;
mod broadcasts;
mod categories;
mod channels;
mod chat;
mod compositor;
mod connect;
mod deliveries;
mod export;
mod factors;
mod follows;
mod health;
mod id;
mod instance;
mod keys;
mod moderation;
pub mod names;
mod notifications;
pub mod password;
mod pictures;
pub mod playback;
mod reports;
mod schedule;
pub mod search;
mod secret;
mod sessions;
mod staff;
#[doc(hidden)]
pub mod testing;
mod tokens;
mod users;
mod webhooks;

pub use blobs::{BlobError, Blobs};
pub use broadcasts::{Broadcast, BroadcastLease, Recorded, Renewal, Segment};
pub use categories::Category;
pub use channels::{Channel, Listing, Profile};
pub use chat::{
    CHAT_TICKET_MS, ChatFacts, ChatPass, ChatWrite, Deed, DeedError, Doer, Done, EVENTSUB_ALIVE_MS, Lease, Leaving,
    Rule, SubscribeError, TakenBack,
};
pub use deliveries::{Attempt, Due};
pub use factors::Passkey;
pub use id::{base32, new as new_id, random, random_name};
pub use instance::{Act, AuditFilter, Kept, Usage};
pub use keys::KeyHolder;
pub use notifications::PushTarget;
pub use pictures::Picture;
pub use secret::{AccessToken, InviteCode, Secret, SecretHash, SessionToken, SetupToken, StreamKey, TicketToken};
pub use sessions::{Place, Session};
pub use tokens::{Bearer, Ticket};
pub use users::{Glance, NewUser, State as UserState, Totp, User, UserFilter};

use sqlx::AnyPool;
use tokio::sync::watch;

/// The facts. Cloning shares the pool of connections.
#[derive(Clone)]
pub struct Store {
    pool: AnyPool,
    up: watch::Receiver<bool>,
}

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The name is in use.
    #[error("this name is taken")]
    Taken,
    /// The address is somebody else's.
    #[error("this e-mail address is taken")]
    EmailTaken,
    /// The database cannot be opened; the text names it and the mend.
    #[error("{0}")]
    Open(String),
    /// A row that no version of ours has written.
    #[error("{0} in the database is damaged")]
    Damaged(&'static str),
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
}

impl StoreError {
    /// The database did not answer: the same again may succeed.
    pub fn is_away(&self) -> bool {
        use sqlx::Error::*;
        matches!(self, Self::Database(Io(_) | Tls(_) | Protocol(_) | PoolTimedOut | PoolClosed | WorkerCrashed))
    }

    /// For an insert whose only unique column is a name.
    fn taken(error: sqlx::Error) -> Self {
        match error.as_database_error() {
            Some(e) if e.is_unique_violation() => Self::Taken,
            _ => Self::Database(error),
        }
    }

    /// For a change whose only unique column is an address.
    fn email_taken(error: sqlx::Error) -> Self {
        match Self::taken(error) {
            Self::Taken => Self::EmailTaken,
            other => other,
        }
    }
}

impl Store {
    /// Opens the database (`sqlite:PATH` or `postgres://…`) and brings its tables up to date.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let store = connect::open(url).await.map(|(pool, up)| Self { pool, up }).map_err(StoreError::Open)?;
        store.index_the_rest().await?;
        store.fold_old_names().await?;
        Ok(store)
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1").execute(&self.pool).await?;
        Ok(())
    }

    /// Returns once the database is known not to answer. What waits for it had better not.
    pub async fn away(&self) {
        if self.up.clone().wait_for(|up| !up).await.is_err() {
            std::future::pending().await
        }
    }

    /// Ends all connections after what they are doing; for a clean end of the process.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The pool's own text has the URL, and that may have a password.
        f.write_str("Store")
    }
}

/// After every id and name of ours, in the order of any collation.
const LAST: &str = "zzzzzzzzzzzzzzzzzzzzzzzzzzz";

/// `$first, $first+1, …`, `count` of them: for lists, which the two databases pass differently.
fn placeholders(first: usize, count: usize) -> String {
    let list: Vec<String> = (first..first + count).map(|n| format!("${n}")).collect();
    list.join(",")
}
