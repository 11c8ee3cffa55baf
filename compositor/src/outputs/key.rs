//! Keys to other platforms.

use schemars::JsonSchema;
use serde::Deserialize;

const MAX_BYTES: usize = 1_024;

/// What opens a channel on a platform. It cannot be printed or serialised: it takes a call of
/// [`Key::reveal`].
#[derive(Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub struct Key(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("a stream key is missing; the platform shows it where it explains how to stream")]
    Empty,
    #[error("a stream key has at most {MAX_BYTES} characters, and no spaces or line breaks")]
    Form,
}

impl Key {
    /// Spaces around it, as pasting brings them, do not matter.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        match () {
            () if text.is_empty() => Err(KeyError::Empty),
            () if text.len() > MAX_BYTES || !text.bytes().all(|byte| byte.is_ascii_graphic()) => Err(KeyError::Form),
            () => Ok(Self(text.to_owned())),
        }
    }

    /// The text itself, for the platform and for what is kept.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What a peer said, without the key if it repeats it: cut to what fits a line, in print.
    pub fn redact(&self, text: &str) -> String {
        let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        // Platforms put parameters behind the key and repeat only what is before them.
        let bare = self.0.split_once('?').map_or(self.0.as_str(), |(bare, _)| bare);
        let hidden = [self.0.as_str(), bare].iter().fold(text, |text, secret| match secret.is_empty() {
            true => text,
            false => text.replace(secret, "(the key)"),
        });
        hidden.trim().chars().take(200).collect()
    }
}

impl TryFrom<String> for Key {
    type Error = KeyError;

    fn try_from(text: String) -> Result<Self, KeyError> {
        Self::parse(&text)
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(hidden)")
    }
}
