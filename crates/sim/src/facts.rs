//! The site's description of itself: every single fact that it offers, taken from its own tables
//! and from what it says in a short run.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use serde_json::Value;

use crate::class_names::prefix;
use crate::drift::{How, UnknownDrift};
use crate::edition::Edition;
use crate::habits::{Habit, Habits};
use crate::options::Options;
use crate::routes::ROUTES;
use crate::{drift, operations, parts};
use sample::Sample;

mod sample;
mod walk;

/// One fact that the site offers: something that a client could rely on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Fact {
    /// Its name, for a [`Drift`](crate::Drift): the kind, and what it is of.
    pub id: String,
    /// What kind it is: `element`, `tag`, `class`, `attribute`, `route`, `call`, `header`,
    /// `request`, `variable`, `reply`, `settings`, `inline`, `next-data`, `frame`, `pong`, `entry`,
    /// `subscription`, `field` or `value`.
    pub kind: &'static str,
    /// What has to happen for it to be seen: `ask`, `reread` (a chat that is read again or shown),
    /// `stop`, `files`, `login`, `signed-out`, `other`.
    pub scene: String,
    /// What can befall it.
    pub hows: Vec<How>,
}

/// Every fact that the site of an edition offers.
///
/// ```
/// let facts = lenore_sim::facts(lenore_sim::Edition::Y2025);
/// assert!(facts.iter().any(|fact| fact.id == "subscription:messageAdded"));
/// ```
#[must_use]
pub fn facts(edition: Edition) -> Vec<Fact> {
    of(edition, &[])
}

/// Refuses drifts of what the site does not offer, or that cannot befall it.
pub(crate) fn check(options: &Options) -> Result<(), UnknownDrift> {
    if options.drift.is_empty() {
        return Ok(());
    }
    let facts = known(options);
    for drift in &options.drift {
        let Some(fact) = facts.iter().find(|fact| fact.id == drift.fact) else {
            return Err(UnknownDrift(format!(
                "the site offers no fact `{}`; /sim/facts.json of a running site lists them",
                drift.fact
            )));
        };
        if !fact.hows.contains(&drift.how) {
            let hows: Vec<_> = fact.hows.iter().map(How::to_string).collect();
            return Err(UnknownDrift(format!(
                "`{drift}` cannot be: there are {} for that fact",
                hows.join(", ")
            )));
        }
    }
    Ok(())
}

/// The facts of such a site; the next one of its kind does not run again for them.
fn known(options: &Options) -> Arc<Vec<Fact>> {
    static KNOWN: Mutex<BTreeMap<String, Arc<Vec<Fact>>>> = Mutex::new(BTreeMap::new());
    let key = format!("{} {:?}", options.edition, options.habits);
    let lock = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(facts) = lock().get(&key) {
        return Arc::clone(facts);
    }
    let facts = Arc::new(of(options.edition, &options.habits));
    lock().insert(key, Arc::clone(&facts));
    facts
}

/// Every fact that a site offers.
pub(crate) fn of(edition: Edition, wanted: &[Habit]) -> Vec<Fact> {
    let habits = Habits::of(edition, wanted);
    let mut list = List::default();
    markup(&habits, &mut list);
    for (route, is_dispensable) in ROUTES {
        let hows = [How::Renamed, How::Late];
        let hows = hows.into_iter().chain(is_dispensable.then_some(How::Missing));
        list.add("route", route, scene_of_route(route), hows.collect());
    }
    for name in operations::headers(&habits) {
        list.add("header", name, "ask", vec![How::Renamed, How::Missing]);
    }
    let sample = Sample::take(edition, wanted);
    for (operation, reply) in &sample.replies {
        let scene = scene_of_call(operation);
        let hows = [How::Renamed, How::Missing, How::Null, How::OtherType, How::Doubled, How::Late];
        list.add("call", operation, scene, hows.to_vec());
        list.fields("reply", Some(operation), scene, reply);
    }
    let said = operations::variables(&habits.words());
    for (operation, variables) in said.iter().filter(|(name, _)| sample.replies.contains_key(*name))
    {
        list.fields("variable", Some(operation), scene_of_call(operation), variables);
    }
    list.fields(
        "request",
        None,
        "ask",
        &serde_json::json!({ "variables": {}, "extensions": { "hash": "x" } }),
    );
    list.fields("settings", None, "reread", &sample.settings);
    list.fields("inline", None, "ask", &sample.page);
    list.fields("inline", None, "reread", &sample.chat_page);
    if let Some(data) = &sample.next_data {
        list.fields("next-data", None, "reread", data);
    }
    list.fields("frame", None, "ask", &sample.frame);
    if habits.ping != crate::habits::Ping::No {
        list.fields("pong", None, "ask", &serde_json::json!({ "type": "pong" }));
    }
    for (scene, entry) in &sample.entries {
        list.entry(scene, entry);
    }
    list.words(&sample);
    list.facts
}

