//! The facts' suite, run on SQLite and on a real Postgres server.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use rivulet_protocol::ChannelName;
use rivulet_protocol::rest::{ChannelEdit, ChannelSettings, Latency, MAX_GRACE_SECONDS, Role, Rungs, WhileAway};
use rivulet_store::testing::{Postgres, TempDir};
use rivulet_store::{
    BroadcastLease, KeyHolder, Listing, Place, Recorded, Renewal, Segment, SessionToken, Store, StoreError, StreamKey,
};

/// Each case gets an empty database. On SQLite each is a test; on Postgres they share a server,
/// whose start takes longer than all of them together.
macro_rules! suite {
    ($($case:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $case() {
                let dir = super::TempDir::new();
                let store = super::Store::open(&super::sqlite_url(&dir)).await.unwrap();
                super::$case(store.clone()).await;
                store.close().await;
            })*
        }

        #[tokio::test]
        async fn postgres() {
            let server = Postgres::start().await;
            $(
                println!("case {}", stringify!($case));
                let store = Store::open(&server.database().await).await.unwrap();
                $case(store.clone()).await;
                store.close().await;
            )*
            open_says_what_is_wrong_with_postgres(&server).await;
        }
    };
}

suite!(
    opens_again_with_its_content,
    users,
    sessions,
    channels,
    channel_settings,
    stream_keys,
    broadcasts,
    leases,
    segments,
    recordings,
    many_at_once,
    debug_output_has_no_secrets,
);

fn sqlite_url(dir: &TempDir) -> String {
    format!("sqlite:{}", dir.path().join("a file? with #odd %20 name.db").display())
}

fn name(text: &str) -> ChannelName {
    ChannelName::parse(text).unwrap()
}

async fn channel(store: &Store, owner: &str) -> rivulet_store::Channel {
    let user = store.create_user(&name(owner), "hash", Role::Viewer, 1000).await.unwrap();
    store.create_channel(&name(owner), &user.id, "a title", 1000).await.unwrap()
}

async fn opens_again_with_its_content(store: Store) {
    store.ping().await.unwrap();
    assert_eq!(store.channels_page(Listing::default(), None, 1, 10).await.unwrap().len(), 0);
    channel(&store, "ann").await;
    assert_eq!(store.channels_page(Listing::default(), None, 1, 10).await.unwrap().len(), 1);
}

async fn users(store: Store) {
    let ann = store.create_user(&name("Ann"), "hash of ann", Role::Admin, 1).await.unwrap();
    let bob = store.create_user(&name("bob"), "hash of bob", Role::Viewer, 1).await.unwrap();
    assert_ne!(ann.id, bob.id);
    assert_eq!(store.user_by_name("ann").await.unwrap(), Some((ann, "hash of ann".into())));
    assert_eq!(store.user_by_name("bob").await.unwrap(), Some((bob, "hash of bob".into())));
    assert_eq!(store.user_by_name("' OR 1=1 --").await.unwrap(), None);
    let again = store.create_user(&name("ann"), "other", Role::Viewer, 2).await;
    assert!(matches!(again, Err(StoreError::Taken)), "{again:?}");
    assert_eq!(store.admin_count().await.unwrap(), 1);
}

const PLACE: Place<'_> = Place { device: "Firefox on Linux", address: "203.0.113.1" };

async fn sessions(store: Store) {
    let ann = store.create_user(&name("ann"), "hash", Role::Viewer, 1).await.unwrap();
    let (one, two) = (SessionToken::generate(), SessionToken::generate());
    store.create_session(&ann.id, &one.hash(), PLACE, 1000, 2000).await.unwrap();
    store.create_session(&ann.id, &two.hash(), PLACE, 1000, 3000).await.unwrap();
    assert_eq!(store.session_user(&one.hash(), "203.0.113.2", 1999).await.unwrap().as_ref(), Some(&ann));
    assert_eq!(store.session_user(&one.hash(), "203.0.113.2", 2000).await.unwrap(), None, "it has ended");
    assert_eq!(store.session_user(&SessionToken::generate().hash(), "203.0.113.2", 1).await.unwrap(), None);
    assert_eq!(store.delete_expired_sessions(2500).await.unwrap(), 1);
    assert_eq!(store.session_user(&two.hash(), "203.0.113.2", 2500).await.unwrap(), Some(ann));
    store.delete_session(&two.hash()).await.unwrap();
    assert_eq!(store.session_user(&two.hash(), "203.0.113.2", 2500).await.unwrap(), None);
}

