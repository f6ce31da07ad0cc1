//! Metadata of archives and compressed streams. A secret planted in any field of any format is in
//! no output, or its file is reported as unexamined. Innocent metadata keeps every byte, names stay
//! distinct, and links follow their targets.

use std::{collections::BTreeMap, fs, process::Stdio};

use crate::batch::{Place, has};

/// Makes one file for each field of each format, with the text `value` only in that field. Files
/// whose field cannot be separated from its surroundings begin with `odd-`.
const MAKE: &str = r#"
import base64, bz2, gzip, io, lzma, os, struct, subprocess, sys, tarfile, zlib
folder, value = sys.argv[1], sys.argv[2].encode()
os.makedirs(folder, exist_ok=True)
BODY = b'2026-11-01T10:00:00Z request 17 took 12 ms\n'
def put(name, data): open(os.path.join(folder, name), 'wb').write(data)

def field(id, data): return struct.pack('<HH', id, len(data)) + data
def zipped(entries, comment=b'', gap=b'', behind=b''):
    'Entries: name, data, central extra, local extra, comment, external attributes.'
    out, lines = b'', b''
    for name, data, extra, local, note, attributes in entries:
        crc = zlib.crc32(data)
        at = len(out)
        fixed = struct.pack('<HHHHHIIIH', 20, 0, 0, 0x6000, 0x5c21, crc, len(data), len(data), len(name))
        out += b'PK\x03\x04' + fixed + struct.pack('<H', len(local)) + name + local + data + gap
        lines += b'PK\x01\x02' + struct.pack('<H', 0x0314) + fixed + struct.pack('<HHHHII', len(extra), len(note), 0, 0, attributes, at) + name + extra + note
    return out + lines + behind + b'PK\x05\x06' + struct.pack('<HHHHIIH', 0, 0, len(entries), len(entries), len(lines), len(out), len(comment)) + comment
def one(name=b'a.log', data=BODY, extra=b'', local=b'', note=b'', attributes=0o100644 << 16, **more):
    return zipped([(b'first.log', BODY, b'', b'', b'', 0o100644 << 16), (name, data, extra, local, note, attributes)], **more)
TIMES = field(0x5455, b'\x01' + b'\x10' * 4)
put('zip-name.zip', one(value + b'.log'))
put('zip-name-in-folder.zip', one(b'logs/' + value + b'/a.log'))
put('zip-folder.zip', one(b'logs/' + value + b'/', b''))
put('zip-entry-comment.zip', one(note=value))
put('zip-comment.zip', one(comment=b'by ' + value))
put('zip-link.zip', one(b'link', value, attributes=0o120777 << 16))
put('zip-extra-text.zip', one(extra=TIMES + field(0x4242, value), local=TIMES))
put('zip-extra-local.zip', one(extra=TIMES, local=TIMES + field(0x4242, value)))
put('odd-zip-extra-binary.zip', one(extra=field(0x4343, b'\x01\x02\x03\x04\x05\x06\x07\x08 ' + value + b'\x01\x02')))
put('odd-zip-extra-wide.zip', one(extra=field(0x4343, value.decode().encode('utf-16-le'))))
put('zip-unicode-name.zip', one(extra=field(0x7075, b'\x01' + struct.pack('<I', zlib.crc32(b'a.log')) + value + b'.log')))
put('zip-unicode-comment.zip', one(note=b'x', extra=field(0x6375, b'\x01' + struct.pack('<I', zlib.crc32(b'x')) + value)))
put('odd-zip-ntfs.zip', one(extra=field(0x000a, bytes(4) + struct.pack('<HH', 2, len(value)) + value)))
put('odd-zip-times.zip', one(extra=field(0x5455, b'\x01' + b'\x10' * 4 + value + b'\x01')))
put('zip-unix-link.zip', one(extra=field(0x000d, bytes(12) + value), local=field(0x000d, bytes(12) + value)))
put('zip-asi-link.zip', one(extra=field(0x756e, bytes(14) + value)))
put('odd-zip-gap.zip', one(gap=value))
put('odd-zip-behind.zip', one(behind=b'PK\x05\x05' + struct.pack('<H', len(value)) + value))
put('odd-zip-extra-cut.zip', one(extra=TIMES + b'\xff\xff\xff\xff\x01' + value))

