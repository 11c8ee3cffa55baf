//! What viewers see while an encoder is away: a picture that this crate carries, encoded for the
//! size and rate of the broadcast by a worker that lives for it alone.

use crate::ladder;
use crate::pipe;
use crate::supervisor::{Config, spawn};
use anyhow::Context as _;
use bytes::Bytes;
use rivulet_hub::Slate;
use rivulet_media::flv::{self, Body};
use rivulet_media::{Packet, TICKS_PER_SECOND, Ticks, VideoCodec, VideoFormat};
use rivulet_protocol::rest::Latency;
use rivulet_protocol::worker::{self, Cut, Input, Output, Period, Rung, VideoDecode};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::sync::Mutex;
use tokio::time::timeout;

/// One picture each, for the shapes that broadcasts have.
const PICTURES: [(f64, &[u8]); 3] = [
    (16.0 / 9.0, include_bytes!("../assets/slate-16x9.flv")),
    (4.0 / 3.0, include_bytes!("../assets/slate-4x3.flv")),
    (9.0 / 16.0, include_bytes!("../assets/slate-9x16.flv")),
];
const LENGTH: Ticks = TICKS_PER_SECOND;
const KBPS: u32 = 1_000;
const WITHIN: Duration = Duration::from_secs(10);
/// Formats that are remembered: a network that fails takes many broadcasts with it at once.
const KEPT: usize = 8;

/// Width, height and pictures in a thousand seconds.
type Key = (u32, u32, u32);

/// Slates of this process, made when they are first asked for, one at a time.
#[derive(Default)]
pub struct Slates(Mutex<Vec<(Key, Arc<Slate>)>>);

impl Slates {
    pub async fn get(&self, config: &Config, like: &VideoFormat) -> anyhow::Result<Arc<Slate>> {
        let fps_milli = like.fps_milli.unwrap_or(30_000).clamp(5_000, 120_000);
        let key = (like.width, like.height, fps_milli);
        let mut kept = self.0.lock().await;
        if let Some((_, slate)) = kept.iter().find(|(of, _)| *of == key) {
            return Ok(slate.clone());
        }
        let slate = Arc::new(timeout(WITHIN, make(config, key)).await.context("its worker takes too long")??);
        kept.truncate(KEPT - 1);
        kept.insert(0, (key, slate.clone()));
        Ok(slate)
    }
}

/// The picture that is closest in shape: configuration and key frame.
fn picture(width: u32, height: u32) -> anyhow::Result<(Bytes, Bytes)> {
    let shape = f64::from(width) / f64::from(height.max(1));
    let distance = |of: &f64| (of / shape).ln().abs();
    let nearest = PICTURES.iter().min_by(|a, b| distance(&a.0).total_cmp(&distance(&b.0)));
    let mut file = Bytes::from_static(nearest.context("no pictures")?.1);
    let (mut config, mut frame) = (None, None);
    // The header of an FLV file; then tags: type, size, time, stream, body, size.
    let _ = file.split_to(13);
    while file.len() > 11 {
        let head = file.split_to(11);
        let size = u32::from_be_bytes([0, head[1], head[2], head[3]]) as usize;
        let body = file.split_to(size);
        let _ = file.split_to(4);
        let mut tags = Vec::new();
        if head[0] == 9 {
            flv::video(body, &mut tags)?;
        }
        for tag in tags {
            match tag.body {
                Body::Config(data) => config = Some(data),
                Body::Frame { data, .. } => frame = Some(data),
            }
        }
    }
    Ok((config.context("no configuration")?, frame.context("no picture")?))
}

async fn make(config: &Config, (width, height, fps_milli): Key) -> anyhow::Result<Slate> {
    let (picture_config, picture) = picture(width, height)?;
    let mut rung =
        Rung { rendition: 0, name: "slate".into(), width, height, bitrate_kbps: KBPS, level: 0, made_until: None };
    rung.level = ladder::level(&rung, fps_milli);
    let start = Cut { segment: 0, pts: 0 };
    let period = Period {
        number: 0,
        start,
        video: Some(VideoDecode { codec: worker::VideoCodec::Avc, config: picture_config.to_vec() }),
        fps_milli,
        rungs: vec![rung],
        audio: None,
        preset: "ultrafast".into(),
        latency: Latency::Low,
    };
    let mut child = spawn(config)?;
    let (mut stdin, mut stdout) = child.stdin.take().zip(child.stdout.take()).context("a worker without pipes")?;
    let write = async {
        stdin.write_all(&pipe::encode(&Input::Period(period))?).await?;
        let frame = TICKS_PER_SECOND * 1_000 / i64::from(fps_milli);
        for n in 0..LENGTH / frame {
            let at = n * LENGTH / (LENGTH / frame);
            let cut = (n == 0).then_some(start);
            let input = Input::Video { dts: at, pts: at, key: true, cut, data: picture.clone() };
            stdin.write_all(&pipe::encode(&input)?).await?;
        }
        drop(stdin);
        anyhow::Ok(())
    };
    let read = async {
        let (mut format, mut pictures) = (None, Vec::new());
        while let Some(message) = pipe::read_async(&mut stdout).await? {
            match message {
                Output::VideoFormat { config, .. } => {
                    format = VideoFormat::read(VideoCodec::Avc, &Bytes::from(config), None)?;
                }
                Output::Video { dts, pts, key, data, .. } => pictures.push(Packet { dts, pts, key, data }),
                _ => {}
            }
        }
        anyhow::Ok((format, pictures))
    };
    let ((), (format, pictures)) = tokio::try_join!(write, read)?;
    let mut format = format.context("its worker made no format")?;
    format.fps_milli = Some(fps_milli);
    anyhow::ensure!(pictures.first().is_some_and(|first| first.key), "its worker made no pictures");
    Ok(Slate { format, pictures, length: LENGTH })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn each_shape_has_the_nearest_picture() {
        for (width, height, wanted) in [
            (1920, 1080, (1920, 1080)),
            (640, 480, (1440, 1080)),
            (720, 1280, (1080, 1920)),
            (2560, 1080, (1920, 1080)),
            (1000, 1000, (1440, 1080)),
        ] {
            let (config, picture) = picture(width, height).unwrap();
            let format = VideoFormat::read(VideoCodec::Avc, &config, None).unwrap().unwrap();
            assert_eq!((format.width, format.height), wanted);
            assert!(format.is_key(&picture).unwrap());
        }
    }
}
