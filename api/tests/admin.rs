//! What moderators and admins do, and that it is written down.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod site;

use axum::body::Body;
use axum::http::StatusCode;
use rivulet_hub::Order;
use rivulet_protocol::rest::{
    Announcement, AnnouncementRecord, AuditEntry, ChannelRecord, Instance, InstanceSettings, Invite, Me, NewInvite,
    Overview, Page, Report, ReportReason, Role, SignUp, UserRecord, UserState,
};
use serde_json::{Value, json};
use site::{PASSWORD, Site, suite};

suite!(
    users_are_found,
    roles,
    suspended_users,
    invites,
    channels_of_others,
    reports,
    settings,
    announcements,
    the_audit_log,
    overview,
);

fn names(page: &Page<UserRecord>) -> Vec<&str> {
    page.items.iter().map(|user| user.username.as_str()).collect()
}

async fn users_are_found(site: Site) {
    let boss = site.user("boss", Role::Admin).await;
    let mia = site.user("mia", Role::Moderator).await;
    for name in ["ann", "anna", "bob"] {
        site.user(name, Role::Viewer).await;
    }
    let ann = site.store.user_by_name("ann").await.unwrap().unwrap().0;
    site.store.set_email(&ann.id, Some("a@b.example"), None).await.unwrap();
    let all: Page<UserRecord> = boss.get("/admin/users").await.json();
    assert_eq!(names(&all), ["ann", "anna", "bob", "boss", "mia"]);
    assert_eq!(all.items[0].email.as_deref(), Some("a@b.example"));
    assert!(all.items[0].last_seen_at_ms.is_some() && all.items[0].channels == ["ann"]);
    let some: Page<UserRecord> = mia.get("/admin/users?q=ANN").await.json();
    assert_eq!(names(&some), ["ann", "anna"]);
    assert_eq!(some.items[0].email, None, "not for moderators");
    let first: Page<UserRecord> = boss.get("/admin/users?limit=2").await.json();
    let rest: Page<UserRecord> = boss.get(&format!("/admin/users?limit=9&after={}", first.next.unwrap())).await.json();
    assert_eq!((names(&rest), rest.next.as_deref()), (vec!["bob", "boss", "mia"], None));
    for state in ["pending", "suspended"] {
        assert!(boss.get(&format!("/admin/users?state={state}")).await.json::<Page<UserRecord>>().items.is_empty());
    }
    assert_eq!(boss.get("/admin/users/bob").await.json::<UserRecord>().role, Role::Viewer);
    boss.get("/admin/users/nobody").await.problem(404);
    site.user("eve", Role::Viewer).await.get("/admin/users").await.problem(403);
}

async fn roles(site: Site) {
    let boss = site.user("boss", Role::Admin).await;
    let mia = site.user("mia", Role::Moderator).await;
    let made = boss.post("/admin/users", json!({"username": "ann", "password": PASSWORD, "role": "viewer"})).await;
    made.expect(StatusCode::CREATED);
    assert_eq!(mia.patch("/admin/users/ann", json!({"role": "admin"})).await.problem(403).0, "forbidden");
    let record: UserRecord = boss.patch("/admin/users/ann", json!({"role": "admin", "reason": "Helps"})).await.json();
    assert_eq!(record.role, Role::Admin);
    boss.patch("/admin/users/boss", json!({"role": "viewer"})).await.expect(StatusCode::OK);
    boss.get("/admin/settings").await.problem(403);
    let ann = site.guest().post("/login", json!({"username": "ann", "password": PASSWORD})).await;
    let ann = site.guest().with("cookie", &ann.cookie());
    assert_eq!(ann.patch("/admin/users/ann", json!({"role": "viewer"})).await.problem(409).0, "last_admin");
}

