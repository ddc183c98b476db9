//! The task of retouching a photo.

use std::sync::Arc;

use dodge_imaging::{Operation, Photo, psnr_db};
use dodge_learn::{Action, Environment, Error, StateReader, StateWriter, Step, View};
use dodge_preprocess::DamageProtocol;
use dodge_rl::{
    ActionSet, Bonus, EnvironmentParams, Material, Observe, Observer, PhotoEnv, PhotoTask, RewardParams,
    RewardStrategy, TaskKind, TrainingPhoto,
};

use crate::support::{ACTIONS, Stub, flat, scene};

const MAX_STEPS: usize = 3;
const STOP: usize = ACTIONS.len();

/// Stored damage, photos as they are.
fn environment() -> EnvironmentParams {
    EnvironmentParams {
        actions: ACTIONS.map(str::to_owned).to_vec(),
        max_steps: MAX_STEPS,
        fresh_damage: false,
        vary_photos: false,
        ..EnvironmentParams::default()
    }
}

fn reward() -> RewardParams {
    RewardParams { fidelity: 2.0, error_floor: 0.02, score: 0.1, edit_cost: 0.02, ..RewardParams::default() }
}

fn task(photos: Vec<TrainingPhoto>, juror: Arc<Stub>) -> PhotoTask {
    PhotoTask {
        photos,
        material: Material::default(),
        actions: ActionSet::parse(&ACTIONS).unwrap(),
        environment: environment(),
        reward: Arc::new(reward()),
        undamaged_share: 0.0,
        juror,
        observer: Arc::new(Observer::new()),
        has_critic: true,
    }
}

fn grey(original: u8, degraded: u8) -> Vec<TrainingPhoto> {
    vec![TrainingPhoto { original: flat(8, 6, [original; 3]), degraded: flat(8, 6, [degraded; 3]) }]
}

fn scenes() -> Vec<TrainingPhoto> {
    let darker: Operation = "lightness:-30".parse().unwrap();
    let photo = |index| TrainingPhoto { original: scene(index, 24, 16), degraded: darker.apply(&scene(index, 24, 16)) };
    (0..4).map(photo).collect()
}

/// The environment, at the beginning of an episode.
fn start(task: PhotoTask, seed: u64, index: u32) -> PhotoEnv {
    let mut environment = PhotoEnv::new(Arc::new(task), seed, index);
    environment.reset().unwrap();
    environment
}

fn act(environment: &mut PhotoEnv, action: usize) -> Step {
    environment.step(Action::new(action)).unwrap()
}

/// Observation and mask.
fn shown(environment: &PhotoEnv) -> (Vec<f32>, Vec<bool>) {
    let spaces = environment.spaces();
    let (mut observation, mut mask) = (vec![f32::NAN; spaces.observation_len], vec![true; spaces.actions.kinds]);
    let privileged = &mut vec![f32::NAN; spaces.privileged_len][..];
    environment.show(View { observation: &mut observation, privileged, mask: &mut mask });
    assert!(privileged.iter().all(|value| value.is_finite()));
    (observation, mask)
}

fn observed(environment: &PhotoEnv) -> Vec<f32> {
    shown(environment).0
}

fn seen(photo: &Photo) -> Vec<f32> {
    let mut observation = vec![0.0; Observer::new().observation_len(STOP + 1)];
    Observer::new().observe(photo, 0, MAX_STEPS, &[0; STOP + 1], &mut observation);
    observation
}

#[test]
fn the_reward_of_an_edit_by_hand() {
    let mut environment = start(task(grey(100, 120), Stub::brightness()), 1, 0);
    // Towards the original: the error falls from 20 to 10 levels, the score from 120 / 25.5 to 110 / 25.5.
    let step = act(&mut environment, 1);
    let nearer = 2.0 * ((20.0_f64 / 255.0 + 0.02) / (10.0 / 255.0 + 0.02)).ln();
    let expected = nearer - 0.1 * 10.0 / 25.5 - 0.02;
    assert!((f64::from(step.reward) - expected).abs() < 1e-6, "{step:?} instead of {expected}");
    assert_eq!((step.terminated, step.truncated), (false, false));
    // And away again.
    let step = act(&mut environment, 0);
    let expected = -nearer + 0.1 * 10.0 / 25.5 - 0.02;
    assert!((f64::from(step.reward) - expected).abs() < 1e-6, "{step:?} instead of {expected}");
}

