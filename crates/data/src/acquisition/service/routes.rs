//! What the service answers.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{DefaultBodyLimit, MatchedPath, Path, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;

use super::job::Task;
use super::jobs::NotAdded;
use super::{Shared, copy};
use crate::acquisition::messages::{AcquisitionRequest, CopyRequest, JobStatus, Refusal};

/// Most bytes of a request; ours are a few hundred.
const MAX_REQUEST: usize = 64 * 1024;

type Reply<T> = Result<Json<T>, Refused>;

pub(super) fn router(shared: Arc<Shared>) -> Router {
    let guarded = Router::new()
        .route("/metrics", get(metrics))
        .route("/v1/acquisition", post(acquire))
        .route("/v1/copy", post(copy_folder))
        .route("/v1/acquisition/jobs", get(list))
        .route("/v1/acquisition/jobs/{uuid}", get(job).delete(cancel))
        .route_layer(middleware::from_fn_with_state(shared.clone(), authorize));
    Router::new()
        .route("/health", get(|| async { Json(json!({ "status": "ok" })) }))
        .merge(guarded)
        .route_layer(middleware::from_fn_with_state(shared.clone(), measure))
        .layer(DefaultBodyLimit::max(MAX_REQUEST))
        .with_state(shared)
}

/// A status and why.
struct Refused(StatusCode, Refusal);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.0, Json(self.1)).into_response()
    }
}

fn refused(status: StatusCode, detail: impl Into<String>) -> Refused {
    Refused(status, Refusal { detail: detail.into(), job_uuid: None })
}

async fn authorize(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let Some(token) = &shared.token else { return next.run(request).await };
    let given = request.headers().get(header::AUTHORIZATION).map(header::HeaderValue::as_bytes);
    if given.is_some_and(|given| equal(given, format!("Bearer {token}").as_bytes())) {
        return next.run(request).await;
    }
    let challenge = [(header::WWW_AUTHENTICATE, "Bearer")];
    (challenge, refused(StatusCode::UNAUTHORIZED, "this service wants its token as `Authorization: Bearer`"))
        .into_response()
}

/// Compares all bytes whatever they are, so that the time tells nothing about a token.
fn equal(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |differing, (a, b)| differing | (a ^ b)) == 0
}

async fn measure(State(shared): State<Arc<Shared>>, path: MatchedPath, request: Request, next: Next) -> Response {
    let (start, method) = (Instant::now(), request.method().to_string());
    let response = next.run(request).await;
    shared.metrics.request(&method, path.as_str(), response.status().as_u16(), start.elapsed());
    response
}

async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")];
    (kind, shared.metrics.text()).into_response()
}

async fn acquire(State(shared): State<Arc<Shared>>, Json(request): Json<AcquisitionRequest>) -> Reply<JobStatus> {
    let AcquisitionRequest { dataset_id } = request;
    if shared.acquire.folder(&dataset_id).is_none() {
        return Err(refused(StatusCode::NOT_FOUND, format!("unknown dataset `{dataset_id}`")));
    }
    add(&shared, Task::Fetch { dataset_id }).await
}

async fn copy_folder(State(shared): State<Arc<Shared>>, Json(request): Json<CopyRequest>) -> Reply<JobStatus> {
    let CopyRequest { source_dataset_id, source_directory, destination_directory } = request;
    let within = |path: &str| {
        copy::inside(path, &shared.volume)
            .ok_or_else(|| refused(StatusCode::BAD_REQUEST, format!("`{path}` is not a place inside of the volume")))
    };
    let source = match (&source_dataset_id, &source_directory) {
        (_, Some(folder)) => within(folder)?,
        (Some(id), None) => shared
            .acquire
            .folder(id)
            .ok_or_else(|| refused(StatusCode::NOT_FOUND, format!("unknown dataset `{id}`")))?,
        (None, None) => return Err(refused(StatusCode::NOT_FOUND, "name a source_dataset_id or a source_directory")),
    };
    let destination = within(&destination_directory)?;
    add(&shared, Task::Copy { dataset_id: source_dataset_id, source, destination }).await
}

/// The database is written to, which may wait for the disk.
async fn add(shared: &Arc<Shared>, task: Task) -> Reply<JobStatus> {
    let jobs = shared.jobs.clone();
    let added = tokio::task::spawn_blocking(move || jobs.add(task)).await;
    match added.map_err(|error| refused(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))? {
        Ok(status) => Ok(Json(status)),
        Err(NotAdded::Active(uuid)) => {
            let detail = format!("job {uuid} is already at it");
            Err(Refused(StatusCode::CONFLICT, Refusal { detail, job_uuid: Some(uuid) }))
        }
        Err(NotAdded::TooMany) => Err(refused(StatusCode::SERVICE_UNAVAILABLE, "too many jobs wait already")),
        Err(NotAdded::Unsaved(reason)) => {
            Err(refused(StatusCode::INTERNAL_SERVER_ERROR, format!("the job cannot be written down: {reason}")))
        }
    }
}

async fn list(State(shared): State<Arc<Shared>>) -> Json<Vec<JobStatus>> {
    Json(shared.jobs.list())
}

async fn job(State(shared): State<Arc<Shared>>, Path(uuid): Path<String>) -> Reply<JobStatus> {
    shared.jobs.get(&uuid).map(Json).ok_or_else(|| refused(StatusCode::NOT_FOUND, format!("unknown job `{uuid}`")))
}

async fn cancel(State(shared): State<Arc<Shared>>, Path(uuid): Path<String>) -> Reply<JobStatus> {
    let jobs = shared.jobs.clone();
    let wanted = uuid.clone();
    let cancelled = tokio::task::spawn_blocking(move || jobs.cancel(&wanted)).await;
    cancelled
        .map_err(|error| refused(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?
        .map(Json)
        .ok_or_else(|| refused(StatusCode::NOT_FOUND, format!("unknown job `{uuid}`")))
}
