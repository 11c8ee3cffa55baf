//! Numbers, rates and durations as people read them. Pure: the server and the browser must agree on
//! every character.

use super::Lang;

impl Lang {
    fn point(self) -> char {
        match self {
            Self::En => '.',
            Self::De => ',',
        }
    }

    /// `1 viewer`, `12 viewers`, `3.4K viewers`.
    pub fn viewers(self, count: u32) -> String {
        match (self, count) {
            (Self::En, 1) => "1 viewer".to_owned(),
            (Self::En, _) => format!("{} viewers", self.short_count(count.into())),
            (Self::De, 1) => "1 Zuschauer".to_owned(),
            (Self::De, _) => format!("{} Zuschauer", self.short_count(count.into())),
        }
    }

    /// `999`, `1.2K`, `45K`, `1.2M`; never rounds up to more than there are.
    pub fn short_count(self, count: u64) -> String {
        let (thousand, million) = match self {
            Self::En => ("K", "M"),
            Self::De => ("\u{a0}Tsd.", "\u{a0}Mio."),
        };
        let scaled = |unit: u64, suffix: &str| {
            let tenths = count / (unit / 10);
            match (tenths / 10, tenths % 10) {
                (whole, tenth) if whole < 10 && tenth > 0 => format!("{whole}{}{tenth}{suffix}", self.point()),
                (whole, _) => format!("{whole}{suffix}"),
            }
        };
        match count {
            0..1_000 => count.to_string(),
            1_000..1_000_000 => scaled(1_000, thousand),
            _ => scaled(1_000_000, million),
        }
    }

    /// `30 fps`, `29.97 fps`.
    pub fn frame_rate(self, fps_milli: u32) -> String {
        let hundredths = (fps_milli + 5) / 10;
        let point = self.point();
        let rate = match (hundredths / 100, hundredths % 100) {
            (whole, 0) => whole.to_string(),
            (whole, part) if part % 10 == 0 => format!("{whole}{point}{}", part / 10),
            (whole, part) => format!("{whole}{point}{part:02}"),
        };
        match self {
            Self::En => format!("{rate} fps"),
            Self::De => format!("{rate} B/s"),
        }
    }

    /// `160 kb/s`, `5.9 Mb/s`.
    pub fn bitrate(self, kbps: u32) -> String {
        match kbps {
            0..1_000 => format!("{kbps} kb/s"),
            _ => format!("{}{}{} Mb/s", kbps / 1_000, self.point(), kbps % 1_000 / 100),
        }
    }

    /// `44.1 kHz`, `48 kHz`.
    pub fn sample_rate(self, hz: u32) -> String {
        match hz % 1_000 / 100 {
            0 => format!("{} kHz", hz / 1_000),
            tenth => format!("{}{}{tenth} kHz", hz / 1_000, self.point()),
        }
    }
}

/// A duration as a clock: `0:07`, `12:34`, `1:02:03`. Negative ones, from clocks that differ, are zero.
pub fn clock(ms: i64) -> String {
    let seconds = ms.max(0) / 1_000;
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

#[cfg(feature = "ssr")]
impl Lang {
    /// With separators of thousands: `12,345`.
    pub fn count(self, count: u64) -> String {
        let digits = count.to_string();
        let separator = match self {
            Self::En => ',',
            Self::De => '.',
        };
        let mut text = String::with_capacity(digits.len() + digits.len() / 3);
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                text.push(separator);
            }
            text.push(digit);
        }
        text
    }

    /// `15` tenths are `1.5`, `20` are `2`.
    pub fn decimal(self, tenths: u32) -> String {
        match tenths % 10 {
            0 => (tenths / 10).to_string(),
            tenth => format!("{}{}{tenth}", tenths / 10, self.point()),
        }
    }

    /// `512 bytes`, `1.5 KiB`, `20 GiB`.
    pub fn bytes(self, bytes: u64) -> String {
        const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
        if bytes < 1 << 10 {
            return match self {
                Self::En => format!("{bytes} bytes"),
                Self::De => format!("{bytes} Bytes"),
            };
        }
        let mut unit = 0;
        let mut scaled = bytes;
        while scaled >= 1 << 20 && unit + 1 < UNITS.len() {
            scaled >>= 10;
            unit += 1;
        }
        let tenths = scaled * 10 / 1024;
        match (tenths / 10, tenths % 10) {
            (whole, tenth) if whole < 10 && tenth > 0 => format!("{whole}{}{tenth} {}", self.point(), UNITS[unit]),
            (whole, _) => format!("{whole} {}", UNITS[unit]),
        }
    }

    /// About how long: `45 s`, `12 min`, `3 h 20 min`, `2 d 4 h`.
    pub fn duration(self, ms: i64) -> String {
        let seconds = ms.max(0) / 1_000;
        let day = match self {
            Self::En => "d",
            Self::De => "T",
        };
        let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
        match (days, hours, minutes) {
            (0, 0, 0) => format!("{seconds} s"),
            (0, 0, minutes) => format!("{minutes} min"),
            (0, hours, 0) => format!("{hours} h"),
            (0, hours, minutes) => format!("{hours} h {minutes} min"),
            (days, 0, _) => format!("{days} {day}"),
            (days, hours, _) => format!("{days} {day} {hours} h"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_short_and_never_exaggerate() {
        for (count, english, german) in [
            (0, "0 viewers", "0 Zuschauer"),
            (1, "1 viewer", "1 Zuschauer"),
            (999, "999 viewers", "999 Zuschauer"),
            (1_000, "1K viewers", "1\u{a0}Tsd. Zuschauer"),
            (1_999, "1.9K viewers", "1,9\u{a0}Tsd. Zuschauer"),
            (45_678, "45K viewers", "45\u{a0}Tsd. Zuschauer"),
            (1_250_000, "1.2M viewers", "1,2\u{a0}Mio. Zuschauer"),
        ] {
            assert_eq!(Lang::En.viewers(count), english);
            assert_eq!(Lang::De.viewers(count), german);
        }
    }

    #[test]
    fn clocks() {
        for (ms, text) in [(-5, "0:00"), (7_999, "0:07"), (754_000, "12:34"), (3_723_000, "1:02:03")] {
            assert_eq!(clock(ms), text);
        }
    }

    #[test]
    fn rates() {
        for (milli, text) in [
            (30_000, "30 fps"),
            (29_970, "29.97 fps"),
            (12_500, "12.5 fps"),
            (59_940, "59.94 fps"),
            (23_976, "23.98 fps"),
        ] {
            assert_eq!(Lang::En.frame_rate(milli), text);
        }
        assert_eq!(Lang::En.bitrate(160), "160 kb/s");
        assert_eq!(Lang::De.bitrate(5_960), "5,9 Mb/s");
        assert_eq!(Lang::De.sample_rate(44_100), "44,1 kHz");
    }

    #[cfg(feature = "ssr")]
    #[test]
    fn sizes_and_durations() {
        for (bytes, text) in [(0, "0 bytes"), (1_023, "1023 bytes"), (1_536, "1.5 KiB"), (20 << 30, "20 GiB")] {
            assert_eq!(Lang::En.bytes(bytes), text);
        }
        for (seconds, text) in [(5, "5 s"), (60, "1 min"), (3_600, "1 h"), (12_000, "3 h 20 min"), (187_200, "2 d 4 h")]
        {
            assert_eq!(Lang::En.duration(seconds * 1_000), text);
        }
        for (count, text) in [(7, "7"), (1_234, "1,234"), (1_234_567, "1,234,567")] {
            assert_eq!(Lang::En.count(count), text);
        }
    }
}
