//! The live window of one broadcast: samples in, segments and their parts out, and a view for
//! playlists. Pure: the program's events come in order, and nothing here knows a clock, a file or
//! a socket.
//!
//! Every segment number is one [`Slot`], shared by all renditions; a slot belongs to one period.
//! A rendition that a period does not have is continued by the nearest one that it has, so that a
//! player's playlist never just stops. Parts are published as they come and never change; the
//! parts of a segment one behind the other are its bytes.

use bytes::{Bytes, BytesMut};
use rivulet_hub::{Format, Period, Program, Rendition, RenditionKind};
use rivulet_media::cmaf::{self, CmafError, Timescale};
use rivulet_media::timeline;
use rivulet_media::{Packet, TICKS_PER_SECOND, Ticks, ticks_from_ms};
use rivulet_protocol::worker::Cut;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// How much of the broadcast playlists list,
pub const WINDOW: Ticks = ticks_from_ms(30_000);
/// and how much longer its segments stay in memory for players that read an older playlist.
const LINGER: Ticks = ticks_from_ms(8_000);
/// No segment is longer, whatever the first one was.
const LONGEST_SECONDS: i64 = 4;
/// A last packet does not last until the next period if that begins after a pause.
const PAUSE: Ticks = ticks_from_ms(500);
/// Packets of one part; a part of 1 s has a hundred.
const MAX_PACKETS: usize = 1_024;
/// Parts of one segment; one of 4 s in parts of 0.2 s has twenty.
const MAX_PARTS: usize = 256;
/// What encoders round off their timestamps.
const JITTER: Ticks = ticks_from_ms(1);

/// What players may fetch of a segment before it is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub duration: Ticks,
    /// Decoding can start in it.
    pub independent: bool,
    pub data: Bytes,
}

/// A segment of one rendition, whole or in work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    pub rendition: Arc<str>,
    pub number: u64,
    /// Which initialisation segment goes before it.
    pub init: u32,
    /// When its first picture or sound is presented.
    pub start: Ticks,
    /// Of all parts so far.
    pub duration: Ticks,
    pub samples: usize,
    pub parts: Vec<Part>,
    /// All of it, once it is whole.
    pub data: Option<Bytes>,
}

/// An initialisation segment of one rendition.
#[derive(Debug, Clone, PartialEq)]
pub struct Init {
    pub rendition: Arc<str>,
    pub number: u32,
    pub format: Format,
    pub data: Bytes,
}

#[derive(Debug, Clone)]
pub struct Slot {
    pub number: u64,
    pub period: u32,
    pub start: Ticks,
    /// By rendition of the period.
    pub segments: Vec<Option<Segment>>,
}

/// What became whole, for the recording.
#[derive(Debug, Clone, PartialEq)]
pub enum Done {
    Init(Arc<Init>),
    /// And the number of its period.
    Segment(Segment, u32),
}

/// Where a playlist ends: the part that it will list next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    pub segment: u64,
    pub part: usize,
}

/// One rendition of one period while it is written.
#[derive(Debug)]
struct Writer {
    id: Arc<str>,
    init: Option<Arc<Init>>,
    /// The segment in work, if any,
    segment: Option<u64>,
    /// and the packets of its next part.
    packets: Vec<Packet>,
    /// The next segment that is wanted; earlier ones are made already.
    next: u64,
    last_dts: Ticks,
    /// From the one before it to the newest packet,
    last_step: Ticks,
    /// and how long a packet lasts: the shorter of the newest two steps, as a hole is no length.
    step: Ticks,
}

#[derive(Debug)]
struct OpenPeriod {
    period: Arc<Period>,
    start: Ticks,
    writers: Vec<Writer>,
}

