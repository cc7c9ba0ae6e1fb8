//! `POST /v1/responses`

mod encode;
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
    let fields = Fields::read(&headers, body, options.largest_body).await?;
    let (mut question, echoed) = request::read(fields, options.strict)?;
    if let Some(previous) = &echoed.previous {
        let chat = gateway.0.links.chat(previous, caller.name()).ok_or_else(|| {
            Failure::new(
                StatusCode::BAD_REQUEST,
                "previous_response_not_found",
                "that response is not known here any more; send the whole conversation",
            )
            .of_param("previous_response_id")
        })?;
        question.chat = Some(chat);
    }
    question.instruct();
    let encoder = ResponseEncoder::new(
        gateway.shown(&question.model),
        question.tokens(),
        echoed,
        gateway.0.links.clone(),
        caller.name().map(str::to_owned),
    );
    respond(&gateway, &caller, wishes, question, encoder).await
}
