//! What an update of proximal policy optimisation tells of itself.

/// Means over the gradient steps of one update.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[non_exhaustive]
pub struct UpdateReport {
    /// Clipped surrogate loss of the policy.
    pub policy_loss: f64,
    /// Mean squared error of the value network.
    pub value_loss: f64,
    /// Entropy of the policy's choice of a kind of action in nats; it falls as the policy becomes sure.
    pub entropy: f64,
    /// Entropy of the strengths before tanh, in nats, each as often as its kind is chosen; 0 where no action takes one.
    pub strength_entropy: f64,
    /// Standard deviation of the strengths before tanh after the update, mean over the kinds of actions that take one; 0 where
    /// none does.
    pub strength_deviation: f64,
    /// Estimated KL divergence from the policy before the update; above about 0.02 the steps are large.
    pub approximate_kl: f64,
    /// Share of samples whose ratio left the clip range; 0.05 to 0.2 is usual.
    pub clip_fraction: f64,
    /// Norm of the gradient before clipping.
    pub gradient_norm: f64,
    /// Share of the variance of the returns that the value network explained before the update; at most 1.
    pub explained_variance: f64,
    /// Learning rate used.
    pub learning_rate: f64,
    /// Gradient steps taken.
    pub gradient_steps: u64,
}

impl UpdateReport {
    /// The figures by their names in the tracked run.
    pub(super) fn metrics(&self) -> Vec<(&'static str, f64)> {
        let mut metrics = vec![
            ("train/policy_loss", self.policy_loss),
            ("train/value_loss", self.value_loss),
            ("train/entropy", self.entropy),
            ("train/approximate_kl", self.approximate_kl),
            ("train/clip_fraction", self.clip_fraction),
            ("train/gradient_norm", self.gradient_norm),
            ("train/explained_variance", self.explained_variance),
            ("train/learning_rate", self.learning_rate),
        ];
        if self.strength_deviation > 0.0 {
            metrics.extend([
                ("train/strength_entropy", self.strength_entropy),
                ("train/strength_deviation", self.strength_deviation),
            ]);
        }
        metrics
    }

    /// Turns sums over the gradient steps into means.
    pub(super) fn average(&mut self) {
        let count = self.gradient_steps.max(1) as f64;
        for sum in [
            &mut self.policy_loss,
            &mut self.value_loss,
            &mut self.entropy,
            &mut self.strength_entropy,
            &mut self.approximate_kl,
            &mut self.clip_fraction,
            &mut self.gradient_norm,
        ] {
            *sum /= count;
        }
    }
}
