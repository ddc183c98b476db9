//! Named datasets on this machine: fetched once, verified each time.

mod place;
mod record;

use std::fs;
use std::path::{Path, PathBuf};

use crate::archive::{Extracted, extract};
use crate::lock::Lock;
use crate::watch::{Progress, Watcher, check};
use crate::{
    DownloadOptions, DownloadRequest, Downloader, Entry, Error, ExtractionLimits, FolderDigest, KAGGLE_URL,
    KaggleToken, Registry, Source, digest, digest_cache, download, kaggle, walk, whole_file, write_error,
};
use place::Place;

/// Fetches datasets of a registry into a volume, and verifies them.
///
/// In the volume, `datasets/<id>` holds a dataset (its files in the entry's `images` folder), and is there only when it
/// is whole; `downloads/` holds what is on its way, and the lock that makes two processes which fetch the same dataset
/// wait for each other.
#[derive(Debug, Clone)]
pub struct Fetcher {
    volume: PathBuf,
    registry: Registry,
    downloader: Downloader,
    limits: ExtractionLimits,
    kaggle: Option<KaggleToken>,
    kaggle_url: String,
}

/// A dataset that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fetched {
    /// Its id.
    pub id: String,
    /// The folder with its files.
    pub images: PathBuf,
    /// The hashes of the folder.
    pub digest: FolderDigest,
    /// Whether the registry says a hash of the folder, which then is this one.
    pub verified: bool,
    /// What came out of the archive; nothing when the dataset was there already or is a folder.
    pub extracted: Option<Extracted>,
}

impl Fetcher {
    /// For the datasets of `registry`, kept in the folder `volume`.
    ///
    /// # Errors
    /// [`Error::Download`] when connections cannot be set up.
    pub fn new(volume: impl Into<PathBuf>, registry: Registry) -> Result<Self, Error> {
        Ok(Self {
            volume: volume.into(),
            registry,
            downloader: Downloader::new(DownloadOptions::standard())?,
            limits: ExtractionLimits::standard(),
            kaggle: None,
            kaggle_url: KAGGLE_URL.to_owned(),
        })
    }

    /// Other patience and bounds of downloads.
    ///
    /// # Errors
    /// [`Error::Download`] when connections cannot be set up.
    pub fn with_download_options(mut self, options: DownloadOptions) -> Result<Self, Error> {
        self.downloader = Downloader::new(options)?;
        Ok(self)
    }

    /// Other bounds of archives.
    #[must_use]
    pub fn with_extraction_limits(mut self, limits: ExtractionLimits) -> Self {
        self.limits = limits;
        self
    }

    /// The token for datasets of Kaggle.
    #[must_use]
    pub fn with_kaggle(mut self, token: KaggleToken) -> Self {
        self.kaggle = Some(token);
        self
    }

    /// Another address than [`KAGGLE_URL`], for tests and mirrors.
    #[must_use]
    pub fn with_kaggle_url(mut self, url: impl Into<String>) -> Self {
        self.kaggle_url = url.into();
        self
    }

    /// The datasets it knows.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The folder with the files of a dataset, whether or not it is there yet.
    ///
    /// # Errors
    /// [`Error::UnknownDataset`].
    pub fn images(&self, id: &str) -> Result<PathBuf, Error> {
        Ok(self.images_of(self.registry.get(id)?))
    }

    /// The folder that datasets are kept in.
    #[cfg(feature = "service")]
    pub(crate) fn volume(&self) -> &Path {
        &self.volume
    }

    /// Where the files of a dataset are when an acquisition service put them into this volume: one of ours, or the
    /// predecessor's, which keeps each dataset at the top.
    pub(crate) fn shared_places(&self, id: &str) -> Result<(PathBuf, PathBuf), Error> {
        let entry = self.registry.get(id)?;
        Ok((self.images_of(entry), self.volume.join(&entry.id).join(&entry.images)))
    }

    /// Whether a dataset is there, by a glance: nothing is read but its record.
    ///
    /// # Errors
    /// [`Error::UnknownDataset`].
    pub fn is_there(&self, id: &str) -> Result<bool, Error> {
        let entry = self.registry.get(id)?;
        Ok(match &entry.source {
            Source::Folder(folder) => folder.is_dir(),
            _ => record::exists(&Place::new(&self.volume, &entry.id)),
        })
    }

