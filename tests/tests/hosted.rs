//! A channel that is hosted by the compositor: a process of the server's own, seen as any viewer sees it.
#![allow(clippy::unwrap_used)]

use rivulet_tests::{Encoder, Options, Server, clip, get, signal, wait_for};
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
