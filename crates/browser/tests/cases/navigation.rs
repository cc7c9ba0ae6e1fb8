//! What a site answers to the request for a document, told by the browser.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::response::Html;
use axum::routing::get;
use lenore_browser::{Browser, Shows};

use super::{WAIT, open};

/// Answers of all kinds; `/elsewhere` leads to another host.
async fn site() -> (String, String) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    let [here, there] = ["127.0.0.1", "localhost"].map(|host| format!("http://{host}:{port}"));
    let other = format!("{there}/");
    let page = || Html("<title>A portal</title><p>words</p>");
    let router = Router::new()
        .route("/", get(move || async move { page() }))
        .route("/refused", get(move || async move { (StatusCode::FORBIDDEN, page()) }))
        .route("/empty", get(|| async { StatusCode::NOT_FOUND }))
        .route(
            "/busy",
            get(|| async { (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, "7")], "-") }),
        )
        .route(
            "/key",
            get(|| async { (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, "Basic")], "no key") }),
        )
        .route("/nothing", get(|| async { StatusCode::NO_CONTENT }))
        .route("/elsewhere", get(|| async { (StatusCode::FOUND, [(LOCATION, other)]) }))
        .route("/text", get(|| async { "plain" }))
        .route("/file", get(|| async { ([(CONTENT_DISPOSITION, "attachment; filename=x")], "x") }))
        .route(
            "/binary",
            get(|| async { ([("content-type", "application/octet-stream")], vec![0_u8, 1]) }),
        );
    tokio::spawn(async move { axum::serve(listener, router).await });
    (here, there)
}

pub(super) async fn what_the_site_answers_is_told(browser: Arc<Browser>) {
    let (here, there) = site().await;
    let (page, _tap) = open(&browser).await;
    let html = Some("text/html");
    for (path, shows, status, kind) in [
        ("/", Shows::Document, 200, html),
        ("/nothing", Shows::NoContent, 204, None),
        ("/refused", Shows::Document, 403, html),
        ("/empty", Shows::Document, 404, None),
        ("/busy", Shows::Document, 429, Some("text/plain")),
        ("/key", Shows::Document, 401, Some("text/plain")),
        ("/file", Shows::Download, 200, Some("text/plain")),
        ("/text", Shows::Document, 200, Some("text/plain")),
        ("/binary", Shows::Download, 200, Some("application/octet-stream")),
        ("/elsewhere", Shows::Document, 200, html),
    ] {
        let address = format!("{here}{path}");
        let told = page.navigate(&address, WAIT).await;
        let told = told.unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!((told.shows, told.status), (shows, Some(status)), "{path}");
        if kind.is_some() {
            assert_eq!(told.content_type.as_deref(), kind, "{path}");
        }
        let elsewhere = format!("{there}/");
        assert_eq!(told.url, if path == "/elsewhere" { elsewhere } else { address });
        let wait = (path == "/busy").then_some(Duration::from_secs(7));
        assert_eq!(told.retry_after(), wait, "{path}");
    }
    assert_eq!(page.title(WAIT).await.expect("it has one"), "A portal");
    let blank = page.navigate("about:blank", WAIT).await.expect("loaded");
    assert_eq!((blank.shows, blank.status, &*blank.url), (Shows::Document, None, "about:blank"));
    // Of the same document.
    page.navigate(&here, WAIT).await.expect("loaded");
    page.navigate(&format!("{here}/#part"), WAIT).await.expect("moved");
}
