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
//! A key without a last line closes after [`open::MAX_IDLE`] lines without a body,
//! [`open::MAX_LINES`] lines or [`open::MAX_BYTES`] bytes. Until then base64 lines are redacted.
//!
//! Not promised: control sequences between the words `PRIVATE KEY` hide a key. In a key without a
//! last line, a single word after the same prefix directly after a body is taken for its last line.
//!
//! <https://www.rfc-editor.org/rfc/rfc7468>,
//! <https://the.earth.li/~sgtatham/putty/latest/htmldoc/AppendixC.html>

mod body;
mod boundary;
mod open;
mod plain;

pub(super) use self::open::Open;
use self::{boundary::Opening, plain::Plain};
use super::{Candidate, Context, Detector, Located, MAX_SECRET, Rejection, State};
use crate::{
    finding::Finding,
    redact::placeholder::Placeholders,
    rules::{Recogniser, RuleId, RuleSet},
    text::{line, span::Span, visits},
};

/// How many bytes after a key's first line decide whether a body begins there.
const MAX_HEAD: usize = 4 << 10;

/// The detector of private keys.
pub(crate) struct PrivateKeyDetector {
    rule: Option<RuleId>,
    /// The rule's placeholder, by which lines are recognised that were redacted before.
    label: Vec<u8>,
}

impl Detector for PrivateKeyDetector {
    fn detect(&self, candidate: Candidate, context: &mut Context<'_>) -> Result<(), Rejection> {
        let rule = self.rule.ok_or(Rejection::RuleOff)?;
        // Everything before this offset belongs to a key that was examined.
        if candidate.span().start < context.memory.private_key {
            return Err(Rejection::AlreadyExamined);
        }
        let located = &context.locate(candidate);
        // The words before the anchor are compared at each offset.
        visits::add(48);
        let opening = boundary::opening(located).ok_or(Rejection::NotKeyHeader)?;
        let key = KeyInRecord::read(located, &opening);
        let Context { placeholders, findings, state, memory, .. } = context;
        let n_before = findings.len();
        key.report(opening.end, rule, findings);
        let is_alone = !state.has_open_key();
        memory.private_key =
            key.end.filter(|_| is_alone).map_or(located.record.end, |end| opening.end + end);
        if key.goes_on(placeholders) {
            state.key_block = Some(Open::new(located, &opening));
        }
        if state.has_open_key() {
            let next = line::next(located.hay, located.record.end);
            memory.private_key = self.lines(located.hay, next, state, findings);
        }
        if findings.len() > n_before { Ok(()) } else { Err(Rejection::NoKeyBody) }
    }
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
            let next = line::next(hay, at);
            let line = &hay[at..next];
            visits::add(6 * line.len());
            let channel = open.channel.and_then(|_| open::channel(line));
            if boundary::is_opening(line) {
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
        let plain = Plain::new(line);
        let end = boundary::find_end(plain.text());
        let text = &plain.text()[..end.unwrap_or(plain.text().len())];
        let label = memchr::memmem::find(text, &self.label).filter(|_| !self.label.is_empty());
        let run = if label.is_none() { open.body_in(text) } else { None };
        if let (Some(run), Some(rule)) = (run, self.rule) {
            let raw = plain.raw(run);
            findings.push(Finding::text(Span::new(offset + raw.start, offset + raw.end), rule));
        }
        open.follow(line.len(), text, label.or(run.map(|run| run.start)));
        end.is_some() || open.is_spent()
    }
}

/// A key as far as it is in the record of its first line.
struct KeyInRecord<'h> {
    /// The record after the first line of the key.
    rest: &'h [u8],
    /// The offset in `rest` of the key's last line.
    end: Option<usize>,
    body: Option<Span>,
    /// The elements inside `body`, if the key's lines are elements of an array.
    elements: Option<Vec<Span>>,
}

impl<'h> KeyInRecord<'h> {
    /// Reads the record after the first line of a key.
    fn read(located: &Located<'h>, opening: &Opening) -> KeyInRecord<'h> {
        let rest = &located.hay[opening.end..located.record.end];
        visits::add(4 * rest.len());
        // A text that begins like a body is read to the end of the record, however long that is.
        let head = Plain::new(&rest[..rest.len().min(MAX_HEAD)]);
        let is_long = body::is_body(body::behind_edge(head.text()));
        let limit = if is_long { rest.len() } else { rest.len().min(MAX_SECRET) };
        let end = boundary::end_in_record(&rest[..limit], opening);
        let body = body::body(rest, end.unwrap_or(limit));
        let elements = body.and_then(|body| body::elements(body.of(rest), end));
        let is_known = elements.is_some() || end.is_some();
        let body = body.filter(|body| is_known || body::is_body(Plain::new(body.of(rest)).text()));
        KeyInRecord { rest, end, body, elements }
    }

    /// Adds the body, or each of its elements, to the findings. `offset`: where `rest` begins.
    fn report(&self, offset: usize, rule: RuleId, findings: &mut Vec<Finding>) {
        let Some(body) = self.body else { return };
        let from = offset + body.start;
        let whole = [Span::new(0, body.len())];
        let spans = self.elements.as_deref().unwrap_or(&whole).iter();
        findings.extend(
            spans.map(|span| Finding::text(Span::new(from + span.start, from + span.end), rule)),
        );
    }

    /// Whether the key goes on in the next records: it has no last line, and the rest of the record
    /// is not prose about keys.
    fn goes_on(&self, placeholders: &Placeholders) -> bool {
        if self.end.is_some() || self.elements.is_some() {
            return false;
        }
        let plain = Plain::new(self.rest);
        let text = plain.text();
        let is_prose = self.body.is_none()
            && text.iter().any(u8::is_ascii_alphanumeric)
            && !body::is_dress(text);
        !is_prose || placeholders.is_whole(text.trim_ascii())
    }
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
        for n in 0..super::open::MAX_IDLE {
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
