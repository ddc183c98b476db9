//! What an agent is held against.

use std::time::Instant;

use dodge_imaging::{Operation, Photo, Recipe};
use dodge_juror::Juror;
use dodge_preprocess::{Context, RandomStream};
use rand::RngExt;
use serde::Serialize;

use crate::error::Error;
use crate::photo::environment::Material;
use crate::photo::juror_search::{BEAM, Counting, recipes_by_juror};
use crate::photo::model::Model;
use crate::photo::pair_baselines::Examples;
use crate::photo::summary::Summary;
use crate::photo::test_photo::TestPhoto;

/// What a program does that corrects photos without having learnt anything: the white balance by the means of the channels, then the tones
/// stretched, but for a percent of the pixels at either end.
const AUTO: [&str; 2] = ["grey-world:1", "auto-contrast:1"];

/// Which baselines an agent is held against, and how closely they are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BaselineSet {
    /// All that are quick.
    #[default]
    Usual,
    /// Beam search too, and SSIM and the colour difference of each, which take several times as long.
    All,
}

/// The figures of what an agent is held against.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Baselines {
    /// No edit.
    pub do_nothing: Summary,
    /// As many edits as the agent made on each photo, chosen at random from those that it might have made.
    pub random: Summary,
    /// White balance and contrast as a program corrects them that has learnt nothing.
    pub auto: Summary,
    /// The one operation that is best on the damaged photos of the training, or none where none helps, applied to every photo.
    pub best_single_edit: Summary,
    /// The edits with free strengths that are best for the training photos as a whole, applied to every photo: up to three for damaged
    /// photos, one of every kind that has a slider for pairs.
    pub constant_edit: Summary,
    /// The edit that the juror likes best, again and again until it likes none.
    pub one_step_greedy: Summary,
    /// The same along the four best ways at a time; none unless asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beam_search: Option<Summary>,
    /// Of pairs: the mean strengths of the three training pairs that are most similar before they are edited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nearest_edits: Option<Summary>,
    /// The model in the box; none where that is the agent itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_in_the_box: Option<Summary>,
}

impl Baselines {
    /// The baselines with their names, in the order in which they are shown.
    #[must_use]
    pub fn by_name(&self) -> Vec<(&'static str, &Summary)> {
        let all = [
            ("do_nothing", Some(&self.do_nothing)),
            ("random", Some(&self.random)),
            ("auto", Some(&self.auto)),
            ("best_single_edit", Some(&self.best_single_edit)),
            ("constant_edit", Some(&self.constant_edit)),
            ("one_step_greedy", Some(&self.one_step_greedy)),
            ("beam_search", self.beam_search.as_ref()),
            ("nearest_edits", self.nearest_edits.as_ref()),
            ("model_in_the_box", self.model_in_the_box.as_ref()),
        ];
        all.into_iter().filter_map(|(name, summary)| Some((name, summary?))).collect()
    }
}

/// What it takes to find the edits of a photo, in the mean of all photos; not to make them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Cost {
    /// Photos that the juror is asked about.
    pub juror_calls_per_photo: f64,
    /// Time, in milliseconds, with all threads at work. Edits that are the same for all photos take none.
    pub milliseconds_per_photo: f64,
}

impl Cost {
    /// Finds recipes for `photos` photos, counts and measures; `find` asks the juror that it is given.
    pub(crate) fn of<T>(
        photos: usize,
        juror: &dyn Juror,
        find: impl FnOnce(&dyn Juror) -> Result<T, Error>,
    ) -> Result<(T, Self), Error> {
        let (counting, started) = (Counting::new(juror), Instant::now());
        let found = find(&counting)?;
        let count = photos.max(1) as f64;
        let cost = Self {
            juror_calls_per_photo: counting.asked() as f64 / count,
            milliseconds_per_photo: 1000.0 * started.elapsed().as_secs_f64() / count,
        };
        Ok((found, cost))
    }
}

