//! What moderators do to a room, whichever way they say it: by REST, by Helix, by IRC or by a command
//! in the chat. Each deed is one transaction: what it changes, the act that the room reads, and the
//! entry in the audit log. Who may act on whom is decided here.

use super::room::{Taken, parsed, settings, take_back};
use super::{append, json};
use crate::instance::log_act;
use crate::{Act as Entry, Channel, Store, StoreError, User, id};
use rivulet_protocol::chat::{Act, Author, ChatAction, Message, Person};
use rivulet_protocol::policy::{self, Action, Actor, Answer, may_act_on};
use rivulet_protocol::rest::{ChannelRole, ChatSettings, Role};
use sqlx::{Any, AnyConnection, Transaction};
use std::time::Duration;

/// A message is written down a moment after it was said: one that is not there yet is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(50);
const LOOKS: u32 = 30;
/// How far back [`Deed::Clear`] goes: what anybody can still have on their screen.
pub(super) const CLEARED_MS: i64 = 24 * 3600 * 1000;

/// Who does it, as far as that was checked: that they are themselves, are not suspended, and that the
/// token they may have come with is for moderating.
#[derive(Debug, Clone, Default)]
pub struct Doer {
    pub person: Person,
    pub role: Role,
    pub in_channel: Option<ChannelRole>,
    /// For the audit log.
    pub request_id: String,
}

impl Doer {
    /// What happens without anybody's doing.
    pub fn server() -> Self {
        Self { role: Role::Admin, ..Self::default() }
    }

    pub fn may(&self, action: Action) -> bool {
        let actor = Actor { role: self.role, suspended: false, scopes: None, in_channel: self.in_channel };
        policy::may(Some(actor), action) == Answer::Yes
    }
}

#[derive(Debug, Clone)]
pub enum Deed<'a> {
    /// A timeout of some seconds, or a ban for good.
    Ban {
        user: &'a User,
        seconds: Option<u32>,
        reason: &'a str,
    },
    Unban {
        user: &'a User,
    },
    Purge {
        user: &'a User,
    },
    Delete {
        message_id: &'a str,
    },
    Clear,
    Warn {
        user: &'a User,
        reason: &'a str,
    },
    /// The channel's own, all of them.
    Settings(&'a ChatSettings),
    Shield {
        on: bool,
        settings: Option<&'a ChatSettings>,
    },
    Announce {
        text: &'a str,
        color: &'a str,
        author: Author,
    },
    Pin {
        message_id: &'a str,
    },
    Unpin,
    HoldResolved {
        id: &'a str,
        allow: bool,
    },
    /// Guests from where a user was last seen.
    ShutOut {
        user: &'a User,
    },
    /// The id of a network.
    LetIn {
        network: &'a str,
    },
}

