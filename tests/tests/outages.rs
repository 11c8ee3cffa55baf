//! What the server needs goes away for a while, or does worse: the show goes on, and nothing that was
//! acknowledged is lost. `docs/reliability.md` says what is promised.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use rivulet_store::testing::{Garage, Postgres, TempDir};
use rivulet_store::{Blobs, Segment, Store};
use rivulet_tests::proxy::{Fault, Proxy};
use rivulet_tests::{Encoder, Options, Server, Viewer, clip, master_playlist, media_playlist, outage, wait_for};
use std::collections::BTreeSet;
use std::io::Write;
use std::net::TcpStream;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A player goes on while something is broken.
fn watch(viewer: &mut Viewer, time: Duration) {
    let since = Instant::now();
    while since.elapsed() < time {
        viewer.poll();
        std::thread::sleep(Duration::from_millis(300));
    }
}

#[test]
fn s3_that_is_slow_or_deaf_or_cuts_uploads_costs_nothing() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let garage = runtime.block_on(Garage::start());
    let proxy = Proxy::new(garage.endpoint.strip_prefix("http://").unwrap());
    let url = garage.url("faults").replace(garage.endpoint.as_str(), &format!("http://{}", proxy.address));
    let env = |name: &str| garage.env(name);
    let names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
    let options = Options {
        env: names.iter().filter_map(|name| Some(((*name).to_owned(), env(name)?))).collect(),
        ..Options::default()
    };
    let server = Server::start(options.flag("--blobs", &url));
    let key = server.channel("ada");
    let encoder = Encoder::repeat(&clip(8), &format!("{}/{key}", server.rtmp));
    let mut viewer = Viewer::open(&server, "ada");
    let retries = |server: &Server| server.metric("rivulet_blob_retries_total");
    for fault in [Fault::Slow(Duration::from_secs(2)), Fault::Deaf, Fault::Cut(50_000), Fault::Hole] {
        let before = retries(&server);
        proxy.set(fault);
        watch(&mut viewer, outage(8));
        eprintln!(
            "{fault:?}: {} retries, {} waiting",
            retries(&server) - before,
            server.metric("rivulet_blobs_waiting")
        );
        proxy.set(Fault::None);
    }
    assert!(retries(&server) > 0.0, "something did go wrong");
    encoder.stop();
    viewer.watch_to_the_end(Duration::from_secs(30));
    assert!(viewer.renditions.values().all(|collected| collected.gaps.is_empty()), "live was untouched");
    wait_for("the spool to drain", Duration::from_secs(60), || {
        (server.metric("rivulet_blobs_waiting") == 0.0).then_some(())
    });
    assert_eq!((server.metric("rivulet_blobs_lost_total"), server.metric("rivulet_spool_bytes")), (0.0, 0.0));
    let blobs = runtime.block_on(Blobs::open_with(Some(&garage.url("faults")), server.data.path(), env)).unwrap();
    let broadcast = server.log().iter().find_map(|line| Some(line.split("broadcast starts").nth(1)?.to_owned()));
    assert!(broadcast.is_some());
    runtime.block_on(async {
        let store = Store::open(&format!("sqlite:{}", server.data.path().join("rivulet.db").display())).await.unwrap();
        let row = store.broadcasts_ended_before(i64::MAX, 10).await.unwrap().pop().unwrap();
        let rows = store.segments_of(&row.id, 10_000).await.unwrap();
        for (rendition, collected) in &viewer.renditions {
            let stored: BTreeSet<i64> =
                rows.iter().filter(|row| row.rendition == *rendition).map(|row| row.number).collect();
            for (number, body) in &collected.segments {
                assert!(stored.contains(&(*number as i64)), "{rendition}/{number} has no row");
                let key = format!("live/{}/{rendition}/{number}.m4s", row.id);
                assert!(blobs.get(&key).await.unwrap().as_deref() == Some(&body[..]), "{key} is not what was played");
            }
        }
    });
}

