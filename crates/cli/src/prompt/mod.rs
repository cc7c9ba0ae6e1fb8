//! What is asked: arguments, stdin, files, roles and templates become one turn.

pub(crate) mod files;
mod sheets;

use std::io::{IsTerminal, Read, stdin};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use clap::ValueHint;
use lenore::{Message, Result};

use self::sheets::{Role, Template};
use crate::output::note;
use crate::paths::invalid;

/// How long stdin may stay silent before it is said that it is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// The options that make a prompt.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Prompt")]
pub(crate) struct PromptArgs {
    /// The prompt; what comes on stdin follows it, then files
    #[arg(help_heading = None::<&str>)]
    prompt: Vec<String>,

    /// A file, or a pattern such as 'src/**/*.rs': short text goes into the prompt under its name,
    /// anything else is attached; repeatable
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: Vec<PathBuf>,

    /// A file, or a pattern, that is attached whatever it is; repeatable
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    attach: Vec<PathBuf>,

    /// Instructions that come before the prompt
    #[arg(long, value_name = "TEXT")]
    system: Option<String>,

    /// Instructions from roles/NAME.md in your config directory
    #[arg(long, value_name = "NAME", conflicts_with = "system", value_hint = ValueHint::Other)]
    role: Option<String>,

    /// A prompt from templates/NAME.md in your config directory; `{{input}}` in it stands for what
    /// is asked, `{{name}}` for a --var
    #[arg(short, long, value_name = "NAME", value_hint = ValueHint::Other)]
    template: Option<String>,

    /// What a name in the template stands for; repeatable
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = pair, requires = "template")]
    vars: Vec<(String, String)>,
}

/// A turn, ready to be sent.
#[derive(Debug)]
pub(crate) struct Turn {
    /// The instructions, where there are any, and the prompt.
    pub(crate) messages: Vec<Message>,
    /// What goes along.
    pub(crate) attachments: Vec<PathBuf>,
    /// The model that the template or the role wants.
    pub(crate) model: Option<String>,
}

impl PromptArgs {
    /// Reads stdin and the files, and puts everything together.
    pub(crate) fn turn(&self) -> Result<Turn> {
        let template = self.template.as_deref().map(Template::read).transpose()?;
        let role = self.role.as_deref();
        // What is said on the command line counts for more than what the template says.
        let (role, system) = match &template {
            Some(template) if role.is_none() && self.system.is_none() => {
                (template.role.as_deref(), template.system.as_ref())
            }
            _ => (role, self.system.as_ref()),
        };
        let role = role.map(Role::read).transpose()?;
        self.warn_of_files_among_words();
        let gathered = files::gather(&self.file)?;
        let mut attachments = gathered.attachments;
        attachments.extend(files::expand_all(&self.attach)?);
        let input = joined([self.prompt.join(" "), piped(!self.prompt.is_empty())?, gathered.text]);
        let models = (template.as_ref().map(|it| &it.model), role.as_ref().map(|it| &it.model));
        let model = models.0.into_iter().chain(models.1).flatten().next().cloned();
        let prompt = match &template {
            Some(template) => template.fill(&self.vars, &input)?,
            None => input,
        };
        if prompt.trim().is_empty() {
            return Err(invalid(
                "there is nothing to ask; give the prompt as an argument or on stdin",
            ));
        }
        let system = role.as_ref().map(|role| &role.text).or(system);
        let mut messages: Vec<_> = system.map(Message::system).into_iter().collect();
        messages.push(Message::user(prompt));
        Ok(Turn { messages, attachments, model })
    }
}

impl PromptArgs {
    /// A shell makes several words of a pattern, and only the first belongs to the option before.
    fn warn_of_files_among_words(&self) {
        let Some((_, words)) = self.prompt.split_last() else { return };
        let option = if self.attach.is_empty() { "-f" } else { "-a" };
        if self.file.is_empty() && self.attach.is_empty() {
            return;
        }
        for word in words.iter().filter(|word| Path::new(word).is_file()) {
            note(&format!(
                "warning: {word} is a file, but stands in the prompt as a word; say {option} before \
                 each file, or put the pattern between quotes"
            ));
        }
    }
}

/// The instructions of a role, and the model that it wants.
pub(crate) fn role(name: &str) -> Result<(String, Option<String>)> {
    Role::read(name).map(|role| (role.text, role.model))
}

/// What comes on stdin, without the last line's end. Where there is a prompt already, and nothing
/// comes, whoever waits is told for what.
fn piped(is_more: bool) -> Result<String> {
    if stdin().is_terminal() {
        return Ok(String::new());
    }
    let (comes, waits) = mpsc::channel::<()>();
    let hint = is_more.then(|| {
        thread::spawn(move || {
            if waits.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                note(
                    "waiting for stdin, which is a pipe, to bring the rest of the prompt or to \
                     end; `< /dev/null` says that there is none",
                );
            }
        })
    });
    let unreadable = |error| invalid("stdin cannot be read").with_source(error);
    let mut bytes = vec![0; 8192];
    let first = stdin().read(&mut bytes).map_err(unreadable)?;
    drop(comes);
    if let Some(hint) = hint {
        // It has ended, or is about to.
        let _ = hint.join();
    }
    bytes.truncate(first);
    stdin().read_to_end(&mut bytes).map_err(unreadable)?;
    let input = String::from_utf8(bytes).map_err(|_| {
        invalid("stdin is not UTF-8 text; send a file of another kind along with --file")
    })?;
    let input = input.strip_suffix('\n').unwrap_or(&input);
    Ok(input.strip_suffix('\r').unwrap_or(input).to_owned())
}

/// The parts that there are, with an empty line between them.
fn joined(parts: [String; 3]) -> String {
    let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join("\n\n")
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write it as NAME=VALUE".into()),
    }
}
