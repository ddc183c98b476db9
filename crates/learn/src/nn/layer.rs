//! Layers of a network with a backward pass of their own, as burn's graph of gradients wants them.

use std::fmt::Debug;
use std::marker::PhantomData;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients as GradientsOfGraph;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Flex};
use burn::tensor::TensorData;

/// A tensor on the processor.
pub(crate) type FlexTensor = FloatTensor<Flex>;

/// A layer with an input and weights, which both passes need. Its tensors share their numbers with those of the caller.
pub(crate) trait Layer: Clone + Debug + Send + 'static {
    /// The outputs with this bias.
    fn forward(&self, bias: &FlexTensor) -> FlexTensor;

    /// The gradients by input, weight and bias, where `wanted`, from the `output` and the gradient by it.
    fn backward(&self, output: &FlexTensor, gradient: &FlexTensor, wanted: [bool; 3]) -> [Option<FlexTensor>; 3];
}

/// The outputs of the layer that `make` makes of input and weight, remembered in the graph where a gradient is asked for.
pub(crate) fn tracked<C: CheckpointStrategy, L: Layer>(
    make: impl FnOnce(FlexTensor, FlexTensor) -> L,
    input: FloatTensor<Autodiff<Flex, C>>,
    weight: FloatTensor<Autodiff<Flex, C>>,
    bias: FloatTensor<Autodiff<Flex, C>>,
) -> FloatTensor<Autodiff<Flex, C>> {
    let (input, input_node) = input.into_parts();
    let (weight, weight_node) = weight.into_parts();
    let (bias, bias_node) = bias.into_parts();
    let layer = make(input, weight);
    let output = layer.forward(&bias);
    let nodes = [input_node, weight_node, bias_node];
    match LayerBackward(PhantomData).prepare::<C>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(prepared) => prepared.finish((layer, output.clone()), output),
        OpsKind::UnTracked(prepared) => prepared.finish(output),
    }
}

#[derive(Debug)]
struct LayerBackward<L>(PhantomData<fn() -> L>);

impl<L: Layer> Backward<Flex, 3> for LayerBackward<L> {
    type State = (L, FlexTensor);

    fn backward(self, ops: Ops<Self::State, 3>, graph: &mut GradientsOfGraph, _: &mut Checkpointer) {
        let gradient = graph.consume::<Flex>(&ops.node);
        let wanted = ops.parents.each_ref().map(Option::is_some);
        let (layer, output) = ops.state;
        let gradients = layer.backward(&output, &gradient, wanted);
        for (parent, gradient) in ops.parents.into_iter().zip(gradients) {
            if let (Some(parent), Some(gradient)) = (parent, gradient) {
                graph.register::<Flex>(parent.id, gradient);
            }
        }
    }
}

/// A tensor of these numbers.
pub(crate) fn tensor<const D: usize>(numbers: Vec<f32>, shape: [usize; D]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(numbers, shape))
}
