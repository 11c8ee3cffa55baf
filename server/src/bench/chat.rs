//! `chat`: what connections cost that say nothing, how a large room and many small ones are served,
//! what a storm of clients that come back does, and whether those who do not read disturb the others.
//! The clients are in this process, on a core of their own; small rooms are measured against
//! `nats-server` with the same clients, rooms and payloads.

use super::peer::{LOAD_CORE, Peer, SERVER_CORE, cpu_seconds, pinned, resident_bytes};
use super::{median, verdict};
use anyhow::{Context, anyhow, bail, ensure};
use bytes::{Buf, BytesMut};
use clap::Args;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use rivulet_protocol::chat::{ClientFrame, Hello, Position, Say, VERSION};
use std::cell::{Cell, RefCell};
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{interval, sleep, timeout};

#[derive(Args)]
pub struct Options {
    /// Connections, as far as this system lets a process have files open
    #[arg(long, default_value_t = 100_000, value_name = "N")]
    connections: usize,
    /// How long each run is measured
    #[arg(long, default_value_t = 10, value_name = "S")]
    seconds: u64,
    /// Runs of each server in the comparison, in turn
    #[arg(long, default_value_t = 3, value_name = "N")]
    pairs: usize,
    /// Only the comparison with nats-server
    #[arg(long)]
    rooms: bool,
}

/// Descriptors that are needed for other things.
const SPARE_FILES: usize = 600;
const ROOM_OF: usize = 50;
/// What stands before a message's time in its text, so that it can be found without parsing.
const MARK: &[u8] = b"\"text\":\"t";
/// Connections that are made at once.
const AT_ONCE: usize = 200;

pub fn run(options: &Options) -> anyhow::Result<()> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
    let taskset = ["-a", "-p", "-c", &LOAD_CORE.to_string(), &std::process::id().to_string()].map(str::to_owned);
    Command::new("taskset").args(taskset).stdout(Stdio::null()).status().context("cannot run taskset")?;
    let connections = options.connections.min((most as usize).saturating_sub(SPARE_FILES));
    if connections < options.connections {
        println!("a process may have {most} files open here, so there are {connections} connections at most");
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(LocalSet::new().run_until(async {
        let time = Duration::from_secs(options.seconds);
        if !options.rooms {
            large_room(connections, time).await?;
            storm(connections.min(20_000)).await?;
            slow(connections.min(2_000), time).await?;
            irc(connections.min(10_000), time).await?;
        }
        // Many that are calm, then fewer that are busy: about as much to deliver.
        let calm = (connections * 9 / 10 / (ROOM_OF + 1)).min(1000);
        small_rooms(calm, 4, time, options.pairs).await?;
        small_rooms(calm.min(70), 20, time, options.pairs).await
    }))
}

/// What the clients have seen.
#[derive(Default)]
struct Seen {
    deliveries: Cell<u64>,
    welcomes: Cell<u64>,
    recovered: Cell<u64>,
    gaps: Cell<u64>,
    closed: Cell<u64>,
    /// From the saying to the reading, in microseconds.
    latencies: RefCell<Vec<u64>>,
    began: Cell<Option<Instant>>,
}

impl Seen {
    fn new() -> Rc<Self> {
        let seen = Self::default();
        seen.began.set(Some(Instant::now()));
        Rc::new(seen)
    }

    fn micros(&self) -> u64 {
        self.began.get().map_or(0, |began| began.elapsed().as_micros() as u64)
    }

    fn read(&self, payload: &[u8]) {
        let mut rest = payload;
        let mut found = false;
        while let Some(at) = find(rest, MARK) {
            rest = &rest[at + MARK.len()..];
            let digits: u64 =
                rest.iter().take_while(|b| b.is_ascii_digit()).fold(0, |n, b| n * 10 + u64::from(b - b'0'));
            self.deliveries.set(self.deliveries.get() + 1);
            self.latencies.borrow_mut().push(self.micros().saturating_sub(digits));
            found = true;
        }
        if !found {
            if find(payload, b"\"op\":\"welcome\"").is_some() {
                self.welcomes.set(self.welcomes.get() + 1);
                let recovered = find(payload, b"\"recovered\":true").is_some();
                self.recovered.set(self.recovered.get() + u64::from(recovered));
            } else if find(payload, b"\"op\":\"gap\"").is_some() {
                self.gaps.set(self.gaps.get() + 1);
            }
        }
    }

    fn forget(&self) {
        self.deliveries.set(0);
        self.latencies.borrow_mut().clear();
    }

