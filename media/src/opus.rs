//! Opus as carried in enhanced RTMP: the identification header (RFC 7845, 5.1) as configuration,
//! and how long a packet lasts (RFC 6716, 3.1).

use crate::format::ConfigError;

/// Opus counts its samples at this rate, whatever was recorded.
pub const SAMPLE_RATE: u32 = 48_000;
/// 20 ms of silence.
pub const SILENCE: &[u8] = &[0xf8, 0xff, 0xfe];
/// No packet lasts longer than 120 ms.
const MAX_SAMPLES: u32 = SAMPLE_RATE * 120 / 1000;

/// How many channels the header announces.
pub fn channels(header: &[u8]) -> Result<u8, ConfigError> {
    let broken = |reason: &str| ConfigError { codec: "Opus", reason: reason.into() };
    match header.strip_prefix(b"OpusHead") {
        Some([version, channels, ..]) if header.len() >= 19 => match (version >> 4, channels) {
            (0, 1..=8) => Ok(*channels),
            (0, _) => Err(broken("a number of channels that is not 1 to 8")),
            _ => Err(broken("an unknown version")),
        },
        _ => Err(broken("it is not an OpusHead")),
    }
}

/// How many samples a packet has, at [`SAMPLE_RATE`]. `None`: it is none.
pub fn samples(packet: &[u8]) -> Option<u32> {
    let first = *packet.first()?;
    let (config, code) = (first >> 3, first & 3);
    let frame = match config {
        // SILK, hybrid, CELT; each in steps of its shortest frame.
        0..=11 => [480, 960, 1_920, 2_880][usize::from(config & 3)],
        12..=15 => [480, 960][usize::from(config & 1)],
        _ => 120 << (config & 3),
    };
    let frames = match code {
        0 => 1,
        1 | 2 => 2,
        _ => u32::from(packet.get(1)? & 0x3f),
    };
    Some(frame * frames).filter(|samples| (1..=MAX_SAMPLES).contains(samples))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers() {
        let header = |channels| [&b"OpusHead\x01"[..], &[channels, 0x38, 1, 0x80, 0xbb, 0, 0, 0, 0, 0]].concat();
        assert_eq!(channels(&header(2)), Ok(2));
        assert!(channels(&header(0)).is_err());
        assert!(channels(&header(2)[..18]).is_err());
        assert!(channels(b"OggS").is_err());
    }

    #[test]
    fn durations() {
        for (packet, want) in [
            (SILENCE, Some(960)),
            (&[0x08], Some(960)),
            (&[0x80], Some(120)),
            (&[0x98], Some(960)),
            (&[0x69], Some(1_920)),
            (&[0xfb, 3], Some(2_880)),
            (&[0x1b, 3], None),
            (&[0xfb, 0], None),
            (&[0xfb], None),
            (&[], None),
        ] {
            assert_eq!(samples(packet), want, "{packet:02x?}");
        }
    }
}
