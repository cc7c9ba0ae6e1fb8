//! What front ends ask beside a person's questions: titles, tags, follow-ups. How each begins is data,
//! `side_questions.json`.

use std::sync::LazyLock;

use lenore_provider::{Message, Role};
use serde::Deserialize;

/// What a client asks by itself.
#[derive(Debug, Deserialize)]
pub(crate) struct SideQuestion {
    pub(crate) client: String,
    /// What it wants.
    pub(crate) asks: String,
    /// How its words begin.
    begins: Vec<String>,
}

static KNOWN: LazyLock<Vec<SideQuestion>> = LazyLock::new(|| {
    let known = serde_json::from_str(include_str!("side_questions.json"));
    known.expect("our own table is JSON")
});

/// What is asked on the side, where a conversation is nothing but such a question.
pub(crate) fn side_question(messages: &[Message]) -> Option<&'static SideQuestion> {
    let (last, before) = messages.split_last()?;
    let is_told = |message: &Message| matches!(message.role, Role::System | Role::Developer);
    if last.role == Role::Assistant || !before.iter().all(is_told) {
        return None;
    }
    let words = last.content.trim_start();
    let is_it = |known: &&SideQuestion| known.begins.iter().any(|begin| words.starts_with(begin));
    KNOWN.iter().find(is_it)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_on_the_side_is_known_by_its_beginning_and_stands_alone() {
        let title = "### Task:\nGenerate a concise, 3-5 word title with an emoji summarizing it.";
        let found = side_question(&[Message::user(title)]).expect("known");
        assert_eq!((&*found.client, &*found.asks), ("Open WebUI", "a title"));
        let instructed = [Message::system("Be brief."), Message::user(title)];
        assert!(side_question(&instructed).is_some());
        let quoted = format!("What does this do?\n{title}");
        assert!(side_question(&[Message::user(quoted)]).is_none());
        let amid = [Message::user("Hi"), Message::assistant("Hello."), Message::user(title)];
        assert!(side_question(&amid).is_none());
        assert!(side_question(&[Message::assistant(title)]).is_none());
        assert!(side_question(&[]).is_none());
    }

    #[test]
    fn no_beginning_is_so_short_that_people_write_it() {
        for known in KNOWN.iter() {
            assert!(known.begins.iter().all(|begin| begin.len() > 30), "{known:?}");
        }
    }
}
