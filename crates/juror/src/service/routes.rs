//! What the service answers.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::multipart::Field;
use axum::extract::{DefaultBodyLimit, FromRequest, MatchedPath, Multipart, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use dodge_imaging::{Photo, PictureHeader};
use tokio::task::spawn_blocking;

use super::Shared;
use crate::messages::{BatchScores, Encoded, Health, Refusal, Scored};
use crate::npy::{self, NotRead};

/// The field of a form that holds an array.
const ARRAY: &str = "array_file";

type Reply<T> = Result<Json<T>, Refused>;

pub(super) fn router(shared: Arc<Shared>) -> Router {
    let judging = Router::new()
        .route("/v1/score", post(encoded))
        .route("/v1/score/ndarray", post(array))
        .route("/v1/score/batch", post(batch))
        .route_layer(middleware::from_fn_with_state(shared.clone(), admit));
    let guarded = Router::new()
        .route("/metrics", get(metrics))
        .merge(judging)
        .route_layer(middleware::from_fn_with_state(shared.clone(), authorize));
    Router::new()
        .route("/health", get(health))
        .merge(guarded)
        .route_layer(middleware::from_fn_with_state(shared.clone(), measure))
        .layer(DefaultBodyLimit::max(shared.options.request_bytes))
        .with_state(shared)
}

/// A status, the kind of error for the metrics, and why.
struct Refused(StatusCode, &'static str, String);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = (self.0, Json(Refusal { detail: self.2 })).into_response();
        if self.0 == StatusCode::TOO_MANY_REQUESTS {
            response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("1"));
        }
        response
    }
}

impl From<NotRead> for Refused {
    fn from(error: NotRead) -> Self {
        match error {
            NotRead::Malformed(reason) => Self(StatusCode::BAD_REQUEST, "decode_error", reason),
            NotRead::TooLarge(reason) => Self(StatusCode::PAYLOAD_TOO_LARGE, "decode_error", reason),
        }
    }
}

async fn authorize(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let Some(token) = &shared.options.token else { return next.run(request).await };
    let given = request.headers().get(header::AUTHORIZATION).map(header::HeaderValue::as_bytes);
    if given.is_some_and(|given| equal(given, format!("Bearer {token}").as_bytes())) {
        return next.run(request).await;
    }
    let detail = "this service wants its token as `Authorization: Bearer`".to_owned();
    let challenge = [(header::WWW_AUTHENTICATE, "Bearer")];
    (challenge, Refused(StatusCode::UNAUTHORIZED, "unauthorized", detail)).into_response()
}

/// Compares all bytes whatever they are, so that the time tells nothing about a token.
fn equal(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |differing, (a, b)| differing | (a ^ b)) == 0
}

/// Lets no more requests in than may be worked on, before anything of them is read.
async fn admit(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    match shared.requests.try_acquire() {
        Ok(_permit) => next.run(request).await,
        Err(_) => {
            shared.metrics.failure("busy");
            busy().into_response()
        }
    }
}

fn busy() -> Refused {
    Refused(StatusCode::TOO_MANY_REQUESTS, "busy", "there is too much to score already: try again later".into())
}

async fn measure(State(shared): State<Arc<Shared>>, path: MatchedPath, request: Request, next: Next) -> Response {
    let (start, method) = (Instant::now(), request.method().to_string());
    let response = next.run(request).await;
    shared.metrics.request(&method, path.as_str(), response.status().as_u16(), start.elapsed());
    response
}

async fn health(State(shared): State<Arc<Shared>>) -> Json<Health> {
    Json(Health { status: "ok".into(), juror_loaded: true, juror: Some(shared.juror.clone()) })
}

async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")];
    (kind, shared.metrics.text()).into_response()
}

/// An encoded picture in base64.
async fn encoded(State(shared): State<Arc<Shared>>, request: Request) -> Reply<Scored> {
    let result = async {
        let Json(Encoded { filename, b64 }) = Json::from_request(request, &())
            .await
            .map_err(|error| Refused(error.status(), "read_error", error.body_text()))?;
        let photo = decoding(&shared, move |most| decoded(&b64, most)).await?;
        let scores = judged(&shared, vec![photo]).await?;
        Ok(Json(Scored::new(filename, scores[0])))
    };
    counted(&shared, result.await)
}

/// A form with one array.
async fn array(State(shared): State<Arc<Shared>>, request: Request) -> Reply<Scored> {
    let result = async {
        let mut arrays = arrays(request).await?;
        if arrays.len() > 1 {
            let detail = format!("there are {} fields `{ARRAY}`: /v1/score/batch takes several", arrays.len());
            return Err(Refused(StatusCode::BAD_REQUEST, "read_error", detail));
        }
        let (filename, bytes) = arrays.remove(0);
        let photo = decoding(&shared, move |most| Ok(npy::read(&bytes, most)?)).await?;
        let scores = judged(&shared, vec![photo]).await?;
        Ok(Json(Scored::new(filename, scores[0])))
    };
    counted(&shared, result.await)
}

