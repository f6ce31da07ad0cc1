//! The Forward hop as a process, between a sender and a next hop that the tests play.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use crate::harness::{binary, logscrub};

/// Nothing takes as long as this but a hop that hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Hop {
    child: Child,
    pub(crate) address: String,
    /// Lines of its own log.
    said: mpsc::Receiver<String>,
}

impl Hop {
    pub(crate) fn start(flags: &[&str]) -> Hop {
        Hop::start_as(&[], flags)
    }

    /// The same with flags of the filter before it.
    fn start_as(filter: &[&str], flags: &[&str]) -> Hop {
        let mut command = Command::new(binary());
        command
            .env_clear()
            .args(filter)
            .args(["forward", "--listen", "tcp://127.0.0.1:0", "--config", "none"])
            .args(flags);
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the hop starts");
        let stderr = BufReader::new(child.stderr.take().expect("a pipe"));
        let (sender, said) = mpsc::channel();
        thread::spawn(move || {
            stderr.lines().map_while(Result::ok).all(|line| sender.send(line).is_ok())
        });
        let mut hop = Hop { child, address: String::new(), said };
        let line = hop.hears("listening");
        hop.address = line
            .split('"')
            .nth(1)
            .and_then(|url| url.strip_prefix("tcp://"))
            .expect("an address")
            .to_owned();
        hop
    }

    /// One with `--admin 127.0.0.1:0`, and that endpoint's address.
    pub(crate) fn start_with_admin(flags: &[&str]) -> (Hop, String) {
        let hop = Hop::start(&[&["--admin", "127.0.0.1:0"], flags].concat());
        let line = hop.hears("admin endpoint");
        let admin = line.split('"').nth(1).expect("an address").to_owned();
        (hop, admin)
    }

