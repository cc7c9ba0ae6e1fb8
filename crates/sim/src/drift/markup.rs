//! Changes to the table of elements.

use std::collections::BTreeMap;

use super::{How, another_name};
use crate::class_names;
use crate::parts::Part;

/// Changes the part that a fact is of; other facts change nothing.
pub(super) fn change(parts: &mut BTreeMap<String, Part>, fact: &str, how: How) {
    let mut words = fact.splitn(3, ':');
    let (Some(kind), Some(name), thing) = (words.next(), words.next(), words.next()) else {
        return;
    };
    let Some(part) = parts.get_mut(name) else { return };
    match (kind, thing) {
        ("element", None) => part.drift = Some(how),
        ("tag", None) => "div".clone_into(&mut part.tag),
        ("class", Some(class)) => change_class(part, class, how),
        ("attribute", Some(attribute)) => {
            part.attribute_drifts.insert(attribute.to_owned(), (how, another_name(attribute)));
        }
        _ => {}
    }
}

fn change_class(part: &mut Part, class: &str, how: How) {
    let is_it = |word: &&str| class_names::prefix(word) == class;
    let Some(whole) = part.class.split(' ').find(is_it).map(str::to_owned) else {
        return;
    };
    let others: Vec<&str> = part.class.split(' ').filter(|word| *word != whole).collect();
    let mut others = others.join(" ");
    match how {
        How::Renamed => {
            let other = another_name(class);
            others = format!("{others} {other}_{other}__{}", &whole[class.len()..]);
        }
        How::Late => part.late_class = Some(whole),
        _ => {}
    }
    part.class = others.trim().to_owned();
}
