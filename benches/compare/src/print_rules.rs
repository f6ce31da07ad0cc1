//! Writes the rules for a program in another language: `rules PATTERNS_FOLDER`. Each line has the
//! id, the pattern to search for, the pattern of the exact span, and the words that must be nearby
//! (separated by commas), with tabs between the four.

use std::{
    env,
    io::{self, Write},
};

fn main() -> io::Result<()> {
    let folder = env::args().nth(1).expect("usage: rules PATTERNS_FOLDER");
    let mut wtr = io::stdout().lock();
    for rule in rules::read(&folder)? {
        writeln!(wtr, "{}\t{}\t{}\t{}", rule.id, rule.short(), rule.flat(), rule.near.join(","))?;
    }
    Ok(())
}
