//! Asking an acquisition service for a dataset.

use std::io::Read;
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use reqwest::blocking::{Client, RequestBuilder, Response};
use reqwest::redirect::Policy;
use serde::de::DeserializeOwned;

use super::messages::{AcquisitionRequest, JobState, JobStatus, Refusal};
use crate::Error;
use crate::backoff::{self, Backoff};
use crate::watch::{Progress, Watcher};

/// Most bytes of a reply that are read; a job is a few hundred.
const MAX_REPLY: u64 = 64 * 1024;

/// How often a job that the service forgot is started again.
const MAX_LOST: u32 = 3;

/// How the client asks.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AcquisitionOptions {
    /// Where the service is, such as `http://127.0.0.1:5005`.
    pub url: String,
    /// The token that it asks for.
    pub token: Option<String>,
    /// Longest time from the first question until the dataset is there.
    pub timeout: Duration,
    /// Pause before the first look at a job. Pauses double up to [`AcquisitionOptions::longest_pause`].
    pub first_pause: Duration,
    /// Longest pause between two looks, and after an error.
    pub longest_pause: Duration,
    /// Longest time that one question may take.
    pub request_timeout: Duration,
}

impl AcquisitionOptions {
    /// Six hours in all, pauses from a quarter of a second to 15 seconds, 30 seconds a question, no token.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            token: None,
            timeout: Duration::from_secs(6 * 3600),
            first_pause: Duration::from_millis(250),
            longest_pause: Duration::from_secs(15),
            request_timeout: Duration::from_secs(30),
        }
    }
}

/// A client of one acquisition service.
#[derive(Debug)]
pub struct AcquisitionClient {
    options: AcquisitionOptions,
    http: Client,
}

/// What a question led to.
enum Answer<T> {
    Good(T),
    /// There is no such thing.
    Missing(String),
    /// Another job is at it.
    Taken(Refusal),
    /// It may go better later.
    Later(String),
}

