//! Baselines with free strengths: the same edits for all photos, and for each photo those of the pairs most like it.
//!
//! They know what a user could do without an agent: save the strengths of one edit as a preset, or take over those of a similar
//! photo. The strengths of a pair are found by search: no edits bring its *before* nearer to its *after* than these.

use dodge_imaging::{Operation, Photo, Sliders};
use rayon::prelude::*;

use crate::error::Error;
use crate::photo::levels::{Levels, QUANTILES};

/// Longer side of the photos that strengths are fitted on, in pixels: the edits work pixel by pixel, so that few tell enough.
const FITTING_SIDE: u32 = 32;

/// Similar pairs whose strengths are averaged.
const NEIGHBOURS: usize = 3;

/// Most pairs by which the edits for all are chosen: more change the third digit.
const MOST_FOR_ALL: usize = 128;

/// Most pairs by which the kinds of a few edits are chosen: they have to be told apart only.
const MOST_SCOUTS: usize = 32;

/// Furthest position of a slider, where its range does not end before; a position of 1 is a strong edit.
const FURTHEST: f32 = 4.0;

/// Distance of the positions that are tried for the end of a range.
const NOTCH: f32 = 0.25;

/// Positions nearer to 0 than this are left out of a recipe.
const NOTHING: f32 = 0.01;

/// Mean squared errors count as this much more, full range 1: beyond 47 dB nobody sees a difference.
const FLOOR: f64 = 2e-5;

/// What counts so while the edits for several pairs are looked for, one after the other.
const FLOORS: [f64; 3] = [1e-2, 5e-4, FLOOR];

/// What a slider at 1 has to gain, in natural logarithms of the error (0.02 are 0.09 dB): of strengths that do the same, the small
/// ones are taken, because only these can be averaged.
const RIDGE: f64 = 0.02;

/// Rounds of the search, and steps that are tried in each.
const ROUNDS: usize = 20;
const TRIES: usize = 8;

/// By how far a slider is moved to see what it does.
const PROBE: f32 = 0.01;

/// Gain of a round, for each pair, at which the search ends.
const ENOUGH: f64 = 1e-4;

/// Photos before and after, small, with what distinguishes one from another.
pub(crate) struct Examples {
    sliders: Sliders,
    /// The least and the greatest position of each slider.
    ends: Vec<[f64; 2]>,
    pairs: Vec<Example>,
    /// How far each statistic spreads.
    deviation: Vec<f32>,
    working_size: u32,
}

struct Example {
    before: Photo,
    after: Vec<[f32; 3]>,
    statistics: Vec<f32>,
}

impl Examples {
    /// Of pairs of *after* and *before*, in this order. They are compared by working photos of `working_size` pixels.
    pub(crate) fn new(pairs: &[(&Photo, &Photo)], working_size: u32) -> Self {
        let sliders = Sliders::new(Sliders::available()).expect("each kind that has a slider is listed once");
        let pairs: Vec<Example> = pairs
            .par_iter()
            .map(|(after, before)| Example {
                before: before.thumbnail(FITTING_SIDE),
                after: pixels(after),
                statistics: statistics(before, working_size),
            })
            .collect();
        let count = pairs.len().max(1) as f32;
        let mean_of = |value: &dyn Fn(usize, f32) -> f32, feature: usize| {
            pairs.iter().map(|pair| value(feature, pair.statistics[feature])).sum::<f32>() / count
        };
        let features = 0..QUANTILES;
        let mean: Vec<f32> = features.clone().map(|feature| mean_of(&|_, value| value, feature)).collect();
        let squares = |feature: usize, value: f32| (value - mean[feature]).powi(2);
        // A little more than nothing, so that a statistic that is the same for all counts nothing.
        let deviation = features.map(|feature| mean_of(&squares, feature).sqrt() + 1e-3).collect();
        let ends = (0..sliders.kinds().len()).map(|slider| ends(&sliders, slider)).collect();
        Self { sliders, ends, pairs, deviation, working_size }
    }

    /// The edits that bring all pairs nearest to their *after*, in the mean of the decibels; none where there are no pairs.
    pub(crate) fn for_all(&self) -> Vec<Operation> {
        self.operations(&self.fitted(&self.some(MOST_FOR_ALL), &self.all_sliders()))
    }

