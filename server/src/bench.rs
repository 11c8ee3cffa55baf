//! `rivulet bench`: speed as ratios against a named peer, both measured in one run.

use anyhow::{Context, bail};
use clap::Subcommand;
use nix::sys::resource::{UsageWho, getrusage};
use rivulet_transcoder::Ladder;
use rivulet_transcoder::bench::{Feed, encoder_options};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[derive(Subcommand)]
pub enum Bench {
    /// Our ladder against one ffmpeg process with the same rungs and x264 settings
    Ladder {
        /// A clip with H.264 video, such as 1080p30 with sound
        #[arg(long, value_name = "FILE")]
        input: PathBuf,
    },
}

pub fn run(bench: Bench) -> anyhow::Result<()> {
    match bench {
        Bench::Ladder { input } => ladder(&input),
    }
}

/// What one run cost, by the operating system's own account of the finished process.
#[derive(Debug, Clone, Copy)]
struct Cost {
    cpu: f64,
    wall: f64,
    peak_mib: f64,
}

/// Pairs of runs: the ratio is judged pair by pair, since the machine's speed drifts.
const PAIRS: usize = 3;

fn ladder(input: &Path) -> anyhow::Result<()> {
    let clip = rivulet_transcoder::bench::read_clip(input).context("cannot read the clip")?;
    let seconds = clip.seconds();
    println!("{}: {}x{}, {:.2} fps, {seconds:.1} s", input.display(), clip.width, clip.height, clip.fps());
    let peer = Ladder { remux: false, ..Ladder::default() };
    for (name, remux) in [("every rung encoded", false), ("as by default, source remuxed", true)] {
        let ours = Ladder { remux, ..Ladder::default() };
        let feed = clip.feed(&ours)?;
        let (mut ratios, mut last) = (Vec::new(), None);
        for _ in 0..PAIRS {
            let (a, b) = (run_worker(&feed)?, run_ffmpeg(input, &clip.plan(&peer), &peer)?);
            ratios.push((a.cpu / b.cpu, a.peak_mib / b.peak_mib));
            last = Some((a, b));
        }
        let Some((a, b)) = last else { bail!("nothing was measured") };
        ratios.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (cpu, memory) = ratios[PAIRS / 2];
        println!("\n{name}");
        println!("  CPU seconds  rivulet {:6.2}  ffmpeg {:6.2}  ratio {cpu:.2}", a.cpu, b.cpu);
        println!("  peak memory  rivulet {:5.0} MiB  ffmpeg {:5.0} MiB  ratio {memory:.2}", a.peak_mib, b.peak_mib);
        println!("  pictures a second and core  {:.0}", clip.pictures() as f64 / a.cpu);
        println!("  slowest rung against real time  {:.2}", seconds / a.wall);
    }
    Ok(())
}

/// Our worker, fed as fast as it reads, as the server would feed it.
fn run_worker(feed: &Feed) -> anyhow::Result<Cost> {
    let program = std::env::current_exe()?;
    measure(Command::new(program).arg("worker").stdin(Stdio::piped()).stdout(Stdio::null()), |stdin| feed.write(stdin))
}

/// One process: decode once, split, scale, encode with the same settings.
fn run_ffmpeg(input: &Path, rungs: &[rivulet_protocol::worker::Rung], ladder: &Ladder) -> anyhow::Result<Cost> {
    let mut graph = format!("[0:v]split={}", rungs.len());
    (0..rungs.len()).for_each(|n| graph += &format!("[s{n}]"));
    for (n, rung) in rungs.iter().enumerate() {
        graph += &format!(";[s{n}]scale={}:{}:flags=bicubic[v{n}]", rung.width, rung.height);
    }
    let mut command = Command::new("ffmpeg");
    command.args(["-hide_banner", "-loglevel", "error", "-nostdin", "-y", "-i"]).arg(input);
    command.args(["-filter_complex", &graph]);
    for (n, rung) in rungs.iter().enumerate() {
        command.args(["-map", &format!("[v{n}]"), "-c:v", "libx264"]);
        for (key, value) in encoder_options(rung, ladder) {
            command.args([format!("-{key}"), value]);
        }
        command.args([
            "-force_key_frames",
            "expr:gte(t,n_forced*2)",
            "-f",
            "mp4",
            "-movflags",
            "frag_keyframe+empty_moov",
        ]);
        command.arg("/dev/null");
    }
    measure(command.stdin(Stdio::null()), |_| Ok(()))
}

fn measure(
    command: &mut Command,
    feed: impl FnOnce(&mut std::process::ChildStdin) -> std::io::Result<()>,
) -> anyhow::Result<Cost> {
    let (since, before) = (Instant::now(), children_cpu()?);
    let mut child = command.spawn().with_context(|| format!("cannot run {:?}", command.get_program()))?;
    if let Some(mut stdin) = child.stdin.take() {
        feed(&mut stdin)?;
    }
    // The high-water mark of memory goes with the process, so it is read while it runs.
    let mut peak_kib = 0;
    let status = loop {
        peak_kib = peak_kib.max(peak_memory_kib(child.id()));
        match child.try_wait()? {
            Some(status) => break status,
            None => std::thread::sleep(Duration::from_millis(10)),
        }
    };
    if !status.success() {
        bail!("{:?} failed: {status}", command.get_program());
    }
    Ok(Cost { cpu: children_cpu()? - before, wall: since.elapsed().as_secs_f64(), peak_mib: peak_kib as f64 / 1024.0 })
}

/// Processor seconds of all children that have ended.
fn children_cpu() -> anyhow::Result<f64> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let seconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    Ok(seconds(usage.user_time()) + seconds(usage.system_time()))
}

fn peak_memory_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
