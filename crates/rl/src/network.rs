//! The networks of the agent: two multilayer perceptrons, one for the policy and one for the value.

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::activation::{softmax, tanh};
use burn::tensor::{Device, Tensor, TensorData};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Policy and value network. They share nothing, so that the scale of the value's loss cannot disturb the policy.
#[derive(Module, Debug)]
pub struct ActorCritic {
    policy: Perceptron,
    value: Perceptron,
}

/// Fully connected layers with `tanh` between them.
#[derive(Module, Debug)]
pub struct Perceptron {
    layers: Vec<Linear>,
}

impl ActorCritic {
    /// Makes the networks with orthogonal weights (gain √2 inside, 0.01 for the policy's and 1 for the value's output)
    /// and zero biases, all drawn from `rng` on the host: equal seeds give equal networks on every device.
    #[must_use]
    pub fn new(
        observation_len: usize,
        hidden: &[usize],
        action_count: usize,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Self {
        Self {
            policy: Perceptron::new(observation_len, hidden, action_count, 0.01, rng, device),
            value: Perceptron::new(observation_len, hidden, 1, 1.0, rng, device),
        }
    }

    /// How many numbers networks of this shape consist of.
    pub(crate) fn parameter_count(observation_len: usize, hidden: &[usize], action_count: usize) -> usize {
        let of_one = |outputs: usize| {
            let (mut inputs, mut count) = (observation_len, 0);
            for &width in hidden.iter().chain([&outputs]) {
                count += (inputs + 1) * width;
                inputs = width;
            }
            count
        };
        of_one(action_count) + of_one(1)
    }

    /// Unnormalised log-probabilities `[batch, action]` of observations `[batch, feature]`.
    #[must_use]
    pub fn logits(&self, observations_bf: Tensor<2>) -> Tensor<2> {
        self.policy.forward(observations_bf)
    }

    /// Probability of each action, `[batch][action]`, for observations `[batch][feature]` of `length` features.
    #[must_use]
    pub fn probabilities(&self, observations: &[f32], length: usize, device: &Device) -> Vec<f32> {
        let data = TensorData::new(observations.to_vec(), [observations.len() / length, length]);
        let probabilities_ba = softmax(self.logits(Tensor::from_data(data, device)), 1);
        probabilities_ba.into_data_as::<f32>().try_into_vec().expect("the data was converted to f32")
    }

    /// Values `[batch]` of observations `[batch, feature]`.
    #[must_use]
    pub fn values(&self, observations_bf: Tensor<2>) -> Tensor<1> {
        self.value.forward(observations_bf).squeeze_dim(1)
    }
}

impl Perceptron {
    fn new(
        inputs: usize,
        hidden: &[usize],
        outputs: usize,
        output_gain: f32,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Self {
        let mut widths = vec![inputs];
        widths.extend(hidden);
        widths.push(outputs);
        let last = widths.len() - 2;
        let layers = widths.windows(2).enumerate().map(|(index, pair)| {
            let gain = if index == last { output_gain } else { std::f32::consts::SQRT_2 };
            let weight = TensorData::new(orthogonal(pair[0], pair[1], gain, rng), [pair[0], pair[1]]);
            let bias = TensorData::new(vec![0.0_f32; pair[1]], [pair[1]]);
            Linear { weight: Param::from_data(weight, device), bias: Some(Param::from_data(bias, device)) }
        });
        Self { layers: layers.collect() }
    }

    fn forward(&self, input_bf: Tensor<2>) -> Tensor<2> {
        let (last, inner) = self.layers.split_last().expect("at least the output layer");
        let hidden_bf = inner.iter().fold(input_bf, |x, layer| tanh(layer.forward(x)));
        last.forward(hidden_bf)
    }
}

/// A matrix `[rows, columns]` whose shorter side holds orthogonal vectors of length `gain` (Saxe et al. 2013), by
/// Gram-Schmidt on normal deviates.
fn orthogonal(rows: usize, columns: usize, gain: f32, rng: &mut ChaCha8Rng) -> Vec<f32> {
    let (count, length) = (rows.min(columns), rows.max(columns));
    let mut basis: Vec<Vec<f64>> = Vec::with_capacity(count);
    while basis.len() < count {
        let mut vector: Vec<f64> = (0..length).map(|_| normal(rng)).collect();
        // Twice, because one pass loses orthogonality to rounding.
        for _ in 0..2 {
            for other in &basis {
                let overlap: f64 = vector.iter().zip(other).map(|(a, b)| a * b).sum();
                vector.iter_mut().zip(other).for_each(|(a, b)| *a -= overlap * b);
            }
        }
        let norm = vector.iter().map(|a| a * a).sum::<f64>().sqrt();
        if norm > 1e-6 {
            vector.iter_mut().for_each(|a| *a /= norm);
            basis.push(vector);
        }
    }
    let at = |row: usize, column: usize| if rows <= columns { basis[row][column] } else { basis[column][row] };
    let cells = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
    cells.map(|(row, column)| gain * at(row, column) as f32).collect()
}

/// A standard normal deviate, by Box and Muller.
fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.random::<f64>()).cos()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn orthogonal_matrices_are_orthogonal() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        for (rows, columns) in [(4, 9), (9, 4), (5, 5), (1, 3)] {
            let m = orthogonal(rows, columns, 2.0, &mut rng);
            let vector = |i: usize| -> Vec<f32> {
                if rows <= columns {
                    m[i * columns..(i + 1) * columns].to_vec()
                } else {
                    (0..rows).map(|row| m[row * columns + i]).collect()
                }
            };
            for i in 0..rows.min(columns) {
                for j in 0..=i {
                    let dot: f32 = vector(i).iter().zip(vector(j)).map(|(a, b)| a * b).sum();
                    let expected = if i == j { 4.0 } else { 0.0 };
                    assert!((dot - expected).abs() < 1e-4, "{rows}x{columns}: {i}·{j} = {dot}");
                }
            }
        }
    }
}
