//! The demo channel: a scene that the compositor draws, and a sound that we make. Both are there for whoever
//! opens the editor to be changed, so they are set up once only.

use crate::host::Api;
use rivulet_protocol::ChannelName;
use rivulet_protocol::rest::Role;
use rivulet_store::{Channel, Store, StreamKey, password};
use serde_json::json;
use std::f64::consts::TAU;

const NAME: &str = "demo";
/// That the scene is drawn for.
pub const SIZE: &str = "1280x720";
/// A batch of the compositor's API.
const SCENE: &str = include_str!("demo.json");

/// A channel of a user whom nobody can log in as.
pub async fn channel(store: &Store) -> anyhow::Result<Channel> {
    let now = rivulet_hub::clock::now_ms();
    let name = ChannelName::parse(NAME)?;
    if let Some(channel) = store.channel_by_name(NAME).await? {
        return Ok(channel);
    }
    let owner = match store.user_by_name(NAME).await? {
        Some((owner, _)) => owner,
        None => {
            let hash = password::hash(StreamKey::generate().reveal()).await?;
            store.create_user(&name, &hash, Role::Viewer, now).await?
        }
    };
    Ok(store.create_channel(&name, &owner.id, "A scene of the compositor, live", now).await?)
}

/// Unless somebody was here before.
pub async fn set_up(api: &Api) -> anyhow::Result<()> {
    if api.get("/v1/scene").await?["revision"] != 0 {
        return Ok(());
    }
    api.call("POST", "/v1/scene/batches", "application/json", SCENE.into()).await?;
    api.call("PUT", "/v1/files/chord", "audio/wav", chord()).await?;
    api.send("PUT", "/v1/sound/sources/chord", &json!({ "file": "chord", "looped": true })).await
}

/// Eight seconds of a soft chord that comes and goes. Every part of it goes round a whole number of times, so
/// that its end meets its beginning.
fn chord() -> Vec<u8> {
    const RATE: u32 = 48_000;
    const SECONDS: u32 = 8;
    const BYTES: u32 = RATE * SECONDS * 4;
    const SIDES: [[f64; 3]; 2] = [[220.0, 277.25, 329.625], [220.5, 277.5, 330.0]];
    let mut wav = Vec::with_capacity(44 + BYTES as usize);
    wav.extend(b"RIFF");
    wav.extend((36 + BYTES).to_le_bytes());
    wav.extend(b"WAVEfmt ");
    wav.extend(16u32.to_le_bytes());
    // PCM, two sides of 16 bits.
    for field in [1u16, 2] {
        wav.extend(field.to_le_bytes());
    }
    for field in [RATE, RATE * 4] {
        wav.extend(field.to_le_bytes());
    }
    for field in [4u16, 16] {
        wav.extend(field.to_le_bytes());
    }
    wav.extend(b"data");
    wav.extend(BYTES.to_le_bytes());
    for n in 0..RATE * SECONDS {
        let t = f64::from(n) / f64::from(RATE);
        for (side, tones) in SIDES.iter().enumerate() {
            let swell = 0.6 + 0.4 * (TAU * (t / f64::from(SECONDS) + 0.25 * side as f64)).sin();
            let sum: f64 = tones.iter().map(|hertz| (TAU * hertz * t).sin()).sum();
            wav.extend(((0.05 * swell * sum * f64::from(i16::MAX)) as i16).to_le_bytes());
        }
    }
    wav
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chord_ends_where_it_begins() {
        let wav = chord();
        let sample = |at: usize| i16::from_le_bytes([wav[at], wav[at + 1]]);
        assert_eq!(wav.len(), 44 + 48_000 * 8 * 4);
        for side in [0, 2] {
            let step = i32::from(sample(44 + side)) - i32::from(sample(wav.len() - 4 + side));
            assert!(step.abs() < 300, "a click of {step}");
        }
        assert!((44..wav.len()).step_by(2).any(|at| sample(at) > 2_000));
    }
}
