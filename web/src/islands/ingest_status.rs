//! What arrives from the encoder, for the broadcaster: waiting, connected, and what is wrong.

use crate::{browser, client, text};
use leptos::prelude::*;
use rivulet_protocol::rest::{Check, Ingest, IngestAudio, IngestVideo, Level};

#[island]
pub fn IngestStatus(channel: String, ingest: Ingest) -> impl IntoView {
    let ingest = RwSignal::new(ingest);
    Effect::new(move || {
        browser::follow_stream(client::golive_events(&channel), "ingest", move |state: Ingest| ingest.set(state));
    });
    let connected = Memo::new(move |_| ingest.with(|ingest| ingest.connected));
    view! {
        <div class="ingest" class:connected=connected>
            <p class="ingest-headline" role="status">
                <span class="lamp" aria-hidden="true"></span>
                <span>{move || ingest.with(headline)}</span>
            </p>
            <p class="muted ingest-format">{move || ingest.with(format)}</p>
            <Show when=move || ingest.with(|ingest| !ingest.connected && ingest.last_refusal.is_some())>
                <p class="notice notice-bad">
                    <strong>"The last attempt was refused: "</strong>
                    {move || ingest.with(|ingest| ingest.last_refusal.clone())}
                </p>
            </Show>
            <ul class="checks">{move || ingest.with(|ingest| ingest.checks.clone()).into_iter().map(check).collect_view()}</ul>
        </div>
    }
}

fn check(check: Check) -> impl IntoView {
    let (level, word) = match check.level {
        Level::Good => ("good", "Good: "),
        Level::Warning => ("warning", "Warning: "),
        Level::Bad => ("bad", "Problem: "),
    };
    view! {
        <li class="check" data-level=level data-check=check.name>
            <span class="check-mark" aria-hidden="true"></span>
            <span class="check-text">
                <span class="visually-hidden">{word}</span>
                <span class="check-measured">{check.measured}</span>
                <span class="check-advice">{check.advice}</span>
            </span>
        </li>
    }
}

fn headline(ingest: &Ingest) -> String {
    match (ingest.connected, &ingest.encoder) {
        (false, _) => "Waiting for your encoder…".to_owned(),
        (true, Some(encoder)) => format!("Connected: {encoder}"),
        (true, None) => "Connected".to_owned(),
    }
}

fn format(ingest: &Ingest) -> String {
    if !ingest.connected {
        return "This changes by itself within two seconds of pressing “Start Streaming”.".to_owned();
    }
    let parts = [ingest.video.as_ref().map(video), ingest.audio.as_ref().map(audio)];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

fn video(video: &IngestVideo) -> String {
    let IngestVideo { codec, width, height, fps_milli, bitrate_kbps, .. } = video;
    format!("{codec}, {width}×{height}, {}, {}", text::frame_rate(*fps_milli), text::bitrate(*bitrate_kbps))
}

fn audio(audio: &IngestAudio) -> String {
    let channels = match audio.channels {
        1 => "mono".to_owned(),
        2 => "stereo".to_owned(),
        more => format!("{more} channels"),
    };
    let IngestAudio { codec, sample_rate, bitrate_kbps, .. } = audio;
    let khz = f64::from(*sample_rate) / 1_000.0;
    format!("{codec}, {khz} kHz {channels}, {}", text::bitrate(*bitrate_kbps))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_line_names_what_arrives() {
        let ingest = Ingest {
            connected: true,
            encoder: Some("OBS 29.0.2".to_owned()),
            video: Some(IngestVideo {
                codec: "H.264 High".to_owned(),
                width: 1920,
                height: 1080,
                fps_milli: 30_000,
                bitrate_kbps: 5_960,
                key_interval_ms: Some(2_000),
            }),
            audio: Some(IngestAudio {
                codec: "AAC-LC".to_owned(),
                sample_rate: 44_100,
                channels: 2,
                bitrate_kbps: 160,
            }),
            ..Ingest::default()
        };
        assert_eq!(headline(&ingest), "Connected: OBS 29.0.2");
        assert_eq!(format(&ingest), "H.264 High, 1920×1080, 30 fps, 5.9 Mb/s · AAC-LC, 44.1 kHz stereo, 160 kb/s");
    }
}
