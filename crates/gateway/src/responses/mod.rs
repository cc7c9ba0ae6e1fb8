//! `POST /v1/responses`

mod encode;
mod items;
mod request;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use self::encode::ResponseEncoder;
use crate::Gateway;
use crate::failure::Failure;
use crate::fields::Fields;
use crate::keys::Caller;
use crate::links::Place;
use crate::question::Wishes;
use crate::respond::respond;

pub(crate) async fn create(
    State(gateway): State<Gateway>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Failure> {
    let wishes = Wishes::read(&headers)?;
    let options = &gateway.0.options;
    let mut fields = Fields::read(&gateway, &caller, &headers, body).await?;
    let share = fields.take_share();
    let (mut question, echoed) = request::read(fields, options.strict)?;
    question.beside.share = share;
    let place = Place::of(&gateway, &caller, &question.model)?;
    let links = gateway.0.links.clone();
    let link = match &echoed.previous {
        Some(previous) => Some(links.take(previous, &place).ok_or_else(not_found)?),
        None => None,
    };
    question.chat = link.as_ref().map(|link| link.chat.clone());
    question.prepare(&gateway, &place, &wishes);
    let encoder = ResponseEncoder::new(
        gateway.shown(&question.model),
        question.tokens(),
        echoed,
        links.clone(),
        place,
    );
    let response = respond(&gateway, &caller, wishes, question, encoder).await;
    if let (Err(failure), Some(link)) = (&response, link)
        && !failure.was_asked()
    {
        links.put_back(link);
    }
    response
}

/// Nothing can go on from there: the response is not known, the chat has moved on since, or it is
/// with another model.
fn not_found() -> Failure {
    Failure::new(
        StatusCode::BAD_REQUEST,
        "previous_response_not_found",
        "that response is not the last one of a chat with this model, or not known here any more; \
         send the whole conversation",
    )
    .of_param("previous_response_id")
}
