//! The commands of the chat at work.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lenore::{ChatRequest, Message, Result, Role};

use super::command::{Command, help};
use super::extras::dim;
use super::question::Question;
use super::{Chat, Next, transcript};
use crate::copy::to_clipboard;
use crate::logs::{LastChat, Store};
use crate::output::{note, one_line, report, write};
use crate::paths::{invalid, read_text};
use crate::prompt::files::expand_all;
use crate::whole_file::Pending;

impl Chat {
    pub(super) async fn command(&mut self, command: Command, argument: &str) -> Next {
        let done = match command {
            Command::Help => {
                write(&format!("{}\n", help()));
                Ok(String::new())
            }
            Command::Model => self.choose_model(argument),
            Command::New => Ok(self.begin_new()),
            Command::Retry => match self.last.clone() {
                Some(question) => return self.ask(question).await,
                None => Err(invalid("there is no question yet to ask again")),
            },
            Command::Stop => Ok("no answer comes now; while one does, this stops it".into()),
            Command::File => self.add_files(argument),
            Command::Copy => self.copy(),
            Command::Save => self.save(argument),
            Command::Load => self.load(argument),
            Command::Title => Ok(self.title()),
            Command::Quit => return Next::Leave(0),
        };
        match done {
            Ok(words) if words.is_empty() => {}
            Ok(words) => note(&words),
            Err(error) => report(&error.to_string()),
        }
        Next::GoOn
    }

    fn choose_model(&mut self, name: &str) -> Result<String> {
        let models = self.source.provider().models();
        if name.is_empty() {
            let names: Vec<_> = models.iter().map(|model| model.name.as_str()).collect();
            return Ok(format!("you talk to {}; there are {}", self.bot(), names.join(", ")));
        }
        let model = self.shared.resolve(Some(name));
        // What a question would be refused for is said now.
        self.source.check(&ChatRequest::new(&*model, vec![Message::user(name)]))?;
        if model == self.model {
            return Ok(format!("you talk to {model} already"));
        }
        self.model = model;
        self.has_extras = true;
        self.code = None;
        self.untold = self.turns.len();
        self.extras.begin_chat(self.extras.title());
        Ok(if self.turns.is_empty() {
            String::new()
        } else {
            "the next question opens a chat with it and tells it the conversation so far".into()
        })
    }

    fn begin_new(&mut self) -> String {
        self.code = None;
        self.turns.clear();
        self.untold = 0;
        self.files.clear();
        self.last = None;
        self.extras.begin_chat(None);
        "a new chat".into()
    }

    fn add_files(&mut self, argument: &str) -> Result<String> {
        match argument {
            "" if self.files.is_empty() => {
                return Ok("no file goes along; /file PATH adds one".into());
            }
            "" => {}
            "-" => self.files.clear(),
            path => {
                let path = path_of(path);
                // What is not there is said now; what it holds is read when it is sent.
                self.files.extend(expand_all(&[path])?);
            }
        }
        let names: Vec<_> =
            self.files.iter().map(|path| one_line(&path.to_string_lossy())).collect();
        Ok(match names.len() {
            0 => "no file goes along".into(),
            _ => format!("with the next question: {}", names.join(", ")),
        })
    }

    fn copy(&self) -> Result<String> {
        let answers = self.turns.iter().rev().filter(|turn| turn.role == Role::Assistant);
        let last = answers.map(|turn| &turn.content).find(|text| !text.is_empty());
        let text = last.ok_or_else(|| invalid("there is no answer yet to copy"))?;
        to_clipboard(text)
    }

    fn save(&self, argument: &str) -> Result<String> {
        if argument.is_empty() {
            return Err(invalid("name the file: /save FILE"));
        }
        if self.turns.is_empty() {
            return Err(invalid("there is nothing to save yet"));
        }
        let path = path_of(argument);
        self.check_overwritten(&path)?;
        let title = self.extras.title();
        let text = transcript::format(title.as_deref(), self.bot(), &self.turns);
        Pending::new(&path)?.write(&text)?;
        Ok(format!("saved {} turns in {}", self.turns.len(), path.display()))
    }

