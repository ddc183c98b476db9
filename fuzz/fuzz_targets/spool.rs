//! What a killed process left of a run: its records and its ledger are read, compared, delivered and gone on with.
//!
//! An input is a byte of switches, the length of the ledger (two bytes), the ledger, and the records, as the file holds
//! them; with the first switch on, as payloads with the marker of a frame between them, which get the lengths and sums
//! that hardly any change of a file would leave right.

#![no_main]

use std::path::Path;
use std::sync::OnceLock;

use dodge_fuzz::server;
use dodge_fuzz::tracked::{RUN, Tracked};
use dodge_tracking::Status;
use libfuzzer_sys::fuzz_target;

static TRACKED: OnceLock<Tracked> = OnceLock::new();

/// First bytes of the file of records, and of a frame.
const FILE_HEADER: &[u8] = b"dodge-spool v1\r\n";
const MARKER: [u8; 4] = [0xD0, 0xD6, 0xE5, 0x01];

const FRAMED: u8 = 1;
const RESUMED: u8 = 2;

/// Does for a reply to every call of a delivery.
const REPLY: &[u8] = br#"{"experiment_id": "1", "experiment": {"experiment_id": "1", "lifecycle_stage": "active"},
"run": {"info": {"run_id": "a", "experiment_id": "1", "artifact_uri": "mlflow-artifacts:/1/a/artifacts"}},
"model": {"info": {"model_id": "m", "artifact_uri": "mlflow-artifacts:/1/models/m/artifacts"}},
"model_version": {"version": "1"}, "upload_id": "u", "credentials": []}"#;

fn framed(mut bytes: &[u8]) -> Vec<u8> {
    let mut records = FILE_HEADER.to_vec();
    loop {
        let end = bytes.windows(MARKER.len()).position(|window| window == MARKER);
        let payload = &bytes[..end.unwrap_or(bytes.len())];
        records.extend(MARKER);
        records.extend(u32::try_from(payload.len()).expect("inputs are small").to_le_bytes());
        records.extend(crc32fast::hash(payload).to_le_bytes());
        records.extend(payload);
        match end {
            Some(end) => bytes = &bytes[end + MARKER.len()..],
            None => return records,
        }
    }
}

/// The payloads of the frames of a file without faults, as an input has them.
fn payloads(records: &[u8]) -> Vec<u8> {
    let mut rest = &records[FILE_HEADER.len()..];
    let mut all = Vec::new();
    while let Some(length) = rest.get(4..8) {
        let length = u32::from_le_bytes(length.try_into().expect("four bytes")) as usize;
        if !all.is_empty() {
            all.extend(MARKER);
        }
        all.extend(&rest[12..12 + length]);
        rest = &rest[12 + length..];
    }
    all
}

/// Writes what to begin with into a folder.
fn write_seeds(tracked: &Tracked, folder: &Path) {
    let records = &tracked.template.iter().find(|(name, _)| name == Path::new("records")).expect("it has records").1;
    let ledger = br#"{"delivered": 60, "server_run_id": "a", "server_experiment_id": "1"}"#;
    let seed = |switches: u8, ledger: &[u8], records: &[u8]| {
        let length = u16::try_from(ledger.len()).expect("it is short").to_le_bytes();
        [&[switches], &length[..], ledger, records].concat()
    };
    for (name, seed) in [
        ("whole", seed(0, b"", records)),
        ("framed", seed(FRAMED, b"", &payloads(records))),
        ("resumed", seed(FRAMED | RESUMED, ledger, &payloads(records))),
        ("cut_short", seed(RESUMED, ledger, &records[..records.len() / 2])),
    ] {
        std::fs::write(folder.join(name), seed).expect("the folder is there");
    }
}

fuzz_target!(
    init: {
        server::start();
        let tracked = Tracked::new();
        // Beside the fuzzer's own arguments, of which it passes over what it does not know.
        if let Some(folder) = std::env::args().find_map(|argument| Some(argument.strip_prefix("-seeds=")?.to_owned())) {
            write_seeds(&tracked, Path::new(&folder));
        }
        if TRACKED.set(tracked).is_err() {
            unreachable!("this is the first time");
        }
    },
    |bytes: &[u8]| {
        let (Some((switches, low, high, rest)), Some(tracked)) = (
            bytes.split_first_chunk().map(|(&[switches, low, high], rest)| (switches, low, high, rest)),
            TRACKED.get(),
        ) else {
            return;
        };
        let (ledger, records) = rest.split_at(rest.len().min(u16::from_le_bytes([low, high]).into()));
        let records = if switches & FRAMED == 0 { records.to_vec() } else { framed(records) };
        let mut files: Vec<(&Path, &[u8])> = vec![(Path::new("lock"), b""), (Path::new("records"), &records)];
        if !ledger.is_empty() {
            files.push((Path::new("ledger.json"), ledger));
        }
        for (name, content) in &tracked.template {
            if name.starts_with("files") {
                files.push((name, content));
            }
        }
        tracked.put(files);
        server::answer_with([REPLY]);
        let tracking = &tracked.tracking;
        let _ = tracking.verify(RUN);
        if switches & RESUMED != 0
            && let Ok(run) = tracking.resume_run(RUN)
        {
            run.log_metric("more", 1.0, 4).expect("the spool can be written");
            run.finish(Status::Finished).expect("it has not been finished");
        }
        let before = tracking.spooled_runs().expect("the spool can be read").len();
        tracking.sync().expect("the spool can be read");
        assert_eq!(tracking.spooled_runs().expect("the spool can be read").len(), before, "a run is lost");
        tracked.check();
    }
);