#[test]
fn the_gain_of_free_strengths_has_the_gradient_of_finite_differences() {
    let kinds = ["exposure", "lightness", "gamma", "contrast", "shadows", "highlights", "saturation", "warmth", "tint"];
    let mut task = task(scenes(), Stub::brightness());
    task.actions = ActionSet::parse(&kinds).unwrap();
    let environment = start(task, 1, 0);
    let strengths = [0.02, 0.05, -0.03, 0.02, 0.04, -0.05, 0.06, -0.03, 0.02];
    let mut gradient = [f32::NAN; 9];
    let gain = environment.gain(&strengths, Some(&mut gradient)).unwrap();
    assert!((gain - environment.gain(&strengths, None).unwrap()).abs() < 1e-4);
    assert!(environment.gain(&[0.0; 9], None).unwrap().abs() < 1e-5, "to do nothing gains nothing");
    for kind in 0..kinds.len() {
        let at = |step: f32| {
            let mut moved = strengths;
            moved[kind] += step;
            environment.gain(&moved, None).unwrap()
        };
        let by_difference = (at(1e-3) - at(-1e-3)) / 2e-3;
        let (ours, name) = (gradient[kind], kinds[kind]);
        assert!((ours - by_difference).abs() < 0.03 * ours.abs().max(10.0), "{name}: {ours}, {by_difference}");
    }
}

#[test]
fn to_take_the_damage_back_gains_all_of_it() {
    let mut task = task(scenes(), Stub::brightness());
    task.actions = ActionSet::parse(&["lightness"]).unwrap();
    let environment = start(task, 1, 0);
    // 30 levels, which are 30 / 255 / 0.6 of the range.
    let gain = environment.gain(&[30.0 / 255.0 / 0.6], None).unwrap();
    let damage_db = -20.0 * (30.0_f32 / 255.0).log10();
    let best_db = -10.0 * 2e-5_f32.log10();
    assert!((gain - (best_db - damage_db)).abs() < 0.5, "{gain} of {}", best_db - damage_db);
}

/// An original grey of 100 and a damaged one of 120; the score is a level divided by 25.5.
fn paying(strategy: RewardStrategy, bonus: Bonus) -> PhotoTask {
    let mut task = task(grey(100, 120), Stub::brightness());
    task.reward = Arc::new(RewardParams { strategy, bonus, bonus_size: 3.0, ..reward() });
    task
}

/// What the actions pay one after the other.
fn paid(strategy: RewardStrategy, bonus: Bonus, actions: &[usize]) -> Vec<f64> {
    let mut environment = start(paying(strategy, bonus), 1, 0);
    actions.iter().map(|&action| act(&mut environment, action).reward.into()).collect()
}

#[track_caller]
fn check_paid(strategy: RewardStrategy, bonus: Bonus, actions: &[usize], expected: &[f64]) {
    let paid = paid(strategy, bonus, actions);
    let near = paid.len() == expected.len() && paid.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6);
    assert!(near, "{strategy:?} {bonus:?}: {paid:?} instead of {expected:?}");
}

#[test]
fn every_strategy_by_hand() {
    let point = 10.0 / 25.5;
    let up_and_stop = |strategy, expected: &[f64]| check_paid(strategy, Bonus::None, &[0, 0, STOP], expected);
    up_and_stop(RewardStrategy::ScoreDifference, &[point, point, 0.0]);
    up_and_stop(RewardStrategy::ClippedDifference, &[point, point, 0.0]);
    up_and_stop(RewardStrategy::StepPenalized, &[point - 0.02, point - 0.02, 0.0]);
    up_and_stop(RewardStrategy::StopOnlyPlain, &[-0.02, -0.02, 2.0 * point]);
    let squares = (140.0_f64.powi(2) - 120.0_f64.powi(2)) / 25.5_f64.powi(2);
    up_and_stop(RewardStrategy::StopOnlyQuadratic, &[-0.02, -0.02, squares]);
    check_paid(RewardStrategy::StopOnlyPlain, Bonus::None, &[1, STOP], &[-0.02, -point]);
    check_paid(
        RewardStrategy::StopOnlyQuadratic,
        Bonus::None,
        &[1, STOP],
        &[-0.02, (110.0_f64.powi(2) - 120.0_f64.powi(2)) / 25.5_f64.powi(2)],
    );
}

