//! Many short lives. A seed that fails is run again by what it prints.
#![allow(clippy::unwrap_used)]

use rivulet_simulation::World;
use std::collections::BTreeMap;
use std::panic::catch_unwind;

const SECONDS: i64 = 120;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

#[test]
fn whatever_happens_playlists_go_on() {
    let (first, count) = match number("RIVULET_SIM_SEED") {
        Some(seed) => (seed, 1),
        None => (0, number("RIVULET_SIM_SEEDS").unwrap_or(100)),
    };
    let mut happened: BTreeMap<&str, u32> = BTreeMap::new();
    let mut parts = 0;
    for seed in first..first + count {
        let (fates, listed) = catch_unwind(|| World::new(seed).live(SECONDS)).unwrap_or_else(|_| {
            panic!("again: RIVULET_SIM_SEED={seed} cargo nextest run --workspace -E 'test(whatever_happens)'")
        });
        fates.into_iter().for_each(|(what, times)| *happened.entry(what).or_default() += times);
        parts += listed;
    }
    println!("{count} seeds of {SECONDS} s: {happened:?}, {parts} parts looked at");
    // The same seed is the same life.
    assert_eq!(World::new(first).live(SECONDS), World::new(first).live(SECONDS));
    if count >= 100 {
        assert_eq!(happened.len(), 9, "everything happens: {happened:?}");
    }
}
