//! Tables with variants: `name`, and `name@habit=value` for the sites that have the habit.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

/// Of each name the variant that the habits choose.
pub(crate) fn chosen<T: DeserializeOwned>(
    table: &str,
    words: &[(String, &'static str)],
) -> BTreeMap<String, T> {
    let all: BTreeMap<String, T> = serde_json::from_str(table).expect("our own tables are JSON");
    let mut chosen = BTreeMap::new();
    // A plain name comes before its variants.
    for (name, entry) in all {
        let (name, condition) = name.split_once('@').unwrap_or((&name, ""));
        let holds =
            |(habit, value): &(String, &'static str)| format!("{habit}={value}") == condition;
        if condition.is_empty() || words.iter().any(holds) {
            chosen.insert(name.to_owned(), entry);
        }
    }
    chosen
}
