//! Who helps to run the channel, and who follows it.

use crate::pages::{
    document::Visitor,
    form::{Form, Input, Kind},
    parts::{self, panel, table, words},
};
use leptos::prelude::*;
use rivulet_protocol::rest::{Channel, ChannelRole, Follower, Page as Listed, Staff};

pub fn people(visitor: &Visitor, channel: &Channel, staff: Vec<Staff>, followers: Listed<Follower>) -> AnyView {
    let lang = visitor.lang;
    view! {
        {panel("staff", lang.helpers(), helpers(visitor, channel, &staff))}
        {panel("new-helper", lang.add_helper(), add(visitor, channel))}
        {panel("followers", lang.followers(channel.followers), follower_list(visitor, &followers))}
    }
    .into_any()
}

fn helpers(visitor: &Visitor, channel: &Channel, staff: &[Staff]) -> AnyView {
    let lang = visitor.lang;
    let row = |it: &Staff| {
        let call = format!("DELETE channels/{}/staff/{}", channel.name, it.username);
        let form = Form::new(visitor, format!("staff-{}", it.username), call);
        let button = view! { <button class="button button-quiet">{lang.remove()}</button> };
        let action = (it.role != ChannelRole::Owner).then(|| form.done("", button.into_any()));
        vec![
            words(it.display_name.clone()),
            words(lang.channel_role(it.role)),
            parts::date(lang, it.since_ms),
            view! { {action} }.into_any(),
        ]
    };
    match staff.is_empty() {
        true => parts::empty(lang.no_helpers(), lang.no_helpers_text()),
        false => table(
            lang,
            lang.helpers(),
            &[lang.name(), lang.role(), lang.since_when(), ""],
            staff.iter().map(row).collect(),
        ),
    }
}

fn add(visitor: &Visitor, channel: &Channel) -> AnyView {
    let lang = visitor.lang;
    let form = Form::new(visitor, "helper", format!("PUT channels/{}/staff/{{username}}", channel.name));
    let roles = [ChannelRole::Editor, ChannelRole::Moderator];
    let roles = roles.map(|it| (it.as_str().to_owned(), lang.channel_role_does(it).to_owned())).to_vec();
    let inputs = view! {
        {form.input(Input::new(Kind::InPath, "username", lang.user_name()).required())}
        {form.input(Input::choice("role", lang.role(), roles))}
        <button class="button button-primary">{lang.add()}</button>
    };
    form.done("stack", inputs.into_any())
}

fn follower_list(visitor: &Visitor, followers: &Listed<Follower>) -> AnyView {
    let lang = visitor.lang;
    let row = |it: &Follower| {
        vec![words(it.display_name.clone()), words(it.username.clone()), parts::date(lang, it.since_ms)]
    };
    match followers.items.is_empty() {
        true => view! { <p class="muted">{lang.no_followers()}</p> }.into_any(),
        false => view! {
            {table(lang, lang.helpers(), &[lang.name(), lang.user_name(), lang.since_when()], followers.items.iter().map(row).collect())}
            {parts::more(lang, &visitor.here, followers.next.as_deref())}
        }
        .into_any(),
    }
}
