use super::{PassOptions, PassedMessage, Refusal, find_chunk_id};
use crate::{
    msgpack::{
        ChunkScrubber, TagStates,
        encode::write_string,
        tokens::{StringKind, Token, TokenReader},
    },
    policy::{OnError, Policy},
    rules::RuleSet,
    scrub::Outcome,
};

fn scrubber() -> ChunkScrubber {
    ChunkScrubber::new(&RuleSet::embedded(), &Policy::new()).expect("the policy is plain")
}

fn string(value: &str) -> Vec<u8> {
    bytes(StringKind::Str, value.as_bytes())
}

fn bytes(kind: StringKind, value: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    write_string(kind, value, &mut out).expect("it is short");
    out
}

fn map(pairs: &[(&str, Vec<u8>)]) -> Vec<u8> {
    // A map32, as Fluent Bit writes all of its maps.
    let mut out = vec![0xdf];
    out.extend_from_slice(&(pairs.len() as u32).to_be_bytes());
    pairs.iter().for_each(|(key, value)| out.extend([string(key), value.clone()].concat()));
    out
}

fn array(members: &[Vec<u8>]) -> Vec<u8> {
    let mut out = vec![0x90 | members.len() as u8];
    members.iter().for_each(|member| out.extend_from_slice(member));
    out
}

const TIME: [u8; 10] = [0xd7, 0, 0x6b, 4, 0x6e, 0x62, 1, 0, 0x3c, 0xbe];

fn time() -> Vec<u8> {
    TIME.to_vec()
}

fn log(text: &str) -> Vec<u8> {
    map(&[("log", string(text))])
}

fn event(record: Vec<u8>) -> Vec<u8> {
    array(&[array(&[time(), map(&[])]), record])
}

#[track_caller]
fn scrubbed(chunk: &[u8]) -> Vec<u8> {
    let mut scrubber = scrubber();
    let mut out = Vec::new();
    match scrubber.scrub_events(chunk, &mut out).expect("it is a chunk") {
        Outcome::Clean => chunk.to_vec(),
        Outcome::Changed => out,
        Outcome::Stopped => panic!("nothing fails here"),
    }
}

/// A generated password.
fn password() -> String {
    ["Tr0ub4dor", "zebra", "91"].join("-")
}

#[test]
fn a_clean_chunk_is_reported_clean() {
    let chunk = [event(log("nothing here")), event(map(&[("n", vec![0xcf; 9])]))].concat();
    let mut out = Vec::new();
    let mut scrubber = scrubber();
    assert_eq!(scrubber.scrub_events(&chunk, &mut out), Ok(Outcome::Clean));
    assert_eq!((out.len(), scrubber.tally().records_in), (0, 2));
    assert_eq!(scrubber.scrub_events(b"", &mut out), Ok(Outcome::Clean));
}

