//! Which renditions somebody watches, so that nothing else is encoded.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Written by the origin with each request, read by the transcoder.
#[derive(Debug, Default)]
pub struct Demand {
    /// When each rendition was last asked for. Only names that are renditions get here.
    asked: Mutex<HashMap<String, Instant>>,
    /// Rises with each wish that is new.
    news: watch::Sender<u64>,
}

impl Demand {
    /// Somebody wants this rendition, now.
    pub fn want(&self, rendition: &str) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        match asked.get_mut(rendition) {
            Some(at) => *at = Instant::now(),
            None => {
                asked.insert(rendition.to_owned(), Instant::now());
                self.news.send_modify(|news| *news += 1);
            }
        }
    }

    /// What was asked for within the last `warm`; the rest is forgotten.
    pub fn wanted(&self, warm: Duration) -> BTreeSet<String> {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.retain(|_, at| at.elapsed() < warm);
        asked.keys().cloned().collect()
    }

    /// Wakes its holder at each new wish.
    pub fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_are_news_once_and_forgotten_in_time() {
        let demand = Demand::default();
        let mut news = demand.news();
        demand.want("480p");
        assert!(news.has_changed().is_ok_and(|changed| changed));
        news.mark_unchanged();
        demand.want("480p");
        assert!(news.has_changed().is_ok_and(|changed| !changed), "it was wanted already");
        assert_eq!(demand.wanted(Duration::from_secs(30)), BTreeSet::from(["480p".to_owned()]));
        assert!(demand.wanted(Duration::ZERO).is_empty());
        demand.want("480p");
        assert!(news.has_changed().is_ok_and(|changed| changed));
    }
}
