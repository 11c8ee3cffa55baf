//! The workers of an input: processes of their own, so that whatever a source sends, and however long
//! it says nothing, costs no picture of the programme. The compositor kills them as it likes; they end
//! by themselves when nobody hears them any more.
//!
//! The way of a frame: [`fetch`], a process that has a network and nothing else -> a socket -> the
//! demuxers and decoders of libav, in a process that has no network and no files -> scaled to what is
//! asked for, or resampled to 48 kHz stereo -> standard output, which holds the worker back when it
//! is not read.

mod av;
mod convert;
mod fetch;
mod source;
mod timeline;

use super::wire::{self, Message, Request, Task};
use convert::{Pictures, Sound};
use ffmpeg_next::codec::{self, threading};
use ffmpeg_next::format::context::Input;
use ffmpeg_next::format::stream::Disposition;
use ffmpeg_next::util::frame::{Audio, Video};
use ffmpeg_next::{Dictionary, Error, Packet, Rational, Rescale, decoder, media};
use nix::sys::resource::{Resource, setrlimit};
use rivulet_cage::{self as cage, Needs};
use source::{Fetcher, Source};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::os::fd::AsFd;
use timeline::Timeline;

/// Enough for 4K, and for two threads of a decoder.
const MEMORY_BYTES: u64 = 1 << 30;
/// Of which the worker's connections are among.
const MAX_FILES: i32 = 64;
const MAX_REQUEST_BYTES: u64 = 16 * 1024;
/// Of what comes before it is known what it is.
const PROBE_BYTES: &str = "4000000";
/// In a row, before a source is given up.
const MAX_BROKEN: u32 = 500;
const FORMATS: &str = "mov,mp4,matroska,webm,mpegts,flv,live_flv,ogg,mp3,aac,wav,flac,avi,gif";
const MICROS: Rational = Rational(1, 1_000_000);

/// Why nothing more comes, in words for people.
#[derive(Debug)]
struct Failure {
    reason: String,
    refused: bool,
}

impl Failure {
    fn of(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), refused: false }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::of(match error {
            Error::InvalidData => "what comes is no media that we know".to_owned(),
            Error::ProtocolNotFound => "this kind of address, or a part of it, is not open to inputs".to_owned(),
            error => error.to_string(),
        })
    }
}

/// The compositor reads no more.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::of(error.to_string())
    }
}

/// Reads a task from standard input, and does it.
pub fn main() -> anyhow::Result<()> {
    setrlimit(Resource::RLIMIT_NOFILE, MAX_FILES as u64, MAX_FILES as u64)?;
    let mut input = BufReader::new(File::from(io::stdin().as_fd().try_clone_to_owned()?));
    let output = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut line = String::new();
    input.by_ref().take(MAX_REQUEST_BYTES).read_line(&mut line)?;
    ffmpeg_next::init()?;
    ffmpeg_next::log::set_level(ffmpeg_next::log::Level::Quiet);
    let request = match serde_json::from_str(&line)? {
        Task::Decode(request) => request,
        Task::Fetch(way) => {
            fetch::main(way, input, output);
            return Ok(());
        }
    };
    let mut sink = Sink(io::stdout().lock());
    let fetcher = Fetcher::new(output, input);
    let last = match play(&request, &fetcher, &mut sink) {
        Ok(()) => Message::Ended,
        Err(failure) => {
            let Failure { reason, refused } = fetcher.take_failure().unwrap_or(failure);
            Message::Failed { reason, refused }
        }
    };
    // Nobody may be there to hear it.
    let _ = sink.send(&last, &[]);
    Ok(())
}

/// For ever, unless this machine cannot: pictures are worth more than the cage.
fn shut_in(memory_bytes: u64, needs: Needs<'_>) {
    if let Err(error) = cage::enter(memory_bytes, needs) {
        eprintln!("rivulet: a worker of an input runs without its cage ({error}); see rivulet doctor");
    }
}

