//! Live within two seconds, and what nobody watches is not made.
#![allow(clippy::unwrap_used)]

use rivulet_hls_rules::{Checker, Playlist};
use rivulet_tests::*;
use std::process::Command;
use std::time::{Duration, Instant};

fn on_demand() -> Options {
    Options::default().flag("--rungs", "on-demand").flag("--warm", "3s")
}

/// Where a playlist ends: the segment and the part that come next.
fn edge(list: &Playlist) -> (u64, usize) {
    list.edge().unwrap()
}

#[test]
fn a_player_follows_part_by_part() {
    let server = Server::start(on_demand());
    let key = server.channel("ada");
    let encoder = Encoder::repeat(&clip(8), &format!("{}/{key}", server.rtmp));
    server.wait_state("ada", "live");
    let folder = server.broadcast("ada");
    let mut checker = Checker::default();
    for rendition in ["source", "audio"] {
        let url = format!("{folder}/{rendition}/index.m3u8");
        let first = server.get(&url);
        assert_eq!(first.headers["cache-control"], "public, max-age=1");
        let mut list = checker.check(&url, &first.text()).unwrap().clone();
        let mut parts = Vec::new();
        let begin = edge(&list).0;
        // Six seconds, each part as it comes, alternately as a delta.
        while edge(&list).0 < begin + 3 {
            let (segment, part) = edge(&list);
            let hinted = format!("{folder}/{rendition}/{}", list.hint.clone().unwrap());
            let skip = if part % 2 == 0 { "&_HLS_skip=YES" } else { "" };
            let answer = server.get(&format!("{url}?_HLS_msn={segment}&_HLS_part={part}{skip}"));
            assert_eq!(answer.headers["cache-control"], "public, max-age=12");
            list = checker.check(&url, &answer.text()).unwrap().clone();
            assert!(edge(&list) > (segment, part), "it has what was asked for");
            let body = server.get(&hinted);
            assert_eq!(body.status, 200, "{hinted}");
            parts.push((segment, part, body.body));
        }
        // The parts of a segment are the segment.
        for segment in begin + 1..begin + 3 {
            let mut of: Vec<_> = parts.iter().filter(|part| part.0 == segment).collect();
            of.sort_by_key(|part| part.1);
            let joined: Vec<u8> = of.iter().flat_map(|part| part.2.clone()).collect();
            let whole = server.get(&format!("{folder}/{rendition}/{segment}.m4s"));
            assert!(whole.headers["cache-control"].contains("immutable"));
            assert_eq!(joined, whole.body, "{rendition} {segment}");
        }
    }
    assert!(server.workers().is_empty(), "nobody watches an encoded quality");
    encoder.stop();
}

