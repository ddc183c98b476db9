//! How to reach an MLflow server.

use std::{fmt, path::PathBuf, time::Duration};

use reqwest::Url;

use crate::Error;

/// The environment variables of MLflow's Python client that count here, too.
const VARIABLES: [&str; 11] = [
    "MLFLOW_TRACKING_USERNAME",
    "MLFLOW_TRACKING_PASSWORD",
    "MLFLOW_TRACKING_TOKEN",
    "MLFLOW_TRACKING_INSECURE_TLS",
    "MLFLOW_TRACKING_SERVER_CERT_PATH",
    "MLFLOW_TRACKING_CLIENT_CERT_PATH",
    "MLFLOW_HTTP_REQUEST_TIMEOUT",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR",
    "MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE",
    "MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE",
];

/// The address of an MLflow server and how to talk to it.
///
/// `Debug` shows no password and no token.
#[derive(Clone, PartialEq)]
pub struct RemoteOptions {
    uri: String,
    /// Who we are to the server.
    pub credentials: Credentials,
    /// Accept any TLS certificate (`MLFLOW_TRACKING_INSECURE_TLS`). Default: off.
    pub insecure_tls: bool,
    /// A PEM file of certificates to trust instead of the system's: of authorities, or of the server itself, self-signed or
    /// not (`MLFLOW_TRACKING_SERVER_CERT_PATH`).
    pub server_cert_path: Option<PathBuf>,
    /// A PEM file with a client certificate and its key (`MLFLOW_TRACKING_CLIENT_CERT_PATH`).
    pub client_cert_path: Option<PathBuf>,
    /// Time limit of one request (`MLFLOW_HTTP_REQUEST_TIMEOUT`, seconds). Default: 120 s.
    pub request_timeout: Duration,
    /// Time limit of the first contact when a run starts; after it the run goes on with the spool
    /// alone. Default: 10 s.
    pub start_timeout: Duration,
    /// How many times in a row [`Tracking::sync`](crate::Tracking::sync) retries before it leaves
    /// the rest for later (`MLFLOW_HTTP_REQUEST_MAX_RETRIES`). Default: 7. A live run retries for
    /// as long as it runs.
    pub max_retries: u32,
    /// The wait before the second retry, in seconds, doubling from then on up to 30 s
    /// (`MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR`). Default: 2.
    pub backoff_factor: f64,
    /// Wait as long as a `Retry-After` header of the server asks for, at most 120 s
    /// (`MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER`). Default: on.
    pub respect_retry_after: bool,
    /// Files of at least this many bytes are uploaded in parts, where the server can do that
    /// (`MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE`). Default: 500 MiB.
    pub multipart_from: u64,
    /// The length of such a part, in bytes (`MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE`). Default: 10 MiB.
    pub multipart_chunk: u64,
}

/// Who we are to a tracking server.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Credentials {
    /// Nobody in particular.
    #[default]
    None,
    /// A user name and a password (HTTP Basic).
    Basic {
        /// The user name.
        username: String,
        /// The password.
        password: String,
    },
    /// A bearer token.
    Bearer(String),
}

