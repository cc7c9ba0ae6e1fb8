//! `lenore ask`: one question, its answer on stdout.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::ValueHint;
use lenore::{ChatRequest, Provider, Result};

use crate::answer::{Answer, Delivery};
use crate::args::Shared;
use crate::chat_code::code_of;
use crate::dry_run;
use crate::interrupt::Interrupt;
use crate::logs::{Place, Recording, known_chat, last_chat};
use crate::output::Output;
use crate::prompt::{PromptArgs, Turn};
use crate::provider::Source;
use crate::whole_file::Pending;

/// What stands for stdout in place of a file's name.
const STDOUT: &str = "-";

/// How long to wait for title, suggestions and cost where every event is printed.
const LINGER: Duration = Duration::from_secs(2);

/// `lenore ask`
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    lenore ask -m gpt-4 \"Why is a raven like a writing desk?\"\n  \
    git diff | lenore ask \"Review this\"\n  \
    lenore ask -f 'src/*.rs' -f plan.md \"What is missing?\"\n  \
    magick raven.heic png:- | lenore ask -a - \"What is this?\"\n  \
    lenore ask -m poe/Claude-3-Opus -f paper.pdf \"Sum up\"\n  \
    lenore ask -c \"And why?\"               go on in the last chat\n  \
    lenore ask -t translate --var to=French -f letter.txt -o lettre.txt\n  \
    lenore ask --json \"Hi\" | jq -rj 'select(.type == \"delta\").text'")]
pub(crate) struct AskArgs {
    #[command(flatten)]
    prompt: PromptArgs,

    /// The model: a name or alias of `lenore models`, or `poe/<Handle>` for any bot of the site
    #[arg(short, long, value_name = "NAME", help_heading = "Chat", value_hint = ValueHint::Other)]
    model: Option<String>,

    /// Go on in the chat that was asked in last, by this profile's log
    #[arg(short = 'c', long = "continue", conflicts_with = "chat", help_heading = "Chat")]
    last: bool,

    /// Go on in a chat, by its address or the code at its end
    #[arg(long, value_name = "CODE", help_heading = "Chat", value_hint = ValueHint::Other)]
    chat: Option<String>,

    /// Write the answer into a file once it is complete, and not to stdout; a file that is there
    /// stays as it is until then
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    #[arg(help_heading = "Output")]
    output: Option<PathBuf>,

    /// Also put the answer on the clipboard
    #[arg(long, help_heading = "Output")]
    copy: bool,

    /// Print the answer at its end, in one piece
    #[arg(long, help_heading = "Output")]
    no_stream: bool,

    /// Print one JSON object a line for every event
    #[arg(long, help_heading = "Output")]
    json: bool,

    /// Ask nothing; print what would be sent, to which bot, and how long it is
    #[arg(long, help_heading = "Output")]
    dry_run: bool,
}

impl AskArgs {
    /// Whether all that happens is told as objects, errors too.
    pub(crate) fn wants_events(&self) -> bool {
        self.json
    }
}

pub(crate) async fn run(shared: Shared, args: AskArgs) -> ExitCode {
    let mut interrupt = Interrupt::listen();
    let path = args.output.as_deref().filter(|path| path.as_os_str() != STDOUT);
    let output = Output::new(args.json, args.no_stream || path.is_some(), shared.plain);
    let prompt = args.prompt.clone();
    let read = tokio::select! {
        read = tokio::task::spawn_blocking(move || prompt.turn()) => read,
        // Stdin may never end.
        code = interrupt.wait() => return ExitCode::from(code),
    };
    let prepared = async {
        let mut turn =
            read.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))?;
        let copies = std::mem::take(&mut turn.copies);
        let file = path.filter(|_| !args.dry_run).map(Pending::new).transpose()?;
        let source = Source::open(shared.clone()).await?;
        let request = request(&shared, source.provider().as_ref(), &args, turn)?;
        Ok((source, request, file, copies))
    };
    let (source, request, file, _copies) = match prepared.await {
        Ok(prepared) => prepared,
        Err(error) => return output.fail(&error),
    };
    if args.dry_run {
        let printed = source.check(&request);
        let printed =
            printed.and_then(|()| dry_run::print(source.provider().as_ref(), &request, args.json));
        source.close().await;
        return printed.map_or_else(|error| output.fail(&error), |()| ExitCode::SUCCESS);
    }
    let recording = Recording::new(&shared, source.provider().as_ref(), &request);
    let is_text_shown = file.is_none() || args.json;
    let delivery = Delivery { file, copy: args.copy };
    let answer = Answer { output, is_text_shown, recording, delivery };
    answer.of(source, request, &mut interrupt).await
}

/// The request, in the chat that is meant.
fn request(
    shared: &Shared,
    provider: &dyn Provider,
    args: &AskArgs,
    turn: Turn,
) -> Result<ChatRequest> {
    let chat = match (&args.chat, args.last) {
        (Some(chat), _) => Some(known_chat(&code_of(chat, provider.url())?)),
        (None, true) => Some(last_chat(&Place::of(shared, provider))?),
        (None, false) => None,
    };
    let model = match (&args.model, &chat) {
        (Some(model), Some(chat)) if args.last => {
            chat.agreed(shared.resolve(Some(model)), provider)?
        }
        (Some(model), _) => shared.resolve(Some(model)),
        // A chat belongs to its bot.
        (None, Some(chat)) => chat.model.clone(),
        (None, None) => shared.resolve(turn.model.as_deref()),
    };
    Ok(ChatRequest {
        stream: !args.no_stream,
        attachments: turn.attachments,
        chat: chat.map(|chat| chat.chat),
        linger: if args.json { LINGER } else { Duration::ZERO },
        ..ChatRequest::new(model, turn.messages)
    })
}
