//! Command lines whose secret has no key: `curl -u user:password`, `mysql -ppassword`, `sshpass -p
//! password`.

use super::{super::search_memo::Seek, Report, verdict};
use crate::{
    detect::{Located, byte_class, edge, value},
    finding::Shape,
    rules::{RuleId, syntax::KeysSyntax},
    text::span::Span,
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

/// What was walked already, by a command whose name stands in the line of another.
#[derive(Default)]
pub(super) struct Memo {
    /// For each command, where its next flag stands.
    flags: Vec<Seek>,
    /// Where the next argument without quotes ends.
    argument: Seek,
    /// Where the next colon stands.
    colon: Seek,
    /// The last secret that was judged, by which rule, and whether for a flag without its command.
    judged: Option<(Span, RuleId, bool)>,
}

impl Memo {
    /// Forgets what was walked, and keeps the memory.
    pub(super) fn clear(&mut self) {
        let mut flags = std::mem::take(&mut self.flags);
        flags.clear();
        *self = Memo { flags, ..Memo::default() };
    }
}

pub(super) struct Commands {
    commands: Vec<Command>,
    /// The bits of their names. Most anchors name no command.
    names: u64,
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
                let (flag, command) =
                    (words.next().unwrap_or_default(), words.next().unwrap_or_default());
                let command = command.to_ascii_lowercase().into_bytes().into();
                commands.push(Command { command, flag: flag.as_bytes().into(), form, rule });
            }
        }
        let names = commands.iter().fold(0, |names, command| names | name_bit(&command.command));
        Commands { commands, names }
    }

    /// Whether an anchor may be a command's name.
    pub(super) fn may_be(&self, anchor: &[u8]) -> bool {
        self.names & name_bit(anchor) != 0
    }

    pub(super) fn confirm(&self, hit: &Located<'_>, memo: &mut Memo, report: &mut Report<'_, '_>) {
        let anchor = hit.anchor.of(hit.hay);
        for (index, command) in self.commands.iter().enumerate() {
            if anchor.eq_ignore_ascii_case(&command.command) && is_alone(hit) {
                command.find(hit, index, memo, report);
            }
        }
    }
}

/// One of 64 bits, by length and first letter, whatever its case.
fn name_bit(name: &[u8]) -> u64 {
    let first = name.first().map_or(0, |first| usize::from(first & 0x1f));
    1 << ((first * 5 + name.len() * 13) % 64)
}

/// Whether the command's name is a word of its own.
fn is_alone(hit: &Located<'_>) -> bool {
    let is_flag = !hit.hay[hit.anchor.start].is_ascii_alphanumeric();
    let left = is_flag || edge::is_word_start(hit.hay, hit.record.start, hit.anchor.start);
    let right = hit.hay[hit.anchor.end..hit.record.end].first();
    left && right.is_none_or(|byte| byte.is_ascii_whitespace() || is_flag && *byte == b'=')
}

impl Command {
    fn find(&self, hit: &Located<'_>, index: usize, memo: &mut Memo, report: &mut Report<'_, '_>) {
        let end = hit.record.end.min(hit.anchor.end + MAX_LINE);
        let at = hit.anchor.end;
        // A flag without its command is its own anchor and has its argument right behind it.
        if self.flag.is_empty() {
            return self.argument(hit, at, end, memo, report);
        }
        if memo.flags.len() <= index {
            memo.flags.resize(index + 1, Seek::default());
        }
        let flag = memo.flags[index]
            .find(at, end, |from, to| self.next_flag(&hit.hay[..hit.record.end], from, to));
        // What follows the flag must lie on the line too.
        if let Some(flag) = flag.map(|flag| flag + self.flag.len()).filter(|flag| *flag < end) {
            self.argument(hit, flag, end, memo, report);
        }
    }

    /// The first flag that begins in `hay[from..to]`, is a word, and has an argument.
    fn next_flag(&self, hay: &[u8], from: usize, to: usize) -> Option<usize> {
        let window = &hay[..hay.len().min(to + self.flag.len() - 1)];
        let mut at = from;
        while let Some(found) =
            memchr::memmem::find(&window[at..], &self.flag).map(|found| at + found)
        {
            let next = hay.get(found + self.flag.len());
            let is_next = next.is_some_and(|byte| byte.is_ascii_whitespace() || *byte == b'=');
            if hay[found - 1].is_ascii_whitespace() && (is_next || self.form == Form::Glued) {
                return Some(found);
            }
            at = found + self.flag.len();
        }
        None
    }

    fn argument(
        &self,
        hit: &Located<'_>,
        at: usize,
        end: usize,
        memo: &mut Memo,
        report: &mut Report<'_, '_>,
    ) {
        let hay = &hit.hay[..end];
        let spaces =
            hay[at..].iter().take(4).take_while(|byte| matches!(byte, b' ' | b'=')).count();
        if (self.form == Form::Glued) != (spaces == 0) {
            return;
        }
        let mut start = at + spaces;
        let quote = hay.get(start).copied().filter(|byte| matches!(byte, b'"' | b'\''));
        start += usize::from(quote.is_some());
        let stop = match quote {
            Some(quote) => memchr::memchr(quote, &hay[start..]).map(|length| start + length),
            None => memo.argument.find(start, end, |from, to| {
                let length =
                    byte_class::until(&hay[from..to], byte_class::WHITE | byte_class::QUOTE);
                (from + length < to).then_some(from + length)
            }),
        };
        let mut length = stop.unwrap_or(end) - start;
        length -=
            hay[start..start + length].iter().rev().take_while(|byte| **byte == b'\\').count();
        let argument = Span::new(start, start + length);
        let Some(secret) = self.secret(hay, argument, &mut memo.colon) else { return };
        // Whatever stands before it, the same secret is judged once.
        let judged = (secret, self.rule, self.flag.is_empty());
        if memo.judged.replace(judged) == Some(judged) {
            return;
        }
        let bytes = secret.of(hay);
        // A flag whose command is not known gives less: `docker run -u app:app`; and `curl -u
        // user:password` shows a form.
        let is_name = || verdict::is_name(bytes) && verdict::names_a_secret(bytes);
        let is_loose = self.flag.is_empty() || self.form == Form::Pair;
        let is_plain = is_loose && is_name()
            || self.flag.is_empty() && bytes.iter().all(u8::is_ascii_lowercase);
        if !is_plain
            && !bytes.starts_with(b"-")
            && !bytes.starts_with(b"$")
            && !value::is_template(bytes)
        {
            report.push(secret, self.rule, Shape::Text);
        }
    }

    fn secret(&self, hay: &[u8], argument: Span, colon: &mut Seek) -> Option<Span> {
        if self.form != Form::Pair {
            return (!argument.is_empty()).then_some(argument);
        }
        let colon = colon.find(argument.start, argument.end, |from, to| {
            memchr::memchr(b':', &hay[from..to]).map(|length| from + length)
        })?;
        let colon = colon - argument.start;
        let (user, secret) =
            (&argument.of(hay)[..colon], Span::new(argument.start + colon + 1, argument.end));
        let is_numeric = |text: &[u8]| text.iter().all(u8::is_ascii_digit);
        if secret.is_empty() && value::is_random(user) {
            return Some(Span::new(argument.start, argument.start + colon));
        }
        let is_pair = !user.contains(&b'/') && !secret.of(hay).starts_with(b"//");
        // `docker run -u 1000:1000` is no credential.
        (is_pair && !(is_numeric(user) && is_numeric(secret.of(hay))) && !secret.is_empty())
            .then_some(secret)
    }
}
