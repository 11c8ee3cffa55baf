//! The only HTTP client of the server and the compositor, for URLs that people typed in: webhooks,
//! OIDC, pictures, push. It looks a name up once, refuses the request when any of its addresses is not allowed,
//! connects to one of those it has looked at (so that a second look-up cannot answer otherwise),
//! follows no redirect, and bounds time and bytes. Plain HTTP goes only to addresses that the
//! admin has named.

use super::address::{Block, is_public};
use bytes::Bytes;
use http::uri::{PathAndQuery, Uri};
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use url::{Host, Url};

/// Longest URL that a person may give us.
pub const MAX_URL_BYTES: usize = 2048;
/// Addresses of one name that are tried.
const MAX_TRIES: usize = 4;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// hyper's smallest is 8 KiB; nobody needs more of a peer's headers.
const MAX_HEADER_BYTES: usize = 16 * 1024;
const MAX_HEADERS: usize = 64;

#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// From the look-up of the name to the last byte.
    pub time: Duration,
    /// Of the answer's body; what comes after is not read.
    pub body_bytes: usize,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// The body ended within the bound.
    pub whole: bool,
}

/// Why there is no answer, in words for the person who gave the URL. None of them tells what an
/// address that is not allowed would have said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    #[error("this is not a URL that starts with https://")]
    BadUrl,
    #[error("a URL has at most {MAX_URL_BYTES} characters")]
    LongUrl,
    #[error("a URL must not have a user name or password in it")]
    Credentials,
    #[error("this address is not on the public internet; an admin can allow it with --outbound-allow")]
    Forbidden,
    #[error("http:// is only possible for addresses that an admin has allowed; use https://")]
    Plain,
    #[error("there is no server of this name")]
    NoSuchName,
    #[error("nothing answers there: {0}")]
    Connect(io::ErrorKind),
    #[error("the TLS handshake failed: {0}")]
    Tls(String),
    #[error("the answer is not HTTP: {0}")]
    Protocol(String),
    #[error("the server did not answer in time")]
    Timeout,
}

type Answers = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Looks names up.
#[derive(Clone)]
pub struct Resolver(Arc<dyn Fn(String) -> Answers + Send + Sync>);

impl Resolver {
    pub fn system() -> Self {
        Self(Arc::new(|name| {
            Box::pin(async move {
                let found = tokio::net::lookup_host((name, 0)).await?;
                Ok(found.map(|address| address.ip()).collect())
            })
        }))
    }

    /// One that asks nobody.
    pub fn fixed(answer: impl Fn(&str) -> Vec<IpAddr> + Send + Sync + 'static) -> Self {
        Self(Arc::new(move |name| {
            let found = answer(&name);
            Box::pin(async move { Ok(found) })
        }))
    }
}

#[derive(Clone)]
pub struct Client {
    allowed: Arc<[Block]>,
    resolver: Resolver,
    tls: TlsConnector,
}

impl Client {
    /// `allowed` are addresses that may be reached though they are not public.
    pub fn new(allowed: &[Block], resolver: Resolver) -> Self {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        // An admin's own authority is in the system's store.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let tls = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        Self { allowed: allowed.into(), resolver, tls: TlsConnector::from(Arc::new(tls)) }
    }

    /// Whether requests may go to `url`: for the moment in which a person gives it.
    pub async fn check(&self, url: &str) -> Result<Url, Failure> {
        let url = parse(url)?;
        let time = tokio::time::timeout(CONNECT_TIMEOUT, self.addresses(&url));
        time.await.map_err(|_| Failure::Timeout)?.map(|_| url)
    }

    pub async fn send(&self, request: Request<Bytes>, bounds: Bounds) -> Result<Answer, Failure> {
        let sending = self.exchange(request, bounds.body_bytes);
        tokio::time::timeout(bounds.time, sending).await.map_err(|_| Failure::Timeout)?
    }

    async fn exchange(&self, request: Request<Bytes>, max_bytes: usize) -> Result<Answer, Failure> {
        let url = parse(&request.uri().to_string())?;
        let tcp = connect(&self.addresses(&url).await?).await?;
        let request = origin_form(request, &url)?;
        if url.scheme() == "http" {
            return converse(tcp, request, max_bytes).await;
        }
        let name = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(name.to_owned()).map_err(|_| Failure::BadUrl)?;
        let tls = self.tls.connect(name, tcp).await.map_err(|e| Failure::Tls(e.to_string()))?;
        converse(tls, request, max_bytes).await
    }

