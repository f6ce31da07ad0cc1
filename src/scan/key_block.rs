//! Private keys: PEM of every kind, OpenSSH, PGP, and PuTTY's private lines; in one record or over many.
//!
//! The lines that begin and end a key stay. In one record the body becomes one placeholder; over many, each line's body becomes
//! the placeholder with its prefix (timestamp, stream, indentation) kept, so the number of records stays. A line's body is
//! its longest run of the base64 alphabet, when that is long, or stands in the column of the line before.
//!
//! A block whose end never comes closes after [`MAX_IDLE`] lines without a body, [`MAX_LINES`] lines or [`MAX_BYTES`] bytes;
//! until then base64 lines go on being redacted.
//!
//! <https://www.rfc-editor.org/rfc/rfc7468>, <https://the.earth.li/~sgtatham/putty/latest/htmldoc/AppendixC.html>

use super::{
    Hit, MAX_SECRET, State,
    doubt::{self, Answer, Doubt},
    placeholder::Placeholders,
};
use crate::{
    rules::{Recogniser, RuleSet},
    span::{Finding, RuleId, Span},
    visits,
};

/// Lines in a row that are no body.
const MAX_IDLE: u32 = 64;
const MAX_LINES: u32 = 1024;
const MAX_BYTES: usize = 256 << 10;

/// A line has a body when its run is so long; shorter ones count in the column of the line before.
const LONG: usize = 40;
const SHORT: usize = 16;

/// A longer prefix is compared by its beginning.
const MAX_PREFIX: usize = 256;

/// Headers inside a block: they stay.
const HEADERS: [&[u8]; 6] = [b"Proc-Type:", b"DEK-Info:", b"Version:", b"Comment:", b"Hash:", b"X-"];

/// A block whose end has not come yet.
#[derive(Clone, Debug)]
pub(crate) struct Open {
    idle: u32,
    n_lines: u32,
    n_bytes: usize,
    /// What stood before the last body in its line.
    prefix: Option<Vec<u8>>,
    /// PuTTY says beforehand how many lines there are.
    left: Option<u32>,
    /// Where a container's records say of which stream they are: lines of the other one are none of the block's.
    channel: Option<Channel>,
}

/// The stream of a container's record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Channel {
    Out,
    Err,
}

/// The recogniser.
pub(crate) struct KeyBlock {
    rule: Option<RuleId>,
    label: Vec<u8>,
}

impl KeyBlock {
    pub(super) fn new(rules: &RuleSet) -> KeyBlock {
        let found = rules.iter().find(|(_, rule)| matches!(rule.recogniser, Recogniser::KeyBlock));
        let label = found.map_or_else(Vec::new, |(_, rule)| format!("REDACTED-{}", rule.id()).into_bytes());
        KeyBlock { rule: found.map(|(id, _)| id), label }
    }

    /// Goes on with the block that `state` holds open, from the first byte of `hay`; answers how far it came.
    pub(super) fn resume(&self, hay: &[u8], state: &mut State, findings: &mut Vec<Finding>) -> usize {
        self.lines(hay, 0, state, findings)
    }

    /// Everything before `done` belongs to a block that was examined.
    pub(super) fn confirm(
        &self,
        hit: &Hit<'_>,
        placeholders: &Placeholders,
        done: &mut usize,
        state: &mut State,
        findings: &mut Vec<Finding>,
    ) -> Answer {
        let rule = self.rule.ok_or(doubt::OFF)?;
        if hit.anchor.start < *done {
            return Err(doubt::SETTLED);
        }
        let n_before = findings.len();
        // The words before it are compared at each place.
        visits::add(48);
        let opening = opening(hit).ok_or(Doubt("it is not the first line of a private key"))?;
        let rest = &hit.hay[opening.end..hit.record.end];
        visits::add(4 * rest.len());
        // What begins as a key does is read to its end, however far that is.
        let limit = if is_body(behind_edge(rest)) { rest.len() } else { rest.len().min(MAX_SECRET) };
        let end = find_end(&rest[..limit]);
        let body = body(rest, end.unwrap_or(limit));
        let body = body.filter(|body| end.is_some() || is_body(body.of(rest)));
        if let Some(body) = body {
            findings.push(Finding::text(Span::new(opening.end + body.start, opening.end + body.end), rule));
        }
        *done = hit.record.end;
        let is_prose = body.is_none() && rest.iter().any(u8::is_ascii_alphanumeric) && !is_dress(rest);
        let is_done = placeholders.is_whole(rest.trim_ascii());
        if end.is_none() && (!is_prose || is_done) {
            let channel = channel(hit.record.of(hit.hay));
            state.key_block =
                Some(Open { idle: 0, n_lines: 0, n_bytes: 0, prefix: None, left: opening.lines, channel });
        }
        if state.key_block.is_some() || state.other_block.is_some() {
            *done = self.lines(hit.hay, next_line(hit.hay, hit.record.end), state, findings);
        }
        if findings.len() > n_before { Ok(()) } else { Err(Doubt("nothing of a key stands behind its first line")) }
    }

