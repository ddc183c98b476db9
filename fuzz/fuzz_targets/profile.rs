//! The input as the colour profile of a picture, which is looked at, edited and converted.
#![no_main]

use dodge_imaging::{Metadata, Photo, Picture, Pixels, Recipe};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let photo = Photo::from_fn(7, 5, |x, y| [x as u8 * 40, y as u8 * 60, (x * y) as u8 * 10]).expect("no side is zero");
    let wide = Pixels::Sixteen(photo.to_depth());
    for pixels in [Pixels::Eight(photo), wide] {
        let metadata = Metadata { icc: Some(bytes.to_vec()), ..Metadata::default() };
        let picture = Picture { metadata, ..pixels.into() };
        let seen = picture.seen();
        assert_eq!((seen.width(), seen.height()), (7, 5));
        let recipe = Recipe::new(vec!["exposure:0.5".parse().expect("an operation"), "flip:vertical".parse().expect("an operation")]);
        assert_eq!(recipe.apply_to_picture(&picture).pixels.size(), (7, 5));
        assert!(picture.clone().into_srgb().metadata.icc.is_none());
    }
});
