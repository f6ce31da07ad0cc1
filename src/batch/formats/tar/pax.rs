//! Records of pax headers: `length key=value` and a line feed.

use std::io;

use crate::batch::limits::refuse;

pub(super) type Records = Vec<(Vec<u8>, Vec<u8>)>;

/// Parses the records.
pub(super) fn pax_records(mut data: &[u8]) -> io::Result<Records> {
    let mut records = Vec::new();
    while !data.is_empty() {
        let space = memchr::memchr(b' ', data).ok_or_else(malformed)?;
        let length = number(&data[..space])
            .and_then(|length| usize::try_from(length).ok())
            .ok_or_else(malformed)?;
        let record = data
            .get(space + 1..length)
            .and_then(|record| record.strip_suffix(b"\n"))
            .ok_or_else(malformed)?;
        let equals = memchr::memchr(b'=', record).ok_or_else(malformed)?;
        records.push((record[..equals].to_vec(), record[equals + 1..].to_vec()));
        data = &data[length..];
    }
    Ok(records)
}

fn malformed() -> io::Error {
    refuse("corrupt: malformed pax header")
}

pub(super) fn pax_data(records: &Records) -> Vec<u8> {
    let mut data = Vec::new();
    for (key, value) in records {
        // The length includes its own digits.
        let rest = key.len() + value.len() + 3;
        let mut length = rest;
        while length != rest + length.to_string().len() {
            length = rest + length.to_string().len();
        }
        data.extend_from_slice(format!("{length} ").as_bytes());
        data.extend_from_slice(&[key, &b"="[..], value, b"\n"].concat());
    }
    data
}

pub(super) fn value<'r>(records: &'r Records, key: &[u8]) -> Option<&'r [u8]> {
    records.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value.as_slice())
}

pub(super) fn number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pax_record_counts_its_own_digits() {
        for n_bytes in [1, 4, 5, 6, 88, 89, 90, 91, 92, 93, 94, 985, 990, 995] {
            let records = vec![(b"path".to_vec(), vec![b'x'; n_bytes])];
            assert_eq!(pax_records(&pax_data(&records)).expect("it is read"), records, "{n_bytes}");
        }
        assert!(pax_records(b"9 path=x\n1").is_err() && pax_records(b"99 a=b\n").is_err());
    }
}