    /// The same with at most `most` edits: one after the other, the kind that brings them nearest together with those chosen before.
    pub(crate) fn few_for_all(&self, most: usize) -> Vec<Operation> {
        let scouts = self.some(MOST_SCOUTS);
        let value = |sliders: &[usize]| self.value(&scouts, &as_doubles(&self.fitted(&scouts, sliders)), FLOOR);
        let (mut chosen, mut least) = (Vec::new(), value(&[]));
        while chosen.len() < most {
            let open: Vec<usize> = self.all_sliders().into_iter().filter(|slider| !chosen.contains(slider)).collect();
            let tried = open.into_par_iter().map(|slider| {
                let sliders: Vec<usize> = chosen.iter().copied().chain([slider]).collect();
                (value(&sliders), slider)
            });
            let tried: Vec<(f64, usize)> = tried.collect();
            let best = tried.into_iter().min_by(|a, b| a.0.total_cmp(&b.0));
            let Some((value, slider)) = best.filter(|(value, _)| *value < least) else { break };
            least = value;
            chosen.push(slider);
        }
        self.operations(&self.fitted(&self.some(MOST_FOR_ALL), &chosen))
    }

    /// At most so many of the pairs, from all over them.
    fn some(&self, most: usize) -> Vec<&Example> {
        let apart = self.pairs.len().div_ceil(most).max(1);
        self.pairs.iter().step_by(apart).collect()
    }

    fn all_sliders(&self) -> Vec<usize> {
        (0..self.sliders.kinds().len()).collect()
    }

    /// The edits for each of some photos: the mean strengths of the most similar pairs. `own` says that
    /// the photos are the pairs' own, in their order: then none is its own neighbour.
    ///
    /// # Errors
    /// What `go_on` says before each pair.
    pub(crate) fn for_each(
        &self,
        photos: &[&Photo],
        own: bool,
        go_on: &(dyn Fn() -> Result<(), Error> + Sync),
    ) -> Result<Vec<Vec<Operation>>, Error> {
        let strengths = self
            .pairs
            .par_iter()
            .map(|pair| go_on().map(|()| self.fitted(&[pair], &self.all_sliders())))
            .collect::<Result<Vec<_>, Error>>()?;
        let of_photo = |(index, photo): (usize, &&Photo)| {
            let near = self.nearest(&statistics(photo, self.working_size), own.then_some(index));
            let mean = |slider: usize| {
                near.iter().map(|&pair| strengths[pair][slider]).sum::<f32>() / near.len().max(1) as f32
            };
            self.operations(&(0..self.sliders.kinds().len()).map(mean).collect::<Vec<f32>>())
        };
        Ok(photos.par_iter().enumerate().map(of_photo).collect())
    }

    /// The pairs most similar to a photo with these statistics, `except` one.
    fn nearest(&self, statistics: &[f32], except: Option<usize>) -> Vec<usize> {
        let distance = |pair: &Example| -> f32 {
            let differences = pair.statistics.iter().zip(statistics).zip(&self.deviation);
            // Not their squares: one statistic that is far off would settle it.
            differences.map(|((a, b), deviation)| ((a - b) / deviation).abs()).sum()
        };
        let mut near: Vec<(f32, usize)> = self.pairs.iter().map(distance).zip(0..).collect();
        near.retain(|(_, index)| Some(*index) != except);
        near.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        near.into_iter().take(NEIGHBOURS).map(|(_, index)| index).collect()
    }

    fn operations(&self, positions: &[f32]) -> Vec<Operation> {
        let moved = positions.iter().enumerate().filter(|(_, position)| position.abs() >= NOTHING);
        moved.map(|(index, &position)| self.sliders.operation(index, position)).collect()
    }

    /// The positions at which the sum of the logarithms of the pairs' errors is least, where these sliders move and the others stand
    /// at 0.
    ///
    /// That sum has a hollow wherever one pair fits, the deeper the less an error counts as none: at first large ones do, so that
    /// the search ends in the hollow of most pairs.
    fn fitted(&self, pairs: &[&Example], moving: &[usize]) -> Vec<f32> {
        let mut positions = vec![0.0; self.sliders.kinds().len()];
        let nothing = self.value(pairs, &positions, FLOOR);
        // A single pair has one hollow.
        let floors = if pairs.len() > 1 { &FLOORS[..] } else { &[FLOOR] };
        for &floor in floors {
            positions = self.descended(pairs, moving, positions, floor);
        }
        if self.value(pairs, &positions, FLOOR) < nothing { as_floats(&positions) } else { vec![0.0; positions.len()] }
    }

