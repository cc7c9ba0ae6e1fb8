//! What has drifted is found by its place, and a recording tells the site without anybody's words:
//! a real browser on the local site.

mod support;

use std::collections::BTreeSet;

use lenore_poe::{Diagnosis, Examination, Fact, Mending, Outcome, Poe, Site};
use lenore_sim::{Drift, Edition, How, Like, Options, Sim};
use serde_json::Value;
use support::{World, ask, site};

/// It stands in prompts, answers, titles and names; it must come out nowhere.
const MARKER: &str = "Nevermore";

async fn examine(poe: &Poe, examination: Examination) -> Diagnosis {
    poe.examine(examination, |_| ()).await
}

fn with_record() -> Examination {
    Examination { record: true, ask: true, ..Examination::default() }
}

#[track_caller]
fn assert_well(diagnosis: &Diagnosis) {
    let failed: Vec<_> = diagnosis
        .checks()
        .iter()
        .filter(|check| matches!(check.outcome, Outcome::Failed(_) | Outcome::Skipped))
        .collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

/// Every text and number of a value that could be somebody's.
fn values(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) if text.len() > 5 => {
            found.insert(text.clone());
        }
        Value::Number(number) if number.to_string().len() > 3 => {
            found.insert(number.to_string());
        }
        Value::Array(list) => list.iter().for_each(|value| values(value, found)),
        Value::Object(fields) => {
            // What kind of entry it is, and when it came, is nobody's.
            let own =
                fields.iter().filter(|(key, _)| !["kind", "at_ms", "n"].contains(&key.as_str()));
            own.for_each(|(_, value)| values(value, found));
        }
        _ => {}
    }
}

