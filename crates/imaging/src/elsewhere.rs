//! A recipe as the settings of another program that edits photos.

mod curves;
mod darktable;
mod lightroom;
mod rawtherapee;
mod xml;

use crate::{Error, Operation, OperationKind, Recipe};

/// A program that keeps its edits in a file beside the photo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Program {
    /// Lightroom and Camera Raw: an XMP packet with `crs:` fields of process version 5, which every version since 2012 reads.
    Lightroom,
    /// darktable, from version 3.0 on: an XMP file with a history of its modules.
    Darktable,
    /// RawTherapee: a `.pp3` file.
    RawTherapee,
}

/// How near a program comes to an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Likeness {
    /// The same but for rounding, and for what lies between the points of a table.
    Exact,
    /// Something of the same meaning and direction.
    Near,
    /// Nothing: the operation is left out.
    Absent,
}

/// What a program has for an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Counterpart {
    /// How near it comes.
    pub likeness: Likeness,
    /// The field, module or section; empty where there is none.
    pub field: &'static str,
    /// Why it is no nearer, or why it is exact.
    pub why: &'static str,
}

/// A recipe as a program keeps it.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The text of the file.
    pub text: String,
    /// What the table that the text names has to hold, where it names one.
    pub table: Option<Recipe>,
    /// The operations of the recipe, first to last, with what the program has for each.
    pub counterparts: Vec<(Operation, Counterpart)>,
}

impl Program {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Lightroom, Self::Darktable, Self::RawTherapee];

    /// Its name, as it writes it itself.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Lightroom => "Lightroom",
            Self::Darktable => "darktable",
            Self::RawTherapee => "RawTherapee",
        }
    }

    /// What it has for an operation; some have a counterpart only as the `first` of a recipe.
    #[must_use]
    pub fn counterpart(self, operation: &Operation, first: bool) -> Counterpart {
        match self {
            Self::Lightroom => lightroom::counterpart(operation, first),
            Self::Darktable => darktable::counterpart(operation, first),
            Self::RawTherapee => rawtherapee::counterpart(operation),
        }
    }
}

