//! IRC in a WebSocket, on the same port: what speaks first is either a request of HTTP or a line.

use crate::conn::Conn;
use crate::websocket::{read, server_end};
use std::io::{Error, ErrorKind, Result};
use std::task::Poll;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::WebSocketContext;

/// Of the request.
const MAX_HEAD: usize = 8192;

pub struct Web {
    socket: WebSocketContext,
    early: Vec<u8>,
}

/// Answers the request of a client that wants a WebSocket; others are left as they came.
pub async fn open(mut stream: TcpStream) -> Result<(TcpStream, Option<Web>)> {
    let mut first = [0];
    if stream.peek(&mut first).await? == 0 {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    // No line that a client begins with does so like `GET`.
    if first != *b"G" {
        return Ok((stream, None));
    }
    let mut head = Vec::new();
    let end = loop {
        if let Some(end) = head.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            break end;
        }
        if head.len() > MAX_HEAD || stream.read_buf(&mut head).await? == 0 {
            return Err(ErrorKind::InvalidData.into());
        }
    };
    let early = head.split_off(end + 4);
    let head = String::from_utf8_lossy(&head);
    if !head.starts_with("GET ") {
        return Err(ErrorKind::InvalidData.into());
    }
    let header = |name: &str| {
        let mut pairs = head.lines().filter_map(|line| line.split_once(':'));
        pairs.find(|(key, _)| key.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    };
    let Some(key) = header("sec-websocket-key").filter(|_| header("sec-websocket-version") == Some("13")) else {
        stream.write_all(b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await?;
        return Err(Error::from(ErrorKind::InvalidData));
    };
    let offered = header("sec-websocket-protocol").unwrap_or_default();
    let protocol = match offered.split(',').any(|one| one.trim() == "irc") {
        true => "Sec-WebSocket-Protocol: irc\r\n",
        false => "",
    };
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\n{protocol}\r\n",
        derive_accept_key(key.as_bytes()),
    );
    stream.write_all(answer.as_bytes()).await?;
    Ok((stream, Some(Web { socket: server_end(), early })))
}

impl Web {
    /// The lines of the next message, the last one ended; `None` when the client is gone.
    pub async fn message(&mut self, conn: &Conn) -> std::result::Result<Option<Vec<u8>>, u16> {
        let (socket, early) = (&mut self.socket, &mut self.early);
        conn.attend(|cx| {
            loop {
                match read(conn, socket, early, cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Ok(Message::Text(text))) => {
                        return Poll::Ready(Some([text.as_bytes(), b"\n"].concat()));
                    }
                    Poll::Ready(Ok(_)) => {}
                    Poll::Ready(Err(_)) => return Poll::Ready(None),
                }
            }
        })
        .await
    }
}
