//! Choosing among the actions that are open.

use burn::tensor::{Device, Tensor, TensorData};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// What is added to the logits of masked actions: so much that their probability is exactly 0 in single precision, yet
/// finite, because 0 · ∞ in the entropy would not be a number.
const MASKED: f32 = -1e9;

/// What masks, `[batch][action]`, add to logits; none where nothing is masked.
pub(crate) fn penalties(masks: &[bool], action_count: usize, device: &Device) -> Option<Tensor<2>> {
    if !masks.contains(&false) {
        return None;
    }
    let values: Vec<f32> = masks.iter().map(|&open| if open { 0.0 } else { MASKED }).collect();
    Some(Tensor::from_data(TensorData::new(values, [masks.len() / action_count, action_count]), device))
}

/// Logits of the open actions only: sampling, log-probability and entropy all follow from them.
pub(crate) fn masked(logits_ba: Tensor<2>, penalties_ba: Option<Tensor<2>>) -> Tensor<2> {
    match penalties_ba {
        Some(penalties_ba) => logits_ba + penalties_ba,
        None => logits_ba,
    }
}

/// Draws an index that `mask` leaves open, with the given log-probabilities, which sum to 1 up to rounding.
pub(crate) fn sample(log_probabilities: &[f32], mask: &[bool], rng: &mut ChaCha8Rng) -> usize {
    let open = || (0..log_probabilities.len()).filter(|&index| mask[index]);
    let mut left: f32 = rng.random();
    for index in open() {
        left -= log_probabilities[index].exp();
        if left < 0.0 {
            return index;
        }
    }
    // The sum fell short of 1 by rounding, or is no number; a masked action stays out of reach.
    open().max_by(|&a, &b| log_probabilities[a].total_cmp(&log_probabilities[b])).unwrap_or_default()
}