def tarred(entries, form=tarfile.GNU_FORMAT, pax={}, patch=None):
    out = io.BytesIO()
    t = tarfile.open(fileobj=out, mode='w', format=form, pax_headers=pax)
    for n, set in enumerate(entries):
        i = tarfile.TarInfo('entry%d.log' % n)
        data = BODY
        for key, text in set.items(): setattr(i, key, text)
        if i.type != tarfile.REGTYPE: data = b''
        i.size = len(data)
        t.addfile(i, io.BytesIO(data))
    t.close()
    out = bytearray(out.getvalue())
    if patch:
        patch(out)
        out[148:156] = b' ' * 8
        out[148:156] = b'%06o\0 ' % sum(out[:512])
    return bytes(out)
text = value.decode()
U, G, P = tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT
short = {}
if len(text) < 90:
    put('tar-name.tar', tarred([{'name': text + '.log'}], U))
    put('tar-name-in-folder.tar', tarred([{'name': 'logs/' + text + '/a.log'}], G))
    put('tar-prefix.tar', tarred([{'name': 'logs/' + text + '/' + 'n' * 95}], U))
    put('tar-link.tar', tarred([{'name': 'link', 'type': tarfile.SYMTYPE, 'linkname': text}], G))
    put('tar-hard-link.tar', tarred([{'name': 'link', 'type': tarfile.LNKTYPE, 'linkname': text}], U))
put('tar-long-name.tar', tarred([{'name': 'd' * 120 + '/' + text + '.log'}], G))
put('tar-long-link.tar', tarred([{'name': 'link', 'type': tarfile.SYMTYPE, 'linkname': 'd' * 120 + '/' + text}], G))
put('tar-pax-name.tar', tarred([{'name': 'd' * 120 + '/' + text + '.log'}], P))
put('tar-pax-link.tar', tarred([{'name': 'link', 'type': tarfile.SYMTYPE, 'linkname': 'd' * 120 + '/' + text}], P))
put('tar-pax-stray-link.tar', tarred([{'pax_headers': {'linkpath': text}}], P))
put('tar-user.tar', tarred([{'uname': text[:31]}], G) if len(text) < 32 else tarred([{'uname': text}], P))
put('tar-pax-user.tar', tarred([{'pax_headers': {'uname': text, 'gname': 'x' * 40}}], P))
put('tar-comment.tar', tarred([{'pax_headers': {'comment': text}}], P))
put('tar-global-comment.tar', tarred([{}], P, {'comment': text}))
put('tar-xattr.tar', tarred([{'pax_headers': {'SCHILY.xattr.user.note': text}}], P))
put('tar-xattr-base64.tar', tarred([{'pax_headers': {'LIBARCHIVE.xattr.user.note': base64.b64encode(value).decode().rstrip('=')}}], P))
put('odd-tar-xattr-key.tar', tarred([{'pax_headers': {'SCHILY.xattr.user.' + text.replace('=', '-'): 'x'}}], P))
put('odd-tar-xattr-binary.tar', tarred([{'pax_headers': {'SCHILY.xattr.user.note': '\x01\x02\x03\x04\x05\x06\x07\x08' + text}}], P))
put('tar-vendor.tar', tarred([{'pax_headers': {'VENDOR.note': text}}], P))
def pad(out): out[480:480 + len(value[:30])] = value[:30]
def behind(out): out[40:40 + len(value[:58])] = value[:58]
if len(value) < 30:
    def gnu_pad(out): out[495:495 + len(value[:17])] = value[:17]
    put('odd-tar-pad-v7.tar', tarred([{}], U, patch=lambda out: (out.__setitem__(slice(257, 265), bytes(8)), out.__setitem__(slice(300, 300 + len(value)), value))))
if len(value) < 58:
    put('odd-tar-behind-name.tar', tarred([{}], U, patch=behind))
    put('odd-tar-behind-long.tar', tarred([{'name': 'd' * 120}], G, patch=lambda out: (out.__setitem__(slice(124, 136), b'%011o\0' % 200), out.__setitem__(slice(512 + 130, 512 + 130 + len(value)), value))))
put('tar-packed.tar.gz', gzip.compress(tarred([{'pax_headers': {'comment': text}}], P), mtime=0))

def member(data, name=None, comment=None, extra=None):
    c = zlib.compressobj(6, zlib.DEFLATED, -15); packed = c.compress(data) + c.flush()
    head = b'\x1f\x8b\x08' + bytes([(8 if name else 0) | (16 if comment else 0) | (4 if extra else 0)]) + struct.pack('<I', 1234567) + b'\0\x03'
    if extra: head += struct.pack('<H', len(extra)) + extra
    for part in (name, comment):
        if part: head += part + b'\0'
    return head + packed + struct.pack('<II', zlib.crc32(data), len(data))
