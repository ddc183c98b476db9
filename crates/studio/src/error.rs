//! The one error type of this crate.

use std::net::SocketAddr;
use std::path::PathBuf;

/// What keeps a studio from being opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {reason}; choose another port with --port, or 0 for any that is free")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's reason.
        reason: String,
    },
    /// Anybody who reaches the address could use the studio.
    #[error(
        "everybody who reaches {address} could use the studio: name a secret of at least {least} characters with --token, or listen on 127.0.0.1"
    )]
    NoToken {
        /// The address.
        address: SocketAddr,
        /// Fewest characters of a secret.
        least: usize,
    },
    /// The folder cannot be listed, or has no photo.
    #[error(transparent)]
    Folder(#[from] dodge_data::Error),
    /// A file or folder cannot be used.
    #[error("cannot {action} {}: {reason}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// Another studio has the folder open.
    #[error("another studio has {} open: close it, or open another folder", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// There is no model.
    #[error("a studio needs a model")]
    NoModel,
}
