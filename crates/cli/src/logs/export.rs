//! Exchanges as text: for people as Markdown, for programs as JSON.

use super::command::asked;
use super::{COMPLETE, Exchange, Made, local_time};
use crate::output::json_line;

/// One object on a line.
pub(super) fn json(exchange: &Exchange) -> String {
    json_line(exchange).unwrap_or_default()
}

/// A section, with prompt and answer as they are.
pub(super) fn markdown(exchange: &Exchange) -> String {
    let mut text = format!("# {}. {}\n\n", exchange.id, local_time(asked(exchange)));
    let facts = facts(exchange);
    text.push_str(&facts.join(" · "));
    text.push_str("\n\n");
    if let Some(system) = &exchange.system {
        text.push_str(&format!("## System\n\n{system}\n\n"));
    }
    let answer = if exchange.answer.is_empty() { "(none)" } else { &exchange.answer };
    text.push_str(&format!("## Prompt\n\n{}\n\n## Answer\n\n{answer}\n", exchange.prompt));
    if !exchange.made.is_empty() {
        text.push_str("\n## Files\n\n");
        let line = |file: &Made| format!("- {}: <{}>\n", file.name, file.url);
        text.extend(exchange.made.iter().map(line));
    }
    text
}

/// What is known beside the texts.
fn facts(exchange: &Exchange) -> Vec<String> {
    let seconds =
        |milliseconds: i64| format!("{}.{} s", milliseconds / 1000, milliseconds % 1000 / 100);
    let named = |name: &str, value: &Option<String>| {
        value.as_ref().filter(|value| !value.is_empty()).map(|value| format!("{name} {value}"))
    };
    let facts = [
        named("model", &Some(exchange.model.clone())),
        named("chat", &exchange.chat),
        named("title", &exchange.title),
        named("profile", &Some(exchange.profile.clone())),
        (!exchange.files.is_empty()).then(|| format!("files {}", exchange.files.join(", "))),
        Some(seconds(exchange.duration)),
        exchange.points.map(|points| format!("{points} points")),
        (exchange.end != COMPLETE).then(|| format!("ended: {}", exchange.end)),
    ];
    facts.into_iter().flatten().collect()
}
