//! `dodge doctor`

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;
use dodge_data::free_space;
use dodge_preprocess::CacheEntry;
use dodge_rl::{UsedResults, used_results};
use dodge_tracking::{Destination, SystemClock, Tracking, TrackingOptions};
use serde_json::{Value, json};

use crate::arguments::DoctorArguments;
use crate::failure::usage;
use crate::surroundings::Surroundings;
use crate::{command, runs, text};

/// Steps whose results a run of an earlier version may need without naming them.
const UNNAMED_BEFORE: [&str; 3] = ["copy_and_resize", "annotation_file", "score"];

/// Runs the command.
pub(crate) fn run(arguments: &DoctorArguments, surroundings: &Surroundings) -> Result<()> {
    let volume = surroundings.volume();
    let cache = Cache::of(&volume)?;
    let removed = if arguments.prune { cache.prune()? } else { Vec::new() };
    let report = Report {
        graphics: dodge_learn::gpu().map(|gpu| gpu.name).map_err(|error| error.to_string()),
        tracking: tracking(arguments.tracking_uri.as_ref().or(surroundings.tracking_uri.as_ref()), &volume)?,
        free: free_space(&volume),
        volume,
        cache,
        removed,
        pruned: arguments.prune,
    };
    if arguments.json { command::print_json(&report.in_json()) } else { command::print(&report.in_words()) }
}

/// What there is.
struct Report {
    graphics: Result<String, String>,
    tracking: Store,
    volume: PathBuf,
    free: Option<u64>,
    cache: Cache,
    /// What `--prune` removed.
    removed: Vec<CacheEntry>,
    pruned: bool,
}

/// Where runs are recorded.
struct Store {
    destination: String,
    /// How many experiments it has, or why that is not known.
    experiments: Result<usize, String>,
    /// Bytes of runs that wait for it.
    waiting: u64,
}

fn tracking(uri: Option<&String>, volume: &Path) -> Result<Store> {
    let destination = match uri {
        Some(uri) => Destination::from_env(uri).map_err(usage)?,
        None => Destination::Local,
    };
    let folder = volume.join("tracking");
    let named = uri.cloned().unwrap_or_else(|| "local".to_owned());
    let is_kept = matches!(destination, Destination::Local | Destination::Remote(_));
    let nothing_yet = matches!(destination, Destination::Local) && !folder.join("mlflow.db").exists();
    if !is_kept || nothing_yet {
        let reason = if is_kept { "nothing is recorded yet" } else { "nothing is kept there" };
        return Ok(Store { destination: named, experiments: Err(reason.to_owned()), waiting: 0 });
    }
    let tracking = match Tracking::open(TrackingOptions::new(destination, folder, std::sync::Arc::new(SystemClock))) {
        Ok(tracking) => tracking,
        Err(error) => return Ok(Store { destination: named, experiments: Err(error.to_string()), waiting: 0 }),
    };
    let waiting = tracking.spooled_runs().map_or(0, |runs| runs.iter().map(|run| run.pending_bytes).sum());
    let experiments = tracking.experiments().map(|found| found.len()).map_err(|error| error.to_string());
    Ok(Store { destination: tracking.destination(), experiments, waiting })
}

/// The cache of a volume, and which of it no run needs.
struct Cache {
    entries: Vec<CacheEntry>,
    unneeded: Vec<CacheEntry>,
}

impl Cache {
    fn of(volume: &Path) -> Result<Self> {
        let entries = CacheEntry::all(volume)?;
        let needs = Needs::of_runs(volume)?;
        let unneeded = entries.iter().filter(|entry| !needs.include(entry)).cloned().collect();
        Ok(Self { entries, unneeded })
    }

    /// Removes what no run needs and nobody uses.
    fn prune(&self) -> Result<Vec<CacheEntry>> {
        let mut removed = Vec::new();
        for entry in &self.unneeded {
            if entry.remove()? {
                removed.push(entry.clone());
            }
        }
        Ok(removed)
    }

    fn by_step(&self) -> BTreeMap<&str, (usize, u64)> {
        let mut steps: BTreeMap<&str, (usize, u64)> = BTreeMap::new();
        for entry in &self.entries {
            let (count, bytes) = steps.entry(&entry.step).or_default();
            *count += 1;
            *bytes += entry.bytes;
        }
        steps
    }
}

/// What the runs of a volume need of its cache.
#[derive(Default)]
struct Needs {
    /// Step and key.
    named: BTreeSet<(String, String)>,
    /// Whether there is a run of an earlier version.
    unnamed: bool,
}

