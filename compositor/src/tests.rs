//! The whole process, in this one: its API, its picture on a real server, and what it refuses.

use crate::control::App;
use crate::outputs::tests::real::{Nginx, assert_show, assert_show_of, watched};
use crate::{Addresses, Compositor, Settings};
use clap::Parser;
use futures_util::{SinkExt, StreamExt};
use rivulet_store::testing::TempDir;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_util::sync::CancellationToken;

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    settings: Settings,
}

pub(crate) struct Process {
    pub addresses: Addresses,
    signal: CancellationToken,
    running: JoinHandle<anyhow::Result<()>>,
    pub app: Arc<App>,
    pub data: TempDir,
}

fn settings(more: &[&str]) -> Settings {
    let free = ["--http", "--websocket", "--metrics", "--health"].map(|flag| [flag, "127.0.0.1:0"]);
    let small = ["--stream-resolution", "320x180", "--target-fps", "25", "--stream-preset", "superfast"];
    Arguments::parse_from(
        ["test"].into_iter().chain(free.into_iter().flatten()).chain(small).chain(more.iter().copied()),
    )
    .settings
}

impl Process {
    pub async fn start(more: &[&str]) -> Self {
        Self::start_in(TempDir::new(), more).await
    }

    async fn start_in(data: TempDir, more: &[&str]) -> Self {
        // target/debug/deps/NAME-HASH -> target/debug/examples/compositor
        let test = std::env::current_exe().unwrap();
        let worker = test.parent().and_then(Path::parent).unwrap().join("examples/compositor");
        let settings = Settings { data: data.path().to_owned(), worker: Some(worker), ..settings(more) };
        let compositor = Compositor::load(settings).await.unwrap();
        let (addresses, signal) = (compositor.addresses().unwrap(), CancellationToken::new());
        let app = compositor.app.clone();
        let running = tokio::spawn(compositor.run(signal.clone()));
        Self { addresses, signal, running, app, data }
    }

    /// Ends it, and starts it again with what it kept.
    pub async fn again(self, more: &[&str]) -> Self {
        self.signal.cancel();
        self.running.await.unwrap().unwrap();
        Self::start_in(self.data, more).await
    }

    pub async fn call(&self, method: &'static str, path: &str, body: Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send(method, path, "application/json", body.into_bytes()).await
    }

