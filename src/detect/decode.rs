//! Finds encoded parts of a text and decodes them.
//!
//! A record with an escape is decoded as a whole. A long run of the base64 alphabet or of
//! hexadecimal digits is decoded if it encodes text. All decoded texts go into one source-mapped
//! text, a line each, so decoding costs one more scan for a block. The prefilter's pass already
//! marked the bytes that matter: where nothing is encoded, this reads one word in 64 bytes.

use super::Prefiltered;
use crate::{
    prefilter::marks,
    text::{
        base64,
        encoding::{self, Encoding},
        hex, line,
        source_map::SourceMap,
        span::Span,
        visits,
    },
};

/// The minimum length of a run that is decoded. Shorter runs encode texts that are shorter than any
/// token and nearly any address.
const MIN_RUN: usize = marks::SURE_RUN;

/// How many groups in a row must encode ASCII in a run that is text only in part.
const MIN_GROUPS: usize = 5;

/// How far before a run an escape may begin that reaches into it.
const LONGEST_ESCAPE: usize = 128;

/// How many pairs of digits are tested before a run is decoded from hexadecimal.
const HEX_SAMPLE: usize = 12;

/// The decoded parts of a block, as text.
#[derive(Default)]
pub(crate) struct Decoded {
    pub(crate) source_map: SourceMap,
    pub(crate) pieces: Vec<Piece>,
    /// The offsets of decoded escapes in the text, and their encodings.
    escapes: Vec<(usize, Encoding)>,
}

/// One decoded part: a line of the text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece {
    pub(crate) text: Span,
    pub(crate) kind: Kind,
}

/// What a piece was decoded from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// A record with escapes.
    Escapes,
    /// A run at `raw` that encodes the piece; `before` bytes of what it encodes come before the
    /// piece.
    Blob { encoding: Encoding, raw: Span, before: usize },
}

impl Decoded {
    pub(crate) fn clear(&mut self) {
        self.source_map.clear();
        self.pieces.clear();
        self.escapes.clear();
    }

    /// Decodes `parts` of `hay`. `prefiltered` is the prefilter's answer about `hay`. `is_new`
    /// tells whether a run is decoded: not if it was already there before another encoding was
    /// removed.
    pub(crate) fn read(
        &mut self,
        hay: &[u8],
        prefiltered: &Prefiltered,
        parts: &[Span],
        is_new: impl Fn(Span) -> bool,
    ) {
        self.clear();
        for part in parts {
            self.read_records(hay, prefiltered, *part);
            self.read_runs(hay, prefiltered, *part, &is_new);
        }
    }

    /// Decodes the records with an escape.
    fn read_records(&mut self, hay: &[u8], prefiltered: &Prefiltered, part: Span) {
        let signs = prefiltered.encoding_markers(part);
        if signs.is_empty() {
            self.read_records_at(hay, prefiltered, prefiltered.marks.starts(part), part);
        } else {
            let mut starts: Vec<usize> =
                prefiltered.marks.starts(part).chain(signs.iter().copied()).collect();
            starts.sort_unstable();
            self.read_records_at(hay, prefiltered, starts, part);
        }
    }

    /// Decodes the records with an escape at one of `starts`.
    fn read_records_at(
        &mut self,
        hay: &[u8],
        prefiltered: &Prefiltered,
        starts: impl IntoIterator<Item = usize>,
        part: Span,
    ) {
        let mut at = part.start;
        for start in starts {
            if start < at {
                continue;
            }
            if encoding::escape(&hay[start..part.end]).is_none() {
                at = behind(hay, start);
                continue;
            }
            let record = line::around(part.of(hay), start - part.start);
            let record = Span::new(part.start + record.start, part.start + record.end);
            self.unescape(hay, prefiltered, record, start);
            at = record.end;
        }
    }

    /// Decodes the runs that may encode text.
    /// Decodes a run as hexadecimal digits if it consists of them, or else as base64.
    fn read_runs(
        &mut self,
        hay: &[u8],
        prefiltered: &Prefiltered,
        part: Span,
        is_new: &impl Fn(Span) -> bool,
    ) {
        let mut from = part.start;
        while let Some(at) = prefiltered.marks.next_chunk(Span::new(from, part.end)) {
            from = at + 1;
            visits::add(marks::CHUNK);
            let chunk = hay[..part.end].get(at..at + marks::CHUNK);
            if !chunk.is_some_and(may_be_text) {
                continue;
            }
            let run = run_around(part.of(hay), at - part.start);
            let run = Span::new(part.start + run.start, part.start + run.end);
            let own =
                Span::new(prefiltered.end_of_escape(hay, part, run.start).min(run.end), run.end);
            if own.len() >= MIN_RUN && is_new(own) {
                self.read_run(hay, own);
            }
            from = run.end;
        }
    }

