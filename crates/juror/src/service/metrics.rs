//! Durations, scores and errors, for Prometheus.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Upper ends of the buckets.
const REQUEST_SECONDS: [f64; 6] = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5];
const SCORING_SECONDS: [f64; 8] = [0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5];
const SCORES: [f64; 9] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0];
const PHOTOS: [f64; 7] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    method: String,
    endpoint: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Failure {
    r#type: &'static str,
}

/// The names are those of the service that this one takes the place of.
pub(super) struct Metrics {
    registry: Registry,
    requests: Family<Request, Histogram, fn() -> Histogram>,
    failures: Family<Failure, Counter>,
    scoring: Histogram,
    photos: Histogram,
    scores: Histogram,
}

impl Metrics {
    pub(super) fn new() -> Self {
        let requests: Family<_, _, fn() -> Histogram> =
            Family::new_with_constructor(|| Histogram::new(REQUEST_SECONDS));
        let failures = Family::default();
        let (scoring, photos, scores) =
            (Histogram::new(SCORING_SECONDS), Histogram::new(PHOTOS), Histogram::new(SCORES));
        let loaded: Gauge = Gauge::default();
        loaded.set(1);
        let mut registry = Registry::default();
        registry.register("juror_request_duration_seconds", "Duration of requests", requests.clone());
        registry.register("juror_scoring_duration_hist_seconds", "Duration of a batch", scoring.clone());
        registry.register("juror_batch_photos", "Photos of a batch", photos.clone());
        registry.register("juror_scoring_value", "Scores", scores.clone());
        registry.register("juror_errors", "Requests without a score", failures.clone());
        registry.register("juror_model_loaded", "Whether there is a juror", loaded);
        Self { registry, requests, failures, scoring, photos, scores }
    }

    pub(super) fn request(&self, method: &str, endpoint: &str, status: u16, duration: Duration) {
        let labels = Request { method: method.to_owned(), endpoint: endpoint.to_owned(), status };
        self.requests.get_or_create(&labels).observe(duration.as_secs_f64());
    }

    pub(super) fn batch(&self, photos: usize, duration: Duration, scores: &[f64]) {
        self.scoring.observe(duration.as_secs_f64());
        self.photos.observe(photos as f64);
        scores.iter().for_each(|score| self.scores.observe(*score));
    }

    pub(super) fn failure(&self, kind: &'static str) {
        self.failures.get_or_create(&Failure { r#type: kind }).inc();
    }

    /// In the text format of OpenMetrics.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("a string takes everything");
        text
    }
}
