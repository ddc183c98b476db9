//! What a policy would do in a state: which kind of action, and how strongly where the kind takes a strength.
//!
//! ```text
//! log π(a|s) = log p(k|s)                            for a kind k without a strength
//! log π(a|s) = log p(k|s) + log N(u; μₖ(s), σₖ)      for one with the strength tanh(u)
//! H[π] = H[p] + Σₖ p(k|s) H[N(·, σₖ)]                H[N(·, σ)] = log σ + ½ log 2πe
//! ```
//!
//! The density of the strength itself is that of u over 1 - tanh²(u) (Haarnoja et al. 2018, arXiv:1812.05905, appendix C). The
//! factor is the same under every policy, because a rollout keeps u: it cancels in ratios and divergences, and without it nothing
//! is divided by 0 where tanh is flat. H is that of u for the same reason; that of tanh(u) has no closed form.

use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand_chacha::ChaCha8Rng;

use super::Decisions;
use crate::algorithm::masks::{masked, sample};
use crate::environment::contract::Action;
use crate::error::Error;
use crate::nn::initial::normal;
use crate::nn::network::AgentNetwork;
use crate::nn::rows::to_vec;

/// ½ log 2π, which a normal density has beside its deviation.
const HALF_LOG_TAU: f32 = 0.918_938_5;

/// A policy in each state of a batch.
#[derive(Debug)]
pub(super) struct Distribution {
    /// Log-probabilities of the kinds; a masked one has probability 0.
    log_kinds_bk: Tensor<2>,
    strengths: Option<Strengths>,
}

/// Of the kinds that take a strength, which are the first ones.
#[derive(Debug)]
struct Strengths {
    means_bs: Tensor<2>,
    log_deviations_1s: Tensor<2>,
}

impl Distribution {
    /// What `policy` would do where it sees `features`.
    pub(super) fn of(policy: &AgentNetwork, features_bf: Tensor<2>, penalties_bk: Option<Tensor<2>>) -> Self {
        let (logits_bk, means_bs) = policy.split(policy.outputs(features_bf));
        Self::new(logits_bk, means_bs.zip(policy.log_deviations()), penalties_bk)
    }

    /// From the logits of the kinds, and means `[batch, scaled]` and logarithms of deviations `[scaled]` of strengths.
    pub(super) fn new(
        logits_bk: Tensor<2>,
        strengths: Option<(Tensor<2>, Tensor<1>)>,
        penalties_bk: Option<Tensor<2>>,
    ) -> Self {
        let log_kinds_bk = log_softmax(masked(logits_bk, penalties_bk), 1);
        let with_rows = |(means_bs, log_deviations_s): (Tensor<2>, Tensor<1>)| Strengths {
            means_bs,
            log_deviations_1s: log_deviations_s.unsqueeze_dim(0),
        };
        Self { log_kinds_bk, strengths: strengths.map(with_rows) }
    }

    /// log π(a|s), `[batch]`, of what was done in each state.
    pub(super) fn log_probabilities(&self, done: &Done) -> Tensor<1> {
        let log_kinds_b = self.log_kinds_bk.clone().gather(1, done.kinds_b1.clone()).squeeze_dim::<1>(1);
        let Some((strengths, taken)) = self.strengths.as_ref().zip(done.strengths.as_ref()) else {
            return log_kinds_b;
        };
        let log_deviations_1s = strengths.log_deviations_1s.clone();
        let off_bs = (taken.unsquashed_b1.clone() - strengths.means_bs.clone()) / log_deviations_1s.clone().exp();
        let log_normal_bs = off_bs.square() * -0.5 - log_deviations_1s - HALF_LOG_TAU;
        log_kinds_b + (log_normal_bs * taken.chosen_bs.clone()).sum_dim(1).squeeze_dim::<1>(1)
    }

