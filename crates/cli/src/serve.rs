//! `lenore serve`: the bots behind an address that any OpenAI or Anthropic client can ask.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::{NonZeroU16, NonZeroU32};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::ValueHint;
use lenore::{Error, ErrorKind, Poe, Provider, Result};
use lenore_gateway::Gateway;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use tokio::net::TcpListener;

use crate::args::Shared;
use crate::interrupt::Interrupt;
use crate::logs::Place;
use crate::models::recently_asked;
use crate::output::{note, report, write};
use crate::paths::invalid;
use crate::provider::{Source, Which};
use crate::{keys, official};

/// Who sets this means the official API to be asked, too.
const OFFICIAL_KEY: &str = "POE_API_KEY";

/// Where the server listens, unless another address is named.
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// Bytes of a megabyte, as it is meant here.
const MB: usize = 1024 * 1024;

/// The largest request, in megabytes, unless another is named.
const BODY: u32 = 32;

/// How long running answers may take to finish, unless another time is named, in seconds.
const GRACE: u64 = 30;

/// `lenore serve`
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    lenore serve\n  \
    lenore serve --listen 127.0.0.1:9000 --alias gpt-4o=poe/GPT-4o\n  \
    lenore serve --alias '*=gpt-4'           one model for all unknown names\n  \
    LENORE_API_KEY=… lenore serve --listen 0.0.0.0:8080\n\n\
    Point a client at the address that is printed:\n  \
    OPENAI_BASE_URL=http://127.0.0.1:8080/v1    OPENAI_API_KEY=anything\n  \
    ANTHROPIC_BASE_URL=http://127.0.0.1:8080    ANTHROPIC_API_KEY=anything\n\n\
    Signals: the first ends in order, with exit code 0; the second at once.")]
pub(crate) struct ServeArgs {
    /// Where to listen; port 0 takes any free one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS", env = "LENORE_LISTEN", value_parser = listen_address)]
    listen: Option<SocketAddr>,

    /// A key that clients must give; better set in the environment, which other users cannot see
    #[arg(long, value_name = "KEY", env = "LENORE_API_KEY", hide_env_values = true)]
    api_key: Option<String>,

    /// A file of keys, made by `lenore keys` [default: keys.json in your config directory, from when
    /// it is there]
    #[arg(long, value_name = "FILE", env = "LENORE_KEYS_FILE", value_hint = ValueHint::FilePath)]
    keys_file: Option<PathBuf>,

    /// Another name for a model, as FROM=TO; the name `*` stands for all unknown ones; repeatable
    #[arg(long, value_name = "FROM=TO", value_parser = alias)]
    alias: Vec<(String, String)>,

    /// The model that is asked what front ends ask on the side, such as titles and tags
    #[arg(long, value_name = "MODEL")]
    side_model: Option<String>,

    /// A host name by which clients reach the server, beside addresses and localhost; repeatable
    #[arg(long, value_name = "NAME")]
    allow_host: Vec<String>,

    /// The origin of a web page whose scripts may ask, such as `https://chat.example.org`;
    /// repeatable
    #[arg(long, value_name = "ORIGIN")]
    cors_origin: Vec<String>,

    /// Refuse parameters that cannot be honoured, rather than report them in a header
    #[arg(long)]
    strict: bool,

    /// What becomes of a conversation that ends with the beginning of an answer [default: refuse]
    #[arg(long, value_name = "HOW")]
    prefill: Option<Prefill>,

    /// Fetch images and files from public addresses that clients name
    #[arg(long)]
    fetch_files: bool,

    /// The largest request, in megabytes [default: 32]
    #[arg(long, value_name = "MB", value_parser = clap::value_parser!(u32).range(1..=1024))]
    max_body: Option<u32>,

    /// What the bodies of all requests together may take, in megabytes [default: 256]
    #[arg(long, value_name = "MB", value_parser = clap::value_parser!(u32).range(1..=65536))]
    max_bodies: Option<u32>,

