//! The process is killed between random calls of its API: what it has answered is there again.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use rivulet_scene::{Batch, Document, Limits, Scene};
use rivulet_store::testing::TempDir;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

struct Process {
    child: Child,
    http: String,
}

impl Process {
    fn start(data: &Path) -> Self {
        // target/debug/deps/NAME-HASH -> target/debug/examples/compositor
        let test = std::env::current_exe().unwrap();
        let program: PathBuf = test.parent().and_then(Path::parent).unwrap().join("examples/compositor");
        let mut child = Command::new(program)
            .args(["--http", "127.0.0.1:0", "--websocket", "127.0.0.1:0"])
            .args(["--metrics", "127.0.0.1:0", "--health", "127.0.0.1:0"])
            .args(["--stream-resolution", "320x180", "--stream-preset", "ultrafast", "--data"])
            .arg(data)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let mark = "name=compositor-http addr=";
        let http = lines.find_map(|line| Some(line.split_once(mark)?.1.trim().to_owned())).expect("it listens");
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, http }
    }

    fn call(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let request = ureq::http::Request::builder().method(method).uri(format!("http://{}{path}", self.http));
        let request = request.header("content-type", "application/json");
        let request = request.body(body.map_or(String::new(), |body| body.to_string())).unwrap();
        let mut response = agent.run(request).unwrap();
        let text = response.body_mut().read_to_string().unwrap();
        (response.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::Null))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Without a word of warning.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A document without the times that only the process knows.
fn document(value: Value) -> Value {
    let document: Document = serde_json::from_value(value).unwrap();
    json!({ "revision": document.revision, "layers": document.layers, "background": document.background })
}

#[test]
fn what_was_answered_is_there_after_a_kill() {
    let data = TempDir::new();
    let mut random = Random(7);
    let mut model = Scene::new(320, 180, Limits::default());
    let mut saved: std::collections::BTreeMap<String, Document> = Default::default();
    let mut process = Process::start(data.path());
    let mut kills = 0;
    for step in 0..300 {
        if random.below(30) == 0 {
            drop(process);
            process = Process::start(data.path());
            kills += 1;
            let there = document(process.call("GET", "/v1/scene", None).1);
            assert_eq!(there, document(serde_json::to_value(model.document()).unwrap()), "step {step}");
            let names: Vec<Value> = process.call("GET", "/v1/scenes", None).1.as_array().unwrap().clone();
            assert!(names.iter().map(|scene| scene["id"].as_str().unwrap()).eq(saved.keys().map(String::as_str)));
        }
        let id = format!("layer-{}", random.below(8));
        let change = match random.below(10) {
            0..4 => json!({ "op": "add", "layer": {
                "id": id, "kind": "text", "text": format!("step {step}"), "opacity": random.below(11) as f64 / 10.0,
            } }),
            4..7 => json!({ "op": "update", "id": id, "patch": { "z": random.below(9) } }),
            7 => json!({ "op": "remove", "id": id }),
            8 => {
                let name = format!("scene-{}", random.below(3));
                assert_eq!(process.call("PUT", &format!("/v1/scenes/{name}"), None).0, 204);
                saved.insert(name, model.document());
                continue;
            }
            _ => {
                let name = format!("scene-{}", random.below(3));
                let (status, _) = process.call("POST", &format!("/v1/scenes/{name}/recall"), None);
                let Some(scene) = saved.get(&name) else {
                    assert_eq!(status, 404);
                    continue;
                };
                assert_eq!(status, 200);
                let scene = Document { revision: model.revision() + 1, ..scene.clone() };
                model = Scene::restore(scene, Limits::default()).unwrap();
                continue;
            }
        };
        let batch = json!({ "changes": [change] });
        let (status, body) = process.call("POST", "/v1/scene/batches", Some(batch.clone()));
        match model.apply(serde_json::from_value::<Batch>(batch).unwrap(), 0) {
            Ok(applied) => {
                assert_eq!((status, &body["revision"]), (200, &applied.revision.into()), "step {step}: {body}")
            }
            Err(error) => {
                assert!((400..500).contains(&status), "step {step}: {status} {body}");
                assert_eq!(body["field"], error.field, "step {step}");
            }
        }
    }
    assert!(kills >= 3, "{kills} kills");
}

/// The same numbers each time.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as u32 % bound
    }
}
