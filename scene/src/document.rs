//! The scene as a document: all that is needed to go on where it was.

use crate::animation::Running;
use crate::color::Color;
use crate::error::{Code, Error};
use crate::id::Id;
use crate::layer::Layer;
use crate::limits::{Check, Limits, MAX_EDGE, MAX_WAITING};
use crate::scene::{Node, Scene, Waiting};
use crate::transition::Transitions;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Document {
    #[serde(default)]
    pub revision: u64,
    pub width: u32,
    pub height: u32,
    #[serde(default = "black")]
    pub background: Color,
    /// From back to front within each group.
    #[serde(default)]
    pub layers: Vec<Layer>,
    /// Layers that are on their way out, each with its place among `layers` and those before it here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leaving: Vec<Leaving>,
    /// Of layers, by their ids.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub transitions: BTreeMap<Id, Transitions>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub animations: Vec<Running>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<Waiting>,
    /// How many batches were given a name.
    #[serde(default)]
    pub named: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Leaving {
    pub place: usize,
    pub layer: Layer,
}

fn black() -> Color {
    Color::BLACK
}

impl Scene {
    pub fn document(&self) -> Document {
        let leaving = self.nodes.iter().enumerate().filter(|(_, node)| node.id().is_leaving());
        let changing = self.nodes.iter().filter(|node| !node.transitions.is_empty());
        Document {
            revision: self.revision,
            width: self.width,
            height: self.height,
            background: self.background,
            layers: self.layers().cloned().collect(),
            leaving: leaving.map(|(place, node)| Leaving { place, layer: Layer::clone(&node.layer) }).collect(),
            transitions: changing.map(|node| (node.id().clone(), node.transitions.clone())).collect(),
            animations: self.running.clone(),
            waiting: self.waiting.clone(),
            named: self.named,
        }
    }

    /// The scene of a document. It goes on where it was: what came due in between happens with the first
    /// [`Scene::advance`]. Documents come from disks and clients, so all of it is checked.
    pub fn restore(document: Document, limits: Limits) -> Result<Self, Error> {
        let Document { revision, width, height, background, layers, leaving, transitions, animations, waiting, named } =
            document;
        let even = |edge: u32| (2..=MAX_EDGE).contains(&edge) && edge.is_multiple_of(2);
        if !even(width) || !even(height) {
            return Err(Error::new(Code::OutOfRange, "/width", format!("edges are even, between 2 and {MAX_EDGE}")));
        }
        let mut scene = Self { revision, background, named, ..Self::new(width, height, limits) };
        // Groups and masks may stand behind those that name them.
        let mut nodes: Vec<Option<Node>> = layers.into_iter().map(|layer| Some(Node::new(layer))).collect();
        let order: Vec<Id> = nodes.iter().flatten().map(|node| node.id().clone()).collect();
        let mut placed = true;
        let mut fault = None;
        while placed {
            placed = false;
            for (n, slot) in nodes.iter_mut().enumerate() {
                let Some(mut node) = slot.take() else { continue };
                let mask = Arc::make_mut(&mut node.layer).base.mask.take();
                let mut kept = node.clone();
                match scene.place(node, None) {
                    Ok(at) => {
                        Arc::make_mut(&mut scene.nodes[at].layer).base.mask = mask;
                        placed = true;
                    }
                    Err(error) => {
                        Arc::make_mut(&mut kept.layer).base.mask = mask;
                        fault = Some(error.within(&format!("/layers/{n}")));
                        *slot = Some(kept);
                    }
                }
            }
        }
        if let Some(fault) = fault.filter(|_| nodes.iter().any(Option::is_some)) {
            return Err(fault);
        }
        scene.nodes.sort_by_key(|node| order.iter().position(|id| id == node.id()));
        for (n, node) in scene.nodes.iter().enumerate() {
            scene.check_mask(&node.layer).map_err(|error| error.within(&format!("/layers/{n}")))?;
        }
        scene.restore_leaving(leaving)?;
        for (id, own) in transitions {
            match scene.nodes.iter_mut().find(|node| *node.id() == id) {
                Some(node) => node.transitions = own,
                None => return Err(Error::unknown_layer(&format!("/transitions/{id}"), id.as_str())),
            }
        }
        for (n, running) in animations.into_iter().enumerate() {
            let mut check = Check::default();
            running.animation.check(&mut check);
            check
                .done()
                .and_then(|()| scene.animate(running))
                .map_err(|error| error.within(&format!("/animations/{n}/animation")))?;
        }
        if waiting.len() > MAX_WAITING {
            return Err(Error::new(Code::TooMany, "/waiting", format!("at most {MAX_WAITING} batches wait")));
        }
        for (n, waiting) in waiting.iter().enumerate() {
            waiting.batch.check().map_err(|error| error.within(&format!("/waiting/{n}/batch")))?;
        }
        scene.waiting = waiting;
        Ok(scene)
    }

    fn restore_leaving(&mut self, leaving: Vec<Leaving>) -> Result<(), Error> {
        for (n, Leaving { place, layer }) in leaving.into_iter().enumerate() {
            let sound = layer.base.id.is_leaving() && self.node(&layer.base.id).is_none();
            if !sound || n >= self.limits.layers.saturating_mul(4) {
                return Err(Error::new(Code::Invalid, format!("/leaving/{n}"), "is not a layer on its way out"));
            }
            self.nodes.insert(place.min(self.nodes.len()), Node::new(layer));
        }
        Ok(())
    }
}
