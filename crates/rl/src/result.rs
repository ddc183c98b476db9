//! What becomes of a person's photos: why an edit was made, in words, and where results go. It knows no run.

pub(crate) mod files;
pub(crate) mod instructor;
pub(crate) mod places;
