//! Private keys: PEM of every kind, OpenSSH, PGP and the private lines of PuTTY, in one record or
//! over many.
//!
//! The first and the last line of a key are kept. In one record the body becomes one placeholder,
//! or one for each element if the lines are elements of an array. Over many records, the body of
//! each line becomes a placeholder and its prefix (timestamp, stream, indentation) is kept, so the
//! number of records does not change.
//!
//! A line is read without control sequences (colours, resets), however their ESC is written. Its
//! body is a long run of the base64 alphabet, or a run at the end of the line that follows the
//! prefix of the key's first line or of the last body. Numbers and spaces of a prefix may differ
//! and change their length, as timestamps and counters do.
//!
//! A key without a last line closes after [`MAX_IDLE`] lines without a body, [`MAX_LINES`] lines or
//! [`MAX_BYTES`] bytes. Until then base64 lines are redacted.
//!
//! Not promised: control sequences between the words `PRIVATE KEY` hide a key. In a key without a
//! last line, a single word after the same prefix directly after a body is taken for its last line.
//!
//! <https://www.rfc-editor.org/rfc/rfc7468>,
//! <https://the.earth.li/~sgtatham/putty/latest/htmldoc/AppendixC.html>

use super::{Candidate, Context, Detector, Located, MAX_SECRET, Rejection, State};
use crate::{
    finding::Finding,
    rules::{Recogniser, RuleId, RuleSet},
    text::{
        ansi,
        encoding::{self, Escape},
        source_map::SourceMap,
        span::Span,
        visits,
    },
};

/// How many bytes after a key's first line decide whether a body begins there.
const MAX_HEAD: usize = 4 << 10;

/// The maximum number of lines in a row without a body.
const MAX_IDLE: u32 = 64;
/// The maximum number of lines and bytes of a key without a last line.
const MAX_LINES: u32 = 1024;
const MAX_BYTES: usize = 256 << 10;

/// A run of this length is a body. Runs down to [`SHORT`] count after a known prefix, at the end of
/// the line.
const LONG: usize = 40;
const SHORT: usize = 16;

/// The maximum number of lines between the first line of a key and its body: headers, a blank line.
const MAX_BEFORE_BODY: u32 = 8;

/// The maximum length of a prefix that is compared.
const MAX_PREFIX: usize = 256;

/// Headers inside a key. They are kept.
const HEADERS: [&[u8]; 6] =
    [b"Proc-Type:", b"DEK-Info:", b"Version:", b"Comment:", b"Hash:", b"X-"];

/// A key without its last line so far.
#[derive(Clone, Debug)]
pub(crate) struct Open {
    idle: u32,
    n_lines: u32,
    n_bytes: usize,
    /// The text before the key in its first line.
    first_prefix: Vec<u8>,
    /// The text before the last body in its line.
    prefix: Option<Vec<u8>>,
    /// How many lines are left. PuTTY writes their number before them.
    left: Option<u32>,
    /// The stream of a container's records, if they name it. Lines of the other stream do not
    /// belong to the key.
    channel: Option<Channel>,
}

/// The stream that a container's record names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Channel {
    Out,
    Err,
}

/// The detector of private keys.
pub(crate) struct PrivateKeyDetector {
    rule: Option<RuleId>,
    label: Vec<u8>,
}

impl PrivateKeyDetector {
    pub(super) fn new(rules: &RuleSet) -> PrivateKeyDetector {
        let found = rules.iter().find(|(_, rule)| matches!(rule.recogniser, Recogniser::KeyBlock));
        let label =
            found.map_or_else(Vec::new, |(_, rule)| format!("REDACTED-{}", rule.id()).into_bytes());
        PrivateKeyDetector { rule: found.map(|(id, _)| id), label }
    }

    /// Goes on with the key that the context's state holds open, from the first byte of the text.
    pub(super) fn resume(&self, context: &mut Context<'_>) {
        let Context { hay, state, findings, memory, .. } = context;
        if state.key_block.is_some() {
            memory.private_key = self.lines(hay, 0, state, findings);
        }
    }
}

