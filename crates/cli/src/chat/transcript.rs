//! A conversation as a file of Markdown that reads back.

use lenore::{Message, Result, Role};

use crate::paths::invalid;

/// A line of its own before each turn. Who reads the rendered text does not see it.
const MARK: &str = "<!-- lenore: ";
const END: &str = " -->";

/// The conversation, for a person and for [`parse`].
pub(super) fn format(title: Option<&str>, bot: &str, turns: &[Message]) -> String {
    let mut text = format!("# {}\n", title.unwrap_or("A chat"));
    for turn in turns {
        let name = match turn.role {
            Role::User => "You",
            Role::Assistant => bot,
            _ => "Instructions",
        };
        text.push_str(&format!("\n{MARK}{}{END}\n### {name}\n\n", turn.role));
        for line in turn.content.split('\n') {
            // A line that looks like a mark is none.
            let escape = if line.trim_start().starts_with(MARK) { " " } else { "" };
            text.push_str(&format!("{escape}{line}\n"));
        }
    }
    text
}

/// The turns of a file that [`format()`] wrote.
pub(super) fn parse(text: &str) -> Result<Vec<Message>> {
    let mut turns: Vec<Message> = Vec::new();
    let mut heading = false;
    for line in text.lines() {
        let role = line.strip_prefix(MARK).and_then(|rest| rest.strip_suffix(END));
        if let Some(role) = role {
            turns.push(Message::new(role.parse()?, ""));
            heading = true;
        } else if let Some(turn) = turns.last_mut() {
            if std::mem::take(&mut heading) && line.starts_with("### ") {
                continue;
            }
            let line = line
                .strip_prefix(' ')
                .filter(|it| it.trim_start().starts_with(MARK))
                .unwrap_or(line);
            turn.content.push_str(line);
            turn.content.push('\n');
        }
    }
    for turn in &mut turns {
        // The free lines around a turn, and its last line's end, are the file's own.
        let text = turn.content.strip_prefix('\n').unwrap_or(&turn.content);
        let text = text.strip_suffix('\n').unwrap_or(text);
        turn.content = text.to_owned();
    }
    let count = turns.len();
    for turn in turns.iter_mut().take(count.saturating_sub(1)) {
        let text = turn.content.strip_suffix('\n').unwrap_or(&turn.content);
        turn.content = text.to_owned();
    }
    if turns.is_empty() {
        return Err(invalid(
            "that file is no conversation that /save wrote; /file sends a file along",
        ));
    }
    Ok(turns)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_file_without_turns_is_refused() {
        assert!(parse("# Just a text\n").is_err());
    }

    proptest! {
        #[test]
        fn a_conversation_reads_back(
            texts in prop::collection::vec("([a-z#`🐦]{0,5}|\n|<!-- lenore: user -->| |### You){0,9}", 1..5),
        ) {
            let role = |number| [Role::System, Role::User, Role::Assistant][number % 3];
            let turns: Vec<_> = texts
                .into_iter()
                .enumerate()
                .map(|(number, text)| Message::new(role(number), text))
                .collect();
            prop_assert_eq!(parse(&format(Some("Ravens"), "GPT-4", &turns)).expect("its own"), turns);
        }
    }
}
