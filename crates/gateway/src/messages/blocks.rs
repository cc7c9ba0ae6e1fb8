//! The blocks that messages are made of.

use serde::Deserialize;
use serde_json::Value;

use crate::content::{Beside, Content, Piece, gather};
use crate::failure::Failure;
use crate::files::Source;
use crate::tools;

/// A part of a message's content.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Block {
    Text {
        text: String,
    },
    Image {
        source: BlockSource,
    },
    Document {
        source: BlockSource,
        title: Option<String>,
        context: Option<String>,
        citations: Option<Citations>,
    },
    SearchResult {
        source: String,
        title: String,
        content: Vec<Block>,
    },
    ToolUse {
        #[serde(default)]
        id: String,
        name: String,
        input: Value,
    },
    ToolResult {
        tool_use_id: String,
        content: Option<Content<Block>>,
        is_error: Option<bool>,
    },
    Thinking {},
    RedactedThinking {},
    /// What the service itself did, and what else means nothing here.
    #[serde(other)]
    Other,
}

#[derive(Debug, Deserialize)]
pub(super) struct Citations {
    #[serde(default)]
    enabled: bool,
}

/// Where a file of a block is.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum BlockSource {
    Base64 { media_type: String, data: String },
    Url { url: String },
    Text { data: String },
    Content { content: Content<Block> },
}

impl Content<Block> {
    /// Whether a tool's result is in it.
    pub(super) fn is_result(&self) -> bool {
        let is_result = |block: &Block| matches!(block, Block::ToolResult { .. });
        matches!(self, Self::Parts(blocks) if blocks.iter().any(is_result))
    }

    /// The text of a message. `path` is what the content is called.
    pub(super) fn gather(
        self,
        path: &str,
        is_last: bool,
        beside: &mut Beside,
    ) -> Result<String, Failure> {
        let blocks = match self {
            Self::Text(text) => return Ok(text),
            Self::Parts(blocks) => blocks,
        };
        let mut pieces = Vec::with_capacity(blocks.len());
        for (index, block) in blocks.into_iter().enumerate() {
            let path = format!("{path}[{index}]");
            beside.ignored.extend(block.ignored(&path));
            pieces.push(Ok(block.piece(&path, is_last, beside)?));
        }
        gather(pieces, is_last, &mut beside.files)
    }
}

impl Block {
    /// Whether it is a text without a word, or a thought.
    pub(super) fn is_blank(&self) -> bool {
        match self {
            Self::Text { text } => text.trim().is_empty(),
            Self::Thinking {} | Self::RedactedThinking {} => true,
            _ => false,
        }
    }

    /// What of it means nothing here.
    fn ignored(&self, path: &str) -> Vec<String> {
        match self {
            Self::Document { context, citations, .. } => {
                let is_cited = citations.as_ref().is_some_and(|citations| citations.enabled);
                let context = context.as_ref().map(|_| format!("{path}.context"));
                context.into_iter().chain(is_cited.then(|| format!("{path}.citations"))).collect()
            }
            Self::Other => vec![path.to_owned()],
            _ => Vec::new(),
        }
    }

    /// What it comes down to. Some blocks have blocks of their own.
    fn piece(self, path: &str, is_last: bool, beside: &mut Beside) -> Result<Piece, Failure> {
        let path = format!("{path}.content");
        Ok(match self {
            Self::Text { text } => Piece::Text(text),
            Self::Image { source } => Piece::File(source.file("image", &path, is_last, beside)?),
            Self::Document { source, title, .. } => {
                let name = title.as_deref().unwrap_or("document");
                Piece::File(source.file(name, &path, is_last, beside)?)
            }
            Self::SearchResult { source, title, content } => {
                let text = Content::Parts(content).gather(&path, is_last, beside)?;
                Piece::Text(format!("{title} ({source})\n{text}"))
            }
            Self::ToolUse { id, name, input } => {
                Piece::Text(tools::written(&id, &name, &input.to_string()))
            }
            Self::ToolResult { tool_use_id, content, is_error } => {
                let text = content.map(|content| content.gather(&path, is_last, beside));
                let text = text.transpose()?.unwrap_or_default();
                Piece::Text(tools::result(&tool_use_id, &text, is_error == Some(true)))
            }
            Self::Thinking {} | Self::RedactedThinking {} | Self::Other => Piece::Nothing,
        })
    }
}

impl BlockSource {
    fn file(
        self,
        name: &str,
        path: &str,
        is_last: bool,
        beside: &mut Beside,
    ) -> Result<Source, Failure> {
        match self {
            Self::Base64 { media_type, data } => Ok(Source::base64(&media_type, data, name)),
            Self::Url { url } => Source::url(url, name),
            Self::Text { data } => Ok(Source::text(data, name)),
            Self::Content { content } => {
                Ok(Source::text(content.gather(path, is_last, beside)?, name))
            }
        }
    }
}