#[test]
fn only_changed_strings_are_encoded_again() {
    let untouched = [
        vec![0xd3, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        vec![0xcf, 0, 0, 0, 0, 0, 0, 0, 1],
        vec![0xc0],
        vec![0xcb, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0],
        vec![0xca, 0x7f, 0xc0, 0, 0],
        vec![0xc7, 3, 9, 1, 2, 3],
        vec![0xdb, 0, 0, 0, 2, b'o', b'k'],
        bytes(StringKind::Bin, b"\xff\xfe\0raw"),
        vec![0xdd, 0, 0, 0, 1, 0xc3],
    ];
    let record = |text: &str| {
        let mut pairs: Vec<(&str, Vec<u8>)> = vec![("log", string(text))];
        pairs.extend(untouched.iter().map(|value| ("v", value.clone())));
        map(&pairs)
    };
    let chunk = [event(record("from alice@example.org")), event(log("clean"))].concat();
    let expected = [event(record("from REDACTED-email")), event(log("clean"))].concat();
    assert_eq!(scrubbed(&chunk), expected);
}

#[test]
fn keys_metadata_groups_and_bin_strings_are_scrubbed() {
    let attributes =
        |mail: &str| map(&[("resource", map(&[("attributes", map(&[("owner", string(mail))]))]))]);
    let start: Vec<u8> = vec![0xd7, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];
    let chunk = |mail: &str| {
        [
            array(&[array(&[start.clone(), map(&[("schema", string("otlp"))])]), attributes(mail)]),
            array(&[array(&[time(), map(&[("user", string(mail))])]), log("x")]),
            event(map(&[(mail, string("key"))])),
            event(map(&[("raw", bytes(StringKind::Bin, format!("to {mail}!").as_bytes()))])),
            event(map(&[("list", array(&[string("a"), string(mail)]))])),
        ]
        .concat()
    };
    assert_eq!(scrubbed(&chunk("alice@example.org")), chunk("REDACTED-email"));
}

#[test]
fn values_under_a_secret_key_are_replaced_leaf_by_leaf() {
    let secret = |leaf: fn(u8) -> Vec<u8>| {
        event(map(&[
            ("password", leaf(0)),
            ("passwords", array(&[leaf(1), leaf(2)])),
            ("client_secret", map(&[("a", leaf(0)), ("b", leaf(3))])),
            ("user", string("bob")),
        ]))
    };
    let raw = secret(|kind| match kind {
        0 => string(&password()),
        1 => vec![0xcd, 0x30, 0x39],
        2 => string("horse battery"),
        _ => vec![0xc3],
    });
    let clean = scrubbed(&raw);
    let text = clean.escape_ascii().to_string();
    for leak in [&password(), "horse", "\\xcd09", "\\xc3"] {
        assert!(!text.contains(leak), "{text}");
    }
    assert!(text.contains("user") && text.contains("bob"));
    assert_eq!(clean.windows(9).filter(|window| *window == b"REDACTED-").count(), 5, "{text}");
    assert_eq!(scrubbed(&clean), clean, "twice is once");
}

#[test]
fn changed_strings_are_unescaped() {
    let text = |mail: &str| format!("a \"quoted\" back\\slash\ttab\n{mail}\u{1}\u{7f}é");
    let chunk = event(log(&text("alice@example.org")));
    assert_eq!(scrubbed(&chunk), event(log(&text("REDACTED-email"))));
    let mut raw = b"\xff\xfe alice@example.org \xc3".to_vec();
    let chunk = event(map(&[("log", bytes(StringKind::Str, &raw))]));
    raw.splice(3..20, *b"REDACTED-email");
    assert_eq!(scrubbed(&chunk), event(map(&[("log", bytes(StringKind::Str, &raw))])));
}

#[test]
fn a_record_that_fails_is_withheld_alone() {
    let chunk = [
        event(log("one")),
        event(log("BOOM alice@example.org")),
        event(log("two bob@example.org")),
    ]
    .concat();
    let masked = map(&[("redacted", string("REDACTED-record"))]);
    // The mask has the shortest header.
    let masked = [&[0x81], &masked[5..]].concat();
    let outcome = |on_error| {
        let mut scrubber =
            ChunkScrubber::new(&RuleSet::embedded(), &Policy::new().on_error(on_error))
                .expect("the policy is plain");
        scrubber.fail_on(b"BOOM");
        let mut out = Vec::new();
        let outcome = scrubber.scrub_events(&chunk, &mut out).expect("it is a chunk");
        (outcome, out, scrubber.tally().withheld)
    };
    let (one, two) = (event(log("one")), event(log("two REDACTED-email")));
    assert_eq!(
        outcome(OnError::Mask),
        (Outcome::Changed, [&one[..], &event(masked), &two].concat(), 1)
    );
    assert_eq!(outcome(OnError::Drop), (Outcome::Changed, [one, two].concat(), 1));
    assert_eq!(outcome(OnError::Stop), (Outcome::Stopped, Vec::new(), 1));
}

#[test]
fn records_that_cannot_be_rendered_are_withheld() {
    let deep = |depth: usize| {
        event(map(&[("log", [vec![0x91; depth], string("alice@example.org")].concat())]))
    };
    assert!(scrubbed(&deep(50)).windows(14).any(|window| window == b"REDACTED-email"));
    for chunk in [
        deep(200),
        event([vec![0x81], map(&[("k", vec![1])]), string("alice@example.org")].concat()),
    ] {
        let clean = scrubbed(&chunk);
        assert!(
            clean.windows(15).any(|window| window == b"REDACTED-record"),
            "{}",
            clean.escape_ascii()
        );
        assert!(!clean.windows(5).any(|window| window == b"alice"));
    }
}

#[test]
fn malformed_chunks_are_refused() {
    let chunk = event(log("from alice@example.org"));
    for wrong in [
        &chunk[..chunk.len() - 1],
        &log("x"),
        &array(&[time()]),
        &array(&[string("time"), log("x")]),
        b"\xc1",
    ] {
        let mut out = Vec::new();
        assert!(scrubber().scrub_events(wrong, &mut out).is_err(), "{}", wrong.escape_ascii());
        assert!(out.is_empty());
    }
}

#[test]
fn a_private_key_across_records_is_scrubbed() {
    let body = [
        "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7",
        "x9W1eVqQ5kq3g8n2p4s6v8y1A3D5G7J9L1N3P5R7T9V1X3Z5b7d9",
    ];
    let (begin, end) =
        (["-----BEGIN", "PRIVATE KEY-----"].join(" "), ["-----END", "PRIVATE KEY-----"].join(" "));
    let lines: Vec<Vec<u8>> = [begin.as_str(), body[0], body[1], end.as_str(), "after"]
        .iter()
        .map(|line| event(log(line)))
        .collect();
    let clean = scrubbed(&lines.concat());
    let text = clean.escape_ascii().to_string();
    assert!(!text.contains(body[0]) && !text.contains(body[1]) && text.contains("after"), "{text}");
}

/// Partial records of one line, as Docker's fluentd driver sends them.
fn part(text: &str, ordinal: usize, is_last: bool) -> Vec<u8> {
    event(part_record(text, ordinal, is_last))
}

fn part_record(text: &str, ordinal: usize, is_last: bool) -> Vec<u8> {
    map(&[
        ("container_id", string("c0ffee")),
        ("log", string(text)),
        ("partial_message", string("true")),
        ("partial_id", string("p1")),
        ("partial_ordinal", string(&ordinal.to_string())),
        ("partial_last", string(if is_last { "true" } else { "false" })),
    ])
}

#[test]
fn a_secret_across_partial_records_is_found() {
    let chunk = [
        part("mail ali", 1, false),
        event(log("other")),
        part("ce@exam", 2, false),
        part("ple.org now", 3, true),
    ];
    let clean = [
        part("mail REDACTED-email", 1, false),
        event(log("other")),
        part("", 2, false),
        part(" now", 3, true),
    ];
    assert_eq!(scrubbed(&chunk.concat()), clean.concat());
    let cri = |text: &str, tag: &str, stream: &str| {
        event(map(&[
            ("stream", string(stream)),
            ("logtag", string(tag)),
            ("message", string(text)),
        ]))
    };
    let chunk = [
        cri("to bob@exa", "P", "stdout"),
        cri("err", "F", "stderr"),
        cri("mple.org!", "F", "stdout"),
    ];
    let clean = [
        cri("to REDACTED-email", "P", "stdout"),
        cri("err", "F", "stderr"),
        cri("!", "F", "stdout"),
    ];
    assert_eq!(scrubbed(&chunk.concat()), clean.concat());
}

#[test]
fn the_end_of_a_partial_record_at_the_end_of_a_chunk_is_masked_and_counted() {
    let mut scrubber = scrubber();
    let mut out = Vec::new();
    assert_eq!(
        scrubber.scrub_events(&part("mail alice@exam", 1, false), &mut out),
        Ok(Outcome::Changed)
    );
    assert_eq!(
        (out.as_slice(), scrubber.tally().torn),
        (part("mail REDACTED-record", 1, false).as_slice(), 1)
    );
    assert_eq!(scrubber.scrub_events(&out, &mut Vec::new()), Ok(Outcome::Clean));
}

const OPTIONS: PassOptions<'static> =
    PassOptions { chunk_id: "ours", strip_metadata: false, max_inflated: 1 << 20 };

fn passed(message: &[u8]) -> (PassedMessage, Vec<u8>) {
    let mut out = Vec::new();
    let passed = scrubber().pass_message(message, OPTIONS, &mut TagStates::default(), &mut out);
    (passed.expect("it is a message"), out)
}

fn refused(message: &[u8]) -> Option<Refusal> {
    let mut out = Vec::new();
    let passed = scrubber().pass_message(message, OPTIONS, &mut TagStates::default(), &mut out);
    passed.err()
}

fn packed(entries: &[u8]) -> Vec<u8> {
    bytes(StringKind::Bin, entries)
}

#[test]
fn every_mode_is_passed_on_with_a_chunk_id() {
    let entry = |mail: &str| array(&[time(), log(mail)]);
    let options =
        |pairs: &[(&str, Vec<u8>)]| [&[0x80 | pairs.len() as u8], &map(pairs)[5..]].concat();
    let ours = options(&[("chunk", string("ours"))]);
    let (raw, clean) = ("alice@example.org", "REDACTED-email");
    let cases = [
        (
            array(&[string(raw), time(), log(raw)]),
            array(&[string(clean), time(), log(clean), ours.clone()]),
        ),
        (
            array(&[string("t"), array(&[time(), map(&[("by", string(raw))])]), log("x")]),
            array(&[
                string("t"),
                array(&[time(), map(&[("by", string(clean))])]),
                log("x"),
                ours.clone(),
            ]),
        ),
        (
            array(&[string("t"), array(&[entry(raw), entry("x")])]),
            array(&[string("t"), array(&[entry(clean), entry("x")]), ours.clone()]),
        ),
        (
            array(&[string("t"), packed(&entry(raw))]),
            array(&[string("t"), packed(&entry(clean)), ours.clone()]),
        ),
        (
            array(&[string("t"), bytes(StringKind::Str, &entry(raw)), vec![0xc0]]),
            array(&[string("t"), bytes(StringKind::Str, &entry(clean)), ours]),
        ),
    ];
    for (message, expected) in cases {
        let (passed, bytes) = passed(&message);
        assert_eq!(bytes.escape_ascii().to_string(), expected.escape_ascii().to_string());
        assert_eq!((passed.ack, passed.chunk_id), (None, string("ours")));
    }
}

#[test]
fn options_and_a_plain_chunk_id_are_kept() {
    let name = string(&["q83v", "EjRWeJCrze8SNFZ4kA=="].concat());
    let entries = packed(&event(log("alice@example.org")));
    let options = map(&[
        ("chunk", name.clone()),
        ("size", vec![1]),
        ("fluent_signal", vec![0]),
        ("by", string("bob@example.org")),
    ]);
    let (passed, bytes) = passed(&array(&[string("t"), entries, options]));
    let kept = [
        &[0x84][..],
        &map(&[
            ("fluent_signal", vec![0]),
            ("by", string("REDACTED-email")),
            ("size", vec![1]),
            ("chunk", name.clone()),
        ])[5..],
    ]
    .concat();
    let expected = array(&[string("t"), packed(&event(log("REDACTED-email"))), kept]);
    assert_eq!(bytes.escape_ascii().to_string(), expected.escape_ascii().to_string());
    assert_eq!((passed.ack, passed.chunk_id, passed.n_entries), (Some(name.clone()), name, 1));
}

#[test]
fn an_arbitrary_chunk_id_is_acknowledged_but_not_passed_on() {
    let token = ["gh", "p_", "R7mK2xQ9vL4nB8wT3yH6cJ1dF5gS0aZpXuEo"].concat();
    let names = [
        string("alice@example.org"),
        bytes(StringKind::Str, token.as_bytes()),
        string("q83vEjRWeJCrze8SNFZ4kB=="),
        string("q83vEjRWeJCrze8SNFZ4k@=="),
        string("q83vEjRWeJCrze8SNFZ4k"),
        vec![7],
        map(&[("by", string("alice@example.org"))]),
    ];
    for name in names {
        let (passed, bytes) =
            passed(&array(&[string("t"), time(), log("x"), map(&[("chunk", name.clone())])]));
        let options = [&[0x81][..], &map(&[("chunk", string("ours"))])[5..]].concat();
        assert_eq!(bytes, array(&[string("t"), time(), log("x"), options]));
        assert_eq!((passed.ack, passed.chunk_id), (Some(name), string("ours")));
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    writer.write_all(bytes).and_then(|()| writer.finish()).expect("a vector takes everything")
}

#[test]
fn compressed_entries_are_scrubbed_and_compressed_again() {
    let (raw, clean) = (event(log("alice@example.org")), event(log("REDACTED-email")));
    // Several gzip members, as some writers produce.
    let gzip_raw = [gzip(&raw[..10]), gzip(&raw[10..])].concat();
    let zstd_raw = zstd::encode_all(&raw[..], 1).expect("it is in memory");
    for (name, content) in [("gzip", gzip_raw), ("zstd", zstd_raw)] {
        let message = array(&[string("t"), packed(&content), map(&[("compressed", string(name))])]);
        let (_, passed) = passed(&message);
        let Token::String(_, span) = TokenReader::at(&passed, 3).token().expect("a text") else {
            panic!("no text")
        };
        let mut inflated = Vec::new();
        match name {
            "gzip" => drop(std::io::Read::read_to_end(
                &mut flate2::read::MultiGzDecoder::new(span.of(&passed)),
                &mut inflated,
            )),
            _ => zstd::stream::copy_decode(span.of(&passed), &mut inflated).expect("it is zstd"),
        }
        assert_eq!(inflated, clean, "{name}");
    }
    let quiet = packed(&gzip(&event(log("clean"))));
    let message = array(&[string("t"), quiet.clone(), map(&[("compressed", string("gzip"))])]);
    assert!(passed(&message).1[3..].starts_with(&quiet), "what is clean keeps its bytes");
}

#[test]
fn bombs_and_corrupt_messages_are_refused() {
    let compressed = |content: &[u8], name: &str| {
        refused(&array(&[string("t"), packed(content), map(&[("compressed", string(name))])]))
    };
    assert_eq!(compressed(&gzip(&vec![0; 2 << 20]), "gzip"), Some(Refusal::TooLarge));
    assert_eq!(compressed(b"no gzip", "gzip"), Some(Refusal::Corrupt));
    assert_eq!(compressed(b"no zstd", "zstd"), Some(Refusal::Corrupt));
    assert!(matches!(compressed(b"", "lzma"), Some(Refusal::Malformed(_))));
    let wrong = [
        array(&[string("t")]),
        array(&[vec![1], packed(b"")]),
        string("t"),
        array(&[string("t"), packed(b"x")]),
    ];
    for message in wrong {
        assert!(
            matches!(refused(&message), Some(Refusal::Malformed(_))),
            "{}",
            message.escape_ascii()
        );
    }
}

#[test]
fn metadata_can_be_stripped() {
    let start: Vec<u8> = vec![0xd7, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];
    let mark = array(&[array(&[start, map(&[])]), map(&[])]);
    let with = array(&[array(&[time(), map(&[("k", vec![1])])]), log("bob@example.org")]);
    let without = array(&[time(), log("REDACTED-email")]);
    let message = array(&[string("t"), packed(&[mark, with].concat()), map(&[("size", vec![2])])]);
    let options = PassOptions { strip_metadata: true, ..OPTIONS };
    let mut out = Vec::new();
    scrubber()
        .pass_message(&message, options, &mut TagStates::default(), &mut out)
        .expect("it is a message");
    let options =
        [&[0x82][..], &map(&[("size", vec![1]), ("chunk", string("ours"))])[5..]].concat();
    assert_eq!(out, array(&[string("t"), packed(&without), options]));
}

#[test]
fn metrics_and_traces_are_scrubbed_string_by_string() {
    let message = |signal: u8, content: &[u8]| {
        array(&[string("t"), packed(content), map(&[("fluent_signal", vec![signal])])])
    };
    let with_name = |mut message: Vec<u8>| {
        let options = message.iter().rposition(|byte| *byte == 0xdf).expect("there are options");
        message.splice(options..options + 5, [0x82]);
        [message, string("chunk"), string("ours")].concat()
    };
    // As cmetrics writes: a sample with its labels, an integer and a float.
    let metrics = |label: &str| {
        let sample = map(&[
            ("ts", vec![0xcf, 0x18, 0, 0, 0, 0, 0, 0, 1]),
            ("value", vec![0xcb, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0]),
            ("labels", array(&[string("host"), string(label)])),
            ("hash", vec![0xcf; 9]),
        ]);
        map(&[("meta", map(&[])), ("metrics", array(&[map(&[("values", array(&[sample]))])]))])
    };
    let spans = |text: &str| [map(&[("attr", string(text))]), vec![1]].concat();
    for signal in 1..=3 {
        for content in [&metrics as &dyn Fn(&str) -> Vec<u8>, &spans] {
            let (_, bytes) = passed(&message(signal, &content("alice@example.org")));
            assert_eq!(
                bytes,
                with_name(message(signal, &content("REDACTED-email"))),
                "{}",
                bytes.escape_ascii()
            );
        }
        assert!(matches!(
            refused(&message(signal, b"\xc1 alice@example.org")),
            Some(Refusal::Malformed(_))
        ));
    }
}

/// `["app.c0ffee", time, record]` of each text, one message after the other over one connection.
fn over_one_connection(records: &[Vec<u8>]) -> Vec<u8> {
    let (mut scrubber, mut states) = (scrubber(), TagStates::default());
    let message = |record: &Vec<u8>| array(&[string("app.c0ffee"), time(), record.clone()]);
    let mut out = Vec::new();
    for record in records {
        scrubber
            .pass_message(&message(record), OPTIONS, &mut states, &mut out)
            .expect("it is a message");
    }
    out
}

#[test]
fn the_rest_of_a_partial_record_is_scanned_with_its_beginning() {
    let token = ["gh", "p_", "R7mK2xQ9vL4nB8wT3yH6cJ1dF5gS0aZpXuEo"].concat();
    for cut in 1..token.len() {
        let (head, rest) = token.split_at(cut);
        let record = |text: &str, ordinal, is_last| part_record(text, ordinal, is_last);
        let records =
            [record(&format!("key {head}"), 1, false), record(&format!("{rest} used"), 2, true)];
        let text = over_one_connection(&records).escape_ascii().to_string();
        let leaks = |part: &str| part.len() > 3 && text.contains(part);
        assert!(!leaks(rest) && !leaks(head), "cut at {cut}: {text}");
        assert!(text.contains("key ") && text.contains(" used"), "{text}");
    }
}

#[test]
fn tags_of_one_connection_do_not_mix() {
    let (mut scrubber, mut states) = (scrubber(), TagStates::default());
    let mut pass = |tag: &str, record: Vec<u8>| {
        let message = array(&[string(tag), time(), record]);
        let mut out = Vec::new();
        scrubber.pass_message(&message, OPTIONS, &mut states, &mut out).expect("it is a message");
        out.escape_ascii().to_string()
    };
    let cri = |text: &str, tag: &str| {
        map(&[("stream", string("stdout")), ("logtag", string(tag)), ("message", string(text))])
    };
    assert!(!pass("one", cri("to bob@exa", "P")).contains("bob"));
    assert!(pass("two", cri("mple.org!", "F")).contains("mple.org!"), "another container's line");
    assert!(!pass("one", cri("mple.org!", "F")).contains("mple.org"));
    assert!(pass("one", cri("mple.org!", "F")).contains("mple.org!"), "the line has ended");
}

/// The beginning of a line of 60 kB that a container runtime has split.
pub(crate) fn long_part() -> Vec<u8> {
    event(map(&[
        ("stream", string("stdout")),
        ("logtag", string("P")),
        ("message", string(&"word ".repeat(12_000))),
    ]))
}

#[test]
fn kept_lines_are_bounded_and_private_keys_stay_open() {
    let (mut scrubber, mut states) = (scrubber(), TagStates::default());
    let mut pass = |states: &mut TagStates, tag: &str, chunk: &[u8]| {
        let mut out = Vec::new();
        let outcome = scrubber
            .scrub_next_events(states, tag.as_bytes(), chunk, &mut out)
            .expect("it is a chunk");
        if outcome == Outcome::Clean { chunk.to_vec() } else { out }
    };
    let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7";
    let begin = ["-----BEGIN", "PRIVATE KEY-----"].join(" ");
    pass(&mut states, "key", &event(log(&begin)));
    let mut most = 0;
    for number in 0..100 {
        pass(&mut states, &number.to_string(), &long_part());
        most = most.max(states.n_bytes());
    }
    assert!((900 << 10..=1 << 20).contains(&most), "{most}");
    // Lines of a single tag.
    let many: Vec<u8> = (0..100)
        .flat_map(|number| {
            let partial = map(&[
                ("partial_message", string("true")),
                ("partial_id", string(&number.to_string())),
                ("log", string(&"word ".repeat(12_000))),
            ]);
            event(partial)
        })
        .collect();
    pass(&mut states, "many", &many);
    assert!(states.n_bytes() <= 1 << 20);
    states.forget_down_to(0);
    assert_eq!(states.n_bytes(), 0);
    let clean = pass(&mut states, "key", &event(log(body))).escape_ascii().to_string();
    assert!(!clean.contains(body), "{clean}");
}

#[test]
fn records_joined_by_fluent_bit_are_whole() {
    let joined = |tag: &str, text: &str| {
        map(&[("stream", string("stdout")), ("_p", string(tag)), ("log", string(text))])
    };
    let chunk = |mail: &str| {
        [event(joined("P", &format!("user={mail}"))), event(joined("F", "GET /x"))].concat()
    };
    assert_eq!(scrubbed(&chunk("frank@example.org")), chunk("REDACTED-email"));
}

#[test]
fn a_private_key_across_messages_is_scrubbed() {
    let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7";
    let (begin, end) =
        (["-----BEGIN", "PRIVATE KEY-----"].join(" "), ["-----END", "PRIVATE KEY-----"].join(" "));
    let records: Vec<Vec<u8>> =
        [begin.as_str(), body, body, end.as_str(), "after"].iter().map(|line| log(line)).collect();
    let text = over_one_connection(&records).escape_ascii().to_string();
    assert!(!text.contains(body) && text.contains("after"), "{text}");
}

#[test]
fn a_malformed_message_is_counted_and_acknowledged_if_its_id_is_readable() {
    let options = map(&[("size", vec![1]), ("chunk", string("q83v"))]);
    let unread = array(&[string("t"), packed(b"\xc1"), options.clone()]);
    let mut scrubber = scrubber();
    assert!(
        scrubber
            .pass_message(&unread, OPTIONS, &mut TagStates::default(), &mut Vec::new())
            .is_err()
    );
    assert_eq!(scrubber.tally().withheld, 1);
    assert_eq!(find_chunk_id(&unread), Some(&string("q83v")[..]));
    for nameless in
        [&array(&[string("t"), packed(b"\xc1")]), &string("t"), &array(&[]), &array(&[map(&[])])]
    {
        assert_eq!(find_chunk_id(nameless), None, "{}", nameless.escape_ascii());
    }
    let mut strict =
        ChunkScrubber::new(&RuleSet::embedded(), &Policy::new().on_error(OnError::Stop))
            .expect("plain");
    assert_eq!(
        strict.pass_message(&unread, OPTIONS, &mut TagStates::default(), &mut Vec::new()),
        Err(Refusal::Stopped)
    );
}
