//! Rooms by real WebSocket clients, on both kinds of back ends: SQLite with the bus of one process,
//! Postgres with Redis. Two nodes share them, as two servers would.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod world;

use rivulet_protocol::chat::{Badge, ClientFrame, Event, Position, RefusalCode, Say, ServerFrame, close};
use rivulet_protocol::eventsub::Topic;
use rivulet_protocol::rest::{AccessKind, ChatSettings, RaidDefence, Scope, Suspension, TermDeed};
use rivulet_store::Deed;
use std::time::{Duration, Instant};
use world::{World, said};

macro_rules! suite {
    ($($name:ident)*) => {
        mod in_process {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(super::World::embedded().await).await;
            })*
        }
        mod distributed {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(super::World::distributed().await).await;
            })*
        }
    };
}

suite! {
    what_is_said_is_heard_by_all
    a_client_that_comes_back_gets_exactly_what_it_missed
    guests_read_and_tokens_do_what_they_are_for
    a_ban_is_heard_of_on_every_node_at_once
    moderators_see_more
    commands_are_typed_into_the_chat
    a_slow_reader_is_told_and_disturbs_nobody
    whoever_does_not_keep_to_the_protocol_goes
    a_raid_meets_the_shield
    a_channel_that_is_not_for_everybody
    what_was_said_is_written_down
    a_room_changes_hands_without_a_loss
    bots_subscribe_as_they_know_it
    every_frame_of_the_rfc
}

async fn what_is_said_is_heard_by_all(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let mut a = world.client(0, &ann).await;
    let mut b = world.client(1, &bob).await;
    let mut packed = world.packed(1, &bob).await;
    let id = a.say("c1", "hello Wörld").await.unwrap().unwrap();
    for client in [&mut a, &mut b, &mut packed] {
        let message = client.message().await;
        assert_eq!((message.id.as_str(), message.text.as_str()), (id.as_str(), "hello Wörld"));
        assert_eq!((message.author.login.as_str(), message.first), ("ann", true));
    }
    assert_eq!(a.say("c1", "hello Wörld").await, Ok(Some(id.clone())), "sent again, it is the same message");
    let answer = b.say_to("b1", "yes", Some(&id)).await.unwrap();
    assert_ne!(answer.as_deref(), Some(id.as_str()));
    assert_eq!(a.message().await.reply_to.unwrap().login, "ann");
    assert_eq!(b.message().await.text, "yes", "once, whichever node it was said on");
    // In the order of the room, whoever says it where.
    for n in 0..10 {
        a.say(&format!("a{n}"), &format!("ann {n}")).await.unwrap();
        b.say(&format!("n{n}"), &format!("bob {n}")).await.unwrap();
    }
    let mut heard = Vec::new();
    for client in [&mut a, &mut b, &mut packed] {
        if heard.is_empty() {
            for _ in 0..20 {
                heard.push(client.message().await.text);
            }
        } else {
            let skip = if client.is_packed() { 1 } else { 0 };
            let mut same = Vec::new();
            for _ in 0..20 + skip {
                same.push(client.message().await.text);
            }
            assert_eq!(same[skip..], heard);
        }
    }
    let mut late = world.client(1, &ann).await;
    assert_eq!(late.welcome.history.len(), 22);
    assert!(!late.welcome.recovered && late.welcome.you.is_some());
    late.quiet().await;
}

async fn a_client_that_comes_back_gets_exactly_what_it_missed(world: World) {
    let ann = world.user("ann").await;
    let mut a = world.client(0, &ann).await;
    let mut b = world.guest(1, None).await;
    a.say("1", "one").await.unwrap();
    b.message().await;
    let seen = b.position;
    drop(b);
    for n in 2..=6 {
        a.say(&n.to_string(), &format!("message {n}")).await.unwrap();
    }
    for node in [0, 1] {
        let mut back = world.guest(node, Some(seen)).await;
        assert!(back.welcome.recovered && back.welcome.history.is_empty(), "on node {node}");
        for n in 2..=6 {
            assert_eq!(back.message().await.text, format!("message {n}"));
        }
        back.quiet().await;
    }
    for position in [Position { epoch: seen.epoch + 7, n: 1 }, Position { n: 1_000_000, ..seen }, Position::default()] {
        let back = world.guest(0, Some(position)).await;
        assert!(!back.welcome.recovered && back.welcome.history.len() == 6, "{position:?}");
    }
}

