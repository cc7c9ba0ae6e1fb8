//! A real Selenium Grid, where it is installed: standalone, or a hub with nodes.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How long it may take to be ready, and to have its places back.
const WAIT: Duration = Duration::from_secs(60);
/// How long one of its answers may take.
const ANSWER: Duration = Duration::from_secs(10);

/// How large it is, and how patient.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    /// How many nodes a hub has; none means a standalone Grid.
    pub(crate) nodes: usize,
    /// How many sessions each node holds.
    pub(crate) sessions: usize,
    /// After how many seconds without traffic a session is ended.
    pub(crate) session_timeout: u32,
    /// How many seconds a request waits for a free place.
    pub(crate) queue_timeout: u32,
}

impl Default for Size {
    fn default() -> Self {
        Self { nodes: 0, sessions: 4, session_timeout: 120, queue_timeout: 60 }
    }
}

/// A running Grid.
pub(crate) struct Grid {
    size: Size,
    /// Of the hub, or the standalone Grid; then those of the hub's event bus.
    ports: [u16; 3],
    main: Server,
    nodes: Vec<Option<Server>>,
    dir: tempfile::TempDir,
}

/// What a Grid says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) sessions: u64,
    pub(crate) queued: u64,
    pub(crate) nodes: u64,
}

impl Grid {
    /// Starts one; `None` where it is not installed.
    pub(crate) async fn start(size: Size) -> Option<Self> {
        for program in ["java", "chromedriver"] {
            if on_path(program).is_none() {
                eprintln!("skipped: {program} is not installed");
                return None;
            }
        }
        if !jar().is_file() {
            eprintln!("skipped: Selenium Grid is not installed");
            return None;
        }
        let dir = tempfile::tempdir().expect("a directory");
        let ports = free_ports();
        let main = main_server(dir.path(), size, ports);
        let mut grid = Self { size, ports, main, nodes: Vec::new(), dir };
        for n in 0..size.nodes {
            let node = node(grid.dir.path(), size, ports, n);
            grid.nodes.push(Some(node));
        }
        let nodes = size.nodes.max(1) as u64;
        grid.until("it is not ready", |count| count.nodes == nodes).await;
        Some(grid)
    }

    /// `http://127.0.0.1:PORT`.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports[0])
    }

    /// Kills a node with its drivers and browsers, as a machine that fails.
    pub(crate) fn kill_node(&mut self, n: usize) {
        drop(self.nodes[n].take().expect("a node that runs"));
    }

    /// Kills the hub, or the standalone Grid with its browsers, and starts it on the same port.
    pub(crate) async fn restart(&mut self) {
        self.main.kill();
        self.main = main_server(self.dir.path(), self.size, self.ports);
        let running = self.nodes.iter().flatten().count();
        let nodes = if self.size.nodes == 0 { 1 } else { running as u64 };
        self.until("it is not ready again", |count| count.nodes == nodes).await;
    }

    /// Takes a place, as another user of the Grid does; gives the session's name.
    pub(crate) fn begin_session(&self) -> String {
        let options = json!({ "args": ["--headless=new", "--no-sandbox"] });
        let wanted = json!({ "browserName": "chrome", "goog:chromeOptions": options });
        let wanted = json!({ "capabilities": { "alwaysMatch": wanted } }).to_string();
        let reply = request(self.ports[0], "POST", "/session", &wanted).expect("an answer");
        let reply: Value = serde_json::from_str(&reply).expect("JSON");
        reply["value"]["sessionId"].as_str().expect("a session").to_owned()
    }

    /// Ends a session behind its user's back.
    pub(crate) fn end_session(&self, id: &str) {
        request(self.ports[0], "DELETE", &format!("/session/{id}"), "").expect("a session");
    }

    /// The sessions that run.
    pub(crate) fn sessions(&self) -> Vec<String> {
        let found = self.ask("{sessionsInfo{sessions{id}}}").expect("an answer");
        let sessions = found["sessionsInfo"]["sessions"].as_array().expect("a list").iter();
        sessions.map(|session| session["id"].as_str().expect("a name").to_owned()).collect()
    }

    /// What runs and waits, by the Grid's own count.
    pub(crate) fn count(&self) -> Option<Count> {
        let grid = &self.ask("{grid{sessionCount,sessionQueueSize,nodeCount}}")?["grid"];
        Some(Count {
            sessions: grid["sessionCount"].as_u64()?,
            queued: grid["sessionQueueSize"].as_u64()?,
            nodes: grid["nodeCount"].as_u64()?,
        })
    }

    /// Waits until every session was given back.
    pub(crate) async fn is_free(&self) {
        self.until("sessions are left", |count| (count.sessions, count.queued) == (0, 0)).await;
    }

    /// Waits until the Grid's count is as it should be.
    pub(crate) async fn until(&self, otherwise: &str, is_so: impl Fn(Count) -> bool) {
        let start = Instant::now();
        while !self.count().is_some_and(&is_so) {
            let late = start.elapsed() > WAIT;
            assert!(!late, "{otherwise}: {:?}; it says:\n{}", self.count(), self.logs());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn ask(&self, query: &str) -> Option<Value> {
        let question = json!({ "query": query }).to_string();
        let answer = request(self.ports[0], "POST", "/graphql", &question)?;
        serde_json::from_str::<Value>(&answer).ok()?.get_mut("data").map(Value::take)
    }

    /// The last lines of each of its logs.
    fn logs(&self) -> String {
        let mut logs = String::new();
        for entry in std::fs::read_dir(self.dir.path()).expect("a directory").flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if let (true, Ok(text)) =
                (name.ends_with(".log"), std::fs::read_to_string(entry.path()))
            {
                let start = text.floor_char_boundary(text.len().saturating_sub(2000));
                let _ = writeln!(logs, "--- {name}\n{}", &text[start..]);
            }
        }
        logs
    }
}