async fn suspended_users(site: Site) {
    let boss = site.user("boss", Role::Admin).await;
    let mia = site.user("mia", Role::Moderator).await;
    let ann = site.user("ann", Role::Viewer).await;
    let broadcast = site.on_air("ann").await;
    let empty = mia.post("/admin/users/ann/suspend", json!({"reason": " "})).await.problem(422);
    assert_eq!(empty.1.as_deref(), Some("reason"));
    mia.post("/admin/users/ann/suspend", json!({"reason": "x", "until_ms": 1})).await.problem(422);
    let record: UserRecord = mia.post("/admin/users/ann/suspend", json!({"reason": "Spam"})).await.json();
    assert_eq!((record.state, record.suspended.unwrap().reason), (UserState::Suspended, "Spam".into()));
    assert!(matches!(&*broadcast.orders.borrow(), Some(Order::End { .. })), "what is live ends");
    // They read, and may go.
    let me: Me = ann.get("/me").await.json();
    assert_eq!(me.suspended.unwrap().reason, "Spam");
    for (method, path) in [("PATCH", "/me"), ("PATCH", "/channels/ann"), ("POST", "/channels/ann/key")] {
        assert_eq!(ann.send_json(method, path, json!({})).await.problem(403).0, "suspended", "{method} {path}");
    }
    assert!(ann.start("GET", "/me/export", Body::empty()).await.status().is_success());
    let found: Page<UserRecord> = boss.get("/admin/users?state=suspended").await.json();
    assert_eq!(names(&found), ["ann"]);
    let record: UserRecord = mia.post("/admin/users/ann/restore", json!({})).await.json();
    assert_eq!(record.state, UserState::Active);
    ann.patch("/me", json!({})).await.expect(StatusCode::OK);
    // Nobody acts on those above or beside them, nor on themselves.
    site.user("max", Role::Moderator).await;
    for target in ["boss", "max", "mia"] {
        let answer = mia.post(&format!("/admin/users/{target}/suspend"), json!({"reason": "x"})).await;
        assert_eq!(answer.problem(403).0, "forbidden", "{target}");
    }
    boss.post("/admin/users/boss/suspend", json!({"reason": "x"})).await.problem(403);
    boss.post("/admin/users/mia/suspend", json!({"reason": "x"})).await.expect(StatusCode::OK);
}

async fn invites(site: Site) {
    let site = site.configured(|config| config.settings.sign_up = SignUp::Invite);
    let boss = site.user("boss", Role::Admin).await;
    for (body, field) in [
        (json!({"uses": 0}), "uses"),
        (json!({"uses": 1001}), "uses"),
        (json!({"uses": 1, "expires_at_ms": 5}), "expires_at_ms"),
        (json!({"uses": 1, "note": "x".repeat(201)}), "note"),
    ] {
        assert_eq!(boss.post("/admin/invites", body).await.problem(422).1.as_deref(), Some(field));
    }
    let made = boss.post("/admin/invites", json!({"uses": 2, "note": "The band"})).await;
    made.expect(StatusCode::CREATED);
    let made: NewInvite = made.json();
    let code = made.url.strip_prefix("http://live.example:8080/signup?invite=").unwrap();
    let body = json!({"username": "ann", "password": PASSWORD, "invite": code});
    site.guest().post("/signup", body).await.expect(StatusCode::CREATED);
    let list = boss.get("/admin/invites").await;
    assert!(!list.body.contains(code));
    let list: Page<Invite> = list.json();
    assert_eq!((list.items[0].uses_left, list.items[0].note.as_str()), (1, "The band"));
    boss.delete(&format!("/admin/invites/{}", made.info.id)).await.expect(StatusCode::NO_CONTENT);
    boss.delete(&format!("/admin/invites/{}", made.info.id)).await.problem(404);
    let body = json!({"username": "bob", "password": PASSWORD, "invite": code});
    site.guest().post("/signup", body).await.problem(422);
}

async fn channels_of_others(site: Site) {
    let boss = site.user("boss", Role::Admin).await;
    let (ann, bob) = (site.user("ann", Role::Viewer).await, site.user("bob", Role::Viewer).await);
    let given = boss.post("/admin/channels", json!({"name": "band", "owner": "ann"})).await;
    given.expect(StatusCode::CREATED);
    assert_eq!(given.json::<ChannelRecord>().owner, "ann");
    assert_eq!(boss.post("/admin/channels", json!({"name": "x1", "owner": "zoe"})).await.problem(422).0, "unknown");
    let list: Page<ChannelRecord> = boss.get("/admin/channels?q=b").await.json();
    let found: Vec<&str> = list.items.iter().map(|channel| channel.name.as_str()).collect();
    assert_eq!(found, ["band", "bob", "boss"]);

    let broadcast = site.on_air("band").await;
    assert!(boss.get("/admin/channels?q=band").await.json::<Page<ChannelRecord>>().items[0].live);
    boss.post("/admin/channels/band/stop", json!({"reason": "A test"})).await.expect(StatusCode::OK);
    assert_eq!(*broadcast.orders.borrow(), Some(Order::End { reason: "A test".into() }));

    let record: ChannelRecord = boss.post("/admin/channels/band/suspend", json!({"reason": "Copies"})).await.json();
    assert_eq!(record.suspended.unwrap().reason, "Copies");
    assert_eq!(site.guest().get("/channels/band").await.problem(403).0, "channel_suspended");
    boss.post("/admin/channels/band/restore", json!({})).await.expect(StatusCode::OK);
    site.guest().get("/channels/band").await.expect(StatusCode::OK);

    let limits = json!({"max_side": 1280, "max_kbps": 3000, "quota_mib": 100});
    let put = async |body: Value| boss.send_json("PUT", "/admin/channels/band/limits", body).await;
    assert_eq!(put(limits.clone()).await.json::<Value>()["limits"], limits);
    let band = site.store.channel_by_name("band").await.unwrap().unwrap();
    assert_eq!((band.limits.max_side, band.limits.max_fps, band.limits.quota_mib), (Some(1280), None, Some(100)));
    for (field, value) in [("max_side", 15), ("max_fps", 0), ("max_kbps", 1), ("max_minutes", 0)] {
        assert_eq!(put(json!({field: value})).await.problem(422).1.as_deref(), Some(field));
    }
    assert_eq!(put(json!({})).await.json::<Value>()["limits"], json!({}));

    ann.post("/channels/band/key", json!({})).await.expect(StatusCode::OK);
    let record: ChannelRecord = boss.patch("/admin/channels/band", json!({"owner": "bob"})).await.json();
    assert_eq!(record.owner, "bob");
    ann.patch("/channels/band", json!({"title": "Mine"})).await.problem(403);
    bob.patch("/channels/band", json!({"title": "Mine"})).await.expect(StatusCode::OK);
    assert_eq!(bob.get("/channels/band/golive").await.json::<Value>()["has_key"], false, "the old owner's key");
}

