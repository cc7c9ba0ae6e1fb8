//! The harness's own roles, each in a process of its own like any other peer: Lenore, and the
//! floor. They serve the harness as the scripts in `bench/peers` do.

mod floor;
mod lenore;

use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::Failure;
use crate::heard::Heard;
use floor::Floor;
use lenore::Lenore;

/// Who this process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Role {
    /// Lenore, as a library.
    Lenore,
    /// A plain socket client.
    Floor,
}

/// A command of the harness.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
enum Command {
    /// Begin, signed in on this profile.
    Open(Opening),
    /// Have so many pages ready.
    Ready { pages: usize },
    /// Ask so many questions at once, to the end of their answers.
    Ask { prompt: String, streams: usize },
    /// Ask, and stay in the middle of the answers once so many pieces of each are here.
    Hold { prompt: String, streams: usize, pieces: usize },
    /// Leave the answers that are held.
    Release,
    /// End.
    Close,
}

/// Where the site is, and with what it is visited.
#[derive(Debug, Deserialize)]
struct Opening {
    site: String,
    profile: PathBuf,
    browser: Option<PathBuf>,
    #[serde(default)]
    switches: Vec<String>,
}

/// Serves the harness until it says that it is enough.
pub(crate) async fn serve(role: Role) -> Result<(), Failure> {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut lenore = None;
    let mut floor = None;
    while let Some(line) = lines.next_line().await? {
        let told = match (serde_json::from_str(&line)?, role) {
            (Command::Open(opening), Role::Lenore) => {
                lenore = Some(Lenore::open(&opening)?);
                Ok(json!({}))
            }
            (Command::Open(opening), Role::Floor) => {
                floor = Some(Floor::sign_in(&opening.site).await?);
                Ok(json!({}))
            }
            (Command::Close, _) => {
                if let Some(lenore) = lenore.take() {
                    lenore.close().await;
                }
                say(&json!({}));
                break;
            }
            (command, _) => match (&mut lenore, &floor) {
                (Some(lenore), _) => lenore.obey(command).await,
                (None, Some(floor)) => floor.obey(command).await,
                (None, None) => Err("nothing is open yet".into()),
            },
        };
        say(&told.unwrap_or_else(|error| json!({ "error": error.to_string() })));
    }
    Ok(())
}

/// One line to the harness.
fn say(words: &Value) {
    // A harness that is gone needs no answer.
    let _ = writeln!(std::io::stdout(), "{words}");
}

/// Tells the harness, once for each command, that the first piece is here.
#[derive(Debug, Default)]
struct First(AtomicBool);

impl First {
    fn came(&self) {
        if !self.0.swap(true, Ordering::Relaxed) {
            say(&json!({ "first": true }));
        }
    }
}

/// What was heard, for the harness.
fn streams(heard: &[Heard]) -> Value {
    json!({ "streams": heard })
}
