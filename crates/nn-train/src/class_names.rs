//! What classes are called: owns the file of names that lies beside the data, in its two forms, and refuses to know
//! what the names mean.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

/// The most classes, for labels are bytes; a name's most bytes; and so the longest file.
const MOST_CLASSES: usize = 256;
const MOST_NAME: usize = 100;
const MOST_BYTES: usize = MOST_CLASSES * (MOST_NAME + 2);

/// The names of the classes of a data set, in the order of the classes.
///
/// In a data folder they are kept in [`ClassNames::FILE`], one name a line, the first that of class 0. The form of
/// EMNIST's mapping files is read too: in each line a label and the codes of one or more characters, which are the name.
///
/// # Examples
/// ```
/// use nn_train::ClassNames;
///
/// let names = ClassNames::parse("shirt\ntrousers\n")?;
/// assert_eq!(names.as_slice(), ["shirt", "trousers"]);
/// // Labels of EMNIST's letters count from 1, and each stands for two characters.
/// assert_eq!(ClassNames::parse("1 65 97\n2 66 98\n")?.as_slice(), ["0", "Aa", "Bb"]);
/// assert_eq!(ClassNames::parse_shifted("1 65 97\n2 66 98\n", -1)?.as_slice(), ["Aa", "Bb"]);
/// # Ok::<(), nn_train::InvalidClassNames>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassNames(Vec<String>);

impl ClassNames {
    /// The name of the file in a data folder.
    pub const FILE: &str = "classes.txt";

    /// Checks names: at least one, at most 256, each of 1 to 100 bytes that can be printed, and no two alike.
    ///
    /// # Errors
    /// [`InvalidClassNames`] says which is none.
    pub fn new(names: Vec<String>) -> Result<ClassNames, InvalidClassNames> {
        if names.is_empty() || names.len() > MOST_CLASSES {
            return Err(InvalidClassNames::Count { found: names.len() });
        }
        for (class, name) in names.iter().enumerate() {
            if name.trim() != name
                || name.is_empty()
                || name.len() > MOST_NAME
                || name.chars().any(char::is_control)
            {
                return Err(InvalidClassNames::Name { class, found: name.chars().take(MOST_NAME).collect() });
            }
            if let Some(earlier) = names[..class].iter().position(|earlier| earlier == name) {
                return Err(InvalidClassNames::Twice { name: name.clone(), earlier, class });
            }
        }
        Ok(ClassNames(names))
    }

