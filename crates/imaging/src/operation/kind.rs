//! The table of all kinds of operations: name, range of the strength, cost, and what it does.

/// What an operation costs, for those who plan many of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cost {
    /// Bytes are moved and stay as they are.
    Copy,
    /// One table for each channel; neighbours of this cost in a recipe share one pass.
    Lookup,
    /// Arithmetic on each pixel alone.
    Pixel,
    /// Each pixel with those around it.
    Neighbours,
    /// The whole photo is looked at first, and then changed.
    Photo,
}

macro_rules! kinds {
    ($($variant:ident, $name:literal, $low:expr, $neutral:expr, $high:expr, $cost:ident, $doc:literal;)*) => {
        /// What an operation does.
        ///
        /// Values are encoded sRGB, `v` from 0 to 255, where the description names no other colour space.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum OperationKind {
            $(#[doc = $doc] $variant,)*
        }

        impl OperationKind {
            /// All kinds, in the order of their declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name used in the text form.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Smallest strength, the strength at which nothing happens (almost nothing for auto-contrast), and the largest
            /// strength. Kinds without a numeric strength have three zeros, see [`OperationKind::has_strength`].
            #[must_use]
            pub fn range(self) -> (f32, f32, f32) {
                match self { $(Self::$variant => ($low, $neutral, $high),)* }
            }

            /// What it costs.
            #[must_use]
            pub fn cost(self) -> Cost {
                match self { $(Self::$variant => Cost::$cost,)* }
            }

            /// What it does, its formula, and the unit of its strength.
            #[must_use]
            pub fn description(self) -> &'static str {
                match self { $(Self::$variant => $doc,)* }
            }
        }
    };
}

