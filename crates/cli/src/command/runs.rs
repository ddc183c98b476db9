//! `dodge runs`

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Result, bail};
use dodge_tracking::{
    Destination, RunQuery, RunRecord, SpooledRun, SyncReport, SystemClock, Tracking, TrackingOptions, Verification,
};
use serde_json::{Value, json};

use crate::arguments::{RunsArguments, RunsCommand};
use crate::command::{print, print_json};
use crate::failure::usage;
use crate::surroundings::Surroundings;
use crate::{runs, text};

/// How many runs are listed where nothing else is said.
const SCREENFUL: usize = 20;

/// Runs the command.
pub(crate) fn run(arguments: &RunsArguments, surroundings: &Surroundings) -> Result<()> {
    let volume = surroundings.volume();
    let folder = volume.join("tracking");
    let uri = arguments.tracking_uri.as_ref().or(surroundings.tracking_uri.as_ref());
    let destination = match uri {
        Some(uri) => Destination::from_env(uri).map_err(usage)?,
        None => Destination::Local,
    };
    let tracking = open(destination, &folder)?;
    let (text, value, failure) = match &arguments.command {
        RunsCommand::List { experiment, filter, limit } => {
            let mut query = RunQuery::default().with_filter(filter).with_limit(limit.unwrap_or(SCREENFUL));
            query.experiment.clone_from(experiment);
            let runs = tracking.search_runs(&query)?;
            let waiting = tracking.spooled_runs()?;
            let names: Vec<(String, String)> =
                tracking.experiments()?.into_iter().map(|it| (it.experiment_id, it.name)).collect();
            (list(&runs, &names, &waiting), json!({ "runs": runs.iter().map(in_json).collect::<Vec<_>>() }), None)
        }
        RunsCommand::Show { run } => {
            let run = tracking.read_run(&runs::id(run, &tracking, &volume)?)?;
            let artifacts = tracking.artifacts(&run.run_id)?;
            let paths: Vec<(String, u64)> = artifacts.into_iter().map(|it| (it.path, it.len)).collect();
            let mut value = in_json(&run);
            value["artifacts"] = paths.iter().map(|(path, len)| json!({"path": path, "bytes": len})).collect();
            (show(&run, &paths), value, None)
        }
        RunsCommand::Sync { runs } => {
            if !runs.is_empty() {
                let local = open(Destination::Local, &folder)?;
                for run in runs {
                    local.copy_run(&runs::id(run, &local, &volume)?, &tracking)?;
                }
            }
            sync(&tracking.sync()?)
        }
        RunsCommand::Verify { runs } => verify(&tracking, runs, &volume)?,
        RunsCommand::Export { run, output } => {
            let run = tracking.read_run(&runs::id(run, &tracking, &volume)?)?;
            let exported = tracking.export_run(&run.run_id, output)?;
            let (metrics, artifacts) = (exported.metrics, exported.artifacts);
            let text =
                format!("{metrics} metrics and {artifacts} artifacts of {} in {}\n", run.run_name, text::shown(output));
            let value = json!({"run_id": run.run_id, "metrics": metrics, "artifacts": artifacts, "folder": text::lossy(output)});
            (text, value, None)
        }
    };
    if arguments.json {
        print_json(&value)?
    } else {
        print(&text)?
    }
    match failure {
        Some(failure) => bail!("{failure}"),
        None => Ok(()),
    }
}

fn open(destination: Destination, folder: &Path) -> Result<Tracking> {
    match &destination {
        Destination::Local if !folder.exists() => {
            bail!("there is no tracking store at {}: `dodge train` makes one", text::shown(folder))
        }
        Destination::Local | Destination::Remote(_) => {}
        _ => return Err(usage("runs are kept by `local` and by servers: use --tracking-uri local or an address")),
    }
    Ok(Tracking::open(TrackingOptions::new(destination, folder, Arc::new(SystemClock)))?)
}

