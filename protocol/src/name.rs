//! Names that appear in addresses. A channel's name is the first path segment of its page, so it
//! must not collide with a page or service of ours.

use serde::{Deserialize, Serialize};

/// First path segments that belong to Rivulet itself, now or later.
pub const RESERVED: &[&str] = &[
    "about",
    "admin",
    "api",
    "assets",
    "auth",
    "browse",
    "categories",
    "chat",
    "clips",
    "dashboard",
    "directory",
    "dock",
    "embed",
    "emotes",
    "eventsub",
    "favicon.ico",
    "feeds",
    "followed",
    "healthz",
    "helix",
    "help",
    "live",
    "login",
    "logout",
    "metrics",
    "notifications",
    "oauth",
    "overlay",
    "password",
    "pictures",
    "pkg",
    "popout",
    "privacy",
    "readyz",
    "rivulet",
    "robots.txt",
    "search",
    "settings",
    "setup",
    "signup",
    "static",
    "terms",
    "user",
    "users",
    "videos",
    "webhooks",
    "whep",
    "whip",
];

/// Longest name of a user or channel, in characters (all of them ASCII).
pub const MAX_NAME_LEN: usize = 25;

/// A valid channel or user name: 2 to 25 of `a-z 0-9 _`, starting with a letter or digit, lower
/// case, not reserved.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ChannelName(String);

/// Why a name was refused, in words for the person who typed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameError {
    Length,
    Character,
    Start,
    Reserved,
}

impl std::fmt::Display for NameError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Length => "a name has 2 to 25 characters",
            Self::Character => "a name has only the letters a to z, digits and _",
            Self::Start => "a name starts with a letter or a digit",
            Self::Reserved => "this name is reserved",
        })
    }
}

impl std::error::Error for NameError {}

impl ChannelName {
    /// Checks `raw`; upper case is folded to lower case.
    pub fn parse(raw: &str) -> Result<Self, NameError> {
        let name = raw.trim().to_ascii_lowercase();
        if name.len() < 2 || name.len() > MAX_NAME_LEN {
            return Err(NameError::Length);
        }
        if !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
            return Err(NameError::Character);
        }
        if name.starts_with('_') {
            return Err(NameError::Start);
        }
        if RESERVED.contains(&name.as_str()) {
            return Err(NameError::Reserved);
        }
        Ok(Self(name))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for ChannelName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for ChannelName {
    type Error = NameError;
    fn try_from(raw: String) -> Result<Self, NameError> {
        Self::parse(&raw)
    }
}

impl From<ChannelName> for String {
    fn from(name: ChannelName) -> String {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (raw, want) in [
            ("demo", Ok("demo")),
            ("  Demo_1 ", Ok("demo_1")),
            ("x", Err(NameError::Length)),
            ("", Err(NameError::Length)),
            ("abcdefghijklmnopqrstuvwxyz", Err(NameError::Length)),
            ("a b", Err(NameError::Character)),
            ("../etc", Err(NameError::Character)),
            ("dëmo", Err(NameError::Character)),
            ("_demo", Err(NameError::Start)),
            ("API", Err(NameError::Reserved)),
        ] {
            assert_eq!(ChannelName::parse(raw).as_ref().map(ChannelName::as_str), want.as_ref().copied(), "{raw:?}");
        }
    }
}
