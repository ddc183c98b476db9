//! The annotation file: COCO JSON with scores and the edits applied to each photo.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, file_error};
use crate::whole_file::write_whole;

/// Version of the annotation files that are written; files of this version and files without one are read.
pub const ANNOTATION_FORMAT: u32 = 1;

/// Category of annotations that hold a score.
pub const SCORE_CATEGORY: u64 = 0;

/// Category above all operations and damages.
pub const TRANSFORMER_CATEGORY: u64 = 1;

/// Most bytes of an annotation file that are read: room for about a million photos.
const MAX_BYTES: u64 = 1 << 30;

/// A whole annotation file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CocoDocument {
    /// What the file is about.
    pub info: Info,
    /// Always empty; COCO wants it.
    #[serde(default)]
    pub licenses: Vec<serde_json::Value>,
    /// The photos.
    pub images: Vec<CocoImage>,
    /// Scores and edits of the photos.
    pub annotations: Vec<Annotation>,
    /// Names of the edits.
    pub categories: Vec<Category>,
}

/// What the file is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Info {
    /// In words.
    pub description: String,
    /// [`ANNOTATION_FORMAT`] of the writing program; missing in files of other programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dodge_annotation_format: Option<u32>,
    /// Who gave the scores, by [`Juror::name`](dodge_juror::Juror::name); missing where there are none, and in files of other programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub juror: Option<String>,
    /// Photos that were left out because the juror did not notice their damage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<usize>,
}

/// One photo.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CocoImage {
    /// From 1, unique.
    pub id: u64,
    /// Relative to the folder `images` beside the file.
    pub file_name: String,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Score of this file, 0 to 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// Score of the undamaged original, 0 to 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_score: Option<f64>,
    /// The undamaged original, relative to the folder of the annotation file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original: Option<String>,
}

/// A score of a photo, or an edit that was applied to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Annotation {
    /// From 1, unique.
    pub id: u64,
    /// The photo.
    pub image_id: u64,
    /// [`SCORE_CATEGORY`], or the category of an edit.
    pub category_id: u64,
    /// The whole photo, in pixels: left, top, width, height. `pycocotools` does without, FiftyOne does not. Empty in files of the
    /// predecessor.
    #[serde(default)]
    pub bbox: Vec<f64>,
    /// Of the photo, in pixels.
    #[serde(default)]
    pub area: f64,
    /// Always 0.
    #[serde(default)]
    pub iscrowd: u32,
    /// Always empty.
    #[serde(default)]
    pub segmentation: Vec<f64>,
    /// Whether this is a score.
    #[serde(default)]
    pub is_scoring_annotation: bool,
    /// Order within the photo, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// Score of this file, 0 to 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// Score of the original, 0 to 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_score: Option<f64>,
    /// The edit in its text form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transformation: Option<String>,
}

/// A kind of edit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Category {
    /// Unique.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// Name of the category above; files of the predecessor hold a number or nothing here.
    #[serde(default, deserialize_with = "text_of_any")]
    pub supercategory: String,
}

impl CocoDocument {
    /// A document without photos.
    #[must_use]
    pub fn new(description: &str) -> Self {
        Self {
            info: Info {
                description: description.to_owned(),
                dodge_annotation_format: Some(ANNOTATION_FORMAT),
                juror: None,
                left_out: None,
            },
            licenses: Vec::new(),
            images: Vec::new(),
            annotations: Vec::new(),
            categories: vec![
                category(SCORE_CATEGORY, "score", "score"),
                category(TRANSFORMER_CATEGORY, "transformer", "edit"),
            ],
        }
    }

    /// The same with the name of the juror whose scores it will hold.
    #[must_use]
    pub fn scored_by(mut self, juror: String) -> Self {
        self.info.juror = Some(juror);
        self
    }

    /// Adds a photo and returns its id.
    pub fn add_image(&mut self, file_name: &str, width: u32, height: u32) -> u64 {
        let id = self.images.len() as u64 + 1;
        self.images.push(CocoImage {
            id,
            file_name: file_name.to_owned(),
            width,
            height,
            score: None,
            initial_score: None,
            original: None,
        });
        id
    }

    /// Records the score of a photo and of its original, both as the image's fields and as an annotation.
    ///
    /// # Panics
    /// When there is no photo with this id.
    pub fn add_score(&mut self, image_id: u64, score: f64, initial_score: f64) {
        let image = &mut self.images[image_id as usize - 1];
        (image.score, image.initial_score) = (Some(score), Some(initial_score));
        let annotation = self.annotation(image_id, SCORE_CATEGORY);
        self.annotations.push(Annotation {
            is_scoring_annotation: true,
            score: Some(score),
            initial_score: Some(initial_score),
            ..annotation
        });
    }

    /// Records an edit by the name of its kind and its text form.
    ///
    /// # Panics
    /// When there is no photo with this id.
    pub fn add_transformation(&mut self, image_id: u64, kind: &str, text: &str) {
        // An edit may be called as the categories above the edits are.
        let known = self.categories.iter().find(|c| c.name == kind && c.id > TRANSFORMER_CATEGORY).map(|c| c.id);
        let category_id = known.unwrap_or_else(|| {
            let last = self.categories.iter().map(|category| category.id).max().unwrap_or(0);
            let id = last.max(TRANSFORMER_CATEGORY) + 1;
            self.categories.push(category(id, kind, "transformer"));
            id
        });
        let annotation = self.annotation(image_id, category_id);
        self.annotations.push(Annotation { transformation: Some(text.to_owned()), ..annotation });
    }

