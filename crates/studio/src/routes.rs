//! What a studio answers, and to whom.

mod folder;
mod photos;
mod work;

use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};

use crate::assets;
use crate::gate::{Pass, Refused};
use crate::refusal::Refusal;
use crate::session::Session;

/// Most bytes of a request: a decision about tens of thousands of photos.
const MAX_REQUEST: usize = 1 << 20;

/// A page of this studio asks this studio, and nothing else; nobody puts it into a frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(crate) fn router(session: Arc<Session>) -> Router {
    Router::new()
        .route("/", get(|| async { assets::page() }))
        .route("/{asset}", get(assets::asset))
        .route("/api/folder", get(folder::folder))
        .route("/api/status", get(folder::status))
        .route("/api/decide", post(folder::decide))
        .route("/api/undo", post(folder::undo))
        .route("/api/export", post(work::export))
        .route("/api/export/cancel", post(work::cancel_export))
        .route("/api/teach", post(work::teach))
        .route("/api/teach/cancel", post(work::cancel_teaching))
        .route("/api/teach/choose", post(work::choose))
        .route("/api/compare", post(work::compare))
        .route("/api/vote", post(work::vote))
        .route("/photo/{id}/thumb", get(photos::thumb))
        .route("/photo/{id}/open", post(photos::open))
        .route("/photo/{id}/before", get(photos::before))
        .route("/photo/{id}/preview", post(photos::preview))
        .route("/photo/{id}/whole", post(photos::whole))
        .route("/photo/{id}/explain", post(photos::explain))
        .fallback(|| async { Refusal::unknown("there is nothing of this name") })
        .layer(DefaultBodyLimit::max(MAX_REQUEST))
        .layer(middleware::from_fn_with_state(Arc::clone(&session), guard))
        .with_state(session)
}

/// Lets nobody in who does not know the secret, and tells browsers what a page may do.
async fn guard(State(session): State<Arc<Session>>, request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let pass = session.gate.check(&method, request.uri(), request.headers());
    let mut response = match pass {
        Ok(_) if ![Method::GET, Method::POST].contains(&method) => {
            Refusal { status: StatusCode::METHOD_NOT_ALLOWED, reason: "only GET and POST are answered".to_owned() }
                .into_response()
        }
        Ok(_) => next.run(request).await,
        Err(refused) => {
            let status = if refused == Refused::Secret { StatusCode::UNAUTHORIZED } else { StatusCode::FORBIDDEN };
            (status, format!("{}\n", refused.in_words())).into_response()
        }
    };
    let headers = response.headers_mut();
    if pass == Ok(Pass::Entering)
        && let Ok(cookie) = HeaderValue::from_str(&session.gate.cookie())
    {
        headers.insert(header::SET_COOKIE, cookie);
    }
    for (name, value) in [
        ("content-security-policy", POLICY),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// The JSON that was sent.
fn body<T>(sent: Result<Json<T>, JsonRejection>) -> Result<T, Refusal> {
    match sent {
        Ok(Json(value)) => Ok(value),
        Err(rejection) => Err(Refusal { status: rejection.status(), reason: rejection.body_text() }),
    }
}

/// Does work that keeps a processor or the disk busy, some at a time. A panic, for example in a decoder, is the error of one
/// request.
async fn at_work<T: Send + 'static>(
    session: Arc<Session>,
    work: impl FnOnce(&Session) -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let permit = Arc::clone(&session.at_work).acquire_owned().await.map_err(Refusal::failed)?;
    let done = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        work(&session)
    });
    done.await.unwrap_or_else(|_| Err(Refusal::failed("this photo cannot be worked on: a mistake in the program")))
}

/// Writes to the disk, without waiting for photos that are worked on.
async fn at_disk<T: Send + 'static>(
    session: Arc<Session>,
    work: impl FnOnce(&Session) -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let done = tokio::task::spawn_blocking(move || work(&session));
    done.await.unwrap_or_else(|_| Err(Refusal::failed("this cannot be done: a mistake in the program")))
}
