//! The messages that come from a browser, as far as they are read.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::navigation::Answer;
use crate::{Error, ErrorKind, Result, SessionCookie};

/// Any message: an answer (with `id`) or an event (with `method`).
#[derive(Deserialize)]
pub(super) struct Incoming<'a> {
    pub(super) id: Option<u64>,
    #[serde(borrow)]
    pub(super) method: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) params: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) result: Option<&'a RawValue>,
    /// The refusal's code.
    #[serde(borrow)]
    pub(super) error: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) message: Option<Cow<'a, str>>,
}

/// An event that somebody must attend to.
#[derive(Debug)]
pub(crate) enum Event {
    PromptOpened(PromptOpened),
    /// A page of ours opened a window, which is to be closed.
    WindowOpened(String),
    AuthRequired(AuthRequired),
    Challenged(Challenged),
}

/// `script.message`, of a tap.
#[derive(Deserialize)]
pub(super) struct Message<'a> {
    #[serde(borrow)]
    pub(super) channel: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) data: Text<'a>,
    #[serde(borrow)]
    pub(super) source: Source<'a>,
}

#[derive(Deserialize)]
pub(super) struct Text<'a> {
    #[serde(borrow)]
    pub(super) value: Cow<'a, str>,
}

#[derive(Deserialize)]
pub(super) struct Source<'a> {
    #[serde(borrow)]
    pub(super) context: Cow<'a, str>,
}

/// `script.realmCreated`, and each entry of `script.getRealms`.
#[derive(Debug, Deserialize)]
pub(crate) struct Realm {
    pub(crate) realm: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) context: Option<String>,
    pub(crate) sandbox: Option<String>,
}

impl Realm {
    /// Whether the page's own scripts run in it.
    pub(crate) fn is_the_documents(&self) -> bool {
        self.kind == "window" && self.sandbox.as_deref().is_none_or(str::is_empty)
    }
}

/// `script.realmDestroyed`.
#[derive(Deserialize)]
pub(super) struct RealmDestroyed {
    pub(super) realm: String,
}

/// `browsingContext.contextCreated`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ContextOpened {
    pub(super) context: String,
    /// The tab that opened it, where it is a window.
    pub(super) original_opener: Option<String>,
}

/// `browsingContext.contextDestroyed`.
#[derive(Deserialize)]
pub(super) struct ContextDestroyed {
    pub(super) context: String,
}

/// `goog:cdp.Inspector.targetCrashed`, and the answer of `goog:cdp.getSession`.
#[derive(Deserialize)]
pub(crate) struct TargetCrashed {
    pub(crate) session: String,
}

/// `goog:cdp.Runtime.bindingCalled`: a tap tells something.
#[derive(Deserialize)]
pub(super) struct Told<'a> {
    #[serde(borrow)]
    pub(super) session: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) params: Payload<'a>,
}

#[derive(Deserialize)]
pub(super) struct Payload<'a> {
    #[serde(borrow)]
    pub(super) payload: Cow<'a, str>,
}

/// The answer of `session.subscribe`.
#[derive(Deserialize)]
pub(crate) struct Subscribed {
    /// Its number; older browsers give none.
    pub(crate) subscription: Option<String>,
}

/// `network.responseStarted`.
#[derive(Deserialize)]
pub(super) struct ResponseStarted {
    pub(super) context: Option<String>,
    /// Of a request for a document.
    pub(super) navigation: Option<String>,
    pub(super) response: Answered,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answered {
    pub(super) url: String,
    pub(super) status: u16,
    #[serde(default)]
    pub(super) mime_type: String,
    pub(super) headers: Vec<Header>,
}

#[derive(Deserialize)]
pub(super) struct Header {
    pub(super) name: String,
    pub(super) value: Bytes,
}

impl From<Answered> for Answer {
    fn from(answered: Answered) -> Self {
        let Answered { url, status, mime_type, headers } = answered;
        let headers = headers.into_iter().filter_map(|Header { name, value }| match value {
            Bytes::String(value) => Some((name, value)),
            Bytes::Base64(_) => None,
        });
        Self { url, status, mime_type, headers: headers.collect() }
    }
}

/// `browsingContext.userPromptOpened`.
#[derive(Debug, Deserialize)]
pub(crate) struct PromptOpened {
    pub(crate) context: String,
    /// `alert`, `confirm`, `prompt` or `beforeunload`.
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    /// What the session does about it by itself.
    pub(crate) handler: Option<String>,
}

/// `network.authRequired`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuthRequired {
    #[serde(default)]
    pub(crate) is_blocked: bool,
    pub(crate) request: Request,
    pub(crate) response: Response,
}

