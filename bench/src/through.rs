//! Lenore, as a library with a warm browser, and as a program from its start.

use std::process::Stdio;
use std::time::{Duration, Instant};

use lenore::{ChatRequest, Event, Message, Poe, Provider};
use tokio::io::AsyncReadExt;
use tokio::process::Command;

use crate::Failure;
use crate::measure::{Heard, age};
use crate::site::{Site, program};

const EMAIL: &str = "lenore@example.org";

/// What precedes the first piece, in characters, when a long prompt is measured.
const LONG: usize = 100 * 1024;

pub(crate) struct Library {
    poe: Poe,
    profile: tempfile::TempDir,
}

impl Library {
    pub(crate) async fn sign_in(site: &Site) -> Result<Self, Failure> {
        let profile = tempfile::tempdir()?;
        let poe = Poe::builder().url(&site.url).user_data_dir(profile.path()).build()?;
        let code = async {
            site.code(EMAIL).await.map_err(|error| {
                lenore::Error::new(lenore::ErrorKind::NotSignedIn, error.to_string())
            })
        };
        poe.sign_in_with_code(EMAIL, code).await?;
        Ok(Self { poe, profile })
    }

    pub(crate) async fn ask(&self, prompt: &str) -> Result<Heard, Failure> {
        let begin = Instant::now();
        let request = ChatRequest::new("gpt-4", vec![Message::user(prompt)]);
        let mut completion = self.poe.create_completion(request);
        let (mut ages, mut first) = (Vec::new(), None);
        while let Some(event) = completion.next().await {
            if let Event::Delta(text) = event?
                && let Some(age) = age(&text)
            {
                first.get_or_insert_with(|| begin.elapsed());
                ages.push(age);
            }
        }
        let sent_to_first = ages.first().copied().unwrap_or_default();
        Ok(Heard { ages, first: first.unwrap_or_default(), sent_to_first })
    }

    /// From a question of 100 kB to the first piece of its answer.
    pub(crate) async fn type_long_prompt(&self) -> Result<Duration, Failure> {
        let prompt = "0123456789abcde\n".repeat(LONG / 16) + crate::SHORT;
        Ok(self.ask(&prompt).await?.first)
    }

    pub(crate) async fn close(&self) {
        self.poe.close().await;
    }
}

/// From the start of the program to the first piece on its stdout.
pub(crate) async fn cold(
    site: &Site,
    library: &Library,
    prompt: &str,
) -> Result<Duration, Failure> {
    let begin = Instant::now();
    let mut child = Command::new(program()?)
        .args(["ask", "-m", "gpt-4", "--site", &site.url, "--user-data-dir"])
        .arg(library.profile.path())
        .arg(prompt)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let mut stdout = child.stdout.take().ok_or("no stdout")?;
    let mut byte = [0];
    let answer = tokio::time::timeout(Duration::from_secs(60), stdout.read_exact(&mut byte));
    answer.await??;
    let first = begin.elapsed();
    let mut rest = Vec::new();
    stdout.read_to_end(&mut rest).await?;
    if !child.wait().await?.success() {
        return Err("the program failed".into());
    }
    Ok(first)
}
