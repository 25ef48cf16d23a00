//! Owns the tests of mirrors that fail, and of what comes after them.

use super::server::{Answer, Request, Server};
use super::*;

/// A mirror whose every answer is of one kind, made from the packed file that was asked for.
fn mirror(answer: impl Fn(Vec<u8>) -> Answer + Send + 'static) -> Server {
    mirror_by_turn(move |packed, _| answer(packed))
}

/// As [`mirror`], told how often the file was asked for before.
fn mirror_by_turn(answer: impl Fn(Vec<u8>, usize) -> Answer + Send + 'static) -> Server {
    let scene = Scene::new(Vec::new());
    let (images, labels) = (gzip(&scene.images), gzip(&scene.labels));
    Server::start(move |path, earlier| {
        let packed = if path.contains("images") { &images } else { &labels };
        answer(packed.clone(), earlier)
    })
}

fn paths(requests: &[Request]) -> Vec<&str> {
    requests.iter().map(|request| request.path.as_str()).collect()
}

/// What is said of the only mirror, when its every answer is of one kind.
fn failure_of(answer: impl Fn(Vec<u8>) -> Answer + Send + 'static) -> (String, Server, Scene) {
    let server = mirror(answer);
    let mut scene = Scene::new(vec![server.url()]);
    let message = scene.fetch().unwrap_err().to_string();
    (message, server, scene)
}

#[test]
fn a_good_mirror_brings_every_file_with_one_request_each() {
    let server = mirror(Answer::Good);
    let mut scene = Scene::new(vec![server.url()]);
    scene.fetch().unwrap();
    assert!(scene.is_complete());
    let expected = ["/set/train-images-idx3-ubyte.gz", "/set/train-labels-idx1-ubyte.gz"];
    assert_eq!(paths(&server.requests()), expected);
}

#[test]
fn a_second_run_asks_nobody_and_says_so() {
    let server = mirror(Answer::Good);
    let mut scene = Scene::new(vec![server.url()]);
    scene.fetch().unwrap();
    scene.said.clear();
    let written = fs::metadata(scene.path(IMAGES)).unwrap().modified().unwrap();
    scene.fetch().unwrap();
    assert_eq!(server.requests().len(), 2);
    assert_eq!(fs::metadata(scene.path(IMAGES)).unwrap().modified().unwrap(), written);
    assert!(matches!(&scene.said[..], [line] if line.contains("already")), "{:?}", scene.said);
}

#[test]
fn every_kind_of_failure_makes_way_for_the_next_mirror() {
    let bad = [
        mirror(|_| Answer::Status(403)),
        mirror(|_| Answer::Status(404)),
        mirror(|_| Answer::Page),
        mirror(|_| Answer::Silent),
        mirror(|packed| Answer::Stall(10, packed)),
        mirror(|_| Answer::RedirectTo("file:///etc/passwd")),
        mirror(|_| Answer::Good(gzip(&vec![0; 30_000_000]))),
        mirror(|_| Answer::Endless),
        mirror(|_| Answer::Good(gzip(b"other bytes"))),
        mirror(|packed| Answer::Good(packed[..packed.len() / 2].to_vec())),
        mirror(|_| Answer::Redirect),
        mirror(Answer::Slow),
        mirror(|packed| Answer::CutAfter(10, packed)),
    ];
    let good = mirror(Answer::Good);
    let mut scene = Scene::new(bad.iter().chain([&good]).map(Server::url).collect());
    scene.fetch().unwrap();
    assert!(scene.is_complete(), "{:?}", scene.names_there());
    assert!(bad.iter().all(|server| !server.requests().is_empty()), "a mirror was passed over");
}

#[test]
fn only_what_is_missing_is_asked_of_the_next_mirror() {
    let half = Server::start(|path, _| match path.contains("images") {
        true => Answer::Good(gzip(&noise(200_000, 1))),
        false => Answer::Status(404),
    });
    let good = mirror(Answer::Good);
    let mut scene = Scene::new(vec![half.url(), good.url()]);
    scene.fetch().unwrap();
    assert!(scene.is_complete());
    assert_eq!(paths(&good.requests()), ["/set/train-labels-idx1-ubyte.gz"]);
}