#[test]
fn a_bonus_is_for_a_gain_only() {
    let point = 10.0 / 25.5;
    let plain = RewardStrategy::ScoreDifference;
    check_paid(plain, Bonus::Fixed, &[0, STOP], &[point, 3.0]);
    check_paid(plain, Bonus::Fixed, &[1, STOP], &[-point, 0.0]);
    check_paid(plain, Bonus::Fixed, &[0, 1, STOP], &[point, -point, 0.0]);
    let share = 0.5 + 1.0 / (1.0 + (5.0 - 120.0_f64 / 25.5).exp());
    check_paid(plain, Bonus::Sigmoid, &[0, STOP], &[point, 3.0 * share]);
}

const STRATEGIES: [RewardStrategy; 6] = [
    RewardStrategy::Fidelity,
    RewardStrategy::ScoreDifference,
    RewardStrategy::ClippedDifference,
    RewardStrategy::StepPenalized,
    RewardStrategy::StopOnlyPlain,
    RewardStrategy::StopOnlyQuadratic,
];

#[test]
fn an_immediate_stop_pays_nothing_whatever_the_reward() {
    for strategy in STRATEGIES {
        for bonus in [Bonus::None, Bonus::Fixed, Bonus::Sigmoid] {
            assert_eq!(paid(strategy, bonus, &[STOP]), [0.0], "{strategy:?} {bonus:?}");
        }
    }
}

#[test]
fn the_last_allowed_edit_is_an_edit_and_a_stop_in_one() {
    for strategy in STRATEGIES {
        for bonus in [Bonus::None, Bonus::Fixed, Bonus::Sigmoid] {
            let at_the_limit = paid(strategy, bonus, &[0; MAX_STEPS]);
            let mut longer = paying(strategy, bonus);
            longer.environment.max_steps = MAX_STEPS + 1;
            let mut environment = start(longer, 1, 0);
            let paid: Vec<f64> = [0, 0, 0, STOP].map(|action| f64::from(act(&mut environment, action).reward)).to_vec();
            let expected = paid[MAX_STEPS - 1] + paid[MAX_STEPS];
            assert!((at_the_limit[MAX_STEPS - 1] - expected).abs() < 1e-6, "{strategy:?} {bonus:?}");
        }
    }
}

/// The single step of an episode of one decision.
fn single(strategy: RewardStrategy, bonus: Bonus, action: usize) -> f64 {
    let mut task = paying(strategy, bonus);
    task.environment.task = TaskKind::SingleStep;
    let mut environment = start(task, 1, 0);
    let step = act(&mut environment, action);
    assert_eq!((step.terminated, step.truncated), (true, false));
    let observation = observed(&environment);
    assert_eq!(observation[observation.len() - ACTIONS.len() - 2], if action == STOP { 0.0 } else { 1.0 });
    step.reward.into()
}

#[test]
fn a_single_step_is_an_edit_and_a_stop_in_one() {
    for strategy in STRATEGIES {
        for bonus in [Bonus::None, Bonus::Fixed, Bonus::Sigmoid] {
            for action in 0..ACTIONS.len() {
                let both: f64 = paid(strategy, bonus, &[action, STOP]).iter().sum();
                let at_once = single(strategy, bonus, action);
                assert!((at_once - both).abs() < 1e-6, "{strategy:?} {bonus:?} {action}: {at_once} instead of {both}");
            }
            assert_eq!(single(strategy, bonus, STOP), 0.0, "{strategy:?} {bonus:?}");
        }
    }
}

/// The same as [`paid`], with the best photo restored; also the grey that the episode ends with.
fn paid_with_the_best(strategy: RewardStrategy, bonus: Bonus, actions: &[usize]) -> (Vec<f64>, u8) {
    let mut task = paying(strategy, bonus);
    task.environment.restore_best = true;
    task.environment.max_steps = MAX_STEPS + 1;
    let mut environment = start(task, 1, 0);
    let paid = actions.iter().map(|&action| act(&mut environment, action).reward.into()).collect();
    // The first feature is the darkest level.
    (paid, ((observed(&environment)[0] + 1.0) * 127.5).round() as u8)
}

