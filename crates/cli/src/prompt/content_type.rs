//! The type of a file that has no name, by its content or by what its user says.

/// How the site's form knows a file's type: the end of its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Extension(String);

/// Beginnings of files, with the place where each stands.
const SIGNATURES: &[(usize, &[u8], &str)] = &[
    (0, b"\x89PNG\r\n\x1a\n", "png"),
    (0, b"\xff\xd8\xff", "jpg"),
    (0, b"GIF87a", "gif"),
    (0, b"GIF89a", "gif"),
    (8, b"WEBP", "webp"),
    (0, b"BM", "bmp"),
    (0, b"II*\0", "tiff"),
    (0, b"MM\0*", "tiff"),
    (0, b"%PDF-", "pdf"),
    (8, b"WAVE", "wav"),
    (0, b"ID3", "mp3"),
    (0, b"\xff\xfb", "mp3"),
    (0, b"OggS", "ogg"),
    (0, b"fLaC", "flac"),
    (4, b"ftypavif", "avif"),
    (4, b"ftypheic", "heic"),
    (4, b"ftypM4A", "m4a"),
    (4, b"ftypqt", "mov"),
    (4, b"ftyp", "mp4"),
    (0, b"\x1a\x45\xdf\xa3", "webm"),
    (0, b"\x1f\x8b", "gz"),
];

/// What a zip may be: the folder that it has, and the document's type.
const DOCUMENTS: [(&[u8], &str); 3] = [(b"word/", "docx"), (b"xl/", "xlsx"), (b"ppt/", "pptx")];

impl Extension {
    /// The type of a content, by its beginning. `None` where it is none that is known.
    pub(crate) fn of(begin: &[u8]) -> Option<Self> {
        let fits = |at: usize, signature: &[u8]| {
            begin.get(at..).is_some_and(|rest| rest.starts_with(signature))
        };
        let known = SIGNATURES.iter().find(|(at, signature, _)| fits(*at, signature));
        let known = known.map(|(_, _, extension)| *extension).or_else(|| zip(begin));
        known.or_else(|| text(begin)).map(|extension| Self(extension.into()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

fn zip(begin: &[u8]) -> Option<&'static str> {
    if !begin.starts_with(b"PK\x03\x04") {
        return None;
    }
    let holds = |part: &[u8]| begin.windows(part.len()).any(|window| window == part);
    let document = DOCUMENTS.iter().find(|(folder, _)| holds(folder));
    Some(document.map_or("zip", |(_, extension)| extension))
}

fn text(begin: &[u8]) -> Option<&'static str> {
    let valid = match std::str::from_utf8(begin) {
        Ok(text) => text,
        // The beginning may end amid a character.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&begin[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return None,
    };
    let start = valid.trim_start();
    match valid {
        valid if valid.contains('\0') => None,
        _ if start.starts_with("<svg") => Some("svg"),
        _ => Some("txt"),
    }
}

impl std::str::FromStr for Extension {
    type Err = &'static str;

    /// Reads the end of a name, such as `png`, or a media type, such as `image/png`.
    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        let lower = typed.to_ascii_lowercase();
        let extension = match &*lower {
            "image/jpeg" => "jpg",
            "image/svg+xml" => "svg",
            "text/plain" => "txt",
            "text/markdown" => "md",
            "text/javascript" => "js",
            "audio/mpeg" => "mp3",
            "audio/mp4" => "m4a",
            "video/quicktime" => "mov",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document" => "docx",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" => "xlsx",
            "application/vnd.openxmlformats-officedocument.presentationml.presentation" => "pptx",
            other => {
                let subtype = match other.split_once('/') {
                    Some((kind, subtype)) if kind.chars().all(|c| c.is_ascii_alphabetic()) => {
                        subtype
                    }
                    _ => other,
                };
                subtype.trim_start_matches("x-").trim_start_matches('.')
            }
        };
        let is_one = (1..=10).contains(&extension.len())
            && extension.chars().all(|c| c.is_ascii_alphanumeric());
        if is_one {
            Ok(Self(extension.to_owned()))
        } else {
            Err("a file's type belongs there, such as png or image/png")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_known_by_the_content() {
        let cases: [(&[u8], Option<&str>); 9] = [
            (b"\x89PNG\r\n\x1a\n\0\0", Some("png")),
            (b"RIFF\0\0\0\0WEBPVP8 ", Some("webp")),
            (b"\0\0\0\x18ftypavif", Some("avif")),
            (b"\0\0\0\x18ftypisom", Some("mp4")),
            (b"PK\x03\x04....word/document.xml", Some("docx")),
            (b"  <svg xmlns", Some("svg")),
            ("naïve".as_bytes(), Some("txt")),
            ("na\u{ef}".as_bytes().split_at(3).0, Some("txt")),
            (b"\xc3\x28 no text", None),
        ];
        for (content, extension) in cases {
            let found = Extension::of(content);
            assert_eq!(found.as_ref().map(Extension::as_str), extension, "{content:?}");
        }
    }

    #[test]
    fn types_are_named_as_ends_of_names_and_as_media_types() {
        for (typed, extension) in
            [("PNG", "png"), (".md", "md"), ("image/jpeg", "jpg"), ("application/x-tar", "tar")]
        {
            assert_eq!(typed.parse::<Extension>().expect(typed).as_str(), extension);
        }
        for bad in ["", "image/", "../x", "a b"] {
            assert!(bad.parse::<Extension>().is_err(), "{bad}");
        }
    }
}
