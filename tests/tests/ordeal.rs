//! One broadcast under everything that may go wrong, at random: `make soak MINUTES=60`. A schedule
//! that failed is run again with its RIVULET_SOAK_SEED.
#![allow(clippy::unwrap_used)]

use rivulet_hls_rules::Checker;
use rivulet_store::testing::{Garage, Postgres, Redis, TempDir, free_port};
use rivulet_store::{Segment, Store};
use rivulet_tests::proxy::{Fault, Proxy};
use rivulet_tests::*;
use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What one encoder's absence may cost beside the time that it is away: what was in flight, and the
/// pictures before its first key frame.
const COST_OF_A_LOSS: Duration = Duration::from_secs(4);

/// The same numbers for the same seed (xorshift).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// An encoder as OBS is one: it connects anew a second after it was cut off, until it is told to stop.
struct Broadcaster {
    url: String,
    wanted: AtomicBool,
    running: Mutex<Option<Encoder>>,
    /// Connections that were lost, and for how long there was none.
    losses: AtomicU64,
    away_ms: AtomicU64,
}

impl Broadcaster {
    fn run(&self) {
        let mut lost_at: Option<Instant> = None;
        while self.wanted.load(Relaxed) {
            {
                let mut running = self.running.lock().unwrap();
                if running.as_mut().is_none_or(Encoder::has_ended) {
                    lost_at.get_or_insert_with(|| {
                        self.losses.fetch_add(1, Relaxed);
                        Instant::now()
                    });
                    *running = Some(Encoder::repeat(&clip(8), &self.url));
                } else if let Some(at) = lost_at.take() {
                    self.away_ms.fetch_add(at.elapsed().as_millis() as u64, Relaxed);
                }
            }
            std::thread::sleep(Duration::from_secs(1));
        }
    }

    fn pid(&self) -> Option<u32> {
        self.running.lock().unwrap().as_ref().map(Encoder::pid)
    }
}

/// Follows the source as a player does, whatever happens to the server. Answers how often there was
/// something new.
fn follow(http: &str, over: &AtomicBool) -> u64 {
    let (mut seen, mut newest) = (0, 0);
    let mut checkers: BTreeMap<String, Checker> = BTreeMap::new();
    while !over.load(Relaxed) {
        let Some(master) = try_get(&format!("{http}/live/ada/master.m3u8")) else {
            std::thread::sleep(Duration::from_millis(200));
            continue;
        };
        let uri = master_playlist(&master.text()).variants[0].uri.clone();
        let url = format!("{http}/live/ada/{uri}");
        // A server that starts anew lists other segments, with higher numbers.
        checkers.clear();
        while let Some(answer) = try_get(&url).filter(|_| !over.load(Relaxed)) {
            let checker = checkers.entry(url.clone()).or_default();
            checker.check(&url, &answer.text()).unwrap_or_else(|broken| panic!("{broken}"));
            let playlist = media_playlist(&answer.text());
            let last = playlist.media_sequence + playlist.segments.len() as u64;
            assert!(last >= newest, "segment {last} after {newest}");
            seen += u64::from(last > newest);
            newest = last;
            std::thread::sleep(Duration::from_millis(500));
        }
    }
    seen
}

fn try_get(url: &str) -> Option<Answer> {
    let config = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(10)));
    let agent: ureq::Agent = config.build().into();
    let mut response = agent.get(url).call().ok()?;
    let body = response.body_mut().read_to_vec().ok()?;
    Some(Answer { status: 200, headers: BTreeMap::new(), body })
}

/// hls.js in Chromium on the channel's page.
fn browser(http: &str) -> Child {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/browser/ordeal.mjs");
    Command::new("node").args([script, http]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
}

/// Resident memory in MiB, and open files.
fn size(pid: u32) -> Option<(u64, u64)> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some((kib / 1024, std::fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count() as u64))
}

