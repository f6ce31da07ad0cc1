//! Signs that a record does not stand by itself. Where a block has none, nothing of it is read.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::{Format, docker};

/// What is searched for, and in which formats.
struct Sign {
    finder: Finder<'static>,
    formats: &'static [Format],
    is_one: fn(&[u8], usize) -> bool,
}

impl Sign {
    fn new(text: &'static str, formats: &'static [Format], is_one: fn(&[u8], usize) -> bool) -> Sign {
        Sign { finder: Finder::new(text), formats, is_one }
    }
}

static SIGNS: LazyLock<[Sign; 9]> = LazyLock::new(|| {
    let anywhere = |_: &[u8], _: usize| true;
    let at_line = |hay: &[u8], at: usize| at == 0 || hay[at - 1] == b'\n';
    // Where the text ended with an escaped newline, the record is whole.
    let is_cut = |hay: &[u8], at: usize| !docker::ends_line(&hay[at.saturating_sub(64)..at]);
    [
        Sign::new("stdout P", &[Format::Cri], anywhere),
        Sign::new("stderr P", &[Format::Cri], anywhere),
        Sign::new("\",\"stream\":\"std", &[Format::Docker], is_cut),
        Sign::new("\"partial_message\"", &[Format::Json], anywhere),
        Sign::new("\"logtag\":\"P\"", &[Format::Json], anywhere),
        Sign::new("\"_p\":\"P\"", &[Format::Json], anywhere),
        Sign::new("\"CONTAINER_PARTIAL_MESSAGE\"", &[Format::JournalJson], anywhere),
        Sign::new("\"MESSAGE\":[", &[Format::JournalJson], anywhere),
        Sign::new("__CURSOR=", &[Format::JournalExport], at_line),
    ]
});

/// Writes to `found`, which is empty, where the signs of `format` stand in `hay`, in order.
pub(crate) fn find(hay: &[u8], format: Format, found: &mut Vec<usize>) {
    for sign in SIGNS.iter().filter(|sign| sign.formats.iter().any(|of| format.takes(*of))) {
        found.extend(sign.finder.find_iter(hay).filter(|at| (sign.is_one)(hay, *at)));
    }
    found.sort_unstable();
}
