//! The values of a TIFF's picture.
//!
//! The crate `tiff` unpacks strips and tiles. It gets a directory that is written here: grey, with as many values for each pixel
//! as the file has, one plane at a time where colours stand apart, all numbers in the types that it knows. What the values mean
//! is decided here alone, so that none is taken for what it is not.

use std::io::{self, Read, Seek, SeekFrom};

use image::metadata::Orientation;
use image::{DynamicImage, ImageBuffer};
use tiff::decoder::{Decoder, DecodingResult, Limits};

use super::super::fields::{Directory, Field};
use super::super::found::{Found, Name};
use super::super::{Metadata, Note, WORKING_BYTES};
use super::pages::{self, COMPRESSION, HEIGHT, PHOTOMETRIC, WIDTH};
use crate::Error;

const BITS: u16 = 0x0102;
const FILL_ORDER: u16 = 0x010a;
const STRIP_OFFSETS: u16 = 0x0111;
const SAMPLES: u16 = 0x0115;
const ROWS_PER_STRIP: u16 = 0x0116;
const STRIP_LENGTHS: u16 = 0x0117;
const PLANAR: u16 = 0x011c;
const PREDICTOR: u16 = 0x013d;
const COLOUR_MAP: u16 = 0x0140;
const TILE_WIDTH: u16 = 0x0142;
const TILE_HEIGHT: u16 = 0x0143;
const TILE_OFFSETS: u16 = 0x0144;
const TILE_LENGTHS: u16 = 0x0145;
const INK_SET: u16 = 0x014c;
const EXTRA_SAMPLES: u16 = 0x0152;
const SAMPLE_FORMAT: u16 = 0x0153;
const JPEG_TABLES: u16 = 0x015b;
const YCC_COEFFICIENTS: u16 = 0x0211;
const YCC_SUBSAMPLING: u16 = 0x0212;
const BLACK_AND_WHITE: u16 = 0x0214;

const JPEG: u64 = 7;

/// What the values of a pixel mean.
enum Colours {
    Grey {
        white_is_zero: bool,
    },
    Rgb,
    /// Red, green and blue of 16 bit, each for all entries.
    Palette(Vec<u64>),
    Cmyk,
    /// Shares of red, green and blue in brightness.
    Ycc([f64; 3]),
}

impl Colours {
    fn channels(&self) -> usize {
        match self {
            Self::Grey { .. } | Self::Palette(_) => 1,
            Self::Rgb | Self::Ycc(_) => 3,
            Self::Cmyk => 4,
        }
    }
}

/// What the directory says of the values.
struct Layout<'a> {
    directory: &'a Directory,
    name: Name<'a>,
    size: (u32, u32),
    bits: u64,
    /// 1: whole numbers, 3: floats.
    format: u64,
    samples: usize,
    colours: Colours,
    /// Which value is an alpha channel.
    alpha: Option<usize>,
}

pub(in super::super) fn decode(bytes: &[u8], name: Name<'_>) -> Result<Found, Error> {
    let chosen = pages::choose(bytes, name)?;
    let layout = Layout::read(&chosen.directory, chosen.size, name)?;
    name.check_size(chosen.size, bytes.len())?;
    let mut notes = chosen.notes;
    let image = layout.image(bytes, &mut notes)?;
    let metadata = Metadata::of_tiff(&chosen.directory, &chosen.first, &mut notes);
    let orientation = Orientation::from_exif(chosen.orientation).unwrap_or(Orientation::NoTransforms);
    Ok(Found { orientation, notes, ..Found::new(image, metadata) })
}

