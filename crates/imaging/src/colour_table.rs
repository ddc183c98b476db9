//! What a recipe makes of every colour, as a table that other programs read.

use std::array;
use std::fmt::Write;

use crate::{Cost, Error, OperationKind, Photo, Recipe};

/// Most points of a side, as programs that read such tables have it.
const MOST_POINTS: u32 = 256;

/// A three-dimensional lookup table: what becomes of the colours of a regular grid, encoded sRGB to encoded sRGB. Between its points whoever
/// reads it interpolates.
#[derive(Debug, Clone, PartialEq)]
pub struct ColourTable {
    points: u32,
    /// A row for each green and blue, red along it.
    results: Photo<f32>,
}

impl OperationKind {
    /// Whether it makes the same of equal colours, wherever in whatever photo they are: a [`ColourTable`] can hold it.
    #[must_use]
    pub fn maps_colours(self) -> bool {
        matches!(self.cost(), Cost::Lookup | Cost::Pixel) && !matches!(self, Self::Noise | Self::Vignette)
    }
}

impl ColourTable {
    /// The table of a recipe, with so many points on each side. Memory: 12 bytes for each of `points`³.
    ///
    /// # Errors
    /// [`Error::NoColourTable`] naming the operations that look at more than a colour, and for less than 2 or more than 256 points.
    pub fn of(recipe: &Recipe, points: u32) -> Result<Self, Error> {
        if !(2..=MOST_POINTS).contains(&points) {
            return Err(Error::NoColourTable { reason: format!("{points} points: 2 to {MOST_POINTS} are possible") });
        }
        let others = recipe.operations().iter().filter(|operation| !operation.kind().maps_colours());
        let others: Vec<String> = others.map(ToString::to_string).collect();
        if !others.is_empty() {
            let reason =
                format!("{} would be lost, which depends on more than the colour of a pixel", others.join(", "));
            return Err(Error::NoColourTable { reason });
        }
        let value = |index: u32| index as f32 / (points - 1) as f32;
        let colours = |red, row| [value(red), value(row % points), value(row / points)];
        let grid = Photo::<f32>::from_fn(points, points * points, colours).expect("no side is zero");
        Ok(Self { points, results: recipe.apply(&grid) })
    }

    /// Points on each side.
    #[must_use]
    pub fn points(&self) -> u32 {
        self.points
    }

    /// How far its reader may be away from the recipe that it is of, in levels of 255: the largest difference in the middle between the points, where
    /// interpolation is furthest from them.
    #[must_use]
    pub fn apart(&self, recipe: &Recipe) -> f32 {
        let cells = self.points - 1;
        let value = |cell: u32| (cell as f32 + 0.5) / cells as f32;
        let middles = |red, row| [value(red), value(row % cells), value(row / cells)];
        let wanted = recipe.apply(&Photo::<f32>::from_fn(cells, cells * cells, middles).expect("no side is zero"));
        let corner = |red: u32, row: u32, bits: u32| {
            let (green, blue) = (row % cells + (bits >> 1 & 1), row / cells + (bits >> 2));
            self.results.pixel(red + (bits & 1), green + blue * self.points)
        };
        let apart = |index: u32| {
            let (red, row) = (index % cells, index / cells);
            let corners = (0..8).map(|bits| corner(red, row, bits));
            let sums = corners.fold([0.0; 3], |sums: [f32; 3], corner| array::from_fn(|i| sums[i] + corner[i]));
            let wanted = wanted.pixel(red, row);
            (0..3).map(|i| (sums[i] / 8.0 - wanted[i]).abs()).fold(0.0, f32::max)
        };
        255.0 * (0..cells.pow(3)).map(apart).fold(0.0, f32::max)
    }

    /// As the text of a `.cube` file (Adobe, Cube LUT Specification 1.0): what darktable, Photoshop, Premiere, Resolve and ffmpeg read.
    #[must_use]
    pub fn to_cube(&self) -> String {
        let mut text = String::from("# Encoded sRGB to encoded sRGB.\n");
        let _ = writeln!(text, "LUT_3D_SIZE {}", self.points);
        for [red, green, blue] in self.results.pixels().as_chunks::<3>().0 {
            let _ = writeln!(text, "{red:.6} {green:.6} {blue:.6}");
        }
        text
    }

    /// As a Hald CLUT (Quilez 2005), the picture that RawTherapee, G'MIC, ImageMagick and ffmpeg read: a table with 64 points is a square of
    /// 512 pixels. None where no square holds the points.
    #[must_use]
    pub fn to_hald(&self) -> Option<Photo<u16>> {
        let level = self.points.isqrt();
        let side = level.pow(3);
        if level.pow(2) != self.points {
            return None;
        }
        let photo = self.results.to_depth::<u16>();
        Some(Photo::new(side, side, photo.into_pixels()).expect("there are as many pixels"))
    }
}
