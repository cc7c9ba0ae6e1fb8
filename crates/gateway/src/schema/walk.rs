//! The schemas in a schema: where they stand, and how many there are when all references are
//! followed.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::guard;

/// What a keyword's value is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inside {
    /// A schema, or a list of them.
    Schemas,
    /// Schemas, by names.
    Named,
    /// Something else.
    Nothing,
}

fn inside(word: &str) -> Inside {
    match word {
        "additionalItems"
        | "additionalProperties"
        | "allOf"
        | "anyOf"
        | "contains"
        | "contentSchema"
        | "else"
        | "if"
        | "items"
        | "not"
        | "oneOf"
        | "prefixItems"
        | "propertyNames"
        | "then"
        | "unevaluatedItems"
        | "unevaluatedProperties" => Inside::Schemas,
        "$defs" | "definitions" | "dependencies" | "dependentSchemas" | "patternProperties"
        | "properties" => Inside::Named,
        _ => Inside::Nothing,
    }
}

/// Whether the schemas under a word are checked where it stands, and not only by reference.
fn is_applied(word: &str) -> bool {
    !matches!(word, "$defs" | "definitions")
}

/// The schemas directly in one, each with the steps that lead to it.
fn children(schema: &Map<String, Value>) -> impl Iterator<Item = (&str, Vec<String>, &Value)> {
    schema.iter().flat_map(|(word, value)| {
        let found: Vec<(Vec<String>, &Value)> = match (inside(word), value) {
            (Inside::Schemas, Value::Array(schemas)) => {
                let numbered = schemas.iter().enumerate();
                numbered.map(|(at, schema)| (vec![at.to_string()], schema)).collect()
            }
            (Inside::Schemas, schema) => vec![(Vec::new(), schema)],
            (Inside::Named, Value::Object(schemas)) => {
                schemas.iter().map(|(name, schema)| (vec![name.clone()], schema)).collect()
            }
            _ => Vec::new(),
        };
        found.into_iter().map(move |(steps, schema)| {
            (word.as_str(), std::iter::once(word.clone()).chain(steps).collect(), schema)
        })
    })
}

/// A path in the form of a JSON pointer.
fn pointer(steps: &[String]) -> String {
    steps.iter().map(|step| format!("/{}", step.replace('~', "~0").replace('/', "~1"))).collect()
}

/// The schemas that are named by an anchor or an id.
fn names(root: &Value) -> HashMap<&str, &Value> {
    let mut names = HashMap::new();
    let mut left = vec![root];
    while let Some(schema) = left.pop() {
        let Value::Object(words) = schema else { continue };
        for word in ["$anchor", "$dynamicAnchor", "$id", "id"] {
            if let Some(name) = words.get(word).and_then(Value::as_str) {
                names.insert(name, schema);
            }
        }
        left.extend(children(words).map(|(_, _, schema)| schema));
    }
    names
}

/// Where a reference leads in the same document.
fn target<'a>(
    root: &'a Value,
    names: &HashMap<&'a str, &'a Value>,
    reference: &str,
) -> Option<&'a Value> {
    let (document, fragment) = reference.split_once('#').unwrap_or((reference, ""));
    let document = if document.is_empty() { root } else { names.get(document)? };
    match fragment {
        "" => Some(document),
        path if path.starts_with('/') => document.pointer(&decoded(path)),
        name => names.get(name).copied(),
    }
}

/// A path in which some bytes are written as `%25`.
fn decoded(path: &str) -> String {
    if !path.contains('%') {
        return path.to_owned();
    }
    // It has no pairs; what is decoded is the name of the one.
    let plain = path.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    url::form_urlencoded::parse(plain.as_bytes())
        .next()
        .map_or_else(String::new, |(name, _)| name.into_owned())
}

/// What a schema costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cost {
    /// Schemas in it, its references followed.
    pub(crate) nodes: usize,
    /// Patterns in it.
    pub(crate) patterns: usize,
}

