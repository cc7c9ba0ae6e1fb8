//! The program `lenore`: the only place where the parts are put together.

mod args;
mod ask;
mod demo;
mod doctor;
mod interrupt;
mod login;
mod models;
mod output;
mod provider;
mod sim;

use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use crate::args::{Args, Command};

fn main() -> ExitCode {
    let args = Args::parse();
    log_to_stderr(args.verbose);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: the program cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(async {
        match args.command {
            Command::Ask(ask) => ask::run(args.shared, ask).await,
            Command::Demo(demo) => demo::run(args.shared, demo).await,
            Command::Sim(options) => sim::run(options).await,
            Command::Models(options) => models::run(args.shared, options),
            Command::Login(login) => login::run(args.shared, login).await,
            Command::Doctor(doctor) => doctor::run(args.shared, doctor).await,
        }
    });
    // A thread may still wait for a line from the terminal; it is not waited for.
    runtime.shutdown_background();
    code
}

/// Warnings go to stderr; each `-v` adds a level. `LENORE_LOG` takes a filter instead.
fn log_to_stderr(verbose: u8) {
    // An error that ends a command is said once, by the command itself.
    let default = match verbose {
        0 => "warn,lenore_poe::ask=error,lenore_poe::poe=error",
        1 => "info",
        2 => "info,lenore=debug,lenore_poe=debug,lenore_browser=debug,lenore_sim=debug",
        _ => "debug,lenore=trace,lenore_poe=trace,lenore_browser=trace,lenore_sim=trace",
    };
    let filter = EnvFilter::try_from_env("LENORE_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(output::stderr)
        .with_ansi(console::user_attended_stderr() && console::colors_enabled_stderr())
        .with_target(verbose > 0)
        .without_time()
        .init();
}
