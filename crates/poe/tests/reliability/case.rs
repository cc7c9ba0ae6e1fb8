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
    pub(crate) outcome: Outcome,
}

/// What must come of a question.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Outcome {
    /// The text that the site has, to the character.
    Exact,
    /// An error of this kind that says this.
    Fails(ErrorKind, &'static str),
}

/// A fault of the site while it answers.
pub(crate) const fn fault(name: &'static str, words: &'static str, outcome: Outcome) -> Case {
    Case { name, bot: "GPT-4", words, outcome }
}

/// A bot whose page has a habit.
pub(crate) const fn page(name: &'static str, bot: &'static str, outcome: Outcome) -> Case {
    Case { name, bot, words: "", outcome }
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
    let request = ChatRequest::new(format!("poe/{}", case.bot), vec![Message::user(&*prompt)]);
    let asked = timeout(HANG, ask(&world.poe, request)).await;
    let answer = asked.map_err(|_| "it hangs".to_owned())?;
    judge(world, &prompt, &answer, case.outcome)
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
    match (outcome, &answer.error) {
        (Outcome::Exact, None) => {
            let due = site_text(world, prompt).ok_or("the site has no answer")?;
            let text = answer.complete();
            (text == due).then_some(()).ok_or_else(|| format!("{text:?} instead of {due:?}"))
        }
        (Outcome::Fails(kind, words), Some(error)) => {
            let told = error.to_string();
            if error.kind() != kind || !told.contains(words) || told.contains("[[sim") {
                return Err(format!("{kind} with {words:?} is due, not {}: {told}", error.kind()));
            }
            let partial = Some(&*answer.text).filter(|text| !text.is_empty());
            let kept = error.partial() == partial;
            kept.then_some(()).ok_or_else(|| format!("{:?} was kept", error.partial()))
        }
        (Outcome::Exact, Some(error)) => Err(format!("{error:?}")),
        (Outcome::Fails(kind, _), None) => Err(format!("{kind} is due, not {:?}", answer.text)),
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

/// The final text of the answer to a question.
fn site_text(world: &World, prompt: &str) -> Option<String> {
    let chats: HashSet<_> = sent(world, prompt).into_iter().flatten().collect();
    let mut texts = world.sim.log().into_iter().rev().filter_map(|entry| match entry.what {
        Seen::Answer { chat, text, .. } if chats.contains(&chat) => Some(text),
        _ => None,
    });
    texts.next()
}
