//! Enhanced RTMP: newer codecs, as a current ffmpeg sends them, and the request to connect anew.
#![allow(clippy::unwrap_used)]

use rivulet_store::testing::TempDir;
use rivulet_tests::rtmp::{Publisher, Tag, VIDEO, tags};
use rivulet_tests::*;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// 8 s of 640x360 at 25 fps, a key frame every 2 s.
const SECONDS: &str = "8";
const PICTURE: [&str; 4] = ["-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25,noise=alls=4:allf=t"];
const SOUND: [&str; 4] = ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"];

fn coded(name: &str, codec: &[&str], sound: &str) -> PathBuf {
    let shape = ["-t", SECONDS, "-pix_fmt", "yuv420p", "-b:v", "900k", "-g", "50"];
    let arguments = [&PICTURE[..], &SOUND, &shape, codec, &["-c:a", sound, "-ac", "2", "-b:a", "96k"]].concat();
    made(&new_ffmpeg(), &format!("{name}-{sound}.mp4"), &arguments)
}

/// What a decoder complains about.
fn complaints(file: &Path) -> String {
    let output =
        Command::new("ffmpeg").args(["-v", "error", "-i"]).arg(file).args(["-f", "null", "-"]).output().unwrap();
    String::from_utf8(output.stderr).unwrap()
}

fn keys(file: &Path) -> Vec<i64> {
    packets(file, "v").iter().filter(|packet| packet.2).map(|packet| (packet.1 * 1000.0).round() as i64).collect()
}

#[test]
fn newer_codecs_are_passed_on_beside_h264_of_their_size() {
    let x265 = ["-c:v", "libx265", "-preset", "ultrafast", "-tag:v", "hvc1", "-x265-params"];
    let x265 = [&x265[..], &["keyint=50:min-keyint=50:scenecut=0:log-level=error"]].concat();
    let svt = ["-c:v", "libsvtav1", "-preset", "11", "-svtav1-params", "scd=0"];
    let vpx = ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"];
    let streams = [
        ("hevc", "hvc1.1.6.L", coded("hevc", &x265, "aac")),
        ("av1", "av01.0.0", coded("av1", &svt, "libopus")),
        ("vp9", "vp09.00.", coded("vp9", &vpx, "libopus")),
    ];
    let server = Server::start(Options::default());
    let publish = |(channel, _, clip): &(&str, &str, PathBuf)| {
        let url = format!("{}/{}", server.rtmp, server.channel(channel));
        Encoder::new_ffmpeg(&["-re", "-i", clip.to_str().unwrap(), "-c", "copy"], &url)
    };
    let encoders: Vec<_> = streams.iter().map(publish).collect();
    let mut viewers: Vec<_> = streams.iter().map(|(channel, ..)| Viewer::open(&server, channel)).collect();
    for (channel, codecs, _) in &streams {
        let master = master_playlist(&server.get(&format!("/live/{channel}/master.m3u8")).text());
        let said: Vec<_> =
            master.variants.iter().map(|v| (v.uri.split('/').nth(1).unwrap(), v.codecs.as_deref().unwrap())).collect();
        assert_eq!(said.iter().map(|variant| variant.0).collect::<Vec<_>>(), ["source", "360p"]);
        assert!(said[0].1.starts_with(codecs) && said[0].1.ends_with(",mp4a.40.2"), "{said:?}");
        assert!(said[1].1.starts_with("avc1.6400"), "{said:?}");
        let sizes: Vec<_> = master.variants.iter().map(|v| v.resolution.unwrap()).collect();
        assert!(sizes.iter().all(|size| (size.width, size.height) == (640, 360)), "{sizes:?}");
        // Players of DASH change renditions within a set, and not their codec.
        let dash = server.get(&format!("/live/{channel}/manifest.mpd")).text();
        let sets: Vec<Vec<&str>> = dash
            .split("<AdaptationSet ")
            .filter(|set| set.contains("contentType=\"video\""))
            .map(|set| set.split("codecs=\"").skip(1).map(|rest| &rest[..4]).collect())
            .collect();
        assert_eq!(sets, [[&codecs[..4]], ["avc1"]], "{dash}");
        let golive = server.login(channel).call("GET", &format!("/channels/{channel}/golive"), "");
        let measured = golive["ingest"]["video"]["codec"].as_str().unwrap().to_lowercase();
        assert!(measured.starts_with(channel), "{measured}");
    }
    viewers.iter_mut().for_each(|viewer| viewer.watch_to_the_end(Duration::from_secs(60)));
    encoders.into_iter().for_each(|encoder| assert!(encoder.wait().success()));
    for ((channel, ..), viewer) in streams.iter().zip(&viewers) {
        let dir = TempDir::new();
        let [source, encoded, audio] = ["source", "360p", "audio"].map(|name| viewer.save(name, dir.path()));
        assert_eq!(probe(&source, "v", "codec_name"), *channel);
        assert_eq!(probe(&source, "v", "width,height"), "640,360");
        assert_eq!(probe(&encoded, "v", "codec_name"), "h264");
        assert_eq!(probe(&audio, "a", "codec_name"), "aac");
        for file in [&source, &encoded, &audio] {
            assert_eq!(complaints(file), "", "{channel}: {}", file.display());
        }
        for file in [&source, &encoded] {
            let pictures = packets(file, "v").len();
            assert!((198..=200).contains(&pictures), "{channel}: {pictures} pictures");
        }
        assert_eq!(keys(&source).len(), 4, "{channel}");
        assert_eq!(keys(&source), keys(&encoded), "{channel}: key frames lie where the source's are");
        let (sound, picture) = (packets(&audio, "a"), packets(&source, "v"));
        assert!(
            sound.windows(2).all(|w| (w[1].1 - w[0].1 - 1024.0 / 48000.0).abs() < 0.001),
            "{channel}: gaps in the sound"
        );
        let (sound, picture) = (sound.last().unwrap().1, picture.last().unwrap().1);
        assert!((sound - picture).abs() < 0.3, "{channel}: sound ends at {sound}, pictures at {picture}");
    }
}

