//! One connection of a target: TCP or TLS, the RTMP conversation on it, and the packets of the
//! program at the pace that the line allows. Ends with a [`Failure`], or when it is dropped.

use super::gate::{Dropped, Gate};
use super::key::Key;
use super::preset::Address;
use super::program::{Item, Kind, Program};
use super::rtmp::{Failure, Publisher};
use rivulet_hub::Reader;
use rivulet_media::Ticks;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Name, TCP and TLS.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// From the first byte until the server takes the stream.
const ACCEPT_WITHIN: Duration = Duration::from_secs(15);
/// A server that takes nothing for so long is gone.
const WRITE_WITHIN: Duration = Duration::from_secs(10);
const GOODBYE_WITHIN: Duration = Duration::from_millis(500);
/// What the kernel keeps for a slow line. It cannot be taken back, so it has to be little: the
/// gate sees only what waits before it. Enough for 6 Mbit/s on a way of 300 ms.
const SEND_BUFFER_BYTES: u32 = 256 * 1024;
const MAX_ADDRESSES: usize = 4;

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Whom to trust over TLS: Mozilla's authorities, the system's, and an operator's own.
#[derive(Clone)]
pub struct Trust(TlsConnector);

impl Trust {
    pub fn new(own: &[CertificateDer<'static>]) -> Self {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        roots.add_parsable_certificates(own.iter().cloned());
        let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        Self(TlsConnector::from(Arc::new(config)))
    }

    /// TLS to a host of this name.
    pub async fn connect(&self, host: String, tcp: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        self.0.connect(ServerName::try_from(host).map_err(io::Error::other)?, tcp).await
    }
}

/// What has gone through a target since it was added.
#[derive(Debug, Default)]
pub struct Counters {
    pub bytes: AtomicU64,
    pub pictures: AtomicU64,
    pub dropped_pictures: AtomicU64,
    pub dropped_sound: AtomicU64,
    pub reconnects: AtomicU64,
}

pub struct Connection<'a> {
    pub address: &'a Address,
    pub key: &'a Key,
    pub trust: &'a Trust,
    pub program: &'a Program,
    pub counters: &'a Counters,
}

/// A connection whose server has taken the stream.
pub struct Live {
    stream: Box<dyn Stream>,
    publisher: Publisher,
    /// From the moment on at which the stream was taken.
    reader: Reader<Item>,
}

