//! Servers whose certificates nobody but the user vouches for.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use dodge_tracking::{Credentials, Destination, RemoteOptions, RunOptions, Status, Tracking};
use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use serde_json::json;

use crate::{
    stub::{Reply, Stub},
    support::options,
};

/// A certificate, its key, and who has signed it.
struct Signed {
    certificate: Certificate,
    key: KeyPair,
}

fn params(name: &str, is_ca: IsCa) -> CertificateParams {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.is_ca = is_ca;
    params
}

fn self_signed(params: &CertificateParams) -> Signed {
    let key = KeyPair::generate().unwrap();
    Signed { certificate: params.self_signed(&key).unwrap(), key }
}

/// As `openssl req -x509` makes it.
fn self_signed_ca(name: &str) -> Signed {
    self_signed(&params(name, IsCa::Ca(BasicConstraints::Unconstrained)))
}

/// Of `name`, signed by an authority.
fn signed_by_ca(name: &str) -> (Signed, Signed) {
    let mut of_ca = params("", IsCa::Ca(BasicConstraints::Unconstrained));
    of_ca.subject_alt_names.clear();
    of_ca.distinguished_name.push(rcgen::DnType::CommonName, "an authority");
    let ca_key = KeyPair::generate().unwrap();
    let ca = of_ca.self_signed(&ca_key).unwrap();
    let key = KeyPair::generate().unwrap();
    let issuer = Issuer::from_params(&of_ca, &ca_key);
    let certificate = params(name, IsCa::NoCa).signed_by(&key, &issuer).unwrap();
    (Signed { certificate, key }, Signed { certificate: ca, key: ca_key })
}

/// A server that shows one certificate and answers everything with status 200.
struct TlsServer {
    port: u16,
    requests: Arc<Mutex<Vec<String>>>,
    stop: Arc<AtomicBool>,
}

impl TlsServer {
    fn start(shown: &Signed) -> Self {
        let key = PrivateKeyDer::try_from(shown.key.serialize_der()).unwrap();
        let chain: Vec<CertificateDer<'static>> = vec![shown.certificate.der().clone()];
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server =
            Self { port: listener.local_addr().unwrap().port(), requests: Arc::default(), stop: Arc::default() };
        let (config, requests, stop) = (Arc::new(config), Arc::clone(&server.requests), Arc::clone(&server.stop));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                let (config, requests) = (Arc::clone(&config), Arc::clone(&requests));
                thread::spawn(move || answer(stream.unwrap(), config, &requests));
            }
        });
        server
    }

    fn uri(&self) -> String {
        format!("https://localhost:{}", self.port)
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// One request, its head kept; the connection is closed behind the reply.
fn answer(stream: TcpStream, config: Arc<ServerConfig>, requests: &Mutex<Vec<String>>) {
    let mut tls = StreamOwned::new(ServerConnection::new(config).unwrap(), stream);
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    let end = loop {
        if let Some(end) = request.windows(4).position(|part| part == b"\r\n\r\n") {
            break end + 4;
        }
        match tls.read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(read) => request.extend(&buffer[..read]),
        }
    };
    let head = String::from_utf8_lossy(&request[..end]).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse::<usize>().ok());
    let mut missing = (end + length.unwrap_or(0)).saturating_sub(request.len());
    while missing > 0 {
        match tls.read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(read) => missing = missing.saturating_sub(read),
        }
    }
    requests.lock().unwrap().push(head);
    let reply = b"HTTP/1.1 200 X\r\nETag: \"t\"\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}";
    let _ = tls.write_all(reply);
    tls.conn.send_close_notify();
    let _ = tls.flush();
}

fn pem(folder: &Path, certificates: &[&Signed]) -> PathBuf {
    let path = folder.join("c.pem");
    std::fs::write(&path, certificates.iter().map(|signed| signed.certificate.pem()).collect::<String>()).unwrap();
    path
}

/// What a client that trusts the certificates in `named` gets to hear when it asks `server`.
fn ask(server: &TlsServer, named: &[&Signed]) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let mut remote = RemoteOptions::new(&server.uri()).unwrap();
    remote.server_cert_path = Some(pem(folder.path(), named));
    remote.request_timeout = Duration::from_secs(20);
    let tracking = Tracking::open(options(Destination::Remote(remote), folder.path())).unwrap();
    tracking.experiments().map(drop).map_err(|error| error.to_string())
}

