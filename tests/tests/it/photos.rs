//! Photographs to work on.

use std::fs;
use std::path::Path;
use std::time::UNIX_EPOCH;

use dodge_imaging::{Encoding, Operation, Photo};
use dodge_tests::{SMALL_TRAINING, Scratch, program, workspace};
use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder};

/// A synthetic photo, 72x48 pixels.
pub(crate) fn scene(index: u64) -> Photo {
    dodge_data::synthetic::photo(7, index, 72, 48)
}

/// The photo as if taken much too dark, which every agent of [`retouching_model`] does something about.
pub(crate) fn dark(photo: &Photo) -> Photo {
    Photo::from_fn(photo.width(), photo.height(), |x, y| photo.pixel(x, y).map(|value| value / 3)).unwrap()
}

/// The photo with half of its contrast, which the model in the box does something about.
pub(crate) fn faded(photo: &Photo) -> Photo {
    "contrast:0.5".parse::<Operation>().unwrap().apply(photo)
}

/// Writes synthetic photos into a new folder.
pub(crate) fn folder_of_photos(folder: &Path, count: u64) {
    fs::create_dir_all(folder).unwrap();
    for index in 0..count {
        scene(index).save(&folder.join(format!("photo-{index}.png"))).unwrap();
    }
}

/// A JPEG with an EXIF block that holds nothing but the orientation.
pub(crate) fn jpeg_with_orientation(photo: &Photo, orientation: u8) -> Vec<u8> {
    let plain = photo.encode(Encoding::Jpeg { quality: 95 }).unwrap();
    let mut exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
    let length = (exif.len() + 2) as u16;
    [&plain[..2], &[0xff, 0xe1], &length.to_be_bytes(), &exif, &plain[2..]].concat()
}

/// A JPEG of one channel, 32x16 pixels, that gets brighter from left to right.
pub(crate) fn grey_jpeg() -> Vec<u8> {
    let mut bytes = Vec::new();
    let grey: Vec<u8> = (0..32 * 16).map(|index| (index % 32 * 8) as u8).collect();
    JpegEncoder::new_with_quality(&mut bytes, 95).write_image(&grey, 32, 16, ExtendedColorType::L8).unwrap();
    bytes
}

/// A CMYK JPEG, 16x16 pixels of red.
pub(crate) fn cmyk_jpeg() -> Vec<u8> {
    fs::read(workspace().join("crates/imaging/tests/it/cmyk-red.jpg")).unwrap()
}

/// Puts a model that does edit photos into the scratch folder and returns its path there. Few, strong edits are learnt fast; all the same the first
/// test that asks after the program was built trains it for the others.
pub(crate) fn retouching_model(scratch: &Scratch) -> String {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("retouching-model");
    fs::create_dir_all(&place).unwrap();
    let lock = fs::File::create(place.join("lock")).unwrap();
    lock.lock().unwrap();
    let built = fs::metadata(program()).unwrap().modified().unwrap().duration_since(UNIX_EPOCH).unwrap();
    let trained = place.join(format!("{}.safetensors", built.as_nanos()));
    if !trained.exists() {
        for old in fs::read_dir(&place).unwrap().map(|entry| entry.unwrap().path()) {
            if old.extension().is_some() {
                fs::remove_file(old).unwrap();
            }
        }
        train(&trained);
    }
    let model = Path::new("trained").join("model.safetensors");
    fs::create_dir(scratch.path("trained")).unwrap();
    fs::copy(trained, scratch.path(&model)).unwrap();
    model.to_str().unwrap().to_owned()
}

/// Trains that model and leaves it in a file.
fn train(file: &Path) {
    let scratch = Scratch::new();
    let arguments = [
        "--set=environment.actions=[\"lightness:30\", \"gamma:1.419\", \"contrast:1.35\"]",
        "--set=ppo.learning_rate=0.003",
        "--set=degrade.undamaged_share=0.0",
        "--steps=4000",
        "--seed=1",
        "--tracking-uri=off",
        "--out=trained",
        "--json",
    ];
    let report = scratch.dodge(&[SMALL_TRAINING, &arguments].concat()).succeeded().json();
    let model = report["model"].as_str().unwrap();
    assert_eq!(model, Path::new("trained").join("model.safetensors").to_str().unwrap());
    let whole = file.with_extension("part");
    fs::copy(scratch.path(model), &whole).unwrap();
    fs::rename(whole, file).unwrap();
}