    /// Waits for a line of the log that holds `part`.
    fn hears(&self, part: &str) -> String {
        loop {
            let line = self
                .said
                .recv_timeout(PATIENCE)
                .unwrap_or_else(|_| panic!("the hop never says {part:?}"));
            if line.contains(part) {
                return line;
            }
        }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).expect("the hop listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket has time-outs");
        stream
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().expect("kill is there").success());
    }

    /// Ends it by SIGTERM; answers its exit code.
    fn end(mut self) -> Option<i32> {
        self.signal("-TERM");
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Hop {
    fn drop(&mut self) {
        // It has ended already where the test went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A name of a chunk as loggers write them: sixteen bytes in base64.
fn named(word: &str) -> String {
    assert!(word.len() <= 21 && word.bytes().all(|byte| byte.is_ascii_alphanumeric()), "a word");
    format!("{word:A<22}==")
}

fn string(text: &str) -> Vec<u8> {
    assert!(text.len() < 32, "a short text");
    let mut out = vec![0xa0 | text.len() as u8];
    out.extend_from_slice(text.as_bytes());
    out
}

/// `["app", 1, {"log": text}, {"chunk": chunk}]`, or without the options.
fn message(text: &str, chunk: Option<&str>) -> Vec<u8> {
    let mut out = vec![if chunk.is_some() { 0x94 } else { 0x93 }];
    out.extend([string("app"), vec![1, 0x81], string("log"), string(text)].concat());
    if let Some(chunk) = chunk {
        out.extend([vec![0x81], string("chunk"), string(&named(chunk))].concat());
    }
    out
}

fn ack(chunk: &str) -> Vec<u8> {
    [&b"\x81\xa3ack"[..], &string(&named(chunk))].concat()
}

fn receive(stream: &mut TcpStream, n_bytes: usize) -> Vec<u8> {
    let mut bytes = vec![0; n_bytes];
    stream.read_exact(&mut bytes).expect("so much comes");
    bytes
}

/// A next hop: connections are taken by the test.
pub(crate) fn next_hop() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = format!("tcp://{}", listener.local_addr().expect("it has an address"));
    (listener, address)
}

fn accept(listener: &TcpListener) -> TcpStream {
    let (stream, _) = listener.accept().expect("the hop connects");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket has time-outs");
    stream
}

#[test]
fn an_acknowledgement_goes_back_only_after_the_next_hop_s() {
    let (listener, to) = next_hop();
    let hop = Hop::start(&["--to", &to]);
    let mut sender = hop.connect();
    sender.write_all(&message("from alice@example.org", Some("one"))).expect("it is sent");
    let mut next = accept(&listener);
    let clean = message("from REDACTED-email", Some("one"));
    assert_eq!(receive(&mut next, clean.len()), clean);
    // Nothing has come back: the next hop has not said a word.
    sender.set_nonblocking(true).expect("it can be set");
    assert!(
        sender.read(&mut [0]).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    );
    sender.set_nonblocking(false).expect("it can be set");
    next.write_all(&ack("one")).expect("it is sent");
    assert_eq!(receive(&mut sender, ack("one").len()), ack("one"));
    drop(sender);
    assert_eq!(hop.end(), Some(0));
}

#[test]
fn what_was_not_acknowledged_is_sent_again_in_order() {
    let (listener, to) = next_hop();
    let hop = Hop::start(&["--to", &to]);
    let mut sender = hop.connect();
    let messages = ["a", "b", "c"].map(|chunk| message(chunk, Some(chunk)));
    sender.write_all(&messages.concat()).expect("it is sent");
    let mut next = accept(&listener);
    assert_eq!(receive(&mut next, messages.concat().len()), messages.concat());
    next.write_all(&ack("a")).expect("it is sent");
    assert_eq!(receive(&mut sender, ack("a").len()), ack("a"));
    drop(next);
    let mut next = accept(&listener);
    assert_eq!(receive(&mut next, messages[1..].concat().len()), messages[1..].concat());
    next.write_all(&[ack("b"), ack("c")].concat()).expect("it is sent");
    let both = [ack("b"), ack("c")].concat();
    assert_eq!(receive(&mut sender, both.len()), both);
}

#[test]
fn a_name_that_may_be_something_else_is_told_to_its_sender_alone() {
    let (listener, to) = next_hop();
    let hop = Hop::start(&["--to", &to]);
    let mut sender = hop.connect();
    let name = string("alice@example.org");
    let plain = [&[0x94], &message("x", None)[1..]].concat();
    sender.write_all(&[&plain[..], &[0x81], &string("chunk"), &name].concat()).expect("it is sent");
    let mut next = accept(&listener);
    let came = receive(&mut next, message("x", Some("any")).len());
    let ours = came
        .strip_prefix(&[&plain[..], &[0x81], &string("chunk"), &[0xb8]].concat()[..])
        .expect("a name");
    next.write_all(&[b"\x81\xa3ack\xb8", ours].concat()).expect("it is sent");
    let told = [b"\x81\xa3ack", &name[..]].concat();
    assert_eq!(receive(&mut sender, told.len()), told);
    assert_eq!(hop.end(), Some(0));
}

#[test]
fn a_next_hop_that_is_not_there_is_passed_over() {
    let (gone, nowhere) = next_hop();
    drop(gone);
    let (listener, to) = next_hop();
    let hop = Hop::start(&["--to", &nowhere, "--to", &to]);
    let mut sender = hop.connect();
    sender.write_all(&message("x", Some("one"))).expect("it is sent");
    let mut next = accept(&listener);
    receive(&mut next, message("x", Some("one")).len());
    next.write_all(&ack("one")).expect("it is sent");
    assert_eq!(receive(&mut sender, ack("one").len()), ack("one"));
}

#[test]
fn what_is_no_message_closes_the_connection_and_says_nothing_of_it() {
    let (_listener, to) = next_hop();
    let hop = Hop::start(&["--to", &to, "--max-chunk", "64KiB"]);
    let too_large = [&b"\x92\xa1t\xc6\x00\x02\x00\x00"[..], b"alice@example.org"].concat();
    for wrong in [&b"\xc1"[..], &too_large] {
        let mut sender = hop.connect();
        sender.write_all(wrong).expect("it is sent");
        let mut rest = Vec::new();
        // Closed with or without what was left unread.
        drop(sender.read_to_end(&mut rest));
        assert!(rest.is_empty());
        assert!(!hop.hears("connection closed").contains("alice"));
    }
    assert_eq!(hop.end(), Some(3), "what came there was not examined");
}

#[test]
fn a_message_that_cannot_be_examined_is_withheld_and_does_not_come_again() {
    let (listener, to) = next_hop();
    let hop = Hop::start(&["--to", &to]);
    let mut sender = hop.connect();
    // Packed entries that are none, and a record where a record must be; the second has no name to
    // be acknowledged by.
    let entries =
        [&b"\x93\xa1t\xb1alice@example.org"[..], &[0x81], &string("chunk"), &string(&named("bad"))]
            .concat();
    let nameless = b"\x92\xa1t\xa5alice".to_vec();
    let good = message("x", Some("good"));
    sender.write_all(&[entries, nameless, good.clone()].concat()).expect("it is sent");
    for _ in 0..2 {
        assert!(!hop.hears("message withheld").contains("alice"));
    }
    let mut next = accept(&listener);
    assert_eq!(receive(&mut next, good.len()), good);
    next.write_all(&ack("good")).expect("it is sent");
    let both = [ack("bad"), ack("good")].concat();
    assert_eq!(receive(&mut sender, both.len()), both);
    assert_eq!(hop.end(), Some(3), "something was withheld");
}

#[test]
fn under_stop_a_message_that_cannot_be_examined_ends_the_hop() {
    let (_listener, to) = next_hop();
    let mut hop = Hop::start_as(&["--on-error", "stop"], &["--to", &to]);
    let mut sender = hop.connect();
    sender.write_all(b"\x92\xa1t\xa5alice").expect("it is sent");
    assert_eq!(hop.child.wait().expect("it ends").code(), Some(70));
}

#[test]
fn a_line_that_was_cut_between_messages_is_judged_as_one() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("clean.jsonl");
    let hop = Hop::start(&["--to", &format!("file://{}", path.display())]);
    let mut sender = hop.connect();
    let part = |text: &str, tag: &str| {
        let members = [("logtag", tag), ("log", text)];
        let mut out = [vec![0x94], string("app"), vec![1, 0x82]].concat();
        members.iter().for_each(|(key, value)| out.extend([string(key), string(value)].concat()));
        [out, vec![0x81], string("chunk"), string(&named("c"))].concat()
    };
    sender
        .write_all(&[part("from alice@exam", "P"), part("ple.org on", "F")].concat())
        .expect("it is sent");
    receive(&mut sender, 2 * ack("c").len());
    let clean = read(&path);
    assert!(
        clean.contains("\"from REDACTED-record\"") && clean.contains("\"REDACTED-email on\""),
        "{clean}"
    );
    assert_eq!(hop.end(), Some(3), "the end of a part was masked");
}

/// What the admin endpoint says.
fn ask(admin: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(admin).expect("it listens");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").expect("it is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    answer
}

/// The value of a metric.
pub(crate) fn metric(admin: &str, name: &str) -> u64 {
    let text = ask(admin, "/metrics");
    let line =
        text.lines().find_map(|line| line.strip_prefix(name)).expect("a metric of that name");
    line.trim().parse().expect("a number")
}

#[test]
fn a_next_hop_that_stalls_holds_the_sender_and_not_memory() {
    const LIMIT: u64 = 64 << 10;
    let (listener, to) = next_hop();
    let flags = ["--to", &to, "--max-chunk", "64KiB", "--max-pending", "64KiB"];
    let (hop, admin) = Hop::start_with_admin(&flags);
    let mut sender = hop.connect();
    // Packed entries, 1000 bytes of them that are not clean.
    let text = "x".repeat(980);
    let entry =
        [&[0x92, 1, 0x81][..], &string("log"), &[0xda, 0x03, 0xd4], text.as_bytes()].concat();
    let content = [&[0xc5][..], &(entry.len() as u16).to_be_bytes(), &entry].concat();
    let numbered = |number: u32| {
        let name = format!("{number:08}");
        [&[0x93][..], &string("app"), &content, &[0x81], &string("chunk"), &string(&named(&name))]
            .concat()
    };
    const N_MESSAGES: u32 = 20_000;
    let all: Vec<u8> = (0..N_MESSAGES).flat_map(numbered).collect();
    let length = all.len() / N_MESSAGES as usize;
    let expected = all.clone();
    let writer = thread::spawn(move || {
        sender.write_all(&all).expect("it is sent in the end");
        sender
    });
    let mut next = accept(&listener);
    let begin = Instant::now();
    while metric(&admin, "logscrub_queued_messages ") < LIMIT / length as u64 - 1 {
        assert!(begin.elapsed() < PATIENCE, "the hop does not read up to its limit");
    }
    for _ in 0..20 {
        assert!(
            metric(&admin, "logscrub_queued_bytes ") <= LIMIT,
            "more than --max-pending is held"
        );
    }
    for number in 0..N_MESSAGES {
        let at = number as usize * length;
        assert!(receive(&mut next, length) == expected[at..at + length], "message {number}");
        next.write_all(&ack(&format!("{number:08}"))).expect("it is sent");
    }
    let mut sender = writer.join().expect("all was sent");
    let acks = receive(&mut sender, ack("00000000").len() * N_MESSAGES as usize);
    assert!(acks.ends_with(&ack("00019999")));
    assert_eq!(hop.end(), Some(0));
}

#[test]
fn sigterm_waits_for_what_is_on_its_way() {
    let (listener, to) = next_hop();
    let mut hop = Hop::start(&["--to", &to]);
    let mut sender = hop.connect();
    let clean = message("x", Some("one"));
    sender.write_all(&clean).expect("it is sent");
    let mut next = accept(&listener);
    assert_eq!(receive(&mut next, clean.len()), clean);
    hop.signal("-TERM");
    hop.hears("draining");
    next.write_all(&ack("one")).expect("it is sent");
    assert_eq!(receive(&mut sender, ack("one").len()), ack("one"));
    assert_eq!(hop.child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn sighup_reads_rules_anew_and_keeps_the_old_ones_where_they_are_wrong() {
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let rule = |word: &str| {
        format!(
            "[[rule]]\nid = \"acme\"\ntitle = \"Acme\"\nclass = \"credential\"\nseverity = \"high\"\nabout = \"For tests.\"\n\
             anchors = [\"{word}_\"]\npattern = \"(?<secret> {word}_ [a-z]{{8}} )\"\n"
        )
    };
    let rules = file(temporary.path(), "acme.toml", &rule("acme"));
    let path = temporary.path().join("clean.jsonl");
    let hop = Hop::start_as(&["--rules", &rules], &["--to", &format!("file://{}", path.display())]);
    let mut sender = hop.connect();
    let mut last = || {
        sender.write_all(&message("acme_abcdefgh mine_abcdefgh", Some("c"))).expect("it is sent");
        receive(&mut sender, ack("c").len());
        read(&path).lines().last().expect("a line").to_owned()
    };
    assert!(last().contains("\"REDACTED-acme mine_abcdefgh\""));
    file(temporary.path(), "acme.toml", "[[rule]]\nid = 7\n");
    hop.signal("-HUP");
    assert!(hop.hears("the old ones stay").contains("acme.toml"));
    assert!(last().contains("\"REDACTED-acme mine_abcdefgh\""));
    file(temporary.path(), "acme.toml", &rule("mine"));
    hop.signal("-HUP");
    hop.hears("rules reloaded");
    assert!(last().contains("\"acme_abcdefgh REDACTED-acme\""));
}

#[test]
fn a_file_gets_lines_of_json_before_the_acknowledgement() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("clean.jsonl");
    let hop = Hop::start(&["--to", &format!("file://{}", path.display())]);
    let mut sender = hop.connect();
    sender.write_all(&message("from alice@example.org", Some("one"))).expect("it is sent");
    receive(&mut sender, ack("one").len());
    let line = "{\"tag\":\"app\",\"time\":1,\"record\":{\"log\":\"from REDACTED-email\"}}\n";
    assert_eq!(read(&path), line);
    fs::rename(&path, folder.path().join("old")).expect("it can be moved");
    hop.signal("-HUP");
    hop.hears("rules reloaded");
    // The file is opened by another task: until it is there, lines go to the old one.
    let mut n_sent = 0;
    while !path.exists() {
        n_sent += 1;
        sender.write_all(&message("again", Some("two"))).expect("it is sent");
        receive(&mut sender, ack("two").len());
        assert!(n_sent < 1000, "it was never opened");
    }
    assert_eq!(hop.end(), Some(0));
}

pub(crate) fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("the file is there")
}

#[test]
fn the_spool_answers_for_the_next_hop_and_survives_a_kill() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let spool = folder.path().display().to_string();
    let (gone, nowhere) = next_hop();
    drop(gone);
    let mut hop = Hop::start(&["--to", &nowhere, "--spool", &spool]);
    let mut sender = hop.connect();
    for text in ["one", "two alice@example.org"] {
        sender.write_all(&message(text, Some("c"))).expect("it is sent");
        receive(&mut sender, ack("c").len());
    }
    hop.child.kill().expect("it is killed");
    hop.child.wait().expect("it ends");
    let (listener, to) = next_hop();
    let hop = Hop::start(&["--to", &to, "--spool", &spool]);
    let mut next = accept(&listener);
    let expected = [message("one", Some("c")), message("two REDACTED-email", Some("c"))].concat();
    assert_eq!(receive(&mut next, expected.len()), expected);
    next.write_all(&[ack("c"), ack("c")].concat()).expect("it is sent");
    assert_eq!(hop.end(), Some(0));
    assert!(
        read(&folder.path().join("cursor")).starts_with("0 "),
        "what was passed on is remembered"
    );
}

