//! What the tests of the server share: one that runs, and requests to it, byte by byte where that is the point.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Child, ChildStdout, Stdio},
    time::Duration,
};

use serde_json::Value;

use crate::common::command;

/// No answer takes as long; a test that waits for one that never comes is to fail.
const PATIENCE: Duration = Duration::from_secs(60);

/// `nn-cli serve`, which ends with the test.
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) address: SocketAddr,
    /// Kept open: the program may write to it.
    _stdout: BufReader<ChildStdout>,
}

impl Server {
    /// Serves a model of `folder` at a port that is free.
    pub(crate) fn start(folder: &Path, model: &str) -> Server {
        let mut child = command(folder)
            .args(["serve", model, "--address", "127.0.0.1:0", "--json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let listening: Value = serde_json::from_str(&line).expect(&line);
        assert_eq!((&listening["event"], &listening["model"]), (&"listening".into(), &model.into()));
        let address: SocketAddr = listening["address"].as_str().unwrap().parse().unwrap();
        assert_eq!(listening["url"], format!("http://{address}/"));
        Server { child, address, _stdout: stdout }
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Sends bytes as they are, and reads the answer to them.
    pub(crate) fn raw(&self, request: &[u8]) -> Answer {
        let mut stream = self.connect();
        // Refused before all was sent: the answer is there all the same.
        let _ = stream.write_all(request);
        Answer::read(&mut BufReader::new(stream))
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.raw(head("GET", path, "").as_bytes())
    }

    pub(crate) fn post(&self, path: &str, body: &[u8]) -> Answer {
        self.raw(&post(path, body))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The head of a request on a connection that is closed after it.
pub(crate) fn head(method: &str, path: &str, headers: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n")
}

pub(crate) fn post(path: &str, body: &[u8]) -> Vec<u8> {
    let mut request = head("POST", path, &format!("Content-Length: {}\r\n", body.len())).into_bytes();
    request.extend(body);
    request
}

/// What a server answers.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// In lower case, with their names.
    pub(crate) headers: Vec<String>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// Reads one answer of a connection, which may go on.
    #[track_caller]
    pub(crate) fn read(stream: &mut impl BufRead) -> Answer {
        let mut line = || {
            let mut line = String::new();
            stream.read_line(&mut line).unwrap();
            line.trim_end().to_owned()
        };
        let first = line();
        let status = first.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.unwrap_or_else(|| panic!("expected an answer, found {first:?}"));
        let headers: Vec<String> = std::iter::from_fn(|| Some(line()).filter(|line| !line.is_empty()))
            .map(|line| line.to_lowercase())
            .collect();
        let mut answer = Answer { status, headers, body: Vec::new() };
        let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
        answer.body = vec![0; length];
        stream.read_exact(&mut answer.body).unwrap();
        answer
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("expected JSON in {self:?}"))
    }

    /// The answer to a request that succeeded.
    #[track_caller]
    pub(crate) fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text());
        self.json()
    }

    /// A refusal with this status, in JSON, that says all of this.
    #[track_caller]
    pub(crate) fn refuses(&self, status: u16, expected: &[&str]) {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), Some("application/json"));
        let error = self.json()["error"].as_str().unwrap().to_owned();
        for part in expected {
            assert!(error.contains(part), "expected {part:?} in {error:?}");
        }
    }
}
