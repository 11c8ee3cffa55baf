//! The harness of the whole-system tests: a real server process, real encoders, real HTTP. Tests
//! read as short stories: start a server, make a channel, push a clip, look at what viewers get.
#![allow(clippy::unwrap_used, clippy::expect_used)]

pub mod proxy;
pub mod rtmp;

use rivulet_hls_rules::Checker;
use rivulet_store::testing::TempDir;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Of every user.
pub const PASSWORD: &str = "correct horse battery";

/// The server binary that the same build made.
pub fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("RIVULET_BIN") {
        return path.into();
    }
    // target/debug/deps/NAME-HASH -> target/debug/rivulet
    let test = std::env::current_exe().unwrap();
    let path = test.parent().and_then(Path::parent).unwrap().join("rivulet");
    assert!(path.exists(), "{} is missing; build it with `cargo build --workspace --bins`", path.display());
    path
}

pub struct Server {
    pub data: Arc<TempDir>,
    child: Child,
    pub http: String,
    pub rtmp: String,
    /// With a certificate, for the name `localhost`.
    pub https: Option<String>,
    log: Arc<Mutex<Vec<String>>>,
    lines: Receiver<String>,
    storage: Vec<String>,
    env: BTreeMap<String, String>,
}

#[derive(Default, Clone)]
pub struct Options {
    pub data: Option<Arc<TempDir>>,
    pub flags: Vec<String>,
    pub env: BTreeMap<String, String>,
}

impl Options {
    pub fn flag(mut self, name: &str, value: &str) -> Self {
        self.flags.extend([name.to_owned(), value.to_owned()]);
        self
    }
}

/// Options with TLS for `localhost` on free ports, and the folder of the certificate, which clients
/// find as `cert.pem`.
pub fn with_certificate() -> (TempDir, Options) {
    let dir = TempDir::new();
    let (cert, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&cert)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let options = Options::default()
        .flag("--https", "127.0.0.1:0")
        .flag("--rtmps", "127.0.0.1:0")
        .flag("--tls-cert", cert.to_str().unwrap())
        .flag("--tls-key", key.to_str().unwrap());
    (dir, options)
}

