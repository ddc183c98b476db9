//! What a photographer says of a photo: stars and labels, in a sidecar or in the file.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::codec::{metadata_of, xmp_properties, xmp_property};
use crate::{Error, Metadata};

const XMP: &str = "http://ns.adobe.com/xap/1.0/";
const DARKTABLE: &str = "http://darktable.sf.net/";

/// Most bytes of a sidecar that are read.
const MAX_SIDECAR_BYTES: u64 = 4 << 20;

/// Stars and labels of a photo.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks {
    /// Stars, from 0 to 5; -1 is what programs write for *rejected*. None where nobody rated it.
    pub rating: Option<i8>,
    /// The labels, in the words of the program that wrote them: `Red`, `To Do`. The numbers of darktable, which knows several, are here as
    /// the names of their colours.
    pub labels: Vec<String>,
}

/// The colours of labels that programs share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "these are colours")]
pub enum LabelColour {
    Red,
    Yellow,
    Green,
    Blue,
    Purple,
}

impl LabelColour {
    /// All of them, in the order of darktable's numbers.
    const ALL: [Self; 5] = [Self::Red, Self::Yellow, Self::Green, Self::Blue, Self::Purple];

    /// Words for it: in English first, then of Bridge, then what Lightroom has in German, French, Spanish, Italian, Portuguese and Dutch.
    fn words(self) -> [&'static str; 8] {
        match self {
            Self::Red => ["red", "select", "rot", "rouge", "rojo", "rosso", "vermelho", "rood"],
            Self::Yellow => ["yellow", "second", "gelb", "jaune", "amarillo", "giallo", "amarelo", "geel"],
            Self::Green => ["green", "approved", "grün", "vert", "verde", "verde", "verde", "groen"],
            Self::Blue => ["blue", "review", "blau", "bleu", "azul", "blu", "azul", "blauw"],
            Self::Purple => ["purple", "to do", "lila", "violet", "púrpura", "viola", "roxo", "paars"],
        }
    }

    /// In small letters, in English.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.words()[0]
    }

    /// Whether a label means this colour, in any case.
    fn is_meant_by(self, label: &str) -> bool {
        let label = label.trim().to_lowercase();
        self.words().contains(&label.as_str())
    }
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
        if marks.rating.is_none() || marks.labels.is_empty() {
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
        let mut labels: Vec<String> = xmp_property(packet, (XMP, "Label")).into_iter().collect();
        let numbers = xmp_properties(packet, (DARKTABLE, "colorlabels"));
        let colours = numbers.iter().filter_map(|number| LabelColour::ALL.get(number.parse::<usize>().ok()?));
        labels.extend(colours.map(|colour| colour.name().to_owned()));
        labels.retain(|label| !label.is_empty());
        Self { rating, labels }
    }

    /// Whether one of the labels means this colour, by its name in English or another language of Lightroom, or by the word that Bridge has for it
    /// (`Select`, `Second`, `Approved`, `Review`, `To Do`).
    #[must_use]
    pub fn has_label(&self, colour: LabelColour) -> bool {
        self.labels.iter().any(|label| colour.is_meant_by(label))
    }

    fn complete(&mut self, other: Self) {
        self.rating = self.rating.or(other.rating);
        if self.labels.is_empty() {
            self.labels = other.labels;
        }
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
            assert_eq!(
                Marks::of(&path).unwrap(),
                Marks { rating: Some(2), labels: vec!["Red".into()] },
                "{encoding:?}"
            );
        }
        // A sidecar goes before the file.
        std::fs::write(path.with_extension("xmp"), packet("><xmp:Rating>4</xmp:Rating></rdf:Description>")).unwrap();
        assert_eq!(Marks::of(&path).unwrap(), Marks { rating: Some(4), labels: vec!["Red".into()] });
        std::fs::write(folder.path().join("a.jpg.xmp"), packet("xmp:Rating=\"-1\"/>")).unwrap();
        assert_eq!(Marks::of(&path).unwrap().rating, Some(-1));
        std::fs::write(folder.path().join("a.jpg.xmp"), b"no packet").unwrap();
        assert_eq!(Marks::of(&path).unwrap().rating, Some(4));
        assert!(matches!(Marks::of(&folder.path().join("b.jpg")), Err(Error::Read { .. })));
    }

    #[test]
    fn labels_are_colours_in_the_words_of_many_programs() {
        let of = |inner: &str| Marks::of_packet(&packet(inner));
        for (word, colour) in [
            ("Red", LabelColour::Red),
            ("Grün", LabelColour::Green),
            ("To Do", LabelColour::Purple),
            ("JAUNE", LabelColour::Yellow),
        ] {
            let marks = of(&format!("xmp:Label=\"{word}\"/>"));
            let meant = LabelColour::ALL.into_iter().filter(|colour| marks.has_label(*colour)).collect::<Vec<_>>();
            assert_eq!((marks.labels, meant), (vec![word.to_owned()], vec![colour]));
        }
        assert!(!LabelColour::ALL.into_iter().any(|colour| of("xmp:Label=\"Holidays\"/>").has_label(colour)));
        let darktable = of(&format!(
            "xmlns:d=\"{DARKTABLE}\"><d:colorlabels>\n<rdf:Seq>\n<rdf:li>0</rdf:li> <rdf:li>3</rdf:li><rdf:li>77</rdf:li></rdf:Seq>\
             </d:colorlabels><xmp:Rating>5</xmp:Rating></rdf:Description>"
        ));
        assert_eq!(darktable, Marks { rating: Some(5), labels: vec!["red".into(), "blue".into()] });
        assert!(darktable.has_label(LabelColour::Blue) && !darktable.has_label(LabelColour::Green));
    }
}
