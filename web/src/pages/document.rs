//! What every page has in common: head, header, footer, and the rendering itself.

use super::{
    form::Form,
    parts::{self, AvatarSize},
};
use crate::{
    form::{Flash, Outcome},
    server::Needs,
    words::Lang,
};
use hydration_context::SsrSharedContext;
use leptos::prelude::*;
use rivulet_protocol::rest::{Announcement, Instance, Me, SignUp};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

/// Where the browser finds the embedded files; empty where the bundle was not built.
#[derive(Debug, Default, Clone)]
pub struct Files {
    pub style: Option<String>,
    pub logo: Option<String>,
    pub page: Option<String>,
    pub player: Option<String>,
    /// Passkeys and Web Push.
    pub account: Option<String>,
    pub chat: Option<String>,
    /// What wakes the islands, and its WebAssembly.
    pub viewer: Option<(String, String)>,
    pub studio: Option<(String, String)>,
}

/// Who looks at the page.
#[derive(Clone)]
pub struct Visitor {
    pub lang: Lang,
    pub instance: Instance,
    pub me: Option<Me>,
    /// How the visitor reached us: `https://tv.example`.
    pub origin: String,
    /// Path and query of this page, to come back to after logging in.
    pub here: String,
    /// What became of the form that asked for this page.
    pub flash: Option<Flash>,
    /// The form that led here when it was saved.
    pub saved: Option<String>,
    /// The form that it is about has said it; otherwise the page does.
    pub said: Arc<AtomicBool>,
    pub now_ms: i64,
}

impl Visitor {
    /// The page itself says what became of the form that led here.
    pub fn is_told(&self) {
        self.said.store(true, Relaxed);
    }
}

/// Which islands a page has, and so which WebAssembly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Islands {
    None,
    /// For everybody.
    Viewer,
    /// Also those of the dashboard.
    Studio,
}

pub struct Page {
    pub title: String,
    pub description: String,
    /// A picture for link previews.
    pub image: Option<String>,
    /// Makes them known to feed readers: title and address.
    pub feed: Option<(String, String)>,
    pub player: bool,
    /// Logs in by passkey, or has something to do with the browser's keys.
    pub account: bool,
    /// Has a chat on it.
    pub chat: bool,
    pub islands: Islands,
    pub section: Section,
    /// Shown in frames of other sites.
    pub framed: bool,
    /// Without header and footer: the class of what is left.
    pub alone: Option<&'static str>,
    pub body: AnyView,
}

impl Page {
    /// One of text, links and forms.
    pub fn plain(title: String, description: String, body: AnyView) -> Self {
        Self {
            title,
            description,
            image: None,
            feed: None,
            player: false,
            account: false,
            chat: false,
            islands: Islands::None,
            section: Section::None,
            framed: false,
            alone: None,
            body,
        }
    }
}

/// Which entry of the header a page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    Browse,
    Following,
    Categories,
    GoLive,
    Account,
    None,
}

/// Renders the page that `page` makes. A page is a snapshot: nothing in it is waited for, so it is
/// one string, and its status is known before the first byte is sent.
pub fn render(files: &Files, visitor: &Visitor, nonce: &str, page: impl FnOnce(&Visitor) -> Page) -> (String, Needs) {
    let owner = Owner::new_root(Some(Arc::new(SsrSharedContext::new_islands())));
    let rendered = owner.with(|| {
        let page = page(visitor);
        let needs = Needs { player: page.player, framed: page.framed };
        (document(files, visitor, nonce, page).to_html(), needs)
    });
    owner.unset_with_forced_cleanup();
    rendered
}

fn document(files: &Files, visitor: &Visitor, nonce: &str, mut page: Page) -> AnyView {
    let lang = visitor.lang.tag();
    let alone = page.alone;
    let body = std::mem::replace(&mut page.body, ().into_any());
    let shell = match alone {
        Some(class) => view! { <main class=class>{body}</main> }.into_any(),
        None => shell(files, visitor, page.section, body),
    };
    view! {
        <!DOCTYPE html>
        <html lang=lang>
            {head(files, visitor, nonce, page)}
            <body data-alone=alone>{shell}</body>
        </html>
    }
    .into_any()
}

