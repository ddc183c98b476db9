//! What is learnt in: the contract of an environment, many of them stepped together, wrappers, and small tasks with known
//! answers. It knows no algorithm.

pub(crate) mod contract;
pub(crate) mod normalizer;
pub(crate) mod policy;
pub mod tasks;
pub(crate) mod vector;
pub(crate) mod wrappers;
