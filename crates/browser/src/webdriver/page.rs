//! A tab over WebDriver BiDi.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use futures_util::future::{BoxFuture, FutureExt};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::bidi::{
    Connection, ContextCreated, Evaluated, Nothing, Of, Picture, Realms, ScriptAdded, Subscription,
    TargetCrashed,
};
use super::fleet::Place;
use crate::engine::{PageEngine, PageState};
use crate::proxy::Through;
use crate::tap::{Scripts, Tap};
use crate::{Error, ErrorKind, Navigation, Result};

/// What is listened to, of each tab.
const EVENTS: &[&str] = &[
    "browsingContext.contextDestroyed",
    "browsingContext.userPromptOpened",
    "network.authRequired",
    "script.message",
    "script.realmCreated",
    "script.realmDestroyed",
];

/// How long to wait before a document is looked for again.
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

/// A tab, and the place in a session that it takes.
#[derive(Debug)]
pub(super) struct BidiPage {
    pub(super) connection: Arc<Connection>,
    pub(super) context: String,
    /// The numbers of the preload scripts that do not go with the tab.
    scripts: Vec<String>,
    state: watch::Receiver<PageState>,
    pub(super) through: Option<Through>,
    _place: Place,
}

/// What a script of ours comes to, as it tells itself.
#[derive(Deserialize)]
struct Outcome {
    #[serde(default)]
    value: Value,
    thrown: Option<String>,
}

/// A tab that is being set up. Dropping it closes the tab.
struct Unfinished<'a> {
    connection: &'a Connection,
    context: Option<String>,
}

impl BidiPage {
    /// Opens a tab: preload script in place, its events attended to.
    pub(super) async fn open(
        place: Place,
        preload: &str,
        through: Option<Through>,
        wait: Duration,
    ) -> Result<(Self, Tap)> {
        let (connection, answers_proxy) = {
            let session = place.session();
            (session.connection.clone(), session.answers_proxy)
        };
        let create = json!({ "type": "tab" });
        let ContextCreated { context } =
            connection.call(Of::Session, "browsingContext.create", create, wait).await?;
        let mut unfinished = Unfinished { connection: &connection, context: Some(context.clone()) };
        let Subscription { tapped, state } = connection.subscribe(&context);
        let of = Of::Context(&context);
        let subscribe = json!({ "events": EVENTS, "contexts": [context] });
        let intercept = async || {
            let params = json!({ "phases": ["authRequired"], "contexts": [context] });
            connection.call(of, "network.addIntercept", params, wait).await.map(|_: Value| ())
        };
        let scripts = async {
            let params = json!({ "context": context });
            let told = connection.call(of, "goog:cdp.getSession", params, wait).await;
            match told {
                Ok(TargetCrashed { session }) => {
                    connection.learn_name(&context, session.clone());
                    if answers_proxy {
                        intercept().await?;
                    }
                    install_in_chromium(&connection, &context, &session, preload, wait).await
                }
                // Other browsers than Chromium have no such command.
                Err(error) if error.kind() == ErrorKind::Protocol => {
                    // A Firefox would show a dialog where a site asks for a password.
                    intercept().await?;
                    install(&connection, &context, preload, wait).await
                }
                Err(error) => Err(error),
            }
        };
        let (_, scripts): (Value, Vec<String>) =
            tokio::try_join!(connection.call(of, "session.subscribe", subscribe, wait), scripts,)?;
        unfinished.context = None;
        drop(unfinished);
        let page = Self { connection, context, scripts, state, through, _place: place };
        Ok((page, Tap::new(tapped)))
    }

    pub(super) async fn call<T: serde::de::DeserializeOwned>(
        &self,
        method: &'static str,
        mut params: Value,
        wait: Duration,
    ) -> Result<T> {
        params["context"] = json!(self.context);
        self.connection
            .call(Of::Context(&self.context), method, params, wait)
            .await
            .map_err(|error| self.or_crashed(error))
    }

    /// A crash may end the tab before the command reached it.
    pub(super) fn or_crashed(&self, error: Error) -> Error {
        let state = *self.state.borrow();
        let gone = error.kind() == ErrorKind::Closed && state == PageState::Crashed;
        if gone { state.error() } else { error }
    }

