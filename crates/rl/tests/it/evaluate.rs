//! Figures of the agent and of its baselines.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use dodge_data::{DataLoader, SyntheticLoader};
use dodge_imaging::{PSNR_CAP_DB, Photo, Recipe, mean_delta_e_2000, psnr_db, ssim};
use dodge_juror::{Error as JurorError, Juror};
use dodge_preprocess::{
    AnnotationFile, Context, CopyAndResize, DamageProtocol, DegradeAndSplit, DegradeParams, NoProgress, Preprocessor,
    ResizeParams, Score,
};
use dodge_rl::{
    BaselineSet, Error, Evaluation, EvaluationPlan, KnownEdits, Material, Model, Outcome, Summary, TestPhoto, evaluate,
    measure_likeness, outcomes, summarize,
};
use dodge_tracking::{RunOptions, Tracking};

use crate::support::{Stub, flat, known_edits, model, model_that_knows, scene};

fn context(volume: &std::path::Path, interrupted: bool) -> Context {
    let run = Tracking::in_memory().start_run(&RunOptions::new("evaluate")).unwrap();
    Context::new(volume, run, Arc::new(NoProgress), Arc::new(AtomicBool::new(interrupted)))
}

fn nowhere() -> Context {
    context("nowhere".as_ref(), false)
}

fn test_photo(original: Photo, degraded: Photo) -> TestPhoto {
    let score = |photo: &Photo| Stub::brightness().score_one(photo).unwrap();
    TestPhoto {
        name: "a.png".to_owned(),
        damaged: original != degraded,
        original_score: score(&original),
        degraded_score: score(&degraded),
        original,
        degraded,
    }
}

/// Photos of which two are damaged and one is not.
fn photos() -> Vec<TestPhoto> {
    vec![
        test_photo(flat(40, 30, [100; 3]), flat(40, 30, [130; 3])),
        test_photo(scene(1, 30, 40), flat(30, 40, [90; 3])),
        test_photo(scene(2, 20, 20), scene(2, 20, 20)),
    ]
}

fn plan(seed: u64) -> EvaluationPlan<'static> {
    EvaluationPlan { material: Material::default(), training: &[], baselines: BaselineSet::Usual, seed }
}

/// A model that makes an edit on the first photo.
fn busy(known_edits: &KnownEdits) -> Model {
    let mut models = (0..20).map(|seed| model_that_knows(known_edits.clone(), &[8], seed));
    models.find(|model| !model.recipe_for(&photos()[0].degraded).operations().is_empty()).unwrap()
}

fn evaluated(plan: &EvaluationPlan<'_>) -> (Evaluation, Vec<Outcome>) {
    evaluate(&busy(&known_edits()), &photos(), plan, &*Stub::brightness(), &nowhere()).unwrap()
}

/// The same without what it took on this machine.
fn timeless(mut evaluation: Evaluation) -> Evaluation {
    evaluation.costs.values_mut().for_each(|cost| cost.milliseconds_per_photo = 0.0);
    evaluation
}