/// What the recipes of the baselines depend on.
pub(crate) struct Contest<'a> {
    pub(crate) model: &'a Model,
    pub(crate) photos: &'a [TestPhoto],
    /// Photos of the training, as (original, damaged); empty where there are none.
    pub(crate) training: &'a [(Photo, Photo)],
    pub(crate) material: Material,
    /// Edits that the agent made on each photo.
    pub(crate) counts: &'a [usize],
    pub(crate) seed: u64,
    pub(crate) juror: &'a dyn Juror,
    pub(crate) context: &'a Context,
}

impl Contest<'_> {
    pub(crate) fn do_nothing(&self) -> Vec<Recipe> {
        vec![Recipe::default(); self.photos.len()]
    }

    pub(crate) fn auto(&self) -> Vec<Recipe> {
        let edits = AUTO.map(|text| text.parse().expect("the operations of a constant are valid"));
        vec![Recipe::new(edits.to_vec()); self.photos.len()]
    }

    pub(crate) fn best_single_edit(&self) -> Vec<Recipe> {
        let edit = self.model.configuration().known_edits.best_single_edit;
        vec![self.recipe(edit.into_iter().collect()); self.photos.len()]
    }

    pub(crate) fn constant_edit(&self) -> Vec<Recipe> {
        let edits = self.model.configuration().known_edits.constant_edit.clone();
        vec![self.recipe(edits); self.photos.len()]
    }

    /// On the working photo, as the agent: edits drawn from those that are not masked, as many as the agent made.
    pub(crate) fn random(&self) -> Vec<Recipe> {
        let mut rng = RandomStream::RandomBaseline.generator(self.seed);
        let actions = self.model.actions();
        let mut draw = |photo: &TestPhoto, count: usize| {
            let mut current = photo.degraded.thumbnail(self.model.configuration().working_size);
            let (mut last, mut chosen) = (None, Vec::new());
            while chosen.len() < count {
                let mut mask = vec![true; actions.len()];
                actions.mask(last, &current, &mut mask);
                let open: Vec<(usize, Operation)> =
                    actions.candidates().into_iter().filter(|&(action, _)| mask[action]).collect();
                if open.is_empty() {
                    break;
                }
                let (action, operation) = open[rng.random_range(0..open.len())];
                operation.apply_in_place(&mut current);
                chosen.push(operation);
                last = Some(action);
            }
            Recipe::new(chosen).with_longer_side(current.longer_side())
        };
        self.photos.iter().zip(self.counts).map(|(photo, &count)| draw(photo, count)).collect()
    }

    pub(crate) fn one_step_greedy(&self, juror: &dyn Juror) -> Result<Vec<Recipe>, Error> {
        recipes_by_juror(self.model, self.photos, 1, juror, self.context)
    }

    pub(crate) fn beam_search(&self, juror: &dyn Juror) -> Result<Vec<Recipe>, Error> {
        recipes_by_juror(self.model, self.photos, BEAM, juror, self.context)
    }

    /// Of the other test pairs where there are none of the training.
    pub(crate) fn nearest_edits(&self) -> Result<Vec<Recipe>, Error> {
        let of_test = self.photos.iter().map(|photo| (&photo.original, &photo.degraded));
        let of_training = self.training.iter().map(|(original, degraded)| (original, degraded));
        let pairs: Vec<(&Photo, &Photo)> =
            if self.training.is_empty() { of_test.collect() } else { of_training.collect() };
        let examples = Examples::new(&pairs, self.model.configuration().working_size);
        let go_on = || Ok(self.context.check_interrupted()?);
        let edits = examples.for_each(&self.degraded(), self.training.is_empty(), &go_on)?;
        Ok(edits.into_iter().map(|edits| self.recipe(edits)).collect())
    }

    /// None where that is the agent itself, or the program no longer reads it.
    pub(crate) fn model_in_the_box(&self) -> Option<Model> {
        let other = Model::in_the_box(self.model.device()).ok()?;
        (other.configuration() != self.model.configuration()).then_some(other)
    }

    pub(crate) fn degraded(&self) -> Vec<&Photo> {
        self.photos.iter().map(|photo| &photo.degraded).collect()
    }

    fn recipe(&self, edits: Vec<Operation>) -> Recipe {
        Recipe::new(edits).with_longer_side(self.model.configuration().working_size)
    }
}
