//! What the file of an encoding says about it.
//!
//! An escape is described by its first bytes, so that it is tried only where it can begin, and by a
//! function that reads it. [`Decoded`] decides which characters an escape may stand for.

/// How the escapes of one encoding are written.
pub(crate) struct Syntax {
    /// What users call it.
    pub(super) name: &'static str,
    /// The bytes that its escapes may begin with, if that is no backslash.
    pub(super) starts: &'static [u8],
    /// The bytes behind the backslashes that its escapes may begin with.
    pub(super) letters: &'static [u8],
    /// A text that a record must hold for its escapes to be read, where `starts` are common bytes.
    pub(super) marker: Option<&'static str>,
    /// Whether its escapes stand for nothing.
    pub(super) is_invisible: bool,
    /// The escape at the head of a text that begins as the fields before say.
    pub(super) read: fn(&[u8]) -> Option<Decoded>,
}

impl Syntax {
    pub(super) const fn new(name: &'static str, read: fn(&[u8]) -> Option<Decoded>) -> Syntax {
        Syntax { name, starts: b"", letters: b"", marker: None, is_invisible: false, read }
    }
}

/// How a whole text is written in one alphabet: groups of characters that stand for bytes.
pub(crate) struct Blob {
    pub(super) name: &'static str,
    /// Bytes that a group stands for.
    pub(crate) n_bytes: usize,
    /// Characters of a group.
    pub(crate) n_characters: usize,
    /// Decodes groups; the last one may be incomplete.
    pub(crate) decode: fn(&[u8]) -> Vec<u8>,
    /// Appends `bytes` in the variant of the alphabet that `like` is written in.
    pub(crate) encode: fn(bytes: &[u8], like: &[u8], out: &mut Vec<u8>),
}

/// The length of an escape and the character that it stands for, if any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decoded {
    pub(super) length: usize,
    bytes: [u8; 4],
    n_bytes: u8,
}

impl Decoded {
    /// The bytes of the character.
    pub(super) fn text(&self) -> &[u8] {
        &self.bytes[..usize::from(self.n_bytes)]
    }

    pub(super) fn nothing(length: usize) -> Decoded {
        Decoded { length, bytes: [0; 4], n_bytes: 0 }
    }

    /// A byte of ASCII or UTF-8, if it is visible or ESC, which begins a colour code.
    pub(super) fn byte(length: usize, byte: u8) -> Option<Decoded> {
        let byte = if byte == b'"' { b'\'' } else { byte };
        let is_read = byte >= b' ' && byte != 0x7f || byte == 0x1b;
        is_read.then_some(Decoded { length, bytes: [byte, 0, 0, 0], n_bytes: 1 })
    }

    /// The same for a character. A surrogate is none.
    pub(super) fn character(length: usize, code: u32) -> Option<Decoded> {
        let letter =
            char::from_u32(code).filter(|letter| !letter.is_control() || *letter == '\x1b')?;
        let letter = if letter == '"' { '\'' } else { letter };
        let mut bytes = [0; 4];
        let n_bytes = letter.encode_utf8(&mut bytes).len() as u8;
        Some(Decoded { length, bytes, n_bytes })
    }
}
