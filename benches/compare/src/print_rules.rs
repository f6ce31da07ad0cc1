//! Writes the rules for a program in another language: `rules PATTERNS_FOLDER`, a line each of id,
//! the pattern to search for, the pattern of the exact span and the words that must stand nearby
//! (commas between), with tabs between the four.

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