/// What a schema may cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Most {
    pub(crate) nodes: usize,
    pub(crate) depth: usize,
    pub(crate) patterns: usize,
}

/// What of a schema is too much, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Excess {
    pub(crate) of: Part,
    pub(crate) at: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Nodes,
    Depth,
    Patterns,
}

/// Counts what a schema costs beside what others have cost, and stops where that is too much: this
/// itself takes no more steps than are allowed. A reference that leads back into what it stands in
/// is not followed again: there the value that is checked has an end.
pub(crate) fn cost(root: &Value, most: Most, cost: &mut Cost) -> Result<(), Excess> {
    let names = names(root);
    let mut counter = Counter { root, names, most, cost, path: Vec::new(), open: HashSet::new() };
    counter.count(root, 0)
}

struct Counter<'a, 'b> {
    root: &'a Value,
    names: HashMap<&'a str, &'a Value>,
    most: Most,
    cost: &'b mut Cost,
    path: Vec<String>,
    /// The targets of references that are being followed.
    open: HashSet<*const Value>,
}

impl<'a> Counter<'a, '_> {
    fn count(&mut self, schema: &'a Value, depth: usize) -> Result<(), Excess> {
        let Value::Object(words) = schema else { return Ok(()) };
        self.cost.nodes += 1;
        let patterns = usize::from(words.get("pattern").is_some_and(Value::is_string));
        let named = words.get("patternProperties").and_then(Value::as_object);
        self.cost.patterns += patterns + named.map_or(0, Map::len);
        for (part, is_too_much) in [
            (Part::Nodes, self.cost.nodes > self.most.nodes),
            (Part::Depth, depth > self.most.depth),
            (Part::Patterns, self.cost.patterns > self.most.patterns),
        ] {
            if is_too_much {
                return Err(Excess { of: part, at: pointer(&self.path) });
            }
        }
        for word in ["$ref", "$dynamicRef", "$recursiveRef"] {
            let Some(reference) = words.get(word).and_then(Value::as_str) else { continue };
            let Some(target) = target(self.root, &self.names, reference) else { continue };
            if self.open.insert(std::ptr::from_ref(target)) {
                self.path.push(word.to_owned());
                self.count(target, depth + 1)?;
                self.path.pop();
                self.open.remove(&std::ptr::from_ref(target));
            }
        }
        for (word, steps, schema) in children(words) {
            // What nothing refers to costs nothing.
            if is_applied(word) {
                let length = self.path.len();
                self.path.extend(steps);
                self.count(schema, depth + 1)?;
                self.path.truncate(length);
            }
        }
        Ok(())
    }
}

