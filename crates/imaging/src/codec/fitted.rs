//! What a format has room for of what is known of a picture.

use super::density::{Density, DensityUnit};
use super::exif::{self, density_fields};
use super::fields::Field;
use super::metadata::{COMMENT, Text};
use super::{Encoding, Metadata, Note, xmp};

/// Most bytes of a JPEG segment, after the two that tell its length; and of a block in one, after its header.
pub(super) const MAX_SEGMENT: usize = 65_533;
const MAX_EXIF: usize = MAX_SEGMENT - 6;
const MAX_XMP: usize = MAX_SEGMENT - 29;
/// After the header of Photoshop's resources, and with that of one resource.
const MAX_IPTC: usize = MAX_SEGMENT - 14 - 14;

/// The field of EXIF that means the same as a keyword of a PNG.
const FIELDS: [(&str, u16); 6] = [
    ("Title", 0x010d),
    ("Description", 0x010e),
    (COMMENT, 0x010e),
    ("Author", 0x013b),
    ("Software", 0x0131),
    ("Copyright", 0x8298),
];

impl Encoding {
    fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg { .. } => "image/jpeg",
            Self::Png => "image/png",
            Self::Tiff => "image/tiff",
            Self::WebP => "image/webp",
        }
    }

    /// With its article.
    fn in_words(self) -> &'static str {
        match self {
            Self::Jpeg { .. } => "a JPEG",
            Self::Png => "a PNG",
            Self::Tiff => "a TIFF",
            Self::WebP => "a WebP",
        }
    }
}

impl Metadata {
    /// What is written of it, with the size and format that the picture has now, and what has no place.
    pub(super) fn fitted(&self, encoding: Encoding, size: (u32, u32)) -> (Self, Vec<Note>) {
        let mut fitted = self.clone();
        let mut notes = Vec::new();
        let mut no_room = |what: &str| notes.push(Note::NoRoom { what: what.to_owned(), format: encoding.in_words() });
        if let Some(block) = &mut fitted.exif {
            // A crop changes the size.
            exif::set_size(block, size);
        }
        if let Some(packet) = &mut fitted.xmp
            && let Some(named) = xmp::fitted(packet, size, encoding.media_type())
        {
            *packet = named;
        }
        match encoding {
            Encoding::Jpeg { .. } => {
                let mut limited = |block: &mut Option<Vec<u8>>, limit: usize, what: &str| {
                    if block.as_ref().is_some_and(|block| block.len() > limit) {
                        *block = None;
                        no_room(what);
                    }
                };
                limited(&mut fitted.exif, MAX_EXIF, "an EXIF block of more than 64 kB");
                limited(&mut fitted.xmp, MAX_XMP, "an XMP packet of more than 64 kB");
                limited(&mut fitted.iptc, MAX_IPTC, "a set of IPTC records of more than 64 kB");
                fitted.texts.retain(|text| {
                    let fits = comment(text).len() <= MAX_SEGMENT;
                    if !fits {
                        no_room(&format!("its text {:?} of more than 64 kB", text.keyword));
                    }
                    fits
                });
            }
            Encoding::Png => {}
            Encoding::Tiff => fitted.move_to_fields(&mut no_room),
            Encoding::WebP => {
                if fitted.iptc.take().is_some() {
                    no_room("its set of IPTC records");
                }
                fitted.move_to_fields(&mut no_room);
            }
        }
        (fitted, notes)
    }

    /// Texts and density become fields of EXIF.
    fn move_to_fields(&mut self, no_room: &mut impl FnMut(&str)) {
        let mut fields: Vec<(u16, Field)> = Vec::new();
        let own = self.exif.as_deref().and_then(super::fields::Directory::first).unwrap_or_default();
        for text in std::mem::take(&mut self.texts) {
            let tag = FIELDS.iter().find(|(keyword, _)| *keyword == text.keyword).map(|(_, tag)| *tag);
            let free = |tag: &u16| !own.fields.contains_key(tag) && fields.iter().all(|(other, _)| other != tag);
            match tag.filter(free) {
                Some(tag) => fields.push((tag, Field::bytes(2, &[text.text.as_bytes(), b"\0"].concat()))),
                None => {
                    let same = tag.and_then(|tag| own.fields.get(&tag)).is_some_and(|field| {
                        field.value.strip_suffix(b"\0").unwrap_or(&field.value) == text.text.as_bytes()
                    });
                    if !same {
                        no_room(&format!("its text {:?}", text.keyword));
                    }
                }
            }
        }
        if let Some(density) =
            self.density.filter(|density| self.exif.as_deref().and_then(exif::density) != Some(*density))
        {
            fields.extend(density_fields(density));
        }
        if !fields.is_empty() {
            self.exif = exif::with_fields(self.exif.as_deref(), &fields).or(self.exif.take());
        }
    }
}

/// A text as the comment of a JPEG, which has no keywords.
pub(super) fn comment(text: &Text) -> String {
    if text.keyword == COMMENT { text.text.clone() } else { format!("{}: {}", text.keyword, text.text) }
}

/// Unit and numbers of a JFIF header.
pub(super) fn jfif(density: Density) -> (u8, [u16; 2]) {
    let whole = |numbers: [f64; 2]| numbers.map(|number| number.round().clamp(1.0, 65_535.0) as u16);
    match density.per(DensityUnit::Inch) {
        Some(numbers) => (1, whole(numbers)),
        None => {
            // A ratio of any numbers, in 16 bits.
            let most = f64::from(density.across.max(density.down));
            let scale = (65_535.0 / most).min(1.0);
            (0, whole([density.across, density.down].map(|number| f64::from(number) * scale)))
        }
    }
}
