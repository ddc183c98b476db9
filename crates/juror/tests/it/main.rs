//! The public behaviour of dodge-juror.

mod classical;
