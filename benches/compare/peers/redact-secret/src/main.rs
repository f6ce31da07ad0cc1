//! `redact-secret` with its own built-in rules and its rule for addresses: `compare-redact-secret <
//! log > clean`.
//!
//! It does not take our patterns in a comparable form, so it is measured with its own rules. It
//! gets text in pieces of many lines, which it handles faster than single lines.

use std::io::{self, Read, Write};

use redact_secret::{BuiltInRegistry, DefaultPolicy, PiiSelection, typed_placeholder_formatter};

const PIECE: usize = 64 << 10;

fn main() -> io::Result<()> {
    let selection = PiiSelection::parse(&["pii:family:global:email"]).expect("a known family");
    let registry = BuiltInRegistry::with_built_in_and_pii(&selection).expect("its own rules");
    let (mut rdr, mut wtr) = (io::stdin().lock(), io::stdout().lock());
    let mut held = Vec::new();
    let mut piece = vec![0; PIECE];
    loop {
        let n_bytes = rdr.read(&mut piece)?;
        held.extend_from_slice(&piece[..n_bytes]);
        let end =
            if n_bytes == 0 { held.len() } else { held.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1) };
        let text = String::from_utf8_lossy(&held[..end]);
        let clean = registry
            .scan_and_redact(&text, &DefaultPolicy, &typed_placeholder_formatter)
            .expect("the limits are wide enough for a piece");
        wtr.write_all(clean.text().as_bytes())?;
        wtr.flush()?;
        held.drain(..end);
        if n_bytes == 0 {
            return Ok(());
        }
    }
}