#[test]
fn the_agent_is_held_against_its_baselines() {
    let (Evaluation { test, baselines, costs, .. }, outcomes) = evaluated(&plan(1));
    let degraded = |index: usize| psnr_db(&photos()[index].original, &photos()[index].degraded).unwrap();
    let mean_degraded = (degraded(0) + degraded(1)) / 2.0;

    let by_name = baselines.by_name();
    let names: Vec<&str> = by_name.iter().map(|(name, _)| *name).collect();
    let expected =
        ["do_nothing", "random", "auto", "best_single_edit", "constant_edit", "one_step_greedy", "model_in_the_box"];
    assert_eq!(names, expected);
    for summary in by_name.into_iter().map(|(_, summary)| summary).chain([&test]) {
        assert_eq!((summary.photos, summary.undamaged.photos), (2, 1));
        assert_eq!(summary.mean_psnr_degraded_db, mean_degraded);
    }
    let nothing = baselines.do_nothing;
    assert_eq!((nothing.mean_steps, nothing.recovered, nothing.improved, nothing.worsened), (0.0, 0.0, 0.0, 0.0));
    assert_eq!(nothing.mean_psnr_final_db, mean_degraded);
    assert_eq!((nothing.undamaged.mean_psnr_db, nothing.undamaged.left_alone), (PSNR_CAP_DB, 1.0));

    assert!(test.mean_steps > 0.0);
    assert_eq!(baselines.random.mean_steps, test.mean_steps, "as many edits as the agent");

    // What the model knows of the photos of its training.
    let of_all = |texts: &[&str], summary: &Summary| {
        let recipe = Recipe::new(texts.iter().map(|text| text.parse().unwrap()).collect());
        let after = |photo: &TestPhoto| psnr_db(&photo.original, &recipe.apply(&photo.degraded)).unwrap();
        let photos = photos();
        assert_eq!(summary.mean_psnr_final_db, (after(&photos[0]) + after(&photos[1])) / 2.0, "{texts:?}");
        assert_eq!((summary.mean_steps, summary.undamaged.mean_psnr_db), (texts.len() as f64, after(&photos[2])));
    };
    of_all(&["lightness:-10"], &baselines.best_single_edit);
    of_all(&["lightness:-9.5", "saturation:1.05"], &baselines.constant_edit);
    of_all(&["grey-world:1", "auto-contrast:1"], &baselines.auto);

    // The juror likes it bright, and never has enough.
    let greedy = &baselines.one_step_greedy;
    assert_eq!(greedy.mean_steps, 6.0);
    assert!(greedy.mean_final_score > greedy.mean_degraded_score + 1.0);
    // Each photo as it is, and four edits of it six times.
    let cost = costs["one_step_greedy"];
    assert_eq!(cost.juror_calls_per_photo, 1.0 + 6.0 * 4.0);
    assert!(cost.milliseconds_per_photo > 0.0);
    let asks_nobody = costs.iter().filter(|(_, cost)| cost.juror_calls_per_photo == 0.0).count();
    assert_eq!((costs.len(), asks_nobody), (8, 7), "{costs:?}");

    for (photo, outcome) in photos().iter().zip(outcomes) {
        assert_eq!(outcome.result, outcome.recipe.apply(&photo.degraded));
        assert_eq!(outcome.psnr_final_db, psnr_db(&photo.original, &outcome.result).unwrap());
        let score = Stub::brightness().score_one(&outcome.result).unwrap();
        assert!((outcome.final_score - score).abs() < 1e-12);
    }
}

#[test]
fn a_model_that_knows_no_edits_is_held_against_none_of_the_test_photos() {
    let model = busy(&KnownEdits::default());
    let (evaluation, _) = evaluate(&model, &photos(), &plan(1), &*Stub::brightness(), &nowhere()).unwrap();
    let baselines = evaluation.baselines;
    assert_eq!([baselines.best_single_edit, baselines.constant_edit].map(|it| it.mean_steps), [0.0, 0.0]);
}

#[test]
fn likeness_is_that_of_the_photos_and_for_all_baselines_where_asked_for() {
    let (evaluation, of_agent) = evaluated(&plan(1));
    let (test, baselines) = (evaluation.test, evaluation.baselines);
    let photos = photos();
    let mean = |value: &dyn Fn(&TestPhoto, &Outcome) -> f64| {
        (value(&photos[0], &of_agent[0]) + value(&photos[1], &of_agent[1])) / 2.0
    };
    let expected = [
        mean(&|photo, _| ssim(&photo.original, &photo.degraded).unwrap()),
        mean(&|photo, outcome| ssim(&photo.original, &outcome.result).unwrap()),
        mean(&|photo, _| mean_delta_e_2000(&photo.original, &photo.degraded).unwrap()),
        mean(&|photo, outcome| mean_delta_e_2000(&photo.original, &outcome.result).unwrap()),
    ];
    let of = |summary: Summary| {
        [summary.mean_ssim_degraded, summary.mean_ssim_final, summary.mean_delta_e_degraded, summary.mean_delta_e_final]
    };
    for (figure, expected) in of(test).into_iter().zip(expected) {
        assert!((figure.unwrap() - expected).abs() < 1e-12, "{figure:?} in place of {expected}");
    }
    assert_eq!(of(baselines.do_nothing), [0, 0, 2, 2].map(|index| of(test)[index]));
    assert_eq!((of(baselines.random), &baselines.beam_search), ([None; 4], &None));

    let (all, again) = evaluated(&EvaluationPlan { baselines: BaselineSet::All, ..plan(1) });
    assert_eq!((all.test, again.len()), (test, of_agent.len()));
    let (greedy, beam) = (all.baselines.one_step_greedy, all.baselines.beam_search.unwrap());
    assert!(beam.mean_final_score >= greedy.mean_final_score, "{beam:?} {greedy:?}");
    assert!(all.costs["beam_search"].juror_calls_per_photo > 2.0 * all.costs["one_step_greedy"].juror_calls_per_photo);
    for (name, summary) in all.baselines.by_name() {
        assert!(of(*summary).iter().all(Option::is_some), "{name}: {summary:?}");
        assert_eq!(summary.mean_ssim_degraded, test.mean_ssim_degraded, "{name}");
    }
    let without = |mut summary: Summary| {
        (summary.mean_ssim_degraded, summary.mean_ssim_final) = (None, None);
        (summary.mean_delta_e_degraded, summary.mean_delta_e_final) = (None, None);
        summary
    };
    assert_eq!(without(all.baselines.auto), baselines.auto, "the other figures are the same");

    let mut untouched = outcomes(&photos, vec![Recipe::default(); 3], &*Stub::brightness(), &nowhere()).unwrap();
    measure_likeness(&photos, &mut untouched, &nowhere()).unwrap();
    let [before, after] = untouched[2].likeness.unwrap();
    assert_eq!((before, after.ssim, after.delta_e), (after, 1.0, 0.0), "an undamaged photo");
}

