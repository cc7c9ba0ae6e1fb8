//! `POST /v1/chat/completions`

mod encode;
mod request;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

use self::encode::ChatEncoder;
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
    let (mut question, include_usage) = request::read(fields, options.strict)?;
    question.beside.share = share;
    let place = Place::of(&gateway, &caller, &question.model)?;
    question.prepare(&gateway, &place, &wishes);
    let shown = gateway.shown(&question.model);
    let encoder = ChatEncoder::new(shown, question.tokens(), include_usage, question.count);
    respond(&gateway, &caller, wishes, question, encoder).await
}
