//! The OpenAPI document: what the routers say of themselves, and what is the same everywhere.

use crate::refusal::Refusal;
use crate::request::{Body, Caller, InPath, Named, Origin, Params, RequestId};
use aide::generate::GenContext;
use aide::openapi::{MediaType, OpenApi, Operation, Parameter, ReferenceOr, Response, SchemaObject, SecurityScheme};
use aide::operation::{OperationInput, OperationOutput, ParamLocation, add_parameters, parameters_from_schema};
use aide::transform::{TransformOpenApi, TransformOperation};
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use rivulet_protocol::rest::Problem;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

const GZIP: &str = "application/gzip";

/// Names an operation; for the second argument of `get_with` and its like.
pub fn op(
    tag: &'static str,
    summary: &'static str,
) -> impl FnOnce(TransformOperation<'_>) -> TransformOperation<'_> + Clone {
    move |operation| operation.tag(tag).summary(summary)
}

/// What holds for the whole document.
pub fn describe(api: TransformOpenApi<'_>) -> TransformOpenApi<'_> {
    let cookie = SecurityScheme::ApiKey {
        location: aide::openapi::ApiKeyLocation::Cookie,
        name: "rivulet".into(),
        description: Some("The session of a browser; `__Host-rivulet` over HTTPS.".into()),
        extensions: Default::default(),
    };
    let token = SecurityScheme::Http {
        scheme: "bearer".into(),
        bearer_format: None,
        description: Some("A personal access token, `rvt_…`.".into()),
        extensions: Default::default(),
    };
    api.title("Rivulet")
        .version(env!("CARGO_PKG_VERSION"))
        .security_scheme("session", cookie)
        .security_scheme("token", token)
}

/// What every operation has and no handler says: an id, and the parameters that its path names.
pub fn complete(api: &mut OpenApi) {
    let Some(paths) = &mut api.paths else { return };
    for (path, item) in &mut paths.paths {
        let ReferenceOr::Item(item) = item else { continue };
        let named: Vec<&str> = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
        let operations = [
            ("get", &mut item.get),
            ("put", &mut item.put),
            ("post", &mut item.post),
            ("patch", &mut item.patch),
            ("delete", &mut item.delete),
        ];
        for (method, operation) in operations {
            let Some(operation) = operation else { continue };
            let words = path.trim_start_matches("/api/v1").split(|c: char| !c.is_ascii_alphanumeric());
            let id = std::iter::once(method).chain(words.filter(|word| !word.is_empty()));
            operation.operation_id = Some(id.collect::<Vec<_>>().join("_"));
            operation.security = vec![
                Default::default(),
                [("session".to_owned(), vec![])].into_iter().collect(),
                [("token".to_owned(), vec![])].into_iter().collect(),
            ];
            for name in &named {
                operation.parameters.push(ReferenceOr::Item(in_path(name)));
            }
        }
    }
}

fn in_path(name: &str) -> Parameter {
    let parameter =
        json!({"in": "path", "name": name, "required": true, "schema": {"type": "string"}, "style": "simple"});
    match serde_json::from_value(parameter) {
        Ok(parameter) => parameter,
        Err(e) => unreachable!("a constant parameter: {e}"),
    }
}

impl OperationInput for Origin {}
impl OperationInput for Caller {}
impl OperationInput for InPath {}
impl OperationInput for RequestId {}
impl<const INDEX: usize> OperationInput for Named<INDEX> {}

impl<T: JsonSchema> OperationInput for Params<T> {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        let schema = ctx.schema.subschema_for::<T>();
        let params = parameters_from_schema(ctx, schema, ParamLocation::Query);
        add_parameters(ctx, operation, params);
    }
}

impl<T: JsonSchema> OperationInput for Body<T> {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        Json::<T>::operation_input(ctx, operation);
    }
}

impl OperationOutput for Refusal {
    type Inner = Problem;

    fn operation_response(ctx: &mut GenContext, _: &mut Operation) -> Option<Response> {
        let schema =
            SchemaObject { json_schema: ctx.schema.subschema_for::<Problem>(), example: None, external_docs: None };
        let body = MediaType { schema: Some(schema), ..Default::default() };
        Some(Response {
            description: "What is wrong (RFC 9457)".into(),
            content: [("application/problem+json".to_owned(), body)].into_iter().collect(),
            ..Default::default()
        })
    }

    fn inferred_responses(ctx: &mut GenContext, operation: &mut Operation) -> Vec<(Option<u16>, Response)> {
        Self::operation_response(ctx, operation).into_iter().map(|response| (None, response)).collect()
    }
}

/// A JSON answer with another status than 200, or with a cookie.
pub struct Answer<T, const STATUS: u16 = 200> {
    pub body: T,
    pub cookie: Option<HeaderValue>,
}

/// 201 with what was made.
pub type Created<T> = Answer<T, 201>;

impl<T, const STATUS: u16> Answer<T, STATUS> {
    pub fn new(body: T) -> Self {
        Self { body, cookie: None }
    }
}

impl<T: Serialize, const STATUS: u16> IntoResponse for Answer<T, STATUS> {
    fn into_response(self) -> axum::response::Response {
        let status = StatusCode::from_u16(STATUS).unwrap_or(StatusCode::OK);
        let mut response = (status, Json(self.body)).into_response();
        if let Some(cookie) = self.cookie {
            response.headers_mut().insert(header::SET_COOKIE, cookie);
        }
        response
    }
}

impl<T: JsonSchema, const STATUS: u16> OperationOutput for Answer<T, STATUS> {
    type Inner = T;

    fn operation_response(ctx: &mut GenContext, operation: &mut Operation) -> Option<Response> {
        Json::<T>::operation_response(ctx, operation)
    }

    fn inferred_responses(ctx: &mut GenContext, operation: &mut Operation) -> Vec<(Option<u16>, Response)> {
        Self::operation_response(ctx, operation).into_iter().map(|response| (Some(STATUS), response)).collect()
    }
}

/// A file to keep.
pub struct Download {
    pub name: String,
    pub bytes: Vec<u8>,
}

impl IntoResponse for Download {
    fn into_response(self) -> axum::response::Response {
        let named = format!("attachment; filename=\"{}\"", self.name);
        ([(header::CONTENT_TYPE, GZIP.to_owned()), (header::CONTENT_DISPOSITION, named)], self.bytes).into_response()
    }
}

impl OperationOutput for Download {
    type Inner = ();

    fn inferred_responses(_: &mut GenContext, _: &mut Operation) -> Vec<(Option<u16>, Response)> {
        let content = [(GZIP.to_owned(), MediaType::default())].into_iter().collect();
        vec![(Some(200), Response { description: "A file".into(), content, ..Default::default() })]
    }
}

/// 204, perhaps with a cookie.
#[derive(Default)]
pub struct Done {
    pub cookie: Option<HeaderValue>,
}

impl IntoResponse for Done {
    fn into_response(self) -> axum::response::Response {
        let mut response = StatusCode::NO_CONTENT.into_response();
        if let Some(cookie) = self.cookie {
            response.headers_mut().insert(header::SET_COOKIE, cookie);
        }
        response
    }
}

impl OperationOutput for Done {
    type Inner = ();

    fn inferred_responses(_: &mut GenContext, _: &mut Operation) -> Vec<(Option<u16>, Response)> {
        vec![(Some(204), Response { description: "Done".into(), ..Default::default() })]
    }
}
