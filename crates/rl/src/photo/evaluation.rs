//! How good a set of recipes is for photos whose originals are known.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use dodge_imaging::{Damage, Operation, PSNR_CAP_DB, Photo, Recipe, psnr_db};
use dodge_juror::Juror;
use dodge_preprocess::{Context, DamageProtocol, PhotoPair, RandomStream, SplitPhoto, damage_rng, undamaged_photos};
use rand::RngExt;
use rayon::prelude::*;
use serde::Serialize;

use crate::error::Error;
use crate::photo::actions::ActionSet;
use crate::photo::environment::Material;
use crate::photo::frontier::{Calibration, Expected, FrontierPoint, NOTICED_DB, calibration, frontier, interval};
use crate::photo::model::Model;
use crate::photo::pair_baselines::Examples;

/// A photo to evaluate on.
#[derive(Debug, Clone)]
pub struct TestPhoto {
    /// Its name.
    pub name: String,
    /// The undamaged original; of a pair the *after*.
    pub original: Photo,
    /// What is to be retouched, of the same size; of a pair the *before*.
    pub degraded: Photo,
    /// Whether it was damaged at all; of a pair, whether it was edited.
    pub damaged: bool,
    /// The juror's score of the original.
    pub original_score: f64,
    /// The juror's score of what is to be retouched.
    pub degraded_score: f64,
}

impl TestPhoto {
    /// Reads the photos of a split, in parallel. Memory: two decoded photos of the resized size each.
    ///
    /// # Errors
    /// [`Error::Part`] naming a photo that cannot be read.
    pub fn load_all(photos: &[SplitPhoto]) -> Result<Vec<Self>, Error> {
        let open = |path: &PathBuf| Photo::open(path);
        photos
            .par_iter()
            .map(|photo| {
                Ok(Self {
                    name: photo.file_name.clone(),
                    original: open(&photo.original)?,
                    degraded: open(&photo.degraded)?,
                    damaged: photo.is_damaged(),
                    original_score: photo.original_score,
                    degraded_score: photo.degraded_score,
                })
            })
            .collect()
    }
}

impl TestPhoto {
    /// Pairs with their names, as they are.
    ///
    /// # Errors
    /// An error of the juror.
    pub fn of_pairs(pairs: Vec<(String, PhotoPair)>, juror: &dyn Juror) -> Result<Vec<Self>, Error> {
        let of_pair = |(name, pair): (String, PhotoPair)| {
            Ok(Self {
                name,
                original_score: juror.score_one(&pair.after)?,
                degraded_score: juror.score_one(&pair.before)?,
                damaged: pair.edited,
                original: pair.after,
                degraded: pair.before,
            })
        };
        pairs.into_par_iter().map(of_pair).collect()
    }

    /// Damages photos as the test split of a training is: a share of them, drawn by their names and the seed, stay as they are,
    /// each other one gets the damage of the protocol that its name and the seed stand for.
    ///
    /// # Errors
    /// An error of the juror.
    pub fn damage_all(
        photos: Vec<(String, Photo)>,
        protocol: DamageProtocol,
        undamaged_share: f64,
        juror: &dyn Juror,
        seed: u64,
    ) -> Result<Vec<Self>, Error> {
        let names: Vec<&str> = photos.iter().map(|(name, _)| &**name).collect();
        let undamaged = undamaged_photos(&names, undamaged_share, seed);
        photos
            .into_par_iter()
            .enumerate()
            .map(|(index, (name, original))| {
                let damage =
                    if undamaged[index] { Damage::default() } else { protocol.draw(&mut damage_rng(seed, &name)) };
                let degraded = damage.apply(&original);
                Ok(Self {
                    original_score: juror.score_one(&original)?,
                    degraded_score: juror.score_one(&degraded)?,
                    damaged: !damage.steps().is_empty(),
                    name,
                    original,
                    degraded,
                })
            })
            .collect()
    }

