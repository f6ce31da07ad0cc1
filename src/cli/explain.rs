//! `logscrub explain`: each record with a finding, before and after, with the rule under it.
//!
//! The secret itself is masked, unless `--show-secrets` is typed and standard output is a terminal. As JSON there is one object
//! a finding, with where it lies and never what it is.

use std::{
    fs::File,
    io::{self, IsTerminal as _, Read},
    path::{Path, PathBuf},
};

use anstyle::{AnsiColor, Style};

use super::{Out, settings::Settings};
use crate::{
    BLOCK,
    error::Error,
    frame::{
        block::{BlockBuffer, Piece},
        line,
    },
    scrub::Scrubber,
    source::refuse::Gate,
    span::{Finding, Span},
};

/// So much of a record is shown around its findings.
const EXCERPT: usize = 120;

/// How findings are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    Json,
    Masked,
    Shown,
}

impl View {
    pub(super) fn new(json: bool, show_secrets: bool) -> Result<View, Error> {
        match (json, show_secrets) {
            (_, true) if json || !io::stdout().is_terminal() => {
                Err(Error::usage("--show-secrets: standard output is no terminal")
                    .hint("secrets are shown to people only, never to a file or a pipe"))
            }
            (true, _) => Ok(View::Json),
            (_, true) => Ok(View::Shown),
            _ => Ok(View::Masked),
        }
    }
}

pub(super) fn run(settings: &Settings, files: &[PathBuf], view: View, out: &mut Out) -> Result<u8, Error> {
    let rules = settings.selection.load()?;
    let stdin = [PathBuf::from("-")];
    let mut n_findings = 0;
    for path in if files.is_empty() { &stdin } else { files } {
        let scrubber = Scrubber::new(&rules, &settings.policy)?;
        let name = if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() };
        let source: Box<dyn Read> = if path == Path::new("-") {
            Box::new(io::stdin().lock())
        } else {
            Box::new(File::open(path).map_err(|error| Error::unreadable(path, error))?)
        };
        let mut explainer = Explainer { scrubber, view, name, out, record: 0, n_findings: 0 };
        explainer.read(source, settings.max_record)?;
        n_findings += explainer.n_findings;
    }
    Ok(u8::from(settings.fail_on_findings && n_findings > 0))
}

struct Explainer<'o> {
    scrubber: Scrubber,
    view: View,
    name: String,
    out: &'o mut Out,
    /// Records before the current piece.
    record: u64,
    n_findings: u64,
}

