//! What on-policy algorithms learn from: the steps of all environments between two updates, and their advantages.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::environment::contract::Action;

/// What was seen and done between two updates. All lists are `[step][environment]`; observations have one more axis.
#[derive(Debug, Clone, Default)]
pub struct Rollout {
    /// What was observed, `[step][environment][feature]`.
    pub observations: Vec<f32>,
    /// What only the value network may see, `[step][environment][feature]`.
    pub privileged: Vec<f32>,
    /// Which action was taken.
    pub actions: Vec<Action>,
    /// The strength of each before tanh brought it between -1 and 1; 0 where its kind takes none.
    pub unsquashed: Vec<f32>,
    /// Which kinds of actions could be taken, `[step][environment][kind]`.
    pub masks: Vec<bool>,
    /// Logarithm of the probability that the policy gave it; with a strength, of the density at the one before tanh.
    pub log_probabilities: Vec<f32>,
    /// What the value network expected before.
    pub values: Vec<f32>,
    /// The reward that followed.
    pub rewards: Vec<f32>,
    /// The value of the state that followed: of the last observation where the episode was truncated, and unused where
    /// it terminated.
    pub successor_values: Vec<f32>,
    /// The episode ended and has no future.
    pub terminated: Vec<bool>,
    /// The episode was cut off.
    pub truncated: Vec<bool>,
}

impl Rollout {
    /// Completes the step that begins at `start` with the values of what came next; a truncated episode has its own.
    pub(crate) fn fill_successors(&mut self, start: usize, values: &[f32]) {
        let truncated = &self.truncated[start..];
        for ((successor, &value), &cut_off) in self.successor_values[start..].iter_mut().zip(values).zip(truncated) {
            if !cut_off {
                *successor = value;
            }
        }
    }
}

/// Advantage of each step by generalised advantage estimation, `[step][environment]`.
///
/// Only a termination drops the value of the successor; both a termination and a truncation stop the sum over later
/// steps, because what follows belongs to another episode.
#[must_use]
pub fn advantages(rollout: &Rollout, environments: usize, discount: f64, lambda: f64) -> Vec<f32> {
    let mut result = vec![0.0; rollout.rewards.len()];
    for i in (0..result.len()).rev() {
        let future = if rollout.terminated[i] { 0.0 } else { f64::from(rollout.successor_values[i]) };
        let surprise = f64::from(rollout.rewards[i]) + discount * future - f64::from(rollout.values[i]);
        let ended = rollout.terminated[i] || rollout.truncated[i];
        let later = match result.get(i + environments) {
            Some(&later) if !ended => f64::from(later),
            _ => 0.0,
        };
        result[i] = (surprise + discount * lambda * later) as f32;
    }
    result
}

/// Shuffles in place (Fisher and Yates).
pub(crate) fn shuffle(order: &mut [usize], rng: &mut ChaCha8Rng) {
    for i in (1..order.len()).rev() {
        order.swap(i, rng.random_range(0..=i));
    }
}

/// Values less their mean, over their standard deviation.
pub(crate) fn normalized(mut values: Vec<f32>) -> Vec<f32> {
    let count = values.len() as f32;
    let mean = values.iter().sum::<f32>() / count;
    let deviation = (values.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / (count - 1.0)).sqrt();
    values.iter_mut().for_each(|v| *v = (*v - mean) / (deviation + 1e-8));
    values
}

/// The share of the variance of the returns that the values explained, whose errors are given; at most 1.
pub(crate) fn explained_variance(returns: &[f32], errors: &[f32]) -> f64 {
    let variance = |values: &[f32]| {
        let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / values.len() as f64;
        values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>()
    };
    let total = variance(returns);
    if total == 0.0 { 0.0 } else { 1.0 - variance(errors) / total }
}
