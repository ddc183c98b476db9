//! A browser without a window, driven by WebDriver (W3C): as much of it as it takes to use a page.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::http::{Reply, delete, get, post};
use crate::wait_for;

/// Where the browser and its driver are.
const BROWSERS: [&str; 2] = ["chromium", "google-chrome"];
const DRIVER: &str = "chromedriver";

/// The key under which the protocol names an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

const PATIENCE: Duration = Duration::from_secs(60);

/// A browser that is open. Closed when dropped, with all that it wrote.
#[derive(Debug)]
pub struct Browser {
    driver: Child,
    port: u16,
    session: String,
    _profile: TempDir,
}

impl Browser {
    /// Opens one; none where this machine has no Chromium with its driver, with a word about it.
    ///
    /// # Panics
    /// When it is there and cannot be opened.
    #[must_use]
    pub fn open(test: &str, width: u32, height: u32) -> Option<Self> {
        let (Some(browser), Some(driver)) = (BROWSERS.iter().find_map(|name| found(name)), found(DRIVER)) else {
            crate::skipped(test, "there is no Chromium with chromedriver (Debian: chromium and chromium-driver)");
            return None;
        };
        // Free a moment ago: chromedriver does not tell which it chose.
        let port = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port is free").port();
        let driver = Command::new(driver)
            .arg(format!("--port={port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver can be started");
        let profile = TempDir::with_prefix("dodge-browser-").expect("a temporary folder can be made");
        let mut opened = Self { driver, port, session: String::new(), _profile: profile };
        wait_for("chromedriver", PATIENCE, || get(port, "/status").ok().filter(|reply| reply.status == 200));
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--force-device-scale-factor=1",
            "--hide-scrollbars",
            &format!("--window-size={width},{height}"),
            &format!("--user-data-dir={}", opened._profile.path().display()),
        ];
        let options = json!({ "binary": browser, "args": arguments });
        let capabilities = json!({ "alwaysMatch": { "browserName": "chrome", "goog:chromeOptions": options } });
        let reply = post(port, "/session", &json!({ "capabilities": capabilities })).expect("chromedriver answers");
        let told = reply.json();
        opened.session = told["value"]["sessionId"].as_str().expect("a session has an id").to_owned();
        // What is seen of a page without a window is that of a window with its frame.
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        opened.command("Emulation.setDeviceMetricsOverride", &metrics);
        Some(opened)
    }

    fn path(&self, rest: &str) -> String {
        format!("/session/{}/{rest}", self.session)
    }

    fn value(reply: std::io::Result<Reply>) -> Value {
        let mut told = reply.expect("the browser answers").json();
        told["value"].take()
    }

    /// Sends a command of the developer tools, which not everything has in WebDriver.
    pub fn command(&self, name: &str, params: &Value) -> Value {
        Self::value(post(self.port, &self.path("goog/cdp/execute"), &json!({ "cmd": name, "params": params })))
    }

    /// Opens an address.
    pub fn go(&self, url: &str) {
        Self::value(post(self.port, &self.path("url"), &json!({ "url": url })));
    }

    /// Loads the page again.
    pub fn reload(&self) {
        Self::value(post(self.port, &self.path("refresh"), &json!({})));
    }

    /// Runs a script in the page, with `return` for its result; a promise is waited for.
    pub fn run(&self, script: &str) -> Value {
        let body = json!({ "script": script, "args": [] });
        Self::value(post(self.port, &self.path("execute/sync"), &body))
    }

    /// Runs a script until it returns something that is true, and returns that.
    ///
    /// # Panics
    /// When it does not within a minute.
    pub fn until(&self, what: &str, script: &str) -> Value {
        wait_for(what, PATIENCE, || {
            Some(self.run(script)).filter(|value| !matches!(value, Value::Null | Value::Bool(false)) && *value != 0)
        })
    }

    /// Clicks on what a CSS selector finds, as a person does: it must be seen.
    ///
    /// # Panics
    /// When there is nothing of that kind, or something else is in front of it.
    pub fn click(&self, selector: &str) {
        let path = self.path(&format!("element/{}/click", self.element(selector)));
        Self::value(post(self.port, &path, &json!({})));
    }

    /// Types keys into what a CSS selector finds.
    pub fn keys(&self, selector: &str, text: &str) {
        let path = self.path(&format!("element/{}/value", self.element(selector)));
        Self::value(post(self.port, &path, &json!({ "text": text })));
    }

    /// Presses a key without looking where the focus is; characters of the protocol's own range are keys without one.
    pub fn press(&self, key: &str) {
        let actions = json!([{ "type": "key", "id": "keys", "actions": [
            { "type": "keyDown", "value": key },
            { "type": "keyUp", "value": key },
        ]}]);
        Self::value(post(self.port, &self.path("actions"), &json!({ "actions": actions })));
    }

    /// Drags with a mouse from one place of the window to another, in pixels.
    pub fn drag(&self, from: (i64, i64), to: (i64, i64)) {
        let there =
            |(x, y): (i64, i64), duration: u64| json!({ "type": "pointerMove", "x": x, "y": y, "duration": duration });
        let actions = json!([{ "type": "pointer", "id": "mouse", "parameters": { "pointerType": "mouse" }, "actions": [
            there(from, 0),
            { "type": "pointerDown", "button": 0 },
            there(to, 150),
            { "type": "pointerUp", "button": 0 },
        ]}]);
        Self::value(post(self.port, &self.path("actions"), &json!({ "actions": actions })));
    }

    /// What is seen of the page, as a PNG in Base64.
    #[must_use]
    pub fn screenshot(&self) -> String {
        Self::value(get(self.port, &self.path("screenshot"))).as_str().unwrap_or_default().to_owned()
    }

    fn element(&self, selector: &str) -> String {
        let body = json!({ "using": "css selector", "value": selector });
        let found = post(self.port, &self.path("element"), &body).expect("the browser answers");
        let told: Value = serde_json::from_slice(&found.body).expect("the browser answers in JSON");
        let element = told["value"][ELEMENT].as_str();
        element.unwrap_or_else(|| panic!("nothing on the page is {selector}: {told}")).to_owned()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = delete(self.port, &format!("/session/{}", self.session));
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// A program on the path.
fn found(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder: PathBuf| folder.join(name)).find(|file: &PathBuf| Path::is_file(file))
}