#[derive(Debug)]
pub struct Window {
    /// Wished length of a part.
    part: Ticks,
    /// Promised longest part: fits whole pictures of the first period, and never changes.
    part_target: Option<Ticks>,
    /// Newest last. Old ones stay until their slots are gone.
    periods: VecDeque<OpenPeriod>,
    slots: VecDeque<Slot>,
    /// Initialisation segments by rendition, in the order made, and the number of the first.
    inits: HashMap<Arc<str>, Vec<Arc<Init>>>,
    first_init: u32,
    /// First segment since somebody watches it, of each encoded rendition that is being made.
    runs: HashMap<Arc<str>, u64>,
    target_seconds: Option<i64>,
    ended: bool,
    /// Rises with everything that playlists show.
    revision: u64,
    pub dropped_samples: u64,
}

impl Window {
    /// `part`: wished length of a part. `first_init`: number of each rendition's first
    /// initialisation segment, not zero where a broadcast goes on after a restart.
    pub fn new(part: Ticks, first_init: u32) -> Self {
        Self {
            part,
            part_target: None,
            periods: VecDeque::new(),
            slots: VecDeque::new(),
            inits: HashMap::new(),
            first_init,
            runs: HashMap::new(),
            target_seconds: None,
            ended: false,
            revision: 0,
            dropped_samples: 0,
        }
    }

    pub fn push(&mut self, event: Program, done: &mut Vec<Done>) -> Result<(), CmafError> {
        self.revision += u64::from(!matches!(event, Program::Sample { .. } | Program::Thumbnail(_)));
        match event {
            Program::Period(period, cut) => {
                if let Some(open) = self.periods.back() {
                    let passed_on = |index: &usize| !open.period.renditions[*index].encoded;
                    let indices: Vec<_> = (0..open.writers.len()).filter(passed_on).collect();
                    let number = open.period.number;
                    for index in indices {
                        self.close(number, index, Some(cut.pts), done)?;
                    }
                }
                let part = self.part;
                self.part_target.get_or_insert_with(|| part_target(part, &period));
                let writers = period.renditions.iter().map(|rendition| Writer {
                    id: rendition.id.as_str().into(),
                    init: None,
                    segment: None,
                    packets: Vec::new(),
                    next: cut.segment,
                    last_dts: Ticks::MIN,
                    last_step: PAUSE,
                    step: 0,
                });
                let writers = writers.collect();
                self.periods.push_back(OpenPeriod { period, start: cut.pts, writers });
                self.cut(cut);
            }
            Program::Cut(cut) => self.cut(cut),
            Program::Format { period, rendition, format } => self.format(period, rendition, format, done)?,
            Program::Sample { period, rendition, segment, packet } => {
                self.sample(period, rendition, segment, packet, done)?;
            }
            Program::Finished { period } => self.finish_up_to(period, done)?,
            Program::Idle { period, rendition } => {
                self.close(period, rendition, None, done)?;
                if let Some(writer) = self.open(period).and_then(|open| open.writers.get(rendition)) {
                    let id = writer.id.clone();
                    self.runs.remove(&id);
                }
            }
            Program::Thumbnail(_) => {}
            Program::End { over } => {
                self.finish_up_to(u32::MAX, done)?;
                self.ended = over;
            }
        }
        Ok(())
    }

    fn cut(&mut self, cut: Cut) {
        let Some(open) = self.periods.back() else { return };
        let (period, renditions) = (open.period.number, open.writers.len());
        if let (None, Some(last)) = (self.target_seconds, self.slots.back()) {
            // The first segment sets what every later one keeps.
            let length = cut.pts - last.start;
            self.target_seconds = Some(((length + TICKS_PER_SECOND / 2) / TICKS_PER_SECOND).clamp(2, LONGEST_SECONDS));
        }
        self.slots.push_back(Slot { number: cut.segment, period, start: cut.pts, segments: vec![None; renditions] });
        let old = self.newest(WINDOW + LINGER);
        self.slots.drain(..old);
        let oldest = self.slots.front().map_or(0, |slot| slot.period);
        self.periods.retain(|open| open.period.number >= oldest);
    }

    fn open(&mut self, period: u32) -> Option<&mut OpenPeriod> {
        self.periods.iter_mut().find(|open| open.period.number == period)
    }

