//! Command lines whose secret has no key: `curl -u user:password`, `mysql -ppassword`, `sshpass -p password`.

use super::{Report, judge};
use crate::{
    rules::syntax::KeysSyntax,
    scan::{Hit, MAX_SECRET, edge, value},
    span::{RuleId, Shape, Span},
};

/// How far behind a command its flag is looked for.
const MAX_LINE: usize = 4 << 10;

/// One entry of `flag`: `COMMAND FLAG FORM`, as in `curl -u pair`.
struct Command {
    /// In lower case; the rule's anchor for it.
    command: Box<[u8]>,
    flag: Box<[u8]>,
    form: Form,
    rule: RuleId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// `user:secret`: the secret is behind the colon.
    Pair,
    /// The next argument.
    Next,
    /// Glued to the flag.
    Glued,
}

pub(super) struct Commands {
    commands: Vec<Command>,
    /// Bit `i`: some command's name is so long, and some begins with such a byte. Most anchors name none.
    lengths: u64,
    firsts: u64,
}

impl Commands {
    pub(super) fn new<'r>(rules: impl Iterator<Item = (RuleId, &'r KeysSyntax)>) -> Commands {
        let mut commands = Vec::new();
        for (rule, keys) in rules {
            for entry in &keys.flag {
                let mut words = entry.rsplitn(3, ' ');
                let form = match words.next() {
                    Some("pair") => Form::Pair,
                    Some("glued") => Form::Glued,
                    _ => Form::Next,
                };
                let (flag, command) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
                let command = command.to_ascii_lowercase().into_bytes().into();
                commands.push(Command { command, flag: flag.as_bytes().into(), form, rule });
            }
        }
        let bits = |bit: fn(&[u8]) -> u64| commands.iter().fold(0, |bits, command| bits | bit(&command.command));
        let (lengths, firsts) = (bits(length_bit), bits(first_bit));
        Commands { commands, lengths, firsts }
    }

    pub(super) fn confirm(&self, hit: &Hit<'_>, report: &mut Report<'_, '_>) {
        let anchor = hit.anchor.of(hit.hay);
        if self.lengths & length_bit(anchor) == 0 || self.firsts & first_bit(anchor) == 0 {
            return;
        }
        for command in &self.commands {
            if anchor.eq_ignore_ascii_case(&command.command) && is_alone(hit) {
                command.find(hit, report);
            }
        }
    }
}

fn length_bit(name: &[u8]) -> u64 {
    1 << name.len().min(63)
}

/// The same for a small letter and its capital.
fn first_bit(name: &[u8]) -> u64 {
    name.first().map_or(0, |first| 1 << (first & 0x1f))
}

/// Whether the command's name is a word of its own.
fn is_alone(hit: &Hit<'_>) -> bool {
    let is_flag = !hit.hay[hit.anchor.start].is_ascii_alphanumeric();
    let left = is_flag || edge::is_word_start(hit.hay, hit.record.start, hit.anchor.start);
    let right = hit.hay[hit.anchor.end..hit.record.end].first();
    left && right.is_none_or(|byte| byte.is_ascii_whitespace() || is_flag && *byte == b'=')
}

impl Command {
    fn find(&self, hit: &Hit<'_>, report: &mut Report<'_, '_>) {
        let end = hit.record.end.min(hit.anchor.end + MAX_LINE);
        let mut at = hit.anchor.end;
        // A flag without its command is its own anchor and has its argument right behind it.
        if self.flag.is_empty() {
            return self.argument(hit, at, end, report);
        }
        while let Some(found) = memchr::memmem::find(&hit.hay[at..end], &self.flag).map(|found| at + found) {
            at = found + self.flag.len();
            let is_word = hit.hay[found - 1].is_ascii_whitespace();
            let is_next = hit.hay[..end].get(at).is_some_and(|byte| byte.is_ascii_whitespace() || *byte == b'=');
            if is_word && (is_next || self.form == Form::Glued) {
                return self.argument(hit, at, end, report);
            }
        }
    }

    fn argument(&self, hit: &Hit<'_>, at: usize, end: usize, report: &mut Report<'_, '_>) {
        let hay = &hit.hay[..end];
        let spaces = hay[at..].iter().take(4).take_while(|byte| **byte == b' ' || **byte == b'=').count();
        if (self.form == Form::Glued) != (spaces == 0) {
            return;
        }
        let mut start = at + spaces;
        let quote = hay.get(start).copied().filter(|byte| b"\"'".contains(byte));
        start += usize::from(quote.is_some());
        let rest = &hay[start..hay.len().min(start + MAX_SECRET)];
        let ends =
            |byte: &u8| quote.map_or(byte.is_ascii_whitespace() || b"\"'`".contains(byte), |quote| *byte == quote);
        let mut length = rest.iter().position(ends).unwrap_or(rest.len());
        length -= rest[..length].iter().rev().take_while(|byte| **byte == b'\\').count();
        let argument = Span::new(start, start + length);
        let Some(secret) = self.secret(hay, argument) else { return };
        let bytes = secret.of(hay);
        // A flag whose command is not known gives less: `docker run -u app:app`.
        let is_name = judge::is_name(bytes) && judge::names_a_secret(bytes);
        let is_plain = is_name || self.flag.is_empty() && bytes.iter().all(u8::is_ascii_lowercase);
        if !is_plain && !bytes.starts_with(b"-") && !bytes.starts_with(b"$") && !value::is_template(bytes) {
            report.push(secret, self.rule, Shape::Text);
        }
    }

    fn secret(&self, hay: &[u8], argument: Span) -> Option<Span> {
        if self.form != Form::Pair {
            return (!argument.is_empty()).then_some(argument);
        }
        let colon = memchr::memchr(b':', argument.of(hay))?;
        let (user, secret) = (&argument.of(hay)[..colon], Span::new(argument.start + colon + 1, argument.end));
        let is_numeric = |text: &[u8]| text.iter().all(u8::is_ascii_digit);
        if secret.is_empty() && value::is_random(user) {
            return Some(Span::new(argument.start, argument.start + colon));
        }
        let is_pair = !user.contains(&b'/') && !secret.of(hay).starts_with(b"//");
        // `docker run -u 1000:1000` is no credential.
        (is_pair && !(is_numeric(user) && is_numeric(secret.of(hay))) && !secret.is_empty()).then_some(secret)
    }
}
