//! Private keys: PEM of every kind, OpenSSH, PGP, and PuTTY's private lines; in one record or over
//! many.
//!
//! The lines that begin and end a key stay. In one record the body becomes one placeholder, or one
//! for each element where the lines are those of an array. Over many records, each line's body
//! becomes the placeholder with its prefix (timestamp, stream, indentation) kept, so the number of
//! records stays.
//!
//! A line is read without its control sequences (colours, resets), however their ESC is written.
//! Its body is a run of the base64 alphabet that is long, or that stands behind the prefix of the
//! key's first line or of the last body and ends the line's text. Numbers and spaces of a prefix
//! may change and be longer or shorter: timestamps and counters are.
//!
//! What this does not promise: control sequences between the words of `PRIVATE KEY` hide the key;
//! of a key without an end, a word alone behind the same prefix right behind a body is taken for
//! its last line.
//!
//! A block whose end never comes closes after [`MAX_IDLE`] lines without a body, [`MAX_LINES`]
//! lines or [`MAX_BYTES`] bytes; until then base64 lines go on being redacted.
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

/// So much behind a key's first line tells whether a body begins there.
const MAX_HEAD: usize = 4 << 10;

/// Lines in a row that are no body.
const MAX_IDLE: u32 = 64;
const MAX_LINES: u32 = 1024;
const MAX_BYTES: usize = 256 << 10;

/// A line has a body when its run is so long; shorter ones count behind a known prefix, at the end
/// of the line.
const LONG: usize = 40;
const SHORT: usize = 16;

/// Lines that may stand between the first line of a key and the first line of its body: headers, a
/// blank line.
const MAX_BEFORE_BODY: u32 = 8;

/// A longer prefix is not known again.
const MAX_PREFIX: usize = 256;

/// Headers inside a block: they stay.
const HEADERS: [&[u8]; 6] =
    [b"Proc-Type:", b"DEK-Info:", b"Version:", b"Comment:", b"Hash:", b"X-"];

/// A block whose end has not come yet.
#[derive(Clone, Debug)]
pub(crate) struct Open {
    idle: u32,
    n_lines: u32,
    n_bytes: usize,
    /// What stood before the key's beginning in its line.
    first_prefix: Vec<u8>,
    /// What stood before the last body in its line.
    prefix: Option<Vec<u8>>,
    /// PuTTY says beforehand how many lines there are.
    left: Option<u32>,
    /// Where a container's records say of which stream they are: lines of the other one are none of
    /// the block's.
    channel: Option<Channel>,
}

/// The stream of a container's record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Channel {
    Out,
    Err,
}

/// The detector.
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
        // Everything before this belongs to a key that was examined.
        if candidate.span().start < context.memory.private_key {
            return Err(Rejection::AlreadyExamined);
        }
        let hit = &context.locate(candidate);
        let Context { placeholders, findings, state, memory, .. } = context;
        let done = &mut memory.private_key;
        let n_before = findings.len();
        // The words before it are compared at each place.
        visits::add(48);
        let opening = opening(hit).ok_or(Rejection::NotKeyHeader)?;
        let rest = &hit.hay[opening.end..hit.record.end];
        visits::add(4 * rest.len());
        // What begins as a key does is read to its end, however far that is.
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
    /// Walks line by line from `start` until no block is open or `hay` ends; answers how far it
    /// came.
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
                // Another key begins, which its own anchor will say. Beside one of the other stream
                // this one goes on.
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

    /// One line of an open block; answers whether the block is over.
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

/// The stream that a record of CRI or of Docker's json-file says it is of.
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
            // A time is no longer than that.
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

/// A text without control sequences, and where each of its bytes stands. Escapes of the base64
/// alphabet's marks (`\/`, `\u002b`) are read. A text that has neither is not copied.
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

    /// The bytes that `span` of the text was read from, with the sequences inside it.
    fn raw(&self, span: Span) -> Span {
        let Some(source_map) = &self.source_map else { return span };
        let mut parts = source_map.in_block(span);
        let first = parts.next().unwrap_or_default();
        // The backslash at the end of a sequence would be taken to escape what stands in place of
        // the span.
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

    /// Where the byte at `at` of the text stands.
    fn raw_at(&self, at: usize) -> usize {
        if at >= self.text().len() { self.raw.len() } else { self.raw(Span::new(at, at + 1)).start }
    }
}

/// The line that says that a key begins.
struct Opening {
    /// Where it begins in the block: its dashes.
    start: usize,
    /// The key begins behind it.
    end: usize,
    lines: Option<u32>,
}

/// `-----BEGIN RSA PRIVATE KEY-----`, `---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----`, `Private-Lines:
/// 14`.
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
    // The dashes behind it are looked for first: prose about keys has none.
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

/// Behind the control sequences that stand at `at`.
fn behind_codes(text: &[u8], mut at: usize) -> usize {
    while let Some(length) = ansi::control(&text[at..]) {
        at += length;
    }
    at
}

/// Whether the line begins a key.
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

/// Where the line that ends a key begins: its dashes.
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

