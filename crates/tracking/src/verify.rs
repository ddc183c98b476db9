//! Proves that a destination holds what was logged, no more and no less.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use crate::{
    DatasetInput, Error, Status, Tracking,
    entity::Extra,
    parent::PARENT,
    record::{Fingerprint, Record, Start},
    spool::{Frame, Ledger, SpoolFolder, SpoolReader, known_id, place_of},
};

/// How many differences are described.
const MAX_LISTED: usize = 20;

/// What a comparison of a run's records with its destination found ([`Tracking::verify`]).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verification {
    /// The id of the run at the destination.
    pub run_id: String,
    /// Its name.
    pub run_name: String,
    /// Values of metrics: key, step, time and value. Equal ones count once, as MLflow keeps them.
    pub metrics: Compared,
    /// Params.
    pub params: Compared,
    /// Tags; those that a server adds are not looked at.
    pub tags: Compared,
    /// Files, with their content.
    pub artifacts: Compared,
    /// Datasets.
    pub datasets: Compared,
    /// Records that still wait in the spool: the destination cannot have them yet.
    pub pending: u64,
    /// Items that the server refused.
    pub rejected: u64,
    /// Whether the records begin in the middle of the run, because those before were cleared away or are on another
    /// machine: what the destination has beyond them is not held against it then.
    pub partial: bool,
    /// The first differences, in words.
    pub differences: Vec<String>,
    /// How many differences there are.
    pub difference_count: u64,
}

impl Verification {
    /// Whether the destination holds exactly what was logged.
    pub fn is_equal(&self) -> bool {
        self.difference_count == 0 && self.pending == 0 && self.rejected == 0
    }

    fn differ(&mut self, what: impl FnOnce() -> String) {
        self.difference_count += 1;
        if self.differences.len() < MAX_LISTED {
            self.differences.push(what());
        }
    }
}

/// How many items were logged and how many the destination has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Compared {
    /// Logged.
    pub logged: u64,
    /// At the destination.
    pub found: u64,
}

/// A run whose records are kept here ([`Tracking::spooled_runs`]).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SpooledRun {
    /// Our id of the run.
    pub client_id: String,
    /// Its id at the destination; ours, where no server has named it yet.
    pub run_id: String,
    /// Its name.
    pub run_name: String,
    /// The name of its experiment.
    pub experiment: String,
    /// `local` or the address of the server.
    pub destination: String,
    /// Whether all of it has been delivered.
    pub delivered: bool,
    /// The folder of its records.
    pub spool: PathBuf,
    /// Their length in bytes.
    pub bytes: u64,
    /// How many of these bytes wait to be delivered.
    pub pending_bytes: u64,
}

/// A value of a metric, such that equal ones are one to MLflow.
type Point = (i64, i64, u64);

/// What a spool says of its run.
#[derive(Default)]
struct Logged {
    metrics: BTreeMap<String, Vec<Point>>,
    params: BTreeMap<String, String>,
    tags: BTreeMap<String, String>,
    artifacts: BTreeMap<String, Option<Fingerprint>>,
    datasets: Vec<DatasetInput>,
    status: Option<Status>,
    partial: bool,
    pending: u64,
}

impl Tracking {
    /// The runs whose records are in the tracking folder, whatever their destination: those that wait for delivery, and
    /// those that were delivered and not cleared away yet.
    ///
    /// # Errors
    /// [`Error::File`] if the folder cannot be read. A spool that cannot be read is left out, with a warning.
    pub fn spooled_runs(&self) -> Result<Vec<SpooledRun>, Error> {
        let spool = self.spool();
        let waiting = SpoolFolder::list(&spool)?.into_iter().map(|path| (path, false));
        let delivered = SpoolFolder::list_delivered(&spool)?.into_iter().map(|path| (path, true));
        let mut found = Vec::new();
        for (path, delivered) in waiting.chain(delivered) {
            match describe(&path, delivered) {
                Ok(run) => found.push(run),
                Err(error) => tracing::warn!(spool = %path.display(), %error, "cannot read a spool"),
            }
        }
        Ok(found)
    }

    /// Compares what was logged to a run with what its destination holds. `run_id` is the id there or ours.
    ///
    /// # Errors
    /// [`Error::Missing`] if the records of the run are not here (they are kept up to
    /// [`TrackingOptions::keep_delivered`](crate::TrackingOptions::keep_delivered)) or belong to another destination, or if
    /// the destination does not have the run; [`Error::Server`], [`Error::Store`] or [`Error::File`] if they cannot be read.
    pub fn verify(&self, run_id: &str) -> Result<Verification, Error> {
        let spool = self.spool();
        let missing = |place: String| Error::Missing { what: "run", name: run_id.chars().take(80).collect(), place };
        let here = || missing(format!("the records below {}", spool.with_file_name("").display()));
        let client_id = known_id(&spool, run_id)?.ok_or_else(here)?;
        let path = place_of(&spool, &client_id)?;
        let ledger = Ledger::of(&path)?;
        let (start, logged) = read_spool(&path, &ledger)?;
        if start.destination != self.destination() {
            return Err(missing(format!("{}: it was recorded to {}", self.place(), start.destination)));
        }
        let run_id = ledger.progress.server_run_id.clone().unwrap_or_else(|| start.run_id.clone());
        let mut result = Verification {
            run_id: run_id.clone(),
            run_name: start.run_name.clone(),
            pending: logged.pending,
            rejected: ledger.progress.rejected,
            partial: logged.partial,
            ..Verification::default()
        };
        self.compare(&run_id, &logged, &mut result)?;
        Ok(result)
    }