    /// Writes the file, indented, as UTF-8: whole or not at all. Readers of COCO look every category up, so one that is
    /// used and has no row, as in files of the predecessor, gets one.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        let mut text = match self.missing_categories() {
            rows if rows.is_empty() => serde_json::to_vec_pretty(self),
            rows => {
                let mut whole = self.clone();
                whole.categories.extend(rows);
                whole.categories.sort_by_key(|category| category.id);
                serde_json::to_vec_pretty(&whole)
            }
        }
        .expect("numbers and strings are always JSON");
        text.push(b'\n');
        write_whole(path, &text)
    }

    /// Rows for the categories that annotations are of and that have none.
    fn missing_categories(&self) -> Vec<Category> {
        let known: BTreeSet<u64> = self.categories.iter().map(|category| category.id).collect();
        let used: BTreeSet<u64> = self.annotations.iter().map(|annotation| annotation.category_id).collect();
        let row = |id: u64| match id {
            SCORE_CATEGORY => category(id, "score", "score"),
            TRANSFORMER_CATEGORY => category(id, "transformer", "edit"),
            _ => category(id, &format!("category {id}"), "transformer"),
        };
        used.difference(&known).map(|&id| row(id)).collect()
    }

    /// Reads a file of this format, or one of the predecessor's, which has no format version. A byte order mark at the
    /// beginning, as programs for Windows write it, does no harm: UTF-8 and UTF-16 are read.
    ///
    /// # Errors
    /// [`Error::File`], or [`Error::Annotations`] for what is no annotation file, has another format version, or refers
    /// to photos or names outside of its folder.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let invalid = |reason: String| Error::Annotations { path: path.to_owned(), reason };
        let read = |source| file_error("read", path, source);
        let mut text = Vec::new();
        fs::File::open(path).map_err(read)?.take(MAX_BYTES + 1).read_to_end(&mut text).map_err(read)?;
        if text.len() as u64 > MAX_BYTES {
            return Err(invalid("larger than 1 GiB".to_owned()));
        }
        let text = dodge_imaging::text_of(text).map_err(|e| invalid(e.to_string()))?;
        let document: Self = serde_json::from_str(&text).map_err(|e| invalid(e.to_string()))?;
        if let Some(version) = document.info.dodge_annotation_format
            && version != ANNOTATION_FORMAT
        {
            return Err(invalid(format!(
                "has format version {version}, this program reads version {ANNOTATION_FORMAT}: remake it with `dodge`"
            )));
        }
        for (index, image) in document.images.iter().enumerate() {
            if image.id != index as u64 + 1 {
                return Err(invalid(format!("image ids must count from 1, found {} at place {}", image.id, index + 1)));
            }
            let plain = Path::new(&image.file_name).components().all(|c| matches!(c, std::path::Component::Normal(_)));
            if !plain || image.file_name.is_empty() {
                return Err(invalid(format!("the file name `{}` leaves the folder", image.file_name)));
            }
        }
        if let Some(stray) =
            document.annotations.iter().find(|a| !(1..=document.images.len() as u64).contains(&a.image_id))
        {
            return Err(invalid(format!(
                "annotation {} is about image {}, which is not listed",
                stray.id, stray.image_id
            )));
        }
        Ok(document)
    }

    /// The edits applied to each photo, `[image][edit]` in order.
    #[must_use]
    pub fn transformations(&self) -> Vec<Vec<&str>> {
        let mut edits: Vec<Vec<(u64, &str)>> = vec![Vec::new(); self.images.len()];
        for annotation in self.annotations.iter().filter(|a| a.category_id != SCORE_CATEGORY) {
            let name = || self.categories.iter().find(|c| c.id == annotation.category_id).map(|c| c.name.as_str());
            if let Some(text) = annotation.transformation.as_deref().or_else(name) {
                edits[annotation.image_id as usize - 1].push((annotation.sequence.unwrap_or(u64::MAX), text));
            }
        }
        let in_order = |mut edits: Vec<(u64, _)>| {
            edits.sort_by_key(|(sequence, _)| *sequence);
            edits.into_iter().map(|(_, text)| text).collect()
        };
        edits.into_iter().map(in_order).collect()
    }

    fn annotation(&self, image_id: u64, category_id: u64) -> Annotation {
        // Annotations of a photo are added one after the other, so the last one tells the number.
        let before = self.annotations.last().filter(|last| last.image_id == image_id).and_then(|last| last.sequence);
        let image = &self.images[image_id as usize - 1];
        let [width, height] = [image.width, image.height].map(f64::from);
        Annotation {
            id: self.annotations.len() as u64 + 1,
            image_id,
            category_id,
            bbox: vec![0.0, 0.0, width, height],
            area: width * height,
            iscrowd: 0,
            segmentation: Vec::new(),
            is_scoring_annotation: false,
            sequence: Some(before.unwrap_or(0) + 1),
            score: None,
            initial_score: None,
            transformation: None,
        }
    }
}

fn category(id: u64, name: &str, supercategory: &str) -> Category {
    Category { id, name: name.to_owned(), supercategory: supercategory.to_owned() }
}

fn text_of_any<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::String(text) => text,
        serde_json::Value::Null => String::new(),
        other => other.to_string(),
    })
}