/// `goog:cdp.Fetch.authRequired`.
#[derive(Debug, Deserialize)]
pub(crate) struct Challenged {
    /// The tab's.
    pub(crate) session: String,
    pub(crate) params: Challenge,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Challenge {
    pub(crate) request_id: String,
    pub(crate) auth_challenge: Challenger,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Challenger {
    pub(crate) source: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Request {
    pub(crate) request: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Response {
    pub(crate) status: i64,
}

/// The answer of a command that answers nothing of interest.
#[derive(Debug, Deserialize)]
pub(crate) struct Nothing {}

#[derive(Debug, Deserialize)]
pub(crate) struct ContextCreated {
    pub(crate) context: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ScriptAdded {
    pub(crate) script: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Realms {
    pub(crate) realms: Vec<Realm>,
}

/// The answer of `script.evaluate`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Evaluated {
    pub(crate) result: Option<RemoteValue>,
    pub(crate) exception_details: Option<ExceptionDetails>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RemoteValue {
    /// A string's text; other kinds are not read.
    #[serde(default)]
    pub(crate) value: Value,
    /// A node's, by which commands name it.
    pub(crate) shared_id: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct ExceptionDetails {
    pub(crate) text: String,
}

/// The answer of `browsingContext.captureScreenshot`.
#[derive(Deserialize)]
pub(crate) struct Picture {
    pub(crate) data: String,
}

/// The answer of `storage.getCookies`.
#[derive(Deserialize)]
pub(crate) struct Cookies {
    pub(crate) cookies: Vec<CookieFound>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CookieFound {
    pub(crate) name: String,
    pub(crate) value: Bytes,
    pub(crate) domain: String,
    pub(crate) path: String,
    pub(crate) http_only: bool,
    pub(crate) secure: bool,
    pub(crate) same_site: Option<String>,
    /// In seconds since 1970.
    pub(crate) expiry: Option<f64>,
}

impl CookieFound {
    /// The cookie as it goes to another browser.
    pub(crate) fn with_value(self) -> Result<SessionCookie> {
        let value = match self.value {
            Bytes::String(value) => value,
            Bytes::Base64(_) => {
                let message = format!("the value of the cookie {} is not Unicode", self.name);
                return Err(Error::new(ErrorKind::Protocol, message));
            }
        };
        Ok(SessionCookie {
            name: self.name,
            value,
            domain: self.domain,
            path: self.path,
            secure: self.secure,
            http_only: self.http_only,
            // What has no rule is called `default`, or `none`, which as a rule goes over TLS alone.
            same_site: self
                .same_site
                .filter(|rule| rule != "default" && (self.secure || rule != "none")),
            expires: self.expiry.map(|expiry| expiry as u64),
        })
    }
}

/// Text, or bytes that are none.
#[derive(Deserialize)]
#[serde(tag = "type", content = "value", rename_all = "lowercase")]
pub(crate) enum Bytes {
    String(String),
    Base64(IgnoredAny),
}

macro_rules! without_content {
    ($($name:ident),*) => {$(
        /// What a page or a user said stays out of every log.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    )*};
}

without_content!(Evaluated, Picture, Cookies);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_cookie_without_a_rule_gets_none() {
        for (told, secure, rule) in [
            ("none", true, Some("none")),
            ("none", false, None),
            ("default", true, None),
            ("lax", false, Some("lax")),
        ] {
            let found = json!({
                "name": "n", "value": { "type": "string", "value": "v" }, "domain": "d",
                "path": "/", "httpOnly": true, "secure": secure, "sameSite": told,
            });
            let found: CookieFound = serde_json::from_value(found).expect("a cookie");
            let cookie = found.with_value().expect("text");
            assert_eq!(cookie.same_site.as_deref(), rule, "{told}");
        }
    }
}
