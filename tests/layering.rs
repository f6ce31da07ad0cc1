//! Who may import whom: the table of `docs/ARCHITECTURE.md`, held against the code.

use std::{fs, path::Path};

/// Each room and the rooms it may name; a room may always name itself.
const ROOMS: [(&str, &[&str]); 25] = [
    ("error", &[]),
    ("text", &[]),
    ("rules", &["error", "text"]),
    ("finding", &["rules", "text"]),
    ("tally", &["rules"]),
    ("policy", &["rules", "error"]),
    ("frame", &["error", "tally", "text"]),
    ("prefilter", &["error", "rules", "text"]),
    ("redact", &["finding", "policy", "rules", "text"]),
    ("detect", &["finding", "prefilter", "redact", "rules", "text"]),
    (
        "scrub",
        &[
            "detect",
            "error",
            "finding",
            "frame",
            "policy",
            "prefilter",
            "redact",
            "rules",
            "tally",
            "text",
        ],
    ),
    ("source", &["error", "text"]),
    ("sink", &["error", "text"]),
    ("report", &["error", "finding", "rules", "tally", "text"]),
    (
        "lint",
        &[
            "detect",
            "error",
            "finding",
            "policy",
            "prefilter",
            "redact",
            "rules",
            "scrub",
            "tally",
            "text",
        ],
    ),
    (
        "msgpack",
        &[
            "detect",
            "error",
            "finding",
            "policy",
            "prefilter",
            "redact",
            "rules",
            "scrub",
            "tally",
            "text",
        ],
    ),
    ("pool", &[]),
    (
        "stream",
        &[
            "error", "finding", "frame", "policy", "pool", "redact", "rules", "scrub", "sink",
            "source", "tally", "text",
        ],
    ),
    (
        "batch",
        &[
            "error", "finding", "pool", "rules", "scrub", "sink", "source", "stream", "tally",
            "text",
        ],
    ),
    ("aio", &["scrub", "stream"]),
    ("forward", &["error", "msgpack", "report"]),
    (
        "cli",
        &[
            "batch",
            "detect",
            "error",
            "finding",
            "forward",
            "frame",
            "lint",
            "msgpack",
            "policy",
            "prefilter",
            "redact",
            "report",
            "rules",
            "scrub",
            "sink",
            "source",
            "stream",
            "tally",
            "text",
        ],
    ),
    (
        "lib",
        &[
            "aio",
            "batch",
            "cli",
            "detect",
            "error",
            "finding",
            "forward",
            "frame",
            "lint",
            "msgpack",
            "policy",
            "pool",
            "prefilter",
            "redact",
            "report",
            "rules",
            "scrub",
            "sink",
            "source",
            "stream",
            "tally",
            "text",
        ],
    ),
    ("main", &["cli"]),
    ("build", &[]),
];

/// The rooms that `text` names by `crate::`, tests and documentation apart, with the line of each.
fn named(text: &str) -> Vec<(usize, String)> {
    let code: String = match text.find("#[cfg(test)]\nmod tests") {
        Some(tests) => text[..tests].to_owned(),
        None => text.to_owned(),
    };
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let line = code[..at].matches('\n').count();
        if code.lines().nth(line).is_some_and(|text| text.trim_start().starts_with("//")) {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        if let Some(list) = rest.strip_prefix('{') {
            found.extend(members(list).into_iter().map(|room| (line + 1, room)));
        } else {
            found.push((
                line + 1,
                rest.chars()
                    .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
                    .collect(),
            ));
        }
    }
    found
}

/// The first names inside `{…}`, at its own depth.
fn members(list: &str) -> Vec<String> {
    let mut members = vec![String::new()];
    let (mut depth, mut is_name) = (0, true);
    for letter in list.chars() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                members.push(String::new());
                is_name = true;
            }
            ':' => is_name &= depth > 0,
            _ if depth == 0 && is_name && (letter.is_alphanumeric() || letter == '_') => {
                members.last_mut().expect("there is always one").push(letter);
            }
            _ => {}
        }
    }
    members.retain(|member| !member.is_empty());
    members
}

fn check(folder: &Path, root: &Path, faults: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            check(&path, root, faults);
            continue;
        }
        let inside = path.strip_prefix(root).expect("it lies below the root");
        let first = inside.iter().next().expect("a path has parts").to_string_lossy();
        let room = first.trim_end_matches(".rs");
        let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == room) else {
            faults.push(format!("{}: the room {room:?} is not in the table", inside.display()));
            continue;
        };
        let text = fs::read_to_string(&path).expect("source is text");
        for (line, name) in named(&text) {
            let is_room = ROOMS.iter().any(|(known, _)| *known == name);
            if is_room && name != room && !allowed.contains(&name.as_str()) {
                faults.push(format!("{}:{line}: {room} names {name}", inside.display()));
            }
            // What the library shows at its root is for its users; rooms name each other.
            let is_shown = name.chars().next().is_some_and(char::is_uppercase);
            if is_shown && !["cli", "stream", "text"].contains(&room) {
                faults.push(format!(
                    "{}:{line}: {room} names {name} through the root",
                    inside.display()
                ));
            }
        }
    }
}

#[test]
fn rooms_name_only_the_rooms_below_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut faults = Vec::new();
    check(&root, &root, &mut faults);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_middle_does_no_io_and_reads_no_clock() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for room in ["detect", "frame", "prefilter", "redact", "text"] {
        let mut folders = vec![root.join(room)];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).expect("the folder is there") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = fs::read_to_string(&path).expect("source is text");
                let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
                for word in
                    ["std::fs", "std::io", "std::env", "std::time", "std::sync::Mutex", "std::net"]
                {
                    assert!(!code.contains(word), "{} names {word}", path.display());
                }
            }
        }
    }
}

/// The files below `folder` that allow themselves `unsafe` or say it, by their paths below `root`.
fn unsafe_files(folder: &Path, root: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            unsafe_files(&path, root, found);
            continue;
        }
        let text = fs::read_to_string(&path).expect("source is text");
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        if code
            .flat_map(|line| line.split(|letter: char| !letter.is_alphanumeric()))
            .any(|word| word == "unsafe")
        {
            found.push(path.strip_prefix(root).expect("it lies below").display().to_string());
        }
    }
}

#[test]
fn unsafe_stands_in_the_kernels_at_the_boundary_to_c_and_before_main_alone() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for folder in ["src", "plugins/fluent-bit/src"] {
        unsafe_files(&root.join(folder), root, &mut found);
    }
    found.sort();
    let boundary = ["abi.rs", "filter.rs", "instance.rs", "lib.rs"]
        .map(|file| format!("plugins/fluent-bit/src/{file}"));
    // `main.rs` has no unsafe code: the attribute that runs a function before `main` spells the
    // word.
    let others = ["src/main.rs", "src/prefilter/simd.rs"].map(str::to_owned);
    assert_eq!(found, [&boundary[..], &others].concat());
}

#[test]
fn the_reader_of_imports_sees_what_it_should() {
    assert_eq!(named("use crate::scan;\n// crate::lint\n"), [(1, "scan".to_owned())]);
    let list = "use crate::{\n    frame::{block::Piece, line},\n    scan,\n};\n";
    assert_eq!(
        named(list).into_iter().map(|(_, room)| room).collect::<Vec<_>>(),
        ["frame", "scan"]
    );
}
