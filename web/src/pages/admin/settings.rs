//! The instance itself: its settings, what it announces, its categories.

use crate::pages::{
    document::Visitor,
    form::{Form, Input, Kind},
    parts::{self, Tone, panel, table, words},
    settings::upload,
};
use leptos::prelude::*;
use rivulet_protocol::rest::{AnnouncementRecord, Category, InstanceSettings, SignUp};

pub fn settings(visitor: &Visitor, settings: InstanceSettings) -> AnyView {
    let lang = visitor.lang;
    let form = Form::new(visitor, "instance", "PUT admin/settings");
    let modes = SignUp::ALL.iter().map(|it| (it.as_str().to_owned(), lang.sign_up_mode(*it).to_owned())).collect();
    let number = |name: &'static str, label: &'static str, value: u32| {
        Input::new(Kind::Number, name, label).value(value.to_string()).required()
    };
    let retention = number("retention_hours", lang.retention(), settings.retention_hours).hint(lang.retention_hint());
    let ladder = Input::text("ladder", lang.ladder()).value(settings.ladder).max(200).hint(lang.ladder_hint());
    let create =
        Input::check("viewers_create_channels", lang.viewers_create_channels(), settings.viewers_create_channels);
    let inputs = view! {
        {form.input(Input::text("name", lang.name()).value(settings.name).required().max(40))}
        {form.input(Input::choice("sign_up", lang.sign_up_how(), modes).value(settings.sign_up.as_str()))}
        {form.input(create)}
        {form.input(number("max_channels_per_user", lang.max_channels(), settings.max_channels_per_user))}
        {form.input(retention)}
        {form.input(ladder)}
        <button class="button button-primary">{lang.save()}</button>
    };
    view! {
        {panel("instance", lang.instance(), form.done("stack", inputs.into_any()))}
        {panel("logo", lang.logo(), logo(visitor))}
    }
    .into_any()
}

fn logo(visitor: &Visitor) -> AnyView {
    let lang = visitor.lang;
    let present = visitor.instance.logo.clone().map(|url| {
        let form = Form::new(visitor, "logo-removal", "DELETE admin/logo");
        let removal = form.done("", view! { <button class="button button-quiet">{lang.remove()}</button> }.into_any());
        view! { <div class="picture-row"><img src=url alt="" width="96" height="96"/>{removal}</div> }
    });
    view! { {present} {upload(visitor, "logo", "PUT admin/logo".to_owned())} }.into_any()
}

pub fn announcements(visitor: &Visitor, list: Vec<AnnouncementRecord>) -> AnyView {
    let lang = visitor.lang;
    let form = Form::new(visitor, "announcement", "POST admin/announcements");
    let until = Input::new(Kind::Time, "until_ms", lang.until_utc()).optional();
    let inputs = view! {
        {form.input(Input::new(Kind::Area, "text", lang.text()).required().max(300).hint(lang.announcement_hint()))}
        {form.input(Input::check("urgent", lang.urgent(), false))}
        {form.input(until)}
        <button class="button button-primary">{lang.announce()}</button>
    };
    let create = form.done("stack", inputs.into_any());
    let row = |it: &AnnouncementRecord| {
        let id = &it.announcement.id;
        let form = Form::new(visitor, format!("removal-{id}"), format!("DELETE admin/announcements/{id}"));
        let button = view! { <button class="button button-quiet">{lang.remove()}</button> };
        let urgent = it.announcement.urgent.then(|| parts::badge(Tone::Bad, lang.urgent()));
        let over = it.until_ms.is_some_and(|until| until <= visitor.now_ms);
        let until = match it.until_ms {
            Some(_) if over => parts::badge(Tone::Plain, lang.is_over()),
            Some(until) => parts::moment(lang, until),
            None => words(lang.for_ever()),
        };
        vec![
            view! { {it.announcement.text.clone()} " " {urgent} }.into_any(),
            words(it.created_by.clone()),
            until,
            form.done("", button.into_any()),
        ]
    };
    let list = match list.is_empty() {
        true => parts::empty(lang.no_announcements(), lang.announcement_hint()),
        false => table(
            lang,
            lang.announcements(),
            &[lang.text(), lang.made_by(), lang.until(), ""],
            list.iter().map(row).collect(),
        ),
    };
    view! { {panel("announcements", lang.announcements(), list)} {panel("new-announcement", lang.announce(), create)} }
        .into_any()
}

pub fn categories(visitor: &Visitor, list: Vec<Category>) -> AnyView {
    let lang = visitor.lang;
    let form = Form::new(visitor, "category", "POST admin/categories");
    let button = view! { <button class="button button-primary">{lang.add()}</button> };
    let input = form.input_with(Input::text("name", lang.name()).required().max(50), button.into_any());
    let create = form.done("", input);
    let one = |it: Category| {
        let path = format!("admin/categories/{}", it.slug);
        let removal = Form::new(visitor, format!("removal-{}", it.slug), format!("DELETE {path}"));
        let button = view! { <button class="button button-quiet">{lang.delete()}</button> };
        let removal = removal.done("", button.into_any());
        let picture = Form::new(visitor, format!("picture-{}", it.slug), format!("PUT {path}/picture")).upload();
        let file = Input::new(Kind::File("image/png,image/jpeg,image/webp"), "file", lang.picture());
        let button = view! { <button class="button">{lang.upload()}</button> };
        let input = picture.input_with(file.required().hint(lang.picture_hint()), button.into_any());
        let open = picture.has_news();
        view! {
            <details class="row" open=open>
                <summary><strong>{it.name}</strong></summary>
                {picture.done("", input)}
                {removal}
            </details>
        }
    };
    view! {
        {panel("new-category", lang.new_category(), create)}
        <div class="rows">{list.into_iter().map(one).collect_view()}</div>
    }
    .into_any()
}
