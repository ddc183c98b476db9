//! Convolutions of images that learn fast on the processor.
//!
//! burn's `flex` backend has no backward pass of its own for a convolution: the gradient by the weights becomes another
//! convolution, with a kernel as large as the image, which takes most of a training step. Here both directions are products
//! of matrices (Chellapilla, Puri and Simard 2006), and the activation is part of them. On other devices the operation is
//! burn's.
//!
//! Outputs look like `[batch, filter, row, column]` but lie in memory pixel by pixel, which is how the next convolution
//! reads them fastest; neither has to be rearranged.

mod geometry;
mod kernel;
#[cfg(test)]
mod tests;

use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{DType, Device, Tensor};

use geometry::{Geometry, Order, from_window_order, to_window_order};
use kernel::{Pass, Wanted, backward, forward};

use crate::nn::activation::Activation;
use crate::nn::layer::{FlexTensor, Layer, tensor, tracked};

/// The numbers of a convolution that are not tensors.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    /// How far apart windows are, in pixels, on both sides; at least 1.
    pub(crate) stride: usize,
    /// How many zeros are put around each image.
    pub(crate) padding: usize,
    pub(crate) activation: Activation,
}

/// The cross-correlation, `[batch, filter, row, column]`, of images `[batch, channel, row, column]` with weights
/// `[filter, channel, row, column]`, plus a bias `[filter]`, through the activation of `settings`.
///
/// Without tracking it is the same computation; gradients are computed for those tensors only that require them.
///
/// # Panics
///
/// If the channels differ, or a window does not fit into the padded image, or the stride is 0.
pub(crate) fn convolve(
    input_bchw: Tensor<4>,
    weight_oihw: Tensor<4>,
    bias_o: Option<Tensor<1>>,
    settings: Settings,
) -> Tensor<4> {
    let Settings { stride, padding, activation } = settings;
    let ([_, channels, height, width], [filters, weight_channels, kernel_height, kernel_width]) =
        (input_bchw.dims(), weight_oihw.dims());
    assert!(stride > 0, "a stride is at least 1");
    assert_eq!(channels, weight_channels, "channels of the images and of the weights");
    let padded = [height + 2 * padding, width + 2 * padding];
    assert!(
        (1..=padded[0]).contains(&kernel_height) && (1..=padded[1]).contains(&kernel_width),
        "windows of {kernel_height}x{kernel_width} in images of {padded:?} with their padding"
    );
    let device = input_bchw.device();
    if device != Device::flex() || input_bchw.dtype() != DType::F32 || input_bchw.shape().num_elements() == 0 {
        let options = ConvOptions::new([stride; 2], [padding; 2], [1; 2], 1);
        let output_bohw = conv2d(input_bchw, weight_oihw, bias_o, options);
        return activation.of_tensor(output_bohw);
    }
    let bias_o = bias_o.unwrap_or_else(|| Tensor::zeros([filters], &device));
    let (input, weight, bias) = (input_bchw.into_dispatch(), weight_oihw.into_dispatch(), bias_o.into_dispatch());
    Tensor::from_dispatch(<Dispatch as ConvolutionOps>::convolution(input, weight, bias, settings))
}

/// The operation as burn's extension point wants it.
#[backend_extension(Flex, Autodiff)]
trait ConvolutionOps: Backend {
    fn convolution(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        settings: Settings,
    ) -> FloatTensor<Self>;
}

impl ConvolutionOps for Flex {
    fn convolution(input: FlexTensor, weight: FlexTensor, bias: FlexTensor, settings: Settings) -> FlexTensor {
        Convolution::new(input, &weight, settings).forward(&bias)
    }
}

impl<C: CheckpointStrategy> ConvolutionOps for Autodiff<Flex, C> {
    fn convolution(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        settings: Settings,
    ) -> FloatTensor<Self> {
        tracked::<C, _>(|input, weight| Convolution::new(input, &weight, settings), input, weight, bias)
    }
}

/// Its outputs are `[batch, filter, row, column]`, pixel by pixel in memory.
#[derive(Debug, Clone)]
struct Convolution {
    geometry: Geometry,
    activation: Activation,
    input: FlexTensor,
    weight: FlexTensor,
}

impl Convolution {
    fn new(input: FlexTensor, weight: &FlexTensor, settings: Settings) -> Self {
        let (input, order) = dense(input);
        let (shape, weight_shape) = (input.shape(), weight.shape());
        let geometry = Geometry {
            channels: shape[1],
            height: shape[2],
            width: shape[3],
            filters: weight_shape[0],
            kernel_height: weight_shape[2],
            kernel_width: weight_shape[3],
            stride: settings.stride,
            padding: settings.padding,
            order,
        };
        Self { geometry, activation: settings.activation, input, weight: weight.to_contiguous() }
    }
}

impl Layer for Convolution {
    fn forward(&self, bias: &FlexTensor) -> FlexTensor {
        let geometry = &self.geometry;
        let weights = to_window_order(geometry, numbers(&self.weight));
        let bias = bias.to_contiguous();
        let outputs = forward(geometry, self.activation, numbers(&self.input), &weights, numbers(&bias));
        let shape = [self.input.shape()[0], geometry.rows(), geometry.columns(), geometry.filters];
        tensor(outputs, shape).permute(&PIXELS_TO_PLANES)
    }

    fn backward(&self, output: &FlexTensor, gradient: &FlexTensor, wanted: [bool; 3]) -> [Option<FlexTensor>; 3] {
        let [images, weights, bias] = wanted;
        let geometry = &self.geometry;
        let by_pixels = |tensor: &FlexTensor| tensor.permute(&PLANES_TO_PIXELS).to_contiguous();
        let output = by_pixels(output);
        let gradient = by_pixels(gradient);
        let window_weights = to_window_order(geometry, numbers(&self.weight));
        let pass = Pass {
            geometry,
            activation: self.activation,
            images: numbers(&self.input),
            weights: &window_weights,
            outputs: numbers(&output),
            gradients: numbers(&gradient),
        };
        let gradients = backward(&pass, Wanted { images, weights, bias });
        let by_input = images.then(|| {
            let [batch, channels, height, width] = [0, 1, 2, 3].map(|axis| self.input.shape()[axis]);
            match geometry.order {
                Order::Planes => tensor(gradients.images, [batch, channels, height, width]),
                Order::Pixels => tensor(gradients.images, [batch, height, width, channels]).permute(&PIXELS_TO_PLANES),
            }
        });
        let by_weight = weights.then(|| {
            let shape = [0, 1, 2, 3].map(|axis| self.weight.shape()[axis]);
            tensor(from_window_order(geometry, gradients.weights), shape)
        });
        [by_input, by_weight, bias.then(|| tensor(gradients.bias, [geometry.filters]))]
    }
}

const PIXELS_TO_PLANES: [usize; 4] = [0, 3, 1, 2];
const PLANES_TO_PIXELS: [usize; 4] = [0, 2, 3, 1];

/// The tensor, with its images in one piece one after another, and the order in each of them.
fn dense(tensor: FlexTensor) -> (FlexTensor, Order) {
    if tensor.as_slice::<f32>().is_some() {
        (tensor, Order::Planes)
    } else if tensor.permute(&PLANES_TO_PIXELS).as_slice::<f32>().is_some() {
        (tensor, Order::Pixels)
    } else {
        (tensor.to_contiguous(), Order::Planes)
    }
}

/// The numbers of a [`dense`] tensor as they lie in memory.
fn numbers(tensor: &FlexTensor) -> &[f32] {
    let start = tensor.layout().start_offset();
    &tensor.storage::<f32>()[start..start + tensor.layout().num_elements()]
}
