//! Arms to pull, some of them locked.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::environment::contract::{Action, Environment, Spaces, Step, View};
use crate::error::Error;
use crate::state::{StateReader, StateWriter};

/// A row of arms of which a random half is masked in each step. The observation shows which arms are open (1) and which
/// are masked (0). Arm `i` of `n` pays `i / n`, so that a masked arm is often the best; pulling it is an error.
#[derive(Debug, Clone)]
pub struct MaskedBandit {
    rng: ChaCha8Rng,
    open: Vec<bool>,
}

impl MaskedBandit {
    /// An environment with `arms` arms; each index has its own random stream of `seed`.
    ///
    /// # Panics
    /// When there are fewer than two arms.
    #[must_use]
    pub fn new(arms: usize, seed: u64, index: u64) -> Self {
        assert!(arms >= 2, "at least two arms");
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(index);
        Self { rng, open: vec![true; arms] }
    }

    fn lock(&mut self) {
        let arms = self.open.len();
        self.open.fill(true);
        for _ in 0..arms / 2 {
            let arm = self.rng.random_range(0..arms);
            self.open[arm] = false;
        }
    }
}

impl Environment for MaskedBandit {
    fn spaces(&self) -> Spaces {
        Spaces::plain(self.open.len(), self.open.len())
    }

    fn reset(&mut self) -> Result<(), Error> {
        self.lock();
        Ok(())
    }

    fn step(&mut self, action: Action) -> Result<Step, Error> {
        let arm = action.kind;
        if !self.open[arm] {
            return Err(Error::Environment { reason: format!("arm {arm} is masked and was pulled") });
        }
        let reward = arm as f32 / self.open.len() as f32;
        self.lock();
        Ok(Step { reward, terminated: true, truncated: false })
    }

    fn show(&self, view: View<'_>) {
        view.mask.copy_from_slice(&self.open);
        for (value, &open) in view.observation.iter_mut().zip(&self.open) {
            *value = f32::from(u8::from(open));
        }
    }

    fn save_state(&self, writer: &mut StateWriter) -> Result<(), Error> {
        writer.write(&(&self.rng, &self.open))
    }

    fn restore_state(&mut self, reader: &mut StateReader<'_>) -> Result<(), Error> {
        let open: Vec<bool>;
        (self.rng, open) = reader.read()?;
        reader.expect_len("arms", self.open.len(), open.len())?;
        self.open = open;
        Ok(())
    }
}
