//! How gain and harm change with what a model has to expect before it touches a photo, and whether its expectations come true.

use dodge_imaging::PSNR_CAP_DB;
use dodge_preprocess::RandomStream;
use rand::RngExt;
use serde::Serialize;

/// A change of PSNR that counts as better or worse, in decibels.
pub(crate) const NOTICED_DB: f64 = 0.1;

/// Least gains at which the frontier is looked at, in decibels.
const LEAST_GAINS: [f32; 8] = [0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0];

/// Where expected gains are parted, in decibels.
const PARTS: [f32; 7] = [0.0, 0.5, 1.0, 2.0, 4.0, 8.0, f32::INFINITY];

/// Sets of photos drawn for an interval.
const DRAWS: usize = 1000;

/// What a model would do that touches photos of which it expects more than a least gain.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct FrontierPoint {
    /// The least gain, in decibels.
    pub least_gain_db: f32,
    /// Mean gain of the damaged photos, or of the pairs that were edited, in decibels.
    pub mean_gain_db: f64,
    /// Share of these whose PSNR rose by more than 0.1 dB.
    pub improved: f64,
    /// Share whose PSNR fell by more than 0.1 dB.
    pub worsened: f64,
    /// Mean PSNR of the other photos to themselves, in decibels; none where there is none. 60 is untouched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undamaged_db: Option<f64>,
    /// Share of these that is left alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_alone: Option<f64>,
}

/// Photos of which a model expects about the same.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Calibration {
    /// Damaged photos, or pairs that were edited.
    pub photos: usize,
    /// What the model expects of them in the mean, in decibels.
    pub expected_db: f64,
    /// What they gain in the mean, in decibels.
    pub gained_db: f64,
}

/// What a model expects of a photo, and what comes of it where it acts.
pub(crate) struct Expected {
    pub(crate) is_damaged: bool,
    pub(crate) gain_db: f32,
    /// PSNR to the original before and after.
    pub(crate) before_db: f64,
    pub(crate) after_db: f64,
}

impl Expected {
    /// PSNR before, and after where the model acts on a photo of which it expects more than this.
    fn psnr(&self, least_gain_db: f32) -> (f64, f64) {
        (self.before_db, if self.gain_db > least_gain_db { self.after_db } else { self.before_db })
    }
}

/// The frontier of gain and harm, from the boldest least gain on.
pub(crate) fn frontier(expected: &[Expected], boldest_db: f32) -> Vec<FrontierPoint> {
    let point = |least_gain_db: f32| {
        let of = |damaged: bool| -> Vec<(f64, f64)> {
            let photos = expected.iter().filter(|expected| expected.is_damaged == damaged);
            photos.map(|expected| expected.psnr(least_gain_db)).collect()
        };
        let (damaged, whole) = (of(true), of(false));
        let share = |photos: &[(f64, f64)], is: &dyn Fn(f64, f64) -> bool| {
            photos.iter().filter(|&&(before, after)| is(before, after)).count() as f64 / photos.len().max(1) as f64
        };
        let of_whole = |value: f64| (!whole.is_empty()).then_some(value);
        FrontierPoint {
            least_gain_db,
            mean_gain_db: mean(damaged.iter().map(|(before, after)| after - before)),
            improved: share(&damaged, &|before, after| after > before + NOTICED_DB),
            worsened: share(&damaged, &|before, after| after < before - NOTICED_DB),
            undamaged_db: of_whole(mean(whole.iter().map(|&(_, after)| after))),
            left_alone: of_whole(share(&whole, &|_, after| after >= PSNR_CAP_DB)),
        }
    };
    [boldest_db].into_iter().chain(LEAST_GAINS.into_iter().filter(|&least| least > boldest_db)).map(point).collect()
}

/// What was expected of damaged photos that would be touched beside what came, from little to much; parts without photos are left
/// out.
pub(crate) fn calibration(expected: &[Expected]) -> Vec<Calibration> {
    let touched = || expected.iter().filter(|expected| expected.is_damaged && expected.after_db != expected.before_db);
    let (mut least, mut parts) = (f32::NEG_INFINITY, Vec::new());
    for most in PARTS {
        let part = || touched().filter(|expected| expected.gain_db > least && expected.gain_db <= most);
        let photos = part().count();
        if photos > 0 {
            let gained = |expected: &Expected| expected.after_db - expected.before_db;
            let expected_db = mean(part().map(|expected| f64::from(expected.gain_db)));
            parts.push(Calibration { photos, expected_db, gained_db: mean(part().map(gained)) });
        }
        least = most;
    }
    parts
}

/// An interval that holds the mean in 95 of 100 sets of photos like these: percentiles of the means of sets drawn from them with
/// repetition (bootstrap, Efron 1979). Equal seeds give equal intervals; none for less than two.
pub(crate) fn interval(values: &[f64], seed: u64) -> Option<[f64; 2]> {
    if values.len() < 2 {
        return None;
    }
    let mut rng = RandomStream::Bootstrap.generator(seed);
    let mut draw = || mean((0..values.len()).map(|_| values[rng.random_range(0..values.len())]));
    let mut means: Vec<f64> = (0..DRAWS).map(|_| draw()).collect();
    means.sort_by(f64::total_cmp);
    Some([means[DRAWS / 40], means[DRAWS - 1 - DRAWS / 40]])
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0_usize), |(sum, count), value| (sum + value, count + 1));
    sum / count.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frontier_and_calibration_by_hand() {
        let cases = [
            (true, 5.0, 20.0, 26.0),
            (true, 0.3, 20.0, 19.0),
            (true, 0.6, 30.0, 30.05),
            (false, 0.9, 60.0, 40.0),
            (false, 0.0, 60.0, 60.0),
        ];
        let expected = cases.map(|(is_damaged, gain_db, before_db, after_db)| Expected {
            is_damaged,
            gain_db,
            before_db,
            after_db,
        });
        let points = frontier(&expected, 0.0);
        let at = |least: f32| *points.iter().find(|point| point.least_gain_db == least).unwrap();
        let bold = at(0.0);
        assert!((bold.mean_gain_db - 5.05 / 3.0).abs() < 1e-9);
        assert_eq!((bold.improved, bold.worsened), (1.0 / 3.0, 1.0 / 3.0));
        assert_eq!((bold.undamaged_db, bold.left_alone), (Some(50.0), Some(0.5)));
        let careful = at(1.0);
        assert_eq!((careful.mean_gain_db, careful.worsened, careful.left_alone), (2.0, 0.0, Some(1.0)));
        let parts = calibration(&expected);
        assert_eq!(parts.iter().map(|part| part.photos).collect::<Vec<_>>(), [1, 1, 1]);
        assert!((parts[1].expected_db - 0.6).abs() < 1e-6 && (parts[1].gained_db - 0.05).abs() < 1e-9, "{parts:?}");
        assert_eq!(frontier(&expected[..3], 0.0)[0].undamaged_db, None);
    }

    #[test]
    fn an_interval_holds_the_mean_and_narrows_with_more_photos() {
        let values = |count: usize| (0..count).map(|i| (i % 10) as f64).collect::<Vec<f64>>();
        let [low, high] = interval(&values(100), 1).unwrap();
        // The standard error is 2.87 / 10.
        assert!((3.7..4.15).contains(&low) && (4.85..5.3).contains(&high), "{low} to {high}");
        let [lower, higher] = interval(&values(10), 1).unwrap();
        assert!(higher - lower > 2.5 * (high - low));
        assert_eq!(interval(&values(100), 1), interval(&values(100), 1));
        assert_eq!(interval(&[1.0], 1), None);
    }
}
