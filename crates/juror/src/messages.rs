//! What service and client say to each other, as the service of the predecessor does; `/v1/score/batch` is new.

use serde::{Deserialize, Serialize};

/// `POST /v1/score`: a picture file in base64.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Encoded {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) filename: Option<String>,
    pub(crate) b64: String,
}

/// The answer of `/v1/score` and `/v1/score/ndarray`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Scored {
    pub(crate) filename: Option<String>,
    pub(crate) score: f64,
    pub(crate) message: String,
}

impl Scored {
    pub(crate) fn new(filename: Option<String>, score: f64) -> Self {
        Self { filename, score, message: "Scoring successful".into() }
    }
}

/// The answer of `/v1/score/batch`: scores in the order of the arrays.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct BatchScores {
    pub(crate) scores: Vec<f64>,
}

/// `GET /health`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Health {
    pub(crate) status: String,
    pub(crate) juror_loaded: bool,
    /// Name and version of the juror; the predecessor does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) juror: Option<String>,
}

/// Why a request was refused.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Refusal {
    pub(crate) detail: String,
}