    /// The parts of the text that may be encoded once more: decoded runs, and records in which a
    /// decoded escape may be part of another one. `prefiltered` is about the text.
    pub(crate) fn parts(&self, prefiltered: &Prefiltered) -> Vec<Span> {
        let text = self.source_map.text();
        let outer = Outer { text, is_printable: !prefiltered.encoding_markers.is_empty() };
        let mut parts = Vec::new();
        let mut at = 0;
        for piece in &self.pieces {
            let mut may_go_on = matches!(piece.kind, Kind::Blob { .. });
            while let Some((escape, encoding)) =
                self.escapes.get(at).filter(|(escape, _)| *escape <= piece.text.end)
            {
                may_go_on = may_go_on || outer.may_go_on(*escape, *encoding);
                at += 1;
            }
            if may_go_on {
                parts.push(piece.text);
            }
        }
        parts
    }

    /// Whether an escape was decoded in `span` of the text.
    pub(crate) fn has_escape(&self, span: Span) -> bool {
        let first = self.escapes.partition_point(|(at, _)| *at < span.start);
        self.escapes.get(first).is_some_and(|(at, _)| *at <= span.end)
    }

    /// The piece with the offset `at`.
    pub(crate) fn piece(&self, at: usize) -> Option<&Piece> {
        self.pieces.get(self.pieces.partition_point(|piece| piece.text.end < at))
    }

    /// The encoding of `span` in the text: that of its first escape, or else of the last one before
    /// it.
    pub(crate) fn encoding(&self, piece: &Piece, span: Span) -> Encoding {
        if let Kind::Blob { encoding, .. } = piece.kind {
            return encoding;
        }
        let first = self.escapes.partition_point(|(at, _)| *at < span.start);
        let inside = self.escapes.get(first).filter(|(at, _)| *at < span.end);
        inside
            .or_else(|| self.escapes.get(first.checked_sub(1)?))
            .or(self.escapes.get(first))
            .map_or(Encoding::default(), |(_, encoding)| *encoding)
    }

    /// The words of the text that contain escapes, in order. They are masked when the text cannot
    /// be decoded any further.
    pub(crate) fn escaped_words(&self, piece: &Piece) -> Vec<Span> {
        let text = self.source_map.text();
        let ends = |byte: &u8| byte.is_ascii_whitespace() || b"\"'\\".contains(byte);
        let mut words: Vec<Span> = Vec::new();
        let first = self.escapes.partition_point(|(at, _)| *at < piece.text.start);
        let inside = self.escapes[first..].iter().take_while(|(at, _)| *at <= piece.text.end);
        for (at, _) in inside {
            if words.last().is_some_and(|word| *at <= word.end) {
                continue;
            }
            let left = text[piece.text.start..*at]
                .iter()
                .rev()
                .position(ends)
                .unwrap_or(at - piece.text.start);
            let right =
                text[*at..piece.text.end].iter().position(ends).unwrap_or(piece.text.end - at);
            visits::add(left + right);
            words.push(Span::new(at - left, at + right));
        }
        words
    }

    /// Decodes a record with its first escape at `first`.
    fn unescape(&mut self, hay: &[u8], prefiltered: &Prefiltered, record: Span, first: usize) {
        if !prefiltered.encoding_markers(record).is_empty() {
            let marked =
                (record.start..record.end).filter(|at| encoding::is_marked_start(hay[*at]));
            let mut starts: Vec<usize> = prefiltered.marks.starts(record).chain(marked).collect();
            starts.sort_unstable();
            self.unescape_at(hay, starts, record);
        } else {
            self.unescape_at(hay, prefiltered.marks.starts(Span::new(first, record.end)), record);
        }
    }

    /// Decodes a record with its escapes at some of `starts`.
    fn unescape_at(&mut self, hay: &[u8], starts: impl IntoIterator<Item = usize>, record: Span) {
        let text_start = self.source_map.text().len();
        visits::add(2 * record.len());
        // `done`: the end of the last escape; `at`: the next byte that may begin one.
        let (mut done, mut at) = (record.start, record.start);
        for start in starts {
            if start < at {
                continue;
            }
            let Some(escape) = encoding::escape(&hay[start..record.end]) else {
                at = behind(hay, start);
                continue;
            };
            self.source_map.copy(hay, Span::new(done, start));
            self.escapes.push((self.source_map.text().len(), escape.encoding));
            at = start + escape.length();
            if !escape.text().is_empty() {
                self.source_map.replace(escape.text(), Span::new(start, at));
            }
            done = at;
        }
        self.source_map.copy(hay, Span::new(done, record.end));
        self.end_piece(text_start, Kind::Escapes);
    }

