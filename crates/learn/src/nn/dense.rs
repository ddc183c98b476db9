//! Fully connected layers that learn fast on the processor.
//!
//! With burn's operations a layer is a product of matrices, a sum, and an activation of several passes, each with a node in
//! the graph of gradients; for the small networks of an agent the passes and nodes take longer than the products. Here a
//! layer is one operation with its own backward pass. On other devices the operations are burn's.

use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::nn::Linear;
use burn::tensor::{DType, Device, Tensor};

use crate::nn::activation::Activation;
use crate::nn::layer::{FlexTensor, Layer, tensor, tracked};
use crate::nn::product::{Matrix, product};
use crate::nn::vectorized::vectorized;

/// Outputs `[batch, output]` of a layer for inputs `[batch, input]`, through `activation`.
///
/// # Panics
///
/// If the layer takes inputs of another length, or has no bias.
pub(crate) fn dense(layer: &Linear, input_bi: Tensor<2>, activation: Activation) -> Tensor<2> {
    let device = input_bi.device();
    if device != Device::flex() || input_bi.dtype() != DType::F32 || input_bi.shape().num_elements() == 0 {
        return activation.of_tensor(layer.forward(input_bi));
    }
    let weight_io = layer.weight.val();
    let bias_o = layer.bias.as_ref().expect("the layers of agents have biases").val();
    assert_eq!(input_bi.dims()[1], weight_io.dims()[0], "inputs of a layer");
    let (input, weight, bias) = (input_bi.into_dispatch(), weight_io.into_dispatch(), bias_o.into_dispatch());
    Tensor::from_dispatch(<Dispatch as DenseOps>::dense(input, weight, bias, activation))
}

/// The operation as burn's extension point wants it.
#[backend_extension(Flex, Autodiff)]
trait DenseOps: Backend {
    fn dense(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self>;
}

impl DenseOps for Flex {
    fn dense(input: FlexTensor, weight: FlexTensor, bias: FlexTensor, activation: Activation) -> FlexTensor {
        Dense::new(&input, &weight, activation).forward(&bias)
    }
}

impl<C: CheckpointStrategy> DenseOps for Autodiff<Flex, C> {
    fn dense(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self> {
        tracked::<C, _>(|input, weight| Dense::new(&input, &weight, activation), input, weight, bias)
    }
}

#[derive(Debug, Clone)]
struct Dense {
    activation: Activation,
    input: FlexTensor,
    weight: FlexTensor,
}

impl Dense {
    fn new(input: &FlexTensor, weight: &FlexTensor, activation: Activation) -> Self {
        Self { activation, input: input.to_contiguous(), weight: weight.to_contiguous() }
    }
}

impl Layer for Dense {
    fn forward(&self, bias: &FlexTensor) -> FlexTensor {
        let mut outputs = product(matrix(&self.input), matrix(&self.weight));
        let bias = bias.to_contiguous();
        let bias = numbers(&bias);
        let activation = self.activation;
        vectorized(|| {
            for outputs in outputs.chunks_exact_mut(bias.len()) {
                outputs.iter_mut().zip(bias).for_each(|(output, bias)| *output = activation.of(*output + bias));
            }
        });
        tensor(outputs, [self.input.shape()[0], bias.len()])
    }

    fn backward(&self, output: &FlexTensor, gradient: &FlexTensor, wanted: [bool; 3]) -> [Option<FlexTensor>; 3] {
        let [input, weight, bias] = wanted;
        let [batch, inputs] = sides(&self.input);
        let outputs = sides(output)[1];
        let gradient = gradient.to_contiguous();
        let mut inner = numbers(&gradient).to_vec();
        let activation = self.activation;
        vectorized(|| {
            let pairs = inner.iter_mut().zip(numbers(output));
            pairs.for_each(|(inner, &output)| *inner = activation.gradient(*inner, output));
        });
        let inner_bo = Matrix::of_rows(&inner, batch, outputs);
        let by_input = || tensor(product(inner_bo, matrix(&self.weight).transposed()), [batch, inputs]);
        let by_weight = || tensor(product(matrix(&self.input).transposed(), inner_bo), [inputs, outputs]);
        let by_bias = || {
            let mut sums = vec![0.0; outputs];
            vectorized(|| {
                for inner in inner.chunks_exact(outputs) {
                    sums.iter_mut().zip(inner).for_each(|(sum, x)| *sum += x);
                }
            });
            tensor(sums, [outputs])
        };
        [input.then(by_input), weight.then(by_weight), bias.then(by_bias)]
    }
}

/// The numbers of a contiguous tensor.
fn numbers(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice().expect("the tensor was made contiguous")
}

fn sides(tensor: &FlexTensor) -> [usize; 2] {
    [tensor.shape()[0], tensor.shape()[1]]
}

fn matrix(tensor: &FlexTensor) -> Matrix<'_> {
    let [rows, columns] = sides(tensor);
    Matrix::of_rows(numbers(tensor), rows, columns)
}

#[cfg(test)]
mod tests;
