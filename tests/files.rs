//! `logscrub FILE...`: several inputs become one output, and an input that cannot be read costs
//! only itself.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::Write as _,
    os::unix::{
        ffi::OsStringExt as _,
        fs::{MetadataExt as _, PermissionsExt as _, symlink},
        process::{CommandExt as _, ExitStatusExt as _},
    },
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::harness::binary;

/// Longer than anything takes, unless the filter hangs.
const PATIENCE: Duration = Duration::from_secs(120);

const MAIL: &str = "to bob@example.com\n";
const CLEAN_MAIL: &str = "to REDACTED-email\n";

/// A folder in which the filter runs, so that files have short names.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Place {
        Place { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(name), bytes).expect("the folder can be written");
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("it was written")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.args(args).env_clear().current_dir(self.folder.path());
        command
    }

    /// Runs the filter with these bytes on standard input.
    fn run_with(&self, args: &[&str], stdin: &str) -> Ran {
        let mut child = self.start(&mut self.command(args));
        let mut pipe = child.stdin.take().expect("standard input is a pipe");
        let stdin = stdin.to_owned();
        // A filter that does not read its standard input closes the pipe.
        let writer = thread::spawn(move || drop(pipe.write_all(stdin.as_bytes())));
        let output = child.wait_with_output().expect("it ends");
        writer.join().expect("the writer ends");
        Ran { output }
    }

    fn run(&self, args: &[&str]) -> Ran {
        self.run_with(args, "standard input must not be read: eve@example.com\n")
    }

    fn start(&self, command: &mut Command) -> Child {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("the binary starts")
    }

    fn mkfifo(&self, name: &str) {
        let status = Command::new("mkfifo").arg(self.path(name)).status();
        assert!(status.expect("mkfifo is installed").success());
    }
}

struct Ran {
    output: Output,
}

impl Ran {
    fn out(&self) -> String {
        String::from_utf8(self.output.stdout.clone()).expect("standard output is text")
    }

    fn err(&self) -> String {
        String::from_utf8(self.output.stderr.clone()).expect("standard error is text")
    }

    #[track_caller]
    fn is(&self, code: i32, out: &str) -> &Ran {
        assert_eq!(self.output.status.code(), Some(code), "{}", self.err());
        assert!(self.out() == out, "{}\nis not\n{out}", self.out());
        self
    }

    #[track_caller]
    fn says(&self, part: &str) -> &Ran {
        assert!(self.err().contains(part), "{part:?} is not in {}", self.err());
        self
    }

    /// Without a message.
    #[track_caller]
    fn is_silent(&self) {
        assert_eq!(self.err(), "");
    }
}

/// Log lines of which some have a finding; longer than a few blocks if `n_lines` is large.
fn log(first: usize, n_lines: usize) -> String {
    let line = |n: usize| match n % 5 {
        0 => format!("{n} mail to user{n}@example.com\n"),
        3 => format!("{n} password=Hunter2x{n} and more\n"),
        _ => format!("{n} GET /index.html 200\n"),
    };
    (first..first + n_lines).map(line).collect()
}

#[test]
fn several_files_give_what_each_alone_gives() {
    let place = Place::new();
    let sizes = [3, 0, 40_000, 1, 700];
    for (index, size) in sizes.into_iter().enumerate() {
        place.write(&index.to_string(), log(index, size));
    }
    let alone: String = (0..sizes.len()).map(|n| place.run(&[&n.to_string()]).out()).collect();
    assert!(alone.contains("REDACTED-email") && !alone.contains("@example.com"));
    for threads in ["-j0", "-j1", "-j2", "-j7"] {
        let ran = place.run(&[threads, "0", "1", "2", "3", "4"]);
        ran.is(0, &alone).is_silent();
    }
    let twice = place.run(&["3", "0", "3"]).out();
    assert_eq!(twice, [3, 0, 3].map(|n| place.run(&[&n.to_string()]).out()).concat());
}

#[test]
fn the_summary_counts_all_files() {
    let place = Place::new();
    place.write("a", MAIL.repeat(3));
    place.write("b", MAIL.repeat(2));
    let ran = place.run(&["a", "b", "a", "--summary", "json"]);
    ran.is(0, &CLEAN_MAIL.repeat(8));
    let summary: serde_json::Value = serde_json::from_str(&ran.err()).expect("it is JSON");
    assert_eq!(
        (&summary["findings"], &summary["records_in"], &summary["bytes_out"]),
        (&8.into(), &8.into(), &(8 * CLEAN_MAIL.len()).into()),
        "{summary}"
    );
}

