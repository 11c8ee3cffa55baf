//! What holds in a room: its modes, and shield mode.

use super::doer;
use crate::check;
use crate::docs::op;
use crate::refusal::Refusal;
use crate::request::{Body, Caller, Fields, InPath, RequestId};
use crate::{App, now_ms};
use aide::axum::ApiRouter;
use aide::axum::routing::get_with;
use axum::Json;
use axum::extract::State;
use rivulet_protocol::ChannelName;
use rivulet_protocol::policy::Action;
use rivulet_protocol::rest::{ChatSettings, Shield};
use rivulet_store::Deed;
use serde_json::{Map, Value};

const MAX_SLOW_SECONDS: u32 = 3_600;
/// Ninety days, a year, ten years.
const MAX_FOLLOWING_MINUTES: u32 = 129_600;
const MAX_AGE_MINUTES: u32 = 525_600;
const MAX_RETENTION_DAYS: u32 = 3_650;
const MAX_HOSTS: usize = 100;
const MAX_HOST_CHARS: usize = 100;
const MAX_RAID_CHANNELS: usize = 200;

pub fn routes() -> ApiRouter<App> {
    ApiRouter::new()
        .api_route(
            "/channels/{name}/chat/settings",
            get_with(show, op("chat", "The modes of a chat")).put_with(set, op("chat", "Set the modes of a chat")),
        )
        .api_route(
            "/channels/{name}/chat/shield",
            get_with(shield, op("chat", "Shield mode")).put_with(set_shield, op("chat", "Set shield mode")),
        )
}

async fn show(State(app): State<App>, caller: Caller, InPath(channel): InPath) -> Result<Json<ChatSettings>, Refusal> {
    caller.may_in(&app, &channel, Action::ModerateChat).await?;
    Ok(Json(app.store.own_chat_settings(&channel.id).await?.0))
}

async fn set(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    InPath(channel): InPath,
    Body(body): Body<Fields<ChatSettings>>,
) -> Result<Json<ChatSettings>, Refusal> {
    let by = doer(&app, &caller, &channel, Action::ModerateChat, &id).await?;
    let own = app.store.own_chat_settings(&channel.id).await?.0;
    let settings = checked(overlaid(&own, &body.fields)?)?;
    if beyond_modes(&own) != beyond_modes(&settings) {
        caller.may_in(&app, &channel, Action::EditChannel).await?;
    }
    let done = app.store.moderate(&channel, &by, Deed::Settings(&settings), now_ms()).await?;
    app.acted(&done.channels).await;
    Ok(Json(settings))
}

/// What is the channel's, and not for whoever looks after the chat.
fn beyond_modes(settings: &ChatSettings) -> impl PartialEq + '_ {
    let ChatSettings { raids_from, raid_channels, share_bans, retention_days, .. } = settings;
    (raids_from, raid_channels, share_bans, retention_days)
}

async fn shield(State(app): State<App>, caller: Caller, InPath(channel): InPath) -> Result<Json<Shield>, Refusal> {
    caller.may_in(&app, &channel, Action::ModerateChat).await?;
    let (_, settings, on) = app.store.own_chat_settings(&channel.id).await?;
    Ok(Json(Shield { on, settings }))
}

async fn set_shield(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    InPath(channel): InPath,
    Body(body): Body<Fields<Shield>>,
) -> Result<Json<Shield>, Refusal> {
    let by = doer(&app, &caller, &channel, Action::ModerateChat, &id).await?;
    let (_, bundle, was_on) = app.store.own_chat_settings(&channel.id).await?;
    let on = match body.fields.get("on") {
        Some(on) => on.as_bool().ok_or_else(|| Refusal::field("on", "bad_value", "This is true or false."))?,
        None => was_on,
    };
    let settings = match body.fields.get("settings") {
        Some(Value::Object(fields)) => Some(checked(overlaid(&bundle, fields)?)?),
        Some(_) => return Err(Refusal::field("settings", "bad_value", "These are settings of a chat.")),
        None => None,
    };
    let deed = Deed::Shield { on, settings: settings.as_ref() };
    let done = app.store.moderate(&channel, &by, deed, now_ms()).await?;
    app.acted(&done.channels).await;
    Ok(Json(Shield { on, settings: settings.unwrap_or(bundle) }))
}

/// Settings with some of them replaced.
pub fn overlaid(settings: &ChatSettings, fields: &Map<String, Value>) -> Result<ChatSettings, Refusal> {
    let Ok(Value::Object(mut all)) = serde_json::to_value(settings) else { return Ok(settings.clone()) };
    for (field, value) in fields {
        let old = all.insert(field.clone(), value.clone());
        if serde_json::from_value::<ChatSettings>(Value::Object(all.clone())).is_err() {
            let known = old.is_some() || field == "followers_only_minutes";
            let detail = "This setting cannot have that value.";
            return Err(if known { Refusal::field(field.clone(), "bad_value", detail) } else { unreadable() });
        }
    }
    serde_json::from_value(Value::Object(all)).map_err(|_| unreadable())
}

fn unreadable() -> Refusal {
    Refusal::new(axum::http::StatusCode::BAD_REQUEST, "bad_body", "The body cannot be read.")
}

pub fn checked(settings: ChatSettings) -> Result<ChatSettings, Refusal> {
    check::between("slow_seconds", settings.slow_seconds, 0, MAX_SLOW_SECONDS)?;
    check::between("followers_only_minutes", settings.followers_only_minutes.unwrap_or(0), 0, MAX_FOLLOWING_MINUTES)?;
    if !matches!(settings.delay_seconds, 0 | 2 | 4 | 6) {
        return Err(Refusal::field("delay_seconds", "out_of_range", "This is 0, 2, 4 or 6."));
    }
    check::between("account_age_minutes", settings.account_age_minutes, 0, MAX_AGE_MINUTES)?;
    check::between("retention_days", settings.retention_days, 0, MAX_RETENTION_DAYS)?;
    check::count("link_hosts", settings.link_hosts.len(), MAX_HOSTS)?;
    check::count("raid_channels", settings.raid_channels.len(), MAX_RAID_CHANNELS)?;
    let hosts = settings.link_hosts.iter().map(|host| check_host(host)).collect::<Result<_, _>>()?;
    let name = |name: &String| match ChannelName::parse(name) {
        Ok(name) => Ok(name.to_string()),
        Err(error) => Err(Refusal::name("raid_channels", error)),
    };
    let channels = settings.raid_channels.iter().map(name).collect::<Result<_, _>>()?;
    Ok(ChatSettings { link_hosts: hosts, raid_channels: channels, ..settings })
}

fn check_host(host: &str) -> Result<String, Refusal> {
    let text = host.trim().to_lowercase();
    match url::Host::parse(&text) {
        Ok(host) if text.chars().count() <= MAX_HOST_CHARS && text.contains('.') => Ok(host.to_string()),
        _ => Err(Refusal::field("link_hosts", "bad_host", "A host is a name such as example.org.")),
    }
}
