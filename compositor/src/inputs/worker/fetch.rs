//! The process that fetches: libav's HTTP, TLS and RTMP, and nothing that looks into the media. It
//! answers what the one that decodes asks, whatever that has become: it goes to the addresses that
//! inputs may have, as often as it is asked, and trusts nobody over TLS without a certificate.

use super::{Failure, MAX_FILES, av, is_rtmp};
use crate::inputs::wire::{self, Answer, Ask, MAX_BYTES, Opened, Way};
use av::Connection;
use ffmpeg_next::{Dictionary, Error};
use nix::errno::Errno;
use rivulet_cage::Needs;
use rivulet_outside::is_public;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

pub const MEMORY_BYTES: u64 = 256 << 20;
/// At once, of one input.
const MAX_OPEN: usize = 32;
/// A server that says nothing for so long, in microseconds, is gone.
const SILENT: &str = "10000000";
/// What can be in an address. Among those that are not: files, and what starts programs.
const PROTOCOLS: &str = "http,https,tls,tcp,crypto,rtmp,rtmps";
/// What a playlist says of a part of it: where it is in its file, and the key.
const OPTIONS: [&str; 5] = ["offset", "end_offset", "seekable", "key", "iv"];

/// Files that looking up a name, and libraries, read. A name server's may be written anew at any time.
pub fn readable(authorities: Option<PathBuf>) -> Vec<PathBuf> {
    let resolver = std::fs::canonicalize("/etc/resolv.conf").ok();
    let resolver = resolver.and_then(|file| file.parent().map(PathBuf::from));
    let common = ["/etc", "/usr", "/lib", "/lib64"].map(PathBuf::from);
    common.into_iter().chain(resolver).chain(authorities).collect()
}

/// Answers until nobody asks any more.
pub fn main(way: Way, mut asks: impl Read, mut answers: impl Write) {
    ffmpeg_next::format::network::init();
    av::note_certificates();
    super::shut_in(MEMORY_BYTES, Needs::Network(&readable(Some(way.authorities.clone()))));
    let mut fetcher = Fetcher { way, open: BTreeMap::new(), newest: 0, cookies: None, forbidden: Arc::default() };
    let mut bytes = vec![0; MAX_BYTES];
    while let Ok(Some(ask)) = wire::read(&mut asks) {
        let answer = match ask {
            Ask::Close { id } => {
                fetcher.open.remove(&id);
                continue;
            }
            Ask::Open { url, options } => fetcher.open(&url, options).map(Answer::Opened),
            Ask::Read { id, at } => fetcher.read(id, at, &mut bytes).map(|count| Answer::Bytes(count as u32)),
        };
        let answer = answer.unwrap_or_else(|error| fetcher.failed(error));
        let payload = if let Answer::Bytes(count) = answer { &bytes[..count as usize] } else { &[] };
        if wire::write(&mut answers, &answer, payload).is_err() {
            return;
        }
    }
}

struct Fetcher {
    way: Way,
    open: BTreeMap<u32, Connection>,
    newest: u32,
    /// What servers have set; libav knows which of them to tell.
    cookies: Option<String>,
    /// A connection has led to where no input may.
    forbidden: Arc<AtomicBool>,
}

impl Fetcher {
    /// Before each read and write libav asks whether to go on, also while it follows a redirect:
    /// whoever it is connected to by then, nothing has been said to them yet.
    fn open(&mut self, url: &str, options: Vec<(String, String)>) -> Result<Opened, Error> {
        if self.open.len() >= MAX_OPEN {
            return Err(Error::Other { errno: Errno::EMFILE as i32 });
        }
        let (forbidden, allowed) = (self.forbidden.clone(), self.way.allow_private);
        let stop = move || {
            let inside = !allowed && av::peers(MAX_FILES).any(|peer| !is_public(peer));
            forbidden.fetch_or(inside, Relaxed);
            inside
        };
        let connection = Connection::open(url, self.options(url, options), stop)?;
        self.cookies = connection.text(c"cookies").or(self.cookies.take());
        self.newest += 1;
        let opened = Opened {
            id: self.newest,
            seekable: connection.is_seekable(),
            size: connection.size(),
            location: connection.text(c"location"),
            mime_type: connection.text(c"mime_type"),
        };
        self.open.insert(self.newest, connection);
        Ok(opened)
    }

    fn options(&self, url: &str, asked: Vec<(String, String)>) -> Dictionary<'static> {
        let mut options = Dictionary::new();
        for (key, value) in asked.iter().filter(|(key, _)| OPTIONS.contains(&key.as_str())) {
            options.set(key, value);
        }
        for (key, value) in [
            ("protocol_whitelist", PROTOCOLS),
            ("rw_timeout", SILENT),
            ("user_agent", "Rivulet"),
            ("tls_verify", "1"),
            ("ca_file", &self.way.authorities.to_string_lossy()),
        ] {
            options.set(key, value);
        }
        if !is_rtmp(url) {
            // There, it is for who listens.
            options.set("timeout", SILENT);
        }
        if let Some(cookies) = &self.cookies {
            options.set("cookies", cookies);
        }
        options
    }

    fn read(&mut self, id: u32, at: u64, to: &mut [u8]) -> Result<usize, Error> {
        self.open.get_mut(&id).ok_or(Error::InvalidData)?.read(at, to)
    }

    fn failed(&self, error: Error) -> Answer {
        let code = error.into();
        let failure = match (self.forbidden.load(Relaxed), av::certificate()) {
            (true, _) => {
                Failure { reason: "it leads to an address that is not on the public internet".into(), refused: true }
            }
            (_, Some(wrong)) => Failure::of(wrong),
            _ => Failure::from(error),
        };
        let Failure { reason, refused } = failure;
        Answer::Failed { code, reason, refused }
    }
}
