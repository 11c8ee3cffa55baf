//! Numbers and states as people read them. Pure: the server and the browser must agree on every
//! character.

use rivulet_protocol::rest::{Channel, LiveState};

/// `1 viewer`, `12 viewers`, `3.4K viewers`.
pub fn viewers(count: u32) -> String {
    match count {
        1 => "1 viewer".to_owned(),
        _ => format!("{} viewers", short_count(count)),
    }
}

/// `999`, `1.2K`, `45K`, `1.2M`; never rounds up to more than there are.
pub fn short_count(count: u32) -> String {
    let scaled = |unit: u32, suffix: &str| {
        let tenths = count / (unit / 10);
        match (tenths / 10, tenths % 10) {
            (whole, tenth) if whole < 10 && tenth > 0 => format!("{whole}.{tenth}{suffix}"),
            (whole, _) => format!("{whole}{suffix}"),
        }
    };
    match count {
        0..1_000 => count.to_string(),
        1_000..1_000_000 => scaled(1_000, "K"),
        _ => scaled(1_000_000, "M"),
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

/// `30 fps`, `29.97 fps`.
pub fn frame_rate(fps_milli: u32) -> String {
    let hundredths = (fps_milli + 5) / 10;
    let rate = match (hundredths / 100, hundredths % 100) {
        (whole, 0) => whole.to_string(),
        (whole, part) if part % 10 == 0 => format!("{whole}.{}", part / 10),
        (whole, part) => format!("{whole}.{part:02}"),
    };
    format!("{rate} fps")
}

/// `160 kb/s`, `5.9 Mb/s`.
pub fn bitrate(kbps: u32) -> String {
    match kbps {
        0..1_000 => format!("{kbps} kb/s"),
        _ => format!("{}.{} Mb/s", kbps / 1_000, kbps % 1_000 / 100),
    }
}

pub fn state_name(state: LiveState) -> &'static str {
    match state {
        LiveState::Offline => "Offline",
        LiveState::Starting => "Starting",
        LiveState::Live => "Live",
        LiveState::Reconnecting => "Reconnecting",
    }
}

/// A channel that was given no title is called by its name.
pub fn heading(channel: &Channel) -> String {
    if channel.title.trim().is_empty() { channel.name.clone() } else { channel.title.clone() }
}

/// What the browser's tab says on a channel's page.
pub fn page_title(channel: &Channel, instance: &str) -> String {
    match channel.state {
        LiveState::Offline => format!("{} · {instance}", channel.name),
        _ if channel.title.trim().is_empty() => format!("{} live · {instance}", channel.name),
        _ => format!("{} · {} · {instance}", channel.title, channel.name),
    }
}

/// The letter of a channel's badge.
pub fn initial(name: &str) -> String {
    name.chars().next().map(|first| first.to_ascii_uppercase().to_string()).unwrap_or_default()
}

/// Which of the six badge colours a channel has: always the same for the same name.
pub fn hue(name: &str) -> u32 {
    name.bytes().fold(7, |sum: u32, byte| sum.wrapping_mul(31).wrapping_add(byte.into())) % 6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_short_and_never_exaggerate() {
        for (count, text) in [
            (0, "0 viewers"),
            (1, "1 viewer"),
            (999, "999 viewers"),
            (1_000, "1K viewers"),
            (1_999, "1.9K viewers"),
            (45_678, "45K viewers"),
            (1_250_000, "1.2M viewers"),
        ] {
            assert_eq!(viewers(count), text);
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
            assert_eq!(frame_rate(milli), text);
        }
        assert_eq!(bitrate(160), "160 kb/s");
        assert_eq!(bitrate(5_960), "5.9 Mb/s");
    }
}
