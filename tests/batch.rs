//! Batch: round trips of every format through common programs, hostile archives, refused input,
//! kills and full disks.

use std::{
    fs::{self, File},
    io::Write,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tempfile::TempDir;

use crate::harness::{Ran, binary, logscrub};

/// A log with findings that are made at run time, and the clean log.
pub(crate) fn log(n_lines: usize) -> (Vec<u8>, Vec<u8>) {
    let (mut dirty, mut clean) = (Vec::new(), Vec::new());
    for n in 0..n_lines {
        let line = format!(
            "2026-11-{:02}T10:00:00Z request {n} took {} ms, status 200\n",
            n % 28 + 1,
            n * 7919 % 1000
        );
        dirty.extend_from_slice(line.as_bytes());
        clean.extend_from_slice(line.as_bytes());
        if n % 10 == 3 {
            dirty.extend_from_slice(
                format!("login of canary{n}@example.com password=canary-{n}\n").as_bytes(),
            );
            clean.extend_from_slice(b"login of REDACTED-email password=REDACTED-password\n");
        }
    }
    (dirty, clean)
}

pub(crate) struct Place {
    pub(crate) folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Place {
        Place { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("it lies in the folder"))
            .expect("the folder can be written");
        fs::write(&path, bytes).expect("the folder can be written");
        path
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn batch(&self, args: &[&str]) -> Ran {
        let args = args
            .iter()
            .map(|arg| arg.replace("@", self.folder.path().to_str().expect("a plain path")));
        let args: Vec<String> = ["batch".to_owned()].into_iter().chain(args).collect();
        logscrub().args(args.iter().map(String::as_str)).run()
    }

    /// Runs a shell command in the folder.
    #[track_caller]
    pub(crate) fn shell(&self, command: &str) -> Vec<u8> {
        let output = Command::new("sh")
            .arg("-ec")
            .arg(command)
            .current_dir(self.folder.path())
            .output()
            .expect("sh is there");
        let words = output.stderr.escape_ascii().to_string();
        assert!(output.status.success(), "{command}: {words}");
        output.stdout
    }

    pub(crate) fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).expect("the folder is there");
        let mut names: Vec<String> = entries
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("text"))
            .collect();
        names.sort();
        names
    }
}

pub(crate) fn has(program: &str) -> bool {
    let found = Command::new("sh")
        .arg("-c")
        .arg(format!("command -v {program}"))
        .stdout(Stdio::null())
        .status();
    let is_there = found.is_ok_and(|status| status.success());
    if !is_there {
        eprintln!("SKIPPED: {program} is not installed");
    }
    is_there
}

#[test]
fn streams_come_back_through_their_own_programs() {
    let (dirty, clean) = log(30_000);
    for (pack, unpack) in [
        ("cat", "cat"),
        ("gzip -9", "gzip -dc"),
        ("zstd -q -19 --long=23", "zstd -qdc"),
        ("zstd -q", "zstd -qdc"),
        ("xz", "xz -dc"),
        ("bzip2 -1", "bzip2 -dc"),
        ("lz4 -q", "lz4 -qdc"),
    ] {
        if !has(pack.split(' ').next().expect("a name")) {
            continue;
        }
        let place = Place::new();
        place.write("log", &dirty);
        place.shell(&format!("mkdir in; {pack} < log > in/app.packed"));
        place.batch(&["@/in", "-o", "@/out"]).success().stderr_lacks("canary");
        assert!(place.shell(&format!("{unpack} < out/app.packed")) == clean, "{pack}");
        place.batch(&["--verify-manifest", "@/out"]).success().stderr_has("1 of 1 files");
    }
}

#[test]
fn an_empty_stream_stays_one() {
    let place = Place::new();
    place.shell("mkdir in; : > in/plain; gzip < in/plain > in/a.gz; zstd -qc in/plain > in/a.zst; xz -c in/plain > in/a.xz; bzip2 -c in/plain > in/a.bz2");
    place.batch(&["@/in", "-o", "@/out"]).success();
    place
        .shell("cd out; gzip -t a.gz; zstd -qt a.zst; xz -t a.xz; bzip2 -t a.bz2; test ! -s plain");
}

#[test]
fn members_and_frames_are_all_read_and_a_secret_over_their_edge_goes() {
    let place = Place::new();
    place.shell(
        "mkdir in; for way in 'gzip -c' 'zstd -qc' 'xz -c' 'bzip2 -c' 'lz4 -qc'; do name=$(echo $way | cut -d' ' -f1)
         (printf 'one\\nlogin of ali' | $way; printf 'ce@example.com\\ntwo\\n' | $way) > in/$name; done",
    );
    place.batch(&["@/in", "-o", "@/out"]).success();
    for way in ["gzip -dc", "zstd -qdc", "xz -dc", "bzip2 -dc", "lz4 -qdc"] {
        let name = way.split(' ').next().expect("a name");
        assert_eq!(
            place.shell(&format!("{way} < out/{name}")),
            b"one\nlogin of REDACTED-email\ntwo\n",
            "{way}"
        );
    }
}

#[test]
fn gzip_headers_are_kept_and_their_comments_scrubbed() {
    let place = Place::new();
    let script = "import zlib,struct
def member(text, name, comment, extra):
    c = zlib.compressobj(6, zlib.DEFLATED, -15); data = c.compress(text) + c.flush()
    head = b'\\x1f\\x8b\\x08\\x1c' + struct.pack('<I', 1234567) + b'\\0\\x03' + struct.pack('<H', len(extra)) + extra + name + b'\\0' + comment + b'\\0'
    return head + data + struct.pack('<II', zlib.crc32(text), len(text))
open('a.gz','wb').write(member(b'one\\n', b'first.log', b'of bob@example.com', b'XY\\2\\0zz') + member(b'two\\n', b'second.log', b'plain', b'XY\\1\\0z') + b'\\0' * 100)";
    place.write("make.py", script.as_bytes());
    place.shell("python3 make.py; mkdir in; mv a.gz in");
    place.batch(&["@/in", "-o", "@/out"]).success();
    let out = place.read("out/a.gz");
    let has = |part: &[u8]| out.windows(part.len()).any(|window| window == part);
    assert!(
        has(b"XY\x02\0zzfirst.log\0of REDACTED-email\0") && has(b"XY\x01\0zsecond.log\0plain\0")
    );
    assert_eq!(&out[4..8], 1_234_567_u32.to_le_bytes());
    assert_eq!(place.shell("gzip -dc out/a.gz"), b"one\ntwo\n");
}

#[test]
fn skippable_frames_with_text_stay_and_are_scrubbed() {
    let place = Place::new();
    place.shell(
        "mkdir in; (printf '\\120\\052\\115\\030\\022\\0\\0\\0by bob@example.com'; printf 'one\\n' | zstd -qc
         printf '\\121\\052\\115\\030\\004\\0\\0\\0\\001\\002\\003\\0') > in/a.zst",
    );
    place.batch(&["@/in", "-o", "@/out"]).success();
    assert!(place.read("out/a.zst").starts_with(b"\x50\x2a\x4d\x18\x11\0\0\0by REDACTED-email"));
    assert_eq!(place.shell("zstd -qdc out/a.zst"), b"one\n");
}

