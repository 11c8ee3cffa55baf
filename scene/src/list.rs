//! The display list: what is to be drawn at one moment, from back to front. All of time is in it, so that
//! whoever draws it needs no clock: words of clocks and countdowns, states of sprites, places of tickers.

use crate::color::Color;
use crate::content::{Chat, Content, remaining};
use crate::id::Id;
use crate::layer::{Blend, Crop, Layer, Mask, Shadow};
use crate::scene::{Node, Scene};
use crate::transform::Transform;
use crate::transition::{Towards, Transition, TransitionType};
use crate::view::{Area, MAIN, View};
use kurbo::Affine;
use std::sync::Arc;

#[derive(Debug, Clone, PartialEq)]
pub struct DisplayList {
    /// In pixels.
    pub width: u32,
    pub height: u32,
    /// Where on it the scene is; around it is black.
    pub inside: Area,
    pub background: Color,
    /// Scene time, in microseconds: pictures that move show what they show then.
    pub at: i64,
    pub items: Vec<Item>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    pub id: Id,
    /// From what the layer is in to the surface: the canvas, or the group that is drawn as one.
    pub parent: Affine,
    /// From the layer to what it is in; its matrix needs the layer's own size, which the painter knows.
    pub transform: Transform,
    /// From 0 to 1.
    pub opacity: f64,
    pub blend: Blend,
    pub crop: Crop,
    pub corner_radius: f64,
    pub shadow: Option<Shadow>,
    pub mask: Option<Clip>,
    /// The part of the layer's box that is shown, while it is wiped.
    pub reveal: Option<Reveal>,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Clip {
    /// In pixels of the layer.
    Shape(crate::content::Geometry),
    /// On the same surface as the layer that it masks: where this is opaque.
    Item(Box<Item>),
}

/// As parts of the box's width and height.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reveal {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// Drawn as one, on a surface of its own; its box in pixels. What is in it may reach beyond the box.
    Group {
        width: f64,
        height: f64,
        items: Vec<Item>,
    },
    Drawing(Drawing),
}

/// A layer's content, and what the moment adds to it.
#[derive(Debug, Clone)]
pub struct Drawing {
    pub content: Arc<Content>,
    /// Of a clock, a countdown, or a card's countdown.
    pub words: String,
    /// The picture that a sprite shows.
    pub asset: Option<Id>,
    /// How far a ticker has run, in pixels.
    pub travel: f64,
    /// How far the newest messages of a chat are in, as parts of their way, the newest first; those that are not
    /// named have arrived.
    pub arriving: Vec<f64>,
}

impl PartialEq for Drawing {
    fn eq(&self, other: &Self) -> bool {
        let rest = |own: &Self| (own.words.clone(), own.asset.clone(), own.travel, own.arriving.clone());
        (Arc::ptr_eq(&self.content, &other.content) || self.content == other.content) && rest(self) == rest(other)
    }
}

/// What goes for all layers of a group.
#[derive(Clone, Copy)]
struct Surroundings<'a> {
    parent: Option<&'a Id>,
    /// From the group to the surface.
    matrix: Affine,
    /// From the surface to the canvas.
    surface: Affine,
    /// Masks have none themselves.
    masks: bool,
    view: &'a str,
    samples: &'a [crate::timing::Sample<'a>],
    now: i64,
}

impl Scene {
    /// What is shown at `now` in the main picture.
    pub fn list(&self, now: i64) -> DisplayList {
        self.at(now, |then| {
            let whole = Area::sized(then.width, then.height);
            then.listed(now, MAIN, whole, Affine::IDENTITY)
        })
    }

    /// What is shown at `now` in another one.
    pub fn list_for(&self, now: i64, view: &View) -> DisplayList {
        let (inside, onto) = view.fit();
        let list = self.at(now, |then| then.listed(now, view.name.as_str(), inside, onto));
        DisplayList { width: view.width, height: view.height, ..list }
    }

    fn at<T>(&self, now: i64, read: impl FnOnce(&Self) -> T) -> T {
        if self.next_due() > now {
            return read(self);
        }
        let mut then = self.clone();
        then.catch_up(now);
        read(&then)
    }

    /// Where each layer is within what it is in at `now`, with transitions and animations; without those that
    /// are on their way out.
    pub fn transforms(&self, now: i64) -> Vec<(Id, Transform)> {
        let samples = self.samples(now);
        let there = self.nodes.iter().filter(|node| !node.id().is_leaving());
        let shown = there.map(|node| (node.id().clone(), self.resolved(node, &node.layer, &samples, now)));
        shown.map(|(id, layer)| (id, layer.base.transform)).collect()
    }

    fn listed(&self, now: i64, view: &str, inside: Area, matrix: Affine) -> DisplayList {
        let samples = self.samples(now);
        let surface = matrix.inverse();
        let top = Surroundings { parent: None, matrix, surface, masks: true, view, samples: &samples, now };
        let mut items = Vec::new();
        self.items(top, &mut items);
        DisplayList { width: self.width, height: self.height, inside, background: self.background, at: now, items }
    }

