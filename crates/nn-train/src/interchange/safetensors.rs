//! Files of safetensors: owns how tensors and texts stand in one, and refuses to know what they are for.

use std::{borrow::Cow, collections::BTreeMap};

use safetensors::{
    Dtype, SafeTensors,
    tensor::{TensorInfo, TensorView, serialize},
};

use super::{
    ImportError,
    tensor::{Element, Tensor},
};

/// The longest header that is read: room for 4,000 layers. The library's own limit is 100 MB, whose parsed form takes
/// several times as much.
const MAX_HEADER_LEN: u64 = 1 << 20;

/// Bytes of the header's length, which comes first.
const LEN: usize = size_of::<u64>();

/// A tensor of `f32` on its way to a file: its name, its shape and its numbers in little-endian order.
pub(super) type Written = (String, Vec<usize>, Vec<u8>);

/// The bytes of a file.
pub(super) fn write(tensors: &[Written], metadata: &BTreeMap<String, String>) -> Vec<u8> {
    fn view((name, shape, bytes): &Written) -> (&str, TensorView<'_>) {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes);
        (name, view.expect("there are as many bytes as the shape asks for"))
    }
    let file = serialize(tensors.iter().map(view), None).expect("the offsets are the library's own");
    with_metadata(&file, metadata)
}

/// The file with texts in its header. The library would take them in an order that differs from run to run, and equal
/// models shall give equal files.
fn with_metadata(file: &[u8], metadata: &BTreeMap<String, String>) -> Vec<u8> {
    let (len, rest) = file.split_first_chunk::<LEN>().expect("a file begins with the length of its header");
    let (header, numbers) = rest.split_at(u64::from_le_bytes(*len) as usize);
    let tensors = header.trim_ascii().strip_prefix(b"{").expect("a header is an object");
    let metadata = serde_json::to_string(metadata).expect("texts can be written as JSON");
    let mut header = format!("{{\"__metadata__\":{metadata},").into_bytes();
    header.extend(tensors);
    // The numbers are aligned.
    header.resize(header.len().next_multiple_of(LEN), b' ');
    [&(header.len() as u64).to_le_bytes()[..], &header, numbers].concat()
}

/// The tensors of a file, by their names, and its texts.
pub(super) fn read(bytes: &[u8]) -> Result<(Vec<Tensor<'_>>, BTreeMap<String, String>), ImportError> {
    let malformed = |reason: String| ImportError::Safetensors { reason };
    let Some((len, rest)) = bytes.split_first_chunk::<LEN>() else {
        return Err(malformed("the file is cut off in its header".to_owned()));
    };
    let len = u64::from_le_bytes(*len);
    if len > MAX_HEADER_LEN {
        return Err(ImportError::Limit { what: "header", limit: MAX_HEADER_LEN });
    }
    let header =
        rest.get(..len as usize).ok_or_else(|| malformed("the file is cut off in its header".to_owned()))?;
    if has_huge_number(header) {
        return Err(malformed("a length or an offset lies beyond every file".to_owned()));
    }
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| malformed(error.to_string()))?;
    let numbers = &rest[len as usize..];
    let tensor = |(name, info): (String, &TensorInfo)| {
        let (start, end) = info.data_offsets;
        Some(Tensor {
            name,
            element: element(info.dtype),
            big_endian: false,
            shape: info.shape.clone(),
            column_major: false,
            bytes: Cow::Borrowed(numbers.get(start..end)?),
        })
    };
    let tensors: Option<Vec<Tensor<'_>>> = header.tensors().into_iter().map(tensor).collect();
    let mut tensors =
        tensors.ok_or_else(|| malformed("a tensor lies beyond the end of the file".to_owned()))?;
    // The library's order differs from run to run.
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    let texts = header.metadata().iter().flatten();
    Ok((tensors, texts.map(|(key, value)| (key.clone(), value.clone())).collect()))
}

