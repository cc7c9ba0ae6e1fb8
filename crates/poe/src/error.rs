//! The errors that more than one room has to tell.

use lenore_provider::{Error, ErrorKind};

pub(crate) const SIGNED_OUT: &str =
    "not signed in, or the session has expired; sign in with `lenore login`";

pub(crate) const CHALLENGE: &str = "the site asks whether you are a human; open it in a window \
    (`lenore login`), pass the check yourself, and ask again";

/// The error of a profile without a session.
pub(crate) fn signed_out() -> Error {
    Error::new(ErrorKind::NotSignedIn, SIGNED_OUT)
}

/// The error of a bot that the account may not use.
pub(crate) fn no_access() -> Error {
    let message = "the account may not use this bot; it may need a subscription";
    Error::new(ErrorKind::NoAccess, message)
}

/// The error of a human check, which we leave to the human.
pub(crate) fn challenge() -> Error {
    Error::new(ErrorKind::Challenge, CHALLENGE)
}

/// The error of an element that is not where it was.
pub(crate) fn site_changed(element: &str) -> Error {
    Error::new(
        ErrorKind::SiteChanged,
        format!(
            "{element} was not found on the page: the site has changed; `lenore doctor --mend` \
             looks for what has moved and writes the site file that mends it. A newer version of \
             Lenore may know it too"
        ),
    )
}

/// The error of a page of another site than the one that was asked for.
pub(crate) fn led_away(origin: &str) -> Error {
    Error::new(
        ErrorKind::Network,
        format!(
            "the site led to {origin}, which is not the site that was asked for; nothing was typed \
             there. If it belongs to the site, a site file can name it under `origins`"
        ),
    )
}

/// A browser's error in the provider's words.
pub(crate) fn browser_error(error: lenore_browser::Error) -> Error {
    use lenore_browser::ErrorKind as Kind;
    let kind = match error.kind() {
        Kind::InvalidOption => ErrorKind::InvalidRequest,
        Kind::ProfileInUse { .. } => ErrorKind::ProfileInUse,
        Kind::Network => ErrorKind::Network,
        Kind::Timeout => ErrorKind::Timeout,
        _ => ErrorKind::Browser,
    };
    Error::new(kind, error.to_string()).with_source(error)
}

/// Whether an error means that the page or the browser is gone, so that another may do.
pub(crate) fn is_loss(error: &Error) -> bool {
    use lenore_browser::ErrorKind as Kind;
    let source = std::error::Error::source(error);
    source
        .and_then(|source| source.downcast_ref::<lenore_browser::Error>())
        .is_some_and(|error| matches!(error.kind(), Kind::Closed | Kind::Crashed | Kind::Navigated))
}
