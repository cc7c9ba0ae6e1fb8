//! The update socket, on a port of its own as the real one is on a host of its own.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::channel::{Channel, Out};
use crate::log::Seen;
use crate::site::Site;
use crate::world::Account;

/// `GET /up/{box}/updates?min_seq=…&channel=…&hash=…`
pub(crate) async fn updates(
    State(site): State<Arc<Site>>,
    Path(box_name): Path<String>,
    Query(query): Query<HashMap<String, String>>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let given = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
    let account = site.world().account_of_channel(given("channel"));
    let Some(account) = account else {
        return (StatusCode::FORBIDDEN, "unknown channel").into_response();
    };
    let Some(channel) = account.channels.find(given("channel")) else {
        return (StatusCode::FORBIDDEN, "unknown channel").into_response();
    };
    if channel.hash != given("hash") || channel.box_name != box_name {
        return (StatusCode::FORBIDDEN, "wrong hash or box").into_response();
    }
    if channel.is_away() {
        return (StatusCode::SERVICE_UNAVAILABLE, "away").into_response();
    }
    let min_seq = given("min_seq").parse().ok();
    upgrade.on_upgrade(move |socket| listen(site, account, channel, min_seq, socket))
}

async fn listen(
    site: Arc<Site>,
    account: Arc<Account>,
    channel: Arc<Channel>,
    min_seq: Option<u64>,
    mut socket: WebSocket,
) {
    let mut stopping = site.stopping.subscribe();
    stopping.mark_changed();
    let (id, mut frames) = channel.join(min_seq);
    site.log.add(Some(&account.email), Seen::SocketOpen);
    loop {
        tokio::select! {
            frame = frames.recv() => match frame {
                Some(Out::Text(text)) => {
                    if socket.send(Message::Text(text)).await.is_err() {
                        break;
                    }
                }
                Some(Out::Close) | None => {
                    let _ = socket.send(Message::Close(None)).await;
                    break;
                }
            },
            incoming = socket.recv() => match incoming {
                Some(Ok(Message::Text(text))) if is_ping(&text) => {
                    site.log.add(Some(&account.email), Seen::Ping);
                    if socket.send(Message::text(site.drifts.reply("pong", json!({ "type": "pong" })).to_string())).await.is_err() {
                        break;
                    }
                }
                // Pages say nothing else of interest; pings of the protocol are answered below us.
                Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                Some(Ok(_)) => {}
            },
            _ = stopping.changed() => {
                if !*stopping.borrow_and_update() {
                    continue;
                }
                let _ = socket.send(Message::Close(None)).await;
                break;
            }
        }
    }
    channel.leave(id);
    site.log.add(Some(&account.email), Seen::SocketClose);
}

fn is_ping(text: &str) -> bool {
    serde_json::from_str::<serde_json::Value>(text).is_ok_and(|said| said["type"] == "ping")
}
