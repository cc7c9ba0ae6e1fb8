//! What a message is made of on the wire: a text, or parts of several kinds. All dialects' parts
//! come down to texts and files.

use std::fmt;

use serde::de::{SeqAccess, Visitor, value::SeqAccessDeserializer};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::body::Share;
use crate::failure::Failure;
use crate::files::Source;
use crate::tools;

/// A text, or a list of parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content<P> {
    Text(String),
    Parts(Vec<P>),
}

impl<'de, P: Deserialize<'de>> Deserialize<'de> for Content<P> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Either<P>(std::marker::PhantomData<P>);

        impl<'de, P: Deserialize<'de>> Visitor<'de> for Either<P> {
            type Value = Content<P>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a list of parts")
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Content::Text(text.to_owned()))
            }

            fn visit_string<E>(self, text: String) -> Result<Self::Value, E> {
                Ok(Content::Text(text))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, parts: A) -> Result<Self::Value, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(parts)).map(Content::Parts)
            }
        }

        from.deserialize_any(Either(std::marker::PhantomData))
    }
}

/// What a part comes down to.
#[derive(Debug)]
pub(crate) enum Piece {
    Text(String),
    File(Source),
    /// What a bot on the web has no use for, such as the signature of a thought.
    Nothing,
}

/// The text of a message; its files go to `files`.
///
/// In the last message a file is not named, so that a question of one message stays as it is. In
/// an earlier one its name stands where it stood.
pub(crate) fn gather(
    pieces: impl IntoIterator<Item = Result<Piece, Failure>>,
    is_last: bool,
    files: &mut Vec<Source>,
) -> Result<String, Failure> {
    let mut text = String::new();
    for piece in pieces {
        let more = match piece? {
            Piece::Text(more) => more,
            Piece::File(source) => {
                files.push(source);
                if is_last {
                    continue;
                }
                format!("[file {}]", files.len())
            }
            Piece::Nothing => continue,
        };
        if !text.is_empty() && !more.is_empty() {
            text.push('\n');
        }
        text.push_str(&more);
    }
    Ok(text)
}

impl<P> Content<P> {
    /// Whether it says nothing; `is_blank` tells it of a part.
    pub(crate) fn is_blank(&self, is_blank: impl Fn(&P) -> bool) -> bool {
        match self {
            Self::Text(text) => text.trim().is_empty(),
            Self::Parts(parts) => parts.iter().all(is_blank),
        }
    }
}

/// Where the files of a conversation go, and the names of what in it is not honoured.
#[derive(Debug, Default)]
pub(crate) struct Beside {
    pub(crate) files: Vec<Source>,
    pub(crate) ignored: Vec<String>,
    /// What the request's body takes of the budget of all bodies.
    pub(crate) share: Option<Share>,
}

