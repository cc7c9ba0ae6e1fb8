//! A tab of Chromium.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use base64::Engine as _;
use futures_util::future::{BoxFuture, FutureExt};
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::{timeout, timeout_at};

use super::attendant::Attendant;
use super::cdp::protocol::{
    AddBinding, AddPreloadScript, CaptureScreenshot, DrawFrame, Evaluate, Evaluated, FetchEnable,
    Frame, InspectorEnable, Navigate, NetworkDisable, NetworkEnable, PageEnable, PictureFormat,
    RuntimeEnable, SetFiles,
};
use super::cdp::{Connection, Subscription};
use super::frames::{Frames, Turn};
use super::tabs::Tab;
use crate::engine::{PageEngine, PageState};
use crate::navigation::{Answer, Navigation, Shows};
use crate::proxy::Through;
use crate::reasons::network_error;
use crate::tap::{Scripts, Tap};
use crate::{Error, ErrorKind, Result};

/// How long a tab may go on that is to be closed, until no frame of it is under way.
const FREE: Duration = Duration::from_secs(1);

/// How long to wait before a picture is asked for again.
const BETWEEN_TRIES: Duration = Duration::from_millis(20);

/// A tab and the session that speaks to it.
#[derive(Debug)]
pub(super) struct ChromiumPage {
    connection: Arc<Connection>,
    tab: Arc<Tab>,
    session: String,
    state: watch::Receiver<PageState>,
    through: Option<Through>,
    /// Where it waits for our word before it draws.
    turn: Option<Turn>,
    /// Its frames, from its first document on.
    frames: OnceLock<Frames>,
}

impl ChromiumPage {
    /// Sets a new tab up: preload script and binding in place, its events attended to.
    pub(super) async fn open(
        connection: Arc<Connection>,
        tab: Arc<Tab>,
        session: String,
        preload: &str,
        through: Option<Through>,
        turn: Option<Turn>,
        wait: Duration,
    ) -> Result<(Self, Tap)> {
        let Subscription { tapped, events, state } = connection.subscribe(&session);
        let credentials = through.as_ref().and_then(|through| through.credentials.clone());
        let page = Self { connection, tab, session, state, through, turn, frames: OnceLock::new() };
        let scripts = Scripts::new(preload, |name| format!("window.{name}"))?;
        // All at once: the browser works them off in order, and answers in the time of one.
        let session = Some(page.session.as_str());
        let (enabled, runtime, inspector, binding, relay, preload) = (
            PageEnable::new(),
            RuntimeEnable::new(),
            InspectorEnable::new(),
            AddBinding::new(&scripts.name, &scripts.name),
            AddPreloadScript::new(&scripts.relay, &scripts.name),
            AddPreloadScript::new(&scripts.main, ""),
        );
        tokio::try_join!(
            page.connection.call(session, &enabled, wait),
            page.connection.call(session, &runtime, wait),
            page.connection.call(session, &inspector, wait),
            page.connection.call(session, &binding, wait),
            page.connection.call(session, &relay, wait),
            page.connection.call(session, &preload, wait),
        )?;
        if credentials.is_some() {
            page.connection.call(session, &FetchEnable::new(true), wait).await?;
        }
        let attendant = Attendant::new(page.connection.clone(), &page.session, credentials);
        tokio::spawn(attendant.attend_to(events));
        Ok((page, Tap::new(tapped)))
    }

    /// Has its frames come, where they wait for our word.
    fn begin_frames(&self) {
        if let Some(turn) = &self.turn {
            let (connection, session) = (self.connection.clone(), self.session.clone());
            self.frames.get_or_init(|| Frames::begin(connection, session, turn.clone()));
        }
    }

    async fn evaluated(
        &self,
        expression: &str,
        by_value: bool,
        wait: Duration,
    ) -> Result<Evaluated> {
        let _awaited = self.frames.get().map(Frames::awaited);
        let evaluate = Evaluate::new(expression, true, by_value, true);
        let evaluated = self.call(&evaluate, wait).await?;
        match evaluated.exception_details {
            None => Ok(evaluated),
            Some(details) => {
                let thrown = details.exception.and_then(|exception| exception.description);
                let words = thrown.unwrap_or(details.text);
                let first = words.lines().next().unwrap_or_default();
                Err(Error::new(ErrorKind::Script, format!("a script failed in the page: {first}")))
            }
        }
    }

