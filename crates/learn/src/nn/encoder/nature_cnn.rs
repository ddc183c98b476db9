//! The convolutional network of Mnih et al. 2015 (doi:10.1038/nature14236), for small pictures.

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::{Device, Tensor, TensorData};
use rand_chacha::ChaCha8Rng;

use super::convolution::{Convolution, ConvolutionShape};
use super::size::EncoderSize;
use crate::nn::activation::Activation;
use crate::nn::dense::dense;
use crate::nn::initial::orthogonal;
use crate::nn::picture::Picture;

/// The smallest picture that leaves something after three convolutions.
pub(super) const LEAST_SIDE: usize = 36;
const FEATURES: usize = 512;

fn shapes(channels: usize) -> [ConvolutionShape; 3] {
    [
        ConvolutionShape { inputs: channels, outputs: 32, kernel: 8, stride: 4, padding: 0 },
        ConvolutionShape { inputs: 32, outputs: 64, kernel: 4, stride: 2, padding: 0 },
        ConvolutionShape { inputs: 64, outputs: 64, kernel: 3, stride: 1, padding: 0 },
    ]
}

/// Numbers that the last convolution leaves of a picture.
fn flat_len(picture: Picture) -> usize {
    let shapes = shapes(picture.channels);
    let after = |side| shapes.iter().fold(side, |side, shape| shape.side_after(side));
    shapes[2].outputs * after(picture.height) * after(picture.width)
}

/// Three convolutions and a fully connected layer, each followed by `relu`.
#[derive(Module, Debug)]
pub(crate) struct NatureCnn {
    convolutions: Vec<Convolution>,
    output: Linear,
}

impl NatureCnn {
    /// Fresh weights, orthogonal with gain √2, and zero biases.
    pub(crate) fn new(picture: Picture, rng: &mut ChaCha8Rng, device: &Device) -> Self {
        let gain = std::f32::consts::SQRT_2;
        let convolutions = shapes(picture.channels).map(|shape| {
            let kernels = orthogonal(shape.outputs, shape.fan_in(), gain, rng);
            Convolution::new(shape, kernels, true, device)
        });
        let inputs = flat_len(picture);
        let weight = TensorData::new(orthogonal(inputs, FEATURES, gain, rng), [inputs, FEATURES]);
        let bias = TensorData::new(vec![0.0_f32; FEATURES], [FEATURES]);
        let output = Linear { weight: Param::from_data(weight, device), bias: Some(Param::from_data(bias, device)) };
        Self { convolutions: convolutions.into(), output }
    }

    pub(crate) fn size(picture: Picture) -> EncoderSize {
        let convolutions: usize = shapes(picture.channels).iter().map(|s| s.weights() + s.outputs).sum();
        EncoderSize { features: FEATURES, numbers: convolutions + (flat_len(picture) + 1) * FEATURES }
    }

    /// Features `[batch, 512]` of pictures `[batch, channel, height, width]`.
    pub(crate) fn forward(&self, pictures_bchw: Tensor<4>) -> Tensor<2> {
        let maps_bchw = self.convolutions.iter().fold(pictures_bchw, |x, layer| layer.forward(x, Activation::Relu));
        // Flattened pixel by pixel, which is how a convolution leaves its output: another order would copy it.
        dense(&self.output, maps_bchw.permute([0, 2, 3, 1]).flatten(1, 3), Activation::Relu)
    }
}
