//! Writes `docs/KEYS.md` from the table and the word lists, and fails where it is out of date.

use std::fmt::Write as _;

use super::{
    classify::ValueClass as Class,
    name::KeyStrength,
    name_words::{ABOUT, NEUTRAL, NOUNS, OTHER, OWNERS},
    prose::PROSE,
    syntax::ValueSyntax as Syntax,
    verdict::{TABLE, Verdict},
};
use crate::rules::{Recogniser, RuleSet};

const INTRODUCTION: &str = "# Keys and values

Generated from the lists and the table in `src/detect/key_value`; do not edit. `tests/bless` rewrites
it.

A secret without a shape of its own is found by the name before it: `password=hunter2`. This page
says which names are keys, where a value begins and ends, and which values are replaced.
`tests/golden/keys.toml` has cases for the rows.

## Keys

A key is an identifier in snake, kebab, camel or dotted case. Its last words decide: `db_password`,
`x-api-key`, `clientSecret`.

";

const AFTER_WORDS: &str =
    "A key that ends with a word of none of these lists is weak. A number at its
end changes nothing. `hash` after `key` or `token` makes it none (`issuerKeyHash`), and a library
is none (`libpassword0`). A service name
(`patterns/services.toml`) is a weak key (`cloudflare: \"…\"`, `TRELLO_API=…`); in a
sentence a word for a key must follow it (`clockify PRIVATE …`), and no other word may
(`TRELLO_BOARD=…`). `pass` in small letters is weak, unless the word before it is in the list of
owners.

## Where a value ends

Quotes end a value, at any depth of nesting. Without quotes it runs

- after a strong key in free text: to the next white space, or to where a structure that was opened
  before the key goes on (`{password:a,user:b}`);
- everywhere else: to the first white space, quote, separator, or bracket that it did not open.

A value is empty where the next pair follows with the same sign and the record has a third one:
`password= status=401 ip=…`. Characters outside ASCII, white space, control characters and their
escapes are edges of a weak key's value, and not part of it. Punctuation at the end of a value
without quotes is ignored when it is judged. Numbers and booleans become JSON strings.

## Values

Each row is a class of values, with an example where one helps. Of several classes that a value
belongs to, the first row with an entry in the column decides. **secret** values are replaced;
empty cells mean that the class does not matter there.

";

const NOTES: &str = "\
## What a machine made

- *Random*: how long the value is, how it mixes letters and digits, and how rarely its letters
  follow each other as they do in words. UUIDs and hexadecimal digests are random.
- *A mixture*: twelve letters and digits in one run, three of each; sixteen with `_-=+/` among them
  in at most three parts; or two hexadecimal words with a colon between them.
- *A long run*: twenty letters and digits, four of each, ten different ones.

A single character of code (`(`, `$`, `[`, `\"`) makes no value code: a password may hold it. An
expression has a name before its bracket and balanced brackets.

## Rows that look wrong

The rows keep what the program did before there was one table. These differ without a good reason:

- A leaf of an array or object and a line below a strong key are replaced however short they are
  (`\"passwords\": [\"a\"]`), and so are paths, sentences and code in them.
- Numbers and booleans on lines below a weak key are replaced; on the line of the key they stay.
- A line below a weak key must be random as a whole. A mixture, or something random between edges,
  is a secret on the line of the key only.
- A placeholder in quotes of its own stays after a key, and is replaced in headers, commands,
  leaves and lines.
- A placeholder on a line below a weak key is not asked for.
- Headers ignore what is random between edges, and everything that is known about prose, paths and
  code except words in small letters and brackets.
- A mixture after a weak key counts after `=`, between quotes and in flags; after `:` and in
  sentences only a long run does.
- A word of prose of three letters stays after `:`, and is replaced between quotes.
- After a strong key a digest that says so (`sha256:…`) is replaced; after a weak one it stays.
- A variable among arguments stays after `:`, and not after `=`; the name before a `;` stays after
  neither.
