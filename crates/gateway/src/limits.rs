//! All bounds of the server: what each one is, its figure, what happens beyond it, and how to raise
//! it. The table in the documentation is made from these, each has a counter, and the errors name
//! them.

use std::fmt::Write as _;
use std::time::Duration;

use axum::http::StatusCode;

use crate::failure::Failure;

/// Connections that are open at once, where the system allows so many files.
pub(crate) const CONNECTIONS: usize = 4096;

/// Connections of one address (of one /64 network of IPv6); those of this machine share theirs with
/// every local program and proxy, and have no bound of their own.
pub(crate) const CONNECTIONS_PER_ADDRESS: usize = 1024;

/// Bytes of a head, and of what waits for a slow reader.
pub(crate) const HEAD_BYTES: usize = 64 * 1024;

/// Fields of a head.
pub(crate) const HEAD_FIELDS: usize = 100;

/// Bytes of an answer, with its thoughts.
pub(crate) const ANSWER_BYTES: usize = 16 * 1024 * 1024;

/// Bytes of all bodies together, and of what is parsed of them, where the largest body is no larger
/// than usual; a key may have half of them, and a last eighth of either is for small bodies.
pub(crate) const BODIES_BYTES: usize = 256 * 1024 * 1024;
pub(crate) const SMALL_BODY_BYTES: usize = 1024 * 1024;

/// Pieces of a body, and one more for so many bytes.
pub(crate) const BODY_CHUNKS: usize = 16 * 1024;
pub(crate) const CHUNK_BYTES: usize = 256;

/// Bytes that the values of a body may need beside its texts: so many, and so many times its size.
pub(crate) const BODY_VALUES_BYTES: usize = 16 * 1024 * 1024;
pub(crate) const VALUES_PER_BYTE: usize = 3;

/// Schemas in the schemas of a request, when all their references are followed; how deep they are in
/// each other, and how many patterns there are.
pub(crate) const SCHEMA_NODES: usize = 50_000;
pub(crate) const SCHEMA_DEPTH: usize = 100;
pub(crate) const SCHEMA_PATTERNS: usize = 1000;

/// Bytes of a pattern once it is read, and of all patterns of a request.
pub(crate) const PATTERN_BYTES: usize = 1024 * 1024;
pub(crate) const PATTERN_BYTES_IN_ALL: usize = 32 * 1024 * 1024;

/// Tools of a request.
pub(crate) const TOOLS: usize = 256;

/// A bound that clients can meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Limit {
    Connections,
    ConnectionsPerAddress,
    HeadBytes,
    HeadFields,
    HeadTime,
    IdleTime,
    BodyBytes,
    BodyTime,
    BodyChunks,
    BodyValues,
    BodiesBytes,
    BodiesBytesPerKey,
    KeyRequests,
    KeyConcurrent,
    Tools,
    SchemaNodes,
    SchemaDepth,
    SchemaPatterns,
    PatternBytes,
    SchemaTime,
    SchemaTurns,
    AnswerBytes,
}

/// A bound as it is told.
#[derive(Debug)]
pub(crate) struct Row {
    /// In metrics and errors.
    pub(crate) name: &'static str,
    /// What is bounded.
    what: &'static str,
    /// The figure, where nothing else is said.
    figure: &'static str,
    /// What happens beyond it.
    beyond: &'static str,
    /// How to raise it.
    raise: &'static str,
}

/// Whoever cannot be raised says so.
const FIXED: &str = "it is fixed";

impl Limit {
    /// All of them, as the documentation lists them.
    pub(crate) const ALL: &[Self] = &[
        Self::Connections,
        Self::ConnectionsPerAddress,
        Self::HeadBytes,
        Self::HeadFields,
        Self::HeadTime,
        Self::IdleTime,
        Self::BodyBytes,
        Self::BodyTime,
        Self::BodyChunks,
        Self::BodyValues,
        Self::BodiesBytes,
        Self::BodiesBytesPerKey,
        Self::KeyRequests,
        Self::KeyConcurrent,
        Self::Tools,
        Self::SchemaNodes,
        Self::SchemaDepth,
        Self::SchemaPatterns,
        Self::PatternBytes,
        Self::SchemaTime,
        Self::SchemaTurns,
        Self::AnswerBytes,
    ];

