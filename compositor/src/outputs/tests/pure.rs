use super::super::chunks::{ChunkError, ChunkReader, Message};
use super::super::machine::{Event, Machine, Phase};
use super::super::rtmp::{self, Failure, Publisher};
use super::*;
use proptest::prelude::*;
use rml_rtmp::chunk_io::ChunkSerializer;
use rml_rtmp::handshake::{Handshake, HandshakeProcessResult, PeerType};
use rml_rtmp::messages::MessagePayload;
use rml_rtmp::sessions::{ServerSession, ServerSessionConfig, ServerSessionEvent, ServerSessionResult};
use rml_rtmp::time::RtmpTimestamp;

const SECOND: i64 = 1_000_000;

#[test]
fn a_key_is_never_shown() {
    let key = Key::parse(" live_123_secret?bandwidthtest=true\n").unwrap();
    assert_eq!(key.reveal(), "live_123_secret?bandwidthtest=true");
    assert!(!format!("{key:?}").contains("secret"));
    let place = Place { id: "a".into(), address: Address::parse(Platform::Twitch, None).unwrap(), key: key.clone() };
    assert!(!format!("{place:?}").contains("secret"));
    assert_eq!(key.redact("no stream live_123_secret\nhere"), "no stream (the key) here");
    assert_eq!(key.redact(&"x".repeat(1_000)).len(), 200);
    for (text, error) in
        [("", KeyError::Empty), (" \n", KeyError::Empty), ("a b", KeyError::Form), ("ü", KeyError::Form)]
    {
        assert_eq!(Key::parse(text), Err(error));
    }
    assert_eq!(Key::parse(&"k".repeat(1_025)), Err(KeyError::Form));
}

