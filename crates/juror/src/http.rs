//! A juror that lives elsewhere: the client of the juror service, this one's (`dodge serve juror`) or the predecessor's.

use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use dodge_imaging::Photo;
use reqwest::blocking::{Client, RequestBuilder, Response};
use reqwest::redirect::Policy;
use reqwest::{StatusCode, Url};
use serde::de::DeserializeOwned;

use crate::messages::{BatchScores, Health, Refusal, Scored};
use crate::{Error, Juror, npy};

/// Most bytes of a reply that are read; a score takes some twenty.
const MAX_REPLY: u64 = 1 << 20;

/// Most bytes and photos of a request, so that the service takes it.
const REQUEST_BYTES: usize = 16 << 20;
const REQUEST_PHOTOS: usize = 64;

/// Longest time that a busy service can ask to wait for.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// How the client asks.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct HttpJurorOptions {
    /// Where the service is, such as `http://127.0.0.1:5010`.
    pub url: String,
    /// The token that it asks for.
    pub token: Option<String>,
    /// Longest time that one request may take.
    pub timeout: Duration,
    /// How often a request is made again when the service does not answer, is busy or fails.
    pub retries: u32,
    /// Pause before the first retry; each one doubles it.
    pub pause: Duration,
}

impl HttpJurorOptions {
    /// Half a minute a request, five retries that begin after a fifth of a second, no token.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            token: None,
            timeout: Duration::from_secs(30),
            retries: 5,
            pause: Duration::from_millis(200),
        }
    }
}

/// A juror behind HTTP. Photos travel as arrays of NumPy, pixel for pixel, several in a request where the service takes that.
#[derive(Debug)]
pub struct HttpJuror {
    options: HttpJurorOptions,
    http: Client,
    name: String,
    /// Whether the service takes several photos in a request: the predecessor's does not.
    batches: AtomicBool,
}

/// What a request led to.
enum Answer<T> {
    Good(T),
    /// There is no such route.
    Missing,
    /// It may go better later, at the earliest after this time.
    Later(String, Option<Duration>),
}

