//! The API as a client sees it, run on SQLite and on a real Postgres server.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod site;

use axum::body::Body;
use axum::http::uri::Scheme;
use axum::http::{Request, StatusCode, header};
use rivulet_protocol::ChannelName;
use rivulet_protocol::rest::{
    BroadcastSettings, Channel, ChannelSettings, Channels, GoLive, Ingest, Instance, Latency, LiveState,
    MAX_GRACE_SECONDS, Me, NewKey, Role, Rungs, Settings, WhileAway,
};
use rivulet_store::{SetupToken, StreamKey};
use serde_json::{Value, json};
use site::{Client, PASSWORD, Site, suite};
use std::net::IpAddr;
use tower::ServiceExt;

suite!(
    the_first_user,
    logging_in_and_out,
    guessing_passwords,
    pages_of_other_sites,
    cookies_over_https,
    cookies_over_our_own_https,
    addresses_behind_a_proxy,
    channels,
    settings_of_a_channel,
    who_may_do_what,
    problems,
    directory,
    events_of_a_channel,
    events_of_the_incoming_stream,
    event_streams_are_bounded,
);

async fn the_first_user(site: Site) {
    let guest = site.guest();
    assert!(guest.get("/instance").await.json::<Instance>().needs_setup);
    let body = |token: &str, username: &str, password: &str| json!({"token": token, "username": username, "password": password});
    let token = site.setup_token.reveal();
    let other = SetupToken::generate();
    for wrong in ["", "nonsense", other.reveal()] {
        assert_eq!(guest.post("/setup", body(wrong, "ann", PASSWORD)).await.problem(403).0, "setup_closed");
    }
    for (username, password, code, field) in [
        ("ann", "short", "too_short", "password"),
        ("ann", "password123", "too_common", "password"),
        ("ann", &"x".repeat(129), "too_long", "password"),
        ("a", PASSWORD, "bad_name", "username"),
        ("admin", PASSWORD, "reserved", "username"),
    ] {
        let problem = guest.post("/setup", body(token, username, password)).await.problem(422);
        assert_eq!(problem, (code.into(), Some(field.into())));
    }
    assert_eq!(site.store.admin_count().await.unwrap(), 0);

    // Two with the same link, at the same time.
    let (one, two) = tokio::join!(
        guest.post("/setup", body(token, "Ann", PASSWORD)),
        guest.post("/setup", body(token, "bob", PASSWORD))
    );
    let (first, second) = if one.status.is_success() { (one, two) } else { (two, one) };
    assert_eq!(second.problem(403).0, "setup_closed");
    let me: Me = first.json();
    assert_eq!((me.role, me.channels.as_slice()), (Role::Admin, std::slice::from_ref(&me.username)));
    assert_eq!(guest.with("cookie", &first.cookie()).get("/me").await.json::<Me>(), me);
    assert!(!guest.get("/instance").await.json::<Instance>().needs_setup);
    assert_eq!(guest.post("/setup", body(token, "eve", PASSWORD)).await.problem(403).0, "setup_closed");
    assert_eq!(site.store.admin_count().await.unwrap(), 1);
}

async fn logging_in_and_out(site: Site) {
    let ann = site.user("ann", Role::Viewer).await;
    let guest = site.guest();
    assert_eq!(guest.get("/me").await.problem(401).0, "not_logged_in");
    assert_eq!(ann.get("/me").await.json::<Me>().username, "ann");
    for (username, password) in [("ann", "wrong horse"), ("nobody", PASSWORD), ("", ""), ("ann", "")] {
        let answer = guest.post("/login", json!({"username": username, "password": password})).await;
        assert_eq!(answer.problem(401), ("wrong_password".into(), None));
        assert!(!answer.headers.contains_key(header::SET_COOKIE));
    }

    // Logging in again replaces the session.
    let again = ann.post("/login", json!({"username": " ANN ", "password": PASSWORD})).await;
    again.expect(StatusCode::OK);
    let set = again.headers[header::SET_COOKIE].to_str().unwrap();
    assert!(set.starts_with("rivulet=rvs_"), "{set}");
    assert!(set.ends_with("; Path=/; HttpOnly; SameSite=Lax; Max-Age=2592000"), "{set}");
    ann.get("/me").await.problem(401);
    let ann = guest.with("cookie", &format!("theme=dark; {}; other=1", again.cookie()));
    assert_eq!(ann.get("/me").await.json::<Me>().username, "ann");

    let out = ann.send("POST", "/logout", Body::empty()).await;
    out.expect(StatusCode::NO_CONTENT);
    assert!(out.headers[header::SET_COOKIE].to_str().unwrap().starts_with("rivulet=; "));
    ann.get("/me").await.problem(401);
    ann.send("POST", "/logout", Body::empty()).await.expect(StatusCode::NO_CONTENT);
    for cookie in ["rivulet", "rivulet=", "rivulet=rvs_", "=", ";;;"] {
        guest.with("cookie", cookie).get("/me").await.problem(401);
    }
}

