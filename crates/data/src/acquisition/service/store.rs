//! Jobs in a SQLite file, so that they outlive the service.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, params};

use super::jobs::{Job, Task};
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
        let json = "jobs are always JSON";
        let (task, status) =
            (serde_json::to_string(&job.task).expect(json), serde_json::to_string(&job.status).expect(json));
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