    /// Ends the piece that begins at `start` of the text.
    fn end_piece(&mut self, start: usize, kind: Kind) {
        self.pieces.push(Piece { text: Span::new(start, self.source_map.text().len()), kind });
        self.source_map.end_line();
    }

    fn read_run(&mut self, hay: &[u8], run: Span) {
        // The run is read as digits, as a whole, and in samples.
        visits::add(3 * run.len());
        let digits = match run.of(hay) {
            [b'0', b'x' | b'X', ..] => Span::new(run.start + 2, run.end),
            [b'x' | b'X', ..] => Span::new(run.start + 1, run.end),
            _ => run,
        };
        if let Some(text) = text_of_digits(digits.of(hay)) {
            self.push_blob(Encoding::HEX, digits, 0, &text);
        } else {
            self.read_base64(hay, run);
        }
    }

    /// Decodes text that begins at any character of a run, because other characters may precede it.
    fn read_base64(&mut self, hay: &[u8], run: Span) {
        let text = run.of(hay);
        if self.read_whole(hay, run) {
            return;
        }
        let mut sample = 0;
        while sample + 7 <= text.len() {
            let found = (sample..sample + 4).filter(|at| base64::is_ascii(&text[*at..*at + 4]));
            let found =
                found.map(|at| groups_around(text, at)).find(|span| span.len() >= 4 * MIN_GROUPS);
            match found {
                Some(span) => {
                    self.read_part(hay, run, span);
                    sample = span.end.max(sample + 1);
                }
                // Among five groups in a row, one begins within four bytes of a multiple of 16.
                None => sample += 16,
            }
        }
    }

    /// Decodes a run that is UTF-8 as a whole; returns whether it is.
    fn read_whole(&mut self, hay: &[u8], run: Span) -> bool {
        let text = run.of(hay);
        // The result must not depend on the alignment of chunks, so the run must be long enough to
        // contain a chunk at any alignment.
        let mut row = 0;
        let has_ascii = text.chunks(4).any(|group| {
            let is_ascii = group.len() < 4 || base64::is_ascii(group);
            row = if is_ascii { row + group.len() } else { 0 };
            row >= MIN_RUN
        });
        if !base64::is_ascii(&text[..4]) || text.len() % 4 == 1 || !has_ascii {
            return false;
        }
        let mut bytes = Vec::new();
        base64::decode(text, &mut bytes);
        let is_text = is_text(&bytes);
        if is_text {
            self.push_blob(Encoding::BASE64, run, 0, &bytes);
        }
        is_text
    }

    /// Decodes the groups of a run that encode ASCII.
    fn read_part(&mut self, hay: &[u8], run: Span, groups: Span) {
        let mut end = run.start + groups.end;
        // The rest of the run may be less than a group.
        if run.end - end < 4 {
            end = run.end;
        }
        let raw = Span::new(run.start + groups.start, end);
        if raw.len() < MIN_RUN {
            return;
        }
        let mut bytes = Vec::new();
        base64::decode(raw.of(hay), &mut bytes);
        let mut at = 0;
        for part in bytes.split(|byte| !is_seen(*byte)) {
            if part.len() >= 3 * (MIN_GROUPS - 1) {
                self.push_blob(Encoding::BASE64, raw, at, part);
            }
            at += part.len() + 1;
        }
    }

    /// Adds a decoded run as a piece. `before`: how many decoded bytes precede `text` in the run.
    fn push_blob(&mut self, encoding: Encoding, raw: Span, before: usize, text: &[u8]) {
        let start = self.source_map.text().len();
        self.source_map.replace(text, raw);
        self.end_piece(start, Kind::Blob { encoding, raw, before });
    }
}

/// The groups around the one at `at` that encode ASCII.
fn groups_around(text: &[u8], at: usize) -> Span {
    let before = text[..at].rchunks_exact(4).take_while(|group| base64::is_ascii(group)).count();
    let behind = text[at..].chunks_exact(4).take_while(|group| base64::is_ascii(group)).count();
    visits::add(4 * (before + behind));
    Span::new(at - 4 * before, at + 4 * behind)
}

/// A decoded text that may be encoded once more.
struct Outer<'t> {
    text: &'t [u8],
    /// Whether it says that it is quoted-printable.
    is_printable: bool,
}