fn head(files: &Files, visitor: &Visitor, nonce: &str, page: Page) -> AnyView {
    let Page { title, description, image, feed, player, account, chat, islands, .. } = page;
    let origin = &visitor.origin;
    let script = |url: String| view! { <script type="module" src=url nonce=nonce.to_owned()></script> };
    let app = match islands {
        Islands::None => None,
        Islands::Viewer => files.viewer.clone(),
        Islands::Studio => files.studio.clone(),
    };
    let app =
        app.map(|(app, wasm)| view! { <script type="module" src=app data-wasm=wasm nonce=nonce.to_owned()></script> });
    view! {
        <head>
            <meta charset="utf-8"/>
            <meta name="viewport" content="width=device-width, initial-scale=1"/>
            <title>{title.clone()}</title>
            <meta name="description" content=description.clone()/>
            <meta name="color-scheme" content="dark light"/>
            {link_preview("og:title", title)}
            {link_preview("og:description", description)}
            {link_preview("og:site_name", visitor.instance.name.clone())}
            {link_preview("og:type", "website".to_owned())}
            {link_preview("og:url", format!("{origin}{}", visitor.here.split('?').next().unwrap_or("/")))}
            {image.map(|url| link_preview("og:image", absolute(origin, url)))}
            {feed.map(|(title, url)| view! { <link rel="alternate" type="application/rss+xml" title=title href=url/> })}
            {files.logo.clone().map(|url| view! { <link rel="icon" type="image/svg+xml" href=url/> })}
            {files.style.clone().map(|url| view! { <link rel="stylesheet" href=url/> })}
            {files.page.clone().map(script)}
            {account.then(|| files.account.clone()).flatten().map(script)}
            {player.then(|| files.player.clone()).flatten().map(script)}
            {chat.then(|| files.chat.clone()).flatten().map(script)}
            {app}
        </head>
    }
    .into_any()
}

/// Who shows a link elsewhere has no page that the address could be relative to.
fn absolute(origin: &str, url: String) -> String {
    if url.starts_with('/') { format!("{origin}{url}") } else { url }
}

/// What chats and social sites show of a link to the page.
fn link_preview(property: &'static str, content: String) -> impl IntoView {
    leptos::html::meta().attr("property", property).content(content)
}

fn shell(files: &Files, visitor: &Visitor, section: Section, body: AnyView) -> AnyView {
    view! {
        <a class="skip-link" href="#content">{visitor.lang.skip()}</a>
        {header(visitor, visitor.instance.logo.clone().or(files.logo.clone()), section)}
        {announcements(visitor)}
        <main id="content" tabindex="-1">{unsaid(visitor)} {body}</main>
        {footer(visitor)}
    }
    .into_any()
}

/// What became of a form that is not on the page any more.
fn unsaid(visitor: &Visitor) -> Option<AnyView> {
    if visitor.said.load(Relaxed) {
        return None;
    }
    match &visitor.flash {
        Some(flash) => match &flash.outcome {
            Outcome::Refused(error) => {
                let message = error.message(visitor.lang);
                Some(view! { <p class="notice notice-bad page-notice" role="alert">{message}</p> }.into_any())
            }
            Outcome::Answer(_) => None,
        },
        None => visitor.saved.as_ref().map(|form| {
            let text = visitor.lang.saved_form(form);
            view! { <p class="notice notice-good page-notice" role="status">{text}</p> }.into_any()
        }),
    }
}

/// What everybody is told, and what this visitor is.
fn announcements(visitor: &Visitor) -> Option<AnyView> {
    let (lang, all) = (visitor.lang, &visitor.instance.announcements);
    let suspended = suspended(visitor);
    if all.is_empty() && suspended.is_none() {
        return None;
    }
    let one = |it: &Announcement| {
        let class = if it.urgent { "announcement announcement-urgent" } else { "announcement" };
        view! { <p class=class>{it.text.clone()}</p> }
    };
    Some(
        view! { <aside aria-label=lang.announcements()>{all.iter().map(one).collect_view()} {suspended}</aside> }
            .into_any(),
    )
}

/// Whoever is suspended is told so, and why.
fn suspended(visitor: &Visitor) -> Option<AnyView> {
    let suspension = visitor.me.as_ref()?.suspended.as_ref()?;
    let text = visitor.lang.you_are_suspended(suspension);
    Some(view! { <p class="announcement announcement-urgent" role="alert">{text}</p> }.into_any())
}

