//! What goes wrong while a broadcast is on air.
#![allow(clippy::unwrap_used)]

use rivulet_hls_rules::Checker;
use rivulet_store::testing::{Garage, Postgres, TempDir};
use rivulet_store::{Blobs, Store};
use rivulet_tests::*;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

#[test]
fn a_killed_worker_is_replaced_and_costs_a_few_pictures() {
    let server = Server::start(Options::default());
    let key = server.channel("ada");
    let encoder = Encoder::copy(&clip(24), &format!("{}/{key}", server.rtmp));
    let mut viewer = Viewer::open(&server, "ada");
    for _ in 0..3 {
        let worker = wait_for("a worker", Duration::from_secs(5), || server.workers().first().copied());
        signal(worker, "KILL");
        let since = Instant::now();
        wait_for("another worker", Duration::from_secs(5), || {
            server.workers().iter().any(|pid| *pid != worker).then_some(())
        });
        assert!(since.elapsed() < Duration::from_secs(2), "{:?}", since.elapsed());
        let until = Instant::now() + Duration::from_millis(3_700);
        while Instant::now() < until {
            viewer.poll();
        }
    }
    viewer.watch_to_the_end(Duration::from_secs(60));
    assert!(encoder.wait().success(), "the encoder noticed nothing");
    assert!(viewer.renditions["source"].gaps.is_empty());
    assert!(viewer.renditions["audio"].gaps.is_empty());
    for rendition in ["480p", "360p"] {
        let collected = &viewer.renditions[rendition];
        assert!(collected.gaps.is_empty(), "{rendition}: {:?}", collected.gaps);
        // Each replacement goes on where the one before it was, with a key frame of its own.
        let dir = TempDir::new();
        let packets = packets(&viewer.save(rendition, dir.path()), "v");
        let keys = packets.iter().filter(|p| p.2).count();
        assert!((0..=3).contains(&(keys - collected.segments.len())), "{keys} key frames of {rendition}");
        let missing = 24 * 25 - packets.len();
        assert!(missing <= 3 * 8, "{missing} pictures of {rendition} are missing");
    }
    assert_eq!(server.metric("rivulet_worker_restarts_total"), 3.0);
}

/// The workers try it themselves: files, network, programs, memory.
#[test]
fn a_worker_is_shut_in() {
    for args in [
        &["worker", "--probe", "--memory-mib", "256"][..],
        &["compositor-input", "--probe", "decode"],
        &["compositor-input", "--probe", "fetch"],
    ] {
        let probe = Command::new(binary()).args(args).output().unwrap();
        assert!(probe.status.success(), "{args:?}: {}", String::from_utf8_lossy(&probe.stderr));
        // Whether it can keep files apart is the kernel's.
        let leaks = String::from_utf8(probe.stdout).unwrap();
        assert!(["", "open files"].contains(&leaks.trim()), "{args:?}: {leaks}");
        assert!(leaks.trim().is_empty() || args.contains(&"fetch"), "{args:?}: {leaks}");
    }
    let data = TempDir::new();
    let doctor = Command::new(binary()).args(["doctor", "--data"]).arg(data.path()).output().unwrap();
    let text = String::from_utf8(doctor.stdout).unwrap();
    let cage = text.lines().find(|line| line.contains(" cage ")).unwrap_or_else(|| panic!("{text}"));
    assert!(cage.starts_with("ok") && cage.contains("2048 MiB"), "{cage}");
    let inputs = text.lines().find(|line| line.contains(" inputs ")).unwrap_or_else(|| panic!("{text}"));
    assert!(inputs.starts_with("ok") && inputs.contains("no network"), "{inputs}");
}

