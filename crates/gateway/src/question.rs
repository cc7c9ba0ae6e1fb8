//! What a request of any dialect comes down to.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName, StatusCode};
use lenore_provider::{ConversationHash, Message, Role};

use crate::Gateway;
use crate::content::Beside;
use crate::failure::Failure;
use crate::fields::Fields;
use crate::limits::{Limit, SCHEMA_DEPTH, SCHEMA_NODES, SCHEMA_PATTERNS};
use crate::links::Place;
use crate::schema::{self, Cost, Ended, Excess, Format, Most, Part, Schema, TIME};
use crate::tools::{Call, Fault, MARK, Toolbox};
use crate::{mark, tokens};

/// The chat to go on in; in an answer, the chat that it is in.
pub(crate) const X_LENORE_CHAT: HeaderName = HeaderName::from_static("x-lenore-chat");
/// `1`: the question is not put into an earlier chat, even if it goes on with one.
const X_LENORE_NEW_CHAT: HeaderName = HeaderName::from_static("x-lenore-new-chat");
/// `hold`: a streamed text is held back until it is complete, and so exact.
const X_LENORE_REWRITES: HeaderName = HeaderName::from_static("x-lenore-rewrites");

/// As many answers may be asked for at once.
const MOST_ANSWERS: u64 = 8;

/// As many stop sequences may be given, of so many characters each.
const MOST_STOPS: usize = 16;
const LONGEST_STOP: usize = 200;

/// A request, in the words that all dialects share.
#[derive(Debug, Default)]
pub(crate) struct Question {
    /// As the client names it; empty for the default.
    pub(crate) model: String,
    pub(crate) messages: Vec<Message>,
    /// Instructions that stand before the messages.
    pub(crate) instructions: Option<String>,
    /// Its files, and names of what was asked for and cannot be honoured.
    pub(crate) beside: Beside,
    pub(crate) stop: Vec<String>,
    /// About how many tokens an answer may have.
    pub(crate) most: Option<u64>,
    pub(crate) reading: Reading,
    /// How many answers are wanted.
    pub(crate) count: usize,
    pub(crate) stream: bool,
    /// The chat to go on in.
    pub(crate) chat: Option<String>,
    /// What the bot is told of instructions, tools and formats.
    pub(crate) told: Option<ConversationHash>,
    /// Whether thoughts are told, where the client must ask for them.
    pub(crate) wants_thoughts: bool,
}

impl Question {
    /// Makes the messages what is to be typed. A chat that the client names is the history, so that
    /// only what is new goes there; and what its bot was told already is not told again.
    pub(crate) fn prepare(&mut self, gateway: &Gateway, place: &Place, wishes: &Wishes) {
        if gateway.0.options.prefills {
            self.instruct_to_go_on();
        }
        let is_named = wishes.chat.is_some();
        let last = self.messages.iter().rposition(|message| message.role == Role::Assistant);
        if let Some(last) = last.filter(|last| is_named && last + 1 < self.messages.len()) {
            self.messages.drain(..=last);
        }
        let told = &gateway.0.told;
        let texts = self.instructions.clone().into_iter().chain(self.reading.instructions());
        let texts: Vec<_> = texts.map(Message::system).collect();
        self.told = (!texts.is_empty()).then(|| told.hash(place, &texts));
        let chat = wishes.chat.as_ref().or(self.chat.as_ref());
        if let (Some(chat), Some(hash)) = (chat, self.told)
            && told.has(chat, hash)
        {
            return;
        }
        self.instruct();
    }

    /// Makes the beginning of an answer, with which the conversation ends, an instruction: a bot on
    /// the web can be told how to begin, and nothing else.
    fn instruct_to_go_on(&mut self) {
        let Some(last) = self.messages.pop_if(|last| last.role == Role::Assistant) else { return };
        let told = format!(
            "Your answer has begun already, with the text between the lines of dashes. Go on right \
             behind it, without repeating any of it.\n---\n{}\n---",
            last.content
        );
        self.messages.push(Message::system(told));
    }

    /// Adds what the bot must be told: instructions, and of tools and formats what belongs to the
    /// instructions at the beginning.
    pub(crate) fn instruct(&mut self) {
        if let Some(instructions) = self.instructions.take() {
            self.messages.insert(0, Message::system(instructions));
        }
        let Some(told) = self.reading.instructions() else { return };
        match self.messages.first_mut() {
            Some(Message { role: Role::System | Role::Developer, content }) => {
                content.push_str("\n\n");
                content.push_str(&told);
            }
            _ => self.messages.insert(0, Message::system(told)),
        }
    }

