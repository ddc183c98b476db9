//! A server: how to reach it, and who gets to know who we are.
//!
//! The server names other addresses (of artifacts, of parts of an upload), and may be wrong or worse. So there are two ways
//! to ask: the tracking server itself, by its scheme, host and port, gets our credentials, and the TLS settings are about it;
//! whoever else gets neither, and is verified as anybody on the internet. No redirect is followed.

use std::sync::{OnceLock, atomic::AtomicBool};
use std::time::Duration;

use reqwest::{
    Method, Url,
    blocking::{Client, ClientBuilder, RequestBuilder},
    redirect::Policy,
};

use super::{
    options::{Credentials, RemoteOptions},
    reply::{CallError, chain},
    tls,
};
use crate::Error;

/// uvicorn closes idle connections after 5 s; ours must be gone before.
const POOL_IDLE: Duration = Duration::from_secs(4);

/// A server: its options and a pool of connections to it.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) options: RemoteOptions,
    base: Url,
    own: Client,
    /// Made when it is needed: a machine without certificate authorities must not fail to start.
    others: OnceLock<Result<Client, String>>,
    /// The server has said that it takes no uploads in parts.
    pub(crate) no_multipart: AtomicBool,
}

impl Server {
    pub(crate) fn new(options: RemoteOptions) -> Result<Self, Error> {
        let base = Url::parse(options.uri())
            .map_err(|error| Error::Server { uri: options.uri().to_owned(), reason: error.to_string() })?;
        // An error means that a provider is installed already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let own = with_tls(builder(&options), &options, &base)?.build().map_err(|error| Error::Server {
            uri: options.uri().to_owned(),
            reason: format!("cannot set up the connection: {}", chain(&error)),
        })?;
        Ok(Self { options, base, own, others: OnceLock::new(), no_multipart: AtomicBool::new(false) })
    }

    pub(super) fn base(&self) -> &Url {
        &self.base
    }

    /// Whether an address is of the tracking server itself: same scheme, host and port.
    pub(super) fn is_own(&self, url: &Url) -> bool {
        url.origin() == self.base.origin()
    }

    /// A request that says who we are, if it is to the tracking server itself.
    pub(super) fn request(&self, method: Method, url: Url) -> Result<RequestBuilder, CallError> {
        let own = self.is_own(&url);
        let request = self.anonymous(method, url)?;
        Ok(match &self.options.credentials {
            Credentials::Basic { username, password } if own => request.basic_auth(username, Some(password)),
            Credentials::Bearer(token) if own => request.bearer_auth(token),
            _ => request,
        })
    }

    /// A request that says nothing of us.
    pub(super) fn anonymous(&self, method: Method, url: Url) -> Result<RequestBuilder, CallError> {
        if self.is_own(&url) {
            return Ok(self.own.request(method, url));
        }
        let others = self.others.get_or_init(|| for_others(&self.options));
        match others {
            Ok(client) => Ok(client.request(method, url)),
            // Until a person has done something about it.
            Err(reason) => Err(CallError::Denied { reason: reason.clone() }),
        }
    }
}

fn builder(options: &RemoteOptions) -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("dodge-tracking/", env!("CARGO_PKG_VERSION")))
        .pool_idle_timeout(POOL_IDLE)
        .connect_timeout(options.start_timeout.min(Duration::from_secs(10)))
        // Of each read, where a request does not say how long the whole may take.
        .timeout(options.request_timeout)
        .redirect(Policy::none())
}

fn with_tls(builder: ClientBuilder, options: &RemoteOptions, base: &Url) -> Result<ClientBuilder, Error> {
    if base.scheme() == "http" {
        // No certificate is ever looked at, and a machine without any must not fail to start.
        return Ok(builder.tls_certs_only([]));
    }
    if let Some(path) = &options.server_cert_path {
        return Ok(builder.tls_backend_preconfigured(tls::trusting(path, options.client_cert_path.as_deref())?));
    }
    let mut builder = builder;
    if options.insecure_tls {
        builder = builder.tls_danger_accept_invalid_certs(true);
    }
    if let Some(path) = &options.client_cert_path {
        builder = builder.identity(tls::identity(path)?);
    }
    Ok(builder)
}

/// The connections to other hosts: the system's certificate authorities, and those that the user trusts.
fn for_others(options: &RemoteOptions) -> Result<Client, String> {
    let mut builder = builder(options);
    if let Some(path) = &options.server_cert_path {
        let named = tls::certificates(path).map_err(|error| error.to_string())?;
        let named: Result<Vec<_>, _> = named.iter().map(|der| reqwest::Certificate::from_der(der)).collect();
        builder = builder.tls_certs_merge(named.map_err(|error| chain(&error))?);
    }
    builder.build().map_err(|error| format!("cannot set up connections to other hosts: {}", chain(&error)))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn only_the_same_scheme_host_and_port_are_the_server_itself() {
        let own = |base: &str, other: &str| {
            let mut options = RemoteOptions::new(base).unwrap();
            options.insecure_tls = true; // a machine without certificate authorities runs this, too
            Server::new(options).unwrap().is_own(&Url::parse(other).unwrap())
        };
        assert!(own("http://h:5000/prefix", "http://h:5000/elsewhere?x"));
        assert!(own("https://h", "https://H:443/x"));
        for other in
            ["http://h:5001/", "https://h:5000/", "http://h.evil:5000/", "http://h@evil:5000/", "http://[::1]/"]
        {
            assert!(!own("http://h:5000", other), "{other}");
        }
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
