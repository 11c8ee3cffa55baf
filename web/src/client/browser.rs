//! The browser's transport: `fetch`, same origin, so the session cookie goes along by itself.

use super::{Call, CallBody, Error, Reply, Transport};
use leptos::prelude::window;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Request, RequestInit, Response};

#[derive(Clone, Copy)]
pub struct Browser;

impl Transport for Browser {
    async fn send(&self, call: Call) -> Result<Reply, Error> {
        fetch(call).await.map_err(|error| Error::Unreachable(format!("{error:?}")))
    }
}

async fn fetch(call: Call) -> Result<Reply, JsValue> {
    let init = RequestInit::new();
    init.set_method(call.method);
    if let CallBody::Json(json) = &call.body {
        init.set_body(&JsValue::from_str(json));
    }
    let request = Request::new_with_str_and_init(&call.path, &init)?;
    request.headers().set("accept", "application/json")?;
    if let Some(content_type) = call.body.content_type() {
        request.headers().set("content-type", content_type)?;
    }
    let response: Response = JsFuture::from(window().fetch_with_request(&request)).await?.dyn_into()?;
    let body = JsFuture::from(response.text()?).await?;
    Ok(Reply { status: response.status(), body: body.as_string().unwrap_or_default() })
}
