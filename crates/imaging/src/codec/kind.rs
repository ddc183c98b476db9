//! What a file is, by its first bytes.

/// Bytes that [`Kind::of`] looks at.
pub(super) const HEAD: usize = 32;

/// What a file is, by its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Jpeg,
    Png,
    Tiff,
    WebP,
    /// Values of a camera's sensor, with what such a file is called; most raw files begin like a TIFF and are told by what is in them.
    Raw(&'static str),
    /// Pictures in a format that is not read; a sentence that says what to do.
    Foreign(&'static str),
    Other,
}

const HEIC: &str = "it is a HEIC picture, which is not read: export it as JPEG or TIFF (an iPhone writes JPEGs when Settings > Camera > Formats is Most Compatible)";
const AVIF: &str =
    "it is an AVIF picture, which is not read: convert it to PNG or JPEG (libavif: `avifdec photo.avif photo.png`)";
const GIF: &str = "it is a GIF, which has 256 colours and is not read: convert it to PNG";
const BMP: &str = "it is a BMP picture, which is not read: convert it to PNG";
const JPEG_XL: &str = "it is a JPEG XL picture, which is not read: convert it to PNG or JPEG";
const JPEG_2000: &str = "it is a JPEG 2000 picture, which is not read: convert it to TIFF or PNG";
const PHOTOSHOP: &str = "it is a Photoshop document, which is not read: save it as TIFF";
const EXR: &str = "it is an OpenEXR picture, which is not read: export it as a TIFF of 16 bit";

const X3F: &str = "it is a raw file of Sigma (X3F), which is not read: convert it to a TIFF of 16 bit or a DNG";
const MRW: &str = "it is a raw file of Minolta (MRW), which is not read: convert it to a TIFF of 16 bit or a DNG";
const IIQ: &str = "it is a raw file of Phase One, which is not read: convert it to a TIFF of 16 bit or a DNG";
const CRW: &str = "it is a raw file of Canon (CRW), which is not read: convert it to a TIFF of 16 bit or a DNG";

/// How formats that are not read begin.
const FOREIGN: [(&[u8], &str); 11] = [
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
    (b"8BPS", PHOTOSHOP),
    (b"\xff\x0a", JPEG_XL),
    (b"\0\0\0\x0cJXL \r\n\x87\n", JPEG_XL),
    (b"\0\0\0\x0cjP  \r\n\x87\n", JPEG_2000),
    (b"\xff\x4f\xff\x51", JPEG_2000),
    (b"\x76\x2f\x31\x01", EXR),
    (b"FOVb", X3F),
    (b"\0MRM", MRW),
    (b"IIII", IIQ),
];

/// How raw files begin that are no TIFF.
const RAW: [(&[u8], &str); 5] = [
    (b"FUJIFILMCCD-RAW", "a raw file of Fujifilm (RAF)"),
    (b"IIU\0", "a raw file of Panasonic or Leica (RW2)"),
    (b"IIRO", OLYMPUS),
    (b"IIRS", OLYMPUS),
    (b"MMOR", OLYMPUS),
];
const OLYMPUS: &str = "a raw file of Olympus or OM System (ORF)";

/// What to do with a raw file, where none is read.
#[cfg(not(feature = "raw"))]
pub(crate) fn without_raw(kind: &str) -> String {
    format!(
        "it is {kind}, and this program was built without the feature `raw`: develop it first, to a TIFF of 16 bit or a JPEG"
    )
}

impl Kind {
    pub(crate) fn of(head: &[u8]) -> Self {
        if head.starts_with(&[0xff, 0xd8, 0xff]) {
            return Self::Jpeg;
        }
        if head.starts_with(b"\x89PNG\r\n\x1a\n") {
            return Self::Png;
        }
        if head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP") {
            return Self::WebP;
        }
        if [b"II\x2a\0", b"MM\0\x2a", b"II\x2b\0", b"MM\0\x2b"].iter().any(|magic| head.starts_with(*magic)) {
            let canon = head.get(8..11) == Some(b"CR\x02");
            return if canon { Self::Raw("a raw file of Canon (CR2)") } else { Self::Tiff };
        }
        if let Some(brand) = head.get(8..12).filter(|_| head.get(4..8) == Some(b"ftyp")) {
            return match brand {
                b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"mif1" | b"msf1" => Self::Foreign(HEIC),
                b"avif" | b"avis" => Self::Foreign(AVIF),
                b"crx " => Self::Raw("a raw file of Canon (CR3)"),
                _ => Self::Other,
            };
        }
        if head.get(6..14) == Some(b"HEAPCCDR") {
            return Self::Foreign(CRW);
        }
        if let Some((_, kind)) = RAW.iter().find(|(magic, _)| head.starts_with(magic)) {
            return Self::Raw(kind);
        }
        // Two letters alone would be many a text: the size of the second header tells a bitmap.
        let bitmap =
            head.starts_with(b"BM") && matches!(head.get(14..18), Some([12 | 40 | 52 | 56 | 64 | 108 | 124, 0, 0, 0]));
        if bitmap {
            return Self::Foreign(BMP);
        }
        FOREIGN
            .iter()
            .find(|(magic, _)| head.starts_with(magic))
            .map_or(Self::Other, |(_, reason)| Self::Foreign(reason))
    }
}
