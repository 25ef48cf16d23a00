//! What `serve` promises to programs that ask, and to those who mean it harm.

mod common;
mod server;

use std::{
    io::{BufReader, Read, Write},
    net::TcpListener,
    path::Path,
    thread,
};

use common::{command, nn_cli, png, sample, scratch, tiny_model};
use nn_train::{DataFiles, Split};
use png::{BitDepth, ColorType};
use serde_json::{Value, json};
use server::{Answer, Server, head, post};

/// Makes `folder/sample.model`.
fn sample_model(folder: &Path) {
    nn_cli(folder, &format!("train --data {} --epochs 2 -o sample.model", sample())).succeeds();
}

/// A grey picture as PNG.
fn picture(width: u32, height: u32, pixels: &[u8]) -> Vec<u8> {
    png((width, height), ColorType::Grayscale, BitDepth::Eight, pixels)
}

#[test]
fn numbers_and_a_picture_of_an_image_are_answered_as_predict_does() {
    let folder = scratch();
    sample_model(folder.path());
    let server = Server::start(folder.path(), "sample.model");
    let line = format!("predict sample.model --json --top 10 --index 0-19 --data {}", sample());
    let expected = nn_cli(folder.path(), &line).succeeds().json();
    let test = DataFiles::open(sample().as_ref(), Split::Test).unwrap();
    for (index, expected) in expected.iter().enumerate() {
        let pixels = test.view().row(index);
        let numbers = server.post("/predict?top=10", json!(pixels).to_string().as_bytes()).ok();
        let rows: Vec<&[u8]> = pixels.chunks(28).collect();
        let fields = json!({ "white": 255, "pixels": rows }).to_string();
        let floats = server.post("/predict?top=10", fields.as_bytes()).ok();
        let picture = picture(28, 28, pixels);
        let picture = server.post("/predict?top=10&prepare=no&pixels=yes&activations=yes", &picture).ok();
        for answer in [&numbers, &floats, &picture] {
            for field in ["predicted", "probability", "top"] {
                assert_eq!(answer[field], expected[field], "image {index}");
            }
        }
        assert_eq!(picture["pixels"], json!(pixels));
        assert_eq!((&picture["inverted"], &numbers["inverted"]), (&Value::Bool(false), &Value::Null));
        let hidden = picture["activations"].as_array().unwrap();
        assert_eq!(hidden.len(), 1);
        assert_eq!(hidden[0].as_array().unwrap().len(), 100);
        assert!(numbers.get("pixels").is_none() && numbers.get("activations").is_none());
    }
}

#[test]
fn a_digit_of_any_size_and_color_is_prepared_as_the_network_knows_it() {
    let folder = scratch();
    sample_model(folder.path());
    let server = Server::start(folder.path(), "sample.model");
    let test = DataFiles::open(sample().as_ref(), Split::Test).unwrap();
    let (mut right, count) = (0, 100);
    for index in 0..count {
        let pixels = test.view().row(index);
        // Dark on light, five times as large, at the edge of a picture that is wider than high.
        let (width, height) = (300, 150);
        let mut large = vec![255; width * height];
        for (place, pixel) in large.iter_mut().enumerate() {
            let (row, column) = (place / width / 5, place % width / 5);
            if let Some(&ink) = pixels.get(28 * row + column).filter(|_| row < 28 && column < 28) {
                *pixel = 255 - ink;
            }
        }
        let answer = server.post("/predict", &picture(width as u32, height as u32, &large)).ok();
        assert_eq!(answer["inverted"], true);
        right += usize::from(answer["predicted"] == test.view().label(index));
    }
    // After two epochs the model itself is right about some 88 of them.
    assert!(right >= 80, "{right} of {count}");
}

#[test]
fn an_empty_picture_is_no_digit() {
    let folder = scratch();
    tiny_model(folder.path());
    let server = Server::start(folder.path(), "tiny.model");
    for grey in [0, 255, 128] {
        for query in ["", "?invert=no"] {
            let answer = server.post(&format!("/predict{query}"), &picture(40, 60, &[grey; 2400]));
            answer.refuses(422, &["expected a picture of something, found a blank one"]);
        }
    }
    // As numbers it is an image like others.
    server.post("/predict", json!(vec![0; 15]).to_string().as_bytes()).ok();
}

