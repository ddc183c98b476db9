//! The spool: an append-only file per run that survives a killed process.
//!
//! A run's spool is a folder named by the run's id:
//! - `records`: the file header, then frames of marker, length, CRC-32 and payload. The bytes of a
//!   record are handed to the kernel before the logging call returns, so `kill -9` loses nothing.
//! - `ledger.json`: how far delivery has come ([`Ledger`]).
//! - `files/`: copies of artifacts that wait for a server.
//! - `lock`: held by the process that owns the run; who can take it knows that the owner is gone.
//!
//! A spool of which everything has arrived moves from `spool/` to `delivered/` beside it, without its
//! `files/`: what was logged can still be compared with what the destination holds, and the run can
//! go on. The oldest of them go when they outgrow a limit.

mod disk;
mod folder;
mod found;
mod ledger;
mod records;

pub use disk::Durability;
pub(crate) use folder::{SpoolFolder, known_id, place_of};
pub(crate) use found::FoundRun;
pub(crate) use ledger::{Ledger, Progress, ServedModel};
pub(crate) use records::{Frame, SpoolReader, SpoolWriter};
