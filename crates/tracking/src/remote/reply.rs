//! What a server says, its failures sorted by what to do about them.

use std::time::Duration;

use reqwest::{StatusCode, Url};
use serde::de::DeserializeOwned;

use crate::delivery::SinkError;

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

    /// Whether a row that the call would have written is there already.
    pub(crate) fn is_race(&self) -> bool {
        matches!(self, Self::Retry { reason, .. } if is_race(reason))
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

pub(super) fn sort(status: StatusCode, after: Option<Duration>, body: &[u8]) -> CallError {
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
        400 if is_race(&text) => CallError::Retry { reason, after },
        400 | 413 => CallError::Refused { code, reason },
        404 if is_json => CallError::Missing { reason },
        408 | 409 | 425 | 429 | 500 | 502 | 503 | 504 => CallError::Retry { reason, after },
        _ => CallError::Other { reason: format!("{reason} (is it an MLflow server?)") },
    }
}

/// Whether two requests wrote the same row at the same time, such as the same dataset of two runs, or a request and its
/// repetition: MLflow then answers with the message of its database, and finds the row when it is asked again.
fn is_race(text: &str) -> bool {
    // SQLite; PostgreSQL; MySQL.
    ["UNIQUE constraint failed", "duplicate key value violates unique", "Duplicate entry"]
        .iter()
        .any(|message| text.contains(message))
}

pub(super) fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, CallError> {
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
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line = format!("{line}: {error}");
        cause = error.source();
    }
    // Of an address that has run out or is another's no setting makes a good one.
    if line.contains("invalid peer certificate: UnknownIssuer") || line.contains("CaUsedAsEndEntity") {
        line += " (MLFLOW_TRACKING_SERVER_CERT_PATH names the certificate to trust, or its authority)";
    }
    line
}

/// The place that an address names, without what may be secret in it: user, password, and the signature in a query.
pub(super) fn shown(url: &Url) -> String {
    format!("{}{}", url.origin().ascii_serialization(), url.path())
}

/// A request that got no answer.
pub(super) fn unanswered(error: reqwest::Error) -> CallError {
    let place = error.url().map(shown).unwrap_or_default();
    let to_nowhere = error.is_builder();
    let reason = format!("{place}: {}", chain(&error.without_url()));
    // What cannot even be asked is not asked again.
    if to_nowhere { CallError::Other { reason } } else { CallError::Retry { reason, after: None } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_sorted_by_what_to_do_about_them() {
        let of = |status: u16, body: &str| sort(StatusCode::from_u16(status).unwrap(), None, body.as_bytes());
        let json = r#"{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"no such run"}"#;
        assert!(matches!(of(404, json), CallError::Missing { .. }));
        assert!(matches!(of(404, "<html>Not Found</html>"), CallError::Other { .. }));
        assert!(matches!(of(400, "{}"), CallError::Refused { .. }));
        assert!(matches!(of(413, "too big"), CallError::Refused { .. }));
        let race = r#"{"error_code":"BAD_REQUEST","message":"(sqlite3.IntegrityError) UNIQUE constraint failed: datasets.name"}"#;
        assert!(matches!(of(400, race), CallError::Retry { .. }), "the row is there when it is asked again");
        assert!(of(400, race).is_race() && !of(503, "<h1>oops</h1>").is_race() && !of(400, "{}").is_race());
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
    fn a_signed_address_is_shown_without_its_signature() {
        let url = Url::parse("https://ann:secret@s3.example:444/bucket/file?X-Amz-Signature=secret#secret").unwrap();
        assert_eq!(shown(&url), "https://s3.example:444/bucket/file");
    }
}
