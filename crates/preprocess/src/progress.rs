//! How far a piece of work is.

/// Shows how far a piece of work is. Called from several threads.
pub trait Progress: Send + Sync {
    /// Begins a piece of work of `total` parts, ending the one before.
    fn begin(&self, what: &str, total: u64);
    /// Some parts are done.
    fn advance(&self, parts: u64);
    /// A short remark beside the bar.
    fn note(&self, text: &str);
    /// The work is done.
    fn end(&self);
}

/// Shows nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn begin(&self, _: &str, _: u64) {}
    fn advance(&self, _: u64) {}
    fn note(&self, _: &str) {}
    fn end(&self) {}
}
