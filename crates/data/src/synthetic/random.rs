//! The random stream of a scene.
//!
//! A generator of our own, because a library's may give other numbers in its next version, and photos that change with
//! it would not be those whose hash was recorded.

/// SplitMix64 (Steele, Lea and Flood 2014): small, fast, and good enough to place trees.
#[derive(Debug, Clone)]
pub(crate) struct Random {
    state: u64,
}

impl Random {
    /// The stream of item `index` under `seed`; streams of different pairs are unrelated.
    pub(crate) fn new(seed: u64, index: u64) -> Self {
        Self { state: mix(mix(seed ^ 0x5851_f42d_4c95_7f2d).wrapping_add(index)) }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state)
    }

    /// A seed for a noise field.
    pub(crate) fn seed(&mut self) -> u32 {
        (self.next() >> 32) as u32
    }

    /// Uniform in 0..1.
    pub(crate) fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u32 << 24) as f32
    }

    /// Uniform in `low..high`.
    pub(crate) fn range(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// A whole number from `low` to `high`, both included.
    pub(crate) fn count(&mut self, low: u32, high: u32) -> u32 {
        low + (self.next() % u64::from(high - low + 1)) as u32
    }

    /// True with the probability `p`.
    pub(crate) fn chance(&mut self, p: f32) -> bool {
        self.unit() < p
    }

    /// Bell-shaped around `mean` with the standard deviation `sd`, never more than 2.4 of them away (the sum of four
    /// uniform numbers, cut).
    pub(crate) fn bell(&mut self, mean: f32, sd: f32) -> f32 {
        let sum = self.unit() + self.unit() + self.unit() + self.unit() - 2.0;
        mean + sd * (sum * 1.732_051).clamp(-2.4, 2.4)
    }

    /// One of `items`, which must not be empty.
    pub(crate) fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[(self.next() % items.len() as u64) as usize]
    }

    /// -1 or 1.
    pub(crate) fn sign(&mut self) -> f32 {
        if self.chance(0.5) { 1.0 } else { -1.0 }
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_spread_and_bounded() {
        let mut random = Random::new(1, 2);
        let units: Vec<f32> = (0..4000).map(|_| random.unit()).collect();
        assert!(units.iter().all(|u| (0.0..1.0).contains(u)));
        let mean = units.iter().sum::<f32>() / 4000.0;
        assert!((mean - 0.5).abs() < 0.02, "{mean}");
        let bells: Vec<f32> = (0..4000).map(|_| random.bell(1.0, 0.5)).collect();
        let mean = bells.iter().sum::<f32>() / 4000.0;
        let sd = (bells.iter().map(|b| (b - mean) * (b - mean)).sum::<f32>() / 4000.0).sqrt();
        assert!((mean - 1.0).abs() < 0.03 && (sd - 0.5).abs() < 0.03, "{mean} {sd}");
        assert!((0..100).map(|_| random.count(2, 4)).all(|n| (2..=4).contains(&n)));
    }

    #[test]
    fn streams_differ() {
        let first = |seed, index| Random::new(seed, index).next();
        let all: std::collections::HashSet<u64> = (0..30).flat_map(|s| (0..30).map(move |i| first(s, i))).collect();
        assert_eq!(all.len(), 900);
    }
}
