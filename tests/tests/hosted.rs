//! A channel that is hosted by the compositor: a process of the server's own, seen as any viewer sees it.
#![allow(clippy::unwrap_used)]

use rivulet_tests::{Encoder, Options, Person, Server, clip, get, signal, wait_for};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(60);

/// Of a server that hosts a channel, as `setting` says; its compositor is on a port that is free now.
fn options(setting: (&str, &str)) -> (Options, String) {
    let compositor = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut options = Options::default();
    for (name, value) in [
        setting,
        ("RIVULET_COMPOSITOR_HTTP", &compositor),
        ("RIVULET_COMPOSITOR_WEBSOCKET", "127.0.0.1:0"),
        ("RIVULET_COMPOSITOR_METRICS", "127.0.0.1:0"),
        ("RIVULET_COMPOSITOR_HEALTH", "127.0.0.1:0"),
        ("RIVULET_COMPOSITOR_STREAM_PRESET", "superfast"),
    ] {
        options.env.insert(name.into(), value.to_owned());
    }
    // The source alone is enough to look at.
    (options.flag("--rungs", "on-demand"), compositor)
}

/// What ffmpeg says of three seconds of the source: each picture's brightness and the mean volume.
fn seen(server: &Server) -> (Vec<f64>, f64) {
    let url = format!("{}/live/demo/master.m3u8", server.http);
    let output = Command::new("ffmpeg")
        .args(["-hide_banner", "-nostdin", "-i", &url, "-t", "3", "-map", "0:v:0", "-map", "0:a:0"])
        .args(["-vf", "crop=640:80:0:640,signalstats,metadata=print:key=lavfi.signalstats.YDIF:file=-"])
        .args(["-af", "volumedetect", "-f", "null", "-"])
        .output()
        .unwrap();
    let (out, log) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let moved = out.lines().filter_map(|line| line.split_once("YDIF=")?.1.parse().ok()).collect();
    let volume = log.lines().find_map(|line| line.split_once("mean_volume: ")?.1.split(' ').next()?.parse().ok());
    (moved, volume.unwrap_or_else(|| panic!("no sound in {log}")))
}

/// The processes of compositors below `data`.
fn compositors(data: &Path) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let is_ours = |pid: &u32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        line.contains(" compositor ") && line.contains(data.to_str().unwrap())
    };
    pids.filter(is_ours).collect()
}

#[test]
fn the_demo_channel_is_a_scene_with_sound_and_comes_back() {
    let (options, compositor) = options(("RIVULET_DEMO", "true"));
    let mut server = Server::start(options);
    server.wait_state("demo", "live");
    let (moved, volume) = seen(&server);
    // The ticker runs through the lower edge of the picture.
    assert!(moved.len() > 60 && moved.iter().filter(|by| **by > 0.1).count() > 30, "{moved:?}");
    assert!(volume > -50.0, "{volume} dB");

    // Somebody changes the scene, and the compositor ends, however that happens: it is started again, with the
    // scene as it was left, into the same broadcast.
    let broadcast = server.broadcast("demo");
    let scene = || get(&format!("http://{compositor}/v1/scene")).text();
    let layer = format!("http://{compositor}/v1/scene/layers/ticker");
    assert_eq!(ureq::delete(&layer).call().unwrap().status(), 200);
    let [pid] = compositors(server.data.path())[..] else { panic!("one compositor") };
    signal(pid, "KILL");
    let next =
        wait_for("another compositor", SOON, || compositors(server.data.path()).into_iter().find(|next| *next != pid));
    wait_for("it answers", SOON, || TcpStream::connect(&compositor).ok());
    server.wait_state("demo", "live");
    assert!(scene().contains("\"backdrop\"") && !scene().contains("\"ticker\""), "{}", scene());
    assert_eq!(server.broadcast("demo"), broadcast);

    server.stop();
    assert!(!Path::new(&format!("/proc/{next}")).exists(), "the compositor is left behind");
}

/// The compositor outlives nobody: not even a server that had no time to say goodbye.
#[test]
fn no_compositor_is_left_behind() {
    let (options, _) = options(("RIVULET_DEMO", "true"));
    let server = Server::start(options);
    let pid = wait_for("a compositor", SOON, || compositors(server.data.path()).first().copied());
    signal(server.pid(), "KILL");
    wait_for("its end", SOON, || (!compositors(server.data.path()).contains(&pid)).then_some(()));
}

