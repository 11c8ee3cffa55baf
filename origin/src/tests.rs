//! The window and its playlists, with an independent parser as judge.

use crate::playlist;
use crate::window::{Done, Window};
use bytes::Bytes;
use m3u8_rs::Playlist;
use proptest::prelude::*;
use rivulet_hub::{Format, Period, Program, Rendition, RenditionKind};
use rivulet_media::aac::AacInfo;
use rivulet_media::avc::AvcInfo;
use rivulet_media::{AudioFormat, Packet, Ticks, VideoFormat, ticks_from_ms};
use rivulet_protocol::worker::Cut;
use std::sync::Arc;

/// 2026-11-21T00:00:00Z
const STARTED: i64 = 1_795_219_200_000;
const CONFIG: &[u8] = &[
    1, 0x64, 0, 0x1f, 0xff, 0xe1, 0, 5, 0x67, 0x64, 0, 0x1f, 0xac, 1, 0, 4, 0x68, 0xeb, 0xe3, 0xcb, 0xfd, 0xf8, 0xf8, 0,
];

fn video_format(width: u32, height: u32) -> Format {
    let avc = AvcInfo {
        width,
        height,
        fps_milli: Some(25_000),
        profile_idc: 100,
        constraint_flags: 0,
        level_idc: 31,
        browser_playable: true,
        length_size: 4,
    };
    Format::Video(VideoFormat { config: Bytes::from_static(CONFIG), avc })
}

fn audio_format() -> Format {
    let aac = AacInfo { object_type: 2, sample_rate: 48_000, channels: 2 };
    Format::Audio(AudioFormat { config: Bytes::from_static(&[0x11, 0x90]), aac })
}

/// A program as the transcoder writes it: 25 pictures a second, segments of 2 s.
#[derive(Default)]
struct Stream {
    window: Window,
    done: Vec<Done>,
    period: Option<Arc<Period>>,
    /// The segment that comes next, and its start.
    segment: u64,
    at: Ticks,
    /// A period has just begun, and with it its first segment.
    fresh: bool,
}

impl Stream {
    fn push(&mut self, event: Program) {
        self.window.push(event, &mut self.done).unwrap();
    }

    fn period(&mut self, videos: &[(&str, u32, u32)], audio: bool) -> &mut Self {
        let number = self.period.as_ref().map_or(0, |period| period.number + 1);
        let video = |(index, (id, width, height)): (usize, &(&str, u32, u32))| Rendition {
            id: (*id).into(),
            encoded: index > 0,
            kind: RenditionKind::Video { width: *width, height: *height, fps_milli: 25_000, target_kbps: None },
        };
        let mut renditions: Vec<_> = videos.iter().enumerate().map(video).collect();
        if audio {
            renditions.push(Rendition { id: "audio".into(), encoded: false, kind: RenditionKind::Audio });
        }
        let period = Arc::new(Period { number, renditions });
        self.push(Program::Period(period.clone(), Cut { segment: self.segment, pts: self.at }));
        if number > 0 {
            self.push(Program::Finished { period: number - 1 });
        }
        for (rendition, (_, width, height)) in videos.iter().enumerate() {
            self.push(Program::Format { period: number, rendition, format: video_format(*width, *height) });
        }
        if audio {
            self.push(Program::Format { period: number, rendition: videos.len(), format: audio_format() });
        }
        self.period = Some(period);
        self.fresh = true;
        self
    }

    /// One segment of every rendition, but for those to be skipped.
    fn segment(&mut self, skip: &[&str]) -> &mut Self {
        let period = self.period.clone().unwrap();
        if !std::mem::take(&mut self.fresh) {
            self.push(Program::Cut(Cut { segment: self.segment, pts: self.at }));
        }
        for picture in 0..50 {
            let at = self.at + picture * 3_600;
            for (rendition, description) in period.renditions.iter().enumerate() {
                if skip.contains(&description.id.as_str()) {
                    continue;
                }
                let video = description.kind != RenditionKind::Audio;
                let segment = (video && picture == 0).then_some(self.segment);
                let packet = Packet { dts: at, pts: at, key: picture == 0, data: Bytes::from_static(&[7; 100]) };
                self.push(Program::Sample { period: period.number, rendition, segment, packet });
            }
        }
        self.segment += 1;
        self.at += ticks_from_ms(2_000);
        self
    }

