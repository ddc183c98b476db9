//! How large an encoder is.

/// The size of an encoder.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct EncoderSize {
    /// Features that it yields.
    pub(crate) features: usize,
    /// Numbers that it consists of, learnt or not.
    pub(crate) numbers: usize,
}
