//! The words of a search: how the index takes them, and where they stand in a text.

use std::ops::Range;

use unicode_normalization::char::decompose_canonical;

use super::Exchange;

/// The index holds every three characters that follow each other, and cannot look for fewer.
const INDEXED_CHARACTERS: usize = 3;
/// How much of a text is shown before the words that were found, in characters.
const BEFORE: usize = 24;
/// How much of it is shown in all, in characters.
const SHOWN: usize = 300;

/// Words that must all be there, each anywhere in the question or the answer, as part of a longer
/// word too. Case and accents do not count.
#[derive(Debug)]
pub(super) struct Words(Vec<String>);

/// Words in a text on one line, with some of what stands around them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) before: String,
    pub(super) found: String,
    pub(super) after: String,
    /// Whether they are the bot's.
    pub(super) is_answer: bool,
}

impl Words {
    pub(super) fn new(words: &[String]) -> Self {
        let words = words.iter().flat_map(|words| words.split_whitespace());
        // A star for any ending is understood, and says nothing more than the word.
        let plain = words.map(|word| word.trim_end_matches('*')).filter(|word| !word.is_empty());
        Self(plain.map(str::to_owned).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The query for the index, where it can look for any of them.
    pub(super) fn query(&self) -> Option<String> {
        let long = self.0.iter().filter(|word| is_indexed(word));
        let quoted: Vec<_> =
            long.map(|word| format!("\"{}\"", word.replace('"', "\"\""))).collect();
        (!quoted.is_empty()).then(|| quoted.join(" "))
    }

    /// Whether an exchange holds them: all, or those alone that the index cannot look for.
    pub(super) fn are_in(&self, exchange: &Exchange, is_indexed_known: bool) -> bool {
        let mut wanted =
            self.0.iter().filter(|word| !(is_indexed_known && is_indexed(word))).peekable();
        if wanted.peek().is_none() {
            return true;
        }
        let texts = [&exchange.prompt, &exchange.answer].map(|text| Folded::new(text).text);
        wanted.all(|word| {
            let word = Folded::new(word).text;
            texts.iter().any(|text| text.contains(&word))
        })
    }

    /// Where the first of them stands.
    pub(super) fn place(&self, prompt: &str, answer: &str) -> Option<Place> {
        [(prompt, false), (answer, true)].into_iter().find_map(|(text, is_answer)| {
            let folded = Folded::new(text);
            let found = self.0.iter().find_map(|word| folded.find(&Folded::new(word).text))?;
            let (before, after) = (&text[..found.start], &text[found.end..]);
            let from = before.char_indices().rev().nth(BEFORE).map_or(0, |(at, _)| at);
            let cut = if from > 0 { "…" } else { "" };
            Some(Place {
                before: format!("{cut}{}", &before[from..]),
                found: text[found.clone()].to_owned(),
                after: after.chars().take(SHOWN).collect(),
                is_answer,
            })
        })
    }
}

fn is_indexed(word: &str) -> bool {
    Folded::new(word).text.chars().count() >= INDEXED_CHARACTERS
}

/// A text in lower case and without accents.
struct Folded {
    text: String,
    /// For each of its bytes where the character begins that it comes from.
    from: Vec<usize>,
    /// How long the text itself is.
    length: usize,
}

impl Folded {
    fn new(text: &str) -> Self {
        let mut folded =
            Self { text: String::with_capacity(text.len()), from: Vec::new(), length: text.len() };
        for (at, c) in text.char_indices() {
            for lower in c.to_lowercase() {
                folded.push(lower, at);
            }
        }
        folded
    }

    /// A letter without its accents; other signs stay as they are.
    fn push(&mut self, c: char, at: usize) {
        let mut has_accents = false;
        decompose_canonical(c, |part| has_accents |= is_accent(part));
        let mut keep = |c: char| {
            self.text.push(c);
            self.from.resize(self.text.len(), at);
        };
        if has_accents {
            decompose_canonical(c, |part| {
                if !is_accent(part) {
                    keep(part);
                }
            });
        } else {
            keep(c);
        }
    }

    /// Where a folded word stands in the text itself.
    fn find(&self, word: &str) -> Option<Range<usize>> {
        let begin = self.text.find(word)?;
        let end = self.from.get(begin + word.len()).copied().unwrap_or(self.length);
        Some(self.from[begin]..end).filter(|range| !range.is_empty())
    }
}

fn is_accent(c: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Words {
        Words::new(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn places_are_found_whatever_the_case_and_the_accents() {
        for (text, word, found) in [
            ("Why is a Raven like", "raven", "Raven"),
            ("naïve", "NAIV", "naïv"),
            ("nai\u{308}ve", "ive", "i\u{308}ve"),
            ("これは日本語です", "日本", "日本"),
            ("がある", "が", "が"),
            ("İstanbul", "istan", "İstan"),
            ("烏鴉", "鴉", "鴉"),
        ] {
            let place = words(&[word]).place(text, "").expect(text);
            assert_eq!(place.found, found, "{text}");
            assert_eq!(format!("{}{}{}", place.before, place.found, place.after), text);
        }
        assert_eq!(words(&["か"]).place("がある", ""), None, "another letter");
    }

    #[test]
    fn a_place_far_from_the_beginning_is_shown_with_what_is_around_it() {
        let text = format!("{}raven{}", "a ".repeat(50), " b".repeat(500));
        let place = words(&["crow", "raven"]).place("", &text).expect("it is there");
        assert!(place.before.starts_with('…') && place.before.chars().count() == BEFORE + 2);
        assert!(place.is_answer && place.after.chars().count() == SHOWN);
    }

    #[test]
    fn the_index_gets_words_of_three_characters_and_more() {
        assert_eq!(words(&["日本", "a\"bc", "raven*"]).query().expect("two"), r#""a""bc" "raven""#);
        assert_eq!(words(&["日本", "ab"]).query(), None);
        assert!(words(&[" ", "*"]).is_empty());
    }
}
