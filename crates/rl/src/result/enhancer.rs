//! Enhancing photos, as `dodge enhance` and the Python package do it: the same photo, model and options give the same files.

use std::fs;
use std::path::{Path, PathBuf};

use dodge_imaging::{Encoding, Photo, Picture, Program, Recipe, Settings, Tolerance};
use dodge_juror::{ClassicalJuror, Juror};
use dodge_learn::Device;

use crate::error::Error;
use crate::photo::agent::Found;
use crate::photo::model::{HOUSE_MODEL, Model};
use crate::result::files::{Existing, Written, write_results};
use crate::result::instructor::{Explained, explain, shown_to_juror};
use crate::result::look::Look;
use crate::result::made::{self, Made, Own, Vetoed};

/// Extension of the recipe beside a result.
pub const RECIPE_EXTENSION: &str = "recipe.json";

/// What is made of photos.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EnhanceOptions {
    /// Most edits; as many as in training where none is named.
    pub max_steps: Option<usize>,
    /// How much of each edit is made, from 0 to 1.
    pub strength: Option<f32>,
    /// Touch photos of which the model expects so many decibels less than it was set to, see [`Model::bolder`].
    pub boldness: Option<f32>,
    /// Make edits also where the juror likes what comes of them less than the photo.
    pub no_veto: bool,
    /// Write sRGB, whatever the colour profile of the photo is.
    pub to_srgb: bool,
    /// What is done with damaged files.
    pub tolerance: Tolerance,
}

/// What enhances photos: memory is that of a photo two or three times, for each that is worked on at a time.
#[derive(Debug)]
pub struct Enhancer {
    model: Model,
    model_sha256: String,
    juror: ClassicalJuror,
    options: EnhanceOptions,
}

/// What is to be done with one photo.
#[derive(Debug, Clone, Copy)]
pub struct Task<'a> {
    /// Where the result goes, and beside it its recipe, with [`RECIPE_EXTENSION`].
    pub place: &'a Path,
    /// What was decided with others.
    pub look: Option<&'a Look>,
    /// What is done where something else is there.
    pub existing: Existing,
    /// A result of the same model and options is passed over, of whatever the photo was then.
    pub skip_existing: bool,
    /// Nothing is written.
    pub dry_run: bool,
    /// In place of a picture, settings for Lightroom are written.
    pub sidecar: bool,
    /// A picture of before and after is written beside the result, with this extension.
    pub preview: Option<&'a str>,
    /// It is said of each edit why it is made.
    pub explain: bool,
}

impl<'a> Task<'a> {
    /// A picture and its recipe are written where nothing else is.
    #[must_use]
    pub fn at(place: &'a Path) -> Self {
        Self {
            place,
            look: None,
            existing: Existing::Keep,
            skip_existing: false,
            dry_run: false,
            sidecar: false,
            preview: None,
            explain: false,
        }
    }
}

/// What was done to one photo.
#[derive(Debug, Clone)]
pub struct Enhanced {
    /// The edits.
    pub recipe: Recipe,
    /// What the model expected of all that it wanted to do, see [`Found::expected_gain_db`].
    pub expected_gain_db: Option<f32>,
    /// The juror's score of the photo, from 0 to 10.
    pub score_before: f64,
    /// That of the result.
    pub score_after: f64,
    /// What the model wanted to do, and the juror did not want.
    pub vetoed: Option<Vetoed>,
    /// What is said of each edit, where that was asked for.
    pub explained: Option<Vec<Explained>>,
    /// Whether files were written; none where none were to be.
    pub written: Option<Written>,
    /// What a person should know, though nothing failed.
    pub notes: Vec<String>,
}

/// What is made of a photo, and how the juror sees it.
struct Judged {
    recipe: Recipe,
    result: Picture,
    after: Photo,
}

impl Enhancer {
    /// With the model of this file, or with the one in the box.
    ///
    /// # Errors
    /// [`Error::File`] or [`Error::Model`] for a model that cannot be used, [`Error::Configuration`] for options that cannot be.
    pub fn load(model: Option<&Path>, device: &Device, options: EnhanceOptions) -> Result<Self, Error> {
        if let Some(share) = options.strength
            && !(0.0..=1.0).contains(&share)
        {
            let reason = format!("is {share}, expected a share of each edit from 0 to 1");
            return Err(Error::Configuration { section: "strength", reason });
        }
        let (read, model_sha256) = match model {
            Some(file) => {
                let read = Model::load(file, device)?;
                (read, made::hash(&fs::read(file).map_err(unreadable(file))?))
            }
            None => (Model::in_the_box(device)?, made::hash(HOUSE_MODEL)),
        };
        let model = match options.boldness {
            Some(boldness) => read.bolder(boldness)?,
            None => read,
        };
        Ok(Self { model, model_sha256, juror: ClassicalJuror::new(), options })
    }

    /// What it enhances with.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// What it makes of photos.
    #[must_use]
    pub fn options(&self) -> &EnhanceOptions {
        &self.options
    }

