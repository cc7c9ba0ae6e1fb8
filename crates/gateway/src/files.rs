//! Files that come with a question: checked, and put where the provider can read them.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lenore_provider::{Error, ErrorKind};

use crate::failure::Failure;
use crate::remote::Remote;
use crate::scratch::{Place, Scratch};

/// As many files may come with a question.
const MOST: usize = 20;

/// So many bytes may be fetched for a question, and all of its files must be here in this time.
const FETCHED: usize = 32 * 1024 * 1024;
const PATIENCE: Duration = Duration::from_secs(30);

/// Bytes of a file's name; no file system takes more than some 250.
const LONGEST_NAME: usize = 120;

/// What files of some types are called, so that the site takes them for what they are.
const EXTENSIONS: &[(&str, &str)] = &[
    ("application/json", "json"),
    ("application/pdf", "pdf"),
    ("application/zip", "zip"),
    ("audio/mp3", "mp3"),
    ("audio/mpeg", "mp3"),
    ("audio/wav", "wav"),
    ("image/gif", "gif"),
    ("image/jpeg", "jpg"),
    ("image/png", "png"),
    ("image/svg+xml", "svg"),
    ("image/webp", "webp"),
    ("text/csv", "csv"),
    ("text/html", "html"),
    ("text/markdown", "md"),
    ("text/plain", "txt"),
    ("video/mp4", "mp4"),
];

/// A file as the client names it.
#[derive(Debug)]
pub(crate) struct Source {
    /// What it is called, without what a path may not have.
    name: String,
    content: Content,
}

#[derive(Debug)]
enum Content {
    /// Here, in base64.
    Base64 { media_type: String, data: String },
    /// Here, as it is.
    Text(String),
    /// At this address, from where it must be fetched.
    Remote(String),
}

impl Source {
    /// A `data:` URL, or an address.
    pub(crate) fn url(url: String, name: &str) -> Result<Self, Failure> {
        let content = match url.strip_prefix("data:") {
            Some(rest) => {
                let Some((head, data)) = rest.split_once(',') else {
                    return Err(Failure::invalid("a data URL has a comma before its data"));
                };
                let Some(media_type) = head.strip_suffix(";base64") else {
                    return Err(Failure::invalid("the data of a data URL must be in base64"));
                };
                let media_type = media_type.split(';').next().unwrap_or_default().to_owned();
                Content::Base64 { media_type, data: data.to_owned() }
            }
            None if url.starts_with("http://") || url.starts_with("https://") => {
                Content::Remote(url)
            }
            None => {
                return Err(Failure::invalid(
                    "a file is given as a data URL (data:image/png;base64,…) or an http address",
                ));
            }
        };
        Ok(Self { name: plain(name), content })
    }

    pub(crate) fn base64(media_type: &str, data: String, name: &str) -> Self {
        let content = Content::Base64 { media_type: media_type.to_owned(), data };
        Self { name: plain(name), content }
    }

    pub(crate) fn text(text: String, name: &str) -> Self {
        Self { name: plain(name), content: Content::Text(text) }
    }
}

/// Files in a directory for this user alone, which goes when this does.
#[derive(Debug, Default)]
pub(crate) struct Files {
    place: Option<Arc<Place>>,
    pub(crate) paths: Vec<PathBuf>,
}

impl Files {
    /// Puts the files in a directory; fetches those that are elsewhere, where that is allowed.
    pub(crate) async fn store(
        sources: Vec<Source>,
        scratch: &Scratch,
        remote: Option<&Remote>,
    ) -> Result<Self, Failure> {
        if sources.is_empty() {
            return Ok(Self::default());
        }
        if sources.len() > MOST {
            return Err(Failure::invalid(format!("more than {MOST} files in one request")));
        }
        let place = Arc::new(scratch.place().map_err(not_stored)?);
        let mut files = Self { place: Some(place), paths: Vec::with_capacity(sources.len()) };
        let stored = async {
            let mut room = FETCHED;
            for source in sources {
                let (media_type, bytes) = read(source.content, remote, &mut room).await?;
                files.add(with_extension(source.name, &media_type), bytes).await?;
            }
            Ok::<_, Failure>(())
        };
        let stored = tokio::time::timeout(PATIENCE, stored).await;
        stored.unwrap_or_else(|_| {
            let message = format!("the files did not come within {} s", PATIENCE.as_secs());
            Err(Error::new(ErrorKind::Attachment, message).into())
        })?;
        Ok(files)
    }

    async fn add(&mut self, name: String, bytes: Vec<u8>) -> Result<(), Failure> {
        let Some(place) = self.place.clone() else { return Ok(()) };
        let number = self.paths.len().to_string();
        let write = move || {
            // Of its own directory, so that files of one name do not meet.
            let own = place.path().join(number);
            std::fs::create_dir(&own)?;
            let path = own.join(name);
            std::fs::write(&path, bytes)?;
            Ok(path)
        };
        let written = tokio::task::spawn_blocking(write).await;
        let written = written.unwrap_or_else(|_| Err(io::Error::other("the writing broke off")));
        self.paths.push(written.map_err(not_stored)?);
        Ok(())
    }
}

