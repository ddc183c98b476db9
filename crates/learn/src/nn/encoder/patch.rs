//! A small MLP-Mixer (Tolstikhin et al. 2021, arXiv:2105.01601): patches of a picture, mixed among each other and each for
//! itself. It is made of matrix products only, which every backend does well.

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::{Device, Tensor, TensorData};
use rand_chacha::ChaCha8Rng;

use super::size::EncoderSize;
use crate::nn::activation::Activation;
use crate::nn::dense::dense;
use crate::nn::initial::orthogonal;
use crate::nn::picture::Picture;

/// Side of a patch in pixels.
pub(super) const SIDE: usize = 12;
/// Features of a patch, and of the picture in the end.
const WIDTH: usize = 128;
/// Hidden units where patches are mixed among each other.
const TOKEN_HIDDEN: usize = 64;
/// Hidden units where a patch is mixed for itself.
const CHANNEL_HIDDEN: usize = 256;
const BLOCKS: usize = 2;

/// Deviations from the paper: `relu` instead of `gelu`, and no normalisation of layers, because pictures from 0 to 1 and two
/// blocks need none; the second layer of each mixer starts at zero, so that a block begins as the identity.
#[derive(Module, Debug)]
pub(crate) struct PatchMixer {
    embedding: Linear,
    blocks: Vec<Block>,
}

#[derive(Module, Debug)]
struct Block {
    tokens: Mixer,
    channels: Mixer,
}

#[derive(Module, Debug)]
struct Mixer {
    inner: Linear,
    outer: Linear,
}

fn patch_count(picture: Picture) -> usize {
    (picture.height / SIDE) * (picture.width / SIDE)
}

impl PatchMixer {
    pub(crate) fn new(picture: Picture, rng: &mut ChaCha8Rng, device: &Device) -> Self {
        let embedding = linear(picture.channels * SIDE * SIDE, WIDTH, std::f32::consts::SQRT_2, rng, device);
        let mut mixer = |inputs, hidden| Mixer {
            inner: linear(inputs, hidden, std::f32::consts::SQRT_2, rng, device),
            outer: linear(hidden, inputs, 0.0, rng, device),
        };
        let patches = patch_count(picture);
        let blocks = (0..BLOCKS)
            .map(|_| Block { tokens: mixer(patches, TOKEN_HIDDEN), channels: mixer(WIDTH, CHANNEL_HIDDEN) })
            .collect();
        Self { embedding, blocks }
    }

    pub(crate) fn size(picture: Picture) -> EncoderSize {
        let layer = |inputs: usize, outputs: usize| (inputs + 1) * outputs;
        let mixer = |inputs, hidden| layer(inputs, hidden) + layer(hidden, inputs);
        let block = mixer(patch_count(picture), TOKEN_HIDDEN) + mixer(WIDTH, CHANNEL_HIDDEN);
        let embedding = layer(picture.channels * SIDE * SIDE, WIDTH);
        EncoderSize { features: WIDTH, numbers: embedding + BLOCKS * block }
    }

    /// Features `[batch, 128]` of pictures `[batch, channel, height, width]`: the mean over the patches.
    pub(crate) fn forward(&self, pictures_bchw: Tensor<4>) -> Tensor<2> {
        let [batch, channels, height, width] = pictures_bchw.dims();
        let (rows, columns) = (height / SIDE, width / SIDE);
        let patches_bpv = pictures_bchw
            .reshape([batch, channels, rows, SIDE, columns, SIDE])
            .permute([0, 2, 4, 1, 3, 5])
            .reshape([batch, rows * columns, channels * SIDE * SIDE]);
        let embedded_bpf = rows_through(&self.embedding, patches_bpv, Activation::Relu);
        let mixed_bpf = self.blocks.iter().fold(embedded_bpf, |x_bpf, block| {
            let among_bpf = block.tokens.forward(x_bpf.clone().swap_dims(1, 2)).swap_dims(1, 2);
            let x_bpf = x_bpf + among_bpf;
            let within_bpf = block.channels.forward(x_bpf.clone());
            x_bpf + within_bpf
        });
        mixed_bpf.mean_dim(1).squeeze_dim::<2>(1)
    }
}

impl Mixer {
    fn forward(&self, input: Tensor<3>) -> Tensor<3> {
        rows_through(&self.outer, rows_through(&self.inner, input, Activation::Relu), Activation::None)
    }
}

/// Outputs `[batch, row, output]` of a layer for inputs `[batch, row, input]`.
fn rows_through(layer: &Linear, input_bri: Tensor<3>, activation: Activation) -> Tensor<3> {
    let [batch, rows, inputs] = input_bri.dims();
    let output = dense(layer, input_bri.reshape([batch * rows, inputs]), activation);
    let outputs = output.dims()[1];
    output.reshape([batch, rows, outputs])
}

fn linear(inputs: usize, outputs: usize, gain: f32, rng: &mut ChaCha8Rng, device: &Device) -> Linear {
    let weight = TensorData::new(orthogonal(inputs, outputs, gain, rng), [inputs, outputs]);
    let bias = TensorData::new(vec![0.0_f32; outputs], [outputs]);
    Linear { weight: Param::from_data(weight, device), bias: Some(Param::from_data(bias, device)) }
}