/// A tree with what tar supports: long names, links, an empty folder, modes, a compressed log and
/// an empty file.
fn tree(place: &Place) -> (Vec<u8>, String) {
    let (dirty, clean) = log(3000);
    let long = format!("{}/{}.log", "d".repeat(90), "n".repeat(150));
    place.write("t/app.log", &dirty);
    place.write(&format!("t/{long}"), b"by bob@example.com\n");
    place.write("t/empty", b"");
    place.shell("cd t; mkdir folder; ln -s app.log link; ln app.log hard; gzip -c app.log > app.log.gz; chmod 640 app.log; touch -d @1000000000 app.log");
    (clean, long)
}

#[test]
fn tar_comes_back_through_gnu_tar_bsdtar_and_python() {
    for form in ["gnu", "pax", "ustar", "v7"] {
        let place = Place::new();
        let (clean, long) = tree(&place);
        let long = if matches!(form, "gnu" | "pax") {
            Some(long)
        } else {
            place.shell("rm -r t/d*");
            None
        };
        place.shell(&format!("mkdir in; tar --format={form} -czf in/a.tgz t"));
        place.batch(&["@/in", "-o", "@/out"]).success();
        let mut readers = vec![
            "tar -xzf ../out/a.tgz",
            "python3 -c 'import tarfile; tarfile.open(\"../out/a.tgz\").extractall()' 2>/dev/null",
        ];
        if has("bsdtar") {
            readers.push("bsdtar -xzf ../out/a.tgz");
        }
        for reader in readers {
            place.shell(&format!("rm -rf x; mkdir x; cd x; {reader}"));
            assert!(
                place.read("x/t/app.log") == clean && place.read("x/t/hard") == clean,
                "{form} {reader}"
            );
            assert!(place.shell("gzip -dc x/t/app.log.gz") == clean, "{form} {reader}");
            let metadata = fs::metadata(place.path("x/t/app.log")).expect("it is there");
            assert_eq!(
                (metadata.mode() & 0o777, metadata.mtime(), metadata.nlink()),
                (0o640, 1_000_000_000, 2),
                "{form} {reader}"
            );
            assert_eq!(
                fs::read_link(place.path("x/t/link")).expect("it is a link"),
                Path::new("app.log")
            );
            assert!(place.path("x/t/folder").is_dir() && place.read("x/t/empty").is_empty());
            if let Some(long) = &long {
                assert_eq!(
                    place.read(&format!("x/t/{long}")),
                    b"by REDACTED-email\n",
                    "{form} {reader}"
                );
            }
        }
    }
}

#[test]
fn sparse_entries_come_out_whole() {
    for form in ["gnu", "posix"] {
        let place = Place::new();
        place.shell(&format!(
            "mkdir in; printf 'by bob@example.com\\n' > s; truncate -s 1M s; printf 'end of eve@example.com\\n' >> s
             tar --format={form} -Scf in/a.tar s; test $(stat -c %s in/a.tar) -lt 100000"
        ));
        place.batch(&["@/in", "-o", "@/out"]).success();
        let whole = place.shell("tar -xOf out/a.tar s");
        let expected =
            [&b"by REDACTED-email\n"[..], &vec![0; (1 << 20) - 19], b"end of REDACTED-email\n"]
                .concat();
        assert!(whole == expected, "{form}");
    }
}

#[test]
fn zip_comes_back_through_unzip_bsdtar_and_python() {
    let place = Place::new();
    let (dirty, clean) = log(3000);
    place.write("app.log", &dirty);
    let script = "import zipfile
z = zipfile.ZipFile('in/a.jar', 'w'); text = open('app.log').read()
z.writestr(zipfile.ZipInfo('stored.log', (2020, 1, 2, 3, 4, 6)), text)
z.writestr('folder/deflated.log', text, zipfile.ZIP_DEFLATED)
z.writestr('folder/', '')
i = zipfile.ZipInfo('mode.log'); i.external_attr = 0o640 << 16; i.comment = b'by bob@example.com'; z.writestr(i, 'x\\n')
with z.open('wide.log', 'w', force_zip64=True) as f: f.write(b'to eve@example.com\\n')
z.comment = b'for al@example.com'; z.close()";
    place.write("make.py", script.as_bytes());
    place.shell("mkdir in; python3 make.py");
    place.batch(&["@/in", "-o", "@/out"]).success();
    place.shell("unzip -tq out/a.jar; mkdir x; cd x; unzip -q ../out/a.jar");
    for name in ["stored.log", "folder/deflated.log"] {
        assert!(place.read(&format!("x/{name}")) == clean, "{name}");
    }
    assert_eq!(place.read("x/wide.log"), b"to REDACTED-email\n");
    let check = "import zipfile
z = zipfile.ZipFile('out/a.jar'); assert z.testzip() is None
assert z.namelist() == ['stored.log','folder/deflated.log','folder/','mode.log','wide.log'], z.namelist()
i = z.getinfo('stored.log'); assert i.compress_type == 0 and i.date_time == (2020, 1, 2, 3, 4, 6)
assert z.getinfo('mode.log').external_attr == 0o640 << 16 and z.getinfo('mode.log').comment == b'by REDACTED-email'
assert z.comment == b'for REDACTED-email'";
    place.write("check.py", check.as_bytes());
    place.shell("python3 check.py");
    if has("bsdtar") {
        assert!(place.shell("bsdtar -xOf out/a.jar folder/deflated.log") == clean);
    }
}

#[test]
fn archives_lie_in_archives_up_to_the_depth() {
    let place = Place::new();
    place.shell("mkdir in; echo by bob@example.com > a.log; gzip -k a.log; tar -cf b.tar a.log.gz; zip -q c.zip b.tar; tar -czf in/d.tgz c.zip");
    place
        .batch(&["@/in", "-o", "@/out"])
        .code(3)
        .stderr_has("d.tgz!c.zip!b.tar!a.log.gz: nested deeper");
    place.batch(&["@/in", "-o", "@/deep", "--depth", "4"]).success();
    let text = place.shell("tar -xzOf deep/d.tgz c.zip > c; unzip -p c b.tar | tar -xO | gzip -dc");
    assert_eq!(text, b"by REDACTED-email\n");
}