#[test]
fn a_hyphen_is_standard_input_wherever_it_is() {
    let place = Place::new();
    place.write("a", "a: bob@example.com\n");
    place.write("b", "b\n");
    let typed = "typed: carol@example.com\n";
    let [a, b, stdin] = ["a: REDACTED-email\n", "b\n", "typed: REDACTED-email\n"];
    place.run_with(&["-"], typed).is(0, stdin).is_silent();
    place.run_with(&["a", "-", "b"], typed).is(0, &[a, stdin, b].concat()).is_silent();
    place.run_with(&["--", "-", "a"], typed).is(0, &[stdin, a].concat()).is_silent();
    // It has ended when it is read for the second time.
    place.run_with(&["-", "a", "-"], typed).is(0, &[stdin, a].concat()).is_silent();
    place.run_with(&["/dev/stdin", "a"], typed).is(0, &[stdin, a].concat()).is_silent();
    // A file of that name.
    place.write("-", "hyphen\n");
    place.run_with(&["./-"], typed).is(0, "hyphen\n").is_silent();
}

#[test]
fn standard_input_is_not_waited_for_when_files_are_named() {
    let place = Place::new();
    place.write("a", MAIL);
    let mut child = place.start(&mut place.command(&["a"]));
    let stdin = child.stdin.take();
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(0), CLEAN_MAIL.as_bytes()));
    drop(stdin);
}

#[test]
fn an_input_that_cannot_be_read_is_reported_and_the_rest_is_done() {
    let place = Place::new();
    place.write("a", MAIL);
    fs::create_dir(place.path("folder")).expect("the folder can be made");
    symlink("nowhere", place.path("link")).expect("links can be made");
    for (wrong, why, hint) in [
        ("missing.log", "No such file or directory", None),
        ("link", "No such file or directory", None),
        ("folder", "directory", Some("hint: `logscrub batch DIR -o OUTPUT`")),
        ("a/b", "Not a directory", None),
    ] {
        for args in [[wrong, "a", "a"], ["a", wrong, "a"], ["a", "a", wrong]] {
            let ran = place.run(&args);
            ran.is(3, &CLEAN_MAIL.repeat(2));
            ran.says(&format!("logscrub: error: {wrong}: cannot be read")).says(why);
            assert_eq!(ran.err().matches("error:").count(), 1, "{}", ran.err());
            if let Some(hint) = hint {
                ran.says(hint);
            }
        }
    }
    let ran = place.run(&["none", "folder", "nothing"]);
    ran.is(3, "").says("none: cannot").says("folder: cannot").says("nothing: cannot");
    // Its name may hold a secret.
    let ran = place.run(&["token=Hunter2xyzzyq", "a"]);
    ran.is(3, CLEAN_MAIL).says("cannot be read");
    assert!(!ran.err().contains("Hunter2xyzzyq"), "{}", ran.err());
    place.run(&["missing", "-qq", "a"]).is(3, CLEAN_MAIL).is_silent();
}

#[test]
fn a_file_without_permission_is_reported_and_the_rest_is_done() {
    let place = Place::new();
    place.write("a", MAIL);
    place.write("closed", MAIL);
    let all = |name: &str, mode: u32| {
        let permissions = fs::Permissions::from_mode(mode);
        fs::set_permissions(place.path(name), permissions).expect("it is ours");
    };
    all("closed", 0);
    all(".", 0o755);
    let mut command = place.command(&["closed", "a"]);
    if fs::metadata(place.path("a")).expect("it was written").uid() == 0 {
        // Root may read everything.
        command.uid(65534).gid(65534);
    }
    let Ok(child) = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn() else {
        eprintln!("SKIPPED: another user cannot run {}", binary().display());
        return;
    };
    let ran = Ran { output: child.wait_with_output().expect("it ends") };
    ran.is(3, CLEAN_MAIL).says("closed: cannot be read").says("Permission denied");
    ran.says("hint: the user that runs logscrub needs permission");
}

