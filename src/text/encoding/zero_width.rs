//! Characters that are not seen: zero-width space and joiners, the word joiner, the byte order
//! mark. Copying from a web page or a chat puts them into the middle of a word.

use super::syntax::{Decoded, Syntax};

pub(super) const ZERO_WIDTH: Syntax =
    Syntax { starts: b"\xe2\xef", is_invisible: true, ..Syntax::new("zero-width", read) };

fn read(rest: &[u8]) -> Option<Decoded> {
    let is_one = matches!(
        rest,
        [0xe2, 0x80, 0x8b..=0x8d, ..] | [0xe2, 0x81, 0xa0, ..] | [0xef, 0xbb, 0xbf, ..]
    );
    is_one.then_some(Decoded::nothing(3))
}
