//! The process is killed between random calls of its API, and in the middle of some: what it has
//! answered is there again, wherever its state is kept.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use rivulet_scene::{Batch, Document, Limits, Scene};
use rivulet_store::testing::{Redis, TempDir};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

const CALLS: u32 = 10_000;
/// One call in so many is followed by a kill, or interrupted by it.
const KILL_EVERY: u32 = 250;
/// A call takes about half as long as this: the moment of a kill in its middle is left to chance.
const MIDDLE_US: u32 = 1_500;

struct Process {
    child: Child,
    http: String,
    /// Keeps its connection.
    agent: ureq::Agent,
}

impl Process {
    fn start(arguments: &[&str]) -> Self {
        // target/debug/deps/NAME-HASH -> target/debug/examples/compositor
        let test = std::env::current_exe().unwrap();
        let program: PathBuf = test.parent().and_then(Path::parent).unwrap().join("examples/compositor");
        let mut child = Command::new(program)
            .args(["--http", "127.0.0.1:0", "--websocket", "127.0.0.1:0"])
            .args(["--metrics", "127.0.0.1:0", "--health", "127.0.0.1:0", "--target-fps", "10"])
            .args(["--stream-resolution", "320x180", "--stream-preset", "ultrafast"])
            .args(arguments)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let mark = "name=compositor-http addr=";
        let http = lines.find_map(|line| Some(line.split_once(mark)?.1.trim().to_owned())).expect("it listens");
        std::thread::spawn(move || lines.for_each(drop));
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        Self { child, http, agent }
    }