fn not_stored(error: io::Error) -> Failure {
    tracing::error!(%error, "a client's file cannot be stored");
    let message = format!("the file cannot be stored on the server: {error}");
    Error::new(ErrorKind::Attachment, message).into()
}

/// A file's type and its bytes. `room` is how many bytes may still be fetched.
async fn read(
    content: Content,
    remote: Option<&Remote>,
    room: &mut usize,
) -> Result<(String, Vec<u8>), Failure> {
    match content {
        Content::Text(text) => Ok(("text/plain".to_owned(), text.into_bytes())),
        Content::Base64 { media_type, data } => match STANDARD.decode(data.as_bytes()) {
            Ok(bytes) => Ok((media_type, bytes)),
            Err(_) => Err(Failure::invalid("the data of a file is not valid base64")),
        },
        Content::Remote(url) => match remote {
            Some(remote) => {
                let (media_type, bytes) = remote.fetch(&url, *room).await?;
                *room -= bytes.len();
                Ok((media_type, bytes))
            }
            None => Err(Failure::invalid(
                "this server fetches no files; give the file itself as a data URL, or start the \
                 server with leave to fetch",
            )),
        },
    }
}

/// A name that ends as files of this type do. What follows the last dot of a title is no extension.
fn with_extension(name: String, media_type: &str) -> String {
    let is_known =
        |extension: &str| EXTENSIONS.iter().any(|(_, known)| known.eq_ignore_ascii_case(extension));
    let own = EXTENSIONS.iter().find(|(known, _)| known.eq_ignore_ascii_case(media_type));
    let extension = Path::new(&name).extension().and_then(|extension| extension.to_str());
    match (extension, own) {
        (Some(extension), Some(_)) if is_known(extension) => name,
        // Of a type that says nothing, the name says more.
        (Some(_), None) => name,
        (_, own) => format!("{name}.{}", own.map_or("bin", |(_, extension)| extension)),
    }
}

/// A name without what leads elsewhere or means something to a system.
fn plain(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let is_plain = |c: &char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ');
    let plain: String = last.chars().filter(is_plain).collect();
    // The end of a long name says more: it has the extension.
    let from = plain.ceil_char_boundary(plain.len().saturating_sub(LONGEST_NAME));
    let plain = plain[from..].trim_matches(['.', ' ']);
    if plain.is_empty() { "file".to_owned() } else { plain.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_nowhere() {
        for (name, expected) in [
            ("../../etc/passwd", "passwd"),
            ("C:\\a\\b.txt", "b.txt"),
            ("..", "file"),
            (".bashrc", "bashrc"),
            ("a\0b\n.png", "ab.png"),
            ("träume 1.pdf", "träume 1.pdf"),
        ] {
            assert_eq!(plain(name), expected);
        }
        assert!(plain(&"🐦ü".repeat(1000)).len() <= LONGEST_NAME);
    }

    #[test]
    fn what_follows_a_dot_in_a_title_is_no_extension() {
        for (name, media_type, expected) in [
            ("Report v1.2", "application/pdf", "Report v1.2.pdf"),
            ("plan vs. fact", "application/pdf", "plan vs. fact.pdf"),
            ("a.JPG", "image/png", "a.JPG"),
            ("main.rs", "text/x-rust", "main.rs"),
            ("main.rs", "", "main.rs"),
            ("image", "image/png", "image.png"),
            ("image", "x/y", "image.bin"),
        ] {
            assert_eq!(with_extension(name.to_owned(), media_type), expected);
        }
    }

    #[tokio::test]
    async fn files_are_there_while_they_are_needed() {
        let sources = vec![
            Source::url("data:image/png;base64,iVBORw==".into(), "image").expect("valid"),
            Source::text("hello".into(), "image"),
        ];
        let scratch = Scratch::default();
        let files = Files::store(sources, &scratch, None).await.expect("stored");
        let [image, text] = &*files.paths else { panic!("two files") };
        assert_eq!(std::fs::read(image).expect("there"), b"\x89PNG");
        assert!(image.ends_with("image.png") && text.ends_with("image.txt"));
        let directory = image.parent().and_then(Path::parent).expect("of their own").to_owned();
        drop(files);
        assert!(!directory.exists() && directory.parent().is_some_and(Path::exists));
    }

    #[tokio::test]
    async fn what_is_no_file_is_refused() {
        for url in ["file:///etc/passwd", "data:image/png", "data:text/plain,hi", "ftp://a/b"] {
            assert!(Source::url(url.into(), "x").is_err(), "{url}");
        }
        let scratch = Scratch::default();
        let bad = Source::url("data:image/png;base64,@@".into(), "x").expect("a data URL");
        assert!(Files::store(vec![bad], &scratch, None).await.is_err());
        let far = Source::url("http://example.org/x.png".into(), "x").expect("an address");
        assert!(Files::store(vec![far], &scratch, None).await.is_err(), "not without leave");
    }
}
