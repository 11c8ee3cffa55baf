#![allow(clippy::unwrap_used)]

use super::*;
use rivulet_store::testing;
use std::time::Duration;

fn entry(at: Position, text: &str) -> Entry {
    Entry { at, body: text.as_bytes().into() }
}

async fn next(subscription: &mut Subscription) -> String {
    let body = tokio::time::timeout(Duration::from_secs(10), subscription.next()).await.unwrap().unwrap();
    String::from_utf8(body.to_vec()).unwrap()
}

/// What every bus does; `other` is another end of the same one.
async fn suite(bus: &Bus, other: &Bus) {
    let mut here = bus.subscribe("a").await;
    let mut there = other.subscribe("a").await;
    let mut elsewhere = bus.subscribe("b").await;
    bus.publish("a", b"one").await.unwrap();
    assert_eq!(next(&mut here).await, "one", "whoever publishes hears it too");
    assert_eq!(next(&mut there).await, "one");
    bus.publish("nobody listens", b"?").await.unwrap();

    assert_eq!(other.log("a").await.unwrap(), []);
    let entries = [entry((1, 1), "x"), entry((1, 2), "y")];
    bus.record("a", &entries, b"two").await.unwrap();
    assert_eq!(next(&mut here).await, "two");
    assert_eq!(next(&mut there).await, "two");
    // The answer was lost, so it is sent again, with one that is new.
    bus.record("a", &[entry((1, 2), "y"), entry((2, 1), "z")], b"three").await.unwrap();
    assert_eq!(next(&mut there).await, "three");
    let whole = [entry((1, 1), "x"), entry((1, 2), "y"), entry((2, 1), "z")];
    assert_eq!(other.log("a").await.unwrap(), whole);
    assert_eq!(other.log("b").await.unwrap(), []);

    let many: Vec<Entry> = (1..=3 * LOG_ENTRIES as u64).map(|n| entry((3, n), "m")).collect();
    bus.record("a", &many, b"four").await.unwrap();
    let kept = other.log("a").await.unwrap();
    assert!(kept.len() >= LOG_ENTRIES && kept.last().unwrap().at == (3, 3 * LOG_ENTRIES as u64));
    assert!(kept.windows(2).all(|pair| pair[1].at.1 == pair[0].at.1 + 1), "nothing is missing between them");

    bus.publish("b", b"last").await.unwrap();
    assert_eq!(next(&mut elsewhere).await, "last", "and nothing of other topics before it");
}

#[tokio::test]
async fn in_process() {
    let bus = Bus::local();
    suite(&bus, &bus.clone()).await;
    assert!(bus.is_up() && !bus.is_shared());
}

#[tokio::test]
async fn through_redis() {
    let server = testing::Redis::start().await;
    let (bus, other) = (Bus::redis(&server.url()).await.unwrap(), Bus::redis(&server.url()).await.unwrap());
    suite(&bus, &other).await;
}

#[tokio::test]
async fn redis_goes_and_comes_back() {
    let mut server = testing::Redis::start().await;
    let bus = Bus::redis(&server.url()).await.unwrap();
    let mut subscription = bus.subscribe("a").await;
    let mut health = bus.health();
    server.kill();
    let down = health.wait_for(|health| matches!(health, Health::Down { .. }));
    tokio::time::timeout(Duration::from_secs(10), down).await.unwrap().unwrap();
    assert!(matches!(bus.publish("a", b"lost").await, Err(BusError::Down)));
    server.restart().await;
    let up = health.wait_for(|health| *health == Health::Up);
    tokio::time::timeout(Duration::from_secs(10), up).await.unwrap().unwrap();
    bus.publish("a", b"again").await.unwrap();
    assert_eq!(next(&mut subscription).await, "again", "what was subscribed is subscribed again");
}

#[tokio::test]
async fn a_wrong_address_says_what_to_write() {
    let error = Bus::redis("http://example.org").await.err().unwrap().to_string();
    assert!(error.contains("redis://HOST:PORT"), "{error}");
    let port = testing::free_port();
    let error = Bus::redis(&format!("redis://:secret@127.0.0.1:{port}")).await.err().unwrap().to_string();
    assert!(error.contains("--redis-url") && !error.contains("secret"), "{error}");
}
