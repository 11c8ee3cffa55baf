//! Pages that say why there is no other page.

use super::document::{Page, Visitor};
use leptos::prelude::*;

fn message(visitor: &Visitor, title: &'static str, text: &'static str) -> Page {
    let body = view! {
        <div class="empty empty-page">
            <h1>{title}</h1>
            <p>{text}</p>
            <p><a class="button button-primary" href="/">{visitor.lang.see_who_is_live()}</a></p>
        </div>
    };
    Page::plain(title.to_owned(), text.to_owned(), body.into_any())
}

pub fn not_found(visitor: &Visitor) -> Page {
    message(visitor, visitor.lang.not_found(), visitor.lang.not_found_text())
}

pub fn broken(visitor: &Visitor) -> Page {
    message(visitor, visitor.lang.broken(), visitor.lang.broken_text())
}

/// For what can be had again in a moment.
pub fn away(visitor: &Visitor) -> Page {
    message(visitor, visitor.lang.away(), visitor.lang.away_text())
}

pub fn foreign_form(visitor: &Visitor) -> Page {
    message(visitor, visitor.lang.foreign_form(), visitor.lang.foreign_form_text())
}

pub fn too_large(visitor: &Visitor) -> Page {
    message(visitor, visitor.lang.too_large(), visitor.lang.too_large_text())
}

pub fn bad_form(visitor: &Visitor) -> Page {
    message(visitor, visitor.lang.bad_form(), visitor.lang.bad_form_text())
}
