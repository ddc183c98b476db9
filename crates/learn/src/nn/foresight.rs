//! What a network that moves all strengths at once has beside it: the scale of its observations, and a judge of what it proposes.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use rand_chacha::ChaCha8Rng;

use crate::nn::activation::Activation;
use crate::nn::perceptron::Perceptron;
use crate::nn::rows::to_vec;

/// An output of 1 is about this strength: networks put out numbers of about 1, and a strength of 1 is the whole range.
const UNIT: f32 = 0.25;

/// What the judge sees of a strength: strengths are small beside standardised features.
const SHOWN: f32 = 12.0;

/// An output of 1 of the judge is a gain of this.
pub(crate) const GAIN_UNIT: f32 = 5.0;

/// Widths of the judge's hidden layers.
const JUDGE: [usize; 2] = [128, 64];

/// Standardised features are at most this far from 0.
const FURTHEST: f32 = 8.0;

/// Strengths between -1 and 1, `[batch, kind]`, of the outputs of a network.
pub(crate) fn strengths(outputs_bk: Tensor<2>) -> Tensor<2> {
    (outputs_bk * UNIT).tanh()
}

/// The scale of the observations, without the picture that they begin with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scale {
    pub(crate) mean: Vec<f32>,
    pub(crate) deviation: Vec<f32>,
}

impl Scale {
    /// Of these observations, `[row][value]`, of which the first `picture` values of each row are not scaled.
    pub(crate) fn of(observations: &[f32], length: usize, picture: usize) -> Self {
        let count = (observations.len() / length) as f64;
        let rows = || observations.chunks_exact(length).map(|row| &row[picture..]);
        let mut mean = vec![0.0_f64; length - picture];
        rows().for_each(|row| mean.iter_mut().zip(row).for_each(|(sum, &value)| *sum += f64::from(value) / count));
        let mut variance = vec![0.0_f64; mean.len()];
        for row in rows() {
            for ((sum, mean), &value) in variance.iter_mut().zip(&mean).zip(row) {
                *sum += (f64::from(value) - mean).powi(2) / count;
            }
        }
        // What never changes stays at 0 whatever it is divided by.
        let deviation = variance.iter().map(|variance| variance.sqrt() as f32 + 1e-3).collect();
        Self { mean: mean.into_iter().map(|mean| mean as f32).collect(), deviation }
    }

    /// Brings observations, `[row][value]` with `length` values, to the scale.
    pub(crate) fn apply(&self, observations: &mut [f32], length: usize) {
        let picture = length - self.mean.len();
        for row in observations.chunks_exact_mut(length) {
            for ((value, mean), deviation) in row[picture..].iter_mut().zip(&self.mean).zip(&self.deviation) {
                *value = ((*value - mean) / deviation).clamp(-FURTHEST, FURTHEST);
            }
        }
    }
}

/// The scale and the judge, as they are kept with a network.
#[derive(Module, Debug)]
pub(crate) struct Foresight {
    mean: Param<Tensor<1>>,
    deviation: Param<Tensor<1>>,
    judge: Perceptron,
}

impl Foresight {
    /// For observations with `scaled` values beside the picture, of which a network makes `features`, and so many `kinds` of
    /// actions that take a strength.
    pub(crate) fn new(scaled: usize, features: usize, kinds: usize, rng: &mut ChaCha8Rng, device: &Device) -> Self {
        let judge = Perceptron::new(judged_len(features, kinds), &JUDGE, 1, 0.01, rng, device);
        Self::of(&Scale { mean: vec![0.0; scaled], deviation: vec![1.0; scaled] }, judge, device)
    }

    pub(crate) fn of(scale: &Scale, judge: Perceptron, device: &Device) -> Self {
        let line = |values: &[f32]| {
            let length = values.len();
            Param::from_data(TensorData::new(values.to_vec(), [length]), device).set_require_grad(false)
        };
        Self { mean: line(&scale.mean), deviation: line(&scale.deviation), judge }
    }

    /// How many numbers it consists of.
    pub(crate) fn number_count(scaled: usize, features: usize, kinds: usize) -> usize {
        let (mut inputs, mut count) = (judged_len(features, kinds), 2 * scaled);
        for width in JUDGE.into_iter().chain([1]) {
            count += (inputs + 1) * width;
            inputs = width;
        }
        count
    }

    /// The same judge beside another scale.
    pub(crate) fn with_scale(self, scale: &Scale) -> Self {
        let device = self.mean.val().device();
        Self::of(scale, self.judge, &device)
    }

    pub(crate) fn scale(&self) -> Scale {
        Scale { mean: to_vec(self.mean.val()), deviation: to_vec(self.deviation.val()) }
    }

    /// The gains `[batch, 1]` that it expects of strengths `[batch, kind]` where the features are these, `[batch, feature]`.
    pub(crate) fn gains(&self, features_bf: Tensor<2>, strengths_bk: Tensor<2>) -> Tensor<2> {
        self.judge.forward(judged(features_bf, strengths_bk), Activation::Relu) * GAIN_UNIT
    }

    /// The same in training, in units of [`GAIN_UNIT`], with dropout of this share.
    pub(crate) fn judged_thinned(
        &self,
        features_bf: Tensor<2>,
        strengths_bk: Tensor<2>,
        share: f32,
        rng: &mut ChaCha8Rng,
    ) -> Tensor<2> {
        self.judge.forward_thinned(judged(features_bf, strengths_bk), Activation::Relu, share, rng)
    }
}

/// Length of what the judge sees.
fn judged_len(features: usize, kinds: usize) -> usize {
    features + 2 * kinds
}

/// What the judge sees of features `[batch, feature]` and strengths `[batch, kind]`.
fn judged(features_bf: Tensor<2>, strengths_bk: Tensor<2>) -> Tensor<2> {
    let shown_bk = strengths_bk * SHOWN;
    Tensor::cat(vec![features_bf, shown_bk.clone(), shown_bk.abs()], 1)
}
