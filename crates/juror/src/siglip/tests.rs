//! Tower and head beside what `transformers` and PyTorch make of the same numbers: `tests/golden/siglip.py`.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use dodge_imaging::Photo;
use serde::Deserialize;

use super::configuration::Configuration;
use super::head::Head;
use super::pixels::patches;
use super::tower::Tower;

#[derive(Deserialize)]
struct Expected {
    pooler_output: Vec<f32>,
    score: f64,
    /// The layers of the head as one.
    weight: Vec<f64>,
    bias: f64,
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/siglip").join(name)
}

fn expected() -> Expected {
    serde_json::from_slice(&std::fs::read(golden("expected.json")).unwrap()).unwrap()
}

fn tower() -> Tower {
    let (configuration, _) = Configuration::read(&golden("config.json")).unwrap();
    Tower::read(&golden("model.safetensors"), configuration, &Device::flex()).unwrap().0
}

fn photo(name: &str) -> Photo {
    Photo::open(&golden(name)).unwrap()
}

#[test]
fn the_tower_sees_what_that_of_transformers_sees() {
    let (tower, expected) = (tower(), expected().pooler_output);
    let got = tower.pooled(patches(&photo("resized.png"), tower.configuration())).unwrap();
    assert_eq!(got.len(), expected.len());
    let error = got.iter().zip(&expected).map(|(got, expected)| (got - expected).abs()).fold(0.0, f32::max);
    assert!(error <= 1e-4, "{error}: {got:?}, not {expected:?}");
}

#[test]
fn photos_of_a_batch_do_not_mix() {
    let tower = tower();
    let resized = photo("resized.png");
    let other = Photo::from_fn(31, 31, |x, y| [(8 * x) as u8, (7 * y) as u8, 99]).unwrap();
    let of = |photo: &Photo| patches(photo, tower.configuration());
    let together = tower.pooled([of(&resized), of(&other)].concat()).unwrap();
    let apart = [tower.pooled(of(&resized)).unwrap(), tower.pooled(of(&other)).unwrap()].concat();
    assert!(together.iter().zip(&apart).all(|(one, other)| (one - other).abs() < 1e-4), "{together:?}, {apart:?}");
    assert!((apart[0] - apart[24]).abs() > 1e-2, "both photos look the same");
}

/// The weights of the filter are rounded to other fractions.
#[test]
fn photos_are_squeezed_as_pillow_does_it() {
    let configuration = tower().configuration().clone();
    let (ours, pillows) =
        (patches(&photo("photo.png"), &configuration), patches(&photo("resized.png"), &configuration));
    let level = 2.0 / 255.0;
    let differences = ours.iter().zip(&pillows).map(|(ours, pillows)| (ours - pillows).abs() / level);
    let largest = differences.clone().fold(0.0, f32::max);
    let differing = differences.filter(|&difference| difference > 0.01).count();
    assert!(largest < 1.01 && 20 * differing < ours.len(), "{differing} of {} differ, by {largest}", ours.len());
}

#[test]
fn the_first_patch_is_the_corner_channel_by_channel() {
    let configuration = tower().configuration().clone();
    let photo = Photo::from_fn(31, 31, |x, y| [x as u8, y as u8, 255]).unwrap();
    let patches = patches(&photo, &configuration);
    assert_eq!(patches.len(), 16 * 3 * 49);
    let value = |level: f32| (level / 255.0 - 0.5) / 0.5;
    assert_eq!(patches[..8], [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 0.0].map(value), "red grows along a row");
    assert_eq!(patches[49..58], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0].map(value), "green from row to row");
    assert_eq!(patches[98], 1.0, "blue is full");
    let last_row = &patches[12 * 147..];
    assert_eq!(
        (last_row[0], last_row[49]),
        (value(0.0), value(21.0)),
        "the thirteenth begins at the left, 21 pixels down"
    );
}

#[test]
fn a_head_of_pytorch_is_folded_to_what_its_layers_make() {
    let expected = expected();
    let (head, _) = Head::read(&golden("aesthetic_predictor_v2_5.pth"), expected.weight.len()).unwrap();
    // A photo that looks along an axis shows the weight of that axis; two opposite ones show the bias.
    let along = |axis: usize, length: f32| {
        let mut pooled = vec![0.0; expected.weight.len()];
        pooled[axis] = length;
        head.score(&pooled)
    };
    for (axis, weight) in expected.weight.iter().enumerate() {
        let (there, back) = (along(axis, 1.0), along(axis, -1.0));
        assert!((f64::midpoint(there, back) - expected.bias).abs() < 1e-9, "{axis}");
        assert!(((there - back) / 2.0 - weight).abs() < 1e-9, "{axis}");
        assert!((along(axis, 300.0) - there).abs() < 1e-9, "only the direction counts");
    }
    assert!((head.score(&expected.pooler_output) - expected.score).abs() < 1e-5);
}
