//! What TensorBoard shows of a fit: owns the files of events, their names, framing and messages, and refuses to know
//! what else is in their folder.
//!
//! A file is a row of records: the length of the data as a little-endian `u64`, its checksum, the data, its checksum.
//! The data is a protocol buffer of TensorFlow's `event.proto` and `summary.proto`, of which the messages below are a
//! part, with the same numbers. The checksums are CRC-32C, [masked](masked_crc).

use std::{
    fs, io,
    io::Write as _,
    ops::ControlFlow,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use nn_core::Network;
use prost::Message;

use crate::{EpochReport, EpochSummary, Observer, Place, WriteError, write_atomically};

/// Writes event files, which TensorBoard shows while the fit goes on and afterwards.
///
/// As an [`Observer`] it writes, after each epoch and at the number of steps done:
///
/// | tag | value |
/// |---|---|
/// | `loss/train`, `accuracy/train` | of the training samples, each measured before the update by its batch |
/// | `loss/NAME`, `accuracy/NAME` | of the held-out samples after the epoch, under the name that they were given |
/// | `rate` | the learning rate of the last step |
/// | `samples_per_second` | training samples of this life a second of training time, if there were any |
///
/// Values are `f32`, as TensorBoard's scalars are. Accuracies are 0 to 1.
///
/// # When a fit goes on
/// Each life of a fit has a file of its own, and the files of a folder are numbered in their names. A file begins by
/// saying at which step its life began, and TensorBoard forgets what an earlier file says of later steps: what a killed
/// process has told of an epoch that was not kept is not shown twice. An epoch is on the disk before
/// [`between_steps`](Observer::between_steps) is called for it, so that a checkpoint never knows of more epochs than
/// the event files do. The first file of a folder begins with the epochs that are finished already, if there are any,
/// without their samples a second, which nobody knows any more.
///
/// # Examples
/// ```
/// use std::num::NonZeroUsize;
/// use nn_train::{EventLog, FitConfig, Ingredients, Order, Place, Schedule, fit};
/// use nn_train::nn_core::{Activation, Dataset, Loss, Network, Optimizer};
///
/// # let folder = tempfile::tempdir()?;
/// # let folder = folder.path();
/// let train = Dataset::new(&[255, 9, 0, 210, 0, 30, 0, 40, 220, 20, 0, 255], 3, &[0, 0, 1, 1], 2)?;
/// let mut network = Network::builder(3).dense(2, Activation::Identity).zeros()?;
/// let config = FitConfig {
///     epochs: 20,
///     batch_size: NonZeroUsize::new(2).unwrap(),
///     loss: Loss::SoftmaxCrossEntropy,
///     rate: 0.5,
///     schedule: Schedule::Constant,
///     seed: 42,
///     threads: NonZeroUsize::MIN,
///     ingredients: Ingredients::NONE,
///     order: Order::Full,
/// };
/// let mut log = EventLog::create(folder, "validation", &Place::default(), 2)?;
/// fit(&mut network, &mut Optimizer::sgd(0.5), train, Some(train.into()), &config, &mut log)?;
/// log.into_result()?;
/// assert!(folder.join("events.out.tfevents.0000000001.nn-train").is_file());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct EventLog {
    file: fs::File,
    path: PathBuf,
    held_out: String,
    steps_per_epoch: u64,
    /// Samples of the epoch under way that another life has trained on.
    samples_before: u64,
    failure: Option<EventError>,
}

/// What the names of event files begin with; TensorBoard knows them by `tfevents`.
const NAME_START: &str = "events.out.tfevents.";
const NAME_END: &str = ".nn-train";
/// Digits enough for every life, so that the order of the names is that of the lives.
const NAME_DIGITS: usize = 10;

/// What the first record says.
const FILE_VERSION: &str = "brain.Event:2";

impl EventLog {
    /// Makes the next event file of a folder, for a life of a fit that begins at a place.
    ///
    /// Two logs in one folder at a time would count as two lives of one fit.
    ///
    /// # Errors
    /// [`EventError`].
    pub fn create(
        folder: &Path,
        held_out: &str,
        place: &Place,
        steps_per_epoch: u64,
    ) -> Result<EventLog, EventError> {
        let last = last_number(folder)?;
        let path = folder.join(format!("{NAME_START}{:0NAME_DIGITS$}{NAME_END}", last.saturating_add(1)));
        // What was told after the place is void. The end of an epoch has the step of its last batch, and comes later.
        let is_end_to_come = place.batches > 0 && place.batches == steps_per_epoch;
        let start = place.steps(steps_per_epoch).saturating_add(u64::from(!is_end_to_come));
        let mut records = [record(0, What::file_version()), record(start, What::start())].concat();
        if last == 0 {
            for summary in &place.epochs {
                let steps_done = u64::from(summary.epoch) * steps_per_epoch;
                records.extend(record(steps_done, epoch(summary, held_out, None)));
            }
        }
        // Whole or not there, so that the first file has all of the past.
        write_atomically(&path, |writer| writer.write_all(&records)).map_err(EventError::Create)?;
        let file = fs::File::options().append(true).open(&path).map_err(EventError::io("open", &path))?;
        let held_out = held_out.to_owned();
        let samples_before = place.running.samples;
        Ok(EventLog { file, path, held_out, steps_per_epoch, samples_before, failure: None })
    }

