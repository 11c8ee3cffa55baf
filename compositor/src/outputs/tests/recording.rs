use super::super::record::{Recorded, Segmenter, record, whole};
use super::real::{assert_show, probe};
use super::*;
use futures_util::TryStreamExt;
use proptest::prelude::*;
use rivulet_store::Blobs;
use rivulet_store::testing::TempDir;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use tokio_util::sync::CancellationToken;

proptest! {
    #[test]
    fn segments_are_whole(keys in proptest::collection::vec(1u64..120, 5..20), late in 0u64..40) {
        let mut segmenter = Segmenter::default();
        let starts: Vec<u64> = keys.iter().scan(0, |sum, step| { *sum += step; Some(*sum) }).collect();
        let last = *starts.last().unwrap();
        let (mut segments, mut block) = (Vec::new(), 0);
        for n in 0..=last + 40 {
            segments.extend(segmenter.push(Kind::Picture, packet(n, starts.contains(&n), RATE.ticks(n), 8)));
            while Rate::SOUND.ticks(block) <= RATE.ticks(n.saturating_sub(late)) {
                segments.extend(segmenter.push(Kind::Sound, packet(block, true, Rate::SOUND.ticks(block), 8)));
                block += 1;
            }
        }
        let mut end = RATE.ticks(starts[0]);
        for segment in &segments {
            prop_assert!(segment.start == end && segment.pictures[0].key && segment.pictures[0].dts == end);
            prop_assert!(segment.end - segment.start >= 4 * 90_000);
            end = segment.end;
            let pictures = (end - segment.start) / RATE.ticks(1);
            prop_assert_eq!(segment.pictures.len() as i64, pictures);
        }
        // Sound that is no more than a second late is all there, in order.
        if late < 25 {
            let heard: Vec<i64> = segments.iter().flat_map(|segment| &segment.sound).map(|packet| packet.dts).collect();
            prop_assert!(heard.windows(2).all(|pair| pair[1] - pair[0] == Rate::SOUND.ticks(1)));
            if let Some(last) = heard.last() {
                prop_assert!(end - last <= Rate::SOUND.ticks(1) && end > *last);
            }
        }
    }
}

async fn as_one_file(blobs: &Blobs, name: &str, folder: &Path) -> PathBuf {
    let pieces = whole(blobs.clone(), name.into()).await.unwrap().expect("a recording");
    let pieces: Vec<_> = pieces.try_collect().await.unwrap();
    let file = folder.join("whole.mp4");
    std::fs::write(&file, pieces.concat()).unwrap();
    file
}

/// As a process that is killed leaves it, and with a gap in it.
#[tokio::test]
async fn what_was_written_of_a_recording_plays_without_its_end() {
    let folder = TempDir::new();
    let blobs = Blobs::open(None, folder.path()).await.unwrap();
    assert!(whole(blobs.clone(), "cut".into()).await.unwrap().is_none());
    let mut show = Show::new();
    let recorded = Arc::<Recorded>::default();
    let stop = CancellationToken::new();
    let work = record(show.program.clone(), blobs.clone(), "cut".into(), 1 << 30, stop.clone(), recorded.clone());
    let recording = tokio::spawn(work);
    tokio::task::yield_now().await;
    let written = async |show: &mut Show, segments: u64| {
        while recorded.segments.load(Relaxed) < segments {
            show.step();
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    };
    written(&mut show, 2).await;
    // Without a yield: more than the log holds.
    (0..500).for_each(|_| show.step());
    written(&mut show, 4).await;
    let takes = folder.path().join("blobs/recordings/cut");
    assert!(takes.join("0/index.m3u8").exists() && !takes.join("1/index.m3u8").exists());
    let probed = probe(as_one_file(&blobs, "cut", folder.path()).await.to_str().unwrap());
    let times = |kind: &str| -> Vec<f64> {
        let packets = probed["packets"].as_array().unwrap().iter().filter(|packet| packet["codec_type"] == kind);
        packets.map(|packet| packet["pts_time"].as_str().unwrap().parse().unwrap()).collect()
    };
    for (kind, step) in [("video", 0.04), ("audio", 1_024.0 / 48_000.0)] {
        let times = times(kind);
        let gaps = times.windows(2).filter(|pair| pair[1] - pair[0] > 1.5 * step).count();
        assert!(times.len() as f64 * step > 15.0 && gaps == 1, "{kind}: {gaps} gaps in {times:?}");
    }
    stop.cancel();
    recording.await.unwrap().unwrap();
    let all = std::fs::read_to_string(takes.join("index.m3u8")).unwrap();
    assert_eq!((all.matches("#EXT-X-DISCONTINUITY\n").count(), all.matches("#EXT-X-MAP").count()), (1, 2), "{all}");
}

#[tokio::test]
async fn a_recording_plays() {
    let folder = TempDir::new();
    let blobs = Blobs::open(None, folder.path()).await.unwrap();
    let mut show = Show::new();
    let (stop, recorded) = (CancellationToken::new(), Arc::<Recorded>::default());
    let recording = record(show.program.clone(), blobs.clone(), "test".into(), 1 << 30, stop.clone(), recorded.clone());
    let recording = tokio::spawn(recording);
    tokio::task::yield_now().await;
    for _ in 0..270 {
        show.step();
        tokio::task::yield_now().await;
    }
    while recorded.segments.load(Relaxed) < 2 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    stop.cancel();
    recording.await.unwrap().unwrap();
    assert_eq!((recorded.segments.load(Relaxed), recorded.lost.load(Relaxed)), (2, 0));
    let index = folder.path().join("blobs/recordings/test/0/index.m3u8");
    let probed = probe(index.to_str().unwrap());
    assert_show(&probed);
    let seconds: f64 = probed["format"]["duration"].as_str().unwrap().parse().unwrap();
    assert!((seconds - 8.0).abs() < 0.05, "{seconds}");
    let streams = probed["streams"].as_array().unwrap();
    assert_eq!(streams.len(), 2, "{streams:?}");
    // The takes as one, and all of it as one file.
    assert_show(&probe(folder.path().join("blobs/recordings/test/index.m3u8").to_str().unwrap()));
    let file = as_one_file(&blobs, "test", folder.path()).await;
    let probed = probe(file.to_str().unwrap());
    assert_show(&probed);
    let first = |stream: &serde_json::Value| stream["start_time"].as_str().unwrap().parse::<f64>().unwrap();
    assert!(probed["streams"].as_array().unwrap().iter().all(|stream| first(stream) < 0.03), "{probed}");
}

#[tokio::test]
async fn a_recording_ends_at_its_bound() {
    let folder = TempDir::new();
    let blobs = Blobs::open(None, folder.path()).await.unwrap();
    let mut show = Show::new();
    let recorded = Arc::<Recorded>::default();
    let stop = CancellationToken::new();
    let recording = tokio::spawn(record(show.program.clone(), blobs, "a".into(), 1, stop, recorded.clone()));
    tokio::task::yield_now().await;
    while !recording.is_finished() {
        show.step();
        tokio::task::yield_now().await;
    }
    recording.await.unwrap().unwrap();
    assert_eq!(recorded.segments.load(Relaxed), 0);
    assert!(!folder.path().join("blobs/recordings").exists());
}
