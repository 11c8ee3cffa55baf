//! Channels and the people around them, as clients see them, on SQLite and on Postgres.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod site;

use axum::http::{StatusCode, header};
use rivulet_hub::Order;
use rivulet_protocol::rest::{
    About, Access, AccessKind, BroadcastInfo, Category, Channel, ChannelRole, Channels, Follower, Found, LiveState,
    NewKey, Occurrence, Page, Playback, Role, Schedule, ScheduleEntry, Staff, Standing, StreamKeyInfo, ViewerSample,
};
use rivulet_store::StreamKey;
use serde_json::{Value, json};
use site::{Client, Site, suite};

suite!(
    profile,
    what_a_profile_may_be,
    narrowing_the_directory,
    searching,
    following,
    followers_in_pages,
    helping,
    several_keys,
    who_may_watch,
    signed_addresses,
    planning,
    plans_that_cannot_be,
    past_broadcasts,
    reporting,
    the_end_of_a_channel,
    the_document,
);

async fn profile(site: Site) {
    let ann = site.user("ann", Role::Viewer).await;
    let guest = site.guest();
    let edit = json!({
        "title": " Speedrun ", "display_name": "Ann ☆", "description": "one\r\ntwo", "category": "games",
        "tags": ["#Retro", "retro", "Any"], "language": "de", "mature": true,
        "links": [{"label": "Home", "url": "https://ann.example"}],
        "panels": [{"title": "Rules", "text": "**Be kind** <script>alert(1)</script>"}],
    });
    let channel: Channel = ann.patch("/channels/ann", edit).await.json();
    assert_eq!((channel.title.as_str(), channel.display_name.as_str()), ("Speedrun", "Ann ☆"));
    assert_eq!(channel.category.as_ref().map(|category| category.name.as_str()), Some("Games"));
    assert_eq!((channel.tags.as_slice(), channel.mature), (&["retro".to_owned(), "any".to_owned()][..], true));
    assert_eq!(guest.get("/channels/ann").await.json::<Channel>(), channel);

    let about: About = guest.get("/channels/ann/about").await.json();
    assert_eq!((about.description.as_str(), about.links[0].url.as_str()), ("one\ntwo", "https://ann.example/"));
    assert_eq!(about.panels[0].html, "<p><strong>Be kind</strong> &lt;script&gt;alert(1)&lt;/script&gt;</p>\n");

    // What is not named stays; what is empty goes.
    let channel: Channel = ann.patch("/channels/ann", json!({"category": "", "tags": []})).await.json();
    assert_eq!((channel.category, channel.tags.len(), channel.title.as_str()), (None, 0, "Speedrun"));
    assert_eq!(guest.get("/channels/ann/about").await.json::<About>().panels.len(), 1);
}

async fn what_a_profile_may_be(site: Site) {
    let ann = site.user("ann", Role::Viewer).await;
    for (edit, code, field) in [
        (json!({"title": "x".repeat(141)}), "too_long", "title"),
        (json!({"title": "a\u{7}b"}), "bad_character", "title"),
        (json!({"display_name": "x".repeat(26)}), "too_long", "display_name"),
        (json!({"description": "x".repeat(501)}), "too_long", "description"),
        (json!({"category": "nonsense"}), "unknown", "category"),
        (json!({"tags": ["a b"]}), "bad_tag", "tags"),
        (json!({"tags": vec!["a"; 11]}), "too_many", "tags"),
        (json!({"language": "<b>"}), "bad_language", "language"),
        (
            json!({"links": [{"label": "", "url": "https://a.example"}, {"label": "x", "url": "javascript:x"}]}),
            "bad_url",
            "links.1.url",
        ),
        (json!({"links": vec![json!({"label": "", "url": "https://a.example"}); 11]}), "too_many", "links"),
        (json!({"panels": [{"text": "x".repeat(4001)}]}), "too_long", "panels.0.text"),
        (json!({"panels": vec![json!({}); 13]}), "too_many", "panels"),
    ] {
        let problem = ann.patch("/channels/ann", edit.clone()).await.problem(422);
        assert_eq!(problem, (code.into(), Some(field.into())), "{edit}");
    }
    ann.patch("/channels/ann", json!({"mature": "yes"})).await.problem(400);
}