    /// Makes a dataset be there. What is there already is verified (unchanged files by their size and time alone) and
    /// left as it is; what was interrupted goes on where it ended.
    ///
    /// # Errors
    /// [`Error::UnknownDataset`], [`Error::Download`], [`Error::Kaggle`], [`Error::Archive`], [`Error::WrongHash`],
    /// [`Error::Occupied`], [`Error::NoSpace`], [`Error::NoSuchFolder`], [`Error::Read`], [`Error::Write`],
    /// [`Error::Cancelled`].
    pub fn fetch(&self, id: &str, watcher: &dyn Watcher) -> Result<Fetched, Error> {
        let entry = self.registry.get(id)?;
        if let Source::Folder(_) = entry.source {
            return self.verify(id, watcher);
        }
        let place = Place::new(&self.volume, &entry.id);
        let _lock = Lock::acquire(&place.lock(), watcher)?;
        if let Some(fetched) = self.already_there(entry, &place, watcher)? {
            return Ok(fetched);
        }
        let archive = self.archive(entry, &place, watcher)?;
        let (extracted, digest) = self.unpack(entry, &place, &archive, watcher)?;
        if archive == place.archive() {
            // The dataset is in place; an archive that stays only takes space.
            if let Err(error) = fs::remove_file(&archive) {
                tracing::debug!(%error, archive = %archive.display(), "the archive stays");
            }
            record::forget_archive(&place);
        }
        Ok(self.fetched(entry, digest, Some(extracted)))
    }

    /// Reads all of a dataset that is there and compares its hash with that of the registry.
    ///
    /// # Errors
    /// [`Error::UnknownDataset`], [`Error::NotFetched`], [`Error::WrongHash`], [`Error::NoSuchFolder`], [`Error::Read`],
    /// [`Error::Cancelled`].
    pub fn verify(&self, id: &str, watcher: &dyn Watcher) -> Result<Fetched, Error> {
        let entry = self.registry.get(id)?;
        let images = self.images_of(entry);
        let digest = if let Source::Folder(folder) = &entry.source {
            if !folder.is_dir() {
                return Err(Error::NoSuchFolder { path: folder.clone() });
            }
            FolderDigest::of_folder(folder, watcher)?
        } else {
            let place = Place::new(&self.volume, &entry.id);
            if !images.is_dir() {
                return Err(Error::NotFetched { id: entry.id.clone(), path: place.dataset() });
            }
            digest_cache::digest_anew(&images, &place.digest_cache(), watcher)?
        };
        let advice = match entry.source {
            Source::Folder(_) => "compare it with where it came from",
            _ => "move it away and fetch again",
        };
        compare(entry, digest, &images, advice, watcher)?;
        Ok(self.fetched(entry, digest, None))
    }

    fn images_of(&self, entry: &Entry) -> PathBuf {
        match &entry.source {
            Source::Folder(folder) => folder.clone(),
            _ => Place::new(&self.volume, &entry.id).dataset().join(&entry.images),
        }
    }

    fn fetched(&self, entry: &Entry, digest: FolderDigest, extracted: Option<Extracted>) -> Fetched {
        Fetched {
            id: entry.id.clone(),
            images: self.images_of(entry),
            digest,
            verified: entry.directory_hash.is_some() || entry.content_hash.is_some(),
            extracted,
        }
    }

    /// The dataset, if it is in its place already.
    fn already_there(&self, entry: &Entry, place: &Place, watcher: &dyn Watcher) -> Result<Option<Fetched>, Error> {
        let folder = place.dataset();
        let occupied = |reason| Error::Occupied { id: entry.id.clone(), path: folder.clone(), reason };
        match fs::symlink_metadata(&folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(Error::Read { path: folder, source }),
            Ok(_) if !folder.is_dir() => return Err(occupied("is no folder")),
            Ok(_) => {}
        }
        let images = self.images_of(entry);
        let has_hash = entry.directory_hash.is_some() || entry.content_hash.is_some();
        let recorded = record::read(place);
        if recorded.is_none() && !(has_hash && images.is_dir()) {
            return Err(occupied(
                "was not put there by a fetch, and there is no hash to tell whether it is the dataset",
            ));
        }
        let digest = digest_cache::digest(&images, &place.digest_cache(), watcher)?;
        if has_hash {
            compare(entry, digest, &images, "move it away and fetch again", watcher)?;
        } else if let Some(recorded) = recorded {
            // Without a hash in the registry, what was fetched must at least come from the same source and be unchanged.
            if recorded.source != record::source(entry) {
                return Err(occupied("was fetched from another source than the list of datasets says now"));
            }
            if recorded.content_hash != digest.content_hash.to_string() {
                return Err(occupied("was changed since it was fetched"));
            }
        }
        if record::read(place).is_none() {
            record::write(&folder, entry, digest)?;
        }
        Ok(Some(self.fetched(entry, digest, None)))
    }

