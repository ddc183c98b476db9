//! The vision tower of SigLIP: a transformer that looks at a photo in patches, and makes one row of numbers of it.

use std::collections::HashMap;
use std::path::Path;

use burn::tensor::activation::sigmoid;
use burn::tensor::module::{attention, layer_norm, linear};
use burn::tensor::ops::AttentionModuleOptions;
use burn::tensor::{Device, Tensor, TensorData};

use crate::error::Error;
use crate::siglip::checkpoint;
use crate::siglip::configuration::{
    Configuration, PATCHES, POOLING, POSITIONS, POST_NORM, PROBE, is_beside_the_tower, layer,
};

#[derive(Debug)]
pub(super) struct Tower {
    configuration: Configuration,
    device: Device,
    patch: Linear,
    /// `[patch, number]`
    positions_ph: Tensor<2>,
    layers: Vec<Layer>,
    norm: Norm,
    pooling: Pooling,
}

#[derive(Debug)]
struct Layer {
    before_attention: Norm,
    query: Linear,
    key: Linear,
    value: Linear,
    out: Linear,
    before_perceptron: Norm,
    perceptron: Perceptron,
}

/// Attention of one row of numbers, the probe, to all patches.
#[derive(Debug)]
struct Pooling {
    /// The probe after the matrix of queries, which is the same for every photo: `[1, number]`.
    query_1h: Tensor<2>,
    key: Linear,
    value: Linear,
    out: Linear,
    norm: Norm,
    perceptron: Perceptron,
}

#[derive(Debug)]
struct Linear {
    /// `[input, output]`
    weight: Tensor<2>,
    bias: Tensor<1>,
}

#[derive(Debug)]
struct Norm {
    weight: Tensor<1>,
    bias: Tensor<1>,
    epsilon: f64,
}

#[derive(Debug)]
struct Perceptron {
    hidden: Linear,
    out: Linear,
}

impl Tower {
    /// Reads the tower, and tells the hash of its file.
    pub(super) fn read(path: &Path, configuration: Configuration, device: &Device) -> Result<(Self, String), Error> {
        let mut tensors = Tensors(HashMap::new());
        let sha256 = checkpoint::read(path, &configuration.tensors(), is_beside_the_tower, |name, numbers| {
            let count = numbers.len();
            tensors.0.insert(name, Tensor::from_data(TensorData::new(numbers, [count]), device));
        })?;
        Ok((Self::of(tensors, configuration, device), sha256))
    }

    fn of(mut tensors: Tensors, configuration: Configuration, device: &Device) -> Self {
        let Configuration { hidden_size: hidden, intermediate_size: intermediate, .. } = configuration;
        let (tensors, epsilon) = (&mut tensors, configuration.layer_norm_eps);
        let layers = (0..configuration.num_hidden_layers).map(|number| {
            let name = layer(number);
            let mut projection = |part: &str| tensors.linear(&format!("{name}.self_attn.{part}"), hidden, hidden);
            let [query, key, value, out] = ["q_proj", "k_proj", "v_proj", "out_proj"].map(&mut projection);
            Layer {
                before_attention: tensors.norm(&format!("{name}.layer_norm1"), epsilon),
                query,
                key,
                value,
                out,
                before_perceptron: tensors.norm(&format!("{name}.layer_norm2"), epsilon),
                perceptron: tensors.perceptron(&name, hidden, intermediate),
            }
        });
        let layers = layers.collect();
        // Queries, keys and values are one matrix here: three blocks of rows.
        let weights = tensors.take(&format!("{POOLING}.attention.in_proj_weight")).reshape([3 * hidden, hidden]);
        let biases = tensors.take(&format!("{POOLING}.attention.in_proj_bias"));
        let [query, key, value] = [0, 1, 2].map(|block| {
            let rows = block * hidden..(block + 1) * hidden;
            Linear { weight: weights.clone().slice([rows.clone()]).transpose(), bias: biases.clone().slice([rows]) }
        });
        let pooling = Pooling {
            query_1h: query.forward(tensors.take(PROBE).reshape([1, hidden])),
            key,
            value,
            out: tensors.linear(&format!("{POOLING}.attention.out_proj"), hidden, hidden),
            norm: tensors.norm(&format!("{POOLING}.layernorm"), epsilon),
            perceptron: tensors.perceptron(POOLING, hidden, intermediate),
        };
        Self {
            device: device.clone(),
            // A convolution whose steps are as long as its kernel is a product with each patch.
            patch: tensors.linear(PATCHES, configuration.patch_len(), hidden),
            positions_ph: tensors.take(POSITIONS).reshape([configuration.patches(), hidden]),
            layers,
            norm: tensors.norm(POST_NORM, epsilon),
            pooling,
            configuration,
        }
    }

    pub(super) fn configuration(&self) -> &Configuration {
        &self.configuration
    }

    pub(super) fn device(&self) -> &Device {
        &self.device
    }

