//! `publishers` and `unwatched`: what taking a stream and writing it as HLS costs, here and in
//! nginx with its RTMP module. Both get the same encoders and the same core, one after the other.

use super::generator::{Generator, make_flv};
use super::peer::{Peer, cpu_seconds};
use super::{median, verdict};
use anyhow::ensure;
use clap::Args;
use rivulet_store::testing::TempDir;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Encoders of the first look, which decides how many fill most of a core.
const FIRST_LOOK: usize = 50;
const FILL: f64 = 0.8;
/// Playlists are there and first segments written.
const WARM_UP: Duration = Duration::from_secs(6);
/// Beyond this, the server or the load has not kept up.
const MAX_BEHIND: Duration = Duration::from_secs(1);
/// About 600 kb/s, as a phone sends: 500 of video, 96 of sound.
const PHONE: &str = "-vf scale=-2:360 -c:v libx264 -preset veryfast -pix_fmt yuv420p -b:v 500k -maxrate 500k \
    -bufsize 1000k -g 60 -keyint_min 60 -sc_threshold 0 -c:a aac -b:a 96k -ac 2";

#[derive(Args)]
struct Measure {
    /// A clip with H.264 video and AAC sound, such as 1080p30
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    /// How long each run is measured
    #[arg(long, default_value_t = 15, value_name = "S")]
    seconds: u64,
    /// Runs of each server, in turn
    #[arg(long, default_value_t = 3, value_name = "N")]
    pairs: usize,
    /// Further flags for `rivulet serve`
    #[arg(last = true, value_name = "FLAG")]
    serve: Vec<String>,
}

#[derive(Args)]
pub struct Publishers {
    #[command(flatten)]
    measure: Measure,
    /// Encoders at a time [default: as many as keep the busier server's core 80 % busy]
    #[arg(long, value_name = "N")]
    publishers: Option<usize>,
}

#[derive(Args)]
pub struct Unwatched {
    #[command(flatten)]
    measure: Measure,
    /// Broadcasts at a time
    #[arg(long, default_value_t = 20, value_name = "N")]
    broadcasts: usize,
}

#[derive(Clone, Copy)]
enum Server {
    Rivulet,
    Nginx { hls: bool },
}

/// One run, in shares of a core.
struct Load {
    server: f64,
    generator: f64,
    behind: Duration,
}

pub fn publishers(options: &Publishers) -> anyhow::Result<()> {
    let folder = TempDir::new();
    let flv = make_flv(&options.measure.input, folder.path(), &PHONE.split_whitespace().collect::<Vec<_>>())?;
    let run = |server, encoders| options.measure.run(server, encoders, &flv);
    let count = match options.publishers {
        Some(count) => count,
        None => {
            let (ours, nginx) = (run(Server::Rivulet, FIRST_LOOK)?, run(Server::Nginx { hls: true }, FIRST_LOOK)?);
            (FIRST_LOOK as f64 * FILL / ours.server.max(nginx.server)) as usize
        }
    };
    println!("{count} encoders of 600 kb/s, one core for the server; nginx-rtmp writes HLS, too");
    let capacity = |load: &Load| count as f64 / load.server;
    let (mut ratios, mut without) = (Vec::new(), Vec::new());
    for _ in 0..options.measure.pairs {
        let ours = run(Server::Rivulet, count)?;
        let nginx = run(Server::Nginx { hls: true }, count)?;
        let plain = run(Server::Nginx { hls: false }, count)?;
        for (name, load) in [("rivulet", &ours), ("nginx-rtmp", &nginx), ("nginx-rtmp, no HLS", &plain)] {
            println!("  {name:18}  {}, so a core holds {:4.0}", load.text(), capacity(load));
        }
        ratios.push(capacity(&ours) / capacity(&nginx));
        without.push(capacity(&ours) / capacity(&plain));
    }
    println!("  ratio to nginx-rtmp without HLS {:.3}", median(without));
    verdict("publishers a core, ratio to nginx-rtmp", median(ratios), 1.0, false);
    Ok(())
}

pub fn unwatched(options: &Unwatched) -> anyhow::Result<()> {
    let folder = TempDir::new();
    let flv = make_flv(&options.measure.input, folder.path(), &["-c", "copy"])?;
    let count = options.broadcasts;
    println!("{count} broadcasts that nobody watches, {}", options.measure.input.display());
    let (mut ratios, mut shares) = (Vec::new(), Vec::new());
    for _ in 0..options.measure.pairs {
        let ours = options.measure.run(Server::Rivulet, count, &flv)?;
        let nginx = options.measure.run(Server::Nginx { hls: true }, count, &flv)?;
        for (name, load) in [("rivulet", &ours), ("nginx-rtmp", &nginx)] {
            println!("  {name:10}  {}, {:.2} % a broadcast", load.text(), 100.0 * load.server / count as f64);
        }
        ratios.push(ours.server / nginx.server);
        shares.push(ours.server / count as f64);
    }
    verdict("CPU, ratio to nginx-rtmp", median(ratios), 1.0, true);
    verdict("cores for 100 broadcasts", 100.0 * median(shares), 1.0, true);
    Ok(())
}

impl Measure {
    fn run(&self, server: Server, encoders: usize, flv: &Path) -> anyhow::Result<Load> {
        let mut peer = match server {
            Server::Rivulet => Peer::rivulet(encoders, &self.serve)?,
            Server::Nginx { hls } => Peer::nginx(encoders, hls)?,
        };
        let generator = Generator::start(flv, &peer.publish)?;
        std::thread::sleep(WARM_UP);
        let used = || (peer.cpu_seconds(), cpu_seconds(generator.pid()));
        let (since, before) = (Instant::now(), used());
        std::thread::sleep(Duration::from_secs(self.seconds));
        let (after, seconds) = (used(), since.elapsed().as_secs_f64());
        // Asked for only now: a request would make it a broadcast that is watched.
        if !matches!(server, Server::Nginx { hls: false }) {
            peer.wait("HLS of the first encoder", |peer| peer.plays(0).then_some(()))?;
            ensure!(peer.plays(encoders - 1), "the last encoder's stream is not there");
        }
        let share = |after: f64, before: f64| (after - before) / seconds;
        let behind = generator.stop()?;
        Ok(Load { server: share(after.0, before.0), generator: share(after.1, before.1), behind })
    }
}

impl Load {
    fn text(&self) -> String {
        let late = if self.behind > MAX_BEHIND { format!(", {:?} BEHIND", self.behind) } else { String::new() };
        format!("core {:4.1} % busy (load {:4.1} %{late})", 100.0 * self.server, 100.0 * self.generator)
    }
}
