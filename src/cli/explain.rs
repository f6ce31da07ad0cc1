//! `logscrub explain`: each record with a finding, before and after, with the rules below it.
//!
//! The secrets are masked, unless `--show-secrets` is given and standard output is a terminal. JSON
//! has one object per finding, with its place and never its value.
//!
//! Only bytes that were fully examined are shown. Of a record over the limit, that is the part that
//! a window decides: neither the context before it nor the end that the next window examines again.

use std::{
    io::{self, IsTerminal as _, Read},
    path::{Path, PathBuf},
};

use anstyle::{AnsiColor, Style};
use clap::Args;

use super::{
    mask::masked,
    named_input,
    settings::Settings,
    terminal::{Out, Terminal, UNEXAMINED},
};
use crate::{
    BLOCK,
    detect::rejection::Rejected,
    error::Error,
    finding::Finding,
    frame::{
        buffer::{Block, BlockBuffer, Window},
        flush::{FlushPolicy, InputState},
    },
    scrub::Scrubber,
    source::refuse::Gate,
    text::{encoding::Encoding, line, span::Span},
};

/// How much of a record is shown on either side of a finding.
const EXCERPT: usize = 120;

const EXAMPLES: &str = "\
Examples:
  logscrub explain app.log                 each record before and after
  logscrub explain --why app.log           and why the rest was not replaced
  logscrub explain --json app.log | jq .rule
  logscrub --only github-* explain a.log b.log";

/// Show what would be replaced, by which rule, and why the rest is not
///
/// Prints each record with a finding, before and after. The secrets are masked, unless
/// --show-secrets is given on a terminal. Nothing is changed.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Explain {
    /// Files to read; `-` or none for standard input
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Print one JSON object per finding, without the value
    ///
    /// Its members: file, record (from 1), offset and length (in bytes, from the beginning of the
    /// record), rule, class, style, encodings.
    #[arg(long, help_heading = "Report")]
    json: bool,
    /// Explain also why each other candidate is not a finding
    ///
    /// A candidate is a place where a literal of a rule, its anchor, was found. Only the anchor is
    /// shown, nothing else of the record. With --json, each candidate is an object with file,
    /// record, offset, length, anchor, by (the rule, or the detector that several rules share) and
    /// refuted (the reason).
    #[arg(long, help_heading = "Report")]
    why: bool,
    /// Show the secrets themselves; only on a terminal
    ///
    /// An error if standard output is a file or a pipe, and together with --json.
    #[arg(long, help_heading = "Report")]
    show_secrets: bool,
}

/// How findings are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum View {
    Json,
    Masked,
    Shown,
}

impl View {
    fn new(explain: &Explain) -> Result<View, Error> {
        match (explain.json, explain.show_secrets) {
            (_, true) if explain.json || !io::stdout().is_terminal() => {
                Err(Error::usage("--show-secrets: standard output is not a terminal")
                    .hint("secrets are shown only to people, not in files, pipes or JSON"))
            }
            (true, _) => Ok(View::Json),
            (_, true) => Ok(View::Shown),
            _ => Ok(View::Masked),
        }
    }
}

