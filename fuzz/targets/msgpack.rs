//! A chunk stays a chunk with the same number of entries, and contains none of the addresses that
//! were in its strings.

#![no_main]

use arbitrary::{Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use logscrub::{ChunkScrubber, Outcome, Policy, RuleSet};

const CANARY: &[u8] = b"canary.7@example.org";

thread_local! {
    static FIRST: ChunkScrubber = ChunkScrubber::new(&RuleSet::embedded(), &Policy::new()).expect("the policy is plain");
}

#[derive(Arbitrary, Debug)]
enum Value<'a> {
    Canary,
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(&'a str),
    Bytes(&'a [u8]),
    Ext(i8, &'a [u8]),
    Array(Vec<Value<'a>>),
    Map(Vec<(Value<'a>, Value<'a>)>),
}

fn sized(head: u8, length: usize, out: &mut Vec<u8>) {
    out.push(head);
    out.extend_from_slice(&(length as u32).to_be_bytes());
}

fn write(value: &Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Canary => write_text(CANARY, out),
        Value::Nil => out.push(0xc0),
        Value::Bool(value) => out.push(0xc2 + u8::from(*value)),
        Value::Int(value) => out.extend([&[0xd3][..], &value.to_be_bytes()].concat()),
        Value::Float(value) => out.extend([&[0xcb][..], &value.to_be_bytes()].concat()),
        Value::Text(text) => write_text(text.as_bytes(), out),
        Value::Bytes(bytes) => {
            sized(0xc6, bytes.len(), out);
            out.extend_from_slice(bytes);
        }
        Value::Ext(kind, bytes) => {
            sized(0xc9, bytes.len(), out);
            out.push(kind.cast_unsigned());
            out.extend_from_slice(bytes);
        }
        Value::Array(members) => {
            sized(0xdd, members.len(), out);
            members.iter().for_each(|member| write(member, out));
        }
        Value::Map(pairs) => {
            sized(0xdf, pairs.len(), out);
            for (key, value) in pairs {
                write(key, out);
                write(value, out);
            }
        }
    }
}

fn write_text(text: &[u8], out: &mut Vec<u8>) {
    sized(0xdb, text.len(), out);
    out.extend_from_slice(text);
}

fn scrub(chunk: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    match FIRST.with(ChunkScrubber::fork).scrub_events(chunk, &mut out) {
        Ok(Outcome::Clean) => Some(chunk.to_vec()),
        Ok(Outcome::Changed) => Some(out),
        Ok(Outcome::Stopped) => panic!("the policy masks"),
        Err(_) => None,
    }
}

fuzz_target!(|input: &[u8]| {
    // Any bytes are handled, and the output is a chunk.
    if let Some(clean) = scrub(input) {
        assert!(scrub(&clean).is_some(), "no chunk any more");
    }
    let Ok(records) = Vec::<Value<'_>>::arbitrary(&mut Unstructured::new(input)) else { return };
    let mut chunk = Vec::new();
    for record in &records {
        chunk.extend_from_slice(b"\x92\x01");
        write(record, &mut chunk);
    }
    let clean = scrub(&chunk).expect("it is a chunk");
    let is_there = |text: &[u8]| text.windows(CANARY.len()).any(|window| window == CANARY);
    let in_ext = |value: &Value<'_>| format!("{value:?}").contains("Ext");
    assert!(!is_there(&clean) || records.iter().any(in_ext), "an address is left");
});
