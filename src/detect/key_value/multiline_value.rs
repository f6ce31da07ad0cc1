//! Values that stand in the lines below their key: YAML's block scalars and lists, JSON that is
//! printed over lines.
//!
//! Opened by a key whose line ends before its value does; each line that follows is asked until the
//! value ends. What of a line is replaced is replaced there, so the number of lines stays, and its
//! indentation. A container's head before a line is none of it.
//!
//! A value ends, at the latest, behind [`MAX_LINES`] lines, or with a line that cannot be of it.

use crate::{
    detect::{Located, MAX_SECRET, edge, value},
    finding::{Finding, Shape},
    redact::placeholder::Placeholders,
    rules::RuleId,
    text::{json, span::Span, visits},
};

const MAX_LINES: u32 = 1024;

/// A line with a key whose value stands below it, or one that was read as part of such a value; and
/// what was open before it and behind it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Read {
    pub(crate) start: usize,
    pub(crate) before: Option<Open>,
    pub(crate) after: Option<Open>,
}

/// A value whose end has not come yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Open {
    form: Form,
    rule: RuleId,
    /// Whether a value must look like a secret.
    is_doubtful: bool,
    n_lines: u32,
}

#[cfg(feature = "cli")]
impl Open {
    /// The same under the number that its rule has in another set.
    pub(crate) fn renumbered(self, number: impl Fn(RuleId) -> Option<RuleId>) -> Option<Open> {
        Some(Open { rule: number(self.rule)?, ..self })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// `password: |`: every line that is indented further than the key.
    Block { indent: usize },
    /// `passwords:`: one line, or the items of a list.
    Items { indent: usize },
    /// `"password":`: the value is the next thing.
    Member,
    /// `"passwords": [`: so many brackets are open.
    Structure { depth: u32 },
}

/// What opens below the line of a key whose name is `name` and which has those quotes; nothing when
/// its value is in its line.
///
/// `counted`: up to here the brackets of an earlier key's structure were counted in this block. No
/// structure inside it is counted again. Where the outer one closes in its line so does every inner
/// one, and where the outer one stays open its lines below hold those of the inner ones.
pub(crate) fn open(
    hit: &Located<'_>,
    name: Span,
    quote: Option<Span>,
    rule: RuleId,
    is_doubtful: bool,
    counted: &mut usize,
) -> Option<Open> {
    let line = &hit.hay[..hit.record.end];
    let at = quote.map_or(name.end, |quote| quote.end);
    let rest = trim_start(trim_start(&line[at..]).strip_prefix(b":")?);
    let form = match quote {
        Some(quote) if quote.of(line) != b"\"" => return None,
        Some(_) if rest.is_empty() => Form::Member,
        Some(_) if matches!(rest[0], b'[' | b'{') => {
            let start = line.len() - rest.len();
            if start < *counted {
                return None;
            }
            Form::Structure { depth: depth(rest, start, counted)? }
        }
        Some(_) => return None,
        None => {
            let indent = key_indent(hit, name)?;
            match rest {
                [] => Form::Items { indent },
                [b'|' | b'>', header @ ..] if is_block_header(header) => Form::Block { indent },
                _ => return None,
            }
        }
    };
    Some(Open { form, rule, is_doubtful, n_lines: 0 })
}

fn trim_start(text: &[u8]) -> &[u8] {
    let rest = text.trim_ascii_start();
    visits::add(text.len() - rest.len());
    rest
}

/// How a block scalar of YAML is indented and what becomes of its line ends; behind it stands
/// nothing but white space.
fn is_block_header(text: &[u8]) -> bool {
    let length = text.iter().take_while(|byte| b"+-123456789".contains(byte)).count();
    text[length..].iter().all(u8::is_ascii_whitespace)
}

/// How far a key of YAML is indented: nothing but that, and the dash of a list, stands before it.
fn key_indent(hit: &Located<'_>, name: Span) -> Option<usize> {
    let start = hit.record.start + head(hit.record.of(hit.hay));
    let before = hit.hay.get(start..name.start)?;
    before.iter().all(|byte| matches!(byte, b' ' | b'-')).then_some(before.len())
}

/// How many brackets `text` leaves open, if it does. The text begins at `start` of its block;
/// `counted` becomes where the count ended.
fn depth(text: &[u8], start: usize, counted: &mut usize) -> Option<u32> {
    let mut depth = Some(0_u32);
    let mut tokens = Tokens { text: &text[..text.len().min(MAX_SECRET)], at: 0 };
    while let (Some(open), Some(token)) = (depth, tokens.next()) {
        depth = match token {
            Token::Open => Some(open + 1),
            Token::Close => open.checked_sub(1),
            _ => depth,
        };
    }
    visits::add(tokens.at);
    *counted = start + tokens.at;
    depth.filter(|depth| *depth > 0)
}

/// Where what a container wrote begins in its record.
fn head(line: &[u8]) -> usize {
    let start = &line[..line.len().min(48)];
    let is_dated = start.first().is_some_and(u8::is_ascii_digit);
    let find = |name: &[u8]| memchr::memmem::find(start, name).map(|at| at + name.len());
    let tag = find(b" stdout ").or_else(|| find(b" stderr ")).filter(|_| is_dated);
    tag.map_or(0, |tag| (tag + 2).min(line.len()))
}

/// Goes on with what is open, from `start`, and notes each line that it reads; answers how far it
/// came.
pub(crate) fn lines(
    hay: &[u8],
    start: usize,
    below: &mut Option<Open>,
    placeholders: &Placeholders,
    (findings, reads): (&mut Vec<Finding>, &mut Vec<Read>),
) -> usize {
    let mut at = start;
    while at < hay.len() {
        let Some(open) = *below else { return at };
        let end = memchr::memchr(b'\n', &hay[at..]).map_or(hay.len(), |newline| at + newline);
        visits::add(2 * (end - at));
        let start = at + head(&hay[at..end]);
        let mut line = Line { hay, placeholders, findings, open, start, end };
        let next = line.read();
        *below = next
            .map(|form| Open { form, n_lines: open.n_lines + 1, ..open })
            .filter(|open| open.n_lines < MAX_LINES);
        reads.push(Read { start: at, before: Some(open), after: *below });
        at = hay.len().min(end + 1);
    }
    at
}

/// A line below a key.
struct Line<'l> {
    hay: &'l [u8],
    placeholders: &'l Placeholders,
    findings: &'l mut Vec<Finding>,
    open: Open,
    start: usize,
    end: usize,
}