async fn channels(store: Store) {
    let ann = store.create_user(&name("ann"), "hash", Role::Viewer, 1).await.unwrap();
    let bob = store.create_user(&name("bob"), "hash", Role::Viewer, 1).await.unwrap();
    for channel in ["delta", "alpha", "charlie"] {
        store.create_channel(&name(channel), &ann.id, channel, 1).await.unwrap();
    }
    let bravo = store.create_channel(&name("bravo"), &bob.id, "b", 1).await.unwrap();
    let taken = store.create_channel(&name("bravo"), &ann.id, "", 1).await;
    assert!(matches!(taken, Err(StoreError::Taken)), "{taken:?}");
    let orphan = store.create_channel(&name("echo"), "nobody", "", 1).await;
    assert!(matches!(orphan, Err(StoreError::Database(_))), "a channel has an owner: {orphan:?}");

    let names = |channels: Vec<rivulet_store::Channel>| channels.into_iter().map(|c| c.name).collect::<Vec<_>>();
    assert_eq!(
        names(store.channels_page(Listing::default(), None, 1, 3).await.unwrap()),
        ["alpha", "bravo", "charlie"]
    );
    assert_eq!(names(store.channels_page(Listing::default(), Some("charlie"), 1, 3).await.unwrap()), ["delta"]);
    assert_eq!(names(store.channels_page(Listing::default(), Some("delta"), 1, 3).await.unwrap()), [] as [&str; 0]);
    assert_eq!(names(store.channels_of(&ann.id).await.unwrap()), ["alpha", "charlie", "delta"]);
    let mut some = names(store.channels_by_names(&["delta".into(), "none".into(), "bravo".into()]).await.unwrap());
    some.sort();
    assert_eq!(some, ["bravo", "delta"]);
    assert!(store.channels_by_names(&[]).await.unwrap().is_empty());
    let crowd: Vec<String> = (0..1200).map(|n| format!("c{n}")).chain(["alpha".into()]).collect();
    assert_eq!(names(store.channels_by_names(&crowd).await.unwrap()), ["alpha"]);

    let edit = ChannelEdit { title: Some("Ünï ❤ ' \" \\".into()), ..ChannelEdit::default() };
    store.edit_channel(&bravo.id, &edit).await.unwrap();
    assert_eq!(store.channel_by_name("bravo").await.unwrap().unwrap().title, "Ünï ❤ ' \" \\");
    assert_eq!(store.channel_by_name("none").await.unwrap(), None);
}

async fn channel_settings(store: Store) {
    let (ann, bob) = (channel(&store, "ann").await, channel(&store, "bob").await);
    let nothing = ChannelSettings::default();
    assert_eq!(ann.settings, nothing);
    let (_, key) = store.rotate_key(&ann.id, 1).await.unwrap();
    let all = |grace_seconds, latency, rungs| ChannelSettings {
        grace_seconds: Some(grace_seconds),
        latency: Some(latency),
        rungs: Some(rungs),
        while_away: Some(if rungs == Rungs::Always { WhileAway::Wait } else { WhileAway::Slate }),
    };
    for settings in [
        all(0, Latency::Low, Rungs::OnDemand),
        all(MAX_GRACE_SECONDS, Latency::Normal, Rungs::Always),
        ChannelSettings { latency: Some(Latency::Low), ..nothing },
        nothing,
    ] {
        store.set_channel_settings(&ann.id, &settings).await.unwrap();
        let by_key = store.channel_by_key(&key, 1).await.unwrap().unwrap().channel;
        let by_name = store.channel_by_name("ann").await.unwrap().unwrap();
        let by_names = store.channels_by_names(&["ann".into()]).await.unwrap();
        let (of_owner, page) = (
            store.channels_of(&ann.owner_id).await.unwrap(),
            store.channels_page(Listing::default(), None, 1, 1).await,
        );
        for channel in [&by_key, &by_name, &by_names[0], &of_owner[0], &page.unwrap()[0]] {
            assert_eq!((channel.settings, &channel.id), (settings, &ann.id));
        }
    }
    let refused = store.set_channel_settings(&ann.id, &all(MAX_GRACE_SECONDS + 1, Latency::Low, Rungs::Always)).await;
    assert!(matches!(refused, Err(StoreError::Database(_))), "{refused:?}");
    assert_eq!(store.channel_by_name("bob").await.unwrap(), Some(bob), "it is another's");
}

