//! What a session of our own is asked for.

use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::geckodriver::Geckodriver;
use super::service::Service;
use crate::chromium::{proxy_switches, switches};
use crate::{Error, ErrorKind, LaunchOptions, Proxy, Result, WebDriverOptions};

/// The preferences of Firefox that go with every session.
const FIREFOX_PREFERENCES: &[(&str, Preference)] = &[
    // Tabs that nobody looks at go on at full speed.
    ("dom.timeout.enable_budget_timer_throttling", Preference::Is(false)),
    ("dom.min_background_timeout_value", Preference::Number(4)),
    ("dom.ipc.processPriorityManager.enabled", Preference::Is(false)),
    ("widget.windows.window_occlusion_tracking.enabled", Preference::Is(false)),
    // Nothing of the browser's own goes out to its maker.
    ("app.update.auto", Preference::Is(false)),
    ("browser.safebrowsing.downloads.remote.enabled", Preference::Is(false)),
    ("datareporting.policy.dataSubmissionEnabled", Preference::Is(false)),
    ("toolkit.telemetry.unified", Preference::Is(false)),
];

#[derive(Clone, Copy)]
enum Preference {
    Is(bool),
    Number(i32),
}

/// How long a service may take to say what it is.
const STATUS: Duration = Duration::from_secs(10);

/// What kind of browser a session has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Chromium,
    Firefox,
    Other,
}

impl Kind {
    fn named(name: &str) -> Self {
        match name.to_ascii_lowercase().as_str() {
            "chrome" | "chromium" | "chrome-headless-shell" | "microsoftedge" | "msedge" => {
                Self::Chromium
            }
            "firefox" => Self::Firefox,
            _ => Self::Other,
        }
    }
}

/// What a service is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    /// What its browsers are, as far as that is asked for or can be told.
    pub(super) kind: Kind,
    /// Whether it holds one session, and no other beside it.
    pub(super) holds_one: bool,
}

impl Facts {
    pub(super) async fn of(service: &Service, options: &WebDriverOptions) -> Result<Self> {
        let status = service.status(options.wait.min(STATUS)).await?;
        let says = status["message"].as_str().unwrap_or_default();
        let is_chromedriver = says.starts_with("ChromeDriver");
        // It says no more than whether it is free.
        let is_geckodriver = status.as_object().is_some_and(|fields| {
            !is_chromedriver && fields.keys().all(|key| key == "message" || key == "ready")
        });
        let name = options.capabilities.get("browserName").and_then(Value::as_str);
        let kind = match name {
            Some(name) => Kind::named(name),
            None if is_chromedriver => Kind::Chromium,
            None if is_geckodriver => Kind::Firefox,
            None => Kind::Other,
        };
        Ok(Self { kind, holds_one: is_geckodriver })
    }
}

/// The capabilities of a session, the caller's first.
pub(super) fn wanted(
    options: &WebDriverOptions,
    kind: Kind,
    is_here: bool,
    proxy: Option<&Proxy>,
) -> Result<Value> {
    let mut wanted = options.capabilities.clone();
    wanted.insert("webSocketUrl".to_owned(), json!(true));
    // The attendant answers them.
    wanted.entry("unhandledPromptBehavior").or_insert(json!("ignore"));
    let proxy = proxy.filter(|_| !wanted.contains_key("proxy"));
    match kind {
        Kind::Chromium => {
            let is_edge = wanted
                .get("browserName")
                .and_then(Value::as_str)
                .is_some_and(|name| name.to_ascii_lowercase().contains("edge"));
            let name = if is_edge { "ms:edgeOptions" } else { "goog:chromeOptions" };
            let switches = switches(options.headless, is_here).into_iter().map(str::to_owned);
            let of_proxy = proxy.map(proxy_switches).into_iter().flatten();
            add_arguments(&mut wanted, name, switches.chain(of_proxy))?;
        }
        Kind::Firefox => {
            let name = "moz:firefoxOptions";
            let headless = options.headless.then(|| "-headless".to_owned());
            add_arguments(&mut wanted, name, headless)?;
            if let Some(options) = wanted.get_mut(name).and_then(Value::as_object_mut) {
                add_preferences(options, proxy);
            }
        }
        Kind::Other => {}
    }
    if let Some(proxy) = proxy.filter(|_| kind != Kind::Chromium) {
        wanted.insert("proxy".to_owned(), manual(proxy)?);
    }
    Ok(Value::Object(wanted))
}

