//! Two servers on one database: a broadcast is written by one of them at a time, and goes where its
//! encoder goes.
#![allow(clippy::unwrap_used)]

use rivulet_store::testing::Postgres;
use rivulet_tests::*;
use std::time::Duration;

#[test]
fn a_broadcast_is_written_by_one_server_at_a_time() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let postgres = runtime.block_on(Postgres::start());
    let database = runtime.block_on(postgres.database());
    let start = || Server::start(Options::default().flag("--database-url", &database));
    let (first, second) = (start(), start());
    let key = first.channel("ada");
    let push = |server: &Server| Encoder::repeat(&clip(8), &format!("{}/{key}", server.rtmp));

    let mut encoder = push(&first);
    first.wait_state("ada", "live");
    let broadcast = first.broadcast("ada");
    assert_eq!(second.channel_state("ada")["state"], "offline");

    // The encoder comes to the other one: the first lets go of it, and tells whoever still sends.
    let other = push(&second);
    second.wait_state("ada", "live");
    assert_eq!(second.broadcast("ada"), broadcast, "it is the same broadcast");
    first.wait_state("ada", "offline");
    first.wait_log("another server goes on with this broadcast");
    wait_for("the first encoder to be sent away", Duration::from_secs(10), || encoder.has_ended().then_some(()));

    // The other one is silent: its lease runs out. When it wakes up, it has lost.
    signal(second.pid(), "STOP");
    drop(other);
    let encoder = push(&first);
    first.wait_state("ada", "live");
    assert_eq!(first.broadcast("ada"), broadcast);
    signal(second.pid(), "CONT");
    second.wait_log("another server goes on with this broadcast");
    second.wait_state("ada", "offline");
    assert_eq!(first.channel_state("ada")["state"], "live");

    // One is gone: the other one waits for the encoder of what it has left.
    signal(first.pid(), "KILL");
    drop((encoder, first));
    second.wait_state("ada", "reconnecting");
    let _encoder = push(&second);
    second.wait_state("ada", "live");
    assert_eq!(second.broadcast("ada"), broadcast);
}
