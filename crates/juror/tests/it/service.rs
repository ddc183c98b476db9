//! Service and client together, over loopback.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use dodge_imaging::{Encoding, Photo};
use dodge_juror::{ClassicalJuror, Error, HttpJuror, HttpJurorOptions, Juror, JurorService, JurorServiceOptions};

/// Scores a photo by its first value, so that each answer tells whose it is.
struct FirstValue {
    pause: Duration,
    largest: Arc<AtomicUsize>,
}

impl Juror for FirstValue {
    fn name(&self) -> String {
        "first-value".into()
    }

    fn score(&self, photos: &[&Photo]) -> Result<Vec<f64>, Error> {
        self.largest.fetch_max(photos.len(), Ordering::Relaxed);
        thread::sleep(self.pause);
        assert!(photos.iter().all(|photo| photo.pixels()[0] != 255), "a photo that it cannot stand");
        Ok(photos.iter().map(|photo| f64::from(photo.pixels()[0]) / 25.5).collect())
    }
}

fn first_value(pause: u64) -> (Arc<dyn Juror>, Arc<AtomicUsize>) {
    let largest = Arc::new(AtomicUsize::new(0));
    (Arc::new(FirstValue { pause: Duration::from_millis(pause), largest: largest.clone() }), largest)
}

fn service(juror: Arc<dyn Juror>, set: impl FnOnce(&mut JurorServiceOptions)) -> JurorService {
    let mut options = JurorServiceOptions::new(SocketAddr::from(([127, 0, 0, 1], 0)));
    set(&mut options);
    JurorService::start(options, juror).unwrap()
}

fn client(service: &JurorService) -> HttpJuror {
    HttpJuror::new(HttpJurorOptions::new(format!("http://{}", service.address()))).unwrap()
}

fn photo(value: u8) -> Photo {
    Photo::from_fn(9, 7, |x, y| [value, x as u8, y as u8]).unwrap()
}

/// What the service answers to bytes: status and body.
fn answer(service: &JurorService, request: &[u8]) -> (u16, String) {
    let mut stream = TcpStream::connect(service.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.write_all(request).unwrap();
    let mut reply = Vec::new();
    // One that ends the connection early has answered before.
    let _ = stream.read_to_end(&mut reply);
    let reply = String::from_utf8_lossy(&reply).into_owned();
    let status = reply.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.unwrap_or_else(|| panic!("no status in {reply:?}")), reply)
}

fn post(service: &JurorService, path: &str, kind: &str, body: &[u8]) -> (u16, String) {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    answer(service, &[head.as_bytes(), body].concat())
}

/// A form with a file in the field.
fn form(field: &str, file: &[u8]) -> Vec<u8> {
    let head = format!("--b\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"a.npy\"\r\n\r\n");
    [head.as_bytes(), file, b"\r\n--b--\r\n"].concat()
}

const FORM: &str = "multipart/form-data; boundary=b";

fn npy(kind: &str, shape: &str, values: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n");
    [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), values].concat()
}

#[test]
fn scores_from_afar_are_those_from_here() {
    let service = service(Arc::new(ClassicalJuror::new()), |_| {});
    let far = client(&service);
    assert_eq!(far.name(), ClassicalJuror::new().name());
    let photos: Vec<Photo> = (0..70)
        .map(|index| Photo::from_fn(40 + index, 50, |x, y| [(x * 5) as u8, (y * 4) as u8, (x * y) as u8]).unwrap())
        .collect();
    let photos: Vec<&Photo> = photos.iter().collect();
    assert_eq!(far.score_checked(&photos).unwrap(), ClassicalJuror::new().score_checked(&photos).unwrap());
}

#[test]
fn many_clients_at_once_each_get_their_own_scores_in_batches() {
    let (juror, largest) = first_value(5);
    let service = service(juror, |_| {});
    let begin = Barrier::new(64);
    thread::scope(|scope| {
        for index in 0..64_u8 {
            let (service, begin) = (&service, &begin);
            scope.spawn(move || {
                let far = client(service);
                begin.wait();
                for turn in 0..20_u8 {
                    let value = index.wrapping_mul(3).wrapping_add(turn) % 250;
                    let score = far.score_one(&photo(value)).unwrap();
                    assert!((score - f64::from(value) / 25.5).abs() < 1e-12, "{value} got {score}");
                }
            });
        }
    });
    let largest = largest.load(Ordering::Relaxed);
    assert!((2..=64).contains(&largest), "the largest batch had {largest} photos");
}

