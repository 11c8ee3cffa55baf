//! Whole pages: functions from what the API said to HTML. No page asks for anything itself.

mod channel;
mod dashboard;
mod document;
mod forms;
mod home;
mod message;

pub use channel::{ChannelPage, channel};
pub use dashboard::{Dashboard, Notice, Saved, dashboard};
pub use document::{Files, Page, Visitor, percent_encode, render};
pub use forms::{FormError, LoginForm, SetupForm, login, setup};
pub use home::home;
pub use message::{broken, foreign_form, not_found};