    /// About how many tokens the bot is given.
    pub(crate) fn tokens(&self) -> u64 {
        self.messages.iter().map(|message| tokens::estimate(&message.content)).sum()
    }
}

/// How an answer is read at its end.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    pub(crate) tools: Option<Toolbox>,
    pub(crate) format: Option<Format>,
}

impl Reading {
    /// What the bot is told of tools and formats.
    fn instructions(&self) -> Option<String> {
        let tools = self.tools.as_ref().map(Toolbox::instructions);
        let format = self.format.as_ref().map(Format::instructions);
        let told: Vec<_> = tools.into_iter().chain(format).collect();
        (!told.is_empty()).then(|| told.join("\n\n"))
    }

    /// Reads the schemas, so that what cannot be used is refused before the bot is asked.
    ///
    /// # Errors
    /// 400, with the place of what cannot be used or costs too much; 429 where too many others do
    /// the same.
    pub(crate) async fn prepare(self: &Arc<Self>) -> Result<(), Failure> {
        if self.schemas().next().is_none() {
            return Ok(());
        }
        let reading = self.clone();
        let read = schema::run(move || reading.read_schemas()).await;
        read.unwrap_or_else(|ended| Err(unread(ended)))
    }

    fn schemas(&self) -> impl Iterator<Item = &Schema> {
        let of_format = self.format.as_ref().and_then(Format::schema);
        self.tools.iter().flat_map(Toolbox::schemas).chain(of_format)
    }

    fn read_schemas(&self) -> Result<(), Failure> {
        const MOST: Most =
            Most { nodes: SCHEMA_NODES, depth: SCHEMA_DEPTH, patterns: SCHEMA_PATTERNS };
        let mut cost = Cost::default();
        for schema in self.schemas() {
            schema::cost(schema.source(), MOST, &mut cost)
                .map_err(|excess| too_much(&excess).at(schema.path()))?;
        }
        self.schemas().try_for_each(|schema| schema.read(cost.patterns).map(drop))
    }

    /// Whether there is nothing to read: the text is the answer.
    pub(crate) fn is_plain(&self) -> bool {
        self.tools.is_none() && self.format.is_none()
    }

    /// What the client gets, and the calls. `is_cut`: the bot did not end it itself.
    pub(crate) async fn read(
        self: &Arc<Self>,
        text: &str,
        is_cut: bool,
    ) -> Result<Result<(String, Vec<Call>), Fault>, Failure> {
        let (reading, text) = (self.clone(), text.to_owned());
        let read = schema::run(move || reading.read_text(&text, is_cut)).await;
        read.map_err(|_| {
            let what = "whether the answer fits its schema cannot be found out within 1 s";
            Limit::SchemaTime.failure(StatusCode::BAD_GATEWAY, "schema_too_costly", what)
        })
    }

    fn read_text(&self, text: &str, is_cut: bool) -> Result<(String, Vec<Call>), Fault> {
        match self.read_whole(text) {
            // What is cut has no form any more; half a call is nothing.
            Err(_) if is_cut => {
                let end = self.tools.as_ref().and_then(|_| mark::find(text, 0, MARK));
                Ok((end.map_or(text, |end| text[..end].trim_end()).to_owned(), Vec::new()))
            }
            read => read,
        }
    }

    /// Whether an answer with this fault can be handed out as it is.
    pub(crate) fn may_be_text(&self, fault: &Fault) -> bool {
        let is_free = self.tools.as_ref().is_some_and(Toolbox::is_free);
        fault.may_be_text && is_free && self.format.is_none()
    }

    fn read_whole(&self, text: &str) -> Result<(String, Vec<Call>), Fault> {
        let (text, calls) = match &self.tools {
            Some(tools) => tools.read(text)?,
            None => (text.to_owned(), Vec::new()),
        };
        match &self.format {
            Some(format) if calls.is_empty() => Ok((format.read(&text)?, calls)),
            _ => Ok((text, calls)),
        }
    }
}