impl Detector for PrivateKeyDetector {
    fn detect(&self, candidate: Candidate, context: &mut Context<'_>) -> Result<(), Rejection> {
        let rule = self.rule.ok_or(Rejection::RuleOff)?;
        // Everything before this offset belongs to a key that was examined.
        if candidate.span().start < context.memory.private_key {
            return Err(Rejection::AlreadyExamined);
        }
        let hit = &context.locate(candidate);
        let Context { placeholders, findings, state, memory, .. } = context;
        let done = &mut memory.private_key;
        let n_before = findings.len();
        // The words before the anchor are compared at each offset.
        visits::add(48);
        let opening = opening(hit).ok_or(Rejection::NotKeyHeader)?;
        let rest = &hit.hay[opening.end..hit.record.end];
        visits::add(4 * rest.len());
        // A text that begins like a body is read to the end of the record, however long that is.
        let head = Plain::new(&rest[..rest.len().min(MAX_HEAD)]);
        let limit =
            if is_body(behind_edge(head.text())) { rest.len() } else { rest.len().min(MAX_SECRET) };
        let end = end_in_record(&rest[..limit], &opening);
        let body = body(rest, end.unwrap_or(limit));
        let elements = body.and_then(|body| elements(body.of(rest), end));
        let is_list = elements.is_some();
        let body = body
            .filter(|body| is_list || end.is_some() || is_body(Plain::new(body.of(rest)).text()));
        if let Some(body) = body {
            let from = opening.end + body.start;
            let whole = [Span::new(0, body.len())];
            let spans = elements.as_deref().unwrap_or(&whole);
            findings.extend(
                spans
                    .iter()
                    .map(|span| Finding::text(Span::new(from + span.start, from + span.end), rule)),
            );
        }
        let is_alone = state.key_block.is_none() && state.other_block.is_none();
        *done = end.filter(|_| is_alone).map_or(hit.record.end, |end| opening.end + end);
        let plain = Plain::new(&rest[..end.unwrap_or(rest.len())]);
        let rest = plain.text();
        let is_prose =
            body.is_none() && rest.iter().any(u8::is_ascii_alphanumeric) && !is_dress(rest);
        let is_done = placeholders.is_whole(rest.trim_ascii());
        if end.is_none() && !is_list && (!is_prose || is_done) {
            state.key_block = Some(Open {
                idle: 0,
                n_lines: 0,
                n_bytes: 0,
                first_prefix: prefix(Plain::new(&hit.hay[hit.record.start..opening.start]).text())
                    .unwrap_or_default(),
                prefix: None,
                left: opening.lines,
                channel: channel(hit.record.of(hit.hay)),
            });
        }
        if state.key_block.is_some() || state.other_block.is_some() {
            *done = self.lines(hit.hay, next_line(hit.hay, hit.record.end), state, findings);
        }
        if findings.len() > n_before { Ok(()) } else { Err(Rejection::NoKeyBody) }
    }
}

impl PrivateKeyDetector {
    /// Reads line by line from `start` until no key is open or `hay` ends; returns where it
    /// stopped.
    fn lines(
        &self,
        hay: &[u8],
        start: usize,
        state: &mut State,
        findings: &mut Vec<Finding>,
    ) -> usize {
        let mut at = start;
        while at < hay.len() {
            if state.key_block.is_none() {
                state.key_block = state.other_block.take();
            }
            let Some(open) = &mut state.key_block else { return at };
            let next = next_line(hay, at);
            let line = &hay[at..next];
            visits::add(6 * line.len());
            let channel = if open.channel.is_some() { channel(line) } else { None };
            if is_opening(line) {
                // Another key begins and has its own anchor. If it is of the other stream, this one
                // stays open beside it.
                let open = state.key_block.take();
                if open.as_ref().is_some_and(|open| open.channel != channel) {
                    state.other_block = open;
                }
                return at;
            }
            let is_others = channel.is_some() && open.channel != channel;
            let owner = if is_others { &mut state.other_block } else { &mut state.key_block };
            let is_over = owner.as_mut().is_some_and(|open| self.line(line, at, open, findings));
            if is_over {
                *owner = None;
            }
            at = next;
        }
        at
    }

