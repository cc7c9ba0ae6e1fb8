//! How little of the site is needed: every fact that the local site offers drifts, one at a time,
//! and a question is asked all the same, in a real browser.
//!
//! The list of facts is the site's own. A case is good where the answer is exact, or where an error
//! names what is missing; a wrong text, a hang, or a question that is sent twice is a failure. A
//! few cases run with the other tests; `make drift` runs all of them and writes docs/site.md.

mod support;

#[path = "drift/case.rs"]
mod case;
#[path = "drift/reasons.rs"]
mod reasons;
#[path = "drift/runner.rs"]
mod runner;
#[path = "drift/table.rs"]
mod table;

use lenore_sim::{Drift, Edition, facts};

use case::{Case, Outcome};
use runner::Runner;

/// The number of cases of each edition that run with the other tests.
const SELECTED: usize = 14;
/// The number of cases with several drifts each.
const CHAOS: usize = 300;
/// The number of drifts that each of those has.
const AT_ONCE: usize = 5;

/// Every case of an edition: each fact, with each thing that can befall it.
fn cases(edition: Edition) -> Vec<Case> {
    let facts = facts(edition).into_iter().filter(case::is_asked);
    let each = facts.flat_map(|fact| {
        let drifts = fact.hows.clone().into_iter().map(move |how| (fact.clone(), how));
        drifts.map(|(fact, how)| Case::new(edition, &fact.scene, vec![Drift::new(fact.id, how)]))
    });
    each.collect()
}

/// Some cases by lot. The seed is today's where the environment names none, so that each day
/// looks elsewhere.
fn by_lot<T>(mut from: Vec<T>, count: usize, seed: u64) -> Vec<T> {
    let mut random = fastrand::Rng::with_seed(seed);
    random.shuffle(&mut from);
    from.truncate(count);
    from
}

fn seed() -> u64 {
    let seed = std::env::var("LENORE_DRIFT_SEED").ok();
    let seed = seed.map_or(1, |seed| seed.parse().expect("a number"));
    println!("LENORE_DRIFT_SEED={seed}");
    seed
}

/// Cases with several drifts each, of which every pair befalls different facts.
fn chaos(edition: Edition, count: usize, seed: u64) -> Vec<Case> {
    let facts: Vec<_> = facts(edition).into_iter().filter(case::is_asked).collect();
    let mut random = fastrand::Rng::with_seed(seed);
    let mut cases = Vec::new();
    for _ in 0..count {
        let mut drifts = Vec::new();
        let mut scene = "ask";
        for fact in random.choose_multiple(facts.iter(), AT_ONCE) {
            let how = fact.hows[random.usize(..fact.hows.len())];
            if fact.scene == "reread" {
                scene = "reread";
            }
            drifts.push(Drift::new(fact.id.clone(), how));
        }
        cases.push(Case::new(edition, scene, drifts));
    }
    cases
}

/// Fails where a case ended as none may.
fn check(outcomes: &[(Case, Outcome)]) {
    let bad: Vec<_> = outcomes.iter().filter(|(_, outcome)| outcome.is_bad()).collect();
    assert!(bad.is_empty(), "{bad:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_drifts_costs_no_answer_or_is_named() {
    let seed = seed();
    let chosen = [Edition::Y2023, Edition::Y2025].map(|edition| {
        let single = by_lot(cases(edition), SELECTED, seed);
        single.into_iter().chain(chaos(edition, 2, seed)).collect::<Vec<_>>()
    });
    let outcomes = Runner::new().await.run(chosen.concat()).await;
    check(&outcomes);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "thousands of cases; `make drift` runs it"]
async fn every_fact_drifts_and_the_table_is_written() {
    let runner = Runner::new().await;
    let only = std::env::var("LENORE_DRIFT_ONLY").unwrap_or_default();
    let wanted = |case: &Case| only.is_empty() || case.to_string().contains(&only);
    let seed = seed();
    let count = std::env::var("LENORE_DRIFT_CASES")
        .map_or(usize::MAX, |count| count.parse().expect("a number of cases of each edition"));
    let offered = [Edition::Y2023, Edition::Y2025].map(|edition| (edition, cases(edition).len()));
    let all = [Edition::Y2023, Edition::Y2025].map(|edition| {
        let wanted = cases(edition).into_iter().filter(wanted).collect();
        by_lot(wanted, count, seed)
    });
    let single = runner.run(all.concat()).await;
    let several = if only.is_empty() {
        let half = |edition| chaos(edition, CHAOS / 2, seed);
        let cases = [half(Edition::Y2023), half(Edition::Y2025)].concat();
        Runner::new().await.run(cases).await
    } else {
        Vec::new()
    };
    if only.is_empty() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/site.md");
        std::fs::write(path, table::page(&single, &several, &offered))
            .expect("the table is written");
    }
    check(&single);
    check(&several);
    for edition in [Edition::Y2023, Edition::Y2025] {
        let of = single.iter().filter(|(case, _)| case.edition == edition);
        let (all, exact) = of.fold((0, 0), |(all, exact), (_, outcome)| {
            (all + 1, exact + usize::from(*outcome == Outcome::Exact))
        });
        assert!(exact * 10 >= all * 9, "{edition}: {exact} of {all} answers are exact");
    }
}
