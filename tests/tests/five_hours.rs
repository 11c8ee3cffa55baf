//! A show of five hours by its timestamps, sent as quickly as a hundred times real time: past the 24
//! bits that RTMP has for them before it needs more, without drift.
#![allow(clippy::unwrap_used)]

use rivulet_store::{Segment, Store};
use rivulet_tests::*;
use std::time::Duration;

const SECONDS: i64 = 5 * 3_600;
const TICKS_PER_SECOND: i64 = 90_000;
/// Where the timeline of every broadcast begins.
const START: f64 = 1.0;

/// Where the last packet of what is in a file ends.
fn end(server: &Server, url: &str, last: &Segment) -> f64 {
    let folder = server.data.path().join("ends");
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join(format!("{}.mp4", last.rendition));
    let init = server.get(&format!("{url}/init-{}.mp4", last.init)).body;
    let media = server.get(&format!("{url}/{}.m4s", last.number)).body;
    std::fs::write(&file, [init, media].concat()).unwrap();
    let output = std::process::Command::new("ffprobe")
        .args(["-v", "error", "-show_entries", "packet=pts_time,duration_time", "-of", "csv=p=0"])
        .arg(&file)
        .output()
        .unwrap();
    let packets = String::from_utf8(output.stdout).unwrap();
    let ends = packets.lines().filter_map(|line| {
        let mut numbers = line.split(',').map_while(|number| number.parse::<f64>().ok());
        Some(numbers.next()? + numbers.next()?)
    });
    ends.fold(0.0, f64::max)
}

#[test]
#[ignore = "long; `make soak` runs it"]
fn five_hours_of_timestamps_do_not_drift() {
    let server = Server::start(Options::default().flag("--rungs", "on-demand"));
    let key = server.channel("ada");
    let length = SECONDS.to_string();
    let arguments = [
        &["-readrate", "100", "-f", "lavfi", "-i", "testsrc=size=160x90:rate=10"][..],
        &["-readrate", "100", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"],
        &["-t", &length, "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "20", "-b:v", "40k"],
        &["-c:a", "aac", "-b:a", "32k"],
    ];
    let encoder = Encoder::ffmpeg(&arguments.concat(), &format!("{}/{key}", server.rtmp));
    server.wait_state("ada", "live");
    let folder = server.broadcast("ada");
    assert!(encoder.wait().success(), "it was heard to its end");
    server.wait_state("ada", "offline");
    wait_for("everything to be stored", Duration::from_secs(60), || {
        (server.metric("rivulet_blobs_waiting") == 0.0).then_some(())
    });
    assert_eq!(server.metric("rivulet_blobs_lost_total"), 0.0);
    let id = folder.rsplit('/').next().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let recorded = |rendition: &str| {
        runtime.block_on(async {
            let database = server.data.path().join("rivulet.db");
            let store = Store::open(&format!("sqlite:{}", database.display())).await.unwrap();
            store.recorded_segments(id, rendition, 20_000).await.unwrap()
        })
    };
    let mut ends = Vec::new();
    for rendition in ["source", "audio"] {
        let segments = recorded(rendition);
        for pair in segments.windows(2) {
            let step = pair[1].start_ticks - pair[0].start_ticks;
            let hole = step - pair[0].duration_ticks;
            assert!((pair[0].number + 1, pair[0].period) == (pair[1].number, pair[1].period), "{pair:?}");
            assert!(step <= 5 * TICKS_PER_SECOND / 2 && hole.abs() * 25 <= TICKS_PER_SECOND, "{pair:?}");
        }
        let from = segments[0].start_ticks as f64 / TICKS_PER_SECOND as f64 - START;
        assert!((0.0..0.1).contains(&from), "{rendition} begins at {from} s");
        ends.push(end(&server, &format!("{folder}/{rendition}"), segments.last().unwrap()));
    }
    let want = SECONDS as f64 + START;
    println!("picture ends at {:.3} s, sound at {:.3} s, of {want:.3} s", ends[0], ends[1]);
    assert!(ends.iter().all(|end| (end - want).abs() < 0.15), "{ends:?}, not {want}");
}
