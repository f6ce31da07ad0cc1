//! Batch continues where it was: kills, signals and full disks cost only the latest work, and no
//! output lands among the inputs. A test that must interrupt a run makes its work larger until it
//! succeeds.

use std::{
    collections::BTreeMap,
    fs,
    io::Read,
    os::unix::{
        fs::{MetadataExt, symlink},
        process::ExitStatusExt,
    },
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use crate::{
    batch::{Place, log},
    harness::binary,
};

const MANIFEST: &str = "logscrub-manifest.jsonl";

/// How a run is disturbed.
#[derive(Clone, Copy, Debug)]
enum Signal {
    Kill,
    Interrupt,
    Terminate,
}

impl Signal {
    fn name(self) -> &'static str {
        match self {
            Signal::Kill => "KILL",
            Signal::Interrupt => "INT",
            Signal::Terminate => "TERM",
        }
    }

    fn number(self) -> i32 {
        match self {
            Signal::Kill => 9,
            Signal::Interrupt => 2,
            Signal::Terminate => 15,
        }
    }
}

/// A run in progress. Signals have their default handlers, even if the tests run in the background.
struct Running {
    child: Child,
}

impl Running {
    fn start(place: &Place, args: &str) -> Running {
        let mut command = Command::new("env");
        command
            .args(["-i", "--default-signal=INT,TERM"])
            .arg(binary())
            .args(["batch", "--config", "none", "-j1"]);
        command.args(args.split(' ')).current_dir(place.folder.path());
        let child = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        Running { child }
    }

    fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("it is our child").is_some()
    }

    fn send(&self, signal: Signal) {
        let id = self.child.id().to_string();
        let status =
            Command::new("kill").args(["-s", signal.name(), &id]).status().expect("kill is there");
        assert!(status.success(), "it was running, and is not reaped yet");
    }

    /// The exit code as in a shell, and the messages.
    fn end(mut self) -> (i32, String) {
        let mut words = String::new();
        let mut stderr = self.child.stderr.take().expect("standard error is a pipe");
        stderr.read_to_string(&mut words).expect("it is text");
        let status = self.child.wait().expect("it ends");
        (
            status
                .code()
                .unwrap_or_else(|| 128 + status.signal().expect("it has one or the other")),
            words,
        )
    }
}

/// The whole lines of a manifest, by path.
fn lines(place: &Place, folder: &str) -> BTreeMap<String, serde_json::Value> {
    let bytes = fs::read(place.path(folder).join(MANIFEST)).unwrap_or_default();
    let whole = bytes.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n"));
    let lines = whole
        .map(|line| serde_json::from_slice::<serde_json::Value>(line).expect("each line is JSON"));
    lines.map(|line| (line["path"].as_str().expect("a path").to_owned(), line)).collect()
}