    fn format(&mut self, period: u32, rendition: usize, format: Format, done: &mut Vec<Done>) -> Result<(), CmafError> {
        let Some(open) = self.periods.iter_mut().find(|open| open.period.number == period) else { return Ok(()) };
        let Some(writer) = open.writers.get_mut(rendition) else { return Ok(()) };
        let made = self.inits.entry(writer.id.clone()).or_default();
        // A restarted encoder or a period of the same kind goes on with the same bytes.
        if let Some(last) = made.last().filter(|last| last.format == format) {
            writer.init = Some(last.clone());
            return Ok(());
        }
        let data = match &format {
            Format::Video(video) => cmaf::video_init(video)?,
            Format::Audio(audio) => cmaf::audio_init(audio)?,
        };
        let number = self.first_init + made.len() as u32;
        let init = Arc::new(Init { rendition: writer.id.clone(), number, format, data });
        made.push(init.clone());
        writer.init = Some(init.clone());
        done.push(Done::Init(init));
        Ok(())
    }

    fn sample(
        &mut self,
        period: u32,
        rendition: usize,
        segment: Option<u64>,
        packet: Packet,
        done: &mut Vec<Done>,
    ) -> Result<(), CmafError> {
        let Some(open) = self.periods.iter().find(|open| open.period.number == period) else { return Ok(()) };
        let Some(writer) = open.writers.get(rendition) else { return Ok(()) };
        let (running, next) = (writer.segment, writer.next);
        let description = &open.period.renditions[rendition];
        let encoded = description.encoded;
        // Audio follows the cuts by time, video by the marks of whoever made its key frames.
        let starts = match description.kind {
            RenditionKind::Audio => self.audio_slot(period, packet.pts),
            RenditionKind::Video { .. } => segment,
        };
        if let Some(number) = starts.filter(|number| *number >= next && Some(*number) != running) {
            if running.is_some() {
                self.close(period, rendition, Some(packet.dts), done)?;
            }
            let Some(writer) = self.open(period).and_then(|open| open.writers.get_mut(rendition)) else {
                return Ok(());
            };
            writer.segment = Some(number);
            let id = writer.id.clone();
            if encoded {
                self.runs.entry(id).or_insert(number);
            }
        }
        let target = self.part_target();
        let Some(writer) = self.open(period).and_then(|open| open.writers.get_mut(rendition)) else { return Ok(()) };
        if writer.segment.is_none() || writer.packets.len() >= MAX_PACKETS {
            self.dropped_samples += 1;
            return Ok(());
        }
        // An encoder that took over from one that died knows nothing of its last times.
        let dts = packet.dts.max(writer.last_dts.saturating_add(1));
        if writer.last_dts != Ticks::MIN && dts - writer.last_dts < PAUSE {
            let step = dts - writer.last_dts;
            writer.step = step.min(writer.last_step);
            writer.last_step = step;
        }
        writer.last_dts = dts;
        let full = writer.packets.first().is_some_and(|first| dts - first.dts + writer.step > target);
        if full {
            self.part(period, rendition, Some(dts))?;
        }
        if let Some(writer) = self.open(period).and_then(|open| open.writers.get_mut(rendition)) {
            writer.packets.push(Packet { dts, ..packet });
        }
        Ok(())
    }

    /// The segment that a sound at this time belongs to.
    fn audio_slot(&self, period: u32, pts: Ticks) -> Option<u64> {
        let of_period = || self.slots.iter().filter(|slot| slot.period == period);
        of_period().rev().find(|slot| slot.start <= pts).or(of_period().next()).map(|slot| slot.number)
    }

