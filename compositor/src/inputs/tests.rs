//! Real sources, made by ffmpeg, in a whole compositor: what is seen and heard of them, and what
//! happens when they stop, lie or hang.

use super::input::{Input, Media, Plan, State};
use super::wire::Way;
use crate::clock::Clock;
use crate::outputs::tests::real::tls_before;
use crate::tests::{Process, fetch};
use rivulet_store::testing::TempDir;
use serde_json::{Value, json};
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt;

const PATIENCE: Duration = Duration::from_secs(60);
/// Red on the left, blue on the right.
const BARS: &str = "color=c=0xff0000:s=160x180:r=25[l];color=c=0x0000ff:s=160x180:r=25[r];[l][r]hstack";
/// A sine of 1 kHz on both sides, at a quarter of full scale.
const TONE: &str = "aevalsrc=0.25*sin(2*PI*1000*t)|0.25*sin(2*PI*1000*t):s=44100";

/// Ends with the test.
struct Ffmpeg(Child);

impl Ffmpeg {
    fn start(args: &[&str]) -> Self {
        let mut command = Command::new("ffmpeg");
        command.args(["-v", "error", "-nostdin", "-y"]).args(args);
        Self(command.stdin(Stdio::null()).spawn().unwrap())
    }

    fn finish(mut self) {
        assert!(self.0.wait().unwrap().success());
    }
}

