//! Sizes, outputs and gradients of the encoders.

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::nn::optimizer::{Adam, Gradient};
use crate::nn::rows::to_vec;

const PICTURE: Picture = Picture { channels: 3, height: 48, width: 48 };
const WITH_PICTURES: [Encoder; 4] = [Encoder::Patch, Encoder::NatureCnn, Encoder::Resnet18, Encoder::Resnet50];

fn params(encoder: Encoder) -> NetworkParams {
    NetworkParams { encoder, picture_size: 48, ..NetworkParams::default() }
}

fn fresh(params: &NetworkParams, device: &Device) -> PictureEncoder {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    PictureEncoder::new(params, Some(PICTURE), &mut rng, device).unwrap().unwrap()
}

/// The number at position `i` is a hash of `i` and the seed, spread from `low` to `high`, as in tests/golden/resnet.py.
fn values(seed: u64, count: usize, low: f32, high: f32) -> Vec<f32> {
    let hash = |i: u64| {
        let hashed = (i * 2_654_435_761 + seed * 40_503) & 0xffff_ffff;
        let hashed = (hashed * 2_246_822_519 + 374_761_393) & 0xffff_ffff;
        low + (high - low) * ((hashed >> 8) as f32 / (1 << 24) as f32)
    };
    (0..count as u64).map(hash).collect()
}

fn pictures(count: usize, side: usize, device: &Device) -> Tensor<4> {
    let shape = [count, 3, side, side];
    Tensor::from_data(TensorData::new(values(1000, shape.iter().product(), 0.0, 1.0), shape), device)
}

#[test]
fn encoders_are_as_large_as_they_say() {
    let device = Device::flex();
    for encoder in WITH_PICTURES {
        let size = PictureEncoder::size(encoder, Some(PICTURE)).unwrap();
        let network = fresh(&params(encoder), &device);
        assert_eq!(network.num_params(), size.numbers, "{encoder:?}");
        assert_eq!(network.forward(pictures(2, 48, &device)).dims(), [2, size.features], "{encoder:?}");
    }
    assert_eq!(PictureEncoder::size(Encoder::Stats, None).unwrap(), EncoderSize::default());
}

#[test]
fn an_encoder_without_its_picture_is_refused() {
    let message = |encoder, picture| PictureEncoder::size(encoder, picture).unwrap_err().to_string();
    assert!(message(Encoder::NatureCnn, None).contains("needs an environment that shows pictures"));
    let small = Some(Picture { channels: 3, height: 84, width: 30 });
    assert!(message(Encoder::NatureCnn, small).contains("36 pixels or more, and gets 30x84"));
    assert!(message(Encoder::Patch, small).contains("30x84 is no multiple"));
}

#[test]
fn a_step_against_the_gradient_changes_everything_but_what_is_frozen() {
    let device = Device::flex().autodiff();
    for (encoder, frozen) in
        [(Encoder::Patch, false), (Encoder::NatureCnn, false), (Encoder::Resnet18, false), (Encoder::Resnet18, true)]
    {
        let network = fresh(&NetworkParams { frozen, ..params(encoder) }, &device);
        let loss = |network: &PictureEncoder| (network.forward(pictures(2, 48, &device)) - 1.0).square().mean();
        let gradient = if frozen {
            Gradient::of(&(pictures(1, 48, &device).require_grad().mean()), &network)
        } else {
            Gradient::of(&loss(&network), &network)
        };
        let moved = Adam::new(1e-8).step(network.clone(), &gradient, 1.0, 1e-4);
        let (before, after) = (to_vec(loss(&network))[0], to_vec(loss(&moved))[0]);
        if frozen {
            assert_eq!((before, gradient.squared_norm()), (after, 0.0));
            assert!(!network.forward(pictures(1, 48, &device)).is_require_grad());
        } else {
            assert!(after < before, "{encoder:?}: {before} to {after}");
        }
    }
}

