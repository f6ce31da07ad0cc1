//! Converts `patterns/*.toml` to one JSON text, which is embedded into the program, so that no TOML
//! is parsed at start-up. A rule file with an error stops the build; the message names file and
//! line.

#![allow(clippy::print_stdout, clippy::disallowed_methods)] // how a build script speaks to cargo, and cargo to it

use std::{env, fs, path::Path};

#[allow(dead_code, unreachable_pub)]
#[path = "src/rules/syntax.rs"]
mod syntax;

fn main() {
    println!("cargo::rerun-if-changed=patterns");
    println!("cargo::rerun-if-changed=src/rules/syntax.rs");
    let mut files: Vec<_> = fs::read_dir("patterns")
        .expect("the folder patterns stands beside Cargo.toml")
        .map(|entry| entry.expect("a folder entry can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    files.sort();
    let rules: Vec<syntax::Embedded> = files.iter().flat_map(|path| read(path)).collect();
    let out = env::var_os("OUT_DIR").expect("cargo sets OUT_DIR");
    let json = serde_json::to_vec(&rules).expect("rules are plain data");
    fs::write(Path::new(&out).join("rules.json"), json).expect("OUT_DIR can be written");
}

fn read(path: &Path) -> Vec<syntax::Embedded> {
    let text = fs::read_to_string(path).expect("a rule file can be read");
    let name = path.display().to_string();
    let file: syntax::FileSyntax = toml::from_str(&text).unwrap_or_else(|error| {
        let line = error.span().map_or(1, |span| syntax::line_of(&text, span.start));
        panic!("{name}:{line}: {}", error.message())
    });
    file.rule
        .into_iter()
        .map(|rule| {
            let line = syntax::line_of(&text, rule.span().start);
            syntax::Embedded { file: name.clone(), line, rule: rule.into_inner() }
        })
        .collect()
}
