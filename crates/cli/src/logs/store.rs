//! The log's file: a database that several programs write at the same time.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OpenFlags, OptionalExtension, Params, Row, named_params};

use super::failure::{Failure, Result};
use super::schema::{is_current, migrate};
use super::{Exchange, Place};
use crate::paths::{data_dir, make_private};

/// The file's name in the data directory.
const NAME: &str = "log.db";

/// How long another program's writing is waited for.
const BUSY: Duration = Duration::from_secs(5);

/// The chat that was last asked in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LastChat {
    /// Its code.
    pub(crate) chat: String,
    /// The model that was asked; empty where only its chat is known.
    pub(crate) model: String,
    /// Its title.
    pub(crate) title: Option<String>,
}

/// The log, open.
#[derive(Debug)]
pub(crate) struct Store(Connection);

impl Store {
    /// Where the log is.
    pub(crate) fn path() -> Result<PathBuf> {
        Ok(data_dir().map_err(Failure::Place)?.join(NAME))
    }

    /// Opens the log, and makes it where there is none.
    pub(crate) fn open() -> Result<Self> {
        Self::open_at(&Self::path()?)
    }

    /// Opens the log where there is one.
    pub(crate) fn existing() -> Result<Option<Self>> {
        let path = Self::path()?;
        if !path.exists() {
            return Ok(None);
        }
        match Self::open_at(&path) {
            Err(failure) if failure.is_read_only() => Self::read_only_at(&path).map(Some),
            opened => opened.map(Some),
        }
    }

    /// Opens a log that can only be read.
    fn read_only_at(path: &Path) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        let open = |parameters: &str| {
            let connection = Connection::open_with_flags(uri(path) + parameters, flags)?;
            connection.busy_timeout(BUSY)?;
            if is_current(&connection)? { Ok(Self(connection)) } else { Err(Failure::Older) }
        };
        // Readers keep a file beside it. Where that cannot be made, nobody writes either.
        match open("") {
            Err(Failure::Database(_)) => open("?immutable=1"),
            opened => opened,
        }
    }

    /// Opens a log at a place of its own.
    pub(super) fn open_at(path: &Path) -> Result<Self> {
        let refused = |error| Failure::File(path.to_owned(), error);
        make_private(path.parent().unwrap_or(Path::new("."))).map_err(refused)?;
        private_file(path).map_err(refused)?;
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(BUSY)?;
        // What is deleted is overwritten. A reader does not wait for a writer.
        connection.pragma_update(None, "secure_delete", true)?;
        connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
        connection.pragma_update(None, "synchronous", "normal")?;
        migrate(&mut connection)?;
        Ok(Self(connection))
    }

    /// Adds an exchange, wholly or not at all, and returns its number.
    pub(crate) fn record(&self, exchange: &Exchange) -> Result<i64> {
        let files = serde_json::to_string(&exchange.files).unwrap_or_else(|_| "[]".into());
        let made = serde_json::to_string(&exchange.made).unwrap_or_else(|_| "[]".into());
        let sql = "INSERT INTO exchanges (time, provider, site, profile, model, bot, chat, title, \
            system, prompt, files, answer, duration, first, points, \"end\", made) VALUES (:time, \
            :provider, :site, :profile, :model, :bot, :chat, :title, :system, :prompt, :files, \
            :answer, :duration, :first, :points, :end, :made)";
        self.0.execute(
            sql,
            named_params! {
                ":time": exchange.time, ":provider": exchange.provider, ":site": exchange.site,
                ":profile": exchange.profile, ":model": exchange.model, ":bot": exchange.bot,
                ":chat": exchange.chat, ":title": exchange.title, ":system": exchange.system,
                ":prompt": exchange.prompt, ":files": files, ":answer": exchange.answer,
                ":duration": exchange.duration, ":first": exchange.first,
                ":points": exchange.points, ":end": exchange.end, ":made": made,
            },
        )?;
        Ok(self.0.last_insert_rowid())
    }

    /// The chat that was last asked in, at a place.
    pub(crate) fn last_chat(&self, place: &Place) -> Result<Option<LastChat>> {
        let sql = "SELECT chat, model, title FROM exchanges WHERE provider = ?1 AND site = ?2 AND \
            profile = ?3 AND chat IS NOT NULL ORDER BY id DESC LIMIT 1";
        let parameters = (&place.provider, &place.site, &place.profile);
        self.chat_by(sql, parameters)
    }

    /// What is known of a chat.
    pub(crate) fn chat(&self, code: &str) -> Result<Option<LastChat>> {
        let sql = "SELECT chat, model, title FROM exchanges WHERE chat = ?1 ORDER BY model = '', \
            id DESC LIMIT 1";
        self.chat_by(sql, [code])
    }

    fn chat_by(&self, sql: &str, parameters: impl Params) -> Result<Option<LastChat>> {
        let chat = |row: &Row<'_>| {
            Ok(LastChat { chat: row.get(0)?, model: row.get(1)?, title: row.get(2)? })
        };
        Ok(self.0.query_row(sql, parameters, chat).optional()?)
    }

    /// The exchanges of a chat, oldest first.
    pub(crate) fn exchanges(&self, chat: &str) -> Result<Vec<Exchange>> {
        self.select("WHERE chat = ?1 ORDER BY id", [chat])
    }

    /// What the newest answer of a model cost, where that was told.
    pub(crate) fn cost(&self, model: &str) -> Result<Option<i64>> {
        let sql = "SELECT points FROM exchanges WHERE model = ?1 AND points IS NOT NULL ORDER BY id \
            DESC LIMIT 1";
        Ok(self.0.query_row(sql, [model], |row| row.get(0)).optional()?)
    }

    /// The bots that were asked by their handles at a place, as `poe/<Handle>`, the newest first.
    pub(crate) fn handles(&self, place: &Place) -> Result<Vec<String>> {
        let sql = "SELECT model FROM exchanges WHERE provider = ?1 AND site = ?2 AND profile = ?3 \
            AND model LIKE 'poe/%' GROUP BY model ORDER BY MAX(id) DESC LIMIT 100";
        let mut statement = self.0.prepare(sql)?;
        let parameters = (&place.provider, &place.site, &place.profile);
        let found = statement.query_map(parameters, |row| row.get(0))?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }

    /// The newest exchanges, newest first.
    pub(super) fn newest(&self, count: u32) -> Result<Vec<Exchange>> {
        self.select("ORDER BY id DESC LIMIT ?1", [count])
    }

    /// All exchanges, oldest first.
    pub(super) fn all(&self) -> Result<Vec<Exchange>> {
        self.select("ORDER BY id", [])
    }

    /// An exchange by its number.
    pub(super) fn get(&self, id: i64) -> Result<Option<Exchange>> {
        Ok(self.select("WHERE id = ?1", [id])?.pop())
    }

    /// The exchanges that hold all of the words, the best first; a `*` at a word's end stands for
    /// any ending.
    pub(super) fn search(&self, words: &[String], count: u32) -> Result<Vec<Exchange>> {
        let Some(query) = query(words) else { return Ok(Vec::new()) };
        let filter = "JOIN words ON words.rowid = exchanges.id WHERE words MATCH ?1 ORDER BY \
            words.rank, exchanges.id DESC LIMIT ?2";
        self.select(filter, (query, count))
    }

    fn select(&self, filter: &str, parameters: impl Params) -> Result<Vec<Exchange>> {
        let mut statement =
            self.0.prepare(&format!("SELECT exchanges.* FROM exchanges {filter}"))?;
        let found = statement.query_map(parameters, exchange)?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }

    /// Deletes what a condition names, and returns how much that was.
    pub(super) fn delete(&self, which: &Which) -> Result<usize> {
        let deleted = match which {
            Which::One(id) => self.0.execute("DELETE FROM exchanges WHERE id = ?1", [id])?,
            Which::All => self.0.execute("DELETE FROM exchanges", [])?,
            Which::Before(time) => {
                self.0.execute("DELETE FROM exchanges WHERE time < ?1", [time])?
            }
        };
        // Nothing of it stays behind in the search's tables or in the journal.
        self.0.execute("INSERT INTO words (words) VALUES ('optimize')", [])?;
        self.0.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(deleted)
    }

    /// The beginning of a day, or a minute of it, in local time, as milliseconds since 1970.
    pub(super) fn moment(&self, date: &str) -> Result<Option<i64>> {
        let sql = "SELECT 1000 * CAST(strftime('%s', ?1, 'utc') AS INTEGER)";
        Ok(self.0.query_row(sql, [date], |row| row.get(0))?)
    }
}