sub = lambda letters, data: letters + struct.pack('<H', len(data)) + data
put('gzip-name.gz', member(BODY, name=value + b'.log'))
put('gzip-comment.gz', member(BODY, comment=b'of ' + value))
put('gzip-extra.gz', member(BODY, extra=sub(b'AB', value) + sub(b'CD', b'xy')))
put('odd-gzip-extra-binary.gz', member(BODY, extra=sub(b'AB', b'\x01\x02\x03\x04\x05\x06\x07\x08' + value)))
put('odd-gzip-extra-wide.gz', member(BODY, extra=sub(b'AB', text.encode('utf-16-le'))))
put('odd-gzip-block-size.gz', member(BODY, extra=sub(b'BC', value)))
put('gzip-extra-cut.gz', member(BODY, extra=b'no fields: ' + value))
put('gzip-second.gz', member(BODY) + member(BODY, name=value + b'.log'))
put('odd-gzip-behind.gz', member(BODY) + value)

run = lambda *command: subprocess.run(command, input=BODY, stdout=subprocess.PIPE, check=True).stdout
skippable = lambda data, kind=0: bytes([0x50 | kind]) + b'\x2a\x4d\x18' + struct.pack('<I', len(data)) + data
put('zstd-frame.zst', skippable(value) + run('zstd', '-qc'))
put('zstd-frame-behind.zst', run('zstd', '-qc') + skippable(value, 3))
put('odd-zstd-frame-binary.zst', run('zstd', '-qc') + skippable(b'\x01\x02\x03\x04\x05\x06\x07\x08' + value))
put('odd-zstd-frame-wide.zst', run('zstd', '-qc') + skippable(text.encode('utf-16-le')))
put('odd-zstd-behind.zst', run('zstd', '-qc') + value)
put('odd-lz4-frame.lz4', run('lz4', '-qc') + skippable(value))
put('odd-lz4-frame-first.lz4', skippable(value) + run('lz4', '-qc'))
put('odd-xz-behind.xz', lzma.compress(BODY) + value + bytes(-len(value) % 4))
put('odd-bzip2-behind.bz2', bz2.compress(BODY) + value)
def crc(data):
    c = 0xffffffff
    for byte in data:
        c ^= byte
        for _ in range(8): c = c >> 1 ^ (0x82f63b78 if c & 1 else 0)
    c ^= 0xffffffff
    return ((c >> 15 | c << 17) + 0xa282ead8) & 0xffffffff
chunk = lambda kind, data: bytes([kind]) + len(data).to_bytes(3, 'little') + data
SNAPPY = chunk(0xff, b'sNaPpY') + chunk(1, struct.pack('<I', crc(BODY)) + BODY)
put('odd-snappy-reserved.sz', SNAPPY + chunk(0x90, value))
put('odd-snappy-padding.sz', SNAPPY + chunk(0xfe, value))
put('odd-snappy-behind.sz', SNAPPY + value)
"#;

/// Reports for each file whether one of the secrets is in it, however it is packed or encoded.
const LOOK: &str = r#"
import base64, bz2, gzip, json, lzma, os, re, subprocess, sys
folder, secrets = sys.argv[1], [s.encode() for s in sys.argv[2:]]
def unpacked(data):
    out = [data]
    for way in (gzip.decompress, bz2.decompress, lzma.decompress,
        lambda d: subprocess.run(['zstd', '-qdc'], input=d, capture_output=True).stdout):
        try: out.append(way(data))
        except Exception: pass
    for text in list(out):
        for run in re.findall(rb'[A-Za-z0-9+/]{16,}', text):
            out.append(base64.b64decode(run + b'=' * (-len(run) % 4)) if len(run) % 4 != 1 else b'')
    return out
for path, _, names in os.walk(folder):
    for name in names:
        data = open(os.path.join(path, name), 'rb').read()
        has = any(s in part or s.decode().encode('utf-16-le') in part for part in unpacked(data) for s in secrets)
        print(json.dumps([name, has]))
"#;

/// Random numbers from a seed.
struct Random(u64);

impl Random {
    fn letters(&mut self, n_letters: usize) -> String {
        let letters = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
        let mut letter = || {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            char::from(letters[(self.0 >> 33) as usize % letters.len()])
        };
        (0..n_letters).map(|_| letter()).collect()
    }
}