    /// What the model finds for a photo by itself.
    #[must_use]
    pub fn find(&self, photo: &Photo) -> Found {
        self.model.find(&[photo], self.options.max_steps.unwrap_or(usize::MAX)).remove(0)
    }

    /// What the model wants to do to one photo by itself, of which `place` may have a result already. Photos of a shoot are taken at most
    /// `gap_seconds` after another.
    ///
    /// # Errors
    /// [`Error::File`] or [`Error::Part`] for a file that cannot be read.
    pub fn look(&self, file: &Path, place: &Path, gap_seconds: i64) -> Result<Look, Error> {
        let bytes = made::read_bounded(file).map_err(unreadable(file))?;
        let wanted = self.made(made::hash(&bytes));
        drop(bytes);
        let before = made::own_before(&wanted, &place.with_extension(RECIPE_EXTENSION));
        let (found, taken) = match before {
            Some(before) => before,
            None => {
                let picture = self.open(file)?;
                (self.find(&picture.seen()), picture.metadata.taken())
            }
        };
        let own = Own { gap_seconds, taken, operations: found.recipe.operations().to_vec() };
        let recipe = found.recipe.clone();
        Ok(Look { photo_sha256: wanted.photo_sha256, found, taken, own, recipe, shoot: None })
    }

    /// Enhances a file.
    ///
    /// # Errors
    /// [`Error::File`] or [`Error::Part`] for a file that cannot be read, as [`write_results`] for a result that cannot be written, and
    /// [`Error::Data`] for a photo that is another one since its [`Look`].
    pub fn enhance(&self, file: &Path, task: &Task<'_>) -> Result<Enhanced, Error> {
        // A file that is no photo is refused when it is opened, with a better word about it.
        let hash = || Ok(made::hash(&made::read_bounded(file).map_err(unreadable(file))?));
        self.enhance_with(file, task, hash, || self.open(file))
    }

    /// Enhances what a file holds; its result is the same.
    ///
    /// # Errors
    /// As [`Enhancer::enhance`].
    pub fn enhance_bytes(&self, bytes: &[u8], task: &Task<'_>) -> Result<Enhanced, Error> {
        let decode = || Ok(self.prepared(Picture::decode_with(bytes, self.options.tolerance)?));
        self.enhance_with(task.place, task, || Ok(made::hash(bytes)), decode)
    }

    /// Enhances a photo, of which no more is looked at than is needed.
    fn enhance_with(
        &self,
        file: &Path,
        task: &Task<'_>,
        hash: impl FnOnce() -> Result<String, Error>,
        open: impl FnOnce() -> Result<Picture, Error>,
    ) -> Result<Enhanced, Error> {
        let (place, look) = (task.place, task.look);
        let recipe_place = &*place.with_extension(RECIPE_EXTENSION);
        let mut made = self.made(String::new());
        made.consistent = look.map(|look| look.own.clone());
        if task.skip_existing
            && let Some((recipe, before)) = made::there(&made, place, recipe_place, task.sidecar)
        {
            return Ok(Enhanced::there(recipe, before));
        }
        if !task.dry_run {
            made.photo_sha256 = hash()?;
            if look.is_some_and(|look| look.photo_sha256 != made.photo_sha256) {
                let reason = "changed while others of its shoot were looked at: give the same command again".to_owned();
                return Err(Error::Data { reason: format!("{} {reason}", file.display()) });
            }
            // By itself a photo becomes the same again; what it shares with others may be something else now.
            let shared = look.filter(|look| look.shoot.is_some());
            let is_decided = |recipe: &Recipe| shared.is_none_or(|look| self.weakened(&look.recipe) == *recipe);
            if task.preview.is_none()
                && !task.explain
                && let Some((recipe, before)) = made::same_before(&made, place, recipe_place)
                && is_decided(&recipe)
            {
                return Ok(Enhanced::there(recipe, before));
            }
        }
        self.enhance_picture(open()?, file, task, made)
    }

    fn enhance_picture(
        &self,
        picture: Picture,
        file: &Path,
        task: &Task<'_>,
        mut made: Made,
    ) -> Result<Enhanced, Error> {
        let (place, look) = (task.place, task.look);
        let photo = picture.seen();
        let found = look.map_or_else(|| self.find(&photo), |look| look.found.clone());
        let wanted = self.weakened(look.map_or(&found.recipe, |look| &look.recipe));
        made.expected_gain_db = found.expected_gain_db;
        let before = shown_to_juror(&photo);
        drop(photo);
        let Judged { recipe, result, after } = self.judged(&wanted, &picture, &before, look, &mut made)?;
        drop(picture);
        let mut notes: Vec<String> = result.notes.iter().map(ToString::to_string).collect();
        let mut written = None;
        if !task.dry_run {
            let bytes = if task.sidecar {
                sidecar(file, &recipe, &mut notes)?
            } else {
                let encoding = result.encoding_for(place)?;
                notes.extend(result.left_out_as(encoding).iter().map(ToString::to_string));
                Some(result.encode(encoding)?)
            };
            made.result_sha256 = made::hash(bytes.as_deref().unwrap_or_default());
            let mut files: Vec<(PathBuf, Vec<u8>)> = bytes.map(|bytes| (place.to_owned(), bytes)).into_iter().collect();
            files.push((place.with_extension(RECIPE_EXTENSION), made::recipe_file(&recipe, &made)?));
            if let Some(preview) = task.preview {
                files.push((place.with_extension(preview), before.beside(&after).encode(Encoding::Png)?));
            }
            written = Some(write_results(&files, task.existing)?);
        }
        // Of edits of which nothing was to be made there is nothing to say, and of a veto it is said already.
        let explains = task.explain && self.options.strength != Some(0.0) && made.vetoed.is_none();
        let explained = explains.then(|| explain(&before, &recipe));
        Ok(Enhanced { explained, written, notes, ..Enhanced::of(recipe, made) })
    }

