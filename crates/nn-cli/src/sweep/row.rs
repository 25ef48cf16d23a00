//! A training that is over, as a row of a table: owns the columns and their spelling, and refuses to know files.
//!
//! Numbers are written with as many digits as give the same number again, so that a sweep that is gone on with chooses
//! as if it had never been left.

use std::collections::HashSet;

use anyhow::{Context, Result};

use super::trial::{Figures, Measured};

/// What came of a training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Row {
    /// Index of the combination; written from 1.
    pub(super) combination: usize,
    /// From 0; written from 1.
    pub(super) rung: usize,
    pub(super) seed: u64,
    pub(super) epochs: u32,
    pub(super) parameters: usize,
    /// `None` when it diverged.
    pub(super) measured: Option<Measured>,
    /// That the training took.
    pub(super) seconds: f64,
    /// Since the beginning of the sweep, without the time when no process was at it.
    pub(super) elapsed: f64,
}

/// The columns of a table of trainings in which these settings are varied.
pub(super) struct Columns {
    settings: Vec<String>,
    /// The values of each combination.
    combinations: Vec<Vec<String>>,
}

const BEFORE: [&str; 3] = ["rung", "combination", "seed"];
const AFTER: [&str; 9] = [
    "epochs_trained",
    "parameters",
    "status",
    "train_loss",
    "train_accuracy",
    "validation_loss",
    "validation_accuracy",
    "seconds",
    "elapsed",
];
const FINISHED: &str = "finished";
const DIVERGED: &str = "diverged";

impl Columns {
    pub(super) fn new(settings: Vec<String>, combinations: Vec<Vec<String>>) -> Columns {
        Columns { settings, combinations }
    }

    fn names(&self) -> Vec<&str> {
        let settings = self.settings.iter().map(String::as_str);
        BEFORE.into_iter().chain(settings).chain(AFTER).collect()
    }

    /// The first line.
    pub(super) fn heading(&self) -> Result<String> {
        record(&self.names())
    }

    /// A row, and the end of its line.
    pub(super) fn line(&self, row: &Row, values: &[String]) -> Result<String> {
        let number = |pick: fn(&Measured) -> f64| {
            row.measured.as_ref().map_or_else(String::new, |all| pick(all).to_string())
        };
        let before = [(row.rung + 1).to_string(), (row.combination + 1).to_string(), row.seed.to_string()];
        let after = [
            row.epochs.to_string(),
            row.parameters.to_string(),
            if row.measured.is_some() { FINISHED } else { DIVERGED }.to_owned(),
            number(|all| all.train.loss),
            number(|all| all.train.accuracy),
            number(|all| all.validation.loss),
            number(|all| all.validation.accuracy),
            row.seconds.to_string(),
            row.elapsed.to_string(),
        ];
        let cells: Vec<&str> = before.iter().chain(values).chain(&after).map(String::as_str).collect();
        record(&cells)
    }

