//! The DASH manifest (ISO/IEC 23009-1) as a function of the window: the same segments under the
//! same addresses as in HLS. The segment in work is announced with the length of the one before
//! it, and sent as it is made, so that players need not wait for its end.

use crate::playlist::{Variant, date_time, describe};
use crate::window::{Slot, WINDOW, Window};
use rivulet_hub::{Period, RenditionKind};
use rivulet_media::cmaf::Timescale;
use rivulet_media::{TICKS_PER_SECOND, Ticks, ms_from_ticks};
use std::fmt::Write;
use std::sync::Arc;

/// Where players set their clocks; see `http`.
pub const TIME: &str = "/live/time";
/// What low-latency players aim for, in milliseconds: a segment in work, and a reserve.
const LATENCY_MS: u32 = 3_000;

/// `None` while there is nothing to play.
pub fn manifest(window: &Window, broadcast: &str, started_at_ms: i64, now_ms: i64) -> Option<String> {
    window.playable()?;
    let listed = window.newest(WINDOW);
    let slots: Vec<&Slot> = window.slots().iter().skip(listed).collect();
    let mut periods = String::new();
    let mut end = 0;
    for group in slots.chunk_by(|a, b| a.period == b.period) {
        let Some((period, start)) = window.period(group[0].period).zip(window.period_start(group[0].period)) else {
            continue;
        };
        let timeline = timeline(window, group, &slots);
        end = timeline.last().map_or(end, |(start, duration)| start + duration);
        let _ = writeln!(
            periods,
            " <Period id=\"{}\" start=\"PT{:.3}S\">",
            period.number,
            window.offset_ms(start) as f64 / 1000.0
        );
        adaptation_sets(window, period, group, &timeline, start, broadcast, &mut periods);
        periods.push_str(" </Period>\n");
    }
    let target = window.target_seconds();
    let live = match window.ended() {
        true => format!("mediaPresentationDuration=\"PT{:.3}S\"", window.offset_ms(end) as f64 / 1000.0),
        false => "minimumUpdatePeriod=\"PT1S\"".to_owned(),
    };
    Some(format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" profiles=\"urn:mpeg:dash:profile:isoff-live:2011\" \
         type=\"dynamic\" availabilityStartTime=\"{}\" publishTime=\"{}\" {live} minBufferTime=\"PT{target}S\" \
         timeShiftBufferDepth=\"PT{}S\" maxSegmentDuration=\"PT{target}S\" suggestedPresentationDelay=\"PT{}S\">\n\
         <ServiceDescription id=\"0\"><Latency target=\"{LATENCY_MS}\" min=\"{}\" max=\"{}\"/>\
         <PlaybackRate min=\"0.96\" max=\"1.04\"/></ServiceDescription>\n{periods}\
         <UTCTiming schemeIdUri=\"urn:mpeg:dash:utc:http-iso:2014\" value=\"{TIME}\"/>\n</MPD>\n",
        date_time(started_at_ms),
        date_time(now_ms),
        ms_from_ticks(WINDOW) / 1000,
        target * 3,
        LATENCY_MS / 2,
        LATENCY_MS * 3,
    ))
}

/// Start and length of each slot of a period that the best rendition has, or is about to have.
fn timeline(window: &Window, group: &[&Slot], all: &[&Slot]) -> Vec<(Ticks, Ticks)> {
    let mut entries: Vec<(Ticks, Ticks)> = Vec::new();
    for slot in group {
        let Some(best) = slot.segments.first().and_then(Option::as_ref) else { continue };
        let next = all.iter().find(|next| next.number == slot.number + 1 && next.period == slot.period);
        let length = match (next, &best.data) {
            (Some(next), _) => next.start - slot.start,
            (None, Some(_)) => best.duration,
            (None, None) => entries.last().map_or(window.target_seconds() * TICKS_PER_SECOND, |last| last.1),
        };
        entries.push((slot.start, length));
    }
    entries
}

