//! The compositor as a program of its own: what the tests kill.

use clap::Parser;
use rivulet_compositor::{Settings, run};
use tokio_util::sync::CancellationToken;

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    settings: Settings,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).init();
    let signal = CancellationToken::new();
    let ended = signal.clone();
    tokio::spawn(async move {
        let _ = tokio::signal::ctrl_c().await;
        ended.cancel();
    });
    run(Arguments::parse().settings, signal).await
}
