//! The spool: round trips, torn tails, damaged and hostile files.

use std::{collections::HashSet, fs};

use proptest::prelude::*;

use super::*;
use crate::{
    record::{
        Status,
        tests::{any_record, bytes},
    },
    spool::{Progress, SpoolFolder},
};

const RECORDS: &str = "records";

fn start() -> Start {
    Start {
        run_id: "0123456789abcdef0123456789abcdef".to_owned(),
        destination: "local".to_owned(),
        experiment: "e".to_owned(),
        experiment_id: "1".to_owned(),
        run_name: "n".to_owned(),
        user: "u".to_owned(),
        start_time: 5,
    }
}

fn metric(step: i64) -> Record {
    Record::Metrics { timestamp: 1, step, values: vec![("loss".to_owned(), 0.5)] }
}

/// The steps of the metrics that a reader finds in a file of these bytes.
fn steps_read(content: &[u8]) -> Vec<i64> {
    let steps = read_all(content).into_iter().filter_map(|record| match record {
        Record::Metrics { step, .. } => Some(step),
        _ => None,
    });
    steps.collect()
}

fn read_all(content: &[u8]) -> Vec<Record> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(RECORDS);
    fs::write(&path, content).unwrap();
    let mut reader = SpoolReader::open_file(&path).unwrap();
    let mut records = Vec::new();
    loop {
        let frames = reader.read(content.len() as u64, 3).unwrap();
        if frames.is_empty() {
            return records;
        }
        records.extend(frames.into_iter().map(|frame| frame.record));
    }
}

/// The bytes of a file with these records, and the offset at which each begins.
fn file_of(records: &[Record]) -> (Vec<u8>, Vec<usize>) {
    let mut content = FILE_HEADER.to_vec();
    let mut offsets = Vec::new();
    for record in records {
        offsets.push(content.len());
        put_frame(&mut content, |out| record.encode(out));
    }
    (content, offsets)
}

fn metrics(steps: std::ops::Range<i64>) -> (Vec<u8>, Vec<usize>) {
    file_of(&steps.map(metric).collect::<Vec<_>>())
}

#[test]
fn what_a_writer_appends_a_reader_finds() {
    let spool = tempfile::tempdir().unwrap();
    let (folder, mut writer) = SpoolFolder::create(spool.path(), &start(), Durability::Never).unwrap();
    for step in 0..5 {
        writer.append(&metric(step)).unwrap();
    }
    let mut reader = folder.reader().unwrap();
    assert_eq!(reader.start(writer.written()).unwrap(), start());
    let frames = reader.read(writer.written(), 100).unwrap();
    assert_eq!(frames.len(), 5);
    assert_eq!(frames[4].end, writer.written());
    assert_eq!(reader.skipped(), 0);
    // From the middle, as after a restart.
    reader.seek(frames[2].end);
    let frames = reader.read(writer.written(), 100).unwrap();
    assert_eq!(frames.len(), 2);
    assert_eq!(frames[0].record, metric(3));
}

#[test]
fn a_torn_tail_loses_the_torn_record_only() {
    let (content, offsets) = metrics(0..4);
    for end in offsets[3]..content.len() {
        assert_eq!(steps_read(&content[..end]), [0, 1, 2], "cut at {end}");
    }
}

#[test]
fn records_behind_a_torn_one_are_found() {
    let (mut content, offsets) = metrics(0..4);
    content.truncate(offsets[3] + 9);
    put_frame(&mut content, |out| metric(9).encode(out));
    assert_eq!(steps_read(&content), [0, 1, 2, 9]);
}

#[test]
fn any_flipped_byte_loses_no_other_record() {
    let (content, offsets) = metrics(0..3);
    for at in offsets[1]..offsets[2] {
        let mut damaged = content.clone();
        damaged[at] ^= 0x5A;
        assert_eq!(steps_read(&damaged), [0, 2], "byte {at}");
    }
}

#[test]
fn a_hostile_length_is_damage_and_costs_no_memory() {
    for len in [u32::MAX, 1 << 30, MAX_PAYLOAD as u32 + 1, MAX_PAYLOAD as u32] {
        let (mut content, offsets) = metrics(0..2);
        content[offsets[0] + 4..offsets[0] + 8].copy_from_slice(&len.to_le_bytes());
        assert_eq!(steps_read(&content), [1], "length {len}");
    }
}

#[test]
fn files_longer_than_a_chunk_are_read_whole() {
    let value = "v".repeat(200_000);
    let record = |i: i64| Record::Tags(vec![(i.to_string(), value.clone())]);
    let expected: Vec<Record> = (0..20).map(record).collect();
    let (mut content, offsets) = file_of(&expected);
    assert!(content.len() as u64 > 3 * CHUNK);
    assert_eq!(read_all(&content), expected);
    // Damage in the first chunk, and in the frame that straddles its end.
    content[offsets[1]] ^= 1;
    let straddling = offsets.iter().rposition(|at| *at < CHUNK as usize).unwrap();
    content[offsets[straddling] + 20] ^= 1;
    let found: HashSet<Vec<u8>> = read_all(&content).iter().map(bytes).collect();
    assert_eq!(found.len(), 18);
    assert!(!found.contains(&bytes(&expected[1])));
    assert!(!found.contains(&bytes(&expected[straddling])));
}

