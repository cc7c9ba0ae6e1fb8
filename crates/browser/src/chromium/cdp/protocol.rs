//! The commands of the protocol that are used here, each with its parameters and its answer.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A command: a method's name, its parameters (the type itself) and the type of its answer.
pub(crate) trait Command: Serialize {
    /// The method's full name, such as `Page.navigate`.
    const METHOD: &'static str;
    /// What the browser answers.
    type Returns: DeserializeOwned;
}

/// The answer of a command that answers nothing of interest.
#[derive(Debug, Deserialize)]
pub(crate) struct Nothing {}

/// Any message that comes from the browser: an answer (with `id`) or an event (with `method`).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Incoming<'a> {
    pub(crate) id: Option<u64>,
    #[serde(borrow)]
    pub(crate) method: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) params: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) result: Option<&'a RawValue>,
    pub(crate) error: Option<CommandError>,
    #[serde(borrow)]
    pub(crate) session_id: Option<Cow<'a, str>>,
}

/// What the browser says when it refuses a command.
#[derive(Debug, Deserialize)]
pub(crate) struct CommandError {
    pub(crate) message: String,
}

/// The envelope of a command on its way to the browser.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Envelope<'a, C> {
    pub(crate) id: u64,
    pub(crate) method: &'static str,
    pub(crate) params: &'a C,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) session_id: Option<&'a str>,
}

/// Declares commands: `Name("Domain.method") { fields } -> Returns`.
macro_rules! commands {
    ($($(#[$doc:meta])* $name:ident($method:literal) { $($field:ident: $type:ty),* $(,)? } -> $returns:ty;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Serialize)]
        #[serde(rename_all = "camelCase")]
        pub(crate) struct $name<'a> {
            $(pub(crate) $field: $type,)*
            #[serde(skip)]
            pub(crate) lifetime: std::marker::PhantomData<&'a ()>,
        }
        impl<'a> $name<'a> {
            pub(crate) fn new($($field: $type),*) -> Self {
                Self { $($field,)* lifetime: std::marker::PhantomData }
            }
        }
        impl Command for $name<'_> {
            const METHOD: &'static str = $method;
            type Returns = $returns;
        }
    )*};
}