impl<'a> Layout<'a> {
    fn read(directory: &'a Directory, size: (u32, u32), name: Name<'a>) -> Result<Self, Error> {
        let number = |tag, default| directory.number(tag).unwrap_or(default);
        let same =
            |tag, default| match directory.numbers(tag) {
                None => Ok(default),
                Some(all) if all.first().is_some_and(|first| all.iter().all(|each| each == first)) => Ok(all[0]),
                Some(all) => Err(name
                    .unsupported(format!("its channels differ in depth or kind ({all:?}): save it with equal ones"))),
            };
        let (bits, format) = (same(BITS, 1)?, same(SAMPLE_FORMAT, 1)?);
        let samples = usize::try_from(number(SAMPLES, 1)).unwrap_or(0);
        if samples == 0 || samples > 64 {
            return Err(name.damaged(format!("it has {samples} values for each pixel")));
        }
        match (format, bits) {
            // 4 is "undefined", which all programs read as whole numbers.
            (1 | 4, 1 | 2 | 4 | 8 | 16 | 32 | 64) | (3, 16 | 32 | 64) => {}
            (2, _) => {
                return Err(name.unsupported(
                    "its values are signed numbers, of which nothing says what is white: save it with unsigned ones",
                ));
            }
            (5 | 6, _) => return Err(name.unsupported("its values are complex numbers: that is no photo")),
            _ => return Err(name.unsupported(format!("it has {bits} bits for each value: save it with 8 or 16"))),
        }
        if number(FILL_ORDER, 1) != 1 {
            return Err(name.unsupported("its bits are stored in reverse order: save it anew in another program"));
        }
        let photometric =
            directory.number(PHOTOMETRIC).ok_or_else(|| name.damaged("it does not say what its values mean"))?;
        let colours = match photometric {
            0 | 1 => Colours::Grey { white_is_zero: photometric == 0 },
            2 => Colours::Rgb,
            3 => palette(directory, bits).ok_or_else(|| name.damaged("its palette is missing or too short"))?,
            5 if number(INK_SET, 1) == 1 => Colours::Cmyk,
            5 => {
                return Err(name.unsupported(
                    "it is separated into other inks than cyan, magenta, yellow and black: save it as RGB",
                ));
            }
            6 => Colours::Ycc(ycc(directory, name)?),
            8..=10 => return Err(name.unsupported("its colours are CIE Lab: save it as RGB")),
            32_844 | 32_845 => return Err(name.unsupported("its colours are LogLuv: save it as RGB of 16 bit")),
            other => {
                return Err(
                    name.unsupported(format!("its colours are of kind {other}, which is not read: save it as RGB"))
                );
            }
        };
        let channels = colours.channels();
        if samples < channels {
            return Err(
                name.damaged(format!("it has {samples} values for each pixel where its colours need {channels}"))
            );
        }
        let extra = directory.numbers(EXTRA_SAMPLES).unwrap_or_default();
        let named = extra.iter().position(|kind| matches!(kind, 1 | 2)).map(|place| channels + place);
        // Four values for red, green and blue without a word are read as an alpha channel everywhere.
        let guessed = (extra.is_empty() && samples == channels + 1).then_some(channels);
        let alpha = named.or(guessed).filter(|place| *place < samples);
        Ok(Self { directory, name, size, bits, format, samples, colours, alpha })
    }

    fn image(&self, bytes: &[u8], notes: &mut Vec<Note>) -> Result<DynamicImage, Error> {
        let planes = self.directory.number(PLANAR) == Some(2) && self.samples > 1;
        let values = if planes {
            // Colours that stand apart are put together; values beyond colour and alpha are not even unpacked.
            let wanted = self.alpha.map_or(self.colours.channels(), |alpha| alpha + 1);
            let planes =
                (0..wanted).map(|plane| self.unpack(bytes, Some(plane), notes)).collect::<Result<Vec<_>, _>>()?;
            Values::together(planes)
        } else {
            self.unpack(bytes, None, notes)?
        };
        let samples = values.len() / (self.size.0 as usize * self.size.1 as usize);
        let (width, height) = self.size;
        let image = match values {
            Values::Eight(values) => {
                let rgb = self.rgb(values, samples, notes);
                ImageBuffer::from_raw(width, height, rgb).map(DynamicImage::ImageRgb8)
            }
            Values::Sixteen(values) => {
                let rgb = self.rgb(values, samples, notes);
                ImageBuffer::from_raw(width, height, rgb).map(DynamicImage::ImageRgb16)
            }
        };
        let image = image.ok_or_else(|| self.name.damaged("it has fewer values than pixels"))?;
        // A palette of 16 bit as programs fill it: the upper byte twice. Then 8 say all.
        match (&self.colours, image) {
            (Colours::Palette(map), DynamicImage::ImageRgb16(wide)) if map.iter().all(|value| value % 257 == 0) => {
                Ok(DynamicImage::ImageRgb8(DynamicImage::ImageRgb16(wide).into_rgb8()))
            }
            (_, image) => Ok(image),
        }
    }

