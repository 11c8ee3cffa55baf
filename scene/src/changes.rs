//! What each change does to the scene. A change that is refused may leave the scene half changed: the
//! caller works on a copy.

use crate::animation::OnFinish;
use crate::batch::{Add, Canvas, Change, Move, Remove, Update};
use crate::error::{Code, Error};
use crate::id::Id;
use crate::layer::{Layer, Mask};
use crate::limits::{MAX_ANIMATIONS, MAX_DURATION_MS, MAX_EDGE};
use crate::scene::{Ending, Event, Node, Scene};
use crate::time::micros;
use crate::timing::Running;
use crate::transition::{Transition, TransitionType, Transitions};
use std::sync::Arc;

impl Scene {
    pub(crate) fn change(&mut self, change: &Change, now: i64) -> Result<(), Error> {
        match change {
            Change::Add(add) => self.add(add, now),
            Change::Update(update) => self.update(update, now),
            Change::Remove(remove) => self.remove(remove, now),
            Change::Move(change) => self.move_to(change),
            Change::Animate(animate) => {
                let running = Running { animation: Arc::new(animate.animation.clone()), started: now, held: None };
                self.animate(running).map_err(|error| error.within("/animation"))
            }
            Change::Cancel(of) => {
                let n = self.animation_at(&of.animation)?;
                self.running.remove(n);
                self.note(Event::AnimationEnded { at: now, animation: of.animation.clone(), how: Ending::Cancelled });
                Ok(())
            }
            Change::Pause(of) => self.animation_at(&of.animation).map(|n| self.running[n].pause(now)),
            Change::Play(of) => self.animation_at(&of.animation).map(|n| self.running[n].play(now)),
            Change::Seek(seek) => {
                if !(0.0..=MAX_DURATION_MS).contains(&seek.to_ms) {
                    let message = format!("must be between 0 and {MAX_DURATION_MS}");
                    return Err(Error::new(Code::OutOfRange, "/to_ms", message));
                }
                self.animation_at(&seek.animation).map(|n| self.running[n].seek(micros(seek.to_ms), now))
            }
            Change::Finish(of) => self.animation_at(&of.animation).and_then(|n| {
                if self.running[n].animation.effect.length() == i64::MAX {
                    return Err(Error::new(Code::OutOfRange, "/animation", "has no end"));
                }
                self.finish(n, now);
                Ok(())
            }),
            // Batches that wait for it follow once this one is applied as a whole.
            Change::Fire(_) => Ok(()),
            Change::Canvas(canvas) => self.canvas(canvas),
            Change::Unschedule(of) => {
                let n = self.waiting.iter().position(|waiting| waiting.id == of.batch);
                let n = n.ok_or_else(|| {
                    Error::new(Code::UnknownBatch, "/batch", format!("no batch {:?} waits", of.batch))
                })?;
                self.waiting.remove(n);
                Ok(())
            }
        }
    }

    fn add(&mut self, add: &Add, now: i64) -> Result<(), Error> {
        let layer = Layer::parse(add.layer.clone()).map_err(|error| error.within("/layer"))?;
        let transition = add.transition.as_ref();
        self.place(Node::new(layer), add.index).map_err(|error| error.within("/layer")).map(|at| {
            let node = &mut self.nodes[at];
            node.transitions.change(None, &node.layer, transition, now);
        })
    }

    /// Puts a new layer where it belongs.
    pub(crate) fn place(&mut self, node: Node, index: Option<usize>) -> Result<usize, Error> {
        let id = node.id();
        if !id.is_chosen() {
            return Err(Error::new(Code::Invalid, "/id", "holds a ~"));
        }
        if self.nodes.iter().any(|other| other.id() == id) {
            return Err(Error::new(Code::DuplicateId, "/id", format!("there is a layer {id:?} already")));
        }
        let (count, max) = (self.layers().count(), self.limits.layers);
        if count >= max {
            return Err(Error::new(Code::TooMany, "", format!("the scene has {max} layers, as many as it may")));
        }
        let parent = node.layer.base.parent.clone();
        self.check_parent(parent.as_ref(), 1)?;
        self.check_mask(&node.layer)?;
        let at = self.position(parent.as_ref(), index);
        self.nodes.insert(at, node);
        Ok(at)
    }

    /// Where among all layers one has to be, to be number `index` of its group.
    fn position(&self, parent: Option<&Id>, index: Option<usize>) -> usize {
        let mut siblings = (0..self.nodes.len()).filter(|n| {
            let node = &self.nodes[*n];
            node.layer.base.parent.as_ref() == parent && !node.id().is_leaving()
        });
        index.and_then(|index| siblings.nth(index)).unwrap_or(self.nodes.len())
    }