kinds! {
    Lightness, "lightness", -255.0, 0.0, 255.0, Lookup, "Adds the strength, in levels of 255, to every channel.";
    Contrast, "contrast", 0.0, 1.0, 8.0, Lookup, "Multiplies the distance of every channel from mid-grey (127.5) by the strength.";
    Gamma, "gamma", 0.1, 1.0, 10.0, Lookup, "Raises every channel, scaled to 0..1, to the power 1 / strength: above 1 brightens the mid-tones, black and white stay.";
    Exposure, "exposure", -8.0, 0.0, 8.0, Lookup, "Multiplies linear light (sRGB decoded) by 2 to the power of the strength, which counts stops as a camera does.";
    Shadows, "shadows", -1.0, 0.0, 1.0, Lookup, "Lifts (above 0) or deepens the dark tones by up to a quarter of the range at strength 1; white stays.";
    Highlights, "highlights", -1.0, 0.0, 1.0, Lookup, "Raises (above 0) or recovers the bright tones by up to a quarter of the range at strength 1; black stays.";
    Haze, "haze", -0.9, 0.0, 0.9, Lookup, "Mixes with a veil of bright grey: v + strength (230 - v). Below 0 takes the veil of the opposite strength away.";
    Invert, "invert", 0.0, 0.0, 0.0, Lookup, "Turns the named channels into their negatives, 255 - v: invert:rgb, invert:b.";
    Channels, "channels", 0.0, 0.0, 0.0, Pixel, "Reorders the channels; the word says what red, green and blue become: channels:grb swaps red and green.";
    Greyscale, "greyscale", 0.0, 0.0, 0.0, Pixel, "Three equal channels: greyscale:luminosity by the weights of Rec. 601, greyscale:average by the mean of the three.";
    Saturation, "saturation", 0.0, 1.0, 8.0, Pixel, "Multiplies the distance of every channel from the pixel's luma (Rec. 601) by the strength: 0 is greyscale.";
    HsvSaturation, "saturation-hsv", 0.0, 1.0, 8.0, Pixel, "Multiplies the S of HSV by the strength, hue in 180 steps, S and V in 256. Vivid colours clip early; luma changes.";
    Vibrance, "vibrance", -1.0, 0.0, 1.0, Pixel, "Like saturation, but the stronger the duller the pixel, so that vivid colours are left alone.";
    Warmth, "warmth", -1.0, 0.0, 1.0, Lookup, "Multiplies red by 1 + strength and blue by 1 - strength.";
    Tint, "tint", -1.0, 0.0, 1.0, Lookup, "Multiplies green by 1 - strength: above 0 shifts towards magenta, below towards green.";
    GreyWorld, "grey-world", 0.0, 0.0, 1.0, Photo, "White balance that moves the three channel means towards their common mean, all the way at 1 (grey-world assumption, Buchsbaum 1980).";
    ShadesOfGrey, "shades-of-grey", 0.0, 0.0, 1.0, Photo, "White balance as grey-world, with the sixth root of the mean sixth power in place of the mean, so that bright pixels count more (Finlayson and Trezzi 2004).";
    AutoContrast, "auto-contrast", 0.0, 0.0, 20.0, Photo, "Stretches luma to the full range with one table for all channels, ignoring the strength as a percentage of pixels at either end; 0 stretches from the darkest to the brightest pixel.";
    AutoGamma, "auto-gamma", 0.0, 0.0, 1.0, Photo, "Raises every channel, scaled to 0..1, to the power that takes the mean m of all values to a half: (ln 0.5 / ln m) to the power of the strength. Below 0.01 and above 0.99 the mean says nothing, and the photo stays.";
    Clahe, "clahe", 0.0, 0.0, 40.0, Photo, "Equalises L* of L*a*b* within 8x8 tiles (CLAHE, Zuiderveld 1994), a* and b* stay; the strength limits the slope of the curves (clip limit), 0 does nothing.";
    Sharpen, "sharpen", 0.0, 0.0, 4.0, Neighbours, "Adds the strength times the 3x3 Laplacian: the pixel against its four neighbours.";
    SharpenEight, "sharpen-8", 0.0, 0.0, 4.0, Neighbours, "Adds the strength times the difference of the pixel from all eight around it: 8 v - their sum.";
    UnsharpMask, "unsharp-mask", 0.0, 0.0, 8.0, Neighbours, "Adds the strength times the difference from a Gaussian blur of 1.5 pixels.";
    Clarity, "clarity", -2.0, 0.0, 4.0, Neighbours, "Adds the strength times the difference from a wide Gaussian blur (2 % of the longer side): local contrast.";
    Blur, "blur", 0.0, 0.0, 50.0, Neighbours, "Gaussian blur; the strength is the standard deviation in pixels.";
    BoxBlur, "box-blur", 0.0, 0.0, 50.0, Neighbours, "Mean of the square that reaches strength pixels to every side; between whole numbers the two are mixed.";
    Median, "median", 0.0, 0.0, 1.0, Neighbours, "Blends with the median of each 3x3 neighbourhood, all of it at 1: removes specks.";
    MedianBlur, "median-blur", 0.0, 0.0, 20.0, Neighbours, "Median of each channel over the square that reaches strength pixels to every side; between whole numbers up to 6 the two are mixed.";
    Flip, "flip", 0.0, 0.0, 0.0, Copy, "Mirrors: flip:horizontal exchanges left and right, flip:vertical top and bottom.";
    Shift, "shift", 0.0, 0.0, 0.0, Copy, "Moves the photo, or the channels named after a dash, by half its width or height (rounded down), around the border: shift:left, shift:down-b.";
    Noise, "noise", 0.0, 0.0, 128.0, Pixel, "Adds noise, nearly normal, to every channel; the strength is its standard deviation in levels. It is drawn from a value and its place, so that equal photos get equal noise.";
    Jpeg, "jpeg", 1.0, 100.0, 100.0, Neighbours, "What a JPEG of this quality (1 to 99, rounded) leaves of the photo; 100 leaves it alone.";
    Vignette, "vignette", -1.0, 0.0, 1.0, Pixel, "Darkens towards the corners: v (1 - strength d d), d the distance from the centre, 1 in the corners; below 0 brightens them.";
    Crop, "crop", 0.0, 0.0, 0.0, Copy, "Cuts the largest centred part with the given side ratio; the strength is written WIDTHxHEIGHT.";
    CropOriented, "crop-oriented", 0.0, 0.0, 0.0, Copy, "Like crop, with the ratio turned to the photo's own orientation: crop-oriented:16x9 cuts an upright photo to 9x16.";
    CropThirds, "crop-thirds", 0.5, 1.0, 1.0, Photo, "Keeps the strength as a share of both sides, placed so that what stands out in colour (L*a*b*) lies near a crossing of the thirds.";
    LevelHorizon, "level-horizon", 0.0, 0.0, 15.0, Photo, "Turns the photo so that its long, nearly level edges are level, by at most the strength in degrees, and cuts to the largest part of the same shape without a wedge.";
}

impl OperationKind {
    /// Whether it has a numeric strength. The others take a word: `flip:horizontal`, `crop:16x9`.
    #[must_use]
    pub fn has_strength(self) -> bool {
        let (low, _, high) = self.range();
        low < high
    }

    /// Whether its effect reaches so many pixels, so that it grows with the photo that a recipe is applied to; see
    /// [`Recipe::with_longer_side`](crate::Recipe::with_longer_side).
    #[must_use]
    pub fn has_length(self) -> bool {
        matches!(
            self,
            Self::Sharpen
                | Self::SharpenEight
                | Self::UnsharpMask
                | Self::Blur
                | Self::BoxBlur
                | Self::Median
                | Self::MedianBlur
        )
    }

    /// Whether the result may have another size.
    #[must_use]
    pub fn changes_size(self) -> bool {
        matches!(self, Self::Crop | Self::CropOriented | Self::CropThirds | Self::LevelHorizon)
    }
}