async fn guessing_passwords(site: Site) {
    site.user("ann", Role::Viewer).await;
    let guest = site.guest();
    let login = |password: &str| json!({"username": "ann", "password": password});
    for _ in 0..10 {
        guest.post("/login", login("wrong horse")).await.problem(401);
    }
    let refused = guest.post("/login", login(PASSWORD)).await;
    assert_eq!(refused.problem(429).0, "too_many_logins");
    let wait: u64 = refused.headers[header::RETRY_AFTER].to_str().unwrap().parse().unwrap();
    assert!((1..=900).contains(&wait), "{wait}");
    guest.at([203, 0, 113, 2]).post("/login", login(PASSWORD)).await.expect(StatusCode::OK);
}

async fn pages_of_other_sites(site: Site) {
    let ann = site.user("ann", Role::Viewer).await;
    let edit = json!({"title": "new"});
    for (headers, want) in [
        (vec![], None),
        (vec![("origin", "http://live.example:8080"), ("sec-fetch-site", "same-origin")], None),
        (vec![("origin", "http://live.example:8080")], None),
        (vec![("content-type", "application/json; charset=utf-8")], None),
        (vec![("origin", "http://live.example")], Some("foreign_origin")),
        (vec![("origin", "https://evil.example")], Some("foreign_origin")),
        (vec![("origin", "null")], Some("foreign_origin")),
        (vec![("sec-fetch-site", "cross-site")], Some("foreign_origin")),
        (vec![("sec-fetch-site", "same-site")], Some("foreign_origin")),
        (vec![("content-type", "text/plain")], Some("not_json")),
        (vec![("content-type", "application/x-www-form-urlencoded")], Some("not_json")),
    ] {
        let client = headers.iter().fold(ann.clone(), |client, (name, value)| client.with(name, value));
        let answer = client.patch("/channels/ann", edit.clone()).await;
        match want {
            None => answer.expect(StatusCode::OK),
            Some(code) => assert_eq!(answer.problem(403).0, code, "{headers:?}"),
        }
    }
    let evil = ann.with("origin", "https://evil.example");
    for path in ["/logout", "/channels/ann/key", "/login"] {
        assert_eq!(evil.send("POST", path, Body::empty()).await.problem(403).0, "foreign_origin");
    }
    evil.get("/me").await.expect(StatusCode::OK);
}

async fn cookies_over_https(site: Site) {
    site.user("ann", Role::Viewer).await;
    let site = site.configured(|config| config.public_url = Some("https://live.example".into()));
    let guest = site.guest().with("origin", "https://live.example");
    let answer = guest.post("/login", json!({"username": "ann", "password": PASSWORD})).await;
    let set = answer.headers[header::SET_COOKIE].to_str().unwrap();
    assert!(set.starts_with("__Host-rivulet=rvs_") && set.ends_with("; Secure"), "{set}");
    let ann = guest.with("cookie", &answer.cookie());
    assert_eq!(ann.get("/channels/ann/golive").await.json::<GoLive>().server, "rtmp://live.example:1935/live");
    let planted = guest.with("cookie", &answer.cookie().replace("__Host-", ""));
    planted.get("/me").await.problem(401);
}