    /// Reads one line of an open key; returns whether the key is over.
    fn line(
        &self,
        line: &[u8],
        offset: usize,
        open: &mut Open,
        findings: &mut Vec<Finding>,
    ) -> bool {
        open.n_lines += 1;
        open.n_bytes += line.len();
        let plain = Plain::new(line);
        let end = find_end(plain.text());
        let text = &plain.text()[..end.unwrap_or(plain.text().len())];
        let label = memchr::memmem::find(text, &self.label).filter(|_| !self.label.is_empty());
        let is_header = HEADERS.iter().any(|header| text.trim_ascii_start().starts_with(header));
        let run = if label.is_none() && !is_header { body_of_line(text, open) } else { None };
        if let (Some(run), Some(rule)) = (run, self.rule) {
            let raw = plain.raw(run);
            findings.push(Finding::text(Span::new(offset + raw.start, offset + raw.end), rule));
        }
        let body = label.or(run.map(|run| run.start));
        let is_body = body.is_some();
        match body {
            Some(start) => {
                open.prefix =
                    prefix(&text[..start]).or(open.prefix.take()).or_else(|| Some(Vec::new()));
                open.idle = 0;
            }
            None if is_blank(text, open) => {}
            None => open.idle += 1,
        }
        if let Some(left) = open.left.as_mut().filter(|_| is_body) {
            *left = left.saturating_sub(1);
        }
        let is_spent =
            open.idle >= MAX_IDLE || open.n_lines >= MAX_LINES || open.n_bytes >= MAX_BYTES;
        end.is_some() || open.left == Some(0) || is_spent
    }
}

/// The stream that a record of CRI or of Docker's json-file names.
fn channel(line: &[u8]) -> Option<Channel> {
    match line.first()? {
        b'{' => {
            const KEY: &[u8] = b"\"stream\"";
            let value = &line[memchr::memmem::find(line, KEY)? + KEY.len()..];
            let value = value.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
            match value {
                _ if value.starts_with(b"\"stdout\"") => Some(Channel::Out),
                _ if value.starts_with(b"\"stderr\"") => Some(Channel::Err),
                _ => None,
            }
        }
        byte if byte.is_ascii_digit() => {
            // The timestamp is shorter than this.
            let head = &line[..line.len().min(48)];
            let holds = |name: &[u8]| memchr::memmem::find(head, name).is_some();
            match (holds(b" stdout "), holds(b" stderr ")) {
                (true, false) => Some(Channel::Out),
                (false, true) => Some(Channel::Err),
                _ => None,
            }
        }
        _ => None,
    }
}

/// A text without control sequences, mapped back to its bytes. Escapes of the base64 alphabet's
/// marks (`\/`, `\u002b`) are decoded. A text without either is not copied.
struct Plain<'t> {
    raw: &'t [u8],
    source_map: Option<SourceMap>,
}

