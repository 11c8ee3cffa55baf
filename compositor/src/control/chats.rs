//! Chats that layers show: the addresses, each with an id that a layer of the kind `chat` names as its
//! `source`.

use super::App;
use super::refusal::{Body, Refusal};
use crate::chat::Chat;
use crate::frames::lock;
use crate::outputs::State as Connection;
use crate::stage::Happened;
use aide::axum::ApiRouter;
use aide::axum::routing::{get_with, put_with};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use rivulet_scene::Id;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

const MAX_CHATS: usize = 8;
/// Before the name of a chat's document.
const KEPT: &str = "chat/";

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// `wss://HOST/chat/CHANNEL`, or `ws://…`.
    url: String,
}

#[derive(Serialize, JsonSchema)]
struct Shown {
    id: String,
    url: String,
    #[serde(flatten)]
    state: Connection,
    /// Messages that are to be seen.
    lines: usize,
}

pub struct Entry {
    wanted: Wanted,
    chat: Chat,
}

impl Entry {
    pub fn chat(&self) -> &Chat {
        &self.chat
    }

    fn shown(&self, id: &Id) -> Shown {
        let (url, lines) = (self.wanted.url.clone(), self.chat.lines().len());
        Shown { id: id.to_string(), url, state: self.chat.state(), lines }
    }
}

/// Those that were kept go on.
pub fn resume(app: &Arc<App>, kept: &BTreeMap<String, String>) {
    for (name, body) in kept {
        let Some(id) = name.strip_prefix(KEPT) else { continue };
        let wanted = serde_json::from_str::<Wanted>(body).ok();
        if wanted.and_then(|wanted| start(app, id, wanted).ok()).is_none() {
            tracing::warn!("chat={id} cannot be read");
        }
    }
}

pub fn routes() -> ApiRouter<Arc<App>> {
    ApiRouter::new()
        .api_route("/chats", get_with(list, |op| op.summary("Chats that layers show, and their states")))
        .api_route(
            "/chats/{id}",
            put_with(put, |op| op.summary("Follow a chat, or another one"))
                .get_with(show, |op| op.summary("A chat and its state"))
                .delete_with(delete, |op| op.summary("Follow a chat no more")),
        )
}

fn named(id: &str) -> Result<Id, Refusal> {
    Id::try_from(id.to_owned()).map_err(|message| Refusal::field("id", "invalid", message))
}

async fn list(State(app): State<Arc<App>>) -> Json<Vec<Shown>> {
    Json(lock(&app.shared.chats).iter().map(|(id, entry)| entry.shown(id)).collect())
}

async fn show(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Json<Shown>, Refusal> {
    let name = named(&id)?;
    let shown = lock(&app.shared.chats).get(&name).map(|entry| entry.shown(&name));
    shown.map(Json).ok_or_else(|| Refusal::not_found("chat", &id))
}

fn start(app: &Arc<App>, id: &str, wanted: Wanted) -> Result<(), Refusal> {
    let name = named(id)?;
    let url = app.inputs.parse_url(&wanted.url, &["ws", "wss"])?;
    let (weak, of) = (Arc::downgrade(&app.shared), id.to_owned());
    let changed = move || {
        if let Some(shared) = weak.upgrade() {
            shared.stage.tell(Happened::Other { event: "chats", id: of.clone() });
        }
    };
    let mut list = lock(&app.shared.chats);
    if list.len() >= MAX_CHATS && !list.contains_key(&name) {
        let detail = format!("There are {MAX_CHATS} chats already; remove one.");
        return Err(Refusal::new(StatusCode::CONFLICT, "too_many", detail));
    }
    let chat = Chat::spawn(url, app.inputs.outside().clone(), app.trust.clone(), app.stage().clock, changed);
    list.insert(name, Entry { wanted, chat });
    Ok(())
}

async fn put(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Body(wanted): Body<Wanted>,
) -> Result<Json<Shown>, Refusal> {
    app.inputs.check_url(&wanted.url, &["ws", "wss"]).await?;
    start(&app, &id, wanted)?;
    keep(&app, &id).await?;
    show(State(app), Path(id)).await
}

async fn delete(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<StatusCode, Refusal> {
    lock(&app.shared.chats).remove(&named(&id)?).ok_or_else(|| Refusal::not_found("chat", &id))?;
    keep(&app, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn keep(app: &App, id: &str) -> Result<(), Refusal> {
    let name = named(id)?;
    let body = lock(&app.shared.chats).get(&name).and_then(|entry| serde_json::to_string(&entry.wanted).ok());
    app.keeper.put(&format!("{KEPT}{id}"), body);
    app.stage().tell(Happened::Other { event: "chats", id: id.to_owned() });
    app.keeper.flush().await;
    Ok(())
}