/// Explains each file in turn. One that cannot be read is reported, and the others are still
/// explained.
pub(super) fn run(explain: &Explain, settings: &Settings, terminal: Terminal) -> Result<u8, Error> {
    let view = View::new(explain)?;
    let stdin = [PathBuf::from("-")];
    let files = match &explain.files[..] {
        [] => &stdin[..],
        files => files,
    };
    if explain.files.is_empty() && io::stdin().is_terminal() {
        return Err(Error::usage("explain: standard input is a terminal")
            .hint("name a file, as in `logscrub explain app.log`"));
    }
    let scrubber = settings.scrubber()?;
    let mut out = terminal.out();
    let (mut n_findings, mut is_complete) = (0, true);
    for path in files {
        let mut scrubber = scrubber.fork();
        if explain.why {
            scrubber.ask_why();
        }
        let mut explainer = Explainer::new(scrubber, view, path, &mut out);
        let result =
            named_input::open(path).and_then(|file| explainer.read(file, settings.max_record));
        n_findings += explainer.n_findings;
        is_complete &= explainer.is_complete;
        match result {
            Ok(()) => {}
            Err(error) if error.is_about_input() => {
                terminal.complain(&error);
                is_complete = false;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(if is_complete { u8::from(settings.fail_on_findings && n_findings > 0) } else { UNEXAMINED })
}

struct Explainer<'o> {
    scrubber: Scrubber,
    view: View,
    name: String,
    out: &'o mut Out,
    /// Records before the current one.
    record: u64,
    /// Bytes of the current record that earlier windows decided.
    n_decided: usize,
    n_findings: u64,
    is_complete: bool,
    /// The number of the record that was printed last.
    last_printed: u64,
}

/// What is shown of one record.
#[derive(Clone, Copy)]
struct Entry<'h> {
    hay: &'h [u8],
    /// What may be shown: the record, or the part that a window decides.
    text: Span,
    /// How many bytes of the record come before `text`.
    before: usize,
    /// Whether `text` is all of the record.
    is_whole: bool,
    number: u64,
    findings: &'h [Finding],
}

impl<'o> Explainer<'o> {
    fn new(scrubber: Scrubber, view: View, path: &Path, out: &'o mut Out) -> Explainer<'o> {
        let name = masked(&named_input::name(path));
        Explainer {
            scrubber,
            view,
            name,
            out,
            record: 0,
            n_decided: 0,
            n_findings: 0,
            is_complete: true,
            last_printed: 0,
        }
    }

    fn read(&mut self, mut source: Box<dyn Read>, max_record: usize) -> Result<(), Error> {
        let mut buffer = BlockBuffer::new(BLOCK, max_record);
        let mut gate = Gate::default();
        loop {
            let n_bytes = match source.read(buffer.space()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read.map_err(|error| Error::input(&self.name, error))?,
            };
            buffer.advance(n_bytes);
            let (mut is_full, mut n_pending) = (false, buffer.n_pending());
            while let Some(piece) = buffer.next_block(n_bytes == 0) {
                gate.pass(&self.name, piece.bytes())?;
                let input = match n_bytes {
                    _ if is_full => InputState::TimedOut,
                    0 if piece.bytes().len() == n_pending => InputState::Ended,
                    _ => InputState::Open,
                };
                let (done, ends_record) = match piece {
                    Block::Records(hay) => {
                        (self.records(hay, FlushPolicy { input, limit: max_record })?, true)
                    }
                    Block::Window(window) => (self.window(window)?, window.is_last),
                };
                if done == 0 && !is_full {
                    // Wait for the rest of the record, unless the buffer has no more space.
                    is_full = buffer.is_full();
                    if !is_full {
                        break;
                    }
                    continue;
                }
                is_full = false;
                buffer.consume(done, ends_record);
                n_pending = buffer.n_pending();
            }
            if n_bytes == 0 {
                return Ok(());
            }
        }
    }

    /// Shows the findings in `hay`. Returns how many bytes could be examined now.
    fn records(&mut self, hay: &[u8], flush: FlushPolicy) -> Result<usize, Error> {
        let found = self.scrubber.find_piece(Block::Records(hay), flush);
        let hay = found.done.of(hay);
        if !found.is_examined {
            return self.each_record(hay);
        }
        let (findings, rejected) = (found.findings.to_vec(), found.rejected);
        let is_one_record = |from: usize, to: usize| {
            memchr::memchr(b'\n', hay.get(from..to).unwrap_or_default()).is_none()
        };
        let mut found =
            findings.chunk_by(|one, next| is_one_record(one.span.end, next.span.start)).peekable();
        let mut rejected = rejected
            .chunk_by(|one, next| is_one_record(one.anchor.start, next.anchor.start))
            .peekable();
        let mut counted = 0;
        loop {
            let finding = found.peek().map(|group| group[0].span.start);
            let rejection = rejected.peek().map(|group| group[0].anchor.start);
            let Some(first) = finding.into_iter().chain(rejection).min() else { break };
            let text = line::around(hay, first);
            self.record += line::count(&hay[counted..text.start.max(counted)]);
            counted = text.start.max(counted);
            let number = self.record + 1;
            if finding == Some(first) {
                let findings = found.next().unwrap_or_default();
                self.show(Entry { hay, text, before: 0, is_whole: true, number, findings })?;
            } else {
                let rejected = rejected.next().unwrap_or_default();
                self.show_rejected(number, rejected, |anchor| {
                    anchor.start.saturating_sub(text.start)
                })?;
            }
        }
        self.record += line::count(&hay[counted..]);
        Ok(hay.len())
    }

    /// Examines each record of a block in which something failed, so that only the records that
    /// fail are left out.
    fn each_record(&mut self, hay: &[u8]) -> Result<usize, Error> {
        let mut start = 0;
        while start < hay.len() {
            let end = line::next(hay, start);
            let record = &hay[start..end];
            if start == 0 && end == hay.len() {
                self.withhold()?;
                self.record += 1;
            } else {
                self.records(record, FlushPolicy::AT_END)?;
            }
            start = end;
        }
        Ok(hay.len())
    }

    /// Shows the findings that a part of a record over the limit decides.
    fn window(&mut self, window: Window<'_>) -> Result<usize, Error> {
        let Window { hay, context, is_last } = window;
        let found = self.scrubber.find_piece(Block::Window(window), FlushPolicy::AT_END);
        let (done, is_examined, findings) =
            (found.done, found.is_examined, found.findings.to_vec());
        let rejected = found.rejected;
        let (before, number) = (self.n_decided + (done.start - context), self.record + 1);
        if !is_examined {
            self.withhold()?;
        } else if !findings.is_empty() {
            let end = line::from(hay, done.start).end.min(done.end);
            let text = Span::new(done.start, end);
            self.show(Entry { hay, text, before, is_whole: false, number, findings: &findings })?;
        }
        self.show_rejected(number, &rejected, |anchor| before + (anchor.start - done.start))?;
        self.n_decided = if is_last { 0 } else { self.n_decided + (done.end - context) };
        self.record += u64::from(is_last);
        Ok(done.end)
    }

    /// Reports that the current record could not be examined. None of it is shown.
    fn withhold(&mut self) -> Result<(), Error> {
        self.is_complete = false;
        if self.view == View::Json {
            return Ok(());
        }
        let mut text = self.heading(self.record + 1);
        text.extend_from_slice(b"    could not be examined; it is withheld\n");
        self.out.bytes(&text).map(drop)
    }

    fn show(&mut self, entry: Entry<'_>) -> Result<(), Error> {
        self.n_findings += entry.findings.len() as u64;
        let text = match self.view {
            View::Json => self.json(entry),
            View::Masked | View::Shown => self.human(entry),
        };
        self.out.bytes(&text).map(drop)
    }

    /// Shows why candidates of a record are not findings. Of the record, only the anchor is shown,
    /// which the rule declares.
    fn show_rejected(
        &mut self,
        number: u64,
        rejected: &[Rejected],
        offset: impl Fn(Span) -> usize,
    ) -> Result<(), Error> {
        if rejected.is_empty() {
            return Ok(());
        }
        let mut text = if self.view == View::Json { Vec::new() } else { self.heading(number) };
        for one in rejected {
            let (by, at) = (self.scrubber.rejected_by(one), offset(one.anchor));
            let mut anchor = Vec::new();
            printable(&one.text, &mut anchor);
            let anchor = String::from_utf8(anchor).unwrap_or_default();
            let line = if self.view == View::Json {
                let (file, length, refuted) =
                    (&self.name, one.anchor.len(), one.rejection.reason());
                serde_json::json!({
                    "file": file, "record": number, "offset": at, "length": length,
                    "anchor": anchor, "by": by, "refuted": refuted,
                })
                .to_string()
            } else {
                let dimmed = Style::new().dimmed();
                format!(
                    "    {dimmed}not {by}: {anchor} at {at}: {}{dimmed:#}",
                    one.rejection.reason()
                )
            };
            text.extend_from_slice(line.as_bytes());
            text.push(b'\n');
        }
        self.out.bytes(&text).map(drop)
    }

    fn json(&self, entry: Entry<'_>) -> Vec<u8> {
        let mut text = String::new();
        for finding in entry.findings {
            let rule = self.scrubber.rules().get(finding.rule);
            let object = serde_json::json!({
                "file": self.name,
                "record": entry.number,
                "offset": entry.offset(finding),
                "length": finding.span.len(),
                "rule": rule.id(),
                "encodings": self.encodings(finding),
                "class": rule.class().name(),
                "style": self.scrubber.style(finding.rule).to_string(),
            });
            text.push_str(&format!("{object}\n"));
        }
        text.into_bytes()
    }

    /// The file and the number of the record, or nothing if they were printed already.
    fn heading(&mut self, number: u64) -> Vec<u8> {
        if std::mem::replace(&mut self.last_printed, number) == number {
            return Vec::new();
        }
        let bold = Style::new().bold();
        let mut text = bold.render().to_string().into_bytes();
        printable(self.name.as_bytes(), &mut text);
        text.extend_from_slice(format!(":{number}{bold:#}\n").as_bytes());
        text
    }

    fn human(&mut self, entry: Entry<'_>) -> Vec<u8> {
        let mut text = self.heading(entry.number);
        if self.has_more(entry) {
            text.extend_from_slice(
                b"    more is found once these are replaced; the record is not shown\n",
            );
        } else {
            let (red, green) = (AnsiColor::Red.on_default(), AnsiColor::Green.on_default());
            self.side(entry, Side { sign: '-', style: red, is_clean: false }, &mut text);
            self.side(entry, Side { sign: '+', style: green, is_clean: true }, &mut text);
        }
        let dimmed = Style::new().dimmed();
        for finding in entry.findings {
            let rule = self.scrubber.rules().get(finding.rule);
            let (at, length) = (entry.offset(finding), finding.span.len());
            let place = format!("{dimmed}{length} bytes at {at}{dimmed:#}");
            let path = self.encodings(finding).join(" > ");
            let path = if path.is_empty() { path } else { format!("  behind {path}") };
            let line = format!("    {} ({})  {place}{path}\n", rule.id(), rule.class().name());
            text.extend_from_slice(line.as_bytes());
        }
        text
    }

    /// The encodings that contain a finding, the outermost first.
    fn encodings(&self, finding: &Finding) -> Vec<&'static str> {
        self.scrubber.encodings(finding).map(Encoding::name).collect()
    }

    /// Whether the second pass of the filter finds more in the clean record: a secret that the
    /// first pass did not find.
    fn has_more(&self, entry: Entry<'_>) -> bool {
        if self.view == View::Shown || !entry.is_whole {
            return false;
        }
        let mut clean = Vec::new();
        let mut at = entry.text.start;
        for finding in entry.findings {
            clean.extend_from_slice(&entry.hay[at..finding.span.start]);
            self.scrubber.replacement(entry.hay, finding, &mut clean);
            at = finding.span.end;
        }
        clean.extend_from_slice(&entry.hay[at..entry.text.end.max(at)]);
        let mut again = self.scrubber.fork();
        let found = again.find_piece(Block::Records(&clean), FlushPolicy::AT_END);
        !found.is_examined || !found.findings.is_empty()
    }

    fn side(&self, entry: Entry<'_>, side: Side, text: &mut Vec<u8>) {
        let Entry { hay, findings, .. } = entry;
        let style = side.style;
        text.extend_from_slice(format!("{style}{}{style:#} ", side.sign).as_bytes());
        let mut findings = findings.iter().peekable();
        let mut shown = entry.text.start;
        for excerpt in entry.excerpts() {
            if excerpt.start > shown || shown == entry.text.start && entry.before > 0 {
                text.extend_from_slice("…".as_bytes());
            }
            let mut at = excerpt.start;
            while let Some(finding) = findings.next_if(|finding| finding.span.start < excerpt.end) {
                printable(&hay[at..finding.span.start], text);
                text.extend_from_slice(style.render().to_string().as_bytes());
                self.value(hay, finding, side, text);
                text.extend_from_slice(style.render_reset().to_string().as_bytes());
                at = finding.span.end;
            }
            printable(&hay[at..excerpt.end], text);
            shown = excerpt.end;
        }
        if shown < entry.text.end || !entry.is_whole {
            text.extend_from_slice("…".as_bytes());
        }
        text.push(b'\n');
    }

    fn value(&self, hay: &[u8], finding: &Finding, side: Side, text: &mut Vec<u8>) {
        if side.is_clean {
            let mut clean = Vec::new();
            self.scrubber.replacement(hay, finding, &mut clean);
            printable(&clean, text);
        } else if self.view == View::Shown {
            printable(finding.span.of(hay), text);
        } else {
            text.extend(std::iter::repeat_n(b'*', finding.span.len().min(EXCERPT)));
        }
    }
}

impl Entry<'_> {
    /// Where the finding begins in its record.
    fn offset(&self, finding: &Finding) -> usize {
        self.before + (finding.span.start - self.text.start)
    }

    /// The parts that are shown: each finding with some bytes on either side. Parts that touch are
    /// joined.
    fn excerpts(&self) -> Vec<Span> {
        let mut excerpts: Vec<Span> = Vec::new();
        for finding in self.findings {
            let start = finding.span.start.saturating_sub(EXCERPT).max(self.text.start);
            let end = (finding.span.end + EXCERPT).min(self.text.end).max(finding.span.end);
            match excerpts.last_mut() {
                Some(last) if start <= last.end => last.end = end,
                _ => excerpts.push(Span::new(start, end)),
            }
        }
        excerpts
    }
}