    /// Mean entropies over the states, in nats: of the kinds, and of the strengths, where there are some, each as often as its
    /// kind is chosen.
    pub(super) fn entropies(&self) -> (Tensor<1>, Option<Tensor<1>>) {
        let probabilities_bk = self.log_kinds_bk.clone().exp();
        let of_kinds = -(probabilities_bk.clone() * self.log_kinds_bk.clone()).sum_dim(1).mean();
        let of_strengths = self.strengths.as_ref().map(|Strengths { log_deviations_1s, .. }| {
            let ([count, _], [_, scaled]) = (probabilities_bk.dims(), log_deviations_1s.dims());
            let probabilities_bs = probabilities_bk.slice([0..count, 0..scaled]);
            (probabilities_bs * (log_deviations_1s.clone() + HALF_LOG_TAU + 0.5)).sum_dim(1).mean()
        });
        (of_kinds, of_strengths)
    }

    /// Draws what is done in each state among the kinds that its mask, `[batch][kind]`, leaves open.
    pub(super) fn sample(self, masks: &[bool], values: Vec<f32>, rng: &mut ChaCha8Rng) -> Decisions {
        let kinds = self.log_kinds_bk.dims()[1];
        let log_kinds = to_vec(self.log_kinds_bk);
        let (means, log_deviations) = self.strengths.map_or_else(Default::default, |strengths| {
            (to_vec(strengths.means_bs), to_vec(strengths.log_deviations_1s))
        });
        let scaled = log_deviations.len();
        let mut decisions = Decisions { values, ..Decisions::default() };
        for (state, (row, mask)) in log_kinds.chunks_exact(kinds).zip(masks.chunks_exact(kinds)).enumerate() {
            let kind = sample(row, mask, rng);
            let (mut unsquashed, mut log_probability) = (0.0, row[kind]);
            if kind < scaled {
                let (mean, log_deviation) = (means[state * scaled + kind], log_deviations[kind]);
                unsquashed = mean + log_deviation.exp() * normal(rng) as f32;
                // Of what was rounded, as it will be computed again.
                let off = (unsquashed - mean) / log_deviation.exp();
                log_probability += off * off * -0.5 - log_deviation - HALF_LOG_TAU;
            }
            decisions.actions.push(Action { kind, strength: unsquashed.tanh() });
            decisions.unsquashed.push(unsquashed);
            decisions.log_probabilities.push(log_probability);
        }
        decisions
    }
}

/// What was done in each state of a batch.
#[derive(Debug)]
pub(super) struct Done {
    kinds_b1: Tensor<2, Int>,
    /// Where some kinds take a strength.
    strengths: Option<DoneStrengths>,
}

#[derive(Debug)]
struct DoneStrengths {
    /// Strengths before tanh.
    unsquashed_b1: Tensor<2>,
    /// 1 for the kind that was chosen, else 0; only of kinds that take a strength.
    chosen_bs: Tensor<2>,
}

impl Done {
    /// To the device: the kinds, and strengths before tanh, of which the first `scaled` kinds take one.
    pub(super) fn new(kinds: &[usize], unsquashed: Vec<f32>, scaled: usize, device: &Device) -> Self {
        let count = kinds.len();
        let indices: Vec<i64> = kinds.iter().map(|&kind| kind as i64).collect();
        let strengths = (scaled > 0).then(|| {
            let mut chosen = vec![0.0_f32; count * scaled];
            for (row, &kind) in kinds.iter().enumerate().filter(|(_, kind)| **kind < scaled) {
                chosen[row * scaled + kind] = 1.0;
            }
            DoneStrengths {
                unsquashed_b1: Tensor::from_data(TensorData::new(unsquashed, [count, 1]), device),
                chosen_bs: Tensor::from_data(TensorData::new(chosen, [count, scaled]), device),
            }
        });
        Self { kinds_b1: Tensor::from_data(TensorData::new(indices, [count, 1]), device), strengths }
    }
}

/// Stops a training whose policy puts out what is no number; `step` counts the steps until now.
pub(super) fn check_finite(decisions: &Decisions, step: u64) -> Result<(), Error> {
    for (quantity, values) in
        [("a strength", &decisions.unsquashed), ("the log-probability of an action", &decisions.log_probabilities)]
    {
        if let Some(&value) = values.iter().find(|value| !value.is_finite()) {
            return Err(Error::Diverged { step, quantity, value: f64::from(value) });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