#[test]
fn what_cannot_be_examined_is_told_and_is_in_no_output() {
    let place = Place::new();
    let noise: Vec<u8> =
        (0..5000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 11) as u8).collect();
    let wide: Vec<u8> =
        "to bob@example.com\n".repeat(20).encode_utf16().flat_map(u16::to_le_bytes).collect();
    place.write("in/noise", &noise);
    place.write("in/wide", &wide);
    place.write("in/7z", b"7z\xbc\xaf\x27\x1cxxxx");
    place.write("in/good.log", b"to bob@example.com\n");
    place.shell("cd in; gzip -c noise > noise.gz; gzip -c good.log | head -c 20 > cut.gz; zip -q -P pw enc.zip good.log; tar -cf mix.tar noise good.log; (gzip -c good.log; printf x) > tail.gz");
    let ran = place.batch(&["@/in", "-o", "@/out"]).code(3);
    for told in [
        "noise: binary data",
        "noise.gz: binary data",
        "7z: a 7z archive",
        "cut.gz: truncated",
        "enc.zip!good.log: encrypted",
        "mix.tar!noise: binary data",
        "tail.gz: data that is not gzip follows",
        "wide: UTF-16LE text cannot be examined",
    ] {
        assert!(ran.err().contains(told), "{told:?} is not in {}", ran.err());
    }
    assert_eq!(place.names("out"), ["enc.zip", "good.log", "logscrub-manifest.jsonl", "mix.tar"]);
    assert_eq!(place.shell("tar -tf out/mix.tar"), b"good.log\n");
    // A second run skips finished files and reports the others again.
    place
        .batch(&["@/in", "-o", "@/out"])
        .code(3)
        .stderr_has("mix.tar!noise: binary data")
        .stderr_has("3 done earlier");

    place.batch(&["@/in", "-o", "@/all", "--copy-unexamined"]).code(3);
    assert_eq!(place.read("all/noise"), noise);
    assert_eq!(place.read("all/cut.gz"), place.read("in/cut.gz"));
    assert_eq!(place.shell("tar -xOf all/mix.tar noise"), noise);
    place.shell("unzip -P pw -p all/enc.zip good.log > enc; cmp enc in/good.log");
}

#[test]
fn in_place_keeps_what_it_cannot_examine_and_all_that_belongs_to_a_file() {
    let place = Place::new();
    let noise: Vec<u8> =
        (0..5000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 11) as u8).collect();
    place.write("in/noise", &noise);
    place.write("in/good.log", b"to bob@example.com\n");
    place.write("in/clean.gz", &place.shell("echo nothing here | gzip -1"));
    place.shell(
        "cd in; tar -cf mix.tar noise good.log; chmod 604 good.log; touch -d @1000000000.123456789 good.log clean.gz",
    );
    let before = fs::metadata(place.path("in/clean.gz")).expect("it is there").ino();
    place.batch(&["@/in", "--in-place", "--backup", ".orig"]).code(3);
    let metadata = fs::metadata(place.path("in/good.log")).expect("it is there");
    assert_eq!(
        (metadata.mode() & 0o777, metadata.mtime(), metadata.mtime_nsec()),
        (0o604, 1_000_000_000, 123_456_789)
    );
    assert_eq!(place.read("in/good.log"), b"to REDACTED-email\n");
    assert_eq!(place.read("in/good.log.orig"), b"to bob@example.com\n");
    assert_eq!(place.read("in/noise"), noise);
    assert_eq!(place.shell("cd in; tar -xOf mix.tar noise"), noise);
    assert_eq!(place.shell("cd in; tar -xOf mix.tar good.log"), b"to REDACTED-email\n");
    // A file without secrets is not touched.
    assert_eq!(fs::metadata(place.path("in/clean.gz")).expect("it is there").ino(), before);
    place.batch(&["@/in", "--in-place", "--backup", ".orig"]).code(3).stderr_has("3 done earlier");
    assert_eq!(place.read("in/good.log.orig"), b"to bob@example.com\n");
}

#[test]
fn links_are_not_followed_and_hidden_files_wait_to_be_asked_for() {
    let place = Place::new();
    place.write("secret/outside.log", b"to bob@example.com\n");
    place.write("in/.hidden", b"to bob@example.com\n");
    place.write("in/a.log", b"x\n");
    place.write("in/b.txt", b"x\n");
    symlink(place.path("secret"), place.path("in/link")).expect("links can be made");
    place.shell("mkfifo in/pipe");
    place
        .batch(&["@/in", "-o", "@/out"])
        .success()
        .stderr_has("a symbolic link")
        .stderr_has("a named pipe");
    assert_eq!(place.names("out"), ["a.log", "b.txt", "logscrub-manifest.jsonl"]);
    place
        .batch(&["@/in", "-o", "@/some", "--hidden", "--include", "*.log", "--include", ".*"])
        .success();
    assert_eq!(place.names("some"), [".hidden", "a.log", "logscrub-manifest.jsonl"]);
    place.batch(&["@/in", "-o", "@/none", "--until", "2000-01-01"]).success();
    assert_eq!(place.names("none"), ["logscrub-manifest.jsonl"]);
    place.write("list", format!("{}\n", place.path("in/b.txt").display()).as_bytes());
    place.batch(&["--files-from", "@/list", "-o", "@/listed", "--exclude", "a*"]).success();
    assert_eq!(place.names("listed"), ["b.txt", "logscrub-manifest.jsonl"]);
}

#[test]
fn hostile_archives_do_no_harm() {
    let place = Place::new();
    let script = "import tarfile, zipfile, io, gzip
def tar(name, entries):
    t = tarfile.open(name, 'w')
    for n, kind in entries:
        i = tarfile.TarInfo(n); i.type = kind; data = b'to bob@example.com\\n' if kind == tarfile.REGTYPE else b''
        i.size = len(data); i.linkname = '../../../etc/passwd' if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE) else ''
        t.addfile(i, io.BytesIO(data))
    t.close()
R = tarfile.REGTYPE
tar('in/names.tar', [('../../up.log', R), ('/tmp/absolute.log', R), ('twice.log', R), ('twice.log', R), ('Case.log', R), ('case.log', R),
    ('link', tarfile.SYMTYPE), ('hard', tarfile.LNKTYPE), ('device', tarfile.CHRTYPE), ('disk', tarfile.BLKTYPE)])