async fn guests_read_and_tokens_do_what_they_are_for(world: World) {
    let ann = world.user("ann").await;
    let mut guest = world.guest(0, None).await;
    assert!(guest.welcome.you.is_none());
    assert_eq!(guest.say("1", "hi").await.unwrap_err().code, RefusalCode::LogIn);
    let mut reader = world.with_token(0, &world.token(&ann, &[Scope::ChatRead]).await).await.unwrap();
    assert_eq!(reader.say("1", "hi").await.unwrap_err().code, RefusalCode::Scope);
    let token = world.token(&ann, &[Scope::ChatRead, Scope::ChatWrite]).await;
    let mut writer = world.with_token(0, &token).await.unwrap();
    writer.say("1", "hi").await.unwrap();
    let owners = world.token(&world.owner.clone(), &[Scope::ChatRead, Scope::ChatWrite]).await;
    let mut bot = world.with_token(0, &owners).await.unwrap();
    assert_eq!(bot.say("1", "/slow 30").await.unwrap_err().code, RefusalCode::Scope, "for writing, not moderating");
    assert_eq!(guest.message().await.text, "hi");
    assert_eq!(world.with_token(0, &world.token(&ann, &[Scope::UserRead]).await).await.err(), Some(close::FORBIDDEN));
    assert_eq!(world.with_token(0, "rvt_nonsense").await.err(), Some(close::TICKET));
    for (ticket, code) in [("nonsense", close::TICKET), ("", close::TICKET)] {
        assert_eq!(world.with_ticket(0, ticket).await.err(), Some(code));
    }
    world.hub(0).chat().tell(rivulet_hub::ChatNote::LoggedOut(ann.id.clone())).await;
    assert_eq!(writer.closed().await, close::TICKET);
}

async fn a_ban_is_heard_of_on_every_node_at_once(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let mut a = world.client(0, &ann).await;
    let mut b = world.client(1, &bob).await;
    let mut rounds = Vec::new();
    for round in 0..8 {
        b.say(&format!("b{round}"), &format!("spam {round}")).await.unwrap();
        a.message().await;
        let (began, near) = (Instant::now(), round % 2);
        world.moderate(near, Deed::Ban { user: &bob, seconds: None, reason: "spam" }).await;
        let event = a.event(|event| matches!(event, Event::UserCleared { .. })).await;
        let first = began.elapsed();
        assert!(matches!(event, Event::UserCleared { login, banned: true, seconds: None, .. } if login == "bob"));
        b.event(|event| matches!(event, Event::UserCleared { .. })).await;
        rounds.push((first, began.elapsed()));
        let refusal = b.say(&format!("x{round}"), &format!("more {round}")).await.unwrap_err();
        assert_eq!(refusal.code, RefusalCode::Banned);
        world.moderate(near, Deed::Unban { user: &bob }).await;
        // It is heard of as fast as the ban.
        let again = Instant::now();
        while let Err(refusal) = b.say(&format!("y{round}-{:?}", again.elapsed()), &format!("back {round}")).await {
            assert!(refusal.code == RefusalCode::Banned && again.elapsed() < Duration::from_secs(5));
        }
        a.message().await;
        world.moderate(0, Deed::Clear).await;
        for client in [&mut a, &mut b] {
            client.event(|event| matches!(event, Event::Cleared)).await;
        }
    }
    rounds.sort();
    let (median, worst) = (rounds[rounds.len() / 2], rounds[rounds.len() - 1]);
    println!("a ban, from its row to the clients of both nodes: median {median:?}, worst {worst:?}");
    a.quiet().await;
}

