//! Loops over numbers with the widest instructions of the processor at hand.

use pulp::Arch;

/// Calls `work`, a short loop, compiled for the instructions that this processor has. Rust never reorders sums by itself nor
/// fuses multiplications into them, so that the result is the same to the last bit on every processor.
#[inline(always)]
pub(crate) fn vectorized<R>(work: impl FnOnce() -> R) -> R {
    Arch::new().dispatch(work)
}