fn header(visitor: &Visitor, logo: Option<String>, section: Section) -> AnyView {
    let lang = visitor.lang;
    let current = move |entry: Section| (entry == section).then_some("page");
    let following = visitor.me.as_ref().map(|_| {
        view! { <a href="/followed" aria-current=current(Section::Following)>{lang.following()}</a> }
    });
    let account = match &visitor.me {
        Some(me) => account_menu(visitor, me, section),
        None => guest_links(visitor, section),
    };
    view! {
        <header class="site-header">
            <a class="wordmark" href="/">
                {logo.map(|url| view! { <img src=url alt="" width="28" height="28"/> })}
                <span>{visitor.instance.name.clone()}</span>
            </a>
            <nav class="site-nav" aria-label=lang.main_navigation()>
                <a href="/" aria-current=current(Section::Browse)>{lang.browse()}</a>
                {following}
                <a href="/categories" aria-current=current(Section::Categories)>{lang.categories()}</a>
            </nav>
            {search_box(lang)}
            <div class="account">{account}</div>
        </header>
    }
    .into_any()
}

fn search_box(lang: Lang) -> AnyView {
    view! {
        <form class="site-search" role="search" action="/search">
            <input type="search" name="q" aria-label=lang.search() placeholder=lang.search() maxlength="100" required
                autocomplete="off"/>
            <button class="icon-button" aria-label=lang.search()>{parts::icon(parts::LENS)}</button>
        </form>
    }
    .into_any()
}

fn guest_links(visitor: &Visitor, section: Section) -> AnyView {
    let lang = visitor.lang;
    let current = (section == Section::Account).then_some("page");
    let next = percent_encode(&visitor.here);
    let sign_up = (visitor.instance.sign_up != SignUp::Closed)
        .then(|| view! { <a class="button button-primary" href="/signup">{lang.sign_up()}</a> });
    view! {
        <a class="button button-quiet" href=format!("/login?next={next}") aria-current=current>{lang.log_in()}</a>
        {sign_up}
    }
    .into_any()
}

fn account_menu(visitor: &Visitor, me: &Me, section: Section) -> AnyView {
    let lang = visitor.lang;
    let logout = Form::new(visitor, "logout", "POST logout").next("/");
    let button = view! { <button class="menu-entry">{lang.log_out()}</button> }.into_any();
    let entry = |href: String, text: &'static str| view! { <a class="menu-entry" href=href>{text}</a> }.into_any();
    let channel = me.channels.first().map(|name| entry(format!("/{name}"), lang.your_channel()));
    let admin = parts::is_staff(visitor).then(|| entry("/admin".to_owned(), lang.admin()));
    let unread = (me.unread > 0).then(|| view! { <span class="dot">{me.unread.min(99)}</span> });
    let bell = match me.unread {
        0 => lang.notifications().to_owned(),
        unread => lang.notifications_unread(unread),
    };
    let live = (section == Section::GoLive).then_some("page");
    view! {
        <a class="button button-quiet go-live" href="/dashboard" aria-current=live>{lang.go_live()}</a>
        <a class="icon-button" href="/notifications" aria-label=bell>{parts::icon(parts::BELL)}{unread}</a>
        <details class="menu">
            <summary aria-label=lang.account()>
                {parts::avatar(&me.username, me.avatar.as_ref(), AvatarSize::Small)}
            </summary>
            <div class="menu-body">
                <p class="menu-head"><strong>{me.display_name.clone()}</strong><span class="muted">{me.username.clone()}</span></p>
                {channel}
                {entry("/dashboard".to_owned(), lang.dashboard())}
                {entry("/followed".to_owned(), lang.following())}
                {entry("/settings".to_owned(), lang.account_settings())}
                {admin}
                {logout.done("", button)}
            </div>
        </details>
    }
    .into_any()
}

fn footer(visitor: &Visitor) -> AnyView {
    let lang = visitor.lang;
    let path = visitor.here.split('?').next().unwrap_or("/").to_owned();
    let language = |it: Lang| {
        let to = format!("{path}?lang={}", it.tag());
        let current = (it == lang).then_some("true");
        view! { <li><a href=to hreflang=it.tag() lang=it.tag() aria-current=current>{it.own_name()}</a></li> }
    };
    view! {
        <footer class="site-footer">
            <p>{visitor.instance.name.clone()} " · " {lang.footer()}</p>
            <p><a href="/api/docs">{lang.for_developers()}</a></p>
            <nav aria-label=lang.language()>
                <ul class="languages">{Lang::ALL.map(language).into_iter().collect_view()}</ul>
            </nav>
        </footer>
    }
    .into_any()
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
