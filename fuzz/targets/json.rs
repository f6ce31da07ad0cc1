//! A JSON document stays a JSON document with the same keys and members in the same order.
//!
//! A scalar may become a string, and a string another string; nothing else may change its kind. A
//! key that contains a secret (an address as a key) may change, but its member stays.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use logscrub::{Outcome, Policy, RuleSet, Scrubber};
use serde_json::Value;

#[derive(Arbitrary, Debug)]
enum Node {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f32),
    Text(Text),
    Nested(Box<Node>),
    List(Vec<Node>),
    Object(Vec<(Key, Node)>),
}

/// The number of documents nested in each other's strings.
const MAX_NESTING: u32 = 4;

/// The content of strings: anything from the fuzzer, and words that detectors look for.
#[derive(Arbitrary, Debug)]
enum Text {
    Any(String),
    Joined(Vec<Piece>),
}

#[derive(Arbitrary, Debug)]
enum Piece {
    Word(Word),
    Any(String),
    Char(u8),
}

#[derive(Arbitrary, Debug)]
enum Key {
    Word(Word),
    Any(String),
}

#[derive(Arbitrary, Debug)]
enum Word {
    Password,
    ApiKey,
    Token,
    Authorization,
    Cookie,
    Email,
    Userinfo,
    Query,
    Command,
    Bearer,
    Message,
    Github,
    Begin,
    End,
}

impl Word {
    fn text(&self) -> &'static str {
        match self {
            Word::Password => "password",
            Word::ApiKey => "api_key",
            Word::Token => "token=",
            Word::Authorization => "Authorization: ",
            Word::Cookie => "Set-Cookie: sid=",
            Word::Email => "alice@example.com",
            Word::Userinfo => "postgres://app:hunter2@db/",
            Word::Query => "?access_token=abcdefgh12345678&",
            Word::Command => " --password hunter2 -u bob:hunter2 ",
            Word::Bearer => "Bearer abcdefgh12345678abcdefgh",
            Word::Message => "message",
            Word::Github => "ghp_",
            Word::Begin => "-----BEGIN PRIVATE KEY-----\n",
            Word::End => "\n-----END PRIVATE KEY-----\n",
        }
    }
}

fn text(text: &Text) -> String {
    match text {
        Text::Any(text) => text.clone(),
        Text::Joined(pieces) => pieces.iter().map(piece).collect(),
    }
}

fn piece(piece: &Piece) -> String {
    match piece {
        Piece::Word(word) => word.text().to_owned(),
        Piece::Any(text) => text.clone(),
        Piece::Char(byte) => char::from(*byte).to_string(),
    }
}

fn value(node: &Node, nesting: u32) -> Value {
    match node {
        Node::Null => Value::Null,
        Node::Bool(truth) => (*truth).into(),
        Node::Integer(number) => (*number).into(),
        Node::Float(number) => (*number).into(),
        Node::Text(inner) => text(inner).into(),
        // A document inside a string, as loggers write messages of other loggers. The backslashes
        // double each time.
        Node::Nested(_) if nesting == MAX_NESTING => Value::Null,
        Node::Nested(node) => value(node, nesting + 1).to_string().into(),
        Node::List(nodes) => nodes.iter().map(|node| value(node, nesting)).collect(),
        Node::Object(members) => {
            let key = |key: &Key| match key {
                Key::Word(word) => word.text().to_owned(),
                Key::Any(text) => text.clone(),
            };
            members.iter().map(|(name, node)| (key(name), value(node, nesting))).collect()
        }
    }
}

thread_local! {
    static FIRST: Scrubber = Scrubber::new(&RuleSet::embedded(), &Policy::new()).expect("the policy is plain");
}

fn scrub(hay: &[u8]) -> Vec<u8> {
    let mut scrubber = FIRST.with(Scrubber::fork);
    let mut out = Vec::new();
    let outcome = scrubber.scrub_block(hay, &mut out);
    assert_eq!(scrubber.tally().withheld, 0, "a recogniser failed");
    if outcome == Outcome::Clean { hay.to_vec() } else { out }
}

/// Whether `after` is `before` with some scalars replaced.
fn is_same_shape(before: &Value, after: &Value) -> bool {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            // Two keys that become the same placeholder are two members in the text, but the parser
            // keeps only one.
            let is_merged = after.len() < before.len() && after.keys().any(|key| key.contains("REDACTED-"));
            let is_same_member = |((key, before), (other, after)): ((&String, &Value), (&String, &Value))| {
                (key == other || other.contains("REDACTED-")) && is_same_shape(before, after)
            };
            is_merged || before.len() == after.len() && before.iter().zip(after).all(is_same_member)
        }
        (Value::Array(before), Value::Array(after)) => {
            before.len() == after.len() && before.iter().zip(after).all(|(before, after)| is_same_shape(before, after))
        }
        (Value::Object(_) | Value::Array(_), _) => false,
        (before, after) => before == after || after.is_string(),
    }
}

fuzz_target!(|node: Node| {
    let written = value(&node, 0).to_string();
    // Read back, since a float may be read as its neighbour.
    // The parser limits nesting, the writer does not.
    let Ok(before) = serde_json::from_str::<Value>(&written) else { return };
    let out = scrub(written.as_bytes());
    let after: Value = match serde_json::from_slice(&out) {
        Ok(after) => after,
        Err(error) => panic!("no JSON any more ({error}):\n{written}\n{}", out.escape_ascii()),
    };
    assert!(is_same_shape(&before, &after), "another shape:\n{written}\n{}", out.escape_ascii());
});
