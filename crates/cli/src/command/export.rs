//! `dodge export`

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use dodge_imaging::{
    ColourTable, Counterpart, Encoding, Likeness, Operation, Picture, Pixels, Program, Recipe, Settings,
};
use serde_json::{Value, json};

use crate::arguments::{ExportArguments, ExportForm};
use crate::failure::usage;
use crate::output::{self, Written};
use crate::{command, text};

/// Points on each side of a .cube: more than the 33 of cameras, because an exposure bends sharply in the shadows, and no more than
/// programs for video take.
const CUBE_POINTS: u32 = 65;

/// Points on each side of a Hald CLUT: a picture of 512 pixels.
const HALD_POINTS: u32 = 64;

/// Levels of 255 by which a table may be away from its recipe without a word.
const NOTICED: f32 = 4.0;

/// What is written: the file that was asked for first.
struct Export {
    files: Vec<(PathBuf, Vec<u8>)>,
    /// What becomes of each operation; tables hold all of them.
    counterparts: Vec<(Operation, Counterpart)>,
    /// How far a table is away from the recipe, in levels of 255.
    apart: Option<f32>,
}

/// Runs the command.
pub(crate) fn run(arguments: &ExportArguments) -> Result<()> {
    let recipe = Recipe::load(&arguments.recipe)?;
    let place = arguments.output.clone().unwrap_or_else(|| beside(&arguments.recipe, arguments.to));
    let export = match arguments.to {
        ExportForm::Cube => of_table(&recipe, cube(&recipe, &place)?),
        ExportForm::Hald => of_table(&recipe, hald(&recipe, &place)?),
        ExportForm::Lightroom => settings(&recipe, Program::Lightroom, &place)?,
        ExportForm::Darktable => settings(&recipe, Program::Darktable, &place)?,
        ExportForm::Rawtherapee => settings(&recipe, Program::RawTherapee, &place)?,
    };
    let is_recipe = |place: &Path| {
        place.canonicalize().ok().is_some_and(|place| arguments.recipe.canonicalize().ok() == Some(place))
    };
    if export.files.iter().any(|(place, _)| is_recipe(place)) {
        let recipe = text::shown(&arguments.recipe);
        return Err(usage(format!(
            "the result would take the place of the recipe {recipe}: name another file with -o"
        )));
    }
    let written = output::write_all(&export.files, output::existing(arguments.overwrite))?;
    tell(&export, arguments.to);
    if arguments.json {
        return command::print_json(&in_json(&export, arguments, written));
    }
    let files: Vec<_> = export.files.iter().map(|(place, _)| text::shown(place)).collect();
    let remark = if written == Written::Before { " (there already)" } else { "" };
    command::print(&format!("{} -> {}{remark}\n", text::shown(&arguments.recipe), files.join(", ")))
}

/// A table and how far it is away from the recipe.
type Table = ((PathBuf, Vec<u8>), f32);

fn cube(recipe: &Recipe, place: &Path) -> Result<Table> {
    let table = ColourTable::of(recipe, CUBE_POINTS)?;
    Ok(((place.to_owned(), table.to_cube().into_bytes()), table.apart(recipe)))
}

fn hald(recipe: &Recipe, place: &Path) -> Result<Table> {
    let table = ColourTable::of(recipe, HALD_POINTS)?;
    let photo = table.to_hald().context("no square has so many points")?;
    Ok(((place.to_owned(), Picture::from(Pixels::Sixteen(photo)).encode(Encoding::Png)?), table.apart(recipe)))
}

fn of_table(recipe: &Recipe, (file, apart): Table) -> Export {
    let whole = Counterpart { likeness: Likeness::Exact, field: "table", why: "within the points of the table" };
    let counterparts = recipe.operations().iter().map(|operation| (*operation, whole)).collect();
    Export { files: vec![file], counterparts, apart: Some(apart) }
}

