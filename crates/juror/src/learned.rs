//! The learned juror: what the good photos of one user look like, learnt from them.

mod edits;
mod file;
mod network;
mod sight;
mod training;
mod versions;

use std::ops::ControlFlow;
use std::sync::{Arc, mpsc};

use dodge_imaging::Photo;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::classical::ClassicalJuror;
use crate::ensemble::Ensemble;
use crate::error::Error;
use crate::judge::{BEST_SCORE, Juror};

use network::{Ranker, Standard};
use sight::{Sight, mirrored};

pub use versions::Versions;

/// Networks of an ensemble.
const MEMBERS: usize = 3;

/// How far a learned juror may go above the classical one. These two do not mean the same by a number: a good photo of an unusual kind
/// may get so much more, and no more.
const CLASSICAL_SLACK: f64 = 3.0;

/// Fewest photos that can be learnt from; of a few dozen a juror knows those by heart and little else.
pub const FEWEST_PHOTOS: usize = 10;

/// A juror that learnt from good photos, and worse versions made of them, which of two is the better one.
///
/// Three small networks look at statistics of tones, colours and detail, and at where colours are; the score is the mean of theirs, of
/// the photo as it is and mirrored. 5 is what half of the worse versions score lower than, 7.3 what half of the good photos do, in the
/// training; the ends are never reached.
#[derive(Debug, Clone)]
pub struct LearnedJuror {
    sight: Sight,
    standard: Standard,
    members: Vec<Ranker>,
    trained_on: TrainedOn,
    name: String,
    /// The file that it was read from, with its SHA-256.
    files: Vec<(String, String)>,
}

/// What a learned juror was trained on, in numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TrainedOn {
    /// Photos.
    pub photos: usize,
    /// Versions of them that it was shown, good and worse ones.
    pub versions: usize,
    /// Seed of everything that was drawn.
    pub seed: u64,
    /// The share of the worse versions that a network scores lower than the photo that they were made of, 0 to 1: in the mean over the
    /// networks, each on photos that it did not learn from, but by which its best state was chosen.
    pub held_out_accuracy: f64,
}

impl LearnedJuror {
    /// Learns from versions of at least [`FEWEST_PHOTOS`] photos; equal ones in the same order and equal seeds give the same juror.
    /// `tell` hears how many of how many parts are done, and ends the training when it breaks: then there is none.
    ///
    /// # Errors
    /// [`Error::TooFewPhotos`].
    pub fn train(
        mut photos: Vec<Versions>,
        seed: u64,
        mut tell: impl FnMut(usize, usize) -> ControlFlow<()>,
    ) -> Result<Option<Self>, Error> {
        if photos.len() < FEWEST_PHOTOS {
            return Err(Error::TooFewPhotos { got: photos.len(), expected: FEWEST_PHOTOS });
        }
        let standard = Standard::of(photos.iter().flat_map(Versions::all));
        let versions = photos.iter().flat_map(Versions::all).count();
        photos.par_iter_mut().flat_map_iter(Versions::all_mut).for_each(|numbers| standard.apply(numbers));
        // The networks are trained beside each other, and what they tell arrives here; one that finds nobody listening stops.
        let (sender, receiver) = mpsc::sync_channel(0);
        let photos = &photos;
        let trained = std::thread::scope(|scope| {
            let training = scope.spawn(move || {
                let train = |member: usize| {
                    let tell = || sender.send(()).map_or(ControlFlow::Break(()), ControlFlow::Continue);
                    match training::train(photos, member as u64, seed, &tell) {
                        ControlFlow::Continue(trained) => Some(trained),
                        ControlFlow::Break(()) => None,
                    }
                };
                (0..MEMBERS).into_par_iter().map(train).collect::<Option<Vec<_>>>()
            });
            let _ = receiver.iter().enumerate().try_for_each(|(done, ())| tell(done + 1, MEMBERS * training::CHECKS));
            drop(receiver);
            training.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        let Some(trained) = trained else { return Ok(None) };
        let (members, right): (Vec<Ranker>, Vec<f64>) = trained.into_iter().unzip();
        let held_out_accuracy = right.iter().sum::<f64>() / MEMBERS as f64;
        let trained_on = TrainedOn { photos: photos.len(), versions, seed, held_out_accuracy };
        Ok(Some(Self::new(standard, members, trained_on)))
    }

    fn new(standard: Standard, members: Vec<Ranker>, trained_on: TrainedOn) -> Self {
        let mut juror =
            Self { sight: Sight::default(), standard, members, trained_on, name: String::new(), files: Vec::new() };
        let digest = Sha256::digest(juror.to_bytes());
        // As many digits as tell any two apart that somebody has.
        let digits: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        juror.name = format!("learned-1 {digits}");
        juror
    }

    /// What it was trained on.
    #[must_use]
    pub fn trained_on(&self) -> &TrainedOn {
        &self.trained_on
    }

    /// The same, limited by the classical juror: no photo scores more than three points above what that one gives. What a network was
    /// never shown it may take for good, and who is paid with its scores finds that.
    #[must_use]
    pub fn limited(self) -> Ensemble {
        Ensemble::new(Arc::new(self), 1.0).limited_by(Arc::new(ClassicalJuror::new()), CLASSICAL_SLACK)
    }

    fn score_of(&self, photo: &Photo) -> f64 {
        let mut numbers = self.sight.of(photo);
        // Left and right mean nothing: the juror is made so that it cannot tell them apart.
        let mut other_way = mirrored(&numbers);
        self.standard.apply(&mut numbers);
        self.standard.apply(&mut other_way);
        let sum: f64 = self.members.iter().map(|member| member.score(&numbers) + member.score(&other_way)).sum();
        BEST_SCORE * sum / (2 * self.members.len()) as f64
    }
}

impl Juror for LearnedJuror {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn files(&self) -> Vec<(String, String)> {
        self.files.clone()
    }

    fn score(&self, photos: &[&Photo]) -> Result<Vec<f64>, Error> {
        Ok(photos.par_iter().map(|photo| self.score_of(photo)).collect())
    }

    fn score_one(&self, photo: &Photo) -> Result<f64, Error> {
        Ok(self.score_of(photo))
    }
}
