//! The servers under test: real processes, alone on one core, with an account of what they used.

use anyhow::{Context, bail, ensure};
use rivulet_protocol::ChannelName;
use rivulet_protocol::rest::{Role, Scope};
use rivulet_store::testing::{TempDir, seed};
use rivulet_store::{AccessToken, Store, StreamKey, password};
use std::ffi::OsStr;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub const SERVER_CORE: usize = 0;
pub const LOAD_CORE: usize = 1;
/// Until it is known, or for a server that has none.
const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
const START_WITHIN: Duration = Duration::from_secs(30);
/// The kernel counts processor time in these.
const TICKS_A_SECOND: f64 = 100.0;

/// A program that may run on one core only.
pub fn pinned(core: usize, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", &core.to_string()]).arg(program);
    command
}

/// A server that goes, with its folder, when it is dropped.
pub struct Peer {
    child: Child,
    pub http: SocketAddr,
    pub irc: SocketAddr,
    /// Where each encoder publishes.
    pub publish: Vec<String>,
    /// Of the owner of all channels, for the chat.
    pub token: String,
    folder: TempDir,
}

impl Peer {
    /// Rivulet with `channels` channels, named `bench0` and so on.
    pub fn rivulet(channels: usize, flags: &[String]) -> anyhow::Result<Self> {
        let folder = TempDir::new();
        let (keys, token) = make_channels(&folder.path().join("rivulet.db"), channels)?;
        let mut peer = Self::serve(folder, &keys, flags)?;
        peer.token = token;
        Ok(peer)
    }