    /// The largest answer, with its thoughts, in megabytes [default: 16]
    #[arg(long, value_name = "MB", value_parser = clap::value_parser!(u32).range(1..=1024))]
    max_answer: Option<u32>,

    /// As many connections are open at once, where the system allows so many files [default: 4096]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    max_connections: Option<u32>,

    /// As many connections of one address, this machine's own not counted [default: 1024]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    max_connections_per_address: Option<u32>,

    /// How long running answers may take to finish when the server ends, in seconds [default: 30]
    #[arg(long, value_name = "SECONDS")]
    grace: Option<u64>,
}

/// What becomes of a conversation that ends with the beginning of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Prefill {
    /// It is refused: no bot here can be given the beginning of its answer
    Refuse,
    /// The bot is told to go on from there, which it may do or not
    Prompt,
}

/// What the table `[serve]` of the settings' file says.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ServeSettings {
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "listen_setting")]
    listen: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) keys_file: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    side_model: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    allow_host: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cors_origin: Vec<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    strict: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    prefill: Option<Prefill>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    fetch_files: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_body: Option<NonZeroU16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_bodies: Option<NonZeroU32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_answer: Option<NonZeroU16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_connections: Option<NonZeroU32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_connections_per_address: Option<NonZeroU32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grace: Option<u64>,
}

impl ServeSettings {
    /// What the table can say.
    pub(crate) const KEYS: [&str; 14] = [
        "listen",
        "keys_file",
        "side_model",
        "allow_host",
        "cors_origin",
        "strict",
        "prefill",
        "fetch_files",
        "max_body",
        "max_bodies",
        "max_answer",
        "max_connections",
        "max_connections_per_address",
        "grace",
    ];
}

impl ServeArgs {
    /// The options, with what the file says where they say nothing.
    fn or(self, file: ServeSettings) -> Self {
        let first = |these: Vec<String>, others| if these.is_empty() { others } else { these };
        Self {
            listen: self.listen.or(file.listen),
            keys_file: self.keys_file.or(file.keys_file),
            side_model: self.side_model.or(file.side_model),
            allow_host: first(self.allow_host, file.allow_host),
            cors_origin: first(self.cors_origin, file.cors_origin),
            strict: self.strict || file.strict,
            prefill: self.prefill.or(file.prefill),
            fetch_files: self.fetch_files || file.fetch_files,
            max_body: self.max_body.or(file.max_body.map(|size| u32::from(size.get()))),
            max_bodies: self.max_bodies.or(file.max_bodies.map(NonZeroU32::get)),
            max_answer: self.max_answer.or(file.max_answer.map(|size| u32::from(size.get()))),
            max_connections: self.max_connections.or(file.max_connections.map(NonZeroU32::get)),
            max_connections_per_address: self
                .max_connections_per_address
                .or(file.max_connections_per_address.map(NonZeroU32::get)),
            grace: self.grace.or(file.grace),
            ..self
        }
    }

    fn listen(&self) -> SocketAddr {
        self.listen.unwrap_or(LISTEN)
    }
}

pub(crate) async fn run(shared: Shared, args: ServeArgs) -> ExitCode {
    let mut interrupt = Interrupt::listen();
    let args = args.or(shared.serve.clone());
    match serve(shared, args, &mut interrupt).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error.to_string());
            ExitCode::from(error.kind().exit_code())
        }
    }
}