    /// Publishes the packets in work as the next part. `end`: when the packet after them is decoded;
    /// the last of them lasts until then, as far as the length of a part goes.
    fn part(&mut self, period: u32, rendition: usize, end: Option<Ticks>) -> Result<(), CmafError> {
        let target = self.part_target();
        let Some(open) = self.periods.iter_mut().find(|open| open.period.number == period) else { return Ok(()) };
        let Some(writer) = open.writers.get_mut(rendition) else { return Ok(()) };
        let packets = std::mem::take(&mut writer.packets);
        let (Some(number), Some(init), Some(first), Some(last)) =
            (writer.segment, &writer.init, packets.first(), packets.last())
        else {
            return Ok(());
        };
        let Some(slot) = self.slots.iter_mut().find(|slot| slot.number == number) else { return Ok(()) };
        let Some(place) = slot.segments.get_mut(rendition) else { return Ok(()) };
        let timescale = match &init.format {
            Format::Video(_) => Timescale::VIDEO,
            Format::Audio(audio) => Timescale::audio(audio),
        };
        // A picture that lasts too long leaves a short hole: parts keep their promise.
        let end = end.unwrap_or(last.dts + writer.step.max(1)).min(first.dts + target).max(last.dts + 1);
        let start = packets.iter().map(|packet| packet.pts).min().unwrap_or(first.pts);
        let segment = place.get_or_insert_with(|| Segment {
            rendition: writer.id.clone(),
            number,
            init: init.number,
            start,
            duration: 0,
            samples: 0,
            parts: Vec::new(),
            data: None,
        });
        if segment.parts.len() >= MAX_PARTS {
            self.dropped_samples += packets.len() as u64;
            return Ok(());
        }
        let sequence = (number as u32).wrapping_mul(MAX_PARTS as u32).wrapping_add(segment.parts.len() as u32 + 1);
        let data = cmaf::fragment(sequence, timescale, &packets, end, segment.parts.is_empty())?;
        let independent = packets.iter().any(|packet| packet.key);
        segment.duration += end - first.dts;
        segment.samples += packets.len();
        self.revision += 1;
        segment.parts.push(Part { duration: end - first.dts, independent, data });
        Ok(())
    }

    /// Makes the segment in work whole.
    fn close(
        &mut self,
        period: u32,
        rendition: usize,
        end: Option<Ticks>,
        done: &mut Vec<Done>,
    ) -> Result<(), CmafError> {
        let last = self.open(period).and_then(|open| open.writers.get(rendition)).map_or(0, |writer| writer.last_dts);
        let result = self.part(period, rendition, end.filter(|end| end.saturating_sub(last) < PAUSE));
        let Some(writer) = self.open(period).and_then(|open| open.writers.get_mut(rendition)) else { return Ok(()) };
        let Some(number) = writer.segment.take() else { return Ok(()) };
        writer.next = number + 1;
        let slot = self.slots.iter_mut().find(|slot| slot.number == number);
        if let Some(segment) = slot.and_then(|slot| slot.segments.get_mut(rendition)?.as_mut()) {
            let mut data = BytesMut::with_capacity(segment.parts.iter().map(|part| part.data.len()).sum());
            segment.parts.iter().for_each(|part| data.extend_from_slice(&part.data));
            let data = data.freeze();
            let mut at = 0;
            for part in &mut segment.parts {
                let length = part.data.len();
                part.data = data.slice(at..at + length);
                at += length;
            }
            segment.data = Some(data);
            self.revision += 1;
            done.push(Done::Segment(segment.clone(), period));
        }
        result
    }

    fn finish_up_to(&mut self, period: u32, done: &mut Vec<Done>) -> Result<(), CmafError> {
        let ready = self.periods.iter().filter(|open| open.period.number <= period);
        let ready: Vec<_> = ready.map(|open| (open.period.clone(), open.writers.len())).collect();
        for (open, writers) in ready {
            for rendition in 0..writers {
                if open.renditions[rendition].encoded || period == u32::MAX {
                    self.close(open.number, rendition, None, done)?;
                }
            }
        }
        Ok(())
    }

    pub fn slots(&self) -> &VecDeque<Slot> {
        &self.slots
    }

    /// First slot that a rendition's playlist lists: within the window, and not from before
    /// somebody watched it. `None`: it is not being made.
    pub fn first_listed(&self, id: &str) -> Option<usize> {
        let newest = self.newest(WINDOW);
        let run = self.runs.get(id).or_else(|| match self.continued_now(id)? {
            rendition if !rendition.encoded => Some(&0),
            rendition => self.runs.get(rendition.id.as_str()),
        })?;
        let from = self.slots.iter().position(|slot| slot.number >= *run)?;
        Some(newest.max(from))
    }