/// Whether JSON has a number of more than fifteen digits. The library adds the last offset to the length of the header
/// without a check, so that a build with checks of its own would panic.
fn has_huge_number(json: &[u8]) -> bool {
    let (mut in_text, mut is_escaped, mut digits) = (false, false, 0);
    for &byte in json {
        digits = if !in_text && byte.is_ascii_digit() { digits + 1 } else { 0 };
        if digits > 15 {
            return true;
        }
        in_text ^= byte == b'"' && !is_escaped;
        is_escaped = in_text && byte == b'\\' && !is_escaped;
    }
    false
}

fn element(kind: Dtype) -> Element {
    match kind {
        Dtype::F16 => Element::F16,
        Dtype::BF16 => Element::Bf16,
        Dtype::F32 => Element::F32,
        Dtype::F64 => Element::F64,
        other => Element::Other(other.to_string().to_lowercase()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, numbers: &[u8]) -> Vec<u8> {
        [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), numbers].concat()
    }

    fn refusal(bytes: &[u8]) -> String {
        read(bytes).unwrap_err().to_string()
    }

    #[test]
    fn tensors_and_texts_come_back_and_the_numbers_are_aligned() {
        let numbers = [0.5_f32, -1.0, 2.0, 0.0, 3.0, 1e-3].map(f32::to_le_bytes).concat();
        let tensors = [
            ("2.bias".to_owned(), vec![1], 7.0_f32.to_le_bytes().to_vec()),
            ("0.weight".to_owned(), vec![2, 3], numbers),
        ];
        let metadata = BTreeMap::from(
            [("loss", "x"), ("class_names", "[\"ä\"]")]
                .map(|(key, value)| (key.to_owned(), value.to_owned())),
        );
        let bytes = write(&tensors, &metadata);
        assert_eq!(u64::from_le_bytes(bytes[..8].try_into().unwrap()) % 8, 0);
        assert_eq!(write(&tensors, &metadata), bytes);

        let (read, texts) = read(&bytes).unwrap();
        assert_eq!(texts, metadata);
        let names: Vec<&str> = read.iter().map(|tensor| tensor.name.as_str()).collect();
        assert_eq!(names, ["0.weight", "2.bias"]);
        assert_eq!((&read[0].shape[..], read[0].values().unwrap()[5]), (&[2, 3][..], 1e-3));
    }

    #[test]
    fn every_cut_is_noticed() {
        let bytes = write(&[("w".to_owned(), vec![2], vec![0; 8])], &BTreeMap::new());
        for len in 0..bytes.len() {
            assert!(read(&bytes[..len]).is_err(), "{len}");
        }
        assert!(read(&[&bytes[..], &[0]].concat()).is_err());
    }

    #[test]
    fn offsets_that_add_up_to_more_than_an_address_are_refused() {
        // As many bits as a usize can count in each, and in all 2^64 - 8 bytes.
        const LEN: u64 = (1 << 61) - 1;
        let tensor = |index: u64| {
            let (start, end) = (index * LEN, (index + 1) * LEN);
            format!("\"t{index}\":{{\"dtype\":\"U8\",\"shape\":[{LEN}],\"data_offsets\":[{start},{end}]}}")
        };
        let header = format!("{{{}}}", (0..8).map(tensor).collect::<Vec<_>>().join(","));
        assert!(refusal(&file(&header, b"")).ends_with("a length or an offset lies beyond every file"));
        let name = "{\"t12345678901234567890\\\"\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}";
        assert_eq!(read(&file(name, b"x")).unwrap().0[0].name, "t12345678901234567890\"");
    }

    #[test]
    fn headers_that_are_too_long_or_no_header_are_refused() {
        let long = [&(1_u64 << 21).to_le_bytes()[..], b"{"].concat();
        assert_eq!(refusal(&long), "expected a header of at most 1048576 bytes");
        for header in ["", "[]", "{\"w\":1}", &"[".repeat(100_000)] {
            assert!(refusal(&file(header, b"")).contains("no sound safetensors file"), "{}", header.len());
        }
        let overlap = "{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]}}";
        assert!(read(&file(overlap, b"abc")).is_err());
    }
}
