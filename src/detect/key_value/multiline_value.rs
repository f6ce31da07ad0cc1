//! Values on the lines below their key: YAML's block scalars and lists, JSON over several lines.
//!
//! A key opens such a value when its line ends before the value does. Each line that follows is
//! read as part of the value until it ends: at the latest after [`MAX_LINES`] lines, or with a line
//! that cannot belong to it. Secrets are replaced within their lines, so the number of lines and
//! their indentation stay. What a container runtime wrote before a line is not part of it.
//!
//! Whether a line is a secret is asked of the table in [`verdict`](super::verdict), as it is for a
//! value on the line of its key.

use super::{
    name::{Key, KeyStrength},
    report::Report,
    syntax::ValueSyntax,
    value::Value,
    verdict,
};
use crate::{
    detect::{Located, MAX_SECRET, edge},
    finding::{Finding, Shape},
    rules::RuleId,
    text::{
        json::{Kind, Token, Tokens},
        span::Span,
        visits,
    },
};

const MAX_LINES: u32 = 1024;

/// A line that was read as part of such a value, or the line of its key; and what was open before
/// it and after it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Read {
    pub(crate) start: usize,
    pub(crate) before: Option<Open>,
    pub(crate) after: Option<Open>,
}

/// A value that has not ended yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Open {
    layout: Layout,
    rule: RuleId,
    strength: KeyStrength,
    n_lines: u32,
}
impl Open {
    /// The same under the number that its rule has in another set.
    pub(crate) fn renumbered(self, number: impl Fn(RuleId) -> Option<RuleId>) -> Option<Open> {
        Some(Open { rule: number(self.rule)?, ..self })
    }
}

/// How the value is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    /// `password: |`: every line that is indented further than the key.
    Block { indent: usize },
    /// `passwords:`: one line, or the items of a list.
    Items { indent: usize },
    /// `"password":`: the value is the next thing.
    Member,
    /// `"passwords": [`: so many brackets are open.
    Structure { depth: u32 },
}

/// The value that the key opens on the lines below it; nothing when its value is on its own line.
///
/// The brackets of an earlier key's structure were counted up to `counted` in this text. No
/// structure inside it is counted again: if the outer one closes on its line, so does every inner
/// one; and if it stays open, the lines below it hold those of the inner ones.
pub(super) fn open(
    located: &Located<'_>,
    key: &Key,
    strength: KeyStrength,
    counted: &mut usize,
) -> Option<Open> {
    let line = &located.hay[..located.record.end];
    let at = key.quote.map_or(key.name.end, |quote| quote.end);
    let rest = trim_start(trim_start(&line[at..]).strip_prefix(b":")?);
    let layout = match key.quote {
        Some(quote) if quote.of(line) != b"\"" => return None,
        Some(_) if rest.is_empty() => Layout::Member,
        Some(_) if matches!(rest[0], b'[' | b'{') => {
            let start = line.len() - rest.len();
            if start < *counted {
                return None;
            }
            Layout::Structure { depth: depth(rest, start, counted)? }
        }
        Some(_) => return None,
        None => yaml_layout(rest, key_indent(located, key.name)?)?,
    };
    Some(Open { layout, rule: key.rule, strength, n_lines: 0 })
}

fn trim_start(text: &[u8]) -> &[u8] {
    let rest = text.trim_ascii_start();
    visits::add(text.len() - rest.len());
    rest
}

/// What the end of a key's line in YAML opens.
fn yaml_layout(rest: &[u8], indent: usize) -> Option<Layout> {
    match rest {
        [] => Some(Layout::Items { indent }),
        [b'|' | b'>', header @ ..] if is_block_header(header) => Some(Layout::Block { indent }),
        _ => None,
    }
}

/// How a block scalar is indented and what becomes of its line ends; only white space follows.
fn is_block_header(text: &[u8]) -> bool {
    let length = text.iter().take_while(|byte| b"+-123456789".contains(byte)).count();
    text[length..].iter().all(u8::is_ascii_whitespace)
}