impl RemoteOptions {
    /// Options with the default time limits for the server at `uri`, for example
    /// `http://127.0.0.1:5000` or `https://host/some/prefix`. A path is kept as prefix;
    /// `user:password@` is moved into the credentials.
    ///
    /// # Errors
    /// [`Error::Destination`] if `uri` is no http(s) address.
    pub fn new(uri: &str) -> Result<Self, Error> {
        let bad = |reason: &str| Error::Destination { text: redact(uri), reason: reason.to_owned() };
        let mut url = Url::parse(uri.trim()).map_err(|_| bad("is no known word and no address"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(bad("is not an http or https address"));
        }
        if uri.len() > 2000 {
            return Err(bad("is longer than 2000 bytes"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(bad("has a `?` or `#` part, which a server address cannot have"));
        }
        let credentials = match (url.username(), url.password()) {
            ("", None) => Credentials::None,
            (username, password) => Credentials::Basic {
                username: percent_decode(username),
                password: percent_decode(password.unwrap_or_default()),
            },
        };
        // Both fail only for addresses without a host, which http(s) addresses always have.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        Ok(Self {
            uri: url.as_str().trim_end_matches('/').to_owned(),
            credentials,
            insecure_tls: false,
            server_cert_path: None,
            client_cert_path: None,
            request_timeout: Duration::from_secs(120),
            start_timeout: Duration::from_secs(10),
            max_retries: 7,
            backoff_factor: 2.0,
            respect_retry_after: true,
            multipart_from: 500 << 20,
            multipart_chunk: 10 << 20,
        })
    }

    /// Options for the server at `uri`, the rest from the environment variables of MLflow's Python
    /// client: `MLFLOW_TRACKING_USERNAME` and `_PASSWORD` (both, else `_TOKEN`), `_INSECURE_TLS`,
    /// `_SERVER_CERT_PATH`, `_CLIENT_CERT_PATH`; `MLFLOW_HTTP_REQUEST_TIMEOUT`, `_MAX_RETRIES`,
    /// `_BACKOFF_FACTOR`; `MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER`;
    /// `MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE`, `_CHUNK_SIZE`. An empty variable counts as unset.
    ///
    /// # Errors
    /// As [`RemoteOptions::new`], and [`Error::Option`] naming a variable that cannot be parsed.
    pub fn from_env(uri: &str) -> Result<Self, Error> {
        let lookup = |name: &str| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
        for name in VARIABLES {
            // Read as nothing it would silently be a server that anybody can stand in for, or nobody's run.
            if std::env::var_os(name).is_some_and(|value| value.to_str().is_none()) {
                let reason = "is not valid UTF-8: change it, or the name of the file that it names".to_owned();
                return Err(Error::Option { name: name.to_owned(), reason });
            }
        }
        Self::from_lookup(uri, &lookup)
    }

    /// [`RemoteOptions::from_env`] with the environment handed in.
    ///
    /// # Errors
    /// As [`RemoteOptions::from_env`].
    pub fn from_lookup(uri: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let set = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let mut options = Self::new(uri)?;
        let username = set("MLFLOW_TRACKING_USERNAME");
        let password = set("MLFLOW_TRACKING_PASSWORD");
        if let (Some(username), Some(password)) = (username, password) {
            options.credentials = Credentials::Basic { username, password };
        } else if let Some(token) = set("MLFLOW_TRACKING_TOKEN") {
            options.credentials = Credentials::Bearer(token);
        }
        let flag = |name: &str, default: bool| match set(name) {
            None => Ok(default),
            Some(text) => parse_flag(name, &text),
        };
        options.insecure_tls = flag("MLFLOW_TRACKING_INSECURE_TLS", options.insecure_tls)?;
        options.respect_retry_after = flag("MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER", options.respect_retry_after)?;
        options.server_cert_path = set("MLFLOW_TRACKING_SERVER_CERT_PATH").map(PathBuf::from);
        options.client_cert_path = set("MLFLOW_TRACKING_CLIENT_CERT_PATH").map(PathBuf::from);
        if options.insecure_tls && options.server_cert_path.is_some() {
            return Err(Error::Option {
                name: "MLFLOW_TRACKING_INSECURE_TLS".to_owned(),
                reason: "and MLFLOW_TRACKING_SERVER_CERT_PATH exclude each other: set one of them".to_owned(),
            });
        }
        if let Some(seconds) = number(&set, "MLFLOW_HTTP_REQUEST_TIMEOUT", 1.0, 86_400.0)? {
            options.request_timeout = Duration::from_secs_f64(seconds);
        }
        if let Some(factor) = number(&set, "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", 0.0, 3600.0)? {
            options.backoff_factor = factor;
        }
        let bytes = |name: &str, default: u64, least: u64| match set(name) {
            None => Ok(default),
            Some(text) => text.trim().parse().ok().filter(|bytes| *bytes >= least).ok_or_else(|| Error::Option {
                name: name.to_owned(),
                reason: format!("is `{text}`: expected a whole number of bytes, {least} or more"),
            }),
        };
        options.multipart_from = bytes("MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE", options.multipart_from, 1)?;
        // What S3 takes at least.
        options.multipart_chunk = bytes("MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE", options.multipart_chunk, 5 << 20)?;
        const RETRIES: &str = "MLFLOW_HTTP_REQUEST_MAX_RETRIES";
        if let Some(text) = set(RETRIES) {
            options.max_retries = text.trim().parse().map_err(|_| Error::Option {
                name: RETRIES.to_owned(),
                reason: format!("is `{text}`: expected a whole number, 0 or more"),
            })?;
        }
        Ok(options)
    }

    /// The address of the server, without credentials and without a trailing `/`.
    pub fn uri(&self) -> &str {
        &self.uri
    }
}

impl fmt::Debug for RemoteOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteOptions")
            .field("uri", &self.uri)
            .field("credentials", &self.credentials)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Basic { username, .. } => write!(f, "Basic({username}, ***)"),
            Self::Bearer(_) => f.write_str("Bearer(***)"),
        }
    }
}

pub(crate) fn parse_flag(name: &str, text: &str) -> Result<bool, Error> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(Error::Option { name: name.to_owned(), reason: format!("is `{text}`: expected `true` or `false`") }),
    }
}

pub(crate) fn number(
    set: &dyn Fn(&str) -> Option<String>,
    name: &str,
    low: f64,
    high: f64,
) -> Result<Option<f64>, Error> {
    let Some(text) = set(name) else {
        return Ok(None);
    };
    match text.trim().parse::<f64>() {
        Ok(value) if (low..=high).contains(&value) => Ok(Some(value)),
        _ => Err(Error::Option {
            name: name.to_owned(),
            reason: format!("is `{text}`: expected a number from {low} to {high}"),
        }),
    }
}