#[test]
fn two_hops_show_each_other_key_and_user() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = |name: &str, text: &str| file(folder.path(), name, text);
    let (key, users) = (file("key", "shared\n"), file("users", "ann:her word\nbob:his word\n"));
    let (user, wrong) = (file("user", "bob:his word\n"), file("wrong", "bob:her word\n"));
    let out = folder.path().join("out.jsonl");
    let to = format!("file://{}", out.display());
    let inner = Hop::start(&["--to", &to, "--shared-key-file", &key, "--users-file", &users]);
    let to = format!("tcp://{}", inner.address);
    let outer = Hop::start(&["--to", &to, "--to-shared-key-file", &key, "--to-user-file", &wrong]);
    let mut sender = outer.connect();
    sender.write_all(&message("x", Some("one"))).expect("it is sent");
    assert!(!outer.hears("refuses the key or the user").contains("word"));
    assert!(inner.hears("username/password mismatch").contains("connection closed"));
    let outer = Hop::start(&["--to", &to, "--to-shared-key-file", &key, "--to-user-file", &user]);
    let mut sender = outer.connect();
    sender.write_all(&message("x", Some("one"))).expect("it is sent");
    assert_eq!(receive(&mut sender, ack("one").len()), ack("one"));
    assert_eq!(read(&out).lines().count(), 1);
}

