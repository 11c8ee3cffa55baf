//! The live window of one broadcast: samples in, whole segments out, and a view for playlists.
//! Pure: the program's events come in order, and nothing here knows a clock, a file or a socket.
//!
//! Every segment number is one [`Slot`], shared by all renditions; a slot belongs to one period.
//! A rendition that a period does not have is continued by the nearest one that it has, so that a
//! player's playlist never just stops.

use bytes::Bytes;
use rivulet_hub::{Format, Period, Program, RenditionKind};
use rivulet_media::cmaf::{self, CmafError, Timescale};
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
/// Packets of one segment; a segment of 4 s has a few hundred.
const MAX_PACKETS: usize = 4_096;

/// A whole segment of one rendition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    pub rendition: String,
    pub number: u64,
    /// Which initialisation segment goes before it.
    pub init: u32,
    pub start: Ticks,
    pub duration: Ticks,
    pub samples: usize,
    pub data: Bytes,
}

/// An initialisation segment of one rendition.
#[derive(Debug, Clone, PartialEq)]
pub struct Init {
    pub rendition: String,
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
    pub segments: Vec<Option<Arc<Segment>>>,
}

/// What became whole, for the recording.
#[derive(Debug, Clone, PartialEq)]
pub enum Done {
    Init(Arc<Init>),
    Segment(Arc<Segment>),
}

#[derive(Debug)]
struct Partial {
    number: u64,
    packets: Vec<Packet>,
}

/// One rendition of one period while it is written.
#[derive(Debug, Default)]
struct Writer {
    init: Option<Arc<Init>>,
    partial: Option<Partial>,
    /// The next segment that is wanted; earlier ones are made already.
    next: u64,
}

#[derive(Debug)]
struct OpenPeriod {
    period: Arc<Period>,
    writers: Vec<Writer>,
}

#[derive(Debug, Default)]
pub struct Window {
    /// Newest last. Old ones stay until their slots are gone.
    periods: VecDeque<OpenPeriod>,
    slots: VecDeque<Slot>,
    /// Initialisation segments by rendition, in the order made.
    inits: HashMap<String, Vec<Arc<Init>>>,
    /// Start of the whole broadcast.
    first: Option<Ticks>,
    target_seconds: Option<i64>,
    ended: bool,
    pub dropped_samples: u64,
}

