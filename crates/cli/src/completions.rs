//! `lenore completions`: what a shell needs to complete commands and options.

use std::process::ExitCode;

use clap_complete::Shell;

use crate::output::print_bytes;
use crate::shared_options;

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
    clap_complete::generate(args.shell, &mut shared_options::command(), "lenore", &mut script);
    print_bytes(&script);
    ExitCode::SUCCESS
}
