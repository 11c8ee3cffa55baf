//! The way of every form: a `POST` to the address of a page is the API call that its fields say.
//!
//! After success the browser is sent on (303), with the cookies that the API set. After a refusal, or
//! where the answer is to be seen once, the page of that address is made again by its own handler,
//! which finds a [`Flash`] in the request. So forms work before and without any script, and no page
//! has a handler of its own for them.

use super::{App, visit::Visit};
use crate::{
    client::{Call, CallBody, Error},
    form::{self, Fields, Flash, Outcome},
    pages::{self, Page, Visitor},
};
use axum::{
    Form,
    body::{Body, to_bytes},
    extract::{FromRequest, Multipart, Request, State},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

/// Of the text of a form; the API takes no longer bodies.
const MAX_FORM_BYTES: usize = 64 << 10;

pub async fn gateway(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    if request.method() != Method::POST {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    let visit = Visit::of(&mut parts, &app);
    // Cookies go along with requests from any site: a form that changes something must be our own.
    if !same_origin(&parts.headers) {
        return visit.message(StatusCode::FORBIDDEN, pages::foreign_form).await;
    }
    let head = Request::from_parts(parts.clone(), Body::empty());
    let Sent { fields, file } = match read(Request::from_parts(parts, body)).await {
        Ok(sent) => sent,
        Err(StatusCode::PAYLOAD_TOO_LARGE) => {
            return visit.message(StatusCode::PAYLOAD_TOO_LARGE, pages::too_large).await;
        }
        Err(status) => return visit.message(status, pages::bad_form).await,
    };
    let Some(call) = call(&fields, file) else { return visit.message(StatusCode::BAD_REQUEST, pages::bad_form).await };
    let answer = visit.client.value(call).await;
    let form = form::control(&fields, form::FORM).unwrap_or_default().to_owned();
    let (status, outcome) = match answer {
        Err(error) => {
            if error.status().is_none_or(|status| status >= 500) {
                tracing::error!(page = visit.here, ?error, "the API did not answer a form");
            }
            (refusal_status(&error), Outcome::Refused(error))
        }
        Ok(answer) if form::control(&fields, form::ONCE).is_some() => (StatusCode::OK, Outcome::Answer(answer)),
        Ok(answer) => {
            let to = match form::control(&fields, form::NEXT) {
                Some(next) => own_path(&filled_in(next, |name| answer.get(name)?.as_str())),
                None => with_saved(&visit.here, &form),
            };
            return visit.with_cookies(Redirect::to(&to).into_response());
        }
    };
    let secret = matches!(outcome, Outcome::Answer(_));
    let flash = Flash { form, typed: form::typed(&fields), outcome };
    let mut response = visit.with_cookies(next.run(as_get(head, flash)).await);
    if response.status() == StatusCode::OK {
        *response.status_mut() = status;
    }
    if secret {
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

/// Content types of files that people send, all of them pictures.
const PICTURES: [&str; 4] = ["image/png", "image/jpeg", "image/webp", "image/gif"];

/// What the browser sent.
struct Sent {
    fields: Fields,
    /// The body of the call, instead of what the fields make.
    file: Option<CallBody>,
}

/// Reads a form, bounded: [`MAX_FORM_BYTES`] of text, or one file with as much text before it.
async fn read(request: Request) -> Result<Sent, StatusCode> {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if content_type.is_some_and(|content_type| content_type.starts_with("multipart/form-data")) {
        return read_file(request).await;
    }
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, MAX_FORM_BYTES).await.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?;
    let request = Request::from_parts(parts, Body::from(bytes));
    let Form(fields) = Form::<Fields>::from_request(request, &()).await.map_err(|rejection| rejection.status())?;
    Ok(Sent { fields, file: None })
}

async fn read_file(request: Request) -> Result<Sent, StatusCode> {
    let mut form = Multipart::from_request(request, &()).await.map_err(|rejection| rejection.status())?;
    let mut sent = Sent { fields: Fields::new(), file: None };
    let mut text_bytes = 0;
    while let Some(field) = form.next_field().await.map_err(|error| error.status())? {
        let name = field.name().unwrap_or_default().to_owned();
        if field.file_name().is_some() {
            let said = field.content_type().unwrap_or_default().to_owned();
            let content_type = PICTURES.into_iter().find(|known| *known == said).unwrap_or("application/octet-stream");
            let bytes = field.bytes().await.map_err(|error| error.status())?;
            sent.file = Some(CallBody::File(content_type, bytes.into()));
            continue;
        }
        let value = field.text().await.map_err(|error| error.status())?;
        text_bytes += name.len() + value.len();
        if text_bytes > MAX_FORM_BYTES {
            return Err(StatusCode::PAYLOAD_TOO_LARGE);
        }
        sent.fields.push((name, value));
    }
    Ok(sent)
}

/// The call that the fields say; `None` for what is no form of ours.
fn call(fields: &Fields, file: Option<CallBody>) -> Option<Call> {
    let (method, path) = form::control(fields, form::CALL)?.split_once(' ')?;
    let path = filled_in(path, |name| form::in_path(fields, name));
    let method = ["POST", "PUT", "PATCH", "DELETE"].into_iter().find(|known| *known == method)?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_/?=&%.:@".contains(&byte);
    let ours = !path.is_empty() && path.bytes().all(allowed) && !path.split(['/', '?']).any(|step| step == "..");
    let json = form::body(fields).ok()?;
    let body = match file {
        Some(file) => file,
        None if fields.iter().all(|(name, _)| name.starts_with('_')) => CallBody::None,
        None => CallBody::Json(json.to_string()),
    };
    let key = form::control(fields, form::KEY).filter(|_| method == "POST").map(|key| key_for(key, &path, &body));
    ours.then(|| Call { key, body, ..Call::bare(method, &path) })
}

/// The same form with the same content is the same request: sent again by a reload or a second
/// click, it is not carried out again. With another content, after going back to it, it is another.
fn key_for(key: &str, path: &str, body: &CallBody) -> String {
    let mut content = DefaultHasher::new();
    path.hash(&mut content);
    if let CallBody::Json(json) = body {
        json.hash(&mut content);
    }
    let key: String = key.chars().filter(char::is_ascii_alphanumeric).take(64).collect();
    format!("{key}-{:016x}", content.finish())
}

/// The request for the page that the form stands on.
fn as_get(mut head: Request, flash: Flash) -> Request {
    *head.method_mut() = Method::GET;
    head.headers_mut().remove(header::CONTENT_TYPE);
    head.headers_mut().remove(header::CONTENT_LENGTH);
    head.extensions_mut().insert(flash);
    head
}

/// Every browser names the origin of a form post. A request without one comes from a program, which
/// has no cookies that its user did not give it.
fn same_origin(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let Some((_, authority)) = origin.to_str().ok().and_then(|origin| origin.split_once("://")) else { return false };
    // A proxy may have its own idea of the host; browsers cannot be made to send either header.
    [text("host"), text("x-forwarded-host")].into_iter().flatten().any(|host| host.eq_ignore_ascii_case(authority))
}

/// Where to go afterwards: a path of ours, whatever the form or the query said.
pub fn own_path(next: &str) -> String {
    let ours = next.starts_with('/') && !next.starts_with("//") && !next.contains(['\\', '\r', '\n', '\t']);
    if ours { next.to_owned() } else { "/".to_owned() }
}

/// `{name}` becomes the value of that name, encoded as one step of a path.
fn filled_in<'a>(path: &str, value: impl Fn(&str) -> Option<&'a str>) -> String {
    let mut filled = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else { break };
        filled.push_str(before);
        filled.push_str(&pages::percent_encode(value(name).unwrap_or_default()).replace('/', "%2F"));
        rest = after;
    }
    filled.push_str(rest);
    filled
}

/// The page again, which then says that `form` was saved.
fn with_saved(here: &str, form: &str) -> String {
    let (path, query) = here.split_once('?').unwrap_or((here, ""));
    let kept = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("saved="));
    let saved = format!("saved={}", pages::percent_encode(form));
    let query: Vec<&str> = kept.chain([saved.as_str()]).collect();
    own_path(&format!("{path}?{}", query.join("&")))
}

