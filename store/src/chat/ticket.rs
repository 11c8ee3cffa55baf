//! Tickets for the chat: who may come in, signed for one channel as its access is now. A ticket of
//! somebody who logged in is void once any of their sessions or tokens ends.

use crate::playback::{LEEWAY_S, PlaybackKey, SIGNATURE_CHARS, TicketError};
use crate::{Channel, Store, StoreError, User, UserState, id};

/// How long a ticket is good for.
pub const CHAT_TICKET_MS: i64 = 10 * 60 * 1000;

/// What a ticket says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChatPass {
    /// Empty for a guest who may be in a channel that is not for everybody.
    pub user_id: String,
    /// [`User::login_revision`] as it was then.
    pub login_revision: i64,
    /// A token may have been for reading only.
    pub may_say: bool,
    pub expires_at_ms: i64,
}

impl PlaybackKey {
    pub fn sign_chat(&self, channel: &Channel, pass: &ChatPass) -> String {
        let ChatPass { user_id, login_revision, may_say, expires_at_ms } = pass;
        let head = format!("{user_id}.{login_revision}.{}.{}", i32::from(*may_say), expires_at_ms / 1000);
        let signature = self.chat_signature(channel, &head);
        format!("{head}.{signature}")
    }

    /// Of whom the user is now, [`Store::chat_pass_user`] says more.
    pub fn check_chat(&self, ticket: &str, channel: &Channel, now_ms: i64) -> Result<ChatPass, TicketError> {
        let (head, signature) = ticket.rsplit_once('.').ok_or(TicketError::Malformed)?;
        let parts: Vec<&str> = head.split('.').collect();
        let [user_id, login_revision, may_say, expires] = parts[..] else { return Err(TicketError::Malformed) };
        let number = |text: &str| text.parse::<i64>().map_err(|_| TicketError::Malformed);
        let (login_revision, expires_s) = (number(login_revision)?, number(expires)?);
        if signature.len() != SIGNATURE_CHARS {
            return Err(TicketError::Malformed);
        }
        // As hashes, so that the time of the comparison says nothing.
        let hash = |text: &str| self.mac(&["compare", text]);
        if hash(signature) != hash(&self.chat_signature(channel, head)) {
            return Err(TicketError::Forged);
        }
        if now_ms / 1000 > expires_s.saturating_add(LEEWAY_S) {
            return Err(TicketError::Expired);
        }
        let (user_id, may_say) = (user_id.to_owned(), may_say == "1");
        Ok(ChatPass { user_id, login_revision, may_say, expires_at_ms: expires_s.saturating_mul(1000) })
    }

    fn chat_signature(&self, channel: &Channel, head: &str) -> String {
        let access = channel.access_revision.to_string();
        let mut text = id::base32(&self.mac(&["chat", &channel.id, &access, head]));
        text.truncate(SIGNATURE_CHARS);
        text
    }
}

impl Store {
    /// Whose ticket it is, if it is still worth something: they are there, and nothing that they
    /// logged in with has ended since.
    pub async fn chat_pass_user(&self, pass: &ChatPass) -> Result<Option<User>, StoreError> {
        let user = self.user_by_id(&pass.user_id).await?;
        Ok(user.filter(|user| user.state == UserState::Active && user.login_revision == pass.login_revision))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_ticket_is_good_for_one_channel_and_one_person() {
        let key = PlaybackKey([7; 32]);
        let here = Channel { id: "c1".into(), access_revision: 3, ..Channel::default() };
        let now_ms = 1_700_000_000_000;
        let expires_at_ms = now_ms + CHAT_TICKET_MS;
        let pass = ChatPass { user_id: "u1".into(), login_revision: 2, may_say: true, expires_at_ms };
        let ticket = key.sign_chat(&here, &pass);
        assert_eq!(key.check_chat(&ticket, &here, now_ms), Ok(pass.clone()));
        assert_eq!(key.check_chat(&ticket, &here, expires_at_ms + 61_000), Err(TicketError::Expired));
        let guest = ChatPass { expires_at_ms, ..ChatPass::default() };
        assert_eq!(key.check_chat(&key.sign_chat(&here, &guest), &here, now_ms), Ok(guest));
        let there = Channel { id: "c2".into(), ..here.clone() };
        let later = Channel { access_revision: 4, ..here.clone() };
        let another = PlaybackKey([8; 32]);
        let reader = key.sign_chat(&here, &ChatPass { may_say: false, ..pass });
        for (ticket, channel, key, want) in [
            (&*ticket, &there, &key, TicketError::Forged),
            (&ticket, &later, &key, TicketError::Forged),
            (&ticket, &here, &another, TicketError::Forged),
            (&ticket.replacen("u1", "u2", 1), &here, &key, TicketError::Forged),
            (&reader.replacen(".0.", ".1.", 1), &here, &key, TicketError::Forged),
            (&ticket.replacen("17000006", "18000006", 1), &here, &key, TicketError::Forged),
            (&ticket[..ticket.len() - 1], &here, &key, TicketError::Malformed),
            ("", &here, &key, TicketError::Malformed),
            ("....", &here, &key, TicketError::Malformed),
            (&format!("{ticket}.x"), &here, &key, TicketError::Malformed),
        ] {
            assert_eq!(key.check_chat(ticket, channel, now_ms), Err(want), "{ticket}");
        }
    }
}