/// An address as typed, without what may be secret in it: whatever stands before an `@` or behind a `?` or `#`.
pub(super) fn redact(uri: &str) -> String {
    let (place, hidden) = match uri.find(['?', '#']) {
        Some(end) => (&uri[..end], "?***"),
        None => (uri, ""),
    };
    let (scheme, rest) = match place.find("://") {
        Some(at) => place.split_at(at + 3),
        None => ("", place),
    };
    match rest.rfind('@') {
        Some(at) => format!("{scheme}***{}{hidden}", &rest[at..]),
        None => format!("{place}{hidden}"),
    }
}

fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let hex = bytes
            .get(i + 1..i + 3)
            .and_then(|pair| std::str::from_utf8(pair).ok())
            .and_then(|pair| u8::from_str_radix(pair, 16).ok());
        match (bytes[i], hex) {
            (b'%', Some(byte)) => {
                decoded.push(byte);
                i += 3;
            }
            (byte, _) => {
                decoded.push(byte);
                i += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_pairs(pairs: &[(&str, &str)]) -> Result<RemoteOptions, Error> {
        RemoteOptions::from_lookup("http://h:1", &|name| {
            let found = pairs.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn every_variable_is_honoured() {
        let options = from_pairs(&[
            ("MLFLOW_TRACKING_USERNAME", "ann"),
            ("MLFLOW_TRACKING_PASSWORD", "secret"),
            ("MLFLOW_TRACKING_TOKEN", "unused"),
            ("MLFLOW_TRACKING_SERVER_CERT_PATH", "ca.pem"),
            ("MLFLOW_TRACKING_CLIENT_CERT_PATH", "me.pem"),
            ("MLFLOW_HTTP_REQUEST_TIMEOUT", "3.5"),
            ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2"),
            ("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "0.5"),
            ("MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER", "False"),
            ("MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE", "20000000"),
            ("MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE", "6000000"),
        ])
        .unwrap();
        assert_eq!(
            options.credentials,
            Credentials::Basic { username: "ann".to_owned(), password: "secret".to_owned() }
        );
        assert_eq!(options.server_cert_path, Some(PathBuf::from("ca.pem")));
        assert_eq!(options.client_cert_path, Some(PathBuf::from("me.pem")));
        assert_eq!(options.request_timeout, Duration::from_millis(3500));
        assert_eq!(options.max_retries, 2);
        assert_eq!(options.backoff_factor, 0.5);
        assert!(!options.respect_retry_after);
        assert_eq!((options.multipart_from, options.multipart_chunk), (20_000_000, 6_000_000));
        assert!(from_pairs(&[("MLFLOW_TRACKING_INSECURE_TLS", "true")]).unwrap().insecure_tls);
    }

    #[test]
    fn a_user_name_without_password_leaves_the_token() {
        let options = from_pairs(&[
            ("MLFLOW_TRACKING_USERNAME", "ann"),
            ("MLFLOW_TRACKING_PASSWORD", ""),
            ("MLFLOW_TRACKING_TOKEN", "t"),
        ])
        .unwrap();
        assert_eq!(options.credentials, Credentials::Bearer("t".to_owned()));
    }

    #[test]
    fn bad_values_name_the_variable() {
        for (name, value) in [
            ("MLFLOW_TRACKING_INSECURE_TLS", "maybe"),
            ("MLFLOW_HTTP_REQUEST_TIMEOUT", "soon"),
            ("MLFLOW_HTTP_REQUEST_TIMEOUT", "NaN"),
            ("MLFLOW_HTTP_REQUEST_TIMEOUT", "-1"),
            ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1.5"),
            ("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "inf"),
            ("MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE", "0"),
            ("MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE", "1000"),
        ] {
            let message = from_pairs(&[(name, value)]).unwrap_err().to_string();
            assert!(message.starts_with(name) && message.contains(value), "{message}");
        }
        assert!(
            from_pairs(&[("MLFLOW_TRACKING_INSECURE_TLS", "1"), ("MLFLOW_TRACKING_SERVER_CERT_PATH", "x")]).is_err()
        );
    }

    #[test]
    fn credentials_in_the_address_are_taken_out_of_it_and_never_shown() {
        let options = RemoteOptions::new("https://ann:s%40cret@host/prefix/").unwrap();
        assert_eq!(options.uri(), "https://host/prefix");
        assert_eq!(
            options.credentials,
            Credentials::Basic { username: "ann".to_owned(), password: "s@cret".to_owned() }
        );
        assert!(!format!("{options:?}").contains("cret"));
        for typed in [
            "ftp://ann:secret@host",
            "ann:secret@host",
            "https://ann:secret@host/?x",
            "https://host/?token=secret",
            "https://host/#secret",
            "https://ann:secret@ho st",
        ] {
            let message = RemoteOptions::new(typed).unwrap_err().to_string();
            assert!(!message.contains("secret") && message.contains("ho"), "{message}");
        }
    }
}