";

/// The columns of one table: a heading, and the syntax that it stands for.
type Columns<'c> = &'c [(&'c str, Syntax)];

const INLINE: Columns<'_> = &[
    ("in quotes", Syntax::Quoted),
    ("`=x`, XML", Syntax::Tight),
    ("`= x`", Syntax::Spaced),
    ("`: x`", Syntax::Colon),
    ("flag", Syntax::Argument),
    ("sentence", Syntax::Sentence),
    ("in a list or object", Syntax::Leaf),
    ("line below", Syntax::Line),
    ("number", Syntax::Scalar),
    ("number below", Syntax::LineScalar),
    ("byte array", Syntax::ByteArray),
];

const HEADERS: Columns<'_> = &[
    ("whole header", Syntax::Header),
    ("known scheme", Syntax::Credential),
    ("unknown scheme", Syntax::UnknownScheme),
    ("parameter", Syntax::Parameter),
    ("cookie", Syntax::Cookie),
    ("cookie's member", Syntax::CookieMember),
    ("`mysql -px`", Syntax::CommandArgument),
    ("`curl -u a:x`", Syntax::CommandPair),
    ("`-u a:x`", Syntax::BareFlag),
];

fn document(rules: &RuleSet) -> String {
    let mut text = String::from(INTRODUCTION);
    words_of_rules(&mut text, rules);
    for (list, about) in [
        (ABOUT, "As the last word they say that the value is *about* the secret: no key"),
        (NEUTRAL, "As the last word they change nothing"),
        (OTHER, "Before `key` or `token` they name something else: no key"),
        (OWNERS, "Before `pass` they make it a strong key"),
        (NOUNS, "Words for a key after the name of a service"),
        (PROSE, "Words with which a sentence goes on after a key"),
    ] {
        item(&mut text, &format!("{about}: {}.", list.replace(' ', ", ")));
    }
    text.push('\n');
    text.push_str(AFTER_WORDS);
    table(&mut text, "After a strong key", KeyStrength::Strong, INLINE);
    table(&mut text, "After a weak key", KeyStrength::Weak, INLINE);
    table(&mut text, "In headers and commands", KeyStrength::Strong, HEADERS);
    text.push_str(NOTES);
    text
}

/// The words of the rules, by what they make of a key.
fn words_of_rules(text: &mut String, rules: &RuleSet) {
    let keys = || {
        rules.rules().iter().filter_map(|rule| match &rule.recogniser {
            Recogniser::Assign(keys) => Some(keys),
            _ => None,
        })
    };
    for (name, words) in [
        ("Strong keys", keys().flat_map(|keys| &keys.strong).collect()),
        ("Weak keys", keys().flat_map(|keys| &keys.weak).collect()),
        ("Authorization headers", keys().flat_map(|keys| &keys.header).collect()),
        ("Cookie headers", keys().flat_map(|keys| &keys.cookie).collect()),
        (
            "Commands with the flag and the form of its argument",
            keys().flat_map(|keys| &keys.flag).collect(),
        ),
    ] {
        item(text, &format!("{name}: {}.", quoted(words)));
    }
}

fn quoted(words: Vec<&String>) -> String {
    let words = words.iter().map(|word| {
        let parts: Vec<&str> = word.split_whitespace().collect();
        format!("`{}`", parts.join(" "))
    });
    words.collect::<Vec<_>>().join(", ")
}

/// An item of a list, wrapped.
fn item(text: &mut String, item: &str) {
    let mut line = String::from("-");
    for word in item.split(' ') {
        if line.len() + 1 + word.len() > 100 {
            text.push_str(&line);
            text.push('\n');
            line = String::from(" ");
        }
        line.push(' ');
        line.push_str(word);
    }
    text.push_str(&line);
    text.push('\n');
}

