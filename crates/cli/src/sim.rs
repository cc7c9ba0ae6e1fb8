//! `lenore sim`: the local site alone.

use std::process::ExitCode;
use std::time::Duration;

use lenore::ErrorKind;
use lenore_sim::{Drift, Edition, Habit, Options, Sim};

use crate::interrupt::Interrupt;
use crate::output::{note, print, report};
use crate::values::{number, port};

const MINUTE: Duration = Duration::from_secs(60);

/// `lenore sim`
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    lenore sim                             in one terminal; it prints its address\n  \
    lenore --site http://127.0.0.1:8765 --profile trial login --email you@example.org\n  \
    lenore --site http://127.0.0.1:8765 --profile trial ask \"Hi [[sim: echo]]\"\n  \
    lenore sim --port 0 --concurrent 1 --rate 6\n  \
    lenore sim --edition 2023              the site as it was\n  \
    lenore sim --habit author=handle       the site of today, but for one thing")]
pub(crate) struct SimArgs {
    /// The port on 127.0.0.1; 0 takes any free one
    #[arg(long, default_value_t = 8765, value_parser = port)]
    port: u16,

    /// Decides the texts of the answers
    #[arg(long, default_value_t = 0, value_parser = number::<u64>)]
    seed: u64,

    /// How many answers of one account can run at once [default: any number]
    #[arg(long, value_name = "N", value_parser = number::<usize>)]
    concurrent: Option<usize>,

    /// How many questions one account can ask in a minute [default: any number]
    #[arg(long, value_name = "N", value_parser = number::<usize>)]
    rate: Option<usize>,

    #[command(flatten)]
    imitated: Imitated,
}

/// Which site is imitated.
#[derive(Debug, clap::Args)]
pub(crate) struct Imitated {
    /// Which site is imitated: 2023, 2025, or mix:N for a mixture of the two by lot
    #[arg(long, value_name = "EDITION", default_value_t)]
    edition: Edition,

    /// In what the site differs from the edition; can be given again (a list: docs/sim.md)
    #[arg(long = "habit", value_name = "NAME=VALUE")]
    habits: Vec<Habit>,

    /// Which fact of the site is otherwise, and how; can be given again (a list: /sim/facts.json)
    #[arg(long = "drift", value_name = "FACT=HOW")]
    drifts: Vec<Drift>,
}

impl Imitated {
    /// The options of such a site.
    pub(crate) fn options(self) -> Options {
        let options = Options::default().edition(self.edition);
        let options = self.habits.into_iter().fold(options, Options::habit);
        self.drifts.into_iter().fold(options, Options::drift)
    }
}

pub(crate) async fn run(args: SimArgs) -> ExitCode {
    let mut interrupt = Interrupt::listen();
    let mut options = args.imitated.options().port(args.port).seed(args.seed);
    options.concurrent = args.concurrent;
    options.rate = args.rate.map(|questions| (questions, MINUTE));
    let sim = match Sim::start(options).await {
        Ok(sim) => sim,
        Err(error) if error.kind() == std::io::ErrorKind::InvalidInput => {
            report(&error.to_string());
            return ExitCode::from(ErrorKind::InvalidRequest.exit_code());
        }
        Err(error) => {
            let port = args.port;
            report(&format!(
                "the site cannot listen on 127.0.0.1:{port}: {error}; take another port with \
                 --port, 0 for any free one"
            ));
            return ExitCode::from(ErrorKind::InvalidRequest.exit_code());
        }
    };
    print(sim.url());
    note(&format!("sign in with any address; the code is at {}/sim/inbox", sim.url()));
    note("Ctrl-C ends it");
    interrupt.wait().await;
    sim.stop().await;
    ExitCode::SUCCESS
}