impl Settings {
    /// The settings that a program needs for a recipe. `table` is where it finds a table of colours, if it needs one: for
    /// darktable (a `.cube`) the path below its folder of 3D LUTs, for RawTherapee (a Hald CLUT) an absolute path; Lightroom reads none.
    ///
    /// # Errors
    /// [`Error::NoSettings`] when the program has nothing for any of the operations, or cannot name the table.
    pub fn of(recipe: &Recipe, program: Program, table: &str) -> Result<Self, Error> {
        let operations = recipe.operations().iter().enumerate();
        let counterparts: Vec<(Operation, Counterpart)> =
            operations.map(|(index, operation)| (*operation, program.counterpart(operation, index == 0))).collect();
        let taken: Vec<(Operation, &'static str)> = counterparts
            .iter()
            .filter(|(_, counterpart)| counterpart.likeness != Likeness::Absent)
            .map(|(operation, counterpart)| (*operation, counterpart.field))
            .collect();
        let refused = |reason: String| Error::NoSettings { program: program.name(), reason };
        if taken.is_empty() {
            let reasons =
                counterparts.iter().map(|(operation, counterpart)| format!("{operation} ({})", counterpart.why));
            let reasons: Vec<String> = reasons.collect();
            return Err(refused(if reasons.is_empty() {
                "the recipe has no edits".into()
            } else {
                reasons.join(", ")
            }));
        }
        let in_table = |field: &str| {
            let operations: Vec<Operation> = taken.iter().filter(|(_, it)| *it == field).map(|(it, _)| *it).collect();
            (!operations.is_empty()).then(|| recipe.with_operations(operations))
        };
        let (text, table) = match program {
            Program::Lightroom => (lightroom::packet(&taken), None),
            Program::Darktable => {
                let contents = in_table(darktable::TABLE);
                (darktable::history(&taken, contents.as_ref().map(|_| table)).map_err(refused)?, contents)
            }
            Program::RawTherapee => (rawtherapee::profile(table).map_err(refused)?, in_table(rawtherapee::TABLE)),
        };
        Ok(Self { text, table, counterparts })
    }

    /// The operations that are not in it.
    pub fn missing(&self) -> impl Iterator<Item = &(Operation, Counterpart)> {
        self.counterparts.iter().filter(|(_, counterpart)| counterpart.likeness == Likeness::Absent)
    }
}

const fn exact(field: &'static str, why: &'static str) -> Counterpart {
    Counterpart { likeness: Likeness::Exact, field, why }
}

const fn near(field: &'static str, why: &'static str) -> Counterpart {
    Counterpart { likeness: Likeness::Near, field, why }
}

const fn absent(why: &'static str) -> Counterpart {
    Counterpart { likeness: Likeness::Absent, field: "", why }
}

/// Why a program that reads tables has nothing for an operation that no table can hold.
fn no_table(kind: OperationKind) -> Counterpart {
    if kind.changes_size() || matches!(kind, OperationKind::Flip | OperationKind::Shift) {
        absent("it moves pixels, and a table knows colours only")
    } else {
        absent("it depends on more than the colour of a pixel, and no module computes it the same way")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe(operations: &str) -> Recipe {
        Recipe::new(operations.split_whitespace().map(|operation| operation.parse().unwrap()).collect())
    }

    #[test]
    fn nothing_is_dropped_without_a_word() {
        let recipe = recipe("exposure:0.5 clarity:0.3 crop:1x1 gamma:1.2 saturation:1.1");
        for program in Program::ALL {
            let settings = Settings::of(&recipe, program, "/a/b").unwrap();
            let operations: Vec<Operation> = settings.counterparts.iter().map(|(operation, _)| *operation).collect();
            assert_eq!(operations, recipe.operations());
            let missing: Vec<String> = settings.missing().map(|(operation, _)| operation.to_string()).collect();
            assert_eq!(missing, ["clarity:0.3", "crop:1x1"], "{program:?}");
        }
    }

    #[test]
    fn a_recipe_of_which_nothing_is_left_is_refused() {
        for program in Program::ALL {
            let refused = Settings::of(&recipe("clarity:0.3 flip:vertical"), program, "/a/b").unwrap_err().to_string();
            assert!(refused.contains(program.name()) && refused.contains("clarity:0.3"), "{refused}");
            assert!(Settings::of(&recipe(""), program, "/a/b").unwrap_err().to_string().contains("no edits"));
        }
    }

    #[test]
    fn a_table_holds_what_no_slider_does() {
        let table = |program| Settings::of(&recipe("exposure:1 blur:2 exposure:-1"), program, "a").unwrap().table;
        assert_eq!(table(Program::Lightroom), None);
        assert_eq!(table(Program::Darktable), Some(recipe("exposure:-1")), "the first is a module of its own");
        assert_eq!(table(Program::RawTherapee), Some(recipe("exposure:1 exposure:-1")));
        assert_eq!(Settings::of(&recipe("exposure:1"), Program::Darktable, "a").unwrap().table, None);
    }

    #[test]
    fn every_counterpart_has_a_field_unless_it_is_absent() {
        for kind in OperationKind::ALL {
            let (low, neutral, high) = kind.range();
            for strength in [low, neutral, high] {
                let Ok(operation) = Operation::new(*kind, strength) else { continue };
                for (program, first) in Program::ALL.into_iter().flat_map(|it| [(it, true), (it, false)]) {
                    let Counterpart { likeness, field, why } = program.counterpart(&operation, first);
                    assert_eq!(field.is_empty(), likeness == Likeness::Absent, "{program:?} {operation}");
                    assert!(!why.is_empty(), "{program:?} {operation}");
                }
            }
        }
    }
}
