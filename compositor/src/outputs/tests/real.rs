use super::peer::{Peer, Picture};
use super::*;
use rivulet_store::testing::TempDir;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_util::task::AbortOnDropHandle;

fn place(url: &str, key: &str) -> Place {
    let address = Address::parse(Platform::Custom, Some(url)).unwrap();
    Place { id: url.into(), address, key: Key::parse(key).unwrap() }
}

fn target(url: &str, program: &Program) -> Target {
    Target::spawn(place(url, "a_key"), Some(program.clone()), Trust::new(&[]))
}

async fn until(target: &Target, such: impl FnMut(&State) -> bool) {
    let within = Duration::from_secs(30);
    assert!(tokio::time::timeout(within, target.wait_for(such)).await.is_ok(), "{:?}", target.state());
}

async fn live(target: &Target) {
    until(target, |state| *state == State::Live).await;
}

fn dropped(target: &Target) -> u64 {
    target.counters().dropped_pictures.load(Relaxed)
}

/// Pictures 0, 1, …, a key frame each second, that are seen by `good` one after the other.
struct Pictures<'a> {
    program: &'a Program,
    good: &'a Peer,
    next: u64,
    bytes: usize,
}

impl Pictures<'_> {
    async fn push(&mut self, count: u64) {
        for _ in 0..count {
            let (n, at) = (self.next, RATE.ticks(self.next));
            self.next += 1;
            self.program.sound(packet(n, true, at, 100));
            self.program.picture(packet(n, n % 25 == 0, at, self.bytes));
            self.good.until(|record| record.pictures.last().is_some_and(|last| last.number == n)).await;
        }
    }
}

/// Each connection begins with a key frame at its time 0, and goes on after a gap with another.
fn assert_decodable(pictures: &[Picture]) {
    let mut before: Option<&Picture> = None;
    for picture in pictures {
        let goes_on =
            before.is_some_and(|before| before.connection == picture.connection && before.number + 1 == picture.number);
        assert!(goes_on || picture.key, "{picture:?} after {before:?}");
        if before.is_none_or(|before| before.connection != picture.connection) {
            assert_eq!(picture.ms, 0);
        }
        before = Some(picture);
    }
}

#[tokio::test]
async fn no_target_feels_another() {
    let (video, sound) = encoders();
    let program = Program::new(description(&video, &sound));
    let (good, stuck, cut) = (Peer::start(None), Peer::start(None), Peer::start(None));
    let refusing = Peer::start(Some("NetStream.Publish.BadName"));
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let well = target(&good.url, &program);
    let stalled = target(&stuck.url, &program);
    let falling = target(&cut.url, &program);
    let refused = target(&refusing.url, &program);
    let gone = target(&format!("rtmp://{nobody}/live"), &program);
    for target in [&well, &stalled, &falling] {
        live(target).await;
    }
    let mut pictures = Pictures { program: &program, good: &good, next: 0, bytes: 20_000 };
    pictures.push(30).await;
    cut.until(|record| record.pictures.len() == 30).await;

    // One does not read, one hangs up; one says no, one is not there.
    stuck.read(false);
    cut.cut();
    until(&falling, |state| matches!(state, State::Waiting { .. })).await;
    until(&refused, |state| matches!(state, State::Refused { .. })).await;
    until(&gone, |state| matches!(state, State::Waiting { .. })).await;
    let State::Refused { seconds, reason } = refused.state() else { panic!("{:?}", refused.state()) };
    assert!(seconds > 200 && reason.contains("does not take this stream key"), "{seconds} {reason}");
    let State::Waiting { seconds, reason } = falling.state() else { panic!("{:?}", falling.state()) };
    assert!(seconds <= 3 && reason.contains("closed"), "{seconds} {reason}");
    pictures.push(270).await;
    assert_eq!(stalled.state(), State::Live);

    // The line is free again, and the one that hung up takes the stream again.
    stuck.read(true);
    live(&falling).await;
    pictures.push(60).await;
    let newest = pictures.next - 1;
    for peer in [&stuck, &cut] {
        peer.until(|record| record.pictures.last().is_some_and(|last| last.number == newest)).await;
    }
    assert!(dropped(&stalled) > 100, "{}", dropped(&stalled));
    assert_decodable(&stuck.record().pictures);
    assert_eq!(stuck.record().pictures.len() as u64 + dropped(&stalled), newest + 1);
    // Half a megabyte was on its way when the line stood; nothing else of that time is ever sent.
    let late = stuck.record().pictures.iter().filter(|picture| (60..290).contains(&picture.number)).count();
    assert!(late < 40, "{late} old pictures");
    assert_decodable(&cut.record().pictures);
    assert_eq!((cut.record().connections, falling.counters().reconnects.load(Relaxed)), (2, 1));

    let all = good.record();
    assert!(all.pictures.iter().map(|picture| picture.number).eq(0..=newest));
    assert!(all.pictures.iter().all(|picture| u64::from(picture.ms) == picture.number * 40));
    assert_eq!((dropped(&well), all.connections, all.sound as u64), (0, 1, newest));
    assert_eq!((refusing.record().connections, refusing.record().pictures.len()), (1, 0));
}