#[test]
fn requests_out_of_place_are_refused() {
    let server = Server::start(on_demand().flag("--while-away", "wait"));
    let key = server.channel("ada");
    let encoder = Encoder::repeat(&clip(8), &format!("{}/{key}", server.rtmp));
    server.wait_state("ada", "live");
    let folder = server.broadcast("ada");
    let url = format!("{folder}/source/index.m3u8");
    let (next, _) = edge(&Playlist::parse(&server.get(&url).text()).unwrap());
    for (path, want) in [
        (format!("{url}?_HLS_part=0"), 400),
        (format!("{url}?_HLS_msn=x"), 400),
        (format!("{url}?_HLS_msn={}", next + 4), 400),
        (format!("{url}?_HLS_msn={next}&_HLS_part=90"), 400),
        (format!("{folder}/source/{}.0.m4s", next + 4), 400),
        (format!("{folder}/source/0.99.m4s"), 404),
        (format!("{folder}/1080p/index.m3u8"), 404),
        (format!("{folder}/source/init-7.mp4"), 404),
        // A part after a segment's last one is the first one of the next segment.
        (format!("{url}?_HLS_msn={}&_HLS_part=90", next - 1), 200),
    ] {
        let answer = server.get(&path);
        assert_eq!(answer.status, want, "{path}");
        assert_eq!(answer.headers["access-control-allow-origin"], "*", "{path}");
        if want != 200 {
            assert_eq!(answer.headers["cache-control"], "no-store", "{path}");
        }
    }
    // A segment in work is sent as it is made.
    let (next, _) = edge(&Playlist::parse(&server.get(&url).text()).unwrap());
    let streamed = server.get(&format!("{folder}/source/{}.m4s", next + 1));
    assert_eq!(streamed.status, 200);
    assert_eq!(streamed.body, server.get(&format!("{folder}/source/{}.m4s", next + 1)).body);
    // While the encoder is gone there is nothing to wait for but its return: an answer comes all the same.
    drop(encoder);
    server.wait_state("ada", "reconnecting");
    let (segment, part) = edge(&Playlist::parse(&server.get(&url).text()).unwrap());
    let since = Instant::now();
    assert_eq!(server.get(&format!("{url}?_HLS_msn={segment}&_HLS_part={part}")).status, 503);
    assert!(since.elapsed() > Duration::from_secs(5), "{:?}", since.elapsed());
}

#[test]
fn a_rung_is_made_while_somebody_watches_it() {
    let server = Server::start(on_demand());
    let key = server.channel("ada");
    let encoder = Encoder::repeat(&clip(8), &format!("{}/{key}", server.rtmp));
    server.wait_state("ada", "live");
    let folder = server.broadcast("ada");
    let mut checker = Checker::default();
    let mut last = (0, 0);
    for rung in ["480p", "360p", "480p"] {
        let url = format!("{folder}/{rung}/index.m3u8");
        let since = Instant::now();
        let answer = server.get(&url);
        assert_eq!(answer.status, 200, "{rung}");
        // One GOP and half a second.
        assert!(since.elapsed() < Duration::from_millis(2_500), "{rung} took {:?}", since.elapsed());
        let list = checker.check(&url, &answer.text()).unwrap().clone();
        assert!(list.segments.iter().all(|segment| !segment.gap), "nothing is listed that was not made");
        let master = server.get("/live/ada/master.m3u8").text();
        assert!(master.contains(rung), "{master}");
        // It keeps up with the source, and its segments begin where the source's do.
        for _ in 0..8 {
            let list = checker.check(&url, &server.get(&url).text()).unwrap().clone();
            let (segment, part) = edge(&list);
            let answer = server.get(&format!("{url}?_HLS_msn={segment}&_HLS_part={part}"));
            last = edge(checker.check(&url, &answer.text()).unwrap());
        }
        let source = edge(&Playlist::parse(&server.get(&format!("{folder}/source/index.m3u8")).text()).unwrap());
        assert!(source.0 - last.0 <= 1, "{rung} is at {last:?}, the source at {source:?}");
        assert_eq!(server.workers().len(), 1);
    }
    // Its codec is what the multivariant playlist promised before it was made.
    let master = server.get("/live/ada/master.m3u8").text();
    let promised = master.lines().find(|line| line.contains("NAME=\"480p\"")).unwrap().to_owned();
    let init = server.get(&format!("{folder}/480p/init-0.mp4")).body;
    let at = init.windows(4).position(|bytes| bytes == b"avcC").unwrap() + 5;
    let codec = format!("avc1.{:02x}{:02x}{:02x}", init[at], init[at + 1], init[at + 2]);
    assert!(promised.contains(&codec), "{promised} is {codec}");
    // Nobody asks any more: the worker goes.
    wait_for("the worker to go", Duration::from_secs(15), || server.workers().is_empty().then_some(()));
    assert_eq!(server.channel_state("ada")["state"], "live");
    encoder.stop();
}

