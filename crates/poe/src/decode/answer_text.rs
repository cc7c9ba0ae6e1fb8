//! The text of one message: as the site has it, and as the events so far add up to.

use lenore_provider::Event;

use super::tap_message::MessageUpdate;

/// Follows a message's text at a cost that is linear in what arrives.
#[derive(Debug)]
pub(super) struct AnswerText {
    /// The site's text, as last told.
    site: String,
    /// Its length as JavaScript counts it.
    units: usize,
    /// What the events have added up to. The same as `site`, but for notices and re-readings.
    shown: String,
    in_step: bool,
    notice: String,
}

/// An update speaks of a text that was never told: something is missing.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Missing;

impl Default for AnswerText {
    fn default() -> Self {
        Self {
            site: String::new(),
            units: 0,
            shown: String::new(),
            in_step: true,
            notice: String::new(),
        }
    }
}

impl AnswerText {
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    /// Begins a new document, in which texts are told from their beginnings. What was shown stays.
    pub(super) fn told_anew(&mut self) {
        self.site.clear();
        self.units = 0;
        self.in_step = self.shown.is_empty();
    }

    /// Whether an update says anything new of the text.
    pub(super) fn is_changed_by(&self, update: &MessageUpdate) -> bool {
        update.keep != Some(self.units) || !update.text.is_empty()
    }

    /// Takes a change that is not for the reader.
    pub(super) fn follow(&mut self, update: &MessageUpdate) -> Result<(), Missing> {
        self.change(update)?;
        self.in_step = false;
        Ok(())
    }

    /// Takes a change and returns what it means for the reader. `grows` is whether more is to come,
    /// and `is_notice` tells whether a text is a passing notice.
    pub(super) fn update(
        &mut self,
        update: &MessageUpdate,
        grows: bool,
        is_notice: impl Fn(&str) -> bool,
    ) -> Result<Option<Event>, Missing> {
        let keep = self.change(update)?;
        if is_notice(&self.site) {
            self.in_step = false;
            // The same notice, read again, is no news.
            let is_news = self.notice != self.site;
            self.notice.clone_from(&self.site);
            return Ok(is_news.then(|| Event::Status(self.site.clone())));
        }
        // A notice that went away may leave the text as it was shown, which is no event.
        let keep = if self.in_step { keep } else { common_prefix(&self.shown, &self.site) };
        // Less of the same is most likely an older copy. If it is not, what comes next shows it.
        self.in_step = !grows || keep < self.site.len() || keep == self.shown.len();
        if !self.in_step {
            return Ok(None);
        }
        let added = &self.site[keep..];
        if keep == self.shown.len() {
            self.shown.push_str(added);
            return Ok((!added.is_empty()).then(|| Event::Delta(added.to_owned())));
        }
        let event =
            Event::Replace { keep: self.shown[..keep].chars().count(), text: added.to_owned() };
        self.shown.truncate(keep);
        self.shown.push_str(added);
        Ok(Some(event))
    }

    /// Changes the site's text; gives the byte up to which it has stayed.
    fn change(&mut self, update: &MessageUpdate) -> Result<usize, Missing> {
        let stays = update.keep.ok_or(Missing)?;
        let keep = self.byte_at(stays)?;
        self.units = stays + utf16_len(&update.text);
        self.site.truncate(keep);
        self.site.push_str(&update.text);
        Ok(keep)
    }

    /// The byte at which a number of UTF-16 units ends. Only a rewrite walks the text for it.
    fn byte_at(&self, units: usize) -> Result<usize, Missing> {
        if units == self.units {
            return Ok(self.site.len());
        }
        let mut left = units;
        for (at, character) in self.site.char_indices() {
            if left == 0 {
                return Ok(at);
            }
            left = left.checked_sub(character.len_utf16()).ok_or(Missing)?;
        }
        if left == 0 { Ok(self.site.len()) } else { Err(Missing) }
    }
}

fn utf16_len(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// The bytes of the longest common beginning that ends between characters in both.
fn common_prefix(one: &str, other: &str) -> usize {
    let same = one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    one.floor_char_boundary(same)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What updates to these texts mean for the reader; the last ends the answer.
    fn told(texts: &[&str]) -> (Vec<Event>, String) {
        let mut text = AnswerText::default();
        let mut before = "";
        let mut events = Vec::new();
        for (n, now) in texts.iter().enumerate() {
            let keep = common_prefix(before, now);
            let update = MessageUpdate {
                keep: Some(keep),
                text: now[keep..].to_owned(),
                ..MessageUpdate::default()
            };
            let event = text.update(&update, n + 1 < texts.len(), |_| false);
            events.extend(event.expect("nothing is missing"));
            before = now;
        }
        (events, text.shown().to_owned())
    }

    #[test]
    fn an_older_copy_is_no_rewrite() {
        let (events, shown) = told(&["one", "one two", "one", "one two three", "one two three"]);
        let delta = |text: &str| Event::Delta(text.into());
        assert_eq!(events, [delta("one"), delta(" two"), delta(" three")]);
        assert_eq!(shown, "one two three");
    }

    #[test]
    fn a_text_that_was_cut_is_told_in_the_end_or_when_it_goes_on_otherwise() {
        let (events, shown) = told(&["one two", "one", "one"]);
        assert_eq!(events[1..], [Event::Replace { keep: 3, text: String::new() }]);
        assert_eq!(shown, "one");
        let (events, shown) = told(&["one two", "one", "one, then", "one, then"]);
        assert_eq!(events[1..], [Event::Replace { keep: 3, text: ", then".into() }]);
        assert_eq!(shown, "one, then");
    }
}
