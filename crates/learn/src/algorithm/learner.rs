//! What the algorithms have in common for the training loop.

use burn::tensor::Device;
use dodge_hparams::HParams;

use crate::environment::contract::{ActionSpace, Environment, Spaces};
use crate::environment::policy::Policy;
use crate::environment::vector::VectorEnvironment;
use crate::error::Error;
use crate::nn::encoder::NetworkParams;
use crate::nn::network::AgentNetwork;
use crate::state::{StateReader, StateWriter};

/// How far a training is, in environment steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// Steps taken so far.
    pub taken: u64,
    /// Steps that the whole training takes.
    pub total: u64,
}

impl Clock {
    /// The share of the training that is done, 0 to 1; it drives the schedules.
    #[must_use]
    pub fn progress(&self) -> f64 {
        (self.taken as f64 / self.total.max(1) as f64).min(1.0)
    }
}

/// What a learner did in one round.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Advance {
    /// Environment steps taken, over all environments together.
    pub steps: u64,
    /// Means over the round, by their names in the tracked run.
    pub metrics: Vec<(&'static str, f64)>,
}

/// An algorithm that learns in environments. Open for implementation.
///
/// Equal seeds give equal learners, on any number of threads.
pub trait Learner: Policy {
    /// Takes some steps in the environments and learns from them.
    ///
    /// # Errors
    /// [`Error::Diverged`], or the first error of an environment.
    fn advance<E: Environment>(
        &mut self,
        environments: &mut VectorEnvironment<E>,
        clock: Clock,
    ) -> Result<Advance, Error>;

    /// Learns for about `steps` environment steps: whole rounds of [`Learner::advance`], from the beginning of the schedules
    /// to their end. For validation, checkpoints and records there is [`Training`](crate::Training).
    ///
    /// # Errors
    /// As [`Learner::advance`].
    fn learn<E: Environment>(&mut self, environments: &mut VectorEnvironment<E>, steps: u64) -> Result<(), Error> {
        let mut clock = Clock { taken: 0, total: steps };
        while clock.taken < clock.total {
            clock.taken += self.advance(environments, clock)?.steps;
        }
        Ok(())
    }

    /// The network that it acts by now, without autodiff.
    fn network(&self) -> AgentNetwork;

    /// About how many bytes [`Learner::save_state`] will write at most; asked before a training begins, which is refused
    /// when its checkpoints could not be read back. 0 unless it is implemented.
    fn state_size(&self) -> u64 {
        0
    }

    /// Takes down everything that the learner needs to go on as if never stopped: networks, optimiser, counters,
    /// generators and what it remembers.
    ///
    /// # Errors
    /// [`Error::State`].
    fn save_state(&self, writer: &mut StateWriter) -> Result<(), Error>;

    /// Goes back to a state taken down from a learner with the same parameters.
    ///
    /// # Errors
    /// [`Error::State`] when the state is damaged or of another kind.
    fn restore_state(&mut self, reader: &mut StateReader<'_>) -> Result<(), Error>;
}

/// A learner that is made from a section of hyperparameters of its own. Open for implementation.
pub trait ConfiguredLearner: Learner + Sized {
    /// Its name, as users write it; that of its section too.
    const NAME: &'static str;

    /// Its hyperparameters.
    type Params: HParams;

    /// Makes a learner whose networks look at pictures as `network` says. Equal seeds give equal learners.
    ///
    /// # Errors
    /// [`Error::Configuration`] when the encoder does not fit the observations, or its weights cannot be used; that of
    /// [`HParams::validate`] when the hyperparameters do not fit together.
    fn with_network(
        params: Self::Params,
        network: &NetworkParams,
        spaces: Spaces,
        seed: u64,
        device: &Device,
    ) -> Result<Self, Error>;

    /// Goes on from what another network has learnt, in place of from the beginning; the optimiser begins anew.
    ///
    /// # Errors
    /// [`Error::State`] for a network of another shape, [`Error::Configuration`] for a learner that cannot do so, which is the
    /// default.
    fn begin_with(&mut self, network: &AgentNetwork) -> Result<(), Error> {
        let _ = network;
        let reason = "it begins from nothing only: learn with apg, or without a model to begin with".to_owned();
        Err(Error::Configuration { section: Self::NAME, reason })
    }

    /// Number of environments that it learns in.
    fn environments(params: &Self::Params) -> usize;

    /// Widths of the hidden layers of the network that it acts by.
    fn hidden(params: &Self::Params) -> &[usize];
}

/// None of the actions takes a strength, which not every learner can choose.
pub(crate) fn without_strengths(section: &'static str, actions: ActionSpace) -> Result<(), Error> {
    if actions.scaled == 0 {
        return Ok(());
    }
    let reason = format!(
        "{} of the {} kinds of actions take a strength, it learns fixed actions only: learn with ppo, or make an action of each \
         strength",
        actions.scaled, actions.kinds
    );
    Err(Error::Configuration { section, reason })
}

/// The environments are those that a learner was made for.
pub(crate) fn check_environments<E>(
    section: &'static str,
    expected: (usize, Spaces),
    got: &VectorEnvironment<E>,
) -> Result<(), Error>
where
    E: Environment,
{
    let reason = match expected {
        (count, _) if count != got.len() => format!("environments is {count}, there are {}", got.len()),
        (_, spaces) if spaces != got.spaces() => {
            format!("the learner was made for {spaces:?}, the environments have {:?}", got.spaces())
        }
        _ => return Ok(()),
    };
    Err(Error::Configuration { section, reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_runs_from_0_to_1() {
        let at = |taken, total| Clock { taken, total }.progress();
        assert_eq!([at(0, 10), at(5, 10), at(12, 10), at(0, 0)], [0.0, 0.5, 1.0, 0.0]);
    }
}
