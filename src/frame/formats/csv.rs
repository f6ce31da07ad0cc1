//! CSV and TSV with a header: the column's name is the key of its values.
//!
//! A row is laid out as a JSON object, names and all, so that what searches a text knows which
//! value is whose. What is replaced is replaced between the quotes of its cell, if it has any; a
//! row may span lines where a cell is quoted. <https://www.rfc-editor.org/rfc/rfc4180>

use crate::{
    frame::reassembly::{InputState, Reassembly, StreamState},
    text::{line, span::Span},
};

/// A longer name says no more.
const MAX_NAME: usize = 128;

/// The names of the columns, as keys of an object.
pub(crate) type Columns = Vec<Vec<u8>>;

/// A cell: what is between its quotes, or between separators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cell {
    text: Span,
    is_quoted: bool,
}

/// A row.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    cells: Vec<Cell>,
    /// Where its line end begins.
    end: usize,
    /// Whether the last quoted cell ends.
    is_whole: bool,
}

/// Lays the rows of a block out.
pub(crate) fn read(
    reassembly: &mut Reassembly,
    hay: &[u8],
    separator: u8,
    input: InputState,
    limit: usize,
    stream_state: &mut StreamState,
) {
    let mut at = 0;
    while at < hay.len() {
        let mut row = row(hay, at, separator);
        if !row.is_whole {
            if input == InputState::Open && hay.len() - at < limit {
                return reassembly.end_at(at);
            }
            // A quote that nobody closes ends with its line.
            let record = line::from(hay, at);
            row = Row {
                cells: vec![Cell { text: record, is_quoted: false }],
                end: record.end,
                is_whole: true,
            };
        }
        match &stream_state.columns {
            None => {
                stream_state.columns =
                    Some(row.cells.iter().map(|cell| name(cell.text.of(hay))).collect())
            }
            Some(columns) => lay(reassembly, hay, &row, columns),
        }
        let next = line::next(hay, row.end);
        reassembly.touch(at, next);
        at = next;
    }
}

/// Reads the row that begins at `start`.
fn row(hay: &[u8], start: usize, separator: u8) -> Row {
    let mut cells = Vec::new();
    let mut at = start;
    loop {
        let cell = if hay.get(at) == Some(&b'"') {
            quoted(hay, at + 1)
        } else {
            Some(bare(hay, at, separator))
        };
        let Some(cell) = cell else { return Row { cells, end: hay.len(), is_whole: false } };
        let start = at;
        let close = cell.text.end + usize::from(cell.is_quoted);
        let behind = bare(hay, close, separator).text;
        at = behind.end;
        // What has more behind its closing quote is no quoted cell.
        cells.push(if behind.is_empty() {
            cell
        } else {
            Cell { text: Span::new(start, at), is_quoted: false }
        });
        if hay.get(at) != Some(&separator) {
            return Row { cells, end: at, is_whole: true };
        }
        at += 1;
    }
}

fn quoted(hay: &[u8], start: usize) -> Option<Cell> {
    let mut at = start;
    loop {
        at += memchr::memchr(b'"', &hay[at..])?;
        if hay.get(at + 1) != Some(&b'"') {
            return Some(Cell { text: Span::new(start, at), is_quoted: true });
        }
        at += 2;
    }
}

fn bare(hay: &[u8], start: usize, separator: u8) -> Cell {
    let length = memchr::memchr2(separator, b'\n', &hay[start..]).unwrap_or(hay.len() - start);
    let text = hay[start..start + length].strip_suffix(b"\r").map_or(length, <[u8]>::len);
    Cell { text: Span::new(start, start + text), is_quoted: false }
}

/// A column's name as a key: what a key cannot hold becomes `_`.
fn name(text: &[u8]) -> Vec<u8> {
    let plain = |byte: &u8| {
        if byte.is_ascii_alphanumeric() || b"_-.".contains(byte) { *byte } else { b'_' }
    };
    text.trim_ascii().iter().take(MAX_NAME).map(plain).collect()
}

fn lay(reassembly: &mut Reassembly, hay: &[u8], row: &Row, columns: &Columns) {
    for (index, cell) in row.cells.iter().enumerate() {
        let name = columns.get(index).map_or(&b""[..], Vec::as_slice);
        let mut open = if index == 0 { b"{\"".to_vec() } else { b"\"".to_vec() };
        open.extend_from_slice(name);
        open.extend_from_slice(b"\":\"");
        let is_last = index + 1 == row.cells.len();
        let close: &[u8] = if is_last { b"\"}" } else { b"\"" };
        let quote = usize::from(cell.is_quoted);
        reassembly.swap(Span::new(cell.text.start - quote, cell.text.start), &open);
        lay_text(reassembly, hay, *cell);
        reassembly.swap(Span::new(cell.text.end, cell.text.end + quote), close);
        if !is_last {
            let behind = cell.text.end + quote;
            let next = row.cells[index + 1];
            let next_start = next.text.start - usize::from(next.is_quoted);
            reassembly.swap(Span::new(behind, next_start), b",");
        }
    }
}

/// What a string of JSON cannot hold as it is.
fn lay_text(reassembly: &mut Reassembly, hay: &[u8], cell: Cell) {
    let mut at = cell.text.start;
    while at < cell.text.end {
        let length = match hay[at] {
            b'"' if cell.is_quoted => 2,
            _ => 1,
        };
        let raw = Span::new(at, at + length);
        match hay[at] {
            b'"' => reassembly.swap(raw, b"\\\""),
            b'\\' => reassembly.swap(raw, b"\\\\"),
            b'\n' => reassembly.swap(raw, b"\\n"),
            b'\r' => reassembly.swap(raw, b"\\r"),
            b'\t' => reassembly.swap(raw, b"\\t"),
            0..0x20 => reassembly.swap(raw, b" "),
            _ => {}
        }
        at += length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(text: &str, separator: u8) -> (Vec<&str>, bool) {
        let row = row(text.as_bytes(), 0, separator);
        (row.cells.iter().map(|cell| &text[cell.text.start..cell.text.end]).collect(), row.is_whole)
    }

    #[test]
    fn a_row_is_read_with_its_quotes() {
        assert_eq!(cells("a,b,,d\r\nnext", b','), (vec!["a", "b", "", "d"], true));
        assert_eq!(cells("\"a,\"\"b\"\"\n\",c\n", b','), (vec!["a,\"\"b\"\"\n", "c"], true));
        assert_eq!(cells("a\tb,c\n", b'\t'), (vec!["a", "b,c"], true));
        assert_eq!(cells("\n", b','), (vec![""], true));
        assert_eq!(cells("a,\"b\nc", b','), (vec!["a"], false));
        assert_eq!(cells("\"a\"x,b\n", b','), (vec!["\"a\"x", "b"], true));
    }
}
