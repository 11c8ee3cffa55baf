//! The window and its playlists, with an independent parser as judge.

use crate::playlist;
use crate::window::{Done, Window};
use bytes::Bytes;
use m3u8_rs::Playlist;
use proptest::prelude::*;
use rivulet_hls_rules::Checker;
use rivulet_hub::{Format, Period, Program, Rendition, RenditionKind};
use rivulet_media::aac::AacInfo;
use rivulet_media::timeline::START_MS;
use rivulet_media::{AudioFormat, AudioInfo, Packet, Players, Ticks, VideoCodec, VideoFormat, ticks_from_ms};
use rivulet_protocol::worker::Cut;
use std::sync::Arc;

/// 2026-11-21T00:00:00Z
const STARTED: i64 = 1_795_219_200_000;
const CONFIG: &[u8] = &[
    1, 0x64, 0, 0x1f, 0xff, 0xe1, 0, 5, 0x67, 0x64, 0, 0x1f, 0xac, 1, 0, 4, 0x68, 0xeb, 0xe3, 0xcb, 0xfd, 0xf8, 0xf8, 0,
];

fn video_format(width: u32, height: u32) -> Format {
    Format::Video(VideoFormat {
        codec: VideoCodec::Avc,
        config: Bytes::from_static(CONFIG),
        width,
        height,
        fps_milli: Some(25_000),
        codecs: "avc1.64001f".into(),
        profile: "High".into(),
        players: Players::All,
        length_size: 4,
    })
}

fn audio_format() -> Format {
    let info = AudioInfo::Aac(AacInfo { object_type: 2, sample_rate: 48_000, channels: 2 });
    Format::Audio(AudioFormat { config: Bytes::from_static(&[0x11, 0x90]), info })
}

/// A program as the transcoder writes it: 25 pictures a second, segments of 2 s.
struct Stream {
    window: Window,
    done: Vec<Done>,
    period: Option<Arc<Period>>,
    /// Of the first period and segment.
    first_number: u32,
    /// The segment that comes next, and its start.
    segment: u64,
    at: Ticks,
    /// A period has just begun, and with it its first segment.
    fresh: bool,
}

impl Default for Stream {
    fn default() -> Self {
        let window = Window::new(ticks_from_ms(500), 0);
        Self {
            window,
            done: Vec::new(),
            period: None,
            first_number: 0,
            segment: 0,
            at: ticks_from_ms(START_MS),
            fresh: false,
        }
    }
}

impl Stream {
    fn push(&mut self, event: Program) {
        self.window.push(event, &mut self.done).unwrap();
    }