/// The oldest goes, and the recording says where.
#[test]
fn what_the_spool_has_no_room_for_is_a_gap_in_the_recording() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let garage = runtime.block_on(Garage::start());
    let proxy = Proxy::new(garage.endpoint.strip_prefix("http://").unwrap());
    let url = garage.url("gaps").replace(garage.endpoint.as_str(), &format!("http://{}", proxy.address));
    let names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
    let env = names.iter().filter_map(|name| Some(((*name).to_owned(), garage.env(name)?))).collect();
    let server = Server::start(Options { env, ..Options::default() }.flag("--blobs", &url).flag("--spool-mib", "2"));
    let key = server.channel("ada");
    let encoder = Encoder::repeat(&clip(8), &format!("{}/{key}", server.rtmp));
    let mut viewer = Viewer::open(&server, "ada");
    watch(&mut viewer, Duration::from_secs(4));
    proxy.set(Fault::Hole);
    wait_for("the spool to be full", Duration::from_secs(60), || {
        viewer.poll();
        (server.metric("rivulet_blobs_lost_total") >= 24.0).then_some(())
    });
    proxy.set(Fault::None);
    watch(&mut viewer, Duration::from_secs(4));
    encoder.stop();
    viewer.watch_to_the_end(Duration::from_secs(30));
    assert!(viewer.renditions.values().all(|collected| collected.gaps.is_empty()), "live was untouched");
    wait_for("the spool to drain", Duration::from_secs(60), || {
        (server.metric("rivulet_blobs_waiting") == 0.0).then_some(())
    });
    runtime.block_on(async {
        let store = Store::open(&format!("sqlite:{}", server.data.path().join("rivulet.db").display())).await.unwrap();
        let row = store.broadcasts_ended_before(i64::MAX, 10).await.unwrap().pop().unwrap();
        let rows = store.segments_of(&row.id, 10_000).await.unwrap();
        let gaps = rows.iter().filter(|row| row.bytes == 0).count();
        // Some were on their way when they were given up, and arrived.
        assert!(gaps >= 8 && gaps as f64 <= server.metric("rivulet_blobs_lost_total"), "{gaps} gaps");
        for (rendition, collected) in &viewer.renditions {
            // Recorded or a gap: no segment is just not there.
            let known =
                |number: &u64| rows.iter().any(|row| row.rendition == *rendition && row.number == *number as i64);
            assert!(collected.segments.keys().all(known), "{rendition}");
        }
        let told = server.login("ada").call("GET", &format!("/channels/ada/broadcasts/{}", row.id), "");
        assert!(told["missing_ms"].as_u64().unwrap() >= 1_000, "{told}");
        // Its playlists say so, too, and all else is there.
        let folder = format!("/live/ada/{}", row.id);
        let offered = server.get(&format!("{folder}/recording.m3u8"));
        assert!(!master_playlist(&offered.text()).variants.is_empty(), "{}", offered.text());
        for rendition in ["source", "audio"] {
            let list = server.get(&format!("{folder}/{rendition}/recording.m3u8")).text();
            let of = |row: &&Segment| row.rendition == rendition && row.number >= 0;
            let marked = list.split("#EXT-X-PROGRAM-DATE-TIME").skip(1);
            for (entry, row) in marked.zip(rows.iter().filter(of)) {
                let name = format!("{}.m4s", row.number);
                assert!(entry.contains(&name) && entry.contains("#EXT-X-GAP") == (row.bytes == 0), "{row:?}\n{list}");
                if row.bytes > 0 {
                    assert_eq!(server.get(&format!("{folder}/{rendition}/{name}")).body.len() as i64, row.bytes);
                }
            }
            assert_eq!(media_playlist(&list).segments.len(), rows.iter().filter(of).count());
        }
    });
}

