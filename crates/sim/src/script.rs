//! From a scenario to the script of an answer: which texts, states and faults
//! come in which order. Pure; `play` performs it.

use std::time::Duration;

use crate::prose;
use crate::scenario::{Scenario, Title};

mod texts;

#[cfg(test)]
mod tests;

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
    /// The site tells that an answer comes.
    Begin,
    JobDone {
        well: bool,
    },
    Cost(u64),
    /// The account's points.
    Points,
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
    /// The next few entries reach no socket, and nobody is told.
    Lost {
        lose: usize,
    },
    /// Every session of the site ends, and the sockets are closed.
    Expire,
    /// The page is told to load itself again.
    Reload,
    /// The answer is stopped from another tab.
    Cancel,
    /// The chat is deleted from another tab.
    Delete,
    /// Something of the answer is sent once more.
    Again(Copy),
    /// Nothing more, ever.
    Silence,
    End {
        state: String,
        why: Option<String>,
    },
    Suggest(Vec<String>),
}

/// What is sent once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Copy {
    /// The update before the last one.
    Older,
    /// The last one.
    Newest,
    /// The last one, without its text.
    Textless,
}

/// Who asks what, as far as the script depends on it.
pub(crate) struct Asked<'a> {
    pub(crate) seed: u64,
    pub(crate) bot: &'a str,
    pub(crate) query: &'a str,
    pub(crate) new_chat: bool,
    /// How many copies of a complete answer come after its end.
    pub(crate) copies: usize,
}

const DELAY: Duration = Duration::from_millis(80);
const LOSE: usize = 5;

/// Writes the script.
pub(crate) fn write(scenario: &Scenario, asked: &Asked<'_>) -> Script {
    let subject = crate::scenario::subject(asked.query);
    let mut rng = prose::generator(asked.seed ^ 2, asked.bot, asked.query);
    let text = texts::text(scenario, asked, &subject);
    let mut script = Script { batch: scenario.batch.unwrap_or(1).max(1), ..Script::default() };
    script.steps.push(Step::Begin);
    script.steps.push(Step::Wait(scenario.delay.unwrap_or(DELAY)));
    if scenario.placeholder {
        texts::placeholder(&mut script);
    }
    let updates = texts::updates(scenario, text, &mut script, &mut rng);
    let title = title(scenario, asked, &subject);
    // Among the copies, where there are any.
    let late = scenario.title == Title::Late || scenario.title == Title::Usual && asked.copies > 0;
    let count = updates.len();
    let limit = stops_after(scenario).unwrap_or(count).min(count);
    faults(scenario, 0, &mut script);
    for (index, update) in updates.into_iter().take(limit).enumerate() {
        if index > 0 {
            let gap = scenario.gap.unwrap_or_else(|| Duration::from_millis(rng.u64(25..=40)));
            script.steps.push(Step::Wait(gap));
        }
        habits(scenario, index, index + 1 == limit, &mut script);
        let shrunk = match &update {
            Step::Text { which, .. } => Some(Step::Text { which: *which, upto: 0 }),
            _ => None,
        };
        script.steps.push(update);
        script.steps.extend(shrunk.filter(|_| scenario.shrink == Some(index + 1)));
        faults(scenario, index + 1, &mut script);
        if index == count / 3
            && !late
            && let Some(title) = &title
        {
            script.steps.push(Step::Title(title.clone()));
        }
    }
    if count == 0 && !late {
        script.steps.extend(title.clone().map(Step::Title));
    }
    let fine = end(scenario, &mut script, &mut rng);
    let count = scenario.suggestions.unwrap_or(3);
    let suggestions = || {
        let all = prose::suggestions(asked.seed, asked.bot, &subject, count);
        Step::Suggest(all)
    };
    let suggestions = (fine == Some(true) && count > 0).then(suggestions);
    after(scenario, asked, suggestions, title.filter(|_| late), fine == Some(true), &mut script);
    script
}

fn title(scenario: &Scenario, asked: &Asked<'_>, subject: &str) -> Option<String> {
    match &scenario.title {
        Title::Usual | Title::Late => asked.new_chat.then(|| prose::title(subject)),
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
    if scenario.textless && index % 3 == 2 {
        script.steps.push(Step::Again(Copy::Textless));
    }
    if scenario.reorder && index % 3 == 2 {
        script.steps.push(Step::Again(Copy::Older));
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
    if scenario.lost == Some(sent) {
        script.steps.push(Step::Lost { lose: scenario.lose.unwrap_or(LOSE) });
    }
    let others = [
        (scenario.refetch, Step::Refetch),
        (scenario.reload, Step::Reload),
        (scenario.expire, Step::Expire),
        (scenario.cancel, Step::Cancel),
        (scenario.delete, Step::Delete),
    ];
    let due = others.into_iter().filter(|(after, _)| *after == Some(sent));
    script.steps.extend(due.map(|(_, step)| step));
}

/// The end: none where it never comes, else whether it is a good one.
fn end(scenario: &Scenario, script: &mut Script, rng: &mut fastrand::Rng) -> Option<bool> {
    if scenario.silent.is_some() || scenario.no_complete {
        script.steps.push(Step::Silence);
        return None;
    }
    let state = match &scenario.state {
        Some(state) => state.clone(),
        None if scenario.completed => "completed".to_owned(),
        None => "complete".to_owned(),
    };
    let well = matches!(state.as_str(), "complete" | "completed");
    let why = scenario.state_text.clone().or_else(|| (!well).then(|| why(&state).to_owned()));
    script.steps.push(Step::Wait(scenario.gap.unwrap_or(Duration::from_millis(20))));
    script.steps.push(Step::End { state, why });
    let again = [(scenario.end_twice, Copy::Newest), (scenario.late_copy, Copy::Older)];
    let asked_for = again.into_iter().filter(|(wanted, _)| *wanted);
    script.steps.extend(asked_for.map(|(_, copy)| Step::Again(copy)));
    script.steps.push(Step::JobDone { well });
    script.steps.push(Step::Cost(scenario.cost.unwrap_or_else(|| rng.u64(10..60))));
    Some(well)
}

/// What comes after the end: copies, and between them suggestions, the title and the points.
fn after(
    scenario: &Scenario,
    asked: &Asked<'_>,
    suggestions: Option<Step>,
    title: Option<String>,
    well: bool,
    script: &mut Script,
) {
    const BETWEEN_COPIES: Duration = Duration::from_millis(200);
    const BEFORE_SUGGESTIONS: Duration = Duration::from_millis(40);
    let copies = if well { asked.copies } else { 0 };
    let mut others: Vec<Step> = suggestions.into_iter().collect();
    others.extend(title.map(Step::Title));
    if copies == 0 {
        let usual = if others.is_empty() { None } else { Some(BEFORE_SUGGESTIONS) };
        script.steps.extend(usual.map(|pause| Step::Wait(scenario.gap.unwrap_or(pause))));
        script.steps.extend(others);
        return;
    }
    others.push(Step::Points);
    let mut others = others.into_iter();
    for _ in 0..copies {
        script.steps.push(Step::Wait(scenario.gap.unwrap_or(BETWEEN_COPIES)));
        script.steps.push(Step::Again(Copy::Newest));
        script.steps.extend(others.next());
    }
    script.steps.extend(others);
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