/// The listener says that a connection is encrypted, and a proxy in front of it knows better.
async fn cookies_over_our_own_https(site: Site) {
    site.user("ann", Role::Viewer).await;
    let proxy: IpAddr = [10, 0, 0, 1].into();
    let site = site.configured(|config| config.trusted_proxies = vec![proxy]);
    let login = json!({"username": "ann", "password": PASSWORD});
    let encrypted = Client { scheme: Scheme::HTTPS, ..site.guest() };
    let relayed = Client { from: proxy, ..encrypted.with("x-forwarded-proto", "http") };
    for (client, cookie) in [(&encrypted, "__Host-rivulet="), (&relayed, "rivulet="), (&site.guest(), "rivulet=")] {
        let given = client.post("/login", login.clone()).await.cookie();
        assert!(given.starts_with(cookie), "{given}");
    }
}

async fn addresses_behind_a_proxy(site: Site) {
    site.user("ann", Role::Viewer).await;
    let site = site.configured(|config| config.trusted_proxies = vec![[10, 0, 0, 1].into(), [10, 0, 0, 2].into()]);
    let login = |password: &str| json!({"username": "ann", "password": password});
    let proxied = |hops: &str| site.guest().at([10, 0, 0, 1]).with("x-forwarded-for", hops);
    for n in 0..10 {
        // What stands left of the client's address is the client's own invention.
        let hops = format!("192.0.2.{n}, 198.51.100.7, 10.0.0.2");
        proxied(&hops).post("/login", login("wrong horse")).await.problem(401);
    }
    proxied("198.51.100.7").post("/login", login(PASSWORD)).await.problem(429);
    let stranger = site.guest().at([198, 51, 100, 7]).with("x-forwarded-for", "192.0.2.1");
    stranger.post("/login", login(PASSWORD)).await.problem(429);
    let secure = proxied("198.51.100.8").with("x-forwarded-proto", "https").post("/login", login(PASSWORD)).await;
    assert!(secure.cookie().starts_with("__Host-rivulet="));
    let plain = site.guest().at([198, 51, 100, 9]).with("x-forwarded-proto", "https");
    assert!(plain.post("/login", login(PASSWORD)).await.cookie().starts_with("rivulet="), "nobody's proxy");
}

async fn channels(site: Site) {
    let ann = site.user("ann", Role::Viewer).await;
    let created = ann.post("/channels", json!({"name": "Second"})).await;
    created.expect(StatusCode::CREATED);
    let channel: Channel = created.json();
    assert_eq!((channel.name.as_str(), channel.state, channel.viewers), ("second", LiveState::Offline, 0));
    assert_eq!(ann.post("/channels", json!({"name": "ann"})).await.problem(409), ("taken".into(), Some("name".into())));
    assert_eq!(
        ann.post("/channels", json!({"name": "live"})).await.problem(422),
        ("reserved".into(), Some("name".into()))
    );
    assert_eq!(ann.post("/channels", json!({"name": "é"})).await.problem(422).1, Some("name".into()));
    assert_eq!(ann.get("/me").await.json::<Me>().channels, ["ann", "second"]);

    let long = "ü".repeat(140);
    let edited: Channel = ann.patch("/channels/SECOND", json!({"title": format!("  {long} ")})).await.json();
    assert_eq!(edited.title, long);
    for title in [format!("{long}!"), "two\nlines".into()] {
        let problem = ann.patch("/channels/second", json!({"title": title})).await.problem(422);
        assert_eq!(problem.1.as_deref(), Some("title"));
    }
    assert_eq!(ann.patch("/channels/second", json!({})).await.json::<Channel>().title, long);
    assert_eq!(site.guest().get("/channels/second").await.json::<Channel>().title, long);

    let golive: GoLive = ann.get("/channels/second/golive").await.json();
    assert_eq!((golive.server.as_str(), golive.has_key), ("rtmp://live.example:1935/live", false));
    let first: NewKey = ann.send("POST", "/channels/second/key", Body::empty()).await.json();
    let second: NewKey = ann.send("POST", "/channels/second/key", Body::empty()).await.json();
    assert!(ann.get("/channels/second/golive").await.json::<GoLive>().has_key);
    let opens = async |key: &NewKey| {
        let key = StreamKey::parse(&key.key).unwrap();
        site.store.channel_by_key(&key, 1).await.unwrap().map(|holder| holder.channel.name)
    };
    assert_eq!((opens(&first).await, opens(&second).await.as_deref()), (None, Some("second")));

    for n in 2..10 {
        ann.post("/channels", json!({"name": format!("more{n}")})).await.expect(StatusCode::CREATED);
    }
    assert_eq!(ann.post("/channels", json!({"name": "toomany"})).await.problem(409).0, "too_many_channels");
}

