//! The settings: what the file, the environment and the command line say, put together.

mod command;
mod file;
mod mistake;

use clap::ArgMatches;
use clap::parser::ValueSource;
use lenore::{Error, Result, Site};

pub(crate) use self::command::{ConfigArgs, run};
use crate::args::Shared;
use crate::paths::invalid;
use crate::profiles;

/// Where a setting comes from. What comes later counts for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    /// Nobody has said anything.
    Default,
    /// The settings' file.
    File,
    /// A variable of the environment.
    Environment,
    /// An option on the command line.
    CommandLine,
}

/// The settings of this run: the command line's, with those of the file where it says nothing.
///
/// # Errors
/// [`lenore::ErrorKind::InvalidRequest`] for a file that cannot be used, for a profile that is
/// named twice, and for what cannot be a profile's name or a site's address.
pub(crate) fn settle(given: Shared, matches: &ArgMatches) -> Result<Shared> {
    let file = file::read(&given)?;
    let path = file::path(&given);
    let origins = Origins { matches, file: &file };
    let mut shared = origins.merge(given)?;
    let at = |key: &str, error: Error| match (origins.of(key), &path) {
        (Origin::File, Ok(path)) => invalid(format!("{}: {error}", file::place(path, key))),
        (Origin::Environment, _) => invalid(format!("LENORE_{}: {error}", key.to_uppercase())),
        _ => error,
    };
    if let Some(name) = &shared.profile {
        let directory = profiles::directory(name, shared.program());
        shared.user_data_dir = Some(directory.map_err(|error| at("profile", error))?);
    }
    if let Some(url) = &shared.site {
        Site::poe().set_url(url).map_err(|error| at("site", error))?;
    }
    Ok(shared)
}

/// Tells where each setting comes from.
struct Origins<'a> {
    matches: &'a ArgMatches,
    file: &'a Shared,
}

impl Origins<'_> {
    /// Puts the settings together.
    fn merge(&self, given: Shared) -> Result<Shared> {
        let given = Shared { model: given.model.or_else(model_of_environment), ..given };
        let mut shared = given.or(self.file.clone());
        self.choose_browser(&mut shared)?;
        Ok(shared)
    }

    /// By the setting's name, which is also its option's.
    fn of(&self, name: &str) -> Origin {
        if name == "log" && self.matches.get_flag("no_log") {
            return self.of("no_log");
        }
        // Its options belong to commands, and count for more than what a template says.
        if name == "model" && model_of_environment().is_some() {
            return Origin::Environment;
        }
        let option = self.matches.try_contains_id(name).is_ok();
        match option.then(|| self.matches.value_source(name)).flatten() {
            Some(ValueSource::CommandLine) => Origin::CommandLine,
            Some(ValueSource::EnvVariable) => Origin::Environment,
            _ if file::names(self.file, name) => Origin::File,
            _ => Origin::Default,
        }
    }

    /// What is said of a browser counts for the one that is named there, or further away; what was
    /// said before another was named belonged to that one's place.
    fn leave_out_what_belongs_elsewhere(&self, shared: &mut Shared) {
        let named = |is_given: bool, name| if is_given { self.of(name) } else { Origin::Default };
        let service = named(shared.webdriver.is_some(), "webdriver");
        let running = service.max(named(shared.cdp.is_some(), "cdp"));
        shared.browser.take_if(|_| self.of("browser") < running);
        let browser = running.max(named(shared.browser.is_some(), "browser"));
        shared.browser_binary.take_if(|_| self.of("browser_binary") < browser);
        shared.browser_driver.take_if(|_| self.of("browser_driver") < browser);
        if self.of("browser_arg") < browser {
            shared.browser_arg.clear();
        }
        shared.webdriver_session.take_if(|_| self.of("webdriver_session") < service);
        let session = named(shared.webdriver_session.is_some(), "webdriver_session");
        shared.browser.take_if(|_| self.of("browser") < session);
        shared.webdriver_capabilities.take_if(|_| self.of("webdriver_capabilities") < session);
        shared.chats_per_session.take_if(|_| self.of("chats_per_session") < session);
        shared.cookies.take_if(|_| self.of("cookies") < session);
        // What runs already keeps its window and its proxy.
        let kept = session.max(named(shared.cdp.is_some(), "cdp"));
        shared.headed.take_if(|_| self.of("headed") < kept);
        shared.proxy.take_if(|_| self.of("proxy") < kept);
        shared.proxy_bypass.take_if(|_| self.of("proxy_bypass") < kept);
    }

    /// Which browser and profile are meant can be said in several ways. The way that is said
    /// nearest to the question counts, and the others are left out.
    fn choose_browser(&self, shared: &mut Shared) -> Result<()> {
        let ways = ["profile", "user_data_dir", "cdp", "webdriver"];
        let nearest = ways.map(|way| self.of(way)).into_iter().max().unwrap_or(Origin::Default);
        let counts = |way| self.of(way) == nearest;
        let had_webdriver = shared.webdriver.is_some();
        shared.profile.take_if(|_| !counts("profile"));
        shared.user_data_dir.take_if(|_| !counts("user_data_dir"));
        shared.cdp.take_if(|_| !counts("cdp") || self.of("browser") > nearest);
        shared.webdriver.take_if(|_| !counts("webdriver"));
        if had_webdriver && shared.webdriver.is_none() {
            shared.webdriver_session = None;
            shared.webdriver_capabilities = None;
            shared.chats_per_session = None;
            shared.cookies = None;
        }
        self.leave_out_what_belongs_elsewhere(shared);
        if shared.profile.is_some() && shared.user_data_dir.is_some() {
            return Err(invalid(
                "the profile is named twice; give either --profile or --user-data-dir",
            ));
        }
        if shared.profile.is_some() && (shared.cdp.is_some() || shared.webdriver.is_some()) {
            return Err(invalid(
                "a running browser keeps its own profile; leave out either --profile, or --cdp and \
                 --webdriver",
            ));
        }
        Ok(())
    }
}

