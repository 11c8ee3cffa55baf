//! Chat over HTTP: what is around the messages, and what moderators do. The room itself is played by the
//! site, which collects what it is told.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod site;

use axum::body::Body;
use axum::http::{StatusCode, header};
use http_body_util::BodyExt;
use image::codecs::gif::{GifDecoder, GifEncoder};
use image::{AnimationDecoder, Delay, Frame, Rgba, RgbaImage};
use rivulet_protocol::chat::{Act, Author, ChatAction, HeldMessage, Message, Poll, Quote};
use rivulet_protocol::rest::*;
use rivulet_store::{AccessToken, Channel, ChatWrite, Deed, Doer, User};
use serde_json::{Value, json};
use site::{Answer, Client, Site, suite};
use std::io::Cursor;
use std::time::{SystemTime, UNIX_EPOCH};

suite!(
    rooms,
    settings,
    shield_mode,
    bans_and_timeouts,
    who_acts_on_whom,
    bans_that_are_shared,
    messages,
    messages_by_http,
    warnings,
    announcements_and_pins,
    held_messages,
    networks,
    terms_and_commands,
    emotes,
    badges,
    notes_and_the_log,
    unban_requests,
    polls,
    raids,
    replay,
    tickets,
    what_the_chat_is_told,
    colors,
    leaving,
    a_channel_that_ends,
    retention,
    helix,
    eventsub,
);

fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

async fn channel(site: &Site, name: &str) -> Channel {
    site.store.channel_by_name(name).await.unwrap().unwrap()
}

async fn user(site: &Site, name: &str) -> User {
    site.store.user_by_name(name).await.unwrap().unwrap().0
}

fn message(id: &str, user: &User, text: &str) -> Message {
    Message {
        id: id.into(),
        at_ms: now_ms(),
        author: Author {
            id: user.id.clone(),
            login: user.name.clone(),
            display_name: user.shown_name().into(),
            ..Author::default()
        },
        text: text.into(),
        emotes: vec![],
        reply_to: None,
        action: false,
        announcement: None,
        first: false,
        deleted: false,
    }
}

/// As the room writes it down. Answers its id, which is one of now.
async fn said(site: &Site, channel_name: &str, username: &str, text: &str) -> String {
    let (channel, user) = (channel(site, channel_name).await, user(site, username).await);
    let id = rivulet_store::new_id(now_ms());
    let row = ChatWrite::Message { channel_id: channel.id, broadcast_id: None, message: message(&id, &user, text) };
    site.store.write_chat(&[row], now_ms()).await.unwrap();
    id
}

/// The channel's people: `ann` owns it, `ed` edits, `mod` moderates, `bob` and `vic` watch.
async fn people(site: &Site) -> [Client; 5] {
    let mut clients = Vec::new();
    for name in ["ann", "ed", "mod", "bob", "vic"] {
        clients.push(site.user(name, Role::Viewer).await);
    }
    for (name, role) in [("ed", "editor"), ("mod", "moderator")] {
        let path = format!("/channels/ann/staff/{name}");
        clients[0].put(&path, json!({"role": role})).await.expect(StatusCode::OK);
    }
    clients.try_into().ok().unwrap()
}

async fn actions(client: &Client) -> Vec<ChatAction> {
    client.get("/channels/ann/chat/actions").await.json::<Page<ChatAction>>().items
}

async fn audit(site: &Site) -> Vec<(String, String, String)> {
    let rows = site.store.audit_page(Default::default(), None, 50).await.unwrap();
    rows.into_iter().map(|row| (row.action, row.target, row.reason)).collect()
}