impl Server {
    pub fn start(options: Options) -> Self {
        let data = options.data.clone().unwrap_or_else(|| Arc::new(TempDir::new()));
        let storage: Vec<String> = options
            .flags
            .chunks(2)
            .filter(|pair| ["--database-url", "--blobs"].contains(&pair[0].as_str()))
            .flatten()
            .cloned()
            .collect();
        // Unless a test has one of its own.
        let free_port = |name: &'static str| match options.flags.iter().any(|flag| flag == name) {
            true => Vec::new(),
            false => vec![name, "127.0.0.1:0"],
        };
        let mut child = Command::new(binary())
            .arg("serve")
            .args(free_port("--http"))
            .args(free_port("--rtmp"))
            .args(free_port("--irc"))
            .arg("--data")
            .arg(data.path())
            .args(&options.flags)
            // Whole ladders, so that segments can be counted, unless a test is about demand.
            .args(if options.flags.iter().any(|flag| flag == "--rungs") { &[][..] } else { &["--rungs", "always"] })
            .envs(&options.env)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (sender, lines) = channel();
        let (kept, stderr) = (log.clone(), child.stderr.take().unwrap());
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                eprintln!("  server: {line}");
                kept.lock().unwrap().push(line.clone());
                let _ = sender.send(line);
            }
        });
        let env = options.env;
        let mut server =
            Self { data, child, http: String::new(), rtmp: String::new(), https: None, log, lines, storage, env };
        let address = |line: String| line.rsplit("addr=").next().unwrap().trim().to_owned();
        server.http = format!("http://{}", address(server.wait_log("listening name=http")));
        if options.flags.iter().any(|flag| flag == "--https") {
            let address = address(server.wait_log("listening name=https"));
            server.https = Some(address.replace("127.0.0.1", "https://localhost"));
        }
        server.rtmp = format!("rtmp://{}/live", address(server.wait_log("listening name=rtmp")));
        server
    }

    /// Waits for a log line that contains `part`.
    pub fn wait_log(&self, part: &str) -> String {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) if line.contains(part) => return line,
                Ok(_) => {}
                Err(_) => panic!("no log line with {part:?}; the log is {:#?}", self.log.lock().unwrap()),
            }
        }
    }

    pub fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The folder of the running broadcast's renditions, as a path.
    pub fn broadcast(&self, channel: &str) -> String {
        let master = self.get(&format!("/live/{channel}/master.m3u8")).text();
        let uri = master_playlist(&master).variants[0].uri.clone();
        format!("/live/{channel}/{}", uri.split('/').next().unwrap())
    }

    /// Pids of the transcoder workers.
    pub fn workers(&self) -> Vec<u32> {
        let children = format!("/proc/{0}/task", self.pid());
        let mut pids = Vec::new();
        for task in std::fs::read_dir(children).unwrap().map_while(Result::ok) {
            let list = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
            pids.extend(list.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
        }
        pids.retain(|pid| {
            let line = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            line.contains("worker")
        });
        pids
    }

    fn admin(&self, arguments: &[&str], input: &str) -> String {
        let mut child = Command::new(binary())
            .arg("admin")
            .args(["--data"])
            .arg(self.data.path())
            .args(&self.storage)
            .args(arguments)
            .envs(&self.env)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "admin {arguments:?} failed");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// A user with a channel of the same name; answers the stream key.
    pub fn channel(&self, name: &str) -> String {
        self.admin(&["user", "create", name, "--role", "admin"], &format!("{PASSWORD}\n"));
        self.admin(&["channel", "create", name, "--owner", name], "")
    }

    pub fn rotate(&self, channel: &str) -> String {
        self.admin(&["key", "rotate", channel], "")
    }

    pub fn get(&self, path: &str) -> Answer {
        get(&format!("{}{path}", self.http))
    }

    pub fn channel_state(&self, channel: &str) -> serde_json::Value {
        let answer = self.get(&format!("/api/v1/channels/{channel}"));
        serde_json::from_slice(&answer.body).unwrap()
    }

    /// The channel's state, once it is no longer `state`.
    pub fn left(&self, channel: &str, state: &str) -> Option<String> {
        let now = self.channel_state(channel)["state"].as_str().unwrap().to_owned();
        (now != state).then_some(now)
    }

    /// Somebody who is not logged in.
    pub fn guest(&self) -> Person {
        Person { api: format!("{}/api/v1", self.http), cookie: String::new() }
    }

    /// Logs a user in.
    pub fn login(&self, name: &str) -> Person {
        let guest = self.guest();
        let login = format!(r#"{{"username": "{name}", "password": "{PASSWORD}"}}"#);
        let answer = guest.send("POST", "/login", &login);
        let cookie = answer.headers["set-cookie"].split(';').next().unwrap().to_owned();
        Person { cookie, ..guest }
    }

    /// Sets a channel's settings as its owner does, who has the same name.
    pub fn set_settings(&self, channel: &str, json: &str) {
        self.login(channel).call("PUT", &format!("/channels/{channel}/settings"), json);
    }

    pub fn wait_state(&self, channel: &str, state: &str) -> serde_json::Value {
        wait_for(&format!("{channel} to be {state}"), Duration::from_secs(30), || {
            Some(self.channel_state(channel)).filter(|channel| channel["state"] == state)
        })
    }

    /// One counter or gauge of `/metrics`.
    pub fn metric(&self, name: &str) -> f64 {
        let text = String::from_utf8(self.get("/metrics").body).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).unwrap_or("0");
        line.parse().unwrap()
    }

    /// SIGTERM, and how long the end took.
    pub fn stop(&mut self) -> Duration {
        let since = Instant::now();
        signal(self.pid(), "TERM");
        let status = self.wait_exit();
        assert!(status.success(), "{status}");
        since.elapsed()
    }

    pub fn wait_exit(&mut self) -> std::process::ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn signal(pid: u32, name: &str) {
    assert!(Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status().unwrap().success());
}

#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}

pub fn get(url: &str) -> Answer {
    get_with(url, &[])
}

/// A relative address against a folder, as browsers resolve it.
fn resolve(folder: &str, uri: &str) -> String {
    match uri.strip_prefix("../") {
        Some(rest) => resolve(folder.rsplit_once('/').unwrap().0, rest),
        None => format!("{folder}/{uri}"),
    }
}

pub fn get_with(url: &str, headers: &[(&str, &str)]) -> Answer {
    let config =
        ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(10)));
    let agent: ureq::Agent = config.build().into();
    let request = headers.iter().fold(agent.get(url), |request, (name, value)| request.header(*name, *value));
    read(request.call().unwrap_or_else(|e| panic!("{url}: {e}")))
}

