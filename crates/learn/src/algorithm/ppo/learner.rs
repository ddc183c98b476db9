//! What the training loop, and whoever acts by the policy, see of proximal policy optimisation.

use burn::module::Module;

use super::Ppo;
use crate::algorithm::learner::{Advance, Clock, Learner};
use crate::environment::contract::Environment;
use crate::environment::policy::Policy;
use crate::environment::vector::VectorEnvironment;
use crate::error::Error;
use crate::nn::network::AgentNetwork;
use crate::nn::optimizer::{restore_parameters, save_parameters};
use crate::state::{StateReader, StateWriter};

impl Policy for Ppo {
    fn preferences(&self, observations: &[f32]) -> Vec<f32> {
        self.averaged.preferences(observations, self.spaces.observation_len, &self.device.clone().inner())
    }

    fn strengths(&self, observations: &[f32]) -> Vec<f32> {
        self.averaged.strengths(observations, self.spaces.observation_len, &self.device.clone().inner())
    }
}

impl Learner for Ppo {
    fn advance<E: Environment>(
        &mut self,
        environments: &mut VectorEnvironment<E>,
        clock: Clock,
    ) -> Result<Advance, Error> {
        // On a thread of the pool from here on: work that is shared with the others is handed over faster from there.
        let (steps, report) = rayon::scope(|_| {
            let rollout = self.collect(environments).map_err(|error| error.after(clock.taken))?;
            Ok::<_, Error>((rollout.rewards.len() as u64, self.update(&rollout, clock)?))
        })?;
        Ok(Advance { steps, metrics: report.metrics() })
    }

    fn network(&self) -> AgentNetwork {
        self.averaged.clone()
    }

    fn save_state(&self, writer: &mut StateWriter) -> Result<(), Error> {
        writer.write(&self.rng)?;
        self.learning.save_state(writer)?;
        save_parameters(&self.averaged, writer)
    }

    fn restore_state(&mut self, reader: &mut StateReader<'_>) -> Result<(), Error> {
        self.rng = reader.read()?;
        self.learning.restore_state(reader)?;
        self.network = self.learning.valid();
        self.averaged = restore_parameters(self.averaged.clone(), reader)?;
        [&self.network.policy, &self.averaged].into_iter().try_for_each(AgentNetwork::check_deviations)
    }
}

impl std::fmt::Debug for Ppo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ppo").field("params", &self.params).field("spaces", &self.spaces).finish()
    }
}
