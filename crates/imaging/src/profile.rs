//! What the values of a picture mean: its colour profile, as a way from its values to sRGB and back.
//!
//! sRGB is meant without ends here: a colour that a file has and sRGB does not lies below 0 or above 255, so that nothing is lost on the
//! way. The intent is relative colorimetric: white becomes white, and every other colour itself. The crate `moxcms` reads profiles;
//! its conversions end at black and white, and those through tables go through a coarse one, so that the few lines of arithmetic are here.

mod curve;
mod own;
mod shaper;
mod table;

use moxcms::{ColorProfile, DataColorSpace, LutWarehouse, Matrix3d};

#[cfg(feature = "raw")]
pub(crate) use self::curve::FromLight;
pub(crate) use self::own::{adobe_rgb, of_grey, srgb_with_curve, written};
use self::shaper::Shaper;
#[cfg(feature = "raw")]
pub(crate) use self::shaper::encoded;
use self::table::Table;
use crate::Sample;
use crate::guarded::guarded;

/// How a picture's values become sRGB, and sRGB the picture's values. Made for values of one depth.
pub(crate) struct Profile<T> {
    way: Way<T>,
}

enum Way<T> {
    Shaper(Box<Shaper<T>>),
    Table(Box<Table>),
}

/// What a profile says.
pub(crate) enum Meaning {
    /// The values are sRGB: no value of 8 bit would become one that is further than the next.
    Srgb,
    /// They are something else.
    Other(Read),
    /// It cannot be read, or says nothing that is known here.
    Unreadable,
}

/// A profile that was read.
pub(crate) struct Read(Box<ColorProfile>);

impl Meaning {
    /// Of the bytes of a profile. None are sRGB.
    pub(crate) fn of(icc: Option<&[u8]>) -> Self {
        let Some(icc) = icc else { return Self::Srgb };
        // A profile comes from a file as all else: should its reader panic on it, it cannot be read.
        let read = guarded(|| ColorProfile::new_from_slice(icc));
        match read.map_err(|_| ()).and_then(|read| read.map_err(|_| ())) {
            Ok(profile) if profile.color_space != DataColorSpace::Rgb => Self::Unreadable,
            Ok(profile) if Table::is_in(&profile) => Self::Other(Read(Box::new(profile))),
            Ok(profile) if profile.is_matrix_shaper() && profile.pcs == DataColorSpace::Xyz => {
                match shaper::is_srgb(&profile) {
                    None => Self::Unreadable,
                    Some(true) => Self::Srgb,
                    Some(false) => Self::Other(Read(Box::new(profile))),
                }
            }
            _ => Self::Unreadable,
        }
    }
}

impl Read {
    /// Made ready for values of a depth. None where the profile turns out to make no sense.
    pub(crate) fn for_depth<T: Sample>(&self) -> Option<Profile<T>> {
        let way = if Table::is_in(&self.0) {
            Way::Table(Box::new(Table::of(&self.0)?))
        } else {
            Way::Shaper(Box::new(Shaper::of(&self.0)?))
        };
        Some(Profile { way })
    }
}

impl<T: Sample> Profile<T> {
    /// Levels of sRGB, below 0 and above 255 for what sRGB does not have, of values `[red, green, blue]` interleaved.
    pub(crate) fn to_levels(&self, values: &[T], levels: &mut [f32]) {
        match &self.way {
            Way::Shaper(shaper) => shaper.to_levels(values, levels),
            Way::Table(table) => {
                for (pixel, levels) in values.as_chunks::<3>().0.iter().zip(levels.as_chunks_mut::<3>().0) {
                    *levels = table.to_levels(pixel.map(|value| value.to_level() / 255.0));
                }
            }
        }
    }

    /// The nearest values that the file can have.
    pub(crate) fn to_values(&self, levels: &[f32], values: &mut [T]) {
        match &self.way {
            Way::Shaper(shaper) => shaper.to_values(levels, values),
            Way::Table(table) => {
                for (values, levels) in values.as_chunks_mut::<3>().0.iter_mut().zip(levels.as_chunks::<3>().0) {
                    *values = table.to_values(*levels).map(|value| T::from_level(value * 255.0));
                }
            }
        }
    }

    /// Whether there is a way back: profiles of scanners and cameras may know only what their values look like.
    pub(crate) fn has_way_back(&self) -> bool {
        match &self.way {
            Way::Shaper(_) => true,
            Way::Table(table) => table.has_way_back(),
        }
    }
}

/// The light of sRGB's primaries as XYZ, adapted from D65 (0.3127, 0.329) to D50 by Bradford's matrix, as LittleCMS and most programs that
/// write profiles compute it. Those of other programs differ in the fourth digit.
const SRGB_TO_XYZ: Matrix3d = Matrix3d {
    v: [
        [0.436_041_252, 0.385_112_911, 0.143_045_838],
        [0.222_484_540, 0.716_905_079, 0.060_610_381],
        [0.013_920_187, 0.097_067_239, 0.713_912_574],
    ],
};

/// A table of the relative colorimetric intent, else of the perceptual one, as profiles are meant to be read.
fn lut<'a>(first: &'a Option<LutWarehouse>, second: &'a Option<LutWarehouse>) -> Option<&'a LutWarehouse> {
    first.as_ref().or(second.as_ref())
}
