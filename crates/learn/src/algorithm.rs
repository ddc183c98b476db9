//! What learns: proximal policy optimisation and deep Q-learning, each in one file, and what they remember. It knows no
//! files.

pub(crate) mod apg;
pub(crate) mod dqn;
#[cfg(test)]
mod fit_tests;
pub(crate) mod learner;
pub(crate) mod masks;
pub(crate) mod ppo;
pub(crate) mod priorities;
pub(crate) mod replay;
pub(crate) mod rollout;
pub(crate) mod schedule;
#[cfg(test)]
mod tests;
