//! Files from the web, whole or not at all: resumed where a connection broke, and put in place only when verified.

mod attempt;
mod client;
mod part;
mod verdict;

use std::fs;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use reqwest::Url;
use reqwest::blocking::Client;
use sha2::{Digest, Sha256};

use crate::backoff::{Backoff, sleep};
use crate::watch::{Progress, Watcher, check};
use crate::{Error, FileHash, space, write_error};
use attempt::{Failure, attempt};
use part::Part;

/// How patient a download is. [`DownloadOptions::standard`] suits most.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct DownloadOptions {
    /// Attempts in a row that bring less than [`worthwhile`](Self::worthwhile) bytes each, before it gives up.
    pub attempts: u32,
    /// Bytes that make an attempt a success even if its connection breaks, so that a long download over a bad line
    /// comes to an end.
    pub worthwhile: u64,
    /// The wait after the first failure; it doubles with each further one in a row.
    pub first_wait: Duration,
    /// The longest such wait.
    pub longest_wait: Duration,
    /// The longest wait that a server may ask for with `Retry-After`; one that asks for more is told to the caller.
    pub longest_retry_after: Duration,
    /// Longest time to connect.
    pub connect_timeout: Duration,
    /// Longest time without a byte.
    pub idle_timeout: Duration,
    /// Fewer bytes per second than this, over [`rate_window`](Self::rate_window), break the connection off, because a
    /// new one may be faster. Zero accepts any rate.
    pub least_rate: u64,
    /// Time over which the rate is measured.
    pub rate_window: Duration,
    /// Most redirects from one address to the next.
    pub most_redirects: usize,
    /// Largest file that is accepted, in bytes.
    pub most_bytes: u64,
    /// Bytes that stay free on the disk.
    pub keep_free: u64,
}

impl DownloadOptions {
    /// The patience that suits large archives on the web. It changes no result, so it is no hyperparameter.
    #[must_use]
    pub fn standard() -> Self {
        Self {
            attempts: 8,
            worthwhile: 1 << 20,
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(60),
            longest_retry_after: Duration::from_secs(600),
            connect_timeout: Duration::from_secs(20),
            idle_timeout: Duration::from_secs(60),
            least_rate: 1024,
            rate_window: Duration::from_secs(60),
            most_redirects: 10,
            most_bytes: 1 << 40,
            keep_free: 256 << 20,
        }
    }
}

/// What to download.
#[derive(Clone)]
pub struct DownloadRequest {
    url: Url,
    credentials: Option<(String, String)>,
    sha256: Option<FileHash>,
}

/// Shows no credentials.
impl std::fmt::Debug for DownloadRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DownloadRequest").field("url", &self.shown_url()).finish_non_exhaustive()
    }
}

impl DownloadRequest {
    /// The file at an `http` or `https` address. A user name and password in it are sent, and shown nowhere.
    ///
    /// # Errors
    /// [`Error::Download`] when it is no such address.
    pub fn new(url: &str) -> Result<Self, Error> {
        let unusable = || Error::Download {
            url: without_credentials(url),
            reason: "expected an address that begins with http:// or https://".to_owned(),
            part: None,
        };
        let url = Url::parse(url).ok().filter(|url| ["http", "https"].contains(&url.scheme())).ok_or_else(unusable)?;
        Ok(Self { url, credentials: None, sha256: None })
    }

    /// User name and password for the address itself; a server that it redirects to does not get them.
    #[must_use]
    pub fn with_credentials(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.credentials = Some((user.into(), password.into()));
        self
    }

    /// The SHA-256 that the file must have.
    #[must_use]
    pub fn with_sha256(mut self, sha256: FileHash) -> Self {
        self.sha256 = Some(sha256);
        self
    }

    fn shown_url(&self) -> String {
        without_credentials(self.url.as_str())
    }
}

/// The address without user name, password and what follows a `?`, which may hold a signature.
pub(crate) fn without_credentials(url: &str) -> String {
    let Ok(mut parsed) = Url::parse(url) else { return "an address that cannot be read".to_owned() };
    // Only addresses without a host refuse these, and they hold none.
    let _ = parsed.set_username("");
    let _ = parsed.set_password(None);
    if parsed.query().is_some() {
        parsed.set_query(Some("..."));
    }
    parsed.to_string()
}

/// Downloads files.
#[derive(Debug, Clone)]
pub struct Downloader {
    options: DownloadOptions,
    client: Client,
}

