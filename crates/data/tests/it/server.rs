//! A web server on this machine that misbehaves as a test asks for.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::stream;

/// A request as the tests look at it.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// Counted from 0.
    pub(crate) number: usize,
    pub(crate) path: String,
    /// Where the range that is asked for begins.
    pub(crate) from: Option<u64>,
    pub(crate) if_range: Option<String>,
    pub(crate) authorization: Option<String>,
}

type Answer = dyn Fn(&Call) -> Response + Send + Sync;

/// The server; it ends when dropped.
pub(crate) struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    _runtime: tokio::runtime::Runtime,
}

struct Shared {
    answer: Box<Answer>,
    calls: Mutex<Vec<Call>>,
}

impl Server {
    pub(crate) fn start(answer: impl Fn(&Call) -> Response + Send + Sync + 'static) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let shared = Arc::new(Shared { answer: Box::new(answer), calls: Mutex::new(Vec::new()) });
        let router = axum::Router::new().fallback(reply).with_state(Arc::clone(&shared));
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(async { axum::serve(listener, router).await });
        Self { address, shared, _runtime: runtime }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The requests so far.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.shared.calls.lock().unwrap().clone()
    }
}

async fn reply(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let text = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let from = text("range").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    let call = {
        let mut calls = shared.calls.lock().unwrap();
        let call = Call {
            number: calls.len(),
            path: request.uri().path().to_owned(),
            from,
            if_range: text("if-range"),
            authorization: text("authorization"),
        };
        calls.push(call.clone());
        call
    };
    (shared.answer)(&call)
}

/// Answers as a good server does: with the rest of the file if it is still the same one.
pub(crate) fn file(call: &Call, content: &[u8], etag: &str) -> Response {
    cut(call, content, etag, usize::MAX)
}

/// The same, but the connection breaks after `most` bytes.
pub(crate) fn cut(call: &Call, content: &[u8], etag: &str, most: usize) -> Response {
    let same = call.if_range.as_deref().is_none_or(|tag| tag == etag);
    let from = call.from.filter(|_| same).map_or(0, |from| from as usize);
    let total = content.len();
    if from > 0 && from >= total {
        return (StatusCode::RANGE_NOT_SATISFIABLE, [("content-range", format!("bytes */{total}"))]).into_response();
    }
    let rest = &content[from..];
    let mut headers = HeaderMap::new();
    headers.insert("etag", etag.parse().unwrap());
    headers.insert("content-length", rest.len().to_string().parse().unwrap());
    let status = if from > 0 {
        headers.insert("content-range", format!("bytes {from}-{}/{total}", total - 1).parse().unwrap());
        StatusCode::PARTIAL_CONTENT
    } else {
        StatusCode::OK
    };
    let body = if most >= rest.len() { Body::from(rest.to_vec()) } else { breaking(rest[..most].to_vec()) };
    (status, headers, body).into_response()
}

/// A body that breaks off after some bytes.
pub(crate) fn breaking(bytes: Vec<u8>) -> Body {
    let pieces = [Ok(Bytes::from(bytes)), Err(std::io::Error::other("the test breaks the connection"))];
    // Apart, so that the bytes are sent before the connection breaks.
    Body::from_stream(stream::unfold(pieces.into_iter(), |mut pieces| async {
        tokio::time::sleep(Duration::from_millis(5)).await;
        pieces.next().map(|piece| (piece, pieces))
    }))
}

/// A body of which a piece comes after each `pause`.
pub(crate) fn slow(bytes: &[u8], piece: usize, pause: Duration) -> Body {
    let pieces: Vec<Bytes> = bytes.chunks(piece).map(Bytes::copy_from_slice).collect();
    Body::from_stream(stream::unfold(pieces.into_iter(), move |mut pieces| async move {
        tokio::time::sleep(pause).await;
        pieces.next().map(|piece| (Ok::<_, std::io::Error>(piece), pieces))
    }))
}

/// Bytes that look random and are the same each time.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 88_172_645_463_325_252_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..length).map(|_| next()).collect()
}