    /// First of the newest slots that together last this long. The pause before an encoder
    /// returned is not counted: players still need what was before it.
    pub fn newest(&self, length: Ticks) -> usize {
        let mut total = 0;
        for index in (0..self.slots.len().saturating_sub(1)).rev() {
            let span = self.slots[index + 1].start - self.slots[index].start;
            total += span.min(ticks_from_ms(LONGEST_SECONDS * 1_000 + 500));
            if total > length {
                return index + 1;
            }
        }
        0
    }

    pub fn period(&self, number: u32) -> Option<&Arc<Period>> {
        self.periods.iter().find(|open| open.period.number == number).map(|open| &open.period)
    }

    pub fn period_start(&self, number: u32) -> Option<Ticks> {
        self.periods.iter().find(|open| open.period.number == number).map(|open| open.start)
    }

    /// The newest period that can be played: what is always made of it has a segment.
    pub fn playable(&self) -> Option<&Arc<Period>> {
        let ready = |open: &&OpenPeriod| {
            let whole = |index: usize| {
                let of_period = self.slots.iter().filter(|slot| slot.period == open.period.number);
                of_period.filter_map(|slot| slot.segments[index].as_ref()).any(|segment| segment.data.is_some())
            };
            let renditions = &open.period.renditions;
            (0..renditions.len())
                .filter(|index| {
                    let rendition = &renditions[*index];
                    *index == 0 || !rendition.encoded || rendition.kind == RenditionKind::Audio
                })
                .all(whole)
        };
        self.periods.iter().rev().find(ready).map(|open| &open.period)
    }

    /// Which rendition of the period continues `id`.
    pub fn continued_by(period: &Period, id: &str) -> Option<usize> {
        if let Some(same) = period.renditions.iter().position(|rendition| rendition.id == id) {
            return Some(same);
        }
        let side = |id: &str| id.strip_suffix('p').and_then(|side| side.parse::<u32>().ok());
        let videos = || {
            let kinds = period.renditions.iter().enumerate();
            kinds.filter(|(_, rendition)| rendition.kind != RenditionKind::Audio)
        };
        let wanted = match id {
            "audio" => return None,
            "source" => u32::MAX,
            id => side(id)?,
        };
        let fits = videos().find(|(_, rendition)| match &rendition.kind {
            RenditionKind::Video { width, height, .. } => *width.min(height) <= wanted,
            RenditionKind::Audio => false,
        });
        fits.or(videos().next_back()).map(|(index, _)| index)
    }

    /// The rendition of the newest period that continues `id`: what has to be made for it.
    pub fn continued_now(&self, id: &str) -> Option<&Rendition> {
        let period = &self.periods.back()?.period;
        period.renditions.get(Self::continued_by(period, id)?)
    }

    /// Names of all renditions that have been in the window's periods.
    pub fn renditions(&self) -> impl Iterator<Item = &str> {
        self.periods.iter().flat_map(|open| open.period.renditions.iter().map(|rendition| rendition.id.as_str()))
    }

    /// The segment that a rendition's playlist has in this slot.
    pub fn of<'a>(&'a self, slot: &'a Slot, id: &str) -> Option<&'a Segment> {
        let index = Self::continued_by(self.period(slot.period)?, id)?;
        slot.segments.get(index)?.as_ref()
    }

    /// Where the playlist of `id` ends. `None`: it has no whole segment to list, without which few
    /// players begin.
    pub fn edge(&self, id: &str) -> Option<Edge> {
        let listed = || self.slots.iter().skip(self.first_listed(id).unwrap_or(usize::MAX));
        let newest = listed().rev().find_map(|slot| self.of(slot, id))?;
        let edge = match newest.data {
            Some(_) => Edge { segment: newest.number + 1, part: 0 },
            None => Edge { segment: newest.number, part: newest.parts.len() },
        };
        listed().next().is_some_and(|first| first.number < edge.segment).then_some(edge)
    }

