//! One connection: asks for what is missing and adds what comes.

use std::io::Read;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use reqwest::blocking::{Client, RequestBuilder};
use reqwest::header::{ACCEPT_ENCODING, HeaderMap, IF_RANGE, RANGE};

use super::client::chain;
use super::part::Part;
use super::verdict::{Verdict, judge};
use super::{DownloadOptions, DownloadRequest, ensure_space};
use crate::Error;
use crate::watch::{Progress, Watcher, check};

/// Bytes that are read at a time.
const BLOCK: usize = 64 << 10;
/// Blocks that wait to be written; the connection waits when there are more.
const WAITING_BLOCKS: usize = 8;
/// How often a silent connection is looked after.
const LOOK_AFTER: Duration = Duration::from_millis(100);
/// Where the length is unknown, the space on the disk is asked for each time that this many bytes came.
const SPACE_STEP: u64 = 64 << 20;

/// Why an attempt did not complete the file.
pub(super) enum Failure {
    /// Another attempt goes on from here.
    Retry { reason: String, after: Option<Duration> },
    /// Another attempt begins at the beginning.
    Restart { reason: String },
    /// No other attempt helps.
    Final(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Final(error)
    }
}

/// What the reading thread sends.
enum News {
    Head(StatusCode, HeaderMap),
    Block(Vec<u8>),
    End,
    Broken { reason: String, is_final: bool },
}

/// Asks for the rest of the file and adds it to the part; `Ok` means that the part is whole.
///
/// A thread of its own reads, so that this one can give up a connection that says nothing, at once when it is cancelled.
pub(super) fn attempt(
    client: &Client,
    options: &DownloadOptions,
    request: &DownloadRequest,
    part: &mut Part,
    watcher: &dyn Watcher,
) -> Result<(), Failure> {
    let length = resumable_length(request, part)?;
    let (sender, news) = sync_channel(WAITING_BLOCKS);
    let call = call(client, request, part, length);
    thread::Builder::new()
        .name("dodge-download".to_owned())
        .spawn(move || read(call, &sender))
        .map_err(|error| Failure::Retry { reason: format!("no thread can be started: {error}"), after: None })?;

    let mut pace = Pace::new(options);
    let (status, headers) = match next(&news, &mut pace, watcher)? {
        News::Head(status, headers) => (status, headers),
        other => return Err(broken(other, request)),
    };
    let total = match judge(status, &headers, length, part.identity()) {
        Verdict::Complete => return Ok(()),
        Verdict::Append { total } => total,
        Verdict::Fresh(identity) => {
            let total = identity.total;
            part.begin(identity)?;
            total
        }
        Verdict::Restart { reason } => return Err(Failure::Restart { reason }),
        Verdict::Retry { reason, after } => return Err(Failure::Retry { reason, after }),
        Verdict::Refused { reason } => return Err(refused(request, reason)),
    };
    if total.is_some_and(|total| total > options.most_bytes) {
        return Err(refused(request, too_large(options)));
    }
    if let Some(total) = total {
        ensure_space(part, total.saturating_sub(part.length()), options)?;
    }
    watcher.progress(&Progress::Downloading { done: part.length(), total });
    let mut checked = part.length();
    loop {
        match next(&news, &mut pace, watcher)? {
            News::Block(block) => {
                let length = part.length() + block.len() as u64;
                if total.is_some_and(|total| length > total) {
                    return Err(Failure::Restart { reason: "more bytes came than the server announced".to_owned() });
                }
                if length > options.most_bytes {
                    return Err(refused(request, too_large(options)));
                }
                if total.is_none() && length - checked > SPACE_STEP {
                    ensure_space(part, SPACE_STEP, options)?;
                    checked = length;
                }
                part.append(&block)?;
                watcher.progress(&Progress::Downloading { done: length, total });
            }
            News::End if total.is_none_or(|total| total == part.length()) => return Ok(()),
            News::End => return Err(Failure::Retry { reason: "the connection ended early".to_owned(), after: None }),
            other => return Err(broken(other, request)),
        }
    }
}

