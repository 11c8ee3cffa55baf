//! Event streams and the clipboard, for the dashboard.

use leptos::prelude::{document, set_timeout, window};
use serde::de::DeserializeOwned;
use std::{cell::RefCell, rc::Rc, time::Duration};
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{EventSource, HtmlDocument, HtmlTextAreaElement, MessageEvent};

/// How long until an event stream that the browser has given up is opened again.
const REOPEN_AFTER: Duration = Duration::from_secs(3);

pub fn after(delay: Duration, task: impl FnOnce() + 'static) {
    set_timeout(task, delay);
}

/// Hands each event `name` of the stream at `url` to `receive`, for as long as the page is open.
pub fn follow_stream<T: DeserializeOwned + 'static>(url: String, name: &'static str, receive: impl Fn(T) + 'static) {
    follow_shared(url, name, Rc::new(receive));
}

fn follow_shared<T: DeserializeOwned + 'static>(url: String, name: &'static str, receive: Rc<dyn Fn(T)>) {
    let Ok(source) = EventSource::new(&url) else { return };
    let on_event = {
        let receive = receive.clone();
        Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
            if let Some(value) = event.data().as_string().and_then(|json| serde_json::from_str(&json).ok()) {
                receive(value);
            }
        })
    };
    let listening = source.add_event_listener_with_callback(name, on_event.as_ref().unchecked_ref()).is_ok();
    if !listening {
        return;
    }
    // The browser reconnects by itself after a lost connection, but not after an error status.
    let reopen = RefCell::new(Some(move || follow_shared(url, name, receive)));
    let on_error = {
        let source = source.clone();
        Closure::<dyn Fn()>::new(move || {
            if source.ready_state() == EventSource::CLOSED
                && let Some(reopen) = reopen.take()
            {
                after(REOPEN_AFTER, reopen);
            }
        })
    };
    source.set_onerror(Some(on_error.as_ref().unchecked_ref()));
    // Both live as long as the page.
    on_event.forget();
    on_error.forget();
}

/// Puts `text` on the clipboard. The clipboard's own interface exists only on HTTPS and localhost;
/// on a plain address in the local network the old way through a selection still works.
pub fn copy(text: &str) -> bool {
    if window().is_secure_context() {
        // A refusal shows nothing: the person sees no new content on pasting and copies by hand.
        let _pending = window().navigator().clipboard().write_text(text);
        return true;
    }
    copy_by_selection(text).unwrap_or(false)
}

fn copy_by_selection(text: &str) -> Option<bool> {
    let document: HtmlDocument = document().dyn_into().ok()?;
    let area: HtmlTextAreaElement = document.create_element("textarea").ok()?.dyn_into().ok()?;
    area.set_value(text);
    document.body()?.append_child(&area).ok()?;
    area.select();
    let copied = document.exec_command("copy").ok();
    area.remove();
    copied
}
