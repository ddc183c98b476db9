//! Durations of requests and jobs, for Prometheus.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Upper ends of the buckets.
const REQUEST_SECONDS: [f64; 6] = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5];
const JOB_SECONDS: [f64; 6] = [1.0, 10.0, 60.0, 600.0, 3600.0, 21_600.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    method: String,
    endpoint: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Job {
    dataset_id: String,
    outcome: &'static str,
}

/// The names are those of the service that this one takes the place of.
pub(super) struct Metrics {
    registry: Registry,
    requests: Family<Request, Histogram, fn() -> Histogram>,
    jobs: Family<Job, Histogram, fn() -> Histogram>,
}

impl Default for Metrics {
    fn default() -> Self {
        let requests: Family<_, _, fn() -> Histogram> =
            Family::new_with_constructor(|| Histogram::new(REQUEST_SECONDS));
        let jobs: Family<_, _, fn() -> Histogram> = Family::new_with_constructor(|| Histogram::new(JOB_SECONDS));
        let mut registry = Registry::default();
        registry.register("imageacquisition_request_duration_seconds", "Duration of requests", requests.clone());
        registry.register("image_acquisition_job_duration_seconds", "Duration of jobs", jobs.clone());
        Self { registry, requests, jobs }
    }
}

impl Metrics {
    pub(super) fn request(&self, method: &str, endpoint: &str, status: u16, duration: Duration) {
        let labels = Request { method: method.to_owned(), endpoint: endpoint.to_owned(), status };
        self.requests.get_or_create(&labels).observe(duration.as_secs_f64());
    }

    pub(super) fn job(&self, dataset_id: &str, outcome: &'static str, duration: Duration) {
        let labels = Job { dataset_id: dataset_id.to_owned(), outcome };
        self.jobs.get_or_create(&labels).observe(duration.as_secs_f64());
    }

    /// In the text format of OpenMetrics.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("a string takes everything");
        text
    }
}