#[test]
fn a_channel_of_somebodys_is_hosted_and_keeps_its_own_keys() {
    let mut server = Server::start(Options::default());
    let own = server.channel("ada");
    server.stop();
    let (mut options, compositor) = options(("RIVULET_HOSTED", "ada"));
    options.data = Some(server.data.clone());
    let server = Server::start(options);
    server.wait_state("ada", "live");
    let outputs = get(&format!("http://{compositor}/v1/outputs")).text();
    assert!(outputs.contains("\"live\"") && !outputs.contains(&own), "{outputs}");
    // Nothing is drawn until somebody opens the editor.
    assert!(get(&format!("http://{compositor}/v1/scene")).text().contains("\"layers\":[]"));
    let keys = server.login("ada").call("GET", "/channels/ada/keys", "");
    let mut names: Vec<&str> =
        keys["items"].as_array().unwrap().iter().map(|key| key["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["", "compositor"]);

    // An encoder of the broadcaster's own has the channel, and keeps it.
    let mut encoder = Encoder::repeat(&clip(8), &format!("{}/{own}", server.rtmp));
    wait_for("the compositor to make way", SOON, || {
        let outputs = get(&format!("http://{compositor}/v1/outputs")).text();
        outputs.contains("from which a standby does not take the channel").then_some(())
    });
    assert!(!encoder.has_ended());
    assert_eq!(server.channel_state("ada")["state"], "live");
}

/// Pixels of the compositor's picture that have this colour, as near as makes no difference.
fn pixels_of(compositor: &str, color: [u8; 3]) -> usize {
    let url = format!("http://{compositor}/v1/thumbnail.png");
    let args = ["-loglevel", "error", "-nostdin", "-i", &url, "-pix_fmt", "rgb24", "-f", "rawvideo", "-"];
    let picture = Command::new("ffmpeg").args(args).output().unwrap().stdout;
    let near = |pixel: &[u8; 3]| pixel.iter().zip(color).all(|(own, other)| own.abs_diff(other) < 8);
    picture.as_chunks::<3>().0.iter().filter(|pixel| near(pixel)).count()
}

#[test]
fn what_is_said_is_in_the_picture_until_it_is_taken_back() {
    // The broadcaster's sign, and the viewer's colour.
    const RED: [u8; 3] = [197, 31, 66];
    const GREEN: [u8; 3] = [0, 255, 0];
    let mut server = Server::start(Options::default());
    for owner in ["ada", "bob"] {
        server.channel(owner);
    }
    server.stop();
    let (mut options, compositor) = options(("RIVULET_HOSTED", "ada"));
    options.env.insert("RIVULET_COMPOSITOR_ALLOW_PRIVATE".into(), "true".into());
    options.data = Some(server.data.clone());
    let server = Server::start(options);
    server.wait_state("ada", "live");
    let send = |method: &str, path: &str, json: serde_json::Value| {
        let request = ureq::http::Request::builder().method(method).uri(format!("http://{compositor}/v1/{path}"));
        let request = request.header("content-type", "application/json").body(json.to_string()).unwrap();
        assert_eq!(ureq::run(request).unwrap().status(), 200, "{path}");
    };
    let chat = server.http.replacen("http://", "ws://", 1);
    send("PUT", "chats/own", serde_json::json!({ "url": format!("{chat}/chat/ada") }));
    let layer = serde_json::json!({ "id": "chat", "kind": "chat", "source": "own", "width": 900, "height": 900,
        "font": { "size": 60 }, "background": "#000000" });
    send("POST", "scene/layers", layer);
    let state = || get(&format!("http://{compositor}/v1/chats/own")).text();
    wait_for("the chat", SOON, || state().contains("\"live\"").then_some(()));
    let lines = |count: usize| {
        wait_for(&format!("{count} lines"), SOON, || state().contains(&format!("\"lines\":{count}")).then_some(()));
    };
    let seen = |what: &str, color: [u8; 3], there: bool| {
        wait_for(what, SOON, || ((pixels_of(&compositor, color) > 20) == there).then_some(()));
    };
    let (ada, bob) = (server.login("ada"), server.login("bob"));
    bob.call("PATCH", "/me", r##"{"color": "#00ff00"}"##);
    let say = |who: &Person, text: &str| {
        let said = who.call("POST", "/channels/ada/chat/messages", &format!(r#"{{"text": "{text}"}}"#));
        said["message_id"].as_str().unwrap().to_owned()
    };
    let hers = say(&ada, "good evening");
    seen("the broadcaster's sign", RED, true);
    say(&bob, "hello");
    seen("the viewer's name", GREEN, true);
    lines(2);
    ada.call("DELETE", &format!("/channels/ada/chat/messages/{hers}"), "");
    seen("the message without", RED, false);
    seen("the other one", GREEN, true);
    ada.call("PUT", "/channels/ada/chat/bans/bob", "{}");
    seen("nothing of who is banned", GREEN, false);
    lines(0);
}