    /// The realm of the document, as soon as there is one.
    async fn realm(&self, end: Instant, wait: Duration) -> Result<String> {
        loop {
            if let Some(realm) = self.connection.realm(&self.context) {
                return Ok(realm);
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Error::timeout("a document", wait));
            }
            let params = json!({ "type": "window" });
            match self.call::<Realms>("script.getRealms", params, left).await {
                Ok(Realms { realms }) => {
                    let document = realms.into_iter().find(|realm| {
                        realm.is_the_documents()
                            && realm.context.as_ref().is_none_or(|found| *found == self.context)
                    });
                    if let Some(document) = document {
                        self.connection.learn_realm(&self.context, document.realm);
                        continue;
                    }
                }
                Err(error) if error.kind() == ErrorKind::Navigated && self.is_open() => {}
                Err(error) => return Err(error),
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }

    /// Evaluates an expression in the document that is there: in that one or in none, so that
    /// nothing happens twice where the document changes.
    async fn evaluated(&self, expression: &str, wait: Duration) -> Result<Evaluated> {
        let end = Instant::now() + wait;
        let realm = self.realm(end, wait).await?;
        let params = json!({
            "expression": expression,
            "target": { "realm": realm },
            "awaitPromise": true,
            "resultOwnership": "none",
            "serializationOptions": { "maxDomDepth": 0, "maxObjectDepth": 0 },
            "userActivation": true,
        });
        let of = Of::Document { context: &self.context, realm: &realm };
        let left = end.saturating_duration_since(Instant::now());
        let evaluated = self.connection.call(of, "script.evaluate", params, left).await;
        let evaluated: Evaluated = evaluated.map_err(|error| self.or_crashed(error))?;
        match evaluated.exception_details {
            None => Ok(evaluated),
            Some(details) => Err(script_error(&details.text)),
        }
    }

    /// The value as the page itself writes it, which is exact, whatever the text holds; and what
    /// is thrown as the page itself tells it, since not every driver can.
    pub(super) async fn value(&self, expression: &str, wait: Duration) -> Result<Value> {
        let expression = format!(
            "(async () => {{ try {{ return JSON.stringify({{ value: await ({expression}) }}); }} \
             catch (error) {{ return JSON.stringify({{ thrown: `${{error}}` }}); }} }})()"
        );
        let evaluated = self.evaluated(&expression, wait).await?;
        let text = evaluated.result.and_then(|result| match result.value {
            Value::String(text) => Some(text),
            _ => None,
        });
        let outcome = text.as_deref().map(serde_json::from_str::<Outcome>);
        let not_understood = || Error::new(ErrorKind::Protocol, "a script's value cannot be read");
        match outcome.ok_or_else(not_understood)? {
            Ok(Outcome { thrown: Some(thrown), .. }) => Err(script_error(&thrown)),
            Ok(Outcome { value, .. }) => Ok(value),
            Err(error) => Err(not_understood().with_source(error)),
        }
    }

    /// What takes the tab with it.
    fn forget(&self) {
        for script in &self.scripts {
            self.connection.post("script.removePreloadScript", &json!({ "script": script }));
        }
        self.connection.unsubscribe(&self.context);
    }
}

impl PageEngine for BidiPage {
    fn navigate<'a>(&'a self, url: &'a str, wait: Duration) -> BoxFuture<'a, Result<Navigation>> {
        self.go_to(url, wait).boxed()
    }

    fn evaluate<'a>(&'a self, expression: &'a str, wait: Duration) -> BoxFuture<'a, Result<Value>> {
        self.value(expression, wait).boxed()
    }

