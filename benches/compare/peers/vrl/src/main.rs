//! VRL's `redact` over each line: `compare-vrl PATTERNS_FOLDER [--list] < log > clean`.
//!
//! One program has all patterns as filters and is compiled once, as Vector runs it. `redact`
//! replaces the whole match (the key with the value) and does not support words nearby.

use std::{
    collections::BTreeMap,
    env,
    io::{self, BufRead, BufReader, BufWriter, Write},
};

use vrl::{
    compiler::{Context, Program, TargetValue, TimeZone, state::RuntimeState},
    value::{Secrets, Value},
};

fn main() -> io::Result<()> {
    let folder = env::args().nth(1).expect("usage: compare-vrl PATTERNS_FOLDER [--list]");
    let rules = rules::read(&folder)?;
    let program = compile(&rules);
    if env::args().nth(2).is_some_and(|argument| argument == "--list") {
        return writeln!(io::stdout(), "{} rules taken", rules.len());
    }
    let mut rdr = BufReader::with_capacity(128 << 10, io::stdin().lock());
    let mut wtr = BufWriter::with_capacity(128 << 10, io::stdout().lock());
    let mut state = RuntimeState::default();
    let timezone = TimeZone::default();
    let mut target =
        TargetValue { value: Value::Null, metadata: Value::Object(BTreeMap::new()), secrets: Secrets::default() };
    let mut line = Vec::new();
    while rdr.read_until(b'\n', &mut line)? > 0 {
        target.value = Value::from(String::from_utf8_lossy(&line).into_owned());
        let clean = program.resolve(&mut Context::new(&mut target, &mut state, &timezone)).expect("redact cannot fail");
        wtr.write_all(clean.as_bytes().expect("text in, text out"))?;
        line.clear();
        if rdr.buffer().is_empty() {
            wtr.flush()?;
        }
    }
    wtr.flush()
}

fn compile(rules: &[rules::Rule]) -> Program {
    // A quote would end the literal.
    let filters: Vec<String> = rules.iter().map(|rule| format!("r'{}'", rule.flat().replace('\'', r"\x27"))).collect();
    let source = format!("redact(string!(.), filters: [{}])", filters.join(", "));
    match vrl::compiler::compile(&source, &vrl::stdlib::all()) {
        Ok(compiled) => compiled.program,
        Err(errors) => panic!("{errors:?}"),
    }
}