    /// Adds further tests of the same photos, because a figure should not hang on a single draw of damage: afterwards each photo
    /// is there once as it is and `damages` times with different damages, of which the first is the one that its name and the seed
    /// stand for. The given ones come first. Where that would be more than 400 damaged tests, each has fewer damages.
    ///
    /// # Errors
    /// An error of the juror.
    pub fn with_further_damages(
        photos: Vec<Self>,
        protocol: DamageProtocol,
        damages: usize,
        juror: &dyn Juror,
        seed: u64,
    ) -> Result<Vec<Self>, Error> {
        let damages = damages.min(MOST_TESTS / photos.len().max(1));
        if damages < 2 {
            return Ok(photos);
        }
        let further = |photo: &Self| -> Result<Vec<Self>, Error> {
            let mut rng = damage_rng(seed, &photo.name);
            let drawn: Vec<Damage> = (0..damages).map(|_| protocol.draw(&mut rng)).collect();
            let wanted = if photo.damaged { &drawn[1..] } else { &drawn[..] };
            let whole = photo.damaged.then(Damage::default);
            let degraded = wanted.iter().chain(&whole).map(|damage| {
                let degraded = damage.apply(&photo.original);
                let damaged = !damage.steps().is_empty();
                Ok(Self { degraded_score: juror.score_one(&degraded)?, damaged, degraded, ..photo.clone() })
            });
            degraded.collect()
        };
        let added = photos.par_iter().map(further).collect::<Result<Vec<_>, Error>>()?;
        Ok(photos.into_iter().chain(added.into_iter().flatten()).collect())
    }
}

/// Damaged tests up to which photos are damaged in several ways: many photos need no repetition, and each test is held in memory.
const MOST_TESTS: usize = 400;

/// What became of one photo.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// What was done.
    pub recipe: Recipe,
    /// The result, of the size of the test photo.
    pub result: Photo,
    /// The juror's score of the result.
    pub final_score: f64,
    /// PSNR of the damaged photo to the original, in decibels.
    pub psnr_degraded_db: f64,
    /// PSNR of the result to the original, in decibels.
    pub psnr_final_db: f64,
    /// What the agent expected of its edits, or would have expected, in decibels; none where it expects nothing of that kind.
    pub expected_gain_db: Option<f32>,
}

impl Outcome {
    /// Of a photo that nothing was done to, whose PSNR to the original is this.
    fn untouched(photo: &TestPhoto, psnr_db: f64) -> Self {
        Self {
            recipe: Recipe::default(),
            result: photo.degraded.clone(),
            final_score: photo.degraded_score,
            psnr_degraded_db: psnr_db,
            psnr_final_db: psnr_db,
            expected_gain_db: None,
        }
    }
}

/// The figures of a set of photos. Shares and means are over the damaged photos, except in `undamaged`. Of pairs, *original* is
/// the *after*, *degraded* the *before*, and *undamaged* are those that were not edited.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Summary {
    /// Damaged photos.
    pub photos: usize,
    /// Mean score of the originals.
    pub mean_original_score: f64,
    /// Mean score before.
    pub mean_degraded_score: f64,
    /// Mean score after.
    pub mean_final_score: f64,
    /// Σ(final − degraded) / Σ(original − degraded) of the scores: 1 is as good as the originals.
    pub recovered: f64,
    /// Share whose final score reaches the original's.
    pub success_rate: f64,
    /// Mean PSNR to the original before, in decibels.
    pub mean_psnr_degraded_db: f64,
    /// Mean PSNR to the original after, in decibels.
    pub mean_psnr_final_db: f64,
    /// Share whose PSNR rose by more than 0.1 dB.
    pub improved: f64,
    /// Share whose PSNR fell by more than 0.1 dB.
    pub worsened: f64,
    /// Mean number of edits.
    pub mean_steps: f64,
    /// The photos that were not damaged.
    pub undamaged: UndamagedSummary,
}

/// The figures of the undamaged photos.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct UndamagedSummary {
    /// Undamaged photos.
    pub photos: usize,
    /// Mean PSNR of the result to the photo itself; 60 dB is unchanged.
    pub mean_psnr_db: f64,
    /// Share that was left exactly as it was.
    pub left_alone: f64,
}

