//! Which renditions a source gets: a pure rule. Nothing is scaled up; the source itself is the
//! top rung when players can take it as it is.

use rivulet_media::Players;
use rivulet_protocol::rest::Latency;
use rivulet_protocol::worker::Rung;

/// A rung as configured. It is named by the short side of its picture, so that upright video gets
/// the same rungs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RungSpec {
    pub short_side: u32,
    pub bitrate_kbps: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ladder {
    /// From best to worst.
    pub rungs: Vec<RungSpec>,
    pub audio_kbps: u32,
    /// x264 preset.
    pub preset: String,
    pub latency: Latency,
    /// Pass a playable source on as the top rung. Off: every rung is encoded.
    pub remux: bool,
}

impl Default for Ladder {
    fn default() -> Self {
        let rung = |short_side, bitrate_kbps| RungSpec { short_side, bitrate_kbps };
        Self {
            rungs: vec![rung(1080, 5000), rung(720, 2800), rung(480, 1400), rung(360, 800)],
            audio_kbps: 128,
            preset: "veryfast".into(),
            latency: Latency::Low,
            remux: true,
        }
    }
}

/// What the rule decides for one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub remux_source: bool,
    /// Encoded rungs from best to worst.
    pub rungs: Vec<Rung>,
}

impl Ladder {
    /// Reads `1080:5000,720:2800`.
    pub fn parse_rungs(text: &str) -> Result<Vec<RungSpec>, String> {
        let mut rungs = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let numbers = part.split_once(':').and_then(|(side, kbps)| Some((side.parse().ok()?, kbps.parse().ok()?)));
            match numbers {
                Some((short_side @ 64..=4320, bitrate_kbps @ 50..=100_000)) => {
                    rungs.push(RungSpec { short_side, bitrate_kbps });
                }
                _ => return Err(format!("{part:?} is not a rung; write HEIGHT:KBPS, such as 720:2800")),
            }
        }
        rungs.sort_by_key(|rung| std::cmp::Reverse(rung.short_side));
        rungs.dedup_by_key(|rung| rung.short_side);
        Ok(rungs)
    }

    /// `players`: who can take the source's video as it is.
    pub fn plan(&self, width: u32, height: u32, fps_milli: u32, players: Players) -> Plan {
        let source_side = width.min(height);
        let remux_source = self.remux && players != Players::None;
        // For those that cannot take the source, the best rung is what others get.
        let encode_best = !remux_source || players == Players::Some;
        let mut rungs: Vec<Rung> = self
            .rungs
            .iter()
            .filter(|spec| spec.short_side < source_side)
            .map(|spec| rung(width, height, spec.short_side, spec.bitrate_kbps))
            .collect();
        // An encoded top rung has the source's own size, unless that is above the whole ladder.
        let above = self.rungs.first().is_some_and(|best| best.short_side < source_side);
        if encode_best && !above {
            rungs.insert(0, rung(width, height, source_side, self.bitrate_for(source_side)));
        }
        // The remuxed source is rendition 0 and the rungs follow it.
        for (index, rung) in rungs.iter_mut().enumerate() {
            rung.level = level(rung, fps_milli);
            rung.rendition = (index + usize::from(remux_source)) as u8;
        }
        Plan { remux_source, rungs }
    }

    /// The configured rate, or that of the next rung by the number of pixels.
    fn bitrate_for(&self, side: u32) -> u32 {
        let pixels = |side: u32| u64::from(side) * u64::from(side);
        let nearest = self.rungs.iter().min_by_key(|spec| spec.short_side.abs_diff(side));
        let Some(nearest) = nearest else { return 1_000 };
        let kbps = u64::from(nearest.bitrate_kbps) * pixels(side) / pixels(nearest.short_side).max(1);
        (kbps as u32).max(100)
    }
}

fn rung(width: u32, height: u32, side: u32, bitrate_kbps: u32) -> Rung {
    let source_side = width.min(height);
    let even = |length: u32| {
        let scaled = f64::from(length) * f64::from(side) / f64::from(source_side);
        ((scaled / 2.0).round() as u32 * 2).max(2)
    };
    let (width, height) = (even(width), even(height));
    Rung { rendition: 0, name: format!("{side}p"), width, height, bitrate_kbps, level: 0, made_until: None }
}

