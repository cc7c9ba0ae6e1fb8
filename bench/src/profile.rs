//! Profiles that are signed in on the site, one for each who is measured: the account's updates go
//! to all of its pages, and nobody shall hear another's.

use lenore::{Error, ErrorKind, Poe};
use tempfile::TempDir;

use crate::Failure;
use crate::site::{self, Site};

/// A profile of its own account, signed in by the site's own form.
pub(crate) async fn signed_in(site: &Site, name: &str) -> Result<TempDir, Failure> {
    let word: String = name.chars().filter(char::is_ascii_alphabetic).collect();
    let email = format!("{word}@example.org").to_lowercase();
    let profile = tempfile::tempdir()?;
    let poe = Poe::builder().url(&site.url).user_data_dir(profile.path()).build()?;
    let code = async {
        let code = site::code(&site.url, &email).await;
        code.map_err(|error| Error::new(ErrorKind::NotSignedIn, error.to_string()))
    };
    poe.sign_in_with_code(&email, code).await?;
    poe.close().await;
    Ok(profile)
}