#[test]
fn a_server_is_trusted_that_shows_the_certificate_that_the_user_named() {
    // `openssl req -x509` without more makes the first of these; its `CA:TRUE` is nothing to the user.
    let ca = self_signed_ca("localhost");
    ask(&TlsServer::start(&ca), &[&ca]).unwrap();
    let plain = self_signed(&params("localhost", IsCa::ExplicitNoCa));
    ask(&TlsServer::start(&plain), &[&plain]).unwrap();
    let unsaid = self_signed(&params("localhost", IsCa::NoCa));
    ask(&TlsServer::start(&unsaid), &[&unsaid]).unwrap();
}

#[test]
fn an_authority_vouches_for_what_it_has_signed() {
    let (leaf, ca) = signed_by_ca("localhost");
    let server = TlsServer::start(&leaf);
    ask(&server, &[&ca]).unwrap();
    // The leaf alone, whose authority is nobody's business.
    ask(&server, &[&leaf]).unwrap();
    let (_, another) = signed_by_ca("localhost");
    let message = ask(&server, &[&another]).unwrap_err();
    assert!(message.contains("invalid peer certificate"), "{message}");
}

#[test]
fn one_of_several_certificates_in_the_file_is_enough() {
    let (leaf, ca) = signed_by_ca("localhost");
    let own = self_signed_ca("localhost");
    let other = self_signed_ca("elsewhere");
    for file in [&[&other, &own, &ca][..], &[&leaf, &ca, &own]] {
        ask(&TlsServer::start(&own), file).unwrap();
        ask(&TlsServer::start(&leaf), file).unwrap();
    }
    let message = ask(&TlsServer::start(&own), &[&leaf, &ca, &other]).unwrap_err();
    assert!(message.contains("MLFLOW_TRACKING_SERVER_CERT_PATH"), "{message}");
}

#[test]
fn a_certificate_for_another_host_is_refused_whoever_named_it() {
    for shown in [self_signed_ca("elsewhere"), self_signed(&params("elsewhere", IsCa::NoCa))] {
        let message = ask(&TlsServer::start(&shown), &[&shown]).unwrap_err();
        assert!(message.contains("invalid peer certificate"), "{message}");
        // No setting helps there, so none is named.
        assert!(message.contains("elsewhere") && !message.contains("CERT_PATH"), "{message}");
    }
}

#[test]
fn a_certificate_out_of_its_time_is_refused_whoever_named_it() {
    for is_ca in [IsCa::Ca(BasicConstraints::Unconstrained), IsCa::NoCa] {
        for (from, to, word) in [(2001, 2002, "certificate expired"), (2090, 2091, "certificate not valid yet")] {
            let mut params = params("localhost", is_ca);
            (params.not_before, params.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(to, 1, 1));
            let shown = self_signed(&params);
            let message = ask(&TlsServer::start(&shown), &[&shown]).unwrap_err();
            assert!(message.contains(word) && !message.contains("CERT_PATH"), "{message}");
        }
    }
}

#[test]
fn the_same_name_with_another_key_is_not_the_certificate_that_was_named() {
    let (named, forged) = (self_signed_ca("localhost"), self_signed_ca("localhost"));
    let message = ask(&TlsServer::start(&forged), &[&named]).unwrap_err();
    assert!(message.contains("invalid peer certificate"), "{message}");
}

#[test]
fn an_http_server_may_have_its_storage_behind_https_which_learns_no_token() {
    let (leaf, ca) = signed_by_ca("localhost");
    let storage = TlsServer::start(&leaf);
    let stub = Stub::start();
    let signed = format!("{}/bucket/x?X-Amz-Signature=abc", storage.uri());
    stub.answer_with(move |request| {
        request.path.contains("/mpu/create").then(|| {
            let part = json!({"url": signed, "part_number": 1, "headers": {}});
            Reply::Json(200, json!({"upload_id": "u", "credentials": [part]}))
        })
    });
    let folder = tempfile::tempdir().unwrap();
    let mut remote = RemoteOptions::new(&stub.uri()).unwrap();
    remote.credentials = Credentials::Bearer("secret".to_owned());
    // Stands for an authority of the system.
    remote.server_cert_path = Some(pem(folder.path(), &[&ca]));
    remote.multipart_from = 1;
    remote.backoff_factor = 0.01;
    let tracking = Tracking::open(options(Destination::Remote(remote), folder.path())).unwrap();
    let run = tracking.start_run(&RunOptions::new("e")).unwrap();
    run.log_artifact_bytes(b"content", "x").unwrap();
    let summary = run.finish(Status::Finished).unwrap();
    assert!(summary.is_complete(), "{summary:?}");
    let heads = storage.requests.lock().unwrap().clone();
    assert_eq!(heads.len(), 1, "{heads:?}");
    assert!(heads[0].starts_with("put /bucket/x?x-amz-signature=abc"), "{heads:?}");
    assert!(!heads[0].contains("authorization"), "{heads:?}");
}