#[test]
fn bodies_that_make_no_sense_are_refused_with_what_was_expected_and_found() {
    let folder = scratch();
    tiny_model(folder.path());
    let server = Server::start(folder.path(), "tiny.model");
    let sound = picture(5, 4, &[7; 20]);
    let huge = {
        // A sound header of 65,535 x 65,535 pixels, and hardly any of them.
        let mut bytes = Vec::new();
        let mut writer = png::Encoder::new(&mut bytes, 65_535, 65_535).write_header().unwrap();
        writer.write_chunk(png::chunk::IDAT, &[7; 20]).unwrap();
        drop(writer);
        bytes
    };
    let list = |count: usize| json!(vec![0; count]).to_string().into_bytes();
    for (query, body, expected) in [
        ("", b"".to_vec(), "found an empty file"),
        ("", b"hello".to_vec(), "found the first bytes 68 65 6c 6c 6f"),
        ("", sound[..30].to_vec(), "damaged"),
        ("", huge, "expected a picture of at most 16777216 pixels"),
        ("?prepare=no", sound.clone(), "expected a picture of 3x5 pixels, found 5x4"),
        ("", list(14), "expected 15 numbers for images of 5x3, found 14"),
        ("", list(784), "expected 15 numbers for images of 5x3, found 784"),
        (
            "",
            json!(vec![[0; 5]; 3]).to_string().into(),
            "expected images of 5x3, found 3 rows, the first of 5 numbers",
        ),
        ("", b"[0, 1".to_vec(), "EOF while parsing a list"),
        ("", b"{\"pixel\": []}".to_vec(), "unknown field `pixel`"),
        (
            "",
            json!([0, 1, 256, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]).to_string().into(),
            "found 256 at place 2",
        ),
        (
            "",
            json!([0, 0.5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]).to_string().into(),
            "found 0.5 at place 1",
        ),
        (
            "",
            json!({ "pixels": vec![2; 15], "white": 1 }).to_string().into(),
            "expected numbers from 0 to 1, found 2",
        ),
        ("", json!({ "pixels": vec![0; 15], "white": 0 }).to_string().into(), "above 0 for white, found 0"),
        ("?top=none", list(15), "for top, found \"none\""),
        ("?first=1", list(15), "found \"first\""),
    ] {
        let answer = server.post(&format!("/predict{query}"), &body);
        answer.refuses(400, &[expected]);
    }
    server.post("/predict", &list(15)).ok();
    // Nothing of it took the server down, or said anything.
    assert_eq!(server.get("/health").ok(), json!({ "status": "ok" }));
}

#[test]
fn a_body_that_is_too_large_is_refused_whether_it_says_so_or_not() {
    let folder = scratch();
    tiny_model(folder.path());
    let server = Server::start(folder.path(), "tiny.model");
    let body = vec![b'['; 5 << 20];
    server.post("/predict", &body).refuses(413, &["expected a body of at most 4194304 bytes"]);
    // Nothing is read of one that asks first, or claims more than anybody would read.
    for claim in ["Content-Length: 5000000\r\nExpect: 100-continue\r\n", "Content-Length: 900000000000\r\n"] {
        server.raw(head("POST", "/predict", claim).as_bytes()).refuses(413, &["expected a body"]);
    }
    let mut chunked = head("POST", "/predict", "Transfer-Encoding: chunked\r\n").into_bytes();
    for chunk in body.chunks(1 << 16) {
        chunked.extend(format!("{:x}\r\n", chunk.len()).bytes());
        chunked.extend(chunk);
        chunked.extend(b"\r\n");
    }
    chunked.extend(b"0\r\n\r\n");
    server.raw(&chunked).refuses(413, &["expected a body of at most 4194304 bytes"]);
    assert_eq!(server.get("/health").status, 200);
}

#[test]
fn a_chunked_body_is_as_good_as_one_that_tells_its_length() {
    let folder = scratch();
    tiny_model(folder.path());
    let server = Server::start(folder.path(), "tiny.model");
    let numbers = json!((0..15).collect::<Vec<_>>()).to_string();
    let mut chunked = head("POST", "/predict", "Transfer-Encoding: chunked\r\n");
    for character in numbers.chars() {
        chunked += &format!("1\r\n{character}\r\n");
    }
    chunked += "0\r\n\r\n";
    let answer = server.raw(chunked.as_bytes()).ok();
    assert_eq!(answer, server.post("/predict", numbers.as_bytes()).ok());
}

