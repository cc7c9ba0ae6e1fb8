//! `POST /v1/messages`, as Anthropic's clients ask, and `count_tokens`.

mod blocks;
mod encode;
mod request;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::{Extension, Json};
use serde_json::{Value, json};

use self::encode::MessageEncoder;
use crate::Gateway;
use crate::doors::RequestId;
use crate::failure::Failure;
use crate::fields::Fields;
use crate::keys::Caller;
use crate::links::Place;
use crate::question::Wishes;
use crate::respond::respond;

pub(crate) async fn create(
    State(gateway): State<Gateway>,
    Extension(caller): Extension<Caller>,
    Extension(request_id): Extension<RequestId>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Failure> {
    let wishes = Wishes::read(&headers)?;
    let options = &gateway.0.options;
    let mut fields = Fields::read(&gateway, &caller, &headers, body).await?;
    let share = fields.take_share();
    let most = fields.take_count("max_tokens")?.map_or_else(|| fields.need("max_tokens"), Ok)?;
    let mut question = request::read(fields, Some(most), options.strict)?;
    question.beside.share = share;
    let place = Place::of(&gateway, &caller, &question.model)?;
    question.prepare(&gateway, &place, &wishes);
    let shown = gateway.shown(&question.model);
    let (tokens, thoughts) = (question.tokens(), question.wants_thoughts);
    let encoder = MessageEncoder::new(shown, tokens, thoughts, request_id);
    respond(&gateway, &caller, wishes, question, encoder).await
}

/// `POST /v1/messages/count_tokens`: an estimate, which says so.
pub(crate) async fn count_tokens(
    State(gateway): State<Gateway>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Failure> {
    let options = &gateway.0.options;
    let mut fields = Fields::read(&gateway, &caller, &headers, body).await?;
    let _share = fields.take_share();
    let mut question = request::read(fields, None, options.strict)?;
    // It is work, too.
    let _permit = caller.enter(1)?;
    question.instruct();
    let tokens = question.tokens();
    Arc::new(question.reading).prepare().await?;
    Ok(Json(json!({ "input_tokens": tokens, "estimated": true })))
}
