//! Ten thousand random batches beside a model that is too simple to be wrong: a list of JSON objects. It
//! predicts which batches are refused, and why. In between the scene goes through a document.

use super::*;
use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

const STEPS: usize = 10_000;
const LIMITS: Limits = Limits { layers: 8, depth: 3 };

#[derive(Clone, Default)]
struct Model {
    /// In order: name, group, is a group itself, opacity.
    layers: Vec<(String, Option<String>, bool, f64)>,
}

impl Model {
    fn find(&self, name: &str) -> Option<usize> {
        self.layers.iter().position(|layer| layer.0 == name)
    }

    /// With itself.
    fn depth(&self, parent: &Option<String>) -> usize {
        let up = parent.as_ref().and_then(|name| self.find(name)).map(|n| self.depth(&self.layers[n].1));
        1 + up.unwrap_or(0)
    }

    fn inside(&self, name: &str) -> Vec<String> {
        let children = self.layers.iter().filter(|layer| layer.1.as_deref() == Some(name));
        let deeper = children.flat_map(|layer| self.inside(&layer.0));
        std::iter::once(name.to_owned()).chain(deeper).collect()
    }

    fn height(&self, name: &str) -> usize {
        let children = self.layers.iter().filter(|layer| layer.1.as_deref() == Some(name));
        1 + children.map(|layer| self.height(&layer.0)).max().unwrap_or(0)
    }

    fn home(&self, parent: &Option<String>) -> Result<(), Code> {
        match parent.as_ref().map(|name| self.find(name)) {
            Some(None) => Err(Code::UnknownLayer),
            Some(Some(n)) if !self.layers[n].2 => Err(Code::Invalid),
            _ => Ok(()),
        }
    }

    fn insert(&mut self, layer: (String, Option<String>, bool, f64), index: Option<usize>) {
        let siblings: Vec<usize> = (0..self.layers.len()).filter(|n| self.layers[*n].1 == layer.1).collect();
        let at = index.and_then(|index| siblings.get(index).copied()).unwrap_or(self.layers.len());
        self.layers.insert(at, layer);
    }

    fn apply(&mut self, change: &Json) -> Result<(), Code> {
        let text = |key: &str| change[key].as_str().map(str::to_owned);
        let index = change["index"].as_u64().map(|n| n as usize);
        match change["op"].as_str().unwrap() {
            "add" => {
                let layer = &change["layer"];
                let (name, parent) =
                    (layer["id"].as_str().unwrap().to_owned(), layer["parent"].as_str().map(str::to_owned));
                let opacity = layer["opacity"].as_f64().unwrap();
                if self.find(&name).is_some() {
                    return Err(Code::DuplicateId);
                }
                if self.layers.len() == LIMITS.layers {
                    return Err(Code::TooMany);
                }
                self.home(&parent)?;
                if self.depth(&parent) > LIMITS.depth {
                    return Err(Code::TooDeep);
                }
                self.insert((name, parent, layer["kind"] == "group", opacity), index);
            }
            "update" => {
                let n = self.find(&text("id").unwrap()).ok_or(Code::UnknownLayer)?;
                let opacity = change["patch"]["opacity"].as_f64().unwrap();
                if !(0.0..=1.0).contains(&opacity) {
                    return Err(Code::OutOfRange);
                }
                self.layers[n].3 = opacity;
            }
            "remove" => {
                let name = text("id").unwrap();
                self.find(&name).ok_or(Code::UnknownLayer)?;
                let gone = self.inside(&name);
                self.layers.retain(|layer| !gone.contains(&layer.0));
            }
            "move" => {
                let name = text("id").unwrap();
                let n = self.find(&name).ok_or(Code::UnknownLayer)?;
                let parent = text("parent");
                if parent.as_ref().is_some_and(|parent| self.inside(&name).contains(parent)) {
                    return Err(Code::Cycle);
                }
                self.home(&parent)?;
                if self.depth(&parent) + self.height(&name) - 1 > LIMITS.depth {
                    return Err(Code::TooDeep);
                }
                let mut layer = self.layers.remove(n);
                layer.1 = parent;
                self.insert(layer, index);
            }
            _ => panic!("no such change"),
        }
        Ok(())
    }
}