async fn narrowing_the_directory(site: Site) {
    for (name, category, tag, language) in
        [("ann", "games", "retro", "de"), ("bob", "games", "new", "en"), ("cat", "music", "retro", "de")]
    {
        let client = site.user(name, Role::Viewer).await;
        client
            .patch(&format!("/channels/{name}"), json!({"category": category, "tags": [tag], "language": language}))
            .await;
    }
    let dan = site.user("dan", Role::Viewer).await;
    dan.put("/channels/dan/access", json!({"kind": "private"})).await.json::<Access>();
    site.on_air("cat").await;
    let guest = site.guest();
    for (query, want) in [
        ("", "cat ann bob"),
        ("?category=games", "ann bob"),
        ("?tag=retro", "cat ann"),
        ("?language=de&category=games", "ann"),
        ("?live=true", "cat"),
        ("?live=true&category=games", ""),
        ("?category=nonsense", ""),
        ("?tag=retro&after=ann", "cat"),
    ] {
        let list: Channels = guest.get(&format!("/channels{query}")).await.json();
        let names: Vec<_> = list.channels.iter().map(|channel| channel.name.as_str()).collect();
        // The last one pages through what is offline, where a live one is left out.
        let want = if query.contains("after") { "" } else { want };
        assert_eq!(names.join(" "), want, "{query}");
    }
    let categories: Page<Category> = guest.get("/categories").await.json();
    assert_eq!((categories.items[0].slug.as_str(), categories.items[0].live_channels), ("music", 1));
    assert!(categories.items.len() > 5);
    assert_eq!(guest.get("/categories/music").await.json::<Category>().live_channels, 1);
    guest.get("/categories/nonsense").await.problem(404);
}

async fn searching(site: Site) {
    for (name, title) in [("ann", "Émigré cooking"), ("bob", "Cool drums"), ("cool", "")] {
        let client = site.user(name, Role::Viewer).await;
        client.patch(&format!("/channels/{name}"), json!({"title": title, "tags": ["livetag"]})).await;
    }
    site.on_air("bob").await;
    let guest = site.guest();
    for (query, want) in [
        ("coo", "bob ann cool"),
        ("COOL", "bob cool"),
        ("emi coo", "ann"),
        ("coo emi nothing", ""),
        ("livetag", "bob ann cool"),
        ("%25", ""),
        ("_", ""),
        ("", ""),
    ] {
        let found: Found = guest.get(&format!("/search?q={}", query.replace(' ', "+"))).await.json();
        let names: Vec<_> = found.channels.iter().map(|channel| channel.name.as_str()).collect();
        assert_eq!(names.join(" "), want, "{query}");
    }
    let found: Found = guest.get("/search?q=MUS").await.json();
    assert_eq!(found.categories.iter().map(|category| category.slug.as_str()).collect::<Vec<_>>(), ["music"]);
    guest.get("/search").await.problem(400);
}

async fn following(site: Site) {
    site.user("ann", Role::Viewer).await;
    let bob = site.user("bob", Role::Viewer).await;
    site.guest().put("/channels/ann/follow", json!({})).await.problem(401);
    bob.put("/channels/nobody/follow", json!({})).await.problem(404);
    let standing: Standing = bob.get("/channels/ann/me").await.json();
    assert_eq!(standing, Standing { following: false, notify: false, role: None, may_watch: true });
    for (notify, times) in [(false, 1), (true, 1), (true, 1)] {
        let standing: Standing = bob.put("/channels/ann/follow", json!({"notify": notify})).await.json();
        assert_eq!((standing.following, standing.notify), (true, notify));
        assert_eq!(bob.get("/channels/ann").await.json::<Channel>().followers, times);
    }
    bob.put("/channels/bob/follow", json!({})).await.json::<Standing>();
    site.on_air("bob").await;
    let follows: Channels = bob.get("/me/follows").await.json();
    let names: Vec<_> = follows.channels.iter().map(|channel| (channel.name.as_str(), channel.state)).collect();
    assert_eq!(names, [("bob", LiveState::Live), ("ann", LiveState::Offline)], "live ones first");
    for _ in 0..2 {
        assert!(!bob.send("DELETE", "/channels/ann/follow", Default::default()).await.json::<Standing>().following);
        assert_eq!(bob.get("/channels/ann").await.json::<Channel>().followers, 0);
    }
    site.guest().get("/me/follows").await.problem(401);
}