#[test]
fn an_output_among_the_inputs_is_refused_before_anything_is_written() {
    let place = Place::new();
    place.write("a", MAIL);
    place.write("b", MAIL);
    symlink("b", place.path("link")).expect("links can be made");
    fs::hard_link(place.path("b"), place.path("hard")).expect("links can be made");
    for output in ["b", "./b", "link", "hard"] {
        let ran = place.run(&["a", "b", "--output", output]);
        ran.is(2, "")
            .says("b: is both an input and the output")
            .says("hint: write to another file");
    }
    // As standard output and standard input.
    let append = || File::options().append(true).open(place.path("b")).expect("it was written");
    let to_stdout = place.command(&["a", "b"]).stdout(append()).output().expect("it runs");
    let to_itself = place
        .command(&[])
        .stdin(File::open(place.path("b")).expect("it was written"))
        .stdout(append())
        .output()
        .expect("it runs");
    for ran in [to_stdout, to_itself].map(|output| Ran { output }) {
        ran.is(2, "").says("is both an input and the output");
    }
    assert_eq!((place.read("a"), place.read("b")), (MAIL.to_owned(), MAIL.to_owned()));
    // With --dry-run nothing is written.
    place.run(&["a", "b", "--output", "b", "--dry-run", "-q"]).is(0, "").is_silent();
    place.run(&["a", "b", "--output", "new"]).is(0, "").is_silent();
    assert_eq!(place.read("new"), CLEAN_MAIL.repeat(2));
}

#[test]
fn input_that_is_no_plain_text_is_refused_by_name_and_the_rest_is_done() {
    let place = Place::new();
    place.write("a", MAIL);
    let text = log(0, 400);
    place.write("log", &text);
    let gzip = Command::new("gzip").arg("-k").arg(place.path("log")).status();
    assert!(gzip.expect("gzip is installed").success());
    let wide: Vec<u8> =
        "\u{feff}to bob@example.com\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    place.write("wide", wide);
    for (wrong, why) in [("log.gz", "gzip"), ("wide", "UTF-16")] {
        for threads in ["-j1", "-j2"] {
            for args in [["a", wrong, "a"], [wrong, "a", "a"], ["a", "a", wrong]] {
                let ran = place.run(&[&args[..], &[threads]].concat());
                ran.is(3, &CLEAN_MAIL.repeat(2)).says(&format!("{wrong}: ")).says(why);
                assert_eq!(ran.err().matches("error:").count(), 1, "{}", ran.err());
            }
        }
    }
}

#[test]
fn nothing_that_is_open_at_the_end_of_a_file_reaches_the_next_one() {
    let key = "MIIEpAIBAAKCAQEA7bq0Zx9sK3vUe1Yw5nQ8rT2mLp4Jc6Hd0Fg7Ba1Ns9Xo3Vi5";
    let firsts = [
        // A private key and a block of a list, without their ends.
        format!("-----BEGIN RSA PRIVATE KEY-----\n{key}\n{key}\n"),
        "passwords:\n".to_owned(),
        // The first part of a record, of CRI and of Docker.
        "2026-11-26T10:00:00.000000000Z stdout P mail to bob.bobson@exam\n".to_owned(),
        "{\"log\":\"key AKIAZ2J4\",\"stream\":\"stdout\",\"time\":\"2026-11-26T10:00:00Z\"}\n"
            .to_owned(),
        // A line without an end.
        "a line that is not ov".to_owned(),
        "password=".to_owned(),
    ];
    let seconds = [
        format!("{key}\nplain line\n"),
        "  - Zq7xK29vLmTr4Wp8\nplain line\n".to_owned(),
        "2026-11-26T10:00:00.000000001Z stdout F ple.com\n".to_owned(),
        "{\"log\":\"XVQ7KD5TNPWE\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-26T10:00:00Z\"}\n"
            .to_owned(),
        "er: carol@example.com\n".to_owned(),
        "Zq7xK29vLmTr4Wp8 is plain\n".to_owned(),
    ];
    let place = Place::new();
    for first in &firsts {
        for second in &seconds {
            place.write("first", first);
            place.write("second", second);
            let alone = [place.run(&["first"]).out(), place.run(&["second"]).out()].concat();
            for threads in ["-j1", "-j3"] {
                place.run(&[threads, "first", "second"]).is(0, &alone).is_silent();
            }
        }
    }
    // A file that fails in the middle of something open leaves nothing open either.
    place.write("first", &firsts[0]);
    place.write("second", &seconds[0]);
    place
        .run(&["first", "missing", "second"])
        .is(3, &[place.run(&["first"]).out(), place.run(&["second"]).out()].concat());
}

