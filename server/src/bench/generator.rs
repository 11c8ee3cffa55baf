//! Many encoders in one light process: an FLV file is cut into RTMP messages once, and then only
//! timestamps differ between connections. Runs as a process of its own, on a core of its own, so
//! that its work is not the server's and it can be paused as a whole.

use super::peer::{LOAD_CORE, pinned};
use anyhow::{Context, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rml_rtmp::handshake::{Handshake, HandshakeProcessResult, PeerType};
use rml_rtmp::sessions::{
    ClientSession, ClientSessionConfig, ClientSessionEvent, ClientSessionResult, PublishRequestType, StreamMetadata,
};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

/// What OBS sends.
const CHUNK_BYTES: usize = 4096;
/// The stream id that both servers give to the first stream of a connection.
const STREAM_ID: u32 = 1;
/// Encoders start one after the other, so that their key frames do not come all at once.
const STAGGER: Duration = Duration::from_millis(10);
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// The running process, for the bench that started it.
pub struct Generator {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Generator {
    /// Returns once every encoder was accepted.
    pub fn start(flv: &Path, addresses: &[String]) -> anyhow::Result<Self> {
        let program = std::env::current_exe()?;
        let mut command = pinned(LOAD_CORE, &program);
        command.args(["bench", "publish"]).arg(flv).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("cannot start the load")?;
        let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            bail!("the load has no pipes")
        };
        let text: String = addresses.iter().map(|address| format!("{address}\n")).collect();
        writeln!(stdin, "{text}")?;
        let mut generator = Self { child, stdin: Some(stdin), stdout: BufReader::new(stdout) };
        ensure!(generator.line()? == "publishing", "the load could not be put up");
        Ok(generator)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// As when the network is cut: nothing more comes, and nothing is closed.
    pub fn pause(&self) -> anyhow::Result<()> {
        Ok(kill(Pid::from_raw(self.child.id() as i32), Signal::SIGSTOP)?)
    }

    /// Ends the load. Answers how far the worst encoder was ever behind real time.
    pub fn stop(mut self) -> anyhow::Result<Duration> {
        self.stdin = None;
        let line = self.line()?;
        let behind = line.strip_prefix("behind_ms=").context("the load ended before its time")?;
        Ok(Duration::from_millis(behind.parse()?))
    }

    fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        self.stdout.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Generator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `input` as FLV beside it in `folder`; `settings` are ffmpeg's, such as `-c copy`.
pub fn make_flv(input: &Path, folder: &Path, settings: &[&str]) -> anyhow::Result<std::path::PathBuf> {
    let flv = folder.join("clip.flv");
    let status = Command::new("ffmpeg")
        .args(["-hide_banner", "-loglevel", "error", "-nostdin", "-y", "-i"])
        .arg(input)
        .args(settings)
        .arg(&flv)
        .status()
        .context("cannot run ffmpeg")?;
    ensure!(status.success(), "ffmpeg could not make the clip: {status}");
    Ok(flv)
}

/// The process itself: addresses up to an empty line, then it publishes until its input ends.
pub fn run(input: &Path) -> anyhow::Result<()> {
    let clip = Arc::new(Clip::parse(&std::fs::read(input)?)?);
    let lines = std::io::stdin().lines().map_while(Result::ok);
    let addresses: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(load(clip, addresses))
}

async fn load(clip: Arc<Clip>, addresses: Vec<String>) -> anyhow::Result<()> {
    let (worst_ms, start) = (Arc::new(AtomicU64::new(0)), Instant::now());
    let (up, mut accepted) = mpsc::channel(addresses.len().max(1));
    let mut encoders = JoinSet::new();
    for (n, address) in (0..).zip(&addresses) {
        let (clip, worst_ms, up, address) = (clip.clone(), worst_ms.clone(), up.clone(), address.clone());
        encoders.spawn(async move {
            sleep_until(start + STAGGER * n).await;
            let connected = timeout(CONNECT_WITHIN, Encoder::connect(&address)).await;
            let encoder = connected.context("no answer")??;
            up.send(()).await?;
            encoder.play(&clip, &worst_ms).await
        });
    }
    let work = async {
        for _ in &addresses {
            accepted.recv().await;
        }
        println!("publishing");
        // A closed pipe or an error: the bench wants no more.
        let _ = tokio::io::stdin().read(&mut [0]).await;
    };
    tokio::select! {
        () = work => {}
        Some(ended) = encoders.join_next() => match ended? {
            Ok(never) => match never {},
            Err(error) => return Err(error.context("an encoder was cut off")),
        },
    }
    println!("behind_ms={}", worst_ms.load(Relaxed));
    Ok(())
}

/// An FLV file as RTMP messages, in chunks already.
struct Clip {
    /// Decoder settings, sent once.
    headers: Vec<Message>,
    frames: Vec<Message>,
    /// The time until it starts anew.
    ms: u32,
}

struct Message {
    ms: u32,
    chunks: Vec<u8>,
}

impl Clip {
    fn parse(flv: &[u8]) -> anyhow::Result<Self> {
        const AUDIO: u8 = 8;
        const VIDEO: u8 = 9;
        ensure!(flv.starts_with(b"FLV"), "not an FLV file");
        let (mut headers, mut frames, mut pictures) = (Vec::new(), Vec::new(), Vec::new());
        let mut rest = flv.get(13..).unwrap_or_default();
        while let Some((tag, after)) = rest.split_first_chunk::<11>() {
            let [kind, a, b, c, d, e, f, high, ..] = *tag;
            let bytes = u32::from_be_bytes([0, a, b, c]) as usize;
            let ms = u32::from_be_bytes([high, d, e, f]);
            let (Some(body), Some(next)) = (after.get(..bytes), after.get(bytes + 4..)) else { break };
            rest = next;
            // The byte after the codec: 0 for decoder settings, 1 for a frame, 2 for the end.
            match (kind, body.get(1)) {
                (AUDIO | VIDEO, Some(0)) => headers.push(Message { ms: 0, chunks: chunks(kind, body) }),
                (AUDIO | VIDEO, Some(1)) => {
                    frames.push(Message { ms, chunks: chunks(kind, body) });
                    pictures.extend((kind == VIDEO).then_some(ms));
                }
                _ => {}
            }
        }
        let (Some(first), Some(last), true) = (pictures.first(), pictures.last(), pictures.len() > 1) else {
            bail!("the clip has no video")
        };
        let ms = (last - first) + (last - first) / (pictures.len() as u32 - 1);
        Ok(Self { headers, frames, ms })
    }
}

/// A message with a full header, whose timestamp is filled in when it is sent. `rml_rtmp` uses the
/// chunk streams up to 6 for its own messages.
fn chunks(kind: u8, body: &[u8]) -> Vec<u8> {
    let stream = kind + 1;
    let length = (body.len() as u32).to_be_bytes();
    let mut out = vec![stream, 0, 0, 0, length[1], length[2], length[3], kind];
    out.extend(STREAM_ID.to_le_bytes());
    for (n, chunk) in body.chunks(CHUNK_BYTES).enumerate() {
        out.extend((n > 0).then_some(0xc0 | stream));
        out.extend(chunk);
    }
    out
}

/// One RTMP connection that was allowed to publish.
struct Encoder {
    socket: TcpStream,
    session: ClientSession,
}

/// What never returns, except with an error.
enum Never {}

impl Encoder {
    /// To `rtmp://HOST:PORT/APP/KEY`.
    async fn connect(address: &str) -> anyhow::Result<Self> {
        let parts = address.strip_prefix("rtmp://").and_then(|rest| rest.split_once('/'));
        let (host, (app, key)) =
            parts.and_then(|(host, rest)| Some((host, rest.split_once('/')?))).context("address")?;
        let mut socket = TcpStream::connect(host).await?;
        socket.set_nodelay(true)?;
        let mut handshake = Handshake::new(PeerType::Client);
        socket.write_all(&handshake.generate_outbound_p0_and_p1()?).await?;
        let mut early = loop {
            match handshake.process_bytes(&receive(&mut socket).await?)? {
                HandshakeProcessResult::InProgress { response_bytes } => socket.write_all(&response_bytes).await?,
                HandshakeProcessResult::Completed { response_bytes, remaining_bytes } => {
                    socket.write_all(&response_bytes).await?;
                    break remaining_bytes;
                }
            }
        };
        let mut config = ClientSessionConfig::new();
        config.chunk_size = CHUNK_BYTES as u32;
        config.tc_url = Some(format!("rtmp://{host}/{app}"));
        let (session, _) = ClientSession::new(config)?;
        let mut encoder = Self { socket, session };
        let connect = encoder.session.request_connection(app.into())?;
        encoder.send(connect).await?;
        loop {
            for event in encoder.answer(&early).await? {
                match event {
                    ClientSessionEvent::ConnectionRequestAccepted => {
                        let publish = encoder.session.request_publishing(key.into(), PublishRequestType::Live)?;
                        encoder.send(publish).await?;
                    }
                    ClientSessionEvent::PublishRequestAccepted => {
                        let mut metadata = StreamMetadata::new();
                        (metadata.video_codec_id, metadata.audio_codec_id) = (Some(7), Some(10));
                        let metadata = encoder.session.publish_metadata(&metadata)?;
                        encoder.send(metadata).await?;
                        return Ok(encoder);
                    }
                    ClientSessionEvent::ConnectionRequestRejected { description } => bail!("refused: {description}"),
                    ClientSessionEvent::UnhandleableOnStatusCode { code } => bail!("refused: {code}"),
                    _ => {}
                }
            }
            early = receive(&mut encoder.socket).await?;
        }
    }

    /// The clip over and over, each frame when it is due.
    async fn play(mut self, clip: &Clip, worst_ms: &AtomicU64) -> anyhow::Result<Never> {
        let since = Instant::now();
        let mut buffer = Vec::new();
        for header in &clip.headers {
            self.socket.write_all(&header.chunks).await?;
        }
        let mut round_ms = 0;
        loop {
            for frame in &clip.frames {
                let ms = round_ms + frame.ms;
                let due = since + Duration::from_millis(ms.into());
                self.listen_until(due).await?;
                buffer.clear();
                buffer.extend_from_slice(&frame.chunks);
                buffer[1..4].copy_from_slice(&ms.to_be_bytes()[1..]);
                self.socket.write_all(&buffer).await?;
                worst_ms.fetch_max(due.elapsed().as_millis() as u64, Relaxed);
            }
            round_ms += clip.ms;
            // Beyond, timestamps need a longer header.
            ensure!(round_ms + clip.ms < 0xff_ffff, "four hours are enough");
        }
    }

    /// Pings have to be answered.
    async fn listen_until(&mut self, due: Instant) -> anyhow::Result<()> {
        loop {
            let received = tokio::select! {
                biased;
                () = sleep_until(due) => return Ok(()),
                received = receive(&mut self.socket) => received?,
            };
            self.answer(&received).await?;
        }
    }

    async fn answer(&mut self, received: &[u8]) -> anyhow::Result<Vec<ClientSessionEvent>> {
        let mut events = Vec::new();
        for result in self.session.handle_input(received)? {
            match result {
                ClientSessionResult::RaisedEvent(event) => events.push(event),
                other => self.send(other).await?,
            }
        }
        Ok(events)
    }

    async fn send(&mut self, result: ClientSessionResult) -> anyhow::Result<()> {
        if let ClientSessionResult::OutboundResponse(packet) = result {
            self.socket.write_all(&packet.bytes).await?;
        }
        Ok(())
    }
}

async fn receive(socket: &mut TcpStream) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(4096);
    ensure!(socket.read_buf(&mut bytes).await? > 0, "the server closed the connection");
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_message_is_cut_into_chunks() {
        let out = chunks(9, &[7; CHUNK_BYTES + 1]);
        assert_eq!(out[..13], [10, 0, 0, 0, 0, 16, 1, 9, 1, 0, 0, 0, 7]);
        assert_eq!(out[12 + CHUNK_BYTES..], [0xca, 7]);
    }

    #[test]
    fn a_clip_is_read_from_flv() {
        let mut flv = b"FLV\x01\x05\0\0\0\x09\0\0\0\0".to_vec();
        let mut tag = |kind: u8, ms: u8, body: &[u8]| {
            flv.extend([kind, 0, 0, body.len() as u8, 0, 0, ms, 0, 0, 0, 0]);
            flv.extend(body);
            flv.extend([0; 4]);
        };
        tag(18, 0, b"onMetaData");
        tag(9, 0, &[0x17, 0, 0, 0, 0, 1]);
        tag(8, 0, &[0xaf, 0, 1]);
        tag(9, 0, &[0x17, 1, 0, 0, 0, 1]);
        tag(8, 10, &[0xaf, 1, 1]);
        tag(9, 40, &[0x27, 1, 0, 0, 0, 1]);
        tag(9, 80, &[0x17, 2, 0, 0, 0]);
        let clip = Clip::parse(&flv).unwrap();
        assert_eq!((clip.headers.len(), clip.frames.len(), clip.ms), (2, 3, 80));
        assert_eq!(clip.frames[1].ms, 10);
        assert!(Clip::parse(b"MP4").is_err());
    }
}
