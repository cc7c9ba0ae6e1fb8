//! Which answer a conversation goes on from, in the forms in which clients send it back.
//!
//! A provider knows its answers by what the bot wrote. A client has them as it was told them: calls
//! as their parts, JSON without its fence, a mended answer without the first try, and, where a
//! stream was rewritten, all that came. No text is kept, only a hash under a key of this process.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lenore_provider::{ConversationHash, ConversationHasher, Earlier, Message, Role};

use crate::links::Place;

/// As many points are known; the oldest are forgotten.
const MOST: usize = 1_000;

/// As many beginnings of an answer are known, its last ones; and fewer where the conversation is
/// long, so that so many bytes at most are hashed for them.
const BEGINNINGS: usize = 64;
const HASHED_BYTES: usize = 4 * 1024 * 1024;

/// What front ends take out of an answer before they send it back: how it begins, and how it ends.
const CLEANED: [(&str, &str); 3] =
    [("<details", "</details>"), ("<think>", "</think>"), ("<thinking>", "</thinking>")];

/// The points at which conversations can go on.
#[derive(Debug, Default)]
pub(crate) struct Points {
    hasher: ConversationHasher,
    known: Mutex<VecDeque<Point>>,
}

#[derive(Debug)]
struct Point {
    /// With the answer as it is, or as it was sent.
    whole: Vec<ConversationHash>,
    /// With a beginning of the answer, as who stops it may have it.
    begun: Vec<ConversationHash>,
    /// Without the answer, where it may be left out.
    bare: Option<ConversationHash>,
    chat: String,
    message: String,
}

/// An answer in the forms in which it may come back.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Forms<'a> {
    /// As it is, and as it was sent.
    pub(crate) whole: &'a [&'a str],
    /// As it was sent, with the places where a piece of it ended.
    pub(crate) begun: Option<(&'a str, &'a [usize])>,
    /// Whether it had no word, or was stopped: front ends leave out an answer of which they have
    /// nothing, or send it empty.
    pub(crate) is_left_out: bool,
}

impl Points {
    /// The answer that the last messages follow, where it is known. Whether its chat has not gone
    /// on since is the provider's to know.
    pub(crate) fn find(&self, place: &Place, messages: &[Message]) -> Option<Earlier> {
        let hashed = |length: usize| (length, self.hash(place, &messages[..length], None));
        let answered = ConversationHasher::answered(messages).map(hashed);
        let unanswered = unanswered(messages).map(hashed);
        let known = self.known();
        let find = |at: Option<(usize, ConversationHash)>,
                    is_it: fn(&Point, ConversationHash) -> bool,
                    why: &'static str| {
            let (length, hashed) = at?;
            let point = known.iter().rev().find(|point| is_it(point, hashed))?;
            Some((point, length, why))
        };
        let (Point { chat, message, .. }, length, why) =
            find(answered, |point, it| point.whole.contains(&it), "its last answer is known")
                .or_else(|| {
                    find(answered, |point, it| point.begun.contains(&it), "it was stopped there")
                })
                .or_else(|| {
                    let why = "its last answer had no word";
                    find(unanswered, |point, it| point.bare == Some(it), why)
                })?;
        tracing::debug!(chat, why, "the conversation goes on in a chat");
        Some(Earlier { chat: chat.clone(), message: message.clone(), length })
    }

    /// A conversation stands at this message of a chat, with an answer that has any of these forms.
    pub(crate) fn add(
        &self,
        place: &Place,
        messages: &[Message],
        forms: Forms<'_>,
        (chat, message): (&str, &str),
    ) {
        let hash = |form: &str| self.hash(place, messages, Some(form));
        let mut whole: Vec<_> = forms.whole.iter().map(|form| hash(form)).collect();
        whole.dedup();
        let mut begun = Vec::new();
        if let Some((text, ends)) = forms.begun {
            let size: usize = messages.iter().map(|message| message.content.len()).sum();
            let most = BEGINNINGS.min(HASHED_BYTES / (size + text.len()).max(1));
            let last = &ends[ends.len().saturating_sub(most)..];
            let beginnings = last.iter().filter_map(|end| text.get(..*end));
            begun.extend(beginnings.filter(|text| !text.trim().is_empty()).map(hash));
        }
        let bare = forms.is_left_out.then(|| self.hash(place, messages, None));
        if forms.is_left_out {
            begun.push(hash(""));
        }
        let (code, message) = (chat.to_owned(), message.to_owned());
        let mut known = self.known();
        // A chat goes on at its end alone.
        known.retain(|old| old.chat != chat);
        known.push_back(Point { whole, begun, bare, chat: code, message });
        if known.len() > MOST {
            known.pop_front();
        }
    }

    /// The hash of a conversation, without what front ends take out of answers.
    fn hash(&self, place: &Place, messages: &[Message], answer: Option<&str>) -> ConversationHash {
        let answer = answer.map(cleaned);
        let is_touched = |message: &Message| {
            message.role == Role::Assistant && matches!(cleaned(&message.content), Cow::Owned(_))
        };
        if !messages.iter().any(is_touched) {
            return self.hasher.hash(place, messages, answer.as_deref());
        }
        let clean = messages.iter().map(|message| match message.role {
            Role::Assistant => Message::assistant(cleaned(&message.content)),
            _ => message.clone(),
        });
        self.hasher.hash(place, &clean.collect::<Vec<_>>(), answer.as_deref())
    }

    fn known(&self) -> MutexGuard<'_, VecDeque<Point>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many messages the conversation had when it was last asked, where no answer stands before
