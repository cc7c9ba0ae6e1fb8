//! Everything that can go wrong, in one table: kind, exit code, HTTP status.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The result of anything a provider does.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a request failed: a [kind](ErrorKind), and a message for a person that says what to do.
///
/// Messages never hold a prompt, a cookie, a password or a key.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: Cow<'static, str>,
    source: Option<Box<dyn StdError + Send + Sync>>,
    partial: Option<String>,
    retry_after: Option<Duration>,
    is_in_doubt: bool,
}

/// What went wrong, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// Empty messages, bad options.
    InvalidRequest,
    /// The name is not in the table, or the site does not know the bot.
    UnsupportedModel,
    /// There is no session, or it has expired.
    NotSignedIn,
    /// A human check stands in the way.
    Challenge,
    /// The account's allowance is used up.
    Quota,
    /// Too many requests in a short time; see [`Error::retry_after`].
    RateLimited,
    /// The account may not use this bot.
    NoAccess,
    /// The prompt is longer than the bot takes.
    TooLong,
    /// A file is missing, too large or of a refused type.
    Attachment,
    /// The bot or the site failed in its own words.
    Bot,
    /// The page is there, but one of its elements is not.
    SiteChanged,
    /// The end of the answer could not be confirmed; see [`Error::partial`].
    AnswerLost,
    /// A deadline passed.
    Timeout,
    /// DNS, TLS, a connection or a proxy failed.
    Network,
    /// The browser was not found, would not start, or crashed.
    Browser,
    /// Another process owns the profile.
    ProfileInUse,
    /// The caller, or the user on the site, stopped the answer.
    Cancelled,
}

impl ErrorKind {
    /// The row of the table: name in machine-readable output, exit code, HTTP status.
    const fn row(self) -> (&'static str, u8, u16) {
        match self {
            Self::InvalidRequest => ("invalid_request", 2, 400),
            Self::UnsupportedModel => ("unsupported_model", 3, 404),
            Self::NotSignedIn => ("not_signed_in", 4, 401),
            Self::Challenge => ("challenge", 4, 403),
            Self::Quota => ("quota", 5, 429),
            Self::RateLimited => ("rate_limited", 5, 429),
            Self::NoAccess => ("no_access", 5, 403),
            Self::TooLong => ("too_long", 6, 400),
            Self::Attachment => ("attachment", 6, 400),
            Self::Bot => ("bot", 7, 502),
            Self::SiteChanged => ("site_changed", 8, 502),
            Self::AnswerLost => ("answer_lost", 9, 502),
            Self::Timeout => ("timeout", 9, 504),
            Self::Network => ("network", 10, 502),
            Self::Browser => ("browser", 11, 503),
            Self::ProfileInUse => ("profile_in_use", 11, 503),
            Self::Cancelled => ("cancelled", 130, 499),
        }
    }

    /// The kind's name in machine-readable output, in snake case.
    pub const fn as_str(self) -> &'static str {
        self.row().0
    }

    /// The exit code of a program that ends with this error.
    pub const fn exit_code(self) -> u8 {
        self.row().1
    }

    /// The HTTP status of a server that answers with this error.
    pub const fn http_status(self) -> u16 {
        self.row().2
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Error {
    /// An error for a person to read: say what happened and what to do next.
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            source: None,
            partial: None,
            retry_after: None,
            is_in_doubt: false,
        }))
    }

    /// Adds the error that caused this one.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Adds the part of the answer that was received before the failure.
    #[must_use]
    pub fn with_partial(mut self, text: impl Into<String>) -> Self {
        self.0.partial = Some(text.into());
        self
    }

    /// Adds how long to wait before asking again.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// Adds that the question may have been taken all the same.
    #[must_use]
    pub fn with_doubt(mut self) -> Self {
        self.0.is_in_doubt = true;
        self
    }

    /// Adds the received part unless the error already carries one.
    pub(crate) fn or_partial(self, text: String) -> Self {
        if self.0.partial.is_some() || text.is_empty() { self } else { self.with_partial(text) }
    }

    /// What went wrong, for programs.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The part of the answer that was received before the failure, where there is one.
    pub fn partial(&self) -> Option<&str> {
        self.0.partial.as_deref()
    }

    /// How long the site asks to wait before the next request, where it said so.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Whether the question may have been taken, though this kind of error mostly says that it was
    /// not. Asking again may then ask twice, however long one waits.
    pub fn is_in_doubt(&self) -> bool {
        self.0.is_in_doubt
    }
}

/// An error's JSON: `{"type": "error", "kind": …, "message": …}`, with `retry_after` in seconds and
/// `partial` where they are known, and `in_doubt` where it is so. The source is for logs, and is left
/// out.
#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename = "error")]
struct Wire<'a> {
    kind: ErrorKind,
    message: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_after: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    partial: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    in_doubt: bool,
}

impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Wire {
            kind: self.0.kind,
            message: self.0.message.as_ref().into(),
            retry_after: self.0.retry_after.map(|wait| wait.as_secs_f64()),
            partial: self.0.partial.as_deref().map(Cow::from),
            in_doubt: self.0.is_in_doubt,
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Error {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let wire = Wire::deserialize(from)?;
        Ok(Self(Box::new(Inner {
            kind: wire.kind,
            message: wire.message.into_owned().into(),
            source: None,
            partial: wire.partial.map(Cow::into_owned),
            retry_after: wire.retry_after.and_then(|wait| Duration::try_from_secs_f64(wait).ok()),
            is_in_doubt: wire.in_doubt,
        })))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    /// The partial answer is left out: errors are logged, answers are not.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("message", &self.0.message)
            .field("source", &self.0.source)
            .field("retry_after", &self.0.retry_after)
            .field("is_in_doubt", &self.0.is_in_doubt)
            .finish_non_exhaustive()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_line_never_holds_the_answer() {
        let error = Error::new(ErrorKind::AnswerLost, "lost").with_partial("my secret diary");
        assert!(!format!("{error:?} {error}").contains("diary"));
        assert_eq!(error.partial(), Some("my secret diary"));
    }

    #[test]
    fn an_error_reads_back_from_its_json() {
        let error = Error::new(ErrorKind::RateLimited, "slower")
            .with_partial("half")
            .with_retry_after(Duration::from_millis(1500));
        let json = serde_json::to_string(&error).expect("plain data");
        let expected = r#"{"type":"error","kind":"rate_limited","message":"slower","#;
        assert!(json.starts_with(expected), "{json}");
        let read: Error = serde_json::from_str(&json).expect("its own JSON");
        assert_eq!((read.kind(), read.partial()), (ErrorKind::RateLimited, Some("half")));
        assert_eq!(read.retry_after(), Some(Duration::from_millis(1500)));
        assert!(!read.is_in_doubt() && !json.contains("doubt"), "{json}");
        let json = serde_json::to_string(&error.with_doubt()).expect("plain data");
        let read: Error = serde_json::from_str(&json).expect("its own JSON");
        assert!(read.is_in_doubt(), "{json}");
        assert!(serde_json::from_str::<Error>(r#"{"type":"delta","text":"x"}"#).is_err());
    }

    #[test]
    fn the_cause_is_kept() {
        let cause = std::io::Error::other("no route to host");
        let error = Error::new(ErrorKind::Network, "the site cannot be reached").with_source(cause);
        assert!(error.source().is_some_and(|source| source.to_string().contains("no route")));
    }
}
