//! The network that scores what is seen of a photo, as plain products of matrices: for a single photo a tensor library costs more than
//! the sums themselves.

use super::sight::LENGTH;

/// Widths of the layers from input to output.
pub(super) const WIDTHS: [usize; 4] = [LENGTH, 64, 32, 1];

/// A standardised number further out than this counts as this far: what was never seen in training shall not drive a score.
const FARTHEST: f32 = 4.0;

/// What makes numbers of different units comparable: usual value and usual distance from it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Standard {
    pub(super) centre: Vec<f32>,
    /// Above 0.
    pub(super) spread: Vec<f32>,
}

/// One layer: `outputs = inputs weight + bias`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layer {
    /// `[input][output]`.
    pub(super) weight: Vec<f32>,
    pub(super) bias: Vec<f32>,
}

/// One network, with the hyperbolic tangent between its layers, and what its outputs mean.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ranker {
    pub(super) layers: Vec<Layer>,
    /// The output that stands for half of the best score.
    pub(super) middle: f32,
    /// By how much the output changes for the score to change from one half to 0.73 of the best; above 0.
    pub(super) scale: f32,
}

impl Standard {
    /// Of some rows of numbers, at least one.
    pub(super) fn of<'a>(rows: impl Iterator<Item = &'a [f32]> + Clone) -> Self {
        let count = rows.clone().count().max(1) as f64;
        let mut sums = vec![(0.0_f64, 0.0_f64); LENGTH];
        for row in rows {
            for ((sum, squares), &number) in sums.iter_mut().zip(row) {
                *sum += f64::from(number);
                *squares += f64::from(number) * f64::from(number);
            }
        }
        let deviation = |(sum, squares): (f64, f64)| (squares / count - (sum / count).powi(2)).max(0.0).sqrt();
        Self {
            centre: sums.iter().map(|(sum, _)| (sum / count) as f32).collect(),
            // A number that never changes says nothing: it is not blown up.
            spread: sums.iter().map(|&sums| deviation(sums).max(1e-3) as f32).collect(),
        }
    }

    /// Takes numbers to their units.
    pub(super) fn apply(&self, numbers: &mut [f32]) {
        for ((number, centre), spread) in numbers.iter_mut().zip(&self.centre).zip(&self.spread) {
            *number = ((*number - centre) / spread).clamp(-FARTHEST, FARTHEST);
        }
    }
}

impl Ranker {
    /// The score of standardised numbers, from 0 to 1.
    pub(super) fn score(&self, numbers: &[f32]) -> f64 {
        1.0 / (1.0 + (-f64::from((self.output(numbers) - self.middle) / self.scale)).exp())
    }

    /// The network's output: the higher, the better.
    pub(super) fn output(&self, numbers: &[f32]) -> f32 {
        let (last, hidden) = self.layers.split_last().expect("a network has layers");
        let mut values = numbers.to_vec();
        for layer in hidden {
            values = layer.outputs(&values);
            values.iter_mut().for_each(|value| *value = value.tanh());
        }
        last.outputs(&values)[0]
    }
}

impl Layer {
    fn outputs(&self, inputs: &[f32]) -> Vec<f32> {
        let mut outputs = self.bias.clone();
        for (input, weights) in inputs.iter().zip(self.weight.chunks_exact(self.bias.len())) {
            outputs.iter_mut().zip(weights).for_each(|(output, weight)| *output += input * weight);
        }
        outputs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_by_hand() {
        let layer = |weight: &[f32], bias: &[f32]| Layer { weight: weight.to_vec(), bias: bias.to_vec() };
        let layers = vec![layer(&[1.0, 0.0, 0.0, 2.0], &[0.0, 0.5]), layer(&[3.0, -1.0], &[0.25])];
        let ranker = Ranker { layers, middle: 0.25, scale: 2.0 };
        let expected = 3.0 * 0.5_f32.tanh() - (-1.5_f32).tanh() + 0.25;
        let output = ranker.output(&[0.5, -1.0]);
        assert!((output - expected).abs() < 1e-6, "{output} instead of {expected}");
        let score = 1.0 / (1.0 + (-f64::from(expected - 0.25) / 2.0).exp());
        assert!((ranker.score(&[0.5, -1.0]) - score).abs() < 1e-6);
    }

    #[test]
    fn standardised_numbers_have_no_unit_and_no_outliers() {
        let mut rows = [vec![5.0; LENGTH], vec![9.0; LENGTH]];
        rows[1][1] = 5.0;
        let standard = Standard::of(rows.iter().map(Vec::as_slice));
        let mut row = vec![11.0; LENGTH];
        (row[1], row[2]) = (5.0, 1e9);
        standard.apply(&mut row);
        assert_eq!(row[..3], [2.0, 0.0, FARTHEST]);
    }
}