    /// By steps of Gauss and Newton, damped as Levenberg (1944) and Marquardt (1963) do.
    fn descended(&self, pairs: &[&Example], moving: &[usize], mut positions: Vec<f64>, floor: f64) -> Vec<f64> {
        let (mut value, mut damping) = (self.value(pairs, &positions, floor), 1e-3);
        for _ in 0..ROUNDS {
            let position = as_floats(&positions);
            let parts: Vec<Slopes> = pairs.par_iter().map(|pair| self.slopes(pair, moving, &position, floor)).collect();
            let mut sum = Slopes::none(moving.len());
            parts.iter().for_each(|part| sum.add(part));
            let ridge = 2.0 * RIDGE * pairs.len() as f64;
            for (index, &slider) in moving.iter().enumerate() {
                sum.gradient[index] += ridge * positions[slider];
                sum.curvature[index][index] += ridge;
            }
            let before = value;
            for _ in 0..TRIES {
                let step = sum.step(damping);
                let mut tried = positions.clone();
                for (&slider, step) in moving.iter().zip(&step) {
                    let [low, high] = self.ends[slider];
                    tried[slider] = (positions[slider] - step).clamp(low, high);
                }
                let tried_value = self.value(pairs, &tried, floor);
                if tried_value < value {
                    (positions, value, damping) = (tried, tried_value, (damping / 10.0).max(1e-6));
                    break;
                }
                damping *= 10.0;
            }
            if before - value <= ENOUGH * pairs.len() as f64 {
                break;
            }
        }
        positions
    }

    /// The sum of the logarithms of the pairs' errors, and what the positions cost.
    fn value(&self, pairs: &[&Example], positions: &[f64], floor: f64) -> f64 {
        let position = as_floats(positions);
        let error = |pair: &&Example| {
            mean_square(&differences(&self.sliders.apply(&pair.before, &position), &pair.after)) + floor
        };
        let errors: Vec<f64> = pairs.par_iter().map(error).collect();
        let cost = positions.iter().map(|position| position * position).sum::<f64>();
        // Summed in order, so that the sum does not depend on the threads.
        errors.iter().map(|error| error.ln()).sum::<f64>() + RIDGE * pairs.len() as f64 * cost
    }

    /// How the logarithm of a pair's error changes with the positions of the moving sliders.
    fn slopes(&self, pair: &Example, moving: &[usize], positions: &[f32], floor: f64) -> Slopes {
        let edited = self.sliders.apply(&pair.before, positions);
        let rest = differences(&edited, &pair.after);
        let moved: Vec<Vec<f32>> = moving
            .iter()
            .map(|&slider| {
                let mut probe = positions.to_vec();
                probe[slider] += PROBE;
                let mut change = differences(&self.sliders.apply(&pair.before, &probe), &edited);
                change.iter_mut().for_each(|value| *value /= PROBE);
                change
            })
            .collect();
        let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
        // The derivative of the logarithm of the mean of squares.
        let weight = 2.0 / (rest.len() as f64 * (mean_square(&rest) + floor));
        Slopes {
            gradient: moved.iter().map(|change| weight * product(change, &rest)).collect(),
            curvature: moved.iter().map(|a| moved.iter().map(|b| weight * product(a, b)).collect()).collect(),
        }
    }
}

/// A gradient, and the curvature by the products of first derivatives.
struct Slopes {
    gradient: Vec<f64>,
    curvature: Vec<Vec<f64>>,
}

impl Slopes {
    fn none(count: usize) -> Self {
        Self { gradient: vec![0.0; count], curvature: vec![vec![0.0; count]; count] }
    }

    fn add(&mut self, other: &Self) {
        self.gradient.iter_mut().zip(&other.gradient).for_each(|(sum, value)| *sum += value);
        for (sums, values) in self.curvature.iter_mut().zip(&other.curvature) {
            sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
        }
    }