/// Records the site of an edition, with secrets in an earlier chat; then a site like the recording
/// answers exactly.
async fn round_trip(edition: Edition) {
    let world = World::at(Options::default().edition(edition), |builder| builder).await;
    world.sign_in(&world.poe).await;
    let prompt = format!("{MARKER} [[sim: echo, gap=0, title=The {MARKER}]]");
    let earlier = world.ask(&prompt).await;
    let code = earlier.chat().expect("a chat").to_owned();

    let diagnosis = examine(&world.poe, with_record()).await;
    assert_well(&diagnosis);
    assert_eq!(diagnosis.mendings(), [], "nothing has drifted");
    let recording = diagnosis.recording().join("\n");

    // Whatever the site knows of anybody is not in it, but for words of the site's own.
    let mut secrets: BTreeSet<String> =
        [MARKER, "edgar", "p-b", "Reply with OK", &code].map(str::to_owned).into();
    for entry in world.sim.log() {
        values(&serde_json::to_value(entry).expect("a log's entry"), &mut secrets);
    }
    for word in ["success", "complete", "completed", "cancelled"] {
        secrets.remove(word);
    }
    assert!(secrets.len() > 10, "{secrets:?}");
    let small = recording.to_lowercase();
    for secret in &secrets {
        let is_in = small.contains(&secret.to_lowercase());
        assert!(!is_in, "{secret} is in the recording:\n{recording}");
    }

    // It is readable, and what the site is like shows.
    let first: Value = serde_json::from_str(&diagnosis.recording()[0]).expect("JSON");
    assert_eq!(first["lenore_recording"], 1);
    for word in ["messageAdded", "=prompt", "grows", "word:complete", "data-"] {
        assert!(recording.contains(word), "{word} is not in the recording:\n{recording}");
    }
    let like = Like::read(&recording).expect("a whole recording");
    assert_eq!(like.edition, edition, "{:?}\n{recording}", like.habits);
    assert!(like.habits.len() <= 2, "{:?}\n{recording}", like.habits);
    assert_eq!(like.drift, []);
    world.end().await;

    let world = World::at(like.options(), |builder| builder).await;
    world.sign_in(&world.poe).await;
    let answer = world.ask("Hi\nthere [[sim: echo]]").await;
    assert_eq!(answer.complete(), "Hi\nthere [[sim: echo]]");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_site_of_2023_is_recorded_and_played() {
    round_trip(Edition::Y2023).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_site_of_2025_is_recorded_and_played() {
    round_trip(Edition::Y2025).await;
}

/// The value of a list that is mended.
#[track_caller]
fn first<'a>(mendings: &'a [Mending], key: &str) -> &'a str {
    let mending = mendings.iter().find(|mending| mending.key == key);
    match &mending.unwrap_or_else(|| panic!("no {key} in {mendings:#?}")).value {
        Fact::List(list) => &list[0],
        Fact::Text(text) => text,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_drifted_is_found_by_its_place_and_mended() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let keys = ["prompt_box", "send_button", "stop_button", "file_input"];
    let wrong: String = keys.iter().map(|key| format!("{key} = ['.nowhere'] # old\n")).collect();
    let wrong = format!("# kept\n[selectors]\n{wrong}\n[messages]\nelement = '.nowhere'\n");
    std::fs::write(file.path(), &wrong).expect("written");
    let drifted = Site::from_file(file.path()).expect("valid");
    let world = World::at(site(), |builder| builder.site(drifted)).await;
    // Only somebody who sees the box is known to be signed in.
    let known = Poe::builder().url(world.sim.url()).user_data_dir(world.profile.path());
    let known = known.build().expect("valid options");
    world.sign_in(&known).await;
    known.close().await;

    let looked = examine(&world.poe, Examination::default()).await;
    assert_eq!(looked.failure(), Some(lenore_provider::ErrorKind::SiteChanged));
    assert!(first(looked.mendings(), "selectors.prompt_box").contains("textArea__"));
    assert!(world.prompts().is_empty(), "nothing is asked");

    let mend = Examination { mend: true, ask: true, ..Examination::default() };
    let diagnosis = examine(&world.poe, mend).await;
    assert_well(&diagnosis);
    let mendings = diagnosis.mendings();
    for key in keys {
        first(mendings, &format!("selectors.{key}"));
    }
    assert_eq!(first(mendings, "messages.element"), "[id^='message-']");
    assert_eq!(world.prompts().len(), 1);
    world.poe.close().await;

    let mended = Site::mended_file(&wrong, mendings).expect("it can be mended");
    assert!(mended.starts_with("# kept\n[selectors]\n") && mended.contains("# old"), "{mended}");
    // Without what was known before: the new facts alone must do.
    let alone: Vec<String> =
        mended.replace(", \".nowhere\"", "").lines().map(str::to_owned).collect();
    std::fs::write(file.path(), alone.join("\n")).expect("written");
    let again = Site::from_file(file.path()).expect("valid");
    let poe = Poe::builder().site(again).url(world.sim.url()).user_data_dir(world.profile.path());
    let poe = poe.build().expect("valid options");
    let request = lenore_provider::ChatRequest::new(
        "gpt-4",
        vec![lenore_provider::Message::user("Hi [[sim: echo]]")],
    );
    assert_eq!(ask(&poe, request).await.complete(), "Hi [[sim: echo]]");
    poe.close().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_the_wire_are_found_by_their_shape() {
    let options = Options::default()
        .drift(Drift::new("field:messageAdded:text", How::Renamed))
        .drift(Drift::new("variable:SendMessageMutation:query", How::Renamed));
    let world = World::at(options, |builder| builder).await;
    world.sign_in(&world.poe).await;
    let examination = Examination { mend: true, record: true, ask: true, ..Examination::default() };
    let diagnosis = examine(&world.poe, examination).await;
    let mendings = diagnosis.mendings();
    for key in ["wire.text", "wire.prompt"] {
        let name = first(mendings, key).to_owned();
        assert!(!["text", "query"].contains(&name.as_str()), "{name}");
        let recording = diagnosis.recording().join("\n");
        assert!(!recording.contains(&format!("\"{name}\"")), "a name that is no word is told");
    }
    let like = Like::read(&diagnosis.recording().join("\n")).expect("a whole recording");
    let facts: Vec<_> = like.drift.iter().map(|drift| drift.fact.as_str()).collect();
    assert_eq!(facts, ["variable:SendMessageMutation:query", "field:messageAdded:text"]);
    world.end().await;
    // The site that it tells of starts, too.
    Sim::start(like.options()).await.expect("a free port").stop().await;
}
