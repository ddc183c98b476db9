//! White balance and tone from statistics of all rows.

use super::Stage;
use super::parallel::{gathered, summed};
use super::tone::Toned;
use crate::OperationKind;
use crate::kernels::{balance, round};
use crate::lab::luma_of_levels;

/// Rows after an operation that looks at the whole photo first.
pub(super) fn stage(rows: Stage<'_>, kind: OperationKind, strength: f32) -> Stage<'_> {
    match kind {
        OperationKind::GreyWorld => {
            let gains = balance::gains(means(&rows, |level| level).map(|mean| mean as f32), strength);
            Box::new(Toned::looking(rows, false, |level, channel| level * gains[channel]))
        }
        OperationKind::ShadesOfGrey => {
            let norms = means(&rows, |level| level.powi(balance::NORM)).map(|mean| balance::root(mean) as f32);
            let gains = balance::gains(norms, strength);
            Box::new(Toned::looking(rows, false, |level, channel| level * gains[channel]))
        }
        OperationKind::AutoContrast => match balance::stretch(&luma_histogram(&rows), strength) {
            Some((low, factor)) => Box::new(Toned::looking(rows, true, |level, _| (level - low) * factor)),
            None => rows,
        },
        OperationKind::AutoGamma => {
            let means = means(&rows, |level| level).map(|mean| mean as f32);
            match balance::gamma_exponent(means, strength) {
                Some(exponent) => {
                    let curve = |level: f32, _| 255.0 * (level / 255.0).powf(exponent);
                    Box::new(Toned::looking(rows, true, curve))
                }
                None => rows,
            }
        }
        kind => unreachable!("{kind:?} needs no statistics"),
    }
}

/// Mean of red, green and blue after `of`.
fn means(rows: &Stage<'_>, of: impl Fn(f64) -> f64 + Sync) -> [f64; 3] {
    let count = (rows.shape().width * rows.shape().height) as f64;
    let sums = summed(rows, |row| {
        let mut sums = [0.0_f64; 3];
        for pixel in row.as_chunks::<3>().0 {
            sums.iter_mut().zip(pixel).for_each(|(sum, &level)| *sum += of(f64::from(level)));
        }
        sums
    });
    sums.map(|sum| sum / count)
}

/// Number of pixels at each rounded luma.
fn luma_histogram(rows: &Stage<'_>) -> [u64; 256] {
    let parts = gathered(
        rows,
        || [0; 256],
        |histogram: &mut [u64; 256], _, row| {
            for pixel in row.as_chunks::<3>().0 {
                histogram[usize::from(round(luma_of_levels(*pixel)))] += 1;
            }
        },
    );
    std::array::from_fn(|level| parts.iter().map(|histogram| histogram[level]).sum())
}