/// Figures of the agent and of what it must beat.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evaluation {
    /// By which protocol photos were damaged; none of pairs, and where no photo was damaged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub damage: Option<DamageProtocol>,
    /// The agent.
    pub test: Summary,
    /// The photographs that these figures are of: fewer than there are tests, where each is damaged in several ways.
    pub photographs: usize,
    /// An interval that holds its mean gain on damaged photos, or on the pairs that were edited, in 95 of 100 sets of photos like
    /// these, in decibels (bootstrap by photo); none for less than two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gain_interval_db: Option<[f64; 2]>,
    /// How its gain and harm change with what it has to expect before it touches a photo; empty where it expects nothing of that
    /// kind.
    pub frontier: Vec<FrontierPoint>,
    /// What it expected beside what came.
    pub calibration: Vec<Calibration>,
    /// The baselines by name.
    pub baselines: Baselines,
}

/// What the agent is held against.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Baselines {
    /// No edit.
    pub do_nothing: Summary,
    /// As many edits as the agent made on each photo, chosen at random from those that it might have made.
    pub random: Summary,
    /// The one operation that is best on the damaged photos of the training split, or none where none helps, applied to every
    /// photo.
    pub best_single_edit: Summary,
    /// The edit that the juror likes best, again and again until it likes none.
    pub one_step_greedy: Summary,
    /// The edits of every kind that has a slider, with the strengths that are best for the training split as a whole.
    pub constant_edit: Summary,
    /// The model in the box; none where that is the agent itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_in_the_box: Option<Summary>,
    /// Of pairs: the mean strengths of the three training pairs that are most similar before they are edited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nearest_edits: Option<Summary>,
}

impl Evaluation {
    /// What was evaluated on.
    #[must_use]
    pub fn material(&self) -> Material {
        let protocol = self.damage.unwrap_or_default();
        if self.baselines.nearest_edits.is_some() { Material::Pairs } else { Material::Damaged(protocol) }
    }
}

impl Baselines {
    /// The baselines with their names, in the order in which they are shown.
    #[must_use]
    pub fn by_name(&self) -> Vec<(&'static str, &Summary)> {
        let always = [
            ("do_nothing", &self.do_nothing),
            ("random", &self.random),
            ("best_single_edit", &self.best_single_edit),
            ("one_step_greedy", &self.one_step_greedy),
            ("constant_edit", &self.constant_edit),
        ];
        let sometimes = [("nearest_edits", &self.nearest_edits), ("model_in_the_box", &self.model_in_the_box)];
        let sometimes = sometimes.into_iter().filter_map(|(name, summary)| Some((name, summary.as_ref()?)));
        always.into_iter().chain(sometimes).collect()
    }
}

/// Applies recipes to test photos and scores the results.
///
/// # Errors
/// [`Error::Interrupted`], or an error of the juror.
pub fn outcomes(
    photos: &[TestPhoto],
    recipes: Vec<Recipe>,
    juror: &dyn Juror,
    context: &Context,
) -> Result<Vec<Outcome>, Error> {
    photos
        .par_iter()
        .zip(recipes)
        .map(|(photo, recipe)| {
            context.check_interrupted()?;
            let result = recipe.apply(&photo.degraded);
            Ok(Outcome {
                final_score: if recipe.operations().is_empty() {
                    photo.degraded_score
                } else {
                    juror.score_one(&result)?
                },
                psnr_degraded_db: psnr_db(&photo.original, &photo.degraded)?,
                psnr_final_db: psnr_db(&photo.original, &result)?,
                expected_gain_db: None,
                recipe,
                result,
            })
        })
        .collect()
}

