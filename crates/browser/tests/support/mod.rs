//! What the tests of a real browser share: pages to look at, and a browser to look with.

#![allow(dead_code, reason = "no test file uses all of it")]

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use lenore_browser::{Browser, LaunchOptions};

/// A local site of a few fixed pages; returns its address.
pub(crate) async fn serve(pages: &[(&'static str, &'static str)]) -> String {
    let mut router = Router::new();
    for (path, html) in pages.iter().copied() {
        router = router.route(path, get(move || async move { Html(html) }));
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = format!("http://{}", listener.local_addr().expect("bound"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// A headless browser on a throw-away profile.
pub(crate) async fn browser() -> Browser {
    Browser::launch(&LaunchOptions::default()).await.expect("a browser is installed")
}