async fn followers_in_pages(site: Site) {
    let ann = site.user("ann", Role::Viewer).await;
    let channel = site.store.channel_by_name("ann").await.unwrap().unwrap();
    for n in 0..5 {
        let name = rivulet_protocol::ChannelName::parse(&format!("user{n}")).unwrap();
        let user = site.store.create_user(&name, "", Role::Viewer, 1).await.unwrap();
        // Two at a time, so that a page ends between followers of one moment.
        site.store.follow(&user.id, &channel.id, false, 100 + n / 2).await.unwrap();
    }
    let (mut seen, mut after) = (vec![], String::new());
    loop {
        let page: Page<Follower> = ann.get(&format!("/channels/ann/followers?limit=2{after}")).await.json();
        seen.extend(page.items.into_iter().map(|follower| follower.username));
        let Some(next) = page.next else { break };
        after = format!("&after={next}");
    }
    assert_eq!((seen.len(), seen[0].as_str()), (5, "user4"));
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 5);
    ann.get("/channels/ann/followers?after=nonsense").await.problem(400);
    site.user("bob", Role::Viewer).await.get("/channels/ann/followers").await.problem(403);
}

async fn helping(site: Site) {
    let ann = site.user("ann", Role::Viewer).await;
    let bob = site.user("bob", Role::Viewer).await;
    let cat = site.user("cat", Role::Viewer).await;
    bob.patch("/channels/ann", json!({"title": "x"})).await.problem(403);
    ann.put("/channels/ann/staff/bob", json!({"role": "editor"})).await.json::<Page<Staff>>();
    let staff: Page<Staff> = ann.put("/channels/ann/staff/CAT", json!({"role": "moderator"})).await.json();
    let names: Vec<_> = staff.items.iter().map(|staff| (staff.username.as_str(), staff.role)).collect();
    assert_eq!(names, [("bob", ChannelRole::Editor), ("cat", ChannelRole::Moderator)]);
    assert_eq!(bob.get("/channels/ann/me").await.json::<Standing>().role, Some(ChannelRole::Editor));
    bob.patch("/channels/ann", json!({"title": "x"})).await.json::<Channel>();
    cat.patch("/channels/ann", json!({"title": "y"})).await.problem(403);
    cat.get("/channels/ann/golive").await.expect(StatusCode::OK);
    for client in [&bob, &cat] {
        client.get("/channels/ann/keys").await.problem(403);
        client.put("/channels/ann/staff/cat", json!({"role": "editor"})).await.problem(403);
    }
    for (username, role) in [("nobody", "editor"), ("ann", "editor"), ("cat", "owner")] {
        ann.put(&format!("/channels/ann/staff/{username}"), json!({"role": role})).await.problem(422);
    }
    cat.delete("/channels/ann/staff/bob").await.problem(403);
    cat.delete("/channels/ann/staff/cat").await.expect(StatusCode::OK);
    ann.delete("/channels/ann/staff/bob").await.expect(StatusCode::OK);
    ann.delete("/channels/ann/staff/bob").await.problem(404);
    bob.patch("/channels/ann", json!({"title": "x"})).await.problem(403);
}

