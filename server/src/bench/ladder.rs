//! `ladder`: our worker against one ffmpeg process with the same rungs and x264 settings. What is
//! compared in speed is then compared in quality, each side against the source.

use super::verdict;
use anyhow::{Context, bail, ensure};
use nix::sys::resource::{UsageWho, getrusage};
use rivulet_protocol::worker::Rung;
use rivulet_store::testing::TempDir;
use rivulet_transcoder::Ladder;
use rivulet_transcoder::bench::{Clip, Feed, encoder_options};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What one run cost, by the operating system's own account of the finished process.
#[derive(Debug, Clone, Copy)]
struct Cost {
    cpu: f64,
    wall: f64,
    peak_mib: f64,
}

/// Pairs of runs: the ratio is judged pair by pair, since the machine's speed drifts.
const PAIRS: usize = 3;

/// CPU against ffmpeg when it encodes all that ffmpeg does, and when the source is passed on.
const GOALS: [(&str, bool, f64); 2] =
    [("every rung encoded", false, 0.9), ("as by default, source remuxed", true, 0.45)];
/// What may be lost in quality, in SSIM.
const SSIM_LOSS: f64 = 0.005;

pub fn run(input: &Path) -> anyhow::Result<()> {
    let clip = rivulet_transcoder::bench::read_clip(input).context("cannot read the clip")?;
    let seconds = clip.seconds();
    println!("{}: {}x{}, {:.2} fps, {seconds:.1} s", input.display(), clip.width, clip.height, clip.fps());
    let peer = Ladder { remux: false, ..Ladder::default() };
    for (name, remux, goal) in GOALS {
        let ours = Ladder { remux, ..Ladder::default() };
        let feed = clip.feed(&ours)?;
        let (mut ratios, mut last) = (Vec::new(), None);
        for _ in 0..PAIRS {
            let (a, b) = (run_worker(&feed)?, run_ffmpeg(input, &clip.plan(&peer), &peer, |_| "/dev/null".into())?);
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
        verdict("CPU, ratio to ffmpeg", cpu, goal, true);
    }
    quality(input, &clip, &peer)
}

/// The largest and the smallest rung of both.
fn quality(input: &Path, clip: &Clip, ladder: &Ladder) -> anyhow::Result<()> {
    let folder = TempDir::new();
    let file = |who: &str, rung: &Rung| folder.path().join(format!("{who}-{}", rung.name));
    let rungs = clip.plan(ladder);
    let streams = made_by_worker(clip, ladder)?;
    run_ffmpeg(input, &rungs, ladder, |rung| file("ffmpeg", rung))?;
    println!("\nSSIM against the source");
    for rung in rungs.iter().take(1).chain(rungs.iter().skip(1).last()) {
        let stream = streams.get(&rung.rendition).context("the worker left a rung out")?;
        std::fs::write(file("rivulet", rung), stream)?;
        let (ours, peer) = (ssim(input, &file("rivulet", rung), rung)?, ssim(input, &file("ffmpeg", rung), rung)?);
        println!("  {}  rivulet {ours:.4}  ffmpeg {peer:.4}", rung.name);
        verdict(&format!("{}, SSIM lost to ffmpeg", rung.name), peer - ours, SSIM_LOSS, true);
    }
    Ok(())
}

/// What our worker makes of the clip, by rendition.
fn made_by_worker(clip: &Clip, ladder: &Ladder) -> anyhow::Result<std::collections::BTreeMap<u8, Vec<u8>>> {
    let feed = clip.feed(ladder)?;
    let mut worker = Command::new(std::env::current_exe()?);
    let mut child = worker.arg("worker").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let (Some(mut stdin), Some(mut stdout)) = (child.stdin.take(), child.stdout.take()) else {
        bail!("the worker has no pipes")
    };
    let streams = std::thread::scope(|scope| {
        // Its end closes the pipe, and with that the worker ends.
        let fed = scope.spawn(move || feed.write(&mut stdin));
        let streams = clip.made(&mut stdout);
        fed.join().map_err(|_| anyhow::anyhow!("feeding the worker failed"))??;
        streams
    });
    ensure!(child.wait()?.success(), "the worker failed");
    streams
}

/// How alike the source, scaled to the rung's size, and a rung are, over all planes; 1 is equal.
fn ssim(input: &Path, rung_file: &Path, rung: &Rung) -> anyhow::Result<f64> {
    // By number, since a raw stream has no times: both have every picture.
    let same_time = "settb=1/30,setpts=N";
    let (width, height) = (rung.width, rung.height);
    let graph = format!("[0:v]{same_time}[a];[1:v]{same_time},scale={width}:{height}:flags=bicubic[b];[a][b]ssim");
    let output = Command::new("ffmpeg")
        .args(["-hide_banner", "-nostdin", "-i"])
        .arg(rung_file)
        .arg("-i")
        .arg(input)
        .args(["-lavfi", &graph, "-fps_mode", "passthrough", "-f", "null", "-"])
        .output()
        .context("cannot run ffmpeg")?;
    let text = String::from_utf8_lossy(&output.stderr);
    let all = text.rsplit_once("All:").and_then(|(_, rest)| rest.split_whitespace().next());
    Ok(all.with_context(|| format!("ffmpeg says no SSIM:\n{text}"))?.parse()?)
}

/// Our worker, fed as fast as it reads, as the server would feed it.
fn run_worker(feed: &Feed) -> anyhow::Result<Cost> {
    let program = std::env::current_exe()?;
    measure(Command::new(program).arg("worker").stdin(Stdio::piped()).stdout(Stdio::null()), |stdin| feed.write(stdin))
}

/// One process: decode once, split, scale, encode with the same settings.
fn run_ffmpeg(
    input: &Path,
    rungs: &[Rung],
    ladder: &Ladder,
    output: impl Fn(&Rung) -> PathBuf,
) -> anyhow::Result<Cost> {
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
        command.arg(output(rung));
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