/// The lowest H.264 level (times ten) that allows this picture size, rate of macroblocks and
/// bitrate in High profile (ITU-T H.264, table A-1). Stated before anything is encoded, so that
/// playlists can name the codec of a rung that nobody has watched yet.
pub(crate) fn level(rung: &Rung, fps_milli: u32) -> u8 {
    // Level, macroblocks a second and a picture, kbit a second in Main profile.
    const LEVELS: [(u8, u64, u64, u64); 13] = [
        (11, 3_000, 396, 192),
        (12, 6_000, 396, 384),
        (13, 11_880, 396, 768),
        (20, 11_880, 396, 2_000),
        (21, 19_800, 792, 4_000),
        (22, 20_250, 1_620, 4_000),
        (30, 40_500, 1_620, 10_000),
        (31, 108_000, 3_600, 14_000),
        (32, 216_000, 5_120, 20_000),
        (40, 245_760, 8_192, 20_000),
        (42, 522_240, 8_704, 50_000),
        (51, 983_040, 36_864, 240_000),
        (52, 2_073_600, 36_864, 240_000),
    ];
    let blocks = u64::from(rung.width.div_ceil(16)) * u64::from(rung.height.div_ceil(16));
    let rate = blocks * u64::from(fps_milli) / 1_000;
    // High profile may have a quarter more; the encoder may exceed its rate by a tenth.
    let kbps = u64::from(rung.bitrate_kbps) * 11 / 10 * 4 / 5;
    let fits =
        LEVELS.iter().find(|(_, a_second, a_picture, most)| rate <= *a_second && blocks <= *a_picture && kbps <= *most);
    fits.map_or(62, |(level, ..)| *level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans() {
        // Source, remuxable, and what comes out.
        use Players::*;
        for (width, height, players, want) in [
            (1920, 1080, All, "source 1280x720@2800 854x480@1400 640x360@800"),
            (1920, 1080, None, "1920x1080@5000 1280x720@2800 854x480@1400 640x360@800"),
            (3840, 2160, All, "source 1920x1080@5000 1280x720@2800 854x480@1400 640x360@800"),
            (3840, 2160, None, "1920x1080@5000 1280x720@2800 854x480@1400 640x360@800"),
            (1280, 720, All, "source 854x480@1400 640x360@800"),
            (1600, 900, None, "1600x900@3472 1280x720@2800 854x480@1400 640x360@800"),
            (640, 360, All, "source"),
            (640, 360, None, "640x360@800"),
            (640, 272, All, "source"),
            (640, 272, None, "640x272@456"),
            (176, 144, None, "176x144@128"),
            (2560, 1080, All, "source 1706x720@2800 1138x480@1400 854x360@800"),
            (1440, 1080, All, "source 960x720@2800 640x480@1400 480x360@800"),
            (1080, 1920, All, "source 720x1280@2800 480x854@1400 360x640@800"),
            (641, 361, None, "642x362@804 640x360@800"),
            (1280, 720, Some, "source 1280x720@2800 854x480@1400 640x360@800"),
            (3840, 2160, Some, "source 1920x1080@5000 1280x720@2800 854x480@1400 640x360@800"),
            (640, 272, Some, "source 640x272@456"),
        ] {
            let plan = Ladder::default().plan(width, height, 30_000, players);
            let mut parts: Vec<_> = plan.remux_source.then(|| "source".to_owned()).into_iter().collect();
            parts.extend(plan.rungs.iter().map(|r| format!("{}x{}@{}", r.width, r.height, r.bitrate_kbps)));
            assert_eq!(parts.join(" "), want, "{width}x{height}");
        }
    }

    #[test]
    fn levels() {
        for (width, height, fps_milli, kbps, want) in [
            (1920, 1080, 30_000, 5_000, 40),
            (1920, 1080, 60_000, 5_000, 42),
            (1280, 720, 30_000, 2_800, 31),
            (1280, 720, 60_000, 2_800, 32),
            (854, 480, 30_000, 1_400, 31),
            (640, 360, 30_000, 800, 30),
            (176, 144, 25_000, 128, 11),
            (3840, 2160, 60_000, 20_000, 52),
        ] {
            let rung = Rung { bitrate_kbps: kbps, ..rung(width, height, width.min(height), kbps) };
            assert_eq!(level(&rung, fps_milli), want, "{width}x{height} at {fps_milli}");
        }
    }

    #[test]
    fn rungs_are_read() {
        let rungs = Ladder::parse_rungs("360:800, 720:2800").map(|r| r.into_iter().map(|r| r.short_side).collect());
        assert_eq!(rungs, Ok(vec![720, 360]));
        for bad in ["720", "720:x", "9:100", "720:1"] {
            assert!(Ladder::parse_rungs(bad).is_err(), "{bad}");
        }
    }
}