    /// The step whose opposite leads to the least value of the parabola, with the curvature along each axis raised by the
    /// share `damping`. By elimination: with the ridge, the curvature is positive in every direction.
    fn step(&self, damping: f64) -> Vec<f64> {
        let (mut matrix, mut right) = (self.curvature.clone(), self.gradient.clone());
        let count = right.len();
        for (index, row) in matrix.iter_mut().enumerate() {
            row[index] *= 1.0 + damping;
        }
        for pivot in 0..count {
            let (above, below) = matrix.split_at_mut(pivot + 1);
            let top = &above[pivot];
            for (offset, row) in below.iter_mut().enumerate() {
                let factor = row[pivot] / top[pivot];
                row.iter_mut().zip(top).for_each(|(value, above)| *value -= factor * above);
                right[pivot + 1 + offset] -= factor * right[pivot];
            }
        }
        for index in (0..count).rev() {
            let known: f64 = (index + 1..count).map(|later| matrix[index][later] * right[later]).sum();
            right[index] = (right[index] - known) / matrix[index][index];
        }
        right
    }
}

/// The least and the greatest position of a slider at which its strength still follows it.
fn ends(sliders: &Sliders, slider: usize) -> [f64; 2] {
    let (low, _, high) = sliders.kinds()[slider].range();
    let follows = |position: f32| {
        let strength = sliders.operation(slider, position).strength();
        strength.is_some_and(|strength| low < strength && strength < high)
    };
    let furthest = |towards: f32| {
        let mut position = 0.0;
        while position < FURTHEST && follows(towards * (position + NOTCH)) {
            position += NOTCH;
        }
        f64::from(towards * position)
    };
    [furthest(-1.0), furthest(1.0)]
}

fn pixels(photo: &Photo) -> Vec<[f32; 3]> {
    let small = photo.thumbnail(FITTING_SIDE);
    small.pixels().as_chunks::<3>().0.iter().map(|pixel| pixel.map(|value| f32::from(value) / 255.0)).collect()
}

/// How the levels are spread, and not where in the photo: what is where tells photos of one place apart, and says nothing of what
/// they need.
fn statistics(photo: &Photo, working_size: u32) -> Vec<f32> {
    let mut statistics = Vec::with_capacity(QUANTILES);
    Levels::of(&photo.thumbnail(working_size)).quantiles(|value| statistics.push(value));
    statistics
}

fn differences(a: &[[f32; 3]], b: &[[f32; 3]]) -> Vec<f32> {
    a.as_flattened().iter().zip(b.as_flattened()).map(|(a, b)| a - b).collect()
}

fn mean_square(values: &[f32]) -> f64 {
    values.iter().map(|value| f64::from(value * value)).sum::<f64>() / values.len().max(1) as f64
}

fn as_doubles(positions: &[f32]) -> Vec<f64> {
    positions.iter().map(|&position| f64::from(position)).collect()
}

fn as_floats(positions: &[f64]) -> Vec<f32> {
    positions.iter().map(|&position| position as f32).collect()
}

#[cfg(test)]
mod tests {
    use dodge_imaging::{Recipe, psnr_db};

    use super::*;

    fn scene(index: u32) -> Photo {
        let shade = |a: u32, b: u32| (50 + (a * 3 + b * 2 + index * 17) % 130) as u8;
        Photo::from_fn(48, 32, |x, y| [shade(x, y), shade(y, x + 20), shade(x / 2, 40 + index)]).unwrap()
    }

    fn edited(photo: &Photo, recipe: &[&str]) -> Photo {
        Recipe::new(recipe.iter().map(|text| text.parse().unwrap()).collect()).apply(photo)
    }

    fn psnr_after(operations: Vec<Operation>, before: &Photo, after: &Photo) -> f64 {
        psnr_db(after, &Recipe::new(operations).apply(before)).unwrap()
    }

    const EDIT: [&str; 3] = ["exposure:0.4", "contrast:1.15", "warmth:0.05"];

    #[test]
    fn one_edit_that_was_made_on_all_is_found() {
        let pairs: Vec<(Photo, Photo)> = (0..5).map(|index| (edited(&scene(index), &EDIT), scene(index))).collect();
        let pairs: Vec<(&Photo, &Photo)> = pairs.iter().map(|(after, before)| (after, before)).collect();
        let found = Examples::new(&pairs, 48).for_all();
        let (after, before) = (edited(&scene(9), &EDIT), scene(9));
        let (nothing, ours) = (psnr_db(&after, &before).unwrap(), psnr_after(found, &before, &after));
        assert!(ours > nothing + 12.0 && ours > 34.0, "{nothing} to {ours} dB");
    }

