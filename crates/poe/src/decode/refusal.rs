//! The site's refusals and failures, as errors of ours.

use std::borrow::Cow;
use std::time::Duration;

use lenore_provider::{Error, ErrorKind};

use super::facts::WireFacts;
use super::tap_message::Reply;
use crate::error::{CHALLENGE, SIGNED_OUT};

/// The error of a reply that does not say that the question is taken; `None` where it does. It is
/// taken as well where the site names a message for it, whatever the word for that is.
pub(super) fn of_reply(reply: &Reply, facts: &WireFacts) -> Option<Error> {
    let known = reply.status.as_deref().and_then(|status| facts.refusal(status));
    let error = match (&reply.status, reply.http) {
        (Some(status), _) if facts.is_success(status) => return None,
        _ if known.is_none() && reply.question.is_some() && reply.http < 400 => return None,
        (Some(status), _) => known.unwrap_or_else(|| {
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

/// The error of files that the site did not take.
pub(crate) fn of_upload(
    facts: &WireFacts,
    http: u16,
    status: Option<&str>,
    words: Option<&str>,
) -> Error {
    let (kind, message) = match status {
        Some(status) => facts.refusal(status).unwrap_or_else(|| {
            (ErrorKind::Attachment, format!("the site refused a file with {status:?}").into())
        }),
        None if http == 401 => (ErrorKind::NotSignedIn, SIGNED_OUT.into()),
        None => (ErrorKind::Attachment, format!("a file was not taken (HTTP {http})").into()),
    };
    Error::new(kind, with_words(message, words))
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

/// The error of an answer that ended in any state but a complete one; `None` where the state is not
/// known for one.
pub(super) fn of_state(facts: &WireFacts, state: &str, reason: Option<&str>) -> Option<Error> {
    let failure = facts.states.failure(state)?;
    let message = match failure.name.ends_with('*') {
        true => format!("{} ({state})", failure.advice).into(),
        false => failure.advice.clone().into(),
    };
    Some(Error::new(failure.kind, with_words(message, reason)))
}

/// The error of an answer that was stopped on the site.
pub(super) fn stopped() -> Error {
    Error::new(ErrorKind::Cancelled, "the answer was stopped on the site")
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
