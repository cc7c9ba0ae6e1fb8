//! Files that belong to a prompt: text goes into it, anything else is attached.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern};
use lenore::{Error, ErrorKind, Result};

use super::content_type::Extension;
use super::source::{Copies, Kind, Once, kind_of, open, stdin_with_a_word};

/// Text up to this size goes into the prompt, in bytes.
pub(crate) const INLINE: u64 = 64 * 1024;

/// What stands for stdin in place of a file's name.
pub(crate) const STDIN: &str = "-";

/// What came of some files.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    /// The texts, each under its name; empty where there are none.
    pub(crate) text: String,
    /// The files to attach.
    pub(crate) attachments: Vec<PathBuf>,
    /// Where those are that were read from pipes.
    pub(crate) copies: Copies,
}

/// Reads the files that names and patterns mean: short text for the prompt, the rest to attach.
///
/// # Errors
/// [`ErrorKind::Attachment`] for a name or a pattern without a file, or for what is no file and no
/// pipe.
pub(crate) fn gather(named: &[PathBuf]) -> Result<Gathered> {
    let mut gathered = Gathered::default();
    gathered.add(named, INLINE, None)?;
    Ok(gathered)
}

impl Gathered {
    /// Takes further files; text up to `inline` bytes goes into the prompt. `said` is the type of
    /// what has no name.
    pub(super) fn add(
        &mut self,
        named: &[PathBuf],
        inline: u64,
        said: Option<&Extension>,
    ) -> Result<()> {
        for path in expand_all(named)? {
            let copies = &mut self.copies;
            let once = if path.as_os_str() == STDIN {
                let name = Path::new("stdin");
                (copies.take(stdin_with_a_word(true), name, inline, said)?, name)
            } else {
                let cannot = |error: std::io::Error| refused(&path, &error.to_string());
                let found = fs::metadata(&path).map_err(cannot)?;
                let kind = kind_of(&path, &found)?;
                if kind == Kind::File && found.len() > inline {
                    self.attachments.push(path);
                    continue;
                }
                let said = said.filter(|_| kind == Kind::Pipe);
                match kind {
                    Kind::File => match short_text(&path)? {
                        Some(text) => (Once::Text(text), &*path),
                        None => (Once::File(path.clone()), &*path),
                    },
                    _ => (copies.take(open(&path)?, &path, inline, said)?, &*path),
                }
            };
            match once {
                (Once::File(path), _) => self.attachments.push(path),
                (Once::Text(text), name) => {
                    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
                    if !self.text.is_empty() {
                        self.text.push_str("\n\n");
                    }
                    self.text.push_str(&block(name, text));
                }
            }
        }
        Ok(())
    }
}

/// The files that names and patterns mean, in their order.
pub(crate) fn expand_all(named: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let files: Result<Vec<_>> = named.iter().map(|name| expand(name)).collect();
    Ok(files?.concat())
}

fn expand(name: &Path) -> Result<Vec<PathBuf>> {
    if name.as_os_str() == STDIN {
        return Ok(vec![name.to_owned()]);
    }
    // A file whose name looks like a pattern is meant itself.
    let pattern = match name.to_str() {
        Some(text) if fs::symlink_metadata(name).is_err() && text.contains(['*', '?', '[']) => text,
        _ => return checked(name).map(|()| vec![name.to_owned()]),
    };
    let options = MatchOptions {
        case_sensitive: true,
        require_literal_separator: true,
        require_literal_leading_dot: true,
    };
    let paths = glob::glob_with(pattern, options)
        .map_err(|error| refused(name, &format!("the pattern does not parse: {error}")))?;
    let files: Vec<_> = paths.flatten().filter(|path| path.is_file()).collect();
    if files.is_empty() {
        return Err(refused(name, "no file has such a name"));
    }
    Ok(files)
}

