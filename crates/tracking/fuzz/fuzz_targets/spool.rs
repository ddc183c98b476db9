//! Any bytes as the records of a spool: they are read to their end, whatever they say, in bounded memory.
#![no_main]

use std::{cell::OnceCell, fs, path::PathBuf, sync::Arc};

use dodge_tracking::{Destination, SystemClock, Tracking, TrackingOptions};
use libfuzzer_sys::fuzz_target;

struct Store {
    tracking: Tracking,
    records: PathBuf,
    _folder: tempfile::TempDir,
}

const ID: &str = "0123456789abcdef0123456789abcdef";

thread_local! {
    static STORE: OnceCell<Store> = const { OnceCell::new() };
}

fn store() -> Store {
    let folder = tempfile::tempdir().expect("a folder");
    // A server that is not there: the spool is read in full before it is asked.
    let destination: Destination = "http://127.0.0.1:9".parse().expect("an address");
    let options = TrackingOptions::new(destination, folder.path(), Arc::new(SystemClock));
    let tracking = Tracking::open(options).expect("a server is not asked yet");
    let spool = folder.path().join("spool").join(ID);
    fs::create_dir_all(&spool).expect("a folder");
    Store { tracking, records: spool.join("records"), _folder: folder }
}

/// A frame as the spool writes it, so that arbitrary payloads get past marker and checksum.
fn framed(payload: &[u8], out: &mut Vec<u8>) {
    out.extend([0xD0, 0xD6, 0xE5, 0x01]);
    out.extend((payload.len() as u32).to_le_bytes());
    out.extend(crc32(payload).to_le_bytes());
    out.extend(payload);
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 & 0_u32.wrapping_sub(crc & 1)))
    })
}

fn string(text: &str, out: &mut Vec<u8>) {
    out.extend((text.len() as u32).to_le_bytes());
    out.extend(text.as_bytes());
}

fuzz_target!(|data: &[u8]| {
    let mut content = b"dodge-spool v1\r\n".to_vec();
    let mut start = vec![1];
    for text in [ID, "http://127.0.0.1:9", "e", "", "n", "u"] {
        string(text, &mut start);
    }
    start.extend(0_i64.to_le_bytes());
    framed(&start, &mut content);
    // The first byte says how: as it is, or cut into payloads of records.
    match data.split_first() {
        Some((0..128, rest)) => content.extend(rest),
        Some((size, rest)) => rest.chunks(usize::from(*size) - 127).for_each(|part| framed(part, &mut content)),
        None => {}
    }
    STORE.with(|cell| {
        let store = cell.get_or_init(store);
        fs::write(&store.records, &content).expect("the file can be written");
        // There is no server, so it never ends well; that it ends is what is tested.
        let _ = store.tracking.verify(ID);
        let _ = store.tracking.spooled_runs();
    });
});
