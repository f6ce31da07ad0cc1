//! Control sequences of terminals (ESC, `[`, parameters, a letter), also where ESC itself is escaped. They stand for nothing.

use super::{Encoding, Escape, json};

/// So many parameters and intermediate bytes a sequence may have.
const LONGEST: usize = 32;

pub(super) fn read(rest: &[u8]) -> Option<Escape> {
    let start = introducer(rest)?;
    let body = rest.get(start..)?.strip_prefix(b"[")?;
    let length = body.iter().take(LONGEST).take_while(|byte| matches!(byte, 0x20..=0x3f)).count();
    let is_sequence = body.get(length).is_some_and(|last| matches!(last, 0x40..=0x7e));
    is_sequence.then(|| Escape::nothing(start + 1 + length + 1, Encoding::Ansi))
}

/// The length of ESC, as it is written.
fn introducer(rest: &[u8]) -> Option<usize> {
    if rest.first() == Some(&0x1b) {
        return Some(1);
    }
    let n_backslashes = json::backslashes(rest);
    let written = rest.get(n_backslashes..)?;
    let forms: [&[u8]; 6] = [b"u001b", b"u001B", b"x1b", b"x1B", b"033", b"e"];
    let form = forms.iter().find(|form| written.starts_with(form))?;
    (n_backslashes > 0).then_some(n_backslashes + form.len())
}
