//! The cores by tables and seeds (`pure`), a server's side of the protocol (`peer`), and real
//! servers (`real`).

mod peer;
mod pure;
pub(crate) mod real;
mod recording;

use super::*;
use crate::encode::{Preset, SoundEncoder, VideoEncoder, VideoSettings};
use crate::pace::Rate;
use crate::sound::BLOCK;
use bytes::Bytes;
use rivulet_media::{Packet, Ticks};
use rivulet_picture::Planes;

const RATE: Rate = match Rate::new(25, 1) {
    Some(rate) => rate,
    None => unreachable!(),
};
const SIZE: (usize, usize) = (320, 180);

fn encoders() -> (VideoEncoder, SoundEncoder) {
    let (width, height) = (SIZE.0 as u32, SIZE.1 as u32);
    let settings = VideoSettings { width, height, rate: RATE, bitrate_kbps: 800, preset: Preset::Superfast };
    (VideoEncoder::open(settings).unwrap(), SoundEncoder::open(128).unwrap())
}

fn description(video: &VideoEncoder, sound: &SoundEncoder) -> Description {
    Description {
        video: video.format().clone(),
        sound: sound.format().clone(),
        rate: RATE,
        video_kbps: 800,
        audio_kbps: 128,
    }
}

/// A real stream of moving pictures and a tone, as fast as it can be made.
struct Show {
    video: VideoEncoder,
    sound: SoundEncoder,
    picture: u64,
    block: u64,
    program: Program,
}

impl Show {
    fn new() -> Self {
        let (video, sound) = encoders();
        let program = Program::new(description(&video, &sound));
        Self { video, sound, picture: 0, block: 0, program }
    }

    /// The next picture, and the sound up to it.
    fn step(&mut self) {
        let plane = |size: usize, width: usize| -> Vec<u8> {
            (0..size).map(|at| (at % width + at / width + self.picture as usize * 3) as u8).collect()
        };
        let (luma, chroma) = (plane(SIZE.0 * SIZE.1, SIZE.0), plane(SIZE.0 * SIZE.1 / 4, SIZE.0 / 2));
        let planes = Planes { width: SIZE.0, height: SIZE.1, y: &luma, u: &chroma, v: &chroma };
        for packet in self.video.push(self.picture, Some(planes)).unwrap() {
            self.program.picture(packet);
        }
        while Rate::SOUND.ticks(self.block) <= RATE.ticks(self.picture) {
            let sample = |at: usize| ((self.block as usize * BLOCK + at) as f32 * 0.06).sin() * 0.4;
            let block = std::array::from_fn(|at| [sample(at); 2]);
            for packet in self.sound.push(self.block, &block).unwrap() {
                self.program.sound(packet);
            }
            self.block += 1;
        }
        self.picture += 1;
    }
}

/// A packet of so many bytes that says its number.
fn packet(n: u64, key: bool, at: Ticks, bytes: usize) -> Packet {
    let mut data = n.to_be_bytes().to_vec();
    data.resize(bytes.max(8), 0);
    Packet { dts: at, pts: at, key, data: Bytes::from(data) }
}