#[tokio::test]
async fn who_starts_a_target_again_does_not_wait_and_who_stops_it_says_goodbye() {
    let (video, sound) = encoders();
    let program = Program::new(description(&video, &sound));
    let refusing = Peer::start(Some("NetStream.Publish.BadName"));
    let refused = target(&refusing.url, &program);
    until(&refused, |state| matches!(state, State::Refused { .. })).await;
    refused.start(program.clone());
    refusing.until(|record| record.connections == 2).await;
    refused.stop();
    until(&refused, |state| *state == State::Off).await;

    let peer = Peer::start(None);
    let well = target(&peer.url, &program);
    live(&well).await;
    well.stop();
    until(&well, |state| *state == State::Off).await;
    peer.until(|record| record.finished == 1).await;
    well.start(program.clone());
    live(&well).await;
    well.close().await;
    peer.until(|record| record.finished == 2).await;
}

#[tokio::test]
async fn a_server_of_another_kind() {
    let (video, sound) = encoders();
    let program = Program::new(description(&video, &sound));
    for answer in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], &[0; 5_000], b"", &[255; 100_000]] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = target(&format!("rtmp://{}/live", listener.local_addr().unwrap()), &program);
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, answer).await;
        drop(stream);
        until(&target, |state| matches!(state, State::Waiting { .. })).await;
    }
}

/// nginx with its RTMP module, until it is dropped.
pub(crate) struct Nginx {
    child: Child,
    pub port: u16,
    _folder: TempDir,
}

impl Nginx {
    pub async fn start() -> Self {
        let folder = TempDir::new();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let path = folder.path().display();
        let config = format!(
            "load_module modules/ngx_rtmp_module.so;
user root; daemon off; master_process off; pid {path}/pid; error_log {path}/log;
events {{ worker_connections 100; }}
rtmp {{ access_log off; server {{ listen 127.0.0.1:{port}; application live {{ live on; wait_key on; }} }} }}
"
        );
        let file = folder.path().join("nginx.conf");
        std::fs::write(&file, config).unwrap();
        let mut nginx = Command::new("nginx");
        nginx.arg("-e").arg(folder.path().join("log")).arg("-c").arg(&file).stdin(Stdio::null());
        let child = nginx.spawn().expect("nginx with libnginx-mod-rtmp");
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Self { child, port, _folder: folder }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The show in real time, or as slowly as a busy machine goes: nothing is made up for in one burst,
/// of which targets would leave out the most.
fn on_air(mut show: Show) -> AbortOnDropHandle<()> {
    AbortOnDropHandle::new(tokio::spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_millis(40));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            show.step();
        }
    }))
}

/// What ffmpeg gets of `url` in two seconds, as ffprobe's JSON.
pub(crate) async fn watched(url: String, folder: &Path) -> serde_json::Value {
    let file = folder.join("watched.mkv");
    let mut ffmpeg = tokio::process::Command::new("ffmpeg");
    ffmpeg.args(["-hide_banner", "-loglevel", "error", "-nostdin", "-y", "-i", &url, "-t", "2", "-c", "copy"]);
    let output = ffmpeg.arg(&file).kill_on_drop(true).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    probe(file.to_str().unwrap())
}

