use super::*;
use crate::pace::Rate;
use crate::sound::BLOCK;
use rivulet_media::{Packet, TICKS_PER_SECOND};
use rivulet_picture::Planes;

const SIZE: (usize, usize) = (322, 182);

fn settings() -> VideoSettings {
    let (width, height) = (SIZE.0 as u32, SIZE.1 as u32);
    let rate = Rate::new(30, 1).unwrap();
    VideoSettings { width, height, rate, bitrate_kbps: 300, preset: Preset::Superfast }
}

/// A picture that moves: no two are alike.
fn planes(n: u64) -> [Vec<u8>; 3] {
    let plane = |width: usize, height: usize, step: usize| {
        (0..width * height).map(|at| ((at % width) * step + at / width + n as usize * 7) as u8).collect()
    };
    [plane(SIZE.0, SIZE.1, 3), plane(SIZE.0 / 2, SIZE.1 / 2, 2), plane(SIZE.0 / 2, SIZE.1 / 2, 1)]
}

fn picture(planes: &[Vec<u8>; 3]) -> Planes<'_> {
    Planes { width: SIZE.0, height: SIZE.1, y: &planes[0], u: &planes[1], v: &planes[2] }
}

#[test]
fn a_packet_for_each_picture_at_once_and_key_frames_every_two_seconds() {
    let mut encoder = VideoEncoder::open(settings()).unwrap();
    let format = encoder.format().clone();
    assert_eq!((format.width, format.height, format.name().contains("High")), (322, 182, true), "{}", format.name());
    let mut packets: Vec<Packet> = Vec::new();
    // The key frame of 120 is among those that are left out: the next picture takes its place.
    for n in (0..115).chain(130..150) {
        let made = encoder.push(n, Some(picture(&planes(n)))).unwrap();
        assert_eq!(made.len(), 1, "picture {n}");
        packets.extend(made);
    }
    assert!(
        packets.iter().all(|packet| packet.dts == packet.pts && format.is_key(&packet.data).unwrap() == packet.key)
    );
    let keys: Vec<_> = packets.iter().filter(|packet| packet.key).map(|packet| packet.pts / 3_000).collect();
    assert_eq!(keys, [0, 60, 130]);
    assert!(encoder.finish().unwrap().is_empty());
}

#[test]
fn the_same_picture_again_is_a_few_bytes() {
    let mut encoder = VideoEncoder::open(settings()).unwrap();
    let first = encoder.push(0, Some(picture(&planes(0)))).unwrap();
    // The encoder spends on the picture's quality for a while; then nothing is left to say.
    let again: Vec<_> = (1..240).flat_map(|n| encoder.push(n, None).unwrap()).collect();
    assert_eq!(again.len(), 239);
    let newest: Vec<_> = again[199..].iter().filter(|packet| !packet.key).map(|packet| packet.data.len()).collect();
    let mean = newest.iter().sum::<usize>() / newest.len();
    assert!(mean * 10 < first[0].data.len(), "{} bytes, then {newest:?}", first[0].data.len());
}

#[test]
fn no_second_has_more_than_its_share() {
    let mut encoder = VideoEncoder::open(settings()).unwrap();
    let packets: Vec<_> = (0..300).flat_map(|n| encoder.push(n, Some(picture(&planes(n)))).unwrap()).collect();
    for from in (30..270).step_by(30) {
        let bytes: usize = packets[from..from + 30].iter().map(|packet| packet.data.len()).sum();
        // One second, and what the buffer of another had room for.
        assert!(bytes * 8 <= 300_000 * 2, "second {}: {bytes} bytes", from / 30);
    }
    let all: usize = packets.iter().map(|packet| packet.data.len()).sum();
    assert!(all * 8 <= 300_000 * 11, "{all} bytes in ten seconds");
}

#[test]
fn a_picture_of_another_size_is_refused() {
    let mut encoder = VideoEncoder::open(settings()).unwrap();
    let planes = planes(0);
    for wrong in [
        Planes { width: 320, ..picture(&planes) },
        Planes { y: &planes[0][1..], ..picture(&planes) },
        Planes { v: &planes[0], ..picture(&planes) },
    ] {
        assert!(matches!(encoder.push(0, Some(wrong)), Err(EncodeError::Size(..))));
    }
}

#[test]
fn blocks_of_sound_keep_their_times() {
    let mut encoder = SoundEncoder::open(128).unwrap();
    assert_eq!((encoder.format().sample_rate(), encoder.format().channels()), (48_000, 2));
    let mut packets = Vec::new();
    for n in (0..100).chain(200..300) {
        let block = std::array::from_fn(|at| [((n * 1024 + at as u64) as f32 / 20.0).sin() * 0.5; 2]);
        packets.extend(encoder.push(n, &block).unwrap());
    }
    packets.extend(encoder.finish().unwrap());
    let block = BLOCK as i64 * TICKS_PER_SECOND / 48_000;
    assert_eq!(packets[0].pts, 0);
    assert!(packets.iter().all(|packet| packet.pts % block == 0));
    assert_eq!(packets.last().unwrap().pts / block, 299);
    let seconds = packets.len() as f64 * 1024.0 / 48_000.0;
    let kbps = packets.iter().map(|packet| packet.data.len()).sum::<usize>() as f64 * 8.0 / seconds / 1000.0;
    assert!((1.0..140.0).contains(&kbps), "{kbps}");
}
