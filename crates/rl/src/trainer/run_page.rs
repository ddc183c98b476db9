//! The report of a run as a page, made from what lies in the run's folder.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use dodge_imaging::Operation;
use dodge_report::{Curve, Edit, Frame, Measure, Photos, Pictures, Record, Results, Test, Timeline, page};
use serde_json::Value;

use crate::error::Error;
use crate::naming;
use crate::trainer::curves::{self, PROGRESS};
use crate::trainer::outcomes::{self, EditEntry, MeasureEntry, OUTCOMES, PICTURES, TestEntry, picture_file};
use crate::trainer::timeline::{BEFORE, GOAL, TIMELINE, frame_file};

/// The file with the hyperparameters, which every run has from its beginning.
const CONFIGURATION: &str = "configuration.toml";
/// Most bytes of a file that is read.
const MOST_BYTES: u64 = 64 << 20;
/// Most bytes of a picture, and most tests with pictures and pictures of validations that a page takes.
const MOST_OF_PICTURE: u64 = 1 << 20;
const MOST_SHOWN: usize = 200;
const MOST_FRAMES: usize = 24;
/// The figure of every validation.
const OF_VALIDATION: &str = "validation/psnr_gain_db";

/// Hyperparameters that are told first, and by what words.
const TOLD: [(&str, &str, &str); 4] = [
    ("training", "algorithm", "algorithm"),
    ("training", "steps", "planned environment steps"),
    ("training", "seed", "seed"),
    ("training", "least_undamaged_db", "floor for undamaged photos (dB)"),
];

/// A page and what it lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunPage {
    /// One HTML document that needs nothing else.
    pub html: String,
    /// What is not in it, in words; the page says the same.
    pub missing: Vec<String>,
}

/// The report of the run in this folder, of whatever is there: of a run that was interrupted less than of one that is done. The
/// same folder gives the same bytes.
///
/// # Errors
/// [`Error::Data`] where the folder is no run's.
pub fn page_of_run(run_dir: &Path) -> Result<RunPage, Error> {
    let configuration = run_dir.join(CONFIGURATION);
    if !configuration.is_file() {
        return Err(Error::Data {
            reason: format!("{} is no run's folder: it has no {CONFIGURATION}", run_dir.display()),
        });
    }
    let mut record = Record { name: name_of(run_dir), ..Record::default() };
    add_used(&mut record, run_dir);
    add_configuration(&mut record, run_dir);
    add_results(&mut record, run_dir);
    add_outcomes(&mut record, run_dir);
    add_curves(&mut record, run_dir);
    Ok(RunPage { html: page(&record), missing: record.missing })
}

/// The folder's name, as long as no other is known.
fn name_of(run_dir: &Path) -> String {
    let whole = std::path::absolute(run_dir).unwrap_or_else(|_| run_dir.to_owned());
    whole.file_name().unwrap_or(whole.as_os_str()).to_string_lossy().into_owned()
}

/// What a file of the run says; where that cannot be known, it is noted what is missing by it.
fn read<T>(
    record: &mut Record,
    run_dir: &Path,
    name: &str,
    holds: &str,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Option<T> {
    let text = bytes(&run_dir.join(name), MOST_BYTES).and_then(|bytes| {
        String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is no text in UTF-8"))
    });
    let problem = match text {
        Ok(text) => match parse(&text) {
            Ok(value) => return Some(value),
            Err(problem) => format!("{name} {problem}"),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => format!("there is no {name}"),
        Err(error) => format!("{name} cannot be read: {error}"),
    };
    record.missing.push(format!("{holds}: {problem}"));
    None
}

fn bytes(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("it is larger than {} MB", most >> 20)));
    }
    Ok(bytes)
}

fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("is damaged: {error}"))
}

fn add_used(record: &mut Record, run_dir: &Path) {
    let holds = "What was trained on";
    let Some(used) = read(record, run_dir, "used.json", holds, json) else { return };
    if let Some(name) = used["run"].as_str() {
        record.name = name.to_owned();
    }
    // The name alone: a report is shown to others.
    let folder = |key: &str| {
        let path = naming::path_in(used.get(key)?)?;
        Some(path.file_name()?.to_string_lossy().into_owned())
    };
    let Some(source) = folder("photos") else {
        record.missing.push(format!("{holds}: used.json names no photos"));
        return;
    };
    let source = folder("after").map_or_else(|| source.clone(), |after| format!("pairs: {source}, {after}"));
    let splits = ["train", "validation", "test"].map(|split| {
        let photos = used["split_photos"][split].as_u64();
        photos.and_then(|photos| usize::try_from(photos).ok())
    });
    let splits = match splits {
        [Some(train), Some(validation), Some(test)] => Some([train, validation, test]),
        _ => None,
    };
    record.photos = Some(Photos { source, splits });
}

