//! What is asked: arguments, stdin, files, roles and templates become one turn.

mod content_type;
pub(crate) mod files;
mod sheets;
mod source;

use std::io::{IsTerminal, stdin};
use std::path::{Path, PathBuf};

use clap::ValueHint;
use lenore::{Message, Result};

use self::content_type::Extension;
use self::files::STDIN;
use self::sheets::{Role, Template};
pub(crate) use self::source::Copies;
use self::source::{fits_a_prompt, prompt_text, stdin_with_a_word};
use crate::output::note;
use crate::paths::invalid;

/// The options that make a prompt.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Prompt")]
pub(crate) struct PromptArgs {
    /// The prompt; what comes on stdin follows it, then files. A `-` as its first or last word says
    /// where stdin goes
    #[arg(help_heading = None::<&str>)]
    prompt: Vec<String>,

    /// A file, or a pattern such as 'src/**/*.rs': short text goes into the prompt under its name,
    /// anything else is attached; `-` means stdin; repeatable
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    #[arg(allow_hyphen_values = true)]
    file: Vec<PathBuf>,

    /// A file, or a pattern, that is attached whatever it is; `-` means stdin; repeatable
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    #[arg(allow_hyphen_values = true)]
    attach: Vec<PathBuf>,

    /// The type of what is attached from stdin or a pipe, such as png or image/png [default: what
    /// its content shows]
    #[arg(long, value_name = "TYPE", value_hint = ValueHint::Other)]
    attach_type: Option<Extension>,

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
    /// Where what came from pipes is kept until it is sent.
    pub(crate) copies: Copies,
}

/// Where stdin goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Before,
    After,
    /// Among the files, by its name there.
    Files,
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
        let (place, words, is_named) = self.place_of_stdin()?;
        let words = words.join(" ");
        let mut gathered = files::Gathered::default();
        gathered.add(&self.file, files::INLINE, self.attach_type.as_ref())?;
        let texts = std::mem::take(&mut gathered.text);
        gathered.add(&self.attach, 0, self.attach_type.as_ref())?;
        let piped = match place {
            Place::Files => String::new(),
            _ => piped(!words.is_empty(), is_named)?,
        };
        let input = match place {
            Place::Before => joined([piped, words, texts]),
            _ => joined([words, piped, texts]),
        };
        fits_a_prompt(input.len())?;
        let models = (template.as_ref().map(|it| &it.model), role.as_ref().map(|it| &it.model));
        let model = models.0.into_iter().chain(models.1).flatten().next().cloned();
        let prompt = match &template {
            Some(template) => template.fill(&self.vars, &input)?,
            None => input,
        };
        if prompt.trim().is_empty() && gathered.attachments.is_empty() {
            return Err(invalid(
                "there is nothing to ask; give the prompt as an argument or on stdin",
            ));
        }
        let system = role.as_ref().map(|role| &role.text).or(system);
        let mut messages: Vec<_> = system.map(Message::system).into_iter().collect();
        messages.push(Message::user(prompt));
        let files::Gathered { attachments, copies, .. } = gathered;
        Ok(Turn { messages, attachments, model, copies })
    }
}

impl PromptArgs {
    /// Where stdin goes, the words beside it, and whether it was named.
    fn place_of_stdin(&self) -> Result<(Place, &[String], bool)> {
        let (place, words, is_named) = match &*self.prompt {
            [first, words @ ..] if first == STDIN => (Place::Before, words, true),
            [words @ .., last] if last == STDIN => (Place::After, words, true),
            words => (Place::After, words, false),
        };
        let files = self.file.iter().chain(&self.attach);
        match files.filter(|name| name.as_os_str() == STDIN).count() {
            0 => Ok((place, words, is_named)),
            1 if !is_named => Ok((Place::Files, words, true)),
            _ => Err(invalid("stdin can be read once; say `-` in one place")),
        }
    }

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

/// What comes on stdin, without the last line's end. A terminal is read only where it is meant.
fn piped(is_more: bool, is_named: bool) -> Result<String> {
    let is_terminal = stdin().is_terminal();
    if is_terminal && !is_named {
        return Ok(String::new());
    }
    if is_terminal {
        note("type the prompt; Ctrl-D at the beginning of a line ends it");
    }
    let bytes = prompt_text(stdin_with_a_word(is_more && !is_terminal))?;
    let input = String::from_utf8(bytes)
        .map_err(|_| invalid("stdin is not UTF-8 text; `-a -` sends what it brings as a file"))?;
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