#[test]
fn a_worker_that_wants_too_much_memory_ends_alone() {
    let server = Server::start(Options::default().flag("--worker-memory-mib", "64"));
    let key = server.channel("ada");
    let encoder = Encoder::copy(&clip(8), &format!("{}/{key}", server.rtmp));
    let mut viewer = Viewer::open(&server, "ada");
    server.wait_log("starting another");
    viewer.renditions.retain(|id, _| ["source", "audio"].contains(&id.as_str()));
    viewer.watch_to_the_end(Duration::from_secs(40));
    assert!(encoder.wait().success(), "the encoder noticed nothing");
    assert!(server.metric("rivulet_worker_restarts_total") >= 1.0);
    let dir = TempDir::new();
    assert_eq!(packets(&viewer.save("source", dir.path()), "v").len(), 8 * 25);
}

#[test]
fn the_newer_encoder_takes_over_within_a_second() {
    let server = Server::start(Options::default());
    let key = server.channel("ada");
    let url = format!("{}/{key}", server.rtmp);
    let first = Encoder::repeat(&clip(8), &url);
    let mut viewer = Viewer::open(&server, "ada");
    let second = Encoder::repeat(&clip(8), &url);
    let since = Instant::now();
    server.wait_log("publishing");
    first.wait();
    assert!(since.elapsed() < Duration::from_secs(3), "the first encoder was told to go after {:?}", since.elapsed());
    assert_eq!(server.channel_state("ada")["state"], "live");
    // The same broadcast goes on: the same URLs, the next numbers.
    let before = viewer.renditions["source"].segments.len();
    wait_for("more segments", Duration::from_secs(15), || {
        viewer.poll();
        (viewer.renditions["source"].segments.len() >= before + 3).then_some(())
    });
    second.stop();
    server.wait_state("ada", "offline");
}

#[test]
fn an_encoder_that_is_cut_off_returns_into_the_same_broadcast() {
    let server = Server::start(Options::default());
    let key = server.channel("ada");
    let url = format!("{}/{key}", server.rtmp);
    let first = Encoder::repeat(&clip(8), &url);
    let mut viewer = Viewer::open(&server, "ada");
    server.wait_state("ada", "live");
    drop(first);
    server.wait_state("ada", "reconnecting");
    let playlist = get(&viewer.renditions["source"].url);
    assert_eq!(playlist.status, 200);
    assert!(!playlist.text().contains("ENDLIST"));
    let second = Encoder::repeat(&clip(8), &url);
    server.wait_state("ada", "live");
    wait_for("segments behind a discontinuity", Duration::from_secs(15), || {
        viewer.poll();
        get(&viewer.renditions["360p"].url).text().contains("#EXT-X-DISCONTINUITY\n").then_some(())
    });
    second.stop();
    server.wait_state("ada", "offline");
}

