//! Paths that are not there: what a wrong base URL makes of ours, and what the site has nothing of.

use axum::http::{HeaderMap, StatusCode, Uri, header};

use crate::failure::Failure;

/// Where the paths stand that clients add to a base URL.
const ROOTS: [&str; 7] = [
    "/chat/completions",
    "/completions",
    "/embeddings",
    "/messages",
    "/models",
    "/responses",
    "/v1",
];

/// What is put before our paths by those who think of another service.
const FOREIGN: [&str; 4] = ["/api", "/openai", "/anthropic", "/v1"];

/// What other services have and the site has not, and which kind of thing it is.
const MISSING: [(&str, &str); 14] = [
    ("/v1/assistants", "assistants"),
    ("/v1/audio", "speech or transcriptions"),
    ("/v1/batches", "batches"),
    ("/v1/embeddings", "embeddings"),
    ("/v1/files", "stored files; give a file itself, as a data URL"),
    ("/v1/fine_tuning", "fine-tuning"),
    ("/v1/images", "pictures by this path; ask a bot that makes them"),
    ("/v1/messages/batches", "batches"),
    ("/v1/moderations", "moderations"),
    ("/v1/realtime", "realtime sessions"),
    ("/v1/rerank", "reranking"),
    ("/v1/threads", "threads"),
    ("/v1/uploads", "uploads"),
    ("/v1/vector_stores", "vector stores"),
];

/// The path that is meant, where it is another one of ours.
pub(crate) fn meant(path: &str) -> Option<String> {
    let mut plain = String::with_capacity(path.len() + 3);
    for part in path.split('/').filter(|part| !part.is_empty()) {
        plain.push('/');
        plain.push_str(part);
    }
    // A base URL that has one of these is one too many.
    while let Some(rest) = FOREIGN.iter().find_map(|foreign| plain.strip_prefix(foreign))
        && ROOTS.iter().any(|root| begins(rest, root))
    {
        plain = rest.to_owned();
    }
    if !begins(&plain, "/v1") && ROOTS.iter().any(|root| begins(&plain, root)) {
        plain.insert_str(0, "/v1");
    }
    let is_ours = begins(&plain, "/v1") && !plain.contains("..");
    (is_ours && plain != path).then_some(plain)
}

/// Whether a path is this one or lies in it.
fn begins(path: &str, root: &str) -> bool {
    path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What there is to say of a path that is not there.
pub(crate) fn unknown(uri: &Uri, headers: &HeaderMap) -> Failure {
    let path = uri.path();
    let missing = MISSING.iter().filter(|(root, _)| begins(path, root));
    if let Some((_, what)) = missing.max_by_key(|(root, _)| root.len()) {
        return Failure::new(
            StatusCode::NOT_IMPLEMENTED,
            "not_implemented",
            format!(
                "the site has no {what}; in most clients a setting of its own names another service \
                 for this"
            ),
        );
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("HOST");
    Failure::new(
        StatusCode::NOT_FOUND,
        "unknown_url",
        format!(
            "there is no such path; the base URL is http://{host}/v1 for OpenAI's clients and \
             http://{host} for Anthropic's; see /openapi.json"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_wrong_base_url_makes_is_understood() {
        for (path, expected) in [
            ("/v1/models/", Some("/v1/models")),
            ("/v1//models", Some("/v1/models")),
            ("/v1/v1/chat/completions", Some("/v1/chat/completions")),
            ("/v1/v1/v1/messages", Some("/v1/messages")),
            ("/chat/completions", Some("/v1/chat/completions")),
            ("/models", Some("/v1/models")),
            ("/models/a/b", Some("/v1/models/a/b")),
            ("/api/v1/models", Some("/v1/models")),
            ("/openai/v1/responses", Some("/v1/responses")),
            ("/anthropic/v1/messages/count_tokens", Some("/v1/messages/count_tokens")),
            ("/api/chat/completions/", Some("/v1/chat/completions")),
            ("/v1/models", None),
            ("/", None),
            ("//", None),
            ("/metrics/", None),
            ("/modelsx", None),
            ("/api/chat", None),
            ("/v1/../metrics", None),
        ] {
            assert_eq!(meant(path).as_deref(), expected, "{path}");
        }
    }
}
