//! The one error of this crate's handlers, and what a client sees of it: RFC 9457. Internals are
//! logged here and never leave the process.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rivulet_protocol::NameError;
use rivulet_protocol::rest::{Problem, Suspension};
use rivulet_store::StoreError;
use rivulet_store::password::PasswordError;
use std::borrow::Cow;

#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    code: &'static str,
    detail: String,
    field: Option<Cow<'static, str>>,
    retry_after_s: Option<u64>,
    /// In a box, because a refusal is small and seldom has one.
    cookie: Option<Box<HeaderValue>>,
}

impl Refusal {
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), field: None, retry_after_s: None, cookie: None }
    }

    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "There is nothing at this address.")
    }

    pub fn log_in() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "not_logged_in", "Log in first.")
    }

    pub fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "You may not do this here.")
    }

    pub fn bad_token() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "bad_token", "This access token is not valid, or not any more.")
    }

    pub fn email_taken() -> Self {
        let detail = sentence(StoreError::EmailTaken);
        Self { field: Some("email".into()), ..Self::new(StatusCode::CONFLICT, "taken", detail) }
    }

    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// The answer sets a cookie too.
    pub fn with_cookie(self, cookie: HeaderValue) -> Self {
        Self { cookie: Some(Box::new(cookie)), ..self }
    }

    pub fn not_with_token() -> Self {
        Self::new(StatusCode::FORBIDDEN, "scope_missing", "This access token is not for that.")
    }

    pub fn suspended(suspension: &Suspension) -> Self {
        let detail = match suspension.reason.trim_end_matches('.') {
            "" => "Your account is suspended.".to_owned(),
            reason => format!("Your account is suspended: {reason}."),
        };
        Self::new(StatusCode::FORBIDDEN, "suspended", detail)
    }

    /// A field of the request that cannot be accepted.
    pub fn field(field: impl Into<Cow<'static, str>>, code: &'static str, detail: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail) }
    }

    pub fn taken(field: &'static str) -> Self {
        let detail = sentence(StoreError::Taken);
        Self { field: Some(field.into()), ..Self::new(StatusCode::CONFLICT, "taken", detail) }
    }

    pub fn too_many(code: &'static str, detail: impl Into<String>, retry_after_s: u64) -> Self {
        Self { retry_after_s: Some(retry_after_s), ..Self::new(StatusCode::TOO_MANY_REQUESTS, code, detail) }
    }

    pub fn retry_after(self, seconds: u64) -> Self {
        Self { retry_after_s: Some(seconds), ..self }
    }

    /// Names the field that is wrong.
    pub fn at(self, field: &'static str) -> Self {
        Self { field: Some(field.into()), ..self }
    }

    /// Status and sentence, for whoever says them in another form.
    pub fn into_parts(self) -> (StatusCode, String) {
        (self.status, self.detail)
    }

    pub fn code(&self) -> &'static str {
        self.code
    }

    /// For what needs the database while that does not answer.
    pub fn away() -> Self {
        let detail = "The server cannot reach its database right now. Nothing is lost; try again in a moment.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "database_away", detail).retry_after(5)
    }

    pub fn name(field: &'static str, error: NameError) -> Self {
        let code = if error == NameError::Reserved { "reserved" } else { "bad_name" };
        Self::field(field, code, sentence(error))
    }

    pub fn password(error: PasswordError) -> Self {
        let code = match error {
            PasswordError::TooShort => "too_short",
            PasswordError::TooLong => "too_long",
            PasswordError::Common => "too_common",
            PasswordError::Busy => {
                return Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", sentence(error)).retry_after(5);
            }
        };
        Self::field("password", code, sentence(error))
    }
}

/// Our small error enums speak in clauses; a person gets a sentence.
pub fn sentence(clause: impl std::fmt::Display) -> String {
    let clause = clause.to_string();
    let mut chars = clause.chars();
    let first: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}.", chars.as_str())
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "request failed");
        if error.is_away() {
            return Self::away();
        }
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Something went wrong on the server; its log says what.",
        )
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let problem = Problem {
            status: self.status.as_u16(),
            code: self.code.into(),
            detail: self.detail,
            field: self.field.map(Into::into),
        };
        let mut response = (self.status, axum::Json(problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(cookie) = self.cookie {
            headers.insert(header::SET_COOKIE, *cookie);
        }
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}