impl Outer<'_> {
    /// Whether the text around `at`, where an escape was decoded, may be encoded once more: the
    /// decoded character begins an escape, or it is part of an escape or a run next to another such
    /// character. An escape that encodes nothing may join two such characters.
    fn may_go_on(&self, at: usize, encoding: Encoding) -> bool {
        let own = self.part(Some(at), encoding);
        own & BEGINS != 0
            || own != 0
                && (self.part(at.checked_sub(1), encoding) != 0
                    || !encoding.is_invisible() && self.part(Some(at + 1), encoding) != 0)
    }

    /// The entry of [`PARTS`] for the byte at `at`. Beside an escape that encodes nothing, an
    /// equals sign counts only in quoted-printable text, since padding does not matter.
    fn part(&self, at: Option<usize>, encoding: Encoding) -> u8 {
        match at.and_then(|at| self.text.get(at)) {
            Some(b'=') if encoding.is_invisible() && !self.is_printable => 0,
            Some(byte) => PARTS[usize::from(*byte)],
            None => 0,
        }
    }
}

/// The byte may begin an escape.
const BEGINS: u8 = 2;

/// Not 0 for bytes that may be part of an escape or a run.
const PARTS: [u8; 256] = {
    let mut parts = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        parts[byte] = match byte as u8 {
            b'%' | b'\\' | b'&' | 0x1b => BEGINS,
            b';' | b'#' | b'=' | 0x80.. => 1,
            byte => base64::value(byte).is_some() as u8,
        };
        byte += 1;
    }
    parts
};

/// Whether a byte occurs in text: visible characters, tabs, line ends, and ESC for colour codes.
fn is_seen(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r' | 0x1b)
}

/// Whether decoded bytes are text: UTF-8 without control characters.
fn is_text(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| is_seen(*byte) || *byte >= 0x80) && std::str::from_utf8(bytes).is_ok()
}

/// The text that hexadecimal digits encode. Most runs of digits are ids or hashes, so the first
/// digits of a few pairs are tested before anything is decoded: those of visible ASCII are 2 to 7.
fn text_of_digits(digits: &[u8]) -> Option<Vec<u8>> {
    let mut sample = digits.iter().step_by(2).take(HEX_SAMPLE);
    let is_likely =
        digits.len() >= 2 * HEX_SAMPLE && sample.all(|digit| matches!(digit, b'2'..=b'7'));
    if !is_likely || !digits.len().is_multiple_of(2) {
        return None;
    }
    hex::decode(digits).filter(|bytes| is_text(bytes))
}

/// The next offset after `start` where an escape may begin. None begins at `start`. A character
/// that is escaped by a backslash begins no escape, and a row of backslashes belongs to one escape.
pub(super) fn behind(hay: &[u8], start: usize) -> usize {
    let n_more = if hay[start] == b'\\' {
        hay[start + 1..].iter().take_while(|byte| **byte == b'\\').count()
    } else {
        0
    };
    visits::add(n_more);
    start + 1 + n_more
}

impl Prefiltered {
    /// The end of the escape around `at`, or `at` if there is none. The letter that ends a colour
    /// code and the digits of escapes are in the base64 alphabet, but not part of a run after them.
    fn end_of_escape(&self, hay: &[u8], part: Span, at: usize) -> usize {
        let before = Span::new(at.saturating_sub(LONGEST_ESCAPE).max(part.start), at);
        let mut ends = self.marks.starts(before).filter_map(|start| {
            encoding::escape(&hay[start..part.end]).map(|escape| start + escape.length())
        });
        ends.find(|end| *end > at).unwrap_or(at)
    }

    /// The offsets in `part` where a record says that it is quoted-printable.
    fn encoding_markers(&self, part: Span) -> &[usize] {
        let rest = &self.encoding_markers
            [self.encoding_markers.partition_point(|sign| *sign < part.start)..];
        &rest[..rest.partition_point(|sign| *sign < part.end)]
    }
}

/// The run of the base64 alphabet around `chunk`.
fn run_around(hay: &[u8], chunk: usize) -> Span {
    let left = hay[..chunk].iter().rev().take_while(|byte| base64::is_in(**byte)).count();
    let right = hay[chunk..].iter().take_while(|byte| base64::is_in(**byte)).count();
    visits::add(left + right);
    Span::new(chunk - left, chunk + right)
}

/// Whether a chunk may be part of base64 or hexadecimal text, at any alignment of groups or pairs.
fn may_be_text(chunk: &[u8]) -> bool {
    // Most chunks are refused by their first half.
    let (one, other) = chunk.split_at(chunk.len() / 2);
    let roles = |half: &[u8]| {
        half.iter()
            .enumerate()
            .fold(0x030f, |all, (at, byte)| all & ROLES[usize::from(*byte)] >> (at & 3))
    };
    let all = roles(one);
    all != 0 && all & roles(other) != 0
}

