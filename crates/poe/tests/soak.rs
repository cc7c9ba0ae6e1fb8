//! Three hundred questions with faults drawn by lot: each ends in the exact text or in a named
//! error, none is asked twice, none hangs, and nothing piles up.

mod support;

#[path = "reliability/case.rs"]
#[allow(dead_code, reason = "the tables of cases are another test's")]
mod case;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use case::{HANG, Outcome, judge};
use lenore_provider::{ChatRequest, Message};
use support::{World, ask, processes_of};
use tokio::time::timeout;

/// How many questions are asked; `SOAK_ASKS` asks for another number.
const ASKS: usize = 300;
/// Where the lots begin; `SOAK_SEED` begins elsewhere.
const SEED: u64 = 20260101;

/// What an answer's text and its pace can be.
const TEXTS: &[&str] = &[
    "",
    "emoji",
    "code",
    "empty",
    "say=Thinking...",
    "length=20000, chunks=40",
    "chunks=500, length=3000, batch=100",
    "rewrite",
    "placeholder",
    "placeholder, rewrite",
    "shrink=3",
];

/// Habits that an exact answer survives.
const HABITS: &[&str] = &[
    "batch=3",
    "others",
    "stale",
    "noise",
    "early",
    "slow-reply=300",
    "completed",
    "twice",
    "reorder",
    "late-copy",
    "end-twice",
    "textless",
    "string-ids",
    "extra-fields",
    "no-answer-id",
    "late-title",
    "no-title",
    "suggestions=8",
];

/// Losses that the chat's reading makes up for.
const LOSSES: &[&str] = &[
    "",
    "",
    "",
    "drop-socket=2",
    "drop-socket=4, away=500",
    "missed=3",
    "missed=2, lose=40",
    "refetch=2",
    "lost=2, lose=3",
    "lost=3, lose=100_000",
    // Once the reply is there: before it, nobody knows which chat to read again.
    "slow-reply=0, gap=80, reload=4",
    "no-echo",
];

/// Faults that end in an error, and the error's kind.
const ENDS: &[(&str, &str)] = &[
    ("status=reached_limit", "quota"),
    ("status=rate_limit_exceeded", "rate_limited"),
    ("status=no_access", "no_access"),
    ("status=too_many_tokens", "too_long"),
    ("status=unheard_of", "bot"),
    ("errors", "bot"),
    ("html", "bot"),
    ("http=500", "bot"),
    ("http=429", "rate_limited"),
    ("state=error_off_topic, say=one two three four five six", "bot"),
    ("cancel=1, length=200, chunks=5", "cancelled"),
    ("silent=2, length=200, chunks=5", "answer_lost"),
    ("no-complete, length=200, chunks=5", "answer_lost"),
];

/// One lot: what is asked for, and the kind of error that is due.
fn draw(lots: &mut Lots) -> (String, Option<&'static str>) {
    if lots.below(5) == 0 {
        let (words, kind) = lots.one_of(ENDS);
        return (words.to_owned(), Some(kind));
    }
    let mut words = vec![lots.one_of(TEXTS)];
    for _ in 0..lots.below(4) {
        words.push(lots.one_of(HABITS));
    }
    words.push(lots.one_of(LOSSES));
    let words: Vec<_> = words.into_iter().filter(|word| !word.is_empty()).collect();
    (words.join(", "), None)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "minutes long; make soak runs it"]
async fn faults_by_lot_end_exactly_or_by_name() {
    let asks = number("SOAK_ASKS").map_or(ASKS, |asks| asks as usize);
    let seed = number("SOAK_SEED").unwrap_or(SEED);
    let world = World::with(|builder| builder.timeout(Duration::from_secs(3))).await;
    let mut lots = Lots(seed);
    let mut outcomes = BTreeMap::<&str, usize>::new();
    let (mut failures, mut memory, mut processes) = (Vec::new(), Vec::new(), Vec::new());
    let (begin, mut slowest) = (Instant::now(), (Duration::ZERO, String::new()));
    for n in 0..asks {
        let (words, due) = draw(&mut lots);
        let prompt = format!("Question {n} [[sim: gap=5, {words}]]");
        let request = ChatRequest::new("gpt-4", vec![Message::user(&*prompt)]);
        let asked = Instant::now();
        let Ok(answer) = timeout(HANG, ask(&world.poe, request)).await else {
            panic!("{prompt} hangs");
        };
        slowest = slowest.max((asked.elapsed(), prompt.clone()));
        let kind = answer.error.as_ref().map(|error| error.kind());
        *outcomes.entry(kind.map_or("exact", |kind| kind.as_str())).or_default() += 1;
        let outcome = match kind {
            Some(kind) if Some(kind.as_str()) == due => Outcome::Fails(kind, ""),
            _ => Outcome::Exact,
        };
        if let Err(why) = judge(&world, &prompt, &answer, outcome) {
            println!("{prompt}: {why}");
            failures.push(prompt);
        }
        memory.push(resident_kilobytes().unwrap_or_default());
        processes.push(processes_of(world.profile.path()).len());
    }
    println!(
        "{asks} asks in {:?}, the slowest {slowest:?}: {outcomes:?}; seed {seed}, {} not as due, \
         memory {} kB after a tenth and {} kB at the end, processes {} and {}",
        begin.elapsed(),
        failures.len(),
        memory[asks / 10],
        memory[asks - 1],
        processes[asks / 10],
        processes[asks - 1],
    );
    assert_eq!(failures, Vec::<String>::new());
    // The site is in this process too, and keeps every chat and a log line of each event.
    let growth = memory[asks - 1].saturating_sub(memory[asks / 10]);
    assert!(growth < 64 * 1024, "memory grew by {growth} kB");
    assert!(processes[asks - 1] <= processes[asks / 10] + 1, "tabs pile up");
    world.end().await;
}

/// Lots that fall the same for the same seed.
struct Lots(u64);

impl Lots {
    fn below(&mut self, end: u64) -> u64 {
        // SplitMix64, whose whole state is a counter.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (bits ^ (bits >> 31)) % end
    }

    fn one_of<T: Copy>(&mut self, list: &[T]) -> T {
        list[usize::try_from(self.below(list.len() as u64)).unwrap_or_default()]
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// The memory of this process, which is the provider's and the site's.
fn resident_kilobytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
