//! Faults of the server's own: a panic in any one task, and a clock that is set.
#![allow(clippy::unwrap_used)]

use rivulet_tests::*;
use std::path::PathBuf;
use std::time::Duration;

/// A server in which the place panics once, the n-th time that it is passed.
fn failing(place: &str, passes: u32) -> Server {
    let mut options = Options::default();
    options.env.insert("FAILPOINTS".into(), format!("{place}={passes}*off->1*panic->off"));
    Server::start(options)
}

/// Ada's broadcast has the fault; Bob's is there before and has nothing to do with it.
#[test]
fn a_panic_ends_one_broadcast_and_the_next_one_goes_well() {
    // Where, and about how often it is passed within five seconds of a broadcast.
    let places =
        [("ingest::session", 500), ("ingest::owner", 125), ("transcoder::director", 350), ("origin::live", 500)];
    for (place, passes) in places {
        let server = failing(place, passes);
        let (ada, bob) = (server.channel("ada"), server.channel("bob"));
        let encoder = Encoder::repeat(&clip(8), &format!("{}/{ada}", server.rtmp));
        server.wait_state("ada", "live");
        let before = server.broadcast("ada");
        server.wait_log("a fault of the server's own");
        assert_eq!(server.metric("rivulet_panics_total"), 1.0, "{place}");
        // It came while only Ada was on air; the same server goes on for everybody else.
        let other = Encoder::repeat(&clip(8), &format!("{}/{bob}", server.rtmp));
        let mut viewer = Viewer::open(&server, "bob");
        assert!(!encoder.wait().success(), "{place}: the encoder is told");
        match place {
            "ingest::session" => drop(server.wait_state("ada", "reconnecting")),
            _ => drop(server.wait_state("ada", "offline")),
        }
        let again = Encoder::repeat(&clip(8), &format!("{}/{ada}", server.rtmp));
        server.wait_state("ada", "live");
        assert_eq!(server.broadcast("ada") == before, place == "ingest::session", "{place}");
        again.stop();
        server.wait_state("ada", "offline");
        other.stop();
        viewer.watch_to_the_end(Duration::from_secs(20));
        assert!(viewer.renditions["source"].segments.len() >= 2 && viewer.renditions["source"].gaps.is_empty());
        assert_eq!(server.metric("rivulet_panics_total"), 1.0, "{place}");
    }
}

fn faketime() -> PathBuf {
    let folders = [format!("/usr/lib/{}-linux-gnu/faketime", std::env::consts::ARCH), "/usr/lib/faketime".into()];
    let found = folders.iter().map(|folder| PathBuf::from(folder).join("libfaketime.so.1")).find(|path| path.exists());
    found.unwrap_or_else(|| panic!("libfaketime is missing; `scripts/setup test` installs it"))
}

/// The times of a playlist's segments, in milliseconds.
fn dates(server: &Server, path: &str) -> Vec<i64> {
    let playlist = media_playlist(&server.get(path).text());
    playlist.segments.iter().filter_map(|segment| Some(segment.program_date_time?.timestamp_millis())).collect()
}

#[test]
fn a_clock_that_is_set_by_an_hour_changes_nothing_on_air() {
    for step in ["+1h", "-1h"] {
        let data = rivulet_store::testing::TempDir::new();
        let clock = data.path().join("clock");
        std::fs::write(&clock, "+0s").unwrap();
        let env = [
            ("LD_PRELOAD", faketime().to_str().unwrap().to_owned()),
            ("FAKETIME_TIMESTAMP_FILE", clock.to_str().unwrap().to_owned()),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ];
        let mut options = Options::default();
        options.env.extend(env.map(|(name, value)| (name.to_owned(), value)));
        let server = Server::start(options);
        let key = server.channel("ada");
        let ada = server.login("ada");
        ada.call("PUT", "/channels/ada/access", r#"{"kind": "private"}"#);
        let encoder = Encoder::repeat(&clip(8), &format!("{}/{key}", server.rtmp));
        server.wait_state("ada", "live");
        let signed = ada.call("POST", "/channels/ada/playback", "{}")["url"].as_str().unwrap().to_owned();
        let master = server.get(&signed);
        assert_eq!(master.status, 200);
        let folder = signed.rsplit_once('/').unwrap().0;
        let uri = master_playlist(&master.text()).variants[0].uri.clone();
        let media = format!("{folder}/{uri}");
        wait_for("segments", Duration::from_secs(20), || (dates(&server, &media).len() >= 3).then_some(()));
        let before = dates(&server, &media);

        std::fs::write(&clock, step).unwrap();
        server.wait_log("clock was set");
        let newest = wait_for("the next segments", Duration::from_secs(20), || {
            Some(dates(&server, &media)).filter(|dates| dates.last() > before.last())
        });
        let all: Vec<i64> = before.iter().chain(&newest).copied().collect();
        assert!(all.iter().all(|date| (date - before[0]).abs() < 60_000), "{step}: {all:?}");
        assert!(!server.get(&media).text().contains("#EXT-X-DISCONTINUITY\n"));
        // Signed addresses and sessions of before are still good.
        assert_eq!(server.get(&signed).status, 200, "{step}");
        assert_eq!(ada.send("GET", "/me", "").status, 200, "{step}");

        encoder.stop();
        server.wait_state("ada", "offline");
        server.wait_log("its time is taken over");
        assert_eq!(ada.send("GET", "/me", "").status, 200, "{step}");
        assert_eq!(server.metric("rivulet_panics_total"), 0.0);
    }
}
