//! What acts in environments.

use crate::nn::proposals::Proposals;

/// What chooses actions: a trained model, or networks in training. Open for implementation.
pub trait Policy {
    /// How much each action is preferred, `[batch][action]`, for observations `[batch][feature]`: probabilities or
    /// expected returns. Higher is better, and preferences of several views of a state can be averaged.
    fn preferences(&self, observations: &[f32]) -> Vec<f32>;

    /// The strength that the policy would give to each kind of action that takes one, `[batch][kind]`, from -1 to 1; empty for
    /// one that chooses among actions without strengths.
    fn strengths(&self, observations: &[f32]) -> Vec<f32> {
        let _ = observations;
        Vec::new()
    }

    /// For a policy that moves all strengths at once, what it would do about observations `[batch][feature]`, and what it
    /// expects of that; none for one that chooses an action at a time.
    fn proposals(&self, observations: &[f32]) -> Option<Proposals> {
        let _ = observations;
        None
    }
}
