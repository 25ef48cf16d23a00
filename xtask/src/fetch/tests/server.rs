//! Owns a mirror on 127.0.0.1 that misbehaves as told, one connection at a time.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// How the server answers one request.
#[derive(Clone)]
pub(super) enum Answer {
    /// The whole file, or the rest of it where the request has a range.
    Good(Vec<u8>),
    /// The whole file whatever the request says of ranges, as servers without them do.
    WithoutRanges(Vec<u8>),
    /// A length that is right, and this many bytes of the file (or of the rest), then the end.
    CutAfter(usize, Vec<u8>),
    /// An error with a page about it.
    Status(u16),
    /// A page with status 200, as captive portals and expired domains send it.
    Page,
    /// A redirect to the address itself.
    Redirect,
    /// A redirect to another address.
    RedirectTo(&'static str),
    /// Nothing at all, for as long as the client waits.
    Silent,
    /// As `CutAfter`, but then nothing for as long as the client waits.
    Stall(usize, Vec<u8>),
    /// Chunks without end, of no announced length.
    Endless,
    /// A byte now and then.
    Slow(Vec<u8>),
}

/// A request as it came: the path and the value of `Range`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Request {
    pub(super) path: String,
    pub(super) range: Option<String>,
}

/// The server; it stops with the process of the tests.
pub(super) struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Serves with `answer`, which is given the path and the number of earlier requests for it.
    pub(super) fn start(answer: impl Fn(&str, usize) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let log = Arc::clone(&requests);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let Some(request) = read_request(&stream) else { continue };
                let earlier = {
                    let mut log = log.lock().unwrap();
                    let earlier = log.iter().filter(|one| one.path == request.path).count();
                    log.push(request.clone());
                    earlier
                };
                // The client may hang up in the middle: that is what some tests are about.
                let _ = respond(stream, &request, &answer(&request.path, earlier));
            }
        });
        Self { address, requests }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/set/", self.address)
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

fn read_request(stream: &TcpStream) -> Option<Request> {
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    let mut lines = BufReader::new(stream).lines();
    let path = lines.next()?.ok()?.split(' ').nth(1)?.to_owned();
    let mut range = None;
    for line in lines {
        let line = line.ok()?;
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("range")
        {
            range = Some(value.trim().to_owned());
        }
    }
    Some(Request { path, range })
}

fn respond(mut stream: TcpStream, request: &Request, answer: &Answer) -> std::io::Result<()> {
    match answer {
        Answer::Good(file) => send_rest(&mut stream, request, file, usize::MAX),
        Answer::CutAfter(bytes, file) => send_rest(&mut stream, request, file, *bytes),
        Answer::WithoutRanges(file) => {
            head(&mut stream, "200 OK", &format!("Content-Length: {}", file.len()))?;
            stream.write_all(file)
        }
        Answer::Status(status) => {
            head(&mut stream, &format!("{status} No"), "Content-Length: 14")?;
            stream.write_all(b"<html>No</html>")
        }
        Answer::Page => {
            head(&mut stream, "200 OK", "Content-Type: text/html\r\nContent-Length: 38")?;
            stream.write_all(b"<!DOCTYPE html><html>Welcome!</html>\r\n")
        }
        Answer::Redirect => head(&mut stream, "302 Found", &format!("Location: {}", request.path)),
        Answer::RedirectTo(place) => head(&mut stream, "302 Found", &format!("Location: {place}")),
        Answer::Silent => wait_for_hang_up(&mut stream),
        Answer::Stall(bytes, file) => {
            send_rest(&mut stream, request, file, *bytes)?;
            wait_for_hang_up(&mut stream)
        }
        Answer::Endless => {
            head(&mut stream, "200 OK", "Transfer-Encoding: chunked")?;
            loop {
                stream.write_all(b"1000\r\n")?;
                stream.write_all(&[0; 0x1000])?;
                stream.write_all(b"\r\n")?;
            }
        }
        Answer::Slow(file) => {
            head(&mut stream, "200 OK", &format!("Content-Length: {}", file.len()))?;
            for byte in file {
                stream.write_all(&[*byte])?;
                thread::sleep(Duration::from_millis(50));
            }
            Ok(())
        }
    }
}

/// Returns when the client has gone; the time limit of [`read_request`] is for one that never goes.
fn wait_for_hang_up(stream: &mut TcpStream) -> std::io::Result<()> {
    std::io::copy(stream, &mut std::io::sink()).map(drop)
}

/// Sends at most `most` bytes of what the request asks for, having announced all of it.
fn send_rest(stream: &mut TcpStream, request: &Request, file: &[u8], most: usize) -> std::io::Result<()> {
    let first = request
        .range
        .as_deref()
        .and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
    let rest = match first {
        None => {
            head(stream, "200 OK", &format!("Content-Length: {}", file.len()))?;
            file
        }
        Some(first) if first < file.len() => {
            let (last, length) = (file.len() - 1, file.len());
            let range = format!("Content-Range: bytes {first}-{last}/{length}");
            head(stream, "206 Partial Content", &format!("{range}\r\nContent-Length: {}", length - first))?;
            &file[first..]
        }
        Some(_) => {
            let range = format!("Content-Range: bytes */{}", file.len());
            return head(stream, "416 Range Not Satisfiable", &format!("{range}\r\nContent-Length: 0"));
        }
    };
    stream.write_all(&rest[..rest.len().min(most)])
}

fn head(stream: &mut TcpStream, status: &str, fields: &str) -> std::io::Result<()> {
    write!(stream, "HTTP/1.1 {status}\r\nConnection: close\r\n{fields}\r\n\r\n")
}
