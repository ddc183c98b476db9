//! The operation against burn's own, finite differences, and itself on other numbers of threads.

use burn::tensor::TensorData;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::nn::rows::to_vec;

fn random<const D: usize>(shape: [usize; D], rng: &mut ChaCha8Rng, device: &Device) -> Tensor<D> {
    let numbers: Vec<f32> = (0..shape.iter().product()).map(|_| 2.0 * rng.random::<f32>() - 1.0).collect();
    Tensor::from_data(TensorData::new(numbers, shape), device)
}

/// Batch, channels, height, width, filters, height and width of the kernel, stride, padding.
type Shape = [usize; 9];

const SHAPES: [Shape; 8] = [
    [3, 3, 20, 16, 8, 8, 8, 4, 0],
    [2, 5, 9, 9, 7, 4, 4, 2, 0],
    [5, 4, 6, 7, 3, 3, 3, 1, 1],
    [1, 1, 5, 5, 1, 5, 5, 1, 2],
    [4, 2, 7, 9, 6, 1, 2, 3, 0],
    [2, 3, 4, 4, 2, 3, 3, 2, 3],
    [2, 16, 1, 1, 4, 1, 1, 1, 0],
    // More images than are computed at a time.
    [70, 2, 33, 33, 5, 6, 6, 1, 1],
];

struct Case {
    input: Tensor<4>,
    weight: Tensor<4>,
    bias: Tensor<1>,
    settings: Settings,
}

impl Case {
    fn new(shape: Shape, activation: Activation) -> Self {
        let [batch, channels, height, width, filters, kernel_height, kernel_width, stride, padding] = shape;
        let device = Device::flex().autodiff();
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        Self {
            input: random([batch, channels, height, width], &mut rng, &device),
            weight: random([filters, channels, kernel_height, kernel_width], &mut rng, &device),
            bias: random([filters], &mut rng, &device),
            settings: Settings { stride, padding, activation },
        }
    }

    fn ours(&self) -> Tensor<4> {
        convolve(self.input.clone(), self.weight.clone(), Some(self.bias.clone()), self.settings)
    }

    fn theirs(&self) -> Tensor<4> {
        let Settings { stride, padding, activation } = self.settings;
        let options = ConvOptions::new([stride; 2], [padding; 2], [1; 2], 1);
        let output = conv2d(self.input.clone(), self.weight.clone(), Some(self.bias.clone()), options);
        activation.of_tensor(output)
    }

    fn tracked(mut self) -> Self {
        self.input = self.input.require_grad();
        self.weight = self.weight.require_grad();
        self.bias = self.bias.require_grad();
        self
    }

    /// Output, and the gradients by input, weight and bias of a loss that weighs each output differently.
    fn gradients(&self, output: Tensor<4>) -> [Vec<f32>; 4] {
        let mut rng = ChaCha8Rng::seed_from_u64(8);
        let factors = random(output.dims(), &mut rng, &output.device());
        let gradients = (output.clone() * factors).sum().backward();
        [
            to_vec(output),
            to_vec(self.input.grad(&gradients).expect("the input is tracked")),
            to_vec(self.weight.grad(&gradients).expect("the weight is tracked")),
            to_vec(self.bias.grad(&gradients).expect("the bias is tracked")),
        ]
    }
}

#[track_caller]
fn assert_close(ours: &[f32], theirs: &[f32], what: &str) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    // Sums over a batch are larger than their terms, and so are their rounding errors.
    let scale = theirs.iter().fold(1.0_f32, |scale, x| scale.max(x.abs()));
    for (index, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        assert!((ours - theirs).abs() < 1e-4 * scale, "{what}, number {index}: {ours} instead of {theirs}");
    }
}

#[test]
fn output_and_gradients_are_those_of_burns_convolution() {
    for activation in [Activation::None, Activation::Relu] {
        for shape in SHAPES {
            let case = Case::new(shape, activation).tracked();
            let (ours, theirs) = (case.gradients(case.ours()), case.gradients(case.theirs()));
            for ((ours, theirs), what) in ours.iter().zip(&theirs).zip(["output", "input", "weight", "bias"]) {
                assert_close(ours, theirs, &format!("{activation:?} {shape:?}: {what}"));
            }
        }
    }
}

#[test]
fn images_may_lie_in_memory_in_any_order() {
    for axes in [[0, 3, 1, 2], [2, 0, 3, 1], [0, 1, 3, 2]] {
        let mut case = Case::new([3, 4, 5, 6, 8, 3, 3, 1, 1], Activation::None);
        case.input = case.input.permute(axes);
        let channels = case.input.dims()[1];
        case.weight = random([8, channels, 3, 3], &mut ChaCha8Rng::seed_from_u64(9), &case.input.device());
        let case = case.tracked();
        let (ours, theirs) = (case.gradients(case.ours()), case.gradients(case.theirs()));
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert_close(ours, theirs, &format!("{axes:?}"));
        }
    }
}

#[test]
fn part_of_a_batch_is_read_from_its_place() {
    let mut case = Case::new([5, 3, 8, 8, 4, 3, 3, 1, 0], Activation::Relu);
    case.input = case.input.narrow(0, 2, 2);
    assert_close(&to_vec(case.ours()), &to_vec(case.theirs()), "a slice");
}

