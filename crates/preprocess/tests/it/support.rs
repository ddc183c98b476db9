//! Photos, jurors and contexts that the tests share.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use dodge_data::{DataLoader, Dataset, FolderLoader};
use dodge_imaging::Photo;
use dodge_juror::{Error as JurorError, Juror};
use dodge_preprocess::{
    AnnotatedPhotos, AnnotationFile, CocoDocument, Context, CopyAndResize, NoProgress, Preprocessor, Progress,
    ResizeParams, Score, ScoredPhotos, SplitPhotos, Splits,
};
use dodge_tracking::{RecordedRun, RunOptions, Tracking};
use tempfile::TempDir;

/// A folder of photos, a volume, and a run recorded in memory.
pub(crate) struct Workplace {
    folder: TempDir,
    tracking: Tracking,
    pub(crate) context: Context,
    pub(crate) interrupted: Arc<AtomicBool>,
}

impl Workplace {
    pub(crate) fn new() -> Self {
        Self::with_progress(Arc::new(NoProgress))
    }

    pub(crate) fn with_progress(progress: Arc<dyn Progress>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("photos")).unwrap();
        let tracking = Tracking::in_memory();
        let run = tracking.start_run(&RunOptions::new("preprocess")).unwrap();
        let interrupted = Arc::new(AtomicBool::new(false));
        let context = Context::new(folder.path().join("volume"), run, progress, Arc::clone(&interrupted));
        Self { folder, tracking, context, interrupted }
    }

    /// The photos `a00` to `a<count - 1>`.
    pub(crate) fn with_photos(count: usize) -> Self {
        let workplace = Self::new();
        workplace.add_photos(count);
        workplace
    }

    pub(crate) fn add_photos(&self, count: usize) {
        for index in 0..count {
            photo(index).save(&self.photo_path(index)).unwrap();
        }
    }

    pub(crate) fn photo_path(&self, index: usize) -> PathBuf {
        self.folder.path().join("photos").join(format!("a{index:02}.png"))
    }

    pub(crate) fn dataset(&self) -> Dataset {
        FolderLoader::new(self.folder.path().join("photos")).load().unwrap()
    }

    pub(crate) fn cache(&self, step: &str) -> PathBuf {
        self.folder.path().join("volume/cache").join(step)
    }

    pub(crate) fn annotated(&self) -> AnnotatedPhotos {
        let resized = CopyAndResize::new(ResizeParams::default(), 1).run(&self.dataset(), &self.context).unwrap();
        AnnotationFile.run(&resized, &self.context).unwrap()
    }

    pub(crate) fn scored(&self, juror: Arc<Stub>) -> ScoredPhotos {
        Score::new(juror).run(&self.annotated(), &self.context).unwrap()
    }

    /// Ends the run; what it left stays.
    pub(crate) fn end(self) -> TempDir {
        self.folder
    }

    pub(crate) fn record(&self) -> RecordedRun {
        self.tracking.recorded_runs().remove(0)
    }
}

/// A photo of middle tones and middling colours, so that every standard damage shows; each index has another one.
/// Its patches differ from those of the others: no two photos are nearly the same.
pub(crate) fn photo(index: usize) -> Photo {
    let patch = |x: u32, y: u32| {
        let place = (index as u64) << 16 | u64::from(x / 3) << 8 | u64::from(y / 3);
        // Mixed twice (SplitMix64): after a single product the patches of some indices still look like each other's.
        let mixed = (place ^ place >> 15).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        ((mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB) >> 58) as usize
    };
    let shade = |base: usize, x: u32, y: u32| (70 + (base * 13 + patch(x, y) + (x * 3 + y * 2) as usize) % 90) as u8;
    Photo::from_fn(24, 18, |x, y| [shade(2, x, y), shade(5, y, x), shade(9, x, 0)]).unwrap()
}

type Judge = dyn Fn(&Photo) -> Result<f64, String> + Send + Sync;

/// A juror that does as it is told and counts the photos that it is asked about.
pub(crate) struct Stub {
    name: String,
    judge: Box<Judge>,
    asked: AtomicUsize,
}

impl Stub {
    /// Gives every photo the same score.
    pub(crate) fn constant(score: f64) -> Arc<Self> {
        Self::new(&format!("constant {score}"), move |_| Ok(score))
    }

    pub(crate) fn new(name: &str, judge: impl Fn(&Photo) -> Result<f64, String> + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { name: name.to_owned(), judge: Box::new(judge), asked: AtomicUsize::new(0) })
    }

    /// Breaks down after `photos` photos.
    pub(crate) fn failing_after(photos: usize, score: f64) -> Arc<Self> {
        let left = Mutex::new(photos);
        Self::new("failing", move |_| {
            let mut left = left.lock().unwrap();
            *left = left.checked_sub(1).ok_or("out of order")?;
            Ok(score)
        })
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Juror for Stub {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn score(&self, photos: &[&Photo]) -> Result<Vec<f64>, JurorError> {
        self.asked.fetch_add(photos.len(), Ordering::Relaxed);
        let unavailable = |reason| JurorError::Unavailable { juror: self.name(), reason };
        photos.iter().map(|photo| (self.judge)(photo).map_err(unavailable)).collect()
    }
}

/// The same photos listed in another order.
pub(crate) fn reordered(scored: &ScoredPhotos, order: &[usize]) -> ScoredPhotos {
    let mut document = CocoDocument::new("reordered");
    for &index in order {
        let image = &scored.document.images[index];
        let id = document.add_image(&image.file_name, image.width, image.height);
        let score = image.score.unwrap();
        document.add_score(id, score, score);
    }
    ScoredPhotos { document, key: format!("{}-{order:?}", scored.key), ..scored.clone() }
}

pub(crate) fn all(splits: &Splits) -> [&SplitPhotos; 3] {
    [&splits.train, &splits.validation, &splits.test]
}

pub(crate) fn names(split: &SplitPhotos) -> Vec<String> {
    split.photos.iter().map(|photo| photo.file_name.clone()).collect()
}

/// Every file below a folder with the time of its last change; empty where there is no folder.
pub(crate) fn files(folder: &Path) -> BTreeMap<PathBuf, SystemTime> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.insert(entry.path(), entry.metadata().unwrap().modified().unwrap());
        }
    }
    found
}

/// The names directly in a folder; none where there is no folder.
pub(crate) fn entries(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

/// Splits of ten photos that hold six, two and two.
pub(crate) fn degrade() -> dodge_preprocess::DegradeParams {
    dodge_preprocess::DegradeParams {
        train_ratio: 0.6,
        validation_ratio: 0.2,
        ..dodge_preprocess::DegradeParams::default()
    }
}