/// How one of the two lines, before and after, is printed.
#[derive(Clone, Copy)]
struct Side {
    sign: char,
    style: Style,
    is_clean: bool,
}

/// Writes bytes in a form that is safe for a terminal. Control characters (also the colour codes of
/// the log), characters that change the direction of text, invisible ones and invalid UTF-8 are
/// written as `\x1b` or `\u{202e}`.
fn printable(bytes: &[u8], text: &mut Vec<u8>) {
    for chunk in bytes.utf8_chunks() {
        for letter in chunk.valid().chars() {
            match letter {
                '\t' => text.push(b'\t'),
                _ if letter.is_ascii_control() => {
                    text.extend_from_slice(format!("\\x{:02x}", letter as u32).as_bytes())
                }
                _ if letter.is_control() || is_invisible(letter) => {
                    text.extend(letter.escape_unicode().map(|letter| letter as u8));
                }
                _ => text.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        for byte in chunk.invalid() {
            text.extend_from_slice(format!("\\x{byte:02x}").as_bytes());
        }
    }
}

fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::RuleId;

    #[test]
    fn what_a_terminal_would_obey_is_escaped() {
        let mut text = Vec::new();
        printable("a\tb\u{1b}[31m \u{9b}1m \u{202e}é".as_bytes(), &mut text);
        printable(b"\xff\xc3", &mut text);
        assert_eq!(text, "a\tb\\x1b[31m \\u{9b}1m \\u{202e}é\\xff\\xc3".as_bytes());
    }

    #[test]
    fn distant_findings_have_separate_excerpts() {
        let hay = vec![b'x'; 2000];
        let finding = |start| Finding::text(Span::new(start, start + 10), RuleId(0));
        let findings = [finding(500), finding(600), finding(1990)];
        let entry = Entry {
            hay: &hay,
            text: Span::new(400, 2000),
            before: 7,
            is_whole: true,
            number: 1,
            findings: &findings,
        };
        assert_eq!(entry.excerpts(), [Span::new(400, 730), Span::new(1870, 2000)]);
        assert_eq!(entry.offset(&findings[0]), 107);
    }
}