impl<'t> Plain<'t> {
    fn new(raw: &'t [u8]) -> Plain<'t> {
        let mut source_map: Option<SourceMap> = None;
        let (mut done, mut at) = (0, 0);
        while let Some(start) =
            raw[at..].iter().position(|byte| encoding::may_begin(*byte)).map(|length| at + length)
        {
            let rest = &raw[start..];
            let mark = |escape: &Escape| matches!(escape.text(), [b'+' | b'/' | b'=']);
            let (length, text) = match ansi::control(rest) {
                Some(length) => (length, None),
                None => match encoding::escape(rest).filter(mark) {
                    Some(escape) => (escape.length(), escape.text().first().copied()),
                    None => {
                        at = start + 1;
                        continue;
                    }
                },
            };
            let source_map = source_map.get_or_insert_default();
            source_map.copy(raw, Span::new(done, start));
            at = start + length;
            if let Some(byte) = text {
                source_map.replace(&[byte], Span::new(start, at));
            }
            done = at;
        }
        if let Some(source_map) = &mut source_map {
            source_map.copy(raw, Span::new(done, raw.len()));
        }
        Plain { raw, source_map }
    }

    fn text(&self) -> &[u8] {
        self.source_map.as_ref().map_or(self.raw, SourceMap::text)
    }

    /// The bytes that `span` of the text was read from, including the sequences inside it.
    fn raw(&self, span: Span) -> Span {
        let Some(source_map) = &self.source_map else { return span };
        let mut parts = source_map.in_block(span);
        let first = parts.next().unwrap_or_default();
        // A backslash at the end of a sequence would escape the placeholder, so the sequence is
        // included.
        let is_escaped = first.start > 0 && self.raw[first.start - 1] == b'\\';
        let start = match span.start.checked_sub(1) {
            _ if !is_escaped => first.start,
            Some(before) => source_map
                .in_block(Span::new(before, span.start))
                .last()
                .map_or(first.start, |part| part.end),
            None => 0,
        };
        Span::new(start, parts.last().unwrap_or(first).end)
    }

    /// The offset of the byte at `at` of the text.
    fn raw_at(&self, at: usize) -> usize {
        if at >= self.text().len() { self.raw.len() } else { self.raw(Span::new(at, at + 1)).start }
    }
}

/// The first line of a key.
struct Opening {
    /// The offset of its dashes.
    start: usize,
    /// The offset after it.
    end: usize,
    /// The number of lines, where PuTTY tells it.
    lines: Option<u32>,
}

/// The first line around the anchor of `hit`: `-----BEGIN RSA PRIVATE KEY-----`,
/// `---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----`, `Private-Lines: 14`.
fn opening(hit: &Located<'_>) -> Option<Opening> {
    let (hay, anchor) = (hit.hay, hit.anchor);
    let after = &hay[anchor.end..hit.record.end];
    if anchor.of(hay).ends_with(b":") {
        let number = after.trim_ascii_start();
        let digits = number.iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
        let lines = std::str::from_utf8(&number[..digits]).ok()?.parse().ok()?;
        let end = hit.record.end - number.len() + digits;
        return Some(Opening { start: anchor.start, end, lines: Some(lines) });
    }
    // The dashes after the anchor come first, because prose about keys has none.
    let mut at = behind_codes(after, 0);
    at += if after.len() >= at + 6 && after[at..at + 6].eq_ignore_ascii_case(b" block") {
        6
    } else {
        0
    };
    at = behind_codes(after, at);
    at = behind_codes(after, at + usize::from(after.get(at) == Some(&b' ')));
    let closing = after[at..].iter().take(8).take_while(|byte| **byte == b'-').count();
    if closing < 2 {
        return None;
    }
    let floor = hit.record.start.max(anchor.start.saturating_sub(128));
    let plain = Plain::new(&hay[floor..anchor.start]);
    let before = plain.text();
    let begin = (0..before.len().saturating_sub(5))
        .rev()
        .find(|at| before[*at..at + 6].eq_ignore_ascii_case(b"begin "))?;
    let head = before[..begin].trim_ascii_end();
    let dashes = head.iter().rev().take_while(|byte| **byte == b'-').count();
    let words = before[begin..].iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b' ');
    let is_one = dashes >= 2 && words && before.len() - begin <= 48;
    let start = floor + plain.raw_at(head.len() - dashes);
    is_one.then_some(Opening { start, end: anchor.end + at + closing, lines: None })
}

/// The offset after the control sequences at `at`.
fn behind_codes(text: &[u8], mut at: usize) -> usize {
    while let Some(length) = ansi::control(&text[at..]) {
        at += length;
    }
    at
}

/// Whether `line` is the first line of a key.
fn is_opening(line: &[u8]) -> bool {
    let record = Span::new(0, line.len());
    let mut from = 0;
    while let Some(at) = memchr::memchr2(b'P', b'p', &line[from..]).map(|at| from + at) {
        let is_anchor = |anchor: &[u8]| {
            let end = at + anchor.len();
            let there = line.get(at..end).is_some_and(|text| text.eq_ignore_ascii_case(anchor));
            there && opening(&Located { hay: line, record, anchor: Span::new(at, end) }).is_some()
        };
        if is_anchor(b"private key") || is_anchor(b"private-lines:") {
            return true;
        }
        from = at + 1;
    }
    false
}

/// The offset of the dashes in the last line of a key.
fn find_end(text: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(dash) = memchr::memmem::find(&text[from..], b"--").map(|at| from + at) {
        let dashes = text[dash..].iter().take_while(|byte| **byte == b'-').count();
        let word = text[dash + dashes..].trim_ascii_start();
        if word.len() >= 4 && word[..4].eq_ignore_ascii_case(b"end ") {
            return Some(dash);
        }
        from = dash + dashes;
    }
    let mac = memchr::memmem::find(text, b"Private-MAC:")
        .or_else(|| memchr::memmem::find(text, b"Private-Hash:"));
    mac.filter(|at| text[..*at].trim_ascii().is_empty())
}

/// The end of a key in the rest of its record.
fn end_in_record(rest: &[u8], opening: &Opening) -> Option<usize> {
    // An end without control sequences limits how far the text is decoded, so many keys in a record
    // together cost its length.
    let bound = find_end(rest);
    let plain = Plain::new(&rest[..bound.unwrap_or(rest.len())]);
    let mac = || {
        let marks: [&[u8]; 2] = [b"Private-MAC:", b"Private-Hash:"];
        marks
            .iter()
            .find_map(|mark| memchr::memmem::find(plain.text(), mark))
            .filter(|_| opening.lines.is_some())
    };
    find_end(plain.text()).or_else(mac).map(|end| plain.raw_at(end)).or(bound)
}

