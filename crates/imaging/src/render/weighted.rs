//! Weighted sums of rows.

/// `target[i] = sum over distances of weight * (source(-distance)[i] + source(distance)[i])`, the weights being those of
/// [`gaussian_weights`](crate::kernels::gaussian::gaussian_weights): that of distance 0 counts twice.
#[inline(always)]
pub(super) fn weighted_sum<'a>(target: &mut [f32], weights: &[f32], source: impl Fn(isize) -> &'a [f32]) {
    for (value, &centre) in target.iter_mut().zip(source(0)) {
        *value = weights[0] * (centre + centre);
    }
    for (distance, &weight) in (1..).zip(&weights[1..]) {
        for ((value, &before), &after) in target.iter_mut().zip(source(-distance)).zip(source(distance)) {
            *value += weight * (before + after);
        }
    }
}