/// The capabilities of a Firefox of our own.
pub(super) fn of_firefox(
    options: &LaunchOptions,
    driver: &Geckodriver,
    proxy: Option<&Proxy>,
) -> Result<Value> {
    let path = |path: &Path| {
        path.to_str().map(str::to_owned).ok_or_else(|| {
            let message = format!("the name {} is not Unicode", path.display());
            Error::new(ErrorKind::InvalidOption, message)
        })
    };
    let mut arguments = vec!["-profile".to_owned(), path(driver.profile())?];
    if options.headless {
        arguments.push("-headless".to_owned());
    }
    arguments.extend(options.args.iter().cloned());
    let mut firefox = Map::new();
    firefox.insert("binary".to_owned(), json!(path(driver.browser())?));
    firefox.insert("args".to_owned(), json!(arguments));
    add_preferences(&mut firefox, proxy);
    let mut wanted = json!({
        "webSocketUrl": true,
        "unhandledPromptBehavior": "ignore",
        "moz:firefoxOptions": firefox,
    });
    if let Some(proxy) = proxy {
        wanted["proxy"] = manual(proxy)?;
    }
    Ok(wanted)
}

/// Adds to the switches of a browser's own options, after the caller's.
fn add_arguments(
    wanted: &mut Map<String, Value>,
    name: &str,
    switches: impl IntoIterator<Item = String>,
) -> Result<()> {
    let misfit = || {
        Error::new(ErrorKind::InvalidOption, format!("the capability {name} is no table with args"))
    };
    let options = wanted.entry(name).or_insert_with(|| json!({}));
    let options = options.as_object_mut().ok_or_else(misfit)?;
    let arguments = options.entry("args").or_insert_with(|| json!([]));
    let arguments = arguments.as_array_mut().ok_or_else(misfit)?;
    for switch in switches {
        if !arguments.contains(&json!(switch)) {
            arguments.push(json!(switch));
        }
    }
    Ok(())
}

/// Adds Firefox's preferences to its options, but for those that the caller set.
fn add_preferences(options: &mut Map<String, Value>, proxy: Option<&Proxy>) {
    let preferences = options.entry("prefs").or_insert_with(|| json!({}));
    let Some(preferences) = preferences.as_object_mut() else { return };
    if let Some(proxy) = proxy {
        // Else addresses of this machine would go round it.
        let all = json!(!proxy.bypass().has_loopback());
        preferences.entry("network.proxy.allow_hijacking_localhost").or_insert(all);
        // The names of hosts are left to a SOCKS proxy.
        preferences.entry("network.proxy.socks_remote_dns").or_insert(json!(true));
    }
    for (name, value) in FIREFOX_PREFERENCES {
        let value = match value {
            Preference::Is(value) => json!(value),
            Preference::Number(value) => json!(value),
        };
        preferences.entry(*name).or_insert(value);
    }
}

/// A proxy as WebDriver takes it.
fn manual(proxy: &Proxy) -> Result<Value> {
    let (scheme, address) = proxy.server().split_once("://").unwrap_or(("http", proxy.server()));
    let mut manual = json!({ "proxyType": "manual" });
    match scheme {
        "http" => {
            manual["httpProxy"] = json!(address);
            manual["sslProxy"] = json!(address);
        }
        "socks4" | "socks5" => {
            manual["socksProxy"] = json!(address);
            manual["socksVersion"] = json!(if scheme == "socks4" { 4 } else { 5 });
        }
        _ => {
            let message = "WebDriver knows no proxy with TLS to the proxy itself; name one by \
                           http:// or socks5://, or start the browser without WebDriver";
            return Err(Error::new(ErrorKind::InvalidOption, message));
        }
    }
    let past = proxy.bypass().for_webdriver();
    if !past.is_empty() {
        manual["noProxy"] = json!(past);
    }
    Ok(manual)
}