async fn moderators_see_more(world: World) {
    let (ann, owner) = (world.user("ann").await, world.owner.clone());
    world.term("secret", TermDeed::Hold).await;
    let mut a = world.client(0, &ann).await;
    let mut o = world.client(1, &owner).await;
    assert!(o.welcome.you.as_ref().unwrap().moderator && !a.welcome.you.as_ref().unwrap().moderator);
    let badge = Badge { kind: "broadcaster".into(), version: "1".into() };
    assert!(o.welcome.you.as_ref().unwrap().author.badges.contains(&badge));
    assert_eq!(a.say("1", "a secret").await.unwrap_err().code, RefusalCode::Held);
    let Event::Held { message: held } = o.event(|event| matches!(event, Event::Held { .. })).await else { panic!() };
    assert_eq!((held.message.text.as_str(), held.reason.as_str()), ("a secret", "secret"));
    world.written(&held.id).await;
    world.moderate(1, Deed::HoldResolved { id: &held.id, allow: true }).await;
    assert_eq!(a.message().await.text, "a secret");
    assert_eq!(o.message().await.text, "a secret");
    let settings = ChatSettings { delay_seconds: 2, ..ChatSettings::default() };
    world.moderate(0, Deed::Settings(&settings)).await;
    a.event(|event| matches!(event, Event::Settings { .. })).await;
    let began = Instant::now();
    a.say("2", "later").await.unwrap();
    assert_eq!(o.message().await.text, "later");
    let early = began.elapsed();
    assert_eq!(world.guest(0, None).await.welcome.history.len(), 1, "who comes in does not hear it early");
    assert_eq!(a.message().await.text, "later");
    assert!(began.elapsed() >= Duration::from_secs(2) && early < Duration::from_secs(2));
}

async fn commands_are_typed_into_the_chat(world: World) {
    let (ann, owner) = (world.user("ann").await, world.owner.clone());
    let mut a = world.client(0, &ann).await;
    let mut o = world.client(1, &owner).await;
    assert_eq!(a.say("1", "/slow 30").await.unwrap_err().code, RefusalCode::Forbidden);
    assert_eq!(a.say("2", "/fly").await.unwrap_err().code, RefusalCode::UnknownCommand);
    a.say("3", "/me waves").await.unwrap();
    assert!(o.message().await.action && a.message().await.action);
    assert_eq!(o.say("1", "/slow 30").await, Ok(None));
    a.event(|event| matches!(event, Event::Settings { settings } if settings.slow_seconds == 30)).await;
    let refusal = a.say("4", "too soon").await.unwrap_err();
    assert!(refusal.code == RefusalCode::SlowMode && (1..=30_000).contains(&refusal.retry_ms.unwrap()));
    assert_eq!(o.say("2", "/timeout @ANN 10m spam").await, Ok(None));
    assert_eq!(o.say("3", "/timeout nobody").await.unwrap_err().code, RefusalCode::NoSuchUser);
    a.event(|event| matches!(event, Event::UserCleared { seconds: Some(600), .. })).await;
    assert_eq!(a.say("5", "hm").await.unwrap_err().code, RefusalCode::TimedOut);
    o.say("4", "/announce Dinner!").await.unwrap();
    let announced = a.message().await;
    assert_eq!((announced.text.as_str(), announced.announcement.as_deref()), ("Dinner!", Some("primary")));
}

async fn a_slow_reader_is_told_and_disturbs_nobody(world: World) {
    let users = world.users("u", 80).await;
    let victim = world.user("victim").await;
    let mut ear = world.guest(0, None).await;
    let slow = world.slow_guest(0).await;
    let mut speakers = Vec::new();
    for user in &users {
        speakers.push(world.client(0, user).await);
    }
    // More than the ring keeps, and far more than the kernel does for somebody who reads nothing.
    let (rounds, text) = (19, "x".repeat(400));
    for round in 0..rounds {
        for (n, speaker) in speakers.iter_mut().enumerate() {
            let say = Say { id: format!("{round}"), text: format!("{n} {round} {text}"), reply_to: None };
            speaker.send(&ClientFrame::Say(say)).await;
        }
        for _ in 0..speakers.len() {
            ear.message().await;
        }
        if round == 4 {
            world.moderate(0, Deed::Ban { user: &victim, seconds: None, reason: "" }).await;
            ear.event(|event| matches!(event, Event::UserCleared { .. })).await;
        }
    }
    world.moderate(0, Deed::Clear).await;
    ear.event(|event| matches!(event, Event::Cleared)).await;
    let is =
        |frame: &ServerFrame, wanted: fn(&Event) -> bool| matches!(frame, ServerFrame::Event(it) if wanted(&it.event));
    let frames = slow.everything_until(|frame| is(frame, |event| matches!(event, Event::Cleared))).await;
    let gaps = frames.iter().filter(|frame| matches!(frame, ServerFrame::Gap { .. })).count();
    let messages = frames.iter().filter(|frame| said(frame).is_some()).count();
    println!("the slow reader got {messages} of {} messages and {gaps} gaps", rounds * users.len());
    assert!(gaps > 0 && messages < rounds * users.len(), "{gaps} gaps, {messages} messages");
    let bans = frames.iter().filter(|frame| is(frame, |event| matches!(event, Event::UserCleared { .. }))).count();
    assert_eq!(bans, 1, "no deed is left out, or told twice");
}

