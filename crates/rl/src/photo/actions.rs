//! What the agent may do: edits of free strength, fixed operations, and to stop.

use std::fmt;

use dodge_imaging::{Operation, OperationKind, Photo, Recipe, Sliders, reduce};
use dodge_learn::{Action, ActionSpace};

use crate::error::Error;

/// The actions of an agent: first the kinds of edits whose strength it chooses, then fixed operations, and *stop* at the end.
///
/// Some edits are pointless at some moments: [`ActionSet::mask`] says which, unless the set is [`ActionSet::unmasked`].
#[derive(Clone, PartialEq)]
pub struct ActionSet {
    sliders: Sliders,
    /// The fixed ones.
    operations: Vec<Operation>,
    /// Of each edit; those of free strength are looked at with a moderate one.
    reaches: Vec<(Operation, Reach)>,
    /// Whether an edit is pointless after another, `[last][edit]`.
    pointless: Vec<Vec<bool>>,
    masks: bool,
}

/// Two strengths of five pixel-wise edits in both directions: the fine ones are about half of what is barely visible, the coarse
/// ones about the middle of the standard damage.
pub(crate) const FIXED: [&str; 20] = [
    "lightness:10",
    "lightness:-10",
    "lightness:30",
    "lightness:-30",
    "gamma:1.127",
    "gamma:0.887",
    "gamma:1.419",
    "gamma:0.705",
    "contrast:1.105",
    "contrast:0.905",
    "contrast:1.35",
    "contrast:0.741",
    "saturation:1.162",
    "saturation:0.861",
    "saturation:1.492",
    "saturation:0.67",
    "warmth:0.04",
    "warmth:-0.04",
    "warmth:0.11",
    "warmth:-0.11",
];

/// Where a slider stands when it is tried out whether it changes anything.
const TRIED: f32 = 1.0;

/// Where sliders stand for those who choose among a few edits: the finer about half of what is barely visible, the coarser about the
/// middle of the standard damage.
const STAGES: [f32; 4] = [-0.75, -0.25, 0.25, 0.75];

impl ActionSet {
    /// Reads the edits from their text forms: operations with a strength (`gamma:1.2`), and kinds whose strength is free (`gamma`),
    /// which come first whatever the order. The set masks pointless edits.
    ///
    /// # Errors
    /// [`Error::Configuration`] for an unknown or repeated edit, for none at all, and for one that changes the
    /// size of the photo: its result could not be compared with the original.
    pub fn parse<T: AsRef<str>>(texts: &[T]) -> Result<Self, Error> {
        let invalid = |reason: String| Error::Configuration { section: "environment.actions", reason };
        let (mut kinds, mut operations): (Vec<OperationKind>, Vec<Operation>) = (Vec::new(), Vec::new());
        for text in texts.iter().map(AsRef::as_ref) {
            if let Some(kind) = Sliders::available().iter().find(|kind| kind.name() == text) {
                if kinds.contains(kind) {
                    return Err(invalid(format!("`{text}` is listed twice")));
                }
                kinds.push(*kind);
                continue;
            }
            let operation: Operation = text.parse().map_err(|e: dodge_imaging::Error| invalid(e.to_string()))?;
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
        if kinds.is_empty() && operations.is_empty() {
            return Err(invalid("at least one operation is needed".into()));
        }
        let sliders = Sliders::new(&kinds).map_err(|e| invalid(e.to_string()))?;
        let tried = (0..kinds.len()).map(|index| sliders.operation(index, TRIED)).chain(operations.iter().copied());
        let reaches: Vec<(Operation, Reach)> = tried.map(|operation| (operation, Reach::of(&operation))).collect();
        let is_pointless = |last: usize, edit: usize| match (last < kinds.len(), edit < kinds.len()) {
            (false, false) => is_pointless_after(&reaches[edit].0, &reaches[last].0),
            // One strength says what two of the same kind say, one after the other.
            _ => last == edit,
        };
        let pointless =
            (0..reaches.len()).map(|last| (0..reaches.len()).map(|edit| is_pointless(last, edit)).collect()).collect();
        Ok(Self { sliders, operations, reaches, pointless, masks: true })
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

    /// Number of actions: the edits and *stop*.
    #[must_use]
    pub fn len(&self) -> usize {
        self.reaches.len() + 1
    }

    /// Never true: there is always *stop*.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        false
    }

    /// The actions as a learner sees them.
    #[must_use]
    pub fn space(&self) -> ActionSpace {
        ActionSpace { kinds: self.len(), scaled: self.sliders.kinds().len() }
    }

    /// The edits of free strength, in the order of their indices.
    #[must_use]
    pub fn sliders(&self) -> &Sliders {
        &self.sliders
    }

    /// Whether all its edits are of free strength.
    #[must_use]
    pub fn has_only_sliders(&self) -> bool {
        self.operations.is_empty()
    }

    /// The operation of an action, a strength of 1 being the furthest position of a slider; none for *stop*.
    #[must_use]
    pub fn operation(&self, action: Action) -> Option<Operation> {
        let Action { kind, strength } = action;
        let scaled = self.sliders.kinds().len();
        if kind < scaled {
            return Some(self.sliders.operation(kind, strength.clamp(-1.0, 1.0) * Sliders::REACH));
        }
        self.operations.get(kind - scaled).copied()
    }

    /// A few operations for each edit, for those who choose among fixed ones: a fixed one itself, a slider at some positions; each
    /// with the index of its action.
    #[must_use]
    pub fn candidates(&self) -> Vec<(usize, Operation)> {
        let scaled = self.sliders.kinds().len();
        let staged =
            (0..scaled).flat_map(|index| STAGES.map(|position| (index, self.sliders.operation(index, position))));
        let fixed = self.operations.iter().enumerate().map(|(index, &operation)| (scaled + index, operation));
        staged.chain(fixed).collect()
    }

    /// What an action is called: an operation's text, a kind's name, `stop`.
    #[must_use]
    pub fn label(&self, action: usize) -> String {
        match self.sliders.kinds().get(action) {
            Some(kind) => kind.name().to_owned(),
            None => self.operation(Action::new(action)).map_or_else(|| "stop".to_owned(), |it| it.to_string()),
        }
    }

    /// What the edits are called, in the order of their indices: [`ActionSet::parse`] reads it.
    #[must_use]
    pub fn labels(&self) -> Vec<String> {
        (0..self.stop()).map(|action| self.label(action)).collect()
    }

    /// The index of *stop*.
    #[must_use]
    pub fn stop(&self) -> usize {
        self.reaches.len()
    }

    /// Turns `mask[action]` to false for edits that would be pointless on `photo`: those that would leave every pixel as
    /// it is, and those that would take back the `last` action of the episode or add nothing to it, by the rules of [`reduce`]. *Stop*
    /// stays as it is. One of free strength is tried out with a moderate one.
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
        for (action, (open, (operation, reach))) in mask.iter_mut().zip(&self.reaches).enumerate() {
            *open &= !after_last.is_some_and(|pointless| pointless[action]) && reach.changes(operation, photo);
        }
    }
}

