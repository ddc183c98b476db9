//! Pictures for the image grid of the MLflow page of a run.

use crate::{Error, Run, artifact::IMAGE_FOLDER, validate};

impl Run {
    /// Logs a picture for the image grid, where `step` becomes a slider over all pictures of `key`.
    ///
    /// `png` and `preview_png` are the bytes of PNG files; the grid shows the preview (MLflow's own
    /// have a long side of 256 pixels) and opens the other. They are stored as they are.
    ///
    /// # Errors
    /// [`Error::Key`] if `key` holds anything but ASCII letters, digits and `_ - . /` and spaces;
    /// otherwise as [`Run::log_artifact_bytes`].
    pub fn log_image(&self, key: &str, step: i64, png: &[u8], preview_png: &[u8]) -> Result<(), Error> {
        let stem = self.image_stem(key, step)?;
        self.log_in_image_folder(&format!("{stem}.png"), png)?;
        self.log_in_image_folder(&format!("{stem}+compressed.png"), preview_png)?;
        self.set_tag("mlflow.loggedImages", "True")
    }

    /// The name that the page parses: `<key>+step+<step>+timestamp+<ms>+<uuid>`, `~` for `/`.
    fn image_stem(&self, key: &str, step: i64) -> Result<String, Error> {
        validate::key("image", key)?;
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ' ');
        if !key.chars().all(allowed) {
            return Err(Error::Key {
                kind: "image",
                key: key.to_owned(),
                reason: "may hold only ASCII letters, digits and `_ - . /` and spaces",
            });
        }
        let (now, id) = (self.now_ms(), uuid::Uuid::new_v4());
        Ok(format!("{IMAGE_FOLDER}{}+step+{step}+timestamp+{now}+{id}", key.replace('/', "~")))
    }
}

#[cfg(test)]
mod tests {
    use crate::{Error, RunOptions, Status, Tracking};

    #[test]
    fn an_image_becomes_the_pair_of_files_that_the_page_parses() {
        let tracking = Tracking::in_memory();
        let run = tracking.start_run(&RunOptions::new("e")).unwrap();
        run.log_image("mosaic/best photo", 12, b"large", b"small").unwrap();
        run.finish(Status::Finished).unwrap();
        let recorded = tracking.recorded_runs().remove(0);
        assert_eq!(recorded.tags["mlflow.loggedImages"], "True");
        let [(preview, small), (full, large)] =
            <[_; 2]>::try_from(recorded.artifacts.into_iter().collect::<Vec<_>>()).unwrap();
        assert_eq!((small.as_slice(), large.as_slice()), (b"small".as_slice(), b"large".as_slice()));
        let stem = full.strip_suffix(".png").unwrap();
        assert_eq!(preview, format!("{stem}+compressed.png"));
        // As the page takes the name apart.
        let parts: Vec<&str> = stem.strip_prefix("images/").unwrap().split('+').collect();
        assert_eq!(parts[..5], ["mosaic~best photo", "step", "12", "timestamp", "0"]);
        assert_eq!((parts.len(), parts[5].len()), (6, 36));
    }

    #[test]
    fn nothing_that_the_page_cannot_parse_gets_into_the_folder() {
        let run = Tracking::in_memory().start_run(&RunOptions::new("e")).unwrap();
        for key in ["a+b", "ä", "a:b", "", "a~b", "/a"] {
            assert!(matches!(run.log_image(key, 0, b"", b""), Err(Error::Key { .. })), "{key}");
        }
        let message = run.log_artifact_bytes(b"", "images/mosaic.png").unwrap_err().to_string();
        assert!(message.contains("log_image"), "{message}");
        run.log_artifact_bytes(b"", "mosaics/images/x.png").unwrap();
    }
}