fn name(random: &mut StdRng) -> String {
    format!("l{}", random.random_range(0..12))
}

fn change(random: &mut StdRng) -> Json {
    let parent = random.random_bool(0.5).then(|| name(random));
    let index = random.random_bool(0.5).then(|| random.random_range(0..6));
    let opacity = f64::from(random.random_range(0..52)) / 50.0;
    // Not a part of the model: it must make no difference to it.
    let transition = match random.random_range(0..4) {
        0 => json!({ "type": "tween", "duration_ms": 50 }),
        1 => json!({ "type": "fade", "duration_ms": 40, "interrupt": "wait" }),
        2 => json!({ "type": "slide", "duration_ms": 90, "interrupt": "finish" }),
        _ => json!(null),
    };
    match random.random_range(0..10) {
        0..4 => {
            let layer = match random.random_bool(0.4) {
                true => json!({ "id": name(random), "kind": "group", "parent": parent, "opacity": opacity }),
                false => with(rect(&name(random)), json!({ "parent": parent, "opacity": opacity })),
            };
            json!({ "op": "add", "layer": layer, "index": index, "transition": transition })
        }
        4..6 => {
            json!({ "op": "update", "id": name(random), "patch": { "opacity": opacity }, "transition": transition })
        }
        6 => json!({ "op": "remove", "id": name(random), "transition": transition }),
        _ => json!({ "op": "move", "id": name(random), "parent": parent, "index": index }),
    }
}

#[test]
fn ten_thousand_batches_beside_a_model() {
    for seed in 0..4 {
        let mut random = StdRng::seed_from_u64(seed);
        let (mut scene, mut model, mut now) = (Scene::new(640, 360, LIMITS), Model::default(), T);
        let (mut applied, mut refused) = (0, 0);
        for step in 0..STEPS / 4 {
            now += random.random_range(0..60_000);
            let changes: Vec<Json> = (0..random.random_range(1..4)).map(|_| change(&mut random)).collect();
            let mut next = model.clone();
            // New layers are read before anything is changed.
            let unsound = changes.iter().any(|change| change["layer"]["opacity"].as_f64() > Some(1.0));
            let expected = match unsound {
                true => Err(Code::OutOfRange),
                false => changes.iter().try_for_each(|change| next.apply(change)),
            };
            let answer = try_at(&mut scene, now, json!(changes)).map(|_| ()).map_err(|error| error.code);
            assert_eq!(answer, expected, "seed {seed}, step {step}: {changes:?}");
            match expected {
                Ok(()) => (model, applied) = (next, applied + 1),
                Err(_) => refused += 1,
            }
            if random.random_bool(0.02) {
                scene.advance(now);
                let again = restored(&scene);
                assert_eq!(again.document(), scene.document());
                assert_eq!(again.list(now + 30_000), scene.list(now + 30_000));
                scene = again;
            }
            let seen: Vec<_> = scene
                .layers()
                .map(|layer| {
                    let base = &layer.base;
                    (base.id.to_string(), base.parent.as_ref().map(Id::to_string), layer.is_group(), base.opacity)
                })
                .collect();
            assert_eq!(seen, model.layers, "seed {seed}, step {step}");
            assert_eq!(scene.revision(), applied);
        }
        assert!(applied > 300 && refused > 300, "{applied} {refused}");
    }
}

proptest! {
    /// A batch does what its changes do one by one, or nothing at all.
    #[test]
    fn all_or_nothing(seed in any::<u64>()) {
        let mut random = StdRng::seed_from_u64(seed);
        let mut scene = Scene::new(640, 360, LIMITS);
        for _ in 0..10 {
            let changes: Vec<Json> = (0..random.random_range(1..5)).map(|_| change(&mut random)).collect();
            // What has ended by now is gone, whatever comes.
            scene.advance(T);
            let before = scene.document();
            let mut singly = scene.clone();
            match try_at(&mut scene, T, json!(changes)) {
                Err(_) => prop_assert_eq!(scene.document(), before),
                Ok(_) => {
                    for change in changes {
                        at(&mut singly, T, json!([change]));
                    }
                    let layers = |scene: &Scene| scene.layers().cloned().collect::<Vec<_>>();
                    prop_assert_eq!(layers(&scene), layers(&singly));
                }
            }
        }
    }
}
