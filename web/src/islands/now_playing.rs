//! Under the player: title, state, viewers and time since the start. The player's script owns the
//! page's one event stream and passes each state on as a DOM event.

use crate::{
    browser,
    text::{self, heading},
    words::{Lang, clock},
};
use leptos::prelude::*;
use rivulet_protocol::rest::{Channel, LiveState};
use std::time::Duration;

/// `now_ms` is the server's clock when it made the page: the time since the start is told by it,
/// so that a wrong clock in the browser does not matter.
#[island]
pub fn NowPlaying(lang: Lang, channel: Channel, instance: String, now_ms: i64) -> impl IntoView {
    let name = text::name(&channel);
    let channel = RwSignal::new(channel);
    let now = RwSignal::new(now_ms);
    Effect::new(move || {
        let instance = instance.clone();
        let ahead_ms = browser::now_ms() - now_ms;
        browser::every(Duration::from_secs(1), move || now.set(browser::now_ms() - ahead_ms));
        browser::follow_channel(move |state: Channel| {
            document().set_title(&lang.channel_title(&state, &instance));
            channel.set(state);
        });
    });
    let state = Memo::new(move |_| channel.with(|channel| channel.state));
    let live = move || state.get() == LiveState::Live;
    let on_air = move || state.get() != LiveState::Offline;
    let uptime = move || {
        let started = channel.with(|channel| channel.started_at_ms);
        started.map(|started| clock(now.get() - started)).unwrap_or_default()
    };
    view! {
        <div class="now-playing">
            <div class="now-playing-text">
                <h1>{move || channel.with(heading)}</h1>
                <p class="muted">{name}</p>
            </div>
            <dl class="facts">
                <div>
                    <dt class="visually-hidden">{lang.state()}</dt>
                    <dd>
                        <span class="badge" class:badge-live=live role="status">{move || lang.state_name(state.get())}</span>
                    </dd>
                </div>
                <div class:invisible=move || !on_air()>
                    <dt class="visually-hidden">{lang.watching()}</dt>
                    <dd class="viewers">{move || channel.with(|channel| lang.viewers(channel.viewers))}</dd>
                </div>
                <div class:invisible=move || !on_air()>
                    <dt class="visually-hidden">{lang.live_for()}</dt>
                    <dd class="uptime">{uptime}</dd>
                </div>
            </dl>
        </div>
    }
}
