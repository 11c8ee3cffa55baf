//! A broadcast with everything that happens to one: its encoder is lost and returns, its picture
//! changes size, a quality is watched and left. Every playlist of it is held against the rules.
//! Half a minute with the other tests; RIVULET_SOAK_SECONDS=600 for longer.
#![allow(clippy::unwrap_used)]

use rivulet_hls_rules::Checker;
use rivulet_tests::*;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Follows a rendition as a player does, part by part, alternately with deltas. Answers how many
/// playlists it saw.
fn follow(url: &str, over: impl Fn() -> bool) -> u32 {
    let mut checker = Checker::default();
    let mut seen = 0;
    let mut query = String::new();
    while !over() {
        let answer = get(&format!("{url}{query}"));
        // Late: the encoder is away. Not there: nobody watches it yet.
        if matches!(answer.status, 503 | 404) {
            query.clear();
            std::thread::sleep(Duration::from_millis(100));
            continue;
        }
        assert_eq!(answer.status, 200, "{url}{query}");
        let list = match checker.check(url, &answer.text()) {
            Ok(list) => list,
            Err(broken) => panic!("{broken}"),
        };
        seen += 1;
        if list.ended {
            break;
        }
        let (segment, part) = list.edge().unwrap();
        let skip = if seen % 3 == 0 { "&_HLS_skip=YES" } else { "" };
        query = format!("?_HLS_msn={segment}&_HLS_part={part}{skip}");
    }
    seen
}

#[test]
fn every_playlist_of_a_broadcast_obeys_the_rules() {
    let seconds = std::env::var("RIVULET_SOAK_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(30);
    let total = Duration::from_secs(seconds);
    let server = Server::start(Options::default().flag("--rungs", "on-demand").flag("--warm", "3s"));
    let key = server.channel("ada");
    let url = format!("{}/{key}", server.rtmp);
    let start = Instant::now();
    let first = Encoder::repeat(&clip(8), &url);
    server.wait_state("ada", "live");
    let folder = format!("{}{}", server.http, server.broadcast("ada"));
    let address = |rendition: &str| format!("{folder}/{rendition}/index.m3u8");
    let over = AtomicBool::new(false);
    let seen = std::thread::scope(|scope| {
        let (over, address) = (&over, &address);
        let follow_all =
            |rendition: &'static str| scope.spawn(move || follow(&address(rendition), || over.load(Relaxed)));
        let followers = [follow_all("source"), follow_all("audio")];
        // Somebody watches a small quality now and then.
        let visitor = scope.spawn(move || {
            let mut seen = 0;
            while !over.load(Relaxed) {
                let until = Instant::now() + total / 6;
                seen += follow(&address("360p"), || over.load(Relaxed) || Instant::now() > until);
                std::thread::sleep((total / 8).max(Duration::from_secs(4)));
            }
            seen
        });
        std::thread::sleep(total / 3);
        drop(first);
        server.wait_state("ada", "reconnecting");
        std::thread::sleep(Duration::from_secs(3));
        let second = Encoder::repeat(&clip(8), &url);
        server.wait_state("ada", "live");
        std::thread::sleep((total * 2 / 3).saturating_sub(start.elapsed()));
        // Another size takes over.
        let small = ["-re", "-f", "lavfi", "-i", "testsrc2=size=854x480:rate=30", "-re", "-f", "lavfi", "-i"];
        let coded = ["sine=sample_rate=48000", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"];
        let third = Encoder::ffmpeg(&[&small[..], &coded, &["-g", "60", "-c:a", "aac"]].concat(), &url);
        second.wait();
        std::thread::sleep(total.saturating_sub(start.elapsed()));
        third.stop();
        server.wait_state("ada", "offline");
        over.store(true, Relaxed);
        let seen: Vec<u32> = followers.into_iter().chain([visitor]).map(|thread| thread.join().unwrap()).collect();
        seen
    });
    // Two parts a second.
    assert!(seen[..2].iter().all(|count| u64::from(*count) > seconds), "{seen:?} playlists");
    assert!(seen[2] > 3, "{seen:?} playlists");
    // The slate, the encoder that is back, and the other size.
    assert_eq!(server.metric("rivulet_discontinuities_total"), 3.0);
    eprintln!("{seen:?} playlists, every one in order");
}
