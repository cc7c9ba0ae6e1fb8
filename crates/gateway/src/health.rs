//! Whether questions can be answered now.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use lenore_provider::Health;
use serde_json::{Value, json};

use crate::Gateway;

/// What stands in the way of a question, for a person.
pub(crate) fn obstacle(health: &Health) -> Option<&str> {
    match (&health.fault, health.signed_in) {
        (Some(fault), _) => Some(fault),
        (None, Some(false)) => Some("nobody is signed in; run `lenore login`"),
        (None, _) => None,
    }
}

/// `GET /health/live`: the server answers.
pub(crate) async fn live() -> Json<Value> {
    Json(json!({ "status": "live" }))
}

/// `GET /health/ready`: 200 where the default provider can be asked, else 503 and the reason.
pub(crate) async fn ready(State(gateway): State<Gateway>) -> Response {
    let states = gateway.providers().iter().map(|provider| {
        let health = provider.health();
        json!({
            "name": provider.name(),
            "ready": obstacle(&health).is_none(),
            "reason": obstacle(&health),
            "signed_in": health.signed_in,
            "running": health.running,
            "waiting": health.waiting,
            "limit": health.limit,
            "pages": health.pages,
            "restarts": health.restarts,
        })
    });
    let states: Vec<_> = states.collect();
    let default = gateway.providers()[0].health();
    let reason = obstacle(&default);
    let status = if reason.is_none() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({
        "status": if reason.is_none() { "ready" } else { "not ready" },
        "reason": reason,
        "providers": states,
    });
    (status, Json(body)).into_response()
}
