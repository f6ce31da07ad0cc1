//! What values a flag takes, how they are written in each source, and which setting they give.

use std::{path::PathBuf, time::Duration};

use toml::Value;

use crate::{MIN_RECORD_LIMIT, cli::settings::Settings, error::Error};

/// A day: a longer wait is a mistake, and a clock can still add it.
pub(super) const LONGEST_WAIT: f64 = 86_400.0;

/// A larger number of threads is a mistake.
pub(super) const MOST_THREADS: usize = 1024;

/// The largest limit of a record.
const LARGEST_RECORD: usize = 1 << 30;

/// The kind of value, with what it sets.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// A flag without a value; `true` or `false` elsewhere.
    Switch(fn(&mut Settings, bool)),
    /// As `Switch`, on by default; the flag named turns it off.
    Toggle(&'static str, fn(&mut Settings, bool)),
    /// A flag without a value that may be repeated.
    Count(fn(&mut Settings, u8)),
    Text(fn(&mut Settings, &str)),
    /// One word of a list.
    Choice(&'static [&'static str], fn(&mut Settings, &str)),
    /// Separated by commas, or repeated.
    List(fn(&mut Settings, Vec<String>)),
    Path(fn(&mut Settings, PathBuf)),
    Paths(fn(&mut Settings, Vec<PathBuf>)),
    Seconds(fn(&mut Settings, Duration)),
    Threads(fn(&mut Settings, usize)),
    /// The limit of a record.
    RecordSize(fn(&mut Settings, usize)),
    /// A style, or styles by class and rule. Sources are merged entry by entry.
    Styles,
    /// The tables of `[[allow]]`.
    Allowances,
    /// A path that says where settings are read; it sets nothing.
    Nothing,
}

impl Kind {
    /// The value of an environment variable. A text that does not fit stays a text, which
    /// [`Kind::set`] refuses.
    pub(crate) fn read_variable(self, text: &str) -> Value {
        let parsed = match self {
            Kind::Switch(_) | Kind::Toggle(..) => match text {
                "1" | "true" => Some(Value::Boolean(true)),
                "0" | "false" => Some(Value::Boolean(false)),
                _ => None,
            },
            Kind::Seconds(_) => text.parse().ok().map(Value::Float),
            Kind::Threads(_) => text.parse().ok().map(Value::Integer),
            Kind::List(_) | Kind::Paths(_) => Some(
                text.split(',').map(|item| Value::from(item.trim())).collect::<Vec<_>>().into(),
            ),
            _ => None,
        };
        parsed.unwrap_or_else(|| text.into())
    }

    /// Checks a value and sets what it means.
    ///
    /// # Errors
    ///
    /// A value of another kind, or out of range; the message says what was expected.
    pub(crate) fn set(self, settings: &mut Settings, value: &Value) -> Result<(), Error> {
        match self {
            Kind::Switch(set) | Kind::Toggle(_, set) => set(settings, switch(value)?),
            Kind::Count(set) => set(settings, count(value)),
            Kind::Text(set) => set(settings, text(value)?),
            Kind::Choice(choices, set) => set(settings, choice(value, choices)?),
            Kind::List(set) => set(settings, list(value)?),
            Kind::Path(set) => set(settings, text(value)?.into()),
            Kind::Paths(set) => {
                set(settings, list(value)?.into_iter().map(PathBuf::from).collect());
            }
            Kind::Seconds(set) => set(settings, seconds(value)?),
            Kind::Threads(set) => set(settings, threads(value)?),
            Kind::RecordSize(set) => set(settings, record_size(value)?),
            Kind::Styles | Kind::Allowances | Kind::Nothing => {}
        }
        Ok(())
    }
}

fn expected(what: &str) -> Error {
    Error::usage(format!("expected {what}"))
}

fn switch(value: &Value) -> Result<bool, Error> {
    value.as_bool().ok_or_else(|| expected("true or false"))
}

/// Only flags are counted, so it is a small number.
fn count(value: &Value) -> u8 {
    value.as_integer().and_then(|count| u8::try_from(count).ok()).unwrap_or_default()
}

fn text(value: &Value) -> Result<&str, Error> {
    value.as_str().ok_or_else(|| expected("a text"))
}

fn choice<'v>(value: &'v Value, choices: &[&str]) -> Result<&'v str, Error> {
    let word = value.as_str().filter(|word| choices.contains(word));
    word.ok_or_else(|| expected(&format!("one of {}", choices.join(", "))))
}

fn list(value: &Value) -> Result<Vec<String>, Error> {
    let items = value.as_array().map(|items| items.iter().map(|item| item.as_str()));
    let texts = items.and_then(|items| items.map(|item| item.map(str::to_owned)).collect());
    texts.ok_or_else(|| expected("a list of texts"))
}

fn seconds(value: &Value) -> Result<Duration, Error> {
    let seconds = value.as_float().or_else(|| value.as_integer().map(|number| number as f64));
    match seconds {
        Some(seconds) if (0.0..=LONGEST_WAIT).contains(&seconds) => {
            Ok(Duration::from_secs_f64(seconds))
        }
        _ => Err(expected(&format!("a number of seconds from 0 to {LONGEST_WAIT}"))),
    }
}

fn threads(value: &Value) -> Result<usize, Error> {
    let number = value.as_integer().and_then(|number| usize::try_from(number).ok());
    number.filter(|number| *number <= MOST_THREADS).ok_or_else(|| {
        expected(&format!("a number of threads from 0 to {MOST_THREADS}"))
            .hint("0 means one thread for a pipe and one per core for a file")
    })
}

fn record_size(value: &Value) -> Result<usize, Error> {
    let n_bytes = match value {
        Value::Integer(n_bytes) => u64::try_from(*n_bytes).ok(),
        Value::String(text) => parse_size(text),
        _ => None,
    };
    let wrong = |message: &str| Error::usage(message).hint("write a size as 1MiB or 1048576");
    let n_bytes = n_bytes
        .and_then(|n_bytes| usize::try_from(n_bytes).ok())
        .ok_or_else(|| wrong("expected a size"))?;
    if n_bytes < MIN_RECORD_LIMIT {
        return Err(wrong("must be at least 256KiB"));
    }
    if n_bytes > LARGEST_RECORD {
        return Err(wrong("must be at most 1GiB"));
    }
    Ok(n_bytes)
}

/// `1048576`, `1024KiB` or `1MiB` as a number of bytes.
pub(crate) fn parse_size(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits =
        text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic() || letter == ' ');
    let factor = match text[digits.len()..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        assert_eq!(parse_size("1MiB"), Some(1 << 20));
        assert_eq!(parse_size("512 k"), Some(512 << 10));
        assert_eq!(parse_size("1048576"), Some(1 << 20));
        assert_eq!(parse_size("1XB"), None);
        assert_eq!(parse_size(""), None);
    }

    #[test]
    fn the_words_for_the_smallest_record_are_its_number() {
        assert_eq!(parse_size("256KiB"), Some(MIN_RECORD_LIMIT as u64));
        assert_eq!(parse_size("1GiB"), Some(LARGEST_RECORD as u64));
    }
}
