//! Whole pages: functions from what the API said to HTML. No page asks for anything itself.

mod channel;
mod dashboard;
mod document;
mod form;
mod home;
mod login;
mod message;

pub use channel::{channel, embed};
pub use dashboard::{Dashboard, dashboard};
pub use document::{Files, Page, Visitor, percent_encode, render};
pub use home::home;
pub use login::{login, setup};
pub use message::{bad_form, broken, foreign_form, not_found, too_large};
