//! One HTTP call to an MLflow server, its failures sorted by what to do about them.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{Read, Write},
    path::Path,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use reqwest::{
    StatusCode, Url,
    blocking::{Body, Client, ClientBuilder, RequestBuilder, Response},
    header::{CONTENT_TYPE, ETAG, RETRY_AFTER},
    redirect::Policy,
};
use serde::{Serialize, de::DeserializeOwned};

use super::options::{Credentials, RemoteOptions};
use crate::{Error, delivery::SinkError};

/// Longest reply that is read. Replies to our calls are a few kilobytes.
const MAX_REPLY: u64 = 16 << 20;
/// How long a download may take.
const DOWNLOAD_TIMEOUT: Duration = Duration::from_secs(6 * 3600);
/// Longest wait that a `Retry-After` header can ask for.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(120);
/// uvicorn closes idle connections after 5 s; ours must be gone before.
const POOL_IDLE: Duration = Duration::from_secs(4);
/// The slowest upload that is waited for, in bytes per second.
const SLOWEST_UPLOAD: u64 = 256 << 10;
/// Files up to this length are sent from memory; a longer one is read while it is sent.
const SMALL_FILE: u64 = 1 << 20;

/// A server: its options and a pool of connections to it.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) options: RemoteOptions,
    pool: Client,
    base: Url,
    /// The server has said that it takes no uploads in parts.
    pub(crate) no_multipart: AtomicBool,
}

/// A view of a [`Server`] with a time limit per call.
#[derive(Debug, Clone)]
pub(crate) struct RestClient {
    server: Arc<Server>,
    pub(crate) timeout: Duration,
}

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CallError {
    /// Worth repeating: no connection, a time-out, an overloaded or broken server.
    Retry { reason: String, after: Option<Duration> },
    /// The credentials do not do.
    Denied { reason: String },
    /// The server understood and refuses this content (400, 413).
    Refused { code: String, reason: String },
    /// What the call is about does not exist there.
    Missing { reason: String },
    /// Anything else: this is not a server we can talk to.
    Other { reason: String },
}

impl Server {
    pub(crate) fn new(options: RemoteOptions) -> Result<Self, Error> {
        let base = Url::parse(options.uri())
            .map_err(|error| Error::Server { uri: options.uri().to_owned(), reason: error.to_string() })?;
        // An error means that a provider is installed already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = Client::builder()
            .user_agent(concat!("dodge-tracking/", env!("CARGO_PKG_VERSION")))
            .pool_idle_timeout(POOL_IDLE)
            .connect_timeout(options.start_timeout.min(Duration::from_secs(10)))
            .redirect(Policy::none());
        let pool = with_tls(builder, &options, &base)?.build().map_err(|error| Error::Server {
            uri: options.uri().to_owned(),
            reason: format!("cannot set up the connection: {}", chain(&error)),
        })?;
        Ok(Self { options, pool, base, no_multipart: AtomicBool::new(false) })
    }
}

fn with_tls(builder: ClientBuilder, options: &RemoteOptions, base: &Url) -> Result<ClientBuilder, Error> {
    let mut builder = builder;
    if base.scheme() == "http" {
        // No certificate is ever looked at, and a machine without any must not fail to start.
        return Ok(builder.tls_certs_only([]));
    }
    if options.insecure_tls {
        builder = builder.tls_danger_accept_invalid_certs(true);
    }
    if let Some(path) = &options.server_cert_path {
        let unusable = |reason: String| unusable("MLFLOW_TRACKING_SERVER_CERT_PATH", path, &reason);
        let bytes = fs::read(path).map_err(|error| unusable(error.to_string()))?;
        let certificates = reqwest::Certificate::from_pem_bundle(&bytes).map_err(|error| unusable(chain(&error)))?;
        if certificates.is_empty() {
            return Err(unusable("it holds no PEM certificate".to_owned()));
        }
        builder = builder.tls_certs_only(certificates);
    }
    if let Some(path) = &options.client_cert_path {
        let unusable = |reason: String| unusable("MLFLOW_TRACKING_CLIENT_CERT_PATH", path, &reason);
        let bytes = fs::read(path).map_err(|error| unusable(error.to_string()))?;
        let identity = reqwest::Identity::from_pem(&bytes).map_err(|error| unusable(chain(&error)))?;
        builder = builder.identity(identity);
    }
    Ok(builder)
}

fn unusable(name: &str, path: &Path, reason: &str) -> Error {
    Error::Option { name: name.to_owned(), reason: format!("({}) cannot be used: {reason}", path.display()) }
}

impl RestClient {
    pub(crate) fn new(server: Arc<Server>, timeout: Duration) -> Self {
        Self { server, timeout }
    }

