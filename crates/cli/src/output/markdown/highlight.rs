//! The colours of code.

use std::sync::LazyLock;

use anstyle::{AnsiColor, Style};
use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxReference, SyntaxSet};

use crate::output::row::Piece;

/// Longer lines are not looked at: no person wrote them, and the patterns take their time.
const LONGEST: usize = 1000;

/// Loaded only where there is code of a language that is known.
static SYNTAXES: LazyLock<SyntaxSet> = LazyLock::new(SyntaxSet::load_defaults_newlines);

/// Languages that look enough like one that is known.
const ALIKE: &[(&str, &str)] = &[
    ("typescript", "js"),
    ("ts", "js"),
    ("tsx", "js"),
    ("jsx", "js"),
    ("javascriptreact", "js"),
    ("typescriptreact", "js"),
    ("node", "js"),
    ("json5", "json"),
    ("jsonc", "json"),
    ("jsonl", "json"),
    ("kotlin", "java"),
    ("kt", "java"),
    ("dart", "java"),
    ("csharp", "cs"),
    ("swift", "rust"),
    ("zig", "rust"),
    ("golang", "go"),
    ("toml", "sh"),
    ("ini", "sh"),
    ("dockerfile", "sh"),
    ("docker", "sh"),
    ("console", "sh"),
    ("shellsession", "sh"),
    ("fish", "sh"),
    ("nix", "sh"),
    ("elixir", "rb"),
    ("vue", "html"),
    ("svelte", "html"),
];

/// Reads a code block line by line.
#[derive(Clone, Debug)]
pub(in crate::output) struct Highlighter {
    state: ParseState,
    scopes: ScopeStack,
}

impl Highlighter {
    /// For a language as a fence names it; `None` where it is not known.
    pub(super) fn new(language: &str) -> Option<Self> {
        let name = language.to_lowercase();
        let name = ALIKE.iter().find(|(alias, _)| *alias == name).map_or(&*name, |(_, like)| like);
        let known: &SyntaxReference = match name {
            "" | "text" | "txt" | "plain" | "plaintext" => return None,
            name => SYNTAXES.find_syntax_by_token(name)?,
        };
        Some(Self { state: ParseState::new(known), scopes: ScopeStack::new() })
    }

    /// The pieces of the next line, which stands at a place in the answer.
    pub(super) fn line(&mut self, line: &str, at: usize) -> Vec<Piece> {
        let plain = || vec![Piece::new(line, Style::new(), at)];
        if line.len() > LONGEST {
            return plain();
        }
        let Ok(changes) = self.state.parse_line(&format!("{line}\n"), &SYNTAXES) else {
            return plain();
        };
        let mut pieces = Vec::new();
        let mut from = 0;
        for (to, change) in changes {
            let to = to.min(line.len());
            if let Some(text) = line.get(from..to).filter(|text| !text.is_empty()) {
                pieces.push(Piece::new(text, style(&self.scopes), at + from));
            }
            from = from.max(to);
            if self.scopes.apply(&change).is_err() {
                self.scopes = ScopeStack::new();
            }
        }
        if let Some(text) = line.get(from..).filter(|text| !text.is_empty()) {
            pieces.push(Piece::new(text, style(&self.scopes), at + from));
        }
        pieces
    }
}

/// What the innermost scope that has a style looks like.
fn style(scopes: &ScopeStack) -> Style {
    static STYLES: LazyLock<Vec<(Scope, Style)>> = LazyLock::new(|| {
        let coloured = |colour: AnsiColor| colour.on_default();
        let styles = [
            ("comment", Style::new().dimmed().italic()),
            ("string", coloured(AnsiColor::Green)),
            ("constant.character.escape", coloured(AnsiColor::Cyan)),
            ("constant", coloured(AnsiColor::Yellow)),
            ("keyword.operator", Style::new()),
            ("keyword", coloured(AnsiColor::Magenta)),
            ("storage", coloured(AnsiColor::Magenta)),
            ("entity.name.function", coloured(AnsiColor::Blue)),
            ("support.function", coloured(AnsiColor::Blue)),
            ("variable.function", coloured(AnsiColor::Blue)),
            ("support.macro", coloured(AnsiColor::Blue)),
            ("entity.name", coloured(AnsiColor::Cyan)),
            ("support.type", coloured(AnsiColor::Cyan)),
            ("support.class", coloured(AnsiColor::Cyan)),
            ("entity.other.attribute-name", coloured(AnsiColor::Cyan)),
            ("markup.inserted", coloured(AnsiColor::Green)),
            ("markup.deleted", coloured(AnsiColor::Red)),
            ("meta.diff.range", coloured(AnsiColor::Cyan)),
        ];
        styles
            .into_iter()
            .filter_map(|(name, style)| Some((Scope::new(name).ok()?, style)))
            .collect()
    });
    let of = |scope: &Scope| STYLES.iter().find(|(prefix, _)| prefix.is_prefix_of(*scope));
    scopes.as_slice().iter().rev().find_map(of).map(|(_, style)| *style).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn styles(language: &str, lines: &[&str]) -> Vec<(String, Style)> {
        let mut highlighter = Highlighter::new(language).expect("a known language");
        let pieces = lines.iter().flat_map(|line| highlighter.line(line, 0));
        pieces.map(|piece| (piece.text, piece.style)).collect()
    }

    #[test]
    fn code_has_colours_and_loses_nothing() {
        let lines = ["/* a comment", "still */ let x = \"naïve\"; // 🐦"];
        let styles = styles("rust", &lines);
        let text: String = styles.iter().map(|(text, _)| text.as_str()).collect();
        assert_eq!(text, lines.concat());
        let has = |words: &str, style| {
            styles.iter().any(|(text, it)| text.contains(words) && *it == style)
        };
        assert!(has("still", Style::new().dimmed().italic()), "{styles:?}");
        assert!(has("naïve", AnsiColor::Green.on_default()), "{styles:?}");
        assert!(has("let", AnsiColor::Magenta.on_default()), "{styles:?}");
    }

    #[test]
    fn languages_that_are_alike_are_known() {
        for (name, _) in ALIKE {
            assert!(Highlighter::new(name).is_some(), "{name}");
        }
        for name in ["rust", "python", "c++", "go", "bash", "json", "yaml", "sql", "diff", "html"] {
            assert!(Highlighter::new(name).is_some(), "{name}");
        }
        assert!(Highlighter::new("nonsense").is_none());
    }
}