#[test]
fn other_paths_methods_names_and_origins_are_refused() {
    let folder = scratch();
    tiny_model(folder.path());
    let server = Server::start(folder.path(), "tiny.model");
    server.get("/nothing").refuses(404, &["there is no \"/nothing\" here"]);
    server.get("/page.css/").refuses(404, &["there is no"]);
    let answer = server.get("/predict");
    answer.refuses(405, &["expected the method POST, found GET"]);
    assert_eq!(answer.header("allow"), Some("post"));
    for path in ["/", "/page.js", "/model", "/health", "/unit?layer=0&unit=0"] {
        let answer = server.post(path, b"{}");
        answer.refuses(405, &["expected the method GET, HEAD, found POST"]);
        assert_eq!(answer.header("allow"), Some("get, head"));
    }
    let named =
        |host: &str| server.raw(format!("GET / HTTP/1.1\r\n{host}Connection: close\r\n\r\n").as_bytes());
    named("Host: evil.example\r\n").refuses(421, &["found \"evil.example\""]);
    named("").refuses(400, &["expected one Host header"]);
    named("Host: localhost\r\nHost: evil.example\r\n").refuses(400, &["expected one Host header"]);
    assert_eq!(named("Host: 127.0.0.1:1\r\n").status, 200);
    let origin = |origin: &str| {
        let headers = format!("Content-Length: 2\r\nOrigin: {origin}\r\n");
        server.raw((head("POST", "/predict", &headers) + "[]").as_bytes())
    };
    origin("http://evil.example").refuses(403, &["origin \"http://evil.example\""]);
    origin("http://localhost").refuses(400, &["expected 15 numbers"]);
}

#[test]
fn nothing_of_elsewhere_is_let_into_the_page_and_the_page_into_nothing() {
    let folder = scratch();
    tiny_model(folder.path());
    let server = Server::start(folder.path(), "tiny.model");
    for (path, content_type) in [
        ("/", "text/html; charset=utf-8"),
        ("/page.css", "text/css; charset=utf-8"),
        ("/page.js", "text/javascript; charset=utf-8"),
        ("/icon.svg", "image/svg+xml"),
        ("/model", "application/json"),
        ("/health", "application/json"),
        ("/nothing", "application/json"),
    ] {
        let answer = server.get(path);
        assert_eq!(answer.header("content-type"), Some(content_type));
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; ") && policy.contains("frame-ancestors 'none'"));
        assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("cross-origin-resource-policy"), Some("same-origin"));
        assert!(!answer.headers.iter().any(|header| header.starts_with("access-control")), "{answer:?}");
        // Addresses of elsewhere that are no names of formats.
        let text = answer.text().replace("http://www.w3.org/", "");
        assert!(!text.contains("http:") && !text.contains("https:") && !text.contains("url("), "{path}");
    }
    // The head of an answer alone.
    let mut stream = BufReader::new(server.connect());
    stream.get_mut().write_all(head("HEAD", "/", "").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
}

#[test]
fn the_model_and_the_weights_of_its_units_are_described() {
    let folder = scratch();
    tiny_model(folder.path());
    let server = Server::start(folder.path(), "tiny.model");
    let described = nn_cli(folder.path(), "inspect tiny.model --json").succeeds().json();
    assert_eq!(server.get("/model").ok(), described[0]);

    let model = nn_train::load(&folder.path().join("tiny.model")).unwrap();
    let parameters = model.network.parameters();
    for (layer, unit) in [(0, 0), (0, 3), (1, 2)] {
        let answer = server.get(&format!("/unit?layer={layer}&unit={unit}")).ok();
        // Each spelled as shortly as makes the same number.
        let weights: Vec<f32> = serde_json::from_value(answer["weights"].clone()).unwrap();
        assert_eq!(weights, parameters.weights(layer).column(unit).to_vec());
        assert_eq!(answer["bias"].as_f64().unwrap() as f32, parameters.biases(layer)[unit]);
    }
    server.get("/unit?layer=0&unit=4").refuses(404, &["expected a unit from 0 to 3, found 4"]);
    server.get("/unit?layer=2&unit=0").refuses(404, &["expected a layer from 0 to 1, found 2"]);
    server.get("/unit").refuses(400, &["expected layer and unit"]);
}