fn list(runs: &[RunRecord], experiments: &[(String, String)], spooled: &[SpooledRun]) -> String {
    if runs.is_empty() {
        return "no runs\n".to_owned();
    }
    let mut text =
        format!("{:8}  {:16} {:20} {:9} {:20} {:>9}\n", "id", "experiment", "name", "status", "started (UTC)", "took");
    for run in runs {
        let experiment = experiments.iter().find(|(id, _)| *id == run.experiment_id).map_or("", |(_, name)| name);
        let took = run.end_time.map_or_else(|| "-".to_owned(), |end| duration(end - run.start_time));
        let _ = write!(
            text,
            "{:8}  {:16} {:20} {:9} {:20} {took:>9}",
            run.run_id.get(..8).unwrap_or(&run.run_id),
            shortened(experiment, 16),
            shortened(&run.run_name, 20),
            run.status,
            date(run.start_time),
        );
        let waits = spooled.iter().find(|it| it.run_id == run.run_id && it.pending_bytes > 0);
        text.push_str(if waits.is_some() { "  not all delivered\n" } else { "\n" });
    }
    text
}

fn show(run: &RunRecord, artifacts: &[(String, u64)]) -> String {
    let mut text = format!("run {} {}, {}\n", run.run_id, run.run_name, run.status);
    let _ = write!(text, "experiment {}, by {}, from {}", run.experiment_id, run.user, date(run.start_time));
    let _ = match run.end_time {
        Some(end) => writeln!(text, " to {} ({})", date(end), duration(end - run.start_time)),
        None => writeln!(text),
    };
    section(&mut text, "params", run.params.iter().map(|(key, value)| (key, value.clone())));
    section(&mut text, "metrics", run.metrics.iter().map(|(key, value)| (key, value.to_string())));
    section(&mut text, "tags", run.tags.iter().map(|(key, value)| (key, value.clone())));
    section(&mut text, "datasets", run.datasets.iter().map(|it| (&it.name, it.digest.clone())));
    section(&mut text, "artifacts", artifacts.iter().map(|(path, len)| (path, format!("{len} bytes"))));
    text
}

fn section<'a>(text: &mut String, title: &str, entries: impl Iterator<Item = (&'a String, String)>) {
    let mut entries = entries.peekable();
    if entries.peek().is_some() {
        let _ = writeln!(text, "\n{title}");
    }
    for (key, value) in entries {
        let _ = writeln!(text, "  {key:40} {}", shortened(&value.replace('\n', " "), 100));
    }
}

/// What a command prints, its JSON, and why it failed.
type Outcome = (String, Value, Option<String>);

fn sync(report: &SyncReport) -> Outcome {
    let mut text = format!("{} records delivered, {} runs complete\n", report.records, report.completed.len());
    for run in &report.completed {
        let _ = writeln!(text, "  {run}");
    }
    for (spool, reason) in &report.left {
        let _ = writeln!(text, "left in {}: {reason}", text::shown(spool));
    }
    let left: Vec<Value> =
        report.left.iter().map(|(spool, reason)| json!({"spool": text::lossy(spool), "reason": reason})).collect();
    let value = json!({"records": report.records, "completed": report.completed, "left": left});
    let failure = (!report.left.is_empty()).then(|| format!("{} runs are not delivered in full", report.left.len()));
    (text, value, failure)
}

fn verify(tracking: &Tracking, wanted: &[PathBuf], volume: &Path) -> Result<Outcome> {
    let mut ids = Vec::new();
    for run in wanted {
        ids.push(runs::id(run, tracking, volume)?);
    }
    if wanted.is_empty() {
        let here = tracking.destination();
        ids.extend(tracking.spooled_runs()?.into_iter().filter(|run| run.destination == here).map(|run| run.run_id));
    }
    let (mut text, mut values, mut unequal) = (String::new(), Vec::new(), 0);
    for id in &ids {
        let verification = tracking.verify(id)?;
        unequal += usize::from(!verification.is_equal());
        text.push_str(&in_words(&verification));
        values.push(verified_in_json(&verification));
    }
    let _ = writeln!(text, "{} of {} runs are equal to what was logged", ids.len() - unequal, ids.len());
    let failure = (unequal > 0).then(|| format!("{unequal} of {} runs differ from what was logged", ids.len()));
    Ok((text, json!({"equal": unequal == 0, "runs": values}), failure))
}

