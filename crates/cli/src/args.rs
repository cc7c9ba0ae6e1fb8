//! The command line: what there is to do, and the options that everything shares.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{BoolishValueParser, TypedValueParser};
use clap::{ArgAction, Parser, Subcommand, ValueHint};
use lenore::{Poe, PoeBuilder, Program, Result, SavedSession, Site, WebDriver, split_temporary};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ask::AskArgs;
use crate::chat::ChatArgs;
use crate::completions::CompletionsArgs;
use crate::config::ConfigArgs;
use crate::demo::DemoArgs;
use crate::doctor::DoctorArgs;
use crate::keys::KeysArgs;
use crate::login::LoginArgs;
use crate::logout::LogoutArgs;
use crate::logs::LogsArgs;
use crate::man::ManArgs;
use crate::mcp::McpArgs;
use crate::models::ModelsArgs;
use crate::paths::invalid;
use crate::profiles::ProfilesArgs;
use crate::provider::Which;
use crate::serve::{ServeArgs, ServeSettings};
use crate::sim::SimArgs;
use crate::values::{positive, seconds, some_seconds};

/// Your Poe subscription as a stream: ask the bots of your account through your own browser
#[derive(Debug, Parser)]
#[command(
    name = "lenore",
    version,
    subcommand_required = true,
    arg_required_else_help = true,
    disable_help_flag = true,
    after_help = "Examples:\n  \
        lenore demo                            see it work, without an account\n  \
        lenore login                           sign in once, in a window\n  \
        lenore ask -m gpt-4 \"Why is a raven like a writing desk?\"\n  \
        git diff | lenore ask \"Review this\"    the prompt is the arguments, then stdin\n  \
        lenore ask -c \"And why?\"               go on in the last chat\n\n\
        Exit codes: 0 done, 2 bad request, 3 unknown model, 4 not signed in, 5 limits, 6 prompt or \
        file refused, 7 the bot failed, 8 the site has changed, 9 answer lost or late, 10 network, \
        11 browser, 130 stopped; 1 the output cannot be written.\n\n\
        Lenore is not affiliated with Poe or Quora."
)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) shared: Shared,

    /// Say more on stderr; repeat for more still
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = None::<&str>)]
    pub(crate) verbose: u8,

    /// Print help
    #[arg(short, long, global = true, action = ArgAction::HelpShort, help_heading = None::<&str>)]
    help: Option<bool>,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What there is to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Ask a bot; the answer goes to stdout as it comes
    Ask(AskArgs),
    /// Talk with a bot, line by line
    Chat(ChatArgs),
    /// See it work: a local site, a throw-away profile, no account
    Demo(DemoArgs),
    /// Sign in to the site, once
    Login(LoginArgs),
    /// Forget the session of a profile
    Logout(LogoutArgs),
    /// List the profiles, one for each account
    Profiles(ProfilesArgs),
    /// List the models that have a name here
    Models(ModelsArgs),
    /// Look at what was asked and answered before
    Logs(LogsArgs),
    /// Show the settings, and where each comes from
    Config(ConfigArgs),
    /// Check each step of the way to an answer
    Doctor(DoctorArgs),
    /// Serve any OpenAI or Anthropic client over HTTP
    Serve(ServeArgs),
    /// Make and revoke the keys of `serve`
    Keys(KeysArgs),
    /// Serve the bots as tools of agents, over stdio (MCP)
    Mcp(McpArgs),
    /// Run the local site alone, for trying and testing
    Sim(SimArgs),
    /// Write a completion script for a shell
    Completions(CompletionsArgs),
    /// Write the manual page
    Man(ManArgs),
}

/// The browsers that can be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// Chromium, Chrome or Edge
    Chromium,
    /// Firefox, by way of a geckodriver
    Firefox,
}

impl Kind {
    fn program(self) -> Program {
        match self {
            Self::Chromium => Program::Chromium,
            Self::Firefox => Program::Firefox,
        }
    }
}

/// What a WebDriver's session has to be. It may hold secrets, and clap repeats what a simpler parser
/// refuses.
#[derive(Clone)]
struct Capabilities;

impl TypedValueParser for Capabilities {
    type Value = Map<String, Value>;