#[test]
fn two_hundred_requests_at_once_are_all_answered() {
    let folder = scratch();
    sample_model(folder.path());
    let server = Server::start(folder.path(), "sample.model");
    let mut pixels = vec![0; 280 * 280];
    for row in 40..240 {
        pixels[280 * row + 130..280 * row + 150].fill(255);
    }
    let request = post("/predict?pixels=yes&activations=yes&top=10", &picture(280, 280, &pixels));
    // All are connected before the first is answered.
    let mut streams: Vec<_> = (0..200).map(|_| server.connect()).collect();
    for stream in &mut streams {
        stream.write_all(&request[..request.len() - 1]).unwrap();
    }
    let last = &request[request.len() - 1..];
    streams.iter_mut().for_each(|stream| stream.write_all(last).unwrap());
    let answers: Vec<Value> =
        streams.into_iter().map(|stream| Answer::read(&mut BufReader::new(stream)).ok()).collect();
    assert_eq!(answers[0]["predicted"], 1);
    assert!(answers.iter().all(|answer| *answer == answers[0]));
}

#[test]
fn a_client_in_too_great_a_hurry_is_told_to_wait() {
    let folder = scratch();
    tiny_model(folder.path());
    let server = Server::start(folder.path(), "tiny.model");
    let (count, request) = (30_000, "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let mut stream = server.connect();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let writer = thread::spawn(move || stream.write_all(request.repeat(count).as_bytes()));
    let answers: Vec<Answer> = (0..count).map(|_| Answer::read(&mut reader)).collect();
    writer.join().unwrap().unwrap();
    let refused: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 429).collect();
    assert!(!refused.is_empty() && answers.len() - refused.len() >= 1000, "{}", refused.len());
    assert!(answers.iter().all(|answer| matches!(answer.status, 200 | 429)));
    refused[0].refuses(429, &["expected at most 500 requests a second"]);
    assert_eq!(refused[0].header("retry-after"), Some("1"));
}

#[test]
fn slow_clients_hold_nobody_up() {
    let folder = scratch();
    tiny_model(folder.path());
    let server = Server::start(folder.path(), "tiny.model");
    // Some that never finish their head, their body, or do not read what they asked for.
    let mut slow: Vec<_> = (0..60).map(|_| server.connect()).collect();
    let unfinished = head("POST", "/predict", "Content-Length: 4000000\r\n");
    for (number, stream) in slow.iter_mut().enumerate() {
        let part = match number % 3 {
            0 => "POST /pre".to_owned(),
            // More would take all the room that there is for bodies.
            1 if number < 30 => unfinished.clone(),
            _ => "GET /page.js HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(3),
        };
        stream.write_all(part.as_bytes()).unwrap();
    }
    for _ in 0..20 {
        server.post("/predict", json!(vec![9; 15]).to_string().as_bytes()).ok();
        assert_eq!(server.get("/health").status, 200);
    }
    drop(slow);
}

#[test]
fn a_server_that_has_no_room_says_so_and_gets_over_it() {
    let folder = scratch();
    tiny_model(folder.path());
    let server = Server::start(folder.path(), "tiny.model");
    let numbers = json!(vec![9; 15]).to_string();
    // Bodies that never come, of 64 MiB in all, and one more.
    let unfinished = head("POST", "/predict", "Content-Length: 4194304\r\n");
    let mut stalled: Vec<_> = (0..17).map(|_| server.connect()).collect();
    for stream in &mut stalled {
        stream.write_all(unfinished.as_bytes()).unwrap();
        // One after the other: the server has heard of this one before it answers.
        assert_eq!(server.get("/health").status, 200);
    }
    let answer = server.post("/predict", numbers.as_bytes());
    answer.refuses(503, &["too many requests at once"]);
    assert_eq!(answer.header("retry-after"), Some("1"));
    // It does not wait for ever for what was claimed.
    let answer = Answer::read(&mut BufReader::new(stalled.remove(0)));
    answer.refuses(408, &["expected the whole body within 10 seconds"]);
    drop(stalled);
    server.post("/predict", numbers.as_bytes()).ok();
}

