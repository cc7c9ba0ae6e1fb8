//! `lenore ask --dry-run`: what would be sent.

use lenore::{ChatRequest, Error, ErrorKind, Provider, Result, format_prompt};
use serde_json::json;

use crate::logs::Store;
use crate::official;
use crate::output::{object, print_foreign};

/// How many characters of English make up a token, roughly.
const CHARACTERS_PER_TOKEN: usize = 4;

/// Prints it.
pub(crate) fn print(provider: &dyn Provider, request: &ChatRequest, as_json: bool) -> Result<()> {
    let prompt = format_prompt(&request.messages);
    let (model, bot) = asked(provider, request)?;
    let characters = prompt.chars().count();
    let tokens = tokens(&prompt);
    // A log that cannot be read only leaves the cost out.
    let log = Store::existing().ok().flatten();
    let points = log.and_then(|log| log.cost(&model).ok().flatten());
    let files = files(request)?;
    let text = if as_json {
        let files: Vec<_> =
            files.iter().map(|(path, bytes)| json!({ "path": path, "bytes": bytes })).collect();
        object(&json!({
            "model": model, "bot": bot, "chat": request.chat, "prompt": prompt,
            "characters": characters, "tokens": tokens, "points": points, "attachments": files,
        }))
    } else {
        let size = |bytes: &u64| indicatif::DecimalBytes(*bytes);
        let file = |(path, bytes): &(String, u64)| format!("attached  {path} ({})\n", size(bytes));
        let cost = points
            .map_or_else(|| "not known".into(), |points| format!("{points} points, the last time"));
        format!(
            "bot       {}{}\nchat      {}\n{}length    {characters} characters, about {tokens} \
             tokens\ncost      {cost}\n\n{prompt}",
            bot.as_deref().unwrap_or("the chat's"),
            if model.is_empty() { String::new() } else { format!(" (model {model})") },
            request.chat.as_deref().unwrap_or("a new one"),
            files.iter().map(file).collect::<String>(),
        )
    };
    print_foreign(&text);
    Ok(())
}

/// The model and its bot; none, where the chat has its own.
fn asked(provider: &dyn Provider, request: &ChatRequest) -> Result<(String, Option<String>)> {
    let model = match &*request.model {
        "" if request.chat.is_some() => return Ok((String::new(), None)),
        "" => provider.default_model(),
        model => model,
    };
    let known = provider.models().into_iter().find(|known| known.name == model);
    let site = model.split_once('/').filter(|(prefix, _)| *prefix == provider.name());
    let handle = site.map(|(_, handle)| handle).or_else(|| official::handle(provider, model));
    match (known, handle) {
        (Some(known), _) => Ok((known.name, Some(known.bot))),
        (None, Some(handle)) => Ok((model.to_owned(), Some(handle.to_owned()))),
        (None, None) => Err(Error::new(
            ErrorKind::UnsupportedModel,
            format!("no model is called {model:?}; `lenore models` lists them"),
        )),
    }
}

fn files(request: &ChatRequest) -> Result<Vec<(String, u64)>> {
    let file = |path: &std::path::PathBuf| {
        let name = path.display().to_string();
        match std::fs::metadata(path) {
            Ok(found) => Ok((name, found.len())),
            Err(error) => Err(Error::new(
                ErrorKind::Attachment,
                format!("the file {name} cannot be attached: {error}"),
            )),
        }
    };
    request.attachments.iter().map(file).collect()
}

/// A rough count: what is not ASCII mostly takes a token for each character.
fn tokens(text: &str) -> usize {
    let ascii = text.chars().filter(char::is_ascii).count();
    ascii.div_ceil(CHARACTERS_PER_TOKEN) + text.chars().filter(|c| !c.is_ascii()).count()
}
