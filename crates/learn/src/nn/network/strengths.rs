//! What a network has of the strengths of actions: their means among its outputs, and how far they are drawn from them.

use burn::module::Param;
use burn::tensor::{Device, Tensor, TensorData};

use super::AgentNetwork;
use crate::error::Error;
use crate::nn::rows::{batch, to_vec};

/// Logarithms of standard deviations with which strengths can be drawn, from hardly at all to all over; every training keeps
/// within.
const LOG_DEVIATIONS: std::ops::RangeInclusive<f32> = -20.0..=2.0;

impl AgentNetwork {
    /// How strongly each kind of action that takes a strength would be done, `[batch][kind]` from -1 to 1, for observations
    /// `[batch][feature]` of `length` features: the middle of what a hybrid policy draws from. Empty for other heads.
    #[must_use]
    pub fn strengths(&self, observations: &[f32], length: usize, device: &Device) -> Vec<f32> {
        if self.head.scaled() == 0 {
            return Vec::new();
        }
        let (_, means_bs) = self.split(self.forward(batch(observations, length, device)));
        means_bs.map_or_else(Vec::new, |means_bs| to_vec(means_bs.tanh()))
    }

    /// Parts outputs into those of the kinds of actions, `[batch, kind]`, and the means of strengths, `[batch, scaled]`.
    pub(crate) fn split(&self, outputs_bo: Tensor<2>) -> (Tensor<2>, Option<Tensor<2>>) {
        let ([count, outputs], scaled) = (outputs_bo.dims(), self.head.scaled());
        if scaled == 0 {
            return (outputs_bo, None);
        }
        let kinds = outputs - scaled;
        (outputs_bo.clone().slice([0..count, 0..kinds]), Some(outputs_bo.slice([0..count, kinds..outputs])))
    }

    /// Logarithms of the standard deviations of strengths before tanh, `[scaled]`; none where nothing takes one.
    pub(crate) fn log_deviations(&self) -> Option<Tensor<1>> {
        self.log_deviations.as_ref().map(Param::val)
    }

    /// Puts `of` each logarithm of a standard deviation in its place.
    pub(crate) fn map_log_deviations(mut self, of: impl Fn(f32) -> f32) -> Self {
        self.log_deviations = self.log_deviations.map(|param| {
            let (id, tensor, mapper) = param.consume();
            let (device, dims, is_learnt) = (tensor.device(), tensor.dims(), tensor.is_require_grad());
            let values: Vec<f32> = to_vec(tensor.detach()).into_iter().map(of).collect();
            let mapped = Tensor::from_data(TensorData::new(values, dims), &device);
            Param::from_mapped_value(id, if is_learnt { mapped.require_grad() } else { mapped }, mapper)
        });
        self
    }

    /// Strengths can be drawn with the deviations that were read.
    ///
    /// # Errors
    /// [`Error::State`] when one is not finite, or beyond what any training comes to.
    pub(crate) fn check_deviations(&self) -> Result<(), Error> {
        let logs = self.log_deviations().map_or_else(Vec::new, to_vec);
        let Some(log) = logs.into_iter().find(|log| !LOG_DEVIATIONS.contains(log)) else { return Ok(()) };
        let (least, most) = (LOG_DEVIATIONS.start(), LOG_DEVIATIONS.end());
        let reason = format!("the logarithm of a deviation of strengths is {log}, expected {least} to {most}");
        Err(Error::State { reason })
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::nn::network::Head;

    #[test]
    fn a_hybrid_policy_tells_kinds_and_strengths() {
        let device = Device::flex();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let network = AgentNetwork::new(2, &[8], 3, Head::HybridPolicy { scaled: 2 }, &mut rng, &device);
        let observations = [0.1, 0.2, -3.0, 1.0];
        let outputs = to_vec(network.forward(batch(observations, 2, &device)));
        let (preferences, strengths) =
            (network.preferences(&observations, 2, &device), network.strengths(&observations, 2, &device));
        for (row, outputs) in outputs.chunks_exact(5).enumerate() {
            let sum: f32 = outputs[..3].iter().map(|logit| logit.exp()).sum();
            for kind in 0..3 {
                assert!((preferences[row * 3 + kind] - outputs[kind].exp() / sum).abs() < 1e-6);
            }
            for kind in 0..2 {
                assert!((strengths[row * 2 + kind] - outputs[3 + kind].tanh()).abs() < 1e-6);
            }
        }
        assert_eq!((preferences.len(), strengths.len()), (6, 4));
        for head in [Head::Policy, Head::Values, Head::HybridPolicy { scaled: 0 }] {
            let network = AgentNetwork::new(2, &[8], 3, head, &mut rng, &device);
            assert!(network.strengths(&observations, 2, &device).is_empty());
            assert_eq!(network.preferences(&observations, 2, &device).len(), 6);
        }
    }
}
