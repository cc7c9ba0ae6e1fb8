//! A document with the real `tap.js` in it, in a JavaScript engine without a browser.

use lenore_poe::Site;
use rquickjs::context::EvalOptions;
use rquickjs::function::IntoArgs;
use rquickjs::{CatchResultExt, Context, Ctx, FromJs, Function, Object, Runtime};

const TAP: &str = include_str!("../../src/tap.js");
const PAGE: &str = include_str!("page.js");

/// Where the channel's sockets go.
pub(crate) const CHANNEL: &str = "wss://tch7.tch.poe.com/up/chan7-8888/updates?min_seq=1";

/// One document of the page.
pub(crate) struct Page(Context);

/// How a call of the page to its server ends.
#[derive(Clone, Debug)]
pub(crate) enum Ending {
    Reply {
        status: u16,
        retry: Option<String>,
        body: String,
    },
    /// The reply begins, and the connection breaks.
    BreaksOff {
        status: u16,
    },
    /// No reply comes.
    Fails,
}

impl Ending {
    pub(crate) fn ok(body: impl Into<String>) -> Self {
        Self::Reply { status: 200, retry: None, body: body.into() }
    }
}

impl Page {
    /// A new document, in which the tap runs before anything of the page, with a socket open.
    pub(crate) fn new() -> Self {
        let runtime = Runtime::new().expect("an engine");
        let page = Self(Context::full(&runtime).expect("a document"));
        let wire = Site::poe().tap_names();
        let tap = format!("({TAP})(play.emit, {{ wire: {wire}, chatPath: '/chat/', long: 0 }})");
        for script in [PAGE, &tap] {
            page.with(|ctx| {
                let mut options = EvalOptions::default();
                options.strict = false;
                ctx.eval_with_options::<(), _>(script, options)
            });
        }
        page.connect(CHANNEL);
        page
    }

    pub(crate) fn connect(&self, url: &str) {
        self.play("connect", (url,))
    }

    /// A text frame arrives on the newest socket.
    pub(crate) fn deliver(&self, frame: &str) {
        self.play("deliver", (frame,))
    }

    /// The newest socket is closed.
    pub(crate) fn close(&self, code: u16) {
        self.play("close", (code,))
    }

    /// The page moves to another address, without loading anything.
    pub(crate) fn open(&self, path: &str) {
        self.play("open", (path,))
    }

    /// The page calls its server; gives the call's number.
    pub(crate) fn call(&self, body: &str) -> usize {
        self.play("call", ("/api/gql_POST", body))
    }

    /// The same, with a form that holds a file too.
    pub(crate) fn upload(&self, body: &str) -> usize {
        self.play("upload", ("https://poe.com/api/gql_upload_POST", body))
    }

    /// The same, with any arguments, as a JSON list.
    pub(crate) fn call_with(&self, given: &str) -> usize {
        self.play("callWith", (given,))
    }

    pub(crate) fn end_call(&self, call: usize, ending: &Ending) {
        match ending {
            Ending::Reply { status, retry, body } => {
                self.play("answer", (call, *status, retry.as_deref(), body.as_str()))
            }
            Ending::BreaksOff { status } => self.play("breakOff", (call, *status)),
            Ending::Fails => self.play("refuse", (call, "Failed to fetch")),
        }
    }

    /// The document is loaded, and brings these data.
    pub(crate) fn load(&self, next_data: &str) {
        self.play("load", (next_data,))
    }

    /// What the tap has emitted since the last time, each as JSON.
    pub(crate) fn emitted(&self) -> Vec<String> {
        self.play("emitted", ())
    }

    /// How many characters the tap has read as JSON.
    pub(crate) fn parsed(&self) -> usize {
        self.play("parsed", ())
    }

    /// What was thrown at the page's events since the last time.
    pub(crate) fn thrown(&self) -> Vec<String> {
        self.play("thrown", ())
    }

    /// The frames that the page's own listener got since the last time.
    pub(crate) fn heard(&self) -> Vec<String> {
        self.play("heard", ())
    }

    /// The replies that the page has read since the last time.
    pub(crate) fn read(&self) -> Vec<String> {
        self.play("read", ())
    }

    /// The page's calls that have failed since the last time.
    pub(crate) fn failed(&self) -> Vec<String> {
        self.play("failed", ())
    }

    /// What the page could notice of the tap.
    pub(crate) fn disturbed(&self) -> Vec<String> {
        self.play("undisturbed", (CHANNEL,))
    }

    /// Calls a function of `page.js`, and runs what it has set going.
    fn play<A, R>(&self, function: &str, given: A) -> R
    where
        A: for<'js> IntoArgs<'js>,
        R: for<'js> FromJs<'js>,
    {
        self.with(|ctx| {
            let play: Object<'_> = ctx.globals().get("play")?;
            let result = play.get::<_, Function<'_>>(function)?.call(given);
            while ctx.execute_pending_job() {}
            result
        })
    }

    fn with<R>(&self, work: impl for<'js> FnOnce(&Ctx<'js>) -> rquickjs::Result<R>) -> R {
        self.0.with(|ctx| match work(&ctx).catch(&ctx) {
            Ok(value) => value,
            Err(error) => panic!("the page itself failed: {error}"),
        })
    }
}
