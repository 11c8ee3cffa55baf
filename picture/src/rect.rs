//! Rectangles of whole pixels.

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Rect {
    pub x0: i32,
    pub y0: i32,
    /// Just beyond.
    pub x1: i32,
    pub y1: i32,
}

impl Rect {
    pub fn new(x0: i32, y0: i32, x1: i32, y1: i32) -> Self {
        Self { x0, y0, x1, y1 }
    }

    pub fn sized(width: usize, height: usize) -> Self {
        Self::new(0, 0, width as i32, height as i32)
    }

    pub fn is_empty(self) -> bool {
        self.x0 >= self.x1 || self.y0 >= self.y1
    }

    pub fn width(self) -> usize {
        (self.x1 - self.x0).max(0) as usize
    }

    pub fn height(self) -> usize {
        (self.y1 - self.y0).max(0) as usize
    }

    pub fn area(self) -> usize {
        self.width() * self.height()
    }

    pub fn intersect(self, other: Self) -> Self {
        Self::new(self.x0.max(other.x0), self.y0.max(other.y0), self.x1.min(other.x1), self.y1.min(other.y1))
    }

    /// The smallest that holds both.
    pub fn union(self, other: Self) -> Self {
        match (self.is_empty(), other.is_empty()) {
            (true, _) => other,
            (_, true) => self,
            _ => Self::new(self.x0.min(other.x0), self.y0.min(other.y0), self.x1.max(other.x1), self.y1.max(other.y1)),
        }
    }

    pub fn contains(self, other: Self) -> bool {
        other.is_empty() || self.intersect(other) == other
    }

    pub fn moved(self, x: i32, y: i32) -> Self {
        Self::new(self.x0 + x, self.y0 + y, self.x1 + x, self.y1 + y)
    }
}
