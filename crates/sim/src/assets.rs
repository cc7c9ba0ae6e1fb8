//! The page's scripts and style, made ready once per start.

use std::collections::BTreeMap;

use crate::class_names::hashed;

const FILES: &[(&str, &str)] = &[
    ("app.css", include_str!("../page/app.css")),
    ("login.css", include_str!("../page/login.css")),
    ("app.js", include_str!("../page/app.js")),
    ("channel.js", include_str!("../page/channel.js")),
    ("chat.js", include_str!("../page/chat.js")),
    ("composer.js", include_str!("../page/composer.js")),
    ("controlled.js", include_str!("../page/controlled.js")),
    ("dom.js", include_str!("../page/dom.js")),
    ("frame.js", include_str!("../page/frame.js")),
    ("frames.js", include_str!("../page/frames.js")),
    ("gql.js", include_str!("../page/gql.js")),
    ("habits.js", include_str!("../page/habits.js")),
    ("login.js", include_str!("../page/login.js")),
    ("main.js", include_str!("../page/main.js")),
    ("markdown.js", include_str!("../page/markdown.js")),
    ("message.js", include_str!("../page/message.js")),
    ("thread.js", include_str!("../page/thread.js")),
];

/// The files of one build.
pub(crate) struct Assets {
    /// Part of every file's address, so that a browser never mixes two builds.
    pub(crate) build: String,
    salt: u64,
    files: BTreeMap<&'static str, String>,
}

impl Assets {
    pub(crate) fn new(salt: u64) -> Assets {
        Assets {
            build: format!("{salt:016x}"),
            salt,
            files: FILES.iter().map(|(name, text)| (*name, hashed(text, salt))).collect(),
        }
    }

    pub(crate) fn file(&self, name: &str) -> Option<&str> {
        self.files.get(name).map(String::as_str)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.files.keys().copied()
    }

    /// A piece of HTML with this build's class names.
    pub(crate) fn html(&self, template: &str) -> String {
        hashed(template, self.salt)
    }
}