    pub(crate) fn samples(&self, now: i64) -> Vec<crate::timing::Sample<'_>> {
        let mut samples = Vec::new();
        for running in &self.running {
            running.animation.effect.sample(running.local(now), None, &mut samples);
        }
        samples
    }

    /// A layer with what moves it.
    pub(crate) fn resolved(
        &self,
        node: &Node,
        layer: &Arc<Layer>,
        samples: &[crate::timing::Sample<'_>],
        now: i64,
    ) -> Arc<Layer> {
        let mut layer = layer.clone();
        if node.transitions.has_tweens() {
            node.transitions.apply(Arc::make_mut(&mut layer), now);
        }
        for sample in samples.iter().filter(|sample| sample.target == node.id()) {
            Arc::make_mut(&mut layer).set(sample.path, |value| sample.over(value));
        }
        layer
    }

    fn items(&self, around: Surroundings<'_>, out: &mut Vec<Item>) {
        let mut children: Vec<&Node> =
            self.nodes.iter().filter(|node| node.layer.base.parent.as_ref() == around.parent).collect();
        children.sort_by_key(|node| node.layer.base.z);
        for node in children {
            let shown = node.transitions.shown(&node.layer, around.now);
            let draw = |layer: Option<&Arc<Layer>>, change: Change<'_>, out: &mut Vec<Item>| {
                if let Some(layer) = layer {
                    let layer = self.resolved(node, layer, around.samples, around.now);
                    self.item(node, &layer, &change, around, out);
                }
            };
            let Some((transition, p)) = shown.transition else {
                draw(shown.to, Change::None, out);
                continue;
            };
            let (from, to) = (Change::Leaving(transition, p), Change::Coming(transition, p));
            if let (TransitionType::Fade, Some(_), Some(_)) = (transition.form, shown.from, shown.to) {
                out.push(self.dissolve(node, |out| {
                    draw(shown.from, from, out);
                    let first = out.len();
                    draw(shown.to, to, out);
                    first
                }));
            } else {
                draw(shown.from, from, out);
                draw(shown.to, to, out);
            }
        }
    }

    /// One picture fades into another: light is added, so that what is the same in both does not change.
    /// `draw` answers how many of the items are the first picture.
    fn dissolve(&self, node: &Node, draw: impl FnOnce(&mut Vec<Item>) -> usize) -> Item {
        let mut items = Vec::new();
        let first = draw(&mut items);
        for (n, item) in items.iter_mut().enumerate() {
            item.blend = if n < first { Blend::Normal } else { Blend::Additive };
        }
        let what = What::Group { width: self.width.into(), height: self.height.into(), items };
        // What is in it is on the surface already.
        Item { blend: node.layer.base.blend, ..plain(node.id().clone(), Affine::IDENTITY, what) }
    }

    fn item(&self, node: &Node, layer: &Layer, change: &Change<'_>, around: Surroundings<'_>, out: &mut Vec<Item>) {
        let base = &layer.base;
        // A mask does its work whether it is seen or not.
        if around.masks && !base.is_in(around.view) {
            return;
        }
        let what = match &*layer.content {
            Content::Group(group) => {
                let (width, height) =
                    (group.width.unwrap_or(self.width.into()), group.height.unwrap_or(self.height.into()));
                What::Group { width, height, items: Vec::new() }
            }
            _ => What::Drawing(self.drawing(layer, around.now)),
        };
        let mut item = Item {
            transform: base.transform,
            opacity: base.opacity,
            blend: base.blend,
            crop: base.crop,
            corner_radius: base.corner_radius,
            shadow: base.shadow,
            mask: self.clip(base.mask.as_ref().filter(|_| around.masks), around),
            ..plain(base.id.clone(), around.matrix, what)
        };
        change.apply(&mut item, f64::from(self.width), f64::from(self.height));
        let transform = item.transform;
        if item.opacity <= 0.0 || transform.scale_x == 0.0 || transform.scale_y == 0.0 {
            return;
        }
        let What::Group { width, height, items } = &mut item.what else {
            out.push(item);
            return;
        };
        let matrix = item.parent * transform.matrix(*width, *height);
        let inside = Surroundings { parent: Some(node.id()), ..around };
        let flat = item.opacity >= 1.0
            && (item.blend, item.crop, item.corner_radius) == (Blend::Normal, Crop::default(), 0.0)
            && item.shadow.is_none()
            && item.mask.is_none()
            && item.reveal.is_none();
        if flat {
            self.items(Surroundings { matrix, ..inside }, out);
        } else {
            let surface = around.surface * matrix;
            self.items(Surroundings { matrix: Affine::IDENTITY, surface, ..inside }, items);
            out.push(item);
        }
    }

    fn clip(&self, mask: Option<&Mask>, around: Surroundings<'_>) -> Option<Clip> {
        let id = match mask? {
            Mask::Shape(geometry) => return Some(Clip::Shape(geometry.clone())),
            Mask::Layer(id) => id,
        };
        let node = self.node(id)?;
        // From the mask's group to the canvas, and from there to the surface.
        let (mut outer, mut up) = (Affine::IDENTITY, node.layer.base.parent.as_ref());
        while let Some(group) = up.and_then(|id| self.node(id)) {
            let layer = self.resolved(group, &group.layer, around.samples, around.now);
            if let Content::Group(own) = &*layer.content {
                let (width, height) =
                    (own.width.unwrap_or(self.width.into()), own.height.unwrap_or(self.height.into()));
                outer = layer.base.transform.matrix(width, height) * outer;
            }
            up = group.layer.base.parent.as_ref();
        }
        let mut items = Vec::new();
        let matrix = around.surface.inverse() * outer;
        let layer = self.resolved(node, &node.layer, around.samples, around.now);
        let inside = Surroundings { matrix, masks: false, ..around };
        self.item(node, &layer, &Change::None, inside, &mut items);
        match <[Item; 1]>::try_from(items) {
            Ok([item]) => Some(Clip::Item(Box::new(item))),
            // A group whose layers stand alone, or nothing at all.
            Err(items) => {
                let (width, height) = (f64::from(self.width), f64::from(self.height));
                let what = What::Group { width, height, items };
                Some(Clip::Item(Box::new(plain(node.id().clone(), Affine::IDENTITY, what))))
            }
        }
    }

    fn drawing(&self, layer: &Layer, now: i64) -> Drawing {
        let (words, arriving) = Default::default();
        let mut drawing = Drawing { content: layer.content.clone(), words, asset: None, travel: 0.0, arriving };
        match &*layer.content {
            Content::Clock(clock, _) => drawing.words = clock.words(now),
            Content::Countdown(countdown, _) => drawing.words = countdown.words(now),
            Content::Feed(feed) => drawing.words = feed.ends_at.map_or(String::new(), |end| remaining(end, now)),
            Content::Sprite(sprite) => {
                let level = sprite.drive.as_ref().and_then(|drive| self.levels.get(&drive.source)).copied();
                drawing.asset = sprite.shown(now, level).cloned();
            }
            Content::Chat(chat) => {
                let said = chat.source.as_ref().and_then(|source| self.chats.get(source));
                if let Some(said) = said {
                    let came = said.iter().rev().map_while(|line| line.came);
                    let parts = came.map(|came| chat.arrival.progress(came, now));
                    // One that came before another is there before it.
                    drawing.arriving = parts.take_while(|part| *part != 1.0).collect();
                    let lines = chat.lines.iter().chain(said.iter()).cloned().collect();
                    drawing.content = Arc::new(Content::Chat(Chat { lines, ..chat.clone() }));
                }
            }
            // In whole pixels: a quarter of one, sixty times a second, would be drawing for nothing.
            Content::Ticker(ticker) => drawing.travel = (ticker.speed * (now as f64 / 1e6)).floor(),
            _ => {}
        }
        drawing
    }
}

