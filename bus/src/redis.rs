//! The bus through Redis: sharded pub/sub for signals (on a cluster each topic is one node's
//! business), a stream for each log. An entry's id in the stream is its position, so that one which
//! is sent again after an answer was lost is refused by Redis itself.

use crate::local::Topics;
use crate::{BusError, Entry, Health, LOG_ENTRIES, Position, REQUEST_WITHIN};
use redis::aio::MultiplexedConnection;
use redis::streams::StreamRangeReply;
use redis::{AsyncConnectionConfig, Client, IntoConnectionInfo, ProtocolVersion, PushInfo, PushKind, Value};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, broadcast, watch};
use tokio::time::{sleep, timeout};

/// A log that nothing was added to for so long is gone.
const LOG_SECONDS: u64 = 3600;
const RECONNECT_MIN: Duration = Duration::from_millis(50);
const RECONNECT_MAX: Duration = Duration::from_secs(1);
/// A connection that breaks without a word is noticed within twice this time.
const PING_EVERY: Duration = Duration::from_secs(1);

pub struct Redis {
    client: Client,
    topics: Arc<Topics>,
    /// `None` while there is none.
    connection: Mutex<Option<MultiplexedConnection>>,
    /// Said by whoever found the connection broken.
    broken: Arc<Notify>,
    pub health: watch::Sender<Health>,
}

impl Redis {
    pub async fn open(url: &str) -> Result<Arc<Self>, BusError> {
        let info = url.into_connection_info().map_err(|_| BusError::Address)?;
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let client = Client::open(info.set_redis_settings(settings)).map_err(|_| BusError::Address)?;
        let redis = Arc::new(Self {
            client,
            topics: Arc::default(),
            connection: Mutex::new(None),
            broken: Arc::default(),
            health: watch::Sender::new(Health::Down { since: Instant::now() }),
        });
        redis.connect().await.map_err(|error| BusError::Open(error.to_string()))?;
        tokio::spawn(Self::keep(Arc::downgrade(&redis)));
        Ok(redis)
    }

    /// A connection, with everything subscribed that somebody listens to.
    async fn connect(&self) -> redis::RedisResult<()> {
        let (topics, broken) = (self.topics.clone(), self.broken.clone());
        let pushed = move |push: PushInfo| {
            match (push.kind, push.data.as_slice()) {
                (PushKind::SMessage, [Value::BulkString(topic), Value::BulkString(body)]) => {
                    topics.deliver(&String::from_utf8_lossy(topic), body.as_slice().into());
                }
                (PushKind::Disconnection, _) => broken.notify_one(),
                _ => {}
            }
            Ok::<_, std::convert::Infallible>(())
        };
        let config = AsyncConnectionConfig::new()
            .set_push_sender(pushed)
            .set_connection_timeout(Some(REQUEST_WITHIN))
            .set_response_timeout(Some(REQUEST_WITHIN));
        let mut connection = self.client.get_multiplexed_async_connection_with_config(&config).await?;
        for topic in self.topics.names() {
            redis::cmd("SSUBSCRIBE").arg(topic).exec_async(&mut connection).await?;
        }
        *crate::local::lock(&self.connection) = Some(connection);
        self.health.send_replace(Health::Up);
        Ok(())
    }

    /// Sees to it that there is a connection, for as long as somebody has the bus.
    async fn keep(redis: Weak<Self>) {
        let Some(broken) = redis.upgrade().map(|redis| redis.broken.clone()) else { return };
        loop {
            // Whether it was told or not: a ping says how it is.
            let _ = timeout(PING_EVERY, broken.notified()).await;
            let Some(redis) = redis.upgrade() else { return };
            let answers = match redis.connection() {
                Ok(mut connection) => redis::cmd("PING").exec_async(&mut connection).await.is_ok(),
                Err(_) => false,
            };
            if answers {
                continue;
            }
            *crate::local::lock(&redis.connection) = None;
            redis.health.send_if_modified(|health| {
                let was_up = *health == Health::Up;
                if was_up {
                    *health = Health::Down { since: Instant::now() };
                    tracing::warn!("the connection to Redis is lost");
                }
                was_up
            });
            let mut pause = RECONNECT_MIN;
            while let Err(error) = redis.connect().await {
                tracing::debug!(%error, "no connection to Redis");
                sleep(pause).await;
                pause = (pause * 2).min(RECONNECT_MAX);
            }
            tracing::info!("connected to Redis again");
        }
    }

