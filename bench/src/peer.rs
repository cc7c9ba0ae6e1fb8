//! Another program that does the same job: a script in `bench/peers`, spoken to in lines of JSON.
//!
//! The peer's own clock and this one are the same: the machine's.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Mutex;

use crate::Failure;
use crate::heard::Heard;
use crate::process;

/// How long one command may take.
const WAIT: Duration = Duration::from_secs(30);
/// The same, of one who may take longer.
const LONG_WAIT: Duration = Duration::from_secs(150);

/// What is to be started, and what it needs.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) name: &'static str,
    /// The interpreter and its arguments.
    pub(crate) command: Vec<PathBuf>,
    pub(crate) browser: PathBuf,
    /// Further switches of the browser; only Lenore takes them.
    pub(crate) switches: Vec<String>,
    /// Whether it can follow several chats at once.
    pub(crate) many: bool,
    /// Whether it is this program in one of its roles.
    pub(crate) own: bool,
}

/// A peer that runs.
pub(crate) struct Peer {
    script: Script,
    child: Child,
    pipes: Mutex<Pipes>,
}

struct Pipes {
    to: ChildStdin,
    from: Lines<BufReader<ChildStdout>>,
}

impl Peer {
    /// Starts a peer, and has it open the browser on a signed-in profile.
    pub(crate) async fn open(script: &Script, site: &str, profile: &Path) -> Result<Self, Failure> {
        let peer = Self::start(script)?;
        peer.command(&peer.opening(site, profile)).await?;
        Ok(peer)
    }

    fn start(script: &Script) -> Result<Self, Failure> {
        let (program, arguments) = script.command.split_first().ok_or("no program")?;
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let to = child.stdin.take().ok_or("no stdin")?;
        let from = BufReader::new(child.stdout.take().ok_or("no stdout")?).lines();
        Ok(Self { script: script.clone(), child, pipes: Mutex::new(Pipes { to, from }) })
    }

    fn opening(&self, site: &str, profile: &Path) -> Value {
        let Script { browser, switches, .. } = &self.script;
        let mut opening =
            json!({ "do": "open", "site": site, "profile": profile, "browser": browser });
        if !switches.is_empty() {
            opening["switches"] = json!(switches);
        }
        opening
    }

    /// From the start of a peer's process to the first piece of an answer.
    pub(crate) async fn cold(
        script: &Script,
        site: &str,
        profile: &Path,
        prompt: &str,
    ) -> Result<Duration, Failure> {
        let begin = std::time::Instant::now();
        let peer = Self::start(script)?;
        peer.tell(&peer.opening(site, profile)).await?;
        peer.tell(&json!({ "do": "ask", "prompt": prompt, "streams": 1 })).await?;
        peer.hear().await?;
        let first = peer.hear().await?;
        if first["first"] != true {
            return Err("the peer told no first piece".into());
        }
        let took = begin.elapsed();
        peer.hear().await?;
        peer.close().await?;
        Ok(took)
    }

    async fn tell(&self, command: &Value) -> Result<(), Failure> {
        let line = format!("{command}\n");
        Ok(self.pipes.lock().await.to.write_all(line.as_bytes()).await?)
    }

    async fn hear(&self) -> Result<Value, Failure> {
        let wait = if self.script.own { LONG_WAIT } else { WAIT };
        let mut pipes = self.pipes.lock().await;
        let line = tokio::time::timeout(wait, pipes.from.next_line()).await??;
        let heard: Value = serde_json::from_str(&line.ok_or("the peer is gone")?)?;
        match heard["error"].as_str() {
            Some(error) => Err(error.to_owned().into()),
            None => Ok(heard),
        }
    }

    async fn command(&self, command: &Value) -> Result<Value, Failure> {
        self.tell(command).await?;
        loop {
            let heard = self.hear().await?;
            if heard["first"].is_null() {
                return Ok(heard);
            }
        }
    }

    /// Ends the peer and its browser.
    pub(crate) async fn close(mut self) -> Result<(), Failure> {
        self.command(&json!({ "do": "close" })).await?;
        tokio::time::timeout(WAIT, self.child.wait()).await??;
        Ok(())
    }

    /// The same, whatever it is at.
    pub(crate) async fn end(&mut self) {
        if let Some(process) = self.child.id() {
            process::kill(process);
            // It is dead, which may take a moment to be known.
            let _ = tokio::time::timeout(WAIT, self.child.wait()).await;
        }
    }
}

impl Peer {
    /// The root of its processes, its browser's among them.
    pub(crate) fn process(&self) -> Option<u32> {
        self.child.id()
    }

    /// Whether it can follow several chats at once.
    pub(crate) fn many(&self) -> bool {
        self.script.many
    }

    /// Whether it is this program in one of its roles.
    pub(crate) fn own(&self) -> bool {
        self.script.own
    }

    /// Makes so many pages ready, before any clock runs.
    pub(crate) async fn ready(&self, pages: usize) -> Result<(), Failure> {
        self.command(&json!({ "do": "ready", "pages": pages })).await.map(drop)
    }

    /// Asks so many questions at once and reads their answers to the end.
    pub(crate) async fn ask(&self, prompt: &str, streams: usize) -> Result<Vec<Heard>, Failure> {
        let command = json!({ "do": "ask", "prompt": prompt, "streams": streams });
        let mut heard = self.command(&command).await?;
        Ok(serde_json::from_value(heard["streams"].take())?)
    }

    /// Opens so many chats, and holds them in the middle of their answers.
    pub(crate) async fn hold(
        &self,
        prompt: &str,
        chats: usize,
        pieces: usize,
    ) -> Result<(), Failure> {
        let command = json!({ "do": "hold", "prompt": prompt, "streams": chats, "pieces": pieces });
        self.command(&command).await.map(drop)
    }

    /// Leaves the chats that were held.
    pub(crate) async fn release(&self) -> Result<(), Failure> {
        self.command(&json!({ "do": "release" })).await.map(drop)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Not every peer takes its browser along.
        if let Some(process) = self.child.id() {
            process::kill(process);
        }
    }
}
