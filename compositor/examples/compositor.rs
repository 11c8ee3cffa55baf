//! The compositor as a program of its own: what the tests kill.

use clap::Parser;
use rivulet_compositor::{Settings, WORKER, run, worker};
use tokio_util::sync::CancellationToken;

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    settings: Settings,
}

fn main() -> anyhow::Result<()> {
    if std::env::args().nth(1).as_deref() == Some(WORKER) {
        return worker::main();
    }
    compose()
}

#[tokio::main]
async fn compose() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).init();
    let signal = CancellationToken::new();
    let ended = signal.clone();
    tokio::spawn(async move {
        let _ = tokio::signal::ctrl_c().await;
        ended.cancel();
    });
    run(Arguments::parse().settings, signal).await
}