/// The lines of a key that are elements of an array. `body` begins with the quote after the key's
/// first line; `None` if it is written differently. Redacted lines are left out, and so are lines
/// that cannot belong to a key without a last line.
fn elements(body: &[u8], end: Option<usize>) -> Option<Vec<Span>> {
    let (mut elements, mut is_list) = (Vec::new(), false);
    let n_backslashes = body.iter().take(16).take_while(|byte| **byte == b'\\').count();
    let Some(quote @ (b'"' | b'\'')) = body.get(n_backslashes) else { return None };
    let mut at = 0;
    while let Some(start) = next_element(body, at, n_backslashes, *quote) {
        let length = memchr::memchr_iter(*quote, &body[start..]).find(|length| {
            let slashes =
                body[start..start + length].iter().rev().take_while(|byte| **byte == b'\\').count();
            // A backslash inside the string is written as twice one more than the backslashes
            // before a quote.
            slashes % (2 * (n_backslashes + 1)) == n_backslashes
        });
        let stop = length.map_or(body.len(), |length| start + length - n_backslashes);
        let plain = Plain::new(&body[start..stop]);
        let text = plain.text();
        let run = text.iter().take_while(|byte| is_base64(**byte)).count();
        let is_line = is_dress(&text[run..]) && (run >= SHORT || !elements.is_empty());
        if end.is_none() && !is_line {
            break;
        }
        is_list = true;
        if text.iter().any(u8::is_ascii_alphanumeric) && !text.starts_with(b"REDACTED-") {
            let tail = (0..text.len())
                .rev()
                .find(|at| !is_edge_back(&text[..=*at]))
                .map_or(0, |last| last + 1);
            let raw = plain.raw(Span::new(0, tail.max(1)));
            elements.push(Span::new(start + raw.start, start + raw.end));
        }
        at = stop;
    }
    is_list.then_some(elements)
}

/// The start of the next element after the quote at `at`, which ends one: `","`, with
/// `n_backslashes` before each quote.
fn next_element(body: &[u8], at: usize, n_backslashes: usize, quote: u8) -> Option<usize> {
    let skip_quote = |text: &'_ [u8]| -> Option<usize> {
        let n_slashes = text.iter().take_while(|byte| **byte == b'\\').count();
        (n_slashes == n_backslashes && text.get(n_slashes) == Some(&quote)).then_some(n_slashes + 1)
    };
    let skip_space =
        |at: usize| at + body[at..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let comma = skip_space(at + skip_quote(&body[at..])?);
    let next = skip_space(comma + usize::from(body.get(comma) == Some(&b',')));
    (body.get(comma) == Some(&b',')).then_some(next + skip_quote(body.get(next..)?)?)
}

/// Whether a text ends with white space, plain or escaped.
fn is_edge_back(text: &[u8]) -> bool {
    edge_length_back(text).is_some()
}

/// The text between the first and the last line of a key, without white space and escapes at its
/// edges.
fn body(rest: &[u8], end: usize) -> Option<Span> {
    let start = end - behind_edge(&rest[..end]).len();
    let mut stop = end;
    while let Some(length) = edge_length_back(&rest[start..stop]) {
        stop -= length;
    }
    let body = &rest[start..stop];
    let is_content = body.iter().filter(|byte| byte.is_ascii_alphanumeric()).count() >= 4;
    let is_template = super::value::is_template(body) || body.starts_with(b"REDACTED-");
    (is_content && !is_template).then(|| Span::new(start, stop))
}

/// The length of the white space, plain or escaped, or of the control sequence at the beginning.
fn edge_length(text: &[u8]) -> Option<usize> {
    if let Some(length) = ansi::control(text) {
        return Some(length);
    }
    let slashes = text.iter().take(16).take_while(|byte| **byte == b'\\').count();
    match text.get(slashes) {
        Some(b'n' | b'r' | b't') if slashes > 0 => Some(slashes + 1),
        Some(b' ' | b'\t' | b'\r' | b'\n') if slashes == 0 => Some(1),
        _ => None,
    }
}

