//! What viewers see while an encoder is away, and when it returns.
#![allow(clippy::unwrap_used)]

use rivulet_hls_rules::Checker;
use rivulet_store::testing::TempDir;
use rivulet_tests::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// From the loss, or the return, until viewers are given the picture: within 3 s, and a GOP (2 s)
/// more where it has to begin with one.
const SLATE_WITHIN: Duration = Duration::from_secs(3);
const PICTURE_WITHIN: Duration = Duration::from_secs(5);

/// A player that only looks at the playlist of the source.
struct Watcher {
    url: String,
    checker: Checker,
}

impl Watcher {
    fn open(server: &Server) -> Self {
        let viewer = Viewer::open(server, "ada");
        Self { url: viewer.renditions["source"].url.clone(), checker: Checker::default() }
    }

    /// The newest media that it lists: periods so far, segments and parts.
    fn newest(&mut self) -> (usize, u64, usize) {
        let text = get(&self.url).text();
        self.checker.check(&self.url, &text).unwrap_or_else(|broken| panic!("{broken}"));
        let playlist = media_playlist(&text);
        let discontinuities = playlist.discontinuity_sequence as usize + text.matches("#EXT-X-DISCONTINUITY\n").count();
        let after = text.rsplit("#EXTINF").next().unwrap_or_default();
        let parts = after.matches("#EXT-X-PART:").count();
        (discontinuities, playlist.media_sequence + playlist.segments.len() as u64, parts)
    }

    fn until_period(&mut self, period: usize, within: Duration) {
        wait_for(&format!("period {period}"), within, || {
            let (periods, _, parts) = self.newest();
            (periods >= period && parts > 0).then_some(())
        });
    }

