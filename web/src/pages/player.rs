//! The player and what lies over it. `web/player` reads the data attributes and shows one of the
//! overlays by `data-state`.

use super::{
    channel::is_public,
    document::Visitor,
    form::{Form, Input, Kind},
    percent_encode,
};
use crate::{client, text};
use leptos::prelude::*;
use rivulet_protocol::rest::{AccessKind, Channel, LiveState, Standing};

pub fn player(visitor: &Visitor, channel: &Channel, standing: Option<&Standing>) -> AnyView {
    let lang = visitor.lang;
    let state = match channel.state {
        LiveState::Offline => "offline",
        LiveState::Starting => "starting",
        LiveState::Live => "live",
        LiveState::Reconnecting => "reconnecting",
    };
    let may_watch = standing.is_some_and(|standing| standing.may_watch);
    // Where an address is given on request only.
    let grant = (!is_public(channel)).then(|| format!("/api/v1/channels/{}/playback", channel.name));
    let locked = !is_public(channel) && !may_watch;
    let gate = locked.then(|| gate(visitor, channel));
    view! {
        <section
            class="player"
            id="player"
            aria-label=lang.player()
            data-state=state
            data-events=client::channel_events(&channel.name)
            data-playback=channel.playback.clone()
            data-revision=channel.revision.to_string()
            data-grant=grant
            data-locked=locked.then_some("yes")
        >
            {controls(visitor, channel.thumbnail.clone())}
            <button type="button" class="unmute" hidden>
                <span class="unmute-icon" aria-hidden="true"></span>
                {lang.unmute()}
            </button>
            {overlays(visitor, channel)}
            {gate}
            {without_script(visitor, channel.playback.clone())}
        </section>
    }
    .into_any()
}

fn controls(visitor: &Visitor, poster: Option<String>) -> AnyView {
    let lang = visitor.lang;
    view! {
        <media-controller defaultstreamtype="live" liveedgeoffset="10" fullscreenelement="player" novolumepref="" nomutedpref="">
            <video slot="media" playsinline muted autoplay poster=poster></video>
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
    }
    .into_any()
}

fn overlays(visitor: &Visitor, channel: &Channel) -> AnyView {
    let lang = visitor.lang;
    let name = text::name(channel);
    view! {
        <div class="overlays">
            <div class="overlay" data-for="offline">
                {super::parts::avatar(&channel.name, channel.avatar.as_ref(), super::parts::AvatarSize::Huge)}
                <p class="overlay-title">{lang.is_offline(&name)}</p>
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

/// What stands before a broadcast that not everybody may watch.
fn gate(visitor: &Visitor, channel: &Channel) -> AnyView {
    let lang = visitor.lang;
    let login = || {
        let href = format!("/login?next={}", percent_encode(&format!("/{}", channel.name)));
        view! { <p><a class="button button-primary" href=href target="_top">{lang.log_in()}</a></p> }.into_any()
    };
    let (title, text, action) = match channel.access {
        AccessKind::Public => return ().into_any(),
        AccessKind::Followers if visitor.me.is_none() => {
            (lang.followers_only(), lang.followers_only_guest(), Some(login()))
        }
        AccessKind::Followers => (lang.followers_only(), lang.followers_only_text(), None),
        AccessKind::Private if visitor.me.is_none() => (lang.is_private(), lang.is_private_guest(), Some(login())),
        AccessKind::Private => (lang.is_private(), lang.is_private_text(), None),
        AccessKind::Password => {
            (lang.needs_password(), lang.needs_password_text(), Some(password_form(visitor, channel)))
        }
    };
    view! {
        <div class="overlay overlay-gate">
            <p class="overlay-title">{title}</p>
            <p>{text}</p>
            {action}
        </div>
    }
    .into_any()
}

/// `web/player` sends it, since the address that comes back is for the player.
fn password_form(visitor: &Visitor, channel: &Channel) -> AnyView {
    let lang = visitor.lang;
    let form = Form::new(visitor, "watch", format!("POST channels/{}/playback", channel.name)).once();
    let input = Input::new(Kind::Secret, "password", lang.password()).required();
    let button = view! { <button class="button button-primary">{lang.watch()}</button> };
    let field = form.input_with(input, button.into_any());
    let inputs = view! { {field} <p class="field-error" data-refusal="" role="alert" hidden></p> };
    form.done("gate-form", inputs.into_any())
}

fn without_script(visitor: &Visitor, stream: Option<String>) -> AnyView {
    let lang = visitor.lang;
    let address = stream.map(|url| {
        view! { <p>{lang.or_open()} <a href=url>{lang.the_stream()}</a> {lang.in_media_player()}</p> }
    });
    view! {
        <noscript>
            <div class="overlay overlay-noscript">
                <p class="overlay-title">{lang.needs_script()}</p>
                {address}
            </div>
        </noscript>
    }
    .into_any()
}
