//! `AudioSpecificConfig` (ISO/IEC 14496-3, 1.6.2.1): just what playlists, boxes and timing need.

/// What the configuration says of an AAC track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AacInfo {
    /// 2 is AAC-LC, 5 is HE-AAC, 29 is HE-AAC v2.
    pub object_type: u8,
    /// Rate of the core coder: a frame lasts [`AacInfo::FRAME_SAMPLES`] of these.
    pub sample_rate: u32,
    /// Channel configuration as coded; 0 means that the stream itself says.
    pub channels: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AacError {
    #[error("the AAC configuration is cut short")]
    Truncated,
    #[error("the AAC configuration names no valid sample rate")]
    SampleRate,
    #[error("AAC frames of 960 samples are not supported; set the encoder to plain AAC-LC")]
    ShortFrames,
}

const RATES: [u32; 13] = [96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350];

struct Bits<'a> {
    data: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: usize) -> Result<u32, AacError> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.data.get(self.at / 8).ok_or(AacError::Truncated)?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Ok(value)
    }

    fn object_type(&mut self) -> Result<u8, AacError> {
        Ok(match self.take(5)? {
            31 => 32 + self.take(6)? as u8,
            short => short as u8,
        })
    }

    fn sample_rate(&mut self) -> Result<u32, AacError> {
        let rate = match self.take(4)? {
            15 => self.take(24)?,
            index => *RATES.get(index as usize).ok_or(AacError::SampleRate)?,
        };
        if (7_350..=96_000).contains(&rate) { Ok(rate) } else { Err(AacError::SampleRate) }
    }
}

impl AacInfo {
    pub const FRAME_SAMPLES: u32 = 1024;

    pub fn parse(config: &[u8]) -> Result<Self, AacError> {
        let mut bits = Bits { data: config, at: 0 };
        let object_type = bits.object_type()?;
        let sample_rate = bits.sample_rate()?;
        let channels = bits.take(4)? as u8;
        if object_type == 5 || object_type == 29 {
            // Spectral band replication doubles the rate of the core coder, which we report.
            return Ok(Self { object_type, sample_rate, channels });
        }
        if matches!(object_type, 1..=4) && bits.take(1)? == 1 {
            return Err(AacError::ShortFrames);
        }
        Ok(Self { object_type, sample_rate, channels })
    }

    /// Every browser plays it as it is.
    pub fn is_lc(&self) -> bool {
        self.object_type == 2
    }

    /// A coded frame of silence, for mono and stereo AAC-LC at any rate.
    pub fn silence(&self) -> Option<&'static [u8]> {
        match (self.object_type, self.channels) {
            (2, 1) => Some(&[0x00, 0xc8, 0x00, 0x80, 0x23, 0x80]),
            (2, 2) => Some(&[0x21, 0x00, 0x49, 0x90, 0x02, 0x19, 0x00, 0x23, 0x80]),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configurations() {
        let info = |object_type, sample_rate, channels| Ok(AacInfo { object_type, sample_rate, channels });
        for (bytes, want) in [
            (&[0x11, 0x90][..], info(2, 48000, 2)),
            (&[0x12, 0x10], info(2, 44100, 2)),
            (&[0x12, 0x08], info(2, 44100, 1)),
            // Backward-compatible signalling of HE-AAC behind an LC core.
            (&[0x13, 0x90, 0x56, 0xe5, 0xa5, 0x48, 0x80], info(2, 22050, 2)),
            (&[0x2b, 0x92, 0x08, 0x00], info(5, 22050, 2)),
            (&[0x0a, 0x10], info(1, 44100, 2)),
            (&[0x11], Err(AacError::Truncated)),
            (&[], Err(AacError::Truncated)),
            (&[0x16, 0x90], Err(AacError::SampleRate)),
            (&[0x11, 0x94], Err(AacError::ShortFrames)),
        ] {
            assert_eq!(AacInfo::parse(bytes), want, "{bytes:02x?}");
        }
    }
}