/// What to delete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// The one with this number.
    One(i64),
    /// Everything.
    All,
    /// What is older, in milliseconds since 1970.
    Before(i64),
}

/// Words as the search takes them: each is meant as it stands.
fn query(words: &[String]) -> Option<String> {
    let words = words.iter().flat_map(|words| words.split_whitespace());
    let quoted = |word: &str| {
        let (word, any) = word.strip_suffix('*').map_or((word, ""), |word| (word, "*"));
        (!word.is_empty()).then(|| format!("\"{}\"{any}", word.replace('"', "\"\"")))
    };
    let words: Vec<_> = words.filter_map(quoted).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

fn exchange(row: &Row<'_>) -> rusqlite::Result<Exchange> {
    let (files, made): (String, String) = (row.get("files")?, row.get("made")?);
    Ok(Exchange {
        id: row.get("id")?,
        time: row.get("time")?,
        provider: row.get("provider")?,
        site: row.get("site")?,
        profile: row.get("profile")?,
        model: row.get("model")?,
        bot: row.get("bot")?,
        chat: row.get("chat")?,
        title: row.get("title")?,
        system: row.get("system")?,
        prompt: row.get("prompt")?,
        files: serde_json::from_str(&files).unwrap_or_default(),
        answer: row.get("answer")?,
        duration: row.get("duration")?,
        first: row.get("first")?,
        points: row.get("points")?,
        end: row.get("end")?,
        made: serde_json::from_str(&made).unwrap_or_default(),
    })
}

/// A path as the database takes it with parameters.
fn uri(path: &Path) -> String {
    let mut uri = String::from("file:");
    for c in path.to_string_lossy().chars() {
        match c {
            '%' | '?' | '#' => uri.push_str(&format!("%{:02x}", u32::from(c))),
            '\\' if cfg!(windows) => uri.push('/'),
            c => uri.push(c),
        }
    }
    uri
}

/// Makes the file for its user alone; the database gives its journals the same rights.
fn private_file(path: &Path) -> io::Result<()> {
    let mut options = File::options();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// A time on the user's clock, to the minute.
pub(crate) fn local_time(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let sql = "SELECT strftime('%Y-%m-%d %H:%M', ?1, 'unixepoch', 'localtime')";
    let told = Connection::open_in_memory()
        .and_then(|clock| clock.query_row(sql, [i64::try_from(seconds).ok()], |row| row.get(0)));
    told.unwrap_or_default()
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