    fn parse_ref(
        &self,
        command: &clap::Command,
        _: Option<&clap::Arg>,
        value: &OsStr,
    ) -> std::result::Result<Self::Value, clap::Error> {
        serde_json::from_slice(value.as_encoded_bytes()).map_err(|_| {
            let message = "--webdriver-capabilities, or LENORE_WEBDRIVER_CAPABILITIES, is no \
                           object of JSON, such as '{\"browserName\": \"firefox\"}'\n";
            clap::Error::raw(clap::error::ErrorKind::ValueValidation, message).with_cmd(command)
        })
    }
}

/// The settings: each an option, a variable of the environment and a key of the settings' file,
/// in this order. Names for models and what `serve` does are the file's tables.
#[derive(Clone, Debug, Default, PartialEq, clap::Args, Deserialize, Serialize)]
#[command(next_help_heading = "Browser and site")]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Shared {
    /// The settings' file [default: config.toml in your config directory]
    #[arg(long, global = true, value_name = "FILE", env = "LENORE_CONFIG")]
    #[arg(help_heading = "Settings", value_hint = ValueHint::FilePath)]
    #[serde(skip)]
    pub(crate) config: Option<PathBuf>,

    /// The model where none is named
    #[arg(skip)]
    pub(crate) model: Option<String>,

    /// The profile of an account, by its name [default: default]
    #[arg(long, global = true, value_name = "NAME", env = "LENORE_PROFILE")]
    #[arg(help_heading = "Settings", value_hint = ValueHint::Other)]
    pub(crate) profile: Option<String>,

    /// Where answers come from: the site, through your browser, or Poe's official API, with the key
    /// in `POE_API_KEY`; `poe-api/<Handle>` as the model means the API too [default: poe]
    #[arg(long, global = true, value_name = "NAME", env = "LENORE_PROVIDER")]
    #[arg(help_heading = "Settings")]
    pub(crate) provider: Option<Which>,

    /// The official API's address, for tests
    #[arg(long, global = true, value_name = "URL", env = "LENORE_POE_API_URL", hide = true)]
    #[serde(skip)]
    pub(crate) poe_api_url: Option<String>,

    /// Whether exchanges are kept in the log
    #[arg(skip)]
    pub(crate) log: Option<bool>,

    /// Keep nothing of this in the log
    #[arg(long, global = true, env = "LENORE_NO_LOG", value_parser = BoolishValueParser::new())]
    #[arg(help_heading = "Settings")]
    #[serde(skip)]
    pub(crate) no_log: bool,

    /// Print answers on a terminal as they are, without formatting
    #[arg(long, global = true, env = "LENORE_PLAIN", value_parser = BoolishValueParser::new())]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    #[arg(help_heading = "Settings", value_name = "BOOL")]
    pub(crate) plain: Option<bool>,

    /// The site's address [default: `https://poe.com`]
    #[arg(long, global = true, value_name = "URL", env = "LENORE_SITE")]
    pub(crate) site: Option<String>,

    /// A TOML file with newer facts of the site [default: site.toml in your config directory]
    #[arg(long, global = true, value_name = "FILE", env = "LENORE_SITE_FILE")]
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) site_file: Option<PathBuf>,

    /// The browser's profile, in place of one with a name
    #[arg(long, global = true, value_name = "DIR", env = "LENORE_USER_DATA_DIR")]
    #[arg(value_hint = ValueHint::DirPath)]
    pub(crate) user_data_dir: Option<PathBuf>,

    /// Show the browser's window
    #[arg(long, global = true, env = "LENORE_HEADED", value_parser = BoolishValueParser::new())]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    #[arg(value_name = "BOOL")]
    pub(crate) headed: Option<bool>,

    /// Forward proxy: `http://[user:password@]host:port`, `https://…`, `socks5://…`, or `direct` for
    /// none [default: the one that `HTTPS_PROXY` or `ALL_PROXY` names]
    #[arg(long, global = true, value_name = "URL", env = "LENORE_PROXY", hide_env_values = true)]
    pub(crate) proxy: Option<String>,

    /// Hosts to ask past the proxy, with commas between: `example.org`, `*.example.org`,
    /// `host:port`, `192.0.2.0/24`, `<local>` [default: those of `NO_PROXY`, for a proxy of the
    /// environment]
    #[arg(long, global = true, value_name = "HOSTS", env = "LENORE_PROXY_BYPASS")]
    pub(crate) proxy_bypass: Option<String>,

    /// Which browser is started; each has its own profiles [default: chromium]
    #[arg(long, global = true, value_name = "NAME", env = "LENORE_BROWSER")]
    pub(crate) browser: Option<Kind>,

    /// The browser's program [default: the one that is found]
    #[arg(long, global = true, value_name = "PATH", env = "LENORE_BROWSER_BINARY")]
    #[arg(value_hint = ValueHint::ExecutablePath)]
    pub(crate) browser_binary: Option<PathBuf>,

    /// The geckodriver that drives a Firefox [default: the one that is found]
    #[arg(long, global = true, value_name = "PATH", env = "LENORE_BROWSER_DRIVER")]
    #[arg(value_hint = ValueHint::ExecutablePath)]
    pub(crate) browser_driver: Option<PathBuf>,

    /// A further switch for the browser's command line; repeatable, but for the variable
    #[arg(long, global = true, value_name = "SWITCH", allow_hyphen_values = true)]
    #[arg(env = "LENORE_BROWSER_ARG", hide_env_values = true)]
    pub(crate) browser_arg: Vec<String>,

    /// Use a running Chrome, by its DevTools address, such as http://127.0.0.1:9222
    #[arg(long, global = true, value_name = "URL", env = "LENORE_CDP", hide_env_values = true)]
    pub(crate) cdp: Option<String>,

    /// Use a WebDriver's browsers: a chromedriver's, a geckodriver's, a Selenium Grid's
    #[arg(long, global = true, value_name = "URL", env = "LENORE_WEBDRIVER")]
    #[arg(hide_env_values = true)]
    pub(crate) webdriver: Option<String>,

    /// Use a session that runs there already, and leave it open
    #[arg(long, global = true, value_name = "ID", env = "LENORE_WEBDRIVER_SESSION")]
    pub(crate) webdriver_session: Option<String>,

    /// What a session there has to be, such as '{"browserName": "firefox"}'
    #[arg(long, global = true, value_name = "JSON", env = "LENORE_WEBDRIVER_CAPABILITIES")]
    #[arg(hide_env_values = true, value_parser = Capabilities)]
    pub(crate) webdriver_capabilities: Option<Map<String, Value>>,

    /// How many chats a session there holds before another is opened [default: 4]
    #[arg(long, global = true, value_name = "N", env = "LENORE_CHATS_PER_SESSION")]
    #[arg(value_parser = positive::<NonZeroUsize>)]
    pub(crate) chats_per_session: Option<NonZeroUsize>,

    /// The sign-in of sessions there: a file that `lenore login --export` wrote
    #[arg(long, global = true, value_name = "FILE", env = "LENORE_COOKIES")]
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) cookies: Option<PathBuf>,

    /// The longest silence of the site that is borne, in seconds [default: 120]
    #[arg(long, global = true, value_name = "SECONDS", env = "LENORE_TIMEOUT")]
    #[arg(value_parser = some_seconds::<NonZeroU64>)]
    pub(crate) timeout: Option<NonZeroU64>,

    /// How many answers can be under way at once [default: 8]
    #[arg(long, global = true, value_name = "N", env = "LENORE_MAX_CHATS")]
    #[arg(value_parser = positive::<NonZeroUsize>)]
    pub(crate) max_chats: Option<NonZeroUsize>,

    /// How long a question waits that the site puts off for its pace, in seconds [default: 60]
    #[arg(long, global = true, value_name = "SECONDS", env = "LENORE_PATIENCE")]
    #[arg(value_parser = seconds::<u64>)]
    pub(crate) patience: Option<u64>,

    /// Names of your own for models
    #[arg(skip)]
    pub(crate) aliases: BTreeMap<String, String>,

    /// What `lenore serve` does where its own options say nothing
    #[arg(skip)]
    pub(crate) serve: ServeSettings,
}

