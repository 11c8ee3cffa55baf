//! The binary `rivulet`: reads the command line and calls the part that was asked for.

mod admin;
mod app;
mod bench;
mod clock;
mod config;
mod demo;
mod doctor;
mod faults;
mod host;
mod http;
mod metrics;
mod tuning;

use clap::{Args, Command, FromArgMatches, Parser, Subcommand};
use config::{Serve, Storage};
use rivulet_transcoder::worker;
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "rivulet", version, about = "A self-hosted live streaming platform")]
struct Cli {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run the platform
    Serve(Serve),
    /// Draw a scene, and broadcast it here and elsewhere
    Compositor {
        #[command(flatten)]
        settings: rivulet_compositor::Settings,
        /// End with the standard input, as a part of `serve`
        #[arg(long, hide = true)]
        attached: bool,
    },
    /// What decodes an input, started by `compositor`
    #[command(hide = true)]
    CompositorInput {
        /// Only try what one of the two processes can do that it need not
        #[arg(long)]
        probe: Option<rivulet_compositor::worker::Half>,
    },
    /// Users, channels and stream keys
    Admin {
        #[command(subcommand)]
        task: admin::Task,
        #[command(flatten)]
        storage: Storage,
    },
    /// Check ports, storage and codecs, with the mend for each
    Doctor(Serve),
    /// Run a benchmark
    Bench {
        #[command(subcommand)]
        bench: bench::Bench,
    },
    /// A transcoder process, started by `serve`
    #[command(hide = true)]
    Worker {
        /// Memory that it may take
        #[arg(long, default_value_t = config::WORKER_MEMORY_MIB)]
        memory_mib: u64,
        /// Only try what it must not be able to do
        #[arg(long)]
        probe: bool,
    },
}

pub fn command() -> Command {
    let command = Cli::augment_args(Command::new("rivulet"));
    command.name("rivulet").version(env!("CARGO_PKG_VERSION")).about("A self-hosted live streaming platform")
}

fn main() -> ExitCode {
    let matches = match config::parse(command(), std::env::args_os().collect()) {
        Ok(matches) => matches,
        Err(error) => error.exit(),
    };
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    let result = match cli.command {
        Task::Worker { memory_mib, probe: false } => worker::main(memory_mib << 20).map_err(Into::into),
        Task::Worker { memory_mib, probe: true } => worker::probe(memory_mib << 20).map_err(anyhow::Error::msg),
        Task::Serve(settings) => {
            let _failpoints = fail::FailScenario::setup();
            app::start(settings)
        }
        Task::Compositor { settings, attached } => app::compose(settings, attached),
        Task::CompositorInput { probe: None } => rivulet_compositor::worker::main(),
        Task::CompositorInput { probe: Some(half) } => {
            let tried = rivulet_compositor::worker::probe(half);
            tried.map(|leaks| println!("{}", leaks.join(", "))).map_err(anyhow::Error::msg)
        }
        Task::Admin { task, storage } => admin::run(task, storage),
        Task::Doctor(settings) => doctor::run(settings),
        Task::Bench { bench } => bench::run(bench),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rivulet: {}", one_line(&error));
            ExitCode::FAILURE
        }
    }
}

/// An error and what caused it, on one line.
fn one_line(error: &anyhow::Error) -> String {
    format!("{error:#}").lines().map(str::trim).collect::<Vec<_>>().join(" ")
}