#[test]
fn the_best_photo_is_restored_and_paid() {
    let (point, near) = (10.0 / 25.5, |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6));
    // Up to 130, down to 110: the best score is that of 130.
    let actions = [0, 1, 1, STOP];
    for (strategy, expected) in [
        (RewardStrategy::ScoreDifference, [point, -point, -point, 2.0 * point]),
        (RewardStrategy::ClippedDifference, [point, -point, -point, 0.5]),
        (RewardStrategy::StepPenalized, [point - 0.02, -point - 0.02, -point - 0.02, 2.0 * point]),
        (RewardStrategy::StopOnlyPlain, [-0.02, -0.02, -0.02, point]),
        (
            RewardStrategy::StopOnlyQuadratic,
            [-0.02, -0.02, -0.02, (130.0_f64.powi(2) - 120.0_f64.powi(2)) / 25.5_f64.powi(2)],
        ),
    ] {
        let (paid, grey) = paid_with_the_best(strategy, Bonus::None, &actions);
        assert!(near(&paid, &expected), "{strategy:?}: {paid:?} instead of {expected:?}");
        assert_eq!(grey, 130, "{strategy:?}");
        let (paid, _) = paid_with_the_best(strategy, Bonus::Fixed, &actions);
        assert!((paid[3] - expected[3] - 3.0).abs() < 1e-6, "{strategy:?}: the best gained");
    }
    // 110 is nearest to the original.
    let (paid, grey) = paid_with_the_best(RewardStrategy::Fidelity, Bonus::None, &[1, 0, 0, STOP]);
    assert_eq!(grey, 110);
    let nearer = 2.0 * ((30.0_f64 / 255.0 + 0.02) / (10.0 / 255.0 + 0.02)).ln();
    assert!((paid[3] - (nearer - 0.1 * 2.0 * point)).abs() < 1e-6, "{paid:?}");
}

#[test]
fn where_nothing_got_better_the_first_photo_is_restored() {
    for strategy in STRATEGIES {
        // Fidelity wants it darker, the scores brighter.
        let worse = if strategy == RewardStrategy::Fidelity { 0 } else { 1 };
        let (paid, grey) = paid_with_the_best(strategy, Bonus::Fixed, &[worse, worse, STOP]);
        let free = matches!(strategy, RewardStrategy::ScoreDifference | RewardStrategy::ClippedDifference);
        let (total, cost) = (paid.iter().sum::<f64>(), if free { 0.0 } else { 0.04 });
        // A clipped loss of two edits is not won back by one return.
        let clipped = if strategy == RewardStrategy::ClippedDifference { 0.5 - 20.0 / 25.5 } else { 0.0 };
        assert!((total - clipped + cost).abs() < 1e-6, "{strategy:?}: {paid:?}");
        assert_eq!(grey, 120, "{strategy:?}");
        let (paid, _) = paid_with_the_best(strategy, Bonus::Fixed, &[STOP]);
        assert_eq!(paid, [0.0], "{strategy:?}");
    }
}

#[test]
fn the_last_allowed_edit_goes_back_to_the_best_photo_too() {
    let point = 10.0 / 25.5;
    let (paid, grey) = paid_with_the_best(RewardStrategy::StepPenalized, Bonus::Fixed, &[0, 1, 1, 1]);
    assert!((paid[MAX_STEPS] - (-point - 0.02 + 3.0 * point + 3.0)).abs() < 1e-6, "{paid:?}");
    assert_eq!(grey, 130);
    let (paid, grey) = paid_with_the_best(RewardStrategy::StopOnlyPlain, Bonus::None, &[0, 1, 1, 1]);
    assert!((paid[MAX_STEPS] - (point - 0.02)).abs() < 1e-6, "{paid:?}");
    assert_eq!(grey, 130);
}

#[test]
fn stop_terminates_without_a_reward() {
    let mut environment = start(task(grey(100, 120), Stub::brightness()), 1, 0);
    act(&mut environment, 1);
    let step = act(&mut environment, STOP);
    assert_eq!(step, Step { reward: 0.0, terminated: true, truncated: false });
}