    fn connection(&self) -> Result<MultiplexedConnection, BusError> {
        crate::local::lock(&self.connection).clone().ok_or(BusError::Down)
    }

    fn failed(&self, error: redis::RedisError) -> BusError {
        tracing::debug!(%error, "a request to Redis failed");
        self.broken.notify_one();
        BusError::Down
    }

    pub async fn subscribe(&self, topic: &str) -> broadcast::Receiver<Arc<[u8]>> {
        let (receiver, first) = self.topics.join(topic);
        if first && let Ok(mut connection) = self.connection() {
            // Otherwise it is subscribed with the next connection.
            if let Err(error) = redis::cmd("SSUBSCRIBE").arg(topic).exec_async(&mut connection).await {
                self.failed(error);
            }
        }
        receiver
    }

    pub async fn publish(&self, topic: &str, body: &[u8]) -> Result<(), BusError> {
        let mut connection = self.connection()?;
        let published = redis::cmd("SPUBLISH").arg(topic).arg(body).exec_async(&mut connection).await;
        published.map_err(|error| self.failed(error))?;
        self.leave_if_silent(topic).await;
        Ok(())
    }

    /// What was published to a topic of ours that nobody listens to any more comes here for nothing.
    async fn leave_if_silent(&self, topic: &str) {
        if self.topics.is_silent(topic)
            && let Ok(mut connection) = self.connection()
        {
            let _ = redis::cmd("SUNSUBSCRIBE").arg(topic).exec_async(&mut connection).await;
        }
    }

    pub async fn record(&self, topic: &str, entries: &[Entry], body: &[u8]) -> Result<(), BusError> {
        let mut connection = self.connection()?;
        let key = log_key(topic);
        let mut pipe = redis::pipe();
        for Entry { at: (epoch, number), body } in entries {
            let id = format!("{epoch}-{number}");
            pipe.cmd("XADD").arg(&key).arg("MAXLEN").arg("~").arg(LOG_ENTRIES).arg(id).arg("e").arg(&body[..]);
        }
        pipe.cmd("EXPIRE").arg(&key).arg(LOG_SECONDS);
        pipe.cmd("SPUBLISH").arg(topic).arg(body);
        let pipe = pipe.ignore_errors();
        let answers: Vec<redis::RedisResult<Value>> =
            pipe.query_async(&mut connection).await.map_err(|error| self.failed(error))?;
        // An id that is not the newest is an entry that is there already.
        let refused = answers.into_iter().filter_map(Result::err);
        match refused.into_iter().find(|error| !error.to_string().contains("equal or smaller")) {
            Some(error) => Err(self.failed(error)),
            None => Ok(()),
        }
    }

    pub async fn log(&self, topic: &str) -> Result<Vec<Entry>, BusError> {
        let mut connection = self.connection()?;
        let mut command = redis::cmd("XREVRANGE");
        command.arg(log_key(topic)).arg("+").arg("-").arg("COUNT").arg(LOG_ENTRIES);
        let reply: StreamRangeReply = command.query_async(&mut connection).await.map_err(|error| self.failed(error))?;
        let entries = reply.ids.into_iter().rev().filter_map(|entry| {
            let at = position(&entry.id)?;
            let body: Vec<u8> = entry.get("e")?;
            Some(Entry { at, body: body.into() })
        });
        Ok(entries.collect())
    }
}

/// On a cluster, log and topic have to be on one node: what is in braces decides.
fn log_key(topic: &str) -> String {
    format!("{{{topic}}}.log")
}

fn position(id: &str) -> Option<Position> {
    let (epoch, number) = id.split_once('-')?;
    Some((epoch.parse().ok()?, number.parse().ok()?))
}
