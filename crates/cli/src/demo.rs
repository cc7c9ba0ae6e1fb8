//! `lenore demo`: everything at work, without an account.

use std::process::ExitCode;

use lenore::{ChatRequest, Error, ErrorKind, Message, Result, Site};
use lenore_sim::Sim;

use crate::answer::{Answer, Delivery};
use crate::args::Shared;
use crate::interrupt::Interrupt;
use crate::logs::Recording;
use crate::output::{Output, Progress, note};
use crate::provider::Source;
use crate::sim::Imitated;

const EMAIL: &str = "demo@example.org";
const PROMPT: &str = "Tell me about ravens, with a little Rust code.";

/// `lenore demo`
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    lenore demo\n  \
    lenore demo \"Tell me about ravens [[sim: rewrite]]\"\n  \
    lenore demo --headed                   in a window\n  \
    lenore demo --edition 2023             on the site as it was")]
pub(crate) struct DemoArgs {
    /// What to ask
    prompt: Vec<String>,

    #[command(flatten)]
    imitated: Imitated,
}

pub(crate) async fn run(shared: Shared, args: DemoArgs) -> ExitCode {
    let mut interrupt = Interrupt::listen();
    let output = Output::new(false, false, shared.plain);
    let prompt = if args.prompt.is_empty() { PROMPT.to_owned() } else { args.prompt.join(" ") };
    let options = match args.imitated.options() {
        Ok(options) => options,
        Err(error) => return output.fail(&error),
    };
    let sim = match Sim::start(options).await {
        Ok(sim) => sim,
        Err(error) => {
            let error =
                Error::new(ErrorKind::Network, "the local site cannot start").with_source(error);
            return output.fail(&error);
        }
    };
    note(&format!("a local site that behaves like Poe runs at {}", sim.url()));
    let code = tokio::select! {
        ready = sign_in(&sim, shared) => match ready {
            Ok(poe) => {
                note(&format!("you ask GPT-4: {prompt}\n"));
                let request = ChatRequest::new("gpt-4", vec![Message::user(prompt)]);
                let recording = Recording::none();
                let delivery = Delivery::default();
                let answer = Answer { output, is_text_shown: true, recording, delivery };
                answer.of(Source::own(poe), request, &mut interrupt).await
            }
            Err(error) => output.fail(&error),
        },
        code = interrupt.wait() => ExitCode::from(code),
    };
    sim.stop().await;
    if code == ExitCode::SUCCESS {
        note("\nthe same with your own account: `lenore login`, then `lenore ask -m gpt-4 \"…\"`");
    }
    code
}

/// Signs a throw-away profile in, by the site's own login form.
async fn sign_in(sim: &Sim, shared: Shared) -> Result<lenore::Poe> {
    let progress = Progress::start("starting a browser on a throw-away profile");
    let site = Some(sim.url().to_owned());
    // The site and the browser are ours, whatever the settings say.
    let shared = Shared {
        site,
        site_file: None,
        proxy: Some("direct".to_owned()),
        proxy_bypass: None,
        cdp: None,
        webdriver: None,
        webdriver_session: None,
        webdriver_capabilities: None,
        chats_per_session: None,
        cookies: None,
        user_data_dir: None,
        ..shared
    };
    let poe = shared.builder()?.site(Site::poe()).temporary_profile().build()?;
    let code = async {
        sim.inbox(EMAIL).ok_or_else(|| {
            Error::new(ErrorKind::SiteChanged, "the local site sent no code; this is a bug")
        })
    };
    let signed_in = poe.sign_in_with_code(EMAIL, code).await;
    drop(progress);
    if let Err(error) = signed_in {
        poe.close().await;
        return Err(error);
    }
    note(&format!("signed in as {EMAIL}, by the site's own login form"));
    Ok(poe)
}
