//! What to sample of the machine, and how often.

use std::{path::PathBuf, time::Duration};

use crate::{
    Error,
    remote::options::{number, parse_flag},
};

/// What to sample, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SystemMetricsOptions {
    /// The time between two samples. Default: 10 s.
    pub interval: Duration,
    /// The name of this machine where several record to one run: metrics are `system/<node>/...`. Default: none.
    pub node: Option<String>,
    /// A path on the disk of which usage is recorded. Default: `/`.
    pub disk: PathBuf,
}

impl Default for SystemMetricsOptions {
    fn default() -> Self {
        Self { interval: Duration::from_secs(10), node: None, disk: PathBuf::from("/") }
    }
}

impl SystemMetricsOptions {
    /// What the environment variables of MLflow's Python client ask for: nothing, unless
    /// `MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING` is true; then `MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL` (seconds) and
    /// `MLFLOW_SYSTEM_METRICS_NODE_ID` count. An empty variable counts as unset.
    ///
    /// # Errors
    /// [`Error::Option`] naming a variable that cannot be parsed.
    pub fn from_env() -> Result<Option<Self>, Error> {
        Self::from_lookup(&|name| std::env::var(name).ok())
    }

    /// [`SystemMetricsOptions::from_env`] with the environment handed in.
    ///
    /// # Errors
    /// As [`SystemMetricsOptions::from_env`].
    pub fn from_lookup(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Option<Self>, Error> {
        let set = |name: &str| lookup(name).filter(|value| !value.is_empty());
        const ENABLE: &str = "MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING";
        let enabled = set(ENABLE).map_or(Ok(false), |text| parse_flag(ENABLE, &text))?;
        if !enabled {
            return Ok(None);
        }
        let mut options = Self::default();
        if let Some(seconds) = number(&set, "MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", 0.1, 86_400.0)? {
            options.interval = Duration::from_secs_f64(seconds);
        }
        options.node = set("MLFLOW_SYSTEM_METRICS_NODE_ID");
        Ok(Some(options))
    }

    /// Sets the time between two samples.
    #[must_use]
    pub fn with_interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Names this machine.
    #[must_use]
    pub fn with_node(mut self, node: impl Into<String>) -> Self {
        self.node = Some(node.into());
        self
    }

    /// Names a path on the disk of which usage is recorded.
    #[must_use]
    pub fn with_disk(mut self, path: impl Into<PathBuf>) -> Self {
        self.disk = path.into();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_pairs(pairs: &[(&str, &str)]) -> Result<Option<SystemMetricsOptions>, Error> {
        SystemMetricsOptions::from_lookup(&|name| {
            let found = pairs.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn variables_turn_it_on_and_say_how() {
        let interval = ("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "2.5");
        assert_eq!(from_pairs(&[interval]).unwrap(), None);
        let enabled = ("MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING", "true");
        assert_eq!(from_pairs(&[enabled]).unwrap(), Some(SystemMetricsOptions::default()));
        let options = from_pairs(&[enabled, interval, ("MLFLOW_SYSTEM_METRICS_NODE_ID", "n1")]).unwrap().unwrap();
        assert_eq!((options.interval, options.node.as_deref()), (Duration::from_millis(2500), Some("n1")));
        for (name, value) in
            [("MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING", "maybe"), ("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0")]
        {
            let message =
                from_pairs(&[enabled, (name, value)].into_iter().rev().collect::<Vec<_>>()).unwrap_err().to_string();
            assert!(message.starts_with(name), "{message}");
        }
    }
}