/// Sums outcomes up.
#[must_use]
pub fn summarize(photos: &[TestPhoto], outcomes: &[Outcome]) -> Summary {
    let of = |damaged: bool| -> Vec<(&TestPhoto, &Outcome)> {
        photos.iter().zip(outcomes).filter(|(photo, _)| photo.damaged == damaged).collect()
    };
    let (damaged, undamaged) = (of(true), of(false));
    let mean = |pairs: &[(&TestPhoto, &Outcome)], value: &dyn Fn(&TestPhoto, &Outcome) -> f64| {
        // Not `sum`, which is -0 for nothing.
        let total = pairs.iter().fold(0.0, |total, (photo, outcome)| total + value(photo, outcome));
        total / pairs.len().max(1) as f64
    };
    let share = |condition: bool| f64::from(u8::from(condition));
    let (original, degraded, last) = (
        mean(&damaged, &|p, _| p.original_score),
        mean(&damaged, &|p, _| p.degraded_score),
        mean(&damaged, &|_, o| o.final_score),
    );
    Summary {
        photos: damaged.len(),
        mean_original_score: original,
        mean_degraded_score: degraded,
        mean_final_score: last,
        // Adding 0 turns -0 into 0.
        recovered: if original == degraded { 0.0 } else { (last - degraded) / (original - degraded) + 0.0 },
        success_rate: mean(&damaged, &|p, o| share(o.final_score >= p.original_score)),
        mean_psnr_degraded_db: mean(&damaged, &|_, o| o.psnr_degraded_db),
        mean_psnr_final_db: mean(&damaged, &|_, o| o.psnr_final_db),
        improved: mean(&damaged, &|_, o| share(o.psnr_final_db > o.psnr_degraded_db + NOTICED_DB)),
        worsened: mean(&damaged, &|_, o| share(o.psnr_final_db < o.psnr_degraded_db - NOTICED_DB)),
        mean_steps: mean(&damaged, &|_, o| o.recipe.operations().len() as f64),
        undamaged: UndamagedSummary {
            photos: undamaged.len(),
            mean_psnr_db: mean(&undamaged, &|_, o| o.psnr_final_db),
            left_alone: mean(&undamaged, &|_, o| share(o.psnr_final_db >= PSNR_CAP_DB)),
        },
    }
}

/// Evaluates a model against the baselines. `training` (originals and damaged photos, at the working size) serves to choose the
/// best single edit, the constant edits and the nearest ones; where it is empty, the test photos themselves do, which flatters
/// these baselines. None is its own nearest pair.
///
/// # Errors
/// [`Error::Interrupted`], or an error of the juror.
pub fn evaluate(
    model: &Model,
    photos: &[TestPhoto],
    training: &[(Photo, Photo)],
    material: Material,
    juror: &dyn Juror,
    seed: u64,
    context: &Context,
) -> Result<(Evaluation, Vec<Outcome>), Error> {
    context.progress().begin("evaluating", if material == Material::Pairs { 8 } else { 7 });
    let size = model.configuration().working_size;
    let degraded: Vec<&Photo> = photos.iter().map(|photo| &photo.degraded).collect();
    let bold = model.find_boldly(&degraded);
    let gains: Option<Vec<f32>> = bold.iter().map(|found| found.expected_gain_db).collect();
    let of_bold = outcomes(photos, bold.into_iter().map(|found| found.recipe).collect(), juror, context)?;
    let expected = gains.iter().flatten().zip(photos).zip(&of_bold).map(|((&gain_db, photo), outcome)| Expected {
        is_damaged: photo.damaged,
        gain_db,
        before_db: outcome.psnr_degraded_db,
        after_db: outcome.psnr_final_db,
    });
    let expected: Vec<Expected> = expected.collect();
    let (frontier, calibration) = if expected.is_empty() {
        (Vec::new(), Vec::new())
    } else {
        (frontier(&expected, model.configuration().expectation.boldest_db()), calibration(&expected))
    };
    let least_gain_db = model.configuration().least_gain_db;
    let acts = |index: usize| gains.as_ref().is_none_or(|gains| gains[index] > least_gain_db);
    let mut of_agent = of_bold;
    for (index, (photo, outcome)) in photos.iter().zip(&mut of_agent).enumerate() {
        if !acts(index) {
            *outcome = Outcome::untouched(photo, outcome.psnr_degraded_db);
        }
        outcome.expected_gain_db = gains.as_ref().map(|gains| gains[index]);
    }
    let counts: Vec<usize> = of_agent.iter().map(|outcome| outcome.recipe.operations().len()).collect();
    let summary = |recipes: Vec<Recipe>| -> Result<Summary, Error> {
        let summary = summarize(photos, &outcomes(photos, recipes, juror, context)?);
        context.progress().advance(1);
        Ok(summary)
    };
    context.progress().advance(1);
    let recipe = |operations: Vec<Operation>| Recipe::new(operations).with_longer_side(size);
    let known = known_pairs(photos, training);
    let single = recipe(best_single_edit(model.actions(), &edited(&known))?.into_iter().collect());
    let examples = match material {
        Material::Damaged(_) => Examples::new(&edited(&known), size),
        Material::Pairs => Examples::new(&known, size),
    };
    let constant = recipe(examples.for_all());
    let nearest = match material {
        Material::Damaged(_) => None,
        Material::Pairs => {
            let go_on = || Ok(context.check_interrupted()?);
            let edits = examples.for_each(&degraded, training.is_empty(), &go_on)?;
            Some(edits.into_iter().map(recipe).collect())
        }
    };
    let greedy = greedy_recipes(model, photos, juror, context)?;
    // One that this program no longer reads is nothing to be held against.
    let other = Model::in_the_box(model.device()).ok().filter(|other| other.configuration() != model.configuration());
    let in_the_box = other.map(|other| {
        let found = other.find(&degraded, usize::MAX);
        found.into_iter().map(|found| found.recipe).collect::<Vec<Recipe>>()
    });
    let baselines = Baselines {
        do_nothing: summary(vec![Recipe::default(); photos.len()])?,
        random: summary(random_recipes(model, photos, &counts, seed))?,
        best_single_edit: summary(vec![single; photos.len()])?,
        one_step_greedy: summary(greedy)?,
        constant_edit: summary(vec![constant; photos.len()])?,
        nearest_edits: nearest.map(summary).transpose()?,
        model_in_the_box: in_the_box.map(summary).transpose()?,
    };
    context.progress().end();
    let test = summarize(photos, &of_agent);
    let photographs = photos.iter().map(|photo| &*photo.name).collect::<BTreeSet<_>>().len();
    let gain_interval_db = interval(&gains_by_photograph(photos, &of_agent), seed);
    let damage = match material {
        Material::Damaged(protocol) if photos.iter().any(|photo| photo.damaged) => Some(protocol),
        _ => None,
    };
    Ok((Evaluation { damage, test, photographs, gain_interval_db, frontier, calibration, baselines }, of_agent))
}

