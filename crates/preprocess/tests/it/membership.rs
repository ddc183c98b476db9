//! Photos that others come to: they stay in the split that they were in.

use std::collections::BTreeMap;
use std::fs;

use dodge_preprocess::{
    DegradeAndSplit, DegradeParams, Error, Preprocessor, ResizeParams, Split, SplitMemory, SplitPhotos, Splits,
};

use crate::support::{Stub, Workplace, all, photo};

/// The split of each photo.
pub(crate) fn membership(splits: &Splits) -> BTreeMap<String, usize> {
    let photos = |(place, split): (usize, &SplitPhotos)| {
        split.photos.iter().map(move |photo| (photo.file_name.clone(), place)).collect::<Vec<_>>()
    };
    all(splits).into_iter().enumerate().flat_map(photos).collect()
}

fn memory(place: &Workplace, params: DegradeParams) -> Result<SplitMemory, Error> {
    let ratios = [params.train_ratio, params.validation_ratio];
    SplitMemory::open(place.context.volume(), &place.dataset(), &ResizeParams::default(), ratios, 1)
}

/// Deals the photos of a workplace out as a trainer does.
fn dealt(place: &Workplace) -> Splits {
    let params = crate::support::degrade();
    let scored = place.scored(Stub::constant(5.0));
    let memory = memory(place, params).unwrap();
    let step = DegradeAndSplit::new(params, Stub::constant(4.0), 1).keeping(memory.membership());
    let splits = step.run(&scored, &place.context).unwrap();
    memory.remember(&splits).unwrap();
    splits
}

fn reused(place: &Workplace) -> bool {
    place.context.used().last().unwrap().reused
}

#[test]
fn photos_stay_in_their_split_when_others_are_added_and_when_some_go() {
    let place = Workplace::with_photos(12);
    let fresh = dealt(&place);
    let anew = DegradeAndSplit::new(crate::support::degrade(), Stub::constant(4.0), 1);
    let anew = |place: &Workplace| anew.run(&place.scored(Stub::constant(5.0)), &place.context).unwrap();
    assert_eq!(membership(&fresh), membership(&anew(&place)), "what was never dealt out before is dealt out as ever");

    place.add_photos(20);
    let more = dealt(&place);
    let (before, after) = (membership(&fresh), membership(&more));
    assert!(before.iter().all(|(name, split)| after[name] == *split), "{before:?} became {after:?}");
    assert_eq!(all(&more).map(|split| split.photos.len()), all(&anew(&place)).map(|split| split.photos.len()));
    assert_ne!(after, membership(&anew(&place)), "anew, they are dealt out in another way");
    let undamaged = Split::new(crate::support::degrade(), 1)
        .keeping(memory(&place, crate::support::degrade()).unwrap().membership());
    let undamaged = undamaged.run(&place.scored(Stub::constant(5.0)), &place.context).unwrap();
    assert_eq!(membership(&undamaged), after);

    // The same photos again, of either time: nothing is done twice.
    dealt(&place);
    assert!(reused(&place));
    for index in 12..20 {
        fs::remove_file(place.photo_path(index)).unwrap();
    }
    assert_eq!(membership(&dealt(&place)), before);
    assert!(reused(&place));

    fs::remove_file(place.photo_path(0)).unwrap();
    let fewer = membership(&dealt(&place));
    assert_eq!(fewer.len(), 11);
    assert!(fewer.iter().all(|(name, split)| before[name] == *split), "{before:?} became {fewer:?}");
}

#[test]
fn a_photo_like_one_that_is_tested_on_is_tested_on() {
    let place = Workplace::with_photos(12);
    let fresh = dealt(&place);
    let tested = fresh.test.photos[0].file_name.clone();
    let index: usize = tested.trim_start_matches('a').trim_end_matches(".png").parse().unwrap();
    photo(index).save(&place.photo_path(50)).unwrap();
    place.add_photos(16);
    assert_eq!(membership(&dealt(&place))["a50.png"], 2);
}

#[test]
fn a_damaged_memory_is_told_and_its_file_named() {
    let place = Workplace::with_photos(6);
    dealt(&place);
    let folder = place.context.volume().join("splits");
    let file = fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    for (text, reason) in [("[", "EOF"), (r#"[{"before":{},"dealt":{"a00.png":3}}]"#, "there is no split 3")] {
        fs::write(&file, text).unwrap();
        let error = memory(&place, crate::support::degrade()).unwrap_err().to_string();
        assert!(error.contains(reason) && error.contains("delete the file"), "{error}");
        assert!(error.contains(&*file.file_name().unwrap().to_string_lossy()), "{error}");
    }
}
