//! What the environment variables say. They are read here and nowhere else; `docs/environment.md` lists them.

use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use anyhow::Result;
use clap::ValueEnum;
use dodge_data::KaggleToken;
use tracing_subscriber::EnvFilter;

use crate::arguments::Device;
use crate::failure::usage;
use crate::many::ArrayTask;
use crate::{terminal, text};

/// Values of environment variables, checked.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Surroundings {
    /// `IMAGE_VOLUME_PATH`: the folder under which everything is kept.
    volume: Option<PathBuf>,
    /// `MLFLOW_TRACKING_URI`: where to record.
    pub(crate) tracking_uri: Option<String>,
    /// `MLFLOW_EXPERIMENT_NAME`: the experiment of a run.
    pub(crate) experiment: Option<String>,
    /// `DODGE_DEVICE`: where to compute.
    pub(crate) device: Option<Device>,
    /// `DODGE_THREADS`: threads to use.
    pub(crate) threads: Option<usize>,
    /// `DODGE_LOG`: what is logged to stderr.
    log: Option<String>,
    /// `NO_COLOR`: no colours in the log, also on a terminal.
    no_color: bool,
    /// `TERM=dumb`: a terminal that only adds text, without bars and colours.
    pub(crate) dumb_terminal: bool,
    /// `USER` or `USERNAME`: who runs it.
    pub(crate) user: Option<String>,
    /// `DODGE_DATASETS`: a list of datasets on top of the built-in one.
    pub(crate) datasets: Option<PathBuf>,
    /// `IMAGE_ACQUISITION_SERVICE_URL`: the service that fetches datasets for this machine.
    pub(crate) acquisition_url: Option<String>,
    /// `DODGE_JUROR_TOKEN`: what the juror service asks for.
    pub(crate) juror_token: Option<String>,
    /// `DODGE_ACQUISITION_TOKEN`: what the acquisition service asks for.
    pub(crate) acquisition_token: Option<String>,
    /// `KAGGLE_USERNAME` and `KAGGLE_KEY`: credentials for datasets of Kaggle.
    pub(crate) kaggle: Option<KaggleToken>,
    /// `KAGGLE_CONFIG_DIR`, or `.kaggle` in `HOME` or `USERPROFILE`: the folder of `kaggle.json`.
    pub(crate) kaggle_folder: Option<PathBuf>,
    /// `JOB_COMPLETION_INDEX` of Kubernetes and `SLURM_ARRAY_TASK_…`: which task of a job this is.
    pub(crate) array_task: ArrayTask,
    /// `DODGE_SECTION__KEY`: hyperparameters, with the names of the variables, sorted.
    pub(crate) hyperparameters: Vec<(String, String)>,
}

/// With what our variables begin.
pub(crate) const PREFIX: &str = "DODGE_";

impl Surroundings {
    /// Reads the environment of the process.
    pub(crate) fn from_env() -> Result<Self> {
        let unicode = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
        let hyperparameters = hyperparameters(std::env::vars_os().filter_map(unicode));
        Ok(Self { hyperparameters, ..Self::from_lookup(|name| std::env::var_os(name))? })
    }

