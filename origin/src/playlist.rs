//! HLS playlists (RFC 8216) as functions of the window. A playlist only ever appends at its end
//! and removes at its start.

use crate::window::{Segment, Slot, Window};
use rivulet_hub::{Format, Period, RenditionKind};
use rivulet_media::TICKS_PER_SECOND;
use std::fmt::Write;
use std::sync::Arc;

/// Milliseconds since the epoch as RFC 3339 in UTC.
pub fn date_time(ms: i64) -> String {
    let (days, rest) = (ms.div_euclid(86_400_000), ms.rem_euclid(86_400_000));
    // Civil date from days since 1970 (years start in March, eras of 400 years).
    let z = days + 719_468;
    let (era, day_of_era) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let (day, month) =
        (day_of_year - (153 * shifted + 2) / 5 + 1, if shifted < 10 { shifted + 3 } else { shifted - 9 });
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hours, minutes, seconds) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60);
    format!("{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}.{:03}Z", rest % 1000)
}

/// The segments of one rendition. `None`: there is no such rendition, or nothing of it yet.
pub fn media(window: &Window, rendition: &str, started_at_ms: i64) -> Option<String> {
    if !window.knows(rendition) {
        return None;
    }
    let of = |slot: &Slot| -> Option<Arc<Segment>> {
        let index = Window::continued_by(window.period(slot.period)?, rendition)?;
        slot.segments.get(index)?.clone()
    };
    let listed: Vec<&Slot> = window.slots().iter().skip(window.first_listed()).collect();
    let last = listed.iter().rposition(|slot| of(slot).is_some())?;
    let mut text = String::with_capacity(4096);
    let first = listed[0];
    let _ = writeln!(text, "#EXTM3U\n#EXT-X-VERSION:8");
    let _ = writeln!(text, "#EXT-X-TARGETDURATION:{}", window.target_seconds());
    let _ = writeln!(text, "#EXT-X-MEDIA-SEQUENCE:{}", first.number);
    let _ = writeln!(text, "#EXT-X-DISCONTINUITY-SEQUENCE:{}", first.period);
    let _ = writeln!(text, "#EXT-X-INDEPENDENT-SEGMENTS");
    let (mut period, mut map) = (first.period, None);
    for (index, slot) in listed.iter().enumerate().take(last + 1) {
        let segment = of(slot);
        // Within a period a segment ends where the next begins; before another, where its media does.
        let next = listed.get(index + 1).filter(|next| next.period == slot.period).map(|next| next.start);
        let media = segment.as_ref().or(slot.segments.iter().flatten().next());
        let end = next.or(media.map(|segment| slot.start + segment.duration)).unwrap_or(slot.start);
        let seconds = (end - slot.start) as f64 / TICKS_PER_SECOND as f64;
        let starts_period = std::mem::replace(&mut period, slot.period) != slot.period;
        if starts_period {
            let _ = writeln!(text, "#EXT-X-DISCONTINUITY");
        }
        if let Some(segment) = &segment {
            let wanted = (segment.rendition.clone(), segment.init);
            if map.as_ref() != Some(&wanted) {
                let folder = folder(rendition, &segment.rendition);
                let _ = writeln!(text, "#EXT-X-MAP:URI=\"{folder}init-{}.mp4\"", segment.init);
                map = Some(wanted);
            }
        }
        if index == 0 || starts_period {
            let at = date_time(started_at_ms + window.offset_ms(slot.start));
            let _ = writeln!(text, "#EXT-X-PROGRAM-DATE-TIME:{at}");
        }
        match &segment {
            Some(segment) => {
                let folder = folder(rendition, &segment.rendition);
                let _ = writeln!(text, "#EXTINF:{seconds:.5},\n{folder}{}.m4s", slot.number);
            }
            None => {
                let _ = writeln!(text, "#EXT-X-GAP\n#EXTINF:{seconds:.5},\n{}.m4s", slot.number);
            }
        }
    }
    if window.ended() {
        let _ = writeln!(text, "#EXT-X-ENDLIST");
    }
    Some(text)
}

/// Where the files of a rendition lie, seen from another's playlist.
fn folder(from: &str, to: &str) -> String {
    if from == to { String::new() } else { format!("../{to}/") }
}

/// What the multivariant playlist says of one variant.
struct Variant {
    id: String,
    peak: u64,
    average: u64,
    codecs: String,
    size: Option<(u32, u32)>,
    frame_rate: Option<f64>,
}