    /// May something that is itself `height` layers high be in `parent`?
    fn check_parent(&self, parent: Option<&Id>, height: usize) -> Result<(), Error> {
        let (mut depth, mut up) = (height, parent);
        while let Some(id) = up {
            let group = self.node(id).ok_or_else(|| Error::unknown_layer("/parent", id.as_str()))?;
            if !group.layer.is_group() {
                return Err(Error::new(Code::Invalid, "/parent", format!("{id:?} is not a group")));
            }
            depth += 1;
            if depth > self.limits.depth {
                let message = format!("layers are nested up to {} deep", self.limits.depth);
                return Err(Error::new(Code::TooDeep, "/parent", message));
            }
            up = group.layer.base.parent.as_ref();
        }
        Ok(())
    }

    pub(crate) fn check_mask(&self, layer: &Layer) -> Result<(), Error> {
        match &layer.base.mask {
            Some(Mask::Layer(id)) if *id == layer.base.id => {
                Err(Error::new(Code::Cycle, "/mask/layer", "is the layer itself"))
            }
            Some(Mask::Layer(id)) if self.node(id).is_none() => Err(Error::unknown_layer("/mask/layer", id.as_str())),
            _ => Ok(()),
        }
    }

    fn update(&mut self, update: &Update, now: i64) -> Result<(), Error> {
        let n = self.layer_at(&update.id)?;
        let old = self.nodes[n].layer.clone();
        let new = old.patched(&update.patch).map_err(|error| error.within("/patch"))?;
        self.check_mask(&new).map_err(|error| error.within("/patch"))?;
        let node = &mut self.nodes[n];
        node.transitions.change(Some(&old), &new, update.transition.as_ref(), now);
        node.layer = Arc::new(new);
        Ok(())
    }

    /// With a transition, the layer and those in it stay for a while under other names.
    fn remove(&mut self, remove: &Remove, now: i64) -> Result<(), Error> {
        self.layer_at(&remove.id)?;
        let branch = self.branch(&remove.id);
        for node in &mut self.nodes {
            if matches!(&node.layer.base.mask, Some(Mask::Layer(mask)) if branch.contains(mask)) {
                Arc::make_mut(&mut node.layer).base.mask = None;
            }
        }
        match &remove.transition {
            None => self.nodes.retain(|node| !branch.contains(node.id())),
            Some(transition) => self.let_go(&remove.id, &branch, transition, now),
        }
        Ok(())
    }

    fn let_go(&mut self, id: &Id, branch: &[Id], transition: &Transition, now: i64) {
        // There is nothing to tween to.
        let form = match transition.form {
            TransitionType::Tween => TransitionType::Fade,
            other => other,
        };
        let transition = Transition { form, ..transition.clone() };
        for node in self.nodes.iter_mut().filter(|node| branch.contains(node.id())) {
            let is_root = node.id() == id;
            let base = &mut Arc::make_mut(&mut node.layer).base;
            base.id = base.id.leaving(self.revision);
            match &mut base.parent {
                Some(parent) if !is_root => *parent = parent.leaving(self.revision),
                _ => {}
            }
            if is_root {
                let old = node.layer.clone();
                Arc::make_mut(&mut node.layer).base.visible = false;
                let new = node.layer.clone();
                node.transitions.change(Some(&old), &new, Some(&transition), now);
            } else {
                node.transitions = Transitions::default();
            }
        }
    }

    fn move_to(&mut self, change: &Move) -> Result<(), Error> {
        let at = self.layer_at(&change.id)?;
        if let Some(parent) = &change.parent {
            let branch = self.branch(&change.id);
            if parent.as_ref().is_some_and(|parent| branch.contains(parent)) {
                return Err(Error::new(Code::Cycle, "/parent", "is inside of the layer, or the layer itself"));
            }
            self.check_parent(parent.as_ref(), self.height(&change.id))?;
        }
        let mut node = self.nodes.remove(at);
        if let Some(parent) = &change.parent {
            Arc::make_mut(&mut node.layer).base.parent.clone_from(parent);
        }
        let at = match (change.index, &change.parent) {
            // Neither is asked for: it stays where it is.
            (None, None) => at,
            _ => self.position(node.layer.base.parent.as_ref(), change.index),
        };
        self.nodes.insert(at, node);
        Ok(())
    }