/// Planted texts, each with the part that must not be left.
fn canaries(seed: u64) -> Vec<(&'static str, String, String)> {
    let mut random = Random(seed);
    let (user, token, password) =
        (random.letters(9).to_lowercase(), random.letters(20), random.letters(16));
    vec![
        ("email", format!("{user}@example.com"), user),
        ("token", format!("{}{token}", "glpat-"), token),
        ("url", format!("postgres://app:{password}@db.example.com/x"), password),
    ]
}

/// The number of sets of canaries; set with `LOGSCRUB_TEST_CASES`.
fn n_cases() -> u64 {
    std::env::var("LOGSCRUB_TEST_CASES").ok().and_then(|number| number.parse().ok()).unwrap_or(1)
}

fn has_all() -> bool {
    ["python3", "zstd", "lz4"].into_iter().all(has)
}

fn make(place: &Place, folder: &str, value: &str) {
    place.write("make.py", MAKE.as_bytes());
    place.shell(&format!("python3 make.py {folder} '{value}'"));
}

/// The files below a folder, and whether a secret is in each.
fn look(place: &Place, folder: &str, secrets: &[&str]) -> BTreeMap<String, bool> {
    place.write("look.py", LOOK.as_bytes());
    let told = place.shell(&format!("python3 look.py {folder} {}", secrets.join(" ")));
    let told = String::from_utf8(told).expect("plain names");
    let told =
        told.lines().map(|line| serde_json::from_str::<(String, bool)>(line).expect("it is JSON"));
    told.filter(|(name, _)| name != "logscrub-manifest.jsonl").collect()
}

/// What a run reports as unexamined, by the name of the file.
fn unexamined(told: &str) -> BTreeMap<String, String> {
    let told: serde_json::Value = serde_json::from_str(told).expect("it is JSON");
    let entries = told["unexamined"].as_array().expect("a list").iter();
    let entries = entries.map(|entry| {
        (entry["path"].as_str().expect("text"), entry["reason"].as_str().expect("text"))
    });
    entries
        .map(|(path, reason)| {
            (path.split('!').next().unwrap_or_default().to_owned(), reason.to_owned())
        })
        .collect()
}

#[test]
fn what_is_planted_in_any_field_is_in_no_output_or_its_file_is_reported() {
    if !has_all() {
        return;
    }
    for seed in 1..=n_cases() {
        for (kind, value, secret) in canaries(seed) {
            let place = Place::new();
            make(&place, "in", &value);
            let planted = look(&place, "in", &[&secret]);
            let n_files = planted.len();
            assert!(n_files > 45, "{n_files}");
            for (name, has) in planted {
                assert!(has, "{name} holds no canary");
            }
            place.shell("cp -a in own");
            let ran =
                place.batch(&["@/in", "-o", "@/out", "--config", "none", "--summary", "json"]);
            for text in [
                ran.out(),
                ran.err(),
                String::from_utf8_lossy(&place.read("out/logscrub-manifest.jsonl")).into(),
            ] {
                assert!(!text.contains(&secret), "{kind}: {text}");
            }
            let reported = unexamined(&ran.out());
            for (name, has) in look(&place, "out", &[&secret]) {
                assert!(!has, "{kind} {name} leaks");
            }
            // A separable field is rewritten, and its file is in the output.
            let there = place.names("out");
            for name in place.names("in").iter().filter(|name| !name.starts_with("odd-")) {
                assert!(
                    there.contains(name) && !reported.contains_key(name),
                    "{kind} {name}: {reported:?}"
                );
            }
            place.batch(&["--verify-manifest", "@/out", "--config", "none"]).success();
            // Scrubbing again changes nothing.
            place
                .batch(&["@/out", "-o", "@/twice", "--config", "none", "--summary", "json"])
                .stdout_has("\"findings\":0");

            let ran =
                place.batch(&["@/own", "--in-place", "--config", "none", "--summary", "json"]);
            let reported = unexamined(&ran.out());
            for (name, has) in look(&place, "own", &[&secret]) {
                assert!(
                    !has || reported.contains_key(&name),
                    "{kind} {name} leaks in place and is not reported"
                );
            }

            // A check with rules that the run did not have finds the canary wherever it is.
            let other = [
                "@/in",
                "-o",
                "@/raw",
                "--config",
                "none",
                "--only",
                "age-secret-key",
                "--summary",
                "json",
            ];
            let reported = unexamined(&place.batch(&other).out());
            let left = look(&place, "raw", &[&secret]);
            let checked = place.batch(&["--verify-manifest", "@/raw", "--config", "none"]).code(4);
            for (name, _) in left.iter().filter(|(_, has)| **has) {
                assert!(
                    checked.err().contains(name.as_str()),
                    "{kind} {name} passes the check: {reported:?}"
                );
            }
        }
    }
}