/// ffprobe's account of streams and packets; that all of it decodes without a word.
pub(crate) fn probe(input: &str) -> serde_json::Value {
    let decoded = Command::new("ffmpeg")
        .args(["-hide_banner", "-loglevel", "warning", "-nostdin", "-xerror", "-i", input, "-f", "null", "-"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&decoded.stderr);
    assert!(decoded.status.success() && said.is_empty(), "{said}");
    let probed = Command::new("ffprobe")
        .args(["-loglevel", "error", "-show_streams", "-show_packets", "-show_format", "-of", "json", input])
        .output()
        .unwrap();
    serde_json::from_slice(&probed.stdout).unwrap()
}

/// The streams are what was encoded; picture and sound are of the same time.
pub(crate) fn assert_show(probed: &serde_json::Value) {
    assert_show_of(probed, 320, 180);
}

pub(crate) fn assert_show_of(probed: &serde_json::Value, width: u32, height: u32) {
    let stream = |kind: &str| {
        let streams = probed["streams"].as_array().unwrap();
        streams.iter().find(|stream| stream["codec_type"] == kind).unwrap().clone()
    };
    let (video, audio) = (stream("video"), stream("audio"));
    assert_eq!(
        (&video["codec_name"], &video["width"], &video["height"]),
        (&"h264".into(), &width.into(), &height.into())
    );
    assert_eq!((&video["color_space"], &video["color_range"]), (&"bt709".into(), &"tv".into()));
    assert_eq!((&audio["codec_name"], &audio["profile"]), (&"aac".into(), &"LC".into()));
    assert_eq!((&audio["sample_rate"], &audio["channels"]), (&"48000".into(), &2.into()));
    let times = |kind: &str| -> Vec<f64> {
        let packets = probed["packets"].as_array().unwrap().iter().filter(|packet| packet["codec_type"] == kind);
        packets.map(|packet| packet["pts_time"].as_str().unwrap().parse().unwrap()).collect()
    };
    let (pictures, sound) = (times("video"), times("audio"));
    // A busy machine leaves something out; what is there is at its own time.
    let in_step = |times: &[f64], step: f64| {
        let off = |pair: &[f64]| ((pair[1] - pair[0]) / step - ((pair[1] - pair[0]) / step).round()).abs() * step;
        times.windows(2).all(|pair| pair[1] - pair[0] > step / 2.0 && off(pair) < 0.002)
    };
    assert!(pictures.len() >= 20 && in_step(&pictures, 0.04), "{pictures:?}");
    assert!(sound.len() >= 30 && in_step(&sound, 1_024.0 / 48_000.0), "{sound:?}");
    // Sound of the first picture's time is in the block that begins before it.
    let near = sound.iter().map(|at| at - pictures[0]).fold(f64::MAX, |near, off| near.min(off.abs()));
    assert!(near <= 0.0214, "{near}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nginx_takes_the_stream() {
    let (nginx, folder) = (Nginx::start().await, TempDir::new());
    let show = Show::new();
    let target = target(&format!("rtmp://127.0.0.1:{}/live", nginx.port), &show.program);
    let _air = on_air(show);
    live(&target).await;
    assert_show(&watched(format!("rtmp://127.0.0.1:{}/live/a_key", nginx.port), folder.path()).await);
}

/// A certificate for `localhost`, and a server with it that passes on to `port`.
pub(crate) async fn tls_before(port: u16, folder: &Path) -> (u16, CertificateDer<'static>, AbortOnDropHandle<()>) {
    let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&cert)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let cert = CertificateDer::from_pem_file(cert).unwrap();
    let key = PrivateKeyDer::from_pem_file(key).unwrap();
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![cert.clone()], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap().port();
    let serving = async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut tls) = acceptor.accept(stream).await else { return };
                if tls.get_ref().1.server_name() != Some("localhost") {
                    return;
                }
                let mut plain = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut tls, &mut plain).await;
            });
        }
    };
    (at, cert, AbortOnDropHandle::new(tokio::spawn(serving)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_tls_to_those_that_are_trusted() {
    let (nginx, folder) = (Nginx::start().await, TempDir::new());
    let (port, cert, _tls) = tls_before(nginx.port, folder.path()).await;
    let show = Show::new();
    let program = show.program.clone();
    let _air = on_air(show);
    let url = format!("rtmps://localhost:{port}/live");
    let trusting = Target::spawn(place(&url, "a_key"), Some(program.clone()), Trust::new(&[cert]));
    live(&trusting).await;
    assert_show(&watched(format!("rtmp://127.0.0.1:{}/live/a_key", nginx.port), folder.path()).await);

    let wary = target(&url, &program);
    until(&wary, |state| matches!(state, State::Waiting { .. })).await;
    let State::Waiting { reason, .. } = wary.state() else { panic!("{:?}", wary.state()) };
    assert!(reason.contains("certificate"), "{reason}");
}
