//! Frames on the pipe between server and worker: a length, then the postcard encoding.

use rivulet_protocol::worker::MAX_FRAME_BYTES;
use serde::{Serialize, de::DeserializeOwned};
use std::io::{self, Read};
use tokio::io::{AsyncRead, AsyncReadExt};

pub fn encode<T: Serialize>(message: &T) -> io::Result<Vec<u8>> {
    let mut frame = postcard::to_extend(message, vec![0; 4]).map_err(io::Error::other)?;
    let length = frame.len() - 4;
    if length > MAX_FRAME_BYTES {
        return Err(too_long(length));
    }
    frame[..4].copy_from_slice(&(length as u32).to_be_bytes());
    Ok(frame)
}

fn too_long(length: usize) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("a pipe frame of {length} bytes"))
}

fn length(header: [u8; 4]) -> io::Result<usize> {
    match u32::from_be_bytes(header) as usize {
        length if length > MAX_FRAME_BYTES => Err(too_long(length)),
        length => Ok(length),
    }
}

fn decode<T: DeserializeOwned>(body: &[u8]) -> io::Result<T> {
    postcard::from_bytes(body).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))
}

/// The next message, `None` at the end of the pipe.
pub fn read<T: DeserializeOwned>(pipe: &mut impl Read) -> io::Result<Option<T>> {
    let mut header = [0; 4];
    match pipe.read_exact(&mut header) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let mut body = vec![0; length(header)?];
    pipe.read_exact(&mut body)?;
    decode(&body).map(Some)
}

/// The same for the server's side.
pub async fn read_async<T: DeserializeOwned>(pipe: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<T>> {
    let mut header = [0; 4];
    match pipe.read_exact(&mut header).await {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    };
    let mut body = vec![0; length(header)?];
    pipe.read_exact(&mut body).await?;
    decode(&body).map(Some)
}
