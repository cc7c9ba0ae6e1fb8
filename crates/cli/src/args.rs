//! The command line, checked once.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Parser, Subcommand};
use lenore::{Poe, PoeBuilder, Result, Site, WebDriver};

/// Your Poe subscription as a stream: ask the bots of your account through your own browser.
///
/// Lenore is not affiliated with Poe or Quora.
#[derive(Debug, Parser)]
#[command(
    name = "lenore",
    version,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Examples:\n  \
        lenore demo                            see it work, without an account\n  \
        lenore login                           sign in once, in a window\n  \
        lenore ask -m gpt-4 \"Why is a raven like a writing desk?\"\n  \
        git diff | lenore ask \"Review this\"    the prompt is the arguments, then stdin\n\n\
        Exit codes: 0 done, 2 bad request, 3 unknown model, 4 not signed in, 5 limits, 6 prompt or \
        file refused, 7 the bot failed, 8 the site has changed, 9 answer lost or late, 10 network, \
        11 browser, 130 stopped."
)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) shared: Shared,

    /// Say more on stderr; repeat for more still
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What there is to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Ask a bot; the answer goes to stdout as it comes
    Ask(AskArgs),
    /// See it work: a local site, a throw-away profile, no account
    Demo(DemoArgs),
    /// Run the local site alone, for trying and testing
    Sim(SimArgs),
    /// List the models that have a name here
    Models(ModelsArgs),
    /// Sign in to the site, once
    Login(LoginArgs),
    /// Check each step of the way to an answer
    Doctor(DoctorArgs),
}

/// Options of everything that needs the site.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Browser and site")]
pub(crate) struct Shared {
    /// The site's address
    #[arg(long, global = true, value_name = "URL", env = "LENORE_SITE")]
    pub(crate) site: Option<String>,

    /// A TOML file with newer facts of the site [default: site.toml in your config directory]
    #[arg(long, global = true, value_name = "FILE", env = "LENORE_SITE_FILE")]
    pub(crate) site_file: Option<PathBuf>,

    /// The browser's profile [default: lenore/profiles/default in your data directory]
    #[arg(long, global = true, value_name = "DIR", env = "LENORE_USER_DATA_DIR")]
    pub(crate) user_data_dir: Option<PathBuf>,

    /// Show the browser's window
    #[arg(long, global = true, env = "LENORE_HEADED")]
    pub(crate) headed: bool,

    /// Forward proxy: `http://[user:password@]host:port`, `https://…` or `socks5://host:port`
    #[arg(long, global = true, value_name = "URL", env = "LENORE_PROXY", hide_env_values = true)]
    pub(crate) proxy: Option<String>,

    /// The browser's program [default: a Chromium that is found]
    #[arg(long, global = true, value_name = "PATH", env = "LENORE_BROWSER_BINARY")]
    pub(crate) browser_binary: Option<PathBuf>,

    /// A further switch for the browser's command line; repeatable
    #[arg(long, global = true, value_name = "SWITCH", allow_hyphen_values = true)]
    pub(crate) browser_arg: Vec<String>,

    /// Use a running Chrome, by its DevTools address, such as http://127.0.0.1:9222
    #[arg(long, global = true, value_name = "URL", env = "LENORE_CDP")]
    pub(crate) cdp: Option<String>,

    /// Use a WebDriver's browser
    #[arg(long, global = true, value_name = "URL", env = "LENORE_WEBDRIVER")]
    pub(crate) webdriver: Option<String>,

    /// The longest silence of the site that is borne, in seconds
    #[arg(
        long,
        global = true,
        value_name = "SECONDS",
        env = "LENORE_TIMEOUT",
        default_value_t = 120
    )]
    pub(crate) timeout: u64,
}

impl Shared {
    /// The provider's options.
    pub(crate) fn builder(self) -> Result<PoeBuilder> {
        let mut builder = Poe::builder()
            .site(Site::load(self.site_file.as_deref())?)
            .headless(!self.headed)
            .timeout(Duration::from_secs(self.timeout.max(1)));
        if let Some(url) = self.site {
            builder = builder.url(url);
        }
        if let Some(directory) = self.user_data_dir {
            builder = builder.user_data_dir(directory);
        }
        if let Some(proxy) = self.proxy {
            builder = builder.proxy(proxy);
        }
        if let Some(program) = self.browser_binary {
            builder = builder.browser_binary(program);
        }
        if let Some(address) = self.cdp {
            builder = builder.cdp(address);
        }
        if let Some(url) = self.webdriver {
            builder = builder.webdriver(WebDriver { url, session: None });
        }
        Ok(self.browser_arg.into_iter().fold(builder, PoeBuilder::browser_arg))
    }
}

/// `lenore ask`
#[derive(Debug, clap::Args)]
pub(crate) struct AskArgs {
    /// The prompt; what comes on stdin follows it
    pub(crate) prompt: Vec<String>,

    /// The model: a name of `lenore models`, or `poe/<Handle>` for any bot of the site
    #[arg(short, long, default_value = "", hide_default_value = true, value_name = "NAME")]
    pub(crate) model: String,

    /// Instructions that come before the prompt
    #[arg(long, value_name = "TEXT")]
    pub(crate) system: Option<String>,

    /// A file to send along; repeatable
    #[arg(short, long, value_name = "FILE")]
    pub(crate) file: Vec<PathBuf>,

    /// Go on in a chat, by the code at the end of its address
    #[arg(long, value_name = "CODE")]
    pub(crate) chat: Option<String>,

    /// Print the answer at its end, in one piece
    #[arg(long)]
    pub(crate) no_stream: bool,

    /// Print one JSON object a line for every event
    #[arg(long)]
    pub(crate) json: bool,
}

/// `lenore demo`
#[derive(Debug, clap::Args)]
pub(crate) struct DemoArgs {
    /// What to ask
    pub(crate) prompt: Vec<String>,
}

/// `lenore sim`
#[derive(Debug, clap::Args)]
pub(crate) struct SimArgs {
    /// The port on 127.0.0.1; 0 takes any free one
    #[arg(long, default_value_t = 8765)]
    pub(crate) port: u16,

    /// Decides the texts of the answers
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
}

/// `lenore models`
#[derive(Debug, clap::Args)]
pub(crate) struct ModelsArgs {
    /// Print one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

/// `lenore login`
#[derive(Debug, clap::Args)]
pub(crate) struct LoginArgs {
    /// Only say whether the profile is signed in
    #[arg(long, conflicts_with = "email")]
    pub(crate) check: bool,

    /// Sign in without a window: the site mails a code to this address, which you then type here
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) email: Option<String>,
}

/// `lenore doctor`
#[derive(Debug, clap::Args)]
pub(crate) struct DoctorArgs {
    /// Also ask the default bot a short question, which costs a message
    #[arg(long)]
    pub(crate) ask: bool,

    /// Write the bundle even where nothing fails: what was found, to show to others
    #[arg(long)]
    pub(crate) bundle: bool,

    /// Where the bundle's directory is put [default: the current directory]
    #[arg(long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,

    /// Print one JSON object a line for every check
    #[arg(long)]
    pub(crate) json: bool,
}