    /// `GET api/2.0/mlflow/<call>` with a query.
    pub(crate) fn get<T: DeserializeOwned>(&self, call: &str, query: &[(&str, &str)]) -> Result<T, CallError> {
        let mut url = self.api(call);
        url.query_pairs_mut().extend_pairs(query);
        json(&self.send(self.server.pool.get(url), self.timeout)?)
    }

    /// `POST api/2.0/mlflow/<call>` with a JSON body, uncompressed and with its length: the server
    /// refuses chunked and gzip bodies.
    pub(crate) fn post<T: DeserializeOwned>(&self, call: &str, body: &impl Serialize) -> Result<T, CallError> {
        let bytes = serde_json::to_vec(body)
            .map_err(|error| CallError::Other { reason: format!("cannot write the request: {error}") })?;
        let request = self.server.pool.post(self.api(call)).header(CONTENT_TYPE, "application/json").body(bytes);
        json(&self.send(request, self.timeout)?)
    }

    /// `PATCH api/2.0/mlflow/<call>` with a JSON body.
    pub(crate) fn patch<T: DeserializeOwned>(&self, call: &str, body: &impl Serialize) -> Result<T, CallError> {
        let bytes = serde_json::to_vec(body)
            .map_err(|error| CallError::Other { reason: format!("cannot write the request: {error}") })?;
        let request = self.server.pool.patch(self.api(call)).header(CONTENT_TYPE, "application/json").body(bytes);
        json(&self.send(request, self.timeout)?)
    }

    /// `POST` with a JSON body to any address of the server.
    pub(super) fn post_to<T: DeserializeOwned>(&self, url: Url, body: &impl Serialize) -> Result<T, CallError> {
        let bytes = serde_json::to_vec(body)
            .map_err(|error| CallError::Other { reason: format!("cannot write the request: {error}") })?;
        json(
            &self
                .send(self.server.pool.post(url).header(CONTENT_TYPE, "application/json").body(bytes), self.timeout)?,
        )
    }

    /// Uploads the file at `file` to `url`.
    pub(crate) fn put_file(&self, url: Url, file: &Path) -> Result<(), CallError> {
        let unreadable =
            |error: std::io::Error| CallError::Other { reason: format!("cannot read {}: {error}", file.display()) };
        let mut content = File::open(file).map_err(unreadable)?;
        let len = content.metadata().map_err(unreadable)?.len();
        let timeout = self.timeout + Duration::from_secs(len / SLOWEST_UPLOAD);
        let body = if len <= SMALL_FILE {
            let mut bytes = Vec::new();
            content.read_to_end(&mut bytes).map_err(unreadable)?;
            Body::from(bytes)
        } else {
            Body::sized(content, len)
        };
        let request = self.server.pool.put(url).header(CONTENT_TYPE, "application/octet-stream").body(body);
        self.send(request, timeout).map(drop)
    }

    /// Uploads one part of a file to an address that the server named, which may be another host: no credentials of ours go
    /// there. The `ETag` of the reply.
    pub(super) fn put_part(
        &self,
        url: Url,
        headers: &BTreeMap<String, String>,
        part: Vec<u8>,
    ) -> Result<String, CallError> {
        let timeout = self.timeout + Duration::from_secs(part.len() as u64 / SLOWEST_UPLOAD);
        let mut request = self.server.pool.put(url).body(part).timeout(timeout);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let response = request.send().map_err(|error| CallError::Retry { reason: chain(&error), after: None })?;
        let status = response.status();
        let tag = response.headers().get(ETAG).and_then(|tag| tag.to_str().ok()).map(str::to_owned);
        if !status.is_success() {
            let mut body = Vec::new();
            // What is said beside the status is a help, no more.
            let _ = response.take(4096).read_to_end(&mut body);
            return Err(sort(status, None, &body));
        }
        tag.ok_or_else(|| CallError::Other { reason: "the storage behind the server names no ETag".to_owned() })
    }

    /// Writes what is at `url` to `to`.
    pub(crate) fn download(&self, url: Url, to: &mut dyn Write) -> Result<(), CallError> {
        // A file may take long; what must not is that nothing comes.
        let request = self.authorised(self.server.pool.get(url)).timeout(DOWNLOAD_TIMEOUT);
        let mut response = request.send().map_err(|error| CallError::Retry { reason: chain(&error), after: None })?;
        let status = response.status();
        if !status.is_success() {
            let mut body = Vec::new();
            let _ = response.take(4096).read_to_end(&mut body);
            return Err(sort(status, None, &body));
        }
        response.copy_to(&mut Through(to)).map_err(|error| CallError::Retry { reason: chain(&error), after: None })?;
        Ok(())
    }

