//! From a scenario to the script of an answer: which texts, states and faults
//! come in which order. Pure; `play` performs it.

use std::time::Duration;

use crate::cuts::cuts;
use crate::prose;
use crate::scenario::{Scenario, Title};

/// What the site does for one answer.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Script {
    /// The texts that [`Step::Text`] speaks of.
    pub(crate) texts: Vec<String>,
    pub(crate) steps: Vec<Step>,
    /// How many updates travel in one frame.
    pub(crate) batch: usize,
}

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    Wait(Duration),
    /// The answer is now the first `upto` bytes of `texts[which]`.
    Text {
        which: usize,
        upto: usize,
    },
    /// The answer gains the bytes up to `upto` of `texts[0]` and the time.
    Stamped {
        upto: usize,
    },
    JobStarted,
    JobDone,
    Cost(u64),
    Title(String),
    /// An update of another chat of the account, in the same frame as the next one.
    Other {
        part: usize,
        last: bool,
    },
    /// An older message of this chat is sent again.
    Stale,
    Noise(usize),
    /// All sockets of the account are closed, and refused for a while.
    DropSockets {
        away: Duration,
    },
    /// The sockets are told that messages were missed, and the next few are.
    Missed {
        lose: usize,
    },
    Refetch,
    /// Nothing more, ever.
    Silence,
    End {
        state: String,
        why: Option<String>,
    },
    Suggest(Vec<String>),
}

/// Who asks what, as far as the script depends on it.
pub(crate) struct Asked<'a> {
    pub(crate) seed: u64,
    pub(crate) bot: &'a str,
    pub(crate) query: &'a str,
    pub(crate) new_chat: bool,
}

const DELAY: Duration = Duration::from_millis(80);
const LOSE: usize = 5;

/// Writes the script.
pub(crate) fn write(scenario: &Scenario, asked: &Asked<'_>) -> Script {
    let subject = crate::scenario::subject(asked.query);
    let mut rng = prose::generator(asked.seed ^ 2, asked.bot, asked.query);
    let text = text(scenario, asked, &subject);
    let mut script = Script { batch: scenario.batch.unwrap_or(1).max(1), ..Script::default() };
    script.steps.push(Step::JobStarted);
    script.steps.push(Step::Wait(scenario.delay.unwrap_or(DELAY)));
    if scenario.placeholder {
        placeholder(&mut script);
    }
    let updates = updates(scenario, text, &mut script, &mut rng);
    let title = title(scenario, asked, &subject);
    let count = updates.len();
    let limit = stops_after(scenario).unwrap_or(count).min(count);
    for (index, update) in updates.into_iter().take(limit).enumerate() {
        if index > 0 {
            let gap = scenario.gap.unwrap_or_else(|| Duration::from_millis(rng.u64(25..=40)));
            script.steps.push(Step::Wait(gap));
        }
        habits(scenario, index, index + 1 == limit, &mut script);
        script.steps.push(update);
        faults(scenario, index + 1, &mut script);
        if index == count / 3
            && let Some(title) = &title
        {
            script.steps.push(Step::Title(title.clone()));
        }
    }
    if limit == 0 {
        faults(scenario, 0, &mut script);
        script.steps.extend(title.filter(|_| count == 0).map(Step::Title));
    }
    end(scenario, asked, &subject, &mut script, &mut rng);
    script
}

fn text(scenario: &Scenario, asked: &Asked<'_>, subject: &str) -> String {
    if scenario.empty {
        return String::new();
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
fn updates(
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

fn placeholder(script: &mut Script) {
    for text in ["Thinking…", "Thinking... (1s elapsed)", "Thinking... (2s elapsed)"] {
        script.steps.push(Step::Text { which: script.texts.len(), upto: text.len() });
        script.texts.push(text.to_owned());
        script.steps.push(Step::Wait(Duration::from_millis(120)));
    }
}

fn title(scenario: &Scenario, asked: &Asked<'_>, subject: &str) -> Option<String> {
    match &scenario.title {
        Title::Usual => asked.new_chat.then(|| prose::title(subject)),
        Title::Always => Some(prose::title(subject)),
        Title::Exactly(title) => Some(title.clone()),
        Title::Never => None,
    }
}

/// After how many updates the growing ends early.
fn stops_after(scenario: &Scenario) -> Option<usize> {
    const BEFORE_AN_ERROR: usize = 3;
    let ended = scenario.state.as_ref().map(|_| scenario.after.unwrap_or(BEFORE_AN_ERROR));
    [ended, scenario.silent].into_iter().flatten().min()
}

/// What else comes along with an update.
fn habits(scenario: &Scenario, index: usize, last: bool, script: &mut Script) {
    if scenario.others {
        script.steps.push(Step::Other { part: index, last });
    }
    if scenario.stale && index % 3 == 1 {
        script.steps.push(Step::Stale);
    }
    if scenario.noise {
        script.steps.push(Step::Noise(index));
    }
}

fn faults(scenario: &Scenario, sent: usize, script: &mut Script) {
    if scenario.drop_socket == Some(sent) {
        let away = scenario.away.unwrap_or_default();
        script.steps.push(Step::DropSockets { away });
    }
    if scenario.missed == Some(sent) {
        let lose = scenario.lose.unwrap_or(LOSE);
        script.steps.push(Step::Missed { lose });
    }
    if scenario.refetch == Some(sent) {
        script.steps.push(Step::Refetch);
    }
}

fn end(
    scenario: &Scenario,
    asked: &Asked<'_>,
    subject: &str,
    script: &mut Script,
    rng: &mut fastrand::Rng,
) {
    if scenario.silent.is_some() || scenario.no_complete {
        script.steps.push(Step::Silence);
        return;
    }
    let state = match &scenario.state {
        Some(state) => state.clone(),
        None if scenario.completed => "completed".to_owned(),
        None => "complete".to_owned(),
    };
    let fine = matches!(state.as_str(), "complete" | "completed");
    let why = scenario.state_text.clone().or_else(|| (!fine).then(|| why(&state).to_owned()));
    script.steps.push(Step::Wait(scenario.gap.unwrap_or(Duration::from_millis(20))));
    script.steps.push(Step::End { state, why });
    script.steps.push(Step::JobDone);
    script.steps.push(Step::Cost(scenario.cost.unwrap_or_else(|| rng.u64(10..60))));
    let count = scenario.suggestions.unwrap_or(3);
    if fine && count > 0 {
        script.steps.push(Step::Wait(scenario.gap.unwrap_or(Duration::from_millis(40))));
        script.steps.push(Step::Suggest(prose::suggestions(asked.seed, asked.bot, subject, count)));
    }
}

fn why(state: &str) -> &'static str {
    match state {
        "error_user_message_too_long" => {
            "Your message is too long for this bot. Please shorten it and try again."
        }
        "cancelled" => "The answer was stopped.",
        _ => "Something went wrong on the bot's side. Please try again.",
    }
}

#[cfg(test)]
mod tests;
