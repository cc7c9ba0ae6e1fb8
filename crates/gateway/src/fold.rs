//! From what a provider says to the text that a client is sent, which cannot be taken back.
//!
//! Pure: events in, text out. Stop sequences, the longest answer and what must be held back are
//! decided here, wherever the pieces of the answer happen to be cut.

use lenore_provider::Event;

use crate::{mark, tokens};

/// What comes between a text that was sent and the text that the site made of it.
const ANEW: &str = "\n\n";

/// What a client wants of the text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules {
    /// The text ends before the first of these.
    pub(crate) stop: Vec<String>,
    /// The text ends after about so many tokens.
    pub(crate) most: Option<u64>,
    /// From here on the text is held back until its end.
    pub(crate) mark: Option<&'static str>,
    /// All of the text is held back until its end.
    pub(crate) hold: bool,
}

/// Why a text ends before the bot's own end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// This stop sequence follows.
    Stop(String),
    /// It is as long as it may be.
    Length,
}

/// What is left to do at the end.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Rest {
    /// What has not been sent yet.
    pub(crate) tail: String,
    /// Where the exact text begins in what was sent, in characters, if not at the beginning.
    pub(crate) anew: Option<usize>,
}

impl Rest {
    /// What is to be sent after `out`, so that all of `text` is.
    pub(crate) fn after(out: &str, text: &str) -> Self {
        match text.strip_prefix(out) {
            Some(tail) => Self { tail: tail.to_owned(), anew: None },
            None => Self {
                tail: format!("{ANEW}{text}"),
                anew: Some(out.chars().count() + ANEW.chars().count()),
            },
        }
    }
}

/// The text so far, and how much of it is out.
#[derive(Debug, Default)]
pub(crate) struct Fold {
    rules: Rules,
    text: String,
    /// So many bytes of the text are out.
    sent: usize,
    /// What is out, once the text is no longer its continuation.
    diverged: Option<String>,
    weight: u64,
    cut: Option<(usize, Cut)>,
}

impl Fold {
    pub(crate) fn new(rules: Rules) -> Self {
        Self { rules, ..Self::default() }
    }

    /// Takes an event; returns what can be sent now, which may be nothing.
    pub(crate) fn take(&mut self, event: &Event) -> &str {
        match event {
            Event::Delta(more) => self.replace(self.text.len(), more),
            Event::Replace { keep, text } => {
                let at = self.text.char_indices().nth(*keep).map_or(self.text.len(), |(at, _)| at);
                self.replace(at, text);
            }
            _ => return "",
        }
        let from = self.sent;
        if self.diverged.is_none() {
            self.sent = self.sent.max(self.sendable());
        }
        &self.text[from..self.sent]
    }

    /// Why nothing that may still come matters any more.
    pub(crate) fn cut(&self) -> Option<&Cut> {
        self.cut.as_ref().map(|(_, cut)| cut)
    }

    /// The text, up to where it is cut.
    pub(crate) fn text(&self) -> &str {
        let end = self.cut.as_ref().map_or(self.text.len(), |(at, _)| *at);
        &self.text[..end]
    }

    /// Bytes of all that has come.
    pub(crate) fn size(&self) -> usize {
        self.text.len()
    }

    /// The text, up to where it is cut, which is not kept.
    pub(crate) fn take_text(&mut self) -> String {
        let end = self.text().len();
        let mut text = std::mem::take(&mut self.text);
        text.truncate(end);
        self.sent = 0;
        text
    }

    /// The end: what there is to say, which is the text where nothing else is `said`; what is left
    /// to be sent of it; and all that was sent then, where that is something else.
    pub(crate) fn end(&mut self, said: Option<String>) -> (String, Rest, Option<String>) {
        if let (None, None) = (&said, &self.diverged) {
            let sent = self.sent;
            let text = self.take_text();
            let rest = Rest { tail: text[sent..].to_owned(), anew: None };
            return (text, rest, None);
        }
        let out = self.out().to_owned();
        let text = said.unwrap_or_else(|| self.take_text());
        let rest = Rest::after(&out, &text);
        let sent = rest.anew.map(|_| format!("{out}{}", rest.tail));
        (text, rest, sent)
    }

    /// About how many tokens the text has.
    pub(crate) fn tokens(&self) -> u64 {
        tokens::estimate(self.text())
    }

