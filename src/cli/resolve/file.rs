//! Configuration files. Errors name the file, the line and, for a misspelt key, the nearest one.

use std::{fs, ops::Range, path::Path};

use serde::Deserialize as _;
use toml::{
    Spanned, Value,
    de::{DeTable, DeValue, ValueDeserializer},
};

use super::Layer;
use crate::{
    cli::{
        flags::{self, Flag, kind::Kind},
        settings::{DEFAULT, Source, StyleEntry, allow},
    },
    error::Error,
};

/// A file with its text, to find the line of an error.
struct File<'t> {
    path: &'t Path,
    name: String,
    text: &'t str,
}

/// Reads one file.
pub(super) fn layer(path: &Path) -> Result<Layer, Error> {
    let text = fs::read_to_string(path).map_err(|error| Error::unreadable(path, error))?;
    let file = File { path, name: path.display().to_string(), text: &text };
    let table = DeTable::parse(&text).map_err(|error| file.wrong(&error))?.into_inner();
    let mut entries: Vec<_> = table.into_iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    let mut layer = Layer::default();
    for (key, value) in entries {
        let known = Flag::named(key.get_ref()).filter(|flag| flag.has_key());
        let flag = known.ok_or_else(|| file.unknown_key(key.get_ref(), key.span()))?;
        file.read(flag, key.span(), value, &mut layer)?;
    }
    Ok(layer)
}

impl File<'_> {
    fn read(
        &self,
        flag: &'static Flag,
        key: Range<usize>,
        value: Spanned<DeValue<'_>>,
        layer: &mut Layer,
    ) -> Result<(), Error> {
        let source = self.source(key.start);
        match flag.kind {
            Kind::Styles => {
                layer.styles = self.styles(value, source)?;
                return Ok(());
            }
            Kind::Allowances => {
                let tables = ValueDeserializer::from(value.clone());
                let entries = Vec::<allow::Entry>::deserialize(tables);
                layer.allow = Some(entries.map_err(|error| self.wrong(&error))?);
            }
            _ => {}
        }
        let mut value = Value::deserialize(ValueDeserializer::from(value))
            .map_err(|error| self.wrong(&error))?;
        if matches!(flag.kind, Kind::Path(_) | Kind::Paths(_)) {
            // Relative to the file, never to the working directory.
            join_paths(&mut value, self.path.parent().unwrap_or(Path::new("/")));
        }
        layer.add(flag, value, source);
        Ok(())
    }

    /// `style = "mask"`, or the entries of a table in the order in which they are written.
    fn styles(
        &self,
        style: Spanned<DeValue<'_>>,
        source: Source,
    ) -> Result<Vec<StyleEntry>, Error> {
        let DeValue::Table(entries) = style.get_ref() else {
            return Ok(vec![style_entry(DEFAULT, style.get_ref(), source)?]);
        };
        let mut entries: Vec<_> = entries.iter().collect();
        entries.sort_by_key(|(target, _)| target.span().start);
        let entries = entries.into_iter();
        entries
            .map(|(target, style)| {
                style_entry(target.get_ref(), style.get_ref(), self.source(target.span().start))
            })
            .collect()
    }

    fn source(&self, offset: usize) -> Source {
        let line = self.text[..offset].matches('\n').count() + 1;
        Source::File { path: self.name.clone(), line }
    }

    fn wrong(&self, error: &toml::de::Error) -> Error {
        let offset = error.span().map_or(0, |span| span.start);
        Error::usage(error.message()).found_at(self.source(offset))
    }

    fn unknown_key(&self, key: &str, at: Range<usize>) -> Error {
        let error = Error::usage(format!("unknown key {key:?}")).found_at(self.source(at.start));
        match flags::nearest_key(key) {
            Some(nearest) => error.hint(format!("did you mean {nearest:?}?")),
            None => error.hint("docs/CONFIG.md lists all keys"),
        }
    }
}

fn style_entry(target: &str, style: &DeValue<'_>, source: Source) -> Result<StyleEntry, Error> {
    let Some(style) = style.as_str() else {
        let error = Error::usage(format!("style of {target:?}: expected a text"));
        return Err(error.found_at(source));
    };
    Ok(StyleEntry { target: target.to_owned(), style: style.to_owned(), source })
}

fn join_paths(value: &mut Value, folder: &Path) {
    match value {
        Value::String(path) => *path = folder.join(&*path).display().to_string(),
        Value::Array(paths) => paths.iter_mut().for_each(|path| join_paths(path, folder)),
        _ => {}
    }
}
