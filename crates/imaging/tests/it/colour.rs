//! Colour profiles, against LittleCMS: `tests/golden/make_colour.py` writes what it makes of a chart.

use dodge_imaging::{Encoding, Metadata, Note, Photo, Picture, Pixels, Recipe, Sample, mean_delta_e_2000};

const PROFILES: [&str; 7] = ["display-p3", "adobe-rgb", "prophoto", "grey-gamma", "grey-lightness", "table", "multi"];

fn golden(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/golden/colour/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn profile(name: &str) -> Option<Vec<u8>> {
    Some(golden(&format!("{name}.icc")))
}

/// A picture whose file has the profile: through the file, as profiles of greys become others when they are read.
fn picture(pixels: Pixels, name: &str) -> Picture {
    let metadata = Metadata { icc: profile(name), ..Metadata::default() };
    let bytes = Picture { metadata, ..pixels.into() }.encode(Encoding::Tiff).unwrap();
    Picture::decode(&bytes).unwrap()
}

/// Sixteen steps of each channel, or greys.
fn chart(grey: bool) -> (Photo, Photo<u16>) {
    if grey {
        return (
            Photo::from_fn(16, 16, |x, y| [(y * 16 + x) as u8; 3]).unwrap(),
            Photo::from_fn(64, 64, |x, y| [(f64::from((y * 64 + x) * 65_535) / 4095.0).round() as u16; 3]).unwrap(),
        );
    }
    let steps = |index: u32| [index >> 8, index >> 4 & 15, index & 15].map(|step| step * 17);
    let eight = Photo::from_fn(64, 64, |x, y| steps(y * 64 + x).map(|value| value as u8)).unwrap();
    let wide = eight.to_depth();
    (eight, wide)
}

fn furthest<T: Sample>(one: &Photo<T>, other: &Photo<T>) -> f32 {
    assert_eq!((one.width(), one.height()), (other.width(), other.height()));
    let apart = one.pixels().iter().zip(other.pixels()).map(|(one, other)| (one.to_level() - other.to_level()).abs());
    apart.fold(0.0, f32::max)
}

fn wide(pixels: Pixels) -> Photo<u16> {
    match pixels {
        Pixels::Sixteen(photo) => photo,
        Pixels::Eight(_) => panic!("the depth stays"),
    }
}

#[test]
fn profiles_mean_what_littlecms_says() {
    for name in PROFILES {
        let (eight, sixteen) = chart(name.starts_with("grey"));
        let expected = Photo::decode(&golden(&format!("{name}.8.png"))).unwrap();
        let seen = picture(Pixels::Eight(eight.clone()), name);
        assert!(seen.notes.is_empty(), "{name}: {:?}", seen.notes);
        let apart = furthest(&seen.seen(), &expected);
        assert!(apart <= 1.0, "{name}, 8 bit: {apart} levels apart");
        assert_eq!(*seen.seen(), seen.clone().into_seen());
        let expected = wide(Picture::decode(&golden(&format!("{name}.16.png"))).unwrap().pixels);
        let converted = picture(Pixels::Sixteen(sixteen), name).into_srgb();
        assert!(converted.metadata.icc.is_none() && converted.metadata.srgb);
        let apart = furthest(&wide(converted.pixels), &expected);
        // In levels of 255; of the steps of 16 bit there are 257 in one.
        assert!(apart <= 0.25, "{name}, 16 bit: {apart} levels apart");
    }
}

/// A recipe of many kinds of edits.
fn recipe(text: &str) -> Recipe {
    Recipe::new(text.split(' ').map(|operation| operation.parse().unwrap()).collect())
}

const RECIPES: [&str; 4] = [
    "exposure:0.4 contrast:1.2 warmth:0.1",
    "saturation:1.3 gamma:0.8 haze:-0.1",
    "invert:r channels:gbr shadows:0.3",
    "blur:2 crop:4x3 flip:horizontal vibrance:0.4",
];

#[test]
fn edits_are_what_they_are_in_srgb() {
    // A photo within sRGB in the values of each profile, made by its own way back: an edit that leaves all as it is.
    let (_, chart) = chart(false);
    let duller = |share: u32| {
        let pixel = |x, y| {
            let pixel = chart.pixel(x, y);
            let mean = pixel.iter().map(|value| u32::from(*value)).sum::<u32>() / 3;
            pixel.map(|value| ((u32::from(value) + (share - 1) * mean) / share) as u16)
        };
        Photo::from_fn(64, 64, pixel).unwrap()
    };
    // The wider the primaries, the duller a colour has to be.
    for (name, share) in [("display-p3", 4), ("adobe-rgb", 4), ("prophoto", 10)] {
        let inside = duller(share);
        let picture = picture(Pixels::Sixteen(inside), name);
        let in_srgb = picture.clone().into_srgb();
        for text in RECIPES {
            let apart = apart_in_srgb(&recipe(text), &picture, &in_srgb);
            assert!(apart <= 1.0, "{name}, {text}: {apart} levels apart");
        }
        // What looks at many pixels at once, on something like a photo: on a chart a histogram of tiles jumps with every count.
        let smooth = Photo::from_fn(240, 180, |x, y| [x, 180 - y, (x + y) / 2].map(|value| 20_000 + value as u16 * 60));
        let smooth = self::picture(Pixels::Sixteen(smooth.unwrap()), name);
        for text in
            ["clahe:1 unsharp-mask:0.5 shift:left", "grey-world:0.5 auto-contrast:1", "crop-thirds:0.8 clarity:0.5"]
        {
            let apart = apart_in_srgb(&recipe(text), &smooth, &smooth.clone().into_srgb());
            assert!(apart <= 1.0, "{name}, {text}: {apart} levels apart");
        }
    }
}

/// How far, looked at in sRGB, the results of a picture and of the same in sRGB are apart.
fn apart_in_srgb(recipe: &Recipe, picture: &Picture, in_srgb: &Picture) -> f32 {
    let expected = wide(recipe.apply_to_picture(in_srgb).pixels);
    let result = recipe.apply_to_picture(picture);
    assert_eq!(result.metadata.icc, picture.metadata.icc, "the file keeps its profile");
    furthest(&wide(result.into_srgb().pixels), &expected)
}

#[test]
fn an_edit_of_eight_bit_lies_within_a_level_of_the_same_in_sixteen() {
    let (eight, _) = chart(false);
    let dull = Photo::from_fn(64, 64, |x, y| eight.pixel(x, y).map(|value| 80 + value / 3)).unwrap();
    for name in ["display-p3", "adobe-rgb", "prophoto"] {
        for text in RECIPES {
            let recipe = recipe(text);
            let coarse = recipe.apply_to_picture(&picture(Pixels::Eight(dull.clone()), name));
            let fine = recipe.apply_to_picture(&picture(Pixels::Sixteen(dull.to_depth()), name));
            let apart = furthest(&coarse.pixels.into_eight().to_depth(), &wide(fine.pixels));
            assert!(apart <= 0.51, "{name}, {text}: {apart} levels apart");
        }
    }
}

#[test]
fn nothing_that_the_profile_has_is_cut() {
    let (eight, sixteen) = chart(false);
    for name in ["display-p3", "adobe-rgb", "prophoto"] {
        // Pixels that are only moved stay what they are, also where sRGB does not have them.
        let moved = recipe("flip:vertical flip:horizontal flip:vertical flip:horizontal shift:up shift:down");
        let result = moved.apply_to_picture(&picture(Pixels::Eight(eight.clone()), name));
        assert_eq!(result.pixels, Pixels::Eight(eight.clone()), "{name}");
        let result = wide(moved.apply_to_picture(&picture(Pixels::Sixteen(sixteen.clone()), name)).pixels);
        // Near black a curve without a straight beginning makes a quarter of a level of the last digit of light.
        assert!(furthest(&result, &sixteen) < 0.25, "{name}: {}", furthest(&result, &sixteen));
        // A recipe of nothing changes nothing at all.
        let nothing = Recipe::new(vec!["contrast:1".parse().unwrap()]);
        assert_eq!(
            nothing.apply_to_picture(&picture(Pixels::Sixteen(sixteen.clone()), name)).pixels,
            Pixels::Sixteen(sixteen.clone())
        );
    }
    // The red of Display P3, a little darker, is still redder than that of sRGB, and what became grey is grey.
    let red = picture(Pixels::Eight(Photo::from_fn(2, 2, |_, _| [250, 5, 5]).unwrap()), "display-p3");
    let darker = recipe("exposure:-0.2").apply_to_picture(&red).pixels.into_eight();
    let [r, g, b] = darker.pixel(0, 0);
    assert!((225..245).contains(&r) && g < 12 && b < 12, "{:?}", [r, g, b]);
    let grey = recipe("greyscale:luminosity").apply_to_picture(&red).pixels.into_eight();
    let [r, g, b] = grey.pixel(0, 0);
    assert!(r.abs_diff(g) <= 2 && g.abs_diff(b) <= 2, "{:?}", [r, g, b]);
    let swapped = recipe("channels:bgr").apply_to_picture(&red).pixels.into_eight();
    let [r, _, b] = swapped.pixel(0, 0);
    assert!(b > 230 && r < 60, "{:?}", swapped.pixel(0, 0));
}

#[test]
fn a_photo_in_two_profiles_becomes_the_same() {
    // Mostly within sRGB, with some colours beyond it, as photographs are.
    let photo = Photo::from_fn(120, 80, |x, y| {
        let glow = if (x / 8 + y / 8) % 9 == 0 { 40 } else { 0 };
        [(90 + x / 2 + glow) as u8, (150 - y / 2 - glow) as u8, (100 + (x * y) % 30 - glow / 2) as u8]
    })
    .unwrap();
    let wide = picture(Pixels::Eight(photo), "display-p3");
    let narrow = Picture::from(wide.seen().into_owned());
    for text in
        ["exposure:0.3 contrast:1.1 saturation:1.1", "warmth:-0.1 shadows:0.3 clahe:1", "clarity:0.5 highlights:-0.4"]
    {
        let recipe = recipe(text);
        let (from_wide, from_narrow) = (recipe.apply_to_picture(&wide), recipe.apply_to_picture(&narrow));
        let apart = mean_delta_e_2000(&from_wide.seen(), &from_narrow.seen()).unwrap();
        assert!(apart <= 0.5, "{text}: {apart}");
    }
}

#[test]
fn greys_keep_their_curve_and_become_colours_where_they_are_toned() {
    let (greys, _) = chart(true);
    for name in ["grey-gamma", "grey-lightness"] {
        let picture = picture(Pixels::Eight(greys.clone()), name);
        assert_eq!(picture.pixels, Pixels::Eight(greys.clone()), "values stay, and mean what they meant");
        let icc = picture.metadata.icc.as_deref().unwrap();
        assert_eq!(&icc[16..20], b"RGB ");
        let toned = recipe("warmth:0.2").apply_to_picture(&picture);
        assert_eq!(toned.metadata.icc, picture.metadata.icc);
        let [r, g, b] = toned.seen().pixel(8, 8);
        assert!(r > g && g > b);
    }
}

#[test]
fn a_profile_of_tables_leads_there_and_back() {
    let (eight, _) = chart(false);
    let inside = Photo::from_fn(64, 64, |x, y| eight.pixel(x, y).map(|value| 40 + value / 2)).unwrap();
    for name in ["table", "multi"] {
        let picture = picture(Pixels::Eight(inside.clone()), name);
        let result = recipe("flip:vertical flip:vertical").apply_to_picture(&picture);
        let result = result.pixels.into_eight();
        let apart = result.pixels().iter().zip(inside.pixels()).map(|(one, other)| f64::from(one.abs_diff(*other)));
        let apart = apart.sum::<f64>() / inside.pixels().len() as f64;
        // Both ways are of a few points, with straight lines between them.
        assert!(apart <= 3.0, "{name}: {apart} levels apart in the mean");
    }
    // Without the way back there is nothing to write in: the word for the tag becomes an unknown one.
    let mut one_way = golden("table.icc");
    let at = one_way.windows(4).position(|word| word == b"B2A0").unwrap();
    one_way[at..at + 4].copy_from_slice(b"none");
    let metadata = Metadata { icc: Some(one_way), ..Metadata::default() };
    let picture = Picture { metadata, ..Pixels::Eight(inside).into() };
    let result = recipe("exposure:0.1").apply_to_picture(&picture);
    assert!(result.metadata.icc.is_none() && result.metadata.srgb && result.notes.contains(&Note::BecameSrgb));
    let expected = recipe("exposure:0.1").apply_to_picture(&picture.clone().into_srgb());
    assert_eq!(result.pixels, expected.pixels);
    // Where nothing is done, nothing changes.
    assert_eq!(recipe("contrast:1").apply_to_picture(&picture).pixels, picture.pixels);
}

#[test]
fn a_profile_that_cannot_be_read_is_told_and_kept() {
    let mut broken = golden("display-p3.icc");
    for (cut, bytes) in [(200, None), (0, Some(20))] {
        let icc = match bytes {
            None => broken[..cut].to_vec(),
            Some(place) => {
                broken[128..128 + place].fill(0xff);
                broken.clone()
            }
        };
        let photo = Photo::from_fn(4, 4, |x, y| [x as u8 * 60, y as u8 * 60, 9]).unwrap();
        let metadata = Metadata { icc: Some(icc.clone()), ..Metadata::default() };
        let bytes = Picture { metadata, ..Pixels::Eight(photo.clone()).into() }.encode(Encoding::Tiff).unwrap();
        let picture = Picture::decode(&bytes).unwrap();
        assert_eq!(picture.notes, [Note::ProfileNotApplied]);
        assert_eq!((picture.metadata.icc.as_ref(), &*picture.seen()), (Some(&icc), &photo));
    }
}

#[test]
fn srgb_in_whichever_profile_is_left_alone() {
    // What Pillow and what this crate's own library call sRGB.
    let camera = std::fs::read(format!("{}/tests/golden/files/camera.jpg", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let picture = Picture::decode(&camera).unwrap();
    assert!(picture.metadata.icc.is_some());
    assert_eq!(*picture.seen(), *picture.pixels.to_eight());
    let edit = recipe("exposure:0.3 saturation:1.2");
    assert_eq!(edit.apply_to_picture(&picture).pixels.into_eight(), edit.apply(&*picture.pixels.to_eight()));
}

#[test]
fn adobe_rgb_may_be_told_by_exif_alone() {
    // A directory with that of the exposure, and in it the colour space and a directory with the rules.
    let entry = |tag: u16, kind: u16, count: u32, value: [u8; 4]| {
        [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &count.to_le_bytes(), &value].concat()
    };
    let directory =
        |entries: &[Vec<u8>]| [&(entries.len() as u16).to_le_bytes()[..], &entries.concat(), &[0; 4]].concat();
    let exif = |space: u16, rules: &[u8; 4]| {
        let space = [space.to_le_bytes(), [0; 2]].concat().try_into().unwrap();
        [
            b"II\x2a\0\x08\0\0\0".to_vec(),
            directory(&[entry(0x8769, 4, 1, 26_u32.to_le_bytes())]),
            directory(&[entry(0xa001, 3, 1, space), entry(0xa005, 4, 1, 56_u32.to_le_bytes())]),
            directory(&[entry(1, 2, 4, *rules)]),
        ]
        .concat()
    };
    let seen = |block: Vec<u8>| {
        let (chart, _) = chart(false);
        let metadata = Metadata { exif: Some(block), ..Metadata::default() };
        let bytes = Picture { metadata, ..Pixels::Eight(chart).into() }.encode(Encoding::Png).unwrap();
        Picture::decode(&bytes).unwrap()
    };
    let marked = seen(exif(0xffff, b"R03\0"));
    let expected = Photo::decode(&golden("adobe-rgb.8.png")).unwrap();
    let apart = furthest(&marked.seen(), &expected);
    assert!(apart <= 1.0, "{apart} levels apart");
    // The result says it in a profile, which every program reads.
    assert!(recipe("exposure:0.1").apply_to_picture(&marked).metadata.icc.is_some());
    let converted = marked.into_srgb();
    assert_eq!(converted.metadata.exif.unwrap()[26 + 2 + 8..][..2], [1, 0], "EXIF says sRGB now");
    for block in [exif(1, b"R03\0"), exif(0xffff, b"R98\0")] {
        assert_eq!(seen(block).metadata.icc, None);
    }
}
