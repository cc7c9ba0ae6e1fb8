//! Which models were asked last, so that the list of models begins with them.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// As many are known of all callers together; the oldest are forgotten.
const MOST: usize = 200;

/// The models that were asked last, each with the name of the caller's key.
#[derive(Debug, Default)]
pub(crate) struct Recent(Mutex<VecDeque<(Option<String>, String)>>);

impl Recent {
    /// Those that who needs no name of a key asked before the server started, the newest first.
    pub(crate) fn new(models: Vec<String>) -> Self {
        Self(Mutex::new(models.into_iter().take(MOST).map(|model| (None, model)).collect()))
    }

    /// A model has answered.
    pub(crate) fn add(&self, owner: Option<&str>, model: &str) {
        let mut all = self.all();
        all.retain(|(of, old)| of.as_deref() != owner || old != model);
        all.push_front((owner.map(str::to_owned), model.to_owned()));
        all.truncate(MOST);
    }

    /// A caller's, the newest first.
    pub(crate) fn of(&self, owner: Option<&str>) -> Vec<String> {
        let all = self.all();
        let own = all.iter().filter(|(of, _)| of.as_deref() == owner);
        own.map(|(_, model)| model.clone()).collect()
    }

    fn all(&self) -> MutexGuard<'_, VecDeque<(Option<String>, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_caller_has_models_of_its_own_the_newest_first() {
        let recent = Recent::new(vec!["a".into(), "b".into()]);
        recent.add(None, "b");
        recent.add(Some("ada"), "c");
        assert_eq!(recent.of(None), ["b", "a"]);
        assert_eq!(recent.of(Some("ada")), ["c"]);
        for n in 0..MOST {
            recent.add(None, &n.to_string());
        }
        assert_eq!(recent.of(None).len(), MOST);
        assert!(recent.of(Some("ada")).is_empty());
    }
}