/// The length of the white space, plain or escaped, at the end.
fn edge_length_back(text: &[u8]) -> Option<usize> {
    match text {
        [.., b' ' | b'\t' | b'\r' | b'\n'] => Some(1),
        [rest @ .., b'n' | b'r' | b't'] => {
            let slashes = rest.iter().rev().take(16).take_while(|byte| **byte == b'\\').count();
            (slashes > 0).then_some(slashes + 1)
        }
        _ => None,
    }
}

/// The text without white space at its beginning.
fn behind_edge(text: &[u8]) -> &[u8] {
    let mut start = 0;
    while let Some(length) = edge_length(&text[start..]) {
        start += length;
    }
    &text[start..]
}

/// Whether the text of a key without a last line is a body: it begins with a long run of base64.
fn is_body(text: &[u8]) -> bool {
    text.iter().take_while(|byte| is_base64(**byte)).count() >= SHORT
}

/// The body in a line of an open key.
fn body_of_line(text: &[u8], open: &Open) -> Option<Span> {
    let has_body = open.prefix.is_some();
    let is_last_of = |run: &Span| is_dress(&text[run.end..]);
    let prefixes = open.prefix.iter().chain([&open.first_prefix]);
    let mut in_column = prefixes.filter_map(|prefix| run_at(text, column(prefix, text)?));
    let is_body = |run: &Span| match run.len() {
        0..SHORT => has_body && open.idle == 0 && is_last_of(run),
        _ => is_last_of(run) || is_mixed(run.of(text)),
    };
    in_column.find(is_body).or_else(|| {
        let run = longest_run(text);
        let is_long = run.len() >= LONG && !is_path(run.of(text));
        // A short run in another column belongs to the key only near its beginning or directly
        // after a body.
        let is_near = if has_body {
            open.idle == 0 && is_mixed(run.of(text))
        } else {
            open.idle < MAX_BEFORE_BODY
        };
        let is_short = run.len() >= SHORT && is_last_of(&run) && is_near && is_apart(text, run);
        (is_long || is_short).then_some(run)
    })
}

/// Whether a run is a whole word. `KEY=x` in `API_KEY=x` is not.
fn is_apart(text: &[u8], run: Span) -> bool {
    run.start == 0 || !matches!(text[run.start - 1], b'_' | b'-' | b'.' | b'%' | b'@' | b'\\')
}

/// Whether nothing follows a known prefix. The head of a partial record looks like that, when its
/// text is read with the part before it.
fn is_blank(text: &[u8], open: &Open) -> bool {
    let mut prefixes = open.prefix.iter().chain([&open.first_prefix]);
    prefixes.any(|prefix| {
        column(prefix, text).is_some_and(|at| !text[at..].iter().any(u8::is_ascii_alphanumeric))
    })
}

/// Whether a run has letters of both cases and other characters. Words of prose and hexadecimal
/// digits do not.
fn is_mixed(run: &[u8]) -> bool {
    let has = |is: fn(&u8) -> bool| run.iter().any(is);
    has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_lowercase)
        && has(|byte| !byte.is_ascii_alphabetic())
}

/// The prefix to compare later lines with.
fn prefix(text: &[u8]) -> Option<Vec<u8>> {
    (text.len() <= MAX_PREFIX).then(|| text.to_vec())
}

/// The offset in `text` after `prefix`. Numbers and spaces of the prefix may differ.
fn column(prefix: &[u8], text: &[u8]) -> Option<usize> {
    let (mut at, mut in_text) = (0, 0);
    while at < prefix.len() {
        let (was, rest) = (&prefix[at..], text.get(in_text..)?);
        let (number, space) = (number_length(was), space_length(was));
        let (length, own) = match (number, space) {
            // The text after the prefix may begin with digits.
            (1.., _) if number == was.len() => (number, number.min(number_length(rest))),
            (1.., _) => (number, number_length(rest)),
            (_, 1..) => (space, space_length(rest)),
            _ => (
                1,
                usize::from(
                    rest.first() == was.first()
                        || is_tag(&prefix[..at], was) && is_tag(&prefix[..at], rest),
                ),
            ),
        };
        if own == 0 {
            return None;
        }
        (at, in_text) = (at + length, in_text + own);
    }
    Some(in_text)
}

/// Whether the tag of a CRI record follows `before`. Some records of a key may be partial and
/// others whole.
fn is_tag(before: &[u8], text: &[u8]) -> bool {
    (before.ends_with(b" stdout ") || before.ends_with(b" stderr "))
        && matches!(text, [b'P' | b'F', b' ', ..])
}