/// The indentation of a key in YAML: only blanks and the dash of a list precede it.
fn key_indent(located: &Located<'_>, name: Span) -> Option<usize> {
    let start = located.record.start + head_length(located.record.of(located.hay));
    let before = located.hay.get(start..name.start)?;
    before.iter().all(|byte| matches!(byte, b' ' | b'-')).then_some(before.len())
}

/// How many brackets `text` leaves open, if it does. It begins at `start`; `counted` becomes where
/// the count ended.
fn depth(text: &[u8], start: usize, counted: &mut usize) -> Option<u32> {
    let mut depth = Some(0_u32);
    let mut tokens = Tokens::new(&text[..text.len().min(MAX_SECRET)], 0);
    while let (Some(open), Some(token)) = (depth, tokens.next()) {
        depth = match token.kind {
            Kind::Open => Some(open + 1),
            Kind::Close => open.checked_sub(1),
            _ => depth,
        };
    }
    *counted = start + tokens.at();
    depth.filter(|depth| *depth > 0)
}

/// The length of what a container runtime wrote before a line.
fn head_length(line: &[u8]) -> usize {
    let start = &line[..line.len().min(48)];
    if !start.first().is_some_and(u8::is_ascii_digit) {
        return 0;
    }
    let stream = memchr::memmem::find(start, b" stdout ")
        .or_else(|| memchr::memmem::find(start, b" stderr "));
    stream.map_or(0, |at| (at + b" stdout F ".len()).min(line.len()))
}

/// Reads lines from `start` on for as long as a value is open, and notes each of them; answers how
/// far it came.
pub(super) fn lines(
    report: &mut Report<'_, '_>,
    start: usize,
    below: &mut Option<Open>,
    reads: &mut Vec<Read>,
) -> usize {
    let hay = report.hay;
    let mut at = start;
    while at < hay.len() {
        let Some(open) = *below else { return at };
        let end = memchr::memchr(b'\n', &hay[at..]).map_or(hay.len(), |newline| at + newline);
        visits::add(2 * (end - at));
        let text = Span::new(at + head_length(&hay[at..end]), end);
        *below = Line { report: &mut *report, open }
            .read(text)
            .map(|layout| Open { layout, n_lines: open.n_lines + 1, ..open })
            .filter(|open| open.n_lines < MAX_LINES);
        reads.push(Read { start: at, before: Some(open), after: *below });
        at = hay.len().min(end + 1);
    }
    at
}

/// A line below a key.
struct Line<'l, 'r, 'h> {
    report: &'l mut Report<'r, 'h>,
    open: Open,
}

