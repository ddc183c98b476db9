//! What the agent makes of a few validation photos as it learns: a small picture at each validation, in the run's folder and in the
//! tracked run's image grid.

use std::fs;
use std::path::PathBuf;

use dodge_imaging::{Encoding, Photo, Picture};
use dodge_learn::Clock;

use crate::error::Error;
use crate::photo::environment::TrainingPhoto;
use crate::photo::model::Model;
use crate::trainer::context::TrainContext;
use crate::whole_file::write_whole;

/// The folder in a run's folder.
pub(crate) const TIMELINE: &str = "timeline";
/// Photos as the agent gets them, and what it is to come near to.
pub(crate) const BEFORE: &str = "before.jpg";
pub(crate) const GOAL: &str = "goal.jpg";

/// The name of the pictures in the image grid.
const GRID: &str = "validation/photos";
/// Photos that are looked at.
const PHOTOS: usize = 4;
/// About as many times as they are looked at in a training, however often it is validated.
const FRAMES: u64 = 40;
/// Quality of the JPEGs.
const QUALITY: u8 = 80;

/// The file of the picture after so many environment steps.
pub(crate) fn frame_file(step: u64) -> String {
    // The digits of checkpoints, so that names are in order.
    format!("step-{step:012}.jpg")
}

/// Photos that are looked at at each validation.
#[derive(Debug)]
pub(crate) struct Timeline {
    folder: PathBuf,
    photos: Vec<TrainingPhoto>,
    /// The step from which on the next look is due.
    due: u64,
}

impl Timeline {
    /// Of the first validation photos that something can be gained on.
    pub(crate) fn new(context: &TrainContext, validation_photos: &[TrainingPhoto]) -> Self {
        let gained_on = validation_photos.iter().filter(|photo| photo.degraded != photo.original);
        Self { folder: context.run_dir().join(TIMELINE), photos: gained_on.take(PHOTOS).cloned().collect(), due: 0 }
    }

    /// Whether to look at a model that is validated now.
    pub(crate) fn is_due(&self, clock: Clock) -> bool {
        clock.taken >= self.due || clock.taken >= clock.total
    }

    /// Writes and records what a model makes of the photos.
    ///
    /// # Errors
    /// [`Error::File`], or an error of the tracked run.
    pub(crate) fn note(&mut self, model: &Model, clock: Clock, context: &TrainContext) -> Result<(), Error> {
        let step = clock.taken;
        self.due = step + clock.total / FRAMES;
        let degraded: Vec<&Photo> = self.photos.iter().map(|photo| &photo.degraded).collect();
        let recipes = model.recipes_for(&degraded, usize::MAX);
        let results: Vec<Photo> = recipes.iter().zip(&degraded).map(|(recipe, photo)| recipe.apply(*photo)).collect();
        let originals: Vec<&Photo> = self.photos.iter().map(|photo| &photo.original).collect();
        let (before, goal) = (strip(&degraded), strip(&originals));
        let agent = strip(&results.iter().collect::<Vec<_>>());
        let (Some(before), Some(agent), Some(goal)) = (before, agent, goal) else { return Ok(()) };
        let create = |source| Error::File { action: "create", path: self.folder.clone(), source };
        fs::create_dir_all(&self.folder).map_err(create)?;
        for (name, photo) in [(BEFORE, &before), (GOAL, &goal), (&*frame_file(step), &agent)] {
            if [BEFORE, GOAL].contains(&name) && self.folder.join(name).exists() {
                continue;
            }
            let jpeg = Picture::from(photo.clone()).encode(Encoding::Jpeg { quality: QUALITY })?;
            write_whole(&self.folder.join(name), &jpeg)?;
        }
        let grid = Picture::from(stacked(&[before, agent, goal])).encode(Encoding::Png)?;
        Ok(context.run().log_image(GRID, step as i64, &grid, &grid)?)
    }
}

/// The middles of photos beside each other, as squares of the same size; none of no photos.
fn strip(photos: &[&Photo]) -> Option<Photo> {
    let side = photos.iter().map(|photo| photo.width().min(photo.height())).min()?;
    let middle = |photo: &&Photo| photo.cropped((photo.width() - side) / 2, (photo.height() - side) / 2, side, side);
    photos.iter().map(middle).reduce(|left, right| left.beside(&right))
}

/// Strips below each other, cut to the narrowest.
fn stacked(strips: &[Photo; 3]) -> Photo {
    let width = strips.iter().map(Photo::width).min().unwrap_or(1);
    let mut pixels = Vec::new();
    for strip in strips {
        pixels.extend_from_slice(strip.cropped(0, 0, width, strip.height()).pixels());
    }
    let height = strips.iter().map(Photo::height).sum();
    Photo::new(width, height, pixels).expect("as many rows as the strips have together")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(width: u32, height: u32, grey: u8) -> Photo {
        Photo::from_fn(width, height, |_, _| [grey; 3]).unwrap()
    }

    #[test]
    fn strips_have_the_middles_of_all_photos() {
        let (wide, high) = (flat(40, 20, 10), flat(30, 50, 20));
        let strip = strip(&[&wide, &high]).unwrap();
        assert_eq!((strip.width(), strip.height()), (40, 20));
        assert_eq!((strip.pixel(0, 0), strip.pixel(39, 19)), ([10; 3], [20; 3]));
        assert_eq!(super::strip(&[]), None);
        let whole = stacked(&[strip, flat(60, 10, 30), flat(50, 5, 40)]);
        assert_eq!((whole.width(), whole.height()), (40, 35));
        assert_eq!((whole.pixel(39, 25), whole.pixel(0, 34)), ([30; 3], [40; 3]));
    }

    #[test]
    fn names_of_frames_are_in_the_order_of_steps() {
        assert!(frame_file(9) < frame_file(10) && frame_file(999_999) < frame_file(1_000_000));
    }
}