fn picture(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    RgbaImage::from_pixel(width, height, Rgba([255, 0, 0, 255])).write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn moving(count: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = GifEncoder::new(&mut bytes);
    for n in 0..count {
        let picture = RgbaImage::from_pixel(40, 40, Rgba([n * 60, 0, 0, 255]));
        encoder.encode_frame(Frame::from_parts(picture, 0, 0, Delay::from_numer_denom_ms(50, 1))).unwrap();
    }
    drop(encoder);
    bytes
}

async fn send_picture(client: &Client, method: &str, path: &str, bytes: Vec<u8>) -> Answer {
    client.with("content-type", "image/png").send(method, path, Body::from(bytes)).await
}

async fn rooms(site: Site) {
    let [ann, .., bob, _] = people(&site).await;
    said(&site, "ann", "bob", "first").await;
    let second = said(&site, "ann", "vic", "second").await;
    let taken_back = said(&site, "ann", "vic", "third").await;
    ann.delete(&format!("/channels/ann/chat/messages/{taken_back}")).await.expect(StatusCode::NO_CONTENT);
    ann.put("/channels/ann/chat/pin", json!({"message_id": second})).await.expect(StatusCode::OK);
    site.hub.chat().set_chatters(&channel(&site, "ann").await.id, 7);
    let room: ChatRoom = site.guest().get("/channels/ann/chat").await.json();
    let texts: Vec<_> = room.messages.iter().map(|message| message.text.as_str()).collect();
    assert_eq!((texts, room.chatters, room.shield), (vec!["first", "second"], 7, false));
    assert_eq!((room.pinned.unwrap().id, room.poll, room.you), (second, None, None));
    let room: ChatRoom = ann.get("/channels/ann/chat").await.json();
    assert!(room.you.unwrap().moderator);
    ann.put("/channels/ann/chat/bans/bob", json!({"seconds": 60, "reason": "spam"})).await.expect(StatusCode::OK);
    let you = bob.get("/channels/ann/chat").await.json::<ChatRoom>().you.unwrap();
    assert_eq!((you.moderator, you.ban.unwrap().reason), (false, "spam".into()));
    // Those who may not watch do not read along.
    ann.put("/channels/ann/access", json!({"kind": "private", "guests": ["vic"]})).await.expect(StatusCode::OK);
    assert_eq!(bob.get("/channels/ann/chat").await.problem(403).0, "not_for_you");
    assert_eq!(site.guest().get("/channels/ann/chat").await.problem(403).0, "not_for_you");
    assert_eq!(site.guest().get("/channels/nobody/chat").await.problem(404).0, "not_found");
}

async fn settings(site: Site) {
    let [ann, ed, moderator, ..] = people(&site).await;
    let path = "/channels/ann/chat/settings";
    assert_eq!(ann.get(path).await.json::<ChatSettings>(), ChatSettings::default());
    let set: ChatSettings = moderator.put(path, json!({"slow_seconds": 12, "followers_only_minutes": 5})).await.json();
    assert_eq!((set.slow_seconds, set.followers_only_minutes, set.unique), (12, Some(5), false));
    let set: ChatSettings = moderator.put(path, json!({"followers_only_minutes": null, "unique": true})).await.json();
    assert_eq!((set.slow_seconds, set.followers_only_minutes, set.unique), (12, None, true));
    for (body, field) in [
        (json!({"slow_seconds": 3601}), "slow_seconds"),
        (json!({"slow_seconds": "x"}), "slow_seconds"),
        (json!({"followers_only_minutes": -1}), "followers_only_minutes"),
        (json!({"delay_seconds": 3}), "delay_seconds"),
        (json!({"link_hosts": ["http://x.example/a"]}), "link_hosts"),
        (json!({"raid_channels": ["a b"]}), "raid_channels"),
        (json!({"retention_days": 4000}), "retention_days"),
    ] {
        let (_, wrong) = ann.put(path, body.clone()).await.problem(422);
        assert_eq!(wrong.as_deref(), Some(field), "{body}");
    }
    // What is the channel's is for those who edit it.
    for body in [json!({"share_bans": true}), json!({"retention_days": 3}), json!({"raids_from": "nobody"})] {
        assert_eq!(moderator.put(path, body.clone()).await.problem(403).0, "forbidden", "{body}");
        ed.put(path, body).await.expect(StatusCode::OK);
    }
    let hosts = json!({"link_hosts": [" Example.ORG ", "a.example"]});
    assert_eq!(ann.put(path, hosts).await.json::<ChatSettings>().link_hosts, ["example.org", "a.example"]);
    let Act::Settings { settings } = &actions(&ann).await[0].act else { panic!("settings") };
    assert_eq!((settings.slow_seconds, settings.retention_days), (12, 3));
}

async fn shield_mode(site: Site) {
    let [ann, _, moderator, bob, _] = people(&site).await;
    ann.put("/channels/ann/chat/settings", json!({"slow_seconds": 30})).await.expect(StatusCode::OK);
    let path = "/channels/ann/chat/shield";
    assert_eq!(bob.get(path).await.problem(403).0, "forbidden");
    let shield: Shield = moderator.put(path, json!({"on": true})).await.json();
    assert_eq!((shield.on, &shield.settings), (true, &ChatSettings::locked_down()), "strict where nobody chose");
    let room: ChatRoom = bob.get("/channels/ann/chat").await.json();
    assert!(room.shield && room.settings.unique && room.settings.block_links);
    assert_eq!((room.settings.slow_seconds, room.settings.followers_only_minutes), (30, Some(10)), "the stricter one");
    // The channel's own stay what they were.
    assert!(!ann.get("/channels/ann/chat/settings").await.json::<ChatSettings>().unique);
    let bundle = json!({"settings": {"unique": false, "emote_only": true, "slow_seconds": 60}});
    let shield: Shield = ann.put(path, bundle).await.json();
    assert!(shield.on && shield.settings.emote_only && !shield.settings.unique);
    let Act::Shield { on: true, settings } = &actions(&ann).await[0].act else { panic!("shield") };
    assert_eq!((settings.slow_seconds, settings.emote_only, settings.unique), (60, true, false));
    ann.put(path, json!({"on": false})).await.expect(StatusCode::OK);
    let room: ChatRoom = bob.get("/channels/ann/chat").await.json();
    assert_eq!((room.shield, room.settings.slow_seconds, room.settings.emote_only), (false, 30, false));
    assert!(ann.get(path).await.json::<Shield>().settings.emote_only, "the bundle is there for the next time");
    assert_eq!(ann.put(path, json!({"on": 1})).await.problem(422).1.as_deref(), Some("on"));
}

async fn bans_and_timeouts(site: Site) {
    let [ann, _, moderator, ..] = people(&site).await;
    let bob = "/channels/ann/chat/bans/bob";
    let mine = said(&site, "ann", "bob", "spam").await;
    let others = said(&site, "ann", "vic", "ham").await;
    ann.put("/channels/ann/chat/pin", json!({"message_id": mine})).await.expect(StatusCode::OK);
    let ban: ChatBan = moderator.put(bob, json!({"seconds": 600, "reason": " Spam "})).await.json();
    assert_eq!((ban.user.login.as_str(), ban.reason.as_str(), ban.by.as_str()), ("bob", "Spam", "mod"));
    let left = ban.until_ms.unwrap() - now_ms();
    assert!((590_000..=600_000).contains(&left), "{left}");
    // What they said is taken back, and so is what of it was pinned.
    let room: ChatRoom = ann.get("/channels/ann/chat").await.json();
    assert_eq!((room.messages.len(), room.messages[0].id.clone(), room.pinned), (1, others, None));
    // Timed anew, then for good; from there no timeout lets them in again.
    let again: ChatBan = moderator.put(bob, json!({"seconds": 10})).await.json();
    assert!(again.until_ms < ban.until_ms);
    assert_eq!(moderator.put(bob, json!({})).await.json::<ChatBan>().until_ms, None);
    assert_eq!(moderator.put(bob, json!({"seconds": 10})).await.problem(409).0, "banned");
    moderator.put("/channels/ann/chat/bans/vic", json!({"seconds": 1})).await.expect(StatusCode::OK);
    let bans: Page<ChatBan> = moderator.get("/channels/ann/chat/bans?limit=1").await.json();
    assert_eq!(bans.items[0].user.login, "vic", "the newest first");
    let next = format!("/channels/ann/chat/bans?limit=1&after={}", bans.next.unwrap());
    let bans: Page<ChatBan> = moderator.get(&next).await.json();
    assert_eq!((bans.items[0].user.login.as_str(), bans.next), ("bob", None));
    moderator.delete(bob).await.expect(StatusCode::NO_CONTENT);
    assert_eq!(moderator.delete(bob).await.problem(409).0, "not_banned");
    for (path, body, code) in [
        (bob, json!({"seconds": 0}), "out_of_range"),
        (bob, json!({"seconds": 1_209_601}), "out_of_range"),
        (bob, json!({"reason": "x".repeat(501)}), "too_long"),
    ] {
        assert_eq!(ann.put(path, body).await.problem(422).0, code);
    }
    assert_eq!(ann.put("/channels/ann/chat/bans/nobody", json!({})).await.problem(404).0, "no_such_user");
    // A timeout that is over is none.
    let (channel, vic) = (channel(&site, "ann").await, user(&site, "vic").await);
    assert_eq!(site.store.chat_ban(&channel.id, &vic.id, now_ms() + 2_000).await.unwrap(), None);
    let acts: Vec<_> = actions(&ann).await.iter().rev().map(|action| action.act.name()).collect();
    assert_eq!(acts, ["pin", "unpin", "timeout", "timeout", "ban", "timeout", "unban"]);
    let log = audit(&site).await;
    assert!(log.contains(&("chat.timeout".into(), "bob".into(), "in ann: Spam".into())), "{log:?}");
    assert!(log.contains(&("chat.unban".into(), "bob".into(), "in ann".into())), "{log:?}");
}

async fn who_acts_on_whom(site: Site) {
    let [ann, ed, moderator, bob, _] = people(&site).await;
    let (mia, boss) = (site.user("mia", Role::Moderator).await, site.user("boss", Role::Admin).await);
    let clients = [&bob, &moderator, &ed, &ann, &mia, &boss];
    for (client, want) in clients.into_iter().zip(["------", "y-----", "yy----", "yyy---", "yyyy--", "yyyyy-"]) {
        let mut answers = String::new();
        for name in ["vic", "mod", "ed", "ann", "mia", "boss"] {
            let body = json!({"seconds": 5});
            let answer = client.put(&format!("/channels/ann/chat/bans/{name}"), body).await;
            let warning = json!({"reason": "x"});
            let warned = client.post(&format!("/channels/ann/chat/warnings/{name}"), warning).await;
            let purged = client.post(&format!("/channels/ann/chat/purge/{name}"), json!({})).await;
            // Their own messages aside, which anybody may take back who may take back any.
            let id = said(&site, "ann", name, "x").await;
            let deleted = client.delete(&format!("/channels/ann/chat/messages/{id}")).await;
            let all = [&answer, &warned, &purged].map(|answer| answer.status.is_success());
            assert!(all == [true; 3] || all == [false; 3], "{name}: {all:?}");
            if !all[0] {
                assert_eq!(answer.problem(403).0, "forbidden");
            }
            let own = client.get("/me").await.json::<Me>().username == name && want != "------";
            assert_eq!(deleted.status.is_success(), all[0] || own, "{name}");
            answers.push(if all[0] { 'y' } else { '-' });
        }
        assert_eq!(answers, want);
    }
}

async fn bans_that_are_shared(site: Site) {
    let [ann, ed, moderator, bob, _] = people(&site).await;
    let told = site.chat();
    for name in ["anns_second", "anns_third", "anns_fourth"] {
        ann.post("/channels", json!({"name": name})).await.expect(StatusCode::CREATED);
    }
    ann.put("/channels/anns_fourth/staff/vic", json!({"role": "editor"})).await.expect(StatusCode::OK);
    for name in ["ann", "anns_second", "anns_fourth"] {
        let path = format!("/channels/{name}/chat/settings");
        ann.put(&path, json!({"share_bans": true})).await.expect(StatusCode::OK);
    }
    let (first, second) = (channel(&site, "ann").await, channel(&site, "anns_second").await);
    told.lock().unwrap().clear();
    moderator.put("/channels/ann/chat/bans/bob", json!({"reason": "Spam"})).await.expect(StatusCode::OK);
    let bans: Page<ChatBan> = ann.get("/channels/anns_second/chat/bans").await.json();
    let ban = &bans.items[0];
    assert_eq!((ban.user.login.as_str(), ban.shared_from.as_deref(), ban.by.as_str()), ("bob", Some("ann"), "mod"));
    assert_eq!(ann.get("/channels/ann/chat/bans").await.json::<Page<ChatBan>>().items[0].shared_from, None);
    assert!(ann.get("/channels/anns_third/chat/bans").await.json::<Page<ChatBan>>().items.is_empty());
    let acts: Page<ChatAction> = ann.get("/channels/anns_second/chat/actions").await.json();
    assert_eq!(acts.items[0].act.name(), "ban");
    site.settled().await;
    let told: Vec<String> = told.lock().unwrap().clone();
    assert!(told.contains(&format!("acted {}", first.id)) && told.contains(&format!("acted {}", second.id)));
    // Not where they are somebody.
    moderator.put("/channels/ann/chat/bans/vic", json!({})).await.expect(StatusCode::OK);
    assert!(ann.get("/channels/anns_second/chat/bans").await.json::<Page<ChatBan>>().items.len() == 2);
    let fourth: Page<ChatBan> = ann.get("/channels/anns_fourth/chat/bans").await.json();
    assert_eq!(fourth.items.iter().map(|ban| ban.user.login.as_str()).collect::<Vec<_>>(), ["bob"]);
    // A timeout is about one chat.
    moderator.delete("/channels/ann/chat/bans/vic").await.expect(StatusCode::NO_CONTENT);
    moderator.put("/channels/ann/chat/bans/vic", json!({"seconds": 60})).await.expect(StatusCode::OK);
    ed.delete("/channels/ann/chat/bans/bob").await.expect(StatusCode::NO_CONTENT);
    assert!(ann.get("/channels/anns_second/chat/bans").await.json::<Page<ChatBan>>().items.is_empty());
    assert!(bob.get("/channels/anns_fourth/chat").await.json::<ChatRoom>().you.unwrap().ban.is_none());
}

async fn messages(site: Site) {
    let [ann, _, moderator, bob, _] = people(&site).await;
    for n in 0..3 {
        said(&site, "ann", "bob", &format!("b{n}")).await;
    }
    let id = said(&site, "ann", "vic", "v").await;
    let texts = |page: &Page<Message>| page.items.iter().map(|m| m.text.clone()).collect::<Vec<_>>();
    let page: Page<Message> = moderator.get("/channels/ann/chat/messages?limit=2").await.json();
    assert_eq!(texts(&page), ["v", "b2"]);
    let next = format!("/channels/ann/chat/messages?limit=2&after={}", page.next.unwrap());
    assert_eq!(texts(&moderator.get(&next).await.json()), ["b1", "b0"]);
    let path = "/channels/ann/chat/messages?username=vic";
    assert_eq!(texts(&moderator.get(path).await.json()), ["v"]);
    assert_eq!(bob.get("/channels/ann/chat/messages").await.problem(403).0, "forbidden");
    // One is taken back once; moderators see that it was.
    let one = format!("/channels/ann/chat/messages/{id}");
    moderator.delete(&one).await.expect(StatusCode::NO_CONTENT);
    assert_eq!(moderator.delete(&one).await.problem(404).0, "no_such_message");
    assert!(moderator.get(path).await.json::<Page<Message>>().items[0].deleted);
    let Act::Delete { message_id, user: whose, text } = &actions(&ann).await[0].act else { panic!("delete") };
    assert_eq!((message_id, whose.login.as_str(), text.as_str()), (&id, "vic", "v"));
    // Of another channel it is not.
    let path = format!("/channels/bob/chat/messages/{id}");
    assert_eq!(bob.delete(&path).await.problem(404).0, "no_such_message");
    // One that is written down a moment later is waited for.
    let (late, who) = (rivulet_store::new_id(now_ms()), user(&site, "vic").await);
    let row = ChatWrite::Message {
        channel_id: channel(&site, "ann").await.id,
        broadcast_id: None,
        message: message(&late, &who, "late"),
    };
    let path = format!("/channels/ann/chat/messages/{late}");
    let (answer, ()) = tokio::join!(moderator.delete(&path), async {
        tokio::time::sleep(std::time::Duration::from_millis(150)).await;
        site.store.write_chat(&[row], now_ms()).await.unwrap();
    });
    answer.expect(StatusCode::NO_CONTENT);
    moderator.delete("/channels/ann/chat/messages").await.expect(StatusCode::NO_CONTENT);
    assert!(ann.get("/channels/ann/chat").await.json::<ChatRoom>().messages.is_empty());
    assert_eq!(actions(&ann).await[0].act, Act::Clear);
}

async fn messages_by_http(site: Site) {
    let [ann, .., bob, _] = people(&site).await;
    let told = site.chat();
    let path = "/channels/ann/chat/messages";
    let answer = bob.post(path, json!({"text": "hello", "id": "c1"})).await;
    answer.expect(StatusCode::CREATED);
    assert_eq!(answer.json::<MessageSaid>().message_id.as_deref(), Some("c1"));
    let id = user(&site, "bob").await.id;
    assert!(told.lock().unwrap().contains(&format!("say {id} hello")));
    let slow = bob.post(path, json!({"text": "refuse slow"})).await;
    assert_eq!(
        (slow.problem(429).0.as_str(), &slow.headers[header::RETRY_AFTER]),
        ("slow_mode", &"12".parse().unwrap())
    );
    assert_eq!(bob.post(path, json!({"text": "refuse me"})).await.problem(403).0, "banned");
    let long = json!({"text": "x", "id": "x".repeat(37)});
    assert_eq!(bob.post(path, long).await.problem(422).1.as_deref(), Some("id"));
    assert_eq!(site.guest().post(path, json!({"text": "x"})).await.problem(401).0, "not_logged_in");
    ann.put("/channels/ann/access", json!({"kind": "private"})).await.expect(StatusCode::OK);
    assert_eq!(bob.post(path, json!({"text": "x"})).await.problem(403).0, "not_for_you");
}

async fn warnings(site: Site) {
    let [ann, _, moderator, bob, _] = people(&site).await;
    let path = "/channels/ann/chat/warnings/bob";
    assert_eq!(moderator.post(path, json!({"reason": " "})).await.problem(422).1.as_deref(), Some("reason"));
    let action: ChatAction = moderator.post(path, json!({"reason": "Be kind"})).await.json();
    assert_eq!((action.by.login.as_str(), action.act.name()), ("mod", "warn"));
    let you = bob.get("/channels/ann/chat").await.json::<ChatRoom>().you.unwrap();
    assert_eq!(you.warning.as_deref(), Some("Be kind"));
    bob.post("/channels/ann/chat/warning", json!({})).await.expect(StatusCode::NO_CONTENT);
    assert_eq!(bob.post("/channels/ann/chat/warning", json!({})).await.problem(404).0, "not_found");
    assert_eq!(bob.get("/channels/ann/chat").await.json::<ChatRoom>().you.unwrap().warning, None);
    assert_eq!(actions(&ann).await[0].act.name(), "warning_acknowledged");
}

async fn announcements_and_pins(site: Site) {
    let [ann, _, moderator, bob, _] = people(&site).await;
    let path = "/channels/ann/chat/announcements";
    let action: ChatAction = moderator.post(path, json!({"text": "Hi", "color": "green"})).await.json();
    let Act::Announce { message } = action.act else { panic!("announce") };
    assert_eq!((message.text.as_str(), message.announcement.as_deref()), ("Hi", Some("green")));
    assert_eq!(message.author.badges[0].kind, "moderator");
    assert_eq!(
        moderator.post(path, json!({"text": "Hi", "color": "red"})).await.problem(422).1.as_deref(),
        Some("color")
    );
    assert_eq!(bob.post(path, json!({"text": "Hi"})).await.problem(403).0, "forbidden");
    let id = said(&site, "ann", "bob", "look").await;
    let pin = "/channels/ann/chat/pin";
    moderator.put(pin, json!({"message_id": id})).await.expect(StatusCode::OK);
    assert_eq!(bob.get("/channels/ann/chat").await.json::<ChatRoom>().pinned.unwrap().text, "look");
    moderator.delete(pin).await.expect(StatusCode::NO_CONTENT);
    assert_eq!(moderator.delete(pin).await.problem(404).0, "not_found");
    assert_eq!(bob.get("/channels/ann/chat").await.json::<ChatRoom>().pinned, None);
    // What is taken back is not pinned any more, nor can it be.
    moderator.put(pin, json!({"message_id": id})).await.expect(StatusCode::OK);
    ann.delete(&format!("/channels/ann/chat/messages/{id}")).await.expect(StatusCode::NO_CONTENT);
    assert_eq!(bob.get("/channels/ann/chat").await.json::<ChatRoom>().pinned, None);
    assert_eq!(moderator.put(pin, json!({"message_id": id})).await.problem(404).0, "no_such_message");
}

async fn held_messages(site: Site) {
    let [ann, _, moderator, bob, _] = people(&site).await;
    let (channel, who) = (channel(&site, "ann").await, user(&site, "bob").await);
    for id in ["h1", "h2"] {
        let held = HeldMessage { id: id.into(), message: message(id, &who, "hm"), reason: "a term".into() };
        let row = ChatWrite::Held { channel_id: channel.id.clone(), held };
        site.store.write_chat(&[row], now_ms()).await.unwrap();
    }
    let held: Page<HeldMessage> = moderator.get("/channels/ann/chat/held").await.json();
    assert_eq!((held.items.len(), held.items[0].reason.as_str()), (2, "a term"));
    let path = "/channels/ann/chat/held/h1";
    assert_eq!(bob.post(path, json!({"allow": true})).await.problem(403).0, "forbidden");
    moderator.post(path, json!({"allow": true})).await.expect(StatusCode::NO_CONTENT);
    assert_eq!(moderator.post(path, json!({"allow": false})).await.problem(404).0, "not_found", "decided once");
    assert_eq!(actions(&ann).await[0].act, Act::HoldResolved { id: "h1".into(), allowed: true });
    assert_eq!(moderator.get("/channels/ann/chat/held").await.json::<Page<HeldMessage>>().items[0].id, "h2");
}

async fn networks(site: Site) {
    let [ann, _, moderator, ..] = people(&site).await;
    let path = "/channels/ann/chat/users/bob/network";
    moderator.send_json("PUT", path, json!({})).await.expect(StatusCode::NO_CONTENT);
    let answer = moderator.get("/channels/ann/chat/networks").await;
    assert!(!answer.body.contains("203.0.113"), "nobody is shown the address: {}", answer.body);
    let listed: Page<NetworkBan> = answer.json();
    assert_eq!((listed.items[0].username.as_str(), listed.items[0].by.as_str()), ("bob", "mod"));
    let id = &listed.items[0].id;
    assert!(matches!(&actions(&ann).await[0].act, Act::Network { network, banned: true } if network == id));
    let stored = site.store.chat_networks(&channel(&site, "ann").await.id).await.unwrap();
    assert_eq!(stored, ["203.0.113.1"]);
    assert_eq!(moderator.put("/channels/ann/chat/users/ann/network", json!({})).await.problem(403).0, "forbidden");
    let path = format!("/channels/ann/chat/networks/{id}");
    moderator.delete(&path).await.expect(StatusCode::NO_CONTENT);
    assert_eq!(moderator.delete(&path).await.problem(404).0, "not_found");
}

async fn terms_and_commands(site: Site) {
    let [ann, _, moderator, bob, _] = people(&site).await;
    let path = "/channels/ann/chat/terms";
    let answer = moderator.post(path, json!({"text": "buy (now|here)", "pattern": true, "deed": "hold"})).await;
    answer.expect(StatusCode::CREATED);
    let term: Term = answer.json();
    assert_eq!((term.by.as_str(), term.rule.deed), ("mod", TermDeed::Hold));
    for (body, code) in [
        (json!({"text": "(", "pattern": true}), "bad_pattern"),
        (json!({"text": r"(a)\1", "pattern": true}), "bad_pattern"),
        (json!({"text": ".*", "pattern": true}), "matches_everything"),
        (json!({"text": "* *"}), "matches_everything"),
        (json!({"text": ""}), "empty"),
        (json!({"text": "x".repeat(261)}), "too_long"),
    ] {
        assert_eq!(ann.post(path, body).await.problem(422).0, code);
    }
    assert_eq!(moderator.get(path).await.json::<Page<Term>>().items, std::slice::from_ref(&term));
    assert_eq!(bob.get(path).await.problem(403).0, "forbidden");
    let rules = site.store.chat_rules(&channel(&site, "ann").await.id).await.unwrap();
    assert_eq!((rules.len(), rules[0].deed), (1, TermDeed::Hold));
    let one = format!("{path}/{}", term.id);
    assert_eq!(bob.delete(&one).await.problem(403).0, "forbidden");
    moderator.delete(&one).await.expect(StatusCode::NO_CONTENT);
    assert_eq!(moderator.delete(&one).await.problem(404).0, "not_found");
    assert_eq!(actions(&ann).await[0].act, Act::Rules { what: "terms".into() });

    let path = "/channels/ann/chat/commands/Discord";
    let command = json!({"reply": "Here: {channel}", "cooldown_seconds": 30});
    assert_eq!(moderator.put(path, command).await.json::<ChatCommand>().name, "discord");
    let all: Page<ChatCommand> = site.guest().get("/channels/ann/chat/commands").await.json();
    assert_eq!((all.items.len(), all.items[0].cooldown_seconds), (1, 30));
    moderator.put(path, json!({"reply": "There"})).await.expect(StatusCode::OK);
    let all: Page<ChatCommand> = site.guest().get("/channels/ann/chat/commands").await.json();
    assert_eq!((all.items.len(), all.items[0].reply.as_str(), all.items[0].cooldown_seconds), (1, "There", 0));
    assert_eq!(bob.put(path, json!({"reply": "x"})).await.problem(403).0, "forbidden");
    let long = json!({"reply": "x", "cooldown_seconds": 3601});
    assert_eq!(ann.put(path, long).await.problem(422).1.as_deref(), Some("cooldown_seconds"));
    moderator.delete(path).await.expect(StatusCode::NO_CONTENT);
    assert_eq!(moderator.delete(path).await.problem(404).0, "not_found");
}

async fn emotes(site: Site) {
    let [ann, ed, moderator, ..] = people(&site).await;
    let boss = site.user("boss", Role::Admin).await;
    let path = "/channels/ann/chat/emotes/annWave";
    let emote: Emote = send_picture(&ed, "PUT", path, picture(300, 100)).await.json();
    assert_eq!((emote.code.as_str(), emote.animated, emote.global), ("annWave", false, false));
    assert_eq!(send_picture(&moderator, "PUT", path, picture(8, 8)).await.problem(403).0, "forbidden");
    let show = async |id: &str, size: u32| {
        let response = site.guest().at_root("GET", &format!("/emotes/{id}/{size}")).await;
        let (status, headers) = (response.status(), response.headers().clone());
        (status, headers, response.into_body().collect().await.unwrap().to_bytes())
    };
    for (size, want) in [(1, (84, 28)), (2, (168, 56)), (3, (336, 112))] {
        let (status, headers, bytes) = show(&emote.id, size).await;
        assert_eq!((status, &headers[header::CONTENT_TYPE]), (StatusCode::OK, &"image/png".parse().unwrap()));
        assert!(headers[header::CACHE_CONTROL].to_str().unwrap().contains("immutable"));
        let picture = image::load_from_memory(&bytes).unwrap();
        assert_eq!((picture.width(), picture.height()), want, "wide ones are up to three times as wide as high");
    }
    assert_eq!(show(&emote.id, 4).await.0, StatusCode::NOT_FOUND);
    assert_eq!(show("..", 1).await.0, StatusCode::NOT_FOUND);
    // One that moves goes on moving, under another address.
    let second: Emote = send_picture(&ed, "PUT", path, moving(4)).await.json();
    assert!(second.animated && second.id != emote.id);
    let (_, headers, bytes) = show(&second.id, 1).await;
    assert_eq!(headers[header::CONTENT_TYPE], "image/gif");
    let frames = GifDecoder::new(Cursor::new(&bytes)).unwrap().into_frames().collect_frames().unwrap();
    assert_eq!((frames.len(), frames[0].buffer().dimensions()), (4, (28, 28)));
    assert_eq!(show(&emote.id, 1).await.0, StatusCode::NOT_FOUND, "the old picture is gone");
    // The instance's are everybody's.
    let all: Emote = send_picture(&boss, "PUT", "/admin/emotes/Heart", picture(40, 40)).await.json();
    assert!(all.global);
    let listed: Page<Emote> = site.guest().get("/channels/ann/chat/emotes").await.json();
    assert_eq!(listed.items.iter().map(|e| e.code.as_str()).collect::<Vec<_>>(), ["Heart", "annWave"]);
    assert_eq!(boss.get("/admin/emotes").await.json::<Page<Emote>>().items, [all]);
    for bad in ["x", "no-hyphen", "abcdefghijklmnopqrstuvwxyz"] {
        let path = format!("/channels/ann/chat/emotes/{bad}");
        assert_eq!(send_picture(&ed, "PUT", &path, picture(8, 8)).await.problem(422).0, "bad_code");
    }
    let text = send_picture(&ed, "PUT", path, b"<svg/>".to_vec()).await;
    assert_eq!(text.problem(422), ("bad_picture".into(), Some("picture".into())));
    assert!(!send_picture(&ed, "PUT", path, vec![0; 1024 * 1024 + 1]).await.status.is_success());
    ed.delete(path).await.expect(StatusCode::NO_CONTENT);
    assert_eq!(ed.delete(path).await.problem(404).0, "not_found");
    assert_eq!(show(&second.id, 1).await.0, StatusCode::NOT_FOUND);
    boss.delete("/admin/emotes/Heart").await.expect(StatusCode::NO_CONTENT);
    assert!(actions(&ann).await.iter().all(|action| action.act == Act::Emotes { what: "emotes".into() }));
    let log = audit(&site).await;
    assert!(log.iter().any(|(action, target, _)| action == "emote.set" && target == "Heart"), "{log:?}");
}

async fn badges(site: Site) {
    let [ann, _, moderator, ..] = people(&site).await;
    let path = "/channels/ann/chat/badges";
    let answer = send_picture(&ann, "POST", &format!("{path}?title=Founder"), picture(72, 72)).await;
    answer.expect(StatusCode::CREATED);
    let badge: ChatBadge = answer.json();
    assert_eq!(site.guest().at_root("GET", &format!("/emotes/{}/2", badge.picture)).await.status(), StatusCode::OK);
    let denied = send_picture(&moderator, "POST", &format!("{path}?title=x"), picture(8, 8)).await;
    assert_eq!(denied.problem(403).0, "forbidden");
    let holder = format!("{path}/{}/holders/mod", badge.id);
    ann.put(&holder, json!({})).await.expect(StatusCode::NO_CONTENT);
    ann.put(&holder, json!({})).await.expect(StatusCode::NO_CONTENT);
    assert_eq!(site.guest().get(path).await.json::<Page<ChatBadge>>().items[0].holders, ["mod"]);
    let (channel, who) = (channel(&site, "ann").await, user(&site, "mod").await);
    let author = site.store.chat_author(&channel, &who).await.unwrap();
    let worn: Vec<_> = author.badges.iter().map(|b| (b.kind.as_str(), b.version.as_str())).collect();
    assert_eq!(worn, [("moderator", "1"), ("custom", badge.id.as_str())]);
    ann.delete(&holder).await.expect(StatusCode::NO_CONTENT);
    assert_eq!(ann.delete(&holder).await.problem(404).0, "not_found");
    ann.delete(&format!("{path}/{}", badge.id)).await.expect(StatusCode::NO_CONTENT);
    assert!(site.guest().get(path).await.json::<Page<ChatBadge>>().items.is_empty());
    let gone = site.guest().at_root("GET", &format!("/emotes/{}/2", badge.picture)).await;
    assert_eq!(gone.status(), StatusCode::NOT_FOUND);
}

async fn notes_and_the_log(site: Site) {
    let [ann, _, moderator, bob, _] = people(&site).await;
    let path = "/channels/ann/chat/users/bob";
    bob.put("/channels/ann/follow", json!({})).await.expect(StatusCode::OK);
    said(&site, "ann", "bob", "hi").await;
    let answer = moderator.post(&format!("{path}/notes"), json!({"text": "Asked nicely."})).await;
    answer.expect(StatusCode::CREATED);
    let note: ChatNote = answer.json();
    moderator.put("/channels/ann/chat/bans/bob", json!({"seconds": 30})).await.expect(StatusCode::OK);
    let chatter: Chatter = moderator.get(path).await.json();
    assert_eq!(
        (chatter.user.login.as_str(), chatter.role, chatter.notes.as_slice()),
        ("bob", None, &[note.clone()][..])
    );
    assert!(chatter.follows_since_ms.is_some() && chatter.ban.is_some() && chatter.messages[0].deleted);
    let acts: Vec<_> = chatter.actions.iter().map(|action| action.act.name()).collect();
    assert_eq!(acts, ["timeout", "note"]);
    assert_eq!(bob.get(path).await.problem(403).0, "forbidden");
    let filtered: Page<ChatAction> = ann.get("/channels/ann/chat/actions?username=vic").await.json();
    assert!(filtered.items.is_empty());
    let page: Page<ChatAction> = ann.get("/channels/ann/chat/actions?limit=1").await.json();
    let next = format!("/channels/ann/chat/actions?after={}", page.next.unwrap());
    assert_eq!(ann.get(&next).await.json::<Page<ChatAction>>().items[0].act.name(), "note");
    let path = format!("{path}/notes/{}", note.id);
    moderator.delete(&path).await.expect(StatusCode::NO_CONTENT);
    assert_eq!(moderator.delete(&path).await.problem(404).0, "not_found");
}

async fn unban_requests(site: Site) {
    let [ann, _, moderator, bob, _] = people(&site).await;
    let path = "/channels/ann/chat/unban-requests";
    assert_eq!(bob.post(path, json!({"text": "Please"})).await.problem(409).0, "not_banned");
    ann.put("/channels/ann/chat/bans/bob", json!({})).await.expect(StatusCode::OK);
    let answer = bob.post(path, json!({"text": "Please"})).await;
    answer.expect(StatusCode::CREATED);
    let first: UnbanRequest = answer.json();
    assert_eq!(bob.post(path, json!({"text": "Please!"})).await.problem(409).0, "busy", "one at a time");
    assert_eq!(moderator.get(path).await.json::<Page<UnbanRequest>>().items, std::slice::from_ref(&first));
    let one = format!("{path}/{}", first.id);
    assert_eq!(bob.put(&one, json!({"approve": true})).await.problem(403).0, "forbidden");
    let denied: UnbanRequest = moderator.put(&one, json!({"approve": false, "answer": "Later"})).await.json();
    assert_eq!((denied.state, denied.answered_by.as_str()), (UnbanState::Denied, "mod"));
    assert_eq!(moderator.put(&one, json!({"approve": true})).await.problem(404).0, "not_found", "answered once");
    assert_eq!(bob.post(path, json!({"text": "Now?"})).await.problem(409).0, "busy", "not on the same day");
    let you = bob.get("/channels/ann/chat").await.json::<ChatRoom>().you.unwrap();
    assert_eq!(you.unban_request.unwrap().answer, "Later");
    // The next day.
    let (channel, who) = (channel(&site, "ann").await, user(&site, "bob").await);
    let tomorrow = now_ms() + 25 * 3600 * 1000;
    let second = site.store.ask_for_unban(&channel, &who, "Today?", tomorrow).await.unwrap();
    let approved: UnbanRequest = moderator.put(&format!("{path}/{}", second.id), json!({"approve": true})).await.json();
    assert_eq!(approved.state, UnbanState::Approved);
    assert_eq!(bob.get("/channels/ann/chat").await.json::<ChatRoom>().you.unwrap().ban, None);
    let acts: Vec<_> = actions(&ann).await.iter().rev().map(|action| action.act.name()).collect();
    assert_eq!(acts, ["ban", "unban_requested", "unban_answered", "unban_requested", "unban", "unban_answered"]);
}

async fn polls(site: Site) {
    let [ann, _, moderator, bob, vic] = people(&site).await;
    let path = "/channels/ann/polls";
    for (body, field) in [
        (json!({"question": "Q", "options": ["a"], "seconds": 60}), "options"),
        (json!({"question": "Q", "options": ["a", " "], "seconds": 60}), "options.1"),
        (json!({"question": "", "options": ["a", "b"], "seconds": 60}), "question"),
        (json!({"question": "Q", "options": ["a", "b"], "seconds": 14}), "seconds"),
    ] {
        assert_eq!(ann.post(path, body).await.problem(422).1.as_deref(), Some(field));
    }
    let create = json!({"question": "Which?", "options": ["a", "b", "c"], "seconds": 60});
    let answer = moderator.post(path, create.clone()).await;
    answer.expect(StatusCode::CREATED);
    let poll: Poll = answer.json();
    assert_eq!(ann.post(path, create.clone()).await.problem(409).0, "poll_running");
    let vote = format!("{path}/{}/vote", poll.id);
    for (client, option) in [(&bob, 0), (&vic, 0), (&bob, 2), (&bob, 2)] {
        client.post(&vote, json!({"option": option})).await.expect(StatusCode::NO_CONTENT);
    }
    assert_eq!(bob.post(&vote, json!({"option": 3})).await.problem(404).0, "not_found");
    assert_eq!(site.guest().post(&vote, json!({"option": 0})).await.problem(401).0, "not_logged_in");
    let room: ChatRoom = bob.get("/channels/ann/chat").await.json();
    let votes = |poll: &Poll| poll.options.iter().map(|option| option.votes).collect::<Vec<_>>();
    assert_eq!((votes(&room.poll.unwrap()), room.you.unwrap().vote), (vec![1, 0, 1], Some(2)));
    ann.put("/channels/ann/chat/bans/vic", json!({})).await.expect(StatusCode::OK);
    assert_eq!(vic.post(&vote, json!({"option": 1})).await.problem(403).0, "banned");
    let ended: Poll = moderator.post(&format!("{path}/{}/end", poll.id), json!({})).await.json();
    assert!(ended.ended && votes(&ended) == [1, 0, 1]);
    assert_eq!(bob.post(&vote, json!({"option": 1})).await.problem(404).0, "not_found");
    // One whose time is up ends by itself, once.
    let second: Poll = moderator.post(path, create).await.json();
    assert!(site.store.end_due_polls(now_ms()).await.unwrap().is_empty());
    let later = second.ends_at_ms + 1;
    assert_eq!(site.store.end_due_polls(later).await.unwrap(), [channel(&site, "ann").await.id]);
    assert!(site.store.end_due_polls(later).await.unwrap().is_empty());
    let Act::Poll { poll } = &actions(&ann).await[0].act else { panic!("poll") };
    assert!(poll.ended && poll.id == second.id && actions(&ann).await[0].by.id.is_empty());
    let page: Page<Poll> = site.guest().get(&format!("{path}?limit=1")).await.json();
    assert_eq!((page.items[0].id.as_str(), page.items[0].options.len()), (second.id.as_str(), 3));
    let next = format!("{path}?after={}", page.next.unwrap());
    assert_eq!(site.guest().get(&next).await.json::<Page<Poll>>().items[0].id, ended.id);
}

async fn raids(site: Site) {
    let [ann, ed, moderator, bob, _] = people(&site).await;
    let path = "/channels/ann/raid";
    let to_bob = || json!({"channel": "Bob"});
    assert_eq!(moderator.post(path, to_bob()).await.problem(403).0, "forbidden");
    assert_eq!(ed.post(path, to_bob()).await.problem(409).0, "offline");
    assert_eq!(ed.post(path, json!({"channel": "nobody"})).await.problem(422).0, "unknown");
    for name in ["ann", "bob"] {
        site.on_air(name).await;
    }
    assert_eq!(ed.post(path, json!({"channel": "ann"})).await.problem(422).1.as_deref(), Some("channel"));
    site.hub.get("ann").unwrap().players.send_replace(5);
    let kept_out = json!({"raids_from": "everybody", "raid_channels": ["ann"]});
    bob.put("/channels/bob/chat/settings", kept_out).await.expect(StatusCode::OK);
    assert_eq!(ed.post(path, to_bob()).await.problem(403).0, "raid_refused");
    bob.put("/channels/bob/chat/settings", json!({"raids_from": "listed"})).await.expect(StatusCode::OK);
    let answer = ed.post(path, to_bob()).await;
    answer.expect(StatusCode::CREATED);
    let raid: Raid = answer.json();
    assert_eq!((raid.channel.as_str(), raid.viewers), ("bob", 5));
    assert_eq!(ed.post(path, to_bob()).await.problem(409).0, "raid_running");
    assert_eq!(site.guest().get(path).await.json::<Raid>(), raid);
    ed.delete(path).await.expect(StatusCode::NO_CONTENT);
    assert_eq!(ed.delete(path).await.problem(404).0, "not_found");
    let acts: Vec<_> = actions(&ann).await.iter().map(|action| action.act.name()).collect();
    assert_eq!(acts, ["raid_cancelled", "raid_out"]);
    // It leaves by itself, once, and the other room is told.
    let raid: Raid = ed.post(path, to_bob()).await.json();
    assert!(site.store.leaving_raids(now_ms()).await.unwrap().is_empty());
    let left = site.store.leaving_raids(raid.leaves_at_ms).await.unwrap();
    assert_eq!((left.len(), left[0].to.name.as_str(), left[0].viewers), (1, "bob", 5));
    assert!(site.store.leaving_raids(raid.leaves_at_ms).await.unwrap().is_empty());
    let there: Page<ChatAction> = bob.get("/channels/bob/chat/actions").await.json();
    assert!(matches!(&there.items[0].act, Act::RaidIn { channel, viewers: 5, .. } if channel == "ann"));
    assert_eq!(site.guest().get(path).await.problem(404).0, "not_found");
    // Nobody comes who is not wanted any more when they leave.
    let raid: Raid = ed.post(path, to_bob()).await.json();
    bob.put("/channels/bob/chat/settings", json!({"raids_from": "nobody"})).await.expect(StatusCode::OK);
    assert!(site.store.leaving_raids(raid.leaves_at_ms).await.unwrap().is_empty());
}

async fn replay(site: Site) {
    let [ann, .., bob, _] = people(&site).await;
    let (channel, who) = (channel(&site, "ann").await, user(&site, "bob").await);
    let id = site.store.start_broadcast(&channel, 1_000_000).await.unwrap();
    for (n, at_ms) in [("m1", 1_001_500), ("m2", 1_003_000), ("m3", 1_004_000)] {
        let message = Message { at_ms, ..message(n, &who, n) };
        let row = ChatWrite::Message { channel_id: channel.id.clone(), broadcast_id: Some(id.clone()), message };
        site.store.write_chat(&[row], now_ms()).await.unwrap();
    }
    said(&site, "ann", "bob", "between broadcasts").await;
    ann.delete("/channels/ann/chat/messages/m2").await.expect(StatusCode::NO_CONTENT);
    let path = format!("/channels/ann/broadcasts/{id}/chat");
    let page: Page<Message> = site.guest().get(&format!("{path}?limit=1")).await.json();
    assert_eq!((page.items[0].id.as_str(), page.items[0].at_ms), ("m1", 1_500), "times are those of the broadcast");
    let page: Page<Message> = site.guest().get(&format!("{path}?after={}", page.next.unwrap())).await.json();
    assert_eq!((page.items.len(), page.items[0].id.as_str(), page.next), (1, "m3", None));
    assert_eq!(bob.get("/channels/bob/broadcasts/nothing/chat").await.problem(404).0, "not_found");
    let other = format!("/channels/bob/broadcasts/{id}/chat");
    assert_eq!(bob.get(&other).await.problem(404).0, "not_found", "of another channel");
}

async fn tickets(site: Site) {
    let [ann, .., bob, _] = people(&site).await;
    let path = "/channels/ann/chat/ticket";
    let key = site.store.playback_key().await.unwrap();
    let ticket: ChatTicket = bob.post(path, json!({})).await.json();
    assert!((ticket.expires_at_ms - now_ms() - 600_000).abs() < 10_000);
    let row = channel(&site, "ann").await;
    let pass = key.check_chat(&ticket.ticket, &row, now_ms()).unwrap();
    assert_eq!((pass.user_id.as_str(), pass.may_say), (user(&site, "bob").await.id.as_str(), true));
    assert_eq!(site.store.chat_pass_user(&pass).await.unwrap().unwrap().name, "bob");
    assert!(key.check_chat(&ticket.ticket, &channel(&site, "bob").await, now_ms()).is_err(), "of another channel");
    assert!(key.check_chat(&ticket.ticket, &row, now_ms() + 700_000).is_err(), "too old");
    let guest: ChatTicket = site.guest().post(path, json!({})).await.json();
    let pass_of_guest = key.check_chat(&guest.ticket, &row, now_ms()).unwrap();
    assert_eq!((pass_of_guest.user_id.as_str(), pass_of_guest.may_say), ("", false));
    assert_eq!(site.store.chat_pass_user(&pass_of_guest).await.unwrap(), None);
    // A token for reading is one for reading.
    for (scopes, may_say) in [(vec![Scope::ChatRead], false), (vec![Scope::ChatRead, Scope::ChatWrite], true)] {
        let (token, id) = (AccessToken::generate(), user(&site, "bob").await.id);
        site.store.add_access_token(&id, &token.hash(), "x", &scopes, 1, None).await.unwrap();
        let tool = site.guest().with("authorization", &format!("Bearer {}", token.reveal()));
        let ticket: ChatTicket = tool.post(path, json!({})).await.json();
        assert_eq!(key.check_chat(&ticket.ticket, &row, now_ms()).unwrap().may_say, may_say);
    }
    // Once something that they logged in with has ended, the ticket is void.
    bob.delete("/me/sessions").await.expect(StatusCode::NO_CONTENT);
    assert_eq!(site.store.chat_pass_user(&pass).await.unwrap(), None);
    // So are all tickets when the access is another.
    let secret = json!({"kind": "password", "password": "open sesame"});
    ann.put("/channels/ann/access", secret).await.expect(StatusCode::OK);
    let row = channel(&site, "ann").await;
    assert!(key.check_chat(&guest.ticket, &row, now_ms()).is_err());
    assert_eq!(site.guest().post(path, json!({})).await.problem(403).0, "password_needed");
    assert_eq!(site.guest().post(path, json!({"password": "nonsense"})).await.problem(403).0, "wrong_password");
    let guest: ChatTicket = site.guest().post(path, json!({"password": "open sesame"})).await.json();
    assert!(key.check_chat(&guest.ticket, &row, now_ms()).is_ok());
}

async fn what_the_chat_is_told(site: Site) {
    let [ann, .., bob, _] = people(&site).await;
    let boss = site.user("boss", Role::Admin).await;
    let told = site.chat();
    let (id, here) = (user(&site, "bob").await.id, channel(&site, "ann").await.id);
    let (person, out, room) = (format!("person {id}"), format!("logged out {id}"), format!("channel {here}"));
    let token: NewToken = bob.post("/me/tokens", json!({"name": "x", "scopes": ["chat:read"]})).await.json();
    let suspension = json!({"reason": "spam"});
    for (client, method, path, body, want) in [
        (&bob, "PATCH", "/me".to_owned(), json!({"display_name": "BOB"}), &person),
        (&bob, "PUT", "/channels/ann/follow".into(), json!({}), &person),
        (&ann, "PUT", "/channels/ann/staff/bob".into(), json!({"role": "moderator"}), &person),
        (&ann, "DELETE", "/channels/ann/staff/bob".into(), json!({}), &person),
        (&bob, "DELETE", format!("/me/tokens/{}", token.info.id), json!({}), &out),
        (&boss, "PATCH", "/admin/users/bob".into(), json!({"role": "moderator", "reason": "x"}), &person),
        (&boss, "POST", "/admin/users/bob/suspend".into(), suspension.clone(), &person),
        (&boss, "POST", "/admin/users/bob/restore".into(), json!({"reason": "x"}), &person),
        (&ann, "PUT", "/channels/ann/access".into(), json!({"kind": "followers"}), &room),
        (&boss, "POST", "/admin/channels/ann/suspend".into(), suspension, &room),
        (&ann, "POST", "/channels/ann/chat/purge/vic".into(), json!({}), &format!("acted {here}")),
        (&bob, "DELETE", "/me/sessions".into(), json!({}), &out),
    ] {
        told.lock().unwrap().clear();
        let answer = client.send_json(method, &path, body).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.body);
        site.settled().await;
        assert!(told.lock().unwrap().contains(want), "{method} {path}: {:?}", told.lock().unwrap());
    }
}