impl Line<'_, '_, '_> {
    /// Reports the secrets of the line at `text`; answers what is open after it.
    fn read(&mut self, text: Span) -> Option<Layout> {
        let hay = self.report.hay;
        let indent = text.of(hay).iter().take_while(|byte| **byte == b' ').count();
        let content = text.of(hay).trim_ascii_start();
        let start = text.end - content.len();
        let content = Span::new(start, start + content.trim_ascii_end().len());
        match self.open.layout {
            layout @ (Layout::Block { .. } | Layout::Items { .. }) if content.is_empty() => {
                Some(layout)
            }
            layout @ Layout::Block { indent: of_key } if indent > of_key => {
                self.push(content, ValueSyntax::Line, Shape::Text);
                Some(layout)
            }
            Layout::Items { indent: of_key } if indent > of_key => self.inner_line(content),
            Layout::Items { indent: of_key } if indent == of_key => self.item(content),
            Layout::Block { .. } | Layout::Items { .. } => None,
            Layout::Member => self.tokens(content, 0),
            Layout::Structure { depth } => self.tokens(content, depth),
        }
    }

    /// An item of a list, or the value itself on a line of its own.
    fn inner_line(&mut self, content: Span) -> Option<Layout> {
        if content.of(self.report.hay).starts_with(b"- ") {
            return self.item(content);
        }
        self.yaml_value(content);
        None
    }

    /// An item of a list. One with keys of its own is examined by those.
    fn item(&mut self, content: Span) -> Option<Layout> {
        content.of(self.report.hay).strip_prefix(b"- ")?;
        let is_value = self.yaml_value(Span::new(content.start + 2, content.end));
        is_value.then_some(self.open.layout)
    }

    /// Reports a value of YAML, without its quotes. Answers whether it is one, and no mapping.
    fn yaml_value(&mut self, content: Span) -> bool {
        let text = content.of(self.report.hay).trim_ascii_start();
        if text.ends_with(b":") || memchr::memmem::find(text, b": ").is_some() {
            return false;
        }
        let is_quoted = matches!(text, [first @ (b'"' | b'\''), .., last] if first == last);
        let quote = usize::from(is_quoted);
        let value = Span::new(content.end - text.len() + quote, content.end - quote);
        self.push(value, ValueSyntax::Line, Shape::Text);
        true
    }

    /// The strings and numbers of a line of JSON, but not its keys.
    fn tokens(&mut self, content: Span, mut depth: u32) -> Option<Layout> {
        let text = content.of(self.report.hay);
        if text.is_empty() && self.open.layout == Layout::Member {
            return Some(Layout::Member);
        }
        // A number becomes a string: with the first quote of its line, or else a quote of its own.
        // The lines before it depend on how the input is cut into blocks.
        let quote = memchr::memchr(b'"', text).map_or(Span::new(0, 0), |at| Span::new(at, at + 1));
        let quote = shifted(quote, content.start);
        let mut tokens = Tokens::new(text, 0).peekable();
        while let Some(token) = tokens.next() {
            match token.kind {
                Kind::Comma => continue,
                Kind::Colon => {}
                Kind::Open => depth += 1,
                Kind::Close => depth = depth.checked_sub(1)?,
                Kind::String | Kind::CutString => {
                    let next = tokens.peek().map(|next| next.kind);
                    if next != Some(Kind::Colon) {
                        let span = shifted(token.inner(), content.start);
                        self.push(span, ValueSyntax::Line, Shape::Text);
                    }
                }
                Kind::Word => {
                    let word = word(text, token);
                    if is_scalar(word.of(text)) {
                        let span = shifted(word, content.start);
                        self.push(span, ValueSyntax::LineScalar, Shape::Scalar { quote });
                    } else if word.of(text) != b"null" {
                        return None;
                    }
                    if word.end < token.span.end {
                        return None;
                    }
                }
            }
            if depth == 0 {
                return None;
            }
        }
        Some(Layout::Structure { depth })
    }

    /// Reports the value if the table says that it is a secret.
    fn push(&mut self, span: Span, syntax: ValueSyntax, shape: Shape) {
        let Open { rule, strength, .. } = self.open;
        let hay = self.report.hay;
        let span = match strength {
            KeyStrength::Weak => edge::trim(hay, span),
            KeyStrength::Strong => span,
        };
        let text = span.of(hay);
        if verdict::decide(strength, syntax, &Value::alone(text)).is_ok()
            && !text.is_empty()
            && !self.report.placeholders.is_whole(text)
        {
            self.report.findings.push(Finding { span, rule, shape });
        }
    }
}

/// The letters, digits and signs that a word of JSON begins with: all of a number.
fn word(text: &[u8], token: Token) -> Span {
    let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || b".+-".contains(byte);
    let length = token.span.of(text).iter().take_while(is_part).count();
    Span::new(token.span.start, token.span.start + length)
}

/// `true`, `false` or a number, which need not be one of JSON.
fn is_scalar(word: &[u8]) -> bool {
    let is_begun = word.first().is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'-');
    let is_number = word.iter().any(u8::is_ascii_digit)
        && word.iter().all(|byte| b"0123456789.+-eE".contains(byte));
    matches!(word, b"true" | b"false") || is_begun && is_number
}

fn shifted(span: Span, by: usize) -> Span {
    Span::new(span.start + by, span.end + by)
}
