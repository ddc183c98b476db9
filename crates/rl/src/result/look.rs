//! What is to be done to a photo of a shoot, decided before any of them is written.

use dodge_imaging::Recipe;

use crate::photo::agent::Found;
use crate::result::made::Own;

/// What is to be done to a photo, decided with others.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// What the model wanted to do to it by itself.
    pub found: Found,
    /// When it was taken, in seconds, where it says so.
    pub taken: Option<i64>,
    /// The edits of its shoot, or its own where it is in none.
    pub recipe: Recipe,
    /// Which shoot it is of, counted from 1 by time, and how many photos that has.
    pub shoot: Option<(usize, usize)>,
    pub(crate) photo_sha256: String,
    pub(crate) own: Own,
}
