//! Whether questions can be answered now.

use std::borrow::Cow;
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use futures_util::future::join_all;
use lenore_provider::{BrowserState, Health};
use serde_json::{Value, json};

use crate::Gateway;
use crate::doors::Trusted;

/// A provider that takes longer to find out how it is doing is not well.
const PATIENCE: Duration = Duration::from_secs(3);

/// A provider's name, and how it is doing.
pub(crate) type State = (String, Health);

/// How all providers are doing, the default first.
pub(crate) async fn states(gateway: &Gateway) -> Vec<State> {
    let states = gateway.providers().iter().map(|provider| async {
        let found = tokio::time::timeout(PATIENCE, provider.check_health()).await;
        let health = found.unwrap_or_else(|_| {
            let fault = format!("it did not say how it is doing within {PATIENCE:?}");
            Health { fault: Some(fault), ..provider.health() }
        });
        (provider.name().to_owned(), health)
    });
    join_all(states).await
}

/// What stands in the way of a question, for a person.
pub(crate) fn obstacle(health: &Health) -> Option<Cow<'_, str>> {
    let Health { running, waiting, .. } = health;
    let is_full = health.limit.is_some_and(|limit| *running >= limit)
        && health.queue.is_some_and(|queue| *waiting >= queue);
    match (&health.fault, health.signed_in) {
        (Some(fault), _) => Some(fault.into()),
        _ if health.browser == Some(BrowserState::Lost) => {
            Some("the browser was lost, and is being started again".into())
        }
        (None, Some(false)) => Some("nobody is signed in; run `lenore login`".into()),
        _ if is_full => Some(
            format!(
                "{running} answers are running and {waiting} questions wait for them, which is as \
                 many as can; ask again later"
            )
            .into(),
        ),
        _ => None,
    }
}

/// The same in a word, for everybody.
fn kind(health: &Health) -> Option<&'static str> {
    obstacle(health)?;
    Some(match (&health.fault, health.browser, health.signed_in) {
        (Some(_), ..) => "fault",
        (None, Some(BrowserState::Lost), _) => "browser_lost",
        (None, _, Some(false)) => "signed_out",
        _ => "busy",
    })
}

/// `GET /health/live`: the server answers.
pub(crate) async fn live() -> Json<Value> {
    Json(json!({ "status": "live" }))
}

/// `GET /health/ready`: 200 where the default provider can be asked, else 503 and the reason.
pub(crate) async fn ready(
    axum::extract::State(gateway): axum::extract::State<Gateway>,
    Extension(Trusted(is_trusted)): Extension<Trusted>,
) -> Response {
    let states = states(&gateway).await;
    let told = states.iter().map(|(name, health)| {
        json!({
            "name": name,
            "ready": obstacle(health).is_none(),
            "kind": kind(health),
            "reason": obstacle(health).filter(|_| is_trusted),
            "browser": health.browser,
            "signed_in": health.signed_in,
            "running": health.running,
            "waiting": health.waiting,
            "limit": health.limit,
            "queue": health.queue,
            "pages": health.pages,
            "restarts": health.restarts,
        })
    });
    let told: Vec<_> = told.collect();
    let reason = states.first().and_then(|(_, health)| obstacle(health));
    let is_ready = reason.is_none();
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({
        "status": if is_ready { "ready" } else { "not ready" },
        "kind": states.first().and_then(|(_, health)| kind(health)),
        "reason": reason.filter(|_| is_trusted),
        "providers": told,
    });
    (status, Json(body)).into_response()
}