/// Where in the rest of its record a key ends.
fn end_in_record(rest: &[u8], opening: &Opening) -> Option<usize> {
    // An end that no control sequence parts bounds how far they are read, so that many keys in a
    // record cost what they are long.
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

/// The lines of a key that are the elements of an array, in `body`, which begins with the quote
/// behind the key's first line; `None` where it is written otherwise. Those that are redacted are
/// left out, and so are those that cannot be lines of a key whose end is not there.
fn elements(body: &[u8], end: Option<usize>) -> Option<Vec<Span>> {
    let (mut elements, mut is_list) = (Vec::new(), false);
    let n_backslashes = body.iter().take(16).take_while(|byte| **byte == b'\\').count();
    let Some(quote @ (b'"' | b'\'')) = body.get(n_backslashes) else { return None };
    let mut at = 0;
    while let Some(start) = next_element(body, at, n_backslashes, *quote) {
        let length = memchr::memchr_iter(*quote, &body[start..]).find(|length| {
            let slashes =
                body[start..start + length].iter().rev().take_while(|byte| **byte == b'\\').count();
            // A backslash inside the string is written as twice as many as one and those before a
            // quote.
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

/// Where the element begins behind the quote at `at`, which ends one: `","`, with so many
/// backslashes before each quote.
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

/// Whether a text ends with white space or an escape that stands for it.
fn is_edge_back(text: &[u8]) -> bool {
    edge_length_back(text).is_some()
}

/// What lies between the line that begins a key and the one that ends it, without the white space
/// and escapes at its edges.
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

/// White space, an escape that stands for it, or a control sequence, at the head.
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

/// The same at the foot.
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

/// What stands behind the white space at the head of a text.
fn behind_edge(text: &[u8]) -> &[u8] {
    let mut start = 0;
    while let Some(length) = edge_length(&text[start..]) {
        start += length;
    }
    &text[start..]
}

/// Whether text behind a beginning without an end is a body: it begins with a long run of base64.
fn is_body(text: &[u8]) -> bool {
    text.iter().take_while(|byte| is_base64(**byte)).count() >= SHORT
}

/// The body of a line of an open block.
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
        // In a column of its own a short run is a key's only near the key's beginning, or right
        // behind a body.
        let is_near = if has_body {
            open.idle == 0 && is_mixed(run.of(text))
        } else {
            open.idle < MAX_BEFORE_BODY
        };
        let is_short = run.len() >= SHORT && is_last_of(&run) && is_near && is_apart(text, run);
        (is_long || is_short).then_some(run)
    })
}

/// Whether a run is a word of its own: `KEY=x` in `API_KEY=x` is none.
fn is_apart(text: &[u8], run: Span) -> bool {
    run.start == 0 || !matches!(text[run.start - 1], b'_' | b'-' | b'.' | b'%' | b'@' | b'\\')
}

/// Whether nothing stands behind a known prefix: such is the head of a record's part whose text is
/// read with the part before it.
fn is_blank(text: &[u8], open: &Open) -> bool {
    let mut prefixes = open.prefix.iter().chain([&open.first_prefix]);
    prefixes.any(|prefix| {
        column(prefix, text).is_some_and(|at| !text[at..].iter().any(u8::is_ascii_alphanumeric))
    })
}

/// Whether a run has letters of both cases and something else: words of prose and hexadecimal
/// digits have not.
fn is_mixed(run: &[u8]) -> bool {
    let has = |is: fn(&u8) -> bool| run.iter().any(is);
    has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_lowercase)
        && has(|byte| !byte.is_ascii_alphabetic())
}

/// A prefix that is to be known again.
fn prefix(text: &[u8]) -> Option<Vec<u8>> {
    (text.len() <= MAX_PREFIX).then(|| text.to_vec())
}

/// Where `text` goes on behind `prefix`, whose numbers and spaces may be others.
fn column(prefix: &[u8], text: &[u8]) -> Option<usize> {
    let (mut at, mut in_text) = (0, 0);
    while at < prefix.len() {
        let (was, rest) = (&prefix[at..], text.get(in_text..)?);
        let (number, space) = (number_length(was), space_length(was));
        let (length, own) = match (number, space) {
            // What follows may be digits as well.
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

/// Whether the tag of a CRI record stands behind `before`: of one line some records may be parts
/// and others whole.
fn is_tag(before: &[u8], text: &[u8]) -> bool {
    (before.ends_with(b" stdout ") || before.ends_with(b" stderr "))
        && matches!(text, [b'P' | b'F', b' ', ..])
}

/// The length of a number, with the marks inside it: a time, a fraction.
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

/// A path is written in the same letters; it has more slashes than chance has.
fn is_path(run: &[u8]) -> bool {
    run.iter().filter(|byte| **byte == b'/').count() * 8 > run.len()
}

/// What stands behind a body in its line: nothing but escapes, quotes, marks of concatenation,
/// tags, the rest of a JSON record or the next pairs of a line of them.
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

/// A longer tag is none.
const MAX_TAG: usize = 32;

/// `","stream":"stdout","time":"…"}`: the rest of a JSON record whose string ended with the line.
fn is_members(text: &[u8]) -> bool {
    let word = text.iter().take_while(|byte| is_name(**byte)).count();
    let value = text[word..].strip_prefix(b"\"").map(<[u8]>::trim_ascii_start);
    value.is_some_and(|value| value.starts_with(b":")) && text.trim_ascii_end().ends_with(b"}")
}

/// `caller=main.go:12`.
fn is_pair(text: &[u8]) -> bool {
    let word = text.iter().take_while(|byte| is_name(**byte)).count();
    text.get(word) == Some(&b'=')
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_.-@".contains(&byte)
}

/// The run that begins in that column.
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
        // An escaped line end before a run is no part of it.
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