#[derive(Debug, thiserror::Error)]
pub enum DeedError {
    #[error("you may not do this to them")]
    Forbidden,
    #[error("there is no such message, or it was taken back")]
    NoSuchMessage,
    #[error("there is nothing of that kind")]
    NoSuch,
    #[error("they are not banned")]
    NotBanned,
    /// A timeout for somebody who is banned for good.
    #[error("they are banned for good; a timeout would let them in again")]
    Banned,
    #[error("one is under way already")]
    Busy,
    #[error("there are {0} of them, and that is the most there can be")]
    TooMany(i64),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for DeedError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// What was done.
#[derive(Debug, Clone)]
pub struct Done {
    /// In the channel itself.
    pub action: ChatAction,
    /// Ids of all channels whose rooms have something to read, that one first.
    pub channels: Vec<String>,
}

/// The row of a room, which is locked until the transaction ends.
pub(super) struct RoomRow {
    pub own: ChatSettings,
    pub shield: ChatSettings,
    pub shielded: bool,
    pub pinned: Option<Message>,
}

impl RoomRow {
    /// What holds.
    fn settings(&self) -> ChatSettings {
        if self.shielded { self.own.shielded_by(&self.shield) } else { self.own.clone() }
    }
}

/// The first statement of a transaction: it writes, so that two of them wait for one another and
/// neither has to begin anew.
pub(super) async fn lock(db: &mut AnyConnection, channel_id: &str) -> Result<RoomRow, StoreError> {
    let sql = "INSERT INTO chat_rooms (channel_id) VALUES ($1) \
               ON CONFLICT (channel_id) DO UPDATE SET channel_id = excluded.channel_id \
               RETURNING settings, shield, shielded, pinned";
    let (own, shield, on, pinned): (String, String, i64, String) =
        sqlx::query_as(sql).bind(channel_id).fetch_one(db).await?;
    let (own, shield) = settings(&own, &shield);
    Ok(RoomRow { own, shield, shielded: on != 0, pinned: parsed(&pinned) })
}

/// Puts an act into the room's log and into that of the instance.
pub(super) async fn log(
    db: &mut AnyConnection,
    channel: &Channel,
    by: &Doer,
    act: Act,
    reason: &str,
    now_ms: i64,
) -> Result<ChatAction, StoreError> {
    let about = act.user().filter(|user| !user.id.is_empty());
    entry(db, channel, by, &format!("chat.{}", act.name()), about, reason, now_ms).await?;
    append(db, &channel.id, &by.person, act, now_ms).await
}

/// Into that of the instance alone.
pub(super) async fn entry(
    db: &mut AnyConnection,
    channel: &Channel,
    by: &Doer,
    action: &str,
    about: Option<&Person>,
    reason: &str,
    now_ms: i64,
) -> Result<(), StoreError> {
    let (in_channel, what) = (format!("in {}", channel.name), format!("in {}: {reason}", channel.name));
    let (target_kind, target_id, target, reason) = match about {
        Some(user) if reason.is_empty() => ("user", &user.id, &user.login, in_channel.as_str()),
        Some(user) => ("user", &user.id, &user.login, what.as_str()),
        None => ("channel", &channel.id, &channel.name, reason),
    };
    let request_id = &by.request_id;
    let entry = Entry { action, target_kind, target_id, target, reason, request_id };
    log_act(db, (&by.person.id, &by.person.login), &entry, now_ms).await
}

impl Store {
    pub async fn moderate(&self, channel: &Channel, by: &Doer, deed: Deed<'_>, now_ms: i64) -> Result<Done, DeedError> {
        if !by.may(Action::ModerateChat) {
            return Err(DeedError::Forbidden);
        }
        match deed {
            Deed::Ban { user, seconds, reason } => self.ban(channel, by, user, seconds, reason, now_ms).await,
            Deed::Unban { user } => self.unban(channel, by, user, now_ms).await,
            Deed::Purge { user } => {
                self.check_target(channel, by, user).await?;
                let mut work = Work::begin(self, channel, by, now_ms).await?;
                work.take_back(Taken::Of(&user.id), |message| message.author.id == user.id).await?;
                work.end(Act::Purge { user: user.into() }, "").await
            }
            Deed::Delete { message_id } => self.delete_message(channel, by, message_id, now_ms).await,
            Deed::Clear => {
                let mut work = Work::begin(self, channel, by, now_ms).await?;
                let since = id::earliest(now_ms.saturating_sub(CLEARED_MS));
                work.take_back(Taken::Since(&since), |_| true).await?;
                work.end(Act::Clear, "").await
            }
            Deed::Warn { user, reason } => {
                self.check_target(channel, by, user).await?;
                let mut work = Work::begin(self, channel, by, now_ms).await?;
                let sql = "INSERT INTO chat_warnings (channel_id, user_id, reason, created_at_ms) \
                           VALUES ($1, $2, $3, $4) ON CONFLICT (channel_id, user_id) \
                           DO UPDATE SET reason = excluded.reason, created_at_ms = excluded.created_at_ms";
                let query = sqlx::query(sql).bind(&channel.id).bind(&user.id).bind(reason).bind(now_ms);
                query.execute(&mut *work.tx).await?;
                work.end(Act::Warn { user: user.into(), reason: reason.into() }, reason).await
            }
            Deed::Settings(own) => {
                let mut work = Work::begin(self, channel, by, now_ms).await?;
                let sql = "UPDATE chat_rooms SET settings = $2 WHERE channel_id = $1";
                sqlx::query(sql).bind(&channel.id).bind(json(own)?).execute(&mut *work.tx).await?;
                work.room.own = own.clone();
                let settings = work.room.settings();
                work.end(Act::Settings { settings }, "").await
            }
            Deed::Shield { on, settings } => {
                let mut work = Work::begin(self, channel, by, now_ms).await?;
                work.room.shield = settings.cloned().unwrap_or(work.room.shield);
                work.room.shielded = on;
                let sql = "UPDATE chat_rooms SET shield = $2, shielded = $3 WHERE channel_id = $1";
                let query = sqlx::query(sql).bind(&channel.id).bind(json(&work.room.shield)?).bind(i64::from(on));
                query.execute(&mut *work.tx).await?;
                let settings = work.room.settings();
                work.end(Act::Shield { on, settings }, "").await
            }
            Deed::Announce { text, color, author } => {
                let message = Message {
                    id: id::new(now_ms),
                    at_ms: now_ms,
                    author,
                    text: text.into(),
                    emotes: Vec::new(),
                    reply_to: None,
                    action: false,
                    announcement: Some(color.into()),
                    first: false,
                    deleted: false,
                };
                let work = Work::begin(self, channel, by, now_ms).await?;
                work.end(Act::Announce { message }, "").await
            }
            Deed::Pin { message_id } => {
                let message = self.message_once_written(channel, message_id).await?;
                let mut work = Work::begin(self, channel, by, now_ms).await?;
                work.pin(Some(&message)).await?;
                work.end(Act::Pin { message }, "").await
            }
            Deed::Unpin => {
                let mut work = Work::begin(self, channel, by, now_ms).await?;
                if work.room.pinned.is_none() {
                    return Err(DeedError::NoSuch);
                }
                work.pin(None).await?;
                work.end(Act::Unpin, "").await
            }
            Deed::HoldResolved { id, allow } => {
                let mut work = Work::begin(self, channel, by, now_ms).await?;
                let sql = "UPDATE chat_held SET state = $3, by_id = $4 \
                           WHERE channel_id = $1 AND id = $2 AND state = 'open'";
                let state = if allow { "allowed" } else { "denied" };
                let query = sqlx::query(sql).bind(&channel.id).bind(id).bind(state).bind(&by.person.id);
                if query.execute(&mut *work.tx).await?.rows_affected() == 0 {
                    return Err(DeedError::NoSuch);
                }
                work.end(Act::HoldResolved { id: id.into(), allowed: allow }, "").await
            }
            Deed::ShutOut { user } => {
                self.check_target(channel, by, user).await?;
                let network = self.last_network(&user.id).await?.ok_or(DeedError::NoSuch)?;
                let mut work = Work::begin(self, channel, by, now_ms).await?;
                let sql = "INSERT INTO chat_network_bans (channel_id, network, id, user_id, by_id, created_at_ms) \
                           VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (channel_id, network) \
                           DO UPDATE SET created_at_ms = excluded.created_at_ms RETURNING id";
                let query = sqlx::query_scalar(sql).bind(&channel.id).bind(network).bind(id::new(now_ms));
                let query = query.bind(&user.id).bind(&by.person.id).bind(now_ms);
                let network: String = query.fetch_one(&mut *work.tx).await?;
                work.end(Act::Network { network, banned: true }, "").await
            }
            Deed::LetIn { network } => {
                let mut work = Work::begin(self, channel, by, now_ms).await?;
                let sql = "DELETE FROM chat_network_bans WHERE channel_id = $1 AND id = $2";
                let query = sqlx::query(sql).bind(&channel.id).bind(network);
                if query.execute(&mut *work.tx).await?.rows_affected() == 0 {
                    return Err(DeedError::NoSuch);
                }
                work.end(Act::Network { network: network.into(), banned: false }, "").await
            }
        }
    }