impl Drop for Ffmpeg {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn bars(seconds: &str, more: &[&str]) -> Ffmpeg {
    let bars = [BARS, ",format=yuv420p"].concat();
    let input = ["-f", "lavfi", "-i", &bars, "-f", "lavfi", "-i", TONE, "-t", seconds];
    let coded = ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "25", "-c:a", "aac"];
    Ffmpeg::start(&[&input[..], &coded, more].concat())
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

async fn until<T>(what: &str, mut ready: impl AsyncFnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = ready().await {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "{what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

impl Process {
    async fn input(&self, id: &str, input: Value) -> Value {
        let (status, shown) = self.call("PUT", &format!("/v1/inputs/{id}"), input).await;
        assert_eq!(status, 200, "{shown}");
        let layer = json!({ "id": "layer", "kind": "video", "input": id, "width": 320, "height": 180 });
        self.call("POST", "/v1/scene/layers", layer).await;
        shown
    }

    async fn until_state(&self, id: &str, state: &str) -> Value {
        let path = format!("/v1/inputs/{id}");
        let such = async || Some(self.call("GET", &path, Value::Null).await.1).filter(|shown| shown["state"] == state);
        until(&format!("{id} is {state}"), such).await
    }

    /// Colours of the picture, on the left and on the right.
    async fn colors(&self) -> [[u8; 3]; 2] {
        let url = format!("http://{}/v1/thumbnail.png", self.addresses.http);
        let picture = image::load_from_memory(&fetch("GET", url, "", Vec::new()).await.1).unwrap().to_rgb8();
        [picture.get_pixel(80, 90).0, picture.get_pixel(240, 90).0]
    }

    async fn until_bars(&self) {
        let seen = async || {
            let [left, right] = self.colors().await;
            let near = |color: [u8; 3], to: [u8; 3]| color.iter().zip(to).all(|(a, b)| a.abs_diff(b) <= 12);
            (near(left, [255, 0, 0]) && near(right, [0, 0, 255])).then_some(())
        };
        until("the bars are seen", seen).await;
    }

    /// The tone's root mean square is 0.177.
    async fn until_tone(&self, id: &str) {
        let heard = async || {
            let sound = self.call("GET", "/v1/sound", Value::Null).await.1;
            let rms = sound["sources"][id]["level"]["rms"].as_f64()?;
            (0.15..0.2).contains(&rms).then_some(())
        };
        until("the tone is heard", heard).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_played_again_and_again_and_after_a_restart() {
    let (process, folder) = (Process::start(&[]).await, TempDir::new());
    let file = folder.path().join("bars.mp4");
    bars("1.5", &["-movflags", "faststart", file.to_str().unwrap()]).finish();
    let (status, shown) = process.send("PUT", "/v1/files/film", "video/mp4", std::fs::read(&file).unwrap()).await;
    assert_eq!((status, &shown["kind"]), (200, &"video".into()), "{shown}");
    process.input("bars", json!({ "file": "film", "looped": true })).await;
    process.until_bars().await;
    process.until_tone("bars").await;
    let muted = json!({ "settings": { "muted": true } });
    assert_eq!(process.call("PATCH", "/v1/sound/sources/bars", muted).await.0, 200);
    let process = process.again(&[]).await;
    process.until_bars().await;
    // It goes on beyond its end, and is as silent as before.
    until("more than three turns", async || {
        let shown = process.call("GET", "/v1/inputs/bars", Value::Null).await.1;
        (shown["pictures"].as_u64()? > 120 && shown["restarts"] == 0).then_some(())
    })
    .await;
    let sound = process.call("GET", "/v1/sound", Value::Null).await.1;
    assert_eq!(
        (&sound["sources"]["bars"]["settings"]["muted"], sound["level"]["rms"].as_f64()),
        (&true.into(), Some(0.0))
    );
    assert_eq!(process.metric("rivulet_compositor_inputs{state=\"live\"}").await, 1.0);
    assert_eq!(process.call("DELETE", "/v1/sound/sources/bars", Value::Null).await.0, 409);
    assert_eq!(process.call("PUT", "/v1/inputs/bars", json!({ "file": "film" })).await.0, 200);
    process.until_state("bars", "ended").await;
    process.until_bars().await;
    assert_eq!(process.call("DELETE", "/v1/inputs/bars", Value::Null).await.0, 204);
    until("the picture is gone", async || (process.colors().await == [[0; 3]; 2]).then_some(())).await;
    assert!(std::fs::read_dir(process.data.path().join("inputs")).unwrap().next().is_none(), "no file is left");
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_breaks_is_taken_up_again() {
    let process = Process::start(&["--allow-private"]).await;
    let url = format!("rtmp://127.0.0.1:{}/live/a", free_port());
    let serve = || {
        let realtime = ["-re"];
        let bars = [BARS, ",format=yuv420p"].concat();
        let input = ["-f", "lavfi", "-i", &bars, "-f", "lavfi", "-i", TONE];
        let coded = ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "25", "-c:a", "aac"];
        Ffmpeg::start(&[&realtime[..], &input, &coded, &["-f", "flv", "-listen", "1", &url]].concat())
    };
    let server = serve();
    process.input("stream", json!({ "url": url, "width": 320, "height": 180 })).await;
    process.until_bars().await;
    process.until_tone("stream").await;

    // Its worker is shut in, and killed: another one comes. The server serves one client, and has to come
    // back too.
    let worker = process.app.inputs.worker("stream").unwrap();
    let status = std::fs::read_to_string(format!("/proc/{worker}/status")).unwrap();
    assert!(status.contains("Seccomp:\t2\n") && status.contains("NoNewPrivs:\t1\n"), "{status}");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(worker as i32), nix::sys::signal::Signal::SIGKILL).unwrap();
    drop(server);
    let shown = process.until_state("stream", "waiting").await;
    assert!(shown["reason"].as_str().unwrap().contains("worker ended"), "{shown}");
    // The last picture stays, and then there is none.
    process.until_bars().await;
    until("no signal", async || (process.colors().await[0] == [17, 20, 28]).then_some(())).await;
    process.goes_on().await;
    let _server = serve();
    process.until_state("stream", "live").await;
    process.until_bars().await;
    process.until_tone("stream").await;
    assert_ne!(process.app.inputs.worker("stream"), Some(worker));
    assert!(process.metric("rivulet_compositor_input_restarts_total{input=\"stream\"}").await >= 1.0);
    process.stop().await;
}

/// Serves a folder, and what has no end.
pub(crate) async fn serve(folder: PathBuf) -> u16 {
    use axum::extract::Path as Name;
    use axum::http::StatusCode;
    use axum::routing::get;
    let file = move |Name(name): Name<String>| async move {
        std::fs::read(folder.join(name)).map_err(|_| StatusCode::NOT_FOUND)
    };
    let garbage = || async { (0..200_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect::<Vec<_>>() };
    // Playlists have moved, and nothing else.
    let moved = |Name(name): Name<String>| async move {
        let to = axum::response::Redirect::temporary(&format!("/files/{name}"));
        if name.ends_with(".m3u8") { Ok(to) } else { Err(StatusCode::NOT_FOUND) }
    };
    let router = axum::Router::new().route("/files/{name}", get(file)).route("/garbage", get(garbage));
    let router = router.route("/moved/{name}", get(moved));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, router).await });
    port
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn playlists_and_radio() {
    let (process, folder) = (Process::start(&["--allow-private"]).await, TempDir::new());
    let playlist = folder.path().join("index.m3u8");
    bars("4", &["-f", "hls", "-hls_time", "1", "-hls_playlist_type", "vod", playlist.to_str().unwrap()]).finish();
    let port = serve(folder.path().to_owned()).await;
    process.input("hls", json!({ "url": format!("http://127.0.0.1:{port}/files/index.m3u8"), "looped": true })).await;
    process.until_bars().await;
    process.until_tone("hls").await;
    assert_eq!(process.call("DELETE", "/v1/inputs/hls", Value::Null).await.0, 204);
    // Encrypted, and named by a playlist that has moved: parts lie beside where it is now.
    let (key, of_key) = (folder.path().join("key"), folder.path().join("key.txt"));
    std::fs::write(&key, [7; 16]).unwrap();
    std::fs::write(&of_key, format!("key\n{}\n", key.display())).unwrap();
    let parts = folder.path().join("secret.m3u8");
    let encrypted = ["-f", "hls", "-hls_time", "1", "-hls_playlist_type", "vod", "-hls_key_info_file"];
    bars("4", &[&encrypted[..], &[of_key.to_str().unwrap(), parts.to_str().unwrap()]].concat()).finish();
    let main = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=500000\n/moved/secret.m3u8\n";
    std::fs::write(folder.path().join("main.m3u8"), main).unwrap();
    std::fs::remove_file(&of_key).unwrap();
    process.input("main", json!({ "url": format!("http://127.0.0.1:{port}/moved/main.m3u8") })).await;
    process.call("PATCH", "/v1/scene/layers/layer", json!({ "input": "main" })).await;
    process.until_bars().await;
    process.until_tone("main").await;
    let radio = format!("http://127.0.0.1:{}/radio", free_port());
    let _station = Ffmpeg::start(&["-re", "-f", "lavfi", "-i", TONE, "-f", "mp3", "-listen", "1", &radio]);
    process.input("radio", json!({ "url": radio })).await;
    process.until_tone("radio").await;
    process.stop().await;
}

/// Each address that is opened, also those in a playlist, has to prove who it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_tls_from_those_that_are_trusted() {
    let folder = TempDir::new();
    let playlist = folder.path().join("index.m3u8");
    bars("4", &["-f", "hls", "-hls_time", "1", "-hls_playlist_type", "vod", playlist.to_str().unwrap()]).finish();
    let plain = serve(folder.path().to_owned()).await;
    let (port, _, _tls) = tls_before(plain, folder.path()).await;
    let (cert, url) = (folder.path().join("cert.pem"), format!("https://localhost:{port}/files/index.m3u8"));
    let (main, outer) = (folder.path().join("main.m3u8"), format!("http://127.0.0.1:{plain}/files/main.m3u8"));
    std::fs::write(main, format!("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=500000\n{url}\n")).unwrap();

    let process = Process::start(&["--allow-private"]).await;
    let refused = async |id: &str, url: &str, words: &str| {
        process.input(id, json!({ "url": url })).await;
        let shown = process.until_state(id, "waiting").await;
        assert!(shown["reason"].as_str().unwrap().contains(words), "{url}: {shown}");
    };
    refused("direct", &url, "certificate is signed by nobody").await;
    refused("nested", &outer, "certificate is signed by nobody").await;
    refused("rtmps", &format!("rtmps://localhost:{port}/live/a"), "certificate is signed by nobody").await;
    process.goes_on().await;

    let process = process.again(&["--allow-private", "--trust", cert.to_str().unwrap()]).await;
    process.until_state("direct", "live").await;
    process.until_state("nested", "live").await;
    process.call("PATCH", "/v1/scene/layers/layer", json!({ "input": "nested" })).await;
    process.until_bars().await;
    let wrong = process.input("wrong", json!({ "url": url.replace("localhost", "127.0.0.1") })).await;
    let shown = process.until_state("wrong", "waiting").await;
    assert!(shown["reason"].as_str().unwrap().contains("another name"), "{wrong} {shown}");

    // RTMP over the same: its server is ffmpeg's.
    let (rtmp, bars) = (free_port(), [BARS, ",format=yuv420p"].concat());
    let (port, _, _tls) = tls_before(rtmp, folder.path()).await;
    let input = ["-re", "-f", "lavfi", "-i", &bars, "-f", "lavfi", "-i", TONE];
    let coded = ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "25", "-c:a", "aac"];
    let listening = format!("rtmp://127.0.0.1:{rtmp}/live/a");
    let _server = Ffmpeg::start(&[&input[..], &coded, &["-f", "flv", "-listen", "1", &listening]].concat());
    let process = process.again(&["--allow-private", "--trust", cert.to_str().unwrap()]).await;
    process.input("stream", json!({ "url": format!("rtmps://localhost:{port}/live/a") })).await;
    process.until_state("stream", "live").await;
    process.until_tone("stream").await;
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_input_is_named_and_the_picture_goes_on() {
    let process = Process::start(&[]).await;
    for (body, status, words) in [
        (json!({}), 422, "url"),
        (json!({ "url": "rtmp://1.1.1.1/a", "file": "b" }), 422, "url"),
        (json!({ "url": "file:///etc/passwd" }), 422, "rtmp://"),
        (json!({ "url": "concat:a|b" }), 422, "rtmp://"),
        (json!({ "url": "http://127.0.0.1:9/" }), 422, "127.0.0.1 is not on the public internet"),
        (json!({ "url": "rtmp://10.1.2.3/live/a" }), 422, "10.1.2.3 is not on the public internet"),
        (json!({ "url": "rtmp://[::1]/live/a" }), 422, "not on the public internet"),
        (json!({ "url": "https://localhost/" }), 422, "localhost is not on the public internet"),
        (json!({ "url": "https://1.1.1.1/", "width": 1 }), 422, "width"),
        (json!({ "url": "https://1.1.1.1/", "settings": { "gain_db": 99 } }), 422, "gain_db"),
        (json!({ "file": "none" }), 422, "none"),
    ] {
        let (seen, problem) = process.call("PUT", "/v1/inputs/a", body.clone()).await;
        assert_eq!(seen, status, "{body}: {problem}");
        assert!(problem.to_string().contains(words), "{body}: {problem}");
    }
    assert_eq!(process.call("DELETE", "/v1/inputs/a", Value::Null).await.0, 404);
    let (status, problem) = process.send("PUT", "/v1/files/a", "video/mp4", b"no video".to_vec()).await;
    assert_eq!((status, &problem["code"]), (422, &"bad_video".into()), "{problem}");
    process.goes_on().await;
    let process = process.again(&["--allow-private"]).await;
    let port = serve("/nowhere".into()).await;
    process.input("garbage", json!({ "url": format!("http://user:secret@127.0.0.1:{port}/garbage") })).await;
    let shown = process.until_state("garbage", "waiting").await;
    assert!(!shown.to_string().contains("secret"), "{shown}");
    assert!(shown["reason"].as_str().unwrap().contains("no media"), "{shown}");
    let picture = include_bytes!("../../../picture/snapshots/card.png");
    assert_eq!(process.send("PUT", "/v1/files/garbage", "image/png", picture.to_vec()).await.0, 409);
    process.goes_on().await;
    process.stop().await;
}

/// Who an address leads to is looked at once more when it is known: a name may have another answer
/// by then. Nothing is said to who is inside.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_said_to_who_is_inside() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let test = std::env::current_exe().unwrap();
    let program = test.parent().and_then(Path::parent).unwrap().join("examples/compositor");
    for scheme in ["http", "https", "rtmp"] {
        let media = Media::Url(format!("{scheme}://localhost:{}/live/a", address.port()));
        let program = program.clone();
        let way = Way { allow_private: false, authorities: "none".into() };
        let plan = Plan { program, media, looped: false, size: (320, 180), interval: 40_000, way };
        let input = Input::spawn(plan, Clock::start(), || {});
        let (mut stream, _) = tokio::time::timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
        let mut said = Vec::new();
        let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut said)).await.unwrap();
        assert!(said.is_empty() && read.is_ok_and(|bytes| bytes == 0), "{scheme}: {said:?}");
        let reason = until("it is refused", async || match input.state() {
            State::Refused { reason, .. } => Some(reason),
            _ => None,
        });
        assert!(reason.await.contains("not on the public internet"), "{scheme}");
    }
}

