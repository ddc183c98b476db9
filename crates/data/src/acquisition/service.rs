//! The acquisition service: fetches datasets onto a volume for whoever asks.

mod copy;
mod fetcher;
mod job;
mod job_watch;
mod jobs;
mod metrics;
mod routes;
mod store;
mod workers;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::oneshot;

pub use job_watch::JobWatch;

use crate::Error;
use jobs::Jobs;
use metrics::Metrics;
use workers::Workers;

/// What the service does for its jobs.
pub trait Acquire: Send + Sync + 'static {
    /// The folder of a dataset on the volume, relative to it; none for a dataset that is not known.
    fn folder(&self, dataset_id: &str) -> Option<PathBuf>;

    /// Makes sure that a dataset is whole on the volume, and returns its directory hash. Asks `watch` now and then whether to go on,
    /// and tells it how far it is.
    ///
    /// # Errors
    /// Whatever keeps it from that; the text goes to whoever asked.
    fn acquire(&self, dataset_id: &str, watch: &JobWatch) -> Result<String, Error>;

    /// The directory hash of a folder.
    ///
    /// # Errors
    /// When a file cannot be read.
    fn hash(&self, folder: &Path) -> Result<String, Error>;
}

/// How the service runs.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ServiceOptions {
    /// Where it listens. Anything but a loopback address is reachable from other machines.
    pub address: SocketAddr,
    /// The folder that datasets are put into.
    pub volume: PathBuf,
    /// The file that keeps the jobs across restarts.
    pub database: PathBuf,
    /// The token that every request but that for the health must carry.
    pub token: Option<String>,
    /// Jobs that are worked on at a time; others wait.
    pub concurrent_jobs: usize,
    /// How long running jobs may take to stop when the service does. What is not done then goes on at the next start.
    pub grace: Duration,
}

impl ServiceOptions {
    /// Port 5005 of this machine alone, two jobs at a time, ten seconds of grace, jobs kept in `acquisition.db` of the volume.
    #[must_use]
    pub fn new(volume: impl Into<PathBuf>) -> Self {
        let volume = volume.into();
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 5005)),
            database: volume.join("acquisition.db"),
            volume,
            token: None,
            concurrent_jobs: 2,
            grace: Duration::from_secs(10),
        }
    }
}

/// A running service, with threads of its own. It stops when dropped.
#[derive(Debug)]
pub struct AcquisitionService {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<()>>,
    workers: Workers,
}

/// What all requests share.
pub(super) struct Shared {
    acquire: Arc<dyn Acquire>,
    jobs: Arc<Jobs>,
    metrics: Metrics,
    volume: PathBuf,
    token: Option<String>,
}

impl AcquisitionService {
    /// Begins to listen and to work. Jobs that were not done when the service stopped go on.
    ///
    /// # Errors
    /// [`Error::Service`] when the address is taken or the database cannot be used, [`Error::Write`] when the volume cannot be made.
    pub fn start(options: ServiceOptions, acquire: Arc<dyn Acquire>) -> Result<Self, Error> {
        let failed = |reason: String| Error::Service { url: format!("http://{}", options.address), reason };
        std::fs::create_dir_all(&options.volume)
            .map_err(|source| Error::Write { path: options.volume.clone(), source: Box::new(source) })?;
        let volume = options.volume.canonicalize().map_err(|error| failed(error.to_string()))?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| failed(error.to_string()))?;
        let listener = runtime
            .block_on(TcpListener::bind(options.address))
            .map_err(|error| failed(format!("cannot listen there: {error}")))?;
        let address = listener.local_addr().map_err(|error| failed(error.to_string()))?;
        let shared = Arc::new(Shared {
            acquire,
            jobs: Arc::new(Jobs::open(&options.database).map_err(&failed)?),
            metrics: Metrics::default(),
            volume,
            token: options.token,
        });
        let workers = Workers::start(options.concurrent_jobs.max(1), options.grace, &shared);
        let (stop, stopped) = oneshot::channel();
        let server = thread::spawn(move || {
            let serving = axum::serve(listener, routes::router(shared)).with_graceful_shutdown(async {
                // A sender that is gone means the same.
                let _ = stopped.await;
            });
            if let Err(error) = runtime.block_on(async { serving.await }) {
                tracing::error!("the acquisition service stopped: {error}");
            }
            // Connections that are kept alive do not keep the service from stopping.
            runtime.shutdown_timeout(Duration::from_secs(1));
        });
        Ok(Self { address, stop: Some(stop), server: Some(server), workers })
    }

    /// Where it listens; the port that was chosen where the options said 0.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more requests, lets running jobs stop where they can go on later, and waits for both.
    pub fn stop(mut self) {
        self.stop_now();
    }

    fn stop_now(&mut self) {
        drop(self.stop.take());
        self.workers.stop();
        if let Some(server) = self.server.take() {
            // A panic in a handler is caught by its task; there is nothing to add.
            let _ = server.join();
        }
    }
}

impl Drop for AcquisitionService {
    fn drop(&mut self) {
        self.stop_now();
    }
}