#[test]
fn the_last_allowed_edit_ends_the_episode_and_nothing_follows() {
    let mut environment = start(task(grey(100, 120), Stub::brightness()), 1, 0);
    for _ in 0..2 {
        let ends: Vec<(bool, bool)> =
            (0..MAX_STEPS).map(|_| act(&mut environment, 0)).map(|step| (step.terminated, step.truncated)).collect();
        assert_eq!(ends, [(false, false), (false, false), (true, false)]);
        environment.reset().unwrap();
    }
}

#[test]
fn an_observation_shows_the_photo_and_the_history() {
    let mut environment = start(task(grey(100, 120), Stub::brightness()), 1, 0);
    assert_eq!(observed(&environment), seen(&flat(8, 6, [120; 3])));
    act(&mut environment, 1);
    let mut expected = vec![0.0; environment.spaces().observation_len];
    Observer::new().observe(&flat(8, 6, [110; 3]), 1, MAX_STEPS, &[0, 1, 0, 0, 0], &mut expected);
    assert_eq!(observed(&environment), expected);
    environment.reset().unwrap();
    assert_eq!(observed(&environment), seen(&flat(8, 6, [120; 3])), "a new episode has no history");
}

#[test]
fn equal_seeds_give_equal_episodes_and_other_environments_others() {
    let play = |seed, index| {
        let mut task = task(scenes(), Stub::brightness());
        task.environment = EnvironmentParams { fresh_damage: true, vary_photos: true, ..environment() };
        task.undamaged_share = 0.3;
        let mut environment = start(task, seed, index);
        let mut record = observed(&environment);
        for turn in 0..20 {
            let step = act(&mut environment, turn % ACTIONS.len());
            if step.ended() {
                environment.reset().unwrap();
            }
            record.push(step.reward);
            record.extend(observed(&environment));
        }
        record
    };
    assert_eq!(play(1, 0), play(1, 0));
    assert_ne!(play(1, 0), play(1, 1));
    assert_ne!(play(1, 0), play(2, 0));
}

/// Which of the given photos the first observations of 60 episodes show, and how many show none of them.
fn first_sights(task: PhotoTask, photos: &[Photo]) -> (Vec<usize>, usize) {
    let mut environment = start(task, 1, 0);
    let known: Vec<Vec<f32>> = photos.iter().map(seen).collect();
    let (mut counts, mut others) = (vec![0; photos.len()], 0);
    for _ in 0..60 {
        environment.reset().unwrap();
        match known.iter().position(|known| *known == observed(&environment)) {
            Some(index) => counts[index] += 1,
            None => others += 1,
        }
    }
    (counts, others)
}

fn originals() -> Vec<Photo> {
    scenes().into_iter().map(|photo| photo.original).collect()
}

#[test]
fn with_a_share_of_one_every_episode_starts_undamaged() {
    let mut task = task(scenes(), Stub::brightness());
    task.environment.fresh_damage = true;
    task.undamaged_share = 1.0;
    let (counts, others) = first_sights(task, &originals());
    assert_eq!(others, 0);
    assert!(counts.iter().all(|&count| count > 0), "every photo has its turn: {counts:?}");
}

#[test]
fn with_a_share_of_zero_every_episode_starts_damaged() {
    let mut task = task(scenes(), Stub::brightness());
    task.environment.fresh_damage = true;
    let (_, others) = first_sights(task, &originals());
    assert_eq!(others, 60);
}

#[test]
fn fresh_damage_is_that_of_the_protocol() {
    let seen = |material| {
        let mut task = task(scenes(), Stub::brightness());
        (task.environment.fresh_damage, task.material) = (true, material);
        observed(&start(task, 1, 0))
    };
    let [standard, camera] = [DamageProtocol::Standard, DamageProtocol::Camera].map(Material::Damaged);
    assert_eq!(seen(standard), seen(Material::default()));
    assert_eq!(seen(camera), seen(camera), "equal seeds");
    assert_ne!(seen(camera), seen(standard));
}

#[test]
fn without_fresh_damage_the_stored_one_is_used() {
    let mut task = task(scenes(), Stub::brightness());
    // Without effect: which photos are undamaged is stored too.
    task.undamaged_share = 1.0;
    let stored: Vec<Photo> = scenes().into_iter().map(|photo| photo.degraded).collect();
    let (counts, others) = first_sights(task, &stored);
    assert_eq!(others, 0);
    assert!(counts.iter().all(|&count| count > 0), "{counts:?}");
}