async fn serve(shared: Shared, args: ServeArgs, interrupt: &mut Interrupt) -> Result<()> {
    if args.api_key.is_some() && is_key_on_command_line() {
        note(
            "warning: other users of this machine can see a key on the command line; \
              set LENORE_API_KEY instead",
        );
    }
    let (keys_file, aliases) = (keys_file(&args)?, aliases(&shared.aliases, &args)?);
    let mut early = interrupt.clone();
    let source = tokio::select! {
        source = Source::open(shared.clone()) => source?,
        _ = early.wait() => return Ok(()),
    };
    let served = async {
        let gateway = gateway(&source, &shared, &args, (keys_file, aliases))?;
        if !args.listen().ip().is_loopback() && !gateway.needs_key() {
            return Err(invalid(format!(
                "others could ask at {} with your account; make a key with `lenore keys add`, or \
                 set LENORE_API_KEY",
                args.listen()
            )));
        }
        let listener = TcpListener::bind(args.listen()).await.map_err(|error| {
            let mut message = format!("the server cannot listen on {}: {error}", args.listen());
            if error.kind() == std::io::ErrorKind::AddrInUse {
                message.push_str("; take another port with --listen, or end what listens there");
            }
            invalid(message).with_source(error)
        })?;
        let address = listener.local_addr().unwrap_or(args.listen());
        // The user's other programs ask through this browser meanwhile.
        let poe = tokio::select! {
            poe = source.share() => poe?,
            _ = early.wait() => return Ok(()),
        };
        if poe.is_none() && shared.provider != Some(Which::PoeApi) {
            note("another process of yours has the browser, and is asked");
        }
        tell(address, gateway.needs_key());
        let model = shared.resolve(None);
        let warming = poe.map(|poe| tokio::spawn(warm_up(poe, model)));
        let shutdown = async {
            interrupt.wait().await;
            note("ending; running answers may finish (once more ends at once)");
        };
        let grace = Duration::from_secs(args.grace.unwrap_or(GRACE));
        let served = gateway.serve(listener, shutdown, grace).await;
        if let Some(warming) = warming {
            warming.abort();
        }
        served.map_err(|error| {
            Error::new(ErrorKind::Network, "the server cannot listen any more").with_source(error)
        })
    };
    let served = served.await;
    source.close().await;
    served
}

fn gateway(
    source: &Source,
    shared: &Shared,
    args: &ServeArgs,
    (keys_file, aliases): (Option<PathBuf>, BTreeMap<String, String>),
) -> Result<Gateway> {
    let mut builder = Gateway::builder(source.provider().clone())
        .strict(args.strict)
        .prefill_by_prompt(args.prefill == Some(Prefill::Prompt))
        .fetch_files(args.fetch_files)
        .largest_body(args.max_body.unwrap_or(BODY) as usize * MB);
    if let Some(size) = args.max_bodies {
        builder = builder.all_bodies(size as usize * MB);
    }
    if let Some(size) = args.max_answer {
        builder = builder.largest_answer(size as usize * MB);
    }
    if let Some(count) = args.max_connections {
        builder = builder.most_connections(count as usize);
    }
    if let Some(count) = args.max_connections_per_address {
        builder = builder.most_connections_per_address(count as usize);
    }
    let is_other = shared.provider != Some(Which::PoeApi);
    if is_other && std::env::var_os(OFFICIAL_KEY).is_some_and(|key| !key.is_empty()) {
        builder = builder.provider(Arc::new(official::open(shared)?));
    }
    if let Some(key) = &args.api_key {
        builder = builder.api_key(key);
    }
    builder = match keys_file {
        Some(file) if args.keys_file.is_some() => builder.key_file(file),
        Some(file) => builder.key_file_if_any(file),
        None => builder,
    };
    if let Some(model) = &shared.model {
        builder = builder.default_model(shared.resolve(Some(model)));
    }
    if let Some(model) = &args.side_model {
        builder = builder.side_model(shared.resolve(Some(model)));
    }
    builder = builder.recent_models(recently_asked(&Place::of(shared, &**source.provider())));
    builder = aliases.into_iter().fold(builder, |builder, (from, to)| builder.alias(from, to));
    builder = args.allow_host.iter().fold(builder, |builder, host| builder.allow_host(host));
    args.cors_origin.iter().fold(builder, |builder, from| builder.allow_origin(from)).build()
}

