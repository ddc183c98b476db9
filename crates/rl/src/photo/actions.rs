//! What the agent may do: a list of operations, and to stop.

use std::fmt;

use dodge_imaging::{Operation, OperationKind, Photo, Recipe, reduce};

use crate::error::Error;

/// The actions of an agent. The indices below the number of operations are these operations; the one after them is
/// *stop*.
///
/// Some edits are pointless at some moments: [`ActionSet::mask`] says which, unless the set is [`ActionSet::unmasked`].
#[derive(Clone, PartialEq)]
pub struct ActionSet {
    operations: Vec<Operation>,
    reaches: Vec<Reach>,
    /// Whether an edit is pointless after another, `[last][edit]`.
    pointless: Vec<Vec<bool>>,
    masks: bool,
}

impl ActionSet {
    /// Reads the operations from their text forms. The set masks pointless edits.
    ///
    /// # Errors
    /// [`Error::Configuration`] for an unknown or repeated operation, for none at all, and for one that changes the
    /// size of the photo: its result could not be compared with the original.
    pub fn parse<T: AsRef<str>>(texts: &[T]) -> Result<Self, Error> {
        let invalid = |reason: String| Error::Configuration { section: "environment.actions", reason };
        let mut operations: Vec<Operation> = Vec::new();
        for text in texts {
            let operation: Operation =
                text.as_ref().parse().map_err(|e: dodge_imaging::Error| invalid(e.to_string()))?;
            if operation.changes_size() {
                return Err(invalid(format!(
                    "`{operation}` changes the size of the photo, so fidelity cannot be measured"
                )));
            }
            if operations.contains(&operation) {
                return Err(invalid(format!("`{operation}` is listed twice")));
            }
            operations.push(operation);
        }
        if operations.is_empty() {
            return Err(invalid("at least one operation is needed".into()));
        }
        let reaches = operations.iter().map(Reach::of).collect();
        let after = |last| operations.iter().map(|operation| is_pointless_after(operation, last)).collect();
        let pointless = operations.iter().map(after).collect();
        Ok(Self { operations, reaches, pointless, masks: true })
    }

    /// The same actions, all of them open at any time.
    #[must_use]
    pub fn unmasked(self) -> Self {
        Self { masks: false, ..self }
    }

    /// Whether pointless edits are masked.
    #[must_use]
    pub fn masks_edits(&self) -> bool {
        self.masks
    }

    /// Number of actions: the operations and *stop*.
    #[must_use]
    pub fn len(&self) -> usize {
        self.operations.len() + 1
    }

    /// Never true: there is always *stop*.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        false
    }

    /// The operations, in the order of their indices.
    #[must_use]
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The operation of an action; none for *stop*.
    #[must_use]
    pub fn operation(&self, action: usize) -> Option<&Operation> {
        self.operations.get(action)
    }

    /// The index of *stop*.
    #[must_use]
    pub fn stop(&self) -> usize {
        self.operations.len()
    }

    /// Turns `mask[action]` to false for edits that would be pointless on `photo`: those that would leave every pixel as
    /// it is, and those that would take back the `last` action of the episode or add nothing to it, by the rules of [`reduce`]. *Stop*
    /// stays as it is.
    ///
    /// For edits that work pixel by pixel the first pixel that changes settles it, mostly the first one looked at. Blurs,
    /// what is made of them and automatic corrections are tried out on the whole photo, which costs as much as to make them.
    ///
    /// # Panics
    /// When `mask` has another length than [`ActionSet::len`].
    pub fn mask(&self, last: Option<usize>, photo: &Photo, mask: &mut [bool]) {
        assert_eq!(mask.len(), self.len(), "length of the mask");
        if !self.masks {
            return;
        }
        let after_last = last.and_then(|last| self.pointless.get(last));
        let edits = self.operations.iter().zip(&self.reaches);
        for (action, (open, (operation, reach))) in mask.iter_mut().zip(edits).enumerate() {
            *open &= !after_last.is_some_and(|pointless| pointless[action]) && reach.changes(operation, photo);
        }
    }
}

impl fmt::Debug for ActionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ActionSet({:?}, masks: {})", self.operations, self.masks)
    }
}

/// How far an edit may miss the opposite of another and still take it back, as a share of the other: strengths are written
/// with few digits.
const INVERSE_TOLERANCE: f32 = 0.05;

/// Whether an edit takes another back, exactly or nearly, or adds nothing to it.
fn is_pointless_after(operation: &Operation, last: &Operation) -> bool {
    let both = reduce(&Recipe::new(vec![*last, *operation]));
    takes_back(operation, last) || both.operations().is_empty() || both.operations() == [*last]
}

/// Whether one edit is the opposite of another of the same kind, of the reciprocal or the negative strength. What the other
/// clipped does not come back.
fn takes_back(operation: &Operation, last: &Operation) -> bool {
    let (Some(strength), Some(other)) = (operation.strength(), last.strength()) else { return false };
    let (_, neutral, _) = operation.kind().range();
    // Factors are compared by their logarithms; that of a factor of 0, which nothing takes back, is not finite.
    let (strength, other) = if neutral == 1.0 { (strength.ln(), other.ln()) } else { (strength, other) };
    operation.kind() == last.kind() && other.is_finite() && (strength + other).abs() <= INVERSE_TOLERANCE * other.abs()
}

