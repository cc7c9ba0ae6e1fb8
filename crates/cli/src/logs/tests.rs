//! What the log's file goes through: several programs, a kill, an older form, a deletion.

use std::collections::HashSet;
use std::process::{Command, Stdio};
use std::thread;

use super::*;
use crate::logs::Made;
use crate::logs::schema::MIGRATIONS;

/// Where a child process is to write.
const CHILD: &str = "LENORE_TEST_LOG";

fn exchange(prompt: &str) -> Exchange {
    Exchange {
        time: 1_700_000_000_000,
        provider: "poe".into(),
        site: "https://poe.example".into(),
        profile: "default".into(),
        model: "gpt-4".into(),
        chat: Some("abc".into()),
        prompt: prompt.into(),
        files: vec!["notes.md".into()],
        answer: format!("answer to {prompt} 🐦"),
        duration: 1200,
        end: "complete".into(),
        ..Exchange::default()
    }
}

fn word(word: &str) -> Words {
    Words::new(&[word.to_owned()])
}

fn place(profile: &str) -> Place {
    Place { provider: "poe".into(), site: "https://poe.example".into(), profile: profile.into() }
}

#[test]
fn what_is_recorded_reads_back_whole() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("deep/log.db");
    let store = Store::open_at(&path).expect("made");
    let full = Exchange {
        bot: Some("chinchilla".into()),
        title: Some("Of ravens".into()),
        system: Some("Be brief.".into()),
        first: Some(300),
        points: Some(12),
        made: vec![Made { name: "raven.png".into(), url: "https://poe.example/raven.png".into() }],
        ..exchange("naïve 'quote' \"double\"\n\0 and 日本語")
    };
    let id = store.record(&full).expect("recorded");
    drop(store);
    let store = Store::open_at(&path).expect("there");
    assert_eq!(store.get(id).expect("read"), Some(Exchange { id, ..full }));
    assert_eq!(store.cost("gpt-4").expect("read"), Some(12));
    assert_eq!(store.cost("gpt-5").expect("read"), None);
}

#[cfg(unix)]
#[test]
fn only_the_user_can_look_into_it() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open_at(&directory.path().join("data/log.db")).expect("made");
    store.record(&exchange("secret")).expect("recorded");
    let mode = |name: &str| {
        let found = std::fs::metadata(directory.path().join(name));
        found.expect(name).permissions().mode() & 0o777
    };
    assert_eq!(mode("data"), 0o700);
    for file in ["data/log.db", "data/log.db-wal", "data/log.db-shm"] {
        assert_eq!(mode(file), 0o600, "{file}");
    }
}

#[test]
fn the_last_chat_is_that_of_the_same_account() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open_at(&directory.path().join("log.db")).expect("made");
    assert_eq!(store.last_chat(&place("default")).expect("read"), None);
    let record = |chat: Option<&str>, profile: &str, model: &str| {
        let chat = chat.map(str::to_owned);
        let (profile, model) = (profile.into(), model.into());
        store.record(&Exchange { chat, profile, model, ..exchange("x") }).expect("recorded");
    };
    record(Some("one"), "default", "gpt-4");
    record(Some("two"), "default", "palm");
    record(Some("three"), "work", "gpt-4");
    record(None, "default", "gpt-4");
    let last = store.last_chat(&place("default")).expect("read").expect("there is one");
    assert_eq!((&*last.chat, &*last.model), ("two", "palm"));
    record(Some("two"), "default", "");
    let known = store.chat("two").expect("read").expect("it is known");
    assert_eq!(known.model, "palm", "a name is better than none");
    assert_eq!(store.exchanges("two").expect("read").len(), 2);
    let elsewhere = Place { site: "https://other.example".into(), ..place("default") };
    assert_eq!(store.last_chat(&elsewhere).expect("read"), None);
}

#[test]
fn bots_that_were_asked_by_their_handles_are_known_by_them() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open_at(&directory.path().join("log.db")).expect("made");
    for (model, profile) in [
        ("poe/Raven-1", "default"),
        ("gpt-4", "default"),
        ("poe/Crow", "default"),
        ("poe/Owl", "work"),
        ("poe/Raven-1", "default"),
    ] {
        let (model, profile) = (model.into(), profile.into());
        store.record(&Exchange { model, profile, ..exchange("x") }).expect("recorded");
    }
    let handles = store.handles(&place("default")).expect("read");
    assert_eq!(handles, ["poe/Raven-1", "poe/Crow"], "the newest first");
}