    fn call(&self, call: &Call) -> Result<(u16, Value), ureq::Error> {
        let Call { method, path, body } = call;
        let request = ureq::http::Request::builder().method(*method).uri(format!("http://{}{path}", self.http));
        let request = request.header("content-type", "application/json");
        let request = request.body(body.as_ref().map_or(String::new(), Value::to_string))?;
        let mut response = self.agent.run(request)?;
        let text = response.body_mut().read_to_string()?;
        Ok((response.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::Null)))
    }

    fn get(&self, path: &str) -> Value {
        let (status, body) = self.call(&Call::new("GET", path, None)).unwrap();
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// All that is kept, as the model has it.
    fn state(&self) -> Value {
        let saved = self.get("/v1/scenes");
        let ids = saved.as_array().unwrap().iter().map(|scene| scene["id"].as_str().unwrap().to_owned());
        let document = |path: &str| timeless(&serde_json::from_value(self.get(path)).unwrap());
        let saved: BTreeMap<String, Value> =
            ids.map(|id| (id.clone(), document(&format!("/v1/scenes/{id}")))).collect();
        json!({ "live": document("/v1/scene"), "saved": saved })
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
fn timeless(document: &Document) -> Value {
    let animations: Vec<_> = document.animations.iter().map(|running| &running.animation).collect();
    let Document { revision, layers, background, .. } = document;
    json!({ "revision": revision, "layers": layers, "background": background, "animations": animations })
}

struct Call {
    method: &'static str,
    path: String,
    body: Option<Value>,
}

impl Call {
    fn new(method: &'static str, path: impl Into<String>, body: Option<Value>) -> Self {
        Self { method, path: path.into(), body }
    }

    fn random(random: &mut Random, step: u32, model: &Model) -> Self {
        let saved = format!("scene-{}", random.below(4));
        match random.below(20) {
            0 => Self::new("PUT", format!("/v1/scenes/{saved}"), None),
            1 => Self::new("DELETE", format!("/v1/scenes/{saved}"), None),
            2 => Self::new("POST", format!("/v1/scenes/{saved}/recall"), None),
            3 => {
                let scene = model.saved.get(&saved).cloned().unwrap_or_else(|| model.scene.document());
                Self::new("PUT", "/v1/scene", Some(serde_json::to_value(scene).unwrap()))
            }
            _ => {
                let changes: Vec<Value> = (0..=random.below(2)).map(|_| change(random, step, model)).collect();
                let mut batch = json!({ "changes": changes });
                if random.below(5) == 0 {
                    batch["if_revision"] =
                        (model.scene.revision() - u64::from(random.below(2)).min(model.scene.revision())).into();
                }
                Self::new("POST", "/v1/scene/batches", Some(batch))
            }
        }
    }
}

/// Many are refused: of a layer that is not there, of one that is there already, of a group in itself.
fn change(random: &mut Random, step: u32, model: &Model) -> Value {
    let layers = model.scene.document().layers;
    let any = |random: &mut Random| match random.below(layers.len() as u32 + 2) as usize {
        n if n < layers.len() => layers[n].base.id.to_string(),
        _ => format!("layer-{}", random.below(99)),
    };
    let (new, id) = (format!("layer-{}", random.below(99)), any(random));
    match random.below(16) {
        0..3 => json!({ "op": "add", "layer": {
            "id": new, "kind": "text", "text": format!("step {step}"), "opacity": f64::from(random.below(11)) / 10.0,
        } }),
        3 => json!({ "op": "add", "layer": { "id": new, "kind": "group", "layers": [] } }),
        4..8 => json!({ "op": "update", "id": id, "patch": { "z": random.below(9), "visible": random.below(2) == 0 } }),
        8 => json!({ "op": "update", "id": id, "patch": { "opacity": 7 } }),
        9..12 => json!({ "op": "remove", "id": id }),
        12 => json!({ "op": "move", "id": id, "parent": null, "index": random.below(4) }),
        13 => json!({ "op": "move", "id": id, "parent": any(random) }),
        14 => json!({ "op": "animate", "animation": { "id": format!("animation-{}", random.below(4)), "effect": {
            "target": id, "timing": { "duration_ms": 4000, "iterations": "infinite" },
            "tracks": [{ "property": "opacity", "keyframes": [{ "value": 0 }, { "value": 1 }] }],
        } } }),
        _ => json!({ "op": "cancel", "animation": format!("animation-{}", random.below(4)) }),
    }
}

/// What the process has to hold: the scene of `rivulet-scene`, and copies of it by name.
#[derive(Clone)]
struct Model {
    scene: Scene,
    saved: BTreeMap<String, Document>,
}

impl Model {
    /// What is to be answered: the status, and a part of the body.
    fn take(&mut self, call: &Call) -> (u16, Value) {
        let name = call.path.trim_start_matches("/v1/scenes/").trim_end_matches("/recall").to_owned();
        match (call.method, call.path.as_str(), &call.body) {
            (_, "/v1/scene/batches", Some(body)) => {
                let applied = Batch::parse(body.clone()).and_then(|batch| self.scene.apply(batch, 0));
                match applied {
                    Ok(applied) => (200, json!({ "revision": applied.revision })),
                    Err(error) => (400, json!({ "field": error.field })),
                }
            }
            (_, "/v1/scene", Some(body)) => self.replace(serde_json::from_value(body.clone()).unwrap()),
            ("PUT", ..) => {
                self.saved.insert(name, self.scene.document());
                (204, json!({}))
            }
            ("DELETE", ..) => (self.saved.remove(&name).map_or(404, |_| 204), json!({})),
            _ => match self.saved.get(&name).cloned() {
                Some(scene) => self.replace(scene),
                None => (404, json!({})),
            },
        }
    }

    fn replace(&mut self, scene: Document) -> (u16, Value) {
        let revision = self.scene.revision() + 1;
        self.scene = Scene::restore(Document { revision, ..scene }, Limits::default()).unwrap();
        (200, json!({ "revision": revision }))
    }

    fn state(&self) -> Value {
        let saved: BTreeMap<_, _> = self.saved.iter().map(|(id, scene)| (id, timeless(scene))).collect();
        json!({ "live": timeless(&self.scene.document()), "saved": saved })
    }
}

fn assert_answer(answer: &(u16, Value), expected: &(u16, Value), step: u32) {
    // Which of the 4xx it is, the tests of the API know.
    let fits = if expected.0 == 400 { (400..500).contains(&answer.0) } else { answer.0 == expected.0 };
    let says = expected.1.as_object().unwrap().iter().all(|(field, value)| answer.1[field] == *value);
    assert!(fits && says, "step {step}: {answer:?} instead of {expected:?}");
}

fn what_was_answered_is_there_after_a_kill(shelf: &str, seed: u64, arguments: &[&str]) {
    let mut random = Random(seed);
    let mut model = Model { scene: Scene::new(320, 180, Limits::default()), saved: BTreeMap::new() };
    let mut process = Process::start(arguments);
    let (mut restored, mut answered, mut refused) = (Vec::new(), [0, 0], 0);
    for step in 0..CALLS {
        let call = Call::random(&mut random, step, &model);
        if random.below(KILL_EVERY) > 0 {
            let expected = model.take(&call);
            assert_answer(&process.call(&call).unwrap(), &expected, step);
            refused += u32::from(expected.0 >= 400);
            continue;
        }
        let before = model.clone();
        let after = Duration::from_micros(random.below(MIDDLE_US).into());
        let answer = std::thread::scope(|scope| {
            let (answers, answered) = mpsc::channel();
            let (process, call) = (&process, &call);
            scope.spawn(move || answers.send(process.call(call)));
            // The answer, or the middle of the call: it is killed at once.
            let answer = answered.recv_timeout(after);
            // By its number: the other thread has the process.
            nix::sys::signal::kill(nix::unistd::Pid::from_raw(process.child.id() as i32), nix::sys::signal::SIGKILL)
                .unwrap();
            answer.or_else(|_| answered.recv()).unwrap()
        });
        let expected = model.take(&call);
        drop(process);
        let start = Instant::now();
        process = Process::start(arguments);
        let first = process.get("/v1/scene");
        restored.push(start.elapsed());
        let there = process.state();
        assert_eq!(timeless(&serde_json::from_value(first).unwrap()), there["live"], "step {step}: it came later");
        answered[usize::from(answer.is_ok())] += 1;
        match answer {
            Ok(answer) => assert_answer(&answer, &expected, step),
            // Nobody was told anything: it may have been done, or not.
            Err(_) if there == before.state() => model = before,
            Err(_) => {}
        }
        assert_eq!(there, model.state(), "step {step}");
    }
    assert_eq!(process.state(), model.state(), "at the end");
    restored.sort();
    let (kills, [interrupted, after]) = (restored.len(), answered);
    println!(
        "{shelf}: {CALLS} calls ({refused} refused), {kills} kills ({interrupted} in the middle of a call, {after} after it); \
         restored in {:?} (median), {:?} (slowest)",
        restored[kills / 2],
        restored[kills - 1],
    );
    assert!(kills >= 20 && (CALLS / 20..CALLS * 2 / 3).contains(&refused), "{kills} kills, {refused} refused");
}

#[test]
fn in_the_data_folder() {
    let data = TempDir::new();
    what_was_answered_is_there_after_a_kill("SQLite", 7, &["--data", data.path().to_str().unwrap()]);
}

#[tokio::test]
async fn in_redis() {
    let (redis, data) = (Redis::start().await, TempDir::new());
    let arguments = ["--redis-url", &redis.url(), "--data", data.path().to_str().unwrap()];
    what_was_answered_is_there_after_a_kill("Redis", 8, &arguments);
    assert!(!data.path().join("compositor.db").exists(), "it is kept in Redis");
}

/// The same numbers each time.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as u32 % bound
    }
}
