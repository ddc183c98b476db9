//! The head of the aesthetic predictor: from what the encoder saw to one number.

use std::collections::BTreeMap;
use std::path::Path;

use half::{bf16, f16};
use pytorch_reader::{DType, PytorchReader};

use crate::error::Error;
use crate::files::{self, Content, unusable};
use crate::siglip::checkpoint;

/// Longest file of PyTorch that is read; the published head has 2.6 megabytes.
const MOST_BYTES: u64 = 64 << 20;

/// Most layers, and most numbers that one of them makes.
const MOST_LAYERS: usize = 16;
const MOST_OUTPUTS: usize = 4096;

/// The head as one layer: its five have no activations between them, so that they are one product with a vector.
#[derive(Debug)]
pub(super) struct Head {
    weight: Vec<f64>,
    bias: f64,
}

/// A layer as it is in the file: `outputs` rows of `inputs` numbers.
#[derive(Debug, Default)]
struct Layer {
    inputs: usize,
    outputs: usize,
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Head {
    /// Reads a `.safetensors` or a file of PyTorch, and tells its hash. `inputs` is how many numbers the encoder makes of a
    /// photo.
    pub(super) fn read(path: &Path, inputs: usize) -> Result<(Self, String), Error> {
        let is_safetensors = path.extension().is_some_and(|extension| extension == "safetensors");
        let (tensors, sha256) = if is_safetensors { of_safetensors(path) } else { of_pytorch(path) }?;
        let head = layers_of(tensors).and_then(|layers| Self::folded(&layers, inputs));
        head.map(|head| (head, sha256)).map_err(|reason| unusable(path, reason))
    }

    /// The layers as one, from the last to the first.
    fn folded(layers: &[Layer], inputs: usize) -> Result<Self, String> {
        let (mut weight, mut bias) = (vec![1.0], 0.0);
        for layer in layers.iter().rev() {
            if layer.outputs != weight.len() {
                return Err(format!("a layer makes {} numbers, and {} are needed", layer.outputs, weight.len()));
            }
            bias += dot(&weight, &layer.bias);
            let mut before = vec![0.0; layer.inputs];
            for (factor, row) in weight.iter().zip(layer.weight.chunks_exact(layer.inputs)) {
                for (sum, &value) in before.iter_mut().zip(row) {
                    *sum += factor * f64::from(value);
                }
            }
            weight = before;
        }
        if weight.len() != inputs {
            return Err(format!("it looks at {} numbers, and the encoder makes {inputs}", weight.len()));
        }
        if !bias.is_finite() || !weight.iter().all(|value| value.is_finite()) {
            return Err("some of its numbers are infinite or none at all".to_owned());
        }
        Ok(Self { weight, bias })
    }

    /// The score of one photo, by the predictor's own scale from 1 to 10, which it can leave. Only the direction of `pooled`
    /// counts, not its length.
    pub(super) fn score(&self, pooled: &[f32]) -> f64 {
        let length = dot_of(pooled, pooled).sqrt();
        self.bias + dot(&self.weight, pooled) / length
    }
}

fn dot(left: &[f64], right: &[f32]) -> f64 {
    left.iter().zip(right).map(|(left, &right)| left * f64::from(right)).sum()
}

fn dot_of(left: &[f32], right: &[f32]) -> f64 {
    left.iter().zip(right).map(|(&left, &right)| f64::from(left) * f64::from(right)).sum()
}

/// Tensors by their names.
type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

fn of_safetensors(path: &Path) -> Result<(Tensors, String), Error> {
    let mut shapes = checkpoint::shapes(path)?;
    shapes.retain(|name, _| place(name).is_some());
    within_bounds(shapes.iter().map(|(name, shape)| (name.as_str(), shape.as_slice())))
        .map_err(|reason| unusable(path, reason))?;
    let mut tensors = Tensors::new();
    let sha256 = checkpoint::read(path, &shapes, is_foreign, |name, numbers| {
        let shape = shapes.get(&name).cloned().unwrap_or_default();
        tensors.insert(name, (shape, numbers));
    })?;
    Ok((tensors, sha256))
}

/// The file may be of any layout that PyTorch writes: in that of the published head all tensors are views into one storage.
fn of_pytorch(path: &Path) -> Result<(Tensors, String), Error> {
    let Content { sha256, .. } = files::content(path, MOST_BYTES)?;
    let refused = |reason: String| unusable(path, format!("it cannot be read as a file of PyTorch: {reason}"));
    let mut views = PytorchReader::new(path).map_err(|error| refused(error.to_string()))?.into_tensors();
    if let Some(name) = views.keys().find(|name| place(name).is_none() && !is_foreign(name)) {
        return Err(unusable(path, format!("`{name}` is no part of a head that is known")));
    }
    views.retain(|name, _| place(name).is_some());
    within_bounds(views.iter().map(|(name, view)| (name.as_str(), view.shape())))
        .map_err(|reason| unusable(path, reason))?;
    let mut tensors = Tensors::new();
    for (name, view) in views {
        let bytes = view.read().map_err(|error| refused(error.to_string()))?;
        // The reader hands out bytes in the order of this machine.
        let numbers = match view.dtype() {
            DType::BF16 => bytes.as_chunks().0.iter().map(|&number| bf16::from_ne_bytes(number).to_f32()).collect(),
            DType::F16 => bytes.as_chunks().0.iter().map(|&number| f16::from_ne_bytes(number).to_f32()).collect(),
            DType::F32 => bytes.as_chunks().0.iter().map(|&number| f32::from_ne_bytes(number)).collect(),
            other => {
                return Err(unusable(
                    path,
                    format!("`{name}` is of the type {other:?}, and F32, F16 or BF16 is needed"),
                ));
            }
        };
        tensors.insert(name, (view.shape().to_vec(), numbers));
    }
    Ok((tensors, sha256))
}

/// Before a number is read: a few digits in a small file must not cost gigabytes.
fn within_bounds<'a>(shapes: impl Iterator<Item = (&'a str, &'a [usize])>) -> Result<(), String> {
    let mut count = 0;
    for (name, shape) in shapes {
        count += 1;
        if shape.iter().any(|&side| side == 0 || side > MOST_OUTPUTS) || !matches!(shape.len(), 1 | 2) {
            return Err(format!(
                "`{name}` has the shape {shape:?}, and one or two sides from 1 to {MOST_OUTPUTS} are known"
            ));
        }
    }
    match count {
        0 => {
            Err("it has no tensor `scoring_head.0.weight`: is it the head of the aesthetic predictor v2.5?".to_owned())
        }
        _ if count > 2 * MOST_LAYERS => Err(format!("it has {count} tensors, more than {}", 2 * MOST_LAYERS)),
        _ => Ok(()),
    }
}

