//! Looking for edits with a juror: what follows one edit after the other leads to, and what several paths at a time.

use std::sync::atomic::{AtomicU64, Ordering};

use dodge_imaging::{Operation, Photo, Recipe};
use dodge_juror::{Error as JurorError, Juror};
use dodge_preprocess::Context;
use rayon::prelude::*;

use crate::error::Error;
use crate::photo::model::Model;
use crate::photo::test_photo::TestPhoto;

/// Photos that the beam search goes on with after each edit.
pub(crate) const BEAM: usize = 4;

/// On the working photo, as the agent, with its actions and at most as many edits: what the juror likes best, until it likes nothing
/// better. Of the photos that come of all edits of the `width` best so far, the `width` best are gone on with; 1 is greedy.
pub(crate) fn recipes_by_juror(
    model: &Model,
    photos: &[TestPhoto],
    width: usize,
    juror: &dyn Juror,
    context: &Context,
) -> Result<Vec<Recipe>, Error> {
    let (size, max_steps) = (model.configuration().working_size, model.configuration().max_steps);
    let operations: Vec<Operation> = model.actions().candidates().into_iter().map(|(_, operation)| operation).collect();
    let find = |photo: &TestPhoto| {
        let working = photo.degraded.thumbnail(size);
        let longer_side = working.longer_side();
        let path = Path { score: juror.score_one(&working)?, photo: working, edits: Vec::new() };
        let found = searched(path, &operations, width, max_steps, juror, context)?;
        Ok(Recipe::new(found.edits).with_longer_side(longer_side))
    };
    photos.par_iter().map(find).collect()
}

/// A photo, what was done to it, and what the juror says of it.
#[derive(Clone)]
struct Path {
    photo: Photo,
    score: f64,
    edits: Vec<Operation>,
}

fn searched(
    start: Path,
    operations: &[Operation],
    width: usize,
    max_steps: usize,
    juror: &dyn Juror,
    context: &Context,
) -> Result<Path, Error> {
    let mut best = start.clone();
    let mut paths = vec![start];
    for _ in 0..max_steps {
        context.check_interrupted()?;
        let mut next = Vec::with_capacity(paths.len() * operations.len());
        for path in &paths {
            let edited: Vec<Photo> = operations.iter().map(|operation| operation.apply(&path.photo)).collect();
            let scores = juror.score_checked(&edited.iter().collect::<Vec<_>>())?;
            let edits = |operation: &Operation| path.edits.iter().chain([operation]).copied().collect();
            let all = edited.into_iter().zip(scores).zip(operations);
            next.extend(all.map(|((photo, score), operation)| Path { photo, score, edits: edits(operation) }));
        }
        // Of equal ones the last, for greedy as for more.
        next.reverse();
        next.sort_by(|a, b| b.score.total_cmp(&a.score));
        // The same edits in another order often make the same photo, which would fill the beam with one.
        next.dedup_by(|a, b| a.photo == b.photo);
        next.truncate(width);
        paths = next;
        match paths.first() {
            Some(first) if first.score > best.score => best = first.clone(),
            _ => break,
        }
    }
    Ok(best)
}

/// Counts the photos that a juror is asked about.
pub(crate) struct Counting<'a> {
    juror: &'a dyn Juror,
    asked: AtomicU64,
}

impl<'a> Counting<'a> {
    pub(crate) fn new(juror: &'a dyn Juror) -> Self {
        Self { juror, asked: AtomicU64::new(0) }
    }

    pub(crate) fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Juror for Counting<'_> {
    fn name(&self) -> String {
        self.juror.name()
    }

    fn files(&self) -> Vec<(String, String)> {
        self.juror.files()
    }

    fn score(&self, photos: &[&Photo]) -> Result<Vec<f64>, JurorError> {
        self.asked.fetch_add(photos.len() as u64, Ordering::Relaxed);
        self.juror.score(photos)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use dodge_preprocess::NoProgress;
    use dodge_tracking::{RunOptions, Tracking};

    use super::*;

    /// Brighter is liked a little, darker only once it is dark enough.
    struct Ridge;

    impl Juror for Ridge {
        fn name(&self) -> String {
            "ridge".to_owned()
        }

        fn score(&self, photos: &[&Photo]) -> Result<Vec<f64>, JurorError> {
            let score = |photo: &&Photo| match photo.pixel(0, 0)[0] {
                80 => 9.0,
                90 => 5.5,
                100 => 5.0,
                110 => 6.0,
                _ => 1.0,
            };
            Ok(photos.iter().map(score).collect())
        }
    }

    fn found(width: usize) -> (Path, u64) {
        let run = Tracking::in_memory().start_run(&RunOptions::new("search")).unwrap();
        let context = Context::new("nowhere", run, Arc::new(NoProgress), Arc::default());
        let operations: Vec<Operation> = ["lightness:10", "lightness:-10"].map(|text| text.parse().unwrap()).into();
        let photo = Photo::from_fn(8, 8, |_, _| [100; 3]).unwrap();
        let juror = Counting::new(&Ridge);
        let start = Path { score: juror.score_one(&photo).unwrap(), photo, edits: Vec::new() };
        (searched(start, &operations, width, 6, &juror, &context).unwrap(), juror.asked())
    }

    #[test]
    fn a_beam_finds_what_greed_walks_past() {
        let (greedy, asked) = found(1);
        // The photo, two edits of it, and two of the better one, which is the best there is from here.
        assert_eq!((greedy.score, greedy.photo.pixel(0, 0), greedy.edits.len(), asked), (6.0, [110; 3], 1, 5));
        let (beam, asked) = found(2);
        assert_eq!((beam.score, beam.photo.pixel(0, 0), beam.edits.len()), (9.0, [80; 3], 2));
        // Then four edits of two photos, twice.
        assert_eq!(asked, 3 + 4 + 4);
    }
}
