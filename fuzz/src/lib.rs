//! What several targets share.

pub mod server;
pub mod tracked;