#[test]
fn given_targets() {
    let parse = |texts: &[&str]| Given::parse_all(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
    for (text, platform, address, key) in [
        ("a=rtmp://h/live/key", Platform::Custom, "rtmp://h:1935/live", "key"),
        ("a=rtmps://h:9/x/y/key?b=/c", Platform::Custom, "rtmps://h:9/x/y", "key?b=/c"),
        ("a=rtmp://h/live/k=1", Platform::Custom, "rtmp://h:1935/live", "k=1"),
        ("a=rtmps://a.rtmps.youtube.com/live2/k", Platform::Youtube, "rtmps://a.rtmps.youtube.com:443/live2", "k"),
        (
            "a=rtmps://live-api-s.facebook.com/rtmp/F?s=1",
            Platform::Facebook,
            "rtmps://live-api-s.facebook.com:443/rtmp",
            "F?s=1",
        ),
    ] {
        let all = parse(&[text]).unwrap();
        let [given] = &all[..] else { panic!("{text}: {all:?}") };
        let seen = (given.id.as_str(), given.platform, given.address.to_string(), given.key.reveal());
        assert_eq!(seen, ("a", platform, address.to_owned(), key), "{text}");
        assert!(!format!("{given:?}").contains("key") || format!("{given:?}").contains("Key(hidden)"), "{given:?}");
    }
    let several = parse(&["a=rtmp://h/live/1  b=rtmp://h/live/2\n", "", "c=rtmp://h/live/3"]).unwrap();
    assert_eq!(several.iter().map(|given| given.id.as_str()).collect::<String>(), "abc");
    for (texts, words) in [
        (&["rtmp://h/live/secret"][..], "target 1 is not NAME=rtmp://HOST/APP/KEY"),
        (&["a=rtmp://h/live/1", "rtmp://h/live/secret?x=1"], "target 2 is not NAME="),
        (&["a/b=rtmp://h/live/secret"], "the name of target 1: an id is"),
        (&["a=rtmp://h/live/1 a=rtmp://h/live/secret"], "target a: there are two"),
        (&["a=http://h/live/secret"], "target a: this is not a URL that starts with rtmp://"),
        (&["a=secret"], "target a: this is not a URL"),
        (&["a="], "target a: this is not a URL"),
        (&["a=rtmp://h/secret"], "target a: the app or the key is missing"),
        (&["a=rtmp://h/live/"], "target a: a stream key is missing"),
        (&["a=rtmp://me:secret@h/live/key"], "target a: a URL must not have a user name"),
        (&["a=rtmp://live-api-s.facebook.com/rtmp/secret"], "target a: Facebook is reached by rtmps://"),
    ] {
        let error = parse(texts).unwrap_err();
        assert!(error.contains(words) && !error.contains("secret"), "{texts:?}: {error}");
    }
}

#[test]
fn addresses() {
    use AddressError::*;
    let parse = |platform, url| Address::parse(platform, url).map(|address| address.to_string());
    let custom = |url| parse(Platform::Custom, Some(url));
    for (address, want) in [
        (parse(Platform::Twitch, None), Ok("rtmps://ingest.global-contribute.live-video.net:443/app")),
        (parse(Platform::Youtube, None), Ok("rtmps://a.rtmps.youtube.com:443/live2")),
        (parse(Platform::Twitch, Some("rtmp://live-fra.twitch.tv/app")), Ok("rtmp://live-fra.twitch.tv:1935/app")),
        (custom("rtmp://127.0.0.1:1936/live/"), Ok("rtmp://127.0.0.1:1936/live")),
        (custom("rtmps://[::1]/a/b"), Ok("rtmps://[::1]:443/a/b")),
        (parse(Platform::Tiktok, None), Err(Missing("TikTok"))),
        (parse(Platform::X, None), Err(Missing("X"))),
        (parse(Platform::Custom, None), Err(Missing("This server"))),
        (parse(Platform::Facebook, Some("rtmp://a/rtmp")), Err(Plain("Facebook"))),
        (custom("http://a/live"), Err(Form)),
        (custom("rtmp://"), Err(Form)),
        (custom("live"), Err(Form)),
        (custom("rtmp://user:word@a/live"), Err(Credentials)),
        (custom("rtmp://a/live?key=secret"), Err(Query)),
        (custom("rtmp://a/"), Err(App)),
        (custom("rtmp://a"), Err(App)),
    ] {
        assert_eq!(address, want.map(str::to_owned));
    }
}

#[test]
fn what_platforms_take() {
    let offer = Offer { video_kbps: 4_000, key_frames_ms: 2_000, audio_kbps: 128, fps: 60_000.0 / 1_001.0 };
    for platform in Platform::ALL {
        assert_eq!(platform.complaints(&offer), Vec::<String>::new(), "{platform:?}");
        if let Some(url) = platform.limits().url {
            Address::parse(platform, Some(url)).unwrap();
        }
    }
    let much = Offer { video_kbps: 10_000, key_frames_ms: 5_000, audio_kbps: 192, fps: 120.0 };
    for (platform, words) in [
        (Platform::Twitch, &["at most 6000 kbit/s of video", "a key frame every 2 s", "at most 60 pictures"][..]),
        (Platform::Youtube, &["at most 160 kbit/s of sound", "a key frame every 4 s", "at most 60 pictures"]),
        (Platform::Facebook, &["at most 9000 kbit/s of video", "a key frame every 4 s", "at most 60 pictures"]),
        (Platform::X, &["at most 128 kbit/s of sound", "a key frame every 3 s", "at most 60 pictures"]),
        (Platform::Custom, &[]),
    ] {
        let complaints = platform.complaints(&much);
        assert_eq!(complaints.len(), words.len(), "{complaints:?}");
        assert!(complaints.iter().zip(words).all(|(complaint, words)| complaint.contains(words)), "{complaints:?}");
    }
}

#[test]
fn waits_grow_and_are_forgiven() {
    let lost = || Event::Lost("cut".into());
    let refused = || Event::Refused("no".into());
    let mut machine = Machine::default();
    let mut now = 0;
    machine.on(Event::Start, now, 0.5);
    // What happens, after so many seconds, and how long is then waited.
    for (what, event, after, wait) in [
        ("the first time", lost(), 0, 2.0),
        ("again", lost(), 1, 3.0),
        ("and again", lost(), 1, 4.5),
        ("live for a short time", lost(), -59, 6.75),
        ("live for a good minute", lost(), -60, 2.0),
        ("again", lost(), 1, 3.0),
        ("a no", refused(), 1, 300.0),
        ("another", refused(), 1, 600.0),
        ("cut", lost(), 1, 4.5),
        ("a third", refused(), 1, 1_200.0),
        ("a fourth", refused(), 1, 2_400.0),
        ("a fifth", refused(), 1, 3_600.0),
        ("well again, and then no", refused(), -61, 300.0),
    ] {
        assert_eq!(*machine.phase(), Phase::Connecting, "{what}");
        // A negative time is one of being live.
        if after < 0 {
            machine.on(Event::Live, now, 0.5);
        }
        now += i64::abs(after) * SECOND;
        machine.on(event, now, 0.5);
        let wake = machine.wake().unwrap();
        assert_eq!(wake - now, (wait * SECOND as f64) as i64, "{what}");
        machine.on(Event::Woken, wake - 1, 0.5);
        assert_eq!(machine.wake(), Some(wake), "{what}");
        now = wake;
        machine.on(Event::Woken, now, 0.5);
    }
}

#[test]
fn what_people_see() {
    let mut machine = Machine::default();
    assert_eq!(machine.state(0), State::Off);
    machine.on(Event::Start, 0, 0.0);
    assert_eq!(machine.state(0), State::Connecting);
    machine.on(Event::Refused("no such key".into()), 0, 0.0);
    assert_eq!(machine.state(SECOND / 2), State::Refused { seconds: 240, reason: "no such key".into() });
    let json = serde_json::to_value(machine.state(SECOND)).unwrap();
    assert_eq!(json, serde_json::json!({"state": "refused", "seconds": 239, "reason": "no such key"}));
    // Whoever has mended it does not wait.
    machine.on(Event::Start, SECOND, 0.0);
    machine.on(Event::Live, SECOND, 0.0);
    assert_eq!(machine.state(SECOND), State::Live);
    machine.on(Event::Start, SECOND, 0.0);
    assert_eq!(machine.state(SECOND), State::Live);
    machine.on(Event::Stop, SECOND, 0.0);
    assert_eq!((machine.state(SECOND), machine.wake()), (State::Off, None));
}

proptest! {
    #[test]
    fn no_target_hammers(seed in proptest::collection::vec((0u8..6, 0i64..200, 0f64..1.0), 1..300)) {
        let mut machine = Machine::default();
        let (mut now, mut attempts) = (0, Vec::new());
        for (what, seconds, chance) in seed {
            now += seconds * SECOND / 4;
            let before = machine.phase().clone();
            let event = match what {
                0 => Event::Start,
                1 => Event::Live,
                2 | 3 => Event::Lost("lost".into()),
                4 => Event::Refused("no".into()),
                _ => Event::Woken,
            };
            let own = event == Event::Woken;
            machine.on(event, now, chance);
            let connects = *machine.phase() == Phase::Connecting && before != Phase::Connecting;
            if connects && own {
                attempts.push(now);
            }
            if let Some(wake) = machine.wake().filter(|_| machine.phase() != &before) {
                let wait = wake - now;
                let bounds = match machine.phase() {
                    Phase::Waiting { .. } => 1_600_000..=72 * SECOND,
                    _ => 240 * SECOND..=4_320 * SECOND,
                };
                prop_assert!(bounds.contains(&wait), "{wait}");
            }
        }
        prop_assert!(attempts.windows(2).all(|pair| pair[1] - pair[0] >= 1_600_000));
        machine.on(Event::Stop, now, 0.5);
        machine.on(Event::Live, now, 0.5);
        machine.on(Event::Lost(String::new()), now, 0.5);
        machine.on(Event::Woken, i64::MAX / 2, 0.5);
        prop_assert_eq!(machine.phase(), &Phase::Off);
    }

    #[test]
    fn what_goes_through_can_be_decoded(
        packets in proptest::collection::vec((any::<bool>(), 0i64..1_500, 0u8..10), 1..400),
    ) {
        let mut gate = Gate::default();
        let (mut whole, mut passed, mut dropped) = (false, 0, 0);
        for (key, behind_ms, kind) in packets {
            if kind == 0 {
                gate.lost(3);
                whole = false;
                continue;
            }
            let through = gate.picture(key, behind_ms);
            // Nothing is built on a picture that was left out.
            prop_assert!(!through || key || whole);
            prop_assert!(!through || behind_ms <= 700);
            prop_assert!(through || !key || behind_ms > 700);
            whole = through;
            passed += u64::from(through);
            dropped += gate.take_dropped().pictures;
        }
        prop_assert!(passed > 0 || dropped == 0);
    }
}

#[test]
fn sound_goes_on_for_longer_than_pictures() {
    let mut gate = Gate::default();
    assert!(!gate.sound(0));
    assert!(gate.picture(true, 0) && gate.sound(0));
    assert!(gate.picture(false, 700) && !gate.picture(false, 701) && !gate.picture(false, 0) && gate.sound(2_000));
    assert!(!gate.sound(2_001) && !gate.picture(true, 900) && gate.picture(true, 10));
    assert_eq!(gate.take_dropped(), Dropped { pictures: 3, sound: 1 });
}

fn message(kind: u8, bytes: usize) -> MessagePayload {
    let data = (0..bytes).map(|n| n as u8).collect::<Vec<_>>().into();
    MessagePayload { timestamp: RtmpTimestamp::new(7), type_id: kind, message_stream_id: 1, data }
}

proptest! {
    #[test]
    fn messages_are_read_in_any_split(
        sizes in proptest::collection::vec((1usize..3_000, 1u8..21), 1..20),
        splits in proptest::collection::vec(1usize..500, 1..50),
        chunk in 64u32..5_000,
    ) {
        let mut serializer = ChunkSerializer::new();
        let mut bytes = serializer.set_max_chunk_size(chunk, RtmpTimestamp::new(0)).unwrap().bytes;
        for (size, kind) in &sizes {
            bytes.extend(serializer.serialize(&message(*kind, *size), false, false).unwrap().bytes);
        }
        let (mut reader, mut read) = (ChunkReader::default(), Vec::new());
        let (mut rest, mut splits) = (&bytes[..], splits.iter().cycle());
        while !rest.is_empty() {
            let (now, later) = rest.split_at((*splits.next().unwrap()).min(rest.len()));
            rest = later;
            reader.push(now);
            while let Some(message) = reader.next().unwrap() {
                if message.kind == 1 && read.is_empty() {
                    reader.set_chunk_size(chunk).unwrap();
                }
                read.push(message);
            }
        }
        let want = sizes.iter().map(|(size, kind)| Message { kind: *kind, data: message(*kind, *size).data.to_vec() });
        prop_assert_eq!(&read[1..], &want.collect::<Vec<_>>()[..]);
    }

    #[test]
    fn whatever_a_server_sends_is_bounded(bytes in proptest::collection::vec(any::<u8>(), 0..4_000)) {
        let mut reader = ChunkReader::default();
        reader.push(&bytes);
        while let Ok(Some(message)) = reader.next() {
            prop_assert!(message.data.len() <= 64 * 1024);
        }
        let mut publisher = connected().0;
        let _ = publisher.input(&bytes);
    }
}

#[test]
fn chunks_that_are_refused() {
    let refused = |bytes: &[u8]| {
        let mut reader = ChunkReader::default();
        reader.push(bytes);
        loop {
            match reader.next() {
                Ok(Some(_)) => {}
                Ok(None) => return None,
                Err(error) => return Some(error),
            }
        }
    };
    assert_eq!(refused(&[0xc4]), Some(ChunkError::NothingBefore));
    assert_eq!(refused(&[4, 0, 0, 0, 1, 0, 1, 20, 1, 0, 0, 0]), Some(ChunkError::TooLarge(65_537)));
    let streams: Vec<u8> = (2..19).flat_map(|id| [id, 0, 0, 0, 0, 0, 1, 20, 1, 0, 0, 0, 9]).collect();
    assert_eq!(refused(&streams), Some(ChunkError::TooManyStreams));
    assert_eq!(refused(&streams[..13 * 16]), None);
    for bytes in [0, 16 * 1024 * 1024, u32::MAX] {
        assert_eq!(ChunkReader::default().set_chunk_size(bytes), Err(ChunkError::ChunkSize(bytes)));
    }
}

const KEY: &str = "a_secret_key";

/// A publisher past its handshake, and the server's session with what it has heard.
fn connected() -> (Publisher, ServerSession, Vec<u8>) {
    let (video, sound) = encoders();
    let address = Address::parse(Platform::Custom, Some("rtmp://localhost/live")).unwrap();
    let mut publisher = Publisher::new(address, Key::parse(KEY).unwrap(), &description(&video, &sound)).unwrap();
    let mut handshake = Handshake::new(PeerType::Server);
    let mut to_client = handshake.generate_outbound_p0_and_p1().unwrap();
    loop {
        publisher.input(&to_client).unwrap();
        match handshake.process_bytes(&publisher.output()).unwrap() {
            HandshakeProcessResult::InProgress { response_bytes } => to_client = response_bytes,
            HandshakeProcessResult::Completed { response_bytes, remaining_bytes } => {
                publisher.input(&response_bytes).unwrap();
                let (session, first) = ServerSession::new(ServerSessionConfig::new()).unwrap();
                for result in first {
                    if let ServerSessionResult::OutboundResponse(packet) = result {
                        publisher.input(&packet.bytes).unwrap();
                    }
                }
                let heard = [remaining_bytes, publisher.output()].concat();
                return (publisher, session, heard);
            }
        }
    }
}

/// Talks until nobody has anything to say; `refuse` is the code of a no to what the server is asked
/// at that place: 0 is the connection, 1 the stream.
fn talk(refuse: Option<(usize, &str)>) -> (Result<Vec<rtmp::Event>, Failure>, Publisher, Vec<String>) {
    let (mut publisher, mut session, mut heard) = connected();
    let (mut asked, mut names, mut events) = (0, Vec::new(), Vec::new());
    while !heard.is_empty() {
        let mut results = session.handle_input(&heard).unwrap();
        let mut answers = Vec::new();
        while !results.is_empty() {
            match results.remove(0) {
                ServerSessionResult::OutboundResponse(packet) => answers.extend(packet.bytes),
                ServerSessionResult::RaisedEvent(event) => {
                    let (name, id) = match event {
                        ServerSessionEvent::ConnectionRequested { request_id, app_name } => {
                            (format!("connect {app_name}"), Some(request_id))
                        }
                        ServerSessionEvent::PublishStreamRequested { request_id, stream_key, .. } => {
                            (format!("publish {stream_key}"), Some(request_id))
                        }
                        ServerSessionEvent::UnhandleableAmf0Command { command_name, .. } => (command_name, None),
                        ServerSessionEvent::StreamMetadataChanged { metadata, .. } => {
                            (format!("metadata {:?} {:?}", metadata.video_width, metadata.audio_sample_rate), None)
                        }
                        _ => continue,
                    };
                    names.push(name);
                    let Some(id) = id else { continue };
                    let more = match refuse {
                        Some((at, code)) if at == asked => {
                            session.reject_request(id, code, &format!("{KEY} is not welcome")).unwrap()
                        }
                        _ => session.accept_request(id).unwrap(),
                    };
                    asked += 1;
                    results.extend(more);
                }
                ServerSessionResult::UnhandleableMessageReceived(_) => {}
            }
        }
        match publisher.input(&answers) {
            Ok(more) => events.extend(more),
            Err(failure) => return (Err(failure), publisher, names),
        }
        heard = publisher.output();
    }
    (Ok(events), publisher, names)
}

#[test]
fn the_conversation_of_a_publisher() {
    let (events, publisher, names) = talk(None);
    assert_eq!(events, Ok(vec![rtmp::Event::Live]));
    assert!(publisher.is_live());
    let metadata = "metadata Some(320) Some(48000)";
    let want = ["connect live", "releaseStream", "FCPublish", "publish a_secret_key", metadata];
    assert_eq!(names, want);
}

#[test]
fn a_no_is_told_without_the_key() {
    for (at, code, words) in [
        (0, "NetConnection.Connect.Rejected", "refuses the connection"),
        (0, "NetConnection.Connect.InvalidApp", "no such application"),
        (1, "NetStream.Publish.BadName", "does not take this stream key"),
        (1, "NetStream.Publish.Denied", "does not let this key publish"),
    ] {
        match talk(Some((at, code))).0 {
            Err(Failure::Refused(reason)) => {
                assert!(reason.contains(words) && reason.contains("(the key)") && !reason.contains(KEY), "{reason}");
            }
            other => panic!("{code}: {other:?}"),
        }
    }
}

/// A message of a server, in one chunk.
fn server(kind: u8, data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u32).to_be_bytes();
    [&[2, 0, 0, 0], &length[1..], &[kind, 0, 0, 0, 0], data].concat()
}

