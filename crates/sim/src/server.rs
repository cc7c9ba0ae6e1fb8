//! Binding the two ports, and the handle of a running site.

use std::io::{Error, ErrorKind};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::log::LogEntry;
use crate::options::Options;
use crate::site::Site;
use crate::{facts, gql, own_pages, pages, routes, socket, upload};

/// The largest request body: prompts of several million characters, escaped, and files.
const BODY_LIMIT: usize = 64 << 20;
/// How long requests on their way may take when the site stops.
const GRACE: Duration = Duration::from_secs(2);

/// A running local site. Dropping it ends it; [`Sim::stop`] also waits for the end.
pub struct Sim {
    site: Arc<Site>,
    url: String,
    servers: Vec<JoinHandle<()>>,
}

impl Sim {
    /// Starts the site on 127.0.0.1: the pages on `options.port`, the update
    /// socket on another free port.
    ///
    /// # Errors
    /// When a port cannot be bound, or when a drift is of a fact that the site does not offer.
    pub async fn start(options: Options) -> std::io::Result<Sim> {
        facts::check(&options).map_err(|wrong| Error::new(ErrorKind::InvalidInput, wrong))?;
        let page = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await?;
        let updates = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://127.0.0.1:{}", page.local_addr()?.port());
        let salt = options.seed ^ since_epoch_ns();
        let site = Arc::new(Site::new(options, updates.local_addr()?.port(), salt));
        let servers = vec![
            serve(page, page_routes(&site), &site),
            serve(updates, socket_routes(&site), &site),
        ];
        tracing::info!(url, "the local site runs");
        Ok(Sim { site, url, servers })
    }

    /// The site's address, without a slash at its end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The newest six-digit code that was mailed to an address.
    #[must_use]
    pub fn inbox(&self, email: &str) -> Option<String> {
        self.site.world().newest_code(email).map(str::to_owned)
    }

    /// Everything the site saw so far.
    #[must_use]
    pub fn log(&self) -> Vec<LogEntry> {
        self.site.log.all()
    }

    /// The first log entry, past ones included, that `wanted` accepts; `None`
    /// when there is none within `deadline`.
    pub async fn wait_for(
        &self,
        wanted: impl Fn(&LogEntry) -> bool,
        deadline: Duration,
    ) -> Option<LogEntry> {
        self.site.log.wait_for(wanted, deadline).await
    }

    /// Ends every session: the cookies that browsers hold mean nothing any more.
    pub fn sign_out_all(&self) {
        self.site.world().sign_out_all();
    }

    /// Deletes a chat by its code, as its owner would on another device. Whether there was one.
    pub fn delete_chat(&self, code: &str) -> bool {
        self.site.world().delete_chat_of_code(code)
    }

    /// Closes the listeners and the sockets, and waits until they are closed.
    pub async fn stop(mut self) {
        self.site.halt();
        for mut server in std::mem::take(&mut self.servers) {
            if tokio::time::timeout(GRACE, &mut server).await.is_err() {
                server.abort();
            }
        }
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        self.site.halt();
    }
}

fn serve(listener: TcpListener, routes: Router, site: &Arc<Site>) -> JoinHandle<()> {
    let mut stopping = site.stopping.subscribe();
    tokio::spawn(async move {
        let stopped = async move {
            // An error means that the site is gone, which is a stop as well.
            let _ = stopping.wait_for(|stopping| *stopping).await;
        };
        // A frame must not wait until the client has acknowledged the one before.
        let listener = listener.tap_io(|tcp| {
            let _ = tcp.set_nodelay(true);
        });
        if let Err(error) = axum::serve(listener, routes).with_graceful_shutdown(stopped).await {
            tracing::error!(%error, "a server of the local site ended");
        }
    })
}

fn page_routes(site: &Arc<Site>) -> Router {
    let drifting = [
        ("/login", get(pages::login)),
        ("/chat/{code}", get(pages::chat)),
        ("/{bot}", get(pages::bot)),
        ("/api/settings", get(gql::settings)),
        ("/api/gql_POST", post(gql::call)),
        ("/api/gql_upload_POST", post(upload::call)),
        ("/api/finish_upload_POST", post(upload::token)),
        ("/_next/data/{build}/{*path}", get(pages::next_data)),
    ];
    let router = drifting.into_iter().fold(Router::new(), |router, (route, handler)| {
        routes::add(router, &site.drifts, route, handler)
    });
    router
        .route("/", get(pages::front))
        .route("/_next/static/{build}/{file}", get(pages::asset))
        .route("/favicon.ico", get(pages::icon))
        .route("/cdn-cgi/challenge-platform/scripts/jsd/main.js", get(pages::no_script))
        .route("/sim/frames", post(own_pages::frames))
        .route("/sim/facts.json", get(own_pages::facts_json))
        .route("/sim/inbox", get(own_pages::inbox))
        .route("/sim/inbox.json", get(own_pages::inbox_json))
        .route("/sim/log", get(own_pages::log))
        .fallback(pages::nothing)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(Arc::clone(site))
}

fn socket_routes(site: &Arc<Site>) -> Router {
    let route = "/up/{box_name}/updates";
    let router = routes::add(Router::new(), &site.drifts, route, get(socket::updates));
    router.with_state(Arc::clone(site))
}

fn since_epoch_ns() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| u64::from(since.subsec_nanos()) ^ (since.as_secs() << 30))
}
