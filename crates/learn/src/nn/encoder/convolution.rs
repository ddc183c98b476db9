//! A layer of convolutions.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};

use crate::nn::activation::Activation;
use crate::nn::convolution::{Settings, convolve};

/// Convolution with square kernels, and with a bias where it has one.
#[derive(Module, Debug)]
pub(crate) struct Convolution {
    /// `[output channel, input channel, height, width]`.
    weight: Param<Tensor<4>>,
    bias: Option<Param<Tensor<1>>>,
    #[module(skip)]
    stride: usize,
    #[module(skip)]
    padding: usize,
}

/// The shape of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ConvolutionShape {
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    pub(crate) padding: usize,
}

impl ConvolutionShape {
    /// Numbers in the kernels, without a bias.
    pub(crate) fn weights(self) -> usize {
        self.outputs * self.fan_in()
    }

    /// Inputs of one output.
    pub(crate) fn fan_in(self) -> usize {
        self.inputs * self.kernel * self.kernel
    }

    /// The length of a side after the layer.
    pub(crate) fn side_after(self, side: usize) -> usize {
        (side + 2 * self.padding - self.kernel) / self.stride + 1
    }
}

impl Convolution {
    /// A layer with the given kernels, `[output][input][row][column]`, and with zero biases where it has any.
    pub(crate) fn new(shape: ConvolutionShape, kernels: Vec<f32>, biased: bool, device: &Device) -> Self {
        let ConvolutionShape { inputs, outputs, kernel, stride, padding } = shape;
        let weight = Param::from_data(TensorData::new(kernels, [outputs, inputs, kernel, kernel]), device);
        let bias = biased.then(|| Param::from_data(TensorData::new(vec![0.0_f32; outputs], [outputs]), device));
        Self { weight, bias, stride, padding }
    }

    /// Outputs `[batch, output channel, height, width]` for inputs `[batch, input channel, height, width]`, through an
    /// activation.
    pub(crate) fn forward(&self, input_bchw: Tensor<4>, activation: Activation) -> Tensor<4> {
        let settings = Settings { stride: self.stride, padding: self.padding, activation };
        convolve(input_bchw, self.weight.val(), self.bias.as_ref().map(Param::val), settings)
    }
}