/// The API's own status where it refused, so that scripts and password managers see the failure.
fn refusal_status(error: &Error) -> StatusCode {
    error.status().and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

impl Visit {
    async fn message(&self, status: StatusCode, page: impl FnOnce(&Visitor) -> Page) -> Response {
        let visitor = self.visitor().await;
        self.page(status, &visitor, page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderName;
    use serde_json::json;

    #[test]
    fn the_way_back_never_leaves_this_site() {
        for (next, path) in [
            ("/dashboard?channel=demo", "/dashboard?channel=demo"),
            ("", "/"),
            ("https://example.org/", "/"),
            ("//example.org/", "/"),
            ("/\\example.org/", "/"),
            ("/\t/example.org", "/"),
        ] {
            assert_eq!(own_path(next), path, "{next:?}");
        }
    }

    #[test]
    fn the_way_on_takes_names_from_the_answer() {
        let answer = json!({"name": "a/b c", "n": 1});
        for (next, path) in [("/x", "/x"), ("/d?c={name}", "/d?c=a%2Fb%20c"), ("/{n}{no}/", "//"), ("/{", "/{")] {
            assert_eq!(filled_in(next, |name| answer.get(name)?.as_str()), path, "{next:?}");
        }
    }

    #[test]
    fn a_saved_form_is_named_once() {
        for (here, to) in
            [("/a", "/a?saved=t"), ("/a?x=1&saved=o", "/a?x=1&saved=t"), ("/a?saved=o&x=1", "/a?x=1&saved=t")]
        {
            assert_eq!(with_saved(here, "t"), to);
        }
    }

    #[test]
    fn only_calls_of_the_api_are_made() {
        let form = |call: &str| vec![(form::CALL.to_owned(), call.to_owned())];
        for (said, path) in [
            ("POST login", Some("/api/v1/login")),
            ("DELETE channels/demo/keys/1", Some("/api/v1/channels/demo/keys/1")),
            ("GET me", None),
            ("POST ../../metrics", None),
            ("POST a/../b", None),
            ("POST a b", None),
            ("POST ", None),
            ("POST", None),
        ] {
            assert_eq!(call(&form(said), None).map(|call| call.path).as_deref(), path, "{said:?}");
        }
        assert!(call(&Fields::new(), None).is_none());
    }

    #[test]
    fn forms_of_other_sites_are_refused() {
        let headers = |pairs: &[(&'static str, &'static str)]| {
            let header = |&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
            pairs.iter().map(header).collect::<HeaderMap>()
        };
        assert!(same_origin(&headers(&[("host", "tv.example:8080"), ("origin", "http://tv.example:8080")])));
        assert!(same_origin(&headers(&[
            ("host", "127.0.0.1:8080"),
            ("x-forwarded-host", "tv.example"),
            ("origin", "https://tv.example"),
        ])));
        assert!(same_origin(&headers(&[("host", "tv.example")])));
        assert!(!same_origin(&headers(&[("host", "tv.example"), ("origin", "https://evil.example")])));
        assert!(!same_origin(&headers(&[("host", "tv.example"), ("origin", "null")])));
    }
}
