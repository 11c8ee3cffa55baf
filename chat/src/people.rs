//! Who speaks: what a room wants to know of somebody, kept for a moment.

use crate::clock;
use crate::core::Speaker;
use rivulet_protocol::chat::{Refusal, RefusalCode};
use rivulet_protocol::policy::Action;
use rivulet_protocol::rest::ChannelRole;
use rivulet_store::{Channel, Doer, Store, StoreError, User};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How old what is known may be.
const KEPT_MS: i64 = 10_000;
const MAX_KEPT: usize = 50_000;

/// Somebody in a channel.
pub struct Chatter {
    pub speaker: Speaker,
    pub user: User,
    pub in_channel: Option<ChannelRole>,
    read_at_ms: i64,
}

impl Chatter {
    pub fn doer(&self) -> Doer {
        let (person, in_channel) = ((&self.user).into(), self.in_channel);
        Doer { person, role: self.user.role, in_channel, request_id: String::new() }
    }

    /// What was just read, so reading it again would say the same.
    pub fn is_fresh(&self) -> bool {
        clock::now_ms() - self.read_at_ms < 1000
    }
}

/// By channel and user.
type Kept = HashMap<(String, String), Arc<Chatter>>;

pub struct People {
    store: Store,
    kept: Mutex<Kept>,
}

impl People {
    pub fn new(store: Store) -> Self {
        Self { store, kept: Mutex::default() }
    }

    /// `None` for somebody who is not, or not any more.
    pub async fn find(&self, channel: &Channel, user_id: &str) -> Result<Option<Arc<Chatter>>, StoreError> {
        let key = (channel.id.clone(), user_id.to_owned());
        let kept = self.lock().get(&key).cloned();
        match kept.filter(|kept| clock::now_ms() - kept.read_at_ms < KEPT_MS) {
            Some(kept) => Ok(Some(kept)),
            None => self.look(channel, user_id).await,
        }
    }

    /// As it is now.
    pub async fn look(&self, channel: &Channel, user_id: &str) -> Result<Option<Arc<Chatter>>, StoreError> {
        let Some(user) = self.store.user_by_id(user_id).await? else { return Ok(None) };
        let read_at_ms = clock::now_ms();
        let in_channel = self.store.role_in(channel, user_id).await?;
        let doer = Doer { person: (&user).into(), role: user.role, in_channel, request_id: String::new() };
        let speaker = Speaker {
            author: self.store.chat_author(channel, &user).await?,
            moderator: doer.may(Action::ModerateChat),
            subscriber: false,
            suspended: user.suspended(read_at_ms).map(|suspension| suspension.reason.clone()),
            follows_since_ms: self.store.follows_since(user_id, &channel.id).await?,
            created_at_ms: user.created_at_ms,
            verified: user.email_verified,
            first: !self.store.has_chatted(&channel.id, user_id).await?,
        };
        let chatter = Arc::new(Chatter { speaker, user, in_channel, read_at_ms });
        let mut kept = self.lock();
        if kept.len() >= MAX_KEPT {
            kept.retain(|_, chatter| read_at_ms - chatter.read_at_ms < KEPT_MS);
        }
        if kept.len() < MAX_KEPT {
            kept.insert((channel.id.clone(), user_id.to_owned()), chatter.clone());
        }
        Ok(Some(chatter))
    }

    /// They have changed.
    pub fn forget(&self, user_id: &str) {
        self.lock().retain(|(_, kept), _| kept != user_id);
    }

    /// What is about all of them has changed.
    pub fn forget_all(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a refusal may be out of date, because it is about the speaker and not the room.
pub fn is_about_the_speaker(refusal: &Refusal) -> bool {
    use RefusalCode::*;
    matches!(refusal.code, FollowersOnly | SubscribersOnly | VerifiedOnly | Suspended)
}
