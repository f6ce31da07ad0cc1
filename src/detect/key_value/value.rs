//! A value that is to be judged, with the words around it.

use super::name::{Key, Kind};
use crate::{
    detect::{Located, byte_class::Traits},
    text::{span::Span, visits},
};

/// A value is judged by its first so many bytes. Only secrets are longer.
pub(super) const LOOK: usize = 512;

/// A value, what its bytes have in common, and what lies around it.
pub(super) struct Value<'v> {
    /// What is judged: without punctuation after it, and no more than [`LOOK`] bytes of a value
    /// after a key.
    pub(super) bytes: &'v [u8],
    pub(super) traits: Traits,
    /// The value and the rest of its record.
    pub(super) text: &'v [u8],
    /// The length of the value in `text`.
    pub(super) length: usize,
    /// The record before the key's name.
    pub(super) before: &'v [u8],
    /// The key's name; empty where another grammar says that there is a secret.
    pub(super) name: &'v [u8],
    pub(super) is_service: bool,
}

impl<'v> Value<'v> {
    /// The value of `key` at `value`, which is judged by `bytes`.
    pub(super) fn of_key(
        located: &Located<'v>,
        key: &Key,
        value: Span,
        bytes: &'v [u8],
    ) -> Value<'v> {
        let bytes = &bytes[..bytes.len().min(LOOK)];
        // Only a few of the classes read all of it again.
        visits::add(2 * bytes.len());
        Value {
            bytes,
            traits: Traits::of(bytes),
            text: &located.hay[value.start..located.record.end],
            length: value.len(),
            before: &located.hay[located.record.start..key.name.start],
            name: key.name.of(located.hay),
            is_service: matches!(key.kind, Kind::Service { .. }),
        }
    }

    /// A value without a key, in a header or a command. It is judged whole, its traits are those of
    /// its first [`LOOK`] bytes.
    pub(super) fn alone(bytes: &'v [u8]) -> Value<'v> {
        Value {
            bytes,
            traits: Traits::of(&bytes[..bytes.len().min(LOOK)]),
            text: bytes,
            length: bytes.len(),
            before: b"",
            name: b"",
            is_service: false,
        }
    }
}
