//! Pair accuracy, and several jurors as one.

use std::sync::Arc;

use dodge_imaging::Photo;
use dodge_juror::{Ensemble, Error, Juror, PairCheck};

use crate::classical::scene;

/// Scores by one number of a photo.
struct By(fn(&Photo) -> f64);

impl Juror for By {
    fn name(&self) -> String {
        "by".to_owned()
    }

    fn score(&self, photos: &[&Photo]) -> Result<Vec<f64>, Error> {
        Ok(photos.iter().map(|photo| (self.0)(photo)).collect())
    }
}

fn brightness(photo: &Photo) -> f64 {
    photo.pixels().iter().map(|&value| f64::from(value)).sum::<f64>() / photo.pixels().len() as f64 / 25.5
}

#[test]
fn who_likes_it_dark_is_right_about_what_was_brightened() {
    let check = PairCheck::new(1);
    let dark = By(|photo| 10.0 - brightness(photo));
    let answers: Vec<_> = (0..6).map(|variant| check.ask(&dark, &scene(variant), variant.into()).unwrap()).collect();
    let result = check.result(&answers);
    assert_eq!((result.photos, result.by_damage.len()), (6, check.names().len()));
    let accuracy = |name: &str| result.by_damage.iter().find(|it| it.damage == name).unwrap().accuracy;
    assert_eq!([accuracy("lightness +40"), accuracy("exposure +1"), accuracy("gamma 0.6")], [1.0; 3]);
    assert_eq!([accuracy("lightness -40"), accuracy("exposure -1"), accuracy("gamma 1.6")], [0.0; 3]);
    let mean = result.by_damage.iter().map(|it| it.accuracy).sum::<f64>() / result.by_damage.len() as f64;
    assert!((result.overall - mean).abs() < 1e-12);
}

#[test]
fn equal_seeds_ask_the_same_and_equal_scores_are_wrong() {
    let (bright, same) = (By(brightness), By(|_| 5.0));
    let ask = |seed| PairCheck::new(seed).ask(&bright, &scene(1), 3).unwrap();
    assert_eq!(ask(1), ask(1));
    assert_ne!(ask(1), ask(2));
    let check = PairCheck::new(1);
    assert_eq!(check.result(&[check.ask(&same, &scene(1), 0).unwrap()]).overall, 0.0);
    assert_eq!(check.result(&[]).overall, 0.0);
}

#[test]
fn a_juror_that_gives_no_score_is_no_wrong_answer() {
    let broken = By(|_| f64::NAN);
    assert!(PairCheck::new(1).ask(&broken, &scene(1), 0).is_err());
    assert!(Ensemble::new(Arc::new(broken), 1.0).score_one(&scene(1)).is_err());
}

#[test]
fn an_ensemble_is_the_weighted_mean_below_what_a_veto_lets_pass() {
    let of = |score: fn(&Photo) -> f64| -> Arc<dyn Juror> { Arc::new(By(score)) };
    let photo = scene(0);
    let score = |ensemble: Ensemble| ensemble.score_one(&photo).unwrap();
    assert_eq!(score(Ensemble::new(of(|_| 9.0), 3.0).with(of(|_| 5.0), 1.0)), 8.0);
    assert_eq!(score(Ensemble::new(of(|_| 9.0), 3.0).with(of(|_| 5.0), 1.0).with_veto()), 6.0);
    assert_eq!(score(Ensemble::new(of(|_| 4.0), 1.0).with(of(|_| 5.0), 1.0).with_veto()), 4.5);
    // One that only limits does not count in the mean.
    assert_eq!(score(Ensemble::new(of(|_| 9.0), 3.0).limited_by(of(|_| 5.0), 3.0)), 8.0);
    assert_eq!(score(Ensemble::new(of(|_| 7.0), 3.0).limited_by(of(|_| 5.0), 3.0)), 7.0);
    let names = [Ensemble::new(of(|_| 9.0), 3.0), Ensemble::new(of(|_| 9.0), 3.0).with_veto()].map(|it| it.name());
    assert_ne!(names[0], names[1]);
}
