//! What the service refuses and how it fails, in the words of the table of errors.

use std::time::{Duration, SystemTime};

use lenore_provider::{Error, ErrorKind};
use reqwest::Response;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde::Deserialize;
use serde_json::Value;

/// How much of a refusal is read, in bytes, and for how long.
const READ: usize = 64 << 10;
const PATIENCE: Duration = Duration::from_secs(5);
/// How much of the service's words is said again, in characters.
const WORDS: usize = 300;
/// A longer wait than that is no wait for a request.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// An error in the service's own words.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Refusal {
    #[serde(default)]
    message: Value,
    #[serde(default, rename = "type")]
    type_: Value,
    #[serde(default)]
    code: Value,
}

impl Refusal {
    /// What a body says; any body.
    fn read(body: &[u8]) -> Self {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Body {
            Proper { error: Refusal },
            Brief { error: String },
        }
        match serde_json::from_slice(body) {
            Ok(Body::Proper { error }) => error,
            Ok(Body::Brief { error }) => Self { message: error.into(), ..Self::default() },
            Err(_) => Self::default(),
        }
    }

    /// Whether its kind or its words have one of these in them.
    fn says(&self, any: &[&str]) -> bool {
        let fields = [&self.type_, &self.code, &self.message];
        let text: Vec<_> = fields.iter().filter_map(|field| field.as_str()).collect();
        let text = text.join("\n").to_lowercase();
        any.iter().any(|word| text.contains(word))
    }

    /// The status that stands for one which came without: inside a stream.
    fn status(&self) -> u16 {
        let coded = self.code.as_u64().or_else(|| self.code.as_str()?.parse().ok());
        let coded = coded.and_then(|code| u16::try_from(code).ok());
        let named = [
            ("authentication", 401),
            ("insufficient", 402),
            ("permission", 403),
            ("moderation", 403),
            ("not_found", 404),
            ("timeout", 408),
            ("too_large", 413),
            ("rate_limit", 429),
        ];
        coded.filter(|code| (400..600).contains(code)).unwrap_or_else(|| {
            let type_ = self.type_.as_str().unwrap_or_default();
            named.iter().find(|(name, _)| type_.contains(name)).map_or(500, |(_, status)| *status)
        })
    }

    /// The error that a refusal inside a stream is.
    pub(crate) fn into_error(self, key: &str) -> Error {
        self.with_status(self.status(), key)
    }

    fn with_status(&self, status: u16, key: &str) -> Error {
        let (kind, what) = self.row(status);
        let words: String = self.message.as_str().unwrap_or_default().chars().take(WORDS).collect();
        // Some services say a wrong key again, and some terminals do what such words say.
        let words = words.replace(key, "…").replace(char::is_control, " ");
        match words.trim() {
            words if words.is_empty() || kind == ErrorKind::NotSignedIn => Error::new(kind, what),
            words => Error::new(kind, format!("{what} (it says: {words})")),
        }
    }

    fn row(&self, status: u16) -> (ErrorKind, String) {
        let (kind, what) = match status {
            401 => (
                ErrorKind::NotSignedIn,
                "the API does not take the key; check POE_API_KEY, or make a new key at \
                 https://poe.com/api_key",
            ),
            402 => (ErrorKind::Quota, "the account has not enough points; add some, or wait"),
            403 | 429 if self.says(&["insufficient", "quota"]) => {
                (ErrorKind::Quota, "the account has not enough points; add some, or wait")
            }
            403 => (ErrorKind::NoAccess, "the account may not use this bot; take another one"),
            404 => (
                ErrorKind::UnsupportedModel,
                "the API does not know this bot; write its handle as the site does, and mind that \
                 private bots are only on the site",
            ),
            408 | 504 => (ErrorKind::Timeout, "the bot did not answer in time; ask again"),
            413 => (ErrorKind::TooLong, "the question is too long; send less"),
            400 | 422
                if self.says(&[
                    "context_length",
                    "context length",
                    "too long",
                    "too many tokens",
                ]) =>
            {
                (ErrorKind::TooLong, "the question is too long for this bot; send less")
            }
            415 => (ErrorKind::Attachment, "the bot does not take a file of this type"),
            429 => (ErrorKind::RateLimited, "too many requests; wait and ask again"),
            300..400 => (ErrorKind::Network, "the API is somewhere else now; check its address"),
            400..500 => (ErrorKind::InvalidRequest, "the API does not take the request"),
            _ => (ErrorKind::Bot, "the bot or the API failed; ask again, or take another bot"),
        };
        (kind, format!("{what} [HTTP {status}]"))
    }
}