/// Which layer a tensor is of, and whether it is its bias. Between the layers lie dropouts, which count.
fn place(name: &str) -> Option<(usize, bool)> {
    let name = name.strip_prefix("layers.").unwrap_or(name);
    let (number, part) = name.strip_prefix("scoring_head.")?.split_once('.')?;
    match part {
        "weight" => Some((number.parse().ok()?, false)),
        "bias" => Some((number.parse().ok()?, true)),
        _ => None,
    }
}

/// The predictor may be saved with its encoder in one file.
fn is_foreign(name: &str) -> bool {
    !name.contains("scoring_head.")
}

/// The layers in their order, each whole.
fn layers_of(tensors: Tensors) -> Result<Vec<Layer>, String> {
    let mut layers = BTreeMap::<usize, Layer>::new();
    for (name, (shape, numbers)) in tensors {
        let Some((number, is_bias)) = place(&name) else { continue };
        let layer = layers.entry(number).or_default();
        match (is_bias, &shape[..]) {
            (true, [_]) => layer.bias = numbers,
            (false, &[outputs, inputs]) => (layer.outputs, layer.inputs, layer.weight) = (outputs, inputs, numbers),
            _ => return Err(format!("`{name}` has the shape {shape:?}, and one side less or more is needed")),
        }
    }
    for (number, layer) in &layers {
        if layer.weight.is_empty() || layer.bias.len() != layer.outputs {
            return Err(format!(
                "`scoring_head.{number}` has {} rows of weights and {} biases, and both have to be there, as many of them",
                layer.outputs,
                layer.bias.len()
            ));
        }
    }
    Ok(layers.into_values().collect())
}