    #[test]
    fn a_few_edits_are_those_that_help_most() {
        let recipe = ["lightness:-30", "saturation:0.6"];
        let pairs: Vec<(Photo, Photo)> = (0..5).map(|index| (scene(index), edited(&scene(index), &recipe))).collect();
        let pairs: Vec<(&Photo, &Photo)> = pairs.iter().map(|(after, before)| (after, before)).collect();
        let examples = Examples::new(&pairs, 48);
        let (after, before) = (scene(9), edited(&scene(9), &recipe));
        let psnr = |most: usize| {
            let found = examples.few_for_all(most);
            assert!(found.len() <= most, "{found:?}");
            psnr_after(found, &before, &after)
        };
        let [none, one, three] = [psnr(0), psnr(1), psnr(3)];
        assert!(none < one - 3.0 && one < three - 3.0 && three > 35.0, "{none}, {one}, {three} dB");
        let kinds: Vec<&str> = examples.few_for_all(1).iter().map(|operation| operation.kind().name()).collect();
        assert!(["lightness", "exposure", "gamma", "contrast"].contains(&kinds[0]), "{kinds:?}");
        assert_eq!(Examples::new(&[], 48).few_for_all(3), []);
        let photo = scene(1);
        assert_eq!(Examples::new(&[(&photo, &photo)], 48).few_for_all(3), []);
    }

    #[test]
    fn without_pairs_and_for_pairs_that_are_equal_nothing_is_done() {
        assert_eq!(Examples::new(&[], 48).for_all(), []);
        let photo = scene(1);
        assert_eq!(Examples::new(&[(&photo, &photo)], 48).for_all(), []);
        let none = Examples::new(&[], 48).for_each(&[&photo], false, &|| Ok(())).unwrap();
        assert_eq!(none, [vec![]]);
    }

    #[test]
    fn similar_photos_are_edited_alike() {
        // Dark photos were made brighter, bright ones warmer.
        let dark = |index: u32| edited(&scene(index), &["lightness:-45"]);
        let brighter = |photo: &Photo| edited(photo, &["lightness:30"]);
        let warmer = |photo: &Photo| edited(photo, &["warmth:0.15"]);
        let mut pairs = Vec::new();
        for index in 0..4 {
            pairs.push((brighter(&dark(index)), dark(index)));
            pairs.push((warmer(&scene(index)), scene(index)));
        }
        let pairs: Vec<(&Photo, &Photo)> = pairs.iter().map(|(after, before)| (after, before)).collect();
        let examples = Examples::new(&pairs, 48);
        let unknown = [dark(7), scene(8)];
        let wanted = [brighter(&unknown[0]), warmer(&unknown[1])];
        let edits = examples.for_each(&[&unknown[0], &unknown[1]], false, &|| Ok(())).unwrap();
        let for_all = examples.for_all();
        let mut alike = Vec::new();
        for ((edits, before), after) in edits.into_iter().zip(&unknown).zip(&wanted) {
            let (near, all) = (psnr_after(edits, before, after), psnr_after(for_all.clone(), before, after));
            assert!(near > 32.0, "{near} dB by the nearest, {all} dB by one edit for all");
            alike.push(all);
        }
        assert!(alike.iter().any(|&psnr| psnr < 28.0), "no edit is right for both: {alike:?}");
        // Its own pair would say it exactly.
        let own: Vec<&Photo> = pairs.iter().map(|(_, before)| *before).collect();
        assert_eq!(examples.nearest(&statistics(own[2], 48), None)[0], 2);
        assert!(!examples.nearest(&statistics(own[2], 48), Some(2)).contains(&2));
        assert_eq!(examples.for_each(&own, true, &|| Ok(())).unwrap().len(), own.len());
    }

    #[test]
    fn a_step_solves_its_equations() {
        let slopes = Slopes { gradient: vec![9.0, 13.0], curvature: vec![vec![4.0, 1.0], vec![1.0, 3.0]] };
        let step = slopes.step(0.0);
        assert!((step[0] - 14.0 / 11.0).abs() < 1e-12 && (step[1] - 43.0 / 11.0).abs() < 1e-12, "{step:?}");
    }
}
