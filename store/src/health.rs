//! Whether the database answers, found out on a connection of its own: that of a request may be one
//! of those that hang.

use sqlx::any::AnyConnectOptions;
use sqlx::{AnyConnection, Connection};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

const EVERY: Duration = Duration::from_millis(500);
/// What an answer may take. A database that is only busy takes its time for others.
const WITHIN: Duration = Duration::from_millis(1500);

/// A file is always there.
pub fn always() -> watch::Receiver<bool> {
    watch::channel(true).1
}

/// For as long as anybody holds the receiver.
pub fn watch(options: AnyConnectOptions) -> watch::Receiver<bool> {
    let (up, receiver) = watch::channel(true);
    tokio::spawn(async move {
        let mut connection = None;
        while !up.is_closed() {
            let answers = match timeout(WITHIN, ask(&mut connection, &options)).await {
                Ok(answer) => answer.is_ok(),
                Err(_) => false,
            };
            if !answers {
                connection = None;
            }
            if up.send_replace(answers) != answers {
                match answers {
                    true => tracing::info!("the database answers again"),
                    false => tracing::error!("the database does not answer; what needs it is refused until it does"),
                }
            }
            sleep(EVERY).await;
        }
    });
    receiver
}

async fn ask(connection: &mut Option<AnyConnection>, options: &AnyConnectOptions) -> sqlx::Result<()> {
    let connection = match connection {
        Some(connection) => connection,
        None => connection.insert(AnyConnection::connect_with(options).await?),
    };
    connection.ping().await
}