/// The classes, attributes and tags of the elements.
fn markup(habits: &Habits, list: &mut List) {
    for (name, part) in parts::chosen(&habits.words(), str::to_owned) {
        let scene = part.scene.as_deref().unwrap_or("ask");
        let is_field = matches!(part.tag.as_str(), "input" | "textarea");
        let missing = (!is_field && name != "editableBox").then_some(How::Missing);
        let hows = [How::Doubled, How::Late].into_iter().chain(missing);
        list.add("element", &name, scene, hows.collect());
        if !is_field && part.tag != "div" {
            list.add("tag", &name, scene, vec![How::Renamed]);
        }
        for class in part.class.split(' ') {
            let id = format!("{name}:{}", prefix(class));
            list.add("class", &id, scene, vec![How::Renamed, How::Missing, How::Late]);
        }
        for attribute in part.attributes.keys() {
            let id = format!("{name}:{attribute}");
            // Without these the element would be another one to the browser itself.
            let is_nature = is_field && matches!(attribute.as_str(), "type" | "contenteditable");
            if !is_nature {
                let hows = vec![How::Renamed, How::Missing, How::OtherType, How::Late];
                list.add("attribute", &id, scene, hows);
            }
        }
    }
}

fn scene_of_route(route: &str) -> &'static str {
    match route {
        "/login" => "login",
        "/chat/{code}" | "/api/settings" | "/_next/data/{build}/{*path}" => "reread",
        "/api/gql_upload_POST" | "/api/finish_upload_POST" => "files",
        _ => "ask",
    }
}

fn scene_of_call(operation: &str) -> &'static str {
    match operation {
        "SendMessageMutation" | "SubscriptionsMutation" | "ChatLastMessageAreaQuery" => "ask",
        "ChatHelpers_ChatMarkAsSeen_Mutation" | "ChatHistoryListQuery" => "ask",
        "ChatPageQuery" => "reread",
        "SendVerificationCodeMutation" | "LoginWithVerificationCodeMutation" => "login",
        "UploadAttachmentMutation" => "files",
        name if name.contains("ancel") => "stop",
        _ => "other",
    }
}

/// The facts so far, each once.
#[derive(Default)]
struct List {
    facts: Vec<Fact>,
    known: BTreeMap<String, usize>,
}

impl List {
    fn add(&mut self, kind: &'static str, id: &str, scene: &str, hows: Vec<How>) {
        let id = format!("{kind}:{id}");
        if let Some(place) = self.known.get(&id) {
            let known = &mut self.facts[*place].hows;
            known.extend(hows.into_iter().filter(|how| !known.contains(how)).collect::<Vec<_>>());
            return;
        }
        self.known.insert(id.clone(), self.facts.len());
        self.facts.push(Fact { id, kind, scene: scene.to_owned(), hows });
    }

    /// Every field of what is said somewhere.
    fn fields(&mut self, kind: &'static str, of: Option<&str>, scene: &str, value: &Value) {
        let mut seen = BTreeMap::new();
        walk::fields(value, String::new(), &mut seen);
        for (path, has) in seen {
            let mut hows = vec![How::Renamed, How::Missing, How::OtherType];
            // What the table of variables leaves open, the app says.
            let says_something = has == walk::Has::Something || kind == "variable";
            hows.extend(says_something.then_some(How::Null));
            hows.extend((kind == "field").then_some(How::Late));
            let id = of.map_or_else(|| path.clone(), |of| format!("{of}:{path}"));
            self.add(kind, &id, scene, hows);
        }
    }

    /// An entry of the socket: what is around, its subscription, its fields.
    fn entry(&mut self, scene: &str, entry: &Value) {
        let Some(name) = entry["payload"]["subscription_name"].as_str() else { return };
        let hows = [How::Renamed, How::Missing, How::Null, How::OtherType, How::Doubled, How::Late];
        self.add("subscription", name, scene, hows.to_vec());
        let mut around = entry.clone();
        if let Some(fields) = around.as_object_mut() {
            fields.remove("_");
        }
        around["payload"]["data"] = serde_json::json!({});
        self.fields("entry", None, scene, &around);
        self.fields("field", Some(name), scene, &entry["payload"]["data"][name]);
    }

    /// Every word that stands as a value.
    fn words(&mut self, sample: &Sample) {
        let entries = sample.entries.iter().map(|(scene, entry)| (scene.as_str(), entry));
        let replies = sample.replies.iter().map(|(name, reply)| (scene_of_call(name), reply));
        let mut found = Vec::new();
        for (scene, value) in entries.chain(replies) {
            drift::words(value, &mut |word| found.push((scene.to_owned(), word)));
        }
        for (scene, word) in found {
            let hows = vec![How::Renamed, How::Missing, How::Null, How::OtherType];
            self.add("value", &word, &scene, hows);
        }
    }
}