#[test]
fn a_last_line_without_end_stays_without_one() {
    let place = Place::new();
    place.write("a", "one\ntwo bob@example.com");
    place.write("b", "three\n");
    place.write("empty", "");
    let [a, b] = ["one\ntwo REDACTED-email", "three\n"];
    place.run(&["a"]).is(0, a).is_silent();
    place.run(&["a", "b"]).is(0, &[a, b].concat()).is_silent();
    place.run(&["a", "empty", "a"]).is(0, &a.repeat(2)).is_silent();
    place.run(&["empty"]).is(0, "").is_silent();
}

#[test]
fn a_named_pipe_is_read_until_its_writer_closes_it() {
    let place = Place::new();
    place.mkfifo("pipe");
    place.write("a", MAIL);
    let child = place.start(&mut place.command(&["a", "pipe", "a"]));
    // Opening waits until the filter has opened it, too.
    let mut pipe = File::options().write(true).open(place.path("pipe")).expect("it was made");
    pipe.write_all(b"pipe: carol@example.com\n").expect("the filter reads");
    thread::sleep(Duration::from_millis(50));
    pipe.write_all(b"no end").expect("the filter reads");
    drop(pipe);
    let ran = Ran { output: child.wait_with_output().expect("it ends") };
    ran.is(0, &[CLEAN_MAIL, "pipe: REDACTED-email\nno end", CLEAN_MAIL].concat()).is_silent();
}

/// SIGTERM gives up waiting for the pipe, and what can be read at once is still read. SIGINT reads
/// no further file.
#[test]
fn a_named_pipe_without_a_writer_does_not_keep_the_filter_from_ending() {
    for threads in ["-j1", "-j2"] {
        for (signal, code, written) in [("-TERM", 0, CLEAN_MAIL), ("-INT", 130, "")] {
            let place = Place::new();
            place.mkfifo("pipe");
            place.write("a", MAIL);
            let args = ["pipe", "a", "--output", "out", threads];
            let mut child = place.start(&mut place.command(&args));
            // The output is opened after the handlers of signals are in place.
            until("the output is there", || place.path("out").exists());
            thread::sleep(Duration::from_millis(20));
            assert_eq!(child.try_wait().expect("it is our child"), None);
            let status = Command::new("kill").arg(signal).arg(child.id().to_string()).status();
            assert!(status.expect("kill is installed").success());
            let ran = Ran { output: child.wait_with_output().expect("it ends") };
            ran.is(code, "").is_silent();
            assert_eq!(place.read("out"), written, "{signal}");
        }
    }
}

#[test]
fn a_file_called_like_a_verb_is_named_by_its_path() {
    let place = Place::new();
    place.write("batch", MAIL);
    place.run(&["./batch"]).is(0, CLEAN_MAIL).is_silent();
    place.run(&["batch"]).is(2, "");
    place.run(&["rulse"]).is(3, "").says("hint: did you mean the command `logscrub rules`?");
    // A file of that name is meant, since it exists.
    place.write("rulse", MAIL);
    place.run(&["rulse"]).is(0, CLEAN_MAIL).is_silent();
}

#[test]
fn a_name_need_not_be_text() {
    let place = Place::new();
    let name = OsString::from_vec(b"caf\xe9.log".to_vec());
    let ran = |name: &Path| {
        let mut command = place.command(&[]);
        Ran { output: command.arg(name).output().expect("the binary starts") }
    };
    ran(Path::new(&name)).is(3, "").says("cannot be read");
    if fs::write(place.folder.path().join(&name), MAIL).is_ok() {
        ran(Path::new(&name)).is(0, CLEAN_MAIL).is_silent();
    }
}

#[test]
fn of_many_files_one_at_a_time_is_open() {
    let place = Place::new();
    let names: Vec<String> = (0..300).map(|n| format!("{n}.log")).collect();
    for (index, name) in names.iter().enumerate() {
        place.write(name, log(index, index % 4));
    }
    let expected: String = (0..names.len()).map(|n| log(n, n % 4)).collect();
    let expected = place.run_with(&[], &expected).out();
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 32; exec \"$@\"", "sh"]).arg(binary()).args(["-j", "2"]);
    command.args(&names).env_clear().current_dir(place.folder.path());
    Ran { output: command.output().expect("the shell starts") }.is(0, &expected).is_silent();
}

#[test]
fn a_reader_that_leaves_ends_the_filter_between_files_too() {
    let place = Place::new();
    place.write("a", log(0, 20_000));
    let mut child = place.start(&mut place.command(&["a", "a", "a", "a"]));
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.signal(), output.stderr.len()), (Some(13), 0));
}

/// Polls until `is_so`.
#[track_caller]
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < PATIENCE, "never: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}