/// A part of the OpenAI APIs, chat completions and responses alike.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum OpenAiPart {
    Text {
        text: String,
    },
    InputText {
        text: String,
    },
    OutputText {
        text: String,
    },
    Refusal {
        refusal: String,
    },
    ImageUrl {
        image_url: ImageUrl,
    },
    InputImage {
        image_url: Option<String>,
        detail: Option<String>,
    },
    File {
        file: File,
    },
    InputFile(File),
    InputAudio {
        input_audio: Audio,
    },
    // What others put into a history: Anthropic's blocks, and thoughts by several names.
    Image {
        source: ImageSource,
    },
    ToolUse {
        #[serde(default)]
        id: String,
        name: String,
        #[serde(default)]
        input: Value,
    },
    ToolResult {
        tool_use_id: String,
        content: Option<Content<OpenAiPart>>,
        is_error: Option<bool>,
    },
    Thinking {},
    Reasoning {},
    ReasoningText {},
    RedactedThinking {},
    SummaryText {},
    #[serde(other)]
    Other,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum ImageSource {
    Base64 { media_type: String, data: String },
    Url { url: String },
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ImageUrl {
    url: String,
    detail: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct File {
    file_data: Option<String>,
    file_url: Option<String>,
    filename: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Audio {
    data: String,
    format: String,
}

impl OpenAiPart {
    /// What it comes down to. `path` is what it is called.
    fn piece(self, path: &str, is_last: bool, beside: &mut Beside) -> Result<Piece, Failure> {
        let no_store =
            || Failure::invalid("files are not stored here; give the file itself as a data URL");
        Ok(match self {
            Self::Text { text } | Self::InputText { text } | Self::OutputText { text } => {
                Piece::Text(text)
            }
            Self::Refusal { refusal } => Piece::Text(refusal),
            Self::ImageUrl { image_url } => Piece::File(Source::url(image_url.url, "image")?),
            Self::InputImage { image_url, .. } => {
                Piece::File(Source::url(image_url.ok_or_else(no_store)?, "image")?)
            }
            Self::File { file } | Self::InputFile(file) => {
                let name = file.filename.as_deref().unwrap_or("file");
                let url = file.file_data.or(file.file_url).ok_or_else(no_store)?;
                Piece::File(Source::url(url, name)?)
            }
            Self::InputAudio { input_audio } => {
                let media_type = format!("audio/{}", input_audio.format);
                Piece::File(Source::base64(&media_type, input_audio.data, "audio"))
            }
            Self::Image { source: ImageSource::Base64 { media_type, data } } => {
                Piece::File(Source::base64(&media_type, data, "image"))
            }
            Self::Image { source: ImageSource::Url { url } } => {
                Piece::File(Source::url(url, "image")?)
            }
            Self::ToolUse { id, name, input } => {
                Piece::Text(tools::written(&id, &name, &input.to_string()))
            }
            Self::ToolResult { tool_use_id, content, is_error } => {
                let path = format!("{path}.content");
                let text = content.map(|content| content.gather(&path, is_last, beside));
                let text = text.transpose()?.unwrap_or_default();
                Piece::Text(tools::result(&tool_use_id, &text, is_error == Some(true)))
            }
            // What was thought before is nothing to the bot.
            Self::Thinking {}
            | Self::Reasoning {}
            | Self::ReasoningText {}
            | Self::RedactedThinking {}
            | Self::SummaryText {} => Piece::Nothing,
            // A question without a part of it would be another; of what was said before, it is told.
            Self::Other if is_last => {
                return Err(Failure::invalid("a part of this type is not known here").at(path));
            }
            Self::Other => {
                beside.ignored.push(path.to_owned());
                Piece::Nothing
            }
        })
    }
}

impl OpenAiPart {
    /// Whether it is a text without a word, or a thought.
    pub(crate) fn is_blank(&self) -> bool {
        match self {
            Self::Text { text } | Self::InputText { text } | Self::OutputText { text } => {
                text.trim().is_empty()
            }
            Self::Thinking {}
            | Self::Reasoning {}
            | Self::ReasoningText {}
            | Self::RedactedThinking {}
            | Self::SummaryText {} => true,
            _ => false,
        }
    }

    /// What it asks for that no site is told. The site looks at a picture as it does.
    fn ignored(&self) -> Option<&'static str> {
        let (detail, name) = match self {
            Self::ImageUrl { image_url } => (&image_url.detail, "image_url.detail"),
            Self::InputImage { detail, .. } => (detail, "detail"),
            _ => return None,
        };
        detail.as_deref().is_some_and(|detail| detail != "auto").then_some(name)
    }
}

impl Content<OpenAiPart> {
    /// The text of a message. `path` is what the content is called.
    pub(crate) fn gather(
        self,
        path: &str,
        is_last: bool,
        beside: &mut Beside,
    ) -> Result<String, Failure> {
        let parts = match self {
            Self::Text(text) => return Ok(text),
            Self::Parts(parts) => parts,
        };
        let ignored = parts.iter().enumerate().filter_map(|(index, part)| {
            part.ignored().map(|name| format!("{path}[{index}].{name}"))
        });
        beside.ignored.extend(ignored);
        let mut pieces = Vec::with_capacity(parts.len());
        for (index, part) in parts.into_iter().enumerate() {
            pieces.push(Ok(part.piece(&format!("{path}[{index}]"), is_last, beside)?));
        }
        gather(pieces, is_last, &mut beside.files)
    }
}