    /// Rivulet with a large instance's users and channels, `channel1` and so on.
    pub fn seeded(users: u32, channels: u32, flags: &[String]) -> anyhow::Result<Self> {
        let folder = TempDir::new();
        let url = format!("sqlite:{}", folder.path().join("rivulet.db").display());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let store = Store::open(&url).await?;
            seed(&store, users, channels).await?;
            store.close().await;
            anyhow::Ok(())
        })?;
        Self::serve(folder, &[], flags)
    }

    /// An axum server that says hello: what there is to reach.
    pub fn hello() -> anyhow::Result<Self> {
        let folder = TempDir::new();
        let log = folder.path().join("log");
        let child = pinned(SERVER_CORE, std::env::current_exe()?)
            .args(["bench", "hello"])
            .stdin(Stdio::null())
            .stderr(std::fs::File::create(&log)?)
            .spawn()
            .context("cannot start the server")?;
        let mut peer = Self { child, http: NOWHERE, irc: NOWHERE, publish: Vec::new(), token: String::new(), folder };
        peer.http = peer.listening(&log, "http")?;
        Ok(peer)
    }

    fn serve(folder: TempDir, keys: &[StreamKey], flags: &[String]) -> anyhow::Result<Self> {
        let log = folder.path().join("log");
        let many = (keys.len() + 10).to_string();
        let child = pinned(SERVER_CORE, std::env::current_exe()?)
            .args(["serve", "--http", "127.0.0.1:0", "--rtmp", "127.0.0.1:0", "--irc", "127.0.0.1:0", "--data"])
            .arg(folder.path())
            .args(["--max-sessions", &many, "--max-sessions-per-address", &many])
            .args(flags)
            .stdin(Stdio::null())
            .stderr(std::fs::File::create(&log)?)
            .spawn()
            .context("cannot start the server")?;
        let mut peer = Self { child, http: NOWHERE, irc: NOWHERE, publish: Vec::new(), token: String::new(), folder };
        peer.http = peer.listening(&log, "http")?;
        let rtmp = peer.listening(&log, "rtmp")?;
        peer.irc = peer.listening(&log, "irc")?;
        peer.publish = keys.iter().map(|key| format!("rtmp://{rtmp}/live/{}", key.reveal())).collect();
        Ok(peer)
    }

    /// nginx with its RTMP module and static files, one worker.
    pub fn nginx(encoders: usize, hls: bool) -> anyhow::Result<Self> {
        let folder = TempDir::new();
        let (http, rtmp) = (free_port()?, free_port()?);
        std::fs::create_dir(folder.path().join("www"))?;
        let config = folder.path().join("nginx.conf");
        std::fs::write(&config, nginx_config(folder.path(), http, rtmp, hls))?;
        let child = pinned(SERVER_CORE, "nginx")
            .arg("-e")
            .arg(folder.path().join("log"))
            .arg("-c")
            .arg(&config)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot run nginx")?;
        let publish = (0..encoders).map(|n| format!("rtmp://{rtmp}/live/bench{n}")).collect();
        let mut peer = Self { child, http, irc: NOWHERE, publish, token: String::new(), folder };
        peer.wait("nginx", |_| TcpStream::connect(http).ok())?;
        Ok(peer)
    }

    /// nginx's document root.
    pub fn root(&self) -> PathBuf {
        self.folder.path().join("www")
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Processor seconds so far of the server and all that it started.
    pub fn cpu_seconds(&self) -> f64 {
        cpu_seconds(self.child.id())
    }

    /// Whether HLS of a channel can be fetched.
    pub fn plays(&self, channel: usize) -> bool {
        let written = self.folder.path().join(format!("hls/bench{channel}/index.m3u8")).exists();
        written || get(self.http, &format!("/live/bench{channel}/master.m3u8")).is_ok()
    }

    fn listening(&mut self, log: &Path, name: &str) -> anyhow::Result<SocketAddr> {
        let mark = format!("listening name={name} addr=");
        self.wait(name, |_| {
            let text = std::fs::read_to_string(log).ok()?;
            text.lines().find_map(|line| line.split_once(&mark)?.1.trim().parse().ok())
        })
    }

    /// Asks until there is an answer, as long as the server lives.
    pub fn wait<T>(&mut self, what: &str, mut ask: impl FnMut(&Self) -> Option<T>) -> anyhow::Result<T> {
        let deadline = Instant::now() + START_WITHIN;
        while Instant::now() < deadline {
            if let Some(answer) = ask(self) {
                return Ok(answer);
            }
            if let Some(status) = self.child.try_wait()? {
                let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
                bail!("the server ended with {status}:\n{log}");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        bail!("waited {START_WITHIN:?} for {what}")
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // nginx's master has to take its worker along; Rivulet's workers end with their input.
        let pid = nix::unistd::Pid::from_raw(self.child.id() as i32);
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        let _ = self.child.wait();
    }
}

fn free_port() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

fn nginx_config(folder: &Path, http: SocketAddr, rtmp: SocketAddr, hls: bool) -> String {
    let folder = folder.display();
    let hls = match hls {
        true => format!("hls on; hls_path {folder}/hls; hls_nested on; hls_fragment 2s; hls_playlist_length 30s;"),
        false => String::new(),
    };
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {folder}/{name}; "))
        .concat();
    format!(
        "load_module modules/ngx_rtmp_module.so;
user root; daemon off; worker_processes 1; worker_rlimit_nofile 20000;
pid {folder}/pid; error_log {folder}/log;
events {{ worker_connections 10000; }}
rtmp {{ access_log off; server {{ listen {rtmp}; application live {{ live on; {hls} }} }} }}
http {{
  {temporary}
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000;
  server {{ listen {http}; root {folder}/www; }}
}}
"
    )
}

/// Written before the server starts: it would take as many commands otherwise.
fn make_channels(database: &Path, count: usize) -> anyhow::Result<(Vec<StreamKey>, String)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let store = Store::open(&format!("sqlite:{}", database.display())).await?;
        let now = rivulet_hub::clock::now_ms();
        let hash = password::hash(StreamKey::generate().reveal()).await?;
        let owner = store.create_user(&ChannelName::parse("bench")?, &hash, Role::Viewer, now).await?;
        let mut keys = Vec::new();
        for n in 0..count {
            let name = ChannelName::parse(&format!("bench{n}"))?;
            let channel = store.create_channel(&name, &owner.id, name.as_str(), now).await?;
            keys.push(store.rotate_key(&channel.id, now).await?.1);
        }
        let token = AccessToken::generate();
        let scopes = [Scope::ChatRead, Scope::ChatWrite];
        store.add_access_token(&owner.id, &token.hash(), "bench", &scopes, now, None).await?;
        store.close().await;
        Ok((keys, token.reveal().to_owned()))
    })
}

/// The body of a successful answer.
pub fn get(server: SocketAddr, path: &str) -> anyhow::Result<Vec<u8>> {
    let mut socket = TcpStream::connect(server)?;
    socket.set_read_timeout(Some(START_WITHIN))?;
    // With 1.0 the end of the body is the end of the connection.
    write!(socket, "GET {path} HTTP/1.0\r\nHost: {server}\r\n\r\n")?;
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer)?;
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").context("not an HTTP answer")?;
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    ensure!(head.split(' ').nth(1) == Some("200"), "{path}: {}", head.lines().next().unwrap_or_default());
    Ok(answer.split_off(end + 4))
}

/// Processor seconds of a process, of its children that live and of those that have ended.
pub fn cpu_seconds(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let own: f64 = after_name.split_whitespace().skip(11).take(4).filter_map(|field| field.parse::<f64>().ok()).sum();
    own / TICKS_A_SECOND + children(pid).into_iter().map(cpu_seconds).sum::<f64>()
}

fn children(pid: u32) -> Vec<u32> {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists = threads.map(|thread| std::fs::read_to_string(thread.path().join("children")).unwrap_or_default());
    lists.flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>()).collect()
}

/// Memory that a process occupies.
pub fn resident_bytes(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_accounted_with_its_children() {
        let pid = std::process::id();
        assert!(resident_bytes(pid) > 1024 * 1024);
        assert!(cpu_seconds(pid) >= 0.0 && cpu_seconds(0) == 0.0);
    }
}
