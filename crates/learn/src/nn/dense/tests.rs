//! The operation against burn's own, and itself on other numbers of threads.

use burn::tensor::TensorData;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::ThreadPoolBuilder;

use super::*;
use crate::nn::rows::to_vec;

/// Batch, inputs, outputs; the last two are divided among threads, along the longer side of the outputs.
const SHAPES: [[usize; 3]; 5] = [[1, 1, 1], [3, 5, 2], [17, 4, 9], [500, 70, 300], [40, 700, 400]];
const ACTIVATIONS: [Activation; 3] = [Activation::None, Activation::Relu, Activation::Softsign];

struct Case {
    layer: Linear,
    input: Tensor<2>,
    activation: Activation,
}

/// Output and gradients by input, weight and bias.
type Results = [Vec<f32>; 4];

impl Case {
    fn new([batch, inputs, outputs]: [usize; 3], activation: Activation) -> Self {
        use burn::module::Param;
        let device = Device::flex().autodiff();
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let mut random = |length: usize| -> Vec<f32> { (0..length).map(|_| rng.random_range(-1.0..1.0)).collect() };
        let layer = Linear {
            weight: Param::from_data(TensorData::new(random(inputs * outputs), [inputs, outputs]), &device),
            bias: Some(Param::from_data(TensorData::new(random(outputs), [outputs]), &device)),
        };
        let input = Tensor::from_data(TensorData::new(random(batch * inputs), [batch, inputs]), &device);
        Self { layer, input: input.require_grad(), activation }
    }

    fn results(&self, output: Tensor<2>) -> Results {
        // Weighted by place, so that a gradient in the wrong place shows.
        let [rows, columns] = output.dims();
        let weights: Vec<f32> = (0..rows * columns).map(|place| (place as f32 * 0.37).sin()).collect();
        let weights = Tensor::<2>::from_data(TensorData::new(weights, [rows, columns]), &output.device());
        let gradients = (output.clone() * weights).sum().backward();
        let (weight, bias) = (self.layer.weight.val(), self.layer.bias.as_ref().unwrap().val());
        let by_bias = bias.grad(&gradients).unwrap();
        let [by_input, by_weight] = [&self.input, &weight].map(|tensor| to_vec(tensor.grad(&gradients).unwrap()));
        [to_vec(output), by_input, by_weight, to_vec(by_bias)]
    }

    fn ours(&self) -> Results {
        self.results(dense(&self.layer, self.input.clone(), self.activation))
    }

    fn theirs(&self) -> Results {
        self.results(self.activation.of_tensor(self.layer.forward(self.input.clone())))
    }
}

#[test]
fn outputs_and_gradients_are_those_of_burn() {
    for (shape, activation) in SHAPES.iter().flat_map(|&shape| ACTIVATIONS.map(|activation| (shape, activation))) {
        let case = Case::new(shape, activation);
        for (what, (ours, theirs)) in case.ours().into_iter().zip(case.theirs()).enumerate() {
            let most = theirs.iter().fold(1.0_f32, |most, x| most.max(x.abs()));
            assert_eq!(ours.len(), theirs.len());
            for (ours, theirs) in ours.into_iter().zip(theirs) {
                assert!((ours - theirs).abs() < 1e-5 * most, "{shape:?} {activation:?} {what}: {ours} {theirs}");
            }
        }
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    for shape in SHAPES {
        let results = [1, 3].map(|threads| {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| Case::new(shape, Activation::Softsign).ours())
        });
        assert_eq!(results[0], results[1], "{shape:?}");
    }
}

#[test]
fn what_is_not_a_number_stays_visible() {
    for activation in ACTIVATIONS {
        let case = Case::new([2, 3, 4], activation);
        let input = case.input.clone().mul_scalar(f32::NAN);
        assert!(to_vec(dense(&case.layer, input, activation)).iter().all(|x| x.is_nan()), "{activation:?}");
    }
}

#[test]
fn without_tracking_it_is_the_same() {
    let case = Case::new([17, 4, 9], Activation::Softsign);
    use burn::module::Module;
    let plain = dense(&case.layer.clone().valid(), case.input.clone().inner(), case.activation);
    assert_eq!(to_vec(plain), case.ours()[0]);
}

#[test]
#[should_panic(expected = "inputs of a layer")]
fn inputs_must_fit() {
    let case = Case::new([2, 3, 4], Activation::None);
    let _ = dense(&case.layer, Tensor::ones([2, 4], &Device::flex().autodiff()), Activation::None);
}
