//! Answers that read well, made up from a seed: the same seed, bot and prompt
//! always give the same text.

mod phrases;

use phrases::{CLOSERS, EMOJI, LISTS, MIDDLES, OPENERS, PROGRAMS, SUGGESTIONS};

/// What an answer is made from.
pub(crate) struct Wish<'a> {
    pub(crate) seed: u64,
    pub(crate) bot: &'a str,
    /// The prompt, without its directive.
    pub(crate) prompt: &'a str,
    /// Exactly this many characters, instead of a usual length.
    pub(crate) length: Option<usize>,
    pub(crate) emoji: bool,
    pub(crate) code: bool,
}

/// A generator that depends on what was asked and nothing else.
pub(crate) fn generator(seed: u64, bot: &str, query: &str) -> fastrand::Rng {
    // FNV-1a: small, stable over releases, and no secret depends on it.
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in bot.bytes().chain([0]).chain(query.bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    fastrand::Rng::with_seed(hash ^ seed.rotate_left(17))
}

/// The answer's text.
pub(crate) fn answer(wish: &Wish<'_>) -> String {
    let mut rng = generator(wish.seed, wish.bot, wish.prompt);
    let topic = topic(wish.prompt);
    let mut text = pick(&mut rng, OPENERS).replace("{topic}", &topic);
    if wish.emoji || rng.u8(..4) == 0 {
        text.push(' ');
        text.push_str(pick(&mut rng, EMOJI));
    }
    let mut middles: Vec<&str> = MIDDLES.to_vec();
    rng.shuffle(&mut middles);
    paragraph(&mut text, &middles[0].replace("{topic}", &topic));
    if wish.code || smells_of_code(wish.prompt) {
        paragraph(&mut text, program(&mut rng, wish.prompt));
    } else if rng.bool() {
        paragraph(&mut text, pick(&mut rng, LISTS));
    } else {
        paragraph(&mut text, &middles[1].replace("{topic}", &topic));
    }
    paragraph(&mut text, &pick(&mut rng, CLOSERS).replace("{topic}", &topic));
    if wish.emoji {
        text.push_str(" 👩‍🚀 🇫🇷 🎉");
    }
    match wish.length {
        Some(length) => fit(text, length, &mut rng, &topic),
        None => text,
    }
}

/// A chat's title, from its first prompt.
pub(crate) fn title(prompt: &str) -> String {
    let words = topic_words(prompt, 6);
    let words = ["a ", "an ", "the "]
        .iter()
        .find_map(|article| words.strip_prefix(article))
        .unwrap_or(&words);
    let mut letters = words.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => "A new conversation".to_owned(),
    }
}

/// Replies that the site suggests after an answer.
pub(crate) fn suggestions(seed: u64, bot: &str, prompt: &str, count: usize) -> Vec<String> {
    let mut rng = generator(seed ^ 1, bot, prompt);
    let mut all: Vec<&str> = SUGGESTIONS.to_vec();
    rng.shuffle(&mut all);
    let topic = topic(prompt);
    all.iter().cycle().take(count).map(|text| text.replace("{topic}", &topic)).collect()
}

/// Adds paragraphs, or takes characters off the end, until the length is exact.
fn fit(mut text: String, length: usize, rng: &mut fastrand::Rng, topic: &str) -> String {
    let mut have = text.chars().count();
    while have < length {
        let more = pick(rng, MIDDLES).replace("{topic}", topic);
        have += 2 + more.chars().count();
        paragraph(&mut text, &more);
    }
    if have > length {
        let end = text.char_indices().nth(length).map_or(text.len(), |(at, _)| at);
        text.truncate(end);
        // A text that ends in white space is easily mistaken for a shorter one.
        if text.pop().is_some() {
            text.push('.');
        }
    }
    text
}

fn paragraph(text: &mut String, more: &str) {
    text.push_str("\n\n");
    text.push_str(more);
}

fn pick<'a>(rng: &mut fastrand::Rng, from: &[&'a str]) -> &'a str {
    from[rng.usize(..from.len())]
}

fn topic(prompt: &str) -> String {
    let words = topic_words(prompt, 7);
    if words.is_empty() { "your question".to_owned() } else { words }
}