/// The aliases of the settings and of the options, with the models that they stand for in the end.
fn aliases(
    of_file: &BTreeMap<String, String>,
    args: &ServeArgs,
) -> Result<BTreeMap<String, String>> {
    let mut all = of_file.clone();
    all.extend(args.alias.iter().cloned());
    let followed = all.keys().map(|from| {
        let (mut name, mut rest) = (from, all.len());
        while let Some(next) = all.get(name).filter(|next| *next != name) {
            if rest == 0 {
                return Err(invalid(format!(
                    "the alias {from:?} leads round in a circle by way of {name:?}; one of them \
                     must stand for a model"
                )));
            }
            (name, rest) = (next, rest - 1);
        }
        Ok((from.clone(), name.clone()))
    });
    followed.collect()
}

/// The file that is named, which must be there, or the usual one, which may come later. Where nobody
/// can tell, the server does not start: it would be open to all.
fn keys_file(args: &ServeArgs) -> Result<Option<PathBuf>> {
    let named = args.keys_file.clone();
    let Some(file) = named.or_else(|| keys::default_file().ok()) else { return Ok(None) };
    let is_there = file.try_exists().map_err(|error| {
        let message = format!("the file of keys {} cannot be read: {error}", file.display());
        invalid(message).with_source(error)
    })?;
    if args.keys_file.is_some() && !is_there {
        let file = file.display();
        return Err(invalid(format!("there is no file {file}; `lenore keys add` makes it")));
    }
    Ok(Some(file))
}

/// Where to listen: an address and a port.
fn listen_address(text: &str) -> std::result::Result<SocketAddr, String> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
    match port.parse::<u16>() {
        Ok(port) if host.eq_ignore_ascii_case("localhost") => {
            Ok(SocketAddr::new(LISTEN.ip(), port))
        }
        Ok(port) if host.is_empty() => {
            Err(format!("an address stands before the port; write 127.0.0.1:{port}"))
        }
        _ => Err("write an address and a port, such as 127.0.0.1:8080".to_owned()),
    }
}

fn listen_setting<'de, D: Deserializer<'de>>(
    from: D,
) -> std::result::Result<Option<SocketAddr>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "write an address and a port, such as \"127.0.0.1:8080\"")]
    enum Written {
        Address(String),
        Port(u16),
    }
    let text = match Written::deserialize(from)? {
        Written::Address(text) => text,
        Written::Port(port) => port.to_string(),
    };
    listen_address(&text).map(Some).map_err(D::Error::custom)
}

