//! The tools that an agent sees.

use std::sync::Arc;

use lenore::{ChatRequest, Message, Provider};
use rmcp::handler::server::tool::{ToolCallContext, schema_for_output};
use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, Implementation, ServerCapabilities,
    ServerConfig,
};
use rmcp::schemars::{self, JsonSchema};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler, tool, tool_handler, tool_router};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::answer::{Answer, Progress, failed, stopped, with_kind};
use crate::args::Shared;
use crate::logs::Recording;

/// The tools.
#[derive(Clone)]
pub(super) struct Bots {
    shared: Shared,
    provider: Arc<dyn Provider>,
    /// Whether the client has left, or the program ends.
    leaving: CancellationToken,
}

impl Bots {
    pub(super) fn new(
        shared: Shared,
        provider: Arc<dyn Provider>,
        leaving: CancellationToken,
    ) -> Self {
        Self { shared, provider, leaving }
    }

    /// Asks, and tells the client how it goes on.
    async fn answer(
        &self,
        request: ChatRequest,
        context: RequestContext<RoleServer>,
    ) -> CallToolResult {
        let mut recording = Recording::new(&self.shared, self.provider.as_ref(), &request);
        let mut progress = Progress::new(&context);
        let mut answer = Answer::default();
        let mut completion = self.provider.create_completion(request);
        let follow = async {
            while let Some(event) = completion.next().await {
                let event = event?;
                recording.event(&event);
                progress.event(&event).await;
                answer.event(event);
            }
            Ok(())
        };
        let end = tokio::select! {
            end = follow => end,
            () = context.ct.cancelled() => Err(stopped()),
            () = self.leaving.cancelled() => Err(stopped()),
        };
        drop(completion);
        let text = recording.end(end.as_ref().copied()).text;
        match end {
            Ok(()) => answer.into_result(text),
            Err(error) => failed(&error, &text),
        }
    }
}

/// The arguments of `ask`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Question {
    /// What to ask
    prompt: String,
    /// The model: a name that the tool `models` lists, or `poe/<Handle>` for any bot of the site
    model: Option<String>,
    /// Instructions that come before the prompt
    system: Option<String>,
}

/// The arguments of `continue`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Turn {
    /// The chat's code, as an answer before named it
    chat: String,
    /// What to say next
    prompt: String,
}

/// The arguments of `models`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// The models that have a name.
#[derive(Serialize, JsonSchema)]
struct Models {
    models: Vec<Named>,
    /// The one that answers where none is named
    default: String,
}

/// A model.
#[derive(Serialize, JsonSchema)]
struct Named {
    name: String,
    /// The bot behind it
    bot: String,
}

#[tool_router]
impl Bots {
    /// Ask a bot of the user's Poe account. The answer may take minutes.
    #[tool(output_schema = schema_for_output::<Answer>(), annotations(
        title = "Ask a bot", read_only_hint = false, destructive_hint = false,
        idempotent_hint = false, open_world_hint = true
    ))]
    async fn ask(
        &self,
        Parameters(Question { prompt, model, system }): Parameters<Question>,
        context: RequestContext<RoleServer>,
    ) -> CallToolResult {
        let system = system.map(Message::system);
        let messages = system.into_iter().chain([Message::user(prompt)]).collect();
        let model = model.filter(|model| !model.is_empty());
        self.answer(ChatRequest::new(self.shared.resolve(model.as_deref()), messages), context)
            .await
    }

    /// Say something more in a chat that an answer named. The bot knows what was said before.
    #[tool(name = "continue", output_schema = schema_for_output::<Answer>(), annotations(
        title = "Go on in a chat", read_only_hint = false, destructive_hint = false,
        idempotent_hint = false, open_world_hint = true
    ))]
    async fn go_on(
        &self,
        Parameters(Turn { chat, prompt }): Parameters<Turn>,
        context: RequestContext<RoleServer>,
    ) -> CallToolResult {
        // A chat has its own bot.
        let request = ChatRequest::new("", vec![Message::user(prompt)]);
        self.answer(ChatRequest { chat: Some(chat), ..request }, context).await
    }

    /// List the models that have a name of their own; any other bot of the site is `poe/<Handle>`.
    #[tool(output_schema = schema_for_output::<Models>(), annotations(
        title = "List the models", read_only_hint = true, open_world_hint = false
    ))]
    async fn models(&self, Parameters(Nothing {}): Parameters<Nothing>) -> CallToolResult {
        let known = match self.provider.refresh_models().await {
            Ok(known) => known.into_iter(),
            Err(error) => return failed(&error, ""),
        };
        let known = known.map(|model| Named { name: model.name, bot: model.bot });
        let aliases = self.shared.aliases.keys();
        let aliases =
            aliases.map(|name| Named { name: name.clone(), bot: self.shared.resolve(Some(name)) });
        let default = match self.shared.resolve(None) {
            name if name.is_empty() => self.provider.default_model().to_owned(),
            name => name,
        };
        let models = Models { models: known.chain(aliases).collect(), default };
        CallToolResult::structured(serde_json::to_value(&models).unwrap_or_default())
    }
}

#[tool_handler]
impl ServerHandler for Bots {
    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let call = ToolCallContext::new(self, request, context);
        Ok(match Self::tool_router().call(call).await? {
            CallToolResponse::Complete(result) => with_kind(result).into(),
            other => other,
        })
    }

    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().build();
        ServerConfig::new(capabilities)
            .with_server_info(Implementation::new("lenore", env!("CARGO_PKG_VERSION")))
            .with_instructions(
                "Bots of the user's Poe account. `ask` opens a new chat and names its code; \
                 `continue` goes on in it, which is better than asking with the whole history. \
                 Answers cost the user's points.",
            )
    }
}