async fn whoever_does_not_keep_to_the_protocol_goes(world: World) {
    for (frame, code) in [
        ("nonsense".to_owned(), close::BAD_FRAME),
        (r#"{"op":"say","id":"1","text":"before hello"}"#.to_owned(), close::BAD_FRAME),
        (r#"{"op":"hello","v":99}"#.to_owned(), close::BAD_FRAME),
        (format!(r#"{{"op":"hello","v":1,"x":"{}"}}"#, "x".repeat(5000)), close::BAD_FRAME),
    ] {
        let mut client = world.connect(0, &[]).await.unwrap();
        client.send_text(&frame).await;
        assert_eq!(client.closed().await, code, "{frame:.40}");
    }
    let mut guest = world.guest(0, None).await;
    guest.send_text(r#"{"op":"hello","v":1}"#).await;
    assert_eq!(guest.closed().await, close::BAD_FRAME, "hello is said once");
    let mut flood = world.guest(0, None).await;
    for _ in 0..400 {
        flood.send(&ClientFrame::Ping).await;
    }
    assert_eq!(flood.closed().await, close::TOO_MANY);
    for (headers, status) in [
        (vec![("origin", "https://evil.example")], 403),
        (vec![("origin", "null")], 403),
        (vec![("sec-websocket-protocol", "other.v1")], 426),
    ] {
        assert_eq!(world.connect(0, &headers).await.err(), Some(status), "{headers:?}");
    }
    assert_eq!(world.connect_to(0, "nobody_here").await.err(), Some(404));
    let own = format!("http://{}", world.address(0));
    assert!(world.connect(0, &[("origin", &own)]).await.is_ok());
    let mut many = Vec::new();
    let refused = loop {
        match world.connect(0, &[]).await {
            Ok(client) => many.push(client),
            Err(status) => break status,
        }
    };
    assert!(refused == 429 && many.len() <= world::MAX_CONNECTIONS_PER_ADDRESS);
}

async fn a_raid_meets_the_shield(world: World) {
    const RAIDERS: usize = 500;
    let settings = ChatSettings { raid_defence: RaidDefence::Shield, ..ChatSettings::default() };
    world.moderate(0, Deed::Settings(&settings)).await;
    let raiders = world.users("raider", RAIDERS).await;
    let mut owner = world.client(0, &world.owner.clone()).await;
    let tasks = raiders.into_iter().enumerate().map(|(n, raider)| {
        let world = world.clone();
        tokio::spawn(async move {
            let mut client = world.client(n % 2, &raider).await;
            client.say("1", &format!("raid {n}")).await.is_ok()
        })
    });
    let mut heard = 0;
    for task in tasks.collect::<Vec<_>>() {
        heard += usize::from(task.await.unwrap());
    }
    let burst = owner.event(|event| matches!(event, Event::Burst { shield: true, .. })).await;
    println!("of {RAIDERS} raiders {heard} were heard; {burst:?}");
    assert!(heard < RAIDERS / 5, "{heard} of {RAIDERS} were heard");
    let (_, _, on) = world.store().own_chat_settings(&world.channel.id).await.unwrap();
    assert!(on, "shield mode is on");
    let actions = world.store().chat_actions_after(&world.channel.id, 0, 100).await.unwrap();
    assert!(actions.iter().any(|action| action.act.name() == "shield" && action.by.id.is_empty()));
    owner.say("1", "calm down").await.unwrap();
}

async fn a_channel_that_is_not_for_everybody(world: World) {
    let ann = world.user("ann").await;
    let mut guest = world.guest(0, None).await;
    world.set_access(AccessKind::Private).await;
    assert_eq!(guest.closed().await, close::TICKET, "who was here before comes back, and is asked");
    world.until_channel_is_read_anew().await;
    assert_eq!(world.try_guest(0).await.err(), Some(close::FORBIDDEN));
    let token = world.token(&ann, &[Scope::ChatRead]).await;
    assert_eq!(world.with_token(0, &token).await.err(), Some(close::FORBIDDEN));
    let owners = world.token(&world.owner.clone(), &[Scope::ChatRead]).await;
    assert!(world.with_token(0, &owners).await.is_ok());
    let bob = world.user("bob").await;
    world.store().set_guests(&world.channel.id, &[ann.id.clone(), bob.id.clone()]).await.unwrap();
    let suspension = Suspension { reason: String::new(), since_ms: world::now_ms(), until_ms: None };
    world.store().suspend_user(&bob.id, Some(&suspension)).await.unwrap();
    let bobs = world.token(&bob, &[Scope::ChatRead]).await;
    assert_eq!(world.with_token(0, &bobs).await.err(), Some(close::FORBIDDEN), "a guest who is suspended");
    assert!(world.with_token(0, &token).await.is_ok(), "one who is not");
}

async fn what_was_said_is_written_down(world: World) {
    let ann = world.user("ann").await;
    let mut a = world.client(0, &ann).await;
    let kept = a.say("1", "kept").await.unwrap().unwrap();
    let gone = a.say("2", "gone").await.unwrap().unwrap();
    // Right away: the row of the message may not be there yet.
    world.moderate(1, Deed::Delete { message_id: &gone }).await;
    a.event(|event| matches!(event, Event::Deleted { .. })).await;
    world.stop().await;
    let messages = world.store().last_chat_messages(&world.channel.id, 10).await.unwrap();
    assert_eq!(messages.iter().map(|message| &message.id).collect::<Vec<_>>(), [&kept]);
    assert!(world.store().chat_message(&world.channel.id, &gone).await.unwrap().unwrap().deleted);
}

async fn a_room_changes_hands_without_a_loss(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let mut a = world.client(0, &ann).await;
    let mut b = world.client(1, &bob).await;
    let mut texts = Vec::new();
    for n in 0..5 {
        texts.push(format!("before {n}"));
        a.say(&format!("a{n}"), &texts[n]).await.unwrap();
    }
    // The node that came first has the room. It leaves in order; the other takes over at once.
    world.stop_node(0).await;
    assert_eq!(a.closed().await, close::RESTART);
    let mut n = 0;
    let began = Instant::now();
    while let Err(refusal) = b.say(&format!("b{n}"), "after").await {
        assert_eq!(refusal.code, RefusalCode::Unavailable);
        assert!(began.elapsed() < Duration::from_secs(15), "nobody took the room over");
        n += 1;
    }
    println!("another node took the room over within {:?}", began.elapsed());
    texts.push("after".into());
    for text in &texts {
        assert_eq!(&b.message().await.text, text);
    }
    let mut back = world.guest(1, Some(a.position)).await;
    assert!(back.welcome.recovered, "what the old owner gave out is known to the new one");
    let mut rest = Vec::new();
    while rest.last().map(String::as_str) != Some("after") {
        rest.push(back.message().await.text);
    }
    assert!(texts.ends_with(&rest), "{rest:?}");
}

async fn bots_subscribe_as_they_know_it(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let mut bot = world.events(0).await;
    let owner = world.owner.clone();
    let (_, token) = world.token_row(&owner, &[Scope::ChatRead, Scope::Moderate]).await;
    for topic in [Topic::Message, Topic::Ban, Topic::Moderate, Topic::ClearUserMessages, Topic::Online] {
        world.subscribe(1, &bot, (&owner, &token), topic).await.unwrap();
    }
    let again = world.subscribe(1, &bot, (&owner, &token), Topic::Ban).await;
    assert!(again.unwrap_err().to_string().contains("already"));
    let other = world.subscribe(1, &bot, (&ann, &token), Topic::Ban).await;
    assert!(other.unwrap_err().to_string().contains("somebody else"), "a session is one user's");

    let mut a = world.client(1, &ann).await;
    let id = a.say("c1", "hello").await.unwrap().unwrap();
    let heard = bot.notification("channel.chat.message").await;
    assert_eq!((&heard["message_id"], &heard["message"]["text"]), (&id.into(), &"hello".into()));
    assert_eq!((&heard["chatter_user_login"], &heard["broadcaster_user_login"]), (&"ann".into(), &"stage".into()));

    world.moderate(1, Deed::Ban { user: &ann, seconds: Some(60), reason: "spam" }).await;
    let ban = bot.notification("channel.ban").await;
    assert_eq!(
        (&ban["user_login"], &ban["reason"], &ban["is_permanent"]),
        (&"ann".into(), &"spam".into(), &false.into())
    );
    assert_eq!(bot.notification("channel.moderate").await["timeout"]["user_id"], ann.id);
    assert_eq!(bot.notification("channel.chat.clear_user_messages").await["target_user_id"], ann.id);

    world.go_live(1);
    assert_eq!(bot.notification("stream.online").await["type"], "live");

    // Somebody who moderates nothing any more, and a token that is gone.
    let mut reader = world.events(1).await;
    let (_, short) = world.token_row(&bob, &[Scope::ChatRead]).await;
    world.subscribe(0, &reader, (&bob, &short), Topic::Message).await.unwrap();
    world.subscribe(0, &reader, (&bob, &short), Topic::Ban).await.unwrap();
    assert_eq!(reader.revoked().await, "channel.ban", "he never was a moderator");
    world.store().delete_access_token(&bob.id, &short).await.unwrap();
    world.subscriptions_changed(0, &reader).await;
    assert_eq!(reader.revoked().await, "channel.chat.message");

    let mut speaker = world.events(0).await;
    speaker.send("hello").await;
    assert_eq!(speaker.closed().await, 4001, "there is nothing to say here");
    assert_eq!(world.events(0).await.closed().await, 4003, "nobody subscribed");
}

async fn every_frame_of_the_rfc(world: World) {
    let hello = br#"{"op":"hello","v":1}"#;
    let ping = br#"{"op":"ping"}"#;
    let frame = world::masked;
    let whole = [frame(0x81, hello), frame(0x81, ping)].concat();
    let in_parts = [frame(0x01, &hello[..5]), frame(0x89, b"x"), frame(0x00, b""), frame(0x80, &hello[5..])].concat();
    let byte_by_byte: Vec<u8> = hello
        .iter()
        .enumerate()
        .flat_map(|(at, byte)| {
            let (first, last) = (at == 0, at + 1 == hello.len());
            frame(u8::from(last) << 7 | u8::from(first), &[*byte])
        })
        .collect();
    // What is sent, and the opcodes of what comes back, ended by the code of the close.
    let protocol = 1002;
    for (name, sent, pongs, ends) in [
        ("a ping with the longest payload", [frame(0x89, &[7; 125]), whole.clone()].concat(), 1, None),
        ("a pong that nobody asked for", [frame(0x8a, b"late"), whole.clone()].concat(), 0, None),
        ("a message in parts, a ping between them", [in_parts, frame(0x81, ping)].concat(), 1, None),
        ("a message byte by byte", [byte_by_byte, frame(0x81, ping)].concat(), 0, None),
        ("a ping that is too long", frame(0x89, &[7; 126]), 0, Some(protocol)),
        ("a ping in parts", frame(0x09, b"x"), 0, Some(protocol)),
        ("a reserved bit", frame(0xc1, hello), 0, Some(protocol)),
        ("a reserved opcode", frame(0x83, hello), 0, Some(protocol)),
        ("a reserved control opcode", frame(0x8b, b""), 0, Some(protocol)),
        ("a part of nothing", frame(0x80, hello), 0, Some(protocol)),
        ("a new message within another", [frame(0x01, b"{"), frame(0x81, hello)].concat(), 0, Some(protocol)),
        ("a frame without a mask", [&[0x81, hello.len() as u8][..], hello].concat(), 0, Some(protocol)),
        ("text that is no UTF-8", frame(0x81, b"\xff\xfe"), 0, Some(close::BAD_FRAME)),
        ("UTF-8 cut in two", [frame(0x01, b"\xc3"), frame(0x80, b"\x28")].concat(), 0, Some(close::BAD_FRAME)),
        ("binary where text is spoken", frame(0x82, hello), 0, Some(close::BAD_FRAME)),
        ("more than a message may have", frame(0x81, &[b' '; 5000]), 0, Some(close::BAD_FRAME)),
        ("a goodbye", frame(0x88, &1000u16.to_be_bytes()), 0, Some(1000)),
        ("a goodbye without a word", frame(0x88, b""), 0, Some(1005)),
        ("half a close code", frame(0x88, b"\x03"), 0, Some(protocol)),
        ("a close code that nobody may send", frame(0x88, &1005u16.to_be_bytes()), 0, Some(protocol)),
    ] {
        let (heard, code) = world.raw(0, &sent, ends.is_none()).await;
        assert_eq!(heard.iter().filter(|opcode| **opcode == 10).count(), pongs, "{name}: {heard:?}");
        match ends {
            // The welcome and the pong of the chat's own ping.
            None => assert_eq!(heard.iter().filter(|opcode| **opcode == 1).count(), 2, "{name}: {heard:?}"),
            Some(ends) => assert_eq!(code, Some(ends), "{name}: {heard:?}"),
        }
    }
}
