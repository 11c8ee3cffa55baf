//! The byte stream below a connection, which two write to: the fan-out, from its own threads and
//! without waiting, and the connection's task, which waits where there is something to wait for.

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use socket2::SockRef;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// What the kernel keeps for a client that does not read. More only hides that it is slow.
const SEND_BUFFER: usize = 64 * 1024;

pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

pub enum Socket {
    Tcp(TcpStream),
    /// With TLS, or whatever else is between us and the network.
    Other(Mutex<Box<dyn Stream>>),
}

impl Socket {
    /// With what was read already.
    pub fn upgraded(upgraded: Upgraded) -> (Self, Vec<u8>) {
        match upgraded.downcast::<TokioIo<TcpStream>>() {
            Ok(parts) => (Self::tcp(parts.io.into_inner()), parts.read_buf.to_vec()),
            Err(upgraded) => (Self::Other(Mutex::new(Box::new(TokioIo::new(upgraded)))), Vec::new()),
        }
    }

    pub fn tcp(stream: TcpStream) -> Self {
        // A larger buffer is slower, not wrong.
        let _ = SockRef::from(&stream).set_send_buffer_size(SEND_BUFFER);
        let _ = stream.set_nodelay(true);
        Self::Tcp(stream)
    }

    /// Reads what is there.
    pub fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(stream) => loop {
                ready!(stream.poll_read_ready(cx))?;
                match stream.try_read(buffer) {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    done => return Poll::Ready(done),
                }
            },
            Self::Other(stream) => {
                let mut buffer = ReadBuf::new(buffer);
                ready!(Pin::new(&mut *lock(stream)).poll_read(cx, &mut buffer))?;
                Poll::Ready(Ok(buffer.filled().len()))
            }
        }
    }

    /// Writes what can be written now, and arranges for nothing.
    pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.try_write(bytes),
            Self::Other(stream) => {
                let mut stream = lock(stream);
                let mut cx = Context::from_waker(Waker::noop());
                match write(&mut **stream, &mut cx, bytes) {
                    Poll::Ready(done) => done,
                    Poll::Pending => Err(ErrorKind::WouldBlock.into()),
                }
            }
        }
    }

    /// For the connection's task, while nobody else writes.
    pub fn poll_write(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(stream) => loop {
                ready!(stream.poll_write_ready(cx))?;
                match stream.try_write(bytes) {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    done => return Poll::Ready(done),
                }
            },
            Self::Other(stream) => write(&mut **lock(stream), cx, bytes),
        }
    }
}

/// TLS keeps what it has encrypted: it has to be pushed on, or the last of it stays where it is.
fn write(stream: &mut dyn Stream, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
    ready!(Pin::new(&mut *stream).poll_flush(cx))?;
    let written = ready!(Pin::new(&mut *stream).poll_write(cx, bytes))?;
    // What is left is pushed with the next write, of which there is one at least every heartbeat.
    let _ = Pin::new(stream).poll_flush(cx)?;
    Poll::Ready(Ok(written))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