    fn segments(&mut self, count: u32) -> &mut Self {
        (0..count).for_each(|_| {
            self.segment(&[]);
        });
        self
    }

    fn media(&self, id: &str) -> String {
        let text = playlist::media(&self.window, id, STARTED).unwrap();
        judge(&text);
        text
    }
}

const LADDER: [(&str, u32, u32); 2] = [("source", 1280, 720), ("360p", 640, 360)];

/// The parser's view, and rules that hold for every playlist.
fn judge(text: &str) -> m3u8_rs::MediaPlaylist {
    let Ok(Playlist::MediaPlaylist(playlist)) = m3u8_rs::parse_playlist_res(text.as_bytes()) else {
        panic!("not a media playlist:\n{text}");
    };
    assert!(playlist.segments.iter().all(|s| s.duration.round() as u64 <= playlist.target_duration), "{text}");
    assert!(playlist.segments.first().is_none_or(|s| s.program_date_time.is_some()), "{text}");
    playlist
}

#[test]
fn a_media_playlist() {
    let mut stream = Stream::default();
    stream.period(&LADDER, true).segments(2);
    let want = "#EXTM3U\n#EXT-X-VERSION:8\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:0\n\
        #EXT-X-DISCONTINUITY-SEQUENCE:0\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-MAP:URI=\"init-0.mp4\"\n\
        #EXT-X-PROGRAM-DATE-TIME:2026-11-21T00:00:00.000Z\n#EXTINF:2.00000,\n0.m4s\n";
    assert_eq!(stream.media("360p"), want);
    stream.segment(&[]).push(Program::End);
    let ended = stream.media("360p");
    assert!(ended.ends_with("#EXTINF:2.00000,\n2.m4s\n#EXT-X-ENDLIST\n"), "{ended}");
    assert_eq!(playlist::media(&stream.window, "480p", STARTED), None);
}

#[test]
fn the_multivariant_playlist() {
    let mut stream = Stream::default();
    stream.period(&LADDER, true);
    assert_eq!(playlist::multivariant(&stream.window, "b1"), None);
    stream.segments(2);
    let text = playlist::multivariant(&stream.window, "b1").unwrap();
    let want = "#EXTM3U\n#EXT-X-VERSION:8\n#EXT-X-INDEPENDENT-SEGMENTS\n\
        #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"Stream\",DEFAULT=YES,AUTOSELECT=YES,\
        URI=\"b1/audio/index.m3u8\"\n\
        #EXT-X-STREAM-INF:BANDWIDTH=51200,AVERAGE-BANDWIDTH=51200,CODECS=\"avc1.64001f,mp4a.40.2\",\
        RESOLUTION=1280x720,FRAME-RATE=25.000,AUDIO=\"audio\",NAME=\"source\"\nb1/source/index.m3u8\n";
    let normal = |text: &str| {
        let digits = |c: char| if c.is_ascii_digit() { '9' } else { c };
        text.lines()
            .map(|line| if line.contains("BANDWIDTH") { line.chars().map(digits).collect() } else { line.into() })
            .collect::<Vec<String>>()
    };
    assert_eq!(normal(&text)[..6], normal(want)[..]);
    let Ok(Playlist::MasterPlaylist(parsed)) = m3u8_rs::parse_playlist_res(text.as_bytes()) else { panic!("{text}") };
    assert_eq!(parsed.variants.len(), 2);
    assert!(parsed.variants.iter().all(|v| v.bandwidth >= 20_000 && v.bandwidth < 80_000), "{text}");
}

