//! What an output asks for of its own, and what that comes to: the same for two outputs is one encode.

use crate::encode::{GOP_MS, VideoSettings};
use crate::outputs::Offer;
use crate::pace::Rate;
use crate::settings::{EDGES, VIDEO_KBPS};
use rivulet_scene::{Area, Id, MAIN, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How far a number of pictures a second may be from what is meant: 29.97 is called 30.
const NEAR: f64 = 0.05;

/// What an output gets of its own; what is left out is as in the main picture.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Own {
    /// Of the picture, in pixels: an even number. One of width and height is enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 64, max = 4096))]
    pub width: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 64, max = 4096))]
    pub height: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 100, max = 50_000))]
    pub bitrate_kbps: Option<u32>,
    /// Pictures a second: those of the stream, or a half, a third … of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 120))]
    pub fps: Option<f64>,
    /// A name by which layers leave this picture out (`exclude`), or are in it and in no other (`only`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub view: Option<Id>,
    /// The part of the scene that is shown, in its pixels. What of the picture it does not fill is black.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub area: Option<Area>,
}

/// What cannot be, and where it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub field: &'static str,
    pub message: String,
}

impl Own {
    /// What is to be encoded, where the stream is `main`.
    pub fn spec(&self, main: &VideoSettings) -> Result<Spec, Fault> {
        let fault = |field, message: String| Fault { field, message };
        let area = self.area.unwrap_or(Area::sized(main.width, main.height));
        if !area.is_within(main.width, main.height) {
            let message = format!("the area is not within the scene, which has {}x{}", main.width, main.height);
            return Err(fault("area", message));
        }
        let along = |own: u32, (length, of): (u32, u32)| {
            let half = f64::from(own) * f64::from(length) / f64::from(of) / 2.0;
            (half.round() as u32).saturating_mul(2)
        };
        let (width, height) = match (self.width, self.height) {
            (Some(width), Some(height)) => (width, height),
            (Some(width), None) => (width, along(width, (area.height, area.width))),
            (None, Some(height)) => (along(height, (area.width, area.height)), height),
            (None, None) => (main.width, main.height),
        };
        for (field, own, edge) in [("width", self.width, width), ("height", self.height, height)] {
            if !EDGES.contains(&edge) || edge % 2 != 0 {
                let (min, max) = (EDGES.start(), EDGES.end());
                let how = if own.is_some() { "is" } else { "comes to" };
                return Err(fault(field, format!("the {field} {how} {edge}; it is even, from {min} to {max}")));
            }
        }
        let bitrate_kbps = self.bitrate_kbps.unwrap_or(main.bitrate_kbps);
        if !VIDEO_KBPS.contains(&bitrate_kbps) {
            let (min, max) = (VIDEO_KBPS.start(), VIDEO_KBPS.end());
            return Err(fault("bitrate_kbps", format!("a bitrate is from {min} to {max} kbit/s")));
        }
        let all = main.rate.per_second();
        let every = self.fps.map_or(1.0, |fps| (all / fps).round());
        let near = self.fps.is_none_or(|fps| (all / every - fps).abs() < NEAR);
        if !near || !(1.0..=all).contains(&every) {
            let message =
                format!("the stream has {all} pictures a second: its own can be all, half, a third … of them");
            return Err(fault("fps", message));
        }
        let name = self.view.clone().or_else(|| Id::try_from(MAIN).ok());
        let name = name.ok_or_else(|| fault("view", "a view has a name".to_owned()))?;
        Ok(Spec { view: View { name, area, width, height }, bitrate_kbps, every: every as u32 })
    }
}

/// What is encoded. Every `every`th picture of the stream.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Spec {
    pub view: View,
    pub bitrate_kbps: u32,
    pub every: u32,
}

impl Spec {
    pub fn rate(&self, main: Rate) -> Rate {
        main.divided_by(self.every)
    }

    pub fn settings(&self, main: &VideoSettings) -> VideoSettings {
        let View { width, height, .. } = self.view;
        VideoSettings { width, height, rate: self.rate(main.rate), bitrate_kbps: self.bitrate_kbps, ..*main }
    }