#[test]
fn pings_and_windows_are_answered() {
    let (_, mut publisher, _) = talk(None);
    let mut answer = |bytes: &[u8]| {
        publisher.input(bytes).unwrap();
        publisher.output()
    };
    assert!(answer(&server(4, &[0, 6, 1, 2, 3, 4])).ends_with(&[0, 7, 1, 2, 3, 4]));
    assert!(answer(&server(6, &[0, 0x10, 0, 0, 2])).ends_with(&2_500_000u32.to_be_bytes()));
    assert!(answer(&server(4, &[0, 1, 0, 0, 0, 0])).is_empty());
    answer(&server(5, &2_000u32.to_be_bytes()));
    // Bytes that came are told after each window; 3 is an acknowledgement.
    let told = answer(&server(4, &[0, 1].repeat(64)).repeat(20));
    assert_eq!(told[7], 3);
}

#[test]
fn times_of_hours_are_sent_whole() {
    let (_, mut publisher, _) = talk(None);
    // Beyond 0xffffff a timestamp is extended, in every chunk of its message.
    publisher.send(Kind::Picture, 0x0123_4567, Bytes::from(vec![7; 5_000])).unwrap();
    let sent = publisher.output();
    assert_eq!(sent[1..4], [0xff; 3]);
    assert_eq!(sent[12..16], [1, 0x23, 0x45, 0x67]);
    let second = 16 + 4_096;
    assert_eq!(sent[second] >> 6, 3);
    assert_eq!(sent[second + 1..second + 5], [1, 0x23, 0x45, 0x67]);
    assert_eq!(sent.len(), 16 + 4_096 + 5 + 904);
}
