//! The lines of a recording, looked through for what matters.

use serde_json::{Map, Value};

/// An object of a recording's shapes.
pub(super) type Fields = Map<String, Value>;

/// The lines of a recording.
pub(super) struct Shapes(Vec<Value>);

/// An entry of the socket.
pub(super) struct Entry<'a> {
    /// Its subscription; empty where it is not told.
    pub(super) name: &'a str,
    pub(super) whole: &'a Fields,
    pub(super) payload: &'a Fields,
    /// What it tells.
    pub(super) data: Option<&'a Fields>,
    /// How often it came like this.
    pub(super) times: u64,
}

static NOTHING: Value = Value::Null;

impl Shapes {
    pub(super) fn new(lines: Vec<Value>) -> Shapes {
        Shapes(lines)
    }

    pub(super) fn of_kind(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.0.iter().filter(move |line| line["k"] == kind)
    }

    /// What is told of the page's elements.
    pub(super) fn elements(&self) -> &Value {
        self.of_kind("elements").next().map_or(&NOTHING, |line| &line["elements"])
    }

    /// The call that carried the question: the one with what was typed.
    pub(super) fn question(&self) -> Option<&Value> {
        self.of_kind("call").find(|call| {
            inside(&call["shape"], &|fields| {
                let mut values = fields.values().filter_map(Value::as_str);
                values.any(|is| is.ends_with(" =prompt"))
            })
            .is_some()
        })
    }

    /// The reply to a call.
    pub(super) fn reply_to(&self, call: &Value) -> Option<&Value> {
        self.of_kind("reply").find(|reply| reply["n"] == call["n"])
    }

    /// The frames that the site sent: how many entries each has.
    pub(super) fn frame_sizes(&self) -> Vec<u64> {
        let lists = self.of_kind("frame").filter(|frame| frame["from"] == "site");
        lists
            .filter_map(|frame| {
                let list = &frame["shape"]["messages"];
                list[0].as_str()?.strip_prefix("list:")?.split('-').next()?.parse().ok()
            })
            .collect()
    }

    /// What told of the answer: the subscription, and the object in which a text grew.
    pub(super) fn answer(&self) -> Option<(&str, &Fields)> {
        let grows = |fields: &Fields| {
            fields
                .values()
                .filter_map(Value::as_str)
                .any(|is| is.starts_with("text:") && is.ends_with(" grows"))
        };
        self.entries().into_iter().find_map(|entry| {
            let data = entry.payload.get("data")?;
            Some((entry.name, inside(data, &grows)?))
        })
    }

    /// What came over the socket, in its order.
    pub(super) fn entries(&self) -> Vec<Entry<'_>> {
        let mut entries = Vec::new();
        for frame in self.of_kind("frame").filter(|frame| frame["from"] == "site") {
            let times = frame["times"].as_u64().unwrap_or(1);
            for entry in frame["shape"]["messages"].as_array().into_iter().flatten() {
                let Some(whole) = entry[1].as_object() else { continue };
                let Some(payload) = whole.get("payload").and_then(Value::as_object) else {
                    continue;
                };
                let name = payload.get("subscription_name").and_then(word).unwrap_or_default();
                let data =
                    payload.get("data").and_then(|data| data.get(name)).and_then(Value::as_object);
                entries.push(Entry { name, whole, payload, data, times });
            }
        }
        entries
    }
}

/// The word that a value is told to be.
pub(super) fn word(value: &Value) -> Option<&str> {
    value.as_str()?.strip_prefix("word:")
}

/// The number that texts have that are the same.
pub(super) fn same(value: &Value) -> Option<&str> {
    value.as_str()?.split(' ').find(|part| part.starts_with('~'))
}

/// The outermost object that does.
pub(super) fn inside<'a>(shape: &'a Value, does: &dyn Fn(&Fields) -> bool) -> Option<&'a Fields> {
    match shape {
        Value::Object(fields) if does(fields) => Some(fields),
        Value::Object(fields) => fields.values().find_map(|value| inside(value, does)),
        Value::Array(list) => list.iter().find_map(|value| inside(value, does)),
        _ => None,
    }
}
