//! Statistics of synthetic photos. The bounds lie around those of 400 photographs of BSDS500, whose values are in the
//! comments as mean (standard deviation over photos).

use dodge_data::{DataParams, synthetic};
use dodge_hparams::HParams;
use dodge_imaging::Photo;
use rayon::prelude::*;

const COUNT: u64 = 64;
const SEED: u64 = 11;

#[derive(Debug)]
struct Figures {
    mean: f64,
    spread: f64,
    red_minus_blue: f64,
    chroma: f64,
    clipped: f64,
    slope: f64,
}

fn photos() -> Vec<Photo> {
    let make = |index| {
        let (width, height) = synthetic::frame(SEED, index, 192);
        synthetic::photo(SEED, index, width, height)
    };
    (0..COUNT).into_par_iter().map(make).collect()
}

fn figures(photo: &Photo) -> Figures {
    let pixels: Vec<[f64; 3]> =
        photo.pixels().chunks_exact(3).map(|p| [p[0], p[1], p[2]].map(|c| f64::from(c) / 255.0)).collect();
    let count = pixels.len() as f64;
    let lumas: Vec<f64> = pixels.iter().map(|p| 0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2]).collect();
    let mean = lumas.iter().sum::<f64>() / count;
    let clipped = pixels.iter().flatten().filter(|c| **c == 0.0 || **c == 1.0).count() as f64 / (3.0 * count);
    let range = |p: &[f64; 3]| p[0].max(p[1]).max(p[2]) - p[0].min(p[1]).min(p[2]);
    Figures {
        mean,
        spread: (lumas.iter().map(|l| (l - mean) * (l - mean)).sum::<f64>() / count).sqrt(),
        red_minus_blue: pixels.iter().map(|p| p[0] - p[2]).sum::<f64>() / count,
        chroma: pixels.iter().map(range).sum::<f64>() / count,
        clipped,
        slope: slope(&lumas, photo.width() as usize),
    }
}

/// Slope of log amplitude over log frequency, averaged over windowed stretches of rows. A
/// picture whose two-dimensional amplitude falls as 1/f has -0.5: a row sums over all frequencies across it.
fn slope(lumas: &[f64], width: usize) -> f64 {
    const N: usize = 128;
    let frequencies: Vec<usize> = vec![2, 3, 4, 6, 8, 12, 16, 24, 32, 48];
    let tau = std::f64::consts::TAU;
    let mut energy = vec![1e-12; frequencies.len()];
    for row in lumas.chunks_exact(width).step_by(5) {
        let part = &row[(width - N) / 2..][..N];
        let mean = part.iter().sum::<f64>() / N as f64;
        for (slot, &k) in energy.iter_mut().zip(&frequencies) {
            let (mut re, mut im) = (0.0, 0.0);
            for (i, value) in part.iter().enumerate() {
                let window = 0.5 - 0.5 * (tau * i as f64 / N as f64).cos();
                let angle = tau * (k * i) as f64 / N as f64;
                re += window * (value - mean) * angle.cos();
                im += window * (value - mean) * angle.sin();
            }
            *slot += re * re + im * im;
        }
    }
    let points: Vec<(f64, f64)> =
        frequencies.iter().zip(&energy).map(|(k, e)| ((*k as f64).ln(), 0.5 * e.ln())).collect();
    let n = points.len() as f64;
    let (mx, my) = (points.iter().map(|p| p.0).sum::<f64>() / n, points.iter().map(|p| p.1).sum::<f64>() / n);
    let covariance: f64 = points.iter().map(|p| (p.0 - mx) * (p.1 - my)).sum();
    covariance / points.iter().map(|p| (p.0 - mx) * (p.0 - mx)).sum::<f64>()
}

fn mean_sd(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let count = values.clone().count() as f64;
    let mean = values.clone().sum::<f64>() / count;
    (mean, (values.map(|v| (v - mean) * (v - mean)).sum::<f64>() / count).sqrt())
}

#[track_caller]
fn check(what: &str, value: f64, low: f64, high: f64) {
    assert!((low..=high).contains(&value), "{what}: {value:.4} is not in {low}..={high}");
}

#[test]
fn statistics_are_photographic() {
    let all: Vec<Figures> = photos().par_iter().map(figures).collect();
    let of = |f: fn(&Figures) -> f64| mean_sd(all.iter().map(f));
    // Luma: 0.43 (0.11); its deviation inside of a photo: 0.19 (0.06).
    check("luma", of(|f| f.mean).0, 0.38, 0.50);
    check("variety of luma", of(|f| f.mean).1, 0.06, 0.14);
    check("contrast", of(|f| f.spread).0, 0.15, 0.24);
    // Red minus blue: 0.07 (0.13).
    check("red minus blue", of(|f| f.red_minus_blue).0, -0.03, 0.12);
    check("variety of red minus blue", of(|f| f.red_minus_blue).1, 0.06, 0.18);
    // Largest minus smallest channel: 0.17 (0.08).
    check("chroma", of(|f| f.chroma).0, 0.12, 0.22);
    check("variety of chroma", of(|f| f.chroma).1, 0.03, 0.10);
    // Amplitude along rows: -0.75 (0.16).
    check("spectral slope", of(|f| f.slope).0, -0.85, -0.5);
    check("clipping", of(|f| f.clipped).0, 0.0, 0.02);
    for (index, f) in all.iter().enumerate() {
        let fine = (0.15..0.75).contains(&f.mean) && f.spread > 0.05 && f.clipped < 0.15 && f.chroma < 0.45;
        assert!(fine, "photo {index}: {f:?}");
    }
}

