//! `rivulet bench`: speed as ratios against a named peer, both measured in one run. Each bench
//! starts the servers that it needs, pins them to one core and puts the load on another.

mod api;
mod chat;
mod generator;
mod ingest;
mod ladder;
mod peer;
mod requests;

use anyhow::{Context, ensure};
use clap::Subcommand;
use std::path::PathBuf;

#[derive(Subcommand)]
pub enum Bench {
    /// Our ladder against one ffmpeg process with the same rungs and x264 settings
    Ladder {
        /// A clip with H.264 video, such as 1080p30 with sound
        #[arg(long, value_name = "FILE")]
        input: PathBuf,
    },
    /// How many encoders of 600 kb/s one core takes, against nginx with its RTMP module
    Publishers(ingest::Publishers),
    /// What a broadcast costs that nobody watches, against nginx with its RTMP module
    Unwatched(ingest::Unwatched),
    /// Segments from memory against nginx with the same bytes in files, and what a waiting player costs
    Requests(requests::Requests),
    /// The directory page and the channel API of a large instance, against an axum server that says hello
    Api(api::Options),
    /// Chat: idle connections, a large room, many small ones beside nats-server, a storm, slow readers, IRC
    Chat(chat::Options),
    /// An axum server that says hello
    #[command(hide = true)]
    Hello,
    /// The load: plays an FLV file to the RTMP addresses on standard input, in real time
    #[command(hide = true)]
    Publish { input: PathBuf },
}

pub fn run(bench: Bench) -> anyhow::Result<()> {
    match bench {
        Bench::Ladder { input } => ladder::run(&input),
        Bench::Publishers(options) => ingest::publishers(&options),
        Bench::Unwatched(options) => ingest::unwatched(&options),
        Bench::Requests(options) => requests::run(&options),
        Bench::Api(options) => api::run(&options),
        Bench::Chat(options) => chat::run(&options),
        Bench::Hello => api::hello(),
        Bench::Publish { input } => generator::run(&input),
    }
}

/// Ratios are judged pair by pair, since the machine's speed drifts.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Requests a second, and the share of a core that the server used.
struct Rate {
    requests: f64,
    core: f64,
}

/// What `wrk` gets out of a server with some connections that ask again and again.
fn measure(server: &peer::Peer, path: &str, connections: usize, seconds: u64) -> anyhow::Result<Rate> {
    let before = server.cpu_seconds();
    let output = peer::pinned(peer::LOAD_CORE, "wrk")
        .args(["-t1", &format!("-c{connections}"), &format!("-d{seconds}s")])
        .arg(format!("http://{}{path}", server.http))
        .output()
        .context("cannot run wrk")?;
    let core = (server.cpu_seconds() - before) / seconds as f64;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success() && !text.contains("Non-2xx"), "wrk: {text}");
    let line = text.lines().find_map(|line| line.strip_prefix("Requests/sec:")).context("wrk says no rate")?;
    Ok(Rate { requests: line.trim().parse()?, core })
}

/// A figure against its goal, as the last line of a bench.
fn verdict(name: &str, value: f64, goal: f64, at_most: bool) {
    let met = if at_most { value <= goal } else { value >= goal };
    let (bound, met) = (if at_most { "at most" } else { "at least" }, if met { "met" } else { "MISSED" });
    println!("  {name} {value:.4}, goal {bound} {goal}: {met}");
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_median_is_the_one_in_the_middle() {
        assert_eq!(super::median(vec![3.0, 1.0, 2.0]), 2.0);
        assert!(super::median(Vec::new()).is_nan());
    }
}