    /// Nobody acts on themselves, nor on who is above them.
    async fn check_target(&self, channel: &Channel, by: &Doer, user: &User) -> Result<(), DeedError> {
        let target = (user.role, self.role_in(channel, &user.id).await?);
        match user.id != by.person.id && may_act_on((by.role, by.in_channel), target) {
            true => Ok(()),
            false => Err(DeedError::Forbidden),
        }
    }

    async fn ban(
        &self,
        channel: &Channel,
        by: &Doer,
        user: &User,
        seconds: Option<u32>,
        reason: &str,
        now_ms: i64,
    ) -> Result<Done, DeedError> {
        self.check_target(channel, by, user).await?;
        let until_ms = seconds.map(|seconds| now_ms.saturating_add(i64::from(seconds) * 1000));
        // A timeout is about what happens in one chat.
        let others = if until_ms.is_none() { self.sharing(channel).await? } else { Vec::new() };
        let mut also = Vec::new();
        for other in others {
            match self.check_target(&other, by, user).await {
                Ok(()) => also.push(other),
                Err(DeedError::Forbidden) => {}
                Err(error) => return Err(error),
            }
        }
        let mut tx = self.pool.begin().await?;
        let mut done = None;
        for place in in_order(channel, &also) {
            let mut work = Work::within(tx, place, by, now_ms).await?;
            let shared_from = if place.id == channel.id { "" } else { &channel.name };
            let sql = "INSERT INTO chat_bans (channel_id, user_id, until_ms, reason, by_id, created_at_ms, shared_from) \
                       VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (channel_id, user_id) DO UPDATE SET \
                       until_ms = excluded.until_ms, reason = excluded.reason, by_id = excluded.by_id, \
                       created_at_ms = excluded.created_at_ms, shared_from = excluded.shared_from \
                       WHERE chat_bans.until_ms IS NOT NULL OR excluded.until_ms IS NULL";
            let query = sqlx::query(sql).bind(&place.id).bind(&user.id).bind(until_ms).bind(reason);
            let query = query.bind(&by.person.id).bind(now_ms).bind(shared_from);
            if query.execute(&mut *work.tx).await?.rows_affected() == 0 {
                return Err(DeedError::Banned);
            }
            work.take_back(Taken::Of(&user.id), |message| message.author.id == user.id).await?;
            let action = work.log(Act::Ban { user: user.into(), until_ms, reason: reason.into() }, reason).await?;
            if place.id == channel.id {
                done = Some(action);
            }
            tx = work.tx;
        }
        tx.commit().await?;
        finished(done, channel, also)
    }