    /// All values, or those of one plane, whole numbers of 8 or 16 bit over their full range.
    fn unpack(&self, bytes: &[u8], plane: Option<usize>, notes: &mut Vec<Note>) -> Result<Values, Error> {
        let failed = |error: tiff::TiffError| match error {
            tiff::TiffError::UnsupportedError(error) => {
                self.name.unsupported(format!("{error}: save it uncompressed or with deflate"))
            }
            error => self.name.damaged(error),
        };
        let big_endian = bytes.starts_with(b"MM");
        let directory = self.normalised(bytes, plane)?;
        let samples = if plane.is_some() { 1 } else { self.samples };
        let whole = self.size.0 as usize * self.size.1 as usize * samples * (self.bits as usize).div_ceil(8);
        let mut limits = Limits::default();
        limits.decoding_buffer_size = whole + 64;
        limits.intermediate_buffer_size = whole + WORKING_BYTES;
        let file = Rewritten::new(bytes, big_endian, &directory);
        let mut decoder = Decoder::new(file).map_err(failed)?.with_limits(limits);
        let packed = decoder.read_image().map_err(failed)?;
        let rows = self.size.1 as usize;
        let row = self.size.0 as usize * samples;
        Ok(match packed {
            DecodingResult::U8(values) if self.bits == 8 => Values::Eight(values),
            DecodingResult::U8(values) => Values::Eight(self.unpacked_bits(&values, rows, row)),
            DecodingResult::U16(values) => Values::Sixteen(values),
            DecodingResult::U32(values) => {
                Values::Sixteen(values.into_iter().map(|value| ((u64::from(value) + 32_768) / 65_537) as u16).collect())
            }
            DecodingResult::U64(values) => {
                Values::Sixteen(values.into_iter().map(|value| (value >> 48) as u16).collect())
            }
            DecodingResult::F16(values) => {
                self.floats(values.into_iter().map(|value| f64::from(value.to_f32())), notes)?
            }
            DecodingResult::F32(values) => self.floats(values.into_iter().map(f64::from), notes)?,
            DecodingResult::F64(values) => self.floats(values.into_iter(), notes)?,
            _ => return Err(self.name.unsupported("its values are signed numbers: save it with unsigned ones")),
        })
    }

    /// Values of 1, 2 or 4 bits, over the range of 8; those of a palette stay as they are. Rows begin with whole bytes.
    fn unpacked_bits(&self, packed: &[u8], rows: usize, row: usize) -> Vec<u8> {
        let bits = self.bits as usize;
        let most = (1_u8 << bits) - 1;
        let scale = if matches!(self.colours, Colours::Palette(_)) { 1 } else { 255 / most };
        let bytes = (row * bits).div_ceil(8);
        let mut values = Vec::with_capacity(rows * row);
        for line in packed.chunks_exact(bytes).take(rows) {
            values.extend((0..row).map(|place| {
                let at = place * bits;
                (line[at / 8] >> (8 - bits - at % 8) & most) * scale
            }));
        }
        values
    }

    /// Floats from 0 to 1 as 16 bit.
    fn floats(&self, values: impl ExactSizeIterator<Item = f64>, notes: &mut Vec<Note>) -> Result<Values, Error> {
        let count = values.len();
        let mut beyond = 0;
        let to_sixteen = |value: f64| {
            // A little above is what rounding makes of white.
            beyond += usize::from(value > 1.001);
            (value.clamp(0.0, 1.0) * 65_535.0).round() as u16
        };
        let values: Vec<u16> = values.map(to_sixteen).collect();
        if beyond > count / 2 {
            return Err(self
                .name
                .unsupported("its floats do not lie between 0 (black) and 1 (white): divide them by what is white"));
        }
        if beyond > 0 && !notes.contains(&Note::Clipped) {
            notes.push(Note::Clipped);
        }
        Ok(Values::Sixteen(values))
    }

