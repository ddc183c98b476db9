//! Any bytes as the replies of a server: every call ends, with an error at worst.
#![no_main]

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, OnceLock},
    thread,
    time::Duration,
};

use dodge_tracking::{
    Destination, RemoteOptions, RunOptions, RunQuery, Status, SystemClock, Tracking, TrackingOptions,
};
use libfuzzer_sys::fuzz_target;

struct World {
    tracking: Tracking,
    replies: Arc<Mutex<Replies>>,
    _folder: tempfile::TempDir,
}

/// What the server says, and how often it has said it: a page that names a next page must not go on for ever.
#[derive(Default)]
struct Replies {
    bodies: Vec<(u16, Vec<u8>)>,
    said: usize,
}

static WORLD: OnceLock<World> = OnceLock::new();

fn world() -> World {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let replies = Arc::<Mutex<Replies>>::default();
    let theirs = Arc::clone(&replies);
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let theirs = Arc::clone(&theirs);
            thread::spawn(move || serve(connection, &theirs));
        }
    });
    let folder = tempfile::tempdir().expect("a folder");
    let mut remote = RemoteOptions::new(&format!("http://{address}")).expect("an address");
    remote.backoff_factor = 0.0;
    let destination = Destination::Remote(remote);
    let options = TrackingOptions::new(destination, folder.path(), Arc::new(SystemClock));
    let options = options.with_finish_timeout(Duration::from_millis(5)).with_delivery_interval(Duration::ZERO);
    World { tracking: Tracking::open(options).expect("no server is asked yet"), replies, _folder: folder }
}

fn serve(mut connection: TcpStream, replies: &Mutex<Replies>) {
    let mut request = Vec::new();
    let mut byte = [0; 4096];
    loop {
        let Some(end) = request.windows(4).position(|part| part == b"\r\n\r\n") else {
            match connection.read(&mut byte) {
                Ok(0) | Err(_) => return,
                Ok(read) => request.extend(&byte[..read]),
            }
            continue;
        };
        let head = String::from_utf8_lossy(&request[..end]).to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok());
        let whole = end + 4 + length.unwrap_or(0);
        if request.len() < whole {
            match connection.read(&mut byte) {
                Ok(0) | Err(_) => return,
                Ok(read) => request.extend(&byte[..read]),
            }
            continue;
        }
        request.drain(..whole);
        let (status, body) = {
            let mut replies = replies.lock().expect("no panic holds it");
            replies.said += 1;
            match (replies.bodies.len(), replies.said) {
                (0, _) | (_, 40..) => (404, Vec::new()),
                (count, said) => replies.bodies[said % count].clone(),
            }
        };
        // In one piece: two would wait for each other's acknowledgement for 40 ms.
        let mut reply = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
        reply.extend(body);
        if connection.write_all(&reply).is_err() {
            return;
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let world = WORLD.get_or_init(world);
    let statuses = [200, 200, 200, 200, 201, 301, 400, 401, 403, 404, 413, 501];
    let bodies = data.split(|byte| *byte == b'\n').filter_map(|line| {
        let (status, body) = line.split_first()?;
        Some((statuses[usize::from(*status) % statuses.len()], body.to_vec()))
    });
    *world.replies.lock().expect("no panic holds it") = Replies { bodies: bodies.collect(), said: 0 };
    let tracking = &world.tracking;
    let _ = tracking.experiments();
    let _ = tracking.search_runs(&RunQuery::default());
    let _ = tracking.read_run("x");
    let _ = tracking.metric_history("x", "m");
    let _ = tracking.artifacts("x");
    let _ = tracking.read_artifact("x", "a", &mut std::io::sink());
    // A run waits for a server that talks nonsense; one input in sixteen pays for that.
    if data.len() % 16 == 15
        && let Ok(run) = tracking.start_run(&RunOptions::new("e"))
    {
        let _ = run.log_metric("m", 1.0, 0);
        let _ = run.finish(Status::Finished);
    }
});
