//! Objects: segments of broadcasts, under keys that are never reused. An object is whole before
//! [`Blobs::put`] returns and never seen in part, so whoever refers to it afterwards refers to
//! something that is there.

mod disk;
mod s3;

use bytes::Bytes;
use disk::Disk;
use s3::S3;
use std::path::Path;

/// The blob store. Cloning shares it.
#[derive(Clone)]
pub struct Blobs(Backend);

#[derive(Clone)]
enum Backend {
    Disk(Disk),
    S3(Box<S3>),
}

#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// Nothing that Rivulet makes itself; whoever asked for this may be probing.
    #[error("not an object key: {0:?}")]
    Key(String),
    /// Wrong settings; the text names the mend.
    #[error("{0}")]
    Config(String),
    /// The store could not do it; the text names the store and what is wrong.
    #[error("{0}")]
    Failed(String),
}

const MAX_KEY_BYTES: usize = 512;

/// Keys are made by us; a stranger's path must not become one by accident.
fn check_key(key: &str) -> Result<(), BlobError> {
    let part = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
    };
    if key.len() <= MAX_KEY_BYTES && key.split('/').all(part) {
        return Ok(());
    }
    Err(BlobError::Key(key.chars().take(MAX_KEY_BYTES).collect()))
}

impl Blobs {
    /// `s3://BUCKET/PREFIX?endpoint=http://…&region=…&path_style=true`, with credentials in AWS's
    /// own environment variables; without a URL the folder `blobs` in `data_dir`.
    pub async fn open(url: Option<&str>, data_dir: &Path) -> Result<Self, BlobError> {
        Self::open_with(url, data_dir, |name| std::env::var(name).ok().filter(|value| !value.is_empty())).await
    }

    /// The same with another environment.
    pub async fn open_with(
        url: Option<&str>,
        data_dir: &Path,
        env: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, BlobError> {
        match url {
            None => Ok(Self(Backend::Disk(Disk::open(data_dir.join("blobs"))?))),
            Some(url) => Ok(Self(Backend::S3(Box::new(S3::open(url, env)?)))),
        }
    }

    /// Objects are files on this machine, so that storing one needs no network.
    pub fn is_local(&self) -> bool {
        matches!(self.0, Backend::Disk(_))
    }

    /// Stores an object that never changes again.
    pub async fn put(&self, key: &str, body: Bytes, content_type: &str) -> Result<(), BlobError> {
        check_key(key)?;
        match &self.0 {
            Backend::Disk(disk) => disk.put(key, body).await,
            Backend::S3(s3) => s3.put(key, body, content_type).await,
        }
    }

    /// The whole object, or `None` when there is none.
    pub async fn get(&self, key: &str) -> Result<Option<Bytes>, BlobError> {
        check_key(key)?;
        match &self.0 {
            Backend::Disk(disk) => disk.get(key).await,
            Backend::S3(s3) => s3.get(key).await,
        }
    }

    /// Deletes objects; one that is not there counts as deleted.
    pub async fn delete(&self, keys: &[String]) -> Result<(), BlobError> {
        keys.iter().try_for_each(|key| check_key(key))?;
        match &self.0 {
            Backend::Disk(disk) => disk.delete(keys).await,
            Backend::S3(s3) => s3.delete(keys).await,
        }
    }

    /// Writes, reads and deletes an object of its own. The error names what is wrong and the mend.
    pub async fn check(&self) -> Result<(), BlobError> {
        let key = format!("probe/{}", crate::id::base32(&crate::id::random::<10>()));
        let body = Bytes::from_static(b"Rivulet was here; this may be deleted.");
        self.put(&key, body.clone(), "text/plain").await?;
        let read = self.get(&key).await;
        self.delete(&[key]).await?;
        match read? {
            Some(read) if read == body => Ok(()),
            _ => Err(BlobError::Failed(format!("{self} does not give back what was written; choose another store"))),
        }
    }
}

/// What and where, for people; no credentials.
impl std::fmt::Display for Blobs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Backend::Disk(disk) => disk.fmt(f),
            Backend::S3(s3) => s3.fmt(f),
        }
    }
}

impl std::fmt::Debug for Blobs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Blobs({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys() {
        for good in ["a", "probe/0", "b/01jx/720p/12.m4s", "A-b_c.d"] {
            assert!(check_key(good).is_ok(), "{good:?}");
        }
        let long = "a".repeat(MAX_KEY_BYTES + 1);
        for bad in [
            "", "/", "/a", "a/", "a//b", "..", "a/../b", "a/..", "./a", "a/.tmp", "a b", "a\\b", "ä", "a\0", "a%2f",
            &long,
        ] {
            assert!(matches!(check_key(bad), Err(BlobError::Key(_))), "{bad:?}");
        }
    }
}