fn add_configuration(record: &mut Record, run_dir: &Path) {
    let parse = |text: &str| text.parse::<toml::Table>().map_err(|error| format!("is damaged: {}", error.message()));
    let Some(table) = read(record, run_dir, CONFIGURATION, "The hyperparameters", parse) else { return };
    let text = |value: &toml::Value| match value {
        toml::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    for (section, key, words) in TOLD {
        let value = table.get(section).and_then(|section| section.get(key));
        record.settings.extend(value.map(|value| (words.to_owned(), text(value))));
    }
    for (section, values) in &table {
        for (key, value) in values.as_table().into_iter().flatten() {
            record.hyperparameters.push((format!("{section}.{key}"), text(value)));
        }
    }
}

fn add_results(record: &mut Record, run_dir: &Path) {
    let holds = "Figures on the test photos, which are measured at the end of a training";
    let Some(report) = read(record, run_dir, "report.json", holds, json) else { return };
    for (key, words) in [("device", "device"), ("run_id", "id of the tracked run")] {
        record.settings.extend(report[key].as_str().map(|value| (words.to_owned(), value.to_owned())));
    }
    if let Some(photos) = report["refitted_on"].as_u64() {
        let words = "fitted once more at the end, from so many photos of training and validation";
        record.settings.push((words.to_owned(), photos.to_string()));
    }
    match serde_json::from_value::<Results>(report) {
        Ok(results) => record.results = Some(results),
        Err(error) => record.missing.push(format!("{holds}: report.json is damaged: {error}")),
    }
}

fn add_curves(record: &mut Record, run_dir: &Path) {
    let holds = "Learning curves";
    let Some(curves) = read(record, run_dir, PROGRESS, holds, curves::curves) else { return };
    let last = |curve: &Curve| curve.points.last().map(|point| point.0);
    let reached = curves.iter().filter_map(last).max();
    let measured = record.results.as_ref().and_then(|results| results.steps);
    if let (Some(reached), Some(measured)) = (reached, measured)
        && reached > measured
    {
        record.missing.push(format!(
            "Figures on the test photos after environment step {measured}: the training went on to {reached} and was not measured \
             again"
        ));
    }
    record.timeline = timeline(&curves, run_dir);
    record.curves = curves;
}

/// The pictures of validations, of many so many that they are evenly apart; the first and the last are among them.
fn timeline(curves: &[Curve], run_dir: &Path) -> Option<Timeline> {
    let validations = &curves.iter().find(|curve| curve.name == OF_VALIDATION)?.points;
    let last = validations.len().saturating_sub(1);
    let mut picked: Vec<usize> = (0..MOST_FRAMES).map(|frame| (frame * last).div_ceil(MOST_FRAMES - 1)).collect();
    picked.dedup();
    let folder = run_dir.join(TIMELINE);
    let picture = |name: &str| bytes(&folder.join(name), MOST_OF_PICTURE).ok();
    let frame = |&(step, gain_db): &(u64, f64)| Some(Frame { step, gain_db, picture: picture(&frame_file(step))? });
    let frames: Vec<Frame> = picked.into_iter().filter_map(|index| frame(validations.get(index)?)).collect();
    (!frames.is_empty()).then(|| Timeline { before: picture(BEFORE), goal: picture(GOAL), frames })
}

fn add_outcomes(record: &mut Record, run_dir: &Path) {
    let holds = "What became of each photo";
    let Some(file) = read(record, run_dir, OUTCOMES, holds, outcomes::parse) else { return };
    record.model_step = Some(file.model_step);
    let (mut missing, mut shown) = (0, 0);
    let folder = run_dir.join(PICTURES);
    for entry in file.tests {
        let number = entry.pictures.filter(|_| shown < MOST_SHOWN);
        shown += usize::from(number.is_some());
        let mut picture = |of: &str| {
            let jpeg = bytes(&folder.join(picture_file(number?, of)), MOST_OF_PICTURE).ok();
            missing += usize::from(jpeg.is_none());
            jpeg
        };
        let pictures = number.map(|_| Pictures {
            before: picture("before"),
            after: picture("after"),
            original: picture("original"),
        });
        let edits = entry.edits.iter().enumerate();
        let edits = edits.map(|(index, edit)| one_edit(edit, picture(&format!("edit-{}", index + 1)))).collect();
        record.tests.push(one_test(entry, edits, pictures));
    }
    if missing > 0 {
        record
            .missing
            .push(format!("{missing} pictures of photos: they are not in the folder {PICTURES}, or cannot be read"));
    }
}

fn one_test(entry: TestEntry, edits: Vec<Edit>, pictures: Option<Pictures>) -> Test {
    Test {
        photo: entry.photo,
        is_damaged: entry.damaged,
        before: measure(entry.before),
        after: measure(entry.after),
        original_score: entry.original_score,
        expected_gain_db: entry.expected_gain_db,
        edits,
        pictures,
    }
}

fn one_edit(entry: &EditEntry, picture: Option<Vec<u8>>) -> Edit {
    let operation: Result<Operation, _> = entry.operation.parse();
    let words = operation.map(|operation| operation.in_words()).unwrap_or_default();
    Edit { label: entry.operation.clone(), words, after: entry.after.map(measure).unwrap_or_default(), picture }
}

fn measure(MeasureEntry { score, psnr_db }: MeasureEntry) -> Measure {
    Measure { score, psnr_db }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A folder with such files.
    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    const BEGUN: (&str, &str) = ("configuration.toml", "[training]\nalgorithm = \"apg\"\nsteps = 1000\n");

    #[test]
    fn a_folder_of_something_else_is_refused() {
        let error = page_of_run(folder(&[]).path()).unwrap_err().to_string();
        assert!(error.contains("is no run's folder: it has no configuration.toml"), "{error}");
    }

    #[test]
    fn of_a_run_that_has_only_begun_everything_else_is_named() {
        let begun = folder(&[BEGUN]);
        let page = page_of_run(begun.path()).unwrap();
        assert_eq!(page.missing.len(), 4, "{:?}", page.missing);
        for words in [
            "there is no used.json",
            "there is no report.json",
            "there is no outcomes.json",
            "there is no progress.jsonl",
        ] {
            assert!(page.missing.iter().any(|it| it.contains(words)) && page.html.contains(words), "{words}");
        }
        assert!(page.html.contains("<dd>apg</dd>"), "what is there is shown");
        assert_eq!(page, page_of_run(begun.path()).unwrap());
    }

    #[test]
    fn of_an_interrupted_run_its_curves_are_shown() {
        let progress =
            "{\"dodge_progress_format\": 1}\n{\"step\": 500, \"figures\": {\"validation/psnr_gain_db\": 0.5}}\n{\"ste";
        let used = "{\"run\": \"<my run>\", \"photos\": \"/secret/holiday\", \"split_photos\": {\"train\": 16, \"validation\": 2, \"test\": 2}}";
        let interrupted = folder(&[BEGUN, ("used.json", used), ("progress.jsonl", progress)]);
        let RunPage { html, missing } = page_of_run(interrupted.path()).unwrap();
        assert_eq!(missing.len(), 2, "{missing:?}");
        assert!(html.contains("Gain on validation photos (dB)") && html.contains("&lt;my run&gt;"), "{html}");
        assert!(html.contains("holiday") && !html.contains("secret"), "a report is shown to others");
        assert!(html.contains("16 to learn from"), "{html}");
    }

    #[test]
    fn damaged_files_and_pictures_are_named_and_break_nothing() {
        let outcomes = "{\"dodge_outcomes_format\": 1, \"model_step\": 5, \"tests\": [{\"photo\": \"a\", \"damaged\": true, \
                        \"original_score\": null, \"before\": {\"score\": 1.0, \"psnr_db\": 20.0}, \"after\": {\"score\": 2.0, \
                        \"psnr_db\": 21.0}, \"edits\": [{\"operation\": \"no-such-edit:1\"}], \"pictures\": 1}]}";
        let report = "{\"steps\": 400, \"test\": {}, \"baselines\": {}}";
        let progress = "{\"dodge_progress_format\": 1}\n{\"step\": 500, \"figures\": {\"train/gain\": null}}\n";
        let files = [
            BEGUN,
            ("used.json", "{"),
            ("outcomes.json", outcomes),
            ("report.json", report),
            ("progress.jsonl", progress),
        ];
        let RunPage { html, missing } = page_of_run(folder(&files).path()).unwrap();
        let words =
            ["used.json is damaged", "4 pictures of photos", "after environment step 400: the training went on to 500"];
        assert!(words.iter().all(|words| missing.iter().any(|it| it.contains(words))), "{missing:?}");
        assert!(html.contains("<code>no-such-edit:1</code>") && html.contains("There is nothing to draw."), "{html}");
        let strange =
            folder(&[BEGUN, ("report.json", "{\"test\": 3}"), ("outcomes.json", "{\"dodge_outcomes_format\": 7}")]);
        let missing = page_of_run(strange.path()).unwrap().missing;
        assert!(missing.iter().any(|it| it.contains("report.json is damaged")), "{missing:?}");
        assert!(missing.iter().any(|it| it.contains("outcomes.json has format 7")), "{missing:?}");
    }
}