    /// How long the playlist ever stayed the same in this time.
    fn longest_wait(&mut self, watch_for: Duration) -> Duration {
        let (mut last, mut since, mut longest) = (self.newest(), Instant::now(), Duration::ZERO);
        let until = Instant::now() + watch_for;
        while Instant::now() < until {
            let now = self.newest();
            longest = longest.max(since.elapsed());
            if now != last {
                (last, since) = (now, Instant::now());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        longest
    }
}

/// The recording of the source as one file.
fn recording(server: &Server, folder: &Path) -> PathBuf {
    let objects = walk(&server.data.path().join("blobs/live"));
    let mut files: BTreeMap<i64, PathBuf> = BTreeMap::new();
    for file in objects.into_iter().filter(|file| file.parent().unwrap().ends_with("source")) {
        let name = file.file_stem().unwrap().to_str().unwrap();
        // The first configuration comes first; the others only say the same of other periods.
        let number = if name == "init-0" { -1 } else { name.parse().unwrap_or(-2) };
        files.insert(number, file);
    }
    files.remove(&-2);
    let path = folder.join("source.mp4");
    let bytes: Vec<u8> = files.values().flat_map(|file| std::fs::read(file).unwrap()).collect();
    std::fs::write(&path, bytes).unwrap();
    path
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

/// An encoder that is cut off, and returns after so long.
fn stays_away(away: Duration) {
    let mut server = Server::start(Options::default());
    let key = server.channel("ada");
    let url = format!("{}/{key}", server.rtmp);
    let encoder = Encoder::repeat(&clip(8), &url);
    let mut watcher = Watcher::open(&server);
    let broadcast = server.broadcast("ada");
    drop(encoder);
    let lost = Instant::now();
    let mut periods = 0;
    if away > SLATE_WITHIN {
        watcher.until_period(1, SLATE_WITHIN);
        periods = 1;
        server.wait_state("ada", "reconnecting");
        // Parts come every half a second, as before.
        let longest = watcher.longest_wait(away.saturating_sub(lost.elapsed()).min(Duration::from_secs(115)));
        assert!(longest < Duration::from_secs(2), "the playlist stood still for {longest:?}");
    }
    std::thread::sleep(away.saturating_sub(lost.elapsed()));
    let encoder = Encoder::repeat(&clip(8), &url);
    if away > Duration::from_secs(120) {
        wait_for("another broadcast", PICTURE_WITHIN, || {
            let master = server.get("/live/ada/master.m3u8");
            (master.status == 200 && server.broadcast("ada") != broadcast).then_some(())
        });
        return;
    }
    // An encoder that takes its time to connect is not the server's.
    server.wait_log("publishing");
    watcher.until_period(periods + 1, PICTURE_WITHIN);
    server.wait_state("ada", "live");
    assert_eq!(server.broadcast("ada"), broadcast, "the same broadcast, and the same addresses");
    watcher.longest_wait(Duration::from_secs(3));
    encoder.stop();
    server.wait_state("ada", "offline");
    server.stop();
    // Nothing is missing in the recording but what nobody sent.
    let folder = TempDir::new();
    let packets = packets(&recording(&server, folder.path()), "v");
    let mut shown: Vec<f64> = packets.iter().map(|packet| packet.1).collect();
    shown.sort_by(f64::total_cmp);
    let lasted = shown.last().unwrap() - shown[0];
    assert!(lasted > away.as_secs_f64() + 2.0, "{lasted} s are in the recording");
    let hole = shown.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max);
    let most = if away > SLATE_WITHIN { 1.0 } else { away.as_secs_f64() + 1.0 };
    assert!(hole < most, "a hole of {hole} s");
}

#[test]
fn one_second_away_costs_one_discontinuity() {
    stays_away(Duration::from_secs(1));
}

#[test]
fn five_seconds_away_are_filled_with_a_slate() {
    stays_away(Duration::from_secs(5));
}

#[test]
#[ignore = "long; `make soak` runs it"]
fn up_to_the_grace_it_is_the_same_broadcast_and_then_another() {
    let lengths = [30, 89, 119, 121];
    let tests = lengths.map(|seconds| std::thread::spawn(move || stays_away(Duration::from_secs(seconds))));
    let failed = tests.into_iter().zip(lengths).filter_map(|(test, seconds)| test.join().is_err().then_some(seconds));
    assert_eq!(failed.collect::<Vec<_>>(), Vec::<u64>::new());
}

/// The connection stands, and nothing comes.
#[test]
fn an_encoder_that_stalls_is_away_and_goes_on_where_it_was() {
    let server = Server::start(Options::default());
    let key = server.channel("ada");
    let encoder = Encoder::repeat(&clip(8), &format!("{}/{key}", server.rtmp));
    let mut watcher = Watcher::open(&server);
    signal(encoder.pid(), "STOP");
    watcher.until_period(1, Duration::from_secs(10));
    let longest = watcher.longest_wait(Duration::from_secs(4));
    assert!(longest < Duration::from_secs(2), "the playlist stood still for {longest:?}");
    signal(encoder.pid(), "CONT");
    watcher.until_period(2, PICTURE_WITHIN);
    assert_eq!(server.wait_state("ada", "live")["state"], "live");
    encoder.stop();
    server.wait_state("ada", "offline");
}

/// The channel has chosen so.
#[test]
fn playlists_wait_where_the_channel_wants_no_slate() {
    let server = Server::start(Options::default());
    let key = server.channel("ada");
    server.set_settings("ada", r#"{"while_away": "wait"}"#);
    let url = format!("{}/{key}", server.rtmp);
    let encoder = Encoder::repeat(&clip(8), &url);
    let mut watcher = Watcher::open(&server);
    drop(encoder);
    server.wait_state("ada", "reconnecting");
    watcher.longest_wait(Duration::from_secs(1));
    let stood = watcher.newest();
    watcher.longest_wait(Duration::from_secs(4));
    assert_eq!(watcher.newest(), stood);
    let encoder = Encoder::repeat(&clip(8), &url);
    watcher.until_period(1, Duration::from_secs(8));
    encoder.stop();
    server.wait_state("ada", "offline");
}
