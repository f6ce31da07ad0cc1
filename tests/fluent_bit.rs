//! The examples of `examples/fluent-bit` with a real Fluent Bit, if one is on the path or in
//! `FLUENT_BIT`. Those with the plugin are tested beside the plugin.

use std::{
    collections::HashSet,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{
    forward::{Hop, PATIENCE, file, metric, next_hop, read},
    harness::binary,
};

/// The length of a line in the middle, longer than Fluent Bit reads without `buffer_max_size`.
const LONG: usize = 40 << 10;
/// The length of a line that the examples leave out.
const TOO_LONG: usize = 2 << 20;

/// A Fluent Bit to test with, and a folder of its own with a log. Dropping it ends everything that
/// it has started.
struct FluentBit {
    program: PathBuf,
    folder: tempfile::TempDir,
    n_lines: usize,
    started: Vec<Child>,
}

impl FluentBit {
    /// The Fluent Bit of the path or of `FLUENT_BIT`, if there is one.
    fn find(n_lines: usize) -> Option<FluentBit> {
        let on_path = std::env::var_os("PATH").and_then(|path| {
            std::env::split_paths(&path)
                .map(|folder| folder.join("fluent-bit"))
                .find(|program| program.exists())
        });
        let Some(program) = std::env::var_os("FLUENT_BIT").map(PathBuf::from).or(on_path) else {
            eprintln!("SKIPPED: fluent-bit is neither on the path nor in FLUENT_BIT");
            return None;
        };
        let folder = tempfile::tempdir().expect("a temporary folder");
        Some(FluentBit { program, folder, n_lines, started: Vec::new() })
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// The text of all lines, with `mail` for each address.
    fn texts(&self, mail: &str) -> Vec<String> {
        let padding =
            |number| if number == self.n_lines / 2 { ".".repeat(LONG) } else { String::new() };
        (0..self.n_lines).map(|number| format!("{number} {} by {mail}", padding(number))).collect()
    }

    /// Writes the log: all lines, each after `head`.
    fn write_log(&self, head: &str, has_too_long: bool) {
        let mut lines = self.texts("carol@example.org");
        if has_too_long {
            lines.insert(self.n_lines / 3, format!("{} by erin@example.org", ".".repeat(TOO_LONG)));
        }
        let log: String = lines.iter().map(|line| format!("{head}{line}\n")).collect();
        file(self.folder.path(), "app.log", &log);
    }

    /// The records of all lines, scrubbed, under the key `key`.
    fn expected(&self, key: &str) -> Vec<String> {
        self.texts("REDACTED-email")
            .iter()
            .map(|text| format!("{{\"{key}\":\"{text}\"}}"))
            .collect()
    }

    /// Starts Fluent Bit with an example, with its folders in this one, and with `changes`. Its
    /// children are in its process group.
    fn start(&mut self, example: &str, changes: &[(&str, &str)]) -> &mut Child {
        let source =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/fluent-bit").join(example);
        self.start_with(example, &read(&source), changes)
    }

    fn start_with(&mut self, name: &str, text: &str, changes: &[(&str, &str)]) -> &mut Child {
        let mut text = text.to_owned();
        for (from, to) in changes {
            assert!(text.contains(from), "{from:?} is not in {name}");
            text = text.replace(from, to);
        }
        for folder in
            ["/var/log/containers", "/var/log/app", "/var/log/clean", "/var/lib/fluent-bit"]
        {
            text = text.replace(folder, &self.path(""));
        }
        let configuration = file(self.folder.path(), name, &text);
        let mut command = Command::new(&self.program);
        command
            .args(["-q", "-c"])
            .arg(configuration)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0);
        self.started.push(command.spawn().expect("Fluent Bit starts"));
        self.started.last_mut().expect("it was pushed")
    }

    fn lines(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path("clean.log")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    fn wait_for(&self, n_lines: usize) {
        let begin = Instant::now();
        while self.lines().len() < n_lines && begin.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until all lines have arrived.
    fn check(self, key: &str) {
        self.wait_for(self.n_lines);
        assert!(self.lines() == self.expected(key), "all of them, scrubbed, in order");
    }
}

impl Drop for FluentBit {
    fn drop(&mut self) {
        for child in &mut self.started {
            let group = format!("-{}", child.id());
            // A process that has ended needs nothing.
            let _ =
                Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
            let _ = child.wait();
        }
    }
}

fn port(address: &str) -> String {
    address.rsplit(':').next().expect("a port").to_owned()
}

/// A hop to a port where nobody listens yet, and that port.
fn hop() -> (Hop, String) {
    let (listener, to) = next_hop();
    drop(listener);
    (Hop::start(&["--to", &to]), port(&to))
}

#[test]
fn fluent_bit_takes_every_example() {
    let Some(fluent_bit) = FluentBit::find(0) else { return };
    for example in ["sender.yaml", "receiver.yaml", "in-exec.yaml", "out-stdout.yaml"] {
        let source =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/fluent-bit").join(example);
        let parsed =
            Command::new(&fluent_bit.program).args(["--dry-run", "-c"]).arg(source).output();
        assert!(
            parsed.expect("Fluent Bit starts").status.success(),
            "{example} is no configuration"
        );
    }
}

#[test]
fn fluent_bit_sends_through_the_hop_to_fluent_bit() {
    let Some(mut fluent_bit) = FluentBit::find(2000) else { return };
    fluent_bit.write_log("", true);
    let (hop, to) = hop();
    fluent_bit.start("receiver.yaml", &[("24225", &to)]);
    fluent_bit.start("sender.yaml", &[("24224", &port(&hop.address))]);
    fluent_bit.check("log");
}

#[test]
fn nothing_is_lost_when_the_receiver_is_killed() {
    const N_ROUNDS: usize = 4;
    let Some(mut fluent_bit) = FluentBit::find(4000) else { return };
    let (listener, to) = next_hop();
    drop(listener);
    let (hop, admin) = Hop::start_with_admin(&["--to", &to]);
    let to = port(&to);
    let path = fluent_bit.path("app.log");
    let mut log =
        fs::OpenOptions::new().create(true).append(true).open(path).expect("it can be opened");
    for round in 0..N_ROUNDS {
        // It acknowledges chunks, and is killed before it writes any.
        fluent_bit.start("receiver.yaml", &[("24225", &to), ("flush: 0.2", "flush: 600")]);
        let receiver = fluent_bit.started.len() - 1;
        let part = fluent_bit.n_lines / N_ROUNDS;
        let lines = fluent_bit.texts("carol@example.org");
        let lines: String =
            lines[round * part..][..part].iter().map(|line| format!("{line}\n")).collect();
        log.write_all(lines.as_bytes()).expect("it can be written");
        if round == 0 {
            fluent_bit.start("sender.yaml", &[("24224", &port(&hop.address))]);
        }
        let begin = Instant::now();
        let n_expected = ((round + 1) * part) as u64;
        while metric(&admin, "logscrub_records_total") < n_expected
            || metric(&admin, "logscrub_acks_sent_total")
                < metric(&admin, "logscrub_messages_total")
        {
            assert!(begin.elapsed() < PATIENCE, "the receiver acknowledges everything");
            thread::sleep(Duration::from_millis(20));
        }
        fluent_bit.started[receiver].kill().expect("it can be killed");
        fluent_bit.started[receiver].wait().expect("it ends");
    }
    assert!(fluent_bit.lines().is_empty(), "nothing was written yet");
    fluent_bit.start("receiver.yaml", &[("24225", &to)]);
    fluent_bit.wait_for(fluent_bit.n_lines);
    let lines: HashSet<String> = fluent_bit.lines().into_iter().collect();
    let expected: HashSet<String> = fluent_bit.expected("log").into_iter().collect();
    assert!(
        lines == expected,
        "{} of {} lines came",
        lines.intersection(&expected).count(),
        expected.len()
    );
}

#[test]
fn the_daemonset_sends_what_runtimes_have_cut_through_the_hop() {
    let Some(mut fluent_bit) = FluentBit::find(2000) else { return };
    fluent_bit.write_log("2026-11-30T10:00:00.000000000Z stdout F ", true);
    let (socket, out) = (fluent_bit.path("fluent.sock"), fluent_bit.path("clean.log"));
    let listen = format!("unix://{socket}");
    let _hop = Hop::start(&["--listen", &listen, "--to", &format!("file://{out}")]);
    let source = read(
        &Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("examples/fluent-bit/kubernetes-daemonset.yaml"),
    );
    let map = source.split("\n---\n").next().expect("a document");
    let map: serde_json::Value = serde_saphyr::from_str(map).expect("YAML");
    let text = map["data"]["fluent-bit.yaml"].as_str().expect("a text");
    fluent_bit.start_with("daemonset.yaml", text, &[("/run/fluent/fluent.sock", &socket)]);
    fluent_bit.wait_for(fluent_bit.n_lines);
    let records = fluent_bit.lines().into_iter().map(|line| {
        let line: serde_json::Value = serde_json::from_str(&line).expect("a line of JSON");
        line["record"]["log"].as_str().expect("a text").to_owned()
    });
    assert!(records.eq(fluent_bit.texts("REDACTED-email")), "all of them, scrubbed, in order");
}

#[test]
fn fluent_bit_reads_through_the_filter() {
    let Some(mut fluent_bit) = FluentBit::find(2000) else { return };
    fluent_bit.write_log("", false);
    let filter = format!("| {} --config none", binary().display());
    fluent_bit.start("in-exec.yaml", &[("| logscrub", &filter)]);
    fluent_bit.check("exec");
}

#[test]
fn fluent_bit_writes_through_the_filter() {
    let Some(mut fluent_bit) = FluentBit::find(2000) else { return };
    fluent_bit.write_log("", true);
    let expected = fluent_bit.expected("log");
    let stdout = fluent_bit.start("out-stdout.yaml", &[]).stdout.take().expect("a pipe");
    let mut filter = Command::new(binary());
    filter.env_clear().args(["--config", "none"]).stdin(stdout).stdout(Stdio::piped());
    let mut filter = filter.spawn().expect("the filter starts");
    let lines = BufReader::new(filter.stdout.take().expect("a pipe")).lines().map_while(Result::ok);
    let lines: Vec<String> = lines.take(expected.len()).collect();
    // `{"date":…,"log":"…"}`
    let without_date = |line: &String| line.split_once(',').map(|(_, rest)| format!("{{{rest}"));
    assert!(
        lines.iter().map(without_date).eq(expected.into_iter().map(Some)),
        "all of them, scrubbed, in order"
    );
    drop(fluent_bit);
    filter.wait().expect("it ends with its input");
}
