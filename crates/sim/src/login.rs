//! Signing in with a mailed code, and out.

use std::sync::Arc;

use axum::http::HeaderValue;
use axum::http::header::SET_COOKIE;
use axum::response::Response;
use serde_json::{Value, json};

use crate::gql::reply;
use crate::log::Seen;
use crate::site::Site;
use crate::world::Account;

/// A year, so that a browser profile stays signed in.
const COOKIE_SECONDS: u32 = 365 * 24 * 3600;

const LOGIN: &str = "LoginWithVerificationCodeMutation";

/// Mails a code to the address.
pub(crate) fn send_code(site: &Arc<Site>, variables: &Value) -> Response {
    let email = address(variables);
    let status = if plausible(email) {
        site.world().mail_code(email);
        "success"
    } else {
        "invalid_email"
    };
    let words = (status != "success").then_some("Please enter a valid email address.");
    reply(
        site,
        "SendVerificationCodeMutation",
        json!({ "sendVerificationCode": { "status": status, "errorMessage": words } }),
    )
}

/// Checks a code and opens a session.
pub(crate) fn with_code(site: &Arc<Site>, variables: &Value) -> Response {
    let email = address(variables);
    let code = variables["verificationCode"].as_str().unwrap_or_default().trim();
    let right = site.world().newest_code(email).is_some_and(|newest| newest == code);
    if !right {
        site.log.add(None, Seen::CodeWrong);
        return reply(
            site,
            LOGIN,
            json!({ "loginWithCode": {
            "status": "incorrect_verification_code",
            "errorMessage": "That code is not correct. Please check the newest mail and try again.",
        } }),
        );
    }
    let (token, latitude) = {
        let mut world = site.world();
        (world.sign_in(email), world.word(24))
    };
    let email = email.to_lowercase();
    site.log.add(Some(&email), Seen::Login { email: email.clone() });
    let done = json!({ "loginWithCode": { "status": "success", "errorMessage": null } });
    let mut reply = reply(site, LOGIN, done);
    set_cookie(&mut reply, "p-b", &token, COOKIE_SECONDS);
    set_cookie(&mut reply, "p-lat", &latitude, COOKIE_SECONDS);
    reply
}

/// Ends one session.
pub(crate) fn out(site: &Arc<Site>, account: &Account, token: &str) -> Response {
    site.world().sign_out(token);
    site.log.add(Some(&account.email), Seen::Logout);
    let mut reply = reply(site, "LogoutMutation", json!({ "logout": { "status": "success" } }));
    set_cookie(&mut reply, "p-b", "", 0);
    set_cookie(&mut reply, "p-lat", "", 0);
    reply
}

fn address(variables: &Value) -> &str {
    let address = variables["emailAddress"].as_str().or(variables["email"].as_str());
    address.unwrap_or_default().trim()
}

fn plausible(email: &str) -> bool {
    email.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && host.contains('.') && !email.contains(char::is_whitespace)
    })
}

fn set_cookie(reply: &mut Response, name: &str, value: &str, seconds: u32) {
    let line = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax");
    if let Ok(line) = HeaderValue::from_str(&line) {
        reply.headers_mut().append(SET_COOKIE, line);
    }
}