/// Puts the keyword of the guard into every schema of a schema that can be reached.
pub(super) fn add_steps(root: &mut Value) {
    let mut seen = HashSet::new();
    let mut left = vec![Vec::new()];
    while let Some(path) = left.pop() {
        guard::step();
        let place = pointer(&path);
        if !seen.insert(place.clone()) {
            continue;
        }
        let Some(Value::Object(words)) = root.pointer_mut(&place) else { continue };
        for word in ["$ref", "$dynamicRef"] {
            // Others lead to schemas that stand where schemas do.
            if let Some(Value::String(reference)) = words.get(word)
                && let Some(path) = reference.strip_prefix("#/")
            {
                let steps = decoded(path);
                let steps = steps.split('/').map(|step| step.replace("~1", "/").replace("~0", "~"));
                left.push(steps.collect());
            }
        }
        let found =
            children(words).map(|(_, steps, _)| path.iter().cloned().chain(steps).collect());
        left.extend(found.collect::<Vec<_>>());
        words.insert(guard::KEYWORD.to_owned(), Value::Bool(true));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const MOST: Most = Most { nodes: 1000, depth: 20, patterns: 10 };

    fn counted(schema: &Value) -> Result<Cost, Excess> {
        let mut total = Cost::default();
        cost(schema, MOST, &mut total).map(|()| total)
    }

    /// `word` of two references to the next, so often.
    fn doubling(word: &str, times: usize) -> Value {
        let mut defs = Map::new();
        for n in 0..times {
            let next = json!({ "$ref": format!("#/$defs/d{}", n + 1) });
            defs.insert(format!("d{n}"), json!({ word: [next, next] }));
        }
        defs.insert(format!("d{times}"), json!({ "type": "string" }));
        json!({ "$ref": "#/$defs/d0", "$defs": defs })
    }

    #[test]
    fn references_are_followed_and_counted() {
        let plain = json!({ "type": "object", "properties": {
            "a": { "type": "string", "pattern": "x" }, "b": { "items": { "enum": [{ "x": {} }] } },
        } });
        assert_eq!(counted(&plain), Ok(Cost { nodes: 4, patterns: 1 }));
        assert_eq!(counted(&doubling("allOf", 3)).map(|cost| cost.nodes), Ok(1 + 7 + 14 + 8));
        for word in ["allOf", "anyOf", "oneOf"] {
            let excess = counted(&doubling(word, 45)).expect_err("too much");
            assert!(matches!(excess.of, Part::Nodes | Part::Depth), "{excess:?}");
            assert!(excess.at.starts_with("/$ref/"), "{excess:?}");
        }
    }

    #[test]
    fn what_refers_to_itself_has_an_end() {
        let tree = json!({ "properties": { "left": { "$ref": "#" }, "right": { "$ref": "#" } } });
        assert!(counted(&tree).is_ok_and(|cost| cost.nodes < 10));
        let named = json!({ "$id": "urn:tree", "$anchor": "top", "items": { "$ref": "#top" },
            "not": { "$ref": "urn:tree" }, "contains": { "$ref": "urn:tree#/items" },
            "else": { "$ref": "https://elsewhere.example/x" } });
        assert!(counted(&named).is_ok());
        let round = json!({ "$ref": "#/$defs/a", "$defs": {
            "a": { "$ref": "#/$defs/b" }, "b": { "$ref": "#/$defs/a" } } });
        assert!(counted(&round).is_ok());
    }

    #[test]
    fn what_is_deep_or_has_many_patterns_is_told_with_its_place() {
        let mut deep = json!({});
        for _ in 0..30 {
            deep = json!({ "items": deep });
        }
        let excess = counted(&deep).expect_err("too deep");
        assert_eq!((excess.of, excess.at.as_str()), (Part::Depth, &*"/items".repeat(21)));
        let many: Map<_, _> =
            (0..11).map(|n| (format!("p/{n}"), json!({ "pattern": "x" }))).collect();
        let excess = counted(&json!({ "properties": many })).expect_err("too many");
        assert_eq!(excess.of, Part::Patterns);
        assert!(excess.at.starts_with("/properties/p~1"), "{excess:?}");
    }

    #[test]
    fn every_schema_gets_the_step_and_no_data_does() {
        let mut schema = json!({
            "properties": { "properties": { "type": "object" }, "x": true },
            "anyOf": [{ "$ref": "#/components/schemas/a%20b" }],
            "enum": [{ "items": {} }], "default": { "not": {} },
            "components": { "schemas": { "a b": { "items": { "type": "string" } } } },
        });
        add_steps(&mut schema);
        let has =
            |path: &str| schema.pointer(path).is_some_and(|at| at.get(guard::KEYWORD).is_some());
        for path in [
            "",
            "/properties/properties",
            "/anyOf/0",
            "/components/schemas/a b",
            "/components/schemas/a b/items",
        ] {
            assert!(has(path), "{path}");
        }
        for path in ["/properties", "/enum/0", "/enum/0/items", "/default", "/components"] {
            assert!(!has(path), "{path}");
        }
    }
}
