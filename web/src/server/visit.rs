//! One request for a page: the client that asks the API on the visitor's behalf, and who it is.

use super::App;
use crate::{
    client::{Client, InProcess},
    pages::Visitor,
};
use axum::extract::FromRequestParts;
use http::request::Parts;
use std::{convert::Infallible, sync::Arc};

/// Shown where the API cannot even say its own name.
const DEFAULT_INSTANCE: &str = "Rivulet";

pub struct Visit {
    pub app: Arc<App>,
    pub client: Client<InProcess>,
    /// Path and query.
    here: String,
}

impl FromRequestParts<Arc<App>> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Infallible> {
        let client = Client::new(InProcess::new(app.api.clone(), parts));
        let here = parts.uri.path_and_query().map_or("/", |here| here.as_str()).to_owned();
        Ok(Self { app: app.clone(), client, here })
    }
}

impl Visit {
    /// Who looks, and whether the server still needs its first user. Every page needs this, an error
    /// page too, so whatever fails here makes a guest of the visitor instead of another error.
    pub async fn visitor(&self) -> (Visitor, bool) {
        let (instance, me) = tokio::join!(self.client.instance(), self.client.me());
        let (instance, needs_setup) = match instance {
            Ok(instance) => (instance.name, instance.needs_setup),
            Err(error) => {
                tracing::warn!(?error, "the API did not say what this instance is");
                (DEFAULT_INSTANCE.to_owned(), false)
            }
        };
        let me = me.unwrap_or_else(|error| {
            tracing::warn!(?error, "the API did not say who is logged in");
            None
        });
        (Visitor { instance, me, here: self.here.clone() }, needs_setup)
    }
}