#[test]
fn what_the_machine_has_no_time_for_is_given_up_and_the_rest_goes_on() {
    // No machine encodes the larger one like this in real time on one thread.
    let options = Options::default().flag("--ladder", "700:4000,240:300").flag("--preset", "veryslow");
    let server = Server::start(options.flag("--rungs", "always"));
    let key = server.channel("ada");
    let encoder = Encoder::repeat(&clip(8), &format!("{}/{key}", server.rtmp));
    server.wait_state("ada", "live");
    let revision = server.channel_state("ada")["revision"].as_u64();
    let master = || server.get("/live/ada/master.m3u8").text();
    assert!(master().contains("NAME=\"700p\""), "{}", master());
    wait_for("the larger one to be given up", Duration::from_secs(40), || (!master().contains("700p")).then_some(()));
    assert!(server.channel_state("ada")["revision"].as_u64() > revision, "players are told");
    let folder = server.broadcast("ada");
    assert_eq!(server.get(&format!("{folder}/700p/index.m3u8")).status, 404);
    // The source never stalled, and the smaller one catches up.
    let list = |rendition: &str| {
        let url = format!("{folder}/{rendition}/index.m3u8");
        Checker::default().check(&url, &server.get(&url).text()).unwrap().clone()
    };
    assert!(list("source").segments.iter().all(|segment| !segment.gap));
    wait_for("the smaller one to catch up", Duration::from_secs(40), || {
        let (small, source) = (edge(&list("240p")), edge(&list("source")));
        (source.0 - small.0 <= 1).then_some(())
    });
    encoder.stop();
}

#[test]
fn other_players_play_the_same_address() {
    let server = Server::start(on_demand());
    let key = server.channel("ada");
    let encoder = Encoder::repeat(&clip(8), &format!("{}/{key}", server.rtmp));
    server.wait_state("ada", "live");
    let url = format!("{}/live/ada/master.m3u8", server.http);
    let dir = rivulet_store::testing::TempDir::new();
    let seconds = |file: &str| {
        let pts: Vec<f64> = packets(&dir.path().join(file), "v").iter().map(|packet| packet.1).collect();
        pts.iter().copied().fold(f64::MIN, f64::max) - pts.iter().copied().fold(f64::MAX, f64::min)
    };
    // Each reads a few seconds of video into a file.
    let ffmpeg = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-i", &url, "-map", "0:v:0", "-map", "0:a:0", "-t", "6", "-c", "copy"])
        .arg(dir.path().join("ffmpeg.mkv"))
        .status()
        .unwrap();
    assert!(ffmpeg.success());
    assert!(seconds("ffmpeg.mkv") > 5.0);
    // These two read for as long as they are let.
    let read = |program: &str, arguments: &[&str], file: &str| {
        let out = dir.path().join(file).display().to_string();
        let arguments = arguments.iter().map(|argument| argument.replace("OUT", &out));
        let limits = ["-k", "3", "-s", "INT", "10"];
        let status = Command::new("timeout").args(limits).arg(program).args(arguments).status().unwrap();
        assert!(matches!(status.code(), Some(124 | 137)), "{program} ended by itself: {status}");
    };
    read("streamlink", &["--loglevel", "error", "-o", "OUT", &format!("hls://{url}"), "best"], "streamlink.ts");
    assert!(seconds("streamlink.ts") > 4.0);
    let location = format!("location={url}");
    let stream = ["!", "qtdemux", "!", "h264parse", "!", "video/x-h264,stream-format=byte-stream", "!"];
    let sink = ["filesink", "location=OUT"];
    let source = ["-q", "souphttpsrc", &location, "!", "hlsdemux"];
    read("gst-launch-1.0", &[&source[..], &stream, &sink].concat(), "gst.h264");
    assert_eq!(probe(&dir.path().join("gst.h264"), "v", "codec_name"), "h264");
    assert!(std::fs::metadata(dir.path().join("gst.h264")).unwrap().len() > 1_000_000);
    encoder.stop();
}
