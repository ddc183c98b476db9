//! The one error type of this crate.

use std::path::PathBuf;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// What can go wrong with photographs, operations and recipes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file could not be written; nothing was left behind under its name.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The bytes are not a picture that this crate reads.
    #[error("{name} is not a readable JPEG, PNG, TIFF or WebP picture: {source}")]
    Decode {
        /// The file, or a word for bytes in memory.
        name: String,
        /// The decoder's reason.
        source: Source,
    },
    /// The file is a picture of a kind that this crate does not read.
    #[error("cannot read {name}: {reason}")]
    Unsupported {
        /// The file, or a word for bytes in memory.
        name: String,
        /// What it is, and what to do.
        reason: String,
    },
    /// The picture could not be encoded.
    #[error("cannot encode a {width}x{height} picture: {source}")]
    Encode {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// The encoder's reason.
        source: Source,
    },
    /// The picture has more pixels than this crate accepts.
    #[error("{name} has {width}x{height} pixels, more than the {limit} accepted")]
    TooLarge {
        /// The file, or a word for bytes in memory.
        name: String,
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Largest number of pixels accepted.
        limit: u64,
    },
    /// The file extension names no format that can be written.
    #[error("cannot tell the format of {}: use the extension .jpg, .jpeg, .jpe, .jfif, .png, .tif, .tiff or .webp", path.display())]
    UnknownExtension {
        /// The file.
        path: PathBuf,
    },
    /// A recipe has no table of colours.
    #[error("no colour table can hold this: {reason}")]
    NoColourTable {
        /// Why, and which operations.
        reason: String,
    },
    /// A recipe cannot become the settings of another program.
    #[error("{program} has no settings for this: {reason}")]
    NoSettings {
        /// The program.
        program: &'static str,
        /// Why, and which operations.
        reason: String,
    },
    /// Pixels and size do not agree, or a side is zero.
    #[error("a {width}x{height} photo needs {expected} values, got {got}")]
    Shape {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Values needed, three for each pixel.
        expected: u64,
        /// Values given.
        got: u64,
    },
    /// Two photos that must have the same size do not.
    #[error("photos differ in size: expected {}x{}, got {}x{}", expected.0, expected.1, got.0, got.1)]
    SizeMismatch {
        /// Width and height of the first.
        expected: (u32, u32),
        /// Width and height of the second.
        got: (u32, u32),
    },
    /// The text names no operation.
    #[error("unknown operation `{text}`: expected one of {known}")]
    UnknownOperation {
        /// The text.
        text: String,
        /// All known kinds.
        known: String,
    },
    /// The strength of an operation is missing, malformed or out of range.
    #[error("operation `{text}`: {reason}")]
    InvalidStrength {
        /// The text.
        text: String,
        /// What is wrong with it and what is accepted.
        reason: String,
    },
    /// A recipe file cannot be used.
    #[error("recipe {}: {reason}", path.display())]
    Recipe {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}