/// what is new.
fn unanswered(messages: &[Message]) -> Option<usize> {
    let [.., before, _] = messages else { return None };
    (before.role != Role::Assistant).then_some(messages.len() - 1)
}

/// A text without the blocks of thoughts and details in it.
fn cleaned(text: &str) -> Cow<'_, str> {
    let mut left = Cow::Borrowed(text);
    for (begin, end) in CLEANED {
        let mut from = 0;
        while let Some(at) = left[from..].find(begin).map(|at| from + at) {
            let Some(length) = left[at..].find(end) else { break };
            let rest = left[at + length + end.len()..].trim_start();
            left = Cow::Owned(format!("{}{rest}", &left[..at]));
            from = at;
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(owner: &str, model: &str) -> Place {
        Place { owner: Some(owner.into()), provider: "web".into(), model: model.into() }
    }

    fn conversation(texts: &[&str]) -> Vec<Message> {
        let roles = [Role::User, Role::Assistant].into_iter().cycle();
        roles.zip(texts).map(|(role, text)| Message::new(role, *text)).collect()
    }

    fn whole<'a>(whole: &'a [&'a str]) -> Forms<'a> {
        Forms { whole, ..Forms::default() }
    }

    #[test]
    fn a_beginning_of_an_answer_that_was_stopped_leads_to_it() {
        let points = Points::default();
        let at = place("ada", "raven");
        let text = "Once upon a midnight dreary";
        let ends = [4, 9, 11, text.len()];
        let forms = Forms { begun: Some((text, &ends)), ..Forms::default() };
        points.add(&at, &conversation(&["A poem"]), forms, ("c", "7"));
        for known in ["Once", "Once upon", "Once upon ", " Once upon a", text] {
            let next = conversation(&["A poem", known, "Go on"]);
            assert_eq!(
                points.find(&at, &next).map(|found| found.chat),
                Some("c".into()),
                "{known}"
            );
        }
        for other in ["", "On", "Twice", "Once upon a midnight dreary, while"] {
            assert!(points.find(&at, &conversation(&["A poem", other, "Go on"])).is_none());
        }
    }

    #[test]
    fn an_answer_without_a_word_may_be_left_out() {
        let points = Points::default();
        let at = place("ada", "raven");
        let before = conversation(&["Hi", "Hello.", "Why?"]);
        let next = [&before[..], &[Message::user("Go on")]].concat();
        points.add(&at, &before, whole(&["So."]), ("b", "5"));
        assert_eq!(points.find(&at, &next), None, "it had words");
        points.add(&at, &before, Forms { is_left_out: true, ..Forms::default() }, ("c", "7"));
        let found = points.find(&at, &next).expect("known");
        assert_eq!((&*found.chat, &*found.message, found.length), ("c", "7", 3));
        let blank = [&before[..], &[Message::assistant(""), Message::user("Go on")]].concat();
        assert_eq!(points.find(&at, &blank).map(|found| found.length), Some(4));
        // Who asks the same again, or something else, begins anew.
        assert_eq!(points.find(&at, &before), None);
        let other = [&before[..2], &[Message::user("How?"), Message::user("Go on")]].concat();
        assert_eq!(points.find(&at, &other), None);
        assert_eq!(points.find(&place("ada", "crow"), &next), None, "another model");
    }

    #[test]
    fn what_front_ends_take_out_of_answers_is_not_told_apart() {
        let points = Points::default();
        let at = place("ada", "raven");
        let said = "<details type=\"reasoning\">\nHm.\n</details>\n\nHello.";
        points.add(&at, &conversation(&["Hi"]), whole(&[said]), ("c", "7"));
        for form in ["Hello.", said, "<think>Hm.</think>\nHello."] {
            let next = conversation(&["Hi", form, "Why?"]);
            assert!(points.find(&at, &next).is_some(), "{form}");
            points.add(&at, &conversation(&["Hi", form, "Why?"]), whole(&["So."]), ("d", "9"));
            let next = conversation(&["Hi", "Hello.", "Why?", "So.", "Ah."]);
            assert_eq!(points.find(&at, &next).map(|found| found.chat), Some("d".into()));
        }
        // What a user says is told apart, and so is what has no end.
        let next = conversation(&["<think>x</think>Hi", "Hello.", "Why?"]);
        assert!(points.find(&at, &next).is_none());
        assert_eq!(cleaned("a <think> b"), "a <think> b");
        assert_eq!(cleaned("<think>a</think>b<think>c</think> d"), "bd");
    }

    #[test]
    fn each_form_of_an_answer_leads_to_it() {
        let points = Points::default();
        let at = place("ada", "raven");
        points.add(&at, &conversation(&["Hi"]), whole(&["Hello.", "Hullo.\n\nHello."]), ("c", "7"));
        for form in ["Hello.", "Hullo.\n\nHello.\n"] {
            let found = points.find(&at, &conversation(&["Hi", form, "Why?"])).expect("known");
            assert_eq!((&*found.chat, &*found.message, found.length), ("c", "7", 2));
        }
        let next = conversation(&["Hi", "Hello.", "Why?"]);
        assert!(points.find(&place("bob", "raven"), &next).is_none(), "another caller");
        assert!(points.find(&place("ada", "crow"), &next).is_none(), "another model");
        let nothing_new: &[&str] = &["Hi", "Hello."];
        for other in [&["Ho", "Hello.", "Why?"], &["Hi", "Hello!", "Why?"], nothing_new, &["Hi"]] {
            assert!(points.find(&at, &conversation(other)).is_none(), "{other:?}");
        }
    }

    #[test]
    fn a_chat_is_known_by_its_last_answer_alone() {
        let points = Points::default();
        let at = place("ada", "raven");
        points.add(&at, &conversation(&["Hi"]), whole(&["Hello."]), ("c", "7"));
        points.add(&at, &conversation(&["Hi", "Hello.", "Why?"]), whole(&["So."]), ("c", "9"));
        assert!(points.find(&at, &conversation(&["Hi", "Hello.", "How?"])).is_none());
        let next = conversation(&["Hi", "Hello.", "Why?", "So.", "Ah."]);
        assert_eq!(points.find(&at, &next).map(|found| found.message), Some("9".to_owned()));
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let points = Points::default();
        let at = place("ada", "raven");
        for n in 0..=MOST {
            let n = n.to_string();
            points.add(&at, &conversation(&[&n]), whole(&["x"]), (&n, "7"));
        }
        assert!(points.find(&at, &conversation(&["0", "x", "y"])).is_none());
        assert!(points.find(&at, &conversation(&["1", "x", "y"])).is_some());
    }
}