/// One of its programs, with all that it starts.
struct Server(Child);

impl Server {
    /// Runs the Grid's program in a role, with its settings.
    fn start(dir: &Path, role: &str, name: &str, settings: &str) -> Self {
        let file = dir.join(format!("{name}.toml"));
        std::fs::write(&file, settings).expect("written");
        let log =
            || File::options().create(true).append(true).open(dir.join(format!("{name}.log")));
        let child = Command::new("java")
            .args(["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx256m"])
            .arg(format!("-Djava.io.tmpdir={}", dir.display()))
            .arg("-jar")
            .arg(jar())
            .arg(role)
            .arg("--config")
            .arg(&file)
            // Nothing is downloaded, and nothing reported; a killed driver leaves its files here.
            .envs([("SE_OFFLINE", "true"), ("SE_AVOID_STATS", "true")])
            .env("TMPDIR", dir)
            .stdin(Stdio::null())
            .stdout(log().expect("a file"))
            .stderr(log().expect("a file"))
            .process_group(0)
            .spawn();
        Self(child.expect("java starts"))
    }

    /// Kills it, with its drivers and browsers.
    fn kill(&mut self) {
        let group = format!("-{}", self.0.id());
        let _ = Command::new("kill").args(["-9", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.0.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The hub, or all of a standalone Grid.
fn main_server(dir: &Path, size: Size, [port, publish, subscribe]: [u16; 3]) -> Server {
    let queue = format!("[sessionqueue]\nsession-request-timeout = {}\n", size.queue_timeout);
    let place = format!("[server]\nhost = \"127.0.0.1\"\nport = {port}\n");
    if size.nodes == 0 {
        return Server::start(dir, "standalone", "grid", &format!("{place}{queue}{}", rest(size)));
    }
    let events = format!(
        "[events]\npublish = \"tcp://127.0.0.1:{publish}\"\nsubscribe = \
         \"tcp://127.0.0.1:{subscribe}\"\n"
    );
    // It finds out soon that a node has died.
    let rest = "[distributor]\nhealthcheck-interval = 2\n";
    Server::start(dir, "hub", "hub", &format!("{place}{queue}{events}{rest}"))
}

/// A node of a hub. It is not told the hub's address for clients, as most are not.
fn node(dir: &Path, size: Size, [_, publish, subscribe]: [u16; 3], n: usize) -> Server {
    let [port, _, _] = free_ports();
    let settings = format!(
        "[server]\nhost = \"127.0.0.1\"\nport = {port}\n[events]\npublish = \
         \"tcp://127.0.0.1:{publish}\"\nsubscribe = \"tcp://127.0.0.1:{subscribe}\"\n{}",
        rest(size)
    );
    Server::start(dir, "node", &format!("node{n}"), &settings)
}

/// What a node offers.
fn rest(size: Size) -> String {
    let driver = |name: &str, program: &Path| {
        format!(
            "[[node.driver-configuration]]\ndisplay-name = \"{name}\"\nwebdriver-executable = \
             \"{}\"\nmax-sessions = {}\nstereotype = '{{\"browserName\": \"{name}\"}}'\n",
            program.display(),
            size.sessions
        )
    };
    let mut settings = format!(
        "[node]\ndetect-drivers = false\noverride-max-sessions = true\nmax-sessions = {}\n\
         session-timeout = {}\nregister-cycle = 1\nheartbeat-period = 2\n",
        size.sessions, size.session_timeout
    );
    settings.push_str(&driver("chrome", &on_path("chromedriver").expect("looked for before")));
    if let Some(geckodriver) = geckodriver() {
        settings.push_str(&driver("firefox", &geckodriver));
    }
    settings
}

/// The driver of Firefox, where both are installed.
pub(crate) fn geckodriver() -> Option<PathBuf> {
    let ours = target().join("geckodriver/geckodriver");
    on_path("firefox")?;
    on_path("geckodriver").or_else(|| ours.is_file().then_some(ours))
}

fn jar() -> PathBuf {
    target().join("grid/selenium-server.jar")
}

/// Where `scripts/setup.sh` puts what it fetches.
fn target() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target")
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(program)).find(|file| file.is_file())
}

/// Ports that were free a moment ago.
fn free_ports() -> [u16; 3] {
    let bound = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
    bound.map(|listener| listener.local_addr().expect("bound").port())
}

/// The body of a reply of the Grid, where it gives one.
fn request(port: u16, method: &str, path: &str, body: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(ANSWER)).ok()?;
    write!(
        stream,
        "{method} {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json; \
         charset=utf-8\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .ok()?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply).ok()?;
    reply.split_once("\r\n\r\n").map(|(_, body)| body.to_owned())
}
