//! How a conversation becomes the one text that is typed.

use lenore_provider::Message;

/// One message goes as it is. Several become `Role: content` lines and a last line `Assistant:`,
/// which asks for the next turn.
///
/// Line breaks become `\n`, the only kind that a text box holds.
pub fn format_prompt(messages: &[Message]) -> String {
    let prompt = match messages {
        [only] => only.content.clone(),
        several => several
            .iter()
            .map(|message| format!("{}: {}\n", capitalised(message.role.as_str()), message.content))
            .chain(["Assistant:".to_owned()])
            .collect(),
    };
    if prompt.contains('\r') { prompt.replace("\r\n", "\n").replace('\r', "\n") } else { prompt }
}

fn capitalised(word: &str) -> String {
    let mut characters = word.chars();
    characters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_message_goes_as_it_is() {
        assert_eq!(format_prompt(&[Message::user("Hi\n there ")]), "Hi\n there ");
    }

    #[test]
    fn several_become_a_script_that_the_bot_goes_on_with() {
        let messages = [
            Message::system("Be brief."),
            Message::user("Hi"),
            Message::assistant("Hello."),
            Message::user("Why?"),
        ];
        assert_eq!(
            format_prompt(&messages),
            "System: Be brief.\nUser: Hi\nAssistant: Hello.\nUser: Why?\nAssistant:"
        );
    }

    #[test]
    fn line_breaks_become_those_of_a_text_box() {
        assert_eq!(format_prompt(&[Message::user("a\r\nb\rc\n")]), "a\nb\nc\n");
    }
}