/// Writes `text` into a file for a flag.
pub(crate) fn file(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, text).expect("it can be written");
    path.display().to_string()
}

/// A program that talks to the hop, or `None` where `tests/run` has not put what it needs.
fn client(program: &str, needs: &str) -> Option<Command> {
    let clients = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clients");
    if !clients.join(needs).exists() {
        eprintln!(
            "SKIPPED: no {} for {program}: tests/run puts it there",
            clients.join(needs).display()
        );
        return None;
    }
    let mut command = Command::new(program);
    command
        .env("NODE_PATH", clients.join("node_modules"))
        .env("PYTHONPATH", clients.join("python"));
    command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients"));
    Some(command)
}

#[test]
fn the_logger_of_node_js_is_served_in_every_mode() {
    let (key, user) = ("shared", "bob:his word");
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let key_file = file(temporary.path(), "key", key);
    let user_file = file(temporary.path(), "user", user);
    let keyed = [
        "--shared-key-file",
        &key_file,
        "--users-file",
        &user_file,
        "--to-shared-key-file",
        &key_file,
        "--to-user-file",
        &user_file,
    ];
    for flags in [&[][..], &keyed] {
        let Some(mut client) = client("node", "node_modules/@fluent-org/logger") else { return };
        let (listener, to) = next_hop();
        drop(listener);
        let hop = Hop::start(&[&["--to", &to], flags].concat());
        let port = to.rsplit(':').next().expect("a port");
        client.args(["forward.js", port, &hop.address]);
        if !flags.is_empty() {
            client.args([key, "bob", "his word"]);
        }
        let output = client.output().expect("node starts");
        assert!(output.status.success(), "{}", output.stderr.escape_ascii());
        assert_eq!(hop.end(), Some(0));
    }
}

