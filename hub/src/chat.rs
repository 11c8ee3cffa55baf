//! Where the API and the chat meet: what the API has written down and rooms have to read, what
//! somebody says without a connection of their own, and how many are there.

use rivulet_protocol::chat::{Refusal, RefusalCode, Say};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::{mpsc, oneshot};

/// Notes and messages on their way to the chat, before whoever brings one has to wait.
const QUEUE: usize = 1024;

/// For the chat.
#[derive(Debug)]
pub enum ChatNote {
    /// There are new rows in `chat_actions` for this channel (its id).
    Acted(String),
    /// Who may be in this channel's room (its id) has changed: its access, a suspension, or it is gone.
    Channel(String),
    /// What is known of this user (by id) has changed: name, colour, role, suspension, or they are gone.
    Person(String),
    /// The sessions or tokens of this user (by id) ended: connections that came with them end too.
    LoggedOut(String),
    /// The subscriptions of this session of EventSub have changed.
    Subscribed(String),
    Say(Box<SayFor>),
}

/// A message without a connection.
#[derive(Debug)]
pub struct SayFor {
    pub channel_id: String,
    pub user_id: String,
    /// What they came with is for moderating too; otherwise no command of a moderator is carried out.
    pub may_moderate: bool,
    pub say: Say,
    /// The message's id, or what a command has to say.
    pub answer: oneshot::Sender<Result<Said, Refusal>>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    pub message_id: Option<String>,
    pub detail: Option<String>,
}

pub struct Chat {
    notes: mpsc::Sender<ChatNote>,
    /// Until the chat has taken it.
    inbox: Mutex<Option<mpsc::Receiver<ChatNote>>>,
    /// Connections to each room, by the channel's id.
    chatters: Mutex<HashMap<String, u32>>,
}

impl Default for Chat {
    fn default() -> Self {
        let (notes, inbox) = mpsc::channel(QUEUE);
        Self { notes, inbox: Mutex::new(Some(inbox)), chatters: Mutex::default() }
    }
}

impl Chat {
    /// Waits while the chat has too much to read. Without a chat in this process nothing happens.
    pub async fn tell(&self, note: ChatNote) {
        if self.has_reader() {
            let _ = self.notes.send(note).await;
        }
    }

    fn has_reader(&self) -> bool {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    pub async fn say(&self, channel_id: &str, user_id: &str, may_moderate: bool, say: Say) -> Result<Said, Refusal> {
        let (answer, said) = oneshot::channel();
        let (channel_id, user_id) = (channel_id.to_owned(), user_id.to_owned());
        self.tell(ChatNote::Say(Box::new(SayFor { channel_id, user_id, may_moderate, say, answer }))).await;
        let unavailable = || Err(Refusal::new(RefusalCode::Unavailable, "The chat cannot be reached; try again."));
        said.await.unwrap_or_else(|_| unavailable())
    }

    /// The one reader of the notes; `None` when it has been taken.
    pub fn inbox(&self) -> Option<mpsc::Receiver<ChatNote>> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Written by the chat.
    pub fn set_chatters(&self, channel_id: &str, count: u32) {
        match count {
            0 => self.counts().remove(channel_id),
            count => self.counts().insert(channel_id.to_owned(), count),
        };
    }

    pub fn chatters(&self, channel_id: &str) -> u32 {
        self.counts().get(channel_id).copied().unwrap_or(0)
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<String, u32>> {
        self.chatters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
