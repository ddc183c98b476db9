//! Residual networks (He et al. 2015, arXiv:1512.03385), with the parameter names of torchvision, whose weights they can
//! start from.

use std::path::Path;

use burn::module::{Module, Param};
use burn::tensor::activation::relu;
use burn::tensor::module::max_pool2d;
use burn::tensor::ops::MaxPoolOptions;
use burn::tensor::{Device, Tensor, TensorData};
use burn_store::{ApplyResult, ModuleSnapshot, PytorchStore, SafetensorsStore};
use rand_chacha::ChaCha8Rng;

use super::convolution::{Convolution, ConvolutionShape};
use super::size::EncoderSize;
use crate::error::Error;
use crate::nn::activation::Activation;
use crate::nn::initial::normal;

/// Mean and standard deviation of the channels that torchvision's weights were trained with, for values from 0 to 1.
const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const DEVIATION: [f32; 3] = [0.229, 0.224, 0.225];
/// What keeps the division by a variance sound, as in torchvision.
const EPSILON: f32 = 1e-5;

/// Which residual network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    Eighteen,
    Fifty,
}

impl Depth {
    /// Blocks in each of the four layers.
    fn blocks(self) -> [usize; 4] {
        match self {
            Self::Eighteen => [2, 2, 2, 2],
            Self::Fifty => [3, 4, 6, 3],
        }
    }

    /// The convolutions of a block with `inputs` channels in layer `layer`, and that of its shortcut where it has one.
    fn block(self, layer: usize, inputs: usize, is_first: bool) -> (Vec<ConvolutionShape>, Option<ConvolutionShape>) {
        let width = 64 << layer;
        let stride = if is_first && layer > 0 { 2 } else { 1 };
        let plain =
            |inputs, outputs, kernel, stride| ConvolutionShape { inputs, outputs, kernel, stride, padding: kernel / 2 };
        let path = match self {
            Self::Eighteen => vec![plain(inputs, width, 3, stride), plain(width, width, 3, 1)],
            // The stride is in the second convolution, as in torchvision.
            Self::Fifty => {
                vec![plain(inputs, width, 1, 1), plain(width, width, 3, stride), plain(width, 4 * width, 1, 1)]
            }
        };
        let outputs = self.outputs(layer);
        let shortcut = (stride != 1 || inputs != outputs).then(|| plain(inputs, outputs, 1, stride));
        (path, shortcut)
    }

    /// Channels after a layer.
    fn outputs(self, layer: usize) -> usize {
        (64 << layer) * if self == Self::Fifty { 4 } else { 1 }
    }

    /// Calls `each` for every block in order: its layer, its path and its shortcut.
    pub(super) fn for_each_block(self, mut each: impl FnMut(usize, Vec<ConvolutionShape>, Option<ConvolutionShape>)) {
        let mut inputs = STEM.outputs;
        for (layer, count) in self.blocks().into_iter().enumerate() {
            for block in 0..count {
                let (path, shortcut) = self.block(layer, inputs, block == 0);
                inputs = self.outputs(layer);
                each(layer, path, shortcut);
            }
        }
    }
}

const STEM: ConvolutionShape = ConvolutionShape { inputs: 3, outputs: 64, kernel: 7, stride: 2, padding: 3 };

/// The network up to its mean over all places.
///
/// Batch normalisation always uses the statistics that it holds (0 and 1, or those of the file) and never those of a batch:
/// a batch of a rollout and a minibatch would be normalised differently, and the policy that acted would not be the one that
/// learns. Its scale and offset are learnt unless the network is frozen.
#[derive(Module, Debug)]
pub(crate) struct Resnet {
    conv1: Convolution,
    bn1: Normalization,
    layer1: Vec<Block>,
    layer2: Vec<Block>,
    layer3: Vec<Block>,
    layer4: Vec<Block>,
    #[module(skip)]
    frozen: bool,
}

#[derive(Module, Debug)]
struct Block {
    conv1: Convolution,
    bn1: Normalization,
    conv2: Convolution,
    bn2: Normalization,
    conv3: Option<Convolution>,
    bn3: Option<Normalization>,
    downsample: Option<Shortcut>,
}

#[derive(Module, Debug)]
struct Shortcut {
    conv: Convolution,
    bn: Normalization,
}

/// Batch normalisation with fixed statistics.
#[derive(Module, Debug)]
struct Normalization {
    weight: Param<Tensor<1>>,
    bias: Param<Tensor<1>>,
    running_mean: Param<Tensor<1>>,
    running_var: Param<Tensor<1>>,
}

impl Resnet {
    /// Fresh weights: normal deviates whose variance is 2 over the outputs of a kernel (He et al. 2015, arXiv:1502.01852).
    pub(crate) fn new(depth: Depth, frozen: bool, rng: &mut ChaCha8Rng, device: &Device) -> Self {
        let mut convolution = |shape: ConvolutionShape| {
            let deviation = (2.0 / (shape.outputs * shape.kernel * shape.kernel) as f64).sqrt();
            let kernels = (0..shape.weights()).map(|_| (deviation * normal(rng)) as f32).collect();
            (Convolution::new(shape, kernels, false, device), Normalization::new(shape.outputs, device))
        };
        let (conv1, bn1) = convolution(STEM);
        let mut layers: [Vec<Block>; 4] = Default::default();
        depth.for_each_block(|layer, path, shortcut| {
            let mut path = path.into_iter().map(&mut convolution);
            let mut next = || path.next().unzip();
            let ((conv1, bn1), (conv2, bn2), (conv3, bn3)) = (next(), next(), next());
            let downsample = shortcut.map(&mut convolution).map(|(conv, bn)| Shortcut { conv, bn });
            let both = "a block has two convolutions at least";
            layers[layer].push(Block {
                conv1: conv1.expect(both),
                bn1: bn1.expect(both),
                conv2: conv2.expect(both),
                bn2: bn2.expect(both),
                conv3,
                bn3,
                downsample,
            });
        });
        let [layer1, layer2, layer3, layer4] = layers;
        let network = Self { conv1, bn1, layer1, layer2, layer3, layer4, frozen };
        if frozen { network.no_grad() } else { network }
    }