impl HttpJuror {
    /// Asks the service for its health, which tells the name of its juror.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the address is none, or no juror answers there.
    pub fn new(options: HttpJurorOptions) -> Result<Self, Error> {
        let unusable = |reason: String| Error::Unavailable { juror: options.url.clone(), reason };
        let url = Url::parse(&options.url).map_err(|error| unusable(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(unusable("the address must begin with http:// or https://".into()));
        }
        // An error means that a provider is installed already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder()
            .user_agent(concat!("dodge-juror/", env!("CARGO_PKG_VERSION")))
            .timeout(options.timeout)
            .redirect(Policy::none());
        if url.scheme() == "http" {
            // No certificate is ever looked at, and a machine without any must not fail to start.
            builder = builder.tls_certs_only([]);
        }
        let http = builder.build().map_err(|error| unusable(error.to_string()))?;
        let name = options.url.clone();
        let mut juror = Self { options, http, name, batches: AtomicBool::new(true) };
        let health: Health = juror
            .ask(|http| http.get(juror.path("health")))?
            .ok_or_else(|| juror.error("there is no juror service: /health is not found".into()))?;
        if !health.juror_loaded {
            return Err(juror.error("its model is not loaded yet".into()));
        }
        // A juror that says who it is scores as it does here: runs with either can be compared.
        if let Some(name) = health.juror {
            juror.name = name;
        }
        Ok(juror)
    }

    /// The scores of a few photos.
    fn some(&self, photos: &[&Photo]) -> Result<Vec<f64>, Error> {
        if self.batches.load(Ordering::Relaxed) {
            let form = Form::of(photos);
            let path = self.path("v1/score/batch");
            if let Some(BatchScores { scores }) = self.ask(|http| form.attached(http.post(&path)))? {
                return Ok(scores);
            }
            self.batches.store(false, Ordering::Relaxed);
        }
        photos.iter().map(|photo| self.one(photo)).collect()
    }

    fn one(&self, photo: &Photo) -> Result<f64, Error> {
        let form = Form::of(&[photo]);
        let path = self.path("v1/score/ndarray");
        let scored: Option<Scored> = self.ask(|http| form.attached(http.post(&path)))?;
        scored.map(|scored| scored.score).ok_or_else(|| self.error("there is no route v1/score/ndarray".into()))
    }

    /// The answer to a request, which is made again while it may go better; none where there is no such route.
    fn ask<T: DeserializeOwned>(&self, request: impl Fn(&Client) -> RequestBuilder) -> Result<Option<T>, Error> {
        let mut pause = self.options.pause;
        let mut left = self.options.retries;
        loop {
            let (reason, asked) = match self.ask_once(request(&self.http))? {
                Answer::Good(answer) => return Ok(Some(answer)),
                Answer::Missing => return Ok(None),
                Answer::Later(reason, asked) => (reason, asked),
            };
            if left == 0 {
                return Err(self.error(reason));
            }
            left -= 1;
            thread::sleep(asked.unwrap_or_default().max(pause).min(LONGEST_WAIT));
            pause *= 2;
        }
    }

    fn ask_once<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<Answer<T>, Error> {
        let request = match &self.options.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let response = match request.send() {
            Ok(response) => response,
            Err(error) => return Ok(Answer::Later(causes(&error.without_url()), None)),
        };
        let status = response.status();
        let after = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
        let body = match body(response) {
            Ok(body) => body,
            Err(error) => return Ok(Answer::Later(format!("the reply broke off: {error}"), None)),
        };
        let detail = || {
            let refusal = serde_json::from_slice::<Refusal>(&body).ok();
            refusal.map_or_else(|| format!("status {status}"), |refusal| format!("{} ({status})", refusal.detail))
        };
        match status {
            StatusCode::OK => serde_json::from_slice(&body)
                .map(Answer::Good)
                .map_err(|error| self.error(format!("it answered with something else: {error}"))),
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Ok(Answer::Missing),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Err(self.error("it wants another token: set DODGE_JUROR_TOKEN".into()))
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => {
                Ok(Answer::Later(detail(), after.map(Duration::from_secs)))
            }
            _ if status.is_server_error() => Ok(Answer::Later(detail(), after.map(Duration::from_secs))),
            _ => Err(self.error(detail())),
        }
    }

    fn path(&self, path: &str) -> String {
        format!("{}/{path}", self.options.url.trim_end_matches('/'))
    }

    fn error(&self, reason: String) -> Error {
        Error::Unavailable { juror: format!("at {}", self.options.url), reason }
    }
}

impl Juror for HttpJuror {
    /// That of the juror there where the service tells it, else its address.
    fn name(&self) -> String {
        self.name.clone()
    }

    fn score(&self, photos: &[&Photo]) -> Result<Vec<f64>, Error> {
        let mut scores = Vec::with_capacity(photos.len());
        let mut rest = photos;
        while !rest.is_empty() {
            let mut bytes = 0;
            let fits = |photo: &&&Photo| {
                bytes += photo.pixels().len();
                bytes <= REQUEST_BYTES
            };
            let count = rest.iter().take(REQUEST_PHOTOS).take_while(fits).count().max(1);
            let (some, others) = rest.split_at(count);
            let answered = self.some(some)?;
            if answered.len() != some.len() {
                return Err(Error::WrongCount { juror: self.name(), expected: some.len(), got: answered.len() });
            }
            scores.extend(answered);
            rest = others;
        }
        Ok(scores)
    }
}

/// A form with arrays, as `multipart/form-data` (RFC 7578).
struct Form {
    boundary: String,
    body: Vec<u8>,
}

impl Form {
    fn of(photos: &[&Photo]) -> Self {
        // Drawn anew for each form: nobody can make pixels that look like the end of one.
        let boundary = format!("dodge-{:032x}", rand::random::<u128>());
        let mut body = Vec::new();
        for photo in photos {
            let head = format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"array_file\"; filename=\"array.npy\"\r\n\
                 Content-Type: application/octet-stream\r\n\r\n"
            );
            body.extend_from_slice(head.as_bytes());
            body.append(&mut npy::written(photo));
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        Self { boundary, body }
    }

    fn attached(&self, request: RequestBuilder) -> RequestBuilder {
        let kind = format!("multipart/form-data; boundary={}", self.boundary);
        request.header("content-type", kind).body(self.body.clone())
    }
}

/// An error with what led to it, which says more than the error itself.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

fn body(response: Response) -> std::io::Result<Vec<u8>> {
    let mut body = Vec::new();
    response.take(MAX_REPLY).read_to_end(&mut body)?;
    Ok(body)
}
