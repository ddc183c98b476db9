//! A server that gives prepared replies, whatever it is asked.
//!
//! It is the proxy of this process, so that whatever address a reply names, nothing leaves the machine.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// An address of a server; it exists nowhere else.
pub const ADDRESS: &str = "http://server.invalid";

/// Stands between two replies of an input.
pub const BETWEEN: &[u8] = b"\n--\n";

/// Longest wait for the rest of a request.
const PATIENCE: Duration = Duration::from_millis(200);

static REPLIES: Mutex<Replies> = Mutex::new(Replies { all: Vec::new(), next: 0 });

struct Replies {
    all: Vec<Vec<u8>>,
    next: usize,
}

/// Starts the server. To be called before any other thread exists.
pub fn start() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = format!("http://{}", listener.local_addr().expect("it has an address"));
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
        // SAFETY: no other thread reads the environment yet.
        unsafe { std::env::set_var(name, &address) };
    }
    for name in ["NO_PROXY", "no_proxy", "REQUEST_METHOD"] {
        // SAFETY: as above.
        unsafe { std::env::remove_var(name) };
    }
    // A client may open a connection and leave it unused, so each has its own thread.
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer(stream));
        }
    });
}

/// What is answered from now on, one after the other and then from the beginning. A reply that begins with `HTTP/` is sent
/// as it is; another is the body of a good one, behind three digits and a line break that of one with this status.
pub fn answer_with<'a>(replies: impl IntoIterator<Item = &'a [u8]>) {
    let all = replies.into_iter().map(whole).collect();
    *REPLIES.lock().unwrap_or_else(PoisonError::into_inner) = Replies { all, next: 0 };
}

/// The replies that the bytes of an input stand for.
pub fn split(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    while let Some(at) = bytes.windows(BETWEEN.len()).position(|window| window == BETWEEN) {
        pieces.push(&bytes[..at]);
        bytes = &bytes[at + BETWEEN.len()..];
    }
    pieces.push(bytes);
    pieces
}

fn whole(reply: &[u8]) -> Vec<u8> {
    if reply.starts_with(b"HTTP/") {
        return reply.to_vec();
    }
    let (status, body) = match reply {
        [a @ b'1'..=b'5', b @ b'0'..=b'9', c @ b'0'..=b'9', b'\n', body @ ..] => ([*a, *b, *c], body),
        body => (*b"200", body),
    };
    let status = str::from_utf8(&status).expect("these are digits");
    let mut bytes = format!(
        "HTTP/1.1 {status} Said\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    )
    .into_bytes();
    bytes.extend(body);
    bytes
}

fn answer(mut stream: TcpStream) {
    if stream.set_read_timeout(Some(PATIENCE)).is_err() || !take_request(&mut stream) {
        return;
    }
    let reply = {
        let mut replies = REPLIES.lock().unwrap_or_else(PoisonError::into_inner);
        let at = replies.next.checked_rem(replies.all.len());
        replies.next += 1;
        at.map(|at| replies.all[at].clone()).unwrap_or_default()
    };
    // The other side may have heard enough.
    let _ = stream.write_all(&reply);
    let _ = stream.shutdown(Shutdown::Both);
}

/// Reads a request to the end of its body. False: none came.
fn take_request(stream: &mut TcpStream) -> bool {
    let (mut request, mut block) = (Vec::new(), [0; 16 << 10]);
    loop {
        match stream.read(&mut block) {
            Ok(count @ 1..) => request.extend(&block[..count]),
            _ => return false,
        }
        if let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&request[..end]).to_lowercase();
            let length =
                head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
            if request.len() >= end + 4 + length.unwrap_or(0) {
                return true;
            }
        }
    }
}