    /// A picture of a tab that draws by itself.
    async fn capture(&self, wait: Duration) -> Result<String> {
        let end = Instant::now() + wait;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.call(&CaptureScreenshot::new("png"), left).await {
                // Refused for a moment after the document has got another process.
                Err(error) if error.kind() == ErrorKind::Protocol && left > BETWEEN_TRIES => {
                    tokio::time::sleep(BETWEEN_TRIES).await;
                }
                captured => return captured.map(|picture| picture.data),
            }
        }
    }

    /// A frame that is drawn, as a picture.
    async fn draw(&self, wait: Duration) -> Result<String> {
        self.begin_frames();
        let frames = self.frames.get().ok_or_else(Error::closed)?;
        let end = Instant::now() + wait;
        let late = || Error::timeout("a picture", wait);
        // There is none while another frame is under way, or where nothing was drawn yet.
        loop {
            let _free = timeout_at(end.into(), frames.free()).await.map_err(|_| late())?;
            let picture = PictureFormat { format: "png" };
            let left = end.saturating_duration_since(Instant::now());
            match self.call(&DrawFrame::new(picture), left).await {
                Ok(Frame { screenshot_data: Some(data) }) => return Ok(data),
                Err(error) if error.kind() != ErrorKind::Protocol => return Err(error),
                _ => tokio::time::sleep(BETWEEN_TRIES).await,
            }
        }
    }

    async fn call<C: super::cdp::protocol::Command>(
        &self,
        command: &C,
        wait: Duration,
    ) -> Result<C::Returns> {
        self.connection.call(Some(&self.session), command, wait).await.map_err(|error| {
            // A crash may end the session before the command reached it.
            let state = *self.state.borrow();
            let gone = error.kind() == ErrorKind::Closed && state == PageState::Crashed;
            if gone { state.error() } else { error }
        })
    }
}

impl PageEngine for ChromiumPage {
    fn navigate<'a>(&'a self, url: &'a str, wait: Duration) -> BoxFuture<'a, Result<Navigation>> {
        async move {
            // Only meanwhile: they come with all that a page receives.
            self.connection.await_answers(&self.session);
            self.connection.post(Some(&self.session), &NetworkEnable::new());
            let navigated = self.call(&Navigate::new(url), wait).await;
            self.connection.post(Some(&self.session), &NetworkDisable::new());
            let navigated = navigated?;
            self.begin_frames();
            let loader = navigated.loader_id.as_deref().unwrap_or_default();
            let answer = self.connection.take_answer(&self.session, loader);
            if let (Some(through), Some(answer)) = (&self.through, &answer) {
                through.check(url, answer.status)?;
            }
            let failed = navigated.error_text.filter(|reason| !reason.is_empty());
            let Some(reason) = failed else {
                let without = || Navigation::without_answer(url);
                return Ok(
                    answer.map_or_else(without, |answer| Navigation::of(answer, Shows::Document))
                );
            };
            let unshown = answer.as_ref().and_then(Answer::unshown);
            let downloaded = navigated.is_download.then_some(Shows::Download);
            if let (Some(answer), Some(shows)) = (answer, downloaded.or(unshown)) {
                return Ok(Navigation::of(answer, shows));
            }
            let error = network_error(&reason);
            Err(match &self.through {
                Some(through) => through.explain(error, url),
                None => error,
            })
        }
        .boxed()
    }

    fn evaluate<'a>(&'a self, expression: &'a str, wait: Duration) -> BoxFuture<'a, Result<Value>> {
        async move {
            let evaluated = self.evaluated(expression, true, wait).await?;
            Ok(evaluated.result.value.unwrap_or(Value::Null))
        }
        .boxed()
    }

    fn set_files<'a>(
        &'a self,
        input: &'a str,
        files: &'a [PathBuf],
        wait: Duration,
    ) -> BoxFuture<'a, Result<()>> {
        async move {
            let names = files.iter().map(|file| {
                file.to_str().map(str::to_owned).ok_or_else(|| {
                    let message = format!("the file name {} is not Unicode", file.display());
                    Error::new(ErrorKind::InvalidOption, message)
                })
            });
            let names = names.collect::<Result<Vec<_>>>()?;
            let input =
                self.evaluated(input, false, wait).await?.result.object_id.ok_or_else(|| {
                    Error::new(ErrorKind::Script, "the page has no such file input")
                })?;
            self.call(&SetFiles::new(&names, &input), wait).await.map(drop)
        }
        .boxed()
    }

    fn screenshot(&self, wait: Duration) -> BoxFuture<'_, Result<Vec<u8>>> {
        async move {
            let data = match &self.turn {
                None => self.capture(wait).await?,
                Some(_) => self.draw(wait).await?,
            };
            base64::engine::general_purpose::STANDARD.decode(data).map_err(|error| {
                Error::new(ErrorKind::Protocol, "the picture cannot be read").with_source(error)
            })
        }
        .boxed()
    }

    fn leave_windows(&self) {
        self.tab.leave_windows();
    }

    fn is_open(&self) -> bool {
        *self.state.borrow() == PageState::Open
    }

    fn close(&self, wait: Duration) -> BoxFuture<'_, Result<()>> {
        async move {
            let _free = match self.frames.get() {
                Some(frames) => timeout(FREE, frames.free()).await.ok(),
                None => None,
            };
            let closed = self.tab.close(wait).await;
            self.connection.unsubscribe(&self.session);
            closed
        }
        .boxed()
    }

    fn abandon(&self) {
        let (tab, connection) = (self.tab.clone(), self.connection.clone());
        let session = self.session.clone();
        match (tokio::runtime::Handle::try_current(), self.frames.get().map(Frames::free)) {
            (Ok(runtime), Some(free)) => {
                runtime.spawn(async move {
                    let _free = timeout(FREE, free).await;
                    let _ = tab.close(FREE).await;
                    connection.unsubscribe(&session);
                });
            }
            _ => {
                tab.abandon();
                connection.unsubscribe(&session);
            }
        }
    }
}
