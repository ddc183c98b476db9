//! Rows divided among threads.

use rayon::prelude::*;

use super::{Shape, Stage};
use crate::kernels::vectorized;
use crate::{Photo, Sample};

/// Values of a strip: they stay in the cache that a core has for itself.
const STRIP: usize = 96 * 1024;

/// Rows whose sums are taken together. The number of threads must not change a sum.
const SUMMED: usize = 16;

/// Fewest values that a thread is given.
const PART: usize = 1 << 18;

/// Rows of a strip.
fn strip(shape: Shape) -> usize {
    (STRIP / shape.stride()).clamp(1, 32)
}

/// Rows of the part of a thread, a multiple of [`SUMMED`].
fn part(shape: Shape) -> usize {
    let threads = rayon::current_num_threads();
    // Parts of their own size where nothing is computed twice at their borders, so that no thread waits for another.
    let parts = if threads > 1 && shape.held == 0 { 4 * threads } else { threads };
    let rows = shape.height.div_ceil(parts).max(PART.div_ceil(shape.stride()));
    rows.next_multiple_of(SUMMED)
}

/// All rows as a photo.
pub(super) fn collected<T: Sample>(rows: &Stage<'_>) -> Photo<T> {
    collected_in(rows, part(rows.shape()), strip(rows.shape()))
}

/// All rows as a photo whose values are not those of sRGB: `write` makes values of levels.
pub(super) fn collected_by<T: Sample>(rows: &Stage<'_>, write: impl Fn(&[f32], &mut [T]) + Sync) -> Photo<T> {
    collected_with(rows, part(rows.shape()), strip(rows.shape()), write)
}

/// The same as [`collected`] in parts and strips of so many rows.
pub(super) fn collected_in<T: Sample>(rows: &Stage<'_>, part: usize, strip: usize) -> Photo<T> {
    collected_with(rows, part, strip, |levels, values| {
        vectorized(
            #[inline(always)]
            || values.iter_mut().zip(levels).for_each(|(value, level)| *value = T::from_level(*level)),
        );
    })
}

fn collected_with<T: Sample>(
    rows: &Stage<'_>,
    part: usize,
    strip: usize,
    write: impl Fn(&[f32], &mut [T]) + Sync,
) -> Photo<T> {
    let shape = rows.shape();
    let mut pixels = vec![T::default(); shape.stride() * shape.height];
    each_part(rows, part, &mut pixels, |rows, first, pixels| {
        let mut levels = vec![0.0; shape.stride() * strip];
        for (values, first) in pixels.chunks_mut(levels.len()).zip((first..).step_by(strip)) {
            let levels = &mut levels[..values.len()];
            rows.read(first, levels);
            write(levels, values);
        }
    });
    Photo::new(shape.width as u32, shape.height as u32, pixels).expect("the rows are those of a photo")
}

/// All levels.
pub(super) fn kept(rows: &Stage<'_>) -> Vec<f32> {
    let shape = rows.shape();
    let mut levels = vec![0.0; shape.stride() * shape.height];
    each_part(rows, part(shape), &mut levels, |rows, first, levels| {
        let strips = levels.chunks_mut(shape.stride() * strip(shape));
        strips.zip((first..).step_by(strip(shape))).for_each(|(levels, first)| rows.read(first, levels));
    });
    levels
}

/// Hands the parts of `target` to threads, each with its first row.
fn each_part<'a, T: Send>(
    rows: &Stage<'a>,
    part: usize,
    target: &mut [T],
    work: impl Fn(&mut Stage<'a>, usize, &mut [T]) + Sync,
) {
    let parts = target.chunks_mut(part * rows.shape().stride()).zip((0..).step_by(part));
    let mut parts: Vec<_> = parts.map(|(target, first)| (rows.clone(), first, target)).collect();
    match &mut parts[..] {
        [(rows, first, target)] => work(rows, *first, target),
        _ => parts.into_par_iter().for_each(|(mut rows, first, target)| work(&mut rows, first, target)),
    }
}

/// What each part makes of its rows, from top to bottom: `work` gets the index of a row and the row.
pub(super) fn gathered<'a, R: Send>(
    rows: &Stage<'a>,
    start: impl Fn() -> R + Sync,
    work: impl Fn(&mut R, usize, &[f32]) + Sync,
) -> Vec<R> {
    let (shape, part) = (rows.shape(), part(rows.shape()));
    let parts: Vec<_> = (0..shape.height).step_by(part).map(|first| (rows.clone(), first)).collect();
    let gather = |(mut rows, first): (Stage<'a>, usize)| {
        let mut result = start();
        let mut levels = vec![0.0; shape.stride() * strip(shape)];
        let end = (first + part).min(shape.height);
        for first in (first..end).step_by(strip(shape)) {
            let levels = &mut levels[..shape.stride() * strip(shape).min(end - first)];
            rows.read(first, levels);
            (first..).zip(levels.chunks_exact(shape.stride())).for_each(|(y, row)| work(&mut result, y, row));
        }
        result
    };
    if parts.len() == 1 {
        return parts.into_iter().map(gather).collect();
    }
    parts.into_par_iter().map(gather).collect()
}

/// Sums over all rows, the same for any number of threads.
pub(super) fn summed<const N: usize>(rows: &Stage<'_>, of: impl Fn(&[f32]) -> [f64; N] + Sync) -> [f64; N] {
    let add = |sums: &mut [f64; N], more: [f64; N]| sums.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
    let parts = gathered(rows, Vec::new, |sums: &mut Vec<[f64; N]>, y, row| match sums.last_mut() {
        Some(last) if !y.is_multiple_of(SUMMED) => add(last, of(row)),
        _ => sums.push(of(row)),
    });
    let mut total = [0.0; N];
    parts.into_iter().flatten().for_each(|sums| add(&mut total, sums));
    total
}