    async fn unban(&self, channel: &Channel, by: &Doer, user: &User, now_ms: i64) -> Result<Done, DeedError> {
        let others = self.sharing(channel).await?;
        let mut tx = self.pool.begin().await?;
        let (mut done, mut also) = (None, Vec::new());
        for place in in_order(channel, &others) {
            let mut work = Work::within(tx, place, by, now_ms).await?;
            let own = place.id == channel.id;
            // Timeouts of other channels are none of this one's.
            let sql = "DELETE FROM chat_bans WHERE channel_id = $1 AND user_id = $2 AND \
                       (until_ms IS NULL OR ($3 = 1 AND until_ms > $4))";
            let query = sqlx::query(sql).bind(&place.id).bind(&user.id).bind(i64::from(own)).bind(now_ms);
            match (query.execute(&mut *work.tx).await?.rows_affected(), own) {
                (0, true) => return Err(DeedError::NotBanned),
                (0, false) => {}
                (_, true) => done = Some(work.log(Act::Unban { user: user.into() }, "").await?),
                (_, false) => {
                    work.log(Act::Unban { user: user.into() }, "").await?;
                    also.push(place.clone());
                }
            }
            tx = work.tx;
        }
        tx.commit().await?;
        finished(done, channel, also)
    }

    /// The other channels in which a ban of this one holds.
    async fn sharing(&self, channel: &Channel) -> Result<Vec<Channel>, StoreError> {
        if !self.own_chat_settings(&channel.id).await?.0.share_bans {
            return Ok(Vec::new());
        }
        let mut sharing = Vec::new();
        for other in self.channels_of(&channel.owner_id).await? {
            if other.id != channel.id && self.own_chat_settings(&other.id).await?.0.share_bans {
                sharing.push(other);
            }
        }
        Ok(sharing)
    }