fn tell(mut address: SocketAddr, needs_key: bool) {
    let is_everywhere = address.ip().is_unspecified();
    if is_everywhere {
        // Nobody can ask at the address that stands for all.
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    let key = if needs_key { "a key of yours" } else { "anything" };
    // Whoever started this may not read it.
    write(&format!("http://{address}\n"));
    note(&format!("OpenAI clients:    OPENAI_BASE_URL=http://{address}/v1  OPENAI_API_KEY={key}"));
    note(&format!(
        "Anthropic clients: ANTHROPIC_BASE_URL=http://{address}  ANTHROPIC_API_KEY={key}"
    ));
    if is_everywhere {
        note(
            "from elsewhere, with this machine's address in its place, or with a name of it that \
             --allow-host has",
        );
    }
    note("a page to try it is at that address; Ctrl-C ends it");
}

/// Opens the browser before the first question needs it, and learns whether it is signed in.
async fn warm_up(poe: Poe, model: String) {
    let warmed = match poe.warm_up(&model, 1).await {
        // The usual model may be another provider's.
        Err(error) if error.kind() == ErrorKind::UnsupportedModel => poe.warm_up("", 1).await,
        warmed => warmed,
    };
    match warmed {
        Ok(()) if poe.health().signed_in == Some(false) => {
            note("warning: nobody is signed in; run `lenore login`");
        }
        Ok(()) => tracing::info!("the browser is up, and a tab waits at the prompt"),
        Err(error) => note(&format!("warning: no question can be asked yet: {error}")),
    }
}

fn is_key_on_command_line() -> bool {
    let mut arguments = std::env::args_os();
    arguments.any(|argument| argument.to_string_lossy().starts_with("--api-key"))
}

fn alias(text: &str) -> std::result::Result<(String, String), String> {
    match text.split_once('=') {
        Some((from, to)) if !from.is_empty() && !to.is_empty() => {
            Ok((from.to_owned(), to.to_owned()))
        }
        _ => Err("an alias is written FROM=TO".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        serve: ServeArgs,
    }

    fn serve(options: &[&str]) -> std::result::Result<ServeArgs, clap::Error> {
        let line = ["serve"].iter().chain(options);
        Line::try_parse_from(line).map(|line| line.serve)
    }

    #[test]
    fn an_address_to_listen_on_is_taken_or_told() {
        for (text, expected) in [
            ("127.0.0.1:1", "127.0.0.1:1"),
            ("localhost:1", "127.0.0.1:1"),
            ("Localhost:0", "127.0.0.1:0"),
            ("[::1]:1", "[::1]:1"),
        ] {
            let listen = serve(&["--listen", text]).expect("an address").listen();
            assert_eq!(listen.to_string(), expected);
            let file: ServeSettings =
                toml::from_str(&format!("listen = {text:?}")).expect("an address");
            assert_eq!(file.listen, Some(listen));
        }
        for (text, words) in [
            ("8080", "write 127.0.0.1:8080"),
            (":8080", "write 127.0.0.1:8080"),
            ("localhost:x", "such as 127.0.0.1:8080"),
            ("example.org:80", "such as 127.0.0.1:8080"),
            ("127.0.0.1", "such as 127.0.0.1:8080"),
        ] {
            let error = serve(&["--listen", text]).expect_err(text).to_string();
            assert!(error.contains(words), "{text}: {error}");
            let error = toml::from_str::<ServeSettings>(&format!("listen = {text:?}"));
            assert!(error.expect_err(text).to_string().contains(words), "{text}");
        }
        let error = toml::from_str::<ServeSettings>("listen = 8080").expect_err("a port alone");
        assert!(error.to_string().contains("write 127.0.0.1:8080"), "{error}");
    }

    fn followed(of_file: &[(&str, &str)], options: &[&str]) -> Result<BTreeMap<String, String>> {
        let of_file = of_file.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned()));
        let options: Vec<_> = options.iter().flat_map(|option| ["--alias", option]).collect();
        aliases(&of_file.collect(), &serve(&options).expect("options"))
    }

    #[test]
    fn aliases_lead_to_models_and_not_round_in_circles() {
        let all = followed(&[("a", "b"), ("b", "poe/X"), ("c", "old")], &["c=a", "*=c", "x=x"]);
        let all = all.expect("they end");
        let ends = ["a", "b", "c", "*", "x"].map(|name| &*all[name]);
        assert_eq!(ends, ["poe/X", "poe/X", "poe/X", "poe/X", "x"]);
        for (of_file, options) in [
            (&[("a", "b"), ("b", "a")][..], &[][..]),
            (&[("a", "b")], &["b=a"]),
            (&[], &["a=b", "b=c", "c=b"]),
        ] {
            let error = followed(of_file, options).expect_err("a circle");
            assert!(error.to_string().contains("circle"), "{error}");
            assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        }
    }

    fn keys_at(file: &std::path::Path) -> Result<Option<PathBuf>> {
        let line = ["serve".as_ref(), "--keys-file".as_ref(), file.as_os_str()];
        keys_file(&Line::try_parse_from(line).expect("options").serve)
    }

    #[test]
    fn a_file_of_keys_that_nobody_can_see_is_not_taken_for_none() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("keys.json");
        let error = keys_at(&file).expect_err("it is not there");
        assert!(error.to_string().contains("lenore keys add"), "{error}");
        std::fs::write(&file, "").expect("ours");
        assert_eq!(keys_at(&file).expect("there"), Some(file.clone()));
        // A file is no directory, so nobody can tell what is in it.
        let error = keys_at(&file.join("keys.json")).expect_err("nobody can tell");
        assert!(error.to_string().contains("cannot be read"), "{error}");
    }
}
