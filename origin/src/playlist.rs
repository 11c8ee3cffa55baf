//! HLS playlists (RFC 8216, with the low-latency parts of its second edition) as functions of the
//! window. A playlist only ever appends at its end and removes at its start.

use crate::window::{Segment, Slot, Window};
use rivulet_hub::{Period, RenditionKind};
use rivulet_media::{TICKS_PER_SECOND, Ticks, ticks_from_ms};
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

/// Parts are listed for this many target durations before the end.
const PARTS_FOR: i64 = 3;
/// Players may leave out what is older than this many target durations.
const SKIP_AFTER: i64 = 6;
/// What a duration may have beyond the target, to which it is rounded.
const ROUNDING: Ticks = ticks_from_ms(499);

/// What a rendition's playlist says, complete or, for players that have the one before, without
/// its older segments. `None`: there is no such rendition, or nothing of it yet.
pub fn media(window: &Window, rendition: &str, started_at_ms: i64, delta: bool) -> Option<String> {
    let edge = window.edge(rendition)?;
    let target = window.target_seconds();
    let part_target = seconds(window.part_target());
    let listed: Vec<&Slot> = window.slots().iter().skip(window.first_listed(rendition)?).collect();
    let mut lengths = lengths(window, rendition, &listed);
    let ends = |slot: &Slot| slot.number > edge.segment || (slot.number == edge.segment && edge.part == 0);
    lengths.truncate(listed.iter().take_while(|slot| !ends(slot)).count());
    if let (true, Some(last), Some(in_work)) =
        (edge.part > 0, lengths.last_mut(), window.segment_of(rendition, edge.segment))
    {
        *last = in_work.duration;
    }
    // Time from the start of each listed segment to the end of the playlist.
    let mut left = lengths.clone();
    (1..left.len()).rev().for_each(|index| left[index - 1] += left[index]);

    let mut text = String::with_capacity(4096);
    let first = *listed.first()?;
    let _ = writeln!(text, "#EXTM3U\n#EXT-X-VERSION:9");
    let _ = writeln!(text, "#EXT-X-TARGETDURATION:{target}");
    let _ = writeln!(
        text,
        "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL={:.1},HOLD-BACK={:.1},PART-HOLD-BACK={:.3}",
        (target * SKIP_AFTER) as f64,
        (target * 3) as f64,
        part_target * 3.0,
    );
    let _ = writeln!(text, "#EXT-X-PART-INF:PART-TARGET={part_target:.3}");
    let _ = writeln!(text, "#EXT-X-MEDIA-SEQUENCE:{}", first.number);
    // The discontinuity before the first segment is counted once its tag is gone, too.
    let before = window.slots().iter().rfind(|slot| slot.number < first.number);
    let mut period = before.map_or(first.period, |slot| slot.period);
    let _ = writeln!(text, "#EXT-X-DISCONTINUITY-SEQUENCE:{period}");
    let _ = writeln!(text, "#EXT-X-INDEPENDENT-SEGMENTS");
    let boundary = target * SKIP_AFTER * TICKS_PER_SECOND;
    let old = left.iter().zip(&lengths).take_while(|(left, length)| *left - *length > boundary).count();
    let skipped = if delta && !window.ended() { old } else { 0 };
    if skipped > 0 {
        let _ = writeln!(text, "#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}");
    }
    let mut map = None;
    for (index, slot) in listed.iter().enumerate().take(lengths.len()) {
        let segment = window.of(slot, rendition);
        let starts_period = std::mem::replace(&mut period, slot.period) != slot.period;
        let wanted =
            segment.map(|segment| (segment.rendition.clone(), segment.init)).filter(|w| map.as_ref() != Some(w));
        map = wanted.clone().or(map);
        if index < skipped {
            continue;
        }
        if starts_period {
            let _ = writeln!(text, "#EXT-X-DISCONTINUITY");
        }
        if let Some((of, init)) = &wanted {
            let _ = writeln!(text, "#EXT-X-MAP:URI=\"{}init-{init}.mp4\"", folder(rendition, of));
        }
        let at = date_time(started_at_ms + window.offset_ms(slot.start));
        let _ = writeln!(text, "#EXT-X-PROGRAM-DATE-TIME:{at}");
        let folder = segment.map_or_else(String::new, |segment| folder(rendition, &segment.rendition));
        if left[index] <= target * PARTS_FOR * TICKS_PER_SECOND {
            for (number, part) in segment.iter().flat_map(|segment| &segment.parts).enumerate() {
                let independent = if part.independent { ",INDEPENDENT=YES" } else { "" };
                let duration = seconds(part.duration);
                let uri = format!("{folder}{}.{number}.m4s", slot.number);
                let _ = writeln!(text, "#EXT-X-PART:DURATION={duration:.5},URI=\"{uri}\"{independent}");
            }
        }
        if slot.number == edge.segment {
            break;
        }
        if segment.is_none() {
            let _ = writeln!(text, "#EXT-X-GAP");
        }
        let _ = writeln!(text, "#EXTINF:{:.5},\n{folder}{}.m4s", seconds(lengths[index]), slot.number);
    }
    if window.ended() {
        let _ = writeln!(text, "#EXT-X-ENDLIST");
        return Some(text);
    }
    let now = window.continued_now(rendition)?;
    let hint = format!("{}{}.{}.m4s", folder(rendition, &now.id), edge.segment, edge.part);
    let _ = writeln!(text, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"{hint}\"");
    reports(window, rendition, &mut text);
    Some(text)
}