/// A server that takes the connection and is silent, and a worker that is stopped, hold nothing up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_hangs_is_ended_and_tried_again() {
    let process = Process::start(&["--allow-private"]).await;
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    process.input("silent", json!({ "url": url })).await;
    process.goes_on().await;
    let shown = process.until_state("silent", "waiting").await;
    assert!(shown["seconds"].as_u64().is_some_and(|seconds| seconds <= 3), "{shown}");
    assert_eq!(process.call("DELETE", "/v1/inputs/silent", Value::Null).await.0, 204);

    let folder = TempDir::new();
    let file = folder.path().join("bars.mp4");
    bars("1.5", &[file.to_str().unwrap()]).finish();
    process.send("PUT", "/v1/files/film", "video/mp4", std::fs::read(&file).unwrap()).await;
    process.input("bars", json!({ "file": "film", "looped": true })).await;
    process.until_state("bars", "live").await;
    let worker = nix::unistd::Pid::from_raw(process.app.inputs.worker("bars").unwrap() as i32);
    nix::sys::signal::kill(worker, nix::sys::signal::Signal::SIGSTOP).unwrap();
    process.until_state("bars", "stalled").await;
    process.goes_on().await;
    process.until_state("bars", "waiting").await;
    process.until_state("bars", "live").await;
    assert_ne!(process.app.inputs.worker("bars"), Some(worker.as_raw() as u32));
    process.stop().await;
}