    /// p50, p99 and the worst, in milliseconds.
    fn spread(&self) -> [f64; 3] {
        let mut all = self.latencies.borrow_mut();
        all.sort_unstable();
        let at =
            |share: f64| all.get(((all.len() as f64 - 1.0) * share) as usize).map_or(f64::NAN, |us| *us as f64 / 1e3);
        [at(0.5), at(0.99), at(1.0)]
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = wanted[0];
    let mut from = 0;
    while let Some(at) = bytes[from..].iter().position(|byte| *byte == first) {
        if bytes[from + at..].starts_with(wanted) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

/// A frame of a client; its mask is zeros, so that its bytes stay as they are.
fn frame(payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x81];
    match payload.len() {
        len @ 0..126 => frame.push(0x80 | len as u8),
        len => {
            frame.push(0x80 | 126);
            frame.extend((len as u16).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

fn json(frame: &ClientFrame) -> Vec<u8> {
    serde_json::to_vec(frame).unwrap_or_default()
}

struct Client {
    socket: TcpStream,
    carry: BytesMut,
}

impl Client {
    /// Each few thousand from an address of their own.
    async fn connect(server: SocketAddr, number: usize) -> anyhow::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        let host = (number / 5_000) as u8;
        socket.bind(SocketAddr::from((Ipv4Addr::new(127, 0, 1, host + 1), 0)))?;
        let socket = socket.connect(server).await?;
        socket.set_nodelay(true)?;
        Ok(Self { socket, carry: BytesMut::new() })
    }

    async fn upgrade(server: SocketAddr, path: &str, number: usize) -> anyhow::Result<Self> {
        let mut client = Self::connect(server, number).await?;
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {server}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        );
        client.write(request.as_bytes()).await?;
        loop {
            ensure!(client.fill().await? > 0, "the connection was closed");
            if let Some(end) = find(&client.carry, b"\r\n\r\n") {
                ensure!(client.carry.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&client.carry));
                client.carry.advance(end + 4);
                return Ok(client);
            }
        }
    }

    async fn write(&self, mut bytes: &[u8]) -> anyhow::Result<()> {
        while !bytes.is_empty() {
            self.socket.writable().await?;
            match self.socket.try_write(bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Reads what is there, through one buffer that all clients share.
    async fn fill(&mut self) -> anyhow::Result<usize> {
        thread_local! {
            static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; 256 * 1024]);
        }
        loop {
            self.socket.readable().await?;
            let read = BUFFER.with_borrow_mut(|buffer| {
                let read = self.socket.try_read(buffer);
                if let Ok(count) = read {
                    self.carry.extend_from_slice(&buffer[..count]);
                }
                read
            });
            match read {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                read => return Ok(read?),
            }
        }
    }

    /// Reads for ever.
    async fn listen(mut self, seen: Rc<Seen>) {
        loop {
            while let Some((head, len)) = self.next_frame() {
                let ping = self.carry[0] & 0xf == 9;
                seen.read(&self.carry[head..head + len]);
                self.carry.advance(head + len);
                if ping {
                    let _ = self.write(&[0x8a, 0x80, 0, 0, 0, 0]).await;
                }
            }
            if self.carry.is_empty() {
                // Idle clients keep nothing.
                self.carry = BytesMut::new();
            }
            if !matches!(self.fill().await, Ok(1..)) {
                return seen.closed.set(seen.closed.get() + 1);
            }
        }
    }

    /// Lengths of head and payload, if all of it is there.
    fn next_frame(&self) -> Option<(usize, usize)> {
        let bytes = &self.carry;
        let (head, len) = match *bytes.get(1)? {
            126 => (4, usize::from(u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?]))),
            127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?) as usize),
            len => (2, usize::from(len)),
        };
        (bytes.len() >= head + len).then_some((head, len))
    }
}

/// Guests of a room who read everything.
async fn guests(
    server: SocketAddr,
    rooms: usize,
    count: usize,
    resume: Option<Position>,
    seen: &Rc<Seen>,
) -> anyhow::Result<JoinSet<()>> {
    let hello = frame(&json(&ClientFrame::Hello(Hello { v: VERSION, resume, ..Hello::default() })));
    let mut listening = JoinSet::new();
    for first in (0..count).step_by(AT_ONCE) {
        let mut joining = JoinSet::new();
        for number in first..count.min(first + AT_ONCE) {
            let hello = hello.clone();
            joining.spawn_local(async move {
                let client = Client::upgrade(server, &format!("/chat/bench{}", number % rooms), number).await?;
                client.write(&hello).await?;
                anyhow::Ok(client)
            });
        }
        while let Some(client) = joining.join_next().await {
            let client = client??;
            listening.spawn_local(client.listen(seen.clone()));
        }
    }
    until(|| seen.welcomes.get() >= count as u64, "every client is welcomed").await?;
    Ok(listening)
}

