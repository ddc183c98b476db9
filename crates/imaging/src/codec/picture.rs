//! All that a picture file holds.

use std::borrow::Cow;

use rayon::prelude::*;

use super::{Metadata, Note};
use crate::profile::{Meaning, Profile};
use crate::{Photo, Sample};

/// What a picture file holds: the pixels at the depth of the file, and what it says about them.
///
/// ```
/// # use dodge_imaging::{Encoding, Metadata, Photo, Picture, Pixels};
/// let photo = Photo::from_fn(8, 8, |x, y| [x as u16 * 8000, y as u16 * 8000, 9])?;
/// let metadata = Metadata { xmp: Some(b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>".to_vec()), ..Metadata::default() };
/// let bytes = Picture { metadata, ..Pixels::Sixteen(photo).into() }.encode(Encoding::Png)?;
/// let picture = Picture::decode(&bytes)?;
/// assert!(matches!(picture.pixels, Pixels::Sixteen(_)) && picture.metadata.xmp.is_some());
/// # Ok::<(), dodge_imaging::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// The pixels, turned upright. What their values mean, the profile in the metadata says.
    pub pixels: Pixels,
    /// What is carried from the file to the result.
    pub metadata: Metadata,
    /// What was left out or decided while the file was read.
    pub notes: Vec<Note>,
    /// The quality of the JPEG that the picture comes from, 1 to 100, told by its tables.
    pub quality: Option<u8>,
}

/// The pixels of a picture, as the file has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pixels {
    /// 8 bit.
    Eight(Photo),
    /// 16 bit; floats are reduced to it.
    Sixteen(Photo<u16>),
}

impl Picture {
    /// The picture as it is seen: 8 bit, its colours those of sRGB, the nearest for what sRGB does not have.
    #[must_use]
    pub fn seen(&self) -> Cow<'_, Photo> {
        let Meaning::Other(read) = self.meaning() else { return self.pixels.to_eight() };
        let seen = match &self.pixels {
            Pixels::Eight(photo) => read.for_depth().map(|profile| in_srgb(photo, &profile)),
            Pixels::Sixteen(photo) => read.for_depth().map(|profile| in_srgb(photo, &profile)),
        };
        seen.map_or_else(|| self.pixels.to_eight(), Cow::Owned)
    }

    /// The same, where the picture itself is needed no more.
    #[must_use]
    pub fn into_seen(self) -> Photo {
        let other = match self.seen() {
            Cow::Owned(seen) => Some(seen),
            Cow::Borrowed(_) => None,
        };
        other.unwrap_or_else(|| self.pixels.into_eight())
    }

    /// The picture with values of sRGB in place of those of its profile, at its depth. Colours that sRGB does not have become the nearest.
    #[must_use]
    pub fn into_srgb(mut self) -> Self {
        if let Meaning::Other(read) = self.meaning() {
            let pixels = match &self.pixels {
                Pixels::Eight(photo) => read.for_depth().map(|profile| Pixels::Eight(in_srgb(photo, &profile))),
                Pixels::Sixteen(photo) => read.for_depth().map(|profile| Pixels::Sixteen(in_srgb(photo, &profile))),
            };
            // One that makes no sense is taken for sRGB, as everywhere.
            self.pixels = pixels.unwrap_or(self.pixels);
        }
        self.metadata.become_srgb();
        self
    }

    pub(crate) fn meaning(&self) -> Meaning {
        Meaning::of(self.metadata.icc.as_deref())
    }
}

/// Rows that a thread converts at a time.
const ROWS: usize = 16;

/// The photo in sRGB, at another depth or the same.
fn in_srgb<T: Sample, U: Sample>(photo: &Photo<T>, profile: &Profile<T>) -> Photo<U> {
    let piece = photo.width() as usize * 3 * ROWS;
    let mut pixels = vec![U::default(); photo.pixels().len()];
    pixels.par_chunks_mut(piece).zip(photo.pixels().par_chunks(piece)).for_each_init(
        || vec![0.0; piece],
        |levels, (pixels, values)| {
            let levels = &mut levels[..values.len()];
            profile.to_levels(values, levels);
            pixels.iter_mut().zip(levels).for_each(|(value, level)| *value = U::from_level(*level));
        },
    );
    Photo::new(photo.width(), photo.height(), pixels).expect("the size stays")
}

impl From<Photo> for Picture {
    fn from(photo: Photo) -> Self {
        Self::from(Pixels::Eight(photo))
    }
}

impl From<Pixels> for Picture {
    fn from(pixels: Pixels) -> Self {
        Self { pixels, metadata: Metadata::default(), notes: Vec::new(), quality: None }
    }
}

impl Pixels {
    /// Width and height.
    #[must_use]
    pub fn size(&self) -> (u32, u32) {
        match self {
            Self::Eight(photo) => (photo.width(), photo.height()),
            Self::Sixteen(photo) => (photo.width(), photo.height()),
        }
    }

    /// The values in 8 bit: these, or those reduced to the nearest values where it has 16.
    #[must_use]
    pub fn to_eight(&self) -> Cow<'_, Photo> {
        match self {
            Self::Eight(photo) => Cow::Borrowed(photo),
            Self::Sixteen(photo) => Cow::Owned(photo.to_depth()),
        }
    }

    /// The values in 8 bit, reduced to the nearest values where it has 16.
    #[must_use]
    pub fn into_eight(self) -> Photo {
        match self {
            Self::Eight(photo) => photo,
            Self::Sixteen(photo) => photo.to_depth(),
        }
    }
}