/// The length of a number with marks inside it, like a time or a fraction.
fn number_length(text: &[u8]) -> usize {
    let mut length = 0;
    while let Some(byte) = text.get(length) {
        let goes_on = length > 0 && text.get(length + 1).is_some_and(u8::is_ascii_digit);
        match byte {
            b'0'..=b'9' => length += 1,
            b'.' | b',' | b':' if goes_on => length += 1,
            _ => break,
        }
    }
    length
}

fn space_length(text: &[u8]) -> usize {
    text.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count()
}

/// Whether a run is a path. Paths use the same alphabet, but more slashes than base64 has by
/// chance.
fn is_path(run: &[u8]) -> bool {
    run.iter().filter(|byte| **byte == b'/').count() * 8 > run.len()
}

/// Whether `text` may follow a body in its line: escapes, quotes, marks of concatenation, tags, the
/// rest of a JSON record, or more pairs of a logfmt line.
fn is_dress(text: &[u8]) -> bool {
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        match edge_length(rest) {
            Some(length) => at += length,
            None if rest[0].is_ascii_alphanumeric() => {
                let is_quoted = text[..at].iter().any(|byte| matches!(byte, b'"' | b'\''));
                return is_members(rest) || is_quoted && is_pair(rest);
            }
            None if rest[0] == b'<' => {
                at += memchr::memchr(b'>', &rest[..rest.len().min(MAX_TAG)])
                    .map_or(1, |length| length + 1);
            }
            None => at += 1,
        }
    }
    true
}

/// The maximum length of a tag.
const MAX_TAG: usize = 32;

/// Whether `text` is the rest of a JSON record: `","stream":"stdout","time":"…"}`.
fn is_members(text: &[u8]) -> bool {
    let word = text.iter().take_while(|byte| is_name(**byte)).count();
    let value = text[word..].strip_prefix(b"\"").map(<[u8]>::trim_ascii_start);
    value.is_some_and(|value| value.starts_with(b":")) && text.trim_ascii_end().ends_with(b"}")
}

/// Whether `text` begins with a pair: `caller=main.go:12`.
fn is_pair(text: &[u8]) -> bool {
    let word = text.iter().take_while(|byte| is_name(**byte)).count();
    text.get(word) == Some(&b'=')
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_.-@".contains(&byte)
}

/// The run that begins at `column`.
fn run_at(text: &[u8], column: usize) -> Option<Span> {
    let length = text.get(column..)?.iter().take_while(|byte| is_base64(**byte)).count();
    (length > 0).then(|| Span::new(column, column + length))
}