    /// What a result of a photo is made from, before it is known what comes of it.
    fn made(&self, photo_sha256: String) -> Made {
        Made {
            by: concat!("dodge ", env!("CARGO_PKG_VERSION")).to_owned(),
            photo_sha256,
            model_sha256: self.model_sha256.clone(),
            max_steps: self.options.max_steps,
            // All of each edit is what is made without a word.
            strength: self.options.strength.filter(|&share| share != 1.0),
            boldness: self.options.boldness,
            no_veto: self.options.no_veto,
            to_srgb: self.options.to_srgb,
            consistent: None,
            vetoed: None,
            expected_gain_db: None,
            result_sha256: String::new(),
            score_before: 0.0,
            score_after: 0.0,
        }
    }

    /// A photo as the options ask for it.
    fn open(&self, file: &Path) -> Result<Picture, Error> {
        Ok(self.prepared(Picture::open_with(file, self.options.tolerance)?))
    }

    fn prepared(&self, picture: Picture) -> Picture {
        if self.options.to_srgb { picture.into_srgb() } else { picture }
    }

    /// The edits of a recipe as far as they are made.
    fn weakened(&self, recipe: &Recipe) -> Recipe {
        self.options.strength.map_or_else(|| recipe.clone(), |share| recipe.scaled(share))
    }

    /// The edits that are made and the result, where the juror has a veto: a result that it likes less than the photo is none.
    fn judged(
        &self,
        wanted: &Recipe,
        picture: &Picture,
        before: &Photo,
        look: Option<&Look>,
        made: &mut Made,
    ) -> Result<Judged, Error> {
        let result = wanted.apply_to_picture(picture);
        let after = shown_to_juror(&result.seen());
        made.score_before = self.juror.score_one(before)?;
        made.score_after = self.juror.score_one(&after)?;
        let is_worse = made.score_after < made.score_before && !wanted.operations().is_empty();
        if !is_worse || !self.has_veto(look) {
            return Ok(Judged { recipe: wanted.clone(), result, after });
        }
        drop(result);
        made.vetoed = Some(Vetoed { operations: wanted.operations().to_vec(), score: made.score_after });
        made.score_after = made.score_before;
        let recipe = Recipe::new(Vec::new());
        let recipe = wanted.longer_side().map_or(recipe.clone(), |side| recipe.with_longer_side(side));
        let result = recipe.apply_to_picture(picture);
        Ok(Judged { after: shown_to_juror(&result.seen()), recipe, result })
    }

    /// Whether the juror has a veto. What somebody made of photos of their own is a matter of taste, on which it has no say, and a
    /// shoot has one look or none.
    fn has_veto(&self, look: Option<&Look>) -> bool {
        !self.options.no_veto && !self.model.is_taught_by_a_person() && look.is_none_or(|look| look.shoot.is_none())
    }
}

impl Enhanced {
    fn of(recipe: Recipe, made: Made) -> Self {
        Self {
            recipe,
            expected_gain_db: made.expected_gain_db,
            score_before: made.score_before,
            score_after: made.score_after,
            vetoed: made.vetoed,
            explained: None,
            written: None,
            notes: Vec::new(),
        }
    }

    /// A result that was there already.
    fn there(recipe: Recipe, made: Made) -> Self {
        Self { written: Some(Written::Before), ..Self::of(recipe, made) }
    }
}

/// The settings that Lightroom has for a recipe; none for one without edits.
fn sidecar(file: &Path, recipe: &Recipe, notes: &mut Vec<String>) -> Result<Option<Vec<u8>>, Error> {
    if recipe.operations().is_empty() {
        return Ok(None);
    }
    let no_settings = |source| Error::Photo { path: file.to_owned(), source: Box::new(source) };
    let settings = Settings::of(recipe, Program::Lightroom, "").map_err(no_settings)?;
    let missing = settings.missing().map(|(operation, it)| format!("{operation} is not in the sidecar: {}", it.why));
    notes.extend(missing);
    Ok(Some(settings.text.into_bytes()))
}

/// A file that cannot be read.
fn unreadable(file: &Path) -> impl FnOnce(std::io::Error) -> Error {
    move |source| Error::File { action: "read", path: file.to_owned(), source }
}