    /// Walks line by line from `start` until no block is open or `hay` ends; answers how far it came.
    fn lines(&self, hay: &[u8], start: usize, state: &mut State, findings: &mut Vec<Finding>) -> usize {
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
                // Another key begins, which its own anchor will say. Beside one of the other stream this one goes on.
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
    fn line(&self, line: &[u8], offset: usize, open: &mut Open, findings: &mut Vec<Finding>) -> bool {
        open.n_lines += 1;
        open.n_bytes += line.len();
        let end = find_end(line);
        let text = &line[..end.unwrap_or(line.len())];
        let in_column =
            open.prefix.as_ref().filter(|prefix| is_alike(prefix, text)).and_then(|prefix| run_at(text, prefix.len()));
        let run = in_column.unwrap_or_else(|| longest_run(text));
        let is_header = HEADERS.iter().any(|header| text.trim_ascii_start().starts_with(header));
        let is_column = in_column.is_some() && (run.len() >= SHORT || is_dress(&text[run.end..]));
        let is_first = open.prefix.is_none() && run.len() >= SHORT && is_dress(&text[run.end..]);
        let is_long = run.len() >= LONG && !is_path(run.of(text));
        let label = memchr::memmem::find(text, &self.label).filter(|_| !self.label.is_empty());
        let is_body = label.is_none() && !is_header && !run.is_empty() && (is_long || is_column || is_first);
        if let (true, Some(rule)) = (is_body, self.rule) {
            findings.push(Finding::text(Span::new(offset + run.start, offset + run.end), rule));
        }
        match label.or(is_body.then_some(run.start)) {
            Some(start) => {
                open.prefix = Some(text[..start.min(MAX_PREFIX)].to_vec());
                open.idle = 0;
            }
            None => open.idle += 1,
        }
        if let Some(left) = &mut open.left {
            *left = left.saturating_sub(1);
        }
        let is_spent = open.idle >= MAX_IDLE || open.n_lines >= MAX_LINES || open.n_bytes >= MAX_BYTES;
        end.is_some() || open.left == Some(0) || is_spent
    }
}

/// The stream that a record of CRI or of Docker's json-file says it is of.
fn channel(line: &[u8]) -> Option<Channel> {
    let (out, err): (&[u8], &[u8]) = match line.first()? {
        b'{' => (b":\"stdout\"", b":\"stderr\""),
        byte if byte.is_ascii_digit() => (b" stdout ", b" stderr "),
        _ => return None,
    };
    // A time is no longer than that, and a stream is named before it or behind what the record says.
    let text = if line[0] == b'{' { line } else { &line[..line.len().min(48)] };
    let holds = |name| memchr::memmem::find(text, name).is_some();
    match (holds(out), holds(err)) {
        (true, false) => Some(Channel::Out),
        (false, true) => Some(Channel::Err),
        _ => None,
    }
}

/// Where a key begins: behind the line that says so.
struct Opening {
    end: usize,
    lines: Option<u32>,
}

/// `-----BEGIN RSA PRIVATE KEY-----`, `---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----`, `Private-Lines: 14`.
fn opening(hit: &Hit<'_>) -> Option<Opening> {
    let (hay, anchor) = (hit.hay, hit.anchor);
    let after = &hay[anchor.end..hit.record.end];
    if anchor.of(hay).ends_with(b":") {
        let number = after.trim_ascii_start();
        let digits = number.iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
        let lines = std::str::from_utf8(&number[..digits]).ok()?.parse().ok()?;
        let end = hit.record.end - number.len() + digits;
        return Some(Opening { end, lines: Some(lines) });
    }
    // The dashes behind it are looked for first: prose about keys has none.
    let block = if after.len() >= 6 && after[..6].eq_ignore_ascii_case(b" block") { 6 } else { 0 };
    let space = usize::from(after.get(block) == Some(&b' '));
    let closing = after[block + space..].iter().take(8).take_while(|byte| **byte == b'-').count();
    if closing < 2 {
        return None;
    }
    let floor = hit.record.start.max(anchor.start.saturating_sub(48));
    let before = &hay[floor..anchor.start];
    let begin =
        (0..before.len().saturating_sub(5)).rev().find(|at| before[*at..at + 6].eq_ignore_ascii_case(b"begin "))?;
    let dashes = before[..begin].trim_ascii_end().iter().rev().take_while(|byte| **byte == b'-').count();
    let words = before[begin..].iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b' ');
    (dashes >= 2 && words).then_some(Opening { end: anchor.end + block + space + closing, lines: None })
}