impl Line<'_> {
    /// Finds what of the line is the value; answers what is open below it.
    fn read(&mut self) -> Option<Form> {
        let text = Span::new(self.start, self.end);
        let indent = text.of(self.hay).iter().take_while(|byte| **byte == b' ').count();
        let content = self.hay[text.start + indent..text.end].trim_ascii();
        let content = Span::new(text.start + indent, text.start + indent + content.len());
        match self.open.form {
            form @ (Form::Block { .. } | Form::Items { .. }) if content.is_empty() => Some(form),
            form @ Form::Block { indent: of_key } if indent > of_key => {
                self.push(content, Shape::Text);
                Some(form)
            }
            Form::Items { indent: of_key } if indent >= of_key => {
                self.item(content, indent > of_key)
            }
            Form::Block { .. } | Form::Items { .. } => None,
            Form::Member => self.tokens(content, 0),
            Form::Structure { depth } => self.tokens(content, depth),
        }
    }

    /// An item of a list, or the value itself on a line of its own.
    fn item(&mut self, content: Span, is_inside: bool) -> Option<Form> {
        let is_item = content.of(self.hay).starts_with(b"- ");
        let start = if is_item { content.start + 2 } else { content.start };
        let text = self.hay[start..content.end].trim_ascii_start();
        let quotes =
            usize::from(matches!(text, [first @ (b'"' | b'\''), .., last] if first == last));
        let value = Span::new(content.end - text.len() + quotes, content.end - quotes);
        // What has keys of its own is told by those.
        let is_mapping = text.ends_with(b":") || memchr::memmem::find(text, b": ").is_some();
        if !is_mapping && (is_item || is_inside) {
            self.push(value, Shape::Text);
        }
        (is_item && !is_mapping).then_some(self.open.form)
    }

    /// The strings and numbers of a line of JSON, but not its keys.
    fn tokens(&mut self, content: Span, mut depth: u32) -> Option<Form> {
        let is_member = self.open.form == Form::Member;
        let text = content.of(self.hay);
        // A number becomes a string: by the first quote of its line, or else by a quote of its own.
        // What the lines before it hold depends on how the input is cut into blocks.
        let quote = memchr::memchr(b'"', text)
            .map(|at| Span::new(content.start + at, content.start + at + 1));
        let quote = quote.unwrap_or(Span::new(content.start, content.start));
        let mut tokens = Tokens { text, at: 0 }.peekable();
        while let Some(token) = tokens.next() {
            match token {
                Token::Open => depth += 1,
                Token::Close => depth = depth.checked_sub(1)?,
                Token::String(span) if tokens.peek() != Some(&Token::Colon) => {
                    self.push(
                        Span::new(content.start + span.start, content.start + span.end),
                        Shape::Text,
                    );
                }
                Token::Scalar(span) => {
                    let span = Span::new(content.start + span.start, content.start + span.end);
                    self.push(span, Shape::Scalar { quote });
                }
                Token::Other => return None,
                _ => {}
            }
            if depth == 0 {
                return None;
            }
        }
        if is_member && depth == 0 && text.is_empty() {
            Some(Form::Member)
        } else {
            Some(Form::Structure { depth })
        }
    }

    fn push(&mut self, span: Span, shape: Shape) {
        let span = if self.open.is_doubtful { edge::trim(self.hay, span) } else { span };
        let text = span.of(self.hay);
        let is_secret =
            if self.open.is_doubtful { value::is_random(text) } else { !value::is_template(text) };
        let is_secret = is_secret || shape != Shape::Text;
        if is_secret && !span.is_empty() && !self.placeholders.is_whole(text) {
            self.findings.push(Finding { span, rule: self.open.rule, shape });
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Open,
    Close,
    Colon,
    /// Without its quotes.
    String(Span),
    /// A number, `true` or `false`.
    Scalar(Span),
    Null,
    Other,
}

/// The tokens of JSON; commas and white space are none.
struct Tokens<'t> {
    text: &'t [u8],
    at: usize,
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let between = |byte: &&u8| byte.is_ascii_whitespace() || **byte == b',';
        self.at += self.text[self.at..].iter().take_while(between).count();
        let start = self.at;
        self.at += 1;
        Some(match self.text.get(start)? {
            b'[' | b'{' => Token::Open,
            b']' | b'}' => Token::Close,
            b':' => Token::Colon,
            b'"' => self.string(start + 1),
            byte if byte.is_ascii_alphanumeric() || *byte == b'-' => self.word(start),
            _ => Token::Other,
        })
    }
}

impl Tokens<'_> {
    fn string(&mut self, start: usize) -> Token {
        let end = json::string_end(self.text, start).unwrap_or(self.text.len());
        self.at = (end + 1).min(self.text.len());
        Token::String(Span::new(start, end))
    }

    fn word(&mut self, start: usize) -> Token {
        let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || b".+-".contains(byte);
        self.at = start + self.text[start..].iter().take_while(is_part).count();
        let word = &self.text[start..self.at];
        let is_number = word.iter().any(u8::is_ascii_digit)
            && word.iter().all(|byte| b"0123456789.+-eE".contains(byte));
        match word {
            b"null" => Token::Null,
            b"true" | b"false" => Token::Scalar(Span::new(start, self.at)),
            _ if is_number => Token::Scalar(Span::new(start, self.at)),
            _ => Token::Other,
        }
    }
}