/// Writes a file with torchvision's names whose numbers a formula gives, the last layer and the counters of batches included.
fn write_weights(path: &std::path::Path, depth: Depth) {
    let mut shapes = Vec::new();
    let normal = |name: &str, channels: usize| {
        ["weight", "bias", "running_mean", "running_var"].map(|part| (format!("{name}.{part}"), vec![channels]))
    };
    let kernels = |shape: convolution::ConvolutionShape| vec![shape.outputs, shape.inputs, shape.kernel, shape.kernel];
    shapes.push(("conv1.weight".to_owned(), vec![64, 3, 7, 7]));
    shapes.extend(normal("bn1", 64));
    let (mut index, mut last) = (0, 0);
    depth.for_each_block(|layer, path, shortcut| {
        index = if layer == last { index } else { 0 };
        last = layer;
        let block = format!("layer{}.{index}", layer + 1);
        for (number, shape) in path.into_iter().enumerate() {
            shapes.push((format!("{block}.conv{}.weight", number + 1), kernels(shape)));
            shapes.extend(normal(&format!("{block}.bn{}", number + 1), shape.outputs));
        }
        if let Some(shape) = shortcut {
            shapes.push((format!("{block}.downsample.0.weight"), kernels(shape)));
            shapes.extend(normal(&format!("{block}.downsample.1"), shape.outputs));
        }
        index += 1;
    });
    shapes.sort();
    let tensors: Vec<(String, Vec<usize>, Vec<u8>)> = shapes
        .into_iter()
        .enumerate()
        .map(|(seed, (name, shape))| {
            let bound = (6.0 / shape[1..].iter().product::<usize>() as f64).sqrt() as f32;
            let (low, high) = match &shape[..] {
                [_] if name.ends_with("running_var") => (0.5, 1.5),
                [_] => (-0.2, 0.4),
                _ => (-bound, bound),
            };
            let numbers = values(seed as u64, shape.iter().product(), low, high);
            (name, shape, numbers.iter().flat_map(|number| number.to_le_bytes()).collect())
        })
        .chain([("fc.bias".to_owned(), vec![2], vec![0; 8])])
        .collect();
    let views = tensors.iter().map(|(name, shape, bytes)| {
        (name.clone(), safetensors::tensor::TensorView::new(safetensors::Dtype::F32, shape.clone(), bytes).unwrap())
    });
    std::fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

/// What tests/golden/resnet.py printed with torch 2.15 and torchvision 0.29.
#[test]
fn residual_networks_with_weights_of_a_file_are_those_of_torchvision() {
    let device = Device::flex();
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("weights.safetensors");
    let golden: [(Depth, Encoder, [f32; 6], f32); 2] = [
        (Depth::Eighteen, Encoder::Resnet18, [0.0169203, 0.111702, 0.779714, 0.362958, 0.0113791, 0.300574], 0.404387),
        (Depth::Fifty, Encoder::Resnet50, [2.27703, 0.723441, 0.247185, 0.299841, 0.323581, 1.65469], 0.943781),
    ];
    for (depth, encoder, expected, mean) in golden {
        write_weights(&path, depth);
        let weights = Some(path.clone());
        let network = fresh(&NetworkParams { weights, frozen: true, ..params(encoder) }, &device);
        let features = to_vec(network.forward(pictures(2, 40, &device)));
        let (second, all) = (&features[features.len() / 2..], features.iter().sum::<f32>() / features.len() as f32);
        for (got, expected) in second.iter().zip(expected) {
            assert!(
                (got - expected).abs() < 1e-3 * expected.abs().max(mean),
                "{encoder:?}: {got} instead of {expected}"
            );
        }
        assert!((all - mean).abs() < 1e-3 * mean, "{encoder:?}: {all} instead of {mean}");
    }
}

#[test]
fn weights_that_do_not_fit_are_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let message = |name: &str| {
        let path = scratch.path().join(name);
        let params = NetworkParams { weights: Some(path.clone()), ..params(Encoder::Resnet50) };
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        PictureEncoder::new(&params, Some(PICTURE), &mut rng, &Device::flex()).unwrap_err().to_string()
    };
    write_weights(&scratch.path().join("small.safetensors"), Depth::Eighteen);
    let small = message("small.safetensors");
    assert!(small.contains("has 23 tensors that do not fit") && small.len() < 300, "{small}");
    std::fs::write(scratch.path().join("text.safetensors"), "hello").unwrap();
    std::fs::write(scratch.path().join("text.pth"), "hello").unwrap();
    for name in ["text.safetensors", "text.pth", "missing.pth", "weights.onnx"] {
        let message = message(name);
        assert!(message.starts_with("network.weights: ") && message.contains(name), "{message}");
    }
}