async fn several_keys(site: Site) {
    let ann = site.user("ann", Role::Viewer).await;
    let opens =
        async |key: &str| site.store.channel_by_key(&StreamKey::parse(key).unwrap(), 1).await.unwrap().is_some();
    let one: NewKey = ann.post("/channels/ann/keys", json!({"name": "Studio"})).await.json();
    let two: NewKey = ann.post("/channels/ann/keys", json!({"name": "Phone"})).await.json();
    assert!(opens(&one.key).await && opens(&two.key).await);
    let keys: Page<StreamKeyInfo> = ann.get("/channels/ann/keys").await.json();
    assert_eq!(keys.items.iter().map(|key| key.name.as_str()).collect::<Vec<_>>(), ["Phone", "Studio"]);

    let broadcast = site.on_air("ann").await;
    let new: NewKey = ann.post(&format!("/channels/ann/keys/{}/rotate", one.id), json!({})).await.json();
    assert!(opens(&new.key).await && !opens(&one.key).await && opens(&two.key).await);
    let order = broadcast.orders.send_replace(None);
    assert!(matches!(order, Some(Order::DropKey { key_id, .. }) if key_id == one.id), "its encoder has to stop");
    ann.delete(&format!("/channels/ann/keys/{}", two.id)).await.expect(StatusCode::NO_CONTENT);
    assert!(!opens(&two.key).await);
    ann.delete(&format!("/channels/ann/keys/{}", two.id)).await.problem(404);
    let only: NewKey = ann.post("/channels/ann/key", json!({})).await.json();
    assert!(opens(&only.key).await && !opens(&new.key).await);

    for name in ["", " ", &"x".repeat(51)] {
        ann.post("/channels/ann/keys", json!({"name": name})).await.problem(422);
    }
    for _ in 0..9 {
        ann.post("/channels/ann/keys", json!({"name": "more"})).await.expect(StatusCode::CREATED);
    }
    assert_eq!(ann.post("/channels/ann/keys", json!({"name": "x"})).await.problem(409).0, "too_many_keys");
}

async fn who_may_watch(site: Site) {
    let ann = site.user("ann", Role::Viewer).await;
    let bob = site.user("bob", Role::Viewer).await;
    let admin = site.user("root_", Role::Admin).await;
    let guest = site.guest();
    let play = async |client: &Client, body: Value| client.post("/channels/ann/playback", body).await;
    assert_eq!(play(&guest, json!({})).await.problem(409).0, "offline");
    site.on_air("ann").await;
    let open: Playback = play(&guest, json!({})).await.json();
    assert_eq!((open.url.as_str(), open.expires_at_ms), ("/live/ann/master.m3u8", None));

    ann.put("/channels/ann/access", json!({"kind": "followers"})).await.json::<Access>();
    let shown: Channel = guest.get("/channels/ann").await.json();
    assert_eq!((shown.access, shown.playback, shown.thumbnail), (AccessKind::Followers, None, None));
    for client in [&guest, &bob] {
        assert_eq!(play(client, json!({})).await.problem(403).0, "followers_only");
    }
    bob.put("/channels/ann/follow", json!({})).await.json::<Standing>();
    for client in [&bob, &ann, &admin] {
        assert!(play(client, json!({})).await.json::<Playback>().url.starts_with("/p/"));
    }

    for (edit, field) in [
        (json!({"kind": "password"}), "password"),
        (json!({"kind": "password", "password": "abc"}), "password"),
        (json!({"kind": "private", "guests": ["nobody"]}), "guests"),
        (json!({"kind": "private", "guests": vec!["bob"; 1001]}), "guests"),
    ] {
        assert_eq!(ann.put("/channels/ann/access", edit).await.problem(422).1.as_deref(), Some(field));
    }
    ann.put("/channels/ann/access", json!({"kind": "password", "password": "tea time"})).await.json::<Access>();
    assert_eq!(play(&bob, json!({})).await.problem(403).0, "password_needed");
    assert_eq!(play(&guest, json!({"password": "tea"})).await.problem(403).0, "wrong_password");
    assert!(play(&guest, json!({"password": "tea time"})).await.json::<Playback>().expires_at_ms.is_some());
    for _ in 0..10 {
        play(&guest.at([203, 0, 113, 9]), json!({"password": "guess"})).await.problem(403);
    }
    play(&guest.at([203, 0, 113, 9]), json!({"password": "tea time"})).await.problem(429);

    let access: Access = ann.put("/channels/ann/access", json!({"kind": "private", "guests": ["BOB"]})).await.json();
    assert_eq!(access, Access { kind: AccessKind::Private, has_password: true, guests: vec!["bob".into()] });
    assert_eq!(play(&guest, json!({})).await.problem(403).0, "private");
    play(&bob, json!({})).await.json::<Playback>();
    ann.put("/channels/ann/access", json!({"kind": "private", "guests": []})).await.json::<Access>();
    assert_eq!(play(&bob, json!({})).await.problem(403).0, "private");
    bob.get("/channels/ann/access").await.problem(403);
}