#[test]
fn the_logger_of_python_is_served() {
    let Some(mut client) = client("python3", "python/fluent") else { return };
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let path = temporary.path().join("clean.jsonl");
    let socket = temporary.path().join("hop.sock").display().to_string();
    let listen = format!("unix://{socket}");
    let hop = Hop::start(&["--to", &format!("file://{}", path.display()), "--listen", &listen]);
    let output =
        client.args(["forward.py", &hop.address, &socket]).output().expect("python3 starts");
    assert!(output.status.success(), "{}", output.stderr.escape_ascii());
    assert_eq!(hop.end(), Some(0), "draining passes on what was sent");
    let text = read(&path);
    let mut n_times = [0; 50];
    for line in text.lines() {
        let (_, rest) = line.split_once("\"record\":{\"n\":").expect("a record");
        let (number, rest) = rest.split_once(',').expect("more members");
        assert_eq!(rest, "\"log\":\"from REDACTED-email\",\"float\":1.5,\"none\":null}}", "{line}");
        n_times[number.parse::<usize>().expect("a number")] += 1;
    }
    assert_eq!(n_times, [8; 50]);
}

#[test]
fn the_admin_endpoint_counts_and_names_no_value() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let to = format!("file://{}", folder.path().join("out").display());
    let (hop, admin) = Hop::start_with_admin(&["--to", &to, "--log-format", "text"]);
    let mut sender = hop.connect();
    sender.write_all(&message("from alice@example.org", Some("one"))).expect("it is sent");
    receive(&mut sender, ack("one").len());
    let get = |path: &str| ask(&admin, path);
    let metrics = get("/metrics");
    assert!(metrics.contains("logscrub_findings_total{rule=\"email\"} 1\n"), "{metrics}");
    assert!(
        metrics.contains("logscrub_acks_sent_total 1\n") && !metrics.contains("alice"),
        "{metrics}"
    );
    assert!(get("/healthz").starts_with("HTTP/1.1 200 OK") && get("/readyz").ends_with("ready\n"));
    assert!(get("/nothing").starts_with("HTTP/1.1 404"));
}