/// Pixels that are tried before the whole photo.
const PROBE: usize = 8;

/// Longest side of the part that is tried before the whole photo, in pixels.
const MIDDLE: u32 = 8;

/// On what it depends whether an edit changes a photo.
#[derive(Clone, PartialEq)]
enum Reach {
    /// On each value alone: whether it stays, `[channel][value]`.
    Values(Box<[[bool; 256]; 3]>),
    /// On each pixel alone.
    Pixels,
    /// On each pixel and those around it.
    Neighbours,
    /// On the photo as a whole.
    Photo,
}

impl Reach {
    fn of(operation: &Operation) -> Self {
        match operation.kind() {
            OperationKind::Lightness
            | OperationKind::Contrast
            | OperationKind::Gamma
            | OperationKind::Shadows
            | OperationKind::Highlights
            | OperationKind::Warmth
            | OperationKind::Tint => {
                let ramp = Photo::from_fn(256, 1, |x, _| [x as u8; 3]).expect("the ramp has pixels");
                let edited = operation.apply(&ramp);
                let stays = |channel: usize| std::array::from_fn(|v| edited.pixel(v as u32, 0)[channel] == v as u8);
                Self::Values(Box::new([stays(0), stays(1), stays(2)]))
            }
            OperationKind::Saturation | OperationKind::Vibrance => Self::Pixels,
            OperationKind::Sharpen | OperationKind::Median => Self::Neighbours,
            _ => Self::Photo,
        }
    }

    fn changes(&self, operation: &Operation, photo: &Photo) -> bool {
        let changes = |part: &Photo| operation.apply(part) != *part;
        match self {
            Self::Values(stays) => {
                let mut pixels = photo.pixels().chunks_exact(3);
                pixels.any(|pixel| pixel.iter().zip(stays.iter()).any(|(&value, stays)| !stays[usize::from(value)]))
            }
            Self::Pixels => changes(&probe(photo)) || changes(photo),
            Self::Neighbours => changes_inside(operation, &middle(photo)) || changes(photo),
            Self::Photo => changes(photo),
        }
    }
}

/// A few pixels from all over a photo.
fn probe(photo: &Photo) -> Photo {
    let pixels = photo.pixels().chunks_exact(3);
    let apart = (pixels.len() / PROBE).max(1);
    let chosen: Vec<u8> = pixels.step_by(apart).take(PROBE).flatten().copied().collect();
    Photo::new((chosen.len() / 3) as u32, 1, chosen).expect("a photo has a pixel")
}

fn middle(photo: &Photo) -> Photo {
    let (width, height) = (photo.width().min(MIDDLE), photo.height().min(MIDDLE));
    photo.cropped((photo.width() - width) / 2, (photo.height() - height) / 2, width, height)
}