    /// Whether a folder has event files of this making.
    ///
    /// # Errors
    /// [`EventError`] when the folder cannot be read.
    pub fn is_in(folder: &Path) -> Result<bool, EventError> {
        Ok(last_number(folder)? > 0)
    }

    /// Writes scalars at a number of steps done, under tags such as `loss/train`; a `/` makes a group.
    ///
    /// # Errors
    /// [`EventError`]. What is on the disk after that may end within a record, which TensorBoard leaves out.
    pub fn write(&mut self, steps_done: u64, scalars: &[(&str, f64)]) -> Result<(), EventError> {
        self.append(&record(steps_done, What::scalars(scalars)))
    }

    /// Whether all that there was to tell, as an observer, was written.
    ///
    /// # Errors
    /// The [`EventError`] that ended the fit, if one did.
    pub fn into_result(self) -> Result<(), EventError> {
        self.failure.map_or(Ok(()), Err)
    }

    /// The record reaches the file in one piece, if the system does not cut it, and the disk before this returns.
    fn append(&mut self, record: &[u8]) -> Result<(), EventError> {
        let result = self.file.write_all(record).and_then(|()| self.file.sync_data());
        result.map_err(EventError::io("write", &self.path))
    }
}

/// An epoch, under the tags that [`EventLog`] promises.
fn epoch(summary: &EpochSummary, held_out: &str, samples_per_second: Option<f64>) -> What {
    let (loss, accuracy) = (format!("loss/{held_out}"), format!("accuracy/{held_out}"));
    let mut scalars =
        vec![("loss/train", summary.train.mean_loss()), ("accuracy/train", summary.train.accuracy())];
    if let Some(held_out) = &summary.validation {
        scalars.extend([(&*loss, held_out.mean_loss()), (&*accuracy, held_out.accuracy())]);
    }
    scalars.push(("rate", summary.rate.into()));
    scalars.extend(samples_per_second.map(|speed| ("samples_per_second", speed)));
    What::scalars(&scalars)
}

impl Observer for EventLog {
    fn epoch_finished(&mut self, report: &EpochReport, _: &Network) -> ControlFlow<()> {
        let samples = report.train.samples.saturating_sub(self.samples_before);
        self.samples_before = 0;
        let seconds = report.train_time.as_secs_f64();
        let speed = (samples > 0 && seconds > 0.0).then(|| samples as f64 / seconds);
        let steps_done = u64::from(report.epoch) * self.steps_per_epoch;
        match self.append(&record(steps_done, epoch(&report.summary(), &self.held_out, speed))) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                self.failure = Some(error);
                ControlFlow::Break(())
            }
        }
    }
}

/// Whether [`EventLog`] gives files such names.
pub(crate) fn is_event_file(name: &str) -> bool {
    number(name).is_some()
}

fn number(name: &str) -> Option<u64> {
    let digits = name.strip_prefix(NAME_START)?.strip_suffix(NAME_END)?;
    let is_number = digits.len() >= NAME_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().ok())?
}

/// The number of the last event file in a folder, or 0.
fn last_number(folder: &Path) -> Result<u64, EventError> {
    let read = || {
        fs::read_dir(folder)?.try_fold(0, |last, entry| {
            Ok(number(&entry?.file_name().to_string_lossy()).map_or(last, |number| last.max(number)))
        })
    };
    read().map_err(EventError::io("look for event files in", folder))
}

/// An event of now.
fn record(step: u64, what: What) -> Vec<u8> {
    // A clock before 1970 is wrong anyway.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let step = i64::try_from(step).unwrap_or(i64::MAX);
    framed(&Event { wall_time: now.as_secs_f64(), step, what: Some(what) }.encode_to_vec())
}

fn framed(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let mut record = Vec::with_capacity(data.len() + 16);
    record.extend(length);
    record.extend(masked_crc(&length).to_le_bytes());
    record.extend(data);
    record.extend(masked_crc(data).to_le_bytes());
    record
}

