"""The two extremes: many small files and one large file, both plain text. The bound is a copy and a
sync."""

import dataclasses
import hashlib
import itertools
import os
import pathlib
import random
import re
import shutil
import subprocess
import time

import process
import runs
from workloads import GONE, LABEL

# The number of small files for a large file of 4 GiB; smaller sets have fewer.
SMALL_FILES, BESIDE = 100_000, 4 << 30
SMALL_FILE, IN_FOLDER = 1 << 10, 1000
READ = 64 << 20
CACHES = pathlib.Path("/proc/sys/vm/drop_caches")


@dataclasses.dataclass
class End:
    """A tree, and the expected result of its files in order of names."""

    title: str
    n_text: int
    expected: str


def measure(arguments, pool, folder):
    """Figures by title, each by program."""
    figures = {}
    for make in (small, large):
        source = folder / "end"
        end = make(pool, arguments.size, source)
        known = figures[end.title] = {name: runs.Figure(end.n_text) for name in ("logscrub", "copy")}
        for turn in range(arguments.rounds):
            for name in random.Random(turn).sample([*known], len(known)):
                known[name].runs.append(one(arguments, name, end, source, folder / "out"))
        shutil.rmtree(source)
        for line in lines(end.title, known):
            print(line, flush=True)
    return figures


def small(pool, size, folder):
    n_files = max(SMALL_FILES * size // BESIDE, IN_FOLDER)
    made, digest, n_text = 0, hashlib.sha256(), 0
    while made < n_files:
        for dirty, expected in short_texts(pool, n_files - made):
            path = folder / f"{made // IN_FOLDER:04}" / f"app-{made % IN_FOLDER:03}.log"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(dirty)
            digest.update(expected)
            made, n_text = made + 1, n_text + len(dirty)
    return End(f"{n_files:,} files of {SMALL_FILE >> 10} KiB", n_text, digest.hexdigest())


def short_texts(pool, limit):
    """Up to `limit` texts of whole lines of at most 1 KiB, each with its expected result."""
    for piece in pool:
        dirty, expected, length = [], [], 0
        for line, clean in zip(piece.dirty.splitlines(True), piece.expected.splitlines(True)):
            if dirty and length + len(line) > SMALL_FILE:
                yield b"".join(dirty), b"".join(expected)
                limit -= 1
                if not limit:
                    return
                dirty, expected, length = [], [], 0
            dirty.append(line)
            expected.append(clean)
            length += len(line)


def large(pool, size, folder):
    folder.mkdir()
    digest, n_text = hashlib.sha256(), 0
    with open(folder / "app.log", "wb") as wtr:
        for piece in itertools.cycle(pool):
            if n_text >= size:
                break
            wtr.write(piece.dirty)
            digest.update(piece.expected)
            n_text += len(piece.dirty)
    return End(f"one file of {n_text / (1 << 20):,.0f} MiB", n_text, digest.hexdigest())


def one(arguments, name, end, source, out):
    """One run, with cold caches if allowed. Its output is checked and removed."""
    commands = {
        "logscrub": [arguments.bin, "batch", "--config", "none", "-q", "-j", str(arguments.threads), source, "-o", out],
        "copy": ["sh", "-c", 'cp -a "$1" "$2" && sync -f "$2"', "copy", source, out],
    }
    empty_caches()
    run = timed([str(word) for word in commands[name]])
    if name == "logscrub" and text_digest(out) != end.expected:
        raise runs.Fault(f"{end.title}: the text is not the expected one")
    shutil.rmtree(out)
    return run


def empty_caches():
    """Empties the caches, so that reads come from the disk. Returns whether that was allowed."""
    os.sync()
    try:
        CACHES.write_text("3")
    except OSError:
        return False
    return True


def timed(command):
    """Runs a command. Returns the kernel's account of it and its high-water mark of memory."""
    begin, memory = time.perf_counter(), 0
    before = os.times()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=process.ENVIRONMENT) as program:
        while program.poll() is None:
            told = re.search(r"VmHWM:\s+(\d+) kB", pathlib.Path(f"/proc/{program.pid}/status").read_text())
            memory = max(memory, int(told[1]) << 10 if told else 0)
            time.sleep(0.01)
        wall, after = time.perf_counter() - begin, os.times()
        if program.returncode:
            raise runs.Fault(f"{command[0]}: exit code {program.returncode}: {program.stderr.read().decode(errors='replace')[:300]}")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return runs.Run(wall, cpu, memory)


def text_digest(folder):
    """The digest of all files in order of names, with one word for every placeholder."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix == ".log"):
        with open(path, "rb") as rdr:
            while block := rdr.read(READ):
                digest.update(LABEL.sub(GONE, block + rdr.readline()))
    return digest.hexdigest()


def lines(title, known):
    yield f"{title}:"
    for name, figure in known.items():
        low, high = figure.spread
        yield f"  {name:9} wall {figure.wall:7.2f} s ({low:.2f} to {high:.2f})   CPU {figure.cpu:7.2f} s   memory {figure.memory / (1 << 20):.0f} MiB"


def table(figures):
    rows = ["| plain text, on the disk | **logscrub batch** | its CPU | its memory | `cp -a`, then a sync | its CPU | times the bound |", f"|---|{'--:|' * 6}"]
    for title, known in figures.items():
        ours, copy = known["logscrub"], known["copy"]
        cells = [f"**{ours.wall:.1f} s**", f"{ours.cpu:.1f} s", f"{ours.memory / (1 << 20):.0f} MiB", f"{copy.wall:.1f} s", f"{copy.cpu:.1f} s"]
        rows.append(f"| {title} | {' | '.join(cells)} | {ours.wall / copy.wall:.2f} × |")
    return "\n".join(rows)