#[test]
fn the_requests_of_the_predecessor_are_answered() {
    let service = service(first_value(0).0, |_| {});
    let png = BASE64_STANDARD.encode(photo(51).encode(Encoding::Png).unwrap());
    let json = format!("{{\"filename\": \"a.png\", \"b64\": \"{png}\"}}");
    let (status, reply) = post(&service, "/v1/score", "application/json", json.as_bytes());
    assert_eq!(status, 200, "{reply}");
    assert!(reply.ends_with(r#"{"filename":"a.png","score":2.0,"message":"Scoring successful"}"#), "{reply}");
    let (status, reply) =
        post(&service, "/v1/score/ndarray", FORM, &form("array_file", &npy("|u1", "(1, 1, 3)", &[102; 3])));
    assert_eq!(status, 200, "{reply}");
    assert!(reply.ends_with(r#"{"filename":"a.npy","score":4.0,"message":"Scoring successful"}"#), "{reply}");
    let get = |path: &str| {
        answer(&service, format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes())
    };
    let (_, health) = get("/health");
    assert!(health.ends_with(r#"{"status":"ok","juror_loaded":true,"juror":"first-value"}"#), "{health}");
    let (_, metrics) = get("/metrics");
    for line in [
        "juror_request_duration_seconds_count{method=\"POST\",endpoint=\"/v1/score/ndarray\",status=\"200\"} 1",
        "juror_model_loaded 1",
        "juror_scoring_value_count 2",
    ] {
        assert!(metrics.contains(line), "{line} is not in {metrics}");
    }
}

#[test]
fn what_cannot_be_scored_is_refused_and_the_service_goes_on() {
    let service = service(first_value(0).0, |options| options.request_bytes = 8 << 20);
    let check = |path: &str, kind: &str, body: &[u8], expected: u16, word: &str| {
        let (status, reply) = post(&service, path, kind, body);
        assert_eq!(status, expected, "{reply}");
        assert!(reply.contains(word), "{word} is not in {reply}");
    };
    let array = |file: &[u8], expected, word: &str| {
        check("/v1/score/ndarray", FORM, &form("array_file", file), expected, word);
        check("/v1/score/batch", FORM, &form("array_file", file), expected, word);
    };
    array(b"\x93NUMPY\x01", 400, "format");
    array(&npy("<f4", "(1, 1, 3)", &[0; 12]), 400, "not bytes");
    array(&npy("|u1", "(9, 9)", &[0; 81]), 400, "not (height, width, 3)");
    array(&npy("|u1", "(10000, 10000, 3)", &[]), 413, "more than 50000000");
    array(&npy("|u1", "(1, 1, 3)", &[255; 3]), 500, "broke down");
    check("/v1/score/ndarray", FORM, &form("picture", b""), 400, "no field `array_file`");
    check("/v1/score/ndarray", "text/plain", b"", 400, "boundary");
    check("/v1/score", "application/json", b"{\"b64\": \"%\"}", 400, "not base64");
    check("/v1/score", "application/json", b"{\"b64\": \"aGVsbG8=\"}", 400, "not a readable");
    check("/v1/score", "application/json", b"{}", 422, "b64");
    check("/v1/score", "application/json", &vec![b' '; 9 << 20], 413, "");
    // A picture of 100 megapixels in some kilobytes.
    let large = Photo::from_fn(12_500, 8_000, |_, _| [0; 3]).unwrap().encode(Encoding::Png).unwrap();
    let json = format!("{{\"b64\": \"{}\"}}", BASE64_STANDARD.encode(large));
    check("/v1/score", "application/json", json.as_bytes(), 413, "100000000 pixels");
    array(&npy("|u1", "(1, 1, 3)", &[51; 3]), 200, "2.0");
}

#[test]
fn one_that_has_too_much_to_do_says_so_and_clients_wait_for_it() {
    let service = service(first_value(300).0, |options| options.requests = 1);
    let url = format!("http://{}", service.address());
    let mut impatient = HttpJurorOptions::new(&url);
    impatient.retries = 0;
    let impatient = HttpJuror::new(impatient).unwrap();
    let patient = HttpJuror::new(HttpJurorOptions::new(&url)).unwrap();
    thread::scope(|scope| {
        let first = scope.spawn(|| patient.score_one(&photo(51)).unwrap());
        thread::sleep(Duration::from_millis(100));
        let refused = impatient.score_one(&photo(102)).unwrap_err().to_string();
        assert!(refused.contains("429"), "{refused}");
        assert!((patient.score_one(&photo(102)).unwrap() - 4.0).abs() < 1e-12);
        assert!((first.join().unwrap() - 2.0).abs() < 1e-12);
    });
}

#[test]
fn a_photo_that_the_juror_cannot_stand_fails_alone() {
    let service = service(first_value(100).0, |_| {});
    let mut options = HttpJurorOptions::new(format!("http://{}", service.address()));
    options.retries = 0;
    let far = HttpJuror::new(options).unwrap();
    thread::scope(|scope| {
        // While the first one is judged, the others wait and come together.
        let [first, bad, good] = [51, 255, 102].map(|value| {
            let far = &far;
            let asked = scope.spawn(move || far.score_one(&photo(value)).map_err(|error| error.to_string()));
            thread::sleep(Duration::from_millis(20));
            asked
        });
        assert_eq!(first.join().unwrap(), Ok(2.0));
        assert!(bad.join().unwrap().unwrap_err().contains("broke down"));
        assert_eq!(good.join().unwrap(), Ok(4.0));
    });
}

#[test]
fn a_token_is_asked_for_and_health_is_open() {
    let service = service(first_value(0).0, |options| options.token = Some("secret".into()));
    let stranger = client(&service);
    let refused = stranger.score_one(&photo(1)).unwrap_err().to_string();
    assert!(refused.contains("DODGE_JUROR_TOKEN"), "{refused}");
    let mut options = HttpJurorOptions::new(format!("http://{}", service.address()));
    options.token = Some("secret".into());
    assert!((HttpJuror::new(options).unwrap().score_one(&photo(51)).unwrap() - 2.0).abs() < 1e-12);
}

#[test]
fn what_came_in_before_the_stop_is_answered() {
    let service = service(first_value(200).0, |_| {});
    let (far, address) = (client(&service), service.address());
    thread::scope(|scope| {
        let score = scope.spawn(|| far.score_one(&photo(51)).unwrap());
        thread::sleep(Duration::from_millis(80));
        service.stop();
        assert!((score.join().unwrap() - 2.0).abs() < 1e-12);
    });
    let mut options = HttpJurorOptions::new(format!("http://{address}"));
    (options.retries, options.pause) = (1, Duration::from_millis(1));
    let gone = HttpJuror::new(options).unwrap_err().to_string();
    assert!(gone.contains("refused"), "{gone}");
}
