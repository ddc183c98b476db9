//! Whole-program tests of `dodge`; see the `tests` folder.