/// Makes an authority and, signed by it, a certificate for 127.0.0.1; `None` where there is no
/// openssl.
fn certificates(folder: &Path) -> Option<()> {
    let openssl = |args: &str| {
        let mut command = Command::new("openssl");
        let command = command
            .current_dir(folder)
            .args(args.split(' '))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.status().ok().filter(|status| status.success())
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout";
    openssl(&format!("req -x509 {key} ca.key -out ca.pem -subj /CN=ca -days 2"))?;
    openssl(&format!("req {key} own.key -out own.csr -subj /CN=own"))?;
    fs::write(folder.join("own.ext"), "subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
        .ok()?;
    openssl(
        "x509 -req -in own.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out own.pem -days 2 -extfile own.ext",
    )?;
    Some(())
}

#[test]
fn hops_know_each_other_by_their_certificates() {
    let temporary = tempfile::tempdir().expect("a temporary folder");
    if certificates(temporary.path()).is_none() {
        eprintln!("SKIPPED: no openssl to make certificates with");
        return;
    }
    let file = |name: &str| temporary.path().join(name).display().to_string();
    let (ca, cert, key) = (file("ca.pem"), file("own.pem"), file("own.key"));
    let to = format!("file://{}", file("out"));
    let listen = [
        "--listen",
        "tls://127.0.0.1:0",
        "--tls-cert",
        &cert,
        "--tls-key",
        &key,
        "--tls-client-ca",
        &ca,
    ];
    let inner = Hop::start(&[&listen[..], &["--to", &to]].concat());
    let line = inner.hears("tls://");
    let to = line.split('"').nth(1).expect("an address");
    let without = Hop::start(&["--to", to, "--to-tls-ca", &ca]);
    let mut sender = without.connect();
    sender.write_all(&message("x", Some("one"))).expect("it is sent");
    inner.hears("peer sent no certificates");
    let with =
        Hop::start(&["--to", to, "--to-tls-ca", &ca, "--to-tls-cert", &cert, "--to-tls-key", &key]);
    let mut sender = with.connect();
    sender.write_all(&message("x", Some("one"))).expect("it is sent");
    assert_eq!(receive(&mut sender, ack("one").len()), ack("one"));
}

/// Every list of arguments in a document that calls the hop.
fn calls(document: &serde_json::Value, found: &mut Vec<Vec<String>>) {
    match document {
        serde_json::Value::Array(members)
            if members.first().is_some_and(|first| first == "forward") =>
        {
            found.push(
                members.iter().map(|member| member.as_str().expect("a text").to_owned()).collect(),
            );
        }
        serde_json::Value::Array(members) => members.iter().for_each(|member| calls(member, found)),
        serde_json::Value::Object(members) => {
            members.values().for_each(|member| calls(member, found))
        }
        _ => {}
    }
}

#[test]
fn the_flags_in_the_examples_are_the_hop_s() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/fluent-bit");
    for name in [
        "kubernetes-sidecar.yaml",
        "kubernetes-daemonset.yaml",
        "compose.yaml",
        "firelens-task.json",
    ] {
        let mut found = Vec::new();
        // JSON is YAML.
        for document in read(&folder.join(name)).split("\n---\n") {
            let document: serde_json::Value = serde_saphyr::from_str(document).expect(name);
            calls(&document, &mut found);
        }
        let [call] = &found[..] else { panic!("{name} calls the hop {} times", found.len()) };
        // With one address that is none, everything else is read and nothing is opened.
        let run = logscrub()
            .args(call.iter().map(String::as_str))
            .args(["--listen=nowhere", "--config=none"])
            .run();
        run.code(2).stderr_has("--listen nowhere: no address");
    }
}

#[test]
fn wrong_flags_are_refused_before_anything_is_listened_at() {
    for (flags, message) in [
        ("--listen x --to stdout", "--listen x: no address"),
        (
            "--listen tcp://127.0.0.1:0 --to stdout --to tcp://a:1",
            "--to: stdout and file cannot be combined with another --to",
        ),
        ("--listen tls://127.0.0.1:0 --to stdout", "no certificate"),
        ("--listen tcp://127.0.0.1:0 --to tls://a:1", "no certificate authority"),
        ("--listen tcp://127.0.0.1:0 --to stdout --max-chunk 1", "--max-chunk 1: expected a size"),
        ("--listen tcp://127.0.0.1:0 --to stdout --shared-key-file /nonexistent", "cannot be read"),
        ("--to stdout", "--listen"),
    ] {
        let run = logscrub().args(["forward"]).args(flags.split(' ')).run();
        run.code(2).stdout("").stderr_has(message);
    }
    logscrub()
        .args(["forward", "--help"])
        .run()
        .success()
        .stdout_has("Examples:")
        .stdout_has("--spool");
}

/// So many connections are taken when nothing else is said.
const CONNECTIONS: usize = 1024;

/// Whether the hop has closed this connection.
fn is_closed(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).expect("a socket can be asked");
    let mut stream = stream;
    match stream.read(&mut [0]) {
        Ok(0) => true,
        Ok(_) => panic!("the hop says something to a silent client"),
        Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
    }
}