/// Time on the timeline of the source that is neither recorded nor marked as a gap.
fn holes(rows: &[Segment]) -> Duration {
    let mut rows: Vec<&Segment> = rows.iter().filter(|row| row.rendition == "source" && row.number >= 0).collect();
    rows.sort_by_key(|row| row.start_ticks);
    let hole = |pair: &[&Segment]| (pair[1].start_ticks - pair[0].start_ticks - pair[0].duration_ticks).max(0);
    Duration::from_millis(rows.windows(2).map(hole).sum::<i64>() as u64 / 90)
}

#[test]
#[ignore = "long; `make soak` runs it"]
fn a_broadcast_survives_everything() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let total = Duration::from_secs(60 * number("RIVULET_SOAK_MINUTES").unwrap_or(10));
    let seed = number("RIVULET_SOAK_SEED").unwrap_or_else(|| u64::from(std::process::id()) * 7_919 + 1);
    println!("RIVULET_SOAK_SEED={seed}");
    let mut dice = Dice(seed);

    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (postgres, garage, redis) =
        runtime.block_on(async { tokio::join!(Postgres::start(), Garage::start(), Redis::start()) });
    let mut database = url::Url::parse(&runtime.block_on(postgres.database())).unwrap();
    let direct = database.to_string();
    let to_database = Proxy::new(&format!("{}:{}", database.host_str().unwrap(), database.port().unwrap()));
    database.set_port(Some(to_database.address.port())).unwrap();
    let to_s3 = Proxy::new(garage.endpoint.strip_prefix("http://").unwrap());
    let blobs = garage.url("ordeal").replace(garage.endpoint.as_str(), &format!("http://{}", to_s3.address));
    let redis_url = url::Url::parse(&redis.url()).unwrap();
    let to_redis = Proxy::new(&format!("{}:{}", redis_url.host_str().unwrap(), redis_url.port().unwrap()));
    let (http, rtmp) = (free_port(), free_port());
    let data = Arc::new(TempDir::new());
    let env = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
    let env = env.iter().filter_map(|name| Some(((*name).to_owned(), garage.env(name)?))).collect();
    let options = Options { data: Some(data.clone()), env, ..Options::default() }
        .flag("--database-url", database.as_str())
        .flag("--blobs", &blobs)
        .flag("--redis-url", &format!("redis://{}", to_redis.address))
        .flag("--http", &format!("127.0.0.1:{http}"))
        .flag("--rtmp", &format!("127.0.0.1:{rtmp}"))
        .flag("--rungs", "on-demand");
    let mut server = Server::start(options.clone());
    let key = server.channel("ada");
    let broadcaster = Broadcaster {
        url: format!("{}/{key}", server.rtmp),
        wanted: AtomicBool::new(true),
        running: Mutex::default(),
        losses: AtomicU64::new(0),
        away_ms: AtomicU64::new(0),
    };
    let over = AtomicBool::new(false);
    let address = server.http.clone();
    let mut sizes: Vec<Vec<(u64, u64)>> = vec![Vec::new()];
    let mut faults: BTreeMap<&str, u32> = BTreeMap::new();
    let mut down = Duration::ZERO;
    std::thread::scope(|scope| {
        let sending = scope.spawn(|| broadcaster.run());
        server.wait_state("ada", "live");
        let broadcast = server.broadcast("ada");
        let following = scope.spawn(|| follow(&address, &over));
        let mut viewer = browser(&address);
        let until = Instant::now() + total;
        while Instant::now() < until {
            let long = Duration::from_secs(3 + dice.roll(18));
            let fault = match dice.roll(10) {
                0 => {
                    // Gone for a while, within the grace.
                    let pid = broadcaster.pid();
                    pid.iter().for_each(|pid| signal(*pid, "KILL"));
                    "encoder lost"
                }
                1 => {
                    let pid = broadcaster.pid();
                    pid.iter().for_each(|pid| signal(*pid, "STOP"));
                    std::thread::sleep(Duration::from_secs(2 + dice.roll(9)));
                    pid.iter().for_each(|pid| signal(*pid, "CONT"));
                    "encoder stalled"
                }
                2 => {
                    let second = Encoder::repeat(&clip(8), &broadcaster.url);
                    let first = broadcaster.running.lock().unwrap().replace(second);
                    drop(first);
                    "another encoder"
                }
                3 => {
                    server.workers().iter().for_each(|pid| signal(*pid, "KILL"));
                    "worker killed"
                }
                4 => {
                    let since = Instant::now();
                    signal(server.pid(), "KILL");
                    server.wait_exit();
                    server = Server::start(options.clone());
                    down += since.elapsed();
                    sizes.push(Vec::new());
                    "server killed"
                }
                5 => {
                    to_database.set(Fault::Hole);
                    std::thread::sleep(long);
                    to_database.set(Fault::None);
                    "database away"
                }
                6 => {
                    to_redis.set(Fault::Hole);
                    std::thread::sleep(long);
                    to_redis.set(Fault::None);
                    "Redis away"
                }
                n @ 7..=8 => {
                    let kinds = [Fault::Hole, Fault::Deaf, Fault::Cut(50_000), Fault::Slow(Duration::from_secs(2))];
                    to_s3.set(kinds[dice.roll(4) as usize]);
                    std::thread::sleep(long * n as u32 / 7);
                    to_s3.set(Fault::None);
                    "S3 faulty"
                }
                _ => "nothing",
            };
            *faults.entry(fault).or_default() += 1;
            println!("{:>5} s: {fault}", (total - until.saturating_duration_since(Instant::now())).as_secs());
            // Until it is on air again, and a while more.
            wait_for("it to be on air", Duration::from_secs(40), || {
                let state = try_get(&format!("{address}/api/v1/channels/ada"))?;
                let state: serde_json::Value = serde_json::from_slice(&state.body).ok()?;
                (state["state"] == "live").then_some(())
            });
            assert_eq!(server.broadcast("ada"), broadcast, "still the same broadcast");
            std::thread::sleep(Duration::from_secs(4 + dice.roll(8)));
            sizes.last_mut().unwrap().extend(size(server.pid()));
        }
        drop(viewer.stdin.take());
        let seen = viewer.wait_with_output().unwrap();
        println!("browser: {}", String::from_utf8_lossy(&seen.stdout).trim());
        assert!(seen.status.success(), "the browser's player did not get through");
        over.store(true, Relaxed);
        let new = following.join().unwrap();
        assert!(new * 3 > total.as_secs(), "only {new} times something new in {total:?}");
        broadcaster.wanted.store(false, Relaxed);
        sending.join().unwrap();
        broadcaster.running.lock().unwrap().take().unwrap().stop();
    });
    server.wait_state("ada", "offline");
    wait_for("everything to be stored", Duration::from_secs(60), || {
        (server.metric("rivulet_blobs_waiting") == 0.0).then_some(())
    });
    let rows = runtime.block_on(async {
        let store = Store::open(&direct).await.unwrap();
        let row = store.broadcasts_ended_before(i64::MAX, 10).await.unwrap().pop().unwrap();
        store.segments_of(&row.id, 1_000_000).await.unwrap()
    });
    let (holes, losses) = (holes(&rows), broadcaster.losses.load(Relaxed));
    let away = Duration::from_millis(broadcaster.away_ms.load(Relaxed));
    let gaps = rows.iter().filter(|row| row.bytes == 0).count();
    println!("{faults:?}");
    println!(
        "recorded {} objects, {gaps} gaps; {losses} losses, away {away:?}, server down {down:?}, holes {holes:?}",
        rows.len()
    );
    assert!(holes < away + down + COST_OF_A_LOSS * losses as u32, "{holes:?} of the source are nowhere");
    for life in sizes.iter().filter(|life| life.len() >= 8) {
        // The first ones are those of a server that has just begun.
        let (early, late) = (life[life.len() / 3], life[life.len() - 1]);
        println!("memory {} to {} MiB, files {} to {}", early.0, late.0, early.1, late.1);
        assert!(late.0 < early.0 * 2 + 64 && late.1 < early.1 + 40, "it grows: {life:?}");
    }
    assert_eq!(server.metric("rivulet_panics_total"), 0.0);
}
