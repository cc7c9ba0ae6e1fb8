//! docs/site.md: what Lenore needs of the site, as a run has shown it.

use std::collections::BTreeMap;
use std::fmt::Write;

use lenore_sim::Edition;

use crate::case::{Case, Outcome};
use crate::reasons;

const BEFORE: &str = "\
# What Lenore needs of the site

This page is written by `make drift`. The local site lists every single fact that it offers: each
element, class and attribute, each route, call and header, each field of each reply, entry and
document, each subscription, each word for a state. In each case one of them drifts: it has another
name, is missing, says nothing, is of another type, comes twice or late. A question is asked all the
same, in a real browser. The outcome is the exact answer, or an error that names what is missing;
in no case may the text be wrong, the question be sent twice, or the wait have no end.

";

/// The page of a run. `offered` is how many cases each edition has, of which a run may have taken
/// some by lot.
pub(crate) fn page(
    single: &[(Case, Outcome)],
    several: &[(Case, Outcome)],
    offered: &[(Edition, usize)],
) -> String {
    let mut out = BEFORE.to_owned();
    out += "## One fact at a time\n\n";
    for (edition, offered) in offered {
        let run = single.iter().filter(|(case, _)| case.edition == *edition).count();
        let _ = writeln!(out, "Edition {edition}: {run} of {offered} cases, by lot where not all.");
    }
    out += "\n| edition | kind of fact | cases | exact | named error |\n";
    out += "| --- | --- | ---: | ---: | ---: |\n";
    let mut kinds: BTreeMap<(String, String), [usize; 2]> = BTreeMap::new();
    for (case, outcome) in single {
        let kind = case.drifts[0].fact.split(':').next().unwrap_or_default().to_owned();
        for kind in [kind, "all".to_owned()] {
            let counts = kinds.entry((case.edition.to_string(), kind)).or_default();
            counts[usize::from(*outcome != Outcome::Exact)] += 1;
        }
    }
    for ((edition, kind), [exact, named]) in &kinds {
        let all = exact + named;
        let _ = writeln!(out, "| {edition} | {kind} | {all} | {exact} | {named} |");
    }
    out += "\n## What cannot be done without\n\n";
    out += "Each of these ends in an error, soon, and nothing is sent twice.\n\n";
    out += "| what drifts | in editions | the error | why |\n| --- | --- | --- | --- |\n";
    let mut rows: BTreeMap<String, (Vec<String>, String)> = BTreeMap::new();
    for (case, outcome) in single {
        if let Outcome::Named(kind, _) = outcome {
            let row = rows.entry(case.drifts[0].to_string()).or_default();
            row.0.push(case.edition.to_string());
            row.1 = kind.to_string();
        }
    }
    for (drift, (editions, kind)) in &rows {
        let why = reasons::of(drift).unwrap_or("not looked into");
        let _ = writeln!(out, "| `{drift}` | {} | `{kind}` | {why} |", editions.join(", "));
    }
    out += "\n## Five facts at once\n\n";
    let exact = several.iter().filter(|(_, outcome)| *outcome == Outcome::Exact).count();
    let bad = several.iter().filter(|(_, outcome)| outcome.is_bad()).count();
    let named = several.len() - exact - bad;
    let _ = writeln!(
        out,
        "{} cases by lot: {exact} exact, {named} named errors, {bad} wrong, late or sent twice.",
        several.len()
    );
    out
}
