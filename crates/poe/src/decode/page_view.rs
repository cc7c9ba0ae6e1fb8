//! What the page shows of an answer. It is rendered, so that it is no answer itself, but it tells
//! whether the answer is complete, and whether all of it was received.

use serde::Deserialize;

/// What `look.js` reads off the page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct PageView {
    /// The number of the newest message that is a bot's and newer than the question.
    pub answer: Option<String>,
    /// Whether the page marks it as complete, or as growing; `None` where it does neither.
    pub complete: Option<bool>,
    /// The text that is shown.
    pub text: String,
    /// What a dialog over the page says.
    pub dialog: Option<String>,
}

impl PageView {
    /// Whether all that the page shows was received: the letters and digits of its text stand in
    /// the received one, in their order, and those of its last word without a break, so that the
    /// letters of a link's address are no proof of it. The received text has more, since markup is
    /// not shown.
    pub fn is_within(&self, received: &str) -> bool {
        let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<Vec<_>>();
        let (shown, received) = (letters(&self.text), letters(received));
        let last = self.text.split(|c: char| !c.is_alphanumeric()).rfind(|word| !word.is_empty());
        let last = last.map_or(0, |word| word.chars().count());
        let (beginning, tail) = shown.split_at(shown.len() - last);
        if tail.is_empty() {
            return true;
        }
        let Some(at) = received.windows(tail.len()).rposition(|window| window == tail) else {
            return false;
        };
        let mut received = received[..at].iter();
        beginning.iter().all(|shown| received.any(|letter| letter == shown))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shows(text: &str) -> PageView {
        PageView { text: text.into(), ..PageView::default() }
    }

    #[test]
    fn markup_is_no_difference_and_missing_words_are() {
        let received = "# Title\n\n**bold** [a link](https://x.example/1) `code` 7 é";
        assert!(shows("Title bold a link code 7 é").is_within(received));
        assert!(shows("").is_within(received));
        assert!(!shows("Title bold a link code 7 é and more").is_within(received));
        assert!(!shows("bold Title").is_within(received), "their order counts");
        assert!(
            !shows("Title bold a link code 7 é xt").is_within(received),
            "no word of an address"
        );
    }
}