/// Where the other renditions of the newest period are. One that nobody watches will be where the
/// best one is.
fn reports(window: &Window, rendition: &str, text: &mut String) {
    let Some(period) = window.slots().back().and_then(|slot| window.period(slot.period)) else { return };
    let best = period.renditions.first().and_then(|best| window.edge(&best.id));
    for other in period.renditions.iter().filter(|other| other.id != rendition) {
        let own = window.edge(&other.id).map(|edge| (&other.id, edge));
        let Some((of, edge)) = own.or(best.map(|edge| (&period.renditions[0].id, edge))) else { continue };
        // The last part that is listed: with a whole segment at the end, that segment's last.
        let last = match edge.part {
            0 => edge
                .segment
                .checked_sub(1)
                .map(|whole| (whole, window.segment_of(of, whole).map_or(1, |segment| segment.parts.len()))),
            parts => Some((edge.segment, parts)),
        };
        let Some((segment, parts)) = last else { continue };
        let part = parts.saturating_sub(1);
        let id = &other.id;
        let _ =
            writeln!(text, "#EXT-X-RENDITION-REPORT:URI=\"../{id}/index.m3u8\",LAST-MSN={segment},LAST-PART={part}");
    }
}

pub(crate) fn seconds(ticks: Ticks) -> f64 {
    ticks as f64 / TICKS_PER_SECOND as f64
}

/// How long each slot lasts: within a period to the next one, before another as long as its media,
/// which may end a little sooner or later than that of other renditions. A hole in the source may
/// make a segment longer than players have been promised; the date of the next one tells.
fn lengths(window: &Window, rendition: &str, slots: &[&Slot]) -> Vec<Ticks> {
    let longest = window.target_seconds() * TICKS_PER_SECOND + ROUNDING;
    let length = |index: usize| {
        let slot = slots[index];
        match slots.get(index + 1) {
            Some(next) if next.period == slot.period => next.start - slot.start,
            _ => {
                let media = window.of(slot, rendition).or(slot.segments.iter().flatten().next());
                media.map_or(0, |segment| segment.duration)
            }
        }
    };
    (0..slots.len()).map(|index| length(index).min(longest)).collect()
}

/// Where the files of a rendition lie, seen from another's playlist.
fn folder(from: &str, to: &str) -> String {
    if from == to { String::new() } else { format!("../{to}/") }
}

/// What manifests say of one rendition.
pub struct Variant {
    pub id: String,
    pub peak: u64,
    pub average: u64,
    pub codecs: String,
    pub size: Option<(u32, u32)>,
    pub frame_rate: Option<f64>,
}

/// The renditions of the newest playable period, but for those to be left out.
pub fn multivariant(window: &Window, broadcast: &str, left_out: impl Fn(&str) -> bool) -> Option<String> {
    let period = window.playable()?;
    let audio = period.renditions.iter().position(|rendition| rendition.kind == RenditionKind::Audio);
    let audio = audio.and_then(|index| describe(window, period, index));
    let mut text = String::from("#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-INDEPENDENT-SEGMENTS\n");
    let videos: Vec<_> = (0..period.renditions.len())
        .filter(|index| period.renditions[*index].kind != RenditionKind::Audio)
        .filter(|index| !left_out(&period.renditions[*index].id))
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

/// `None` while too little is known of it.
pub fn describe(window: &Window, period: &Arc<Period>, index: usize) -> Option<Variant> {
    let rendition = &period.renditions[index];
    let of_period: Vec<_> = window.slots().iter().filter(|slot| slot.period == period.number).collect();
    let whole = |index: usize| {
        of_period.iter().filter_map(move |slot| slot.segments[index].as_ref()).filter(|segment| segment.data.is_some())
    };
    let segments: Vec<&Segment> = whole(index).collect();
    let bits = |segment: &Segment| {
        segment.parts.iter().map(|part| part.data.len() as u64).sum::<u64>() * 8 * TICKS_PER_SECOND as u64
    };
    let ticks: u64 = segments.iter().map(|segment| segment.duration.max(1) as u64).sum();
    let measured = segments.iter().map(|segment| bits(segment)).sum::<u64>() / ticks.max(1);
    let measured_peak = segments.iter().map(|segment| bits(segment) / segment.duration.max(1) as u64).max();
    let (size, frame_rate, promised) = match rendition.kind {
        RenditionKind::Video { width, height, target_kbps, .. } => {
            // All renditions have the best one's pictures. Between cuts, which are exact; decoding
            // times of re-ordered pictures are not.
            let newest = whole(0).next_back()?;
            let start = |number| of_period.iter().find(|slot| slot.number == number).map(|slot| slot.start);
            let between = start(newest.number).zip(start(newest.number + 1)).map(|(from, to)| to - from);
            let frame_rate = newest.samples as f64 / seconds(between.unwrap_or(newest.duration).max(1));
            let promised = target_kbps.map(|kbps| u64::from(kbps) * 1000);
            (Some((width, height)), Some((frame_rate * 100.0).round() / 100.0), promised)
        }
        RenditionKind::Audio => (None, None, None),
    };
    // An encoder keeps to its rate and a tenth more; what nobody watches has only its promise.
    let average = if ticks > 0 { measured } else { promised? };
    let peak = measured_peak.unwrap_or(0).max(promised.map_or(0, |rate| rate * 11 / 10)).max(average);
    Some(Variant { id: rendition.id.clone(), peak, average, codecs: rendition.codecs.clone(), size, frame_rate })
}