/// The settings of a program, with the table beside them that they name.
fn settings(recipe: &Recipe, program: Program, place: &Path) -> Result<Export> {
    let table_place = match program {
        Program::Lightroom => PathBuf::new(),
        Program::Darktable => place.with_extension("cube"),
        Program::RawTherapee => place.with_extension("hald.png"),
    };
    let named = match program {
        // It looks into a folder of its own.
        Program::Lightroom | Program::Darktable => table_place.file_name().map(PathBuf::from).unwrap_or_default(),
        Program::RawTherapee => std::path::absolute(&table_place)?,
    };
    let shown = text::shown(&named);
    let named = named.to_str().with_context(|| format!("the name {shown} is no text: choose another one with -o"))?;
    let settings = Settings::of(recipe, program, named)?;
    let mut export = Export {
        files: vec![(place.to_owned(), settings.text.into_bytes())],
        counterparts: settings.counterparts,
        apart: None,
    };
    if let Some(contents) = settings.table {
        let (file, apart) =
            if program == Program::Darktable { cube(&contents, &table_place)? } else { hald(&contents, &table_place)? };
        export.files.push(file);
        export.apart = Some(apart);
    }
    Ok(export)
}

/// Says on stderr what the user has to know of the files: what is not in them, and where they belong.
fn tell(export: &Export, form: ExportForm) {
    let mut stderr = std::io::stderr().lock();
    for (operation, Counterpart { likeness, why, .. }) in &export.counterparts {
        if *likeness == Likeness::Absent {
            let _ = writeln!(stderr, "note: {operation} is not in it: {why}");
        }
    }
    if let Some(apart) = export.apart.filter(|apart| *apart > NOTICED) {
        let _ = writeln!(
            stderr,
            "note: between its points the table is up to {apart:.0} levels of 255 away from the recipe, which bends sharply; \
             `dodge apply` is exact"
        );
    }
    if let (ExportForm::Darktable, Some((table, _))) = (form, export.files.get(1)) {
        let table = text::shown(table);
        let _ = writeln!(
            stderr,
            "note: darktable finds {table} in its folder of 3D LUTs only: put it there, or choose this folder in its preferences"
        );
    }
}

fn in_json(export: &Export, arguments: &ExportArguments, written: Written) -> Value {
    let of = |counterparts: &mut dyn Iterator<Item = &(Operation, Counterpart)>| -> Vec<Value> {
        let object = |(operation, it): &(Operation, Counterpart)| {
            let likeness = format!("{:?}", it.likeness).to_lowercase();
            json!({ "operation": operation.to_string(), "likeness": likeness, "field": it.field, "why": it.why })
        };
        counterparts.map(object).collect()
    };
    let is_missing = |it: &&(Operation, Counterpart)| it.1.likeness == Likeness::Absent;
    json!({
        "recipe": text::lossy(&arguments.recipe),
        "files": export.files.iter().map(|(place, _)| text::lossy(place)).collect::<Vec<_>>(),
        "operations": of(&mut export.counterparts.iter().filter(|it| !is_missing(it))),
        "missing": of(&mut export.counterparts.iter().filter(is_missing)),
        "table_apart_levels": export.apart,
        "passed_over": written == Written::Before,
    })
}

/// `photo.recipe.json` becomes `photo.cube`.
fn beside(recipe: &Path, form: ExportForm) -> PathBuf {
    let bare = recipe.with_extension("");
    let bare = if bare.extension() == Some(OsStr::new("recipe")) { bare.with_extension("") } else { bare };
    let extension = match form {
        ExportForm::Cube => ".cube",
        ExportForm::Hald => ".hald.png",
        ExportForm::Lightroom => ".xmp",
        // Not the same as that of Lightroom, so that both have room.
        ExportForm::Darktable => ".darktable.xmp",
        ExportForm::Rawtherapee => ".pp3",
    };
    let mut name = bare.into_os_string();
    name.push(extension);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_lies_beside_its_recipe() {
        let name = |recipe: &str, form| beside(Path::new(recipe), form).display().to_string();
        assert_eq!(name("a/photo.recipe.json", ExportForm::Cube), "a/photo.cube");
        assert_eq!(name("a.b/my.photo.recipe.json", ExportForm::Hald), "a.b/my.photo.hald.png");
        assert_eq!(name("warm.json", ExportForm::Cube), "warm.cube");
        assert_eq!(name("a/photo.recipe.json", ExportForm::Darktable), "a/photo.darktable.xmp");
    }
}
