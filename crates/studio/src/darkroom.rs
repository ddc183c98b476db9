//! Photos that are being looked at: each is decoded once, and edits are tried on a copy of the size of a screen.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use dodge_imaging::{Encoding, Photo, Picture, Recipe};
use dodge_rl::shown_to_juror;

use crate::by_bytes::ByBytes;
use crate::folder::Folder;
use crate::refusal::Refusal;

/// Longer side, in pixels, of the copy on which edits are tried.
const WORKING_SIDE: u32 = 1600;

/// What is shown of an edit is looked at for a moment, and of the whole photo closely.
const PREVIEW_QUALITY: u8 = 86;
const FULL_QUALITY: u8 = 92;

/// Bytes of copies that are kept, and of whole photos.
const KEPT_COPIES: usize = 96 << 20;
const KEPT_WHOLE: usize = 200 << 20;

/// Most pixels of a photo that is shown as it is; more are scaled down: a browser would run out of memory.
const MOST_SHOWN: u64 = 64_000_000;

/// Longer side that models look at, of which a copy is made from the whole photo.
const SEEN_SIDE: u32 = 48;

/// A photo as far as edits are tried on it.
#[derive(Debug)]
pub(crate) struct Opened {
    /// Width and height of the whole photo.
    pub(crate) size: (u32, u32),
    /// The copy on which edits are tried.
    pub(crate) working: Photo,
    /// The copy as a JPEG.
    pub(crate) before: Bytes,
    /// As the juror sees it.
    pub(crate) judged: Photo,
    /// As most models see it.
    seen: Photo,
    /// What was left out or decided while it was read.
    pub(crate) notes: Vec<String>,
}

impl Opened {
    fn of(picture: &Picture) -> Result<Self, Refusal> {
        let whole = picture.seen();
        let (working, seen) = rayon::join(|| whole.thumbnail(WORKING_SIDE), || whole.thumbnail(SEEN_SIDE));
        let before = jpeg(&working, PREVIEW_QUALITY)?;
        let judged = shown_to_juror(&working);
        let notes = picture.notes.iter().map(ToString::to_string).collect();
        Ok(Self { size: picture.pixels.size(), working, before, judged, seen, notes })
    }

    /// As a model of this working size sees it.
    pub(crate) fn seen(&self, side: u32) -> Photo {
        if side == SEEN_SIDE { self.seen.clone() } else { self.working.thumbnail(side) }
    }

    fn bytes(&self) -> usize {
        [&self.working, &self.judged, &self.seen].iter().map(|photo| photo.pixels().len()).sum::<usize>()
            + self.before.len()
    }
}

/// The photos that were looked at last.
#[derive(Debug)]
pub(crate) struct Darkroom {
    folder: Arc<Folder>,
    copies: Mutex<ByBytes<usize, Arc<Opened>>>,
    whole: Mutex<ByBytes<usize, Arc<Picture>>>,
    /// One photo is decoded at a time for the same number: a page asks for several things of a photo at once.
    opening: Mutex<()>,
}

impl Darkroom {
    pub(crate) fn new(folder: Arc<Folder>) -> Self {
        let (copies, whole) = (ByBytes::new(KEPT_COPIES), ByBytes::new(KEPT_WHOLE));
        Self { folder, copies: Mutex::new(copies), whole: Mutex::new(whole), opening: Mutex::new(()) }
    }

    /// Decodes a photo, unless it was looked at a moment ago.
    pub(crate) fn open(&self, id: usize) -> Result<Arc<Opened>, Refusal> {
        if let Some(opened) = lock(&self.copies).get(id) {
            return Ok(opened);
        }
        let _one_at_a_time = lock(&self.opening);
        if let Some(opened) = lock(&self.copies).get(id) {
            return Ok(opened);
        }
        let picture = Picture::open(&self.folder.file(id)?).map_err(Refusal::failed)?;
        let opened = Arc::new(Opened::of(&picture)?);
        lock(&self.copies).put(id, Arc::clone(&opened), opened.bytes());
        self.keep(id, Arc::new(picture));
        Ok(opened)
    }

    /// What becomes of the copy by a recipe, as a JPEG with a longer side of at most `side` pixels.
    pub(crate) fn preview(&self, id: usize, recipe: &Recipe, side: Option<u32>) -> Result<Bytes, Refusal> {
        let opened = self.open(id)?;
        match side {
            Some(side) => jpeg(&recipe.apply(&opened.working.thumbnail(side.clamp(64, WORKING_SIDE))), PREVIEW_QUALITY),
            None if recipe.operations().is_empty() => Ok(opened.before.clone()),
            None => jpeg(&recipe.apply(&opened.working), PREVIEW_QUALITY),
        }
    }

    /// What becomes of the whole photo by a recipe, as a JPEG.
    pub(crate) fn whole(&self, id: usize, recipe: &Recipe) -> Result<Bytes, Refusal> {
        let kept = lock(&self.whole).get(id);
        let picture = match kept {
            Some(picture) => picture,
            None => {
                let picture = Arc::new(Picture::open(&self.folder.file(id)?).map_err(Refusal::failed)?);
                self.keep(id, Arc::clone(&picture));
                picture
            }
        };
        let result = recipe.apply_to_picture(&picture).seen().into_owned();
        let (width, height) = (u64::from(result.width()), u64::from(result.height()));
        if width * height > MOST_SHOWN {
            let share = (MOST_SHOWN as f64 / (width * height) as f64).sqrt();
            let side = f64::from(result.longer_side()) * share;
            return jpeg(&result.thumbnail(side as u32), FULL_QUALITY);
        }
        jpeg(&result, FULL_QUALITY)
    }

    fn keep(&self, id: usize, picture: Arc<Picture>) {
        let (width, height) = picture.pixels.size();
        let depth = if matches!(picture.pixels, dodge_imaging::Pixels::Eight(_)) { 1 } else { 2 };
        let bytes = width as usize * height as usize * 3 * depth;
        lock(&self.whole).put(id, picture, bytes);
    }
}

fn jpeg(photo: &Photo, quality: u8) -> Result<Bytes, Refusal> {
    photo.encode(Encoding::Jpeg { quality }).map(Bytes::from).map_err(Refusal::failed)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