#[test]
fn innocent_metadata_keeps_every_byte() {
    if !has_all() {
        return;
    }
    let place = Place::new();
    make(&place, "in", "release-notes of build 4711");
    // Odd files are also odd with innocent texts.
    place.shell("rm in/odd-*");
    let ran =
        place.batch(&["@/in", "-o", "@/out", "--config", "none", "--summary", "json"]).success();
    assert!(unexamined(&ran.out()).is_empty(), "{}", ran.out());
    let mut n_compared = 0;
    for name in place.names("in") {
        let (before, after) =
            (place.read(&format!("in/{name}")), place.read(&format!("out/{name}")));
        if name.ends_with(".tar") || name.ends_with(".zip") {
            assert!(before == after, "{name} differs");
            n_compared += 1;
        }
        // The headers of a stream stay. They end with the text, whatever the packed data became.
        let text = b"release-notes of build 4711";
        let at = |bytes: &[u8]| bytes.windows(text.len()).position(|window| window == text);
        if name.starts_with("gzip-") && name != "gzip-second.gz" || name == "zstd-frame.zst" {
            let end = at(&before).expect("it was planted") + text.len();
            // The byte of a gzip header for the compression level is not kept.
            assert!(after.len() > end && before[10..end] == after[10..end], "{name} differs");
            n_compared += 1;
        }
    }
    assert!(n_compared > 30, "{n_compared}");
    place.batch(&["--verify-manifest", "@/out", "--config", "none"]).success();
}

/// Archives with names that become equal, and links to them.
const NAMES: &str = r#"
import io, sys, tarfile, zipfile
users = ['bob@example.com', 'eve@example.com', 'al@example.com']
paths = ['home/%s/app.log' % u for u in users] + ['%s.log' % u for u in users] + ['plain.log', 'REDACTED-email.log']
for form, name in [(tarfile.GNU_FORMAT, 'gnu'), (tarfile.PAX_FORMAT, 'pax'), (tarfile.USTAR_FORMAT, 'ustar')]:
    for order in (1, -1):
        t = tarfile.open('in/%s%d.tar' % (name, order), 'w', format=form)
        entries = []
        for n, path in enumerate(paths):
            i = tarfile.TarInfo(path); data = b'number %d\n' % n; i.size = len(data)
            entries.append((i, data))
        for n, user in enumerate(users):
            i = tarfile.TarInfo('hard%d' % n); i.type = tarfile.LNKTYPE; i.linkname = 'home/%s/app.log' % user
            entries.append((i, b''))
        links = []
        for n, (at, to) in enumerate([('links/a', '../%s.log'), ('home/%s/b', 'app.log'), ('c', 'home/%s'), ('links/d', '../home/%s/app.log')]):
            for m, user in enumerate(users):
                i = tarfile.TarInfo((at % user if '%' in at else at) + str(m)); i.type = tarfile.SYMTYPE; i.linkname = to % user if '%' in to else to
                links.append((i, b''))
        # A hard link must follow its target; a symbolic one may come before it.
        for i, data in (entries + links if order == 1 else links + entries): t.addfile(i, io.BytesIO(data))
        t.close()
z = zipfile.ZipFile('in/a.zip', 'w')
for n, path in enumerate(paths): z.writestr(path, 'number %d\n' % n)
for m, user in enumerate(users):
    i = zipfile.ZipInfo('links/a%d' % m); i.create_system = 3; i.external_attr = 0o120777 << 16; z.writestr(i, '../%s.log' % user)
z.close()
"#;

