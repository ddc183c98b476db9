//! `dodge score`

use std::fmt::Write;

use anyhow::{Result, bail};
use dodge_imaging::Photo;
use dodge_juror::{ClassicalJuror, Juror};
use dodge_preprocess::ResizeParams;

use crate::arguments::ScoreArguments;
use crate::failure::complain;
use crate::{command, input};

/// Runs the command. Photos are scored at the size that preprocessing gives them.
pub(crate) fn run(arguments: &ScoreArguments) -> Result<()> {
    let juror = ClassicalJuror::new();
    let files = input::photo_files(&arguments.photos)?;
    let size = ResizeParams::default().max_size;
    let mut scored = Vec::new();
    let mut failed = 0;
    for file in &files {
        let photo = match Photo::open(file) {
            Ok(photo) => photo.thumbnail(size),
            Err(error) => {
                complain(&error.into());
                failed += 1;
                continue;
            }
        };
        let parts = juror.sub_scores(&photo);
        if !arguments.json {
            let mut text = format!("{:5.2}  {}\n", parts.score(), file.display());
            if arguments.explain {
                for (name, part) in parts.named() {
                    let _ = writeln!(text, "       {name:>14} {:3.0} %", 100.0 * part);
                }
            }
            command::print(&text)?;
        }
        let named: serde_json::Map<String, serde_json::Value> =
            parts.named().iter().map(|(name, part)| ((*name).to_owned(), (*part).into())).collect();
        scored.push(serde_json::json!({ "photo": file, "score": parts.score(), "parts": named }));
    }
    if arguments.json {
        command::print_json(&serde_json::json!({ "juror": juror.name(), "photos": scored, "failed": failed }))?;
    }
    if failed > 0 {
        bail!("{failed} of {} photos could not be scored", files.len());
    }
    Ok(())
}
