//! Where a run is recorded.

use std::str::FromStr;

use crate::{Error, RemoteOptions};

/// Where runs are recorded. Parsed from `local`, `console`, `off` or a server address.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Destination {
    /// Nowhere; calls are still checked, so that a mistake shows up with tracking off as well.
    Off,
    /// One log line per call (`tracing`, target `dodge::metrics`).
    Console,
    /// The local store: `mlflow.db` and `mlartifacts/` in the tracking folder.
    Local,
    /// An MLflow server, over REST.
    Remote(RemoteOptions),
}

impl Destination {
    /// Parses `text` and, for a server address, takes credentials, time limits and TLS settings
    /// from the `MLFLOW_*` environment variables ([`RemoteOptions::from_env`]).
    ///
    /// # Errors
    /// [`Error::Destination`] for an unknown word or bad address, [`Error::Option`] for a bad variable.
    pub fn from_env(text: &str) -> Result<Self, Error> {
        match text.parse()? {
            Self::Remote(_) => Ok(Self::Remote(RemoteOptions::from_env(text)?)),
            other => Ok(other),
        }
    }
}

impl FromStr for Destination {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text.trim() {
            "off" => Ok(Self::Off),
            "console" => Ok(Self::Console),
            "local" => Ok(Self::Local),
            other => RemoteOptions::new(other).map(Self::Remote),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_addresses_are_told_apart() {
        assert_eq!("off".parse::<Destination>().unwrap(), Destination::Off);
        assert_eq!("console".parse::<Destination>().unwrap(), Destination::Console);
        assert_eq!(" local ".parse::<Destination>().unwrap(), Destination::Local);
        let Destination::Remote(options) = "http://h:5000/mlflow/".parse().unwrap() else {
            panic!("an address is a remote destination");
        };
        assert_eq!(options.uri(), "http://h:5000/mlflow");
    }

    #[test]
    fn anything_else_says_what_is_possible() {
        for text in ["", "Local", "sqlite:///mlflow.db", "ftp://x", "127.0.0.1:5000", "http://"] {
            let message = text.parse::<Destination>().unwrap_err().to_string();
            assert!(message.contains("use `local`, `console`, `off`"), "{message}");
        }
    }
}
