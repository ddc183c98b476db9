//! Jobs in a SQLite file, so that they outlive the service.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, params};

use super::job::{Job, Task};
use crate::acquisition::messages::{JobState, JobStatus};

/// Finished jobs that are kept.
const KEPT: i64 = 1000;

pub(super) struct Store {
    connection: Connection,
}

impl Store {
    pub(super) fn open(path: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.execute_batch(
            "CREATE TABLE IF NOT EXISTS jobs (
                 number INTEGER PRIMARY KEY, uuid TEXT NOT NULL UNIQUE, task TEXT NOT NULL, status TEXT NOT NULL,
                 starts INTEGER NOT NULL)",
        )?;
        Ok(Self { connection })
    }

    /// All jobs, oldest first. What cannot be read (a newer version wrote it) is left out.
    pub(super) fn load(&self) -> rusqlite::Result<Vec<Job>> {
        let mut statement = self.connection.prepare("SELECT task, status, starts FROM jobs ORDER BY number")?;
        let rows =
            statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get(2)?)))?;
        let mut jobs = Vec::new();
        for row in rows {
            let (task, status, starts) = row?;
            let task: Option<Task> = serde_json::from_str(&task).ok();
            let status: Option<JobStatus> = serde_json::from_str(&status).ok();
            if let (Some(task), Some(status)) = (task, status) {
                jobs.push(Job { task, status, starts });
            }
        }
        Ok(jobs)
    }

    /// Writes a job as it is now, and forgets the oldest finished ones.
    pub(super) fn save(&self, job: &Job) -> rusqlite::Result<()> {
        // A path that is no Unicode is no JSON.
        let json = |error: serde_json::Error| rusqlite::Error::ToSqlConversionFailure(Box::new(error));
        let task = serde_json::to_string(&job.task).map_err(json)?;
        let status = serde_json::to_string(&job.status).map_err(json)?;
        self.connection.execute(
            "INSERT INTO jobs (uuid, task, status, starts) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (uuid) DO UPDATE SET status = excluded.status, starts = excluded.starts",
            params![job.status.job_uuid, task, status, job.starts],
        )?;
        if job.status.status.is_over() {
            let (completed, failed) = (JobState::Completed.word(), JobState::Failed.word());
            self.connection.execute(
                "DELETE FROM jobs WHERE status ->> 'status' IN (?1, ?2)
                 AND number <= (SELECT max(number) FROM jobs) - ?3",
                params![completed, failed, KEPT],
            )?;
        }
        Ok(())
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn a_path_that_is_no_text_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("jobs.db")).unwrap();
        let source = Path::new(OsStr::from_bytes(b"caf\xe9")).to_owned();
        let status = JobStatus {
            job_uuid: "1".into(),
            status: JobState::New,
            resulting_hash: None,
            destination_directory: None,
            dataset_id: None,
            bytes_done: 0,
            bytes_total: None,
            error: None,
        };
        let task = Task::Copy { dataset_id: None, source, destination: "a".into() };
        assert!(store.save(&Job { task, status, starts: 0 }).is_err());
        assert!(store.load().unwrap().is_empty());
    }
}
