//! What came of loading an address.

use std::fmt;
use std::time::{Duration, SystemTime};

/// How the media types begin that browsers show.
const SHOWN: &[&str] = &[
    "text/",
    "image/",
    "audio/",
    "video/",
    "application/javascript",
    "application/json",
    "application/pdf",
    "application/xml",
];

/// What came of loading an address. Where the site answered at all, loading is no error: what it
/// answered is told here.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Navigation {
    /// What the page shows now.
    pub shows: Shows,
    /// The address of the answer, after all redirects of the site.
    pub url: String,
    /// The HTTP status of the answer; `None` where there was none, as for `about:blank`.
    pub status: Option<u16>,
    /// The answer's media type, such as `text/html`, where it has one.
    pub content_type: Option<String>,
    /// Names in lower case, and values.
    headers: Vec<(String, String)>,
}

/// What a page shows after an address was loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shows {
    /// The document of the answer, or the browser's own page where the answer was an error
    /// without a document.
    Document,
    /// What it did before: the answer has no content (204, 205).
    NoContent,
    /// What it did before: the answer is a file, which is not kept.
    Download,
}

/// The answer of a site to the request for a document, as a browser tells of it.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) url: String,
    pub(crate) status: u16,
    pub(crate) mime_type: String,
    pub(crate) headers: Vec<(String, String)>,
}

impl Navigation {
    /// Of an address for which no site was asked.
    pub(crate) fn without_answer(url: &str) -> Self {
        Self {
            shows: Shows::Document,
            url: url.to_owned(),
            status: None,
            content_type: None,
            headers: Vec::new(),
        }
    }

    pub(crate) fn of(answer: Answer, shows: Shows) -> Self {
        let content_type = answer.content_type();
        let headers = answer.headers.into_iter();
        let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value));
        Self {
            shows,
            url: answer.url,
            status: Some(answer.status),
            content_type,
            // What signs somebody in has no business here.
            headers: headers.filter(|(name, _)| name != "set-cookie").collect(),
        }
    }

    /// A header of the answer, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// How long the site asks to wait (`Retry-After`), by the site's own clock where it has one.
    pub fn retry_after(&self) -> Option<Duration> {
        let text = self.header("retry-after")?.trim();
        if let Ok(seconds) = text.parse::<f64>() {
            return Duration::try_from_secs_f64(seconds).ok();
        }
        let now = self.header("date").and_then(|date| httpdate::parse_http_date(date).ok());
        let until = httpdate::parse_http_date(text).ok()?;
        until.duration_since(now.unwrap_or_else(SystemTime::now)).ok()
    }
}

impl Answer {
    /// The media type without its parameters.
    fn content_type(&self) -> Option<String> {
        let kind = self.mime_type.split(';').next().unwrap_or_default().trim();
        (!kind.is_empty()).then(|| kind.to_ascii_lowercase())
    }

    /// What a page shows after an answer that did not become its document, as far as that tells
    /// why.
    pub(crate) fn unshown(&self) -> Option<Shows> {
        let named =
            |name: &str| self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        let is_attached = named("content-disposition")
            .is_some_and(|(_, value)| value.trim_start().starts_with("attachment"));
        let is_shown = self.content_type().is_none_or(|kind| {
            SHOWN.iter().any(|begin| kind.starts_with(begin)) || kind.ends_with("+xml")
        });
        match self.status {
            204 | 205 => Some(Shows::NoContent),
            // The browser's own page tells of it.
            400.. => Some(Shows::Document),
            _ => (is_attached || !is_shown).then_some(Shows::Download),
        }
    }
}

/// Headers and the rest of an address may hold secrets.
impl fmt::Debug for Navigation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Navigation")
            .field("shows", &self.shows)
            .field("status", &self.status)
            .field("content_type", &self.content_type)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_to_wait_is_read_in_both_of_its_forms() {
        let wait = |headers: &[(&str, &str)]| {
            let headers = headers.iter().map(|(name, value)| ((*name).into(), (*value).into()));
            let answer = Answer {
                url: "http://h/".into(),
                status: 429,
                mime_type: String::new(),
                headers: headers.collect(),
            };
            Navigation::of(answer, Shows::Document).retry_after()
        };
        let date = ("Date", "Sun, 06 Nov 1994 08:49:37 GMT");
        let until = ("Retry-After", "Sun, 06 Nov 1994 08:50:07 GMT");
        assert_eq!(wait(&[("Retry-After", "7")]), Some(Duration::from_secs(7)));
        assert_eq!(wait(&[date, until]), Some(Duration::from_secs(30)));
        assert_eq!(wait(&[("retry-after", "soon")]), None);
        assert_eq!(wait(&[("Retry-After", "-1")]), None);
        assert_eq!(wait(&[until]), None, "it is over");
        assert_eq!(wait(&[]), None);
    }
}
