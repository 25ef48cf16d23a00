//! The six element types of IDX and their stored, big-endian forms; knows nothing of headers or files.

use std::fmt;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned, big_endian};

/// The type of every element of a file, as byte 2 of the header names it.
///
/// ```
/// use idx_format::ElementType;
///
/// assert_eq!(ElementType::from_code(0x0d), Some(ElementType::F32));
/// assert_eq!(ElementType::F32.size(), 4);
/// assert_eq!(ElementType::F32.to_string(), "f32");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ElementType {
    /// Unsigned bytes, code `0x08`.
    U8,
    /// Signed bytes, code `0x09`.
    I8,
    /// Signed integers of 2 bytes, code `0x0b`.
    I16,
    /// Signed integers of 4 bytes, code `0x0c`.
    I32,
    /// IEEE 754 numbers of 4 bytes, code `0x0d`.
    F32,
    /// IEEE 754 numbers of 8 bytes, code `0x0e`.
    F64,
}

impl ElementType {
    /// All six types, in the order of their codes.
    pub const ALL: [ElementType; 6] = [Self::U8, Self::I8, Self::I16, Self::I32, Self::F32, Self::F64];

    /// The type that a code stands for; `None` for every code but the six (`0x0a` is one of the gaps).
    pub const fn from_code(code: u8) -> Option<ElementType> {
        match code {
            0x08 => Some(Self::U8),
            0x09 => Some(Self::I8),
            0x0b => Some(Self::I16),
            0x0c => Some(Self::I32),
            0x0d => Some(Self::F32),
            0x0e => Some(Self::F64),
            _ => None,
        }
    }

    /// The code of the type in byte 2 of a header.
    pub const fn code(self) -> u8 {
        match self {
            Self::U8 => 0x08,
            Self::I8 => 0x09,
            Self::I16 => 0x0b,
            Self::I32 => 0x0c,
            Self::F32 => 0x0d,
            Self::F64 => 0x0e,
        }
    }

    /// Bytes per element: 1, 2, 4 or 8.
    pub const fn size(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::I16 => 2,
            Self::I32 | Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// The name of the type in Rust: `"u8"`, `"f32"`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::U8 => "u8",
            Self::I8 => "i8",
            Self::I16 => "i16",
            Self::I32 => "i32",
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }
}

impl fmt::Display for ElementType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A Rust type that IDX can store: `u8`, `i8`, `i16`, `i32`, `f32` and `f64`, and no other (the trait is sealed).
pub trait Element: sealed::Sealed + Copy + fmt::Debug + Default + PartialEq + Send + Sync + 'static {
    /// The code under which a header names this type.
    const TYPE: ElementType;

    /// The element as its bytes lie in the file: big-endian and of alignment 1, so that it can be borrowed at any
    /// address. `u8` and `i8` are their own stored form; `i16` has [`big_endian::I16`](zerocopy::big_endian::I16).
    type Stored: From<Self>
        + Into<Self>
        + Copy
        + fmt::Debug
        + PartialEq
        + Send
        + Sync
        + 'static
        + FromBytes
        + IntoBytes
        + Immutable
        + KnownLayout
        + Unaligned;
}

impl Element for u8 {
    const TYPE: ElementType = ElementType::U8;
    type Stored = u8;
}

impl Element for i8 {
    const TYPE: ElementType = ElementType::I8;
    type Stored = i8;
}

impl Element for i16 {
    const TYPE: ElementType = ElementType::I16;
    type Stored = big_endian::I16;
}

impl Element for i32 {
    const TYPE: ElementType = ElementType::I32;
    type Stored = big_endian::I32;
}

impl Element for f32 {
    const TYPE: ElementType = ElementType::F32;
    type Stored = big_endian::F32;
}

impl Element for f64 {
    const TYPE: ElementType = ElementType::F64;
    type Stored = big_endian::F64;
}

mod sealed {
    /// Closes [`Element`](super::Element): a seventh type would be a seventh code, which the format does not have.
    pub trait Sealed {}
    impl Sealed for u8 {}
    impl Sealed for i8 {}
    impl Sealed for i16 {}
    impl Sealed for i32 {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}
