//! How far one photo is from another.

mod delta_e;
mod structural;

pub use delta_e::{delta_e_2000, mean_delta_e_2000};
pub use structural::ssim;

use crate::{Error, Photo};

/// Largest peak signal-to-noise ratio reported, so that equal photos have a finite one, in decibels.
pub const PSNR_CAP_DB: f64 = 60.0;

/// Root of the mean squared difference over all pixels and channels, in units of the full range: 0 for equal photos,
/// 1 for black against white.
///
/// # Errors
/// [`Error::SizeMismatch`] when the sizes differ.
pub fn rmse(a: &Photo, b: &Photo) -> Result<f64, Error> {
    check_sizes(a, b)?;
    // Chunks of 4096 keep the 32-bit sums exact (4096 * 255^2 < 2^32) and let the compiler vectorise.
    let total: u64 = a
        .pixels()
        .chunks(4096)
        .zip(b.pixels().chunks(4096))
        .map(|(a, b)| {
            let squares = a.iter().zip(b).map(|(&a, &b)| {
                let difference = i32::from(a) - i32::from(b);
                (difference * difference) as u32
            });
            u64::from(squares.sum::<u32>())
        })
        .sum();
    Ok((total as f64 / a.pixels().len() as f64).sqrt() / 255.0)
}

fn check_sizes(a: &Photo, b: &Photo) -> Result<(), Error> {
    let (expected, got) = ((a.width(), a.height()), (b.width(), b.height()));
    if expected == got { Ok(()) } else { Err(Error::SizeMismatch { expected, got }) }
}

/// Peak signal-to-noise ratio in decibels, at most [`PSNR_CAP_DB`]; higher is more alike.
///
/// # Errors
/// [`Error::SizeMismatch`] when the sizes differ.
pub fn psnr_db(a: &Photo, b: &Photo) -> Result<f64, Error> {
    let error = rmse(a, b)?;
    Ok(if error == 0.0 { PSNR_CAP_DB } else { (-20.0 * error.log10()).min(PSNR_CAP_DB) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(value: u8) -> Photo {
        Photo::from_fn(50, 40, |_, _| [value; 3]).unwrap()
    }

    #[test]
    fn known_distances() {
        assert_eq!(rmse(&flat(0), &flat(255)).unwrap(), 1.0);
        assert_eq!(psnr_db(&flat(0), &flat(255)).unwrap(), 0.0);
        assert_eq!(psnr_db(&flat(9), &flat(9)).unwrap(), PSNR_CAP_DB);
        // 20 levels of 255: 20 log10(255 / 20) = 22.11 dB.
        assert!((psnr_db(&flat(100), &flat(120)).unwrap() - 22.11).abs() < 0.01);
    }

    #[test]
    fn different_sizes_are_refused() {
        let small = Photo::from_fn(3, 3, |_, _| [0; 3]).unwrap();
        assert_eq!(
            psnr_db(&flat(0), &small).unwrap_err().to_string(),
            "photos differ in size: expected 50x40, got 3x3"
        );
    }
}
