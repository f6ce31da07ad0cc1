//! Parameters with secret names, in a query, a fragment or a path (`;jsessionid=`).
//!
//! The anchor is the end of a name with its `=`. The name must follow `?`, `&`, `#`, `[` or one of
//! their escapes. Without such a separator it is a key with a value, which the key-value detector
//! handles.
//!
//! The value of a strong name is replaced unless it is a template or a plain word or number. The
//! value of a weak name (`key`, `code`) must look random.

use super::{Depth, Progress, Replaced, Stops, Unit, trim};
use crate::{
    detect::{Context, Located, Rejection, value},
    finding::Finding,
    rules::{RuleId, syntax::KeysSyntax},
    text::{
        hex,
        open_table::{self, OpenTable},
        span::Span,
        visits,
    },
};

/// The maximum length of a name, without its separators.
const MAX_NAME: usize = 40;

/// The minimum length of a random value.
const LEAST_RANDOM: usize = 8;

/// A parameter's name in lower case without `_`, `-` and `.`, and its rule.
#[derive(Clone)]
struct Name {
    text: Box<[u8]>,
    rule: RuleId,
    weak: bool,
}

impl open_table::Entry for Option<Name> {
    fn is_free(&self) -> bool {
        self.is_none()
    }
}

/// The names of all rules.
pub(super) struct Parameters(OpenTable<Option<Name>>);

impl Parameters {
    /// Of two rules that name the same parameter, the first one counts.
    pub(super) fn new<'r>(rules: impl Iterator<Item = (RuleId, &'r KeysSyntax)>) -> Parameters {
        let mut names: Vec<Name> = Vec::new();
        for (rule, keys) in rules {
            for (list, weak) in [(&keys.params, false), (&keys.weak, true)] {
                for name in list {
                    let text: Vec<u8> = name.bytes().filter(|byte| !is_joint(*byte)).collect();
                    names.push(Name { text: text.to_ascii_lowercase().into(), rule, weak });
                }
            }
        }
        names.sort_by(|left, right| left.text.cmp(&right.text));
        names.dedup_by(|next, kept| next.text == kept.text);
        let mut table = OpenTable::with_capacity(names.len());
        for name in names {
            table.insert(open_table::hash(&name.text), Some(name));
        }
        Parameters(table)
    }

    /// The known name with that text.
    fn named(&self, text: &[u8]) -> Option<&Name> {
        let found = self.0.find(open_table::hash(text), |name| {
            name.as_ref().is_some_and(|name| *name.text == *text)
        });
        found?.as_ref()
    }

    /// Looks at the parameter with the `=` that `anchor` ends with.
    pub(super) fn detect(
        &self,
        anchor: Span,
        depth: Depth,
        replaced: Replaced<'_>,
        context: &mut Context<'_>,
    ) -> Result<(), Rejection> {
        let (hay, start) = (context.hay, anchor.end);
        let progress = &mut context.memory.url;
        if progress.claimed.contains(start) {
            return Err(Rejection::AlreadyExamined);
        }
        let (name, in_path) =
            self.name_before(hay, anchor, depth).ok_or(Rejection::UnknownParameter)?;
        let located = &context.memory.records.locate(hay, anchor);
        progress.n_examined += 1;
        let mut end = progress.value_end(located, start, depth);
        if in_path {
            end = start
                + located.hay[start..end]
                    .iter()
                    .position(|byte| matches!(byte, b'/' | b'?'))
                    .unwrap_or(end - start);
        }
        let span = trim(located.hay, Span::new(start, end));
        let secret = span.of(located.hay);
        if replaced.covers(secret) {
            return Err(Rejection::Placeholder);
        }
        if name.weak && progress.bound.excludes(located.hay, span.start, span.end)
            || !is_secret(name, secret)
        {
            return Err(Rejection::PlainParameter);
        }
        progress.claim(span);
        context.findings.push(Finding::text(span, name.rule));
        Ok(())
    }

    /// The known name that ends at the `=` of the anchor, if a separator precedes it, and whether
    /// it is a parameter of the path.
    fn name_before(&self, hay: &[u8], anchor: Span, depth: Depth) -> Option<(&Name, bool)> {
        let left = &hay[..anchor.end - equals_len(depth, anchor.of(hay))];
        let left = left.strip_suffix(b"]").or_else(|| strip_closing(left)).unwrap_or(left);
        let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || is_joint(**byte);
        let length = left.iter().rev().take(MAX_NAME).take_while(is_name).count();
        let run = &left[left.len() - length..];
        let before = &left[..left.len() - length];
        let (run, separator) = separator(before, run)?;
        let mut buffer = [0; MAX_NAME];
        let mut n_bytes = 0;
        for byte in run.iter().filter(|byte| !is_joint(**byte)) {
            buffer[n_bytes] = byte.to_ascii_lowercase();
            n_bytes += 1;
        }
        let name = self.named(&buffer[..n_bytes])?;
        (separator != b';' || name.text.ends_with(b"sessionid"))
            .then_some((name, separator == b';'))
    }
}

impl Progress {
    /// The end of the value that begins at `start`. A value inside the last one has the same end.
    /// The end of the value that begins at `start`: a separator, a quote, the next URL of a list,
    /// or a bracket that was opened before the value.
    fn value_end(&mut self, located: &Located<'_>, start: usize, depth: Depth) -> usize {
        let seen = &mut self.values[depth as usize];
        if !seen.contains(start) {
            *seen = Span::new(start, value_end(located.hay, start, located.record.end, depth));
        }
        seen.end
    }
}