#[test]
fn words_are_found_as_they_stand() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open_at(&directory.path().join("log.db")).expect("made");
    let prompts = [
        "Why is a raven like a writing desk?",
        "A naïve \"question\"",
        "NOT OR AND (",
        "日本語のテキスト",
    ];
    for prompt in prompts {
        store.record(&exchange(prompt)).expect("recorded");
    }
    let cases: [(&[&str], usize); 15] = [
        (&["raven"], 1),
        (&["RAVEN", "desk"], 1),
        (&["raven desk"], 1),
        (&["rav*"], 1),
        (&["ave"], 1),
        (&["it"], 1),
        (&["ve", "NA"], 1),
        (&["日本語"], 1),
        (&["本"], 1),
        (&["テキスト", "語"], 1),
        (&["烏鴉"], 0),
        (&["naive"], 1),
        (&["\"question\""], 1),
        (&["OR"], 1),
        (&["answer"], 4),
    ];
    for (words, count) in cases {
        let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
        let found = store.search(&Words::new(&words), 10).expect("no syntax");
        assert_eq!(found.len(), count, "{words:?}");
    }
    for odd in ["", "*", "(", "\"", "a AND", "^x:", "-"] {
        store.search(&word(odd), 10).expect("no syntax");
    }
}

#[test]
fn what_is_deleted_is_gone_from_the_disk() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("log.db");
    let store = Store::open_at(&path).expect("made");
    let secret = "Annabelxyz".repeat(2000);
    let old = Exchange { time: 1, ..exchange(&secret) };
    store.record(&old).expect("recorded");
    let kept = store.record(&exchange("Lenorexyz")).expect("recorded");
    assert_eq!(store.delete(&Which::Before(1000)).expect("deleted"), 1);
    assert_eq!(store.delete(&Which::One(4711)).expect("nothing"), 0);
    let left = |word: &str| {
        let files = std::fs::read_dir(directory.path()).expect("readable").flatten();
        let bytes = files.map(|file| std::fs::read(file.path()).expect("readable"));
        let word = word.to_lowercase().into_bytes();
        bytes.into_iter().any(|bytes| {
            bytes.to_ascii_lowercase().windows(word.len()).any(|window| window == word)
        })
    };
    assert!(!left("annabelxyz"));
    assert!(left("lenorexyz"));
    assert_eq!(store.get(kept).expect("read").expect("kept").prompt, "Lenorexyz");
    assert_eq!(store.delete(&Which::All).expect("deleted"), 1);
    assert!(!left("lenorexyz"));
    assert!(store.search(&word("lenorexyz"), 1).expect("searched").is_empty());
}

#[test]
fn an_older_file_is_brought_up_to_date_with_all_that_is_in_it() {
    let directory = tempfile::tempdir().expect("a directory");
    for version in 0..=MIGRATIONS.len() {
        let path = directory.path().join(format!("{version}.db"));
        let old = Connection::open(&path).expect("made");
        for migration in &MIGRATIONS[..version] {
            old.execute_batch(migration).expect("an older form");
        }
        let number = i64::try_from(version).expect("small");
        old.pragma_update(None, "user_version", number).expect("set");
        if version > 0 {
            let columns =
                "time, provider, site, profile, model, prompt, files, answer, duration, \"end\"";
            let values = "1, 'poe', 's', 'p', 'm', 'Quoth the raven: 烏鴉', '[]', 'a', 1, \
                'complete'";
            let sql = format!("INSERT INTO exchanges ({columns}) VALUES ({values})");
            old.execute(&sql, []).expect("recorded");
        }
        if version > 0 {
            let reader = Store::read_only_at(&path).expect("readable as it is");
            let found = reader.search(&word("uoth"), 10).expect("searched");
            assert_eq!(found.len(), 1, "version {version}");
        }
        let store = Store::open_at(&path).expect("brought up to date");
        let parts = store.search(&word("烏鴉"), 10).expect("searched");
        assert_eq!(parts.len(), usize::from(version > 0), "version {version}");
        let found = store.search(&word("quoth"), 10).expect("searched");
        assert_eq!(found.len(), usize::from(version > 0), "version {version}");
        store.record(&exchange("Quoth the raven")).expect("recorded");
        assert_eq!(store.search(&word("quoth"), 10).expect("searched").len(), found.len() + 1);
    }
}

