//! The program `lenore`: the only place where the parts are put together.

// What goes to a terminal goes by `output`.
#![cfg_attr(not(test), warn(clippy::print_stdout, clippy::print_stderr))]

mod account;
mod answer;
mod args;
mod ask;
mod chat;
mod chat_code;
mod command_line;
mod completions;
mod config;
mod copy;
mod demo;
mod doctor;
mod dry_run;
mod interrupt;
mod keys;
mod login;
mod logout;
mod logs;
mod man;
mod mcp;
mod memory;
mod models;
mod official;
mod output;
mod owner;
mod paths;
mod profiles;
mod prompt;
mod provider;
mod serve;
mod shared_options;
mod sim;
mod values;
mod whole_file;

use std::process::ExitCode;

use clap::{ArgMatches, FromArgMatches};
use tracing_subscriber::EnvFilter;

use crate::args::{Args, Command, Shared};
use crate::output::report;

fn main() -> ExitCode {
    keep_out_of_core_dumps();
    output::ended(obey())
}

/// What the program knows of the account is written to no disk where it breaks down, and no other
/// process of the user can read it.
fn keep_out_of_core_dumps() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        // Nothing else is to be done where the system does not want it.
        let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

fn obey() -> ExitCode {
    let read = command_line::read().and_then(|matches| {
        let args = Args::from_arg_matches(&matches)?;
        Ok((args, matches))
    });
    match read {
        Ok((args, matches)) => settled(args, &matches),
        Err(error) => command_line::tell(error),
    }
}

/// Puts the settings together, and does what is wanted with them.
fn settled(args: Args, matches: &ArgMatches) -> ExitCode {
    log_to_stderr(args.verbose);
    // These work where the settings' file is broken.
    match args.command {
        Command::Completions(completions) => return completions::run(&completions),
        Command::Man(man) => return man::run(&man),
        Command::Config(config) => return config::run(args.shared, matches, &config),
        _ => {}
    }
    match config::settle(args.shared, matches) {
        Ok(shared) => run(shared, args.command),
        Err(error) => {
            if matches!(&args.command, Command::Ask(ask) if ask.wants_events()) {
                output::tell_event(&error);
            }
            report(&error.to_string());
            ExitCode::from(error.kind().exit_code())
        }
    }
}

fn run(shared: Shared, command: Command) -> ExitCode {
    if matches!(command, Command::Serve(_)) {
        memory::give_back_large_blocks();
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            report(&format!("the program cannot start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(async {
        match command {
            Command::Ask(ask) => ask::run(shared, ask).await,
            Command::Chat(chat) => chat::run(shared, chat).await,
            Command::Demo(demo) => demo::run(shared, demo).await,
            Command::Sim(options) => sim::run(options).await,
            Command::Models(options) => models::run(shared, &options).await,
            Command::Login(login) => login::run(shared, login).await,
            Command::Logout(logout) => logout::run(&shared, &logout),
            Command::Profiles(options) => profiles::run(&shared, &options),
            Command::Logs(logs) => logs::run(logs),
            Command::Serve(serve) => serve::run(shared, serve).await,
            Command::Keys(keys) => keys::run(shared, keys),
            Command::Mcp(options) => mcp::run(shared, options).await,
            Command::Doctor(doctor) => doctor::run(shared, doctor).await,
            Command::Completions(_) | Command::Config(_) | Command::Man(_) => {
                unreachable!("they are done by now")
            }
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
    let said = std::env::var("LENORE_LOG").ok().filter(|filter| !filter.is_empty());
    let said = said.and_then(|filter| EnvFilter::try_new(filter).ok());
    let filter = said.unwrap_or_else(|| EnvFilter::new(default));
    // The protocol's library would log what an agent asks.
    let filter = filter.add_directive("rmcp=error".parse().expect("a directive"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(output::remarks)
        .with_ansi(console::user_attended_stderr() && console::colors_enabled_stderr())
        .with_target(verbose > 0)
        .without_time()
        .init();
}
