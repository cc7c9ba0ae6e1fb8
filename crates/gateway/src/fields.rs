//! The fields of a request's JSON body: taken one by one, so that what is left is what was not
//! understood.

use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::failure::Failure;
use crate::gateway::Options;
use crate::known::Known;
use crate::limits::Limit;

/// Fields that change nothing about an answer, which may be given without being reported.
const HARMLESS: &[&str] = &[
    "client_metadata",
    "metadata",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
    "service_tier",
    "store",
    "user",
];

/// As many names of what is not honoured are told.
const MOST_IGNORED: usize = 256;

/// A request's body: an object.
#[derive(Debug)]
pub(crate) struct Fields {
    left: Map<String, Value>,
    /// Parts of fields that were taken, which are not honoured.
    ignored: Vec<String>,
}

impl Fields {
    /// Reads a body.
    ///
    /// # Errors
    /// 415 where it is not said to be JSON, 413 where it is too large, 408 where it does not come,
    /// 400 where it is not an object.
    pub(crate) async fn read(
        headers: &HeaderMap,
        body: Body,
        options: &Options,
    ) -> Result<Self, Failure> {
        if !is_json(headers) {
            return Err(Failure::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "the body must be JSON, with the header Content-Type: application/json",
            ));
        }
        if let Some(encoding) = headers.get(header::CONTENT_ENCODING)
            && !encoding.as_bytes().eq_ignore_ascii_case(b"identity")
        {
            return Err(Failure::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "the body must not be compressed; leave out Content-Encoding",
            ));
        }
        let bytes = read_body(headers, body, options).await?;
        match serde_json::from_slice(&bytes) {
            Ok(Value::Object(left)) => Ok(Self { left, ignored: Vec::new() }),
            Ok(_) => Err(Failure::invalid("the body must be a JSON object")),
            Err(error) => Err(unreadable(&bytes, &error)),
        }
    }

    /// Takes a field that may be missing or null.
    ///
    /// # Errors
    /// 400, with the path of what is of the wrong type.
    pub(crate) fn take<T: DeserializeOwned>(&mut self, name: &str) -> Result<Option<T>, Failure> {
        match self.left.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => parse(value, name).map(Some),
        }
    }

    /// Takes a whole number, which JSON may write as `2.0`.
    ///
    /// # Errors
    /// 400 where it is something else.
    pub(crate) fn take_count(&mut self, name: &str) -> Result<Option<u64>, Failure> {
        if let Some(value) = self.left.get_mut(name)
            && let Some(number) = value.as_f64().filter(|number| number.fract() == 0.0)
            && value.as_u64().is_none()
            && let Ok(whole) = format!("{number:.0}").parse::<u64>()
        {
            *value = whole.into();
        }
        self.take(name)
    }

    /// Takes a field that must be there.
    ///
    /// # Errors
    /// 400 where it is not, or is of the wrong type.
    pub(crate) fn need<T: DeserializeOwned>(&mut self, name: &str) -> Result<T, Failure> {
        self.take(name)?.ok_or_else(|| {
            Failure::new(
                StatusCode::BAD_REQUEST,
                "missing_required_parameter",
                format!("{name} is missing"),
            )
            .of_param(name)
        })
    }

    /// Notes what is not known inside a field.
    pub(crate) fn look_into(&mut self, name: &str, known: &Known) {
        if let Some(value) = self.left.get(name) {
            self.ignored.extend(known.others(value, name));
        }
    }

    /// Notes what is not known inside a part of a field.
    pub(crate) fn look_into_part(&mut self, name: &str, part: &str, known: &Known) {
        if let Some(value) = self.left.get(name).and_then(|value| value.get(part)) {
            self.ignored.extend(known.others(value, &format!("{name}.{part}")));
        }
    }

    /// Notes a part of a field that was taken and cannot be honoured.
    pub(crate) fn ignore(&mut self, name: String) {
        self.ignored.push(name);
    }

    /// Notes what is left of a field of which all was taken that can be honoured.
    pub(crate) fn ignore_rest(&mut self, of: &str, rest: &Map<String, Value>) {
        let given = rest.iter().filter(|(_, value)| !value.is_null());
        self.ignored.extend(given.map(|(name, _)| format!("{of}.{name}")));
    }

    /// The names of what is not honoured: what is left, what was noted, and `more`.
    ///
    /// # Errors
    /// 400 for the first of them, where `strict`.
    pub(crate) fn ignored(self, more: Vec<String>, strict: bool) -> Result<Vec<String>, Failure> {
        let is_given = |(name, value): (String, Value)| {
            (!value.is_null() && !HARMLESS.contains(&name.as_str())).then_some(name)
        };
        let mut ignored = more;
        ignored.extend(self.ignored);
        ignored.extend(self.left.into_iter().filter_map(is_given));
        ignored.truncate(MOST_IGNORED);
        // What is named as a whole is not named by its parts.
        let all = ignored.clone();
        ignored.retain(|name| !all.iter().any(|whole| is_inside(name, whole)));
        match ignored.first() {
            Some(name) if strict => Err(Failure::new(
                StatusCode::BAD_REQUEST,
                "unsupported_parameter",
                format!("{name} cannot be honoured here, and the server is strict; leave it out"),
            )
            .of_param(name)),
            _ => Ok(ignored),
        }
    }
}