impl Needs {
    fn of_runs(volume: &Path) -> Result<Self> {
        let mut needs = Self::default();
        for folder in runs::all_folders(volume)? {
            match used_results(&folder)? {
                UsedResults::Named(results) => needs.add(&results),
                UsedResults::SplitsOnly(results) => {
                    needs.add(&results);
                    needs.unnamed = true;
                }
            }
        }
        Ok(needs)
    }

    fn add(&mut self, results: &[PathBuf]) {
        let name = |path: Option<&Path>| Some(path?.file_name()?.to_string_lossy().into_owned());
        let named = results.iter().filter_map(|folder| Some((name(folder.parent())?, name(Some(folder))?)));
        self.named.extend(named);
    }

    fn include(&self, entry: &CacheEntry) -> bool {
        let is_named = self.named.contains(&(entry.step.clone(), entry.key.clone()));
        !entry.unfinished && (is_named || (self.unnamed && UNNAMED_BEFORE.contains(&&*entry.step)))
    }
}

fn bytes_of(entries: &[CacheEntry]) -> u64 {
    entries.iter().map(|entry| entry.bytes).sum()
}

impl Report {
    fn in_words(&self) -> String {
        let mut text =
            format!("dodge {} on {} ({})\n\n", env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH);
        let mut line = |what: &str, words: &str| {
            let _ = writeln!(text, "{what:<10} {words}");
        };
        line("processor", &format!("{} threads", rayon::current_num_threads()));
        match &self.graphics {
            Ok(name) => line("graphics", name),
            Err(reason) => line("graphics", &format!("none: {reason}")),
        }
        let Store { destination, experiments, waiting } = &self.tracking;
        line(
            "tracking",
            &match experiments {
                Ok(count) => format!("{destination}: {count} experiments"),
                Err(reason) => format!("{destination}: {reason}"),
            },
        );
        if *waiting > 0 {
            line("", &format!("{} wait to be delivered: `dodge runs sync`", text::size(*waiting)));
        }
        let free = self.free.map_or_else(String::new, |free| format!(": {} free", text::size(free)));
        line("volume", &format!("{}{free}", text::shown(&self.volume)));
        let (entries, unneeded) = (&self.cache.entries, &self.cache.unneeded);
        line("cache", &format!("{} results, {}", entries.len(), text::size(bytes_of(entries))));
        for (step, (count, bytes)) in self.cache.by_step() {
            line("", &format!("{step}: {count}, {}", text::size(bytes)));
        }
        if self.pruned {
            for entry in &self.removed {
                line("removed", &format!("{} ({})", text::shown(&entry.folder), text::size(entry.bytes)));
            }
            let kept = unneeded.len() - self.removed.len();
            let in_use = if kept > 0 { format!("; {kept} are in use") } else { String::new() };
            let (count, bytes) = (self.removed.len(), text::size(bytes_of(&self.removed)));
            line("", &format!("removed {count} results that no run here needs, {bytes}{in_use}"));
        } else if !unneeded.is_empty() {
            let (count, bytes) = (unneeded.len(), text::size(bytes_of(unneeded)));
            line("", &format!("no run here needs {count} of them, {bytes}: `dodge doctor --prune` removes them"));
        }
        text
    }

    fn in_json(&self) -> Value {
        let of = |entries: &[CacheEntry]| json!({ "results": entries.len(), "bytes": bytes_of(entries) });
        let steps = self.cache.by_step().into_iter();
        let steps: serde_json::Map<String, Value> = steps
            .map(|(step, (count, bytes))| (step.to_owned(), json!({ "results": count, "bytes": bytes })))
            .collect();
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "threads": rayon::current_num_threads(),
            "graphics": self.graphics.as_ref().ok(),
            "tracking": {
                "destination": self.tracking.destination,
                "experiments": self.tracking.experiments.as_ref().ok(),
                "problem": self.tracking.experiments.as_ref().err(),
                "waiting_bytes": self.tracking.waiting,
            },
            "volume": { "folder": text::lossy(&self.volume), "free_bytes": self.free },
            "cache": {
                "all": of(&self.cache.entries),
                "unneeded": of(&self.cache.unneeded),
                "steps": steps,
                "removed": self.removed.iter().map(|entry| text::lossy(&entry.folder)).collect::<Vec<_>>(),
            },
        })
    }
}