/// The positions that a byte may have in encoded ASCII. Bits 0 to 3: the first to fourth character
/// of a group of base64. Bits 8 and 9: the first and second digit of a pair. Both are repeated in
/// the bits above, so that a shift rotates them.
const ROLES: [u16; 256] = {
    let mut roles = [0_u16; 256];
    let mut byte = 0;
    while byte < 256 {
        roles[byte] = roles_of(byte as u8);
        byte += 1;
    }
    roles
};

/// The entry of [`ROLES`] for a byte.
const fn roles_of(byte: u8) -> u16 {
    let mut roles = 0;
    if let Some(value) = base64::value(byte) {
        let group = (value & 32 == 0) as u16
            | ((value & 8 == 0) as u16) << 1
            | ((value & 2 == 0) as u16) << 2
            | 8;
        roles |= group | group << 4;
    }
    if byte.is_ascii_hexdigit() {
        let pair = matches!(byte, b'2'..=b'7') as u16 | 2;
        roles |= (pair | pair << 2 | pair << 4 | pair << 6) << 8;
    }
    roles
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(hay: &[u8]) -> Decoded {
        let mut prefiltered = Prefiltered::default();
        prefiltered.marks.read(hay);
        prefiltered
            .encoding_markers
            .extend(encoding::markers().flat_map(|marker| memchr::memmem::find_iter(hay, marker)));
        let mut decoded = Decoded::default();
        decoded.read(hay, &prefiltered, &[Span::new(0, hay.len())], |_| true);
        decoded
    }

    fn texts(hay: &[u8]) -> Vec<String> {
        let decoded = read(hay);
        let text = |piece: &Piece| {
            String::from_utf8(piece.text.of(decoded.source_map.text()).to_vec())
                .expect("it is text")
        };
        decoded.pieces.iter().map(text).collect()
    }

    #[test]
    fn no_chunk_of_a_text_is_passed_over() {
        let text = b"The quick brown fox jumps over the lazy dog; 0123456789 ~!@#$%^&*()_+{}|:<>?";
        for like in [&b"+"[..], b"-"] {
            let mut blob = Vec::new();
            base64::encode(text, like, &mut blob);
            assert!(blob.windows(marks::CHUNK).all(may_be_text));
        }
        for like in [&b"a"[..], b"A"] {
            let mut digits = Vec::new();
            hex::encode(text, like, &mut digits);
            assert!(digits.windows(marks::CHUNK).all(may_be_text));
        }
    }

    #[test]
    fn records_with_escapes_are_read_without_them() {
        let hay = b"plain\na%40b.c \\u003d&#64;\n=3D x=40y\nlast \x1b[1mx\x1b[0my";
        assert_eq!(texts(hay), ["a@b.c =@", "= x@y", "last xy"]);
    }

    #[test]
    fn text_in_base64_is_found_at_every_character() {
        let text = "user alice@example.com has logged in";
        let mut blob = Vec::new();
        base64::encode(text.as_bytes(), b"", &mut blob);
        for glued in ["", "x", "/v", "+ab", "data", "zzzzz"] {
            let hay = [b"id=", glued.as_bytes(), &blob, b"== end"].concat();
            assert!(texts(&hay).iter().any(|found| found.contains("alice@example.com")), "{glued}");
        }
        let digits: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
        for before in ["", "0x", "id:"] {
            assert_eq!(texts(format!("{before}{digits} end").as_bytes()), [text]);
        }
    }

    #[test]
    fn the_letters_that_end_an_escape_are_no_part_of_a_run() {
        let text = "user alice@example.com has logged in";
        let digits: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
        for before in ["\x1b[0m", "\x1b[1;32m", r"\u003d", r"\u001b[3m", "%3D%3D"] {
            let found = texts(format!("id{before}{digits} end").as_bytes());
            assert!(found.iter().any(|found| found == text), "{before:?}");
        }
    }

    #[test]
    fn what_is_no_text_is_not_decoded() {
        for hay in [
            "GET /var/lib/docker/overlay2/l/containers/component_configuration",
            "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "id 123e4567-e89b-12d3-a456-426614174000 iVBORw0KGgoAAAANSUhEUgAAAAUAAAAFCAYAAACNbyblAAAAHElEQVQI12P4",
        ] {
            assert_eq!(texts(hay.as_bytes()), Vec::<String>::new(), "{hay}");
        }
    }
}