#[track_caller]
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < PATIENCE, "never: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Lets this process, and the hop that it starts, open as many files as the system allows.
fn raise_file_limit() -> bool {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit);
    getrlimit(Resource::Nofile).current.is_none_or(|limit| limit > 4 * CONNECTIONS as u64)
}

#[test]
fn idle_clients_cannot_shut_others_out() {
    if !raise_file_limit() {
        return eprintln!("SKIPPED: fewer files may be open than this test needs");
    }
    let (listener, next) = next_hop();
    let (hop, admin) = Hop::start_with_admin(&["--to", &next]);
    // One that waits for an acknowledgement keeps its place, however long it is silent.
    let mut owed = hop.connect();
    owed.write_all(&message("owed", Some("owed"))).expect("it is sent");
    let mut next = accept(&listener);
    let clean = message("owed", Some("owed"));
    assert_eq!(receive(&mut next, clean.len()), clean);
    // Silent ones, and ones that stop in the middle of a message.
    let mut idle: Vec<TcpStream> = Vec::new();
    for n in 0..CONNECTIONS + 100 {
        let mut stream = hop.connect();
        if n % 3 > 0 {
            stream.write_all(&message("half", None)[..9]).expect("it is sent");
        }
        idle.push(stream);
    }
    let mut sender = hop.connect();
    sender.write_all(&message("login of alice@example.com", Some("one"))).expect("it is sent");
    let mut other = accept(&listener);
    let clean = message("login of REDACTED-email", Some("one"));
    assert_eq!(receive(&mut other, clean.len()), clean);
    other.write_all(&ack("one")).expect("it is sent");
    assert_eq!(receive(&mut sender, ack("one").len()), ack("one"));
    // Those that were idle longest went, and no more than had to.
    until("the oldest are closed", || idle.iter().take(90).all(is_closed));
    assert!(metric(&admin, "logscrub_connections") <= CONNECTIONS as u64);
    assert!(metric(&admin, "logscrub_idle_total") >= 100);
    assert!(idle.iter().rev().take(CONNECTIONS / 2).all(|stream| !is_closed(stream)));
    next.write_all(&ack("owed")).expect("it is sent");
    assert_eq!(receive(&mut owed, ack("owed").len()), ack("owed"));
    drop(idle);
    assert_eq!(hop.end(), Some(0));
}

