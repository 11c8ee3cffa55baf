//! Files of sound, as people upload them: decoded by symphonia, which is safe code, on a thread of
//! their own that is held back by its line. Whatever is broken in a file ends at most that thread.

use super::{Feed, Frame, Line, RATE};
use bytes::Bytes;
use ffmpeg_next::ChannelLayout;
use ffmpeg_next::format::{Sample, sample};
use ffmpeg_next::software::resampling;
use ffmpeg_next::util::frame::Audio;
use std::io::Cursor;
use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error as DecodeError;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatReader, TrackType};
use symphonia::core::io::MediaSourceStream;

/// WAV, FLAC, MP3, Ogg Vorbis, or AAC in MP4.
const KINDS: &str = "WAV, FLAC, MP3, Ogg Vorbis and AAC in MP4 can be played";
const RATES: std::ops::RangeInclusive<u32> = 8_000..=192_000;
const MAX_CHANNELS: usize = 8;
/// Packets in a row that cannot be decoded before the file is given up.
const MAX_BROKEN: u32 = 100;
/// What a resampler may hold back, in samples.
const MARGIN: usize = 64;
const PLANAR: Sample = Sample::F32(sample::Type::Planar);

/// Why a file cannot be played, for the one who gave it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    #[error("this is not a file of sound that we know; {KINDS}")]
    Unknown,
    #[error("there is no sound in the first packets of this file")]
    Nothing,
    #[error("sound with {0} samples a second cannot be played; {min} to {max} can", min = RATES.start(), max = RATES.end())]
    Rate(u32),
    #[error("sound with {0} channels cannot be played; 1 to {MAX_CHANNELS} can")]
    Channels(usize),
    #[error("no thread could be started")]
    Thread,
}

/// Plays a file into the line that is given back, again and again if `looped`; until its end, or
/// until the line is closed. It begins with the first sample that could be decoded.
pub fn play(file: Bytes, looped: bool) -> Result<Line, FileError> {
    let mut reader = Reader::open(file.clone())?;
    let mut first = Vec::new();
    if !reader.next(&mut first)? {
        return Err(FileError::Nothing);
    }
    let line = Line::default();
    let to = line.clone();
    let work = move || {
        let closing = Closing(to);
        while closing.0.push_all(&first) {
            if reader.next(&mut first).unwrap_or(false) {
                continue;
            }
            match looped.then(|| Reader::open(file.clone())) {
                Some(Ok(again)) => reader = again,
                _ => return,
            }
            if !reader.next(&mut first).unwrap_or(false) {
                return;
            }
        }
    };
    let thread = std::thread::Builder::new().name("sound-file".into());
    thread.spawn(work).map(|_| line).map_err(|_| FileError::Thread)
}

/// The line ends with the thread, however that ends.
struct Closing(Line);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.close();
    }
}

struct Reader {
    format: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    samples: Vec<f32>,
    resampler: Option<(u32, usize, resampling::Context)>,
}

impl Reader {
    fn open(file: Bytes) -> Result<Self, FileError> {
        let source = MediaSourceStream::new(Box::new(Cursor::new(file)), Default::default());
        let probed =
            symphonia::default::get_probe().probe(&Hint::new(), source, Default::default(), Default::default());
        let format = probed.map_err(|_| FileError::Unknown)?;
        let track = format.default_track(TrackType::Audio).ok_or(FileError::Nothing)?;
        let parameters = track.codec_params.as_ref().and_then(|params| params.audio()).ok_or(FileError::Nothing)?;
        let options = AudioDecoderOptions::default();
        let decoder = symphonia::default::get_codecs().make_audio_decoder(parameters, &options);
        let (decoder, track) = (decoder.map_err(|_| FileError::Unknown)?, track.id);
        Ok(Self { format, decoder, track, samples: Vec::new(), resampler: None })
    }

    /// Replaces `frames` by those of the next packet. False: that was the end.
    fn next(&mut self, frames: &mut Vec<Frame>) -> Result<bool, FileError> {
        frames.clear();
        let mut broken = 0;
        while broken < MAX_BROKEN {
            let Ok(Some(packet)) = self.format.next_packet() else { return Ok(false) };
            if packet.track_id != self.track {
                continue;
            }
            let (rate, channels) = match self.decoder.decode(&packet) {
                Ok(decoded) => {
                    self.samples.resize(decoded.samples_interleaved(), 0.0);
                    decoded.copy_to_slice_interleaved(&mut self.samples);
                    (decoded.spec().rate(), decoded.spec().channels().count())
                }
                Err(DecodeError::DecodeError(_)) => {
                    broken += 1;
                    continue;
                }
                Err(_) => return Ok(false),
            };
            self.convert(rate, channels, frames)?;
            if !frames.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn convert(&mut self, rate: u32, channels: usize, frames: &mut Vec<Frame>) -> Result<(), FileError> {
        if !RATES.contains(&rate) {
            return Err(FileError::Rate(rate));
        }
        if channels == 0 || channels > MAX_CHANNELS {
            return Err(FileError::Channels(channels));
        }
        if self.samples.is_empty() {
            return Ok(());
        }
        if (rate, channels) == (RATE, 2) {
            frames.extend(self.samples.as_chunks::<2>().0);
            return Ok(());
        }
        let layout = ChannelLayout::default(channels as i32);
        if self.resampler.as_ref().is_none_or(|(of, with, _)| (*of, *with) != (rate, channels)) {
            let made = resampling::Context::get(PLANAR, layout, rate, PLANAR, ChannelLayout::STEREO, RATE);
            self.resampler = Some((rate, channels, made.map_err(|_| FileError::Rate(rate))?));
        }
        let Some((_, _, resampler)) = &mut self.resampler else { return Ok(()) };
        let mut from = Audio::new(PLANAR, self.samples.len() / channels, layout);
        from.set_rate(rate);
        for channel in 0..channels {
            let samples = self.samples.iter().skip(channel).step_by(channels);
            from.plane_mut::<f32>(channel).iter_mut().zip(samples).for_each(|(to, sample)| *to = *sample);
        }
        // All that comes of it, so that nothing stays behind in the resampler.
        let room = (from.samples() + MARGIN) as u64 * u64::from(RATE) / u64::from(rate);
        let mut to = Audio::new(PLANAR, room as usize + MARGIN, ChannelLayout::STEREO);
        resampler.run(&from, &mut to).map_err(|_| FileError::Rate(rate))?;
        if to.samples() > 0 {
            frames.extend(to.plane::<f32>(0).iter().zip(to.plane::<f32>(1)).map(|(left, right)| [*left, *right]));
        }
        Ok(())
    }
}