#[test]
fn a_channel_s_own_grace_counts_from_the_next_broadcast_on() {
    let server = Server::start(Options::default().flag("--grace", "120s"));
    let key = server.channel("ada");
    let url = format!("{}/{key}", server.rtmp);
    let encoder = Encoder::repeat(&clip(8), &url);
    server.wait_state("ada", "live");
    server.set_settings("ada", r#"{"grace_seconds": 0}"#);
    drop(encoder);
    server.wait_state("ada", "reconnecting");
    let encoder = Encoder::repeat(&clip(8), &url);
    server.wait_state("ada", "live");
    encoder.stop();
    server.wait_state("ada", "offline");

    let encoder = Encoder::repeat(&clip(8), &url);
    server.wait_state("ada", "live");
    drop(encoder);
    assert_eq!(wait_for("its end", Duration::from_secs(5), || server.left("ada", "live")), "offline");
}

fn environment(garage: &Garage) -> BTreeMap<String, String> {
    let names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
    names.iter().filter_map(|name| Some(((*name).to_owned(), garage.env(name)?))).collect()
}

fn sqlite(server: &Server) -> String {
    format!("sqlite:{}", server.data.path().join("rivulet.db").display())
}

/// All objects of the newest broadcast, by key, through its index.
fn recorded(runtime: &tokio::runtime::Runtime, database: &str, blobs: &Blobs) -> BTreeMap<String, Vec<u8>> {
    runtime.block_on(async {
        let store = Store::open(database).await.unwrap();
        let broadcasts = store.broadcasts_ended_before(i64::MAX, 10).await.unwrap();
        let mut objects = BTreeMap::new();
        for segment in store.segments_of(&broadcasts.last().unwrap().id, 10_000).await.unwrap() {
            let body = blobs.get(&segment.object_key).await.unwrap().unwrap();
            assert_eq!(body.len() as i64, segment.bytes);
            let name = segment.object_key.splitn(3, '/').nth(2).unwrap().to_owned();
            objects.insert(name, body.to_vec());
        }
        objects
    })
}

#[test]
fn embedded_and_distributed_hold_the_same_bytes() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let garage = runtime.block_on(Garage::start());
    let postgres = runtime.block_on(Postgres::start());
    let database = runtime.block_on(postgres.database());
    let disk = Server::start(Options::default());
    let options = Options { env: environment(&garage), ..Options::default() }
        .flag("--blobs", &garage.url("same"))
        .flag("--database-url", &database);
    let s3 = Server::start(options);
    let (disk_key, s3_key) = (disk.channel("ada"), s3.channel("ada"));
    let clip = clip(8);
    let first = Encoder::copy(&clip, &format!("{}/{disk_key}", disk.rtmp));
    let second = Encoder::copy(&clip, &format!("{}/{s3_key}", s3.rtmp));
    let mut viewer = Viewer::open(&s3, "ada");
    viewer.watch_to_the_end(Duration::from_secs(60));
    first.wait();
    second.wait();
    for server in [&disk, &s3] {
        server.wait_state("ada", "offline");
        wait_for("everything to be stored", Duration::from_secs(20), || {
            (server.metric("rivulet_blobs_waiting") == 0.0).then_some(())
        });
    }
    let env = |name: &str| garage.env(name);
    let on_disk = runtime.block_on(Blobs::open(None, disk.data.path())).unwrap();
    let in_s3 = runtime.block_on(Blobs::open_with(Some(&garage.url("same")), s3.data.path(), env)).unwrap();
    let (a, b) = (recorded(&runtime, &sqlite(&disk), &on_disk), recorded(&runtime, &database, &in_s3));
    assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>());
    for (name, body) in &a {
        assert!(body == &b[name], "{name} differs");
    }
    // And what viewers got from memory is what S3 has.
    for (rendition, collected) in &viewer.renditions {
        for (number, body) in &collected.segments {
            assert!(body == &b[&format!("{rendition}/{number}.m4s")], "{rendition}/{number}");
        }
        assert!(collected.init == b[&format!("{rendition}/init-0.mp4")]);
    }
}

