//! Takes a run of the local store to a server.

use std::{fs, io};

use crate::{
    Error, Tracking,
    files::{copy_whole, exists},
    parent::{PARENT, id_for_server},
    record::{Artifact, Record, Start},
    spool::{Frame, SpoolFolder, SpoolReader, known_id, place_of},
    tracking::Kind,
};

impl Tracking {
    /// Puts a run of this local store into the spool of `server`, from where its [`Tracking::sync`] delivers it. Returns
    /// our id of the copy, which the run on the server has as its tag `dodge.client_run_id`.
    ///
    /// Times and values stay what they are. Copying a run again adds what it has logged since; nothing gets doubled.
    ///
    /// # Errors
    /// [`Error::Missing`] if the records of the run are not here (they are kept up to
    /// [`TrackingOptions::keep_delivered`](crate::TrackingOptions::keep_delivered)), if they are not those of a local store,
    /// or if `server` is no server; [`Error::File`] if they cannot be copied.
    pub fn copy_run(&self, run_id: &str, server: &Self) -> Result<String, Error> {
        let spool = self.spool();
        let missing = |place: String| Error::Missing { what: "run", name: run_id.chars().take(80).collect(), place };
        let here = format!("the records below {}", spool.with_file_name("").display());
        let (Kind::Local(store), Kind::Remote(remote)) = (&self.inner.kind, &server.inner.kind) else {
            return Err(missing("a local store: runs are copied from one to a server".to_owned()));
        };
        let client_id = known_id(&spool, run_id)?.ok_or_else(|| missing(here.clone()))?;
        let path = place_of(&spool, &client_id)?.join("records");
        let length = fs::metadata(&path).map_err(Error::file("read", &path))?.len();
        let mut reader = SpoolReader::open_file(&path)?;
        let start = reader.start(length)?;
        if start.destination != "local" {
            return Err(missing(format!("{here} as one of a local store: it was recorded to {}", start.destination)));
        }
        let destination = remote.options.uri().to_owned();
        let id = copy_id(&start.run_id, &destination);
        if exists(&server.spool().join(&id))? {
            return Ok(id); // an earlier copy that still waits
        }
        let artifacts = store.artifact_folder(&start);
        let copy = Start { run_id: id.clone(), destination, experiment_id: String::new(), ..start };
        let (folder, mut writer) = SpoolFolder::create(&server.spool(), &copy, crate::Durability::Never)?;
        // The run may have been made by an earlier copy, whose ledger is gone.
        let mut ledger = folder.ledger()?;
        ledger.progress.create_attempted = true;
        ledger.save()?;
        loop {
            let frames = reader.read(length, 4096)?;
            if frames.is_empty() {
                return Ok(id);
            }
            for Frame { record, .. } in frames {
                let record = match record {
                    Record::Artifact(artifact) => {
                        let file = uuid::Uuid::new_v4().simple().to_string();
                        let source = artifacts.join(&artifact.path);
                        let content = match copy_whole(&source, &folder.file(&file)) {
                            Err(Error::File { path, source, .. })
                                if path == artifacts.join(&artifact.path)
                                    && source.kind() == io::ErrorKind::NotFound =>
                            {
                                tracing::warn!(path = %path.display(), "an artifact of a copied run is gone");
                                continue;
                            }
                            copied => Some(copied?),
                        };
                        let path = path_on_server(&artifact);
                        Record::Artifact(Artifact { path, file, model: artifact.model, content })
                    }
                    Record::Tags(pairs) => Record::Tags(pairs.into_iter().map(|tag| on_server(tag, &copy)).collect()),
                    record => record,
                };
                writer.append(&record).map_err(Error::file("write", folder.records()))?;
            }
        }
    }
}

/// The id of the copy of a run at a destination: always the same, so that a second copy finds the first.
fn copy_id(run_id: &str, destination: &str) -> String {
    // FNV-1a of 128 bits: nobody gains anything by making two of them meet.
    let text = format!("{run_id} {destination}");
    let hash = text.bytes().fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128, |hash, byte| {
        (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
    });
    format!("{hash:032x}")
}

/// A server gives a model a folder of its own; in the local store it is `models/<name>-<key>/` of the run's.
fn path_on_server(artifact: &Artifact) -> String {
    let inside = artifact.model.get(..8).and_then(|key| artifact.path.split_once(&format!("-{key}/")));
    inside.map_or(&*artifact.path, |(_, inside)| inside).to_owned()
}

/// The parent of a run, where it was copied as well, has another id there.
fn on_server((key, value): (String, String), copy: &Start) -> (String, String) {
    if key == PARENT {
        let parent = copy_id(&value, &copy.destination);
        return (key, id_for_server(&parent));
    }
    (key, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_copy_depends_on_run_and_destination_alone() {
        let id = copy_id("a", "http://h");
        assert_eq!(id.len(), 32);
        assert_eq!(id, copy_id("a", "http://h"));
        assert_ne!(id, copy_id("b", "http://h"));
        assert_ne!(id, copy_id("a", "http://i"));
    }
}