/// The checksum of data that may hold checksums: rotated, and moved by a constant of the format.
fn masked_crc(data: &[u8]) -> u32 {
    crc32c::crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8)
}

#[derive(Clone, PartialEq, Message)]
struct Event {
    /// Seconds since 1970.
    #[prost(double, tag = "1")]
    wall_time: f64,
    #[prost(int64, tag = "2")]
    step: i64,
    #[prost(oneof = "What", tags = "3, 5, 7")]
    what: Option<What>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum What {
    #[prost(string, tag = "3")]
    FileVersion(String),
    #[prost(message, tag = "5")]
    Summary(Summary),
    #[prost(message, tag = "7")]
    SessionLog(SessionLog),
}

#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(message, repeated, tag = "1")]
    values: Vec<SummaryValue>,
}

/// `Summary.Value`
#[derive(Clone, PartialEq, Message)]
struct SummaryValue {
    #[prost(string, tag = "1")]
    tag: String,
    /// One of several kinds, so that 0 is written too.
    #[prost(float, optional, tag = "2")]
    simple_value: Option<f32>,
}

#[derive(Clone, PartialEq, Message)]
struct SessionLog {
    /// `SessionStatus`
    #[prost(int32, tag = "1")]
    status: i32,
}

/// `SessionStatus.START`: what earlier files have of this step and of later ones is void.
const START: i32 = 1;

impl What {
    fn file_version() -> What {
        What::FileVersion(FILE_VERSION.to_owned())
    }

    fn start() -> What {
        What::SessionLog(SessionLog { status: START })
    }

    fn scalars(scalars: &[(&str, f64)]) -> What {
        let value = |&(tag, value): &(&str, f64)| SummaryValue {
            tag: tag.to_owned(),
            simple_value: Some(value as f32),
        };
        What::Summary(Summary { values: scalars.iter().map(value).collect() })
    }
}

/// An event file was not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EventError {
    /// It could not be made.
    #[error(transparent)]
    Create(WriteError),
    /// The operating system said no.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried, as "write".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

impl EventError {
    fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> EventError {
        move |source| EventError::Io { action, path: path.to_owned(), source }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use nn_core::Tally;

    use super::*;

    #[test]
    fn records_are_those_that_tensorboard_writes() {
        // from tensorboard.compat.proto.event_pb2 import Event, SessionLog
        // from tensorboard.compat.proto.summary_pb2 import Summary
        // from tensorboard.summary.writer.record_writer import RecordWriter
        // values = [Summary.Value(tag="loss/train", simple_value=0.25), Summary.Value(tag="rate", simple_value=0)]
        // for event in (Event(wall_time=1.5, file_version="brain.Event:2"),
        //               Event(wall_time=1.5, step=31, session_log=SessionLog(status=SessionLog.START)),
        //               Event(wall_time=1.5, step=300, summary=Summary(value=values))):
        //     buffer = io.BytesIO()
        //     RecordWriter(buffer).write(event.SerializeToString())
        //     print(buffer.getvalue().hex())
        let golden = [
            (
                0,
                What::file_version(),
                "1800000000000000a37f4b2209000000000000f83f1a0d627261696e2e4576656e743a322a28646c",
            ),
            (31, What::start(), "0f000000000000006d532b0909000000000000f83f101f3a020801edb2ed92"),
            (
                300,
                What::scalars(&[("loss/train", 0.25), ("rate", 0.0)]),
                "2e00000000000000c5cb57fa09000000000000f83f10ac022a200a110a0a6c6f73732f747261696e150000803e0a0b0a04\
                 72617465150000000035d02218",
            ),
        ];
        for (step, what, expected) in golden {
            let bytes = framed(&Event { wall_time: 1.5, step, what: Some(what) }.encode_to_vec());
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(hex, expected);
        }
    }

    /// An epoch of ten samples, in three batches.
    fn report(epoch: u32, seconds: u64) -> EpochReport {
        EpochReport {
            epoch,
            rate: 0.5,
            train: Tally { samples: 10, correct: 5, loss_sum: 2.5 },
            validation: None,
            train_time: Duration::from_secs(seconds),
            validation_time: Duration::ZERO,
        }
    }

    fn network() -> Network {
        Network::builder(2).dense(3, nn_core::Activation::Identity).zeros().unwrap()
    }

    /// The steps and the contents of a file.
    fn events(folder: &Path, number: u64) -> Vec<(i64, What)> {
        let bytes = fs::read(folder.join(format!("events.out.tfevents.{number:010}.nn-train"))).unwrap();
        let mut rest = &bytes[..];
        let mut events = Vec::new();
        while let Some((length, after)) = rest.split_first_chunk() {
            let length = u64::from_le_bytes(*length) as usize;
            let event = Event::decode(&after[4..4 + length]).unwrap();
            events.push((event.step, event.what.unwrap()));
            rest = &after[length + 8..];
        }
        events
    }

    fn scalars(speed: Option<f64>) -> What {
        let mut scalars = vec![("loss/train", 0.25), ("accuracy/train", 0.5), ("rate", 0.5)];
        scalars.extend(speed.map(|speed| ("samples_per_second", speed)));
        What::scalars(&scalars)
    }

    #[test]
    fn each_life_has_a_file_that_begins_where_it_does_and_counts_its_own_samples() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        assert!(!EventLog::is_in(folder).unwrap());
        let mut log = EventLog::create(folder, "test", &Place::default(), 3).unwrap();
        assert!(log.epoch_finished(&report(1, 2), &network()).is_continue());
        log.into_result().unwrap();
        assert!(EventLog::is_in(folder).unwrap());
        let start = |step| (step, What::start());
        let version = (0, What::file_version());
        assert_eq!(events(folder, 1), [version.clone(), start(1), (3, scalars(Some(5.0)))]);

        // After two batches of the second epoch, eight of its samples are done.
        let running = Tally { samples: 8, ..Tally::default() };
        let place = Place { epochs: vec![report(1, 2).summary()], batches: 2, running, average: None };
        let mut log = EventLog::create(folder, "test", &place, 3).unwrap();
        assert!(log.epoch_finished(&report(2, 4), &network()).is_continue());
        assert!(log.epoch_finished(&report(3, 4), &network()).is_continue());
        let expected = [version, start(6), (6, scalars(Some(0.5))), (9, scalars(Some(2.5)))];
        assert_eq!(events(folder, 2), expected);
    }

