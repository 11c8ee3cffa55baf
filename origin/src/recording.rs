//! Playlists of a broadcast that is over, from the rows of what was recorded. What was given up is a
//! gap; where the server was away nothing is listed, and the dates tell.

use crate::playlist::{date_time, seconds};
use crate::recorder::file_name;
use rivulet_media::cmaf::Track;
use rivulet_media::{Ticks, ms_from_ticks, timeline};
use rivulet_store::{Recorded, Segment};
use std::fmt::Write;

/// Segments of one playlist: over two days of two seconds each.
pub const MAX_SEGMENTS: u32 = 100_000;

/// Of one rendition's media segments, by number. `None`: there is none.
pub fn media(segments: &[Segment], started_at_ms: i64) -> Option<String> {
    let first = segments.first()?;
    let follows = |before: &Segment, next: &Segment| next.number == before.number + 1 && next.period == before.period;
    // As in the live playlist: within a period up to the next one.
    let length = |index: usize| -> Ticks {
        let segment = &segments[index];
        match segments.get(index + 1) {
            Some(next) if follows(segment, next) => next.start_ticks - segment.start_ticks,
            _ => segment.duration_ticks,
        }
    };
    let longest = (0..segments.len()).map(length).max()?;
    let mut text = String::with_capacity(128 * segments.len());
    let _ = writeln!(text, "#EXTM3U\n#EXT-X-VERSION:8\n#EXT-X-TARGETDURATION:{}", seconds(longest).round().max(1.0));
    let _ = writeln!(text, "#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-INDEPENDENT-SEGMENTS");
    let (mut before, mut init) = (first, None);
    for (index, segment) in segments.iter().enumerate() {
        if index > 0 && !follows(before, segment) {
            let _ = writeln!(text, "#EXT-X-DISCONTINUITY");
        }
        if init != Some(segment.init) {
            let _ = writeln!(text, "#EXT-X-MAP:URI=\"{}\"", file_name(-1 - segment.init));
            init = Some(segment.init);
        }
        let at = started_at_ms + ms_from_ticks(segment.start_ticks) - timeline::START_MS;
        let _ = writeln!(text, "#EXT-X-PROGRAM-DATE-TIME:{}", date_time(at));
        if segment.bytes == 0 {
            let _ = writeln!(text, "#EXT-X-GAP");
        }
        let _ = writeln!(text, "#EXTINF:{:.5},\n{}", seconds(length(index)), file_name(segment.number));
        before = segment;
    }
    let _ = writeln!(text, "#EXT-X-ENDLIST");
    Some(text)
}

