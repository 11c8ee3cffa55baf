//! What broadcasts may be about.

use super::{Actor, Target};
use crate::docs::{Answer, Created, Done, op};
use crate::picture::Kind;
use crate::refusal::Refusal;
use crate::request::{Body, Caller, Named, RequestId};
use crate::{App, check, now_ms};
use aide::axum::ApiRouter;
use aide::axum::routing::{delete_with, post_with, put_with};
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use rivulet_protocol::policy::Action;
use rivulet_protocol::rest::{Category, CategoryCreate};
use rivulet_store::StoreError;

const MAX_NAME_CHARS: usize = 50;
const MAX_CATEGORIES: usize = 1000;

pub fn routes() -> ApiRouter<App> {
    ApiRouter::new()
        .api_route("/admin/categories", post_with(create, op("admin", "Make a category")))
        .api_route("/admin/categories/{slug}", delete_with(remove, op("admin", "Delete a category")))
        .api_route(
            "/admin/categories/{slug}/picture",
            put_with(set_picture, op("admin", "A category's picture")).layer(crate::pictures::body_limit()),
        )
}

/// What a name is in addresses: `Travel & Outdoors` is `travel-outdoors`.
fn slug(name: &str) -> String {
    let lower = name.to_lowercase();
    let words = lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-")
}

async fn create(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    Body(create): Body<CategoryCreate>,
) -> Result<Created<Category>, Refusal> {
    let actor = Actor::new(&app, &caller, &id, Action::Administer)?;
    let name = check::some_line("name", &create.name, MAX_NAME_CHARS)?;
    let slug = slug(&name);
    if slug.is_empty() {
        return Err(Refusal::field("name", "bad_name", "A name needs a letter from a to z, or a digit."));
    }
    if app.store.categories().await?.len() >= MAX_CATEGORIES {
        return Err(Refusal::conflict("too_many_categories", "There are 1000 categories already."));
    }
    app.store.create_category(&slug, &name, now_ms()).await.map_err(|e| match e {
        StoreError::Taken => Refusal::taken("name"),
        e => e.into(),
    })?;
    actor.log("category.create", Target { kind: "category", id: &slug, name: &name }, "").await?;
    Ok(Answer::new(shown(&app, &slug).await?))
}

/// One that nothing is live in, as far as the admin's page needs to know.
async fn shown(app: &App, slug: &str) -> Result<Category, Refusal> {
    let found = app.store.category(slug).await?.ok_or_else(Refusal::not_found)?;
    let picture = found.picture.as_ref().map(Into::into);
    Ok(Category { slug: found.slug, name: found.name, picture, live_channels: 0, viewers: 0 })
}

async fn remove(State(app): State<App>, caller: Caller, id: RequestId, Named(slug): Named) -> Result<Done, Refusal> {
    let actor = Actor::new(&app, &caller, &id, Action::Administer)?;
    let found = app.store.category(&slug).await?.ok_or_else(Refusal::not_found)?;
    actor.log("category.delete", Target { kind: "category", id: &slug, name: &found.name }, "").await?;
    app.store.delete_category(&slug).await?;
    app.drop_picture(found.picture.as_ref()).await;
    Ok(Done::default())
}

async fn set_picture(
    State(app): State<App>,
    caller: Caller,
    id: RequestId,
    Named(slug): Named,
    file: Bytes,
) -> Result<Json<Category>, Refusal> {
    let actor = Actor::new(&app, &caller, &id, Action::Administer)?;
    let found = app.store.category(&slug).await?.ok_or_else(Refusal::not_found)?;
    let picture = app.put_picture(file, Kind::Avatar, "").await?;
    actor.log("category.picture", Target { kind: "category", id: &slug, name: &found.name }, "").await?;
    app.store.set_category_picture(&slug, Some(&picture)).await?;
    app.drop_picture(found.picture.as_ref()).await;
    Ok(Json(shown(&app, &slug).await?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs() {
        for (name, want) in [
            ("Just Chatting", "just-chatting"),
            ("  Travel & Outdoors ", "travel-outdoors"),
            ("C++", "c"),
            ("Ärger", "rger"),
            ("音楽", ""),
        ] {
            assert_eq!(slug(name), want, "{name}");
        }
    }
}