#[test]
fn s3_may_refuse_connections() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut garage = runtime.block_on(Garage::start());
    let options = Options { env: environment(&garage), ..Options::default() }.flag("--blobs", &garage.url("outage"));
    let server = Server::start(options);
    let key = server.channel("ada");
    let encoder = Encoder::repeat(&clip(8), &format!("{}/{key}", server.rtmp));
    let mut viewer = Viewer::open(&server, "ada");
    garage.kill();
    let (since, away) = (Instant::now(), outage(20));
    while since.elapsed() < away {
        viewer.poll();
        std::thread::sleep(Duration::from_millis(300));
    }
    assert!(server.metric("rivulet_blobs_waiting") > 10.0, "segments wait for S3");
    assert!(server.metric("rivulet_spool_bytes") > 100_000.0);
    runtime.block_on(garage.restart());
    let back = Instant::now();
    // Twice as fast as it filled, after the pause between two attempts; what is new waits a moment, too.
    wait_for("the spool to drain", away / 2 + Duration::from_secs(20), || {
        viewer.poll();
        (server.metric("rivulet_blobs_waiting") <= 4.0).then_some(())
    });
    println!("away for {away:?}, all stored {:?} after that", back.elapsed());
    encoder.stop();
    viewer.watch_to_the_end(Duration::from_secs(30));
    assert!(viewer.renditions.values().all(|collected| collected.gaps.is_empty()), "live was untouched");
    wait_for("the rest", Duration::from_secs(20), || (server.metric("rivulet_blobs_waiting") == 0.0).then_some(()));
    assert_eq!(server.metric("rivulet_spool_bytes"), 0.0);
    assert_eq!(server.metric("rivulet_blobs_lost_total"), 0.0);
    let env = |name: &str| garage.env(name);
    let blobs = runtime.block_on(Blobs::open_with(Some(&garage.url("outage")), server.data.path(), env)).unwrap();
    let stored = recorded(&runtime, &sqlite(&server), &blobs);
    for (rendition, collected) in &viewer.renditions {
        assert!(collected.segments.len() as u64 >= away.as_secs() / 2);
        for (number, body) in &collected.segments {
            assert!(Some(body) == stored.get(&format!("{rendition}/{number}.m4s")), "{rendition}/{number} is lost");
        }
    }
}

fn files(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).unwrap().map_while(Result::ok);
    entries.map(|entry| if entry.path().is_dir() { files(&entry.path()) } else { 1 }).sum()
}

#[test]
fn what_a_stopped_server_could_not_send_the_next_one_sends() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut garage = runtime.block_on(Garage::start());
    let data = Arc::new(TempDir::new());
    let options = Options { data: Some(data.clone()), env: environment(&garage), flags: Vec::new() }
        .flag("--blobs", &garage.url("restart"));
    let mut server = Server::start(options.clone());
    let key = server.channel("ada");
    let encoder = Encoder::copy(&clip(8), &format!("{}/{key}", server.rtmp));
    let mut viewer = Viewer::open(&server, "ada");
    garage.kill();
    viewer.watch_to_the_end(Duration::from_secs(30));
    encoder.wait();
    assert!(server.stop() < Duration::from_secs(10));
    runtime.block_on(garage.restart());
    let server = Server::start(options);
    wait_for("the spool to drain", Duration::from_secs(30), || (files(&data.path().join("spool")) == 0).then_some(()));
    let env = |name: &str| garage.env(name);
    let blobs = runtime.block_on(Blobs::open_with(Some(&garage.url("restart")), data.path(), env)).unwrap();
    let stored = recorded(&runtime, &sqlite(&server), &blobs);
    for (rendition, collected) in &viewer.renditions {
        for (number, body) in &collected.segments {
            assert!(Some(body) == stored.get(&format!("{rendition}/{number}.m4s")), "{rendition}/{number} is lost");
        }
    }
}

#[test]
fn a_server_whose_log_nobody_reads_still_stops() {
    let data = TempDir::new();
    let mut server = Command::new(binary())
        .args(["serve", "--http", "127.0.0.1:0", "--rtmp", "127.0.0.1:0", "--irc", "127.0.0.1:0", "--data"])
        .arg(data.path())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // To the end of the box; then the pipe is closed.
    let log = BufReader::new(server.stderr.take().unwrap());
    log.lines().map_while(Result::ok).find(|line| line.starts_with('└')).unwrap();
    signal(server.id(), "TERM");
    let ended = wait_for("its end", Duration::from_secs(10), || server.try_wait().unwrap());
    assert!(ended.success(), "{ended}");
}