    /// The archive on this machine, downloaded if need be.
    fn archive(&self, entry: &Entry, place: &Place, watcher: &dyn Watcher) -> Result<PathBuf, Error> {
        let request = match &entry.source {
            Source::Archive(path) => {
                if let Some(expected) = entry.archive_sha256 {
                    let got = download::file_hash(path, watcher)?;
                    if got != expected {
                        return Err(Error::WrongHash {
                            id: entry.id.clone(),
                            what: "SHA-256 of the archive",
                            expected: expected.to_string().into(),
                            got: got.to_string().into(),
                            path: path.clone(),
                            advice: "get the archive again, or correct archive_sha256",
                        });
                    }
                }
                return Ok(path.clone());
            }
            Source::Kaggle(dataset) => kaggle::request(&self.kaggle_url, dataset, self.kaggle.as_ref())?,
            Source::Url(url) => DownloadRequest::new(url)?,
            Source::Folder(folder) => return Err(Error::NotAFolder { path: folder.clone() }),
        };
        let request = match entry.archive_sha256 {
            Some(sha256) => request.with_sha256(sha256),
            None => request,
        };
        let archive = place.archive();
        // Whole already, when an earlier fetch was interrupted behind the download.
        if !record::is_archive_of(place, entry) {
            record::forget_archive(place);
            self.downloader.download(&request, &archive, watcher)?;
            record::remember_archive(place, entry)?;
        }
        Ok(archive)
    }

    /// Takes the archive apart beside the place of the dataset, verifies what came, and only then puts it there.
    fn unpack(
        &self,
        entry: &Entry,
        place: &Place,
        archive: &Path,
        watcher: &dyn Watcher,
    ) -> Result<(Extracted, FolderDigest), Error> {
        let partial = place.partial();
        // Left by an interrupted extraction. The lock is ours, so nobody writes there.
        remove(&partial)?;
        let images = partial.join(&entry.images);
        fs::create_dir_all(&images).map_err(|source| write_error(&images, source))?;
        watcher.progress(&Progress::Extracting { files: 0, bytes: 0 });
        let unpacked = extract(archive, &images, &entry.selection, &self.limits, watcher);
        let (extracted, digest) =
            match unpacked.and_then(|extracted| Ok((extracted, FolderDigest::of_folder(&images, watcher)?))) {
                Ok(done) => done,
                Err(error) => {
                    // Best effort: the next fetch removes it, too, and it does not look like a dataset.
                    let _ = fs::remove_dir_all(&partial);
                    if matches!(error, Error::Archive { .. }) && archive == place.archive() {
                        // Kept for a look, but fetched again: a damaged archive stays damaged.
                        record::forget_archive(place);
                    }
                    return Err(error);
                }
            };
        if let Err(error) = compare(entry, digest, &images, "", watcher) {
            let rejected = place.rejected();
            remove(&rejected)?;
            whole_file::put(&partial, &rejected)?;
            record::forget_archive(place);
            return Err(match error {
                Error::WrongHash { id, what, expected, got, .. } => Error::WrongHash {
                    id,
                    what,
                    expected,
                    got,
                    path: rejected,
                    advice: "look whether it is what you want; if the publisher changed it, correct the hash in your list \
                             of datasets",
                },
                other => other,
            });
        }
        record::write(&partial, entry, digest)?;
        whole_file::settle(&partial, &|| check(watcher))?;
        whole_file::put(&partial, &place.dataset())?;
        Ok((extracted, digest))
    }
}

/// Compares what is there with what the registry says.
fn compare(
    entry: &Entry,
    digest: FolderDigest,
    images: &Path,
    advice: &'static str,
    watcher: &dyn Watcher,
) -> Result<(), Error> {
    let wrong = |what, expected: String, got: String| Error::WrongHash {
        id: entry.id.clone(),
        what,
        expected: expected.into(),
        got: got.into(),
        path: images.to_owned(),
        advice,
    };
    if let Some(expected) = entry.content_hash
        && expected != digest.content_hash
    {
        return Err(wrong("content hash", expected.to_string(), digest.content_hash.to_string()));
    }
    let Some(expected) = entry.directory_hash else { return Ok(()) };
    if expected == digest.directory_hash {
        return Ok(());
    }
    // Whether the predecessor kept the archive root in the paths is not known for every hash; both say the same of the
    // files.
    let prefix = entry.selection.prefix();
    if !prefix.is_empty() {
        let files = walk::files(images)?;
        if digest::of_files(images, &files, &prefix, watcher)?.directory_hash == expected {
            return Ok(());
        }
    }
    Err(wrong("directory hash", expected.to_string(), digest.directory_hash.to_string()))
}

/// Removes a folder if it is there.
fn remove(folder: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(write_error(folder, error)),
        _ => Ok(()),
    }
}
