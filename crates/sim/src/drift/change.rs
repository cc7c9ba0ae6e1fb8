//! Changes to JSON, by a path such as `chat.activeJobs.[].jobId`.

use serde_json::{Map, Value, json};

use super::{How, another_name};

/// Changes what stands at a path, wherever it is there. Whether it was.
pub(super) fn change(value: &mut Value, path: &[String], how: How) -> bool {
    match path {
        [] => false,
        [part, rest @ ..] if part == "[]" => {
            let mut done = false;
            for each in value.as_array_mut().into_iter().flatten() {
                done |= change(each, rest, how);
            }
            done
        }
        [last] => value.as_object_mut().is_some_and(|fields| field(fields, last, how)),
        [name, rest @ ..] => value.get_mut(name).is_some_and(|inner| change(inner, rest, how)),
    }
}

/// Changes one field. Whether it was there.
pub(super) fn field(fields: &mut Map<String, Value>, name: &str, how: How) -> bool {
    let Some(value) = fields.remove(name) else {
        return false;
    };
    match how {
        How::Missing | How::Late => None,
        How::Renamed => fields.insert(another_name(name), value),
        How::Null => fields.insert(name.to_owned(), Value::Null),
        How::OtherType => fields.insert(name.to_owned(), of_another_type(value)),
        How::Doubled => {
            fields.insert(format!("{name}V2"), value.clone());
            fields.insert(name.to_owned(), value)
        }
    };
    true
}

/// The same, as it were, in another type.
pub(super) fn of_another_type(value: Value) -> Value {
    match value {
        Value::Null => json!(0),
        Value::Bool(value) => json!(value.to_string()),
        Value::Number(number) => json!(number.to_string()),
        Value::String(text) => match text.parse::<u64>() {
            Ok(number) => json!(number),
            Err(_) => json!(text.len()),
        },
        Value::Array(values) => json!({ "items": values }),
        Value::Object(fields) => json!([fields]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(path: &str, how: How) -> Value {
        let mut value = json!({ "a": [{ "b": "x", "n": 7 }, { "b": "y" }], "c": { "d": true } });
        let path: Vec<String> = path.split('.').map(str::to_owned).collect();
        assert!(change(&mut value, &path, how), "{path:?}");
        value
    }

    #[test]
    fn what_stands_at_a_path_changes_wherever_it_is() {
        assert_eq!(changed("a.[].b", How::Missing)["a"], json!([{ "n": 7 }, {}]));
        assert_eq!(changed("a.[].n", How::OtherType)["a"][0]["n"], "7");
        assert_eq!(changed("c", How::OtherType)["c"], json!([{ "d": true }]));
        assert_eq!(changed("c.d", How::Null)["c"], json!({ "d": null }));
        assert_eq!(changed("c.d", How::Doubled)["c"], json!({ "d": true, "dV2": true }));
        let renamed = changed("c.d", How::Renamed);
        assert_eq!(renamed["c"][another_name("d")], true);
        assert!(renamed["c"].get("d").is_none());
        let path = ["c".to_owned(), "nothing".to_owned()];
        assert!(!change(&mut json!({ "c": {} }), &path, How::Null));
    }
}