impl fmt::Debug for ActionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ActionSet({:?}, masks: {})", self.labels(), self.masks)
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
        let actions = ActionSet::parse(&FIXED).unwrap();
        assert_eq!((actions.len(), actions.stop()), (21, 20));
        assert_eq!(actions.operation(Action::new(20)), None);
        assert_eq!(actions.operation(Action::new(2)).unwrap().to_string(), "lightness:30");
    }

    #[test]
    fn edits_of_free_strength_come_first_and_have_any_strength() {
        let actions = ActionSet::parse(&["gamma:1.2", "lightness", "warmth"]).unwrap();
        assert_eq!(actions.space(), ActionSpace { kinds: 4, scaled: 2 });
        let labels: Vec<String> = (0..4).map(|action| actions.label(action)).collect();
        assert_eq!(labels, ["lightness", "warmth", "gamma:1.2", "stop"]);
        let text = |kind, strength| actions.operation(Action { kind, strength }).map(|operation| operation.to_string());
        assert_eq!(text(0, -0.25).unwrap(), "lightness:-38.3");
        assert_eq!(text(1, 0.5).unwrap(), "warmth:0.3");
        assert_eq!([text(2, 0.0).unwrap(), text(2, 0.9).unwrap()], ["gamma:1.2", "gamma:1.2"]);
        assert_eq!(text(3, 0.0), None);
        let candidates = actions.candidates();
        assert_eq!(candidates.len(), 9);
        assert_eq!((candidates[5].0, candidates[8].0), (1, 2));
        let message = |texts: &[&str]| ActionSet::parse(texts).unwrap_err().to_string();
        assert!(message(&["tint", "tint"]).contains("listed twice"));
        assert!(message(&["blur"]).starts_with("environment.actions: "), "no slider, and no strength");
    }

    #[test]
    fn a_second_edit_of_the_same_free_strength_is_masked() {
        let photo = Photo::from_fn(48, 32, |x, y| [(x * 5) as u8, (y * 7) as u8, 100]).unwrap();
        assert_eq!(masked(&["lightness", "warmth", "lightness:30"], Some(0), &photo), ["lightness"]);
        assert_eq!(masked(&["saturation", "gamma"], None, &flat([90; 3])), ["saturation"], "there is no colour");
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
        let defaults = FIXED;
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