#[test]
fn an_encoder_that_knows_how_is_asked_to_connect_anew_before_the_server_ends() {
    let clip = clip(16);
    let flv = made(Path::new("ffmpeg"), "720p25-16s.flv", &["-i", clip.to_str().unwrap(), "-c", "copy"]);
    let tags = tags(&std::fs::read(flv).unwrap());
    let (until_key, rest): (Vec<Tag>, Vec<Tag>) = tags.into_iter().partition(|tag| tag.1 < 5_000);
    let next_key = |tag: &Tag| tag.0 == VIDEO && tag.2[0] == 0x17;

    let mut server = Server::start(Options::default());
    let (knows, does_not) = (server.channel("ada"), server.channel("bob"));
    let mut ada = Publisher::start(&server.rtmp, &knows, 1);
    let mut bob = Publisher::start(&server.rtmp, &does_not, 0);
    let (played, other) = (until_key.clone(), until_key);
    let both = std::thread::spawn(move || {
        bob.play(&other);
        bob
    });
    ada.play(&played);
    let mut bob = both.join().unwrap();
    server.wait_state("ada", "live");
    server.wait_state("bob", "live");

    signal(server.pid(), "TERM");
    let asked = Instant::now();
    assert_eq!(ada.status(Duration::from_secs(3)).as_deref(), Some("NetConnection.Connect.ReconnectRequest"));
    assert_eq!(bob.status(Duration::from_secs(3)).as_deref(), Some("NetStream.Publish.Rejected"));
    // It is still heard up to its next key frame, and leaves by itself.
    for tag in rest.iter().take_while(|tag| !next_key(tag)) {
        ada.send(tag).unwrap();
    }
    std::thread::sleep(Duration::from_millis(500));
    ada.send(rest.iter().find(|tag| next_key(tag)).unwrap()).unwrap();
    drop(ada);
    let data = server.data.clone();
    assert!(server.wait_exit().success());
    assert!(asked.elapsed() < Duration::from_secs(8), "{:?}", asked.elapsed());

    // The next process goes on with the same broadcast.
    let server = Server::start(Options { data: Some(data), ..Options::default() });
    let mut ada = Publisher::start(&server.rtmp, &knows, 1);
    ada.play(&played);
    server.wait_state("ada", "live");
    assert_eq!(server.log().iter().filter(|line| line.contains("broadcast starts")).count(), 0);
}

/// A broadcaster's own ladder: 8 s of 720p, 480p with the same key frames, and 360p with them or
/// with others; two audio tracks.
fn ladder(name: &str, last_gop: &str) -> PathBuf {
    let source = ["-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=25,noise=alls=4:allf=t"];
    let graph = "[0:v]split=3[a][b][c];[b]scale=854:480[d];[c]scale=640:360[e]";
    let maps = ["-filter_complex", graph, "-map", "[a]", "-map", "[d]", "-map", "[e]", "-map", "1:a", "-map", "1:a"];
    let video = ["-t", SECONDS, "-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-sc_threshold", "0"];
    let gops = ["-g", "50", "-g:v:2", last_gop, "-b:v:0", "2500k", "-b:v:1", "1200k", "-b:v:2", "700k"];
    let arguments = [&source[..], &SOUND, &maps, &video, &gops, &["-c:a", "aac", "-ac", "2"]].concat();
    made(&new_ffmpeg(), name, &arguments)
}

fn tracks_check(server: &Server, channel: &str) -> Option<serde_json::Value> {
    let golive = server.login(channel).call("GET", &format!("/channels/{channel}/golive"), "");
    let checks = golive["ingest"]["checks"].as_array().unwrap().clone();
    checks.into_iter().find(|check| check["name"] == "tracks")
}