    /// What the tower makes of each photo (`pooler_output`): `hidden_size` numbers, photo by photo.
    ///
    /// `patches` are those of all photos, one after another, as [`patches`](super::pixels::patches) makes them.
    ///
    /// # Errors
    /// What the device says when it fails.
    pub(super) fn pooled(&self, patches: Vec<f32>) -> Result<Vec<f32>, String> {
        let (patch_len, patch_count) = (self.configuration.patch_len(), self.configuration.patches());
        let (rows, hidden) = (patches.len() / patch_len, self.configuration.hidden_size);
        let photos = rows / patch_count;
        let heads = Heads { photos, count: self.configuration.num_attention_heads };
        // [photo and patch, number]
        let patches = Tensor::<2>::from_data(TensorData::new(patches, [rows, patch_len]), &self.device);
        let x =
            self.patch.forward(patches).reshape([photos, patch_count, hidden]) + self.positions_ph.clone().unsqueeze();
        let mut x = x.reshape([rows, hidden]);
        for layer in &self.layers {
            x = layer.forward(x, heads);
        }
        let pooled = self.pooling.forward(self.norm.forward(x), heads);
        pooled.try_into_vec_as::<f32>().map_err(|error| error.to_string())
    }
}

impl Layer {
    /// `[photo and patch, number]`, before and after.
    fn forward(&self, x: Tensor<2>, heads: Heads) -> Tensor<2> {
        let seen = self.before_attention.forward(x.clone());
        let [query, key, value] = [&self.query, &self.key, &self.value].map(|part| part.forward(seen.clone()));
        let x = x + self.out.forward(heads.attend(query, key, value));
        let seen = self.before_perceptron.forward(x.clone());
        x + self.perceptron.forward(seen)
    }
}

impl Pooling {
    /// From `[photo and patch, number]` to `[photo, number]`.
    fn forward(&self, x: Tensor<2>, heads: Heads) -> Tensor<2> {
        let query = self.query_1h.clone().repeat_dim(0, heads.photos);
        let x = self.out.forward(heads.attend(query, self.key.forward(x.clone()), self.value.forward(x)));
        let seen = self.norm.forward(x.clone());
        x + self.perceptron.forward(seen)
    }
}

/// How rows of numbers are divided for attention.
#[derive(Debug, Clone, Copy)]
struct Heads {
    photos: usize,
    count: usize,
}

impl Heads {
    /// Attention within each photo and head. All are `[photo and row, number]`; a photo may have fewer queries than keys.
    fn attend(self, query: Tensor<2>, key: Tensor<2>, value: Tensor<2>) -> Tensor<2> {
        let [rows, hidden] = query.dims();
        let [query, key, value] = [query, key, value].map(|of| self.divide(of));
        let attended = attention(query, key, value, None, None, AttentionModuleOptions::default());
        attended.swap_dims(1, 2).reshape([rows, hidden])
    }

    /// `[photo, head, row, number of the head]`
    fn divide(self, x: Tensor<2>) -> Tensor<4> {
        let [rows, hidden] = x.dims();
        x.reshape([self.photos, rows / self.photos, self.count, hidden / self.count]).swap_dims(1, 2)
    }
}

impl Linear {
    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        linear(x, self.weight.clone(), Some(self.bias.clone()))
    }
}

impl Norm {
    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        layer_norm(x, self.weight.clone(), Some(self.bias.clone()), self.epsilon)
    }
}

impl Perceptron {
    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.out.forward(gelu_tanh(self.hidden.forward(x)))
    }
}

/// The approximation of GELU by a hyperbolic tangent, x/2 (1 + tanh z), as x sigmoid(2z), which is the same with a pass over
/// the numbers less.
fn gelu_tanh(x: Tensor<2>) -> Tensor<2> {
    let cubic = (x.clone() * x.clone() * GELU_CUBIC + 1.0) * x.clone();
    x * sigmoid(cubic * (2.0 * SQRT_2_OVER_PI))
}

const GELU_CUBIC: f64 = 0.044_715;
const SQRT_2_OVER_PI: f64 = std::f64::consts::FRAC_2_SQRT_PI * std::f64::consts::FRAC_1_SQRT_2;

/// The tensors of a checkpoint, each a flat list of numbers.
struct Tensors(HashMap<String, Tensor<1>>);

impl Tensors {
    /// # Panics
    /// When the configuration tells of no tensor of that name, or it is taken twice.
    fn take(&mut self, name: &str) -> Tensor<1> {
        self.0.remove(name).unwrap_or_else(|| panic!("the checkpoint was checked to hold {name}"))
    }

    /// PyTorch has outputs first.
    fn linear(&mut self, name: &str, inputs: usize, outputs: usize) -> Linear {
        let weight = self.take(&format!("{name}.weight")).reshape([outputs, inputs]).transpose();
        Linear { weight, bias: self.take(&format!("{name}.bias")) }
    }

    fn norm(&mut self, name: &str, epsilon: f64) -> Norm {
        Norm { weight: self.take(&format!("{name}.weight")), bias: self.take(&format!("{name}.bias")), epsilon }
    }

    fn perceptron(&mut self, of: &str, hidden: usize, intermediate: usize) -> Perceptron {
        Perceptron {
            hidden: self.linear(&format!("{of}.mlp.fc1"), hidden, intermediate),
            out: self.linear(&format!("{of}.mlp.fc2"), intermediate, hidden),
        }
    }
}
