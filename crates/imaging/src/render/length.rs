//! How lengths in pixels grow with the photo, and where that ends.

/// Furthest that the square of a mean reaches to each side, in pixels.
pub(super) const WIDEST_BOX: f32 = 2000.0;

/// Furthest that the square of a median reaches to each side, in pixels.
pub(super) const WIDEST_MEDIAN: f32 = 500.0;

/// Largest standard deviation of a blur, in pixels.
pub(super) const WIDEST_BLUR: f32 = 4000.0;

/// A length that was chosen on a photo `scale` times as small. It grows up to a quarter of the longer side, and never beyond `most`: what
/// is wider is hardly another picture. A length within its operation's range stays what it is where nothing grows.
pub(super) fn scaled(length: f32, scale: f32, longer_side: usize, most: f32) -> f32 {
    (length * scale).min(length.max(longer_side as f32 / 4.0)).min(most)
}

#[cfg(test)]
mod tests {
    use super::scaled;

    #[test]
    fn lengths_grow_with_the_photo_up_to_a_quarter_of_it() {
        assert_eq!(scaled(2.0, 15.0, 6000, 2000.0), 30.0);
        assert_eq!(scaled(2.0, 0.5, 100, 2000.0), 1.0);
        assert_eq!(scaled(20.0, 1700.0, 1700, 500.0), 425.0);
        assert_eq!(scaled(20.0, 1e9, 60_000, 500.0), 500.0);
        assert_eq!(scaled(50.0, 1.0, 3, 2000.0), 50.0);
        assert_eq!(scaled(0.5, f32::INFINITY, 4, 500.0), 1.0);
    }
}
