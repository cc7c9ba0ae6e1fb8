//! The texts of an answer, and the updates in which they grow.

use std::time::Duration;

use super::{Asked, Script, Step};
use crate::cuts::cuts;
use crate::prose;
use crate::scenario::Scenario;

pub(super) fn text(scenario: &Scenario, asked: &Asked<'_>, subject: &str) -> String {
    if scenario.empty {
        return String::new();
    }
    if let Some(text) = &scenario.say {
        return text.clone();
    }
    if scenario.echo {
        return asked.query.to_owned();
    }
    prose::answer(&prose::Wish {
        seed: asked.seed,
        bot: asked.bot,
        prompt: subject,
        length: scenario.length,
        emoji: scenario.emoji,
        code: scenario.code,
    })
}

/// The updates in which the text grows.
pub(super) fn updates(
    scenario: &Scenario,
    text: String,
    script: &mut Script,
    rng: &mut fastrand::Rng,
) -> Vec<Step> {
    let first = script.texts.len();
    if scenario.stamp {
        return stamped(scenario, text, script, rng);
    }
    let positions = cuts(&text, scenario.chunks, rng);
    let mut updates: Vec<Step> =
        positions.iter().map(|upto| Step::Text { which: first, upto: *upto }).collect();
    if scenario.rewrite && positions.len() > 2 {
        let half = updates.len() / 2;
        let draft = draft(&text, positions[half / 2]);
        let draft_cuts = cuts(&draft, Some(half + 2), rng);
        let mut before: Vec<Step> =
            draft_cuts.iter().map(|upto| Step::Text { which: first + 1, upto: *upto }).collect();
        // The site goes back before it goes on: once the text only shrinks.
        let shorter = positions[half / 2];
        before.push(Step::Text { which: first, upto: shorter });
        script.texts.push(text);
        script.texts.push(draft);
        before.extend(updates.split_off(half));
        return before;
    }
    script.texts.push(text);
    updates
}

/// A first version that shares its beginning with the final text.
fn draft(text: &str, shared: usize) -> String {
    format!(
        "{} … let me look that up first. Searching, reading three pages, and comparing what they say before I commit to an answer.",
        &text[..shared]
    )
}

/// Stamps alone, unless a text was asked for too.
fn stamped(
    scenario: &Scenario,
    text: String,
    script: &mut Script,
    rng: &mut fastrand::Rng,
) -> Vec<Step> {
    const STAMPS: usize = 50;
    let wanted = scenario.length.is_some() || scenario.echo;
    let updates = if wanted {
        let positions = cuts(&text, scenario.chunks, rng);
        positions.iter().map(|upto| Step::Stamped { upto: *upto }).collect()
    } else {
        vec![Step::Stamped { upto: 0 }; scenario.chunks.unwrap_or(STAMPS)]
    };
    // The stamps' text is the first one, whatever placeholders came before.
    script.texts.insert(0, text);
    for step in &mut script.steps {
        if let Step::Text { which, .. } = step {
            *which += 1;
        }
    }
    updates
}

pub(super) fn placeholder(script: &mut Script) {
    for text in ["Thinking…", "Thinking... (1s elapsed)", "Thinking... (2s elapsed)"] {
        script.steps.push(Step::Text { which: script.texts.len(), upto: text.len() });
        script.texts.push(text.to_owned());
        script.steps.push(Step::Wait(Duration::from_millis(120)));
    }
}