/// A form with several arrays, scored in their order.
async fn batch(State(shared): State<Arc<Shared>>, request: Request) -> Reply<BatchScores> {
    let result = async {
        let arrays = arrays(request).await?;
        let photos = decoding(&shared, move |most| {
            let read = |(place, (_, bytes)): (usize, &(_, Vec<u8>))| {
                npy::read(bytes, most).map_err(|error| {
                    let Refused(status, kind, detail) = error.into();
                    Refused(status, kind, format!("array {place}: {detail}"))
                })
            };
            arrays.iter().enumerate().map(read).collect::<Result<Vec<_>, Refused>>()
        });
        Ok(Json(BatchScores { scores: judged(&shared, photos.await?).await? }))
    };
    counted(&shared, result.await)
}

fn counted<T>(shared: &Shared, reply: Reply<T>) -> Reply<T> {
    if let Err(Refused(_, kind, _)) = &reply {
        shared.metrics.failure(kind);
    }
    reply
}

/// The arrays of a form, at least one, with their names.
async fn arrays(request: Request) -> Result<Vec<(Option<String>, Vec<u8>)>, Refused> {
    let mut form = Multipart::from_request(request, &())
        .await
        .map_err(|error| Refused(error.status(), "read_error", error.body_text()))?;
    let mut arrays = Vec::new();
    let broken =
        |error: axum::extract::multipart::MultipartError| Refused(error.status(), "read_error", error.body_text());
    while let Some(field) = form.next_field().await.map_err(broken)? {
        if field.name() == Some(ARRAY) {
            let name = Field::file_name(&field).map(str::to_owned);
            arrays.push((name, field.bytes().await.map_err(broken)?.to_vec()));
        }
    }
    if arrays.is_empty() {
        let detail = format!("there is no field `{ARRAY}` with a .npy or .npz file in the form");
        return Err(Refused(StatusCode::BAD_REQUEST, "no_file", detail));
    }
    Ok(arrays)
}

/// A picture file in base64, which must not be larger than a photo may be.
fn decoded(b64: &str, most: u64) -> Result<Photo, Refused> {
    let unreadable = |reason: String| Refused(StatusCode::BAD_REQUEST, "decode_error", reason);
    let bytes = BASE64_STANDARD.decode(b64).map_err(|error| unreadable(format!("`b64` is not base64: {error}")))?;
    let header = PictureHeader::parse(&bytes).map_err(|error| unreadable(error.to_string()))?;
    let pixels = u64::from(header.width) * u64::from(header.height);
    if pixels > most {
        return Err(NotRead::TooLarge(format!("it has {pixels} pixels, more than {most}")).into());
    }
    Photo::decode(&bytes).map_err(|error| unreadable(error.to_string()))
}

/// What is computed from bytes, on a thread of its own; no more at a time than there are cores.
async fn decoding<T: Send + 'static>(
    shared: &Shared,
    work: impl FnOnce(u64) -> Result<T, Refused> + Send + 'static,
) -> Result<T, Refused> {
    let failed = |reason: String| Refused(StatusCode::INTERNAL_SERVER_ERROR, "decode_error", reason);
    let _permit = shared.decoders.acquire().await.map_err(|error| failed(error.to_string()))?;
    let most = shared.options.photo_pixels;
    spawn_blocking(move || work(most)).await.map_err(|error| failed(error.to_string()))?
}

async fn judged(shared: &Shared, photos: Vec<Photo>) -> Result<Vec<f64>, Refused> {
    let failed = |reason: String| Refused(StatusCode::INTERNAL_SERVER_ERROR, "inference_error", reason);
    let answer = shared.queue.push(photos).ok_or_else(busy)?;
    answer.await.map_err(|_| failed("the service stops".into()))?.map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_that_are_too_large_are_not_decoded() {
        let photo = Photo::from_fn(64, 48, |x, y| [x as u8, y as u8, 0]).unwrap();
        let b64 = BASE64_STANDARD.encode(photo.encode(dodge_imaging::Encoding::Png).unwrap());
        assert_eq!(decoded(&b64, 64 * 48).ok(), Some(photo));
        let refused = decoded(&b64, 64 * 48 - 1).err().map(|Refused(status, ..)| status);
        assert_eq!(refused, Some(StatusCode::PAYLOAD_TOO_LARGE));
    }
}