    /// The address of the server, without credentials.
    pub(crate) fn uri(&self) -> &str {
        self.server.options.uri()
    }

    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    /// The address of an artifact of a run whose artifacts the server itself stores, or why not.
    pub(crate) fn artifact_url(&self, artifact_uri: &str, path: &str) -> Result<Url, String> {
        self.artifact_call("artifacts", artifact_uri, path)
    }

    /// The address of the call `call` (`artifacts`, or `mpu/create` and so on) about an artifact.
    pub(super) fn artifact_call(&self, call: &str, artifact_uri: &str, path: &str) -> Result<Url, String> {
        let not_served = || format!("the server keeps artifacts in {artifact_uri}, which only direct access reaches");
        let rest = artifact_uri.strip_prefix("mlflow-artifacts:").ok_or_else(not_served)?;
        let (mut url, root) = match rest.strip_prefix("//") {
            None | Some("") => (self.server.base.clone(), rest),
            Some(authority_and_path) => {
                let (authority, root) = authority_and_path.split_once('/').ok_or_else(not_served)?;
                let url = if authority.is_empty() {
                    self.server.base.clone()
                } else {
                    Url::parse(&format!("{}://{authority}", self.server.base.scheme())).map_err(|_| not_served())?
                };
                (url, root)
            }
        };
        url.path_segments_mut()
            .map_err(|()| not_served())?
            .pop_if_empty()
            .extend(["api", "2.0", "mlflow-artifacts"])
            .extend(call.split('/'))
            .extend(root.split('/').chain(path.split('/')).filter(|part| !part.is_empty()));
        Ok(url)
    }

    fn api(&self, call: &str) -> Url {
        let mut url = self.server.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["api", "2.0", "mlflow"]).extend(call.split('/'));
        }
        url
    }

    fn authorised(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.server.options.credentials {
            Credentials::None => request,
            Credentials::Basic { username, password } => request.basic_auth(username, Some(password)),
            Credentials::Bearer(token) => request.bearer_auth(token),
        }
    }

    fn send(&self, request: RequestBuilder, timeout: Duration) -> Result<Vec<u8>, CallError> {
        let request = self.authorised(request);
        let unreachable = |reason: String| CallError::Retry { reason, after: None };
        let response = request.timeout(timeout).send().map_err(|error| unreachable(chain(&error)))?;
        let status = response.status();
        let after = self.retry_after(&response);
        let location = response.headers().get("location").cloned();
        let mut body = Vec::new();
        response.take(MAX_REPLY + 1).read_to_end(&mut body).map_err(|error| unreachable(chain(&error)))?;
        if body.len() as u64 > MAX_REPLY {
            return Err(CallError::Other { reason: "the reply is longer than 16 MiB".to_owned() });
        }
        if status.is_success() {
            return Ok(body);
        }
        let mut error = sort(status, after, &body);
        if let (CallError::Other { reason }, Some(location)) = (&mut error, location) {
            *reason += &format!(", redirecting to {}", location.to_str().unwrap_or("?"));
        }
        Err(error)
    }

    fn retry_after(&self, response: &Response) -> Option<Duration> {
        if !self.server.options.respect_retry_after {
            return None;
        }
        let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
        Some(Duration::from_secs(seconds).min(MAX_RETRY_AFTER))
    }
}

/// A writer behind a pointer.
struct Through<'a>(&'a mut dyn Write);

impl Write for Through<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

impl CallError {
    pub(crate) fn reason(&self) -> &str {
        match self {
            Self::Retry { reason, .. }
            | Self::Denied { reason }
            | Self::Refused { reason, .. }
            | Self::Missing { reason }
            | Self::Other { reason } => reason,
        }
    }
}

/// For calls whose content cannot be at fault: a refusal is final.
impl From<CallError> for SinkError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Retry { reason, after } => Self::Retry { reason, after },
            CallError::Denied { reason } => Self::Denied { reason },
            CallError::Refused { reason, .. } | CallError::Missing { reason } => Self::Stopped { reason },
            CallError::Other { reason } => Self::Strange { reason },
        }
    }
}

/// The body of an MLflow error. Proxies and some routes send HTML or text instead.
#[derive(serde::Deserialize)]
struct ErrorBody {
    #[serde(default)]
    error_code: String,
    #[serde(default)]
    message: String,
}

fn sort(status: StatusCode, after: Option<Duration>, body: &[u8]) -> CallError {
    let parsed = serde_json::from_slice::<ErrorBody>(body).ok();
    let is_json = parsed.as_ref().is_some_and(|error| !error.error_code.is_empty());
    let (code, text) = match parsed {
        Some(error) if is_json => (error.error_code, error.message),
        _ => (String::new(), plain_text(body)),
    };
    let reason = match (code.as_str(), text.as_str()) {
        ("", "") => format!("status {status}"),
        ("", text) => format!("status {status}: {}", shorten(text)),
        (code, text) => format!("{code}: {}", shorten(text)),
    };
    match status.as_u16() {
        401 => CallError::Denied {
            reason: format!(
                "{reason}: set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
            ),
        },
        403 => CallError::Denied { reason: format!("{reason}: the server does not permit this") },
        400 | 413 => CallError::Refused { code, reason },
        404 if is_json => CallError::Missing { reason },
        408 | 409 | 425 | 429 | 500 | 502 | 503 | 504 => CallError::Retry { reason, after },
        _ => CallError::Other { reason: format!("{reason} (is it an MLflow server?)") },
    }
}

fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, CallError> {
    serde_json::from_slice(body).map_err(|error| CallError::Other {
        reason: format!("the reply is not what an MLflow server sends ({error}): {}", shorten(&plain_text(body))),
    })
}

/// A body as one line of text, without HTML tags.
fn plain_text(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(4096)]);
    let mut plain = String::new();
    let mut in_tag = false;
    for c in text.chars() {
        match c {
            '<' => in_tag = true,
            '>' => {
                in_tag = false;
                plain.push(' ');
            }
            c if !in_tag => plain.push(c),
            _ => {}
        }
    }
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn shorten(text: &str) -> String {
    const LIMIT: usize = 300;
    match text.char_indices().nth(LIMIT) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}...", &text[..end]),
    }
}

/// An error and what caused it, as one line: the cause is what a user needs (connection refused).
fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line = format!("{line}: {error}");
        cause = error.source();
    }
    if line.contains("invalid peer certificate") {
        line += " (MLFLOW_TRACKING_SERVER_CERT_PATH names the certificate authority to trust)";
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(uri: &str) -> RestClient {
        let mut options = RemoteOptions::new(uri).unwrap();
        options.insecure_tls = true; // a machine without certificate authorities runs this, too
        let server = Server::new(options).unwrap();
        RestClient::new(Arc::new(server), Duration::from_secs(1))
    }

    #[test]
    fn a_path_of_the_server_address_is_kept() {
        let client = client("http://h:5000/team/mlflow/");
        assert_eq!(client.api("runs/log-batch").as_str(), "http://h:5000/team/mlflow/api/2.0/mlflow/runs/log-batch");
        let url = client.artifact_url("mlflow-artifacts:/1/abc/artifacts", "a b/ü.png").unwrap();
        assert_eq!(
            url.as_str(),
            "http://h:5000/team/mlflow/api/2.0/mlflow-artifacts/artifacts/1/abc/artifacts/a%20b/%C3%BC.png"
        );
    }

    #[test]
    fn artifacts_may_live_on_another_host_but_not_elsewhere() {
        let client = client("https://h/prefix");
        let url = client.artifact_url("mlflow-artifacts://other:81/1/r/artifacts", "x").unwrap();
        assert_eq!(url.as_str(), "https://other:81/api/2.0/mlflow-artifacts/artifacts/1/r/artifacts/x");
        let refusal = client.artifact_url("s3://bucket/1", "x").unwrap_err();
        assert!(refusal.contains("s3://bucket/1"), "{refusal}");
    }

    #[test]
    fn failures_are_sorted_by_what_to_do_about_them() {
        let of = |status: u16, body: &str| sort(StatusCode::from_u16(status).unwrap(), None, body.as_bytes());
        let json = r#"{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"no such run"}"#;
        assert!(matches!(of(404, json), CallError::Missing { .. }));
        assert!(matches!(of(404, "<html>Not Found</html>"), CallError::Other { .. }));
        assert!(matches!(of(400, "{}"), CallError::Refused { .. }));
        assert!(matches!(of(413, "too big"), CallError::Refused { .. }));
        for status in [408, 429, 500, 502, 503, 504] {
            assert!(matches!(of(status, "<h1>oops</h1>"), CallError::Retry { .. }), "{status}");
        }
        let denied = of(401, "You are not authenticated.");
        assert!(matches!(denied, CallError::Denied { .. }));
        assert!(denied.reason().contains("MLFLOW_TRACKING_USERNAME"));
        assert_eq!(
            of(500, "<html><h1>Internal\nServer Error</h1></html>").reason(),
            "status 500 Internal Server Error: Internal Server Error"
        );
    }

    #[test]
    fn a_certificate_file_that_is_none_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "no certificate").unwrap();
        let mut options = RemoteOptions::new("https://h").unwrap();
        options.server_cert_path = Some(file.path().to_owned());
        let message = Server::new(options.clone()).unwrap_err().to_string();
        assert!(message.contains("MLFLOW_TRACKING_SERVER_CERT_PATH"), "{message}");
        options.server_cert_path = None;
        options.client_cert_path = Some("/nowhere/me.pem".into());
        let message = Server::new(options).unwrap_err().to_string();
        assert!(message.contains("/nowhere/me.pem"), "{message}");
    }
}