    /// The rows of a table, which has its heading and ends with a line.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub(super) fn rows(&self, text: &str) -> Result<Vec<Row>, String> {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
        let (mut rows, mut seen) = (Vec::new(), HashSet::new());
        for (line, record) in (1..).zip(reader.records()) {
            let record = record.map_err(|error| format!("line {line} is no row of a table ({error})"))?;
            let cells: Vec<&str> = record.iter().collect();
            if line == 1 {
                if cells != self.names() {
                    return Err(format!("expected the columns {}, found others", self.names().join(", ")));
                }
                continue;
            }
            let row = self.row(&cells).ok_or_else(|| format!("line {line} is no row of this sweep"))?;
            if !seen.insert((row.rung, row.combination, row.seed)) {
                return Err(format!("line {line} is a training that a line before it has already"));
            }
            rows.push(row);
        }
        Ok(rows)
    }

    fn row(&self, cells: &[&str]) -> Option<Row> {
        let (before, rest) = cells.split_at_checked(BEFORE.len())?;
        let (values, after) = rest.split_at_checked(self.settings.len())?;
        let &[epochs, parameters, status, train_loss, train_accuracy, loss, accuracy, seconds, elapsed] =
            after
        else {
            return None;
        };
        let from_one = |cell: &str| cell.parse::<usize>().ok()?.checked_sub(1);
        let finite = |cell: &str| cell.parse::<f64>().ok().filter(|number| number.is_finite());
        let share = |cell: &str| finite(cell).filter(|share| (0.0..=1.0).contains(share));
        let combination = from_one(before[1])?;
        if self.combinations.get(combination)? != values {
            return None;
        }
        let measured = match status {
            FINISHED => Some(Measured {
                train: Figures { loss: finite(train_loss)?, accuracy: share(train_accuracy)? },
                validation: Figures { loss: finite(loss)?, accuracy: share(accuracy)? },
            }),
            DIVERGED => None,
            _ => return None,
        };
        Some(Row {
            combination,
            rung: from_one(before[0])?,
            seed: before[2].parse().ok()?,
            epochs: epochs.parse().ok()?,
            parameters: parameters.parse().ok()?,
            measured,
            seconds: finite(seconds)?,
            elapsed: finite(elapsed)?,
        })
    }
}

/// Cells as a line.
fn record(cells: &[&str]) -> Result<String> {
    let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
    writer.write_record(cells)?;
    let bytes = writer.into_inner().context("cannot write a table")?;
    String::from_utf8(bytes).context("a table is text")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> Columns {
        let values = |hidden: &str, rate: &str| vec![hidden.to_owned(), rate.to_owned()];
        Columns::new(
            vec!["hidden".to_owned(), "rate".to_owned()],
            vec![values("30,20", "0.5"), values("none", "1e-3")],
        )
    }

    fn row(combination: usize, seed: u64) -> Row {
        let figures = |loss, accuracy| Figures { loss, accuracy };
        let measured = Measured { train: figures(0.1 + 0.2, 1.0 / 3.0), validation: figures(1e-9, 0.975) };
        Row {
            combination,
            rung: 1,
            seed,
            epochs: 7,
            parameters: 79,
            measured: Some(measured),
            seconds: 0.1,
            elapsed: 12.5,
        }
    }

    #[test]
    fn rows_are_read_as_they_were_written() {
        let columns = columns();
        let diverged = Row { measured: None, ..row(1, u64::MAX) };
        let lines = [(row(0, 3), &columns.combinations[0]), (diverged, &columns.combinations[1])]
            .map(|(row, values)| columns.line(&row, values).unwrap());
        assert_eq!(
            lines[0],
            "2,1,3,\"30,20\",0.5,7,79,finished,0.30000000000000004,0.3333333333333333,0.000000001,0.975,0.1,12.5\n"
        );
        let text = columns.heading().unwrap() + &lines.concat();
        assert!(text.starts_with("rung,combination,seed,hidden,rate,epochs_trained,"), "{text}");
        assert_eq!(columns.rows(&text), Ok(vec![row(0, 3), diverged]));
        assert_eq!(columns.rows(""), Ok(vec![]));
    }

    #[test]
    fn what_is_no_row_of_the_sweep_is_named() {
        let columns = columns();
        let heading = columns.heading().unwrap();
        let line = columns.line(&row(0, 3), &columns.combinations[0]).unwrap();
        for (from, to) in [
            ("2,1,3,", "2,0,3,"),
            ("2,1,3,", "2,2,3,"),
            ("2,1,3,", "2,9,3,"),
            ("2,1,3,", "2,1,-3,"),
            ("finished", "stopped"),
            ("0.975", "nan"),
            ("0.975", "97.5"),
            ("0.975", ""),
            (",12.5", ""),
        ] {
            let text = format!("{heading}{line}{}", line.replace(from, to));
            let message = columns.rows(&text).unwrap_err();
            assert!(message.starts_with("line 3 is no row of "), "{to}: {message}");
        }
        assert!(columns.rows(&line).unwrap_err().starts_with("expected the columns rung, "));
    }
}
