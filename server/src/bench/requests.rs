//! `requests`: segments and parts as fast as one core gives them out, against nginx with the same bytes in
//! a file; then players that wait for the next segment, and the memory that they cost.

use super::generator::{Generator, make_flv};
use super::peer::{Peer, get, resident_bytes};
use super::{measure, median, verdict};
use anyhow::{Context, ensure};
use clap::Args;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use rivulet_store::testing::TempDir;
use std::io::{ErrorKind, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

#[derive(Args)]
pub struct Requests {
    /// A clip with H.264 video and AAC sound, such as 1080p30
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    /// How long each run is measured; a part is there for 6 s
    #[arg(long, default_value_t = 4, value_name = "S")]
    seconds: u64,
    /// Runs of each server, in turn
    #[arg(long, default_value_t = 5, value_name = "N")]
    pairs: usize,
    /// Connections that ask again and again
    #[arg(long, default_value_t = 32, value_name = "N")]
    connections: usize,
    /// Connections that wait for the next segment
    #[arg(long, default_value_t = 5_000, value_name = "N")]
    waiters: usize,
}

pub fn run(options: &Requests) -> anyhow::Result<()> {
    // Each waiter is a descriptor here and one in the server.
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
    let folder = TempDir::new();
    let flv = make_flv(&options.input, folder.path(), &["-c", "copy"])?;
    // No rung is smaller than the source's own size: nothing but serving takes the core.
    let mut ours = Peer::rivulet(1, &["--ladder".into(), "4320:20000".into()])?;
    let nginx = Peer::nginx(0, false)?;
    let generator = Generator::start(&flv, &ours.publish)?;
    let source = ours.wait("three segments", |ours| {
        let playlist = Playlist::fetch(ours.http, "source").ok()?;
        (playlist.segments.len() > 2).then_some(playlist)
    })?;
    println!("{} connections, one core for the server", options.connections);
    for (name, rendition, part) in
        [("source segment", "source", false), ("source part", "source", true), ("audio segment", "audio", false)]
    {
        let mut ratios = Vec::new();
        for _ in 0..options.pairs {
            let playlist = Playlist::fetch(ours.http, rendition)?;
            let files = if part { &playlist.parts } else { &playlist.segments };
            let path = files.last().with_context(|| format!("the playlist lists no {name}"))?;
            let bytes = get(ours.http, path)?;
            std::fs::write(nginx.root().join("segment.m4s"), &bytes)?;
            let here = measure(&ours, path, options.connections, options.seconds)?;
            let there = measure(&nginx, "/segment.m4s", options.connections, options.seconds)?;
            println!(
                "  {name:14} {:7} bytes  rivulet {:7.0}/s at {:3.0} % of a core  nginx {:7.0}/s at {:3.0} %",
                bytes.len(),
                here.requests,
                100.0 * here.core,
                there.requests,
                100.0 * there.core,
            );
            ratios.push((here.requests / here.core) / (there.requests / there.core));
        }
        // By used core: with large files it is the client that is at its limit.
        verdict(&format!("{name}, requests a second and core, ratio to nginx"), median(ratios), 0.8, false);
    }
    // Without media, no request is answered before its time is up.
    generator.pause()?;
    std::thread::sleep(Duration::from_millis(500));
    let next = Playlist::fetch(ours.http, "source")?.next;
    let path = format!("{}?_HLS_msn={next}", source.path);
    waiters(&ours, &path, options.waiters)
}

/// What a player knows of one rendition.
struct Playlist {
    path: String,
    segments: Vec<String>,
    parts: Vec<String>,
    /// Number of the segment that comes next.
    next: u64,
}

impl Playlist {
    fn fetch(server: SocketAddr, rendition: &str) -> anyhow::Result<Self> {
        let master = String::from_utf8(get(server, "/live/bench0/master.m3u8")?)?;
        // BROADCAST/RENDITION/index.m3u8
        let broadcast = master.lines().find_map(|line| line.split_once("/source/")).context("no source yet")?.0;
        let folder = format!("/live/bench0/{broadcast}/{rendition}");
        let path = format!("{folder}/index.m3u8");
        let text = String::from_utf8(get(server, &path)?)?;
        let first = text.lines().find_map(|line| line.strip_prefix("#EXT-X-MEDIA-SEQUENCE:"));
        let first: u64 = first.context("no media sequence")?.parse()?;
        let names = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let segments: Vec<String> = names.map(|name| format!("{folder}/{name}")).collect();
        let parts = text.lines().filter_map(|line| line.strip_prefix("#EXT-X-PART:")?.split('"').nth(1));
        let parts = parts.map(|name| format!("{folder}/{name}")).collect();
        Ok(Self { path, next: first + segments.len() as u64, segments, parts })
    }
}

fn waiters(server: &Peer, path: &str, count: usize) -> anyhow::Result<()> {
    let before = resident_bytes(server.pid());
    let mut players = Vec::with_capacity(count);
    for _ in 0..count {
        let mut socket = TcpStream::connect(server.http)?;
        write!(socket, "GET {path} HTTP/1.1\r\nHost: {}\r\nUser-Agent: bench\r\n\r\n", server.http)?;
        socket.set_nonblocking(true)?;
        players.push(socket);
    }
    std::thread::sleep(Duration::from_millis(1_000));
    let bytes = resident_bytes(server.pid()).saturating_sub(before);
    let waits = |player: &TcpStream| matches!(player.peek(&mut [0]), Err(e) if e.kind() == ErrorKind::WouldBlock);
    let waiting = players.iter().filter(|player| waits(player)).count();
    ensure!(waiting == count, "{} of {count} requests were answered at once", count - waiting);
    let each = bytes as f64 / count as f64;
    println!("{count} players wait for the next segment; a GB holds {:.0} of them", 1e9 / each);
    verdict("KB a waiting player", each / 1000.0, 8.0, true);
    Ok(())
}
