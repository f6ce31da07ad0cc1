//! The Forward hop as a process, between a sender and a next hop that the tests play.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use crate::harness::{binary, logscrub};

/// Nothing takes as long as this but a hop that hangs.
const PATIENCE: Duration = Duration::from_secs(60);

struct Hop {
    child: Child,
    address: String,
    /// Lines of its own log.
    said: mpsc::Receiver<String>,
}

impl Hop {
    fn start(flags: &[&str]) -> Hop {
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
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the hop starts");
        let stderr = BufReader::new(child.stderr.take().expect("a pipe"));
        let (sender, said) = mpsc::channel();
        thread::spawn(move || stderr.lines().map_while(Result::ok).all(|line| sender.send(line).is_ok()));
        let mut hop = Hop { child, address: String::new(), said };
        let line = hop.hears("listening");
        hop.address = line.split('"').nth(1).and_then(|url| url.strip_prefix("tcp://")).expect("an address").to_owned();
        hop
    }

    /// Waits for a line of the log that holds `part`.
    fn hears(&self, part: &str) -> String {
        loop {
            let line = self.said.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("the hop never says {part:?}"));
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
        out.extend([vec![0x81], string("chunk"), string(chunk)].concat());
    }
    out
}

fn ack(chunk: &str) -> Vec<u8> {
    [&b"\x81\xa3ack"[..], &string(chunk)].concat()
}

fn receive(stream: &mut TcpStream, n_bytes: usize) -> Vec<u8> {
    let mut bytes = vec![0; n_bytes];
    stream.read_exact(&mut bytes).expect("so much comes");
    bytes
}

/// A next hop: connections are taken by the test.
fn next_hop() -> (TcpListener, String) {
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
    assert!(sender.read(&mut [0]).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock));
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
}

#[test]
fn a_message_that_cannot_be_examined_is_withheld_and_does_not_come_again() {
    let (listener, to) = next_hop();
    let hop = Hop::start(&["--to", &to]);
    let mut sender = hop.connect();
    // Packed entries that are none, and a record where a record must be; the second has no name to be acknowledged by.
    let entries = [&b"\x93\xa1t\xb1alice@example.org"[..], &[0x81], &string("chunk"), &string("bad")].concat();
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
    assert_eq!(hop.end(), Some(0));
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
        [out, vec![0x81], string("chunk"), string("c")].concat()
    };
    sender.write_all(&[part("from alice@exam", "P"), part("ple.org on", "F")].concat()).expect("it is sent");
    receive(&mut sender, 2 * ack("c").len());
    let clean = read(&path);
    assert!(clean.contains("\"from REDACTED-record\"") && clean.contains("\"REDACTED-email on\""), "{clean}");
    assert_eq!(hop.end(), Some(0));
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
    hop.hears("read anew");
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

fn read(path: &Path) -> String {
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
    assert!(read(&folder.path().join("cursor")).starts_with("0 "), "what was passed on is remembered");
}

#[test]
fn two_hops_show_each_other_key_and_user() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("it can be written");
        path.display().to_string()
    };
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

#[test]
fn the_admin_endpoint_counts_and_names_no_value() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let to = format!("file://{}", folder.path().join("out").display());
    let hop = Hop::start(&["--to", &to, "--admin", "127.0.0.1:0", "--log-format", "text"]);
    let line = hop.hears("admin endpoint");
    let admin = line.split('"').nth(1).expect("an address").to_owned();
    let mut sender = hop.connect();
    sender.write_all(&message("from alice@example.org", Some("one"))).expect("it is sent");
    receive(&mut sender, ack("one").len());
    let get = |path: &str| {
        let mut stream = TcpStream::connect(&admin).expect("it listens");
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").expect("it is sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        answer
    };
    let metrics = get("/metrics");
    assert!(metrics.contains("logscrub_findings_total{rule=\"email\"} 1\n"), "{metrics}");
    assert!(metrics.contains("logscrub_acks_sent_total 1\n") && !metrics.contains("alice"), "{metrics}");
    assert!(get("/healthz").starts_with("HTTP/1.1 200 OK") && get("/readyz").ends_with("ready\n"));
    assert!(get("/nothing").starts_with("HTTP/1.1 404"));
}

