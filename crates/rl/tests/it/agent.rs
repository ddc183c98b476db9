//! Acting on photos without any juror.

use std::sync::Mutex;

use dodge_imaging::Photo;
use dodge_learn::{Action, Policy, Proposals};
use dodge_rl::{ActionSet, EnvironmentParams, Expectation, Observe, Observer, Retouched, Rules, VIEWS, retouch_all};

use crate::support::{ACTIONS, flat, model, scene};

/// Gives the answers that it was made with, step by step, and remembers how many were wanted.
struct Script {
    answers: Vec<Vec<usize>>,
    asked: Mutex<Vec<usize>>,
}

impl Script {
    fn new(answers: Vec<Vec<usize>>) -> Self {
        Self { answers, asked: Mutex::default() }
    }
}

impl Policy for Script {
    fn preferences(&self, observations: &[f32]) -> Vec<f32> {
        let mut asked = self.asked.lock().unwrap();
        let answers = &self.answers[asked.len()];
        let count = ACTIONS.len() + 1;
        asked.push(observations.len() / Observer::new().observation_len(count) / VIEWS);
        let certain = |&answer: &usize| (0..count).map(move |action| f32::from(u8::from(action == answer)));
        answers.iter().flat_map(|answer| std::iter::repeat_n(answer, VIEWS)).flat_map(certain).collect()
    }
}

fn actions() -> ActionSet {
    ActionSet::parse(&ACTIONS).unwrap()
}

fn retouched(
    policy: &impl Policy,
    actions: &ActionSet,
    max_steps: usize,
    limit: usize,
    photos: &[&Photo],
) -> Vec<Retouched> {
    let rules = Rules {
        actions,
        max_steps,
        limit,
        most_looks: 1,
        observer: &Observer::new(),
        expectation: Expectation::AS_FORETOLD,
        least_gain_db: 0.0,
    };
    retouch_all(policy, &rules, photos)
}

fn texts(operations: &[dodge_imaging::Operation]) -> Vec<String> {
    operations.iter().map(ToString::to_string).collect()
}

#[test]
fn an_action_set_is_its_operations_and_stop() {
    let actions = actions();
    assert_eq!((actions.len(), actions.stop(), actions.is_empty()), (5, 4, false));
    assert_eq!(actions.labels(), ACTIONS);
    assert_eq!(actions.operation(Action::new(3)).unwrap().to_string(), "warmth:0.1");
    assert_eq!(actions.operation(Action::new(actions.stop())), None);
}

#[test]
fn an_action_set_says_what_is_wrong_with_it() {
    let message = |texts: &[&str]| ActionSet::parse(texts).unwrap_err().to_string();
    assert_eq!(message(&[]), "environment.actions: at least one operation is needed");
    assert_eq!(message(&["warmth:0.1", "warmth:0.10"]), "environment.actions: `warmth:0.1` is listed twice");
    assert!(message(&["crop:16x9"]).contains("`crop:16x9` changes the size of the photo"));
    assert!(message(&["contrast:99"]).contains("must lie between 0 and 8"), "{}", message(&["contrast:99"]));
    assert!(message(&["contrast:NaN"]).starts_with("environment.actions: "));
    assert!(message(&[""]).starts_with("environment.actions: "));
    assert_eq!(EnvironmentParams::default().action_set().unwrap().len(), 21);
}

#[test]
fn photos_are_retouched_together_until_each_is_stopped() {
    let (stop, brighter) = (4, 0);
    let script = Script::new(vec![vec![brighter, stop, 3], vec![stop, brighter], vec![2]]);
    let photos = [scene(0, 20, 10), scene(1, 10, 20), scene(2, 8, 8)];
    let photos: Vec<&Photo> = photos.iter().collect();
    let results = retouched(&script, &actions(), 3, 3, &photos);
    assert_eq!(*script.asked.lock().unwrap(), [3, 2, 1], "a stopped photo is not looked at again");
    let expected =
        [(vec!["lightness:10"], true), (vec![], true), (vec!["warmth:0.1", "lightness:10", "contrast:1.2"], false)];
    for ((result, (operations, stopped)), before) in results.iter().zip(expected).zip(photos) {
        assert_eq!(
            (texts(&result.operations), result.stopped),
            (operations.iter().map(ToString::to_string).collect(), stopped)
        );
        let replayed = result.operations.iter().fold(before.clone(), |photo, operation| operation.apply(&photo));
        assert_eq!(result.photo, replayed, "the list tells all that was done");
    }
}

#[test]
fn the_limit_of_edits_is_kept() {
    for limit in [0, 1, 4] {
        let script = Script::new(vec![vec![0]; limit]);
        let results = retouched(&script, &actions(), 5, limit, &[&scene(0, 16, 16)]);
        assert_eq!((results[0].operations.len(), results[0].stopped), (limit, false));
    }
}

#[test]
fn pointless_edits_are_not_taken() {
    // The script prefers all other actions equally to none; among equal ones the last, stop, is taken.
    let (darker, brighter) = (1, 0);
    // White cannot become lighter.
    let script = Script::new(vec![vec![brighter]]);
    let results = retouched(&script, &actions(), 5, 5, &[&flat(9, 9, [255; 3])]);
    assert!(results[0].stopped && results[0].operations.is_empty());
    // 250 can, once.
    let script = Script::new(vec![vec![brighter]; 2]);
    let results = retouched(&script, &actions(), 5, 5, &[&flat(9, 9, [250; 3])]);
    assert_eq!((texts(&results[0].operations), results[0].stopped), (vec!["lightness:10".to_owned()], true));
    // What was just done is not undone.
    let script = Script::new(vec![vec![brighter], vec![darker]]);
    let results = retouched(&script, &actions(), 5, 5, &[&scene(0, 9, 9)]);
    assert_eq!((texts(&results[0].operations), results[0].stopped), (vec!["lightness:10".to_owned()], true));
}

