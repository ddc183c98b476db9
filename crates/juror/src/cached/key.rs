//! What a score is kept by.

use dodge_imaging::Photo;
use sha2::{Digest, Sha256};

/// SHA-256 of a juror's name and of a photo's size and pixels: whoever gets pictures from strangers cannot be shown the score of another.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key(pub(super) [u8; Key::BYTES]);

impl Key {
    /// Length of a key.
    pub(super) const BYTES: usize = 32;

    /// The key of a photo's score by the juror of this name.
    pub(super) fn of(juror: &str, photo: &Photo) -> Self {
        let mut hash = Sha256::new();
        // The length in front keeps the name apart from what follows.
        hash.update((juror.len() as u64).to_le_bytes());
        hash.update(juror);
        hash.update(photo.width().to_le_bytes());
        hash.update(photo.height().to_le_bytes());
        hash.update(photo.pixels());
        Self(hash.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_a_score_depends_on_counts() {
        let photo = |width, height, value| Photo::from_fn(width, height, |_, _| [value; 3]).unwrap();
        let key = Key::of("a", &photo(2, 3, 7));
        assert!(key == Key::of("a", &photo(2, 3, 7)));
        for other in [
            Key::of("b", &photo(2, 3, 7)),
            Key::of("", &photo(2, 3, 7)),
            Key::of("a", &photo(3, 2, 7)),
            Key::of("a", &photo(2, 3, 8)),
        ] {
            assert!(key != other);
        }
    }
}