/// The depth at which an anchor writes the `=` at its end; `None` if it does not end with one.
pub(super) fn equals(anchor: &[u8]) -> Option<Depth> {
    match anchor {
        [.., b'='] => Some(Depth::Plain),
        [.., b'\\', b'u' | b'U', b'0', b'0', b'3', b'd' | b'D'] => Some(Depth::Plain),
        [.., b'%', b'3', b'd' | b'D'] => Some(Depth::Encoded),
        [.., b'%', b'2', b'5', b'3', b'd' | b'D'] => Some(Depth::Twice),
        _ => None,
    }
}

/// The length of the `=` at the end of an anchor.
fn equals_len(depth: Depth, anchor: &[u8]) -> usize {
    match depth {
        Depth::Plain if anchor.ends_with(b"=") => 1,
        Depth::Plain => 6,
        Depth::Encoded => 3,
        Depth::Twice => 5,
    }
}

/// The name without the closing bracket of `user%5Bpassword%5D=`.
fn strip_closing(left: &[u8]) -> Option<&[u8]> {
    left.strip_suffix(b"%5D").or_else(|| left.strip_suffix(b"%5d"))
}

/// Whether a byte joins the words of a name. Names are compared without it.
fn is_joint(byte: u8) -> bool {
    matches!(byte, b'_' | b'-' | b'.')
}

/// The name without the letters of an escape before it, and the separator before it.
fn separator<'h>(before: &[u8], run: &'h [u8]) -> Option<(&'h [u8], u8)> {
    match before.last()? {
        byte @ (b'?' | b'&' | b'#' | b'[') => Some((run, *byte)),
        b';' if before.ends_with(b"&amp;") => Some((run, b'&')),
        b';' => Some((run, b';')),
        b'%' => {
            let inner =
                run.strip_prefix(b"25").filter(|rest| hex::byte(rest).is_some()).unwrap_or(run);
            let byte = hex::byte(inner)?;
            is_separator(byte).then(|| (&inner[2..], byte))
        }
        b'\\' => {
            let inner = run.strip_prefix(b"u00").or_else(|| run.strip_prefix(b"x"))?;
            let byte = hex::byte(inner)?;
            is_separator(byte).then(|| (&inner[2..], byte))
        }
        _ => None,
    }
}

/// Whether a parameter may follow the byte.
fn is_separator(byte: u8) -> bool {
    matches!(byte, b'?' | b'&' | b'#' | b'[')
}

static PLAIN: Stops = Stops::new(b"&;#'`,([{)]}");
static ENCODED: Stops = Stops::new(b"&;#'`,([{)]}%");

fn value_end(hay: &[u8], start: usize, limit: usize, depth: Depth) -> usize {
    let stops = if depth == Depth::Plain { &PLAIN } else { &ENCODED };
    let mut at = start;
    let mut n_open = 0_usize;
    while at < limit {
        at += stops.skip(&hay[at..limit]);
        if at == limit {
            break;
        }
        let unit = Unit::at(hay, at, limit, depth);
        let rest = &hay[at + unit.len..limit];
        let ends = match unit.byte {
            b'&' | b';' | b'#' | b'\'' | b'`' | b'\\' => true,
            b',' => scheme_follows(rest),
            b'(' | b'[' | b'{' => {
                n_open += 1;
                false
            }
            // A bracket that was opened before the value ends it, if text follows as in
            // `[badge](https://host/?token=abc)](https://host)`.
            b')' | b']' | b'}' if n_open == 0 => {
                rest.first().is_none_or(|next| b")]},.;:".contains(next))
            }
            b')' | b']' | b'}' => {
                n_open -= 1;
                false
            }
            _ => unit.is_end() || hay[at] == b'&',
        };
        if ends {
            break;
        }
        at += unit.len;
    }
    at
}

/// Whether `rest` begins with the next URL of a list.
fn scheme_follows(rest: &[u8]) -> bool {
    let n_letters = rest
        .iter()
        .take(12)
        .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'+')
        .count();
    n_letters > 0 && rest[n_letters..].starts_with(b"://")
}

/// Whether the value of a parameter is a secret.
fn is_secret(name: &Name, secret: &[u8]) -> bool {
    // A short value is never random. This refuses most weak parameters at once.
    if name.weak && secret.len() < LEAST_RANDOM {
        return false;
    }
    visits::add(secret.len().min(value::LOOK));
    if secret.is_empty() || value::is_template(secret) || is_open_template(secret) {
        return false;
    }
    if name.weak {
        return value::is_random(secret);
    }
    let is_password = name.text.starts_with(b"pass")
        || name.text.ends_with(b"pwd")
        || name.text.ends_with(b"secret");
    is_password || !is_plain(secret)
}

/// Whether `secret` is the beginning of a template with white space (`{{ token }}`), or a route's
/// variable (`:token`).
fn is_open_template(secret: &[u8]) -> bool {
    let opens = [b"{{".as_slice(), b"${", b"$(", b"#{"].iter().any(|open| secret.starts_with(open));
    opens && secret.len() <= value::LOOK && !secret.iter().any(|byte| matches!(byte, b'}' | b')'))
        || secret.strip_prefix(b":").is_some_and(|name| name.iter().all(u8::is_ascii_alphabetic))
}

/// Whether `secret` is a number of a few digits or one short word.
fn is_plain(secret: &[u8]) -> bool {
    secret.len() < 8 && secret.iter().all(u8::is_ascii_digit)
        || secret.len() <= 12
            && secret.iter().all(u8::is_ascii_lowercase)
            && !value::is_random(secret)
}
