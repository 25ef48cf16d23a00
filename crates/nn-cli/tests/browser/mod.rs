//! A real browser without a window: owns starting Chromium and speaking W3C WebDriver to it, which is JSON over HTTP,
//! and refuses to know the page.

use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::server::Answer;

/// A busy machine takes its time; a page that does not come is to fail.
const PATIENCE: Duration = Duration::from_secs(120);

/// How often to start a browser that dies before it has shown an empty page, as one of four at a time once did.
const STARTS: usize = 3;

/// Several at a time would take the memory and the patience of a small machine.
static TURN: Mutex<()> = Mutex::new(());

/// What the browser pretends to be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Device {
    /// A window of 1280 x 860 with a mouse.
    Desktop,
    /// A screen of 390 x 844, three pixels to a point, for fingers.
    Phone,
}

/// A browser with one page, which ends with the test.
pub(crate) struct Browser {
    driver: Child,
    port: u16,
    /// The path of its session.
    session: String,
    _turn: MutexGuard<'static, ()>,
}

impl Browser {
    /// Starts one; `None` where there is none to start, which is a failure if `BROWSER_REQUIRED` is set.
    pub(crate) fn start(device: Device) -> Option<Browser> {
        for start in 1.. {
            let mut browser = Browser::with_driver()?;
            match browser.begin(device) {
                Ok(()) => return Some(browser),
                Err(message) if start < STARTS => {
                    println!("the browser did not start ({message}); once more");
                }
                Err(message) => panic!("the browser did not start: {message}"),
            }
        }
        None
    }

    /// A driver whose browser is still to be started.
    fn with_driver() -> Option<Browser> {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let started = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut driver = match started {
            Ok(driver) => driver,
            Err(error) => {
                let required = env::var_os("BROWSER_REQUIRED").is_some();
                assert!(!required, "BROWSER_REQUIRED is set, and chromedriver does not start: {error}");
                println!("skipped: chromedriver does not start ({error}); Debian has it in chromium-driver");
                return None;
            }
        };
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines.find_map(|line| {
            let line = line.unwrap();
            line.split_once("started successfully on port ")?.1.trim_end_matches('.').parse().ok()
        });
        // It goes on to write there.
        thread::spawn(move || lines.for_each(drop));
        let port = port.expect("chromedriver says its port");
        Some(Browser { driver, port, session: String::new(), _turn: turn })
    }

