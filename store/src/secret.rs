//! Secrets that we make: stream keys, session tokens, access tokens and the like. Each has 160 random bits and a
//! prefix that tells a person (and a leak scanner) what it is. The store has only the hash, and
//! no log line or error can show the text: it takes a call of [`Secret::reveal`].

use crate::id;
use sha2::{Digest, Sha256};
use std::marker::PhantomData;

/// What a secret is for, so that one cannot be passed for another.
pub trait Kind {
    const PREFIX: &'static str;
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $kind:ident, $prefix:literal;)*) => {$(
        #[derive(Clone, Copy)]
        pub enum $kind {}
        impl Kind for $kind {
            const PREFIX: &'static str = $prefix;
        }
        $(#[$doc])*
        pub type $name = Secret<$kind>;
    )*};
}

kinds! {
    /// What a broadcaster pastes into the encoder.
    StreamKey = Stream, "rvk_";
    /// What the cookie of a logged-in browser holds.
    SessionToken = Session, "rvs_";
    /// What lets the first person in, printed at the first start.
    SetupToken = Setup, "rvi_";
    /// What a tool sends as `Authorization: Bearer …`.
    AccessToken = Access, "rvt_";
    /// What an e-mailed link has in it, or the cookie between password and second factor.
    TicketToken = Once, "rvo_";
    /// What somebody who was invited signs up with.
    InviteCode = Invited, "rvn_";
}

/// 32 characters of base 32 after the prefix.
const TEXT_LEN: usize = 32;

pub struct Secret<K> {
    text: String,
    kind: PhantomData<K>,
}

impl<K> Clone for Secret<K> {
    fn clone(&self) -> Self {
        Self { text: self.text.clone(), kind: PhantomData }
    }
}

impl<K: Kind> Secret<K> {
    pub fn generate() -> Self {
        Self { text: format!("{}{}", K::PREFIX, id::base32(&id::random::<20>())), kind: PhantomData }
    }

    /// Text that a peer sent, if it has the form of such a secret at all; spaces around it, as
    /// pasting brings them, do not matter.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let random = text.strip_prefix(K::PREFIX)?;
        (random.len() == TEXT_LEN && random.bytes().all(|b| id::ALPHABET.contains(&b)))
            .then(|| Self { text: text.to_owned(), kind: PhantomData })
    }

    /// The text itself, for the one who is to have it.
    pub fn reveal(&self) -> &str {
        &self.text
    }

    pub fn hash(&self) -> SecretHash {
        SecretHash::of(&self.text)
    }
}

impl<K: Kind> std::fmt::Debug for Secret<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}(redacted)", K::PREFIX)
    }
}

impl<K: Kind> std::fmt::Display for Secret<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self, f)
    }
}

/// SHA-256 of a secret. That is enough: nobody can try out 2^160 texts. Comparing two of them tells
/// a watcher of the clock nothing about the secret behind either.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// Of any text that nobody else has.
    pub fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    pub fn to_hex(self) -> String {
        self.0.iter().map(|b| format!("{b:02x}")).collect()
    }
}

impl std::fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretHash(redacted)")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn text_goes_round_and_foreign_text_is_refused() {
        let key = StreamKey::generate();
        let text = key.reveal();
        assert_eq!(text.len(), 36);
        assert!(text.starts_with("rvk_"));
        assert_eq!(StreamKey::parse(&format!(" {text}\n")).unwrap().hash(), key.hash());
        assert_ne!(StreamKey::generate().hash(), key.hash());
        for wrong in
            ["", "rvk_", "demo", &text[..35], &format!("{text}0"), &text.replace("rvk_", "rvs_"), &text.to_uppercase()]
        {
            assert!(StreamKey::parse(wrong).is_none(), "{wrong:?}");
        }
        assert!(SessionToken::parse(text).is_none());
    }

    #[test]
    fn formatting_hides_the_text() {
        let token = SetupToken::generate();
        let shown = format!("{token:?} {token} {:?} {:#?}", token.hash(), Some(&token));
        assert!(!shown.contains(&token.reveal()[4..]), "{shown}");
        assert!(!shown.contains(&token.hash().to_hex()), "{shown}");
    }
}
