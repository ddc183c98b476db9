//! Weighted sums of rows.

/// `target[i] = sum over distances of weight * (source(-distance)[i] + source(distance)[i])`, the weights being those of
/// [`gaussian_weights`](crate::kernels::gaussian::gaussian_weights): that of distance 0 counts twice.
#[inline(always)]
pub(super) fn weighted_sum<'a>(target: &mut [f32], weights: &[f32], source: impl Fn(isize) -> &'a [f32]) {
    // A piece stays in registers and the nearest cache while all weights come by.
    for (place, target) in target.chunks_mut(PIECE).enumerate() {
        let part = place * PIECE..place * PIECE + target.len();
        for (value, &centre) in target.iter_mut().zip(&source(0)[part.clone()]) {
            *value = weights[0] * (centre + centre);
        }
        for (distance, &weight) in (1..).zip(&weights[1..]) {
            let (before, after) = (&source(-distance)[part.clone()], &source(distance)[part.clone()]);
            for ((value, &before), &after) in target.iter_mut().zip(before).zip(after) {
                *value += weight * (before + after);
            }
        }
    }
}

/// Values that are summed together.
const PIECE: usize = 256;