#[test]
fn a_log_that_cannot_be_written_is_read() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("50% of #1?.db");
    let store = Store::open_at(&path).expect("made");
    store.record(&exchange("Why?")).expect("recorded");
    // With another program that writes, and without.
    for _ in 0..2 {
        let reader = Store::read_only_at(&path).expect("readable");
        assert_eq!(reader.newest(9).expect("read")[0].prompt, "Why?");
        assert!(reader.delete(&Which::All).is_err());
    }
    drop(store);
    let reader = Store::read_only_at(&path).expect("readable");
    assert_eq!(reader.newest(9).expect("read").len(), 1);
    let old = directory.path().join("old.db");
    drop(Connection::open(&old).and_then(|old| old.execute_batch("CREATE TABLE x (y)")));
    assert!(matches!(Store::read_only_at(&old), Err(Failure::Older)));
}

#[test]
fn a_newer_file_is_left_alone() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("log.db");
    drop(Store::open_at(&path).expect("made"));
    let newer = Connection::open(&path).expect("there");
    newer.pragma_update(None, "user_version", 99).expect("set");
    let failure = Store::open_at(&path).expect_err("too new");
    assert!(failure.to_string().contains("newer lenore"), "{failure}");
    std::fs::write(directory.path().join("no.db"), "this is no database, but a text")
        .expect("written");
    let failure = Store::open_at(&directory.path().join("no.db")).expect_err("no database");
    assert!(failure.to_string().contains("database"), "{failure}");
}

#[test]
fn a_date_is_a_day_of_the_users() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open_at(&directory.path().join("log.db")).expect("made");
    let moment = |date: &str| store.moment(date).expect("asked");
    let day = moment("2026-01-31").expect("a date");
    assert_eq!(moment("2026-01-31 18:00"), Some(day + 18 * 3600 * 1000));
    let seconds = u64::try_from(day / 1000).expect("after 1970");
    assert_eq!(local_time(UNIX_EPOCH + Duration::from_secs(seconds)), "2026-01-31 00:00");
    for bad in ["2026-13-31", "2026-02-30", "2026-02-29", "2026-04-31 12:00", "2026-01-31 24:30"] {
        assert_eq!(moment(bad), None, "{bad}");
    }
    assert!(moment("2028-02-29").is_some());
}

#[test]
fn several_programs_write_at_once_and_nothing_is_lost() {
    const WRITERS: usize = 6;
    const EACH: usize = 30;
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("log.db");
    let writers = (0..WRITERS).map(|writer| {
        let path = path.clone();
        // Each opens the file anew, as each `lenore ask` does; the first ones also make it.
        thread::spawn(move || {
            for round in 0..EACH {
                let store = Store::open_at(&path).expect("opened");
                store.record(&exchange(&format!("{writer}-{round}"))).expect("recorded");
            }
        })
    });
    writers.collect::<Vec<_>>().into_iter().for_each(|writer| writer.join().expect("no failure"));
    let all = Store::open_at(&path).expect("opened").all().expect("read");
    let prompts: HashSet<_> = all.into_iter().map(|exchange| exchange.prompt).collect();
    assert_eq!(prompts.len(), WRITERS * EACH);
}

/// Not a test of its own: the process that the next one kills. It tells of each exchange that is
/// in the log, and goes on until it is killed.
#[test]
fn writes_until_it_is_killed() {
    let Some(path) = std::env::var_os(CHILD).map(PathBuf::from) else { return };
    let store = Store::open_at(&path).expect("opened");
    for round in 0.. {
        let long = format!("{round}-{}", "nevermore ".repeat(2000));
        store.record(&exchange(&long)).expect("recorded");
        println!("recorded {round}");
    }
}

#[cfg(unix)]
#[test]
fn a_kill_loses_nothing_that_was_written_and_leaves_no_halves() {
    use std::io::{BufRead, BufReader};
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("log.db");
    let mut written = 0;
    for until in [1, 7, 23] {
        let program = std::env::current_exe().expect("this program");
        let mut child = Command::new(program)
            .args(["--exact", "--nocapture", "logs::store::tests::writes_until_it_is_killed"])
            .env(CHILD, &path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        let told = output.lines().map_while(Result::ok).filter(|line| line.contains("recorded"));
        let told = told.take(until).count();
        child.kill().expect("it runs");
        child.wait().expect("it ends");
        assert_eq!(told, until);
        let store = Store::open_at(&path).expect("opened");
        let all = store.all().expect("read");
        assert!(all.len() >= written + until, "{} of {}", all.len(), written + until);
        assert!(all.iter().all(|it| it.answer == format!("answer to {} 🐦", it.prompt)));
        let sound: String = store
            .database
            .query_row("PRAGMA integrity_check", [], |row| row.get(0))
            .expect("checked");
        assert_eq!(sound, "ok");
        store
            .database
            .execute("INSERT INTO words (words) VALUES ('integrity-check')", [])
            .expect("sound");
        written = all.len();
    }
}