async fn reports(site: Site) {
    let mia = site.user("mia", Role::Moderator).await;
    let ann = site.user("ann", Role::Viewer).await;
    for (name, text) in [("mia", "one"), ("ann", "two")] {
        let body = json!({"reason": "spam", "text": text});
        ann.post(&format!("/channels/{name}/report"), body).await.expect(StatusCode::ACCEPTED);
    }
    let queue: Page<Report> = mia.get("/admin/reports").await.json();
    let first = &queue.items[0];
    assert_eq!((queue.items.len(), first.reason, first.reporter.as_str()), (2, ReportReason::Spam, "ann"));
    let path = format!("/admin/reports/{}/resolve", first.id);
    mia.post(&path, json!({"state": "open"})).await.problem(422);
    let closed: Report = mia.post(&path, json!({"state": "dismissed", "note": "Fine"})).await.json();
    assert_eq!((closed.note.as_str(), closed.resolved_by.as_str()), ("Fine", "mia"));
    assert_eq!(mia.get("/admin/reports").await.json::<Page<Report>>().items.len(), 1);
    assert_eq!(mia.get("/admin/reports?state=dismissed").await.json::<Page<Report>>().items.len(), 1);
    mia.post("/admin/reports/nothing/resolve", json!({"state": "acted"})).await.problem(404);
    ann.get("/admin/reports").await.problem(403);
}

async fn settings(site: Site) {
    let site = site.configured(|config| config.check_ladder = |ladder| ladder.contains(':'));
    let boss = site.user("boss", Role::Admin).await;
    let ann = site.user("ann", Role::Viewer).await;
    let before: InstanceSettings = boss.get("/admin/settings").await.json();
    assert_eq!((before.name.as_str(), before.sign_up), ("Rivulet", SignUp::Closed));
    let with = |field: &str, value: Value| {
        let mut body = serde_json::to_value(&before).unwrap();
        body[field] = value;
        body
    };
    for (field, value) in [
        ("name", json!("")),
        ("name", json!("x".repeat(51))),
        ("ladder", json!("large")),
        ("retention_hours", json!(u32::MAX)),
        ("max_channels_per_user", json!(1001)),
    ] {
        assert_eq!(boss.put("/admin/settings", with(field, value)).await.problem(422).1.as_deref(), Some(field));
    }
    let after: InstanceSettings = boss.put("/admin/settings", with("sign_up", json!("open"))).await.json();
    assert_eq!(after.sign_up, SignUp::Open);
    let after = boss.put("/admin/settings", with("name", json!(" My place "))).await.json::<InstanceSettings>();
    assert_eq!((after.name.as_str(), after.sign_up), ("My place", SignUp::Closed), "it is a whole");
    assert_eq!(site.guest().get("/instance").await.json::<Instance>().name, "My place");
    boss.put("/admin/settings", with("viewers_create_channels", json!(false))).await.expect(StatusCode::OK);
    assert_eq!(ann.post("/channels", json!({"name": "more"})).await.problem(403).0, "channels_by_admin");
    boss.put("/admin/settings", with("max_channels_per_user", json!(1))).await.expect(StatusCode::OK);
    assert_eq!(ann.post("/channels", json!({"name": "more"})).await.problem(409).0, "too_many_channels");
    boss.post("/channels", json!({"name": "more"})).await.expect(StatusCode::CREATED);
    ann.get("/admin/settings").await.problem(403);

    let mut logo = std::io::Cursor::new(Vec::new());
    image::DynamicImage::new_rgba8(40, 20).write_to(&mut logo, image::ImageFormat::Png).unwrap();
    let upload = boss.with("content-type", "image/png");
    upload.send("PUT", "/admin/logo", Body::from(logo.into_inner())).await.expect(StatusCode::OK);
    let logo = site.guest().get("/instance").await.json::<Instance>().logo.unwrap();
    assert!(logo.ends_with("/256x128.png"), "{logo}");
    assert_eq!(site.guest().at_root("GET", &logo).await.status(), StatusCode::OK);
    boss.delete("/admin/logo").await.expect(StatusCode::OK);
    assert_eq!(site.guest().get("/instance").await.json::<Instance>().logo, None);
}