    /// The directory for the crate `tiff`: tag, type and numbers, by tags.
    fn normalised(&self, bytes: &[u8], plane: Option<usize>) -> Result<Vec<(u16, u16, Vec<u64>)>, Error> {
        let number = |tag| self.directory.number(tag);
        let (width, height) = self.size;
        let compression = number(COMPRESSION).unwrap_or(1);
        let predictor = number(PREDICTOR).unwrap_or(1);
        let samples = if plane.is_some() { 1 } else { self.samples as u64 };
        let tiled = self.directory.fields.contains_key(&TILE_OFFSETS);
        let (offsets, lengths) = if tiled { (TILE_OFFSETS, TILE_LENGTHS) } else { (STRIP_OFFSETS, STRIP_LENGTHS) };
        let missing = || self.name.damaged("it does not tell where its values stand");
        let chunks = self.directory.numbers(offsets).ok_or_else(missing)?;
        let mut sizes = self.directory.numbers(lengths).unwrap_or_default();
        if sizes.is_empty() && chunks.len() == 1 {
            // Old programs leave out the length of the only strip.
            sizes.push((bytes.len() as u64).saturating_sub(chunks[0]));
        }
        let rows = number(ROWS_PER_STRIP).filter(|rows| *rows > 0).unwrap_or(u64::MAX).min(height.into());
        let (across, down) = if tiled {
            let side = |tag| number(tag).filter(|side| (1..=1 << 20).contains(side));
            side(TILE_WIDTH).zip(side(TILE_HEIGHT)).ok_or_else(|| self.name.damaged("its tiles have no size"))?
        } else {
            (width.into(), rows)
        };
        let each = u64::from(width).div_ceil(across) * u64::from(height).div_ceil(down);
        let from = each.saturating_mul(plane.unwrap_or(0) as u64);
        let part = |all: &[u64]| -> Option<Vec<u64>> {
            let (from, to) = (usize::try_from(from).ok()?, usize::try_from(from.checked_add(each)?).ok()?);
            all.get(from..to).map(<[u64]>::to_vec)
        };
        let too_few = || self.name.damaged("it has too few strips or tiles for its size");
        let (chunks, sizes) = (part(&chunks).ok_or_else(too_few)?, part(&sizes).ok_or_else(too_few)?);
        let end = bytes.len() as u64;
        if chunks.iter().zip(&sizes).any(|(at, length)| at.checked_add(*length).is_none_or(|to| to > end)) {
            return Err(self.name.damaged("it is cut off: some of its values would stand behind its end"));
        }
        let mut fields = vec![
            (WIDTH, 4, vec![width.into()]),
            (HEIGHT, 4, vec![height.into()]),
            (BITS, 3, vec![self.bits; samples as usize]),
            (COMPRESSION, 3, vec![compression]),
            (PHOTOMETRIC, 3, vec![1]),
        ];
        if !tiled {
            fields.extend([(STRIP_OFFSETS, 4, chunks.clone())]);
        }
        fields.push((SAMPLES, 3, vec![samples]));
        if !tiled {
            fields.extend([(ROWS_PER_STRIP, 4, vec![rows]), (STRIP_LENGTHS, 4, sizes.clone())]);
        }
        fields.extend([(PLANAR, 3, vec![1]), (PREDICTOR, 3, vec![predictor])]);
        if tiled {
            fields.extend([(TILE_WIDTH, 4, vec![across]), (TILE_HEIGHT, 4, vec![down])]);
            fields.extend([(TILE_OFFSETS, 4, chunks), (TILE_LENGTHS, 4, sizes)]);
        }
        fields.push((SAMPLE_FORMAT, 3, vec![if self.format == 4 { 1 } else { self.format }]));
        if let Some(tables) = self.directory.fields.get(&JPEG_TABLES).filter(|_| compression == JPEG) {
            fields.push((JPEG_TABLES, 7, tables.value.iter().map(|byte| u64::from(*byte)).collect()));
        }
        Ok(fields)
    }

