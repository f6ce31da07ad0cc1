//! The declarations as arguments of clap.

use std::path::PathBuf;

use clap::{
    Arg, ArgAction, ArgMatches, builder::PossibleValuesParser, parser::ValueSource, value_parser,
};
use toml::Value;

use super::{BuiltIn, FLAGS, Flag, Sources, Verbs, kind::Kind};
use crate::error::Error;

/// The arguments that a verb takes; the filter's and those of every verb where `verb` is `None`.
pub(crate) fn arguments(verb: Option<&str>) -> Vec<Arg> {
    let flags = FLAGS.iter().filter(|flag| flag.is_of(verb));
    flags.flat_map(|flag| [Some(flag.argument()), flag.negation()]).flatten().collect()
}

impl Flag {
    fn is_of(&self, verb: Option<&str>) -> bool {
        match (self.verbs, verb) {
            _ if self.sources == Sources::FileOnly => false,
            (Verbs::Every | Verbs::FilterAnd(_), None) => true,
            (Verbs::FilterAnd(verbs), Some(verb)) => verbs.contains(&verb),
            (Verbs::Only(of), Some(verb)) => of == verb,
            _ => false,
        }
    }

    fn argument(&self) -> Arg {
        let summary = self.help.split("\n\n").next().unwrap_or_default();
        let arg = Arg::new(self.name)
            .long(self.name)
            .help_heading(self.heading)
            .global(self.verbs == Verbs::Every)
            .help(summary)
            .long_help(self.long_help());
        let arg = match self.short {
            Some(short) => arg.short(short),
            None => arg,
        };
        let valued = |arg: Arg| arg.value_name(self.value_name);
        match self.kind {
            Kind::Switch(_) => arg.action(ArgAction::SetTrue),
            Kind::Toggle(off, _) => arg.action(ArgAction::SetTrue).overrides_with(off),
            Kind::Count(_) => arg.action(ArgAction::Count),
            Kind::Nothing | Kind::Path(_) => valued(arg).value_parser(value_parser!(PathBuf)),
            Kind::Paths(_) => {
                valued(arg).value_parser(value_parser!(PathBuf)).action(ArgAction::Append)
            }
            Kind::Choice(choices, _) => {
                valued(arg).value_parser(PossibleValuesParser::new(choices.iter()))
            }
            Kind::List(_) => valued(arg).action(ArgAction::Append).value_delimiter(','),
            Kind::Styles => valued(arg).action(ArgAction::Append),
            Kind::Seconds(_) => valued(arg).value_parser(value_parser!(f64)),
            Kind::Threads(_) => valued(arg).value_parser(value_parser!(u32)),
            Kind::Text(_) | Kind::RecordSize(_) | Kind::Allowances => valued(arg),
        }
    }

    /// `--no-verify` of `--verify`.
    fn negation(&self) -> Option<Arg> {
        let Kind::Toggle(off, _) = self.kind else { return None };
        let arg = Arg::new(off).long(off).action(ArgAction::SetTrue);
        let help = format!("Turn --{} off", self.name);
        Some(arg.help_heading(self.heading).help(help.clone()).long_help(help))
    }

    fn long_help(&self) -> String {
        match self.built_in {
            BuiltIn::Text(text) if !text.is_empty() => format!("{} [default: {text}]", self.help),
            BuiltIn::Number(number) => format!("{} [default: {number}]", self.help),
            _ => self.help.to_owned(),
        }
    }

    /// The value that was typed for `verb`, or for the filter, which `matches` belongs to.
    ///
    /// # Errors
    ///
    /// A path that is not UTF-8: in a configuration file it would be another one.
    pub(crate) fn typed(
        &self,
        verb: Option<&str>,
        matches: &ArgMatches,
    ) -> Result<Option<Value>, Error> {
        if !self.is_of(verb) {
            return Ok(None);
        }
        let is_off = matches!(self.kind, Kind::Toggle(off, _) if was_typed(matches, off));
        if !is_off && !was_typed(matches, self.name) {
            return Ok(None);
        }
        let value = match self.kind {
            Kind::Switch(_) => Value::Boolean(true),
            Kind::Toggle(..) => Value::Boolean(!is_off),
            Kind::Count(_) => i64::from(matches.get_count(self.name)).into(),
            Kind::Seconds(_) => typed_value(matches, self.name, |seconds: &f64| (*seconds).into()),
            Kind::Threads(_) => {
                typed_value(matches, self.name, |number: &u32| i64::from(*number).into())
            }
            Kind::Path(_) | Kind::Paths(_) => self.typed_paths(matches)?,
            Kind::List(_) | Kind::Styles => {
                let texts = matches.get_many::<String>(self.name).into_iter().flatten();
                texts.map(|text| Value::from(text.as_str())).collect::<Vec<_>>().into()
            }
            Kind::Text(_) | Kind::Choice(..) | Kind::RecordSize(_) => {
                typed_value(matches, self.name, |text: &String| text.as_str().into())
            }
            Kind::Allowances | Kind::Nothing => return Ok(None),
        };
        Ok(Some(value))
    }

    fn typed_paths(&self, matches: &ArgMatches) -> Result<Value, Error> {
        let paths = matches.get_many::<PathBuf>(self.name).into_iter().flatten();
        let mut texts = Vec::new();
        for path in paths {
            let text = path.to_str().ok_or_else(|| {
                Error::usage(format!("--{} {}: the path is not UTF-8", self.name, path.display()))
            })?;
            texts.push(Value::from(text));
        }
        match self.kind {
            Kind::Path(_) => Ok(texts.pop().unwrap_or_else(|| "".into())),
            _ => Ok(texts.into()),
        }
    }
}

fn was_typed(matches: &ArgMatches, id: &str) -> bool {
    matches.value_source(id) == Some(ValueSource::CommandLine)
}

fn typed_value<T: Clone + Send + Sync + 'static>(
    matches: &ArgMatches,
    id: &str,
    value: impl Fn(&T) -> Value,
) -> Value {
    matches.get_one::<T>(id).map_or_else(|| "".into(), value)
}
