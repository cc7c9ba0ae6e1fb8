//! What a client is told when a request fails, in the shape that its kind of client reads.

use std::borrow::Cow;
use std::time::Duration;

use axum::http::header::{HeaderMap, HeaderValue, RETRY_AFTER};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use hyper::ext::ReasonPhrase;
use lenore_provider::{Error, ErrorKind};
use serde_json::{Value, json};

use crate::limits::Limit;

/// The provider's own name of what went wrong.
const X_LENORE_ERROR: HeaderName = HeaderName::from_static("x-lenore-error");

/// What the official clients obey before they ask again by themselves.
const X_SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// When one who asked too fast may ask again, where the site does not say. Clients would take half
/// a second.
const SOON: Duration = Duration::from_secs(10);

/// Whose wire a request speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    OpenAi,
    Anthropic,
}

impl Wire {
    /// The wire of a path. `is_named`: whether the client says that it is one of Anthropic's.
    pub(crate) fn of(path: &str, is_named: bool) -> Self {
        let is_anthropic = is_named || path.starts_with("/v1/messages");
        if is_anthropic { Self::Anthropic } else { Self::OpenAi }
    }
}

/// A request that failed.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) status: StatusCode,
    /// For programs.
    pub(crate) code: &'static str,
    /// For people. It never holds a prompt or a key.
    pub(crate) message: Cow<'static, str>,
    /// The part of the request that is at fault.
    param: Option<String>,
    /// The provider's name of what went wrong, where it was the provider.
    kind: Option<ErrorKind>,
    retry_after: Option<Duration>,
    /// What was received of the answer before it broke off.
    partial: Option<String>,
    /// Whether the bot may have been asked: the same request could ask it twice.
    was_asked: bool,
    /// The bound that was met.
    limit: Option<Limit>,
}

impl Failure {
    pub(crate) fn new(
        status: StatusCode,
        code: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        let message = message.into();
        Self {
            status,
            code,
            message,
            param: None,
            kind: None,
            retry_after: None,
            partial: None,
            was_asked: false,
            limit: None,
        }
    }

    /// The request is not one that can be answered.
    pub(crate) fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_value", message)
    }

    /// Names the part of the request that is at fault.
    pub(crate) fn of_param(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }

    /// The same, where no smaller part is named already.
    pub(crate) fn or_param(self, param: impl Into<String>) -> Self {
        if self.param.is_some() { self } else { self.of_param(param) }
    }

    /// Names the part of the request that is at fault, in the message too.
    pub(crate) fn at(mut self, path: impl Into<String>) -> Self {
        let path = path.into();
        self.message = format!("{path}: {}", self.message).into();
        self.of_param(path)
    }

    pub(crate) fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Names the bound that was met.
    pub(crate) fn of_limit(mut self, limit: Limit) -> Self {
        self.limit = Some(limit);
        self
    }

    /// The bound that was met.
    pub(crate) fn limit(&self) -> Option<Limit> {
        self.limit
    }

    /// Notes whether the bot may have been asked. Who may have been asked once stays so.
    pub(crate) fn asked(mut self, was_asked: bool) -> Self {
        self.was_asked |= was_asked;
        self
    }

    /// Whether the bot may have been asked: asking again could ask it twice.
    pub(crate) fn was_asked(&self) -> bool {
        self.was_asked
    }

    /// Whether the provider refused before it asked anybody.
    pub(crate) fn is_refusal(&self) -> bool {
        !self.was_asked
            && matches!(self.kind, Some(ErrorKind::RateLimited | ErrorKind::InvalidRequest))
    }

    /// What was received of the answer before it broke off.
    pub(crate) fn partial(&self) -> Option<&str> {
        self.partial.as_deref()
    }

    /// Takes what was received of the answer.
    pub(crate) fn take_partial(&mut self) -> Option<String> {
        self.partial.take()
    }

    /// Adds what was received of the answer, unless that is known already.
    pub(crate) fn or_partial(mut self, text: String) -> Self {
        if self.partial.is_none() && !text.is_empty() {
            self.partial = Some(text);
        }
        self
    }

    /// The error's body for a client of this kind.
    pub(crate) fn body(&self, wire: Wire, request_id: &str) -> Value {
        let message = &self.message;
        match wire {
            Wire::Anthropic => {
                let mut error = json!({ "type": self.anthropic_type(), "message": message });
                self.add_partial(&mut error);
                json!({ "type": "error", "error": error, "request_id": request_id })
            }
            Wire::OpenAi => {
                let mut error = json!({
                    "message": message,
                    "type": self.openai_type(),
                    "param": self.param,
                    "code": self.code,
                });
                self.add_partial(&mut error);
                json!({ "error": error })
            }
        }
    }

    fn add_partial(&self, error: &mut Value) {
        if let Some(partial) = &self.partial {
            error["partial"] = json!(partial);
        }
    }

    fn openai_type(&self) -> &'static str {
        match self.status.as_u16() {
            // What the service itself says of a key that is wrong, or may not ask a model.
            401 | 403 if self.kind.is_none() => "invalid_request_error",
            401 => "authentication_error",
            403 => "permission_error",
            429 if self.kind == Some(ErrorKind::Quota) => "insufficient_quota",
            429 => "rate_limit_error",
            400..=499 => "invalid_request_error",
            _ => "server_error",
        }
    }

    fn anthropic_type(&self) -> &'static str {
        match self.status.as_u16() {
            401 => "authentication_error",
            403 => "permission_error",
            404 => "not_found_error",
            413 => "request_too_large",
            429 => "rate_limit_error",
            400..=499 => "invalid_request_error",
            504 => "timeout_error",
            _ => "api_error",
        }
    }

    /// Whether the same request may be sent again without asking the bot twice.
    fn may_be_repeated(&self) -> bool {
        match self.kind {
            _ if self.was_asked => false,
            Some(kind) => kind == ErrorKind::RateLimited,
            None => matches!(self.status.as_u16(), 408 | 429),
        }
    }
}

