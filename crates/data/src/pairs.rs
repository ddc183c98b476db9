//! Photos before and after somebody edited them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::relative_name::relative_name;
use crate::{DataLoader, Dataset, Error, Hashing, ListedPhoto, Listing, SkipReason, Skipped};

/// Pairs of photos from two folders, matched by their path in the folder without extension: `before/trip/a.png` belongs to
/// `after/trip/a.jpg`.
///
/// What has no partner, several of one name, and pairs that differ by more than a scale are in [`Dataset::skipped`]. Where one
/// folder lies in the other, its photos belong to it alone. Files are looked at as by [`FolderLoader`](crate::FolderLoader): no pixel
/// is decoded.
#[derive(Debug, Clone)]
pub struct PairLoader {
    before: PathBuf,
    after: PathBuf,
    hashing: Hashing,
}

impl PairLoader {
    /// Will load the pairs of the folders `before` and `after`; nothing is read yet.
    pub fn new(before: impl Into<PathBuf>, after: impl Into<PathBuf>) -> Self {
        Self { before: before.into(), after: after.into(), hashing: Hashing::default() }
    }

    /// Reads the files in this way.
    #[must_use]
    pub fn with_hashing(self, hashing: Hashing) -> Self {
        Self { hashing, ..self }
    }
}

impl DataLoader for PairLoader {
    fn load(&self) -> Result<Dataset, Error> {
        let (mut before, mut after) = (Listing::of_folder(&self.before)?, Listing::of_folder(&self.after)?);
        let real = |path: &Path| fs::canonicalize(path).map_err(|source| Error::Read { path: path.to_owned(), source });
        let (real_before, real_after) = (real(&self.before)?, real(&self.after)?);
        if real_before == real_after {
            return Err(Error::OneFolder { path: self.before.clone() });
        }
        if let Ok(inside) = real_after.strip_prefix(&real_before) {
            leave_out(&mut before, &self.before, inside);
        }
        if let Ok(inside) = real_before.strip_prefix(&real_after) {
            leave_out(&mut after, &self.after, inside);
        }
        for (root, listing) in [(&self.before, &before), (&self.after, &after)] {
            if listing.photos.is_empty() {
                return Err(Error::NoPhotos { path: root.clone(), skipped: listing.skipped.clone() });
            }
        }
        let mut skipped: Vec<Skipped> = before.skipped.into_iter().chain(after.skipped).collect();
        let mut skip = |root: &Path, path: &Path, reason| skipped.push(Skipped { path: root.join(path), reason });
        let first = by_name(before.photos, |path| skip(&self.before, path, SkipReason::SeveralOfOneName));
        let mut second = by_name(after.photos, |path| skip(&self.after, path, SkipReason::SeveralOfOneName));
        let mut matched = Vec::new();
        for (name, photo) in first {
            match second.remove(&name) {
                None => skip(&self.before, &photo.path, SkipReason::NoPartner { folder: self.after.clone() }),
                Some(partner) => {
                    let (before, after) = ((photo.width, photo.height), (partner.width, partner.height));
                    if are_scaled(before, after) {
                        matched.push((photo.path, partner.path));
                    } else {
                        skip(&self.before, &photo.path, SkipReason::OtherShape { before, after });
                    }
                }
            }
        }
        for photo in second.into_values() {
            skip(&self.after, &photo.path, SkipReason::NoPartner { folder: self.before.clone() });
        }
        let (first, second): (Vec<PathBuf>, Vec<PathBuf>) = matched.into_iter().unzip();
        let before = self.hashing.of_files(&self.before, &first)?;
        let after = self.hashing.of_files(&self.after, &second)?;
        let mut pairs = Vec::new();
        for ((before, after), (first, second)) in before.into_iter().zip(after).zip(first.iter().zip(&second)) {
            match (before, after) {
                (Ok(before), Ok(after)) => pairs.push((before, after)),
                (before, after) => {
                    let unreadable =
                        |root: &Path, path: &Path, error: &std::io::Error| Skipped::unreadable(root.join(path), error);
                    skipped.extend(before.err().map(|error| unreadable(&self.before, first, &error)));
                    skipped.extend(after.err().map(|error| unreadable(&self.after, second, &error)));
                }
            }
        }
        skipped.sort_by(|a, b| a.path.cmp(&b.path));
        if pairs.is_empty() {
            return Err(Error::NoPairs { before: self.before.clone(), after: self.after.clone(), skipped });
        }
        Dataset::of_hashed_pairs(self.before.clone(), self.after.clone(), pairs, skipped)
    }

    fn describe(&self) -> String {
        "pairs".to_owned()
    }
}

/// Takes what lies in the folder `inside` of `root` out of the listing of `root`.
fn leave_out(listing: &mut Listing, root: &Path, inside: &Path) {
    listing.photos.retain(|photo| !photo.path.starts_with(inside));
    listing.skipped.retain(|skipped| !skipped.path.starts_with(root.join(inside)));
}

/// The photos by their path without extension; those that share one are given to `shared`, each.
fn by_name(photos: Vec<ListedPhoto>, mut shared: impl FnMut(&Path)) -> BTreeMap<Vec<u8>, ListedPhoto> {
    let mut groups: BTreeMap<Vec<u8>, Vec<ListedPhoto>> = BTreeMap::new();
    for photo in photos {
        groups.entry(relative_name(&photo.path.with_extension(""))).or_default().push(photo);
    }
    let mut single = BTreeMap::new();
    for (name, mut group) in groups {
        match group.pop() {
            Some(photo) if group.is_empty() => {
                single.insert(name, photo);
            }
            last => group.into_iter().chain(last).for_each(|photo| shared(&photo.path)),
        }
    }
    single
}

/// Whether two sizes are those of one picture at two scales: there is a factor by which both sides of the larger come
/// within a pixel of those of the smaller, as programs round either way.
fn are_scaled(a: (u32, u32), b: (u32, u32)) -> bool {
    let pixels = |size: (u32, u32)| u64::from(size.0) * u64::from(size.1);
    let (large, small) = if pixels(a) >= pixels(b) { (a, b) } else { (b, a) };
    let factors = |large: u32, small: u32| {
        let (large, small) = (f64::from(large), f64::from(small));
        ((small - 1.0) / large, (small + 1.0) / large)
    };
    let (width, height) = (factors(large.0, small.0), factors(large.1, small.1));
    width.0.max(height.0) <= width.1.min(height.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_is_told_from_a_crop() {
        for (a, b) in [
            ((6000, 4000), (6000, 4000)),
            ((6000, 4000), (240, 160)),
            ((240, 160), (6000, 4000)),
            ((3999, 6001), (160, 240)),
            ((6000, 3990), (240, 159)),
            ((481, 321), (240, 160)),
        ] {
            assert!(are_scaled(a, b), "{a:?} {b:?}");
        }
        for (a, b) in [
            ((6000, 4000), (4000, 6000)),
            ((6000, 4000), (6000, 3990)),
            ((6000, 4000), (240, 150)),
            ((6000, 4000), (240, 240)),
        ] {
            assert!(!are_scaled(a, b), "{a:?} {b:?}");
        }
    }
}