    /// Red, green and blue of the values.
    fn rgb<T: Channel>(&self, values: Vec<T>, samples: usize, notes: &mut Vec<Note>) -> Vec<T> {
        if let Some(alpha) = self.alpha.filter(|alpha| *alpha < samples)
            && values.chunks_exact(samples).any(|pixel| pixel[alpha].to_u32() < T::MOST)
        {
            notes.push(Note::AlphaDropped);
        }
        let pixels = values.chunks_exact(samples);
        match &self.colours {
            Colours::Rgb if samples == 3 => values,
            Colours::Rgb => pixels.flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect(),
            Colours::Grey { white_is_zero } => pixels
                .flat_map(|pixel| [if *white_is_zero { T::from_u32(T::MOST - pixel[0].to_u32()) } else { pixel[0] }; 3])
                .collect(),
            Colours::Palette(map) => {
                let entries = map.len() / 3;
                let entry = |index: usize, colour: usize| {
                    T::from_u32(T::of_sixteen(map[colour * entries + index.min(entries - 1)]))
                };
                pixels
                    .flat_map(|pixel| {
                        std::array::from_fn::<T, 3, _>(|colour| entry(pixel[0].to_u32() as usize, colour))
                    })
                    .collect()
            }
            Colours::Cmyk => pixels
                .flat_map(|pixel| {
                    let light = T::MOST - pixel[3].to_u32();
                    [0, 1, 2].map(|ink| {
                        let taken = u64::from(pixel[ink].to_u32()) * u64::from(light) + u64::from(T::MOST / 2);
                        T::from_u32(light - (taken / u64::from(T::MOST)) as u32)
                    })
                })
                .collect(),
            Colours::Ycc([red, green, blue]) => pixels
                .flat_map(|pixel| {
                    let middle = f64::from(T::MOST / 2 + 1);
                    let [y, cb, cr] = [0, 1, 2].map(|place| f64::from(pixel[place].to_u32()));
                    let r = y + (2.0 - 2.0 * red) * (cr - middle);
                    let b = y + (2.0 - 2.0 * blue) * (cb - middle);
                    let g = (y - red * r - blue * b) / green;
                    [r, g, b].map(|value| T::from_u32(value.round().clamp(0.0, f64::from(T::MOST)) as u32))
                })
                .collect(),
        }
    }
}

fn palette(directory: &Directory, bits: u64) -> Option<Colours> {
    let map = directory.numbers(COLOUR_MAP)?;
    (bits <= 16 && map.len() as u64 >= 3 << bits).then_some(Colours::Palette(map))
}

fn ycc(directory: &Directory, name: Name<'_>) -> Result<[f64; 3], Error> {
    let fractions = |tag: u16| directory.fields.get(&tag).map(fractions);
    if directory.number(COMPRESSION) != Some(JPEG) && directory.numbers(YCC_SUBSAMPLING).as_deref() != Some(&[1, 1]) {
        return Err(name.unsupported("its colours are stored coarser than its brightness: save it as RGB"));
    }
    if let Some(range) = fractions(BLACK_AND_WHITE)
        && range != [0.0, 255.0, 128.0, 255.0, 128.0, 255.0]
    {
        return Err(name.unsupported("its black and white are those of video: save it as RGB"));
    }
    let shares = fractions(YCC_COEFFICIENTS).unwrap_or_else(|| vec![0.299, 0.587, 0.114]);
    match shares[..] {
        [red, green, blue] if (red + green + blue - 1.0).abs() < 0.01 && green > 0.01 => Ok([red, green, blue]),
        _ => Err(name.damaged("its colours are told by impossible shares")),
    }
}

fn fractions(field: &Field) -> Vec<f64> {
    let parts = field.value.as_chunks::<8>().0.iter();
    parts
        .map(|part| Field { kind: field.kind, count: 1, value: part.to_vec() }.fraction().unwrap_or(f64::NAN))
        .collect()
}

enum Values {
    Eight(Vec<u8>),
    Sixteen(Vec<u16>),
}

impl Values {
    fn len(&self) -> usize {
        match self {
            Self::Eight(values) => values.len(),
            Self::Sixteen(values) => values.len(),
        }
    }

