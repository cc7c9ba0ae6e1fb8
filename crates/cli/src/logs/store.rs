//! The log's file: a database that several programs write at the same time.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OpenFlags, OptionalExtension, Params, Row, named_params};

use super::failure::{Failure, Result};
use super::schema::{Form, form, migrate};
use super::search::Words;
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
pub(crate) struct Store {
    database: Connection,
    /// Whether it has the index for the search, which a file of an older form has not.
    is_indexed: bool,
}

impl Store {
    /// Where the log is.
    pub(crate) fn path() -> Result<PathBuf> {
        Ok(data_dir().map_err(Failure::Place)?.join(NAME))
    }

    /// Opens the log, and makes it where there is none.
    pub(crate) fn open() -> Result<Self> {
        Self::open_at(&Self::path()?)
    }

    /// Opens the log where there is one. Where it cannot be written, it is read.
    pub(crate) fn existing() -> Result<Option<Self>> {
        let path = Self::path()?;
        // A disk that was full at once leaves an empty file.
        if !path.metadata().is_ok_and(|found| found.len() > 0) {
            return Ok(None);
        }
        match Self::open_at(&path) {
            Err(failure) if failure.leaves_reading() => {
                Self::read_only_at(&path).map_err(|_| failure).map(Some)
            }
            opened => opened.map(Some),
        }
    }

    /// Opens the log where there is one, to write.
    pub(crate) fn existing_to_write() -> Result<Option<Self>> {
        let path = Self::path()?;
        path.exists().then(|| Self::open_at(&path)).transpose()
    }

    /// Opens a log that can only be read.
    fn read_only_at(path: &Path) -> Result<Self> {
        let open = |flags: OpenFlags, parameters: &str, does_share: bool| {
            let flags = flags | OpenFlags::SQLITE_OPEN_URI;
            let database = Connection::open_with_flags(uri(path) + parameters, flags)?;
            database.busy_timeout(BUSY)?;
            if !does_share {
                database.pragma_update_and_check(None, "locking_mode", "exclusive", |_| Ok(()))?;
            }
            match form(&database)? {
                Form::None => Err(Failure::Older),
                form => Ok(Self { database, is_indexed: form == Form::Current }),
            }
        };
        let read = OpenFlags::SQLITE_OPEN_READ_ONLY;
        match open(read, "", true) {
            Err(Failure::Database(_)) => {}
            opened => return opened,
        }
        // Readers keep a file beside it, which takes room. Alone, one needs none.
        match open(OpenFlags::SQLITE_OPEN_READ_WRITE, "", false) {
            Err(Failure::Database(_)) => {}
            opened => return opened,
        }
        // Where not even a lock can be had, nobody writes either.
        open(read, "?immutable=1", true)
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
        Ok(Self { database: connection, is_indexed: true })
    }