/// Makes an authority and, signed by it, a certificate for 127.0.0.1; `None` where there is no openssl.
fn certificates(folder: &Path) -> Option<()> {
    let openssl = |args: &str| {
        let mut command = Command::new("openssl");
        let command = command.current_dir(folder).args(args.split(' ')).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().ok().filter(|status| status.success())
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout";
    openssl(&format!("req -x509 {key} ca.key -out ca.pem -subj /CN=ca -days 2"))?;
    openssl(&format!("req {key} own.key -out own.csr -subj /CN=own"))?;
    fs::write(folder.join("own.ext"), "subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n").ok()?;
    openssl("x509 -req -in own.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out own.pem -days 2 -extfile own.ext")?;
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
    let listen = ["--listen", "tls://127.0.0.1:0", "--tls-cert", &cert, "--tls-key", &key, "--tls-client-ca", &ca];
    let inner = Hop::start(&[&listen[..], &["--to", &to]].concat());
    let line = inner.hears("tls://");
    let to = line.split('"').nth(1).expect("an address");
    let without = Hop::start(&["--to", to, "--to-tls-ca", &ca]);
    let mut sender = without.connect();
    sender.write_all(&message("x", Some("one"))).expect("it is sent");
    inner.hears("peer sent no certificates");
    let with = Hop::start(&["--to", to, "--to-tls-ca", &ca, "--to-tls-cert", &cert, "--to-tls-key", &key]);
    let mut sender = with.connect();
    sender.write_all(&message("x", Some("one"))).expect("it is sent");
    assert_eq!(receive(&mut sender, ack("one").len()), ack("one"));
}

/// A Fluent Bit that runs an example with paths and ports of its own. The file is parsed as it is; it runs without the storage on disk,
/// which a small build of Fluent Bit lacks.
fn fluent_bit(program: &Path, folder: &Path, example: &str, changes: &[(&str, &str)]) -> Child {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/fluent-bit").join(example);
    let parsed = Command::new(program).args(["--dry-run", "-c"]).arg(&source).output().expect("Fluent Bit starts");
    assert!(parsed.status.success(), "{example} is no configuration");
    let mut text: String =
        read(&source).lines().filter(|line| !line.contains("storage.")).map(|line| format!("{line}\n")).collect();
    for (from, to) in changes {
        assert!(text.contains(from), "{from:?} is not in {example}");
        text = text.replace(from, to);
    }
    let path = folder.join(example);
    fs::write(&path, text).expect("it can be written");
    let mut command = Command::new(program);
    command.arg("-c").arg(path).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("Fluent Bit starts")
}

#[test]
fn fluent_bit_sends_through_the_hop_to_fluent_bit() {
    let on_path = std::env::var_os("PATH").and_then(|path| {
        std::env::split_paths(&path).map(|folder| folder.join("fluent-bit")).find(|program| program.exists())
    });
    let Some(program) = std::env::var_os("FLUENT_BIT").map(Into::into).or(on_path) else {
        eprintln!("SKIPPED: no fluent-bit on the path or in FLUENT_BIT");
        return;
    };
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let folder = temporary.path().display().to_string();
    let lines: String = (0..2000).map(|number| format!("{number} by user{number}@example.org\n")).collect();
    fs::write(temporary.path().join("app.log"), lines).expect("it can be written");
    let (listener, to) = next_hop();
    drop(listener);
    let port = to.rsplit(':').next().expect("a port");
    let hop = Hop::start(&["--to", &to]);
    let own = hop.address.rsplit(':').next().expect("a port");
    let mut receiver =
        fluent_bit(&program, temporary.path(), "receiver.yaml", &[("24225", port), ("/var/log/clean", &folder)]);
    let changes = [("24224", own), ("/var/log/app", &folder), ("/var/lib/fluent-bit", &folder)];
    let mut sender = fluent_bit(&program, temporary.path(), "sender.yaml", &changes);
    let out = temporary.path().join("clean.log");
    let begin = std::time::Instant::now();
    let n_lines = || fs::read_to_string(&out).map_or(0, |text| text.lines().count());
    while n_lines() < 2000 && begin.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(50));
    }
    for child in [&mut sender, &mut receiver] {
        child.kill().and_then(|()| child.wait()).expect("it ends");
    }
    let expected: Vec<String> = (0..2000).map(|number| format!("{{\"log\":\"{number} by REDACTED-email\"}}")).collect();
    assert!(read(&out).lines().eq(expected), "all of them, scrubbed, in order");
}

#[test]
fn wrong_flags_are_refused_before_anything_is_listened_at() {
    for (flags, message) in [
        ("--listen x --to stdout", "--listen x: no address"),
        ("--listen tcp://127.0.0.1:0 --to stdout --to tcp://a:1", "stdout and file stand alone"),
        ("--listen tls://127.0.0.1:0 --to stdout", "no certificate"),
        ("--listen tcp://127.0.0.1:0 --to tls://a:1", "no certificate authority"),
        ("--listen tcp://127.0.0.1:0 --to stdout --max-chunk 1", "--max-chunk 1: not a size"),
        ("--listen tcp://127.0.0.1:0 --to stdout --shared-key-file /nonexistent", "cannot be read"),
        ("--to stdout", "--listen"),
    ] {
        let run = logscrub().args(["forward"]).args(flags.split(' ')).run();
        run.code(2).stdout("").stderr_has(message);
    }
    logscrub().args(["forward", "--help"]).run().success().stdout_has("Examples:").stdout_has("--spool");
}