async fn until(done: impl Fn() -> bool, what: &str) -> anyhow::Result<()> {
    let waiting = async {
        while !done() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(120), waiting).await.with_context(|| format!("waited for: {what}"))
}

/// Says something in a room, with the time in it. The owner of all channels speaks.
struct Speaker {
    client: Client,
    /// Tells the speakers apart, who are all the same user.
    number: usize,
    said: u64,
}

impl Speaker {
    async fn new(peer: &Peer, room: usize, number: usize) -> anyhow::Result<Self> {
        let mut client = Client::upgrade(peer.http, &format!("/chat/bench{room}"), 0).await?;
        let token = Some(peer.token.clone());
        client.write(&frame(&json(&ClientFrame::Hello(Hello { v: VERSION, token, ..Hello::default() })))).await?;
        while find(&client.carry, b"\"op\":\"welcome\"").is_none() {
            ensure!(client.fill().await? > 0, "the speaker was not welcomed");
        }
        client.carry.clear();
        Ok(Self { client, number, said: 0 })
    }

    async fn say(&mut self, seen: &Seen) -> anyhow::Result<()> {
        self.said += 1;
        let text = format!("t{} a message of the length that people write in a chat", seen.micros());
        let say = Say { id: format!("{}-{}", self.number, self.said), text, reply_to: None };
        self.client.write(&frame(&json(&ClientFrame::Say(say)))).await?;
        // What comes back is of no interest, but has to be taken.
        loop {
            match self.client.socket.try_read(&mut [0; 4096]) {
                Ok(1..) => {}
                Ok(0) => bail!("the speaker was thrown out"),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn server(rooms: usize) -> anyhow::Result<Peer> {
    let many = u32::MAX.to_string();
    let flags = ["--max-chatters-per-address", &many, "--chat-rate", &many, "--requests", &many];
    // It has a runtime of its own for a moment, which this thread cannot have a second time.
    let start = || Peer::rivulet(rooms, &flags.map(str::to_owned));
    std::thread::scope(|scope| scope.spawn(start).join()).map_err(|_| anyhow!("the server was not started"))?
}

/// Idle connections first, then a message a second for all of them; more often where there are fewer,
/// so that there is as much to deliver.
async fn large_room(connections: usize, time: Duration) -> anyhow::Result<()> {
    let peer = server(1)?;
    let seen = Seen::new();
    let _first = guests(peer.http, 1, 1, None, &seen).await?;
    let before = resident_bytes(peer.pid());
    let began = Instant::now();
    seen.welcomes.set(0);
    let _others = guests(peer.http, 1, connections - 1, None, &seen).await?;
    println!("{connections} connections in one room, made in {:.1} s", began.elapsed().as_secs_f64());
    let each = resident_bytes(peer.pid()).saturating_sub(before) as f64 / connections as f64;
    let idle = cpu_seconds(peer.pid());
    sleep(time).await;
    let idle = (cpu_seconds(peer.pid()) - idle) / time.as_secs_f64();
    verdict("KB a connection", each / 1000.0, 12.0, true);
    verdict(&format!("share of a core for {connections} that are idle"), idle, 0.1, true);
    let rate = (100_000 / connections).max(1) as u64;
    let mut speaker = Speaker::new(&peer, 0, 0).await?;
    let (ours, theirs) = (cpu_seconds(peer.pid()), cpu_seconds(std::process::id()));
    let mut ticks = interval(Duration::from_secs(1) / rate as u32);
    let messages = rate * time.as_secs();
    for _ in 0..messages {
        ticks.tick().await;
        speaker.say(&seen).await?;
    }
    let all = messages * connections as u64;
    let _ = timeout(Duration::from_secs(20), until(|| seen.deliveries.get() >= all, "all deliveries")).await;
    let seconds = time.as_secs_f64();
    let [p50, p99, worst] = seen.spread();
    println!(
        "  {rate} publishes/s, {:.0} deliveries/s: p50 {p50:.0} ms, p99 {p99:.0} ms, worst {worst:.0} ms; \
         server {:.0} %, clients {:.0} % of a core",
        seen.deliveries.get() as f64 / seconds,
        100.0 * (cpu_seconds(peer.pid()) - ours) / seconds,
        100.0 * (cpu_seconds(std::process::id()) - theirs) / seconds,
    );
    verdict("deliveries lost", (all - seen.deliveries.get()) as f64, 0.0, true);
    verdict("p99 in ms, one large room", p99, 1000.0, true);
    ensure!(seen.closed.get() == 0 && seen.gaps.get() == 0, "{} closed, {} gaps", seen.closed.get(), seen.gaps.get());
    Ok(())
}

/// Everybody was cut off, and comes back within ten seconds to where they were.
async fn storm(connections: usize) -> anyhow::Result<()> {
    let peer = server(1)?;
    let seen = Seen::new();
    let mut speaker = Speaker::new(&peer, 0, 0).await?;
    let watcher = Seen::new();
    let _watching = guests(peer.http, 1, 1, None, &watcher).await?;
    for n in 1..=20 {
        speaker.say(&watcher).await?;
        until(|| watcher.deliveries.get() >= n, "what was said is heard").await?;
    }
    let resume = Some(Position { epoch: 1, n: 10 });
    let hello = frame(&json(&ClientFrame::Hello(Hello { v: VERSION, resume, ..Hello::default() })));
    let took: Rc<RefCell<Vec<f64>>> = Rc::default();
    let mut clients = JoinSet::new();
    let mut ticks = interval(Duration::from_millis(10));
    let (a_tick, ours) = (connections / 1000, cpu_seconds(peer.pid()));
    for number in 0..connections {
        if number % a_tick.max(1) == 0 {
            ticks.tick().await;
        }
        let (hello, took, seen, server) = (hello.clone(), took.clone(), seen.clone(), peer.http);
        clients.spawn_local(async move {
            let began = Instant::now();
            let mut client = Client::upgrade(server, "/chat/bench0", number).await?;
            client.write(&hello).await?;
            // The welcome, and then the ten that it missed.
            while client.carry.windows(MARK.len()).filter(|bytes| *bytes == MARK).count() < 10 {
                ensure!(client.fill().await? > 0, "the connection was closed");
            }
            let recovered = find(&client.carry, b"\"recovered\":true").is_some();
            seen.recovered.set(seen.recovered.get() + u64::from(recovered));
            took.borrow_mut().push(began.elapsed().as_secs_f64() * 1e3);
            anyhow::Ok(client)
        });
    }
    let mut failed = 0;
    let mut alive = Vec::new();
    while let Some(client) = clients.join_next().await {
        match client? {
            Ok(client) => alive.push(client),
            Err(error) => {
                failed += 1;
                eprintln!("{error:#}");
            }
        }
    }
    let mut took = took.take();
    took.sort_by(f64::total_cmp);
    let p99 = took.get(took.len() * 99 / 100).copied().unwrap_or(f64::NAN);
    println!(
        "{connections} come back in 10 s: {} recovered, {failed} failed, p50 {:.0} ms, {:.1} CPU s of the server",
        seen.recovered.get(),
        median(took),
        cpu_seconds(peer.pid()) - ours,
    );
    ensure!(failed == 0 && seen.recovered.get() == connections as u64, "not everybody was served");
    verdict("p99 in ms, coming back", p99, 3000.0, true);
    Ok(())
}

/// A tenth of the clients reads nothing.
async fn slow(connections: usize, time: Duration) -> anyhow::Result<()> {
    let mut p99s = Vec::new();
    let mut memory = 0.0;
    for share in [0, 10] {
        let peer = server(1)?;
        let seen = Seen::new();
        let stuck = connections * share / 100;
        let hello = frame(&json(&ClientFrame::Hello(Hello { v: VERSION, ..Hello::default() })));
        let mut silent = Vec::new();
        for number in 0..stuck {
            let client = Client::upgrade(peer.http, "/chat/bench0", number).await?;
            client.write(&hello).await?;
            silent.push(client);
        }
        let _reading = guests(peer.http, 1, connections - stuck, None, &seen).await?;
        let before = resident_bytes(peer.pid());
        // One connection may not say so much.
        let mut speakers = Vec::new();
        for number in 0..10 {
            speakers.push(Speaker::new(&peer, 0, number).await?);
        }
        let mut ticks = interval(Duration::from_millis(20));
        for n in 0..time.as_secs() * 50 {
            ticks.tick().await;
            speakers[n as usize % 10].say(&seen).await?;
        }
        let all = time.as_secs() * 50 * (connections - stuck) as u64;
        let _ = timeout(Duration::from_secs(20), until(|| seen.deliveries.get() >= all, "all deliveries")).await;
        memory = resident_bytes(peer.pid()).saturating_sub(before) as f64 / 1e6;
        let [p50, p99, worst] = seen.spread();
        println!(
            "{connections} clients, {share} % read nothing, 50 publishes/s: p50 {p50:.0} ms, p99 {p99:.0} ms, \
             worst {worst:.0} ms, {} of {all} deliveries, {memory:.0} MB more",
            seen.deliveries.get(),
        );
        p99s.push(p99);
    }
    verdict("p99 with a tenth that reads nothing, ratio to without", p99s[1] / p99s[0], 1.3, true);
    verdict("MB more for those who read nothing", memory, 100.0, true);
    Ok(())
}

/// A server of NATS with its WebSocket front.
struct Nats {
    child: Child,
    address: SocketAddr,
    _folder: rivulet_store::testing::TempDir,
}

impl Drop for Nats {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Nats {
    async fn start() -> anyhow::Result<Self> {
        let folder = rivulet_store::testing::TempDir::new();
        let (port, plain) = (rivulet_store::testing::free_port(), rivulet_store::testing::free_port());
        let config = folder.path().join("nats.conf");
        let text = format!(
            "listen: 127.0.0.1:{plain}\nmax_connections: 200000\nwebsocket {{ listen: \"127.0.0.1:{port}\", no_tls: true }}\n"
        );
        std::fs::write(&config, text)?;
        let child = pinned(SERVER_CORE, "nats-server")
            .arg("-c")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot run nats-server")?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let nats = Self { child, address, _folder: folder };
        let mut tries = 0;
        while TcpStream::connect(address).await.is_err() {
            tries += 1;
            ensure!(tries < 200, "nats-server does not start");
            sleep(Duration::from_millis(50)).await;
        }
        Ok(nats)
    }
}

/// Deliveries for each second of processor time of the server.
async fn small_rooms(rooms: usize, rate: u64, time: Duration, pairs: usize) -> anyhow::Result<()> {
    println!("{rooms} rooms of {ROOM_OF}, {rate} publishes a second in each");
    // No connection says more than five things in a second.
    let voices = rate.div_ceil(5);
    let mut ratios = Vec::new();
    for _ in 0..pairs {
        let here = {
            let peer = server(rooms)?;
            let seen = Seen::new();
            let _reading = guests(peer.http, rooms, rooms * ROOM_OF, None, &seen).await?;
            let mut speakers = Vec::new();
            for speaker in 0..rooms * voices as usize {
                speakers.push(Speaker::new(&peer, speaker % rooms, speaker).await?);
            }
            let before = cpu_seconds(peer.pid());
            // Each has its turn `rate / voices` times a second, spread over time.
            let turns = rate / voices * 50;
            let mut ticks = interval(Duration::from_secs(1) / turns as u32);
            let began = Instant::now();
            for round in 0..time.as_secs() * turns {
                ticks.tick().await;
                for speaker in speakers.iter_mut().skip((round % 50) as usize).step_by(50) {
                    speaker.say(&seen).await?;
                }
            }
            let all = time.as_secs() * rate * (rooms * ROOM_OF) as u64;
            let _ = timeout(Duration::from_secs(20), until(|| seen.deliveries.get() >= all, "all deliveries")).await;
            report("rivulet", &seen, all, began.elapsed(), cpu_seconds(peer.pid()) - before)
        };
        let there = {
            let nats = Nats::start().await?;
            let seen = Seen::new();
            let mut listening = JoinSet::new();
            for number in 0..rooms * ROOM_OF {
                let client = Client::upgrade(nats.address, "/", number).await?;
                let text = format!("CONNECT {{\"verbose\":false}}\r\nSUB room{} 1\r\n", number % rooms);
                client.write(&frame(text.as_bytes())).await?;
                listening.spawn_local(client.listen(seen.clone()));
            }
            let mut speakers = Vec::new();
            for _ in 0..rooms * voices as usize {
                let client = Client::upgrade(nats.address, "/", 0).await?;
                client.write(&frame(b"CONNECT {\"verbose\":false}\r\n")).await?;
                speakers.push(client);
            }
            sleep(Duration::from_secs(1)).await;
            seen.forget();
            let before = cpu_seconds(nats.child.id());
            let turns = rate / voices * 50;
            let mut ticks = interval(Duration::from_secs(1) / turns as u32);
            let began = Instant::now();
            for round in 0..time.as_secs() * turns {
                ticks.tick().await;
                for (number, speaker) in speakers.iter().enumerate().skip((round % 50) as usize).step_by(50) {
                    let payload = payload(seen.micros());
                    let text = format!("PUB room{} {}\r\n{payload}\r\n", number % rooms, payload.len());
                    speaker.write(&frame(text.as_bytes())).await?;
                }
            }
            let all = time.as_secs() * rate * (rooms * ROOM_OF) as u64;
            let _ = timeout(Duration::from_secs(20), until(|| seen.deliveries.get() >= all, "all deliveries")).await;
            report("nats", &seen, all, began.elapsed(), cpu_seconds(nats.child.id()) - before)
        };
        ratios.push(here / there);
    }
    let name = format!("rooms with {rate} a second, deliveries a second and core, ratio to nats-server");
    verdict(&name, median(ratios), 1.5, false);
    Ok(())
}

/// As long as one of our events.
fn payload(micros: u64) -> String {
    format!(
        "{{\"op\":\"event\",\"epoch\":1,\"n\":10,\"sent_ms\":1795287857448,\"kind\":\"message\",\"id\":\"06gzyzns516hc5mv8anft45k54\",\
         \"at_ms\":1795287857448,\"author\":{{\"id\":\"06gzyznrz0f8hdpc62ghpg7h3w\",\"login\":\"bench\",\"display_name\":\"bench\",\
         \"badges\":[{{\"kind\":\"broadcaster\",\"version\":\"1\"}}]}},\"text\":\"t{micros} a message of the length that people write in a chat\"}}"
    )
}

fn report(name: &str, seen: &Seen, all: u64, took: Duration, cpu: f64) -> f64 {
    let [p50, p99, worst] = seen.spread();
    let deliveries = seen.deliveries.get() as f64;
    println!(
        "  {name:8} {:7.0} deliveries/s ({} of {all}), {:.0} % of a core: {:.0} a second and core; p50 {p50:.0} ms, p99 {p99:.0} ms, worst {worst:.0} ms",
        deliveries / took.as_secs_f64(),
        seen.deliveries.get(),
        100.0 * cpu / took.as_secs_f64(),
        deliveries / cpu,
    );
    deliveries / cpu
}

/// Anonymous clients of the IRC gateway in one channel.
async fn irc(connections: usize, time: Duration) -> anyhow::Result<()> {
    let peer = server(1)?;
    let before = resident_bytes(peer.pid());
    let heard = Rc::new(Cell::new(0u64));
    let mut clients = JoinSet::new();
    let joined = Rc::new(Cell::new(0usize));
    for number in 0..connections {
        let mut client = Client::connect(peer.irc, number).await?;
        client.write(format!("NICK justinfan{number}\r\nJOIN #bench0\r\n").as_bytes()).await?;
        let (heard, joined) = (heard.clone(), joined.clone());
        clients.spawn_local(async move {
            let mut here = false;
            while let Ok(1..) = client.fill().await {
                if !here && find(&client.carry, b"ROOMSTATE").is_some() {
                    here = true;
                    joined.set(joined.get() + 1);
                }
                let lines = client.carry.windows(11).filter(|bytes| *bytes == b" PRIVMSG #b").count() as u64;
                heard.set(heard.get() + lines);
                client.carry.clear();
            }
        });
        if number % AT_ONCE == 0 {
            sleep(Duration::from_millis(5)).await;
        }
    }
    until(|| joined.get() == connections, "every IRC client has joined").await?;
    let each = resident_bytes(peer.pid()).saturating_sub(before) as f64 / connections as f64;
    let seen = Seen::new();
    let mut speaker = Speaker::new(&peer, 0, 0).await?;
    let mut ticks = interval(Duration::from_secs(1));
    let cpu = cpu_seconds(peer.pid());
    for _ in 0..time.as_secs() {
        ticks.tick().await;
        speaker.say(&seen).await?;
    }
    let all = time.as_secs() * connections as u64;
    let _ = timeout(Duration::from_secs(20), until(|| heard.get() >= all, "all lines")).await;
    println!(
        "{connections} IRC clients: {} of {all} lines, {:.1} KB each, {:.0} % of a core at one message a second",
        heard.get(),
        each / 1000.0,
        100.0 * (cpu_seconds(peer.pid()) - cpu) / time.as_secs_f64(),
    );
    verdict("IRC clients", if heard.get() >= all { connections as f64 } else { 0.0 }, 10_000.0, false);
    Ok(())
}
