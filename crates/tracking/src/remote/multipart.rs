//! Uploads of artifacts: large ones in parts, where the server offers that, all others in one request.
//!
//! A server whose storage is a folder answers 501 to the first attempt, and gets whole files from then on.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::Path,
    sync::atomic::Ordering,
};

use reqwest::Url;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{client::RestClient, reply::CallError};

/// S3 takes no more parts.
const MAX_PARTS: u64 = 10_000;

#[derive(Deserialize)]
struct Created {
    upload_id: String,
    credentials: Vec<Part>,
}

#[derive(Deserialize)]
struct Part {
    url: String,
    part_number: u64,
    #[serde(default)]
    headers: BTreeMap<String, String>,
}

impl RestClient {
    /// Uploads the file at `file` to the artifact `path` below `artifact_uri`.
    pub(super) fn upload(&self, artifact_uri: &str, path: &str, file: &Path) -> Result<(), CallError> {
        let unreadable =
            |error: std::io::Error| CallError::Other { reason: format!("cannot read {}: {error}", file.display()) };
        let server = self.server();
        let len = file.metadata().map_err(unreadable)?.len();
        if len >= server.options.multipart_from && !server.no_multipart.load(Ordering::Relaxed) {
            match self.upload_in_parts(artifact_uri, path, file, len) {
                Err(error) if not_offered(&error) => server.no_multipart.store(true, Ordering::Relaxed),
                result => return result,
            }
        }
        let url = self.artifact_url(artifact_uri, path).map_err(|reason| CallError::Other { reason })?;
        self.put_file(url, file)
    }

    fn upload_in_parts(&self, artifact_uri: &str, path: &str, file: &Path, len: u64) -> Result<(), CallError> {
        let unusable = |reason: String| CallError::Other { reason };
        let chunk = self.server().options.multipart_chunk.max(len.div_ceil(MAX_PARTS));
        let count = len.div_ceil(chunk).max(1);
        // The address holds the folder, the body the name of the file.
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let call = |call: &str| self.artifact_call(call, artifact_uri, folder).map_err(unusable);
        let created: Created = self.post_to(call("mpu/create")?, &json!({"path": name, "num_parts": count}))?;
        let upload_id = created.upload_id.clone();
        let sent = self.send_parts(created, file, len, chunk, count).and_then(|parts| {
            let body = json!({"path": name, "upload_id": upload_id, "parts": parts});
            self.post_to::<Value>(call("mpu/complete")?, &body).map(drop)
        });
        if sent.is_err() {
            // Storage keeps what was sent, and bills it, until it is told to forget it.
            let body = json!({"path": name, "upload_id": upload_id});
            let _ = self.post_to::<Value>(call("mpu/abort")?, &body);
        }
        sent
    }

    fn send_parts(
        &self,
        created: Created,
        file: &Path,
        len: u64,
        chunk: u64,
        count: u64,
    ) -> Result<Vec<Value>, CallError> {
        let unreadable =
            |error: std::io::Error| CallError::Other { reason: format!("cannot read {}: {error}", file.display()) };
        let mut parts = created.credentials;
        parts.sort_by_key(|part| part.part_number);
        if parts.len() as u64 != count || parts.iter().zip(1..).any(|(part, number)| part.part_number != number) {
            return Err(CallError::Other { reason: format!("the server offers {} parts for {count}", parts.len()) });
        }
        let mut content = File::open(file).map_err(unreadable)?;
        let mut sent = Vec::new();
        for (part, offset) in parts.into_iter().zip((0..).step_by(usize::try_from(chunk).unwrap_or(usize::MAX))) {
            let url = Url::parse(&part.url)
                .map_err(|error| CallError::Other { reason: format!("the server offers a bad address: {error}") })?;
            content.seek(SeekFrom::Start(offset)).map_err(unreadable)?;
            let mut bytes = Vec::new();
            (&mut content).take(chunk.min(len - offset)).read_to_end(&mut bytes).map_err(unreadable)?;
            let tag = self.put_part(url, &part.headers, bytes)?;
            sent.push(json!({"part_number": part.part_number, "etag": tag, "url": part.url}));
        }
        Ok(sent)
    }
}

/// Whether the server says that it has no uploads in parts, or has never heard of them.
fn not_offered(error: &CallError) -> bool {
    match error {
        CallError::Other { reason } => {
            ["501", "404", "405", "NOT_IMPLEMENTED"].iter().any(|word| reason.contains(word))
        }
        CallError::Missing { .. } => true,
        _ => false,
    }
}
