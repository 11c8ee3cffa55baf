//! `/{channel}`: the player and what is playing. The markup is complete without any script of ours
//! except the player's own.

use super::document::{Page, Section};
use crate::{client, islands::NowPlaying, text};
use leptos::prelude::*;
use rivulet_protocol::rest::{Channel, LiveState};

pub struct ChannelPage {
    pub channel: Channel,
    pub instance: String,
    pub now_ms: i64,
}

pub fn channel(page: ChannelPage) -> Page {
    let ChannelPage { channel, instance, now_ms } = page;
    let description = match channel.state {
        LiveState::Offline => format!("{} is offline on {instance} at the moment.", channel.name),
        _ => format!("{} is live on {instance}: {}", channel.name, text::heading(&channel)),
    };
    Page {
        title: text::page_title(&channel, &instance),
        description,
        image: channel.thumbnail.clone(),
        player: true,
        islands: true,
        section: Section::None,
        body: view! {
            <div class="watch">
                {player(&channel)}
                <NowPlaying channel=channel instance=instance now_ms=now_ms/>
            </div>
        }
        .into_any(),
    }
}

/// `web/player` reads the data attributes and shows one of the overlays by `data-state`.
fn player(channel: &Channel) -> impl IntoView + use<> {
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
            aria-label="Player"
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
                    <span class="behind" title="Behind live"></span>
                    <span class="control-gap"></span>
                    <button type="button" class="low-latency" aria-label="Low latency" hidden>
                        <span class="bolt" aria-hidden="true"></span>
                    </button>
                    <media-rendition-menu-button></media-rendition-menu-button>
                    <media-pip-button></media-pip-button>
                    <media-fullscreen-button></media-fullscreen-button>
                </media-control-bar>
            </media-controller>
            <button type="button" class="unmute" hidden>
                <span class="unmute-icon" aria-hidden="true"></span>
                "Unmute"
            </button>
            <div class="overlays">
                <div class="overlay" data-for="offline">
                    <span class="avatar avatar-huge" data-hue=text::hue(&name).to_string() aria-hidden="true">
                        {text::initial(&name)}
                    </span>
                    <p class="overlay-title">{name.clone()} " is offline"</p>
                    <p>"Leave this page open: the picture appears by itself when the stream begins."</p>
                </div>
                <div class="overlay" data-for="starting">
                    <span class="spinner" aria-hidden="true"></span>
                    <p class="overlay-title">"Starting…"</p>
                    <p>"The stream has begun. The first picture is on its way."</p>
                </div>
                <div class="overlay overlay-note" data-for="reconnecting">
                    <span class="spinner" aria-hidden="true"></span>
                    <p class="overlay-title">"Reconnecting…"</p>
                    <p>"The broadcaster’s connection was lost. It goes on as soon as it is back."</p>
                </div>
            </div>
            <noscript>
                <div class="overlay overlay-noscript">
                    <p class="overlay-title">"The player needs JavaScript"</p>
                    {stream.map(|url| view! { <p>"Or open " <a href=url>"the stream"</a> " in a media player such as VLC."</p> })}
                </div>
            </noscript>
        </section>
    }
}
