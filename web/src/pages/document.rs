//! What every page has in common: head, header, footer, and the rendering itself.

use hydration_context::SsrSharedContext;
use leptos::prelude::*;
use rivulet_protocol::rest::Me;
use std::sync::Arc;

/// Where the browser finds the embedded files; empty where the bundle was not built.
#[derive(Debug, Default, Clone)]
pub struct Files {
    pub style: Option<String>,
    pub logo: Option<String>,
    pub player: Option<String>,
    pub app: Option<String>,
    pub app_wasm: Option<String>,
}

/// Who looks at the page.
#[derive(Debug, Clone)]
pub struct Visitor {
    pub instance: String,
    pub me: Option<Me>,
    /// Path and query of this page, to come back to after logging in.
    pub here: String,
}

pub struct Page {
    pub title: String,
    pub description: String,
    /// A picture for link previews.
    pub image: Option<String>,
    pub player: bool,
    pub islands: bool,
    /// Which entry of the header this page is.
    pub section: Section,
    pub body: AnyView,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    Browse,
    GoLive,
    Account,
    None,
}

/// Renders the page that `page` makes. A page is a snapshot: nothing in it is waited for, so it is
/// one string, and its status is known before the first byte is sent.
pub fn render(files: &Files, visitor: &Visitor, page: impl FnOnce() -> Page) -> String {
    let owner = Owner::new_root(Some(Arc::new(SsrSharedContext::new_islands())));
    let html = owner.with(|| document(files, visitor, page()).to_html());
    owner.unset_with_forced_cleanup();
    html
}

fn document(files: &Files, visitor: &Visitor, page: Page) -> impl IntoView + use<> {
    let Page { title, description, image, player, islands, section, body } = page;
    let scripts = islands.then(|| files.app.clone().zip(files.app_wasm.clone())).flatten();
    let logo = files.logo.clone();
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <title>{title.clone()}</title>
                <meta name="description" content=description.clone()/>
                <meta name="color-scheme" content="dark light"/>
                {link_preview("og:title", title)}
                {link_preview("og:description", description)}
                {link_preview("og:site_name", visitor.instance.clone())}
                {image.map(|url| link_preview("og:image", url))}
                {logo.clone().map(|url| view! { <link rel="icon" type="image/svg+xml" href=url/> })}
                {files.style.clone().map(|url| view! { <link rel="stylesheet" href=url/> })}
                {player.then(|| files.player.clone()).flatten().map(|url| view! { <script type="module" src=url></script> })}
                {scripts.map(|(app, wasm)| view! { <script type="module" src=app data-wasm=wasm></script> })}
            </head>
            <body>
                <a class="skip-link" href="#content">"Skip to the content"</a>
                {header(visitor, logo, section)}
                <main id="content" tabindex="-1">{body}</main>
                <footer class="site-footer">
                    <p>{visitor.instance.clone()} " · live streaming on a server of our own, with Rivulet"</p>
                </footer>
            </body>
        </html>
    }
}

/// What chats and social sites show of a link to the page.
fn link_preview(property: &'static str, content: String) -> impl IntoView {
    leptos::html::meta().attr("property", property).content(content)
}

fn header(visitor: &Visitor, logo: Option<String>, section: Section) -> impl IntoView + use<> {
    let current = move |entry: Section| (entry == section).then_some("page");
    let login = format!("/login?next={}", percent_encode(&visitor.here));
    view! {
        <header class="site-header">
            <a class="wordmark" href="/">
                {logo.map(|url| view! { <img src=url alt="" width="28" height="28"/> })}
                <span>{visitor.instance.clone()}</span>
            </a>
            <nav aria-label="Main">
                <a href="/" aria-current=current(Section::Browse)>"Browse"</a>
                <a href="/dashboard" aria-current=current(Section::GoLive)>"Go live"</a>
            </nav>
            <div class="account">
                {match visitor.me.clone() {
                    Some(me) => view! {
                        <span class="account-name">{me.username}</span>
                        <form method="post" action="/logout">
                            <button class="button button-quiet">"Log out"</button>
                        </form>
                    }
                    .into_any(),
                    None => view! {
                        <a class="button button-quiet" href=login aria-current=current(Section::Account)>"Log in"</a>
                    }
                    .into_any(),
                }}
            </div>
        </header>
    }
}

/// Encodes a path for use inside a query value.
pub fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => encoded.push(byte.into()),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}
