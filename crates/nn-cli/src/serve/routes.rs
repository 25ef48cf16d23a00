//! What is asked for where: owns paths, methods, and the limits of what is sent, and refuses to know how an answer is
//! come by.

use std::{
    net::IpAddr,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use http_body_util::BodyExt;
use hyper::{
    Method, Request, StatusCode,
    body::{Body, Bytes, Incoming},
    header::EXPECT,
};
use nn_train::Model;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time,
};

use super::{
    answer,
    guard::{Names, Rates},
    page,
    question::{Question, Unit},
    reply::{Refusal, Reply, json, reply},
};
use crate::inspect;

/// Answers to compute at a time.
pub(super) const WORKERS: usize = 4;

/// The longest body: a photograph as PNG, or more numbers than a model of pictures has pixels.
const MOST_BYTES: usize = 4 << 20;

/// All bodies that are being read or answered, in units of 1 KiB.
const MOST_KIBIBYTES: usize = 64 << 10;

/// How much more of a body than is taken is read, so that its sender gets to read why it is refused.
const MOST_IGNORED: u64 = 64 << 20;

/// For sending a body.
const BODY_TIME: Duration = Duration::from_secs(10);

/// For waiting for a turn, and for the computation after that.
const TURN_TIME: Duration = Duration::from_secs(5);
const ANSWER_TIME: Duration = Duration::from_secs(30);

/// All that there is to be asked for.
pub(super) struct Answers {
    model: Arc<Model>,
    /// What `/model` says, as JSON.
    description: Bytes,
    names: Names,
    rates: Mutex<Rates>,
    room: Arc<Semaphore>,
}

impl Answers {
    /// The answers of the model in a file, for those who ask by one of these names.
    pub(super) fn new(path: &Path, model: Model, names: Vec<String>) -> Result<Answers> {
        // Where on this machine the file is concerns nobody.
        let name = path.file_name().map_or(path, Path::new);
        let description = inspect::model::describe(name, &model);
        let description = serde_json::to_vec(&description).context("cannot describe the model")?;
        Ok(Answers {
            model: Arc::new(model),
            description: description.into(),
            names: Names::new(names),
            rates: Mutex::default(),
            room: Arc::new(Semaphore::new(MOST_KIBIBYTES)),
        })
    }

    pub(super) async fn answer(&self, client: IpAddr, request: Request<Incoming>) -> Reply {
        self.route(client, request).await.unwrap_or_else(Reply::from)
    }

    async fn route(&self, client: IpAddr, request: Request<Incoming>) -> Result<Reply, Refusal> {
        if !self.rates.lock().unwrap_or_else(PoisonError::into_inner).admits(client, Instant::now()) {
            let error = "expected at most 500 requests a second, found more";
            return Err(Refusal::for_now(StatusCode::TOO_MANY_REQUESTS, error));
        }
        self.names.check(request.uri(), request.headers())?;
        let (path, query) = (request.uri().path(), request.uri().query());
        if let Some(file) = page::FILES.iter().find(|file| file.path == path) {
            only_get(request.method())?;
            return Ok(reply(StatusCode::OK, file.content_type, file.text));
        }
        match path {
            "/health" => {
                only_get(request.method())?;
                Ok(json(r#"{"status":"ok"}"#))
            }
            "/model" => {
                only_get(request.method())?;
                Ok(json(self.description.clone()))
            }
            "/unit" => {
                only_get(request.method())?;
                let unit = Unit::parse(query)?;
                self.compute(None, move |model| answer::unit(model, unit)).await
            }
            "/predict" => {
                if request.method() != Method::POST {
                    return Err(Refusal::method(request.method(), "POST"));
                }
                let question = Question::parse(query)?;
                self.predict(question, request).await
            }
            _ => Err(Refusal::new(StatusCode::NOT_FOUND, format!("there is no {path:?} here"))
                .hint("there are /, /predict, /model, /unit and /health")),
        }
    }

    async fn predict(&self, question: Question, request: Request<Incoming>) -> Result<Reply, Refusal> {
        let is_asking_first = request.headers().contains_key(EXPECT);
        let body = request.into_body();
        // What is claimed, or the most where nothing is.
        let claimed = body.size_hint().upper();
        if claimed.is_some_and(|bytes| bytes > MOST_BYTES as u64) {
            let bytes = claimed.filter(|bytes| *bytes <= MOST_IGNORED && !is_asking_first);
            if bytes.is_some() {
                // Whether all of it came makes no difference.
                let _ = read(body, 0).await;
            }
            return Err(too_large());
        }
        let bytes = claimed.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(MOST_BYTES);
        let kibibytes = u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).acquire_many_owned(kibibytes);
        // A semaphore that nobody closes.
        let room = time::timeout(TURN_TIME, room).await.map_err(|_| busy())?.ok();
        let body = read(body, MOST_BYTES).await?;
        self.compute(room, move |model| answer::predict(model, &body, &question)).await
    }

    /// Computes an answer on another thread, so that others are heard meanwhile.
    async fn compute(
        &self,
        room: Option<OwnedSemaphorePermit>,
        answer: impl FnOnce(&Model) -> Result<Vec<u8>, Refusal> + Send + 'static,
    ) -> Result<Reply, Refusal> {
        let model = Arc::clone(&self.model);
        match time::timeout(ANSWER_TIME, on_a_worker(room, move || answer(&model))).await {
            Ok(Some(answer)) => answer.map(json),
            Ok(None) => {
                Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "the answer could not be computed"))
            }
            Err(_) => Err(busy()),
        }
    }
}