#[test]
fn photos_differ() {
    let thumbnails: Vec<Vec<u8>> = photos().iter().map(|p| p.thumbnail(8).into_pixels()).collect();
    for (i, a) in thumbnails.iter().enumerate() {
        for (j, b) in thumbnails[..i].iter().enumerate().filter(|(_, b)| b.len() == a.len()) {
            let difference: u32 = a.iter().zip(b).map(|(x, y)| u32::from(x.abs_diff(*y))).sum();
            assert!(difference / a.len() as u32 >= 4, "photos {i} and {j} are nearly the same");
        }
    }
}

#[test]
fn a_photo_depends_on_seed_and_index_only() {
    let first = synthetic::photo(1, 2, 60, 40);
    assert_eq!(first, synthetic::photo(1, 2, 60, 40));
    assert_ne!(first, synthetic::photo(1, 3, 60, 40));
    assert_ne!(first, synthetic::photo(2, 2, 60, 40));
    let elsewhere = std::thread::spawn(|| synthetic::photo(1, 2, 60, 40)).join().unwrap();
    assert_eq!(first, elsewhere);
}

#[test]
fn a_larger_photo_shows_the_same_scene() {
    for index in 0..8 {
        let small = synthetic::photo(3, index, 96, 64);
        let large = synthetic::photo(3, index, 192, 128).thumbnail(96);
        assert!(dodge_imaging::psnr_db(&small, &large).unwrap() > 17.0, "photo {index}");
    }
}

#[test]
fn frames_are_landscape_and_upright() {
    let frames: Vec<(u32, u32)> = (0..300).map(|i| synthetic::frame(SEED, i, 384)).collect();
    assert!(frames.iter().all(|f| *f == (384, 256) || *f == (256, 384)));
    let landscape = frames.iter().filter(|f| f.0 > f.1).count();
    assert!((160..240).contains(&landscape), "{landscape}");
}

#[test]
#[should_panic(expected = "has no content")]
fn an_empty_photo_is_a_mistake_of_the_caller() {
    let _ = synthetic::photo(1, 1, 0, 10);
}

/// FNV-1a over the bytes of eight small pictures.
fn hash(picture: impl Fn(u64) -> Photo) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for index in 0..8 {
        for byte in picture(index).pixels() {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    hash
}

#[test]
fn the_series_is_fixed() {
    // When this fails on purpose, raise SYNTHETIC_VERSION with it.
    let found = (synthetic::SYNTHETIC_VERSION, hash(|index| synthetic::photo(1, index, 36, 24)));
    assert_eq!(found, (1, 17_546_902_672_406_647_268));
}

#[test]
fn dead_leaves_are_fixed_too_and_of_any_shape() {
    let found = (synthetic::SYNTHETIC_VERSION, hash(|index| synthetic::dead_leaves(1, index, 36, 24)));
    assert_eq!(found, (1, 15_803_361_628_021_251_077));
    for (width, height) in [(1, 1), (3, 40), (40, 3)] {
        let picture = synthetic::dead_leaves(1, 1, width, height);
        assert_eq!((picture.width(), picture.height()), (width, height));
    }
}

#[test]
fn dead_leaves_are_in_as_many_keys_as_photographs() {
    // Of 400 photographs of BSDS500: mean luma 0.43, which differs by 0.11 among them.
    let means: Vec<f64> = (0..200)
        .map(|index| {
            let picture = synthetic::dead_leaves(5, index, 48, 32);
            let luma = |p: &[u8]| 0.299 * f64::from(p[0]) + 0.587 * f64::from(p[1]) + 0.114 * f64::from(p[2]);
            picture.pixels().chunks_exact(3).map(luma).sum::<f64>() / (48.0 * 32.0 * 255.0)
        })
        .collect();
    let mean = means.iter().sum::<f64>() / 200.0;
    let deviation = (means.iter().map(|m| (m - mean).powi(2)).sum::<f64>() / 200.0).sqrt();
    assert!((mean - 0.43).abs() < 0.04 && (deviation - 0.11).abs() < 0.03, "{mean} {deviation}");
}

#[test]
fn defaults_are_valid() {
    let params = DataParams::default();
    params.validate().unwrap();
    assert_eq!((params.synthetic_photos, params.synthetic_size), (160, 384));
}
