//! A small HTTP server that answers as MLflow does, and misbehaves where a test asks it to.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use serde_json::{Value, json};

#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Without the query.
    pub(crate) path: String,
    /// What stands behind the `?`.
    pub(crate) query: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// The last two parts of an API path, for example `runs/log-batch`.
    pub(crate) fn call(&self) -> &str {
        self.path.rsplit_once("/api/2.0/mlflow/").map_or(&self.path, |(_, call)| call)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

pub(crate) enum Reply {
    Json(u16, Value),
    /// Status, header lines, body.
    Raw(u16, &'static str, Vec<u8>),
    /// Does what was asked for, then closes the connection instead of answering.
    DoAndHangUp,
    /// Closes the connection instead of answering.
    HangUp,
    /// Promises ten bytes, sends three, and says nothing more.
    Stall,
}

type Hook = Box<dyn FnMut(&Request) -> Option<Reply> + Send>;

#[derive(Default)]
struct State {
    requests: Vec<Request>,
    experiments: Vec<String>,
    /// The body of each `runs/create`.
    runs: Vec<Value>,
    artifacts: BTreeMap<String, Vec<u8>>,
    hook: Option<Hook>,
}

pub(crate) struct Stub {
    pub(crate) address: String,
    state: Arc<Mutex<State>>,
    stop: Arc<AtomicBool>,
}

impl Stub {
    pub(crate) fn start() -> Self {
        Self::on("127.0.0.1:0")
    }

    /// At a certain address, for a server that comes back.
    pub(crate) fn on(address: &str) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let stub =
            Self { address: listener.local_addr().unwrap().to_string(), state: Arc::default(), stop: Arc::default() };
        let (state, stop) = (Arc::clone(&stub.state), Arc::clone(&stub.stop));
        thread::spawn(move || {
            for connection in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                let (state, stop) = (Arc::clone(&state), Arc::clone(&stop));
                thread::spawn(move || serve(connection.unwrap(), &state, &stop));
            }
        });
        stub
    }

    pub(crate) fn uri(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Lets `hook` answer first; where it does not, the stub answers as usual.
    pub(crate) fn answer_with(&self, hook: impl FnMut(&Request) -> Option<Reply> + Send + 'static) {
        self.state.lock().unwrap().hook = Some(Box::new(hook));
    }

    pub(crate) fn answer_normally(&self) {
        self.state.lock().unwrap().hook = None;
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.state.lock().unwrap().requests.clone()
    }

    /// The bodies of all requests of one call.
    pub(crate) fn bodies(&self, call: &str) -> Vec<Value> {
        let requests = self.requests();
        requests.iter().filter(|r| r.call() == call).map(Request::json).collect()
    }

    pub(crate) fn runs(&self) -> Vec<Value> {
        self.state.lock().unwrap().runs.clone()
    }

    pub(crate) fn artifacts(&self) -> BTreeMap<String, Vec<u8>> {
        self.state.lock().unwrap().artifacts.clone()
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the accepting thread up.
        let _ = TcpStream::connect(&self.address);
    }
}

pub(crate) fn refusal(message: &str) -> Reply {
    let body = json!({"error_code": "INVALID_PARAMETER_VALUE", "message": message});
    Reply::Json(400, body)
}

fn serve(stream: TcpStream, state: &Mutex<State>, stop: &AtomicBool) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    while let Some(request) = read_request(&mut reader) {
        if stop.load(Ordering::SeqCst) {
            return;
        }
        let mut state = state.lock().unwrap();
        state.requests.push(request.clone());
        let mut hook = state.hook.take();
        let reply = hook.as_mut().and_then(|hook| hook(&request));
        if state.hook.is_none() {
            state.hook = hook;
        }
        let (status, headers, body) = match reply {
            None => {
                let (status, body) = answer(&mut state, &request);
                (status, "", serde_json::to_vec(&body).unwrap())
            }
            Some(Reply::Json(status, body)) => (status, "", serde_json::to_vec(&body).unwrap()),
            Some(Reply::Raw(status, headers, body)) => (status, headers, body),
            Some(Reply::HangUp) => return,
            Some(Reply::Stall) => {
                drop(state);
                let _ = writer.write_all(b"HTTP/1.1 200 X\r\nContent-Length: 10\r\n\r\nabc");
                while !stop.load(Ordering::SeqCst) {
                    thread::sleep(std::time::Duration::from_millis(20));
                }
                return;
            }
            Some(Reply::DoAndHangUp) => {
                answer(&mut state, &request);
                return;
            }
        };
        drop(state);
        let head = format!("HTTP/1.1 {status} X\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
        if writer.write_all(head.as_bytes()).and_then(|()| writer.write_all(&body)).is_err() {
            return;
        }
    }
}

fn read_request(reader: &mut impl BufRead) -> Option<Request> {
    let mut line = String::new();
    if reader.read_line(&mut line).ok()? == 0 {
        return None;
    }
    let mut parts = line.split_whitespace();
    let method = parts.next()?.to_owned();
    let target = parts.next()?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (path, query) = (path.to_owned(), query.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let len = headers.get("content-length").map_or(0, |len| len.parse().unwrap());
    let mut body = vec![0; len];
    reader.read_exact(&mut body).ok()?;
    Some(Request { method, path, query, headers, body })
}

fn answer(state: &mut State, request: &Request) -> (u16, Value) {
    if let Some((_, path)) = request.path.split_once("/mlflow-artifacts/artifacts/") {
        state.artifacts.insert(path.to_owned(), request.body.clone());
        return (200, json!({}));
    }
    match request.call() {
        "experiments/get-by-name" => match state.experiments.len() {
            0 => (404, json!({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no experiment"})),
            id => (200, json!({"experiment": {"experiment_id": id.to_string(), "lifecycle_stage": "active"}})),
        },
        "experiments/create" => {
            state.experiments.push(request.json()["name"].to_string());
            (200, json!({"experiment_id": state.experiments.len().to_string()}))
        }
        "runs/create" => {
            state.runs.push(request.json());
            (200, json!({"run": run(state.runs.len())}))
        }
        "runs/search" => {
            let filter = request.json()["filter"].to_string();
            let of_tag = |body: &Value| filter.contains(body["tags"][0]["value"].as_str().unwrap());
            match state.runs.iter().position(of_tag) {
                Some(index) => (200, json!({"runs": [run(index + 1)]})),
                None => (200, json!({})),
            }
        }
        "runs/update" => (200, json!({"run_info": {}})),
        _ => (200, json!({})),
    }
}

fn run(number: usize) -> Value {
    let id = format!("{number:032x}");
    let artifact_uri = format!("mlflow-artifacts:/1/{id}/artifacts");
    json!({"info": {"run_id": id, "artifact_uri": artifact_uri}, "data": {}})
}