    fn period(&mut self, videos: &[(&str, u32, u32)], audio: bool) -> &mut Self {
        let number = self.period.as_ref().map_or(self.first_number, |period| period.number + 1);
        let video = |(index, (id, width, height)): (usize, &(&str, u32, u32))| Rendition {
            id: (*id).into(),
            encoded: index > 0,
            codecs: "avc1.64001f".into(),
            kind: RenditionKind::Video {
                width: *width,
                height: *height,
                fps_milli: 25_000,
                target_kbps: (index > 0).then_some(40),
            },
        };
        let mut renditions: Vec<_> = videos.iter().enumerate().map(video).collect();
        if audio {
            let codecs = "mp4a.40.2".into();
            renditions.push(Rendition { id: "audio".into(), encoded: false, codecs, kind: RenditionKind::Audio });
        }
        let period = Arc::new(Period { number, renditions });
        self.push(Program::Period(period.clone(), Cut { segment: self.segment, pts: self.at }));
        if number > self.first_number {
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

    /// The server starts again and the encoder returns.
    fn restart(&mut self) {
        self.at += ticks_from_ms(3_000);
        let elapsed = rivulet_media::ms_from_ticks(self.at) - START_MS;
        self.first_number = u32::try_from(elapsed / 1000 + 1).unwrap();
        self.segment = self.first_number.into();
        self.window = Window::new(ticks_from_ms(500), self.first_number);
        self.period = None;
        self.period(&LADDER, true).segment(&[]);
    }

    fn silent(&mut self, id: &str) {
        self.segment(&[id]);
    }

    fn media(&self, id: &str) -> String {
        let text = playlist::media(&self.window, id, STARTED, false).unwrap();
        judge(&text);
        text
    }

    /// The first pictures of the next segment, of the source alone.
    fn pictures(&mut self, count: i64) -> &mut Self {
        let period = self.period.clone().unwrap().number;
        if !std::mem::take(&mut self.fresh) {
            self.push(Program::Cut(Cut { segment: self.segment, pts: self.at }));
        }
        for picture in 0..count {
            let at = self.at + picture * 3_600;
            let segment = (picture == 0).then_some(self.segment);
            let packet = Packet { dts: at, pts: at, key: picture == 0, data: Bytes::from_static(&[7; 100]) };
            self.push(Program::Sample { period, rendition: 0, segment, packet });
        }
        self
    }
}

const LADDER: [(&str, u32, u32); 2] = [("source", 1280, 720), ("360p", 640, 360)];

/// The view of an independent parser, which must take it.
fn judge(text: &str) -> m3u8_rs::MediaPlaylist {
    if let Err(broken) = Checker::default().check("index.m3u8", text) {
        panic!("{broken}");
    }
    match m3u8_rs::parse_playlist_res(text.as_bytes()) {
        Ok(Playlist::MediaPlaylist(playlist)) => playlist,
        _ => panic!("not a media playlist:\n{text}"),
    }
}

#[test]
fn a_media_playlist() {
    let mut stream = Stream::default();
    stream.period(&LADDER, true).segments(1).pictures(26);
    let want = "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:2\n\
        #EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12.0,HOLD-BACK=6.0,PART-HOLD-BACK=1.500\n\
        #EXT-X-PART-INF:PART-TARGET=0.500\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-DISCONTINUITY-SEQUENCE:0\n\
        #EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-MAP:URI=\"init-0.mp4\"\n\
        #EXT-X-PROGRAM-DATE-TIME:2026-11-21T00:00:00.000Z\n\
        #EXT-X-PART:DURATION=0.48000,URI=\"0.0.m4s\",INDEPENDENT=YES\n\
        #EXT-X-PART:DURATION=0.48000,URI=\"0.1.m4s\"\n#EXT-X-PART:DURATION=0.48000,URI=\"0.2.m4s\"\n\
        #EXT-X-PART:DURATION=0.48000,URI=\"0.3.m4s\"\n#EXT-X-PART:DURATION=0.08000,URI=\"0.4.m4s\"\n\
        #EXTINF:2.00000,\n0.m4s\n#EXT-X-PROGRAM-DATE-TIME:2026-11-21T00:00:02.000Z\n\
        #EXT-X-PART:DURATION=0.48000,URI=\"1.0.m4s\",INDEPENDENT=YES\n\
        #EXT-X-PART:DURATION=0.48000,URI=\"1.1.m4s\"\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"1.2.m4s\"\n\
        #EXT-X-RENDITION-REPORT:URI=\"../360p/index.m3u8\",LAST-MSN=1,LAST-PART=1\n\
        #EXT-X-RENDITION-REPORT:URI=\"../audio/index.m3u8\",LAST-MSN=1,LAST-PART=1\n";
    assert_eq!(stream.media("source"), want);
    stream.push(Program::End { over: true });
    let ended = stream.media("source");
    assert!(ended.ends_with("URI=\"1.2.m4s\"\n#EXTINF:1.04000,\n1.m4s\n#EXT-X-ENDLIST\n"), "{ended}");
}

#[test]
fn a_segment_is_its_parts() {
    let mut stream = Stream::default();
    stream.period(&LADDER, true).segment(&[]).pictures(30);
    let before = stream.window.segment("source", 1).cloned().unwrap();
    assert_eq!((before.parts.len(), &before.data), (2, &None));
    stream.push(Program::End { over: true });
    let whole = stream.window.segment("source", 1).unwrap();
    assert_eq!(whole.parts[..2], before.parts);
    let parts: Vec<u8> = whole.parts.iter().flat_map(|part| part.data.to_vec()).collect();
    assert_eq!(whole.data.as_ref().unwrap(), &parts);
    assert_eq!(whole.samples, 30);
}

#[test]
fn a_delta_leaves_out_what_is_old() {
    let mut stream = Stream::default();
    stream.period(&LADDER, true).segments(12);
    let mut checker = Checker::default();
    let full = checker.check("a", &stream.media("source")).unwrap().clone();
    let delta = playlist::media(&stream.window, "source", STARTED, true).unwrap();
    assert!(delta.contains("#EXT-X-SKIP:SKIPPED-SEGMENTS=5\n"), "{delta}");
    assert!(!delta.contains("#EXT-X-MAP") && delta.len() < stream.media("source").len());
    assert_eq!(checker.check("a", &delta).unwrap(), &full, "completed, it is the same");
}

#[test]
fn what_nobody_watched_is_not_listed() {
    let mut stream = Stream::default();
    stream.period(&LADDER, true);
    (0..3).for_each(|_| stream.silent("360p"));
    assert_eq!(playlist::media(&stream.window, "360p", STARTED, false), None);
    let master = playlist::multivariant(&stream.window, "b", |_| false).unwrap();
    assert!(master.contains("RESOLUTION=640x360"), "players can choose it all the same:\n{master}");
    stream.segments(3);
    let first = judge(&stream.media("360p"));
    assert_eq!((first.media_sequence, first.segments.len()), (3, 2));
    // Nobody watches it for a while, and then somebody does.
    let period = stream.period.clone().unwrap().number;
    stream.push(Program::Idle { period, rendition: 1 });
    assert_eq!(playlist::media(&stream.window, "360p", STARTED, false), None);
    (0..2).for_each(|_| stream.silent("360p"));
    stream.segments(2);
    let again = judge(&stream.media("360p"));
    assert_eq!((again.media_sequence, again.segments.len()), (8, 1));
}

#[test]
fn the_multivariant_playlist() {
    let mut stream = Stream::default();
    stream.period(&LADDER, true);
    assert_eq!(playlist::multivariant(&stream.window, "b1", |_| false), None);
    stream.segments(2);
    let text = playlist::multivariant(&stream.window, "b1", |_| false).unwrap();
    let want = "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-INDEPENDENT-SEGMENTS\n\
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
    let short = playlist::multivariant(&stream.window, "b1", |id| id == "360p").unwrap();
    assert!(short.contains("source/index") && !short.contains("360p"), "{short}");
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
}

#[test]
fn an_encoder_that_took_over_goes_on_in_the_segment() {
    let mut stream = Stream::default();
    stream.period(&LADDER, false).segment(&[]).pictures(20);
    // Its first times are before the last ones of the encoder that died: nothing goes back.
    for picture in 0..30 {
        let at = stream.at + (19 + picture) * 3_600;
        let packet = Packet { dts: at - 3_600, pts: at, key: picture == 0, data: Bytes::from_static(&[9; 10]) };
        stream.push(Program::Sample { period: 0, rendition: 0, segment: None, packet });
    }
    let text = stream.media("source");
    assert_eq!(text.matches("INDEPENDENT=YES").count(), 3, "{text}");
    stream.segment += 1;
    stream.at += ticks_from_ms(2_000);
    stream.segment(&[]);
    assert_eq!(stream.window.segment("source", 1).unwrap().samples, 50);
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
    let later = stream.media("source");
    assert!(later.contains("#EXT-X-DISCONTINUITY-SEQUENCE:1\n") && !later.contains("DISCONTINUITY\n"), "{later}");
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
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]
    /// Whatever happens, a playlist only appends at its end and removes at its start, and obeys
    /// every other rule; a player that asks for deltas sees the same.
    #[test]
    fn playlists_obey_the_rules(steps in prop::collection::vec(0u8..14, 1..60)) {
        let mut stream = Stream::default();
        stream.period(&LADDER, true).segment(&[]);
        let (mut checker, mut deltas) = (Checker::default(), Checker::default());
        let mut idle = false;
        for step in steps {
            match step {
                0 => { stream.period(&[("source", 640, 480)], true); }
                1 => { stream.period(&LADDER, true); }
                2 => { stream.segment(&["360p"]); }
                3 if stream.period.as_ref().unwrap().renditions[1].encoded => {
                    let period = stream.period.as_ref().unwrap().number;
                    stream.push(Program::Idle { period, rendition: 1 });
                    idle = true;
                }
                4 | 5 => {
                    // Looked at in mid-segment, which ends there.
                    stream.pictures(i64::from(step) * 7);
                    for id in ["source", "audio"] {
                        let Some(text) = playlist::media(&stream.window, id, STARTED, false) else { continue };
                        let checked = checker.check(id, &text).cloned();
                        prop_assert!(checked.is_ok(), "{}", checked.unwrap_err());
                    }
                    stream.segment += 1;
                    stream.at += i64::from(step) * 7 * 3_600;
                }
                6 => { stream.restart(); }
                _ => { stream.segment(&[]); }
            }
            if matches!(step, 0 | 1) {
                // A period has at least one segment.
                stream.segment(&[]);
            }
            for id in ["source", "360p", "audio"] {
                let Some(full) = playlist::media(&stream.window, id, STARTED, false) else { continue };
                let delta = playlist::media(&stream.window, id, STARTED, true).unwrap();
                // A player that left comes back to whatever there is.
                if std::mem::take(&mut idle) {
                    (checker, deltas) = Default::default();
                }
                let known = deltas.check(id, if checker.knows(id) { &delta } else { &full }).cloned();
                let full = checker.check(id, &full).cloned();
                prop_assert!(full.is_ok(), "{}", full.unwrap_err());
                prop_assert_eq!(known, full);
            }
        }
    }
}