    pub(crate) fn animate(&mut self, running: Running) -> Result<(), Error> {
        let animation = &running.animation;
        if !animation.id.is_chosen() {
            return Err(Error::new(Code::Invalid, "/id", "holds a ~"));
        }
        if self.running.iter().any(|other| other.animation.id == animation.id) {
            let message = format!("the animation {:?} runs already", animation.id);
            return Err(Error::new(Code::DuplicateId, "/id", message));
        }
        if self.running.len() >= MAX_ANIMATIONS {
            return Err(Error::new(Code::TooMany, "", format!("{MAX_ANIMATIONS} animations run already")));
        }
        for (target, path, value, track) in animation.reaches() {
            let field = format!("{track}/property");
            let node = self.node(target).ok_or_else(|| Error::unknown_layer(&field, target.as_str()))?;
            let Some(own) = node.layer.property(path) else {
                let message = format!("{target:?} has no property {path:?} that could be animated");
                return Err(Error::new(Code::UnknownProperty, field, message));
            };
            if !own.is_like(value) {
                let message = format!("is of another kind than {path:?}, which is {own}");
                return Err(Error::new(Code::Invalid, format!("{track}/keyframes/0/value"), message));
            }
        }
        self.running.push(running);
        Ok(())
    }

    fn animation_at(&self, id: &Id) -> Result<usize, Error> {
        let found = self.running.iter().position(|running| running.animation.id == *id);
        found.ok_or_else(|| Error::new(Code::UnknownAnimation, "/animation", format!("no animation {id:?} runs")))
    }

    /// Ends animation `n` as if its time were over.
    pub(crate) fn finish(&mut self, n: usize, now: i64) {
        let running = self.running.remove(n);
        if running.animation.on_finish == OnFinish::Commit {
            let mut samples = Vec::new();
            running.animation.effect.sample(running.animation.effect.length(), None, &mut samples);
            for sample in samples {
                if let Some(node) = self.nodes.iter_mut().find(|node| node.id() == sample.target) {
                    node.transitions.drop_tween(sample.path);
                    Arc::make_mut(&mut node.layer).set(sample.path, |value| sample.over(value));
                }
            }
        }
        let animation = running.animation.id.clone();
        self.note(Event::AnimationEnded { at: now, animation, how: Ending::Finished });
    }

    /// Animations end whose layers, or properties, are gone.
    pub(crate) fn end_orphans(&mut self, now: i64) {
        let (rest, ended) = std::mem::take(&mut self.running).into_iter().partition::<Vec<_>, _>(|running| {
            running
                .animation
                .reaches()
                .iter()
                .all(|(target, path, ..)| self.node(target).is_some_and(|node| node.layer.property(path).is_some()))
        });
        self.running = rest;
        for running in ended {
            let animation = running.animation.id.clone();
            self.note(Event::AnimationEnded { at: now, animation, how: Ending::Removed });
        }
    }

    fn canvas(&mut self, canvas: &Canvas) -> Result<(), Error> {
        for (field, edge) in [("/width", canvas.width), ("/height", canvas.height)] {
            // I420 has one sample of colour for two pixels either way.
            if edge.is_some_and(|edge| !(2..=MAX_EDGE).contains(&edge) || edge % 2 == 1) {
                return Err(Error::new(Code::OutOfRange, field, format!("must be even, between 2 and {MAX_EDGE}")));
            }
        }
        self.width = canvas.width.unwrap_or(self.width);
        self.height = canvas.height.unwrap_or(self.height);
        self.background = canvas.background.unwrap_or(self.background);
        Ok(())
    }

    pub(crate) fn node(&self, id: &Id) -> Option<&Node> {
        self.nodes.iter().find(|node| node.id() == id)
    }

    fn layer_at(&self, id: &Id) -> Result<usize, Error> {
        let found = self.nodes.iter().position(|node| node.id() == id && !id.is_leaving());
        found.ok_or_else(|| Error::unknown_layer("/id", id.as_str()))
    }

    /// A layer and all that is in it.
    pub(crate) fn branch(&self, id: &Id) -> Vec<Id> {
        let (mut branch, mut next) = (vec![id.clone()], 0);
        while let Some(parent) = branch.get(next).cloned() {
            let children = self.nodes.iter().filter(|node| node.layer.base.parent.as_ref() == Some(&parent));
            branch.extend(children.map(|node| node.id().clone()));
            next += 1;
        }
        branch
    }

    /// How many layers deep a layer is, with itself.
    fn height(&self, id: &Id) -> usize {
        let children = self.nodes.iter().filter(|node| node.layer.base.parent.as_ref() == Some(id));
        1 + children.map(|node| self.height(node.id())).max().unwrap_or(0)
    }
}
