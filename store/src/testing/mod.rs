//! Real servers for tests: each starts in a folder of its own on a free port, and goes when its
//! handle is dropped or the test's process dies, however that happens. A server program that is
//! missing fails the test: a suite that skips in silence proves nothing.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod seed;

pub use seed::{full_scans, seed};

use sqlx::{AnyConnection, Connection, Executor};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const START_TIMEOUT: Duration = Duration::from_secs(30);

/// A new folder, removed with its content when dropped.
pub struct TempDir(PathBuf);

impl TempDir {
    pub fn new() -> Self {
        let path = std::env::temp_dir().join(format!("rivulet-{}", crate::id::base32(&crate::id::random::<10>())));
        std::fs::create_dir(&path).expect("a folder for the test");
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Default for TempDir {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A child that dies with us. The kernel signals it when the thread that started it ends, so a
/// thread of its own starts it and then only waits to be let go.
struct Process {
    release: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<Child>>,
}

impl Process {
    /// `signal` is what ends the program cleanly and quickly.
    fn start(
        program: &Path,
        args: &[&str],
        env: &[(&str, &str)],
        user: Option<&str>,
        signal: &str,
        log: &Path,
    ) -> Self {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", signal]);
        if let Some(user) = user {
            command.args(["--reuid", user, "--regid", user, "--clear-groups"]);
        }
        command.arg("--").arg(program).args(args).envs(env.iter().copied());
        let log = std::fs::File::create(log).expect("log file");
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("log file")).stderr(log);
        let (release, wait) = mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            let child = command.spawn().expect("setpriv (util-linux) is needed to start servers for tests");
            let _ = wait.recv();
            child
        });
        Self { release: Some(release), thread: Some(thread) }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.release.take());
        let Some(mut child) = self.thread.take().and_then(|thread| thread.join().ok()) else { return };
        let deadline = Instant::now() + Duration::from_secs(5);
        while matches!(child.try_wait(), Ok(None)) {
            if Instant::now() > deadline {
                let _ = child.kill();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// A port that was free just now.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

async fn until_listening(name: &str, port: u16, log: &Path) {
    let deadline = Instant::now() + START_TIMEOUT;
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        let log = || std::fs::read_to_string(log).unwrap_or_default();
        assert!(Instant::now() < deadline, "{name} did not start:\n{}", log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn run(mut command: Command) {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A Postgres server. With `RIVULET_TEST_DATABASE_URL` the one there, of which it uses databases
/// that it makes itself.
pub struct Postgres {
    /// Of the server, without a database's name.
    url: String,
    _process: Option<Process>,
    _dir: Option<TempDir>,
}

impl Postgres {
    pub async fn start() -> Self {
        if let Ok(url) = std::env::var("RIVULET_TEST_DATABASE_URL") {
            return Self { url, _process: None, _dir: None };
        }
        let bin = postgres_bin();
        let dir = TempDir::new();
        let data = dir.path().join("data");
        let (data, socket) = (data.to_str().unwrap(), dir.path().to_str().unwrap());
        // Postgres refuses to run as root.
        let user = is_root().then_some("postgres");
        let mut initdb = Command::new("setpriv");
        if let Some(user) = user {
            let mut chown = Command::new("chown");
            chown.arg(user).arg(dir.path());
            run(chown);
            initdb.args(["--reuid", user, "--regid", user, "--clear-groups"]);
        }
        initdb.arg("--").arg(bin.join("initdb"));
        initdb.args(["-D", data, "-U", "rivulet", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"]);
        initdb.current_dir(dir.path());
        run(initdb);
        let port = free_port();
        let log = dir.path().join("log");
        let port_text = port.to_string();
        let args = ["-D", data, "-k", socket, "-h", "127.0.0.1", "-p", &port_text, "-F", "-c", "max_connections=200"];
        let process = Process::start(&bin.join("postgres"), &args, &[], user, "QUIT", &log);
        let url = format!("postgres://rivulet@127.0.0.1:{port}");
        let server = Self { url, _process: Some(process), _dir: Some(dir) };
        let deadline = Instant::now() + START_TIMEOUT;
        // It listens before it is ready.
        while let Err(e) = server.execute("SELECT 1").await {
            let log = || std::fs::read_to_string(&log).unwrap_or_default();
            assert!(Instant::now() < deadline, "postgres did not start: {e}\n{}", log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        server
    }

    /// A new, empty database; answers its URL.
    pub async fn database(&self) -> String {
        let name = format!("test_{}", crate::id::base32(&crate::id::random::<10>()));
        self.execute(&format!("CREATE DATABASE {name}")).await.expect("a new database");
        self.with_database(&name)
    }

    fn with_database(&self, name: &str) -> String {
        let mut url = url::Url::parse(&self.url).expect("URL of the Postgres server");
        url.set_path(name);
        url.to_string()
    }

    async fn execute(&self, sql: &str) -> Result<(), sqlx::Error> {
        sqlx::any::install_default_drivers();
        let mut connection = AnyConnection::connect(&self.with_database("postgres")).await?;
        connection.execute(sqlx::AssertSqlSafe(sql.to_owned())).await?;
        connection.close().await
    }
}

/// The newest of Debian's, or the one in `RIVULET_POSTGRES_BIN`.
fn postgres_bin() -> PathBuf {
    if let Some(bin) = std::env::var_os("RIVULET_POSTGRES_BIN") {
        return bin.into();
    }
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions.filter_map(|v| v.file_name().to_str()?.parse::<u32>().ok()).max();
    let newest = newest.expect("no Postgres in /usr/lib/postgresql: install the package postgresql");
    format!("/usr/lib/postgresql/{newest}/bin").into()
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("id");
    id.stdout.trim_ascii() == b"0"
}

/// A Garage server of one node with one bucket.
pub struct Garage {
    pub endpoint: String,
    pub access_key: String,
    pub secret_key: String,
    port: u16,
    process: Option<Process>,
    dir: TempDir,
}

impl Garage {
    pub const BUCKET: &str = "rivulet";

    /// The program in `RIVULET_GARAGE`, or where our set-up script puts it.
    pub fn program() -> Option<PathBuf> {
        let installed = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache/rivulet/tools/bin/garage"));
        std::env::var_os("RIVULET_GARAGE").map(PathBuf::from).or_else(installed).filter(|path| path.is_file())
    }

    pub async fn start() -> Self {
        let dir = TempDir::new();
        let (s3, rpc, secret) = (free_port(), free_port(), hex(&crate::id::random::<32>()));
        let path = dir.path().display();
        let config = format!(
            "metadata_dir = \"{path}/meta\"\ndata_dir = \"{path}/data\"\ndb_engine = \"lmdb\"\n\
             metadata_fsync = false\ndata_fsync = false\nreplication_factor = 1\n\
             rpc_bind_addr = \"127.0.0.1:{rpc}\"\nrpc_secret = \"{secret}\"\n\
             [s3_api]\ns3_region = \"garage\"\napi_bind_addr = \"127.0.0.1:{s3}\"\n"
        );
        let file = dir.path().join("garage.toml");
        std::fs::write(&file, config).unwrap();
        let access_key = format!("GK{}", hex(&crate::id::random::<12>()));
        let secret_key = hex(&crate::id::random::<32>());
        let endpoint = format!("http://127.0.0.1:{s3}");
        let mut garage = Self { endpoint, access_key, secret_key, port: s3, process: None, dir };
        garage.restart().await;
        garage
    }

    /// Connections are refused until [`Garage::restart`].
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Goes on with the objects that it had.
    pub async fn restart(&mut self) {
        let program = Self::program().expect("no garage: run the set-up script, or set RIVULET_GARAGE");
        let env = [
            ("GARAGE_DEFAULT_ACCESS_KEY", self.access_key.as_str()),
            ("GARAGE_DEFAULT_SECRET_KEY", self.secret_key.as_str()),
            ("GARAGE_DEFAULT_BUCKET", Self::BUCKET),
        ];
        let (file, log) = (self.dir.path().join("garage.toml"), self.dir.path().join("log"));
        let args = ["-c", file.to_str().unwrap(), "server", "--single-node", "--default-bucket"];
        self.process = Some(Process::start(&program, &args, &env, None, "KILL", &log));
        until_listening("garage", self.port, &log).await;
    }

    /// For `--blobs`.
    pub fn url(&self, prefix: &str) -> String {
        format!("s3://{}/{prefix}?endpoint={}&region=garage", Self::BUCKET, self.endpoint)
    }

    /// The environment that goes with [`Garage::url`].
    pub fn env(&self, name: &str) -> Option<String> {
        match name {
            "AWS_ACCESS_KEY_ID" => Some(self.access_key.clone()),
            "AWS_SECRET_ACCESS_KEY" => Some(self.secret_key.clone()),
            _ => None,
        }
    }
}

/// A Redis server that keeps nothing on disk.
pub struct Redis {
    port: u16,
    process: Option<Process>,
    dir: TempDir,
}

impl Redis {
    pub async fn start() -> Self {
        let mut redis = Self { port: free_port(), process: None, dir: TempDir::new() };
        redis.restart().await;
        redis
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Connections are refused until [`Redis::restart`].
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Begins empty.
    pub async fn restart(&mut self) {
        let (port, dir, log) = (self.port.to_string(), self.dir.path(), self.dir.path().join("log"));
        let args = ["--port", &port, "--bind", "127.0.0.1", "--save", "", "--dir", dir.to_str().unwrap()];
        self.process = Some(Process::start(Path::new("redis-server"), &args, &[], None, "KILL", &log));
        until_listening("redis-server (package redis-server)", self.port, &log).await;
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