/// The model that the environment names where nobody else does.
fn model_of_environment() -> Option<String> {
    std::env::var("LENORE_MODEL").ok().filter(|model| !model.is_empty())
}

impl Shared {
    /// These settings, with others where they say nothing.
    fn or(self, other: Self) -> Self {
        let first = |these: Vec<String>, others| if these.is_empty() { others } else { these };
        Self {
            config: self.config,
            model: self.model.or(other.model),
            profile: self.profile.or(other.profile),
            provider: self.provider.or(other.provider),
            poe_api_url: self.poe_api_url,
            log: self.no_log.then_some(false).or(other.log),
            no_log: self.no_log,
            plain: self.plain.or(other.plain),
            site: self.site.or(other.site),
            site_file: self.site_file.or(other.site_file),
            user_data_dir: self.user_data_dir.or(other.user_data_dir),
            headed: self.headed.or(other.headed),
            proxy: self.proxy.or(other.proxy),
            proxy_bypass: self.proxy_bypass.or(other.proxy_bypass),
            browser: self.browser.or(other.browser),
            browser_binary: self.browser_binary.or(other.browser_binary),
            browser_driver: self.browser_driver.or(other.browser_driver),
            browser_arg: first(self.browser_arg, other.browser_arg),
            cdp: self.cdp.or(other.cdp),
            webdriver: self.webdriver.or(other.webdriver),
            webdriver_session: self.webdriver_session.or(other.webdriver_session),
            webdriver_capabilities: self.webdriver_capabilities.or(other.webdriver_capabilities),
            chats_per_session: self.chats_per_session.or(other.chats_per_session),
            cookies: self.cookies.or(other.cookies),
            timeout: self.timeout.or(other.timeout),
            max_chats: self.max_chats.or(other.max_chats),
            patience: self.patience.or(other.patience),
            aliases: other.aliases,
            serve: other.serve,
        }
    }
}
