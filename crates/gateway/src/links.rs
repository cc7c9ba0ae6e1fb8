//! Which chat an earlier response was in, so that a client can go on by its name.
//!
//! A chat goes on at its end alone, so only the last response of a chat can be gone on from, once.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::Gateway;
use crate::failure::Failure;
use crate::keys::Caller;
use crate::models::Route;

/// As many responses can be gone on from; the oldest are forgotten.
const MOST: usize = 10_000;

/// Responses and their chats.
#[derive(Debug, Default)]
pub(crate) struct Links(Mutex<VecDeque<Link>>);

/// Who speaks with whom.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    /// Whose responses they are.
    pub(crate) owner: Option<String>,
    /// The provider's name.
    pub(crate) provider: String,
    pub(crate) model: String,
}

impl Place {
    /// Where this caller asks a model of this name.
    pub(crate) fn of(gateway: &Gateway, caller: &Caller, model: &str) -> Result<Self, Failure> {
        Ok(Self::new(gateway, caller, &gateway.route(model)?))
    }

    pub(crate) fn new(gateway: &Gateway, caller: &Caller, route: &Route) -> Self {
        Self {
            owner: caller.name().map(str::to_owned),
            provider: route.provider.name().to_owned(),
            model: gateway.shown(&route.model),
        }
    }
}

/// A response that can be gone on from.
#[derive(Debug)]
pub(crate) struct Link {
    response: String,
    pub(crate) chat: String,
    place: Place,
}

impl Links {
    /// A response is the last of its chat now.
    pub(crate) fn add(&self, response: &str, chat: &str, place: &Place) {
        let (response, chat) = (response.to_owned(), chat.to_owned());
        self.put_back(Link { response, chat, place: place.clone() });
    }

    /// Takes the way to a response's chat: who goes on there makes a new last response.
    pub(crate) fn take(&self, response: &str, place: &Place) -> Option<Link> {
        let mut links = self.all();
        let is_it = |link: &Link| link.response == response && link.place == *place;
        let at = links.iter().rposition(is_it)?;
        links.remove(at)
    }

    /// What was taken for a question that was not asked.
    pub(crate) fn put_back(&self, link: Link) {
        let mut links = self.all();
        links.retain(|old| old.chat != link.chat || old.place.provider != link.place.provider);
        if links.len() == MOST {
            links.pop_front();
        }
        links.push_back(link);
    }

    fn all(&self) -> MutexGuard<'_, VecDeque<Link>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(model: &str) -> Place {
        Place { owner: None, provider: "web".into(), model: model.into() }
    }

    #[test]
    fn only_the_last_response_of_a_chat_can_be_gone_on_from_and_once() {
        let links = Links::default();
        links.add("r1", "c", &place("a"));
        links.add("r2", "c", &place("a"));
        links.add("other", "d", &place("a"));
        assert!(links.take("r1", &place("a")).is_none());
        assert!(links.take("r2", &place("b")).is_none(), "another model");
        let link = links.take("r2", &place("a")).expect("the last");
        assert_eq!(link.chat, "c");
        assert!(links.take("r2", &place("a")).is_none(), "taken");
        links.put_back(link);
        assert!(links.take("r2", &place("a")).is_some());
        assert!(links.take("other", &place("a")).is_some());
    }
}