fn longest_run(text: &[u8]) -> Span {
    let mut longest = Span::default();
    let mut start = 0;
    for (at, byte) in text.iter().enumerate() {
        if !is_base64(*byte) {
            start = at + 1;
            continue;
        }
        // An escaped line end before a run is not part of it.
        if at == start && at > 0 && text[at - 1] == b'\\' && matches!(byte, b'n' | b'r' | b't') {
            start = at + 1;
            continue;
        }
        if at + 1 - start > longest.len() {
            longest = Span::new(start, at + 1);
        }
    }
    longest
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

fn next_line(hay: &[u8], at: usize) -> usize {
    memchr::memchr(b'\n', &hay[at..]).map_or(hay.len(), |newline| at + newline + 1)
}

#[cfg(test)]
mod tests {
    use crate::{Outcome, Policy, RuleSet, Scrubber};

    const P: &str = "REDACTED-private-key";

    fn scrubber() -> Scrubber {
        Scrubber::new(&RuleSet::embedded(), &Policy::new()).expect("the policy is plain")
    }

    fn scrub_with(scrubber: &mut Scrubber, text: &str) -> String {
        let mut out = Vec::new();
        match scrubber.scrub_block(text.as_bytes(), &mut out) {
            Outcome::Clean => text.to_owned(),
            _ => String::from_utf8(out).expect("text stays text"),
        }
    }

    fn body(n: usize) -> String {
        "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDabcdefghijklm"
            .chars()
            .cycle()
            .skip(n * 7)
            .take(64)
            .collect()
    }

    fn pem(prefix: &str, eol: &str) -> String {
        let lines =
            ["-----BEGIN RSA PRIVATE KEY-----".to_owned(), body(0), body(1), "Q1w2e3=".to_owned()];
        let end = "-----END RSA PRIVATE KEY-----".to_owned();
        lines.iter().chain([&end]).map(|line| format!("{prefix}{line}{eol}")).collect()
    }

    fn clean(prefix: &str, eol: &str) -> String {
        let lines = ["-----BEGIN RSA PRIVATE KEY-----", P, P, P, "-----END RSA PRIVATE KEY-----"];
        lines.iter().map(|line| format!("{prefix}{line}{eol}")).collect()
    }

    #[test]
    fn each_line_keeps_its_prefix_wherever_the_input_is_cut() {
        for (prefix, eol) in [
            ("", "\n"),
            ("", "\r\n"),
            ("    ", "\n"),
            ("2024-01-01T00:00:00.123456789Z stdout F ", "\n"),
            ("Jan  1 00:00:00 host app[12]: ", "\n"),
            ("{\"log\":\"", "\\n\",\"stream\":\"stdout\",\"time\":\"2024-01-01T00:00:00Z\"}\n"),
            ("> ", "\n"),
            ("  \"", "\\n\" +\n"),
        ] {
            let text =
                format!("before\n{}after with /a/path/that/is/long/enough\n", pem(prefix, eol));
            let expected =
                format!("before\n{}after with /a/path/that/is/long/enough\n", clean(prefix, eol));
            assert_eq!(scrub_with(&mut scrubber(), &text), expected);
            assert_eq!(scrub_with(&mut scrubber(), &expected), expected);
            for (cut, _) in text.match_indices('\n') {
                let mut scrubber = scrubber();
                let (head, tail) = text.split_at(cut + 1);
                let out = scrub_with(&mut scrubber, head) + &scrub_with(&mut scrubber, tail);
                assert_eq!(out, expected, "cut at {cut}");
            }
        }
    }

    #[test]
    fn in_one_record_the_body_becomes_one_placeholder() {
        for break_ in ["\\n", "\\\\n", "\\r\\n", " "] {
            let text = format!(
                "{{\"k\":\"-----BEGIN PRIVATE KEY-----{break_}{}{break_}{}{break_}-----END PRIVATE KEY-----{break_}\"}}\n",
                body(0),
                body(1)
            );
            let expected = format!(
                "{{\"k\":\"-----BEGIN PRIVATE KEY-----{break_}{P}{break_}-----END PRIVATE KEY-----{break_}\"}}\n"
            );
            assert_eq!(scrub_with(&mut scrubber(), &text), expected);
        }
    }

    #[test]
    fn public_keys_and_prose_stay() {
        let text = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", body(0));
        assert_eq!(scrub_with(&mut scrubber(), &text), text);
        let prose = format!("the -----BEGIN PRIVATE KEY----- line comes first\n{}\n", body(0));
        assert_eq!(scrub_with(&mut scrubber(), &prose), prose);
    }

    #[test]
    fn a_block_without_an_end_closes_behind_its_limit() {
        let mut text = format!("-----BEGIN PRIVATE KEY-----\n{}\n", body(0));
        for n in 0..super::MAX_IDLE {
            text.push_str(&format!("line {n}\n"));
        }
        let tail = format!("{}\n", body(3));
        let out = scrub_with(&mut scrubber(), &(text.clone() + &tail));
        assert!(out.starts_with(&format!("-----BEGIN PRIVATE KEY-----\n{P}\nline 0\n")), "{out}");
        assert!(out.ends_with(&tail));
        let short = text.replace("line 9\n", &tail);
        assert!(!scrub_with(&mut scrubber(), &short).contains(&body(3)));
    }

    #[test]
    fn putty_says_how_many_lines_there_are() {
        let text = format!(
            "PuTTY-User-Key-File-2: ssh-rsa\nPublic-Lines: 1\n{}\nPrivate-Lines: 2\n{}\nQ1w2e3=\nPrivate-MAC: 0a1b\n{}\n",
            body(0),
            body(1),
            body(2)
        );
        let expected = format!(
            "PuTTY-User-Key-File-2: ssh-rsa\nPublic-Lines: 1\n{}\nPrivate-Lines: 2\n{P}\n{P}\nPrivate-MAC: 0a1b\n{}\n",
            body(0),
            body(2)
        );
        assert_eq!(scrub_with(&mut scrubber(), &text), expected);
    }
}
