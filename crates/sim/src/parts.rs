//! The markup: which element stands for what, as the habits have it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::drift::How;
use crate::variants;

const PARTS: &str = include_str!("../page/parts.json");

/// An element of the page.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all(serialize = "camelCase"))]
pub(crate) struct Part {
    pub(crate) tag: String,
    /// Its classes, with this build's hashes.
    pub(crate) class: String,
    /// Its attributes; those that the app itself sets have no value here.
    #[serde(default)]
    pub(crate) attributes: BTreeMap<String, Option<String>>,
    /// Where it is shown, if not with every question.
    #[serde(default)]
    pub(crate) scene: Option<String>,
    /// What befalls the element as a whole.
    #[serde(default)]
    pub(crate) drift: Option<How>,
    /// What befalls its attributes, and a name that nobody knows for each.
    #[serde(default)]
    pub(crate) attribute_drifts: BTreeMap<String, (How, String)>,
    /// A class that comes late.
    #[serde(default)]
    pub(crate) late_class: Option<String>,
}

/// The elements of a site: of each the variant that its habits choose. `hashed` gives the table
/// its class names.
pub(crate) fn chosen(
    words: &[(String, &'static str)],
    hashed: impl Fn(&str) -> String,
) -> BTreeMap<String, Part> {
    variants::chosen(&hashed(PARTS), words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edition::Edition;
    use crate::habits::Habits;

    #[test]
    fn every_variant_is_chosen_by_a_value_that_there_is() {
        let known = crate::habits::Habit::known();
        let all: BTreeMap<String, Part> = serde_json::from_str(PARTS).expect("JSON");
        for condition in all.keys().filter_map(|name| name.split_once('@')).map(|(_, it)| it) {
            let (habit, value) = condition.split_once('=').expect("a habit");
            let (_, values) = known.iter().find(|(name, _)| name == habit).expect("a known habit");
            assert!(values.contains(&value), "{condition}");
        }
    }

    #[test]
    fn editions_have_their_own_send_button() {
        let send = |edition| {
            let words = Habits::of(edition, &[]).words();
            chosen(&words, str::to_owned)["send"].class.clone()
        };
        assert!(send(Edition::Y2023).contains("ChatMessageSendButton_sendButton__"));
        assert!(send(Edition::Y2025).contains("button_primary__"));
    }
}
