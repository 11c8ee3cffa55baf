//! Objects as files. Work on files blocks, so all of it runs off the async threads.

use super::BlobError;
use bytes::Bytes;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

#[derive(Clone)]
pub struct Disk {
    root: PathBuf,
}

impl Disk {
    pub fn open(root: PathBuf) -> Result<Self, BlobError> {
        let disk = Self { root };
        match fs::create_dir_all(&disk.root) {
            Ok(()) => Ok(disk),
            Err(e) => Err(disk.failed(e)),
        }
    }

    pub async fn put(&self, key: &str, body: Bytes) -> Result<(), BlobError> {
        let path = self.root.join(key);
        self.run(move || match write(&path, &body) {
            // A neighbour's deletion has just removed the empty folder.
            Err(e) if e.kind() == ErrorKind::NotFound => write(&path, &body),
            done => done,
        })
        .await
    }

    pub async fn get(&self, key: &str) -> Result<Option<Bytes>, BlobError> {
        let path = self.root.join(key);
        self.run(move || match fs::read(&path) {
            Ok(body) => Ok(Some(Bytes::from(body))),
            // A folder is not an object, nor is a path that goes through a file.
            Err(e) if is_absent(&e) || e.kind() == ErrorKind::IsADirectory => Ok(None),
            Err(e) => Err(e),
        })
        .await
    }

    pub async fn delete(&self, keys: &[String]) -> Result<(), BlobError> {
        let (root, keys) = (self.root.clone(), keys.to_vec());
        self.run(move || {
            for key in &keys {
                let path = root.join(key);
                match fs::remove_file(&path) {
                    Err(e) if !is_absent(&e) => return Err(e),
                    _ => {}
                }
                // The folders of a broadcast go with the last object; one with content refuses.
                for folder in path.ancestors().skip(1).take_while(|folder| *folder != root) {
                    if fs::remove_dir(folder).is_err() {
                        break;
                    }
                }
            }
            Ok(())
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> Result<T, BlobError> {
        let done = tokio::task::spawn_blocking(work).await;
        done.unwrap_or_else(|e| Err(io::Error::other(e))).map_err(|e| self.failed(e))
    }

    fn failed(&self, error: io::Error) -> BlobError {
        let mend = match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "make room, or shorten the retention",
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => "make it writable, or change --data",
            _ => "mend it, or change --data",
        };
        BlobError::Failed(format!("{self}: {error}; {mend}"))
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// A reader sees nothing or all of it, also after the power failed.
fn write(path: &Path, body: &[u8]) -> io::Result<()> {
    let folder = path.parent().ok_or(ErrorKind::InvalidFilename)?;
    fs::create_dir_all(folder)?;
    // No key has a part that begins with a dot.
    let temporary = folder.join(format!(".{}", crate::id::base32(&crate::id::random::<10>())));
    let written = File::create(&temporary)
        .and_then(|mut file| file.write_all(body).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&temporary, path))
        .and_then(|()| File::open(folder)?.sync_all());
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}

impl std::fmt::Display for Disk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "blob folder {}", self.root.display())
    }
}