/// The words a prompt is about: the first clause of its last line that a person
/// wrote, without the question words in front.
fn topic_words(prompt: &str, most: usize) -> String {
    const FRONT: &[&str] = &[
        "about", "are", "can", "could", "describe", "do", "does", "explain", "give", "how", "i",
        "in", "is", "list", "me", "of", "please", "say", "show", "tell", "to", "was", "were",
        "what", "when", "where", "which", "who", "why", "write", "you",
    ];
    const BACK: &[&str] = &[
        "a", "an", "and", "as", "at", "but", "by", "for", "from", "in", "is", "of", "on", "or",
        "that", "the", "to", "with",
    ];
    let line = prompt
        .lines()
        .rev()
        .map(str::trim)
        .find(|line| !line.is_empty() && *line != "Assistant:")
        .unwrap_or("");
    let line = line.strip_prefix("User:").unwrap_or(line);
    let mut words = Vec::new();
    for word in line.split_whitespace() {
        let bare = word.trim_matches(|letter: char| letter.is_ascii_punctuation() && letter != '-');
        let skipped = words.is_empty() && FRONT.contains(&bare.to_lowercase().as_str());
        if !skipped && !bare.is_empty() && bare.chars().count() <= 24 {
            words.push(bare);
        }
        if words.len() == most || (!words.is_empty() && word.ends_with([',', ';', '.', '?', '!'])) {
            break;
        }
    }
    while words.last().is_some_and(|last| BACK.contains(&last.to_lowercase().as_str())) {
        words.pop();
    }
    words.join(" ")
}

fn smells_of_code(prompt: &str) -> bool {
    const SMELLS: &[&str] = &[
        "```",
        "algorithm",
        "bash",
        "code",
        "def ",
        "fn ",
        "function",
        "javascript",
        "program",
        "python",
        "regex",
        "rust",
        "script",
        "sql",
    ];
    // Long prompts smell of everything; their beginning tells enough.
    let start: String = prompt.chars().take(2000).collect::<String>().to_lowercase();
    SMELLS.iter().any(|smell| start.contains(smell))
}

fn program(rng: &mut fastrand::Rng, prompt: &str) -> &'static str {
    let lower: String = prompt.chars().take(2000).collect::<String>().to_lowercase();
    PROGRAMS
        .iter()
        .find(|(name, _)| lower.contains(name))
        .map_or_else(|| PROGRAMS[rng.usize(..PROGRAMS.len())].1, |(_, text)| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(prompt: &str) -> Wish<'_> {
        Wish { seed: 7, bot: "GPT-4", prompt, length: None, emoji: false, code: false }
    }

    #[test]
    fn the_same_question_gets_the_same_answer() {
        let prompt = "What is the capital of France?";
        assert_eq!(answer(&wish(prompt)), answer(&wish(prompt)));
        let mut others = (0..9).map(|seed| answer(&Wish { seed, ..wish(prompt) }));
        assert!(others.any(|other| other != answer(&wish(prompt))));
        assert!(answer(&wish(prompt)).contains("capital of France"));
    }

    #[test]
    fn answers_have_a_demo_length() {
        for seed in 0..200 {
            for prompt in ["Tell me about tea", "", "Write a Python function", "🙂"] {
                let length = answer(&Wish { seed, ..wish(prompt) }).chars().count();
                assert!((300..1100).contains(&length), "{length}: {prompt}");
            }
        }
    }

    #[test]
    fn lengths_are_exact() {
        for length in [0, 1, 10, 333, 5000, 1_000_000] {
            let text = answer(&Wish { length: Some(length), emoji: true, ..wish("tea") });
            assert_eq!(text.chars().count(), length);
        }
    }

    #[test]
    fn titles_come_from_the_last_words_of_the_user() {
        assert_eq!(title("Why is the sky blue?"), "Sky blue");
        assert_eq!(
            title("User: hi\nAssistant: hello\nUser: tea in Japan\nAssistant:"),
            "Tea in Japan"
        );
        assert_eq!(title("?!"), "A new conversation");
    }
}