async fn settings_of_a_channel(site: Site) {
    let instance = BroadcastSettings {
        grace_seconds: 90,
        latency: Latency::Normal,
        rungs: Rungs::Always,
        while_away: WhileAway::Slate,
    };
    let ann = site.user("ann", Role::Viewer).await;
    let site = site.configured(|config| config.broadcast = instance);
    let ann = Client { router: site.api.router(), ..ann };
    let path = "/channels/ann/settings";
    let settings: Settings = ann.get(path).await.json();
    assert_eq!(settings, Settings { channel: ChannelSettings::default(), instance });

    let put = async |body: Value| ann.send_json("PUT", path, body).await;
    let body = json!({"grace_seconds": 1800, "latency": "low", "rungs": "on-demand", "while_away": "wait"});
    let set: Settings = put(body).await.json();
    let channel = ChannelSettings {
        grace_seconds: Some(MAX_GRACE_SECONDS),
        latency: Some(Latency::Low),
        rungs: Some(Rungs::OnDemand),
        while_away: Some(WhileAway::Wait),
    };
    assert_eq!(set, Settings { channel, instance });
    for (body, field) in [
        (json!({"grace_seconds": 1801}), "grace_seconds"),
        (json!({"grace_seconds": -1}), "grace_seconds"),
        (json!({"grace_seconds": 1.5}), "grace_seconds"),
        (json!({"grace_seconds": "60"}), "grace_seconds"),
        (json!({"latency": "lowest"}), "latency"),
        (json!({"latency": ["low"]}), "latency"),
        (json!({"rungs": "never", "latency": "low"}), "rungs"),
        (json!({"while_away": "hide"}), "while_away"),
    ] {
        assert_eq!(put(body).await.problem(422), ("bad_value".into(), Some(field.into())));
    }
    assert_eq!(ann.get(path).await.json::<Settings>(), set, "a refusal changes nothing");

    let set: Settings = put(json!({"grace_seconds": null, "latency": "low"})).await.json();
    assert_eq!(set.channel, ChannelSettings { latency: Some(Latency::Low), ..ChannelSettings::default() });
    assert_eq!(put(json!({})).await.json::<Settings>().channel, ChannelSettings::default());
    for body in [json!([]), json!(7)] {
        assert_eq!(put(body).await.problem(400).0, "bad_body");
    }
}

async fn who_may_do_what(site: Site) {
    let owner = site.user("owner", Role::Viewer).await;
    let clients = [site.guest(), site.user("other", Role::Viewer).await, owner, site.user("boss", Role::Admin).await];
    for (method, path, want) in [
        ("GET", "/instance", [200, 200, 200, 200]),
        ("GET", "/channels", [200, 200, 200, 200]),
        ("GET", "/channels/owner", [200, 200, 200, 200]),
        ("GET", "/channels/owner/events", [200, 200, 200, 200]),
        ("GET", "/me", [401, 200, 200, 200]),
        ("PATCH", "/channels/owner", [401, 403, 200, 200]),
        ("GET", "/channels/owner/settings", [401, 403, 200, 200]),
        ("PUT", "/channels/owner/settings", [401, 403, 200, 200]),
        ("GET", "/channels/owner/golive", [401, 403, 200, 200]),
        ("GET", "/channels/owner/golive/events", [401, 403, 200, 200]),
        ("POST", "/channels/owner/key", [401, 403, 200, 200]),
    ] {
        for (client, want) in clients.iter().zip(want) {
            let client = client.with("content-type", "application/json");
            let response = client.start(method, path, Body::from("{}")).await;
            assert_eq!(response.status(), want, "{method} {path}");
        }
    }
    for (n, (client, want)) in clients.iter().zip([401, 201, 201, 201]).enumerate() {
        assert_eq!(client.post("/channels", json!({"name": format!("new{n}")})).await.status, want);
    }
}