/// Waits until the manifest has more than `n_before` lines. Returns whether that happened before
/// the run ended.
fn wait_for_more(place: &Place, folder: &str, n_before: usize, running: &mut Running) -> bool {
    loop {
        let is_over = running.has_ended();
        if lines(place, folder).len() > n_before {
            return !is_over;
        }
        if is_over {
            return false;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// Identifies a file, so that a rewritten file differs from one that was left alone.
fn identity(path: &Path) -> (u64, i64, i64) {
    let metadata = fs::metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    (metadata.ino(), metadata.ctime(), metadata.ctime_nsec())
}

/// Files of several formats.
fn fill(place: &Place, n_files: usize) {
    let (dirty, _) = log(20_000);
    for n in 0..n_files {
        let name = format!("in/{}/{n:03}.log", n % 3);
        place.write(&name, &dirty);
        match n % 4 {
            // Slow to compress, so that many files take long without much writing.
            1 => drop(place.shell(&format!("xz -6 {name}"))),
            2 => drop(place.shell(&format!("gzip -1n {name}"))),
            3 => drop(place.shell(&format!("tar -cf {name}.tar {name}; rm {name}"))),
            _ => {}
        }
    }
}

fn files(place: &Place, folder: &str) -> BTreeMap<String, Vec<u8>> {
    let names = String::from_utf8(place.shell(&format!("cd {folder}; find . -type f")))
        .expect("plain names");
    let names = names.lines().map(|name| name.trim_start_matches("./").to_owned());
    names
        .filter(|name| name != MANIFEST)
        .map(|name| (name.clone(), place.read(&format!("{folder}/{name}"))))
        .collect()
}

/// The counts of an undisturbed run: files that it did, and files that were done earlier.
fn finish(place: &Place, args: &[&str]) -> (u64, u64) {
    let args = [args, &["--config", "none", "--summary", "json"]].concat();
    let told: serde_json::Value =
        serde_json::from_str(&place.batch(&args).success().out()).expect("it is JSON");
    (
        told["files"].as_u64().expect("a number"),
        told["files_done_before"].as_u64().expect("a number"),
    )
}

/// More files than a run does within a second or two.
const MOST_FILES: usize = 384;

/// Disturbs each run as soon as its manifest has grown, until one ends by itself.
fn disturb(signal: Signal, is_in_place: bool) {
    let (folder, args) = if is_in_place { ("in", "in --in-place") } else { ("out", "in -o out") };
    for n_files in [24, 48, 96, 192, MOST_FILES] {
        let place = Place::new();
        fill(&place, n_files);
        place.shell("cp -a in whole");
        finish(&place, &["@/whole", "-o", "@/expected"]);
        // A run writes its manifest after it has synced the file system. With all of the above to
        // be synced too, it could end before that.
        place.shell("sync -f .");
        let expected = files(&place, "expected");
        let mut n_disturbed = 0;
        loop {
            let done = lines(&place, folder);
            let before: Vec<_> = done
                .keys()
                .map(|name| identity(&place.path(&format!("{folder}/{name}"))))
                .collect();
            let mut running = Running::start(&place, args);
            let is_met = wait_for_more(&place, folder, done.len(), &mut running);
            if is_met {
                running.send(signal);
            }
            let (code, words) = running.end();
            // The work of an earlier run is not repeated.
            let after: Vec<_> = done
                .keys()
                .map(|name| identity(&place.path(&format!("{folder}/{name}"))))
                .collect();
            assert_eq!(before, after);
            // Every file that the manifest calls done exists and is whole.
            let now = lines(&place, folder);
            for name in now.keys() {
                assert!(
                    place.read(&format!("{folder}/{name}")) == expected[name],
                    "{name} {signal:?}"
                );
            }
            if code == 0 {
                break;
            }
            assert!(is_met && code == 128 + signal.number(), "{code}: {words}");
            if !matches!(signal, Signal::Kill) {
                let name = signal.name();
                let said = format!(
                    "interrupted by SIG{name}: {} of {n_files} files done\n\
                     hint: run the same command again to continue",
                    now.len()
                );
                assert!(words.contains(&said), "{said:?} is not in {words}");
            }
            n_disturbed += 1;
        }
        // For the largest set, one disturbance is enough.
        if n_disturbed < 3 && n_files < MOST_FILES || n_disturbed == 0 {
            continue;
        }
        let args: Vec<String> =
            args.split(' ').map(|arg| arg.replace("in", "@/in").replace("out", "@/out")).collect();
        let args: Vec<&str> = args
            .iter()
            .map(|arg| if *arg == "--@/in-place" { "--in-place" } else { arg })
            .collect();
        assert_eq!(finish(&place, &args), (0, n_files as u64));
        assert!(files(&place, folder) == expected);
        assert_eq!(lines(&place, folder).len(), n_files);
        assert_eq!(place.shell("find . -name '*.passing'"), b"");
        place.batch(&["--verify-manifest", &format!("@/{folder}"), "--config", "none"]).success();
        return;
    }
    panic!("no run could be met in the middle");
}

#[test]
fn killed_again_and_again_a_mirror_goes_on_where_it_was() {
    disturb(Signal::Kill, false);
}

#[test]
fn killed_again_and_again_a_run_in_place_goes_on_where_it_was() {
    disturb(Signal::Kill, true);
}

#[test]
fn interrupted_a_mirror_says_how_far_it_came() {
    disturb(Signal::Interrupt, false);
}

#[test]
fn terminated_a_mirror_says_how_far_it_came() {
    disturb(Signal::Terminate, false);
}

#[test]
fn interrupted_a_run_in_place_says_how_far_it_came() {
    disturb(Signal::Interrupt, true);
}

#[test]
fn of_a_large_archive_that_is_disturbed_only_that_archive_is_done_again() {
    for signal in [Signal::Kill, Signal::Interrupt, Signal::Terminate] {
        let mut n_copies = 16;
        loop {
            let place = Place::new();
            let (dirty, clean) = log(3000);
            (0..3).for_each(|n| drop(place.write(&format!("in/{n}.log"), &dirty)));
            let (large, clean_large) = (dirty.repeat(n_copies), clean.repeat(n_copies));
            place.write("large.log", &large);
            place.shell("tar -czf in/z.tgz --transform 's,^,t/,' large.log");
            let mut running = Running::start(&place, "in -o out");
            let is_met = wait_for_more(&place, "out", 0, &mut running);
            let is_middle = is_met && !lines(&place, "out").contains_key("z.tgz");
            if is_met {
                running.send(signal);
            }
            let (code, words) = running.end();
            let done = lines(&place, "out");
            // A killed run may have finished the archive and not noted it in the manifest yet.
            let is_there = place.names("out").contains(&"z.tgz".to_owned());
            if !is_middle || is_there || done.contains_key("z.tgz") {
                n_copies *= 2;
                assert!(n_copies < 10_000, "no run could be met in the middle");
                continue;
            }
            assert_eq!((code, done.len()), (128 + signal.number(), 3), "{words}");
            assert_eq!(place.names("out"), ["0.log", "1.log", "2.log", MANIFEST]);
            assert_eq!(finish(&place, &["@/in", "-o", "@/out"]), (1, 3));
            assert!(place.shell("tar -xzOf out/z.tgz t/large.log") == clean_large);
            place.batch(&["--verify-manifest", "@/out", "--config", "none"]).success();
            break;
        }
    }
}

#[test]
fn a_full_disk_costs_nothing_that_is_done() {
    let place = Place::new();
    place.shell("mkdir disk");
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=3m", "tmpfs"])
        .arg(place.path("disk"))
        .status();
    if !mounted.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: a small disk cannot be mounted here");
        return;
    }
    let (dirty, _) = log(3000);
    (0..3).for_each(|n| drop(place.write(&format!("in/{n}.log"), &dirty)));
    place.write("in/z.log", &dirty.repeat(40));
    let full = place.batch(&["@/in", "-o", "@/disk/out", "-j1"]);
    let n_done = lines(&place, "disk/out").len();
    place.shell("mount -o remount,size=64m disk");
    let again = place.batch(&["@/in", "-o", "@/disk/out", "-j1"]);
    place.shell("umount disk");
    full.code(74).stderr_has("it resumes where it stopped");
    assert_eq!(n_done, 3);
    again.success().stderr_has("3 done earlier");
}

#[test]
fn an_output_among_the_inputs_is_refused_before_anything_is_written() {
    let refused: &[&[&str]] = &[
        &["@/in", "-o", "@/in"],
        &["@/in", "-o", "@/in/"],
        &["@/in/.", "-o", "@/in"],
        &["@/in", "-o", "@/in/sub/.."],
        &["@/in", "-o", "@/in/new"],
        &["@/in", "-o", "@/in/new/deep"],
        &["@/in", "-o", "@/in/sub"],
        &["@/in", "-o", "@/link"],
        &["@/link", "-o", "@/in"],
        &["@/link", "-o", "@/link/new"],
        &["@/link", "-o", "@/link/sub/../new"],
        &["@/in", "-o", "@/other/../in/new"],
        &["@/in", "-o", "@/other/back/in"],
        &["@/in", "-o", "@/other/none/../../in/x"],
        &["@/other", "@/in", "-o", "@/in/new"],
        &["@/in", "@/other", "-o", "@/other"],
        &["@/in", "--include", "*.gz", "-o", "@/in/new"],
        // A single file, into its own folder.
        &["@/in/a.log", "-o", "@/in"],
        &["@/in/a.log", "-o", "@/link"],
        &["@/in/a.log", "-o", "@/in/a.log"],
        &["@/in/a.log", "-o", "@/in/a.log/x"],
        &["@/in/file-link.log", "-o", "@/in"],
        &["@/other/named/a.log", "-o", "@/in"],
        &["@/in/a.log", "@/other/b.log", "-o", "@/other"],
        // The output holds the inputs, and a file would land among them.
        &["@/hold/hold", "-o", "@/hold"],
        &["@/in", "@/out/in", "-o", "@/out"],
        &["@/out/a", "@/out/b", "-o", "@/out"],
        // A folder of the output is a link into the input.
        &["@/in", "-o", "@/linked"],
    ];
    let make = || {
        let place = Place::new();
        for name in [
            "in/a.log",
            "in/sub/c.log",
            "other/b.log",
            "hold/hold/hold/a.log",
            "out/in/d.log",
            "out/a/e.log",
        ] {
            place.write(name, b"to bob@example.com\n");
        }
        place.write("out/b/f.log", b"to bob@example.com\n");
        let link = |target: &str, name: &str| {
            symlink(target, place.path(name)).expect("links can be made")
        };
        link("in", "link");
        link("..", "other/back");
        link("../in", "other/named");
        link("a.log", "in/file-link.log");
        fs::create_dir(place.path("linked")).expect("the folder can be written");
        link("../in/sub", "linked/sub");
        place
    };
    let place = make();
    let before = place.shell("find . -ls | sort -k 11");
    for args in refused {
        let ran = place.batch(args).code(2);
        assert!(
            ran.err().contains("or replace the files with --in-place"),
            "{args:?}: {}",
            ran.err()
        );
        assert!(place.shell("find . -ls | sort -k 11") == before, "{args:?} wrote something");
    }
    let taken: &[(&[&str], &str)] = &[
        (&["@/in", "-o", "@/into"], "into/a.log"),
        (&["@/in", "-o", "@/in/../beside"], "beside/a.log"),
        (&["@/in", "-o", "@/other"], "other/a.log"),
        (&["@/in/a.log", "-o", "@/in/new"], "in/new/a.log"),
        (&["@/in/a.log", "-o", "@/in/sub"], "in/sub/a.log"),
        (&["@/in/sub/c.log", "-o", "@/in"], "in/c.log"),
        (&["@/in/sub", "-o", "@/in"], "in/c.log"),
        (&["@/in/sub", "-o", "@/in/x"], "in/x/c.log"),
        (&["@/in", "-o", "@/"], "a.log"),
        (&["@/link", "-o", "@/new"], "new/a.log"),
        (&["@/in", "@/other", "-o", "@/new"], "new/other/b.log"),
        (&["@/out/in", "-o", "@/out"], "out/d.log"),
        (&["@/in/file-link.log", "-o", "@/new"], "new/file-link.log"),
        (&["@/in", "-o", "@/in-not-in-it"], "in-not-in-it/sub/c.log"),
    ];
    for (args, written) in taken {
        let place = make();
        place.batch(args).success();
        assert_eq!(place.read(written), b"to REDACTED-email\n", "{args:?}");
        let inputs = place.shell("cat in/a.log");
        assert_eq!(inputs, b"to bob@example.com\n", "{args:?} replaced an input");
        // The second run has nothing to do, so no output became an input.
        let ran = place.batch(args).success();
        assert!(ran.err().contains("files               0"), "{args:?}: {}", ran.err());
    }
}