fn in_words(verification: &Verification) -> String {
    let word = if verification.is_equal() { "equal" } else { "DIFFERENT" };
    let mut text = format!("{} {}: {word}", verification.run_id, verification.run_name);
    for (name, compared) in [
        ("metrics", verification.metrics),
        ("params", verification.params),
        ("tags", verification.tags),
        ("artifacts", verification.artifacts),
        ("datasets", verification.datasets),
    ] {
        let _ = write!(text, ", {} of {} {name}", compared.found, compared.logged);
    }
    text.push_str(if verification.partial { " (since it was resumed)\n" } else { "\n" });
    if verification.pending > 0 {
        let _ = writeln!(text, "  {} records wait to be delivered: `dodge runs sync`", verification.pending);
    }
    if verification.rejected > 0 {
        let _ = writeln!(text, "  {} items were refused by the server", verification.rejected);
    }
    for difference in &verification.differences {
        let _ = writeln!(text, "  {difference}");
    }
    let more = verification.difference_count.saturating_sub(verification.differences.len() as u64);
    if more > 0 {
        let _ = writeln!(text, "  and {more} more differences");
    }
    text
}

fn verified_in_json(verification: &Verification) -> Value {
    let count = |compared: dodge_tracking::Compared| json!({"logged": compared.logged, "found": compared.found});
    json!({
        "run_id": verification.run_id,
        "run_name": verification.run_name,
        "equal": verification.is_equal(),
        "metrics": count(verification.metrics),
        "params": count(verification.params),
        "tags": count(verification.tags),
        "artifacts": count(verification.artifacts),
        "datasets": count(verification.datasets),
        "pending": verification.pending,
        "rejected": verification.rejected,
        "partial": verification.partial,
        "differences": verification.differences,
        "difference_count": verification.difference_count,
    })
}

fn in_json(run: &RunRecord) -> Value {
    json!({
        "run_id": run.run_id,
        "run_name": run.run_name,
        "experiment_id": run.experiment_id,
        "user": run.user,
        "status": run.status,
        "start_time": run.start_time,
        "end_time": run.end_time,
        "params": run.params,
        "metrics": run.metrics,
        "tags": run.tags,
    })
}

fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most { text.to_owned() } else { text.chars().take(most - 3).collect::<String>() + "..." }
}

/// A time as people read it, in UTC.
fn date(milliseconds: i64) -> String {
    let seconds = milliseconds.div_euclid(1000);
    let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // The civil calendar, counted from 1 March of a year 0 in eras of 400 years (H. Hinnant, "chrono-compatible
    // low-level date algorithms").
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}", of_day / 3600, of_day / 60 % 60, of_day % 60)
}

fn duration(milliseconds: i64) -> String {
    let seconds = milliseconds.max(0) / 1000;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} m {seconds:02} s"),
        (hours, minutes, _) => format!("{hours} h {minutes:02} m"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        assert_eq!(date(0), "1970-01-01 00:00:00");
        assert_eq!(date(951_782_399_000), "2000-02-28 23:59:59");
        assert_eq!(date(951_782_400_000), "2000-02-29 00:00:00");
        assert_eq!(date(1_795_579_200_123), "2026-11-25 04:00:00");
        assert_eq!(date(4_107_542_400_000), "2100-03-01 00:00:00");
    }

    #[test]
    fn durations_are_short() {
        assert_eq!(
            [duration(-5), duration(59_999), duration(61_000), duration(7_260_000)],
            ["0 s", "59 s", "1 m 01 s", "2 h 01 m"]
        );
    }
}