    pub fn offer(&self, main: &VideoSettings, audio_kbps: u32) -> Offer {
        let fps = self.rate(main.rate).per_second();
        Offer { video_kbps: self.bitrate_kbps, key_frames_ms: GOP_MS, audio_kbps, fps }
    }

    /// For people and metrics; another one for each spec.
    pub fn name(&self, main: Rate) -> String {
        let View { name, area, width, height } = &self.view;
        let (fps, kbps) = (self.rate(main).per_second(), self.bitrate_kbps);
        let Area { x, y, width: across, height: down } = area;
        format!("{name} {across}x{down}+{x}+{y} {width}x{height} {fps:.2}/s {kbps}k")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::Preset;
    use serde_json::{Value, json};

    fn main(rate: (u32, u32)) -> VideoSettings {
        let rate = Rate::new(rate.0, rate.1).unwrap();
        VideoSettings { width: 1_920, height: 1_080, rate, bitrate_kbps: 4_000, preset: Preset::Superfast }
    }

    fn spec(own: Value, rate: (u32, u32)) -> Result<String, (&'static str, String)> {
        let own: Own = serde_json::from_value(own).unwrap();
        let main = main(rate);
        own.spec(&main).map(|spec| spec.name(main.rate)).map_err(|fault| (fault.field, fault.message))
    }

    #[test]
    fn what_is_asked_for_comes_to_an_encode_or_to_a_word() {
        for (own, rate, want) in [
            (json!({}), (30, 1), "main 1920x1080+0+0 1920x1080 30.00/s 4000k"),
            (json!({ "width": 1280 }), (30, 1), "main 1920x1080+0+0 1280x720 30.00/s 4000k"),
            (json!({ "height": 480, "bitrate_kbps": 900 }), (30, 1), "main 1920x1080+0+0 854x480 30.00/s 900k"),
            (
                json!({ "width": 1080, "height": 1920, "view": "tall" }),
                (30, 1),
                "tall 1920x1080+0+0 1080x1920 30.00/s 4000k",
            ),
            (json!({ "fps": 30, "view": "main" }), (60, 1), "main 1920x1080+0+0 1920x1080 30.00/s 4000k"),
            (json!({ "fps": 30 }), (60_000, 1_001), "main 1920x1080+0+0 1920x1080 29.97/s 4000k"),
            (
                json!({ "height": 1920, "area": { "x": 656, "width": 608, "height": 1080 } }),
                (30, 1),
                "main 608x1080+656+0 1080x1920 30.00/s 4000k",
            ),
        ] {
            assert_eq!(spec(own.clone(), rate).as_deref(), Ok(want), "{own}");
        }
        for (own, field, words) in [
            (json!({ "width": 1281 }), "width", "is 1281"),
            (json!({ "width": 62, "height": 64 }), "width", "from 64 to 4096"),
            (json!({ "width": 80 }), "height", "comes to 46"),
            (json!({ "height": 4294967295u32 }), "width", "from 64"),
            (json!({ "bitrate_kbps": 99 }), "bitrate_kbps", "from 100"),
            (json!({ "fps": 25 }), "fps", "30 pictures"),
            (json!({ "fps": 60 }), "fps", "30 pictures"),
            (json!({ "fps": 0 }), "fps", "30 pictures"),
            (json!({ "fps": -30 }), "fps", "30 pictures"),
            (json!({ "area": { "x": 1, "width": 1920, "height": 1080 } }), "area", "1920x1080"),
            (json!({ "area": { "width": 0, "height": 1080 } }), "area", "1920x1080"),
            (json!({ "area": { "x": 4294967295u32, "width": 4294967295u32, "height": 2 } }), "area", "1920x1080"),
        ] {
            let (at, message) = spec(own.clone(), (30, 1)).unwrap_err();
            assert!(at == field && message.contains(words), "{own}: {at}: {message}");
        }
    }
}
