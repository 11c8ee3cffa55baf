//! What a client sees of an error: RFC 9457, with the field that is wrong.

use aide::generate::GenContext;
use aide::openapi::{MediaType, Operation, Response as Described, SchemaObject};
use aide::operation::OperationOutput;
use axum::Json;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use rivulet_protocol::rest::Problem;
use rivulet_scene::Code;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    code: String,
    detail: String,
    field: Option<String>,
}

impl Refusal {
    pub fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        Self { status, code: code.into(), detail: detail.into(), field: None }
    }

    /// A field of the request that cannot be accepted.
    pub fn field(field: &str, code: &str, detail: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail) }
    }

    pub fn detail(&self) -> &str {
        &self.detail
    }

    pub fn not_found(what: &str, id: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("There is no {what} {id:?}."))
    }
}

impl From<rivulet_scene::Error> for Refusal {
    fn from(error: rivulet_scene::Error) -> Self {
        let status = match error.code {
            Code::UnknownLayer | Code::UnknownAnimation | Code::UnknownBatch => StatusCode::NOT_FOUND,
            Code::DuplicateId | Code::RevisionConflict => StatusCode::CONFLICT,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        let code = serde_json::to_value(error.code).ok().and_then(|code| code.as_str().map(str::to_owned));
        Self { status, code: code.unwrap_or_default(), detail: error.message, field: Some(error.field) }
    }
}

impl From<crate::sound::Unsuitable> for Refusal {
    fn from(error: crate::sound::Unsuitable) -> Self {
        Self::field(error.field, "out_of_range", error.message)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self { status, code, detail, field } = self;
        let problem = Problem { status: status.as_u16(), code, detail, field };
        (status, [(header::CONTENT_TYPE, "application/problem+json")], Json(problem)).into_response()
    }
}

impl OperationOutput for Refusal {
    type Inner = Problem;

    fn operation_response(ctx: &mut GenContext, _: &mut Operation) -> Option<Described> {
        let schema =
            SchemaObject { json_schema: ctx.schema.subschema_for::<Problem>(), example: None, external_docs: None };
        let body = MediaType { schema: Some(schema), ..Default::default() };
        Some(Described {
            description: "What is wrong (RFC 9457)".into(),
            content: [("application/problem+json".to_owned(), body)].into_iter().collect(),
            ..Default::default()
        })
    }

    fn inferred_responses(ctx: &mut GenContext, operation: &mut Operation) -> Vec<(Option<u16>, Described)> {
        Self::operation_response(ctx, operation).into_iter().map(|response| (None, response)).collect()
    }
}

/// A JSON body, refused in our own words.
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let Json(value) = Json::<serde_json::Value>::from_request(request, state)
            .await
            .map_err(|error| Refusal::new(error.status(), "bad_body", error.body_text()))?;
        serde_path_to_error::deserialize(value).map(Self).map_err(|error| {
            let field = error.path().to_string();
            Refusal::field(if field == "." { "" } else { &field }, "invalid", error.into_inner().to_string())
        })
    }
}

impl<T: JsonSchema> aide::OperationInput for Body<T> {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        Json::<T>::operation_input(ctx, operation);
    }
}
