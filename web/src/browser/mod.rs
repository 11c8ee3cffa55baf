//! What islands need of the browser besides the DOM: events and the clock. Compiles for the server too, where nothing of it is ever called.

#[cfg(any(feature = "ssr", feature = "studio"))]
pub mod studio;

use leptos::prelude::{document, set_interval, window, window_event_listener_untyped};
use serde::de::DeserializeOwned;
use std::time::Duration;
use wasm_bindgen::JsCast;
use web_sys::CustomEvent;

/// Sent by the player's script with the channel's state as JSON, whenever that changes.
const CHANNEL_EVENT: &str = "rivulet:channel";
/// Asks the player's script to send the state that it has, for islands that woke up later.
const ASK_EVENT: &str = "rivulet:ask";

pub fn now_ms() -> i64 {
    js_sys::Date::now() as i64
}

/// Whether anybody can see the page.
pub fn visible() -> bool {
    document().visibility_state() == web_sys::VisibilityState::Visible
}

/// Runs for as long as the page is open.
pub fn every(period: Duration, task: impl Fn() + 'static) {
    set_interval(task, period);
}

/// Hands each state of the page's channel to `receive`, beginning with the present one.
pub fn follow_channel<T: DeserializeOwned>(receive: impl Fn(T) + 'static) {
    // Dropping the handle does not end the listening: that lasts as long as the page.
    let _listener = window_event_listener_untyped(CHANNEL_EVENT, move |event| {
        let detail = event.unchecked_into::<CustomEvent>().detail().as_string();
        if let Some(state) = detail.and_then(|json| serde_json::from_str(&json).ok()) {
            receive(state);
        }
    });
    if let Ok(ask) = CustomEvent::new(ASK_EVENT) {
        // Fails only for events without a name.
        let _sent = window().dispatch_event(&ask);
    }
}
