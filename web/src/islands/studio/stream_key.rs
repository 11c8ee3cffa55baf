//! The stream key: made on demand, shown once, and the ffmpeg line that contains it. Its form also
//! works without this code running: the server then makes the page anew with the key in it.

use super::copy_button::CopyButton;
use crate::{
    client::{Browser, Client},
    words::Lang,
};
use leptos::{prelude::*, task::spawn_local};

/// Stands for the key where the page does not know it.
const KEY_PLACEHOLDER: &str = "STREAM_KEY";
/// Stands for the key while it is hidden.
const KEY_DOTS: &str = "••••••••";

/// `made` is a key that was made with this page.
#[island]
pub fn StreamKey(lang: Lang, channel: String, server: String, has_key: bool, made: Option<String>) -> impl IntoView {
    // A key that came with the page was made without the island: there was no button to reveal it.
    let revealed = RwSignal::new(made.is_some());
    let key = RwSignal::new(made);
    let has_key = RwSignal::new(has_key);
    let busy = RwSignal::new(false);
    let problem = RwSignal::new(None::<String>);
    let asking = RwSignal::new(false);

    let make = {
        let channel = channel.clone();
        move |event: leptos::ev::SubmitEvent| {
            event.prevent_default();
            if busy.get_untracked() {
                return;
            }
            busy.set(true);
            let channel = channel.clone();
            spawn_local(async move {
                match Client::new(Browser).make_key(&channel).await {
                    Ok(new) => {
                        key.set(Some(new.key));
                        has_key.set(true);
                        revealed.set(false);
                        asking.set(false);
                        problem.set(None);
                    }
                    Err(error) => problem.set(Some(error.message(lang))),
                }
                busy.set(false);
            });
        }
    };
    let known = move || key.with(Option::is_some);
    let text = Signal::derive(move || key.get().unwrap_or_default());
    let line = Signal::derive({
        let server = server.clone();
        move || ffmpeg_line(&server, &key.get().unwrap_or_else(|| KEY_PLACEHOLDER.to_owned()))
    });
    let shown_line = move || match key.get() {
        Some(_) if !revealed.get() => ffmpeg_line(&server, KEY_DOTS),
        _ => line.get(),
    };
    view! {
        <div class="field">
            <label for="stream-key">{lang.stream_key()}</label>
            <div class="field-row" hidden=move || !known()>
                <input
                    id="stream-key"
                    class="mono"
                    type=move || if revealed.get() { "text" } else { "password" }
                    readonly
                    autocomplete="off"
                    prop:value=text
                    value=text
                />
                <button type="button" class="button" aria-pressed=move || revealed.get().to_string()
                    on:click=move |_| revealed.update(|revealed| *revealed = !*revealed)>
                    {move || if revealed.get() { lang.hide() } else { lang.reveal() }}
                </button>
                <CopyButton lang=lang text=text subject=lang.stream_key()/>
            </div>
            <p class="hint" hidden=move || !known()>
                {lang.key_once()}
            </p>
            <p class="hint" hidden=move || known() || !has_key.get()>
                {lang.key_exists()}
            </p>
            <p class="hint" hidden=move || known() || has_key.get()>{lang.no_key()}</p>
            <p class="notice notice-bad" role="alert" hidden=move || problem.with(Option::is_none)>{problem}</p>
            <details class="make-key" prop:open=asking hidden=move || !has_key.get()
                on:toggle=move |event| asking.set(event_target::<web_sys::HtmlDetailsElement>(&event).open())>
                <summary class="button">{lang.make_new_key()}</summary>
                <form method="post" on:submit=make.clone()>
                    {call(&channel)}
                    <p>{lang.old_key_stops()}</p>
                    <button class="button button-danger" disabled=busy>{lang.replace_key()}</button>
                </form>
            </details>
            <form method="post" hidden=has_key on:submit=make>
                {call(&channel)}
                <button class="button button-primary" disabled=busy>{lang.create_key()}</button>
            </form>
        </div>
        {ffmpeg_box(lang, line, shown_line, known).into_any()}
    }
}

/// The fields that make the form the same call (`form.rs`) where this code does not run.
fn call(channel: &str) -> impl IntoView + use<> {
    view! {
        <input type="hidden" name="_call" value=format!("POST channels/{channel}/key")/>
        <input type="hidden" name="_form" value="key"/>
        <input type="hidden" name="_once" value="1"/>
    }
}

fn ffmpeg_box(
    lang: Lang,
    line: Signal<String>,
    shown: impl Fn() -> String + Send + 'static,
    known: impl Fn() -> bool + Send + 'static,
) -> impl IntoView {
    view! {
        <div class="field">
            <span class="label" id="ffmpeg-label">{lang.ffmpeg_label()}</span>
            <div class="code-box" role="group" aria-labelledby="ffmpeg-label">
                <pre tabindex="0"><code>{shown}</code></pre>
                <CopyButton lang=lang text=line subject=lang.ffmpeg_command()/>
            </div>
            <p class="hint" hidden=known>{lang.ffmpeg_placeholder()} <code>{KEY_PLACEHOLDER}</code> "."</p>
        </div>
    }
}

/// A moving test picture with sound, in the settings that the page recommends.
fn ffmpeg_line(server: &str, key: &str) -> String {
    format!(
        "ffmpeg -re -f lavfi -i testsrc2=size=1280x720:rate=30 -f lavfi -i sine=frequency=440:sample_rate=48000 \
         -c:v libx264 -preset veryfast -profile:v high -pix_fmt yuv420p -b:v 3000k -maxrate 3000k -bufsize 6000k \
         -g 60 -c:a aac -b:a 160k -f flv \"{server}/{key}\""
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ffmpeg_line_ends_in_server_and_key() {
        let line = ffmpeg_line("rtmp://example.org:1935/live", "abc");
        assert!(line.ends_with("-f flv \"rtmp://example.org:1935/live/abc\""));
        assert!(!line.contains("  "), "a line to paste has single spaces");
    }
}