async fn signed_addresses(site: Site) {
    let ann = site.user("ann", Role::Viewer).await;
    ann.put("/channels/ann/access", json!({"kind": "private"})).await.json::<Access>();
    let broadcast = site.on_air("ann").await;
    let one: Playback = ann.post("/channels/ann/playback", json!({})).await.json();
    let revision = broadcast.protected.borrow().unwrap();
    let ticket = one.url.strip_prefix("/p/").and_then(|url| url.strip_suffix("/live/ann/master.m3u8")).unwrap();
    let stage = |access_revision| rivulet_store::playback::Stage { broadcast_id: &broadcast.info.id, access_revision };
    let (key, now_ms) = (site.store.playback_key().await.unwrap(), one.expires_at_ms.unwrap() - 1);
    assert_eq!(key.check(ticket, stage(revision), now_ms), Ok(()));
    // Setting the access anew makes all addresses void.
    ann.put("/channels/ann/access", json!({"kind": "private"})).await.json::<Access>();
    let now = broadcast.protected.borrow().unwrap();
    assert!(now > revision && key.check(ticket, stage(now), now_ms).is_err());
}

async fn planning(site: Site) {
    let ann = site.user("ann", Role::Viewer).await;
    let guest = site.guest();
    // Summer time ends in Berlin on 2026-10-25 at 3:00.
    let entry: ScheduleEntry = ann
        .post(
            "/channels/ann/schedule",
            json!({"title": "Evening show", "category": "music", "start": "2026-10-20T20:00", "time_zone": "Europe/Berlin",
                   "minutes": 90, "repeat": "weekly", "weekdays": ["tu", "su"], "until": "2026-11-03"}),
        )
        .await
        .json();
    let from = 1_792_454_400_000_i64; // 2026-10-20T00:00Z
    let path = format!("/channels/ann/schedule?from_ms={from}&days=30");
    let hours = |occurrences: &[Occurrence]| -> Vec<(String, i64)> {
        let of_day = |o: &Occurrence| (o.date.clone(), o.starts_at_ms / 3_600_000 % 24);
        occurrences.iter().map(of_day).collect()
    };
    let schedule: Schedule = guest.get(&path).await.json();
    let want = [("2026-10-20", 18), ("2026-10-25", 19), ("2026-10-27", 19), ("2026-11-01", 19), ("2026-11-03", 19)];
    assert_eq!(hours(&schedule.occurrences), want.map(|(date, hour)| (date.to_owned(), hour)));
    assert_eq!((schedule.occurrences[0].category.as_str(), schedule.occurrences[0].skipped), ("Music", false));
    let length = schedule.occurrences[0].ends_at_ms - schedule.occurrences[0].starts_at_ms;
    assert_eq!(length, 90 * 60_000);

    let skip = format!("/channels/ann/schedule/{}/skips/2026-10-27", entry.id);
    assert_eq!(ann.put(&skip, json!({})).await.json::<ScheduleEntry>().skips, ["2026-10-27"]);
    assert!(guest.get(&path).await.json::<Schedule>().occurrences[2].skipped);
    assert!(ann.delete(&skip).await.json::<ScheduleEntry>().skips.is_empty());

    let changed =
        json!({"title": "Once", "start": "2026-10-21T08:00", "time_zone": "UTC", "minutes": 5, "repeat": "once"});
    let entry_path = format!("/channels/ann/schedule/{}", entry.id);
    ann.put(&entry_path, changed).await.json::<ScheduleEntry>();
    let schedule: Schedule = guest.get(&path).await.json();
    assert_eq!(hours(&schedule.occurrences), [("2026-10-21".to_owned(), 8)]);
    ann.delete(&entry_path).await.expect(StatusCode::NO_CONTENT);
    ann.delete(&entry_path).await.problem(404);

    let soon = (rivulet_now() + 3_600_000) / 60_000 * 60_000;
    let local = |ms: i64| {
        let days = ms / 86_400_000;
        let (y, m, d) = civil(days);
        format!("{y:04}-{m:02}-{d:02}T{:02}:{:02}", ms / 3_600_000 % 24, ms / 60_000 % 60)
    };
    let body =
        json!({"title": "A, B; \\ and C", "start": local(soon), "time_zone": "UTC", "minutes": 60, "repeat": "daily"});
    ann.post("/channels/ann/schedule", body).await.json::<ScheduleEntry>();
    let feed = guest.get("/channels/ann/schedule.ics").await;
    assert_eq!(feed.headers[header::CONTENT_TYPE], "text/calendar; charset=utf-8");
    assert!(feed.body.starts_with("BEGIN:VCALENDAR\r\n") && feed.body.ends_with("END:VCALENDAR\r\n"), "{}", feed.body);
    assert!(feed.body.contains("SUMMARY:A\\, B\\; \\\\ and"), "{}", feed.body);
    assert!(feed.body.matches("BEGIN:VEVENT").count() > 80);
    assert!(feed.body.lines().all(|line| line.len() <= 75));
}

