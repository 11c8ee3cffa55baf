//! `api`: what a visitor of a large instance asks most, against an axum server that says hello: that is
//! what the same framework does when there is nothing to do.

use super::peer::Peer;
use super::{measure, median};
use axum::Router;
use axum::routing::get;
use clap::Args;

#[derive(Args)]
pub struct Options {
    #[arg(long, default_value_t = 100_000, value_name = "N")]
    users: u32,
    #[arg(long, default_value_t = 20_000, value_name = "N")]
    channels: u32,
    /// How long each run is measured
    #[arg(long, default_value_t = 4, value_name = "S")]
    seconds: u64,
    /// Runs of each server, in turn
    #[arg(long, default_value_t = 5, value_name = "N")]
    pairs: usize,
    /// Connections that ask again and again
    #[arg(long, default_value_t = 32, value_name = "N")]
    connections: usize,
}

pub fn run(options: &Options) -> anyhow::Result<()> {
    // The limit for one address is for others.
    let ours = Peer::seeded(options.users, options.channels, &["--requests".into(), u32::MAX.to_string()])?;
    let hello = Peer::hello()?;
    println!("{} users, {} channels, one core for the server", options.users, options.channels);
    for (name, path) in [
        ("channel API", "/api/v1/channels/channel7"),
        ("directory API", "/api/v1/channels"),
        ("search API", "/api/v1/search?q=evening+77"),
        ("directory page", "/"),
        ("channel page", "/channel7"),
    ] {
        let mut ratios = Vec::new();
        for _ in 0..options.pairs {
            let here = measure(&ours, path, options.connections, options.seconds)?;
            let there = measure(&hello, "/", options.connections, options.seconds)?;
            println!(
                "  {name:15} rivulet {:7.0}/s at {:3.0} % of a core  hello {:7.0}/s at {:3.0} %",
                here.requests,
                100.0 * here.core,
                there.requests,
                100.0 * there.core,
            );
            ratios.push((here.requests / here.core) / (there.requests / there.core));
        }
        println!("  {name}, requests a second and core, ratio to hello: {:.4}", median(ratios));
    }
    Ok(())
}

pub fn hello() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
        eprintln!("listening name=http addr={}", listener.local_addr()?);
        axum::serve(listener, Router::new().route("/", get(async || "hello"))).await?;
        Ok(())
    })
}
