//! The REST API as the pages use it: the same typed calls over two transports. On the server they
//! go through the API's own router in process, with the visitor's cookies ([`InProcess`]); in the
//! browser they are fetches ([`Browser`]).

mod browser;
#[cfg(feature = "ssr")]
mod in_process;

use crate::words::Lang;
use rivulet_protocol::rest::{Channels, NewKey, Problem};
#[cfg(feature = "ssr")]
use rivulet_protocol::rest::{Instance, Me};
use serde::de::DeserializeOwned;

pub use browser::Browser;
#[cfg(feature = "ssr")]
pub use in_process::InProcess;

/// Why a call has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The API said no, and why.
    Refused(Problem),
    /// No answer came.
    Unreachable(String),
    /// An answer came that is not what the API promises.
    Unreadable(String),
}

impl Error {
    /// One sentence for the person.
    pub fn message(&self, lang: Lang) -> String {
        match self {
            Self::Refused(problem) => lang.problem(problem),
            Self::Unreachable(_) => lang.unreachable().to_owned(),
            Self::Unreadable(_) => lang.unreadable().to_owned(),
        }
    }

    /// The field of the form that is wrong, where the API named one.
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::Refused(problem) => problem.field.as_deref(),
            Self::Unreachable(_) | Self::Unreadable(_) => None,
        }
    }

    /// Something is not in a list where it should be.
    #[cfg(feature = "ssr")]
    pub fn absent() -> Self {
        Self::Refused(Problem { status: 404, code: "not_found".to_owned(), detail: String::new(), field: None })
    }

    /// The machine-readable name of a refusal.
    #[cfg(feature = "ssr")]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused(problem) => Some(&problem.code),
            Self::Unreachable(_) | Self::Unreadable(_) => None,
        }
    }

    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused(problem) => Some(problem.status),
            Self::Unreachable(_) | Self::Unreadable(_) => None,
        }
    }
}

/// A request of the API, before a transport carries it.
pub struct Call {
    pub method: &'static str,
    pub path: String,
    pub body: CallBody,
    /// A call with a key is carried out once, however often it is sent.
    #[cfg(feature = "ssr")]
    pub key: Option<String>,
}

impl Call {
    /// One without a body; `path` is below `/api/v1/`.
    pub fn bare(method: &'static str, path: &str) -> Self {
        Self {
            method,
            path: format!("/api/v1/{path}"),
            body: CallBody::None,
            #[cfg(feature = "ssr")]
            key: None,
        }
    }
}

pub enum CallBody {
    None,
    Json(String),
    /// A file: its content type and bytes.
    #[cfg(feature = "ssr")]
    File(&'static str, Vec<u8>),
}

impl CallBody {
    pub fn content_type(&self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Json(_) => Some("application/json"),
            #[cfg(feature = "ssr")]
            Self::File(content_type, _) => Some(content_type),
        }
    }

    #[cfg(feature = "ssr")]
    fn into_bytes(self) -> Vec<u8> {
        match self {
            Self::None => Vec::new(),
            Self::Json(json) => json.into_bytes(),
            Self::File(_, bytes) => bytes,
        }
    }
}

pub struct Reply {
    pub status: u16,
    pub body: String,
}

pub trait Transport {
    fn send(&self, call: Call) -> impl Future<Output = Result<Reply, Error>>;
}

pub struct Client<T> {
    pub transport: T,
}

/// Addresses that the browser opens as event streams.
pub fn golive_events(channel: &str) -> String {
    format!("/api/v1/channels/{channel}/golive/events")
}

/// Counts the page as a viewer for as long as it is open.
pub fn channel_events(channel: &str) -> String {
    format!("/api/v1/channels/{channel}/events?watching=1")
}

impl<T: Transport> Client<T> {
    pub fn new(transport: T) -> Self {
        Self { transport }
    }

    /// Live channels, then the rest; `query` says which.
    pub async fn channels(&self, query: &str) -> Result<Channels, Error> {
        self.get(&format!("channels?{query}")).await
    }

    /// Makes a new stream key; the old one stops working.
    pub async fn make_key(&self, name: &str) -> Result<NewKey, Error> {
        read(&self.call(Call::bare("POST", &format!("channels/{name}/key"))).await?)
    }

    /// What is at `path`, below `/api/v1/`.
    pub async fn get<R: DeserializeOwned>(&self, path: &str) -> Result<R, Error> {
        read(&self.call(Call::bare("GET", path)).await?)
    }

    async fn call(&self, call: Call) -> Result<String, Error> {
        let reply = self.transport.send(call).await?;
        match reply.status {
            200..300 => Ok(reply.body),
            status => Err(refusal(status, &reply.body)),
        }
    }
}

#[cfg(feature = "ssr")]
impl<T: Transport> Client<T> {
    pub async fn instance(&self) -> Result<Instance, Error> {
        self.get("instance").await
    }

    /// `None` for a guest.
    pub async fn me(&self) -> Result<Option<Me>, Error> {
        match self.get("me").await {
            Err(error) if error.status() == Some(401) => Ok(None),
            answer => answer.map(Some),
        }
    }

    /// Whatever the call answers; null where that is nothing.
    pub async fn value(&self, call: Call) -> Result<serde_json::Value, Error> {
        match self.call(call).await?.as_str() {
            "" => Ok(serde_json::Value::Null),
            body => read(body),
        }
    }
}

fn read<R: DeserializeOwned>(body: &str) -> Result<R, Error> {
    serde_json::from_str(body).map_err(|error| Error::Unreadable(error.to_string()))
}

/// A proxy in front of the server may answer with a page of its own instead of a problem.
fn refusal(status: u16, body: &str) -> Error {
    match serde_json::from_str::<Problem>(body) {
        Ok(problem) => Error::Refused(Problem { status, ..problem }),
        Err(_) => Error::Unreadable(format!("status {status} without a problem body")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_carries_the_sentence_and_the_field() {
        let error = refusal(422, r#"{"status":422,"code":"name_taken","detail":"This name is taken.","field":"name"}"#);
        assert_eq!(error.message(Lang::En), "This name is taken.");
        assert_eq!(error.field(), Some("name"));
        assert_eq!(error.status(), Some(422));
    }

    #[test]
    fn an_error_page_of_a_proxy_is_not_a_refusal() {
        assert!(matches!(refusal(502, "<html>"), Error::Unreadable(_)));
    }
}
