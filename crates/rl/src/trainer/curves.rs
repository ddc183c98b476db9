//! What is recorded while an agent learns, in the run's own folder: a report draws it, wherever the run is tracked.
//!
//! `progress.jsonl` has a JSON object on each line: first the version of the format, then one for each time that figures were
//! recorded, with the environment step. A run that was resumed from an earlier step says some of it twice: the later line counts.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use dodge_report::Curve;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// The file in a run's folder.
pub(crate) const PROGRESS: &str = "progress.jsonl";
/// The version of its format.
const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Header {
    dodge_progress_format: u32,
}

#[derive(Serialize, Deserialize)]
struct Line {
    step: u64,
    /// What is no finite number is none.
    figures: BTreeMap<String, Option<f64>>,
}

/// Writes figures down that were recorded at an environment step.
///
/// # Errors
/// [`Error::File`].
pub(crate) fn append(run_dir: &Path, figures: &[(String, f64)], step: u64) -> Result<(), Error> {
    let path = run_dir.join(PROGRESS);
    let figures = figures.iter().map(|(name, value)| (name.clone(), Some(*value).filter(|value| value.is_finite())));
    let line = in_json(&Line { step, figures: figures.collect() });
    let write = || {
        let mut file = OpenOptions::new().create(true).read(true).append(true).open(&path)?;
        let mut text = String::new();
        if file.metadata()?.len() == 0 {
            text = in_json(&Header { dodge_progress_format: FORMAT });
        } else {
            // A program that was killed may have left the beginning of a line.
            let mut last = [0];
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
            if last != *b"\n" {
                text.push('\n');
            }
        }
        text.push_str(&line);
        file.write_all(text.as_bytes())
    };
    write().map_err(|source| Error::File { action: "write", path: path.clone(), source })
}

fn in_json(value: &impl Serialize) -> String {
    let mut line = serde_json::to_string(value).expect("numbers by names are always JSON");
    line.push('\n');
    line
}

/// What a file of this kind says: a curve for each figure, by name.
///
/// # Errors
/// In words, where the format is another one.
pub(crate) fn curves(text: &str) -> Result<Vec<Curve>, String> {
    let mut lines = text.lines();
    let header: Option<Header> = lines.next().and_then(|line| serde_json::from_str(line).ok());
    match header {
        Some(Header { dodge_progress_format: FORMAT }) => {}
        Some(Header { dodge_progress_format: other }) => {
            return Err(format!("has format {other}, and this program reads format {FORMAT}"));
        }
        None => return Err("does not begin with the version of its format".to_owned()),
    }
    let mut curves: BTreeMap<String, Vec<(u64, f64)>> = BTreeMap::new();
    // A line that was cut off is none.
    for Line { step, figures } in lines.filter_map(|line| serde_json::from_str(line).ok()) {
        for (name, value) in figures {
            let points = curves.entry(name).or_default();
            let before = points.partition_point(|point| point.0 < step);
            points.truncate(before);
            points.push((step, value.unwrap_or(f64::NAN)));
        }
    }
    Ok(curves.into_iter().map(|(name, points)| Curve { name, points }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(folder: &Path) -> Vec<Curve> {
        curves(&std::fs::read_to_string(folder.join(PROGRESS)).unwrap()).unwrap()
    }

    fn figure(name: &str, value: f64) -> (String, f64) {
        (name.to_owned(), value)
    }

    #[test]
    fn figures_come_back_as_curves() {
        let folder = tempfile::tempdir().unwrap();
        append(folder.path(), &[figure("a", 1.5), figure("b", f64::NAN)], 10).unwrap();
        append(folder.path(), &[figure("a", -2.0)], 20).unwrap();
        let [a, b] = &read(folder.path())[..] else { panic!() };
        assert_eq!((&*a.name, &a.points), ("a", &vec![(10, 1.5), (20, -2.0)]));
        assert_eq!((b.points.len(), b.points[0].0, b.points[0].1.is_nan()), (1, 10, true));
    }

    #[test]
    fn what_a_resumed_training_says_again_counts() {
        let folder = tempfile::tempdir().unwrap();
        for (step, value) in [(10, 1.0), (20, 2.0), (30, 3.0), (20, 20.0), (30, 30.0)] {
            append(folder.path(), &[figure("a", value)], step).unwrap();
        }
        assert_eq!(read(folder.path())[0].points, [(10, 1.0), (20, 20.0), (30, 30.0)]);
        append(folder.path(), &[figure("a", 5.0)], 20).unwrap();
        assert_eq!(read(folder.path())[0].points, [(10, 1.0), (20, 5.0)], "what came later did not happen");
    }

    #[test]
    fn a_line_that_was_cut_off_costs_no_other() {
        let folder = tempfile::tempdir().unwrap();
        append(folder.path(), &[figure("a", 1.0)], 10).unwrap();
        let path = folder.path().join(PROGRESS);
        let mut text = std::fs::read_to_string(&path).unwrap();
        text.push_str("{\"step\": 20, \"figu");
        std::fs::write(&path, &text).unwrap();
        assert_eq!(curves(&text).unwrap()[0].points, [(10, 1.0)]);
        append(folder.path(), &[figure("a", 3.0)], 30).unwrap();
        assert_eq!(read(folder.path())[0].points, [(10, 1.0), (30, 3.0)]);
    }

    #[test]
    fn another_format_is_refused_in_words() {
        assert!(curves("{\"dodge_progress_format\": 2}\n").unwrap_err().contains("has format 2"));
        assert!(curves("").unwrap_err().contains("does not begin"));
    }
}
