//! The random streams of a run.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

/// What draws random numbers in a run. Each draws from a stream of its own of the run's seed, so that no two of them see the
/// same numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RandomStream {
    /// The networks of the learner, and what it explores. The crate `dodge-learn` makes this one itself, from the seed.
    Learner,
    /// Which photo is in which split.
    Split,
    /// The fresh damages of the validation photos.
    Validation,
    /// The baseline that edits at random.
    RandomBaseline,
    /// Photos made by the program that are learnt from beside others.
    SyntheticPhotos,
    /// The sets of photos by which an interval is estimated.
    Bootstrap,
    /// The photos, variations and damages of the environment with this index.
    Environment(u32),
}

impl RandomStream {
    /// The generator of this stream at its beginning.
    #[must_use]
    pub fn generator(self, seed: u64) -> ChaCha8Rng {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream(match self {
            Self::Learner => 0,
            Self::Environment(index) => 1 + u64::from(index),
            Self::Split => 1 << 40,
            Self::Validation => 2 << 40,
            Self::RandomBaseline => 3 << 40,
            Self::Bootstrap => 4 << 40,
            Self::SyntheticPhotos => 5 << 40,
        });
        generator
    }
}

/// The generator that draws the damage of one photo: its stream depends on the seed and the name, not on other photos.
#[must_use]
pub fn damage_rng(seed: u64, file_name: &str) -> ChaCha8Rng {
    let digest = Sha256::new().chain_update(seed.to_le_bytes()).chain_update(file_name).finalize();
    ChaCha8Rng::from_seed(digest.into())
}

/// Which of the photos with these names stay undamaged: the given share of them, drawn by seed and name, so that neither the
/// order of the photos nor that of their names plays a part.
#[must_use]
pub fn undamaged_photos(names: &[&str], share: f64, seed: u64) -> Vec<bool> {
    let count = (names.len() as f64 * share).round() as usize;
    drawn(names, count, b"undamaged", seed)
}

/// Which of the photos with these names are used where `count` of them are wanted, drawn by seed and name. Of a larger set, most of
/// those that were drawn of a smaller one are drawn again.
pub(crate) fn sampled(names: &[&str], count: usize, seed: u64) -> Vec<bool> {
    drawn(names, count, b"sampled", seed)
}

/// `count` of the names, drawn for one purpose: those whose digests come first.
fn drawn(names: &[&str], count: usize, purpose: &[u8], seed: u64) -> Vec<bool> {
    let digest =
        |name: &str| Sha256::new().chain_update(purpose).chain_update(seed.to_le_bytes()).chain_update(name).finalize();
    let mut order: Vec<usize> = (0..names.len()).collect();
    order.sort_by_cached_key(|&index| (digest(names[index]), index));
    let mut drawn = vec![false; names.len()];
    order.iter().take(count).for_each(|&index| drawn[index] = true);
    drawn
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::RngExt;

    use super::*;

    #[test]
    fn no_two_streams_are_the_same() {
        use RandomStream::{Bootstrap, Environment, Learner, RandomBaseline, Split, SyntheticPhotos, Validation};
        let environments = [0, 1, u32::MAX].map(Environment);
        let others = [Learner, Split, Validation, RandomBaseline, Bootstrap, SyntheticPhotos];
        let streams = [&environments[..], &others].concat();
        let first: BTreeSet<u64> = streams.iter().map(|stream| stream.generator(42).random()).collect();
        assert_eq!(first.len(), streams.len());
        assert_eq!(Learner.generator(42), ChaCha8Rng::seed_from_u64(42));
    }

    #[test]
    fn the_undamaged_photos_are_spread_over_the_names() {
        let names: Vec<String> = (0..200).map(|index| format!("shoot-{index:03}.jpg")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let undamaged = undamaged_photos(&names, 0.15, 7);
        let count = |from: usize, to: usize| undamaged[from..to].iter().filter(|&&it| it).count();
        assert_eq!(count(0, 200), 30);
        assert!((5..26).contains(&count(0, 100)), "the first shoot is not special: {}", count(0, 100));
        assert_ne!(undamaged, undamaged_photos(&names, 0.15, 8));
        let mut turned: Vec<&str> = names.clone();
        turned.reverse();
        let mut again = undamaged_photos(&turned, 0.15, 7);
        again.reverse();
        assert_eq!(undamaged, again, "whatever the order of the photos");
    }
    #[test]
    fn a_photo_more_changes_a_sample_by_one_at_most() {
        let names: Vec<String> = (0..60).map(|index| format!("photo-{index:02}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let of = |count: usize| {
            let drawn = sampled(&names[..count], 20, 3);
            names.iter().zip(drawn).filter_map(|(name, drawn)| drawn.then_some(*name)).collect::<BTreeSet<_>>()
        };
        for count in 20..60 {
            assert_eq!(of(count).len(), 20);
            assert!(of(count + 1).difference(&of(count)).count() <= 1, "{count}");
        }
        assert_ne!(sampled(&names, 20, 3), sampled(&names, 20, 4));
    }
}
