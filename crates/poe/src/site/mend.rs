//! Mending a site file: newer facts put into it, and all else left as it is.

use std::fmt;
use std::path::{Path, PathBuf};

use lenore_provider::{Error, ErrorKind, Result};
use serde_json::json;
use toml_edit::{Array, DocumentMut, Item, TableLike, Value, table};

use super::{BUILT_IN, Site};

/// A fact of the site that has changed, and what it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mending {
    /// The key in a site file, such as `selectors.send_button`.
    pub key: String,
    /// What belongs there: the new values first, then those that were known.
    pub value: Fact,
    /// How it was found, in a few words.
    pub why: String,
}

/// A value of a site file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fact {
    /// One text.
    Text(String),
    /// Several, in the order in which they are tried.
    List(Vec<String>),
}

impl fmt::Display for Mending {
    /// As it stands in a site file.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (table, key) = self.key.split_once('.').unwrap_or(("", &self.key));
        write!(out, "[{table}]\n{key} = {}", self.value.in_toml())
    }
}

impl Fact {
    fn in_toml(&self) -> Value {
        match self {
            Self::Text(text) => text.as_str().into(),
            Self::List(list) => Value::Array(list.iter().map(String::as_str).collect::<Array>()),
        }
    }
}

impl Mending {
    /// New values for a list of the site's, which keeps those that it has behind them.
    pub(crate) fn list(site: &Site, key: &str, new: Vec<String>, why: impl Into<String>) -> Self {
        let mut list = new;
        for known in site.list(key) {
            if !list.contains(&known) {
                list.push(known);
            }
        }
        Self { key: key.to_owned(), value: Fact::List(list), why: why.into() }
    }

    /// A new value for a single text.
    pub(crate) fn text(key: &str, new: impl Into<String>, why: impl Into<String>) -> Self {
        Self { key: key.to_owned(), value: Fact::Text(new.into()), why: why.into() }
    }
}

impl Site {
    /// The file of newer facts that is read where none is named: `site.toml` in the platform's
    /// configuration directory for Lenore. It need not exist.
    pub fn usual_file() -> Option<PathBuf> {
        let directories = directories::ProjectDirs::from("", "", "lenore");
        directories.map(|directories| directories.config_dir().join("site.toml"))
    }

    /// The text of a site file with newer facts put into it. Everything else stays as it is, with
    /// its comments.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] where the text is none of a site file.
    pub fn mended_file(text: &str, mendings: &[Mending]) -> Result<String> {
        let invalid = |why: &dyn fmt::Display| {
            Error::new(ErrorKind::InvalidRequest, format!("the site file cannot be mended: {why}"))
        };
        let mut document: DocumentMut =
            text.parse().map_err(|error: toml_edit::TomlError| invalid(&error.message()))?;
        for Mending { key, value, .. } in mendings {
            let (outer, key) = key.split_once('.').ok_or_else(|| invalid(&key))?;
            let item = document.entry(outer).or_insert_with(table);
            let held = item.as_table_like_mut().ok_or_else(|| invalid(&outer))?;
            put(held, key, value.in_toml());
        }
        Ok(document.to_string())
    }

    /// These facts, mended.
    pub(crate) fn mended(&self, mendings: &[Mending]) -> Result<Self> {
        let file = self.file.as_deref().map(std::fs::read_to_string);
        let text = file.transpose().ok().flatten().unwrap_or_default();
        let text = Self::mended_file(&text, mendings)?;
        let site = Self::parse(BUILT_IN, Some(&text)).map_err(|error| {
            Error::new(ErrorKind::InvalidRequest, format!("what was found does not fit: {error}"))
        })?;
        let is_https_assumed = self.is_https_assumed;
        Ok(Self { url: self.url.clone(), file: self.file.clone(), is_https_assumed, ..site })
    }

    /// The file that mends the built-in facts, where there is one.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// A list, by its key in the file.
    fn list(&self, key: &str) -> Vec<String> {
        if let Some((_, list)) = self.all_selectors().into_iter().find(|(name, _)| *name == key) {
            return list.to_vec();
        }
        match key.split_once('.') {
            Some(("wire", key)) => {
                serde_json::from_value(json!(self.wire)[key].clone()).unwrap_or_default()
            }
            Some(("states", "complete")) => self.states.complete.clone(),
            Some(("states", "growing")) => self.states.growing.clone(),
            _ => Vec::new(),
        }
    }
}

/// Puts a value into a table, with the comments of the one whose place it takes.
fn put(table: &mut dyn TableLike, key: &str, mut value: Value) {
    if let Some(old) = table.get(key).and_then(Item::as_value) {
        *value.decor_mut() = old.decor().clone();
    }
    table.insert(key, Item::Value(value));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_the_file_stays() {
        let file = "# mine\nurl = 'http://127.0.0.1:1'\n\n[selectors] # of May\n\
                    send_button = ['.old'] # gone\nstop_button = ['#stop']\n";
        let mending = |key: &str, list: &[&str]| Mending {
            key: key.to_owned(),
            value: Fact::List(list.iter().map(|&one| one.to_owned()).collect()),
            why: String::new(),
        };
        let mendings = [
            mending("selectors.send_button", &["[data-go='true']", ".old"]),
            mending("wire.text", &["body"]),
        ];
        let mended = Site::mended_file(file, &mendings).expect("it can be mended");
        assert_eq!(
            mended,
            "# mine\nurl = 'http://127.0.0.1:1'\n\n[selectors] # of May\n\
             send_button = [\"[data-go='true']\", \".old\"] # gone\nstop_button = ['#stop']\n\n\
             [wire]\ntext = [\"body\"]\n"
        );
        let again = Site::mended_file(&mended, &mendings).expect("it can be mended");
        assert_eq!(again, mended);
        assert!(Site::mended_file("selectors = 3", &mendings).is_err());
        assert!(Site::mended_file("[selectors", &mendings).is_err());
    }

    #[test]
    fn new_values_come_before_those_that_were_known() {
        let site = Site::poe();
        let known = site.list("wire.text");
        let mending = Mending::list(&site, "wire.text", vec!["body".into()], "it grew");
        assert_eq!(mending.value, Fact::List([vec!["body".to_owned()], known].concat()));
        let mended = site.mended(&[mending]).expect("it fits");
        assert_eq!(mended.wire.text[0], "body");
        assert_eq!(mended.selectors, site.selectors);
    }
}