    /// All addresses of the URL's host, each of which is allowed.
    async fn addresses(&self, url: &Url) -> Result<Vec<SocketAddr>, Failure> {
        let port = url.port_or_known_default().ok_or(Failure::BadUrl)?;
        let found = self.reach(url).await?;
        if url.scheme() == "http" && !found.iter().all(|address| self.is_listed(*address)) {
            return Err(Failure::Plain);
        }
        Ok(found.into_iter().take(MAX_TRIES).map(|address| SocketAddr::new(address, port)).collect())
    }

    /// Looks up the host of a URL of any scheme. There is at least one address, and each is allowed.
    pub async fn reach(&self, url: &Url) -> Result<Vec<IpAddr>, Failure> {
        let found = match url.host().ok_or(Failure::BadUrl)? {
            Host::Ipv4(v4) => vec![v4.into()],
            Host::Ipv6(v6) => vec![v6.into()],
            // What is not special to it, as `rtmp`, is a name to the parser whatever it looks like.
            Host::Domain(name) => match name.parse() {
                Ok(address) => vec![address],
                Err(_) => (self.resolver.0)(name.to_owned()).await.map_err(|_| Failure::NoSuchName)?,
            },
        };
        match found.iter().all(|address| self.is_listed(*address) || is_public(*address)) {
            _ if found.is_empty() => Err(Failure::NoSuchName),
            true => Ok(found),
            false => Err(Failure::Forbidden),
        }
    }

    fn is_listed(&self, address: IpAddr) -> bool {
        self.allowed.iter().any(|block| block.contains(address))
    }
}

/// The URL as browsers read it: `http://0x7f.1/` is an address like any other.
fn parse(url: &str) -> Result<Url, Failure> {
    if url.len() > MAX_URL_BYTES {
        return Err(Failure::LongUrl);
    }
    let url = Url::parse(url).map_err(|_| Failure::BadUrl)?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(Failure::BadUrl);
    }
    match url.username().is_empty() && url.password().is_none() {
        true => Ok(url),
        false => Err(Failure::Credentials),
    }
}

async fn connect(addresses: &[SocketAddr]) -> Result<TcpStream, Failure> {
    let mut failure = Failure::NoSuchName;
    for address in addresses {
        match tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(e)) => failure = Failure::Connect(e.kind()),
            Err(_) => failure = Failure::Timeout,
        }
    }
    Err(failure)
}

/// On the wire the target is the path alone, and the host is a header.
fn origin_form(mut request: Request<Bytes>, url: &Url) -> Result<Request<Full<Bytes>>, Failure> {
    let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let path: PathAndQuery = path.parse().map_err(|_| Failure::BadUrl)?;
    let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let host = HeaderValue::from_str(host).map_err(|_| Failure::BadUrl)?;
    *request.uri_mut() = Uri::from(path);
    request.headers_mut().insert(header::HOST, host);
    request.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    request.headers_mut().insert(header::USER_AGENT, HeaderValue::from_static("Rivulet"));
    Ok(request.map(Full::new))
}

async fn converse(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    request: Request<Full<Bytes>>,
    max_bytes: usize,
) -> Result<Answer, Failure> {
    let protocol = |e: hyper::Error| Failure::Protocol(e.to_string());
    let mut builder = hyper::client::conn::http1::Builder::new();
    builder.max_buf_size(MAX_HEADER_BYTES).max_headers(MAX_HEADERS);
    let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(protocol)?;
    let asking = async {
        let response = sender.send_request(request).await.map_err(protocol)?;
        let (parts, mut incoming) = response.into_parts();
        let (mut body, mut whole) = (Vec::new(), true);
        while let Some(frame) = incoming.frame().await {
            let Ok(data) = frame.map_err(protocol)?.into_data() else { continue };
            let room = max_bytes - body.len();
            body.extend_from_slice(&data[..data.len().min(room)]);
            if data.len() > room {
                whole = false;
                break;
            }
        }
        Ok(Answer { status: parts.status, headers: parts.headers, body: body.into(), whole })
    };
    tokio::pin!(asking, connection);
    // The connection lives in this task, so that it ends with the request however that ends.
    tokio::select! {
        biased;
        answer = &mut asking => answer,
        ended = &mut connection => match ended {
            // All was read into memory before the peer hung up.
            Ok(()) => asking.await,
            Err(e) => Err(protocol(e)),
        },
    }
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
