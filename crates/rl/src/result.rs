//! What becomes of a person's photos: their edits, why each was made, in words, and where results go. It knows no run.

pub(crate) mod enhancer;
pub(crate) mod files;
pub(crate) mod instructor;
pub(crate) mod look;
pub(crate) mod made;
pub(crate) mod manifest;
pub(crate) mod places;