/// Whether one path leads into another.
fn is_inside(path: &str, whole: &str) -> bool {
    path.strip_prefix(whole).is_some_and(|rest| rest.starts_with(['.', '[']))
}

/// A value of this name, read.
///
/// # Errors
/// 400, with the path of what is of the wrong type.
pub(crate) fn parse<T: DeserializeOwned>(value: Value, name: &str) -> Result<T, Failure> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = match error.path().to_string() {
            path if path == "." => name.to_owned(),
            path if path.starts_with('[') => format!("{name}{path}"),
            path => format!("{name}.{path}"),
        };
        Failure::invalid(error.into_inner().to_string()).at(path)
    })
}

/// What is wrong with a body that cannot be read, and where. The text around it is the user's, and
/// is not told.
fn unreadable(body: &[u8], error: &serde_json::Error) -> Failure {
    let (line, column) = (error.line(), error.column());
    let Some(half) = half_character(body, error) else {
        let message = format!("the body is not valid JSON, at line {line} column {column}");
        return Failure::invalid(message);
    };
    Failure::invalid(format!(
        "a text in the body holds half a character, {half}, at line {line} column {column}; cut \
         texts between characters"
    ))
}

/// The escape of one half of a character whose other half is missing, where that is the error.
fn half_character(body: &[u8], error: &serde_json::Error) -> Option<String> {
    let words = error.to_string();
    if !words.contains("surrogate") && !words.contains("end of hex escape") {
        return None;
    }
    let start = body.split_inclusive(|byte| *byte == b'\n').take(error.line() - 1);
    let end = start.map(<[u8]>::len).sum::<usize>() + error.column();
    let read = body.get(..end.min(body.len()))?;
    let is_half = |escape: &&[u8]| matches!(escape, [b'\\', b'u', b'd' | b'D', half, ..] if b"89abcdefABCDEF".contains(half));
    let half = read.windows(6).rfind(is_half)?;
    String::from_utf8(half.to_ascii_lowercase()).ok()
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

async fn read_body(headers: &HeaderMap, body: Body, options: &Options) -> Result<Bytes, Failure> {
    let (most, wait) = (options.largest_body, options.patience.body);
    let too_large = || {
        Limit::BodyBytes.failure(
            StatusCode::PAYLOAD_TOO_LARGE,
            "request_too_large",
            &format!("the body is larger than the {most} bytes that this server takes"),
        )
    };
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    if length.and_then(|length| length.parse().ok()).is_some_and(|length: usize| length > most) {
        return Err(too_large());
    }
    match tokio::time::timeout(wait, to_bytes(body, most)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) => {
            let source = std::error::Error::source(&error);
            // Either the limit, or a connection that broke, which nobody will read about.
            Err(if source.is_some_and(|source| source.to_string().contains("length limit")) {
                too_large()
            } else {
                Failure::invalid("the body broke off")
            })
        }
        Err(_) => Err(Limit::BodyTime
            .failure(
                StatusCode::REQUEST_TIMEOUT,
                "request_timeout",
                &format!("the body did not come within {wait:?}"),
            )
            .with_retry_after(Duration::from_secs(1))),
    }
}