/// The schemas could not be read.
fn unread(ended: Ended) -> Failure {
    match ended {
        Ended::Busy => {
            let what = "too many other requests have schemas that are being read";
            Limit::SchemaTurns.busy("rate_limit_exceeded", what)
        }
        Ended::TooMuch | Ended::Steps => {
            let what = format!("the JSON schemas of the request take longer than {TIME:?} to read");
            Limit::SchemaTime.refused(&what)
        }
    }
}

/// A schema costs too much there.
fn too_much(excess: &Excess) -> Failure {
    let (limit, what) = match excess.of {
        Part::Nodes => (
            Limit::SchemaNodes,
            format!(
                "the JSON schemas have more than {SCHEMA_NODES} parts when their references are \
                 followed"
            ),
        ),
        Part::Depth => {
            (Limit::SchemaDepth, format!("the JSON schema is more than {SCHEMA_DEPTH} deep"))
        }
        Part::Patterns => (
            Limit::SchemaPatterns,
            format!("the JSON schemas have more than {SCHEMA_PATTERNS} patterns"),
        ),
    };
    let at = if excess.at.is_empty() { "the whole" } else { &excess.at };
    limit.refused(&format!("{what}, at {at}"))
}

/// What a client says in headers of ours.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wishes {
    pub(crate) chat: Option<String>,
    pub(crate) new_chat: bool,
    pub(crate) hold: bool,
}

impl Wishes {
    pub(crate) fn read(headers: &HeaderMap) -> Result<Self, Failure> {
        let text = |name: &HeaderName| {
            headers.get(name).map(|value| value.to_str().map(str::trim)).transpose().map_err(|_| {
                Failure::invalid(format!("the header {name} is not plain text"))
                    .of_param(name.as_str())
            })
        };
        let wrong = |name: &HeaderName, words: &str| {
            Err(Failure::invalid(format!("the header {name} is {words}")).of_param(name.as_str()))
        };
        let new_chat = match text(&X_LENORE_NEW_CHAT)? {
            None | Some("0") => false,
            Some("1") => true,
            Some(_) => return wrong(&X_LENORE_NEW_CHAT, "0 or 1"),
        };
        let hold = match text(&X_LENORE_REWRITES)? {
            None | Some("anew") => false,
            Some("hold") => true,
            Some(_) => return wrong(&X_LENORE_REWRITES, "hold or anew"),
        };
        let chat = match text(&X_LENORE_CHAT)? {
            Some("") => return wrong(&X_LENORE_CHAT, "empty; it is a chat's code"),
            chat => chat.map(str::to_owned),
        };
        Ok(Self { chat, new_chat, hold })
    }
}

/// Stop sequences that can be looked for.
pub(crate) fn checked_stops(stops: Vec<String>, param: &str) -> Result<Vec<String>, Failure> {
    let refused = |words: String| Err(Failure::invalid(words).of_param(param));
    if stops.len() > MOST_STOPS {
        return refused(format!("{param} has more than {MOST_STOPS} entries"));
    }
    let is_bad = |stop: &String| stop.is_empty() || stop.chars().count() > LONGEST_STOP;
    if stops.iter().any(is_bad) {
        let message = format!("an entry of {param} is empty or has over {LONGEST_STOP} characters");
        return refused(message);
    }
    Ok(stops)
}

/// How many answers are wanted.
pub(crate) fn checked_count(count: Option<u64>) -> Result<usize, Failure> {
    match count.unwrap_or(1) {
        count @ 1..=MOST_ANSWERS => Ok(usize::try_from(count).unwrap_or(1)),
        _ => Err(Failure::invalid(format!(
            "n is 1 to {MOST_ANSWERS}; each answer is a question of its own on the site"
        ))
        .of_param("n")),
    }
}

/// The longest answer, in tokens, from the fields that may tell it, the one that counts first.
pub(crate) fn take_most(fields: &mut Fields, names: &[&str]) -> Result<Option<u64>, Failure> {
    let mut most = None;
    for name in names {
        let told = checked_most(fields.take_count(name)?, name)?;
        most = most.or(told);
    }
    Ok(most)
}

/// The longest answer, in tokens.
pub(crate) fn checked_most(most: Option<u64>, param: &str) -> Result<Option<u64>, Failure> {
    match most {
        Some(0) => Err(Failure::invalid(format!("{param} is at least 1")).of_param(param)),
        most => Ok(most),
    }
}