/// A flash and a beep each second, as they leave in the recording.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn picture_and_sound_leave_in_step() {
    let (process, folder) = (Process::start(&[]).await, TempDir::new());
    let file = folder.path().join("beeps.mp4");
    let flash = "color=c=black:s=320x180:r=25,drawbox=c=white:t=fill:enable='lt(mod(t+0.5,1),0.2)',format=yuv420p";
    let beep = "aevalsrc='if(lt(mod(t+0.5,1),0.2),0.5*sin(2*PI*1000*t),0)':s=48000";
    let input = ["-f", "lavfi", "-i", flash, "-f", "lavfi", "-i", beep, "-t", "20"];
    Ffmpeg::start(&[&input[..], &["-preset", "ultrafast", "-c:a", "aac", file.to_str().unwrap()]].concat()).finish();
    let (status, _) = process.send("PUT", "/v1/files/beeps", "video/mp4", std::fs::read(&file).unwrap()).await;
    assert_eq!(status, 200);
    process.input("beeps", json!({ "file": "beeps", "looped": true })).await;
    process.until_state("beeps", "live").await;
    let name = process.call("POST", "/v1/recording/start", Value::Null).await.1["name"].clone();
    until("three segments", async || {
        let shown = process.call("GET", "/v1/recording", Value::Null).await.1;
        (shown["segments"].as_u64()? >= 3).then_some(())
    })
    .await;
    process.call("POST", "/v1/recording/stop", Value::Null).await;
    let take = process.data.path().join(format!("blobs/recordings/{}/0/index.m3u8", name.as_str().unwrap()));
    until("the recording is whole", async || take.exists().then_some(())).await;
    let white = onsets(&format!("movie={},signalstats", take.display()), "lavfi.signalstats.YAVG", 128.0);
    let loud = onsets(
        &format!("amovie={},asetnsamples=240,astats=metadata=1:reset=1", take.display()),
        "lavfi.astats.Overall.RMS_level",
        -30.0,
    );
    let inside = |at: &&f64| **at > white[0].max(loud[0]) - 0.2;
    let (white, loud): (Vec<&f64>, Vec<&f64>) =
        (white.iter().filter(inside).collect(), loud.iter().filter(inside).collect());
    assert!(white.len() >= 8 && white.len().abs_diff(loud.len()) <= 1, "{white:?} {loud:?}");
    for (seen, heard) in white.iter().zip(&loud) {
        assert!((*seen - *heard).abs() < 0.04, "{white:?} {loud:?}");
    }
    process.stop().await;
}

/// When a measure rises above a bound.
fn onsets(source: &str, tag: &str, bound: f64) -> Vec<f64> {
    let entries = format!("frame=pts_time:frame_tags={tag}");
    let args = ["-v", "error", "-f", "lavfi", "-i", source, "-show_entries", &entries, "-of", "csv=p=0"];
    let output = Command::new("ffprobe").args(args).output().unwrap();
    std::io::stderr().write_all(&output.stderr).unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut above = true;
    let mut onsets = Vec::new();
    for line in text.lines() {
        let mut fields = line.split(',').filter_map(|field| field.trim().parse::<f64>().ok());
        let (Some(at), measure) = (fields.next(), fields.next().unwrap_or(f64::NEG_INFINITY)) else { continue };
        if measure > bound && !above {
            onsets.push(at);
        }
        above = measure > bound;
    }
    onsets
}
