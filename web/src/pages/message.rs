//! Pages that say why there is no other page.

use super::document::{Page, Section};
use leptos::prelude::*;

fn message(title: &'static str, text: String) -> Page {
    Page {
        title: title.to_owned(),
        description: text.clone(),
        image: None,
        player: false,
        islands: false,
        section: Section::None,
        body: view! {
            <div class="empty empty-page">
                <h1>{title}</h1>
                <p>{text}</p>
                <p><a class="button button-primary" href="/">"See who is live"</a></p>
            </div>
        }
        .into_any(),
    }
}

pub fn not_found() -> Page {
    message("Page not found", "There is no channel or page at this address. Perhaps it was misspelt.".to_owned())
}

pub fn broken() -> Page {
    message(
        "Something went wrong",
        "The server could not make this page. Try again in a moment; its log says what happened.".to_owned(),
    )
}

pub fn foreign_form() -> Page {
    message(
        "This form came from elsewhere",
        "The request was sent by a page of another site, so it was not carried out.".to_owned(),
    )
}
