//! `rivulet doctor`: tries what `serve` will need, and names the mend for what fails.

use crate::config::Serve;
use nix::sys::resource::{Resource, getrlimit};
use rivulet_store::{Blobs, Store};
use std::net::{SocketAddr, TcpListener};
use std::process::Command;

pub fn run(settings: Serve) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let checks = runtime.block_on(checks(&settings));
    let mut failed = 0;
    for (name, result) in checks {
        match result {
            Ok(text) => println!("ok    {name:<10} {text}"),
            Err(mend) => {
                failed += 1;
                println!("FAIL  {name:<10} {mend}");
            }
        }
    }
    match failed {
        0 => Ok(()),
        count => anyhow::bail!("{count} checks failed"),
    }
}

type Check = (&'static str, Result<String, String>);

async fn checks(settings: &Serve) -> Vec<Check> {
    let data = settings.storage.data.display();
    let folder = std::fs::create_dir_all(&settings.storage.data)
        .map(|()| format!("{data} is there"))
        .map_err(|e| format!("cannot make {data}: {e}; choose another with --data"));
    let database = match Store::open(&settings.storage.database()).await {
        Ok(store) => store.ping().await.map(|()| "answers".to_owned()).map_err(|e| e.to_string()),
        Err(error) => Err(error.to_string()),
    };
    let blobs = match Blobs::open(settings.storage.blobs.as_deref(), &settings.storage.data).await {
        Ok(blobs) => blobs.check().await.map(|()| "writes, reads and deletes".to_owned()),
        Err(error) => Err(error),
    };
    let mut checks = vec![
        ("data", folder),
        ("database", database),
        ("blobs", blobs.map_err(|e| e.to_string())),
        ("http", port(settings.http, "--http")),
        ("rtmp", port(settings.rtmp, "--rtmp")),
        ("irc", port(settings.irc, "--irc")),
        ("ladder", settings.ladder().map(|ladder| format!("{} encoded qualities", ladder.rungs.len()))),
        ("codecs", rivulet_transcoder::worker::self_test().map(|()| "H.264 and JPEG encode, AAC decodes".to_owned())),
        ("cage", cage(settings.worker_memory_mib)),
        ("inputs", inputs()),
        ("files", files()),
    ];
    if let Some(url) = &settings.redis_url {
        let redis = rivulet_bus::Bus::redis(url).await;
        checks.push(("redis", redis.map(|_| "answers".to_owned()).map_err(|e| e.to_string())));
    }
    if settings.hosted().is_some() {
        checks.push(("compositor", port(settings.compositor_http, "--compositor-http")));
    }
    if let (Some(cert), Some(key)) = (&settings.tls_cert, &settings.tls_key) {
        let tls = crate::app::certificate(cert, key);
        checks.extend([
            ("tls", tls.map(|_| "certificate and key belong together".to_owned()).map_err(|e| crate::one_line(&e))),
            ("https", port(settings.https, "--https")),
            ("rtmps", port(settings.rtmps, "--rtmps")),
        ]);
    }
    checks
}

fn port(addr: SocketAddr, flag: &str) -> Result<String, String> {
    TcpListener::bind(addr)
        .map(|_| format!("{addr} is free"))
        .map_err(|e| format!("cannot listen on {addr}: {e}; stop what uses it or choose another with {flag}"))
}

/// Connections that the system lets the server have.
fn files() -> Result<String, String> {
    match getrlimit(Resource::RLIMIT_NOFILE) {
        Ok((_, most)) if most < 4096 => {
            Err(format!("only {most} connections at once; raise the limit of open files (LimitNOFILE, ulimit -n)"))
        }
        Ok((_, most)) => Ok(format!("{most} connections at once")),
        Err(error) => Err(error.to_string()),
    }
}

/// What a transcoder is kept from on this machine, tried by one.
fn cage(memory_mib: u64) -> Result<String, String> {
    match tried(&["worker", "--probe", "--memory-mib", &memory_mib.to_string()]) {
        Ok(_) => Ok(format!("transcoders have no files, no network, no programs and {memory_mib} MiB of memory")),
        Err(why) => Err(format!("a transcoder is not shut in: {why}; use a Linux kernel with seccomp")),
    }
}

/// The same for what reads the inputs of a compositor.
fn inputs() -> Result<String, String> {
    let leaks = |half| tried(&["compositor-input", "--probe", half]);
    let leaks = leaks("decode").and_then(|decode| Ok((decode, leaks("fetch")?)));
    match leaks.as_ref().map(|(decode, fetch)| (decode.as_str(), fetch.as_str())) {
        Ok(("", "")) => Ok("decoders have no files and no network, what fetches for them none of our files".to_owned()),
        Ok(("", rivulet_cage::OPEN)) => {
            Ok("decoders have no files and no network; this kernel has no Landlock (5.13), so that what fetches for \
                them can read our files"
                .to_owned())
        }
        Ok((decode, fetch)) => Err(format!("an input can do what it need not: {decode} {fetch}")),
        Err(why) => Err(format!("an input is not shut in: {why}; use a Linux kernel with seccomp")),
    }
}

/// What a process of this program says that tries something; an error says what is wrong.
fn tried(args: &[&str]) -> Result<String, String> {
    let program = std::env::current_exe().map_err(|e| e.to_string())?;
    let tried = Command::new(program).args(args).env_clear().output().map_err(|e| e.to_string())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if tried.status.success() { Ok(text(&tried.stdout)) } else { Err(text(&tried.stderr)) }
}
