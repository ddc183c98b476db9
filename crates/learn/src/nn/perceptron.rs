//! Fully connected layers, one after the other.

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::{Device, Tensor, TensorData};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::nn::activation::Activation;
use crate::nn::dense::dense;
use crate::nn::initial::orthogonal;
use crate::nn::rows::batch;

/// Fully connected layers.
#[derive(Module, Debug)]
pub(crate) struct Perceptron {
    layers: Vec<Linear>,
}

impl Perceptron {
    pub(crate) fn new(
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

    /// Outputs `[batch, output]` for inputs `[batch, feature]`, with `activation` between the layers.
    pub(crate) fn forward(&self, input_bf: Tensor<2>, activation: Activation) -> Tensor<2> {
        let (last, inner) = self.layers.split_last().expect("at least the output layer");
        let hidden_bf = inner.iter().fold(input_bf, |x, layer| dense(layer, x, activation));
        dense(last, hidden_bf, Activation::None)
    }

    /// The same in training, with a `share` of what the hidden layers put out left out at random and the rest enlarged in
    /// return (Srivastava et al. 2014, Journal of Machine Learning Research 15).
    pub(crate) fn forward_thinned(
        &self,
        input_bf: Tensor<2>,
        activation: Activation,
        share: f32,
        rng: &mut ChaCha8Rng,
    ) -> Tensor<2> {
        if share == 0.0 {
            return self.forward(input_bf, activation);
        }
        let (last, inner) = self.layers.split_last().expect("at least the output layer");
        let hidden_bf = inner.iter().fold(input_bf, |x, layer| {
            let outputs_bo = dense(layer, x, activation);
            let [count, width] = outputs_bo.dims();
            let mut factor = || if rng.random::<f32>() < share { 0.0 } else { 1.0 / (1.0 - share) };
            let factors: Vec<f32> = (0..count * width).map(|_| factor()).collect();
            let device = outputs_bo.device();
            outputs_bo * batch(factors, width, &device)
        });
        dense(last, hidden_bf, Activation::None)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;
    use crate::nn::rows::to_vec;

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

    #[test]
    fn what_is_thinned_out_keeps_its_mean() {
        let device = Device::flex();
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let perceptron = Perceptron::new(3, &[64], 1, 1.0, &mut rng, &device);
        let rows = || batch([0.3, -0.2, 0.9].repeat(2000), 3, &device);
        let whole = to_vec(perceptron.forward(rows(), Activation::Relu))[0];
        let thinned = to_vec(perceptron.forward_thinned(rows(), Activation::Relu, 0.2, &mut rng));
        let mean = thinned.iter().sum::<f32>() / 2000.0;
        assert!((mean - whole).abs() < 0.02 + 0.05 * whole.abs(), "{mean}, {whole}");
        assert!(thinned.iter().any(|value| (value - whole).abs() > 1e-3), "something is left out");
        assert_eq!(to_vec(perceptron.forward_thinned(rows(), Activation::Relu, 0.0, &mut rng))[7], whole);
    }
}