async fn stream_keys(store: Store) {
    let channel = channel(&store, "ann").await;
    assert!(!store.has_key(&channel.id).await.unwrap());
    let (old_id, old) = store.rotate_key(&channel.id, 1).await.unwrap();
    assert!(store.has_key(&channel.id).await.unwrap());
    for now in [1_000_000, 1_000_001, 1_070_000] {
        let holder = KeyHolder { channel: channel.clone(), key_id: old_id.clone(), suspended: None };
        assert_eq!(store.channel_by_key(&old, now).await.unwrap(), Some(holder));
    }
    let (new_id, new) = store.rotate_key(&channel.id, 2).await.unwrap();
    assert_eq!(store.channel_by_key(&old, 2).await.unwrap(), None, "the old key is worth nothing");
    let holder = KeyHolder { channel, key_id: new_id, suspended: None };
    assert_eq!(store.channel_by_key(&new, 2).await.unwrap(), Some(holder));
    assert_eq!(store.channel_by_key(&StreamKey::generate(), 2).await.unwrap(), None);
}

async fn leases(store: Store) {
    let channel = channel(&store, "lee").await;
    let lease = |writer: &str, until_ms| BroadcastLease { writer: writer.into(), until_ms };
    assert_eq!(store.renew_broadcast("x", &lease("a", 10)).await.unwrap(), Renewal::Unknown);
    let id = rivulet_store::new_id(1);
    store.note_broadcast(&id, &channel, 1, &lease("a", 10)).await.unwrap();
    assert!(store.open_broadcasts("b", 9).await.unwrap().is_empty(), "somebody writes it");
    assert_eq!(store.open_broadcasts("a", 9).await.unwrap().len(), 1, "what the process before has left");
    assert_eq!(store.open_elsewhere(&channel.id, "a").await.unwrap(), None);
    assert_eq!(store.open_elsewhere(&channel.id, "b").await.unwrap().map(|open| open.id), Some(id.clone()));

    // One asks, the other lets go.
    assert!(!store.claim_broadcast(&id, &lease("b", 19), 9).await.unwrap());
    assert_eq!(store.renew_broadcast(&id, &lease("a", 20)).await.unwrap(), Renewal::Kept);
    assert!(store.want_broadcast(&id, "b").await.unwrap());
    assert_eq!(store.renew_broadcast(&id, &lease("a", 20)).await.unwrap(), Renewal::Wanted);
    store.release_broadcast(&id, &lease("b", 30)).await.unwrap();
    assert!(!store.claim_broadcast(&id, &lease("b", 30), 20).await.unwrap(), "nobody else lets it go");
    store.release_broadcast(&id, &lease("a", 30)).await.unwrap();
    assert!(!store.claim_broadcast(&id, &lease("c", 30), 20).await.unwrap(), "it goes to who wants it");
    assert!(store.claim_broadcast(&id, &lease("b", 30), 20).await.unwrap());
    assert_eq!(store.renew_broadcast(&id, &lease("a", 40)).await.unwrap(), Renewal::Lost);
    assert_eq!(store.renew_broadcast(&id, &lease("b", 40)).await.unwrap(), Renewal::Kept, "nobody wants it any more");

    // One is silent.
    assert!(!store.claim_broadcast(&id, &lease("a", 50), 40).await.unwrap());
    assert!(store.claim_broadcast(&id, &lease("a", 51), 41).await.unwrap());
    store.end_broadcast(&id, 45).await.unwrap();
    assert!(!store.claim_broadcast(&id, &lease("a", 99), 60).await.unwrap(), "it is over");
    assert!(!store.want_broadcast(&id, "b").await.unwrap());
    assert_eq!(store.open_elsewhere(&channel.id, "b").await.unwrap(), None);
}

