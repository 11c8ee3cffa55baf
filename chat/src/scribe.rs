//! Writes down what is said, for all rooms of this process: several times a second, in one
//! transaction. While the database is away it keeps what it has; a crash loses what came since the
//! last time.

use crate::clock;
use rivulet_store::{ChatWrite, Store};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;

const EVERY: Duration = Duration::from_millis(100);
/// In one transaction.
const BATCH: usize = 1000;
/// That wait for the database. More is lost.
const WAITING: usize = 100_000;
const RETRY_MAX: Duration = Duration::from_secs(5);

pub enum Line {
    Write(Box<ChatWrite>),
    /// Everything before it is written once this is answered.
    Flush(oneshot::Sender<()>),
}

#[derive(Clone)]
pub struct Scribe(mpsc::Sender<Line>);

impl Scribe {
    pub fn start(store: Store, shutdown: CancellationToken) -> Self {
        let (lines, inbox) = mpsc::channel(WAITING);
        tokio::spawn(run(store, inbox, shutdown));
        Self(lines)
    }

    pub fn write(&self, row: ChatWrite) {
        if self.0.try_send(Line::Write(Box::new(row))).is_err() {
            tracing::error!("too much waits for the database: a chat message will be missing in the history");
        }
    }

    /// Until everything so far is written.
    pub async fn flush(&self) {
        let (done, written) = oneshot::channel();
        if self.0.send(Line::Flush(done)).await.is_ok() {
            let _ = written.await;
        }
    }
}

async fn run(store: Store, mut inbox: mpsc::Receiver<Line>, shutdown: CancellationToken) {
    let mut rows = Vec::new();
    let mut flushes: Vec<oneshot::Sender<()>> = Vec::new();
    while let Some(first) = inbox.recv().await {
        let deadline = Instant::now() + EVERY;
        let mut next = Some(first);
        // Gathers for a moment, or until somebody waits for it.
        while let Some(line) = next {
            match line {
                Line::Write(row) => rows.push(*row),
                Line::Flush(done) => flushes.push(done),
            }
            if rows.len() >= BATCH || !flushes.is_empty() {
                break;
            }
            next = timeout_at(deadline, inbox.recv()).await.ok().flatten();
        }
        let mut pause = EVERY;
        while !rows.is_empty()
            && let Err(error) = store.write_chat(&rows, clock::now_ms()).await
        {
            tracing::warn!(%error, rows = rows.len(), "chat cannot be written down; trying again");
            if shutdown.is_cancelled() {
                break;
            }
            sleep(pause).await;
            pause = (pause * 2).min(RETRY_MAX);
        }
        rows.clear();
        for done in flushes.drain(..) {
            let _ = done.send(());
        }
    }
}