commands! {
    /// What program the browser is.
    GetVersion("Browser.getVersion") {} -> Version;
    /// Opens a tab, which may wait for [`BeginFrame`] before it draws.
    CreateTarget("Target.createTarget") {
        url: &'a str, enable_begin_frame_control: bool,
    } -> TargetId;
    /// Speaks to a tab; `flatten` puts its messages on the same connection.
    AttachToTarget("Target.attachToTarget") { target_id: &'a str, flatten: bool } -> SessionId;
    /// Closes a tab.
    CloseTarget("Target.closeTarget") { target_id: &'a str } -> Nothing;
    /// All targets.
    GetTargets("Target.getTargets") {} -> Targets;
    /// Tells of each tab that comes.
    DiscoverTargets("Target.setDiscoverTargets") {
        discover: bool, filter: [TargetFilter; 1],
    } -> Nothing;
    /// All cookies, those that scripts cannot see included.
    GetCookies("Storage.getCookies") {} -> Cookies;
    /// Events of the page's life.
    PageEnable("Page.enable") {} -> Nothing;
    /// Tells when the page's process crashes.
    InspectorEnable("Inspector.enable") {} -> Nothing;
    /// Scripts and bindings; without it a binding is not put into new documents.
    RuntimeEnable("Runtime.enable") {} -> Nothing;
    /// A function that calls us, of the global objects of one world.
    AddBinding("Runtime.addBinding") {
        name: &'a str, execution_context_name: &'a str,
    } -> Nothing;
    /// A script that runs in each document before the document's own: in a world of its own, or,
    /// where that has no name, in the page's.
    AddPreloadScript("Page.addScriptToEvaluateOnNewDocument") {
        source: &'a str, world_name: &'a str,
    } -> Nothing;
    /// Loads an address; answers once the document is there, or cannot be had.
    Navigate("Page.navigate") { url: &'a str } -> Navigated;
    /// Tells of requests and their answers.
    NetworkEnable("Network.enable") {} -> Nothing;
    /// Stops that.
    NetworkDisable("Network.disable") {} -> Nothing;
    /// Runs an expression.
    Evaluate("Runtime.evaluate") {
        expression: &'a str, await_promise: bool, return_by_value: bool, user_gesture: bool,
    } -> Evaluated;
    /// Chooses files for a file input.
    SetFiles("DOM.setFileInputFiles") { files: &'a [String], object_id: &'a str } -> Nothing;
    /// A picture of what is visible.
    CaptureScreenshot("Page.captureScreenshot") { format: &'a str } -> Screenshot;
    /// Gives a tab that waits for it one frame, perhaps without drawing anything.
    BeginFrame("HeadlessExperimental.beginFrame") { no_display_updates: bool } -> Frame;
    /// Gives it one that is drawn, and takes a picture of it.
    DrawFrame("HeadlessExperimental.beginFrame") { screenshot: PictureFormat } -> Frame;
    /// Answers a dialog that holds up the page.
    HandleDialog("Page.handleJavaScriptDialog") { accept: bool } -> Nothing;
    /// Asks to be told when a proxy wants credentials.
    FetchEnable("Fetch.enable") { handle_auth_requests: bool } -> Nothing;
    /// Stops the events that [`FetchEnable`] asked for.
    FetchDisable("Fetch.disable") {} -> Nothing;
    /// Lets a request go on.
    ContinueRequest("Fetch.continueRequest") { request_id: &'a str } -> Nothing;
    /// Answers a demand for credentials.
    ContinueWithAuth("Fetch.continueWithAuth") {
        request_id: &'a str, auth_challenge_response: AuthResponse<'a>,
    } -> Nothing;
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Version {
    pub(crate) product: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Targets {
    pub(crate) target_infos: Vec<TargetInfo>,
}

/// Which targets are meant.
#[derive(Debug, Serialize)]
pub(crate) struct TargetFilter {
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TargetId {
    pub(crate) target_id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SessionId {
    pub(crate) session_id: String,
}

#[derive(Deserialize)]
pub(crate) struct Cookies {
    pub(crate) cookies: Vec<CookieFound>,
}

/// <https://chromedevtools.github.io/devtools-protocol/tot/Network/#type-Cookie>
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CookieFound {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) domain: String,
    pub(crate) path: String,
    /// In seconds since 1970; negative where it ends with the browser.
    pub(crate) expires: f64,
    pub(crate) http_only: bool,
    pub(crate) secure: bool,
    pub(crate) same_site: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Navigated {
    /// The document's; of its answer too.
    pub(crate) loader_id: Option<String>,
    pub(crate) error_text: Option<String>,
    #[serde(default)]
    pub(crate) is_download: bool,
}

/// `Network.responseReceived`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResponseReceived {
    pub(crate) loader_id: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) response: Response,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Response {
    pub(crate) url: String,
    pub(crate) status: u16,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) mime_type: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Evaluated {
    pub(crate) result: RemoteObject,
    pub(crate) exception_details: Option<ExceptionDetails>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RemoteObject {
    pub(crate) value: Option<serde_json::Value>,
    pub(crate) object_id: Option<String>,
    pub(crate) description: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ExceptionDetails {
    pub(crate) text: String,
    pub(crate) exception: Option<RemoteObject>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Screenshot {
    /// PNG in base64.
    pub(crate) data: String,
}

/// How a picture is wanted.
#[derive(Debug, Serialize)]
pub(crate) struct PictureFormat {
    pub(crate) format: &'static str,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Frame {
    /// In base64, where one was wanted and there was something to draw.
    pub(crate) screenshot_data: Option<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct AuthResponse<'a> {
    pub(crate) response: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) password: Option<&'a str>,
}

/// `Runtime.bindingCalled`: the page called a function of [`AddBinding`].
#[derive(Debug, Deserialize)]
pub(crate) struct BindingCalled<'a> {
    #[serde(borrow)]
    pub(crate) payload: Cow<'a, str>,
}

/// `Page.javascriptDialogOpening`.
#[derive(Debug, Deserialize)]
pub(crate) struct DialogOpening<'a> {
    /// `alert`, `confirm`, `prompt` or `beforeunload`.
    #[serde(rename = "type", borrow)]
    pub(crate) kind: Cow<'a, str>,
}

/// `Target.targetCreated`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TargetCreated {
    pub(crate) target_info: TargetInfo,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TargetInfo {
    pub(crate) target_id: String,
    pub(crate) url: String,
    /// The tab that opened it.
    pub(crate) opener_id: Option<String>,
}

/// `Fetch.authRequired` and `Fetch.requestPaused`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FetchPaused {
    pub(crate) request_id: String,
    pub(crate) auth_challenge: Option<AuthChallenge>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct AuthChallenge {
    /// `Proxy` or `Server`.
    pub(crate) source: Option<String>,
}

/// `Target.detachedFromTarget`: a tab that we speak to is gone.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Detached {
    pub(crate) session_id: String,
}