    /// What is out.
    pub(crate) fn out(&self) -> &str {
        self.diverged.as_deref().unwrap_or(&self.text[..self.sent])
    }

    /// What is to be sent so that all of `text` is out; `text` is what there is to say at the end.
    #[cfg(test)]
    pub(crate) fn rest(&self, text: &str) -> Rest {
        Rest::after(self.out(), text)
    }

    fn replace(&mut self, at: usize, more: &str) {
        if self.cut.is_some() {
            return;
        }
        if at < self.sent && self.diverged.is_none() {
            let out = &self.text[at..self.sent];
            if !more.starts_with(out) {
                self.diverged = Some(self.text[..self.sent].to_owned());
                self.sent = 0;
            }
        }
        self.weight -= tokens::weigh(&self.text[at..]);
        self.text.truncate(at);
        self.text.push_str(more);
        self.look_for_cut(at);
    }

    /// Looks for the end of the text in what is new from `at` on.
    fn look_for_cut(&mut self, at: usize) {
        let stops = self.rules.stop.iter().filter_map(|stop| {
            let from = self.text.floor_char_boundary((at + 1).saturating_sub(stop.len()));
            self.text[from..].find(stop.as_str()).map(|found| (from + found, stop))
        });
        let stop = stops.min_by_key(|(found, _)| *found);
        let most = self.rules.most.map_or(u64::MAX, |most| most.saturating_mul(tokens::PER_TOKEN));
        let mut too_long = None;
        for (index, character) in self.text[at..].char_indices() {
            self.weight += tokens::weight(character);
            if self.weight > most && too_long.is_none() {
                too_long = Some(at + index);
            }
        }
        self.cut = match (stop, too_long) {
            (Some((found, _)), Some(end)) if end < found => Some((end, Cut::Length)),
            (Some((found, stop)), _) => Some((found, Cut::Stop(stop.clone()))),
            (None, Some(end)) => Some((end, Cut::Length)),
            (None, None) => None,
        };
    }

    /// How far the text can be sent: not into what a stop sequence or the mark may still become.
    fn sendable(&self) -> usize {
        if self.rules.hold {
            return 0;
        }
        let text = self.text();
        let Some(mark) = self.rules.mark else { return self.before_begun(text, None) };
        // A mark that is out already was seen to be none.
        let end = match mark::find(text, self.sent.min(text.len()), mark) {
            Some(found) => found,
            None => self.before_begun(text, Some(mark)),
        };
        text[..end].trim_end().len()
    }

