//! CSV and TSV with a header: the column's name is the key of its values.
//!
//! Each row is rendered as a JSON object with the column names, so that detectors know the key of
//! every value. A replacement goes between the quotes of its cell, if it has any. A row spans lines
//! where a quoted cell does. <https://www.rfc-editor.org/rfc/rfc4180>

use crate::{
    frame::{flush::FlushPolicy, format::Format, rewrites::Rewrites},
    text::{line, span::Span},
};

/// Longer column names are cut.
const MAX_NAME: usize = 128;

/// The names of the columns, as keys of an object.
pub(crate) type Columns = Vec<Vec<u8>>;

/// A cell: the text between its quotes, or between separators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cell {
    text: Span,
    is_quoted: bool,
}

impl Cell {
    /// The cell with its quotes.
    fn outer(self) -> Span {
        let quote = usize::from(self.is_quoted);
        Span::new(self.text.start - quote, self.text.end + quote)
    }
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

impl Format {
    /// The separator of cells, if records are rows of a table.
    pub(crate) fn separator(self) -> Option<u8> {
        match self {
            Format::Csv => Some(b','),
            Format::Tsv => Some(b'\t'),
            _ => None,
        }
    }
}

/// Renders the rows of a block and returns where the whole ones end. The first row gives `columns`
/// their names.
pub(in crate::frame) fn read(
    hay: &[u8],
    separator: u8,
    flush: FlushPolicy,
    (columns, rewrites): (&mut Option<Columns>, &mut Rewrites),
) -> usize {
    let mut at = 0;
    while at < hay.len() {
        let mut row = row(hay, at, separator);
        if !row.is_whole {
            if flush.waits(hay.len() - at) {
                return at;
            }
            // A quote that is never closed ends with its line.
            let record = line::from(hay, at);
            let cells = vec![Cell { text: record, is_quoted: false }];
            row = Row { cells, end: record.end, is_whole: true };
        }
        match columns {
            Some(columns) => render_row(rewrites, hay, &row, columns),
            None => {
                *columns = Some(row.cells.iter().map(|cell| name(cell.text.of(hay))).collect());
            }
        }
        let next = line::next(hay, row.end);
        rewrites.touch(at, next);
        at = next;
    }
    hay.len()
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
        let after = bare(hay, cell.outer().end, separator).text;
        at = after.end;
        // A cell with text after its closing quote is not quoted.
        cells.push(if after.is_empty() {
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

/// A column's name as a key. Bytes that no key has become `_`.
fn name(text: &[u8]) -> Vec<u8> {
    let plain = |byte: &u8| {
        if byte.is_ascii_alphanumeric() || b"_-.".contains(byte) { *byte } else { b'_' }
    };
    text.trim_ascii().iter().take(MAX_NAME).map(plain).collect()
}

fn render_row(rewrites: &mut Rewrites, hay: &[u8], row: &Row, columns: &Columns) {
    for (index, cell) in row.cells.iter().enumerate() {
        let name = columns.get(index).map_or(&b""[..], Vec::as_slice);
        let open: &[u8] = if index == 0 { b"{\"" } else { b"\"" };
        let outer = cell.outer();
        rewrites.replace(Span::new(outer.start, cell.text.start), &[open, name, b"\":\""].concat());
        render_text(rewrites, hay, *cell);
        let next = row.cells.get(index + 1);
        let close: &[u8] = if next.is_some() { b"\"" } else { b"\"}" };
        rewrites.replace(Span::new(cell.text.end, outer.end), close);
        if let Some(next) = next {
            rewrites.replace(Span::new(outer.end, next.outer().start), b",");
        }
    }
}

/// Renders the bytes of a cell that a JSON string cannot hold as they are.
fn render_text(rewrites: &mut Rewrites, hay: &[u8], cell: Cell) {
    let mut at = cell.text.start;
    while at < cell.text.end {
        // A quote in a quoted cell is written twice.
        let length = if hay[at] == b'"' && cell.is_quoted { 2 } else { 1 };
        if hay[at] < b' ' || matches!(hay[at], b'"' | b'\\') {
            rewrites.replace_in_string(Span::new(at, at + length), hay[at]);
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