fn read(mut response: ureq::http::Response<ureq::Body>) -> Answer {
    let headers = response.headers().iter();
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    let status = response.status().as_u16();
    let mut body = Vec::new();
    response.body_mut().as_reader().read_to_end(&mut body).unwrap();
    Answer { status, headers, body }
}

/// Asks until there is an answer. Real clients poll, too.
pub fn wait_for<T>(what: &str, within: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + within;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited {within:?} for {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Somebody who uses the API.
pub struct Person {
    api: String,
    cookie: String,
}

impl Person {
    /// The header's value that says who it is.
    pub fn cookie(&self) -> &str {
        &self.cookie
    }

    pub fn send(&self, method: &str, path: &str, json: &str) -> Answer {
        let config =
            ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(10)));
        let agent: ureq::Agent = config.build().into();
        let request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.api));
        let request = request.header("content-type", "application/json").header("cookie", &self.cookie);
        read(agent.run(request.body(json.to_owned()).unwrap()).unwrap())
    }

    /// For what has to succeed.
    pub fn call(&self, method: &str, path: &str, json: &str) -> serde_json::Value {
        let answer = self.send(method, path, json);
        assert!((200..300).contains(&answer.status), "{method} {path}: {} {}", answer.status, answer.text());
        serde_json::from_slice(&answer.body).unwrap_or_default()
    }
}

