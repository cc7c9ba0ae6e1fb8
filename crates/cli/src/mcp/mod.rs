//! `lenore mcp`: the bots as tools of agents, by the Model Context Protocol over stdio.

mod answer;
mod tools;

use std::io::{IsTerminal, stdin};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use rmcp::ServiceExt;
use rmcp::service::ServerInitializeError;
use tokio_util::io::InspectReader;
use tokio_util::sync::CancellationToken;

use self::tools::Bots;
use crate::args::Shared;
use crate::interrupt::Interrupt;
use crate::output::{note, report};
use crate::provider::Source;

/// How long a client may take to hear that the program ends.
const FAREWELL: Duration = Duration::from_secs(1);

/// `lenore mcp`
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    lenore mcp\n  \
    lenore --profile work mcp\n\n\
    An agent starts this by itself; tell it to, in its settings:\n  \
    { \"mcpServers\": { \"lenore\": { \"command\": \"lenore\", \"args\": [\"mcp\"] } } }\n\n\
    The tools are ask, continue and models. Stdin and stdout belong to the protocol.")]
pub(crate) struct McpArgs {}

/// Serves until the client closes stdin, or a signal comes.
pub(crate) async fn run(shared: Shared, _: McpArgs) -> ExitCode {
    let mut interrupt = Interrupt::listen();
    let source = match Source::open(shared.clone()).await {
        Ok(source) => source,
        Err(error) => {
            report(&error.to_string());
            return ExitCode::from(error.kind().exit_code());
        }
    };
    // An agent keeps this running for long; the user's other programs ask through it meanwhile.
    if let Err(error) = source.share().await {
        tracing::debug!(%error, "the profile is not shared");
    }
    if stdin().is_terminal() {
        note(
            "this serves an agent over stdin and stdout (MCP), and is started by it: its settings \
             have { \"command\": \"lenore\", \"args\": [\"mcp\"] }. Ctrl-D ends it",
        );
    }
    let leaving = CancellationToken::new();
    let bots = Bots::new(shared, Arc::clone(source.provider()), leaving.clone());
    let served = serve(bots, leaving.clone());
    tokio::pin!(served);
    let code = tokio::select! {
        code = &mut served => code,
        code = interrupt.wait() => {
            leaving.cancel();
            // Who waits for an answer is told; a client that reads nothing does not hold us up.
            let _ = tokio::time::timeout(FAREWELL, served).await;
            ExitCode::from(code)
        }
    };
    source.close().await;
    code
}

async fn serve(bots: Bots, leaving: CancellationToken) -> ExitCode {
    let (stdin, stdout) = rmcp::transport::stdio();
    let left = leaving.clone();
    // A client leaves by closing our stdin; what still runs for it is stopped then.
    let stdin = InspectReader::new(stdin, move |bytes: &[u8]| {
        if bytes.is_empty() {
            left.cancel();
        }
    });
    match bots.serve_with_ct((stdin, stdout), leaving).await {
        Ok(service) => match service.waiting().await {
            Ok(_) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        },
        Err(ServerInitializeError::ConnectionClosed(_) | ServerInitializeError::Cancelled) => {
            ExitCode::SUCCESS
        }
        // The error's own words quote what came.
        Err(_) => {
            report("what came on stdin is no greeting of an MCP client; give this command to one");
            ExitCode::FAILURE
        }
    }
}