    /// Starts the browser itself, with an empty page.
    fn begin(&mut self, device: Device) -> Result<(), String> {
        // Containers have no sandbox for it, and little shared memory.
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--window-size=1280,1000",
        ];
        let mut options = json!({ "args": arguments });
        if let Device::Phone = device {
            let metrics =
                json!({ "width": 390, "height": 844, "pixelRatio": 3.0, "touch": true, "mobile": true });
            options["mobileEmulation"] = json!({ "deviceMetrics": metrics });
        }
        let wanted = json!({ "goog:chromeOptions": options, "goog:loggingPrefs": { "browser": "ALL" } });
        let made = self.try_ask("POST", "/session", &json!({ "capabilities": { "alwaysMatch": wanted } }))?;
        self.session = format!("/session/{}", made["sessionId"].as_str().ok_or("no session")?);
        self.try_ask("POST", &format!("{}/url", self.session), &json!({ "url": "about:blank" }))?;
        if let Device::Desktop = device {
            let metrics = json!({ "width": 1280, "height": 860, "deviceScaleFactor": 1, "mobile": false });
            self.cdp("Emulation.setDeviceMetricsOverride", &metrics);
        }
        Ok(())
    }

    /// A request to the driver; gives the value of its answer.
    #[track_caller]
    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        self.try_ask(method, path, body).unwrap_or_else(|message| panic!("{path}: {message}"))
    }

    /// The same, or what the driver has to say of its failure.
    fn try_ask(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let body = if method == "POST" { body.to_string() } else { String::new() };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.port,
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let answer = Answer::read(&mut BufReader::new(stream));
        let value = answer.json()["value"].take();
        if answer.status == 200 { Ok(value) } else { Err(value["message"].to_string()) }
    }

    #[track_caller]
    fn command(&self, name: &str, parameters: &Value) -> Value {
        self.ask("POST", &format!("{}/{name}", self.session), parameters)
    }

    /// A command of Chromium's own protocol.
    #[track_caller]
    fn cdp(&self, name: &str, parameters: &Value) {
        self.command("goog/cdp/execute", &json!({ "cmd": name, "params": parameters }));
    }

    pub(crate) fn open(&self, url: &str) {
        self.command("url", &json!({ "url": url }));
    }

    /// The value of an expression in the page.
    #[track_caller]
    pub(crate) fn value(&self, expression: &str) -> Value {
        self.command("execute/sync", &json!({ "script": format!("return {expression};"), "args": [] }))
    }

    /// Waits until an expression in the page is true.
    #[track_caller]
    pub(crate) fn wait_for(&self, expression: &str) {
        let start = Instant::now();
        while self.value(expression) != true {
            assert!(start.elapsed() < PATIENCE, "{expression} did not come true");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Moves a pointer ("mouse" or "touch") to the first of some points, puts it down, and goes through the others.
    /// They are in pixels of the page as it is seen.
    #[track_caller]
    pub(crate) fn draw(&self, pointer: &str, points: &[[f64; 2]]) {
        let step = |[x, y]: [f64; 2], duration: u32| json!({ "type": "pointerMove", "duration": duration, "x": x.round() as i64, "y": y.round() as i64 });
        let mut steps = vec![step(points[0], 0), json!({ "type": "pointerDown", "button": 0 })];
        steps.extend(points[1..].iter().map(|&point| step(point, 8)));
        steps.push(json!({ "type": "pointerUp", "button": 0 }));
        self.act(&json!({ "type": "pointer", "id": pointer, "parameters": { "pointerType": pointer }, "actions": steps }));
    }

    /// Moves the mouse somewhere.
    #[track_caller]
    pub(crate) fn point_at(&self, [x, y]: [f64; 2]) {
        let step =
            json!({ "type": "pointerMove", "duration": 0, "x": x.round() as i64, "y": y.round() as i64 });
        let parameters = json!({ "pointerType": "mouse" });
        self.act(&json!({ "type": "pointer", "id": "mouse", "parameters": parameters, "actions": [step] }));
    }

    /// Presses keys one after the other, and those in front of a `+` meanwhile.
    #[track_caller]
    pub(crate) fn press(&self, keys: &[&str]) {
        let code = |key: &str| match key {
            "Control" => "\u{e009}".to_owned(),
            "Tab" => "\u{e004}".to_owned(),
            "ArrowLeft" => "\u{e012}".to_owned(),
            "ArrowUp" => "\u{e013}".to_owned(),
            "ArrowRight" => "\u{e014}".to_owned(),
            "ArrowDown" => "\u{e015}".to_owned(),
            "Delete" => "\u{e017}".to_owned(),
            other => other.to_owned(),
        };
        let mut steps = Vec::new();
        for key in keys {
            let held: Vec<String> = key.split('+').map(code).collect();
            steps.extend(held.iter().map(|key| json!({ "type": "keyDown", "value": key })));
            steps.extend(held.iter().rev().map(|key| json!({ "type": "keyUp", "value": key })));
        }
        self.act(&json!({ "type": "key", "id": "keys", "actions": steps }));
    }

    #[track_caller]
    fn act(&self, source: &Value) {
        self.command("actions", &json!({ "actions": [source] }));
    }

    pub(crate) fn set_dark(&self, is_dark: bool) {
        let value = if is_dark { "dark" } else { "light" };
        let features = json!([{ "name": "prefers-color-scheme", "value": value }]);
        self.cdp("Emulation.setEmulatedMedia", &json!({ "features": features }));
    }

    /// All that the page has complained about since it was asked the last time.
    #[track_caller]
    pub(crate) fn complaints(&self) -> Vec<Value> {
        self.command("se/log", &json!({ "type": "browser" })).as_array().unwrap().clone()
    }

    /// Saves what is to be seen as a PNG file in the folder that `PAGE_SCREENSHOTS` names, if it does.
    pub(crate) fn photograph(&self, name: &str) {
        let Some(folder) = env::var_os("PAGE_SCREENSHOTS") else { return };
        // What moves has come to rest.
        thread::sleep(Duration::from_millis(400));
        let picture = self.ask("GET", &format!("{}/screenshot", self.session), &Value::Null);
        fs::create_dir_all(&folder).unwrap();
        fs::write(Path::new(&folder).join(format!("{name}.png")), base64(picture.as_str().unwrap())).unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // A driver that is asked to end takes its browser with it; killed, it would leave it behind.
        let request = format!("GET /shutdown HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n", self.port);
        if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) {
            let _ = stream.write_all(request.as_bytes());
            let start = Instant::now();
            while matches!(self.driver.try_wait(), Ok(None)) && start.elapsed() < Duration::from_secs(10) {
                thread::sleep(Duration::from_millis(20));
            }
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// Bytes of their spelling in RFC 4648.
fn base64(text: &str) -> Vec<u8> {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let digits: Vec<u32> = text.bytes().filter_map(digit).map(u32::from).collect();
    let mut bytes = Vec::new();
    for group in digits.chunks(4) {
        let bits = group.iter().fold(0, |bits, digit| bits << 6 | digit) << (6 * (4 - group.len()));
        bytes.extend(&bits.to_be_bytes()[1..group.len()]);
    }
    bytes
}
