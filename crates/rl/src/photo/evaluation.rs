//! How good a model is on photos whose originals are known, and what it is held against.

use std::collections::{BTreeMap, BTreeSet};

use dodge_imaging::{Photo, Recipe};
use dodge_juror::Juror;
use dodge_preprocess::{Context, DamageProtocol};
use serde::Serialize;

use crate::error::Error;
use crate::photo::baselines::{BaselineSet, Baselines, Contest, Cost};
use crate::photo::environment::Material;
use crate::photo::frontier::{Calibration, Expected, FrontierPoint, calibration, frontier, interval};
use crate::photo::model::Model;
use crate::photo::summary::{Outcome, Summary, measure_likeness, outcomes, summarize};
use crate::photo::test_photo::TestPhoto;

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
    /// What it takes to find the edits of a photo: `agent`, and the baselines by name.
    pub costs: BTreeMap<&'static str, Cost>,
}
impl Evaluation {
    /// What was evaluated on.
    #[must_use]
    pub fn material(&self) -> Material {
        let protocol = self.damage.unwrap_or_default();
        if self.baselines.nearest_edits.is_some() { Material::Pairs } else { Material::Damaged(protocol) }
    }
}
/// What a model is evaluated with.
#[derive(Debug, Clone, Copy)]
pub struct EvaluationPlan<'a> {
    /// What the photos are.
    pub material: Material,
    /// Pairs of the training as (after, before), at the working size, for the nearest edits; where there are none, these are of the
    /// other test pairs. Of no use for damaged photos.
    pub training: &'a [(Photo, Photo)],
    /// What it is held against.
    pub baselines: BaselineSet,
    /// Seed of the random baseline and of the interval.
    pub seed: u64,
}

/// Evaluates a model against the baselines. What these know of the photos of its training, the model brings along:
/// [`ModelConfiguration::known_edits`](crate::ModelConfiguration::known_edits).
///
/// # Errors
/// [`Error::Interrupted`], or an error of the juror.
pub fn evaluate(
    model: &Model,
    photos: &[TestPhoto],
    plan: &EvaluationPlan<'_>,
    juror: &dyn Juror,
    context: &Context,
) -> Result<(Evaluation, Vec<Outcome>), Error> {
    let steps = 8 + u64::from(plan.material == Material::Pairs) + u64::from(plan.baselines == BaselineSet::All);
    context.progress().begin("evaluating", steps);
    let (judged, cost) = judge_agent(model, photos, juror, context)?;
    context.progress().advance(1);
    let counts: Vec<usize> = judged.outcomes.iter().map(|outcome| outcome.recipe.operations().len()).collect();
    let EvaluationPlan { material, training, seed, .. } = *plan;
    let contest = Contest { model, photos, training, material, counts: &counts, seed, juror, context };
    let (baselines, mut costs) = contend(&contest, &judged.outcomes, plan.baselines)?;
    costs.insert("agent", cost);
    context.progress().end();
    let photographs = photos.iter().map(|photo| &*photo.name).collect::<BTreeSet<_>>().len();
    let damage = match material {
        Material::Damaged(protocol) if photos.iter().any(|photo| photo.damaged) => Some(protocol),
        _ => None,
    };
    let evaluation = Evaluation {
        damage,
        test: summarize(photos, &judged.outcomes),
        photographs,
        gain_interval_db: interval(&gains_by_photograph(photos, &judged.outcomes), seed),
        frontier: judged.frontier,
        calibration: judged.calibration,
        baselines,
        costs,
    };
    Ok((evaluation, judged.outcomes))
}

/// What became of the photos, and what the agent expected of them.
struct Judged {
    outcomes: Vec<Outcome>,
    frontier: Vec<FrontierPoint>,
    calibration: Vec<Calibration>,
}

/// Lets the agent act on the photos.
fn judge_agent(
    model: &Model,
    photos: &[TestPhoto],
    juror: &dyn Juror,
    context: &Context,
) -> Result<(Judged, Cost), Error> {
    let degraded: Vec<&Photo> = photos.iter().map(|photo| &photo.degraded).collect();
    // No juror is asked while it acts.
    let (bold, cost) = Cost::of(photos.len(), juror, |_| Ok(model.find_boldly(&degraded)))?;
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
    let mut outcomes = of_bold;
    for (index, (photo, outcome)) in photos.iter().zip(&mut outcomes).enumerate() {
        if !acts(index) {
            *outcome = Outcome::untouched(photo, outcome.psnr_degraded_db);
        }
        outcome.expected_gain_db = gains.as_ref().map(|gains| gains[index]);
    }
    measure_likeness(photos, &mut outcomes, context)?;
    Ok((Judged { outcomes, frontier, calibration }, cost))
}

/// What finds the recipes of a baseline, and asks no other juror than the one that it is given.
type Find<'a> = &'a dyn Fn(&dyn Juror) -> Result<Vec<Recipe>, Error>;

/// Lets the baselines act on the photos, on which this became of the agent.
fn contend(
    contest: &Contest<'_>,
    of_agent: &[Outcome],
    set: BaselineSet,
) -> Result<(Baselines, BTreeMap<&'static str, Cost>), Error> {
    let Contest { photos, juror, context, .. } = *contest;
    let mut costs = BTreeMap::new();
    let mut summary = |name, find: Find<'_>| -> Result<Summary, Error> {
        let (recipes, cost) = Cost::of(photos.len(), juror, find)?;
        costs.insert(name, cost);
        let mut outcomes = outcomes(photos, recipes, juror, context)?;
        if set == BaselineSet::All {
            measure_likeness(photos, &mut outcomes, context)?;
        }
        context.progress().advance(1);
        Ok(summarize(photos, &outcomes))
    };
    let is_all = set == BaselineSet::All;
    let (of_pairs, in_the_box) = (contest.material == Material::Pairs, contest.model_in_the_box());
    let found_by = |other: &Model| -> Vec<Recipe> {
        let found = other.find(&contest.degraded(), usize::MAX);
        found.into_iter().map(|found| found.recipe).collect()
    };
    let mut baselines = Baselines {
        do_nothing: summary("do_nothing", &|_| Ok(contest.do_nothing()))?,
        random: summary("random", &|_| Ok(contest.random()))?,
        auto: summary("auto", &|_| Ok(contest.auto()))?,
        best_single_edit: summary("best_single_edit", &|_| Ok(contest.best_single_edit()))?,
        constant_edit: summary("constant_edit", &|_| Ok(contest.constant_edit()))?,
        one_step_greedy: summary("one_step_greedy", &|juror| contest.one_step_greedy(juror))?,
        beam_search: is_all.then(|| summary("beam_search", &|juror| contest.beam_search(juror))).transpose()?,
        nearest_edits: of_pairs.then(|| summary("nearest_edits", &|_| contest.nearest_edits())).transpose()?,
        model_in_the_box: match &in_the_box {
            Some(other) => Some(summary("model_in_the_box", &|_| Ok(found_by(other)))?),
            None => None,
        },
    };
    // Known from the agent, whose photos were as they are before.
    let agent = summarize(photos, of_agent);
    let nothing = &mut baselines.do_nothing;
    (nothing.mean_ssim_degraded, nothing.mean_ssim_final) = (agent.mean_ssim_degraded, agent.mean_ssim_degraded);
    (nothing.mean_delta_e_degraded, nothing.mean_delta_e_final) =
        (agent.mean_delta_e_degraded, agent.mean_delta_e_degraded);
    Ok((baselines, costs))
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
