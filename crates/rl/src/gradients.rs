//! Clipping gradients by their global norm.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

/// Scales all gradients of `module` by one factor so that their common Euclidean norm is at most `max_norm`, and
/// returns the norm before.
///
/// burn's own clipping works on each tensor alone, which changes the direction of the step.
pub(crate) fn clip_global_norm<M: Module>(module: &M, gradients: &mut GradientsParams, max_norm: f64) -> f64 {
    let mut squares = SumOfSquares { gradients, total: 0.0 };
    module.visit(&mut squares);
    let norm = squares.total.sqrt();
    if norm > max_norm {
        module.visit(&mut Scale { gradients, factor: max_norm / (norm + 1e-6) });
    }
    norm
}

struct SumOfSquares<'a> {
    gradients: &'a GradientsParams,
    total: f64,
}

impl ModuleVisitor for SumOfSquares<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            self.total += f64::from(gradient.square().sum().into_scalar::<f32>());
        }
    }
}

struct Scale<'a> {
    gradients: &'a mut GradientsParams,
    factor: f64,
}

impl ModuleVisitor for Scale<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.remove::<D>(param.id) {
            self.gradients.register(param.id, gradient.mul_scalar(self.factor));
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::network::ActorCritic;

    #[test]
    fn all_gradients_are_scaled_by_one_factor() {
        let device = Device::flex().autodiff();
        let network = ActorCritic::new(3, &[4], 2, &mut ChaCha8Rng::seed_from_u64(1), &device);
        let input_bf = Tensor::<2>::ones([5, 3], &device);
        let total = network.logits(input_bf.clone()).square().sum() * 1000.0 + network.values(input_bf).square().sum();
        let mut gradients = GradientsParams::from_grads(total.backward(), &network);

        let norm = clip_global_norm(&network, &mut gradients, f64::MAX);
        assert!(norm > 0.0);
        assert_eq!(clip_global_norm(&network, &mut gradients, 2.0 * norm), norm, "a small gradient stays as it is");
        assert_eq!(clip_global_norm(&network, &mut gradients, norm / 8.0), norm);
        let clipped = clip_global_norm(&network, &mut gradients, f64::MAX);
        assert!((clipped - norm / 8.0).abs() < 1e-4 * norm, "{clipped} after {norm}");
    }
}
