//! Drawing experiences in proportion to how surprising they were (Schaul et al. 2015, arXiv:1511.05952).

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::error::Error;
use crate::state::{StateReader, StateWriter};

/// A tree of sums over priorities: drawing and changing one cost O(log n), memory is 16 bytes per index.
#[derive(Debug, Clone)]
pub(crate) struct Priorities {
    /// Leaves begin at `count`; node `i` is the sum of `2 i` and `2 i + 1`.
    sums: Vec<f64>,
    count: usize,
    greatest: f64,
}

impl Priorities {
    /// `count` indices that are never drawn until they get a priority.
    pub(crate) fn new(count: usize) -> Self {
        let count = count.max(1).next_power_of_two();
        Self { sums: vec![0.0; 2 * count], count, greatest: 1.0 }
    }

    /// Gives an index the greatest priority so far, so that everything new is looked at once.
    pub(crate) fn set_new(&mut self, index: usize) {
        self.set(index, self.greatest);
    }

    /// Gives an index a priority, not negative.
    pub(crate) fn set(&mut self, index: usize, priority: f64) {
        self.greatest = self.greatest.max(priority);
        let mut node = self.count + index;
        self.sums[node] = priority;
        while node > 1 {
            node /= 2;
            // Added anew rather than corrected by a difference, so that rounding does not pile up.
            self.sums[node] = self.sums[2 * node] + self.sums[2 * node + 1];
        }
    }

    /// Draws indices, one from each of `draws` equal parts of the sum, and says how probable each was.
    pub(crate) fn draw(&self, draws: usize, rng: &mut ChaCha8Rng) -> (Vec<usize>, Vec<f64>) {
        let total = self.sums[1];
        let one = |part: usize| {
            let index = self.find((part as f64 + rng.random::<f64>()) / draws as f64 * total);
            (index, self.sums[self.count + index] / total)
        };
        (0..draws).map(one).unzip()
    }

    /// The index whose share of the sum contains `point`.
    fn find(&self, mut point: f64) -> usize {
        let mut node = 1;
        while node < self.count {
            let left = 2 * node;
            // An empty right half is never entered, whatever rounding says.
            if point < self.sums[left] || self.sums[left + 1] == 0.0 {
                node = left;
            } else {
                point -= self.sums[left];
                node = left + 1;
            }
        }
        node - self.count
    }

    pub(crate) fn save_state(&self, writer: &mut StateWriter) -> Result<(), Error> {
        writer.write(&(&self.sums[self.count..], self.greatest))
    }

    pub(crate) fn restore_state(&mut self, reader: &mut StateReader<'_>) -> Result<(), Error> {
        let (leaves, greatest): (Vec<f64>, f64) = reader.read()?;
        reader.expect_len("priorities", self.count, leaves.len())?;
        if leaves.iter().any(|p| !p.is_finite() || *p < 0.0) || !greatest.is_finite() {
            return Err(Error::State { reason: "the state has a priority that is no number".to_owned() });
        }
        self.greatest = greatest;
        self.sums[self.count..].copy_from_slice(&leaves);
        for node in (1..self.count).rev() {
            self.sums[node] = self.sums[2 * node] + self.sums[2 * node + 1];
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn indices_are_drawn_as_often_as_their_priority_says() {
        let mut priorities = Priorities::new(5);
        for (index, priority) in [(0, 1.0), (1, 9.0), (2, 0.0), (4, 2.0), (1, 5.0)] {
            priorities.set(index, priority);
        }
        let (drawn, probabilities) = priorities.draw(8000, &mut ChaCha8Rng::seed_from_u64(1));
        let mut counts = [0_u32; 5];
        for (index, probability) in drawn.into_iter().zip(probabilities) {
            counts[index] += 1;
            assert_eq!(probability, [0.125, 0.625, 0.0, 0.0, 0.25][index]);
        }
        // Stratified: each count is as expected, to one draw per edge.
        for (count, expected) in counts.into_iter().zip([1000_u32, 5000, 0, 0, 2000]) {
            assert!(count.abs_diff(expected) <= 1, "{counts:?}");
        }
    }

    #[test]
    fn new_indices_get_the_greatest_priority() {
        let mut priorities = Priorities::new(3);
        priorities.set(0, 4.0);
        priorities.set(0, 1.0);
        priorities.set_new(2);
        let (_, probabilities) = priorities.draw(1, &mut ChaCha8Rng::seed_from_u64(1));
        assert!([0.2, 0.8].contains(&probabilities[0]), "{probabilities:?}");
    }

    #[test]
    fn what_was_saved_comes_back() {
        let mut priorities = Priorities::new(6);
        (0..6).for_each(|index| priorities.set(index, 0.1 + index as f64 / 7.0));
        let mut writer = StateWriter::new();
        priorities.save_state(&mut writer).unwrap();
        let bytes = writer.into_bytes();
        let mut restored = Priorities::new(6);
        restored.restore_state(&mut StateReader::new(&bytes)).unwrap();
        assert_eq!((priorities.sums, priorities.greatest), (restored.sums, restored.greatest));
        assert!(Priorities::new(20).restore_state(&mut StateReader::new(&bytes)).is_err());
    }
}