/// Only mirrored: no crop, no change of tone.
fn varied(photos: Vec<TrainingPhoto>) -> PhotoTask {
    let mut task = task(photos, Stub::brightness());
    let environment = EnvironmentParams { fresh_damage: true, vary_photos: true, ..environment() };
    task.environment = EnvironmentParams { least_crop: 1.0, tone_variation: 0.0, ..environment };
    task.undamaged_share = 1.0;
    task
}

#[test]
fn half_of_the_varied_photos_are_mirrored() {
    let (originals, mirrored): (Vec<_>, Vec<_>) = originals().into_iter().map(|p| (p.clone(), p.mirrored())).unzip();
    assert!(psnr_db(&originals[0], &mirrored[0]).unwrap() < 30.0, "the scene is not symmetric");
    let both: Vec<Photo> = originals.into_iter().chain(mirrored).collect();
    let (counts, others) = first_sights(varied(scenes()), &both);
    assert_eq!(others, 0);
    let mirrored: usize = counts[4..].iter().sum();
    assert!((15..45).contains(&mirrored), "{mirrored} of 60 are mirrored");
}

#[test]
fn varied_photos_hardly_ever_look_the_same() {
    let sights = |least_crop, tone_variation| {
        let mut task = varied(vec![scenes().remove(0)]);
        (task.environment.least_crop, task.environment.tone_variation) = (least_crop, tone_variation);
        let mut environment = start(task, 1, 0);
        let mut sights: Vec<Vec<f32>> = Vec::new();
        for _ in 0..40 {
            environment.reset().unwrap();
            let observation = observed(&environment);
            if !sights.contains(&observation) {
                sights.push(observation);
            }
        }
        sights.len()
    };
    assert_eq!(sights(1.0, 0.0), 2, "as it is, and mirrored");
    assert!(sights(0.5, 0.0) > 20);
    assert!(sights(1.0, 0.5) > 20);
}

#[test]
fn a_varied_photo_is_compared_with_its_varied_original() {
    let mut task = varied(scenes());
    (task.environment.least_crop, task.environment.tone_variation) = (0.5, 0.15);
    task.reward = Arc::new(RewardParams { fidelity: 1.0, score: 0.0, edit_cost: 0.0, ..reward() });
    let mut environment = start(task, 1, 0);
    for _ in 0..40 {
        environment.reset().unwrap();
        // From no error at all to 10 levels, a little less where light tones are clipped.
        let reward = f64::from(act(&mut environment, 0).reward);
        let error = 255.0 * 0.02 * ((-reward).exp() - 1.0);
        assert!((8.0..10.001).contains(&error), "{error}");
    }
}

#[test]
fn of_a_pair_both_sides_are_varied_alike_and_nothing_is_damaged() {
    let mut task = varied(scenes());
    // All that does not concern pairs: fresh damage, undamaged photos, another tone.
    (task.material, task.undamaged_share) = (Material::Pairs, 1.0);
    (task.environment.least_crop, task.environment.tone_variation) = (0.5, 1.0);
    task.reward = Arc::new(RewardParams { fidelity: 1.0, score: 0.0, edit_cost: 0.0, ..reward() });
    let mut environment = start(task, 1, 0);
    let expected = ((30.0_f64 / 255.0 + 0.02) / (20.0 / 255.0 + 0.02)).ln();
    let mut sights: Vec<Vec<f32>> = Vec::new();
    for _ in 0..40 {
        environment.reset().unwrap();
        let observation = observed(&environment);
        if !sights.contains(&observation) {
            sights.push(observation);
        }
        let reward = f64::from(act(&mut environment, 0).reward);
        assert!((reward - expected).abs() < 1e-6, "30 levels are left, and then 20: {reward} and {expected}");
    }
    assert_eq!(sights.len(), 8, "each of four photos, and its mirror image");
}

#[test]
fn a_pair_that_is_not_varied_is_shown_as_it_is() {
    let mut task = task(scenes(), Stub::brightness());
    task.material = Material::Pairs;
    task.environment.fresh_damage = true;
    let before: Vec<Photo> = scenes().into_iter().map(|photo| photo.degraded).collect();
    let (counts, others) = first_sights(task, &before);
    assert_eq!(others, 0);
    assert!(counts.iter().all(|&count| count > 0), "{counts:?}");
}