impl Connection<'_> {
    pub async fn open(&self) -> Result<Live, Failure> {
        let late = |_| Failure::Lost(format!("{} does not answer", self.address));
        let mut stream = timeout(CONNECT_WITHIN, self.connect()).await.map_err(late)??;
        let mut publisher = Publisher::new(self.address.clone(), self.key.clone(), self.program.description())?;
        let taken = timeout(ACCEPT_WITHIN, self.negotiate(&mut stream, &mut publisher)).await;
        taken.map_err(|_| Failure::Lost("the server does not say whether it takes the stream".into()))??;
        Ok(Live { stream, publisher, reader: self.program.reader() })
    }

    async fn connect(&self) -> Result<Box<dyn Stream>, Failure> {
        let Address { tls, host, port, .. } = self.address;
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let lost = |e: io::Error| Failure::Lost(format!("{host} cannot be reached: {}", e.kind()));
        let found = tokio::net::lookup_host((bare, *port)).await;
        let found = found.map_err(|_| Failure::Lost(format!("there is no server of the name {host}")))?;
        let mut tcp = Err(io::ErrorKind::NotFound.into());
        for address in found.take(MAX_ADDRESSES) {
            tcp = connect_to(address).await;
            if tcp.is_ok() {
                break;
            }
        }
        let tcp = tcp.map_err(lost)?;
        if !tls {
            return Ok(Box::new(tcp));
        }
        let name = ServerName::try_from(bare.to_owned());
        let name = name.map_err(|_| Failure::Refused(format!("{host} is no name that a certificate can have")))?;
        let tls = self.trust.0.connect(name, tcp).await;
        Ok(Box::new(tls.map_err(|e| Failure::Lost(format!("no TLS with {host}: {e}")))?))
    }

    async fn negotiate(&self, stream: &mut Box<dyn Stream>, publisher: &mut Publisher) -> Result<(), Failure> {
        let mut buffer = vec![0; 4_096];
        loop {
            stream.write_all(&publisher.output()).await.map_err(broken)?;
            stream.flush().await.map_err(broken)?;
            if publisher.is_live() {
                return Ok(());
            }
            let read = stream.read(&mut buffer).await.map_err(broken)?;
            if read == 0 {
                // Several platforms say no to a key in this way.
                return Err(Failure::Lost("the server hung up before it took the stream; is the key right?".into()));
            }
            publisher.input(&buffer[..read])?;
        }
    }

    /// Sends the program from its next key frame on.
    pub async fn play(&self, live: &mut Live) -> Failure {
        match self.pump(live).await {
            Err(failure) => failure,
            Ok(never) => match never {},
        }
    }

    async fn pump(&self, Live { stream, publisher, reader }: &mut Live) -> Result<Never, Failure> {
        let mut gate = Gate::default();
        let mut first: Option<Ticks> = None;
        let mut buffer = vec![0; 4_096];
        for (kind, tag) in self.program.headers() {
            publisher.send(kind, 0, tag)?;
        }
        loop {
            let next = tokio::select! {
                biased;
                read = stream.read(&mut buffer) => Err(read.map_err(broken)?),
                item = reader.next() => Ok(item),
            };
            match next {
                Err(0) => return Err(Failure::Lost("the server closed the connection".into())),
                Err(read) => _ = publisher.input(&buffer[..read])?,
                Ok(Err(lagged)) => gate.lost(lagged.0),
                Ok(Ok(item)) => self.pass(&item, &mut gate, &mut first, publisher)?,
            }
            self.count(gate.take_dropped());
            let output = publisher.output();
            if !output.is_empty() {
                write(stream, &output).await?;
                self.counters.bytes.fetch_add(output.len() as u64, Relaxed);
            }
        }
    }

    fn pass(&self, item: &Item, gate: &mut Gate, first: &mut Option<Ticks>, to: &mut Publisher) -> Result<(), Failure> {
        let time = item.packet.dts;
        let behind_ms = self.program.behind_ms(time);
        let through = match item.kind {
            Kind::Picture => gate.picture(item.packet.key, behind_ms),
            // The first picture begins the time of this connection.
            Kind::Sound => first.is_some_and(|first| time >= first) && gate.sound(behind_ms),
        };
        if !through {
            return Ok(());
        }
        let since = (time - *first.get_or_insert(time)).max(0) / 90;
        if item.kind == Kind::Picture {
            self.counters.pictures.fetch_add(1, Relaxed);
        }
        // RTMP's 32 bits wrap after 49 days, as every receiver of long streams knows.
        to.send(item.kind, since as u32, item.tag.clone())
    }

    fn count(&self, dropped: Dropped) {
        self.counters.dropped_pictures.fetch_add(dropped.pictures, Relaxed);
        self.counters.dropped_sound.fetch_add(dropped.sound, Relaxed);
    }
}

impl Live {
    /// Ends the stream on purpose.
    pub async fn close(mut self) {
        if self.publisher.close().is_ok() {
            let output = self.publisher.output();
            let goodbye = async {
                self.stream.write_all(&output).await?;
                self.stream.shutdown().await
            };
            let _ = timeout(GOODBYE_WITHIN, goodbye).await;
        }
    }
}

enum Never {}

async fn connect_to(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
    let stream = socket.connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Writes all, as long as the peer takes something now and then.
async fn write(stream: &mut Box<dyn Stream>, mut bytes: &[u8]) -> Result<(), Failure> {
    let stalled = |_| Failure::Lost(format!("the server has taken nothing for {} s", WRITE_WITHIN.as_secs()));
    while !bytes.is_empty() {
        let written = timeout(WRITE_WITHIN, stream.write(bytes)).await.map_err(stalled)?.map_err(broken)?;
        if written == 0 {
            return Err(broken(io::ErrorKind::WriteZero.into()));
        }
        bytes = &bytes[written..];
    }
    timeout(WRITE_WITHIN, stream.flush()).await.map_err(stalled)?.map_err(broken)
}

fn broken(error: io::Error) -> Failure {
    Failure::Lost(format!("the connection broke: {}", error.kind()))
}
