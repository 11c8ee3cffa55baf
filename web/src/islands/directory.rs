//! A list of channels that keeps itself current: live ones as cards, then the rest.

use crate::{
    browser,
    client::{Browser, Client},
    text,
    words::Lang,
};
use leptos::{prelude::*, task::spawn_local};
use rivulet_protocol::rest::{AccessKind, Channel, LiveState};
use std::time::Duration;

const REFRESH_EVERY: Duration = Duration::from_secs(10);

/// `query` says which part of the list is shown, as in the API.
#[island]
pub fn Directory(lang: Lang, heading: String, channels: Vec<Channel>, query: String) -> impl IntoView {
    let channels = RwSignal::new(channels);
    Effect::new(move || {
        let query = query.clone();
        browser::every(REFRESH_EVERY, move || {
            let query = query.clone();
            spawn_local(async move {
                if !browser::visible() {
                    return;
                }
                // A failed refresh leaves the list as it is; the next one comes soon.
                if let Ok(list) = Client::new(Browser).channels(&query).await {
                    channels.set(list.channels);
                }
            });
        });
    });
    let live = Memo::new(move |_| channels.with(|all| split(all).0));
    let rest = Memo::new(move |_| channels.with(|all| split(all).1));
    view! {
        <section aria-labelledby="live-now">
            <h1 id="live-now">{heading}</h1>
            <Show when=move || live.with(Vec::is_empty)>
                <div class="empty">
                    <p class="empty-title">{lang.nobody_live()}</p>
                    <p>{lang.nobody_live_hint()}</p>
                </div>
            </Show>
            <ul class="cards">{move || live.get().into_iter().map(|channel| channel_card(lang, channel)).collect_view()}</ul>
        </section>
        <section aria-labelledby="offline" hidden=move || rest.with(Vec::is_empty)>
            <h2 id="offline">{lang.offline()}</h2>
            <ul class="chips">{move || rest.get().into_iter().map(channel_chip).collect_view()}</ul>
        </section>
    }
}

/// Channels with something to see, and those without.
fn split(channels: &[Channel]) -> (Vec<Channel>, Vec<Channel>) {
    channels.iter().cloned().partition(|channel| channel.state != LiveState::Offline)
}

/// A channel with its picture.
pub fn channel_card(lang: Lang, channel: Channel) -> AnyView {
    let live = channel.state == LiveState::Live;
    let category =
        channel.category.as_ref().map(|category| view! { <span class="muted">{category.name.clone()}</span> });
    let mature = channel.mature.then(|| view! { <span class="badge badge-mature">{lang.mature()}</span> });
    let locked =
        (channel.access != AccessKind::Public).then(|| view! { <span class="badge">{lang.restricted()}</span> });
    let marks = (mature.is_some() || locked.is_some() || !channel.tags.is_empty()).then(|| {
        let tag = |tag: &String| view! { <span class="tag">{tag.clone()}</span> };
        view! { <span class="card-marks">{mature}{locked}{channel.tags.iter().take(3).map(tag).collect_view()}</span> }
    });
    view! {
        <li class="card">
            <a href=format!("/{}", channel.name)>
                <span class="thumbnail">
                    {channel.thumbnail.clone().map(|url| view! { <img src=url alt="" loading="lazy" width="640" height="360"/> })}
                    <span class="badge" class:badge-live=live>{lang.state_name(channel.state)}</span>
                    <span class="badge badge-count">{lang.viewers(channel.viewers)}</span>
                </span>
                <span class="card-text">
                    {channel_avatar(&channel)}
                    <span class="card-lines">
                        <strong class="card-title">{text::heading(&channel)}</strong>
                        <span class="muted">{text::name(&channel)}</span>
                        {category}
                        {marks}
                    </span>
                </span>
            </a>
        </li>
    }
    .into_any()
}

/// A channel in a line.
pub fn channel_chip(channel: Channel) -> AnyView {
    view! {
        <li>
            <a class="chip" href=format!("/{}", channel.name)>
                {channel_avatar(&channel)}
                <span class="card-lines">
                    <strong>{text::name(&channel)}</strong>
                    <span class="muted chip-title">{channel.title.clone()}</span>
                </span>
            </a>
        </li>
    }
    .into_any()
}

fn channel_avatar(channel: &Channel) -> AnyView {
    match channel.avatar.as_ref().and_then(|picture| picture.at_least(80)) {
        Some(picture) => {
            let url = picture.url.clone();
            view! { <img class="avatar" src=url alt="" width="40" height="40" loading="lazy"/> }.into_any()
        }
        None => view! {
            <span class="avatar" data-hue=text::hue(&channel.name).to_string() aria-hidden="true">
                {text::initial(&text::name(channel))}
            </span>
        }
        .into_any(),
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