#[test]
fn of_pairs_the_most_similar_ones_are_a_baseline() {
    // Bright photos were made darker and dark ones brighter.
    let pair = |value: u8, change: i16, index: usize| {
        let before = flat(30, 20, [value + index as u8; 3]);
        test_photo(flat(30, 20, [(i16::from(value) + change) as u8 + index as u8; 3]), before)
    };
    let pairs: Vec<TestPhoto> = (0..8).flat_map(|index| [pair(60, 30, index), pair(180, -30, index)]).collect();
    let as_training: Vec<(Photo, Photo)> =
        pairs.iter().map(|pair| (pair.original.clone(), pair.degraded.clone())).collect();
    let evaluated = |training: &[(Photo, Photo)], material| {
        let plan = EvaluationPlan { training, material, ..plan(1) };
        evaluate(&model(&[8], 1), &pairs, &plan, &*Stub::brightness(), &nowhere()).unwrap().0
    };
    // Without training pairs, none is its own neighbour.
    for training in [&[][..], &as_training] {
        let evaluation = evaluated(training, Material::Pairs);
        assert_eq!(evaluation.material(), Material::Pairs);
        let nearest = evaluation.baselines.nearest_edits.unwrap();
        assert!(nearest.mean_psnr_final_db > 35.0 && nearest.improved == 1.0, "{nearest:?}");
        let constant = evaluation.baselines.constant_edit;
        assert!(nearest.mean_psnr_final_db > constant.mean_psnr_final_db, "{constant:?}");
    }
    assert_eq!(evaluated(&[], Material::default()).baselines.nearest_edits, None);
}

#[test]
fn the_seed_decides_the_random_baseline_and_nothing_else() {
    let [first, second, other] = [1, 1, 2].map(|seed| timeless(evaluated(&plan(seed)).0));
    assert_eq!(first, second);
    assert_ne!(first.baselines.random, other.baselines.random);
    assert_eq!(first.test, other.test);
    assert_eq!(first.baselines.one_step_greedy, other.baselines.one_step_greedy);
}

#[test]
fn a_photo_without_an_edit_is_not_judged_again() {
    let juror = Stub::brightness();
    let edit = Recipe::new(vec!["lightness:10".parse().unwrap()]);
    let recipes = vec![Recipe::default(), edit, Recipe::default()];
    let outcomes = outcomes(&photos(), recipes, &*juror, &nowhere()).unwrap();
    assert_eq!(juror.asked(), 1);
    assert_eq!(outcomes[0].final_score, photos()[0].degraded_score);
}

#[test]
fn figures_of_nothing_are_zero_and_not_minus_zero() {
    let all_damaged = &photos()[..1];
    let outcomes = outcomes(all_damaged, vec![Recipe::default()], &*Stub::brightness(), &nowhere()).unwrap();
    for text in [summarize(&[], &[]), summarize(all_damaged, &outcomes)].map(|s| serde_json::to_string(&s).unwrap()) {
        assert!(!text.contains("-0.0"), "{text}");
    }
}

#[test]
fn an_evaluation_can_be_interrupted() {
    let context = context("nowhere".as_ref(), true);
    let error = evaluate(&model(&[8], 1), &photos(), &plan(1), &*Stub::brightness(), &context).unwrap_err();
    assert!(matches!(error, Error::Interrupted { model: None }), "{error:?}");
}

#[test]
fn a_juror_that_fails_is_an_error() {
    let error = evaluate(&model(&[8], 1), &photos(), &plan(1), &*Stub::failing(), &nowhere()).unwrap_err();
    assert_eq!(error.to_string(), "juror: juror stub gave no score: out of order");
}

