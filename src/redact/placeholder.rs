//! Recognises placeholders: values that were redacted before, here or by another tool. They are no
//! secrets, so scrubbing twice is scrubbing once.
//!
//! A value is a placeholder only as a whole: `[REDACTED]hunter2` is still replaced.

use crate::{
    rules::{ByteSet, RuleSet},
    text::{
        open_table::{self, OpenTable},
        visits,
    },
};

/// After `REDACTED-`: a record that could not be examined.
pub(crate) const RECORD: &str = "record";

/// The placeholders in force: one for each rule, the common ones of other tools, and the user's
/// own.
pub(crate) struct Placeholders {
    /// What may follow `REDACTED-`.
    ids: OpenTable<Id>,
    own: Vec<Box<[u8]>>,
    /// The first bytes of placeholders: they refuse nearly every value that is no placeholder.
    first: ByteSet,
}

impl Placeholders {
    /// `own`: the placeholders of the style `fixed`.
    pub(crate) fn new(rules: &RuleSet, own: impl IntoIterator<Item = Box<[u8]>>) -> Placeholders {
        let ids = table(rules.rules().iter().map(|rule| rule.id()).chain([RECORD]));
        let own: Vec<Box<[u8]>> = own.into_iter().collect();
        let mut first = ByteSet::default();
        own.iter()
            .filter_map(|own| own.first())
            .chain(b"Rr[<(*")
            .for_each(|byte| first.insert(*byte));
        Placeholders { ids, own, first }
    }

    /// Whether the whole of `value` is a placeholder.
    pub(crate) fn is_whole(&self, value: &[u8]) -> bool {
        if value.first().is_some_and(|first| !self.first.contains(*first)) {
            return false;
        }
        let bare = strip_brackets(value);
        bare.eq_ignore_ascii_case(b"redacted")
            || is_masked(value)
            || value.strip_prefix(b"REDACTED-").is_some_and(|id| self.is_id(id))
            || self.own.iter().any(|own| **own == *value)
    }

    fn is_id(&self, id: &[u8]) -> bool {
        self.ids.find(open_table::hash(id), |known| *known.0 == *id).is_some()
    }

    /// Whether `text` ends with a whole label.
    pub(crate) fn ends(&self, text: &[u8]) -> bool {
        let mut end = text.len();
        while let Some(at) = memchr::memrchr(b'R', &text[..end]) {
            if text[at..].starts_with(b"REDACTED-") {
                return self.is_whole(&text[at..]);
            }
            end = at;
        }
        false
    }
}

/// A rule id; the empty one marks a free slot.
#[derive(Clone, Default)]
struct Id(Box<[u8]>);

impl open_table::Entry for Id {
    fn is_free(&self) -> bool {
        self.0.is_empty()
    }
}

fn table<'i>(ids: impl Iterator<Item = &'i str>) -> OpenTable<Id> {
    let ids: Vec<&[u8]> = ids.map(str::as_bytes).collect();
    let mut table = OpenTable::with_capacity(ids.len());
    ids.iter().for_each(|id| table.insert(open_table::hash(id), Id((*id).into())));
    table
}

fn strip_brackets(value: &[u8]) -> &[u8] {
    match value {
        [b'[', inner @ .., b']'] | [b'<', inner @ .., b'>'] | [b'(', inner @ .., b')'] => inner,
        _ => value,
    }
}

/// Only stars, or stars and at most four more characters and at most a quarter of the whole, as
/// the style `partial` writes it.
fn is_masked(value: &[u8]) -> bool {
    let stars = visits::counted(value.iter().take_while(|byte| **byte == b'*').count());
    if stars == 0 {
        return false;
    }
    // Five are too many already, so no more are counted.
    let kept = value[stars..].iter().filter(|byte| !is_continuation(**byte)).take(5).count();
    kept <= 4 && kept * 4 <= stars + kept
}

fn is_continuation(byte: u8) -> bool {
    byte & 0xC0 == 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placeholders() -> Placeholders {
        let rules = crate::rules::Selection::default().load().expect("the embedded rules load");
        Placeholders::new(&rules, [b"GONE".as_slice().into()])
    }

    #[test]
    fn whole_placeholders_are_known() {
        let placeholders = placeholders();
        for value in [
            "REDACTED-email",
            "REDACTED-record",
            "***",
            "*",
            "[REDACTED]",
            "<redacted>",
            "GONE",
            "************cdef",
        ] {
            assert!(placeholders.is_whole(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn parts_of_placeholders_are_not() {
        let placeholders = placeholders();
        for value in [
            "REDACTED-x1",
            "[REDACTED]hunter2",
            "REDACTED-emailx",
            "**hunter2",
            "",
            "GONE!",
            "******cdef",
        ] {
            assert!(!placeholders.is_whole(value.as_bytes()), "{value}");
        }
    }
}