impl Shared {
    /// The longest silence of the site that is borne, where nobody says another, in seconds.
    pub(crate) const TIMEOUT: u64 = 120;
    /// How many answers can be under way at once, where nobody says otherwise.
    pub(crate) const MAX_CHATS: usize = 8;
    /// How long a question waits that is put off, where nobody says otherwise, in seconds.
    pub(crate) const PATIENCE: u64 = 60;
    /// How many chats a WebDriver's session holds, where nobody says otherwise.
    pub(crate) const CHATS_PER_SESSION: usize = 4;

    /// The longest silence of the site that is borne.
    pub(crate) fn silence(&self) -> Duration {
        Duration::from_secs(self.timeout.map_or(Self::TIMEOUT, NonZeroU64::get))
    }

    /// The provider's options.
    pub(crate) fn builder(self) -> Result<PoeBuilder> {
        let mut builder = Poe::builder()
            .site(Site::load(self.site_file.as_deref())?)
            .headless(!self.headed.unwrap_or(false))
            .proxy_from_env()
            .max_chats(self.max_chats.map_or(Self::MAX_CHATS, NonZeroUsize::get))
            .patience(Duration::from_secs(self.patience.unwrap_or(Self::PATIENCE)))
            .timeout(self.silence());
        if let Some(webdriver) = self.webdriver()? {
            builder = builder.webdriver(webdriver);
        }
        if let Some(url) = self.site {
            builder = builder.url(url);
        }
        if let Some(directory) = self.user_data_dir {
            builder = builder.user_data_dir(directory);
        }
        if let Some(proxy) = self.proxy {
            builder = builder.proxy(proxy);
        }
        if let Some(hosts) = self.proxy_bypass {
            builder = builder.proxy_bypass(hosts);
        }
        if let Some(kind) = self.browser {
            builder = builder.browser(kind.program());
        }
        if let Some(program) = self.browser_binary {
            builder = builder.browser_binary(program);
        }
        if let Some(driver) = self.browser_driver {
            builder = builder.browser_driver(driver);
        }
        if let Some(address) = self.cdp {
            builder = builder.cdp(address);
        }
        Ok(self.browser_arg.into_iter().fold(builder, PoeBuilder::browser_arg))
    }

