//! Targets that a setting gives: `NAME=rtmp://HOST/APP/KEY`, as platforms show the two halves and as
//! ffmpeg takes them. No error has the text in it, since the key is part of it.

use super::{Address, AddressError, Key, Platform};
use rivulet_scene::Id;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    pub id: Id,
    pub platform: Platform,
    pub address: Address,
    pub key: Key,
}

impl Given {
    /// Of any number of texts, each with any number of targets between spaces.
    pub fn parse_all(texts: &[String]) -> Result<Vec<Self>, String> {
        let mut all = Vec::<Self>::new();
        for (n, text) in texts.iter().flat_map(|text| text.split_whitespace()).enumerate() {
            let (name, url) = text
                .split_once('=')
                .filter(|(name, _)| !name.contains("://"))
                .ok_or_else(|| format!("target {} is not NAME=rtmp://HOST/APP/KEY: it has no name", n + 1))?;
            let id = Id::try_from(name).map_err(|error| format!("the name of target {}: {error}", n + 1))?;
            if all.iter().any(|other| other.id == id) {
                return Err(format!("target {id}: there are two of this name"));
            }
            let given = Self::parse(&id, url).map_err(|error| format!("target {id}: {error}"))?;
            all.push(given);
        }
        Ok(all)
    }

    fn parse(id: &Id, url: &str) -> Result<Self, String> {
        // A key may have parameters behind it, with slashes in them.
        let path = url.find(['?', '#']).map_or(url, |end| &url[..end]);
        let server = path.rfind('/').map_or(path, |slash| &path[..slash]);
        let address = Address::parse(Platform::Custom, Some(server)).map_err(|error| match error {
            AddressError::App => "the app or the key is missing, as in rtmp://HOST/APP/KEY".to_owned(),
            error => error.to_string(),
        })?;
        let platform = Platform::of(&address);
        // Once more, for what only this platform minds.
        let address = Address::parse(platform, Some(server)).map_err(|error| error.to_string())?;
        let key = Key::parse(url[server.len()..].trim_start_matches('/')).map_err(|error| error.to_string())?;
        Ok(Self { id: id.clone(), platform, address, key })
    }
}