#[test]
fn the_show_goes_on_without_the_database() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let postgres = runtime.block_on(Postgres::start());
    let direct = runtime.block_on(postgres.database());
    let mut url = url::Url::parse(&direct).unwrap();
    let proxy = Proxy::new(&format!("{}:{}", url.host_str().unwrap(), url.port().unwrap()));
    url.set_port(Some(proxy.address.port())).unwrap();
    // Commands of the administrator go the straight way.
    let server = Server::start(Options::default().flag("--database-url", url.as_str()));
    let (ada, bob) = (server.channel("ada"), server.channel("bob"));
    let session = server.login("ada");
    let push = |key: &str| Encoder::repeat(&clip(8), &format!("{}/{key}", server.rtmp));
    let encoder = push(&ada);
    let first = push(&bob);
    server.wait_state("bob", "live");
    first.stop();
    server.wait_state("bob", "offline");
    let mut viewer = Viewer::open(&server, "ada");
    watch(&mut viewer, Duration::from_secs(4));

    proxy.set(Fault::Hole);
    let since = Instant::now();
    // Until it is noticed, and after.
    for _ in 0..6 {
        let asked = Instant::now();
        let answer = session.send("GET", "/me", "");
        assert_eq!(answer.status, 503, "{}", answer.text());
        assert!(answer.text().contains("database_away") && answer.headers["retry-after"] == "5");
        assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
    }
    let page = server.get("/ada/about");
    assert_eq!((page.status, page.text().contains("Back in a moment")), (503, true));
    // Whose key was good a moment ago goes on air, and whoever is cut off comes back.
    let second = push(&bob);
    drop(encoder);
    let encoder = push(&ada);
    watch(&mut viewer, outage(8).saturating_sub(since.elapsed()));
    wait_for("bob's show", Duration::from_secs(20), || {
        (server.get("/live/bob/master.m3u8").status == 200).then_some(())
    });
    proxy.set(Fault::None);
    wait_for("the database", Duration::from_secs(10), || (session.send("GET", "/me", "").status == 200).then_some(()));
    second.stop();
    encoder.stop();
    viewer.watch_to_the_end(Duration::from_secs(30));
    assert!(viewer.renditions.values().all(|collected| collected.gaps.is_empty()), "playback was untouched");
    server.wait_state("ada", "offline");
    server.wait_state("bob", "offline");
    wait_for("everything to be written down", Duration::from_secs(20), || {
        (server.metric("rivulet_blobs_waiting") == 0.0).then_some(())
    });
    runtime.block_on(async {
        let store = Store::open(&direct).await.unwrap();
        let rows = store.broadcasts_ended_before(i64::MAX, 10).await.unwrap();
        assert_eq!(rows.len(), 3, "ada's one show and bob's two");
        for row in &rows {
            assert!(row.ended_at_ms.is_some() && !store.segments_of(&row.id, 10_000).await.unwrap().is_empty());
        }
    });
}

/// A small disk of its own; unmounted when dropped.
struct SmallDisk(Arc<TempDir>);