/// Shuts itself in as one of the two processes does, and tries the bars. Answers what it can do that
/// it need not; an error says why it is not shut in.
pub fn probe(half: Half) -> Result<Vec<&'static str>, String> {
    let files = fetch::readable(None);
    let (memory, needs) = match half {
        Half::Decode => (MEMORY_BYTES, Needs::Nothing),
        Half::Fetch => (fetch::MEMORY_BYTES, Needs::Network(&files)),
    };
    cage::enter(memory, needs).map_err(|error| error.to_string())?;
    let thread = std::thread::spawn(move || cage::leaks(memory));
    let leaks = thread.join().map_err(|_| "it cannot make threads")?;
    Ok(leaks.into_iter().filter(|leak| half == Half::Decode || *leak != cage::CONNECT).collect())
}

/// The two processes of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Half {
    Decode,
    Fetch,
}

struct Sink(io::StdoutLock<'static>);

impl Sink {
    fn send(&mut self, message: &Message, payload: &[u8]) -> io::Result<()> {
        wire::write(&mut self.0, message, payload)
    }
}

/// There, an end is never meant.
fn is_rtmp(url: &str) -> bool {
    url.starts_with("rtmp")
}

fn open(request: &Request, fetcher: &Fetcher) -> Result<Input, Failure> {
    let Request { url, file, .. } = request;
    let own = file.then(|| File::open(url)).transpose();
    let own = own.map_err(|error| Failure::of(format!("its file: {}", error.kind())))?;
    shut_in(MEMORY_BYTES, Needs::Nothing);
    let source = match own {
        Some(file) => Source::file(file)?,
        None => fetcher.open(url, Vec::new())?,
    };
    let mut options = Dictionary::new();
    let playlists = if *file { "" } else { ",hls" };
    for (key, value) in [
        ("format_whitelist", format!("{FORMATS}{playlists}").as_str()),
        ("probesize", PROBE_BYTES),
        ("analyzeduration", "3000000"),
        // Connections are the other process's.
        ("http_persistent", "0"),
        ("http_multiple", "0"),
    ] {
        options.set(key, value);
    }
    let (more, file) = (fetcher.clone(), *file);
    let nested = move |url: &str, options| match file {
        true => Err(Error::ProtocolNotFound),
        false => more.open(url, options),
    };
    Ok(av::open(url, options, source, Box::new(nested))?)
}

/// One of the two streams that are played.
struct Stream<D> {
    index: usize,
    base: Rational,
    decoder: D,
}

impl<D> Stream<D> {
    fn micros(&self, stamp: i64) -> i64 {
        stamp.rescale(self.base, MICROS)
    }
}

fn stream<D>(
    input: &Input,
    kind: media::Type,
    open: impl Fn(codec::decoder::Decoder) -> Result<D, Error>,
) -> Result<Option<Stream<D>>, Error> {
    let cover = |stream: &ffmpeg_next::Stream<'_>| stream.disposition().contains(Disposition::ATTACHED_PIC);
    let Some(stream) = input.streams().best(kind).filter(|stream| !cover(stream)) else { return Ok(None) };
    let mut context = codec::Context::from_parameters(stream.parameters())?;
    context.set_threading(threading::Config { count: 2, ..threading::Config::kind(threading::Type::Frame) });
    let mut own = context.decoder();
    own.set_packet_time_base(stream.time_base());
    // What no decoder is there for is left out.
    let Ok(decoder) = open(own) else { return Ok(None) };
    Ok(Some(Stream { index: stream.index(), base: stream.time_base(), decoder }))
}

struct Player<'a> {
    request: &'a Request,
    sink: &'a mut Sink,
    timeline: Timeline,
    pictures: Pictures,
    sound: Sound,
    /// Of the newest picture that was sent.
    newest: Option<i64>,
    /// Where each of them goes on if it does not say so.
    next: [i64; 2],
}

