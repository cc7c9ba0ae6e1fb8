//! Files: uploaded ahead of the question, or in one request with it.

use std::sync::Arc;

use axum::Json;
use axum::extract::multipart::Field;
use axum::extract::{Multipart, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::gql::{self, Call, errors};
use crate::log::Seen;
use crate::send;
use crate::site::Site;
use crate::wire;
use crate::world::{Account, Attachment};

/// Files above this are refused by the site.
const LARGEST: u64 = 50 << 20;
/// Ends of names that the site refuses.
const REFUSED: &[&str] = &[".exe", ".dll", ".iso", ".dmg"];

/// `POST /api/gql_upload_POST`: `queryInfo` is the call, every other part with
/// a file name is a file.
pub(crate) async fn call(
    State(site): State<Arc<Site>>,
    mut headers: HeaderMap,
    mut form: Multipart,
) -> Response {
    let Some(account) = site.account(&headers) else {
        return gql::unauthorised();
    };
    let mut call: Option<Call> = None;
    let mut files = Vec::new();
    let mut refusal = None;
    loop {
        match form.next_field().await {
            Ok(Some(field)) if field.name() == Some("queryInfo") => {
                let body = field.bytes().await.unwrap_or_default();
                if let Ok((read, with)) = Call::read(&body, headers.clone()) {
                    (call, headers) = (Some(read), with);
                }
            }
            Ok(Some(field)) if field.file_name().is_some() => {
                match receive(&site, &account, field).await {
                    Ok(file) => files.push(file),
                    Err(status) => refusal = Some(status),
                }
            }
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(error) => {
                return (error.status(), Json(errors(&error.body_text()))).into_response();
            }
        }
    }
    let Some(mut call) = call else {
        return (StatusCode::BAD_REQUEST, Json(errors("queryInfo is missing"))).into_response();
    };
    let is_question = gql::operation(&headers, &call) == Some("SendMessageMutation");
    if let Some(status) = refusal.filter(|_| is_question) {
        let call = call.variables;
        return send::refused(&site, &account, call, status);
    }
    if is_question {
        let mut ids: Vec<Value> = files.iter().map(|file| json!(file.id)).collect();
        if let Some(named) = call.variables["attachments"].as_array() {
            // Names such as `file0` only point at the parts of this request.
            ids.extend(named.iter().filter(|name| !is_part(name)).cloned());
        }
        call.variables["attachments"] = Value::Array(ids);
        return gql::dispatch(&site, &headers, call).await;
    }
    let (status, words) = match refusal {
        Some(status @ "file_too_large") => (status, Some("This file is too large.")),
        Some(status) => (status, Some("This type of file is not supported.")),
        None => ("success", None),
    };
    let told = json!({ "attachmentUpload": {
        "status": status,
        "statusMessage": words,
        "attachments": files.iter().map(wire::attachment).collect::<Vec<_>>(),
    } });
    gql::reply(&site, "UploadAttachmentMutation", told)
}

/// `POST /api/finish_upload_POST`: one file, for a token.
pub(crate) async fn token(
    State(site): State<Arc<Site>>,
    headers: HeaderMap,
    mut form: Multipart,
) -> Response {
    let Some(account) = site.account(&headers) else {
        return gql::unauthorised();
    };
    let Ok(Some(field)) = form.next_field().await else {
        return (StatusCode::BAD_REQUEST, Json(errors("the file is missing"))).into_response();
    };
    match receive(&site, &account, field).await {
        Ok(file) => Json(json!({ "token": file.id })).into_response(),
        Err("file_too_large") => {
            Json(json!({ "error": "This file is too large." })).into_response()
        }
        Err(_) => Json(json!({ "error": "This type of file is not supported." })).into_response(),
    }
}

fn is_part(name: &Value) -> bool {
    name.as_str()
        .and_then(|name| name.strip_prefix("file"))
        .is_some_and(|rest| rest.parse::<u32>().is_ok())
}

/// Reads a file, counts it and forgets its content.
async fn receive(
    site: &Arc<Site>,
    account: &Account,
    mut field: Field<'_>,
) -> Result<Attachment, &'static str> {
    let name = field.file_name().unwrap_or("file").to_owned();
    let media_type = field.content_type().unwrap_or("application/octet-stream").to_owned();
    let mut size = 0;
    while let Ok(Some(chunk)) = field.chunk().await {
        size += chunk.len() as u64;
    }
    let seen = Seen::Upload { name: name.clone(), size, media_type: media_type.clone() };
    site.log.add(Some(&account.email), seen);
    if size > LARGEST {
        return Err("file_too_large");
    }
    let lower = name.to_lowercase();
    if REFUSED.iter().any(|end| lower.ends_with(end)) {
        return Err("unsupported_file_type");
    }
    let mut world = site.world();
    let attachment = Attachment { id: format!("att{}", world.word(16)), name, media_type, size };
    world.uploads.insert(attachment.id.clone(), attachment.clone());
    Ok(attachment)
}