    /// The names in the text of a file, of either form.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn parse(text: &str) -> Result<ClassNames, InvalidClassNames> {
        ClassNames::parse_shifted(text, 0)
    }

    /// As [`parse`](Self::parse); the labels of a mapping, which say which class each line is of, are changed by so
    /// much, as those of the data are.
    ///
    /// # Errors
    /// As [`new`](Self::new), and [`InvalidClassNames::Label`] for what is then no label.
    pub fn parse_shifted(text: &str, label_offset: i32) -> Result<ClassNames, InvalidClassNames> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let lines: Vec<&str> = text.trim_end().lines().map(str::trim).take(MOST_CLASSES + 1).collect();
        let Some(mapping) = lines.iter().map(|line| mapped(line)).collect::<Option<Vec<_>>>() else {
            return ClassNames::new(lines.into_iter().map(str::to_owned).collect());
        };
        let mut names: Vec<Option<String>> = Vec::new();
        for (label, name) in mapping {
            let shifted = label.checked_add(i64::from(label_offset)).unwrap_or(label);
            let class = usize::try_from(shifted).ok().filter(|class| *class < MOST_CLASSES);
            let class = class.ok_or(InvalidClassNames::Label { found: shifted })?;
            if names.len() <= class {
                names.resize(class + 1, None);
            }
            if let Some(earlier) = &names[class] {
                return Err(InvalidClassNames::Mapped { class, earlier: earlier.clone(), name });
            }
            names[class] = Some(name);
        }
        let named = |(class, name): (usize, Option<String>)| name.unwrap_or_else(|| class.to_string());
        ClassNames::new(names.into_iter().enumerate().map(named).collect())
    }

    /// Reads a file of names.
    ///
    /// # Errors
    /// [`ClassNamesError`] names the file.
    pub fn read(path: &Path) -> Result<ClassNames, ClassNamesError> {
        ClassNames::read_shifted(path, 0)
    }

    /// As [`read`](Self::read), by [`parse_shifted`](Self::parse_shifted).
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_shifted(path: &Path, label_offset: i32) -> Result<ClassNames, ClassNamesError> {
        let mut text = String::new();
        let read = File::open(path)
            .and_then(|file| file.take(MOST_BYTES as u64 + 1).read_to_string(&mut text))
            .map_err(|source| ClassNamesError::Read { path: path.to_owned(), source })?;
        let parsed = match read > MOST_BYTES {
            true => Err(InvalidClassNames::Length),
            false => ClassNames::parse_shifted(&text, label_offset),
        };
        parsed.map_err(|source| ClassNamesError::Invalid { path: path.to_owned(), source })
    }

    /// The names where labels are changed by so much: of classes that come before the first named one, their numbers.
    ///
    /// # Errors
    /// As [`new`](Self::new), as when none is left.
    pub fn shifted(&self, label_offset: i32) -> Result<ClassNames, InvalidClassNames> {
        let by = usize::try_from(label_offset.unsigned_abs()).unwrap_or(usize::MAX).min(MOST_CLASSES + 1);
        let (unnamed, left_out) = if label_offset > 0 { (by, 0) } else { (0, by) };
        let numbers = (0..unnamed).map(|class| class.to_string());
        ClassNames::new(numbers.chain(self.0.iter().skip(left_out).cloned()).collect())
    }

    /// The names of a data folder, if it has a file of them.
    pub(crate) fn of_folder(folder: &Path) -> Result<Option<ClassNames>, ClassNamesError> {
        let path = folder.join(ClassNames::FILE);
        if path.is_file() { ClassNames::read(&path).map(Some) } else { Ok(None) }
    }

    /// The text of a file of these names, one a line. Names that would be read as a mapping are written as one.
    #[must_use]
    pub fn to_text(&self) -> String {
        if self.0.iter().all(|name| mapped(name).is_some()) {
            let codes =
                |name: &str| name.chars().map(|one| format!(" {}", u32::from(one))).collect::<String>();
            return self
                .0
                .iter()
                .enumerate()
                .map(|(class, name)| format!("{class}{}\n", codes(name)))
                .collect();
        }
        self.0.iter().flat_map(|name| [name, "\n"]).collect()
    }

    /// One for each class.
    #[must_use]
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }
}

/// The label and the name in a line of a mapping, if it is one: numbers alone, at least two.
fn mapped(line: &str) -> Option<(i64, String)> {
    let mut numbers = line.split_whitespace();
    let label = numbers.next()?.parse().ok()?;
    let characters = numbers.map(|code| code.parse().ok().and_then(char::from_u32));
    let name = characters.collect::<Option<String>>()?;
    (!name.is_empty()).then_some((label, name))
}

/// Why a file of class names cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClassNamesError {
    /// The operating system refused, or it is no UTF-8.
    #[error("cannot read the class names in {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The text has no such names.
    #[error("cannot use the class names in {}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong with them.
        source: InvalidClassNames,
    },
}

/// Why names cannot be those of classes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidClassNames {
    /// None, or more than labels can count.
    #[error("expected 1 to {MOST_CLASSES} names, one a line, found {found}")]
    Count {
        /// How many there are, or as many as were read.
        found: usize,
    },
    /// More bytes than the names may have.
    #[error("expected a file of at most {MOST_BYTES} bytes")]
    Length,
    /// No name, or a long one, or one that cannot be printed.
    #[error(
        "expected a name of 1 to {MOST_NAME} bytes without control characters for class {class}, found {found:?}"
    )]
    Name {
        /// The class.
        class: usize,
        /// Its name, or the beginning of it.
        found: String,
    },
    /// One name for two classes.
    #[error("expected another name for class {class} than for class {earlier}, found {name:?} for both")]
    Twice {
        /// The name.
        name: String,
        /// The first of the classes.
        earlier: usize,
        /// The second.
        class: usize,
    },
    /// A label of a mapping that is no class.
    #[error("expected labels from 0 to 255, found {found}")]
    Label {
        /// The label, changed as was asked for.
        found: i64,
    },
    /// A label that stands twice in a mapping.
    #[error("expected one name for class {class}, found {earlier:?} and {name:?}")]
    Mapped {
        /// The class.
        class: usize,
        /// Its name in the first line.
        earlier: String,
        /// Its name in the second.
        name: String,
    },
}