    /// The service whose browsers are used, where one is named.
    fn webdriver(&self) -> Result<Option<WebDriver>> {
        let Some(url) = &self.webdriver else {
            let alone = [
                ("--webdriver-session", self.webdriver_session.is_some()),
                ("--webdriver-capabilities", self.webdriver_capabilities.is_some()),
                ("--chats-per-session", self.chats_per_session.is_some()),
                ("--cookies", self.cookies.is_some()),
            ];
            return match alone.into_iter().find(|(_, is_given)| *is_given) {
                Some((option, _)) => Err(invalid(format!(
                    "{option} is for a WebDriver; name its address with --webdriver URL"
                ))),
                None => Ok(None),
            };
        };
        let mut webdriver = WebDriver::new(url);
        webdriver.session.clone_from(&self.webdriver_session);
        webdriver.capabilities = self.webdriver_capabilities.clone().unwrap_or_default();
        webdriver.chats_per_session =
            self.chats_per_session.map_or(Self::CHATS_PER_SESSION, NonZeroUsize::get);
        webdriver.cookies = self.cookies.as_deref().map(SavedSession::load).transpose()?;
        Ok(Some(webdriver))
    }

    /// Which browser is started.
    pub(crate) fn program(&self) -> Program {
        self.browser.map(Kind::program).unwrap_or_default()
    }

    /// The model that a caller means: aliases are looked up, and the settings' model stands for
    /// none. Empty means the provider's default.
    pub(crate) fn resolve(&self, named: Option<&str>) -> String {
        let full = named.or(self.model.as_deref()).unwrap_or_default();
        let (mut name, is_temporary) = split_temporary(full);
        // An alias may stand for another one, and none for itself in the end.
        for _ in 0..self.aliases.len() {
            let Some(model) = self.aliases.get(name) else { break };
            name = model;
        }
        if is_temporary { format!("{name}:temporary") } else { name.to_owned() }
    }
}
