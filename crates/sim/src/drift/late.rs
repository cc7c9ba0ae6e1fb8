//! Fields that come late: they are missing for a while, and then the newest entry comes once more,
//! with them.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::wire::Entry;

/// What is known of the fields that come late.
#[derive(Debug, Default)]
pub(crate) struct Lateness {
    fields: Mutex<HashMap<usize, Field>>,
}

#[derive(Debug)]
struct Field {
    /// The newest entry that went without it; none once it is there.
    newest: Option<Entry>,
}

/// How a field stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stand {
    /// It is missing from now on; somebody must call [`Lateness::end`] in a while.
    Begins,
    Missing,
    There,
}

impl Lateness {
    /// An entry would tell of a field.
    pub(super) fn meet(&self, field: usize, entry: &Entry) -> Stand {
        let mut fields = self.lock();
        match fields.get_mut(&field) {
            None => {
                fields.insert(field, Field { newest: Some(entry.clone()) });
                Stand::Begins
            }
            Some(Field { newest: None }) => Stand::There,
            Some(Field { newest: Some(newest) }) => {
                *newest = entry.clone();
                Stand::Missing
            }
        }
    }

    /// The while is over: the entry that is to be sent once more.
    pub(crate) fn end(&self, field: usize) -> Option<Entry> {
        self.lock().get_mut(&field)?.newest.take()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<usize, Field>> {
        self.fields.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
