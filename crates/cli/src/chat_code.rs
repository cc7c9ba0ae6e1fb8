//! A chat as its user names it: by its code, or by its whole address.

use lenore::Result;

use crate::paths::invalid;

/// The code of a chat of a site, which is the last part of its address. What is no address stays
/// as it is.
///
/// # Errors
/// [`lenore::ErrorKind::InvalidRequest`] for an address elsewhere, or of no chat.
pub(crate) fn code_of(chat: &str, site: &str) -> Result<String> {
    if !chat.contains("://") {
        return Ok(chat.to_owned());
    }
    let Some(path) = chat.strip_prefix(site).filter(|path| path.starts_with('/')) else {
        return Err(invalid(format!("{chat} is not at {site}, where is asked")));
    };
    let path = path.split(['?', '#']).next().unwrap_or_default();
    match path.trim_end_matches('/').rsplit_once('/') {
        Some((before, code)) if !before.is_empty() && !code.is_empty() => Ok(code.to_owned()),
        _ => Err(invalid(format!("{chat} is no chat's address; that ends with the chat's code"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_or_a_code_names_a_chat() {
        let code = |chat| code_of(chat, "https://poe.com").ok();
        for chat in ["2xk9f3", "https://poe.com/chat/2xk9f3", "https://poe.com/chat/2xk9f3/?x=y#z"]
        {
            assert_eq!(code(chat).as_deref(), Some("2xk9f3"), "{chat}");
        }
        let elsewhere =
            ["https://poe.com.example/chat/2xk9f3", "https://poe.com/", "http://x/chat/y"];
        assert!(elsewhere.iter().all(|chat| code(chat).is_none()));
        assert_eq!(code("https://poe.com/GPT-4"), None);
    }
}
