//! What acts in environments.

/// What chooses actions: a trained model, or networks in training. Open for implementation.
pub trait Policy {
    /// How much each action is preferred, `[batch][action]`, for observations `[batch][feature]`: probabilities or
    /// expected returns. Higher is better, and preferences of several views of a state can be averaged.
    fn preferences(&self, observations: &[f32]) -> Vec<f32>;
}