    fn compare(&self, run_id: &str, logged: &Logged, result: &mut Verification) -> Result<(), Error> {
        let found = self.read_run(run_id)?;
        if let Some(status) = logged.status
            && status.as_str() != found.status
        {
            result.differ(|| format!("the status is {} instead of {}", found.status, status.as_str()));
        }
        if logged.status.is_none() && found.status != "RUNNING" {
            result.differ(|| format!("the status is {} though the run goes on", found.status));
        }
        let mut keys: BTreeSet<&String> = logged.metrics.keys().collect();
        if !logged.partial {
            keys.extend(found.metrics.keys());
        }
        for key in keys {
            let expected = logged.metrics.get(key).map_or(&[][..], Vec::as_slice);
            let history = self.metric_history(run_id, key)?;
            let mut points: Vec<Point> =
                history.iter().map(|metric| (metric.step, metric.timestamp, stored(metric.value))).collect();
            points.sort_unstable();
            result.metrics.logged += expected.len() as u64;
            result.metrics.found += points.len() as u64;
            compare_points(key, expected, &points, result);
        }
        compare_pairs("param", &logged.params, &found.params, !logged.partial, result);
        compare_pairs("tag", &logged.tags, &found.tags, false, result);
        self.compare_artifacts(run_id, logged, result)?;
        result.datasets.logged = logged.datasets.len() as u64;
        for dataset in &logged.datasets {
            let same = |other: &&DatasetInput| (&other.name, &other.digest) == (&dataset.name, &dataset.digest);
            match found.datasets.iter().find(same) {
                Some(_) => result.datasets.found += 1,
                None => result.differ(|| format!("dataset `{}` {} is missing", dataset.name, dataset.digest)),
            }
        }
        Ok(())
    }

    fn compare_artifacts(&self, run_id: &str, logged: &Logged, result: &mut Verification) -> Result<(), Error> {
        let listed: BTreeMap<String, u64> =
            self.artifacts(run_id)?.into_iter().map(|artifact| (artifact.path, artifact.len)).collect();
        result.artifacts.logged = logged.artifacts.len() as u64;
        for (path, content) in &logged.artifacts {
            if !listed.contains_key(path) {
                result.differ(|| format!("artifact `{path}` is missing"));
                continue;
            }
            result.artifacts.found += 1;
            let Some(expected) = content else { continue };
            let found = self.artifact_fingerprint(run_id, path)?;
            if found != *expected {
                result.differ(|| {
                    format!("artifact `{path}` has other content ({} bytes instead of {})", found.len, expected.len)
                });
            }
        }
        if !logged.partial {
            for path in listed.keys().filter(|path| !logged.artifacts.contains_key(*path)) {
                result.artifacts.found += 1;
                result.differ(|| format!("artifact `{path}` was never logged"));
            }
        }
        Ok(())
    }
}

/// Both sorted; those expected hold no point twice.
fn compare_points(key: &str, expected: &[Point], found: &[Point], result: &mut Verification) {
    let partial = result.partial;
    let (mut e, mut f) = (0, 0);
    loop {
        match (expected.get(e), found.get(f)) {
            (None, None) => return,
            (Some(point), Some(other)) if point == other => {
                e += 1;
                f += 1;
            }
            (Some((step, time, _)), other) if other.is_none_or(|other| other > &expected[e]) => {
                result
                    .differ(|| format!("metric `{key}` at step {step} (time {time}) is missing or has another value"));
                e += 1;
            }
            (_, Some((step, time, _))) => {
                if !partial {
                    let twice = f > 0 && found[f - 1] == found[f];
                    let what = if twice { "is there twice" } else { "was never logged" };
                    result.differ(|| format!("metric `{key}` at step {step} (time {time}) {what}"));
                }
                f += 1;
            }
            (Some(_), None) => e += 1,
        }
    }
}

fn compare_pairs(
    kind: &'static str,
    expected: &BTreeMap<String, String>,
    found: &BTreeMap<String, String>,
    nothing_else: bool,
    result: &mut Verification,
) {
    let mut counts = Compared { logged: expected.len() as u64, found: 0 };
    for (key, value) in expected {
        match found.get(key) {
            Some(other) if other == value => counts.found += 1,
            Some(_) => {
                counts.found += 1;
                result.differ(|| format!("{kind} `{key}` has another value"));
            }
            None => result.differ(|| format!("{kind} `{key}` is missing")),
        }
    }
    if nothing_else {
        for key in found.keys().filter(|key| !expected.contains_key(*key)) {
            counts.found += 1;
            result.differ(|| format!("{kind} `{key}` was never logged"));
        }
    }
    match kind {
        "param" => result.params = counts,
        _ => result.tags = counts,
    }
}

