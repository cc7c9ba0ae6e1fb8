//! The pure way from the page's traffic to events.

#[path = "decode/answers.rs"]
mod answers;
#[path = "decode/cost.rs"]
mod cost;
#[path = "decode/damage.rs"]
mod damage;
#[path = "decode/malformed.rs"]
mod malformed;
#[path = "decode/noise.rs"]
mod noise;
#[path = "decode/page.rs"]
mod page;
#[path = "decode/reader.rs"]
mod reader;
#[path = "decode/recordings.rs"]
mod recordings;
#[path = "decode/recovery.rs"]
mod recovery;
#[path = "decode/refusals.rs"]
mod refusals;
#[path = "decode/story.rs"]
mod story;
#[path = "decode/undisturbed.rs"]
mod undisturbed;
#[path = "decode/wire.rs"]
mod wire;

use proptest::prelude::ProptestConfig;

/// How many cases a property is tried on; `PROPTEST_CASES` asks for another number. A case that
/// is found stays as an example, not as a seed.
fn cases(cases: u32) -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").is_ok();
    let default = ProptestConfig::default();
    let cases = if asked { default.cases } else { cases };
    ProptestConfig { cases, failure_persistence: None, ..default }
}
