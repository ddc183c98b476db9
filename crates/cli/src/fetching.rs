//! Fetching named datasets: which list counts, with what credentials, and what is shown meanwhile.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use dodge_data::{
    AcquisitionClient, AcquisitionLoader, AcquisitionOptions, DataLoader, DatasetLoader, Fetcher, Hashing, KaggleToken,
    Registry, Source, Watcher,
};
use dodge_preprocess::Progress;

use crate::surroundings::Surroundings;
use crate::text;

/// The list in the volume that counts where none is named.
const IN_VOLUME: &str = "datasets.toml";

/// Most bytes of a `kaggle.json`; it has about a hundred.
const MAX_TOKEN_BYTES: u64 = 64 << 10;

/// The list of datasets: the built-in one, with that of the flag, of the variable or of the volume on top.
pub(crate) fn registry(flag: Option<&Path>, surroundings: &Surroundings) -> Result<Registry> {
    let in_volume = surroundings.volume().join(IN_VOLUME);
    let named = flag.or(surroundings.datasets.as_deref());
    Ok(match named.or_else(|| in_volume.exists().then_some(&*in_volume)) {
        Some(path) => Registry::with_file(path)?,
        None => Registry::built_in(),
    })
}

/// What fetches the dataset `id`.
pub(crate) fn fetcher(flag: Option<&Path>, id: &str, surroundings: &Surroundings) -> Result<Fetcher> {
    let registry = registry(flag, surroundings)?;
    let wants_token = matches!(registry.get(id)?.source, Source::Kaggle(_));
    fetcher_of(registry, wants_token, surroundings)
}

/// What fetches any dataset.
pub(crate) fn fetcher_of_all(flag: Option<&Path>, surroundings: &Surroundings) -> Result<Fetcher> {
    fetcher_of(registry(flag, surroundings)?, true, surroundings)
}

/// The source of a dataset: the acquisition service where there is one, else this program.
pub(crate) fn loader(
    id: &str,
    surroundings: &Surroundings,
    watcher: Arc<dyn Watcher + Send>,
) -> Result<Box<dyn DataLoader>> {
    let hashing = hashing(surroundings, Arc::clone(&watcher));
    let Some(url) = &surroundings.acquisition_url else {
        let loader = DatasetLoader::new(fetcher(None, id, surroundings)?, id, watcher)?;
        return Ok(Box::new(loader.with_hashing(hashing)));
    };
    let mut options = AcquisitionOptions::new(url);
    options.token.clone_from(&surroundings.acquisition_token);
    let fetcher = fetcher_of(registry(None, surroundings)?, false, surroundings)?;
    let loader = AcquisitionLoader::new(AcquisitionClient::new(options)?, fetcher, id, watcher)?;
    Ok(Box::new(loader.with_hashing(hashing)))
}

/// How photos are read for their hash: shown, stopped when asked to, and remembered in the volume.
pub(crate) fn hashing(surroundings: &Surroundings, watcher: Arc<dyn Watcher + Send>) -> Hashing {
    Hashing::default().watched_by(watcher).remembered_in(surroundings.volume().join("cache/hashes"))
}

fn fetcher_of(registry: Registry, wants_token: bool, surroundings: &Surroundings) -> Result<Fetcher> {
    let fetcher = Fetcher::new(surroundings.volume(), registry)?;
    let token = if wants_token { kaggle_token(surroundings)? } else { None };
    Ok(match token {
        Some(token) => fetcher.with_kaggle(token),
        None => fetcher,
    })
}

/// The token of the variables, or that of `kaggle.json`.
fn kaggle_token(surroundings: &Surroundings) -> Result<Option<KaggleToken>> {
    if surroundings.kaggle.is_some() {
        return Ok(surroundings.kaggle.clone());
    }
    let Some(path) = surroundings.kaggle_folder.as_ref().map(|folder| folder.join("kaggle.json")) else {
        return Ok(None);
    };
    match text::read(&path, MAX_TOKEN_BYTES) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", text::shown(&path))),
        Ok(text) => Ok(Some(KaggleToken::from_json(&text).with_context(|| text::shown(&path).into_owned())?)),
    }
}

/// Shows a fetch, and stops it when asked to.
pub(crate) struct Display {
    progress: Arc<dyn Progress>,
    interrupted: Arc<AtomicBool>,
    shown: Mutex<Shown>,
}

#[derive(Default)]
struct Shown {
    phase: &'static str,
    done: u64,
}

/// Bytes are shown in these.
const MEGABYTE: u64 = 1_000_000;

impl Display {
    /// On this display, until the flag is set.
    pub(crate) fn new(progress: Arc<dyn Progress>, interrupted: Arc<AtomicBool>) -> Self {
        Self { progress, interrupted, shown: Mutex::default() }
    }

    /// Moves on to `done` of `total` (0: nobody knows) in a phase.
    fn show(&self, phase: &'static str, done: u64, total: u64) {
        // A poisoned lock only means that another thread panicked while drawing.
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        // A file that is begun anew goes back.
        if shown.phase != phase || done < shown.done {
            self.progress.begin(phase, total);
            *shown = Shown { phase, done: 0 };
        }
        if done > shown.done {
            self.progress.advance(done - shown.done);
            shown.done = done;
        }
    }

    /// The fetch is over.
    pub(crate) fn end(&self) {
        self.progress.end();
    }
}

impl Watcher for Display {
    fn progress(&self, progress: &dodge_data::Progress) {
        use dodge_data::Progress as P;
        match progress {
            P::Waiting => tracing::warn!("another process fetches the same dataset; waiting for it"),
            P::Downloading { done, total } => {
                self.show("download MB", done / MEGABYTE, total.unwrap_or(0) / MEGABYTE);
            }
            P::Retrying { reason, wait } => tracing::warn!("{reason}; again in {:.0} s", wait.as_secs_f64().ceil()),
            P::Checking { done, total } => self.show("check MB", done / MEGABYTE, total / MEGABYTE),
            P::Extracting { files, .. } => self.show("extract", *files, 0),
            // Done before anybody could read of it.
            P::Hashing { total, .. } if *total < MEGABYTE => {}
            P::Hashing { done, total } => self.show("hash MB", done / MEGABYTE, total / MEGABYTE),
            _ => {}
        }
    }

    fn cancelled(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }
}
