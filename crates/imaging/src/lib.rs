#![doc = include_str!("../README.md")]

mod algebra;
mod apply;
mod codec;
mod colour_table;
mod curve;
mod damage;
mod elsewhere;
mod error;
mod guarded;
mod header;
mod kernels;
mod lab;
mod marks;
mod operation;
mod photo;
mod profile;
mod recipe;
mod reduce;
mod render;
mod resize;
mod sample;
mod similarity;
mod sliders;
mod text;
mod version;
mod whole_file;

pub use codec::{
    Density, DensityUnit, Encoding, MAX_PIXELS, Metadata, Note, Picture, Pixels, Text, Tolerance, is_photo_file,
    is_raw_file, unread_format,
};
pub use colour_table::ColourTable;
pub use damage::{Damage, DamageKind, DamageStep, pair_damages};
pub use elsewhere::{Counterpart, Likeness, Program, Settings};
pub use error::Error;
pub use header::PictureHeader;
pub use lab::{LabConverter, luma};
pub use marks::{LabelColour, Marks};
pub use operation::{Axis, ChannelOrder, ChannelSet, Cost, Direction, Grey, Operation, OperationKind, Ratio};
pub use photo::Photo;
pub use recipe::{RECIPE_FORMAT, Recipe};
pub use reduce::reduce;
pub use sample::Sample;
pub use similarity::{PSNR_CAP_DB, delta_e_2000, mean_delta_e_2000, psnr_db, rmse, ssim};
pub use sliders::Sliders;
pub use text::{NotText, text_of};
pub use version::{CAMERA_DAMAGE_VERSION, DECODER_VERSION, RESAMPLER_VERSION, STANDARD_DAMAGE_VERSION};
pub use whole_file::{folder_of, synchronise_folder, temporary_beside, write_whole};
