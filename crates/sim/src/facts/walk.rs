//! The paths of all fields of a value.

use std::collections::BTreeMap;

use serde_json::Value;

/// What a field has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Has {
    Nothing,
    Something,
}

/// Lists of the account's things, whose insides say nothing of a chat.
const OPAQUE: &[&str] = &["bots", "chats", "availableBotsConnection"];

/// Adds the paths below a path.
pub(super) fn fields(value: &Value, path: String, found: &mut BTreeMap<String, Has>) {
    match value {
        Value::Array(values) => {
            for value in values {
                fields(value, format!("{path}.[]"), found);
            }
        }
        Value::Object(all) => {
            for (name, value) in all {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                let has = if value.is_null() { Has::Nothing } else { Has::Something };
                let known = found.entry(path.clone()).or_insert(has);
                if has == Has::Something {
                    *known = has;
                }
                if !OPAQUE.contains(&name.as_str()) {
                    fields(value, path, found);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_field_has_its_path() {
        let mut found = BTreeMap::new();
        fields(
            &json!({ "a": [{ "b": null }, { "b": 1 }], "c": { "d": null } }),
            String::new(),
            &mut found,
        );
        let paths: Vec<_> = found.iter().map(|(path, has)| (path.as_str(), *has)).collect();
        let [something, nothing] = [Has::Something, Has::Nothing];
        assert_eq!(
            paths,
            [("a", something), ("a.[].b", something), ("c", something), ("c.d", nothing)]
        );
    }
}