impl AcquisitionClient {
    /// Sets the client up; nothing is asked yet.
    ///
    /// # Errors
    /// [`Error::Service`] when the address is none.
    pub fn new(options: AcquisitionOptions) -> Result<Self, Error> {
        let unusable = |reason: String| Error::Service { url: options.url.clone(), reason };
        let url = reqwest::Url::parse(&options.url).map_err(|error| unusable(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(unusable("the address must begin with http:// or https://".into()));
        }
        // An error means that a provider is installed already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder()
            .user_agent(concat!("dodge-data/", env!("CARGO_PKG_VERSION")))
            .timeout(options.request_timeout)
            .redirect(Policy::none());
        if url.scheme() == "http" {
            // No certificate is ever looked at, and a machine without any must not fail to start.
            builder = builder.tls_certs_only([]);
        }
        let http = builder.build().map_err(|error| unusable(error.to_string()))?;
        Ok(Self { options, http })
    }

    /// Makes the service fetch a dataset, and waits until it is there. The watcher is told the bytes that the job tells; when it
    /// wants to stop, the job goes on without this client.
    ///
    /// A service that does not answer, or answers with an error of its own, is asked again until the time is over. A job that it forgot
    /// (because it was started anew) is started again, a few times.
    ///
    /// # Errors
    /// [`Error::Service`] when the service does not know the dataset, refuses, reports a failed job, or does not come to an end in time;
    /// [`Error::Cancelled`].
    pub fn acquire(&self, dataset_id: &str, watcher: &dyn Watcher) -> Result<JobStatus, Error> {
        let deadline = Instant::now() + self.options.timeout;
        let mut pause = Pause::new(&self.options, deadline, watcher);
        let mut lost = 0;
        loop {
            let uuid = match self.start(dataset_id)? {
                Answer::Good(job) => {
                    if job.status.is_over() {
                        return self.finished(dataset_id, job);
                    }
                    job.job_uuid
                }
                Answer::Taken(Refusal { job_uuid: Some(uuid), .. }) => uuid,
                // A service that does not say which job it is: it is asked again until that one is over.
                Answer::Taken(refusal) => {
                    self.wait(&mut pause, dataset_id, &refusal.detail)?;
                    continue;
                }
                Answer::Missing(reason) => {
                    return Err(self.error(format!("does not know the dataset `{dataset_id}` ({reason})")));
                }
                Answer::Later(reason) => {
                    self.wait(&mut pause, dataset_id, &reason)?;
                    continue;
                }
            };
            pause.restart();
            match self.follow(dataset_id, &uuid, &mut pause)? {
                Some(job) => return self.finished(dataset_id, job),
                None if lost < MAX_LOST => lost += 1,
                None => return Err(self.error(format!("forgot the job for `{dataset_id}` {MAX_LOST} times"))),
            }
        }
    }

    /// Asks for a job until it is over; none when the service does not know it any more.
    fn follow(&self, dataset_id: &str, uuid: &str, pause: &mut Pause<'_>) -> Result<Option<JobStatus>, Error> {
        let mut seen: Option<JobState> = None;
        loop {
            let last = match self.ask::<JobStatus>(self.http.get(self.path(&format!("v1/acquisition/jobs/{uuid}"))))? {
                Answer::Good(job) => {
                    pause.watcher.progress(&Progress::Downloading { done: job.bytes_done, total: job.bytes_total });
                    if seen.replace(job.status) != Some(job.status) {
                        pause.restart();
                    }
                    if job.status.is_over() {
                        return Ok(Some(job));
                    }
                    job.status.word().to_owned()
                }
                Answer::Missing(_) => return Ok(None),
                Answer::Taken(refusal) => refusal.detail,
                Answer::Later(reason) => reason,
            };
            self.wait(pause, dataset_id, &last)?;
        }
    }

    fn finished(&self, dataset_id: &str, job: JobStatus) -> Result<JobStatus, Error> {
        if job.status == JobState::Completed {
            return Ok(job);
        }
        let reason = job.error.as_deref().unwrap_or("it gave no reason; look at its log");
        Err(self.error(format!("could not fetch `{dataset_id}`: {reason}")))
    }

    fn start(&self, dataset_id: &str) -> Result<Answer<JobStatus>, Error> {
        let request = AcquisitionRequest { dataset_id: dataset_id.to_owned() };
        self.ask(self.http.post(self.path("v1/acquisition")).json(&request))
    }

    fn ask<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<Answer<T>, Error> {
        let request = match &self.options.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let response = match request.send() {
            Ok(response) => response,
            Err(error) => return Ok(Answer::Later(error.without_url().to_string())),
        };
        let status = response.status();
        let body = match body(response) {
            Ok(body) => body,
            Err(error) => return Ok(Answer::Later(format!("the reply broke off: {error}"))),
        };
        let refusal = || serde_json::from_slice::<Refusal>(&body).ok();
        let detail = || refusal().map_or_else(|| format!("status {status}"), |refusal| refusal.detail);
        match status {
            StatusCode::OK | StatusCode::CREATED | StatusCode::ACCEPTED => serde_json::from_slice(&body)
                .map(Answer::Good)
                .map_err(|error| self.error(format!("answered with something that is no job: {error}"))),
            StatusCode::NOT_FOUND => Ok(Answer::Missing(detail())),
            StatusCode::CONFLICT => {
                let refusal = refusal().unwrap_or(Refusal { detail: detail(), job_uuid: None });
                Ok(Answer::Taken(refusal))
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Err(self.error("wants another token: set DODGE_ACQUISITION_TOKEN".into()))
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => Ok(Answer::Later(detail())),
            _ if status.is_server_error() => Ok(Answer::Later(detail())),
            _ => Err(self.error(format!("refused: {} ({status})", detail()))),
        }
    }

    /// Where the service is.
    pub(super) fn url(&self) -> &str {
        &self.options.url
    }

    fn path(&self, path: &str) -> String {
        format!("{}/{path}", self.options.url.trim_end_matches('/'))
    }

    fn error(&self, reason: String) -> Error {
        Error::Service { url: self.options.url.clone(), reason }
    }

    fn wait(&self, pause: &mut Pause<'_>, dataset_id: &str, last: &str) -> Result<(), Error> {
        if pause.wait()? {
            return Ok(());
        }
        let seconds = self.options.timeout.as_secs_f64();
        Err(self.error(format!("has not fetched `{dataset_id}` within {seconds:.0} s; the last answer was: {last}")))
    }
}

fn body(response: Response) -> std::io::Result<Vec<u8>> {
    let mut body = Vec::new();
    response.take(MAX_REPLY).read_to_end(&mut body)?;
    Ok(body)
}

/// Pauses that end with the time that is left.
struct Pause<'a> {
    watcher: &'a dyn Watcher,
    backoff: Backoff,
    deadline: Instant,
}

impl<'a> Pause<'a> {
    fn new(options: &AcquisitionOptions, deadline: Instant, watcher: &'a dyn Watcher) -> Self {
        Self { watcher, backoff: Backoff::new(options.first_pause, options.longest_pause), deadline }
    }

    fn restart(&mut self) {
        self.backoff.restart();
    }

    /// Whether there is time left.
    fn wait(&mut self) -> Result<bool, Error> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        backoff::sleep(self.backoff.next().min(left), self.watcher)?;
        Ok(Instant::now() < self.deadline)
    }
}
