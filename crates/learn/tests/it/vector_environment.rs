//! Environments stepped together.

use dodge_learn::{Action, Environment, Error, Spaces, Step, VectorEnvironment, View};

/// Shows its index, the number of the episode and the step in it; an episode ends at the given step.
struct Counter {
    index: f32,
    episode: f32,
    step: f32,
    last: f32,
    truncates: bool,
    fails_at_episode: f32,
}

impl Counter {
    fn new(index: u8, last: u8, truncates: bool) -> Self {
        let (index, last) = (f32::from(index), f32::from(last));
        Self { index, episode: 0.0, step: 0.0, last, truncates, fails_at_episode: f32::INFINITY }
    }
}

impl Environment for Counter {
    fn spaces(&self) -> Spaces {
        Spaces::plain(3, 2)
    }

    fn reset(&mut self) -> Result<(), Error> {
        self.episode += 1.0;
        self.step = 0.0;
        if self.episode >= self.fails_at_episode {
            return Err(Error::other(format!("counter {} is broken", self.index)));
        }
        Ok(())
    }

    fn step(&mut self, action: Action) -> Result<Step, Error> {
        self.step += 1.0;
        let ended = self.step >= self.last;
        let reward = 10.0 * self.index + action.kind as f32;
        Ok(Step { reward, terminated: ended && !self.truncates, truncated: ended && self.truncates })
    }

    fn show(&self, view: View<'_>) {
        view.observation.copy_from_slice(&[self.index, self.episode, self.step]);
    }
}

#[test]
fn an_ended_episode_is_reset_and_what_a_truncated_one_showed_last_is_kept() {
    let counters = vec![Counter::new(0, 2, false), Counter::new(1, 3, true)];
    let mut environments = VectorEnvironment::new(counters).unwrap();
    assert_eq!(
        (environments.len(), environments.spaces().observation_len, environments.spaces().actions.kinds),
        (2, 3, 2)
    );
    assert_eq!(environments.observations(), [0.0, 1.0, 0.0, 1.0, 1.0, 0.0]);

    let steps = environments.step(&[1, 0].map(Action::new)).unwrap();
    assert_eq!(steps.iter().map(|step| step.reward).collect::<Vec<_>>(), [1.0, 10.0]);
    assert!(steps.iter().all(|step| !step.ended()));
    assert_eq!(environments.observations(), [0.0, 1.0, 1.0, 1.0, 1.0, 1.0]);

    let steps = environments.step(&[0, 1].map(Action::new)).unwrap();
    assert_eq!((steps[0].terminated, steps[0].truncated, steps[1].ended()), (true, false, false));
    assert_eq!(environments.observations(), [0.0, 2.0, 0.0, 1.0, 1.0, 2.0], "the first one begins its second episode");

    let steps = environments.step(&[0, 0].map(Action::new)).unwrap();
    assert_eq!((steps[1].terminated, steps[1].truncated, steps[0].ended()), (false, true, false));
    assert_eq!(environments.observations(), [0.0, 2.0, 1.0, 1.0, 2.0, 0.0]);
    assert_eq!(environments.final_observations()[3..], [1.0, 1.0, 3.0]);
}

#[test]
fn an_environment_that_fails_is_an_error() {
    let broken = |episode| {
        let mut counter = Counter::new(7, 1, false);
        counter.fails_at_episode = episode;
        VectorEnvironment::new(vec![Counter::new(0, 1, false), counter])
    };
    assert_eq!(broken(1.0).unwrap_err().to_string(), "counter 7 is broken");
    let mut environments = broken(2.0).unwrap();
    assert_eq!(environments.step(&[0, 0].map(Action::new)).unwrap_err().to_string(), "counter 7 is broken");
}

#[test]
#[should_panic(expected = "one action per environment")]
fn a_missing_action_is_a_mistake_of_the_caller() {
    let _ = VectorEnvironment::new(vec![Counter::new(0, 2, false), Counter::new(1, 2, false)])
        .unwrap()
        .step(&[0].map(Action::new));
}

/// Has nothing to choose from.
struct Idle;

impl Environment for Idle {
    fn spaces(&self) -> Spaces {
        Spaces::plain(1, 0)
    }

    fn reset(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn step(&mut self, _: Action) -> Result<Step, Error> {
        unreachable!("there is no action")
    }

    fn show(&self, _: View<'_>) {}
}

#[test]
fn an_environment_without_actions_is_refused() {
    let error = VectorEnvironment::new(vec![Idle]).unwrap_err().to_string();
    assert_eq!(error, "environment: an environment needs at least one feature and one action");
}