/// How much of the part can be kept. Without anything that tells the server's file from another, nothing can, unless a
/// hash will show in the end whether the pieces belong together.
fn resumable_length(request: &DownloadRequest, part: &mut Part) -> Result<u64, Error> {
    if part.length() > 0 && part.identity().validator.is_none() && request.sha256.is_none() {
        part.clear()?;
    }
    Ok(part.length())
}

fn call(client: &Client, request: &DownloadRequest, part: &Part, length: u64) -> RequestBuilder {
    let mut call = client.get(request.url.clone()).header(ACCEPT_ENCODING, "identity");
    if let Some((user, password)) = &request.credentials {
        call = call.basic_auth(user, Some(password));
    }
    if length > 0 {
        call = call.header(RANGE, format!("bytes={length}-"));
        if let Some(validator) = &part.identity().validator {
            call = call.header(IF_RANGE, validator);
        }
    }
    call
}

/// Runs in the thread; ends when nobody listens any more.
fn read(call: RequestBuilder, sender: &SyncSender<News>) {
    let mut response = match call.send() {
        Ok(response) => response,
        Err(error) => {
            let is_final = error.is_redirect() || error.is_builder();
            let _ = sender.send(News::Broken { reason: chain(&error), is_final });
            return;
        }
    };
    if sender.send(News::Head(response.status(), response.headers().clone())).is_err() {
        return;
    }
    loop {
        let mut block = vec![0; BLOCK];
        let news = match response.read(&mut block) {
            Ok(0) => News::End,
            Ok(count) => {
                block.truncate(count);
                News::Block(block)
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => {
                let cause = error.get_ref().and_then(|inner| inner.downcast_ref::<reqwest::Error>());
                News::Broken { reason: cause.map_or_else(|| error.to_string(), chain), is_final: false }
            }
        };
        let last = !matches!(news, News::Block(_));
        if sender.send(news).is_err() || last {
            return;
        }
    }
}

/// The next news, unless the connection is too slow or the work is cancelled.
fn next(news: &Receiver<News>, pace: &mut Pace<'_>, watcher: &dyn Watcher) -> Result<News, Failure> {
    loop {
        check(watcher)?;
        match news.recv_timeout(LOOK_AFTER) {
            Ok(news) => {
                pace.add(if let News::Block(block) = &news { block.len() as u64 } else { 0 })?;
                return Ok(news);
            }
            Err(RecvTimeoutError::Timeout) => pace.wait()?,
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Failure::Retry { reason: "the connection broke off".to_owned(), after: None });
            }
        }
    }
}

/// How fast bytes come.
struct Pace<'a> {
    options: &'a DownloadOptions,
    last: Instant,
    window: Instant,
    bytes: u64,
}

impl<'a> Pace<'a> {
    fn new(options: &'a DownloadOptions) -> Self {
        let now = Instant::now();
        Self { options, last: now, window: now, bytes: 0 }
    }

    fn add(&mut self, bytes: u64) -> Result<(), Failure> {
        self.last = Instant::now();
        self.bytes += bytes;
        let elapsed = self.window.elapsed();
        if elapsed < self.options.rate_window {
            return Ok(());
        }
        let slow = (self.bytes as f64) < self.options.least_rate as f64 * elapsed.as_secs_f64();
        (self.window, self.bytes) = (self.last, 0);
        if slow {
            let reason = format!("fewer than {} bytes per second come", self.options.least_rate);
            return Err(Failure::Retry { reason, after: None });
        }
        Ok(())
    }

    fn wait(&self) -> Result<(), Failure> {
        if self.last.elapsed() < self.options.idle_timeout {
            return Ok(());
        }
        let reason = format!("nothing came for {:.0} s", self.options.idle_timeout.as_secs_f64());
        Err(Failure::Retry { reason, after: None })
    }
}

fn broken(news: News, request: &DownloadRequest) -> Failure {
    match news {
        News::Broken { reason, is_final: true } => refused(request, reason),
        News::Broken { reason, is_final: false } => Failure::Retry { reason, after: None },
        _ => Failure::Retry { reason: "the connection broke off".to_owned(), after: None },
    }
}

fn refused(request: &DownloadRequest, reason: String) -> Failure {
    Failure::Final(Error::Download { url: request.shown_url(), reason, part: None })
}

fn too_large(options: &DownloadOptions) -> String {
    format!("the file is larger than {}", crate::error::size(options.most_bytes))
}
