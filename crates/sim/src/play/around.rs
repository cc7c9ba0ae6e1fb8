//! What is said around an answer's text: its beginning, and the end of its job.

use serde_json::Value;

use super::{Player, announce};
use crate::habits::{Edits, End, Entries};
use crate::wire;

impl Player {
    /// What is said before the first word.
    pub(super) fn begin(&mut self) -> Option<()> {
        let wire = &self.site.wire;
        if wire.habits.entries == Entries::Few {
            let job = wire.job(wire::job_of(self.message), "in_progress");
            self.send("jobStarted", job);
        } else {
            let entries = {
                let world = self.site.world();
                let chat = world.chat(self.exchange.chat)?;
                announce::answer(wire, chat, chat.message(self.message)?)
            };
            self.waiting.extend(entries);
            self.flush();
        }
        if self.site.habits().edits == Edits::Yes {
            self.edit()?;
        }
        Some(())
    }

    /// What is said of the job at the end.
    pub(super) fn job_done(&mut self, well: bool) {
        let wire = &self.site.wire;
        if wire.habits.end == End::Message {
            return;
        }
        let state = match (wire.habits.entries, well) {
            (Entries::Few, _) => "finished",
            (Entries::All, true) => "completed",
            (Entries::All, false) => "failed",
        };
        let mut job = wire.job(wire::job_of(self.message), state);
        if wire.is_new() {
            job["clientNonce"] = Value::Null;
        }
        self.send("jobUpdated", job);
    }
}
