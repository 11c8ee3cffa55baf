//! Which packets a target still gets when its line does not keep up. What is late is worth nothing
//! live: beyond a bound pictures are left out up to a key frame, from which on any decoder is right
//! again; sound, of which there is little, is kept for longer.

/// Pictures that are this much behind the newest are left out.
const MAX_VIDEO_MS: i64 = 700;
/// The same for sound.
const MAX_SOUND_MS: i64 = 2_000;

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Dropped {
    pub pictures: u64,
    pub sound: u64,
}

#[derive(Debug, Default)]
pub struct Gate {
    /// A key frame was let through.
    begun: bool,
    /// Until the next key frame.
    closed: bool,
    dropped: Dropped,
}

impl Gate {
    /// Whether a picture goes on; `behind_ms` is its distance to the newest that there is.
    pub fn picture(&mut self, key: bool, behind_ms: i64) -> bool {
        if behind_ms > MAX_VIDEO_MS {
            self.closed = true;
        } else if key {
            (self.begun, self.closed) = (true, false);
        }
        let through = self.begun && !self.closed;
        if self.begun && !through {
            self.dropped.pictures += 1;
        }
        through
    }

    /// Whether a block of sound goes on.
    pub fn sound(&mut self, behind_ms: i64) -> bool {
        let through = self.begun && behind_ms <= MAX_SOUND_MS;
        if self.begun && !through {
            self.dropped.sound += 1;
        }
        through
    }

    /// So many packets are gone before they could be looked at.
    pub fn lost(&mut self, packets: u64) {
        if self.begun {
            self.closed = true;
            self.dropped.pictures += packets;
        }
    }

    pub fn take_dropped(&mut self) -> Dropped {
        std::mem::take(&mut self.dropped)
    }
}
