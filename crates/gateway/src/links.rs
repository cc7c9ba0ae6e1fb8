//! Which chat an earlier response was in, so that a client can go on by its name.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// As many responses can be gone on from; the oldest are forgotten.
const MOST: usize = 10_000;

/// Responses and their chats.
#[derive(Debug, Default)]
pub(crate) struct Links(Mutex<VecDeque<Link>>);

#[derive(Debug)]
struct Link {
    response: String,
    /// Whose response it is.
    owner: Option<String>,
    chat: String,
}

impl Links {
    pub(crate) fn add(&self, response: &str, owner: Option<&str>, chat: &str) {
        let mut links = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if links.len() == MOST {
            links.pop_front();
        }
        links.push_back(Link {
            response: response.to_owned(),
            owner: owner.map(str::to_owned),
            chat: chat.to_owned(),
        });
    }

    pub(crate) fn chat(&self, response: &str, owner: Option<&str>) -> Option<String> {
        let links = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |link: &&Link| link.response == response && link.owner.as_deref() == owner;
        links.iter().rev().find(is_it).map(|link| link.chat.clone())
    }
}