    /// Reads variables through `lookup`; an empty one counts as not set. A path may be any bytes, everything else is text.
    pub(crate) fn from_lookup(bytes: impl Fn(&str) -> Option<OsString>) -> Result<Self> {
        let bytes = |name: &str| bytes(name).filter(|value| !value.to_string_lossy().trim().is_empty());
        let texts =
            ["DODGE_DEVICE", "DODGE_THREADS", "DODGE_LOG", "KAGGLE_USERNAME", "KAGGLE_KEY", "MLFLOW_TRACKING_URI"];
        let more =
            ["MLFLOW_EXPERIMENT_NAME", "IMAGE_ACQUISITION_SERVICE_URL", "DODGE_ACQUISITION_TOKEN", "DODGE_JUROR_TOKEN"];
        if let Some(name) = texts.iter().chain(&more).find(|name| bytes(name).is_some_and(|it| it.to_str().is_none())) {
            return Err(usage(format!("{name} is no UTF-8 text")));
        }
        let lookup = |name: &str| bytes(name).and_then(|value| value.into_string().ok());
        let home = || bytes("HOME").or_else(|| bytes("USERPROFILE")).map(PathBuf::from);
        let path = |name: &str| bytes(name).map(|value| from_home(name, PathBuf::from(value), home())).transpose();
        let device = lookup("DODGE_DEVICE").map(|text| {
            Device::from_str(&text, true).map_err(|_| usage(format!("DODGE_DEVICE is `{text}`: use auto, cpu or gpu")))
        });
        let threads = lookup("DODGE_THREADS").map(|text| match text.trim().parse() {
            Ok(threads) if threads > 0 => Ok(threads),
            _ => Err(usage(format!("DODGE_THREADS is `{text}`: use a number from 1"))),
        });
        let log = lookup("DODGE_LOG");
        if let Some(text) = &log {
            EnvFilter::try_new(text)
                .map_err(|e| usage(format!("DODGE_LOG is `{text}`, which is no log filter such as `info`: {e}")))?;
        }
        // Of other programs: what is no number says nothing.
        let number = |name: &str| lookup(name).and_then(|text| text.trim().parse().ok());
        // One of them without the other says nothing, as for Kaggle's own program.
        let kaggle = lookup("KAGGLE_USERNAME").zip(lookup("KAGGLE_KEY"));
        let kaggle = kaggle.map(|(username, key)| KaggleToken::new(username, key));
        let kaggle_folder = path("KAGGLE_CONFIG_DIR")?;
        Ok(Self {
            datasets: path("DODGE_DATASETS")?,
            acquisition_url: lookup("IMAGE_ACQUISITION_SERVICE_URL"),
            juror_token: lookup("DODGE_JUROR_TOKEN"),
            acquisition_token: lookup("DODGE_ACQUISITION_TOKEN"),
            kaggle: kaggle.transpose().map_err(usage)?,
            kaggle_folder: kaggle_folder.or_else(|| home().map(|home| home.join(".kaggle"))),
            volume: path("IMAGE_VOLUME_PATH")?,
            tracking_uri: lookup("MLFLOW_TRACKING_URI"),
            experiment: lookup("MLFLOW_EXPERIMENT_NAME"),
            device: device.transpose()?,
            threads: threads.transpose()?,
            log,
            no_color: bytes("NO_COLOR").is_some(),
            dumb_terminal: lookup("TERM").is_some_and(|terminal| terminal == "dumb"),
            user: lookup("USER").or_else(|| lookup("USERNAME")),
            array_task: ArrayTask {
                job_completion_index: number("JOB_COMPLETION_INDEX"),
                slurm_id: number("SLURM_ARRAY_TASK_ID"),
                slurm_min: number("SLURM_ARRAY_TASK_MIN"),
                slurm_step: number("SLURM_ARRAY_TASK_STEP"),
                slurm_count: number("SLURM_ARRAY_TASK_COUNT"),
            },
            hyperparameters: Vec::new(),
        })
    }

    /// The folder under which everything is kept.
    pub(crate) fn volume(&self) -> PathBuf {
        self.volume.clone().unwrap_or_else(|| PathBuf::from("dodge-data"))
    }

    /// Starts logging to stderr.
    pub(crate) fn start_log(&self) {
        let filter = EnvFilter::new(self.log.as_deref().unwrap_or("warn,dodge::device=info,dodge::metrics=info"));
        // A second start, in tests, is no mistake.
        let _ = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(|| Aside)
            .with_ansi(std::io::stderr().is_terminal() && !self.no_color && !self.dumb_terminal)
            .with_target(false)
            .without_time()
            .try_init();
    }
}

/// Stderr for lines of the log, which come while a bar is shown.
struct Aside;

impl Write for Aside {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        terminal::aside(|| std::io::stderr().write(bytes))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stderr().flush()
    }
}

/// A path of a variable, in which no shell has put the home folder in the place of a `~`: files of services and containers set
/// variables without one.
fn from_home(name: &str, path: PathBuf, home: Option<PathBuf>) -> Result<PathBuf> {
    let mut parts = path.components();
    match parts.next() {
        Some(first) if first.as_os_str() == "~" => match home {
            Some(home) => Ok(home.join(parts.as_path())),
            None => Err(usage(format!("{name} is `{}`, and HOME is not set: use a whole path", text::shown(&path)))),
        },
        _ => Ok(path),
    }
}