/// What was gained on each photograph that was damaged, in the mean of its damages: these are not independent of each other.
fn gains_by_photograph(photos: &[TestPhoto], outcomes: &[Outcome]) -> Vec<f64> {
    let mut gains: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for (photo, outcome) in photos.iter().zip(outcomes).filter(|(photo, _)| photo.damaged) {
        let (sum, count) = gains.entry(&photo.name).or_default();
        (*sum, *count) = (*sum + outcome.psnr_final_db - outcome.psnr_degraded_db, *count + 1.0);
    }
    gains.into_values().map(|(sum, count)| sum / count).collect()
}

/// On the working photo, as the agent: edits drawn from those that are not masked, as many as `counts` says.
fn random_recipes(model: &Model, photos: &[TestPhoto], counts: &[usize], seed: u64) -> Vec<Recipe> {
    let mut rng = RandomStream::RandomBaseline.generator(seed);
    let actions = model.actions();
    let mut draw = |photo: &TestPhoto, count: usize| {
        let mut current = photo.degraded.thumbnail(model.configuration().working_size);
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
    photos.iter().zip(counts).map(|(photo, &count)| draw(photo, count)).collect()
}

/// What baselines may learn from, as (original, damaged): the training photos, or the test photos where there are none.
fn known_pairs<'a>(photos: &'a [TestPhoto], training: &'a [(Photo, Photo)]) -> Vec<(&'a Photo, &'a Photo)> {
    if training.is_empty() {
        return photos.iter().map(|photo| (&photo.original, &photo.degraded)).collect();
    }
    training.iter().map(|(original, degraded)| (original, degraded)).collect()
}

/// Those of (original, damaged) pairs that differ.
fn edited<'a>(pairs: &[(&'a Photo, &'a Photo)]) -> Vec<(&'a Photo, &'a Photo)> {
    pairs.iter().copied().filter(|(original, degraded)| original != degraded).collect()
}

/// The operation with the highest mean PSNR over (original, damaged) pairs; none where to do nothing is better.
fn best_single_edit(actions: &ActionSet, pairs: &[(&Photo, &Photo)]) -> Result<Option<Operation>, Error> {
    let operations = actions.candidates().into_iter().map(|(_, operation)| Some(operation));
    let candidates: Vec<Option<Operation>> = operations.chain([None]).collect();
    let totals = candidates
        .par_iter()
        .map(|candidate| {
            let edited = |photo: &Photo| candidate.map_or_else(|| photo.clone(), |operation| operation.apply(photo));
            let total: Result<f64, dodge_imaging::Error> =
                pairs.iter().map(|(original, degraded)| psnr_db(original, &edited(degraded))).sum();
            Ok((*candidate, total?))
        })
        .collect::<Result<Vec<_>, Error>>()?;
    // Of equal ones the last, which is to do nothing.
    Ok(totals.into_iter().max_by(|a, b| a.1.total_cmp(&b.1)).and_then(|(candidate, _)| candidate))
}