#[test]
fn where_nothing_is_masked_an_edit_without_effect_ends_the_episode_and_the_recipe() {
    let script = Script::new(vec![vec![0], vec![1], vec![0], vec![0]]);
    let unmasked = actions().unmasked();
    let results = retouched(&script, &unmasked, 5, 5, &[&flat(9, 9, [250; 3])]);
    let expected = ["lightness:10", "lightness:-10", "lightness:10"];
    assert_eq!((texts(&results[0].operations), results[0].stopped), (expected.map(str::to_owned).to_vec(), true));
}

#[test]
fn no_photos_are_no_work() {
    let script = Script::new(vec![]);
    assert!(retouched(&script, &actions(), 5, 5, &[]).is_empty());
    assert!(model(&[8], 1).recipes_for(&[], 5).is_empty());
}

#[test]
fn photos_of_any_size_get_a_recipe() {
    let model = model(&[8], 1);
    let photos = [
        flat(1, 1, [200, 10, 10]),
        scene(0, 5000, 10),
        scene(1, 3, 700),
        scene(2, 33, 31),
        flat(400, 300, [0; 3]),
        flat(64, 64, [255; 3]),
    ];
    let together = model.recipes_for(&photos.iter().collect::<Vec<_>>(), usize::MAX);
    for (photo, recipe) in photos.iter().zip(&together) {
        assert!(recipe.operations().len() <= model.configuration().max_steps);
        assert_eq!(model.recipe_for(photo), *recipe, "alone as together");
        let result = recipe.apply(photo);
        assert_eq!((result.width(), result.height()), (photo.width(), photo.height()));
    }
    assert!(together.iter().any(|recipe| !recipe.operations().is_empty()), "a fresh model does something somewhere");
}

#[test]
fn fewer_edits_than_the_model_may_make_can_be_asked_for() {
    let (photo, models) = (scene(0, 40, 30), (0..10).map(|seed| model(&[8], seed)));
    let busy = models.into_iter().find(|model| model.recipe_for(&photo).operations().len() > 1).unwrap();
    assert!(busy.recipes_for(&[&photo], 0)[0].operations().is_empty());
    let one = busy.recipes_for(&[&photo], 1);
    assert_eq!(one[0].operations(), &busy.recipe_for(&photo).operations()[..1]);
}

/// Remembers the observations that it was asked about, and stops at once.
struct Witness(Mutex<Vec<f32>>);

impl Policy for Witness {
    fn preferences(&self, observations: &[f32]) -> Vec<f32> {
        self.0.lock().unwrap().extend(observations);
        let rows = observations.len() / Observer::with_picture(24).observation_len(ACTIONS.len() + 1);
        [0.0, 0.0, 0.0, 0.0, 1.0].repeat(rows)
    }
}

#[test]
fn an_encoder_of_pictures_sees_in_use_what_it_saw_in_training() {
    let photo = scene(0, 48, 32);
    let (witness, observer) = (Witness(Mutex::default()), Observer::with_picture(24));
    let rules = Rules {
        actions: &actions(),
        max_steps: 3,
        limit: 3,
        most_looks: 1,
        observer: &observer,
        expectation: Expectation::AS_FORETOLD,
        least_gain_db: 0.0,
    };
    retouch_all(&witness, &rules, &[&photo]);
    let expected: Vec<f32> = [photo.clone(), photo.mirrored()]
        .iter()
        .flat_map(|view| {
            let mut observation = vec![0.0; observer.observation_len(ACTIONS.len() + 1)];
            observer.observe(view, 0, 3, &[0; ACTIONS.len() + 1], &mut observation);
            observation
        })
        .collect();
    assert_eq!(*witness.0.lock().unwrap(), expected, "whole photos, none of them in a wider frame");
}

/// Brightens by 31 levels at a time, and foretells a decibel for each twentieth that the darkest pixel lies below half.
struct Brightener;

impl Policy for Brightener {
    fn preferences(&self, _: &[f32]) -> Vec<f32> {
        unreachable!("it moves all sliders at once")
    }

    fn proposals(&self, observations: &[f32]) -> Option<Proposals> {
        let length = Observer::new().observation_len(2);
        // A pixel of half the range is shown as 0, black as -1.
        let foretold = observations.chunks_exact(length).flat_map(|row| [0.0, 0.0, -10.0 * row[0]]);
        let gains: Vec<f32> = foretold.collect();
        Some(Proposals { strengths: vec![0.2; observations.len() / length], gains })
    }
}

#[test]
fn what_is_far_off_is_moved_more_than_once() {
    let actions = ActionSet::parse(&["lightness"]).unwrap();
    let moved = |value: u8, most_looks: usize, limit: usize| {
        let photo = Photo::from_fn(48, 32, |_, _| [value; 3]).unwrap();
        let rules = Rules {
            actions: &actions,
            max_steps: 10,
            limit,
            most_looks,
            observer: &Observer::new(),
            expectation: Expectation::AS_FORETOLD,
            least_gain_db: 2.0,
        };
        let retouched = retouch_all(&Brightener, &rules, &[&photo]).remove(0);
        assert!(retouched.expected_gain_db.unwrap() > 2.0 || retouched.operations.is_empty());
        retouched.operations.len()
    };
    assert_eq!([1, 2, 3, 9].map(|looks| moved(0, looks, 99)), [1, 2, 3, 4], "as often as it may, or as it takes");
    assert_eq!(moved(75, 3, 99), 2, "the second time a decibel is enough");
    assert_eq!(moved(110, 3, 99), 0, "the first time it is not");
    assert_eq!(moved(0, 3, 2), 2, "never more edits than are allowed");
}
