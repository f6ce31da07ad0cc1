//! Command lines with a secret that has no key: `curl -u user:password`, `mysql -ppassword`,
//! `sshpass -p password`.
//!
//! A rule names the command, its flag and the form of the flag's argument. The command's name is
//! the anchor; the flag is looked for in the [`MAX_LINE`] bytes after it. A flag without a command
//! is its own anchor.

use super::{report::Report, syntax::ValueSyntax, verdict};
use crate::{
    detect::{Located, byte_class, edge, search_memo::SearchMemo, value},
    finding::Shape,
    rules::{RuleId, syntax::KeysSyntax},
    text::span::Span,
};

/// How far after a command its flag is looked for.
const MAX_LINE: usize = 4 << 10;

/// One entry of `flag` in a rule: `COMMAND FLAG FORM`, as in `curl -u pair`.
struct Command {
    /// In lower case; the rule's anchor for it.
    command: Box<[u8]>,
    flag: Box<[u8]>,
    form: Form,
    rule: RuleId,
}

/// Where a flag has its secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// `user:secret`: the secret follows the colon.
    Pair,
    /// The next argument.
    Next,
    /// Glued to the flag.
    Glued,
}

/// What was walked already, by a command with its name in the line of another.
#[derive(Default)]
pub(super) struct Memory {
    /// For each command, the next occurrence of its flag.
    flags: Vec<SearchMemo>,
    /// Where the next argument without quotes ends.
    argument: SearchMemo,
    /// The next colon.
    colon: SearchMemo,
    /// The last secret that was judged, by which rule, and how it was written.
    judged: Option<(Span, RuleId, ValueSyntax)>,
}

impl Memory {
    /// Forgets what was walked, and keeps the allocation.
    pub(super) fn clear(&mut self) {
        let mut flags = std::mem::take(&mut self.flags);
        flags.clear();
        *self = Memory { flags, ..Memory::default() };
    }
}

/// The commands that the rules know.
pub(super) struct Commands {
    commands: Vec<Command>,
    /// The bits of their names. Most anchors name no command.
    names: u64,
}

impl Commands {
    pub(super) fn new<'r>(rules: impl Iterator<Item = (RuleId, &'r KeysSyntax)>) -> Commands {
        let commands: Vec<Command> = rules
            .flat_map(|(rule, keys)| keys.flag.iter().map(move |entry| Command::new(entry, rule)))
            .collect();
        let names = commands.iter().fold(0, |names, command| names | name_bit(&command.command));
        Commands { commands, names }
    }

    /// Whether an anchor may be a command's name.
    pub(super) fn may_be(&self, anchor: &[u8]) -> bool {
        self.names & name_bit(anchor) != 0
    }

    /// Reports the secrets of the command that the anchor is.
    pub(super) fn detect<'h>(
        &self,
        located: &Located<'h>,
        memory: &mut Memory,
        report: &mut Report<'_, 'h>,
    ) {
        let anchor = located.anchor.of(located.hay);
        let mut line = CommandLine { located, memory, report };
        for (index, command) in self.commands.iter().enumerate() {
            if anchor.eq_ignore_ascii_case(&command.command) && is_word(located) {
                line.detect(command, index);
            }
        }
    }
}

/// One of 64 bits, by length and first letter, whatever its case.
fn name_bit(name: &[u8]) -> u64 {
    let first = name.first().map_or(0, |first| usize::from(first & 0x1f));
    1 << ((first * 5 + name.len() * 13) % 64)
}

/// Whether the anchor is a word of its own.
fn is_word(located: &Located<'_>) -> bool {
    let Located { hay, record, anchor } = *located;
    let is_flag = !hay[anchor.start].is_ascii_alphanumeric();
    let next = hay[anchor.end..record.end].first();
    (is_flag || edge::is_word_start(hay, record.start, anchor.start))
        && next.is_none_or(|byte| byte.is_ascii_whitespace() || is_flag && *byte == b'=')
}

impl Command {
    fn new(entry: &str, rule: RuleId) -> Command {
        let mut words = entry.rsplitn(3, ' ');
        let form = match words.next() {
            Some("pair") => Form::Pair,
            Some("glued") => Form::Glued,
            _ => Form::Next,
        };
        let (flag, command) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let command = command.to_ascii_lowercase().into_bytes().into();
        Command { command, flag: flag.as_bytes().into(), form, rule }
    }

    /// How its secret is written. A flag without a command leaves more doubt.
    fn syntax(&self) -> ValueSyntax {
        match self.form {
            _ if self.flag.is_empty() => ValueSyntax::BareFlag,
            Form::Pair => ValueSyntax::CommandPair,
            Form::Next | Form::Glued => ValueSyntax::CommandArgument,
        }
    }