fn plain(id: Id, parent: Affine, what: What) -> Item {
    Item {
        id,
        parent,
        transform: Transform::default(),
        opacity: 1.0,
        blend: Blend::Normal,
        crop: Crop::default(),
        corner_radius: 0.0,
        shadow: None,
        mask: None,
        reveal: None,
        what,
    }
}

/// What a transition does to what it replaces, and to what comes instead.
enum Change<'a> {
    None,
    Leaving(&'a Transition, f64),
    Coming(&'a Transition, f64),
}

impl Change<'_> {
    fn apply(&self, item: &mut Item, width: f64, height: f64) {
        let (transition, p, coming) = match self {
            Self::None => return,
            Self::Leaving(transition, p) => (transition, *p, false),
            Self::Coming(transition, p) => (transition, *p, true),
        };
        let part = if coming { p } else { 1.0 - p };
        let (across, down) = match transition.direction {
            Towards::Left => (-1.0, 0.0),
            Towards::Right => (1.0, 0.0),
            Towards::Up => (0.0, -1.0),
            Towards::Down => (0.0, 1.0),
        };
        match transition.form {
            TransitionType::Fade => item.opacity *= part.clamp(0.0, 1.0),
            TransitionType::Slide => {
                let way = if coming { p - 1.0 } else { p };
                item.transform.x += across * way * width;
                item.transform.y += down * way * height;
            }
            TransitionType::Scale => {
                item.transform.scale_x *= part.max(0.0);
                item.transform.scale_y *= part.max(0.0);
            }
            TransitionType::Wipe => {
                let p = p.clamp(0.0, 1.0);
                // The edge moves in the transition's direction; what comes is behind it.
                let behind = |from_start: bool| if from_start { (0.0, p) } else { (1.0 - p, 1.0) };
                let ahead = |from_start: bool| if from_start { (p, 1.0) } else { (0.0, 1.0 - p) };
                let side = |towards: f64| if coming { behind(towards > 0.0) } else { ahead(towards > 0.0) };
                let ((left, right), (top, bottom)) = match (across == 0.0, down == 0.0) {
                    (false, _) => (side(across), (0.0, 1.0)),
                    _ => ((0.0, 1.0), side(down)),
                };
                item.reveal = Some(Reveal { left, top, right, bottom });
            }
            TransitionType::Tween => {}
        }
    }
}