/// How long something is away: this many seconds, longer in a soak.
pub fn outage(seconds: u64) -> Duration {
    let longer = std::env::var("RIVULET_OUTAGE_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(longer.unwrap_or(seconds))
}

/// An encoder that publishes.
pub struct Encoder(Child);

impl Encoder {
    /// ffmpeg with these arguments, publishing to `url`.
    pub fn ffmpeg(arguments: &[&str], url: &str) -> Self {
        Self::run(Path::new("ffmpeg"), arguments, url)
    }

    /// The same with the one that speaks enhanced RTMP.
    pub fn new_ffmpeg(arguments: &[&str], url: &str) -> Self {
        Self::run(&new_ffmpeg(), arguments, url)
    }

    fn run(program: &Path, arguments: &[&str], url: &str) -> Self {
        let child = Command::new(program)
            .args(["-hide_banner", "-loglevel", "warning", "-nostdin"])
            .args(arguments)
            .args(["-f", "flv", url])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        Self(child)
    }

    /// The file as it is, at real time.
    pub fn copy(file: &Path, url: &str) -> Self {
        Self::ffmpeg(&["-re", "-i", file.to_str().unwrap(), "-c", "copy"], url)
    }

    /// The file over and over.
    pub fn repeat(file: &Path, url: &str) -> Self {
        Self::ffmpeg(&["-re", "-stream_loop", "-1", "-i", file.to_str().unwrap(), "-c", "copy"], url)
    }

    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    pub fn has_ended(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }

    pub fn wait(mut self) -> std::process::ExitStatus {
        self.0.wait().unwrap()
    }

    /// Ends as when Stop is pressed.
    pub fn stop(mut self) {
        signal(self.0.id(), "TERM");
        let _ = self.0.wait();
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A newer ffmpeg than Debian's.
pub fn new_ffmpeg() -> PathBuf {
    let home = std::env::var_os("HOME").unwrap();
    let path = Path::new(&home).join(".cache/rivulet/tools/imageio-ffmpeg/bin/imageio-ffmpeg");
    assert!(path.exists(), "{} is missing; `scripts/setup test` installs it", path.display());
    path
}

/// What an ffmpeg makes of these arguments, by the name of the file. Made once for each machine.
pub fn made(program: &Path, name: &str, arguments: &[&str]) -> PathBuf {
    let folder = std::env::temp_dir().join("rivulet-clips");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    if !path.exists() {
        let unfinished = folder.join(format!("{}-{name}", std::process::id()));
        let status = Command::new(program)
            .args(["-hide_banner", "-loglevel", "error", "-nostdin", "-y"])
            .args(arguments)
            .arg(&unfinished)
            // SVT-AV1 tells its settings on its own.
            .env("SVT_LOG", "1")
            .status()
            .unwrap();
        assert!(status.success(), "{name}");
        std::fs::rename(unfinished, &path).unwrap();
    }
    path
}

/// A clip of 1280x720 at 25 fps with sound and a key frame every 2 s: natural where the clips are
/// at hand, else generated with motion and noise. Made once for each machine.
pub fn clip(seconds: u32) -> PathBuf {
    let folder = std::env::temp_dir().join("rivulet-clips");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(format!("720p25-{seconds}s.mp4"));
    if path.exists() {
        return path;
    }
    let natural = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/media/bigbuckbunny-720p25.mp4");
    let natural = natural.exists().then(|| natural.to_str().unwrap().to_owned());
    let video = "testsrc2=size=1280x720:rate=25,noise=alls=8:allf=t,rotate=a=0.1*sin(t)";
    let source: Vec<&str> = match &natural {
        Some(file) => vec!["-stream_loop", "-1", "-i", file],
        None => vec!["-f", "lavfi", "-i", video, "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"],
    };
    let unfinished = folder.join(format!("{}-{seconds}.mp4", std::process::id()));
    let status = Command::new("ffmpeg")
        .args(["-hide_banner", "-loglevel", "error", "-nostdin", "-y"])
        .args(source)
        .args(["-t", &seconds.to_string(), "-c:v", "libx264", "-preset", "veryfast", "-profile:v", "high"])
        .args(["-pix_fmt", "yuv420p", "-b:v", "3000k", "-maxrate", "3000k", "-bufsize", "6000k"])
        .args(["-g", "50", "-keyint_min", "50", "-sc_threshold", "0", "-c:a", "aac", "-b:a", "128k", "-ac", "2"])
        .arg(&unfinished)
        .status()
        .unwrap();
    assert!(status.success());
    std::fs::rename(unfinished, &path).unwrap();
    path
}

/// What `ffprobe` says of packets: (dts, pts, key) in seconds.
pub fn packets(file: &Path, stream: &str) -> Vec<(f64, f64, bool)> {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", stream, "-show_entries", "packet=dts_time,pts_time,flags"])
        .args(["-of", "csv=p=0"])
        .arg(file)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let line = |line: &str| {
        let mut fields = line.split(',');
        let pts = fields.next()?.parse().ok()?;
        let dts = fields.next()?.parse().ok()?;
        Some((dts, pts, fields.next()?.contains('K')))
    };
    text.lines().filter_map(line).collect()
}

/// One value of the first matching stream.
pub fn probe(file: &Path, stream: &str, entry: &str) -> String {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", stream, "-show_entries", &format!("stream={entry}")])
        .args(["-of", "csv=p=0"])
        .arg(file)
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().lines().next().unwrap_or_default().trim_end_matches(',').to_owned()
}

/// A media playlist as a player reads it, with an independent parser.
pub fn media_playlist(text: &str) -> m3u8_rs::MediaPlaylist {
    match m3u8_rs::parse_playlist_res(text.as_bytes()) {
        Ok(m3u8_rs::Playlist::MediaPlaylist(playlist)) => playlist,
        other => panic!("not a media playlist: {other:?}\n{text}"),
    }
}

pub fn master_playlist(text: &str) -> m3u8_rs::MasterPlaylist {
    match m3u8_rs::parse_playlist_res(text.as_bytes()) {
        Ok(m3u8_rs::Playlist::MasterPlaylist(playlist)) => playlist,
        other => panic!("not a multivariant playlist: {other:?}\n{text}"),
    }
}

/// Collects every segment of a broadcast while it is on air, as a very patient viewer would.
pub struct Viewer {
    http: String,
    checker: Checker,
    /// By rendition: its playlist's URL, initialisation segment and segments by number.
    pub renditions: BTreeMap<String, Collected>,
}

#[derive(Default, Debug, Clone)]
pub struct Collected {
    pub url: String,
    pub init: Vec<u8>,
    pub segments: BTreeMap<u64, Vec<u8>>,
    pub gaps: Vec<u64>,
    pub ended: bool,
}

impl Viewer {
    /// Opens a channel's multivariant playlist once it is there.
    pub fn open(server: &Server, channel: &str) -> Self {
        let path = format!("/live/{channel}/master.m3u8");
        let master = wait_for("the multivariant playlist", Duration::from_secs(30), || {
            Some(server.get(&path)).filter(|answer| answer.status == 200)
        });
        let master = master_playlist(&master.text());
        let base = format!("{}/live/{channel}/", server.http);
        let uris = master.variants.iter().map(|variant| variant.uri.clone());
        let audio = master.alternatives.iter().filter_map(|media| media.uri.clone());
        let renditions = uris.chain(audio).map(|uri| {
            let id = uri.split('/').nth(1).unwrap().to_owned();
            (id, Collected { url: format!("{base}{uri}"), ..Collected::default() })
        });
        Self { http: server.http.clone(), checker: Checker::default(), renditions: renditions.collect() }
    }

    /// Fetches what is new. Answers whether every rendition has ended.
    pub fn poll(&mut self) -> bool {
        assert!(!self.http.is_empty());
        for collected in self.renditions.values_mut() {
            let answer = get(&collected.url);
            assert_eq!(answer.status, 200, "{}", collected.url);
            if let Err(broken) = self.checker.check(&collected.url, &answer.text()) {
                panic!("{broken}");
            }
            let playlist = media_playlist(&answer.text());
            let folder = collected.url.rsplit_once('/').unwrap().0.to_owned();
            for (index, segment) in playlist.segments.iter().enumerate() {
                let number = playlist.media_sequence + index as u64;
                if let (Some(map), true) = (&segment.map, collected.init.is_empty()) {
                    collected.init = get(&resolve(&folder, &map.uri)).body;
                }
                if segment.unknown_tags.iter().any(|tag| tag.tag == "X-GAP") {
                    if !collected.gaps.contains(&number) {
                        collected.gaps.push(number);
                    }
                } else if let Entry::Vacant(place) = collected.segments.entry(number) {
                    let url = resolve(&folder, &segment.uri);
                    let answer = get(&url);
                    assert_eq!(answer.status, 200, "{url}");
                    place.insert(answer.body);
                }
            }
            collected.ended = playlist.end_list;
        }
        self.renditions.values().all(|collected| collected.ended)
    }

    pub fn watch_to_the_end(&mut self, within: Duration) {
        wait_for("the end of the broadcast", within, || {
            let ended = self.poll();
            if !ended {
                std::thread::sleep(Duration::from_millis(400));
            }
            ended.then_some(())
        });
    }

    /// One rendition as a file.
    pub fn save(&self, rendition: &str, folder: &Path) -> PathBuf {
        let collected = &self.renditions[rendition];
        let path = folder.join(format!("{rendition}.mp4"));
        let mut bytes = collected.init.clone();
        collected.segments.values().for_each(|segment| bytes.extend(segment));
        std::fs::write(&path, bytes).unwrap();
        path
    }
}
