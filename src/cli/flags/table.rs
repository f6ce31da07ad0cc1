//! The table of settings in `docs/CONFIG.md`, generated from the declarations.

use std::{fs, path::Path};

use super::{
    FLAGS, Flag, Sources,
    kind::{Kind, LONGEST_WAIT, MOST_THREADS},
};

/// The lines of the document between which the table is.
const BEGIN: &str = "<!-- The table is generated: see CONTRIBUTING.md -->\n";
const END: &str = "<!-- End of the table -->\n";

fn table() -> String {
    let mut text = String::from("| key | meaning | values | built in |\n|---|---|---|---|\n");
    for flag in FLAGS.iter().filter(|flag| flag.has_key()) {
        text.push_str(&row(flag));
    }
    text.push_str("\nFlags without a key:\n\n");
    for flag in FLAGS {
        if let Sources::FlagOnly { reason } = flag.sources {
            text.push_str(&format!("- `--{}`: {reason}\n", flag.name));
        }
    }
    text
}

fn row(flag: &Flag) -> String {
    let meaning = flag.help.split("\n\n").next().unwrap_or_default().replace('|', "\\|");
    let built_in = flag.built_in.value().map(|value| value.to_string()).unwrap_or_default();
    format!("| `{}` | {meaning} | {} | `{built_in}` |\n", flag.name, values(flag.kind))
}

/// The values that a configuration file takes.
fn values(kind: Kind) -> String {
    match kind {
        Kind::Switch(_) | Kind::Toggle(..) => "`true`, `false`".to_owned(),
        Kind::Choice(choices, _) => {
            choices.iter().map(|choice| format!("`{choice}`")).collect::<Vec<_>>().join(", ")
        }
        Kind::Text(_) => "a text".to_owned(),
        Kind::List(_) => "a list of texts".to_owned(),
        Kind::Path(_) => "a path, relative to the configuration file".to_owned(),
        Kind::Paths(_) => "a list of paths, relative to the configuration file".to_owned(),
        Kind::Seconds(_) => format!("seconds, at most {LONGEST_WAIT}"),
        Kind::Threads(_) => format!("a number, at most {MOST_THREADS}"),
        Kind::RecordSize(_) => "bytes, or a text with KiB, MiB or GiB; 256KiB to 1GiB".to_owned(),
        Kind::Styles => "a style, or a table of styles (see Styles and layers)".to_owned(),
        Kind::Allowances => "a list of tables (see Exceptions)".to_owned(),
        Kind::Count(_) | Kind::Nothing => String::new(),
    }
}

/// `LOGSCRUB_BLESS=1` writes the table anew.
#[test]
#[allow(clippy::disallowed_methods)] // writes a document, and asks whether to
fn the_table_of_the_document_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/CONFIG.md");
    let document = fs::read_to_string(&path).expect("the document is there");
    let (before, rest) = document.split_once(BEGIN).expect("the table has a beginning");
    let (was, after) = rest.split_once(END).expect("the table has an end");
    let is = format!("\n{}\n", table());
    if std::env::var_os("LOGSCRUB_BLESS").is_some() {
        fs::write(&path, format!("{before}{BEGIN}{is}{END}{after}")).expect("it can be written");
        return;
    }
    assert_eq!(was, is, "docs/CONFIG.md is stale: run tests/bless");
}
