//! What the environment variables say. They are read here and nowhere else; `docs/environment.md` lists them.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::PathBuf;

use anyhow::Result;
use clap::ValueEnum;
use dodge_data::KaggleToken;
use tracing_subscriber::EnvFilter;

use crate::arguments::Device;
use crate::failure::usage;

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
    /// `USER` or `USERNAME`: who runs it.
    pub(crate) user: Option<String>,
    /// `DODGE_DATASETS`: a list of datasets on top of the built-in one.
    pub(crate) datasets: Option<PathBuf>,
    /// `IMAGE_ACQUISITION_SERVICE_URL`: the service that fetches datasets for this machine.
    pub(crate) acquisition_url: Option<String>,
    /// `DODGE_ACQUISITION_TOKEN`: what the acquisition service asks for.
    pub(crate) acquisition_token: Option<String>,
    /// `KAGGLE_USERNAME` and `KAGGLE_KEY`: credentials for datasets of Kaggle.
    pub(crate) kaggle: Option<KaggleToken>,
    /// `KAGGLE_CONFIG_DIR`, or `.kaggle` in `HOME` or `USERPROFILE`: the folder of `kaggle.json`.
    pub(crate) kaggle_folder: Option<PathBuf>,
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
        Ok(Self { hyperparameters, ..Self::from_lookup(|name| std::env::var(name).ok())? })
    }

    /// Reads variables through `lookup`; an empty one counts as not set.
    pub(crate) fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let lookup = |name: &str| lookup(name).filter(|value| !value.trim().is_empty());
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
        // One of them without the other says nothing, as for Kaggle's own program.
        let kaggle = lookup("KAGGLE_USERNAME").zip(lookup("KAGGLE_KEY"));
        let kaggle = kaggle.map(|(username, key)| KaggleToken::new(username, key));
        let home = || lookup("HOME").or_else(|| lookup("USERPROFILE"));
        let kaggle_folder = lookup("KAGGLE_CONFIG_DIR").map(PathBuf::from);
        Ok(Self {
            datasets: lookup("DODGE_DATASETS").map(PathBuf::from),
            acquisition_url: lookup("IMAGE_ACQUISITION_SERVICE_URL"),
            acquisition_token: lookup("DODGE_ACQUISITION_TOKEN"),
            kaggle: kaggle.transpose().map_err(usage)?,
            kaggle_folder: kaggle_folder.or_else(|| home().map(|home| PathBuf::from(home).join(".kaggle"))),
            volume: lookup("IMAGE_VOLUME_PATH").map(PathBuf::from),
            tracking_uri: lookup("MLFLOW_TRACKING_URI"),
            experiment: lookup("MLFLOW_EXPERIMENT_NAME"),
            device: device.transpose()?,
            threads: threads.transpose()?,
            log,
            no_color: lookup("NO_COLOR").is_some(),
            user: lookup("USER").or_else(|| lookup("USERNAME")),
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
            .with_writer(std::io::stderr)
            .with_ansi(std::io::stderr().is_terminal() && !self.no_color)
            .with_target(false)
            .without_time()
            .try_init();
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
        Surroundings::from_lookup(|asked| (asked == name).then(|| value.to_owned()))
    }

    #[test]
    fn image_volume_path() {
        assert_eq!(with("IMAGE_VOLUME_PATH", "elsewhere").unwrap().volume(), PathBuf::from("elsewhere"));
        assert_eq!(with("IMAGE_VOLUME_PATH", "").unwrap().volume(), PathBuf::from("dodge-data"));
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
    fn dodge_datasets() {
        let surroundings = with("DODGE_DATASETS", "lists/mine.toml").unwrap();
        assert_eq!(surroundings.datasets, Some(PathBuf::from("lists/mine.toml")));
        assert_eq!(with("DODGE_DATASETS", "").unwrap().datasets, None);
    }

    #[test]
    fn kaggle_username_and_key() {
        let both = |username: &str, key: &str| {
            Surroundings::from_lookup(|asked| match asked {
                "KAGGLE_USERNAME" => Some(username.to_owned()),
                "KAGGLE_KEY" => Some(key.to_owned()),
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
    fn user_or_username() {
        assert_eq!(with("USER", "ada").unwrap().user.as_deref(), Some("ada"));
        assert_eq!(with("USERNAME", "ada").unwrap().user.as_deref(), Some("ada"));
    }
}
