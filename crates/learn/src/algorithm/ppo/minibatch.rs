//! A part of a rollout, taken to the device.

use burn::tensor::{Tensor, TensorData};

use super::Ppo;
use super::distribution::Done;
use crate::algorithm::masks::penalties;
use crate::algorithm::rollout::{Rollout, normalized};
use crate::environment::contract::Spaces;
use crate::nn::network::Observed;
use crate::nn::rows::pick;

/// What one gradient step learns from.
#[derive(Debug)]
pub(super) struct Minibatch {
    pub(super) observed: Observed,
    pub(super) privileged_bp: Option<Tensor<2>>,
    pub(super) done: Done,
    pub(super) penalties_bk: Option<Tensor<2>>,
    pub(super) log_probabilities_b: Tensor<1>,
    pub(super) advantages_b: Tensor<1>,
    pub(super) returns_b: Tensor<1>,
    pub(super) old_values_b: Tensor<1>,
}

impl Ppo {
    /// Rows are gathered on the host: selecting on the device keeps whole rollouts alive in the autodiff graph
    /// (tracel-ai/burn#4302).
    pub(super) fn minibatch(
        &self,
        rollout: &Rollout,
        advantages: &[f32],
        returns: &[f32],
        rows: &[usize],
    ) -> Minibatch {
        let Spaces { observation_len, privileged_len, actions, .. } = self.spaces;
        let observed = self.learning.policy.observed(&rollout.observations, rows, observation_len, &self.device);
        let privileged = pick(&rollout.privileged, rows, privileged_len);
        let masks = pick(&rollout.masks, rows, actions.kinds);
        let kinds: Vec<usize> = rows.iter().map(|&row| rollout.actions[row].kind).collect();
        let unsquashed = if actions.scaled > 0 { pick(&rollout.unsquashed, rows, 1) } else { Vec::new() };
        let line = |values: Vec<f32>| Tensor::from_data(TensorData::new(values, [rows.len()]), &self.device);
        Minibatch {
            observed,
            privileged_bp: self.privileged(&privileged, &self.device),
            done: Done::new(&kinds, unsquashed, actions.scaled, &self.device),
            penalties_bk: penalties(&masks, actions.kinds, &self.device),
            log_probabilities_b: line(pick(&rollout.log_probabilities, rows, 1)),
            advantages_b: line(normalized(pick(advantages, rows, 1))),
            returns_b: line(pick(returns, rows, 1)),
            old_values_b: line(pick(&rollout.values, rows, 1)),
        }
    }
}
