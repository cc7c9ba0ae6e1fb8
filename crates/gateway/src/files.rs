//! Files that come with a question: checked, and put where the provider can read them.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lenore_provider::{Error, ErrorKind};

use crate::failure::Failure;
use crate::remote::Remote;

/// As many files may come with a question.
const MOST: usize = 20;

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
    place: Place,
}

#[derive(Debug)]
enum Place {
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
        let place = match url.strip_prefix("data:") {
            Some(rest) => {
                let Some((head, data)) = rest.split_once(',') else {
                    return Err(Failure::invalid("a data URL has a comma before its data"));
                };
                let Some(media_type) = head.strip_suffix(";base64") else {
                    return Err(Failure::invalid("the data of a data URL must be in base64"));
                };
                let media_type = media_type.split(';').next().unwrap_or_default().to_owned();
                Place::Base64 { media_type, data: data.to_owned() }
            }
            None if url.starts_with("http://") || url.starts_with("https://") => Place::Remote(url),
            None => {
                return Err(Failure::invalid(
                    "a file is given as a data URL (data:image/png;base64,…) or an http address",
                ));
            }
        };
        Ok(Self { name: plain(name), place })
    }

    pub(crate) fn base64(media_type: &str, data: String, name: &str) -> Self {
        let place = Place::Base64 { media_type: media_type.to_owned(), data };
        Self { name: plain(name), place }
    }

    pub(crate) fn text(text: String, name: &str) -> Self {
        Self { name: plain(name), place: Place::Text(text) }
    }
}

/// Files in a directory for this user alone, which goes when this does.
#[derive(Debug, Default)]
pub(crate) struct Files {
    _directory: Option<tempfile::TempDir>,
    pub(crate) paths: Vec<PathBuf>,
}

impl Files {
    /// Puts the files in a directory; fetches those that are elsewhere, where that is allowed.
    pub(crate) async fn store(
        sources: Vec<Source>,
        remote: Option<&Remote>,
    ) -> Result<Self, Failure> {
        if sources.is_empty() {
            return Ok(Self::default());
        }
        if sources.len() > MOST {
            return Err(Failure::invalid(format!("more than {MOST} files in one request")));
        }
        let mut contents = Vec::with_capacity(sources.len());
        for source in sources {
            contents.push((source.name, read(source.place, remote).await?));
        }
        let stored = tokio::task::spawn_blocking(move || write_all(contents)).await;
        stored.unwrap_or_else(|_| Err(std::io::Error::other("the writing broke off"))).map_err(
            |error| {
                tracing::error!(%error, "a client's file cannot be stored");
                Failure::from(Error::new(
                    ErrorKind::Attachment,
                    format!("the file cannot be stored on the server: {error}"),
                ))
            },
        )
    }
}

/// A file's bytes and its type.
async fn read(place: Place, remote: Option<&Remote>) -> Result<(String, Vec<u8>), Failure> {
    match place {
        Place::Text(text) => Ok(("text/plain".to_owned(), text.into_bytes())),
        Place::Base64 { media_type, data } => match STANDARD.decode(data.as_bytes()) {
            Ok(bytes) => Ok((media_type, bytes)),
            Err(_) => Err(Failure::invalid("the data of a file is not valid base64")),
        },
        Place::Remote(url) => match remote {
            Some(remote) => remote.fetch(&url).await,
            None => Err(Failure::invalid(
                "this server fetches no files; give the file itself as a data URL, or start the \
                 server with leave to fetch",
            )),
        },
    }
}

fn write_all(contents: Vec<(String, (String, Vec<u8>))>) -> std::io::Result<Files> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("lenore-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    let directory = builder.tempdir()?;
    let mut paths = Vec::with_capacity(contents.len());
    for (number, (name, (media_type, bytes))) in contents.into_iter().enumerate() {
        // Of its own directory, so that files of one name do not meet.
        let place = directory.path().join(number.to_string());
        std::fs::create_dir(&place)?;
        let path = place.join(with_extension(name, &media_type));
        std::fs::write(&path, bytes)?;
        paths.push(path);
    }
    Ok(Files { _directory: Some(directory), paths })
}

fn with_extension(name: String, media_type: &str) -> String {
    if Path::new(&name).extension().is_some() {
        return name;
    }
    let known = EXTENSIONS.iter().find(|(known, _)| known.eq_ignore_ascii_case(media_type));
    format!("{name}.{}", known.map_or("bin", |(_, extension)| extension))
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

    #[tokio::test]
    async fn files_are_there_while_they_are_needed() {
        let sources = vec![
            Source::url("data:image/png;base64,iVBORw==".into(), "image").expect("valid"),
            Source::text("hello".into(), "image"),
        ];
        let files = Files::store(sources, None).await.expect("stored");
        let [image, text] = &*files.paths else { panic!("two files") };
        assert_eq!(std::fs::read(image).expect("there"), b"\x89PNG");
        assert!(image.ends_with("image.png") && text.ends_with("image.txt"));
        let (image, directory) =
            (image.clone(), files._directory.as_ref().map(|d| d.path().to_owned()));
        drop(files);
        assert!(!image.exists() && !directory.is_some_and(|path| path.exists()));
    }

    #[tokio::test]
    async fn what_is_no_file_is_refused() {
        for url in ["file:///etc/passwd", "data:image/png", "data:text/plain,hi", "ftp://a/b"] {
            assert!(Source::url(url.into(), "x").is_err(), "{url}");
        }
        let bad = Source::url("data:image/png;base64,@@".into(), "x").expect("a data URL");
        assert!(Files::store(vec![bad], None).await.is_err());
        let far = Source::url("http://example.org/x.png".into(), "x").expect("an address");
        assert!(Files::store(vec![far], None).await.is_err(), "not without leave");
    }
}
