//! Carries records from a spool to where they belong, in the background, and never loses one.
//!
//! A [`Courier`] moves what a spool holds into a [`Sink`] and notes in the ledger how far it came.
//! A [`Worker`] runs a courier on a thread of its own for a live run. Recovery and sync run one on
//! the caller's thread.

mod courier;
mod outbox;
mod pace;
mod sink;

pub(crate) use courier::{Courier, ended};
pub(crate) use outbox::{Outbox, Worker};
pub(crate) use pace::Pace;
pub(crate) use sink::{Delivered, Sink, SinkError, note};