impl Explainer<'_> {
    fn read(&mut self, mut source: Box<dyn Read>, max_record: usize) -> Result<(), Error> {
        let mut buffer = BlockBuffer::new(BLOCK, max_record);
        let mut gate = Gate::default();
        loop {
            let n_bytes = source.read(buffer.space()).map_err(|error| Error::input(&self.name, error))?;
            buffer.advance(n_bytes);
            while let Some(piece) = buffer.piece(n_bytes == 0) {
                gate.pass(&self.name, piece.bytes())?;
                let (done, ends_record) = match piece {
                    Piece::Records(hay) => (self.records(hay)?, true),
                    // A record over the limit is shown window by window, each as if it were all of it.
                    Piece::Window(window) => {
                        self.window(window.hay, window.context)?;
                        self.record += u64::from(window.is_last);
                        (window.hay.len(), window.is_last)
                    }
                };
                buffer.consume(done, ends_record);
            }
            if n_bytes == 0 {
                return Ok(());
            }
        }
    }

    fn records(&mut self, hay: &[u8]) -> Result<usize, Error> {
        let findings = self.scrubber.find(hay).to_vec();
        let mut at = 0;
        for group in findings.chunk_by(|one, next| memchr::memchr(b'\n', &hay[one.span.end..next.span.start]).is_none())
        {
            let record = line::around(hay, group[0].span.start);
            let number = self.record + line::count(&hay[..record.start]) + 1;
            self.show(hay, record, number, group)?;
            at = record.end;
        }
        debug_assert!(at <= hay.len());
        self.record += line::count(hay);
        Ok(hay.len())
    }

    fn window(&mut self, hay: &[u8], context: usize) -> Result<(), Error> {
        let findings: Vec<Finding> =
            self.scrubber.find(hay).iter().filter(|finding| finding.span.start >= context).copied().collect();
        if findings.is_empty() {
            return Ok(());
        }
        self.show(hay, line::around(hay, context), self.record + 1, &findings)
    }

    fn show(&mut self, hay: &[u8], record: Span, number: u64, findings: &[Finding]) -> Result<(), Error> {
        self.n_findings += findings.len() as u64;
        let text = match self.view {
            View::Json => self.json(record, number, findings),
            View::Masked | View::Shown => self.human(hay, record, number, findings),
        };
        self.out.bytes(&text).map(drop)
    }

    fn json(&self, record: Span, number: u64, findings: &[Finding]) -> Vec<u8> {
        let mut text = String::new();
        for finding in findings {
            let rule = self.scrubber.rules().get(finding.rule);
            let object = serde_json::json!({
                "file": self.name,
                "record": number,
                "offset": finding.span.start - record.start,
                "length": finding.span.len(),
                "rule": rule.id(),
                "class": rule.class().name(),
                "style": self.scrubber.style(finding.rule).to_string(),
            });
            text.push_str(&format!("{object}\n"));
        }
        text.into_bytes()
    }

    fn human(&self, hay: &[u8], record: Span, number: u64, findings: &[Finding]) -> Vec<u8> {
        let bold = Style::new().bold();
        let mut text = format!("{bold}{}:{number}{bold:#}\n", self.name).into_bytes();
        let first = findings[0].span.start.saturating_sub(EXCERPT).max(record.start);
        let last = (findings[findings.len() - 1].span.end + EXCERPT).min(record.end);
        let excerpt = Span::new(first, last);
        let red = AnsiColor::Red.on_default();
        let green = AnsiColor::Green.on_default();
        self.side(hay, record, excerpt, findings, Side { sign: '-', style: red, is_clean: false }, &mut text);
        self.side(hay, record, excerpt, findings, Side { sign: '+', style: green, is_clean: true }, &mut text);
        for finding in findings {
            let rule = self.scrubber.rules().get(finding.rule);
            let (at, length) = (finding.span.start - record.start, finding.span.len());
            let line = format!("    {} ({}), {length} bytes at {at}\n", rule.id(), rule.class().name());
            text.extend_from_slice(line.as_bytes());
        }
        text
    }

    fn side(&self, hay: &[u8], record: Span, excerpt: Span, findings: &[Finding], side: Side, text: &mut Vec<u8>) {
        let style = side.style;
        text.extend_from_slice(format!("{style}{}{style:#} ", side.sign).as_bytes());
        let cut = |is_cut: bool| if is_cut { "…".as_bytes() } else { b"" };
        text.extend_from_slice(cut(excerpt.start > record.start));
        let mut at = excerpt.start;
        for finding in findings {
            printable(&hay[at..finding.span.start], text);
            text.extend_from_slice(style.render().to_string().as_bytes());
            if side.is_clean {
                self.scrubber.replacement(hay, finding, text);
            } else if self.view == View::Shown {
                printable(finding.span.of(hay), text);
            } else {
                text.extend(std::iter::repeat_n(b'*', finding.span.len().min(EXCERPT)));
            }
            text.extend_from_slice(style.render_reset().to_string().as_bytes());
            at = finding.span.end;
        }
        printable(&hay[at..excerpt.end], text);
        text.extend_from_slice(cut(excerpt.end < record.end));
        text.push(b'\n');
    }
}

/// How one of the two lines is written.
#[derive(Clone, Copy)]
struct Side {
    sign: char,
    style: Style,
    is_clean: bool,
}

/// Bytes as a terminal can take them: control characters (a log's own colours among them) become `\xNN`.
fn printable(bytes: &[u8], text: &mut Vec<u8>) {
    for byte in bytes {
        if byte.is_ascii_control() && *byte != b'\t' {
            text.extend_from_slice(format!("\\x{byte:02x}").as_bytes());
        } else {
            text.push(*byte);
        }
    }
}
