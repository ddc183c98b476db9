//! A running studio.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::{Semaphore, oneshot};

use crate::comparing::Comparison;
use crate::darkroom::Darkroom;
use crate::decisions::Decisions;
use crate::error::Error;
use crate::exporting::Exporter;
use crate::folder::Folder;
use crate::gate::{Gate, LEAST_SECRET};
use crate::models::{KnownModel, Models};
use crate::routes;
use crate::session::{MOST_AT_WORK, Session};
use crate::teaching::{Teach, Teaching};
use crate::thumbs::Thumbs;

/// How a studio runs.
#[non_exhaustive]
pub struct StudioOptions {
    /// The folder of the photos.
    pub folder: PathBuf,
    /// Where results go.
    pub output: PathBuf,
    /// Where it listens; port 0 for any that is free. An address that is not of loopback needs a token.
    pub address: SocketAddr,
    /// The secret that every request must carry; without it, one is made up.
    pub token: Option<String>,
    /// The models, the present one first.
    pub models: Vec<KnownModel>,
    /// The file that a model is copied to which a person chose after teaching it.
    pub taught: PathBuf,
    /// What teaches.
    pub teacher: Arc<dyn Teach>,
    /// Tells the seconds since 1970.
    pub now: Arc<dyn Fn() -> u64 + Send + Sync>,
}

impl StudioOptions {
    /// A studio on any free port of this machine.
    #[must_use]
    pub fn new(
        folder: impl Into<PathBuf>,
        models: Vec<KnownModel>,
        teacher: Arc<dyn Teach>,
        now: Arc<dyn Fn() -> u64 + Send + Sync>,
    ) -> Self {
        Self {
            folder: folder.into(),
            output: PathBuf::from("enhanced"),
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            token: None,
            models,
            taught: PathBuf::from("taught-model.safetensors"),
            teacher,
            now,
        }
    }
}

/// A studio that serves its page, with threads of its own. It stops when dropped.
#[derive(Debug)]
pub struct Studio {
    address: SocketAddr,
    query: String,
    photos: usize,
    stop: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<()>>,
}

impl Studio {
    /// Lists the folder, reads what was decided in it before, and begins to listen.
    ///
    /// # Errors
    /// [`Error::NoToken`] for an address that others reach without a token of at least 16 characters, [`Error::Folder`] where there is no
    /// photo, [`Error::InUse`] where another studio has the folder open, [`Error::Listen`] when the port is taken.
    pub fn start(options: StudioOptions) -> Result<Self, Error> {
        let address = options.address;
        let too_short = |token: &String| token.chars().count() < LEAST_SECRET || !token.chars().all(is_plain);
        if options.token.as_ref().is_some_and(too_short) || (options.token.is_none() && !address.ip().is_loopback()) {
            return Err(Error::NoToken { address, least: LEAST_SECRET });
        }
        if options.models.is_empty() {
            return Err(Error::NoModel);
        }
        let failed = |error: std::io::Error| Error::Listen { address, reason: error.to_string() };
        let folder = Arc::new(Folder::open(&options.folder, &options.output)?);
        let decisions = Decisions::open(Arc::clone(&folder))?;
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(failed)?;
        let listener = runtime.block_on(TcpListener::bind(address)).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        // 122 bits of the system's randomness.
        let secret = options.token.unwrap_or_else(|| uuid::Uuid::new_v4().simple().to_string());
        let gate = Gate::new(secret, address);
        let (query, photos) = (gate.query(), folder.photos.len());
        let session = Arc::new(Session {
            gate,
            decisions,
            thumbs: Thumbs::start(),
            darkroom: Darkroom::new(Arc::clone(&folder)),
            models: Arc::new(Models::new(options.models)),
            exporter: Exporter::new(Arc::clone(&folder), options.output),
            teaching: Teaching::new(Arc::clone(&folder), options.teacher),
            comparison: Comparison::open(&folder),
            folder,
            taught: options.taught,
            at_work: Arc::new(Semaphore::new(MOST_AT_WORK)),
            now: options.now,
        });
        let (stop, stopped) = oneshot::channel();
        let server = thread::spawn(move || {
            let serving = runtime.spawn(async { axum::serve(listener, routes::router(session)).await });
            // A sender that is gone means the same. Nothing waits for requests that are under way: what was answered is on the disk.
            let _ = runtime.block_on(stopped);
            serving.abort();
            runtime.shutdown_timeout(Duration::from_secs(5));
        });
        Ok(Self { address, query, photos, stop: Some(stop), server: Some(server) })
    }

    /// Where it listens; the port that was chosen where the options said 0.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address of the page, with the secret in it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/{}", self.address, self.query)
    }

    /// How many photos are in the folder.
    #[must_use]
    pub fn photos(&self) -> usize {
        self.photos
    }

    /// Closes the studio; what runs in the background is stopped, and goes on the next time.
    pub fn stop(mut self) {
        self.stop_now();
    }

    fn stop_now(&mut self) {
        drop(self.stop.take());
        if let Some(server) = self.server.take() {
            let _ = server.join();
        }
    }
}

impl Drop for Studio {
    fn drop(&mut self) {
        self.stop_now();
    }
}

/// What stands in an address and in a cookie as it is.
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_.~".contains(c)
}

impl std::fmt::Debug for StudioOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StudioOptions")
            .field("folder", &self.folder)
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}
