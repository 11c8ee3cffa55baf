//! `/{channel}` and `/embed/{channel}`: the player and what is playing. The markup is complete
//! without any script of ours except the player's own.

use super::document::{Islands, Page, Visitor};
use crate::{client, islands::NowPlaying, text};
use leptos::prelude::*;
use rivulet_protocol::rest::{Channel, LiveState};

pub fn channel(visitor: &Visitor, channel: Channel) -> Page {
    let page = about(visitor, &channel);
    let instance = visitor.instance.clone();
    let body = view! {
        <div class="watch">
            {player(visitor, &channel)}
            <NowPlaying lang=visitor.lang channel=channel instance=instance now_ms=visitor.now_ms/>
        </div>
    };
    Page { islands: Islands::Viewer, body: body.into_any(), ..page }
}

/// The player alone, which fills its frame.
pub fn embed(visitor: &Visitor, channel: Channel) -> Page {
    Page { framed: true, body: player(visitor, &channel), ..about(visitor, &channel) }
}

/// What there is to say of the channel in a link to it.
fn about(visitor: &Visitor, channel: &Channel) -> Page {
    let (lang, instance) = (visitor.lang, &visitor.instance);
    let description = match channel.state {
        LiveState::Offline => lang.offline_on(&channel.name, instance),
        _ => lang.live_on(&channel.name, instance, &text::heading(channel)),
    };
    let title = lang.channel_title(channel, instance);
    let image = channel.thumbnail.clone();
    Page { image, player: true, ..Page::plain(title, description, ().into_any()) }
}

/// `web/player` reads the data attributes and shows one of the overlays by `data-state`.
fn player(visitor: &Visitor, channel: &Channel) -> AnyView {
    let lang = visitor.lang;
    let state = match channel.state {
        LiveState::Offline => "offline",
        LiveState::Starting => "starting",
        LiveState::Live => "live",
        LiveState::Reconnecting => "reconnecting",
    };
    let name = channel.name.clone();
    let stream = channel.playback.clone();
    view! {
        <section
            class="player"
            id="player"
            aria-label=lang.player()
            data-state=state
            data-events=client::channel_events(&name)
            data-playback=channel.playback.clone()
            data-revision=channel.revision.to_string()
        >
            <media-controller defaultstreamtype="live" liveedgeoffset="10" fullscreenelement="player" novolumepref="" nomutedpref="">
                <video slot="media" playsinline muted autoplay poster=channel.thumbnail.clone()></video>
                <media-loading-indicator slot="centered-chrome" noautohide=""></media-loading-indicator>
                <media-error-dialog slot="dialog"></media-error-dialog>
                <media-rendition-menu hidden anchor="auto"></media-rendition-menu>
                <media-control-bar>
                    <media-play-button></media-play-button>
                    <media-mute-button></media-mute-button>
                    <media-volume-range></media-volume-range>
                    <media-live-button></media-live-button>
                    <span class="behind" title=lang.behind_live()></span>
                    <span class="control-gap"></span>
                    <button type="button" class="low-latency" aria-label=lang.low_latency() hidden>
                        <span class="bolt" aria-hidden="true"></span>
                    </button>
                    <media-rendition-menu-button></media-rendition-menu-button>
                    <media-pip-button></media-pip-button>
                    <media-fullscreen-button></media-fullscreen-button>
                </media-control-bar>
            </media-controller>
            <button type="button" class="unmute" hidden>
                <span class="unmute-icon" aria-hidden="true"></span>
                {lang.unmute()}
            </button>
            {overlays(visitor, &name)}
            <noscript>
                <div class="overlay overlay-noscript">
                    <p class="overlay-title">{lang.needs_script()}</p>
                    {stream.map(|url| view! {
                        <p>{lang.or_open()} <a href=url>{lang.the_stream()}</a> {lang.in_media_player()}</p>
                    })}
                </div>
            </noscript>
        </section>
    }
    .into_any()
}

fn overlays(visitor: &Visitor, name: &str) -> AnyView {
    let lang = visitor.lang;
    view! {
        <div class="overlays">
            <div class="overlay" data-for="offline">
                <span class="avatar avatar-huge" data-hue=text::hue(name).to_string() aria-hidden="true">
                    {text::initial(name)}
                </span>
                <p class="overlay-title">{lang.is_offline(name)}</p>
                <p>{lang.offline_hint()}</p>
            </div>
            <div class="overlay" data-for="starting">
                <span class="spinner" aria-hidden="true"></span>
                <p class="overlay-title">{lang.starting()}</p>
                <p>{lang.starting_hint()}</p>
            </div>
            <div class="overlay overlay-note" data-for="reconnecting">
                <span class="spinner" aria-hidden="true"></span>
                <p class="overlay-title">{lang.reconnecting()}</p>
                <p>{lang.reconnecting_hint()}</p>
            </div>
        </div>
    }
    .into_any()
}
