//! What is asked: arguments, stdin, files, roles and templates become one turn.

pub(crate) mod files;
mod sheets;

use std::io::{IsTerminal, Read, stdin};
use std::path::PathBuf;

use clap::ValueHint;
use lenore::{Message, Result};

use self::sheets::{Role, Template};
use crate::paths::invalid;

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
    #[arg(long, value_name = "NAME", conflicts_with = "system")]
    role: Option<String>,

    /// A prompt from templates/NAME.md in your config directory; `{{input}}` in it stands for what
    /// is asked, `{{name}}` for a --var
    #[arg(short, long, value_name = "NAME")]
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
        let gathered = files::gather(&self.file)?;
        let mut attachments = gathered.attachments;
        attachments.extend(files::expand_all(&self.attach)?);
        let input = joined([self.prompt.join(" "), piped()?, gathered.text]);
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

/// The instructions of a role, and the model that it wants.
pub(crate) fn role(name: &str) -> Result<(String, Option<String>)> {
    Role::read(name).map(|role| (role.text, role.model))
}

/// What comes on stdin, without the last line's end.
fn piped() -> Result<String> {
    if stdin().is_terminal() {
        return Ok(String::new());
    }
    let mut bytes = Vec::new();
    stdin()
        .read_to_end(&mut bytes)
        .map_err(|error| invalid("stdin cannot be read").with_source(error))?;
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
