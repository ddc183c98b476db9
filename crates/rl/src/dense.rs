//! Fully connected layers that learn fast on the processor.
//!
//! With burn's operations a layer is a product of matrices, a sum, and an activation of several passes, each with a node in
//! the graph of gradients; for the small networks of an agent the passes and nodes take longer than the products. Here a
//! layer is one operation with its own backward pass. On other devices the operations are burn's.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients as GradientsOfGraph;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::nn::Linear;
use burn::tensor::{DType, Device, Tensor, TensorData};

use crate::activation::Activation;
use crate::product::{Matrix, product};
use crate::vectorized::vectorized;

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

type FlexTensor = FloatTensor<Flex>;

impl DenseOps for Flex {
    fn dense(input: FlexTensor, weight: FlexTensor, bias: FlexTensor, activation: Activation) -> FlexTensor {
        Saved::new(&input, &weight, activation).forward(&bias)
    }
}

impl<C: CheckpointStrategy> DenseOps for Autodiff<Flex, C> {
    fn dense(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self> {
        let (input, input_node) = input.into_parts();
        let (weight, weight_node) = weight.into_parts();
        let (bias, bias_node) = bias.into_parts();
        let mut saved = Saved::new(&input, &weight, activation);
        let output = saved.forward(&bias);
        match DenseBackward.prepare::<C>([input_node, weight_node, bias_node]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                saved.output = Some(output.clone());
                prepared.finish(saved, output)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(output),
        }
    }
}

#[derive(Debug)]
struct DenseBackward;

impl Backward<Flex, 3> for DenseBackward {
    type State = Saved;

    fn backward(self, ops: Ops<Saved, 3>, graph: &mut GradientsOfGraph, _: &mut Checkpointer) {
        let gradient = graph.consume::<Flex>(&ops.node);
        let wanted = ops.parents.each_ref().map(Option::is_some);
        let gradients = ops.state.backward(&gradient, wanted);
        for (parent, gradient) in ops.parents.into_iter().zip(gradients) {
            if let (Some(parent), Some(gradient)) = (parent, gradient) {
                graph.register::<Flex>(parent.id, gradient);
            }
        }
    }
}

/// What the backward pass needs of the forward pass; tensors share their numbers with those of the caller.
#[derive(Debug, Clone)]
struct Saved {
    activation: Activation,
    input: FlexTensor,
    weight: FlexTensor,
    output: Option<FlexTensor>,
}

impl Saved {
    fn new(input: &FlexTensor, weight: &FlexTensor, activation: Activation) -> Self {
        Self { activation, input: input.to_contiguous(), weight: weight.to_contiguous(), output: None }
    }

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

    /// The gradients by input, weight and bias, where wanted, from the one by the output.
    fn backward(&self, gradient: &FlexTensor, [input, weight, bias]: [bool; 3]) -> [Option<FlexTensor>; 3] {
        let output = self.output.as_ref().expect("a tracked pass keeps its output");
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

fn tensor<const D: usize>(numbers: Vec<f32>, shape: [usize; D]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(numbers, shape))
}

#[cfg(test)]
mod tests;
