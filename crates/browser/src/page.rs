//! A page's vocabulary, the same over every engine.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::engine::PageEngine;
use crate::{Error, ErrorKind, Navigation, Result};

/// The helpers that scripts see as `dom`.
const DOM: &str = include_str!("dom.js");

/// What the script's own deadline is ahead of ours, so that the script gets to say what it missed.
const HEAD_START: Duration = Duration::from_millis(500);

/// One tab of a browser. Dropping it closes the tab.
pub struct Page {
    engine: Arc<dyn PageEngine>,
    closed: bool,
}

impl Page {
    pub(crate) fn new(engine: Arc<dyn PageEngine>) -> Self {
        Self { engine, closed: false }
    }

    /// Loads an address and returns when its document is there (its scripts may still run), with
    /// what the site answered: an error page of the site is a document too.
    ///
    /// # Errors
    /// [`ErrorKind::Network`] with the browser's reason, [`ErrorKind::Timeout`].
    pub async fn navigate(&self, url: &str, wait: Duration) -> Result<Navigation> {
        self.engine.navigate(url, wait).await
    }

    /// The title of the document, once all of it is read or the deadline has passed; empty where
    /// it has none.
    ///
    /// # Errors
    /// As [`Page::call`].
    pub async fn title(&self, wait: Duration) -> Result<String> {
        let look = "(ms) => new Promise((resolve) => { const tell = () => resolve(document.title); \
                    if (document.readyState !== 'loading') return tell(); \
                    document.addEventListener('DOMContentLoaded', tell); setTimeout(tell, ms); })";
        let milliseconds = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        let title = self.call(look, &[json!(milliseconds)], wait + HEAD_START).await?;
        Ok(title.as_str().unwrap_or_default().to_owned())
    }

    /// Calls a JavaScript function, given as source text, with JSON arguments; awaits the promise
    /// that it may return, and returns its JSON value.
    ///
    /// The function sees `dom`: `find(selectors)`, `until(look, ms)`, `fill(element, text)`,
    /// `text(element)`, `visible(element)`, `enabled(element)`.
    ///
    /// # Errors
    /// [`ErrorKind::Script`] where it throws, [`ErrorKind::Navigated`] where the document went
    /// away meanwhile, [`ErrorKind::Timeout`].
    pub async fn call(&self, function: &str, arguments: &[Value], wait: Duration) -> Result<Value> {
        self.engine.evaluate(&expression(function, arguments), wait).await
    }

    /// Waits until one of several lists of selectors has a visible match; returns which. The wait
    /// goes on over changes of the document.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`] where none has by the deadline.
    pub async fn wait_for_any(&self, selectors: &[&[String]], wait: Duration) -> Result<usize> {
        let found = self
            .call_until(
                "(lists) => { const at = lists.findIndex((list) => dom.find(list)); \
                 return at >= 0 && { at }; }",
                &[json!(selectors)],
                wait,
            )
            .await?;
        found["at"]
            .as_u64()
            .and_then(|at| usize::try_from(at).ok())
            .ok_or_else(|| Error::new(ErrorKind::Script, "the page's answer is not understood"))
    }

    /// Calls a function after every change of the document until it returns a true value, over
    /// changes of the document too, and returns that.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`] where it has not by the deadline; else as [`Page::call`].
    pub async fn call_until(
        &self,
        function: &str,
        arguments: &[Value],
        wait: Duration,
    ) -> Result<Value> {
        let end = Instant::now() + wait;
        let look = format!("(ms, arguments) => dom.until(() => ({function})(...arguments), ms)");
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let arguments = [json!(u64::try_from(left.as_millis()).unwrap_or(0)), json!(arguments)];
            match self.call(&look, &arguments, left + HEAD_START).await {
                Ok(Value::Null) => return Err(Error::timeout("a wait for the page", wait)),
                Err(error) if error.kind() == ErrorKind::Navigated && !left.is_zero() => {}
                other => return other,
            }
        }
    }

    /// Gives a text box its whole text, exactly, as one input.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`] where no such box is there by the deadline.
    pub async fn fill(&self, selectors: &[String], text: &str, wait: Duration) -> Result<()> {
        self.call_until(
            "(selectors, text) => { const box = dom.find(selectors); if (!box) return false; \
             dom.fill(box, text); return true; }",
            &[json!(selectors), json!(text)],
            wait,
        )
        .await
        .map(drop)
    }

    /// Clicks the first visible and enabled match of the selectors.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`] where there is none by the deadline.
    pub async fn click(&self, selectors: &[String], wait: Duration) -> Result<()> {
        self.call_until(
            "(selectors) => { const button = dom.find(selectors); \
             if (!button || !dom.enabled(button)) return false; button.click(); return true; }",
            &[json!(selectors)],
            wait,
        )
        .await
        .map(drop)
    }

    /// Chooses files for the first match of the selectors, which may be hidden.
    ///
    /// # Errors
    /// [`ErrorKind::Script`] where no element matches by the deadline.
    pub async fn attach_files(
        &self,
        selectors: &[String],
        files: &[PathBuf],
        wait: Duration,
    ) -> Result<()> {
        let look = "(selectors, ms) => dom.until(() => document.querySelector(selectors), ms)";
        let milliseconds = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        let input = expression(look, &[json!(selectors.join(",")), json!(milliseconds)]);
        self.engine.set_files(&input, files, wait + HEAD_START).await
    }

    /// A picture of what is visible, as PNG.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`], or the page is gone.
    pub async fn screenshot(&self, wait: Duration) -> Result<Vec<u8>> {
        self.engine.screenshot(wait).await
    }

    /// Leaves the windows that the page opens from now on. Else each is closed at once, since nobody
    /// looks after it; a person who signs in may need them.
    pub fn leave_windows(&self) {
        self.engine.leave_windows();
    }

    /// Whether the tab is still there: not closed, not crashed, its browser alive.
    pub fn is_open(&self) -> bool {
        self.engine.is_open()
    }

    /// Closes the tab and waits until it is.
    ///
    /// # Errors
    /// The browser is gone, or does not answer.
    pub async fn close(mut self, wait: Duration) -> Result<()> {
        self.closed = true;
        self.engine.close(wait).await
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        if !self.closed {
            self.engine.abandon();
        }
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page").finish_non_exhaustive()
    }
}

/// A call of a function, as an expression. JSON is JavaScript.
fn expression(function: &str, arguments: &[Value]) -> String {
    format!("(() => {{ const dom = {DOM}; return ({function})(...{}); }})()", json!(arguments))
}