/// Right for a single photo, one score too many for several.
struct TooMany(AtomicBool);

impl Juror for TooMany {
    fn name(&self) -> String {
        "too many".to_owned()
    }

    fn score(&self, photos: &[&Photo]) -> Result<Vec<f64>, JurorError> {
        let extra = usize::from(photos.len() > 1);
        self.0.fetch_or(extra > 0, Ordering::Relaxed);
        Ok((0..photos.len() + extra).map(|score| score as f64).collect())
    }
}

#[test]
fn a_juror_with_too_many_scores_is_an_error() {
    let juror = TooMany(AtomicBool::new(false));
    let error = evaluate(&model(&[8], 1), &photos(), &plan(1), &juror, &nowhere()).unwrap_err();
    assert!(juror.0.load(Ordering::Relaxed), "several photos were judged together");
    assert_eq!(error.to_string(), "juror: juror too many gave 5 scores for 4 photos");
}

#[test]
fn photos_are_damaged_as_preprocessing_does() {
    let volume = tempfile::tempdir().unwrap();
    let context = context(volume.path(), false);
    let juror = Stub::brightness();
    let dataset = SyntheticLoader::new(10, 48, 1, volume.path().join("photos")).unwrap().load().unwrap();
    let resized = CopyAndResize::new(ResizeParams::default(), 1).run(&dataset, &context).unwrap();
    let annotated = AnnotationFile.run(&resized, &context).unwrap();
    let scored = Score::new(juror.clone()).run(&annotated, &context).unwrap();
    let params = DegradeParams { train_ratio: 0.6, validation_ratio: 0.2, ..DegradeParams::default() };
    let split = |seed| DegradeAndSplit::new(params, juror.clone(), seed).run(&scored, &context).unwrap();
    let stored = TestPhoto::load_all(&split(9).test.photos).unwrap();
    assert_eq!(stored.len(), 2);
    let standard = DamageProtocol::Standard;
    let originals = || stored.iter().map(|photo| (photo.name.clone(), photo.original.clone())).collect::<Vec<_>>();

    let again = TestPhoto::damage_all(originals(), standard, 0.0, &*juror, 9).unwrap();
    let other = TestPhoto::damage_all(originals(), standard, 0.0, &*juror, 10).unwrap();
    for ((stored, again), other) in stored.iter().zip(&again).zip(&other) {
        assert_eq!((&stored.name, stored.damaged), (&again.name, true));
        assert_eq!(stored.degraded, again.degraded, "the same seed and name");
        assert_ne!(stored.degraded, other.degraded, "another seed");
        assert!((stored.degraded_score - again.degraded_score).abs() < 1e-12);
        assert!((stored.original_score - again.original_score).abs() < 1e-12);
    }
    let half = TestPhoto::damage_all(originals(), standard, 0.5, &*juror, 9).unwrap();
    assert_eq!(half.iter().filter(|photo| !photo.damaged).count(), 1);
    for (half, again) in half.iter().zip(&again) {
        assert_eq!(half.degraded, if half.damaged { again.degraded.clone() } else { half.original.clone() });
        assert!(half.damaged || half.degraded_score == half.original_score);
    }
    assert!(TestPhoto::damage_all(Vec::new(), standard, 0.5, &*juror, 9).unwrap().is_empty());

    let further = TestPhoto::with_further_damages(half.clone(), standard, 3, &*juror, 9).unwrap();
    assert_eq!(further[..2].iter().map(|photo| photo.damaged).collect::<Vec<_>>(), [half[0].damaged, half[1].damaged]);
    for (name, original) in originals() {
        let of_photo = || further.iter().filter(|photo| photo.name == name);
        let damaged: Vec<&Photo> = of_photo().filter(|photo| photo.damaged).map(|photo| &photo.degraded).collect();
        assert_eq!(damaged.len(), 3);
        assert!(damaged[0] != damaged[1] && damaged[1] != damaged[2] && damaged[0] != damaged[2], "three damages");
        let first = again.iter().find(|photo| photo.name == name).unwrap();
        assert_eq!(damaged[0], &first.degraded, "the one that preprocessing draws comes first");
        assert_eq!(of_photo().filter(|photo| !photo.damaged && photo.degraded == original).count(), 1, "and as it is");
    }
    let once = TestPhoto::with_further_damages(half, standard, 1, &*juror, 9).unwrap();
    assert_eq!(once.len(), 2, "a single damage is the stored one");
}
