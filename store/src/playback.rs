//! Addresses of protected broadcasts: a signed prefix of the path, which everything that a playlist
//! names by relative address inherits. It is good for one broadcast, for one viewer, for a while;
//! and only until the channel takes its access back, because the channel's access revision is
//! signed too.

use crate::{Store, StoreError, id};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// How long a ticket is good for.
pub const TICKET_MS: i64 = 60 * 60 * 1000;
/// What the clocks of two of our servers may differ by.
pub(crate) const LEEWAY_S: i64 = 60;
/// 128 bits of the signature, in base 32.
pub(crate) const SIGNATURE_CHARS: usize = 26;
/// Of what stands for the viewer.
const VIEWER_CHARS: usize = 13;

/// The secret that signs; the same for all servers of an instance.
#[derive(Clone)]
pub struct PlaybackKey(pub(crate) [u8; 32]);

/// What a ticket is for.
#[derive(Debug, Clone, Copy)]
pub struct Stage<'a> {
    pub broadcast_id: &'a str,
    pub access_revision: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TicketError {
    #[error("this address is not complete")]
    Malformed,
    #[error("this address is not valid here")]
    Forged,
    #[error("this address has expired")]
    Expired,
}

impl PlaybackKey {
    /// A path segment. `viewer` tells tickets of different people apart, and says nothing about
    /// who it is.
    pub fn sign(&self, stage: Stage<'_>, viewer: &str, expires_at_ms: i64) -> String {
        let expires_s = expires_at_ms / 1000;
        let mut viewer = id::base32(&self.mac(&["viewer", viewer]));
        viewer.truncate(VIEWER_CHARS);
        let signature = self.signature(stage, &viewer, expires_s);
        format!("{expires_s}.{viewer}.{signature}")
    }

    pub fn check(&self, ticket: &str, stage: Stage<'_>, now_ms: i64) -> Result<(), TicketError> {
        let mut parts = ticket.split('.');
        let (Some(expires), Some(viewer), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(TicketError::Malformed);
        };
        let expires_s: i64 = expires.parse().map_err(|_| TicketError::Malformed)?;
        if viewer.len() != VIEWER_CHARS || signature.len() != SIGNATURE_CHARS {
            return Err(TicketError::Malformed);
        }
        // As hashes, so that the time of the comparison says nothing.
        let hash = |text: &str| self.mac(&["compare", text]);
        if hash(signature) != hash(&self.signature(stage, viewer, expires_s)) {
            return Err(TicketError::Forged);
        }
        match now_ms / 1000 > expires_s.saturating_add(LEEWAY_S) {
            true => Err(TicketError::Expired),
            false => Ok(()),
        }
    }

    fn signature(&self, stage: Stage<'_>, viewer: &str, expires_s: i64) -> String {
        let (revision, expires) = (stage.access_revision.to_string(), expires_s.to_string());
        let mut text = id::base32(&self.mac(&["ticket", stage.broadcast_id, &revision, viewer, &expires]));
        text.truncate(SIGNATURE_CHARS);
        text
    }

    pub(crate) fn mac(&self, parts: &[&str]) -> [u8; 32] {
        let mut mac = match Hmac::<Sha256>::new_from_slice(&self.0) {
            Ok(mac) => mac,
            Err(e) => unreachable!("HMAC takes keys of any length: {e}"),
        };
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        mac.finalize().into_bytes().into()
    }
}

impl std::fmt::Debug for PlaybackKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PlaybackKey(redacted)")
    }
}

impl Store {
    /// Made by whoever needs it first.
    pub async fn playback_key(&self) -> Result<PlaybackKey, StoreError> {
        let fresh: String = id::random::<32>().iter().map(|byte| format!("{byte:02x}")).collect();
        let text = self.instance_default("playback_key", &fresh).await?;
        let mut key = [0; 32];
        for (byte, digits) in key.iter_mut().zip(text.as_bytes().chunks(2)) {
            let digits = std::str::from_utf8(digits).ok();
            let value = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
            *byte = value.ok_or(StoreError::Damaged("the playback key"))?;
        }
        Ok(PlaybackKey(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_good_for_what_it_was_made_for() {
        let key = PlaybackKey([7; 32]);
        let stage = Stage { broadcast_id: "b1", access_revision: 3 };
        let now_ms = 1_700_000_000_000;
        let ticket = key.sign(stage, "ann", now_ms + TICKET_MS);
        assert_eq!(key.check(&ticket, stage, now_ms), Ok(()));
        assert_eq!(key.check(&ticket, stage, now_ms + TICKET_MS + 60_000), Ok(()), "within the leeway");
        assert_eq!(key.check(&ticket, stage, now_ms + TICKET_MS + 61_000), Err(TicketError::Expired));
        assert_ne!(ticket, key.sign(stage, "bob", now_ms + TICKET_MS), "each viewer's is their own");
        assert!(!ticket.contains("ann"));
        let longer = ticket.replacen("1700003600", "1800003600", 1);
        let (head, signature) = ticket.rsplit_once('.').unwrap_or_default();
        for (ticket, stage, key, want) in [
            (&*ticket, Stage { broadcast_id: "b2", ..stage }, &key, TicketError::Forged),
            (&ticket, Stage { access_revision: 4, ..stage }, &key, TicketError::Forged),
            (&ticket, stage, &PlaybackKey([8; 32]), TicketError::Forged),
            (&longer, stage, &key, TicketError::Forged),
            (&ticket[..ticket.len() - 1], stage, &key, TicketError::Malformed),
            (head, stage, &key, TicketError::Malformed),
            (signature, stage, &key, TicketError::Malformed),
            ("", stage, &key, TicketError::Malformed),
            ("..", stage, &key, TicketError::Malformed),
            (&format!("{ticket}.x"), stage, &key, TicketError::Malformed),
        ] {
            assert_eq!(key.check(ticket, stage, now_ms), Err(want), "{ticket}");
        }
    }
}
