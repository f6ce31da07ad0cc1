"""The set of archives: made from a seed, with the expected result for every file in it."""

import contextlib
import dataclasses
import hashlib
import io
import pathlib
import shutil
import subprocess
import tarfile
import zipfile

from workloads import GONE, LABEL

# The share of the text in each format.
SHARES = {"gz": 0.3, "zst": 0.25, "tar.gz": 0.2, "zip": 0.1, "plain": 0.15}
LARGEST_FILE = 64 << 20
LARGEST_POOL = 256 << 20
PIECES_IN_ENTRY = 4


@dataclasses.dataclass
class Piece:
    """Some lines, the expected result, and the secrets in them in order."""

    dirty: bytes
    expected: bytes
    secrets: list


@dataclasses.dataclass
class File:
    path: pathlib.Path
    pieces: list

    @property
    def entries(self):
        """Names of the entries of an archive, with their pieces."""
        groups = [self.pieces[at : at + PIECES_IN_ENTRY] for at in range(0, len(self.pieces), PIECES_IN_ENTRY)]
        return [(f"var/log/app-{n:03}.log", group) for n, group in enumerate(groups)]

    @property
    def n_text(self):
        return sum(len(piece.dirty) for piece in self.pieces)

    # The interface that the checks of the comparison expect of a workload.
    @property
    def expected(self):
        return joined(self.pieces, "expected")

    @property
    def secrets(self):
        return [secret for piece in self.pieces for secret in piece.secrets]

    @property
    def n_lines(self):
        return self.expected.count(b"\n")


def first(files, n_bytes):
    """The first files that have this much text together."""
    chosen, n_text = [], 0
    for file in files:
        if n_text >= n_bytes:
            break
        chosen.append(file)
        n_text += file.n_text
    return chosen


def joined(pieces, what):
    return b"".join(getattr(piece, what) for piece in pieces)


def make(built, n_bytes, folder):
    """Makes the set below `folder`. Returns the files by format, and the pool that their text comes
    from."""
    n_pool = min(LARGEST_POOL, n_bytes // 2)
    subprocess.run([built / "workload", "one-percent", str(n_pool), folder / "pool"], check=True)
    pool = cut(folder / "pool", max(min(1 << 20, n_bytes // 128), 16 << 10))
    shutil.rmtree(folder / "pool")
    made, at = {}, 0
    for form, share in SHARES.items():
        (folder / "set" / form).mkdir(parents=True)
        left, made[form] = share * n_bytes, []
        n_file = min(LARGEST_FILE, left / 3)
        while left > 0:
            pieces = []
            while sum(len(piece.dirty) for piece in pieces) < min(n_file, left):
                pieces.append(pool[at % len(pool)])
                at += 1
            suffix = "" if form == "plain" else f".{form}"
            file = File(folder / "set" / form / f"app-{len(made[form]):03}.log{suffix}", pieces)
            WRITE[form](file)
            made[form].append(file)
            left -= file.n_text
    return made, pool


def cut(folder, size):
    """A workload as pieces of about `size` bytes of whole lines."""
    dirty, expected = (folder / "input").read_bytes(), (folder / "expected").read_bytes()
    secrets = iter((folder / "secrets").read_bytes().split(b"\n"))
    pieces, start, clean_start = [], 0, 0
    while start < len(dirty):
        end = dirty.find(b"\n", start + size) + 1 or len(dirty)
        clean_end = clean_start
        for _ in range(dirty.count(b"\n", start, end)):
            clean_end = expected.find(b"\n", clean_end) + 1
        clean = expected[clean_start:clean_end]
        pieces.append(Piece(dirty[start:end], clean, [next(secrets) for _ in range(clean.count(GONE))]))
        start, clean_start = end, clean_end
    return pieces


def gzip_command(*more):
    return ["pigz" if shutil.which("pigz") else "gzip", "-n", *more]


@contextlib.contextmanager
def through(command, path):
    """Writes through `command` into a file."""
    with open(path, "wb") as out, subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out) as program:
        yield program.stdin
        program.stdin.close()
        if program.wait():
            raise subprocess.CalledProcessError(program.returncode, command)


def write_gzip(file):
    with through(gzip_command("-6"), file.path) as wtr:
        wtr.writelines(piece.dirty for piece in file.pieces)


def write_zstd(file):
    with through(["zstd", "-q", "-3"], file.path) as wtr:
        wtr.writelines(piece.dirty for piece in file.pieces)


def write_tar(file):
    with through(gzip_command("-6"), file.path) as wtr, tarfile.open(fileobj=wtr, mode="w|") as tar:
        for name, pieces in file.entries:
            text = joined(pieces, "dirty")
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text))


def write_zip(file):
    with zipfile.ZipFile(file.path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, pieces in file.entries:
            archive.writestr(zipfile.ZipInfo(name), joined(pieces, "dirty"), zipfile.ZIP_DEFLATED)


def write_plain(file):
    with open(file.path, "wb") as wtr:
        wtr.writelines(piece.dirty for piece in file.pieces)


WRITE = {"gz": write_gzip, "zst": write_zstd, "tar.gz": write_tar, "zip": write_zip, "plain": write_plain}


def output(command):
    return subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout


def text_of(form, path):
    """The text that other programs read from a file that is not an archive."""
    commands = {"gz": gzip_command("-dc"), "zst": ["zstd", "-qdc"]}
    return output([*commands[form], path]) if form in commands else path.read_bytes()


def fault(form, file, path):
    """The fault of the output for `file`, or None."""
    if form not in ("tar.gz", "zip"):
        made, expected = [("", text_of(form, path))], [("", file.expected)]
    else:
        expected = [(name, joined(pieces, "expected")) for name, pieces in file.entries]
        made = list(tar_entries(path) if form == "tar.gz" else zip_entries(path))
    if [name for name, _ in made] != [name for name, _ in expected]:
        return "its entries have other names"
    wrong = [name for (name, text), (_, clean) in zip(made, expected) if LABEL.sub(GONE, text) != clean]
    return f"the text is not the expected one {' '.join(wrong)}" if wrong else None


def tar_entries(path):
    with tarfile.open(path) as tar:
        for entry in tar:
            yield entry.name, tar.extractfile(entry).read()


def zip_entries(path):
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            yield name, archive.read(name)


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