    pub async fn send(&self, method: &'static str, path: &str, kind: &'static str, body: Vec<u8>) -> (u16, Value) {
        let (status, body) = fetch(method, format!("http://{}{path}", self.addresses.http), kind, body).await;
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    pub async fn metric(&self, name: &str) -> f64 {
        let url = format!("http://{}/metrics", self.addresses.metrics);
        let text = String::from_utf8(fetch("GET", url, "", Vec::new()).await.1).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
        line.unwrap_or_else(|| panic!("no {name} in {text}"))
    }

    /// Returns once some more pictures were encoded.
    pub async fn goes_on(&self) {
        let name = "rivulet_compositor_encode_seconds_count";
        let before = self.metric(name).await;
        while self.metric(name).await < before + 3.0 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        let url = format!("http://{}/health", self.addresses.health);
        assert_eq!(fetch("GET", url, "", Vec::new()).await.0, 200);
    }

    pub async fn stop(self) {
        self.signal.cancel();
        self.running.await.unwrap().unwrap();
    }
}

pub(crate) async fn fetch(method: &'static str, url: String, kind: &'static str, body: Vec<u8>) -> (u16, Vec<u8>) {
    let asking = move || {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let request = ureq::http::Request::builder().method(method).uri(url).header("content-type", kind);
        let mut response = agent.run(request.body(body).unwrap()).unwrap();
        (response.status().as_u16(), response.body_mut().read_to_vec().unwrap())
    };
    tokio::task::spawn_blocking(asking).await.unwrap()
}

fn ball() -> Value {
    json!({
        "id": "ball", "kind": "shape", "fill": "#ff0000",
        "geometry": { "type": "ellipse", "width": 60, "height": 60 },
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scene_is_seen_on_a_real_server() {
    let (nginx, folder) = (Nginx::start().await, TempDir::new());
    let process = Process::start(&[]).await;
    let text = json!({ "id": "words", "kind": "text", "text": "on air" });
    assert_eq!(process.call("POST", "/v1/scene/layers", text).await.0, 200);
    let url = format!("rtmp://127.0.0.1:{}/live", nginx.port);
    let output = json!({ "platform": "custom", "url": url, "key": "a_secret_key" });
    let (status, shown) = process.call("PUT", "/v1/outputs/nginx", output).await;
    assert_eq!((status, &shown["on"]), (200, &true.into()), "{shown}");
    assert!(!shown.to_string().contains("a_secret_key"));
    assert_show(&watched(format!("{url}/a_secret_key"), folder.path()).await);
    let (_, outputs) = process.call("GET", "/v1/outputs", Value::Null).await;
    assert_eq!((&outputs[0]["state"], &outputs[0]["dropped_pictures"]), (&"live".into(), &0.into()));
    assert!(process.metric("rivulet_compositor_outputs{state=\"live\"}").await == 1.0);
    assert_eq!(process.call("POST", "/v1/outputs/nginx/stop", Value::Null).await.1["on"], false);
    assert_eq!(process.call("DELETE", "/v1/outputs/nginx", Value::Null).await.0, 204);
    process.stop().await;
}

/// Pictures of a stream until there is such a one. A pixel of it is asked for by its place.
async fn until_seen(
    url: &str,
    (width, height): (usize, usize),
    such: impl Fn(&dyn Fn(usize, usize) -> [u8; 3]) -> bool,
) {
    let began = std::time::Instant::now();
    loop {
        let mut ffmpeg = tokio::process::Command::new("ffmpeg");
        ffmpeg.args([
            "-loglevel",
            "error",
            "-nostdin",
            "-i",
            url,
            "-frames:v",
            "1",
            "-pix_fmt",
            "rgb24",
            "-f",
            "rawvideo",
        ]);
        let picture = ffmpeg.arg("-").kill_on_drop(true).output().await.unwrap().stdout;
        assert_eq!(picture.len(), width * height * 3, "{url}");
        let pixel = |x: usize, y: usize| picture.as_chunks::<3>().0[y * width + x];
        if such(&pixel) {
            return;
        }
        assert!(began.elapsed().as_secs() < 60, "{url}: it never shows that; {:?}", pixel(width / 2, height / 2));
    }
}

fn is_red([r, g, b]: [u8; 3]) -> bool {
    r > 180 && g < 70 && b < 70
}

fn is_blue([r, g, b]: [u8; 3]) -> bool {
    b > 180 && r < 70 && g < 70
}

fn is_black(pixel: [u8; 3]) -> bool {
    pixel.iter().all(|channel| *channel < 30)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_output_has_a_picture_of_its_own() {
    let (nginx, folder) = (Nginx::start().await, TempDir::new());
    let process = Process::start(&[]).await;
    let url = format!("rtmp://127.0.0.1:{}/live", nginx.port);
    let put = async |process: &Process, id: &str, on: bool, video: Value| {
        let output = json!({ "platform": "custom", "url": url, "key": format!("{id}_key"), "on": on, "video": video });
        process.call("PUT", &format!("/v1/outputs/{id}"), output).await
    };
    let encodes = || process.app.shared.editions.all().len();
    // The sponsor covers the left half, where the picture is blue without it.
    let block = |id: &str, fill: &str, width: u32, more: Value| {
        let geometry = json!({ "type": "rect", "width": width, "height": 180 });
        let mut layer = json!({ "id": id, "kind": "shape", "fill": fill, "geometry": geometry });
        layer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        layer
    };
    let ground = block("ground", "#0000ff", 320, json!({}));
    let sponsor = block("sponsor", "#ff0000", 160, json!({ "exclude": ["clean"] }));
    for layer in [ground, sponsor] {
        assert_eq!(process.call("POST", "/v1/scene/layers", layer).await.0, 200);
    }
    let clean = json!({ "width": 240, "view": "clean", "bitrate_kbps": 500 });
    let middle = json!({ "x": 110, "width": 100, "height": 180 });
    let tall = json!({ "height": 320, "area": middle });
    for (id, video, encode) in [
        ("full", Value::Null, "main"),
        ("same", json!({ "width": 320, "fps": 25 }), "main"),
        ("clean", clean.clone(), "clean 320x180+0+0 240x136 25.00/s 500k"),
        ("twin", clean.clone(), "clean 320x180+0+0 240x136 25.00/s 500k"),
        ("tall", tall, "main 100x180+110+0 178x320 25.00/s 2000k"),
        ("boxed", json!({ "width": 180, "height": 320, "fps": 12.5 }), "main 320x180+0+0 180x320 12.50/s 2000k"),
    ] {
        let (status, shown) = put(&process, id, true, video).await;
        assert_eq!((status, shown["encode"].as_str()), (200, Some(encode)), "{shown}");
    }
    assert_eq!(encodes(), 3);
    let of = |id: &str| format!("{url}/{id}_key");
    until_seen(&of("full"), (320, 180), |at| is_red(at(80, 90)) && is_blue(at(240, 90))).await;
    until_seen(&of("clean"), (240, 136), |at| is_blue(at(60, 68)) && is_blue(at(180, 68))).await;
    until_seen(&of("twin"), (240, 136), |at| is_blue(at(60, 68)) && is_blue(at(180, 68))).await;
    until_seen(&of("tall"), (178, 320), |at| is_red(at(40, 160)) && is_blue(at(130, 160)) && is_red(at(4, 4))).await;
    let boxed = |at: &dyn Fn(usize, usize) -> [u8; 3]| {
        is_red(at(40, 160)) && is_blue(at(140, 160)) && is_black(at(40, 50)) && is_black(at(140, 270))
    };
    until_seen(&of("boxed"), (180, 320), boxed).await;
    // With the sound that all have.
    assert_show_of(&watched(of("clean"), folder.path()).await, 240, 136);

    // Changes are seen by those that they are for, without anybody connecting anew.
    let seen_by_all = json!({ "exclude": [] });
    assert_eq!(process.call("PATCH", "/v1/scene/layers/sponsor", seen_by_all).await.0, 200);
    until_seen(&of("clean"), (240, 136), |at| is_red(at(60, 68))).await;
    assert_eq!(process.call("PATCH", "/v1/scene/layers/sponsor", json!({ "only": ["clean"] })).await.0, 200);
    until_seen(&of("full"), (320, 180), |at| is_blue(at(80, 90))).await;
    until_seen(&of("clean"), (240, 136), |at| is_red(at(60, 68))).await;
    for output in process.call("GET", "/v1/outputs", Value::Null).await.1.as_array().unwrap() {
        assert_eq!((&output["state"], &output["reconnects"]), (&"live".into(), &0.into()), "{output}");
    }
    let label = "{encode=\"clean 320x180+0+0 240x136 25.00/s 500k\"}";
    assert!(process.metric(&format!("rivulet_compositor_edition_outputs{label}")).await == 2.0);
    assert!(process.metric(&format!("rivulet_compositor_edition_pictures_total{label}")).await > 25.0);

    // Four at most. What an output gives up makes room for what it has instead.
    assert_eq!(put(&process, "fourth", true, json!({ "width": 64 })).await.0, 422);
    assert_eq!(put(&process, "fourth", true, json!({ "width": 128 })).await.0, 200);
    let (status, problem) = put(&process, "fifth", true, json!({ "width": 192 })).await;
    assert_eq!((status, &problem["code"]), (409, &"too_many".into()), "{problem}");
    assert_eq!(put(&process, "fifth", false, json!({ "width": 192 })).await.0, 200);
    assert_eq!(process.call("POST", "/v1/outputs/fifth/start", Value::Null).await.0, 409);
    assert_eq!(put(&process, "fourth", true, json!({ "width": 160 })).await.0, 200);
    assert_eq!(encodes(), 4);
    // An encode ends with the last that needs it.
    assert_eq!(process.call("POST", "/v1/outputs/twin/stop", Value::Null).await.1["encode"], Value::Null);
    assert_eq!(encodes(), 4);
    assert_eq!(process.call("DELETE", "/v1/outputs/clean", Value::Null).await.0, 204);
    assert_eq!(encodes(), 3);
    assert_eq!(process.call("POST", "/v1/outputs/fifth/start", Value::Null).await.0, 200);
    assert_eq!(process.call("POST", "/v1/outputs/fourth/stop", Value::Null).await.0, 200);
    assert_eq!(process.call("POST", "/v1/outputs/twin/start", Value::Null).await.0, 200);
    until_seen(&of("twin"), (240, 136), |at| is_red(at(60, 68))).await;

    // All of it outlives the process.
    let process = process.again(&[]).await;
    until_seen(&of("twin"), (240, 136), |at| is_red(at(60, 68))).await;
    let twin = process.call("GET", "/v1/outputs/twin", Value::Null).await.1;
    assert_eq!(twin["video"], clean, "{twin}");
    assert_eq!(process.app.shared.editions.all().len(), 4);
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_of_the_settings_is_on_air_and_no_client_changes_it() {
    let (nginx, folder) = (Nginx::start().await, TempDir::new());
    let url = format!("rtmp://127.0.0.1:{}/live", nginx.port);
    let (there, none) = (format!("here={url}/a_secret_key"), "none=rtmp://127.0.0.1:1/live/another_key".to_owned());
    let process = Process::start(&["--target", &there, "--target", &none]).await;
    let own = json!({ "platform": "custom", "url": "rtmp://127.0.0.1:1/live", "key": "k", "on": false });
    for (method, path, body, want) in [
        ("PUT", "/v1/outputs/own", own.clone(), 200),
        ("PUT", "/v1/outputs/here", own, 409),
        ("DELETE", "/v1/outputs/here", Value::Null, 409),
        ("DELETE", "/v1/outputs/own", Value::Null, 204),
    ] {
        let (status, answer) = process.call(method, path, body).await;
        assert_eq!(status, want, "{method} {path}: {answer}");
        let names_the_mend = answer.to_string().contains("RIVULET_COMPOSITOR_TARGETS");
        assert_eq!(names_the_mend, want == 409, "{method} {path}: {answer}");
    }
    assert_show(&watched(format!("{url}/a_secret_key"), folder.path()).await);
    let outputs = process.call("GET", "/v1/outputs", Value::Null).await.1;
    let seen: Vec<_> = outputs.as_array().unwrap().iter().map(|own| (&own["id"], &own["on"], &own["given"])).collect();
    assert_eq!(seen, [(&"here".into(), &true.into(), &true.into()), (&"none".into(), &true.into(), &true.into())]);
    assert_eq!(outputs[0]["state"], "live");
    assert!(!outputs.to_string().contains("_key"), "{outputs}");
    assert_eq!(process.call("POST", "/v1/outputs/here/stop", Value::Null).await.1["on"], false);
    assert_eq!(process.call("POST", "/v1/outputs/here/start", Value::Null).await.1["on"], true);
    process.stop().await;
}

/// What was kept under the name of a given target is hidden, and there again without it. No key of a
/// given one is kept.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_of_the_settings_is_there_as_long_as_the_setting() {
    let shown = async |process: &Process| process.call("GET", "/v1/outputs/a", Value::Null).await.1["url"].clone();
    let process = Process::start(&[]).await;
    let own = json!({ "platform": "custom", "url": "rtmp://127.0.0.1:1/own", "key": "k", "on": false });
    assert_eq!(process.call("PUT", "/v1/outputs/a", own).await.0, 200);
    let process = process.again(&["--target", "a=rtmp://127.0.0.1:2/given/key"]).await;
    assert_eq!(shown(&process).await, "rtmp://127.0.0.1:2/given");
    assert_eq!(process.call("POST", "/v1/outputs/a/stop", Value::Null).await.1["on"], false);
    let process = process.again(&[]).await;
    assert_eq!(shown(&process).await, "rtmp://127.0.0.1:1/own");
    process.stop().await;
}

#[tokio::test]
async fn a_target_that_cannot_be_is_said_before_the_start() {
    let data = TempDir::new();
    for (more, words) in [
        (["--target", "a=rtmp://h/secret"], "target a: the app or the key is missing"),
        (["--target", "a=rtmp://h/live/k rtmp://h/live/secret"], "target 2 is not NAME="),
        (
            ["--target=a=rtmps://live-api-s.facebook.com/rtmp/secret", "--stream-bitrate=20000k"],
            "target a: Facebook takes",
        ),
    ] {
        let settings = Settings { data: data.path().to_owned(), ..settings(&more) };
        let error = format!("{:#}", Compositor::load(settings).await.err().expect("an error"));
        assert!(error.contains(words) && !error.contains("secret"), "{more:?}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_socket_tells_and_is_told() {
    let process = Process::start(&[]).await;
    let url = format!("ws://{}/", process.addresses.websocket);
    let stream = tokio::net::TcpStream::connect(process.addresses.websocket).await.unwrap();
    let (mut socket, _) = tokio_tungstenite::client_async(url, stream).await.unwrap();
    let call = json!({ "id": 7, "method": "POST", "path": "/v1/scene/batches", "body": {
        "changes": [{ "op": "add", "layer": { "id": "a", "kind": "text", "text": "hello" } }],
    } });
    socket.send(Message::text(call.to_string())).await.unwrap();
    let mut seen = Vec::new();
    while seen.len() < 2 {
        let Message::Text(text) = socket.next().await.unwrap().unwrap() else { continue };
        seen.push(serde_json::from_str::<Value>(&text).unwrap());
    }
    let answer = seen.iter().find(|message| message["id"] == 7).unwrap();
    assert_eq!((&answer["status"], &answer["body"]["revision"]), (&200.into(), &1.into()), "{answer}");
    let event = seen.iter().find(|message| message["event"] == "changed").unwrap();
    assert_eq!(event["changes"][0]["layer"]["id"], "a", "{event}");
    process.stop().await;
}

/// A page knows one address, and can give its WebSocket no header.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_socket_is_at_the_http_port_too_and_takes_the_token_as_a_subprotocol() {
    let process = Process::start(&["--token", "a-long-secret-token"]).await;
    for (port, path) in [(process.addresses.http, "/v1/socket"), (process.addresses.websocket, "/")] {
        // `a-long-secret-token` in base64url, and another one.
        for (offered, status) in
            [("rivulet, bearer.YS1sb25nLXNlY3JldC10b2tlbg", 101), ("rivulet, bearer.YW5vdGhlcg", 401), ("rivulet", 401)]
        {
            let mut request = format!("ws://{port}{path}").into_client_request().unwrap();
            request.headers_mut().insert("sec-websocket-protocol", offered.parse().unwrap());
            let stream = tokio::net::TcpStream::connect(port).await.unwrap();
            match tokio_tungstenite::client_async(request, stream).await {
                Ok((mut socket, response)) => {
                    assert_eq!(
                        (status, &response.headers()["sec-websocket-protocol"]),
                        (101, &"rivulet".parse().unwrap())
                    );
                    socket.send(Message::text(r#"{"id":1,"method":"GET","path":"/v1/scene"}"#)).await.unwrap();
                    let answer = socket.next().await.unwrap().unwrap().into_text().unwrap();
                    assert!(answer.contains(r#""status":200"#), "{answer}");
                }
                Err(tokio_tungstenite::tungstenite::Error::Http(response)) => assert_eq!(response.status(), status),
                Err(error) => panic!("{offered}: {error}"),
            }
        }
    }
    // The page itself is for everybody: it asks for the token.
    let (status, page) = fetch("GET", format!("http://{}/", process.addresses.http), "", Vec::new()).await;
    assert!(status == 200 && String::from_utf8(page).unwrap().contains("editor/main.js"));
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outlines_are_those_of_what_is_shown() {
    let process = Process::start(&[]).await;
    let text = json!({ "id": "words", "kind": "text", "text": "wide words", "transform": { "x": 20 } });
    let hidden = json!({ "id": "hidden", "kind": "chart", "visible": false });
    for layer in [ball(), text, hidden] {
        assert_eq!(process.call("POST", "/v1/scene/layers", layer).await.0, 200);
    }
    let keyframes = json!([{ "value": 70 }]);
    let tracks = json!([{ "property": "transform.x", "keyframes": keyframes }]);
    let moved = json!({ "id": "go", "effect": { "target": "ball", "tracks": tracks, "timing": { "duration_ms": 0, "end_delay_ms": 60000 } } });
    assert_eq!(process.call("POST", "/v1/scene/animations", moved).await.0, 200);
    let (status, outlines) = process.call("GET", "/v1/outlines", Value::Null).await;
    assert_eq!((status, outlines["at"].as_i64().is_some()), (200, true), "{outlines}");
    let of = |id: &str| outlines["layers"].as_array().unwrap().iter().find(|layer| layer["id"] == id).unwrap();
    assert_eq!((&of("ball")["size"], &of("ball")["transform"]["x"]), (&json!([60.0, 60.0]), &json!(70.0)));
    assert!(of("words")["size"][0].as_f64().unwrap() > of("words")["size"][1].as_f64().unwrap());
    assert_eq!((&of("words")["transform"]["x"], &of("hidden")["size"]), (&json!(20.0), &Value::Null));
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_is_named_and_the_picture_goes_on() {
    let process = Process::start(&["--max-layers", "3"]).await;
    let layer = |id: &str| json!({ "id": id, "kind": "text", "text": id });
    let change = |change: Value| json!({ "changes": [change] });
    for id in ["one", "two"] {
        assert_eq!(process.call("POST", "/v1/scene/layers", layer(id)).await.0, 200);
    }
    let animate = |target: &str| {
        let keyframes = json!([{ "value": 0 }, { "value": 1 }]);
        let tracks = json!([{ "property": "opacity", "keyframes": keyframes }]);
        json!({ "id": "move", "effect": { "target": target, "tracks": tracks, "timing": { "duration_ms": 10 } } })
    };
    let target = |platform: &str, url: &str| json!({ "platform": platform, "url": url, "key": "k" });
    let with_video = |video: Value| {
        let url = "rtmps://live-api-s.facebook.com/rtmp";
        json!({ "platform": "facebook", "url": url, "key": "k", "on": false, "video": video })
    };
    let batches = "/v1/scene/batches";
    let in_group = |id: &str, group: &str| change(json!({ "op": "move", "id": id, "parent": group }));
    let group = |id: &str| json!({ "id": id, "kind": "group" });
    assert_eq!(process.call("POST", "/v1/scene/layers", group("box")).await.0, 200);
    for (method, path, body, status, words) in [
        ("PATCH", "/v1/scene/layers/three", json!({ "z": 1 }), 404, "three"),
        ("DELETE", "/v1/scene/layers/three", Value::Null, 404, "three"),
        ("POST", "/v1/scene/layers", layer("four"), 422, "layer"),
        ("POST", "/v1/scene/layers", layer("one"), 409, "one"),
        ("POST", batches, in_group("box", "box"), 422, "cycle"),
        ("PATCH", "/v1/scene/layers/one", json!({ "opacity": 7 }), 422, "opacity"),
        ("PATCH", "/v1/scene/layers/one", json!({ "opacity": null, "colour": 1 }), 422, "colour"),
        ("POST", "/v1/scene/animations", animate("gone"), 404, "gone"),
        ("POST", batches, json!({ "changes": [], "if_revision": 99 }), 409, "revision"),
        ("POST", batches, json!({ "change": [] }), 422, "change"),
        ("POST", "/v1/scenes/none/recall", Value::Null, 404, "none"),
        ("PUT", "/v1/scenes/a%20b", Value::Null, 422, "id"),
        ("PUT", "/v1/outputs/a", target("tiktok", "http://a/"), 422, "rtmp"),
        ("PUT", "/v1/outputs/a", target("mars", "rtmp://a/b"), 422, "mars"),
        ("PUT", "/v1/outputs/a", json!({ "platform": "x", "key": "k" }), 422, "URL of its own"),
        ("PUT", "/v1/outputs/a", with_video(json!({ "width": 63 })), 422, "\"video.width\""),
        ("PUT", "/v1/outputs/a", with_video(json!({ "fps": 24 })), 422, "\"video.fps\""),
        ("PUT", "/v1/outputs/a", with_video(json!({ "size": 1 })), 422, "\"video"),
        ("PUT", "/v1/outputs/a", with_video(json!({ "area": { "width": 321, "height": 2 } })), 422, "\"video.area\""),
        ("PUT", "/v1/outputs/a", with_video(json!({ "bitrate_kbps": 9_500 })), 422, "own bitrate_kbps"),
        ("POST", "/v1/outputs/a/start", Value::Null, 404, "output"),
        ("PUT", "/v1/sound/sources/a", json!({ "file": "none" }), 422, "none"),
        ("PATCH", "/v1/sound/master", json!({ "gain_db": 100 }), 422, "gain_db"),
        ("PATCH", "/v1/sound/sources/a", json!({ "settings": { "gain_db": "loud" } }), 422, "\"settings.gain_db\""),
        ("POST", batches, change(json!({ "op": "seek", "animation": "a", "to_ms": "x" })), 422, "/changes/0/to_ms"),
    ] {
        let (seen, problem) = process.call(method, path, body).await;
        assert_eq!(seen, status, "{method} {path}: {problem}");
        assert!(problem.to_string().contains(words), "{method} {path}: {problem}");
    }
    let nan = br#"{"changes":[{"op":"update","id":"one","patch":{"opacity":NaN}}]}"#.to_vec();
    assert_eq!(process.send("POST", batches, "application/json", nan).await.0, 400);
    let svg = r#"<svg xmlns="http://www.w3.org/2000/svg" width="100000" height="100000"/>"#;
    for (kind, body) in [
        ("image/png", b"no picture".to_vec()),
        ("image/png", [&b"\x89PNG\r\n\x1a\n"[..], &[0; 100]].concat()),
        ("image/svg+xml", svg.as_bytes().to_vec()),
        ("audio/wav", b"no sound".to_vec()),
    ] {
        let (status, problem) = process.send("PUT", "/v1/files/a", kind, body).await;
        assert_eq!((status, &problem["field"]), (422, &"file".into()), "{kind}: {problem}");
    }
    let large = process.send("PUT", "/v1/files/a", "image/png", vec![0; 33 << 20]).await;
    assert_eq!(large.0, 413);
    process.goes_on().await;
    let (status, document) = process.call("GET", "/v1/scene", Value::Null).await;
    assert_eq!((status, document["layers"].as_array().map(Vec::len)), (200, Some(3)));
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_is_in_the_next_thumbnail() {
    let process = Process::start(&[]).await;
    let (status, answer) = process.call("POST", "/v1/scene/layers", ball()).await;
    assert_eq!(status, 200, "{answer}");
    let url = format!("http://{}/v1/thumbnail.png", process.addresses.http);
    let (status, png) = fetch("GET", url, "", Vec::new()).await;
    let picture = image::load_from_memory(&png).unwrap().to_rgb8();
    assert_eq!((status, picture.dimensions()), (200, (320, 180)));
    assert!(picture.pixels().any(|pixel| pixel.0[0] > 200 && pixel.0[1] < 50), "no red");
    let (status, document) = process.call("GET", "/v1/openapi.json", Value::Null).await;
    assert_eq!(status, 200);
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.contains_key("/v1/scene/batches") && paths.contains_key("/v1/outputs/{id}"));
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_is_fetched_and_fetched_again() {
    let (process, folder) = (Process::start(&["--allow-private"]).await, TempDir::new());
    let paint = |color: [u8; 3]| {
        image::RgbImage::from_pixel(320, 180, image::Rgb(color)).save(folder.path().join("a.png")).unwrap();
    };
    let shown = async || {
        let url = format!("http://{}/v1/thumbnail.png", process.addresses.http);
        image::load_from_memory(&fetch("GET", url, "", Vec::new()).await.1).unwrap().to_rgb8().get_pixel(160, 90).0
    };
    let until = async |color: [u8; 3]| {
        let began = std::time::Instant::now();
        while shown().await != color {
            assert!(began.elapsed().as_secs() < 60, "{color:?} is not seen");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    paint([200, 30, 40]);
    let url = format!("http://127.0.0.1:{}/files", crate::inputs::tests::serve(folder.path().to_owned()).await);
    let picture = json!({ "url": format!("{url}/a.png"), "refresh_seconds": 5 });
    let (status, answer) = process.call("PUT", "/v1/files/a", picture.clone()).await;
    assert_eq!((status, &answer["url"]), (200, &picture["url"]), "{answer}");
    process.call("POST", "/v1/scene/layers", json!({ "id": "a", "kind": "image", "asset": "a" })).await;
    until([200, 30, 40]).await;
    paint([30, 200, 40]);
    until([30, 200, 40]).await;
    // What is no picture any more leaves the one before it.
    std::fs::write(folder.path().join("a.png"), "none").unwrap();
    for (wrong, words) in [
        (json!({ "url": format!("{url}/a.png") }), "neither PNG"),
        (json!({ "url": format!("{url}/b.png") }), "404"),
        (json!({ "url": "ftp://1.1.1.1/a.png" }), "https://"),
        (json!({ "url": format!("{url}/a.png"), "refresh_seconds": 1 }), "refresh_seconds"),
        (json!({ "address": "a" }), "address"),
    ] {
        let (status, problem) = process.call("PUT", "/v1/files/a", wrong).await;
        assert!(status == 422 && problem.to_string().contains(words), "{status} {problem}");
    }
    assert_eq!(shown().await, [30, 200, 40]);
    let process = process.again(&[]).await;
    let (status, problem) = process.call("PUT", "/v1/files/b", picture).await;
    assert_eq!((status, &problem["code"]), (422, &"private_address".into()), "{problem}");
    assert_eq!(process.call("GET", "/v1/files", Value::Null).await.1[0]["refresh_seconds"], 5);
    process.stop().await;
}

#[tokio::test]
async fn nobody_is_let_in_without_the_token() {
    let process = Process::start(&["--token", "a-long-secret-token"]).await;
    assert_eq!(process.call("GET", "/v1/scene", Value::Null).await.0, 401);
    let open = Settings { http: "0.0.0.0:0".parse().unwrap(), ..settings(&[]) };
    assert!(open.check().unwrap_err().contains("TOKEN"));
    process.stop().await;
}
