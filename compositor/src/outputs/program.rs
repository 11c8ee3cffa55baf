//! The one encode that all targets share: a bounded log, written without waiting, that each target
//! and the recording read at their own pace.

use super::preset::Offer;
use crate::encode::video::GOP_MS;
use crate::pace::Rate;
use bytes::{BufMut, Bytes, BytesMut};
use rivulet_hub::{Feed, Reader};
use rivulet_media::{AudioFormat, Packet, Ticks, VideoFormat};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

/// More than any target is allowed to be behind: about ten seconds at 60 pictures a second.
const MAX_ITEMS: usize = 1_024;
const MAX_BYTES: usize = 32 * 1024 * 1024;

/// What was agreed on before the first packet.
#[derive(Debug, Clone)]
pub struct Description {
    pub video: VideoFormat,
    pub sound: AudioFormat,
    pub rate: Rate,
    pub video_kbps: u32,
    pub audio_kbps: u32,
}

impl Description {
    pub fn offer(&self) -> Offer {
        Offer {
            video_kbps: self.video_kbps,
            key_frames_ms: GOP_MS,
            audio_kbps: self.audio_kbps,
            fps: self.rate.per_second(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Picture,
    Sound,
}

#[derive(Debug, Clone)]
pub struct Item {
    pub kind: Kind,
    pub packet: Packet,
    /// The packet as an FLV tag has it, which is what RTMP sends; made once for all targets.
    pub tag: Bytes,
}

/// Handle of the log; cloning shares it.
#[derive(Clone)]
pub struct Program {
    feed: Feed<Item>,
    description: Arc<Description>,
    /// Position after the newest item, and its time.
    end: Arc<AtomicU64>,
    newest: Arc<AtomicI64>,
}

impl Program {
    pub fn new(description: Description) -> Self {
        Self {
            feed: Feed::new(MAX_ITEMS, MAX_BYTES),
            description: Arc::new(description),
            end: Arc::default(),
            newest: Arc::default(),
        }
    }

    pub fn description(&self) -> &Description {
        &self.description
    }

    pub fn picture(&self, packet: Packet) {
        const AVC: u8 = 7;
        let kind = if packet.key { 1 } else { 2 };
        let cts_ms = ((packet.pts - packet.dts) / 90) as u32;
        let [_, a, b, c] = cts_ms.to_be_bytes();
        self.push(Kind::Picture, &[kind << 4 | AVC, 1, a, b, c], packet);
    }

    pub fn sound(&self, packet: Packet) {
        self.push(Kind::Sound, &[AAC, 1], packet);
    }

    fn push(&self, kind: Kind, head: &[u8], packet: Packet) {
        let mut tag = BytesMut::with_capacity(head.len() + packet.data.len());
        tag.put_slice(head);
        tag.put_slice(&packet.data);
        let (bytes, time) = (tag.len(), packet.dts);
        let position = self.feed.push(Item { kind, packet, tag: tag.freeze() }, bytes * 2);
        self.end.store(position + 1, Relaxed);
        self.newest.fetch_max(time, Relaxed);
    }

    /// A reader of what comes from now on.
    pub fn reader(&self) -> Reader<Item> {
        self.feed.reader_from(self.end.load(Relaxed)).0
    }

    /// Milliseconds from this time to that of the newest packet.
    pub fn behind_ms(&self, time: Ticks) -> i64 {
        (self.newest.load(Relaxed) - time).max(0) / 90
    }

    /// The decoders' configuration, as tags.
    pub fn headers(&self) -> [(Kind, Bytes); 2] {
        let tag = |head: &[u8], config: &Bytes| Bytes::from([head, config].concat());
        [
            (Kind::Picture, tag(&[0x17, 0, 0, 0, 0], &self.description.video.config)),
            (Kind::Sound, tag(&[AAC, 0], &self.description.sound.config)),
        ]
    }
}

/// AAC; the other fields of the byte say 44 kHz, 16 bits and stereo for whatever it is.
const AAC: u8 = 0xaf;
