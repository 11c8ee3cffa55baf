//! Bad input gets a clear answer, and touches nobody else.
#![allow(clippy::unwrap_used)]

use rivulet_store::testing::TempDir;
use rivulet_tests::*;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Publishes with ffmpeg and answers what it printed when it gave up.
fn refused(arguments: &[&str], url: &str) -> String {
    let output = Command::new("ffmpeg")
        .args(["-hide_banner", "-loglevel", "verbose", "-nostdin"])
        .args(arguments)
        .args(["-f", "flv", url])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(!output.status.success(), "{arguments:?} was accepted");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

const H264: [&str; 12] = [
    "-re",
    "-f",
    "lavfi",
    "-i",
    "testsrc2=size=320x240:rate=25",
    "-t",
    "20",
    "-c:v",
    "libx264",
    "-preset",
    "ultrafast",
    "-an",
];

#[test]
fn keys_and_applications() {
    let server = Server::start(Options::default());
    let key = server.channel("ada");
    for wrong in ["ada", "wrong", "", "rvk_00000000000000000000000000000000"] {
        let text = refused(&H264, &format!("{}/{wrong}", server.rtmp));
        assert!(text.contains("stream key"), "{wrong}: {text}");
    }
    let rotated = server.rotate("ada");
    assert!(refused(&H264, &format!("{}/{key}", server.rtmp)).contains("wrong stream key"));
    let elsewhere = server.rtmp.replace("/live", "/other");
    refused(&H264, &format!("{elsewhere}/{rotated}"));
    assert_eq!(server.metric("rivulet_broadcasts"), 0.0);
    assert_eq!(server.channel_state("ada")["state"], "offline");
    let log = server.log().join("\n");
    assert!(!log.contains(&key) && !log.contains(&rotated), "a stream key is in the log");
}

#[test]
fn how_many_broadcasts_and_how_long() {
    let server = Server::start(Options::default().flag("--max-broadcasts", "1").flag("--max-duration", "8s"));
    let (ada, bob) = (server.channel("ada"), server.channel("bob"));
    let (adas, bobs) = (format!("{}/{ada}", server.rtmp), format!("{}/{bob}", server.rtmp));
    let refusal = |channel: &str| {
        let page = server.login(channel).call("GET", &format!("/channels/{channel}/golive"), "");
        page["ingest"]["last_refusal"].as_str().unwrap_or_default().to_owned()
    };
    let encoder = Encoder::repeat(&clip(8), &adas);
    let live = server.wait_state("ada", "live");
    assert!(refused(&H264, &bobs).contains("takes no more"));
    assert!(refusal("bob").contains("1 broadcasts on air"), "{}", refusal("bob"));
    // A broadcast's own second encoder takes no place.
    let second = Encoder::repeat(&clip(8), &adas);
    assert!(!encoder.wait().success());
    assert_eq!(server.wait_state("ada", "live")["started_at_ms"], live["started_at_ms"]);
    assert!(!second.wait().success());
    server.wait_state("ada", "offline");
    assert!(refusal("ada").contains("may last 8 s"), "{}", refusal("ada"));
    let _encoder = Encoder::repeat(&clip(8), &bobs);
    server.wait_state("bob", "live");
}

/// What an admin lets one channel have, and what it is told.
#[test]
fn a_channel_may_have_limits_of_its_own() {
    let server = Server::start(Options::default().flag("--quota-mib", "2"));
    let (ada, bob) = (server.channel("ada"), server.channel("bob"));
    let boss = server.login("ada");
    boss.call("PUT", "/admin/channels/ada/limits", r#"{"max_side": 300, "quota_mib": 0}"#);
    refused(&H264, &format!("{}/{ada}", server.rtmp));
    let told = boss.call("GET", "/channels/ada/golive", "")["ingest"]["last_refusal"].clone();
    assert_eq!(told, "the picture is 320x240, the limit is 300x300; lower the output resolution");
    boss.call("PUT", "/admin/channels/ada/limits", r#"{"max_side": 1280}"#);
    let _ada = Encoder::repeat(&clip(8), &format!("{}/{ada}", server.rtmp));
    let bob = Encoder::repeat(&clip(8), &format!("{}/{bob}", server.rtmp));
    let mut viewer = Viewer::open(&server, "bob");
    // About five seconds of all qualities are recorded until somebody looks.
    let owner = server.login("bob");
    let check = wait_for("a word to the broadcaster", Duration::from_secs(40), || {
        viewer.poll();
        let golive = owner.call("GET", "/channels/bob/golive", "");
        golive["ingest"]["checks"].as_array()?.iter().find(|check| check["name"] == "recording").cloned()
    });
    assert_eq!(check["measured"], "Not recorded: the channel's 2 MiB for recordings are used up");
    let until = Instant::now() + Duration::from_secs(5);
    while Instant::now() < until {
        viewer.poll();
    }
    bob.stop();
    viewer.watch_to_the_end(Duration::from_secs(20));
    assert!(viewer.renditions.values().all(|collected| collected.gaps.is_empty()), "live goes on");
    let list = owner.call("GET", "/channels/bob/broadcasts", "");
    let id = list["items"][0]["id"].as_str().unwrap();
    wait_for("the gap to be told", Duration::from_secs(10), || {
        let missing = owner.call("GET", &format!("/channels/bob/broadcasts/{id}"), "")["missing_ms"].as_u64().unwrap();
        (missing >= 3_000).then_some(())
    });
    let page = get_with(&format!("{}/dashboard/bob/broadcasts/{id}", server.http), &[("cookie", owner.cookie())]);
    assert!(page.text().contains("of the recording are missing"), "{}", page.text());
}

#[test]
fn codecs_and_limits_are_named() {
    let options = Options::default().flag("--max-size", "640x480").flag("--max-fps", "60").flag("--max-kbps", "4000");
    let server = Server::start(options);
    let key = server.channel("ada");
    let url = format!("{}/{key}", server.rtmp);
    let video = |size: &'static str| ["-re", "-f", "lavfi", "-i", size, "-t", "20", "-pix_fmt", "yuv420p", "-g", "50"];
    let x264 = ["-c:v", "libx264", "-preset", "ultrafast"];
    let big = [&video("testsrc2=size=1280x720:rate=25")[..], &x264].concat();
    let fast = [&video("testsrc2=size=320x240:rate=240")[..], &x264].concat();
    let heavy =
        [&video("nullsrc=size=640x480:rate=30,geq=random(1)*255:128:128")[..], &x264, &["-b:v", "20M", "-qmax", "2"]]
            .concat();
    let sorenson = [&video("testsrc2=size=352x288:rate=25")[..], &["-c:v", "flv1"]].concat();
    let mp3 = ["-re", "-f", "lavfi", "-i", "sine=sample_rate=44100", "-t", "20", "-c:a", "libmp3lame"];
    for (arguments, want) in [
        (big, "the limit is 640x480"),
        (fast, "the limit is 60"),
        (heavy, "the limit is 4000 kb/s"),
        (sorenson, "set the encoder to H.264"),
        (mp3.to_vec(), "set the encoder to AAC"),
    ] {
        refused(&arguments, &url);
        server.wait_log(want);
        wait_for("the channel to be offline", Duration::from_secs(5), || {
            (server.channel_state("ada")["state"] == "offline").then_some(())
        });
    }
    // Nobody else is touched, and the channel itself may go on.
    let encoder = Encoder::ffmpeg(&H264, &url);
    server.wait_state("ada", "live");
    encoder.stop();
}

#[test]
fn addresses_that_are_not_there() {
    let server = Server::start(Options::default());
    server.channel("ada");
    for (path, want) in [
        ("/live/nobody/master.m3u8", 404),
        ("/live/ada/master.m3u8", 404),
        ("/live/ada/0/source/index.m3u8", 404),
        ("/live/ada/0/source/7.m4s", 404),
        ("/live/ada/0/source/secret.txt", 404),
        ("/live/ada/..%2f..%2fetc/source/7.m4s", 400),
        ("/live/ada/%2e%2e/%2e%2e/7.m4s", 400),
        ("/live/ada/0/../../../etc/passwd", 404),
        ("/live/ada/0/source/..%2f..%2frivulet.db", 404),
        ("/api/v1/channels/nobody", 404),
        ("/api/v1/nothing", 404),
        ("/nobody", 404),
    ] {
        // Sent raw: clients tidy such paths up.
        let mut socket = TcpStream::connect(server.http.trim_start_matches("http://")).unwrap();
        write!(socket, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        let status: u16 = answer.split_whitespace().nth(1).unwrap().parse().unwrap();
        assert_eq!(status, want, "{path}: {answer}");
        let data = server.data.path().to_str().unwrap();
        assert!(!answer.contains(data) && !answer.contains("root:"), "{path}: {answer}");
    }
}

#[test]
fn garbage_and_silent_connections_harm_nobody() {
    let server = Server::start(Options::default());
    let key = server.channel("ada");
    let address = server.rtmp.trim_start_matches("rtmp://").trim_end_matches("/live").to_owned();
    let encoder = Encoder::repeat(&clip(8), &format!("{}/{key}", server.rtmp));
    server.wait_state("ada", "live");
    // 100 from one address are allowed; the encoder has one of them.
    let silent: Vec<_> = (0..200).map(|_| TcpStream::connect(&address).unwrap()).collect();
    let mut garbage = TcpStream::connect(&address).unwrap();
    let _ = garbage.write_all(&[0xff; 100_000]);
    let since = Instant::now();
    for mut socket in silent {
        socket.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
        let mut rest = Vec::new();
        let _ = socket.read_to_end(&mut rest);
    }
    assert!(since.elapsed() < Duration::from_secs(14), "silent connections were kept for {:?}", since.elapsed());
    assert_eq!(server.metric("rivulet_rtmp_sessions"), 1.0);
    assert!(server.metric("rivulet_rtmp_over_limit_total") >= 100.0);
    assert_eq!(server.channel_state("ada")["state"], "live");
    encoder.stop();
}

/// Starts a server that cannot start; answers what it said.
fn fails(arguments: &[&str]) -> String {
    let output = Command::new(binary())
        .arg("serve")
        .args(arguments)
        .env("RIVULET_IRC", "127.0.0.1:0")
        .env("AWS_ACCESS_KEY_ID", "x")
        .env("AWS_SECRET_ACCESS_KEY", "y")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    let text = String::from_utf8(output.stderr).unwrap();
    let said: Vec<_> = text.lines().filter(|line| line.starts_with("rivulet: ")).collect();
    assert_eq!(said.len(), 1, "{text}");
    said[0].to_owned()
}

#[test]
fn a_start_that_fails_says_why_on_one_line() {
    let dir = TempDir::new();
    let data = dir.path().to_str().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let free = "127.0.0.1:0";
    for (arguments, names) in [
        (vec!["--data", "/proc/rivulet", "--http", free, "--rtmp", free], "--data"),
        (vec!["--data", data, "--http", &taken, "--rtmp", free], "--http"),
        (vec!["--data", data, "--http", free, "--rtmp", &taken], "--rtmp"),
        (
            vec!["--data", data, "--http", free, "--rtmp", free, "--database-url", "postgres://x@127.0.0.1:1/x"],
            "127.0.0.1",
        ),
        (
            vec![
                "--data",
                data,
                "--http",
                free,
                "--rtmp",
                free,
                "--blobs",
                "s3://b/p?endpoint=http://127.0.0.1:1&region=x",
            ],
            "127.0.0.1:1",
        ),
        (vec!["--data", data, "--http", free, "--rtmp", free, "--ladder", "nonsense"], "--ladder"),
        (vec!["--data", data, "--http", free, "--rtmp", free, "--roles", "ingest,api"], "--roles"),
        (
            vec![
                "--data",
                data,
                "--http",
                free,
                "--rtmp",
                free,
                "--roles",
                "ingest,transcoder,origin,api,web,compositor",
            ],
            "--hosted",
        ),
        (vec!["--data", data, "--http", free, "--rtmp", free, "--irc", &taken], "--irc"),
        (vec!["--data", data, "--http", free, "--rtmp", free, "--redis-url", "redis://127.0.0.1:1"], "--redis-url"),
        (vec!["--data", data, "--http", free, "--rtmp", free, "--redis-url", "nonsense"], "redis://HOST:PORT"),
    ] {
        let said = fails(&arguments);
        assert!(said.contains(names), "{arguments:?}: {said}");
    }
    let wrong = Command::new(binary()).args(["serve", "--nonsense"]).output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
}
