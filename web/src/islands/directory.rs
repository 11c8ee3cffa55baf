//! The list of channels on the front page: live ones as cards, then the rest.

use crate::{
    browser,
    client::{Browser, Client},
    text,
    words::Lang,
};
use leptos::{prelude::*, task::spawn_local};
use rivulet_protocol::rest::{Channel, LiveState};
use std::time::Duration;

const REFRESH_EVERY: Duration = Duration::from_secs(10);

/// `after` is the page of the list that is shown, as in the API.
#[island]
pub fn Directory(lang: Lang, channels: Vec<Channel>, after: Option<String>) -> impl IntoView {
    let channels = RwSignal::new(channels);
    Effect::new(move || {
        let after = after.clone();
        browser::every(REFRESH_EVERY, move || {
            let after = after.clone();
            spawn_local(async move {
                if !browser::visible() {
                    return;
                }
                // A failed refresh leaves the list as it is; the next one comes soon.
                if let Ok(list) = Client::new(Browser).channels(after.as_deref()).await {
                    channels.set(list.channels);
                }
            });
        });
    });
    let live = Memo::new(move |_| channels.with(|all| split(all).0));
    let rest = Memo::new(move |_| channels.with(|all| split(all).1));
    view! {
        <section aria-labelledby="live-now">
            <h1 id="live-now">{lang.live_now()}</h1>
            <Show when=move || live.with(Vec::is_empty)>
                <div class="empty">
                    <p class="empty-title">{lang.nobody_live()}</p>
                    <p>{lang.nobody_live_hint()}</p>
                </div>
            </Show>
            <ul class="cards">{move || live.get().into_iter().map(|channel| card(lang, channel)).collect_view()}</ul>
        </section>
        <section aria-labelledby="offline" hidden=move || rest.with(Vec::is_empty)>
            <h2 id="offline">{lang.offline()}</h2>
            <ul class="chips">{move || rest.get().into_iter().map(chip).collect_view()}</ul>
        </section>
    }
}

/// Channels with something to see, and those without.
fn split(channels: &[Channel]) -> (Vec<Channel>, Vec<Channel>) {
    channels.iter().cloned().partition(|channel| channel.state != LiveState::Offline)
}

fn card(lang: Lang, channel: Channel) -> impl IntoView {
    let live = channel.state == LiveState::Live;
    view! {
        <li class="card">
            <a href=format!("/{}", channel.name)>
                <span class="thumbnail">
                    {channel.thumbnail.clone().map(|url| view! { <img src=url alt="" loading="lazy" width="640" height="360"/> })}
                    <span class="badge" class:badge-live=live>{lang.state_name(channel.state)}</span>
                    <span class="badge badge-count">{lang.viewers(channel.viewers)}</span>
                </span>
                <span class="card-text">
                    <span class="avatar" data-hue=text::hue(&channel.name).to_string() aria-hidden="true">
                        {text::initial(&channel.name)}
                    </span>
                    <span class="card-lines">
                        <strong class="card-title">{text::heading(&channel)}</strong>
                        <span class="muted">{channel.name.clone()}</span>
                    </span>
                </span>
            </a>
        </li>
    }
}

fn chip(channel: Channel) -> impl IntoView {
    view! {
        <li>
            <a class="chip" href=format!("/{}", channel.name)>
                <span class="avatar" data-hue=text::hue(&channel.name).to_string() aria-hidden="true">
                    {text::initial(&channel.name)}
                </span>
                <span class="card-lines">
                    <strong>{channel.name.clone()}</strong>
                    <span class="muted chip-title">{channel.title.clone()}</span>
                </span>
            </a>
        </li>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_that_waits_for_its_encoder_stays_among_the_live_ones() {
        let channel = |name: &str, state| Channel { name: name.to_owned(), state, ..Channel::default() };
        let all = [
            channel("a", LiveState::Live),
            channel("b", LiveState::Reconnecting),
            channel("c", LiveState::Starting),
            channel("d", LiveState::Offline),
        ];
        let (live, rest) = split(&all);
        assert_eq!((live.len(), rest.len()), (3, 1));
    }
}