fn play(request: &Request, fetcher: &Fetcher, sink: &mut Sink) -> Result<(), Failure> {
    let mut input = open(request, fetcher)?;
    let mut picture = stream(&input, media::Type::Video, |context| context.video())?;
    let mut sound = stream(&input, media::Type::Audio, |context| context.audio())?;
    if picture.is_none() && sound.is_none() {
        return Err(Failure::of("neither a picture nor sound is in it that we can decode"));
    }
    let endless = is_rtmp(&request.url) || input.duration() <= 0;
    let opened = Message::Opened { picture: picture.is_some(), sound: sound.is_some(), endless };
    sink.send(&opened, &[])?;
    let mut player = Player {
        request,
        sink,
        timeline: Timeline::default(),
        pictures: Pictures::new(request.width, request.height),
        sound: Sound::default(),
        newest: None,
        next: [0; 2],
    };
    loop {
        let began = player.timeline.end();
        player.until_the_end(&mut input, &mut picture, &mut sound)?;
        if endless {
            return Err(Failure::of("the source has ended"));
        }
        if !request.looped || player.timeline.end() == began {
            return Ok(());
        }
        input.seek(0, ..)?;
        picture.iter_mut().for_each(|stream| stream.decoder.flush());
        sound.iter_mut().for_each(|stream| stream.decoder.flush());
        let start = input.streams().filter_map(|stream| {
            let used = [picture.as_ref().map(|own| own.index), sound.as_ref().map(|own| own.index)];
            let start = stream.start_time();
            (used.contains(&Some(stream.index())) && start != ffmpeg_next::ffi::AV_NOPTS_VALUE)
                .then(|| start.rescale(stream.time_base(), MICROS))
        });
        let start = start.min().unwrap_or(0);
        player.timeline.begin_again(start);
        player.next = [start; 2];
    }
}

impl Player<'_> {
    fn until_the_end(
        &mut self,
        input: &mut Input,
        picture: &mut Option<Stream<decoder::Video>>,
        sound: &mut Option<Stream<decoder::Audio>>,
    ) -> Result<(), Failure> {
        let mut broken = 0;
        let mut packet = Packet::empty();
        loop {
            match packet.read(input) {
                Ok(()) => {}
                Err(Error::Eof) => break,
                Err(error) => return Err(error.into()),
            }
            let taken = match (&mut *picture, &mut *sound) {
                (Some(own), _) if own.index == packet.stream() => {
                    let sent = own.decoder.send_packet(&packet);
                    self.take_pictures(own)?;
                    sent
                }
                (_, Some(own)) if own.index == packet.stream() => {
                    let sent = own.decoder.send_packet(&packet);
                    self.take_sound(own)?;
                    sent
                }
                _ => Ok(()),
            };
            broken = if taken.is_ok() { 0 } else { broken + 1 };
            if broken > MAX_BROKEN {
                return Err(Failure::of("what comes cannot be decoded"));
            }
        }
        if let Some(own) = picture {
            let _ = own.decoder.send_eof();
            self.take_pictures(own)?;
        }
        if let Some(own) = sound {
            let _ = own.decoder.send_eof();
            self.take_sound(own)?;
        }
        Ok(())
    }

    fn take_pictures(&mut self, stream: &mut Stream<decoder::Video>) -> Result<(), Failure> {
        let mut frame = Video::empty();
        while stream.decoder.receive_frame(&mut frame).is_ok() {
            let stamp = frame.timestamp().map_or(self.next[0], |stamp| stream.micros(stamp));
            let lasts = stream.decoder.frame_rate().filter(|rate| rate.numerator() > 0);
            let lasts = lasts.map_or(40_000, |rate| (1e6 / f64::from(rate)).clamp(1_000.0, 1e6) as i64);
            self.next[0] = stamp + lasts;
            let pts = self.timeline.place(stamp, lasts);
            // A little less than the interval: time stamps are rounded.
            let soon = self.newest.is_some_and(|newest| (0..self.request.interval * 9 / 10).contains(&(pts - newest)));
            if soon {
                continue;
            }
            // What cannot be converted is shown as little as what cannot be decoded.
            let Ok((width, height)) = self.pictures.convert(&frame) else { continue };
            self.newest = Some(pts);
            self.sink.send(&Message::Picture { pts, width, height }, self.pictures.bytes())?;
        }
        Ok(())
    }

    fn take_sound(&mut self, stream: &mut Stream<decoder::Audio>) -> Result<(), Failure> {
        let mut frame = Audio::empty();
        while stream.decoder.receive_frame(&mut frame).is_ok() {
            let stamp = frame.timestamp().map_or(self.next[1], |stamp| stream.micros(stamp));
            let lasts = frame.samples() as i64 * 1_000_000 / i64::from(frame.rate().max(1));
            self.next[1] = stamp + lasts;
            let pts = self.timeline.place(stamp, lasts);
            let Ok(frames) = self.sound.convert(&mut frame) else { continue };
            if frames > 0 {
                self.sink.send(&Message::Sound { pts, frames }, self.sound.bytes())?;
            }
        }
        Ok(())
    }
}
