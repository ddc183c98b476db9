//! What became of each test photo, in the run's own folder: `outcomes.json`, and small pictures of some in `pictures/`.

use std::fs;
use std::path::Path;

use dodge_imaging::{Encoding, Photo, Picture};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::photo::shown::Shown;
use crate::photo::summary::Outcome;
use crate::photo::test_photo::TestPhoto;
use crate::whole_file::write_whole;

/// The file in a run's folder.
pub(crate) const OUTCOMES: &str = "outcomes.json";
/// The folder of pictures beside it.
pub(crate) const PICTURES: &str = "pictures";
/// The version of the format of both.
const FORMAT: u32 = 1;

/// Longer side of a picture, and of one after an edit of several, in pixels.
const SIDE: u32 = 240;
const SIDE_OF_EDIT: u32 = 128;
/// Quality of the JPEGs: at these sizes nothing is seen of it.
const QUALITY: u8 = 82;

/// The content of the file.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct OutcomesFile {
    dodge_outcomes_format: u32,
    /// The environment step that the model is of.
    pub(crate) model_step: u64,
    pub(crate) tests: Vec<TestEntry>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct TestEntry {
    pub(crate) photo: String,
    pub(crate) damaged: bool,
    pub(crate) original_score: Option<f64>,
    pub(crate) before: MeasureEntry,
    pub(crate) after: MeasureEntry,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expected_gain_db: Option<f64>,
    pub(crate) edits: Vec<EditEntry>,
    /// The number by which its pictures are called, where it has some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pictures: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct MeasureEntry {
    pub(crate) score: Option<f64>,
    pub(crate) psnr_db: Option<f64>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct EditEntry {
    /// Its text form, such as `exposure:0.5`.
    pub(crate) operation: String,
    /// How good the photo is after it, where that was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<MeasureEntry>,
}

/// The file of a picture of the test with this number: `of` is `before`, `after`, `original` or `edit-1` and so on.
pub(crate) fn picture_file(number: usize, of: &str) -> String {
    format!("{number:03}-{of}.jpg")
}

/// Writes file and pictures; those of an earlier evaluation of the same run are replaced.
///
/// # Errors
/// [`Error::File`].
pub(crate) fn write(
    run_dir: &Path,
    model_step: u64,
    photos: &[TestPhoto],
    outcomes: &[Outcome],
    shown: &[Shown],
) -> Result<(), Error> {
    if !shown.is_empty() {
        let folder = run_dir.join(PICTURES);
        fs::create_dir_all(&folder).map_err(|source| Error::File { action: "create", path: folder.clone(), source })?;
        for (number, shown) in (1..).zip(shown) {
            let (photo, outcome) = (&photos[shown.test], &outcomes[shown.test]);
            let write = |of: &str, photo: &Photo, side: u32| {
                let small = Picture::from(photo.thumbnail(side)).encode(Encoding::Jpeg { quality: QUALITY })?;
                write_whole(&folder.join(picture_file(number, of)), &small)
            };
            write("before", &photo.degraded, SIDE)?;
            write("after", &outcome.result, SIDE)?;
            write("original", &photo.original, SIDE)?;
            for (edit, after) in (1..).zip(&shown.edits) {
                write(&format!("edit-{edit}"), &after.photo, SIDE_OF_EDIT)?;
            }
        }
    }
    let tests = photos.iter().zip(outcomes).enumerate().map(|(index, (photo, outcome))| {
        let number = shown.iter().position(|shown| shown.test == index);
        entry(photo, outcome, number.map(|number| number + 1), number.map(|number| &shown[number]))
    });
    let file = OutcomesFile { dodge_outcomes_format: FORMAT, model_step, tests: tests.collect() };
    let text = serde_json::to_string_pretty(&file).expect("numbers by names are always JSON");
    write_whole(&run_dir.join(OUTCOMES), text.as_bytes())
}

fn entry(photo: &TestPhoto, outcome: &Outcome, pictures: Option<usize>, shown: Option<&Shown>) -> TestEntry {
    let edits = outcome.recipe.operations().iter().enumerate().map(|(index, operation)| {
        let after = shown.and_then(|shown| shown.edits.get(index));
        EditEntry {
            operation: operation.to_string(),
            after: after.map(|after| MeasureEntry { score: Some(after.score), psnr_db: after.psnr_db }),
        }
    });
    let measure = |score, psnr_db| MeasureEntry { score: Some(score), psnr_db: Some(psnr_db) };
    TestEntry {
        photo: photo.name.clone(),
        damaged: photo.damaged,
        original_score: Some(photo.original_score),
        before: measure(photo.degraded_score, outcome.psnr_degraded_db),
        after: measure(outcome.final_score, outcome.psnr_final_db),
        expected_gain_db: outcome.expected_gain_db.map(f64::from),
        edits: edits.collect(),
        pictures,
    }
}

/// What a file of this kind says.
///
/// # Errors
/// In words, where it is no such file, or one of another format.
pub(crate) fn parse(text: &str) -> Result<OutcomesFile, String> {
    #[derive(Deserialize)]
    struct Header {
        dodge_outcomes_format: u32,
    }
    let header: Header = serde_json::from_str(text).map_err(|error| format!("is no such file: {error}"))?;
    if header.dodge_outcomes_format != FORMAT {
        return Err(format!("has format {}, and this program reads format {FORMAT}", header.dodge_outcomes_format));
    }
    serde_json::from_str(text).map_err(|error| format!("is damaged: {error}"))
}

#[cfg(test)]
mod tests {
    use dodge_imaging::Recipe;

    use super::*;

    #[test]
    fn outcomes_and_pictures_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let flat = |grey: u8| Photo::from_fn(300, 200, |_, _| [grey; 3]).unwrap();
        let photo = TestPhoto {
            name: "a.png".to_owned(),
            original: flat(120),
            degraded: flat(90),
            damaged: true,
            original_score: 6.0,
            degraded_score: 5.0,
        };
        let outcome = Outcome {
            recipe: Recipe::new(vec!["lightness:20".parse().unwrap(), "gamma:1.1".parse().unwrap()]),
            result: flat(118),
            final_score: 5.5,
            psnr_degraded_db: 18.0,
            psnr_final_db: 30.0,
            expected_gain_db: Some(8.5),
            likeness: None,
        };
        let after = |photo: Photo, psnr_db| crate::photo::shown::AfterEdit { photo, score: 5.2, psnr_db };
        let shown = Shown { test: 1, edits: vec![after(flat(110), Some(25.0)), after(flat(118), None)] };
        let (photos, outcomes) = (vec![photo.clone(), photo], vec![outcome.clone(), outcome]);
        write(folder.path(), 77, &photos, &outcomes, &[shown]).unwrap();

        let file = parse(&fs::read_to_string(folder.path().join(OUTCOMES)).unwrap()).unwrap();
        assert_eq!((file.model_step, file.tests.len()), (77, 2));
        assert_eq!((file.tests[0].pictures, file.tests[1].pictures), (None, Some(1)));
        assert_eq!((file.tests[1].expected_gain_db, file.tests[1].after.psnr_db), (Some(8.5), Some(30.0)));
        let edits: Vec<_> = file.tests[1].edits.iter().map(|edit| (&*edit.operation, edit.after)).collect();
        let measured = |psnr_db| Some(MeasureEntry { score: Some(5.2), psnr_db });
        assert_eq!(edits, [("lightness:20", measured(Some(25.0))), ("gamma:1.1", measured(None))]);
        assert!(file.tests[0].edits.iter().all(|edit| edit.after.is_none()));
        for (of, side) in [("before", 240), ("after", 240), ("original", 240), ("edit-1", 128), ("edit-2", 128)] {
            let picture = Photo::open(&folder.path().join(PICTURES).join(picture_file(1, of))).unwrap();
            assert_eq!(picture.longer_side(), side, "{of}");
        }
    }

    #[test]
    fn other_files_are_refused_in_words() {
        assert!(parse("{\"dodge_outcomes_format\": 9}").unwrap_err().contains("has format 9"));
        assert!(parse("{\"dodge_outcomes_format\": 1}").unwrap_err().contains("is damaged"));
        assert!(parse("[]").unwrap_err().contains("is no such file"));
    }
}