async fn colors(site: Site) {
    let ann = site.user("ann", Role::Viewer).await;
    assert_eq!(ann.get("/me").await.json::<Me>().color, "");
    assert_eq!(ann.patch("/me", json!({"color": "#FF8800"})).await.json::<Me>().color, "#ff8800");
    assert_eq!(ann.patch("/me", json!({"color": "red"})).await.problem(422).1.as_deref(), Some("color"));
    assert_eq!(ann.patch("/me", json!({"display_name": ""})).await.json::<Me>().color, "#ff8800", "it stays");
    let (channel, who) = (channel(&site, "ann").await, user(&site, "ann").await);
    let author = site.store.chat_author(&channel, &who).await.unwrap();
    assert_eq!((author.color.as_str(), author.badges[0].kind.as_str()), ("#ff8800", "broadcaster"));
    assert_eq!(ann.patch("/me", json!({"color": ""})).await.json::<Me>().color, "");
}

async fn leaving(site: Site) {
    let [ann, _, moderator, bob, _] = people(&site).await;
    let who = user(&site, "bob").await;
    let here = channel(&site, "ann").await;
    said(&site, "ann", "bob", "my secret words").await;
    let mine = said(&site, "ann", "bob", "pin me, secret").await;
    let answer = Message {
        reply_to: Some(Quote {
            id: mine.clone(),
            user_id: who.id.clone(),
            login: "bob".into(),
            display_name: "bob".into(),
            text: "secret".into(),
        }),
        ..message(&rivulet_store::new_id(now_ms()), &user(&site, "vic").await, "I see")
    };
    let row = ChatWrite::Message { channel_id: here.id.clone(), broadcast_id: None, message: answer };
    site.store.write_chat(&[row], now_ms()).await.unwrap();
    moderator.put("/channels/ann/chat/pin", json!({"message_id": mine})).await.expect(StatusCode::OK);
    moderator.post("/channels/ann/chat/users/bob/notes", json!({"text": "x"})).await.expect(StatusCode::CREATED);
    moderator.put("/channels/ann/chat/users/bob/network", json!({})).await.expect(StatusCode::NO_CONTENT);
    let third = said(&site, "ann", "bob", "a secret too").await;
    moderator.delete(&format!("/channels/ann/chat/messages/{third}")).await.expect(StatusCode::NO_CONTENT);
    ann.put("/channels/ann/staff/bob", json!({"role": "moderator"})).await.expect(StatusCode::OK);
    bob.put("/channels/ann/chat/bans/vic", json!({"seconds": 600})).await.expect(StatusCode::OK);
    // They take along what they said.
    let export = site.store.export(&who.id).await.unwrap();
    let (_, rows) = export.iter().find(|(name, _)| *name == "messages").unwrap();
    assert_eq!(rows.len(), 3);
    assert!(rows[0]["body"].as_str().unwrap().contains("my secret words"));
    let (_, rows) = export.iter().find(|(name, _)| *name == "account").unwrap();
    assert!(rows[0].get("color").is_some());
    bob.send_json("DELETE", "/me", json!({"password": site::PASSWORD})).await.expect(StatusCode::NO_CONTENT);
    let mut left = String::new();
    for path in ["chat", "chat/messages", "chat/actions", "chat/bans", "chat/networks"] {
        left.push_str(&ann.get(&format!("/channels/ann/{path}")).await.body);
    }
    assert!(left.contains("I see") && left.contains("\"ban") | left.contains("timeout"), "{left}");
    assert!(!left.contains("secret") && !left.contains("\"bob\""), "{left}");
    let bans: Page<ChatBan> = ann.get("/channels/ann/chat/bans").await.json();
    assert!(bans.items[0].by.starts_with("deleted_"), "what they did stays, without their name");
    assert!(site.store.chat_notes(&here.id, &who.id).await.unwrap().is_empty());
}

