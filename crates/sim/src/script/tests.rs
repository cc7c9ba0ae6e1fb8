//! Scripts of answers, read step by step.

use super::*;

fn script(query: &str) -> Script {
    write(
        &crate::scenario::read(query),
        &Asked { seed: 1, bot: "GPT-4", query, new_chat: true, copies: 0 },
    )
}

fn texts(script: &Script) -> Vec<&str> {
    script
        .steps
        .iter()
        .filter_map(|step| match step {
            Step::Text { which, upto } => Some(&script.texts[*which][..*upto]),
            _ => None,
        })
        .collect()
}

#[test]
fn an_ordinary_answer_grows_and_completes() {
    let script = script("Tell me about tea");
    assert_eq!(script, self::script("Tell me about tea"));
    let texts = texts(&script);
    assert!(texts.len() > 15);
    assert!(texts.windows(2).all(|pair| pair[1].starts_with(pair[0])));
    let end = Step::End { state: "complete".to_owned(), why: None };
    assert!(script.steps.contains(&end));
    assert!(matches!(script.steps.last(), Some(Step::Suggest(list)) if list.len() == 3));
    assert!(script.steps.iter().any(|step| matches!(step, Step::Title(_))));
}

#[test]
fn an_echo_is_the_query() {
    let query = " a\r\nb [[sim: echo, chunks=4, gap=0]]  ";
    let script = script(query);
    assert_eq!(texts(&script).len(), 4);
    assert_eq!(texts(&script).last(), Some(&query));
}

#[test]
fn a_rewrite_replaces_and_shrinks_and_ends_right() {
    let script = script("tea [[sim: rewrite]]");
    let texts = texts(&script);
    assert!(texts.windows(2).any(|pair| pair[1].len() < pair[0].len()));
    assert!(texts.windows(2).any(|pair| !pair[1].starts_with(pair[0])));
    assert_eq!(texts.last(), Some(&script.texts[0].as_str()));
}

#[test]
fn placeholders_come_first_with_every_kind_of_text() {
    assert_eq!(texts(&script("tea [[sim: placeholder]]"))[0], "Thinking…");
    assert_eq!(texts(&script("tea [[sim: placeholder, stamp]]"))[0], "Thinking…");
    assert_eq!(texts(&script("tea [[sim: placeholder, rewrite]]"))[1], "Thinking... (1s elapsed)");
}

#[test]
fn faults_stand_where_they_were_asked_for() {
    let silent = script("tea [[sim: silent=4]]");
    assert_eq!(texts(&silent).len(), 4);
    assert_eq!(silent.steps.last(), Some(&Step::Silence));
    let early = script("tea [[sim: silent=0, drop-socket=0]]");
    assert!(texts(&early).is_empty());
    assert!(early.steps.contains(&Step::DropSockets { away: Duration::ZERO }));
    let failed = script("tea [[sim: state=error_x, after=2]]");
    assert_eq!(texts(&failed).len(), 2);
    let end = |step: &Step| matches!(step, Step::End { state, why: Some(_) } if state == "error_x");
    assert!(failed.steps.iter().any(end));
}
