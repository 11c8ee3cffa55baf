//! Whether there is room for recordings. They stop before the disk is full: the database, which is
//! mostly on the same one, still has to write, and live needs no disk at all.

use nix::sys::statvfs::statvfs;
use prometheus::IntGauge;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How old what is known may be.
const KNOWN_FOR: Duration = Duration::from_secs(1);

pub struct Disk {
    folder: PathBuf,
    /// Bytes that are left to others.
    reserve: u64,
    full: IntGauge,
    seen: Mutex<Option<(Instant, bool)>>,
}

impl Disk {
    pub fn new(folder: PathBuf, reserve: u64, full: IntGauge) -> Self {
        Self { folder, reserve, full, seen: Mutex::default() }
    }

    /// Where nobody can say, writing will.
    pub fn has_room(&self) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, has_room)) = *seen
            && at.elapsed() < KNOWN_FOR
        {
            return has_room;
        }
        let left = statvfs(&self.folder).ok().map(|disk| disk.blocks_available() * disk.fragment_size());
        let has_room = left.is_none_or(|left| left > self.reserve);
        let had_room = seen.is_none_or(|(_, had)| had);
        *seen = Some((Instant::now(), has_room));
        if has_room != had_room {
            let (left_mib, reserve_mib) = (left.unwrap_or(0) >> 20, self.reserve >> 20);
            match has_room {
                true => tracing::info!(left_mib, "the disk has room again; recording goes on"),
                false => tracing::error!(
                    left_mib,
                    reserve_mib,
                    folder = %self.folder.display(),
                    "the disk is full: nothing is recorded until there is room; live goes on"
                ),
            }
        }
        self.full.set(i64::from(!has_room));
        has_room
    }
}