    /// What there is to tell of it.
    pub(crate) fn row(self) -> Row {
        let row = |name, what, figure, beyond, raise| Row { name, what, figure, beyond, raise };
        match self {
            Self::Connections => row(
                "connections",
                "connections that are open",
                "4,096; fewer where the system allows fewer open files, of which a quarter is kept",
                "the oldest that showed no valid key goes, then the oldest without a request; \
                 where there is none, 429",
                "--max-connections, ulimit -n",
            ),
            Self::ConnectionsPerAddress => row(
                "connections_per_address",
                "connections of one address, or IPv6 /64; this machine's own are not counted",
                "1,024",
                "the same among those of the address",
                "--max-connections-per-address",
            ),
            Self::HeadBytes => row("head_bytes", "bytes of a head", "64 kB", "431", FIXED),
            Self::HeadFields => row("head_fields", "fields of a head", "100", "431", FIXED),
            Self::HeadTime => row(
                "head_time",
                "the time for a head, from its first byte, of a new connection from its beginning",
                "5 s",
                "408, or the end where nothing was said",
                FIXED,
            ),
            Self::IdleTime => row(
                "idle_time",
                "the time between two requests of a connection",
                "15 s",
                "the connection ends",
                FIXED,
            ),
            Self::BodyBytes => row("body_bytes", "bytes of a body", "32 MB", "413", "--max-body"),
            Self::BodyTime => row("body_time", "the time for a body", "30 s", "408", FIXED),
            Self::BodyChunks => row(
                "body_chunks",
                "pieces in which a body comes",
                "16,384, and one more for 256 bytes",
                "413",
                FIXED,
            ),
            Self::BodyValues => row(
                "body_values",
                "bytes that the values of a body need beside its texts",
                "16 MB and three times its size",
                "413",
                FIXED,
            ),
            Self::BodiesBytes => row(
                "bodies_bytes",
                "bytes of all bodies, and of what is made of them, while they are needed",
                "256 MB, and eight of the largest bodies at least; the last eighth is for bodies \
                 up to 1 MB",
                "429, or 413 for one that never fits",
                "--max-bodies",
            ),
            Self::BodiesBytesPerKey => row(
                "bodies_bytes_per_key",
                "the same for one key",
                "half of it; the last eighth is for bodies up to 1 MB",
                "429",
                "--max-bodies",
            ),
            Self::KeyRequests => row(
                "key_requests",
                "questions of a key in a minute, those that mend an answer with them",
                "none, but for keys that have one",
                "429",
                "lenore keys add --per-minute",
            ),
            Self::KeyConcurrent => row(
                "key_concurrent",
                "answers of a key at once, until the site has stopped them",
                "none, but for keys that have one",
                "429",
                "lenore keys add --concurrent",
            ),
            Self::Tools => row("tools", "tools of a request", "256", "400", FIXED),
            Self::SchemaNodes => row(
                "schema_nodes",
                "schemas in the schemas of a request, their references followed",
                "50,000",
                "400",
                FIXED,
            ),
            Self::SchemaDepth => row(
                "schema_depth",
                "how deep schemas are in each other, their references followed",
                "100",
                "400",
                FIXED,
            ),
            Self::SchemaPatterns => row(
                "schema_patterns",
                "patterns in the schemas of a request",
                "1,000",
                "400",
                FIXED,
            ),
            Self::PatternBytes => row(
                "pattern_bytes",
                "bytes of a pattern once it is read",
                "1 MB, and 32 MB for all of a request",
                "the bot is told it, and it is not checked",
                FIXED,
            ),
            Self::SchemaTime => row(
                "schema_time",
                "the time to read the schemas of a request, or to check an answer",
                "1 s",
                "400 before the question; 502 with the answer after it",
                FIXED,
            ),
            Self::SchemaTurns => row(
                "schema_turns",
                "requests whose schemas are read or checked at once",
                "one for each processor, two at least; others wait 10 s",
                "429",
                FIXED,
            ),
            Self::AnswerBytes => row(
                "answer_bytes",
                "bytes of an answer, with its thoughts",
                "16 MB",
                "502 `answer_too_large`, with what there is",
                "--max-answer",
            ),
        }
    }

    /// The name in metrics and errors.
    pub(crate) fn name(self) -> &'static str {
        self.row().name
    }

    /// A failure that names it and says how to raise it. `what` has the figure.
    pub(crate) fn failure(self, status: StatusCode, code: &'static str, what: &str) -> Failure {
        let Row { name, raise, .. } = self.row();
        let raise = if raise == FIXED { raise.to_owned() } else { format!("raise it by {raise}") };
        Failure::new(status, code, format!("{what} (limit {name}; {raise})")).of_limit(self)
    }

    /// A refusal of a request that has too much of something. 400.
    pub(crate) fn refused(self, what: &str) -> Failure {
        self.failure(StatusCode::BAD_REQUEST, "limit_exceeded", what)
    }

    /// A refusal for now: the same request may be taken later. 429.
    pub(crate) fn busy(self, code: &'static str, what: &str) -> Failure {
        let failure = self.failure(StatusCode::TOO_MANY_REQUESTS, code, what);
        failure.with_retry_after(Duration::from_secs(1))
    }
}

/// The table of the documentation.
#[cfg_attr(not(test), allow(dead_code, reason = "the test of the documentation makes it"))]
pub(crate) fn table() -> String {
    let mut table = String::from(
        "| limit | what is bounded | by default | beyond it | to raise it |\n|---|---|---|---|---|\n",
    );
    for limit in Limit::ALL {
        let Row { name, what, figure, beyond, raise } = limit.row();
        let raise = if raise == FIXED { "–" } else { raise };
        let _ = writeln!(table, "| `{name}` | {what} | {figure} | {beyond} | {raise} |");
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_has_the_table() {
        const BEGIN: &str = "<!-- limits: made by the test of limits.rs -->\n";
        const END: &str = "<!-- end of limits -->";
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/gateway.md");
        let text = std::fs::read_to_string(path).expect("the documentation");
        let (head, rest) = text.split_once(BEGIN).expect("the table's beginning");
        let (found, tail) = rest.split_once(END).expect("the table's end");
        if std::env::var_os("LENORE_WRITE_DOCS").is_some() {
            std::fs::write(path, format!("{head}{BEGIN}{}{END}{tail}", table())).expect("ours");
            return;
        }
        assert_eq!(found, table(), "run this test with LENORE_WRITE_DOCS=1 to write the table");
    }

    #[test]
    fn every_limit_has_a_name_of_its_own_and_is_listed() {
        let mut names: Vec<_> = Limit::ALL.iter().map(|limit| limit.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Limit::ALL.len());
    }
}