import warnings; warnings.simplefilter('ignore')
z = zipfile.ZipFile('in/names.zip', 'w')
for n in ['../../up.log', '/tmp/absolute.log', 'twice.log', 'twice.log', 'a\\\\b.log']: z.writestr(n, 'to bob@example.com\\n')
z.close()
open('in/bomb.gz','wb').write(gzip.compress(b'a\\n' * (50 << 20)))
b = bytearray(open('in/names.zip','rb').read()); b[40] ^= 1; open('in/crc.zip','wb').write(b)
open('in/front.zip','wb').write(b'hidden bob@example.com')
open('in/front.zip','ab').write(open('in/names.zip','rb').read())
open('in/front.zip','r+b').write(b'PK\\x03\\x04')
g = bytearray(gzip.compress(b'to bob@example.com\\n' * 1000)); g[-6] ^= 1; open('in/crc.gz','wb').write(g)
t = open('in/names.tar','rb').read(); open('in/cut.tar','wb').write(t[:1600]); open('in/after.tar','wb').write(t + b'bob@example.com')";
    place.write("make.py", script.as_bytes());
    place.shell("mkdir in; python3 make.py");
    let ran = place
        .batch(&[
            "@/in",
            "-o",
            "@/out",
            "--max-expansion",
            "10",
            "--max-expansion",
            "80MiB",
            "--memory",
            "64MiB",
        ])
        .code(3);
    for told in [
        "bomb.gz: unpacks to more than --max-expansion allows",
        "crc.gz: corrupt",
        "cut.tar: truncated",
        "after.tar: data follows the end",
        "crc.zip",
        "front.zip",
    ] {
        assert!(ran.err().contains(told), "{told:?} is not in {}", ran.err());
    }
    let names = place.names("out");
    assert!(
        ["bomb.gz", "crc.gz", "cut.tar", "after.tar", "front.zip"]
            .iter()
            .all(|name| !names.contains(&(*name).to_owned())),
        "{names:?}"
    );
    // The archives keep their entries; nothing was unpacked.
    assert_eq!(place.shell("tar -tPf out/names.tar | wc -l"), b"10\n");
    assert_eq!(
        place.shell(
            "python3 -c \"import zipfile; print(len(zipfile.ZipFile('out/names.zip').namelist()))\""
        ),
        b"5\n"
    );
    assert!(!Path::new("/tmp/absolute.log").exists() && !place.path("up.log").exists());
    let all = place.shell("cat out/*");
    assert!(!all.windows(15).any(|window| window == b"bob@example.com"));
}

