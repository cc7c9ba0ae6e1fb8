//! `lenore ask`: one question, its answer on stdout.

use std::io::{IsTerminal, Read, stdin};
use std::process::ExitCode;
use std::time::Duration;

use lenore::{ChatRequest, Completion, Error, ErrorKind, Message, Result};

use crate::args::{AskArgs, Shared};
use crate::interrupt::Interrupt;
use crate::output::{Output, report};
use crate::provider::Source;

/// How long to wait for title, suggestions and cost where every event is printed.
const LINGER: Duration = Duration::from_secs(2);

pub(crate) async fn run(shared: Shared, args: AskArgs) -> ExitCode {
    let output = Output::new(args.json, args.no_stream);
    let prepared = async {
        let request = request(&args)?;
        Ok((Source::open(shared).await?, request))
    };
    let (source, request) = match prepared.await {
        Ok(prepared) => prepared,
        Err(error) => return output.fail(&error),
    };
    answer(source, request, output, &mut Interrupt::listen()).await
}

/// Asks, prints, and leaves nothing behind.
pub(crate) async fn answer(
    source: Source,
    request: ChatRequest,
    mut output: Output,
    interrupt: &mut Interrupt,
) -> ExitCode {
    output.wait();
    let completion = source.provider().create_completion(request);
    let code = print(completion, output, interrupt).await;
    source.close().await;
    code
}

async fn print(
    mut completion: Completion,
    mut output: Output,
    interrupt: &mut Interrupt,
) -> ExitCode {
    loop {
        let event = tokio::select! {
            event = completion.next() => event,
            code = interrupt.wait() => {
                let error = Error::new(ErrorKind::Cancelled, "stopped");
                output.fail(&error);
                return ExitCode::from(code);
            }
        };
        let printed = match event {
            Some(Ok(event)) => output.event(&event),
            Some(Err(error)) => return output.fail(&error),
            None => return output.end(),
        };
        if let Err(error) = printed {
            // Whoever reads our output has seen enough; that is no failure.
            if error.kind() == std::io::ErrorKind::BrokenPipe {
                return ExitCode::SUCCESS;
            }
            report(&format!("the answer cannot be printed: {error}"));
            return ExitCode::FAILURE;
        }
    }
}

fn request(args: &AskArgs) -> Result<ChatRequest> {
    let mut messages = Vec::new();
    messages.extend(args.system.as_ref().map(Message::system));
    messages.push(Message::user(prompt(&args.prompt)?));
    Ok(ChatRequest {
        stream: !args.no_stream,
        attachments: args.file.clone(),
        chat: args.chat.clone(),
        linger: if args.json { LINGER } else { Duration::ZERO },
        ..ChatRequest::new(&*args.model, messages)
    })
}

/// The arguments, then what comes on stdin.
fn prompt(arguments: &[String]) -> Result<String> {
    let mut prompt = arguments.join(" ");
    if stdin().is_terminal() {
        if prompt.trim().is_empty() {
            return Err(Error::new(
                ErrorKind::InvalidRequest,
                "there is nothing to ask; give the prompt as an argument or on stdin",
            ));
        }
        return Ok(prompt);
    }
    let mut bytes = Vec::new();
    stdin().read_to_end(&mut bytes).map_err(|error| {
        Error::new(ErrorKind::InvalidRequest, "stdin cannot be read").with_source(error)
    })?;
    let input = String::from_utf8(bytes).map_err(|_| {
        Error::new(
            ErrorKind::InvalidRequest,
            "stdin is not UTF-8 text; send a file of another kind along with --file",
        )
    })?;
    let input = input.strip_suffix('\n').unwrap_or(&input);
    let input = input.strip_suffix('\r').unwrap_or(input);
    if !prompt.is_empty() && !input.is_empty() {
        prompt.push_str("\n\n");
    }
    prompt.push_str(input);
    Ok(prompt)
}
