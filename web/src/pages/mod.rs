//! Whole pages: functions from what the API said to HTML. No page asks for anything itself.

mod admin;
mod channel;
mod chat;
mod docs;
mod document;
mod feed;
mod form;
mod home;
mod login;
mod message;
mod notifications;
mod parts;
mod player;
mod second_factor;
mod settings;
mod studio;

pub use admin::{Admin, AuditFilter, admin};
pub use channel::{ChannelHead, Tab, channel, channel_tab, embed};
pub use chat::{ChatShown, Chatting, OverlayLook, dock, overlay, popout};
pub use docs::docs;
pub use document::{Files, Page, Visitor, percent_encode, render};
pub use feed::feed;
pub use home::{Home, Narrowed, categories, followed, home, search};
pub use login::{confirm_email, forgotten, login, reset, setup, signup};
pub use message::{away, bad_form, broken, foreign_form, not_found, too_large};
pub use notifications::notifications;
pub use settings::{Settings, settings};
pub use studio::{ChatAdmin, Dashboard, Desk, Studio, create_channel, dashboard};