fn checked(path: &Path) -> Result<()> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => {
            let inside = Path::new(&Pattern::escape(&path.to_string_lossy())).join("*");
            Err(refused(
                path,
                &format!("it is a directory; '{}' means its files", inside.display()),
            ))
        }
        Ok(found) => kind_of(path, &found).map(drop),
        Err(error) if path.as_os_str().as_encoded_bytes().starts_with(b"-") => Err(refused(
            path,
            &format!("{error}; the word after -f or -a is the name of a file, `-` means stdin"),
        )),
        Err(error) => Err(refused(path, &error.to_string())),
    }
}

/// The text of a small file; `None` where it is none.
fn short_text(path: &Path) -> Result<Option<String>> {
    let mut bytes = Vec::new();
    let read = open(path)?.take(INLINE + 1).read_to_end(&mut bytes);
    read.map_err(|error| refused(path, &error.to_string()))?;
    // It may have grown meanwhile.
    let is_short = bytes.len() as u64 <= INLINE;
    let text = String::from_utf8(bytes).ok().filter(|_| is_short);
    Ok(text.filter(|text| !text.contains('\0')))
}

/// A text under its file's name, between fences that it does not hold itself.
fn block(path: &Path, text: &str) -> String {
    let name: String =
        path.to_string_lossy().chars().filter(|c| !c.is_control() && *c != '`').collect();
    let kind = path.extension().and_then(|kind| kind.to_str()).unwrap_or_default();
    let kind = if kind.chars().all(|c| c.is_ascii_alphanumeric()) { kind } else { "" };
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat((longest + 1).max(3));
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    format!("`{name}`:\n\n{fence}{kind}\n{text}{end}{fence}")
}

pub(super) fn refused(path: &Path, why: &str) -> Error {
    let message = format!("the file {} cannot be sent: {why}", path.display());
    Error::new(ErrorKind::Attachment, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_goes_into_the_prompt_and_the_rest_is_attached() {
        let directory = tempfile::tempdir().expect("a directory");
        let write = |name: &str, bytes: &[u8]| {
            let path = directory.path().join(name);
            fs::write(&path, bytes).expect("written");
            path
        };
        let limit = usize::try_from(INLINE).expect("a small number");
        let text = write("a.rs", "fn naïve() {}".as_bytes());
        let picture = write("b.png", b"\x89PNG\r\n\x1a\n\0");
        let nul = write("c.bin", b"a\0b");
        let whole = write("d.txt", &vec![b'x'; limit]);
        let long = write("e.txt", &vec![b'x'; limit + 1]);
        let all = [text.clone(), picture.clone(), nul.clone(), whole.clone(), long.clone()];
        let gathered = gather(&all).expect("they are there");
        assert_eq!(gathered.attachments, [picture, nul, long]);
        let first = format!("`{}`:\n\n```rs\nfn naïve() {{}}\n```\n\n`", text.display());
        assert!(gathered.text.starts_with(&first), "{}", gathered.text);
        assert!(gathered.text.ends_with("xx\n```"));
    }

    #[test]
    fn a_pattern_means_the_files_that_it_fits() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name);
        fs::create_dir_all(path("deep/er")).expect("made");
        for name in ["b.rs", "a.rs", ".hidden.rs", "deep/c.rs", "deep/er/d.rs", "n.txt", "[x].rs"] {
            fs::write(path(name), name).expect("written");
        }
        let found = |pattern: &str| expand(&path(pattern)).expect(pattern);
        assert_eq!(found("?.rs"), [path("a.rs"), path("b.rs")]);
        assert_eq!(found("deep/**/*.rs"), [path("deep/c.rs"), path("deep/er/d.rs")]);
        assert_eq!(found("[x].rs"), [path("[x].rs")], "a file's own name");
        for bad in ["*.py", "missing.rs", "deep", "deep*"] {
            let error = expand(&path(bad)).expect_err(bad);
            assert_eq!(error.kind(), ErrorKind::Attachment, "{bad}");
        }
    }

    #[test]
    fn a_fence_is_longer_than_those_in_the_text() {
        let block = block(Path::new("n`o\nte.md"), "a\n````\nb\n");
        assert_eq!(block, "`note.md`:\n\n`````md\na\n````\nb\n`````");
    }
}