#[test]
fn bombs_in_bombs_overlaps_and_cuts_are_refused_each_with_its_reason() {
    let place = Place::new();
    let script = "import gzip, zipfile, struct, io, tarfile, bz2, lzma, subprocess
text = b'to bob@example.com\\n' * 2000
flat = gzip.compress(b'a\\n' * (60 << 20))
open('in/nested.gz', 'wb').write(gzip.compress(flat))
z = zipfile.ZipFile('in/many.zip', 'w', zipfile.ZIP_DEFLATED)
for n in range(9): z.writestr(f'{n}.log', b'a\\n' * (10 << 20))
z.close()
# Two entries of the directory that mean the same bytes.
z = zipfile.ZipFile('in/overlap.zip', 'w'); z.writestr('a.log', text); z.close()
b = bytearray(open('in/overlap.zip', 'rb').read()); at = b.index(b'PK\\x01\\x02'); end = b.index(b'PK\\x05\\x06')
line = bytes(b[at:end]); tail = bytearray(b[end:]); tail[8:12] = struct.pack('<HH', 2, 2); tail[12:16] = struct.pack('<I', 2 * len(line))
open('in/overlap.zip', 'wb').write(bytes(b[:at]) + line + line + bytes(tail))
# A size that is not there, and one that is no size.
t = io.BytesIO(); a = tarfile.open(fileobj=t, mode='w'); i = tarfile.TarInfo('a.log'); i.size = len(text); a.addfile(i, io.BytesIO(text)); a.close()
t = bytearray(t.getvalue())
def with_size(size):
    h = bytearray(t[:512]); h[124:136] = size; h[148:156] = b' ' * 8; h[148:156] = b'%06o\\0 ' % sum(h); return bytes(h) + bytes(t[512:])
open('in/size.tar', 'wb').write(with_size(b'77777777777\\0')); open('in/minus.tar', 'wb').write(with_size(b'\\xff' * 12))
h = bytearray(t); h[0] ^= 1; h[512 + 38400:512 + 38912] = h[:512]; h[0] ^= 1; open('in/sum.tar', 'wb').write(bytes(h))
for name, packed in [('gz', gzip.compress(text)), ('bz2', bz2.compress(text)), ('xz', lzma.compress(text)),
    ('zst', subprocess.run(['zstd', '-qc'], input=text, stdout=subprocess.PIPE).stdout), ('lz4', subprocess.run(['lz4', '-qc'], input=text, stdout=subprocess.PIPE).stdout),
    ('zip', open('in/many.zip', 'rb').read()[:-30])]:
    open(f'in/cut.{name}', 'wb').write(packed[:-7])
    middle = bytearray(packed); middle[len(packed) // 2] ^= 0x55
    if name != 'zip': open(f'in/bad.{name}', 'wb').write(middle)";
    place.write("make.py", script.as_bytes());
    place.shell("mkdir in; python3 make.py");
    let before = place.shell("cat in/* | cksum");
    let limits = ["--max-expansion", "20", "--max-expansion", "80MiB", "--memory", "64MiB"];
    let ran =
        place.batch(&[&["@/in", "-o", "@/out", "--summary", "json"], &limits[..]].concat()).code(3);
    let told: serde_json::Value = serde_json::from_str(&ran.out()).expect("it is JSON");
    let told = told["unexamined"].as_array().expect("a list");
    for (name, reason) in [
        ("nested.gz", "unpacks to more than --max-expansion"),
        ("many.zip!", "unpacks to more than --max-expansion"),
        ("overlap.zip", "entries of the zip archive overlap"),
        ("size.tar", "truncated"),
        ("minus.tar", ""),
        ("sum.tar", "corrupt"),
        ("cut.gz", "truncated"),
        ("cut.bz2", ""),
        ("cut.xz", ""),
        ("cut.zst", ""),
        ("cut.lz4", "truncated"),
        ("cut.zip", "truncated"),
        ("bad.gz", "corrupt"),
        ("bad.bz2", ""),
        ("bad.xz", ""),
        ("bad.zst", ""),
        ("bad.lz4", ""),
    ] {
        let has = |entry: &serde_json::Value, key: &str, part: &str| {
            entry[key].as_str().is_some_and(|text| text.contains(part))
        };
        let is_told =
            told.iter().any(|entry| has(entry, "path", name) && has(entry, "reason", reason));
        assert!(is_told, "{name} {reason:?} is not in {told:?}");
    }
    assert_eq!(place.names("out"), ["logscrub-manifest.jsonl", "many.zip"]);
    // In place, nothing of it changes.
    place
        .batch(&["@/in", "--in-place", "--max-expansion", "20", "--max-expansion", "80MiB"])
        .code(3);
    fs::remove_file(place.path("in/logscrub-manifest.jsonl")).expect("it is there");
    assert_eq!(place.shell("cat in/* | cksum"), before);
}

#[test]
fn a_run_that_is_killed_leaves_whole_files_and_goes_on() {
    let (dirty, clean) = log(4000);
    let make = || {
        let place = Place::new();
        for n in 0..12 {
            place.write(&format!("in/{n}.log"), &dirty);
            place.shell(&format!("gzip -1n < in/{n}.log > in/{n}.gz"));
        }
        place
    };
    let undisturbed = make();
    undisturbed.batch(&["@/in", "-o", "@/out"]).success();
    let (mirror, place) = (make(), make());
    let originals: Vec<(String, Vec<u8>)> = place
        .names("in")
        .into_iter()
        .map(|name| (name.clone(), place.read(&format!("in/{name}"))))
        .collect();
    let mut moment = 1_u64;
    for _ in 0..50 {
        // Random numbers from a seed: the moments are the same in every run, the state they hit is
        // not.
        moment =
            moment.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let wait = format!("0.{:03}", (moment >> 33) % 400);
        for (place, args) in [(&mirror, "in -o out"), (&place, "in --in-place")] {
            let command =
                format!("timeout -s KILL {wait} {} batch -q {args} || true", binary().display());
            place.shell(&command);
        }
        for (name, original) in &originals {
            let now = place.read(&format!("in/{name}"));
            let whole = undisturbed.read(&format!("out/{name}"));
            assert!(
                now == *original || now == whole,
                "{name} is neither what it was nor what it becomes"
            );
            let mirrored = fs::read(mirror.path(&format!("out/{name}")));
            assert!(
                mirrored.is_err() || mirrored.is_ok_and(|bytes| bytes == whole),
                "{name} is not whole"
            );
        }
    }
    mirror.batch(&["@/in", "-o", "@/out"]).success();
    place.batch(&["@/in", "--in-place"]).success();
    for (name, _) in &originals {
        let whole = undisturbed.read(&format!("out/{name}"));
        assert!(
            mirror.read(&format!("out/{name}")) == whole
                && place.read(&format!("in/{name}")) == whole,
            "{name}"
        );
    }
    assert!(mirror.read("out/0.log") == clean);
    mirror.batch(&["--verify-manifest", "@/out"]).success();
}

#[test]
fn verification_finds_what_was_changed_and_what_is_missing() {
    let place = Place::new();
    place.write("in/a.log", b"to bob@example.com\n");
    place.write("in/b.log", b"to bob@example.com\n");
    place.batch(&["@/in", "-o", "@/out"]).success();
    place.batch(&["--verify-manifest", "@/out"]).success().stderr_has("2 of 2");
    place.write("out/a.log", b"to REDACTED-email!\n");
    fs::remove_file(place.path("out/b.log")).expect("it is there");
    place.write("out/sub/.more.log", b"nothing\n");
    place
        .batch(&["--verify-manifest", "@/out"])
        .code(4)
        .stderr_has("a.log: the digest differs")
        .stderr_has("b.log: missing")
        .stderr_has("sub/.more.log: not in the manifest")
        .stderr_has("3 faults");
}

#[test]
fn several_paths_in_place_have_one_manifest_that_can_be_checked() {
    let place = Place::new();
    place.write("one/a.log", b"to bob@example.com\n");
    place.write("two/a.log", b"to eve@example.com\n");
    place.write("real.log", b"to eve@example.com\n");
    symlink(place.path("real.log"), place.path("link.log")).expect("links can be made");
    let paths = ["@/one", "@/two", "@/link.log", "@/one/a.log"];
    place
        .batch(&[&paths[..], &["--in-place"]].concat())
        .success()
        .stderr_has("findings            3");
    // The target of the link was replaced, and the link is still a link.
    assert!(fs::symlink_metadata(place.path("link.log")).expect("it is there").is_symlink());
    assert_eq!(place.read("real.log"), b"to REDACTED-email\n");
    assert_eq!(place.names("two"), ["a.log"]);
    place.batch(&["--verify-manifest", "@/one"]).success().stderr_has("3 of 3");
    place.batch(&[&paths[..], &["--in-place"]].concat()).success().stderr_has("3 done earlier");
    place.write("two/a.log", b"to eve@example.com\n");
    place
        .batch(&["--verify-manifest", "@/one"])
        .code(4)
        .stderr_has("two/a.log: the digest differs");
    place.batch(&["@/real.log", "--in-place", "--manifest", "@/list/m"]).code(74);
    place.shell("mkdir list");
    place.batch(&["@/real.log", "--in-place", "--manifest", "@/list/m"]).success();
    place.batch(&["--verify-manifest", "@/list/m"]).success().stderr_has("1 of 1");
}

#[test]
fn secrets_in_names_are_on_the_disk_and_nowhere_else() {
    let place = Place::new();
    place.write("in/canary1@example.com/app.log", b"to bob@example.com\n");
    place.write("in/canary2@example.com.log.gz", b"\x7fELF");
    place.write("t/canary3@example.com.log", b"\x7fELF");
    place.shell("tar -cf in/a.tar t; ln -s x in/canary4@example.com; rm -r t");
    let ran = place
        .batch(&[
            "@/in",
            "-o",
            "@/out",
            "--summary",
            "json",
            "--report",
            "@/r.html",
            "--no-progress",
        ])
        .code(3);
    let (page, manifest) = (place.read("r.html"), place.read("out/logscrub-manifest.jsonl"));
    let told = [
        ran.out(),
        ran.err(),
        String::from_utf8_lossy(&page).into(),
        String::from_utf8_lossy(&manifest).into(),
    ];
    for text in &told {
        assert!(!text.contains("canary"), "{text}");
    }
    assert!(
        told[0].contains("REDACTED-email.log.gz#")
            && told[0].contains("a.tar!t/REDACTED-email.log"),
        "{}",
        told[0]
    );
    assert_eq!(place.read("out/canary1@example.com/app.log"), b"to REDACTED-email\n");
    // A second run and the check recognize such names.
    place
        .batch(&["@/in", "-o", "@/out"])
        .code(3)
        .stderr_has("2 done earlier")
        .stderr_lacks("canary");
    place.batch(&["--verify-manifest", "@/out"]).success().stderr_has("2 of 2");
    fs::remove_file(place.path("out/canary1@example.com/app.log")).expect("it is there");
    place
        .batch(&["--verify-manifest", "@/out"])
        .code(4)
        .stderr_has("missing")
        .stderr_lacks("canary");
    place.batch(&["@/none/password=canary5x9q", "-o", "@/out"]).code(2).stderr_lacks("canary");
}

#[test]
fn what_the_guard_finds_broken_is_withheld_and_the_original_stays() {
    if !cfg!(debug_assertions) || std::env::var_os("LOGSCRUB_BIN").is_some() {
        eprintln!("SKIPPED: only a build with debug assertions can be made to fail");
        return;
    }
    let place = Place::new();
    let text = b"to bob@example.com\nBREAK to eve@example.com\n";
    place.write("in/bad.log", text);
    place.write("in/good.log", b"to bob@example.com\n");
    place.shell("cd in; gzip -k good.log; tar -cf mix.tar bad.log good.log");
    let run = |args: &[&str]| {
        let args: Vec<String> = args
            .iter()
            .map(|arg| arg.replace('@', &place.path("").display().to_string()))
            .collect();
        logscrub().env("LOGSCRUB_FAULT", "guard:BREAK").args(args.iter().map(String::as_str)).run()
    };
    let ran = run(&["batch", "@in", "-o", "@out"]).code(4);
    assert!(
        ran.err().contains("bad.log: withheld by verification: scrubbing would break 1 records"),
        "{}",
        ran.err()
    );
    assert_eq!(
        place.names("out"),
        ["good.log", "good.log.gz", "logscrub-manifest.jsonl", "mix.tar"]
    );
    assert_eq!(place.shell("tar -tf out/mix.tar"), b"good.log\n");
    run(&["batch", "@in", "-o", "@out"]).code(4).stderr_has("3 done earlier");
    run(&["batch", "@in", "--in-place"]).code(4);
    assert_eq!(place.read("in/bad.log"), text);
    assert_eq!(place.shell("tar -xOf in/mix.tar bad.log"), text);
    assert_eq!(place.read("in/good.log"), b"to REDACTED-email\n");
}

#[test]
fn what_a_killed_run_left_on_its_way_is_swept() {
    let place = Place::new();
    for left in [
        "in/.logscrub-1-0.passing",
        "in/sub/.logscrub-1-1.passing",
        "out/sub/.logscrub-1-2.passing",
        "one/.logscrub-1-3.passing",
    ] {
        place.write(left, b"to bob@example.com\n");
    }
    place.write("in/a.log", b"to bob@example.com\n");
    place.write("one/a.log", b"to bob@example.com\n");
    place.batch(&["@/in", "--dry-run"]).success();
    assert!(place.path("in/.logscrub-1-0.passing").exists());
    place.batch(&["@/in", "-o", "@/out"]).success();
    place.batch(&["@/in", "--in-place"]).success();
    place.batch(&["@/one/a.log", "--in-place"]).success();
    assert_eq!(place.shell("find . -name '*.passing'"), b"");
    assert_eq!(place.shell("find in out one -type f | wc -l"), b"6\n");
}

#[test]
fn a_file_system_without_nameless_files_does_as_well() {
    let place = Place::new();
    let mount = "mkdir real fuse; bindfs --no-allow-other real fuse";
    let mounted =
        Command::new("sh").arg("-ec").arg(mount).current_dir(place.folder.path()).output();
    if !mounted.is_ok_and(|mounted| mounted.status.success()) {
        eprintln!("SKIPPED: no file system without nameless files (bindfs) can be mounted here");
        return;
    }
    let (dirty, clean) = log(3000);
    place.write("in/a.log", &dirty);
    place.shell("gzip -k in/a.log; tar -cf in/a.tar in/a.log; cp in/a.log fuse/own.log");
    let mirrored = place.batch(&["@/in", "-o", "@/fuse/out"]);
    let in_place = place.batch(&["@/fuse/own.log", "--in-place"]);
    let made = (
        place.read("fuse/out/a.log"),
        place.read("fuse/own.log"),
        place.shell("tar -xOf fuse/out/a.tar in/a.log"),
    );
    let names = place.shell("find fuse -name '*.passing'");
    place.shell("umount fuse");
    mirrored.success();
    in_place.success();
    assert!(made.0 == clean && made.1 == clean && made.2 == clean && names.is_empty());
}

#[test]
fn a_full_disk_ends_the_run_and_leaves_originals_whole() {
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
    let (dirty, _) = log(30_000);
    place.write("disk/a.log", &dirty);
    place.write("in/a.log", &dirty.repeat(2));
    let in_place = place.batch(&["@/disk/a.log", "--in-place"]);
    let mirrored = place.batch(&["@/in", "-o", "@/disk/out"]);
    let kept = place.read("disk/a.log") == dirty;
    let names = place.names("disk");
    place.shell("umount disk");
    in_place.code(74).stderr_has("cannot be written").stderr_has("it resumes where it stopped");
    mirrored.code(74).stderr_has("cannot be written");
    assert!(kept && names.iter().all(|name| !name.contains("passing")), "{names:?}");
}

#[test]
fn the_summary_and_the_report_tell_counts_and_no_value() {
    let place = Place::new();
    let (dirty, _) = log(3000);
    place.write("in/a.log", &dirty);
    place.write("in/<b>.log", b"\x7fELF");
    let ran =
        place.batch(&["@/in", "-o", "@/out", "--summary", "json", "--report", "@/r.html"]).code(3);
    let told: serde_json::Value = serde_json::from_str(&ran.out()).expect("it is JSON");
    assert_eq!(
        (told["findings"].as_u64(), told["by_rule"]["email"].as_u64()),
        (Some(600), Some(300))
    );
    assert_eq!(told["unexamined"][0]["reason"], "an executable");
    let page = String::from_utf8(place.read("r.html")).expect("it is text");
    let manifest =
        String::from_utf8(place.read("out/logscrub-manifest.jsonl")).expect("it is text");
    for text in [&page, &manifest, &ran.out(), &ran.err()] {
        assert!(!text.contains("canary"));
    }
    assert!(
        page.contains("&lt;b&gt;.log") && page.contains("an executable") && page.contains(">300<")
    );
    assert!(["http:", "https:", "<script", "url("].iter().all(|part| !page.contains(part)));
}

#[test]
fn days_are_told_by_the_records_and_the_time_of_the_file() {
    let place = Place::new();
    place.write(
        "in/cri.log",
        b"2026-11-24T10:00:00.1Z stdout F to bob@example.com\n2026-11-24T10:00:00.2Z stderr F to eve@example.com\n",
    );
    place.write(
        "in/docker.log",
        b"{\"log\":\"to bob@example.com\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-25T10:00:00Z\"}\n",
    );
    place.write(
        "in/syslog",
        b"Dec 31 23:59:59 host app: to bob@example.com\nJan  2 00:00:01 host app: to bob@example.com\n",
    );
    place.write("in/none", b"to bob@example.com\n");
    // Longer than the limit: the day is at the head, the findings come later.
    let long = |head: &str, tail: &str| {
        [
            head,
            &"to bob@example.com ".repeat(3),
            &"and on ".repeat(400_000),
            "to eve@example.com",
            tail,
        ]
        .concat()
    };
    place.write("in/long.log", long("2026-11-22T10:00:00Z ", "\nto eve@example.com\n").as_bytes());
    place.write(
        "in/long.json",
        long("{\"time\":\"2026-11-23T10:00:00Z\",\"log\":\"", "\"}\n").as_bytes(),
    );
    place.shell("touch -d 2026-01-03 in/syslog");
    let ran = place
        .batch(&["@/in", "-o", "@/out", "--summary", "json", "--report", "@/r.html"])
        .success();
    let told: serde_json::Value = serde_json::from_str(&ran.out()).expect("it is JSON");
    let expected = serde_json::json!({
        "2025-12-31": 1, "2026-01-02": 1, "2026-11-22": 4, "2026-11-23": 4, "2026-11-24": 2, "2026-11-25": 1
    });
    assert_eq!(told["by_day"], expected);
    let page = String::from_utf8(place.read("r.html")).expect("it is text");
    assert!(
        page.contains("<title>2026-11-24: 2</title>")
            && page.contains("2 more are in records without a date")
    );
}

/// The text of a page as Chromium shows it, a picture of it, and all requests that it made.
fn shown(place: &Place, page: &str, is_dark: bool) -> (String, Vec<u8>, String) {
    let name = if is_dark { "dark" } else { "light" };
    let flags = format!(
        "--headless --no-sandbox --disable-gpu --disable-background-networking --disable-component-update --no-first-run \
         --user-data-dir=profile --host-resolver-rules='MAP * ~NOTFOUND' --hide-scrollbars --window-size=1000,1600 \
         --blink-settings=preferredColorScheme={} --log-net-log={name}.json",
        u8::from(!is_dark)
    );
    let document = place.shell(&format!("chromium {flags} --dump-dom {page} 2>{name}.err"));
    place.shell(&format!("chromium {flags} --screenshot={name}.png {page} 2>{name}.err"));
    let log = String::from_utf8_lossy(&place.read(&format!("{name}.json"))).into_owned();
    (String::from_utf8(document).expect("it is text"), place.read(&format!("{name}.png")), log)
}

#[test]
fn chromium_shows_the_report_in_light_and_dark_and_asks_for_nothing_else() {
    if !has("chromium") {
        return;
    }
    let place = Place::new();
    let line = |n: usize| {
        format!(
            "2026-11-{:02}T10:00:00Z login of canary-{n}@example.com password=canary-{n}\n",
            n % 28 + 1
        )
    };
    place.write("in/a.log", (0..3000).map(line).collect::<String>().as_bytes());
    place.write("in/<img src=x>&http:canary.log", b"\x7fELF");
    place.batch(&["@/in", "-o", "@/out", "--report", "@/r.html"]).code(3);
    let (light, dark) = (shown(&place, "r.html", false), shown(&place, "r.html", true));
    for (document, picture, log) in [&light, &dark] {
        for part in [
            "Findings by rule",
            "Findings by day",
            "2026-11-01",
            "Files with the most findings",
            "an executable",
        ] {
            assert!(document.contains(part), "{part} is not on the page");
        }
        assert!(
            !document.contains("<img")
                && !document.contains("@example.com")
                && !document.contains("canary-")
        );
        assert!(picture.starts_with(b"\x89PNG") && picture.len() > 20_000, "the page is empty");
        let asked = log.split("\"url\":\"").skip(1).filter_map(|rest| rest.split('"').next());
        // The browser makes requests of its own.
        let own = ["google", "gvt1.com"];
        let is_other =
            |url: &&str| url.starts_with("http") && !own.iter().any(|name| url.contains(name));
        let others: Vec<&str> = asked.filter(is_other).collect();
        assert!(others.is_empty(), "{others:?}");
    }
    assert!(light.1 != dark.1, "light and dark are alike");
}

/// The corpora that are kept beside the project.
fn corpora() -> Option<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let folders = ["../shared/corpora", "../../shared/corpora"].map(|folder| root.join(folder));
    folders.into_iter().find(|folder| folder.join("benign").is_dir())
}