#[test]
fn when_all_fail_each_has_a_line_with_its_reason() {
    let (forbidden, page) = (mirror(|_| Answer::Status(403)), mirror(|_| Answer::Page));
    let nobody = "http://127.0.0.1:9/"; // discard, where nobody listens
    let mut scene = Scene::new(vec![forbidden.url(), page.url(), nobody.into()]);
    let message = scene.fetch().unwrap_err().to_string();
    let lines: Vec<&str> = message.lines().collect();
    assert_eq!(lines[0], format!("no source has {IMAGES}, {LABELS}"));
    assert!(lines[1].contains(&forbidden.url()) && lines[1].contains("403"), "{message}");
    assert!(lines[2].contains(&page.url()) && lines[2].contains(": a web page came instead of the file"));
    assert!(lines[3].contains(nobody) && lines[3].contains("curl: (7)"), "{message}");
    assert!(lines[4].starts_with("hint: ") && message.contains("--from FOLDER"), "{message}");
    assert_eq!(scene.names_there(), [""; 0]);
}

#[test]
fn a_refusal_is_not_asked_again_but_a_busy_server_is() {
    let (_, refusing, _) = failure_of(|_| Answer::Status(404));
    assert_eq!(refusing.requests().len(), 1);

    let busy = mirror_by_turn(|packed, earlier| match earlier {
        0 => Answer::Status(503),
        _ => Answer::Good(packed),
    });
    let mut scene = Scene::new(vec![busy.url()]);
    scene.fetch().unwrap();
    assert!(scene.is_complete());
}

#[test]
fn a_download_that_was_cut_goes_on_from_where_it_was() {
    let server = mirror_by_turn(|packed, earlier| match earlier {
        0 => Answer::CutAfter(1000, packed),
        _ => Answer::Good(packed),
    });
    let mut scene = Scene::new(vec![server.url()]);
    scene.fetch().unwrap();
    assert!(scene.is_complete());
    let ranges: Vec<_> = server.requests().into_iter().map(|request| request.range).collect();
    let resumed = Some("bytes=1000-".to_owned());
    assert_eq!(ranges, [None, resumed.clone(), None, resumed]);
}

#[test]
fn what_an_earlier_run_left_is_gone_on_from() {
    let server = mirror(Answer::Good);
    let mut scene = Scene::new(vec![server.url()]);
    fs::create_dir_all(scene.waiting("")).unwrap();
    let part = scene.waiting(".train-images-idx3-ubyte.gz.part");
    fs::write(&part, &gzip(&scene.images)[..5000]).unwrap();
    scene.fetch().unwrap();
    assert!(scene.is_complete());
    assert_eq!(server.requests()[0].range.as_deref(), Some("bytes=5000-"));
}

#[test]
fn what_an_earlier_run_left_of_other_bytes_is_thrown_away() {
    let server = mirror(Answer::Good);
    let mut scene = Scene::new(vec![server.url()]);
    fs::create_dir_all(scene.waiting("")).unwrap();
    fs::write(scene.waiting(".train-images-idx3-ubyte.gz.part"), noise(5000, 3)).unwrap();
    scene.fetch().unwrap();
    assert!(scene.is_complete());
}

#[test]
fn a_part_that_is_longer_than_the_file_is_thrown_away() {
    let server = mirror(Answer::Good);
    let mut scene = Scene::new(vec![server.url()]);
    fs::create_dir_all(scene.waiting("")).unwrap();
    fs::write(scene.waiting(".train-labels-idx1-ubyte.gz.part"), noise(3040, 3)).unwrap();
    scene.fetch().unwrap();
    assert!(scene.is_complete());
}

#[test]
fn a_server_without_ranges_is_asked_for_the_whole_file() {
    let server = mirror_by_turn(|packed, earlier| match earlier {
        0 => Answer::CutAfter(1000, packed),
        _ => Answer::WithoutRanges(packed),
    });
    let mut scene = Scene::new(vec![server.url()]);
    scene.request.patience.retries = 2;
    scene.fetch().unwrap();
    assert!(scene.is_complete());
}

#[test]
fn a_file_that_unpacks_without_end_is_refused() {
    let bomb = gzip(&vec![0; 30_000_000]);
    assert!(bomb.len() < 200_000, "the bomb must pass as a file");
    let (message, _, scene) = failure_of(move |_| Answer::Good(bomb.clone()));
    assert!(message.contains("expected 200000 bytes, found more"), "{message}");
    assert_eq!(scene.names_there(), [""; 0]);
}

