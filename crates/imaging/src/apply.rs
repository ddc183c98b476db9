//! Operations on photos of 8 bit: each kind with the loop that is fastest for it.

use crate::kernels;
use crate::kernels::gaussian::{WIDE_BLUR, clarity_sigma};
use crate::kernels::geometry::Part;
use crate::operation::Argument;
use crate::render::render;
use crate::{Operation, OperationKind, Photo, Ratio};

impl Operation {
    /// The edited photo. [`OperationKind::cost`] says what it costs.
    #[must_use]
    pub fn apply(&self, photo: &Photo) -> Photo {
        if let Some(tables) = self.tables() {
            return kernels::with_tables(photo, &tables);
        }
        if let Some(result) = self.made_anew(photo) {
            return result;
        }
        let mut result = photo.clone();
        self.edit(&mut result);
        result
    }

    /// Edits the photo itself; where the size changes, and where a value depends on others, the photo is replaced.
    pub fn apply_in_place(&self, photo: &mut Photo) {
        if let Some(tables) = self.tables() {
            kernels::apply_tables(photo, &tables);
        } else if let Some(result) = self.made_anew(photo) {
            *photo = result;
        } else {
            self.edit(photo);
        }
    }

    /// The result of operations that cannot work in place, or not as fast.
    fn made_anew(&self, photo: &Photo) -> Option<Photo> {
        let amount = match self.argument() {
            Argument::Amount(amount) => amount,
            Argument::Ratio(ratio) => return Some(self.cropped(photo, ratio)),
            Argument::Order(order) => return Some(kernels::geometry::reordered(photo, order)),
            Argument::Grey(grey) => return Some(kernels::colour::greyscale(photo, grey)),
            Argument::Axis(axis) => return Some(kernels::geometry::flipped(photo, axis)),
            Argument::Shift(direction, set) => return Some(kernels::geometry::shifted(photo, direction, set)),
            Argument::Set(_) => return None,
        };
        let clarity = clarity_sigma(photo.longer_side());
        let result = match self.kind() {
            OperationKind::Sharpen => kernels::filter::add_laplacian(photo, amount),
            OperationKind::SharpenEight => kernels::filter::add_laplacian_of_eight(photo, amount),
            OperationKind::UnsharpMask => kernels::gaussian::add_detail(photo, 1.5, amount),
            OperationKind::Clarity if clarity < WIDE_BLUR => kernels::gaussian::add_detail(photo, clarity, amount),
            OperationKind::Blur if amount < WIDE_BLUR => kernels::gaussian::blur(photo, amount),
            OperationKind::BoxBlur => kernels::box_blur::blur(photo, amount),
            OperationKind::Median | OperationKind::MedianBlur => kernels::median::blur(photo, amount),
            OperationKind::Jpeg => kernels::fault::compressed(photo, amount),
            // Wide blurs are cheaper on a photo scaled down.
            OperationKind::Blur | OperationKind::Clarity | OperationKind::Vignette => render(&[*self], photo, 1.0),
            _ => return None,
        };
        Some(result)
    }

    /// The other operations that are no tables.
    fn edit(&self, photo: &mut Photo) {
        let Argument::Amount(amount) = self.argument() else { return };
        match self.kind() {
            OperationKind::Saturation => kernels::colour::scale_chroma(photo, |_| amount),
            OperationKind::Vibrance => {
                kernels::colour::scale_chroma(photo, |saturation| 1.0 + amount * (1.0 - saturation));
            }
            OperationKind::HsvSaturation => kernels::hsv::scale_saturation(photo, amount),
            OperationKind::GreyWorld => kernels::balance::grey_world(photo, amount),
            OperationKind::ShadesOfGrey => kernels::balance::shades_of_grey(photo, amount),
            OperationKind::AutoContrast => kernels::balance::auto_contrast(photo, amount),
            OperationKind::AutoGamma => kernels::balance::auto_gamma(photo, amount),
            OperationKind::Clahe => kernels::clahe::equalise(photo, amount),
            OperationKind::Noise => kernels::fault::add_noise(photo, amount),
            OperationKind::CropThirds => {
                let Part { left, top, width, height } = kernels::thirds::part(photo, amount);
                *photo = photo.cropped(left, top, width, height);
            }
            OperationKind::LevelHorizon => kernels::horizon::level(photo, amount),
            _ => {}
        }
    }

    fn cropped(&self, photo: &Photo, ratio: Ratio) -> Photo {
        let part = self.part(photo.width(), photo.height(), ratio);
        photo.cropped(part.left, part.top, part.width, part.height)
    }

    /// What a crop to a ratio keeps of a photo of this size.
    pub(crate) fn part(&self, width: u32, height: u32, ratio: Ratio) -> Part {
        let ratio = if self.kind() == OperationKind::CropOriented { ratio.turned_for(width, height) } else { ratio };
        kernels::geometry::centred_part(width, height, ratio)
    }
}
