//! Where the site serves what, as its drifts have it.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::MethodRouter;

use crate::drift::{Drifts, How, LATE, another_name};
use crate::site::Site;

/// The routes that a client can know, and whether the page can do without.
pub(crate) const ROUTES: &[(&str, bool)] = &[
    ("/login", false),
    ("/chat/{code}", false),
    ("/{bot}", false),
    ("/api/settings", true),
    ("/api/gql_POST", false),
    ("/api/gql_upload_POST", false),
    ("/api/finish_upload_POST", false),
    ("/_next/data/{build}/{*path}", true),
    ("/up/{box_name}/updates", false),
];

/// Where a route is.
pub(crate) fn place(drifts: &Drifts, route: &str) -> String {
    if drifts.how("route", route) != Some(How::Renamed) {
        return route.to_owned();
    }
    let mut parts: Vec<String> = route.split('/').map(str::to_owned).collect();
    let literal = |part: &&mut String| !part.is_empty() && !part.starts_with('{');
    match parts.iter_mut().rfind(literal) {
        Some(part) => *part = another_name(part),
        None => return format!("/{}{route}", another_name(route)),
    }
    parts.join("/")
}

/// Adds a route, where it is served at all.
pub(crate) fn add(
    router: Router<Arc<Site>>,
    drifts: &Drifts,
    route: &str,
    handler: MethodRouter<Arc<Site>, Infallible>,
) -> Router<Arc<Site>> {
    match drifts.how("route", route) {
        Some(How::Missing) => router,
        Some(How::Late) => router.route(route, handler.layer(middleware::from_fn(wait))),
        _ => router.route(&place(drifts, route), handler),
    }
}

async fn wait(request: Request, next: Next) -> Response {
    tokio::time::sleep(LATE).await;
    next.run(request).await
}
