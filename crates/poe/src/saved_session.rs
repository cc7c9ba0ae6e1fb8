//! The session of a signed-in profile, as a file of the user's own.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::SystemTime;

use lenore_browser::{Cookie, SessionCookie};
use lenore_provider::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use crate::{Poe, Site};

/// No session is larger, in bytes.
const LARGEST: u64 = 1 << 20;

/// The cookies that sign a browser in. Whoever has them is signed in as the user, so they are in
/// no `Debug` output, and a file of them must be its user's alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedSession {
    /// The host that they are for.
    host: String,
    cookies: Vec<SessionCookie>,
}

impl SavedSession {
    /// Reads a file that `lenore login --export` has written.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] for a file that cannot be read, holds something else, or can
    /// be read by others too.
    pub fn load(path: &Path) -> Result<Self> {
        let name = path.display();
        let invalid = |message: String| Error::new(ErrorKind::InvalidRequest, message);
        let refused = |error: std::io::Error| {
            let message = format!(
                "the session {name} cannot be read: {error}; `lenore login --export FILE` writes one"
            );
            invalid(message).with_source(error)
        };
        let file = File::open(path).map_err(refused)?;
        if is_open_to_others(&file).map_err(refused)? {
            return Err(invalid(format!(
                "others on this machine can read {name}, which signs in whoever has it; chmod 600 \
                 {name}, or end that session if somebody may have read it"
            )));
        }
        let mut text = String::new();
        file.take(LARGEST).read_to_string(&mut text).map_err(refused)?;
        // The parser's own words could hold a part of the text.
        serde_json::from_str(&text).map_err(|error| {
            invalid(format!(
                "{name} is no session: line {}, column {} is not as `lenore login --export FILE` \
                 writes it",
                error.line(),
                error.column()
            ))
        })
    }

    /// The text of a file for [`load`](Self::load). It must be its user's alone.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("text and numbers are JSON")
    }

    /// Whether it can sign in to a site.
    pub(crate) fn check(&self, site: &Site) -> Result<()> {
        let host = site.host();
        let is_session = |cookie: &&SessionCookie| {
            let SessionCookie { name, domain, .. } = *cookie;
            let found = Cookie { name: name.clone(), domain: domain.clone() };
            found.name == site.session_cookie && found.belongs_to(&host)
        };
        let sessions: Vec<_> = self.cookies.iter().filter(is_session).collect();
        if sessions.is_empty() {
            return Err(Error::new(
                ErrorKind::InvalidRequest,
                format!("the saved session is for {}; it does not sign in to {host}", self.host),
            ));
        }
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let is_over = |session: &&SessionCookie| {
            session.expires.is_some_and(|seconds| seconds < now.as_secs())
        };
        if sessions.iter().all(is_over) {
            return Err(Error::new(
                ErrorKind::NotSignedIn,
                "the saved session has expired; `lenore login --export FILE` writes a new one",
            ));
        }
        Ok(())
    }

    pub(crate) fn into_cookies(self) -> Vec<SessionCookie> {
        self.cookies
    }
}

impl Poe {
    /// The session that the browser is signed in with, for another browser of the same user, such
    /// as [a WebDriver's](crate::WebDriver::cookies).
    ///
    /// # Errors
    /// [`ErrorKind::NotSignedIn`] where there is none; else as
    /// [`is_signed_in`](Self::is_signed_in).
    pub async fn export_session(&self) -> Result<SavedSession> {
        let _lease = self.0.session.lease();
        if !self.is_signed_in().await? {
            return Err(self.0.session.signed_out());
        }
        let host = self.0.site.host();
        let cookies = self.0.session.export_cookies(&host).await?;
        let session = SavedSession { host, cookies };
        session.check(&self.0.site)?;
        Ok(session)
    }
}

#[cfg(unix)]
fn is_open_to_others(file: &File) -> std::io::Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    Ok(file.metadata()?.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(_: &File) -> std::io::Result<bool> {
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saved(name: &str, domain: &str, expires: Option<u64>) -> SavedSession {
        let cookie = SessionCookie {
            name: name.into(),
            value: "s3cret".into(),
            domain: domain.into(),
            path: "/".into(),
            secure: true,
            http_only: true,
            same_site: None,
            expires,
        };
        SavedSession { host: domain.into(), cookies: vec![cookie] }
    }

    #[test]
    fn a_session_is_for_its_site_and_its_time() {
        let (poe, later) = (Site::poe(), Some(u64::from(u32::MAX)));
        let kind = |session: SavedSession| session.check(&poe).err().map(|error| error.kind());
        assert_eq!(kind(saved("p-b", "poe.com", None)), None);
        assert_eq!(kind(saved("p-b", ".poe.com", later)), None);
        assert_eq!(kind(saved("p-b", "poe.com", Some(1))), Some(ErrorKind::NotSignedIn));
        assert_eq!(kind(saved("p-b", "poe.com", Some(u64::MAX))), None);
        let mut two = saved("p-b", "poe.com", Some(1));
        two.cookies.extend(saved("p-b", ".poe.com", later).cookies);
        assert_eq!(kind(two), None, "one that is old hides no other");
        assert_eq!(kind(saved("p-b", "evil.com", later)), Some(ErrorKind::InvalidRequest));
        assert_eq!(kind(saved("other", "poe.com", later)), Some(ErrorKind::InvalidRequest));
    }

    #[test]
    fn no_message_holds_a_value() {
        let session = saved("p-b", "poe.com", None);
        assert!(!format!("{session:?}").contains("s3cret"));
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("session.json");
        let broken = session.to_json().replace("true", "\"s3cret\"");
        for text in ["", "{}", "[1]", "\u{0}\u{1}", &broken, &broken[..40]] {
            write_private(&path, text);
            let error = SavedSession::load(&path).expect_err("broken");
            assert_eq!(error.kind(), ErrorKind::InvalidRequest);
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
        }
        write_private(&path, &session.to_json());
        assert_eq!(SavedSession::load(&path).expect("whole"), session);
        let error = SavedSession::load(&directory.path().join("none")).expect_err("not there");
        assert!(error.to_string().contains("lenore login --export"), "{error}");
        SavedSession::load(directory.path()).expect_err("a directory");
    }

    fn write_private(path: &Path, text: &str) {
        std::fs::write(path, text).expect("written");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let rights = |mode| std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(path, rights(0o640)).expect("our own file");
            let error = SavedSession::load(path).expect_err("open to others");
            assert!(error.to_string().contains("chmod 600"), "{error}");
            std::fs::set_permissions(path, rights(0o600)).expect("our own file");
        }
    }
}
