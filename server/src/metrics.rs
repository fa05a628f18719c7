//! What `/metrics` tells.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

use crate::{Result, storage::Standing};

/// The upper ends of the histogram's buckets, in seconds. Long-polls are not in it.
const BUCKETS: [f64; 12] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0,
];

/// The format that [`Metrics::text`] is in.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    command: String,
    code: i32,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Command {
    command: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: String,
}

/// The counters of this process.
pub struct Metrics {
    registry: Registry,
    requests: Family<Request, Counter>,
    durations: Family<Command, Histogram>,
    deletions: Counter,
    webhook: Family<Outcome, Counter>,
    /// Connections that are open.
    pub connections: Arc<Count>,
    connections_open: Gauge,
    connections_refused: Counter,
    long_polls: Gauge,
    backlog: Gauge,
    bytes: Gauge,
}

/// A number that goes up and down.
#[derive(Default)]
pub struct Count(AtomicU64);

impl Count {
    /// One more, until the value that is returned goes.
    #[must_use]
    pub fn one_more(self: &Arc<Self>) -> OneMore {
        self.0.fetch_add(1, Ordering::Relaxed);
        OneMore(Arc::clone(self))
    }

    /// How many there are.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// One of a [`Count`].
pub struct OneMore(Arc<Count>);

impl Drop for OneMore {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("adieu");
        let requests = Family::default();
        registry.register(
            "requests",
            "Requests of the REST API, by command and ErrorCode",
            requests.clone(),
        );
        let durations =
            Family::<Command, Histogram>::new_with_constructor(|| Histogram::new(BUCKETS));
        registry.register_with_unit(
            "request_duration",
            "Time from a request to its answer, without long-polls that waited",
            Unit::Seconds,
            durations.clone(),
        );
        let (deletions, connections_refused) = (Counter::default(), Counter::default());
        registry.register(
            "deletions",
            "Deletions that were answered with success, repeated ones too",
            deletions.clone(),
        );
        registry.register(
            "connections_refused",
            "Connections that were closed because of the limit",
            connections_refused.clone(),
        );
        let webhook = Family::default();
        registry.register(
            "webhook_posts",
            "Posts to the webhook, by outcome",
            webhook.clone(),
        );
        let mut gauge = |name: &str, help: &str| {
            let gauge = Gauge::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        let connections_open = gauge("connections_open", "Connections that are open");
        let long_polls = gauge("long_polls_open", "Devices that wait for changes");
        let backlog = gauge(
            "purge_backlog",
            "Conversations that the purge has to look at",
        );
        let bytes = gauge("store_bytes", "What the store's files take");
        Self {
            registry,
            requests,
            durations,
            deletions,
            webhook,
            connections: Arc::default(),
            connections_open,
            connections_refused,
            long_polls,
            backlog,
            bytes,
        }
    }
}

impl Metrics {
    /// A request was answered. `took`: none for one that was held on purpose.
    pub fn request(&self, command: &str, code: i32, took: Option<Duration>) {
        let command = command.to_owned();
        if let Some(took) = took {
            self.durations
                .get_or_create(&Command {
                    command: command.clone(),
                })
                .observe(took.as_secs_f64());
        }
        self.requests
            .get_or_create(&Request { command, code })
            .inc();
    }

    /// A deletion succeeded.
    pub fn deletion(&self) {
        self.deletions.inc();
    }

    /// A connection was closed because of the limit.
    pub fn connection_refused(&self) {
        self.connections_refused.inc();
    }

    /// A post to the webhook ended.
    pub fn webhook(&self, outcome: &str) {
        let outcome = Outcome {
            outcome: outcome.to_owned(),
        };
        self.webhook.get_or_create(&outcome).inc();
    }

    /// All of it, in the OpenMetrics text format.
    ///
    /// # Errors
    /// None in practice: it is written to memory.
    pub fn text(&self, standing: Standing, long_polls: usize) -> Result<String> {
        let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        self.connections_open.set(number(self.connections.get()));
        self.long_polls.set(number(long_polls as u64));
        self.backlog.set(number(standing.purge_backlog));
        self.bytes.set(number(standing.bytes));
        let mut text = String::new();
        encode(&mut text, &self.registry)
            .map_err(|error| crate::Error::Storage(error.to_string()))?;
        Ok(text)
    }
}