    /// Adds an exchange, wholly or not at all, and returns its number.
    pub(crate) fn record(&self, exchange: &Exchange) -> Result<i64> {
        let files = serde_json::to_string(&exchange.files).unwrap_or_else(|_| "[]".into());
        let made = serde_json::to_string(&exchange.made).unwrap_or_else(|_| "[]".into());
        let sql = "INSERT INTO exchanges (time, provider, site, profile, model, bot, chat, title, \
            system, prompt, files, answer, duration, first, points, \"end\", made) VALUES (:time, \
            :provider, :site, :profile, :model, :bot, :chat, :title, :system, :prompt, :files, \
            :answer, :duration, :first, :points, :end, :made)";
        self.database.execute(
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
        Ok(self.database.last_insert_rowid())
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
        Ok(self.database.query_row(sql, parameters, chat).optional()?)
    }

    /// The exchanges of a chat, oldest first.
    pub(crate) fn exchanges(&self, chat: &str) -> Result<Vec<Exchange>> {
        self.select("WHERE chat = ?1 ORDER BY id", [chat])
    }

    /// What the newest answer of a model cost, where that was told.
    pub(crate) fn cost(&self, model: &str) -> Result<Option<i64>> {
        let sql = "SELECT points FROM exchanges WHERE model = ?1 AND points IS NOT NULL ORDER BY id \
            DESC LIMIT 1";
        Ok(self.database.query_row(sql, [model], |row| row.get(0)).optional()?)
    }

    /// The bots that were asked by their handles at a place, as `poe/<Handle>`, the newest first.
    pub(crate) fn handles(&self, place: &Place) -> Result<Vec<String>> {
        self.models(place, "AND model LIKE 'poe/%'")
    }

    /// The models that were asked at a place, the newest first.
    pub(crate) fn recent_models(&self, place: &Place) -> Result<Vec<String>> {
        self.models(
            place,
            "AND model != '' AND model NOT LIKE '%:temporary' AND \"end\" = 'complete'",
        )
    }

    fn models(&self, place: &Place, filter: &str) -> Result<Vec<String>> {
        let sql = format!(
            "SELECT model FROM exchanges WHERE provider = ?1 AND site = ?2 AND profile = ?3 \
            {filter} GROUP BY model ORDER BY MAX(id) DESC LIMIT 100"
        );
        let mut statement = self.database.prepare(&sql)?;
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

    /// The exchanges that hold all of the words, the best first.
    pub(super) fn search(&self, words: &Words, count: u32) -> Result<Vec<Exchange>> {
        if words.is_empty() {
            return Ok(Vec::new());
        }
        let query = words.query().filter(|_| self.is_indexed);
        let filter = match &query {
            Some(_) => {
                "JOIN words ON words.rowid = exchanges.id WHERE words MATCH ?1 ORDER BY words.rank, \
                 exchanges.id DESC"
            }
            None => "ORDER BY id DESC",
        };
        let mut statement =
            self.database.prepare(&format!("SELECT exchanges.* FROM exchanges {filter}"))?;
        let rows = statement.query_map(rusqlite::params_from_iter(&query), exchange)?;
        let is_wanted = |found: &rusqlite::Result<Exchange>| {
            found.as_ref().map_or(true, |found| words.are_in(found, query.is_some()))
        };
        let found = rows.filter(is_wanted).take(usize::try_from(count).unwrap_or(usize::MAX));
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }

    fn select(&self, filter: &str, parameters: impl Params) -> Result<Vec<Exchange>> {
        let mut statement =
            self.database.prepare(&format!("SELECT exchanges.* FROM exchanges {filter}"))?;
        let found = statement.query_map(parameters, exchange)?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }

    /// Deletes what a condition names, and returns how much that was.
    pub(super) fn delete(&self, which: &Which) -> Result<usize> {
        let deleted = match which {
            Which::One(id) => self.database.execute("DELETE FROM exchanges WHERE id = ?1", [id])?,
            Which::All => self.database.execute("DELETE FROM exchanges", [])?,
            Which::Before(time) => {
                self.database.execute("DELETE FROM exchanges WHERE time < ?1", [time])?
            }
        };
        // Nothing of it stays behind in the search's tables or in the journal.
        self.database.execute("INSERT INTO words (words) VALUES ('optimize')", [])?;
        self.database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(deleted)
    }

    /// The beginning of a day, or a minute of it, in local time, as milliseconds since 1970.
    pub(super) fn moment(&self, date: &str) -> Result<Option<i64>> {
        // A day that no month has would be one of the next month.
        let sql = "SELECT 1000 * CAST(strftime('%s', ?1, 'utc') AS INTEGER) WHERE \
            date(?1) = substr(?1, 1, 10)";
        Ok(self.database.query_row(sql, [date], |row| row.get(0)).optional()?.flatten())
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

fn exchange(row: &Row<'_>) -> rusqlite::Result<Exchange> {
    let files: String = row.get("files")?;
    // A file of an older form, which can only be read, does not tell.
    let made: Option<String> = match row.as_ref().column_index("made") {
        Ok(column) => row.get(column)?,
        Err(_) => None,
    };
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
        made: made.and_then(|made| serde_json::from_str(&made).ok()).unwrap_or_default(),
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