/// Works on another thread; gives nothing if that panics.
///
/// What nobody waits for any more, because the client has left, is not begun. The room of a body is taken for as long as
/// the work holds the body, whether somebody waits or not: else clients who ask and leave would fill the memory.
async fn on_a_worker<T: Send + 'static>(
    room: Option<OwnedSemaphorePermit>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    // A set ends with its work when it is dropped.
    let mut tasks = JoinSet::new();
    tasks.spawn_blocking(move || {
        let _room = room;
        work()
    });
    tasks.join_next().await?.ok()
}

fn only_get(method: &Method) -> Result<(), Refusal> {
    // hyper leaves the body of an answer to HEAD out.
    if matches!(*method, Method::GET | Method::HEAD) {
        Ok(())
    } else {
        Err(Refusal::method(method, "GET, HEAD"))
    }
}

fn busy() -> Refusal {
    Refusal::for_now(StatusCode::SERVICE_UNAVAILABLE, "too many requests at once")
}

fn too_large() -> Refusal {
    let error = format!("expected a body of at most {MOST_BYTES} bytes, found more");
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, error)
        .hint("make the picture smaller: 1000 pixels a side are plenty")
}

/// Reads a body to its end, keeping no more than `most` bytes.
async fn read(mut body: Incoming, most: usize) -> Result<Vec<u8>, Refusal> {
    let reading = async {
        let mut bytes = Vec::new();
        let mut length = 0_u64;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| {
                Refusal::bad_request(format!(
                    "expected a body, found one that is cut off or damaged: {error}"
                ))
            })?;
            let Some(data) = frame.data_ref() else { continue };
            length += data.len() as u64;
            if length <= most as u64 {
                bytes.extend_from_slice(data);
            } else {
                bytes = Vec::new();
            }
            if length > MOST_IGNORED {
                break;
            }
        }
        if length > most as u64 { Err(too_large()) } else { Ok(bytes) }
    };
    let late =
        || Refusal::new(StatusCode::REQUEST_TIMEOUT, "expected the whole body within 10 seconds, found less");
    time::timeout(BODY_TIME, reading).await.unwrap_or_else(|_| Err(late()))
}

#[cfg(test)]
mod tests {
    use std::sync::{
        atomic::{AtomicBool, Ordering},
        mpsc,
    };

    use tokio::runtime::Builder;

    use super::*;

    #[test]
    fn clients_who_leave_take_their_work_along_but_not_the_room_of_what_has_begun() {
        let runtime = Builder::new_current_thread().enable_all().max_blocking_threads(1).build().unwrap();
        runtime.block_on(async {
            let room = Arc::new(Semaphore::new(7));
            let permit = |count| Arc::clone(&room).try_acquire_many_owned(count).ok();
            let (begun, has_begun) = mpsc::channel();
            let (end, is_to_end) = mpsc::channel::<()>();
            let is_wrong = Arc::new(AtomicBool::new(false));
            let was_wrong = Arc::clone(&is_wrong);

            let mut first = Box::pin(on_a_worker(permit(3), move || {
                begun.send(()).unwrap();
                is_to_end.recv().unwrap();
            }));
            let mut second =
                Box::pin(on_a_worker(permit(2), move || was_wrong.store(true, Ordering::Relaxed)));
            // Each is handed to the only worker, and the client of each leaves.
            for work in [first.as_mut() as std::pin::Pin<&mut dyn Future<Output = _>>, second.as_mut()] {
                assert!(time::timeout(Duration::ZERO, work).await.is_err());
            }
            has_begun.recv().unwrap();
            drop((first, second));
            assert_eq!(room.available_permits(), 2, "both bodies are still there");
            end.send(()).unwrap();
            assert_eq!(on_a_worker(None, || 5).await, Some(5));
            assert!(!is_wrong.load(Ordering::Relaxed), "nobody waited for it");
            assert_eq!(room.available_permits(), 7);
        });
    }

    #[test]
    fn work_that_panics_gives_nothing_and_its_room_back() {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let room = Arc::new(Semaphore::new(3));
        let permit = Arc::clone(&room).try_acquire_many_owned(2).ok();
        let done: Option<()> =
            runtime.block_on(on_a_worker(permit, || std::panic::resume_unwind(Box::new(()))));
        assert_eq!((done, room.available_permits()), (None, 3));
    }
}