#[test]
fn an_idle_connection_is_closed_and_its_sender_comes_again() {
    let (listener, next) = next_hop();
    let (hop, admin) = Hop::start_with_admin(&["--to", &next, "--idle-timeout", "1"]);
    let whole = message("hello", Some("one"));
    let exchange = |sender: &mut TcpStream, rest: &[u8]| {
        sender.write_all(rest).expect("it is sent");
        let mut next = accept(&listener);
        assert_eq!(receive(&mut next, whole.len()), whole);
        // While an acknowledgement is owed, silence is not idleness. One that came later and is
        // owed nothing goes before it.
        let later = hop.connect();
        until("a later one is closed", || is_closed(&later));
        assert!(!is_closed(sender));
        sender.set_nonblocking(false).expect("a socket can be asked");
        next.write_all(&ack("one")).expect("it is sent");
        assert_eq!(receive(sender, ack("one").len()), ack("one"));
    };
    let silent = hop.connect();
    let mut half = hop.connect();
    half.write_all(&whole[..7]).expect("it is sent");
    let mut slow = hop.connect();
    let dripping = thread::spawn(move || {
        // A byte every now and then is no progress. The message never ends.
        let mut head = vec![0x92];
        head.extend([string("app"), vec![0xdb, 0, 1, 0, 0]].concat());
        slow.write_all(&head).expect("it is sent");
        let begin = Instant::now();
        while slow.write_all(b"x").is_ok() {
            assert!(begin.elapsed() < PATIENCE, "it is never closed");
            thread::sleep(Duration::from_millis(20));
        }
    });
    let mut sender = hop.connect();
    exchange(&mut sender, &whole);
    for stream in [&silent, &half, &sender] {
        until("it is closed", || is_closed(stream));
    }
    dripping.join().expect("it was closed");
    let mut again = hop.connect();
    exchange(&mut again, &whole);
    until("it is closed", || is_closed(&again));
    until("all have gone", || metric(&admin, "logscrub_connections") == 0);
    assert_eq!(metric(&admin, "logscrub_idle_total"), 7);
    assert_eq!(hop.end(), Some(0));
}

#[test]
fn a_handshake_that_stops_is_closed_when_another_needs_its_place() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let key = file(folder.path(), "key", "sesame\n");
    let hop = Hop::start(&["--to", "stdout", "--shared-key-file", &key, "--max-connections", "2"]);
    let mut silent = Vec::new();
    for _ in 0..6 {
        // Each newcomer gets its HELO.
        let mut stream = hop.connect();
        let mut first = [0; 6];
        stream.read_exact(&mut first).expect("the hop begins the handshake");
        assert_eq!(&first, b"\x92\xa4HELO");
        silent.push(stream);
    }
    hop.hears("connection limit is reached");
    assert_eq!(hop.end(), Some(0));
}

#[test]
fn the_idle_timeout_is_a_setting_like_others() {
    for (variable, config, expected) in [
        (None, "", ("300", "built in")),
        (None, "idle-timeout = 20\n", ("20", "c.toml:1")),
        (Some("7.5"), "idle-timeout = 20\n", ("7.5", "LOGSCRUB_IDLE_TIMEOUT")),
    ] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = file(folder.path(), "c.toml", config);
        let mut run = logscrub().args(["config", "show", "-c", &path]);
        if let Some(value) = variable {
            run = run.env("LOGSCRUB_IDLE_TIMEOUT", value);
        }
        let out = run.run().success().out();
        let line = out
            .lines()
            .find(|line| line.starts_with("idle-timeout"))
            .expect("it is shown")
            .to_owned();
        assert!(
            line.starts_with(&format!("idle-timeout = {}", expected.0))
                && line.ends_with(expected.1),
            "{line}"
        );
    }
    for wrong in ["-1", "soon", "86401"] {
        logscrub()
            .args(["forward", "--listen=x", "--to=stdout", &format!("--idle-timeout={wrong}")])
            .run()
            .code(2);
    }
}
