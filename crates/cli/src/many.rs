//! Many photos on many machines: a list of them, the part that one machine works on, and a line of JSON for each.

mod shard;

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};

use self::shard::ShardChoice;
pub(crate) use self::shard::{ArrayTask, Shard};
use crate::batch::Told;
use crate::failure::in_our_words;
use crate::input::{Input, Inputs};
use crate::{command, text};

/// Which of many photos are worked on, and what of failures.
#[derive(Debug, Default, Args)]
pub(crate) struct ManyArguments {
    /// In place of photos: a list of them, a path on each line, from the folder of the list; with `-` from stdin and the working folder.
    /// For each photo a line of JSON is printed
    #[arg(long, value_name = "FILE", conflicts_with = "photos")]
    pub(crate) manifest: Option<PathBuf>,
    /// Work on one part of the photos only, such as 3/8; the parts of all numbers up to N are all photos. `auto` asks the task of a
    /// Slurm array which one, `auto/N` that or the pod of an indexed Kubernetes job. For each photo a line of JSON is printed
    #[arg(long, value_name = "I/N")]
    shard: Option<ShardChoice>,
    /// Give up when more than so many photos have failed; with no more, end as if none had
    #[arg(long, value_name = "K")]
    pub(crate) max_failures: Option<usize>,
}

impl ManyArguments {
    /// All photos that are meant, of which this machine may work on a part: places of results depend on all.
    pub(crate) fn inputs(&self, photos: &[PathBuf], results: Option<&std::path::Path>) -> Result<Inputs> {
        match &self.manifest {
            Some(file) => {
                let photos = dodge_rl::read_manifest(file).map_err(in_our_words)?;
                Ok(Inputs { photos, skipped: Vec::new() })
            }
            None => Inputs::of(photos, results),
        }
    }

    /// The part of this machine, where one is asked for.
    pub(crate) fn shard(&self, task: &ArrayTask) -> Result<Option<Shard>> {
        self.shard.map(|choice| choice.shard(task)).transpose()
    }

    /// Whether a program reads what is printed: a line for each photo.
    pub(crate) fn has_rows(&self) -> bool {
        self.manifest.is_some() || self.shard.is_some()
    }
}

/// Prints the line of a photo: what was done, or why nothing could be, and how long that took.
pub(crate) fn print_row(photo: &Input, told: &Told<Value>) -> Result<()> {
    let mut row = match &told.done {
        Ok(done) => done.clone(),
        Err(reason) => json!({ "photo": text::lossy(&photo.path), "error": reason }),
    };
    row["milliseconds"] = json!((told.seconds * 1e4).round() / 10.0);
    command::print_json(&row)
}