/// On the working photo, as the agent: what the juror likes best, until it likes nothing better.
fn greedy_recipes(
    model: &Model,
    photos: &[TestPhoto],
    juror: &dyn Juror,
    context: &Context,
) -> Result<Vec<Recipe>, Error> {
    let (size, max_steps) = (model.configuration().working_size, model.configuration().max_steps);
    let operations = model.actions().candidates();
    photos
        .par_iter()
        .map(|photo| {
            let mut current = photo.degraded.thumbnail(size);
            let mut score = juror.score_one(&current)?;
            let mut chosen = Vec::new();
            while chosen.len() < max_steps {
                context.check_interrupted()?;
                let candidates: Vec<Photo> =
                    operations.iter().map(|(_, operation)| operation.apply(&current)).collect();
                let scores = juror.score_checked(&candidates.iter().collect::<Vec<_>>())?;
                let best = (0..scores.len()).max_by(|&a, &b| scores[a].total_cmp(&scores[b]));
                let Some(best) = best.filter(|&best| scores[best] > score) else { break };
                (score, current) = (scores[best], candidates[best].clone());
                chosen.push(operations[best].1);
            }
            Ok(Recipe::new(chosen).with_longer_side(current.longer_side()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn photo(value: u8) -> Photo {
        Photo::from_fn(4, 4, |_, _| [value; 3]).unwrap()
    }

    fn pair(damaged: bool, scores: [f64; 3], values: [u8; 3]) -> (TestPhoto, Outcome) {
        let [original, degraded, result] = values.map(photo);
        let psnr = |other: &Photo| psnr_db(&original, other).unwrap();
        let outcome = Outcome {
            recipe: Recipe::new(vec!["lightness:10".parse().unwrap(); 2]),
            final_score: scores[2],
            psnr_degraded_db: psnr(&degraded),
            psnr_final_db: psnr(&result),
            expected_gain_db: None,
            result,
        };
        let test = TestPhoto {
            name: String::new(),
            original,
            degraded,
            damaged,
            original_score: scores[0],
            degraded_score: scores[1],
        };
        (test, outcome)
    }

    #[test]
    fn a_summary_by_hand() {
        let (photos, outcomes): (Vec<_>, Vec<_>) = [
            // Restored fully, score above the original's.
            pair(true, [7.0, 5.0, 7.5], [100, 120, 100]),
            // Left as it was.
            pair(true, [6.0, 4.0, 4.0], [100, 120, 120]),
            // Made worse.
            pair(true, [5.0, 5.5, 5.0], [100, 110, 130]),
            pair(false, [6.0, 6.0, 6.0], [100, 100, 100]),
            pair(false, [6.0, 6.0, 5.0], [100, 100, 110]),
        ]
        .into_iter()
        .unzip();
        let summary = summarize(&photos, &outcomes);
        assert_eq!(summary.photos, 3);
        // (2.5 + 0 - 0.5) / (2 + 2 - 0.5).
        assert!((summary.recovered - 2.0 / 3.5).abs() < 1e-12);
        assert!((summary.success_rate - 2.0 / 3.0).abs() < 1e-12, "the third reaches its original's score");
        assert!((summary.improved - 1.0 / 3.0).abs() < 1e-12);
        assert!((summary.worsened - 1.0 / 3.0).abs() < 1e-12);
        assert_eq!(summary.mean_steps, 2.0);
        assert_eq!(summary.undamaged.photos, 2);
        assert_eq!(summary.undamaged.left_alone, 0.5);
        let changed = psnr_db(&photo(100), &photo(110)).unwrap();
        assert!((summary.undamaged.mean_psnr_db - (60.0 + changed) / 2.0).abs() < 1e-12);
    }

    #[test]
    fn nothing_to_sum_up_is_zero_and_not_nan() {
        assert_eq!(summarize(&[], &[]), Summary::default());
    }
}