    /// The first flag that begins in `hay[from..to]`, is a word, and has an argument.
    fn next_flag(&self, hay: &[u8], from: usize, to: usize) -> Option<usize> {
        let window = &hay[..hay.len().min(to + self.flag.len() - 1)];
        let mut at = from;
        while let Some(length) = memchr::memmem::find(&window[at..], &self.flag) {
            let found = at + length;
            at = found + self.flag.len();
            let is_ended =
                hay.get(at).is_some_and(|next| next.is_ascii_whitespace() || *next == b'=');
            if hay[found - 1].is_ascii_whitespace() && (is_ended || self.form == Form::Glued) {
                return Some(found);
            }
        }
        None
    }
}

/// The line after a command, what was walked of it, and where its secrets go.
struct CommandLine<'l, 'r, 'h> {
    located: &'l Located<'h>,
    memory: &'l mut Memory,
    report: &'l mut Report<'r, 'h>,
}

impl<'h> CommandLine<'_, '_, 'h> {
    fn detect(&mut self, command: &Command, index: usize) {
        let Located { hay, record, anchor } = *self.located;
        let end = record.end.min(anchor.end + MAX_LINE);
        // A flag without its command is its own anchor, and its argument follows at once.
        if command.flag.is_empty() {
            return self.argument(command, &hay[..end], anchor.end);
        }
        if self.memory.flags.len() <= index {
            self.memory.flags.resize(index + 1, SearchMemo::default());
        }
        let flag = self.memory.flags[index]
            .find(anchor.end, end, |from, to| command.next_flag(&hay[..record.end], from, to));
        let argument = flag.map(|flag| flag + command.flag.len());
        // The argument must lie in the line too.
        if let Some(at) = argument.filter(|at| *at < end) {
            self.argument(command, &hay[..end], at);
        }
    }

    /// Reports the secret in the argument of the flag that ends at `at`.
    fn argument(&mut self, command: &Command, hay: &'h [u8], at: usize) {
        let is_space = |byte: &&u8| matches!(byte, b' ' | b'=');
        let spaces = hay[at..].iter().take(4).take_while(is_space).count();
        if (command.form == Form::Glued) != (spaces == 0) {
            return;
        }
        let argument = self.argument_at(hay, at + spaces);
        let secret = match command.form {
            Form::Pair => self.secret_of_pair(hay, argument),
            Form::Next | Form::Glued => (!argument.is_empty()).then_some(argument),
        };
        let Some(secret) = secret else { return };
        // Several commands before a secret have it judged once.
        let judged = Some((secret, command.rule, command.syntax()));
        if std::mem::replace(&mut self.memory.judged, judged) == judged {
            return;
        }
        if verdict::is_secret(command.syntax(), secret.of(hay)) {
            self.report.push(secret, command.rule, Shape::Text);
        }
    }

    /// The argument that begins at `at`, without its quotes.
    fn argument_at(&mut self, hay: &[u8], at: usize) -> Span {
        let quote = hay.get(at).copied().filter(|byte| matches!(byte, b'"' | b'\''));
        let start = at + usize::from(quote.is_some());
        let end = match quote {
            Some(quote) => memchr::memchr(quote, &hay[start..]).map(|length| start + length),
            None => self.memory.argument.find(start, hay.len(), |from, to| {
                let length =
                    byte_class::until(&hay[from..to], byte_class::WHITE | byte_class::QUOTE);
                (from + length < to).then_some(from + length)
            }),
        };
        let text = &hay[start..end.unwrap_or(hay.len())];
        let slashes = text.iter().rev().take_while(|byte| **byte == b'\\').count();
        Span::new(start, start + text.len() - slashes)
    }

    /// The secret of `user:secret`; the user where the secret is empty and the user is random.
    fn secret_of_pair(&mut self, hay: &[u8], argument: Span) -> Option<Span> {
        let colon = self.memory.colon.find(argument.start, argument.end, |from, to| {
            memchr::memchr(b':', &hay[from..to]).map(|length| from + length)
        })?;
        let user = &hay[argument.start..colon];
        let secret = Span::new(colon + 1, argument.end);
        if secret.is_empty() {
            return value::is_random(user).then_some(Span::new(argument.start, colon));
        }
        let text = secret.of(hay);
        // `docker run -u 1000:1000` is no credential.
        let is_numeric = user.iter().chain(text).all(u8::is_ascii_digit);
        (!is_numeric && !user.contains(&b'/') && !text.starts_with(b"//")).then_some(secret)
    }
}
