//! What is counted, for Prometheus. No label holds anything that a user wrote.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::health::{State, obstacle};
use crate::limits::Limit;

/// Bounds of the times to a first chunk, in seconds.
const FIRST: [f64; 10] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0];

/// Bounds of the gaps between chunks, in seconds.
const GAP: [f64; 10] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    endpoint: &'static str,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Direction {
    direction: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Named {
    provider: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Met {
    limit: &'static str,
}

type Numbers = Family<Named, Gauge>;

/// The counters.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Kind, Counter>,
    answers: Family<Ended, Counter>,
    tokens: Family<Direction, Counter>,
    in_flight: Gauge,
    limits: Family<Met, Counter>,
    connections: Gauge,
    first: Histogram,
    gap: Histogram,
    ready: Numbers,
    running: Numbers,
    waiting: Numbers,
    pages: Numbers,
    restarts: Family<Named, Counter<u64, AtomicU64>>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("lenore"),
            requests: Family::default(),
            answers: Family::default(),
            tokens: Family::default(),
            in_flight: Gauge::default(),
            limits: Family::default(),
            connections: Gauge::default(),
            first: Histogram::new(FIRST),
            gap: Histogram::new(GAP),
            ready: Family::default(),
            running: Family::default(),
            waiting: Family::default(),
            pages: Family::default(),
            restarts: Family::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("requests", "Requests, by endpoint and status", self.requests.clone());
        registry.register("answers", "Answers, by how they ended", self.answers.clone());
        registry.register("tokens", "Tokens, estimated from the text", self.tokens.clone());
        registry.register("answers_in_flight", "Answers under way", self.in_flight.clone());
        let help = "How often a bound was met, by its name";
        registry.register("limit_met", help, self.limits.clone());
        registry.register("connections", "Connections that are open", self.connections.clone());
        for limit in Limit::ALL {
            // So that each is listed before it is met.
            drop(self.limits.get_or_create(&Met { limit: limit.name() }));
        }
        let help = "From the question to the first text, in seconds";
        registry.register("first_chunk_seconds", help, self.first.clone());
        let help = "Between two chunks of an answer, in seconds";
        registry.register("chunk_gap_seconds", help, self.gap.clone());
        let help = "Whether nothing is known to stand in the way of a question";
        registry.register("provider_ready", help, self.ready.clone());
        registry.register("provider_running", "Answers under way there", self.running.clone());
        let help = "Questions that wait for their turn";
        registry.register("provider_waiting", help, self.waiting.clone());
        registry.register("provider_pages", "Pages that are open", self.pages.clone());
        let help = "How often the browser was started again because it was lost";
        registry.register("provider_restarts", help, self.restarts.clone());
    }

    /// A request was answered.
    pub(crate) fn request(&self, endpoint: &'static str, status: u16) {
        self.requests.get_or_create(&Kind { endpoint, status }).inc();
    }

    /// A bound was met.
    pub(crate) fn limit_met(&self, limit: Limit) {
        self.limits.get_or_create(&Met { limit: limit.name() }).inc();
    }

    /// A connection was opened; it is counted until what is returned is dropped.
    pub(crate) fn connection(self: &Arc<Self>) -> OpenConnection {
        self.connections.inc();
        OpenConnection(self.clone())
    }

    /// The text for Prometheus, with what the providers say of themselves now.
    pub(crate) fn text(&self, states: &[State]) -> String {
        for (name, health) in states {
            let named = Named { provider: name.clone() };
            let set = |numbers: &Numbers, number: usize| {
                let number = i64::try_from(number).unwrap_or(i64::MAX);
                numbers.get_or_create(&named).set(number);
            };
            set(&self.ready, usize::from(obstacle(health).is_none()));
            set(&self.running, health.running);
            set(&self.waiting, health.waiting);
            set(&self.pages, health.pages);
            let restarts = self.restarts.get_or_create(&named);
            restarts.inc_by(health.restarts.saturating_sub(restarts.get()));
        }
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("a string takes all");
        text
    }
}

/// A connection that is open, until it is dropped.
#[derive(Debug)]
pub(crate) struct OpenConnection(Arc<Metrics>);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.connections.dec();
    }
}

/// Measures one answer, until it is dropped.
#[derive(Debug)]
pub(crate) struct Meter {
    metrics: Arc<Metrics>,
    last: Instant,
    has_begun: bool,
    outcome: &'static str,
}

impl Meter {
    pub(crate) fn start(metrics: &Arc<Metrics>) -> Self {
        metrics.in_flight.inc();
        Self {
            metrics: metrics.clone(),
            last: Instant::now(),
            has_begun: false,
            outcome: "abandoned",
        }
    }

    /// Some text has come.
    pub(crate) fn chunk(&mut self) {
        let passed = self.last.elapsed().as_secs_f64();
        let histogram = if self.has_begun { &self.metrics.gap } else { &self.metrics.first };
        histogram.observe(passed);
        self.has_begun = true;
        self.last = Instant::now();
    }

    /// The answer has ended by itself.
    pub(crate) fn finished(&mut self, prompt: u64, answer: u64) {
        self.outcome = "finished";
        for (direction, tokens) in [("in", prompt), ("out", answer)] {
            self.metrics.tokens.get_or_create(&Direction { direction }).inc_by(tokens);
        }
    }

    pub(crate) fn failed(&mut self) {
        self.outcome = "failed";
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.metrics.in_flight.dec();
        self.metrics.answers.get_or_create(&Ended { outcome: self.outcome }).inc();
    }
}