/// Of the renditions that were recorded as a whole: others were made while somebody watched them.
/// `None`: there is none.
pub fn multivariant(recorded: &[(Recorded, Track)]) -> Option<String> {
    let sound = recorded.iter().find(|(_, track)| track.size.is_none());
    let mut videos: Vec<_> = recorded.iter().filter(|(_, track)| track.size.is_some()).collect();
    let whole = videos.iter().map(|(of, _)| of.segments).max();
    videos.retain(|(of, _)| Some(of.segments) == whole);
    videos.sort_by_key(|(of, _)| std::cmp::Reverse(of.average));
    let mut text = String::from("#EXTM3U\n#EXT-X-VERSION:8\n#EXT-X-INDEPENDENT-SEGMENTS\n");
    if let (Some((of, _)), false) = (sound, videos.is_empty()) {
        let _ = writeln!(
            text,
            "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"Stream\",DEFAULT=YES,AUTOSELECT=YES,\
             URI=\"{}/recording.m3u8\"",
            of.rendition
        );
    }
    let alone = if videos.is_empty() { Some(sound?) } else { None };
    for (of, track) in videos.into_iter().chain(alone) {
        let beside = sound.filter(|_| track.size.is_some());
        let (peak, average) = beside.map_or((0, 0), |(sound, _)| (sound.peak, sound.average));
        let codecs: Vec<&str> =
            [Some(track), beside.map(|(_, track)| track)].into_iter().flatten().map(|t| &*t.codecs).collect();
        let _ = write!(
            text,
            "#EXT-X-STREAM-INF:BANDWIDTH={},AVERAGE-BANDWIDTH={},CODECS=\"{}\"",
            of.peak + peak,
            of.average + average,
            codecs.join(",")
        );
        if let Some((width, height)) = track.size {
            let _ = write!(text, ",RESOLUTION={width}x{height}");
        }
        if beside.is_some() {
            text.push_str(",AUDIO=\"audio\"");
        }
        let _ = writeln!(text, "\n{}/recording.m3u8", of.rendition);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(number: i64, start_ms: i64, period: i64, init: i64, bytes: i64) -> Segment {
        Segment {
            broadcast_id: "b".into(),
            rendition: "720p".into(),
            number,
            start_ticks: rivulet_media::ticks_from_ms(timeline::START_MS + start_ms),
            duration_ticks: 180_000,
            bytes,
            object_key: String::new(),
            init,
            period,
        }
    }

    #[test]
    fn gaps_periods_and_absences_are_marked() {
        let segments = [
            segment(1, 0, 0, 0, 9),
            segment(2, 2_100, 0, 0, 0),
            segment(3, 4_100, 1, 0, 9),
            segment(90, 9_000, 1, 1, 9),
        ];
        assert_eq!(
            media(&segments, 0).unwrap(),
            "#EXTM3U\n#EXT-X-VERSION:8\n#EXT-X-TARGETDURATION:2\n#EXT-X-PLAYLIST-TYPE:VOD\n\
             #EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-INDEPENDENT-SEGMENTS\n\
             #EXT-X-MAP:URI=\"init-0.mp4\"\n\
             #EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:00.000Z\n#EXTINF:2.10000,\n1.m4s\n\
             #EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:02.100Z\n#EXT-X-GAP\n#EXTINF:2.00000,\n2.m4s\n\
             #EXT-X-DISCONTINUITY\n\
             #EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:04.100Z\n#EXTINF:2.00000,\n3.m4s\n\
             #EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"init-1.mp4\"\n\
             #EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:09.000Z\n#EXTINF:2.00000,\n90.m4s\n#EXT-X-ENDLIST\n"
        );
        assert_eq!(media(&[], 0), None);
    }

    #[test]
    fn only_what_is_whole_is_offered() {
        let recorded = |rendition: &str, segments, average, size: Option<(u32, u32)>| {
            let of = Recorded { rendition: rendition.into(), segments, average, peak: average * 2, init: 0 };
            (of, Track { codecs: if size.is_some() { "avc1.64001f" } else { "mp4a.40.2" }.into(), size })
        };
        let all = [
            recorded("360p", 5, 500, Some((640, 360))),
            recorded("480p", 9, 900, Some((854, 480))),
            recorded("720p", 9, 3_000, Some((1280, 720))),
            recorded("audio", 8, 100, None),
        ];
        assert_eq!(
            multivariant(&all).unwrap(),
            "#EXTM3U\n#EXT-X-VERSION:8\n#EXT-X-INDEPENDENT-SEGMENTS\n\
             #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"Stream\",DEFAULT=YES,AUTOSELECT=YES,\
             URI=\"audio/recording.m3u8\"\n\
             #EXT-X-STREAM-INF:BANDWIDTH=6200,AVERAGE-BANDWIDTH=3100,CODECS=\"avc1.64001f,mp4a.40.2\",\
             RESOLUTION=1280x720,AUDIO=\"audio\"\n720p/recording.m3u8\n\
             #EXT-X-STREAM-INF:BANDWIDTH=2000,AVERAGE-BANDWIDTH=1000,CODECS=\"avc1.64001f,mp4a.40.2\",\
             RESOLUTION=854x480,AUDIO=\"audio\"\n480p/recording.m3u8\n"
        );
        assert!(multivariant(&all[3..]).unwrap().ends_with("CODECS=\"mp4a.40.2\"\naudio/recording.m3u8\n"));
        assert_eq!(multivariant(&[]), None);
    }
}
