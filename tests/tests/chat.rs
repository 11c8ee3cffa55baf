//! Two servers with one Postgres and one Redis, as an instance of two nodes: Redis is away for
//! twenty seconds, then the node that has the room is killed. Nothing is said twice, nobody who is
//! banned is heard, and whoever misses something knows.
#![allow(clippy::unwrap_used)]

use rivulet_store::testing::{Postgres, Redis};
use rivulet_tests::*;
use serde_json::{Value, json};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};
use tokio_tungstenite::tungstenite::stream::MaybeTlsStream;
use tokio_tungstenite::tungstenite::{Message, WebSocket, connect};

type Socket = WebSocket<MaybeTlsStream<TcpStream>>;

fn open(server: &str, hello: &Value) -> Option<Socket> {
    let address = server.replacen("http://", "ws://", 1);
    let (mut socket, _) = connect(format!("{address}/chat/stage")).ok()?;
    if let MaybeTlsStream::Plain(stream) = socket.get_ref() {
        stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    }
    socket.send(Message::text(hello.to_string())).ok()?;
    Some(socket)
}

/// The next frame; `Err` when the connection is gone, `Ok(None)` when nothing came for a moment.
fn next(socket: &mut Socket) -> Result<Option<Value>, ()> {
    use tokio_tungstenite::tungstenite::Error;
    match socket.read() {
        Ok(Message::Text(text)) => Ok(serde_json::from_str(&text).ok()),
        Ok(Message::Close(_)) => Err(()),
        Ok(_) => Ok(None),
        Err(Error::Io(error))
            if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) =>
        {
            Ok(None)
        }
        Err(_) => Err(()),
    }
}

/// Somebody who reads for the whole time, and comes back after each interruption, to any server.
struct Watcher {
    heard: Arc<Mutex<Vec<Heard>>>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

#[derive(Debug, Clone, PartialEq)]
enum Heard {
    Said {
        id: String,
        text: String,
    },
    /// Something may be missing here.
    Hole,
}

fn watch(servers: Vec<String>) -> Watcher {
    let (heard, stop) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
    let (log, end) = (heard.clone(), stop.clone());
    let thread = std::thread::spawn(move || {
        let mut position = Value::Null;
        for server in servers.iter().cycle() {
            if end.load(Relaxed) {
                return;
            }
            let mut hello = json!({"op": "hello", "v": 1});
            if !position.is_null() {
                hello["resume"] = position.clone();
            }
            let Some(mut socket) = open(server, &hello) else {
                sleep(Duration::from_millis(200));
                continue;
            };
            while !end.load(Relaxed) {
                let Ok(frame) = next(&mut socket) else { break };
                let Some(frame) = frame else { continue };
                let mut log = log.lock().unwrap();
                let said = |message: &Value| Heard::Said {
                    id: message["id"].as_str().unwrap_or_default().to_owned(),
                    text: message["text"].as_str().unwrap_or_default().to_owned(),
                };
                match frame["op"].as_str().unwrap_or_default() {
                    "welcome" => {
                        if !frame["recovered"].as_bool().unwrap() && !position.is_null() {
                            log.push(Heard::Hole);
                        }
                        position = frame["position"].clone();
                    }
                    "event" => {
                        position = json!({"epoch": frame["epoch"], "n": frame["n"]});
                        match frame["kind"].as_str().unwrap_or_default() {
                            "message" => log.push(said(&frame)),
                            "interrupted" => log.push(Heard::Hole),
                            _ => {}
                        }
                    }
                    "gap" => log.push(Heard::Hole),
                    _ => {}
                }
            }
        }
    });
    Watcher { heard, stop, thread }
}

impl Watcher {
    fn has(&self, text: &str) -> bool {
        self.heard.lock().unwrap().iter().any(|heard| matches!(heard, Heard::Said { text: it, .. } if it == text))
    }

