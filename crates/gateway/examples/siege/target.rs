//! The server that is attacked, in a process of its own, and what it costs.

use std::io;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lenore_gateway::Gateway;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use crate::words::{Words, service};

/// The word by which this program is the gateway alone.
pub(crate) const OWN: &str = "serve-words";

/// The key of good clients.
pub(crate) const KEY: &str = "siege-key";

/// The kernel counts a process's time in such parts of a second.
const TICKS: u64 = 100;

/// How long the server has to start and to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// The server.
pub(crate) struct Target {
    child: Child,
    /// Host and port.
    pub(crate) address: String,
    _service: Option<JoinHandle<()>>,
    _home: tempfile::TempDir,
}

/// What a process has used and has.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Use {
    /// Of the processor.
    pub(crate) time: Duration,
    /// Kilobytes of memory, now and at most.
    pub(crate) memory: u64,
    pub(crate) peak: u64,
    /// Open files.
    pub(crate) files: usize,
}

impl Target {
    /// Starts it, with so many open files, where that is bounded.
    pub(crate) async fn start(server: Option<&Path>, files: Option<u32>) -> io::Result<Self> {
        let home = tempfile::tempdir()?;
        let (program, arguments, service) = match server {
            None => (std::env::current_exe()?, vec![OWN.to_owned()], None),
            Some(program) => {
                let listener = TcpListener::bind("127.0.0.1:0").await?;
                let url = format!("http://{}/v1", listener.local_addr()?);
                let service = tokio::spawn(async move {
                    // Its end is this program's.
                    let _ = axum::serve(listener, service()).await;
                });
                let words = ["serve", "--listen", "127.0.0.1:0", "--provider", "poe-api"];
                let mut arguments: Vec<_> = words.map(str::to_owned).to_vec();
                arguments.extend(["--poe-api-url".to_owned(), url]);
                (program.to_owned(), arguments, Some(service))
            }
        };
        let bounded = files.map(|files| format!("ulimit -n {files}; ")).unwrap_or_default();
        let mut child = Command::new("sh")
            .arg("-c")
            .arg(format!("{bounded}exec \"$@\""))
            .arg("sh")
            .arg(program)
            .args(arguments)
            .env("HOME", home.path())
            .env("LENORE_API_KEY", KEY)
            .env("POE_API_KEY", "words")
            .env("LENORE_MODEL", "words")
            .env_remove("XDG_CONFIG_HOME")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let out = child.stdout.take().ok_or_else(|| io::Error::other("no output"))?;
        let mut lines = BufReader::new(out).lines();
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await;
        let Ok(Ok(Some(line))) = line else {
            return Err(io::Error::other("the server does not start"));
        };
        let address = line.trim().trim_start_matches("http://").to_owned();
        Ok(Self { child, address, _service: service, _home: home })
    }

    /// What it has used.
    pub(crate) fn used(&self) -> io::Result<Use> {
        let id = self.child.id().ok_or_else(|| io::Error::other("the server has ended"))?;
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
        // The name may have anything in it, and ends at the last bracket.
        let (_, fields) = stat.rsplit_once(')').unwrap_or_default();
        let ticks = fields.split_ascii_whitespace().skip(11).take(2);
        let ticks: u64 = ticks.filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
        let kilobytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_ascii_whitespace().next()?.parse().ok()
        };
        Ok(Use {
            time: Duration::from_millis(ticks * 1000 / TICKS),
            memory: kilobytes("VmRSS:").unwrap_or_default(),
            peak: kilobytes("VmHWM:").unwrap_or_default(),
            files: std::fs::read_dir(format!("/proc/{id}/fd"))?.count(),
        })
    }

    /// Ends it in order; an error where it does not end so.
    pub(crate) async fn end(mut self) -> io::Result<()> {
        let Some(id) = self.child.id() else {
            return Err(io::Error::other("the server has ended by itself"));
        };
        let begin = Instant::now();
        Command::new("kill").args(["-TERM", &id.to_string()]).status().await?;
        match tokio::time::timeout(PATIENCE * 3, self.child.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(status) => Err(io::Error::other(format!("the server ends with {status:?}"))),
            Err(_) => Err(io::Error::other(format!("no end after {:?}", begin.elapsed()))),
        }
    }
}

/// This side of the connections.
pub(crate) fn raise_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

/// The gateway alone, until it is told to end.
pub(crate) async fn serve() -> io::Result<()> {
    let gateway = Gateway::builder(Arc::new(Words)).api_key(KEY).build();
    let gateway = gateway.map_err(io::Error::other)?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    let shutdown = async {
        terminate.recv().await;
    };
    gateway.serve(listener, shutdown, Duration::from_secs(2)).await
}