#[test]
fn a_broadcast_outlives_the_server() {
    let data = Arc::new(TempDir::new());
    let options = || Options { data: Some(data.clone()), ..Options::default() };
    let mut server = Server::start(options());
    let key = server.channel("ada");
    let mut checker = Checker::default();
    let mut last = None;
    // Once it is killed, once it is stopped as for an update.
    for killed in [true, false] {
        let encoder = Encoder::repeat(&clip(8), &format!("{}/{key}", server.rtmp));
        server.wait_state("ada", "live");
        let folder = server.broadcast("ada");
        for rendition in ["source", "audio", "360p"] {
            let url = format!("{folder}/{rendition}/index.m3u8");
            let list = checker.check(&url, &server.get(&url).text()).unwrap().clone();
            assert!(!list.ended);
        }
        let url = format!("{folder}/source/index.m3u8");
        let before = last.replace(folder.clone()).unwrap_or(folder.clone());
        assert_eq!(before, folder, "it is the same broadcast");
        if killed {
            wait_for("what is asked for later to be stored", Duration::from_secs(20), || {
                (server.metric("rivulet_blobs_waiting") == 0.0).then_some(())
            });
            signal(server.pid(), "KILL");
        } else {
            let answer = checker.check(&url, &server.get(&url).text()).map(|list| list.media_sequence).unwrap();
            assert!(answer > 0, "numbers went on");
            let took = server.stop();
            assert!(took < Duration::from_secs(10), "{took:?}");
        }
        let log = server.log().join("\n");
        assert!(!log.contains(&key), "the stream key is in the log");
        assert!(!log.contains("broadcast ends"), "{log}");
        drop(encoder);
        server = Server::start(options());
        server.wait_state("ada", "reconnecting");
        assert!(server.channel_state("ada")["playback"].is_null(), "there is nothing to play until it is back");
    }
    let encoder = Encoder::repeat(&clip(8), &format!("{}/{key}", server.rtmp));
    server.wait_state("ada", "live");
    let folder = server.broadcast("ada");
    assert_eq!(last, Some(folder.clone()));
    // What was recorded before is still there, under the same address.
    assert_eq!(server.get(&format!("{folder}/source/0.m4s")).status, 200);
    assert_eq!(server.get(&format!("{folder}/recording.m3u8")).status, 404, "it is on air");
    encoder.stop();
    server.wait_state("ada", "offline");
    wait_for("the recording to be whole", Duration::from_secs(20), || {
        (server.metric("rivulet_blobs_waiting") == 0.0).then_some(())
    });
    let lives = media_playlist(&server.get(&format!("{folder}/source/recording.m3u8")).text());
    assert!(lives.end_list && lives.segments.iter().filter(|segment| segment.discontinuity).count() >= 2);
    // An independent player reads all of it.
    let output = Command::new("ffmpeg")
        .args(["-v", "warning", "-i", &format!("{}{folder}/recording.m3u8", server.http)])
        .args(["-map", "0:v:0", "-map", "0:a:0", "-c", "copy", "-f", "framemd5", "-"])
        .output()
        .unwrap();
    let packets = String::from_utf8(output.stdout).unwrap();
    let seconds: f32 = lives.segments.iter().map(|segment| segment.duration).sum();
    let pictures = packets.lines().filter(|line| line.starts_with("0,")).count() as f32;
    assert!((pictures - seconds * 25.0).abs() < 12.0, "{pictures} pictures in {seconds} s");
}

#[test]
fn a_broadcast_left_for_longer_than_the_grace_is_over() {
    let data = Arc::new(TempDir::new());
    let options = |grace| Options { data: Some(data.clone()), ..Options::default() }.flag("--grace", grace);
    let server = Server::start(options("60s"));
    let key = server.channel("ada");
    let encoder = Encoder::repeat(&clip(8), &format!("{}/{key}", server.rtmp));
    server.wait_state("ada", "live");
    let first = server.broadcast("ada");
    signal(server.pid(), "KILL");
    drop((encoder, server));
    let server = Server::start(options("0s"));
    assert_eq!(server.channel_state("ada")["state"], "offline");
    let encoder = Encoder::repeat(&clip(8), &format!("{}/{key}", server.rtmp));
    server.wait_state("ada", "live");
    assert_ne!(server.broadcast("ada"), first);
    encoder.stop();
}