/// The error that a response is which is no success.
pub(crate) async fn of_response(mut response: Response, key: &str) -> Error {
    let status = response.status().as_u16();
    let wait = retry_after(response.headers());
    let mut body = Vec::new();
    let read = async {
        while let Ok(Some(bytes)) = response.chunk().await {
            body.extend_from_slice(&bytes);
            if body.len() > READ {
                return;
            }
        }
    };
    // What it says is of use, but the status says enough.
    let _ = tokio::time::timeout(PATIENCE, read).await;
    let error = Refusal::read(&body).with_status(status, key);
    match wait {
        Some(wait) => error.with_retry_after(wait),
        None => error,
    }
}

/// How long to wait, as the headers say.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let seconds = |text: &str| Duration::try_from_secs_f64(text.parse().ok()?).ok();
    let until = |text: &str| {
        let until = httpdate::parse_http_date(text).ok()?;
        Some(until.duration_since(SystemTime::now()).unwrap_or_default())
    };
    let told = text(RETRY_AFTER.as_str()).and_then(|text| seconds(text).or_else(|| until(text)));
    told.or_else(|| text("x-ratelimit-reset-requests").and_then(seconds)).filter(|wait| *wait < DAY)
}

/// The error that a failed connection is.
pub(crate) fn of_transport(error: reqwest::Error) -> Error {
    let error = error.without_url();
    if error.is_connect() {
        let what = "the API cannot be reached; check the network, the proxy and the address";
        return Error::new(ErrorKind::Network, what).with_source(error);
    }
    Error::new(ErrorKind::AnswerLost, "the connection to the API broke; ask again")
        .with_source(error)
}

pub(crate) fn silent(wait: Duration) -> Error {
    let what = format!("the API was silent for {wait:?}; ask again, or bear a longer silence");
    Error::new(ErrorKind::Timeout, what)
}

pub(crate) fn late() -> Error {
    Error::new(ErrorKind::Timeout, "the answer was not complete by the request's deadline")
}

/// What came is not what the API sends.
pub(crate) fn not_understood() -> Error {
    Error::new(
        ErrorKind::AnswerLost,
        "what came is not understood; check the API's address, and ask again",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_read_in_each_form() {
        let wait = |name: &'static str, value: &str| {
            let value = value.parse().expect("a value");
            retry_after(&HeaderMap::from_iter([(name.parse().expect("a name"), value)]))
        };
        assert_eq!(wait("retry-after", "7"), Some(Duration::from_secs(7)));
        assert_eq!(wait("x-ratelimit-reset-requests", "1.5"), Some(Duration::from_millis(1_500)));
        let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(60));
        let soon = wait("retry-after", &date).expect("a date");
        assert!((58..=60).contains(&soon.as_secs()), "{soon:?}");
        assert_eq!(wait("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
        for odd in ["-1", "NaN", "inf", "1e30", "1730000000", "soon", ""] {
            assert_eq!(wait("retry-after", odd), None, "{odd}");
        }
    }

    #[test]
    fn a_refusal_inside_a_stream_is_told_by_its_code_or_type() {
        let kind = |body: &str| {
            let refusal: Refusal = serde_json::from_str(body).expect("a refusal");
            refusal.into_error("key").kind()
        };
        assert_eq!(kind(r#"{"message":"slow down","code":429}"#), ErrorKind::RateLimited);
        assert_eq!(kind(r#"{"code":"402"}"#), ErrorKind::Quota);
        assert_eq!(kind(r#"{"type":"rate_limit_error","code":null}"#), ErrorKind::RateLimited);
        assert_eq!(kind(r#"{"type":"insufficient_credits"}"#), ErrorKind::Quota);
        let long = r#"{"code":400,"message":"maximum context length is 10"}"#;
        assert_eq!(kind(long), ErrorKind::TooLong);
        assert_eq!(kind(r#"{"code":7,"type":[],"message":{}}"#), ErrorKind::Bot);
    }

    #[test]
    fn the_services_words_are_kept_but_for_the_key_and_control_characters() {
        let body = r#"{"error":{"message":"bad \u001b[31m pk-1 raven"}}"#;
        let error = Refusal::read(body.as_bytes()).with_status(500, "pk-1");
        assert!(error.to_string().ends_with("(it says: bad  [31m … raven)"), "{error}");
        let brief = Refusal::read(br#"{"error":"full"}"#).with_status(500, "pk-1");
        assert!(brief.to_string().ends_with("(it says: full)"), "{brief}");
        let none = Refusal::read(b"<html>").with_status(500, "pk-1");
        assert!(none.to_string().ends_with("[HTTP 500]"), "{none}");
    }
}