impl Downloader {
    /// Sets up connections; none is opened yet.
    ///
    /// # Errors
    /// [`Error::Download`] when TLS cannot be set up.
    pub fn new(options: DownloadOptions) -> Result<Self, Error> {
        let client = client::build(&options)?;
        Ok(Self { options, client })
    }

    /// Puts the file at `destination`. Until it is complete and verified it grows in `<destination>.part`, where the
    /// next call goes on; what is at `destination` already is replaced.
    ///
    /// The caller makes sure that nobody else downloads to the same place.
    ///
    /// # Errors
    /// [`Error::Download`], [`Error::WrongHash`], [`Error::NoSpace`], [`Error::Read`], [`Error::Write`],
    /// [`Error::Cancelled`].
    pub fn download(&self, request: &DownloadRequest, destination: &Path, watcher: &dyn Watcher) -> Result<(), Error> {
        let folder = destination.parent().unwrap_or(Path::new(""));
        fs::create_dir_all(folder).map_err(|source| write_error(folder, source))?;
        let mut part = Part::open(destination, &request.url)?;
        let mut failures = 0;
        let mut backoff = Backoff::new(self.options.first_wait, self.options.longest_wait);
        loop {
            check(watcher)?;
            let before = part.length();
            let (reason, wait) = match attempt(&self.client, &self.options, request, &mut part, watcher) {
                Ok(()) => break,
                Err(Failure::Final(Error::Download { url, reason, .. })) => {
                    return Err(Error::Download { url, reason, part: part.kept() });
                }
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Restart { reason }) => {
                    part.clear()?;
                    failures += 1;
                    (reason, Duration::ZERO)
                }
                Err(Failure::Retry { reason, after }) => {
                    let worthwhile = part.length().saturating_sub(before) >= self.options.worthwhile;
                    if worthwhile {
                        backoff.restart();
                        failures = 0;
                    }
                    failures += 1;
                    let due = backoff.next();
                    (reason, after.unwrap_or(due))
                }
            };
            let too_long = wait > self.options.longest_retry_after;
            if failures >= self.options.attempts || too_long {
                let reason = if too_long {
                    format!("{reason}; the server asks to wait {} s: try again then", wait.as_secs())
                } else {
                    format!("{reason}; gave up after {failures} attempts")
                };
                return Err(Error::Download { url: request.shown_url(), reason, part: part.kept() });
            }
            tracing::debug!(%reason, ?wait, "download is tried again");
            watcher.progress(&Progress::Retrying { reason, wait });
            sleep(wait, watcher)?;
        }
        if let Some(expected) = request.sha256 {
            self.verify(request, expected, &mut part, watcher)?;
        }
        part.finish()
    }

    /// A part with another hash is put aside: resumed, it would be wrong for ever.
    fn verify(
        &self,
        request: &DownloadRequest,
        expected: FileHash,
        part: &mut Part,
        watcher: &dyn Watcher,
    ) -> Result<(), Error> {
        let got = file_hash(part.path(), watcher)?;
        if got == expected {
            return Ok(());
        }
        let path = part.reject()?;
        Err(Error::Download {
            url: request.shown_url(),
            reason: format!(
                "the file has the SHA-256 {got}, expected {expected}; it lies in {}: if the publisher changed it, \
                 correct archive_sha256 in your list of datasets",
                path.display()
            ),
            part: None,
        })
    }
}

/// SHA-256 of a file, read in blocks.
pub(crate) fn file_hash(path: &Path, watcher: &dyn Watcher) -> Result<FileHash, Error> {
    let failed = |source| Error::Read { path: path.to_owned(), source };
    let mut file = fs::File::open(path).map_err(failed)?;
    let total = file.metadata().map_err(failed)?.len();
    let (mut hasher, mut block, mut done) = (Sha256::new(), vec![0; 1 << 20], 0);
    loop {
        check(watcher)?;
        match file.read(&mut block) {
            Ok(0) => return Ok(FileHash(hasher.finalize().into())),
            Ok(count) => {
                hasher.update(&block[..count]);
                done += count as u64;
                watcher.progress(&Progress::Checking { done, total });
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(error)),
        }
    }
}

/// Makes sure that the rest of a file fits on the disk.
fn ensure_space(part: &Part, rest: u64, options: &DownloadOptions) -> Result<(), Error> {
    let folder = part.path().parent().unwrap_or(Path::new("."));
    space::ensure(folder, rest, options.keep_free)
}