/// Whether an edit changes a pixel of `part` that has all its neighbours: at the edge it would see others than in the photo.
fn changes_inside(operation: &Operation, part: &Photo) -> bool {
    let edited = operation.apply(part);
    let mut inside = (1..part.height() - 1).flat_map(|y| (1..part.width() - 1).map(move |x| (x, y)));
    inside.any(|(x, y)| edited.pixel(x, y) != part.pixel(x, y))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_operations_are_valid() {
        let actions = ActionSet::parse(&crate::EnvironmentParams::default().actions).unwrap();
        assert_eq!((actions.len(), actions.stop()), (21, 20));
        assert_eq!(actions.operation(20), None);
        assert_eq!(actions.operation(2).unwrap().to_string(), "lightness:30");
    }

    #[test]
    fn wrong_lists_are_refused() {
        let message = |texts: &[&str]| ActionSet::parse(texts).unwrap_err().to_string();
        assert!(message(&[]).contains("at least one operation"));
        assert!(message(&["gamma:1.2", "gamma:1.2"]).contains("listed twice"));
        assert!(message(&["crop:1x1"]).contains("changes the size"));
        assert!(message(&["glow:1"]).contains("unknown operation `glow:1`"));
    }

    /// The texts of the edits that are masked.
    fn masked<'a>(texts: &[&'a str], last: Option<usize>, photo: &Photo) -> Vec<&'a str> {
        let mut mask = vec![true; texts.len() + 1];
        ActionSet::parse(texts).unwrap().mask(last, photo, &mut mask);
        assert!(mask[texts.len()], "stop is open");
        texts.iter().zip(mask).filter(|(_, open)| !open).map(|(text, _)| *text).collect()
    }

    fn flat(pixel: [u8; 3]) -> Photo {
        Photo::from_fn(9, 7, |_, _| pixel).unwrap()
    }

    #[test]
    fn exactly_the_edits_without_effect_are_masked() {
        let mut all: Vec<String> = Vec::new();
        for kind in OperationKind::ALL.iter().filter(|kind| kind.has_strength() && !kind.changes_size()) {
            let (low, neutral, high) = kind.range();
            let strengths = [low, neutral, high, neutral + 0.1 * (high - neutral), neutral + 0.01 * (low - neutral)];
            for text in strengths.map(|strength| format!("{}:{strength}", kind.name())) {
                if !all.contains(&text) {
                    all.push(text);
                }
            }
        }
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let photos = [
            flat([0; 3]),
            flat([255; 3]),
            flat([128; 3]),
            flat([255, 0, 0]),
            flat([0, 90, 0]),
            Photo::from_fn(16, 3, |x, _| [(x * 17) as u8; 3]).unwrap(),
            Photo::from_fn(48, 32, |x, y| [(x * 5) as u8, (y * 7) as u8, 100]).unwrap(),
            // One coloured pixel in the last place.
            Photo::from_fn(20, 20, |x, y| if (x, y) == (19, 19) { [200, 10, 10] } else { [255; 3] }).unwrap(),
            Photo::from_fn(1, 1, |_, _| [3, 200, 255]).unwrap(),
            // Even inside, with an edge far from the middle; and ramps that a median keeps.
            Photo::from_fn(30, 20, |x, _| if x < 2 { [20; 3] } else { [90; 3] }).unwrap(),
            Photo::from_fn(30, 20, |x, y| [(x * 2) as u8, (y * 3) as u8, (x + y) as u8]).unwrap(),
        ];
        for photo in photos {
            let without_effect = |text: &&str| text.parse::<Operation>().unwrap().apply(&photo) == photo;
            let expected: Vec<&str> = all.iter().copied().filter(without_effect).collect();
            assert_eq!(masked(&all, None, &photo), expected, "{photo:?}");
        }
    }

    #[test]
    fn the_opposite_of_the_last_edit_is_masked() {
        let defaults = crate::EnvironmentParams::default().actions;
        let defaults: Vec<&str> = defaults.iter().map(String::as_str).collect();
        let photo = Photo::from_fn(48, 32, |x, y| [(x * 5) as u8, (y * 7) as u8, 100]).unwrap();
        for (last, text) in defaults.iter().enumerate() {
            // The defaults come in pairs.
            assert_eq!(masked(&defaults, Some(last), &photo), [defaults[last ^ 1]], "after {text}");
        }
        assert!(masked(&defaults, Some(20), &photo).is_empty(), "stop is no edit");
        assert!(masked(&defaults, None, &photo).is_empty());
    }

    #[track_caller]
    fn check_takes_back(operation: &str, last: &str, expected: bool) {
        let parsed = |text: &str| text.parse::<Operation>().unwrap();
        assert_eq!(takes_back(&parsed(operation), &parsed(last)), expected, "{operation} after {last}");
    }

    #[test]
    fn opposites_by_hand() {
        check_takes_back("contrast:0.83", "contrast:1.2", true);
        check_takes_back("contrast:0.9", "contrast:1.2", false);
        check_takes_back("contrast:1.2", "contrast:1.2", false);
        check_takes_back("gamma:0.833", "contrast:1.2", false);
        check_takes_back("lightness:-10", "lightness:10", true);
        check_takes_back("lightness:-10", "lightness:30", false);
        check_takes_back("blur:2", "blur:2", false);
        // A photo without contrast stays without.
        check_takes_back("contrast:8", "contrast:0", false);
        check_takes_back("contrast:0", "contrast:8", false);
    }

    #[test]
    fn edits_that_cancel_the_last_or_add_nothing_are_masked() {
        let texts = [
            "flip:vertical",
            "channels:gbr",
            "channels:brg",
            "invert:rg",
            "shift:left",
            "shift:right",
            "contrast:0",
            "blur:1",
        ];
        let photo = Photo::from_fn(48, 32, |x, y| [(x * 5) as u8, (y * 7) as u8, (x * y) as u8]).unwrap();
        for (last, expected) in [
            ("flip:vertical", vec!["flip:vertical"]),
            ("channels:gbr", vec!["channels:brg"]),
            ("invert:rg", vec!["invert:rg"]),
            ("shift:left", vec!["shift:right"]),
            // The negative of mid-grey is mid-grey.
            ("contrast:0", vec!["invert:rg", "contrast:0"]),
            ("blur:1", vec![]),
        ] {
            let last = texts.iter().position(|text| *text == last);
            assert_eq!(masked(&texts, last, &photo), expected, "after {}", texts[last.unwrap()]);
        }
    }

    #[test]
    fn an_unmasked_set_masks_nothing() {
        let actions = ActionSet::parse(&["lightness:10", "lightness:-10"]).unwrap();
        assert!(actions.masks_edits() && !actions.clone().unmasked().masks_edits());
        let mut mask = [true; 3];
        actions.unmasked().mask(Some(1), &flat([255; 3]), &mut mask);
        assert_eq!(mask, [true; 3]);
    }
}