#[test]
fn nonsense_in_place_of_http_is_refused_and_forgotten() {
    let folder = scratch();
    tiny_model(folder.path());
    let server = Server::start(folder.path(), "tiny.model");
    for (request, status) in [
        ("\x16\x03\x01\x02\r\n\r\n".to_owned(), 400),
        ("GET\r\n\r\n".to_owned(), 400),
        (head("GET", "/", &format!("X: {}\r\n", "x".repeat(100_000))), 431),
        (head("GET", "/", &"X: x\r\n".repeat(200)), 431),
        (head("POST", "/predict", "Content-Length: 5\r\nContent-Length: 6\r\n"), 400),
    ] {
        assert_eq!(server.raw(request.as_bytes()).status, status, "{}", &request[..request.len().min(80)]);
    }
    assert_eq!(server.get("/health").status, 200);
}

#[test]
#[cfg(unix)]
fn a_signal_ends_the_server_with_its_status_after_what_is_under_way() {
    for (signal, status) in [("INT", 130), ("TERM", 143)] {
        let folder = scratch();
        tiny_model(folder.path());
        let mut server = Server::start(folder.path(), "tiny.model");
        let body = json!(vec![5; 15]).to_string();
        // One that is idle, and one in the middle of its body.
        let mut idle = BufReader::new(server.connect());
        idle.get_mut().write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        assert_eq!(Answer::read(&mut idle).status, 200);
        let request = post("/predict", body.as_bytes());
        let mut stream = server.connect();
        stream.write_all(&request[..request.len() - 3]).unwrap();
        // The server has its head once it hears of others.
        assert_eq!(server.get("/health").status, 200);

        let process = server.child.id().to_string();
        assert!(
            std::process::Command::new("kill")
                .args([&format!("-{signal}"), &process])
                .status()
                .unwrap()
                .success()
        );
        let mut rest = Vec::new();
        idle.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, b"", "an idle connection is closed");
        stream.write_all(&request[request.len() - 3..]).unwrap();
        Answer::read(&mut BufReader::new(stream)).ok();
        assert_eq!(server.child.wait().unwrap().code(), Some(status));
        let mut stderr = String::new();
        server.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        assert_eq!(stderr, "");
    }
}

#[test]
fn what_cannot_be_served_or_listened_at_is_refused_with_a_hint() {
    let folder = scratch();
    tiny_model(folder.path());
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    nn_cli(folder.path(), &format!("serve tiny.model --address {address}"))
        .fails_with(&[&format!("cannot listen at {address}"), "hint: another program listens there"]);
    // An address that is kept for documentation (RFC 5737).
    nn_cli(folder.path(), "serve tiny.model --address 192.0.2.1:0")
        .fails_with(&["cannot listen at 192.0.2.1:0", "hint: that is no address of this machine"]);
    nn_cli(folder.path(), "serve missing.model").fails_with(&["missing.model", "hint: "]);
    for (flags, message) in [
        ("--address 80", "expected an address in numbers and a port"),
        ("--address localhost", "expected an address in numbers and a port"),
        ("--address 127.0.0.1:70000", "expected an address in numbers and a port"),
        ("--host http://workshop.local", "expected a name without scheme and port"),
    ] {
        let run = nn_cli(folder.path(), &format!("serve tiny.model {flags}"));
        assert!(run.code == Some(2) && run.stderr.contains(message), "{run:?}");
    }
}

#[test]
#[cfg(unix)]
fn whoever_lets_other_machines_in_is_warned() {
    let folder = scratch();
    tiny_model(folder.path());
    for (address, is_warned) in [("0.0.0.0:0", true), ("localhost:0", false)] {
        let mut child = command(folder.path())
            .args(["serve", "tiny.model", "--address", address])
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        std::io::BufRead::read_line(&mut stderr, &mut line).unwrap();
        assert_eq!(line.starts_with("warning: everyone who can reach 0.0.0.0:"), is_warned, "{line}");
        child.kill().unwrap();
        let output = child.wait_with_output().unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        let lines: Vec<&str> = stdout.lines().collect();
        assert_eq!(lines[0], "model    tiny.model: 15-4-3, 3 classes");
        assert!(
            lines[1].starts_with("page     http://") && lines[1].ends_with('/') && lines.len() == 2,
            "{stdout}"
        );
        assert!(!lines[1].contains("0.0.0.0"), "{stdout}");
    }
}