    /// A file may be written again as the conversation goes on; whatever else is there stays.
    fn check_overwritten(&self, path: &Path) -> Result<()> {
        let is_file = fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() > 0);
        let saved = || read_text(path).ok().and_then(|text| transcript::parse(&text).ok());
        if !is_file || saved().is_some_and(|turns| self.turns.starts_with(&turns)) {
            return Ok(());
        }
        Err(invalid(format!(
            "{} is there already, and is no beginning of this conversation; name another file, or \
             remove that one",
            path.display()
        )))
    }

    fn load(&mut self, argument: &str) -> Result<String> {
        if argument.is_empty() {
            return Err(invalid("name the file: /load FILE"));
        }
        let path = path_of(argument);
        let text = read_text(&path)
            .map_err(|error| invalid(format!("{} cannot be read: {error}", path.display())))?;
        let turns = transcript::parse(&text)?;
        self.begin_new();
        self.turns = turns;
        self.untold = self.turns.len();
        self.last = last_question(&self.turns);
        Ok(format!("{} turns; the next question opens a chat that is told them", self.untold))
    }

    fn title(&self) -> String {
        let title = self.extras.title().unwrap_or_else(|| "no title yet".into());
        match &self.code {
            Some(code) => format!("{title} · {code}"),
            None => title,
        }
    }

    /// Goes on in a chat of before.
    pub(super) fn resume(&mut self, found: LastChat) {
        let log = Store::existing().ok().flatten();
        let logged = log.and_then(|log| log.exchanges(&found.chat).ok());
        for exchange in logged.unwrap_or_default() {
            self.turns.push(Message::user(exchange.prompt));
            self.turns.push(Message::assistant(exchange.answer));
        }
        self.last = last_question(&self.turns);
        let title = found.title.as_deref().map(one_line);
        note(&format!("you go on in {}", title.as_deref().unwrap_or(&found.chat)));
        if let [.., question, _] = &*self.turns {
            let begin: String = one_line(&question.content).chars().take(70).collect();
            write(&dim(&format!("  {begin}")));
        }
        self.extras.begin_chat(title);
        self.code = Some(found.chat);
    }
}

fn last_question(turns: &[Message]) -> Option<Question> {
    let last = turns.iter().rev().find(|turn| turn.role == Role::User)?;
    let (attachments, copies) = (Vec::new(), Arc::default());
    Some(Question { text: last.content.clone(), attachments, copies })
}

/// A path as it was typed: with quotes or backslashes, as completion writes them, and `~`.
fn path_of(typed: &str) -> PathBuf {
    let quoted = ['"', '\''].iter().find_map(|quote| {
        let inner = typed.strip_prefix(*quote)?;
        Some(inner.strip_suffix(*quote).unwrap_or(inner))
    });
    let text = match quoted {
        Some(inner) => inner.to_owned(),
        None => unescaped(typed),
    };
    match (text.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => Path::new(&text).to_owned(),
    }
}

#[cfg(unix)]
fn unescaped(text: &str) -> String {
    let mut chars = text.chars();
    let mut plain = String::new();
    while let Some(c) = chars.next() {
        plain.push(if c == '\\' { chars.next().unwrap_or(c) } else { c });
    }
    plain
}

#[cfg(not(unix))]
fn unescaped(text: &str) -> String {
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn paths_are_read_as_completion_writes_them() {
        for (typed, meant) in [
            ("a\\ b.txt", "a b.txt"),
            ("\"a b.txt\"", "a b.txt"),
            ("'it''s'", "it''s"),
            ("plain", "plain"),
        ] {
            assert_eq!(path_of(typed), Path::new(meant));
        }
        assert!(path_of("~/x").is_absolute());
    }
}