#[test]
fn the_tracks_of_a_multitrack_stream_are_its_qualities_without_any_encoding() {
    let clip = ladder("ladder.mkv", "50");
    let server = Server::start(Options::default());
    let url = format!("{}/{}", server.rtmp, server.channel("ada"));
    let encoder = Encoder::new_ffmpeg(&["-re", "-i", clip.to_str().unwrap(), "-map", "0", "-c", "copy"], &url);
    let mut viewer = Viewer::open(&server, "ada");
    let names = ["source", "480p", "360p"];
    let master = master_playlist(&server.get("/live/ada/master.m3u8").text());
    assert_eq!(master.variants.iter().map(|v| v.uri.split('/').nth(1).unwrap()).collect::<Vec<_>>(), names);
    let check = wait_for("the report", Duration::from_secs(5), || tracks_check(&server, "ada"));
    assert_eq!(check["measured"], "Passed on as qualities: 854x480, 640x360");
    assert_eq!(check["advice"], "Not used: a second audio track: the first one is used.");
    viewer.watch_to_the_end(Duration::from_secs(60));
    assert!(encoder.wait().success());
    let dir = TempDir::new();
    let files = names.map(|name| viewer.save(name, dir.path()));
    for (file, size) in files.iter().zip(["1280,720", "854,480", "640,360"]) {
        assert_eq!(probe(file, "v", "width,height"), size);
        assert_eq!(complaints(file), "", "{size}");
        assert!((198..=200).contains(&packets(file, "v").len()), "{size}: {} pictures", packets(file, "v").len());
        assert_eq!(keys(file), keys(&files[0]), "{size}: key frames lie where the source's are");
    }
    assert_eq!(keys(&files[0]).len(), 4);
    assert!(!server.log().iter().any(|line| line.contains("worker runs")), "nothing was encoded");
}

/// Puts the pictures of one time into one message, as encoders do that write ManyTracks.
fn many_tracks(tags: Vec<Tag>) -> Vec<Tag> {
    let mut joined: Vec<Tag> = Vec::new();
    for (kind, ts, data) in tags {
        // Track, and its pictures behind a composition time: the first track's are in a classic tag.
        let (track, key, body) = match data[..] {
            [head @ (0x17 | 0x27), 1, ..] if kind == VIDEO => (0, head == 0x17, data[2..].to_vec()),
            [head @ (0x96 | 0xa6), 1, ..] if kind == VIDEO => (data[6], head == 0x96, data[7..].to_vec()),
            [head @ (0x96 | 0xa6), 3, ..] if kind == VIDEO => (data[6], head == 0x96, [&[0; 3], &data[7..]].concat()),
            _ => {
                joined.push((kind, ts, data));
                continue;
            }
        };
        let one = [&[track][..], &(body.len() as u32).to_be_bytes()[1..], &body].concat();
        match joined.iter_mut().rev().find(|tag| tag.0 == VIDEO) {
            Some((_, of, message)) if *of == ts && message[0] & 0x8f == 0x86 && message[1] == 0x11 => {
                message.extend(one)
            }
            _ => {
                let head = if key { 0x96 } else { 0xa6 };
                joined.push((kind, ts, [&[head, 0x11][..], b"avc1", &one].concat()));
            }
        }
    }
    joined
}

#[test]
fn a_track_with_key_frames_of_its_own_is_left_out_and_encoded_in_its_place() {
    let clip = ladder("unaligned.mkv", "70");
    let flv = made(&new_ffmpeg(), "unaligned.flv", &["-i", clip.to_str().unwrap(), "-map", "0", "-c", "copy"]);
    let tags = many_tracks(tags(&std::fs::read(flv).unwrap()));
    let server = Server::start(Options::default());
    let key = server.channel("ada");
    let mut publisher = Publisher::start(&server.rtmp, &key, 0);
    let playing = std::thread::spawn(move || publisher.play(&tags));
    let check = wait_for("the report", Duration::from_secs(10), || {
        tracks_check(&server, "ada").filter(|check| check["advice"].as_str().unwrap().contains("video track 2"))
    });
    assert_eq!(check["level"], "warning");
    assert!(check["advice"].as_str().unwrap().contains("its key frames are not where"), "{check}");
    // The one that is aligned stays; the other's place is taken by a rung.
    server.wait_log("worker runs");
    wait_for("480p to be passed on and 360p to be encoded", Duration::from_secs(10), || {
        let master = master_playlist(&server.get("/live/ada/master.m3u8").text());
        let names: Vec<_> = master.variants.iter().map(|v| v.uri.split('/').nth(1).unwrap().to_owned()).collect();
        let small = server.get(&format!("{}/360p/index.m3u8", server.broadcast("ada"))).text();
        (names == ["source", "480p", "360p"] && small.contains("#EXT-X-DISCONTINUITY\n")).then_some(())
    });
    playing.join().unwrap();
}
