//! Which module may import which, no import circle inside a folder, and where unsafe code may be.
//!
//! The source is parsed, so a word in a comment or a string counts for nothing. Tests inside the
//! source may import what they like: items under `#[cfg(test)]` are left out.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::{
    Attribute, ImplItem, Item, ItemMod, ItemUse, Macro, Meta, Token, UseName, UseRename, UseTree,
    VisRestricted, Visibility,
    punctuated::Punctuated,
    visit::{self, Visit},
};

/// Each module below `src`, and the modules that it may import. `docs/ARCHITECTURE.md` gives each
/// a level, and a test holds the two together. `lib` and `main` are not listed:
/// the library's root names every module, the program's root only `cli`.
const MODULES: &str = "
    error:
    text:
    pool:
    rules: error text
    finding: rules text
    tally: rules
    policy: error rules
    frame: error tally text
    prefilter: error rules text
    redact: finding policy rules text
    detect: finding prefilter redact rules text
    scrub: detect error finding frame policy prefilter redact rules tally text
    source: error text
    sink: error text
    report: error finding rules tally text
    lint: detect error finding policy prefilter redact rules scrub tally text
    msgpack: detect error finding policy prefilter redact rules scrub tally text
    stream: error finding frame policy pool redact rules scrub sink source tally text
    batch: error finding pool rules scrub sink source stream tally text
    aio: scrub stream
    forward: error msgpack report
    cli: batch detect error finding forward frame lint msgpack policy prefilter redact report \
rules scrub sink source stream tally text
";

/// These may use what the library shows at its root; the others name the module itself.
const USERS_OF_THE_ROOT: [&str; 3] = ["cli", "stream", "text"];

/// Modules that do no input or output, read no clock and no environment, and take no lock.
const ENGINE: [&str; 5] = ["detect", "frame", "prefilter", "redact", "text"];

const OUTSIDE_OF_THE_ENGINE: [&str; 6] =
    ["std::fs", "std::io", "std::env", "std::time", "std::sync::Mutex", "std::net"];

/// Folders that still have an import circle. Take one out when its circle is gone;
/// `tests/shape --list circles` prints the members.
const FOLDERS_WITH_CIRCLES: [&str; 1] = ["detect"];

/// Files outside of tests that contain unsafe code. `main.rs` has none: the attribute that runs a
/// function before `main` is spelt with the word.
const UNSAFE_FILES: [&str; 6] = [
    "plugins/fluent-bit/src/abi.rs",
    "plugins/fluent-bit/src/filter.rs",
    "plugins/fluent-bit/src/instance.rs",
    "plugins/fluent-bit/src/lib.rs",
    "src/main.rs",
    "src/prefilter/simd.rs",
];

/// The path of a module from the root of the library: `["frame", "formats", "cri"]`.
type ModulePath = Vec<String>;

/// A path that a file names.
#[derive(Debug, PartialEq)]
struct Import {
    path: Vec<String>,
    /// The name that a `use` gives it.
    name: String,
    line: usize,
    /// `pub use`, which hands the name on.
    is_reexport: bool,
}

/// Collects the imports of one file.
#[derive(Default)]
struct Reader {
    imports: Vec<Import>,
    /// Files of modules that are declared under `#[cfg(test)]`.
    test_modules: Vec<String>,
    /// The inline modules around the current item.
    inline: Vec<String>,
}

impl Reader {
    fn of(source: &str) -> Reader {
        let file = syn::parse_file(source).expect("source parses");
        let mut reader = Reader::default();
        reader.visit_file(&file);
        reader
    }

    fn add(&mut self, mut path: Vec<String>, name: String, line: usize, is_reexport: bool) {
        // Inside an inline module, `super` leads to this file.
        for _ in &self.inline {
            if path.first().is_some_and(|first| first == "super") {
                path[0] = "self".to_owned();
            }
        }
        self.imports.push(Import { path, name, line, is_reexport });
    }

    fn add_use(&mut self, tree: &UseTree, prefix: &[String], is_reexport: bool) {
        let with = |ident: &Ident| [prefix, &[ident.to_string()]].concat();
        let line = |ident: &Ident| ident.span().start().line;
        match tree {
            UseTree::Path(path) => self.add_use(&path.tree, &with(&path.ident), is_reexport),
            UseTree::Group(group) => {
                for item in &group.items {
                    self.add_use(item, prefix, is_reexport);
                }
            }
            UseTree::Name(UseName { ident }) if ident == "self" => {
                let name = prefix.last().cloned().unwrap_or_default();
                self.add(prefix.to_vec(), name, line(ident), is_reexport);
            }
            UseTree::Name(UseName { ident }) => {
                self.add(with(ident), ident.to_string(), line(ident), is_reexport);
            }
            UseTree::Rename(UseRename { ident, rename, .. }) => {
                self.add(with(ident), rename.to_string(), line(ident), is_reexport);
            }
            UseTree::Glob(glob) => {
                let line = glob.star_token.spans[0].start().line;
                self.add(prefix.to_vec(), "*".to_owned(), line, is_reexport);
            }
        }
    }

