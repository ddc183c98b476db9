//! The juror service: scores photos for whoever asks, in batches.

mod metrics;
mod queue;
mod routes;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::{Semaphore, oneshot};

use crate::{Error, Juror};
use metrics::Metrics;
use queue::Queue;

/// How the service runs.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct JurorServiceOptions {
    /// Where it listens. Anything but a loopback address is reachable from other machines.
    pub address: SocketAddr,
    /// The token that every request but that for the health must carry.
    pub token: Option<String>,
    /// Most photos that the juror is given at a time.
    pub batch: usize,
    /// How long the first photo of a batch waits for others.
    pub patience: Duration,
    /// Requests that are worked on at a time; more are refused with 429.
    pub requests: usize,
    /// Pixels of all photos that wait for the juror; more are refused with 429. Each takes three bytes.
    pub waiting_pixels: u64,
    /// Largest photo, in pixels.
    pub photo_pixels: u64,
    /// Longest request, in bytes.
    pub request_bytes: usize,
}

impl JurorServiceOptions {
    /// Port 5010 of this machine alone.
    pub const USUAL_ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 5010);

    /// No token, batches of up to 64 photos that wait for two milliseconds, 128 requests of 32 MiB at a time,
    /// photos of up to 50 megapixels, and as much as eight of them waiting.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            token: None,
            batch: 64,
            patience: Duration::from_millis(2),
            requests: 128,
            waiting_pixels: 400_000_000,
            photo_pixels: 50_000_000,
            request_bytes: 32 << 20,
        }
    }
}

/// A running service, with threads of its own. It stops when dropped.
#[derive(Debug)]
pub struct JurorService {
    address: SocketAddr,
    queue: Arc<Queue>,
    stop: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<()>>,
    judge: Option<JoinHandle<()>>,
}

/// What all requests share.
struct Shared {
    juror: String,
    options: JurorServiceOptions,
    queue: Arc<Queue>,
    metrics: Arc<Metrics>,
    /// Requests that may come in yet.
    requests: Semaphore,
    /// Photos that may be decoded at a time, one for each core.
    decoders: Semaphore,
}

impl JurorService {
    /// Begins to listen, and to judge.
    ///
    /// # Errors
    /// [`Error::Service`] when the address is taken.
    pub fn start(options: JurorServiceOptions, juror: Arc<dyn Juror>) -> Result<Self, Error> {
        let failed = |reason: String| Error::Service { address: options.address.to_string(), reason };
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| failed(error.to_string()))?;
        let listener = runtime
            .block_on(TcpListener::bind(options.address))
            .map_err(|error| failed(format!("cannot listen there: {error}")))?;
        let address = listener.local_addr().map_err(|error| failed(error.to_string()))?;
        let queue = Arc::new(Queue::new(options.waiting_pixels));
        let metrics = Arc::new(Metrics::new());
        let name = juror.name();
        let judge = {
            let (queue, metrics) = (queue.clone(), metrics.clone());
            let (batch, patience) = (options.batch.max(1), options.patience);
            thread::spawn(move || queue.judge(&*juror, batch, patience, &metrics))
        };
        let shared = Arc::new(Shared {
            juror: name,
            requests: Semaphore::new(options.requests.max(1)),
            decoders: Semaphore::new(thread::available_parallelism().map_or(1, usize::from)),
            queue: queue.clone(),
            metrics,
            options,
        });
        let (stop, stopped) = oneshot::channel();
        let server = thread::spawn(move || {
            let serving = axum::serve(listener, routes::router(shared)).with_graceful_shutdown(async {
                // A sender that is gone means the same.
                let _ = stopped.await;
            });
            if let Err(error) = runtime.block_on(async { serving.await }) {
                tracing::error!("the juror service stopped: {error}");
            }
            // Connections that are kept alive do not keep the service from stopping.
            runtime.shutdown_timeout(Duration::from_secs(1));
        });
        Ok(Self { address, queue, stop: Some(stop), server: Some(server), judge: Some(judge) })
    }

    /// Where it listens; the port that was chosen where the options said 0.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more requests, answers those that came in, and waits for that.
    pub fn stop(mut self) {
        self.stop_now();
    }

    fn stop_now(&mut self) {
        drop(self.stop.take());
        // A panic in a handler is caught by its task, one of the juror by the queue: there is nothing to add.
        if let Some(server) = self.server.take() {
            let _ = server.join();
        }
        self.queue.close();
        if let Some(judge) = self.judge.take() {
            let _ = judge.join();
        }
    }
}

impl Drop for JurorService {
    fn drop(&mut self) {
        self.stop_now();
    }
}