#[test]
fn a_mirror_of_the_corpora_is_what_the_filter_makes_of_each_file() {
    let Some(corpora) = corpora() else {
        eprintln!("SKIPPED: no corpora at ../shared/corpora");
        return;
    };
    let place = Place::new();
    for folder in ["benign", "containers"] {
        place.shell(&format!("mkdir -p in; cp -r {} in/{folder}", corpora.join(folder).display()));
    }
    place.batch(&["@/in", "-o", "@/out", "--config", "none"]);
    let files = String::from_utf8(place.shell("cd in; find . -type f")).expect("plain names");
    let (mut n_files, mut n_changed) = (0, 0);
    for name in files.lines() {
        let (before, after) = (format!("in/{name}"), format!("out/{name}"));
        let unpack = if name.ends_with(".gz") { "gzip -dc" } else { "cat" };
        let text = place.shell(&format!("{unpack} '{before}'"));
        let filtered = logscrub().args(["--config", "none"]).stdin(text.clone()).run().bytes();
        n_changed += usize::from(filtered != text);
        assert!(place.shell(&format!("{unpack} '{after}'")) == filtered, "{name}");
        n_files += 1;
    }
    assert!(n_files > 50 && n_changed > 20, "{n_files} files, {n_changed} of them changed");
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_written() {
    let place = Place::new();
    place.write("in/a/x.log", b"x\n");
    place.write("in/b/x.log", b"x\n");
    place.batch(&["@/in"]).code(2).stderr_has("batch: no output").stderr_has("hint: -o DIR");
    place.batch(&["-o", "@/out"]).code(2).stderr_has("no PATH");
    place.batch(&["@/none", "-o", "@/out"]).code(2).stderr_has("cannot be read");
    place
        .batch(&["@/in/a/x.log", "@/in/b/x.log", "-o", "@/out"])
        .code(2)
        .stderr_has("two files would become");
    place.batch(&["@/in", "-o", "@/out", "--memory", "1MiB"]).code(2).stderr_has("--memory");
    place.batch(&["@/in", "-o", "@/out", "--recompress", "zstd:99"]).code(2).stderr_has("1 to 22");
    place.batch(&["@/in", "-o", "@/out", "--since", "soon"]).code(2).stderr_has("--since");
}

#[test]
fn another_format_can_be_asked_for_and_threads_change_nothing() {
    let place = Place::new();
    let (dirty, clean) = log(120_000);
    place.write("log", &dirty);
    place.shell("mkdir in; gzip -1 < log > in/a.gz; cp log in/a.log");
    place.batch(&["@/in", "-o", "@/one", "-j", "1"]).success();
    place.batch(&["@/in", "-o", "@/many", "-j", "4"]).success();
    for name in ["a.gz", "a.log"] {
        assert!(
            place.read(&format!("one/{name}")) == place.read(&format!("many/{name}")),
            "{name}"
        );
    }
    // Formats that allow streams to be concatenated are read as one text.
    for (format, unpack) in [
        ("zstd:1", "zstd -qdc"),
        ("gzip:9", "gzip -dc"),
        ("xz:9", "xz -dc"),
        ("bzip2", "bzip2 -dc"),
        ("lz4", "lz4 -qdc"),
        (
            "xz:0",
            "python3 -c 'import lzma,sys; sys.stdout.buffer.write(lzma.open(sys.stdin.buffer).read())'",
        ),
        (
            "bzip2:1",
            "python3 -c 'import bz2,sys; sys.stdout.buffer.write(bz2.open(sys.stdin.buffer).read())'",
        ),
    ] {
        let folder = format!("@/other-{format}");
        place.batch(&["@/in", "-o", &folder, "--recompress", format]).success();
        assert!(place.shell(&format!("{unpack} < other-{format}/a.gz")) == clean, "{format}");
        assert!(place.read(&format!("other-{format}/a.log")) == clean);
    }
}

/// snappy frames as in its specification, without a library. What is written is not compressed;
/// what is read may be.
const SNAPPY: &str = "import struct, sys
def crc(data):
    c = 0xffffffff
    for byte in data:
        c ^= byte
        for _ in range(8): c = c >> 1 ^ (0x82f63b78 if c & 1 else 0)
    c ^= 0xffffffff
    return ((c >> 15 | c << 17) + 0xa282ead8) & 0xffffffff
def frames(text):
    out = b'\\xff\\x06\\0\\0sNaPpY'
    for at in range(0, len(text), 65536):
        part = text[at:at + 65536]
        out += b'\\x01' + (len(part) + 4).to_bytes(3, 'little') + struct.pack('<I', crc(part)) + part
    return out
def raw(data):
    at, size, shift = 0, 0, 0
    while True:
        byte = data[at]; at += 1; size |= (byte & 127) << shift; shift += 7
        if byte < 128: break
    out = bytearray()
    while at < len(data):
        tag = data[at]; at += 1
        if tag & 3 == 0:
            n = tag >> 2
            if n >= 60: k = n - 59; n = int.from_bytes(data[at:at + k], 'little'); at += k
            out += data[at:at + n + 1]; at += n + 1
            continue
        if tag & 3 == 1: n = (tag >> 2 & 7) + 4; back = (tag >> 5) << 8 | data[at]; at += 1
        elif tag & 3 == 2: n = (tag >> 2) + 1; back = int.from_bytes(data[at:at + 2], 'little'); at += 2
        else: n = (tag >> 2) + 1; back = int.from_bytes(data[at:at + 4], 'little'); at += 4
        for _ in range(n): out.append(out[-back])
    assert len(out) == size
    return bytes(out)
def text(data):
    at, out = 0, b''
    while at < len(data):
        kind, n = data[at], int.from_bytes(data[at + 1:at + 4], 'little'); body = data[at + 4:at + 4 + n]; at += 4 + n
        if kind == 255: assert body == b'sNaPpY'
        elif kind < 2:
            part = raw(body[4:]) if kind == 0 else body[4:]
            assert struct.unpack('<I', body[:4])[0] == crc(part); out += part
    return out
sys.stdout.buffer.write((frames if sys.argv[1] == 'pack' else text)(sys.stdin.buffer.read()))";

#[test]
fn snappy_frames_come_back_through_a_reader_of_their_description() {
    let place = Place::new();
    let (dirty, clean) = log(3000);
    place.write("log", &dirty);
    place.write("snappy.py", SNAPPY.as_bytes());
    place.shell("mkdir in; python3 snappy.py pack < log > in/a.sz; : | python3 snappy.py pack > in/empty.sz; cat in/a.sz in/a.sz > in/two.sz");
    place.batch(&["@/in", "-o", "@/out"]).success();
    assert!(place.shell("python3 snappy.py unpack < out/a.sz") == clean);
    assert!(place.shell("python3 snappy.py unpack < out/two.sz") == clean.repeat(2));
    assert_eq!(place.read("out/empty.sz"), b"\xff\x06\0\0sNaPpY");
}

#[test]
fn zip_entries_of_zstd_stay_such() {
    let place = Place::new();
    let script = "import struct, zlib, subprocess, sys
text = b'to bob@example.com\\n' * 50
data = subprocess.run(['zstd', '-qc'], input=text, stdout=subprocess.PIPE, check=True).stdout
fixed = struct.pack('<HHHIIIIHH', 63, 0, 93, 0x21 << 16, zlib.crc32(text), len(data), len(text), 5, 0)
local = b'PK\\x03\\x04' + fixed + b'a.log' + data
line = b'PK\\x01\\x02' + struct.pack('<H', 63) + fixed + struct.pack('<HHHII', 0, 0, 0, 0, 0) + b'a.log'
end = b'PK\\x05\\x06' + struct.pack('<HHHHIIH', 0, 0, 1, 1, len(line), len(local), 0)
open('in/a.zip', 'wb').write(local + line + end)";
    place.write("make.py", script.as_bytes());
    place.shell("mkdir in; python3 make.py");
    place.batch(&["@/in", "-o", "@/out"]).success();
    let check = "import struct, sys, zlib, zipfile
i = zipfile.ZipFile('out/a.zip').getinfo('a.log'); assert i.compress_type == 93
b = open('out/a.zip', 'rb').read(); start = 30 + sum(struct.unpack('<HH', b[26:30]))
sys.stdout.buffer.write(b[start:start + i.compress_size])";
    place.write("check.py", check.as_bytes());
    assert_eq!(place.shell("python3 check.py | zstd -qdc"), b"to REDACTED-email\n".repeat(50));
}

/// The high-water mark of memory of a run, in bytes.
fn peak(place: &Place, args: &str) -> u64 {
    let python = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True); \
                  print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)";
    let told = place.shell(&format!(
        "python3 -c '{python}' {} batch --config none -q {args}",
        binary().display()
    ));
    let kibibytes: u64 =
        std::str::from_utf8(&told).expect("it is text").trim().parse().expect("it is a number");
    kibibytes << 10
}