#[test]
fn a_juror_is_asked_only_where_its_score_counts() {
    let juror = Stub::brightness();
    let mut unpaid = task(grey(100, 120), juror.clone());
    unpaid.reward = Arc::new(RewardParams { score: 0.0, ..reward() });
    let mut environment = start(unpaid, 1, 0);
    act(&mut environment, 0);
    assert_eq!(juror.asked(), 0);

    let mut environment = start(task(grey(100, 120), juror.clone()), 1, 0);
    act(&mut environment, 0);
    act(&mut environment, STOP);
    assert_eq!(juror.asked(), 2, "once at the start and once after the edit");
}

#[test]
fn a_juror_that_fails_is_an_error() {
    let mut environment = PhotoEnv::new(Arc::new(task(grey(100, 120), Stub::failing())), 1, 0);
    let error = environment.reset().unwrap_err();
    assert!(matches!(error, Error::Other(_)));
    assert_eq!(error.to_string(), "juror: juror stub gave no score: out of order");
}

#[test]
fn pointless_edits_are_masked_and_stop_never() {
    let mask = |environment: &PhotoEnv| shown(environment).1;
    let mut environment = start(task(grey(245, 250), Stub::brightness()), 1, 0);
    assert_eq!(mask(&environment), [true; STOP + 1]);
    act(&mut environment, 0);
    // White: not lighter, and darker would take the last edit back; contrast finds no room.
    assert_eq!(mask(&environment), [false, false, false, true, true]);
    environment.reset().unwrap();
    assert_eq!(mask(&environment), [true; STOP + 1], "a new episode has no last edit");

    let mut unmasked = task(grey(245, 250), Stub::brightness());
    unmasked.environment.mask_actions = false;
    unmasked.actions = unmasked.environment.action_set().unwrap();
    let mut environment = start(unmasked, 1, 0);
    act(&mut environment, 0);
    assert_eq!(mask(&environment), [true; STOP + 1]);
}

#[test]
fn a_restored_environment_goes_on_as_if_never_stopped() {
    let fresh = |seed| {
        let mut task = varied(scenes());
        task.environment.fresh_damage = true;
        // The end of an episode is paid by its beginning, and goes back to the best photo.
        task.environment.restore_best = true;
        let quadratic = RewardStrategy::StopOnlyQuadratic;
        task.reward = Arc::new(RewardParams { strategy: quadratic, bonus: Bonus::Sigmoid, ..reward() });
        start(task, seed, 0)
    };
    let mut original = fresh(1);
    act(&mut original, 1);
    let mut writer = StateWriter::new();
    original.save_state(&mut writer).unwrap();
    let bytes = writer.into_bytes();

    let mut restored = fresh(2);
    restored.restore_state(&mut StateReader::new(&bytes)).unwrap();
    let masks = [&original, &restored].map(|environment| shown(environment).1);
    assert_eq!(masks, [[false, true, true, true, true], [false, true, true, true, true]], "it knows the last edit");
    for action in [1, 2, STOP, 1, 0, STOP] {
        let made = act(&mut original, action);
        assert_eq!(act(&mut restored, action), made);
        if made.ended() {
            original.reset().unwrap();
            restored.reset().unwrap();
        }
        assert_eq!(shown(&original), shown(&restored));
    }
    let error = start(varied(scenes()), 3, 0).restore_state(&mut StateReader::new(&bytes)).unwrap_err();
    assert_eq!(error.to_string(), "the state was taken down with another environment.restore_best");
    for length in [0, 10, 100, bytes.len() - 1] {
        fresh(3).restore_state(&mut StateReader::new(&bytes[..length])).unwrap_err();
    }
}

#[test]
fn what_has_no_value_network_is_told_no_more_than_the_agent_sees() {
    let told = task(scenes(), Stub::brightness());
    let untold = PhotoTask { has_critic: false, ..task(scenes(), Stub::brightness()) };
    assert_eq!((told.spaces().privileged_len > 1, untold.spaces().privileged_len), (true, 0));
    let [told, untold] = [told, untold].map(|task| observed(&start(task, 3, 0)));
    assert_eq!(told, untold, "the episode is the same");
}
