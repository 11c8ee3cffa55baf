//! Where the one that decodes has its bytes from: a file that was opened before it was shut in, or
//! the process that fetches, at the other end of a socket.

use super::Failure;
use crate::frames::lock;
use crate::inputs::wire::{self, Answer, Ask, MAX_BYTES, Opened};
use ffmpeg_next::Error;
use ffmpeg_next::format::context::StreamIo;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex};

const MAX: u32 = MAX_BYTES as u32;

/// The way to the process that fetches.
#[derive(Clone)]
pub struct Fetcher(Arc<Mutex<Line>>);

struct Line {
    asks: File,
    answers: Box<dyn Read + Send>,
    /// Why the newest that was opened could not be, or gave no more.
    failure: Option<Failure>,
}

/// What libav reads.
pub struct Source {
    pub io: StreamIo,
    pub opened: Opened,
}

impl Source {
    pub fn file(file: File) -> Result<Self, Error> {
        let opened = Opened { seekable: true, ..Opened::default() };
        Ok(Self { io: StreamIo::from_read_seek(file)?, opened })
    }
}

impl Fetcher {
    pub fn new(asks: File, answers: impl Read + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Line { asks, answers: Box::new(answers), failure: None })))
    }

    pub fn open(&self, url: &str, options: Vec<(String, String)>) -> Result<Source, Error> {
        let ask = Ask::Open { url: url.to_owned(), options };
        let mut line = lock(&self.0);
        line.failure = None;
        let Answer::Opened(opened) = line.ask(&ask)? else { return Err(Error::Bug) };
        drop(line);
        let (id, size) = (opened.id, opened.size);
        let stream = Stream { fetcher: self.clone(), id, size, at: 0, ahead: Vec::new(), taken: 0 };
        let io = if opened.seekable { StreamIo::from_read_seek(stream) } else { StreamIo::from_read(stream) }?;
        Ok(Source { io, opened })
    }

    /// What it said of the newest failure: it knows more than libav here.
    pub fn take_failure(&self) -> Option<Failure> {
        lock(&self.0).failure.take()
    }
}

impl Line {
    fn ask(&mut self, ask: &Ask) -> Result<Answer, Error> {
        let sent = wire::write(&mut self.asks, ask, &[]);
        match sent.and_then(|()| wire::read(&mut self.answers)) {
            Ok(Some(Answer::Failed { code, reason, refused })) => {
                self.failure = Some(Failure { reason, refused });
                Err(Error::from(code))
            }
            Ok(Some(answer)) => Ok(answer),
            Ok(None) | Err(_) => {
                self.failure = Some(Failure::of("the process that fetches has ended"));
                Err(Error::Exit)
            }
        }
    }
}

struct Stream {
    fetcher: Fetcher,
    id: u32,
    size: Option<u64>,
    at: u64,
    /// Came, and not yet asked for, from `taken` on.
    ahead: Vec<u8>,
    taken: usize,
}

impl Read for Stream {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.ahead.len() {
            let mut line = lock(&self.fetcher.0);
            let answer = line.ask(&Ask::Read { id: self.id, at: self.at });
            let Answer::Bytes(count @ 0..=MAX) = answer.map_err(io_error)? else {
                return Err(ErrorKind::InvalidData.into());
            };
            self.ahead.resize(count as usize, 0);
            self.taken = 0;
            line.answers.read_exact(&mut self.ahead)?;
        }
        let count = (&self.ahead[self.taken..]).read(to)?;
        self.taken += count;
        self.at += count as u64;
        Ok(count)
    }
}

/// Where the next read is; nothing is asked for before.
impl Seek for Stream {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.size.ok_or(ErrorKind::Unsupported)?.checked_add_signed(by),
        };
        let at = at.ok_or(ErrorKind::InvalidInput)?;
        if at != self.at {
            (self.at, self.taken) = (at, self.ahead.len());
        }
        Ok(at)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let close = Ask::Close { id: self.id };
        // It may have ended.
        let _ = wire::write(&mut lock(&self.fetcher.0).asks, &close, &[]);
    }
}

fn io_error(error: Error) -> io::Error {
    match error {
        Error::Other { errno } => io::Error::from_raw_os_error(errno),
        error => io::Error::other(error),
    }
}
