//! The fields of a request's JSON body: taken one by one, so that what is left is what was not
//! understood.

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::Gateway;
use crate::body::{self, Bounds, Share};
use crate::failure::Failure;
use crate::keys::Caller;
use crate::known::Known;

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
    /// What it takes of the budget of all bodies.
    share: Option<Share>,
}

impl Fields {
    /// Reads a body.
    ///
    /// # Errors
    /// 415 where it is not said to be JSON, 413 where it is too large, 408 where it does not come,
    /// 400 where it is not an object.
    pub(crate) async fn read(
        gateway: &Gateway,
        caller: &Caller,
        headers: &HeaderMap,
        body: Body,
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
                "the body is compressed in a way that is not known here; there are gzip, deflate, br \
                 and zstd, one of them at a time",
            ));
        }
        let options = &gateway.0.options;
        let bounds = Bounds { size: options.largest_body, time: options.patience.body };
        let mut share = gateway.0.budget.share(caller.name());
        let bytes = body::read(headers, body, bounds, &mut share).await?;
        match body::parse(bytes, &mut share).await? {
            Ok(Value::Object(left)) => Ok(Self { left, ignored: Vec::new(), share: Some(share) }),
            Ok(_) => Err(Failure::invalid("the body must be a JSON object")),
            Err((bytes, error)) => Err(unreadable(&bytes, &error)),
        }
    }

    /// What it takes of the budget of all bodies, for as long as what was taken of it is there.
    pub(crate) fn take_share(&mut self) -> Option<Share> {
        self.share.take()
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