    /// The segment of this number in the playlist of `id`.
    pub fn segment_of(&self, id: &str, number: u64) -> Option<&Segment> {
        self.of(self.slot(number)?, id)
    }

    pub fn init(&self, id: &str, number: u32) -> Option<&Arc<Init>> {
        self.inits.get(id)?.get(number.checked_sub(self.first_init)? as usize)
    }

    pub fn newest_init(&self, id: &str) -> Option<&Arc<Init>> {
        self.inits.get(id)?.last()
    }

    /// Number of a rendition's newest initialisation segment or, before it is first made, of the
    /// one that it will have.
    pub fn init_number(&self, id: &str) -> u32 {
        self.newest_init(id).map_or(self.first_init, |init| init.number)
    }

    fn slot(&self, number: u64) -> Option<&Slot> {
        let first = self.slots.front()?.number;
        self.slots.get(usize::try_from(number.checked_sub(first)?).ok()?)
    }

    /// A rendition's own segment, whole or in work.
    pub fn segment(&self, id: &str, number: u64) -> Option<&Segment> {
        self.slot(number)?.segments.iter().flatten().find(|segment| &*segment.rendition == id)
    }

    /// Time from the start of the broadcast to this timestamp, in milliseconds.
    pub fn offset_ms(&self, at: Ticks) -> i64 {
        rivulet_media::ms_from_ticks(at) - timeline::START_MS
    }

    pub fn target_seconds(&self) -> i64 {
        self.target_seconds.unwrap_or(LONGEST_SECONDS)
    }

    pub fn part_target(&self) -> Ticks {
        self.part_target.unwrap_or(self.part)
    }

    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Nothing follows.
    pub fn ended(&self) -> bool {
        self.ended
    }
}

/// The longest part, from the wished length: as many whole pictures as fill it well, and room for
/// rounding. Parts shorter than 85 % of it would break the promise that players reckon with.
fn part_target(wished: Ticks, period: &Period) -> Ticks {
    let fps_milli = period.renditions.iter().find_map(|rendition| match rendition.kind {
        RenditionKind::Video { fps_milli, .. } => Some(i64::from(fps_milli.max(1_000))),
        RenditionKind::Audio => None,
    });
    let Some(fps_milli) = fps_milli else { return wished };
    let pictures = |count: i64| count * TICKS_PER_SECOND * 1_000 / fps_milli;
    let fitting = wished * fps_milli / (TICKS_PER_SECOND * 1_000);
    let count = if fitting > 0 && pictures(fitting) * 10 >= wished * 9 { fitting } else { fitting + 1 };
    let whole_ms = |ticks: Ticks| (ticks + 89) / 90 * 90;
    wished.max(whole_ms(pictures(count) + JITTER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn part_targets_fit_whole_pictures() {
        let period = |fps_milli| Period {
            number: 0,
            renditions: vec![Rendition {
                id: "source".into(),
                encoded: false,
                codecs: String::new(),
                kind: RenditionKind::Video { width: 640, height: 360, fps_milli, target_kbps: None },
            }],
        };
        for (wished_ms, fps_milli, want_ms) in [
            (500, 30_000, 501),
            (500, 25_000, 500),
            (500, 29_970, 500),
            (500, 60_000, 501),
            (500, 24_000, 501),
            (200, 30_000, 201),
            (200, 29_970, 202),
            (200, 25_000, 201),
            (200, 24_000, 210),
            (200, 10_000, 201),
            (200, 3_000, 335),
            (1_000, 30_000, 1_001),
        ] {
            let target = part_target(ticks_from_ms(wished_ms), &period(fps_milli));
            assert_eq!(target, ticks_from_ms(want_ms), "{wished_ms} ms at {fps_milli}");
            let frame = TICKS_PER_SECOND * 1_000 / i64::from(fps_milli);
            let filled = target / frame * frame;
            assert!(filled * 100 >= target * 85, "{wished_ms} ms at {fps_milli}: {filled} of {target}");
        }
    }
}