async fn a_channel_that_ends(site: Site) {
    let [ann, ..] = people(&site).await;
    let emote: Emote = send_picture(&ann, "PUT", "/channels/ann/chat/emotes/Wave", picture(30, 30)).await.json();
    ann.put("/channels/ann/chat/bans/bob", json!({})).await.expect(StatusCode::OK);
    said(&site, "ann", "bob", "x").await;
    let here = channel(&site, "ann").await;
    ann.delete("/channels/ann").await.expect(StatusCode::NO_CONTENT);
    let gone = site.guest().at_root("GET", &format!("/emotes/{}/1", emote.id)).await;
    assert_eq!(gone.status(), StatusCode::NOT_FOUND);
    let bob = user(&site, "bob").await;
    assert_eq!(site.store.chat_ban(&here.id, &bob.id, now_ms()).await.unwrap(), None);
    // Its messages go with the next round, however long others are kept.
    assert_eq!(site.store.forget_chat(None, now_ms() + 1_000).await.unwrap(), 1);
}

async fn retention(site: Site) {
    let [ann, .., bob, _] = people(&site).await;
    const HOUR_MS: i64 = 3600 * 1000;
    let now = now_ms();
    for (name, client) in [("ann", &ann), ("bob", &bob)] {
        let (channel, who) = (channel(&site, name).await, user(&site, "vic").await);
        for hours in [80, 30, 1] {
            let id = rivulet_store::new_id(now - hours * HOUR_MS);
            let row = ChatWrite::Message {
                channel_id: channel.id.clone(),
                broadcast_id: None,
                message: message(&id, &who, "x"),
            };
            site.store.write_chat(&[row], now_ms()).await.unwrap();
        }
        client.put(&format!("/channels/{name}/chat/settings"), json!({"slow_seconds": 1})).await.expect(StatusCode::OK);
    }
    assert_eq!(site.store.forget_chat(None, now).await.unwrap(), 0, "for ever");
    ann.put("/channels/ann/chat/settings", json!({"retention_days": 1})).await.expect(StatusCode::OK);
    assert_eq!(site.store.forget_chat(Some(72 * HOUR_MS), now).await.unwrap(), 3, "two of hers, one of his");
    for (client, name, want) in [(&ann, "ann", 1), (&bob, "bob", 2)] {
        let left: Page<Message> = client.get(&format!("/channels/{name}/chat/messages")).await.json();
        assert_eq!(left.items.len(), want, "{name}");
    }
}