impl SmallDisk {
    fn new(mib: u32) -> Self {
        let dir = TempDir::new();
        let size = format!("size={mib}m");
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "rivulet-test"]).arg(dir.path()).status();
        assert!(mount.unwrap().success(), "a disk of its own needs root");
        Self(Arc::new(dir))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_stops_the_recording_and_not_the_show() {
    let disk = SmallDisk::new(96);
    let options = Options { data: Some(disk.0.clone()), ..Options::default() };
    let server = Server::start(options.flag("--reserve-mib", "48"));
    let key = server.channel("ada");
    let encoder = Encoder::repeat(&clip(8), &format!("{}/{key}", server.rtmp));
    let mut viewer = Viewer::open(&server, "ada");
    let stored = |server: &Server| server.metric("rivulet_blobs_stored_total");
    let lost = |server: &Server| server.metric("rivulet_blobs_lost_total");
    wait_for("something recorded", Duration::from_secs(20), || (stored(&server) > 2.0).then_some(()));
    let filler = disk.0.path().join("filler");
    std::fs::write(&filler, vec![1; 52 << 20]).unwrap();
    watch(&mut viewer, outage(8));
    assert!(lost(&server) > 2.0, "nothing more is recorded");
    assert_eq!(server.metric("rivulet_disk_full"), 1.0);
    assert!(server.log().iter().any(|line| line.contains("ERROR") && line.contains("the disk is full")));
    // What the reserve is for.
    server.set_settings("ada", r#"{"grace_seconds": 7}"#);
    std::fs::remove_file(filler).unwrap();
    wait_for("room", Duration::from_secs(10), || (server.metric("rivulet_disk_full") == 0.0).then_some(()));
    let (stored_then, lost_then) = (stored(&server), lost(&server));
    wait_for("more recorded", Duration::from_secs(10), || (stored(&server) > stored_then + 2.0).then_some(()));
    assert_eq!(lost(&server), lost_then);
    encoder.stop();
    viewer.watch_to_the_end(Duration::from_secs(30));
    assert!(viewer.renditions.values().all(|collected| collected.gaps.is_empty()), "live was untouched");
}

/// Memory that a process holds, in KiB.
fn resident_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// How long all but a hundredth of requests take at most: the best of three times.
fn p99(server: &Server, path: &str) -> Duration {
    let round = |_| {
        let mut took: Vec<Duration> = (0..300)
            .map(|_| {
                let since = Instant::now();
                assert_eq!(server.get(path).status, 200);
                since.elapsed()
            })
            .collect();
        took.sort();
        took[took.len() * 99 / 100]
    };
    (0..3).map(round).min().unwrap()
}

#[test]
fn viewers_that_do_not_read_cost_little_and_hold_up_nothing() {
    const UNREAD: usize = 200;
    const ENDLESS: usize = 1_000;
    // More connections than a process has by default.
    let own = std::process::id().to_string();
    assert!(Command::new("prlimit").args(["--pid", &own, "--nofile=4096:"]).status().unwrap().success());
    let mut server = Server::start(Options::default());
    let key = server.channel("ada");
    let encoder = Encoder::repeat(&clip(8), &format!("{}/{key}", server.rtmp));
    let mut viewer = Viewer::open(&server, "ada");
    watch(&mut viewer, Duration::from_secs(5));
    let source = format!("{}/source", server.broadcast("ada"));
    let playlist = media_playlist(&server.get(&format!("{source}/index.m3u8")).text());
    let segment = format!("{source}/{}", playlist.segments.first().unwrap().uri);
    let whole = format!("GET {segment} HTTP/1.1\r\nHost: x\r\n\r\n");
    let endless = "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ";
    let before = resident_kib(server.pid());
    let alone = p99(&server, &segment);
    let address = server.http.strip_prefix("http://").unwrap();
    let requests = std::iter::repeat_n(whole.as_str(), UNREAD).chain(std::iter::repeat_n(endless, ENDLESS));
    let slow: Vec<TcpStream> = requests
        .map(|request| {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            stream
        })
        .collect();
    let beside = p99(&server, &segment);
    println!("p99 of a segment: {alone:?} alone, {beside:?} beside them");
    // What a busy machine adds by chance is not theirs.
    assert!(beside < 2 * alone.max(Duration::from_millis(10)), "{beside:?} instead of {alone:?}");
    watch(&mut viewer, Duration::from_secs(5));
    let each = resident_kib(server.pid()).saturating_sub(before) / slow.len() as u64;
    assert!(each < 1024, "{each} KiB each");
    assert!(viewer.renditions.values().all(|collected| collected.gaps.is_empty()), "others were held up");
    let took = server.stop();
    assert!(took < Duration::from_secs(10), "{took:?} to drain");
    drop((slow, encoder));
}