async fn problems(site: Site) {
    let ann = site.user("ann", Role::Viewer).await;
    for (method, path, body, status, code) in [
        ("GET", "/nothing", "", 404, "not_found"),
        ("GET", "/", "", 404, "not_found"),
        ("GET", "/../../etc/passwd", "", 404, "not_found"),
        ("GET", "/channels/nobody", "", 404, "not_found"),
        ("GET", "/channels/nobody/events", "", 404, "not_found"),
        ("GET", "/channels/%2e%2e%2fetc", "", 404, "not_found"),
        ("GET", "/channels/%ff", "", 404, "not_found"),
        ("PUT", "/channels/ann", "", 405, "method_not_allowed"),
        ("GET", "/channels?limit=many", "", 400, "bad_query"),
        ("POST", "/channels", "{", 400, "bad_body"),
        ("POST", "/channels", "{\"nome\": 1}", 400, "bad_body"),
        ("POST", "/channels", &format!("{{\"name\": \"{}\"}}", "x".repeat(70_000)), 413, "too_large"),
    ] {
        let answer = ann.with("content-type", "application/json").send(method, path, Body::from(body.to_owned())).await;
        assert_eq!(answer.problem(status).0, code, "{method} {path}");
        assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
    }
    let outside = Request::builder().uri("/api/v2/me").body(Body::empty()).unwrap();
    assert_eq!(site.api.router().oneshot(outside).await.unwrap().status(), StatusCode::NOT_FOUND);

    // The database goes away: the client learns that it did, and nothing else.
    site.store.close().await;
    let answer = ann.get("/channels/ann").await;
    assert_eq!(answer.problem(503).0, "database_away");
    assert!(!answer.body.to_lowercase().contains("pool"), "{}", answer.body);
}

async fn directory(site: Site) {
    let owner = site.store.create_user(&ChannelName::parse("ann").unwrap(), "", Role::Viewer, 1).await.unwrap();
    for n in 0..7 {
        let name = ChannelName::parse(&format!("c{n}")).unwrap();
        site.store.create_channel(&name, &owner.id, "", 1).await.unwrap();
    }
    let names = |page: &Channels| page.channels.iter().map(|c| c.name.clone()).collect::<Vec<_>>();
    let guest = site.guest();
    let (few, many) = (site.broadcast("c3"), site.broadcast("c5"));
    site.broadcast("no_such_row");
    few.players.send_replace(1);
    many.players.send_replace(2);
    let page: Channels = guest.get("/channels").await.json();
    assert_eq!(names(&page), ["c5", "c3", "c0", "c1", "c2", "c4", "c6"]);
    assert_eq!((page.channels[0].viewers, page.channels[0].state, page.next), (2, LiveState::Starting, None));

    let mut all = Vec::new();
    let mut path = "/channels?limit=3".to_owned();
    loop {
        let page: Channels = guest.get(&path).await.json();
        all.extend(names(&page));
        let Some(next) = page.next else { break };
        path = format!("/channels?limit=3&after={next}");
    }
    assert_eq!(all, ["c5", "c3", "c0", "c1", "c2", "c4", "c6"], "each once");
    assert_eq!(guest.get("/channels?limit=100000").await.json::<Channels>().channels.len(), 7);
    guest.get("/channels?limit=0").await.expect(StatusCode::OK);
}

