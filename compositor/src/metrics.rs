//! What `/metrics` shows.

use crate::editions::Edition;
use crate::inputs::{Input, State as InputState};
use crate::outputs::{State, Target};
use crate::pace::Lateness;
use prometheus::{Histogram, HistogramOpts, IntCounter, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

pub struct Metrics {
    registry: Registry,
    frame_seconds: Histogram,
    encode_seconds: Histogram,
    late: IntGauge,
    missed: IntGauge,
    overruns: IntCounter,
    picture_bytes: IntGauge,
    no_room: IntCounter,
    outputs: IntGaugeVec,
    inputs: IntGaugeVec,
}

impl Metrics {
    pub fn new() -> prometheus::Result<Self> {
        let seconds = |name: &str, help: &str| {
            let buckets = vec![0.001, 0.002, 0.004, 0.008, 0.016, 0.033, 0.066, 0.25];
            Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets))
        };
        let metrics = Self {
            registry: Registry::new(),
            frame_seconds: seconds("rivulet_compositor_frame_seconds", "Time to draw a picture")?,
            encode_seconds: seconds("rivulet_compositor_encode_seconds", "Time to encode a picture")?,
            late: IntGauge::new("rivulet_compositor_late_frames", "Pictures drawn after their time, since the start")?,
            missed: IntGauge::new(
                "rivulet_compositor_missed_frames",
                "Pictures repeated or left out, since the start",
            )?,
            overruns: IntCounter::new("rivulet_compositor_overruns_total", "Pictures the encoder had no time for")?,
            picture_bytes: IntGauge::new("rivulet_compositor_picture_bytes", "Memory of decoded and drawn pictures")?,
            no_room: IntCounter::new(
                "rivulet_compositor_pictures_without_room_total",
                "Pictures of inputs that --pictures-mib had no room for",
            )?,
            inputs: IntGaugeVec::new(Opts::new("rivulet_compositor_inputs", "Live inputs by state"), &["state"])?,
            outputs: IntGaugeVec::new(Opts::new("rivulet_compositor_outputs", "Targets by state"), &["state"])?,
        };
        metrics.registry.register(Box::new(metrics.frame_seconds.clone()))?;
        metrics.registry.register(Box::new(metrics.encode_seconds.clone()))?;
        metrics.registry.register(Box::new(metrics.late.clone()))?;
        metrics.registry.register(Box::new(metrics.missed.clone()))?;
        metrics.registry.register(Box::new(metrics.overruns.clone()))?;
        metrics.registry.register(Box::new(metrics.picture_bytes.clone()))?;
        metrics.registry.register(Box::new(metrics.no_room.clone()))?;
        metrics.registry.register(Box::new(metrics.inputs.clone()))?;
        metrics.registry.register(Box::new(metrics.outputs.clone()))?;
        Ok(metrics)
    }

    pub fn frame(&self, took: Duration) {
        self.frame_seconds.observe(took.as_secs_f64());
    }

    pub fn encode(&self, took: Duration) {
        self.encode_seconds.observe(took.as_secs_f64());
    }

    pub fn overrun(&self) {
        self.overruns.inc();
    }

    pub fn lateness(&self, lateness: Lateness) {
        self.late.set(lateness.late as i64);
        self.missed.set(lateness.dropped as i64);
    }

    pub fn picture_bytes(&self, bytes: usize) {
        self.picture_bytes.set(bytes as i64);
    }

    pub fn no_room(&self) {
        self.no_room.inc();
    }

    /// Text of what inputs count for themselves; before [`Self::render`], which has their states.
    pub fn inputs<'a>(&self, inputs: impl Iterator<Item = (&'a str, &'a Input)>) -> String {
        let mut counts = String::new();
        InputState::NAMES.iter().for_each(|name| self.inputs.with_label_values(&[*name]).set(0));
        for (id, input) in inputs {
            self.inputs.with_label_values(&[input.state().name()]).inc();
            let own = input.counters();
            for (name, value) in [("pictures", &own.pictures), ("restarts", &own.restarts)] {
                counts += &format!("rivulet_compositor_input_{name}_total{{input=\"{id}\"}} {}\n", value.load(Relaxed));
            }
        }
        counts
    }

    /// Text of what encodes beside the main one count for themselves; `used` has one of them for each output.
    pub fn editions<'a>(&self, used: impl Iterator<Item = &'a Edition>) -> String {
        let mut all = BTreeMap::<&str, (&Edition, u64)>::new();
        used.for_each(|edition| all.entry(&edition.name).or_insert((edition, 0)).1 += 1);
        let seconds = |us: &AtomicU64| us.load(Relaxed) as f64 / 1e6;
        let lines = all.into_iter().flat_map(|(name, (edition, outputs))| {
            let own = &edition.counters;
            [
                ("outputs", outputs as f64),
                ("pictures_total", own.pictures.load(Relaxed) as f64),
                ("overruns_total", own.dropped.load(Relaxed) as f64),
                ("draw_seconds_total", seconds(&own.draw_us)),
                ("encode_seconds_total", seconds(&own.encode_us)),
            ]
            .map(|(what, value)| format!("rivulet_compositor_edition_{what}{{encode=\"{name}\"}} {value}\n"))
        });
        lines.collect()
    }

    /// The text; targets count for themselves.
    pub fn render<'a>(&self, targets: impl Iterator<Item = (&'a str, &'a Target)>) -> prometheus::Result<String> {
        let mut counts = String::new();
        self.outputs.reset();
        for name in ["off", "connecting", "live", "waiting", "refused"] {
            self.outputs.with_label_values(&[name]).set(0);
        }
        for (id, target) in targets {
            let state = match target.state() {
                State::Off => "off",
                State::Connecting => "connecting",
                State::Live => "live",
                State::Waiting { .. } => "waiting",
                State::Refused { .. } => "refused",
            };
            self.outputs.with_label_values(&[state]).inc();
            let own = target.counters();
            for (name, value) in [
                ("bytes", &own.bytes),
                ("pictures", &own.pictures),
                ("dropped_pictures", &own.dropped_pictures),
                ("dropped_sound", &own.dropped_sound),
                ("reconnects", &own.reconnects),
            ] {
                counts +=
                    &format!("rivulet_compositor_output_{name}_total{{output=\"{id}\"}} {}\n", value.load(Relaxed));
            }
        }
        Ok(TextEncoder::new().encode_to_string(&self.registry.gather())? + &counts)
    }
}