#[test]
fn one_convolution_after_another_learns_as_burns_do() {
    let case = Case::new([3, 3, 16, 16, 6, 4, 4, 2, 0], Activation::Relu).tracked();
    let device = case.input.device();
    let second = Case {
        weight: random([5, 6, 3, 3], &mut ChaCha8Rng::seed_from_u64(3), &device),
        ..Case::new(SHAPES[0], Activation::Relu)
    };
    let second = Case {
        bias: Tensor::zeros([5], &device),
        settings: Settings { stride: 1, padding: 1, activation: Activation::Relu },
        ..second
    }
    .tracked();
    let chain = |forward: fn(&Case) -> Tensor<4>| {
        let middle = forward(&case);
        let output =
            forward(&Case { input: middle, weight: second.weight.clone(), bias: second.bias.clone(), ..second });
        case.gradients(output)
    };
    let (ours, theirs) = (chain(Case::ours), chain(Case::theirs));
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_close(ours, theirs, "two convolutions");
    }
}

#[test]
fn gradients_agree_with_finite_differences() {
    let case = Case::new([2, 2, 6, 5, 3, 3, 2, 2, 1], Activation::None).tracked();
    // A convolution is linear in each argument, so that a large step has no error but rounding.
    let loss = |input: Tensor<4>, weight: Tensor<4>, bias: Tensor<1>| {
        let output = convolve(input, weight, Some(bias), case.settings);
        let mut rng = ChaCha8Rng::seed_from_u64(8);
        to_vec((output.clone() * random(output.dims(), &mut rng, &output.device())).sum())[0]
    };
    let [_, by_input, by_weight, by_bias] = case.gradients(case.ours());
    let nudged = |tensor: &Tensor<4>, index: usize, by: f32| {
        let mut numbers = to_vec(tensor.clone());
        numbers[index] += by;
        Tensor::<4>::from_data(TensorData::new(numbers, tensor.dims()), &tensor.device())
    };
    for (index, &gradient) in by_input.iter().enumerate() {
        let at = |by| loss(nudged(&case.input, index, by), case.weight.clone(), case.bias.clone());
        assert!((gradient - (at(0.5) - at(-0.5))).abs() < 1e-4, "input {index}");
    }
    for (index, &gradient) in by_weight.iter().enumerate() {
        let at = |by| loss(case.input.clone(), nudged(&case.weight, index, by), case.bias.clone());
        assert!((gradient - (at(0.5) - at(-0.5))).abs() < 1e-4, "weight {index}");
    }
    for (index, &gradient) in by_bias.iter().enumerate() {
        let at = |by: f32| {
            let mut bias = to_vec(case.bias.clone());
            bias[index] += by;
            let bias = Tensor::from_data(TensorData::new(bias, case.bias.dims()), &case.bias.device());
            loss(case.input.clone(), case.weight.clone(), bias)
        };
        assert!((gradient - (at(0.5) - at(-0.5))).abs() < 1e-4, "bias {index}");
    }
}

#[test]
fn results_are_the_same_to_the_last_bit_on_any_number_of_threads() {
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be started");
        pool.install(|| {
            let case = Case::new([70, 3, 40, 40, 8, 8, 8, 2, 1], Activation::Relu).tracked();
            case.gradients(case.ours())
        })
    };
    let one = on(1);
    assert_eq!(one, on(3));
    assert_eq!(one, on(2));
}

#[test]
fn only_what_requires_a_gradient_gets_one() {
    let mut case = Case::new(SHAPES[0], Activation::Relu);
    assert!(!case.ours().is_require_grad(), "nothing is tracked");
    case.weight = case.weight.require_grad();
    let output = case.ours();
    let gradients = output.sum().backward();
    assert!(case.weight.grad(&gradients).is_some());
    assert!(case.input.grad(&gradients).is_none() && case.bias.grad(&gradients).is_none());
}

#[test]
fn without_tracking_and_without_a_bias_it_is_the_same_convolution() {
    for shape in SHAPES {
        let case = Case::new(shape, Activation::Relu);
        let zeros = Tensor::zeros(case.bias.dims(), &case.bias.device());
        let tracked = convolve(case.input.clone(), case.weight.clone(), Some(zeros), case.settings);
        let (input, weight) = (case.input.inner(), case.weight.inner());
        assert!(!input.device().is_autodiff());
        let plain = convolve(input, weight, None, case.settings);
        assert_eq!(to_vec(tracked), to_vec(plain));
    }
}

#[test]
fn relu_does_not_hide_what_is_not_a_number() {
    assert!(Activation::Relu.of(f32::NAN).is_nan());
    assert_eq!([-1.0, 0.0, 2.0].map(|x| Activation::Relu.of(x)), [0.0, 0.0, 2.0]);
    assert_eq!([0.0, 2.0].map(|output| Activation::Relu.gradient(3.0, output)), [0.0, 3.0]);
}

#[test]
fn an_empty_batch_has_an_empty_output() {
    let case = Case::new([0, 3, 8, 8, 4, 3, 3, 1, 0], Activation::Relu);
    assert_eq!(case.ours().dims(), [0, 4, 6, 6]);
}
