//! Pieces that many pages are made of.

use super::document::Visitor;
use crate::{
    text,
    words::{Civil, Lang},
};
use leptos::prelude::*;
use rivulet_protocol::rest::Picture;

/// Somebody's picture, or the letter of the name.
pub fn avatar(name: &str, picture: Option<&Picture>, size: AvatarSize) -> AnyView {
    let (class, pixels) = match size {
        AvatarSize::Small => ("avatar", 40),
        AvatarSize::Large => ("avatar avatar-large", 72),
        AvatarSize::Huge => ("avatar avatar-huge", 96),
    };
    // For screens with two points a pixel.
    match picture.and_then(|picture| picture.at_least(pixels * 2)) {
        Some(picture) => {
            let url = picture.url.clone();
            view! { <img class=class src=url alt="" width=pixels height=pixels loading="lazy"/> }.into_any()
        }
        None => view! {
            <span class=class data-hue=text::hue(name).to_string() aria-hidden="true">{text::initial(name)}</span>
        }
        .into_any(),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AvatarSize {
    Small,
    Large,
    Huge,
}

/// A moment: in UTC as the server writes it, in the visitor's own time where scripts run.
pub fn moment(lang: Lang, ms: i64) -> AnyView {
    let (iso, text) = (Civil::at(ms).iso(), lang.moment(ms));
    view! { <time datetime=iso data-local="moment">{text}</time> }.into_any()
}

/// The same without the time of day.
pub fn date(lang: Lang, ms: i64) -> AnyView {
    let (iso, text) = (Civil::at(ms).iso(), lang.date(ms));
    view! { <time datetime=iso data-local="date">{text}</time> }.into_any()
}

/// That there is nothing here, and what would change that.
pub fn empty(title: &'static str, text: &'static str) -> AnyView {
    view! {
        <div class="empty">
            <p class="empty-title">{title}</p>
            <p>{text}</p>
        </div>
    }
    .into_any()
}

/// A box with a heading; `id` is its address on the page.
pub fn panel(id: &'static str, title: impl Into<String>, body: AnyView) -> AnyView {
    let head = format!("{id}-head");
    view! {
        <section class="panel" id=id aria-labelledby=head>
            <h2 id=head.clone()>{title.into()}</h2>
            {body}
        </section>
    }
    .into_any()
}

/// Links to pages that belong together; the present one is marked.
pub fn tabs(label: &'static str, current: &str, entries: Vec<(String, String)>) -> AnyView {
    let entry = |(href, text): (String, String)| {
        let current = (href == current).then_some("page");
        view! { <a href=href aria-current=current>{text}</a> }
    };
    let entries = entries.into_iter().map(entry).collect_view();
    view! { <nav class="tabs" aria-label=label>{entries}</nav> }.into_any()
}

/// A page of settings: links to its siblings beside it.
pub fn settled(
    label: &'static str,
    current: &str,
    entries: Vec<(String, String)>,
    title: String,
    body: AnyView,
) -> AnyView {
    let nav = tabs(label, current, entries);
    view! {
        <div class="settled">
            {nav}
            <div class="settled-body">
                <h1>{title}</h1>
                {body}
            </div>
        </div>
    }
    .into_any()
}

/// A table whose rows become cards where the screen is narrow.
pub fn table(lang: Lang, caption: impl Into<String>, heads: &[&'static str], rows: Vec<Vec<AnyView>>) -> AnyView {
    // A column without a head has buttons.
    let head = |text: &&'static str| match *text {
        "" => view! { <th scope="col"><span class="visually-hidden">{lang.actions()}</span></th> }.into_any(),
        text => view! { <th scope="col">{text}</th> }.into_any(),
    };
    let row = |cells: Vec<AnyView>| {
        let cell = |(cell, head): (AnyView, &&'static str)| view! { <td data-head=*head><div>{cell}</div></td> };
        view! { <tr>{cells.into_iter().zip(heads).map(cell).collect_view()}</tr> }
    };
    view! {
        <div class="table-box">
            <table>
                <caption class="visually-hidden">{caption.into()}</caption>
                <thead><tr>{heads.iter().map(head).collect_view()}</tr></thead>
                <tbody>{rows.into_iter().map(row).collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

/// A small label, coloured by what it means.
pub fn badge(tone: Tone, text: impl Into<String>) -> AnyView {
    let class = match tone {
        Tone::Plain => "badge",
        Tone::Good => "badge badge-good",
        Tone::Warning => "badge badge-warning",
        Tone::Bad => "badge badge-bad",
        Tone::Live => "badge badge-live",
    };
    view! { <span class=class>{text.into()}</span> }.into_any()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Plain,
    Good,
    Warning,
    Bad,
    Live,
}

/// A button that asks again before it does something that cannot be undone: `form` is in it.
pub fn confirmed(button: &'static str, question: impl Into<String>, form: AnyView) -> AnyView {
    view! {
        <details class="confirm">
            <summary class="button button-quiet">{button}</summary>
            <div class="confirm-body"><p>{question.into()}</p>{form}</div>
        </details>
    }
    .into_any()
}

/// A secret that exists nowhere else.
pub fn shown_once(title: &'static str, text: &'static str, secret: String) -> AnyView {
    view! {
        <div class="notice notice-good shown-once" role="status">
            <p><strong>{title}</strong></p>
            <pre tabindex="0"><code>{secret}</code></pre>
            <p>{text}</p>
        </div>
    }
    .into_any()
}

/// The next page of a list.
pub fn more(lang: Lang, here: &str, next: Option<&str>) -> Option<AnyView> {
    let next = next?;
    let (path, query) = here.split_once('?').unwrap_or((here, ""));
    let kept =
        query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("after=") && !pair.starts_with("saved="));
    let after = format!("after={}", super::percent_encode(next));
    let query: Vec<&str> = kept.chain([after.as_str()]).collect();
    let href = format!("{path}?{}", query.join("&"));
    Some(view! { <p class="more"><a class="button" href=href>{lang.show_more()}</a></p> }.into_any())
}

/// Names of things as links to what they are.
pub fn link(href: String, text: impl Into<String>) -> AnyView {
    view! { <a href=href>{text.into()}</a> }.into_any()
}

pub fn words(text: impl Into<String>) -> AnyView {
    text.into().into_any()
}

/// A picture drawn with lines, in the colour of the text around it. `path` is on a grid of 24.
pub fn icon(path: &'static str) -> AnyView {
    view! {
        <svg class="icon" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" fill="none" stroke="currentColor"
            stroke-width="2" stroke-linecap="round" stroke-linejoin="round"><path d=path></path></svg>
    }
    .into_any()
}

pub const BELL: &str = "M6 9a6 6 0 0 1 12 0c0 6 2.500 7 2.500 7h-17S6 15 6 9m4 11a2.200 2.200 0 0 0 4 0";
pub const WINDOW: &str = "M14 4h6v6m0-6-8 8m-2-8H5v15h15v-5";
pub const TO_RIGHT: &str = "M4 5v14m4-7h12m-5-5 5 5-5 5";
pub const SLIDERS: &str = "M4 7h9m4 0h3M4 17h3m4 0h9M15 4v6M9 14v6";
pub const SMILE: &str = "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M8 14s1.500 2.500 4 2.500 4-2.500 4-2.500M9 9v.1m6-.1v.1";
pub const SPEECH: &str = "M4 5h16v11h-9l-5 4v-4H4z";
pub const LENS: &str = "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14m5 12 5 5";

/// How many watched when: an area under a line, with the highest value and both ends named.
pub fn plot(lang: Lang, label: &str, samples: &[(i64, u32)]) -> AnyView {
    const WIDTH: f64 = 720.0;
    const HEIGHT: f64 = 180.0;
    let (Some(first), Some(last)) = (samples.first(), samples.last()) else {
        return view! { <p class="muted">{lang.no_data()}</p> }.into_any();
    };
    let span = (last.0 - first.0).max(1) as f64;
    let peak = samples.iter().map(|(_, value)| *value).max().unwrap_or_default();
    let top = f64::from(peak.max(1));
    let point = |&(at, value): &(i64, u32)| {
        let x = (at - first.0) as f64 / span * WIDTH;
        let y = HEIGHT - f64::from(value) / top * (HEIGHT - 8.0);
        format!("{x:.1},{y:.1}")
    };
    let line = samples.iter().map(point).collect::<Vec<_>>().join(" ");
    let area = format!("0,{HEIGHT} {line} {WIDTH},{HEIGHT}");
    let text = format!("{label}: {}", lang.at_most(peak));
    view! {
        <figure class="plot">
            <svg viewBox="0 0 720 180" preserveAspectRatio="none" role="img" aria-label=text.clone()>
                <polygon points=area></polygon>
                <polyline points=line></polyline>
            </svg>
            <figcaption>
                <span>{moment(lang, first.0)}</span>
                <strong>{lang.at_most(peak)}</strong>
                <span>{moment(lang, last.0)}</span>
            </figcaption>
        </figure>
    }
    .into_any()
}

/// For those who are let do something: `None` sends a guest to log in.
pub fn is_staff(visitor: &Visitor) -> bool {
    use rivulet_protocol::rest::Role;
    visitor.me.as_ref().is_some_and(|me| me.role != Role::Viewer)
}
