//! The names of what the page sends and receives, and the words that tell how an answer ends.

use lenore_provider::ErrorKind;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The names of what the page sends and receives. Each list is in the order in which they are tried;
/// `site.toml` says what they are.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Wire {
    /// A node's id.
    pub node_id: Vec<String>,
    /// A message's number.
    pub message_id: Vec<String>,
    /// Whose message it is.
    pub author: Vec<String>,
    /// The author of a person's message.
    pub human: Vec<String>,
    /// The author of what is no message, such as a break of the context.
    pub breaks: Vec<String>,
    /// A message's or a job's state.
    pub state: Vec<String>,
    /// The site's words on the state.
    pub reason: Vec<String>,
    /// A message's text.
    pub text: Vec<String>,
    /// What the client has marked its question with.
    pub nonce: Vec<String>,
    /// The job that writes a message.
    pub message_job: Vec<String>,
    /// The bot that writes a message.
    pub message_bot: Vec<String>,
    /// Whether a message is deleted.
    pub deleted: Vec<String>,
    /// What may be asked next.
    pub suggestions: Vec<String>,
    /// The text of one of them.
    pub suggestion_text: Vec<String>,
    /// A message's files.
    pub attachments: Vec<String>,
    /// What holds a file's address, where it is not beside its name.
    pub file: Vec<String>,
    /// A file's address.
    pub file_url: Vec<String>,
    /// A file's name.
    pub file_name: Vec<String>,
    /// Further fields of a message.
    pub message_other: Vec<String>,
    /// What holds a chat.
    pub chat: Vec<String>,
    /// A chat's number.
    pub chat_id: Vec<String>,
    /// A chat's code, which is in its address.
    pub chat_code: Vec<String>,
    /// What the client has marked a new chat with.
    pub chat_nonce: Vec<String>,
    /// A chat's bot.
    pub chat_bot: Vec<String>,
    /// A bot's handle.
    pub handle: Vec<String>,
    /// The name under which a bot's messages come.
    pub nickname: Vec<String>,
    /// A chat's title.
    pub title: Vec<String>,
    /// Whether a chat's bot answers by itself.
    pub responds: Vec<String>,
    /// What holds a chat's messages.
    pub messages: Vec<String>,
    /// What holds a message in a list.
    pub node: Vec<String>,
    /// What holds a job.
    pub job: Vec<String>,
    /// A job's number.
    pub job_id: Vec<String>,
    /// What a job has cost, in points.
    pub cost: Vec<String>,
    /// What holds a call's variables.
    pub variables: Vec<String>,
    /// The prompt.
    pub prompt: Vec<String>,
    /// The bot that is asked.
    pub bot: Vec<String>,
    /// What holds the data of a reply or an entry.
    pub data: Vec<String>,
    /// The errors of a reply.
    pub errors: Vec<String>,
    /// An error's words.
    pub error_words: Vec<String>,
    /// The reply to a question.
    pub reply: Vec<String>,
    /// The question in that reply.
    pub reply_question: Vec<String>,
    /// The answer in that reply.
    pub reply_answer: Vec<String>,
    /// Whether the question is taken.
    pub status: Vec<String>,
    /// The site's words on that.
    pub status_words: Vec<String>,
    /// The status of a question that is taken.
    pub success: Vec<String>,
    /// The entries of a frame.
    pub entries: Vec<String>,
    /// A frame that says that updates were missed.
    pub frame_error: Vec<String>,
    /// The kind of an entry.
    pub entry_kind: Vec<String>,
    /// The kinds that say that updates were missed.
    pub missed: Vec<String>,
    /// What holds an entry's data.
    pub payload: Vec<String>,
    /// The name of an entry's subscription.
    pub subscription: Vec<String>,
    /// The name of what it is about, with the chat's number at its end.
    pub unique_id: Vec<String>,
    /// Random padding.
    pub padding: Vec<String>,
    /// Subscriptions that may carry a part of a message.
    pub on_message: Vec<String>,
    /// Those that tell of an answer that was stopped.
    pub on_cancelled: Vec<String>,
    /// Those that tell of a chat's title.
    pub on_title: Vec<String>,
    /// The part of a socket's address by which it is the account's channel.
    pub channel: String,
    /// The elements that hold data of the document.
    pub inline: String,
    /// The kind in the id of a message's node.
    pub message_node: String,
    /// The kind in the id of a chat's node.
    pub chat_node: String,
    /// The kind in the id of a job's node.
    pub job_node: String,
    /// What stands before a frame's number.
    pub frame_number: String,
}

/// The words for how far an answer is. Any other word is "still growing".
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct States {
    /// It still grows.
    pub growing: Vec<String>,
    /// It is complete.
    pub complete: Vec<String>,
    /// It has ended otherwise.
    pub failed: Vec<Failure>,
}

/// A word of the site's for a failure, and what it means.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Failure {
    /// The word; a `*` at its end stands for any ending.
    pub name: String,
    /// The error's kind.
    pub kind: ErrorKind,
    /// What happened and what to do, for a person.
    pub advice: String,
}

impl Failure {
    /// Whether it is this word's.
    pub(crate) fn matches(&self, word: &str) -> bool {
        match self.name.strip_suffix('*') {
            Some(beginning) => word.starts_with(beginning),
            None => self.name == word,
        }
    }
}

impl States {
    /// Whether an answer in this state is complete.
    pub(crate) fn is_complete(&self, state: &str) -> bool {
        self.complete.iter().any(|known| known == state)
    }

    /// What a state means that ends an answer otherwise.
    pub(crate) fn failure(&self, state: &str) -> Option<&Failure> {
        self.failed.iter().find(|known| known.matches(state))
    }

    /// Whether an answer in this state may still change.
    pub(crate) fn is_growing(&self, state: &str) -> bool {
        !self.is_complete(state) && self.failure(state).is_none()
    }
}

impl Wire {
    /// What the tap is told of the names and the states.
    pub(crate) fn for_tap(&self, states: &States) -> Value {
        let mut wire = json!(self);
        let fields = [
            &self.message_id,
            &self.author,
            &self.state,
            &self.reason,
            &self.text,
            &self.nonce,
            &self.message_job,
            &self.message_bot,
            &self.deleted,
            &self.suggestions,
            &self.attachments,
            &self.message_other,
        ];
        let fields: Vec<_> = fields.into_iter().flatten().collect();
        let ends: Vec<_> = states
            .complete
            .iter()
            .chain(states.failed.iter().map(|failure| &failure.name))
            .collect();
        wire["message"] = json!(fields);
        wire["known"] = json!(fields.into_iter().chain(&self.node_id).collect::<Vec<_>>());
        wire["end_states"] = json!(ends);
        wire["growing_states"] = json!(states.growing);
        wire
    }
}