/// Whether the line begins a key.
fn is_opening(line: &[u8]) -> bool {
    let record = Span::new(0, line.len());
    let mut from = 0;
    while let Some(at) = memchr::memchr2(b'P', b'p', &line[from..]).map(|at| from + at) {
        let is_anchor = |anchor: &[u8]| {
            let end = at + anchor.len();
            let there = line.get(at..end).is_some_and(|text| text.eq_ignore_ascii_case(anchor));
            there && opening(&Hit { hay: line, record, anchor: Span::new(at, end) }).is_some()
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
    let mac = memchr::memmem::find(text, b"Private-MAC:").or_else(|| memchr::memmem::find(text, b"Private-Hash:"));
    mac.filter(|at| text[..*at].trim_ascii().is_empty())
}

/// What lies between the line that begins a key and the one that ends it, without the white space and escapes at its edges.
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

/// White space, or an escape that stands for it, at the head.
fn edge_length(text: &[u8]) -> Option<usize> {
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

/// Whether a line begins as the one before did: the same bytes, but for digits, which count time.
fn is_alike(prefix: &[u8], line: &[u8]) -> bool {
    let alike = |(one, other): (&u8, &u8)| one == other || one.is_ascii_digit() && other.is_ascii_digit();
    line.len() > prefix.len() && prefix.iter().zip(line).all(alike)
}

/// A path is written in the same letters; it has more slashes than chance has.
fn is_path(run: &[u8]) -> bool {
    run.iter().filter(|byte| **byte == b'/').count() * 8 > run.len()
}

/// What stands behind a body in its line: nothing but escapes, quotes, marks of concatenation, the rest of a JSON record.
fn is_dress(text: &[u8]) -> bool {
    let mut at = 0;
    while at < text.len() {
        match edge_length(&text[at..]) {
            Some(length) => at += length,
            None if text[at].is_ascii_alphanumeric() => {
                return text[at..].starts_with(b"\"stream") || is_members(&text[at..]);
            }
            None => at += 1,
        }
    }
    true
}

/// `","stream":"stdout","time":"…"}`: the rest of a JSON record whose string ended with the line.
fn is_members(text: &[u8]) -> bool {
    let word = text.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
    text[word..].starts_with(b"\":") && text.trim_ascii_end().ends_with(b"}")
}

/// The run that begins in that column, and not before it.
fn run_at(text: &[u8], column: usize) -> Option<Span> {
    let length = text.get(column..)?.iter().take_while(|byte| is_base64(**byte)).count();
    let begins = column == 0 || !is_base64(text[column - 1]);
    (length > 0 && begins).then(|| Span::new(column, column + length))
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
        let lines = ["-----BEGIN RSA PRIVATE KEY-----".to_owned(), body(0), body(1), "Q1w2e3=".to_owned()];
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
            let text = format!("before\n{}after with /a/path/that/is/long/enough\n", pem(prefix, eol));
            let expected = format!("before\n{}after with /a/path/that/is/long/enough\n", clean(prefix, eol));
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