/// The renditions of the newest playable period.
pub fn multivariant(window: &Window, broadcast: &str) -> Option<String> {
    let period = window.playable()?;
    let audio = period.renditions.iter().position(|rendition| rendition.kind == RenditionKind::Audio);
    let audio = audio.and_then(|index| describe(window, period, index));
    let mut text = String::from("#EXTM3U\n#EXT-X-VERSION:8\n#EXT-X-INDEPENDENT-SEGMENTS\n");
    let videos: Vec<_> = (0..period.renditions.len())
        .filter(|index| period.renditions[*index].kind != RenditionKind::Audio)
        .filter_map(|index| describe(window, period, index))
        .collect();
    if let (Some(audio), false) = (&audio, videos.is_empty()) {
        let _ = writeln!(
            text,
            "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"Stream\",DEFAULT=YES,AUTOSELECT=YES,URI=\"{broadcast}/{}/index.m3u8\"",
            audio.id
        );
    }
    let alone = if videos.is_empty() { audio.as_ref() } else { None };
    for variant in videos.iter().chain(alone) {
        let sound = audio.as_ref().filter(|_| variant.size.is_some());
        let peak = variant.peak + sound.map_or(0, |sound| sound.peak);
        let average = variant.average + sound.map_or(0, |sound| sound.average);
        let codecs = match sound {
            Some(sound) => format!("{},{}", variant.codecs, sound.codecs),
            None => variant.codecs.clone(),
        };
        let _ = write!(text, "#EXT-X-STREAM-INF:BANDWIDTH={peak},AVERAGE-BANDWIDTH={average},CODECS=\"{codecs}\"");
        if let Some((width, height)) = variant.size {
            let _ = write!(text, ",RESOLUTION={width}x{height}");
        }
        if let Some(rate) = variant.frame_rate {
            let _ = write!(text, ",FRAME-RATE={rate:.3}");
        }
        if sound.is_some() {
            let _ = write!(text, ",AUDIO=\"audio\"");
        }
        let _ = writeln!(text, ",NAME=\"{}\"\n{broadcast}/{}/index.m3u8", variant.id, variant.id);
    }
    Some(text)
}

fn describe(window: &Window, period: &Arc<Period>, index: usize) -> Option<Variant> {
    let rendition = &period.renditions[index];
    let of_period: Vec<_> = window.slots().iter().filter(|slot| slot.period == period.number).collect();
    let segments: Vec<_> = of_period.iter().filter_map(|slot| slot.segments[index].as_ref()).collect();
    let newest = segments.last()?;
    let init = window.init(&newest.rendition, newest.init)?;
    let bits = |segment: &Segment| segment.data.len() as u64 * 8 * TICKS_PER_SECOND as u64;
    let rate = |segment: &Segment| bits(segment) / segment.duration.max(1) as u64;
    let ticks: u64 = segments.iter().map(|segment| segment.duration.max(1) as u64).sum();
    let average = segments.iter().map(|segment| bits(segment)).sum::<u64>() / ticks.max(1);
    let measured_peak = segments.iter().map(|segment| rate(segment)).max()?;
    let (size, codecs, frame_rate, promised) = match (&init.format, &rendition.kind) {
        (Format::Video(video), RenditionKind::Video { target_kbps, .. }) => {
            // Between cuts, which are exact; decoding times of re-ordered pictures are not.
            let start = |number| of_period.iter().find(|slot| slot.number == number).map(|slot| slot.start);
            let between = start(newest.number).zip(start(newest.number + 1)).map(|(from, to)| to - from);
            let seconds = between.unwrap_or(newest.duration).max(1) as f64 / TICKS_PER_SECOND as f64;
            let frame_rate = (newest.samples as f64 / seconds * 100.0).round() / 100.0;
            // An encoder keeps to its rate and a tenth more.
            let promised = target_kbps.map_or(0, |kbps| u64::from(kbps) * 1100);
            (Some((video.avc.width, video.avc.height)), video.avc.codec_string(), Some(frame_rate), promised)
        }
        (Format::Audio(audio), _) => (None, audio.aac.codec_string(), None, 0),
        (Format::Video(_), RenditionKind::Audio) => return None,
    };
    let peak = measured_peak.max(promised).max(average);
    Some(Variant { id: rendition.id.clone(), peak, average, codecs, size, frame_rate })
}