impl Failure {
    /// The headers that tell of it.
    pub(crate) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Some(kind) = self.kind {
            headers.insert(X_LENORE_ERROR, HeaderValue::from_static(kind.as_str()));
        }
        // Clients take a time to wait for leave to ask again.
        if let Some(wait) = self.retry_after.filter(|_| self.may_be_repeated()) {
            // Whole seconds, rounded up.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            headers.insert(RETRY_AFTER, seconds.into());
        }
        let may_be_repeated = if self.may_be_repeated() { "true" } else { "false" };
        headers.insert(X_SHOULD_RETRY, HeaderValue::from_static(may_be_repeated));
        headers
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let kind = error.kind();
        let status = StatusCode::from_u16(kind.http_status());
        let usual = (kind == ErrorKind::RateLimited).then_some(SOON);
        let code = match kind {
            ErrorKind::UnsupportedModel => "model_not_found",
            ErrorKind::Quota => "insufficient_quota",
            ErrorKind::RateLimited => "rate_limit_exceeded",
            ErrorKind::TooLong => "context_length_exceeded",
            other => other.as_str(),
        };
        Self {
            kind: Some(kind),
            retry_after: error.retry_after().or(usual),
            was_asked: error.is_in_doubt(),
            partial: error.partial().filter(|text| !text.is_empty()).map(str::to_owned),
            param: (kind == ErrorKind::UnsupportedModel).then(|| "model".to_owned()),
            ..Self::new(status.unwrap_or(StatusCode::BAD_GATEWAY), code, error.to_string())
        }
    }
}

impl IntoResponse for Failure {
    /// The status and the headers. The body follows at the door, which knows whose wire it is.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.headers_mut().extend(self.headers());
        if self.status.canonical_reason().is_none() {
            // 499 has no name of its own.
            let reason = ReasonPhrase::from_static(b"Client Closed Request");
            response.extensions_mut().insert(reason);
        }
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_told_in_both_shapes() {
        let error = Error::new(ErrorKind::AnswerLost, "lost").with_partial("half");
        let failure = Failure::from(error);
        let body = failure.body(Wire::OpenAi, "r");
        assert_eq!(body["error"]["type"], "server_error");
        assert_eq!(body["error"]["code"], "answer_lost");
        assert_eq!(body["error"]["partial"], "half");
        let body = failure.body(Wire::Anthropic, "r");
        assert_eq!(body["error"]["type"], "api_error");
        assert_eq!(body["error"]["partial"], "half");
        assert_eq!(body["request_id"], "r");
    }

    #[test]
    fn who_asked_already_is_told_not_to_ask_again() {
        let header = |kind| {
            let response = Failure::from(Error::new(kind, "no")).into_response();
            response.headers()[X_SHOULD_RETRY].clone()
        };
        assert_eq!(header(ErrorKind::AnswerLost), "false");
        assert_eq!(header(ErrorKind::RateLimited), "true");
        let late = Failure::from(Error::new(ErrorKind::RateLimited, "no")).asked(true);
        assert_eq!(late.asked(false).into_response().headers()[X_SHOULD_RETRY], "false");
    }

    #[test]
    fn who_may_have_asked_is_given_no_time_to_ask_again() {
        let wait = Duration::from_secs(3);
        let late = Error::new(ErrorKind::RateLimited, "no").with_retry_after(wait);
        let doubtful = Error::new(ErrorKind::RateLimited, "no").with_retry_after(wait).with_doubt();
        let failed = Error::new(ErrorKind::Bot, "the site failed").with_retry_after(wait);
        for failure in
            [Failure::from(late).asked(true), Failure::from(doubtful), Failure::from(failed)]
        {
            let response = failure.into_response();
            assert_eq!(response.headers()[X_SHOULD_RETRY], "false");
            assert_eq!(response.headers().get(RETRY_AFTER), None);
        }
    }

    #[test]
    fn a_wait_is_told_in_whole_seconds() {
        let error =
            Error::new(ErrorKind::RateLimited, "no").with_retry_after(Duration::from_millis(1200));
        assert_eq!(Failure::from(error).into_response().headers()[RETRY_AFTER], "2");
        let header = |kind| {
            let response = Failure::from(Error::new(kind, "no")).into_response();
            response.headers().get(RETRY_AFTER).cloned()
        };
        assert_eq!(header(ErrorKind::RateLimited), Some(HeaderValue::from_static("10")));
        assert_eq!(header(ErrorKind::Quota), None, "nobody knows when there are points again");
    }
}