    /// The values of planes of one depth, pixel by pixel.
    fn together(planes: Vec<Self>) -> Self {
        fn woven<T: Copy>(planes: &[Vec<T>]) -> Vec<T> {
            let length = planes.iter().map(Vec::len).min().unwrap_or(0);
            (0..length).flat_map(|place| planes.iter().map(move |plane| plane[place])).collect()
        }
        let (mut eight, mut sixteen) = (Vec::new(), Vec::new());
        for plane in planes {
            match plane {
                Self::Eight(plane) => eight.push(plane),
                Self::Sixteen(plane) => sixteen.push(plane),
            }
        }
        if sixteen.is_empty() { Self::Eight(woven(&eight)) } else { Self::Sixteen(woven(&sixteen)) }
    }
}

/// A value of 8 or 16 bit.
trait Channel: Copy {
    const MOST: u32;
    fn to_u32(self) -> u32;
    fn from_u32(value: u32) -> Self;
    /// A value of 16 bit at this depth.
    fn of_sixteen(value: u64) -> u32;
}

impl Channel for u8 {
    const MOST: u32 = 255;
    fn to_u32(self) -> u32 {
        self.into()
    }
    fn from_u32(value: u32) -> Self {
        value as Self
    }
    fn of_sixteen(value: u64) -> u32 {
        // The upper byte: writers fill both with it, or leave the lower one empty.
        (value.min(65_535) >> 8) as u32
    }
}

impl Channel for u16 {
    const MOST: u32 = 65_535;
    fn to_u32(self) -> u32 {
        self.into()
    }
    fn from_u32(value: u32) -> Self {
        value as Self
    }
    fn of_sixteen(value: u64) -> u32 {
        value.min(65_535) as u32
    }
}

/// The bytes of a file with another header and a directory behind its end.
struct Rewritten<'a> {
    bytes: &'a [u8],
    head: [u8; 8],
    tail: Vec<u8>,
    at: u64,
}

impl<'a> Rewritten<'a> {
    fn new(bytes: &'a [u8], big_endian: bool, fields: &[(u16, u16, Vec<u64>)]) -> Self {
        let short = |value: u64| if big_endian { (value as u16).to_be_bytes() } else { (value as u16).to_le_bytes() };
        let long = |value: u64| if big_endian { (value as u32).to_be_bytes() } else { (value as u32).to_le_bytes() };
        let start = bytes.len() as u64;
        let length = 2 + 12 * fields.len() as u64 + 4;
        let (mut entries, mut behind) = (short(fields.len() as u64).to_vec(), Vec::new());
        for (tag, kind, values) in fields {
            let content: Vec<u8> = match kind {
                3 => values.iter().flat_map(|value| short(*value)).collect(),
                4 => values.iter().flat_map(|value| long(*value)).collect(),
                _ => values.iter().map(|value| *value as u8).collect(),
            };
            entries.extend([short(u64::from(*tag)), short(u64::from(*kind))].concat());
            entries.extend(long(values.len() as u64));
            if content.len() <= 4 {
                entries.extend(&content);
                entries.resize(entries.len() + 4 - content.len(), 0);
            } else {
                entries.extend(long(start + length + behind.len() as u64));
                behind.extend(content);
            }
        }
        entries.extend([0; 4]);
        entries.extend(behind);
        let magic: [u8; 4] = if big_endian { *b"MM\0\x2a" } else { *b"II\x2a\0" };
        let mut head = [0; 8];
        head[..4].copy_from_slice(&magic);
        head[4..].copy_from_slice(&long(start));
        Self { bytes, head, tail: entries, at: 0 }
    }

    fn len(&self) -> u64 {
        (self.bytes.len() + self.tail.len()) as u64
    }
}

impl Read for Rewritten<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let bytes = self.bytes;
        let at = usize::try_from(self.at).unwrap_or(usize::MAX);
        let rest: &[u8] = if at < self.head.len() {
            &self.head[at..]
        } else if at < bytes.len() {
            &bytes[at..]
        } else {
            self.tail.get(at - bytes.len()..).unwrap_or_default()
        };
        let count = rest.len().min(to.len());
        to[..count].copy_from_slice(&rest[..count]);
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Rewritten<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.len().checked_add_signed(by),
        };
        self.at = at.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}