    /// Paths in the arguments of a macro, which are tokens.
    fn add_tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut n_colons = 0;
        for token in tokens {
            let line = token.span().start().line;
            match token {
                TokenTree::Ident(ident) => {
                    if n_colons != 2 {
                        path.clear();
                    }
                    path.push(ident.to_string());
                    n_colons = 0;
                    if path.len() > 1 {
                        self.add(path.clone(), String::new(), line, false);
                    }
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => n_colons += 1,
                TokenTree::Group(group) => {
                    self.add_tokens(group.stream());
                    path.clear();
                }
                _ => path.clear(),
            }
        }
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        if !attributes(item).iter().any(is_test) {
            visit::visit_item(self, item);
        } else if let Item::Mod(ItemMod { content: None, ident, .. }) = item {
            self.test_modules.push(ident.to_string());
        }
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        let is_test = match item {
            ImplItem::Fn(function) => function.attrs.iter().any(is_test),
            ImplItem::Const(constant) => constant.attrs.iter().any(is_test),
            _ => false,
        };
        if !is_test {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        self.inline.push(module.ident.to_string());
        visit::visit_item_mod(self, module);
        self.inline.pop();
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.add_use(&item.tree, &[], !matches!(item.vis, Visibility::Inherited));
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<String> =
            path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if let Some(last) = path.segments.last().filter(|_| names.len() > 1) {
            self.add(names, String::new(), last.ident.span().start().line, false);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        self.visit_path(&call.path);
        self.add_tokens(call.tokens.clone());
    }

    fn visit_attribute(&mut self, _: &'ast Attribute) {}

    fn visit_vis_restricted(&mut self, _: &'ast VisRestricted) {}
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// `#[cfg(test)]` and `#[cfg(all(test, …))]`.
fn is_test(attribute: &Attribute) -> bool {
    let is_word = |meta: &Meta| meta.path().is_ident("test");
    if !attribute.path().is_ident("cfg") {
        return false;
    }
    match attribute.parse_args::<Meta>() {
        Ok(Meta::List(list)) if list.path.is_ident("all") => list
            .parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)
            .is_ok_and(|all| all.iter().any(is_word)),
        Ok(meta) => is_word(&meta),
        Err(_) => false,
    }
}

/// One file of the library.
struct File {
    /// Below `src`.
    name: String,
    imports: Vec<Import>,
}

/// All files of the library without those of test modules.
struct Library(BTreeMap<ModulePath, File>);

impl Library {
    fn read() -> Library {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut files = BTreeMap::new();
        let mut tests: BTreeSet<ModulePath> = BTreeSet::new();
        for path in rust_files(&root) {
            let inside = path.strip_prefix(&root).expect("it lies below the root");
            if inside == Path::new("main.rs") {
                continue;
            }
            let module = module_path(inside);
            let Reader { imports, test_modules, .. } = Reader::of(&read(&path));
            tests.extend(test_modules.into_iter().map(|name| [&module[..], &[name]].concat()));
            files.insert(module, File { name: inside.display().to_string(), imports });
        }
        files.retain(|module, _| !tests.iter().any(|test| module.starts_with(test)));
        Library(files)
    }

    /// `path` from the root, as seen in `module`; `None` if it leads to another crate.
    fn absolute(&self, module: &[String], path: &[String]) -> Option<ModulePath> {
        let n_supers = path.iter().take_while(|name| *name == "super").count();
        match path.first()?.as_str() {
            "crate" => Some(path[1..].to_vec()),
            "self" => Some([module, &path[1..]].concat()),
            "super" => {
                let above = &module[..module.len().saturating_sub(n_supers)];
                Some([above, &path[n_supers..]].concat())
            }
            first => {
                let child = [module, &[first.to_owned()]].concat();
                self.0.contains_key(&child).then(|| [module, path].concat())
            }
        }
    }

    /// The module that declares what `path` names. Where a module hands on a name of another, the
    /// other one counts.
    fn declares(&self, module: &[String], path: &[String], n_steps: usize) -> Option<ModulePath> {
        let full = self.absolute(module, path)?;
        let length = (0..=full.len()).rev().find(|end| self.0.contains_key(&full[..*end]))?;
        let (holder, rest) = full.split_at(length);
        let handed_on = || {
            let name = rest.first().filter(|_| n_steps > 0 && holder != module)?;
            let import = self.0[holder].imports.iter().find(|import| import.name == *name)?;
            let path = [&import.path, &rest[1..]].concat();
            self.declares(holder, &path, n_steps - 1)
        };
        handed_on().or_else(|| Some(holder.to_vec()))
    }

    /// The members of each folder, and which other members each imports.
    fn folders(&self) -> BTreeMap<String, Graph> {
        let mut folders: BTreeMap<String, Graph> = BTreeMap::new();
        for (module, file) in &self.0 {
            for import in &file.imports {
                let Some(target) = self.declares(module, &import.path, 8) else { continue };
                let shared = module.iter().zip(&target).take_while(|(a, b)| a == b).count();
                // A folder's own mod.rs is no member: it holds what its children share.
                let (Some(member), Some(other)) = (module.get(shared), target.get(shared)) else {
                    continue;
                };
                let graph = folders.entry(module[..shared].join("/")).or_default();
                graph.entry(member.clone()).or_default().insert(other.clone());
            }
        }
        folders
    }
}

type Graph = BTreeMap<String, BTreeSet<String>>;

/// The groups of members that import each other, directly or through others.
fn circles(graph: &Graph) -> BTreeSet<Vec<String>> {
    let reached: BTreeMap<&String, BTreeSet<&String>> =
        graph.keys().map(|member| (member, reached_from(graph, member))).collect();
    let is_mutual = |a: &String, b: &String| {
        reached[a].contains(b) && reached.get(b).is_some_and(|from| from.contains(a))
    };
    let group = |a| graph.keys().filter(|b| is_mutual(a, b)).cloned().collect::<Vec<_>>();
    graph.keys().map(group).filter(|group| group.len() > 1).collect()
}

fn reached_from<'g>(graph: &'g Graph, start: &'g String) -> BTreeSet<&'g String> {
    let mut reached = BTreeSet::new();
    let mut open = vec![start];
    while let Some(member) = open.pop() {
        open.extend(graph.get(member).into_iter().flatten().filter(|next| reached.insert(*next)));
    }
    reached
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("an entry can be read").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("source is text")
}

/// `frame/mod.rs` is the module `frame`, `frame/line.rs` is `frame::line`, `lib.rs` is the root.
fn module_path(file: &Path) -> ModulePath {
    let mut path: ModulePath =
        file.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if path.last().is_some_and(|last| ["mod", "lib"].contains(&last.as_str())) {
        path.pop();
    }
    path
}

fn allowed_imports() -> BTreeMap<&'static str, Vec<&'static str>> {
    let lines = MODULES.lines().filter_map(|line| line.trim().split_once(':'));
    lines.map(|(module, allowed)| (module, allowed.split_whitespace().collect())).collect()
}

#[test]
fn modules_import_only_the_modules_below_them() {
    let library = Library::read();
    let allowed = allowed_imports();
    let mut faults = Vec::new();
    for (module, file) in library.0.iter().filter(|(module, _)| !module.is_empty()) {
        let Some(allowed) = allowed.get(module[0].as_str()) else {
            faults.push(format!("{}: the module {:?} is not in the table", file.name, module[0]));
            continue;
        };
        for import in &file.imports {
            let Some(full) = library.absolute(module, &import.path) else { continue };
            let Some(name) = full.first() else { continue };
            let is_module = library.0.contains_key(&full[..1]);
            let place = format!("src/{}:{}", file.name, import.line);
            if is_module && *name != module[0] && !allowed.contains(&name.as_str()) {
                faults.push(format!("{place}: {} may not import {name}", module[0]));
            }
            if !is_module && !USERS_OF_THE_ROOT.contains(&module[0].as_str()) {
                faults.push(format!("{place}: import {name} from its module, not from the root"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The level of each module in the table of `docs/ARCHITECTURE.md`. A row looks like
/// `| 3 | [frame](design/frame.md) | where records begin and end |`.
fn levels() -> BTreeMap<String, usize> {
    let map = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ARCHITECTURE.md"));
    let mut levels = BTreeMap::new();
    for line in map.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, level, modules, ..] = cells[..] else { continue };
        let Ok(level) = level.parse() else { continue };
        for name in modules.split(", ") {
            let name = name.split(']').next().unwrap_or_default();
            let name = name.trim_matches(|letter: char| !letter.is_alphanumeric());
            assert!(levels.insert(name.to_owned(), level).is_none(), "{name} is listed twice");
        }
    }
    levels
}

#[test]
fn the_map_has_every_module_above_those_that_it_imports() {
    let (levels, allowed) = (levels(), allowed_imports());
    assert!(levels.keys().map(String::as_str).eq(allowed.keys().copied()), "{levels:#?}");
    for (module, imports) in allowed {
        for import in imports {
            assert!(levels[import] < levels[module], "{module} imports {import}");
        }
    }
}

#[test]
fn no_members_of_a_folder_import_each_other_in_a_circle() {
    let folders = Library::read().folders();
    for (folder, graph) in folders.iter().filter(|(folder, _)| !folder.is_empty()) {
        let circles = circles(graph);
        let is_known = FOLDERS_WITH_CIRCLES.contains(&folder.as_str());
        assert!(circles.is_empty() || is_known, "{folder}: {circles:?} in {graph:#?}");
        assert!(!circles.is_empty() || !is_known, "take {folder} out of FOLDERS_WITH_CIRCLES");
    }
    for folder in FOLDERS_WITH_CIRCLES {
        assert!(folders.contains_key(folder), "{folder} is not there");
    }
}

#[test]
fn the_engine_does_no_io_and_reads_no_clock() {
    for (module, file) in Library::read().0 {
        if !module.first().is_some_and(|first| ENGINE.contains(&first.as_str())) {
            continue;
        }
        for import in &file.imports {
            let path = import.path.join("::");
            let is_outside = OUTSIDE_OF_THE_ENGINE
                .iter()
                .any(|word| path == *word || path.starts_with(&format!("{word}::")));
            assert!(!is_outside, "src/{}:{} uses {path}", file.name, import.line);
        }
    }
}

/// Whether the word `unsafe` occurs among the tokens, alone or in a lint's name.
fn has_unsafe(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident.to_string().split('_').any(|word| word == "unsafe"),
        TokenTree::Group(group) => has_unsafe(group.stream()),
        _ => false,
    })
}

#[test]
fn unsafe_code_is_in_the_kernels_at_the_boundary_to_c_and_before_main_only() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = ["src", "plugins/fluent-bit/src"].map(|folder| rust_files(&root.join(folder)));
    let mut found: Vec<String> = files
        .concat()
        .iter()
        .filter(|path| has_unsafe(read(path).parse().expect("source has tokens")))
        .map(|path| path.strip_prefix(root).expect("it lies below").display().to_string())
        .collect();
    found.sort();
    assert_eq!(found, UNSAFE_FILES);
}

#[test]
fn the_reader_of_imports_sees_code_and_no_comments_strings_or_tests() {
    let source = r##"
        //! use crate::comment;
        use crate::{frame::{buffer::Piece, line}, text as bytes};
        pub use self::child::Name;
        const WORDS: &str = "use crate::string;";
        fn call() { println!("{}", crate::rules::count(super::depth::DEEP)); crate::detect::run() }
        mod inner { use super::sibling; }
        #[cfg(test)]
        mod tests { use crate::hidden; }
        #[cfg(test)]
        mod oracle;
    "##;
    let reader = Reader::of(source);
    let found: Vec<String> = reader.imports.iter().map(|import| import.path.join("::")).collect();
    let wanted = [
        "crate::frame::buffer::Piece",
        "crate::frame::line",
        "crate::text",
        "self::child::Name",
        "crate::rules",
        "crate::rules::count",
        "super::depth",
        "super::depth::DEEP",
        "crate::detect::run",
        "self::sibling",
    ];
    assert_eq!(found, wanted);
    assert_eq!(reader.test_modules, ["oracle"]);
    assert_eq!(reader.imports[2].name, "bytes");
    assert_eq!((reader.imports[0].line, reader.imports[3].is_reexport), (3, true));
}

#[test]
fn a_circle_is_seen_through_others() {
    let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect();
    let graph = BTreeMap::from([
        ("a".to_owned(), names(&["b"])),
        ("b".to_owned(), names(&["c", "d"])),
        ("c".to_owned(), names(&["a"])),
        ("d".to_owned(), names(&["e"])),
    ]);
    let circle = ["a", "b", "c"].map(str::to_owned).to_vec();
    assert_eq!(circles(&graph), BTreeSet::from([circle]));
}
