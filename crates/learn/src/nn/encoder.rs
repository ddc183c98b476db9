//! What the networks see first: photo statistics as they are, or a picture that an encoder turns into features.

mod convolution;
mod nature_cnn;
mod patch;
mod resnet;
mod size;

use std::path::PathBuf;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use dodge_hparams::{Choice, HParams};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::nn::picture::Picture;
use nature_cnn::NatureCnn;
use patch::PatchMixer;
use resnet::{Depth, Resnet};
pub(crate) use size::EncoderSize;

/// How photos are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoder {
    /// Statistics of the photo, straight into the multilayer perceptron: the fastest, and the one that learns from the fewest
    /// steps.
    Stats,
    /// A small picture in patches, mixed by matrix products only (Tolstikhin et al. 2021, arXiv:2105.01601).
    Patch,
    /// A small picture through three convolutions (Mnih et al. 2015, doi:10.1038/nature14236).
    NatureCnn,
    /// A residual network of 18 layers (He et al. 2015, arXiv:1512.03385).
    Resnet18,
    /// A residual network of 50 layers.
    Resnet50,
}

/// How the networks look at photos.
#[derive(Debug, Clone, PartialEq, HParams)]
#[hparams(section = "network")]
pub struct NetworkParams {
    /// What turns a photo into features. All but `stats` see a small picture; choose `environment.working_size` at least as
    /// large as that picture then.
    #[hparam(default = Encoder::Stats)]
    pub encoder: Encoder,
    /// Sides of the square picture that an encoder sees; `patch` needs a multiple of 12, `nature-cnn` 36 or more.
    #[hparam(default = 84, range = 24..=512, unit = "pixels")]
    pub picture_size: u32,
    /// File with the weights that a `resnet18` or `resnet50` starts from: torchvision's, as .safetensors or .pth. Without one it
    /// starts from random weights.
    #[hparam(default = none)]
    pub weights: Option<PathBuf>,
    /// Whether a `resnet18` or `resnet50` keeps the weights that it starts from, and only the layers after it learn.
    #[hparam(default = false)]
    pub frozen: bool,
}

impl NetworkParams {
    /// Whether arithmetic makes up most of a gradient step, so that a graphics card is worth the way to it and back. So it is
    /// for convolutions; for the other, small networks the processor is the faster one.
    #[must_use]
    pub fn suits_gpu(&self) -> bool {
        match self.encoder {
            Encoder::Stats | Encoder::Patch => false,
            Encoder::NatureCnn | Encoder::Resnet18 | Encoder::Resnet50 => true,
        }
    }
}

/// The network that turns the picture of an observation into features.
#[derive(Module, Debug)]
#[expect(clippy::large_enum_variant, reason = "a module is not derived for boxes, and there is one encoder, not many")]
pub(crate) enum PictureEncoder {
    Patch(PatchMixer),
    NatureCnn(NatureCnn),
    Resnet(Resnet),
}

impl PictureEncoder {
    /// Makes the encoder with fresh weights, or for a residual network with those of a file; none for `stats`.
    pub(crate) fn new(
        params: &NetworkParams,
        picture: Option<Picture>,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Result<Option<Self>, Error> {
        let Some(picture) = check(params.encoder, picture)? else { return Ok(None) };
        let resnet = |depth, rng: &mut ChaCha8Rng| -> Result<Self, Error> {
            let fresh = Resnet::new(depth, params.frozen, rng, device);
            let network = match &params.weights {
                Some(path) => fresh.with_weights_of(path)?,
                None => fresh,
            };
            Ok(Self::Resnet(network))
        };
        Ok(Some(match params.encoder {
            Encoder::Stats => return Ok(None),
            Encoder::Patch => Self::Patch(PatchMixer::new(picture, rng, device)),
            Encoder::NatureCnn => Self::NatureCnn(NatureCnn::new(picture, rng, device)),
            Encoder::Resnet18 => resnet(Depth::Eighteen, rng)?,
            Encoder::Resnet50 => resnet(Depth::Fifty, rng)?,
        }))
    }

    /// How many features and how many numbers an encoder of this kind has; 0 of each for `stats`.
    ///
    /// # Errors
    /// As [`PictureEncoder::new`].
    pub(crate) fn size(encoder: Encoder, picture: Option<Picture>) -> Result<EncoderSize, Error> {
        let Some(picture) = check(encoder, picture)? else { return Ok(EncoderSize::default()) };
        Ok(match encoder {
            Encoder::Stats => EncoderSize::default(),
            Encoder::Patch => PatchMixer::size(picture),
            Encoder::NatureCnn => NatureCnn::size(picture),
            Encoder::Resnet18 => Resnet::size(Depth::Eighteen),
            Encoder::Resnet50 => Resnet::size(Depth::Fifty),
        })
    }

    /// Features `[batch, feature]` of pictures `[batch, channel, height, width]` with values from 0 to 1.
    pub(crate) fn forward(&self, pictures_bchw: Tensor<4>) -> Tensor<2> {
        match self {
            Self::Patch(mixer) => mixer.forward(pictures_bchw),
            Self::NatureCnn(network) => network.forward(pictures_bchw),
            Self::Resnet(network) => network.forward(pictures_bchw),
        }
    }
}

/// The picture that the encoder is to see, when both go together.
fn check(encoder: Encoder, picture: Option<Picture>) -> Result<Option<Picture>, Error> {
    let invalid = |reason: String| Err(Error::Configuration { section: "network.encoder", reason });
    let name = encoder.name();
    match (encoder, picture) {
        (Encoder::Stats, _) => Ok(None),
        (_, None) => invalid(format!("`{name}` needs an environment that shows pictures, and this one shows none")),
        (Encoder::Patch, Some(Picture { height, width, .. }))
            if height % patch::SIDE != 0 || width % patch::SIDE != 0 =>
        {
            let side = patch::SIDE;
            invalid(format!(
                "`patch` cuts pictures into patches of {side} pixels, and {width}x{height} is no multiple of it"
            ))
        }
        (Encoder::NatureCnn, Some(Picture { height, width, .. })) if height.min(width) < nature_cnn::LEAST_SIDE => {
            let least = nature_cnn::LEAST_SIDE;
            invalid(format!("`nature-cnn` needs pictures of {least} pixels or more, and gets {width}x{height}"))
        }
        (_, Some(picture)) => Ok(Some(picture)),
    }
}

#[cfg(test)]
mod tests;