async fn broadcasts(store: Store) {
    let channel = channel(&store, "ann").await;
    let first = store.start_broadcast(&channel, 1000).await.unwrap();
    let second = store.start_broadcast(&rivulet_store::Channel { title: "two".into(), ..channel }, 2000).await.unwrap();
    assert!(first < second, "ids sort by time");
    let ids = |list: Vec<rivulet_store::Broadcast>| list.into_iter().map(|b| b.id).collect::<Vec<_>>();
    assert_eq!(ids(store.open_broadcasts("a", 1).await.unwrap()), [first.clone(), second.clone()]);
    assert_eq!(store.last_recorded(&first).await.unwrap(), None);
    store.end_broadcast(&first, 1500).await.unwrap();
    store.end_broadcast(&first, 9999).await.unwrap();
    let open = store.open_broadcasts("a", 1).await.unwrap();
    assert_eq!(
        (open.len(), open[0].title.as_str(), open[0].started_at_ms, open[0].ended_at_ms),
        (1, "two", 2000, None)
    );
    assert!(store.broadcasts_ended_before(1500, 10).await.unwrap().is_empty());
    let ended = store.broadcasts_ended_before(1501, 10).await.unwrap();
    assert_eq!((ended.len(), ended[0].ended_at_ms), (1, Some(1500)), "the first end counts");
    store.end_broadcast(&second, 2500).await.unwrap();
    assert_eq!(ids(store.broadcasts_ended_before(9999, 1).await.unwrap()), [first.as_str()]);
    assert!(store.forget_broadcast(&first).await.unwrap());
    assert!(!store.forget_broadcast(&first).await.unwrap());
    assert_eq!(ids(store.broadcasts_ended_before(9999, 10).await.unwrap()), [second]);
}

async fn segments(store: Store) {
    let channel = channel(&store, "ann").await;
    let broadcast = store.start_broadcast(&channel, 1000).await.unwrap();
    let segment = |rendition: &str, number: i64, bytes: i64| Segment {
        broadcast_id: broadcast.clone(),
        rendition: rendition.into(),
        number,
        start_ticks: number.max(0) * 180_000,
        duration_ticks: 180_000,
        bytes,
        object_key: format!("{broadcast}/{rendition}/{number}"),
        init: 0,
        period: number / 100,
    };
    store.add_segments(&[]).await.unwrap();
    let all: Vec<Segment> = (-1..500).map(|n| segment("720p", n, 10)).collect();
    store.add_segments(&all).await.unwrap();
    store.add_segments(&all).await.unwrap();
    let i64s = segment("360p", i64::MAX / 180_001, i64::MAX);
    store.add_segments(&[segment("360p", 0, 1), segment("360p", 0, 2), i64s.clone()]).await.unwrap();
    let stored = store.segments_of(&broadcast, 1000).await.unwrap();
    assert_eq!(stored.len(), 503);
    assert_eq!(stored[0].bytes, 2, "the last word counts");
    assert_eq!(stored[1], i64s);
    assert_eq!(stored[2..], all);
    assert_eq!(store.segments_of(&broadcast, 7).await.unwrap().len(), 7);

    assert!(!store.forget_broadcast(&broadcast).await.unwrap(), "its objects would be lost");
    let keys: Vec<String> = stored.iter().map(|s| s.object_key.clone()).collect();
    store.delete_segments("another", &keys).await.unwrap();
    store.delete_segments(&broadcast, &keys[3..]).await.unwrap();
    assert_eq!(store.segments_of(&broadcast, 1000).await.unwrap(), stored[..3]);
    store.delete_segments(&broadcast, &keys).await.unwrap();
    assert!(store.forget_broadcast(&broadcast).await.unwrap());
}

async fn recordings(store: Store) {
    let channel = channel(&store, "ann").await;
    let broadcast = store.start_broadcast(&channel, 1000).await.unwrap();
    let segment = |rendition: &str, number: i64, bytes: i64| Segment {
        broadcast_id: broadcast.clone(),
        rendition: rendition.into(),
        number,
        start_ticks: number.max(0) * 180_000,
        duration_ticks: if number < 0 { 0 } else { 180_000 },
        bytes,
        object_key: format!("{rendition}/{number}"),
        init: 0,
        period: number / 100,
    };
    let mut all: Vec<Segment> = (-1..300).map(|number| segment("720p", number, 10)).collect();
    all.extend([segment("720p", 300, 0), segment("720p", 301, 40)]);
    store.add_segments(&all).await.unwrap();
    let others = [segment("audio", -2, 9), segment("audio", 0, 8), segment("360p", 0, 8)];
    store.add_segments(&others).await.unwrap();
    assert_eq!(store.recorded_segments(&broadcast, "720p", 1000).await.unwrap(), all[1..]);
    assert_eq!(store.recorded_segments(&broadcast, "720p", 7).await.unwrap(), all[1..8]);
    let of = |rendition: &str, segments, average, peak, init| Recorded {
        rendition: rendition.into(),
        segments,
        average,
        peak,
        init,
    };
    let recorded = store.recorded(&broadcast).await.unwrap();
    assert_eq!(recorded, [of("720p", 302, 40, 160, 0), of("audio", 1, 32, 32, 1)], "360p has nothing to begin with");

    assert_eq!(store.began("ann", &broadcast).await.unwrap(), None, "it is on air");
    store.end_broadcast(&broadcast, 2000).await.unwrap();
    assert_eq!(store.began("ann", &broadcast).await.unwrap(), Some(1000));
    assert_eq!(store.began("bob", &broadcast).await.unwrap(), None, "it is ann's");
}