async fn events_of_a_channel(site: Site) {
    let ann = site.user("ann", Role::Viewer).await;
    let mut events = site.guest().events::<Channel>("/channels/ann/events", "channel").await;
    assert_eq!(events.next().await.unwrap().state, LiveState::Offline);

    let broadcast = site.broadcast("ann");
    let starting = events.until(|c| c.state == LiveState::Starting).await;
    assert_eq!((starting.playback, starting.started_at_ms), (None, Some(1_700_000_000_000)));
    broadcast.status.send_modify(|status| {
        status.state = LiveState::Live;
        status.playable = true;
        status.thumbnail_at_ms = Some(5);
    });
    let live = events.until(|c| c.state == LiveState::Live).await;
    assert_eq!(live.playback.as_deref(), Some("/live/ann/master.m3u8"));
    assert_eq!(live.thumbnail.as_deref(), Some("/live/ann/thumbnail.jpg?t=5"));

    // One page watches, one only looks, two players have no page.
    let mut watching = site.guest().events::<Channel>("/channels/ann/events?watching=1", "channel").await;
    watching.until(|c| c.viewers == 1).await;
    broadcast.players.send_replace(2);
    assert_eq!(events.until(|c| c.viewers == 3).await.name, "ann");
    assert_eq!((site.api.viewers("ann"), site.api.watching_total(), site.api.viewers("other")), (3, 3, 0));
    drop(watching);
    events.until(|c| c.viewers == 2).await;

    ann.patch("/channels/ann", json!({"title": "Now with a title"})).await.expect(StatusCode::OK);
    events.until(|c| c.title == "Now with a title").await;

    // Many changes at once are few events, and the last state is among them.
    for n in 0..1000 {
        broadcast.players.send_replace(n);
        tokio::task::yield_now().await;
    }
    let mut seen = 0;
    while events.next().await.unwrap().viewers != 999 {
        seen += 1;
    }
    assert!(seen < 5, "{seen}");

    // Another broadcast takes over at once; the first one's end is not this channel's.
    let next = site.broadcast("ann");
    site.hub.end(&broadcast);
    next.status.send_modify(|status| status.state = LiveState::Reconnecting);
    events.until(|c| c.state == LiveState::Reconnecting).await;
    site.hub.end(&next);
    let offline = events.until(|c| c.state == LiveState::Offline).await;
    assert_eq!((offline.viewers, offline.playback, offline.thumbnail), (0, None, None));

    site.shutdown.cancel();
    assert!(events.next().await.is_none(), "the end of the server ends the stream");
}

async fn events_of_the_incoming_stream(site: Site) {
    let ann = site.user("ann", Role::Viewer).await;
    let mut events = ann.events::<Ingest>("/channels/ann/golive/events", "ingest").await;
    assert_eq!(events.next().await.unwrap(), Ingest::default());
    site.hub.set_refusal("ann", Some("HEVC is not supported".into()));
    let refused = events.until(|ingest| ingest.last_refusal.is_some()).await;
    assert_eq!(refused.last_refusal.as_deref(), Some("HEVC is not supported"));
    let shown: GoLive = ann.get("/channels/ann/golive").await.json();
    assert_eq!(shown.ingest, refused);
    site.hub.set_refusal("ann", None);
    let broadcast = site.broadcast("ann");
    broadcast.status.send_modify(|status| {
        status.ingest.connected = true;
        status.ingest.encoder = Some("OBS".into());
    });
    let connected = events.until(|ingest| ingest.connected).await;
    assert_eq!((connected.encoder.as_deref(), connected.last_refusal), (Some("OBS"), None));
    site.hub.end(&broadcast);
    events.until(|ingest| !ingest.connected).await;
}

async fn event_streams_are_bounded(site: Site) {
    site.user("ann", Role::Viewer).await;
    let site = site.configured(|config| {
        config.max_event_streams = 3;
        config.max_event_streams_per_address = 2;
    });
    let path = "/channels/ann/events?watching=1";
    let (one, two) = (site.guest(), site.guest().at([203, 0, 113, 2]));
    let first = one.events::<Channel>(path, "channel").await;
    let _second = one.events::<Channel>(path, "channel").await;
    assert_eq!(one.get(path).await.problem(429).0, "too_many_streams");
    let _third = two.events::<Channel>(path, "channel").await;
    let full = two.get(path).await;
    assert_eq!(full.problem(429).0, "server_full");
    assert!(full.headers.contains_key(header::RETRY_AFTER));
    site.broadcast("ann");
    assert_eq!(site.api.viewers("ann"), 3, "who was refused is no viewer");
    drop(first);
    assert_eq!(site.api.viewers("ann"), 2);
    two.events::<Channel>(path, "channel").await;
}
