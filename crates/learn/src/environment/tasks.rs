//! Small tasks with known answers, to check and to time a learner with.

mod aim;
mod bandit;
mod cart_pole;
mod identity;

pub use aim::Aim;
pub use bandit::MaskedBandit;
pub use cart_pole::CartPole;
pub use identity::Identity;
