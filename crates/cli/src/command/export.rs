//! `dodge export`

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use dodge_imaging::{ColourTable, Encoding, Picture, Pixels, Recipe};

use crate::arguments::{ExportArguments, TableForm};
use crate::failure::usage;
use crate::output::{self, Existing, Written};
use crate::{command, text};

/// Points on each side of a .cube: more than the 33 of cameras, because an exposure bends sharply in the shadows, and no more than
/// programs for video take.
const CUBE_POINTS: u32 = 65;

/// Points on each side of a Hald CLUT: a picture of 512 pixels.
const HALD_POINTS: u32 = 64;

/// Levels of 255 by which a table may be away from its recipe without a word.
const NOTICED: f32 = 4.0;

/// Runs the command.
pub(crate) fn run(arguments: &ExportArguments) -> Result<()> {
    let recipe = Recipe::load(&arguments.recipe)?;
    let place = arguments.output.clone().unwrap_or_else(|| beside(&arguments.recipe, arguments.to));
    if place.canonicalize().ok().is_some_and(|place| arguments.recipe.canonicalize().ok() == Some(place)) {
        let recipe = text::shown(&arguments.recipe);
        return Err(usage(format!("the table would take the place of the recipe {recipe}: name another file with -o")));
    }
    let bytes = match arguments.to {
        TableForm::Cube => table(&recipe, CUBE_POINTS)?.to_cube().into_bytes(),
        TableForm::Hald => {
            let photo = table(&recipe, HALD_POINTS)?.to_hald().context("no square has so many points")?;
            Picture::from(Pixels::Sixteen(photo)).encode(Encoding::Png)?
        }
    };
    let written = output::write_all(&[(place.clone(), bytes)], Existing::from_flag(arguments.overwrite))?;
    let remark = if written == Written::Before { " (there already)" } else { "" };
    command::print(&format!("{} -> {}{remark}\n", text::shown(&arguments.recipe), text::shown(&place)))
}

/// The table of a recipe, with a word where it bends more sharply than the table can follow.
fn table(recipe: &Recipe, points: u32) -> Result<ColourTable> {
    let table = ColourTable::of(recipe, points)?;
    let apart = table.apart(recipe);
    if apart > NOTICED {
        let _ = writeln!(
            std::io::stderr().lock(),
            "note: between its points the table is up to {apart:.0} levels of 255 away from the recipe, which bends sharply; \
             `dodge apply` is exact"
        );
    }
    Ok(table)
}

/// `photo.recipe.json` becomes `photo.cube`.
fn beside(recipe: &Path, form: TableForm) -> PathBuf {
    let bare = recipe.with_extension("");
    let bare = if bare.extension() == Some(OsStr::new("recipe")) { bare.with_extension("") } else { bare };
    let extension = match form {
        TableForm::Cube => ".cube",
        TableForm::Hald => ".hald.png",
    };
    let mut name = bare.into_os_string();
    name.push(extension);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_lies_beside_its_recipe() {
        let name = |recipe: &str, form| beside(Path::new(recipe), form).display().to_string();
        assert_eq!(name("a/photo.recipe.json", TableForm::Cube), "a/photo.cube");
        assert_eq!(name("a.b/my.photo.recipe.json", TableForm::Hald), "a.b/my.photo.hald.png");
        assert_eq!(name("warm.json", TableForm::Cube), "warm.cube");
    }
}
