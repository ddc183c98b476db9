//! The public behaviour of dodge-preprocess.

#![allow(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

mod cache;
mod coco;
mod entries;
mod membership;
mod own_step;
mod pairs;
mod scores;
mod splits;
mod support;