    /// Where the longest beginning of a stop sequence or of the mark stands at the text's end.
    fn before_begun(&self, text: &str, mark: Option<&str>) -> usize {
        let stops = self.rules.stop.iter().map(String::as_str).filter(|_| self.cut.is_none());
        let begun = |word: &str| {
            let mut lengths = word.char_indices().map(|(at, _)| at).skip(1);
            let mut longest = 0;
            for length in &mut lengths {
                if text.ends_with(&word[..length]) {
                    longest = length;
                }
            }
            longest
        };
        text.len() - stops.chain(mark).map(begun).max().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use lenore_provider::Transcript;
    use proptest::prelude::*;

    use super::*;

    fn delta(text: &str) -> Event {
        Event::Delta(text.into())
    }

    /// All that is sent, and the fold at its end.
    fn play(rules: Rules, events: &[Event]) -> (String, Fold) {
        let mut fold = Fold::new(rules);
        let mut sent = String::new();
        for event in events {
            sent.push_str(fold.take(event));
        }
        (sent, fold)
    }

    fn stopping(words: &[&str]) -> Rules {
        Rules { stop: words.iter().map(|&word| word.to_owned()).collect(), ..Rules::default() }
    }

    #[test]
    fn a_stop_sequence_is_found_across_pieces_and_never_sent() {
        let pieces = ["one E", "N", "D two"].map(delta);
        let (sent, fold) = play(stopping(&["END"]), &pieces);
        assert_eq!((sent.as_str(), fold.text()), ("one ", "one "));
        assert_eq!(fold.cut(), Some(&Cut::Stop("END".into())));
        let (sent, fold) = play(stopping(&["END"]), &["one E", "N", "C."].map(delta));
        assert_eq!((sent.as_str(), fold.cut()), ("one ENC.", None));
    }

    #[test]
    fn what_only_looks_like_a_stop_sequence_goes_out_at_the_end() {
        let (sent, fold) = play(stopping(&["END"]), &[delta("one EN")]);
        assert_eq!(sent, "one ");
        assert_eq!(fold.rest(fold.text()), Rest { tail: "EN".into(), anew: None });
    }

    #[test]
    fn the_longest_answer_is_cut_at_a_character() {
        let rules = Rules { most: Some(2), ..Rules::default() };
        let (sent, fold) = play(rules, &["abc", "d乌鸦"].map(delta));
        assert_eq!((sent.as_str(), fold.cut()), ("abcd乌", Some(&Cut::Length)));
    }

    #[test]
    fn from_the_mark_on_nothing_is_sent_nor_the_space_before_it() {
        let rules = Rules { mark: Some("<call>"), ..Rules::default() };
        let (sent, fold) = play(rules, &["I look. \n", "<ca", "ll>{}"].map(delta));
        assert_eq!(sent, "I look.");
        assert_eq!(fold.text(), "I look. \n<call>{}");
    }

    #[test]
    fn a_mark_that_is_spoken_of_is_sent() {
        let rules = || Rules { mark: Some("<call>"), ..Rules::default() };
        let (sent, _) = play(rules(), &["So: `<ca", "ll>` is", " it."].map(delta));
        assert_eq!(sent, "So: `<call>` is it.");
        let (sent, _) = play(rules(), &["```\n<call>{}\n", "```\nSo.\n<call>", "{}"].map(delta));
        assert_eq!(sent, "```\n<call>{}\n```\nSo.");
    }

    #[test]
    fn a_rewrite_of_what_is_out_comes_anew_at_the_end() {
        let replace = |keep, text: &str| Event::Replace { keep, text: text.into() };
        let (sent, fold) = play(Rules::default(), &[delta("Searching"), replace(0, "Found")]);
        assert_eq!(sent, "Searching");
        let anew = Rest { tail: "\n\nFound".into(), anew: Some(11) };
        assert_eq!(fold.rest(fold.text()), anew);
        // What goes back to how it began is no rewrite.
        let events = [delta("Search"), replace(2, "x"), replace(2, "arches")];
        let (sent, fold) = play(Rules::default(), &events);
        assert_eq!(sent, "Search");
        assert_eq!(fold.rest(fold.text()), Rest { tail: "es".into(), anew: None });
    }

    #[test]
    fn a_replace_that_repeats_what_is_out_is_none() {
        let events = [delta("abc"), Event::Replace { keep: 1, text: "bcd".into() }];
        let (sent, _) = play(Rules::default(), &events);
        assert_eq!(sent, "abcd");
    }

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![
            3 => "[abé🙂 ]{0,4}".prop_map(Event::Delta),
            1 => (0usize..12, "[abé🙂 ]{0,4}")
                .prop_map(|(keep, text)| Event::Replace { keep, text }),
        ]
    }

    proptest! {
        #[test]
        fn what_is_sent_is_the_text_or_says_where_it_begins(
            events in prop::collection::vec(event(), 0..30),
            hold in any::<bool>(),
        ) {
            let (mut sent, fold) = play(Rules { hold, ..Rules::default() }, &events);
            let mut expected = Transcript::default();
            events.iter().for_each(|event| expected.apply(event));
            prop_assert_eq!(fold.text(), expected.text());
            let rest = fold.rest(fold.text());
            sent.push_str(&rest.tail);
            let exact: String = sent.chars().skip(rest.anew.unwrap_or_default()).collect();
            prop_assert_eq!(exact, expected.text());
            prop_assert!(!hold || rest.anew.is_none());
        }

        #[test]
        fn a_stop_sequence_is_cut_wherever_the_pieces_end(
            text in "[ab]{0,40}",
            stop in "[ab]{1,4}",
            cuts in prop::collection::vec(0usize..40, 0..10),
        ) {
            let mut ends: Vec<_> = cuts.into_iter().map(|at| at.min(text.len())).collect();
            ends.extend([0, text.len()]);
            ends.sort_unstable();
            let pieces: Vec<_> = ends.windows(2).map(|ends| delta(&text[ends[0]..ends[1]])).collect();
            let (mut sent, fold) = play(stopping(&[&stop]), &pieces);
            sent.push_str(&fold.rest(fold.text()).tail);
            prop_assert_eq!(sent.as_str(), text.split(stop.as_str()).next().unwrap_or_default());
        }
    }
}