fn table(text: &mut String, title: &str, strength: KeyStrength, columns: Columns<'_>) {
    line(text, &format!("### {title}\n"));
    let headings: Vec<&str> = columns.iter().map(|(heading, _)| *heading).collect();
    line(text, &format!("| the value is | {} |", headings.join(" | ")));
    line(text, &format!("|---|{}", "---|".repeat(columns.len())));
    let rows = TABLE.iter().map(|row| row.class);
    let mut classes: Vec<Class> = rows.collect();
    classes.dedup();
    for class in classes {
        let cells: Vec<&str> =
            columns.iter().map(|(_, syntax)| cell(class, strength, *syntax)).collect();
        if cells.iter().any(|cell| !cell.is_empty()) {
            line(text, &format!("| {} | {} |", title_of(class), cells.join(" | ")));
        }
    }
    text.push('\n');
}

fn cell(class: Class, strength: KeyStrength, syntax: Syntax) -> &'static str {
    let mut rows = TABLE.iter().filter(|row| row.class == class);
    match rows.find_map(|row| row.verdict(strength, syntax)) {
        Some(Verdict::Secret) => "**secret**",
        Some(Verdict::Stays) => "stays",
        None => "",
    }
}

fn title_of(class: Class) -> String {
    if class == Class::Anything {
        return "anything else".to_owned();
    }
    let name = class.description().trim_start_matches("the value is ");
    let example = example(class);
    if example.is_empty() { name.to_owned() } else { format!("{name}: `{example}`") }
}

fn example(class: Class) -> &'static str {
    match class {
        Class::TooShort => "ab",
        Class::StringSeam => "\" + name + \"",
        Class::Placeholder => "${VAR}",
        Class::QuotedPlaceholder => "'$PASSWORD'",
        Class::Filled => "acme_xxxxxxxx",
        Class::FillIn => "XX_YOUR_TOKEN_HERE_XX",
        Class::DottedNumber => "1.2.840.113549",
        Class::Sentence => "Please enter your password",
        Class::ProseWord => "required",
        Class::AboutFlag => "--password options can't be used",
        Class::Option => "--name",
        Class::InnerPair => "db: password=x",
        Class::Technical => "sha256",
        Class::NameService => "passwd: files",
        Class::Folder => "pwd = base_path",
        Class::TestResult => "PASS: test_login",
        Class::NamedArgument => "client_secret: oauth_secret,",
        Class::NameInList => "user:password:nonce",
        Class::SecretVariable => "layer1.aws_secret_key",
        Class::Reference => "users/passwords#edit",
        Class::OpenBracket => "+ environment[",
        Class::Path => "/run/secrets/pw",
        Class::PortAndPath => "443/password/reset",
        Class::Digest => "sha256:9f86d0",
        Class::Substitution => "$(cat pw)",
        Class::Expression | Class::Code => "getPassword()",
        Class::Member => "config.token",
        Class::SecretWords => "x7Kp2mQ9 vT4nB8dL",
        Class::PassCode => "pass=get1()",
        Class::PassMixture => "pass=hunter2",
        Class::PathEnd => "library/auth: 9f86d0",
        Class::Random => "x7Kp2mQ9vT4nB8dL",
        Class::LongRun => "abcd1234efgh5678ijkl",
        Class::Mixed => "abcd1234efgh",
        _ => "",
    }
}

fn line(text: &mut String, line: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{line}");
}

#[test]
#[allow(clippy::disallowed_methods)] // `tests/bless` sets the variable, and the file is ours
fn keys_md_is_current() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/KEYS.md");
    let document = document(&RuleSet::embedded());
    if std::env::var_os("LOGSCRUB_BLESS").is_some() {
        std::fs::write(&path, &document).expect("docs can be written");
    }
    let committed = std::fs::read_to_string(&path).expect("docs/KEYS.md is committed");
    assert!(committed == document, "docs/KEYS.md is out of date: run tests/bless");
}