#[test]
fn a_file_of_another_kind_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(RECORDS);
    for content in [b"".as_slice(), b"dodge-spool v2\r\n", &[0; 100]] {
        fs::write(&path, content).unwrap();
        let message = SpoolReader::open_file(&path).unwrap_err().to_string();
        assert!(message.contains("records: is not a spool"), "{message}");
    }
    fs::write(&path, metrics(0..1).0).unwrap();
    let message = SpoolReader::open_file(&path).unwrap().start(1000).unwrap_err().to_string();
    assert!(message.contains("does not begin with the start of a run"), "{message}");
}

#[test]
fn a_live_owner_keeps_others_out_and_a_gone_one_does_not() {
    let spool = tempfile::tempdir().unwrap();
    let (folder, _writer) = SpoolFolder::create(spool.path(), &start(), Durability::Never).unwrap();
    let paths = SpoolFolder::list(spool.path()).unwrap();
    assert_eq!(paths.len(), 1);
    assert!(SpoolFolder::take_over(&paths[0]).unwrap().is_none());
    drop(folder);
    let taken = SpoolFolder::take_over(&paths[0]).unwrap().unwrap();
    assert!(SpoolFolder::take_over(&paths[0]).unwrap().is_none());
    // A recovery that dies while it removes a spool leaves a folder without records behind.
    fs::remove_file(taken.records()).unwrap();
    drop(taken);
    assert!(SpoolFolder::take_over(&paths[0]).unwrap().is_none());
    assert!(SpoolFolder::list(spool.path()).unwrap().is_empty());
}

#[test]
fn half_made_and_foreign_folders_are_no_spools() {
    let spool = tempfile::tempdir().unwrap();
    for name in [".new-0123456789abcdef0123456789abcdef", "notes", "0123"] {
        fs::create_dir(spool.path().join(name)).unwrap();
    }
    assert!(SpoolFolder::list(spool.path()).unwrap().is_empty());
    assert!(SpoolFolder::list(&spool.path().join("missing")).unwrap().is_empty());
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_an_error_and_a_record_that_is_too_long_is_refused() {
    let file = OpenOptions::new().append(true).open("/dev/full").unwrap();
    let mut writer = SpoolWriter { file, frame: Vec::new(), written: 0, disk: DiskThread::default() };
    let error = writer.append(&metric(0)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    let long = Record::Tags(vec![("k".to_owned(), "v".repeat(MAX_PAYLOAD))]);
    assert_eq!(writer.append(&long).unwrap_err().kind(), io::ErrorKind::InvalidInput);
}

#[test]
fn a_damaged_ledger_means_delivering_anew_and_looking_for_the_run() {
    let spool = tempfile::tempdir().unwrap();
    let (folder, _writer) = SpoolFolder::create(spool.path(), &start(), Durability::Never).unwrap();
    assert_eq!(folder.ledger().unwrap().progress, Progress::default());
    let mut ledger = folder.ledger().unwrap();
    ledger.progress.delivered = 77;
    ledger.progress.server_run_id = Some("r".to_owned());
    ledger.save().unwrap();
    assert_eq!(folder.ledger().unwrap().progress, ledger.progress);
    fs::write(folder.path().join("ledger.json"), "{").unwrap();
    let progress = folder.ledger().unwrap().progress;
    assert_eq!(progress.delivered, 0);
    assert!(progress.create_attempted);
}

proptest! {
    #[test]
    fn every_record_survives_the_file(records in proptest::collection::vec(any_record(), 0..12)) {
        let (content, _) = file_of(&records);
        let written: Vec<_> = records.iter().map(bytes).collect();
        let read: Vec<_> = read_all(&content).iter().map(bytes).collect();
        prop_assert_eq!(read, written);
    }

    #[test]
    fn a_reader_survives_anything(garbage in proptest::collection::vec(any::<u8>(), 0..400), cut in 0_usize..60) {
        let (mut content, offsets) = file_of(&[metric(1), metric(2)]);
        content.truncate(offsets[1] + cut);
        content.extend(garbage);
        let marked = [content.as_slice(), &MARKER, &[0xFF; 3]].concat();
        prop_assert!(steps_read(&marked).contains(&1));
        let ended = Record::End { status: Status::Killed, end_time: 1 };
        let mut continued = marked;
        put_frame(&mut continued, |out| ended.encode(out));
        let last = read_all(&continued).pop();
        prop_assert_eq!(last, Some(ended));
    }
}
