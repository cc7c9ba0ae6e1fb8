//! One piece of the service's stream, understood.

use lenore_provider::FinishReason;
use serde::Deserialize;

use crate::failure::Refusal;

/// What a piece says.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Said {
    /// Text to append.
    pub(crate) text: String,
    /// What the bot thinks aloud, apart from its answer.
    pub(crate) thought: String,
    pub(crate) end: Option<End>,
}

/// How an answer ends.
#[derive(Debug, PartialEq)]
pub(crate) enum End {
    Finished(FinishReason),
    /// The stream is over; no reason was given.
    Over,
    /// A filter took the rest away.
    Withheld,
}

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    index: u32,
    #[serde(default)]
    delta: Option<Delta>,
    finish_reason: Option<String>,
}

#[derive(Default, Deserialize)]
struct Delta {
    content: Option<String>,
    #[serde(alias = "reasoning")]
    reasoning_content: Option<String>,
}

/// Reads a piece. `Err(None)`: it is not what the service should send.
pub(crate) fn read(data: &str) -> Result<Said, Option<Refusal>> {
    if data.trim() == "[DONE]" {
        return Ok(Said { end: Some(End::Over), ..Said::default() });
    }
    let chunk: Chunk = serde_json::from_str(data).map_err(|_| None)?;
    if let Some(refusal) = chunk.error {
        return Err(Some(refusal));
    }
    // A last piece may have figures only; and nobody asked for a second answer.
    let Some(choice) = chunk.choices.into_iter().find(|choice| choice.index == 0) else {
        return Ok(Said::default());
    };
    let delta = choice.delta.unwrap_or_default();
    Ok(Said {
        text: delta.content.unwrap_or_default(),
        thought: delta.reasoning_content.unwrap_or_default(),
        end: choice.finish_reason.as_deref().and_then(end),
    })
}

fn end(reason: &str) -> Option<End> {
    match reason {
        "" => None,
        "length" => Some(End::Finished(FinishReason::Length)),
        "content_filter" => Some(End::Withheld),
        "stop" => Some(End::Finished(FinishReason::Complete)),
        other => {
            tracing::debug!(reason = other, "an answer ended for a reason that is not known");
            Some(End::Finished(FinishReason::Complete))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_is_read_for_what_it_is() {
        let text = r#"{"id":"x","choices":[{"index":0,"delta":{"role":"assistant","content":"hi"},"finish_reason":null,"logprobs":null}]}"#;
        assert_eq!(read(text).ok(), Some(Said { text: "hi".into(), ..Said::default() }));
        let thought = r#"{"choices":[{"delta":{"content":null,"reasoning":"hm"}}]}"#;
        assert_eq!(read(thought).ok(), Some(Said { thought: "hm".into(), ..Said::default() }));
        for figures in [r#"{"choices":[],"usage":{"total_tokens":3}}"#, "{}"] {
            assert_eq!(read(figures).ok(), Some(Said::default()));
        }
    }

    #[test]
    fn an_end_is_an_end_by_any_name() {
        let ended = |reason: &str| {
            let chunk = format!(r#"{{"choices":[{{"delta":{{}},"finish_reason":"{reason}"}}]}}"#);
            read(&chunk).expect("a piece").end
        };
        assert_eq!(ended("stop"), Some(End::Finished(FinishReason::Complete)));
        assert_eq!(ended("length"), Some(End::Finished(FinishReason::Length)));
        assert_eq!(ended("tired"), Some(End::Finished(FinishReason::Complete)));
        assert_eq!(ended("content_filter"), Some(End::Withheld));
        assert_eq!(ended(""), None);
        let done = read(" [DONE]").expect("the end");
        assert_eq!(done.end, Some(End::Over));
    }

    #[test]
    fn nonsense_is_no_answer() {
        for data in ["", "[", "null", "3", r#"{"choices":"#, r#"{"choices":[{"delta":7}]}"#] {
            assert!(matches!(read(data), Err(None)), "{data}");
        }
    }
}
