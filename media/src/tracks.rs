//! The further video tracks of a multitrack stream, beside the first one: a broadcaster's own
//! ladder. Players change between renditions where segments start, so that a track is of use only
//! while its key frames are where those of the first track are. One that turns out otherwise is
//! left out, with the reason, until its encoder connects anew.

use crate::format::{self, FormatError, Players, VideoCodec, VideoFormat};
use crate::{Packet, Ticks, ticks_from_ms};
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};

/// More are not looked at.
const MAX_TRACKS: usize = 8;
/// Key frames of its own that are remembered of a track that is ahead of the first one.
const KEYS: usize = 8;
/// A track that owes a key frame for this long has stopped;
const STOPPED_AFTER: Ticks = ticks_from_ms(5_000);
/// or that owes more than an encoder can mean.
const OWED: usize = 1_024;

/// Why a track is left out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("its key frames are not where those of the first track are")]
    Unaligned,
    #[error("it has stopped")]
    Stopped,
    #[error("its picture is not smaller than the first track's, or another track has its size")]
    Size,
    /// A rung of its size, which they all play, would have its name.
    #[error("not every player can decode it")]
    Codec,
    #[error(transparent)]
    Unreadable(#[from] FormatError),
}

#[derive(Debug)]
struct Track {
    codec: VideoCodec,
    config: Bytes,
    format: Option<VideoFormat>,
    last_dts: Ticks,
    /// Times of key frames of the first track that this one still owes,
    owed: VecDeque<Ticks>,
    /// and of its own newest ones.
    keys: VecDeque<Ticks>,
    fault: Option<Fault>,
}

#[derive(Debug, Default)]
pub(crate) struct Tracks(BTreeMap<u8, Track>);

impl Tracks {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `fps_milli`: for streams that do not say it themselves.
    pub fn config(&mut self, id: u8, codec: VideoCodec, config: Bytes, fps_milli: Option<u32>) {
        let known = self.0.get(&id);
        if known.is_some_and(|track| (track.codec, &track.config) == (codec, &config))
            || known.is_none() && self.0.len() == MAX_TRACKS
        {
            return;
        }
        let format = VideoFormat::read(codec, &config, None);
        let fault = format.as_ref().err().cloned().map(Fault::from);
        let mut format = format.unwrap_or_default();
        if let Some(format) = &mut format {
            format.fps_milli = format.fps_milli.or(fps_milli);
        }
        let (owed, keys) = Default::default();
        self.0.insert(id, Track { codec, config, format, last_dts: Ticks::MIN / 2, owed, keys, fault });
    }

    /// A packet of a track as it can be passed on. `None`: it cannot be used.
    pub fn packet(&mut self, id: u8, codec: VideoCodec, placed: Ticks, pts: Ticks, data: Bytes) -> Option<Packet> {
        let track = self.0.get_mut(&id).filter(|track| track.fault.is_none() && track.codec == codec)?;
        let length_size = track.format.as_ref().map_or(0, |format| format.length_size);
        let key = format::is_key(codec, length_size, &data).ok()?;
        if track.format.is_none() && key {
            match VideoFormat::read(codec, &track.config, Some(&data)) {
                Ok(format) => track.format = format,
                Err(error) => track.fault = Some(error.into()),
            }
        }
        track.format.as_ref()?;
        let dts = placed.max(track.last_dts + 1);
        track.last_dts = dts;
        if key {
            track.owed.retain(|at| *at != pts);
            track.keys.push_back(pts);
            if track.keys.len() > KEYS {
                track.keys.pop_front();
            }
        }
        // What is decoded after that time cannot be shown at it any more.
        if track.owed.front().is_some_and(|at| *at < dts) {
            track.fault = Some(Fault::Unaligned);
            return None;
        }
        Some(Packet { dts, pts, key, data })
    }

    /// The first track has a key frame at this time.
    pub fn first_has_key(&mut self, pts: Ticks) {
        for track in self.0.values_mut().filter(|track| track.fault.is_none() && track.format.is_some()) {
            if !track.keys.contains(&pts) {
                track.owed.push_back(pts);
            }
            let late = track.owed.front().is_some_and(|at| pts - at > STOPPED_AFTER);
            if late || track.owed.len() > OWED {
                track.fault = Some(Fault::Stopped);
            }
        }
    }

    /// What can stand beside a first track of this size.
    pub fn usable(&mut self, first: &VideoFormat) -> Vec<(u8, VideoFormat)> {
        let side = |format: &VideoFormat| format.width.min(format.height);
        let mut usable: Vec<(u8, VideoFormat)> = Vec::new();
        for (id, track) in self.0.iter_mut().filter(|(_, track)| track.fault.is_none()) {
            let Some(format) = &track.format else { continue };
            let taken = usable.iter().any(|(_, other)| side(other) == side(format));
            match () {
                () if format.players != Players::All => track.fault = Some(Fault::Codec),
                () if taken || side(format) >= side(first) => track.fault = Some(Fault::Size),
                () => usable.push((*id, format.clone())),
            }
        }
        usable
    }

    /// Which tracks are left out, and why.
    pub fn faults(&self) -> impl Iterator<Item = (u8, &Fault)> {
        self.0.iter().filter_map(|(id, track)| Some((*id, track.fault.as_ref()?)))
    }
}