    fn end(self) -> Vec<Heard> {
        self.stop.store(true, Relaxed);
        self.thread.join().unwrap();
        Arc::into_inner(self.heard).unwrap().into_inner().unwrap()
    }
}

/// Says something until it is acknowledged or refused for good; answers the refusal.
fn say(servers: &[&str], token: &str, id: &str, text: &str) -> Result<(), String> {
    let deadline = Instant::now() + Duration::from_secs(60);
    for server in servers.iter().cycle() {
        assert!(Instant::now() < deadline, "{text} was never answered");
        let Some(mut socket) = open(server, &json!({"op": "hello", "v": 1, "token": token})) else {
            sleep(Duration::from_millis(100));
            continue;
        };
        let _ = socket.send(Message::text(json!({"op": "say", "id": id, "text": text}).to_string()));
        let asked = Instant::now();
        while asked.elapsed() < Duration::from_secs(5) {
            let Ok(frame) = next(&mut socket) else { break };
            let Some(frame) = frame.filter(|frame| frame["id"] == id) else { continue };
            match frame["op"].as_str() {
                Some("ack") => return Ok(()),
                Some("refused") if frame["code"] == "unavailable" => break,
                Some("refused") => return Err(frame["code"].as_str().unwrap().to_owned()),
                _ => {}
            }
        }
        sleep(Duration::from_millis(200));
    }
    unreachable!("there are servers")
}

#[test]
fn an_instance_of_two_nodes_survives_its_parts() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (postgres, mut redis) = runtime.block_on(async { tokio::join!(Postgres::start(), Redis::start()) });
    let database = runtime.block_on(postgres.database());
    let node = || {
        let options = Options::default().flag("--database-url", &database).flag("--redis-url", &redis.url());
        Server::start(options.flag("--chat-rate", "1000"))
    };
    let (first, second) = (node(), node());
    for name in ["stage", "ann", "bob", "carol"] {
        first.channel(name);
    }
    let owner = first.login("stage");
    let token = |name: &str| {
        let wanted = r#"{"name": "test", "scopes": ["chat:read", "chat:write"]}"#;
        first.login(name).call("POST", "/me/tokens", wanted)["token"].as_str().unwrap().to_owned()
    };
    let (ann, bob, carol) = (token("ann"), token("bob"), token("carol"));
    let (a, b) = (first.http.clone(), second.http.clone());
    // The first who looks opens the room: it is the first node's.
    let watchers = [watch(vec![a.clone(), b.clone()]), watch(vec![b.clone(), a.clone()])];
    let hear = |text: &str, within: u64| {
        for watcher in &watchers {
            wait_for(&format!("{text} is heard"), Duration::from_secs(within), || watcher.has(text).then_some(()));
        }
    };
    say(&[&a], &ann, "1", "hello from a").unwrap();
    say(&[&b], &bob, "1", "hello from b").unwrap();
    say(&[&b], &carol, "1", "carol was here").unwrap();
    hear("carol was here", 10);

    redis.kill();
    let away = Instant::now();
    // Those who are with the owner go on; a ban by the other node's API holds at once, since the rows
    // are asked as long as nobody tells of them.
    say(&[&a], &ann, "2", "without redis").unwrap();
    say(&[&a], &carol, "2", "carol again").unwrap();
    second.login("stage").call("PUT", "/channels/stage/chat/bans/carol", r#"{"reason": "spam"}"#);
    assert_eq!(say(&[&a], &carol, "3", "carol banned"), Err("banned".into()));
    let mut n = 0;
    while away.elapsed() < Duration::from_secs(20) {
        n += 1;
        say(&[&a], &ann, &format!("away {n}"), &format!("away {n}")).unwrap();
        sleep(Duration::from_millis(500));
    }
    runtime.block_on(redis.restart());
    let back = Instant::now();
    say(&[&b], &bob, "2", "b is back").unwrap();
    hear("b is back", 20);
    println!("the other node took part again {:?} after Redis was back", back.elapsed());
    assert_eq!(say(&[&b], &carol, "4", "carol banned still"), Err("banned".into()));
    let chatters = || owner.call("GET", "/channels/stage/chat", "")["chatters"].as_u64();
    wait_for("both watchers are counted", Duration::from_secs(20), || (chatters() == Some(2)).then_some(()));

    signal(first.pid(), "KILL");
    let killed = Instant::now();
    say(&[&b], &bob, "3", "after the kill").unwrap();
    println!("the other node had the room {:?} after the owner was killed", killed.elapsed());
    hear("after the kill", 30);
    assert_eq!(say(&[&b], &carol, "5", "carol banned for ever"), Err("banned".into()));

    let mut said: Vec<String> =
        ["hello from a", "hello from b", "carol was here", "without redis", "carol again"].map(str::to_owned).to_vec();
    said.extend((1..=n).map(|n| format!("away {n}")));
    said.extend(["b is back", "after the kill"].map(str::to_owned));
    for watcher in watchers {
        let heard = watcher.end();
        let ids: Vec<&String> =
            heard.iter().filter_map(|it| if let Heard::Said { id, .. } = it { Some(id) } else { None }).collect();
        let mut unique = ids.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), ids.len(), "nothing is heard twice: {heard:?}");
        let texts: Vec<&str> = heard
            .iter()
            .filter_map(|it| if let Heard::Said { text, .. } = it { Some(&**text) } else { None })
            .collect();
        assert!(!texts.iter().any(|text| text.starts_with("carol banned")), "{texts:?}");
        let holes = heard.iter().filter(|it| **it == Heard::Hole).count();
        let missing: Vec<&String> = said.iter().filter(|text| !texts.contains(&text.as_str())).collect();
        println!("{} of {} heard, {holes} holes told, missing {missing:?}", texts.len(), said.len());
        assert!(missing.is_empty() || holes > 0, "something is missing and nobody said so: {missing:?}");
        let order: Vec<usize> = texts.iter().filter_map(|text| said.iter().position(|it| it == text)).collect();
        assert!(order.is_sorted(), "in their order: {texts:?}");
    }
}
