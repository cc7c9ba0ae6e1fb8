//! One fault: what is asked, and what must come of it.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use lenore_provider::{ChatRequest, ErrorKind, Message};
use lenore_sim::Seen;
use tokio::time::timeout;

use crate::support::{Answer, World, ask};

/// A question with a fault in it, and its outcome.
pub(crate) struct Case {
    /// Names the case in messages and in the documentation.
    pub(crate) name: &'static str,
    /// The bot's handle.
    pub(crate) bot: &'static str,
    /// What the site is asked to do.
    pub(crate) words: &'static str,
    /// Whether it is asked in a chat that exists already.
    pub(crate) goes_on: bool,
    pub(crate) outcome: Outcome,
}

/// What must come of a question.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Outcome {
    /// The text that the site has, to the character.
    Exact,
    /// The same; or, where the site tells too little for that, an error of this kind that says
    /// this.
    ExactOr(ErrorKind, &'static str),
    /// An error of this kind that says this.
    Fails(ErrorKind, &'static str),
    /// The same, and the answer was stopped on the site.
    Stopped(ErrorKind, &'static str),
    /// The same, and the site has not seen the question.
    Unsent(ErrorKind, &'static str),
}

/// A fault of the site while it answers.
pub(crate) const fn fault(name: &'static str, words: &'static str, outcome: Outcome) -> Case {
    Case { name, bot: "GPT-4", words, goes_on: false, outcome }
}

/// The same in a chat that exists already.
pub(crate) const fn later(name: &'static str, words: &'static str, outcome: Outcome) -> Case {
    Case { goes_on: true, ..fault(name, words, outcome) }
}

/// A bot whose page has a habit.
pub(crate) const fn page(name: &'static str, bot: &'static str, outcome: Outcome) -> Case {
    Case { name, bot, words: "", goes_on: false, outcome }
}

/// No question of the suite takes longer, whatever happens.
pub(crate) const HANG: Duration = Duration::from_secs(90);

/// Asks the cases one after another, and names all that fail.
pub(crate) async fn all(world: &World, cases: &[Case]) {
    let mut failures = Vec::new();
    for case in cases {
        let begin = Instant::now();
        let outcome = check(world, case).await;
        println!("{:>6} ms  {}", begin.elapsed().as_millis(), case.name);
        failures.extend(outcome.err().map(|why| format!("{}: {why}", case.name)));
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Asks and checks what came of it.
pub(crate) async fn check(world: &World, case: &Case) -> Result<(), String> {
    let prompt = format!("Tell me of {}. [[sim: {}]]", case.name, case.words);
    let chat = match case.goes_on {
        true => Some(chat(world, case.bot).await),
        false => None,
    };
    let model = format!("poe/{}", case.bot);
    let request = ChatRequest { chat, ..ChatRequest::new(model, vec![Message::user(&*prompt)]) };
    let asked = timeout(HANG, ask(&world.poe, request)).await;
    let answer = asked.map_err(|_| "it hangs".to_owned())?;
    judge(world, &prompt, &answer, case.outcome)
}

/// The code of a chat with a bot that has answered before.
pub(crate) async fn chat(world: &World, bot: &str) -> String {
    let request = ChatRequest::new(format!("poe/{bot}"), vec![Message::user("Hi [[sim: gap=0]]")]);
    let answer = ask(&world.poe, request).await;
    answer.complete();
    answer.chat().expect("it is told").to_owned()
}

/// Compares what came of a question with what must.
pub(crate) fn judge(
    world: &World,
    prompt: &str,
    answer: &Answer,
    outcome: Outcome,
) -> Result<(), String> {
    let sent = sent(world, prompt);
    if sent.len() > 1 {
        return Err(format!("the question was asked {} times", sent.len()));
    }
    if matches!(outcome, Outcome::Unsent(..)) && world.prompts().iter().any(|sent| sent == prompt) {
        return Err("the site has seen the question".into());
    }
    let ended = site_end(world, prompt);
    let state = ended.as_ref().map(|(_, state)| &**state);
    if matches!(outcome, Outcome::Stopped(..)) && state != Some("cancelled") {
        return Err(format!("the answer was not stopped: {state:?}"));
    }
    match (outcome, &answer.error) {
        (Outcome::Exact | Outcome::ExactOr(..), None) => {
            let (due, _) = ended.ok_or("the site has no answer")?;
            let text = answer.complete();
            (text == due).then_some(()).ok_or_else(|| format!("{text:?} instead of {due:?}"))
        }
        (Outcome::Exact, Some(error)) => Err(format!("{error:?}")),
        (
            Outcome::ExactOr(kind, words)
            | Outcome::Fails(kind, words)
            | Outcome::Stopped(kind, words)
            | Outcome::Unsent(kind, words),
            error,
        ) => {
            let Some(error) = error else {
                return Err(format!("{kind} is due, not {:?}", answer.text));
            };
            let told = error.to_string();
            let is_ours = !told.contains("[[sim") && !told.contains("TypeError");
            if error.kind() != kind || !told.contains(words) || !is_ours {
                return Err(format!("{kind} with {words:?} is due, not {}: {told}", error.kind()));
            }
            let partial = Some(&*answer.text).filter(|text| !text.is_empty());
            if error.partial() != partial {
                return Err(format!("{:?} was kept", error.partial()));
            }
            // What came is the site's text up to then; no case here rewrites it and then fails.
            match (partial, ended) {
                (Some(text), Some((due, _))) if !due.starts_with(text) => {
                    Err(format!("{text:?} is no beginning of {due:?}"))
                }
                _ => Ok(()),
            }
        }
    }
}

/// The chats in which the site has taken a question, each time anew.
fn sent(world: &World, prompt: &str) -> Vec<Option<String>> {
    let taken = |what| match what {
        Seen::Send { query, chat, duplicate: false, .. } if query == prompt => Some(chat),
        _ => None,
    };
    world.sim.log().into_iter().filter_map(|entry| taken(entry.what)).collect()
}

/// The final text of the answer to a question, and its state.
fn site_end(world: &World, prompt: &str) -> Option<(String, String)> {
    let begin = world
        .sim
        .log()
        .iter()
        .position(|entry| matches!(&entry.what, Seen::Send { query, .. } if query == prompt))?;
    let chats: HashSet<_> = sent(world, prompt).into_iter().flatten().collect();
    let log = world.sim.log().into_iter().skip(begin).rev();
    let mut ends = log.filter_map(|entry| match entry.what {
        Seen::Answer { chat, text, state, .. } if chats.contains(&chat) => Some((text, state)),
        _ => None,
    });
    ends.next()
}
