//! What arrives from the encoder, for the broadcaster: waiting, connected, and what is wrong.

use crate::{browser::studio as browser, client, words::Lang};
use leptos::prelude::*;
use rivulet_protocol::rest::{Check, Ingest, IngestAudio, IngestVideo, Level};

#[island]
pub fn IngestStatus(lang: Lang, channel: String, ingest: Ingest) -> impl IntoView {
    let ingest = RwSignal::new(ingest);
    Effect::new(move || {
        browser::follow_stream(client::golive_events(&channel), "ingest", move |state: Ingest| ingest.set(state));
    });
    let connected = Memo::new(move |_| ingest.with(|ingest| ingest.connected));
    view! {
        <div class="ingest" class:connected=connected>
            <p class="ingest-headline" role="status">
                <span class="lamp" aria-hidden="true"></span>
                <span>{move || ingest.with(|ingest| headline(lang, ingest))}</span>
            </p>
            <p class="muted ingest-format">{move || ingest.with(|ingest| format(lang, ingest))}</p>
            <Show when=move || ingest.with(|ingest| !ingest.connected && ingest.last_refusal.is_some())>
                <p class="notice notice-bad">
                    <strong>{lang.last_refused()}</strong>
                    {move || ingest.with(|ingest| ingest.last_refusal.clone())}
                </p>
            </Show>
            <ul class="checks">{move || ingest.with(|ingest| ingest.checks.clone()).into_iter().map(|it| check(lang, it)).collect_view()}</ul>
        </div>
    }
}

fn check(lang: Lang, check: Check) -> impl IntoView {
    let (level, word) = match check.level {
        Level::Good => ("good", lang.level_good()),
        Level::Warning => ("warning", lang.level_warning()),
        Level::Bad => ("bad", lang.level_bad()),
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

fn headline(lang: Lang, ingest: &Ingest) -> String {
    match (ingest.connected, &ingest.encoder) {
        (false, _) => lang.waiting_for_encoder().to_owned(),
        (true, Some(encoder)) => lang.connected_with(encoder),
        (true, None) => lang.connected().to_owned(),
    }
}

fn format(lang: Lang, ingest: &Ingest) -> String {
    if !ingest.connected {
        return lang.waiting_hint().to_owned();
    }
    let parts = [ingest.video.as_ref().map(|it| video(lang, it)), ingest.audio.as_ref().map(|it| audio(lang, it))];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

fn video(lang: Lang, video: &IngestVideo) -> String {
    let IngestVideo { codec, width, height, fps_milli, bitrate_kbps, .. } = video;
    format!("{codec}, {width}×{height}, {}, {}", lang.frame_rate(*fps_milli), lang.bitrate(*bitrate_kbps))
}

fn audio(lang: Lang, audio: &IngestAudio) -> String {
    let IngestAudio { codec, sample_rate, channels, bitrate_kbps } = audio;
    let (rate, channels) = (lang.sample_rate(*sample_rate), lang.audio_channels(*channels));
    format!("{codec}, {rate} {channels}, {}", lang.bitrate(*bitrate_kbps))
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
        assert_eq!(headline(Lang::En, &ingest), "Connected: OBS 29.0.2");
        assert_eq!(
            format(Lang::En, &ingest),
            "H.264 High, 1920×1080, 30 fps, 5.9 Mb/s · AAC-LC, 44.1 kHz stereo, 160 kb/s"
        );
    }
}