async fn many_at_once(store: Store) {
    let channel = channel(&store, "ann").await;
    let broadcast = store.start_broadcast(&channel, 1000).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..40 {
        let (store, channel, broadcast_id) = (store.clone(), channel.clone(), broadcast.clone());
        tasks.spawn(async move {
            let (_, key) = store.rotate_key(&channel.id, n).await?;
            store.channel_by_key(&key, 1_000_000 + n).await?;
            let object_key = format!("{broadcast_id}/{n}");
            let (start_ticks, duration_ticks, bytes) = (n, 1, 1);
            let rendition = "720p".into();
            let (init, period) = (0, 0);
            let segment = Segment {
                broadcast_id,
                rendition,
                number: n,
                start_ticks,
                duration_ticks,
                bytes,
                object_key,
                init,
                period,
            };
            store.add_segments(&[segment]).await
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap().unwrap();
    }
    assert_eq!(store.segments_of(&broadcast, 100).await.unwrap().len(), 40);
}

async fn debug_output_has_no_secrets(store: Store) {
    let user = store.create_user(&name("ann"), "$argon2id$secret", Role::Viewer, 1).await.unwrap();
    let channel = store.create_channel(&name("ann"), &user.id, "", 1).await.unwrap();
    let (_, key) = store.rotate_key(&channel.id, 1).await.unwrap();
    let token = SessionToken::generate();
    let shown = format!("{store:?} {user:?} {channel:?} {key:?} {key} {:?} {token:?} {token}", key.hash());
    for secret in [&key.reveal()[4..], &token.reveal()[4..], "argon2id"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

#[tokio::test]
async fn what_was_committed_is_there_after_opening_again() {
    let dir = TempDir::new();
    let store = Store::open(&sqlite_url(&dir)).await.unwrap();
    let channel = channel(&store, "ann").await;
    store.close().await;
    let store = Store::open(&sqlite_url(&dir)).await.unwrap();
    assert_eq!(store.channel_by_name("ann").await.unwrap(), Some(channel));
}

#[tokio::test]
async fn open_says_what_is_wrong() {
    let dir = TempDir::new();
    let path = |name: &str| format!("sqlite:{}", dir.path().join(name).display());
    std::fs::write(
        dir.path().join("file"),
        "not a database, and longer than the header of one is, which has 100 bytes in it, as is known",
    )
    .unwrap();
    std::fs::create_dir(dir.path().join("folder")).unwrap();
    for (url, wanted) in [
        (path("missing/rivulet.db"), ["missing does not exist", "create it"]),
        (path("file/rivulet.db"), ["file is not a folder", "--data"]),
        (path("file"), ["file: ", "check that the file is a database"]),
        (path("folder"), ["folder: ", "check that the file is a database"]),
        ("sqlite:".into(), ["names no file", "sqlite:PATH"]),
        ("sqlite::memory:".into(), ["in memory is not supported", "sqlite:PATH"]),
        ("mysql://u:hunter2@h/d".into(), ["not understood", "postgres://USER"]),
        (
            format!("postgres://u:hunter2@127.0.0.1:{}/d", rivulet_store::testing::free_port()),
            ["Postgres at 127.0.0.1:", "check that the server runs there"],
        ),
    ] {
        let error = Store::open(&url).await.unwrap_err();
        assert!(matches!(error, StoreError::Open(_)));
        let text = error.to_string();
        for wanted in wanted {
            assert!(text.contains(wanted), "{url}: {text}");
        }
        assert!(!text.contains('\n') && !text.contains("hunter2"), "{text}");
    }
}

async fn open_says_what_is_wrong_with_postgres(server: &Postgres) {
    let url = server.database().await.replace("test_", "none_").replace("rivulet@", "rivulet:hunter2@");
    let text = Store::open(&url).await.unwrap_err().to_string();
    assert!(text.contains("does not exist") && text.contains("check user, password and database"), "{text}");
    assert!(!text.contains('\n') && !text.contains("hunter2"), "{text}");
}
