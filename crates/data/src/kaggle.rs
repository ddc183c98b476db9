//! Datasets of Kaggle: credentials, and the address of an archive.

use crate::{DownloadRequest, Error};

/// Where Kaggle is.
pub const KAGGLE_URL: &str = "https://www.kaggle.com";

/// A token of Kaggle's API. Its key is shown nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct KaggleToken {
    username: String,
    key: String,
}

impl std::fmt::Debug for KaggleToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KaggleToken").field("username", &self.username).finish_non_exhaustive()
    }
}

#[derive(serde::Deserialize)]
struct File {
    username: String,
    key: String,
}

impl KaggleToken {
    /// The token with these parts.
    ///
    /// # Errors
    /// [`Error::Kaggle`] when one of them is empty or cannot be sent.
    pub fn new(username: impl Into<String>, key: impl Into<String>) -> Result<Self, Error> {
        let (username, key) = (username.into(), key.into());
        let usable = |text: &str| !text.trim().is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        if !usable(&username) || username.contains(':') {
            return Err(Error::Kaggle { reason: "the user name is empty or none".to_owned() });
        }
        if !usable(&key) {
            return Err(Error::Kaggle { reason: "the key is empty or none".to_owned() });
        }
        Ok(Self { username, key })
    }

    /// The token in the text of a `kaggle.json`, as the site hands it out.
    ///
    /// # Errors
    /// [`Error::Kaggle`], which does not quote the text.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        // A mark in front is what editors for Windows write.
        let file: File = serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|_| Error::Kaggle {
            reason: "kaggle.json is no object with `username` and `key` (a plain text each)".to_owned(),
        })?;
        Self::new(file.username, file.key)
    }
}

/// The request for the archive of a dataset, `owner/name`.
pub(crate) fn request(base: &str, dataset: &str, token: Option<&KaggleToken>) -> Result<DownloadRequest, Error> {
    let Some(token) = token else {
        return Err(Error::Kaggle { reason: format!("credentials are needed for {dataset}") });
    };
    let url = format!("{}/api/v1/datasets/download/{dataset}", base.trim_end_matches('/'));
    Ok(DownloadRequest::new(&url)?.with_credentials(&token.username, &token.key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_and_its_key_not_shown() {
        let token = KaggleToken::from_json(r#"{"username":"ann","key":"5ecret","more":1}"#).unwrap();
        assert_eq!(token, KaggleToken::new("ann", "5ecret").unwrap());
        let marked = KaggleToken::from_json("\u{feff}{\"username\":\"ann\",\r\n\"key\":\"5ecret\"}\r\n");
        assert_eq!(marked.unwrap(), token);
        assert!(!format!("{token:?}").contains("5ecret"));
        let request = request("https://k", "a/b", Some(&token)).unwrap();
        assert!(!format!("{request:?}").contains("5ecret"));
        for wrong in ["", "{}", r#"{"username":"ann","key":""}"#, r#"{"username":"a:b","key":"5ecret"}"#, "5ecret"] {
            let error = KaggleToken::from_json(wrong).unwrap_err().to_string();
            assert!(!error.contains("5ecret") && error.contains("KAGGLE_KEY"), "{error}");
        }
    }
}