#[test]
fn memory_stays_below_what_was_said_whatever_the_files() {
    const MEMORY: u64 = 64 << 20;
    if !has("python3") || !has("gzip") || !has("tar") {
        return;
    }
    let place = Place::new();
    let (text, _) = log(2000);
    // Each is larger than the memory limit, compressed or not.
    let many = usize::try_from(MEMORY + (MEMORY >> 3)).expect("it fits") / text.len();
    place.write("plain/app.log", &text.repeat(many));
    place.shell(
        "mkdir gz tar; gzip -1 < plain/app.log > gz/app.log.gz; tar -cf tar/app.tar plain/app.log",
    );
    (0..3000).for_each(|n| drop(place.write(&format!("small/{}/{n}.log", n % 10), &text[..1000])));
    for form in ["plain", "gz", "tar", "small"] {
        let n_bytes = peak(&place, &format!("--memory 64MiB -j 2 {form} -o out-{form}"));
        assert!(n_bytes < MEMORY, "{form}: {n_bytes}");
        place.shell(&format!("rm -r out-{form}"));
    }
}

#[test]
fn dry_runs_write_nothing() {
    let place = Place::new();
    place.write("in/a.log", b"to bob@example.com\n");
    File::open(place.path("in/a.log"))
        .expect("it is there")
        .set_permissions(fs::Permissions::from_mode(0o444))
        .expect("it is ours");
    place
        .batch(&["@/in", "--dry-run", "--summary", "json", "--fail-on-findings"])
        .code(1)
        .stdout_has("\"findings\":1");
    assert_eq!(place.names("in"), ["a.log"]);
    std::io::stderr().flush().expect("standard error is open");
}
