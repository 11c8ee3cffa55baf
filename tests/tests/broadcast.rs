//! The whole way: ffmpeg pushes a clip at real time, and what viewers fetch is measured.
#![allow(clippy::unwrap_used)]

use rivulet_store::testing::TempDir;
use rivulet_tests::*;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

fn close(a: f64, b: f64, within: f64) -> bool {
    (a - b).abs() <= within
}

/// Structural similarity of two videos, the first scaled to the second.
fn ssim(reference: &Path, video: &Path, skip_seconds: f64) -> f64 {
    let graph = format!(
        "[1:v]setpts=PTS-STARTPTS[b];[0:v]trim=start={skip_seconds},setpts=PTS-STARTPTS[a0];[a0][b]scale2ref=flags=bicubic[a][c];[a][c]ssim=stats_file=-"
    );
    let output = Command::new("ffmpeg")
        .args(["-hide_banner", "-nostdin", "-i"])
        .arg(reference)
        .arg("-i")
        .arg(video)
        .args(["-lavfi", &graph, "-f", "null", "-"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let all = text.rsplit("All:").next().unwrap().split_whitespace().next().unwrap().to_owned();
    all.parse().unwrap_or_else(|_| panic!("{text}"))
}

#[test]
fn every_rung_is_fetched_and_measured() {
    let server = Server::start(Options::default());
    let key = server.channel("ada");
    assert_eq!(server.get("/live/ada/master.m3u8").status, 404);
    let clip = clip(16);
    let encoder = Encoder::copy(&clip, &format!("{}/{key}", server.rtmp));
    let mut viewer = Viewer::open(&server, "ada");
    let live = server.wait_state("ada", "live");
    assert_eq!(live["playback"], "/live/ada/master.m3u8");

    let master = server.get("/live/ada/master.m3u8");
    assert_eq!(master.headers["content-type"], "application/vnd.apple.mpegurl");
    assert_eq!(master.headers["access-control-allow-origin"], "*");
    let parsed = master_playlist(&master.text());
    let sizes: Vec<_> = parsed.variants.iter().map(|v| v.resolution.unwrap()).map(|r| (r.width, r.height)).collect();
    assert_eq!(sizes, [(1280, 720), (854, 480), (640, 360)]);
    for variant in &parsed.variants {
        assert!(variant.codecs.as_ref().unwrap().contains("avc1.64"), "{variant:?}");
        assert!(variant.codecs.as_ref().unwrap().contains("mp4a.40.2"), "{variant:?}");
        assert!(close(variant.frame_rate.unwrap(), 25.0, 0.1), "{variant:?}");
        assert!(variant.bandwidth >= variant.average_bandwidth.unwrap(), "{variant:?}");
        assert_eq!(variant.audio.as_deref(), Some("audio"));
    }
    viewer.watch_to_the_end(Duration::from_secs(60));
    assert!(encoder.wait().success());
    server.wait_state("ada", "offline");
    assert_eq!(server.get("/live/ada/master.m3u8").status, 404);

    let dir = TempDir::new();
    let mut keys = Vec::new();
    for (rendition, height) in [("source", "720"), ("480p", "480"), ("360p", "360")] {
        let collected = &viewer.renditions[rendition];
        assert!(collected.gaps.is_empty(), "{rendition}: {:?}", collected.gaps);
        let numbers: Vec<_> = collected.segments.keys().copied().collect();
        assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<_>>(), "{rendition}");
        let file = viewer.save(rendition, dir.path());
        assert_eq!(probe(&file, "v", "height"), height);
        assert_eq!(probe(&file, "v", "codec_name"), "h264");
        let packets = packets(&file, "v");
        // 16 s at 25 fps; what the encoder sent while the connection came up may be missing.
        assert!((398..=400).contains(&packets.len()), "{rendition}: {} pictures", packets.len());
        let pts: Vec<f64> = {
            let mut pts: Vec<_> = packets.iter().map(|p| p.1).collect();
            pts.sort_by(f64::total_cmp);
            pts
        };
        assert!(pts.windows(2).all(|w| close(w[1] - w[0], 0.04, 0.002)), "{rendition}: uneven pictures");
        // The source has B-frames, so a packet's time of decoding may precede its presentation.
        keys.push(packets.iter().filter(|p| p.2).map(|p| (p.1 * 1000.0).round() as i64).collect::<Vec<_>>());
    }
    assert_eq!(keys[0].len(), 8);
    assert_eq!(keys[0], keys[1], "key frames of 480p lie where the source's are");
    assert_eq!(keys[0], keys[2], "key frames of 360p lie where the source's are");

    // Sound and picture start together, and last as long.
    let audio = viewer.save("audio", dir.path());
    assert_eq!(probe(&audio, "a", "codec_name"), "aac");
    let (sound, picture) = (packets(&audio, "a"), packets(&dir.path().join("source.mp4"), "v"));
    let original = |stream| packets(&clip, stream)[0].1;
    let offset = sound[0].1 - picture.iter().map(|p| p.1).fold(f64::MAX, f64::min);
    let wanted = original("a") - packets(&clip, "v").iter().map(|p| p.1).fold(f64::MAX, f64::min);
    // Sound from before the first picture is left out, in whole frames.
    assert!(close(offset, wanted.max(0.0), 0.05), "audio is {offset} s after video, in the clip {wanted} s");
    assert!(sound.windows(2).all(|w| close(w[1].1 - w[0].1, 1024.0 / 48000.0, 0.001)), "gaps in the sound");

    let quality = ssim(&clip, &dir.path().join("480p.mp4"), 0.0);
    assert!(quality >= 0.95, "SSIM of the top encoded rung is {quality}");
}

#[test]
fn a_source_that_browsers_cannot_take_is_encoded() {
    let server = Server::start(Options::default());
    let key = server.channel("bob");
    // 4:4:4, and key frames 10 s apart.
    let source = "testsrc2=size=854x480:rate=30,noise=alls=5:allf=t";
    let sound = "sine=sample_rate=44100";
    let arguments = [
        "-re",
        "-f",
        "lavfi",
        "-i",
        source,
        "-re",
        "-f",
        "lavfi",
        "-i",
        sound,
        "-t",
        "10",
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-profile:v",
        "high444",
        "-pix_fmt",
        "yuv444p",
        "-g",
        "300",
        "-c:a",
        "aac",
        "-profile:a",
        "aac_main",
    ];
    let encoder = Encoder::ffmpeg(&arguments, &format!("{}/{key}", server.rtmp));
    let mut viewer = Viewer::open(&server, "bob");
    let mut renditions: Vec<_> = viewer.renditions.keys().cloned().collect();
    renditions.sort();
    assert_eq!(renditions, ["360p", "480p", "audio"]);
    viewer.watch_to_the_end(Duration::from_secs(60));
    encoder.wait();
    let dir = TempDir::new();
    let video = viewer.save("480p", dir.path());
    assert_eq!(probe(&video, "v", "pix_fmt"), "yuv420p");
    let keys: Vec<_> = packets(&video, "v").iter().filter(|p| p.2).map(|p| p.1).collect();
    assert!(keys.windows(2).all(|w| close(w[1] - w[0], 2.0, 0.04)), "{keys:?}");
    let audio = viewer.save("audio", dir.path());
    assert_eq!(probe(&audio, "a", "profile"), "LC");
}

#[test]
fn a_source_with_rare_key_frames_is_encoded_after_its_first_segment() {
    let server = Server::start(Options::default());
    let key = server.channel("eve");
    let arguments = [
        "-re",
        "-f",
        "lavfi",
        "-i",
        "testsrc2=size=854x480:rate=30",
        "-re",
        "-f",
        "lavfi",
        "-i",
        "sine=sample_rate=48000",
        "-t",
        "14",
        "-c:v",
        "libx264",
        "-preset",
        "veryfast",
        "-pix_fmt",
        "yuv420p",
        "-g",
        "250",
        "-sc_threshold",
        "0",
        "-c:a",
        "aac",
    ];
    let encoder = Encoder::ffmpeg(&arguments, &format!("{}/{key}", server.rtmp));
    let mut viewer = Viewer::open(&server, "eve");
    viewer.watch_to_the_end(Duration::from_secs(60));
    encoder.wait();
    let collected = &viewer.renditions["360p"];
    assert!(collected.gaps.is_empty(), "{:?}", collected.gaps);
    let playlist = get(&collected.url).text();
    let parsed = media_playlist(&playlist);
    assert!(parsed.segments.iter().any(|segment| segment.discontinuity), "{playlist}");
    assert!(
        parsed.segments.iter().all(|s| f64::from(s.duration).round() as u64 <= parsed.target_duration),
        "{playlist}"
    );
    let total: f32 = parsed.segments.iter().map(|segment| segment.duration).sum();
    assert!(close(total.into(), 14.0, 0.5), "{total} s are listed\n{playlist}");
}

#[test]
fn audio_alone_and_video_alone() {
    let server = Server::start(Options::default());
    let (radio, silent) = (server.channel("radio"), server.channel("silent"));
    let sound = ["-re", "-f", "lavfi", "-i", "sine=sample_rate=48000", "-t", "9", "-c:a", "aac"];
    let picture = [
        "-re",
        "-f",
        "lavfi",
        "-i",
        "testsrc2=size=640x272:rate=25",
        "-t",
        "9",
        "-c:v",
        "libx264",
        "-pix_fmt",
        "yuv420p",
        "-g",
        "50",
        "-preset",
        "ultrafast",
    ];
    let first = Encoder::ffmpeg(&sound, &format!("{}/{radio}", server.rtmp));
    let second = Encoder::ffmpeg(&picture, &format!("{}/{silent}", server.rtmp));
    let (mut radio, mut silent) = (Viewer::open(&server, "radio"), Viewer::open(&server, "silent"));
    assert_eq!(radio.renditions.keys().collect::<Vec<_>>(), ["audio"]);
    assert_eq!(silent.renditions.keys().collect::<Vec<_>>(), ["source"]);
    radio.watch_to_the_end(Duration::from_secs(40));
    silent.watch_to_the_end(Duration::from_secs(40));
    first.wait();
    second.wait();
    let dir = TempDir::new();
    assert!(packets(&radio.save("audio", dir.path()), "a").len() > 400);
    assert!(packets(&silent.save("source", dir.path()), "v").len() > 220);
}

#[test]
fn rtmps_publishes() {
    let (_dir, options) = with_certificate();
    let server = Server::start(options);
    let line = server.wait_log("listening name=rtmps");
    let address = line.rsplit("addr=").next().unwrap().trim();
    let key = server.channel("tls");
    let encoder = Encoder::repeat(&clip(8), &format!("rtmps://{address}/live/{key}"));
    server.wait_state("tls", "live");
    encoder.stop();
    server.wait_state("tls", "offline");
}

#[test]
fn gstreamer_publishes() {
    let server = Server::start(Options::default());
    let key = server.channel("gst");
    let location = format!("location={}/{key}", server.rtmp);
    let mut gst = Command::new("gst-launch-1.0")
        .args(["-q", "videotestsrc", "is-live=true", "num-buffers=300", "pattern=ball", "!"])
        .args(["video/x-raw,width=640,height=480,framerate=30/1", "!", "x264enc", "key-int-max=60", "tune=zerolatency"])
        .args([
            "!",
            "video/x-h264,profile=high",
            "!",
            "flvmux",
            "name=mux",
            "streamable=true",
            "!",
            "rtmp2sink",
            &location,
        ])
        .args(["audiotestsrc", "is-live=true", "num-buffers=430", "!", "voaacenc", "bitrate=128000", "!", "mux."])
        .spawn()
        .unwrap();
    let mut viewer = Viewer::open(&server, "gst");
    assert!(viewer.renditions.contains_key("360p") && viewer.renditions.contains_key("audio"));
    wait_for("three segments of 360p", Duration::from_secs(30), || {
        viewer.poll();
        (viewer.renditions["360p"].segments.len() >= 3).then_some(())
    });
    let _ = gst.kill();
    let _ = gst.wait();
}

#[test]
fn a_format_that_changes_in_mid_broadcast_goes_on_behind_a_discontinuity() {
    let server = Server::start(Options::default());
    let key = server.channel("kim");
    let dir = TempDir::new();
    // Two sizes in one FLV stream, as when OBS's canvas is changed: the second comes by takeover.
    let url = format!("{}/{key}", server.rtmp);
    let push = |size: &str, seconds: &str| {
        let source = format!("testsrc2=size={size}:rate=30");
        let arguments = [
            "-re",
            "-f",
            "lavfi",
            "-i",
            &source,
            "-re",
            "-f",
            "lavfi",
            "-i",
            "sine=sample_rate=48000",
            "-t",
            seconds,
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-pix_fmt",
            "yuv420p",
            "-g",
            "60",
            "-c:a",
            "aac",
        ];
        Encoder::ffmpeg(&arguments, &url)
    };
    let first = push("1280x720", "60");
    let mut viewer = Viewer::open(&server, "kim");
    wait_for("some segments", Duration::from_secs(20), || {
        viewer.poll();
        (viewer.renditions["360p"].segments.len() >= 3).then_some(())
    });
    let second = push("854x480", "10");
    viewer.watch_to_the_end(Duration::from_secs(60));
    second.wait();
    first.wait();
    for (rendition, collected) in &viewer.renditions {
        assert!(collected.gaps.is_empty(), "{rendition}: {:?}", collected.gaps);
        let playlist = get(&collected.url).text();
        assert_eq!(playlist.matches("#EXT-X-DISCONTINUITY\n").count(), 1, "{rendition}\n{playlist}");
    }
    // 480p is no rung of the second source: its own picture continues it.
    let playlist = get(&viewer.renditions["480p"].url).text();
    assert!(playlist.contains("../source/"), "{playlist}");
    drop(dir);
}