impl Window {
    pub fn push(&mut self, event: Program, done: &mut Vec<Done>) -> Result<(), CmafError> {
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
                let writers = period.renditions.iter().map(|_| Writer { next: cut.segment, ..Writer::default() });
                let writers = writers.collect();
                self.periods.push_back(OpenPeriod { period, writers });
                self.cut(cut);
            }
            Program::Cut(cut) => self.cut(cut),
            Program::Format { period, rendition, format } => self.format(period, rendition, format, done)?,
            Program::Sample { period, rendition, segment, packet } => {
                self.sample(period, rendition, segment, packet, done)?;
            }
            Program::Finished { period } => self.finish_up_to(period, done)?,
            Program::Thumbnail(_) => {}
            Program::End => {
                self.finish_up_to(u32::MAX, done)?;
                self.ended = true;
            }
        }
        Ok(())
    }

    fn cut(&mut self, cut: Cut) {
        let Some(open) = self.periods.back() else { return };
        let (period, renditions) = (open.period.number, open.writers.len());
        self.first.get_or_insert(cut.pts);
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
        let id = &open.period.renditions[rendition].id;
        let made = self.inits.entry(id.clone()).or_default();
        // A restarted encoder or a period of the same kind goes on with the same bytes.
        if let Some(last) = made.last().filter(|last| last.format == format) {
            writer.init = Some(last.clone());
            return Ok(());
        }
        let data = match &format {
            Format::Video(video) => cmaf::video_init(video)?,
            Format::Audio(audio) => cmaf::audio_init(audio)?,
        };
        let init = Arc::new(Init { rendition: id.clone(), number: made.len() as u32, format, data });
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
        let is_audio = self.open(period).and_then(|open| open.period.renditions.get(rendition).map(|r| &r.kind))
            == Some(&RenditionKind::Audio);
        // Audio follows the cuts by time, video by the marks of whoever made its key frames.
        let starts = if is_audio { self.audio_slot(period, packet.pts) } else { segment };
        let Some(writer) = self.open(period).and_then(|open| open.writers.get(rendition)) else { return Ok(()) };
        let running = writer.partial.as_ref().map(|partial| partial.number);
        match starts {
            Some(number) if Some(number) != running || !is_audio => {
                if running.is_some_and(|running| running < number) {
                    self.close(period, rendition, Some(packet.dts), done)?;
                }
                let Some(writer) = self.open(period).and_then(|open| open.writers.get_mut(rendition)) else {
                    return Ok(());
                };
                // A segment that is whole already is not made twice; one that was in work is made anew.
                writer.partial = (number >= writer.next).then(|| Partial { number, packets: Vec::with_capacity(128) });
            }
            _ => {}
        }
        let Some(writer) = self.open(period).and_then(|open| open.writers.get_mut(rendition)) else { return Ok(()) };
        match &mut writer.partial {
            Some(partial) if partial.packets.len() < MAX_PACKETS => partial.packets.push(packet),
            _ => self.dropped_samples += 1,
        }
        Ok(())
    }

    /// The segment that a sound at this time belongs to.
    fn audio_slot(&self, period: u32, pts: Ticks) -> Option<u64> {
        let of_period = || self.slots.iter().filter(|slot| slot.period == period);
        of_period().rev().find(|slot| slot.start <= pts).or(of_period().next()).map(|slot| slot.number)
    }

    /// Makes the segment in work whole.
    fn close(
        &mut self,
        period: u32,
        rendition: usize,
        end: Option<Ticks>,
        done: &mut Vec<Done>,
    ) -> Result<(), CmafError> {
        let Some(open) = self.periods.iter_mut().find(|open| open.period.number == period) else { return Ok(()) };
        let id = open.period.renditions[rendition].id.clone();
        let writer = &mut open.writers[rendition];
        let (Some(partial), Some(init)) = (writer.partial.take(), &writer.init) else { return Ok(()) };
        let (Some(first), Some(last)) = (partial.packets.first(), partial.packets.last()) else { return Ok(()) };
        writer.next = partial.number + 1;
        let end = end.filter(|end| end - last.dts < PAUSE);
        let timescale = match &init.format {
            Format::Video(_) => Timescale::VIDEO,
            Format::Audio(audio) => Timescale::audio(audio),
        };
        let data = cmaf::segment(partial.number as u32 + 1, timescale, &partial.packets, end)?;
        let count = partial.packets.len() as i64;
        let step = (last.dts - first.dts) / (count - 1).max(1);
        let (number, start) = (partial.number, partial.packets.iter().map(|p| p.pts).min().unwrap_or(first.pts));
        let segment = Arc::new(Segment {
            rendition: id,
            number,
            init: init.number,
            start,
            duration: (end.unwrap_or(last.dts + step) - first.dts).max(1),
            samples: partial.packets.len(),
            data,
        });
        if let Some(slot) = self.slots.iter_mut().find(|slot| slot.number == number) {
            slot.segments[rendition] = Some(segment.clone());
        }
        done.push(Done::Segment(segment));
        Ok(())
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

    /// First slot that playlists list.
    pub fn first_listed(&self) -> usize {
        self.newest(WINDOW)
    }

    /// First of the newest slots that together last this long. The pause before an encoder
    /// returned is not counted: players still need what was before it.
    fn newest(&self, length: Ticks) -> usize {
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

    /// The newest period that can be played: each of its renditions has a segment, or the best has
    /// several and the others will have to follow.
    pub fn playable(&self) -> Option<&Arc<Period>> {
        let ready = |open: &&OpenPeriod| {
            let made = |index: usize| {
                let of_period = self.slots.iter().filter(|slot| slot.period == open.period.number);
                of_period.filter(|slot| slot.segments[index].is_some()).count()
            };
            let best = (0..open.writers.len()).next().map_or(0, made);
            best >= 3 || (best > 0 && (0..open.writers.len()).all(|index| made(index) > 0))
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

    /// Whether this name has ever been a rendition of the broadcast.
    pub fn knows(&self, id: &str) -> bool {
        self.inits.contains_key(id)
    }

    pub fn init(&self, id: &str, number: u32) -> Option<&Arc<Init>> {
        self.inits.get(id)?.get(number as usize)
    }

    pub fn segment(&self, id: &str, number: u64) -> Option<&Arc<Segment>> {
        let first = self.slots.front()?.number;
        let slot = self.slots.get(number.checked_sub(first)? as usize)?;
        slot.segments.iter().flatten().find(|segment| segment.rendition == id)
    }

    /// Time from the start of the broadcast to this timestamp, in milliseconds.
    pub fn offset_ms(&self, at: Ticks) -> i64 {
        rivulet_media::ms_from_ticks(at - self.first.unwrap_or(at))
    }

    pub fn target_seconds(&self) -> i64 {
        self.target_seconds.unwrap_or(4)
    }

    /// Nothing follows.
    pub fn ended(&self) -> bool {
        self.ended
    }
}