async fn announcements(site: Site) {
    let boss = site.user("boss", Role::Admin).await;
    for text in ["", "x\ny", &"x".repeat(301)] {
        boss.post("/admin/announcements", json!({"text": text})).await.problem(422);
    }
    let made = boss.post("/admin/announcements", json!({"text": "New cables at noon", "urgent": true})).await;
    made.expect(StatusCode::CREATED);
    let made: Announcement = made.json();
    assert_eq!(site.guest().get("/instance").await.json::<Instance>().announcements, std::slice::from_ref(&made));
    let list: Page<AnnouncementRecord> = boss.get("/admin/announcements").await.json();
    assert_eq!((list.items[0].created_by.as_str(), &list.items[0].announcement), ("boss", &made));
    boss.delete(&format!("/admin/announcements/{}", made.id)).await.expect(StatusCode::NO_CONTENT);
    assert!(site.guest().get("/instance").await.json::<Instance>().announcements.is_empty());
    boss.post("/admin/announcements", json!({"text": "Over", "until_ms": 5})).await.problem(422);
}

async fn the_audit_log(site: Site) {
    let boss = site.user("boss", Role::Admin).await;
    site.user("ann", Role::Viewer).await;
    let answer = boss.post("/admin/users/ann/suspend", json!({"reason": "Spam"})).await;
    let id = answer.headers["x-request-id"].to_str().unwrap().to_owned();
    boss.post("/admin/users/ann/restore", json!({"reason": "A mistake"})).await.expect(StatusCode::OK);
    boss.post("/admin/channels/ann/stop", json!({})).await.expect(StatusCode::OK);
    let log: Page<AuditEntry> = boss.get("/admin/audit").await.json();
    let actions: Vec<&str> = log.items.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(actions, ["channel.stop", "user.restore", "user.suspend"]);
    let entry = &log.items[2];
    assert_eq!(
        (entry.actor.as_str(), entry.target_kind.as_str(), entry.target.as_str(), entry.reason.as_str()),
        ("boss", "user", "ann", "Spam")
    );
    assert_eq!(entry.request_id, id);
    for (query, want) in [("action=user.suspend", 1), ("target=ann", 3), ("actor=ann", 0), ("actor=boss&limit=2", 2)] {
        let found: Page<AuditEntry> = boss.get(&format!("/admin/audit?{query}")).await.json();
        assert_eq!(found.items.len(), want, "{query}");
    }
    let first: Page<AuditEntry> = boss.get("/admin/audit?limit=2").await.json();
    let rest: Page<AuditEntry> = boss.get(&format!("/admin/audit?after={}", first.next.unwrap())).await.json();
    assert_eq!(rest.items, log.items[2..]);
    // What was refused was not done, and what remains of somebody who left has no name.
    boss.send_json("DELETE", "/admin/users/ann", json!({})).await.expect(StatusCode::NO_CONTENT);
    assert!(!boss.get("/admin/audit?action=user.suspend").await.body.contains("ann"));
}

async fn overview(site: Site) {
    let boss = site.user("boss", Role::Admin).await;
    site.user("ann", Role::Viewer).await.patch("/channels/ann", json!({"title": "Songs"})).await.expect(StatusCode::OK);
    site.on_air("ann").await;
    // What takes long to count is counted now and then.
    tokio::spawn(site.api.clone().run(site.shutdown.clone()));
    let counted = async {
        loop {
            let overview: Overview = boss.get("/admin/overview").await.json();
            if overview.channels > 0 {
                break overview;
            }
            tokio::task::yield_now().await;
        }
    };
    let overview = tokio::time::timeout(site::PATIENCE, counted).await.unwrap();
    assert_eq!((overview.users, overview.pending_users, overview.channels, overview.open_reports), (2, 0, 2, 0));
    assert_eq!((overview.live.len(), overview.live[0].title.as_str()), (1, "Songs"));
    assert_eq!(overview.storage.recorded_bytes, 0);
    let site = site.configured(|config| config.data = Some("/".into()));
    let boss = site.guest().with("cookie", boss.headers["cookie"].to_str().unwrap());
    assert!(boss.get("/admin/overview").await.json::<Overview>().storage.disk_bytes.unwrap() > 0);
}