/// The bits of a value as MLflow stores it: one NaN, no infinity, no negative zero.
fn stored(value: f64) -> u64 {
    let value = if value.is_nan() { f64::NAN } else { value.clamp(f64::MIN, f64::MAX) };
    if value == 0.0 { 0 } else { value.to_bits() }
}

fn read_spool(path: &Path, ledger: &Ledger) -> Result<(Start, Logged), Error> {
    let records = path.join("records");
    let length = fs::metadata(&records).map_err(Error::file("read", &records))?.len();
    let mut reader = SpoolReader::open_file(&records)?;
    let start = reader.start(length)?;
    let mut logged = Logged::default();
    let mut first = true;
    loop {
        let frames = reader.read(length, 8192)?;
        if frames.is_empty() {
            break;
        }
        for Frame { record, end } in frames {
            logged.partial |= first && record == Record::Resume;
            first = false;
            logged.pending += u64::from(end > ledger.progress.delivered);
            logged.note(record);
        }
    }
    for points in logged.metrics.values_mut() {
        points.sort_unstable();
        points.dedup();
    }
    // What a server names itself.
    logged.tags.remove(PARENT);
    Ok((start, logged))
}

impl Logged {
    fn note(&mut self, record: Record) {
        match record {
            Record::Metrics { timestamp, step, values } => {
                for (key, value) in values {
                    let point = (step, timestamp, stored(value));
                    match self.metrics.get_mut(&key) {
                        Some(points) => points.push(point),
                        None => drop(self.metrics.insert(key, vec![point])),
                    }
                }
            }
            Record::Params(pairs) => self.params.extend(pairs),
            Record::Tags(pairs) => self.tags.extend(pairs),
            // On a server a model's files are its own; in the local store they are the run's.
            Record::Artifact(artifact) if artifact.model.is_empty() || artifact.file.is_empty() => {
                self.artifacts.insert(artifact.path, artifact.content);
            }
            Record::End { status, .. } => self.status = Some(status),
            Record::Resume => self.status = None,
            Record::Extra(extra) => {
                if let Extra::Dataset(dataset) = *extra {
                    self.datasets.retain(|other| (&other.name, &other.digest) != (&dataset.name, &dataset.digest));
                    self.datasets.push(dataset);
                }
            }
            Record::Start(_) | Record::Artifact(_) => {}
        }
    }
}

fn describe(path: &Path, delivered: bool) -> Result<SpooledRun, Error> {
    let records = path.join("records");
    let bytes = fs::metadata(&records).map_err(Error::file("read", &records))?.len();
    let start = SpoolReader::open_file(&records)?.start(bytes)?;
    let progress = Ledger::of(path)?.progress;
    Ok(SpooledRun {
        run_id: progress.server_run_id.unwrap_or_else(|| start.run_id.clone()),
        client_id: start.run_id,
        run_name: start.run_name,
        experiment: start.experiment,
        destination: start.destination,
        delivered,
        spool: path.to_owned(),
        bytes,
        pending_bytes: bytes.saturating_sub(progress.delivered),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(expected: &[Point], found: &[Point]) -> Vec<String> {
        let mut result = Verification::default();
        compare_points("m", expected, found, &mut result);
        result.differences
    }

    #[test]
    fn points_are_missing_doubled_or_foreign() {
        let (a, b, c) = ((0, 1, 5), (1, 1, 5), (2, 1, 5));
        assert_eq!(points(&[a, b, c], &[a, b, c]), [""; 0]);
        assert!(points(&[a, b, c], &[a, c])[0].contains("step 1 (time 1) is missing"));
        assert!(points(&[a, b, c], &[a, b])[0].contains("step 2 (time 1) is missing"));
        assert!(points(&[a, c], &[a, a, c])[0].contains("step 0 (time 1) is there twice"));
        assert!(points(&[a, c], &[a, b, c])[0].contains("step 1 (time 1) was never logged"));
        let other_value = points(&[a, b], &[a, (1, 1, 6)]);
        assert_eq!(other_value.len(), 2, "{other_value:?}");
        assert_eq!(points(&[a, b, c], &[]).len(), 3);
    }

    #[test]
    fn values_are_compared_as_mlflow_stores_them() {
        assert_eq!(stored(f64::NAN), stored(-f64::NAN));
        assert_eq!(stored(f64::INFINITY), stored(f64::MAX));
        assert_eq!(stored(-0.0), stored(0.0));
        assert_ne!(stored(0.1), stored(0.1 + f64::EPSILON));
    }
}
