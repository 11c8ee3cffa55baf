//! How a channel presents itself, and its end.

use crate::pages::{
    document::Visitor,
    form::{Form, Input, Kind},
    parts::{self, AvatarSize, confirmed, panel},
    settings::upload,
};
use leptos::prelude::*;
use rivulet_protocol::rest::{About, Category, Channel, ChannelRole};

pub fn profile(
    visitor: &Visitor,
    channel: &Channel,
    about: &About,
    categories: Vec<Category>,
    role: Option<ChannelRole>,
) -> AnyView {
    let lang = visitor.lang;
    let end =
        (role == Some(ChannelRole::Owner)).then(|| panel("end", lang.delete_channel(), deletion(visitor, channel)));
    view! {
        {panel("about", lang.about_channel(), details(visitor, channel, about, categories))}
        {panel("pictures", lang.pictures(), pictures(visitor, channel, about))}
        {end}
    }
    .into_any()
}

fn details(visitor: &Visitor, channel: &Channel, about: &About, categories: Vec<Category>) -> AnyView {
    let lang = visitor.lang;
    let form = Form::new(visitor, "profile", format!("PATCH channels/{}", channel.name));
    let category = channel.category.as_ref().map(|category| category.slug.clone()).unwrap_or_default();
    let text = |name: &'static str, label: &'static str, value: &str| Input::text(name, label).value(value);
    let spoken = choices_or_none(lang.not_said(), lang.spoken_languages());
    let inputs = view! {
        {form.input(text("display_name", lang.display_name(), &channel.display_name).max(40).hint(lang.channel_name_hint()))}
        {form.input(text("title", lang.title(), &channel.title).max(140).placeholder(lang.title_placeholder()))}
        {form.input(Input::choice("category", lang.category(), category_choices(visitor, categories)).value(category))}
        {form.input(Input::new(Kind::Words, "tags", lang.tags()).value(channel.tags.join(", ")).hint(lang.tags_hint()))}
        {form.input(Input::choice("language", lang.spoken_language(), spoken).value(channel.language.clone()))}
        {form.input(Input::new(Kind::Area, "description", lang.description()).value(about.description.clone()).max(500))}
        {form.input(Input::check("mature", lang.mature_flag(), channel.mature).hint(lang.mature_hint()))}
        <button class="button button-primary">{lang.save()}</button>
    };
    form.done("stack", inputs.into_any())
}

/// Slugs and names, the first of which is none.
pub fn category_choices(visitor: &Visitor, categories: Vec<Category>) -> Vec<(String, String)> {
    choices_or_none(visitor.lang.no_category(), categories.into_iter().map(|it| (it.slug, it.name)))
}

fn choices_or_none(none: &str, all: impl IntoIterator<Item = (String, String)>) -> Vec<(String, String)> {
    std::iter::once((String::new(), none.to_owned())).chain(all).collect()
}

fn pictures(visitor: &Visitor, channel: &Channel, about: &About) -> AnyView {
    let lang = visitor.lang;
    let removal = |id: &'static str, path: &str, there: bool| {
        let form = Form::new(visitor, id, format!("DELETE channels/{}/{path}", channel.name));
        let button = view! { <button class="button button-quiet">{lang.remove()}</button> };
        there.then(|| form.done("", button.into_any()))
    };
    let banner = about.banner.as_ref().and_then(|picture| picture.at_least(600)).map(|picture| {
        view! { <img class="banner" src=picture.url.clone() alt="" width=picture.width height=picture.height/> }
    });
    view! {
        <h3>{lang.picture()}</h3>
        <div class="picture-row">
            {parts::avatar(&channel.name, channel.avatar.as_ref(), AvatarSize::Huge)}
            <div class="stack">
                {upload(visitor, "avatar", format!("PUT channels/{}/avatar", channel.name))}
                {removal("avatar-removal", "avatar", channel.avatar.is_some())}
            </div>
        </div>
        <h3>{lang.banner()}</h3>
        {banner}
        {upload(visitor, "banner", format!("PUT channels/{}/banner", channel.name))}
        {removal("banner-removal", "banner", about.banner.is_some())}
    }
    .into_any()
}

fn deletion(visitor: &Visitor, channel: &Channel) -> AnyView {
    let lang = visitor.lang;
    let form = Form::new(visitor, "deletion", format!("DELETE channels/{}", channel.name)).next("/dashboard");
    let button = view! { <button class="button button-danger">{lang.delete_channel()}</button> };
    let form = form.done("", button.into_any());
    view! { <p>{lang.delete_channel_text()}</p> {confirmed(lang.delete_channel(), lang.delete_account_question(), form)} }.into_any()
}