fn rivulet_now() -> i64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as i64
}

/// The date of a day since the epoch (Howard Hinnant's algorithm).
fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let (era, doe) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (d, m) = (doy - (153 * mp + 2) / 5 + 1, if mp < 10 { mp + 3 } else { mp - 9 });
    (yoe + era * 400 + i64::from(m <= 2), m, d)
}

async fn plans_that_cannot_be(site: Site) {
    let ann = site.user("ann", Role::Viewer).await;
    let good = json!({"title": "x", "start": "2026-10-20T20:00", "time_zone": "UTC", "minutes": 60, "repeat": "once"});
    for (field, value, code) in [
        ("title", json!(""), "empty"),
        ("start", json!("tomorrow"), "bad_time"),
        ("start", json!("9999-01-01T00:00"), "bad_time"),
        ("time_zone", json!("Mars/Olympus"), "bad_zone"),
        ("time_zone", json!("../../etc/passwd"), "bad_zone"),
        ("minutes", json!(0), "out_of_range"),
        ("minutes", json!(1441), "out_of_range"),
        ("until", json!("2026-10-19"), "bad_date"),
        ("until", json!("never"), "bad_date"),
        ("category", json!("nonsense"), "unknown"),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let problem = ann.post("/channels/ann/schedule", body.clone()).await.problem(422);
        assert_eq!(problem, (code.into(), Some(field.into())), "{body}");
    }
    for _ in 0..50 {
        ann.post("/channels/ann/schedule", good.clone()).await.expect(StatusCode::CREATED);
    }
    assert_eq!(ann.post("/channels/ann/schedule", good).await.problem(409).0, "too_many_entries");
}

