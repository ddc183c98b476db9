//! What does not fit together is refused before anything is learnt.

use burn::tensor::Device;
use dodge_hparams::Registry;

use crate::algorithm::dqn::params::check_memory;
use crate::algorithm::ppo::params::check_rollout;
use crate::environment::tasks::{CartPole, Identity};
use crate::{
    Action, ActionSpace, Clock, ConfiguredLearner, Dqn, DqnParams, Environment, Error, Learner, Ppo, PpoParams,
    RewardScale, Spaces, Step, VectorEnvironment, View,
};

const SPACES: Spaces = Spaces::plain(4, 2);
const CLOCK: Clock = Clock { taken: 0, total: 1000 };

#[track_caller]
fn check_ppo(params: &PpoParams, expected: &str) {
    let error = Ppo::with_network(params.clone(), &Default::default(), SPACES, 1, &Device::flex()).unwrap_err();
    assert_eq!(error.to_string(), format!("hyperparameters: section `ppo`: {expected}"));
    let mut registry = Registry::new();
    registry.register::<PpoParams>().unwrap();
    assert!(registry.apply_params(params.clone(), dodge_hparams::Layer::Code).is_err(), "the registry says so too");
}

#[test]
fn a_minibatch_larger_than_the_rollout_is_refused() {
    check_ppo(
        &PpoParams { environments: 8, rollout_steps: 4, minibatch_size: 33, ..PpoParams::default() },
        "minibatch_size is 33, a rollout has only 32 samples (environments × rollout_steps = 8 × 4): lower \
         minibatch_size, or raise one of the others",
    );
    assert_eq!(check_rollout(&PpoParams { environments: 8, rollout_steps: 64, ..PpoParams::default() }), Ok(()));
    let most = PpoParams { environments: usize::MAX, rollout_steps: 2, ..PpoParams::default() };
    assert_eq!(check_rollout(&most), Ok(()), "no overflow");
}

#[test]
fn deviations_of_strengths_that_contradict_each_other_are_refused() {
    check_ppo(
        &PpoParams { strength_deviation: 0.05, min_strength_deviation: 0.1, ..PpoParams::default() },
        "strength_deviation is 0.05, which is not between min_strength_deviation 0.1 and max_strength_deviation 0.7: change \
         one of the three",
    );
}

#[track_caller]
fn check_dqn(params: DqnParams, expected: &str) {
    let error = Dqn::with_network(params, &Default::default(), SPACES, 1, &Device::flex()).unwrap_err();
    assert_eq!(error.to_string(), format!("hyperparameters: section `dqn`: {expected}"));
}

#[test]
fn a_memory_that_never_suffices_is_refused() {
    check_dqn(
        DqnParams { batch_size: 200, learning_starts: 100, ..DqnParams::default() },
        "batch_size is 200, learning starts with only 100 experiences: lower batch_size, or raise learning_starts",
    );
    check_dqn(
        DqnParams { replay_capacity: 500, learning_starts: 501, ..DqnParams::default() },
        "learning_starts is 501, only 500 experiences are kept, so that learning would never start: lower \
         learning_starts, or raise replay_capacity",
    );
    assert_eq!(check_memory(&DqnParams::default()), Ok(()));
}

#[test]
fn a_value_out_of_its_range_is_refused() {
    let params = PpoParams { discount: 1.5, ..PpoParams::default() };
    let error = Ppo::with_network(params, &Default::default(), SPACES, 1, &Device::flex()).unwrap_err();
    assert!(error.to_string().contains("ppo.discount = 1.5"), "{error}");
}

#[test]
fn environments_of_another_number_or_kind_are_refused() {
    let params = PpoParams { environments: 3, minibatch_size: 64, ..PpoParams::default() };
    let mut ppo = Ppo::new(params, SPACES, 1, &Device::flex());
    let params = DqnParams { environments: 3, ..DqnParams::default() };
    let mut dqn = Dqn::new(params, SPACES, 1, &Device::flex());
    let carts = || VectorEnvironment::new((0..2).map(|index| CartPole::new(1, index)).collect()).unwrap();
    let message = ppo.advance(&mut carts(), CLOCK).unwrap_err().to_string();
    assert_eq!(message, "ppo: environments is 3, there are 2");
    let message = dqn.advance(&mut carts(), CLOCK).unwrap_err().to_string();
    assert_eq!(message, "dqn: environments is 3, there are 2");
    let others = || VectorEnvironment::new((0..3).map(|index| Identity::new(4, 1, index)).collect()).unwrap();
    let message = ppo.advance(&mut others(), CLOCK).unwrap_err().to_string();
    assert!(message.starts_with("ppo: the learner was made for Spaces { observation_len: 4"), "{message}");
    assert!(dqn.advance(&mut others(), CLOCK).is_err());
}

/// Shows a large number.
struct Loud;

impl Environment for Loud {
    fn spaces(&self) -> Spaces {
        SPACES
    }

    fn reset(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn step(&mut self, _: Action) -> Result<Step, Error> {
        Ok(Step { reward: 0.0, terminated: false, truncated: false })
    }

    fn show(&self, view: View<'_>) {
        view.observation.fill(1e5);
    }
}

#[test]
fn features_beyond_half_precision_are_refused() {
    let params = DqnParams { environments: 1, ..DqnParams::default() };
    let mut learner = Dqn::new(params, SPACES, 1, &Device::flex());
    let mut environments = VectorEnvironment::new(vec![RewardScale::new(Loud, 1.0)]).unwrap();
    let message = learner.advance(&mut environments, CLOCK).unwrap_err().to_string();
    assert!(message.starts_with("environment: a feature is 100000, the replay memory holds numbers up to 65504"));
    let normalizer = crate::Normalizer::new().with_observations();
    let mut environments = VectorEnvironment::new(vec![Loud]).unwrap().with_normalizer(normalizer).unwrap();
    learner.advance(&mut environments, CLOCK).unwrap();
}

#[test]
fn actions_that_an_algorithm_cannot_choose_are_refused() {
    let spaces = Spaces { actions: ActionSpace { kinds: 2, scaled: 1 }, ..SPACES };
    let error = Dqn::with_network(DqnParams::default(), &Default::default(), spaces, 1, &Device::flex()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "dqn: 1 of the 2 kinds of actions take a strength, it learns fixed actions only: learn with ppo, or make an action of \
         each strength"
    );
    Ppo::with_network(PpoParams::default(), &Default::default(), spaces, 1, &Device::flex()).unwrap();
}