#[test]
fn an_answer_without_end_is_refused() {
    let (message, server, scene) = failure_of(|_| Answer::Endless);
    assert!(message.contains("the answer is larger than 203024 bytes"), "{message}");
    assert_eq!(server.requests().len(), 1);
    assert_eq!(scene.names_there(), [""; 0]);
}

#[test]
fn redirects_in_a_circle_come_to_an_end() {
    let (message, server, _) = failure_of(|_| Answer::Redirect);
    assert!(message.contains("curl: (47)"), "{message}");
    assert!(server.requests().len() < 10);
}

#[test]
fn wrong_bytes_are_told_with_both_hashes() {
    let (message, ..) = failure_of(|_| Answer::Good(gzip(&noise(200_000, 3))));
    let (expected, found) = (sha256(&noise(200_000, 1)), sha256(&noise(200_000, 3)));
    assert!(message.contains(&format!("expected SHA-256 {expected}, found {found}")), "{message}");
}

#[test]
fn a_server_that_says_nothing_is_given_up_with_the_reason() {
    for answer in [|_| Answer::Silent, |packed| Answer::Stall(1000, packed)] as [fn(Vec<u8>) -> Answer; 2] {
        let (message, ..) = failure_of(answer);
        assert!(message.contains("curl: (28)"), "{message}");
    }
}

#[test]
fn a_redirect_away_from_the_web_is_not_followed() {
    let (message, ..) = failure_of(|_| Answer::RedirectTo("file:///etc/passwd"));
    assert!(message.contains("curl: (1)"), "{message}");
}

#[test]
fn the_time_for_a_file_is_that_of_all_its_retries() {
    let server = mirror(|packed| Answer::CutAfter(1, packed));
    let mut scene = Scene::new(vec![server.url()]);
    scene.request.patience.retries = u32::MAX;
    scene.request.patience.total = Duration::from_secs(1);
    let message = scene.fetch().unwrap_err().to_string();
    assert!(message.contains("train-images-idx3-ubyte: given up after 1 s: curl: "), "{message}");
}

#[test]
fn a_set_of_which_a_file_is_missing_never_appears_and_the_next_run_asks_for_the_rest_alone() {
    let half = Server::start(|path, _| match path.contains("images") {
        true => Answer::Good(gzip(&noise(200_000, 1))),
        false => Answer::CutAfter(1000, gzip(&noise(3_000, 2))),
    });
    let mut scene = Scene::new(vec![half.url()]);
    scene.request.patience.retries = 0;
    let message = scene.fetch().unwrap_err().to_string();
    assert!(message.starts_with(&format!("no source has {LABELS}\n")), "{message}");
    assert!(message.contains(".to.incoming for the next run"), "{message}");
    assert!(!scene.request.to.exists());
    assert_eq!(scene.names_waiting(), [".train-labels-idx1-ubyte.gz.part", IMAGES]);

    let good = mirror(Answer::Good);
    scene.set.mirrors = vec![good.url()];
    scene.fetch().unwrap();
    assert!(scene.is_complete());
    assert_eq!(paths(&good.requests()), ["/set/train-labels-idx1-ubyte.gz"]);
    assert_eq!(good.requests()[0].range.as_deref(), Some("bytes=1000-"));
    assert!(!scene.waiting("").exists());
}

#[test]
fn in_a_folder_that_is_there_nothing_changes_until_all_has_come() {
    let failing = mirror(|_| Answer::Status(404));
    let mut scene = Scene::new(vec![failing.url()]);
    fs::create_dir_all(&scene.request.to).unwrap();
    fs::write(scene.path("mine.txt"), "mine").unwrap();
    fs::write(scene.path("train-images-idx3-ubyte.gz"), gzip(&scene.images)).unwrap();
    scene.fetch().unwrap_err();
    assert_eq!(scene.names_there(), [".incoming", "mine.txt", "train-images-idx3-ubyte.gz"]);
    scene.set.mirrors = vec![mirror(Answer::Good).url()];
    scene.fetch().unwrap();
    assert_eq!(scene.names_there(), ["mine.txt", IMAGES, "train-images-idx3-ubyte.gz", LABELS]);
}

#[test]
fn offline_asks_no_mirror() {
    let server = mirror(Answer::Good);
    let mut scene = Scene::new(vec![server.url()]);
    scene.request.offline = true;
    let message = scene.fetch().unwrap_err().to_string();
    assert_eq!(server.requests(), []);
    assert!(message.contains("without --offline"), "{message}");
}