    async fn delete_message(
        &self,
        channel: &Channel,
        by: &Doer,
        message_id: &str,
        now_ms: i64,
    ) -> Result<Done, DeedError> {
        let message = self.message_once_written(channel, message_id).await?;
        let author = self.user_by_id(&message.author.id).await?;
        // One's own goes without asking.
        if let Some(author) = author.filter(|author| author.id != by.person.id) {
            self.check_target(channel, by, &author).await?;
        }
        let mut work = Work::begin(self, channel, by, now_ms).await?;
        if work.take_back(Taken::One(message_id), |pinned| pinned.id == message_id).await? == 0 {
            return Err(DeedError::NoSuchMessage);
        }
        let Author { id, login, display_name, .. } = message.author;
        let user = Person { id, login, display_name };
        work.end(Act::Delete { message_id: message_id.into(), user, text: message.text }, "").await
    }

    /// A message of a channel that was not taken back.
    async fn message_once_written(&self, channel: &Channel, message_id: &str) -> Result<Message, DeedError> {
        for look in 0..=LOOKS {
            if let Some(message) = self.chat_message(&channel.id, message_id).await? {
                return if message.deleted { Err(DeedError::NoSuchMessage) } else { Ok(message) };
            }
            if look < LOOKS {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
        Err(DeedError::NoSuchMessage)
    }
}

/// Rooms are locked in one order, so that nobody waits for one another.
fn in_order<'a>(channel: &'a Channel, others: &'a [Channel]) -> Vec<&'a Channel> {
    let mut all: Vec<&Channel> = others.iter().chain([channel]).collect();
    all.sort_by(|a, b| a.id.cmp(&b.id));
    all
}

fn finished(action: Option<ChatAction>, channel: &Channel, also: Vec<Channel>) -> Result<Done, DeedError> {
    let action = action.ok_or(DeedError::NoSuch)?;
    let channels = std::iter::once(channel.id.clone()).chain(also.into_iter().map(|other| other.id));
    Ok(Done { action, channels: channels.collect() })
}

/// A deed under way in one room.
struct Work<'a> {
    tx: Transaction<'static, Any>,
    room: RoomRow,
    channel: &'a Channel,
    by: &'a Doer,
    now_ms: i64,
}

impl<'a> Work<'a> {
    async fn begin(store: &Store, channel: &'a Channel, by: &'a Doer, now_ms: i64) -> Result<Self, StoreError> {
        Self::within(store.pool.begin().await?, channel, by, now_ms).await
    }

    async fn within(
        mut tx: Transaction<'static, Any>,
        channel: &'a Channel,
        by: &'a Doer,
        now_ms: i64,
    ) -> Result<Self, StoreError> {
        let room = lock(&mut tx, &channel.id).await?;
        Ok(Self { tx, room, channel, by, now_ms })
    }

    /// What is pinned goes with what is taken back. Answers how many messages did.
    async fn take_back(&mut self, what: Taken<'_>, is_it: impl Fn(&Message) -> bool) -> Result<u64, StoreError> {
        let count = take_back(&mut self.tx, &self.channel.id, what, &self.by.person.id, self.now_ms).await?;
        if self.room.pinned.as_ref().is_some_and(is_it) {
            self.pin(None).await?;
            append(&mut self.tx, &self.channel.id, &self.by.person, Act::Unpin, self.now_ms).await?;
        }
        Ok(count)
    }

    async fn pin(&mut self, message: Option<&Message>) -> Result<(), StoreError> {
        let body = message.map(json).transpose()?.unwrap_or_default();
        let sql = "UPDATE chat_rooms SET pinned = $2 WHERE channel_id = $1";
        sqlx::query(sql).bind(&self.channel.id).bind(body).execute(&mut *self.tx).await?;
        Ok(())
    }

    async fn log(&mut self, act: Act, reason: &str) -> Result<ChatAction, StoreError> {
        log(&mut self.tx, self.channel, self.by, act, reason, self.now_ms).await
    }

    async fn end(mut self, act: Act, reason: &str) -> Result<Done, DeedError> {
        let action = self.log(act, reason).await?;
        self.tx.commit().await?;
        Ok(Done { action, channels: vec![self.channel.id.clone()] })
    }
}