/// Those of the variables that name a hyperparameter.
fn hyperparameters(variables: impl Iterator<Item = (String, String)>) -> Vec<(String, String)> {
    let names_one = |name: &str| name.strip_prefix(PREFIX).is_some_and(|name| name.contains("__"));
    let mut found: Vec<_> = variables.filter(|(name, _)| names_one(name)).collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &str, value: &str) -> Result<Surroundings> {
        Surroundings::from_lookup(|asked| (asked == name).then(|| value.into()))
    }

    #[test]
    fn image_volume_path() {
        assert_eq!(with("IMAGE_VOLUME_PATH", "elsewhere").unwrap().volume(), PathBuf::from("elsewhere"));
        assert_eq!(with("IMAGE_VOLUME_PATH", "").unwrap().volume(), PathBuf::from("dodge-data"));
    }

    #[test]
    fn a_tilde_in_a_path_is_the_home_folder() {
        let volume = |value: &str, home: Option<&str>| {
            let lookup = |asked: &str| match asked {
                "IMAGE_VOLUME_PATH" => Some(value.into()),
                "HOME" => home.map(OsString::from),
                _ => None,
            };
            Surroundings::from_lookup(lookup).map(|surroundings| surroundings.volume())
        };
        assert_eq!(volume("~/dodge/data", Some("/home/ann")).unwrap(), PathBuf::from("/home/ann/dodge/data"));
        assert_eq!(volume("~", Some("/home/ann")).unwrap(), PathBuf::from("/home/ann"));
        for other in ["a/~/b", "~ann/data", "/~"] {
            assert_eq!(volume(other, Some("/home/ann")).unwrap(), PathBuf::from(other));
        }
        assert!(volume("~/data", None).unwrap_err().to_string().contains("use a whole path"));
    }

    #[cfg(unix)]
    #[test]
    fn paths_may_be_any_bytes_and_text_may_not() {
        use std::os::unix::ffi::OsStringExt;

        let with = |name: &str| {
            Surroundings::from_lookup(|asked| (asked == name).then(|| OsString::from_vec(b"caf\xe9".to_vec())))
        };
        assert_eq!(with("IMAGE_VOLUME_PATH").unwrap().volume().into_os_string().into_vec(), b"caf\xe9");
        assert_eq!(with("MLFLOW_TRACKING_URI").unwrap_err().to_string(), "MLFLOW_TRACKING_URI is no UTF-8 text");
    }

    #[test]
    fn term() {
        assert!(with("TERM", "dumb").unwrap().dumb_terminal);
        assert!(!with("TERM", "xterm-256color").unwrap().dumb_terminal);
    }

    #[test]
    fn mlflow_tracking_uri() {
        let surroundings = with("MLFLOW_TRACKING_URI", "http://tracker:5000").unwrap();
        assert_eq!(surroundings.tracking_uri.as_deref(), Some("http://tracker:5000"));
    }

    #[test]
    fn mlflow_experiment_name() {
        assert_eq!(with("MLFLOW_EXPERIMENT_NAME", "mine").unwrap().experiment.as_deref(), Some("mine"));
    }

    #[test]
    fn dodge_device() {
        assert_eq!(with("DODGE_DEVICE", "CPU").unwrap().device, Some(Device::Cpu));
        assert_eq!(with("DODGE_DEVICE", "tpu").unwrap_err().to_string(), "DODGE_DEVICE is `tpu`: use auto, cpu or gpu");
    }

    #[test]
    fn dodge_threads() {
        assert_eq!(with("DODGE_THREADS", "3").unwrap().threads, Some(3));
        for wrong in ["0", "many", "-1"] {
            assert!(with("DODGE_THREADS", wrong).unwrap_err().to_string().contains("use a number from 1"));
        }
    }

    #[test]
    fn dodge_log() {
        assert!(with("DODGE_LOG", "debug,dodge_rl=trace").is_ok());
        assert!(with("DODGE_LOG", "=,=").unwrap_err().to_string().contains("no log filter"));
    }

    #[test]
    fn no_color() {
        assert!(with("NO_COLOR", "1").unwrap().no_color);
        assert!(!with("NO_COLOR", "").unwrap().no_color);
    }

    #[test]
    fn image_acquisition_service_url() {
        let surroundings = with("IMAGE_ACQUISITION_SERVICE_URL", "http://127.0.0.1:5005").unwrap();
        assert_eq!(surroundings.acquisition_url.as_deref(), Some("http://127.0.0.1:5005"));
        assert_eq!(with("IMAGE_ACQUISITION_SERVICE_URL", " ").unwrap().acquisition_url, None);
    }

    #[test]
    fn dodge_acquisition_token() {
        assert_eq!(with("DODGE_ACQUISITION_TOKEN", "secret").unwrap().acquisition_token.as_deref(), Some("secret"));
        assert_eq!(with("DODGE_ACQUISITION_TOKEN", "").unwrap().acquisition_token, None);
    }

    #[test]
    fn dodge_juror_token() {
        assert_eq!(with("DODGE_JUROR_TOKEN", "secret").unwrap().juror_token.as_deref(), Some("secret"));
        assert_eq!(with("DODGE_JUROR_TOKEN", "").unwrap().juror_token, None);
    }

    #[test]
    fn dodge_datasets() {
        let surroundings = with("DODGE_DATASETS", "lists/mine.toml").unwrap();
        assert_eq!(surroundings.datasets, Some(PathBuf::from("lists/mine.toml")));
        assert_eq!(with("DODGE_DATASETS", "").unwrap().datasets, None);
    }

    #[test]
    fn kaggle_username_and_key() {
        let both = |username: &str, key: &str| {
            Surroundings::from_lookup(|asked| match asked {
                "KAGGLE_USERNAME" => Some(username.into()),
                "KAGGLE_KEY" => Some(key.into()),
                _ => None,
            })
        };
        let surroundings = both("ann", "5ecret").unwrap();
        assert_eq!(surroundings.kaggle, Some(KaggleToken::new("ann", "5ecret").unwrap()));
        assert!(!format!("{surroundings:?}").contains("5ecret"));
        assert_eq!(both("ann", "").unwrap().kaggle, None);
        assert!(both("a nn", "5ecret").unwrap_err().to_string().contains("KAGGLE_USERNAME"));
    }

    #[test]
    fn kaggle_config_dir_or_home() {
        let folder = |name: &str| with(name, "somewhere").unwrap().kaggle_folder.unwrap();
        assert_eq!(folder("KAGGLE_CONFIG_DIR"), PathBuf::from("somewhere"));
        assert_eq!(folder("HOME"), PathBuf::from("somewhere/.kaggle"));
        assert_eq!(folder("USERPROFILE"), PathBuf::from("somewhere/.kaggle"));
    }

    #[test]
    fn dodge_section_key() {
        let variables = [("DODGE_PPO__EPOCHS", "3"), ("DODGE_DEVICE", "cpu"), ("X__Y", "1"), ("DODGE_DATA__A", "2")];
        let found = hyperparameters(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["DODGE_DATA__A", "DODGE_PPO__EPOCHS"]);
    }

    #[test]
    fn array_tasks() {
        let task = |name: &str| with(name, "12").unwrap().array_task;
        assert_eq!(task("JOB_COMPLETION_INDEX").job_completion_index, Some(12));
        assert_eq!(task("SLURM_ARRAY_TASK_ID").slurm_id, Some(12));
        assert_eq!(task("SLURM_ARRAY_TASK_MIN").slurm_min, Some(12));
        assert_eq!(task("SLURM_ARRAY_TASK_STEP").slurm_step, Some(12));
        assert_eq!(task("SLURM_ARRAY_TASK_COUNT").slurm_count, Some(12));
        assert_eq!(with("JOB_COMPLETION_INDEX", "first").unwrap().array_task, ArrayTask::default());
    }

    #[test]
    fn user_or_username() {
        assert_eq!(with("USER", "ada").unwrap().user.as_deref(), Some("ada"));
        assert_eq!(with("USERNAME", "ada").unwrap().user.as_deref(), Some("ada"));
    }
}