#[test]
fn the_window_slides_and_numbers_go_on() {
    let mut stream = Stream::default();
    stream.period(&LADDER, true).segments(61);
    let playlist = judge(&stream.media("source"));
    assert_eq!(playlist.segments.len(), 15);
    assert_eq!(playlist.media_sequence, 45);
    assert!(stream.window.segment("source", 44).is_some(), "still there for players with an older playlist");
    assert!(stream.window.segment("source", 30).is_none());
}

#[test]
fn what_an_encoder_lost_is_a_gap_and_what_it_sends_again_counts_once() {
    let mut stream = Stream::default();
    stream.period(&LADDER, false).segments(2);
    stream.segment(&["360p"]);
    stream.segments(3);
    let text = stream.media("360p");
    assert!(text.contains("#EXT-X-GAP\n#EXTINF:2.00000,\n2.m4s\n"), "{text}");
    assert!(!stream.media("source").contains("GAP"));
    // A restarted encoder sends segments 3 and 4 again: 3 is whole, 4 is made anew.
    let before = stream.window.segment("360p", 3).cloned();
    (stream.segment, stream.at) = (3, ticks_from_ms(6_000));
    let period = stream.period.clone().unwrap();
    for segment in 3..6 {
        let at = ticks_from_ms(2_000 * segment);
        let packet = Packet { dts: at, pts: at, key: true, data: Bytes::from_static(&[9; 10]) };
        let segment = Some(segment as u64);
        stream.push(Program::Sample { period: period.number, rendition: 1, segment, packet });
    }
    assert_eq!(stream.window.segment("360p", 3).cloned(), before);
}

#[test]
fn a_new_period_is_a_discontinuity_and_missing_rungs_are_continued() {
    let mut stream = Stream::default();
    stream.period(&LADDER, true).segments(3);
    stream.period(&[("source", 640, 480)], true).segments(3);
    let text = stream.media("360p");
    assert_eq!(text.matches("#EXT-X-DISCONTINUITY\n").count(), 1, "{text}");
    assert!(text.contains("../source/3.m4s") && text.contains("#EXT-X-MAP:URI=\"../source/init-1.mp4\""), "{text}");
    stream.segments(20);
    assert!(stream.media("source").contains("#EXT-X-DISCONTINUITY-SEQUENCE:1\n"));
}

#[test]
fn dates() {
    for (ms, want) in [
        (0, "1970-01-01T00:00:00.000Z"),
        (951_782_400_123, "2000-02-29T00:00:00.123Z"),
        (STARTED + 86_399_999, "2026-11-21T23:59:59.999Z"),
        (4_102_444_799_000, "2099-12-31T23:59:59.000Z"),
    ] {
        assert_eq!(playlist::date_time(ms), want);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// Whatever happens, a playlist only appends at its end and removes at its start.
    #[test]
    fn playlists_only_append_and_remove(steps in prop::collection::vec(0u8..10, 1..60)) {
        let mut stream = Stream::default();
        stream.period(&LADDER, true).segment(&[]);
        let mut listed: Vec<(u64, String)> = Vec::new();
        for step in steps {
            match step {
                0 => { stream.period(&[("source", 640, 480)], true); }
                1 => { stream.period(&LADDER, true); }
                2 => { stream.segment(&["360p"]); }
                _ => { stream.segment(&[]); }
            }
            if matches!(step, 0 | 1) {
                // A period has at least one segment.
                stream.segment(&[]);
            }
            let Some(text) = playlist::media(&stream.window, "360p", STARTED) else { continue };
            let playlist = judge(&text);
            let now: Vec<_> = (playlist.media_sequence..).zip(playlist.segments.iter().map(|s| s.uri.clone())).collect();
            let first = now.first().map_or(0, |(number, _)| *number);
            prop_assert!(listed.first().is_none_or(|(number, _)| *number <= first));
            for (number, uri) in listed.iter().filter(|(number, _)| *number >= first) {
                prop_assert_eq!(Some(uri), now.iter().find(|(n, _)| n == number).map(|(_, uri)| uri));
            }
            listed = now;
        }
    }
}
