//! As much HTTP/1.1 as it takes to ask a server on this machine.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

/// Longest wait for a server that is busy with its database.
const TIMEOUT: Duration = Duration::from_secs(120);

/// A server's answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The lines before the body.
    pub head: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    /// What a header says; the first of that name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    /// The body of a successful answer as JSON.
    ///
    /// # Panics
    /// When the status is not 200 or the body is no JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        let text = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status, 200, "{text}");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }
}

/// Asks for a path, which must be percent-encoded where it has to be.
///
/// # Errors
/// When the server cannot be reached or breaks off.
pub fn get(port: u16, path: &str) -> io::Result<Reply> {
    request(port, "GET", path, b"")
}

/// Sends JSON to a path.
///
/// # Errors
/// As [`get`].
pub fn post(port: u16, path: &str, body: &Value) -> io::Result<Reply> {
    request(port, "POST", path, body.to_string().as_bytes())
}

/// Takes away what is at a path.
///
/// # Errors
/// As [`get`].
pub fn delete(port: u16, path: &str) -> io::Result<Reply> {
    request(port, "DELETE", path, b"")
}

fn request(port: u16, method: &str, path: &str, body: &[u8]) -> io::Result<Reply> {
    let host = format!("127.0.0.1:{port}");
    send(port, method, path, &[("Host", &host), ("Content-Type", "application/json")], body)
}

/// Sends a request with these headers and no others but those that tell its length.
///
/// # Errors
/// As [`get`].
pub fn send(port: u16, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<Reply> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    let length = body.len();
    let mut head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {length}\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    stream.write_all(&[head.as_bytes(), body].concat())?;
    let (mut answer, mut piece) = (Vec::new(), [0; 1 << 16]);
    // Some servers leave the connection open whatever they are asked for.
    while !is_whole(&answer) {
        match stream.read(&mut piece)? {
            0 => break,
            length => answer.extend_from_slice(&piece[..length]),
        }
    }
    parse(&answer).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the answer is cut short or no HTTP"))
}

/// Whether an answer that tells its length is there in full.
fn is_whole(answer: &[u8]) -> bool {
    parse(answer).is_some_and(|reply| {
        reply.header("content-length").is_some() || reply.header("transfer-encoding") == Some("chunked")
    })
}

fn parse(answer: &[u8]) -> Option<Reply> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let (head, body) = (std::str::from_utf8(&answer[..end]).ok()?, &answer[end + 4..]);
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let header = |wanted: &str| {
        let lines = head.lines().filter_map(|line| line.split_once(':'));
        lines.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim())
    };
    let body = if header("transfer-encoding") == Some("chunked") {
        unchunked(body)?
    } else if let Some(length) = header("content-length") {
        body.get(..length.parse().ok()?)?.to_vec()
    } else {
        body.to_vec()
    };
    Some(Reply { status, head: head.to_owned(), body })
}

fn unchunked(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = rest.windows(2).position(|window| window == b"\r\n")?;
        let size = std::str::from_utf8(&rest[..line]).ok()?.split(';').next()?.trim();
        let size = usize::from_str_radix(size, 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        rest = &rest[line + 2..];
        body.extend(rest.get(..size)?);
        rest = rest.get(size + 2..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_of_both_kinds_are_read_whole() {
        let plain = parse(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").unwrap();
        assert_eq!((plain.status, &plain.body[..]), (200, &b"hello"[..]));
        let chunked = b"HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n";
        let chunked = parse(chunked).unwrap();
        assert_eq!((chunked.status, &chunked.body[..]), (404, &b"hello"[..]));
    }

    #[test]
    fn an_answer_that_is_cut_short_is_none() {
        for cut in [&b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nhello"[..], b"HTTP/1.1 200", b""] {
            assert!(parse(cut).is_none());
        }
    }
}