async fn past_broadcasts(site: Site) {
    let ann = site.user("ann", Role::Viewer).await;
    ann.patch("/channels/ann", json!({"category": "art", "title": "One"})).await.json::<Channel>();
    let row = site.store.channel_by_name("ann").await.unwrap().unwrap();
    let mut ids = vec![];
    for n in 0..3 {
        let id = site.store.start_broadcast(&row, 1_000_000 + n).await.unwrap();
        for (at, viewers) in [(1, 4), (2, 9), (3, 2)] {
            site.store.add_viewer_sample(&id, at, viewers).await.unwrap();
            site.store.add_viewer_sample(&id, at, 100).await.unwrap();
        }
        site.store.end_broadcast(&id, 2_000_000).await.unwrap();
        ids.push(id);
    }
    let guest = site.guest();
    let page: Page<BroadcastInfo> = guest.get("/channels/ann/broadcasts?limit=2").await.json();
    let newest = &page.items[0];
    assert_eq!((newest.id.as_str(), newest.peak_viewers, newest.average_viewers), (ids[2].as_str(), 9, 5));
    assert_eq!(newest.category.as_ref().map(|category| category.name.as_str()), Some("Art"));
    let rest: Page<BroadcastInfo> =
        guest.get(&format!("/channels/ann/broadcasts?after={}", page.next.unwrap())).await.json();
    assert_eq!((rest.items.len(), rest.items[0].id.as_str(), rest.next), (1, ids[0].as_str(), None));
    let path = format!("/channels/ann/broadcasts/{}/viewers", ids[0]);
    let samples: Page<ViewerSample> = ann.get(&path).await.json();
    assert_eq!(samples.items.iter().map(|sample| sample.viewers).collect::<Vec<_>>(), [4, 9, 2]);
    guest.get(&path).await.problem(401);
    site.user("bob", Role::Viewer).await.get(&format!("/channels/bob/broadcasts/{}", ids[0])).await.problem(404);
}

async fn reporting(site: Site) {
    site.user("ann", Role::Viewer).await;
    let bob = site.user("bob", Role::Viewer).await;
    let body = json!({"reason": "spam", "text": "x"});
    site.guest().post("/channels/ann/report", body.clone()).await.problem(401);
    bob.post("/channels/ann/report", json!({"reason": "boring"})).await.problem(400);
    bob.post("/channels/ann/report", json!({"reason": "spam", "text": "x".repeat(1001)})).await.problem(422);
    for _ in 0..20 {
        bob.post("/channels/ann/report", body.clone()).await.expect(StatusCode::ACCEPTED);
    }
    assert_eq!(bob.post("/channels/ann/report", body).await.problem(429).0, "too_many_reports");
}

async fn the_end_of_a_channel(site: Site) {
    let ann = site.user("ann", Role::Viewer).await;
    let bob = site.user("bob", Role::Viewer).await;
    bob.put("/channels/ann/follow", json!({})).await.json::<Standing>();
    let key: NewKey = ann.post("/channels/ann/key", json!({})).await.json();
    let broadcast = site.on_air("ann").await;
    bob.delete("/channels/ann").await.problem(403);
    ann.delete("/channels/ann").await.expect(StatusCode::NO_CONTENT);
    assert!(matches!(broadcast.orders.send_replace(None), Some(Order::End { .. })));
    ann.get("/channels/ann").await.problem(404);
    assert!(site.store.channel_by_key(&StreamKey::parse(&key.key).unwrap(), 1).await.unwrap().is_none());
    assert!(bob.get("/me/follows").await.json::<Channels>().channels.is_empty());
    assert_eq!(bob.post("/channels", json!({"name": "ann"})).await.problem(409).0, "taken");
}

async fn the_document(site: Site) {
    let document: Value = serde_json::from_str(&site.api_document().await).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() > 20);
    let mut ids = std::collections::HashSet::new();
    for (path, item) in paths {
        assert!(path.starts_with("/api/v1/"), "{path}");
        for (method, operation) in item.as_object().unwrap() {
            assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{method} {path}");
            assert!(operation["summary"].is_string() && operation["tags"][0].is_string(), "{method} {path}");
            let named = path.matches('{').count();
            let parameters = operation["parameters"]
                .as_array()
                .map_or(0, |list| list.iter().filter(|parameter| parameter["in"] == "path").count());
            assert_eq!(named, parameters, "{method} {path}");
            assert!(operation["responses"].get("default").is_some() || path.ends_with("instance"), "{method} {path}");
        }
    }
}
