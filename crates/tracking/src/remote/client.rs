//! Calls of an MLflow server.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{Read, Write},
    path::Path,
    sync::Arc,
    time::Duration,
};

use reqwest::{
    Method, Url,
    blocking::{Body, RequestBuilder, Response},
    header::{CONTENT_TYPE, ETAG, LOCATION, RETRY_AFTER},
};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    options::redact,
    reply::{CallError, chain, json, shown, sort, unanswered},
    server::Server,
};

/// Longest reply that is read. Replies to our calls are a few kilobytes.
const MAX_REPLY: u64 = 16 << 20;
/// How much is read of what a server says beside a refusal; the message of a batch names each of its items.
const MAX_REFUSAL: u64 = 1 << 20;
/// Longest wait that a `Retry-After` header can ask for.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(120);
/// The slowest upload that is waited for, in bytes per second.
const SLOWEST_UPLOAD: u64 = 256 << 10;
/// Files up to this length are sent from memory; a longer one is read while it is sent.
const SMALL_FILE: u64 = 1 << 20;

/// A view of a [`Server`] with a time limit per call.
#[derive(Debug, Clone)]
pub(crate) struct RestClient {
    server: Arc<Server>,
    pub(crate) timeout: Duration,
}

impl RestClient {
    pub(crate) fn new(server: Arc<Server>, timeout: Duration) -> Self {
        Self { server, timeout }
    }

    /// The same with the patience of a first contact.
    pub(crate) fn quick(&self) -> Self {
        Self { server: Arc::clone(&self.server), timeout: self.timeout.min(self.server.options.start_timeout) }
    }

    /// `GET api/2.0/mlflow/<call>` with a query.
    pub(crate) fn get<T: DeserializeOwned>(&self, call: &str, query: &[(&str, &str)]) -> Result<T, CallError> {
        let mut url = self.api(call);
        url.query_pairs_mut().extend_pairs(query);
        json(&self.send(self.server.request(Method::GET, url)?, self.timeout)?)
    }

    /// `POST api/2.0/mlflow/<call>` with a JSON body.
    pub(crate) fn post<T: DeserializeOwned>(&self, call: &str, body: &impl Serialize) -> Result<T, CallError> {
        self.send_json(Method::POST, self.api(call), body)
    }

    /// `PATCH api/2.0/mlflow/<call>` with a JSON body.
    pub(crate) fn patch<T: DeserializeOwned>(&self, call: &str, body: &impl Serialize) -> Result<T, CallError> {
        self.send_json(Method::PATCH, self.api(call), body)
    }

    /// `POST` with a JSON body to any address that the server named.
    pub(super) fn post_to<T: DeserializeOwned>(&self, url: Url, body: &impl Serialize) -> Result<T, CallError> {
        self.send_json(Method::POST, url, body)
    }

    /// Uncompressed and with its length: the server refuses chunked and gzip bodies.
    fn send_json<T: DeserializeOwned>(&self, method: Method, url: Url, body: &impl Serialize) -> Result<T, CallError> {
        let bytes = serde_json::to_vec(body)
            .map_err(|error| CallError::Other { reason: format!("cannot write the request: {error}") })?;
        let request = self.server.request(method, url)?.header(CONTENT_TYPE, "application/json").body(bytes);
        json(&self.send(request, self.timeout)?)
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
        let request = self.server.request(Method::PUT, url)?;
        self.send(request.header(CONTENT_TYPE, "application/octet-stream").body(body), timeout).map(drop)
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
        let mut request = self.server.anonymous(Method::PUT, url)?.body(part).timeout(timeout);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let response = request.send().map_err(unanswered)?;
        let status = response.status();
        let tag = response.headers().get(ETAG).and_then(|tag| tag.to_str().ok()).map(str::to_owned);
        if !status.is_success() {
            return Err(match self.refusal(response) {
                // The address is signed for a while only; the next attempt gets another.
                CallError::Other { reason } if matches!(status.as_u16(), 401 | 403) => {
                    CallError::Retry { reason, after: None }
                }
                error => error,
            });
        }
        tag.ok_or_else(|| CallError::Other { reason: "the storage behind the server names no ETag".to_owned() })
    }

    /// Writes what is at `url` to `to`.
    pub(crate) fn download(&self, url: Url, to: &mut dyn Write) -> Result<(), CallError> {
        // No limit for the whole: a file may take long. What must not is that nothing comes, which the pool sees to.
        let mut response = self.server.request(Method::GET, url)?.send().map_err(unanswered)?;
        if !response.status().is_success() {
            return Err(self.refusal(response));
        }
        response.copy_to(&mut Through(to)).map_err(unanswered)?;
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
        let not_served = || {
            let place = redact(artifact_uri);
            format!("the server keeps artifacts in {place}, which only direct access reaches")
        };
        let rest = artifact_uri.strip_prefix("mlflow-artifacts:").ok_or_else(not_served)?;
        let (mut url, root) = match rest.strip_prefix("//") {
            None | Some("") => (self.server.base().clone(), rest),
            Some(authority_and_path) => {
                let (authority, root) = authority_and_path.split_once('/').ok_or_else(not_served)?;
                let url = if authority.is_empty() {
                    self.server.base().clone()
                } else {
                    Url::parse(&format!("{}://{authority}", self.server.base().scheme()))
                        .ok()
                        .filter(|url| url.username().is_empty() && url.password().is_none())
                        .ok_or_else(not_served)?
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
        let mut url = self.server.base().clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["api", "2.0", "mlflow"]).extend(call.split('/'));
        }
        url
    }

    fn send(&self, request: RequestBuilder, timeout: Duration) -> Result<Vec<u8>, CallError> {
        let response = request.timeout(timeout).send().map_err(unanswered)?;
        if !response.status().is_success() {
            return Err(self.refusal(response));
        }
        let mut body = Vec::new();
        response
            .take(MAX_REPLY + 1)
            .read_to_end(&mut body)
            .map_err(|error| CallError::Retry { reason: chain(&error), after: None })?;
        if body.len() as u64 > MAX_REPLY {
            return Err(CallError::Other { reason: "the reply is longer than 16 MiB".to_owned() });
        }
        Ok(body)
    }

    /// What a reply that is no success means.
    fn refusal(&self, response: Response) -> CallError {
        let (status, url) = (response.status(), response.url().clone());
        let after = self.retry_after(&response);
        let location = response.headers().get(LOCATION).and_then(|location| location.to_str().ok());
        let location = location.and_then(|location| url.join(location).ok());
        let mut body = Vec::new();
        // What is said beside the status is a help, no more.
        let _ = response.take(MAX_REFUSAL).read_to_end(&mut body);
        match sort(status, after, &body) {
            CallError::Other { mut reason } => {
                if let Some(location) = location {
                    reason += &format!(", redirecting to {}", shown(&location));
                }
                CallError::Other { reason }
            }
            // To wait for other credentials helps nobody: they would not be sent there either.
            CallError::Denied { .. } if !self.server.is_own(&url) => {
                let (place, own) = (shown(&url), self.uri());
                let reason =
                    format!("{place} answers {status}: credentials are for {own} alone and are sent nowhere else");
                CallError::Other { reason }
            }
            error => error,
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RemoteOptions;

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
        let refusal = client.artifact_url("mlflow-artifacts://ann:secret@h/1/r/artifacts", "x").unwrap_err();
        assert!(!refusal.contains("secret"), "{refusal}");
        let refusal = client.artifact_url("s3://bucket/1", "x").unwrap_err();
        assert!(refusal.contains("s3://bucket/1"), "{refusal}");
    }
}