fn adaptation_sets(
    window: &Window,
    period: &Arc<Period>,
    group: &[&Slot],
    video: &[(Ticks, Ticks)],
    start: Ticks,
    broadcast: &str,
    text: &mut String,
) {
    let audio = period.renditions.iter().position(|rendition| rendition.kind == RenditionKind::Audio);
    let described = |index: usize| describe(window, period, index).map(|variant| (index, variant));
    let videos: Vec<(usize, Variant)> =
        (0..period.renditions.len()).filter(|index| Some(*index) != audio).filter_map(described).collect();
    // Players change freely within a set, and few of them from one codec to another. All that is
    // below the source has one codec.
    fn family(variant: &Variant) -> &str {
        variant.codecs.split('.').next().unwrap_or_default()
    }
    for (set, same) in videos.chunk_by(|(_, a), (_, b)| family(a) == family(b)).enumerate() {
        let Some(first) = group.first() else { return };
        // The sound has the number between the first set and the others.
        let id = if set == 0 { 0 } else { set + 1 };
        let _ = writeln!(
            text,
            "  <AdaptationSet id=\"{id}\" contentType=\"video\" mimeType=\"video/mp4\" segmentAlignment=\"true\" startWithSAP=\"1\">"
        );
        for (index, variant) in same {
            let (width, height) = variant.size.unwrap_or_default();
            let rate = (variant.frame_rate.unwrap_or_default() * 1000.0).round();
            let shape = format!("width=\"{width}\" height=\"{height}\" frameRate=\"{rate}/1000\"");
            let template = Template { timescale: Timescale::VIDEO, first: first.number, start, entries: video };
            representation(window, &period.renditions[*index].id, variant, &shape, broadcast, &template, text);
        }
        text.push_str("  </AdaptationSet>\n");
    }
    let Some((index, variant)) = audio.and_then(described) else { return };
    let segments: Vec<_> = group.iter().filter_map(|slot| slot.segments[index].as_ref()).collect();
    let (Some(first), Some(init)) = (segments.first(), window.newest_init(&variant.id)) else { return };
    let rivulet_hub::Format::Audio(format) = &init.format else { return };
    // Sound ends where its next segment begins, or, in work, as late as the pictures.
    let end = video.last().map(|(start, duration)| start + duration);
    let entries: Vec<_> = segments
        .iter()
        .enumerate()
        .map(|(index, segment)| match segments.get(index + 1) {
            Some(next) => (segment.start, next.start - segment.start),
            None if segment.data.is_some() => (segment.start, segment.duration),
            None => (segment.start, end.map_or(segment.duration, |end| end - segment.start).max(segment.duration)),
        })
        .collect();
    text.push_str("  <AdaptationSet id=\"1\" contentType=\"audio\" mimeType=\"audio/mp4\" segmentAlignment=\"true\" startWithSAP=\"1\">\n");
    let shape = format!("audioSamplingRate=\"{}\"", format.sample_rate());
    let template = Template { timescale: Timescale::audio(format), first: first.number, start, entries: &entries };
    representation(window, &variant.id, &variant, &shape, broadcast, &template, text);
    text.push_str("  </AdaptationSet>\n");
}

struct Template<'a> {
    timescale: Timescale,
    /// Number of the first entry.
    first: u64,
    /// Start of the period.
    start: Ticks,
    entries: &'a [(Ticks, Ticks)],
}

fn representation(
    window: &Window,
    id: &str,
    variant: &Variant,
    shape: &str,
    broadcast: &str,
    template: &Template<'_>,
    text: &mut String,
) {
    let Template { timescale, first, start, entries } = *template;
    let scaled = |ticks| timescale.scale(ticks);
    let _ = writeln!(
        text,
        "   <Representation id=\"{id}\" bandwidth=\"{}\" codecs=\"{}\" {shape}>\n    <SegmentTemplate timescale=\"{}\" \
         presentationTimeOffset=\"{}\" startNumber=\"{first}\" initialization=\"{broadcast}/{id}/init-{}.mp4\" \
         media=\"{broadcast}/{id}/$Number$.m4s\" availabilityTimeOffset=\"{}\" availabilityTimeComplete=\"false\">\
         <SegmentTimeline>",
        variant.peak,
        variant.codecs,
        timescale.0,
        scaled(start),
        window.init_number(id),
        window.target_seconds(),
    );
    for (start, duration) in entries {
        let _ = write!(text, "<S t=\"{}\" d=\"{}\"/>", scaled(*start), scaled(start + duration) - scaled(*start));
    }
    text.push_str("</SegmentTimeline></SegmentTemplate>\n   </Representation>\n");
}