    /// The network with the weights of a file, by torchvision's names; its last layer, which names what a photo shows, is left
    /// out.
    ///
    /// # Errors
    /// [`Error::Configuration`] when the file cannot be read, or lacks a tensor or has one of another shape.
    pub(crate) fn with_weights_of(mut self, path: &Path) -> Result<Self, Error> {
        let invalid = |reason: String| Error::Configuration {
            section: "network.weights",
            reason: format!("{}: {reason}", path.display()),
        };
        let names = [(r"downsample\.0\.", "downsample.conv."), (r"downsample\.1\.", "downsample.bn.")];
        let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_lowercase();
        let applied = match &*extension {
            "safetensors" => {
                let store = SafetensorsStore::from_file(path).allow_partial(true).validate(false);
                let mut store =
                    names.iter().fold(store, |store, (theirs, ours)| store.with_key_remapping(*theirs, *ours));
                self.load_from(&mut store).map_err(|e| invalid(e.to_string()))?
            }
            "pth" | "pt" => {
                let store = PytorchStore::from_file(path).allow_partial(true).validate(false);
                let mut store =
                    names.iter().fold(store, |store, (theirs, ours)| store.with_key_remapping(*theirs, *ours));
                self.load_from(&mut store).map_err(|e| invalid(e.to_string()))?
            }
            _ => return Err(invalid("is neither a .safetensors nor a .pth file".to_owned())),
        };
        check(&applied).map_err(invalid)?;
        Ok(if self.frozen { self.no_grad() } else { self })
    }

    pub(crate) fn size(depth: Depth) -> EncoderSize {
        // Kernels, and four numbers of normalisation for each output.
        let numbers_of = |shape: ConvolutionShape| shape.weights() + 4 * shape.outputs;
        let mut numbers = numbers_of(STEM);
        depth.for_each_block(|_, path, shortcut| {
            numbers += path.into_iter().chain(shortcut).map(numbers_of).sum::<usize>();
        });
        EncoderSize { features: depth.outputs(3), numbers }
    }

    /// Features `[batch, feature]` of pictures `[batch, 3, height, width]` with values from 0 to 1.
    pub(crate) fn forward(&self, pictures_bchw: Tensor<4>) -> Tensor<2> {
        let device = pictures_bchw.device();
        let channels =
            |values: [f32; 3]| Tensor::<4>::from_data(TensorData::new(values.to_vec(), [1, 3, 1, 1]), &device);
        let normal_bchw = (pictures_bchw - channels(MEAN)) / channels(DEVIATION);
        let maps_bchw = relu(self.bn1.forward(self.conv1.forward(normal_bchw, Activation::None)));
        let maps_bchw = max_pool2d(maps_bchw, MaxPoolOptions::new([3, 3]).with_stride([2, 2]).with_padding([1, 1]));
        let layers = [&self.layer1, &self.layer2, &self.layer3, &self.layer4];
        let maps_bchw = layers.into_iter().flatten().fold(maps_bchw, |x, block| block.forward(x));
        let features_bf = maps_bchw.flatten::<3>(2, 3).mean_dim(2).squeeze_dim::<2>(2);
        if self.frozen { features_bf.detach() } else { features_bf }
    }
}

/// Every tensor of the network must have come from the file.
fn check(applied: &ApplyResult) -> Result<(), String> {
    if let Some(error) = applied.errors.first() {
        let count = applied.errors.len();
        return Err(format!("has {count} tensors that do not fit, for one: {error}; is it of another network?"));
    }
    match applied.missing.first() {
        None => Ok(()),
        Some((name, _)) => {
            let count = applied.missing.len();
            Err(format!("lacks {count} of the network's tensors, `{name}` for one: is it of another network?"))
        }
    }
}

impl Block {
    fn forward(&self, input_bchw: Tensor<4>) -> Tensor<4> {
        let shortcut_bchw = match &self.downsample {
            Some(shortcut) => shortcut.bn.forward(shortcut.conv.forward(input_bchw.clone(), Activation::None)),
            None => input_bchw.clone(),
        };
        let first_bchw = relu(self.bn1.forward(self.conv1.forward(input_bchw, Activation::None)));
        let second_bchw = self.bn2.forward(self.conv2.forward(first_bchw, Activation::None));
        let path_bchw = match (&self.conv3, &self.bn3) {
            (Some(conv3), Some(bn3)) => bn3.forward(conv3.forward(relu(second_bchw), Activation::None)),
            _ => second_bchw,
        };
        relu(path_bchw + shortcut_bchw)
    }
}

impl Normalization {
    fn new(channels: usize, device: &Device) -> Self {
        let filled = |value: f32| Param::from_data(TensorData::new(vec![value; channels], [channels]), device);
        Self {
            weight: filled(1.0),
            bias: filled(0.0),
            running_mean: filled(0.0).set_require_grad(false),
            running_var: filled(1.0).set_require_grad(false),
        }
    }

    fn forward(&self, input_bchw: Tensor<4>) -> Tensor<4> {
        let scale_c = self.weight.val() / (self.running_var.val() + EPSILON).sqrt();
        let offset_c = self.bias.val() - self.running_mean.val() * scale_c.clone();
        let channels = scale_c.dims()[0];
        input_bchw * scale_c.reshape([1, channels, 1, 1]) + offset_c.reshape([1, channels, 1, 1])
    }
}
