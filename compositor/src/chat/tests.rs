//! A room as frames make it, and a whole compositor beside a server that says them.

use super::room::Room;
use crate::tests::{Process, fetch};
use futures_util::{SinkExt, StreamExt};
use rivulet_protocol::chat::ServerFrame;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, accept_async};

const NOW: i64 = 1_777_660_200_000_000;

fn message(id: &str, who: &str, text: &str) -> Value {
    let author = json!({ "id": who, "login": who, "display_name": who, "color": "#00ff00" });
    json!({ "id": id, "at_ms": 0, "author": author, "text": text })
}

fn event(n: u64, kind: &str, fields: Value) -> Value {
    let mut event = json!({ "op": "event", "epoch": 1, "n": n, "sent_ms": 0, "kind": kind });
    event.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    event
}

fn welcome(history: Value) -> Value {
    let settings = serde_json::to_value(rivulet_protocol::rest::ChatSettings::default()).unwrap();
    json!({
        "op": "welcome", "v": 1, "channel_id": "c", "position": { "epoch": 1, "n": 0 }, "recovered": false,
        "history": history, "settings": settings, "heartbeat_ms": 50_000,
    })
}

fn hear(room: &mut Room, frame: Value) -> bool {
    room.hear(serde_json::from_value::<ServerFrame>(frame).unwrap(), NOW)
}

fn texts(room: &Room) -> Vec<String> {
    room.lines().into_iter().map(|line| line.text).collect()
}

#[test]
fn what_was_taken_back_is_not_to_be_seen() {
    let mut room = Room::default();
    let mut gone = message("0", "ann", "gone");
    gone["deleted"] = true.into();
    assert!(hear(&mut room, welcome(json!([gone, message("1", "ann", "one"), message("2", "bob", "two")]))));
    // One of the history comes again.
    assert!(!hear(&mut room, event(1, "message", message("2", "bob", "two"))));
    assert!(hear(&mut room, event(2, "message", message("3", "ann", "th\u{7}ree"))));
    assert_eq!(texts(&room), ["one", "two", "three"]);
    assert_eq!(room.lines()[0].color, rivulet_scene::Color::try_from("#00ff00".to_owned()).ok());
    // What was there before is not new. Signs that are not known are none.
    assert_eq!(room.lines().iter().map(|line| line.came).collect::<Vec<_>>(), [None, None, Some(NOW)]);
    let mut signs = message("4", "eve", "four");
    signs["author"]["badges"] =
        ["moderator", "custom", "subscriber"].map(|kind| json!({ "kind": kind, "version": "1" })).into_iter().collect();
    assert!(hear(&mut room, event(2, "message", signs)));
    assert_eq!(room.lines()[3].badges, [rivulet_scene::Badge::Moderator, rivulet_scene::Badge::Subscriber]);
    assert!(hear(&mut room, event(2, "deleted", json!({ "message_id": "4" }))));
    assert!(hear(&mut room, event(3, "deleted", json!({ "message_id": "1" }))));
    assert_eq!(texts(&room), ["two", "three"]);
    let ban = json!({ "user_id": "ann", "login": "ann", "banned": true });
    assert!(hear(&mut room, event(4, "user_cleared", ban)));
    assert_eq!(texts(&room), ["two"]);
    assert!(!hear(&mut room, event(5, "unpinned", json!({}))));
    for n in 0..200 {
        hear(&mut room, event(n + 6, "message", message(&format!("m{n}"), "cat", &n.to_string())));
    }
    assert_eq!((texts(&room).len(), texts(&room).last().cloned()), (50, Some("199".into())));
    assert!(hear(&mut room, event(900, "cleared", json!({}))));
    assert!(texts(&room).is_empty());
}

/// Takes the next client, which says hello as a guest.
async fn client(listener: &TcpListener, history: Value) -> WebSocketStream<TcpStream> {
    let mut socket = accept_async(listener.accept().await.unwrap().0).await.unwrap();
    let Some(Ok(Message::Text(hello))) = socket.next().await else { panic!("no hello") };
    assert_eq!(serde_json::from_str::<Value>(&hello).unwrap(), json!({ "op": "hello", "v": 1 }));
    say(&mut socket, welcome(history)).await;
    socket
}

async fn say(socket: &mut WebSocketStream<TcpStream>, frame: Value) {
    socket.send(Message::text(frame.to_string())).await.unwrap();
}

/// Until so many pixels are as green as the authors' names.
async fn until_green(process: &Process, such: impl Fn(usize) -> bool) -> usize {
    let began = Instant::now();
    loop {
        let url = format!("http://{}/v1/thumbnail.png", process.addresses.http);
        let picture = image::load_from_memory(&fetch("GET", url, "", Vec::new()).await.1).unwrap().to_rgb8();
        let green = picture.pixels().filter(|pixel| pixel.0[1] > 150 && pixel.0[0] < 100).count();
        if such(green) {
            return green;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{green} green pixels");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chat_is_seen_until_it_is_taken_back() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/chat/ann", listener.local_addr().unwrap());
    let process = Process::start(&[]).await;
    let (status, problem) = process.call("PUT", "/v1/chats/own", json!({ "url": url })).await;
    assert_eq!((status, &problem["code"]), (422, &"private_address".into()), "{problem}");
    let (status, problem) = process.call("PUT", "/v1/chats/own", json!({ "url": "https://1.1.1.1/chat/a" })).await;
    assert_eq!((status, &problem["field"]), (422, &"url".into()), "{problem}");
    let process = process.again(&["--allow-private"]).await;
    assert_eq!(process.call("PUT", "/v1/chats/own", json!({ "url": url })).await.0, 200);
    let layer = json!({ "id": "chat", "kind": "chat", "source": "own", "width": 320, "height": 180 });
    let (status, answer) = process.call("POST", "/v1/scene/layers", layer).await;
    assert_eq!(status, 200, "{answer}");
    let mut socket = client(&listener, json!([message("1", "WWWWWW", "one")])).await;
    let one = until_green(&process, |green| green > 0).await;
    say(&mut socket, event(1, "message", message("2", "MMMMMM", "two"))).await;
    until_green(&process, |green| green > one * 3 / 2).await;
    say(&mut socket, event(2, "user_cleared", json!({ "user_id": "MMMMMM", "login": "m", "banned": true }))).await;
    until_green(&process, |green| green == one).await;
    // The server goes, and what it says when it is there again is what is to be seen.
    drop(socket);
    let _socket = client(&listener, json!([])).await;
    until_green(&process, |green| green == 0).await;
    // Nothing of it is kept but the address.
    let (_, scene) = process.call("GET", "/v1/scene", Value::Null).await;
    assert_eq!((&scene["layers"][0]["lines"], &scene["layers"][0]["source"]), (&json!([]), &"own".into()));
    let shown = process.call("GET", "/v1/chats/own", Value::Null).await.1;
    assert_eq!(shown["state"], "live", "{shown}");
    let process = process.again(&["--allow-private"]).await;
    let _socket = client(&listener, json!([message("1", "WWWWWW", "one")])).await;
    until_green(&process, |green| green == one).await;
    assert_eq!(process.call("DELETE", "/v1/chats/own", Value::Null).await.0, 204);
    until_green(&process, |green| green == 0).await;
    process.stop().await;
}
