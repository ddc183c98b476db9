//! What a photographer says of a photo: stars and a label, in a sidecar or in the file.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::codec::{metadata_of, xmp_property};
use crate::{Error, Metadata};

const XMP: &str = "http://ns.adobe.com/xap/1.0/";

/// Most bytes of a sidecar that are read.
const MAX_SIDECAR_BYTES: u64 = 4 << 20;

/// Stars and label of a photo.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks {
    /// Stars, from 0 to 5; -1 is what programs write for *rejected*. None where nobody rated it.
    pub rating: Option<i8>,
    /// The label, in the words of the program that wrote it: `Red`, `To do`.
    pub label: Option<String>,
}

impl Marks {
    /// Of the photo at a path: what its sidecar says (`photo.ARW.xmp` or `photo.xmp` beside `photo.ARW`), and where that says nothing, what
    /// the file itself does, in XMP or EXIF. No pixel is decoded.
    ///
    /// # Errors
    /// [`Error::Read`] when the photo or a sidecar that is there cannot be read, and [`Error::Decode`] when a reader fails on the photo.
    pub fn of(path: &Path) -> Result<Self, Error> {
        let mut marks = Self::default();
        for sidecar in sidecars(path) {
            let packet = match File::open(&sidecar) {
                Ok(file) => read(file).map_err(|source| Error::Read { path: sidecar, source })?,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(source) => return Err(Error::Read { path: sidecar, source }),
            };
            marks.complete(Self::of_packet(&packet));
        }
        if marks.rating.is_none() || marks.label.is_none() {
            marks.complete(Self::of_metadata(&metadata_of(path)?));
        }
        Ok(marks)
    }

    /// Of what a file says of itself.
    #[must_use]
    pub fn of_metadata(metadata: &Metadata) -> Self {
        let mut marks = metadata.xmp.as_deref().map(Self::of_packet).unwrap_or_default();
        marks.rating = marks.rating.or_else(|| metadata.rating());
        marks
    }

    fn of_packet(packet: &[u8]) -> Self {
        let packet = packet.strip_prefix(b"\xef\xbb\xbf").unwrap_or(packet);
        // Some programs write it as a fraction.
        let rating = xmp_property(packet, (XMP, "Rating")).and_then(|text| text.parse::<f32>().ok());
        let rating = rating.filter(|rating| (-1.0..=5.0).contains(rating)).map(|rating| rating.round() as i8);
        let label = xmp_property(packet, (XMP, "Label")).filter(|label| !label.is_empty());
        Self { rating, label }
    }

    fn complete(&mut self, other: Self) {
        self.rating = self.rating.or(other.rating);
        self.label = self.label.take().or(other.label);
    }
}

fn read(file: File) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(MAX_SIDECAR_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Where a sidecar may be: under the whole name (darktable, digiKam), and under the name without its extension (Lightroom, Bridge, exiftool).
fn sidecars(path: &Path) -> Vec<PathBuf> {
    let mut places = Vec::new();
    for extension in ["xmp", "XMP"] {
        let mut whole = path.as_os_str().to_owned();
        whole.push(".");
        whole.push(extension);
        places.push(PathBuf::from(whole));
    }
    places.extend(["xmp", "XMP"].map(|extension| path.with_extension(extension)));
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Encoding, Photo, Picture};

    fn packet(inner: &str) -> Vec<u8> {
        format!(
            "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\
             <rdf:Description xmlns:xmp=\"{XMP}\" {inner}</rdf:RDF></x:xmpmeta>"
        )
        .into_bytes()
    }

    #[test]
    fn stars_are_read_wherever_they_stand() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jpg");
        let photo = Photo::from_fn(16, 16, |x, y| [x as u8, y as u8, 0]).unwrap();
        std::fs::write(&path, photo.encode(Encoding::Jpeg { quality: 90 }).unwrap()).unwrap();
        assert_eq!(Marks::of(&path).unwrap(), Marks::default());
        let mut picture = Picture::from(photo);
        picture.metadata.xmp = Some(packet("xmp:Rating=\"2\" xmp:Label=\"Red\"/>"));
        for encoding in [Encoding::Jpeg { quality: 90 }, Encoding::Png, Encoding::Tiff, Encoding::WebP] {
            std::fs::write(&path, picture.encode(encoding).unwrap()).unwrap();
            assert_eq!(Marks::of(&path).unwrap(), Marks { rating: Some(2), label: Some("Red".into()) }, "{encoding:?}");
        }
        // A sidecar goes before the file.
        std::fs::write(path.with_extension("xmp"), packet("><xmp:Rating>4</xmp:Rating></rdf:Description>")).unwrap();
        assert_eq!(Marks::of(&path).unwrap(), Marks { rating: Some(4), label: Some("Red".into()) });
        std::fs::write(folder.path().join("a.jpg.xmp"), packet("xmp:Rating=\"-1\"/>")).unwrap();
        assert_eq!(Marks::of(&path).unwrap().rating, Some(-1));
        std::fs::write(folder.path().join("a.jpg.xmp"), b"no packet").unwrap();
        assert_eq!(Marks::of(&path).unwrap().rating, Some(4));
        assert!(matches!(Marks::of(&folder.path().join("b.jpg")), Err(Error::Read { .. })));
    }
}
