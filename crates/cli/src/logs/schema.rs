//! The log's tables, and how older files get them.

use rusqlite::{Connection, TransactionBehavior};

use super::failure::{Failure, Result};

/// Each brings a file from one version to the next; `user_version` tells how many it has had.
/// What is here once stays as it is.
pub(super) const MIGRATIONS: [&str; 4] = [EXCHANGES, SEARCH, MADE, PARTS];

const EXCHANGES: &str = "
    CREATE TABLE exchanges (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        time INTEGER NOT NULL,
        provider TEXT NOT NULL,
        site TEXT NOT NULL,
        profile TEXT NOT NULL,
        model TEXT NOT NULL,
        bot TEXT,
        chat TEXT,
        title TEXT,
        system TEXT,
        prompt TEXT NOT NULL,
        files TEXT NOT NULL,
        answer TEXT NOT NULL,
        duration INTEGER NOT NULL,
        first INTEGER,
        points INTEGER,
        \"end\" TEXT NOT NULL
    ) STRICT;
    CREATE INDEX exchanges_by_place ON exchanges (provider, site, profile, id);
    CREATE INDEX exchanges_by_chat ON exchanges (chat, id);
";

const SEARCH: &str = "
    CREATE VIRTUAL TABLE words USING fts5 (
        prompt, answer, content = 'exchanges', content_rowid = 'id',
        tokenize = \"unicode61 remove_diacritics 2\"
    );
    INSERT INTO words (words, rank) VALUES ('secure-delete', 1);
    CREATE TRIGGER words_of_new AFTER INSERT ON exchanges BEGIN
        INSERT INTO words (rowid, prompt, answer) VALUES (new.id, new.prompt, new.answer);
    END;
    CREATE TRIGGER words_of_deleted AFTER DELETE ON exchanges BEGIN
        INSERT INTO words (words, rowid, prompt, answer)
        VALUES ('delete', old.id, old.prompt, old.answer);
    END;
    INSERT INTO words (words) VALUES ('rebuild');
";

const MADE: &str = "ALTER TABLE exchanges ADD COLUMN made TEXT NOT NULL DEFAULT '[]';";

/// Any three characters that follow each other are found: languages without blanks, parts of words.
const PARTS: &str = "
    DROP TRIGGER words_of_new;
    DROP TRIGGER words_of_deleted;
    DROP TABLE words;
    CREATE VIRTUAL TABLE words USING fts5 (
        prompt, answer, content = 'exchanges', content_rowid = 'id',
        tokenize = 'trigram remove_diacritics 1'
    );
    INSERT INTO words (words, rank) VALUES ('secure-delete', 1);
    CREATE TRIGGER words_of_new AFTER INSERT ON exchanges BEGIN
        INSERT INTO words (rowid, prompt, answer) VALUES (new.id, new.prompt, new.answer);
    END;
    CREATE TRIGGER words_of_deleted AFTER DELETE ON exchanges BEGIN
        INSERT INTO words (words, rowid, prompt, answer)
        VALUES ('delete', old.id, old.prompt, old.answer);
    END;
    INSERT INTO words (words) VALUES ('rebuild');
";

/// Brings a file up to date. Another program may do so at the same time.
pub(super) fn migrate(connection: &mut Connection) -> Result<()> {
    if version(connection)? == MIGRATIONS.len() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let had = version(&transaction)?;
    if had > MIGRATIONS.len() {
        return Err(Failure::Newer);
    }
    for migration in &MIGRATIONS[had..] {
        transaction.execute_batch(migration)?;
    }
    let has = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    transaction.pragma_update(None, "user_version", has)?;
    Ok(transaction.commit()?)
}

/// What a file that cannot be brought up to date has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// All that there is.
    Current,
    /// Exchanges, which cannot be searched by an index.
    Older,
    /// None of ours.
    None,
}

/// Which form a file has.
pub(super) fn form(connection: &Connection) -> Result<Form> {
    match version(connection)? {
        had if had > MIGRATIONS.len() => Err(Failure::Newer),
        had if had == MIGRATIONS.len() => Ok(Form::Current),
        0 => Ok(Form::None),
        _ => Ok(Form::Older),
    }
}

fn version(connection: &Connection) -> Result<usize> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok(usize::try_from(version).unwrap_or(usize::MAX))
}
