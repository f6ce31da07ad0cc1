//! The documents are true: links and file names lead somewhere, console examples print what they
//! say, and the picture in the README is what the program does.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::harness::{assert_current, binary};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const PICTURE: &str = "docs/images/before-after.svg";

/// Folders without documents of ours.
const SKIPPED: [&str; 4] = ["target", "node_modules", "shared", "artifacts"];

/// Code spans that begin like this name files of the repository.
const FOLDERS: [&str; 8] =
    ["tests/", "src/", "docs/", "benches/", "fuzz/", "patterns/", "plugins/", "examples/"];

#[test]
fn links_and_file_names_in_documents_lead_somewhere() {
    let mut faults = Vec::new();
    for document in documents() {
        let text = fs::read_to_string(&document).expect("it is UTF-8");
        let folder = document.parent().expect("it is in a folder");
        let broken_links = links(&text).filter(|link| !is_target(&document, folder, link));
        let lost_files = code_spans(&text).filter(|span| is_lost(folder, span));
        let here = document.strip_prefix(ROOT).expect("it is in the repository").display();
        faults.extend(broken_links.chain(lost_files).map(|what| format!("{here}: {what}")));
    }
    assert!(faults.is_empty(), "these do not exist:\n{}", faults.join("\n"));
}

/// Targets of `[text](target)`.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next())
}

fn is_target(document: &Path, folder: &Path, link: &str) -> bool {
    if link.starts_with("http://") || link.starts_with("https://") {
        return true;
    }
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target = if path.is_empty() { document.to_owned() } else { folder.join(path) };
    if anchor.is_empty() {
        return target.exists();
    }
    fs::read_to_string(target).is_ok_and(|text| headings(&text).any(|heading| heading == anchor))
}

/// The anchors of headings, as GitHub makes them.
fn headings(text: &str) -> impl Iterator<Item = String> {
    text.lines().filter(|line| line.starts_with('#')).map(|line| {
        let kept = line.trim_start_matches('#').trim().chars();
        let kept = kept.filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
        kept.map(|letter| if letter == ' ' { '-' } else { letter.to_ascii_lowercase() }).collect()
    })
}

fn code_spans(text: &str) -> impl Iterator<Item = &str> {
    text.lines().flat_map(|line| line.split('`').skip(1).step_by(2))
}

/// Whether a code span names a file that is neither in the repository's root nor beside the
/// document. Arguments may follow the file; `*` and `{` make a pattern of it.
fn is_lost(folder: &Path, span: &str) -> bool {
    let path = span.split_whitespace().next().unwrap_or("");
    FOLDERS.iter().any(|folder| path.starts_with(folder))
        && !path.contains(['*', '{', '…'])
        && !Path::new(ROOT).join(path).exists()
        && !folder.join(path).exists()
}

#[test]
fn console_examples_print_what_they_say() {
    let mut n_examples = 0;
    for document in documents() {
        let text = fs::read_to_string(&document).expect("it is UTF-8");
        for block in text.split("```console\n").skip(1) {
            let block = block.split("```").next().unwrap_or("");
            for example in block.split("$ ").skip(1) {
                let (command, output) = example.split_once('\n').expect("a command ends its line");
                assert_eq!(shell(command), output, "{}: {command}", document.display());
                n_examples += 1;
            }
        }
    }
    assert!(n_examples >= 4, "{n_examples} examples");
}

/// What a command line prints, with the program on its path.
fn shell(command: &str) -> String {
    let folder = binary().parent().expect("it is in a folder").to_owned();
    let path = env::join_paths([folder, PathBuf::from("/usr/bin"), PathBuf::from("/bin")])
        .expect("no folder has a colon in its name");
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).current_dir(ROOT).env_clear().env("PATH", path);
    let ran = shell.env("XDG_CONFIG_HOME", "/nonexistent").output().expect("there is a shell");
    String::from_utf8(ran.stdout).expect("the examples are text")
}

#[test]
fn the_picture_in_the_readme_is_current() {
    let script = Path::new(ROOT).join("docs/images/before-after");
    let Ok(drawn) = Command::new("python3").arg(script).arg(binary()).output() else {
        eprintln!("SKIPPED the picture in the README: there is no python3");
        return;
    };
    assert!(drawn.status.success(), "{}", String::from_utf8_lossy(&drawn.stderr));
    assert_current(PICTURE, &drawn.stdout);
}

/// All Markdown files.
fn documents() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(ROOT)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("it can be read") {
            let path = entry.expect("it can be read").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() && !name.starts_with('.') && !SKIPPED.contains(&&*name) {
                folders.push(path);
            } else if name.ends_with(".md") {
                found.push(path);
            }
        }
    }
    found
}