    fn set_files<'a>(
        &'a self,
        input: &'a str,
        files: &'a [PathBuf],
        wait: Duration,
    ) -> BoxFuture<'a, Result<()>> {
        async move {
            let end = Instant::now() + wait;
            let names = super::unicode_names(files)?;
            let found = self.evaluated(input, wait).await?.result;
            let input = found
                .and_then(|found| found.shared_id)
                .ok_or_else(|| Error::new(ErrorKind::Script, "the page has no such file input"))?;
            let params = json!({ "element": { "sharedId": input }, "files": names });
            let left = end.saturating_duration_since(Instant::now());
            self.call("input.setFiles", params, left).await.map(|Nothing {}| ())
        }
        .boxed()
    }

    fn screenshot(&self, wait: Duration) -> BoxFuture<'_, Result<Vec<u8>>> {
        async move {
            let Picture { data } =
                self.call("browsingContext.captureScreenshot", json!({}), wait).await?;
            base64::engine::general_purpose::STANDARD.decode(data).map_err(|error| {
                Error::new(ErrorKind::Protocol, "the picture cannot be read").with_source(error)
            })
        }
        .boxed()
    }

    fn leave_windows(&self) {
        self.connection.leave_windows(&self.context);
    }

    fn is_open(&self) -> bool {
        *self.state.borrow() == PageState::Open
    }

    fn close(&self, wait: Duration) -> BoxFuture<'_, Result<()>> {
        async move {
            let state = *self.state.borrow();
            let params = json!({ "context": self.context });
            let closed: Result<Nothing> = match state {
                PageState::Closed => Ok(Nothing {}),
                PageState::Open | PageState::Crashed => {
                    self.connection.call(Of::Session, "browsingContext.close", params, wait).await
                }
            };
            self.forget();
            closed.map(drop)
        }
        .boxed()
    }

    fn abandon(&self) {
        if *self.state.borrow() != PageState::Closed {
            self.connection.post("browsingContext.close", &json!({ "context": self.context }));
        }
        self.forget();
    }
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if let Some(context) = self.context.take() {
            self.connection.post("browsingContext.close", &json!({ "context": context }));
            self.connection.unsubscribe(&context);
        }
    }
}

/// Has the tap's scripts run in each document of a tab; returns their numbers.
async fn install(
    connection: &Connection,
    context: &str,
    preload: &str,
    wait: Duration,
) -> Result<Vec<String>> {
    let scripts = Scripts::new(preload, |_| "channel".to_owned())?;
    let channel = json!({ "type": "channel", "value": { "channel": Connection::CHANNEL } });
    let relay = json!({
        "functionDeclaration": format!("(channel) => {{ {} }}", scripts.relay),
        "arguments": [channel],
        "contexts": [context],
        "sandbox": scripts.name,
    });
    let main = json!({
        "functionDeclaration": format!("() => {{ {} }}", scripts.main),
        "contexts": [context],
    });
    let add = async |script| {
        let of = Of::Context(context);
        connection.call::<ScriptAdded>(of, "script.addPreloadScript", script, wait).await
    };
    Ok(vec![add(relay).await?.script, add(main).await?.script])
}

/// The same in a Chromium, whose driver has no channel out of a sandbox, and leaves one out of the
/// page's own world for the page to find.
async fn install_in_chromium(
    connection: &Connection,
    context: &str,
    session: &str,
    preload: &str,
    wait: Duration,
) -> Result<Vec<String>> {
    let scripts = Scripts::new(preload, |name| format!("window.{name}"))?;
    let of = Of::Context(context);
    let send = async |method: &str, params: Value| {
        let params = json!({ "method": method, "params": params, "session": session });
        connection.call::<Value>(of, "goog:cdp.sendCommand", params, wait).await.map(drop)
    };
    const ADD: &str = "Page.addScriptToEvaluateOnNewDocument";
    let events = json!({ "events": Connection::CHROMIUM_EVENTS, "contexts": [context] });
    let name = &scripts.name;
    tokio::try_join!(
        async { connection.call::<Value>(of, "session.subscribe", events, wait).await.map(drop) },
        send("Runtime.addBinding", json!({ "name": name, "executionContextName": name })),
        async {
            send(ADD, json!({ "source": scripts.relay, "worldName": name })).await?;
            send(ADD, json!({ "source": scripts.main })).await
        },
    )?;
    Ok(Vec::new())
}

fn script_error(thrown: &str) -> Error {
    let first = thrown.lines().next().unwrap_or_default();
    Error::new(ErrorKind::Script, format!("a script failed in the page: {first}"))
}
