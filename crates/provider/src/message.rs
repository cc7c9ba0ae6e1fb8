//! One turn of a conversation.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind};

/// Who says a [`Message`]. The names are those of the OpenAI chat API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Role {
    /// Instructions that hold for the whole conversation.
    System,
    /// The newer name that some clients give to [`Role::System`].
    Developer,
    /// The person, or the program that asks.
    User,
    /// The bot.
    Assistant,
    /// The result of a tool call.
    Tool,
}

impl Role {
    /// The role's name on the wire, in lower case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Developer => "developer",
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Tool => "tool",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        [Self::System, Self::Developer, Self::User, Self::Assistant, Self::Tool]
            .into_iter()
            .find(|role| role.as_str() == name)
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::InvalidRequest,
                    format!(
                        "unknown role {name:?}; a message is said by system, developer, user, \
                         assistant or tool"
                    ),
                )
            })
    }
}

/// One turn of a conversation: who said it, and the text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Message {
    /// Who said it.
    pub role: Role,
    /// The text, any Unicode, any length that the site takes.
    pub content: String,
}

impl Message {
    /// A message of any role.
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self { role, content: content.into() }
    }

    /// A message of the person who asks.
    pub fn user(content: impl Into<String>) -> Self {
        Self::new(Role::User, content)
    }

    /// Instructions for the whole conversation.
    pub fn system(content: impl Into<String>) -> Self {
        Self::new(Role::System, content)
    }

    /// An earlier answer of the bot.
    pub fn assistant(content: impl Into<String>) -> Self {
        Self::new(Role::Assistant, content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_reads_back_from_its_name() {
        for role in [Role::System, Role::Developer, Role::User, Role::Assistant, Role::Tool] {
            assert_eq!(role.to_string().parse::<Role>().expect("its own name"), role);
        }
    }

    #[test]
    fn an_unknown_role_is_an_invalid_request() {
        let error = "wizard".parse::<Role>().expect_err("no such role");
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert!(error.to_string().contains("wizard"));
    }
}