async fn call(client: &Client, method: &str, path: &str, body: Value) -> (u16, Value) {
    let mut client = client.with("content-type", "application/json");
    client.headers.insert(header::HOST, "live.example".parse().unwrap());
    let response = client.at_root_with(method, path, Body::from(body.to_string())).await;
    let status = response.status().as_u16();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

async fn helix(site: Site) {
    let [ann, _, _, bob, _] = people(&site).await;
    site.chat();
    let moderator = user(&site, "mod").await;
    let (bob_id, channel_id) = (user(&site, "bob").await.id, channel(&site, "ann").await.id);
    let token = AccessToken::generate();
    let scopes = [Scope::ChatRead, Scope::ChatWrite, Scope::Moderate];
    site.store.add_access_token(&moderator.id, &token.hash(), "bot", &scopes, 1, None).await.unwrap();
    let bot = site.guest().with("authorization", &format!("Bearer {}", token.reveal()));
    let none = || json!({});
    // Whoever asks; somebody with a channel; somebody without one.
    let (_, me) = call(&bot, "GET", "/helix/users", none()).await;
    assert_eq!((&me["data"][0]["login"], &me["data"][0]["id"]), (&"mod".into(), &moderator.id.clone().into()));
    let (_, found) = call(&bot, "GET", "/helix/users?login=ann", none()).await;
    assert_eq!(found["data"][0]["id"], channel_id);
    let ids = format!("broadcaster_id={channel_id}&moderator_id={}", moderator.id);

    let say = |text: &str| json!({"broadcaster_id": channel_id, "sender_id": moderator.id, "message": text});
    let (status, said_it) = call(&bot, "POST", "/helix/chat/messages", say("hello")).await;
    assert_eq!((status, &said_it["data"][0]["is_sent"]), (200, &true.into()));
    let (_, dropped) = call(&bot, "POST", "/helix/chat/messages", say("refuse slow")).await;
    assert_eq!(dropped["data"][0]["drop_reason"]["code"], "slow_mode");
    let as_bob = json!({"broadcaster_id": channel_id, "sender_id": bob_id, "message": "x"});
    assert_eq!(call(&bot, "POST", "/helix/chat/messages", as_bob).await.0, 400);

    let bans = format!("/helix/moderation/bans?{ids}");
    let timeout = json!({"data": {"user_id": bob_id, "duration": 60, "reason": "spam"}});
    let (status, banned) = call(&bot, "POST", &bans, timeout).await;
    assert_eq!((status, &banned["data"][0]["user_id"]), (200, &bob_id.clone().into()));
    assert!(banned["data"][0]["end_time"].is_string());
    let (_, list) = call(&bot, "GET", &format!("/helix/moderation/banned?{ids}"), none()).await;
    assert_eq!((&list["data"][0]["user_login"], &list["data"][0]["moderator_login"]), (&"bob".into(), &"mod".into()));
    let unban = format!("{bans}&user_id={bob_id}");
    assert_eq!(call(&bot, "DELETE", &unban, none()).await.0, 204);
    assert_eq!(call(&bot, "DELETE", &unban, none()).await.0, 409);
    let (status, error) = call(&bob, "POST", &bans, json!({"data": {"user_id": bob_id}})).await;
    assert_eq!((status, &error["status"]), (403, &403.into()));
    let owner = json!({"data": {"user_id": user(&site, "ann").await.id}});
    assert_eq!(call(&bot, "POST", &bans, owner).await.0, 403);

    let id = said(&site, "ann", "bob", "x").await;
    let one = format!("/helix/moderation/chat?{ids}&message_id={id}");
    assert_eq!(call(&bot, "DELETE", &one, none()).await.0, 204);
    assert_eq!(call(&bot, "DELETE", &format!("/helix/moderation/chat?{ids}"), none()).await.0, 204);

    let settings = format!("/helix/chat/settings?{ids}");
    let modes = json!({"slow_mode": true, "slow_mode_wait_time": 20, "follower_mode": true, "unique_chat_mode": true});
    let (status, set) = call(&bot, "PATCH", &settings, modes).await;
    let set = &set["data"][0];
    assert_eq!((status, &set["slow_mode_wait_time"], &set["follower_mode_duration"]), (200, &20.into(), &0.into()));
    call(&bot, "PATCH", &settings, json!({"slow_mode": false})).await;
    let (_, now) = call(&bot, "GET", &settings, none()).await;
    assert_eq!((&now["data"][0]["slow_mode"], &now["data"][0]["unique_chat_mode"]), (&false.into(), &true.into()));
    assert_eq!(now["data"][0]["slow_mode_wait_time"], Value::Null);

    let announce = format!("/helix/chat/announcements?{ids}");
    assert_eq!(call(&bot, "POST", &announce, json!({"message": "Hi", "color": "blue"})).await.0, 204);
    let warn = format!("/helix/moderation/warnings?{ids}");
    let warning = json!({"data": {"user_id": bob_id, "reason": "Be kind"}});
    assert_eq!(call(&bot, "POST", &warn, warning).await.1["data"][0]["reason"], "Be kind");
    let shield = format!("/helix/moderation/shield_mode?{ids}");
    assert_eq!(call(&bot, "PUT", &shield, json!({"is_active": true})).await.1["data"][0]["is_active"], true);
    assert_eq!(call(&bot, "GET", &shield, none()).await.1["data"][0]["is_active"], true);

    send_picture(&ann, "PUT", "/channels/ann/chat/emotes/Wave", moving(2)).await.expect(StatusCode::OK);
    let (_, emotes) = call(&bot, "GET", &format!("/helix/chat/emotes?{ids}"), none()).await;
    assert_eq!((&emotes["data"][0]["name"], &emotes["data"][0]["format"][1]), (&"Wave".into(), &"animated".into()));
    assert_eq!(call(&bot, "GET", "/helix/chat/emotes/global", none()).await.1["data"], json!([]));
    // The id of the broadcaster's user names the channel too.
    let by_user = format!("/helix/chat/settings?broadcaster_id={}", user(&site, "ann").await.id);
    assert_eq!(call(&bot, "GET", &by_user, none()).await.1["data"][0]["broadcaster_id"], channel_id);
    // What the server does by itself goes the same way.
    let here = channel(&site, "ann").await;
    let done = site.store.moderate(&here, &Doer::server(), Deed::Shield { on: false, settings: None }, now_ms()).await;
    assert!(done.unwrap().action.by.id.is_empty());
}

async fn eventsub(site: Site) {
    let _ = people(&site).await;
    site.chat();
    let (here, bob) = (channel(&site, "ann").await, user(&site, "bob").await);
    let client = async |name: &str, scopes: &[Scope]| {
        let (user, token) = (user(&site, name).await, AccessToken::generate());
        site.store.add_access_token(&user.id, &token.hash(), "bot", scopes, 1, None).await.unwrap();
        site.guest().with("authorization", &format!("Bearer {}", token.reveal()))
    };
    let moderator = client("mod", &[Scope::ChatRead, Scope::Moderate]).await;
    let reader = client("bob", &[Scope::ChatRead]).await;
    let path = "/helix/eventsub/subscriptions";
    for session in ["s1", "s2"] {
        site.store.open_eventsub_session(session, now_ms()).await.unwrap();
    }
    let ask = |topic: &str, version: &str, key: &str, session: &str| {
        json!({
            "type": topic, "version": version, "condition": {key: here.id},
            "transport": {"method": "websocket", "session_id": session},
        })
    };
    let (message, ban) = ("channel.chat.message", "channel.ban");
    let (status, made) = call(&moderator, "POST", path, ask(ban, "1", "broadcaster_user_id", "s1")).await;
    assert_eq!((status, &made["data"][0]["status"], &made["total"]), (202, &"enabled".into(), &1.into()));
    let id = made["data"][0]["id"].as_str().unwrap().to_owned();
    for (client, body, want) in [
        (&moderator, ask(ban, "1", "broadcaster_user_id", "s1"), 409),
        (&moderator, ask(ban, "2", "broadcaster_user_id", "s1"), 400),
        (&moderator, ask("channel.cheer", "1", "broadcaster_user_id", "s1"), 400),
        (&moderator, ask(ban, "1", "to_broadcaster_user_id", "s1"), 400),
        (&moderator, ask(message, "1", "broadcaster_user_id", "gone"), 400),
        (&moderator, json!({"type": ban}), 400),
        (&reader, ask(message, "1", "broadcaster_user_id", "s1"), 400),
        (&reader, ask(ban, "1", "broadcaster_user_id", "s2"), 403),
        (&reader, ask("stream.online", "1", "broadcaster_user_id", "s2"), 202),
        (&reader, ask(message, "1", "broadcaster_user_id", "s2"), 202),
        (&site.guest(), ask(message, "1", "broadcaster_user_id", "s2"), 401),
    ] {
        let (status, answer) = call(client, "POST", path, body.clone()).await;
        assert_eq!(status, want, "{body} {answer}");
    }
    let mut named = ask(message, "1", "broadcaster_user_id", "s1");
    named["condition"]["user_id"] = bob.id.clone().into();
    assert_eq!(call(&moderator, "POST", path, named).await.0, 400, "in somebody else's name");
    let (_, list) = call(&reader, "GET", &format!("{path}?type={message}"), json!({})).await;
    assert_eq!((list["data"].as_array().unwrap().len(), &list["total"]), (1, &2.into()));
    let one = format!("{path}?id={id}");
    assert_eq!(call(&reader, "DELETE", &one, json!({})).await.0, 404, "it is not his");
    assert_eq!(call(&moderator, "DELETE", &one, json!({})).await.0, 204);
    assert_eq!(call(&moderator, "DELETE", &one, json!({})).await.0, 404);

    // A session that nobody kept alive is none, and its subscriptions are gone with it.
    let later = now_ms() + rivulet_store::EVENTSUB_ALIVE_MS + 1000;
    site.store.open_eventsub_session("s3", later).await.unwrap();
    assert!(site.store.eventsub_subscriptions_of(&bob.id).await.unwrap().is_empty());
}
