//! `lenore completions`: what a shell needs to complete commands and options.

use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Args;
use crate::output::print_bytes;

/// `lenore completions`
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    lenore completions bash > ~/.local/share/bash-completion/completions/lenore\n  \
    lenore completions zsh > ~/.zfunc/_lenore      with ~/.zfunc in $fpath\n  \
    lenore completions fish > ~/.config/fish/completions/lenore.fish\n  \
    lenore completions powershell >> $PROFILE")]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(args: &CompletionsArgs) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "lenore", &mut script);
    print_bytes(&script);
    ExitCode::SUCCESS
}
