//! The site's refusals and failures, as errors of ours.

use std::borrow::Cow;
use std::time::Duration;

use lenore_provider::{Error, ErrorKind};

use super::tap_message::Reply;
use crate::error::{CHALLENGE, SIGNED_OUT};

/// A value of `status` in the reply to a question: what it means, and what to do.
const STATUSES: &[(&str, ErrorKind, &str)] = &[
    (
        "reached_limit",
        ErrorKind::Quota,
        "the account's allowance for this bot is used up; wait for its renewal, or ask another bot",
    ),
    (
        "rate_limit_exceeded",
        ErrorKind::RateLimited,
        "the site asks to slow down; wait a little and ask again",
    ),
    (
        "concurrent_messages",
        ErrorKind::RateLimited,
        "an answer is still running; wait for it or stop it, and ask again",
    ),
    ("too_many_tokens", ErrorKind::TooLong, "the prompt is longer than the bot takes; shorten it"),
    (
        "no_access",
        ErrorKind::NoAccess,
        "the account may not use this bot; it may need a subscription",
    ),
    (
        "unsupported_file_type",
        ErrorKind::Attachment,
        "the bot does not take files of this type; leave the file out or convert it",
    ),
    ("file_too_large", ErrorKind::Attachment, "a file is larger than the site takes"),
];

/// A value of `state` of an answer.
const STATES: &[(&str, ErrorKind, &str)] = &[
    (
        "error_user_message_too_long",
        ErrorKind::TooLong,
        "the prompt is longer than the bot takes; shorten it",
    ),
    ("cancelled", ErrorKind::Cancelled, "the answer was stopped on the site"),
];

/// The error of a reply that does not say `success`; `None` where it does.
pub(super) fn of_reply(reply: &Reply) -> Option<Error> {
    let error = match (&reply.status, reply.http) {
        (Some(status), _) if status == "success" => return None,
        (Some(status), _) => of_table(STATUSES, status).unwrap_or_else(|| {
            (ErrorKind::Bot, format!("the site refused with {status:?}").into())
        }),
        (None, 0) => (
            ErrorKind::AnswerLost,
            "the connection broke while the question was sent, so the site may have it or not; \
             look at the site before asking again"
                .into(),
        ),
        (None, 401) => (ErrorKind::NotSignedIn, SIGNED_OUT.into()),
        (None, 403) if reply.page => (ErrorKind::Challenge, CHALLENGE.into()),
        (None, 403) => (
            ErrorKind::NoAccess,
            "the site forbids this request (HTTP 403), but did not say that it has not taken the \
             question; look at the site before asking again"
                .into(),
        ),
        (None, 429) => (
            ErrorKind::RateLimited,
            "the site asks to slow down (HTTP 429), but did not say that it has not taken the \
             question; wait a little, and look at the site before asking again"
                .into(),
        ),
        (None, 200..300) if !reply.page => (
            ErrorKind::Bot,
            "the site answered with an error, and may have the question or not; look at the site \
             before asking again"
                .into(),
        ),
        (None, status) => (
            ErrorKind::Bot,
            format!(
                "the site failed (HTTP {status}) and may have the question or not; look at the \
                 site before asking again"
            )
            .into(),
        ),
    };
    let error = Error::new(error.0, with_words(error.1, reply.words.as_deref()));
    let error = if is_refusal(reply) { error } else { error.with_doubt() };
    Some(match reply.retry.map(Duration::try_from_secs_f64) {
        Some(Ok(wait)) => error.with_retry_after(wait),
        _ => error,
    })
}

/// The error of files that the site did not take; `None` where it did.
pub(crate) fn of_upload(http: u16, status: Option<&str>, words: Option<&str>) -> Option<Error> {
    let (kind, message) = match status {
        Some("success") => return None,
        Some(status) => of_table(STATUSES, status).unwrap_or_else(|| {
            (ErrorKind::Attachment, format!("the site refused a file with {status:?}").into())
        }),
        None if http == 401 => (ErrorKind::NotSignedIn, SIGNED_OUT.into()),
        None => (ErrorKind::Attachment, format!("a file was not taken (HTTP {http})").into()),
    };
    Some(Error::new(kind, with_words(message, words)))
}

/// Whether a reply that is no success says what became of the question, in the site's own word for
/// it. Behind a broken connection, a server's failure or an HTTP status alone the site may have it
/// all the same.
pub(super) fn is_certain(reply: &Reply) -> bool {
    reply.status.is_some()
}

/// Whether a reply that is not certain means that the request was hardly let in.
pub(super) fn is_denied(reply: &Reply) -> bool {
    !matches!(reply.http, 0 | 500..)
}

/// Whether a reply that is no success proves that nothing was made of the question, so that it may
/// be asked again: the site says why, and names no message.
pub(super) fn is_refusal(reply: &Reply) -> bool {
    reply.status.is_some() && reply.question.is_none()
}

/// Whether a state of an answer is surely its last one.
pub(super) fn is_end(state: &str) -> bool {
    matches!(state, "complete" | "completed" | "cancelled") || state.starts_with("error")
}

/// The error of an answer that ended in any state but a complete one.
pub(super) fn of_state(state: &str, reason: Option<&str>) -> Error {
    let (kind, message) = of_table(STATES, state)
        .unwrap_or_else(|| (ErrorKind::Bot, format!("the bot's answer failed ({state})").into()));
    Error::new(kind, with_words(message, reason))
}

fn of_table(
    table: &[(&str, ErrorKind, &'static str)],
    name: &str,
) -> Option<(ErrorKind, Cow<'static, str>)> {
    let (_, kind, message) = table.iter().find(|(known, ..)| *known == name)?;
    Some((*kind, (*message).into()))
}

/// Adds what the site says, shortened: it is for a person to read.
fn with_words(message: Cow<'static, str>, words: Option<&str>) -> Cow<'static, str> {
    match words.map(str::trim).filter(|words| !words.is_empty()) {
        None => message,
        Some(words) => {
            let end = words.floor_char_boundary(300);
            format!("{message}. The site says: {}", &words[..end]).into()
        }
    }
}