#[test]
fn renamed_entries_stay_apart_and_links_follow_them_in_every_program() {
    if !has("python3") || !has("unzip") {
        return;
    }
    let place = Place::new();
    place.write("names.py", NAMES.as_bytes());
    place.shell("mkdir in; python3 names.py");
    place.batch(&["@/in", "-o", "@/out", "--config", "none"]).success();
    place.batch(&["--verify-manifest", "@/out", "--config", "none"]).success();
    let mut readers = vec![
        "tar -xf ../out/{}.tar",
        "python3 -c 'import tarfile; tarfile.open(\"../out/{}.tar\").extractall()' 2>/dev/null",
    ];
    if has("bsdtar") {
        readers.push("bsdtar -xf ../out/{}.tar");
    }
    let numbers = |names: &[&str]| -> Vec<String> {
        let text = place.shell(&format!("cd x; cat {}", names.join(" ")));
        String::from_utf8(text).expect("it is text").lines().map(str::to_owned).collect()
    };
    let check = |archive: &str| {
        let files = String::from_utf8(place.shell("cd x; find . -type f")).expect("plain names");
        assert!(!files.contains("@example.com"), "{archive}: {files}");
        // All eight files are there, each once.
        let mut found = numbers(&["$(find . -type f ! -name 'hard*')"]);
        found.sort();
        assert_eq!(found, (0..8).map(|n| format!("number {n}")).collect::<Vec<_>>(), "{archive}");
        assert_eq!(
            numbers(&["links/a0", "links/a1", "links/a2"]),
            ["number 3", "number 4", "number 5"],
            "{archive}"
        );
    };
    for name in ["gnu1", "gnu-1", "pax1", "pax-1", "ustar1", "ustar-1"] {
        for reader in &readers {
            place.shell(&format!("rm -rf x; mkdir x; cd x; {}", reader.replace("{}", name)));
            check(&format!("{name} by {reader}"));
            for links in [
                ["links/d0", "links/d1", "links/d2"],
                ["hard0", "hard1", "hard2"],
                ["c0/app.log", "c1/app.log", "c2/app.log"],
                ["c0/b0", "c1/b1", "c2/b2"],
            ] {
                assert_eq!(
                    numbers(&links),
                    ["number 0", "number 1", "number 2"],
                    "{name} by {reader}"
                );
            }
        }
    }
    place.shell(
        "unzip -tq out/a.zip; zipinfo out/a.zip; rm -rf x; mkdir x; cd x; unzip -q ../out/a.zip",
    );
    check("a.zip by unzip");
    if has("bsdtar") {
        place.shell("rm -rf x; mkdir x; cd x; bsdtar -xf ../out/a.zip");
        check("a.zip by bsdtar");
    }
    place.shell("python3 -c \"import zipfile; z = zipfile.ZipFile('out/a.zip'); assert z.testzip() is None and len(set(z.namelist())) == 11\"");
}

#[test]
fn real_programs_read_what_became_of_their_own_metadata() {
    if !has("zip") || !has("gzip") {
        return;
    }
    let place = Place::new();
    let mut random = Random(7);
    let user = random.letters(9).to_lowercase();
    place.write(&format!("t/{user}@example.com.log"), b"one\n");
    place.write("t/plain.log", b"two\n");
    place.shell(&format!(
        "mkdir in; cp -a t/{user}@example.com.log in/; gzip in/{user}@example.com.log; mv in/*.gz in/a.gz
         echo 'by {user}@example.com' | zip -qzr in/a.zip t
         tar --format=gnu -cf in/gnu.tar t; tar --format=posix --pax-option=comment='by {user}@example.com' -cf in/pax.tar t"
    ));
    let has_attributes = has("setfattr")
        && std::process::Command::new("setfattr")
            .args(["-n", "user.note", "-v", &format!("by {user}@example.com")])
            .arg(place.path("t/plain.log"))
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
    if has_attributes {
        place.shell("tar --xattrs --format=posix -cf in/attributes.tar t");
        if has("bsdtar") {
            place.shell("bsdtar --format=pax -cf in/bsd-attributes.tar t");
        }
    }
    let ran =
        place.batch(&["@/in", "-o", "@/out", "--config", "none", "--summary", "json"]).success();
    assert!(unexamined(&ran.out()).is_empty());
    assert!(look(&place, "out", &[&user]).values().all(|has| !has));
    place.shell("cd out; gzip -lv a.gz; gzip -t a.gz; unzip -tq a.zip; zipinfo -v a.zip");
    let listed =
        place.shell("cd out; unzip -z a.zip; for f in *.tar; do tar -tvf $f; done; gzip -Nlv a.gz");
    let listed = String::from_utf8(listed).expect("it is text");
    assert!(
        listed.contains("by REDACTED-email") && listed.matches("t/REDACTED-email.log").count() >= 2,
        "{listed}"
    );
    if has_attributes {
        place.shell("mkdir x; tar --xattrs -xf out/attributes.tar -C x");
        let value = place.shell("getfattr --only-values -n user.note x/t/plain.log");
        assert_eq!(value, b"by REDACTED-email");
    }
    let _ = fs::remove_dir_all(place.path("x"));
}
