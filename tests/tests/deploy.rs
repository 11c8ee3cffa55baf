//! An update under an audience: the server is stopped and started again, and nobody has to do
//! anything.
#![allow(clippy::unwrap_used)]

use rivulet_store::testing::TempDir;
use rivulet_tests::*;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

const VIEWERS: usize = 1_000;
/// Between attempts, as players wait.
const AGAIN: Duration = Duration::from_millis(500);

/// What a viewer has come to.
#[derive(Default)]
struct Seen {
    /// Of the newest part that it was told of: the segment and, plus one, the part.
    segment: AtomicU64,
    playlists: AtomicU64,
}

/// The segment and the part that a playlist says come next.
fn next(playlist: &str) -> Option<(u64, u64)> {
    let hint = playlist.lines().rev().find_map(|line| line.strip_prefix("#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\""))?;
    let (segment, rest) = hint.split_once('.')?;
    Some((segment.parse().ok()?, rest.split_once('.')?.0.parse().ok()?))
}

async fn ask(socket: &mut BufReader<TcpStream>, host: &str, path: &str) -> std::io::Result<(u16, String)> {
    let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n");
    socket.get_mut().write_all(request.as_bytes()).await?;
    let (mut status, mut length) = (0, 0);
    loop {
        let mut line = String::new();
        if socket.read_line(&mut line).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if status == 0 {
            status = line.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap();
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    socket.read_exact(&mut body).await?;
    Ok((status, String::from_utf8(body).unwrap()))
}

/// Follows a playlist as an LL-HLS player does, over one connection, or the next one.
async fn watch(host: String, path: String, seen: Arc<Seen>) {
    let mut wanted = None;
    loop {
        let Ok(socket) = TcpStream::connect(&host).await else {
            tokio::time::sleep(AGAIN).await;
            continue;
        };
        let mut socket = BufReader::with_capacity(2_048, socket);
        loop {
            let path = match wanted {
                Some((segment, part)) => format!("{path}?_HLS_msn={segment}&_HLS_part={part}"),
                None => path.clone(),
            };
            match ask(&mut socket, &host, &path).await {
                Ok((200, playlist)) => {
                    wanted = next(&playlist);
                    seen.segment.fetch_max(wanted.map_or(0, |(segment, _)| segment), Relaxed);
                    seen.playlists.fetch_add(1, Relaxed);
                }
                // Not there yet; anything else would end a player.
                Ok((503, _)) => {
                    wanted = None;
                    tokio::time::sleep(AGAIN).await;
                }
                Ok((status, text)) => panic!("{status}: {text}"),
                Err(_) => break,
            }
        }
        // Asks without conditions, as after any failure.
        wanted = None;
    }
}

#[test]
fn an_update_under_an_audience_is_not_noticed() {
    let data = Arc::new(TempDir::new());
    let options = |http: &str, rtmp: &str| {
        Options { data: Some(data.clone()), ..Options::default() }.flag("--http", http).flag("--rtmp", rtmp)
    };
    let mut server = Server::start(options("127.0.0.1:0", "127.0.0.1:0"));
    let key = server.channel("ada");
    let encoder = Encoder::repeat(&clip(8), &format!("{}/{key}", server.rtmp));
    server.wait_state("ada", "live");
    let path = format!("{}/source/index.m3u8", server.broadcast("ada"));
    wait_for("the playlist", Duration::from_secs(30), || (server.get(&path).status == 200).then_some(()));

    let (host, rtmp) = (server.http.replace("http://", ""), server.rtmp.clone());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let seen: Vec<Arc<Seen>> = (0..VIEWERS).map(|_| Arc::default()).collect();
    let watching: Vec<_> =
        seen.iter().map(|seen| runtime.spawn(watch(host.clone(), path.clone(), seen.clone()))).collect();
    let all = |what: &str, such: &dyn Fn(&Seen) -> bool| {
        wait_for(what, Duration::from_secs(60), || {
            assert!(watching.iter().all(|viewer| !viewer.is_finished()), "a viewer was turned away");
            seen.iter().all(|seen| such(seen)).then_some(())
        });
    };
    all("everybody to watch", &|seen| seen.playlists.load(Relaxed) >= 3);

    let took = server.stop();
    assert!(took < Duration::from_secs(10), "{took:?}");
    let newest = seen.iter().map(|seen| seen.segment.load(Relaxed)).max().unwrap();
    let since = Instant::now();
    drop(server);
    let address = rtmp.strip_prefix("rtmp://").and_then(|rest| rest.split('/').next()).unwrap();
    let server = Server::start(options(&host, address));
    drop(encoder);
    let encoder = Encoder::repeat(&clip(8), &format!("{rtmp}/{key}"));
    all("everybody to go on", &|seen| seen.segment.load(Relaxed) > newest + 1);
    println!("{VIEWERS} viewers: stopped in {took:?}, all go on {:?} later", since.elapsed());
    server.wait_state("ada", "live");
    assert_eq!(format!("{}/source/index.m3u8", server.broadcast("ada")), path, "it is the same broadcast");
    encoder.stop();
}