    #[test]
    fn the_end_of_an_epoch_is_told_again_where_only_that_is_to_come() {
        let folder = tempfile::tempdir().unwrap();
        drop(EventLog::create(folder.path(), "test", &Place::default(), 3).unwrap());
        let running = Tally { samples: 10, ..Tally::default() };
        let place = Place { epochs: vec![report(1, 2).summary()], batches: 3, running, average: None };
        let mut log = EventLog::create(folder.path(), "test", &place, 3).unwrap();
        assert!(log.epoch_finished(&report(2, 4), &network()).is_continue());
        // This life has trained on none of its samples.
        let expected = [(0, What::file_version()), (6, What::start()), (6, scalars(None))];
        assert_eq!(events(folder.path(), 2), expected);
    }

    #[test]
    fn the_first_file_of_a_fit_that_is_under_way_has_its_past() {
        let folder = tempfile::tempdir().unwrap();
        let past = vec![report(1, 2).summary(), report(2, 2).summary()];
        let place = Place { epochs: past, batches: 1, ..Place::default() };
        drop(EventLog::create(folder.path(), "test", &place, 3).unwrap());
        let expected =
            [(0, What::file_version()), (8, What::start()), (3, scalars(None)), (6, scalars(None))];
        assert_eq!(events(folder.path(), 1), expected);
    }

    #[test]
    fn a_time_of_zero_has_no_speed() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = EventLog::create(folder.path(), "test", &Place::default(), 3).unwrap();
        assert!(log.epoch_finished(&report(1, 0), &network()).is_continue());
        assert_eq!(events(folder.path(), 1)[2], (3, scalars(None)));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_ends_the_fit_and_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = EventLog::create(folder.path(), "test", &Place::default(), 3).unwrap();
        log.file = fs::File::options().write(true).open("/dev/full").unwrap();
        assert!(log.epoch_finished(&report(1, 2), &network()).is_break());
        let error = log.into_result().unwrap_err();
        assert!(error.to_string().starts_with("cannot write ") && error.to_string().ends_with(".nn-train"));
    }

    #[test]
    fn a_missing_folder_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let error =
            EventLog::create(&folder.path().join("missing"), "test", &Place::default(), 3).unwrap_err();
        assert!(error.to_string().starts_with("cannot look for event files in "), "{error}");
    }

    #[test]
    fn names_are_numbered_and_others_are_strangers() {
        assert_eq!(number("events.out.tfevents.0000000012.nn-train"), Some(12));
        assert_eq!(number("events.out.tfevents.12345678901.nn-train"), Some(12_345_678_901));
        for name in [
            "events.out.tfevents.12.nn-train",
            "events.out.tfevents.00000000x2.nn-train",
            "events.out.tfevents.1700000000.host.23.0",
            "metrics.csv",
        ] {
            assert!(!is_event_file(name), "{name}");
        }
    }
}
